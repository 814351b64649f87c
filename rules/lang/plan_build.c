/*
 * Conditions to nodes: what columns can do becomes a node of its own, everything else one node for
 * the row evaluator; equal ones are found by hash. Variables are followed into, so a part that two
 * of them share is shared. One owner at a time; recursion follows the trees' bounded depth.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/plan_int.h"

void *fd_plan_push(void *items, uint32_t *n, uint32_t *cap, size_t size)
{
    if (*n == *cap) {
        *cap = *cap == 0 ? 64 : *cap * 2;
        items = realloc(items, *cap * size);
        FD_ALLOCATED(items);
    }
    (*n)++;
    return items;
}

void fd_plan_add_step(fd_cel_plan *p, bool is_value, uint32_t id)
{
    *FD_PLAN_PUSH(p->steps, p->n_steps, p->cap_steps) = (fd_plan_step){is_value, id};
}

/* ---- equal nodes ---- */

static uint64_t hash_of(const fd_plan_node *x, const uint32_t *args, uint32_t n_args)
{
    uint64_t h = fd_plan_mix(x->kind * 2U + x->below, (uint64_t)x->a << 32 | x->b);
    h = fd_plan_mix(h, (uint64_t)x->key);
    h = fd_plan_mix(h, x->source == NULL ? 0 : fd_node_hash(x->source));
    for (uint32_t i = 0; i < n_args; i++)
        h = fd_plan_mix(h, args[i]);
    return h;
}

static bool alike(const fd_cel_plan *p, const fd_plan_node *x, const fd_plan_node *y,
                  const uint32_t *args, uint32_t n_args)
{
    return x->kind == y->kind && x->below == y->below && x->a == y->a && x->b == y->b &&
           x->key == y->key && x->n_args == n_args &&
           (n_args == 0 || memcmp(p->args + x->first, args, n_args * sizeof *args) == 0) &&
           (x->source == y->source ||
            (x->source != NULL && y->source != NULL && fd_node_same(x->source, y->source)));
}

static void grow_table(fd_plan_builder *b)
{
    fd_cel_plan *p = b->plan;
    if (b->table != NULL && 2 * (p->n_nodes + 1) <= b->mask)
        return;
    free(b->table);
    b->mask = b->table == NULL ? 1023 : b->mask * 2 + 1;
    b->table = calloc((size_t)b->mask + 1, sizeof *b->table);
    FD_ALLOCATED(b->table);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const fd_plan_node *x = &p->nodes[i];
        uint32_t at = (uint32_t)hash_of(x, p->args + x->first, x->n_args) & b->mask;
        while (b->table[at] != 0)
            at = (at + 1) & b->mask;
        b->table[at] = i + 1;
    }
}

/* Lazy when a part is; the depth of a pile of lazy nodes bounds the scratch memory of a run. */
static void inherit(fd_cel_plan *p, fd_plan_node *x, const uint32_t *args)
{
    x->lazy = x->kind == FD_PLAN_ROW;
    x->depth = x->lazy ? 1 : 0;
    x->cost = x->lazy ? fd_node_cost(x->source) : 0;
    if (x->kind == FD_PLAN_MEMBER)
        return;
    for (uint32_t i = 0; i < x->n_args; i++) {
        const fd_plan_node *arg = &p->nodes[args[i]];
        x->lazy = x->lazy || arg->lazy;
        x->cost = x->cost > UINT32_MAX - arg->cost ? UINT32_MAX : x->cost + arg->cost;
        if (arg->lazy && arg->depth + 1 > x->depth)
            x->depth = arg->depth + 1;
    }
}

uint32_t fd_plan_intern(fd_plan_builder *b, fd_plan_node like, const uint32_t *args,
                        uint32_t n_args)
{
    fd_cel_plan *p = b->plan;
    grow_table(b);
    uint32_t at = (uint32_t)hash_of(&like, args, n_args) & b->mask;
    for (; b->table[at] != 0; at = (at + 1) & b->mask) {
        if (alike(p, &p->nodes[b->table[at] - 1], &like, args, n_args))
            return b->table[at] - 1;
    }
    like.first = p->n_args;
    like.n_args = n_args;
    inherit(p, &like, args);
    for (uint32_t i = 0; i < n_args; i++)
        *FD_PLAN_PUSH(p->args, p->n_args, p->cap_args) = args[i];
    *FD_PLAN_PUSH(p->nodes, p->n_nodes, p->cap_nodes) = like;
    uint32_t id = p->n_nodes - 1;
    b->table[at] = id + 1;
    if (!like.lazy && like.kind != FD_PLAN_CUT && like.kind != FD_PLAN_MEMBER &&
        like.kind != FD_PLAN_CONST)
        fd_plan_add_step(p, false, id);
    return id;
}

