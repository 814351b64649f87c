/* Slots, entries, partials, partitions and forgetting; see table_int.h. One owner. */
#include "features/read_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "features/panes_int.h"

/* ---- keys ---- */

fd_str fd_key_normal(fd_str key, char room[FD_WINDOW_MAX_KEY_BYTES])
{
    if (key.n <= FD_WINDOW_MAX_KEY_BYTES)
        return key;
    uint64_t tail[2] = {fd_hash64(key.p, key.n, 1), fd_hash64(key.p, key.n, 2)};
    size_t kept = FD_WINDOW_MAX_KEY_BYTES - FD_KEY_TAIL;
    memcpy(room, key.p, kept);
    memcpy(room + kept, tail, FD_KEY_TAIL);
    return (fd_str){room, FD_WINDOW_MAX_KEY_BYTES};
}

uint64_t fd_key_hash(uint16_t kind, fd_str key)
{
    return fd_hash64(key.p, key.n, kind);
}

static uint32_t entry_granules(size_t key_bytes)
{
    return fd_heap_granules(sizeof(fd_partial) + sizeof(uint16_t) + key_bytes);
}

/* ---- partitions ---- */

static bool same_tp(fd_tp a, fd_tp b)
{
    return a.source == b.source && a.partition == b.partition;
}

uint16_t fd_tp_find(fd_windows *w, fd_tp tp)
{
    if (w->last_tp < w->n_tps && w->tps[w->last_tp].here && same_tp(w->tps[w->last_tp].tp, tp))
        return (uint16_t)w->last_tp;
    for (uint32_t i = 0; i < w->n_tps; i++)
        if (w->tps[i].here && same_tp(w->tps[i].tp, tp)) {
            w->last_tp = i;
            return (uint16_t)i;
        }
    return FD_NO_TP;
}

uint16_t fd_tp_make(fd_windows *w, fd_tp tp)
{
    uint16_t found = fd_tp_find(w, tp);
    if (found != FD_NO_TP)
        return found;
    uint32_t i = 0;
    while (i < w->n_tps && w->tps[i].here)
        i++;
    if (i == w->n_tps) {
        FD_ASSERT(w->n_tps < FD_NO_TP);
        w->tps = realloc(w->tps, (w->n_tps + 1) * sizeof *w->tps);
        FD_ALLOCATED(w->tps);
        w->n_tps++;
        w->sources = realloc(w->sources, w->n_tps * sizeof *w->sources);
        FD_ALLOCATED(w->sources);
        w->pane_sources = realloc(w->pane_sources, w->n_tps * sizeof *w->pane_sources);
        FD_ALLOCATED(w->pane_sources);
    }
    w->tps[i] = (fd_tp_state){.tp = tp, .here = true, .complete = true, .merge_us = INT64_MIN};
    return (uint16_t)i;
}

int64_t fd_tp_watermark(const fd_windows *w, uint16_t tp)
{
    int64_t merge = w->tps[tp].merge_us;
    return merge == INT64_MIN ? merge : fd_time_minus(merge, w->config.lateness_us);
}

int64_t fd_tp_cutoff(const fd_windows *w, uint16_t tp, const fd_key_plan *k)
{
    int64_t watermark = fd_tp_watermark(w, tp);
    if (watermark == INT64_MIN)
        return INT64_MIN;
    return fd_time_floor(fd_time_minus(watermark, k->horizon_us), k->pane_us);
}

/* ---- slots ---- */

static uint32_t next_slot(const fd_windows *w, uint32_t i)
{
    return i + 1 == w->n_slots ? 0 : i + 1;
}

static uint32_t distance(const fd_windows *w, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + w->n_slots - from;
}

static bool is_entry(const fd_windows *w, uint32_t ref, uint16_t kind, fd_str key)
{
    const fd_partial *e = fd_partial_at(w, ref);
    return e->kind == kind && fd_str_eq(fd_entry_key(e), key);
}

uint32_t fd_entry_find(const fd_windows *w, uint16_t kind, fd_str key, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (uint32_t i = fd_slot_home(w, hash); w->slots[i].entry != 0; i = next_slot(w, i))
        if (w->slots[i].hash == tag && is_entry(w, w->slots[i].entry, kind, key))
            return w->slots[i].entry;
    return 0;
}

