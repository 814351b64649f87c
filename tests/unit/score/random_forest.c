/* See random_forest.h. One thread. */
#include "random_forest.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"

typedef struct drawing {
    const rf_plan *plan;
    fd_arena *arena;
    uint64_t state;
    fd_forest_node *nodes;
    uint32_t n_nodes, room, n_leaves;
} drawing;

static uint32_t below(uint64_t *state, uint32_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % n);
}

static double normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += below(state, 1U << 24) / (double)(1U << 24);
    return sum;
}

static double awkward_value(uint64_t *state)
{
    static const double odd[] = {NAN,      INFINITY, -INFINITY, 0.0,  -0.0,  1e-40,   -1e-40,
                                 1e-35,    -1e-35,   1e-36,     3e38, -3e38, 1e300,   -1e-310,
                                 16777216, 0.5,      -0.5,      1,    -1,    0x1p-149};
    return odd[below(state, sizeof odd / sizeof *odd)];
}

static double threshold(drawing *d, uint32_t input)
{
    if (d->plan->n_thresholds == 0)
        return normal(&d->state);
    uint64_t state = d->plan->seed + input * 7919 +
                     below(&d->state, d->plan->n_thresholds) * 104729;
    below(&state, 2);
    if (!d->plan->less_only && below(&state, 8) == 0) {
        double odd = awkward_value(&state);
        return isnan(odd) ? 0 : odd;
    }
    return normal(&state);
}

static void draw_split(drawing *d, fd_forest_node *node)
{
    node->input = below(&d->state, d->plan->n_inputs);
    node->threshold = threshold(d, node->input);
    node->missing_yes = below(&d->state, 2) != 0;
    node->cover = 1 + below(&d->state, 100);
    node->split = FD_SPLIT_LT;
    if (d->plan->less_only)
        return;
    node->split = below(&d->state, 40) == 0 ? FD_SPLIT_EQ + below(&d->state, 3)
                                            : below(&d->state, FD_SPLIT_EQ);
    node->zero_is_missing = below(&d->state, 8) == 0;
    node->nan_is_zero = below(&d->state, 8) == 0;
    node->from_zero = below(&d->state, 2) != 0;
    if (node->split == FD_SPLIT_IN) {
        uint64_t *set = fd_arena_alloc(d->arena, 3 * sizeof *set);
        FD_ALLOCATED(set);
        node->n_set_words = below(&d->state, 3);
        for (int i = 0; i < 3; i++)
            set[i] = (uint64_t)below(&d->state, 1U << 31) << 33 | below(&d->state, 1U << 31);
        node->set = set;
    }
}

static void draw_leaf(drawing *d, fd_forest_node *node, uint32_t output)
{
    uint32_t n = d->plan->vector_leaves ? 1 + below(&d->state, d->plan->n_outputs) : 1;
    fd_forest_leaf_value *values = fd_arena_alloc(d->arena, n * sizeof *values);
    FD_ALLOCATED(values);
    for (uint32_t i = 0; i < n; i++)
        values[i] = (fd_forest_leaf_value){d->plan->vector_leaves ? i : output,
                                           normal(&d->state) * 0.1};
    node->split = FD_SPLIT_LEAF;
    node->n_values = n;
    node->values = values;
    node->cover = 1 + below(&d->state, 100);
    d->n_leaves++;
}

static uint32_t draw_node(drawing *d, uint32_t level, uint32_t output)
{
    const rf_plan *p = d->plan;
    if (d->n_nodes == d->room) {
        d->room = d->room * 2 + 64;
        d->nodes = realloc(d->nodes, d->room * sizeof *d->nodes);
        FD_ALLOCATED(d->nodes);
    }
    uint32_t at = d->n_nodes++;
    fd_forest_node node = {0};
    bool full = p->most_leaves != 0 && d->n_leaves + level + 1 >= p->most_leaves;
    if (level == p->depth || full || (!p->perfect && level > 0 && below(&d->state, 6) == 0)) {
        draw_leaf(d, &node, output);
    } else {
        draw_split(d, &node);
        node.yes = draw_node(d, level + 1, output);
        node.no = draw_node(d, level + 1, output);
    }
    d->nodes[at] = node;
    return at;
}

rf_forest rf_draw(const rf_plan *plan)
{
    drawing d = {.plan = plan, .state = plan->seed * 2 + 1};
    d.arena = fd_arena_new(65536, 0);
    fd_forest_tree *trees = fd_arena_alloc(d.arena, (plan->n_trees + 1U) * sizeof *trees);
    double *base = fd_arena_alloc(d.arena, plan->n_outputs * sizeof *base);
    FD_ALLOCATED(trees);
    FD_ALLOCATED(base);
    for (uint32_t o = 0; o < plan->n_outputs; o++)
        base[o] = normal(&d.state);
    for (uint32_t t = 0; t < plan->n_trees; t++) {
        d.n_nodes = d.n_leaves = 0;
        draw_node(&d, 0, t % plan->n_outputs);
        fd_forest_node *nodes = fd_arena_alloc(d.arena, d.n_nodes * sizeof *nodes);
        FD_ALLOCATED(nodes);
        memcpy(nodes, d.nodes, d.n_nodes * sizeof *nodes);
        trees[t] = (fd_forest_tree){d.n_nodes, nodes};
    }
    free(d.nodes);
    return (rf_forest){d.arena,
                       {.n_inputs = plan->n_inputs,
                        .n_outputs = plan->n_outputs,
                        .float_inputs = plan->float_inputs,
                        .sum = plan->sum,
                        .average = plan->average,
                        .base = base,
                        .n_trees = plan->n_trees,
                        .trees = trees}};
}

void rf_free(rf_forest *f)
{
    fd_arena_free(f->arena);
}

double **rf_columns(uint32_t n_columns, uint32_t n)
{
    double **columns = calloc(n_columns + 1U, sizeof *columns);
    FD_ALLOCATED(columns);
    for (uint32_t i = 0; i < n_columns; i++) {
        columns[i] = calloc(n + 1U, sizeof **columns);
        FD_ALLOCATED(columns[i]);
    }
    return columns;
}

double **rf_rows(uint64_t seed, uint32_t n_inputs, uint32_t n, bool awkward)
{
    uint64_t state = seed * 2 + 1;
    double **columns = rf_columns(n_inputs, n);
    for (uint32_t i = 0; i < n_inputs; i++) {
        for (uint32_t r = 0; r < n; r++) {
            uint32_t kind = awkward ? below(&state, 8) : 7;
            columns[i][r] = kind == 0   ? awkward_value(&state)
                            : kind == 1 ? (double)below(&state, 200) - 5
                                        : normal(&state);
        }
    }
    return columns;
}

void rf_columns_free(double **columns, uint32_t n_columns)
{
    for (uint32_t i = 0; i < n_columns; i++)
        free(columns[i]);
    free(columns);
}
