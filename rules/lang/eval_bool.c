/*
 * The evaluator for conditions: bytes instead of values, with kernels for what rules mostly are,
 * a column against a constant, joined by && || !. Everything else goes through eval.c; so do the
 * texts of errors, which are asked for row by row.
 */
#include "base/assert.h"
#include "lang/program_int.h"

/* The generic way: values to bytes. */
static void test_values(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                        uint8_t *out)
{
    fd_cel_value *v = fd_run_push_vector(r);
    fd_node_eval(r, x, rows, n, v);
    for (uint32_t i = 0; i < n; i++)
        out[i] = v[i].kind != FD_CEL_BOOL ? FD_CEL_FAILED : v[i].v.b ? FD_CEL_TRUE : FD_CEL_FALSE;
    fd_run_pop_vector(r);
}

#define KERNEL(member, operator)                                                       \
    for (uint32_t i = 0; i < n; i++) {                                                 \
        uint32_t row = rows[i];                                                        \
        bool hit = col->v.member[row] operator k;                                      \
        out[i] = col->valid[row] ? (hit ? FD_CEL_TRUE : FD_CEL_FALSE) : FD_CEL_FAILED; \
    }                                                                                  \
    return true

#define KERNELS(member)     \
    switch (op) {           \
    case FD_OP_LT:          \
        KERNEL(member, <);  \
    case FD_OP_LE:          \
        KERNEL(member, <=); \
    case FD_OP_GT:          \
        KERNEL(member, >);  \
    case FD_OP_GE:          \
        KERNEL(member, >=); \
    case FD_OP_EQ:          \
        KERNEL(member, ==); \
    case FD_OP_NE:          \
        KERNEL(member, !=); \
    default:                \
        FD_UNREACHABLE();   \
    }

static bool compare_ints(const fd_col *col, fd_cel_operator op, int64_t k, const uint32_t *rows,
                         uint32_t n, uint8_t *out)
{
    KERNELS(i)
}

static bool compare_doubles(const fd_col *col, fd_cel_operator op, double k, const uint32_t *rows,
                            uint32_t n, uint8_t *out)
{
    KERNELS(d)
}

static bool equal_strings(const fd_col *col, fd_cel_operator op, fd_str k, const uint32_t *rows,
                          uint32_t n, uint8_t *out)
{
    if (op != FD_OP_EQ && op != FD_OP_NE)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows[i];
        bool hit = col->valid[row] && fd_str_eq(col->v.s[row], k) == (op == FD_OP_EQ);
        out[i] = col->valid[row] ? (hit ? FD_CEL_TRUE : FD_CEL_FALSE) : FD_CEL_FAILED;
    }
    return true;
}

/* The operator seen from the other side: 5 < x is x > 5. */
static fd_cel_operator mirrored(fd_cel_operator op)
{
    switch (op) {
    case FD_OP_LT:
        return FD_OP_GT;
    case FD_OP_LE:
        return FD_OP_GE;
    case FD_OP_GT:
        return FD_OP_LT;
    case FD_OP_GE:
        return FD_OP_LE;
    default:
        return op;
    }
}

/* False when no kernel fits. */
static bool test_compare(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                         uint8_t *out)
{
    const fd_node *c = x->args[0];
    const fd_node *k = x->args[1];
    fd_cel_operator op = (fd_cel_operator)x->op;
    if (c->kind == FD_NODE_CONST && k->kind == FD_NODE_COLUMN) {
        const fd_node *swap = c;
        c = k;
        k = swap;
        op = mirrored(op);
    }
    if (c->kind != FD_NODE_COLUMN || k->kind != FD_NODE_CONST)
        return false;
    FD_ASSERT(c->index < r->batch->n_cols);
    const fd_col *col = r->batch->cols[c->index];
    if (col->type->kind == FD_INT && k->value.kind == FD_CEL_INT)
        return compare_ints(col, op, k->value.v.i, rows, n, out);
    if (col->type->kind == FD_DOUBLE && k->value.kind == FD_CEL_DOUBLE)
        return compare_doubles(col, op, k->value.v.d, rows, n, out);
    if (col->type->kind == FD_STRING && k->value.kind == FD_CEL_STRING)
        return equal_strings(col, op, fd_cel_text(&k->value), rows, n, out);
    return false;
}

