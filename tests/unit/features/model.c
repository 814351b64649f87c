/* The obvious reference; see model.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "model_int.h"

typedef __int128 i128;

model *model_new(const world *w, uint32_t n)
{
    model *m = calloc(1, sizeof *m);
    m->w = w;
    m->limit = n;
    for (int p = 0; p < WORLD_PARTITIONS; p++)
        m->merge[p] = INT64_MIN;
    return m;
}

void model_free(model *m)
{
    free(m->events);
    free(m);
}

int64_t floor_to(int64_t t, int64_t step)
{
    return t - ((t % step) + step) % step;
}

static int64_t pane_of(const world *w, uint32_t key)
{
    int64_t pane = 1;
    for (uint32_t i = 0; i < w->layout.n_features; i++) {
        int64_t own = (w->features[i].window_us + 63) / 64;
        if (w->features[i].key == key && own > pane)
            pane = own;
    }
    return pane;
}

bool masked(const model *m, uint32_t key, const world_event *e)
{
    const world *w = m->w;
    int64_t merge = m->merge[e->e.tp.partition];
    if (merge == INT64_MIN)
        return false;
    int64_t horizon = w->layout.reach_us + w->lateness_us + w->skew_us;
    return e->e.time_us < floor_to(merge - w->lateness_us - horizon, pane_of(w, key));
}

static bool is_text(const fd_window_track *t)
{
    return !t->hashed && (t->kind == FD_STRING || t->kind == FD_BYTES);
}

bool has(const window *x, const world_said *s, uint16_t track)
{
    const world_value *v = &s->values[track];
    const fd_window_track *t = &x->w->keys[x->f->key].tracks[track];
    double d;
    memcpy(&d, &v->word, sizeof d);
    return v->valid && (t->hashed || t->kind != FD_DOUBLE || !isnan(d));
}

bool counts(const window *x, const world_said *s)
{
    const fd_window_feature *f = x->f;
    return (f->where == FD_WINDOW_NONE || (s->bits >> f->where & 1)) &&
           (f->value == FD_WINDOW_NONE || has(x, s, f->value)) &&
           (f->value2 == FD_WINDOW_NONE || has(x, s, f->value2));
}

static bool excludes_current(fd_feature_op op)
{
    return op == FD_OP_LAST || op == FD_OP_FIRST || op == FD_OP_TIME_SINCE_LAST ||
           op == FD_OP_TIME_SINCE_FIRST || op == FD_OP_IS_NEW || op == FD_OP_ZSCORE ||
           op == FD_OP_TRAVEL_SPEED;
}

static int youngest_first(const void *va, const void *vb)
{
    const seen *a = va;
    const seen *b = vb;
    if (a->e->e.time_us != b->e->e.time_us)
        return a->e->e.time_us > b->e->e.time_us ? -1 : 1;
    if (a->e->e.tp.partition != b->e->e.tp.partition)
        return a->e->e.tp.partition > b->e->e.tp.partition ? -1 : 1;
    return a->arrival > b->arrival ? -1 : 1;
}

bool same_key(const world_said *a, const world_said *b)
{
    return !a->null && a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0;
}

static void gather(const model *m, window *x)
{
    const fd_window_feature *f = x->f;
    int64_t to = x->event->e.time_us - f->delay_us;
    int64_t from = to - f->window_us;
    x->n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const world_event *e = &m->events[i].event;
        const world_said *s = &e->said[f->key];
        if (m->events[i].paned[f->key] == 0 && same_key(s, x->own) && e->e.time_us > from &&
            e->e.time_us <= to && !masked(m, f->key, e) && counts(x, s))
            x->rows[x->n++] = (seen){e, s, i};
    }
    if (f->include_current && f->delay_us == 0 && !excludes_current(f->op) && counts(x, x->own))
        x->rows[x->n++] = (seen){x->event, x->own, UINT64_MAX};
    qsort(x->rows, x->n, sizeof *x->rows, youngest_first);
}

/* ---- ops ---- */

double real(uint64_t word)
{
    double d;
    memcpy(&d, &word, sizeof d);
    return d;
}

static const world_value *value(const window *x, uint32_t i)
{
    return &x->rows[i].s->values[x->f->value];
}

