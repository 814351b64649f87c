/* LightGBM's text files: one that is read and scored by hand, and what is wrong with others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "formats/formats.h"

/* Line numbers in the tests below are of this text. */
#define HEAD_1                   \
    "tree\n"                     \
    "version=v4\n"               \
    "num_class=1\n"              \
    "num_tree_per_iteration=1\n" \
    "label_index=0\n"            \
    "max_feature_idx=1\n"        \
    "objective=binary sigmoid:2\n"
#define HEAD_2                    \
    "feature_names=amount shop\n" \
    "feature_infos=[0:9] 0:1:2\n" \
    "tree_sizes=400 200\n"        \
    "\n"
#define TREE_0              \
    "Tree=0\n"              \
    "num_leaves=3\n"        \
    "num_cat=1\n"           \
    "split_feature=0 1\n"   \
    "split_gain=1 1\n"      \
    "threshold=4.5 0\n"     \
    "decision_type=10 1\n"  \
    "left_child=1 -1\n"     \
    "right_child=-2 -3\n"   \
    "leaf_value=1 10 100\n" \
    "leaf_weight=1 1 1\n"   \
    "leaf_count=2 5 3\n"    \
    "internal_value=0 0\n"  \
    "internal_weight=0 0\n" \
    "internal_count=10 5\n" \
    "cat_boundaries=0 2\n"  \
    "cat_threshold=5 256\n" \
    "is_linear=0\n"         \
    "shrinkage=1\n"         \
    "\n\n"
#define TREE_1          \
    "Tree=1\n"          \
    "num_leaves=1\n"    \
    "num_cat=0\n"       \
    "leaf_value=0.25\n" \
    "\n\n"
#define TAIL "end of trees\n\npandas_categorical:null\n"

static const char good[] = HEAD_1 HEAD_2 TREE_0 TREE_1 TAIL;

static fd_model *load(const char *text, size_t n, fd_strbuf *said)
{
    fd_diags d;
    fd_diags_init(&d);
    char *exact = malloc(n + 1); /* nothing behind it for a reader to run into */
    memcpy(exact, text, n);
    fd_model *m = fd_model_load(FD_FORMAT_LIGHTGBM, "m.txt", (fd_str){exact, (uint32_t)n}, &d);
    free(exact);
    assert_true((m == NULL) == (d.errors == 1));
    fd_diags_render(&d, said);
    fd_diags_free(&d);
    return m;
}

static double score(const fd_model *m, double amount, double shop, fd_model_output which)
{
    const double *columns[] = {&amount, &shop};
    double v, *out[] = {&v};
    fd_model_run *run = fd_model_run_new(m, 1);
    fd_model_score(run, columns, 1, which, out);
    fd_model_run_free(run);
    return v;
}

static void test_reads(void **state)
{
    (void)state;
    fd_strbuf said = {0};
    fd_model *m = load(good, sizeof good - 1, &said);
    assert_non_null(m);
    const fd_model_shape *s = fd_model_shape_of(m);
    assert_string_equal(s->format, "lightgbm");
    assert_int_equal(s->n_inputs, 2);
    assert_string_equal(s->input_names[0], "amount");
    assert_string_equal(s->input_names[1], "shop");
    assert_int_equal(s->n_outputs, 1);
    assert_int_equal(s->n_trees, 2);
    /* Categories 0, 2 and 40. */
    static const double rows[][3] = {
        {4.5, 0, 1.25},        {4.5, 2.9, 1.25}, {NAN, 40, 1.25},      {4, -0.5, 1.25},
        {4, 1, 100.25},        {4, NAN, 100.25}, {4, -1, 100.25},      {4, 1e9, 100.25},
        {4, INFINITY, 100.25}, {4.6, 0, 10.25},  {INFINITY, 0, 10.25}, {-INFINITY, 64, 100.25},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(score(m, rows[i][0], rows[i][1], FD_MODEL_RAW) == rows[i][2]);
        double p = 1 / (1 + exp(-2 * rows[i][2]));
        assert_true(fabs(score(m, rows[i][0], rows[i][1], FD_MODEL_TRANSFORMED) - p) < 1e-15);
    }
    fd_model_free(m);
    fd_strbuf_free(&said);
}

/* `good` with the first `from` replaced. */
static void change(const char *from, const char *to, fd_strbuf *out)
{
    const char *at = strstr(good, from);
    assert_non_null(at);
    fd_strbuf_add(out, good, (size_t)(at - good));
    fd_strbuf_puts(out, to);
    fd_strbuf_puts(out, at + strlen(from));
}

