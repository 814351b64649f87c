/*
 * Forming batches and taking them back: when one is due, which events it takes (by the merge),
 * the engine's stages over it, its records, its submission; and what its outcome changes.
 * Engine thread.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

/* Due at once when nothing is in flight (lowest latency); else with a full batch (throughput), or
 * when the oldest event has waited long enough (a commit that takes its time). A second transaction
 * beside one that is quick makes both slower: measured on two cores shared with the broker, at
 * 1,000 and 5,000 events/s, p50 14 and 11 ms when it waits 20 ms, 22 and 17 ms when it waits 2. */
static bool due(fd_worker *w, int64_t now)
{
    uint32_t queued = w->queued - w->redo_queued;
    if (queued == 0 || w->pinning || w->breaker.tripped || !fd_committer_ready(w->committer))
        return false;
    if (fd_worker_holds(w))
        return false;
    uint32_t in_flight = fd_committer_in_flight(w->committer);
    if (in_flight >= w->config.max_in_flight)
        return false;
    if (in_flight > 0 && fd_keeper_due(w->keeper) && !FD_MUTANT(BEYOND_COMMITTED))
        return false; /* what it writes must be committed */
    return in_flight == 0 || queued >= w->config.max_events ||
           now - w->first_queued_ns >= w->config.max_wait_ns;
}

static const int64_t BEHIND_WAIT_US = 2000;

/* Those that wait for their windows want to try again. */
static int64_t until_a_try_us(const fd_worker *w, int64_t max_us)
{
    int64_t now = fd_worker_now(w);
    for (uint32_t i = 0; i < w->parts.n; i++) {
        int64_t left_ns = w->parts.items[i].lacks_ns - now;
        if (w->parts.items[i].lacks_ns != 0 && left_ns / 1000 < max_us)
            max_us = left_ns < 0 ? 0 : left_ns / 1000;
    }
    return max_us;
}

int64_t fd_worker_patience_us(fd_worker *w, int64_t max_us)
{
    if (w->redo_more || w->behind_moved)
        return 0;
    if (w->behind.n + w->ahead.n > 0 && max_us > BEHIND_WAIT_US)
        max_us = BEHIND_WAIT_US; /* nobody wakes us for history */
    if (w->queued > 0)
        max_us = until_a_try_us(w, max_us);
    if (w->hold_ns != 0)
        return max_us < 500 ? max_us : 500;
    if (w->queued == w->redo_queued || w->breaker.tripped || !fd_committer_ready(w->committer))
        return max_us;
    if (w->merge_waits)
        return max_us < 1000 ? max_us : 1000;
    if (w->starved || w->memory_full)
        return max_us; /* for a schema: its answer wakes us; or for room */
    uint32_t in_flight = fd_committer_in_flight(w->committer);
    if (in_flight >= w->config.max_in_flight)
        return max_us;
    if (in_flight == 0)
        return 0;
    int64_t left_ns = w->first_queued_ns + w->config.max_wait_ns - fd_worker_now(w);
    if (left_ns <= 0)
        return 0;
    return left_ns / 1000 < max_us ? left_ns / 1000 : max_us;
}

static fd_span *span_of(fd_job *job, fd_part *part)
{
    if (part->in_job == 0) {
        part->before_us = part->merge_us;
        job->spans[job->n_spans++] = (fd_span){
            .tp = part->tp, .begin = part->decide, .end = part->decide, .found = -2};
        part->in_job = job->n_spans;
        part->taken = 0;
    }
    return &job->spans[part->in_job - 1];
}

static void take(fd_worker *w, fd_job *job, fd_part *part)
{
    fd_span *span = span_of(job, part);
    const fd_event *head = fd_part_head(part);
    part->merge_us = fd_merge_key(part, head);
    fd_event ev = fd_part_pop(part);
    part->taken++;
    w->queued--;
    if (fd_breaker_count(&w->breaker, ev.poison != FD_POISON_NONE))
        fd_worker_note(w, FD_NOTE_BREAKER, &part->tp, ev.msg.offset,
                       "see poison.max_rate; POST /-/resume lets it go on");
    if (ev.poison != FD_POISON_NONE)
        fd_worker_note(w, FD_NOTE_POISON, &part->tp, ev.msg.offset, fd_poison_name(ev.poison));
    fd_engine_place(w->config.engine, &ev, part->merge_us);
    if (part->short_us == INT64_MAX && ev.poison == FD_POISON_NONE)
        part->short_us = ev.time_us + fd_engine_horizon_us(w->config.engine, part->tp.source);
    if (ev.time_us < part->short_us || w->incomplete[part->tp.source] || part->blind)
        ev.flags |= FD_FLAG_BIT(FD_FLAG_INCOMPLETE);
    ev.blind = part->blind;
    span->end = part->decide;
    span->leader_epoch = ev.msg.leader_epoch;
    job->kafka_ms[job->n] = ev.msg.kafka_ms;
    job->events[job->n++] = ev;
}

