/*
 * What panes add to a window: those that overlap it count whole, youngest first (by start, then
 * partition), after the records. See read_int.h. One owner.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "features/panes_int.h"
#include "features/read_int.h"

/* One feature's window, and what is gathered for it besides the progress. */
typedef struct merge {
    const fd_read *r;
    const fd_group *g;
    const fd_cell *cell;
    fd_progress *p;
    size_t n;       /* words in w->extra */
    uint64_t least; /* distinct: hashes from here on are not all known */
    bool over;
} merge;

static double as_double(uint64_t word)
{
    double d;
    memcpy(&d, &word, sizeof d);
    return d;
}

static uint64_t as_word(double d)
{
    uint64_t word;
    memcpy(&word, &d, sizeof word);
    return word;
}

static void keep(merge *m, uint64_t word)
{
    fd_values_reserve(&m->r->w->extra, m->n + 1)[m->n] = word;
    m->n++;
}

/* ---- one pane ---- */

static void merge_ints(fd_progress *p, const uint64_t *c)
{
    fd_u128 squares = (fd_u128)c[4] << 64 | c[3];
    if (p->n == 0 || (int64_t)c[5] < (int64_t)p->low)
        p->low = c[5];
    if (p->n == 0 || (int64_t)c[6] > (int64_t)p->high)
        p->high = c[6];
    p->odd |= squares == ~(fd_u128)0 || p->squares + squares < squares;
    p->squares += squares;
    p->sum = (fd_i128)((fd_u128)p->sum + ((fd_u128)c[2] << 64 | c[1]));
    p->n += c[0];
}

static void merge_reals(fd_progress *p, const uint64_t *c)
{
    double n1 = (double)p->n;
    double n2 = (double)c[0];
    double delta = as_double(c[2]) - p->mean;
    p->squared += as_double(c[3]) + delta * delta * (n1 * n2 / (n1 + n2));
    p->mean += delta * (n2 / (n1 + n2));
    if (p->n == 0 || as_double(c[4]) < as_double(p->low))
        p->low = c[4];
    if (p->n == 0 || as_double(c[5]) > as_double(p->high))
        p->high = c[5];
    p->dsum += as_double(c[1]);
    p->n += c[0];
}

/* A record as far as a group looks at it. */
static void stand_in(merge *m, int64_t time, uint64_t value, uint64_t value2)
{
    uint64_t *record = m->r->w->stand_in;
    record[0] = (uint64_t)time << 8;
    if (m->g->value2 != 0)
        record[m->g->value2] = value2;
    if (m->g->value != 0)
        record[m->g->value] = value;
    m->p->record = record;
}

static bool merge_edges(merge *m, const uint64_t *c)
{
    bool first = m->g->class == FD_GROUP_FIRST || m->g->class == FD_GROUP_SINCE_FIRST;
    const uint64_t *edge = first ? &c[1] : &c[3];
    if (m->p->record != NULL) {
        int64_t time = fd_record_time(m->p->record);
        if (first ? (int64_t)edge[0] >= time : (int64_t)edge[0] <= time)
            return false;
    }
    stand_in(m, (int64_t)edge[0], edge[1], 0);
    return true;
}

static bool merge_place(merge *m, const uint64_t *c)
{
    if (m->p->record != NULL && (int64_t)c[1] <= fd_record_time(m->p->record))
        return false;
    stand_in(m, (int64_t)c[1], c[2], c[3]);
    return true;
}

static const uint64_t *stock(const merge *m, uint64_t word)
{
    return fd_heap_at(&m->r->w->heap, fd_stock_of(word).ref);
}

static void merge_set(merge *m, const uint64_t *c)
{
    fd_stock s = fd_stock_of(c[1]);
    const uint64_t *hashes = stock(m, c[1]);
    for (uint32_t i = 0; i < s.n; i++)
        keep(m, hashes[i]);
    if (s.over && hashes[s.n - 1] < m->least)
        m->least = hashes[s.n - 1];
    m->over |= s.over;
}

static bool merge_seen(merge *m, const uint64_t *c)
{
    if (m->p->record != NULL || !m->p->current)
        return false;
    fd_stock s = fd_stock_of(c[1]);
    const uint64_t *hashes = stock(m, c[1]);
    uint64_t own = fd_pane_hash(&m->r->w->heap, m->cell->track, m->r->event[m->cell->value]);
    for (uint32_t i = 0; i < s.n; i++)
        if (hashes[i] == own)
            stand_in(m, 0, 0, 0);
    return true;
}

static uint64_t ordered(const merge *m, uint64_t word)
{
    const uint64_t sign = (uint64_t)1 << 63;
    if (m->g->kind == FD_DOUBLE)
        return word & sign ? ~word : word | sign;
    return word ^ sign;
}

static void merge_sample(merge *m, const uint64_t *c)
{
    fd_stock s = fd_stock_of(c[1]);
    const uint64_t *pairs = stock(m, c[1]);
    for (uint32_t i = 0; i < s.n; i++) {
        keep(m, ordered(m, pairs[2 * i + 1]));
        keep(m, as_word((double)c[0] / s.n));
    }
    m->p->n += c[0];
}

