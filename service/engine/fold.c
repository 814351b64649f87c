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

static const fd_window_layout *layout_of(const fd_engine *e, uint32_t source)
{
    return fd_ruleset_layout(e->sources[source].rules);
}

static void *array(size_t n, size_t size)
{
    void *p = calloc(n, size);
    FD_ALLOCATED(p);
    return p;
}

bool fd_engine_fold_open(fd_engine *e, const fd_engine_config *config, fd_diags *diags)
{
    const fd_window_layout *layouts[FD_ENGINE_MAX_SOURCES];
    uint32_t n_features = 0;
    for (uint32_t s = 0; s < e->n_sources; s++) {
        layouts[s] = layout_of(e, s);
        n_features += layouts[s]->n_features;
    }
    e->lateness_us = config->lateness_us;
    e->max_skew_us = config->max_skew_us;
    e->max_events_per_key = config->max_events_per_key;
    if (n_features == 0)
        return true;
    fd_windows_config windows = {.n_layouts = e->n_sources,
                                 .layouts = layouts,
                                 .memory = config->state_memory,
                                 .lateness_us = config->lateness_us,
                                 .max_skew_us = config->max_skew_us,
                                 .max_events_per_key = config->max_events_per_key,
                                 .lazy = config->state_lazy,
                                 .evict = config->evict};
    e->windows = fd_windows_new(&windows);
    if (e->windows == NULL) {
        fd_diags_error(diags, "there are not %zu bytes of memory for windows: lower state.memory",
                       config->state_memory);
        return false;
    }
    e->window_events = array(e->max_events, sizeof *e->window_events);
    e->window_index = array(e->max_events, sizeof *e->window_index);
    e->window_flags = array(e->max_events, sizeof *e->window_flags);
    for (uint32_t s = 0; s < e->n_sources; s++) {
        if (layouts[s]->n_features == 0)
            continue;
        e->sources[s].features = fd_batch_new(layouts[s]->type, e->max_events, 0);
        e->features[s] = e->sources[s].features;
    }
    return true;
}

void fd_engine_fold_close(fd_engine *e)
{
    for (uint32_t s = 0; s < e->n_sources; s++)
        fd_batch_free(e->sources[s].features);
    fd_windows_free(e->windows);
    free(e->window_events);
    free(e->window_index);
    free(e->window_flags);
}

void fd_engine_place(const fd_engine *e, fd_event *ev, int64_t merge_us)
{
    ev->merge_us = merge_us;
    if (e->windows != NULL && ev->poison == FD_POISON_NONE && merge_us != INT64_MIN &&
        ev->time_us < merge_us - e->lateness_us)
        ev->flags |= FD_FLAG_BIT(FD_FLAG_LATE);
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

void fd_engine_extract(fd_engine *e, const fd_event *events, uint32_t n)
{
    static const fd_flags left_out = FD_FLAG_BIT(FD_FLAG_LATE) | FD_FLAG_BIT(FD_FLAG_FUTURE);
    for (uint32_t s = 0; s < e->n_sources; s++) {
        fd_engine_input *in = &e->sources[s];
        if (in->features == NULL)
            continue;
        clear_features(in->features, in->batch->root.n);
        e->inputs[s] = *fd_ruleset_extract(in->run, in->batch);
    }
    e->n_window_events = 0;
    for (uint32_t i = 0; i < n; i++) {
        const fd_event *ev = &events[i];
        if (e->rows[i] == FD_NO_ROW || e->sources[ev->msg.tp.source].features == NULL)
            continue;
        e->window_index[e->n_window_events] = i;
        e->window_events[e->n_window_events++] = (fd_window_event){
            .tp = ev->msg.tp,
            .row = e->rows[i],
            .offset = ev->msg.offset,
            .time_us = ev->time_us,
            .merge_us = ev->merge_us,
            .folded = (ev->flags & left_out) == 0,
        };
        if (ev->blind)
            blindfold(layout_of(e, ev->msg.tp.source), &e->inputs[ev->msg.tp.source],
                      &e->window_events[e->n_window_events - 1]);
    }
}

void fd_engine_fold(fd_engine *e, fd_event *events, uint32_t n)
{
    FD_ASSERT(n <= e->max_events);
    if (e->windows == NULL)
        return;
    memset(e->window_flags, 0, e->n_window_events * sizeof *e->window_flags);
    bool ok = fd_windows_run(e->windows, e->window_events, e->n_window_events, e->inputs,
                             e->features, e->window_flags);
    FD_ASSERT(ok); /* the caller asked for room */
    for (uint32_t i = 0; i < e->n_window_events; i++)
        events[e->window_index[i]].flags |= e->window_flags[i];
}

void fd_engine_redo(fd_engine *e, const fd_event *events, uint32_t n)
{
    FD_ASSERT(n <= e->max_events);
    (void)events;
    if (e->windows == NULL)
        return;
    bool ok = fd_windows_run(e->windows, e->window_events, e->n_window_events, e->inputs, NULL,
                             NULL);
    FD_ASSERT(ok);
}

bool fd_engine_keeps_state(const fd_engine *e)
{
    return e->windows != NULL;
}

fd_windows *fd_engine_windows(fd_engine *e)
{
    return e->windows;
}

bool fd_engine_room(fd_engine *e, uint32_t n)
{
    return e->windows == NULL || fd_windows_room(e->windows, n);
}

uint32_t fd_engine_missing(fd_engine *e, fd_window_ref *out, uint32_t max)
{
    if (e->windows == NULL)
        return 0;
    return fd_windows_missing(e->windows, e->window_events, e->n_window_events, e->inputs, out,
                              max);
}

bool fd_engine_crosses(const fd_engine *e, uint16_t source)
{
    const fd_window_layout *layout = layout_of(e, source);
    for (uint32_t k = 0; k < layout->n_keys; k++) {
        if (!layout->keys[k].local)
            return true;
    }
    return false;
}

int64_t fd_engine_horizon_us(const fd_engine *e, uint16_t source)
{
    return layout_of(e, source)->reach_us + e->lateness_us + e->max_skew_us;
}

fd_content_hash fd_engine_lineage(const fd_engine *e, uint16_t source)
{
    const fd_engine_input *in = &e->sources[source];
    const fd_window_layout *layout = layout_of(e, source);
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

const fd_batch *fd_engine_features(const fd_engine *e, const fd_event *events, uint32_t i,
                                   uint32_t *row)
{
    *row = e->rows[i];
    return e->rows[i] == FD_NO_ROW ? NULL : e->sources[events[i].msg.tp.source].features;
}

fd_str fd_engine_event_id(const fd_engine *e, const fd_event *events, uint32_t i)
{
    const fd_engine_input *in = &e->sources[events[i].msg.tp.source];
    return e->rows[i] == FD_NO_ROW ? FD_STR("") : fd_decoder_id(in->decoder, in->batch, e->rows[i]);
}

const fd_ruleset *fd_engine_ruleset(const fd_engine *e, uint16_t source)
{
    return e->sources[source].rules;
}
