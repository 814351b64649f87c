/* Diagnostics: rendering, bounds, ownership, did-you-mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static void renders(const fd_diag *d, const char *want)
{
    fd_strbuf out = {0};
    fd_diag_render(d, &out);
    assert_string_equal(out.p, want);
    fd_strbuf_free(&out);
}

static void test_render(void **state)
{
    (void)state;
    renders(&(fd_diag){.severity = FD_ERROR, .text = "bad"}, "error: bad\n");
    renders(&(fd_diag){.severity = FD_WARNING, .file = "f", .text = "odd"}, "f: warning: odd\n");
    renders(&(fd_diag){.severity = FD_ERROR, .file = "f", .line = 3, .text = "bad"},
            "f:3: error: bad\n");
    renders(&(fd_diag){.severity = FD_ERROR,
                       .file = "f",
                       .line = 3,
                       .col = 5,
                       .width = 3,
                       .source = "a: bcd",
                       .text = "bad",
                       .hint = "write efg"},
            "f:3:5: error: bad\n  a: bcd\n      ^~~\n  hint: write efg\n");
}

static void test_caret_column(void **state)
{
    (void)state;
    fd_diag d = {.severity = FD_ERROR, .file = "f", .line = 1, .width = 1, .text = "t"};
    d.col = 3;
    d.source = "\t\tx";
    renders(&d, "f:1:3: error: t\n  \t\tx\n  \t\t^\n");
    d.col = 8; /* bytes: "é" is two of them and one place on the screen, "世" three */
    d.source = "é 世 x";
    renders(&d, "f:1:8: error: t\n  é 世 x\n      ^\n");
    d.col = 100; /* beyond the end: at the end */
    d.source = "ab";
    renders(&d, "f:1:100: error: t\n  ab\n    ^\n");
    d.source = "";
    d.col = 1;
    renders(&d, "f:1:1: error: t\n  \n  ^\n");
}

static void test_copies_and_bound(void **state)
{
    (void)state;
    fd_diags d;
    fd_diags_init(&d);
    char text[] = "first";
    fd_diags_add(&d, &(fd_diag){.severity = FD_WARNING, .text = text});
    text[0] = 'X';
    assert_string_equal(d.items[0].text, "first");
    for (int i = 0; i < 300; i++)
        fd_diags_error(&d, "number %d", i);
    assert_int_equal(d.n, FD_DIAGS_MAX);
    assert_int_equal(d.errors, 300);
    assert_int_equal(d.warnings, 1);
    fd_strbuf out = {0};
    fd_diags_render(&d, &out);
    assert_non_null(strstr(out.p, "error: number 198\n"));
    assert_null(strstr(out.p, "error: number 199\n"));
    assert_non_null(strstr(out.p, "... and 101 more\n"));
    fd_strbuf_free(&out);
    fd_diags_free(&d);
}

static void test_did_you_mean(void **state)
{
    (void)state;
    static const char *const words[] = {"condition", "action", "score", "id", "features"};
    assert_string_equal(fd_did_you_mean("conditon", words, 5), "condition");
    assert_string_equal(fd_did_you_mean("Score", words, 5), "score");
    assert_string_equal(fd_did_you_mean("feature", words, 5), "features");
    assert_string_equal(fd_did_you_mean("idd", words, 5), "id");
    assert_string_equal(fd_did_you_mean("actoin", words, 5), "action");
    assert_null(fd_did_you_mean("velocity", words, 5));
    assert_null(fd_did_you_mean("", words, 5));
    assert_null(fd_did_you_mean("xy", words, 5));
    assert_null(fd_did_you_mean("score", words, 0));
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *long_words[] = {longer, "score"};
    assert_null(fd_did_you_mean(longer, long_words, 2));
    assert_string_equal(fd_did_you_mean("scores", long_words, 2), "score");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render),
        cmocka_unit_test(test_caret_column),
        cmocka_unit_test(test_copies_and_bound),
        cmocka_unit_test(test_did_you_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
