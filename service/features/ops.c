/*
 * What each class of features takes from the records that it is shown, youngest first; a window
 * that ends is written from what was taken so far. See read_int.h. One owner.
 */
#include "features/read_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

enum { LIST = 32 }; /* distinct values that are found by looking at all */

uint64_t *fd_values_reserve(fd_values *v, size_t n)
{
    if (n > v->cap) {
        size_t cap = v->cap < 512 ? 1024 : 2 * v->cap;
        v->cap = cap < n ? n : cap;
        v->v = realloc(v->v, v->cap * sizeof *v->v);
        FD_ALLOCATED(v->v);
    }
    return v->v;
}

/* What a value is compared by: texts by their hash. */
static uint64_t comparable(const fd_read *r, const fd_group *g, const uint64_t *record)
{
    uint64_t word = record[g->value];
    if (g->kind != FD_STRING && g->kind != FD_BYTES)
        return word;
    char room[8];
    fd_str s = fd_text_get(&r->w->heap, word, room);
    return fd_hash64(s.p, s.n, 0);
}

/* ---- what is taken of one record ---- */

#define TAKER(name)                                                                             \
    static inline __attribute__((always_inline)) void name(const fd_read *r, const fd_group *g, \
                                                           fd_progress *p, const uint64_t *record)

TAKER(take_count)
{
    (void)r;
    (void)g;
    (void)record;
    p->n++;
}

TAKER(take_ratio)
{
    p->n++;
    p->hits += (record[r->k->flags_at] & g->of) != 0;
}

TAKER(take_int)
{
    (void)r;
    int64_t v = (int64_t)record[g->value];
    if (g->extremes && (p->n == 0 || v < (int64_t)p->low))
        p->low = (uint64_t)v;
    if (g->extremes && (p->n == 0 || v > (int64_t)p->high))
        p->high = (uint64_t)v;
    p->n++;
    p->sum += v;
    if (g->spread) {
        uint64_t abs = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        fd_u128 square = (fd_u128)abs * abs;
        p->odd |= p->squares + square < square;
        p->squares += square;
    }
}

static inline double as_double(uint64_t word)
{
    double d;
    memcpy(&d, &word, sizeof d);
    return d;
}

static void collect(const fd_read *r, fd_progress *p, uint64_t word)
{
    fd_values_reserve(&r->w->values, p->n_values + 1)[p->n_values] = word;
    p->n_values++;
}

TAKER(take_double)
{
    double v = as_double(record[g->value]);
    if (g->extremes && (p->n == 0 || v < as_double(p->low)))
        p->low = record[g->value];
    if (g->extremes && (p->n == 0 || v > as_double(p->high)))
        p->high = record[g->value];
    p->n++;
    p->dsum += v;
    if (g->spread)
        collect(r, p, record[g->value]);
}

/* Percentiles: as unsigned words in the order of the numbers. */
TAKER(take_ordered)
{
    uint64_t word = record[g->value];
    const uint64_t sign = (uint64_t)1 << 63;
    if (g->kind == FD_DOUBLE)
        collect(r, p, word & sign ? ~word : word | sign);
    else
        collect(r, p, word ^ sign);
}

TAKER(take_youngest)
{
    (void)r;
    (void)g;
    if (p->record == NULL)
        p->record = record;
}

TAKER(take_oldest)
{
    (void)r;
    (void)g;
    p->record = record;
}

TAKER(take_same)
{
    if (p->record == NULL && p->current && comparable(r, g, record) == comparable(r, g, r->event))
        p->record = record;
}

/* odd: the row has ended. */
TAKER(take_row)
{
    bool match = (record[r->k->flags_at] & g->of) != 0;
    p->odd |= !match;
    p->n += !p->odd;
}

/* ---- distinct ---- */

/* A table of at least twice the values; an empty place is 0, the value 0 is in `odd`. */
static bool table_add(uint64_t *table, size_t cap, uint64_t v)
{
    size_t i = (v * 0x9e3779b97f4a7c15U >> 20) & (cap - 1);
    for (; table[i] != 0; i = (i + 1) & (cap - 1))
        if (table[i] == v)
            return false;
    table[i] = v;
    return true;
}

static size_t table_cap(uint64_t n)
{
    size_t cap = (size_t)4 * LIST;
    while (cap < 2 * (n + 1))
        cap *= 2;
    return cap;
}

static void table_build(const fd_read *r, const fd_progress *p)
{
    size_t cap = table_cap(p->n_values);
    uint64_t *table = fd_values_reserve(&r->w->sorted, cap);
    memset(table, 0, cap * sizeof *table);
    for (size_t i = 0; i < p->n_values; i++)
        table_add(table, cap, r->w->values.v[i]);
}

TAKER(take_distinct)
{
    uint64_t v = comparable(r, g, record);
    if (v == 0) {
        p->odd = true;
        return;
    }
    if (!p->hashed) {
        for (size_t i = 0; i < p->n_values; i++)
            if (r->w->values.v[i] == v)
                return;
        collect(r, p, v);
        if (p->n_values == LIST) {
            p->hashed = true;
            table_build(r, p);
        }
        return;
    }
    size_t cap = table_cap(p->n_values);
    if (!table_add(r->w->sorted.v, cap, v))
        return;
    collect(r, p, v);
    if (table_cap(p->n_values) != cap)
        table_build(r, p);
}

