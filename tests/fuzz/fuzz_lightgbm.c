/*
 * Hostile LightGBM files: refused with one error that says where, or read to a model whose scores
 * do not depend on the batch.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "formats/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 7, INPUTS_MAX = 64, OUTPUTS_MAX = 8, NODES_MAX = 2000 };

static const double values[] = {0, -0.0, NAN, INFINITY, -INFINITY, 5e-324, 1e-35, -1e-35, -0.5,
                                1, 2.5,  31,  32,       63,        64,     1e9,   -1,     -1e300};

enum { N_VALUES = sizeof values / sizeof *values };

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_batches(const fd_model *m, const double *const *columns)
{
    const fd_model_shape *s = fd_model_shape_of(m);
    for (int which = FD_MODEL_RAW; which <= FD_MODEL_TRANSFORMED; which++) {
        double all[OUTPUTS_MAX][ROWS], one[OUTPUTS_MAX], *out[OUTPUTS_MAX];
        fd_model_run *run = fd_model_run_new(m, ROWS);
        for (uint32_t k = 0; k < s->n_outputs; k++)
            out[k] = all[k];
        fd_model_score(run, columns, ROWS, (fd_model_output)which, out);
        for (uint32_t row = 0; row < ROWS; row++) {
            const double *at[INPUTS_MAX];
            for (uint32_t i = 0; i < s->n_inputs; i++)
                at[i] = columns[i] + row;
            for (uint32_t k = 0; k < s->n_outputs; k++)
                out[k] = &one[k];
            fd_model_score(run, at, 1, (fd_model_output)which, out);
            for (uint32_t k = 0; k < s->n_outputs; k++)
                FD_ASSERT(same(one[k], all[k][row]));
        }
        fd_model_run_free(run);
    }
}

/* Whether covers add up decides whether contributions do; here they need only come to an end. */
static void explain(const fd_model *m, const double *const *columns)
{
    const fd_model_shape *s = fd_model_shape_of(m);
    double row[INPUTS_MAX], to[INPUTS_MAX + 1];
    for (uint32_t i = 0; i < s->n_inputs; i++)
        row[i] = columns[i][0];
    for (uint32_t k = 0; k < s->n_outputs; k++)
        fd_model_contribute(m, row, k, to);
}

static void check_model(const fd_model *m)
{
    const fd_model_shape *s = fd_model_shape_of(m);
    FD_ASSERT(s->n_inputs >= 1 && s->n_outputs >= 1 && s->n_trees >= 1 && s->bytes > 0);
    if (s->n_inputs > INPUTS_MAX || s->n_outputs > OUTPUTS_MAX)
        return;
    static double columns[INPUTS_MAX][ROWS];
    const double *at[INPUTS_MAX];
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        at[i] = columns[i];
        for (uint32_t row = 0; row < ROWS; row++)
            columns[i][row] = values[(i * 5 + row * 3) % N_VALUES];
    }
    check_batches(m, at);
    if (s->bytes < NODES_MAX * sizeof(double))
        explain(m, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_str bytes = {(const char *)data, (uint32_t)size};
    fd_model *m = fd_model_load(FD_FORMAT_LIGHTGBM, "m.txt", bytes, &d);
    FD_ASSERT(d.errors == (m == NULL));
    if (m != NULL)
        check_model(m);
    fd_model_free(m);
    fd_diags_free(&d);
    return 0;
}
