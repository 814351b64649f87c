/*
 * Rule tests: what they give to the rules and how, what they compare, what they say. Rule sets and
 * tests are files in a directory of their own; the schema is the sample payment unless said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../store/support.h"
#include "base/status.h"
#include "rig.h"

#define VELOCITY                                                                        \
    "version: 1\n"                                                                      \
    "decision: {score_thresholds: {review: 30}}\n"                                      \
    "features:\n"                                                                       \
    "  - {name: n_5m, key: card_id, op: count, window: 5m}\n"                           \
    "  - {name: d_5m, key: device_id, op: count, window: 5m}\n"                         \
    "rules:\n"                                                                          \
    "  - id: busy\n"                                                                    \
    "    condition: features.n_5m > 6\n"                                                \
    "    action: challenge\n"                                                           \
    "    score: 40\n"                                                                   \
    "    reason: BUSY\n"                                                                \
    "    explain: '\"seen \" + string(features.n_5m)'\n"                                \
    "  - {id: large, condition: event.amount_minor > 5000, score: 20, reason: LARGE}\n" \
    "  - {id: night, condition: event.event_time.getHours() < 5, action: block, mode: shadow}\n"

static void a_burst_is_challenged(void **state)
{
    (void)state;
    outcome o = run_texts(
        NULL, VELOCITY,
        "tests:\n"
        "  - name: a burst of six is challenged\n"
        "    defaults: {card_id: C1, amount_minor: 1000, status: approved}\n"
        "    events:\n"
        "      - {at: 2026-01-01T10:00:00Z, repeat: 6, every: 10s, expect: {each: {rules: []}}}\n"
        "      - after: 10s\n"
        "        amount_minor: 6000\n"
        "        expect:\n"
        "          action: challenge\n"
        "          score: 60\n"
        "          rules: [large, busy]\n"
        "          reasons: [BUSY, LARGE]\n"
        "          features: {n_5m: 7, d_5m: 0}\n"
        "          flags: []\n"
        "          messages: {busy: seen 7}\n");
    assert_int_equal(o.result.n_fired, 2);
    expect_out(&o, FD_EXIT_OK,
               "./r.test.yaml\n"
               "  ok     a burst of six is challenged\n"
               ".: 1 passed, 0 failed; of 3 rules 2 fired, 3 were seen not to fire\n");
}

static void what_differs_is_told(void **state)
{
    (void)state;
    outcome o = run_texts(NULL, VELOCITY,
                          "tests:\n"
                          "  - name: t\n"
                          "    defaults: {card_id: C1, amount_minor: 6000}\n"
                          "    events:\n"
                          "      - at: 2026-01-01T02:00:00+02:00\n"
                          "        expect:\n"
                          "          action: block\n"
                          "          score: 40\n"
                          "          rules: [busy, night]\n"
                          "          reasons: [BUSY]\n"
                          "          features: {n_5m: 7, d_5m: null}\n"
                          "          flags: [LATE]\n"
                          "          messages: {busy: seen 7, large: x}\n");
    expect_out(&o, FD_EXIT_CHECK,
               "./r.test.yaml\n"
               "  FAILED t (line 2)\n"
               "    event 1 (line 5) at 2026-01-01T00:00:00Z:\n"
               "      action: expected block, got allow\n"
               "      score: expected 40, got 20\n"
               "      rules: expected busy, night, got large, night\n"
               "      reasons: expected BUSY, got LARGE\n"
               "      feature n_5m: expected 7, got 1\n"
               "      feature d_5m: expected nothing, got 0\n"
               "      flags: expected LATE, got none\n"
               "      message of busy: expected \"seen 7\", got nothing: the rule did not fire\n"
               "      message of large: expected \"x\", got nothing\n"
               "      busy did not fire:\n"
               "        false  features.n_5m > 6    (features.n_5m is 1)\n"
               "      large fired:\n"
               "        true   event.amount_minor > 5000    (event.amount_minor is 6000)\n"
               ".: 0 passed, 1 failed; of 3 rules 2 fired, 1 were seen not to fire\n");
}

static void some_names_are_enough(void **state)
{
    (void)state;
    outcome o = run_texts(
        NULL, VELOCITY,
        "defaults: {card_id: C1, amount_minor: 6000}\n"
        "tests:\n"
        "  - name: fine\n"
        "    events: [{at: 2026-01-01T02:00:00Z, expect: {rules: {include: [large], exclude: "
        "[busy]}}}]\n"
        "  - name: not fine\n"
        "    events: [{at: 2026-01-01T12:00:00Z, expect: {rules: {include: [night], exclude: "
        "[large]}, reasons: {exclude: [LARGE]}}}]\n");
    assert_int_equal(o.code, FD_EXIT_CHECK);
    assert_int_equal(o.result.n_failed, 1);
    assert_non_null(strstr(o.out.p, "rules: expected night among others, and not large, got "
                                    "large\n"));
    assert_non_null(strstr(o.out.p, "reasons: expected not LARGE, got LARGE\n"));
    assert_non_null(strstr(o.out.p, "large fired:\n"));
    assert_non_null(strstr(o.out.p, "night did not fire (shadow):\n"));
    release_outcome(&o);
}

/* Neither the order of tests nor what they gave before matters: of any key, late or not. */
static void tests_know_nothing_of_each_other(void **state)
{
    (void)state;
    outcome o = run_texts(
        NULL, VELOCITY,
        "defaults: {card_id: C1, device_id: D1}\n"
        "tests:\n"
        "  - name: one\n"
        "    events: [{at: 2026-01-01T10:00:00Z, repeat: 3, every: 1s, expect: {features: {n_5m: "
        "3, d_5m: 3}}}]\n"
        "  - name: two\n"
        "    events: [{at: 2026-01-01T10:00:01Z, expect: {features: {n_5m: 1, d_5m: 1}}}]\n"
        "  - name: long before\n"
        "    events: [{at: 2025-01-01T10:00:01Z, expect: {flags: [], features: {n_5m: 1}}}]\n");
    assert_int_equal(o.code, FD_EXIT_OK);
    release_outcome(&o);
}

