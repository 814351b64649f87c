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
 * Split by split: let T be the sum, over the leaves below a split's branch, of v times the product
 * of all inputs. Dividing by an input's own factor gives what belongs to it, once, at the last
 * branch that splits by it; an earlier branch by the same input takes its part back. So each branch
 * costs one look at each node of the rule. An input that no split has met has z = 1 and o = 1,
 * which is no factor and no part.
 *
 * Memory: a frame per level of the deepest tree and a state per input; no recursion. Any thread.
 */
#include <math.h>

#include "score/forest_int.h"

/* Nodes of the rule that a walk through a tree serves at once; rules have 4, 8, 16 ... 2048. */
enum { AT_ONCE = 4, N_RULES = 10 };

typedef struct rule {
    uint32_t n;
    double *x, *weight; /* on [0, 1] */
} rule;

/* An input on the way from the root. */
typedef struct state {
    double share; /* of the rows that came by, those that went on at its splits */
    bool open;    /* this row goes on at all of them */
} state;

typedef struct frame {
    uint32_t node;
    uint32_t input; /* of the split above; NONE: the root */
    state before;   /* that input's, above that split */
    bool goes_yes;
    uint8_t done;            /* branches */
    double reach;            /* the share of all rows that came here */
    double product[AT_ONCE]; /* of all inputs */
    double below[AT_ONCE];   /* the sum over leaves */
} frame;

enum { NONE = UINT32_MAX };

typedef struct explaining {
    const fd_forest *f;
    const fd_kept_node *nodes; /* of the tree */
    const double *row;
    uint32_t output;
    double *to;    /* n_inputs, and the bias */
    state *states; /* per input */
    frame *stack;
    rule rules[N_RULES];
    const double *x, *weight; /* of the rule, those served now */
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

/* For 0 <= x <= pi/2, to 3e-5 of it: where Newton's method begins. The C library's would be another
 * one elsewhere, and contributions have the same bits on every machine. */
static double cosine(double x)
{
    double y = x * x;
    return 1 - y / 2 * (1 - y / 12 * (1 - y / 30 * (1 - y / 56)));
}

static void make_rule(rule *r, uint32_t n)
{
    enum { ROUNDS_MAX = 100 };
    r->n = n;
    r->x = room(n, sizeof *r->x);
    r->weight = room(n, sizeof *r->weight);
    for (uint32_t i = 0; i < n / 2; i++) {
        double x = cosine(M_PI * (i + 0.75) / (n + 0.5)), derivative = 0, step = 1;
        for (int round = 0; round < ROUNDS_MAX && fabs(step) >= 1e-15; round++) {
            step = legendre(n, x, &derivative) / derivative;
            x -= step;
        }
        legendre(n, x, &derivative);
        r->x[i] = (1 - x) / 2;
        r->x[n - 1 - i] = (1 + x) / 2;
        r->weight[i] = r->weight[n - 1 - i] = 1 / ((1 - x * x) * derivative * derivative);
    }
}

/* A rule that is exact for paths of n inputs. */
static const rule *rule_for(explaining *e, uint32_t n)
{
    uint32_t i = 0, nodes = AT_ONCE;
    for (; nodes < (n + 1) / 2; i++)
        nodes *= 2;
    FD_ASSERT(i < N_RULES);
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

static bool untouched(const state *s)
{
    return s->share == 1 && s->open;
}

/* product *= or, with `out`, /= the input's factor. */
static void multiply(const explaining *e, const state *s, bool out, double *product)
{
    for (int i = 0; i < AT_ONCE; i++) {
        double factor = s->share * (1 - e->x[i]) + (s->open ? e->x[i] : 0);
        product[i] = out ? product[i] / factor : product[i] * factor;
    }
}

/* What belongs to an input of leaves that weigh `below`. */
static double part(const explaining *e, const state *s, const double *below)
{
    double sum = 0;
    for (int i = 0; i < AT_ONCE; i++) {
        double closed = 1 - e->x[i], w = e->weight[i] * below[i];
        sum += s->open ? w * (1 - s->share) / (s->share * closed + e->x[i]) : -w / closed;
    }
    return sum;
}

static void enter(explaining *e, frame *to, const frame *from, bool yes)
{
    const fd_kept_node *split = &e->nodes[from->node];
    to->node = yes ? split->yes : split->no;
    to->input = split->input;
    to->done = 0;
    double share = e->nodes[to->node].cover / split->cover;
    state *s = &e->states[split->input];
    to->reach = from->reach * share;
    to->before = *s;
    s->share *= share;
    s->open = s->open && yes == from->goes_yes;
    for (int i = 0; i < AT_ONCE; i++) {
        to->product[i] = from->product[i];
        to->below[i] = 0;
    }
    multiply(e, s, false, to->product);
    if (!untouched(&to->before))
        multiply(e, &to->before, true, to->product);
}

static void leave(explaining *e, const frame *from, frame *to)
{
    state *s = &e->states[from->input];
    e->to[from->input] += part(e, s, from->below);
    if (!untouched(&from->before))
        e->to[from->input] -= part(e, &from->before, from->below);
    *s = from->before;
    for (int i = 0; i < AT_ONCE; i++)
        to->below[i] += from->below[i];
}

/* Where no training row went and this one does not go, nothing counts. */
static bool nothing_below(const explaining *e, const frame *at)
{
    return at->input != NONE && e->states[at->input].share == 0 && !e->states[at->input].open;
}

/* False: it has no branch left. */
static bool descend(explaining *e, frame *at)
{
    const fd_kept_node *node = &e->nodes[at->node];
    if (node->split == FD_SPLIT_LEAF || at->done == 2 || nothing_below(e, at))
        return false;
    if (at->done == 0)
        at->goes_yes = fd_forest_goes_yes(e->f, node, fd_forest_input(e->f, e->row[node->input]));
    enter(e, at + 1, at, at->done++ == 0);
    return true;
}

static void walk(explaining *e, bool first)
{
    e->stack[0] = (frame){.input = NONE, .reach = 1, .product = {1, 1, 1, 1}};
    for (frame *at = e->stack;;) {
        if (descend(e, at)) {
            at++;
            continue;
        }
        const fd_kept_node *node = &e->nodes[at->node];
        if (node->split == FD_SPLIT_LEAF) {
            double v = leaf_value(e, node);
            e->to[e->f->n_inputs] += first ? v * at->reach : 0;
            for (int i = 0; i < AT_ONCE; i++)
                at->below[i] = v * at->product[i];
        }
        if (at == e->stack)
            return;
        leave(e, at, at - 1);
        at--;
    }
}

static void explain_tree(explaining *e, uint32_t tree)
{
    uint32_t n = e->f->trees[tree].depth < e->f->n_inputs ? e->f->trees[tree].depth
                                                          : e->f->n_inputs;
    const rule *r = rule_for(e, n);
    e->nodes = fd_forest_nodes(e->f, tree);
    for (uint32_t i = 0; i < r->n; i += AT_ONCE) {
        e->x = r->x + i;
        e->weight = r->weight + i;
        walk(e, i == 0);
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
    free(e->states);
    free(e->stack);
    for (int i = 0; i < N_RULES; i++) {
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
    e.states = room(f->n_inputs, sizeof *e.states);
    e.stack = room(deepest(f) + 1U, sizeof *e.stack);
    for (uint32_t i = 0; i < f->n_inputs; i++)
        e.states[i] = (state){1, true};
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
