/*
 * What the worker does for its window state: room, forgetting, taking over, fetching, writing
 * behind. How is the keeper's business, and the engine's; when is decided here. Engine thread.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

static const int64_t LACK_RETRY_NS = INT64_C(50) * 1000 * 1000;
static const int64_t SETTLE_NS = INT64_C(5) * 1000 * 1000 * 1000;
enum { BOUNDS_CALL_MS = 500, LACKING_MAX = 64 };

/* A batch that does not fit is made smaller, until one event does not fit. */
bool fd_worker_room(fd_worker *w)
{
    bool room = fd_engine_room(w->config.engine, w->batch_limit);
    while (!room && w->batch_limit > 1) {
        w->batch_limit /= 2;
        room = fd_engine_room(w->config.engine, w->batch_limit);
    }
    if (!room)
        fd_keeper_hurry(w->keeper);
    if (!room && !w->memory_full && !fd_keeper_on(w->keeper))
        fd_worker_note(w, FD_NOTE_STATE_FULL, NULL, -1,
                       "decisions wait; give it more (state.memory), or run more workers");
    w->memory_full = !room;
    return room;
}

void fd_worker_forget(fd_worker *w, fd_tp tp)
{
    if (!fd_engine_keeps_state(w->config.engine) || FD_MUTANT(KEEPS_STATE))
        return;
    fd_windows_drop(fd_engine_windows(w->config.engine), tp);
    fd_keeper_forget(w->keeper, tp);
}

void fd_worker_restart_all(fd_worker *w)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (fd_part_reads(&w->parts.items[i]))
            fd_worker_restart_part(w, &w->parts.items[i]);
    }
}

/* ---- taking over ---- */

static fd_class take_from_store(fd_worker *w, uint32_t n, fd_err *err)
{
    fd_class cls = fd_keeper_take(w->keeper, w->taking, n, err);
    for (uint32_t i = 0; i < n && cls == FD_OK; i++) {
        const fd_keeper_start *s = &w->taking[i];
        fd_part *part = fd_parts_find(&w->parts, s->tp);
        w->tpos[i].offset = s->from;
        part->merge_us = s->merge_us;
        part->short_us = s->short_us;
        if (s->why == NULL)
            part->behind_from = -1; /* what the store has is there at once */
        if (s->why != NULL && s->from < s->committed)
            fd_worker_note(w, FD_NOTE_REBUILD, &part->tp, s->from, s->why);
    }
    return cls;
}

fd_class fd_worker_take_state(fd_worker *w, uint32_t n, fd_err *err)
{
    const fd_source *s = &w->config.source;
    bool keeps = fd_engine_keeps_state(w->config.engine) && !FD_MUTANT(REDOES_NOTHING);
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_parts_find(&w->parts, w->tpos[i].tp);
        FD_ASSERT(part != NULL && part->n == 0);
        fd_part_start(part, w->tpos[i].offset, w->tpos[i].leader_epoch);
        if (!keeps)
            continue;
        int64_t first, next;
        fd_class cls = s->ops->bounds(s->self, part->tp, &first, &next, BOUNDS_CALL_MS, err);
        if (cls != FD_OK)
            return cls;
        part->log_first = first;
        w->taking[i] = (fd_keeper_start){
            .tp = part->tp, .committed = part->committed, .log_first = first};
        if (first < part->committed)
            w->tpos[i].offset = first;
        if (fd_worker_may_be_blind(w))
            part->behind_from = first;
    }
    if (keeps && fd_keeper_on(w->keeper)) {
        fd_class cls = take_from_store(w, n, err);
        if (cls != FD_OK)
            return cls;
    }
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_parts_find(&w->parts, w->tpos[i].tp);
        if (part->behind_from >= part->committed)
            part->behind_from = -1; /* there is nothing to rebuild */
        if (part->behind_from >= 0)
            w->tpos[i].offset = part->committed;
        else if (w->tpos[i].offset != part->committed)
            w->tpos[i].leader_epoch = -1;
    }
    return FD_OK;
}

/* ---- fetching ---- */

/* One that is blind needs no windows; what folds behind it does. */
static void lacks(fd_worker *w, fd_part *part, int64_t until_ns)
{
    fd_part *needs = part->blind ? fd_parts_find(&w->behind, part->tp) : part;
    if (needs != NULL)
        needs->lacks_ns = until_ns;
}

static void all_lack(fd_worker *w, int64_t until_ns)
{
    for (uint32_t i = 0; i < w->parts.n; i++)
        lacks(w, &w->parts.items[i], until_ns);
}

/* What one batch needs is more than there is memory for: smaller batches, and what is dirty is
 * written so that it may be forgotten. */
