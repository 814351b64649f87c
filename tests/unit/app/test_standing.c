/* Which set stands where, by all that the worker may report; and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/reload/standing.h"

static fd_set_view *view(const char *hash, uint64_t serial)
{
    fd_set_view *v = calloc(1, sizeof *v);
    v->rules = calloc(1, sizeof *v->rules);
    v->serial = serial;
    v->trigger = FD_TRIGGER_HTTP;
    v->from_us = INT64_MIN;
    snprintf(v->ruleset, sizeof v->ruleset, "%s", hash);
    return v;
}

static fd_standing begin(void)
{
    fd_standing s;
    fd_standing_init(&s, view("a", 0));
    return s;
}

static bool told(fd_standing *s, fd_program_stage stage, const char *hash, int64_t from_us)
{
    const fd_program_report r = {.stage = stage,
                                 .ruleset = hash,
                                 .lists = "",
                                 .models = "",
                                 .why = "for a reason",
                                 .from_us = from_us};
    return fd_standing_told(s, &r, 1000);
}

static void expect(const fd_standing *s, const char *deciding, const char *newest)
{
    assert_string_equal(s->deciding->ruleset, deciding);
    assert_string_equal(fd_standing_newest(s)->ruleset, newest);
}

static void test_plain(void **state)
{
    (void)state;
    fd_standing s = begin();
    fd_standing_offer(&s, view("b", 1));
    expect(&s, "a", "b");
    assert_int_equal(fd_standing_place(&s, 1), FD_SET_OFFERED);
    assert_true(told(&s, FD_PROGRAM_REBUILDING, "b", INT64_MIN));
    assert_int_equal(fd_standing_place(&s, 1), FD_SET_REBUILDING);
    assert_true(told(&s, FD_PROGRAM_DECIDES, "b", INT64_MIN));
    expect(&s, "b", "b");
    assert_int_equal(s.deciding->since_ms, 1000);
    assert_false(told(&s, FD_PROGRAM_DECIDES, "x", INT64_MIN));
    assert_false(s.refusal.stands);
    fd_standing_free(&s);
}

static void test_given_up(void **state)
{
    (void)state;
    fd_standing s = begin();
    fd_standing_offer(&s, view("b", 1));
    assert_true(told(&s, FD_PROGRAM_GIVEN_UP, "b", 0));
    expect(&s, "a", "a");
    assert_int_equal(fd_standing_place(&s, 1), FD_SET_GONE);
    assert_true(s.refusal.stands);
    assert_string_equal(s.refusal.why.p, "\"for a reason\"");
    fd_standing_accept(&s);
    /* One that gives way to a newer one is no refusal. */
    fd_standing_offer(&s, view("c", 2));
    assert_true(told(&s, FD_PROGRAM_REBUILDING, "c", 0));
    fd_standing_offer(&s, view("d", 3));
    assert_true(told(&s, FD_PROGRAM_GIVEN_UP, "c", 0));
    assert_false(s.refusal.stands);
    expect(&s, "a", "d");
    fd_standing_free(&s);
}

/* Offers that nobody was told of are settled by what comes after them. */
static void test_unheard(void **state)
{
    (void)state;
    fd_standing s = begin();
    const char *const names[] = {"b", "c", "b", "d", "e", "f"};
    for (uint64_t i = 0; i < 6; i++)
        fd_standing_offer(&s, view(names[i], i + 1));
    assert_int_equal(s.n_offered, FD_STANDING_OFFERS);
    assert_true(told(&s, FD_PROGRAM_DECIDES, "f", INT64_MIN));
    expect(&s, "f", "f");
    assert_int_equal(s.n_offered, 0);
    fd_standing_offer(&s, view("a", 7));
    fd_standing_offer(&s, view("b", 8));
    fd_standing_offer(&s, view("a", 9));
    assert_true(told(&s, FD_PROGRAM_DECIDES, "a", INT64_MIN));
    expect(&s, "a", "a");
    assert_int_equal(fd_standing_place(&s, 9), FD_SET_DECIDES);
    fd_standing_free(&s);
}

static void test_scheduled(void **state)
{
    (void)state;
    fd_standing s = begin();
    fd_standing_offer(&s, view("b", 1));
    assert_true(told(&s, FD_PROGRAM_DECIDES, "b", 77));
    expect(&s, "a", "b");
    assert_int_equal(fd_standing_place(&s, 1), FD_SET_SCHEDULED);
    fd_standing_settle(&s);
    expect(&s, "b", "b");
    fd_standing_settle(&s);
    /* It gives way before its time. */
    fd_standing_offer(&s, view("c", 2));
    assert_true(told(&s, FD_PROGRAM_DECIDES, "c", 99));
    fd_standing_offer(&s, view("d", 3));
    assert_true(told(&s, FD_PROGRAM_GIVEN_UP, "c", 0));
    assert_true(told(&s, FD_PROGRAM_DECIDES, "b", INT64_MIN));
    expect(&s, "b", "d");
    assert_true(told(&s, FD_PROGRAM_DECIDES, "d", INT64_MIN));
    expect(&s, "d", "d");
    assert_false(s.refusal.stands);
    fd_standing_free(&s);
}

static void test_json(void **state)
{
    (void)state;
    fd_standing s = begin();
    fd_metrics *m = fd_metrics_new();
    fd_strbuf out = {0};
    fd_worker_rebuild rebuild = {
        .on = true, .ruleset = "b", .events = 100, .left = 50, .ns = 1000000000};
    fd_standing_offer(&s, view("b", 1));
    told(&s, FD_PROGRAM_REBUILDING, "b", 0);
    fd_refusal refusal = {.at_ms = 1769860800000, .trigger = FD_TRIGGER_WATCH, .stage = "load"};
    fd_strbuf_puts(&refusal.why, "[1]");
    assert_true(fd_standing_refuse(&s, &refusal));
    refusal.why = (fd_strbuf){0};
    fd_strbuf_puts(&refusal.why, "[1]");
    assert_false(fd_standing_refuse(&s, &refusal));
    fd_standing_json(&s, &rebuild, m, &out);
    assert_non_null(strstr(out.p, "{\"active\": {\"ruleset\": \"a\""));
    assert_non_null(strstr(
        out.p, "\"state\": \"rebuilding\", \"rebuild\": {\"events\": 100, \"left\": "
               "50, \"seconds\": 1.0, \"events_per_s\": 100, \"eta_s\": 0, \"waits_for\": null}"));
    assert_non_null(strstr(out.p, "\"last_refusal\": {\"at\": \"2026-01-31T12:00:00.000Z\", "
                                  "\"trigger\": \"watch\", \"stage\": \"load\", \"ruleset\": null, "
                                  "\"stands\": true, \"errors\": [1]}}\n"));
    fd_strbuf_free(&out);
    fd_metrics_free(m);
    fd_standing_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_unheard), cmocka_unit_test(test_scheduled),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
