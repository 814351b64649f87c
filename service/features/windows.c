/* The table as a whole: its memory, partitions that come and go, what it holds. One owner. */
#include "features/windows.h"

#include <stdlib.h>

#include "base/assert.h"
#include "features/panes_int.h"
#include "features/read_int.h"

enum {
    MIN_MEMORY = 1 << 16,
    BYTES_PER_SLOT = 128, /* no entry with records takes less, with its share of the slots */
};

static void plans_new(fd_windows *w)
{
    const fd_windows_config *c = &w->config;
    w->first_kind = calloc(c->n_layouts + 1, sizeof *w->first_kind);
    w->layouts = calloc(c->n_layouts + 1, sizeof *w->layouts);
    FD_ALLOCATED(w->first_kind);
    FD_ALLOCATED(w->layouts);
    for (uint32_t s = 0; s < c->n_layouts; s++) {
        FD_ASSERT(c->layouts[s]->n_keys <= FD_WINDOW_MAX_KEYS);
        w->layouts[s] = c->layouts[s];
        w->first_kind[s] = w->n_kinds;
        w->n_kinds += w->layouts[s]->n_keys;
        if (w->layouts[s]->n_keys > w->max_keys)
            w->max_keys = w->layouts[s]->n_keys;
    }
    FD_ASSERT(w->n_kinds < UINT16_MAX);
    w->plans = calloc(w->n_kinds + 1, sizeof *w->plans);
    FD_ALLOCATED(w->plans);
    for (uint32_t s = 0; s < c->n_layouts; s++)
        fd_plans_make(w->layouts[s], (uint16_t)s, fd_time_minus(c->lateness_us, -c->max_skew_us),
                      &w->plans[w->first_kind[s]]);
}

void fd_windows_rebind(fd_windows *w, const fd_window_layout *const *layouts)
{
    for (uint32_t s = 0; s < w->config.n_layouts; s++) {
        FD_ASSERT(fd_str_eq(layouts[s]->descriptor, w->layouts[s]->descriptor));
        w->layouts[s] = layouts[s];
        for (uint32_t k = 0; k < layouts[s]->n_keys; k++)
            w->plans[w->first_kind[s] + k].key = &layouts[s]->keys[k];
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Granules of the largest blocks that any key may take, without and with panes; what an event may
 * take; marks. */
static void measure(fd_windows *w, uint32_t unit[2])
{
    uint32_t max_marks = 1;
    unit[0] = unit[1] = 1;
    for (uint32_t i = 0; i < w->n_kinds; i++) {
        fd_key_plan *k = &w->plans[i];
        k->fold = fd_ring_demand(k);
        k->panes = fd_panes_demand(k);
        unit[0] = larger(unit[0], fd_ring_unit(k));
        unit[1] = larger(unit[1], fd_panes_unit(k));
        max_marks = larger(max_marks, k->n_marks);
    }
    unit[1] = larger(unit[0], unit[1]);
    w->marks = calloc(max_marks, sizeof *w->marks);
    FD_ALLOCATED(w->marks);
}

fd_windows *fd_windows_new(const fd_windows_config *config)
{
    fd_windows *w = calloc(1, sizeof *w);
    FD_ALLOCATED(w);
    w->config = *config;
    if (w->config.max_events_per_key == 0)
        w->config.max_events_per_key = UINT32_MAX;
    w->stamp = 1;
    w->prefetch = true;
    plans_new(w);
    size_t memory = config->memory < MIN_MEMORY ? MIN_MEMORY : config->memory;
    size_t n_slots = memory / BYTES_PER_SLOT;
    w->n_slots = n_slots > UINT32_MAX ? UINT32_MAX : (uint32_t)n_slots;
    w->max_entries = w->n_slots - w->n_slots / 8;
    uint32_t unit[2];
    measure(w, unit);
    if (!fd_heap_init(&w->heap, memory, w->n_slots * sizeof *w->slots, unit, !config->lazy)) {
        fd_windows_free(w);
        return NULL;
    }
    w->slots = w->heap.front;
    w->stats.limit = memory;
    return w;
}

void fd_windows_free(fd_windows *w)
{
    if (w == NULL)
        return;
    for (uint32_t i = 0; i < w->n_kinds; i++)
        fd_plan_release(&w->plans[i]);
    fd_heap_free(&w->heap);
    free(w->plans);
    free(w->first_kind);
    free(w->layouts);
    free(w->tps);
    free(w->sources);
    free(w->pane_sources);
    free(w->extra.v);
    free(w->marks);
    free(w->pairs);
    fd_strbuf_free(&w->long_keys);
    free(w->values.v);
    free(w->sorted.v);
    free(w);
}

void fd_windows_set_prefetch(fd_windows *w, bool on)
{
    w->prefetch = on;
}

void fd_windows_drop(fd_windows *w, fd_tp tp)
{
    uint16_t at = fd_tp_find(w, tp);
    if (at == FD_NO_TP)
        return;
    fd_table_drop(w, at);
    w->tps[at].here = false;
    w->in_vain = false;
}

void fd_windows_set_merge_time(fd_windows *w, fd_tp tp, int64_t merge_us)
{
    uint16_t at = fd_tp_make(w, tp); /* may move the table of partitions */
    w->tps[at].merge_us = merge_us;
    w->in_vain = false;
}

void fd_windows_set_complete(fd_windows *w, fd_tp tp, bool complete)
{
    uint16_t at = fd_tp_make(w, tp);
    w->tps[at].complete = complete;
}

void fd_windows_stats_get(const fd_windows *w, fd_windows_stats *out)
{
    *out = w->stats;
    /* Granules that were never handed out count as free, all else as used. */
    out->bytes = w->stats.limit - (size_t)(w->heap.n - w->heap.used) * FD_HEAP_GRANULE;
}
