/*
 * Scoring by manifest: what is missing is put in, the model's outputs are transformed; and which
 * inputs raised a score. Invariant: a row's score depends on the row alone. One thread per run.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "manifest/manifest.h"
#include "score/transform.h"

struct fd_manifest_run {
    const fd_manifest *m;
    uint32_t n_outputs;
    fd_model_run *run;
    const double **columns;
    double **filled; /* by input; NULL: nothing is put in */
};

fd_manifest_run *fd_manifest_run_new(const fd_manifest *m, uint32_t max_rows)
{
    fd_manifest_run *run = calloc(1, sizeof *run);
    FD_ALLOCATED(run);
    run->m = m;
    run->n_outputs = fd_model_shape_of(m->model)->n_outputs;
    run->run = fd_model_run_new(m->model, max_rows);
    run->columns = calloc(m->n_inputs + 1U, sizeof *run->columns);
    run->filled = calloc(m->n_inputs + 1U, sizeof *run->filled);
    FD_ALLOCATED(run->columns);
    FD_ALLOCATED(run->filled);
    for (uint32_t i = 0; i < m->n_inputs; i++) {
        if (isnan(m->inputs[i].missing))
            continue;
        run->filled[i] = calloc(max_rows + 1U, sizeof *run->filled[i]);
        FD_ALLOCATED(run->filled[i]);
    }
    return run;
}

void fd_manifest_run_free(fd_manifest_run *run)
{
    if (run == NULL)
        return;
    for (uint32_t i = 0; i < run->m->n_inputs; i++)
        free(run->filled[i]);
    free(run->filled);
    free(run->columns);
    fd_model_run_free(run->run);
    free(run);
}

static double fill(const fd_manifest_input *in, double x)
{
    return isnan(x) ? in->missing : x;
}

static double calibrate(const fd_manifest *m, double x)
{
    return 1 / (1 + fd_exp(m->a * x + m->b));
}

void fd_manifest_score(fd_manifest_run *run, const double *const *columns, uint32_t n,
                       double *const *scores)
{
    const fd_manifest *m = run->m;
    if (n == 0)
        return;
    for (uint32_t i = 0; i < m->n_inputs; i++) {
        run->columns[i] = columns[i];
        if (run->filled[i] == NULL)
            continue;
        for (uint32_t r = 0; r < n; r++)
            run->filled[i][r] = fill(&m->inputs[i], columns[i][r]);
        run->columns[i] = run->filled[i];
    }
    fd_model_score(run->run, run->columns, n, m->output, scores);
    for (uint32_t o = 0; m->platt && o < run->n_outputs; o++) {
        for (uint32_t r = 0; r < n; r++)
            scores[o][r] = calibrate(m, scores[o][r]);
    }
}

/* By insertion: few are asked for. Equal ones stay in the order of the inputs. */
static void note(fd_manifest_reasons *out, uint32_t top, uint32_t input)
{
    double x = out->contributions[input];
    uint32_t at = out->n;
    while (at > 0 && out->contributions[out->inputs[at - 1]] < x)
        at--;
    if (at == top)
        return;
    if (out->n < top)
        out->n++;
    for (uint32_t i = out->n - 1; i > at; i--)
        out->inputs[i] = out->inputs[i - 1];
    out->inputs[at] = input;
}

bool fd_manifest_explain(const fd_manifest *m, const double *row, uint32_t top, fd_arena *arena,
                         fd_manifest_reasons *out)
{
    uint32_t n = m->n_inputs;
    *out = (fd_manifest_reasons){.n = 0};
    double *given = fd_arena_alloc(arena, (n + 1U) * sizeof *given);
    out->contributions = fd_arena_zalloc(arena, (n + 1U) * sizeof *out->contributions);
    out->inputs = fd_arena_alloc(arena, (top + 1U) * sizeof *out->inputs);
    FD_ALLOCATED(given);
    FD_ALLOCATED(out->contributions);
    FD_ALLOCATED(out->inputs);
    for (uint32_t i = 0; i < n; i++)
        given[i] = fill(&m->inputs[i], row[i]);
    if (!fd_model_contribute(m->model, given, m->score, out->contributions))
        return false;
    for (uint32_t i = 0; i <= n && m->platt && m->a > 0; i++)
        out->contributions[i] = -out->contributions[i];
    for (uint32_t i = 0; i < n; i++) {
        if (out->contributions[i] > 0 && m->inputs[i].code.n != 0)
            note(out, top, i);
    }
    return true;
}
