/*
 * ONNX's preprocessing operators (scaler, imputer, normalizer ...), linear models and what
 * post_transform does with scores. Results are floats, as ai.onnx.ml has them. One owner.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/onnx_int.h"

/* Input 0 as columns of floats. */
static fd_onnx_value *floats(fd_onnx_builder *b, const fd_onnx_node *n)
{
    fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    if (v == NULL || v->type == FD_ONNX_FLOAT)
        return v;
    return fd_onnx_unary_of(b, FD_UN_COPY, v, FD_ONNX_FLOAT, NULL, 0);
}

static bool one_or_all(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, uint32_t count,
                       uint32_t k)
{
    return count == 1 || count == k ||
           fd_onnx_refuse(b, n, "\"%s\" has %u numbers for %u columns", name, count, k);
}

/* What single columns are a function of stays so. */
static void keep_sources(fd_onnx_builder *b, const fd_onnx_value *v, const fd_onnx_value *out)
{
    fd_onnx_model *m = b->model;
    for (uint32_t i = 0; i < v->k; i++) {
        uint32_t c = v->columns[i];
        m->source[out->columns[i]] = c & FD_ONNX_CONST ? FD_ONNX_OF_NONE : m->source[c];
    }
}

bool fd_onnx_lower_scaler(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    double *offset, *scale;
    uint32_t n_offset, n_scale;
    fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    if (v == NULL || !fd_onnx_attr_floats(b, n, "offset", &offset, &n_offset) ||
        !fd_onnx_attr_floats(b, n, "scale", &scale, &n_scale))
        return false;
    if (n_offset != n_scale)
        return fd_onnx_refuse(b, n, "%u offsets and %u scales", n_offset, n_scale);
    if (!one_or_all(b, n, "scale", n_scale, v->k))
        return false;
    bool is_double = v->type == FD_ONNX_DOUBLE;
    fd_onnx_value *out = fd_onnx_row_step(b, v, FD_STEP_SCALE, is_double, 2, v->k, 2 * v->k);
    if (out == NULL)
        return false;
    out->type = FD_ONNX_FLOAT;
    fd_onnx_step *s = &b->model->steps[b->model->n_steps - 1];
    s->to_float = true;
    for (uint32_t i = 0; i < v->k; i++) {
        s->params[i] = offset[n_offset == 1 ? 0 : i];
        s->params[v->k + i] = scale[n_scale == 1 ? 0 : i];
    }
    keep_sources(b, v, out);
    return fd_onnx_define(b, n, 0, out);
}

bool fd_onnx_lower_imputer(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    double *by, replaced = 0;
    uint32_t n_by;
    fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    if (v == NULL || !fd_onnx_attr_floats(b, n, "imputed_value_floats", &by, &n_by) ||
        !fd_onnx_attr_float(b, n, "replaced_value_float", &replaced))
        return false;
    if (v->type != FD_ONNX_FLOAT || n_by == 0)
        return fd_onnx_refuse(b, n, "only supported for floats and imputed_value_floats");
    if (!one_or_all(b, n, "imputed_value_floats", n_by, v->k))
        return false;
    fd_onnx_value *out = fd_onnx_row_step(b, v, FD_STEP_IMPUTE, 0, 2, v->k, 1 + v->k);
    if (out == NULL)
        return false;
    fd_onnx_step *s = &b->model->steps[b->model->n_steps - 1];
    s->params[0] = replaced;
    for (uint32_t i = 0; i < v->k; i++)
        s->params[1 + i] = by[n_by == 1 ? 0 : i];
    keep_sources(b, v, out);
    return fd_onnx_define(b, n, 0, out);
}

bool fd_onnx_lower_binarizer(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    double threshold = 0;
    fd_onnx_value *v = floats(b, n);
    if (v == NULL || !fd_onnx_attr_float(b, n, "threshold", &threshold))
        return false;
    return fd_onnx_define(b, n, 0,
                          fd_onnx_unary_of(b, FD_UN_BINARY, v, FD_ONNX_FLOAT, &threshold, 1));
}

