/*
 * Redoing state: events that were decided before are folded once more, with outputs suppressed, up
 * to the committed offset; then the partition goes live. One path for start, crash, rebalance and
 * dropped batches (DESIGN §2, idea 2). Where no state is kept it is a path of no length.
 *
 * Invariant: what is folded is what was folded when the events were decided: the fold of a
 * partition depends on its own events in offset order alone. Partitions that redo at the same time
 * go live together, so that the merge sees them all. Engine thread.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/failpoint.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

static const int64_t PROGRESS_NS = INT64_C(2) * 1000 * 1000 * 1000;

/* All below the committed offset has been read. */
bool fd_worker_redone(const fd_part *part)
{
    const fd_event *head = part->n == 0 ? NULL : &part->queue[part->head];
    if (head != NULL)
        return head->msg.offset >= part->committed;
    return part->fetch >= part->committed || part->eof >= part->committed;
}

void fd_worker_redo_begin(fd_worker *w, fd_part *part, int64_t log_first)
{
    FD_ASSERT(part->state == FD_PART_STARTING);
    part->state = FD_PART_REDO;
    part->log_first = log_first;
    if (part->fetch >= part->committed)
        return;
    if (w->redo_began_ns == 0) {
        w->redo_began_ns = fd_worker_now(w);
        w->redo_said_ns = w->redo_began_ns;
        w->redo_events = 0;
    }
    char detail[96];
    snprintf(detail, sizeof detail, "offsets %" PRId64 " to %" PRId64, part->fetch,
             part->committed);
    fd_worker_note(w, FD_NOTE_REDO_BEGIN, &part->tp, part->fetch, detail);
}

/* Offsets still to read, of all partitions: an upper bound of events. */
static uint64_t offsets_left(const fd_parts *parts)
{
    uint64_t left = 0;
    for (uint32_t i = 0; i < parts->n; i++) {
        const fd_part *p = &parts->items[i];
        if (p->state == FD_PART_REDO && p->decide < p->committed)
            left += (uint64_t)(p->committed - p->decide);
    }
    return left;
}

void fd_worker_say_progress(fd_worker *w)
{
    int64_t now = fd_worker_now(w);
    w->redo_left = offsets_left(&w->parts) + offsets_left(&w->behind);
    if (w->redo_began_ns == 0 || now - w->redo_said_ns < PROGRESS_NS)
        return;
    w->redo_said_ns = now;
    double seconds = (double)(now - w->redo_began_ns) / 1e9;
    double rate = (double)w->redo_events / seconds;
    char detail[128];
    snprintf(detail, sizeof detail, "%" PRIu64 " events, %.0f/s, %" PRIu64 " left, %.0f s to go",
             w->redo_events, rate, w->redo_left, rate > 0 ? (double)w->redo_left / rate : 0.0);
    fd_worker_note(w, FD_NOTE_REDO_PROGRESS, NULL, -1, detail);
}

/* Has it an event that could be folded now? */
static bool foldable(fd_part *part)
{
    const fd_event *head = fd_part_head(part);
    return head != NULL && !head->needs_schema && part->lacks_ns == 0 &&
           head->msg.offset < part->committed;
}

/* Takes events of one partition that come before its committed offset. */
static uint32_t take(fd_worker *w, fd_part *part, uint32_t n, uint32_t limit)
{
    part->before_us = part->merge_us;
    while (n < limit && foldable(part)) {
        part->merge_us = fd_merge_key(part, fd_part_head(part));
        fd_event ev = fd_part_pop(part);
        if (ev.poison == FD_POISON_NONE && ev.time_us < part->oldest_us)
            part->oldest_us = ev.time_us;
        fd_engine_place(w->config.engine, &ev, part->merge_us);
        w->redo_batch[n++] = ev;
    }
    return n;
}

/* Windows that they change cannot be had now: they wait in their queues. */
static void put_back(fd_worker *w, fd_parts *parts, uint32_t n)
{
    for (uint32_t end = n; end > 0;) {
        uint32_t at = end;
        fd_tp tp = w->redo_batch[end - 1].msg.tp;
        while (at > 0 && fd_tp_eq(w->redo_batch[at - 1].msg.tp, tp))
            at--;
        fd_part_unpop(fd_parts_find(parts, tp), end - at, w->redo_batch[at].msg.offset);
        end = at;
    }
}

/* The messages are the source's, or, behind and ahead, the history's. */
static void release_batch(fd_worker *w, const fd_parts *parts, uint32_t n)
{
    bool behind = parts != &w->parts;
    for (uint32_t i = 0; i < n; i++) {
        if (behind)
            w->config.history.ops->release(w->config.history.self, &w->redo_batch[i].msg);
        else
            w->config.source.ops->release(w->config.source.self, &w->redo_batch[i].msg);
    }
    if (behind)
        return;
    w->queued -= n;
    w->redo_queued -= n;
}

/* Their order among partitions does not matter: each folds by itself. */
static uint32_t take_all(fd_worker *w, fd_parts *parts, uint32_t limit)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < parts->n && n < limit; i++) {
        if (parts->items[i].state == FD_PART_REDO)
            n = take(w, &parts->items[i], n, limit);
    }
    return n;
}

