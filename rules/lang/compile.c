/*
 * Checked tree to program, with constants folded: a node whose arguments are all constant is
 * evaluated here by the evaluator itself, so folding cannot disagree with it. Errors fold to
 * constant errors; && and || drop what cannot matter. One owner at a time.
 */
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"
#include "lang/program_int.h"

typedef struct compiler {
    fd_arena *arena;
    const fd_cel_source *src;
    fd_diags *diags;
    fd_cel_run *run; /* for constants; its results are copied out */
    uint64_t cost;
} compiler;

static const fd_node *emit(compiler *c, const fd_ast *a);

static fd_str copy_str(compiler *c, fd_str s)
{
    fd_str copy = fd_arena_str(c->arena, s);
    FD_ALLOCATED(copy.p);
    return copy;
}

/* Out of the run's memory into the program's. */
static fd_cel_value keep(compiler *c, const fd_cel_value *v)
{
    fd_cel_value k = *v;
    if (v->kind == FD_CEL_STRING || v->kind == FD_CEL_BYTES) {
        k.v.p = copy_str(c, fd_cel_text(v)).p;
    } else if (v->kind == FD_CEL_LIST || v->kind == FD_CEL_MAP) {
        FD_ASSERT(!v->in_column);
        uint32_t n = v->kind == FD_CEL_MAP ? 2 * v->n : v->n;
        fd_cel_value *items = fd_arena_alloc(c->arena, (n + 1) * sizeof *items);
        FD_ALLOCATED(items);
        for (uint32_t i = 0; i < n; i++)
            items[i] = keep(c, &v->v.list[i]);
        k.v.list = items;
    }
    return k;
}

static fd_node *new_node(compiler *c, const fd_ast *a, fd_node_kind kind)
{
    fd_node *x = fd_arena_zalloc(c->arena, sizeof *x);
    FD_ALLOCATED(x);
    x->kind = (uint8_t)kind;
    x->op = (uint8_t)a->op;
    x->type = (uint8_t)a->type->kind;
    x->index = a->index;
    x->batch = a->batch;
    x->overloads = a->overloads;
    return x;
}

static const fd_node *constant(compiler *c, const fd_ast *a, const fd_cel_value *v)
{
    fd_node *x = new_node(c, a, FD_NODE_CONST);
    x->value = keep(c, v);
    return x;
}

static uint32_t cost_of(const fd_node *x)
{
    uint32_t cost = 1;
    for (uint32_t i = 0; i < x->overloads.n && x->kind == FD_NODE_CALL; i++) {
        if (x->overloads.first[i].cost > cost)
            cost = x->overloads.first[i].cost;
    }
    if (x->kind == FD_NODE_IN && x->args[1]->kind == FD_NODE_CONST &&
        x->args[1]->value.kind == FD_CEL_LIST)
        cost += x->args[1]->value.n;
    return cost;
}

/* Whether the value is the same for every row: constants all the way down. */
static bool foldable(const fd_node *x)
{
    switch (x->kind) {
    case FD_NODE_COLUMN:
    case FD_NODE_HAS_COLUMN:
    case FD_NODE_VARIABLE:
        return false;
    default:
        break;
    }
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (x->args[i]->kind != FD_NODE_CONST)
            return false;
    }
    return true;
}

static const fd_node *fold(compiler *c, const fd_ast *a, fd_node *x)
{
    if (!foldable(x)) {
        c->cost += cost_of(x);
        return x;
    }
    const uint32_t row = 0;
    fd_cel_value v;
    fd_cel_run_begin(c->run, NULL, NULL);
    fd_node_eval(c->run, x, &row, 1, &v);
    bool inherited = false; /* told where it arose */
    for (uint32_t i = 0; i < x->n_args; i++)
        inherited |= x->args[i]->value.kind == FD_CEL_ERROR;
    if (v.kind == FD_CEL_ERROR && !inherited)
        fd_cel_report(c->src, c->diags, FD_WARNING, a->at, a->width, NULL, "this always fails: %s",
                      v.v.text);
    return constant(c, a, &v);
}

static void emit_args(compiler *c, const fd_ast *a, fd_node *x)
{
    const fd_node **args = fd_arena_alloc(c->arena, (a->n_args + 1) * sizeof *args);
    FD_ALLOCATED(args);
    for (uint32_t i = 0; i < a->n_args; i++)
        args[i] = emit(c, a->args[i]);
    x->args = args;
    x->n_args = a->n_args;
}

/* The text of "event.ip is absent", made once, so that a failing row costs no formatting. */
static const char *absent_text(compiler *c, const fd_ast *select)
{
    fd_str text = {c->src->text.p + select->from, select->to - select->from};
    if (text.n > 120)
        text = select->name;
    return fd_arena_printf(c->arena, FD_STR_FMT " is absent", FD_STR_ARG(text));
}

static const fd_node *emit_name(compiler *c, const fd_ast *a)
{
    if (a->ref == FD_REF_SET) {
        fd_cel_value set = {.kind = FD_CEL_SET, .v.set = a->set};
        return constant(c, a, &set);
    }
    if (a->ref == FD_REF_VARIABLE)
        return fold(c, a, new_node(c, a, FD_NODE_VARIABLE));
    bool is_column = a->ref == FD_REF_COLUMN;
    FD_ASSERT(is_column || a->ref == FD_REF_FIELD);
    fd_node *x = new_node(c, a, is_column ? FD_NODE_COLUMN : FD_NODE_FIELD);
    x->absent = absent_text(c, a);
    if (!is_column) {
        x->name = copy_str(c, a->name);
        emit_args(c, a, x);
    }
    return fold(c, a, x);
}