static void test_pandas(void **state)
{
    (void)state;
    fd_strbuf text = {0}, said = {0};
    change("categorical:null", "categorical:[[\"a\", \"b\"]]", &text);
    fd_model *m = load(text.p, text.n, &said);
    assert_non_null(m);
    assert_non_null(strstr(said.p, "m.txt:41: warning: trained on pandas categories"));
    fd_model_free(m);
    fd_strbuf_free(&text);
    fd_strbuf_free(&said);
}

/* By hand: of ten rows five went left, and two of these into the set. */
static void test_contributions(void **state)
{
    (void)state;
    fd_strbuf said = {0};
    fd_model *m = load(good, sizeof good - 1, &said);
    const double row[] = {4, 0};
    double c[3];
    assert_true(fd_model_contribute(m, row, 0, c));
    double left = (2 * 1.0 + 3 * 100.0) / 5, all = (5 * left + 5 * 10) / 10;
    double with_shop = 0.5 * 1 + 0.5 * 10;
    assert_true(fabs(c[2] - all - 0.25) < 1e-12);
    assert_true(fabs(c[0] - ((left - all) + (1 - with_shop)) / 2) < 1e-12);
    assert_true(fabs(c[1] - ((with_shop - all) + (1 - left)) / 2) < 1e-12);
    fd_model_free(m);
    fd_strbuf_free(&said);
}

static void refused(const char *from, const char *to, const char *message)
{
    fd_strbuf text = {0}, said = {0};
    change(from, to, &text);
    fd_model *m = load(text.p, text.n, &said);
    if (m != NULL || strstr(said.p, message) == NULL)
        fail_msg("\"%s\" for \"%s\": %s", to, from, m != NULL ? "was read" : said.p);
    fd_strbuf_free(&text);
    fd_strbuf_free(&said);
}

