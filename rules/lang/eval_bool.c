/*
 * The evaluator for conditions: bytes instead of values, with kernels for what rules mostly are,
 * a column against a constant or its like, a look-up in a list, a variable, joined by && || !.
 * Everything else goes through eval.c; so do the
 * texts of errors, which are asked for row by row.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/program_int.h"

static uint8_t as_byte(const fd_cel_value *v)
{
    if (v->kind != FD_CEL_BOOL)
        return FD_CEL_FAILED;
    return v->v.b ? FD_CEL_TRUE : FD_CEL_FALSE;
}

/* The generic way: values to bytes. */
static void test_values(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                        uint8_t *out)
{
    fd_cel_value *v = fd_run_push_vector(r);
    fd_node_eval(r, x, rows, n, v);
    for (uint32_t i = 0; i < n; i++)
        out[i] = as_byte(&v[i]);
    fd_run_pop_vector(r);
}

_Static_assert(FD_CEL_FALSE == 0 && FD_CEL_TRUE == 1 && FD_CEL_FAILED == 2, "outcome() adds up");

/* `valid` is 0 or 1, and a null's value is zeroed: so there is nothing to branch on. */
static inline uint8_t outcome(uint8_t valid, bool hit)
{
    return (uint8_t)((valid & (uint8_t)hit) | (valid ^ 1) << 1);
}

/* Rows in a row go through the vector units. */
#define KERNEL(member, operator)                                                      \
    if (rows == r->dense) {                                                           \
        for (uint32_t i = 0, row = rows[0]; i < n; i++, row++)                        \
            out[i] = outcome(col->valid[row], col->v.member[row] operator k);         \
    } else {                                                                          \
        for (uint32_t i = 0; i < n; i++)                                              \
            out[i] = outcome(col->valid[rows[i]], col->v.member[rows[i]] operator k); \
    }                                                                                 \
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

static bool compare_ints(const fd_cel_run *r, const fd_col *col, fd_cel_operator op, int64_t k,
                         const uint32_t *rows, uint32_t n, uint8_t *out)
{
    KERNELS(i)
}

static bool compare_doubles(const fd_cel_run *r, const fd_col *col, fd_cel_operator op, double k,
                            const uint32_t *rows, uint32_t n, uint8_t *out)
{
    KERNELS(d)
}

/* Codes of one length are common: their first byte tells most of them apart. */
static inline bool equal_text(fd_str a, fd_str b)
{
    return a.n == b.n && (a.n == 0 || (a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0));
}

static bool equal_strings(const fd_col *col, fd_cel_operator op, fd_str k, const uint32_t *rows,
                          uint32_t n, uint8_t *out)
{
    if (op != FD_OP_EQ && op != FD_OP_NE)
        return false;
    for (uint32_t i = 0; i < n; i++)
        out[i] = outcome(col->valid[rows[i]], equal_text(col->v.s[rows[i]], k) == (op == FD_OP_EQ));
    return true;
}

/* Two columns of strings. */
static bool equal_columns(const fd_col *a, const fd_col *b, fd_cel_operator op,
                          const uint32_t *rows, uint32_t n, uint8_t *out)
{
    if (a->type->kind != FD_STRING || b->type->kind != FD_STRING ||
        (op != FD_OP_EQ && op != FD_OP_NE))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows[i];
        out[i] = outcome(a->valid[row] & b->valid[row],
                         equal_text(a->v.s[row], b->v.s[row]) == (op == FD_OP_EQ));
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
    if (c->kind != FD_NODE_COLUMN)
        return false;
    const fd_col *col = fd_node_column(r, c);
    if (k->kind == FD_NODE_COLUMN)
        return equal_columns(col, fd_node_column(r, k), op, rows, n, out);
    if (k->kind != FD_NODE_CONST)
        return false;
    if (col->type->kind == FD_INT && k->value.kind == FD_CEL_INT)
        return compare_ints(r, col, op, k->value.v.i, rows, n, out);
    if (col->type->kind == FD_DOUBLE && k->value.kind == FD_CEL_DOUBLE)
        return compare_doubles(r, col, op, k->value.v.d, rows, n, out);
    if (col->type->kind == FD_STRING && k->value.kind == FD_CEL_STRING)
        return equal_strings(col, op, fd_cel_text(&k->value), rows, n, out);
    return false;
}

static bool test_bool_column(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                             uint8_t *out)
{
    const fd_col *col = fd_node_column(r, x);
    if (col->type->kind != FD_BOOL)
        return false;
    for (uint32_t i = 0; i < n; i++)
        out[i] = outcome(col->valid[rows[i]], col->v.b[rows[i]] != 0);
    return true;
}

