/*
 * What each input added to a raw score: exact TreeSHAP, weighing with the training rows that went
 * each way (covers), as XGBoost's pred_contribs and LightGBM's pred_contrib do.
 *
 * On the path to a leaf each input counts once, with the share z of the rows that went along it
 * and with whether this row does (o = 1) or not (o = 0). The Shapley value of input i for a leaf v
 * is v (o_i - z_i) times a sum over subsets of the others, weighted by k! (n-1-k)! / n!. That
 * weight is the integral of x^k (1-x)^(n-1-k) over [0, 1], so that the sum is the integral of the
 * product of z_j (1-x) + o_j x over all j but i: a polynomial of degree n-1, which Gauss-Legendre
 * quadrature with n/2 nodes, rounded up, gives exactly. All terms are positive, so nothing cancels;
 * the libraries' own recurrence (Lundberg et al. 2018, algorithm 2) subtracts and loses digits in
 * deep trees.
 *
 * Memory: a frame per level of the deepest tree and a slot per input; no recursion. Any thread.
 */
#include <math.h>

#include "score/forest_int.h"

/* Numbers of quadrature nodes that are computed: 1 to 8, then 12, 16, 24, 32 ... */
enum { RULES_EXACT = 8, RULES_MAX = RULES_EXACT + 2 * 8 };

typedef struct rule {
    uint32_t n;
    double *x, *weight; /* on [0, 1] */
} rule;

/* An input on the way from the root. */
typedef struct slot {
    uint32_t input;
    double share;
    bool open; /* the row goes this way at all of its splits */
} slot;

typedef struct frame {
    uint32_t node;
    uint32_t slot; /* that the split above is in; NONE: the root */
    slot before;   /* what was in it; share 0, closed: it was not there */
    bool fresh;    /* it was not there */
    bool goes_yes;
    uint8_t done; /* branches */
} frame;

enum { NONE = UINT32_MAX };

typedef struct explaining {
    const fd_forest *f;
    const fd_kept_node *nodes; /* of the tree */
    const double *row;
    uint32_t output;
    double *to; /* n_inputs, and the bias */
    slot *slots;
    uint32_t n_slots;
    uint32_t *slot_of; /* per input; NONE */
    frame *stack;
    rule rules[RULES_MAX];
} explaining;

static void *room(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    FD_ALLOCATED(p);
    return p;
}

/* The Legendre polynomial of degree n at x, and its derivative. */
static double legendre(uint32_t n, double x, double *derivative)
{
    double p = 1, before = 0;
    for (uint32_t k = 0; k < n; k++) {
        double next = ((2.0 * k + 1) * x * p - k * before) / (k + 1);
        before = p;
        p = next;
    }
    *derivative = n * (x * p - before) / (x * x - 1);
    return p;
}

static void make_rule(rule *r, uint32_t n)
{
    r->n = n;
    r->x = room(n, sizeof *r->x);
    r->weight = room(n, sizeof *r->weight);
    for (uint32_t i = 0; i < n; i++) {
        double x = cos(M_PI * (i + 0.75) / (n + 0.5)), derivative = 0;
        for (int round = 0; round < 100; round++) {
            double step = legendre(n, x, &derivative) / derivative;
            x -= step;
            if (fabs(step) < 1e-15)
                break;
        }
        legendre(n, x, &derivative);
        r->x[i] = (1 + x) / 2;
        r->weight[i] = 1 / ((1 - x * x) * derivative * derivative);
    }
}

/* A rule that is exact for degree n - 1. */
static const rule *rule_for(explaining *e, uint32_t n)
{
    uint32_t nodes = (n + 1) / 2, i = nodes - 1;
    if (nodes > RULES_EXACT) {
        uint32_t size = RULES_EXACT;
        for (i = RULES_EXACT - 1; size < nodes; i++)
            size += (i - RULES_EXACT + 1) % 2 == 0 ? size / 2 : size / 3;
        nodes = size;
    }
    FD_ASSERT(i < RULES_MAX);
    if (e->rules[i].n == 0)
        make_rule(&e->rules[i], nodes);
    return &e->rules[i];
}

static double leaf_value(const explaining *e, const fd_kept_node *leaf)
{
    double v = 0;
    for (uint32_t i = 0; i < leaf->n; i++) {
        const fd_forest_leaf_value *value = &e->f->values[leaf->first + i];
        v += value->output == e->output ? value->value : 0;
    }
    return v;
}

