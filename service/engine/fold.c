/*
 * The windows of a batch: what they need is taken from the columns by the rules' expressions, then
 * each event is folded and its features read, in the order of the merge.
 *
 * Invariant: an event's features are those of the fold of its partition up to it (and of other
 * partitions as far as the merge has come). LATE and FUTURE events leave nothing. Engine thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

/* Part of every lineage: raise it when equal layouts fold differently than before. */
enum { FOLD_VERSION = 1 };

static const fd_window_layout *layout_of(const fd_program *p, uint32_t source)
{
    return fd_ruleset_layout(p->rules[source]);
}

/* Of what is kept. */
static const fd_window_layout *kept_layout(const fd_engine *e, uint32_t source)
{
    return layout_of(e->fold == NULL ? e->decider.program : e->fold->program, source);
}

/* ---- the windows and their scratch ---- */

static fd_windows *make_windows(const fd_engine *e, const fd_program *program, bool lazy,
                                bool evict)
{
    const fd_window_layout *layouts[FD_ENGINE_MAX_SOURCES];
    for (uint32_t s = 0; s < e->n_sources; s++)
        layouts[s] = layout_of(program, s);
    fd_windows_config windows = {.n_layouts = e->n_sources,
                                 .layouts = layouts,
                                 .memory = e->state_memory,
                                 .lateness_us = e->lateness_us,
                                 .max_skew_us = e->max_skew_us,
                                 .max_events_per_key = e->max_events_per_key,
                                 .lazy = lazy,
                                 .evict = evict};
    return fd_windows_new(&windows);
}

fd_fold *fd_fold_new(const fd_engine *e, fd_program *program, bool lazy, bool evict)
{
    fd_windows *windows = make_windows(e, program, lazy, evict);
    if (windows == NULL)
        return NULL;
    fd_fold *fold = fd_engine_array(1, sizeof *fold);
    fold->program = program;
    fd_program_keep(program);
    fold->windows = windows;
    fold->events = fd_engine_array(e->max_events, sizeof *fold->events);
    fold->index = fd_engine_array(e->max_events, sizeof *fold->index);
    fold->flags = fd_engine_array(e->max_events, sizeof *fold->flags);
    for (uint32_t s = 0; s < e->n_sources; s++) {
        if (layout_of(program, s)->n_features != 0)
            fold->features[s] = fd_batch_new(layout_of(program, s)->type, e->max_events, 0);
    }
    return fold;
}

void fd_fold_free(fd_fold *fold)
{
    if (fold == NULL)
        return;
    FD_ASSERT(fold->program == NULL);
    for (uint32_t s = 0; s < FD_ENGINE_MAX_SOURCES; s++)
        fd_batch_free(fold->features[s]);
    fd_windows_free(fold->windows);
    free(fold->events);
    free(fold->index);
    free(fold->flags);
    free(fold);
}

void fd_fold_set_program(const fd_engine *e, fd_fold *fold, fd_program *program)
{
    const fd_window_layout *layouts[FD_ENGINE_MAX_SOURCES];
    for (uint32_t s = 0; s < e->n_sources; s++) {
        layouts[s] = layout_of(program, s);
        fd_batch_free(fold->features[s]);
        fold->features[s] = layouts[s]->n_features == 0
                                ? NULL
                                : fd_batch_new(layouts[s]->type, e->max_events, 0);
    }
    fd_windows_rebind(fold->windows, layouts);
    fold->program = program;
    fd_program_keep(program);
}

static void flag_late(const fd_engine *e, fd_event *ev)
{
    if (ev->poison == FD_POISON_NONE && ev->merge_us != INT64_MIN &&
        ev->time_us < ev->merge_us - e->lateness_us)
        ev->flags |= FD_FLAG_BIT(FD_FLAG_LATE);
}

/* ---- behind the one at work ---- */

fd_fold *fd_engine_fold_new(const fd_engine *e, fd_program *next, fd_err *err)
{
    fd_fold *fold = fd_fold_new(e, next, true, e->evict);
    if (fold == NULL)
        fd_fail(err, FD_ABORT, 0,
                "there are not %zu bytes of memory for a second set of windows: lower state.memory",
                e->state_memory);
    return fold;
}

void fd_engine_fold_unbind(fd_fold *fold)
{
    fd_program_drop(fold->program);
    fold->program = NULL;
}

void fd_engine_fold_free(fd_fold *fold)
{
    if (fold == NULL)
        return;
    fd_engine_fold_unbind(fold);
    fd_fold_free(fold);
}

int64_t fd_engine_fold_horizon_us(const fd_engine *e, const fd_fold *fold, uint16_t source)
{
    return layout_of(fold->program, source)->reach_us + e->lateness_us + e->max_skew_us;
}

fd_windows *fd_engine_fold_windows(fd_fold *fold)
{
    return fold->windows;
}

