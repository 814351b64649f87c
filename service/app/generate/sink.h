/*
 * Where generated records go, payments or labels: an Avro container, JSON lines, CSV, or a Kafka
 * topic.
 *
 * Every call fails with a text that names the file or topic; nothing is dropped silently. Thread:
 * main.
 */
#ifndef FD_APP_GENERATE_SINK_H
#define FD_APP_GENERATE_SINK_H

#include "app/generate/record.h"
#include "app/kafka_options.h"
#include "codec/container.h"
#include "codec/frame.h"

/* Undecodable records between the payments; X(name, text). */
#define FD_PLANTED(X)                          \
    X(TRUNCATED, "cut in the middle")          \
    X(TRAILING, "with bytes left over")        \
    X(GARBAGE, "of bytes that are no payment") \
    X(EMPTY, "empty")                          \
    X(TOMBSTONE, "without a value")

typedef enum fd_planted {
#define X(name, text) FD_PLANTED_##name,
    FD_PLANTED(X)
#undef X
        FD_N_PLANTED
} fd_planted;

typedef struct fd_sink fd_sink;

typedef struct fd_sink_config {
    const fd_record_shape *shape;
    const char *file;      /* NULL: Kafka; "-": standard output */
    fd_rows_format format; /* of the file; AUTO: by its name */
    bool deflate;          /* Avro container only */
    fd_kafka_options *kafka;
    const char *topic;
    fd_framing framing;
    uint32_t schema_id;
    bool event_timestamps; /* Kafka: the record's timestamp is the event's time, else now */
} fd_sink_config;

/* By the end of a name; AUTO: it says nothing. */
fd_rows_format fd_sink_format_of(const char *file);

/* err->exit_code says how to leave. */
fd_class fd_sink_open(const fd_sink_config *config, fd_sink **out, fd_err *err);
fd_class fd_sink_put(fd_sink *s, const void *record, fd_err *err);
/* Kafka only: an undecodable record made of this one, with its key. */
fd_class fd_sink_poison(fd_sink *s, const void *record, fd_planted kind, fd_err *err);
bool fd_sink_can_poison(const fd_sink *s);
/* Before a pause: what has been put becomes visible. */
fd_class fd_sink_flush(fd_sink *s, fd_err *err);
/* Everything has reached the file or the brokers when this is FD_OK. Frees in any case. */
fd_class fd_sink_close(fd_sink *s, fd_err *err);

#endif
