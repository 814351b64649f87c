/*
 * What expressions evaluate to over columns, of events and of features: in every order of rows and
 * through both evaluators (values, and bytes for conditions), which must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

/* The scope of the column tests: one variable, one list. */
static fd_cel_value in_list(const void *owner, const fd_cel_value *v)
{
    (void)owner;
    return fd_cel_bool(v->kind == FD_CEL_STRING && fd_str_eq_c(fd_cel_text(v), "a"));
}
static const fd_cel_set the_list = {
    .elem = FD_CEL_STRING, .name = "known", .n_entries = 1, .contains = in_list};

static const fd_cel_set *find_list(void *ctx, fd_str name)
{
    (void)ctx;
    return fd_str_eq_c(name, "known") ? &the_list : NULL;
}

static const fd_cel_program *variables[1];

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    (void)ctx;
    if (!fd_str_eq_c(name, "big") || variables[0] == NULL)
        return FD_CEL_UNKNOWN;
    *slot = 0;
    *type = fd_cel_program_type(variables[0]);
    return FD_CEL_FOUND;
}

static const fd_cel_scope scope = {.event = &sample_event,
                                   .list = find_list,
                                   .variable = find_variable,
                                   .feature = sample_find_feature};

static const fd_cel_program *compile(const char *text, fd_arena *a)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_cel_source src = {.text = fd_str_from(text)};
    const fd_cel_program *p = fd_cel_compile(&scope, &src, a, &d);
    if (p == NULL) {
        fd_strbuf out = {0};
        fd_diags_render(&d, &out);
        print_error("%s\n%s", text, out.p);
        fd_strbuf_free(&out);
    }
    fd_diags_free(&d);
    assert_non_null(p);
    return p;
}

/* What the evaluator for conditions must say where the other one says v. */
static uint8_t as_byte(const fd_cel_value *v)
{
    if (v->kind != FD_CEL_BOOL)
        return FD_CEL_FAILED;
    return v->v.b ? FD_CEL_TRUE : FD_CEL_FALSE;
}

/* One expression over the three rows, forwards, backwards and alone. */
static void check_rows(const fd_batch *b, const fd_batch *features, const char *text,
                       const char *const want[3])
{
    static const uint32_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
    fd_arena *a = fd_arena_new(4096, 0);
    const fd_cel_program *p = compile(text, a);
    fd_cel_run *r = fd_cel_run_new(variables, 1, 8);
    for (size_t o = 0; o < 3 + 3; o++) {
        const uint32_t alone = (uint32_t)(o - 3);
        const uint32_t *rows = o < 3 ? orders[o] : &alone;
        uint32_t n = o < 3 ? 3 : 1;
        fd_cel_value v[3];
        uint8_t t[3];
        fd_cel_run_begin(r, b, features);
        fd_cel_eval(r, p, rows, n, v);
        bool conditions = fd_cel_program_type(p)->kind == FD_CEL_BOOL;
        if (conditions)
            fd_cel_test(r, p, rows, n, t);
        for (uint32_t i = 0; i < n; i++) {
            fd_strbuf out = {0};
            sample_show(&v[i], &out);
            if (strcmp(out.p, want[rows[i]]) != 0)
                fail_msg("%s, row %u\n  want %s\n  got  %s", text, rows[i], want[rows[i]], out.p);
            if (conditions && t[i] != as_byte(&v[i]))
                fail_msg("%s, row %u: the evaluators disagree: %d and %d", text, rows[i],
                         as_byte(&v[i]), t[i]);
            fd_strbuf_free(&out);
        }
    }
    fd_cel_run_free(r);
    fd_arena_free(a);
}

#define NO_ZONE     "error: not a time zone like Europe/Paris or +02:00"
#define NO_IP       "error: event.ip is absent"
#define NO_CARD     "error: event.card.limit is absent"
#define BAD_PATTERN "error: not a regular expression"

typedef struct row_case {
    const char *text;
    const char *want[3];
} row_case;

static void check_row_cases(const row_case *cases, size_t n)
{
    fd_arena *a = fd_arena_new(4096, 0);
    fd_batch *b = sample_batch();
    fd_batch *features = sample_features_batch();
    variables[0] = compile("event.amount > 50", a);
    for (size_t i = 0; i < n; i++)
        check_rows(b, features, cases[i].text, cases[i].want);
    variables[0] = NULL;
    fd_batch_free(features);
    fd_batch_free(b);
    fd_arena_free(a);
}

