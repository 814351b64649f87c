/*
 * Answering rebalances, in the engine thread's own time.
 *
 * Revoke: nothing more is taken, what is in flight gets to finish (or is cancelled after a
 * while), then the source is told. Lost: what is in flight must not send offsets; the source is
 * told at once. Assign and restart are one path: ask for the committed offset, settle where a
 * new partition starts, go live together. Engine thread.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/failpoint.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

static const int64_t START_RETRY_NS = 50 * 1000 * 1000;
enum { START_CALL_MS = 500 };

static void note_parts(fd_worker *w, fd_note note, uint32_t n)
{
    char detail[64];
    snprintf(detail, sizeof detail, "%u, owned in all: %u", n, w->parts.n);
    fd_worker_note(w, note, NULL, -1, detail);
}

void fd_worker_assigned(fd_worker *w, const fd_tp *tps, uint32_t n)
{
    w->joined = true;
    for (uint32_t i = 0; i < n; i++) {
        FD_ASSERT(fd_parts_find(&w->parts, tps[i]) == NULL);
        fd_part *part = fd_parts_add(&w->parts, tps[i]);
        if (part == NULL) {
            fd_err err;
            fd_fail(&err, FD_FATAL, FD_EXIT_CONFIG,
                    "more than %d partitions assigned to one worker: run more workers",
                    FD_PARTS_MAX);
            fd_worker_fail(w, &err);
            return;
        }
        part->fresh = true;
    }
    note_parts(w, FD_NOTE_ASSIGNED, n);
    if (n == 0) {
        fd_err err;
        if (w->config.source.ops->assign(w->config.source.self, NULL, 0, &err) == FD_FATAL)
            fd_worker_fail(w, &err);
    }
}

void fd_worker_revoked(fd_worker *w, const fd_tp *tps, uint32_t n, bool lost)
{
    FD_FAILPOINT("in_revoke");
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_parts_find(&w->parts, tps[i]);
        if (part == NULL)
            continue;
        int64_t decide = part->decide;
        fd_worker_discard(w, part);
        fd_worker_unpause(w, part);
        part->decide = decide; /* what was folded */
        if (!fd_part_reads(part))
            part->storable = false;
        part->state = FD_PART_LEAVING;
    }
    w->leaving = true;
    w->leaving_since_ns = fd_worker_now(w);
    w->leaving_lost = lost;
    if (lost && !FD_MUTANT(LOST))
        fd_committer_cancel(w->committer, tps, n);
    note_parts(w, lost ? FD_NOTE_LOST : FD_NOTE_REVOKED, n);
}

static uint32_t collect(fd_worker *w, fd_part_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (w->parts.items[i].state == state)
            w->tps[n++] = w->parts.items[i].tp;
    }
    return n;
}

static bool any_in_flight(fd_worker *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (fd_committer_touches(w->committer, w->tps[i]))
            return true;
    }
    return false;
}

/* The next owner redoes only what the store does not have. */
static bool all_stored(fd_worker *w)
{
    bool all = true;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (w->parts.items[i].state == FD_PART_LEAVING)
            all = fd_worker_leave_state(w, &w->parts.items[i]) && all;
    }
    return all;
}

static void progress_leaving(fd_worker *w)
{
    uint32_t n = collect(w, FD_PART_LEAVING);
    bool late = fd_worker_now(w) - w->leaving_since_ns > w->config.revoke_timeout_ns;
    if (!w->leaving_lost && any_in_flight(w, n) && !FD_MUTANT(REVOKED)) {
        if (late)
            fd_committer_cancel(w->committer, w->tps, n);
        return;
    }
    if (!w->leaving_lost && !late && !all_stored(w))
        return;
    fd_err err;
    fd_class cls = w->config.source.ops->unassign(w->config.source.self, w->tps, n, &err);
    if (cls == FD_RETRY)
        return;
    if (cls != FD_OK) {
        fd_worker_fail(w, &err);
        return;
    }
    w->leaving = false;
    for (uint32_t i = 0; i < n; i++) {
        fd_partition_report gone = {.tp = w->tps[i], .owned = false};
        w->config.observer.ops->partition(w->config.observer.self, &gone);
        fd_worker_see(w, fd_parts_find(&w->parts, w->tps[i]));
        fd_worker_restart_ahead(w, w->tps[i]);
        fd_worker_forget(w, w->tps[i]);
        fd_parts_remove(&w->parts, fd_parts_find(&w->parts, w->tps[i]));
    }
}

void fd_worker_restart_part(fd_worker *w, fd_part *part)
{
    FD_ASSERT(fd_part_reads(part));
    fd_worker_discard(w, part);
    fd_worker_unpause(w, part);
    fd_worker_see(w, part);
    fd_worker_restart_ahead(w, part->tp);
    fd_worker_forget(w, part->tp);
    part->state = FD_PART_STARTING;
    part->fresh = false;
}

/* Where a partition without a committed offset starts, as the configuration says. */
static fd_class first_offset(fd_worker *w, fd_tpo *tpo, fd_err *err)
{
    const fd_start *start = &w->starts[tpo->tp.source];
    const fd_source *s = &w->config.source;
    if (start->kind == FD_START_TIME)
        return s->ops->at_time(s->self, tpo->tp, start->time_ms, &tpo->offset, START_CALL_MS, err);
    int64_t first, next;
    fd_class cls = s->ops->bounds(s->self, tpo->tp, &first, &next, START_CALL_MS, err);
    if (cls == FD_OK)
        tpo->offset = start->kind == FD_START_EARLIEST ? first : next;
    return cls;
}