/* Features that other partitions have a share in are exact only if all of them are here and in
 * step; an own partition's always are. */
static void look_for_gaps(fd_worker *w)
{
    int32_t here[FD_ENGINE_MAX_SOURCES] = {0};
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const fd_part *p = &w->parts.items[i];
        here[p->tp.source] += p->state == FD_PART_LIVE && !p->apart && !p->blind;
    }
    for (uint32_t s = 0; s < w->n_sources; s++)
        w->incomplete[s] = fd_engine_crosses(w->config.engine, (uint16_t)s) &&
                           here[s] < w->topic_partitions[s];
}

/* Somebody was not waited for any longer. */
static void overtake(fd_worker *w)
{
    for (uint32_t s = 0; s < w->n_sources; s++)
        w->incomplete[s] = w->incomplete[s] || fd_engine_crosses(w->config.engine, (uint16_t)s);
}

/* Takes from one group until the job holds `limit` events or nothing may be taken. */
static void take_group(fd_worker *w, fd_job *job, bool apart, uint32_t limit, int64_t now)
{
    while (job->n < limit && !w->breaker.tripped) {
        fd_merge_pick pick = fd_merge_next(&w->merge, &w->parts, apart, now);
        w->merge_waits = w->merge_waits || pick.waiting;
        fd_part *part = pick.part;
        if (part == NULL)
            return;
        if (pick.incomplete)
            overtake(w);
        do {
            take(w, job, part);
            const fd_event *head = fd_part_head(part);
            if (head == NULL || head->needs_schema || fd_merge_key(part, head) >= pick.limit_us)
                break;
        } while (job->n < limit && !w->breaker.tripped);
    }
}

static void form(fd_worker *w, fd_job *job, int64_t now)
{
    fd_merge_regroup(&w->merge, &w->parts);
    bool any_apart = false;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        w->parts.items[i].in_job = 0;
        any_apart = any_apart || w->parts.items[i].apart;
    }
    w->merge_waits = false;
    look_for_gaps(w);
    uint32_t max = w->batch_limit;
    take_group(w, job, false, any_apart && max > 1 ? max / 2 : max, now);
    if (any_apart)
        take_group(w, job, true, max, now);
}

static void flag_deadlines(fd_worker *w, fd_job *job)
{
    if (w->config.deadline_ms == 0)
        return;
    int64_t limit = fd_clock_wall_ms(&w->config.clock) - w->config.deadline_ms;
    for (uint32_t i = 0; i < job->n; i++) {
        int64_t ms = job->events[i].msg.kafka_ms;
        if (ms >= 0 && ms < limit)
            job->events[i].flags |= FD_FLAG_BIT(FD_FLAG_DEADLINE);
    }
}

static void check_keys(fd_worker *w, const fd_job *job)
{
    uint64_t before = w->key_counter / FD_KEY_SAMPLE;
    w->key_counter += job->n;
    if (w->key_counter / FD_KEY_SAMPLE == before && before != 0)
        return;
    const fd_event *ev = &job->events[0];
    if (!fd_engine_key_matches(w->config.engine, job->events, 0))
        fd_worker_note(w, FD_NOTE_KEY_MISMATCH, &ev->msg.tp, ev->msg.offset,
                       "the message key is not the text of the partitioned_by field");
}

static int64_t timed(fd_worker *w, fd_stage stage, uint32_t n, int64_t since)
{
    int64_t now = fd_worker_now(w);
    w->config.observer.ops->stage(w->config.observer.self, stage, n, now - since);
    return now;
}

/* What the batch took of partitions that lack windows goes back to their queues. */
static void put_back(fd_worker *w, fd_job *job)
{
    uint32_t kept = 0, spans = 0;
    for (uint32_t i = 0; i < job->n; i++) {
        if (fd_parts_find(&w->parts, job->events[i].msg.tp)->lacks_ns != 0)
            continue;
        job->kafka_ms[kept] = job->kafka_ms[i];
        job->events[kept++] = job->events[i];
    }
    for (uint32_t i = 0; i < job->n_spans; i++) {
        fd_part *part = fd_parts_find(&w->parts, job->spans[i].tp);
        if (part->lacks_ns == 0) {
            job->spans[spans++] = job->spans[i];
            continue;
        }
        fd_part_unpop(part, part->taken, job->spans[i].begin);
        w->queued += part->taken;
    }
    job->n = kept;
    job->n_spans = spans;
}

