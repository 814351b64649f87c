/*
 * Warnings about single rules, `activate_at`, and what a loaded set says of it. Rule files are
 * written into a directory of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

/* What is warned of, texts alone, joined by new lines. */
static void expect_warnings(const char *rules, const char *want)
{
    fd_diags d;
    fd_diags_init(&d);
    write_text("r.yaml", rules);
    fd_ruleset *set = fd_ruleset_load(".", &decided, &payment, false, &d);
    fd_strbuf all = {0};
    for (size_t i = 0; i < d.n; i++)
        fd_strbuf_printf(&all, "%d: %s\n", d.items[i].line, d.items[i].text);
    const char *got = all.p == NULL ? "" : all.p;
    if (set == NULL || strcmp(got, want) != 0)
        fail_msg("for\n%s--- got\n%s--- expected\n%s", rules, got, want);
    fd_strbuf_free(&all);
    fd_ruleset_free(set);
    fd_diags_free(&d);
}

#define RULES "version: 1\nrules:\n"

static void rules_that_never_fire(void **state)
{
    (void)state;
    expect_warnings(RULES "  - {id: a, condition: event.ok, action: block, mode: off}\n",
                    "3: rule \"a\" can never fire: its mode is off\n");
    expect_warnings(RULES "  - {id: a, condition: event.ok, action: block, rollout: {percent: 0, "
                          "key: card_id}}\n",
                    "3: rule \"a\" can never fire: its rollout is 0 per cent\n");
    expect_warnings(RULES "  - {id: a, condition: event.ok, action: block, rollout: {percent: 1, "
                          "key: card_id}}\n",
                    "");
    expect_warnings(RULES "  - {id: a, condition: 'event.ok && 1 > 2', action: block}\n",
                    "3: rule \"a\" can never fire\n");
}

static void an_allow_for_everyone(void **state)
{
    (void)state;
    expect_warnings(RULES "  - {id: a, condition: 'true', action: allow}\n"
                          "  - {id: b, condition: event.ok, action: block}\n",
                    "3: rule \"a\" allows every event: no other rule has a say\n");
    /* Shadow, and for some only: it has not the last word. */
    expect_warnings(RULES "  - {id: a, condition: 'true', action: allow, mode: shadow}\n"
                          "  - {id: b, condition: 'true', action: allow, rollout: {percent: 5, "
                          "key: card_id}}\n",
                    "3: rule \"a\" always fires\n4: rule \"b\" always fires\n");
}

#define ALLOW "  - {id: a, condition: 'event.ok && event.amount > 5', action: allow}\n"

static void rules_without_a_say(void **state)
{
    (void)state;
    expect_warnings(RULES ALLOW
                    "  - {id: b, condition: '(event.amount>5) && event.ok', action: block}\n",
                    "4: rule \"b\" has no say: \"a\" allows whenever it fires\n");
    expect_warnings(RULES ALLOW "  - {id: b, condition: 'event.price > 1.0 && event.ok && "
                                "event.amount > 5 && has(event.ip)', score: 5}\n",
                    "4: rule \"b\" has no say: \"a\" allows whenever it fires\n");
    /* Another condition, one that only may be true; a shadow rule is there to be looked at. */
    expect_warnings(RULES ALLOW "  - {id: b, condition: event.ok, action: block}\n"
                                "  - {id: c, condition: 'event.ok || event.amount > 5', action: "
                                "block}\n"
                                "  - {id: d, condition: 'event.ok && event.amount > 5', action: "
                                "block, mode: shadow}\n",
                    "");
    expect_warnings(RULES "  - {id: a, condition: event.ok, action: allow, snooze: {from: "
                          "2026-01-01T00:00:00Z, until: 2026-02-01T00:00:00Z}}\n"
                          "  - {id: b, condition: event.ok, action: block}\n",
                    "");
}

static void rules_that_cost_much(void **state)
{
    (void)state;
    static const char loop[] = "event.tags.exists(t, t.matches(\"a+b\"))";
    fd_strbuf text = {0};
    fd_strbuf_printf(&text, RULES "  - {id: a, condition: '%s', action: block}\n", loop);
    fd_diags d;
    fd_diags_init(&d);
    write_text("r.yaml", text.p);
    fd_ruleset_free(fd_ruleset_load(".", &decided, &payment, false, &d));
    assert_int_equal(d.warnings, 1);
    assert_non_null(strstr(d.items[0].text, "rule \"a\" runs row by row for every event, about "));
    assert_non_null(strstr(d.items[0].hint, "begin with what is cheap"));
    fd_diags_free(&d);
    /* Behind a cheap part it is for a few. */
    fd_strbuf_reset(&text);
    fd_strbuf_printf(&text,
                     RULES "  - {id: a, condition: 'event.amount > 5 && %s', action: "
                           "block}\n",
                     loop);
    expect_warnings(text.p, "");
    fd_strbuf_free(&text);
    expect_warnings(RULES "  - {id: a, condition: 'event.ok && event.tags.all(t, event.tags.exists("
                          "u, t < u))', action: block}\n",
                    "3: rule \"a\" may take 40304 steps for an event with lists of 100 "
                    "elements\n");
    expect_warnings(RULES "  - {id: a, condition: 'event.card_id.startsWith(\"C\")', action: "
                          "block}\n",
                    "");
}

/* ---- activate_at ---- */

static int64_t activates(const char *one, const char *two, const char *want_error)
{
    fd_diags d;
    fd_diags_init(&d);
    write_text("a.yaml", one);
    write_text("b.yaml", two);
    fd_ruleset *set = fd_ruleset_load(".", &decided, &payment, false, &d);
    int64_t us = set == NULL ? 0 : fd_ruleset_activate_at_us(set);
    if (want_error == NULL)
        assert_non_null(set);
    else if (set != NULL || strstr(d.items[0].text, want_error) == NULL)
        fail_msg("%s is said, not %s", d.n == 0 ? "nothing" : d.items[0].text, want_error);
    fd_ruleset_free(set);
    fd_diags_free(&d);
    return us;
}

static void sets_go_live_at_a_time(void **state)
{
    (void)state;
    static const char rule[] = RULES "  - {id: a, condition: event.ok, action: block}\n";
    static const char none[] = "version: 1\n";
    static const char at[] = "version: 1\nactivate_at: 2026-01-01T00:00:00Z\n";
    static const char same[] = "version: 1\nactivate_at: 2026-01-01T02:00:00+02:00\n";
    assert_true(activates(rule, none, NULL) == INT64_MIN);
    assert_true(activates(rule, at, NULL) == INT64_C(1767225600000000));
    assert_true(activates("version: 1\nactivate_at: 2026-01-01T00:00:00Z\n"
                          "rules: [{id: a, condition: event.ok, action: block}]\n",
                          same, NULL) == INT64_C(1767225600000000));
    activates(at, "version: 1\nactivate_at: 2026-01-01T00:00:01Z\n",
              "activate_at is another time in ./a.yaml:2");
    activates(rule, "version: 1\nactivate_at: 2026-01-01T00:00:00\n",
              "activate_at: \"2026-01-01T00:00:00\" is not a time");
    activates(rule, "version: 1\nactivate_at: tomorrow\n",
              "activate_at: \"tomorrow\" is not a time");
    activates(rule, "version: 1\nactivate_at: []\n", "activate_at: expected one value");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rules_that_never_fire), TEST(an_allow_for_everyone),  TEST(rules_without_a_say),
        TEST(rules_that_cost_much),  TEST(sets_go_live_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
