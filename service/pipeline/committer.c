/*
 * The committer's queue of jobs and its lock; transitions are in lane.c and recovery.c.
 * Threads: see committer.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "pipeline/committer_int.h"
#include "pipeline/part.h"

fd_committer *fd_committer_new(const fd_committer_config *config)
{
    fd_committer *c = calloc(1, sizeof *c);
    FD_ALLOCATED(c);
    c->config = *config;
    FD_ASSERT(config->txn_timeout_ns > 0 && config->call_timeout_ms > 0);
    int rc = pthread_mutex_init(&c->lock, NULL);
    FD_ASSERT(rc == 0);
    return c;
}

void fd_committer_free(fd_committer *c)
{
    if (c == NULL)
        return;
    FD_ASSERT(c->n_jobs == 0 && c->n_done == 0);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void fd_committer_lock(fd_committer *c)
{
    int rc = pthread_mutex_lock(&c->lock);
    FD_ASSERT(rc == 0);
}

void fd_committer_unlock(fd_committer *c)
{
    int rc = pthread_mutex_unlock(&c->lock);
    FD_ASSERT(rc == 0);
}

void fd_committer_wake(fd_committer *c, int who)
{
    FD_ASSERT(who >= 0 && who <= FD_LANES);
    c->config.wake(c->config.wake_self, who);
}

void fd_committer_wake_all(fd_committer *c)
{
    for (int who = 0; who <= FD_LANES; who++)
        fd_committer_wake(c, who);
}

void fd_committer_note(fd_committer *c, fd_note note, const char *detail)
{
    const fd_observer *o = &c->config.observer;
    o->ops->note(o->self, note, NULL, -1, detail);
}

int64_t fd_committer_now(const fd_committer *c)
{
    return fd_clock_mono_ns(&c->config.clock);
}

int fd_committer_backoff_ms(uint32_t tries)
{
    uint32_t doublings = tries > 8 ? 8 : tries;
    int ms = 20 << doublings;
    return ms > 5000 ? 5000 : ms;
}

bool fd_committer_too_early(const fd_committer *c, int64_t after_ns, int *backoff_ms)
{
    int64_t left_ns = after_ns - fd_committer_now(c);
    if (left_ns <= 0)
        return false;
    *backoff_ms = (int)(left_ns / 1000000) + 1;
    return true;
}

void fd_committer_finish(fd_committer *c, fd_job_outcome outcome)
{
    FD_ASSERT(c->n_jobs > 0 && c->n_done < FD_LANES);
    FD_ASSERT(outcome != FD_JOB_OPEN);
    fd_job *job = c->jobs[0];
    memmove(&c->jobs[0], &c->jobs[1], (FD_LANES - 1) * sizeof c->jobs[0]);
    c->n_jobs--;
    job->outcome = outcome;
    c->done[c->n_done++] = job;
    fd_lane *lane = &c->lanes[job->seq % FD_LANES];
    FD_ASSERT(lane->job == job);
    lane->job = NULL;
}

void fd_committer_fail(fd_committer *c, const fd_err *err)
{
    if (c->mode == FD_COMMITTER_FAILED)
        return;
    c->mode = FD_COMMITTER_FAILED;
    c->failure = *err;
}

void fd_committer_trouble(fd_committer *c, int lane, const fd_err *err)
{
    FD_ASSERT(lane >= 0 && lane < FD_LANES);
    c->lanes[lane].state = FD_LANE_PARKED;
    fd_committer_wake_all(c);
    if (fd_committer_hopeless(err)) {
        fd_committer_fail(c, err);
        return;
    }
    if (c->mode != FD_COMMITTER_RUNNING)
        return;
    c->mode = FD_COMMITTER_RECOVERING;
    c->recovery = FD_RECOVERY_DESTROY;
    c->recovery_tries = 0;
    c->recovery_after_ns = 0;
    c->recovery_began_ns = fd_committer_now(c);
    c->config.observer.ops->txn(c->config.observer.self, FD_TXN_ABORTED, 0);
    fd_committer_note(c, FD_NOTE_RECOVERY_BEGIN, err->text);
}

void fd_committer_abandon(fd_committer *c)
{
    fd_committer_lock(c);
    for (int i = 0; i < FD_LANES; i++)
        FD_ASSERT(c->lanes[i].state == FD_LANE_STOPPED);
    while (c->n_jobs > 0)
        fd_committer_finish(c, FD_JOB_DROPPED);
    fd_committer_unlock(c);
}

static bool all_parked(const fd_committer *c)
{
    for (int i = 0; i < FD_LANES; i++) {
        if (c->lanes[i].state != FD_LANE_PARKED)
            return false;
    }
    return true;
}

/* A lane in the middle of its commit goes on: its outcome may still become known. */
static bool must_park(const fd_lane *lane)
{
    return lane->state != FD_LANE_COMMIT && lane->state != FD_LANE_PARKED;
}

