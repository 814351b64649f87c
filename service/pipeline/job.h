/*
 * A job: one batch from the moment it is formed until its outcome is known.
 *
 * It keeps its events (and so the source's buffers), its encoded records and the offsets it moves,
 * so that after any failure the same bytes can be produced again without a seek.
 * Invariants: spans are disjoint partitions with begin < end; records hold one decision per event,
 * in event order, and a dead letter after each invalid one. A job without events only gives new
 * partitions their start.
 * Owner: the engine thread while it is formed and after it was reaped, the committer in between;
 * `cancelled` alone is shared, under the committer's lock.
 */
#ifndef FD_PIPELINE_JOB_H
#define FD_PIPELINE_JOB_H

#include "engine/engine.h"
#include "ports/observer.h"
#include "ports/txn.h"

/* What a job moves in one partition. */
typedef struct fd_span {
    fd_tp tp;
    int64_t begin; /* committed offset it starts from; -1 = none yet (then it has no events) */
    int64_t end;   /* committed offset it leaves */
    int32_t leader_epoch;
    int64_t found; /* by recovery: the committed offset it saw; -2 = not asked */
} fd_span;

typedef enum fd_job_outcome { FD_JOB_OPEN, FD_JOB_COMMITTED, FD_JOB_DROPPED } fd_job_outcome;

typedef struct fd_job {
    uint64_t seq;
    uint32_t max_events;
    uint32_t n;
    fd_event *events;
    fd_outcome *outcomes;
    int64_t *kafka_ms;
    fd_arena *arena;
    uint32_t n_records;
    uint32_t cap_records;
    fd_out_record *records;
    uint32_t n_spans;
    fd_span *spans;
    fd_tpo *next; /* scratch for calls that take offsets, one per span */
    const struct fd_records_config *build;
    uint32_t n_produced;      /* of records, in the transaction at hand */
    uint32_t dead_letter_max; /* bytes of a dead letter's value; halved when the broker refuses */
    uint32_t attempts;
    bool cancelled;
    fd_job_outcome outcome;
    int64_t formed_ns;
    int64_t began_ns; /* the transaction */
    int64_t committed_wall_ms;
} fd_job;

fd_job *fd_job_new(uint32_t max_events);
void fd_job_free(fd_job *job);
void fd_job_reset(fd_job *job); /* the caller released the messages */
bool fd_job_touches(const fd_job *job, fd_tp tp);

#endif
