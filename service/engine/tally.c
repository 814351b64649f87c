/*
 * What models say, counted for whoever watches them: scores by twentieths, missing inputs, drift
 * against the self-test. Nothing of it bears on a decision. Engine thread.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

fd_model_tally *fd_tallies_new(const fd_models *models)
{
    fd_model_tally *tallies = fd_engine_array(fd_models_n(models), sizeof *tallies);
    for (uint32_t m = 0; m < fd_models_n(models); m++) {
        const fd_manifest *manifest = fd_models_at(models, m);
        tallies[m].missing = fd_engine_array(manifest->n_inputs, sizeof *tallies[m].missing);
        tallies[m].names = fd_engine_array(manifest->n_inputs, sizeof *tallies[m].names);
        for (uint32_t i = 0; i < manifest->n_inputs; i++)
            tallies[m].names[i] = manifest->inputs[i].name;
    }
    return tallies;
}

void fd_tallies_free(fd_model_tally *tallies, const fd_models *models)
{
    for (uint32_t m = 0; tallies != NULL && m < fd_models_n(models); m++) {
        free(tallies[m].missing);
        free(tallies[m].names);
    }
    free(tallies);
}

static uint32_t bucket_of(double score)
{
    double at = ceil(score * FD_SCORE_BUCKETS) - 1;
    return at < 0 ? 0 : at < FD_SCORE_BUCKETS ? (uint32_t)at : FD_SCORE_BUCKETS;
}

static int64_t ppm_of(double score)
{
    return isnan(score) ? 0 : (int64_t)(fmax(-1e6, fmin(1e6, score)) * 1e6);
}

static void add_bin(fd_model_tally *t, const fd_drift_reference *r, double score)
{
    uint32_t bin = fd_drift_bin(r, score);
    if (bin == r->n_bins)
        return;
    t->bins[bin]++;
    if (++t->binned < FD_DRIFT_MEMORY)
        return;
    t->binned = 0;
    for (uint32_t b = 0; b < r->n_bins; b++) {
        t->bins[b] /= 2;
        t->binned += t->bins[b];
    }
}

void fd_tally_add(fd_model_tally *t, const fd_manifest *m, const fd_model_rows *given)
{
    const double *scores = given->scores[m->score];
    t->scored += given->n;
    for (uint32_t i = 0; i < given->n; i++) {
        t->buckets[bucket_of(scores[i])]++;
        t->sum_ppm += ppm_of(scores[i]);
        add_bin(t, &m->reference, scores[i]);
    }
    for (uint32_t k = 0; k < m->n_inputs; k++) {
        for (uint32_t i = 0; i < given->n; i++)
            t->missing[k] += isnan(given->columns[k][i]) != 0;
    }
}

uint32_t fd_engine_n_models(const fd_engine *e)
{
    return fd_models_n(e->decider.program->models);
}

bool fd_engine_model_report(const fd_engine *e, uint32_t model, fd_model_report *out)
{
    const fd_manifest *m = fd_models_at(e->decider.program->models, model);
    const fd_model_tally *t = &e->decider.program->tallies[model];
    if (m->mode == FD_MODE_OFF)
        return false;
    *out = (fd_model_report){.id = m->id,
                             .version = m->version,
                             .mode = m->mode,
                             .n_inputs = m->n_inputs,
                             .inputs = t->names,
                             .scored = t->scored,
                             .sum_ppm = t->sum_ppm,
                             .missing = t->missing};
    memcpy(out->buckets, t->buckets, sizeof out->buckets);
    if (!fd_drift_psi(&m->reference, t->bins, &out->psi))
        out->psi = NAN;
    return true;
}