static void test_heads(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"tree\n", "forest\n", "m.txt:1: error: not a LightGBM model"},
        {"version=v4", "version=v2", "m.txt:2: error: version \"v2\" is not v3 or v4"},
        {"version=v4\n", "", "head: version is missing"},
        {"version=v4\n", "version=v4\nversion=v4\n",
         "m.txt:3: error: head: version is already in line 2"},
        {"label_index=0", "colour=red", "m.txt:5: error: head: \"colour\" is nothing"},
        {"num_class=1", "num_class=0", "m.txt:3: error: num_class: 0 is not within 1 and 256"},
        {"num_class=1", "num_class=3",
         "m.txt:3: error: num_class is 3, num_tree_per_iteration is 1"},
        {"num_class=1", "num_class=one", "m.txt:3: error: num_class: \"one\" is no whole number"},
        {"num_class=1", "num_class=", "num_class has 0 values, not 1"},
        {"max_feature_idx=1", "max_feature_idx=4096", "is not within 0 and 4095"},
        {"max_feature_idx=1", "max_feature_idx=99999999999999999999", "is no whole number"},
        {"max_feature_idx=1", "max_feature_idx=2",
         "feature_names has 2 names, max_feature_idx is 2"},
        {"binary sigmoid:2", "cox", "m.txt:7: error: objective \"cox\" is not one of regression, "},
        {"binary sigmoid:2", "", "m.txt:7: error: objective \"\" is not one of"},
        {"binary sigmoid:2", "binary", "objective binary needs a sigmoid above 0"},
        {"binary sigmoid:2", "binary sigmoid:-1", "objective binary needs a sigmoid above 0"},
        {"binary sigmoid:2", "binary sigmoid:x", "objective: sigmoid: \"x\" is no number"},
        {"binary sigmoid:2", "multiclass num_class:3", "num_class is 3, that of the head is 1"},
        {"binary sigmoid:2", "multiclass", "num_class is 0, that of the head is 1"},
        {"tree_sizes=400 200", "tree_sizes=", "0 trees are not 1 to 100000"},
        {"tree_sizes=400 200", "tree_sizes=400", "expected \"end of trees\" after 1 trees"},
        {"tree_sizes=400 200", "tree_sizes=4 2 1", "tree 2: expected \"Tree=2\" of 3 trees"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_trees(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"Tree=1", "Tree=2", "m.txt:33: error: tree 1: expected \"Tree=1\" of 2 trees"},
        {"is_linear=0", "is_linear=1", "m.txt:29: error: tree 0: is a linear tree"},
        {"num_leaves=3\n", "", "tree 0: num_leaves is missing"},
        {"num_leaves=3", "num_leaves=0", "m.txt:13: error: tree 0: num_leaves: 0 is not within"},
        {"num_leaves=3", "num_leaves=4", "m.txt:21: error: tree 0: leaf_value has 3 values, not 4"},
        {"num_leaves=3", "num_leaves=25000000", "leaf_value has 3 values, not 25000000"},
        {"num_leaves=3", "num_leaves=99999999", "tree 0: num_leaves: 99999999 is not within"},
        {"num_cat=1", "num_cat=3", "m.txt:14: error: tree 0: num_cat: 3 is not within 0 and 2"},
        {"num_cat=1", "num_cat=0", "split 1 is by category, and its threshold is none of 0 sets"},
        {"threshold=4.5 0", "threshold=4.5 1",
         "split 1 is by category, and its threshold is none of 1 sets"},
        {"threshold=4.5 0", "threshold=4.5 0.5", "m.txt:17: error: tree 0: split 1 is by category"},
        {"threshold=4.5 0", "threshold=nan 0", "tree 0: threshold: \"nan\" is no number"},
        {"threshold=4.5 0", "threshold=4.5.5 0", "tree 0: threshold: \"4.5.5\" is no number"},
        {"threshold=4.5 0", "threshold=4.5", "tree 0: threshold has 1 values, not 2"},
        {"split_feature=0 1", "split_feature=0 2",
         "tree 0: split_feature: 2 is not within 0 and 1"},
        {"split_feature=0 1", "split_feature=-1 1", "split_feature: -1 is not within 0 and 1"},
        {"decision_type=10 1", "decision_type=1 1", "or one that another split has"},
        {"decision_type=10 1", "decision_type=12 1", "decision_type: 12 is not within 0 and 11"},
        {"left_child=1 -1", "left_child=0 -1", "m.txt: tree 0: node 0 is the child of two nodes"},
        {"left_child=1 -1", "left_child=1 1", "tree 0: node 1 is the child of two nodes"},
        {"left_child=1 -1", "left_child=2 -1", "left_child: 2 is not within -3 and 1"},
        {"right_child=-2 -3", "right_child=-2 -4", "right_child: -4 is not within -3 and 1"},
        {"right_child=-2 -3", "right_child=-1 -3", "is the child of two nodes"},
        {"right_child=-2 -3\n", "", "tree 0: right_child is missing"},
        {"leaf_value=1 10 100", "leaf_value=1 inf 100", "tree 0: leaf_value: leaf 1 is not finite"},
        {"leaf_count=2 5 3", "leaf_count=2 5", "tree 0: leaf_count has 2 values, not 3"},
        {"internal_count=10 5", "internal_count=10 -5", "internal_count: -5 is not within 0 and"},
        {"cat_boundaries=0 2", "cat_boundaries=0 1",
         "m.txt:27: error: tree 0: cat_boundaries do not divide the 2 words"},
        {"cat_boundaries=0 2", "cat_boundaries=2 2", "cat_boundaries do not divide"},
        {"cat_boundaries=0 2", "cat_boundaries=0 3", "cat_boundaries: 3 is not within 0 and 2"},
        {"cat_boundaries=0 2\n", "", "tree 0: cat_boundaries is missing"},
        {"cat_threshold=5 256", "cat_threshold=5 4294967296", "is not within 0 and 4294967295"},
        {"shrinkage=1", "shrinking=1", "tree 0: \"shrinking\" is nothing that this version knows"},
        {"shrinkage=1", "leaf_value=1 2 3", "tree 0: leaf_value is already in line 21"},
        {"end of trees", "the end", "m.txt:39: error: expected \"end of trees\" after 2 trees"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i][0], cases[i][1], cases[i][2]);
}

/* Wherever it is cut before its last line ends, it is refused with one error. */
static void test_truncated(void **state)
{
    (void)state;
    size_t enough = (size_t)(strstr(good, "end of trees") - good) + strlen("end of trees");
    for (size_t n = 0; n <= sizeof good - 1; n++) {
        fd_strbuf said = {0};
        fd_model *m = load(good, n, &said);
        assert_true((m != NULL) == (n >= enough));
        fd_model_free(m);
        fd_strbuf_free(&said);
    }
}

static void test_variants(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"version=v4", "version=v3"},
        {"leaf_count=2 5 3\n", ""}, /* no contributions then */
        {"objective=binary sigmoid:2\n", ""},
        {"threshold=4.5 0", "threshold=inf 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_strbuf text = {0}, said = {0};
        change(cases[i][0], cases[i][1], &text);
        fd_model *m = load(text.p, text.n, &said);
        assert_non_null(m);
        const double row[] = {4, 1};
        double c[3];
        assert_int_equal(fd_model_contribute(m, row, 0, c), i != 1);
        assert_true(score(m, 4, 1, FD_MODEL_RAW) == 100.25);
        assert_true(i != 2 || score(m, 4, 1, FD_MODEL_TRANSFORMED) == 100.25);
        fd_model_free(m);
        fd_strbuf_free(&text);
        fd_strbuf_free(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),     cmocka_unit_test(test_contributions),
        cmocka_unit_test(test_heads),     cmocka_unit_test(test_trees),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_variants),
        cmocka_unit_test(test_pandas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