/* More patterns than a run keeps, again and again, one of them too long, one of them bad. */
static void patterns_of_rows(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(4096, 0);
    fd_batch *b = sample_batch();
    const fd_cel_program *p[40];
    char text[160];
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "'x%dy'.matches('x%s%d' + (event.ok ? 'y' : '('))", i,
                 i == 7 ? "{1000}z{1000}z{1000}z{1000}" : "", i);
        p[i] = compile(text, a);
    }
    fd_cel_run *r = fd_cel_run_new(variables, 1, 8);
    for (int round = 0; round < 3; round++) {
        fd_cel_run_begin(r, b, NULL);
        for (int i = 0; i < 40; i++) {
            static const uint32_t rows[] = {0, 1, 2};
            uint8_t t[3];
            fd_cel_test(r, p[i], rows, 3, t);
            assert_int_equal(t[0], i == 7 ? FD_CEL_FAILED : FD_CEL_TRUE);
            assert_int_equal(t[1], FD_CEL_FAILED);
            assert_int_equal(t[2], t[0]);
        }
    }
    fd_cel_run_free(r);
    fd_batch_free(b);
    fd_arena_free(a);
}

static void plain_columns(void **state)
{
    (void)state;
    static const row_case table[] = {
        {"event.amount > 5", {"true", "false", "true"}},
        {"5 < event.amount", {"true", "false", "true"}},
        {"event.amount >= 100", {"true", "false", "true"}},
        {"event.amount != -7", {"true", "false", "true"}},
        {"event.amount + 1", {"101", "-6", "error: integer overflow"}},
        {"event.amount + 1 > 0", {"true", "false", "error: integer overflow"}},
        {"event.price < 1.0", {"false", "false", "true"}},
        {"event.price >= 1.0", {"true", "false", "false"}},
        {"event.price != 1.0", {"true", "true", "true"}},
        {"event.price == event.price", {"true", "false", "true"}},
        {"event.ok", {"true", "false", "true"}},
        {"!event.ok", {"false", "true", "false"}},
        {"event.id.matches('[ac]')", {"true", "false", "true"}},
        {"!matches(event.status, '^dec.*d$')", {"true", "false", "true"}},
        {"event.ip.matches(r'^\\d+(\\.\\d+){3}$')", {"true", NO_IP, "false"}},
        {"'10.0.0.1 nonsense'.matches(event.ip)", {"true", NO_IP, "true"}},
        {"event.id.matches('[' + event.id)", {BAD_PATTERN, BAD_PATTERN, BAD_PATTERN}},
        {"('c' + event.id).matches(event.id + '{2}')", {"false", "false", "true"}},
        {"event.ok || event.id.matches(event.id + '**')", {"true", BAD_PATTERN, "true"}},
        {"event.status == \"declined\"", {"false", "true", "false"}},
        {"event.status != \"declined\"", {"true", "false", "true"}},
        {"event.status in [\"declined\"]", {"false", "true", "false"}},
        {"event.ip == \"10.0.0.1\"", {"true", NO_IP, "false"}},
        {"event.ip != \"10.0.0.1\"", {"false", NO_IP, "true"}},
        {"event.ip < \"2\"", {"true", NO_IP, "false"}},
        {"!(event.ip == \"10.0.0.1\")", {"false", NO_IP, "true"}},
        {"has(event.ip)", {"true", "false", "true"}},
        {"!has(event.ip)", {"false", "true", "false"}},
        {"has(event.ip) && event.ip == \"10.0.0.1\"", {"true", "false", "false"}},
        {"event.ip == \"10.0.0.1\" && has(event.ip)", {"true", "false", "false"}},
        {"event.ip == \"10.0.0.1\" || event.amount < 0", {"true", "true", "false"}},
        {"event.ip == \"10.0.0.1\" || event.amount > 0", {"true", NO_IP, "true"}},
        {"has(event.ip) ? event.ip : \"none\"", {"\"10.0.0.1\"", "\"none\"", "\"nonsense\""}},
    };
    check_row_cases(table, sizeof table / sizeof *table);
}

