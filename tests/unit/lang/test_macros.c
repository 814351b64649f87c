/*
 * Macros, names and the bounds of what a row may take, over constants; over columns see
 * test_columns.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "constants.h"

static void macros_over_constants(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"[1, 2, 3].all(x, x > 0)", "true"},
        {"[1, 2, 3].exists(x, x > 2)", "true"},
        {"[1, 2, 3].exists_one(x, x > 2)", "true"},
        {"[1, 2, 3].existsOne(x, x > 1)", "false"},
        {"[].all(x, false)", "true"},
        {"[].exists(x, true)", "false"},
        {"[].exists_one(x, true)", "false"},
        {"[1, 2, 3].map(x, x * x)", "[1, 4, 9]"},
        {"[1, 2, 3].map(x, x > 1, x * 10)", "[20, 30]"},
        {"[1, 2, 3].filter(x, x % 2 == 1)", "[1, 3]"},
        {"{\"a\": 1, \"b\": 2}.all(k, k.size() == 1)", "true"},
        {"{\"a\": 1, \"b\": 2}.map(k, k + \"!\")", "[\"a!\", \"b!\"]"},
        {"{\"a\": 1, \"b\": 2}.filter(k, k == \"b\")", "[\"b\"]"},
        {"[5, 6].all(i, v, v == i + 5)", "true"},
        {"{\"a\": 1}.exists(k, v, k == \"a\" && v == 1)", "true"},
        {"[5, 6].exists_one(i, v, i == 1)", "true"},
        {"[5, 6].transformList(i, v, i * v)", "[0, 6]"},
        {"[5, 6].transformList(i, v, i > 0, v)", "[6]"},
        {"{\"a\": 1}.transformList(k, v, k + string(v))", "[\"a1\"]"},
        {"[5, 6].transformMap(i, v, v * 2)", "{0: 10, 1: 12}"},
        {"{\"a\": 1, \"b\": 2}.transformMap(k, v, v > 1, v * 10)", "{\"b\": 20}"},
        {"{\"a\": 1, \"b\": 2}.transformMapEntry(k, v, {v: k})", "{1: \"a\", 2: \"b\"}"},
        {"[\"x\", \"y\"].transformMapEntry(i, v, i == 1, {v: i})", "{\"y\": 1}"},
        {"[1, 1].transformMapEntry(i, v, {v: i})", "error: duplicate key in a map"},
        {"[\"x\"].transformMapEntry(i, v, dyn(1))", "error: no such overload"},
        {"[[1, 2], [3]].map(l, l.map(x, x + l.size()))", "[[3, 4], [4]]"},
        {"[1, 2].map(x, [3, 4].map(y, x * y))", "[[3, 4], [6, 8]]"},
        {"[1, 2].exists(x, [x].all(x, x == 2))", "true"},
        {"[1, 2].map(x, x) == [1, 2].filter(x, true)", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void macros_that_fail(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"[0, 1].all(x, 1 / x > 5)", "false"},
        {"[0, 1].all(x, 1 / x > 0)", "error: division by zero"},
        {"[0, 1].exists(x, 1 / x > 0)", "true"},
        {"[0, 1].exists(x, 1 / x > 5)", "error: division by zero"},
        {"[1, 0].exists(x, 1 / x > 5)", "error: division by zero"},
        {"[0, 1].exists_one(x, 1 / x > 0)", "error: division by zero"},
        {"[0].map(x, 1 / x)", "error: division by zero"},
        {"[0, 1].filter(x, 1 / x > 0)", "error: division by zero"},
        {"[0, 1].map(x, 1 / x > 0, x)", "error: division by zero"},
        {"[0].all(x, 1 / x > 0) || true", "true"},
        {"[0].exists(x, 1 / x > 0) && false", "false"},
        {"[1, 2].exists(x, dyn(x)) || false", "error: no such overload"},
        {"[1, 2].all(x, dyn(x))", "error: no such overload"},
        {"dyn(1).all(x, true)", "error: no such overload"},
        {"[dyn(1), \"a\"].all(x, x > 0)", "error: no such overload"},
        {"[1 / 0].all(x, true)", "error: division by zero"},
        {"[dyn(\"a\"), 1].exists(x, x == 1)", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void names(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"cel.bind(a, 2, a * a)", "4"},
        {"cel.bind(a, 1 / 0, true || a > 0)", "true"},
        {"cel.bind(a, 1 / 0, 5)", "5"},
        {"cel.bind(a, 1 / 0, a)", "error: division by zero"},
        {"cel.bind(a, 1, cel.bind(b, a + 1, cel.bind(a, 10, a + b)))", "12"},
        {"[1, 2].map(x, cel.bind(y, x * 2, y + x))", "[3, 6]"},
        {"cel.bind(l, [1, 2, 3], l.exists(x, x == l.size()))", "true"},
        {"cel.block([1, cel.index(0) + 1, cel.index(1) * 2], cel.index(2))", "4"},
        {"cel.block([1 / 0], true || cel.index(0) > 1)", "true"},
        {"cel.block([[1, 2]], cel.index(0).map(cel.iterVar(0, 0), cel.iterVar(0, 0) * 2))",
         "[2, 4]"},
        {"cel.block([], 3)", "3"},
        /* What computes a value takes no slot of where it is asked for. */
        {"cel.bind(a, [1, 2].map(x, cel.bind(y, x, y + 1)), [7].map(z, cel.bind(b, 9, a[0] + z + "
         "b)))",
         "[18]"},
        {"cel.block([[1].map(x, x + 1), [2].map(x, x + cel.index(0)[0])], [5].map(y, y + "
         "cel.index(1)[0]))",
         "[9]"},
    };
    CHECK_CONSTANTS(table);
}

