/*
 * From nodes to steps: the table of operators, names and their values, columns and steps. One
 * owner while a model loads.
 */
#include <string.h>

#include "base/hash.h"
#include "formats/onnx_int.h"

#define ML "ai.onnx.ml"

typedef struct operator
{
    const char *domain, *op;
    fd_onnx_lower lower;
    int kind;
}
operator;

static const operator operators[] = {
    {"", "Identity", fd_onnx_lower_same, 0},
    {"", "Dropout", fd_onnx_lower_same, 0},
    {ML, "ZipMap", fd_onnx_lower_same, 0},
    {"", "Constant", fd_onnx_lower_constant, 0},
    {"", "Concat", fd_onnx_lower_concat, 0},
    {ML, "FeatureVectorizer", fd_onnx_lower_concat, 1},
    {"", "Reshape", fd_onnx_lower_reshape, 0},
    {"", "Flatten", fd_onnx_lower_reshape, 1},
    {"", "Gather", fd_onnx_lower_gather, 0},
    {ML, "ArrayFeatureExtractor", fd_onnx_lower_extract, 0},
    {"", "Cast", fd_onnx_lower_cast, 0},
    {"", "Abs", fd_onnx_lower_unary, FD_UN_ABS},
    {"", "Neg", fd_onnx_lower_unary, FD_UN_NEG},
    {"", "Exp", fd_onnx_lower_unary, FD_UN_EXP},
    {"", "Log", fd_onnx_lower_unary, FD_UN_LOG},
    {"", "Sqrt", fd_onnx_lower_unary, FD_UN_SQRT},
    {"", "Sigmoid", fd_onnx_lower_unary, FD_UN_SIGMOID},
    {"", "Tanh", fd_onnx_lower_unary, FD_UN_TANH},
    {"", "Relu", fd_onnx_lower_unary, FD_UN_RELU},
    {"", "Floor", fd_onnx_lower_unary, FD_UN_FLOOR},
    {"", "Ceil", fd_onnx_lower_unary, FD_UN_CEIL},
    {"", "Reciprocal", fd_onnx_lower_unary, FD_UN_RECIPROCAL},
    {"", "Not", fd_onnx_lower_unary, FD_UN_NOT},
    {"", "IsNaN", fd_onnx_lower_unary, FD_UN_ISNAN},
    {"", "Clip", fd_onnx_lower_clip, 0},
    {"", "Add", fd_onnx_lower_binary, FD_BIN_ADD},
    {"", "Sum", fd_onnx_lower_binary, FD_BIN_ADD},
    {"", "Sub", fd_onnx_lower_binary, FD_BIN_SUB},
    {"", "Mul", fd_onnx_lower_binary, FD_BIN_MUL},
    {"", "Div", fd_onnx_lower_binary, FD_BIN_DIV},
    {"", "Pow", fd_onnx_lower_binary, FD_BIN_POW},
    {"", "Max", fd_onnx_lower_binary, FD_BIN_MAX},
    {"", "Min", fd_onnx_lower_binary, FD_BIN_MIN},
    {"", "Less", fd_onnx_lower_binary, FD_BIN_LT},
    {"", "Greater", fd_onnx_lower_binary, FD_BIN_GT},
    {"", "LessOrEqual", fd_onnx_lower_binary, FD_BIN_LE},
    {"", "GreaterOrEqual", fd_onnx_lower_binary, FD_BIN_GE},
    {"", "Equal", fd_onnx_lower_binary, FD_BIN_EQ},
    {"", "And", fd_onnx_lower_binary, FD_BIN_AND},
    {"", "Or", fd_onnx_lower_binary, FD_BIN_OR},
    {"", "Where", fd_onnx_lower_where, 0},
    {"", "Softmax", fd_onnx_lower_softmax, FD_SOFTMAX},
    {"", "LogSoftmax", fd_onnx_lower_softmax, FD_SOFTMAX_LOG},
    {"", "ReduceSum", fd_onnx_lower_reduce, FD_REDUCE_SUM},
    {"", "ReduceMean", fd_onnx_lower_reduce, FD_REDUCE_MEAN},
    {"", "ReduceMax", fd_onnx_lower_reduce, FD_REDUCE_MAX},
    {"", "ReduceMin", fd_onnx_lower_reduce, FD_REDUCE_MIN},
    {"", "MatMul", fd_onnx_lower_matmul, 0},
    {"", "Gemm", fd_onnx_lower_matmul, 1},
    {ML, "Scaler", fd_onnx_lower_scaler, 0},
    {ML, "Imputer", fd_onnx_lower_imputer, 0},
    {ML, "Binarizer", fd_onnx_lower_binarizer, 0},
    {ML, "Normalizer", fd_onnx_lower_normalizer, 0},
    {ML, "LabelEncoder", fd_onnx_lower_labels, 0},
    {ML, "LinearClassifier", fd_onnx_lower_linear, 1},
    {ML, "LinearRegressor", fd_onnx_lower_linear, 0},
    {ML, "TreeEnsembleClassifier", fd_onnx_lower_trees, 1},
    {ML, "TreeEnsembleRegressor", fd_onnx_lower_trees, 0},
    {ML, "TreeEnsemble", fd_onnx_lower_trees5, 0},
};

