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

static inline int64_t bound(const fd_read *r, const fd_group *g, const fd_progress *p)
{
    return fd_record_upto(fd_time_minus(r->time_us, g->windows[p->at]));
}

static inline __attribute__((always_inline)) void feed(
    const fd_read *r, const fd_group *g, fd_progress *p, const uint64_t *const *records, uint32_t n,
    void (*take)(const fd_read *, const fd_group *, fd_progress *, const uint64_t *))
{
    int64_t end = bound(r, g, p);
    int64_t from = fd_record_upto(fd_time_minus(r->time_us, g->delay_us));
    const uint64_t *skip = g->current ? NULL : r->event;
    uint32_t flags_at = r->k->flags_at;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *record = records[i];
        int64_t first = (int64_t)record[0];
        if (first > from)
            continue;
        while (first <= end) {
            fd_group_write(r, g, p, g->features[p->at]);
            if (++p->at == g->n) {
                p->done = true;
                return;
            }
            end = bound(r, g, p);
        }
        if (record != skip && (record[flags_at] & g->need) == g->need)
            take(r, g, p, record);
    }
}

void fd_group_begin(const fd_read *r, const fd_group *g, fd_progress *p)
{
    *p = (fd_progress){0};
    uint64_t own = g->valid | g->valid2;
    p->current = r->event != NULL && own != 0 && (r->event[r->k->flags_at] & own) == own;
}

void fd_group_feed(const fd_read *r, const fd_group *g, fd_progress *p,
                   const uint64_t *const *records, uint32_t n)
{
    switch (g->class) {
    case FD_GROUP_COUNT:
        return feed(r, g, p, records, n, take_count);
    case FD_GROUP_RATIO:
        return feed(r, g, p, records, n, take_ratio);
    case FD_GROUP_NUMBERS:
        return g->kind == FD_DOUBLE ? feed(r, g, p, records, n, take_double)
                                    : feed(r, g, p, records, n, take_int);
    case FD_GROUP_DISTINCT:
        return feed(r, g, p, records, n, take_distinct);
    case FD_GROUP_LAST:
    case FD_GROUP_SINCE_LAST:
    case FD_GROUP_TRAVEL:
        return feed(r, g, p, records, n, take_youngest);
    case FD_GROUP_FIRST:
    case FD_GROUP_SINCE_FIRST:
        return feed(r, g, p, records, n, take_oldest);
    case FD_GROUP_IS_NEW:
        return feed(r, g, p, records, n, take_same);
    case FD_GROUP_CONSECUTIVE:
        return feed(r, g, p, records, n, take_row);
    case FD_GROUP_PERCENTILE:
        return feed(r, g, p, records, n, take_ordered);
    }
    FD_UNREACHABLE();
}

void fd_group_end(const fd_read *r, const fd_group *g, fd_progress *p)
{
    while (!p->done) {
        fd_group_write(r, g, p, g->features[p->at]);
        p->done = ++p->at == g->n;
    }
}
