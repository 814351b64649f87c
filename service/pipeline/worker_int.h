/* The worker's inside, shared by worker.c, intake.c, dispatch.c, rebalance.c, schema_wait.c. */
#ifndef FD_PIPELINE_WORKER_INT_H
#define FD_PIPELINE_WORKER_INT_H

#include <stdatomic.h>

#include "pipeline/breaker.h"
#include "pipeline/merge.h"
#include "pipeline/records.h"
#include "pipeline/worker.h"

enum {
    FD_INTAKE_CHUNK = 256, /* messages taken from the source before they are scanned */
    FD_KEY_SAMPLE = 512,   /* every so many events one has its key checked */
};

struct fd_worker {
    fd_worker_config config;
    fd_committer *committer;
    fd_records_config records;
    const char *topics[FD_ENGINE_MAX_SOURCES];
    int32_t topic_partitions[FD_ENGINE_MAX_SOURCES];
    fd_start starts[FD_ENGINE_MAX_SOURCES];
    fd_parts parts;
    fd_merge merge;
    fd_breaker breaker;
    fd_consents consents;
    fd_job *spare[FD_LANES + 1];
    uint32_t n_spare;
    fd_msg *chunk; /* FD_INTAKE_CHUNK */
    fd_tp *tps;    /* scratch lists of FD_PARTS_MAX */
    fd_tpo *tpos;
    uint32_t queued;         /* events in all queues */
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
    uint64_t *rule_hits, *rule_errors; /* as last reported */
    uint64_t key_counter;
    char schema_text[640];
    atomic_bool stopping;
    atomic_bool resume_breaker;
    fd_err failure;
    bool failed;
    pthread_mutex_t status_lock;
    fd_worker_status status;
};

int64_t fd_worker_now(const fd_worker *w);
void fd_worker_note(fd_worker *w, fd_note note, const fd_tp *tp, int64_t offset,
                    const char *detail);
void fd_worker_fail(fd_worker *w, const fd_err *err);
/* Releases every queued message of a part. */
void fd_worker_discard(fd_worker *w, fd_part *part);

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

/* schema_wait.c */
void fd_worker_schemas(fd_worker *w);

#endif