/* A transaction that moves new partitions from nothing to their start. */
static fd_class form_pin(fd_worker *w, fd_job *job, uint32_t n, fd_err *err)
{
    for (uint32_t i = 0; i < n && job->n_spans < job->max_events; i++) {
        if (w->tpos[i].offset >= 0)
            continue;
        fd_class cls = first_offset(w, &w->tpos[i], err);
        if (cls != FD_OK)
            return cls;
        if (FD_MUTANT(PINS_NOTHING))
            continue;
        job->spans[job->n_spans++] = (fd_span){.tp = w->tpos[i].tp,
                                               .begin = -1,
                                               .end = w->tpos[i].offset,
                                               .leader_epoch = -1,
                                               .found = -2};
    }
    return FD_OK;
}

/* Start offsets of partitions that are new to the group are committed first: where it starts may
 * not depend on when it crashes. In a transaction like any other, because of a plain commit the
 * network may deliver a second copy, later, when the group is further on. */
static fd_class pin_starts(fd_worker *w, uint32_t n, fd_err *err)
{
    w->pinning = !fd_committer_ready(w->committer) ||
                 fd_committer_in_flight(w->committer) >= w->config.max_in_flight;
    if (w->pinning)
        return FD_OK; /* dispatch leaves the next place to us */
    FD_ASSERT(w->n_spare > 0);
    fd_job *job = w->spare[w->n_spare - 1];
    fd_class cls = form_pin(w, job, n, err);
    if (cls != FD_OK || job->n_spans == 0) {
        fd_job_reset(job);
        return cls;
    }
    w->n_spare--;
    job->formed_ns = fd_worker_now(w);
    fd_committer_submit(w->committer, job);
    return FD_OK;
}

/* *settled: all have an offset to start from. */
static fd_class settle_offsets(fd_worker *w, uint32_t n, bool *settled, fd_err *err)
{
    const fd_source *s = &w->config.source;
    fd_class cls = s->ops->committed(s->self, w->tpos, n, START_CALL_MS, err);
    *settled = cls == FD_OK;
    for (uint32_t i = 0; i < n; i++)
        *settled = *settled && w->tpos[i].offset >= 0;
    if (cls != FD_OK || *settled)
        return cls;
    *settled = FD_MUTANT(PINS_NOTHING);
    return pin_starts(w, n, err);
}

/* From there to the committed offset, or behind the partition while it decides. */
static fd_class begin_redo(fd_worker *w, uint32_t n, fd_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_parts_find(&w->parts, w->tpos[i].tp);
        fd_part was = *part;
        fd_part_start(part, w->tpos[i].offset, w->tpos[i].leader_epoch);
        part->committed = was.committed;
        part->pause = FD_PAUSE_NONE;
        bool blind = was.behind_from >= 0;
        part->merge_us = blind ? INT64_MIN : was.merge_us;
        part->short_us = was.short_us;
        fd_worker_redo_begin(w, part, blind ? -1 : was.log_first);
        fd_class cls = !blind ? FD_OK
                              : fd_worker_go_blind(w, part, was.behind_from, was.log_first,
                                                   was.merge_us, err);
        if (cls != FD_OK)
            return cls;
    }
    return FD_OK;
}

/* The new and the restarted partitions separately: they are different calls to the source. */
static uint32_t collect_starting(fd_worker *w, bool fresh)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const fd_part *part = &w->parts.items[i];
        if (part->state != FD_PART_STARTING || part->fresh != fresh)
            continue;
        w->tps[n] = part->tp;
        w->tpos[n++] = (fd_tpo){.tp = part->tp, .offset = -1, .leader_epoch = -1};
    }
    return n;
}

static void progress_starting(fd_worker *w, bool fresh)
{
    uint32_t n = collect_starting(w, fresh);
    if (n == 0 || (any_in_flight(w, n) && !FD_MUTANT(STARTS_EARLY)))
        return;
    FD_FAILPOINT("in_assign");
    fd_err err = {0};
    const fd_source *s = &w->config.source;
    bool settled;
    fd_class cls = settle_offsets(w, n, &settled, &err);
    if (cls == FD_OK && !settled)
        return;
    if (cls == FD_OK)
        cls = fd_worker_take_state(w, n, &err);
    if (cls == FD_OK)
        cls = fresh ? s->ops->assign(s->self, w->tpos, n, &err)
                    : s->ops->restart(s->self, w->tpos, n, &err);
    if (cls == FD_OK)
        cls = begin_redo(w, n, &err);
    if (cls == FD_OK)
        return;
    fd_worker_note(w, FD_NOTE_SOURCE_ERROR, NULL, -1, err.text);
    if (cls == FD_FATAL)
        fd_worker_fail(w, &err);
    w->retry_start_ns = fd_worker_now(w) + START_RETRY_NS;
}

void fd_worker_rebalance(fd_worker *w)
{
    w->pinning = false;
    if (w->leaving) {
        progress_leaving(w);
        return;
    }
    /* Producers first: opening them ends what a predecessor left pending, and so makes the
     * committed offsets stable. */
    if (!fd_committer_opened(w->committer) || fd_worker_now(w) < w->retry_start_ns)
        return;
    if (atomic_load(&w->stopping))
        return;
    progress_starting(w, true);
    progress_starting(w, false);
}
