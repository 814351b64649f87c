/*
 * ONNX's arithmetic, comparisons, casts and reductions, column by column. One owner.
 */
#include <math.h>

#include "formats/onnx_int.h"

static bool is_real(fd_onnx_type t)
{
    return t == FD_ONNX_FLOAT || t == FD_ONNX_DOUBLE;
}

static fd_onnx_value *numbers(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i)
{
    fd_onnx_value *v = fd_onnx_in(b, n, i);
    if (v != NULL && v->tensor != NULL) {
        fd_onnx_refuse(b, n, "it works on constants only: fold them before saving");
        return NULL;
    }
    return v;
}

bool fd_onnx_lower_unary(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    fd_onnx_value *v = numbers(b, n, 0);
    if (v == NULL)
        return false;
    fd_onnx_type type = v->type;
    if (kind == FD_UN_NOT || kind == FD_UN_ISNAN) {
        type = FD_ONNX_BOOL;
    } else if (!is_real(v->type) && kind != FD_UN_ABS && kind != FD_UN_NEG) {
        return fd_onnx_refuse(b, n, "not supported for %s", fd_onnx_type_name(v->type));
    }
    fd_onnx_value *out = fd_onnx_unary_of(b, (fd_onnx_unary)kind, v, type, NULL, 0);
    if (out != NULL && kind == FD_UN_SIGMOID)
        out->raw = v;
    return fd_onnx_define(b, n, 0, out);
}

static fd_onnx_value *cast_to(fd_onnx_builder *b, const fd_onnx_value *v, fd_onnx_type to)
{
    static const double whole64[] = {-0x1p63, -0x1p63, 0x1p63};
    static const double whole32[] = {-0x1p31, -0x1p31, 0x1p31};
    switch (to) {
    case FD_ONNX_BOOL:
        return fd_onnx_unary_of(b, FD_UN_TRUTH, v, to, NULL, 0);
    case FD_ONNX_INT64:
        return fd_onnx_unary_of(b, FD_UN_WHOLE, v, to, whole64, 3);
    case FD_ONNX_INT32:
        return fd_onnx_unary_of(b, FD_UN_WHOLE, v, to, whole32, 3);
    default:
        return fd_onnx_unary_of(b, FD_UN_COPY, v, to, NULL, 0);
    }
}

static fd_onnx_value *cast_constant(fd_onnx_builder *b, const fd_onnx_node *n,
                                    const fd_onnx_value *v, fd_onnx_type to)
{
    if (v->tensor->values == NULL || !is_real(to)) {
        fd_onnx_refuse(b, n, "a constant is cast to float and double only");
        return NULL;
    }
    fd_onnx_tensor *t = fd_onnx_alloc(b->scratch, 1, sizeof *t);
    *t = *v->tensor;
    t->type = to;
    t->values = fd_onnx_alloc(b->scratch, t->n, sizeof *t->values);
    for (uint32_t i = 0; i < t->n; i++) {
        double x = v->tensor->values[i];
        t->values[i] = to == FD_ONNX_FLOAT ? (double)(float)x : x;
    }
    fd_onnx_value *out = fd_onnx_alloc(b->scratch, 1, sizeof *out);
    *out = (fd_onnx_value){.type = to, .tensor = t};
    return out;
}

bool fd_onnx_lower_cast(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    int64_t to = 0;
    fd_onnx_value *v = fd_onnx_in(b, n, 0);
    if (v == NULL || !fd_onnx_attr_int(b, n, "to", &to))
        return false;
    if (to != FD_ONNX_FLOAT && to != FD_ONNX_DOUBLE && to != FD_ONNX_INT64 && to != FD_ONNX_INT32 &&
        to != FD_ONNX_BOOL)
        return fd_onnx_refuse(b, n, "casts to %s are not supported", fd_onnx_type_name(to));
    if (v->tensor != NULL)
        return fd_onnx_define(b, n, 0, cast_constant(b, n, v, (fd_onnx_type)to));
    if ((fd_onnx_type)to == v->type)
        return fd_onnx_define(b, n, 0, fd_onnx_same(b, v));
    fd_onnx_value *out = cast_to(b, v, (fd_onnx_type)to);
    if (out != NULL && is_real(v->type) && is_real(out->type)) {
        out->probabilities = v->probabilities;
        out->raw = v->raw;
    }
    return fd_onnx_define(b, n, 0, out);
}

/* ---- two operands ---- */

