/* Forests: whatever the way, the kernels and the batch, the bits of the plain walk; refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_forest.h"
#include "score/forest_fast.h"

enum { ROWS = 150 };

static const uint32_t batches[] = {1, 3, 8, 9, 64, 65, ROWS};

typedef const fd_forest_kernels *(*kernel_set)(void);
static const kernel_set sets[] = {fd_forest_kernels_plain, fd_forest_kernels_avx2,
                                  fd_forest_kernels_avx512};

static void score_in_batches(const fd_forest *f, double **columns, uint32_t batch, double **out)
{
    size_t bytes = (fd_forest_scratch_bytes(f, batch) + 64) / 64 * 64;
    void *scratch = aligned_alloc(64, bytes);
    const double *from[64];
    double *to[8];
    memset(scratch, 0xa5, bytes);
    for (uint32_t row = 0; row < ROWS; row += batch) {
        uint32_t n = ROWS - row < batch ? ROWS - row : batch;
        for (uint32_t i = 0; i < f->n_inputs; i++)
            from[i] = columns[i] + row;
        for (uint32_t o = 0; o < f->n_outputs; o++)
            to[o] = out[o] + row;
        fd_forest_score(f, scratch, from, n, to);
    }
    free(scratch);
}

static void expect_same(const fd_forest *f, double **got, double **want, const char *what)
{
    for (uint32_t o = 0; o < f->n_outputs; o++) {
        for (uint32_t r = 0; r < ROWS; r++) {
            if (memcmp(&got[o][r], &want[o][r], sizeof(double)) != 0)
                fail_msg("%s: output %u of row %u is %.17g, not %.17g", what, o, r, got[o][r],
                         want[o][r]);
        }
    }
}

static void compare_ways(fd_forest *f, double **columns, uint64_t seed)
{
    static const char *const ways[] = {"choose", "by ranks", "by walk"};
    double **want = rf_columns(f->n_outputs, ROWS), **got = rf_columns(f->n_outputs, ROWS);
    fd_forest_score_plainly(f, (const double *const *)columns, ROWS, want);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        if (sets[s]() == NULL)
            continue;
        f->fast->kernels = sets[s]();
        for (int way = 0; way < 3; way++) {
            fd_forest_set_way(f, (fd_forest_way)way);
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                char what[120];
                snprintf(what, sizeof what, "seed %d, kernels %zu, %s, batches of %u", (int)seed, s,
                         ways[way], batches[b]);
                score_in_batches(f, columns, batches[b], got);
                expect_same(f, got, want, what);
            }
        }
    }
    rf_columns_free(want, f->n_outputs);
    rf_columns_free(got, f->n_outputs);
}

static void check_plan(const rf_plan *plan)
{
    fd_diags diags;
    fd_diags_init(&diags);
    rf_forest drawn = rf_draw(plan);
    fd_forest *f = fd_forest_new(&drawn.spec, "drawn", &diags);
    assert_non_null(f);
    assert_non_null(f->fast);
    assert_true(fd_forest_bytes(f) > 0);
    double **columns = rf_rows(plan->seed, plan->n_inputs, ROWS, true);
    compare_ways(f, columns, plan->seed);
    rf_columns_free(columns, plan->n_inputs);
    fd_forest_free(f);
    rf_free(&drawn);
    fd_diags_free(&diags);
}

static void test_all_ways_agree(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 160; seed++) {
        rf_plan plan = {.seed = seed,
                        .n_inputs = 1 + seed % 13,
                        .n_outputs = seed % 3 == 0 ? 1 : 1 + seed % 4,
                        .n_trees = seed % 40,
                        .depth = seed % 12,
                        .most_leaves = seed % 5 < 3 ? 64 : seed % 2 * 31,
                        .n_thresholds = seed % 4 * 20,
                        .perfect = seed % 7 == 0 && seed % 12 < 8,
                        .less_only = seed % 3 == 1,
                        .vector_leaves = seed % 8 == 1,
                        .float_inputs = seed / 2 % 2 != 0,
                        .average = seed % 10 == 0,
                        .sum = (fd_forest_sum)(seed / 3 % 4)};
        if (plan.average)
            plan.sum = seed % 20 == 0 ? FD_SUM_FLOAT_FROM_ZERO : FD_SUM_DOUBLE_FROM_ZERO;
        check_plan(&plan);
    }
}

/* More than 255 cuts of an input, and more than 65,535. */
static void test_many_cuts(void **state)
{
    (void)state;
    rf_plan plan = {.seed = 7,
                    .n_inputs = 2,
                    .n_outputs = 1,
                    .n_trees = 60,
                    .depth = 6,
                    .perfect = true,
                    .less_only = true,
                    .float_inputs = true,
                    .sum = FD_SUM_FLOAT_FROM_BASE};
    check_plan(&plan);
    plan.n_inputs = 1;
    plan.n_trees = 80;
    plan.depth = 10;
    plan.sum = FD_SUM_DOUBLE_FROM_ZERO;
    plan.float_inputs = false;
    check_plan(&plan);
}

