/*
 * The consumer adapter's inside: the table of partitions, and rebalances that wait for an answer.
 *
 * Invariants: a partition is `assigned` exactly while librdkafka was told to fetch it (or, while
 * an eager revoke is open, until the revoke is answered); nothing is delivered of one that is not
 * assigned or is `muted`; `next` never falls except through assign and restart.
 * The engine thread owns everything here but `wake_fd` and `woken`.
 */
#ifndef FD_KAFKA_CONSUMER_INT_H
#define FD_KAFKA_CONSUMER_INT_H

#include <stdatomic.h>

#include "base/assert.h"
#include "kafka/consumer.h"
#include "kafka/kafka_int.h"

enum {
    FD_SOURCE_MAGIC = 0x464b5343,
    FD_MEMBER_MAGIC = 0x464b4d42,
    FD_OPEN_REBALANCES = 8,     /* librdkafka waits for each answer; a lost one may overtake */
    FD_TOLD_ERRORS = 16,        /* different errors remembered as told already */
    FD_PENDING_ERRORS = 8,      /* errors between two polls */
    FD_PARTITIONS_MAX = 1 << 20 /* per topic; a sane bound on what a broker may say */
};

typedef struct fd_part {
    int64_t next; /* the lowest offset that may be delivered */
    int32_t leader_epoch;
    bool assigned;
    bool muted;       /* deliver nothing: leaving, or its restart waits */
    bool restart_due; /* restart at `next` once no rebalance is open */
    bool paused;
    bool at_end; /* EOF was said at `next` */
} fd_part;

typedef struct fd_topic_parts {
    const char *name;
    rd_kafka_topic_t *rkt; /* carries the source index as its opaque */
    fd_part *parts;
    int32_t n;
} fd_topic_parts;

typedef struct fd_rebalance {
    fd_source_kind kind; /* ASSIGN, REVOKE or LOST */
    bool told;           /* poll() has returned it */
    bool answered;
    fd_tp *parts;
    uint32_t n;
    uint32_t left; /* parts[0..left) are not answered yet (REVOKE and LOST) */
} fd_rebalance;

struct fd_kafka_source {
    fd_kafka_owner owner; /* first: the opaque of the handle */
    uint32_t magic;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    fd_topic_parts *topics;
    uint32_t n_topics;
    char *group;
    int wake_fd; /* an eventfd: wake() and librdkafka write to it */
    _Atomic bool woken;

    fd_rebalance open[FD_OPEN_REBALANCES]; /* in the order they came */
    uint32_t n_open;
    bool closing, closed;

    fd_err pending[FD_PENDING_ERRORS];
    uint32_t n_pending;
    int told[FD_TOLD_ERRORS]; /* since the last sign of health */
    uint32_t n_told;
    bool failed; /* a FATAL was told */
};

/* What fd_membership.handle points at. */
typedef struct fd_kafka_member {
    uint32_t magic;
    rd_kafka_consumer_group_metadata_t *meta;
    const fd_topic_parts *topics; /* of the source, which outlives the snapshot */
    uint32_t n_topics;
} fd_kafka_member;

static inline fd_kafka_source *fd_source_of(void *self)
{
    fd_kafka_source *s = self;
    FD_CHECK_MAGIC(s, FD_SOURCE_MAGIC);
    return s;
}

/* NULL when that partition was never assigned. */
fd_part *fd_source_part(fd_kafka_source *s, fd_tp tp);

/* consumer_assign.c: the rebalance callback, and the port's answers. */
void fd_source_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *parts, void *opaque);
/* The next rebalance that poll() has not told; NULL = none. */
fd_rebalance *fd_source_untold(fd_kafka_source *s);
/* Forgets rebalances that were told and answered. */
void fd_source_sweep(fd_kafka_source *s);
/* Answers everything that is open by giving all partitions up; from then on, inline. */
void fd_source_abandon(fd_kafka_source *s);
fd_class fd_source_assign(void *self, const fd_tpo *parts, uint32_t n, fd_err *err);
fd_class fd_source_unassign(void *self, const fd_tp *parts, uint32_t n, fd_err *err);
fd_class fd_source_restart(void *self, const fd_tpo *parts, uint32_t n, fd_err *err);
fd_class fd_source_pause(void *self, const fd_tp *parts, uint32_t n, fd_err *err);
fd_class fd_source_resume(void *self, const fd_tp *parts, uint32_t n, fd_err *err);

/* consumer_poll.c: delivery and errors. */
void fd_source_poll(void *self, int64_t timeout_us, fd_source_event *out);
void fd_source_wake(void *self);
void fd_source_release(void *self, fd_msg *msg);
uint32_t fd_source_headers(void *self, const fd_msg *msg, fd_header *out, uint32_t max);
void fd_source_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);
/* Queues an error for poll(): RETRY ones at most once until the source is healthy again. */
void fd_source_tell(fd_kafka_source *s, rd_kafka_resp_err_t code, const char *text);

/* consumer_query.c: questions to the broker; any thread. */
fd_class fd_source_committed(void *self, fd_tpo *parts, uint32_t n, int timeout_ms, fd_err *err);
fd_class fd_source_bounds(void *self, fd_tp tp, int64_t *first, int64_t *next, int timeout_ms,
                          fd_err *err);
fd_class fd_source_at_time(void *self, fd_tp tp, int64_t time_ms, int64_t *offset, int timeout_ms,
                           fd_err *err);
int64_t fd_source_cached_end(void *self, fd_tp tp);
fd_class fd_source_membership(void *self, fd_membership *out, fd_err *err);
void fd_source_membership_free(void *self, fd_membership *m);

/* membership.c: generation and member id out of rd_kafka_consumer_group_metadata_write()'s bytes,
 * for libraries without getters; false = not the format we know. */
bool fd_kafka_membership_parse(const void *bytes, size_t n, int32_t *generation,
                               bool *has_member_id);
fd_class fd_kafka_membership_of(const rd_kafka_consumer_group_metadata_t *meta, int32_t *generation,
                                bool *has_member_id, fd_err *err);

/* message.c: shared with the reader of client.h. */
void fd_kafka_msg_from(const rd_kafka_message_t *rkm, uint16_t source, fd_msg *out);
uint32_t fd_kafka_msg_headers(const fd_msg *msg, fd_header *out, uint32_t max);
int32_t fd_kafka_leader_epoch(const rd_kafka_message_t *rkm);
void fd_kafka_set_leader_epoch(rd_kafka_topic_partition_t *p, int32_t epoch);
int32_t fd_kafka_get_leader_epoch(const rd_kafka_topic_partition_t *p);

#endif