bool fd_onnx_lower_normalizer(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    fd_str norm = FD_STR("MAX");
    fd_onnx_value *v = floats(b, n);
    if (v == NULL || !fd_onnx_attr_str(b, n, "norm", &norm))
        return false;
    int which;
    if (fd_str_eq_c(norm, "MAX"))
        which = FD_NORM_MAX;
    else if (fd_str_eq_c(norm, "L1"))
        which = FD_NORM_L1;
    else if (fd_str_eq_c(norm, "L2"))
        which = FD_NORM_L2;
    else
        return fd_onnx_refuse(b, n, "norm " FD_STR_FMT " is none of MAX, L1 and L2",
                              FD_STR_ARG(norm));
    fd_onnx_value *out = fd_onnx_row_step(b, v, FD_STEP_NORM, which, 2, v->k, 0);
    if (out != NULL && v->probabilities) {
        out->probabilities = true;
        out->raw = v->raw;
    }
    return fd_onnx_define(b, n, 0, out);
}

/* ---- labels: whole numbers to floats ---- */

typedef struct label {
    double key, value;
} label;

static int by_key(const void *a, const void *b)
{
    double x = ((const label *)a)->key, y = ((const label *)b)->key;
    return (x > y) - (x < y);
}

bool fd_onnx_lower_labels(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    int64_t *keys;
    double *values, missing = -0.0;
    uint32_t n_keys, n_values;
    fd_onnx_value *v = fd_onnx_in(b, n, 0);
    if (v == NULL || !fd_onnx_attr_ints(b, n, "keys_int64s", &keys, &n_keys) ||
        !fd_onnx_attr_floats(b, n, "values_floats", &values, &n_values) ||
        !fd_onnx_attr_float(b, n, "default_float", &missing))
        return false;
    if (v->tensor != NULL || v->type != FD_ONNX_INT64 || n_keys == 0 || n_keys != n_values)
        return fd_onnx_refuse(b, n, "only from keys_int64s to as many values_floats");
    label *labels = fd_onnx_alloc(b->scratch, n_keys, sizeof *labels);
    for (uint32_t i = 0; i < n_keys; i++)
        labels[i] = (label){.key = (double)keys[i], .value = values[i]};
    qsort(labels, n_keys, sizeof *labels, by_key);
    fd_onnx_value *out = fd_onnx_row_step(b, v, FD_STEP_LOOKUP, 0, v->rank, v->k, 1 + 2 * n_keys);
    if (out == NULL)
        return false;
    out->type = FD_ONNX_FLOAT;
    double *params = b->model->steps[b->model->n_steps - 1].params;
    params[0] = missing;
    for (uint32_t i = 0; i < n_keys; i++) {
        params[1 + i] = labels[i].key;
        params[1 + n_keys + i] = labels[i].value;
        if (i > 0 && labels[i].key == labels[i - 1].key)
            return fd_onnx_refuse(b, n, "the key %g is there twice", labels[i].key);
    }
    keep_sources(b, v, out);
    return fd_onnx_define(b, n, 0, out);
}

/* ---- linear models ---- */

/* x times weights[output][input] plus bias; bias NULL: zeroes. */
static fd_onnx_value *linear(fd_onnx_builder *b, const fd_onnx_value *x, const double *weights,
                             const double *bias, uint32_t n_outputs)
{
    uint64_t n_params = (uint64_t)n_outputs * (x->k + 1U);
    if (n_params > FD_MODEL_MAX_NODES) {
        fd_onnx_error(b, "more than %d weights", FD_MODEL_MAX_NODES);
        return NULL;
    }
    fd_onnx_value *out = fd_onnx_row_step(b, x, FD_STEP_LINEAR, 0, 2, n_outputs,
                                          (uint32_t)n_params);
    if (out == NULL)
        return NULL;
    double *params = b->model->steps[b->model->n_steps - 1].params;
    for (uint32_t i = 0; i < n_outputs; i++) {
        *params++ = bias == NULL ? 0 : bias[i];
        memcpy(params, weights + (size_t)i * x->k, x->k * sizeof *params);
        params += x->k;
    }
    return out;
}

