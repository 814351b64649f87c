/* How rule sets differ by what they mean: pairs of rule files, and what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "store/diff.h"
#include "support.h"

static fd_ruleset *load(const char *folder, const char *text)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf name = {0};
    fd_strbuf_printf(&name, "%s/r.yaml", folder);
    write_text(name.p, text);
    fd_ruleset *set = fd_ruleset_load(folder, &decided, &payment, false, &d);
    if (set == NULL)
        fail_msg("%s", d.items[0].text);
    fd_strbuf_free(&name);
    fd_diags_free(&d);
    return set;
}

static void expect(const char *a, const char *b, bool covered, bool differs, const char *want)
{
    fd_ruleset *x = load("a", a), *y = load("b", b);
    const fd_rules_diff_input in = {
        .a = x, .b = y, .name_a = "a", .name_b = "b", .covered = covered};
    fd_strbuf out = {0};
    assert_int_equal(fd_rules_diff(&in, false, &out), differs);
    if (strcmp(out.p, want) != 0)
        fail_msg("--- got\n%s--- expected\n%s", out.p, want);
    fd_strbuf_free(&out);
    fd_ruleset_free(x);
    fd_ruleset_free(y);
}

#define HEAD "version: 1\n"
#define R1   HEAD "rules:\n  - {id: a, condition: 'event.ok && event.amount > 5', action: review}\n"

static void the_same(void **state)
{
    (void)state;
    expect(R1,
           HEAD "# why\nrules:\n  - id: a\n    action: review\n    condition: >\n      (event.ok)\n"
                "      && event.amount>5 // large\n",
           false, false, "a and b mean the same\nstate: none is needed\n");
}

static void rules(void **state)
{
    (void)state;
    expect(HEAD
           "rules:\n"
           "  - {id: b, condition: event.ok, action: block}\n"
           "  - {id: a, condition: 'event.ok && event.amount > 5', action: review, tags: [x]}\n",
           HEAD
           "rules:\n"
           "  - {id: a, condition: 'event.ok && event.amount > 6', score: 5, mode: shadow, reason: "
           "A, explain: string(event.amount), rollout: {percent: 5, key: card_id}, snooze: "
           "{from: 2026-01-01T00:00:00Z, until: 2026-02-01T00:00:00Z, key: card_id, keys: [C1, "
           "C2]}, owner: me}\n"
           "  - {id: c, condition: event.amount == 1, action: block, score: 3}\n",
           false, true,
           "~ rule a\n"
           "    condition: event.ok && event.amount > 5 -> event.ok && event.amount > 6\n"
           "    action: review -> (nothing)\n"
           "    score: 0 -> 5\n"
           "    mode: live -> shadow\n"
           "    rollout: (nothing) -> 5 % by card_id\n"
           "    snooze: (nothing)\n"
           "      -> 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z for C1, C2 (card_id)\n"
           "    reason: (nothing) -> A\n"
           "    explain: (nothing) -> string(event.amount)\n"
           "    tags: x -> (nothing)\n"
           "    owner: (nothing) -> me\n"
           "- rule b: block: event.ok\n"
           "+ rule c: block, score 3: event.amount == 1\n"
           "a -> b: 1 added, 1 removed, 1 changed\n"
           "state: none is needed\n");
}

#define R2 "rules: [{id: a, condition: event.ok, action: review}]\n"

static void lists(void **state)
{
    (void)state;
    expect(HEAD "lists:\n"
                "  s: {type: string, items: [C1, C2]}\n"
                "  t: {type: string, items: [b, a]}\n"
                "  i: {type: int, items: [1]}\n"
                "  n: {type: cidr, items: [10.0.0.0/8, \"2001:db8::1\"]}\n"
                "  d: {type: double, items: [1.5]}\n"
                "  gone: {type: int, items: []}\n" R2,
           HEAD "lists:\n"
                "  fresh: {type: int, items: [1, 2]}\n"
                "  t: {type: string, items: [a, b, a]}\n"
                "  s: {type: string, items: [C2, C9, C8, C7, C6]}\n"
                "  i: {type: string, items: [1]}\n"
                "  n: {type: cidr, items: [10.0.0.0/9]}\n"
                "  d: {type: double, items: [1.5, 2]}\n" R2,
           false, true,
           "- list gone: int, 0 entries\n"
           "+ list fresh: int, 2 entries\n"
           "~ list s\n"
           "    entries added: 4 (C6, C7, C8, ...)\n"
           "    entries removed: 1 (C1)\n"
           "~ list i\n"
           "    type: int -> string\n"
           "~ list n\n"
           "    entries added: 1 (10.0.0.0-10.127.255.255)\n"
           "    entries removed: 2 (10.0.0.0-10.255.255.255, 2001:db8::1)\n"
           "~ list d\n"
           "    entries added: 1 (2)\n"
           "a -> b: 1 added, 1 removed, 4 changed\n"
           "state: none is needed\n");
}

static void features_and_variables(void **state)
{
    (void)state;
    expect(
        HEAD
        "features:\n"
        "  - {name: n, key: card_id, op: count, window: 5m}\n"
        "  - {name: p, key: card_id, op: percentile, p: 5, value: event.price, window: 1d}\n"
        "  - {name: x, key: card_id, op: sum, value: event.amount, window: 1h, where: event.ok}\n"
        "variables: [{name: v, expression: event.ok}, {name: w, expression: event.amount}]\n" R2,
        HEAD
        "features:\n"
        "  - {name: p, key: [card_id, status], op: percentile, p: 6, value: event.price, window: "
        "1d, delay: 1h, where: event.ok, accuracy: exact}\n"
        "  - {name: y, key: card_id, op: sum, value: event.amount, window: 1h, where: event.ok}\n"
        "  - {name: n, key: card_id, op: count, window: 300s, include_current: false}\n"
        "variables: [{name: v, expression: (event.ok)}, {name: u, expression: event.price}]\n" R2,
        false, true,
        "~ feature n\n"
        "    include_current: true -> false\n"
        "~ feature p\n"
        "    key: card_id -> card_id,status\n"
        "    delay: (nothing) -> 1h\n"
        "    include_current: true -> false\n"
        "    accuracy: approx -> exact\n"
        "    p: 5 -> 6\n"
        "    where: (nothing) -> event.ok\n"
        "- feature x: sum of event.amount by card_id over 1h where event.ok\n"
        "+ feature y: sum of event.amount by card_id over 1h where event.ok\n"
        "- variable w: event.amount\n"
        "+ variable u: event.price\n"
        "a -> b: 2 added, 2 removed, 2 changed\n"
        "state: windows are built anew for n, p, from 25h of history, before the set decides\n");
    expect(HEAD "features: [{name: n, key: card_id, op: count, window: 5m}]\n",
           HEAD "features: [{name: n, key: card_id, op: count, window: 300s}]\n", true, false,
           "a and b mean the same\nstate: what is kept serves both\n");
}

static void decisions(void **state)
{
    (void)state;
    expect(HEAD "decision: {score_thresholds: {review: 40, block: 90}}\n" R2,
           HEAD "activate_at: 2026-01-01T00:00:00Z\n"
                "decision: {actions: [allow, review, block], score_thresholds: {review: 41}}\n" R2,
           false, true,
           "~ decision\n"
           "    actions: allow, review, challenge, block -> allow, review, block\n"
           "    threshold of review: 40 -> 41\n"
           "    threshold of block: 90 -> (nothing)\n"
           "    activate_at: (nothing) -> 2026-01-01T00:00:00Z\n"
           "a -> b: 0 added, 0 removed, 1 changed\n"
           "state: none is needed\n");
}

static void as_json(void **state)
{
    (void)state;
    fd_ruleset *x = load("a", R1);
    fd_ruleset *y = load("b", HEAD "features: [{name: n, key: card_id, op: count, window: 5m}]\n"
                                   "rules:\n  - {id: a, condition: 'event.ok && event.amount > 5', "
                                   "action: block}\n");
    const fd_rules_diff_input in = {.a = x, .b = y, .name_a = "a", .name_b = "b"};
    fd_strbuf out = {0}, want = {0};
    assert_true(fd_rules_diff(&in, true, &out));
    fd_strbuf_printf(
        &want,
        "{\"differ\": true, \"a\": {\"name\": \"a\", \"ruleset\": \"%s\", \"lists_hash\": \"%s\"}, "
        "\"b\": {\"name\": \"b\", \"ruleset\": \"%s\", \"lists_hash\": \"%s\"}, \"changes\": ["
        "{\"what\": \"feature\", \"name\": \"n\", \"change\": \"added\", \"text\": \"count by "
        "card_id "
        "over 5m\", \"details\": []}, {\"what\": \"rule\", \"name\": \"a\", \"change\": "
        "\"changed\", "
        "\"text\": null, \"details\": [{\"of\": \"action\", \"from\": \"review\", \"to\": "
        "\"block\"}]}], \"state\": {\"rebuild\": true, \"reach_s\": 300}}\n",
        fd_ruleset_hash(x), fd_ruleset_lists_hash(x), fd_ruleset_hash(y), fd_ruleset_lists_hash(y));
    assert_string_equal(out.p, want.p);
    fd_strbuf_free(&out);
    fd_strbuf_free(&want);
    fd_ruleset_free(x);
    fd_ruleset_free(y);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same),  TEST(rules),   TEST(lists), TEST(features_and_variables),
        TEST(decisions), TEST(as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
