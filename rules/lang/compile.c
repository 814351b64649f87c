/*
 * Checked tree to program, with constants folded: a node whose arguments are all constant is
 * evaluated here by the evaluator itself, so folding cannot disagree with it. Errors fold to
 * constant errors; && and || drop what cannot matter. One owner at a time.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"
#include "lang/program_int.h"

/* What folding may take in all; what is left then is computed when it runs. */
enum { FOLD_STEPS = 8 * 1000 * 1000, FOLD_BYTES = 16 * 1024 * 1024 };
enum { DEPTH_MAX = FD_CEL_MAX_DEPTH + 80, FEW_ARGS = 64 };

typedef struct compiler {
    fd_arena *arena;
    const fd_cel_source *src;
    fd_diags *diags;
    fd_cel_run *run; /* for constants; its results are copied out */
    uint64_t cost;
    uint64_t fold_steps, fold_bytes;
    uint32_t n_locals;      /* slots used so far */
    uint16_t *local_depths; /* of the values in the slots */
    uint32_t cap_locals;
    bool failed;
} compiler;

static const fd_node *emit(compiler *c, const fd_ast *a);

static fd_str copy_str(compiler *c, fd_str s)
{
    fd_str copy = fd_arena_str(c->arena, s);
    FD_ALLOCATED(copy.p);
    return copy;
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
    x->value = fd_cel_copy(c->arena, v);
    x->low = FD_NO_LOCAL;
    x->depth = 1;
    return x;
}

enum { PATTERN_COST = 5000 }; /* of compiling one for a row */

static uint32_t cost_of(const fd_node *x)
{
    uint32_t cost = 1;
    bool call = x->kind == FD_NODE_CALL || x->kind == FD_NODE_MATCHES;
    for (uint32_t i = 0; i < x->overloads.n && call; i++) {
        if (x->overloads.first[i].cost > cost)
            cost = x->overloads.first[i].cost;
    }
    if (x->kind == FD_NODE_IN && x->args[1]->kind == FD_NODE_CONST &&
        x->args[1]->value.kind == FD_CEL_LIST)
        cost += x->args[1]->value.n;
    if (x->kind == FD_NODE_MATCHES && x->regex == NULL)
        cost += PATTERN_COST;
    return cost;
}

/* Whether the node itself builds values, loops or compiles patterns. */
static bool is_heavy(const fd_node *x)
{
    bool heavy = x->kind >= FD_NODE_LOCAL || (x->kind == FD_NODE_MATCHES && x->regex == NULL);
    if (x->kind == FD_NODE_LIST || x->kind == FD_NODE_MAP)
        heavy = x->n_args > FEW_ARGS;
    for (uint32_t i = 0; i < x->overloads.n && x->kind == FD_NODE_CALL; i++)
        heavy |= x->overloads.first[i].builds;
    return heavy;
}

/* What follows from the node's parts. */
static void derive(compiler *c, const fd_ast *a, fd_node *x)
{
    uint32_t depth = x->kind == FD_NODE_LOCAL ? c->local_depths[x->index] : 0;
    x->low = x->kind == FD_NODE_LOCAL ? x->index : FD_NO_LOCAL;
    x->varies = x->kind == FD_NODE_COLUMN || x->kind == FD_NODE_HAS_COLUMN ||
                x->kind == FD_NODE_VARIABLE;
    x->heavy = is_heavy(x);
    bool binds = x->kind == FD_NODE_LOOP || x->kind == FD_NODE_LET;
    for (uint32_t i = 0; i < x->n_args; i++) {
        const fd_node *part = x->args[i];
        x->varies |= part->varies;
        x->heavy |= part->heavy;
        if (part->low < x->low && !(binds && part->low >= x->index))
            x->low = part->low;
        if (part->depth > depth)
            depth = part->depth;
    }
    if (++depth > DEPTH_MAX && !c->failed) {
        c->failed = true;
        fd_cel_report(c->src, c->diags, FD_ERROR, a->at, a->width,
                      "move a part of it into `variables:`",
                      "values of cel.bind and cel.block stand on one another too deeply");
    }
    x->depth = (uint16_t)(depth > DEPTH_MAX ? DEPTH_MAX : depth);
}

