/*
 * What the language says of text that is wrong: place, caret, wording and hint, word for word
 * (the cases are in cases_*.c), and that no text, however long or cut, does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"
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
static const char *const feature_names[] = {"n", "ratio", "last", "since"};
static const fd_cel_scope scope = {.event = &sample_event,
                                   .variable = find_variable,
                                   .list = find_list,
                                   .feature = sample_find_feature,
                                   .variable_names = variable_names,
                                   .n_variables = 1,
                                   .list_names = list_names,
                                   .n_lists = 1,
                                   .feature_names = feature_names,
                                   .n_features = 4};

/* The rendered messages of a text. */
static char *messages_in(const fd_cel_scope *s, const char *text, bool *compiled)
{
    fd_diags d;
    fd_strbuf out = {0};
    fd_arena *a = fd_arena_new(4096, 0);
    fd_diags_init(&d);
    fd_cel_source src = {.text = fd_str_from(text), .file = "r"};
    *compiled = fd_cel_compile(s, &src, a, &d) != NULL;
    fd_diags_render(&d, &out);
    assert_true(*compiled == (d.errors == 0));
    fd_diags_free(&d);
    fd_arena_free(a);
    if (out.p == NULL)
        fd_strbuf_puts(&out, "");
    return out.p;
}

static char *messages(const char *text, bool *compiled)
{
    return messages_in(&scope, text, compiled);
}

static void check_cases_in(const fd_cel_scope *s, const message_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool compiled;
        char *got = messages_in(s, cases[i].text, &compiled);
        if (compiled || strcmp(got, cases[i].want) != 0)
            fail_msg("%s\n--- want\n%s--- got\n%s", cases[i].text, cases[i].want, got);
        free(got);
    }
}

static void check_cases_of(const message_case *cases, size_t n)
{
    check_cases_in(&scope, cases, n);
}

static void syntax_word_for_word(void **state)
{
    (void)state;
    check_cases_of(syntax_cases, n_syntax_cases);
}

static void checks_word_for_word(void **state)
{
    (void)state;
    check_cases_of(check_cases, n_check_cases);
    check_cases_of(macro_cases, n_macro_cases);
}

/* What features are made of sees the event alone. */
static void event_only(void **state)
{
    (void)state;
    static const message_case cases[] = {
        {"features.n > 6", "r:1:1: error: a where sees 'event' alone, not 'features'\n"
                           "  features.n > 6\n"
                           "  ^~~~~~~~\n"
                           "  hint: write it over event fields\n"},
        {"variables.cross_border", "r:1:1: error: a where sees 'event' alone, not 'variables'\n"
                                   "  variables.cross_border\n"
                                   "  ^~~~~~~~~\n"
                                   "  hint: write it over event fields\n"},
        {"event.id in lists.bad_cards", "r:1:13: error: a where sees 'event' alone, not 'lists'\n"
                                        "  event.id in lists.bad_cards\n"
                                        "              ^~~~~\n"
                                        "  hint: write it over event fields\n"},
        {"event.amuont > 5", "r:1:7: error: event has no field 'amuont'\n"
                             "  event.amuont > 5\n"
                             "        ^~~~~~\n"
                             "  hint: did you mean amount?\n"},
    };
    fd_cel_scope narrow = scope;
    narrow.event_only = "a where";
    check_cases_in(&narrow, cases, sizeof cases / sizeof *cases);
}

/* A broken variable or feature has its own errors: what uses it adds none. */
static void no_second_error(void **state)
{
    (void)state;
    fd_diags d;
    fd_arena *a = fd_arena_new(4096, 0);
    fd_diags_init(&d);
    fd_cel_source src = {.text = FD_STR("variables.broken + 1 > 2.0 && !variables.broken && "
                                        "features.broken && has(features.broken)")};
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
        cmocka_unit_test(syntax_word_for_word),
        cmocka_unit_test(checks_word_for_word),
        cmocka_unit_test(event_only),
        cmocka_unit_test(no_second_error),
        cmocka_unit_test(always_failing_is_a_warning),
        cmocka_unit_test(depth_and_length),
        cmocka_unit_test(every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
