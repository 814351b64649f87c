/*
 * What a plan looks like to people: sizes, what is shared, what it costs. Costs are estimates, for
 * one event of large batches on a present-day core: they tell dear from cheap, not one per cent
 * from two. Any thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/plan_int.h"

/* Nanoseconds per event. */
static const double ns_bits = 0.01;   /* one pass over bits */
static const double ns_column = 0.1;  /* a null test packed */
static const double ns_number = 0.6;  /* an arithmetic operation, a key */
static const double ns_rank = 4.0;    /* a row's rank among many keys */
static const double ns_key = 0.08;    /* a row compared with one key */
static const double ns_text = 6.0;    /* a text looked up or compared */
static const double ns_integer = 2.5; /* a number looked up */
static const double ns_step = 12.0;   /* a step of the row evaluator */

enum { RANKED_FROM = 40 };

/* How many conditions need each thing. */
typedef struct counts {
    uint32_t *nodes, *columns, *values, *sets;
} counts;

/* What is needed below a condition, each thing once. */
typedef struct visit {
    const fd_cel_plan *p;
    uint32_t mark; /* this condition's, in `seen` */
    counts seen, users;
    bool counting; /* users, which are not known yet */
    fd_cel_root_stats stats;
    fd_strbuf *why;
} visit;

static void visit_node(visit *v, uint32_t node);

/* The first time of this condition. */
static bool enter(visit *v, uint32_t *seen, uint32_t *users)
{
    if (*seen == v->mark)
        return false;
    *seen = v->mark;
    *users += v->counting;
    return true;
}

static void charge(visit *v, double ns, uint32_t users)
{
    v->stats.ns += ns;
    v->stats.share_ns += ns / users;
}

static double cuts_ns(const fd_plan_value *v)
{
    double direct = v->n_cuts * ns_key;
    double ranked = ns_rank + v->n_cuts * ns_bits;
    return v->n_cuts < RANKED_FROM && direct < ranked ? direct : ranked;
}

static void visit_column(visit *v, uint32_t i)
{
    if (enter(v, &v->seen.columns[i], &v->users.columns[i]))
        charge(v, ns_column, v->users.columns[i]);
}

static void visit_value(visit *v, uint32_t i)
{
    const fd_plan_value *x = &v->p->values[i];
    if (!enter(v, &v->seen.values[i], &v->users.values[i]))
        return;
    double ns = x->kind == FD_VALUE_COLUMN ? 0 : ns_number;
    if (x->keyed && x->type == FD_CEL_DOUBLE)
        ns += ns_number;
    charge(v, ns, v->users.values[i]);
    if (x->kind == FD_VALUE_COLUMN)
        visit_column(v, x->a);
    if (x->kind == FD_VALUE_COND)
        visit_node(v, x->a);
    for (uint32_t o = 0; o < x->n; o++) {
        if (x->operands[o].value != FD_PLAN_NONE)
            visit_value(v, x->operands[o].value);
    }
}

static void visit_set(visit *v, uint32_t i)
{
    const fd_plan_set *s = &v->p->sets[i];
    if (!enter(v, &v->seen.sets[i], &v->users.sets[i]))
        return;
    charge(v, s->text ? ns_text : ns_integer, v->users.sets[i]);
    if (s->text)
        visit_column(v, s->of);
    else
        visit_value(v, s->of);
}

/* What the node itself costs; what it is of is visited. */
static double own_ns(visit *v, const fd_plan_node *x)
{
    switch ((fd_plan_kind)x->kind) {
    case FD_PLAN_CONST:
    case FD_PLAN_ROW: /* by the rows that are left to it */
        return 0;
    case FD_PLAN_HAS:
    case FD_PLAN_BOOL:
        visit_column(v, x->a);
        return x->kind == FD_PLAN_HAS ? 0 : ns_column;
    case FD_PLAN_CUT:
        visit_value(v, x->a);
        return cuts_ns(&v->p->values[x->a]) / v->p->values[x->a].n_cuts;
    case FD_PLAN_MEMBER:
        visit_set(v, x->a);
        return ns_bits;
    case FD_PLAN_GREATER:
    case FD_PLAN_EQUAL:
        visit_value(v, x->a);
        visit_value(v, x->b);
        return ns_key;
    case FD_PLAN_TEXTS:
        visit_column(v, x->a);
        visit_column(v, x->b);
        return ns_text;
    case FD_PLAN_AND:
    case FD_PLAN_OR:
    case FD_PLAN_NOT:
    case FD_PLAN_COND:
        return ns_bits * (x->n_args + 1);
    }
    FD_UNREACHABLE();
}