static uint32_t count_labels(fd_onnx_builder *b, const fd_onnx_node *n)
{
    int64_t *ints;
    fd_str *strings;
    uint32_t n_ints, n_strings;
    if (!fd_onnx_attr_ints(b, n, "classlabels_ints", &ints, &n_ints) ||
        !fd_onnx_attr_strs(b, n, "classlabels_strings", &strings, &n_strings))
        return 0;
    return n_strings > 0 ? n_strings : n_ints;
}

/* Kind 1: LinearClassifier. */
bool fd_onnx_lower_linear(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    double *weights, *bias;
    uint32_t n_weights, n_bias;
    int64_t targets = 1;
    fd_str transform = FD_STR("NONE");
    fd_onnx_value *x = floats(b, n);
    if (x == NULL || !fd_onnx_attr_floats(b, n, "coefficients", &weights, &n_weights) ||
        !fd_onnx_attr_floats(b, n, "intercepts", &bias, &n_bias) ||
        !fd_onnx_attr_int(b, n, "targets", &targets) ||
        !fd_onnx_attr_str(b, n, "post_transform", &transform))
        return false;
    if (kind == 1)
        targets = n_bias;
    if (targets < 1 || targets > FD_MODEL_MAX_OUTPUTS ||
        (uint64_t)targets * x->k != (uint64_t)n_weights || (n_bias != 0 && n_bias != targets))
        return fd_onnx_refuse(b, n, "%u coefficients and %u intercepts for %u columns and %lld %s",
                              n_weights, n_bias, x->k, (long long)targets,
                              kind == 1 ? "classes" : "targets");
    fd_onnx_value *scores = linear(b, x, weights, n_bias == 0 ? NULL : bias, (uint32_t)targets);
    if (scores == NULL)
        return false;
    if (kind == 0)
        return fd_onnx_define(b, n, 0, fd_onnx_post(b, n, transform, scores));
    uint32_t labels = count_labels(b, n);
    if (targets == 1 && labels == 2)
        return fd_onnx_define_classes(b, n, fd_onnx_pair(b, n, transform, scores, true));
    if (labels != targets || labels < 2)
        return fd_onnx_refuse(b, n, "%u labels for %lld classes", labels, (long long)targets);
    return fd_onnx_define_classes(b, n, fd_onnx_post(b, n, transform, scores));
}

/* Kind 1: Gemm; the right side must be a constant. */
static bool gemm_options(fd_onnx_builder *b, const fd_onnx_node *n, int64_t *trans_b)
{
    int64_t trans_a = 0;
    double alpha = 1, beta = 1;
    if (!fd_onnx_attr_int(b, n, "transA", &trans_a) || !fd_onnx_attr_int(b, n, "transB", trans_b) ||
        !fd_onnx_attr_float(b, n, "alpha", &alpha) || !fd_onnx_attr_float(b, n, "beta", &beta))
        return false;
    return (trans_a == 0 && alpha == 1 && beta == 1) ||
           fd_onnx_refuse(b, n, "only without transA, and with alpha and beta 1");
}

static bool gemm_bias(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t n_outputs,
                      const double **bias)
{
    const fd_onnx_tensor *c = fd_onnx_constant(b, n, 2);
    if (c == NULL)
        return false;
    bool row = c->rank <= 1 || (c->rank == 2 && c->dims[0] == 1);
    if (!row || (c->n != n_outputs && c->n != 1))
        return fd_onnx_refuse(b, n, "%u numbers are added to %u columns", c->n, n_outputs);
    double *copy = fd_onnx_alloc(b->scratch, n_outputs, sizeof *copy);
    for (uint32_t i = 0; i < n_outputs; i++)
        copy[i] = c->values[c->n == 1 ? 0 : i];
    *bias = copy;
    return true;
}