/* At one node of the rule: the product of all slots, and from it each slot's without its own. */
static void add_node(explaining *e, double v, double x)
{
    for (uint32_t i = 0; i < e->n_slots; i++)
        v *= e->slots[i].share * (1 - x) + (e->slots[i].open ? x : 0);
    double closed = -v / (1 - x);
    for (uint32_t i = 0; i < e->n_slots; i++) {
        const slot *s = &e->slots[i];
        e->to[s->input] += s->open ? v * (1 - s->share) / (s->share * (1 - x) + x) : closed;
    }
}

static void add_leaf(explaining *e, const fd_kept_node *leaf)
{
    double v = leaf_value(e, leaf), expected = v;
    if (v == 0)
        return;
    for (uint32_t i = 0; i < e->n_slots; i++)
        expected *= e->slots[i].share;
    e->to[e->f->n_inputs] += expected;
    if (e->n_slots == 0)
        return;
    const rule *r = rule_for(e, e->n_slots);
    for (uint32_t i = 0; i < r->n; i++)
        add_node(e, v * r->weight[i], r->x[i]);
}

static void enter(explaining *e, frame *to, const frame *from, bool yes)
{
    const fd_kept_node *split = &e->nodes[from->node];
    uint32_t child = yes ? split->yes : split->no;
    *to = (frame){.node = child, .slot = e->slot_of[split->input]};
    if (to->slot == NONE) {
        to->fresh = true;
        to->slot = e->slot_of[split->input] = e->n_slots++;
        e->slots[to->slot] = (slot){split->input, 1, true};
    }
    slot *s = &e->slots[to->slot];
    to->before = *s;
    s->share *= e->nodes[child].cover / split->cover;
    s->open = s->open && yes == from->goes_yes;
}

static void leave(explaining *e, const frame *from)
{
    if (from->slot == NONE)
        return;
    e->slots[from->slot] = from->before;
    if (!from->fresh)
        return;
    e->slot_of[from->before.input] = NONE;
    e->n_slots--;
}

static void explain_tree(explaining *e, uint32_t tree)
{
    e->nodes = fd_forest_nodes(e->f, tree);
    e->stack[0] = (frame){.slot = NONE};
    for (uint32_t depth = 1; depth > 0;) {
        frame *top = &e->stack[depth - 1];
        const fd_kept_node *node = &e->nodes[top->node];
        bool leaf = node->split == FD_SPLIT_LEAF;
        if (leaf)
            add_leaf(e, node);
        /* Where no training row went and this one does not go, nothing counts. */
        bool nothing = top->slot != NONE && e->slots[top->slot].share == 0 &&
                       !e->slots[top->slot].open;
        if (leaf || nothing || top->done == 2) {
            leave(e, top);
            depth--;
            continue;
        }
        if (top->done == 0)
            top->goes_yes = fd_forest_goes_yes(e->f, node,
                                               fd_forest_input(e->f, e->row[node->input]));
        enter(e, &e->stack[depth++], top, top->done++ == 0);
    }
}

bool fd_forest_explains(const fd_forest *f)
{
    for (uint32_t t = 0; t < f->n_trees; t++) {
        if (!f->trees[t].covers)
            return false;
    }
    return true;
}

static uint32_t deepest(const fd_forest *f)
{
    uint32_t depth = 0;
    for (uint32_t t = 0; t < f->n_trees; t++)
        depth = f->trees[t].depth > depth ? f->trees[t].depth : depth;
    return depth;
}

static void free_memory(explaining *e)
{
    free(e->slots);
    free(e->slot_of);
    free(e->stack);
    for (int i = 0; i < RULES_MAX; i++) {
        free(e->rules[i].x);
        free(e->rules[i].weight);
    }
}

bool fd_forest_contribute(const fd_forest *f, const double *row, uint32_t output,
                          double *contributions)
{
    if (!fd_forest_explains(f))
        return false;
    explaining e = {.f = f, .row = row, .output = output, .to = contributions};
    e.slots = room(f->n_inputs, sizeof *e.slots);
    e.slot_of = room(f->n_inputs, sizeof *e.slot_of);
    e.stack = room(deepest(f) + 1U, sizeof *e.stack);
    for (uint32_t i = 0; i < f->n_inputs; i++)
        e.slot_of[i] = NONE;
    for (uint32_t i = 0; i <= f->n_inputs; i++)
        contributions[i] = 0;
    for (uint32_t t = 0; t < f->n_trees; t++)
        explain_tree(&e, t);
    for (uint32_t i = 0; f->average && f->trees_of[output] > 0 && i <= f->n_inputs; i++)
        contributions[i] /= f->trees_of[output];
    contributions[f->n_inputs] += f->base[output];
    free_memory(&e);
    return true;
}
