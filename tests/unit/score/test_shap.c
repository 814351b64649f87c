/* Contributions of forests: the definition of Shapley values, over all subsets of inputs, and what
 * is known of large ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "score/forest.h"

enum { INPUTS = 6, OUTPUTS = 2, TREES = 4, NODES = 255, ROUNDS = 300 };

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % below;
}

typedef struct tree {
    fd_forest_node nodes[NODES];
    fd_forest_leaf_value values[NODES][OUTPUTS];
    uint32_t n;
} tree;

/* `rows` of the training came here; some leaves had none. */
static uint32_t grow(tree *t, uint32_t depth, uint32_t rows)
{
    uint32_t at = t->n++;
    fd_forest_node *node = &t->nodes[at];
    *node = (fd_forest_node){.cover = rows};
    if (depth == 0 || rows < 2 || draw(5) == 0) {
        node->split = FD_SPLIT_LEAF;
        node->n_values = 1 + draw(OUTPUTS);
        node->values = t->values[at];
        for (uint32_t i = 0; i < node->n_values; i++)
            t->values[at][i] = (fd_forest_leaf_value){i, draw(2000) / 100.0 - 10};
        return at;
    }
    node->split = draw(2) ? FD_SPLIT_LT : FD_SPLIT_LE;
    node->input = draw(INPUTS);
    node->threshold = draw(4);
    node->missing_yes = draw(2);
    uint32_t left = depth == 1 && draw(4) == 0 ? 0 : 1 + draw(rows - 1);
    node->yes = grow(t, left == 0 ? 0 : depth - 1, left);
    node->no = grow(t, depth - 1, rows - left);
    return at;
}

static bool goes_yes(const fd_forest_node *node, const double *row)
{
    double x = row[node->input];
    if (isnan(x))
        return node->missing_yes;
    return node->split == FD_SPLIT_LT ? x < node->threshold : x <= node->threshold;
}

/* Over the training rows, where only inputs in the set are known. */
static double expected(const tree *t, uint32_t at, const double *row, uint32_t known,
                       uint32_t output)
{
    const fd_forest_node *node = &t->nodes[at];
    if (node->split == FD_SPLIT_LEAF)
        return output < node->n_values ? node->values[output].value : 0;
    if (known >> node->input & 1)
        return expected(t, goes_yes(node, row) ? node->yes : node->no, row, known, output);
    return (t->nodes[node->yes].cover * expected(t, node->yes, row, known, output) +
            t->nodes[node->no].cover * expected(t, node->no, row, known, output)) /
           node->cover;
}

static double factorial(int n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

static void by_definition(const tree *t, const double *row, uint32_t output, double *to)
{
    double value[1 << INPUTS];
    for (uint32_t known = 0; known < 1 << INPUTS; known++)
        value[known] = expected(t, 0, row, known, output);
    to[INPUTS] += value[0];
    for (int i = 0; i < INPUTS; i++) {
        for (uint32_t known = 0; known < 1 << INPUTS; known++) {
            int n = __builtin_popcount(known);
            if ((known >> i & 1) == 0)
                to[i] += factorial(n) * factorial(INPUTS - 1 - n) / factorial(INPUTS) *
                         (value[known | 1U << i] - value[known]);
        }
    }
}

static fd_forest *make(const fd_forest_spec *spec)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_forest *f = fd_forest_new(spec, "test", &d);
    assert_non_null(f);
    fd_diags_free(&d);
    return f;
}

static void check_row(const fd_forest *f, const tree *trees, const fd_forest_spec *spec)
{
    static const double values[] = {NAN, 0, 1, 2, 3, -1};
    double row[INPUTS], ours[INPUTS + 1];
    for (int i = 0; i < INPUTS; i++)
        row[i] = values[draw(6)];
    for (uint32_t output = 0; output < OUTPUTS; output++) {
        double theirs[INPUTS + 1] = {0};
        uint32_t n = 0;
        for (uint32_t t = 0; t < TREES; t++) {
            bool adds = false;
            by_definition(&trees[t], row, output, theirs);
            for (uint32_t i = 0; i < trees[t].n; i++)
                adds = adds || trees[t].nodes[i].n_values > output;
            n += adds;
        }
        assert_true(fd_forest_contribute(f, row, output, ours));
        for (int i = 0; i <= INPUTS; i++) {
            double want = spec->average && n > 0 ? theirs[i] / n : theirs[i];
            want += i == INPUTS ? spec->base[output] : 0;
            assert_true(fabs(ours[i] - want) < 1e-12);
        }
    }
}

