/* Whether a model keeps its word; see model_judge.h. */
#include "model_judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { ROWS = 11 }; /* more than forests take for few */

static const double values[] = {0, 1, -1, 0.5, 3e38, -1e-40, 1e300, 2.5, -0.0, 7};

static double cell(uint32_t input, uint32_t row)
{
    uint32_t i = (input * 3 + row * 7) % 11;
    return i == 10 ? (double)NAN : values[i];
}

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void score(const fd_model *m, const double *cells, uint32_t rows, fd_model_output which,
                  double *scores)
{
    const fd_model_shape *shape = fd_model_shape_of(m);
    const double **columns = calloc(shape->n_inputs + 1, sizeof *columns);
    double **out = calloc(shape->n_outputs, sizeof *out);
    FD_ALLOCATED(columns);
    FD_ALLOCATED(out);
    fd_model_run *run = fd_model_run_new(m, rows);
    for (uint32_t from = 0; from < ROWS; from += rows) {
        for (uint32_t i = 0; i < shape->n_inputs; i++)
            columns[i] = cells + (size_t)i * ROWS + from;
        for (uint32_t o = 0; o < shape->n_outputs; o++)
            out[o] = scores + (size_t)o * ROWS + from;
        fd_model_score(run, columns, rows, which, out);
    }
    fd_model_run_free(run);
    free(columns);
    free(out);
}

static void explain(const fd_model *m, const double *cells, const double *raw, bool sums)
{
    const fd_model_shape *shape = fd_model_shape_of(m);
    double *row = calloc(shape->n_inputs + 1, sizeof *row);
    double *parts = calloc(shape->n_inputs + 1, sizeof *parts);
    FD_ALLOCATED(row);
    FD_ALLOCATED(parts);
    for (uint32_t i = 0; i < shape->n_inputs; i++)
        row[i] = cells[(size_t)i * ROWS];
    if (fd_model_contribute(m, row, 0, parts)) {
        double sum = 0, size = 0;
        for (uint32_t i = 0; i <= shape->n_inputs; i++) {
            sum += parts[i];
            size += fabs(parts[i]);
        }
        FD_ASSERT(!sums || !(fabs(sum - raw[0]) > 1e-5 * size + 1e-30) || size > 1e38);
    }
    free(row);
    free(parts);
}

static void judge(const fd_model *m, bool sums)
{
    const fd_model_shape *shape = fd_model_shape_of(m);
    FD_ASSERT(shape->n_inputs >= 1 && shape->n_outputs >= 1);
    double *cells = calloc((size_t)shape->n_inputs * ROWS, sizeof *cells);
    double *batch = calloc((size_t)shape->n_outputs * ROWS, sizeof *batch);
    double *alone = calloc((size_t)shape->n_outputs * ROWS, sizeof *alone);
    FD_ALLOCATED(cells);
    FD_ALLOCATED(batch);
    FD_ALLOCATED(alone);
    for (uint32_t i = 0; i < shape->n_inputs; i++) {
        for (uint32_t r = 0; r < ROWS; r++)
            cells[(size_t)i * ROWS + r] = cell(i, r);
    }
    for (int which = 0; which < 2; which++) {
        score(m, cells, ROWS, (fd_model_output)which, batch);
        score(m, cells, 1, (fd_model_output)which, alone);
        for (size_t i = 0; i < (size_t)shape->n_outputs * ROWS; i++)
            FD_ASSERT(same(batch[i], alone[i]));
        if (which == FD_MODEL_RAW)
            explain(m, cells, batch, sums);
    }
    free(cells);
    free(batch);
    free(alone);
}

void judge_model(const fd_model *m)
{
    judge(m, true);
}

void judge_scores(const fd_model *m)
{
    judge(m, false);
}
