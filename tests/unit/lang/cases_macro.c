/* What the checker says of macros, optionals and the extension libraries; see cases.h. */
#include "cases.h"

const message_case macro_cases[] = {
    {"event.?nothing", "r:1:8: error: event has no field 'nothing'\n"
                       "  event.?nothing\n"
                       "         ^~~~~~~\n"},
    {"event.tags[?\"a\"]", "r:1:11: error: '[]' does not take list of string and string\n"
                           "  event.tags[?\"a\"]\n"
                           "            ^~~~~~\n"
                           "  hint: a list's index is an int\n"},
    {"[?event.ip]", "r:1:9: error: behind '?' stands an optional, not string\n"
                    "  [?event.ip]\n"
                    "          ^~\n"},
    {"{?\"a\": event.ip}", "r:1:14: error: behind '?' stands an optional, not string\n"
                           "  {?\"a\": event.ip}\n"
                           "               ^~\n"},
    {"f(?1)", "r:1:3: error: expected a value, found '?'\n"
              "  f(?1)\n"
              "    ^\n"},
    {"event.tags.exists(t, u == \"x\")", "r:1:22: error: unknown name 'u'\n"
                                         "  event.tags.exists(t, u == \"x\")\n"
                                         "                       ^\n"
                                         "  hint: names start with event., features., variables., "
                                         "lists. or models.; text stands in quotes\n"},
    {"event.tags.exists(event.id, true)", "r:1:19: error: a macro's variable is a simple name\n"
                                          "  event.tags.exists(event.id, true)\n"
                                          "                    ^~~~~~~~\n"},
    {"event.tags.exists(t, t)", "r:1:22: error: exists() wants bool here, this is string\n"
                                "  event.tags.exists(t, t)\n"
                                "                       ^\n"},
    {"event.tags.exists(t)", "r:1:12: error: exists() does not take these arguments\n"
                             "  event.tags.exists(t)\n"
                             "             ^~~~~~\n"
                             "  hint: write list.exists(name, condition)\n"},
    {"event.amount.all(t, true)", "r:1:14: error: all() goes over a list or map, not int\n"
                                  "  event.amount.all(t, true)\n"
                                  "               ^~~\n"},
    {"event.scores.map(s, s + 1)", "r:1:23: error: '+' does not take string and int\n"
                                   "  event.scores.map(s, s + 1)\n"
                                   "                        ^\n"
                                   "  hint: write string(1)\n"},
    {"event.tags.filter(t, t.size())", "r:1:22: error: filter() wants bool here, this is int\n"
                                       "  event.tags.filter(t, t.size())\n"
                                       "                       ^~~~~~~~\n"},
    {"event.tags.all(t, t, true)", "r:1:19: error: both variables have the same name\n"
                                   "  event.tags.all(t, t, true)\n"
                                   "                    ^\n"},
    {"event.tags.exists(t, t == \"x\") && t == \"y\"",
     "r:1:35: error: unknown name 't'\n"
     "  event.tags.exists(t, t == \"x\") && t == \"y\"\n"
     "                                    ^\n"
     "  hint: names start with event., features., variables., lists. or models.; text stands in "
     "quotes\n"},
    {"event.parts.exists(p, p.skuu == \"a\")", "r:1:25: error: p has no field 'skuu'\n"
                                               "  event.parts.exists(p, p.skuu == \"a\")\n"
                                               "                          ^~~~\n"
                                               "  hint: did you mean sku?\n"},
    {"event.tags.sortBy(t, [t])", "r:1:12: error: there is no order of list of string\n"
                                  "  event.tags.sortBy(t, [t])\n"
                                  "             ^~~~~~\n"},
    {"event.scores.sortBy(s, s)", "r:1:14: error: sortBy() goes over a list, not map to double\n"
                                  "  event.scores.sortBy(s, s)\n"
                                  "               ^~~~~~\n"},
    {"event.scores.transformMapEntry(k, v, [k])",
     "r:1:38: error: transformMapEntry() wants map here, this is list of string\n"
     "  event.scores.transformMapEntry(k, v, [k])\n"
     "                                       ^~~\n"},
    {"event.parts.map(p, p.qty, p.sku)", "r:1:20: error: map() wants bool here, this is int\n"
                                         "  event.parts.map(p, p.qty, p.sku)\n"
                                         "                     ^~~~~\n"},
    {"cel.bind(x, 1)", "r:1:5: error: there is no macro 'cel.bind' with these arguments\n"
                       "  cel.bind(x, 1)\n"
                       "      ^~~~\n"
                       "  hint: write cel.bind(name, value, result)\n"},
    {"cel.bind(1, 2, 3)", "r:1:10: error: a macro's variable is a simple name\n"
                          "  cel.bind(1, 2, 3)\n"
                          "           ^\n"},
    {"cel.bind(x, event.nothing, x)", "r:1:19: error: event has no field 'nothing'\n"
                                      "  cel.bind(x, event.nothing, x)\n"
                                      "                    ^~~~~~~\n"},
    {"cel.blok([1], 2)", "r:1:5: error: there is no macro 'cel.blok' with these arguments\n"
                         "  cel.blok([1], 2)\n"
                         "      ^~~~\n"
                         "  hint: write cel.bind(name, value, result)\n"},
    {"cel.block(1, 2)", "r:1:5: error: cel.block() takes a list literal and a result\n"
                        "  cel.block(1, 2)\n"
                        "      ^~~~~\n"},
    {"cel.index(0)", "r:1:5: error: unknown name '@index0:0'\n"
                     "  cel.index(0)\n"
                     "      ^~~~~\n"
                     "  hint: names start with event., features., variables., lists. or models.; "
                     "text stands in quotes\n"},
    {"optional.of(event.id).optFlatMap(x, x)",
     "r:1:37: error: optFlatMap() wants optional here, this is string\n"
     "  optional.of(event.id).optFlatMap(x, x)\n"
     "                                      ^\n"},
    {"event.id.optMap(x, x)", "r:1:10: error: optMap() goes over an optional, not string\n"
                              "  event.id.optMap(x, x)\n"
                              "           ^~~~~~\n"},
    {"optional.of(1).orValue(\"a\") > 1",
     "r:1:16: error: both sides of orValue() must be of one type, not optional int and string\n"
     "  optional.of(1).orValue(\"a\") > 1\n"
     "                 ^~~~~~~\n"},
    {"event.id.hasValue()", "r:1:10: error: string has no method hasValue()\n"
                            "  event.id.hasValue()\n"
                            "           ^~~~~~~~\n"},
    {"math.greatest(\"a\", 1)", "r:1:15: error: math.greatest() takes numbers, not string\n"
                                "  math.greatest(\"a\", 1)\n"
                                "                ^~~\n"},
    {"math.greatst(1, 2)", "r:1:1: error: there is no function 'math.greatst'\n"
                           "  math.greatst(1, 2)\n"
                           "  ^~~~~~~~~~~~\n"
                           "  hint: did you mean math.greatest()?\n"},
    {"math.bitOr(1, 1u)", "r:1:1: error: math.bitOr() does not take (int, uint)\n"
                          "  math.bitOr(1, 1u)\n"
                          "  ^~~~~~~~~~\n"},
    {"ip(\"10.0.0.1\") < ip(\"10.0.0.2\")", "r:1:16: error: '<' does not take ip and ip\n"
                                            "  ip(\"10.0.0.1\") < ip(\"10.0.0.2\")\n"
                                            "                 ^\n"},
    {"type(event.id) == \"string\"", "r:1:16: error: '==' does not take type and string\n"
                                     "  type(event.id) == \"string\"\n"
                                     "                 ^~\n"},
    {"event.id.replace(\"a\")", "r:1:10: error: string has no method replace(string)\n"
                                "  event.id.replace(\"a\")\n"
                                "           ^~~~~~~\n"},
    {"\"%d\".formt([1])", "r:1:6: error: there is no method 'formt'\n"
                          "  \"%d\".formt([1])\n"
                          "       ^~~~~\n"
                          "  hint: did you mean format()?\n"},
    {"event.id.indexof(\"a\") > 1", "r:1:10: error: there is no method 'indexof'\n"
                                    "  event.id.indexof(\"a\") > 1\n"
                                    "           ^~~~~~~\n"
                                    "  hint: did you mean indexOf()?\n"},
    {"lists.range(\"a\")", "r:1:1: error: lists.range() does not take (string)\n"
                           "  lists.range(\"a\")\n"
                           "  ^~~~~~~~~~~\n"},
    {"sets.contains([1], 2)", "r:1:1: error: sets.contains() does not take (list of int, int)\n"
                              "  sets.contains([1], 2)\n"
                              "  ^~~~~~~~~~~~~\n"},
    {"geo.distance_km(1.0, 2.0, 3.0, 4)",
     "r:1:1: error: geo.distance_km() does not take (double, double, double, int)\n"
     "  geo.distance_km(1.0, 2.0, 3.0, 4)\n"
     "  ^~~~~~~~~~~~~~~\n"},
    {"strings.quot(\"a\")", "r:1:1: error: there is no function 'strings.quot'\n"
                            "  strings.quot(\"a\")\n"
                            "  ^~~~~~~~~~~~\n"
                            "  hint: did you mean strings.quote()?\n"},
    {"event.tags.all(a, event.tags.all(b, event.tags.all(c, event.tags.all(d, a == d))))",
     "r:1:1: error: the expression may take 403030302 steps for one event, at most 1000000 are "
     "allowed\n"
     "  event.tags.all(a, event.tags.all(b, event.tags.all(c, event.tags.all(d, a == d))))\n"
     "  ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: loop over shorter lists, or not within one another\n"},
    {"has(event.tags.exists(t, true))", "r:1:1: error: has() takes one field selection\n"
                                        "  has(event.tags.exists(t, true))\n"
                                        "  ^~~\n"
                                        "  hint: write has(event.field)\n"},
    {"event.raw.join(\",\")", "r:1:11: error: bytes has no method join(string)\n"
                              "  event.raw.join(\",\")\n"
                              "            ^~~~\n"},
    {"event.tags.format([\"a\"])",
     "r:1:12: error: list of string has no method format(list of string)\n"
     "  event.tags.format([\"a\"])\n"
     "             ^~~~~~\n"},
    {"int == event.amount", "r:1:5: error: '==' does not take type and int\n"
                            "  int == event.amount\n"
                            "      ^~\n"},
    {"event.tags.exist(t, true)", "r:1:12: error: there is no method 'exist'\n"
                                  "  event.tags.exist(t, true)\n"
                                  "             ^~~~~\n"
                                  "  hint: did you mean exists()?\n"},
    {"event.tags.mpa(t, t)", "r:1:12: error: there is no method 'mpa'\n"
                             "  event.tags.mpa(t, t)\n"
                             "             ^~~\n"
                             "  hint: did you mean map()?\n"},
};
const size_t n_macro_cases = sizeof macro_cases / sizeof *macro_cases;
