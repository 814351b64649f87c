/*
 * Runs the steps of an ONNX model over blocks of rows. Pure; any thread.
 *
 * Every step makes whole columns, in the order of the steps; a row never looks at another. A float
 * result is rounded once per operation, as float arithmetic does.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/onnx_int.h"
#include "score/transform.h"

/* Scratch memory, laid out anew by each call. */
typedef struct run {
    const fd_onnx_model *m;
    uint32_t n; /* rows of the block */
    const double **in;
    double **out;
    const double **inputs;
    double *columns;
    void *forest;
} run;

static size_t rounded_up(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t pointers_bytes(const fd_onnx_model *m)
{
    return rounded_up((m->max_in + (size_t)m->max_out + m->n_inputs + 3) * sizeof(void *));
}

static size_t columns_bytes(const fd_onnx_model *m)
{
    return rounded_up((size_t)m->n_columns * FD_ONNX_BLOCK * sizeof(double));
}

size_t fd_onnx_scratch_bytes(const void *impl, uint32_t max_rows)
{
    const fd_onnx_model *m = impl;
    size_t forest = 0;
    uint32_t rows = max_rows < FD_ONNX_BLOCK ? max_rows : FD_ONNX_BLOCK;
    for (uint32_t i = 0; i < m->n_steps; i++) {
        if (m->steps[i].forest == NULL)
            continue;
        size_t bytes = fd_forest_scratch_bytes(m->steps[i].forest, rows);
        forest = bytes > forest ? bytes : forest;
    }
    return pointers_bytes(m) + columns_bytes(m) + rounded_up(forest) + 64;
}

static run lay_out(const fd_onnx_model *m, void *scratch)
{
    void **pointers = scratch;
    char *bytes = scratch;
    return (run){.m = m,
                 .in = (const double **)(void *)pointers,
                 .out = (double **)(void *)(pointers + m->max_in + 1),
                 .inputs = (const double **)(void *)(pointers + m->max_in + m->max_out + 2),
                 .columns = (double *)(void *)(bytes + pointers_bytes(m)),
                 .forest = bytes + pointers_bytes(m) + columns_bytes(m)};
}

static const double *column(const run *r, uint32_t c)
{
    if (c & FD_ONNX_CONST)
        return r->m->consts[c & ~FD_ONNX_CONST];
    return c < r->m->n_inputs ? r->inputs[c] : r->columns + (size_t)c * FD_ONNX_BLOCK;
}

/* ---- one column ---- */

static float logistic(float x)
{
    float p = (float)(1 / (double)(float)(1 + (double)(float)fd_exp(-fabs((double)x))));
    return x < 0 ? 1 - p : p;
}

static double larger(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

static double smaller(double a, double b)
{
    return isnan(a) || a < b ? a : b;
}

#define EACH(expression)               \
    for (uint32_t i = 0; i < n; i++) { \
        const double x = in[i];        \
        out[i] = (double)(expression); \
    }                                  \
    break

static void unary(int kind, const double *p, const double *in, double *out, uint32_t n)
{
    switch ((fd_onnx_unary)kind) {
    case FD_UN_ABS:
        EACH(fabs(x));
    case FD_UN_NEG:
        EACH(-x);
    case FD_UN_EXP:
        EACH(fd_exp(x));
    case FD_UN_LOG:
        EACH(log(x));
    case FD_UN_SQRT:
        EACH(sqrt(x));
    case FD_UN_SIGMOID:
        EACH(1 / (1 + fd_exp(-x)));
    case FD_UN_TANH:
        EACH(tanh(x));
    case FD_UN_RELU:
        EACH(x < 0 ? 0 : x);
    case FD_UN_FLOOR:
        EACH(floor(x));
    case FD_UN_CEIL:
        EACH(ceil(x));
    case FD_UN_RECIPROCAL:
        EACH(1 / x);
    case FD_UN_NOT:
        EACH(x == 0);
    case FD_UN_ISNAN:
        EACH(isnan(x) != 0);
    case FD_UN_COPY:
        EACH(x);
    case FD_UN_TRUTH:
        EACH(x != 0);
    case FD_UN_WHOLE:
        EACH(x >= p[1] && x < p[2] ? trunc(x) : p[0]);
    case FD_UN_CLIP:
        EACH(x < p[0] ? p[0] : x > p[1] ? p[1] : x);
    case FD_UN_BINARY:
        EACH(x > p[0]);
    case FD_UN_LOGISTIC:
        EACH(logistic((float)x));
    }
}

#undef EACH
#define EACH(expression)                 \
    for (uint32_t i = 0; i < n; i++) {   \
        const double x = a[i], y = b[i]; \
        out[i] = (double)(expression);   \
    }                                    \
    break

static void binary(int kind, const double *a, const double *b, double *out, uint32_t n)
{
    switch ((fd_onnx_binary)kind) {
    case FD_BIN_ADD:
        EACH(x + y);
    case FD_BIN_SUB:
        EACH(x - y);
    case FD_BIN_MUL:
        EACH(x * y);
    case FD_BIN_DIV:
        EACH(x / y);
    case FD_BIN_POW:
        EACH(pow(x, y));
    case FD_BIN_MAX:
        EACH(isnan(y) ? y : larger(x, y));
    case FD_BIN_MIN:
        EACH(isnan(y) ? y : smaller(x, y));
    case FD_BIN_LT:
        EACH(x < y);
    case FD_BIN_GT:
        EACH(x > y);
    case FD_BIN_LE:
        EACH(x <= y);
    case FD_BIN_GE:
        EACH(x >= y);
    case FD_BIN_EQ:
        EACH(x == y);
    case FD_BIN_AND:
        EACH(x != 0 && y != 0);
    case FD_BIN_OR:
        EACH(x != 0 || y != 0);
    }
}

#undef EACH

static void impute(double replaced, double by, const double *in, double *out, uint32_t n)
{
    bool nan = isnan(replaced);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (nan ? isnan(in[i]) : in[i] == replaced) ? by : in[i];
}

static void scale(double off, double by, bool is_double, const double *in, double *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = is_double ? (in[i] - off) * by : (double)(float)(in[i] - off) * by;
}

static void lookup(const fd_onnx_step *s, const double *in, double *out, uint32_t n)
{
    uint32_t n_keys = (s->n_params - 1) / 2;
    const double *keys = s->params + 1, *values = keys + n_keys;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t low = 0, high = n_keys;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (keys[middle] < in[i])
                low = middle + 1;
            else
                high = middle;
        }
        out[i] = low < n_keys && keys[low] == in[i] ? values[low] : s->params[0];
    }
}

