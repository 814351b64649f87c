/* What the loader says of features that are wrong; see cases.h. */
#include "cases.h"

const load_case feature_cases[] = {
    {"features: {n: 1}\n", "./r.yaml:2:11: error: features: expected a list, not a mapping\n"
                           "  features: {n: 1}\n"
                           "            ^~~~~~\n"
                           "  hint: write [a, b] or one \"- item\" per line\n"},
    {"features:\n"
     "  - just text\n",
     "./r.yaml:3:5: error: a feature: expected a mapping (key: value), not a value\n"
     "    - just text\n"
     "      ^~~~~~~~~\n"},
    {"features:\n"
     "  - {op: count}\n",
     "./r.yaml:3:5: error: a feature needs name\n"
     "    - {op: count}\n"
     "      ^~~~~~~~~~~\n"
     "./r.yaml:3:5: error: a feature needs key\n"
     "    - {op: count}\n"
     "      ^~~~~~~~~~~\n"
     "  hint: write key: card_id\n"
     "./r.yaml:3:5: error: a feature needs window\n"
     "    - {op: count}\n"
     "      ^~~~~~~~~~~\n"
     "  hint: write window: 5m\n"},
    {"features:\n"
     "  - {name: n}\n",
     "./r.yaml:3:5: error: feature \"n\" needs key\n"
     "    - {name: n}\n"
     "      ^~~~~~~~~\n"
     "  hint: write key: card_id\n"
     "./r.yaml:3:5: error: feature \"n\" needs op\n"
     "    - {name: n}\n"
     "      ^~~~~~~~~\n"
     "  hint: write op: count\n"
     "./r.yaml:3:5: error: feature \"n\" needs window\n"
     "    - {name: n}\n"
     "      ^~~~~~~~~\n"
     "  hint: write window: 5m\n"},
    {"features:\n"
     "  - {name: \"\", key: card_id, op: count, window: 5m}\n",
     "./r.yaml:3:12: error: \"\" cannot be the name of a feature\n"
     "    - {name: \"\", key: card_id, op: count, window: 5m}\n"
     "             ^~\n"
     "  hint: letters, digits and _, not a digit first\n"},
    {"features:\n"
     "  - {name: 1n, key: card_id, op: count, window: 5m}\n",
     "./r.yaml:3:12: error: \"1n\" cannot be the name of a feature\n"
     "    - {name: 1n, key: card_id, op: count, window: 5m}\n"
     "             ^~\n"
     "  hint: letters, digits and _, not a digit first\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, wher: event.ok}\n",
     "./r.yaml:3:52: error: a feature has no key \"wher\"\n"
     "    - {name: n, key: card_id, op: count, window: 5m, wher: event.ok}\n"
     "                                                     ^~~~\n"
     "  hint: did you mean \"where\"?\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m}\n"
     "  - {name: n, key: card_id, op: count, window: 6m}\n",
     "./r.yaml:4:12: error: feature \"n\" is already defined in ./r.yaml:3\n"
     "    - {name: n, key: card_id, op: count, window: 6m}\n"
     "             ^\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: coutn, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.n > 1, action: block}\n",
     "./r.yaml:3:33: error: \"coutn\" is not an op\n"
     "    - {name: n, key: card_id, op: coutn, window: 5m}\n"
     "                                  ^~~~~\n"
     "  hint: did you mean count?\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: total, window: 5m}\n",
     "./r.yaml:3:33: error: \"total\" is not an op\n"
     "    - {name: n, key: card_id, op: total, window: 5m}\n"
     "                                  ^~~~~\n"
     "  hint: ops are count, sum, avg, min, max, stddev, distinct, ratio, last, first, "
     "time_since_last, time_since_first, is_new, consecutive, percentile, zscore, travel_speed\n"},
    {"features:\n"
     "  - {name: n, key: card_ic, op: count, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.n > 1, action: block}\n",
     "./r.yaml:3:20: error: key names no event field: card_ic\n"
     "    - {name: n, key: card_ic, op: count, window: 5m}\n"
     "                     ^~~~~~~\n"
     "  hint: did you mean card_id?\n"},
    {"features:\n"
     "  - {name: n, key: event.card_id, op: count, window: 5m}\n",
     "./r.yaml:3:20: error: key names no event field: event.card_id\n"
     "    - {name: n, key: event.card_id, op: count, window: 5m}\n"
     "                     ^~~~~~~~~~~~~\n"
     "  hint: write key: card_id\n"},
    {"features:\n"
     "  - {name: n, key: price, op: count, window: 5m}\n",
     "./r.yaml:3:20: error: a key is of string, int, bool or bytes fields; price is double\n"
     "    - {name: n, key: price, op: count, window: 5m}\n"
     "                     ^~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card, op: count, window: 5m}\n",
     "./r.yaml:3:20: error: a key is of string, int, bool or bytes fields; card is record\n"
     "    - {name: n, key: card, op: count, window: 5m}\n"
     "                     ^~~~\n"},
    {"features:\n"
     "  - {name: n, key: [card_id, tags], op: count, window: 5m}\n",
     "./r.yaml:3:30: error: a key is of string, int, bool or bytes fields; tags is list\n"
     "    - {name: n, key: [card_id, tags], op: count, window: 5m}\n"
     "                               ^~~~\n"},
    {"features:\n"
     "  - {name: n, key: [], op: count, window: 5m}\n",
     "./r.yaml:3:20: error: key names no field\n"
     "    - {name: n, key: [], op: count, window: 5m}\n"
     "                     ^~\n"
     "  hint: write key: card_id\n"},
    {"features:\n"
     "  - {name: n, key: {card_id: 1}, op: count, window: 5m}\n",
     "./r.yaml:3:20: error: key: expected one value, not a mapping\n"
     "    - {name: n, key: {card_id: 1}, op: count, window: 5m}\n"
     "                     ^~~~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: [card_id, ip, card_id], op: count, window: 5m}\n",
     "./r.yaml:3:34: error: key names card_id twice\n"
     "    - {name: n, key: [card_id, ip, card_id], op: count, window: 5m}\n"
     "                                   ^~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5}\n",
     "./r.yaml:3:48: error: window: \"5\" is not a duration: write a number and us, ms, s, m, h or "
     "d, as in 250ms\n"
     "    - {name: n, key: card_id, op: count, window: 5}\n"
     "                                                 ^\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 0}\n",
     "./r.yaml:3:48: error: a window must be longer than 0\n"
     "    - {name: n, key: card_id, op: count, window: 0}\n"
     "                                                 ^\n"
     "  hint: write window: 5m\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 1828d}\n",
     "./r.yaml:3:48: error: window: at most five years (1827d)\n"
     "    - {name: n, key: card_id, op: count, window: 1828d}\n"
     "                                                 ^~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: -5m}\n",
     "./r.yaml:3:48: error: window: \"-5m\" is not a duration: write a number and us, ms, s, m, h "
     "or d, as in 250ms\n"
     "    - {name: n, key: card_id, op: count, window: -5m}\n"
     "                                                 ^~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, delay: 1h30m}\n",
     "./r.yaml:3:59: error: delay: \"1h30m\" is not a duration: write a number and us, ms, s, m, h "
     "or d, as in 250ms\n"
     "    - {name: n, key: card_id, op: count, window: 5m, delay: 1h30m}\n"
     "                                                            ^~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, delay: 1828d}\n",
     "./r.yaml:3:59: error: delay: at most five years (1827d)\n"
     "    - {name: n, key: card_id, op: count, window: 5m, delay: 1828d}\n"
     "                                                            ^~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: sum, window: 5m}\n",
     "./r.yaml:3:5: error: op sum needs value\n"
     "    - {name: n, key: card_id, op: sum, window: 5m}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: write value: event.amount_minor\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: sum, value: event.status, window: 5m}\n",
     "./r.yaml:3:45: error: op sum takes int or double, this is string\n"
     "    - {name: n, key: card_id, op: sum, value: event.status, window: 5m}\n"
     "                                              ^~~~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: sum, value: event.amount > 5, window: 5m}\n",
     "./r.yaml:3:45: error: op sum takes int or double, this is bool\n"
     "    - {name: n, key: card_id, op: sum, value: event.amount > 5, window: 5m}\n"
     "                                              ^~~~~~~~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: max, value: uint(event.amount), window: 5m}\n",
     "./r.yaml:3:45: error: op max takes int or double, this is uint\n"
     "    - {name: n, key: card_id, op: max, value: uint(event.amount), window: 5m}\n"
     "                                              ^~~~~~~~~~~~~~~~~~\n"
     "  hint: write int(...)\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: avg, value: dyn(event.amount), window: 5m}\n",
     "./r.yaml:3:45: error: op avg takes int or double, this is dyn\n"
     "    - {name: n, key: card_id, op: avg, value: dyn(event.amount), window: 5m}\n"
     "                                              ^~~~~~~~~~~~~~~~~\n"
     "  hint: say which type it has: int(...), double(...)\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: distinct, value: dyn(event.amount), window: 5m}\n",
     "./r.yaml:3:50: error: op distinct takes a scalar of a fixed type, this is dyn\n"
     "    - {name: n, key: card_id, op: distinct, value: dyn(event.amount), window: 5m}\n"
     "                                                   ^~~~~~~~~~~~~~~~~\n"
     "  hint: say which type it has: int(...), double(...), string(...)\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: distinct, value: event.tags, window: 5m}\n",
     "./r.yaml:3:50: error: op distinct takes a scalar of a fixed type, this is list of string\n"
     "    - {name: n, key: card_id, op: distinct, value: event.tags, window: 5m}\n"
     "                                                   ^~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: last, value: event.card, window: 5m}\n",
     "./r.yaml:3:46: error: op last takes a scalar of a fixed type, this is record test.Card\n"
     "    - {name: n, key: card_id, op: last, value: event.card, window: 5m}\n"
     "                                               ^~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, value: event.amount, window: 5m}\n",
     "./r.yaml:3:47: error: op count has no use for value\n"
     "    - {name: n, key: card_id, op: count, value: event.amount, window: 5m}\n"
     "                                                ^~~~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: sum, value: [event.amount], window: 5m}\n",
     "./r.yaml:3:45: error: value: expected one value, not a list\n"
     "    - {name: n, key: card_id, op: sum, value: [event.amount], window: 5m}\n"
     "                                              ^~~~~~~~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: sum, value: event.amuont, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.n > 1, action: block}\n",
     "./r.yaml:3:51: error: event has no field 'amuont'\n"
     "    - {name: n, key: card_id, op: sum, value: event.amuont, window: 5m}\n"
     "                                                    ^~~~~~\n"
     "  hint: did you mean amount?\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: ratio, window: 5m}\n",
     "./r.yaml:3:5: error: op ratio needs of\n"
     "    - {name: n, key: card_id, op: ratio, window: 5m}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: write of: event.amount_minor > 10000\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: ratio, of: event.amount, window: 5m}\n",
     "./r.yaml:3:44: error: a feature's of is of type int, not bool\n"
     "    - {name: n, key: card_id, op: ratio, of: event.amount, window: 5m}\n"
     "                                             ^~~~~~~~~~~~\n"
     "  hint: compare the value with something, e.g. > 0\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, of: event.ok, window: 5m}\n",
     "./r.yaml:3:44: error: op count has no use for of\n"
     "    - {name: n, key: card_id, op: count, of: event.ok, window: 5m}\n"
     "                                             ^~~~~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, where: event.status, window: 5m}\n",
     "./r.yaml:3:47: error: a feature's where is of type string, not bool\n"
     "    - {name: n, key: card_id, op: count, where: event.status, window: 5m}\n"
     "                                                ^~~~~~~~~~~~\n"
     "  hint: compare the value with something, e.g. > 0\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, where: 'event.status == \"delcined\"', window: 5m}\n",
     "./r.yaml:3:64: error: event.status is never \"delcined\"\n"
     "    - {name: n, key: card_id, op: count, where: 'event.status == \"delcined\"', window: 5m}\n"
     "                                                                 ^~~~~~~~~~\n"
     "  hint: did you mean declined?\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, where: variables.v, window: 5m}\n"
     "variables:\n"
     "  - {name: v, expression: event.ok}\n"
     "rules:\n"
     "  - {id: a, condition: variables.v, action: block}\n",
     "./r.yaml:3:47: error: a feature's where sees 'event' alone, not 'variables'\n"
     "    - {name: n, key: card_id, op: count, where: variables.v, window: 5m}\n"
     "                                                ^~~~~~~~~\n"
     "  hint: write it over event fields\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, where: event.card_id in lists.l, window: 5m}\n"
     "lists: {l: {type: string, items: []}}\n"
     "rules:\n"
     "  - {id: a, condition: event.card_id in lists.l, action: block}\n",
     "./r.yaml:3:64: error: a feature's where sees 'event' alone, not 'lists'\n"
     "    - {name: n, key: card_id, op: count, where: event.card_id in lists.l, window: 5m}\n"
     "                                                                 ^~~~~\n"
     "  hint: write it over event fields\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: sum, value: features.m, window: 5m}\n"
     "  - {name: m, key: card_id, op: count, window: 5m}\n",
     "./r.yaml:3:45: error: a feature's value sees 'event' alone, not 'features'\n"
     "    - {name: n, key: card_id, op: sum, value: features.m, window: 5m}\n"
     "                                              ^~~~~~~~\n"
     "  hint: write it over event fields\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: ratio, of: features.n > 0.5, window: 5m}\n",
     "./r.yaml:3:44: error: a feature's of sees 'event' alone, not 'features'\n"
     "    - {name: n, key: card_id, op: ratio, of: features.n > 0.5, window: 5m}\n"
     "                                             ^~~~~~~~\n"
     "  hint: write it over event fields\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: percentile, value: event.amount, window: 5m}\n",
     "./r.yaml:3:5: error: op percentile needs p\n"
     "    - {name: n, key: card_id, op: percentile, value: event.amount, window: 5m}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: write p: 95\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: percentile, value: event.amount, p: 101, window: 5m}\n",
     "./r.yaml:3:69: error: p: expected a number from 0 to 100\n"
     "    - {name: n, key: card_id, op: percentile, value: event.amount, p: 101, window: 5m}\n"
     "                                                                      ^~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: avg, value: event.amount, p: 50, window: 5m}\n",
     "./r.yaml:3:62: error: op avg has no use for p\n"
     "    - {name: n, key: card_id, op: avg, value: event.amount, p: 50, window: 5m}\n"
     "                                                               ^~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: travel_speed, value: event.price, window: 5m}\n",
     "./r.yaml:3:54: error: op travel_speed needs latitude and longitude\n"
     "    - {name: n, key: card_id, op: travel_speed, value: event.price, window: 5m}\n"
     "                                                       ^~~~~~~~~~~\n"
     "  hint: write value: [event.lat, event.lon]\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: travel_speed, value: [event.price], window: 5m}\n",
     "./r.yaml:3:54: error: op travel_speed needs latitude and longitude\n"
     "    - {name: n, key: card_id, op: travel_speed, value: [event.price], window: 5m}\n"
     "                                                       ^~~~~~~~~~~~~\n"
     "  hint: write value: [event.lat, event.lon]\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: travel_speed, value: [event.price, event.amount], window: "
     "5m}\n",
     "./r.yaml:3:68: error: op travel_speed takes doubles, in degrees, this is int\n"
     "    - {name: n, key: card_id, op: travel_speed, value: [event.price, event.amount], window: "
     "5m}\n"
     "                                                                     ^~~~~~~~~~~~\n"
     "  hint: write double(...)\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, include_current: maybe}\n",
     "./r.yaml:3:69: error: include_current: expected true or false\n"
     "    - {name: n, key: card_id, op: count, window: 5m, include_current: maybe}\n"
     "                                                                      ^~~~~\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: last, value: event.ip, window: 5m, include_current: true}\n",
     "./r.yaml:3:85: error: op last is about the events before the one at hand\n"
     "    - {name: n, key: card_id, op: last, value: event.ip, window: 5m, include_current: true}\n"
     "                                                                                      ^~~~\n"
     "  hint: leave include_current out\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, delay: 1m, include_current: true}\n",
     "./r.yaml:3:80: error: with a delay the event itself is not in the window\n"
     "    - {name: n, key: card_id, op: count, window: 5m, delay: 1m, include_current: true}\n"
     "                                                                                 ^~~~\n"
     "  hint: leave include_current out\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, accuracy: good}\n",
     "./r.yaml:3:62: error: \"good\" is not an accuracy\n"
     "    - {name: n, key: card_id, op: count, window: 5m, accuracy: good}\n"
     "                                                               ^~~~\n"
     "  hint: accuracy is exact or approx\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, source: labels}\n",
     "./r.yaml:3:60: error: source: \"labels\" is not \"payments\", whose events these rules "
     "decide; windows over other sources are not in this version\n"
     "    - {name: n, key: card_id, op: count, window: 5m, source: labels}\n"
     "                                                             ^~~~~~\n"
     "  hint: leave source out: features go over the events decided\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m, source: }\n",
     "./r.yaml:3:60: error: source has no value\n"
     "    - {name: n, key: card_id, op: count, window: 5m, source: }\n"
     "                                                             ^\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.m > 1, action: block}\n",
     "./r.yaml:5:33: error: there is no feature 'm'\n"
     "    - {id: a, condition: features.m > 1, action: block}\n"
     "                                  ^\n"
     "  hint: declare it under `features:`\n"},
    {"features:\n"
     "  - {name: n_5m, key: card_id, op: count, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.n_5n > 1, action: block}\n",
     "./r.yaml:5:33: error: there is no feature 'n_5n'\n"
     "    - {id: a, condition: features.n_5n > 1, action: block}\n"
     "                                  ^~~~\n"
     "  hint: did you mean n_5m?\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.n > 1.5, action: block}\n",
     "./r.yaml:5:35: error: int and double do not mix in '>'\n"
     "    - {id: a, condition: features.n > 1.5, action: block}\n"
     "                                    ^\n"
     "  hint: write double(features.n)\n"},
    {"features:\n"
     "  - {name: s, key: card_id, op: last, value: event.status, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: 'features.s == \"delcined\"', action: block}\n",
     "./r.yaml:5:39: error: features.s is never \"delcined\"\n"
     "    - {id: a, condition: 'features.s == \"delcined\"', action: block}\n"
     "                                        ^~~~~~~~~~\n"
     "  hint: did you mean declined?\n"},
    {"features:\n"
     "  - {name: n, key: card_id, op: count, window: 5m}\n"
     "variables:\n"
     "  - {name: v, expression: features.n + 1.0}\n"
     "rules:\n"
     "  - {id: a, condition: variables.v > 1, action: block}\n",
     "./r.yaml:5:38: error: int and double do not mix in '+'\n"
     "    - {name: v, expression: features.n + 1.0}\n"
     "                                       ^\n"
     "  hint: write 1\n"},
};
const size_t n_feature_cases = sizeof feature_cases / sizeof *feature_cases;
