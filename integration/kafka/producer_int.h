/*
 * The transactional adapter's inside.
 *
 * Invariants: a lane's `rk` is NULL exactly when the lane is destroyed; `watch` outlives `rk`,
 * because librdkafka's threads write to it. Thread: per lane, one at a time; `watch` and
 * `partitions` are atomics.
 */
#ifndef FD_KAFKA_PRODUCER_INT_H
#define FD_KAFKA_PRODUCER_INT_H

#include <stdatomic.h>

#include "base/assert.h"
#include "kafka/kafka_int.h"
#include "kafka/producer.h"

enum { FD_TXN_MAGIC = 0x464b5458, FD_TRANSACTIONAL_ID_MAX = 256 };

/* What the request interceptors see, from librdkafka's threads. */
typedef struct fd_watch {
    _Atomic bool dirty;
    _Atomic bool end_pending;   /* an EndTxn was sent and not answered */
    _Atomic bool init_answered; /* an InitProducerId was answered, well or not */
} fd_watch;

typedef struct fd_lane {
    fd_kafka_owner owner; /* first: the opaque of the handle */
    struct fd_kafka_txn *txn;
    fd_watch watch;
    rd_kafka_t *rk;
    rd_kafka_topic_t *topics[FD_N_OUT_TOPICS];
    bool initialised;    /* init_transactions() succeeded */
    uint32_t impatience; /* how often this open() began anew rather than wait */
    bool open;
    bool too_large;
    uint64_t produced, delivered, failed; /* records of this transaction */
    char id[FD_TRANSACTIONAL_ID_MAX];
} fd_lane;

struct fd_kafka_txn {
    uint32_t magic;
    fd_kafka_settings settings; /* deep copies of the maps */
    char *topics[FD_N_OUT_TOPICS];
    _Atomic int32_t partitions[FD_N_OUT_TOPICS];
    fd_lane lanes[FD_LANES];
};

static inline fd_kafka_txn *fd_txn_of(void *self)
{
    fd_kafka_txn *t = self;
    FD_CHECK_MAGIC(t, FD_TXN_MAGIC);
    return t;
}

static inline fd_lane *fd_lane_of(void *self, int lane)
{
    FD_ASSERT(lane >= 0 && lane < FD_LANES);
    return &fd_txn_of(self)->lanes[lane];
}

/* producer_open.c */
rd_kafka_conf_t *fd_lane_conf(fd_kafka_txn *t, fd_lane *lane, fd_err *err);
fd_class fd_txn_open(void *self, int lane, int timeout_ms, fd_err *err);
void fd_txn_destroy(void *self, int lane);

/* watch.c: attaches the interceptors to a configuration. */
void fd_watch_install(rd_kafka_conf_t *conf, fd_watch *watch);

#endif
