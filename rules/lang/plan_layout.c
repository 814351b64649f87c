/*
 * A plan's last step: which parts are in use, what is compared with constants sorted by them, and a
 * place in the bits for every answer. What stands together is used together. One owner at a time.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/plan_int.h"

/* ---- what is in use ---- */

static void use_node(fd_cel_plan *p, uint32_t node);

static void use_value(fd_cel_plan *p, uint32_t value)
{
    fd_plan_value *v = &p->values[value];
    if (v->used)
        return;
    v->used = true;
    if (v->kind == FD_VALUE_COLUMN)
        p->columns[v->a].used = true;
    if (v->kind == FD_VALUE_COND)
        use_node(p, v->a);
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->operands[i].value != FD_PLAN_NONE)
            use_value(p, v->operands[i].value);
    }
}

static void use_keys(fd_cel_plan *p, uint32_t value)
{
    use_value(p, value);
    p->values[value].keyed = true;
}

static void use_node(fd_cel_plan *p, uint32_t node)
{
    fd_plan_node *x = &p->nodes[node];
    if (x->uses++ != 0)
        return;
    switch ((fd_plan_kind)x->kind) {
    case FD_PLAN_TEXTS:
        p->columns[x->b].used = true;
        p->columns[x->a].used = true;
        return;
    case FD_PLAN_HAS:
    case FD_PLAN_BOOL:
        p->columns[x->a].used = true;
        return;
    case FD_PLAN_GREATER:
    case FD_PLAN_EQUAL:
        use_keys(p, x->b);
        use_keys(p, x->a);
        return;
    case FD_PLAN_CUT:
        use_keys(p, x->a);
        return;
    case FD_PLAN_MEMBER:
        if (p->sets[x->a].text)
            p->columns[p->sets[x->a].of].used = true;
        else
            use_keys(p, p->sets[x->a].of);
        return;
    case FD_PLAN_AND:
    case FD_PLAN_OR:
    case FD_PLAN_NOT:
    case FD_PLAN_COND:
        for (uint32_t i = 0; i < x->n_args; i++)
            use_node(p, p->args[x->first + i]);
        return;
    case FD_PLAN_CONST:
    case FD_PLAN_ROW:
        return;
    }
    FD_UNREACHABLE();
}

static void drop_unused_steps(fd_cel_plan *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_steps; i++) {
        fd_plan_step s = p->steps[i];
        if (s.is_value ? p->values[s.id].used : p->nodes[s.id].uses != 0)
            p->steps[n++] = s;
    }
    p->n_steps = n;
}

/* ---- tables ---- */

typedef struct sortable {
    uint32_t of; /* the value or set */
    uint32_t node;
    int64_t key;
} sortable;

static int in_order(const void *a, const void *b)
{
    const sortable *x = a, *y = b;
    if (x->of != y->of)
        return x->of < y->of ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* The nodes of a kind that are in use, by what they are of. */
static sortable *sorted_nodes(const fd_cel_plan *p, fd_plan_kind kind, uint32_t *n)
{
    sortable *all = calloc((size_t)p->n_nodes + 1, sizeof *all);
    FD_ALLOCATED(all);
    *n = 0;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const fd_plan_node *x = &p->nodes[i];
        if (x->kind == kind && x->uses != 0)
            all[(*n)++] = (sortable){x->a, i, kind == FD_PLAN_CUT ? x->key : 0};
    }
    qsort(all, *n, sizeof *all, in_order);
    return all;
}

static uint32_t take_slots(fd_cel_plan *p, uint32_t n)
{
    FD_ASSERT(p->n_slots <= UINT32_MAX - n);
    p->n_slots += n;
    return p->n_slots - n;
}

static void lay_out_cuts(fd_cel_plan *p)
{
    sortable *all = sorted_nodes(p, FD_PLAN_CUT, &p->n_cuts);
    p->cuts = calloc((size_t)p->n_cuts + 1, sizeof *p->cuts);
    p->cut_keys = calloc((size_t)p->n_cuts + 1, sizeof *p->cut_keys);
    p->cut_below = calloc((size_t)p->n_cuts + 1, sizeof *p->cut_below);
    FD_ALLOCATED(p->cuts);
    FD_ALLOCATED(p->cut_keys);
    FD_ALLOCATED(p->cut_below);
    for (uint32_t i = 0; i < p->n_cuts; i++) {
        fd_plan_node *x = &p->nodes[all[i].node];
        fd_plan_value *v = &p->values[x->a];
        if (v->n_cuts++ == 0)
            v->first_cut = i;
        if (v->n_cuts > p->most_cuts)
            p->most_cuts = v->n_cuts;
        p->cuts[i] = all[i].node;
        p->cut_keys[i] = x->key;
        p->cut_below[i] = x->below;
        x->slot = take_slots(p, 2);
    }
    free(all);
}

static void lay_out_sets(fd_cel_plan *p)
{
    sortable *all = sorted_nodes(p, FD_PLAN_MEMBER, &p->n_members);
    p->members = calloc((size_t)p->n_members + 1, sizeof *p->members);
    FD_ALLOCATED(p->members);
    for (uint32_t i = 0; i < p->n_members; i++) {
        fd_plan_node *x = &p->nodes[all[i].node];
        fd_plan_set *s = &p->sets[x->a];
        if (s->n_members++ == 0) {
            s->first_member = i;
            s->slot = take_slots(p, s->n);
            p->most_codes = s->n > p->most_codes ? s->n : p->most_codes;
        }
        p->members[i] = all[i].node;
        x->slot = take_slots(p, 2);
    }
    free(all);
}

void fd_plan_lay_out(fd_cel_plan *p)
{
    p->n_slots = FD_SLOT_FIRST;
    for (uint32_t i = 0; i < p->n_roots; i++) {
        if (p->roots[i] == FD_PLAN_NONE)
            continue;
        use_node(p, p->roots[i]);
        p->root_lazy[i] = p->nodes[p->roots[i]].lazy;
    }
    drop_unused_steps(p);
    for (uint32_t i = 0; i < p->n_columns; i++)
        p->columns[i].slot = p->columns[i].used ? take_slots(p, 2) : 0;
    for (uint32_t i = 0; i < p->n_values; i++)
        p->values[i].slot = p->values[i].used ? take_slots(p, 3) : 0;
    lay_out_cuts(p);
    lay_out_sets(p);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        fd_plan_node *x = &p->nodes[i];
        if (x->uses == 0 || x->kind == FD_PLAN_CUT || x->kind == FD_PLAN_MEMBER)
            continue;
        x->slot = take_slots(p, x->lazy ? 3 : 2);
        p->depth = x->depth > p->depth ? x->depth : p->depth;
    }
}