/* Columns of the batch, and the windows it needs in memory. False: none of it can be had now. */
static bool prepare(fd_worker *w, fd_job *job, int64_t *t)
{
    fd_engine_decode(w->config.engine, job->events, job->n);
    *t = timed(w, FD_STAGE_DECODE, job->n, *t);
    if (!fd_keeper_on(w->keeper))
        return true;
    while (fd_worker_fetch(w, job->n) != FD_OK) {
        put_back(w, job);
        if (job->n == 0)
            return false;
        fd_engine_decode(w->config.engine, job->events, job->n);
    }
    *t = timed(w, FD_STAGE_FETCH, job->n, *t);
    return true;
}

static bool evaluate(fd_worker *w, fd_job *job)
{
    fd_engine *e = w->config.engine;
    flag_deadlines(w, job);
    int64_t t = fd_worker_now(w);
    if (!prepare(w, job, &t))
        return false;
    if (fd_engine_keeps_state(e)) {
        fd_engine_fold(e, job->events, job->n);
        t = timed(w, FD_STAGE_FOLD, job->n, t);
    }
    fd_engine_decide(e, job->events, job->n);
    t = timed(w, FD_STAGE_RULES, job->n, t);
    fd_engine_encode(e, job->events, job->n, job->arena, job->outcomes);
    check_keys(w, job);
    job->dead_letter_max = w->config.dead_letter_max_bytes;
    bool ok = fd_records_build(job, &w->records);
    FD_ASSERT(ok); /* the job's arena has no limit */
    timed(w, FD_STAGE_ENCODE, job->n, t);
    return true;
}

void fd_worker_dispatch(fd_worker *w)
{
    int64_t now = fd_worker_now(w);
    w->starved = false;
    while (due(w, now) && fd_worker_room(w)) {
        FD_ASSERT(w->n_spare > 0);
        fd_job *job = w->spare[w->n_spare - 1];
        form(w, job, now);
        w->starved = job->n == 0;
        if (w->starved)
            return;
        job->formed_ns = timed(w, FD_STAGE_MERGE, job->n, now);
        w->starved = !evaluate(w, job);
        if (w->starved) {
            fd_job_reset(job);
            return;
        }
        w->n_spare--;
        fd_committer_submit(w->committer, job);
        now = fd_worker_now(w);
        w->first_queued_ns = w->queued > w->redo_queued ? now : 0;
    }
}

static void report_batch(fd_worker *w, const fd_job *job)
{
    fd_batch_report r = {
        .events = job->n, .kafka_ms = job->kafka_ms, .committed_wall_ms = job->committed_wall_ms};
    for (uint32_t i = 0; i < job->n; i++) {
        const fd_outcome *o = &job->outcomes[i];
        r.by_action[o->action]++;
        r.by_poison[job->events[i].poison]++;
        for (int f = 0; o->flags != 0 && f < FD_N_FLAGS; f++)
            r.by_flag[f] += (o->flags & FD_FLAG_BIT(f)) != 0;
    }
    if (r.committed_wall_ms == 0)
        r.committed_wall_ms = fd_clock_wall_ms(&w->config.clock);
    w->config.observer.ops->batch(w->config.observer.self, &r);
}

static void settle(fd_worker *w, const fd_job *job)
{
    if (job->outcome == FD_JOB_DROPPED && job->n > 0 && fd_engine_keeps_state(w->config.engine) &&
        !FD_MUTANT(KEEPS_STATE) && !FD_MUTANT(DROP_GOES_ON))
        fd_worker_restart_all(w);
    for (uint32_t i = 0; i < job->n_spans; i++) {
        fd_part *part = fd_parts_find(&w->parts, job->spans[i].tp);
        if (part == NULL || (part->state != FD_PART_LIVE && part->state != FD_PART_LEAVING))
            continue;
        bool moved = job->outcome == FD_JOB_COMMITTED || FD_MUTANT(DROP_GOES_ON);
        if (moved && part->committed == job->spans[i].begin)
            part->committed = job->spans[i].end;
        else if (part->state == FD_PART_LIVE)
            fd_worker_restart_part(w, part);
        else
            part->storable = false;
    }
    if (job->outcome != FD_JOB_DROPPED)
        return;
    char detail[64];
    snprintf(detail, sizeof detail, "%u events, %u partitions", job->n, job->n_spans);
    fd_worker_note(w, FD_NOTE_DROPPED, NULL, -1, detail);
}

void fd_worker_reap(fd_worker *w)
{
    for (fd_job *job = fd_committer_reap(w->committer); job != NULL;
         job = fd_committer_reap(w->committer)) {
        if (job->outcome == FD_JOB_COMMITTED && job->n > 0)
            report_batch(w, job);
        settle(w, job);
        for (uint32_t i = 0; i < job->n; i++)
            w->config.source.ops->release(w->config.source.self, &job->events[i].msg);
        job->committed_wall_ms = 0;
        fd_job_reset(job);
        FD_ASSERT(w->n_spare < FD_LANES + 1);
        w->spare[w->n_spare++] = job;
    }
}
