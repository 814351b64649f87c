/*
 * How an input topic is read: what stands before the Avro bytes, and where a new group begins.
 * Plain data, any thread.
 */
#ifndef FD_DOMAIN_INPUT_H
#define FD_DOMAIN_INPUT_H

#include "base/str.h"

/* X(name, text in the configuration, bytes of the header) */
#define FD_FRAMINGS(X)           \
    X(RAW, "raw", 0)             \
    X(CONFLUENT, "confluent", 5) \
    X(SINGLE_OBJECT, "single-object", 10)

typedef enum fd_framing {
#define X(name, text, bytes) FD_FRAMING_##name,
    FD_FRAMINGS(X)
#undef X
        FD_N_FRAMINGS
} fd_framing;

const char *fd_framing_name(fd_framing f);
bool fd_framing_parse(fd_str text, fd_framing *out);

/* Where a partition without a committed offset begins. */
typedef enum fd_start_kind { FD_START_EARLIEST, FD_START_LATEST, FD_START_TIME } fd_start_kind;

typedef struct fd_start {
    fd_start_kind kind;
    int64_t time_ms; /* FD_START_TIME: the first record whose Kafka timestamp is not before this */
} fd_start;

#endif