static void bounds_of_a_row(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"lists.range(2000).all(x, lists.range(2000).all(y, x + y >= 0)) || true", "true"},
        {"lists.range(3000).exists(x, lists.range(3000).exists(y, x + y < 0)) || true", "true"},
        {"lists.range(65536).map(x, x).size()", "65536"},
        {"lists.range(65536).map(x, lists.range(16)).size()", "error: value larger than 4 MiB"},
        {"lists.range(65536) + [1]", "error: list longer than 65536"},
        {"lists.range(100).map(x, lists.range(10000).map(y, y)).size()",
         "error: value larger than 4 MiB"},
        {"lists.range(10).map(a, lists.range(10000).map(y, [y]).size()).size()", "10"},
        {"cel.bind(a, lists.range(256), cel.bind(b, a.map(x, a), cel.bind(c, b.map(x, b), "
         "c.size())))",
         "error: value larger than 4 MiB"},
        {"cel.bind(s, \"0123456789abcdef\", s.replace(\"\", s.replace(\"\", s.replace(\"\", "
         "s.replace(\"\", s))))).size() > 0",
         "error: string longer than 1 MiB"},
        {"lists.range(10).map(a, lists.range(60000).map(y, [y + a]).size()).size()",
         "error: more than 8 MiB of memory"},
        {"lists.range(3000).all(x, lists.range(3000).all(y, x + y >= 0))",
         "error: more than 1000000 steps"},
        {"lists.range(3000).all(x, lists.range(3000).all(y, x + y >= 0) || x >= 0)",
         "error: more than 1000000 steps"},
        {"[lists.range(40000)].map(l, l.exists(x, x == 39999 && l[x] == x))", "[true]"},
        {"[lists.range(20000)].map(l, l.all(x, x in l))", "error: more than 1000000 steps"},
        {"cel.bind(s, '0123456789abcdef'.replace('', '0123456789abcdef0123456789abcdef'), "
         "lists.range(60000).sortBy(x, s + s + s + s)).size()",
         "error: more than 8 MiB of memory"},
        {"[lists.range(60000).map(x, 'abcdefgh').join('').substring(0, 400000)].map(s, "
         "lists.range(60000).sortBy(x, s))",
         "error: more than 1000000 steps"},
        {"[lists.range(60000).map(x, 'abcdefgh').join('').substring(0, 400000)].map(s, "
         "lists.range(60000).transformMapEntry(i, x, {s: x}))",
         "error: more than 1000000 steps"},
    };
    CHECK_CONSTANTS(table);
}

/* What stands on one another is as deep as it is nested. */
static void towers(void **state)
{
    (void)state;
    for (int n = 50; n <= 400; n *= 2) {
        fd_strbuf text = {0};
        fd_diags d;
        fd_arena *a = fd_arena_new(4096, 0);
        fd_diags_init(&d);
        fd_strbuf_puts(&text, "cel.block([1");
        for (int i = 0; i < n; i++)
            fd_strbuf_printf(&text, ", cel.index(%d) + 1", i);
        fd_strbuf_printf(&text, "], cel.index(%d))", n);
        fd_cel_source src = {.text = {text.p, (uint32_t)text.n}};
        const fd_cel_program *p = fd_cel_compile(&(fd_cel_scope){0}, &src, a, &d);
        fd_cel_value v;
        assert_true((p != NULL) == (n <= 100));
        if (p == NULL) {
            assert_non_null(strstr(d.items[0].text, "stand on one another too deeply"));
        } else {
            assert_true(fd_cel_program_constant(p, &v));
            assert_int_equal(v.v.i, n + 1);
        }
        fd_diags_free(&d);
        fd_arena_free(a);
        fd_strbuf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macros_over_constants),
        cmocka_unit_test(macros_that_fail),
        cmocka_unit_test(names),
        cmocka_unit_test(bounds_of_a_row),
        cmocka_unit_test(towers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
