/* What the loader says of everything but the rules; see cases.h. */
#include "cases.h"

const load_case section_cases[] = {
    {"", "error: rule directory . has no rules and no features\n"},
    {"rules: []\n", "error: rule directory . has no rules and no features\n"},
    {"rulse:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:1: error: a rule file has no key \"rulse\"\n"
     "  rulse:\n"
     "  ^~~~~\n"
     "  hint: did you mean \"rules\"?\n"},
    {"- a\n", "./r.yaml:2:1: error: this is not YAML: did not find expected key\n"
              "  - a\n"
              "  ^\n"
              "  hint: look at quotes and indentation in the lines before\n"},
    {"rules: {id: a}\n", "./r.yaml:2:8: error: rules: expected a list, not a mapping\n"
                         "  rules: {id: a}\n"
                         "         ^~~~~~~\n"
                         "  hint: write [a, b] or one \"- item\" per line\n"},
    {"decision: {actions: [review, allow]}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:21: error: decision.actions must begin with allow\n"
     "  decision: {actions: [review, allow]}\n"
     "                      ^~~~~~~~~~~~~~~\n"
     "  hint: the list goes from the mildest to the most severe\n"},
    {"decision: {actions: []}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:21: error: decision.actions must begin with allow\n"
     "  decision: {actions: []}\n"
     "                      ^~\n"
     "  hint: the list goes from the mildest to the most severe\n"},
    {"decision: {actions: [allow, block, allow]}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:36: error: decision.actions names allow twice\n"
     "  decision: {actions: [allow, block, allow]}\n"
     "                                     ^~~~~\n"},
    {"decision: {actions: allow}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:21: error: decision.actions: expected a list, not a value\n"
     "  decision: {actions: allow}\n"
     "                      ^~~~~\n"
     "  hint: write [a, b] or one \"- item\" per line\n"},
    {"decision: {actions: [allow, review]}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:4:5: error: rule \"a\": block is not among decision.actions\n"
     "    - {id: a, condition: event.ok, action: block}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  hint: add it to decision.actions\n"},
    {"decision: {actions: [allow, stop, block]}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:29: error: decision.actions: \"stop\" is not an action\n"
     "  decision: {actions: [allow, stop, block]}\n"
     "                              ^~~~\n"
     "  hint: actions are allow, review, challenge and block\n"},
    {"decision: {score_thresholds: {allow: 5}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:31: error: decision.score_thresholds has no key \"allow\"\n"
     "  decision: {score_thresholds: {allow: 5}}\n"
     "                                ^~~~~\n"},
    {"decision: {score_thresholds: {block: 0}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:38: error: a score threshold: expected a number from 1e-09 to 1e+12\n"
     "  decision: {score_thresholds: {block: 0}}\n"
     "                                       ^\n"},
    {"decision: {score_thresholds: {block: -5}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:38: error: a score threshold: expected a number from 1e-09 to 1e+12\n"
     "  decision: {score_thresholds: {block: -5}}\n"
     "                                       ^~\n"},
    {"decision: {score_thresholds: {block: x}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:38: error: a score threshold: expected a number from 1e-09 to 1e+12\n"
     "  decision: {score_thresholds: {block: x}}\n"
     "                                       ^\n"},
    {"decision: {actions: [allow, block], score_thresholds: {review: 1}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block, score: 5}\n",
     "./r.yaml:2:1: error: decision.score_thresholds has review, decision.actions has not\n"
     "  decision: {actions: [allow, block], score_thresholds: {review: 1}}\n"
     "  ^~~~~~~~\n"},
    {"decision: {thresholds: {block: 90}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:12: error: decision has no key \"thresholds\"\n"
     "  decision: {thresholds: {block: 90}}\n"
     "             ^~~~~~~~~~\n"},
    {"decision: block\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:11: error: decision: expected a mapping (key: value), not a value\n"
     "  decision: block\n"
     "            ^~~~~\n"},
    {"version: 2\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:1: error: a rule file has \"version\" twice\n"
     "  version: 2\n"
     "  ^~~~~~~\n"},
    {"lists: [a]\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:8: error: lists: expected a mapping of names to lists\n"
     "  lists: [a]\n"
     "         ^~~\n"},
    {"lists: {l: {type: string}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:9: error: list \"l\" needs either file or items\n"
     "  lists: {l: {type: string}}\n"
     "          ^\n"},
    {"lists: {l: {items: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:9: error: list \"l\" has no type\n"
     "  lists: {l: {items: [a]}}\n"
     "          ^\n"
     "  hint: add type: string\n"},
    {"lists: {l: [a, b]}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:12: error: a list: expected a mapping (key: value), not a list\n"
     "  lists: {l: [a, b]}\n"
     "             ^~~~~~\n"},
    {"lists: {l: {type: text, items: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:19: error: \"text\" is not a type of list\n"
     "  lists: {l: {type: text, items: [a]}}\n"
     "                    ^~~~\n"
     "  hint: types of lists are string, int, double and cidr\n"},
    {"lists: {l: {type: string, items: [a], file: x.txt}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:9: error: list \"l\" needs either file or items\n"
     "  lists: {l: {type: string, items: [a], file: x.txt}}\n"
     "          ^\n"},
    {"lists: {l: {type: string, items: a}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:34: error: items: expected a list, not a value\n"
     "  lists: {l: {type: string, items: a}}\n"
     "                                   ^\n"
     "  hint: write [a, b] or one \"- item\" per line\n"},
    {"lists: {l: {type: string, items: [a, [b]]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:38: error: an item: expected one value, not a list\n"
     "  lists: {l: {type: string, items: [a, [b]]}}\n"
     "                                       ^~~\n"},
    {"lists: {l: {type: string, file: nowhere.txt}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:33: error: ./nowhere.txt: No such file or directory\n"
     "  lists: {l: {type: string, file: nowhere.txt}}\n"
     "                                  ^~~~~~~~~~~\n"
     "  hint: list files are found from the rule directory\n"},
    {"lists: {l: {type: string, file: .}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:33: error: ./.: not a file\n"
     "  lists: {l: {type: string, file: .}}\n"
     "                                  ^\n"
     "  hint: list files are found from the rule directory\n"},
    {"lists: {l: {type: int, items: [5, five, 5.5, 9223372036854775808, 0x10]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:35: error: five: not a whole number\n"
     "  lists: {l: {type: int, items: [5, five, 5.5, 9223372036854775808, 0x10]}}\n"
     "                                    ^~~~\n"
     "./r.yaml:2:41: error: 5.5: not a whole number\n"
     "  lists: {l: {type: int, items: [5, five, 5.5, 9223372036854775808, 0x10]}}\n"
     "                                          ^~~\n"
     "./r.yaml:2:46: error: 9223372036854775808: not a whole number\n"
     "  lists: {l: {type: int, items: [5, five, 5.5, 9223372036854775808, 0x10]}}\n"
     "                                               ^~~~~~~~~~~~~~~~~~~\n"
     "./r.yaml:2:67: error: 0x10: not a whole number\n"
     "  lists: {l: {type: int, items: [5, five, 5.5, 9223372036854775808, 0x10]}}\n"
     "                                                                    ^~~~\n"},
    {"lists: {l: {type: double, items: [5, five, .nan, 1e400]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:38: error: five: not a number\n"
     "  lists: {l: {type: double, items: [5, five, .nan, 1e400]}}\n"
     "                                       ^~~~\n"
     "./r.yaml:2:44: error: .nan: not a number\n"
     "  lists: {l: {type: double, items: [5, five, .nan, 1e400]}}\n"
     "                                             ^~~~\n"
     "./r.yaml:2:50: error: 1e400: not a number\n"
     "  lists: {l: {type: double, items: [5, five, .nan, 1e400]}}\n"
     "                                                   ^~~~~\n"},
    {"lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:45: error: 10.0.0.0/33: not an address or a network like 10.0.0.0/8 or "
     "2001:db8::/32\n"
     "  lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "                                              ^~~~~~~~~~~\n"
     "./r.yaml:2:58: error: 10.0.0: not an address or a network like 10.0.0.0/8 or 2001:db8::/32\n"
     "  lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "                                                           ^~~~~~\n"
     "./r.yaml:2:66: error: 2001:db8::/129: not an address or a network like 10.0.0.0/8 or "
     "2001:db8::/32\n"
     "  lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "                                                                   ^~~~~~~~~~~~~~~~\n"
     "./r.yaml:2:91: error: 1.2.3.4/-1: not an address or a network like 10.0.0.0/8 or "
     "2001:db8::/32\n"
     "  lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "                                                                                            "
     "^~~~~~~~~~\n"
     "./r.yaml:2:103: error: 1.2.3.4/: not an address or a network like 10.0.0.0/8 or "
     "2001:db8::/32\n"
     "  lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "                                                                                             "
     "           ^~~~~~~~\n"
     "./r.yaml:2:113: error: example: not an address or a network like 10.0.0.0/8 or "
     "2001:db8::/32\n"
     "  lists: {l: {type: cidr, items: [10.0.0.0/8, 10.0.0.0/33, 10.0.0, \"2001:db8::/129\", "
     "\"::1\", 1.2.3.4/-1, 1.2.3.4/, example]}}\n"
     "                                                                                             "
     "                     ^~~~~~~\n"},
    {"lists: {2fast: {type: string, items: [a]}, a-b: {type: string, items: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:9: error: \"2fast\" cannot be the name of a list\n"
     "  lists: {2fast: {type: string, items: [a]}, a-b: {type: string, items: [a]}}\n"
     "          ^~~~~\n"
     "  hint: letters, digits and _, not a digit first\n"
     "./r.yaml:2:44: error: \"a-b\" cannot be the name of a list\n"
     "  lists: {2fast: {type: string, items: [a]}, a-b: {type: string, items: [a]}}\n"
     "                                             ^~~\n"
     "  hint: letters, digits and _, not a digit first\n"},
    {"lists: {l: {type: string, items: [a]}, l: {type: string, items: [b]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:40: error: list \"l\" is defined twice\n"
     "  lists: {l: {type: string, items: [a]}, l: {type: string, items: [b]}}\n"
     "                                         ^\n"},
    {"lists: {l: {type: string, itmes: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:27: error: a list has no key \"itmes\"\n"
     "  lists: {l: {type: string, itmes: [a]}}\n"
     "                            ^~~~~\n"
     "  hint: did you mean \"items\"?\n"},
    {"lists: {l: {type: string, items: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.amount in lists.l, action: block}\n",
     "./r.yaml:4:37: error: lists.l holds string, not int\n"
     "    - {id: a, condition: event.amount in lists.l, action: block}\n"
     "                                      ^~\n"},
    {"lists: {known: {type: string, items: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.card_id in lists.knwon, action: block}\n",
     "./r.yaml:4:47: error: there is no list 'knwon'\n"
     "    - {id: a, condition: event.card_id in lists.knwon, action: block}\n"
     "                                                ^~~~~\n"
     "  hint: did you mean known?\n"},
    {"lists: {l: {type: text, items: [a]}}\n"
     "rules:\n"
     "  - {id: a, condition: event.card_id in lists.l, action: block}\n",
     "./r.yaml:2:19: error: \"text\" is not a type of list\n"
     "  lists: {l: {type: text, items: [a]}}\n"
     "                    ^~~~\n"
     "  hint: types of lists are string, int, double and cidr\n"},
    {"variables: {name: a}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:12: error: variables: expected a list, not a mapping\n"
     "  variables: {name: a}\n"
     "             ^~~~~~~~~\n"
     "  hint: write [a, b] or one \"- item\" per line\n"},
    {"variables: [a]\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:13: error: a variable: expected a mapping (key: value), not a value\n"
     "  variables: [a]\n"
     "              ^\n"},
    {"variables:\n"
     "  - {name: a}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:3:5: error: a variable needs name and expression\n"
     "    - {name: a}\n"
     "      ^~~~~~~~~\n"},
    {"variables:\n"
     "  - {expression: event.ok}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:3:5: error: a variable needs name and expression\n"
     "    - {expression: event.ok}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~\n"},
    {"variables:\n"
     "  - {name: '', expression: event.ok}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:3:12: error: \"\" cannot be the name of a variable\n"
     "    - {name: '', expression: event.ok}\n"
     "             ^~\n"
     "  hint: letters, digits and _, not a digit first\n"},
    {"variables:\n"
     "  - {name: a-b, expression: event.ok}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:3:12: error: \"a-b\" cannot be the name of a variable\n"
     "    - {name: a-b, expression: event.ok}\n"
     "             ^~~\n"
     "  hint: letters, digits and _, not a digit first\n"},
    {"variables:\n"
     "  - {name: a, expression: event.ok}\n"
     "  - {name: a, expression: event.ok}\n"
     "rules:\n"
     "  - {id: a, condition: variables.a, action: block}\n",
     "./r.yaml:4:12: error: variable \"a\" is defined twice\n"
     "    - {name: a, expression: event.ok}\n"
     "             ^\n"},
    {"variables:\n"
     "  - {name: a, expression: variables.b}\n"
     "  - {name: b, expression: variables.c && event.ok}\n"
     "  - {name: c, expression: variables.a}\n"
     "rules:\n"
     "  - {id: a, condition: variables.a, action: block}\n",
     "./r.yaml:5:37: error: variable 'a' depends on itself\n"
     "    - {name: c, expression: variables.a}\n"
     "                                      ^\n"},
    {"variables:\n"
     "  - {name: a, expression: variables.a}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:3:37: error: variable 'a' depends on itself\n"
     "    - {name: a, expression: variables.a}\n"
     "                                      ^\n"},
    {"variables:\n"
     "  - {name: a, expression: event.nope}\n"
     "rules:\n"
     "  - {id: a, condition: variables.a > 1, action: block}\n",
     "./r.yaml:3:33: error: event has no field 'nope'\n"
     "    - {name: a, expression: event.nope}\n"
     "                                  ^~~~\n"},
    {"variables:\n"
     "  - {name: big, expression: event.amount > 5}\n"
     "rules:\n"
     "  - {id: a, condition: variables.bgi, action: block}\n",
     "./r.yaml:5:34: error: there is no variable 'bgi'\n"
     "    - {id: a, condition: variables.bgi, action: block}\n"
     "                                   ^~~\n"
     "  hint: did you mean big?\n"},
    {"variables:\n"
     "  - {name: big, expression: event.amount > 5}\n"
     "rules:\n"
     "  - {id: a, condition: variables.big > 1, action: block}\n",
     "./r.yaml:5:38: error: '>' does not take bool and int\n"
     "    - {id: a, condition: variables.big > 1, action: block}\n"
     "                                       ^\n"},
    {"models: {}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:1: error: a rule file has no key \"models\"\n"
     "  models: {}\n"
     "  ^~~~~~\n"},
    {"rules:\n"
     "\t- {id: a}\n",
     "./r.yaml:3:1: error: this is not YAML: found character that cannot start any token\n"
     "  \t- {id: a}\n"
     "  ^\n"
     "  hint: indent with blanks, not tabs; put text with special characters into quotes\n"},
    {"rules:\n"
     "  - id: a\n"
     "   condition: event.ok\n",
     "./r.yaml:4:4: error: this is not YAML: did not find expected '-' indicator\n"
     "     condition: event.ok\n"
     "     ^\n"},
    {"rules:\n"
     "  - id: a: b\n",
     "./r.yaml:3:10: error: this is not YAML: mapping values are not allowed in this context\n"
     "    - id: a: b\n"
     "           ^\n"
     "  hint: put text that contains \": \" into quotes\n"},
    {"rules: [\n", "./r.yaml:3:1: error: this is not YAML: did not find expected node content\n"
                   "  \n"
                   "  ^\n"},
    {"rules:\n"
     "  - {id: a, condition: \"event.ok}\n",
     "./r.yaml:4:1: error: this is not YAML: found unexpected end of stream\n"
     "  \n"
     "  ^\n"},
    {"rules:\n"
     "  - id: a\n"
     "    condition: event.ok\n"
     "    action: @block\n",
     "./r.yaml:5:13: error: this is not YAML: found character that cannot start any token\n"
     "      action: @block\n"
     "              ^\n"
     "  hint: indent with blanks, not tabs; put text with special characters into quotes\n"},
    {"rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n"
     "---\n"
     "version: 1\n"
     "rules: []\n",
     "./r.yaml:5:1: error: a second document in one file\n"
     "  version: 1\n"
     "  ^\n"
     "  hint: put it into a file of its own\n"},
    {"rules: *nowhere\n", "./r.yaml:2:8: error: this is not YAML: found undefined alias\n"
                          "  rules: *nowhere\n"
                          "         ^\n"},
    {"? [a]\n"
     ": b\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:3: error: a key: expected one value, not a list\n"
     "  ? [a]\n"
     "    ^~~\n"},
};
const size_t n_section_cases = sizeof section_cases / sizeof *section_cases;