bool of_double(const window *x)
{
    return x->w->keys[x->f->key].tracks[x->f->value].kind == FD_DOUBLE;
}

void say_real(model_result *out, double d)
{
    out->valid = true;
    memcpy(&out->word, &d, sizeof d);
}

void say_int(model_result *out, int64_t v)
{
    out->valid = true;
    out->word = (uint64_t)v;
}

static double mean(const window *x)
{
    double d = 0;
    i128 sum = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        d += real(value(x, i)->word);
        sum += (int64_t)value(x, i)->word;
    }
    return (of_double(x) ? d : (double)sum) / x->n;
}

static bool deviation(const window *x, double *out)
{
    if (of_double(x)) {
        double m = mean(x);
        double d = 0;
        for (uint32_t i = 0; i < x->n; i++)
            d += (real(value(x, i)->word) - m) * (real(value(x, i)->word) - m);
        *out = sqrt(d / x->n);
        return true;
    }
    unsigned __int128 squares = 0;
    i128 sum = 0;
    long double size = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        int64_t v = (int64_t)value(x, i)->word;
        size += (long double)v * v;
        squares += (unsigned __int128)((i128)v * v);
        sum += v;
    }
    if (size * x->n >= 0x1p128L) /* what does not fit is absent */
        return false;
    unsigned __int128 s = (unsigned __int128)(sum < 0 ? -sum : sum);
    *out = sqrt((double)(squares * x->n - s * s)) / x->n;
    return true;
}

static void numbers(const window *x, model_result *out)
{
    i128 sum = 0;
    double dsum = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        sum += (int64_t)value(x, i)->word;
        dsum += real(value(x, i)->word);
    }
    if (x->f->op == FD_OP_SUM) {
        if (of_double(x))
            say_real(out, dsum);
        else if (sum == (int64_t)sum)
            say_int(out, (int64_t)sum);
        return;
    }
    if (x->n == 0)
        return;
    double sd;
    if (x->f->op == FD_OP_AVG)
        say_real(out, mean(x));
    else if (x->f->op == FD_OP_STDDEV && deviation(x, &sd))
        say_real(out, sd);
    else if (x->f->op == FD_OP_ZSCORE && x->n >= 2 && has(x, x->own, x->f->value) &&
             deviation(x, &sd) && sd > 0) {
        uint64_t own = x->own->values[x->f->value].word;
        say_real(out, ((of_double(x) ? real(own) : (double)(int64_t)own) - mean(x)) / sd);
    }
}

static int compare_numbers(const window *x, uint64_t a, uint64_t b)
{
    if (of_double(x))
        return (real(a) > real(b)) - (real(a) < real(b));
    return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
}

static void extreme(const window *x, model_result *out)
{
    int sign = x->f->op == FD_OP_MIN ? 1 : -1;
    for (uint32_t i = 0; i < x->n; i++)
        if (!out->valid || sign * compare_numbers(x, value(x, i)->word, out->word) < 0)
            say_int(out, (int64_t)value(x, i)->word);
}

static void percentile(const window *x, model_result *out)
{
    if (x->n == 0)
        return;
    uint32_t rank = (uint32_t)ceil(x->f->p * x->n / 100);
    rank = rank < 1 ? 1 : rank;
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t below = 0;
        uint32_t same = 0;
        for (uint32_t j = 0; j < x->n; j++) {
            int c = compare_numbers(x, value(x, j)->word, value(x, i)->word);
            below += c < 0;
            same += c == 0;
        }
        uint64_t v = value(x, i)->word;
        if (below < rank && rank <= below + same) {
            say_real(out, of_double(x) ? real(v) : (double)(int64_t)v);
            return;
        }
    }
    fail();
}

bool same_value(const window *x, const world_value *a, const world_value *b)
{
    if (is_text(&x->w->keys[x->f->key].tracks[x->f->value])) {
        uint32_t n = a->n > FD_WINDOW_MAX_TEXT_BYTES ? FD_WINDOW_MAX_TEXT_BYTES : a->n;
        uint32_t m = b->n > FD_WINDOW_MAX_TEXT_BYTES ? FD_WINDOW_MAX_TEXT_BYTES : b->n;
        return n == m && memcmp(a->text, b->text, n) == 0;
    }
    return a->word == b->word;
}

