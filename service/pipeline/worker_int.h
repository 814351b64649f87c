/* The worker's inside, shared by worker.c, intake.c, dispatch.c, rebalance.c, redo.c,
 * behind.c, ahead.c, upkeep.c and schema_wait.c. */
#ifndef FD_PIPELINE_WORKER_INT_H
#define FD_PIPELINE_WORKER_INT_H

#include <stdatomic.h>

#include "engine/program.h"
#include "pipeline/breaker.h"
#include "pipeline/keeper.h"
#include "pipeline/merge.h"
#include "pipeline/records.h"
#include "pipeline/worker.h"

enum {
    FD_INTAKE_CHUNK = 256,  /* messages taken from the source before they are scanned */
    FD_KEY_SAMPLE = 512,    /* every so many events one has its key checked */
    FD_STORE_CALL_MS = 250, /* how long a batch waits for the state store before others go on */
    FD_REDO_ROUNDS = 8,     /* batches folded in one step while state is redone */
    FD_AHEAD_EVENTS = 256,  /* folded in one step for a program that waits for its windows */
    FD_RETIRED_MAX = 8,     /* what was replaced and is not swept yet; then no offer is taken */
};

struct fd_worker {
    fd_worker_config config;
    fd_committer *committer;
    fd_keeper *keeper;
    fd_keeper_start *taking; /* scratch of FD_PARTS_MAX */
    int64_t settling_ns;     /* stopping: since when the store is being brought up to date */
    fd_records_config records;
    const char *topics[FD_ENGINE_MAX_SOURCES];
    int32_t topic_partitions[FD_ENGINE_MAX_SOURCES];
    const char *topic_ids[FD_ENGINE_MAX_SOURCES];
    fd_start starts[FD_ENGINE_MAX_SOURCES];
    uint32_t n_sources;
    fd_parts parts;
    fd_parts behind; /* shadows of those that are blind, all in REDO */
    bool behind_moved;
    fd_merge merge;
    fd_breaker breaker;
    fd_consents consents;
    fd_job *spare[FD_LANES + 1];
    uint32_t n_spare;
    fd_msg *chunk; /* FD_INTAKE_CHUNK */
    fd_tp *tps;    /* scratch lists of FD_PARTS_MAX */
    fd_tpo *tpos;
    uint32_t queued;       /* events in all queues */
    uint32_t redo_queued;  /* of them in partitions that redo: nothing to decide there yet */
    fd_event *redo_batch;  /* max_events; NULL: no state is kept */
    int64_t redo_began_ns; /* 0 = nothing is being redone */
    int64_t redo_said_ns;
    uint64_t redo_events; /* since it began */
    uint64_t redo_total;  /* since the start */
    uint64_t redo_left;   /* offsets to go */
    uint32_t batch_limit; /* events in a batch: less than max_events while memory is tight */
    bool redo_more;       /* what is queued was not all folded in the last step */
    bool store_down;      /* the last batch that needed the store did not get it */
    bool memory_full;     /* no room for another batch */
    bool incomplete[FD_ENGINE_MAX_SOURCES]; /* partitions are missing that its features need */
    int64_t first_queued_ns; /* since when something has been waiting; 0 = nothing is */
    bool leaving;            /* a revoke is to be answered */
    int64_t leaving_since_ns;
    bool leaving_lost;
    bool joined;
    bool pinning;           /* start offsets wait for a place in the committer */
    bool merge_waits;       /* the last pick waited for an empty partition */
    bool starved;           /* events are queued, and none of them may be taken now */
    int64_t retry_start_ns; /* not before: ask again for start offsets */
    int64_t reported_ns;
    fd_rule_counts *rule_counts; /* as last reported */
    uint64_t key_counter;
    char schema_text[640];
    atomic_bool stopping;
    atomic_bool resume_breaker;
    fd_err failure;
    bool failed;
    fd_program *next; /* was offered, and its windows are being filled; NULL: none is */
    int64_t next_from_us;
    fd_fold *next_fold;
    fd_parts ahead; /* shadows of the live partitions, which fold for it; all in REDO */
    uint64_t ahead_events, ahead_left;
    char ahead_text[640]; /* as schema_text, of a shadow in ahead */
    int64_t ahead_began_ns, ahead_spent_ns;
    int64_t hold_ns; /* since when no batch is formed so that the shadows can catch up; 0 */
    int64_t next_hold_ns;
    pthread_mutex_t offer_lock; /* of the following */
    fd_program *offered;        /* NULL: nothing is */
    int64_t offered_from_us;
    uint32_t n_retired;
    fd_retired retired[FD_RETIRED_MAX];
    pthread_mutex_t status_lock;
    fd_worker_status status;
};

