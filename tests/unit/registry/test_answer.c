/* What a registry's answers mean, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "registry/answer.h"

typedef struct answer_case {
    long status;
    const char *body;
    fd_schema_answer want;
    const char *text; /* the schema, or a part of the error */
} answer_case;

static const answer_case CASES[] = {
    {200, "{\"schema\":\"\\\"string\\\"\"}", FD_SCHEMA_KNOWN, "\"string\""},
    {200, "{\"schema\":\"{}\",\"schemaType\":\"AVRO\",\"references\":[]}", FD_SCHEMA_KNOWN, "{}"},
    {200, "{\"schema\":\"x\",\"schemaType\":\"PROTOBUF\"}", FD_SCHEMA_UNKNOWN, "PROTOBUF"},
    {200, "{\"schema\":\"x\",\"schemaType\":\"JSON\"}", FD_SCHEMA_UNKNOWN, "only Avro"},
    {200, "{\"schema\":\"x\",\"schemaType\":7}", FD_SCHEMA_UNAVAILABLE, "holds no schema"},
    {200, "{\"schema\":\"x\",\"references\":[{\"name\":\"A\"}]}", FD_SCHEMA_UNKNOWN, "references"},
    {200, "{}", FD_SCHEMA_UNAVAILABLE, "holds no schema"},
    {200, "[]", FD_SCHEMA_UNAVAILABLE, "not the JSON"},
    {200, "", FD_SCHEMA_UNAVAILABLE, "not the JSON"},
    {200, "<html>", FD_SCHEMA_UNAVAILABLE, "not the JSON"},
    {200, "{\"schema\":\"x\"} tail", FD_SCHEMA_UNAVAILABLE, "not the JSON"},
    {404, "{\"error_code\":40403,\"message\":\"no\"}", FD_SCHEMA_UNKNOWN, "no such schema"},
    {404, "{\"error_code\":40401}", FD_SCHEMA_UNKNOWN, "no such schema"},
    {404, "{\"error_code\":404}", FD_SCHEMA_UNAVAILABLE, "check the path"},
    {404, "<html>", FD_SCHEMA_UNAVAILABLE, "check the path"},
    {401, "", FD_SCHEMA_UNAVAILABLE, "registry.basic_auth"},
    {403, "", FD_SCHEMA_UNAVAILABLE, "forbids"},
    {302, "", FD_SCHEMA_UNAVAILABLE, "redirects"},
    {500, "{\"error_code\":50001}", FD_SCHEMA_UNAVAILABLE, "failed (HTTP 500)"},
    {429, "", FD_SCHEMA_UNAVAILABLE, "HTTP 429"},
};

static void every_answer_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const answer_case *c = &CASES[i];
        char *json = NULL;
        uint32_t n = 0;
        fd_err err = {0};
        fd_schema_answer got = fd_registry_read_answer(17, c->status, fd_str_from(c->body), &json,
                                                       &n, &err);
        if (got != c->want)
            print_error("case %zu: HTTP %ld %s\n", i, c->status, c->body);
        assert_int_equal(got, c->want);
        if (got == FD_SCHEMA_KNOWN) {
            assert_string_equal(json, c->text);
            assert_int_equal(n, strlen(c->text));
        } else {
            assert_null(json);
            assert_non_null(strstr(err.text, c->text));
            assert_non_null(strstr(err.text, "schema id 17"));
        }
        free(json);
    }
}

static void a_body_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char WHOLE[] = "{\"schema\":\"{\\\"type\\\":\\\"string\\\"}\",\"id\":3}";
    for (uint32_t n = 0; n < sizeof WHOLE - 1; n++) {
        char *json = NULL;
        uint32_t json_n = 0;
        fd_err err = {0};
        assert_int_equal(fd_registry_read_answer(3, 200, (fd_str){WHOLE, n}, &json, &json_n, &err),
                         FD_SCHEMA_UNAVAILABLE);
        assert_null(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_understood),
        cmocka_unit_test(a_body_that_is_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
