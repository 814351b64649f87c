/*
 * One lane: a transactional producer taking its jobs through begin, produce, gate, offsets and
 * commit, one transition per call.
 *
 * Invariants: offsets are sent only by the lane whose job is the oldest in flight, for a job that
 * was not cancelled, under a membership with a generation, and not while another lane's last
 * transaction could still change; a dirty producer never begins.
 * Thread: the lane's; the lock is held on entry and return, and let go around every port call.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/failpoint.h"
#include "pipeline/committer_int.h"
#include "pipeline/records.h"

static const fd_txn_ops *ops_of(const fd_committer *c)
{
    return c->config.txn.ops;
}

static void stage_done(fd_committer *c, fd_stage stage, const fd_job *job, int64_t since_ns)
{
    const fd_observer *o = &c->config.observer;
    o->ops->stage(o->self, stage, job->n, fd_committer_now(c) - since_ns);
}

/* What a class other than OK means for a lane in a transaction. */
static fd_step failed(fd_committer *c, int i, fd_class cls, const fd_err *err, int *backoff_ms)
{
    FD_ASSERT(cls != FD_OK);
    const fd_job *job = c->lanes[i].job;
    FD_ASSERT(job != NULL);
    if (cls == FD_RETRY && fd_committer_now(c) - job->began_ns < c->config.txn_timeout_ns) {
        *backoff_ms = 1;
        return FD_STEP_BACKOFF;
    }
    fd_committer_trouble(c, i, err);
    return FD_STEP_AGAIN;
}

static fd_step advance_closed(fd_committer *c, int i, int *backoff_ms)
{
    fd_lane *lane = &c->lanes[i];
    fd_err err = {0};
    if (fd_committer_too_early(c, lane->open_after_ns, backoff_ms))
        return FD_STEP_BACKOFF;
    fd_committer_unlock(c);
    fd_class cls = ops_of(c)->open(c->config.txn.self, i, c->config.call_timeout_ms, &err);
    fd_committer_lock(c);
    if (cls == FD_OK) {
        lane->state = FD_LANE_IDLE;
        lane->open_tries = 0;
        lane->open_after_ns = 0;
        bool others = true;
        for (int k = 0; k < FD_LANES; k++)
            others = others && c->lanes[k].state != FD_LANE_CLOSED;
        c->opened = c->opened || others;
        fd_committer_wake_all(c);
        return FD_STEP_AGAIN;
    }
    if (fd_committer_hopeless(&err)) {
        fd_committer_fail(c, &err);
        return FD_STEP_AGAIN;
    }
    if (cls != FD_RETRY) {
        fd_committer_unlock(c);
        ops_of(c)->destroy(c->config.txn.self, i);
        fd_committer_lock(c);
    }
    fd_committer_note(c, FD_NOTE_RECOVERY_RETRY, err.text);
    *backoff_ms = fd_committer_backoff_ms(lane->open_tries++);
    lane->open_after_ns = fd_committer_now(c) + *backoff_ms * INT64_C(1000000);
    return FD_STEP_BACKOFF;
}

/* A job begins when its predecessor is at its commit. Earlier would be too early: this lane's
 * previous transaction committed one turn ago, and while its markers are being written a new
 * AddPartitionsToTxn is put off by a fixed 20 ms (librdkafka). Measured on a real broker at 1,000
 * events/s: 9 to 34 ms per transaction when jobs begin at once, 4.8 with this, 5.5 when they wait
 * for the commit's return. */
static bool may_begin(const fd_committer *c, const fd_lane *lane)
{
    const fd_job *oldest = c->jobs[0];
    return oldest == lane->job || c->lanes[oldest->seq % FD_LANES].state == FD_LANE_COMMIT ||
           FD_MUTANT(BEGINS_EARLY);
}

static fd_step advance_idle(fd_committer *c, int i)
{
    fd_lane *lane = &c->lanes[i];
    if (!FD_MUTANT(DIRTY) && ops_of(c)->dirty(c->config.txn.self, i)) {
        lane->state = FD_LANE_CLOSED;
        fd_committer_unlock(c);
        ops_of(c)->destroy(c->config.txn.self, i);
        fd_committer_note(c, FD_NOTE_LANE_RENEWED, "");
        fd_committer_lock(c);
        return FD_STEP_AGAIN;
    }
    if (lane->job == NULL || !may_begin(c, lane))
        return FD_STEP_WAIT;
    lane->state = FD_LANE_BEGIN;
    return FD_STEP_AGAIN;
}

void fd_lane_forget_member(fd_committer *c, int i)
{
    fd_lane *lane = &c->lanes[i];
    if (lane->has_member)
        c->config.source.ops->membership_free(c->config.source.self, &lane->member);
    lane->has_member = false;
}

