/*
 * What the language says of text that is wrong: place, caret, wording and hint, word for word.
 * Each case is the expression and the whole message as a person sees it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static fd_cel_value never(const void *owner, const fd_cel_value *v)
{
    (void)owner;
    (void)v;
    return fd_cel_bool(false);
}
static const fd_cel_set bad_cards = {.elem = FD_CEL_STRING, .name = "bad_cards", .contains = never};

static const fd_cel_set *find_list(void *ctx, fd_str name)
{
    (void)ctx;
    return fd_str_eq_c(name, "bad_cards") ? &bad_cards : NULL;
}

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    (void)ctx;
    (void)type;
    (void)slot;
    if (fd_str_eq_c(name, "round"))
        return FD_CEL_CYCLE;
    if (fd_str_eq_c(name, "high"))
        return FD_CEL_TOO_DEEP;
    return fd_str_eq_c(name, "broken") ? FD_CEL_BROKEN : FD_CEL_UNKNOWN;
}

static const char *const variable_names[] = {"cross_border"};
static const char *const list_names[] = {"bad_cards"};
static const fd_cel_scope scope = {.event = &sample_event,
                                   .variable = find_variable,
                                   .list = find_list,
                                   .variable_names = variable_names,
                                   .n_variables = 1,
                                   .list_names = list_names,
                                   .n_lists = 1};

/* The rendered messages of a text. */
static char *messages(const char *text, bool *compiled)
{
    fd_diags d;
    fd_strbuf out = {0};
    fd_arena *a = fd_arena_new(4096, 0);
    fd_diags_init(&d);
    fd_cel_source src = {.text = fd_str_from(text), .file = "r"};
    *compiled = fd_cel_compile(&scope, &src, a, &d) != NULL;
    fd_diags_render(&d, &out);
    assert_true(*compiled == (d.errors == 0));
    fd_diags_free(&d);
    fd_arena_free(a);
    if (out.p == NULL)
        fd_strbuf_puts(&out, "");
    return out.p;
}

static const struct {
    const char *text, *want;
} cases[] = {
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
    {"event.status == approved",
     "r:1:17: error: unknown name 'approved'\n"
     "  event.status == approved\n"
     "                  ^~~~~~~~\n"
     "  hint: names start with event., variables. or lists.; text stands in quotes\n"},
    {"features.card_txn_5m > 6", "r:1:1: error: 'features' are not in this version\n"
                                 "  features.card_txn_5m > 6\n"
                                 "  ^~~~~~~~\n"
                                 "  hint: write the rule over event fields\n"},
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
    {"event.id.matches(\"a+\")", "r:1:10: error: matches() is not in this version\n"
                                 "  event.id.matches(\"a+\")\n"
                                 "           ^~~~~~~\n"
                                 "  hint: use contains(), startsWith(), endsWith() or a list\n"},
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
    {"event.at.getHours(\"Europe/Paris\") < 5",
     "r:1:19: error: time zones with rules are not in this version\n"
     "  event.at.getHours(\"Europe/Paris\") < 5\n"
     "                    ^~~~~~~~~~~~~~\n"
     "  hint: write \"UTC\" or an offset like \"+02:00\"\n"},
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
    {"event.?ip", "r:1:7: error: optional selection .? is not supported\n"
                  "  event.?ip\n"
                  "        ^\n"
                  "  hint: use has() and ?:\n"},
    {"\"\u00e4\u00f6\" + 1", "r:1:8: error: '+' does not take string and int\n"
                             "  \"\u00e4\u00f6\" + 1\n"
                             "       ^\n"
                             "  hint: write string(1)\n"},
};

static void word_for_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool compiled;
        char *got = messages(cases[i].text, &compiled);
        if (compiled || strcmp(got, cases[i].want) != 0)
            fail_msg("%s\n--- want\n%s--- got\n%s", cases[i].text, cases[i].want, got);
        free(got);
    }
}

/* A broken variable has its own errors: what uses it adds none. */
static void no_second_error(void **state)
{
    (void)state;
    fd_diags d;
    fd_arena *a = fd_arena_new(4096, 0);
    fd_diags_init(&d);
    fd_cel_source src = {.text = FD_STR("variables.broken + 1 > 2.0 && !variables.broken")};
    assert_null(fd_cel_compile(&scope, &src, a, &d));
    assert_int_equal(d.errors, 0);
    fd_diags_free(&d);
    fd_arena_free(a);
}

static void always_failing_is_a_warning(void **state)
{
    (void)state;
    bool compiled;
    char *got = messages("event.amount > 5 / 0 + 1", &compiled);
    assert_true(compiled);
    assert_string_equal(got, "r:1:18: warning: this always fails: division by zero\n"
                             "  event.amount > 5 / 0 + 1\n"
                             "                   ^\n");
    free(got);
}

static char *repeated(const char *before, const char *unit, int times, const char *after)
{
    fd_strbuf b = {0};
    fd_strbuf_puts(&b, before);
    for (int i = 0; i < times; i++)
        fd_strbuf_puts(&b, unit);
    fd_strbuf_puts(&b, after);
    return b.p;
}

/* What CEL demands at least of an implementation, and bounds instead of a stack overflow. */
static void depth_and_length(void **state)
{
    (void)state;
    static const struct {
        const char *before, *unit, *after;
        int fine, refused;
    } shapes[] = {
        {"true", " && event.ok", "", 5000, 20000},
        {"true", " || event.ok", "", 5000, 20000},
        {"1", " + event.amount", " > 0", 100, 1000},
        {"", "(", "event.ok))))))))))))))))))))))))))))))))", 32, 100000},
        {"", "[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] == []", 32, 100000},
        {"", "!", "event.ok", 32, 100000},
        {"true", " ? event.ok : true", "", 24, 20000},
        {"event.either", ".f", " == 1", 100, 10000},
        {"event.either", "[0]", " == 1", 100, 10000},
        {"event.amount in [1", ", 2", "]", 5000, 40000},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int refused = 0; refused < 2; refused++) {
            char *text = repeated(shapes[i].before, shapes[i].unit,
                                  refused ? shapes[i].refused : shapes[i].fine, shapes[i].after);
            bool compiled;
            char *got = messages(text, &compiled);
            if (compiled == (refused == 1))
                fail_msg("%s repeated: %s\n%.300s", shapes[i].unit,
                         refused ? "not refused" : "refused", got);
            free(got);
            free(text);
        }
    }
}

/* Reports survive being cut anywhere: no prefix of a good text may crash or hang. */
static void every_prefix(void **state)
{
    (void)state;
    static const char whole[] =
        "has(event.ip) && event.ip in [\"10.0.0.1\", '\\u00e4', r'\\'] ? size(b\"\\x00\") > 1u * 2 "
        ": {\"a\": [1, -2.5e3, 0xFF]}.a[0] == event.card.limit || !event.ok // end";
    for (size_t n = 0; n < sizeof whole; n++) {
        char text[sizeof whole];
        memcpy(text, whole, n);
        text[n] = '\0';
        bool compiled;
        free(messages(text, &compiled));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(word_for_word),
        cmocka_unit_test(no_second_error),
        cmocka_unit_test(always_failing_is_a_warning),
        cmocka_unit_test(depth_and_length),
        cmocka_unit_test(every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
