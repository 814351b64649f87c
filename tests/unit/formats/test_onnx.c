/*
 * ONNX files: some that are read and scored by hand, and what is wrong with others, with the words
 * that say so. Agreement with ONNX Runtime is tests/models/test_onnx.py's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats.h"
#include "onnx_file.h"

#define ML "ai.onnx.ml"

static fd_model *load(const char *bytes, size_t n, fd_strbuf *said)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_model *m = fd_onnx("m.onnx", (fd_str){bytes, (uint32_t)n}, &d);
    assert_true((m == NULL) == (d.errors > 0));
    fd_diags_render(&d, said);
    fd_diags_free(&d);
    return m;
}

/* Takes the graph over. */
static void refuse(fd_strbuf *graph, const char *want)
{
    fd_strbuf file = onnx_file(graph), said = {0};
    fd_model *m = load(file.p, file.n, &said);
    if (m != NULL || strstr(said.p, want) == NULL)
        fail_msg("wanted: %s\ngot: %s", want, m != NULL ? "a model" : said.p);
    fd_strbuf_free(&said);
    fd_strbuf_free(&file);
}

static fd_model *accept(fd_strbuf *graph)
{
    fd_strbuf file = onnx_file(graph), said = {0};
    fd_model *m = load(file.p, file.n, &said);
    if (m == NULL)
        fail_msg("%s", said.p);
    fd_strbuf_free(&said);
    fd_strbuf_free(&file);
    return m;
}

static double score(const fd_model *m, const double *row, fd_model_output which)
{
    const double *columns[8];
    double value, *out[] = {&value};
    for (uint32_t i = 0; i < fd_model_shape_of(m)->n_inputs; i++)
        columns[i] = &row[i];
    fd_model_run *run = fd_model_run_new(m, 1);
    fd_model_score(run, columns, 1, which, out);
    fd_model_run_free(run);
    return value;
}

/* One stump: column 0 below 2.5. */
static fd_strbuf stump(const char *missing)
{
    static const int64_t zeroes[] = {0, 0, 0}, nodes[] = {0, 1, 2}, yes[] = {1, 0, 0},
                         no[] = {2, 0, 0}, leaves[] = {1, 2};
    static const char *const modes[] = {"BRANCH_LT", "LEAF", "LEAF"};
    static const float values[] = {2.5F, 0, 0}, weights[] = {1, 10};
    fd_strbuf n = onnx_node(ML, "TreeEnsembleRegressor", "x", "p");
    onnx_ints(&n, "nodes_treeids", zeroes, 3);
    onnx_ints(&n, "nodes_nodeids", nodes, 3);
    onnx_ints(&n, "nodes_featureids", zeroes, 3);
    onnx_texts(&n, "nodes_modes", modes, 3);
    onnx_ints(&n, "nodes_truenodeids", yes, 3);
    onnx_ints(&n, "nodes_falsenodeids", no, 3);
    if (strcmp(missing, "nodes_values") != 0)
        onnx_floats(&n, "nodes_values", values, 3);
    onnx_ints(&n, "target_treeids", zeroes, 2);
    onnx_ints(&n, "target_nodeids", leaves, 2);
    onnx_ints(&n, "target_ids", zeroes, 2);
    onnx_floats(&n, "target_weights", weights, 2);
    if (strcmp(missing, "n_targets") != 0)
        onnx_int(&n, "n_targets", 1);
    return n;
}

static fd_strbuf stump_graph(const char *missing)
{
    fd_strbuf n = stump(missing), g = onnx_graph(1);
    pb_message(&g, 1, &n);
    return g;
}

static void a_stump_is_scored(void **state)
{
    (void)state;
    fd_strbuf g = stump_graph("");
    fd_model *m = accept(&g);
    const fd_model_shape *shape = fd_model_shape_of(m);
    assert_true(shape->n_inputs == 1 && shape->n_outputs == 1 && shape->n_trees == 1);
    assert_string_equal(shape->format, "onnx");
    assert_string_equal(shape->input_names[0], "x");
    const double below = 2.4, above = 2.5, none = NAN;
    assert_true(score(m, &below, FD_MODEL_TRANSFORMED) == 1);
    assert_true(score(m, &above, FD_MODEL_TRANSFORMED) == 10);
    assert_true(score(m, &none, FD_MODEL_RAW) == 10);
    double parts[2];
    assert_false(fd_model_contribute(m, &below, 0, parts));
    fd_model_free(m);
}