/* Every tree has its own sets: more than there are columns for tests. */
static void test_many_sets(void **state)
{
    (void)state;
    enum { TREES = FD_MAX_TESTS + 50 };
    static uint64_t words[TREES];
    static fd_forest_node nodes[TREES][3];
    static fd_forest_tree trees[TREES];
    static const fd_forest_leaf_value values[] = {{0, 1}, {0, 0.25}};
    for (uint32_t t = 0; t < TREES; t++) {
        words[t] = t + 1;
        nodes[t][0] = (fd_forest_node){
            .split = FD_SPLIT_IN, .yes = 1, .no = 2, .n_set_words = 1, .set = &words[t]};
        for (int leaf = 0; leaf < 2; leaf++)
            nodes[t][1 + leaf] = (fd_forest_node){
                .split = FD_SPLIT_LEAF, .n_values = 1, .values = &values[leaf]};
        trees[t] = (fd_forest_tree){3, nodes[t]};
    }
    fd_forest_spec spec = {.n_inputs = 1,
                           .n_outputs = 1,
                           .n_trees = TREES,
                           .trees = trees,
                           .sum = FD_SUM_FLOAT_FROM_ZERO,
                           .float_inputs = true};
    fd_diags diags;
    fd_diags_init(&diags);
    fd_forest *f = fd_forest_new(&spec, "sets", &diags);
    assert_non_null(f);
    assert_int_equal(f->fast->n_tests, FD_MAX_TESTS);
    double **columns = rf_rows(3, 1, ROWS, true);
    compare_ways(f, columns, 0);
    rf_columns_free(columns, 1);
    fd_forest_free(f);
    fd_diags_free(&diags);
}

/* ---- refusals ---- */

static const fd_forest_leaf_value one = {0, 1}, not_finite = {0, INFINITY}, too_large = {0, 1e300},
                                  elsewhere = {1, 1};
#define LEAF(value)                                               \
    {                                                             \
        .split = FD_SPLIT_LEAF, .n_values = 1, .values = &(value) \
    }
#define SPLIT(y, n)                                 \
    {                                               \
        .split = FD_SPLIT_LT, .yes = (y), .no = (n) \
    }
#define CASE(text, ...)                                                         \
    {                                                                           \
        text, sizeof((fd_forest_node[]){__VA_ARGS__}) / sizeof(fd_forest_node), \
            (const fd_forest_node[])                                            \
        {                                                                       \
            __VA_ARGS__                                                         \
        }                                                                       \
    }

typedef struct bad_tree {
    const char *text;
    uint32_t n;
    const fd_forest_node *nodes;
} bad_tree;

static void expect_refusal(const fd_forest_spec *spec, const char *text)
{
    fd_diags diags;
    fd_strbuf said = {0};
    fd_diags_init(&diags);
    assert_null(fd_forest_new(spec, "bad.json", &diags));
    fd_diags_render(&diags, &said);
    if (strstr(said.p, text) == NULL || strstr(said.p, "bad.json") == NULL)
        fail_msg("'%s' is not in '%s'", text, said.p);
    fd_strbuf_free(&said);
    fd_diags_free(&diags);
}