static void columns_of_columns(void **state)
{
    (void)state;
    static const row_case table[] = {
        {"event.card.bin", {"\"4111\"", "\"5500\"", "error: event.card.bin is absent"}},
        {"event.card.limit", {"5", NO_CARD, NO_CARD}},
        {"has(event.card)", {"true", "true", "false"}},
        {"has(event.card.limit)", {"true", "false", "false"}},
        {"event.`card`.`bin` == \"4111\"",
         {"true", "false", "error: event.`card`.`bin` is absent"}},
        {"event.card == event.card", {"true", "true", "error: event.card is absent"}},
        {"event.tags", {"[\"x\", \"y\"]", "[]", "[\"x\"]"}},
        {"\"y\" in event.tags", {"true", "false", "false"}},
        {"size(event.tags)", {"2", "0", "1"}},
        {"event.tags[0]", {"\"x\"", "error: index out of range", "\"x\""}},
        {"event.tags + [\"z\"]", {"[\"x\", \"y\", \"z\"]", "[\"z\"]", "[\"x\", \"z\"]"}},
        {"event.tags == [\"x\"]", {"false", "false", "true"}},
        {"event.notes", {"[\"n\", null]", "[]", "[null]"}},
        {"event.notes[0] == null", {"false", "error: index out of range", "true"}},
        {"event.scores[\"s\"]", {"0.5", "error: no such key", "1"}},
        {"event.scores.s > 0.6", {"false", "error: event.scores.s is absent", "true"}},
        {"has(event.scores.t)", {"true", "false", "false"}},
        {"\"t\" in event.scores", {"true", "false", "false"}},
        {"event.either", {"42", "\"forty\"", "7"}},
        {"event.either == 42", {"true", "false", "false"}},
        {"event.either + 1", {"43", "error: no such overload", "8"}},
        {"event.either > 10", {"true", "error: no such overload", "false"}},
        {"string(event.either)", {"\"42\"", "\"forty\"", "\"7\""}},
        {"event.parts[1].sku",
         {"\"p2\"", "error: index out of range", "error: index out of range"}},
        {"size(event.parts) == 2 && event.parts[0].qty == 1", {"true", "false", "false"}},
        {"event.at.getFullYear()", {"2026", "1969", "error: timestamp or duration range"}},
        {"event.at < timestamp(\"2026-02-01T00:00:00Z\")",
         {"true", "true", "error: timestamp or duration range"}},
        {"string(event.day)",
         {"\"2026-01-31T00:00:00Z\"", "\"1969-12-31T00:00:00Z\"", "\"2026-01-31T00:00:00Z\""}},
        {"event.took > duration(\"1m\")", {"true", "false", "true"}},
        {"event.raw == b\"\\x01\\xff\"", {"true", "false", "false"}},
        {"event.at.getHours(event.id)", {NO_ZONE, NO_ZONE, "error: timestamp or duration range"}},
        {"event.at - duration(\"24h\") < event.at",
         {"true", "true", "error: timestamp or duration range"}},
        {"event.took < duration(\"0s\")", {"false", "true", "false"}},
        {"event.tags == event.notes", {"false", "true", "false"}},
        {"null in event.notes", {"true", "false", "true"}},
        {"event.ip in event.notes", {"false", NO_IP, "false"}},
        {"event.ip in [\"10.0.0.1\"] || true", {"true", "true", "true"}},
        {"event.ok ? event.ip : event.id", {"\"10.0.0.1\"", "\"b\"", "\"nonsense\""}},
        {"event.ip == \"x\" ? 1 : 2", {"2", NO_IP, "2"}},
        {"event.id in lists.known", {"true", "false", "false"}},
        {"event.ip in lists.known", {"false", NO_IP, "false"}},
        {"event.either in lists.known", {"false", "false", "false"}},
        {"size(lists.known)", {"1", "1", "1"}},
        {"variables.big", {"true", "false", "true"}},
        {"variables.big && !variables.big", {"false", "false", "false"}},
        {"event.ok && variables.big && event.amount == 100", {"true", "false", "false"}},
        {"[event.id, \"k\"]", {"[\"a\", \"k\"]", "[\"b\", \"k\"]", "[\"c\", \"k\"]"}},
        {"{event.id: event.amount}[\"b\"] == -7",
         {"error: no such key", "true", "error: no such key"}},
    };
    check_row_cases(table, sizeof table / sizeof *table);
}

#define NO_RATIO "error: features.ratio is absent"
#define NO_LAST  "error: features.last is absent"