static void slot_put(fd_windows *w, uint64_t hash, uint32_t entry)
{
    uint32_t i = fd_slot_home(w, hash);
    while (w->slots[i].entry != 0)
        i = next_slot(w, i);
    w->slots[i] = (fd_slot){(uint32_t)(hash >> 32), entry};
}

/* Those behind it that may move up do, so that no search ends too early. */
static void slot_remove(fd_windows *w, uint32_t gap)
{
    for (uint32_t i = next_slot(w, gap); w->slots[i].entry != 0; i = next_slot(w, i)) {
        uint32_t home = fd_slot_home(w, (uint64_t)w->slots[i].hash << 32);
        if (distance(w, home, i) >= distance(w, gap, i)) {
            w->slots[gap] = w->slots[i];
            gap = i;
        }
    }
    w->slots[gap] = (fd_slot){0};
}

/* ---- partials ---- */

void fd_partial_set_dirty(fd_windows *w, uint32_t ref)
{
    fd_partial *p = fd_partial_at(w, ref);
    if (p->flags & FD_PARTIAL_DIRTY)
        return;
    fd_tp_state *s = &w->tps[p->tp];
    p->flags |= FD_PARTIAL_DIRTY;
    p->dirty_next = 0;
    p->dirty_prev = s->dirty_last;
    if (s->dirty_last != 0)
        fd_partial_at(w, s->dirty_last)->dirty_next = ref;
    else
        s->dirty_first = ref;
    s->dirty_last = ref;
    s->n_dirty++;
    w->stats.dirty++;
}

void fd_partial_set_clean(fd_windows *w, uint32_t ref)
{
    fd_partial *p = fd_partial_at(w, ref);
    if (!(p->flags & FD_PARTIAL_DIRTY))
        return;
    fd_tp_state *s = &w->tps[p->tp];
    p->flags &= (uint8_t)~FD_PARTIAL_DIRTY;
    if (p->dirty_prev != 0)
        fd_partial_at(w, p->dirty_prev)->dirty_next = p->dirty_next;
    else
        s->dirty_first = p->dirty_next;
    if (p->dirty_next != 0)
        fd_partial_at(w, p->dirty_next)->dirty_prev = p->dirty_prev;
    else
        s->dirty_last = p->dirty_prev;
    s->n_dirty--;
    w->stats.dirty--;
}

static void partial_init(fd_windows *w, fd_partial *p, uint16_t kind, uint16_t tp)
{
    *p = (fd_partial){.lsn = -1, .kind = kind, .tp = tp};
    w->stats.partials++;
}

bool fd_partial_heavy(const fd_windows *w, const fd_partial *p)
{
    uint64_t n = fd_ring_count(&w->heap, p);
    return (n != 0 && n >= w->config.max_events_per_key / 2) || fd_pane_lists(&w->heap, p) != NULL;
}

void fd_partial_reset(fd_windows *w, uint32_t ref)
{
    fd_partial *p = fd_partial_at(w, ref);
    fd_partial_set_clean(w, ref);
    w->heavy -= fd_partial_heavy(w, p);
    w->stats.pane_partials -= fd_pane_lists(&w->heap, p) != NULL;
    w->stats.events -= fd_ring_count(&w->heap, p);
    fd_ring_clear(&w->heap, &w->plans[p->kind], p);
    p->lsn = -1;
}

/* It belongs to no partition any more; the block stays. */
static void partial_empty(fd_windows *w, uint32_t ref)
{
    fd_partial *p = fd_partial_at(w, ref);
    if (p->tp == FD_NO_TP)
        return;
    fd_partial_reset(w, ref);
    w->stats.partials--;
    p->tp = FD_NO_TP;
}

uint32_t fd_partial_find(const fd_windows *w, uint32_t entry, uint16_t tp)
{
    uint32_t ref = entry;
    while (ref != 0 && fd_partial_at(w, ref)->tp != tp)
        ref = fd_partial_at(w, ref)->next;
    return ref;
}