static void test_has_column(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                            uint8_t *out)
{
    const fd_col *col = fd_node_column(r, x);
    for (uint32_t i = 0; i < n; i++)
        out[i] = col->valid[rows[i]];
}

/* A column in a constant list or a named one. */
static bool test_in(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n, uint8_t *out)
{
    const fd_node *of = x->args[0], *where = x->args[1];
    if (of->kind != FD_NODE_COLUMN || where->kind != FD_NODE_CONST ||
        where->value.kind == FD_CEL_ERROR)
        return false;
    const fd_col *col = fd_node_column(r, of);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value v = fd_cel_from_column(col, rows[i], of->absent);
        if (v.kind != FD_CEL_ERROR)
            v = fd_node_in(&v, &where->value);
        out[i] = as_byte(&v);
    }
    return true;
}

/* As eval_variable(): lazy, and at most once per row. */
static bool test_variable(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                          uint8_t *out)
{
    uint32_t slot = x->index;
    FD_ASSERT(slot < r->n_variables && r->variables[slot] != NULL);
    if (r->variables[slot]->type->kind != FD_CEL_BOOL)
        return false;
    if (r->tested[slot] == NULL) {
        r->tested[slot] = malloc(r->max_rows);
        r->tested_batch[slot] = calloc(r->max_rows, sizeof(uint32_t));
        FD_ALLOCATED(r->tested[slot]);
        FD_ALLOCATED(r->tested_batch[slot]);
    }
    uint8_t fresh[FD_CEL_CHUNK];
    uint8_t *tested = r->tested[slot];
    uint32_t *missing = fd_run_push_selection(r);
    uint32_t m = fd_run_unmarked(r, r->tested_batch[slot], rows, n, missing);
    if (m != 0) {
        fd_frame frame = fd_run_enter(r, r->variables[slot]);
        fd_node_test(r, r->variables[slot]->root, m == n ? rows : missing, m, fresh);
        fd_run_leave(r, &frame);
    }
    for (uint32_t i = 0; i < m; i++)
        tested[missing[i]] = fresh[i];
    fd_run_pop_selection(r);
    for (uint32_t i = 0; i < n; i++)
        out[i] = tested[rows[i]];
    return true;
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

/* The rows that an operand did not decide: their numbers and their places in the output. */
static uint32_t undecided(const uint8_t *got, uint8_t decides, const uint32_t *rows, uint32_t n,
                          uint32_t *sel, uint32_t *pos)
{
    uint32_t m = 0;
    if (decides == FD_CEL_FALSE) {
        for (uint32_t i = fd_cel_next(got, 0, n); i < n; i = fd_cel_next(got, i + 1, n)) {
            sel[m] = rows[i];
            pos[m++] = i;
        }
        return m;
    }
    for (uint32_t i = 0; i < n; i++) {
        sel[m] = rows[i];
        pos[m] = i;
        m += got[i] != decides;
    }
    return m;
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
    uint32_t m = undecided(out, decides, rows, n, sel, pos);
    for (uint32_t a = 1; a < x->n_args && m != 0; a++) {
        fd_node_test(r, x->args[a], m == n ? rows : sel, m, got);
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
    case FD_NODE_IN:
        if (test_in(r, x, rows, n, out))
            return;
        break;
    case FD_NODE_VARIABLE:
        if (test_variable(r, x, rows, n, out))
            return;
        break;
    default:
        break;
    }
    test_values(r, x, rows, n, out);
}

static bool is_piece_of_all(const fd_cel_run *r, const uint32_t *rows, uint32_t n)
{
    uintptr_t all = (uintptr_t)r->all, at = (uintptr_t)rows;
    return at >= all && at + n * sizeof *rows <= all + r->max_rows * sizeof *rows;
}

void fd_cel_test(fd_cel_run *r, const fd_cel_program *p, const uint32_t *rows, uint32_t n,
                 uint8_t *out)
{
    fd_frame frame = fd_run_enter(r, p);
    for (uint32_t i = 0; i < n; i += FD_CEL_CHUNK) {
        uint32_t m = n - i < FD_CEL_CHUNK ? n - i : FD_CEL_CHUNK;
        r->dense = is_piece_of_all(r, rows + i, m) ? rows + i : NULL;
        fd_node_test(r, p->root, rows + i, m, out + i);
    }
    fd_run_leave(r, &frame);
    r->dense = NULL;
    FD_ASSERT(r->used_vectors == 0 && r->used_selections == 0);
}