static bool test_bool_column(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                             uint8_t *out)
{
    FD_ASSERT(x->index < r->batch->n_cols);
    const fd_col *col = r->batch->cols[x->index];
    if (col->type->kind != FD_BOOL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows[i];
        out[i] = !col->valid[row] ? FD_CEL_FAILED : col->v.b[row] ? FD_CEL_TRUE : FD_CEL_FALSE;
    }
    return true;
}

static void test_has_column(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                            uint8_t *out)
{
    FD_ASSERT(x->index < r->batch->n_cols);
    const fd_col *col = r->batch->cols[x->index];
    for (uint32_t i = 0; i < n; i++)
        out[i] = col->valid[rows[i]] ? FD_CEL_TRUE : FD_CEL_FALSE;
}

static void test_not(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                     uint8_t *out)
{
    static const uint8_t inverse[] = {[FD_CEL_FALSE] = FD_CEL_TRUE,
                                      [FD_CEL_TRUE] = FD_CEL_FALSE,
                                      [FD_CEL_FAILED] = FD_CEL_FAILED};
    fd_node_test(r, x->args[0], rows, n, out);
    for (uint32_t i = 0; i < n; i++)
        out[i] = inverse[out[i]];
}

/* As eval_logic(): decided rows leave, failed ones stay for a later operand to absorb. The first
 * operand sees all rows, so it writes straight into the output. */
static void test_logic(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                       uint8_t *out)
{
    const uint8_t decides = x->kind == FD_NODE_OR ? FD_CEL_TRUE : FD_CEL_FALSE;
    uint8_t got[FD_CEL_CHUNK];
    uint32_t *sel = fd_run_push_selection(r);
    uint32_t *pos = sel + FD_CEL_CHUNK;
    fd_node_test(r, x->args[0], rows, n, out);
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        sel[m] = rows[i];
        pos[m] = i;
        m += out[i] != decides;
    }
    for (uint32_t a = 1; a < x->n_args && m != 0; a++) {
        fd_node_test(r, x->args[a], sel, m, got);
        uint32_t left = 0;
        for (uint32_t i = 0; i < m; i++) {
            uint32_t p = pos[i];
            bool decided = got[i] == decides;
            if (decided || got[i] == FD_CEL_FAILED)
                out[p] = got[i];
            sel[left] = sel[i];
            pos[left] = p;
            left += !decided;
        }
        m = left;
    }
    fd_run_pop_selection(r);
}

void fd_node_test(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n, uint8_t *out)
{
    FD_ASSERT(n <= FD_CEL_CHUNK);
    switch ((fd_node_kind)x->kind) {
    case FD_NODE_AND:
    case FD_NODE_OR:
        test_logic(r, x, rows, n, out);
        return;
    case FD_NODE_NOT:
        test_not(r, x, rows, n, out);
        return;
    case FD_NODE_HAS_COLUMN:
        test_has_column(r, x, rows, n, out);
        return;
    case FD_NODE_COLUMN:
        if (test_bool_column(r, x, rows, n, out))
            return;
        break;
    case FD_NODE_COMPARE:
        if (test_compare(r, x, rows, n, out))
            return;
        break;
    default:
        break;
    }
    test_values(r, x, rows, n, out);
}

void fd_cel_test(fd_cel_run *r, const fd_cel_program *p, const uint32_t *rows, uint32_t n,
                 uint8_t *out)
{
    for (uint32_t i = 0; i < n; i += FD_CEL_CHUNK) {
        uint32_t m = n - i < FD_CEL_CHUNK ? n - i : FD_CEL_CHUNK;
        fd_node_test(r, p->root, rows + i, m, out + i);
    }
    FD_ASSERT(r->used_vectors == 0 && r->used_selections == 0);
}