/* ---- a row over all columns ---- */

static void linear(const fd_onnx_step *s, const run *r)
{
    const double *p = s->params;
    for (uint32_t o = 0; o < s->n_out; o++) {
        double *out = r->out[o];
        double bias = *p++;
        memset(out, 0, r->n * sizeof *out);
        for (uint32_t k = 0; k < s->n_in; k++) {
            double w = *p++;
            for (uint32_t i = 0; i < r->n; i++)
                out[i] += w * r->in[k][i];
        }
        for (uint32_t i = 0; i < r->n; i++)
            out[i] += bias;
    }
}

static void norm_row(const fd_onnx_step *s, const run *r, uint32_t i)
{
    float sum = s->kind == FD_NORM_MAX ? -3.402823466e38F : 0;
    for (uint32_t k = 0; k < s->n_in; k++) {
        float x = (float)r->in[k][i];
        if (s->kind == FD_NORM_MAX)
            sum = sum < x ? x : sum;
        else
            sum += s->kind == FD_NORM_L1 ? fabsf(x) : x * x;
    }
    for (uint32_t k = 0; k < s->n_in; k++) {
        float x = (float)r->in[k][i];
        if (sum == 0)
            r->out[k][i] = (double)x;
        else if (s->kind == FD_NORM_L2)
            r->out[k][i] = (double)(x < 0 ? -sqrtf(x * x / sum) : sqrtf(x * x / sum));
        else
            r->out[k][i] = (double)(x / sum);
    }
}

static double round_to(const fd_onnx_step *s, double x)
{
    return s->to_float ? (double)(float)x : x;
}

static void softmax_row(const fd_onnx_step *s, const run *r, uint32_t i)
{
    double max = -INFINITY, sum = 0;
    for (uint32_t k = 0; k < s->n_in; k++)
        max = r->in[k][i] > max ? r->in[k][i] : max;
    double scaled_zero = round_to(s, fd_exp(-max));
    for (uint32_t k = 0; k < s->n_in; k++) {
        double x = r->in[k][i];
        /* SOFTMAX_ZERO leaves out what is about zero. */
        bool zero = s->kind == FD_SOFTMAX_ZERO && x <= 1e-7 && x >= -1e-7;
        double e = zero ? x * scaled_zero : round_to(s, fd_exp(round_to(s, x - max)));
        sum = zero ? sum : round_to(s, sum + e);
        r->out[k][i] = s->kind == FD_SOFTMAX_LOG ? x - max : e;
    }
    for (uint32_t k = 0; k < s->n_in; k++) {
        double *out = &r->out[k][i];
        *out = s->kind == FD_SOFTMAX_LOG ? *out - log(sum) : *out / sum;
    }
}

