/* Rules against their own past; see figures.h. */
#include "telemetry/figures.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"

static const double LIMIT_Z = 5, FACTOR = 4, CALM = 2, SLOWER = 10;

typedef struct past {
    char *id;
    fd_rule_mode mode;
    double evaluations, hits; /* of the baseline, weighted */
    double window, window_hits;
    fd_anomaly anomaly;
    double rate, expected; /* when it was found */
} past;

struct fd_figures {
    pthread_mutex_t lock;
    past *rules;
    uint32_t n;
};

static const char *const names[] = {
#define X(id, text) text,
    FD_ANOMALIES(X)
#undef X
};

const char *fd_anomaly_name(fd_anomaly a)
{
    FD_ASSERT(a < FD_N_ANOMALIES);
    return names[a];
}

fd_figures *fd_figures_new(void)
{
    fd_figures *f = calloc(1, sizeof *f);
    FD_ALLOCATED(f);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

static void free_rules(past *rules, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(rules[i].id);
    free(rules);
}

void fd_figures_free(fd_figures *f)
{
    if (f == NULL)
        return;
    free_rules(f->rules, f->n);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const past *)a)->id, ((const past *)b)->id);
}

void fd_figures_set_rules(fd_figures *f, const fd_rule_label *rules, uint32_t n)
{
    past *fresh = calloc(n + 1U, sizeof *fresh);
    FD_ALLOCATED(fresh);
    pthread_mutex_lock(&f->lock);
    if (f->n > 1)
        qsort(f->rules, f->n, sizeof *f->rules, by_id);
    for (uint32_t i = 0; i < n; i++) {
        char *id = strndup(rules[i].id.p, rules[i].id.n);
        FD_ALLOCATED(id);
        past key = {.id = id};
        past *old = f->n == 0 ? NULL : bsearch(&key, f->rules, f->n, sizeof *f->rules, by_id);
        if (old != NULL)
            fresh[i] = *old;
        fresh[i].id = id;
        fresh[i].mode = rules[i].mode;
    }
    free_rules(f->rules, f->n);
    f->rules = fresh;
    f->n = n;
    pthread_mutex_unlock(&f->lock);
}

/* ---- the test ---- */

/* Hits per evaluation that the past expects: half a hit more than it had, so that a rule that never
 * fired has a rate too (the mean under Jeffreys' prior). */
static double expected_rate(const past *p)
{
    return (p->hits + 0.5) / (p->evaluations + 1);
}

static double z_of(const past *p, double e)
{
    return 2 * (sqrt(p->window_hits + 0.375) - sqrt(e + 0.375)) / sqrt(1 + e / (p->hits + 0.5));
}

static bool is_whole(const past *p)
{
    double e = expected_rate(p) * p->window;
    return p->window >= FD_FIGURES_WINDOW_MAX ||
           (p->window >= FD_FIGURES_WINDOW_MIN &&
            (e >= FD_FIGURES_WINDOW || p->evaluations < FD_FIGURES_LEARN));
}

static fd_anomaly judge(const past *p, bool whole)
{
    if (p->evaluations < FD_FIGURES_LEARN)
        return FD_ANOMALY_NONE;
    double e = expected_rate(p) * p->window, z = z_of(p, e), k = p->window_hits;
    if (whole && z <= -LIMIT_Z && k * FACTOR < e)
        return FD_ANOMALY_SILENT;
    if (k >= FD_FIGURES_LEAST && z >= LIMIT_Z && k > e * FACTOR)
        return FD_ANOMALY_EXPLODED;
    return FD_ANOMALY_NONE;
}

/* Calm: near what was, or too little of it to tell. */
static bool is_calm(const past *p)
{
    double e = expected_rate(p) * p->window, k = p->window_hits;
    return (k <= e * CALM && k * CALM >= e) || fabs(z_of(p, e)) < CALM;
}

/* The window becomes part of the past. */
static void learn(past *p)
{
    double pace = p->anomaly == FD_ANOMALY_NONE ? 1 : SLOWER;
    double keep = exp(-p->window / (FD_FIGURES_MEMORY * pace));
    p->evaluations = p->evaluations * keep + p->window / pace;
    p->hits = p->hits * keep + p->window_hits / pace;
    p->window = 0;
    p->window_hits = 0;
}

bool fd_figures_count(fd_figures *f, uint32_t rule, uint64_t evaluations, uint64_t hits,
                      fd_figures_change *change)
{
    pthread_mutex_lock(&f->lock);
    FD_ASSERT(rule < f->n);
    past *p = &f->rules[rule];
    p->window += (double)evaluations;
    p->window_hits += (double)hits;
    bool whole = is_whole(p);
    fd_anomaly before = p->anomaly, now = judge(p, whole);
    /* The opposite needs no calm between. */
    if (now != FD_ANOMALY_NONE || (whole && is_calm(p)))
        p->anomaly = now;
    bool changed = p->anomaly != before;
    if (changed) {
        p->rate = p->window == 0 ? 0 : p->window_hits / p->window;
        p->expected = expected_rate(p);
        *change = (fd_figures_change){
            .before = before, .now = p->anomaly, .rate = p->rate, .expected = p->expected};
    }
    if (whole)
        learn(p);
    pthread_mutex_unlock(&f->lock);
    return changed;
}

fd_anomaly fd_figures_anomaly(fd_figures *f, uint32_t rule)
{
    pthread_mutex_lock(&f->lock);
    FD_ASSERT(rule < f->n);
    fd_anomaly a = f->rules[rule].anomaly;
    pthread_mutex_unlock(&f->lock);
    return a;
}

void fd_figures_json(fd_figures *f, uint32_t max, fd_strbuf *out)
{
    uint32_t shown = 0;
    fd_strbuf_putc(out, '[');
    pthread_mutex_lock(&f->lock);
    for (uint32_t i = 0; i < f->n && shown < max; i++) {
        const past *p = &f->rules[i];
        if (p->anomaly == FD_ANOMALY_NONE || p->mode == FD_MODE_OFF)
            continue;
        fd_strbuf_puts(out, shown++ == 0 ? "{\"rule\": " : ", {\"rule\": ");
        fd_strbuf_json(out, fd_str_from(p->id));
        fd_strbuf_printf(out, ", \"kind\": \"%s\", \"hit_rate\": %.6g, \"expected\": %.6g}",
                         names[p->anomaly], p->rate, p->expected);
    }
    pthread_mutex_unlock(&f->lock);
    fd_strbuf_putc(out, ']');
}
