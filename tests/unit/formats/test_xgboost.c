/* XGBoost's files: one that is read and scored by hand, and what is wrong with others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "formats/formats.h"

static const char good[] =
    "{\"learner\": {\"feature_names\": [\"amount\", \"sh\\u006fp\"], \"feature_types\": [],\n"
    "  \"gradient_booster\": {\"name\": \"gbtree\", \"model\": {\n"
    "    \"gbtree_model_param\": {\"num_trees\": \"2\"}, \"tree_info\": [0, 0], \"trees\": [\n"
    "      {\"left_children\": [1, -1, -1], \"right_children\": [2, -1, -1],\n"
    "       \"split_indices\": [0, 0, 0], \"split_conditions\": [1.5E0, 2.5E-1, -5E-1],\n"
    "       \"default_left\": [true, false, false], \"tree_param\": {\"num_nodes\": \"3\"}},\n"
    "      {\"left_children\": [1, -1, -1], \"right_children\": [2, -1, -1],\n"
    "       \"split_indices\": [1, 0, 0], \"split_conditions\": [NaN, 1E0, 2E0],\n"
    "       \"default_left\": [0, 0, 0], \"split_type\": [1, 0, 0], \"categories\": [0, 70],\n"
    "       \"categories_nodes\": [0], \"categories_segments\": [0], \"categories_sizes\": [2],\n"
    "       \"tree_param\": {\"num_nodes\": 3, \"size_leaf_vector\": \"1\"}}]}},\n"
    "  \"learner_model_param\": {\"base_score\": \"5E-1\", \"num_class\": \"0\",\n"
    "    \"num_feature\": \"2\", \"num_target\": \"1\"},\n"
    "  \"objective\": {\"name\": \"reg:squarederror\"}}, \"version\": [1, 7, 4]}";

typedef fd_model *(*loader)(const char *file, fd_str bytes, fd_diags *diags);

static fd_model *load(loader read, fd_str bytes, fd_strbuf *said)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_model *m = read("m.json", bytes, &d);
    assert_true((m == NULL) == (d.errors > 0));
    fd_diags_render(&d, said);
    fd_diags_free(&d);
    return m;
}

/* `text` with its first `from` replaced. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    FD_ASSERT(at != NULL);
    size_t n = strlen(text) + strlen(to) + 1;
    char *copy = malloc(n);
    FD_ALLOCATED(copy);
    snprintf(copy, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return copy;
}

static double score(const fd_model *m, double a, double b, fd_model_output which)
{
    const double *columns[] = {&a, &b};
    double score = 0, *out = &score;
    fd_model_run *run = fd_model_run_new(m, 1);
    fd_model_score(run, columns, 1, which, &out);
    fd_model_run_free(run);
    return score;
}

static void test_reads(void **state)
{
    (void)state;
    fd_strbuf said = {0};
    fd_model *m = load(fd_xgboost_json, fd_str_from(good), &said);
    assert_non_null(m);
    const fd_model_shape *s = fd_model_shape_of(m);
    assert_string_equal(s->input_names[0], "amount");
    assert_string_equal(s->input_names[1], "shop");
    assert_int_equal(s->n_trees, 2);
    assert_true(score(m, 1.4, 1, FD_MODEL_RAW) == 0.5 + 0.25 + 1);
    assert_true(score(m, 1.5, 0, FD_MODEL_RAW) == 0.5 - 0.5 + 2);
    assert_true(score(m, NAN, 70, FD_MODEL_RAW) == 0.5 + 0.25 + 2);
    assert_true(score(m, NAN, NAN, FD_MODEL_RAW) == 0.5 + 0.25 + 2);
    assert_true(score(m, NAN, -0.5, FD_MODEL_RAW) == 0.5 + 0.25 + 1);
    fd_model_free(m);
    fd_strbuf_free(&said);
}

static void test_base_scores(void **state)
{
    (void)state;
    static const struct {
        const char *text, *objective;
        double raw, transformed; /* of a row with leaves 0.25 and 1 */
    } cases[] = {
        {"\"5E-1\"", "reg:squarederror", 1.75, 1.75},
        {"0.5", "reg:squarederror", 1.75, 1.75},
        {"\"[5E-1]\"", "reg:squarederror", 1.75, 1.75},
        {"[0.5]", "reg:squarederror", 1.75, 1.75},
        {"\"0.25\"", "binary:logitraw", 1.5, 1.5},
        {"\"[5E-1]\"", "binary:logistic", 1.25, 0.77729986},
        {"1", "count:poisson", 1.25, 3.4903430},
        {"1", "binary:hinge", 2.25, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_strbuf said = {0};
        char *base = replaced(good, "\"5E-1\"", cases[i].text);
        char *text = replaced(base, "reg:squarederror", cases[i].objective);
        fd_model *m = load(fd_xgboost_json, fd_str_from(text), &said);
        assert_non_null(m);
        assert_true(score(m, 1, 1, FD_MODEL_RAW) == cases[i].raw);
        double transformed = score(m, 1, 1, FD_MODEL_TRANSFORMED);
        assert_true(fabs(transformed - cases[i].transformed) <= 1e-7 * cases[i].transformed);
        fd_model_free(m);
        fd_strbuf_free(&said);
        free(base);
        free(text);
    }
}

