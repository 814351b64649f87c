/*
 * Rebuilding behind: partitions that decide at once while their windows are rebuilt from a second
 * look at the log (state.on_rebuild: flag).
 *
 * Until then a partition is *blind*: its events see empty windows, leave nothing, and are flagged
 * INCOMPLETE. Its shadow in w->behind folds the log from the redo point on, those events included,
 * until it has reached what was decided; then the partition sees. Invariant: what is in memory of
 * a blind partition is its fold up to the shadow's `decide`. Engine thread.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

bool fd_worker_may_be_blind(const fd_worker *w)
{
    return w->config.blind_starts && fd_engine_keeps_state(w->config.engine);
}

static void release(fd_worker *w, fd_msg *msg)
{
    w->config.history.ops->release(w->config.history.self, msg);
}

/* A partition has one at most: it is blind, or another program's windows are filled. */
static fd_part *shadow_of(fd_worker *w, fd_tp tp)
{
    fd_part *shadow = fd_parts_find(&w->behind, tp);
    return shadow != NULL ? shadow : fd_parts_find(&w->ahead, tp);
}

static void drop_shadow(fd_worker *w, fd_parts *table, fd_part *shadow)
{
    w->config.history.ops->close(w->config.history.self, shadow->tp);
    while (shadow->n > 0) {
        fd_event ev = fd_part_pop(shadow);
        release(w, &ev.msg);
    }
    fd_parts_remove(table, shadow);
}

void fd_worker_see(fd_worker *w, fd_part *part)
{
    part->blind = false;
    fd_part *shadow = fd_parts_find(&w->behind, part->tp);
    if (shadow != NULL)
        drop_shadow(w, &w->behind, shadow);
}

void fd_worker_drop_ahead(fd_worker *w, fd_tp tp)
{
    fd_part *shadow = fd_parts_find(&w->ahead, tp);
    if (shadow != NULL)
        drop_shadow(w, &w->ahead, shadow);
}

fd_class fd_worker_go_blind(fd_worker *w, fd_part *part, int64_t from, int64_t log_first,
                            int64_t merge_us, fd_err *err)
{
    const fd_history *h = &w->config.history;
    FD_ASSERT(shadow_of(w, part->tp) == NULL);
    fd_class cls = h->ops->open(h->self, part->tp, from, err);
    if (cls != FD_OK)
        return cls;
    fd_part *shadow = fd_parts_add(&w->behind, part->tp);
    FD_ASSERT(shadow != NULL); /* as many as there are partitions */
    fd_part_start(shadow, from, -1);
    shadow->committed = part->committed;
    shadow->merge_us = merge_us;
    part->blind = true;
    fd_worker_redo_begin(w, shadow, log_first);
    return FD_OK;
}

/* ---- taking history ---- */

static bool has_room(const fd_worker *w, const fd_parts *table)
{
    for (uint32_t i = 0; i < table->n; i++) {
        if (table->items[i].n >= w->config.queue_events)
            return false;
    }
    return true;
}

static void enqueue(fd_worker *w, fd_msg *msg)
{
    fd_part *shadow = shadow_of(w, msg->tp);
    if (shadow == NULL || msg->offset < shadow->fetch) {
        release(w, msg);
        return;
    }
    fd_event ev;
    fd_engine_scan(w->config.engine, msg, &ev);
    fd_part_push(shadow, &ev);
}

/* It was deleted while we read it: begin anew, there is less of it now. */
static void gone(fd_worker *w, fd_tp tp)
{
    fd_part *part = fd_parts_find(&w->parts, tp);
    if (fd_parts_find(&w->ahead, tp) != NULL)
        fd_worker_restart_ahead(w, tp);
    else if (part != NULL && fd_part_reads(part))
        fd_worker_restart_part(w, part);
}

static void take_history(fd_worker *w)
{
    const fd_history *h = &w->config.history;
    fd_source_event ev;
    for (uint32_t n = 0; n < FD_INTAKE_CHUNK && has_room(w, &w->behind) && has_room(w, &w->ahead);
         n++) {
        h->ops->poll(h->self, &ev);
        fd_part *shadow;
        switch (ev.kind) {
        case FD_SOURCE_MSG:
            enqueue(w, &ev.msg);
            break;
        case FD_SOURCE_EOF:
            shadow = shadow_of(w, ev.tp);
            if (shadow != NULL)
                shadow->eof = ev.offset;
            break;
        case FD_SOURCE_GONE:
            gone(w, ev.tp);
            break;
        case FD_SOURCE_ERROR:
            fd_worker_note(w, FD_NOTE_SOURCE_ERROR, NULL, -1, ev.err.text);
            if (ev.err.cls == FD_FATAL)
                fd_worker_fail(w, &ev.err);
            break;
        default:
            return;
        }
    }
}

/* ---- folding it ---- */

static void begin_to_see(fd_worker *w, fd_part *part, fd_part *shadow)
{
    part->merge_us = shadow->merge_us;
    part->short_us = fd_worker_short_until(w, shadow);
    fd_worker_note(w, FD_NOTE_SEES, &part->tp, part->decide, "");
    fd_worker_see(w, part);
}

void fd_worker_behind(fd_worker *w)
{
    w->behind_moved = false;
    if (w->behind.n + w->ahead.n > 0)
        take_history(w);
    if (w->behind.n == 0)
        return;
    for (uint32_t i = 0; i < w->behind.n; i++)
        w->behind.items[i].committed = fd_parts_find(&w->parts, w->behind.items[i].tp)->decide;
    uint32_t folded = 0;
    for (uint32_t rounds = 0; rounds < FD_REDO_ROUNDS; rounds++) {
        uint32_t n = fd_worker_redo_batch(w, &w->behind);
        folded += n;
        if (n == 0)
            break;
    }
    w->behind_moved = folded > 0;
    fd_worker_say_progress(w);
    for (uint32_t i = w->behind.n; i-- > 0;) {
        fd_part *shadow = &w->behind.items[i];
        if (fd_worker_redone(shadow) || FD_MUTANT(SEES_EARLY))
            begin_to_see(w, fd_parts_find(&w->parts, shadow->tp), shadow);
    }
    if (w->behind.n == 0)
        fd_worker_redo_end(w);
}