/* A constant's columns, as many as its numbers. */
static bool make_columns(fd_onnx_builder *b, const fd_onnx_node *n, fd_onnx_value *v)
{
    const fd_onnx_tensor *t = v->tensor;
    if (t == NULL || v->columns != NULL)
        return true;
    if (t->values == NULL || t->n == 0 || t->rank > 2 || (t->rank == 2 && t->dims[0] != 1))
        return fd_onnx_refuse(b, n, "its constant is not one row of numbers");
    uint32_t *columns = fd_onnx_alloc(b->scratch, t->n, sizeof *columns);
    for (uint32_t i = 0; i < t->n; i++) {
        columns[i] = fd_onnx_const_column(b, t->values[i]);
        if (columns[i] == UINT32_MAX)
            return false;
    }
    v->columns = columns;
    v->k = t->n;
    return true;
}

/* Widths as broadcasting makes them; false after an error. */
static bool common_shape(fd_onnx_builder *b, const fd_onnx_node *n, const fd_onnx_value *x,
                         const fd_onnx_value *y, uint32_t *rank, uint32_t *k)
{
    if (x->tensor != NULL && y->tensor != NULL)
        return fd_onnx_refuse(b, n, "it works on constants only: fold them before saving");
    const fd_onnx_value *rows = x->tensor == NULL ? x : y;
    *rank = rows->rank;
    *k = x->k > y->k ? x->k : y->k;
    bool ranks = x->tensor != NULL || y->tensor != NULL || x->rank == y->rank;
    bool widths = (x->k == *k || x->k == 1) && (y->k == *k || y->k == 1);
    if (!ranks || !widths || (*rank == 1 && *k != 1))
        return fd_onnx_refuse(b, n, "its inputs have %u and %u columns%s", x->k, y->k,
                              ranks ? "" : ", and one is a list");
    return true;
}

static int32_t source_of(const fd_onnx_model *m, uint32_t column)
{
    return column & FD_ONNX_CONST ? FD_ONNX_OF_NONE : m->source[column];
}

static int32_t join_sources(int32_t a, int32_t b)
{
    if (a == FD_ONNX_OF_NONE || a == b)
        return b;
    return b == FD_ONNX_OF_NONE ? a : FD_ONNX_OF_MANY;
}

static bool operands(fd_onnx_builder *b, const fd_onnx_node *n, fd_onnx_value *x, fd_onnx_value *y,
                     int kind, fd_onnx_type *type)
{
    if (!make_columns(b, n, x) || !make_columns(b, n, y))
        return false;
    /* Pow takes an exponent of another type. */
    if (x->type != y->type && kind != FD_BIN_POW)
        return fd_onnx_refuse(b, n, "its inputs are %s and %s", fd_onnx_type_name(x->type),
                              fd_onnx_type_name(y->type));
    *type = kind >= FD_BIN_LT && kind <= FD_BIN_OR ? FD_ONNX_BOOL : x->type;
    if (!is_real(x->type) && (kind == FD_BIN_DIV || kind == FD_BIN_POW))
        return fd_onnx_refuse(b, n, "not supported for %s", fd_onnx_type_name(x->type));
    return true;
}

static fd_onnx_value *combine(fd_onnx_builder *b, const fd_onnx_node *n, fd_onnx_value *x,
                              fd_onnx_value *y, int kind)
{
    fd_onnx_type type = FD_ONNX_FLOAT;
    uint32_t rank = 2, k = 0;
    if (!operands(b, n, x, y, kind, &type) || !common_shape(b, n, x, y, &rank, &k))
        return NULL;
    fd_onnx_value *out = fd_onnx_new(b, type, rank, k);
    if (out == NULL)
        return NULL;
    fd_onnx_step *s = fd_onnx_add(b, FD_STEP_BINARY, kind, 2 * k, k, 0);
    s->to_float = type == FD_ONNX_FLOAT;
    for (uint32_t i = 0; i < k; i++) {
        s->in[i] = x->columns[x->k == 1 ? 0 : i];
        s->in[k + i] = y->columns[y->k == 1 ? 0 : i];
        s->out[i] = out->columns[i];
        b->model->source[s->out[i]] = join_sources(source_of(b->model, s->in[i]),
                                                   source_of(b->model, s->in[k + i]));
    }
    return out;
}

static bool is_one(const fd_onnx_value *v)
{
    return v->tensor != NULL && v->tensor->n == 1 && v->tensor->values != NULL &&
           v->tensor->values[0] == 1;
}

bool fd_onnx_lower_binary(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    fd_onnx_value *sum = fd_onnx_in(b, n, 0);
    if (sum == NULL)
        return false;
    for (uint32_t i = 1; i < n->n_inputs; i++) {
        fd_onnx_value *y = fd_onnx_in(b, n, i);
        if (y == NULL)
            return false;
        /* LightGBM's converter multiplies the probabilities by one. */
        if (kind == FD_BIN_MUL && is_one(y) && sum->tensor == NULL && sum->type == y->type)
            continue;
        sum = combine(b, n, sum, y, kind);
        if (sum == NULL)
            return false;
    }
    return fd_onnx_define(b, n, 0, fd_onnx_same(b, sum));
}