uint32_t fd_worker_ahead_batch(fd_worker *w, uint32_t limit, bool *full)
{
    *full = false;
    uint32_t n = take_all(w, &w->ahead, limit);
    if (n == 0)
        return 0;
    int64_t since = fd_worker_now(w);
    *full = !fd_engine_redo_behind(w->config.engine, w->next_fold, w->redo_batch, n);
    if (*full) {
        put_back(w, &w->ahead, n);
        return 0;
    }
    w->config.observer.ops->stage(w->config.observer.self, FD_STAGE_REDO, n,
                                  fd_worker_now(w) - since);
    release_batch(w, &w->ahead, n);
    w->redo_total += n;
    return n;
}

uint32_t fd_worker_redo_batch(fd_worker *w, fd_parts *parts)
{
    fd_engine *e = w->config.engine;
    if (!fd_worker_room(w))
        return 0;
    uint32_t n = take_all(w, parts, w->batch_limit);
    if (n == 0)
        return 0;
    int64_t since = fd_worker_now(w);
    fd_engine_decode(e, w->redo_batch, n);
    if (fd_worker_fetch(w, n) != FD_OK) {
        put_back(w, parts, n);
        return 0;
    }
    fd_engine_redo(e, w->redo_batch, n);
    w->config.observer.ops->stage(w->config.observer.self, FD_STAGE_REDO, n,
                                  fd_worker_now(w) - since);
    release_batch(w, parts, n);
    w->redo_events += n;
    w->redo_total += n;
    FD_FAILPOINT("in_redo");
    return n;
}

/* The log begins after what the windows reach back to. Not known to be short: nothing was deleted
 * (the log begins at offset 0), or what is there goes back far enough. A committed offset that the
 * log no longer has is another error, and the source's to tell. */
static bool history_is_short(fd_worker *w, const fd_part *part)
{
    if (part->log_first <= 0 || part->redo_from > part->log_first ||
        part->committed < part->log_first)
        return false;
    if (part->oldest_us == INT64_MAX)
        return true;
    int64_t horizon = fd_engine_horizon_us(w->config.engine, part->tp.source);
    return part->oldest_us > part->merge_us - horizon;
}

int64_t fd_worker_short_until(fd_worker *w, const fd_part *part)
{
    if (!history_is_short(w, part))
        return INT64_MIN;
    fd_worker_note(w, FD_NOTE_SHORT_HISTORY, &part->tp, part->log_first,
                   "decisions are flagged INCOMPLETE until the windows are full");
    if (part->oldest_us == INT64_MAX)
        return INT64_MAX;
    return part->oldest_us + fd_engine_horizon_us(w->config.engine, part->tp.source);
}

/* False: the process may not go on. Where the group begins with the log there is nothing that a
 * longer retention could mend. */
static bool mind_short_history(fd_worker *w, fd_part *part)
{
    if (!history_is_short(w, part))
        return true;
    if (w->config.allow_short_history || part->committed == part->log_first) {
        part->short_us = fd_worker_short_until(w, part);
        return true;
    }
    fd_err err;
    fd_fail(&err, FD_FATAL, FD_EXIT_CONFIG,
            "%s/%d: the log begins at offset %lld, later than the windows reach back: counts would "
            "be too low. Keep the topic for longer (retention.ms), or accept it with "
            "state.on_short_history: flag",
            w->topics[part->tp.source], part->tp.partition, (long long)part->log_first);
    fd_worker_fail(w, &err);
    return false;
}

static void go_live(fd_worker *w, fd_part *part, bool others)
{
    part->state = FD_PART_LIVE;
    part->apart = others;
    part->decide = part->committed;
    if (part->fetch < part->committed)
        part->fetch = part->committed;
    w->redo_queued -= part->n;
    fd_worker_note(w, FD_NOTE_LIVE, &part->tp, part->committed, part->fresh ? "" : "restarted");
}

static void all_go_live(fd_worker *w)
{
    bool others = false;
    for (uint32_t i = 0; i < w->parts.n; i++)
        others = others || w->parts.items[i].state == FD_PART_LIVE;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        fd_part *part = &w->parts.items[i];
        if (part->state != FD_PART_REDO)
            continue;
        if (fd_engine_keeps_state(w->config.engine) && !mind_short_history(w, part))
            return;
        go_live(w, part, others);
    }
    if (w->behind.n == 0)
        fd_worker_redo_end(w);
}

void fd_worker_redo_end(fd_worker *w)
{
    if (w->redo_began_ns == 0)
        return;
    char detail[96];
    snprintf(detail, sizeof detail, "%" PRIu64 " events in %.1f s", w->redo_events,
             (double)(fd_worker_now(w) - w->redo_began_ns) / 1e9);
    fd_worker_note(w, FD_NOTE_REDO_END, NULL, -1, detail);
    w->redo_began_ns = 0;
    w->redo_left = 0;
}

void fd_worker_redo(fd_worker *w)
{
    bool any = false, all = true;
    for (uint32_t i = 0; i < w->parts.n; i++)
        any = any || w->parts.items[i].state == FD_PART_REDO;
    if (!any)
        return;
    for (uint32_t rounds = 0; rounds < FD_REDO_ROUNDS && fd_worker_redo_batch(w, &w->parts) > 0;)
        rounds++;
    w->redo_more = false;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        fd_part *p = &w->parts.items[i];
        if (p->state != FD_PART_REDO)
            continue;
        all = all && (fd_worker_redone(p) || FD_MUTANT(LIVE_EARLY));
        w->redo_more = w->redo_more || (foldable(p) && !w->memory_full);
    }
    fd_worker_say_progress(w);
    if (all)
        all_go_live(w);
}