int64_t fd_worker_now(const fd_worker *w);
void fd_worker_note(fd_worker *w, fd_note note, const fd_tp *tp, int64_t offset,
                    const char *detail);
void fd_worker_fail(fd_worker *w, const fd_err *err);
/* Releases every queued message of a part. */
void fd_worker_discard(fd_worker *w, fd_part *part);

/* Counters of rules since the last report; and from nothing, for other rules. */
void fd_worker_report_rules(fd_worker *w);
void fd_worker_count_rules(fd_worker *w);

/* intake.c: takes what the source has, waiting at most wait_us for the first. */
void fd_worker_intake(fd_worker *w, int64_t wait_us);
void fd_worker_resume_drained(fd_worker *w);
/* At the source a pause outlives an assignment: none may be left behind. */
void fd_worker_unpause(fd_worker *w, fd_part *part);

/* dispatch.c */
void fd_worker_reap(fd_worker *w);
void fd_worker_dispatch(fd_worker *w);
/* How long intake may wait before dispatch wants its turn. */
int64_t fd_worker_patience_us(fd_worker *w, int64_t max_us);

/* rebalance.c */
void fd_worker_assigned(fd_worker *w, const fd_tp *tps, uint32_t n);
void fd_worker_revoked(fd_worker *w, const fd_tp *tps, uint32_t n, bool lost);
void fd_worker_rebalance(fd_worker *w);
void fd_worker_restart_part(fd_worker *w, fd_part *part);

/* redo.c */
/* STARTING to REDO; log_first: the first offset of the log if that is where it begins, or -1. */
void fd_worker_redo_begin(fd_worker *w, fd_part *part, int64_t log_first);
void fd_worker_redo(fd_worker *w);
/* Folds one batch of the partitions in REDO of a table; how many events. */
uint32_t fd_worker_redo_batch(fd_worker *w, fd_parts *parts);
/* All below the committed offset has been read and folded. */
bool fd_worker_redone(const fd_part *part);
void fd_worker_redo_end(fd_worker *w); /* nothing is being redone any more */
void fd_worker_say_progress(fd_worker *w);
/* Until when events lack history, see fd_part.short_us; says so. */
int64_t fd_worker_short_until(fd_worker *w, const fd_part *part);

/* behind.c */
bool fd_worker_may_be_blind(const fd_worker *w);
/* A partition about to go live decides at once, and its windows are rebuilt behind it. */
fd_class fd_worker_go_blind(fd_worker *w, fd_part *part, int64_t from, int64_t log_first,
                            int64_t merge_us, fd_err *err);
void fd_worker_behind(fd_worker *w);
/* It is blind no more, whatever became of its shadow. */
void fd_worker_see(fd_worker *w, fd_part *part);
/* Is there memory for a batch? Says so once where there is not. */
bool fd_worker_room(fd_worker *w);
/* A partition's state is not to be trusted, or somebody else's. */
void fd_worker_forget(fd_worker *w, fd_tp tp);
/* What was folded and not committed is in the state of all: all start from where they committed. */
void fd_worker_restart_all(fd_worker *w);

/* One batch of the shadows for the program that waits; how many events. *full: none, for its
 * windows have no room for so many. */
uint32_t fd_worker_ahead_batch(fd_worker *w, uint32_t limit, bool *full);
/* Its shadow for the program that waits, if it has one, is gone: what it folded stays. */
void fd_worker_drop_ahead(fd_worker *w, fd_tp tp);

/* ahead.c: another program */
void fd_worker_exchange(fd_worker *w);
/* The partition begins anew, or goes: so does what was filled of it. */
void fd_worker_restart_ahead(fd_worker *w, fd_tp tp);
/* No batch now: the shadows are about to be where the live partitions are. */
bool fd_worker_holds(fd_worker *w);
void fd_worker_free_offers(fd_worker *w);

/* upkeep.c: window state and its store */
void fd_worker_upkeep(fd_worker *w);
/* Where the windows of w->tpos[0 .. n) are to be redone from; w->tpos goes back there, what is
 * committed is kept in the parts. */
fd_class fd_worker_take_state(fd_worker *w, uint32_t n, fd_err *err);
/* A partition that nothing is taken from any more: true when the store has all of it, or will not
 * have it. */
bool fd_worker_leave_state(fd_worker *w, fd_part *part);
/* The same for all, when stopping. */
bool fd_worker_settle_state(fd_worker *w);
/* Windows that the batch of n events just decoded needs, and room for what it adds. RETRY: the
 * parts that lack some are marked. */
fd_class fd_worker_fetch(fd_worker *w, uint32_t n);

/* schema_wait.c */
void fd_worker_schemas(fd_worker *w);

#endif
