/* Values of windows that have ended, into their columns; see read_int.h. One owner. */
#include "features/read_int.h"

#include <math.h>

#include "base/assert.h"

#define EARTH_KM     6371.0088 /* mean radius */
#define MIN_KM       1.0
#define US_PER_HOUR  3600000000.0
#define RADIANS(deg) ((deg) * (3.14159265358979323846 / 180.0))

typedef struct target {
    fd_col *col;
    uint32_t row;
    fd_arena *arena;
} target;

static void put_int(const target *t, int64_t v)
{
    t->col->valid[t->row] = 1;
    t->col->v.i[t->row] = v;
}

static void put_double(const target *t, double v)
{
    t->col->valid[t->row] = 1;
    t->col->v.d[t->row] = v;
}

static void put_bool(const target *t, bool v)
{
    t->col->valid[t->row] = 1;
    t->col->v.b[t->row] = v;
}

static double as_double(uint64_t word)
{
    double d;
    memcpy(&d, &word, sizeof d);
    return d;
}

static double number(fd_kind kind, uint64_t word)
{
    return kind == FD_DOUBLE ? as_double(word) : (double)(int64_t)word;
}

/* A value of the track, as it was. Texts go into the batch: what they are kept in may be gone
 * before it is. */
static void put_word(const fd_read *r, const target *t, uint64_t word)
{
    switch (t->col->type->kind) {
    case FD_BOOL:
        return put_bool(t, word != 0);
    case FD_DOUBLE:
        return put_double(t, as_double(word));
    case FD_STRING:
    case FD_BYTES: {
        char room[8];
        fd_str s = fd_arena_str(t->arena, fd_text_get(&r->w->heap, word, room));
        t->col->valid[t->row] = s.p != NULL;
        t->col->v.s[t->row] = s;
        return;
    }
    default:
        return put_int(t, (int64_t)word);
    }
}

/* ---- numbers ---- */

static double average(const fd_group *g, const fd_progress *p)
{
    double sum = g->kind == FD_DOUBLE ? p->dsum : (double)p->sum;
    return sum / (double)p->n;
}

/* Of integers: sqrt(n * squares - sum^2) / n, exact up to the root; of doubles: from the
 * differences to the average, youngest first. False: it does not fit. */
static bool deviation(const fd_read *r, const fd_group *g, const fd_progress *p, double *out)
{
    if (g->kind != FD_DOUBLE) {
        if (p->odd || p->squares > ~(fd_u128)0 / p->n)
            return false;
        fd_u128 sum = p->sum < 0 ? 0 - (fd_u128)p->sum : (fd_u128)p->sum;
        *out = sqrt((double)(p->squares * p->n - sum * sum)) / (double)p->n;
        return true;
    }
    if (p->merged) {
        *out = sqrt(p->squared / (double)p->n);
        return true;
    }
    double mean = average(g, p);
    double squares = 0;
    for (size_t i = 0; i < p->n_values; i++) {
        double d = as_double(r->w->values.v[i]) - mean;
        squares += d * d;
    }
    *out = sqrt(squares / (double)p->n);
    return true;
}

static void write_sum(const fd_group *g, const fd_progress *p, const target *t)
{
    if (g->kind == FD_DOUBLE)
        put_double(t, p->dsum);
    else if (p->sum >= INT64_MIN && p->sum <= INT64_MAX)
        put_int(t, (int64_t)p->sum);
}

static void write_number(const fd_read *r, const fd_group *g, const fd_progress *p,
                         fd_feature_op op, const target *t)
{
    double sd;
    if (op == FD_OP_SUM)
        return write_sum(g, p, t);
    if (p->n == 0)
        return;
    switch (op) {
    case FD_OP_AVG:
        return put_double(t, average(g, p));
    case FD_OP_MIN:
        return put_word(r, t, p->low);
    case FD_OP_MAX:
        return put_word(r, t, p->high);
    case FD_OP_STDDEV:
        if (deviation(r, g, p, &sd))
            put_double(t, sd);
        return;
    case FD_OP_ZSCORE:
        if (p->n >= 2 && p->current && deviation(r, g, p, &sd) && sd > 0)
            put_double(t, (number(g->kind, r->event[g->value]) - average(g, p)) / sd);
        return;
    default:
        FD_UNREACHABLE();
    }
}

/* ---- percentile ---- */

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t c = *a;
    *a = *b;
    *b = c;
}

