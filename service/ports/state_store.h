/*
 * The state-store port: a cache of window state with a redo point per partition (DESIGN §5).
 *
 * Per (partition, lineage) a store holds a marker and values by (key kind, key). The marker says:
 * every event below `redo` is in the values. Each value carries its LSN, the offset of the last
 * event in it; the log is the truth, so whatever is doubtful is answered REFUSED and redone.
 *
 * Calls queue requests and never block; replies come in the order of requests. A request is atomic
 * in the store. All but TAKE name the owner's nonce and the sequence number that they expect;
 * RESET, FLUSH and SWEEP raise it by one when they are done, so one that is refused or lost refuses
 * all later ones, and a delayed one of a former owner does nothing. Hence requests may be submitted
 * behind each other, naming the numbers to come; once one is not OK, the answers to those behind it
 * tell nothing more, and a TAKE says where the store is.
 * Bytes that a request points to stay the caller's and must live until its reply. Thread: the
 * engine thread.
 */
#ifndef FD_PORTS_STATE_STORE_H
#define FD_PORTS_STATE_STORE_H

#include "base/status.h"
#include "domain/msg.h"

enum {
    FD_STATE_LINEAGE_CHARS = 32,
    FD_STATE_TOPIC_ID_CHARS = 40,
    FD_STATE_MAX_VALUES = 1024,   /* of one request */
    FD_STATE_MAX_BYTES = 1 << 20, /* of a FLUSH's values, unless it has only one: a store does
                                     nothing else meanwhile, so split by this */
};

/* X(name): what a request asks for.
 *   TAKE   swap the nonce in, if the marker's is `expect` (0: whatever it is) or is the new one
 *          already (the same TAKE again), and answer the marker as it is now; else REFUSED. No
 *          marker, or a marker whose values are not all there (a bucket is lost or its count is
 *          wrong): change nothing, and answer found = false and the seq for a RESET.
 *   RESET  a new marker with redo = mark.redo, the request's nonce and sequence number + 1, and no
 *          values at all, in place of whatever was there. Refused where a marker is there and
 *          `expect` is neither 0 nor its nonce, or where it has the request's nonce but another
 *          sequence number (a nonce and a number stand for one state of the store, ever).
 *   READ   values of keys; a key that the store does not have answers bytes.p == NULL. Refused
 *          when a bucket that it touches is not whole.
 *   FLUSH  put values; then, if mark.redo >= 0, move the redo point and the merge time there.
 *          Refused as a whole if a value's key is there with a higher LSN (an equal one is put
 *          again), or if the redo point would go back. Each key once.
 *   SWEEP  remove some values whose last event is older than `older_us`: looks at about `max` > 0
 *          values, from where the last sweep of this partition ended, removes at most `max`; raises
 *          the sequence number too. */
#define FD_STATE_REQUESTS(X) X(TAKE) X(RESET) X(READ) X(FLUSH) X(SWEEP)

typedef enum fd_state_request_kind {
#define X(name) FD_STATE_##name,
    FD_STATE_REQUESTS(X)
#undef X
        FD_STATE_N_REQUESTS
} fd_state_request_kind;

typedef struct fd_state_mark {
    bool found;
    uint64_t seq;
    int64_t redo;       /* every event below it is in the values */
    int64_t merge_us;   /* the partition's merge time after the last event below redo */
    int64_t high_lsn;   /* highest LSN of any value ever flushed, -1 = none */
    int32_t partitions; /* of the topic, when it was written */
    char topic_id[FD_STATE_TOPIC_ID_CHARS + 1]; /* "" = unknown */
} fd_state_mark;

typedef struct fd_state_value {
    uint16_t key_kind;
    fd_str key;
    fd_str bytes; /* p == NULL: none */
    int64_t lsn;
    int64_t last_us; /* time of its latest event: what a sweep goes by */
} fd_state_value;

typedef struct fd_state_request {
    fd_state_request_kind kind;
    fd_tp tp;
    uint64_t nonce;         /* never 0 */
    uint64_t expect;        /* TAKE, RESET: the nonce before */
    uint64_t seq;           /* all but TAKE */
    fd_state_mark mark;     /* RESET; FLUSH: redo (-1: it stays) and merge_us */
    int64_t older_us;       /* SWEEP */
    uint32_t max;           /* SWEEP */
    uint32_t n;             /* READ: keys; FLUSH: values */
    fd_state_value *values; /* READ fills bytes, lsn, last_us: they live until the next poll */
} fd_state_request;

typedef enum fd_state_result {
    FD_STATE_OK,
    FD_STATE_REFUSED, /* it was not done, and what this owner knows of the store is wrong */
    FD_STATE_DOWN,    /* no answer, or an error of the store (it is full): done or not done */
} fd_state_result;

typedef struct fd_state_reply {
    fd_state_request *request; /* the one submitted */
    fd_state_result result;
    fd_state_mark mark; /* TAKE */
    uint32_t removed;   /* SWEEP */
    fd_err err;         /* not OK: one line */
} fd_state_reply;

typedef struct fd_state_ops {
    /* The lineage of a source: part of all its keys' names. Before its first request; a later one
     * is of requests that are submitted from then on. */
    void (*set_lineage)(void *self, uint16_t source, const char *lineage);
    /* False: too many are queued, poll first. The request stays the caller's and is answered
     * once, by poll, whatever happens. */
    bool (*submit)(void *self, fd_state_request *rq);
    /* The next answer; waits up to timeout_us for it, and, with nothing outstanding, to become
     * usable. False: none. */
    bool (*poll)(void *self, int64_t timeout_us, fd_state_reply *out);
    /* Connected and usable. err says why not (maxmemory policy, version, cannot connect). The
     * adapter connects again by itself, with back-off, during poll. */
    bool (*up)(void *self, fd_err *err);
} fd_state_ops;

typedef struct fd_state_store {
    const fd_state_ops *ops; /* NULL: memory only */
    void *self;
} fd_state_store;

#endif