bool fd_onnx_lower_matmul(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    int64_t trans_b = 0;
    const double *bias = NULL;
    fd_onnx_value *x = fd_onnx_matrix(b, n, 0);
    const fd_onnx_tensor *w = x == NULL ? NULL : fd_onnx_constant(b, n, 1);
    if (w == NULL || (kind == 1 && !gemm_options(b, n, &trans_b)))
        return false;
    if (w->rank != 2 || w->dims[trans_b ? 1 : 0] != x->k || w->n == 0)
        return fd_onnx_refuse(b, n, "its constant does not fit %u columns", x->k);
    if (w->type != (int64_t)x->type || (x->type != FD_ONNX_FLOAT && x->type != FD_ONNX_DOUBLE))
        return fd_onnx_refuse(b, n, "%s times %s is not supported", fd_onnx_type_name(x->type),
                              fd_onnx_type_name(w->type));
    uint32_t n_outputs = w->dims[trans_b ? 0 : 1];
    if (kind == 1 && fd_onnx_has_in(n, 2) && !gemm_bias(b, n, n_outputs, &bias))
        return false;
    const double *weights = w->values;
    if (!trans_b) {
        double *turned = fd_onnx_alloc(b->scratch, w->n, sizeof *turned);
        for (uint32_t i = 0; i < n_outputs; i++) {
            for (uint32_t j = 0; j < x->k; j++)
                turned[(size_t)i * x->k + j] = w->values[(size_t)j * n_outputs + i];
        }
        weights = turned;
    }
    return fd_onnx_define(b, n, 0, linear(b, x, weights, bias, n_outputs));
}

/* ---- post_transform ---- */

static fd_onnx_value *transformed(fd_onnx_value *out, const fd_onnx_value *scores)
{
    if (out != NULL)
        out->raw = scores;
    return out;
}

fd_onnx_value *fd_onnx_post(fd_onnx_builder *b, const fd_onnx_node *n, fd_str transform,
                            fd_onnx_value *scores)
{
    if (fd_str_eq_c(transform, "NONE"))
        return transformed(fd_onnx_same(b, scores), scores);
    if (scores->k == 1) {
        /* ONNX Runtime leaves it out here, other programs do not. */
        fd_onnx_refuse(b, n, "post_transform " FD_STR_FMT " of a single score is ambiguous",
                       FD_STR_ARG(transform));
        return NULL;
    }
    if (fd_str_eq_c(transform, "LOGISTIC"))
        return transformed(fd_onnx_unary_of(b, FD_UN_LOGISTIC, scores, FD_ONNX_FLOAT, NULL, 0),
                           scores);
    bool softmax = fd_str_eq_c(transform, "SOFTMAX");
    if (softmax || fd_str_eq_c(transform, "SOFTMAX_ZERO"))
        return transformed(fd_onnx_row_step(b, scores, FD_STEP_SOFTMAX,
                                            softmax ? FD_SOFTMAX : FD_SOFTMAX_ZERO, 2, scores->k,
                                            0),
                           scores);
    fd_onnx_refuse(b, n, "post_transform " FD_STR_FMT " is not supported", FD_STR_ARG(transform));
    return NULL;
}

fd_onnx_value *fd_onnx_pair(fd_onnx_builder *b, const fd_onnx_node *n, fd_str transform,
                            fd_onnx_value *score, bool complement)
{
    static const double one[] = {1};
    bool logistic = fd_str_eq_c(transform, "LOGISTIC");
    if (!logistic && !fd_str_eq_c(transform, "NONE")) {
        fd_onnx_refuse(b, n, "post_transform " FD_STR_FMT " of two classes from one score",
                       FD_STR_ARG(transform));
        return NULL;
    }
    fd_onnx_value *other = fd_onnx_unary_of(b, FD_UN_NEG, score, FD_ONNX_FLOAT, NULL, 0);
    fd_onnx_value *positive = score;
    if (logistic && other != NULL) {
        positive = fd_onnx_unary_of(b, FD_UN_LOGISTIC, score, FD_ONNX_FLOAT, NULL, 0);
        other = fd_onnx_unary_of(b, FD_UN_LOGISTIC, other, FD_ONNX_FLOAT, NULL, 0);
    } else if (complement && other != NULL) {
        other = fd_onnx_with_constant(b, FD_BIN_ADD, other, one, true); /* 1 - s */
    }
    if (positive == NULL || other == NULL)
        return NULL;
    fd_onnx_value *out = fd_onnx_same(b, positive);
    out->k = 2;
    out->columns = fd_onnx_alloc(b->scratch, 2, sizeof *out->columns);
    out->columns[0] = other->columns[0];
    out->columns[1] = positive->columns[0];
    return transformed(out, score);
}
