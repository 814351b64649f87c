/*
 * The worker: the engine thread's loop, as steps.
 *
 * One step: hand back finished jobs, answer rebalances, form and submit a batch if one is due,
 * take what the source has. It never waits but in the source's poll (bounded, and cut short by
 * wake()), so the group's poll interval is safe whatever brokers, registry or rules do.
 * Thread: the engine thread, but for what says "any thread".
 */
#ifndef FD_PIPELINE_WORKER_H
#define FD_PIPELINE_WORKER_H

#include "domain/input.h"
#include "engine/engine.h"
#include "pipeline/committer.h"
#include "pipeline/consents.h"
#include "ports/history.h"
#include "ports/schemas.h"
#include "ports/state_store.h"

typedef struct fd_worker fd_worker;

typedef struct fd_worker_source {
    const char *topic;
    fd_start start;
    int32_t partitions;   /* of the topic */
    const char *topic_id; /* "" = unknown */
} fd_worker_source;

typedef struct fd_worker_config {
    fd_engine *engine;
    fd_source source;
    fd_txn txn;
    fd_schemas schemas;   /* ops NULL: no registry */
    fd_state_store store; /* ops NULL: window state is in memory only */
    fd_history history;   /* ops NULL: offers that need other windows are given up */
    bool blind_starts;    /* partitions decide while their own state is rebuilt from history */
    double rebuild_share; /* of the engine thread, at most, for an offer's windows */
    uint64_t store_seed;  /* differs from process to process */
    int64_t flush_interval_ns;
    uint32_t copy_values, flush_values; /* see fd_keeper_config; 0 = as it has them */
    fd_clock clock;
    fd_observer observer;
    void (*wake)(void *self, int who); /* see fd_committer_config */
    void *wake_self;
    uint32_t n_sources;
    const fd_worker_source *sources; /* copied */
    uint32_t max_events;
    uint32_t max_in_flight; /* 1 .. FD_LANES */
    uint32_t queue_events;  /* per partition, then it is paused */
    int64_t max_wait_ns;
    int64_t max_idle_ns;
    int64_t max_skew_us;
    double poison_max_rate;
    uint32_t poison_window;
    int64_t deadline_ms; /* 0 = off */
    uint32_t dead_letter_max_bytes;
    bool allow_short_history; /* windows that the log no longer fills: go on, flagged INCOMPLETE */
    int64_t txn_timeout_ns;
    int64_t revoke_timeout_ns; /* then a batch in flight is given up */
    int call_timeout_ms;
} fd_worker_config;

typedef enum fd_worker_state {
    FD_WORKER_RUNNING,
    FD_WORKER_DRAINED, /* after stop: nothing is in flight */
    FD_WORKER_FAILED,  /* see fd_worker_failure */
} fd_worker_state;

/* What a probe or a status page wants to know. */
typedef struct fd_worker_rebuild {
    bool on;
    char ruleset[FD_CONTENT_HASH_CHARS + 1]; /* of the program that waits for its windows */
    uint64_t events, left;                   /* folded; offsets still to fold */
    int64_t ns;                              /* since it began */
    char waits[640];                         /* for a writer schema: which; "" = it does not */
} fd_worker_rebuild;

typedef struct fd_worker_status {
    int64_t stepped_ns; /* mono time of the latest step */
    uint32_t assigned;
    uint32_t live;
    uint32_t waiting_schema; /* partitions */
    uint32_t in_flight;
    uint32_t queued;
    bool joined; /* had an assignment (perhaps an empty one) */
    bool opened; /* producers are ready */
    bool recovering;
    bool breaker;
    bool store_down;      /* windows that are not in memory cannot be had */
    char store_text[256]; /* why */
    uint32_t blind;       /* partitions that decide while their windows are rebuilt */
    bool memory_full;     /* of window state: nothing is decided until there is room */
    uint64_t redo_left;   /* offsets to fold before all assigned partitions are live; 0 = none */
    uint64_t redo_events; /* folded since that began */
    int64_t redo_ns;      /* how long it has taken; 0 = nothing is being redone */
    fd_worker_rebuild rebuild;
    int64_t switches_at_us; /* see fd_engine_switches_at */
    char schema_text[640];  /* why the last of them waits; "" = none does */
} fd_worker_status;

fd_worker *fd_worker_new(const fd_worker_config *config);
void fd_worker_free(fd_worker *w); /* lanes stopped */

/* Waits at most max_wait_us for something to do. */
fd_worker_state fd_worker_step(fd_worker *w, int64_t max_wait_us);
/* Take no more events; the current batches are finished. Any thread. */
void fd_worker_stop(fd_worker *w);
/* Why it FAILED. */
const fd_err *fd_worker_failure(const fd_worker *w);
fd_committer *fd_worker_committer(fd_worker *w);

/* Any thread: */
void fd_worker_status_get(fd_worker *w, fd_worker_status *out);
void fd_worker_resume(fd_worker *w); /* close the poison breaker again */
bool fd_worker_consent(fd_worker *w, fd_consent consent);
/* `next` is to decide: from the next batch on where the windows that are kept cover it, else once
 * its own have been rebuilt from the log beside those at work. Taken over; what becomes of it the
 * observer is told. A former offer that does not decide yet is given up. Events whose merge time
 * is before from_us are left to the program before it; INT64_MIN: none are. */
void fd_worker_offer(fd_worker *w, fd_program *next, int64_t from_us);
/* Frees what offers have replaced: takes its time, so not on the engine thread. */
void fd_worker_sweep(fd_worker *w);

#endif
