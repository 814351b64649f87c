/*
 * The reference's panes: events beyond the newest N of a key and partition, put together by the
 * start of the pane that they fall into whenever a window is computed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_int.h"

enum { SET = 64, SAMPLE = 32, PER_WINDOW = 64, PER_LEVEL = 1024 };

/* What a window sees of one pane: events that count, as they came in. */
typedef struct pane {
    int64_t start;
    int32_t partition;
    int64_t oldest, youngest; /* of all events in it */
    const folded **events;
    uint32_t n;
} pane;

typedef struct panes {
    pane *all; /* youngest first */
    uint32_t n;
} panes;

static bool keeps_all(const world *w, uint32_t key)
{
    for (uint32_t i = 0; i < w->layout.n_features; i++)
        if (w->features[i].key == key && w->features[i].exact)
            return true;
    return false;
}

static bool older(const folded *a, const folded *b)
{
    return a->event.e.time_us < b->event.e.time_us ||
           (a->event.e.time_us == b->event.e.time_us && a < b);
}

void overflow(model *m, uint32_t key)
{
    const folded *last = &m->events[m->n - 1];
    if (keeps_all(m->w, key))
        return;
    folded *oldest = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        folded *f = &m->events[i];
        if (f->event.e.tp.partition != last->event.e.tp.partition || f->paned[key] != 0 ||
            !same_key(&f->event.said[key], &last->event.said[key]) || masked(m, key, &f->event))
            continue;
        n++;
        if (oldest == NULL || older(f, oldest))
            oldest = f;
    }
    if (n > m->limit)
        oldest->paned[key] = ++m->pane_clock;
}

/* ---- the panes of a window ---- */

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static void level_of(const model *m, const fd_window_feature *f, int64_t *pane_us, int64_t *horizon)
{
    int64_t reach = 0;
    for (uint32_t i = 0; i < m->w->layout.n_features; i++) {
        const fd_window_feature *o = &m->w->features[i];
        if (o->key == f->key && o->window_us == f->window_us && o->window_us + o->delay_us > reach)
            reach = o->window_us + o->delay_us;
    }
    *horizon = reach + m->w->lateness_us + m->w->skew_us;
    *pane_us = divide_up(f->window_us, PER_WINDOW);
    if (divide_up(*horizon, PER_LEVEL) > *pane_us)
        *pane_us = divide_up(*horizon, PER_LEVEL);
}

static pane *pane_at(panes *p, int64_t start, int32_t partition, uint32_t cap)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->all[i].start == start && p->all[i].partition == partition)
            return &p->all[i];
    pane *fresh = &p->all[p->n++];
    *fresh = (pane){.start = start,
                    .partition = partition,
                    .oldest = INT64_MAX,
                    .youngest = INT64_MIN,
                    .events = calloc(cap, sizeof *fresh->events)};
    return fresh;
}

static int youngest_pane_first(const void *va, const void *vb)
{
    const pane *a = va;
    const pane *b = vb;
    if (a->start != b->start)
        return a->start > b->start ? -1 : 1;
    return a->partition > b->partition ? -1 : 1;
}

static int as_they_came(const void *va, const void *vb)
{
    const folded *const *a = va;
    const folded *const *b = vb;
    return (*a)->paned[0] > (*b)->paned[0] ? 1 : -1;
}

static int as_they_came_1(const void *va, const void *vb)
{
    const folded *const *a = va;
    const folded *const *b = vb;
    return (*a)->paned[1] > (*b)->paned[1] ? 1 : -1;
}

static int as_they_came_2(const void *va, const void *vb)
{
    const folded *const *a = va;
    const folded *const *b = vb;
    return (*a)->paned[2] > (*b)->paned[2] ? 1 : -1;
}

static panes panes_of(const model *m, const window *x)
{
    int (*const order[])(const void *, const void *) = {as_they_came, as_they_came_1,
                                                        as_they_came_2};
    uint32_t key = x->f->key;
    int64_t pane_us, horizon;
    level_of(m, x->f, &pane_us, &horizon);
    panes p = {.all = calloc(m->n + 1, sizeof *p.all)};
    for (uint32_t i = 0; i < m->n; i++) {
        const folded *f = &m->events[i];
        const world_said *s = &f->event.said[key];
        int32_t partition = f->event.e.tp.partition;
        if (f->paned[key] == 0 || !same_key(s, x->own))
            continue;
        int64_t start = floor_to(f->event.e.time_us, pane_us);
        int64_t merge = m->merge[partition];
        if (start < floor_to(merge - m->w->lateness_us - horizon, pane_us))
            continue;
        pane *at = pane_at(&p, start, partition, m->n);
        at->oldest = f->event.e.time_us < at->oldest ? f->event.e.time_us : at->oldest;
        at->youngest = f->event.e.time_us > at->youngest ? f->event.e.time_us : at->youngest;
        if (counts(x, s))
            at->events[at->n++] = f;
    }
    int64_t to = x->event->e.time_us - x->f->delay_us;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p.n; i++) {
        pane *at = &p.all[i];
        if (at->youngest > to - x->f->window_us && at->oldest <= to && at->n != 0) {
            qsort(at->events, at->n, sizeof *at->events, order[key]);
            p.all[kept++] = *at;
        } else {
            free(at->events);
        }
    }
    p.n = kept;
    qsort(p.all, p.n, sizeof *p.all, youngest_pane_first);
    return p;
}