static const fd_node *emit_has(compiler *c, const fd_ast *a)
{
    const fd_ast *field = a->args[0];
    bool is_column = field->ref == FD_REF_COLUMN;
    fd_node *x = new_node(c, a, is_column ? FD_NODE_HAS_COLUMN : FD_NODE_HAS_FIELD);
    x->index = field->index;
    x->batch = field->batch;
    if (!is_column) {
        x->name = copy_str(c, field->name);
        emit_args(c, field, x);
    }
    return fold(c, a, x);
}

static bool is_const_bool(const fd_node *x, bool b)
{
    return x->kind == FD_NODE_CONST && x->value.kind == FD_CEL_BOOL && x->value.v.b == b;
}

/* false && x is false whatever x does; true && x is x, and the same mirrored for ||. */
static const fd_node *emit_logic(compiler *c, const fd_ast *a)
{
    bool decides = a->kind == FD_AST_OR;
    fd_node *x = new_node(c, a, decides ? FD_NODE_OR : FD_NODE_AND);
    emit_args(c, a, x);
    const fd_node **kept = fd_arena_alloc(c->arena, (x->n_args + 1) * sizeof *kept);
    FD_ALLOCATED(kept);
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (is_const_bool(x->args[i], decides))
            return x->args[i];
        if (!is_const_bool(x->args[i], !decides))
            kept[n++] = x->args[i];
    }
    if (n == 0) {
        fd_cel_value v = fd_cel_bool(!decides);
        return constant(c, a, &v);
    }
    /* A lone operand of type dyn still has to be a bool: only a typed one stands for itself. */
    if (n == 1 && kept[0]->type == FD_CEL_BOOL)
        return kept[0];
    x->args = kept;
    x->n_args = n;
    return fold(c, a, x);
}

static const fd_node *emit_cond(compiler *c, const fd_ast *a)
{
    fd_node *x = new_node(c, a, FD_NODE_COND);
    emit_args(c, a, x);
    if (is_const_bool(x->args[0], true))
        return x->args[1];
    if (is_const_bool(x->args[0], false))
        return x->args[2];
    return fold(c, a, x);
}

static fd_node_kind operator_node(fd_cel_operator op)
{
    switch (op) {
    case FD_OP_NOT:
        return FD_NODE_NOT;
    case FD_OP_LT:
    case FD_OP_LE:
    case FD_OP_GT:
    case FD_OP_GE:
    case FD_OP_EQ:
    case FD_OP_NE:
        return FD_NODE_COMPARE;
    case FD_OP_IN:
        return FD_NODE_IN;
    case FD_OP_INDEX:
        return FD_NODE_INDEX;
    default:
        return FD_NODE_CALL;
    }
}

static const fd_node *emit_strict(compiler *c, const fd_ast *a, fd_node_kind kind)
{
    fd_node *x = new_node(c, a, kind);
    emit_args(c, a, x);
    return fold(c, a, x);
}

static const fd_node *emit(compiler *c, const fd_ast *a)
{
    FD_ASSERT(a->type != NULL && a->type->kind != FD_CEL_ERROR);
    switch (a->kind) {
    case FD_AST_LITERAL:
        return constant(c, a, &a->literal);
    case FD_AST_IDENT:
        FD_UNREACHABLE();
    case FD_AST_SELECT:
        return emit_name(c, a);
    case FD_AST_CALL:
    case FD_AST_METHOD:
        return a->ref == FD_REF_HAS ? emit_has(c, a) : emit_strict(c, a, FD_NODE_CALL);
    case FD_AST_OP:
        return emit_strict(c, a, operator_node(a->op));
    case FD_AST_AND:
    case FD_AST_OR:
        return emit_logic(c, a);
    case FD_AST_COND:
        return emit_cond(c, a);
    case FD_AST_LIST:
        return emit_strict(c, a, FD_NODE_LIST);
    case FD_AST_MAP:
        return emit_strict(c, a, FD_NODE_MAP);
    }
    FD_UNREACHABLE();
}

const fd_cel_program *fd_cel_compile(const fd_cel_scope *scope, const fd_cel_source *src,
                                     fd_arena *arena, fd_diags *diags)
{
    fd_arena *temporary = fd_arena_new(8 * 1024, 0);
    fd_cel_program *p = NULL;
    fd_ast *root = fd_cel_parse(src, temporary, diags);
    if (root != NULL && fd_cel_check(scope, src, root, arena, diags)) {
        compiler c = {.arena = arena, .src = src, .diags = diags};
        c.run = fd_cel_run_new(NULL, 0, 1);
        p = fd_arena_zalloc(arena, sizeof *p);
        FD_ALLOCATED(p);
        p->root = emit(&c, root);
        p->type = root->type;
        p->cost = c.cost > UINT32_MAX ? UINT32_MAX : (uint32_t)c.cost;
        fd_cel_run_free(c.run);
    }
    fd_arena_free(temporary);
    return p;
}

const fd_cel_type *fd_cel_program_type(const fd_cel_program *p)
{
    return p->type;
}

bool fd_cel_program_constant(const fd_cel_program *p, fd_cel_value *out)
{
    if (p->root->kind != FD_NODE_CONST)
        return false;
    *out = p->root->value;
    return true;
}

uint32_t fd_cel_program_cost(const fd_cel_program *p)
{
    return p->cost;
}
