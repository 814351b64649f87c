/*
 * What writer.c and reader.c share, and the pure part of the reader: where to begin.
 */
#ifndef FD_KAFKA_CLIENT_INT_H
#define FD_KAFKA_CLIENT_INT_H

#include "kafka/client.h"
#include "kafka/kafka_int.h"

typedef enum fd_kafka_from_kind {
    FD_KAFKA_FROM_BEGINNING,
    FD_KAFKA_FROM_END,
    FD_KAFKA_FROM_OFFSET, /* value */
    FD_KAFKA_FROM_TAIL,   /* the last `value` ones */
    FD_KAFKA_FROM_TIME    /* value: ms since the epoch */
} fd_kafka_from_kind;

typedef struct fd_kafka_from {
    fd_kafka_from_kind kind;
    int64_t value;
} fd_kafka_from;

/* from.c: FATAL with FD_EXIT_USAGE when `text` is none of the forms in client.h. */
fd_class fd_kafka_from_parse(const char *text, int64_t now_ms, fd_kafka_from *out, fd_err *err);

/* client.c: waits for the topic's metadata. RETRY = no broker answered in time (69), FATAL = no
 * such topic, no authorisation (78). */
fd_class fd_kafka_topic_partitions(rd_kafka_t *rk, rd_kafka_topic_t *rkt,
                                   const fd_kafka_settings *settings, int timeout_ms,
                                   int32_t *partitions, fd_err *err);
int64_t fd_kafka_now_ms(void); /* monotonic */

#endif
