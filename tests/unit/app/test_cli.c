/* Options, times and percentages as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "app/cli.h"

static bool flag;
static const char *text;
static int64_t number, share;
static int choice;
static fd_cli_kvs kvs;
static const char *const CHOICES[] = {"json", "csv", NULL};
static const fd_opt OPTS[] = {
    {'f', "flag", FD_OPT_FLAG, &flag, NULL, "a flag", 0, 0, NULL},
    {'t', "text", FD_OPT_TEXT, &text, NULL, "a text", 0, 0, NULL},
    {0, "number", FD_OPT_INT, &number, "N", "a number", 1, 10, NULL},
    {0, "share", FD_OPT_PPM, &share, "PERCENT", "a share", 0, 0, NULL},
    {'o', "output", FD_OPT_CHOICE, &choice, NULL, "a choice", 0, 0, CHOICES},
    {'X', NULL, FD_OPT_KV, &kvs, NULL, "settings", 0, 0, NULL},
};
static const fd_cli CLI = {
    "probe", "[options] FILE", "Tests.", "  none\n", OPTS, sizeof OPTS / sizeof OPTS[0], 0, 1};

static int n_words;
static char **words;

/* Splits a line at spaces, as a shell would for words without quotes. */
static int parse(const char *line)
{
    static char copy[500];
    static char *argv[40];
    snprintf(copy, sizeof copy, "probe %s", line);
    int argc = 0;
    char *save = NULL;
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;
    flag = false;
    text = NULL;
    number = share = 0;
    choice = 0;
    kvs.n = 0;
    return fd_cli_parse(&CLI, argc, argv, &words, &n_words);
}

static void options_are_understood_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(parse("file -f --text=hello --number 7 -ocsv -X a=1 -Xb=x=y -X a=2"),
                     FD_CLI_GO_ON);
    assert_true(flag);
    assert_string_equal(text, "hello");
    assert_int_equal(number, 7);
    assert_int_equal(choice, 1);
    assert_int_equal(n_words, 1);
    assert_string_equal(words[0], "file");
    assert_int_equal(kvs.n, 2);
    assert_string_equal(kvs.items[0].value, "2");
    assert_string_equal(kvs.items[1].value, "x=y");
    assert_int_equal(parse("-- -f"), FD_CLI_GO_ON);
    assert_false(flag);
    assert_string_equal(words[0], "-f");
    assert_int_equal(parse("-"), FD_CLI_GO_ON);
    assert_string_equal(words[0], "-");
}

static void mistakes_are_usage_errors(void **state)
{
    (void)state;
    static const char *const LINES[] = {"--flagg",
                                        "-z",
                                        "--number 0",
                                        "--number 11",
                                        "--number 1x",
                                        "--number",
                                        "--number=",
                                        "-t",
                                        "-o xml",
                                        "-X novalue",
                                        "-X =1",
                                        "one two",
                                        "--flag=1",
                                        "--share 101",
                                        "--share 1.23456",
                                        "--share -1",
                                        "--share x",
                                        "--share .",
                                        "--share 1..2",
                                        "--unknown-option",
                                        "--number 99999999999999999999"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        int rc = parse(LINES[i]);
        if (rc != FD_EXIT_USAGE)
            print_error("accepted: %s\n", LINES[i]);
        assert_int_equal(rc, FD_EXIT_USAGE);
    }
    assert_int_equal(parse("--help"), FD_EXIT_OK);
    assert_int_equal(parse("-h"), FD_EXIT_OK);
    assert_int_equal(parse("--version"), FD_EXIT_OK);
}

static void percentages_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t ppm;
    } CASES[] = {{"--share 0", 0},         {"--share 0.5", 5000}, {"--share 0.5%", 5000},
                 {"--share 100", 1000000}, {"--share .0001", 1},  {"--share 12.3456%", 123456},
                 {"--share 1.", 10000}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(parse(CASES[i].line), FD_CLI_GO_ON);
        assert_int_equal(share, CASES[i].ppm);
    }
}

static void times_are_read_to_the_millisecond(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } GOOD[] = {{"1970-01-01", 0},
                {"2026-01-01T00:00:00Z", 1767225600000},
                {"2026-01-01T00:00Z", 1767225600000},
                {"2026-01-01T01:00:00+01:00", 1767225600000},
                {"2025-12-31T18:30:00.25-05:30", 1767225600250},
                {"2024-02-29", 1709164800000},
                {"2000-02-29T23:59:59.999999Z", 951868799999},
                {"1969-12-31T23:59:59.999Z", -1},
                {"0001-01-01", -62135596800000}};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        int64_t ms = 0;
        assert_true(fd_cli_parse_time(GOOD[i].text, &ms));
        assert_int_equal(ms, GOOD[i].ms);
    }
    static const char *const BAD[] = {"",
                                      "2026",
                                      "2026-13-01",
                                      "2026-02-29",
                                      "2026-01-01T",
                                      "2026-01-01T10:00:00",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T10:00:60Z",
                                      "2026-01-01 10:00:00Z",
                                      "2026-01-01T10:00:00.Z",
                                      "2026-01-01T10:00:00Zx",
                                      "0000-01-01",
                                      "1900-02-29",
                                      "2026-1-1"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        int64_t ms;
        if (fd_cli_parse_time(BAD[i], &ms))
            fail_msg("accepted: '%s'", BAD[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_understood_in_any_order),
        cmocka_unit_test(mistakes_are_usage_errors),
        cmocka_unit_test(percentages_are_exact),
        cmocka_unit_test(times_are_read_to_the_millisecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