bool fd_engine_redo_behind(fd_engine *e, fd_fold *fold, fd_event *events, uint32_t n)
{
    if (!fd_windows_room(fold->windows, n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        flag_late(e, &events[i]);
    fd_engine_columns(e, events, n);
    fd_fold_extract(e, fold, events, n);
    bool ok = fd_windows_run(fold->windows, fold->events, fold->n_events, fold->inputs, NULL, NULL);
    FD_ASSERT(ok); /* there is room */
    return true;
}

/* ---- a batch ---- */

void fd_engine_place(const fd_engine *e, fd_event *ev, int64_t merge_us)
{
    ev->merge_us = merge_us;
    if (e->fold != NULL)
        flag_late(e, ev);
}

/* A null row for every event of the source: reading fills those it has a value for. */
static void clear_features(fd_batch *b, uint32_t rows)
{
    fd_batch_reset(b);
    for (uint32_t i = 0; i < rows; i++) {
        fd_col_push_null(&b->root);
        b->root.valid[i] = 1;
    }
}

/* As if all its keys were null, and of a partition that nobody has: the watermark of its own is
 * the fold's, which is behind. */
static void blindfold(const fd_window_layout *layout, const fd_window_input *input,
                      fd_window_event *ev)
{
    for (uint32_t k = 0; k < layout->n_keys; k++)
        input->keys[k].key[ev->row] = (fd_str){NULL, 0};
    ev->tp.partition = -1;
    ev->folded = false;
}

void fd_fold_extract(fd_engine *e, fd_fold *fold, const fd_event *events, uint32_t n)
{
    static const fd_flags left_out = FD_FLAG_BIT(FD_FLAG_LATE) | FD_FLAG_BIT(FD_FLAG_FUTURE);
    for (uint32_t s = 0; s < e->n_sources; s++) {
        if (fold->features[s] == NULL)
            continue;
        const fd_batch *batch = e->sources[s].batch;
        clear_features(fold->features[s], batch->root.n);
        fold->inputs[s] = *fd_ruleset_extract(fold->program->runs[s], batch);
    }
    fold->n_events = 0;
    for (uint32_t i = 0; i < n; i++) {
        const fd_event *ev = &events[i];
        uint16_t s = ev->msg.tp.source;
        if (e->rows[i] == FD_NO_ROW || fold->features[s] == NULL)
            continue;
        fold->index[fold->n_events] = i;
        fold->events[fold->n_events++] = (fd_window_event){
            .tp = ev->msg.tp,
            .row = e->rows[i],
            .offset = ev->msg.offset,
            .time_us = ev->time_us,
            .merge_us = ev->merge_us,
            .folded = (ev->flags & left_out) == 0,
        };
        if (ev->blind)
            blindfold(layout_of(fold->program, s), &fold->inputs[s],
                      &fold->events[fold->n_events - 1]);
    }
}

void fd_engine_fold(fd_engine *e, fd_event *events, uint32_t n)
{
    FD_ASSERT(n <= e->max_events);
    fd_fold *f = e->fold;
    if (f == NULL)
        return;
    memset(f->flags, 0, f->n_events * sizeof *f->flags);
    bool ok = fd_windows_run(f->windows, f->events, f->n_events, f->inputs, f->features, f->flags);
    FD_ASSERT(ok); /* the caller asked for room */
    for (uint32_t i = 0; i < f->n_events; i++)
        events[f->index[i]].flags |= f->flags[i];
}

void fd_engine_redo(fd_engine *e, const fd_event *events, uint32_t n)
{
    FD_ASSERT(n <= e->max_events);
    (void)events;
    fd_fold *f = e->fold;
    if (f == NULL)
        return;
    bool ok = fd_windows_run(f->windows, f->events, f->n_events, f->inputs, NULL, NULL);
    FD_ASSERT(ok);
}

bool fd_engine_keeps_state(const fd_engine *e)
{
    return e->fold != NULL;
}

fd_windows *fd_engine_windows(fd_engine *e)
{
    return e->fold == NULL ? NULL : e->fold->windows;
}

bool fd_engine_room(fd_engine *e, uint32_t n)
{
    return e->fold == NULL || fd_windows_room(e->fold->windows, n);
}

uint32_t fd_engine_missing(fd_engine *e, fd_window_ref *out, uint32_t max)
{
    fd_fold *f = e->fold;
    return f == NULL ? 0
                     : fd_windows_missing(f->windows, f->events, f->n_events, f->inputs, out, max);
}

bool fd_engine_crosses(const fd_engine *e, uint16_t source)
{
    const fd_window_layout *layout = layout_of(e->decider.program, source);
    for (uint32_t k = 0; k < layout->n_keys; k++) {
        if (!layout->keys[k].local)
            return true;
    }
    return false;
}

int64_t fd_engine_horizon_us(const fd_engine *e, uint16_t source)
{
    return kept_layout(e, source)->reach_us + e->lateness_us + e->max_skew_us;
}

fd_content_hash fd_engine_lineage(const fd_engine *e, uint16_t source)
{
    const fd_engine_input *in = &e->sources[source];
    const fd_window_layout *layout = kept_layout(e, source);
    fd_content_hash schema = fd_schema_hash(in->config.schema);
    fd_strbuf text = {0};
    fd_strbuf_printf(&text,
                     "fold %d\nschema %s\nid %s\ntime %s\nlateness %lld\nskew %lld\nfuture %lld\n"
                     "newest %u\n",
                     FOLD_VERSION, schema.hex, in->config.id_path, in->config.time_path,
                     (long long)e->lateness_us, (long long)e->max_skew_us, (long long)e->future_us,
                     e->max_events_per_key);
    fd_strbuf_add(&text, layout->descriptor.p, layout->descriptor.n);
    fd_content_hash hash = fd_content_hash_of(text.p, text.n);
    fd_strbuf_free(&text);
    return hash;
}

const fd_batch *fd_engine_row(const fd_engine *e, const fd_event *events, uint32_t i, uint32_t *row)
{
    *row = e->rows[i];
    return *row == FD_NO_ROW ? NULL : e->sources[events[i].msg.tp.source].batch;
}

fd_str fd_engine_event_id(const fd_engine *e, const fd_event *events, uint32_t i)
{
    const fd_engine_input *in = &e->sources[events[i].msg.tp.source];
    return e->rows[i] == FD_NO_ROW ? FD_STR("") : fd_decoder_id(in->decoder, in->batch, e->rows[i]);
}

const fd_ruleset *fd_engine_ruleset(const fd_engine *e, uint16_t source)
{
    return e->decider.program->rules[source];
}