uint32_t fd_partial_make(fd_windows *w, uint32_t entry, uint16_t tp)
{
    fd_partial *e = fd_partial_at(w, entry);
    if (e->tp == FD_NO_TP) {
        e->tp = tp;
        w->stats.partials++;
        return entry;
    }
    uint32_t ref = fd_heap_take(&w->heap, fd_heap_granules(sizeof(fd_partial_more)));
    FD_ASSERT(ref != 0);
    partial_init(w, fd_partial_at(w, ref), e->kind, tp);
    ((fd_partial_more *)fd_heap_at(&w->heap, ref))->entry = entry;
    fd_partial_at(w, ref)->next = e->next;
    e->next = ref;
    return ref;
}

uint32_t fd_entry_make(fd_windows *w, uint16_t kind, fd_str key, uint64_t hash, uint16_t tp)
{
    uint32_t ref = fd_heap_take(&w->heap, entry_granules(key.n));
    FD_ASSERT(ref != 0 && w->stats.entries < w->max_entries);
    fd_partial *e = fd_partial_at(w, ref);
    partial_init(w, e, kind, tp);
    e->stamp = w->stamp;
    e->flags = FD_PARTIAL_ENTRY;
    uint16_t n = (uint16_t)key.n;
    char *p = (char *)(e + 1);
    memcpy(p, &n, sizeof n);
    if (n != 0)
        memcpy(p + sizeof n, key.p, n);
    slot_put(w, hash, ref);
    w->stats.entries++;
    return ref;
}

/* ---- forgetting ---- */

/* Partials behind the entry that belong to no partition any more. */
static void entry_prune(fd_windows *w, uint32_t entry)
{
    uint32_t *link = &fd_partial_at(w, entry)->next;
    while (*link != 0) {
        uint32_t ref = *link;
        const fd_partial *p = fd_partial_at(w, ref);
        if (p->tp != FD_NO_TP) {
            link = &fd_partial_at(w, ref)->next;
            continue;
        }
        *link = p->next;
        fd_heap_give(&w->heap, ref, fd_heap_granules(sizeof(fd_partial_more)));
    }
}

static void entry_free(fd_windows *w, uint32_t slot)
{
    uint32_t entry = w->slots[slot].entry;
    for (uint32_t ref = entry; ref != 0; ref = fd_partial_at(w, ref)->next)
        partial_empty(w, ref);
    entry_prune(w, entry);
    fd_heap_give(&w->heap, entry, entry_granules(fd_entry_key(fd_partial_at(w, entry)).n));
    slot_remove(w, slot);
    w->stats.entries--;
}

/* Nothing in it will ever be seen again. */
static bool expired(const fd_windows *w, const fd_partial *p, const fd_key_plan *k)
{
    if (p->data == 0)
        return true;
    fd_span s = fd_ring_newest(&w->heap, k, p);
    if (s.n != 0 &&
        fd_record_time(s.records + (size_t)(s.n - 1) * k->words) >= fd_tp_cutoff(w, p->tp, k))
        return false;
    return fd_panes_youngest(&w->heap, k, p, fd_tp_watermark(w, p->tp)) == INT64_MIN;
}

static bool may_forget(fd_windows *w, uint32_t entry)
{
    const fd_key_plan *k = &w->plans[fd_partial_at(w, entry)->kind];
    for (uint32_t ref = entry; ref != 0; ref = fd_partial_at(w, ref)->next) {
        const fd_partial *p = fd_partial_at(w, ref);
        bool clean = w->config.evict && !(p->flags & FD_PARTIAL_DIRTY);
        if (p->tp != FD_NO_TP && !clean && !expired(w, p, k))
            return false;
    }
    return true;
}

static void forget(fd_windows *w, uint32_t slot)
{
    uint32_t entry = w->slots[slot].entry;
    const fd_key_plan *k = &w->plans[fd_partial_at(w, entry)->kind];
    for (uint32_t ref = entry; ref != 0; ref = fd_partial_at(w, ref)->next) {
        const fd_partial *p = fd_partial_at(w, ref);
        if (p->tp != FD_NO_TP && !expired(w, p, k))
            w->tps[p->tp].complete = false;
    }
    entry_free(w, slot);
    w->stats.evictions++;
}

/* Where no partial is near N and the batch alone cannot get one there, no panes are made. */
void fd_need_add(const fd_windows *w, fd_need *need, uint16_t kind, uint64_t pairs, uint64_t all)
{
    const fd_key_plan *k = &w->plans[kind];
    need->entries += pairs;
    need->blocks += pairs * k->fold.blocks;
    need->granules += pairs * k->fold.granules;
    if (k->panes.blocks == 0 || (w->heavy == 0 && all < w->config.max_events_per_key / 2))
        return;
    need->blocks += pairs * k->panes.blocks;
    need->granules += pairs * k->panes.granules;
    need->large = true;
}

