/* What a table and a store tell each other; see windows.h. One owner. */
#include "base/assert.h"
#include "features/panes_int.h"
#include "features/read_int.h"
#include "features/value_int.h"

/* ---- addresses ---- */

/* The kind that a ref names; false: there is none such. */
static bool kind_of(const fd_windows *w, const fd_window_ref *ref, uint16_t *kind)
{
    if (ref->tp.source >= w->config.n_layouts ||
        ref->key_kind >= w->layouts[ref->tp.source]->n_keys)
        return false;
    *kind = (uint16_t)(w->first_kind[ref->tp.source] + ref->key_kind);
    return true;
}

static uint32_t partial_of(fd_windows *w, const fd_window_ref *ref, uint16_t *kind)
{
    char room[FD_WINDOW_MAX_KEY_BYTES];
    uint16_t tp = fd_tp_find(w, ref->tp);
    if (tp == FD_NO_TP || !kind_of(w, ref, kind))
        return 0;
    fd_str key = fd_key_normal(ref->key, room);
    uint32_t entry = fd_entry_find(w, *kind, key, fd_key_hash(*kind, key));
    return entry == 0 ? 0 : fd_partial_find(w, entry, tp);
}

static fd_window_ref ref_of(const fd_windows *w, uint32_t ref)
{
    const fd_partial *p = fd_partial_at(w, ref);
    const fd_partial *e = p;
    if (!(p->flags & FD_PARTIAL_ENTRY))
        e = fd_partial_at(w, ((const fd_partial_more *)fd_heap_at(&w->heap, ref))->entry);
    const fd_key_plan *k = &w->plans[p->kind];
    return (fd_window_ref){w->tps[p->tp].tp, k->index, fd_entry_key(e)};
}

/* ---- what is missing ---- */

/* The first pairs of each key of the batch, by hash: places in w->sorted hold 1 + a pair. */
static bool seen_before(const fd_windows *w, uint64_t *table, size_t cap, uint32_t at)
{
    const fd_pair *p = &w->pairs[at];
    size_t i = p->hash & (cap - 1);
    for (; table[i] != 0; i = (i + 1) & (cap - 1)) {
        const fd_pair *other = &w->pairs[table[i] - 1];
        if (other->kind == p->kind && fd_str_eq(other->key, p->key))
            return true;
    }
    table[i] = at + 1;
    return false;
}

typedef struct missing {
    fd_window_ref *out;
    uint32_t n, max;
} missing;

/* Of the entity of a pair: partials of partitions of its source that may be in the store. */
static void missing_of(fd_windows *w, const fd_pair *p, fd_tp own, missing *m)
{
    const fd_key_plan *k = &w->plans[p->kind];
    for (uint16_t i = 0; i < w->n_tps; i++) {
        const fd_tp_state *s = &w->tps[i];
        bool asked = k->key->local ? s->tp.partition == own.partition : true;
        if (!s->here || s->complete || s->tp.source != k->source || !asked)
            continue;
        if (p->entry != 0 && fd_partial_find(w, p->entry, i) != 0)
            continue;
        if (m->n < m->max)
            m->out[m->n] = (fd_window_ref){s->tp, k->index, p->key};
        m->n++;
    }
}

uint32_t fd_windows_missing(fd_windows *w, const fd_window_event *events, uint32_t n,
                            const fd_window_input *inputs, fd_window_ref *out, uint32_t max)
{
    missing m = {out, 0, max};
    uint32_t n_pairs = fd_pairs_make(w, events, n, inputs);
    size_t cap = 64;
    while (cap < 2 * (size_t)n_pairs)
        cap *= 2;
    uint64_t *table = fd_values_reserve(&w->sorted, cap);
    memset(table, 0, cap * sizeof *table);
    for (uint32_t i = 0; i < n_pairs; i++) {
        fd_pair *p = &w->pairs[i];
        p->entry = fd_entry_find(w, p->kind, p->key, p->hash);
        if (p->entry != 0)
            fd_partial_at(w, p->entry)->stamp = w->stamp;
        if (!seen_before(w, table, cap, i))
            missing_of(w, p, events[p->event].tp, &m);
    }
    return m.n;
}

/* ---- values ---- */