/* ---- feeding ---- */

static void write_window(const fd_read *r, const fd_group *g, fd_progress *p)
{
    if (r->panes)
        fd_group_write_paned(r, g, p);
    else
        fd_group_write(r, g, p, g->features[p->at]);
}

/* Takes records up to the end of each window and writes those that end in this block. */
static inline __attribute__((always_inline)) void feed(
    const fd_read *r, const fd_group *g, fd_progress *p, const fd_block *b,
    void (*take)(const fd_read *, const fd_group *, fd_progress *, const uint64_t *))
{
    uint32_t skip = g->current ? FD_NO_EVENT : b->event;
    uint32_t flags_at = r->k->flags_at;
    uint64_t need = g->need;
    for (uint32_t i = b->marks[g->from];;) {
        uint32_t end = b->marks[g->ends[p->at]];
        for (; i < end; i++)
            if (i != skip && (b->records[i][flags_at] & need) == need)
                take(r, g, p, b->records[i]);
        if (end == b->n)
            return;
        write_window(r, g, p);
        if (++p->at == g->n) {
            p->done = true;
            return;
        }
    }
}

static void put_int(const fd_read *r, uint16_t feature, int64_t v)
{
    fd_col *c = &r->out->root.children[feature];
    c->valid[r->row] = 1;
    c->v.i[r->row] = v;
}

/* All records count: how many there are is known without looking at them. */
static void feed_all(const fd_read *r, const fd_group *g, fd_progress *p, const fd_block *b)
{
    uint32_t skip = g->current ? FD_NO_EVENT : b->event;
    uint32_t from = b->marks[g->from];
    uint64_t before = p->n;
    for (;;) {
        uint32_t end = b->marks[g->ends[p->at]];
        p->n = before + end - from - (skip >= from && skip < end);
        if (end == b->n)
            return;
        put_int(r, g->features[p->at], (int64_t)p->n);
        if (++p->at == g->n) {
            p->done = true;
            return;
        }
    }
}

/* Sums of integers, the most frequent of all, with what is counted kept in registers. */
static void feed_sum(const fd_read *r, const fd_group *g, fd_progress *p, const fd_block *b)
{
    uint32_t skip = g->current ? FD_NO_EVENT : b->event;
    uint32_t flags_at = r->k->flags_at;
    uint32_t value = g->value;
    uint64_t need = g->need;
    uint64_t n = p->n;
    fd_i128 sum = p->sum;
    for (uint32_t i = b->marks[g->from];;) {
        uint32_t end = b->marks[g->ends[p->at]];
        for (; i < end; i++) {
            const uint64_t *record = b->records[i];
            if (i != skip && (record[flags_at] & need) == need) {
                n++;
                sum += (int64_t)record[value];
            }
        }
        p->n = n;
        p->sum = sum;
        if (end == b->n)
            return;
        uint16_t feature = g->features[p->at];
        if (r->layout->features[feature].op == FD_OP_SUM && sum == (int64_t)sum)
            put_int(r, feature, (int64_t)sum);
        else
            fd_group_write(r, g, p, feature);
        if (++p->at == g->n) {
            p->done = true;
            return;
        }
    }
}

void fd_group_begin(const fd_read *r, const fd_group *g, fd_progress *p)
{
    *p = (fd_progress){0};
    uint64_t own = g->valid | g->valid2;
    p->current = r->event != NULL && own != 0 && (r->event[r->k->flags_at] & own) == own;
}

void fd_group_feed(const fd_read *r, const fd_group *g, fd_progress *p, const fd_block *b)
{
    switch (g->class) {
    case FD_GROUP_COUNT:
        return g->need == 0 && !r->panes ? feed_all(r, g, p, b) : feed(r, g, p, b, take_count);
    case FD_GROUP_RATIO:
        return feed(r, g, p, b, take_ratio);
    case FD_GROUP_NUMBERS:
        if (g->kind == FD_DOUBLE)
            return feed(r, g, p, b, take_double);
        return g->spread || g->extremes || r->panes ? feed(r, g, p, b, take_int)
                                                    : feed_sum(r, g, p, b);
    case FD_GROUP_DISTINCT:
        return feed(r, g, p, b, take_distinct);
    case FD_GROUP_LAST:
    case FD_GROUP_SINCE_LAST:
    case FD_GROUP_TRAVEL:
        return feed(r, g, p, b, take_youngest);
    case FD_GROUP_FIRST:
    case FD_GROUP_SINCE_FIRST:
        return feed(r, g, p, b, take_oldest);
    case FD_GROUP_IS_NEW:
        return feed(r, g, p, b, take_same);
    case FD_GROUP_CONSECUTIVE:
        return feed(r, g, p, b, take_row);
    case FD_GROUP_PERCENTILE:
        return feed(r, g, p, b, take_ordered);
    }
    FD_UNREACHABLE();
}

void fd_group_end(const fd_read *r, const fd_group *g, fd_progress *p)
{
    while (!p->done) {
        write_window(r, g, p);
        p->done = ++p->at == g->n;
    }
}
