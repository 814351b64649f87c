/*
 * XGBoost's linear booster. The sum is the library's: bias plus base score, then weight times input
 * in the order of the inputs, missing ones left out, all in float. Where 3.x fits a base score per
 * class, its own prediction (3.2.0) adds the first one to all of them; so does this one. Scoring:
 * any thread.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "formats/xgboost_int.h"

typedef struct linear {
    uint32_t n_inputs, n_outputs;
    xgb_transform transform;
    float *weights; /* [input][output], then the bias of each output with the base score in it */
} linear;

static void score(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                  fd_model_output which, double *const *out)
{
    const linear *l = impl;
    (void)scratch;
    for (uint32_t o = 0; o < l->n_outputs; o++) {
        for (uint32_t row = 0; row < n; row++) {
            float sum = l->weights[l->n_inputs * l->n_outputs + o];
            for (uint32_t i = 0; i < l->n_inputs; i++) {
                float x = (float)columns[i][row];
                if (!isnan(x))
                    sum += x * l->weights[i * l->n_outputs + o];
            }
            out[o][row] = sum;
        }
    }
    if (which == FD_MODEL_TRANSFORMED)
        xgb_apply(l->transform, out, l->n_outputs, n);
}

static size_t scratch_bytes(const void *impl, uint32_t max_rows)
{
    (void)impl;
    (void)max_rows;
    return 0;
}

static void contribute(const void *impl, const double *row, uint32_t output, double *to)
{
    const linear *l = impl;
    for (uint32_t i = 0; i < l->n_inputs; i++) {
        float x = (float)row[i];
        to[i] = isnan(x) ? 0 : (double)(x * l->weights[i * l->n_outputs + output]);
    }
    to[l->n_inputs] = l->weights[l->n_inputs * l->n_outputs + output];
}

static void free_linear(void *impl)
{
    linear *l = impl;
    free(l->weights);
    free(l);
}

fd_model *xgb_load_linear(xgb_model *m, const fd_doc *booster)
{
    static const fd_model_ops ops = {.score = score,
                                     .scratch_bytes = scratch_bytes,
                                     .contribute = contribute,
                                     .free = free_linear};
    const fd_doc *model = xgb_member(m, booster, "model", FD_DOC_OBJECT);
    const fd_doc *weights = model == NULL ? NULL : xgb_member(m, model, "weights", FD_DOC_NUMBERS);
    if (weights == NULL)
        return NULL;
    uint32_t n = (m->n_inputs + 1) * m->n_outputs;
    if (weights->n != n) {
        xgb_refuse(m, "%u weights for %u inputs and %u outputs", weights->n, m->n_inputs,
                   m->n_outputs);
        return NULL;
    }
    linear *l = calloc(1, sizeof *l);
    FD_ALLOCATED(l);
    *l = (linear){m->n_inputs, m->n_outputs, m->objective->transform, calloc(n, sizeof(float))};
    FD_ALLOCATED(l->weights);
    for (uint32_t i = 0; i < n; i++)
        l->weights[i] = (float)weights->numbers[i];
    for (uint32_t o = 0; o < m->n_outputs; o++)
        l->weights[m->n_inputs * m->n_outputs + o] += (float)m->base[0];
    fd_model_shape shape = {.format = "xgboost",
                            .n_inputs = m->n_inputs,
                            .input_names = m->names,
                            .n_outputs = m->n_outputs,
                            .bytes = sizeof *l + n * sizeof(float)};
    return fd_model_new(&shape, &ops, l);
}
