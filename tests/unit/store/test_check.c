/*
 * `fraudd rules check` and `explain` from outside: what they print where, and their exit codes. The
 * program is the one that CTest names in FRAUDD.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/status.h"
#include "base/strbuf.h"
#include "support.h"

#define GOOD "version: 1\nrules:\n  - {id: a, condition: event.amount_minor > 5, action: block}\n"
#define BAD  "version: 1\nrules:\n  - {id: a, condition: event.amount_minr > 5, action: block}\n"
#define UNUSED                                                                        \
    "version: 1\nlists: {l: {type: int, items: []}}\nrules:\n  - {id: a, condition: " \
    "event.amount_minor > 5, action: block}\n"

typedef struct answer {
    int code;
    fd_strbuf out, err;
} answer;

static void read_file(const char *name, fd_strbuf *to)
{
    char buf[4096];
    FILE *f = fopen(name, "re");
    assert_non_null(f);
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;)
        fd_strbuf_add(to, buf, n);
    fclose(f);
    if (to->p == NULL)
        fd_strbuf_puts(to, "");
}

static answer run(const char *arguments)
{
    answer a = {0};
    const char *program = getenv("FRAUDD");
    assert_non_null(program);
    fd_strbuf line = {0};
    fd_strbuf_printf(&line, "'%s' rules %s >out.txt 2>err.txt </dev/null", program, arguments);
    int status = system(line.p);
    assert_true(WIFEXITED(status));
    a.code = WEXITSTATUS(status);
    read_file("out.txt", &a.out);
    read_file("err.txt", &a.err);
    fd_strbuf_free(&line);
    return a;
}

static void release(answer *a)
{
    fd_strbuf_free(&a->out);
    fd_strbuf_free(&a->err);
}

/* Hashes are known to other tests: here they become #. */
static void blank_hashes(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        size_t n = strspn(from, "0123456789abcdef");
        if (n == 32) {
            *to++ = '#';
            from += n;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static void expect(const char *arguments, int code, const char *out, const char *err)
{
    answer a = run(arguments);
    blank_hashes(a.out.p);
    if (a.code != code || strcmp(a.out.p, out) != 0 || strcmp(a.err.p, err) != 0)
        fail_msg("rules %s: %d\n--- out\n%s--- err\n%s", arguments, a.code, a.out.p, a.err.p);
    release(&a);
}

static void good_and_bad(void **state)
{
    (void)state;
    write_text("good/r.yaml", GOOD);
    expect(
        "check good", FD_EXIT_OK,
        "good: ok, 1 rules, 0 features, 0 lists, 0 variables, 0 warning(s), ruleset #, lists #\n",
        "");
    write_text("bad/r.yaml", BAD);
    expect("check bad", FD_EXIT_CONFIG, "",
           "bad/r.yaml:3:30: error: event has no field 'amount_minr'\n"
           "    - {id: a, condition: event.amount_minr > 5, action: block}\n"
           "                               ^~~~~~~~~~~\n"
           "  hint: did you mean amount_minor?\n"
           "bad: refused, 1 error(s), 0 warning(s)\n");
    expect("check nowhere", FD_EXIT_CONFIG, "",
           "error: rule directory nowhere: No such file or directory\n"
           "nowhere: refused, 1 error(s), 0 warning(s)\n");
}

static void strict(void **state)
{
    (void)state;
    write_text("r/r.yaml", UNUSED);
    expect("check r", FD_EXIT_OK,
           "r/r.yaml:2:9: warning: list \"l\" is not used\n"
           "  lists: {l: {type: int, items: []}}\n"
           "          ^\n"
           "r: ok, 1 rules, 0 features, 1 lists, 0 variables, 1 warning(s), ruleset #, lists #\n",
           "");
    expect("check --strict r", FD_EXIT_CONFIG, "",
           "r/r.yaml:2:9: error: list \"l\" is not used\n"
           "  lists: {l: {type: int, items: []}}\n"
           "          ^\n"
           "r: refused, 1 error(s), 0 warning(s)\n");
}

static void as_json(void **state)
{
    (void)state;
    write_text("good/r.yaml", GOOD);
    expect("check -o json good", FD_EXIT_OK,
           "{\"ok\": true, \"rules\": 1, \"features\": 0, \"lists\": 0, \"variables\": 0, "
           "\"errors\": 0, "
           "\"warnings\": 0, \"ruleset\": \"#\", \"lists_hash\": \"#\", \"diagnostics\": []}\n",
           "");
    write_text("bad/r.yaml", BAD);
    expect("check -o json bad", FD_EXIT_CONFIG,
           "{\"ok\": false, \"rules\": 0, \"features\": 0, \"lists\": 0, \"variables\": 0, "
           "\"errors\": 1, "
           "\"warnings\": 0, \"ruleset\": null, \"lists_hash\": null, \"diagnostics\": "
           "[{\"severity\": \"error\", \"line\": 3, \"col\": 30, \"file\": \"bad/r.yaml\", "
           "\"text\": \"event has no field 'amount_minr'\", \"hint\": \"did you mean "
           "amount_minor?\"}]}\n",
           "");
}

#define SHARED                                                                        \
    "version: 1\n"                                                                    \
    "features:\n"                                                                     \
    "  - {name: n, key: card_id, op: count, window: 90m, source: payments}\n"         \
    "  - {name: m, key: [card_id], op: count, window: 1.5h}\n"                        \
    "  - {name: d, key: [ip, mcc], op: distinct, value: event.card_id, window: 7d,\n" \
    "     delay: 1s, where: event.is_recurring}\n"

/* Sets of features alone are fine, and equal features are kept once. */
static void state_is_told(void **state)
{
    (void)state;
    write_text("r/r.yaml", SHARED);
    expect("check --strict --source payments r", FD_EXIT_OK,
           "r: ok, 0 rules, 3 features, 0 lists, 0 variables, 0 warning(s), ruleset #, lists #\n"
           "state: 2 different features, 2 keys, events are kept for 604801s\n"
           "  card_id: 1 features, 0 values and 0 conditions of each event, for 90m\n"
           "  ip,mcc: 1 features, 1 values and 1 conditions of each event, for 604801s\n",
           "");
    expect("check -o json --source payments r", FD_EXIT_OK,
           "{\"ok\": true, \"rules\": 0, \"features\": 3, \"lists\": 0, \"variables\": 0, "
           "\"errors\": 0, \"warnings\": 0, \"ruleset\": \"#\", \"lists_hash\": \"#\", "
           "\"diagnostics\": [], \"state\": {\"features\": 2, \"reach_s\": 604801, \"keys\": "
           "[{\"name\": \"card_id\", \"features\": 1, \"values\": 0, \"conditions\": 0, "
           "\"reach_s\": 5400}, {\"name\": \"ip,mcc\", \"features\": 1, \"values\": 1, "
           "\"conditions\": 1, \"reach_s\": 604801}]}}\n",
           "");
    expect("check r", FD_EXIT_CONFIG, "",
           "r/r.yaml:3:61: error: source: \"payments\" cannot be checked\n"
           "    - {name: n, key: card_id, op: count, window: 90m, source: payments}\n"
           "                                                              ^~~~~~~~\n"
           "  hint: say whose events these rules decide: --source TOPIC\n"
           "r: refused, 1 error(s), 0 warning(s)\n");
}

/* Every op, used by rules. */
static void the_sample(void **state)
{
    (void)state;
    fd_strbuf arguments = {0};
    assert_non_null(getenv("FEATURES"));
    fd_strbuf_printf(&arguments, "check --strict '%s'", getenv("FEATURES"));
    answer a = run(arguments.p);
    if (a.code != FD_EXIT_OK)
        fail_msg("%s", a.err.p);
    assert_non_null(strstr(a.out.p, ": ok, 9 rules, 19 features, "));
    assert_non_null(strstr(a.out.p, "state: 19 different features, 4 keys, events are kept for "
                                    "365d\n"));
    release(&a);
    fd_strbuf_free(&arguments);
}

#define EXPLAINED                                                                          \
    "version: 1\n"                                                                         \
    "lists: {l: {type: string, items: [\"0000\"]}}\n"                                      \
    "features:\n"                                                                          \
    "  - {name: n, key: card_id, op: count, window: 90m}\n"                                \
    "  - {name: d, key: [ip, mcc], op: distinct, value: event.card_id, window: 7d}\n"      \
    "variables:\n"                                                                         \
    "  - {name: v, expression: 'features.n > 4 && features.d > 2'}\n"                      \
    "rules:\n"                                                                             \
    "  - {id: a, condition: 'variables.v && event.amount_minor > 5', action: block}\n"     \
    "  - {id: b, condition: 'features.n > 4 || event.card_id in lists.l', mode: shadow, "  \
    "score: 1}\n"                                                                          \
    "  - {id: c, condition: 'event.card_id.startsWith(\"4\") && variables.v', score: 1}\n" \
    "  - {id: d, condition: event.amount_minor > 5, mode: off, score: 1}\n"

/* What is shared stands once: v and its parts, though rule b has a part of it alone. */
static void explained(void **state)
{
    (void)state;
    write_text("r/r.yaml", EXPLAINED);
    expect("explain r", FD_EXIT_OK,
           "state: 2 different features, events are kept for 7d\n"
           "  key                              features bytes/entity  bytes/event  ring of\n"
           "  card_id                                 1           34            8  90m\n"
           "  ip,mcc                                  1           34           16  7d\n"
           "plan: 9 different parts of 13, 3 of them in several rules; 3 comparisons with "
           "constants, 3 numbers by columns, 2 parts on rows; about 0.7 ns for an event, without "
           "what runs on rows\n"
           "  rule                             mode    parts shared       ns share ns\n"
           "  a                                live        5      3     0.60     0.38\n"
           "  b                                shadow      3      1     0.21     0.09  1 on rows, "
           "24 ns each: looks up a named list\n"
           "  c                                live        5      3     0.42     0.20  1 on rows, "
           "60 ns each: startsWith() is a function of rows\n"
           "  d                                off   \n",
           "");
    answer a = run("explain -o json r");
    assert_int_equal(a.code, FD_EXIT_OK);
    assert_non_null(strstr(a.out.p,
                           "{\"rules\": [{\"id\": \"a\", \"mode\": \"live\", \"nodes\": 5, "
                           "\"shared\": 3, "));
    assert_non_null(strstr(a.out.p, "\"row_nodes\": 1, \"row_ns\": 24, \"why\": "
                                    "\"looks up a named list\"}"));
    assert_non_null(strstr(a.out.p, "{\"id\": \"d\", \"mode\": \"off\"}], \"plan\": {\"nodes\": 9, "
                                    "\"parts\": 13, \"shared\": 3, "));
    assert_non_null(strstr(a.out.p, "{\"name\": \"ip,mcc\", \"features\": 1, \"values\": 1, "
                                    "\"conditions\": 0, \"reach_s\": 604800, "
                                    "\"bytes_per_entity\": 34, \"bytes_per_event\": 16}]}}\n"));
    release(&a);
    write_text("bad/r.yaml", BAD);
    a = run("explain bad");
    assert_int_equal(a.code, FD_EXIT_CONFIG);
    assert_string_equal(a.out.p, "");
    assert_non_null(strstr(a.err.p, "event has no field 'amount_minr'"));
    release(&a);
}

static void another_schema(void **state)
{
    (void)state;
    write_text("r/r.yaml", "version: 1\nrules:\n  - {id: a, condition: event.n > 5, score: 1}\n");
    write_text("s.avsc", "{\"type\": \"record\", \"name\": \"E\", \"fields\": [{\"name\": \"n\", "
                         "\"type\": \"long\"}]}");
    expect("check -s s.avsc r", FD_EXIT_OK,
           "r: ok, 1 rules, 0 features, 0 lists, 0 variables, 0 warning(s), ruleset #, lists #\n",
           "");
    write_text("s.avsc", "{\"type\": \"record\"");
    answer a = run("check -s s.avsc r");
    assert_int_equal(a.code, FD_EXIT_CONFIG);
    assert_string_equal(a.out.p, "");
    assert_non_null(strstr(a.err.p, "s.avsc"));
    release(&a);
}

static void usage(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "check", "explain", "tset r", "check r s", "check --strct r", "test", "test --strct r"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        answer a = run(wrong[i]);
        assert_int_equal(a.code, FD_EXIT_USAGE);
        assert_string_equal(a.out.p, "");
        release(&a);
    }
    answer a = run("--help");
    assert_int_equal(a.code, FD_EXIT_OK);
    assert_non_null(strstr(a.out.p, "fraudd rules check rules/packs/starter"));
    release(&a);
    a = run("test --help");
    assert_int_equal(a.code, FD_EXIT_OK);
    assert_non_null(strstr(a.out.p, "fraudd rules test rules/packs/starter"));
    release(&a);
}

#define ONE_TEST                                                                               \
    "tests: [{name: t, events: [{at: 2026-01-01T10:00:00Z, amount_minor: 6, expect: {action: " \
    "block}}]}]\n"

/* What is compared is tested in tests/unit/testing. */
static void tested(void **state)
{
    (void)state;
    write_text("r/r.yaml", GOOD);
    expect("test r", FD_EXIT_CHECK,
           "r: 0 passed, 0 failed; of 1 rules 0 fired, 0 were seen not to fire\n",
           "% r has no *.test.yaml file: nothing was tested\n");
    write_text("r/r.test.yaml", ONE_TEST);
    expect("test --junit j.xml r r/r.test.yaml", FD_EXIT_OK,
           "r/r.test.yaml\n  ok     t\n"
           "r: 1 passed, 0 failed; of 1 rules 1 fired, 0 were seen not to fire\n",
           "");
    fd_strbuf xml = {0};
    read_file("j.xml", &xml);
    assert_non_null(strstr(xml.p, "<testcase classname=\"r/r.test.yaml\" name=\"t\""));
    fd_strbuf_free(&xml);
    answer a = run("test --junit no/j.xml r");
    assert_int_equal(a.code, FD_EXIT_CHECK);
    assert_string_equal(a.err.p, "fraudd: error: --junit no/j.xml: No such file or directory\n");
    release(&a);
    write_text("r/r.yaml", UNUSED);
    write_text("r/r.test.yaml", "tests: 5\n");
    expect("test r", FD_EXIT_CONFIG, "",
           "r/r.test.yaml:1:8: error: tests: expected a list, not a value\n  tests: 5\n         ^\n"
           "  hint: write [a, b] or one \"- item\" per line\nr: not tested, 1 error(s)\n");
}

/* What is compared is tested in test_diff.c. */
static void compared(void **state)
{
    (void)state;
    write_text("a/r.yaml", GOOD);
    write_text("b/r.yaml", GOOD "# a comment\n");
    expect("diff a b", FD_EXIT_OK, "a and b mean the same\nstate: none is needed\n", "");
    write_text("b/r.yaml", GOOD "features: [{name: n, key: card_id, op: count, window: 5m}]\n");
    expect("diff a b", FD_EXIT_CHECK,
           "+ feature n: count by card_id over 5m\na -> b: 1 added, 0 removed, 0 changed\n"
           "state: windows are built anew for n, from 5m of history, before the set decides\n",
           "");
    answer a = run("diff a nowhere");
    assert_int_equal(a.code, FD_EXIT_CONFIG);
    assert_non_null(strstr(a.err.p, "rule directory nowhere: No such file or directory"));
    release(&a);
    a = run("diff a");
    assert_int_equal(a.code, FD_EXIT_USAGE);
    release(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_and_bad), TEST(strict),    TEST(as_json),        TEST(state_is_told),
        TEST(the_sample),   TEST(explained), TEST(another_schema), TEST(usage),
        TEST(tested),       TEST(compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