/* Whether the value is the same for every row: nothing that varies, no name from outside. */
static bool foldable(const compiler *c, const fd_node *x)
{
    return !x->varies && x->low == FD_NO_LOCAL && !c->failed && c->fold_steps < FOLD_STEPS &&
           c->fold_bytes < FOLD_BYTES;
}

static const fd_node *fold(compiler *c, const fd_ast *a, fd_node *x)
{
    derive(c, a, x);
    if (!foldable(c, x)) {
        c->cost += cost_of(x);
        return x;
    }
    const uint32_t row = 0;
    const fd_cel_program frame = {.n_locals = c->n_locals};
    fd_cel_value v;
    fd_cel_run_begin(c->run, NULL, NULL);
    c->run->steps = 0;
    fd_frame outer = fd_run_enter(c->run, &frame);
    fd_node_eval(c->run, x, &row, 1, &v);
    c->fold_steps += c->run->steps;
    c->fold_bytes += fd_cel_weight(&v);
    fd_run_leave(c->run, &outer);
    bool inherited = false; /* told where it arose */
    for (uint32_t i = 0; i < x->n_args; i++)
        inherited |= x->args[i]->kind == FD_NODE_CONST && x->args[i]->value.kind == FD_CEL_ERROR;
    if (v.kind == FD_CEL_ERROR && !inherited)
        fd_cel_report(c->src, c->diags, FD_WARNING, a->at, a->width, NULL, "this always fails: %s",
                      v.v.text);
    return constant(c, a, &v);
}

/* Which of a literal's entries stand behind '?'. */
static void mark_optional(compiler *c, const fd_ast *a, fd_node *x)
{
    bool any = false;
    for (uint32_t i = 0; i < a->n_args; i++)
        any |= a->args[i]->entry_optional;
    if (!any)
        return;
    uint8_t *marks = fd_arena_alloc(c->arena, a->n_args);
    FD_ALLOCATED(marks);
    for (uint32_t i = 0; i < a->n_args; i++)
        marks[i] = a->args[i]->entry_optional;
    x->optional_args = marks;
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
    bool is_column = a->ref == FD_REF_COLUMN;
    FD_ASSERT(is_column || a->ref == FD_REF_FIELD);
    fd_node *x = new_node(c, a, is_column ? FD_NODE_COLUMN : FD_NODE_FIELD);
    x->absent = absent_text(c, a);
    x->optional = a->optional;
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
    x->optional = a->optional;
    emit_args(c, a, x);
    if (kind == FD_NODE_LIST || kind == FD_NODE_MAP)
        mark_optional(c, a, x);
    return fold(c, a, x);
}

/* Room for the names of a macro, each standing for a value of depth 1 until it is known. */
static void reserve_locals(compiler *c, uint32_t n)
{
    if (n > c->cap_locals) {
        uint32_t cap = 2 * n + 8;
        uint16_t *grown = fd_arena_zalloc(c->arena, cap * sizeof *grown);
        FD_ALLOCATED(grown);
        if (c->cap_locals != 0)
            memcpy(grown, c->local_depths, c->cap_locals * sizeof *grown);
        c->local_depths = grown;
        c->cap_locals = cap;
    }
    if (n > c->n_locals)
        c->n_locals = n;
}

/* How often a loop over the range runs, as far as that can be said. */
static uint64_t loop_length(const fd_node *range)
{
    const fd_cel_value *v = &range->value;
    if (range->kind == FD_NODE_LIST || range->kind == FD_NODE_MAP)
        return range->n_args;
    if (range->kind != FD_NODE_CONST)
        return FD_CEL_ASSUMED_LENGTH;
    return v->kind == FD_CEL_LIST || v->kind == FD_CEL_MAP ? fd_cel_length(v) : 1;
}

