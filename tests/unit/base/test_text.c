/* Strings, the growable buffer, UTF-8 and JSON strings. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/strbuf.h"

static void test_str(void **state)
{
    (void)state;
    fd_str empty = {NULL, 0};
    assert_true(fd_str_eq(empty, FD_STR("")));
    assert_true(fd_str_eq(empty, fd_str_from(NULL)));
    assert_true(fd_str_eq_c(FD_STR("ab"), "ab"));
    assert_false(fd_str_eq_c(FD_STR("ab"), "abc"));
    assert_false(fd_str_eq_c(FD_STR("ab"), "ac"));
    assert_int_equal(fd_str_cmp(empty, FD_STR("")), 0);
    assert_true(fd_str_cmp(FD_STR("a"), FD_STR("ab")) < 0);
    assert_true(fd_str_cmp(FD_STR("b"), FD_STR("ab")) > 0);
    assert_true(fd_str_cmp(FD_STR("\xff"), FD_STR("a")) > 0); /* bytes, not chars */
    assert_true(fd_str_cmp(FD_STR("a\0b"), FD_STR("a\0a")) > 0);
}

static void test_growth(void **state)
{
    (void)state;
    fd_strbuf b = {0};
    fd_strbuf_add(&b, NULL, 0);
    assert_string_equal(b.p, "");
    for (int i = 0; i < 10000; i++) {
        fd_strbuf_printf(&b, "%d,", i % 10);
        assert_int_equal(b.n, (size_t)(i + 1) * 2);
        assert_int_equal(b.p[b.n], '\0');
    }
    fd_strbuf_reset(&b);
    assert_string_equal(b.p, "");
    /* Each size around a doubling. */
    for (size_t n = 250; n < 260; n++) {
        fd_strbuf c = {0};
        char bytes[300];
        memset(bytes, 'q', sizeof bytes);
        fd_strbuf_add(&c, bytes, n);
        fd_strbuf_putc(&c, '!');
        fd_strbuf_puts(&c, "");
        assert_int_equal(c.n, n + 1);
        assert_int_equal(strlen(c.p), n + 1);
        fd_strbuf_free(&c);
        assert_null(c.p);
    }
    fd_strbuf_free(&b);
}

static size_t len(const char *bytes, size_t n)
{
    return fd_utf8_len((const unsigned char *)bytes, n);
}

static void test_utf8(void **state)
{
    (void)state;
    assert_int_equal(len("", 0), 0);
    assert_int_equal(len("\0", 1), 1);
    assert_int_equal(len("a", 1), 1);
    assert_int_equal(len("\xC3\xA9", 2), 2);
    assert_int_equal(len("\xE4\xB8\x96", 3), 3);
    assert_int_equal(len("\xF0\x9F\x98\x80", 4), 4);
    assert_int_equal(len("\xF4\x8F\xBF\xBF", 4), 4); /* U+10FFFF */
    assert_int_equal(len("\xC3", 1), 0);             /* cut */
    assert_int_equal(len("\xE4\xB8", 2), 0);         /* cut */
    assert_int_equal(len("\xF0\x9F\x98", 3), 0);     /* cut */
    assert_int_equal(len("\x80", 1), 0);             /* a continuation alone */
    assert_int_equal(len("\xC0\x80", 2), 0);         /* overlong NUL */
    assert_int_equal(len("\xC1\xBF", 2), 0);         /* overlong */
    assert_int_equal(len("\xE0\x9F\xBF", 3), 0);     /* overlong */
    assert_int_equal(len("\xF0\x8F\xBF\xBF", 4), 0); /* overlong */
    assert_int_equal(len("\xED\xA0\x80", 3), 0);     /* a surrogate */
    assert_int_equal(len("\xED\x9F\xBF", 3), 3);     /* the last before them */
    assert_int_equal(len("\xF4\x90\x80\x80", 4), 0); /* beyond U+10FFFF */
    assert_int_equal(len("\xF5\x80\x80\x80", 4), 0);
    assert_int_equal(len("\xC3\x28", 2), 0);
}

static void json_is(fd_str s, const char *want)
{
    fd_strbuf b = {0};
    fd_strbuf_json(&b, s);
    assert_string_equal(b.p, want);
    fd_strbuf_free(&b);
}

static void test_json(void **state)
{
    (void)state;
    json_is((fd_str){NULL, 0}, "\"\"");
    json_is(FD_STR("a\"b\\c"), "\"a\\\"b\\\\c\"");
    json_is(FD_STR("\n\t\0\x1f\x7f"), "\"\\u000a\\u0009\\u0000\\u001f\\u007f\"");
    json_is(FD_STR("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    json_is(FD_STR("\xff x\xE4\xB8"), "\"\\ufffd x\\ufffd\\ufffd\"");
}

static void expect_double(double d, const char *text)
{
    fd_strbuf b = {0};
    fd_strbuf_puts(&b, "=");
    fd_strbuf_double(&b, d);
    assert_string_equal(b.p + 1, text);
    fd_strbuf_free(&b);
}

static void test_numbers(void **state)
{
    (void)state;
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(3, "3");
    expect_double(-17.5, "-17.5");
    expect_double(0.1, "0.1");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1.0 / 3, "0.3333333333333333");
    expect_double(999999999999999, "999999999999999");
    expect_double(1e15, "1e+15");
    expect_double(1e300, "1e+300");
    expect_double(5e-324, "4.94065645841247e-324");
    expect_double((double)INFINITY, "Infinity");
    expect_double(-(double)INFINITY, "-Infinity");
    expect_double((double)NAN, "NaN");
    static const int64_t ints[] = {0, 7, -7, 1234567890, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        char text[32];
        fd_strbuf b = {0};
        fd_strbuf_int(&b, ints[i]);
        snprintf(text, sizeof text, "%lld", (long long)ints[i]);
        assert_string_equal(b.p, text);
        fd_strbuf_free(&b);
    }
}

/* Longer than what is tried at first. */
static void test_long_printf(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fd_strbuf b = {0};
    fd_strbuf_printf(&b, "%s|", text);
    fd_strbuf_printf(&b, "%d%s", 5, text);
    assert_int_equal(b.n, 2 * (sizeof text - 1) + 2);
    assert_memory_equal(b.p, text, sizeof text - 1);
    assert_string_equal(b.p + sizeof text - 1 + 2, text);
    fd_strbuf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str),     cmocka_unit_test(test_growth),
        cmocka_unit_test(test_utf8),    cmocka_unit_test(test_json),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_long_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