static void events_come_in_the_order_given(void **state)
{
    (void)state;
    outcome o = run_texts(
        NULL, VELOCITY,
        "defaults: {card_id: C1}\n"
        "tests:\n"
        "  - name: t\n"
        "    events:\n"
        "      - {at: 2026-01-01T10:00:00Z, repeat: 2, every: 0s, expect: {features: {n_5m: 2}}}\n"
        "      - {after: 0s, expect: {features: {n_5m: 3}}}\n"
        "      - {at: 2026-01-01T11:00:00+01:00, expect: {features: {n_5m: 4}}}\n"
        "      - {at: 2026-01-01T09:59:00Z, expect: {features: {n_5m: 1}, flags: []}}\n"
        "      - {at: 2026-01-01T09:49:59.999Z, expect: {features: {n_5m: 1}, flags: [LATE]}}\n"
        "      - {at: 2026-01-01T10:01:00Z, expect: {features: {n_5m: 6}}}\n"
        "      - {after: 4m, expect: {features: {n_5m: 2}}}\n");
    expect_out(&o, FD_EXIT_OK,
               "./r.test.yaml\n  ok     t\n"
               ".: 1 passed, 0 failed; of 3 rules 0 fired, 3 were seen not to fire\n");
}

static void first_failures_are_shown(void **state)
{
    (void)state;
    outcome o = run_texts(NULL, VELOCITY,
                          "tests:\n"
                          "  - name: t\n"
                          "    events: [{at: 2026-01-01T10:00:00Z, repeat: 9, every: 1s, expect: "
                          "{each: {action: block}, action: block}}]\n");
    assert_int_equal(o.code, FD_EXIT_CHECK);
    assert_non_null(strstr(o.out.p, "event 5 (line 3) at 2026-01-01T10:00:04Z:\n"));
    assert_null(strstr(o.out.p, "event 6"));
    assert_non_null(strstr(o.out.p, "    ... and 5 more events\n"));
    release_outcome(&o);
}