enum { N_OPERATORS = sizeof operators / sizeof *operators };

/* Refused trees and linear models are not for ONNX Runtime either, unless the manifest says so:
 * most are refused because its answer is an accident. */
static bool predicts(const operator* o)
{
    return o->lower == fd_onnx_lower_trees || o->lower == fd_onnx_lower_trees5 ||
           o->lower == fd_onnx_lower_linear;
}

bool fd_onnx_lower_node(fd_onnx_builder *b, const fd_onnx_node *n)
{
    bool ml = fd_str_eq_c(n->domain, ML);
    for (int i = 0; i < N_OPERATORS; i++) {
        if (!fd_str_eq_c(n->op, operators[i].op) || !fd_str_eq_c(n->domain, operators[i].domain))
            continue;
        if ((ml ? b->g.ml_opset : b->g.opset) == 0)
            return fd_onnx_refuse(b, n, "the file imports no opset of its domain");
        if (operators[i].lower(b, n, operators[i].kind))
            return true;
        b->beyond = !predicts(&operators[i]);
        return false;
    }
    b->beyond = true;
    if (!ml && n->domain.n > 0)
        return fd_onnx_refuse(b, n, "this domain is not supported; only ai.onnx and " ML " are");
    return fd_onnx_refuse(b, n, "this operator is not supported (opset %lld)",
                          (long long)(ml ? b->g.ml_opset : b->g.opset));
}

/* ---- names ---- */

fd_onnx_name *fd_onnx_find(fd_onnx_builder *b, fd_str name)
{
    uint32_t i = (uint32_t)fd_hash64(name.p, name.n, 0) & (b->n_slots - 1);
    while (b->names[i].name.p != NULL && !fd_str_eq(b->names[i].name, name))
        i = (i + 1) & (b->n_slots - 1);
    b->names[i].name = name;
    return &b->names[i];
}

bool fd_onnx_has_in(const fd_onnx_node *n, uint32_t i)
{
    return i < n->n_inputs && n->inputs[i].n > 0;
}

fd_onnx_value *fd_onnx_in(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i)
{
    if (!fd_onnx_has_in(n, i)) {
        fd_onnx_refuse(b, n, "input %u is missing", i);
        return NULL;
    }
    const fd_onnx_name *name = fd_onnx_find(b, n->inputs[i]);
    fd_onnx_value *v = name->value;
    if (name->is_label)
        fd_onnx_refuse(b, n, "its input \"" FD_STR_FMT "\" is a class label: not supported",
                       FD_STR_ARG(n->inputs[i]));
    else if (v == NULL)
        fd_onnx_refuse(b, n,
                       "its input \"" FD_STR_FMT "\" is not made by anything before it (a cycle, "
                       "or nodes out of order)",
                       FD_STR_ARG(n->inputs[i]));
    return v;
}

