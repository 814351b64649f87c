/*
 * Numbers that columns can compute, and comparisons of them and of texts: by which nodes. Whatever
 * has no such form is refused here and goes to the row evaluator. One owner at a time.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "lang/plan_int.h"

static bool numeric(uint8_t type)
{
    return type == FD_CEL_INT || type == FD_CEL_DOUBLE;
}

/* What a variable stands for. */
const fd_node *fd_plan_followed(const fd_plan_builder *b, const fd_node *x)
{
    while (x->kind == FD_NODE_VARIABLE)
        x = b->plan->scope.variables[x->index]->root;
    return x;
}

/* ---- equal values ---- */

static uint64_t hash_of(const fd_plan_value *v)
{
    uint64_t h = fd_plan_mix(v->kind * 64U + v->type, v->a);
    h = fd_plan_mix(h, (uint64_t)(uintptr_t)v->call);
    for (uint32_t i = 0; i < v->n; i++)
        h = fd_plan_mix(h, v->operands[i].value ^ (uint64_t)v->operands[i].bits);
    return h;
}

static bool alike(const fd_plan_value *x, const fd_plan_value *y)
{
    bool same = x->kind == y->kind && x->type == y->type && x->a == y->a && x->call == y->call &&
                x->n == y->n;
    for (uint32_t i = 0; same && i < x->n; i++)
        same = x->types[i] == y->types[i] && x->operands[i].value == y->operands[i].value &&
               x->operands[i].bits == y->operands[i].bits;
    return same;
}

static void grow_table(fd_plan_builder *b)
{
    fd_cel_plan *p = b->plan;
    if (b->value_table != NULL && 2 * (p->n_values + 1) <= b->value_mask)
        return;
    free(b->value_table);
    b->value_mask = b->value_table == NULL ? 255 : b->value_mask * 2 + 1;
    b->value_table = calloc((size_t)b->value_mask + 1, sizeof *b->value_table);
    FD_ALLOCATED(b->value_table);
    for (uint32_t i = 0; i < p->n_values; i++) {
        uint32_t at = (uint32_t)hash_of(&p->values[i]) & b->value_mask;
        while (b->value_table[at] != 0)
            at = (at + 1) & b->value_mask;
        b->value_table[at] = i + 1;
    }
}

uint32_t fd_plan_intern_value(fd_plan_builder *b, fd_plan_value like)
{
    fd_cel_plan *p = b->plan;
    grow_table(b);
    uint32_t at = (uint32_t)hash_of(&like) & b->value_mask;
    for (; b->value_table[at] != 0; at = (at + 1) & b->value_mask) {
        if (alike(&p->values[b->value_table[at] - 1], &like))
            return b->value_table[at] - 1;
    }
    like.set = FD_PLAN_NONE;
    *FD_PLAN_PUSH(p->values, p->n_values, p->cap_values) = like;
    b->value_table[at] = p->n_values;
    fd_plan_add_step(p, true, p->n_values - 1);
    return p->n_values - 1;
}

/* ---- values ---- */

static uint8_t type_of(const fd_node *x)
{
    return x->kind == FD_NODE_CONST ? x->value.kind : x->type;
}

static bool operand_of(fd_plan_builder *b, const fd_node *x, fd_plan_operand *out)
{
    *out = (fd_plan_operand){.value = FD_PLAN_NONE};
    if (!numeric(type_of(x)))
        return false;
    if (x->kind == FD_NODE_CONST) {
        out->bits = x->value.v.i;
        return true;
    }
    out->value = fd_plan_value_of(b, x);
    return out->value != FD_PLAN_NONE;
}