/* ---- why ---- */

#define PARTS                                                                                   \
    "version: 1\n"                                                                              \
    "lists: {risky: {type: int, items: [6051]}}\n"                                              \
    "features: [{name: avg, key: card_id, op: avg, value: double(event.amount_minor), window: " \
    "1h, include_current: false}]\n"                                                            \
    "variables:\n"                                                                              \
    "  - {name: web, expression: event.channel == \"ecom\"}\n"                                  \
    "  - {name: odd, expression: variables.web && event.mcc in lists.risky}\n"                  \
    "  - {name: twice, expression: event.amount_minor * 2}\n"                                   \
    "rules:\n"                                                                                  \
    "  - id: parts\n"                                                                           \
    "    condition: >\n"                                                                        \
    "      (variables.odd || event.ip.startsWith(\"10.\")) &&\n"                                \
    "        !(variables.twice > 5 || variables.web) && [1, 2].exists(x, x > event.mcc)\n"      \
    "    action: review\n"                                                                      \
    "  - {id: fails, condition: features.avg > 5.0, action: review}\n"                          \
    "  - {id: resting, condition: 'true', action: review, snooze: {from: "                      \
    "2026-01-01T00:00:00Z, until: 2026-02-01T00:00:00Z}}\n"                                     \
    "  - {id: none, condition: 'true', action: review, rollout: {percent: 0, key: card_id}}\n"  \
    "  - {id: away, condition: 'true', action: review, mode: off}\n"

static void parts_of_conditions_are_told(void **state)
{
    (void)state;
    outcome o = run_texts(NULL, PARTS,
                          "tests:\n"
                          "  - name: t\n"
                          "    events: [{at: 2026-01-01T10:00:00Z, amount_minor: 3, mcc: 1, "
                          "expect: {rules: [parts, fails, resting, none, away]}}]\n");
    expect_out(&o, FD_EXIT_CHECK,
               "./r.test.yaml\n"
               "  FAILED t (line 2)\n"
               "    event 1 (line 3) at 2026-01-01T10:00:00Z:\n"
               "      rules: expected parts, fails, resting, none, away, got none\n"
               "      parts did not fire:\n"
               "        false  all of:\n"
               "          failed any of:\n"
               "            false  variables.odd\n"
               "                   variables.odd:\n"
               "                     false  all of:\n"
               "                       true   variables.web\n"
               "                              variables.web:\n"
               "                                true   event.channel == \"ecom\"    "
               "(event.channel is \"ecom\")\n"
               "                       false  event.mcc in lists.risky    (event.mcc is 1)\n"
               "            failed event.ip.startsWith(\"10.\")    (event.ip is absent)\n"
               "          false  not:\n"
               "            true   any of:\n"
               "              true   variables.twice > 5    (variables.twice is 6)\n"
               "              true   variables.web\n"
               "          true   [1, 2].exists(x, x > event.mcc)    (event.mcc is 1)\n"
               "      fails failed, and so did not fire (features.avg is absent):\n"
               "        failed features.avg > 5.0    (features.avg is absent)\n"
               "      resting did not fire: it is snoozed until 2026-02-01T00:00:00Z\n"
               "      none did not fire: the event is not in its rollout (0 % by card_id)\n"
               "      away did not fire: its mode is off\n"
               ".: 0 passed, 1 failed; of 4 rules 0 fired, 2 were seen not to fire\n");
}

/* ---- events of other schemas ---- */

