/*
 * Families and series: look-up, recording. Rendering is in expose.c.
 *
 * A series, once made, stays where it is until the end: handles are recorded to without a lock. In
 * a full family the place of a retired one is given to the next that is asked for.
 * Classic histogram buckets are counted exactly, beside the log-linear ones for quantiles.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "telemetry/metrics_int.h"

static const int64_t second_bounds[] = {
    /* ns */
    50000,      100000,     250000,      500000,      1000000,     2500000,      5000000,
    10000000,   25000000,   50000000,    100000000,   250000000,   500000000,    1000000000,
    2500000000, 5000000000, 10000000000, 30000000000, 60000000000, 300000000000,
};
static const int64_t count_bounds[] = {1,   2,    4,    8,    16,   32,    64,    128,  256,
                                       512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
static const int64_t ratio_bounds[] = {
    50000,  100000, 150000, 200000, 250000, 300000, 350000, 400000, 450000, 500000,
    550000, 600000, 650000, 700000, 750000, 800000, 850000, 900000, 950000, 1000000,
};

_Static_assert(sizeof ratio_bounds / sizeof ratio_bounds[0] == FD_SCORE_BUCKETS, "buckets");
_Static_assert(sizeof second_bounds / sizeof second_bounds[0] <= FD_METRIC_BUCKETS, "buckets");
_Static_assert(sizeof count_bounds / sizeof count_bounds[0] <= FD_METRIC_BUCKETS, "buckets");

size_t fd_metric_bounds(fd_metric_unit unit, const int64_t **out)
{
    switch (unit) {
    case FD_UNIT_NS:
        *out = second_bounds;
        return sizeof second_bounds / sizeof second_bounds[0];
    case FD_UNIT_PPM:
        *out = ratio_bounds;
        return sizeof ratio_bounds / sizeof ratio_bounds[0];
    default:
        *out = count_bounds;
        return sizeof count_bounds / sizeof count_bounds[0];
    }
}

const fd_metric_row fd_metric_rows[FD_N_METRICS] = {
#define X(id, kind, name, labels, bound, unit, help) \
    {name, FD_METRIC_##kind, FD_LABELS_##labels, bound, FD_UNIT_##unit, help},
    FD_METRICS(X)
#undef X
};

#define TEXT(name, text) text,
static const char *const actions[] = {FD_ACTIONS(TEXT)};
static const char *const stages[] = {FD_STAGES(TEXT)};
static const char *const levels[] = {FD_LOG_LEVELS(TEXT)};
static const char *const reloads[] = {FD_RELOAD_RESULTS(TEXT)};
static const char *const flags[] = {
#define X(name) #name,
    FD_FLAGS(X)
#undef X
};
static const char *const poisons[] = {
#define X(name, stage, text) #name,
    FD_POISONS(X)
#undef X
};
static const char *const results[] = {"committed", "aborted", "recovered"};
static const char *const pauses[] = {"queue", "schema", "breaker"};

#define CLOSED(label, list)                            \
    {                                                  \
        1, {label}, list, sizeof list / sizeof list[0] \
    }

const fd_label_set fd_label_sets[FD_N_LABELS] = {
    [FD_LABELS_NONE] = {0, {NULL}, NULL, 1},
    [FD_LABELS_ACTION] = CLOSED("action", actions),
    [FD_LABELS_FLAG] = CLOSED("flag", flags),
    [FD_LABELS_POISON] = CLOSED("code", poisons),
    [FD_LABELS_STAGE] = CLOSED("stage", stages),
    [FD_LABELS_TXN] = CLOSED("result", results),
    [FD_LABELS_PAUSE] = CLOSED("reason", pauses),
    [FD_LABELS_LEVEL] = CLOSED("level", levels),
    [FD_LABELS_RELOAD] = CLOSED("result", reloads),
    [FD_LABELS_PARTITION] = {2, {"topic", "partition"}, NULL, 0},
    [FD_LABELS_RULE] = {2, {"rule", "mode"}, NULL, 0},
    [FD_LABELS_CHANGE] = {2, {"rule", "change"}, NULL, 0},
    [FD_LABELS_ANOMALY] = {2, {"rule", "kind"}, NULL, 0},
    [FD_LABELS_BUILD] = {1, {"version"}, NULL, 0},
    [FD_LABELS_RULESET] = {3, {"ruleset", "lists", "config"}, NULL, 0},
    [FD_LABELS_MODEL] = {2, {"model", "mode"}, NULL, 0},
    [FD_LABELS_MODEL_ID] = {1, {"model"}, NULL, 0},
    [FD_LABELS_MODEL_INPUT] = {2, {"model", "input"}, NULL, 0},
    [FD_LABELS_MODEL_VERSION] = {3, {"model", "version", "mode"}, NULL, 0},
};

static fd_metric *series_new(fd_family *f, const fd_metric_row *row)
{
    fd_metric *x = calloc(1, sizeof *x);
    FD_ALLOCATED(x);
    x->kind = row->kind;
    x->shown = true;
    if (row->kind == FD_METRIC_HISTOGRAM) {
        x->hist = calloc(1, sizeof *x->hist);
        FD_ALLOCATED(x->hist);
        x->n_bounds = (uint32_t)fd_metric_bounds(row->unit, &x->bounds);
    }
    f->series = realloc(f->series, (f->n + 1) * sizeof(fd_metric *));
    FD_ALLOCATED(f->series);
    f->series[f->n++] = x;
    return x;
}

fd_metrics *fd_metrics_new(void)
{
    fd_metrics *m = calloc(1, sizeof *m);
    FD_ALLOCATED(m);
    pthread_mutex_init(&m->lock, NULL);
    for (int id = 0; id < FD_N_METRICS; id++) {
        const fd_metric_row *row = &fd_metric_rows[id];
        const fd_label_set *set = &fd_label_sets[row->labels];
        for (uint32_t v = 0; v < set->n_values; v++)
            series_new(&m->families[id], row)->values[0] = set->values == NULL ? NULL
                                                                               : set->values[v];
        if (set->n_values != 0)
            continue;
        m->families[id].chains = calloc(FD_FAMILY_CHAINS, sizeof *m->families[id].chains);
        FD_ALLOCATED(m->families[id].chains);
    }
    return m;
}

static void series_free(fd_metric *x, const fd_label_set *set)
{
    for (uint32_t i = 0; i < set->n_labels && set->n_values == 0; i++)
        free(x->owned[i]);
    free(x->hist);
    free(x);
}

void fd_metrics_free(fd_metrics *m)
{
    if (m == NULL)
        return;
    for (int id = 0; id < FD_N_METRICS; id++) {
        fd_family *f = &m->families[id];
        for (uint32_t i = 0; i < f->n; i++)
            series_free(f->series[i], &fd_label_sets[fd_metric_rows[id].labels]);
        free(f->series);
        free(f->chains);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

fd_metric *fd_metrics_get(fd_metrics *m, fd_metric_id id)
{
    FD_ASSERT(id < FD_N_METRICS);
    FD_ASSERT(fd_metric_rows[id].labels == FD_LABELS_NONE);
    return m->families[id].series[0];
}

fd_metric *fd_metrics_at(fd_metrics *m, fd_metric_id id, uint32_t value)
{
    FD_ASSERT(id < FD_N_METRICS);
    FD_ASSERT(value < fd_label_sets[fd_metric_rows[id].labels].n_values);
    return m->families[id].series[value];
}

static bool same_values(const fd_metric *x, const char *const *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(x->values[i], values[i]) != 0)
            return false;
    }
    return true;
}

static uint32_t *chain_of(const fd_family *f, const char *const *values, uint32_t n)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < n; i++)
        h = fd_hash64(values[i], strlen(values[i]), h);
    return &f->chains[h % FD_FAMILY_CHAINS];
}

