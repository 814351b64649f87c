/*
 * ONNX operators that only rearrange columns: nothing of them is left at run time. One owner.
 */
#include "formats/onnx_int.h"

bool fd_onnx_lower_same(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    fd_onnx_value *v = fd_onnx_in(b, n, 0);
    return v != NULL && fd_onnx_define(b, n, 0, fd_onnx_same(b, v));
}

bool fd_onnx_lower_constant(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    fd_onnx_value *v = fd_onnx_alloc(b->scratch, 1, sizeof *v);
    if (!fd_onnx_attr_tensor(b, n, "value", &v->tensor))
        return false;
    if (v->tensor == NULL)
        return fd_onnx_refuse(b, n, "only constants that are tensors are supported");
    v->type = (fd_onnx_type)v->tensor->type;
    return fd_onnx_define(b, n, 0, v);
}

/* Kind 1: FeatureVectorizer, whose result is float whatever its inputs are. */
bool fd_onnx_lower_concat(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    int64_t axis = kind == 1 ? 1 : -2;
    if (!fd_onnx_attr_int(b, n, "axis", &axis))
        return false;
    if (axis != 1 && axis != -1)
        return fd_onnx_refuse(b, n, "only columns can be joined (axis 1)");
    uint64_t k = 0;
    fd_onnx_value *first = NULL;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        fd_onnx_value *v = fd_onnx_matrix(b, n, i);
        if (v == NULL)
            return false;
        first = first == NULL ? v : first;
        k += v->k;
        if (kind == 1 ? v->type != FD_ONNX_FLOAT : v->type != first->type)
            return fd_onnx_refuse(b, n, "its inputs are of different types");
    }
    if (first == NULL || k > FD_ONNX_MAX_COLUMNS)
        return fd_onnx_refuse(b, n, "no columns, or more than %d", FD_ONNX_MAX_COLUMNS);
    fd_onnx_value *out = fd_onnx_alloc(b->scratch, 1, sizeof *out);
    *out = (fd_onnx_value){.type = first->type, .rank = 2, .k = (uint32_t)k};
    out->columns = fd_onnx_alloc(b->scratch, k, sizeof *out->columns);
    k = 0;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const fd_onnx_value *v = fd_onnx_matrix(b, n, i);
        for (uint32_t j = 0; j < v->k; j++)
            out->columns[k++] = v->columns[j];
    }
    return fd_onnx_define(b, n, 0, out);
}

/* What the shape [a, b] or [a] asks for a value of k columns; 0: something else. */
static uint32_t new_rank(const fd_onnx_value *v, const fd_onnx_tensor *shape)
{
    bool rows = shape->n >= 1 && (shape->values[0] == -1 || shape->values[0] == 0);
    if (rows && shape->n == 1)
        return v->k == 1 ? 1 : 0;
    if (!rows || shape->n != 2)
        return 0;
    bool same = shape->values[1] == v->k || (shape->values[1] == -1 && shape->values[0] == 0) ||
                (shape->values[1] == 0 && v->rank == 2);
    return same ? 2 : 0;
}

/* Kind 1: Flatten. */
bool fd_onnx_lower_reshape(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    fd_onnx_value *v = fd_onnx_in(b, n, 0);
    if (v == NULL)
        return false;
    if (v->tensor != NULL)
        return fd_onnx_refuse(b, n, "constants are not reshaped");
    int64_t axis = 1;
    uint32_t rank = 2;
    if (kind == 1) {
        if (!fd_onnx_attr_int(b, n, "axis", &axis))
            return false;
        rank = axis == 1 || axis == -1 ? 2 : 0;
    } else {
        const fd_onnx_tensor *shape = fd_onnx_constant(b, n, 1);
        if (shape == NULL)
            return false;
        rank = new_rank(v, shape);
    }
    if (rank == 0)
        return fd_onnx_refuse(b, n, "only shapes that keep rows and columns are supported");
    fd_onnx_value *out = fd_onnx_same(b, v);
    out->rank = rank;
    return fd_onnx_define(b, n, 0, out);
}

static bool take(fd_onnx_builder *b, const fd_onnx_node *n, const fd_onnx_value *v,
                 const fd_onnx_tensor *which, bool keep_list)
{
    if (which->n == 0 || which->n > FD_ONNX_MAX_COLUMNS || which->type == FD_ONNX_FLOAT)
        return fd_onnx_refuse(b, n, "its indices are not whole numbers, none or too many");
    fd_onnx_value *out = fd_onnx_same(b, v);
    out->k = which->n;
    out->rank = keep_list && which->rank == 0 ? 1 : 2;
    out->raw = NULL;
    out->columns = fd_onnx_alloc(b->scratch, which->n, sizeof *out->columns);
    for (uint32_t i = 0; i < which->n; i++) {
        double index = which->values[i] < 0 ? which->values[i] + v->k : which->values[i];
        if (index < 0 || index >= v->k)
            return fd_onnx_refuse(b, n, "column %g of %u", which->values[i], v->k);
        out->columns[i] = v->columns[(uint32_t)index];
    }
    return fd_onnx_define(b, n, 0, out);
}

bool fd_onnx_lower_gather(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    int64_t axis = 0;
    const fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    const fd_onnx_tensor *which = v == NULL ? NULL : fd_onnx_constant(b, n, 1);
    if (which == NULL || !fd_onnx_attr_int(b, n, "axis", &axis))
        return false;
    if ((axis != 1 && axis != -1) || which->rank > 1)
        return fd_onnx_refuse(b, n, "only columns can be gathered (axis 1)");
    return take(b, n, v, which, true);
}

bool fd_onnx_lower_extract(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    (void)kind;
    const fd_onnx_value *v = fd_onnx_matrix(b, n, 0);
    const fd_onnx_tensor *which = v == NULL ? NULL : fd_onnx_constant(b, n, 1);
    return which != NULL && take(b, n, v, which, false);
}