static const char *reason_of(const fd_node *x)
{
    switch (x->kind) {
    case FD_NODE_IN:
        return x->args[1]->kind == FD_NODE_CONST && x->args[1]->value.kind == FD_CEL_SET
                   ? "looks up a named list"
                   : "membership in what is not a list of constants of one type";
    case FD_NODE_COMPARE:
        return "compares what columns cannot: texts by order, types known at run time only, times "
               "with each other";
    case FD_NODE_COLUMN:
        return "a value whose type is known at run time only";
    case FD_NODE_FIELD:
    case FD_NODE_HAS_FIELD:
        return "a field of a value known at run time only";
    case FD_NODE_INDEX:
        return "an element of a list or map";
    case FD_NODE_MATCHES:
        return "a regular expression";
    case FD_NODE_LOOP:
        return "a macro over a list or map";
    default:
        return "no columns for this";
    }
}

/* The dearest function below, which says more than the comparison that it stands in. */
static const fd_node *dearest_call(const fd_node *x)
{
    const fd_node *best = x->kind == FD_NODE_CALL ? x : NULL;
    for (uint32_t i = 0; i < x->n_args; i++) {
        const fd_node *below = dearest_call(x->args[i]);
        if (below != NULL &&
            (best == NULL || below->overloads.first->cost > best->overloads.first->cost))
            best = below;
    }
    return best;
}

static void explain_row(visit *v, const fd_node *x)
{
    const fd_node *call = dearest_call(x);
    if (v->why == NULL)
        return;
    if (v->why->n != 0)
        fd_strbuf_puts(v->why, "; ");
    if (call != NULL && x->kind != FD_NODE_IN)
        fd_strbuf_printf(v->why, "%s() is a function of rows", call->overloads.first->name);
    else
        fd_strbuf_puts(v->why, reason_of(x));
}

static void visit_node(visit *v, uint32_t node)
{
    const fd_plan_node *x = &v->p->nodes[node];
    if (!enter(v, &v->seen.nodes[node], &v->users.nodes[node]))
        return;
    uint32_t users = v->users.nodes[node];
    charge(v, own_ns(v, x), users);
    v->stats.n_nodes++;
    v->stats.n_shared += users > 1;
    if (x->kind == FD_PLAN_ROW) {
        v->stats.n_row_nodes++;
        v->stats.row_ns += x->cost * ns_step;
        explain_row(v, x->source);
    }
    for (uint32_t i = 0; i < x->n_args && x->kind != FD_PLAN_MEMBER; i++)
        visit_node(v, v->p->args[x->first + i]);
}

static void open_counts(const fd_cel_plan *p, counts *c)
{
    c->nodes = calloc((size_t)p->n_nodes + 1, sizeof(uint32_t));
    c->columns = calloc((size_t)p->n_columns + 1, sizeof(uint32_t));
    c->values = calloc((size_t)p->n_values + 1, sizeof(uint32_t));
    c->sets = calloc((size_t)p->n_sets + 1, sizeof(uint32_t));
    FD_ALLOCATED(c->nodes);
    FD_ALLOCATED(c->columns);
    FD_ALLOCATED(c->values);
    FD_ALLOCATED(c->sets);
}

static void close_counts(counts *c)
{
    free(c->nodes);
    free(c->columns);
    free(c->values);
    free(c->sets);
}

static fd_cel_root_stats visit_root(visit *v, uint32_t root, fd_strbuf *why)
{
    v->stats = (fd_cel_root_stats){0};
    v->why = why;
    v->mark++;
    if (v->p->roots[root] != FD_PLAN_NONE)
        visit_node(v, v->p->roots[root]);
    return v->stats;
}

static fd_cel_plan_stats sum_up(const fd_cel_plan *p, const counts *users)
{
    fd_cel_plan_stats s = {0};
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const fd_plan_node *x = &p->nodes[i];
        s.n_nodes += x->uses != 0;
        s.n_row_nodes += x->uses != 0 && x->kind == FD_PLAN_ROW;
        s.n_predicates += x->uses != 0 && (x->kind == FD_PLAN_CUT || x->kind == FD_PLAN_MEMBER);
        s.n_shared += users->nodes[i] > 1;
    }
    for (uint32_t i = 0; i < p->n_values; i++)
        s.n_values += p->values[i].used;
    return s;
}

fd_cel_plan_stats fd_cel_plan_describe(const fd_cel_plan *p, fd_cel_root_stats *roots,
                                       fd_strbuf *whys)
{
    visit v = {.p = p, .counting = true};
    open_counts(p, &v.seen);
    open_counts(p, &v.users);
    for (uint32_t i = 0; i < p->n_roots; i++)
        visit_root(&v, i, NULL);
    v.counting = false;
    fd_cel_plan_stats all = sum_up(p, &v.users);
    for (uint32_t i = 0; i < p->n_roots; i++) {
        roots[i] = visit_root(&v, i, whys == NULL ? NULL : &whys[i]);
        all.n_parts += roots[i].n_nodes;
        all.ns += roots[i].share_ns;
    }
    close_counts(&v.seen);
    close_counts(&v.users);
    return all;
}