static int64_t distinct(const window *x)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        bool first = true;
        for (uint32_t j = 0; j < i; j++)
            first &= !same_value(x, value(x, i), value(x, j));
        n += first;
    }
    return n;
}

static void is_new(const window *x, model_result *out)
{
    if (!has(x, x->own, x->f->value))
        return;
    bool fresh = true;
    for (uint32_t i = 0; i < x->n; i++)
        fresh &= !same_value(x, value(x, i), &x->own->values[x->f->value]);
    say_int(out, fresh);
}

static void one_value(const window *x, uint32_t i, model_result *out)
{
    if (x->n == 0)
        return;
    const world_value *v = value(x, i);
    out->valid = true;
    out->word = v->word;
    if (is_text(&x->w->keys[x->f->key].tracks[x->f->value])) {
        out->n = v->n > FD_WINDOW_MAX_TEXT_BYTES ? FD_WINDOW_MAX_TEXT_BYTES : v->n;
        memcpy(out->text, v->text, out->n);
    }
}

static double degree(const window *x, const world_said *s, uint16_t track)
{
    uint64_t word = s->values[track].word;
    double d = x->w->keys[x->f->key].tracks[track].kind == FD_DOUBLE ? real(word)
                                                                     : (double)(int64_t)word;
    return d;
}

static void travel(const window *x, model_result *out)
{
    if (x->n == 0 || !has(x, x->own, x->f->value) || !has(x, x->own, x->f->value2))
        return;
    const double rad = 3.14159265358979323846 / 180.0;
    double lat1 = degree(x, x->rows[0].s, x->f->value);
    double lon1 = degree(x, x->rows[0].s, x->f->value2);
    double lat2 = degree(x, x->own, x->f->value);
    double lon2 = degree(x, x->own, x->f->value2);
    double a = sin((lat2 - lat1) * rad / 2);
    double b = sin((lon2 - lon1) * rad / 2);
    double h = a * a + cos(lat1 * rad) * cos(lat2 * rad) * b * b;
    double km = 2 * 6371.0088 * asin(sqrt(h > 1 ? 1 : h));
    int64_t us = x->event->e.time_us - x->rows[0].e->e.time_us;
    say_real(out, !(km >= 1) ? 0 : km / ((double)(us < 1 ? 1 : us) / 3600e6));
}

static void of_condition(const window *x, model_result *out)
{
    uint32_t hits = 0;
    uint32_t row = 0;
    bool on = true;
    for (uint32_t i = 0; i < x->n; i++) {
        bool match = x->rows[i].s->bits >> x->f->of & 1;
        hits += match;
        on &= match;
        row += on;
    }
    if (x->f->op == FD_OP_CONSECUTIVE)
        say_int(out, row);
    else if (x->n != 0)
        say_real(out, (double)hits / x->n);
}

static void since(const window *x, uint32_t i, model_result *out)
{
    if (x->n == 0)
        return;
    int64_t us = x->event->e.time_us - x->rows[i].e->e.time_us;
    say_int(out, us < 0 ? 0 : us);
}

void evaluate(const window *x, model_result *out)
{
    switch (x->f->op) {
    case FD_OP_COUNT:
        return say_int(out, x->n);
    case FD_OP_MIN:
    case FD_OP_MAX:
        return extreme(x, out);
    case FD_OP_DISTINCT:
        return say_int(out, distinct(x));
    case FD_OP_RATIO:
    case FD_OP_CONSECUTIVE:
        return of_condition(x, out);
    case FD_OP_LAST:
        return one_value(x, 0, out);
    case FD_OP_FIRST:
        return one_value(x, x->n - 1, out);
    case FD_OP_TIME_SINCE_LAST:
        return since(x, 0, out);
    case FD_OP_TIME_SINCE_FIRST:
        return since(x, x->n - 1, out);
    case FD_OP_IS_NEW:
        return is_new(x, out);
    case FD_OP_PERCENTILE:
        return percentile(x, out);
    case FD_OP_TRAVEL_SPEED:
        return travel(x, out);
    default:
        return numbers(x, out);
    }
}

