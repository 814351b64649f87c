/*
 * Which trees are the same, and what they cost. Only what is known here to be told by its parts is
 * compared by them; a node of any other kind is the same as itself alone. Pure functions.
 */
#include "base/assert.h"
#include "base/hash.h"
#include "lang/plan_int.h"

/* The kinds whose meaning is in the members that are compared below. */
static bool told_by_parts(const fd_node *x)
{
    switch (x->kind) {
    case FD_NODE_CONST:
    case FD_NODE_COLUMN:
    case FD_NODE_HAS_COLUMN:
    case FD_NODE_VARIABLE:
    case FD_NODE_FIELD:
    case FD_NODE_HAS_FIELD:
    case FD_NODE_CALL:
    case FD_NODE_MATCHES:
    case FD_NODE_COMPARE:
    case FD_NODE_IN:
    case FD_NODE_INDEX:
    case FD_NODE_NOT:
    case FD_NODE_AND:
    case FD_NODE_OR:
    case FD_NODE_COND:
        return true;
    case FD_NODE_LIST:
    case FD_NODE_MAP:
        return x->optional_args == NULL;
    default: /* names of a macro mean what stands around it */
        return false;
    }
}

static bool same_constant(const fd_cel_value *a, const fd_cel_value *b)
{
    if (a->kind != b->kind || a->n != b->n || a->in_column || b->in_column)
        return false;
    switch (a->kind) {
    case FD_CEL_NULL:
        return true;
    case FD_CEL_BOOL:
        return a->v.b == b->v.b;
    case FD_CEL_INT:
    case FD_CEL_UINT:
    case FD_CEL_DOUBLE: /* by bits: -0.0 is not 0.0, and NaN is itself */
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        return a->v.u == b->v.u;
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
        return fd_str_eq(fd_cel_text(a), fd_cel_text(b));
    case FD_CEL_SET:
        return a->v.set == b->v.set;
    case FD_CEL_LIST:
    case FD_CEL_MAP:
        for (uint32_t i = 0, n = a->kind == FD_CEL_MAP ? 2 * a->n : a->n; i < n; i++) {
            if (!same_constant(&a->v.list[i], &b->v.list[i]))
                return false;
        }
        return true;
    default:
        return false;
    }
}

static uint64_t constant_hash(const fd_cel_value *v)
{
    uint64_t h = fd_plan_mix(v->kind, v->n);
    switch (v->kind) {
    case FD_CEL_BOOL:
        return fd_plan_mix(h, v->v.b);
    case FD_CEL_INT:
    case FD_CEL_UINT:
    case FD_CEL_DOUBLE:
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        return fd_plan_mix(h, v->v.u);
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
        return fd_plan_mix(h, fd_hash64(v->v.p, v->n, 0));
    case FD_CEL_LIST:
        for (uint32_t i = 0; i < v->n; i++)
            h = fd_plan_mix(h, constant_hash(&v->v.list[i]));
        return h;
    default:
        return h;
    }
}

bool fd_node_same(const fd_node *a, const fd_node *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || !told_by_parts(a) || !told_by_parts(b) || a->op != b->op ||
        a->type != b->type || a->batch != b->batch || a->optional != b->optional ||
        a->index != b->index || a->n_args != b->n_args ||
        a->overloads.first != b->overloads.first || a->overloads.n != b->overloads.n ||
        !fd_str_eq(a->name, b->name))
        return false;
    if (a->kind == FD_NODE_CONST && !same_constant(&a->value, &b->value))
        return false;
    for (uint32_t i = 0; i < a->n_args; i++) {
        if (!fd_node_same(a->args[i], b->args[i]))
            return false;
    }
    return true;
}

uint64_t fd_node_hash(const fd_node *x)
{
    if (!told_by_parts(x))
        return fd_plan_mix(x->kind, (uint64_t)(uintptr_t)x);
    uint64_t h = fd_plan_mix(x->kind, (uint64_t)x->index << 8 | x->op);
    if (x->kind == FD_NODE_CONST)
        h = fd_plan_mix(h, constant_hash(&x->value));
    for (uint32_t i = 0; i < x->n_args; i++)
        h = fd_plan_mix(h, fd_node_hash(x->args[i]));
    return h;
}

uint32_t fd_node_cost(const fd_node *x)
{
    uint64_t cost = 1;
    if (x->kind == FD_NODE_CALL || x->kind == FD_NODE_MATCHES) {
        for (uint32_t i = 0; i < x->overloads.n; i++) {
            uint32_t c = x->overloads.first[i].cost;
            cost = c > cost ? c : cost;
        }
    }
    for (uint32_t i = 0; i < x->n_args; i++) {
        const fd_node *arg = x->args[i];
        if (arg->kind == FD_NODE_CONST && arg->value.kind == FD_CEL_LIST)
            cost += arg->value.n;
        else if (arg->kind != FD_NODE_CONST)
            cost += fd_node_cost(arg);
    }
    return cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
}