static uint32_t call_of(fd_plan_builder *b, const fd_node *x)
{
    fd_plan_value v = {.kind = FD_VALUE_CALL, .n = x->n_args};
    if (x->n_args == 0 || x->n_args > 2)
        return FD_PLAN_NONE;
    for (uint32_t i = 0; i < x->n_args; i++) {
        v.types[i] = type_of(x->args[i]);
        if (!numeric(v.types[i]))
            return FD_PLAN_NONE;
    }
    v.call = fd_cel_match(x->overloads, v.types, x->n_args);
    if (v.call == NULL || !numeric(v.call->result))
        return FD_PLAN_NONE;
    v.type = v.call->result;
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (!operand_of(b, x->args[i], &v.operands[i]))
            return FD_PLAN_NONE;
    }
    return fd_plan_intern_value(b, v);
}

/* One of two numbers of one type, by a condition that is cheap itself. */
static uint32_t choice_of(fd_plan_builder *b, const fd_node *x)
{
    fd_plan_value v = {.kind = FD_VALUE_COND, .type = x->type, .n = 2};
    for (uint32_t i = 0; i < 2; i++) {
        v.types[i] = x->type;
        if (type_of(x->args[i + 1]) != x->type || !operand_of(b, x->args[i + 1], &v.operands[i]))
            return FD_PLAN_NONE;
    }
    v.a = fd_plan_condition(b, x->args[0]);
    return b->plan->nodes[v.a].lazy ? FD_PLAN_NONE : fd_plan_intern_value(b, v);
}

static uint32_t of_variable(fd_plan_builder *b, uint32_t slot)
{
    const fd_cel_program *outer = b->program;
    if (b->variable_tried[slot])
        return b->variable_values[slot];
    b->variable_tried[slot] = 1;
    b->program = b->plan->scope.variables[slot];
    b->variable_values[slot] = fd_plan_value_of(b, b->program->root);
    b->program = outer;
    return b->variable_values[slot];
}

uint32_t fd_plan_value_of(fd_plan_builder *b, const fd_node *x)
{
    if (!numeric(x->type))
        return FD_PLAN_NONE;
    switch (x->kind) {
    case FD_NODE_COLUMN: {
        uint32_t column = fd_plan_column_of(b, x);
        return fd_plan_intern_value(b, (fd_plan_value){.kind = FD_VALUE_COLUMN,
                                                       .type = x->type,
                                                       .a = column,
                                                       .least = INT64_MIN,
                                                       .most = INT64_MAX});
    }
    case FD_NODE_VARIABLE:
        return of_variable(b, x->index);
    case FD_NODE_CALL:
        return call_of(b, x);
    case FD_NODE_COND:
        return choice_of(b, x);
    default:
        return FD_PLAN_NONE;
    }
}

/* ---- constants ---- */

/* The text column that a tree is, or FD_PLAN_NONE. */
static uint32_t text_column(fd_plan_builder *b, const fd_node *x)
{
    x = fd_plan_followed(b, x);
    if (x->kind != FD_NODE_COLUMN || x->type != FD_CEL_STRING)
        return FD_PLAN_NONE;
    uint32_t column = fd_plan_column_of(b, x);
    b->plan->columns[column].text = true;
    return column;
}

static uint32_t set_of(fd_plan_builder *b, bool text, uint32_t of)
{
    fd_cel_plan *p = b->plan;
    uint32_t *set = text ? &p->columns[of].set : &p->values[of].set;
    if (*set == FD_PLAN_NONE) {
        *FD_PLAN_PUSH(p->sets, p->n_sets, p->cap_sets) = (fd_plan_set){.text = text, .of = of};
        *set = p->n_sets - 1;
    }
    return *set;
}

static int64_t key_of(const fd_cel_value *v)
{
    return v->kind == FD_CEL_INT ? v->v.i : fd_key_of_double(v->v.d);
}