bool fd_table_has_room(const fd_windows *w, fd_need need)
{
    int i = need.large;
    return (w->heap.units[i] >= need.blocks || w->heap.slack[i] >= need.granules) &&
           w->stats.entries + need.entries <= w->max_entries;
}

bool fd_table_room(fd_windows *w, fd_need need)
{
    if (fd_table_has_room(w, need))
        return true;
    if (w->in_vain || need.granules > w->heap.n || need.entries > w->max_entries)
        return false;
    for (uint64_t left = 2 * (uint64_t)w->n_slots; left > 0; left--) {
        uint32_t entry = w->slots[w->hand].entry;
        fd_partial *e = entry == 0 ? NULL : fd_partial_at(w, entry);
        if (e != NULL && e->stamp != w->stamp && !(e->flags & FD_PARTIAL_USED) &&
            may_forget(w, entry)) {
            forget(w, w->hand);
            if (fd_table_has_room(w, need))
                return true;
            continue;
        }
        if (e != NULL)
            e->flags &= (uint8_t)~FD_PARTIAL_USED;
        w->hand = next_slot(w, w->hand);
    }
    w->in_vain = true;
    return false;
}

void fd_table_drop(fd_windows *w, uint16_t tp)
{
    for (uint32_t i = 0; i < w->n_slots;) {
        uint32_t entry = w->slots[i].entry;
        uint32_t ref = entry == 0 ? 0 : fd_partial_find(w, entry, tp);
        if (ref == 0) {
            i++;
            continue;
        }
        partial_empty(w, ref);
        entry_prune(w, entry);
        const fd_partial *e = fd_partial_at(w, entry);
        if (e->tp == FD_NO_TP && e->next == 0)
            entry_free(w, i);
        else
            i++;
    }
}

/* ---- pairs ---- */

static void pairs_reserve(fd_windows *w, uint32_t n)
{
    if (n <= w->pairs_cap)
        return;
    fd_pair *grown = realloc(w->pairs, n * sizeof *grown);
    FD_ALLOCATED(grown);
    w->pairs = grown;
    w->pairs_cap = n;
}

/* A key that is too long: what stands for it goes into `long_keys`, whose start may move, so the
 * key has its place there until all are in. */
static void add_long(fd_windows *w, fd_pair *p, fd_str key)
{
    char room[FD_WINDOW_MAX_KEY_BYTES];
    fd_str normal = fd_key_normal(key, room);
    p->hash = fd_key_hash(p->kind, normal);
    p->key = (fd_str){NULL, (uint32_t)w->long_keys.n};
    fd_strbuf_add(&w->long_keys, normal.p, normal.n);
}

static void place_long(fd_windows *w, uint32_t n)
{
    for (uint32_t i = 0; i < n && w->long_keys.n != 0; i++)
        if (w->pairs[i].key.p == NULL)
            w->pairs[i].key = (fd_str){w->long_keys.p + w->pairs[i].key.n, FD_WINDOW_MAX_KEY_BYTES};
}

uint32_t fd_pairs_make(fd_windows *w, const fd_window_event *events, uint32_t n,
                       const fd_window_input *inputs)
{
    pairs_reserve(w, n * w->max_keys);
    fd_strbuf_reset(&w->long_keys);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t s = events[i].tp.source;
        FD_ASSERT(s < w->config.n_layouts && events[i].row < inputs[s].n_rows);
        for (uint32_t k = 0; k < w->layouts[s]->n_keys; k++) {
            fd_str key = inputs[s].keys[k].key[events[i].row];
            if (key.p == NULL)
                continue;
            fd_pair *p = &w->pairs[at++];
            *p = (fd_pair){.key = key, .event = i, .kind = (uint16_t)(w->first_kind[s] + k)};
            if (key.n > FD_WINDOW_MAX_KEY_BYTES)
                add_long(w, p, key);
            else
                p->hash = fd_key_hash(p->kind, key);
        }
    }
    place_long(w, at);
    return at;
}