static const char nested[] =
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"long\"},"
    "{\"name\":\"when\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"card\",\"type\":{\"type\":\"record\",\"name\":\"Card\",\"fields\":["
    "{\"name\":\"bin\",\"type\":\"string\"},{\"name\":\"limit\",\"type\":[\"null\",\"long\"]},"
    "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"K\",\"symbols\":[\"debit\","
    "\"credit\"]}}]}},"
    "{\"name\":\"at\",\"type\":\"string\"},"
    "{\"name\":\"price\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
    "\"precision\":10,\"scale\":2}},"
    "{\"name\":\"day\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "{\"name\":\"more\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"
    "{\"name\":\"any\",\"type\":[\"null\",\"string\",\"long\"]},"
    "{\"name\":\"raw\",\"type\":\"bytes\"},"
    "{\"name\":\"ok\",\"type\":\"boolean\"},"
    "{\"name\":\"ratio\",\"type\":\"float\"},"
    "{\"name\":\"u\",\"type\":{\"type\":\"string\",\"logicalType\":\"uuid\"}},"
    "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}},"
    "{\"name\":\"one\",\"type\":[\"int\",\"Card\"]},"
    "{\"name\":\"rec\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"x\",\"type\":\"int\"}]}]}"
    "]}";

#define NESTED                                                                                    \
    "version: 1\n"                                                                                \
    "features:\n"                                                                                 \
    "  - {name: n, key: card.bin, op: count, window: 1h}\n"                                       \
    "  - {name: since, key: card.bin, op: time_since_last, window: 1h}\n"                         \
    "  - {name: last_when, key: card.bin, op: last, value: event.when, window: 1h}\n"             \
    "  - {name: last_at, key: card.bin, op: last, value: event.at, window: 1h}\n"                 \
    "  - {name: fresh, key: card.bin, op: is_new, value: event.at, window: 1h}\n"                 \
    "  - {name: avg, key: card.bin, op: avg, value: event.ratio, window: 1h}\n"                   \
    "rules:\n"                                                                                    \
    "  - id: full\n"                                                                              \
    "    action: review\n"                                                                        \
    "    condition: >\n"                                                                          \
    "      event.card.bin == \"4111\" && event.card.limit == 5 && event.card.kind == \"credit\" " \
    "&&\n"                                                                                        \
    "      event.at == \"home\" && event.price == -1234 && event.ok && event.id == 3 &&\n"        \
    "      event.day == timestamp(\"2026-01-02T00:00:00Z\") && event.tags == [\"a\", \"b\"] &&\n" \
    "      event.more.x == 1.5 && event.any == 7 && event.raw == b\"ab\" && event.rec.x == 9\n"   \
    "  - id: empty\n"                                                                             \
    "    action: block\n"                                                                         \
    "    condition: >\n"                                                                          \
    "      event.card.bin == \"\" && !has(event.card.limit) && event.card.kind == \"debit\" &&\n" \
    "      event.at == \"\" && event.price == 0 && event.id == 1 && event.ratio == 0.0 &&\n"      \
    "      event.tags.size() == 0 && event.more.size() == 0 && !event.ok && !has(event.rec)\n"

static void events_of_any_schema(void **state)
{
    (void)state;
    outcome o = run_texts(
        nested, NESTED,
        "defaults: {card: {bin: 4111, limit: 4}}\n"
        "tests:\n"
        "  - name: everything given, layer over layer\n"
        "    defaults: {card: {kind: credit}, price: -12.34, day: 2026-01-02, tags: [a, b], more: "
        "{x: 1.5}, any: 7, raw: ab, ok: true, ratio: 0.3, at: home}\n"
        "    events:\n"
        "      - {at: 2026-01-01T10:00:00.000001Z, expect: {rules: []}}\n"
        "      - {after: 1ms, event: {at: away}}\n"
        "      - after: 90s\n"
        "        card: {limit: 5}\n"
        "        rec: {x: 9}\n"
        "        expect:\n"
        "          rules: [full]\n"
        "          features: {n: 3, since: 90s, last_at: away, fresh: false, avg: "
        "0.30000001192092896, last_when: 2026-01-01T10:00:00.001001Z}\n"
        "      - {after: 1.5s, ratio: NaN, expect: {features: {since: 1.5}}}\n");
    assert_string_equal(o.out.p,
                        "./r.test.yaml\n"
                        "  ok     everything given, layer over layer\n"
                        ".: 1 passed, 0 failed; of 2 rules 1 fired, 2 were seen not to fire\n");
    release_outcome(&o);
    o = run_texts(
        nested, NULL,
        "tests:\n"
        "  - name: nothing given\n"
        "    events: [{at: 2026-01-01T10:00:00Z, expect: {rules: [empty]}}]\n"
        "  - name: a whole record is null\n"
        "    defaults: {rec: {x: 1}}\n"
        "    events: [{at: 2026-01-01T10:00:00Z, rec: null, expect: {rules: [empty]}}]\n");
    assert_int_equal(o.code, FD_EXIT_OK);
    release_outcome(&o);
}

static void values_of_any_schema_are_checked(void **state)
{
    (void)state;
    outcome o = run_texts(nested, NESTED,
                          "tests:\n"
                          "  - name: t\n"
                          "    events:\n"
                          "      - {at: 2026-01-01T10:00:00Z, expect: {rules: []}, price: x}\n"
                          "      - {after: 1s, card: 4, tags: a, more: [1], card.bin: 5}\n"
                          "      - {after: 1s, tags: {a: b}, rec: {y: 1}}\n"
                          "      - {after: 1s, f: abc}\n"
                          "      - {after: 1s, card: {kind: none}}\n");
    assert_int_equal(o.code, FD_EXIT_CONFIG);
    static const char *const says[] = {
        "4:64: error: price: a decimal is written like \"-12.34\"\n",
        "5:50: error: event has no field \"card.bin\"\n",
        "5:27: error: card: expected a mapping (key: value), not \"4\"\n",
        "5:36: error: tags: expected a list, not \"a\"\n",
        "5:45: error: more: expected a mapping (key: value), not a list\n",
        "6:27: error: tags: expected a list, not a mapping\n",
        "6:41: error: event has no field \"y\"\n",
        "7:24: error: f: 3 bytes where F has 4\n",
        "8:34: error: card.kind: it is never \"none\"\n",
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        if (strstr(o.out.p, says[i]) == NULL)
            fail_msg("no %s in\n%s", says[i], o.out.p);
    }
    release_outcome(&o);
}

static void id_and_time_are_found(void **state)
{
    (void)state;
    static const char two[] =
        "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
        "{\"name\":\"a\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
        "{\"name\":\"b\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
        "{\"name\":\"m\",\"type\":{\"type\":\"record\",\"name\":\"M\",\"fields\":["
        "{\"name\":\"ms\",\"type\":\"long\"},{\"name\":\"id\",\"type\":\"string\"}]}}]}";
    write_text("r.yaml", "version: 1\nrules: [{id: x, condition: event.m.ms == 1767261600000 && "
                         "event.m.id == \"event-1\", action: block}]\n");
    write_text("r.test.yaml", "tests: [{name: t, events: [{at: 2026-01-01T10:00:00Z, expect: "
                              "{action: block}}]}]\n");
    fd_rules_test_options options = {.dir = "."};
    outcome o = run_with(two, &options);
    expect_out(&o, FD_EXIT_CONFIG,
               "error: which field of E is an event's time? say --time FIELD\n"
               ".: not tested, 1 error(s)\n");
    options = (fd_rules_test_options){.dir = ".", .time = "m", .id = "n"};
    o = run_with(two, &options);
    expect_out(&o, FD_EXIT_CONFIG,
               "error: --time: m cannot be it: it is record\n"
               "error: --id: E has no field n\n"
               ".: not tested, 2 error(s)\n");
    options = (fd_rules_test_options){.dir = ".", .time = "m.ms", .id = "m.id"};
    o = run_with(two, &options);
    assert_int_equal(o.code, FD_EXIT_OK);
    release_outcome(&o);
}

/* ---- reports ---- */

static void coverage_names_rules(void **state)
{
    (void)state;
    write_text("r.yaml", PARTS "  - {id: always, condition: event.mcc >= 0, action: review}\n");
    write_text("r.test.yaml",
               "tests: [{name: t, events: [{at: 2026-03-01T10:00:00Z, expect: {action: review}}]}]"
               "\n");
    const fd_rules_test_options options = {.dir = ".", .coverage = true};
    outcome o = run_with(NULL, &options);
    assert_int_equal(o.result.n_rules, 5);
    assert_int_equal(o.result.n_fired, 2);
    assert_int_equal(o.result.n_quiet, 2);
    expect_out(&o, FD_EXIT_OK,
               "./r.test.yaml\n"
               "  ok     t\n"
               "never fired:\n"
               "  parts (./r.yaml:9)\n"
               "  fails (./r.yaml:14)\n"
               "  none (./r.yaml:16)\n"
               "always fired:\n"
               "  resting (./r.yaml:15)\n"
               "  always (./r.yaml:18)\n"
               ".: 1 passed, 0 failed; of 5 rules 2 fired, 2 were seen not to fire\n");
}

#define SIMPLE "version: 1\nrules: [{id: a, condition: event.mcc > 5, action: block}]\n"

static void reports_for_programs(void **state)
{
    (void)state;
    write_text("r.yaml", SIMPLE);
    outcome o = run_texts(NULL, NULL,
                          "tests:\n"
                          "  - {name: \"a < \\\"b\\\" & \\a\", events: [{at: "
                          "2026-01-01T10:00:00Z, expect: {action: block}}]}\n"
                          "  - {name: ok, events: [{at: 2026-01-01T10:00:00Z, expect: "
                          "{action: allow}}]}\n");
    assert_string_equal(
        o.junit.p,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\".\" tests=\"2\" failures=\"1\" errors=\"0\">\n"
        "  <testsuite name=\"./r.test.yaml\" tests=\"2\" failures=\"1\" errors=\"0\">\n"
        "    <testcase classname=\"./r.test.yaml\" name=\"a &lt; &quot;b&quot; &amp; ?\" "
        "file=\"./r.test.yaml\" line=\"2\">\n"
        "      <failure message=\"action: expected block, got allow\">event 1 (line 2) at "
        "2026-01-01T10:00:00Z:\n"
        "  action: expected block, got allow\n"
        "</failure>\n"
        "    </testcase>\n"
        "    <testcase classname=\"./r.test.yaml\" name=\"ok\" file=\"./r.test.yaml\" "
        "line=\"3\"/>\n"
        "  </testsuite>\n"
        "</testsuites>\n");
    release_outcome(&o);
    const fd_rules_test_options options = {.dir = ".", .json = true};
    o = run_with(NULL, &options);
    expect_out(&o, FD_EXIT_CHECK,
               "{\"ok\": false, \"refused\": false, \"passed\": 1, \"failed\": 1, \"tests\": ["
               "{\"file\": \"./r.test.yaml\", \"line\": 2, \"name\": \"a < \\\"b\\\" & \\u0007\", "
               "\"ok\": false, \"events\": 1, \"failed_events\": 1, \"failures\": [{\"event\": 1, "
               "\"line\": 2, \"at\": \"2026-01-01T10:00:00Z\", \"differences\": [{\"what\": "
               "\"action\", \"expected\": \"block\", \"got\": \"allow\"}], \"why\": \"\"}]}, "
               "{\"file\": \"./r.test.yaml\", \"line\": 3, \"name\": \"ok\", \"ok\": true, "
               "\"events\": 1, \"failed_events\": 0, \"failures\": []}], \"coverage\": "
               "[{\"rule\": \"a\", \"evaluated\": 2, \"fired\": 0, \"errors\": 0}], "
               "\"diagnostics\": []}\n");
}

static void what_is_refused_is_reported(void **state)
{
    (void)state;
    outcome o = run_texts(NULL,
                          "version: 1\nrules: [{id: a, condition: event.mc > 5, action: "
                          "block}]\n",
                          "tests: []\n");
    assert_true(o.result.refused);
    assert_non_null(strstr(o.junit.p, "errors=\"1\""));
    assert_non_null(strstr(o.junit.p, "<error message=\"event has no field 'mc'\">"));
    expect_out(&o, FD_EXIT_CONFIG,
               "./r.yaml:2:34: error: event has no field 'mc'\n"
               "  rules: [{id: a, condition: event.mc > 5, action: block}]\n"
               "                                   ^~\n"
               "  hint: did you mean mcc?\n"
               ".: not tested, 1 error(s)\n");
}

static void files_are_found_or_given(void **state)
{
    (void)state;
    static const char one[] = "tests: [{name: t, events: [{at: 2026-01-01T10:00:00Z, mcc: 6, "
                              "expect: {action: block}}]}]\n";
    write_text("r.yaml", SIMPLE);
    fd_rules_test_options options = {.dir = "."};
    outcome o = run_with(NULL, &options);
    assert_int_equal(o.code, FD_EXIT_OK);
    assert_int_equal(o.result.n_files, 0);
    release_outcome(&o);
    write_text("b.test.yaml", one);
    write_text("a.test.yml", one);
    write_text(".c.test.yaml", "broken");
    write_text("d/e.test.yaml", one);
    o = run_with(NULL, &options);
    expect_out(&o, FD_EXIT_OK,
               "./a.test.yml\n  ok     t\n./b.test.yaml\n  ok     t\n"
               ".: 2 passed, 0 failed; of 1 rules 1 fired, 0 were seen not to fire\n");
    static const char *const files[] = {"d/e.test.yaml", "gone.test.yaml"};
    options = (fd_rules_test_options){.dir = ".", .files = files, .n_files = 1};
    o = run_with(NULL, &options);
    assert_int_equal(o.result.n_tests, 1);
    assert_int_equal(o.code, FD_EXIT_OK);
    release_outcome(&o);
    options.n_files = 2;
    o = run_with(NULL, &options);
    expect_out(&o, FD_EXIT_CONFIG,
               "error: gone.test.yaml: No such file or directory\n.: not tested, 1 error(s)\n");
    options = (fd_rules_test_options){.dir = "nowhere"};
    o = run_with(NULL, &options);
    expect_out(&o, FD_EXIT_CONFIG,
               "error: rule directory nowhere: No such file or directory\n"
               "nowhere: not tested, 1 error(s)\n");
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_refusals; i++) {
        outcome o = run_texts(NULL, rules_of_cases, refusals[i].tests);
        if (o.code != FD_EXIT_CONFIG || strstr(o.out.p, refusals[i].says) == NULL)
            fail_msg("%d for\n%s--- says\n%s--- not\n%s", o.code, refusals[i].tests, o.out.p,
                     refusals[i].says);
        release_outcome(&o);
    }
}