static int by_code(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The pending codes from `first` on, each once, as a node. */
static uint32_t member_node(fd_plan_builder *b, uint32_t set, uint32_t first)
{
    uint32_t n = b->n_pending - first, kept = 0;
    uint32_t *codes = b->pending + first;
    if (n > 1)
        qsort(codes, n, sizeof *codes, by_code);
    for (uint32_t i = 0; i < n; i++) {
        if (kept == 0 || codes[kept - 1] != codes[i])
            codes[kept++] = codes[i];
    }
    uint32_t node = fd_plan_intern(b, (fd_plan_node){.kind = FD_PLAN_MEMBER, .a = set}, codes,
                                   kept);
    b->n_pending = first;
    return node;
}

static void pend_constant(fd_plan_builder *b, uint32_t set, const fd_cel_value *v)
{
    fd_plan_set *s = &b->plan->sets[set];
    if (s->text)
        fd_plan_pend(b, fd_plan_add_text(s, fd_cel_text(v)));
    else if (v->kind != FD_CEL_DOUBLE || !isnan(v->v.d)) /* which nothing equals */
        fd_plan_pend(b, fd_plan_add_key(s, key_of(v)));
}

static uint32_t equal_node(fd_plan_builder *b, uint32_t set, const fd_cel_value *v, bool equal)
{
    uint32_t first = b->n_pending;
    pend_constant(b, set, v);
    uint32_t node = member_node(b, set, first);
    return equal ? node : fd_plan_not(b, node);
}

/* ---- comparisons ---- */

uint32_t fd_plan_equals(fd_plan_builder *b, uint32_t value, const int64_t *key)
{
    uint32_t set = set_of(b, false, value), first = b->n_pending;
    if (key != NULL)
        fd_plan_pend(b, fd_plan_add_key(&b->plan->sets[set], *key));
    return member_node(b, set, first);
}

uint32_t fd_plan_cut(fd_plan_builder *b, uint32_t value, __int128 key, bool below)
{
    if (key > INT64_MAX) { /* nothing is as high, everything is below */
        uint32_t none = fd_plan_equals(b, value, NULL);
        return below ? fd_plan_not(b, none) : none;
    }
    int64_t at = key < INT64_MIN ? INT64_MIN : (int64_t)key;
    return fd_plan_intern(
        b, (fd_plan_node){.kind = FD_PLAN_CUT, .a = value, .key = at, .below = below}, NULL, 0);
}

/* The value's key is at least the constant's, or the one behind it, or below that. */
static uint32_t cut_node(fd_plan_builder *b, uint32_t value, const fd_cel_value *k,
                         fd_cel_operator op)
{
    bool behind = op == FD_OP_GT || op == FD_OP_LE;
    return fd_plan_cut(b, value, (__int128)key_of(k) + behind, op == FD_OP_LT || op == FD_OP_LE);
}

static uint32_t with_constant(fd_plan_builder *b, const fd_node *x, fd_cel_operator op,
                              const fd_cel_value *k)
{
    bool equality = op == FD_OP_EQ || op == FD_OP_NE;
    if (k->kind == FD_CEL_BOOL && x->type == FD_CEL_BOOL && equality && !x->heavy) {
        uint32_t node = fd_plan_condition(b, x);
        return k->v.b == (op == FD_OP_EQ) ? node : fd_plan_not(b, node);
    }
    if (k->kind == FD_CEL_STRING && equality) {
        uint32_t column = text_column(b, x);
        if (column == FD_PLAN_NONE)
            return FD_PLAN_NONE;
        return equal_node(b, set_of(b, true, column), k, op == FD_OP_EQ);
    }
    if (k->kind == FD_CEL_TIMESTAMP || k->kind == FD_CEL_DURATION)
        return fd_plan_compare_time(b, x, op, k);
    if (!numeric(k->kind) || x->type != k->kind || (k->kind == FD_CEL_DOUBLE && isnan(k->v.d)))
        return FD_PLAN_NONE;
    uint32_t value = fd_plan_value_of(b, x);
    if (value == FD_PLAN_NONE)
        return FD_PLAN_NONE;
    return equality ? equal_node(b, set_of(b, false, value), k, op == FD_OP_EQ)
                    : cut_node(b, value, k, op);
}

static uint32_t pair_node(fd_plan_builder *b, fd_plan_kind kind, uint32_t x, uint32_t y, bool below)
{
    return fd_plan_intern(b, (fd_plan_node){.kind = (uint8_t)kind, .a = x, .b = y, .below = below},
                          NULL, 0);
}

/* Equality does not care which stands first. */
static uint32_t equal_pair(fd_plan_builder *b, fd_plan_kind kind, uint32_t x, uint32_t y,
                           bool equal)
{
    uint32_t node = x < y ? pair_node(b, kind, x, y, false) : pair_node(b, kind, y, x, false);
    return equal ? node : fd_plan_not(b, node);
}

static uint32_t of_texts(fd_plan_builder *b, const fd_node *x, fd_cel_operator op)
{
    if (op != FD_OP_EQ && op != FD_OP_NE)
        return FD_PLAN_NONE;
    uint32_t l = text_column(b, x->args[0]), r = text_column(b, x->args[1]);
    if (l == FD_PLAN_NONE || r == FD_PLAN_NONE)
        return FD_PLAN_NONE;
    return equal_pair(b, FD_PLAN_TEXTS, l, r, op == FD_OP_EQ);
}

static uint32_t of_values(fd_plan_builder *b, const fd_node *x, fd_cel_operator op)
{
    if (!numeric(x->args[0]->type) || x->args[0]->type != x->args[1]->type)
        return FD_PLAN_NONE;
    uint32_t l = fd_plan_value_of(b, x->args[0]);
    uint32_t r = l == FD_PLAN_NONE ? l : fd_plan_value_of(b, x->args[1]);
    if (r == FD_PLAN_NONE)
        return FD_PLAN_NONE;
    switch (op) {
    case FD_OP_GT:
        return pair_node(b, FD_PLAN_GREATER, l, r, false);
    case FD_OP_LT:
        return pair_node(b, FD_PLAN_GREATER, r, l, false);
    case FD_OP_LE:
        return pair_node(b, FD_PLAN_GREATER, l, r, true);
    case FD_OP_GE:
        return pair_node(b, FD_PLAN_GREATER, r, l, true);
    default:
        return equal_pair(b, FD_PLAN_EQUAL, l, r, op == FD_OP_EQ);
    }
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

uint32_t fd_plan_compare(fd_plan_builder *b, const fd_node *x)
{
    const fd_node *l = x->args[0], *r = x->args[1];
    fd_cel_operator op = (fd_cel_operator)x->op;
    if (r->kind == FD_NODE_CONST)
        return with_constant(b, l, op, &r->value);
    if (l->kind == FD_NODE_CONST)
        return with_constant(b, r, mirrored(op), &l->value);
    return l->type == FD_CEL_STRING ? of_texts(b, x, op) : of_values(b, x, op);
}

/* Numbers of another type are equal across types: such lists are left alone. What is no number
 * equals none, and what is no text no text. */
static bool list_fits(const fd_cel_value *list, uint8_t type)
{
    for (uint32_t i = 0; i < list->n; i++) {
        uint8_t kind = list->v.list[i].kind;
        bool number = kind == FD_CEL_INT || kind == FD_CEL_UINT || kind == FD_CEL_DOUBLE;
        if (kind == FD_CEL_ERROR || (numeric(type) && number && kind != type))
            return false;
    }
    return true;
}

uint32_t fd_plan_in(fd_plan_builder *b, const fd_node *x)
{
    const fd_node *of = x->args[0], *where = x->args[1];
    if (where->kind != FD_NODE_CONST || where->value.kind != FD_CEL_LIST ||
        !list_fits(&where->value, of->type))
        return FD_PLAN_NONE;
    bool text = of->type == FD_CEL_STRING;
    uint32_t source = text ? text_column(b, of) : fd_plan_value_of(b, of);
    if (source == FD_PLAN_NONE)
        return FD_PLAN_NONE;
    uint32_t set = set_of(b, text, source), first = b->n_pending;
    for (uint32_t i = 0; i < where->value.n; i++) {
        const fd_cel_value *item = &where->value.v.list[i];
        if (item->kind == of->type)
            pend_constant(b, set, item);
    }
    return member_node(b, set, first);
}
