/* Test files that are refused, each with what is said of it. */
#include "rig.h"

const char rules_of_cases[] =
    "version: 1\n"
    "features:\n"
    "  - {name: n_5m, key: card_id, op: count, window: 5m}\n"
    "  - {name: avg_1h, key: card_id, op: avg, value: double(event.amount_minor), window: 1h}\n"
    "  - {name: since, key: card_id, op: time_since_last, window: 1h}\n"
    "  - {name: fresh, key: card_id, op: is_new, value: event.ip, window: 1h}\n"
    "  - {name: at, key: card_id, op: last, value: event.event_time, window: 1h}\n"
    "rules:\n"
    "  - {id: busy, condition: features.n_5m > 3, action: review, reason: BUSY}\n"
    "  - {id: large, condition: event.amount_minor > 5000, action: block}\n";

#define HEAD "tests:\n  - name: t\n    events:\n"
#define AT   "      - {at: 2026-01-01T10:00:00Z, expect: {action: allow}, "

const refusal refusals[] = {
    /* the file */
    {"", "error: ./r.test.yaml is empty\n"},
    {"[]", "r.test.yaml:1:1: error: a test file: expected a mapping (key: value), not a list\n"},
    {"version: 1\n", "error: the file has no tests\n"},
    {"version: 2\ntests: []\n", "1:10: error: version: expected a whole number from 1 to 1\n"},
    {"test: []\n",
     "error: a test file has no key \"test\"\n  test: []\n  ^~~~\n  hint: did you mean "
     "\"tests\"?\n"},
    {"tests: 5\n", "1:8: error: tests: expected a list, not a value\n"},
    {"tests: [5]\n", "1:9: error: a test: expected a mapping (key: value), not a value\n"},
    {"tests: {a: b\n", "error: this is not YAML"},
    {"defaults: 5\ntests: []\n", "1:11: error: expected event fields (card_id: C1)\n"},
    {"defaults: {card: 5}\ntests: []\n", "1:12: error: event has no field \"card\"\n"},
    /* a test */
    {"tests:\n  - {events: []}\n", "2:5: error: a test needs a name\n"},
    {"tests:\n  - {name: t}\n", "2:5: error: test \"t\" has no events\n"},
    {"tests:\n  - {name: t, event: []}\n", "2:15: error: a test has no key \"event\"\n"},
    {"tests:\n  - {name: t, events: []}\n", "2:23: error: test \"t\" expects nothing\n"},
    {HEAD AT "}\n  - name: t\n    events:\n" AT "}\n",
     "5:11: error: a test of this name is already in line 2\n"},
    {HEAD "      - {at: 2026-01-01T10:00:00Z}\n", "error: test \"t\" expects nothing\n"},
    {HEAD "      - 5\n", "4:9: error: expected event fields"},
    /* times */
    {HEAD "      - {expect: {action: allow}}\n",
     "4:9: error: the first event of a test needs at\n        - {expect: {action: allow}}\n"},
    {HEAD "      - {after: 5s, expect: {action: allow}}\n",
     "4:17: error: the first event of a test needs at\n"},
    {HEAD AT "}\n      - {}\n", "5:9: error: when? at or after is missing\n"},
    {HEAD AT "after: 5s}\n", "error: at and after: an event has one time\n"},
    {HEAD AT "}\n      - {after: 5}\n", "5:17: error: after: \"5\" is not a duration"},
    {HEAD AT "}\n      - {after: -5s}\n", "5:17: error: after: \"-5s\" is not a duration"},
    {HEAD "      - {at: 2026-01-01T10:00:00, expect: {action: allow}}\n",
     "4:14: error: at: \"2026-01-01T10:00:00\" is not a time\n"},
    {HEAD "      - {at: 2026-02-30T10:00:00Z, expect: {action: allow}}\n", "is not a time\n"},
    {HEAD "      - {at: 2026-01-01T10:00:00.0001Z, expect: {action: allow}}\n",
     "4:14: error: event_time does not hold times as fine as that\n"},
    {HEAD "      - {at: 2026-01-01T10:00:00.0000001Z, expect: {action: allow}}\n",
     "4:14: error: at: \"2026-01-01T10:00:00.0000001Z\" is too fine\n"},
    {HEAD AT "repeat: 2, every: 1us}\n", "error: event_time does not hold times as fine as that\n"},
    {HEAD AT "repeat: 3}\n", "error: repeated how long after one another?\n"},
    {HEAD AT "every: 3s}\n", "error: every is the time between repetitions: how many are there?\n"},
    {HEAD AT "repeat: 0, every: 1s}\n", "error: repeat: expected a whole number from 1 to"},
    {HEAD AT "repeat: 900000, every: 3000d}\n", "error: this is after the year 9999\n"},
    {HEAD AT "repeat: 900000, every: 0s}\n" AT "repeat: 900000, every: 0s}\n",
     "error: more than 1000000 events in a test\n"},
    /* fields */
    {HEAD AT "amount_minr: 5}\n", "error: event has no field \"amount_minr\"\n"},
    {HEAD AT "card.bin: 5}\n", "  hint: write card: {bin: ...}\n"},
    {HEAD AT "aftr: 5s}\n", "  hint: did you mean after?\n"},
    {HEAD AT "mcc: 5, mcc: 6}\n", "error: \"mcc\" is there twice\n"},
    {HEAD AT "amount_minor: many}\n",
     "error: amount_minor: expected a whole number, not \"many\"\n"},
    {HEAD AT "amount_minor: 1.5}\n", "error: amount_minor: expected a whole number, not \"1.5\"\n"},
    {HEAD AT "amount_minor: [1]}\n", "error: amount_minor: expected one value, not a list\n"},
    {HEAD AT "amount_minor: {a: 1}}\n", "error: amount_minor: expected one value, not a mapping\n"},
    {HEAD AT "mcc: 99999999999}\n", "error: mcc: 99999999999 does not fit an int\n"},
    {HEAD AT "card_id: null}\n", "error: card_id: it is never null\n"},
    {HEAD AT "lat: north}\n", "error: lat: expected a number, not \"north\"\n"},
    {HEAD AT "is_recurring: 1}\n", "error: is_recurring: expected true or false, not \"1\"\n"},
    {HEAD AT "status: refused}\n", "error: status: it is never \"refused\"\n"},
    {HEAD AT "status: refused}\n", "  hint: it is one of: approved, declined\n"},
    {HEAD AT "event_time: 2026-01-01T10:00:00Z}\n",
     "error: event_time: the event's time is said by at or after\n"},
    {HEAD AT "event: {card: 5}}\n", "error: event has no field \"card\"\n"},
    {HEAD AT "event: 5}\n", "error: expected event fields"},
/* expectations */
#define EXPECT(text) HEAD "      - {at: 2026-01-01T10:00:00Z, expect: " text "}\n"
    {EXPECT("5"), "error: expect: expected a mapping (key: value), not a value\n"},
    {EXPECT("{}"), "error: expect says nothing\n"},
    {EXPECT("{each: {}}"), "error: expect.each says nothing\n"},
    {EXPECT("{each: {each: {action: allow}}}"), "error: expect.each has no key \"each\"\n"},
    {EXPECT("{acton: allow}"), "  hint: did you mean \"action\"?\n"},
    {EXPECT("{action: blok}"), "error: action: \"blok\" is not an action\n"},
    {EXPECT("{score: high}"), "error: score: expected a number"},
    {EXPECT("{rules: busy}"), "error: rules: expected a list, not a value\n"},
    {EXPECT("{rules: [bsy]}"), "error: no rule is called \"bsy\"\n"},
    {EXPECT("{rules: [bsy]}"), "  hint: did you mean busy?\n"},
    {EXPECT("{rules: {includes: [busy]}}"), "  hint: did you mean \"include\"?\n"},
    {EXPECT("{rules: {exclude: [bsy]}}"), "error: no rule is called \"bsy\"\n"},
    {EXPECT("{reasons: [BSY]}"), "error: no rule has the reason \"BSY\"\n"},
    {EXPECT("{flags: [LAT]}"), "error: no flag is called \"LAT\"\n"},
    {EXPECT("{features: [n_5m]}"), "error: features: expected a mapping of names to values\n"},
    {EXPECT("{features: {n5m: 1}}"), "error: no feature is called \"n5m\"\n"},
    {EXPECT("{features: {n_5m: 1.5}}"), "error: n_5m: expected a whole number, not \"1.5\"\n"},
    {EXPECT("{features: {avg_1h: x}}"), "error: avg_1h: expected a number, not \"x\"\n"},
    {EXPECT("{features: {since: long}}"), "error: since: \"long\" is not a duration"},
    {EXPECT("{features: {fresh: 1}}"), "error: fresh: expected true or false, not \"1\"\n"},
    {EXPECT("{features: {at: 5}}"), "error: at: \"5\" is not a time\n"},
    {EXPECT("{messages: [busy]}"), "error: messages: expected a mapping of rules to texts\n"},
    {EXPECT("{messages: {bsy: x}}"), "error: no rule is called \"bsy\"\n"},
};
const size_t n_refusals = sizeof refusals / sizeof refusals[0];
