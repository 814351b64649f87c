/*
 * The keeper: window state between memory and the state store (DESIGN §5).
 *
 * It takes partitions over, fetches what a batch needs and memory does not have, and writes dirty
 * partials behind. What it writes is never beyond a committed offset; what it reads is checked by
 * the store against the owner's nonce and the number of its last write, so whatever another owner,
 * a late script or a failover did is noticed, and the partition is then *broken*: its memory is
 * dropped, and it is taken over and redone from the log.
 *
 * Without a store (memory only) every call says that there is nothing to do.
 * Engine thread. Waits only where it says so, and no longer than `call_timeout_ms`.
 */
#ifndef FD_PIPELINE_KEEPER_H
#define FD_PIPELINE_KEEPER_H

#include "engine/engine.h"
#include "ports/clock.h"
#include "ports/state_store.h"

typedef struct fd_keeper fd_keeper;

typedef struct fd_keeper_config {
    fd_state_store store; /* ops NULL: memory only */
    fd_engine *engine;
    fd_clock clock;
    uint32_t n_sources;
    const char *const *topic_ids; /* per source, "" = unknown: a recreated topic is noticed by it */
    const int32_t *partitions;    /* per source */
    uint64_t seed;                /* of nonces: differs from process to process */
    int64_t flush_interval_ns;
    int call_timeout_ms;
    uint32_t copy_values;  /* of one partition that are copied in one go; 0 = 32768 */
    uint32_t flush_values; /* of one FLUSH; 0 = 500 */
} fd_keeper_config;

fd_keeper *fd_keeper_new(const fd_keeper_config *config);
void fd_keeper_free(fd_keeper *k); /* NULL is fine */
bool fd_keeper_on(const fd_keeper *k);

/* A partition that starts. */
typedef struct fd_keeper_start {
    fd_tp tp;
    int64_t committed; /* in */
    int64_t log_first; /* in */
    int64_t from;      /* out: redo from here */
    int64_t merge_us;  /* out: its merge time there */
    int64_t short_us;  /* out: events before this time lack history; INT64_MIN = none do */
    const char *why;   /* out: NULL = the store knows it; else why it is rebuilt from the log */
} fd_keeper_start;

/* Takes n partitions over, or makes them anew. RETRY: the store does not answer. Waits. */
fd_class fd_keeper_take(fd_keeper *k, fd_keeper_start *parts, uint32_t n, fd_err *err);

/* The engine's windows are others now, all of them in memory and of another lineage: n partitions
 * begin in it without a value, and what is in memory is written behind. Those that the store does
 * not give are broken, see below. Waits. */
void fd_keeper_adopt(fd_keeper *k, const fd_keeper_start *parts, uint32_t n);
/* The store, if there is one, is usable now. */
bool fd_keeper_up(const fd_keeper *k);

/* After fd_engine_decode: brings into memory what the batch needs. RETRY: not everything came;
 * *n_lacking partitions (at most max are named) have to wait. ABORT: it does not fit into memory
 * all at once. Waits. */
fd_class fd_keeper_fetch(fd_keeper *k, fd_tp *lacking, uint32_t max, uint32_t *n_lacking);

/* Looks after writes under way. Does not wait. */
void fd_keeper_step(fd_keeper *k);
/* It is time to write: the worker lets what is in flight finish and then says flush. */
bool fd_keeper_due(const fd_keeper *k);
/* Memory is short of clean partials: do not wait for the interval. */
void fd_keeper_hurry(fd_keeper *k);
/* Where a partition is: all its folded events are below `redo`, and committed. */
typedef struct fd_keeper_at {
    int64_t redo, merge_us, short_us;
} fd_keeper_at;
/* Copies dirty partials of a partition and starts to write them. Nothing happens while an earlier
 * copy is being written. */
void fd_keeper_flush(fd_keeper *k, fd_tp tp, const fd_keeper_at *at);
/* All partitions were given to flush: not due again before the interval has passed. */
void fd_keeper_flushed(fd_keeper *k);
/* True when the store has all up to `redo` (or there is no store, or it cannot have it). */
bool fd_keeper_settled(const fd_keeper *k, fd_tp tp, int64_t redo);

/* The store contradicted what this process knows: the partition must start anew. */
bool fd_keeper_broken(const fd_keeper *k, fd_tp tp);
void fd_keeper_forget(fd_keeper *k, fd_tp tp);

typedef struct fd_keeper_stats {
    uint64_t reads, writes, refused, down, sweeps; /* requests, since the start */
    uint64_t values_read, values_written;
    int64_t flush_ns; /* of all partitions, from the first request of a copy to its last answer */
    bool up;
    char text[256]; /* why not up */
} fd_keeper_stats;
void fd_keeper_stats_get(fd_keeper *k, fd_keeper_stats *out);

#endif
