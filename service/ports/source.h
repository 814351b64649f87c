/*
 * The event source port: a consumer group member as the pipeline sees it.
 *
 * Shape: one event at a time out of poll(), rebalances included. A rebalance is *answered* later,
 * with assign() or unassign(), from the same thread, so that the pipeline can drain first; until
 * it is answered, poll() goes on delivering. Offsets are the caller's: the source never commits
 * and never stores one. Thread: the engine thread, but for what says "any thread".
 *
 * Errors are classed (base/status.h): RETRY = call again later, nothing happened; FATAL = the
 * member cannot go on (fenced instance, no authorisation), err->exit_code says how to leave.
 */
#ifndef FD_PORTS_SOURCE_H
#define FD_PORTS_SOURCE_H

#include "base/status.h"
#include "domain/msg.h"

typedef enum fd_source_kind {
    FD_SOURCE_NONE,   /* nothing within the timeout */
    FD_SOURCE_MSG,    /* msg: the caller releases it */
    FD_SOURCE_EOF,    /* tp was read up to `offset`, which is its end for now */
    FD_SOURCE_ASSIGN, /* parts were assigned; answer with assign() */
    FD_SOURCE_REVOKE, /* parts are taken away in good order; answer with unassign() */
    FD_SOURCE_LOST,   /* parts are gone already, somebody else may own them; unassign() */
    FD_SOURCE_GONE,   /* tp has no record at the offset asked for (retention, or a log reset) */
    FD_SOURCE_ERROR,  /* err: RETRY = worth telling, the source goes on by itself; or FATAL */
} fd_source_kind;

typedef struct fd_source_event {
    fd_source_kind kind;
    fd_msg msg;
    fd_tp tp;
    int64_t offset;
    const fd_tp *parts; /* valid until the next poll */
    uint32_t n_parts;
    fd_err err;
} fd_source_event;

/* A snapshot of the membership that a transaction sends with its offsets. */
typedef struct fd_membership {
    int32_t generation; /* < 0: not a member: nothing may be committed */
    bool has_member_id;
    void *handle; /* the source's own, for fd_txn_ops.send_offsets */
} fd_membership;

typedef struct fd_source_ops {
    /* Waits up to timeout_us (0 = look only), or until wake(). */
    void (*poll)(void *self, int64_t timeout_us, fd_source_event *out);
    /* Makes a waiting poll return. Any thread. */
    void (*wake)(void *self);
    void (*release)(void *self, fd_msg *msg); /* any thread */
    /* Headers of a message, into out[max]; the number there are. Bytes live as long as msg. */
    uint32_t (*headers)(void *self, const fd_msg *msg, fd_header *out, uint32_t max);

    /* Answers ASSIGN: start fetching these from these offsets. */
    fd_class (*assign)(void *self, const fd_tpo *parts, uint32_t n, fd_err *err);
    /* Answers REVOKE or LOST. */
    fd_class (*unassign)(void *self, const fd_tp *parts, uint32_t n, fd_err *err);
    /* Fetches assigned partitions anew from these offsets; what was fetched is forgotten. */
    fd_class (*restart)(void *self, const fd_tpo *parts, uint32_t n, fd_err *err);
    fd_class (*pause)(void *self, const fd_tp *parts, uint32_t n, fd_err *err);
    fd_class (*resume)(void *self, const fd_tp *parts, uint32_t n, fd_err *err);

    /* Committed stable offsets of the group into parts[].offset, -1 where there is none. Waits
     * for pending transactions. Any thread. */
    fd_class (*committed)(void *self, fd_tpo *parts, uint32_t n, int timeout_ms, fd_err *err);
    /* First and next offset of the log, asked of the broker. Any thread. */
    fd_class (*bounds)(void *self, fd_tp tp, int64_t *first, int64_t *next, int timeout_ms,
                       fd_err *err);
    /* The earliest offset whose record timestamp is >= time_ms; the end if there is none. */
    fd_class (*at_time)(void *self, fd_tp tp, int64_t time_ms, int64_t *offset, int timeout_ms,
                        fd_err *err);
    /* The next offset of the log by the last fetch response (read_committed: last stable
     * offset); -1 = not known yet. */
    int64_t (*cached_end)(void *self, fd_tp tp);

    /* Any thread; give back with membership_free. */
    fd_class (*membership)(void *self, fd_membership *out, fd_err *err);
    void (*membership_free)(void *self, fd_membership *m);
} fd_source_ops;

typedef struct fd_source {
    const fd_source_ops *ops;
    void *self;
} fd_source;

#endif