static void test_definition(void **state)
{
    (void)state;
    tree *trees = calloc(TREES, sizeof *trees);
    for (seed = 1; seed <= ROUNDS; seed++) {
        uint64_t round = seed;
        fd_forest_tree list[TREES];
        for (int t = 0; t < TREES; t++) {
            trees[t].n = 0;
            grow(&trees[t], draw(7), 100);
            list[t] = (fd_forest_tree){trees[t].n, trees[t].nodes};
        }
        const double base[OUTPUTS] = {3, -0.5};
        const fd_forest_spec spec = {.n_inputs = INPUTS,
                                     .n_outputs = OUTPUTS,
                                     .sum = FD_SUM_DOUBLE_FROM_ZERO,
                                     .average = draw(2),
                                     .base = base,
                                     .n_trees = TREES,
                                     .trees = list};
        fd_forest *f = make(&spec);
        for (int i = 0; i < 5; i++)
            check_row(f, trees, &spec);
        fd_forest_free(f);
        seed = round;
    }
    free(trees);
}

/* One when all n inputs are above 0, else 0; half of the training rows were, at each split. By
 * symmetry all inputs have the same part of it. */
static void check_chain(uint32_t n)
{
    fd_forest_node *nodes = calloc(2 * n + 1U, sizeof *nodes);
    const fd_forest_leaf_value one = {0, 1}, zero = {0, 0};
    for (uint32_t i = 0; i <= n; i++)
        nodes[2 * i] = (fd_forest_node){.split = FD_SPLIT_GT,
                                        .input = i,
                                        .yes = 2 * i + 2,
                                        .no = 2 * i + 1,
                                        .cover = ldexp(1, 500 - (int)i)};
    for (uint32_t i = 0; i < n; i++) {
        nodes[2 * i + 1] = (fd_forest_node){.split = FD_SPLIT_LEAF,
                                            .n_values = 1,
                                            .values = &zero,
                                            .cover = nodes[2 * i].cover / 2};
    }
    nodes[2 * n].split = FD_SPLIT_LEAF;
    nodes[2 * n].n_values = 1;
    nodes[2 * n].values = &one;
    const fd_forest_tree list = {2 * n + 1, nodes};
    fd_forest *f = make(&(fd_forest_spec){.n_inputs = n,
                                          .n_outputs = 1,
                                          .sum = FD_SUM_DOUBLE_FROM_ZERO,
                                          .n_trees = 1,
                                          .trees = &list});
    double *row = calloc(n, sizeof *row), *to = calloc(n + 1U, sizeof *to);
    for (uint32_t i = 0; i < n; i++)
        row[i] = 1;
    assert_true(fd_forest_contribute(f, row, 0, to));
    assert_true(to[n] == ldexp(1, -(int)n));
    for (uint32_t i = 0; i < n; i++)
        assert_true(fabs(to[i] * n - (1 - to[n])) < 1e-11);
    free(row);
    free(to);
    free(nodes);
    fd_forest_free(f);
}

static void test_chains(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 70; n++)
        check_chain(n);
    check_chain(400);
    check_chain(1000);
}

static void test_no_covers(void **state)
{
    (void)state;
    const fd_forest_leaf_value one = {0, 1};
    fd_forest_node nodes[] = {
        {.split = FD_SPLIT_LT, .yes = 1, .no = 2},
        {.split = FD_SPLIT_LEAF, .n_values = 1, .values = &one},
        {.split = FD_SPLIT_LEAF, .n_values = 1, .values = &one},
    };
    const fd_forest_tree list = {3, nodes};
    fd_forest_spec spec = {.n_inputs = 1, .n_outputs = 1, .n_trees = 1, .trees = &list};
    static const double covers[] = {0, -1, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        nodes[0].cover = covers[i];
        fd_forest *f = make(&spec);
        double row = 1, to[2];
        assert_false(fd_forest_explains(f));
        assert_false(fd_forest_contribute(f, &row, 0, to));
        fd_forest_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_no_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