/* Columns of another batch, by the same kernels and beside columns of the event. */
static void features(void **state)
{
    (void)state;
    static const row_case table[] = {
        {"features.n > 6", {"true", "false", "true"}},
        {"6 >= features.n", {"false", "true", "false"}},
        {"features.n == event.amount + 1", {"false", "false", "error: integer overflow"}},
        {"features.n", {"7", "0", "101"}},
        {"features.ratio >= 0.5", {"false", NO_RATIO, "true"}},
        {"has(features.ratio)", {"true", "false", "true"}},
        {"!has(features.ratio) || features.ratio > 0.5", {"false", "true", "true"}},
        {"features.ratio > 0.5 || !has(features.ratio)", {"false", "true", "true"}},
        {"features.ratio > 0.5 && event.ok", {"false", "false", "true"}},
        {"features.last == \"declined\"", {"true", NO_LAST, "false"}},
        {"features.last == event.status", {"false", NO_LAST, "true"}},
        {"event.status != features.last", {"true", NO_LAST, "false"}},
        {"features.last in [\"approved\"]", {"false", NO_LAST, "true"}},
        {"features.last in lists.known", {"false", NO_LAST, "false"}},
        {"features.fresh", {"true", "true", "false"}},
        {"features.fresh && variables.big", {"true", "false", "false"}},
        {"features.since < duration(\"2s\")", {"true", "error: features.since is absent", "true"}},
        {"features.since",
         {"duration 1.500000000", "error: features.since is absent", "duration 0.0"}},
        {"features.seen.getFullYear()", {"2026", "error: features.seen is absent", "1970"}},
        {"features.raw", {"b\"01ff\"", "error: features.raw is absent", "b\"\""}},
        {"\"seen \" + string(features.n) + \" times\"",
         {"\"seen 7 times\"", "\"seen 0 times\"", "\"seen 101 times\""}},
        {"has(features.since) ? string(features.since) : \"never\"",
         {"\"1.5s\"", "\"never\"", "\"0s\""}},
    };
    check_row_cases(table, sizeof table / sizeof *table);
}

/* A feature inside a variable, over the batch at hand. */
static void features_in_variables(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(4096, 0);
    fd_batch *b = sample_batch();
    fd_batch *f = sample_features_batch();
    variables[0] = compile("features.n > 6", a);
    check_rows(b, f, "variables.big", (const char *const[]){"true", "false", "true"});
    f->root.children[0].v.i[1] = 50;
    check_rows(b, f, "variables.big && event.id == \"b\"",
               (const char *const[]){"false", "true", "false"});
    variables[0] = NULL;
    fd_batch_free(f);
    fd_batch_free(b);
    fd_arena_free(a);
}

/* A variable is computed once per row of a batch, and anew for the next batch. */
static void variables_follow_the_batch(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(4096, 0);
    fd_batch *b = sample_batch();
    variables[0] = compile("event.amount > 50", a);
    const fd_cel_program *p = compile("variables.big", a);
    fd_cel_run *r = fd_cel_run_new(variables, 1, 8);
    const uint32_t row = 0;
    uint8_t hit;
    fd_cel_run_begin(r, b, NULL);
    fd_cel_test(r, p, &row, 1, &hit);
    assert_int_equal(hit, FD_CEL_TRUE);
    b->root.children[1].v.i[0] = 1; /* same batch: remembered */
    fd_cel_test(r, p, &row, 1, &hit);
    assert_int_equal(hit, FD_CEL_TRUE);
    fd_cel_run_begin(r, b, NULL);
    fd_cel_test(r, p, &row, 1, &hit);
    assert_int_equal(hit, FD_CEL_FALSE);
    fd_cel_run_free(r);
    variables[0] = NULL;
    fd_batch_free(b);
    fd_arena_free(a);
}

/* Rows beyond one chunk, and strings that grow to their bound. */
static void many_rows(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    static const fd_type t = {.kind = FD_INT};
    static const fd_field f[] = {{"n", &t}};
    static const fd_type event = {.kind = FD_RECORD, .name = "N", .n_fields = 1, .fields = f};
    fd_batch *b = fd_batch_new(&event, ROWS, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        b->root.children[0].v.i[i] = i;
        b->root.children[0].valid[i] = i % 10 != 9;
    }
    b->root.children[0].n = b->root.n = ROWS;
    fd_arena *a = fd_arena_new(4096, 0);
    fd_diags d;
    fd_diags_init(&d);
    fd_cel_scope s = {.event = &event};
    fd_cel_source src = {.text = FD_STR("has(event.n) && (event.n % 3 == 0 || event.n > 990)")};
    const fd_cel_program *p = fd_cel_compile(&s, &src, a, &d);
    assert_non_null(p);
    static uint32_t rows[ROWS];
    static uint8_t hits[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = ROWS - 1 - i;
    fd_cel_run *r = fd_cel_run_new(NULL, 0, ROWS);
    for (int all = 0; all < 2; all++) {
        const uint32_t *asked = all ? fd_cel_run_all(r) + 5 : rows;
        uint32_t count = all ? ROWS - 5 : ROWS;
        fd_cel_run_begin(r, b, NULL);
        fd_cel_test(r, p, asked, count, hits);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t n = asked[i];
            assert_int_equal(hits[i], n % 10 != 9 && (n % 3 == 0 || n > 990));
        }
    }
    fd_cel_run_free(r);
    fd_diags_free(&d);
    fd_arena_free(a);
    fd_batch_free(b);
}