void fd_windows_save(fd_windows *w, const fd_window_ref *ref, fd_strbuf *out, int64_t *lsn,
                     int64_t *last_us)
{
    uint16_t kind;
    uint32_t at = partial_of(w, ref, &kind);
    *lsn = -1;
    *last_us = INT64_MIN;
    if (at == 0)
        return;
    const fd_partial *p = fd_partial_at(w, at);
    const fd_key_plan *k = &w->plans[kind];
    fd_value_write(&w->heap, k, p, out);
    *lsn = p->lsn;
    fd_span s = fd_ring_newest(&w->heap, k, p);
    if (s.n != 0)
        *last_us = fd_record_time(s.records + (size_t)(s.n - 1) * k->words);
    int64_t paned = fd_panes_youngest(&w->heap, k, p, INT64_MIN);
    *last_us = paned > *last_us ? paned : *last_us;
}

static fd_need need_of_value(const fd_windows *w, const fd_key_plan *k, const fd_value_size *size)
{
    fd_need need = {.entries = 1, .large = size->pane_blocks != 0};
    need.blocks = k->fold.blocks + size->blocks + size->pane_blocks;
    need.granules = k->fold.granules + size->blocks * w->heap.unit[0] +
                    size->pane_blocks * w->heap.unit[1];
    return need;
}

bool fd_windows_load(fd_windows *w, const fd_window_ref *ref, fd_str bytes)
{
    uint16_t kind;
    if (!kind_of(w, ref, &kind))
        return false;
    const fd_key_plan *k = &w->plans[kind];
    fd_value_size size = {.lsn = -1};
    if (bytes.n != 0 && !fd_value_check(k, bytes, &size))
        return false;
    uint16_t tp = fd_tp_make(w, ref->tp);
    char room[FD_WINDOW_MAX_KEY_BYTES];
    fd_str key = fd_key_normal(ref->key, room);
    uint64_t hash = fd_key_hash(kind, key);
    uint32_t entry = fd_entry_find(w, kind, key, hash);
    uint32_t at = entry == 0 ? 0 : fd_partial_find(w, entry, tp);
    if (entry != 0)
        fd_partial_at(w, entry)->stamp = w->stamp;
    if (at != 0 && fd_partial_at(w, at)->lsn >= size.lsn)
        return true;
    if (!fd_table_room(w, need_of_value(w, k, &size)))
        return false;
    if (at != 0)
        fd_partial_reset(w, at);
    else
        at = entry == 0 ? fd_entry_make(w, kind, key, hash, tp) : fd_partial_make(w, entry, tp);
    if (bytes.n != 0)
        fd_value_read(&w->heap, k, fd_partial_at(w, at), bytes);
    w->stats.events += size.events;
    w->heavy += fd_partial_heavy(w, fd_partial_at(w, at));
    w->stats.pane_partials += fd_pane_lists(&w->heap, fd_partial_at(w, at)) != NULL;
    return true;
}

bool fd_windows_readable(const fd_windows *w, const fd_window_ref *ref, fd_str bytes)
{
    uint16_t kind;
    fd_value_size size;
    return kind_of(w, ref, &kind) &&
           (bytes.n == 0 || fd_value_check(&w->plans[kind], bytes, &size));
}

/* ---- dirty ones ---- */

/* The list is gone through once: *cursor says how many are left of those that were there when it
 * was 0, plus one. What is told goes to its end, so the next call begins behind it. */
uint32_t fd_windows_dirty(fd_windows *w, fd_tp tp, uint64_t *cursor, fd_window_ref *out,
                          uint32_t max)
{
    uint16_t at = fd_tp_find(w, tp);
    if (at == FD_NO_TP)
        return 0;
    fd_tp_state *s = &w->tps[at];
    if (*cursor == 0)
        *cursor = 1 + (uint64_t)s->n_dirty;
    uint32_t n = 0;
    while (n<max && * cursor> 1 && s->dirty_first != 0) {
        uint32_t ref = s->dirty_first;
        fd_partial_set_clean(w, ref);
        fd_partial_set_dirty(w, ref);
        out[n++] = ref_of(w, ref);
        --*cursor;
    }
    return n;
}

void fd_windows_clean(fd_windows *w, const fd_window_ref *ref, int64_t lsn)
{
    uint16_t kind;
    uint32_t at = partial_of(w, ref, &kind);
    if (at == 0 || fd_partial_at(w, at)->lsn > lsn)
        return;
    fd_partial_set_clean(w, at);
    w->in_vain = false;
}