fd_onnx_value *fd_onnx_matrix(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i)
{
    fd_onnx_value *v = fd_onnx_in(b, n, i);
    if (v == NULL || (v->tensor == NULL && v->rank == 2))
        return v;
    fd_onnx_refuse(b, n, "its input \"" FD_STR_FMT "\" is %s, not columns of an input",
                   FD_STR_ARG(n->inputs[i]), v->tensor != NULL ? "a constant" : "a list");
    return NULL;
}

const fd_onnx_tensor *fd_onnx_constant(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i)
{
    fd_onnx_value *v = fd_onnx_in(b, n, i);
    if (v == NULL)
        return NULL;
    if (v->tensor == NULL || v->tensor->values == NULL) {
        fd_onnx_refuse(b, n, "its input \"" FD_STR_FMT "\" is not a constant of numbers",
                       FD_STR_ARG(n->inputs[i]));
        return NULL;
    }
    return v->tensor;
}

bool fd_onnx_define(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i, fd_onnx_value *v)
{
    if (v == NULL)
        return false;
    if (i >= n->n_outputs || n->outputs[i].n == 0)
        return fd_onnx_refuse(b, n, "output %u is missing", i);
    fd_onnx_name *name = fd_onnx_find(b, n->outputs[i]);
    if (name->value != NULL)
        return fd_onnx_refuse(b, n, "\"" FD_STR_FMT "\" is defined twice",
                              FD_STR_ARG(n->outputs[i]));
    name->value = v;
    return true;
}

bool fd_onnx_define_classes(fd_onnx_builder *b, const fd_onnx_node *n, fd_onnx_value *v)
{
    if (v != NULL)
        v->probabilities = true;
    if (n->n_outputs > 0 && n->outputs[0].n > 0)
        fd_onnx_find(b, n->outputs[0])->is_label = true;
    return fd_onnx_define(b, n, 1, v);
}

/* ---- columns and steps ---- */

static void *grow(fd_arena *arena, void *old, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    uint32_t more = *cap == 0 ? 64 : *cap * 2;
    void *p = fd_onnx_alloc(arena, more, size);
    if (n > 0)
        memcpy(p, old, n * size);
    *cap = more;
    return p;
}

fd_onnx_value *fd_onnx_new(fd_onnx_builder *b, fd_onnx_type type, uint32_t rank, uint32_t k)
{
    fd_onnx_model *m = b->model;
    if (k > FD_ONNX_MAX_COLUMNS || m->n_columns + k > FD_ONNX_MAX_COLUMNS) {
        fd_onnx_error(b, "more than %d columns of numbers are needed", FD_ONNX_MAX_COLUMNS);
        return NULL;
    }
    fd_onnx_value *v = fd_onnx_alloc(b->scratch, 1, sizeof *v);
    *v = (fd_onnx_value){.type = type, .rank = rank, .k = k};
    v->columns = fd_onnx_alloc(b->scratch, k, sizeof *v->columns);
    for (uint32_t i = 0; i < k; i++) {
        m->source = grow(m->arena, m->source, m->n_columns, &b->cap_columns, sizeof *m->source);
        m->source[m->n_columns] = FD_ONNX_OF_MANY;
        v->columns[i] = m->n_columns++;
    }
    return v;
}

fd_onnx_value *fd_onnx_same(fd_onnx_builder *b, const fd_onnx_value *v)
{
    fd_onnx_value *copy = fd_onnx_alloc(b->scratch, 1, sizeof *copy);
    *copy = *v;
    return copy;
}

uint32_t fd_onnx_const_column(fd_onnx_builder *b, double value)
{
    fd_onnx_model *m = b->model;
    if (m->n_consts == FD_ONNX_MAX_CONSTS) {
        fd_onnx_error(b, "more than %d numbers in constants of sums and products",
                      FD_ONNX_MAX_CONSTS);
        return UINT32_MAX;
    }
    m->consts = grow(m->arena, m->consts, m->n_consts, &b->cap_consts, sizeof *m->consts);
    double *block = fd_onnx_alloc(m->arena, FD_ONNX_BLOCK, sizeof *block);
    for (int i = 0; i < FD_ONNX_BLOCK; i++)
        block[i] = value;
    m->consts[m->n_consts] = block;
    return FD_ONNX_CONST | m->n_consts++;
}

