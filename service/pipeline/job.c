/* Allocation and reuse of jobs; see job.h for who owns one when. */
#include "pipeline/job.h"

#include <stdlib.h>

#include "base/assert.h"
#include "pipeline/part.h"

enum { ARENA_BLOCK_BYTES = 256 * 1024 };

fd_job *fd_job_new(uint32_t max_events)
{
    FD_ASSERT(max_events > 0);
    fd_job *job = calloc(1, sizeof *job);
    FD_ALLOCATED(job);
    job->max_events = max_events;
    job->cap_records = 2 * max_events;
    job->events = calloc(max_events, sizeof *job->events);
    FD_ALLOCATED(job->events);
    job->outcomes = calloc(max_events, sizeof *job->outcomes);
    FD_ALLOCATED(job->outcomes);
    job->kafka_ms = calloc(max_events, sizeof *job->kafka_ms);
    FD_ALLOCATED(job->kafka_ms);
    job->records = calloc(job->cap_records, sizeof *job->records);
    FD_ALLOCATED(job->records);
    job->spans = calloc(max_events, sizeof *job->spans);
    FD_ALLOCATED(job->spans);
    job->next = calloc(max_events, sizeof *job->next);
    FD_ALLOCATED(job->next);
    job->arena = fd_arena_new(ARENA_BLOCK_BYTES, 0);
    return job;
}

void fd_job_free(fd_job *job)
{
    if (job == NULL)
        return;
    fd_arena_free(job->arena);
    free(job->events);
    free(job->outcomes);
    free(job->kafka_ms);
    free(job->records);
    free(job->spans);
    free(job->next);
    free(job);
}

void fd_job_reset(fd_job *job)
{
    fd_arena_reset(job->arena);
    job->n = 0;
    job->n_records = 0;
    job->n_spans = 0;
    job->n_produced = 0;
    job->attempts = 0;
    job->cancelled = false;
    job->outcome = FD_JOB_OPEN;
}

bool fd_job_touches(const fd_job *job, fd_tp tp)
{
    for (uint32_t i = 0; i < job->n_spans; i++) {
        if (fd_tp_eq(job->spans[i].tp, tp))
            return true;
    }
    return false;
}