/* A replacement, and what is said then. */
static const struct {
    const char *from, *to, *text;
} refusals[] = {
    {"reg:squarederror", "reg:mine", "objective 'reg:mine' is not supported; there are reg:"},
    {"\"gbtree\"", "\"gbforest\"", "booster 'gbforest' is not known"},
    {"\"gbtree\"", "7", "'name' is a number, not a text"},
    {"\"gbtree\"", "\"dart\"", "'gbtree' is missing"},
    {"[1, 7, 4]", "[4, 0, 0]", "saved by XGBoost 4"},
    {"[1, 7, 4]", "\"1.7\"", "'version' is a text, not a list of numbers"},
    {"\"learner\"", "\"lerner\"", "'learner' is missing"},
    {"\"num_feature\": \"2\"", "\"num_feature\": \"two\"", "'num_feature' is missing, or no count"},
    {"\"num_feature\": \"2\"", "\"num_feature\": \"0\"", "no inputs"},
    {"\"num_feature\": \"2\"", "\"num_feature\": \"1\"", "'feature_names' are not 1 texts"},
    {"\"num_feature\": \"2\"", "\"num_feature\": \"5000\"", "5000 inputs, at most 4096"},
    {"\"num_class\": \"0\"", "\"num_class\": \"300\"", "300 outputs, at most 256"},
    {"\"5E-1\"", "\"[5E-1,5E-1]\"", "'base_score' is missing, or neither 1 nor 1 numbers"},
    {"\"5E-1\"", "\"half\"", "'base_score'"},
    {"\"5E-1\"", "\"[\"", "'base_score'"},
    {"\"5E-1\"", "\"\"", "'base_score'"},
    {"\"5E-1\"", "\"inf\"", "base_score inf is not possible"},
    {"\"tree_info\": [0, 0]", "\"tree_info\": [0]", "'tree_info' has 1 numbers for 2 trees"},
    {"\"tree_info\": [0, 0]", "\"tree_info\": [0, 1]", "tree 1: it belongs to output 1 of 1"},
    {"\"left_children\": [1, -1, -1]", "\"left_children\": [1, -1]",
     "tree 0: 'left_children' has 2 numbers for 3 nodes"},
    {"\"left_children\": [1, -1, -1]", "\"left_children\": [7, -1, -1]",
     "tree 0: node 0 has a child that is none of the 3 nodes"},
    {"\"left_children\": [1, -1, -1]", "\"left_children\": [2, -1, -1]",
     "is the child of two nodes"},
    {"\"left_children\": [1, -1, -1]", "\"left_children\": [1.5, -1, -1]", "tree 0: node 0"},
    {"\"split_indices\": [0, 0, 0]", "\"split_indices\": [2, 0, 0]",
     "tree 0: node 0 splits by input 2, there are 2"},
    {"\"split_indices\": [0, 0, 0]", "\"split_indices\": {}",
     "'split_indices' is missing, or not a list of numbers"},
    {"1.5E0, 2.5E-1", "1.5E0, Infinity", "leaf 1 is not a finite number"},
    {"1.5E0, 2.5E-1", "NaN, 2.5E-1", "node 0 compares with NaN"},
    {"\"categories\": [0, 70]", "\"categories\": [0, 16777216]", "category 1.67772e+07"},
    {"\"categories\": [0, 70]", "\"categories\": [0, -1]", "category -1 is not possible"},
    {"\"categories_sizes\": [2]", "\"categories_sizes\": [3]", "categories of node 0"},
    {"\"categories_segments\": [0]", "\"categories_segments\": [3]", "categories of node 0"},
    {"\"categories_nodes\": [0]", "\"categories_nodes\": [1]",
     "node 1 has categories and is a leaf"},
    {"\"categories_nodes\": [0]", "\"categories_nodes\": []", "0 categorical nodes, 1 segments"},
    {"\"size_leaf_vector\": \"1\"", "\"size_leaf_vector\": \"2\"", "multi_output_tree"},
    {"\"split_type\": [1, 0, 0]", "\"split_type\": [1, 0]",
     "'split_type' has 2 numbers for 3 nodes"},
    {"\"split_type\": [1, 0, 0]", "\"sum_hessian\": 1", "'sum_hessian' is missing, or not a list"},
    {"\"num_nodes\": \"3\"", "\"num_nodes\": \"0\"", "'left_children' has 3 numbers for 0 nodes"},
    {"[true, false, false]", "[true, \"no\", false]", "m.json:6:31: error: a number is expected"},
    {"\"tree_info\"", "tree_info", "m.json:3:47: error: a name in double quotes is expected"},
    {"[1, 7, 4]}", "[1, 7, 4]}}", "behind the end of the document"},
    {"sh\\u006fp", "sh\\u00zzp", "four hexadecimal digits"},
    {"sh\\u006fp", "sh\\x", "a backslash is followed by none of"},
    {"1.5E0", "1.5E", "this is not a number"},
    {"1.5E0", "--1", "this is not a number"},
    {"1.5E0", "-Inf", "Infinity is misspelt"},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        fd_strbuf said = {0};
        char *text = replaced(good, refusals[i].from, refusals[i].to);
        fd_model *m = load(fd_xgboost_json, fd_str_from(text), &said);
        assert_null(m);
        if (strstr(said.p, refusals[i].text) == NULL || strstr(said.p, "m.json") == NULL)
            fail_msg("'%s' is not in '%s'", refusals[i].text, said.p);
        fd_strbuf_free(&said);
        free(text);
    }
}

