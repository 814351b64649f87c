/*
 * A batch: events are read and folded one after another, while what the next ones need is already
 * on its way from memory. See windows.h. One owner.
 */
#include "features/read_int.h"

#include "base/assert.h"
#include "features/panes_int.h"

/* How many pairs ahead: of a pair's slot, its entry, its records. */
enum { AHEAD_SLOT = 48, AHEAD_ENTRY = 32, AHEAD_RING = 16 };

/* ---- prefetch ---- */

static void fetch_slot(const fd_windows *w, const fd_pair *p)
{
    __builtin_prefetch(&w->slots[fd_slot_home(w, p->hash)]);
}

/* The first entry whose hash fits, most likely the one. */
static void fetch_entry(const fd_windows *w, const fd_pair *p)
{
    uint32_t tag = (uint32_t)(p->hash >> 32);
    uint32_t i = fd_slot_home(w, p->hash);
    for (int tries = 0; tries < 8 && w->slots[i].entry != 0; tries++) {
        if (w->slots[i].hash == tag) {
            const char *e = (const char *)fd_partial_at(w, w->slots[i].entry);
            __builtin_prefetch(e, 1);
            __builtin_prefetch(e + 48, 1);
            return;
        }
        i = i + 1 == w->n_slots ? 0 : i + 1;
    }
}

static void fetch_ring(fd_windows *w, fd_pair *p)
{
    p->entry = fd_entry_find(w, p->kind, p->key, p->hash);
    if (p->entry == 0)
        return;
    const fd_partial *e = fd_partial_at(w, p->entry);
    if (e->data == 0)
        return;
    const char *data = fd_heap_at(&w->heap, e->data);
    uint32_t bytes = 64;
    if (!(e->flags & FD_PARTIAL_LARGE))
        bytes = fd_ring_block_bytes(&w->plans[p->kind], e);
    for (uint32_t at = 0; at < bytes; at += 64)
        __builtin_prefetch(data + at, 1);
}

/* What pairs in front of place `at` need; `fetched` says how far each of the three is. */
static void fetch_ahead(fd_windows *w, uint32_t n, uint32_t at, uint32_t fetched[3])
{
    for (; fetched[0] < n && fetched[0] < at + AHEAD_SLOT; fetched[0]++)
        fetch_slot(w, &w->pairs[fetched[0]]);
    for (; fetched[1] < n && fetched[1] < at + AHEAD_ENTRY; fetched[1]++)
        fetch_entry(w, &w->pairs[fetched[1]]);
    for (; fetched[2] < n && fetched[2] < at + AHEAD_RING; fetched[2]++)
        fetch_ring(w, &w->pairs[fetched[2]]);
}

/* ---- one pair ---- */

/* The event as a record. Its long texts take blocks. */
static void record_of(fd_windows *w, const fd_key_plan *k, const fd_window_input_key *in,
                      uint32_t row, int64_t time, uint64_t *record)
{
    uint32_t valid = k->key->n_tracks == 0 ? 0 : in->valid[row];
    uint64_t bits = k->key->n_conditions == 0 ? 0 : in->bits[row];
    valid &= fd_plan_tracks(k);
    bits &= fd_plan_conditions(k);
    for (uint32_t t = 0; t < k->key->n_tracks; t++) {
        uint64_t word = 0;
        if (!(valid >> t & 1)) {
            record[k->values_at + t] = 0;
            continue;
        }
        if (k->text_mask >> t & 1) {
            word = fd_text_pack(&w->heap, in->texts[t][row]);
        } else {
            word = in->values[t][row];
            double d;
            memcpy(&d, &word, sizeof d);
            if ((k->nan_mask >> t & 1) && d != d) {
                valid &= ~(1U << t);
                word = 0;
            }
        }
        record[k->values_at + t] = word;
    }
    record[0] = (uint64_t)time << 8;
    if (k->flags_at != 0)
        record[1] = 0;
    record[k->flags_at] |= bits | (uint64_t)valid << k->valid_shift;
}

/* The oldest record goes into panes. */
static void overflow(fd_windows *w, const fd_key_plan *k, fd_partial *p, uint16_t tp)
{
    uint64_t oldest[FD_RECORD_MAX_WORDS];
    w->stats.pane_partials += fd_pane_lists(&w->heap, p) == NULL;
    fd_ring_pop(&w->heap, k, p, oldest);
    fd_panes_add(&w->heap, k, p, oldest, fd_tp_watermark(w, tp));
    fd_record_release(&w->heap, k, oldest);
    w->stats.pane_partials -= fd_pane_lists(&w->heap, p) == NULL;
    w->stats.events--;
}

/* True: the record is the ring's now. */
static bool fold(fd_windows *w, fd_pair *p, const fd_window_event *e, uint16_t tp,
                 const uint64_t *record)
{
    const fd_key_plan *k = &w->plans[p->kind];
    uint32_t ref = p->entry == 0 ? 0 : fd_partial_find(w, p->entry, tp);
    if (ref == 0) {
        if (p->entry == 0)
            ref = p->entry = fd_entry_make(w, p->kind, p->key, p->hash, tp);
        else
            ref = fd_partial_make(w, p->entry, tp);
    }
    fd_partial *partial = fd_partial_at(w, ref);
    if (e->offset <= partial->lsn)
        return false;
    w->heavy -= fd_partial_heavy(w, partial);
    w->stats.events -= fd_ring_trim(&w->heap, k, partial, fd_tp_cutoff(w, tp, k));
    w->stats.late_inserts += fd_ring_insert(&w->heap, k, partial, record);
    w->stats.events++;
    if (!k->keep_all && fd_ring_count(&w->heap, partial) > w->config.max_events_per_key)
        overflow(w, k, partial, tp);
    w->heavy += fd_partial_heavy(w, partial);
    partial->lsn = e->offset;
    fd_partial_set_dirty(w, ref);
    return true;
}