static void test_bad_trees(void **state)
{
    (void)state;
    static const fd_forest_node nan_split[] = {
        {.split = FD_SPLIT_LT, .threshold = NAN, .yes = 1, .no = 2}, LEAF(one), LEAF(one)};
    static const fd_forest_node input_split[] = {
        {.split = FD_SPLIT_LT, .input = 1, .yes = 1, .no = 2}, LEAF(one), LEAF(one)};
    static const fd_forest_node empty_leaf[] = {{.split = FD_SPLIT_LEAF}};
    static const fd_forest_node unknown[] = {{.split = FD_SPLIT_LEAF + 1}};
    const bad_tree cases[] = {
        CASE("child of two nodes", SPLIT(0, 1), LEAF(one)),
        CASE("child of two nodes", SPLIT(1, 1), LEAF(one)),
        CASE("child of two nodes", SPLIT(1, 2), SPLIT(2, 0), LEAF(one)),
        CASE("a child that is none of the 3 nodes", SPLIT(1, 3), LEAF(one), LEAF(one)),
        CASE("not a finite number", SPLIT(1, 2), LEAF(one), LEAF(not_finite)),
        CASE("not a finite number", SPLIT(1, 2), LEAF(too_large), LEAF(one)),
        CASE("adds to output 1, there are 1", LEAF(elsewhere)),
        {"compares with NaN", 3, nan_split},
        {"splits by input 1, there are 1", 3, input_split},
        {"leaf 0 has no value", 1, empty_leaf},
        {"no known kind of split", 1, unknown},
        {"no nodes", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_forest_tree trees[] = {{1, (const fd_forest_node[]){LEAF(one)}},
                                  {cases[i].n, cases[i].nodes}};
        fd_forest_spec spec = {.n_inputs = 1, .n_outputs = 1, .n_trees = 2, .trees = trees};
        expect_refusal(&spec, cases[i].text);
        expect_refusal(&spec, "tree 1: ");
    }
}

static void test_bad_counts(void **state)
{
    (void)state;
    const double base = NAN;
    expect_refusal(&(fd_forest_spec){.n_inputs = FD_MODEL_MAX_INPUTS + 1, .n_outputs = 1},
                   "inputs, at most");
    expect_refusal(&(fd_forest_spec){.n_outputs = FD_MODEL_MAX_OUTPUTS + 1}, "outputs, at most");
    expect_refusal(&(fd_forest_spec){.n_outputs = 1, .n_trees = FD_MODEL_MAX_TREES + 1},
                   "trees, at most");
    expect_refusal(&(fd_forest_spec){.n_inputs = 1}, "no output");
    expect_refusal(&(fd_forest_spec){.n_outputs = 1, .base = &base}, "base score");
}

/* Nodes that nobody leads to are dropped, also nonsense; a chain may be long. */
static void test_unreached_and_deep(void **state)
{
    (void)state;
    enum { DEEP = 100001 };
    fd_forest_node *nodes = calloc(DEEP + 2, sizeof *nodes);
    for (uint32_t i = 0; i < DEEP; i += 2) {
        nodes[i] = (fd_forest_node)SPLIT(i + 1, i + 2);
        nodes[i].threshold = -(double)i;
        nodes[i + 1] = (fd_forest_node)LEAF(one);
    }
    nodes[DEEP - 1] = (fd_forest_node)LEAF(one);
    nodes[DEEP + 1] = (fd_forest_node)SPLIT(99999999, 0);
    fd_forest_tree tree = {DEEP + 2, nodes};
    fd_forest_spec spec = {.n_inputs = 1, .n_outputs = 1, .n_trees = 1, .trees = &tree};
    fd_diags diags;
    fd_diags_init(&diags);
    fd_forest *f = fd_forest_new(&spec, "deep", &diags);
    assert_non_null(f);
    assert_int_equal(f->n_nodes, DEEP);
    double **columns = rf_rows(3, 1, ROWS, true);
    for (uint32_t r = 0; r < ROWS; r += 2)
        columns[0][r] = -1e6;
    compare_ways(f, columns, 0);
    rf_columns_free(columns, 1);
    fd_forest_free(f);
    fd_diags_free(&diags);
    free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ways_agree), cmocka_unit_test(test_many_cuts),
        cmocka_unit_test(test_many_sets),      cmocka_unit_test(test_bad_trees),
        cmocka_unit_test(test_bad_counts),     cmocka_unit_test(test_unreached_and_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
