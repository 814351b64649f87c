/* Model reports as metrics; see models.h. */
#include "telemetry/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { MODELS_MAX = 64 };

typedef struct model_series {
    bool open;
    fd_metric *scores, *psi, **missing;
    uint64_t scored, buckets[FD_SCORE_BUCKETS + 1], *missed; /* as last told */
    int64_t sum_ppm;
    uint32_t n_inputs;
} model_series;

struct fd_model_metrics {
    fd_metrics *metrics;
    model_series models[MODELS_MAX];
};

fd_model_metrics *fd_model_metrics_new(fd_metrics *m)
{
    fd_model_metrics *x = calloc(1, sizeof *x);
    FD_ALLOCATED(x);
    x->metrics = m;
    return x;
}

static void close_all(fd_model_metrics *x)
{
    for (uint32_t i = 0; i < MODELS_MAX; i++) {
        free(x->models[i].missing);
        free(x->models[i].missed);
        x->models[i] = (model_series){.open = false};
    }
}

void fd_model_metrics_free(fd_model_metrics *x)
{
    if (x == NULL)
        return;
    close_all(x);
    free(x);
}

void fd_model_metrics_restart(fd_model_metrics *x)
{
    static const fd_metric_id families[] = {FD_M_MODEL_SCORE, FD_M_MODEL_PSI, FD_M_MODEL_MISSING,
                                            FD_M_MODEL};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        fd_metrics_retire_all(x->metrics, families[i]);
    close_all(x);
}

static const char *text_of(fd_str s, char buf[160])
{
    snprintf(buf, 160, FD_STR_FMT, FD_STR_ARG(s));
    return buf;
}

static void open_series(fd_model_metrics *x, model_series *s, const fd_model_report *r)
{
    static const char *const modes[] = {"live", "shadow", "off"};
    char id[160], other[160];
    text_of(r->id, id);
    s->open = true;
    s->n_inputs = r->n_inputs;
    s->missing = calloc(r->n_inputs + 1U, sizeof(fd_metric *));
    s->missed = calloc(r->n_inputs + 1U, sizeof *s->missed);
    FD_ALLOCATED(s->missing);
    FD_ALLOCATED(s->missed);
    s->scores = fd_metrics_series(x->metrics, FD_M_MODEL_SCORE,
                                  (const char *[]){id, modes[r->mode]});
    for (uint32_t i = 0; i < r->n_inputs; i++)
        s->missing[i] = fd_metrics_series(x->metrics, FD_M_MODEL_MISSING,
                                          (const char *[]){id, text_of(r->inputs[i], other)});
    fd_metric_set(
        fd_metrics_series(x->metrics, FD_M_MODEL,
                          (const char *[]){id, text_of(r->version, other), modes[r->mode]}),
        1);
}

static void set_psi(fd_model_metrics *x, model_series *s, const fd_model_report *r)
{
    char id[160];
    if (isnan(r->psi))
        return;
    if (s->psi == NULL)
        s->psi = fd_metrics_series(x->metrics, FD_M_MODEL_PSI,
                                   (const char *[]){text_of(r->id, id)});
    fd_metric_set(s->psi, (int64_t)llround(r->psi * 1e6));
}

void fd_model_metrics_count(fd_model_metrics *x, uint32_t model, const fd_model_report *r)
{
    FD_ASSERT(model < MODELS_MAX);
    model_series *s = &x->models[model];
    if (!s->open)
        open_series(x, s, r);
    FD_ASSERT(s->n_inputs == r->n_inputs);
    if (r->scored == s->scored)
        return;
    uint64_t more[FD_SCORE_BUCKETS + 1];
    for (uint32_t b = 0; b <= FD_SCORE_BUCKETS; b++) {
        more[b] = r->buckets[b] - s->buckets[b];
        s->buckets[b] = r->buckets[b];
    }
    fd_metric_merge(s->scores, more, FD_SCORE_BUCKETS + 1, r->sum_ppm - s->sum_ppm);
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        if (r->missing[i] > s->missed[i])
            fd_metric_add(s->missing[i], r->missing[i] - s->missed[i]);
        s->missed[i] = r->missing[i];
    }
    s->scored = r->scored;
    s->sum_ppm = r->sum_ppm;
    set_psi(x, s, r);
}