static const fd_node *emit_macro(compiler *c, const fd_ast *a)
{
    bool loop = a->macro != FD_MACRO_LET;
    fd_node *x = new_node(c, a, loop ? FD_NODE_LOOP : FD_NODE_LET);
    const fd_node **args = fd_arena_alloc(c->arena, a->n_args * sizeof *args);
    FD_ALLOCATED(args);
    uint64_t before = c->cost, within = c->cost;
    x->op = (uint8_t)a->macro;
    x->n_locals = a->n_locals;
    reserve_locals(c, a->index + a->n_locals);
    for (uint32_t i = 0; i < a->n_locals; i++)
        c->local_depths[a->index + i] = 0;
    for (uint32_t i = 0; i < a->n_args; i++) {
        args[i] = emit(c, a->args[i]);
        if (i == 0)
            within = c->cost;
        if (!loop && i < a->n_locals)
            c->local_depths[a->index + i] = args[i]->depth;
    }
    x->args = args;
    x->n_args = a->n_args;
    uint64_t body = c->cost - within + 1;
    if (loop && __builtin_mul_overflow(body, loop_length(args[0]), &body))
        body = UINT32_MAX;
    c->cost = within + (body > UINT32_MAX ? UINT32_MAX : body);
    const fd_node *done = fold(c, a, x);
    if (done->kind == FD_NODE_CONST)
        c->cost = before;
    return done;
}

/* By what the checker found a name or call to be; NULL when its kind says it. */
static const fd_node *emit_ref(compiler *c, const fd_ast *a)
{
    switch (a->ref) {
    case FD_REF_CONST:
        return constant(c, a, &a->literal);
    case FD_REF_COLUMN:
        return emit_name(c, a);
    case FD_REF_VARIABLE:
        return fold(c, a, new_node(c, a, FD_NODE_VARIABLE));
    case FD_REF_LOCAL:
        return fold(c, a, new_node(c, a, FD_NODE_LOCAL));
    case FD_REF_MACRO:
        return emit_macro(c, a);
    case FD_REF_OR_ELSE:
        return emit_strict(c, a, FD_NODE_OR_ELSE);
    case FD_REF_UNDECLARED: {
        fd_cel_value v = fd_cel_error(FD_CEL_E_UNDECLARED);
        return constant(c, a, &v);
    }
    default:
        return NULL;
    }
}

/* A pattern that is a literal was compiled by the checker; one that folding made is now. */
static const fd_node *emit_matches(compiler *c, const fd_ast *a)
{
    fd_node *x = new_node(c, a, FD_NODE_MATCHES);
    emit_args(c, a, x);
    const fd_node *pattern = x->args[1];
    fd_regex_error ignored; /* it is one of each evaluation */
    x->regex = a->regex;
    if (x->regex == NULL && pattern->kind == FD_NODE_CONST && pattern->value.kind == FD_CEL_STRING)
        x->regex = fd_regex_compile(fd_cel_text(&pattern->value), FD_REGEX_PROGRAM_MAX, c->arena,
                                    &ignored);
    return fold(c, a, x);
}

static const fd_node *emit_call(compiler *c, const fd_ast *a)
{
    if (a->ref == FD_REF_HAS)
        return emit_has(c, a);
    if (fd_str_eq_c(a->name, "matches"))
        return emit_matches(c, a);
    return emit_strict(c, a, FD_NODE_CALL);
}

static const fd_node *emit(compiler *c, const fd_ast *a)
{
    FD_ASSERT(a->type != NULL && a->type->kind != FD_CEL_ERROR);
    const fd_node *by_ref = emit_ref(c, a);
    if (by_ref != NULL)
        return by_ref;
    switch (a->kind) {
    case FD_AST_LITERAL:
        return constant(c, a, &a->literal);
    case FD_AST_IDENT:
        FD_UNREACHABLE();
    case FD_AST_SELECT:
        return emit_name(c, a);
    case FD_AST_CALL:
    case FD_AST_METHOD:
        return emit_call(c, a);
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

static bool too_costly(compiler *c, const fd_ast *root)
{
    if (c->cost <= FD_CEL_MAX_COST)
        return false;
    fd_cel_report(c->src, c->diags, FD_ERROR, root->from, root->to - root->from,
                  "loop over shorter lists, or not within one another",
                  "the expression may take %s%" PRIu64
                  " steps for one event, at most %d are allowed",
                  c->cost >= UINT32_MAX ? "more than " : "",
                  c->cost >= UINT32_MAX ? UINT32_MAX : c->cost, FD_CEL_MAX_COST);
    return true;
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
        p->type = fd_cel_settled(root->type);
        p->cost = c.cost > UINT32_MAX ? UINT32_MAX : (uint32_t)c.cost;
        p->n_locals = c.n_locals;
        if (too_costly(&c, root) || c.failed)
            p = NULL;
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