fd_onnx_step *fd_onnx_add(fd_onnx_builder *b, fd_onnx_op op, int kind, uint32_t n_in,
                          uint32_t n_out, uint32_t n_params)
{
    fd_onnx_model *m = b->model;
    m->steps = grow(m->arena, m->steps, m->n_steps, &b->cap_steps, sizeof *m->steps);
    fd_onnx_step *s = &m->steps[m->n_steps++];
    *s = (fd_onnx_step){.op = op, .kind = kind, .n_in = n_in, .n_out = n_out, .n_params = n_params};
    s->in = fd_onnx_alloc(m->arena, n_in, sizeof *s->in);
    s->out = fd_onnx_alloc(m->arena, n_out, sizeof *s->out);
    s->params = fd_onnx_alloc(m->arena, n_params, sizeof *s->params);
    m->max_in = n_in > m->max_in ? n_in : m->max_in;
    m->max_out = n_out > m->max_out ? n_out : m->max_out;
    return s;
}

fd_onnx_value *fd_onnx_unary_of(fd_onnx_builder *b, fd_onnx_unary kind, const fd_onnx_value *v,
                                fd_onnx_type type, const double *params, uint32_t n_params)
{
    fd_onnx_value *out = fd_onnx_new(b, type, v->rank, v->k);
    if (out == NULL)
        return NULL;
    fd_onnx_step *s = fd_onnx_add(b, FD_STEP_UNARY, (int)kind, v->k, v->k, n_params);
    s->to_float = type == FD_ONNX_FLOAT;
    memcpy(s->in, v->columns, v->k * sizeof *s->in);
    memcpy(s->out, out->columns, v->k * sizeof *s->out);
    if (n_params > 0)
        memcpy(s->params, params, n_params * sizeof *params);
    for (uint32_t i = 0; i < v->k; i++) {
        uint32_t c = v->columns[i];
        b->model->source[out->columns[i]] = c & FD_ONNX_CONST ? FD_ONNX_OF_NONE
                                                              : b->model->source[c];
    }
    return out;
}

fd_onnx_value *fd_onnx_with_constant(fd_onnx_builder *b, fd_onnx_binary kind,
                                     const fd_onnx_value *x, const double *constants, bool one)
{
    fd_onnx_value *out = fd_onnx_row_step(b, x, FD_STEP_BINARY, (int)kind, x->rank, x->k, 0);
    if (out == NULL)
        return NULL;
    fd_onnx_step *s = &b->model->steps[b->model->n_steps - 1];
    s->n_in = 2 * x->k;
    s->in = fd_onnx_alloc(b->model->arena, s->n_in, sizeof *s->in);
    b->model->max_in = s->n_in > b->model->max_in ? s->n_in : b->model->max_in;
    for (uint32_t i = 0; i < x->k; i++) {
        s->in[i] = x->columns[i];
        s->in[x->k + i] = one && i > 0 ? s->in[x->k]
                                       : fd_onnx_const_column(b, constants[one ? 0 : i]);
        if (s->in[x->k + i] == UINT32_MAX)
            return NULL;
    }
    return out;
}

fd_onnx_value *fd_onnx_row_step(fd_onnx_builder *b, const fd_onnx_value *v, fd_onnx_op op, int kind,
                                uint32_t rank, uint32_t n_out, uint32_t n_params)
{
    fd_onnx_value *out = fd_onnx_new(b, v->type, rank, n_out);
    if (out == NULL)
        return NULL;
    fd_onnx_step *s = fd_onnx_add(b, op, kind, v->k, n_out, n_params);
    s->to_float = v->type == FD_ONNX_FLOAT;
    memcpy(s->in, v->columns, v->k * sizeof *s->in);
    memcpy(s->out, out->columns, n_out * sizeof *s->out);
    return out;
}
