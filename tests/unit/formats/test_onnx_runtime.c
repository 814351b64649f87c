/*
 * Builds with ONNX Runtime: what is handed over to it and what is said of that. That its scores are
 * the runtime's own is tests/models/test_onnx_runtime.py's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats.h"
#include "onnx_file.h"

static fd_model *load(fd_model_format format, fd_strbuf node, fd_diags *d)
{
    fd_strbuf graph = onnx_graph(1);
    fd_diags_init(d);
    pb_message(&graph, 1, &node);
    fd_strbuf file = onnx_file(&graph);
    fd_model *m = fd_model_load(format, "m.onnx", (fd_str){file.p, (uint32_t)file.n}, d);
    fd_strbuf_free(&file);
    return m;
}

static double score(const fd_model *m, double x)
{
    double value, *out[] = {&value};
    const double *columns[] = {&x};
    fd_model_run *run = fd_model_run_new(m, 1);
    fd_model_score(run, columns, 1, FD_MODEL_TRANSFORMED, out);
    fd_model_run_free(run);
    return value;
}

static void assert_said(const fd_diags *d, const char *want)
{
    fd_strbuf said = {0};
    fd_diags_render(d, &said);
    if (strstr(said.p, want) == NULL)
        fail_msg("wanted: %s\ngot: %s", want, said.p);
    fd_strbuf_free(&said);
}

static void an_unknown_operator_is_handed_over_with_a_warning(void **state)
{
    (void)state;
    fd_diags d;
    fd_model *m = load(FD_FORMAT_ONNX, onnx_node("", "Erf", "x", "p"), &d);
    assert_non_null(m);
    assert_true(d.errors == 0 && d.warnings == 1);
    assert_said(&d,
                "warning: m.onnx: node \"node\" (Erf): this operator is not supported (opset 17)");
    assert_said(&d, "hint: ONNX Runtime runs this model");
    assert_string_equal(fd_model_shape_of(m)->format, "onnx-runtime");
    assert_string_equal(fd_model_shape_of(m)->input_names[0], "x");
    assert_true(fabs(score(m, 0.5) - erf(0.5)) < 1e-6);
    double parts[2], x = 0;
    assert_false(fd_model_contribute(m, &x, 0, parts));
    fd_model_free(m);
    fd_diags_free(&d);
}

static void what_is_chosen_needs_no_warning(void **state)
{
    (void)state;
    fd_diags d;
    fd_model *m = load(FD_FORMAT_ONNX_RUNTIME, onnx_node("", "Neg", "x", "p"), &d);
    assert_non_null(m);
    assert_true(d.n == 0);
    assert_true(score(m, 0.5) == -0.5);
    fd_model_free(m);
    fd_diags_free(&d);
}

static void what_both_refuse_has_both_reasons(void **state)
{
    (void)state;
    fd_diags d;
    assert_null(load(FD_FORMAT_ONNX, onnx_node("", "Unheard", "x", "p"), &d));
    assert_true(d.errors == 2 && d.warnings == 0);
    assert_said(&d, "error: m.onnx: ONNX Runtime: ");
    assert_said(&d, "error: m.onnx: node \"node\" (Unheard): this operator is not supported");
    fd_diags_free(&d);
}

static void a_refused_linear_model_is_not_handed_over(void **state)
{
    (void)state;
    fd_diags d;
    assert_null(load(FD_FORMAT_ONNX, onnx_node("ai.onnx.ml", "LinearRegressor", "x", "p"), &d));
    assert_int_equal(d.errors, 1);
    fd_diags_free(&d);
}

/* As in a reload: the old one stays while the new one is loaded and goes afterwards. */
static void models_come_and_go(void **state)
{
    (void)state;
    fd_model *old = NULL;
    for (int i = 0; i < 4; i++) {
        fd_diags d;
        fd_model *next = load(FD_FORMAT_ONNX, onnx_node("", i % 2 ? "Sin" : "Erf", "x", "p"), &d);
        assert_non_null(next);
        fd_model_free(old);
        assert_true(fabs(score(next, 0.5) - (i % 2 ? sin(0.5) : erf(0.5))) < 1e-6);
        old = next;
        if (i == 1) {
            fd_model_free(old);
            old = NULL;
        }
        fd_diags_free(&d);
    }
    fd_model_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_operator_is_handed_over_with_a_warning),
        cmocka_unit_test(what_is_chosen_needs_no_warning),
        cmocka_unit_test(what_both_refuse_has_both_reasons),
        cmocka_unit_test(a_refused_linear_model_is_not_handed_over),
        cmocka_unit_test(models_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