static void macros_over_columns(void **state)
{
    (void)state;
    static const row_case table[] = {
        {"event.tags.exists(t, t == 'y')", {"true", "false", "false"}},
        {"event.tags.all(t, t == 'x')", {"false", "true", "true"}},
        {"event.tags.map(t, t + event.id)", {"[\"xa\", \"ya\"]", "[]", "[\"xc\"]"}},
        {"event.tags.transformMap(i, t, i * event.amount % 7)", {"{0: 0, 1: 2}", "{}", "{0: 0}"}},
        {"event.parts.filter(p, p.qty > 1).map(p, p.sku)", {"[\"p2\"]", "[]", "[]"}},
        {"(event.parts + event.parts).distinct().size()", {"2", "0", "0"}},
        {"sets.contains(event.parts, event.parts)", {"true", "true", "true"}},
        {"event.parts.map(p, p.qty).sort().reverse()", {"[2, 1]", "[]", "[]"}},
        {"event.scores.exists(k, v, v > 1.0 && k == 't')", {"true", "false", "false"}},
        {"event.notes.exists(n, n == null)", {"true", "false", "true"}},
        {"event.tags.exists(t, event.ip == t)", {"false", "false", "false"}},
        {"event.tags.size() == 0 && event.tags.exists(t, t == event.ip)",
         {"false", "false", "false"}},
        {"event.tags.all(t, t == event.ip || t == 'x') || variables.big", {"true", "true", "true"}},
        {"event.tags.exists(t, variables.big && t == 'x')", {"true", "false", "true"}},
        {"event.tags.exists(t, t in lists.known || features.n > 100)", {"false", "false", "true"}},
        {"event.ok && event.tags.exists(t, t == 'x') && !variables.big",
         {"false", "false", "false"}},
        {"event.ok ? event.tags.map(t, t)[0] : event.id + '!'", {"\"x\"", "\"b!\"", "\"x\""}},
        {"cel.bind(a, event.amount % 10, a * a + a)", {"0", "42", "56"}},
        {"'%s=%d'.format([event.id, event.amount % 10])", {"\"a=0\"", "\"b=-7\"", "\"c=7\""}},
        {"event.id.replace('a', 'bc').split('')", {"[\"b\", \"c\"]", "[\"b\"]", "[\"c\"]"}},
    };
    check_row_cases(table, sizeof table / sizeof *table);
}

static void optionals_over_columns(void **state)
{
    (void)state;
    static const row_case table[] = {
        {"event.?ip", {"some \"10.0.0.1\"", "none", "some \"nonsense\""}},
        {"event.?ip.orValue('-')", {"\"10.0.0.1\"", "\"-\"", "\"nonsense\""}},
        {"event.?card.?limit.orValue(0)", {"5", "0", "0"}},
        {"event.card.?limit.hasValue()", {"true", "false", "false"}},
        {"event.tags[?1].orValue('none')", {"\"y\"", "\"none\"", "\"none\""}},
        {"event.tags.first().orValue('none')", {"\"x\"", "\"none\"", "\"x\""}},
        {"event.scores.?t.optMap(v, v * 2.0).orValue(0.0)", {"4", "0", "0"}},
        {"[?event.?ip, 'x'].size()", {"2", "1", "2"}},
        {"{?'ip': event.?ip}", {"{\"ip\": \"10.0.0.1\"}", "{}", "{\"ip\": \"nonsense\"}"}},
        {"has(event.?card.limit)", {"true", "false", "false"}},
        {"features.?ratio.orValue(9.0)", {"0.25", "9", "1"}},
        {"isIP(event.?ip.orValue('')) && ip(event.ip).family() == 4", {"true", "false", "false"}},
        {"type(event.either) == int", {"true", "false", "true"}},
    };
    check_row_cases(table, sizeof table / sizeof *table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_columns),
        cmocka_unit_test(patterns_of_rows),
        cmocka_unit_test(columns_of_columns),
        cmocka_unit_test(features),
        cmocka_unit_test(features_in_variables),
        cmocka_unit_test(variables_follow_the_batch),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(macros_over_columns),
        cmocka_unit_test(optionals_over_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