static void a_linear_model_is_scored_and_explained(void **state)
{
    (void)state;
    static const float offset[] = {1, 2}, scale[] = {0.5F, 2}, weights[] = {-3, 1, 3, -1},
                       bias[] = {-0.25F, 0.25F};
    static const int64_t labels[] = {0, 1};
    fd_strbuf g = onnx_graph(2), n = onnx_node(ML, "Scaler", "x", "s");
    onnx_floats(&n, "offset", offset, 2);
    onnx_floats(&n, "scale", scale, 2);
    pb_message(&g, 1, &n);
    n = onnx_node(ML, "LinearClassifier", "s", "label p");
    onnx_floats(&n, "coefficients", weights, 4);
    onnx_floats(&n, "intercepts", bias, 2);
    onnx_ints(&n, "classlabels_ints", labels, 2);
    onnx_text(&n, "post_transform", "LOGISTIC");
    pb_message(&g, 1, &n);
    fd_model *m = accept(&g);
    const double row[] = {3, 1};
    /* scaled: 1 and -2; the second class: 3 + 2 + 0.25 */
    assert_int_equal(fd_model_shape_of(m)->n_outputs, 1);
    assert_true(score(m, row, FD_MODEL_RAW) == 5.25);
    assert_true(fabs(score(m, row, FD_MODEL_TRANSFORMED) - 1 / (1 + exp(-5.25))) < 1e-6);
    double parts[3];
    assert_true(fd_model_contribute(m, row, 0, parts));
    assert_true(parts[0] == 3 && parts[1] == 2 && parts[2] == 0.25);
    fd_model_free(m);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    fd_strbuf g = stump_graph(""), file = onnx_file(&g);
    for (size_t n = 0; n < file.n; n++) {
        char *exact = malloc(n + 1); /* its own, so that a sanitizer sees what is read too far */
        fd_strbuf said = {0};
        memcpy(exact, file.p, n);
        fd_model *m = load(exact, n, &said);
        assert_true(m == NULL);
        fd_model_free(m);
        fd_strbuf_free(&said);
        free(exact);
    }
    fd_strbuf_free(&file);
}

static void every_flip_is_survived(void **state)
{
    (void)state;
    fd_strbuf g = stump_graph(""), file = onnx_file(&g);
    const double row = 1;
    for (size_t i = 0; i < 8 * file.n; i++) {
        fd_strbuf said = {0};
        file.p[i / 8] = (char)(file.p[i / 8] ^ 1 << i % 8);
        fd_model *m = load(file.p, file.n, &said);
        if (m != NULL && fd_model_shape_of(m)->n_inputs == 1 &&
            fd_model_shape_of(m)->n_outputs == 1)
            score(m, &row, FD_MODEL_TRANSFORMED);
        fd_model_free(m);
        fd_strbuf_free(&said);
        file.p[i / 8] = (char)(file.p[i / 8] ^ 1 << i % 8);
    }
    fd_strbuf_free(&file);
}

static void refuse_node(uint32_t columns, fd_strbuf n, const char *want)
{
    fd_strbuf g = onnx_graph(columns);
    pb_message(&g, 1, &n);
    refuse(&g, want);
}

static void what_is_not_supported_is_named(void **state)
{
    (void)state;
    refuse_node(1, onnx_node("", "Unheard", "x", "p"),
                "m.onnx: node \"node\" (Unheard): this operator is not supported (opset 17)");
    refuse_node(1, onnx_node("com.example", "Own", "x", "p"),
                "node \"node\" (com.example.Own): this domain is not supported");
    refuse_node(1, onnx_node(ML, "SVMClassifier", "x", "l p"),
                "(ai.onnx.ml.SVMClassifier): this operator is not supported (opset 5)");
    refuse_node(1, onnx_node("", "Add", "x y", "p"), "its input \"y\" is not made by anything");
    refuse_node(1, onnx_node("", "Add", "x p", "p"), "(a cycle, or nodes out of order)");
    refuse_node(1, onnx_node("", "Neg", "", "p"), "input 0 is missing");
    refuse_node(1, onnx_node("", "Neg", "x", "q"), "nothing makes the output \"p\"");
    fd_strbuf g = stump_graph("n_targets");
    refuse(&g, "0 targets");
    g = stump_graph("nodes_values");
    refuse(&g, "\"nodes_values\" has 0 values, not 3");
}