const load_case warning_cases[] = {
    {"features:\n"
     "  - {name: a, key: card_id, op: count, window: 5m, where: 'event.ok && false'}\n"
     "  - {name: b, key: card_id, op: count, window: 5m, where: 1 < 2}\n",
     "./r.yaml:3:60: warning: feature \"a\" looks at no event: its where is the same for every "
     "event\n"
     "    - {name: a, key: card_id, op: count, window: 5m, where: 'event.ok && false'}\n"
     "                                                             ^~~~~~~~~~~~~~~~~\n"
     "./r.yaml:4:59: warning: feature \"b\" looks at all events: its where is the same for every "
     "event\n"
     "    - {name: b, key: card_id, op: count, window: 5m, where: 1 < 2}\n"
     "                                                            ^~~~~\n"},
    {"features:\n"
     "  - {name: b, key: card_id, op: count, window: 5m}\n"
     "  - {name: a, key: card_id, op: count, window: 6m}\n"
     "  - {name: n, key: card_id, op: count, window: 5m}\n"
     "rules:\n"
     "  - {id: a, condition: features.n > 1, action: block}\n",
     "./r.yaml:3:5: warning: feature \"b\" is not used\n"
     "    - {name: b, key: card_id, op: count, window: 5m}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "./r.yaml:4:5: warning: feature \"a\" is not used\n"
     "    - {name: a, key: card_id, op: count, window: 6m}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"lists: {l: {type: string, items: [a]}}\n"
     "variables:\n"
     "  - {name: v, expression: event.ok}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: block}\n",
     "./r.yaml:2:9: warning: list \"l\" is not used\n"
     "  lists: {l: {type: string, items: [a]}}\n"
     "          ^\n"
     "./r.yaml:4:5: warning: variable \"v\" is not used\n"
     "    - {name: v, expression: event.ok}\n"
     "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: \"true\", action: block}\n"
     "  - {id: b, condition: event.ok && false, action: block}\n"
     "  - {id: c, condition: 1 / 0 > 1, action: block}\n",
     "./r.yaml:5:26: warning: this always fails: division by zero\n"
     "    - {id: c, condition: 1 / 0 > 1, action: block}\n"
     "                           ^\n"
     "./r.yaml:3:24: warning: rule \"a\" always fires\n"
     "    - {id: a, condition: \"true\", action: block}\n"
     "                         ^~~~~~\n"
     "./r.yaml:4:24: warning: rule \"b\" can never fire\n"
     "    - {id: b, condition: event.ok && false, action: block}\n"
     "                         ^~~~~~~~~~~~~~~~~\n"
     "./r.yaml:5:24: warning: rule \"c\" can never fire\n"
     "    - {id: c, condition: 1 / 0 > 1, action: block}\n"
     "                         ^~~~~~~~~\n"},
    {"decision: {score_thresholds: {review: 40, challenge: 70, block: 90}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: review, score: 60}\n"
     "  - {id: b, condition: event.ok, action: review, score: 60, mode: shadow}\n",
     "./r.yaml:2:1: warning: no score reaches the threshold of challenge: 70, all live rules "
     "together give 60\n"
     "  decision: {score_thresholds: {review: 40, challenge: 70, block: 90}}\n"
     "  ^~~~~~~~\n"
     "./r.yaml:2:1: warning: no score reaches the threshold of block: 90, all live rules together "
     "give 60\n"
     "  decision: {score_thresholds: {review: 40, challenge: 70, block: 90}}\n"
     "  ^~~~~~~~\n"},
    {"decision: {score_thresholds: {review: 70, challenge: 70, block: 60}}\n"
     "rules:\n"
     "  - {id: a, condition: event.ok, action: review, score: 90}\n",
     "./r.yaml:2:1: warning: the threshold of review is never what decides: that of challenge is "
     "not higher\n"
     "  decision: {score_thresholds: {review: 70, challenge: 70, block: 60}}\n"
     "  ^~~~~~~~\n"
     "./r.yaml:2:1: warning: the threshold of review is never what decides: that of block is not "
     "higher\n"
     "  decision: {score_thresholds: {review: 70, challenge: 70, block: 60}}\n"
     "  ^~~~~~~~\n"
     "./r.yaml:2:1: warning: the threshold of challenge is never what decides: that of block is "
     "not higher\n"
     "  decision: {score_thresholds: {review: 70, challenge: 70, block: 60}}\n"
     "  ^~~~~~~~\n"},
    {"rules:\n"
     "  - {id: a, condition: event.amount > 5 / 0, action: block}\n",
     "./r.yaml:3:41: warning: this always fails: division by zero\n"
     "    - {id: a, condition: event.amount > 5 / 0, action: block}\n"
     "                                          ^\n"},
};
const size_t n_warning_cases = sizeof warning_cases / sizeof *warning_cases;