/* The value at place k of n in ascending order; v is moved around. */
static uint64_t select_kth(uint64_t *v, size_t n, size_t k)
{
    while (n > 1) {
        uint64_t pivot = v[n / 2];
        size_t below = 0;
        size_t i = 0;
        for (size_t end = n; i < end;) {
            if (v[i] < pivot)
                swap(&v[below++], &v[i++]);
            else if (v[i] > pivot)
                swap(&v[i], &v[--end]);
            else
                i++;
        }
        if (k >= below && k < i)
            return pivot;
        if (k < below) {
            n = below;
        } else {
            v += i;
            k -= i;
            n -= i;
        }
    }
    return v[0];
}

/* A word in the order of the numbers, as a number. */
static void put_ordered(const fd_group *g, const target *t, uint64_t word)
{
    const uint64_t sign = (uint64_t)1 << 63;
    if (g->kind == FD_DOUBLE)
        put_double(t, as_double(word & sign ? word ^ sign : ~word));
    else
        put_double(t, (double)(int64_t)(word ^ sign));
}

static void write_percentile(const fd_read *r, const fd_group *g, const fd_progress *p, double at,
                             const target *t)
{
    size_t n = p->n_values;
    if (p->merged)
        return put_ordered(g, t, p->low);
    if (n == 0)
        return;
    double rank = ceil(at * (double)n / 100.0);
    size_t k = rank < 1 ? 0 : rank > (double)n ? n - 1 : (size_t)rank - 1;
    uint64_t *v = fd_values_reserve(&r->w->sorted, n);
    memcpy(v, r->w->values.v, n * sizeof *v);
    put_ordered(g, t, select_kth(v, n, k));
}

/* ---- travel ---- */

static double great_circle_km(double lat1, double lon1, double lat2, double lon2)
{
    double a = sin(RADIANS(lat2 - lat1) / 2);
    double b = sin(RADIANS(lon2 - lon1) / 2);
    double h = a * a + cos(RADIANS(lat1)) * cos(RADIANS(lat2)) * b * b;
    return 2 * EARTH_KM * asin(sqrt(h > 1 ? 1 : h));
}

static void write_speed(const fd_read *r, const fd_group *g, const fd_progress *p, const target *t)
{
    if (!p->current || p->record == NULL)
        return;
    double km = great_circle_km(
        number(g->kind, p->record[g->value]), number(g->kind2, p->record[g->value2]),
        number(g->kind, r->event[g->value]), number(g->kind2, r->event[g->value2]));
    if (!(km >= MIN_KM)) {
        put_double(t, 0);
        return;
    }
    int64_t us = r->time_us - fd_record_time(p->record);
    put_double(t, km / ((double)(us < 1 ? 1 : us) / US_PER_HOUR));
}

/* ---- all ---- */

static void write_since(const fd_read *r, const fd_progress *p, const target *t)
{
    if (p->record == NULL)
        return;
    /* What a pane knows may be younger than the event. */
    int64_t us = r->time_us - fd_record_time(p->record);
    put_int(t, us < 0 ? 0 : us);
}

void fd_group_write(const fd_read *r, const fd_group *g, fd_progress *p, uint16_t feature)
{
    const fd_window_feature *f = &r->layout->features[feature];
    target t = {&r->out->root.children[feature], r->row, r->out->arena};
    switch (g->class) {
    case FD_GROUP_COUNT:
    case FD_GROUP_CONSECUTIVE:
        return put_int(&t, (int64_t)p->n);
    case FD_GROUP_RATIO:
        if (p->n != 0)
            put_double(&t, (double)p->hits / (double)p->n);
        return;
    case FD_GROUP_NUMBERS:
        return write_number(r, g, p, f->op, &t);
    case FD_GROUP_DISTINCT:
        return put_int(&t, (int64_t)(p->n_values + p->odd));
    case FD_GROUP_LAST:
    case FD_GROUP_FIRST:
        if (p->record != NULL)
            put_word(r, &t, p->record[g->value]);
        return;
    case FD_GROUP_SINCE_LAST:
    case FD_GROUP_SINCE_FIRST:
        return write_since(r, p, &t);
    case FD_GROUP_IS_NEW:
        if (p->current)
            put_bool(&t, p->record == NULL);
        return;
    case FD_GROUP_PERCENTILE:
        return write_percentile(r, g, p, f->p, &t);
    case FD_GROUP_TRAVEL:
        return write_speed(r, g, p, &t);
    }
    FD_UNREACHABLE();
}