static fd_step advance_begin(fd_committer *c, int i, int *backoff_ms)
{
    fd_lane *lane = &c->lanes[i];
    fd_job *job = lane->job;
    fd_err err = {0};
    job->began_ns = fd_committer_now(c);
    if (!FD_MUTANT(KEEPS_COUNT))
        job->n_produced = 0;
    fd_lane_forget_member(c, i);
    fd_committer_unlock(c);
    FD_FAILPOINT("before_begin");
    fd_class cls = ops_of(c)->begin(c->config.txn.self, i, &err);
    FD_FAILPOINT("after_begin");
    fd_committer_lock(c);
    if (cls != FD_OK)
        return failed(c, i, cls, &err, backoff_ms);
    lane->state = FD_LANE_PRODUCE;
    return FD_STEP_AGAIN;
}

static fd_step advance_produce(fd_committer *c, int i, int *backoff_ms)
{
    fd_lane *lane = &c->lanes[i];
    fd_job *job = lane->job;
    fd_err err = {0};
    fd_committer_unlock(c);
    int64_t since = fd_committer_now(c);
#ifdef FD_FAILPOINTS
    uint32_t half = job->n_records / 2;
    if (job->n_produced < half)
        ops_of(c)->produce(c->config.txn.self, i, job->records, half, &job->n_produced, &err);
    FD_FAILPOINT("mid_produce");
#endif
    fd_class cls = ops_of(c)->produce(c->config.txn.self, i, job->records, job->n_records,
                                      &job->n_produced, &err);
    stage_done(c, FD_STAGE_PRODUCE, job, since);
    if (FD_MUTANT(HALF_BATCH) && cls == FD_RETRY)
        cls = FD_OK;
    if (cls == FD_OK)
        FD_FAILPOINT("after_produce");
    fd_committer_lock(c);
    if (cls != FD_OK)
        return failed(c, i, cls, &err, backoff_ms);
    FD_ASSERT(job->n_produced == job->n_records || FD_MUTANT(HALF_BATCH));
    lane->state = FD_LANE_GATE;
    lane->gate_ns = fd_committer_now(c);
    return FD_STEP_AGAIN;
}

/* Another lane has committed on a bad connection and was not renewed yet: a late copy of its
 * TxnOffsetCommit may still join that transaction, until the broker has written its last marker,
 * and would then be appended after ours: the group's offset would move back. An epoch later it is
 * void. (What is dirty and not idle is behind us and has sent no offsets.) */
static bool others_clean(const fd_committer *c, int i)
{
    for (int k = 0; k < FD_LANES; k++) {
        fd_lane_state state = c->lanes[k].state;
        if (k == i || FD_MUTANT(GATE_DIRTY) || FD_MUTANT(DIRTY))
            continue;
        if (state == FD_LANE_CLOSED ||
            (state == FD_LANE_IDLE && ops_of(c)->dirty(c->config.txn.self, k)))
            return false;
    }
    return true;
}

/* Its predecessor has committed, and nothing of it is under way any more. */
static bool may_send_offsets(const fd_committer *c, int i)
{
    const fd_job *oldest = c->jobs[0];
    fd_lane_state elder = c->lanes[oldest->seq % FD_LANES].state;
    if (FD_MUTANT(GATE_ORDER) && elder >= FD_LANE_OFFSETS && elder <= FD_LANE_COMMIT)
        return true;
    return oldest == c->lanes[i].job && others_clean(c, i);
}

static fd_step advance_gate(fd_committer *c, int i)
{
    fd_lane *lane = &c->lanes[i];
    fd_err err = {0};
    if (lane->job->cancelled) {
        fd_fail(&err, FD_ABORT, 0, "its partitions were taken away");
        fd_committer_trouble(c, i, &err);
        return FD_STEP_AGAIN;
    }
    if (!may_send_offsets(c, i)) {
        if (fd_committer_now(c) - lane->job->began_ns < c->config.txn_timeout_ns)
            return FD_STEP_WAIT;
        fd_fail(&err, FD_ABORT, 0, "the transaction before it takes too long");
        fd_committer_trouble(c, i, &err);
        return FD_STEP_AGAIN;
    }
    stage_done(c, FD_STAGE_GATE, lane->job, lane->gate_ns);
    lane->state = FD_LANE_OFFSETS;
    return FD_STEP_AGAIN;
}

/* A classic group takes an offset commit without generation or member id unfenced (KIP-447 does
 * not cover it): so none is ever sent. */