/* ---- leaves ---- */

uint32_t fd_plan_column_of(fd_plan_builder *b, const fd_node *x)
{
    fd_cel_plan *p = b->plan;
    for (uint32_t i = 0; i < p->n_columns; i++) {
        if (p->columns[i].batch == x->batch && p->columns[i].index == x->index)
            return i;
    }
    *FD_PLAN_PUSH(p->columns, p->n_columns, p->cap_columns) = (fd_plan_column){
        .batch = x->batch, .index = x->index, .set = FD_PLAN_NONE};
    return p->n_columns - 1;
}

static uint32_t row_node(fd_plan_builder *b, const fd_node *x)
{
    uint32_t id = fd_plan_intern(b, (fd_plan_node){.kind = FD_PLAN_ROW, .source = x}, NULL, 0);
    fd_plan_node *node = &b->plan->nodes[id];
    if (node->source == x) /* the program whose names it may use */
        node->n_locals = b->program->n_locals;
    return id;
}

static uint32_t constant_node(fd_plan_builder *b, const fd_cel_value *v)
{
    uint32_t outcome = v->kind != FD_CEL_BOOL ? FD_CEL_FAILED : v->v.b ? FD_CEL_TRUE : FD_CEL_FALSE;
    return fd_plan_intern(b, (fd_plan_node){.kind = FD_PLAN_CONST, .a = outcome}, NULL, 0);
}

static uint32_t of_column(fd_plan_builder *b, const fd_node *x, fd_plan_kind kind)
{
    uint32_t column = fd_plan_column_of(b, x);
    return fd_plan_intern(b, (fd_plan_node){.kind = (uint8_t)kind, .a = column}, NULL, 0);
}

/* ---- what joins ---- */

uint32_t fd_plan_not(fd_plan_builder *b, uint32_t node)
{
    return fd_plan_intern(b, (fd_plan_node){.kind = FD_PLAN_NOT}, &node, 1);
}

void fd_plan_pend(fd_plan_builder *b, uint32_t node)
{
    *FD_PLAN_PUSH(b->pending, b->n_pending, b->cap_pending) = node;
}

/* What is cheap stands first, then what costs least; equal ones stand once. */
static bool stands_before(const fd_cel_plan *p, uint32_t x, uint32_t y)
{
    const fd_plan_node *a = &p->nodes[x], *c = &p->nodes[y];
    if (a->lazy != c->lazy)
        return c->lazy;
    return a->cost != c->cost ? a->cost < c->cost : x < y;
}

static uint32_t joined(fd_plan_builder *b, const fd_node *x, fd_plan_kind kind)
{
    uint32_t first = b->n_pending;
    for (uint32_t i = 0; i < x->n_args; i++) {
        uint32_t node = fd_plan_condition(b, x->args[i]);
        fd_plan_pend(b, node);
        uint32_t *args = b->pending + first, at = b->n_pending - first - 1;
        for (; at > 0 && stands_before(b->plan, node, args[at - 1]); at--)
            args[at] = args[at - 1];
        args[at] = node;
        if (at > 0 && args[at - 1] == node) {
            memmove(args + at, args + at + 1, (b->n_pending - first - at - 1) * sizeof *args);
            b->n_pending--;
        }
    }
    uint32_t n = b->n_pending - first, *args = b->pending + first;
    uint32_t node = n == 1 ? args[0]
                           : fd_plan_intern(b, (fd_plan_node){.kind = (uint8_t)kind}, args, n);
    b->n_pending = first;
    return node;
}

static uint32_t chosen(fd_plan_builder *b, const fd_node *x)
{
    uint32_t args[3];
    for (uint32_t i = 0; i < 3; i++)
        args[i] = fd_plan_condition(b, x->args[i]);
    return fd_plan_intern(b, (fd_plan_node){.kind = FD_PLAN_COND}, args, 3);
}

