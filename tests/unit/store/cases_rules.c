/* What the loader says of rules that are wrong; see cases.h. */
#include "cases.h"

const load_case rule_cases[] = {
    {"rules:\n"
     "  - just text\n",
     "./r.yaml:3:5: error: a rule: expected a mapping (key: value), not a value\n"
     "    - just text\n"
     "      ^~~~~~~~~\n"},
    {"rules:\n"
     "  - {condition: event.ok, action: block}\n",
     "./r.yaml:3:5: error: a rule needs an id\n"
     "    - {condition: event.ok, action: block}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: \"\", condition: event.ok, action: block}\n",
     "./r.yaml:3:5: error: a rule needs an id\n"
     "    - {id: \"\", condition: event.ok, action: block}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, action: block}\n",
     "./r.yaml:3:5: error: rule \"a\" needs a condition\n"
     "    - {id: a, action: block}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok}\n",
     "./r.yaml:3:5: error: rule \"a\" needs an action or a score\n"
     "    - {id: a, condition: event.ok}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, score: 0}\n",
     "./r.yaml:3:5: error: rule \"a\" needs an action or a score\n"
     "    - {id: a, condition: event.ok, score: 0}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: blok}\n",
     "./r.yaml:3:42: error: action: \"blok\" is not an action\n"
     "    - {id: a, condition: event.ok, action: blok}\n"
     "                                           ^~~~\n"
     "  hint: actions are allow, review, challenge and block\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: deny}\n",
     "./r.yaml:3:42: error: action: \"deny\" is not an action\n"
     "    - {id: a, condition: event.ok, action: deny}\n"
     "                                           ^~~~\n"
     "  hint: actions are allow, review, challenge and block\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, score: many}\n",
     "./r.yaml:3:41: error: score: expected a number from -1e+09 to 1e+09\n"
     "    - {id: a, condition: event.ok, score: many}\n"
     "                                          ^~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, score: .inf}\n",
     "./r.yaml:3:41: error: score: expected a number from -1e+09 to 1e+09\n"
     "    - {id: a, condition: event.ok, score: .inf}\n"
     "                                          ^~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, score: 1e10}\n",
     "./r.yaml:3:41: error: score: expected a number from -1e+09 to 1e+09\n"
     "    - {id: a, condition: event.ok, score: 1e10}\n"
     "                                          ^~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, mode: dark}\n",
     "./r.yaml:3:55: error: \"dark\" is not a mode\n"
     "    - {id: a, condition: event.ok, action: block, mode: dark}\n"
     "                                                        ^~~~\n"
     "  hint: modes are live, shadow and off\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, acton: block}\n",
     "./r.yaml:3:49: error: a rule has no key \"acton\"\n"
     "    - {id: a, condition: event.ok, action: block, acton: block}\n"
     "                                                  ^~~~~\n"
     "  hint: did you mean \"action\"?\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, priority: 3}\n",
     "./r.yaml:3:49: error: a rule has no key \"priority\"\n"
     "    - {id: a, condition: event.ok, action: block, priority: 3}\n"
     "                                                  ^~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, id: b, condition: event.ok, action: block}\n",
     "./r.yaml:3:13: error: a rule has \"id\" twice\n"
     "    - {id: a, id: b, condition: event.ok, action: block}\n"
     "              ^~\n"},
    {"rules:\n"
     "  - {id: [a], condition: event.ok, action: block}\n",
     "./r.yaml:3:10: error: id: expected one value, not a list\n"
     "    - {id: [a], condition: event.ok, action: block}\n"
     "           ^~~\n"},
    {"rules:\n"
     "  - {id: a, condition: [event.ok], action: block}\n",
     "./r.yaml:3:24: error: condition: expected one value, not a list\n"
     "    - {id: a, condition: [event.ok], action: block}\n"
     "                         ^~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: , action: block}\n",
     "./r.yaml:3:24: error: condition has no value\n"
     "    - {id: a, condition: , action: block}\n"
     "                         ^\n"},
    {"rules:\n"
     "  - {id: a, condition: '', action: block}\n",
     "./r.yaml:3:25: error: the expression is empty\n"
     "    - {id: a, condition: '', action: block}\n"
     "                          ^\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n"
     "  - {id: b, condition: event.ok, action: block}\n"
     "  - {id: a, condition: event.ok, action: allow}\n",
     "./r.yaml:5:5: error: rule \"a\" is already defined in ./r.yaml:3\n"
     "    - {id: a, condition: event.ok, action: allow}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: ids name rules in decisions\n"},
    {"rules:\n"
     "  - {id: a, condition: event.amount, action: block}\n",
     "./r.yaml:3:24: error: a condition is of type int, not bool\n"
     "    - {id: a, condition: event.amount, action: block}\n"
     "                         ^~~~~~~~~~~~\n"
     "  hint: compare the value with something, e.g. > 0\n"},
    {"rules:\n"
     "  - {id: a, condition: event.amnt > 5, action: block}\n",
     "./r.yaml:3:30: error: event has no field 'amnt'\n"
     "    - {id: a, condition: event.amnt > 5, action: block}\n"
     "                               ^~~~\n"
     "  hint: did you mean amount?\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.price > 8\n"
     "    action: block\n",
     "./r.yaml:4:28: error: double and int do not mix in '>'\n"
     "      condition: event.price > 8\n"
     "                             ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: 'event.card_id == ''x'' && event.price > 8'\n"
     "    action: block\n",
     "./r.yaml:4:55: error: double and int do not mix in '>'\n"
     "      condition: 'event.card_id == ''x'' && event.price > 8'\n"
     "                                                        ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: \"event.card_id == \\\"x\\\" && event.price > 8\"\n"
     "    action: block\n",
     "./r.yaml:4:55: error: double and int do not mix in '>'\n"
     "      condition: \"event.card_id == \\\"x\\\" && event.price > 8\"\n"
     "                                                        ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: >\n"
     "      event.ok &&\n"
     "      event.price > 8\n"
     "    action: block\n",
     "./r.yaml:6:19: error: double and int do not mix in '>'\n"
     "        event.price > 8\n"
     "                    ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: |\n"
     "      event.ok\n"
     "        && event.price > 8\n"
     "    action: block\n",
     "./r.yaml:6:24: error: double and int do not mix in '>'\n"
     "          && event.price > 8\n"
     "                         ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok &&\n"
     "      event.price > 8\n"
     "    action: block\n",
     "./r.yaml:5:19: error: double and int do not mix in '>'\n"
     "        event.price > 8\n"
     "                    ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: \"event.card_id == '\\u00e4' &&\n"
     "      \\  event.price > 8\"\n"
     "    action: block\n",
     "./r.yaml:5:11: error: double and int do not mix in '>'\n"
     "        \\  event.price > 8\"\n"
     "            ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.card_id == 'ä' && event.price > 8\n"
     "    action: block\n",
     "./r.yaml:4:53: error: double and int do not mix in '>'\n"
     "      condition: event.card_id == 'ä' && event.price > 8\n"
     "                                                     ^\n"
     "  hint: write 8.0\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, explain: event.amount}\n",
     "./r.yaml:3:58: error: an explain text is of type int, not string\n"
     "    - {id: a, condition: event.ok, action: block, explain: event.amount}\n"
     "                                                           ^~~~~~~~~~~~\n"
     "  hint: wrap the value in string(...)\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, explain: '\"x\" + event.amount'}\n",
     "./r.yaml:3:63: error: '+' does not take string and int\n"
     "    - {id: a, condition: event.ok, action: block, explain: '\"x\" + event.amount'}\n"
     "                                                                ^\n"
     "  hint: write string(event.amount)\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, reason: [X]}\n",
     "./r.yaml:3:57: error: reason: expected one value, not a list\n"
     "    - {id: a, condition: event.ok, action: block, reason: [X]}\n"
     "                                                          ^~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, tags: velocity}\n",
     "./r.yaml:3:55: error: tags: expected a list, not a value\n"
     "    - {id: a, condition: event.ok, action: block, tags: velocity}\n"
     "                                                        ^~~~~~~~\n"
     "  hint: write [a, b] or one \"- item\" per line\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, tags: [[x]]}\n",
     "./r.yaml:3:56: error: tags: expected one value, not a list\n"
     "    - {id: a, condition: event.ok, action: block, tags: [[x]]}\n"
     "                                                         ^~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, owner: ~}\n",
     "./r.yaml:3:56: error: owner has no value\n"
     "    - {id: a, condition: event.ok, action: block, owner: ~}\n"
     "                                                         ^\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: 25}\n",
     "./r.yaml:3:58: error: rollout: expected a mapping (key: value), not a value\n"
     "    - {id: a, condition: event.ok, action: block, rollout: 25}\n"
     "                                                           ^~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {percent: 25}}\n",
     "./r.yaml:3:58: error: rollout needs the field that decides who is in it (key)\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {percent: 25}}\n"
     "                                                           ^~~~~~~~~~~~~\n"
     "  hint: write rollout: {percent: 25, key: card_id}\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {key: card_id}}\n",
     "./r.yaml:3:58: error: rollout needs a percent\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {key: card_id}}\n"
     "                                                           ^~~~~~~~~~~~~~\n"
     "  hint: write rollout: {percent: 25, key: card_id}\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {percent: 101, key: card_id}}\n",
     "./r.yaml:3:68: error: rollout.percent: expected a number from 0 to 100\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {percent: 101, key: card_id}}\n"
     "                                                                     ^~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {percent: 25, key: ''}}\n",
     "./r.yaml:3:58: error: rollout needs the field that decides who is in it (key)\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {percent: 25, key: ''}}\n"
     "                                                           ^~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: write rollout: {percent: 25, key: card_id}\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {percent: 25, key: card}}\n",
     "./r.yaml:3:77: error: rule \"a\": rollout.key must be a string or int field, card is record\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {percent: 25, key: card}}\n"
     "                                                                              ^~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {percent: 25, key: card.bni}}\n",
     "./r.yaml:3:77: error: rule \"a\": rollout.key names no event field: card.bni\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {percent: 25, key: card.bni}}\n"
     "                                                                              ^~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block, rollout: {percent: 25%, key: card_id}}\n",
     "./r.yaml:3:68: error: rollout.percent: expected a number from 0 to 100\n"
     "    - {id: a, condition: event.ok, action: block, rollout: {percent: 25%, key: card_id}}\n"
     "                                                                     ^~~\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {until: 2026-12-31T00:00:00Z}\n",
     "./r.yaml:6:13: error: snooze needs both from and until\n"
     "      snooze: {until: 2026-12-31T00:00:00Z}\n"
     "              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: a snooze without an end is mode: off\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01T00:00:00Z}\n",
     "./r.yaml:6:13: error: snooze needs both from and until\n"
     "      snooze: {from: 2026-11-01T00:00:00Z}\n"
     "              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: a snooze without an end is mode: off\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01, until: 2026-12-31T00:00:00Z}\n",
     "./r.yaml:6:20: error: snooze.from: \"2026-11-01\" is not a time\n"
     "      snooze: {from: 2026-11-01, until: 2026-12-31T00:00:00Z}\n"
     "                     ^~~~~~~~~~\n"
     "  hint: write a time like 2026-11-01T00:00:00Z\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-12-31T00:00:00Z, until: 2026-12-31T00:00:00Z}\n",
     "./r.yaml:6:13: error: snooze.from is not before snooze.until\n"
     "      snooze: {from: 2026-12-31T00:00:00Z, until: 2026-12-31T00:00:00Z}\n"
     "              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, keys: [C17]}\n",
     "./r.yaml:6:13: error: rule \"a\": snooze.keys needs the field they are values of\n"
     "      snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, keys: [C17]}\n"
     "              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: add key: card_id to the snooze\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: card_id}\n",
     "./r.yaml:6:13: error: snooze.key and snooze.keys are the field and its values: both or none\n"
     "      snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: card_id}\n"
     "              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: write snooze: {..., key: card_id, keys: [C17]}\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: card_id, keys: "
     "[]}\n",
     "./r.yaml:6:91: error: snooze.keys is empty\n"
     "      snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: card_id, keys: "
     "[]}\n"
     "                                                                                            "
     "^~\n"
     "  hint: leave keys out to snooze the rule for every event\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: price, keys: "
     "[C17]}\n",
     "./r.yaml:6:76: error: rule \"a\": snooze.key must be a string or int field, price is double\n"
     "      snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: price, keys: "
     "[C17]}\n"
     "                                                                             ^~~~~\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: block\n"
     "    snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: '', keys: "
     "[C17]}\n",
     "./r.yaml:6:13: error: snooze.key and snooze.keys are the field and its values: both or none\n"
     "      snooze: {from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, key: '', keys: "
     "[C17]}\n"
     "              "
     "^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: write snooze: {..., key: card_id, keys: [C17]}\n"},
    {"rules:\n"
     "  - {id: a, condition: features.n > 6, action: block}\n",
     "./r.yaml:3:33: error: there is no feature 'n'\n"
     "    - {id: a, condition: features.n > 6, action: block}\n"
     "                                  ^\n"
     "  hint: declare it under `features:`\n"},
    {"rules:\n"
     "  - !!binary a\n",
     "./r.yaml:3:5: error: a rule: expected a mapping (key: value), not a value\n"
     "    - !!binary a\n"
     "      ^~~~~~~~~~\n"},
};
const size_t n_rule_cases = sizeof rule_cases / sizeof *rule_cases;