static void expect_error(loader read, fd_str bytes, const char *text)
{
    fd_strbuf said = {0};
    assert_null(load(read, bytes, &said));
    if (strstr(said.p, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, said.p);
    fd_strbuf_free(&said);
}

static void test_nesting(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(DEEP);
    FD_ALLOCATED(text);
    memset(text, '[', DEEP);
    expect_error(fd_xgboost_json, (fd_str){text, DEEP}, "nested too deeply");
    expect_error(fd_xgboost_ubj, (fd_str){text, DEEP}, "nested too deeply");
    free(text);
}

static void test_ubjson(void **state)
{
    (void)state;
    expect_error(fd_xgboost_ubj, FD_STR(""), "byte 0: the file ends too early");
    expect_error(fd_xgboost_ubj, FD_STR("x"), "byte 1: this is not a marker");
    expect_error(fd_xgboost_ubj, FD_STR("[$T#l\0\0\0\1"), "nothing but T, F or Z");
    expect_error(fd_xgboost_ubj, FD_STR("[$d"), "a typed array or object needs a count");
    expect_error(fd_xgboost_ubj, FD_STR("[$d#i\5\0\0\0\0"), "behind the end of the file");
    expect_error(fd_xgboost_ubj, FD_STR("[#i\xff"), "a length is negative");
    expect_error(fd_xgboost_ubj, FD_STR("[#L\1\0\0\0\0\0\0\0"), "larger than the file");
    expect_error(fd_xgboost_ubj, FD_STR("[#d\0\0\0\0"), "an integer");
    expect_error(fd_xgboost_ubj, FD_STR("{i\1aSi\5abc"), "behind the end of the file");
    expect_error(fd_xgboost_ubj, FD_STR("[i\1Si\1a]"), "a number is expected");
    expect_error(fd_xgboost_ubj, FD_STR("Hi\0011"), "(H) are not read");
    expect_error(fd_xgboost_ubj, FD_STR("{}{}"), "behind the end of the document");
    expect_error(fd_xgboost_ubj, FD_STR("N{NN}"), "'version' is missing");
    expect_error(fd_xgboost_ubj, FD_STR("[i\1NU\2]"), "'version' is missing");
}

static fd_str read_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    FD_ASSERT(f != NULL);
    static char bytes[65536];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    FD_ASSERT(n < sizeof bytes);
    fclose(f);
    return (fd_str){bytes, (uint32_t)n};
}

/* Real files, cut at every place: refused at each. */
static void test_truncated(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        loader read;
        bool good;
    } files[] = {
        {"tests/fuzz/corpus/xgboost_json/logistic_1_7_4", fd_xgboost_json, true},
        {"tests/fuzz/corpus/xgboost_json/dart_categories_3_2_0", fd_xgboost_json, true},
        {"tests/fuzz/corpus/xgboost_json/linear_3_2_0", fd_xgboost_json, true},
        {"tests/fuzz/corpus/xgboost_json/vector_leaves_3_2_0", fd_xgboost_json, false},
        {"tests/fuzz/corpus/xgboost_ubj/logistic_3_2_0", fd_xgboost_ubj, true},
        {"tests/fuzz/corpus/xgboost_ubj/dart_categories_1_7_4", fd_xgboost_ubj, true},
        {"tests/fuzz/corpus/xgboost_ubj/linear_1_7_4", fd_xgboost_ubj, true},
        {"tests/fuzz/corpus/xgboost_ubj/vector_leaves_3_2_0", fd_xgboost_ubj, false},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fd_str whole = read_file(files[i].file);
        fd_strbuf said = {0};
        fd_model *m = load(files[i].read, whole, &said);
        assert_true((m != NULL) == files[i].good);
        fd_model_free(m);
        for (uint32_t n = 0; n < whole.n; n++) {
            fd_strbuf_reset(&said);
            assert_null(load(files[i].read, (fd_str){whole.p, n}, &said));
        }
        fd_strbuf_free(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),   cmocka_unit_test(test_base_scores),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_ubjson),  cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
