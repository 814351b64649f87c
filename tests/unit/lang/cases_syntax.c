/* What the lexer and the parser say of text that is not CEL; see cases.h. */
#include "cases.h"

const message_case syntax_cases[] = {
    {"event.ok | event.ok", "r:1:10: error: '|' is not an operator\n"
                            "  event.ok | event.ok\n"
                            "           ^\n"
                            "  hint: write || for \"or\"\n"},
    {"event.ok or event.ok", "r:1:10: error: expected an operator or the end, found a name\n"
                             "  event.ok or event.ok\n"
                             "           ^~\n"
                             "  hint: write || for \"or\"\n"},
    {"event.ok ~ 1", "r:1:10: error: a character that has no meaning here\n"
                     "  event.ok ~ 1\n"
                     "           ^\n"},
    {"event.amount > 5 §", "r:1:18: error: a character that has no meaning here\n"
                           "  event.amount > 5 §\n"
                           "                   ^\n"},
    {"\"a\" + ä", "r:1:7: error: a character that has no meaning here\n"
                  "  \"a\" + ä\n"
                  "        ^\n"},
    {"`card", "r:1:1: error: a quoted name is not closed by '`'\n"
              "  `card\n"
              "  ^~~~~\n"},
    {"event.`card", "r:1:7: error: a quoted name is not closed by '`'\n"
                    "  event.`card\n"
                    "        ^~~~~\n"},
    {"18446744073709551616 > 0", "r:1:1: error: the number does not fit into 64 bits\n"
                                 "  18446744073709551616 > 0\n"
                                 "  ^~~~~~~~~~~~~~~~~~~~\n"},
    {"0x1FFFFFFFFFFFFFFFFF > 0", "r:1:1: error: the number does not fit into 64 bits\n"
                                 "  0x1FFFFFFFFFFFFFFFFF > 0\n"
                                 "  ^~~~~~~~~~~~~~~~~~~~\n"},
    {"18446744073709551616u > 0u", "r:1:1: error: the number does not fit into 64 bits\n"
                                   "  18446744073709551616u > 0u\n"
                                   "  ^~~~~~~~~~~~~~~~~~~~~\n"},
    {"\"\\u12\"",
     "r:1:2: error: an escape has too few digits or is out of range\n"
     "  \"\\u12\"\n"
     "   ^~~~\n"
     "  hint: \\xHH, \\uHHHH, \\UHHHHHHHH with hex digits, \\OOO with octal ones up to \\377\n"},
    {"\"\\x1\"",
     "r:1:2: error: an escape has too few digits or is out of range\n"
     "  \"\\x1\"\n"
     "   ^~~\n"
     "  hint: \\xHH, \\uHHHH, \\UHHHHHHHH with hex digits, \\OOO with octal ones up to \\377\n"},
    {"\"\\400\"", "r:1:2: error: an unknown escape in a string\n"
                  "  \"\\400\"\n"
                  "   ^~\n"
                  "  hint: write \\\\ for one backslash, or r\"...\"\n"},
    {"\"\\U00110000\"", "r:1:2: error: the escape is not a Unicode character\n"
                        "  \"\\U00110000\"\n"
                        "   ^~~~~~~~~~\n"},
    {"\"\\ud800\"", "r:1:2: error: the escape is not a Unicode character\n"
                    "  \"\\ud800\"\n"
                    "   ^~~~~~\n"},
    {"b\"\\u0041\"", "r:1:3: error: \\u and \\U stand for characters, not for bytes\n"
                     "  b\"\\u0041\"\n"
                     "    ^~~~~~\n"
                     "  hint: write \\xHH in bytes\n"},
    {"\"a\nb\"", "r:1:1: error: a string is not closed\n"
                 "  \"a\n"
                 "  ^~\n"
                 "  hint: use \"\"\"...\"\"\" for text over several lines\n"},
    {"'''abc", "r:1:1: error: a string is not closed\n"
               "  '''abc\n"
               "  ^~~~~~\n"},
    {"b\"abc", "r:1:1: error: a string is not closed\n"
               "  b\"abc\n"
               "  ^~~~~\n"
               "  hint: use \"\"\"...\"\"\" for text over several lines\n"},
    {"event.in == 1", "r:1:7: error: 'in' is a word of the language\n"
                      "  event.in == 1\n"
                      "        ^~\n"
                      "  hint: quote it: `in`\n"},
    {"event.true == 1", "r:1:7: error: 'true' is a word of the language\n"
                        "  event.true == 1\n"
                        "        ^~~~\n"
                        "  hint: quote it: `true`\n"},
    {"event.null == 1", "r:1:7: error: 'null' is a word of the language\n"
                        "  event.null == 1\n"
                        "        ^~~~\n"
                        "  hint: quote it: `null`\n"},
    {"event.ok ? 1", "r:1:13: error: expected ':', found the end of the expression\n"
                     "  event.ok ? 1\n"
                     "              ^\n"
                     "  hint: a condition is written a ? b : c\n"},
    {"event.ok ? 1 : ", "r:1:16: error: expected a value, found the end of the expression\n"
                        "  event.ok ? 1 : \n"
                        "                 ^\n"},
    {"f(1,)", "r:1:5: error: expected another argument, found ')'\n"
              "  f(1,)\n"
              "      ^\n"},
    {"f(1 2)", "r:1:5: error: expected ',' or ')', found an int\n"
               "  f(1 2)\n"
               "      ^\n"},
    {"[1, 2", "r:1:6: error: expected ',' or ']', found the end of the expression\n"
              "  [1, 2\n"
              "       ^\n"},
    {"[1 2]", "r:1:4: error: expected ',' or ']', found an int\n"
              "  [1 2]\n"
              "     ^\n"},
    {"[,]", "r:1:2: error: expected a value, found ','\n"
            "  [,]\n"
            "   ^\n"},
    {"{1: 2", "r:1:6: error: expected ',' or '}', found the end of the expression\n"
              "  {1: 2\n"
              "       ^\n"},
    {"{1}", "r:1:3: error: expected ':', found '}'\n"
            "  {1}\n"
            "    ^\n"},
    {"{1: 2 3: 4}", "r:1:7: error: expected ',' or '}', found an int\n"
                    "  {1: 2 3: 4}\n"
                    "        ^\n"},
    {"event.card{bin: \"4\"}", "r:1:11: error: message literals are not supported\n"
                               "  event.card{bin: \"4\"}\n"
                               "            ^\n"},
    {")", "r:1:1: error: expected a value, found ')'\n"
          "  )\n"
          "  ^\n"},
    {"event.", "r:1:7: error: expected a field name, found the end of the expression\n"
               "  event.\n"
               "        ^\n"},
    {"event.5", "r:1:6: error: expected an operator or the end, found a double\n"
                "  event.5\n"
                "       ^~\n"},
    {"event..ip", "r:1:7: error: expected a field name, found '.'\n"
                  "  event..ip\n"
                  "        ^\n"},
    {"event.tags[]", "r:1:12: error: expected a value, found ']'\n"
                     "  event.tags[]\n"
                     "             ^\n"},
    {".", "r:1:2: error: expected a name, found the end of the expression\n"
          "  .\n"
          "   ^\n"},
    {"1 +", "r:1:4: error: expected a value, found the end of the expression\n"
            "  1 +\n"
            "     ^\n"},
    {"* 2", "r:1:1: error: expected a value, found '*'\n"
            "  * 2\n"
            "  ^\n"},
    {"event.ok && ", "r:1:13: error: expected a value, found the end of the expression\n"
                     "  event.ok && \n"
                     "              ^\n"},
    {"&& event.ok", "r:1:1: error: expected a value, found '&&'\n"
                    "  && event.ok\n"
                    "  ^~\n"},
    {"event.ok ||", "r:1:12: error: expected a value, found the end of the expression\n"
                    "  event.ok ||\n"
                    "             ^\n"},
    {"event.amount > > 5", "r:1:16: error: expected a value, found '>'\n"
                           "  event.amount > > 5\n"
                           "                 ^\n"},
    {"event.amount >== 5", "r:1:16: error: '=' does not assign or compare\n"
                           "  event.amount >== 5\n"
                           "                 ^\n"
                           "  hint: write == to compare\n"},
    {"event.amount <> 5", "r:1:15: error: expected a value, found '>'\n"
                          "  event.amount <> 5\n"
                          "                ^\n"},
    {"event.amount === 5", "r:1:16: error: '=' does not assign or compare\n"
                           "  event.amount === 5\n"
                           "                 ^\n"
                           "  hint: write == to compare\n"},
    {"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!event.ok", "r:1:33: error: too many operators in a row\n"
                                                  "  !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!event.ok\n"
                                                  "                                  ^\n"},
    {"package", "r:1:1: error: 'package' is a reserved word\n"
                "  package\n"
                "  ^~~~~~~\n"},
    {"// only a comment", "r:1:1: error: the expression is empty\n"
                          "  // only a comment\n"
                          "  ^\n"},
    {"event.id == 'it''s'", "r:1:17: error: expected an operator or the end, found a string\n"
                            "  event.id == 'it''s'\n"
                            "                  ^~~\n"},
    {"event.id == \"a\" \"b\"", "r:1:17: error: expected an operator or the end, found a string\n"
                                "  event.id == \"a\" \"b\"\n"
                                "                  ^~~\n"},
    {"event.ok or event.ok", "r:1:10: error: expected an operator or the end, found a name\n"
                             "  event.ok or event.ok\n"
                             "           ^~\n"
                             "  hint: write || for \"or\"\n"},
};
const size_t n_syntax_cases = sizeof syntax_cases / sizeof *syntax_cases;