static fd_class check_member(const fd_membership *m, fd_err *err)
{
    if ((m->generation >= 0 && m->has_member_id) || FD_MUTANT(GENERATION))
        return FD_OK;
    return fd_fail(err, FD_ABORT, 0, "not a member of the group now (generation %d)",
                   m->generation);
}

static fd_class send_offsets(fd_committer *c, int i, fd_job *job, fd_err *err)
{
    const fd_source *source = &c->config.source;
    fd_lane *lane = &c->lanes[i];
    if (!lane->has_member) {
        fd_class cls = source->ops->membership(source->self, &lane->member, err);
        if (cls != FD_OK)
            return cls;
        lane->has_member = true;
    }
    fd_class cls = check_member(&lane->member, err);
    FD_FAILPOINT("before_send_offsets");
    if (cls == FD_OK)
        cls = ops_of(c)->send_offsets(c->config.txn.self, i, fd_records_next_offsets(job),
                                      job->n_spans, &lane->member, c->config.call_timeout_ms, err);
    FD_FAILPOINT("after_send_offsets");
    if (cls != FD_RETRY)
        fd_lane_forget_member(c, i);
    return cls;
}

static fd_step advance_offsets(fd_committer *c, int i, int *backoff_ms)
{
    fd_lane *lane = &c->lanes[i];
    fd_job *job = lane->job;
    FD_ASSERT(c->jobs[0] == job || FD_MUTANT(GATE_ORDER));
    if (job->cancelled) {
        lane->state = FD_LANE_GATE;
        return FD_STEP_AGAIN;
    }
    fd_err err = {0};
    fd_committer_unlock(c);
    int64_t since = fd_committer_now(c);
    fd_class cls = send_offsets(c, i, job, &err);
    stage_done(c, FD_STAGE_OFFSETS, job, since);
    fd_committer_lock(c);
    if (cls != FD_OK)
        return failed(c, i, cls, &err, backoff_ms);
    lane->state = FD_LANE_COMMIT;
    for (uint32_t k = 1; k < c->n_jobs; k++)
        fd_committer_wake(c, (int)(c->jobs[k]->seq % FD_LANES));
    return FD_STEP_AGAIN;
}

static fd_step advance_commit(fd_committer *c, int i, int *backoff_ms)
{
    fd_lane *lane = &c->lanes[i];
    fd_job *job = lane->job;
    if (FD_MUTANT(GATE_ORDER) && c->jobs[0] != job) {
        lane->state = c->mode == FD_COMMITTER_RUNNING ? FD_LANE_COMMIT : FD_LANE_PARKED;
        return FD_STEP_WAIT;
    }
    FD_ASSERT(c->jobs[0] == job);
    fd_err err = {0};
    fd_committer_unlock(c);
    int64_t since = fd_committer_now(c);
    FD_FAILPOINT("before_commit");
    fd_class cls = ops_of(c)->commit(c->config.txn.self, i, c->config.call_timeout_ms, &err);
    if (FD_MUTANT(UNKNOWN_IS_YES) && cls == FD_FATAL)
        cls = FD_OK;
    if (cls == FD_OK)
        FD_FAILPOINT("after_commit");
    stage_done(c, FD_STAGE_COMMIT, job, since);
    fd_committer_lock(c);
    if (cls != FD_OK)
        return failed(c, i, cls, &err, backoff_ms);
    job->committed_wall_ms = fd_clock_wall_ms(&c->config.clock);
    c->config.observer.ops->txn(c->config.observer.self, FD_TXN_COMMITTED,
                                fd_committer_now(c) - job->began_ns);
    fd_committer_finish(c, FD_JOB_COMMITTED);
    c->recoveries = 0;
    lane->state = c->mode == FD_COMMITTER_RUNNING ? FD_LANE_IDLE : FD_LANE_PARKED;
    return FD_STEP_AGAIN;
}

fd_step fd_lane_advance(fd_committer *c, int i, int *backoff_ms)
{
    switch (c->lanes[i].state) {
    case FD_LANE_CLOSED:
        return advance_closed(c, i, backoff_ms);
    case FD_LANE_IDLE:
        return advance_idle(c, i);
    case FD_LANE_BEGIN:
        return advance_begin(c, i, backoff_ms);
    case FD_LANE_PRODUCE:
        return advance_produce(c, i, backoff_ms);
    case FD_LANE_GATE:
        return advance_gate(c, i);
    case FD_LANE_OFFSETS:
        return advance_offsets(c, i, backoff_ms);
    case FD_LANE_COMMIT:
        return advance_commit(c, i, backoff_ms);
    case FD_LANE_PARKED:
    case FD_LANE_STOPPED:
        break;
    }
    FD_UNREACHABLE();
}