/* ---- ops ---- */

static const world_value *value_in(const window *x, const folded *f)
{
    return &f->event.said[x->f->key].values[x->f->value];
}

/* More kinds of values than a pane keeps apart. */
static bool too_many(const window *x, const panes *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const pane *at = &p->all[i];
        uint32_t n = 0;
        for (uint32_t a = 0; a < at->n; a++) {
            bool first = true;
            for (uint32_t b = 0; b < a; b++)
                first &= !same_value(x, value_in(x, at->events[a]), value_in(x, at->events[b]));
            n += first;
        }
        if (n > SET)
            return true;
    }
    return false;
}

/* The record that stands at the edge of what is seen: rows[0] from now on. */
static bool edge(window *x, const panes *p, bool first)
{
    bool used = false;
    seen best = {0};
    if (x->n != 0)
        best = x->rows[first ? x->n - 1 : 0];
    for (uint32_t i = 0; i < p->n; i++) {
        const folded *own = NULL;
        for (uint32_t e = 0; e < p->all[i].n; e++) {
            const folded *f = p->all[i].events[e];
            if (own == NULL || (first ? f->event.e.time_us < own->event.e.time_us
                                      : f->event.e.time_us >= own->event.e.time_us))
                own = f;
        }
        if (best.e == NULL || (first ? own->event.e.time_us < best.e->e.time_us
                                     : own->event.e.time_us > best.e->e.time_us)) {
            best = (seen){&own->event, &own->event.said[x->f->key], 0};
            used = true;
        }
    }
    if (best.e != NULL) {
        x->rows[0] = best;
        x->n = 1;
    }
    return used;
}

static bool row(const window *x, const panes *p, model_result *out)
{
    uint32_t n = 0;
    while (n < x->n && (x->rows[n].s->bits >> x->f->of & 1))
        n++;
    bool broken = n < x->n;
    bool used = !broken && p->n != 0;
    for (uint32_t i = 0; i < p->n && !broken; i++) {
        uint32_t run = 0;
        for (uint32_t e = 0; e < p->all[i].n; e++)
            run = p->all[i].events[e]->event.said[x->f->key].bits >> x->f->of & 1 ? run + 1 : 0;
        n += run;
        broken = run < p->all[i].n;
    }
    say_int(out, n);
    return used;
}

static void add_all(window *x, const panes *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t e = 0; e < p->all[i].n; e++) {
            const folded *f = p->all[i].events[e];
            x->rows[x->n++] = (seen){&f->event, &f->event.said[x->f->key], 0};
        }
}

static void real_sum(const window *x, uint32_t exact, const panes *p, model_result *out)
{
    double sum = 0;
    for (uint32_t i = 0; i < exact; i++)
        sum += real(x->rows[i].s->values[x->f->value].word);
    for (uint32_t i = 0; i < p->n; i++) {
        double own = 0;
        for (uint32_t e = 0; e < p->all[i].n; e++)
            own += real(value_in(x, p->all[i].events[e])->word);
        sum += own;
    }
    say_real(out, x->f->op == FD_OP_AVG ? sum / x->n : sum);
}

static void with_panes(window *x, const panes *p, model_result *out)
{
    fd_feature_op op = x->f->op;
    uint32_t exact = x->n;
    out->used = true;
    switch (op) {
    case FD_OP_LAST:
    case FD_OP_TIME_SINCE_LAST:
    case FD_OP_TRAVEL_SPEED:
    case FD_OP_FIRST:
    case FD_OP_TIME_SINCE_FIRST:
        out->used = edge(x, p, op == FD_OP_FIRST || op == FD_OP_TIME_SINCE_FIRST);
        return evaluate(x, out);
    case FD_OP_CONSECUTIVE:
        out->used = row(x, p, out);
        return;
    case FD_OP_IS_NEW: {
        model_result before = {0};
        evaluate(x, &before);
        out->used = before.valid && before.word == 1;
        out->fuzzy = too_many(x, p) ? 2 : 0;
        add_all(x, p);
        return evaluate(x, out);
    }
    default:
        break;
    }
    add_all(x, p);
    evaluate(x, out);
    if ((op == FD_OP_SUM || op == FD_OP_AVG) && of_double(x))
        real_sum(x, exact, p, out);
    if ((op == FD_OP_STDDEV || op == FD_OP_ZSCORE) && of_double(x))
        out->fuzzy = 1;
    if (op == FD_OP_DISTINCT && too_many(x, p))
        out->fuzzy = 2;
    for (uint32_t i = 0; i < p->n && op == FD_OP_PERCENTILE; i++)
        if (p->all[i].n > SAMPLE)
            out->fuzzy = 2;
}

void evaluate_all(const model *m, window *x, model_result *out)
{
    panes p = panes_of(m, x);
    if (p.n == 0)
        evaluate(x, out);
    else
        with_panes(x, &p, out);
    for (uint32_t i = 0; i < p.n; i++)
        free(p.all[i].events);
    free(p.all);
}
