/*
 * Builds without ONNX Runtime: what only it could run is refused, and the hint says what could.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats.h"
#include "onnx_file.h"

static const char hint[] = "hint: a build with -DFD_ONNXRUNTIME=ON hands such models to";

static void refuse(fd_model_format format, fd_strbuf node, const char *want, bool hinted)
{
    static const uint64_t dims[] = {1, 1, 1};
    fd_strbuf graph = onnx_graph(1), said = {0};
    fd_diags d;
    fd_diags_init(&d);
    onnx_constant(&graph, 1, dims, 3, sizeof(float));
    pb_message(&graph, 1, &node);
    fd_strbuf file = onnx_file(&graph);
    assert_null(fd_model_load(format, "m.onnx", (fd_str){file.p, (uint32_t)file.n}, &d));
    assert_int_equal(d.errors, 1);
    fd_diags_render(&d, &said);
    if (strstr(said.p, want) == NULL || (strstr(said.p, hint) != NULL) != hinted)
        fail_msg("wanted: %s\ngot: %s", want, said.p);
    fd_strbuf_free(&said);
    fd_strbuf_free(&file);
    fd_diags_free(&d);
}

static void an_unknown_operator_names_the_build_that_could(void **state)
{
    (void)state;
    refuse(FD_FORMAT_ONNX, onnx_node("", "Erf", "x", "p"),
           "m.onnx: node \"node\" (Erf): this operator is not supported (opset 17)", true);
    refuse(FD_FORMAT_ONNX, onnx_node("", "Add", "x c", "p"),
           "(Add): its constant is not one row of numbers", true);
    fd_strbuf cast = onnx_node("", "Cast", "x", "p");
    onnx_int(&cast, "to", 10);
    refuse(FD_FORMAT_ONNX, cast, "(Cast): casts to float16 are not supported", true);
}

static void a_refused_linear_model_does_not(void **state)
{
    (void)state;
    refuse(FD_FORMAT_ONNX, onnx_node("ai.onnx.ml", "LinearRegressor", "x", "p"),
           "(ai.onnx.ml.LinearRegressor)", false);
}

static void the_runtime_cannot_be_chosen(void **state)
{
    (void)state;
    refuse(FD_FORMAT_ONNX_RUNTIME, onnx_node("", "Neg", "x", "p"),
           "m.onnx: this program is built without ONNX Runtime", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_operator_names_the_build_that_could),
        cmocka_unit_test(a_refused_linear_model_does_not),
        cmocka_unit_test(the_runtime_cannot_be_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