/* A part of the key is null: as over no events. */
static void evaluate_null(const fd_window_feature *f, fd_kind kind, model_result *out)
{
    if (f->op == FD_OP_COUNT || f->op == FD_OP_DISTINCT || f->op == FD_OP_CONSECUTIVE)
        say_int(out, 0);
    if (f->op == FD_OP_SUM && kind == FD_DOUBLE)
        say_real(out, 0);
    if (f->op == FD_OP_SUM && kind != FD_DOUBLE)
        say_int(out, 0);
    if (f->op == FD_OP_IS_NEW)
        say_int(out, 1);
}

void model_fold(model *m, const world_event *e)
{
    int32_t p = e->e.tp.partition;
    if (e->e.merge_us > m->merge[p])
        m->merge[p] = e->e.merge_us;
    if (!e->e.folded)
        return;
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 256 : 2 * m->cap;
        m->events = realloc(m->events, m->cap * sizeof *m->events);
    }
    m->events[m->n++] = (folded){.event = *e};
    for (uint32_t k = 0; k < m->w->layout.n_keys; k++)
        if (!e->said[k].null)
            overflow(m, k);
}

void model_step(model *m, const world_event *e, model_result *out)
{
    int32_t p = e->e.tp.partition;
    if (e->e.merge_us > m->merge[p])
        m->merge[p] = e->e.merge_us;
    seen *rows = malloc((m->n + 1) * sizeof *rows);
    for (uint32_t i = 0; i < m->w->layout.n_features; i++) {
        const fd_window_feature *f = &m->w->features[i];
        window x = {.w = m->w, .f = f, .event = e, .own = &e->said[f->key], .rows = rows};
        out[i] = (model_result){0};
        if (x.own->null) {
            evaluate_null(f, m->w->types[i].kind, &out[i]);
            continue;
        }
        gather(m, &x);
        evaluate_all(m, &x, &out[i]);
    }
    free(rows);
    model_fold(m, e);
}

void model_drop(model *m, int32_t partition)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n; i++)
        if (m->events[i].event.e.tp.partition != partition)
            m->events[kept++] = m->events[i];
    m->n = kept;
    m->merge[partition] = INT64_MIN;
}

bool model_used(const world *w, const model_result *results)
{
    bool used = false;
    for (uint32_t i = 0; i < w->layout.n_features; i++)
        used |= results[i].used;
    return used;
}

/* ---- comparison ---- */

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-7 * (fabs(a) + fabs(b)) || (isnan(a) && isnan(b));
}

static bool equal(const fd_col *c, uint32_t row, const model_result *want)
{
    if (want->fuzzy == 2)
        return true;
    if (want->fuzzy == 1 && want->valid)
        return c->valid[row] && near(c->v.d[row], real(want->word));
    if ((c->valid[row] != 0) != want->valid)
        return false;
    if (!want->valid)
        return true;
    switch (c->type->kind) {
    case FD_BOOL:
        return c->v.b[row] == want->word;
    case FD_STRING:
    case FD_BYTES:
        return fd_str_eq(c->v.s[row], (fd_str){want->text, want->n});
    case FD_DOUBLE:
        return memcmp(&c->v.d[row], &want->word, 8) == 0 ||
               (isnan(c->v.d[row]) && isnan(real(want->word)));
    default:
        return (uint64_t)c->v.i[row] == want->word;
    }
}

void model_compare(const world *w, const fd_batch *b, uint32_t row, const model_result *want)
{
    assert_true(row < b->root.n);
    for (uint32_t i = 0; i < w->layout.n_features; i++) {
        const fd_col *c = &b->root.children[i];
        if (equal(c, row, &want[i]))
            continue;
        const fd_window_feature *f = &w->features[i];
        fail_msg("%.*s: feature %u op %d key %u track %d where %d window %lld delay %lld "
                 "current %d: row %u valid %d %lld (%g), want %d %lld (%g)",
                 FD_STR_ARG(w->layout.descriptor), i, f->op, f->key, (int16_t)f->value,
                 (int16_t)f->where, (long long)f->window_us, (long long)f->delay_us,
                 f->include_current, row, c->valid[row], (long long)c->v.i[row],
                 c->type->kind == FD_DOUBLE ? c->v.d[row] : 0.0, want[i].valid,
                 (long long)want[i].word, real(want[i].word));
    }
}