static void make_smaller(fd_worker *w)
{
    if (w->batch_limit == 1 && !w->memory_full)
        fd_worker_note(w, FD_NOTE_STATE_FULL, NULL, -1,
                       "the windows of one event do not fit: give it more (state.memory)");
    w->memory_full = w->batch_limit == 1;
    w->batch_limit = w->batch_limit > 1 ? w->batch_limit / 2 : 1;
    fd_keeper_hurry(w->keeper);
}

fd_class fd_worker_fetch(fd_worker *w, uint32_t n_events)
{
    fd_tp lacking[LACKING_MAX];
    uint32_t n = 0;
    if (!fd_keeper_on(w->keeper))
        return FD_OK;
    fd_class cls = fd_keeper_fetch(w->keeper, lacking, LACKING_MAX, &n);
    w->store_down = cls == FD_RETRY;
    if (cls == FD_OK && !fd_engine_room(w->config.engine, n_events))
        cls = FD_ABORT; /* what came takes the place of what is to come */
    if (cls == FD_OK) {
        if (w->batch_limit < w->config.max_events)
            w->batch_limit++;
        return cls;
    }
    int64_t until = fd_worker_now(w) + (cls == FD_ABORT ? 1 : LACK_RETRY_NS);
    bool all = n == LACKING_MAX || cls == FD_ABORT;
    if (cls == FD_ABORT)
        make_smaller(w);
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_parts_find(&w->parts, lacking[i]);
        if (part != NULL)
            lacks(w, part, until);
        /* Then an event of any partition may be what needs it. */
        all = all || fd_engine_crosses(w->config.engine, lacking[i].source);
    }
    if (all)
        all_lack(w, until);
    return FD_RETRY;
}

/* Those that waited for their windows try again. */
static void let_try(fd_parts *parts, int64_t now)
{
    for (uint32_t i = 0; i < parts->n; i++) {
        if (parts->items[i].lacks_ns != 0 && now >= parts->items[i].lacks_ns)
            parts->items[i].lacks_ns = 0;
    }
}

/* ---- writing behind ---- */

/* Up to where it is folded. */
static const fd_part *folded(fd_worker *w, const fd_part *part)
{
    return part->blind ? fd_parts_find(&w->behind, part->tp) : part;
}

/* What is folded of it is committed: it can be written. */
static void flush(fd_worker *w, fd_part *part)
{
    const fd_part *fold = folded(w, part);
    FD_ASSERT(fold->decide <= part->committed || part->state == FD_PART_LEAVING ||
              FD_MUTANT(BEYOND_COMMITTED));
    if (fold->decide <= part->committed || FD_MUTANT(BEYOND_COMMITTED))
        fd_keeper_flush(w->keeper, part->tp,
                        &(fd_keeper_at){.redo = fold->decide,
                                        .merge_us = fold->merge_us,
                                        .short_us = part->short_us});
}

static void flush_all(fd_worker *w)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (fd_part_reads(&w->parts.items[i]))
            flush(w, &w->parts.items[i]);
    }
    fd_keeper_flushed(w->keeper);
}

bool fd_worker_leave_state(fd_worker *w, fd_part *part)
{
    if (!fd_keeper_on(w->keeper) || !part->storable)
        return true;
    flush(w, part);
    int64_t decide = folded(w, part)->decide;
    return fd_keeper_settled(w->keeper, part->tp,
                             decide < part->committed ? decide : part->committed);
}

bool fd_worker_settle_state(fd_worker *w)
{
    if (!fd_keeper_on(w->keeper))
        return true;
    int64_t now = fd_worker_now(w);
    if (w->settling_ns == 0)
        w->settling_ns = now;
    if (now - w->settling_ns > SETTLE_NS)
        return true; /* the next owner redoes the rest */
    bool all = true;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (w->parts.items[i].state == FD_PART_LIVE)
            all = fd_worker_leave_state(w, &w->parts.items[i]) && all;
    }
    return all;
}

static void mind_broken(fd_worker *w)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const fd_part *part = &w->parts.items[i];
        if (!fd_part_reads(part) || !fd_keeper_broken(w->keeper, part->tp))
            continue;
        fd_worker_note(w, FD_NOTE_STORE_LOST, &part->tp, part->committed,
                       "its windows are taken over and redone");
        fd_worker_restart_all(w);
        return;
    }
}

void fd_worker_upkeep(fd_worker *w)
{
    if (!fd_keeper_on(w->keeper))
        return;
    int64_t now = fd_worker_now(w);
    let_try(&w->parts, now);
    let_try(&w->behind, now);
    fd_keeper_step(w->keeper);
    mind_broken(w);
    if (fd_keeper_due(w->keeper) &&
        (fd_committer_in_flight(w->committer) == 0 || FD_MUTANT(BEYOND_COMMITTED)))
        flush_all(w);
}
