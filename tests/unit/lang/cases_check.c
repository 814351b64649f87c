/* What the checker says of CEL that does not fit the event or itself; see cases.h. */
#include "cases.h"

const message_case check_cases[] = {
    {"event.amnt > 5", "r:1:7: error: event has no field 'amnt'\n"
                       "  event.amnt > 5\n"
                       "        ^~~~\n"
                       "  hint: did you mean amount?\n"},
    {"event.card.bni == \"4\"", "r:1:12: error: event.card has no field 'bni'\n"
                                "  event.card.bni == \"4\"\n"
                                "             ^~~\n"
                                "  hint: did you mean bin?\n"},
    {"event.price > 8", "r:1:13: error: double and int do not mix in '>'\n"
                        "  event.price > 8\n"
                        "              ^\n"
                        "  hint: write 8.0\n"},
    {"event.amount * 1.5 > 2.0", "r:1:14: error: int and double do not mix in '*'\n"
                                 "  event.amount * 1.5 > 2.0\n"
                                 "               ^\n"
                                 "  hint: write double(event.amount)\n"},
    {"event.amount == 3.0", "r:1:14: error: int and double do not mix in '=='\n"
                            "  event.amount == 3.0\n"
                            "               ^~\n"
                            "  hint: write 3\n"},
    {"event.amount in [1.0, 2.0]", "r:1:14: error: 'in' does not take int and list of double\n"
                                   "  event.amount in [1.0, 2.0]\n"
                                   "               ^~\n"
                                   "  hint: write 1\n"},
    {"event.status == \"declind\"", "r:1:17: error: event.status is never \"declind\"\n"
                                    "  event.status == \"declind\"\n"
                                    "                  ^~~~~~~~~\n"
                                    "  hint: did you mean declined?\n"},
    {"event.status in [\"approved\", \"blocked_by_us\"]",
     "r:1:30: error: event.status is never \"blocked_by_us\"\n"
     "  event.status in [\"approved\", \"blocked_by_us\"]\n"
     "                               ^~~~~~~~~~~~~~~\n"
     "  hint: it is one of: approved, declined\n"},
    {"event.ip == null", "r:1:10: error: '==' does not take string and null\n"
                         "  event.ip == null\n"
                         "           ^~\n"
                         "  hint: write !has(event.ip)\n"},
    {"event.ip != null", "r:1:10: error: '!=' does not take string and null\n"
                         "  event.ip != null\n"
                         "           ^~\n"
                         "  hint: write has(event.ip)\n"},
    {"amount > 5", "r:1:1: error: unknown name 'amount'\n"
                   "  amount > 5\n"
                   "  ^~~~~~\n"
                   "  hint: write event.amount\n"},
    {"evnt.amount > 5", "r:1:1: error: unknown name 'evnt'\n"
                        "  evnt.amount > 5\n"
                        "  ^~~~\n"
                        "  hint: did you mean event?\n"},
    {"event.status == approved", "r:1:17: error: unknown name 'approved'\n"
                                 "  event.status == approved\n"
                                 "                  ^~~~~~~~\n"
                                 "  hint: names start with event., features., variables., lists. "
                                 "or models.; text stands in quotes\n"},
    {"features.card_txn > 6", "r:1:10: error: there is no feature 'card_txn'\n"
                              "  features.card_txn > 6\n"
                              "           ^~~~~~~~\n"
                              "  hint: declare it under `features:`\n"},
    {"features.raito > 0.5", "r:1:10: error: there is no feature 'raito'\n"
                             "  features.raito > 0.5\n"
                             "           ^~~~~\n"
                             "  hint: did you mean ratio?\n"},
    {"features.n > 6.0", "r:1:12: error: int and double do not mix in '>'\n"
                         "  features.n > 6.0\n"
                         "             ^\n"
                         "  hint: write 6\n"},
    {"features.n.x > 6", "r:1:12: error: features.n is int, it has no fields\n"
                         "  features.n.x > 6\n"
                         "             ^\n"},
    {"features.ratio == null", "r:1:16: error: '==' does not take double and null\n"
                               "  features.ratio == null\n"
                               "                 ^~\n"
                               "  hint: write !has(features.ratio)\n"},
    {"has(features.rato)", "r:1:14: error: there is no feature 'rato'\n"
                           "  has(features.rato)\n"
                           "               ^~~~\n"
                           "  hint: did you mean ratio?\n"},
    {"features[\"n\"] > 1", "r:1:1: error: 'features' alone is not a value: write "
                            "features.<name>\n"
                            "  features[\"n\"] > 1\n"
                            "  ^~~~~~~~\n"},
    {"variables.cros_border", "r:1:11: error: there is no variable 'cros_border'\n"
                              "  variables.cros_border\n"
                              "            ^~~~~~~~~~~\n"
                              "  hint: did you mean cross_border?\n"},
    {"variables.round", "r:1:11: error: variable 'round' depends on itself\n"
                        "  variables.round\n"
                        "            ^~~~~\n"},
    {"variables.high", "r:1:11: error: variables are built on one another too deeply\n"
                       "  variables.high\n"
                       "            ^~~~\n"},
    {"event.id in lists.bad_crds", "r:1:19: error: there is no list 'bad_crds'\n"
                                   "  event.id in lists.bad_crds\n"
                                   "                    ^~~~~~~~\n"
                                   "  hint: did you mean bad_cards?\n"},
    {"event.amount in lists.bad_cards", "r:1:14: error: lists.bad_cards holds string, not int\n"
                                        "  event.amount in lists.bad_cards\n"
                                        "               ^~\n"},
    {"event.id == lists.bad_cards", "r:1:10: error: a named list only knows 'in'\n"
                                    "  event.id == lists.bad_cards\n"
                                    "           ^~\n"
                                    "  hint: write value in lists.name\n"},
    {"event", "r:1:1: error: 'event' alone is not a value: write event.<name>\n"
              "  event\n"
              "  ^~~~~\n"},
    {"event.self.id == \"\"",
     "r:1:7: error: 'self' refers back to a record around it; rules cannot reach into it\n"
     "  event.self.id == \"\"\n"
     "        ^~~~\n"},
    {"event.id.size > 3", "r:1:10: error: event.id is string, it has no fields\n"
                          "  event.id.size > 3\n"
                          "           ^~~~\n"
                          "  hint: write .size()\n"},
    {"event.id.containz(\"a\")", "r:1:10: error: there is no method 'containz'\n"
                                 "  event.id.containz(\"a\")\n"
                                 "           ^~~~~~~~\n"
                                 "  hint: did you mean contains()?\n"},
    {"event.id.matches(\"a(b\")", "r:1:20: error: in the regular expression: ')' is missing\n"
                                  "  event.id.matches(\"a(b\")\n"
                                  "                     ^\n"},
    {"event.id.matches('\\\\d\\\\Z')",
     "r:1:22: error: in the regular expression: \\Z is not supported\n"
     "  event.id.matches('\\\\d\\\\Z')\n"
     "                       ^~~\n"
     "  hint: \\z is the end of the text\n"},
    {"matches(event.id, r'''x\\1''') || true",
     "r:1:24: error: in the regular expression: back-references are not supported\n"
     "  matches(event.id, r'''x\\1''') || true\n"
     "                         ^~\n"
     "  hint: they cannot be matched in linear time\n"},
    {"event.id.matches('\\u00e9[')", "r:1:25: error: in the regular expression: ']' is missing\n"
                                     "  event.id.matches('\\u00e9[')\n"
                                     "                          ^\n"},
    {"event.id.matches(7)", "r:1:10: error: string has no method matches(int)\n"
                            "  event.id.matches(7)\n"
                            "           ^~~~~~~\n"},
    {"contains(event.id, \"a\")", "r:1:1: error: there is no function 'contains'\n"
                                  "  contains(event.id, \"a\")\n"
                                  "  ^~~~~~~~\n"
                                  "  hint: write value.contains()\n"},
    {"event.amount.contains(\"a\")", "r:1:14: error: int has no method contains(string)\n"
                                     "  event.amount.contains(\"a\")\n"
                                     "               ^~~~~~~~\n"},
    {"size(event.amount)", "r:1:1: error: size() does not take (int)\n"
                           "  size(event.amount)\n"
                           "  ^~~~\n"},
    {"\"n=\" + event.amount", "r:1:6: error: '+' does not take string and int\n"
                              "  \"n=\" + event.amount\n"
                              "       ^\n"
                              "  hint: write string(event.amount)\n"},
    {"has(event)", "r:1:1: error: has() takes one field selection\n"
                   "  has(event)\n"
                   "  ^~~\n"
                   "  hint: write has(event.field)\n"},
    {"event.at.getHours(\"Europe/Pariss\") < 5",
     "r:1:19: error: there is no time zone 'Europe/Pariss'\n"
     "  event.at.getHours(\"Europe/Pariss\") < 5\n"
     "                    ^~~~~~~~~~~~~~~\n"
     "  hint: write a name of tz 2025b like Europe/Paris, or an offset like +02:00\n"},
    {"event.amount && event.ok", "r:1:1: error: '&&' takes bools, this is int\n"
                                 "  event.amount && event.ok\n"
                                 "  ^~~~~~~~~~~~\n"},
    {"event.ok ? 1 : \"a\"",
     "r:1:10: error: both sides of ':' must be of one type, not int and string\n"
     "  event.ok ? 1 : \"a\"\n"
     "           ^\n"},
    {"!event.amount", "r:1:1: error: '!' takes a bool, not int\n"
                      "  !event.amount\n"
                      "  ^\n"},
    {"event.id in \"abc\"", "r:1:10: error: 'in' does not take string and string\n"
                            "  event.id in \"abc\"\n"
                            "           ^~\n"
                            "  hint: for a part of a string use .contains()\n"},
    {"event.zzzzzz == 1 && event.amonut > 2", "r:1:7: error: event has no field 'zzzzzz'\n"
                                              "  event.zzzzzz == 1 && event.amonut > 2\n"
                                              "        ^~~~~~\n"
                                              "r:1:28: error: event has no field 'amonut'\n"
                                              "  event.zzzzzz == 1 && event.amonut > 2\n"
                                              "                             ^~~~~~\n"
                                              "  hint: did you mean amount?\n"},
    {"event.amount = 5", "r:1:14: error: '=' does not assign or compare\n"
                         "  event.amount = 5\n"
                         "               ^\n"
                         "  hint: write == to compare\n"},
    {"event.ok and event.ok", "r:1:10: error: expected an operator or the end, found a name\n"
                              "  event.ok and event.ok\n"
                              "           ^~~\n"
                              "  hint: write && for \"and\"\n"},
    {"event.ok & event.ok", "r:1:10: error: '&' is not an operator\n"
                            "  event.ok & event.ok\n"
                            "           ^\n"
                            "  hint: write && for \"and\"\n"},
    {"event.amount >\n  5 &&", "r:2:7: error: expected a value, found the end of the expression\n"
                               "    5 &&\n"
                               "        ^\n"},
    {"(event.ok", "r:1:10: error: expected ')', found the end of the expression\n"
                  "  (event.ok\n"
                  "           ^\n"},
    {"", "r:1:1: error: the expression is empty\n"
         "  \n"
         "  ^\n"},
    {"event.id == \"abc", "r:1:13: error: a string is not closed\n"
                          "  event.id == \"abc\n"
                          "              ^~~~\n"
                          "  hint: use \"\"\"...\"\"\" for text over several lines\n"},
    {"'a\\q'", "r:1:3: error: an unknown escape in a string\n"
               "  'a\\q'\n"
               "    ^~\n"
               "  hint: write \\\\ for one backslash, or r\"...\"\n"},
    {"9223372036854775808 > 0",
     "r:1:1: error: the number does not fit into an int\n"
     "  9223372036854775808 > 0\n"
     "  ^~~~~~~~~~~~~~~~~~~\n"
     "  hint: an int is between -9223372036854775808 and 9223372036854775807; a uint is written "
     "with u\n"},
    {"12abc > 0", "r:1:1: error: a number runs into letters\n"
                  "  12abc > 0\n"
                  "  ^~~~~\n"},
    {"if(true)", "r:1:1: error: 'if' is a reserved word\n"
                 "  if(true)\n"
                 "  ^~\n"},
    {"\"\u00e4\u00f6\" + 1", "r:1:8: error: '+' does not take string and int\n"
                             "  \"\u00e4\u00f6\" + 1\n"
                             "       ^\n"
                             "  hint: write string(1)\n"},
    {"event.tags[\"a\"] == \"x\"", "r:1:11: error: '[]' does not take list of string and string\n"
                                   "  event.tags[\"a\"] == \"x\"\n"
                                   "            ^~~~~\n"
                                   "  hint: a list's index is an int\n"},
    {"event.tags[1.5] == \"x\"", "r:1:11: error: '[]' does not take list of string and double\n"
                                 "  event.tags[1.5] == \"x\"\n"
                                 "            ^~~~~\n"
                                 "  hint: a list's index is an int\n"},
    {"event.card[\"bin\"] == \"4\"",
     "r:1:11: error: '[]' does not take record test.Card and string\n"
     "  event.card[\"bin\"] == \"4\"\n"
     "            ^~~~~~~\n"
     "  hint: a record's field is selected with a dot\n"},
    {"event.ip[0] == \"4\"", "r:1:9: error: '[]' does not take string and int\n"
                             "  event.ip[0] == \"4\"\n"
                             "          ^~~\n"},
    {"event.scores[1] > 0.5", "r:1:13: error: '[]' does not take map to double and int\n"
                              "  event.scores[1] > 0.5\n"
                              "              ^~~\n"},
    {"{1.5: 2}[1] > 0", "r:1:2: error: a map's key cannot be double\n"
                        "  {1.5: 2}[1] > 0\n"
                        "   ^~~\n"
                        "  hint: string, int, uint or bool\n"},
    {"{event.price: 1} == {}", "r:1:8: error: a map's key cannot be double\n"
                               "  {event.price: 1} == {}\n"
                               "         ^~~~~\n"
                               "  hint: string, int, uint or bool\n"},
    {"{[1]: 1} == {}", "r:1:2: error: a map's key cannot be list of int\n"
                       "  {[1]: 1} == {}\n"
                       "   ^~~\n"
                       "  hint: string, int, uint or bool\n"},
    {"event.price + event.amount + event.amount + event.amount + event.amount + event.amount + "
     "event.amount > 1.0",
     "r:1:13: error: double and int do not mix in '+'\n"
     "  event.price + event.amount + event.amount + event.amount + event.amount + event.amount + "
     "event.amount > 1.0\n"
     "              ^\n"
     "  hint: write double(event.amount)\n"},
    {"(event.amount + event.amount + event.amount + event.amount + event.amount + event.amount + "
     "event.amount) * event.price > 1.0",
     "r:1:106: error: int and double do not mix in '*'\n"
     "  (event.amount + event.amount + event.amount + event.amount + event.amount + event.amount + "
     "event.amount) * event.price > 1.0\n"
     "                                                                                             "
     "              ^\n"
     "  hint: convert one side with double(...)\n"},
    {"\"n\" + [event.amount, event.amount, event.amount, event.amount, event.amount, event.amount, "
     "event.amount]",
     "r:1:5: error: '+' does not take string and list of int\n"
     "  \"n\" + [event.amount, event.amount, event.amount, event.amount, event.amount, "
     "event.amount, event.amount]\n"
     "      ^\n"
     "  hint: convert it with string(...)\n"},
    {"event.amount ? 1 : 2", "r:1:1: error: the condition of '?' takes bools, this is int\n"
                             "  event.amount ? 1 : 2\n"
                             "  ^~~~~~~~~~~~\n"},
    {"event.ok ? 1 : 2.0",
     "r:1:10: error: both sides of ':' must be of one type, not int and double\n"
     "  event.ok ? 1 : 2.0\n"
     "           ^\n"
     "  hint: write 2\n"},
    {"event.id in lists.zzz", "r:1:19: error: there is no list 'zzz'\n"
                              "  event.id in lists.zzz\n"
                              "                    ^~~\n"
                              "  hint: declare it under `lists:`\n"},
    {"has(lists.bad_cards)", "r:1:1: error: has() asks about event fields and features\n"
                             "  has(lists.bad_cards)\n"
                             "  ^~~\n"
                             "  hint: variables and lists are always there\n"},
    {"has(event.ip, event.id)", "r:1:1: error: has() takes one field selection\n"
                                "  has(event.ip, event.id)\n"
                                "  ^~~\n"
                                "  hint: write has(event.field)\n"},
    {"has(event.ip.size())", "r:1:1: error: has() takes one field selection\n"
                             "  has(event.ip.size())\n"
                             "  ^~~\n"
                             "  hint: write has(event.field)\n"},
    {"has(event.ipp)", "r:1:11: error: event has no field 'ipp'\n"
                       "  has(event.ipp)\n"
                       "            ^~~\n"
                       "  hint: did you mean ip?\n"},
    {"models.gbdt.score > 0.5",
     "r:1:8: error: there is no model 'gbdt'\n"
     "  models.gbdt.score > 0.5\n"
     "         ^~~~\n"
     "  hint: a model is a manifest in the directory that `models:` of the configuration names\n"},
    {"models", "r:1:1: error: 'models' alone is not a value: write models.<name>\n"
               "  models\n"
               "  ^~~~~~\n"},
    {"event.ok == True", "r:1:13: error: unknown name 'True'\n"
                         "  event.ok == True\n"
                         "              ^~~~\n"
                         "  hint: write true and false\n"},
    {"event.id.foo()", "r:1:10: error: there is no method 'foo'\n"
                       "  event.id.foo()\n"
                       "           ^~~\n"},
    {"siz(event.id)", "r:1:1: error: there is no function 'siz'\n"
                      "  siz(event.id)\n"
                      "  ^~~\n"
                      "  hint: did you mean size()?\n"},
    {"event.id.size(1)", "r:1:10: error: string has no method size(int)\n"
                         "  event.id.size(1)\n"
                         "           ^~~~\n"},
    {"int(event.id, 1)", "r:1:1: error: int() does not take (string, int)\n"
                         "  int(event.id, 1)\n"
                         "  ^~~\n"},
    {"int([1])", "r:1:1: error: int() does not take (list of int)\n"
                 "  int([1])\n"
                 "  ^~~\n"},
    {"event.at.getHours(2)", "r:1:10: error: timestamp has no method getHours(int)\n"
                             "  event.at.getHours(2)\n"
                             "           ^~~~~~~~\n"},
    {"event.at + event.at > event.at", "r:1:10: error: '+' does not take timestamp and timestamp\n"
                                       "  event.at + event.at > event.at\n"
                                       "           ^\n"},
    {"event.at + 5 > event.at", "r:1:10: error: '+' does not take timestamp and int\n"
                                "  event.at + 5 > event.at\n"
                                "           ^\n"},
    {"-event.id == \"\"", "r:1:1: error: '-' does not take string\n"
                          "  -event.id == \"\"\n"
                          "  ^\n"},
    {"-5u == 5u", "r:1:1: error: '-' does not take uint\n"
                  "  -5u == 5u\n"
                  "  ^\n"},
    {"1u + 1 == 2u", "r:1:4: error: uint and int do not mix in '+'\n"
                     "  1u + 1 == 2u\n"
                     "     ^\n"
                     "  hint: write 1u\n"},
    {"event.amount % 2.0 == 0.0", "r:1:14: error: int and double do not mix in '%'\n"
                                  "  event.amount % 2.0 == 0.0\n"
                                  "               ^\n"
                                  "  hint: write 2\n"},
    {"event.amount == 5u", "r:1:14: error: int and uint do not mix in '=='\n"
                           "  event.amount == 5u\n"
                           "               ^~\n"
                           "  hint: write 5\n"},
    {"event.amount in [1.0, 2.0]", "r:1:14: error: 'in' does not take int and list of double\n"
                                   "  event.amount in [1.0, 2.0]\n"
                                   "               ^~\n"
                                   "  hint: write 1\n"},
    {"event.amount in [1u]", "r:1:14: error: 'in' does not take int and list of uint\n"
                             "  event.amount in [1u]\n"
                             "               ^~\n"
                             "  hint: write 1\n"},
    {"event.price in [1, 2]", "r:1:13: error: 'in' does not take double and list of int\n"
                              "  event.price in [1, 2]\n"
                              "              ^~\n"
                              "  hint: write 1.0\n"},
    {"event.amount in {\"a\": 1}", "r:1:14: error: 'in' does not take int and map to int\n"
                                   "  event.amount in {\"a\": 1}\n"
                                   "               ^~\n"},
    {"event.id in event.card", "r:1:10: error: 'in' does not take string and record test.Card\n"
                               "  event.id in event.card\n"
                               "           ^~\n"},
    {"event.card < event.card",
     "r:1:12: error: '<' does not take record test.Card and record test.Card\n"
     "  event.card < event.card\n"
     "             ^\n"},
    {"event.tags == [1]", "r:1:12: error: '==' does not take list of string and list of int\n"
                          "  event.tags == [1]\n"
                          "             ^~\n"},
    {"event.card == event.parts[0]",
     "r:1:12: error: '==' does not take record test.Card and record test.Part\n"
     "  event.card == event.parts[0]\n"
     "             ^~\n"},
    {"event.`a b` == 1", "r:1:7: error: event has no field 'a b'\n"
                         "  event.`a b` == 1\n"
                         "        ^~~~~\n"},
    {".5.x", "r:1:4: error: .5 is double, it has no fields\n"
             "  .5.x\n"
             "     ^\n"},
    {"a.b.c", "r:1:1: error: unknown name 'a'\n"
              "  a.b.c\n"
              "  ^\n"
              "  hint: names start with event., features., variables., lists. or models.; text "
              "stands in quotes\n"},
    {"\tevent.amount >\tx", "r:1:17: error: unknown name 'x'\n"
                            "  \tevent.amount >\tx\n"
                            "  \t              \t^\n"
                            "  hint: names start with event., features., variables., lists. or "
                            "models.; text stands in quotes\n"},
    {"event.ok &&\nevent.amount == \"a\" &&\nevent.nope",
     "r:2:14: error: '==' does not take int and string\n"
     "  event.amount == \"a\" &&\n"
     "               ^~\n"
     "r:3:7: error: event has no field 'nope'\n"
     "  event.nope\n"
     "        ^~~~\n"
     "  hint: did you mean notes?\n"},
    {"event.card.limit + \"a\" == \"\"", "r:1:18: error: '+' does not take int and string\n"
                                         "  event.card.limit + \"a\" == \"\"\n"
                                         "                   ^\n"
                                         "  hint: write string(event.card.limit)\n"},
    {"event.either.foo.bar && 1", "r:1:25: error: '&&' takes bools, this is int\n"
                                  "  event.either.foo.bar && 1\n"
                                  "                          ^\n"},
    {"null == event.amount", "r:1:6: error: '==' does not take null and int\n"
                             "  null == event.amount\n"
                             "       ^~\n"
                             "  hint: write !has(event.amount)\n"},
    {"event.amount < null", "r:1:14: error: '<' does not take int and null\n"
                            "  event.amount < null\n"
                            "               ^\n"},
    {"null < null", "r:1:6: error: '<' does not take null and null\n"
                    "  null < null\n"
                    "       ^\n"},
    {"[1, 2] == 5", "r:1:8: error: '==' does not take list of int and int\n"
                    "  [1, 2] == 5\n"
                    "         ^~\n"},
    {"event.status == \"Declined\"", "r:1:17: error: event.status is never \"Declined\"\n"
                                     "  event.status == \"Declined\"\n"
                                     "                  ^~~~~~~~~~\n"
                                     "  hint: did you mean declined?\n"},
    {"\"declinde\" == event.status", "r:1:1: error: event.status is never \"declinde\"\n"
                                     "  \"declinde\" == event.status\n"
                                     "  ^~~~~~~~~~\n"
                                     "  hint: did you mean declined?\n"},
    {"event.status in [\"declined\", \"x\"]", "r:1:30: error: event.status is never \"x\"\n"
                                              "  event.status in [\"declined\", \"x\"]\n"
                                              "                               ^~~\n"
                                              "  hint: it is one of: approved, declined\n"},
    {"event.amount == 9e20", "r:1:14: error: int and double do not mix in '=='\n"
                             "  event.amount == 9e20\n"
                             "               ^~\n"
                             "  hint: write double(event.amount)\n"},
    {"event.amount > 5.5", "r:1:14: error: int and double do not mix in '>'\n"
                           "  event.amount > 5.5\n"
                           "               ^\n"
                           "  hint: write double(event.amount)\n"},
    {"variables.zzz > 1", "r:1:11: error: there is no variable 'zzz'\n"
                          "  variables.zzz > 1\n"
                          "            ^~~\n"
                          "  hint: declare it under `variables:`\n"},
    {"event.ok ? event.amount : \"a\"",
     "r:1:10: error: both sides of ':' must be of one type, not int and string\n"
     "  event.ok ? event.amount : \"a\"\n"
     "           ^\n"},
    {"features > 5", "r:1:1: error: 'features' alone is not a value: write features.<name>\n"
                     "  features > 5\n"
                     "  ^~~~~~~~\n"},
    {"lists", "r:1:1: error: 'lists' alone is not a value: write lists.<name>\n"
              "  lists\n"
              "  ^~~~~\n"},
    {"event.tags == event.notes && event.tags == event.scores",
     "r:1:41: error: '==' does not take list of string and map to double\n"
     "  event.tags == event.notes && event.tags == event.scores\n"
     "                                          ^~\n"},
};
const size_t n_check_cases = sizeof check_cases / sizeof *check_cases;