bool fd_onnx_lower_where(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    fd_onnx_value *c = numbers(b, n, 0);
    fd_onnx_value *x = c == NULL ? NULL : fd_onnx_in(b, n, 1);
    fd_onnx_value *y = x == NULL ? NULL : fd_onnx_in(b, n, 2);
    if (y == NULL || !make_columns(b, n, x) || !make_columns(b, n, y))
        return false;
    if (x->type != y->type || (x->tensor == NULL && x->rank != c->rank) ||
        (y->tensor == NULL && y->rank != c->rank))
        return fd_onnx_refuse(b, n, "its inputs are of different types or shapes");
    uint32_t k = c->k > x->k ? c->k : x->k;
    k = y->k > k ? y->k : k;
    if ((c->k != k && c->k != 1) || (x->k != k && x->k != 1) || (y->k != k && y->k != 1) ||
        (c->rank == 1 && k != 1))
        return fd_onnx_refuse(b, n, "its inputs have %u, %u and %u columns", c->k, x->k, y->k);
    fd_onnx_value *out = fd_onnx_new(b, x->type, c->rank, k);
    if (out == NULL)
        return false;
    fd_onnx_step *s = fd_onnx_add(b, FD_STEP_WHERE, 0, 3 * k, k, 0);
    for (uint32_t i = 0; i < k; i++) {
        s->in[i] = c->columns[c->k == 1 ? 0 : i];
        s->in[k + i] = x->columns[x->k == 1 ? 0 : i];
        s->in[2 * k + i] = y->columns[y->k == 1 ? 0 : i];
        s->out[i] = out->columns[i];
    }
    return fd_onnx_define(b, n, 0, out);
}

/* ---- the rest ---- */

static bool clip_bound(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i, double *out)
{
    if (!fd_onnx_has_in(n, i))
        return true;
    const fd_onnx_tensor *t = fd_onnx_constant(b, n, i);
    if (t == NULL)
        return false;
    if (t->n != 1)
        return fd_onnx_refuse(b, n, "a bound is not one number");
    *out = t->values[0];
    return true;
}

bool fd_onnx_lower_clip(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    double bounds[2] = {-INFINITY, INFINITY};
    fd_onnx_value *v = numbers(b, n, 0);
    if (v == NULL || !fd_onnx_attr_float(b, n, "min", &bounds[0]) ||
        !fd_onnx_attr_float(b, n, "max", &bounds[1]) || !clip_bound(b, n, 1, &bounds[0]) ||
        !clip_bound(b, n, 2, &bounds[1]))
        return false;
    return fd_onnx_define(b, n, 0, fd_onnx_unary_of(b, FD_UN_CLIP, v, v->type, bounds, 2));
}

bool fd_onnx_lower_softmax(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    int64_t axis = -1;
    fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    if (v == NULL || !fd_onnx_attr_int(b, n, "axis", &axis))
        return false;
    if ((axis != 1 && axis != -1) || !is_real(v->type))
        return fd_onnx_refuse(b, n, "only over columns of floats (axis 1)");
    fd_onnx_value *out = fd_onnx_row_step(b, v, FD_STEP_SOFTMAX, kind, 2, v->k, 0);
    if (out != NULL)
        out->raw = v;
    return fd_onnx_define(b, n, 0, out);
}

bool fd_onnx_lower_reduce(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    int64_t keep = 1, *axes = NULL;
    uint32_t n_axes = 0;
    fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    if (v == NULL || !fd_onnx_attr_int(b, n, "keepdims", &keep) ||
        !fd_onnx_attr_ints(b, n, "axes", &axes, &n_axes))
        return false;
    double axis = n_axes == 1 ? (double)axes[0] : 0;
    if (fd_onnx_has_in(n, 1)) {
        const fd_onnx_tensor *t = fd_onnx_constant(b, n, 1);
        if (t == NULL)
            return false;
        axis = t->n == 1 ? t->values[0] : 0;
    }
    if ((axis != 1 && axis != -1) || !is_real(v->type))
        return fd_onnx_refuse(b, n, "only over columns of floats (axis 1)");
    fd_onnx_value *out = fd_onnx_row_step(b, v, FD_STEP_REDUCE, kind, keep != 0 ? 2 : 1, 1, 0);
    return fd_onnx_define(b, n, 0, out);
}