static fd_metric *find(const fd_family *f, const char *const *values, uint32_t n)
{
    for (uint32_t i = *chain_of(f, values, n); i != 0; i = f->series[i - 1]->next) {
        if (same_values(f->series[i - 1], values, n))
            return f->series[i - 1];
    }
    return NULL;
}

static void name_series(fd_family *f, uint32_t at, const char *const *values, uint32_t n)
{
    fd_metric *x = f->series[at];
    for (uint32_t i = 0; i < n; i++) {
        x->owned[i] = strdup(values[i]);
        FD_ALLOCATED(x->owned[i]);
        x->values[i] = x->owned[i];
    }
    uint32_t *chain = chain_of(f, values, n);
    x->next = *chain;
    *chain = at + 1;
}

static void unname_series(fd_family *f, uint32_t at, uint32_t n)
{
    fd_metric *x = f->series[at];
    uint32_t *link = chain_of(f, x->values, n);
    while (*link != at + 1)
        link = &f->series[*link - 1]->next;
    *link = x->next;
    for (uint32_t i = 0; i < n; i++)
        free(x->owned[i]);
}

/* Nobody records to it. */
static void clear(fd_metric *x)
{
    atomic_store_explicit(&x->value, 0, memory_order_relaxed);
    for (uint32_t b = 0; b <= FD_METRIC_BUCKETS; b++)
        atomic_store_explicit(&x->bucket[b], 0, memory_order_relaxed);
    if (x->hist == NULL)
        return;
    atomic_store_explicit(&x->hist->sum, 0, memory_order_relaxed);
    for (uint32_t b = 0; b < FD_HIST_BUCKETS; b++)
        atomic_store_explicit(&x->hist->count[b], 0, memory_order_relaxed);
}

