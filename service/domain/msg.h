/*
 * A record as it came from the log, before anything is known about it.
 *
 * The bytes belong to the event source and live until fd_source_ops.release gets `handle`.
 * Plain data, one owner at a time.
 */
#ifndef FD_DOMAIN_MSG_H
#define FD_DOMAIN_MSG_H

#include "base/str.h"

/* Kafka's kinds of record timestamp. */
typedef enum fd_ts_type { FD_TS_NONE, FD_TS_CREATE, FD_TS_LOG_APPEND } fd_ts_type;

/* A (topic, partition) of a source; topics are numbered as the configuration lists sources. */
typedef struct fd_tp {
    uint16_t source; /* index of the source */
    int32_t partition;
} fd_tp;

/* A partition and the next offset to read. -1 = none committed. */
typedef struct fd_tpo {
    fd_tp tp;
    int64_t offset;
    int32_t leader_epoch; /* -1 = unknown */
} fd_tpo;

typedef struct fd_header {
    fd_str name;
    fd_str value;
    bool null_value; /* a header may have no value at all */
} fd_header;

typedef struct fd_msg {
    fd_tp tp;
    int64_t offset;
    int32_t leader_epoch;
    int64_t kafka_ms; /* record timestamp, ms since the epoch; -1 = none */
    fd_ts_type ts_type;
    fd_str key;
    fd_str value;
    bool null_key;
    bool null_value;
    void *handle; /* the source's own */
} fd_msg;

#endif