/* True: the result used it. */
static bool merge_cell(merge *m, const uint64_t *c)
{
    fd_progress *p = m->p;
    switch (m->cell->kind) {
    case FD_CELL_COUNT:
        p->n += c[0];
        return true;
    case FD_CELL_RATIO:
        p->n += c[0];
        p->hits += c[1];
        return true;
    case FD_CELL_INTS:
        merge_ints(p, c);
        return true;
    case FD_CELL_REALS:
        merge_reals(p, c);
        return true;
    case FD_CELL_SET:
        if (m->g->class == FD_GROUP_IS_NEW)
            return merge_seen(m, c);
        merge_set(m, c);
        return true;
    case FD_CELL_SAMPLE:
        merge_sample(m, c);
        return true;
    case FD_CELL_EDGES:
        return merge_edges(m, c);
    case FD_CELL_PLACE:
        return merge_place(m, c);
    case FD_CELL_ROW:
        if (p->odd)
            return false;
        p->n += c[1];
        p->odd = c[1] < c[0];
        return true;
    }
    FD_UNREACHABLE();
}

/* ---- before the first pane, after the last ---- */

static void open_merge(merge *m)
{
    fd_progress *p = m->p;
    const uint64_t *values = m->r->w->values.v;
    if (m->cell->kind == FD_CELL_REALS && m->g->spread) {
        p->merged = true;
        p->mean = p->n == 0 ? 0 : p->dsum / (double)p->n;
        for (size_t i = 0; i < p->n_values; i++) {
            double d = as_double(values[i]) - p->mean;
            p->squared += d * d;
        }
    }
    if (m->cell->kind == FD_CELL_SAMPLE)
        for (size_t i = 0; i < p->n_values; i++) {
            keep(m, values[i]);
            keep(m, as_word(1));
        }
    if (m->cell->kind == FD_CELL_SAMPLE)
        p->n = p->n_values;
    if (m->cell->kind == FD_CELL_SET && m->g->class == FD_GROUP_DISTINCT) {
        for (size_t i = 0; i < p->n_values; i++)
            keep(m, fd_pane_hash(&m->r->w->heap, FD_INT, values[i]));
        if (p->odd)
            keep(m, fd_pane_hash(&m->r->w->heap, FD_INT, 0));
    }
}

static int by_word(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Hashes are spread evenly: as many as there are below a bound, so many per part of the range. */
static void close_distinct(merge *m)
{
    uint64_t *v = m->r->w->extra.v;
    qsort(v, m->n, sizeof *v, by_word);
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += (i == 0 || v[i] != v[i - 1]) && (!m->over || v[i] < m->least);
    fd_u128 estimate = n;
    if (m->over && m->least != 0)
        estimate = ((fd_u128)n << 64) / m->least;
    m->p->odd = false;
    m->p->n_values = (size_t)estimate;
}

static void close_sample(merge *m)
{
    uint64_t *v = m->r->w->extra.v;
    const fd_window_feature *f = &m->r->layout->features[m->g->features[m->p->at]];
    qsort(v, m->n / 2, 2 * sizeof *v, by_word);
    double rank = ceil(f->p * (double)m->p->n / 100.0);
    double weight = 0;
    size_t i = 0;
    while (i + 2 < m->n && (weight += as_double(v[i + 1])) < rank)
        i += 2;
    m->p->merged = true;
    m->p->low = v[i];
}

/* ---- all panes ---- */

/* Panes of a level that overlap the window, of all partials. */
static uint32_t pane_sources(const merge *m, uint16_t level)
{
    fd_windows *w = m->r->w;
    uint32_t n = 0;
    for (uint32_t ref = m->r->entry; ref != 0; ref = fd_partial_at(w, ref)->next) {
        const fd_partial *p = fd_partial_at(w, ref);
        const fd_pane_list *lists = p->tp == FD_NO_TP ? NULL : fd_pane_lists(&w->heap, p);
        if (lists == NULL || lists[level].last == 0)
            continue;
        w->pane_sources[n++] = (fd_pane_source){
            lists[level].last, w->tps[p->tp].tp.partition,
            fd_level_cutoff(&m->r->k->levels[level], fd_tp_watermark(w, p->tp))};
    }
    return n;
}

/* The youngest pane of all that counts, taken from its source. */
static const fd_pane *next_pane(fd_windows *w, uint32_t n)
{
    fd_pane_source *best = NULL;
    const fd_pane *pane = NULL;
    for (uint32_t i = 0; i < n; i++) {
        fd_pane_source *s = &w->pane_sources[i];
        const fd_pane *own = fd_pane_at(&w->heap, s->pane);
        if (own == NULL || own->start < s->cutoff)
            continue;
        if (pane == NULL || own->start > pane->start ||
            (own->start == pane->start && s->partition > best->partition)) {
            best = s;
            pane = own;
        }
    }
    if (best != NULL)
        best->pane = pane->prev;
    return pane;
}

void fd_group_write_paned(const fd_read *r, const fd_group *g, const fd_progress *p)
{
    fd_progress q = *p;
    uint16_t feature = g->features[p->at];
    const fd_window_feature *f = &r->layout->features[feature];
    fd_place place = g->places[p->at];
    merge m = {.r = r, .g = g, .p = &q, .least = UINT64_MAX};
    m.cell = &r->k->levels[place.level].cells[place.cell];
    int64_t to = fd_time_minus(r->time_us, f->delay_us);
    int64_t from = fd_time_minus(to, f->window_us);
    uint32_t n = pane_sources(&m, place.level);
    bool used = false;
    for (const fd_pane *pane; n != 0 && (pane = next_pane(r->w, n)) != NULL;) {
        const uint64_t *c = &pane->words[m.cell->at];
        if (pane->youngest <= from || pane->oldest > to || c[0] == 0)
            continue;
        if (!used)
            open_merge(&m);
        used |= merge_cell(&m, c);
    }
    if (used && g->class == FD_GROUP_DISTINCT)
        close_distinct(&m);
    if (used && g->class == FD_GROUP_PERCENTILE)
        close_sample(&m);
    *r->approximate |= used;
    fd_group_write(r, g, &q, feature);
}