/* The place of a retired series, from 0; `bound`: none is. That of "other" is beyond it. */
static uint32_t find_retired(fd_family *f, uint32_t bound)
{
    for (uint32_t tries = 0; tries < bound; tries++) {
        uint32_t at = f->retired++ % bound;
        if (!atomic_load_explicit(&f->series[at]->shown, memory_order_relaxed))
            return at;
    }
    return bound;
}

static fd_metric *open_series(fd_family *f, const fd_metric_row *row, uint32_t n,
                              const char *const *values)
{
    static const char *const others[FD_METRIC_MAX_LABELS] = {"other", "other", "other"};
    if (f->n < row->bound) {
        fd_metric *x = series_new(f, row);
        name_series(f, f->n - 1, values, n);
        return x;
    }
    uint32_t at = find_retired(f, row->bound);
    if (at < row->bound) {
        unname_series(f, at, n);
        name_series(f, at, values, n);
        clear(f->series[at]);
        return f->series[at];
    }
    fd_metric *x = find(f, others, n);
    if (x == NULL) {
        x = series_new(f, row);
        name_series(f, f->n - 1, others, n);
    }
    return x;
}

fd_metric *fd_metrics_series(fd_metrics *m, fd_metric_id id, const char *const *values)
{
    FD_ASSERT(id < FD_N_METRICS);
    const fd_metric_row *row = &fd_metric_rows[id];
    const fd_label_set *set = &fd_label_sets[row->labels];
    FD_ASSERT(set->n_values == 0);
    fd_family *f = &m->families[id];
    pthread_mutex_lock(&m->lock);
    fd_metric *x = find(f, values, set->n_labels);
    if (x == NULL)
        x = open_series(f, row, set->n_labels, values);
    atomic_store_explicit(&x->shown, true, memory_order_relaxed);
    pthread_mutex_unlock(&m->lock);
    return x;
}

bool fd_metrics_read(fd_metrics *m, fd_metric_id id, const char *const *values, int64_t *out)
{
    FD_ASSERT(id < FD_N_METRICS);
    const fd_label_set *set = &fd_label_sets[fd_metric_rows[id].labels];
    FD_ASSERT(set->n_values == 0);
    pthread_mutex_lock(&m->lock);
    const fd_metric *x = find(&m->families[id], values, set->n_labels);
    bool shown = x != NULL && atomic_load_explicit(&x->shown, memory_order_relaxed);
    if (shown)
        *out = fd_metric_value(x);
    pthread_mutex_unlock(&m->lock);
    return shown;
}

void fd_metric_add(fd_metric *x, uint64_t n)
{
    FD_ASSERT(x->kind == FD_METRIC_COUNTER);
    atomic_fetch_add_explicit(&x->value, (int64_t)n, memory_order_relaxed);
}

void fd_metric_set(fd_metric *x, int64_t value)
{
    FD_ASSERT(x->kind != FD_METRIC_HISTOGRAM);
    atomic_store_explicit(&x->value, value, memory_order_relaxed);
}

void fd_metric_observe(fd_metric *x, int64_t value, uint64_t n)
{
    FD_ASSERT(x->kind == FD_METRIC_HISTOGRAM);
    uint32_t b = 0;
    while (b < x->n_bounds && value > x->bounds[b])
        b++;
    atomic_fetch_add_explicit(&x->bucket[b], n, memory_order_relaxed);
    fd_hist_record(x->hist, value, n);
}

void fd_metric_merge(fd_metric *x, const uint64_t *more, uint32_t n, int64_t sum)
{
    FD_ASSERT(x->kind == FD_METRIC_HISTOGRAM && n == x->n_bounds + 1);
    for (uint32_t b = 0; b < n; b++)
        atomic_fetch_add_explicit(&x->bucket[b], more[b], memory_order_relaxed);
    atomic_fetch_add_explicit(&x->hist->sum, (uint64_t)sum, memory_order_relaxed);
}

void fd_metric_retire(fd_metric *x)
{
    atomic_store_explicit(&x->shown, false, memory_order_relaxed);
}

void fd_metrics_retire_all(fd_metrics *m, fd_metric_id id)
{
    FD_ASSERT(id < FD_N_METRICS);
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->families[id].n; i++)
        fd_metric_retire(m->families[id].series[i]);
    pthread_mutex_unlock(&m->lock);
}

int64_t fd_metric_value(const fd_metric *x)
{
    return atomic_load_explicit(&x->value, memory_order_relaxed);
}

const fd_hist *fd_metric_hist(const fd_metric *x)
{
    FD_ASSERT(x->kind == FD_METRIC_HISTOGRAM);
    return x->hist;
}

int64_t fd_metrics_sum(fd_metrics *m, fd_metric_id id)
{
    FD_ASSERT(id < FD_N_METRICS);
    int64_t sum = 0;
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->families[id].n; i++) {
        const fd_metric *x = m->families[id].series[i];
        if (atomic_load_explicit(&x->shown, memory_order_relaxed))
            sum += fd_metric_value(x);
    }
    pthread_mutex_unlock(&m->lock);
    return sum;
}