static void one_pair(fd_windows *w, fd_pair *p, const fd_window_event *e, uint16_t tp,
                     const fd_window_input *in, fd_batch *out)
{
    const fd_key_plan *k = &w->plans[p->kind];
    uint64_t record[FD_RECORD_MAX_WORDS];
    int64_t time = fd_time_clamp(e->time_us);
    if (p->entry == 0)
        p->entry = fd_entry_find(w, p->kind, p->key, p->hash);
    if (p->entry != 0) {
        w->stats.hits++;
        fd_partial_at(w, p->entry)->flags |= FD_PARTIAL_USED;
    } else {
        w->stats.misses++;
    }
    record_of(w, k, &in->keys[k->index], e->row, time, record);
    if (out != NULL) {
        fd_read r = {.w = w,
                     .k = k,
                     .layout = w->layouts[e->tp.source],
                     .out = out,
                     .row = e->row,
                     .time_us = time,
                     .event = record,
                     .entry = p->entry,
                     .approximate = &w->approximate};
        fd_read_entry(&r, tp);
    }
    if (!e->folded || !fold(w, p, e, tp, record))
        fd_record_release(&w->heap, k, record);
}

/* ---- the batch ---- */

/* Reads and folds one event; how many pairs it has. */
static uint32_t one_event(fd_windows *w, const fd_window_event *e, uint32_t index, fd_pair *pairs,
                          uint32_t left, const fd_window_input *inputs, fd_batch *const *features)
{
    uint16_t s = e->tp.source;
    uint16_t tp = fd_tp_make(w, e->tp);
    if (e->merge_us > w->tps[tp].merge_us)
        w->tps[tp].merge_us = e->merge_us;
    fd_batch *out = features == NULL ? NULL : features[s];
    uint32_t done = 0;
    for (uint32_t i = 0; i < w->layouts[s]->n_keys; i++) {
        uint32_t kind = w->first_kind[s] + i;
        if (done < left && pairs[done].event == index && pairs[done].kind == kind) {
            one_pair(w, &pairs[done++], e, tp, &inputs[s], out);
        } else if (out != NULL) {
            fd_read r = {
                .w = w, .k = &w->plans[kind], .layout = w->layouts[s], .out = out, .row = e->row};
            fd_read_nothing(&r);
        }
    }
    return done;
}

static void rows_begin(const fd_windows *w, const fd_window_input *inputs,
                       fd_batch *const *features)
{
    for (uint32_t s = 0; features != NULL && s < w->config.n_layouts; s++) {
        if (features[s] == NULL || features[s]->root.n >= inputs[s].n_rows)
            continue;
        FD_ASSERT(inputs[s].n_rows <= features[s]->cap);
        fd_col *root = &features[s]->root;
        memset(root->valid + root->n, 1, inputs[s].n_rows - root->n);
        root->n = inputs[s].n_rows;
        for (uint32_t i = 0; i < root->n_children; i++)
            fd_col_fill_null(&root->children[i], root->n);
    }
}

/* Entries that the batch needs are not forgotten to make room for it. */
static bool make_room(fd_windows *w, uint32_t n_pairs)
{
    fd_need need = {0};
    for (uint32_t i = 0; i < n_pairs; i++)
        fd_need_add(w, &need, w->pairs[i].kind, 1, n_pairs);
    if (fd_table_has_room(w, need))
        return true;
    for (uint32_t i = 0; i < n_pairs; i++) {
        fd_pair *p = &w->pairs[i];
        uint32_t entry = fd_entry_find(w, p->kind, p->key, p->hash);
        if (entry != 0)
            fd_partial_at(w, entry)->stamp = w->stamp;
    }
    return fd_table_room(w, need);
}

bool fd_windows_run(fd_windows *w, const fd_window_event *events, uint32_t n,
                    const fd_window_input *inputs, fd_batch *const *features, fd_flags *flags)
{
    uint32_t n_pairs = fd_pairs_make(w, events, n, inputs);
    if (!make_room(w, n_pairs))
        return false;
    rows_begin(w, inputs, features);
    uint32_t fetched[3] = {0};
    for (uint32_t i = 0, at = 0; i < n; i++) {
        if (w->prefetch)
            fetch_ahead(w, n_pairs, at, fetched);
        w->approximate = false;
        at += one_event(w, &events[i], i, &w->pairs[at], n_pairs - at, inputs, features);
        if (w->approximate && flags != NULL)
            flags[i] |= FD_FLAG_BIT(FD_FLAG_APPROXIMATE);
    }
    w->stamp++;
    w->in_vain = false;
    return true;
}

/* As if all events were of the source that asks for most. */
bool fd_windows_room(fd_windows *w, uint32_t n)
{
    fd_need most = {0};
    for (uint32_t s = 0; s < w->config.n_layouts; s++) {
        fd_need need = {0};
        uint32_t n_keys = w->layouts[s]->n_keys;
        for (uint32_t k = 0; k < n_keys; k++)
            fd_need_add(w, &need, (uint16_t)(w->first_kind[s] + k), n, (uint64_t)n * n_keys);
        most.entries = need.entries > most.entries ? need.entries : most.entries;
        most.blocks = need.blocks > most.blocks ? need.blocks : most.blocks;
        most.granules = need.granules > most.granules ? need.granules : most.granules;
        most.large |= need.large;
    }
    return fd_table_room(w, most);
}