static void reduce_row(const fd_onnx_step *s, const run *r, uint32_t i)
{
    double all = r->in[0][i];
    for (uint32_t k = 1; k < s->n_in; k++) {
        double x = r->in[k][i];
        if (s->kind == FD_REDUCE_MAX)
            all = isnan(x) ? x : larger(all, x);
        else if (s->kind == FD_REDUCE_MIN)
            all = isnan(x) ? x : smaller(all, x);
        else
            all = round_to(s, all + x);
    }
    r->out[0][i] = s->kind == FD_REDUCE_MEAN ? all / s->n_in : all;
}

static void each_row(const fd_onnx_step *s, const run *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (s->op == FD_STEP_NORM)
            norm_row(s, r, i);
        else if (s->op == FD_STEP_SOFTMAX)
            softmax_row(s, r, i);
        else
            reduce_row(s, r, i);
    }
}

/* ---- steps ---- */

static void one_column(const fd_onnx_step *s, const run *r, uint32_t k)
{
    const double *const *in = r->in;
    double *out = r->out[k];
    if (s->op == FD_STEP_UNARY) {
        unary(s->kind, s->params, in[k], out, r->n);
    } else if (s->op == FD_STEP_BINARY) {
        binary(s->kind, in[k], in[s->n_out + k], out, r->n);
    } else if (s->op == FD_STEP_SCALE) {
        scale(s->params[k], s->params[s->n_out + k], s->kind != 0, in[k], out, r->n);
    } else if (s->op == FD_STEP_IMPUTE) {
        impute(s->params[0], s->params[1 + k], in[k], out, r->n);
    } else if (s->op == FD_STEP_LOOKUP) {
        lookup(s, in[k], out, r->n);
    } else {
        for (uint32_t i = 0; i < r->n; i++)
            out[i] = in[k][i] != 0 ? in[s->n_out + k][i] : in[2 * s->n_out + k][i];
    }
}

static void run_step(const fd_onnx_step *s, const run *r)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        r->in[i] = column(r, s->in[i]);
    for (uint32_t i = 0; i < s->n_out; i++)
        r->out[i] = r->columns + (size_t)s->out[i] * FD_ONNX_BLOCK;
    switch (s->op) {
    case FD_STEP_FOREST:
        fd_forest_score(s->forest, r->forest, r->in, r->n, r->out);
        break;
    case FD_STEP_LINEAR:
        linear(s, r);
        break;
    case FD_STEP_NORM:
    case FD_STEP_SOFTMAX:
    case FD_STEP_REDUCE:
        each_row(s, r);
        break;
    default:
        for (uint32_t k = 0; k < s->n_out; k++)
            one_column(s, r, k);
        break;
    }
    if (!s->to_float)
        return;
    for (uint32_t k = 0; k < s->n_out; k++) {
        for (uint32_t i = 0; i < r->n; i++)
            r->out[k][i] = (double)(float)r->out[k][i];
    }
}

static void run_block(const run *r, fd_model_output which)
{
    for (uint32_t i = 0; i < r->m->n_steps; i++) {
        if (r->m->steps[i].wanted[which])
            run_step(&r->m->steps[i], r);
    }
}

void fd_onnx_score(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                   fd_model_output which, double *const *out)
{
    const fd_onnx_model *m = impl;
    run r = lay_out(m, scratch);
    for (uint32_t from = 0; from < n; from += FD_ONNX_BLOCK) {
        r.n = n - from < FD_ONNX_BLOCK ? n - from : FD_ONNX_BLOCK;
        for (uint32_t i = 0; i < m->n_inputs; i++)
            r.inputs[i] = columns[i] + from;
        run_block(&r, which);
        for (uint32_t o = 0; o < m->n_outputs; o++)
            memcpy(out[o] + from, column(&r, m->outputs[which][o]), r.n * sizeof **out);
    }
}

void fd_onnx_contribute(const void *impl, const double *row, uint32_t output, double *contributions)
{
    const fd_onnx_model *m = impl;
    void *scratch = aligned_alloc(64, rounded_up(fd_onnx_scratch_bytes(m, 1)));
    FD_ALLOCATED(scratch);
    run r = lay_out(m, scratch);
    r.n = 1;
    for (uint32_t i = 0; i < m->n_inputs; i++)
        r.inputs[i] = &row[i];
    run_block(&r, FD_MODEL_RAW);
    const fd_onnx_step *s = &m->steps[m->raw_step[output]];
    const double *weights = s->params + (size_t)m->raw_row[output] * (s->n_in + 1U);
    memset(contributions, 0, (m->n_inputs + 1U) * sizeof *contributions);
    double *bias = &contributions[m->n_inputs];
    *bias = *weights++;
    for (uint32_t k = 0; k < s->n_in; k++) {
        uint32_t c = s->in[k];
        int32_t source = c & FD_ONNX_CONST ? FD_ONNX_OF_NONE : m->source[c];
        *(source < 0 ? bias : &contributions[source]) += weights[k] * *column(&r, c);
    }
    free(scratch);
}