/* A default that is wrong is so for each event, and told once. */
static void defaults_are_told_of_once(void **state)
{
    (void)state;
    outcome o = run_texts(NULL, rules_of_cases,
                          "tests:\n"
                          "  - name: t\n"
                          "    defaults: {mcc: x}\n"
                          "    events:\n"
                          "      - {at: 2026-01-01T10:00:00Z, expect: {action: allow}}\n"
                          "      - {after: 1s}\n");
    expect_out(&o, FD_EXIT_CONFIG,
               "./r.test.yaml:3:21: error: mcc: expected a whole number, not \"x\"\n"
               "      defaults: {mcc: x}\n"
               "                      ^\n"
               ".: not tested, 1 error(s)\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_burst_is_challenged),
        TEST(what_differs_is_told),
        TEST(some_names_are_enough),
        TEST(tests_know_nothing_of_each_other),
        TEST(events_come_in_the_order_given),
        TEST(first_failures_are_shown),
        TEST(parts_of_conditions_are_told),
        TEST(events_of_any_schema),
        TEST(values_of_any_schema_are_checked),
        TEST(id_and_time_are_found),
        TEST(coverage_names_rules),
        TEST(reports_for_programs),
        TEST(what_is_refused_is_reported),
        TEST(files_are_found_or_given),
        TEST(what_is_wrong_is_told),
        TEST(defaults_are_told_of_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