static void a_wrong_attribute_is_named(void **state)
{
    (void)state;
    fd_strbuf n = onnx_node(ML, "Normalizer", "x", "p");
    onnx_int(&n, "norm", 1);
    refuse_node(2, n, "attribute \"norm\" is not a string");
    n = onnx_node(ML, "Normalizer", "x", "p");
    onnx_text(&n, "norm", "L3");
    refuse_node(2, n, "norm L3 is none of MAX, L1 and L2");
    n = onnx_node(ML, "Scaler", "x", "p");
    onnx_text(&n, "scale", "2");
    refuse_node(2, n, "\"scale\" has 0 numbers for 2 columns");
    static const float three[] = {1, 2, 3};
    n = onnx_node(ML, "Scaler", "x", "p");
    onnx_floats(&n, "scale", three, 3);
    onnx_floats(&n, "offset", three, 3);
    refuse_node(2, n, "\"scale\" has 3 numbers for 2 columns");
}

static void shapes_must_fit(void **state)
{
    (void)state;
    fd_strbuf g = onnx_graph(3), n = onnx_node("", "Concat", "x x", "y");
    onnx_int(&n, "axis", 1);
    pb_message(&g, 1, &n);
    n = onnx_node("", "Add", "x y", "p");
    pb_message(&g, 1, &n);
    refuse(&g, "its inputs have 3 and 6 columns");
    n = onnx_node("", "Concat", "x x", "p");
    onnx_int(&n, "axis", 0);
    refuse_node(1, n, "only columns can be joined");
    n = onnx_node("", "Cast", "x", "p");
    onnx_int(&n, "to", 8);
    refuse_node(1, n, "casts to string are not supported");
    g = onnx_graph(5000);
    refuse(&g, "more than 4096 inputs");
    g = onnx_graph(0);
    refuse(&g, "input \"x\" is not [rows, a fixed number of columns]");
}

static void refuse_constant(uint64_t type, const uint64_t *dims, size_t rank, size_t bytes,
                            const char *want)
{
    fd_strbuf g = onnx_graph(1), n = onnx_node("", "Add", "x c", "p");
    pb_message(&g, 1, &n);
    onnx_constant(&g, type, dims, rank, bytes);
    refuse(&g, want);
}

static void constants_are_checked(void **state)
{
    (void)state;
    static const uint64_t one[] = {1, 1, 1, 1, 1}, huge[] = {1 << 20, 1 << 20},
                          minus[] = {UINT64_MAX};
    refuse_constant(1, one, 1, 3, "has not as many bytes as its dimensions say");
    refuse_constant(1, huge, 2, 4, "the tensor \"c\" is too large");
    refuse_constant(1, minus, 1, 4, "the tensor \"c\" is too large");
    refuse_constant(1, one, 5, 4, "has too many dimensions");
    refuse_constant(10, one, 1, 2, "holds float16: not supported");
    refuse_constant(7, one, 1, 8, "its inputs are float and int64");
}

static void a_sum_over_itself_is_bounded(void **state)
{
    (void)state;
    fd_strbuf g = onnx_graph(4096);
    char from[16] = "x", to[16];
    for (int i = 0; i < 12; i++) {
        char inputs[40];
        snprintf(to, sizeof to, i == 11 ? "p" : "v%d", i);
        snprintf(inputs, sizeof inputs, "%s %s", from, from);
        fd_strbuf n = onnx_node("", "Concat", inputs, to);
        onnx_int(&n, "axis", 1);
        pb_message(&g, 1, &n);
        memcpy(from, to, sizeof from);
    }
    refuse(&g, "or more than 65536");
}

static void what_is_no_onnx_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "hello", "{\"learner\": {}}", "\x3a\xff\xff\xff\x7f"};
    for (size_t i = 0; i < 4; i++) {
        fd_strbuf said = {0};
        assert_null(load(texts[i], strlen(texts[i]), &said));
        assert_non_null(strstr(said.p, "is this an ONNX file?"));
        fd_strbuf_free(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stump_is_scored),
        cmocka_unit_test(a_linear_model_is_scored_and_explained),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_flip_is_survived),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(a_wrong_attribute_is_named),
        cmocka_unit_test(shapes_must_fit),
        cmocka_unit_test(constants_are_checked),
        cmocka_unit_test(a_sum_over_itself_is_bounded),
        cmocka_unit_test(what_is_no_onnx_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