static uint32_t of_variable(fd_plan_builder *b, const fd_node *x)
{
    FD_ASSERT(x->index < b->plan->scope.n_variables && b->plan->scope.variables[x->index] != NULL);
    const fd_cel_program *outer = b->program;
    if (b->variable_nodes[x->index] == FD_PLAN_NONE) {
        b->program = b->plan->scope.variables[x->index];
        b->variable_nodes[x->index] = fd_plan_condition(b, b->program->root);
        b->program = outer;
    }
    return b->variable_nodes[x->index];
}

/* A kind that is not here, and whatever has no node of its own, is for the row evaluator. */
uint32_t fd_plan_condition(fd_plan_builder *b, const fd_node *x)
{
    uint32_t node = FD_PLAN_NONE;
    switch (x->kind) {
    case FD_NODE_CONST:
        return constant_node(b, &x->value);
    case FD_NODE_HAS_COLUMN:
        return of_column(b, x, FD_PLAN_HAS);
    case FD_NODE_COLUMN:
        return x->type == FD_CEL_BOOL && !x->optional ? of_column(b, x, FD_PLAN_BOOL)
                                                      : row_node(b, x);
    case FD_NODE_VARIABLE:
        return of_variable(b, x);
    case FD_NODE_AND:
        return joined(b, x, FD_PLAN_AND);
    case FD_NODE_OR:
        return joined(b, x, FD_PLAN_OR);
    case FD_NODE_NOT:
        return fd_plan_not(b, fd_plan_condition(b, x->args[0]));
    case FD_NODE_COND:
        return chosen(b, x);
    case FD_NODE_COMPARE:
        node = fd_plan_compare(b, x);
        break;
    case FD_NODE_IN:
        node = fd_plan_in(b, x);
        break;
    default:
        break;
    }
    return node == FD_PLAN_NONE ? row_node(b, x) : node;
}

/* ---- the whole ---- */

static void open_builder(fd_plan_builder *b, fd_cel_plan *p)
{
    size_t n = (size_t)p->scope.n_variables + 1;
    *b = (fd_plan_builder){.plan = p, .cap_pending = 64};
    b->pending = malloc(b->cap_pending * sizeof *b->pending);
    FD_ALLOCATED(b->pending);
    p->cap_args = 64;
    p->args = malloc(p->cap_args * sizeof *p->args);
    FD_ALLOCATED(p->args);
    b->variable_nodes = malloc(n * sizeof *b->variable_nodes);
    b->variable_values = malloc(n * sizeof *b->variable_values);
    b->variable_tried = calloc(n, 1);
    FD_ALLOCATED(b->variable_nodes);
    FD_ALLOCATED(b->variable_values);
    FD_ALLOCATED(b->variable_tried);
    memset(b->variable_nodes, 0xff, n * sizeof *b->variable_nodes);
    memset(b->variable_values, 0xff, n * sizeof *b->variable_values);
}

static void close_builder(fd_plan_builder *b)
{
    free(b->table);
    free(b->value_table);
    free(b->pending);
    free(b->variable_nodes);
    free(b->variable_values);
    free(b->variable_tried);
}

fd_cel_plan *fd_cel_plan_new(const fd_cel_plan_scope *scope, const fd_cel_program *const *roots,
                             uint32_t n_roots)
{
    fd_cel_plan *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    p->scope = *scope;
    p->n_roots = n_roots;
    p->roots = calloc((size_t)n_roots + 1, sizeof *p->roots);
    p->root_lazy = calloc((size_t)n_roots + 1, sizeof *p->root_lazy);
    FD_ALLOCATED(p->roots);
    FD_ALLOCATED(p->root_lazy);
    fd_plan_builder b;
    open_builder(&b, p);
    for (uint32_t i = 0; i < n_roots; i++) {
        b.program = roots[i];
        p->roots[i] = roots[i] == NULL ? FD_PLAN_NONE : fd_plan_condition(&b, roots[i]->root);
    }
    close_builder(&b);
    fd_plan_lay_out(p);
    return p;
}

void fd_cel_plan_free(fd_cel_plan *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->n_sets; i++) {
        free(p->sets[i].texts);
        free(p->sets[i].keys);
        free(p->sets[i].table);
    }
    free(p->roots);
    free(p->root_lazy);
    free(p->nodes);
    free(p->args);
    free(p->columns);
    free(p->values);
    free(p->sets);
    free(p->steps);
    free(p->cuts);
    free(p->cut_keys);
    free(p->cut_below);
    free(p->members);
    free(p);
}