static fd_step step_locked(fd_committer *c, int i, int *backoff_ms)
{
    fd_lane *lane = &c->lanes[i];
    if (lane->state == FD_LANE_STOPPED)
        return FD_STEP_STOPPED;
    if (c->mode == FD_COMMITTER_FAILED || (c->stopping && c->n_jobs == 0)) {
        lane->state = FD_LANE_STOPPED;
        fd_lane_forget_member(c, i);
        fd_committer_unlock(c);
        c->config.txn.ops->destroy(c->config.txn.self, i);
        fd_committer_lock(c);
        return FD_STEP_STOPPED;
    }
    if (c->mode == FD_COMMITTER_RUNNING)
        return fd_lane_advance(c, i, backoff_ms);
    if (must_park(lane)) {
        lane->state = FD_LANE_PARKED;
        fd_committer_wake(c, 0);
    }
    if (lane->state == FD_LANE_COMMIT)
        return fd_lane_advance(c, i, backoff_ms);
    if (i == 0 && all_parked(c))
        return fd_recovery_advance(c, backoff_ms);
    return FD_STEP_WAIT;
}

fd_step fd_committer_step(fd_committer *c, int lane, int *backoff_ms)
{
    FD_ASSERT(lane >= 0 && lane < FD_LANES);
    fd_committer_lock(c);
    fd_committer_mode before = c->mode;
    uint32_t done = c->n_done;
    fd_step step = step_locked(c, lane, backoff_ms);
    bool news = c->mode != before || c->n_done != done;
    fd_committer_unlock(c);
    if (news)
        fd_committer_wake_all(c);
    return step;
}

bool fd_committer_ready(fd_committer *c)
{
    fd_committer_lock(c);
    bool ready = c->mode == FD_COMMITTER_RUNNING && !c->stopping && c->opened &&
                 c->n_jobs + c->n_done < FD_LANES;
    fd_committer_unlock(c);
    return ready;
}

void fd_committer_submit(fd_committer *c, fd_job *job)
{
    FD_ASSERT(job->n_spans > 0 && job->n_records >= job->n);
    fd_committer_lock(c);
    FD_ASSERT(c->n_jobs < FD_LANES && !c->stopping);
    job->seq = c->next_seq++;
    job->outcome = FD_JOB_OPEN;
    int lane = (int)(job->seq % FD_LANES);
    FD_ASSERT(c->lanes[lane].job == NULL);
    c->lanes[lane].job = job;
    c->jobs[c->n_jobs++] = job;
    fd_committer_unlock(c);
    fd_committer_wake(c, lane);
}

fd_job *fd_committer_reap(fd_committer *c)
{
    fd_committer_lock(c);
    fd_job *job = NULL;
    if (c->n_done > 0) {
        job = c->done[0];
        memmove(&c->done[0], &c->done[1], (FD_LANES - 1) * sizeof c->done[0]);
        c->n_done--;
        FD_ASSERT(job->outcome != FD_JOB_OPEN);
    }
    fd_committer_unlock(c);
    return job;
}

uint32_t fd_committer_in_flight(fd_committer *c)
{
    fd_committer_lock(c);
    uint32_t n = c->n_jobs + c->n_done;
    fd_committer_unlock(c);
    return n;
}

bool fd_committer_touches(fd_committer *c, fd_tp tp)
{
    bool touches = false;
    fd_committer_lock(c);
    for (uint32_t i = 0; i < c->n_jobs; i++)
        touches = touches || fd_job_touches(c->jobs[i], tp);
    for (uint32_t i = 0; i < c->n_done; i++)
        touches = touches || fd_job_touches(c->done[i], tp);
    fd_committer_unlock(c);
    return touches;
}

void fd_committer_cancel(fd_committer *c, const fd_tp *tps, uint32_t n)
{
    fd_committer_lock(c);
    for (uint32_t i = 0; i < c->n_jobs; i++) {
        for (uint32_t k = 0; k < n && !c->jobs[i]->cancelled; k++)
            c->jobs[i]->cancelled = fd_job_touches(c->jobs[i], tps[k]);
    }
    fd_committer_unlock(c);
    fd_committer_wake_all(c);
}

void fd_committer_stop(fd_committer *c)
{
    fd_committer_lock(c);
    c->stopping = true;
    fd_committer_unlock(c);
    fd_committer_wake_all(c);
}

fd_committer_mode fd_committer_mode_now(fd_committer *c, fd_err *err)
{
    fd_committer_lock(c);
    fd_committer_mode mode = c->mode;
    if (mode == FD_COMMITTER_FAILED && err != NULL)
        *err = c->failure;
    fd_committer_unlock(c);
    return mode;
}

bool fd_committer_opened(fd_committer *c)
{
    fd_committer_lock(c);
    bool opened = c->opened;
    fd_committer_unlock(c);
    return opened;
}
