/*
 * Why a condition failed for a row. Mostly a field is null, and which one can be told by a look at
 * its column; only where something else may have failed before it, the condition is evaluated
 * again. One run = one thread.
 */
#include "base/assert.h"
#include "lang/program_int.h"

typedef enum told { FINE, FAILED, UNKNOWN } told;

static told look(const fd_cel_run *r, const fd_node *x, uint32_t row, const char **text);

/* A column whose type says that nothing but a null can be wrong with it. */
static told look_at_column(const fd_cel_run *r, const fd_node *x, uint32_t row, const char **text)
{
    bool plain = x->type == FD_CEL_BOOL || x->type == FD_CEL_INT || x->type == FD_CEL_DOUBLE ||
                 x->type == FD_CEL_STRING || x->type == FD_CEL_BYTES;
    if (x->kind != FD_NODE_COLUMN || !plain || x->optional)
        return UNKNOWN;
    if (fd_node_column(r, x)->valid[row])
        return FINE;
    *text = x->absent;
    return FAILED;
}

static bool is_constant(const fd_node *x, uint8_t type)
{
    return x->kind == FD_NODE_CONST && x->value.kind == type;
}

static told look_at_comparison(const fd_cel_run *r, const fd_node *x, uint32_t row,
                               const char **text)
{
    const fd_node *a = x->args[0], *b = x->args[1];
    if (x->kind == FD_NODE_IN)
        return is_constant(b, FD_CEL_LIST) ? look_at_column(r, a, row, text) : UNKNOWN;
    if (is_constant(b, a->type))
        return look_at_column(r, a, row, text);
    return is_constant(a, b->type) ? look_at_column(r, b, row, text) : UNKNOWN;
}

/* No operand decides, for the whole failed: so it is the leftmost that failed. */
static told look_at_operands(const fd_cel_run *r, const fd_node *x, uint32_t row, const char **text)
{
    told t = FINE;
    for (uint32_t i = 0; i < x->n_args && t == FINE; i++)
        t = look(r, x->args[i], row, text);
    return t;
}

static told look(const fd_cel_run *r, const fd_node *x, uint32_t row, const char **text)
{
    switch (x->kind) {
    case FD_NODE_COLUMN:
        return x->type == FD_CEL_BOOL ? look_at_column(r, x, row, text) : UNKNOWN;
    case FD_NODE_HAS_COLUMN:
        return FINE;
    case FD_NODE_COMPARE:
    case FD_NODE_IN:
        return look_at_comparison(r, x, row, text);
    default: /* && or || in here may be decided, and then nothing in it failed */
        return UNKNOWN;
    }
}

const char *fd_cel_why(fd_cel_run *r, const fd_cel_program *p, uint32_t row)
{
    const fd_node *x = p->root;
    const char *text = NULL;
    bool logic = x->kind == FD_NODE_AND || x->kind == FD_NODE_OR;
    if ((logic ? look_at_operands(r, x, row, &text) : look(r, x, row, &text)) == FAILED)
        return text;
    fd_cel_value v;
    fd_cel_eval(r, p, &row, 1, &v);
    return v.kind == FD_CEL_ERROR ? v.v.text : "no such overload";
}
