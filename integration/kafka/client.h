/*
 * Kafka for the command-line tools: a plain producer that knows what was delivered, and a reader
 * outside any group. Neither commits anything, neither belongs on the decision path.
 *
 * Errors: RETRY = no answer in time, call again; FATAL with an exit code (INTERFACE §6).
 * Thread: one owner at a time.
 */
#ifndef FD_KAFKA_CLIENT_H
#define FD_KAFKA_CLIENT_H

#include "domain/msg.h"
#include "kafka/settings.h"

/* ---- writing ---- */

typedef struct fd_kafka_writer fd_kafka_writer;

typedef struct fd_kafka_record {
    int32_t partition;    /* -1 = by key as the Java client does, at random without a key */
    int64_t timestamp_ms; /* -1 = now */
    fd_str key;
    fd_str value;
    bool null_key;
    bool null_value;
    uint32_t n_headers;
    const fd_header *headers;
} fd_kafka_record;

/* Idempotent, acks=all. Waits up to timeout_ms for the topic's metadata: RETRY with
 * FD_EXIT_UNAVAILABLE when no broker answers, FATAL with FD_EXIT_CONFIG for a missing topic. */
fd_class fd_kafka_writer_new(const fd_kafka_settings *settings, const char *topic, int timeout_ms,
                             fd_kafka_writer **out, fd_err *err);
int32_t fd_kafka_writer_partitions(const fd_kafka_writer *w);

/* Copies the record. Waits while the queue is full (back-pressure): up to timeout_ms, then RETRY
 * and the record was not taken. FATAL once any record has failed for good. */
fd_class fd_kafka_writer_put(fd_kafka_writer *w, const fd_kafka_record *record, int timeout_ms,
                             fd_err *err);

/* OK: every record put so far is stored. RETRY: some are still on their way. */
fd_class fd_kafka_writer_flush(fd_kafka_writer *w, int timeout_ms, fd_err *err);
uint64_t fd_kafka_writer_delivered(const fd_kafka_writer *w);
uint64_t fd_kafka_writer_failed(const fd_kafka_writer *w);

/* Records not flushed may be lost. NULL is fine. */
void fd_kafka_writer_free(fd_kafka_writer *w);

/* ---- reading ---- */

typedef struct fd_kafka_reader fd_kafka_reader;

typedef struct fd_kafka_reader_config {
    fd_kafka_settings settings;
    const char *topic;
    int32_t partition; /* -1 = all */
    /* Where to begin, as kcat: "beginning", "end", an offset, "-N" (the last N of each
     * partition), "@MS" or "@2026-01-31T10:00:00Z" (first record not before that time), "@-1h"
     * or "-@1h" (an hour ago; ms s m h d w). NULL or "" = beginning. */
    const char *from;
    const char *until; /* the same for where to stop, that record not included; NULL = the end.
                          Not with follow */
    bool follow;       /* go on at the end; else stop at the end as it was when the reader began */
    bool by_partition; /* each partition has its own queue: read with poll_partition only */
    int64_t now_ms;    /* what "@-1h" is relative to */
    int timeout_ms;    /* for finding the broker, the topic and the offsets */
} fd_kafka_reader_config;

typedef enum fd_kafka_read {
    FD_KAFKA_READ_NONE, /* nothing within the timeout */
    FD_KAFKA_READ_MSG,  /* *msg: give it back with release; msg->tp.source is 0 */
    FD_KAFKA_READ_END,  /* all partitions were read to their end (never with follow) */
    FD_KAFKA_READ_ERROR /* err: RETRY = worth telling, goes on by itself; FATAL = the end */
} fd_kafka_read;

/* read_committed unless the user's settings say otherwise. Errors as fd_kafka_writer_new; a
 * `from` that cannot be read is FATAL with FD_EXIT_USAGE. */
fd_class fd_kafka_reader_new(const fd_kafka_reader_config *config, fd_kafka_reader **out,
                             fd_err *err);
int32_t fd_kafka_reader_partitions(const fd_kafka_reader *r); /* of the topic */
/* What is read of a partition: [*begin, *end). False: nothing. */
bool fd_kafka_reader_range(const fd_kafka_reader *r, int32_t partition, int64_t *begin,
                           int64_t *end);
fd_kafka_read fd_kafka_reader_poll(fd_kafka_reader *r, int timeout_ms, fd_msg *msg, fd_err *err);
/* The same of one partition, in offset order; END when it was read to its end. */
fd_kafka_read fd_kafka_reader_poll_partition(fd_kafka_reader *r, int32_t partition, int timeout_ms,
                                             fd_msg *msg, fd_err *err);
/* Headers into out[max]; the number there are. Bytes live as long as msg. */
uint32_t fd_kafka_reader_headers(const fd_msg *msg, fd_header *out, uint32_t max);
void fd_kafka_reader_release(fd_msg *msg);
void fd_kafka_reader_free(fd_kafka_reader *r); /* NULL is fine */

#endif
