/*
 * The one recovery path, for abort, timeout, fencing and unknown outcome alike.
 *
 * destroy both producers -> open both (the broker aborts or has finished what they left) -> ask
 * for the committed offsets -> settle each kept job, oldest first: at its end = it was committed;
 * at its begin = produce the same bytes again; anywhere else = somebody else went on: drop it.
 * Invariant: while this runs all lanes are parked, so no transaction of ours is under way.
 * Thread: lane 0's; the lock is held on entry and return, and let go around port calls.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/failpoint.h"
#include "pipeline/committer_int.h"
#include "pipeline/part.h"
#include "pipeline/records.h"

static fd_step back_off(fd_committer *c, int ms, int *backoff_ms)
{
    *backoff_ms = ms;
    c->recovery_after_ns = fd_committer_now(c) + ms * INT64_C(1000000);
    return FD_STEP_BACKOFF;
}

static fd_step retry(fd_committer *c, const fd_err *err, int *backoff_ms)
{
    if (fd_committer_hopeless(err)) {
        fd_committer_fail(c, err);
        return FD_STEP_AGAIN;
    }
    fd_committer_note(c, FD_NOTE_RECOVERY_RETRY, err->text);
    return back_off(c, fd_committer_backoff_ms(c->recovery_tries++), backoff_ms);
}

static fd_step destroy_all(fd_committer *c, int *backoff_ms)
{
    const fd_txn *t = &c->config.txn;
    for (uint32_t i = 0; i < c->n_jobs; i++) {
        fd_job *job = c->jobs[i];
        if (t->ops->record_too_large(t->self, (int)(job->seq % FD_LANES)))
            fd_records_shorten(job);
    }
    fd_committer_unlock(c);
    FD_FAILPOINT("in_recovery");
    for (int i = 0; i < FD_LANES; i++)
        t->ops->destroy(t->self, i);
    fd_committer_lock(c);
    c->recovery = FD_RECOVERY_OPEN;
    c->recovery_lane = 0;
    /* A failure that comes back at once must not spin. */
    int ms = c->recoveries == 0 ? 0 : fd_committer_backoff_ms(c->recoveries);
    c->recoveries++;
    return back_off(c, ms, backoff_ms);
}

static fd_step open_next(fd_committer *c, int *backoff_ms)
{
    const fd_txn *t = &c->config.txn;
    int lane = c->recovery_lane;
    fd_err err = {0};
    fd_committer_unlock(c);
    fd_class cls = t->ops->open(t->self, lane, c->config.call_timeout_ms, &err);
    if (cls != FD_OK && cls != FD_RETRY)
        t->ops->destroy(t->self, lane);
    fd_committer_lock(c);
    if (cls != FD_OK)
        return retry(c, &err, backoff_ms);
    c->recovery_lane++;
    if (c->recovery_lane == FD_LANES)
        c->recovery = FD_RECOVERY_ASK;
    return FD_STEP_AGAIN;
}

/* The offset the log says is committed for tp, as job k will find it: what an older job that is
 * produced again will have moved counts as moved. */
static int64_t expected(const fd_committer *c, uint32_t k, const fd_span *span)
{
    for (uint32_t older = k; older-- > 0;) {
        const fd_job *job = c->jobs[older];
        for (uint32_t i = 0; i < job->n_spans; i++) {
            if (fd_tp_eq(job->spans[i].tp, span->tp))
                return job->spans[i].end;
        }
    }
    return span->found;
}

static bool stands_at(const fd_committer *c, uint32_t k, bool end)
{
    const fd_job *job = c->jobs[k];
    for (uint32_t i = 0; i < job->n_spans; i++) {
        const fd_span *span = &job->spans[i];
        int64_t offset = end ? span->found : expected(c, k, span);
        if (offset != (end ? span->end : span->begin))
            return false;
    }
    return true;
}

/* Oldest first. Jobs that are over leave the front of the queue; those to be produced again stay,
 * and the ones behind them are judged as if they had been. */
static void settle(fd_committer *c)
{
    uint32_t redo = 0;
    while (redo < c->n_jobs) {
        fd_job *job = c->jobs[redo];
        bool begin = stands_at(c, redo, false) || FD_MUTANT(UNKNOWN_IS_NO);
        bool end = (stands_at(c, redo, true) && !FD_MUTANT(UNKNOWN_IS_NO)) ||
                   (begin && FD_MUTANT(FORGETS_BATCH));
        if (redo == 0 && end) {
            fd_committer_finish(c, FD_JOB_COMMITTED);
        } else if (!job->cancelled && begin) {
            job->attempts++;
            redo++;
        } else if (redo == 0) {
            fd_committer_finish(c, FD_JOB_DROPPED);
        } else {
            /* It can be dropped only after its elders are over: then it is judged again. */
            job->cancelled = true;
            redo++;
        }
    }
}

static void resume_lanes(fd_committer *c)
{
    for (int i = 0; i < FD_LANES; i++)
        c->lanes[i].state = FD_LANE_IDLE;
    c->mode = FD_COMMITTER_RUNNING;
    c->opened = true;
    int64_t took = fd_committer_now(c) - c->recovery_began_ns;
    c->config.observer.ops->txn(c->config.observer.self, FD_TXN_RECOVERED, took);
    char detail[96];
    snprintf(detail, sizeof detail, "%u to produce again, %u settled, %lld ms", c->n_jobs,
             c->n_done, (long long)(took / 1000000));
    fd_committer_note(c, FD_NOTE_RECOVERY_END, detail);
}

static fd_step ask(fd_committer *c, int *backoff_ms)
{
    const fd_source *s = &c->config.source;
    fd_err err = {0};
    fd_class cls = FD_OK;
    uint32_t n = c->n_jobs;
    for (uint32_t k = 0; k < n && cls == FD_OK; k++) {
        fd_job *job = c->jobs[k];
        fd_tpo *found = fd_records_next_offsets(job);
        fd_committer_unlock(c);
        cls = s->ops->committed(s->self, found, job->n_spans, c->config.call_timeout_ms, &err);
        fd_committer_lock(c);
        FD_ASSERT(c->n_jobs == n);
        for (uint32_t i = 0; cls == FD_OK && i < job->n_spans; i++)
            job->spans[i].found = found[i].offset;
    }
    if (cls != FD_OK)
        return retry(c, &err, backoff_ms);
    settle(c);
    resume_lanes(c);
    return FD_STEP_AGAIN;
}

fd_step fd_recovery_advance(fd_committer *c, int *backoff_ms)
{
    FD_ASSERT(c->mode == FD_COMMITTER_RECOVERING);
    if (fd_committer_too_early(c, c->recovery_after_ns, backoff_ms))
        return FD_STEP_BACKOFF;
    switch (c->recovery) {
    case FD_RECOVERY_DESTROY:
        return destroy_all(c, backoff_ms);
    case FD_RECOVERY_OPEN:
        return open_next(c, backoff_ms);
    case FD_RECOVERY_ASK:
        return ask(c, backoff_ms);
    }
    FD_UNREACHABLE();
}
