/*
 * The plan against the row evaluator: random conditions, many in one plan, over random batches of
 * 1 to 2048 rows with nulls, NaN, infinities, extremes and empty texts, on every instruction set
 * that the machine has, for all rows and for some. And kernels against each other.
 *
 * FRAUDD_PROPERTY_CASES: how many plans; FRAUDD_PROPERTY_SEED: the first seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/plan.h"
#include "sample.h"

enum { N_VARIABLES = 6, N_ROOTS = 12, ROWS_MAX = 2048, WORDS_MAX = ROWS_MAX / 64 };

typedef enum sort { BOOL, INT, DOUBLE, TEXT, N_SORTS } sort;

typedef struct fixture {
    uint64_t state;
    fd_arena *a;
    int n_variables;
    sort sorts[N_VARIABLES];
    const fd_cel_program *variables[N_VARIABLES];
    const fd_cel_program *roots[N_ROOTS];
    char *texts[N_ROOTS];
} fixture;

static uint32_t below(fixture *f, uint32_t n)
{
    f->state = f->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(f->state >> 33) % n;
}

static const char *pick(fixture *f, const char *const *from, uint32_t n)
{
    return from[below(f, n)];
}

#define PICK(f, array) pick(f, array, sizeof(array) / sizeof *(array))

/* ---- conditions ---- */

static void write_expr(fixture *f, sort t, int depth, fd_strbuf *out);

static void write_constant(fixture *f, sort t, fd_strbuf *out)
{
    static const char *const ints[] = {
        "0", "1", "-1", "5", "100", "-1000", "9223372036854775807", "-9223372036854775808"};
    static const char *const doubles[] = {"0.0",         "-0.0",         "1.5",        "0.1",
                                          "-2.5",        "1e308",        "-1e308",     "5e-324",
                                          "(1.0 / 0.0)", "(-1.0 / 0.0)", "(0.0 / 0.0)"};
    static const char *const texts[] = {
        "\"\"",       "\"a\"", "\"b\"", "\"10.0.0.1\"", "\"a longer text, of thirty bytes\"",
        "\"\\u00e4\""};
    if (t == BOOL)
        fd_strbuf_puts(out, below(f, 2) ? "true" : "false");
    else
        fd_strbuf_puts(out, t == INT      ? PICK(f, ints)
                            : t == DOUBLE ? PICK(f, doubles)
                                          : PICK(f, texts));
}

static void write_leaf(fixture *f, sort t, fd_strbuf *out)
{
    static const char *const bools[] = {
        "event.ok",        "features.fresh",        "has(event.ip)",
        "has(event.card)", "has(event.card.limit)", "has(features.ratio)"};
    static const char *const ints[] = {"event.amount", "event.card.limit", "features.n"};
    static const char *const doubles[] = {"event.price", "features.ratio"};
    static const char *const texts[] = {"event.id", "event.ip", "event.card.bin"};
    int v = (int)below(f, N_VARIABLES * 2);
    if (v < f->n_variables && f->sorts[v] == t)
        fd_strbuf_printf(out, "variables.v%d", v);
    else if (below(f, 4) == 0)
        write_constant(f, t, out);
    else
        fd_strbuf_puts(out, t == BOOL     ? PICK(f, bools)
                            : t == INT    ? PICK(f, ints)
                            : t == DOUBLE ? PICK(f, doubles)
                                          : PICK(f, texts));
}

static void write_pair(fixture *f, sort t, const char *between, int depth, fd_strbuf *out)
{
    fd_strbuf_putc(out, '(');
    write_expr(f, t, depth - 1, out);
    fd_strbuf_printf(out, " %s ", between);
    write_expr(f, t, depth - 1, out);
    fd_strbuf_putc(out, ')');
}

static void write_in(fixture *f, fd_strbuf *out)
{
    sort t = INT + below(f, 3);
    fd_strbuf_putc(out, '(');
    write_leaf(f, t, out);
    fd_strbuf_puts(out, " in [");
    for (uint32_t i = 0, n = below(f, 6); i < n; i++) {
        fd_strbuf_puts(out, i == 0 ? "" : ", ");
        write_constant(f, t, out);
    }
    fd_strbuf_puts(out, "])");
}

static void write_with_constant(fixture *f, fd_strbuf *out)
{
    static const char *const relations[] = {"<", "<=", ">", ">=", "==", "!="};
    sort t = below(f, N_SORTS);
    bool first = below(f, 3) == 0;
    fd_strbuf_putc(out, '(');
    if (first)
        write_constant(f, t, out);
    else
        write_leaf(f, t, out);
    fd_strbuf_printf(out, " %s ", PICK(f, relations));
    if (first)
        write_leaf(f, t, out);
    else
        write_constant(f, t, out);
    fd_strbuf_putc(out, ')');
}

/* What the others do not make: macros, functions, times, values of unknown type. */
static const char *const whole[] = {
    "event.tags.exists(t, t == \"x\")",
    "event.tags.all(t, t != event.id)",
    "event.id.matches(\"^a.*[st]\")",
    "event.?ip.orValue(\"none\") != \"a\"",
    "[1, 2, 5].exists(i, i == event.amount && [i].all(j, j > 1))",
    "event.tags.map(t, t + \"!\").exists(t, t == event.id + \"!\")",
    "true == (event.tags.exists(t, t == \"a\") || event.ok)",
    "cel.bind(x, event.amount, x > 5 || event.tags.exists(t, size(t) == x))",
    "(event.tags.exists(t, t == \"s\") ? event.amount : features.n) > 1",
    "event.day < timestamp(\"2026-01-31T06:00:00Z\")",
    "event.at >= timestamp(\"1970-01-01T00:00:00.0005Z\")",
    "event.took >= duration(\"-1ms\")",
    "event.took != duration(\"0s\")",
    "event.took <= duration(\"0.0005s\")",
    "duration(\"43200s\") == event.took",
    "features.since < duration(\"1s\")",
    "features.since > duration(\"-9223372036s\")",
    "event.at >= timestamp(\"2026-01-31T23:59:59.250Z\")",
    "event.at == timestamp(\"1970-01-01T00:00:00Z\")",
    "event.at != timestamp(\"1970-01-01T00:00:00.0001Z\")",
    "event.at <= timestamp(\"1969-12-31T23:59:59.9995Z\")",
    "event.day < timestamp(\"2026-01-31T00:00:00Z\")",
    "event.day > timestamp(\"1969-12-31T12:00:00Z\")",
    "features.seen > timestamp(\"0001-01-01T00:00:00Z\")",
    "features.seen < timestamp(\"9999-12-31T23:59:59.999999999Z\")",
    "event.id.startsWith(\"a\")",
    "event.ip.contains(\"0\")",
    "\"x\" in event.tags",
    "event.scores[\"s\"] > 0.5",
    "event.at.getHours() >= 12",
    "event.either == 42",
    "size(event.tags) > 1",
    "event.took > duration(\"1s\")",
    "event.status == \"approved\"",
    "features.last != \"declined\"",
    "event.raw == b\"\"",
    "event.at < timestamp(\"2020-01-01T00:00:00Z\")",
    "event.tags[0] == event.id",
    "event.amount in [1, 2.0, 5u]",
    "event.price in [1.5, 0.0, 0.0/0.0]",
    "dyn(event.amount) == 1.0",
    "event.ok == true",
    "false != features.fresh",
    "dyn(event.amount) && event.ok",
    "event.ok ? dyn(event.id) : event.ok"};

static void write_bool(fixture *f, int depth, fd_strbuf *out)
{
    static const char *const relations[] = {"<", "<=", ">", ">=", "==", "!="};
    switch (below(f, 10)) {
    case 0:
        fd_strbuf_puts(out, "!");
        write_expr(f, BOOL, depth - 1, out);
        return;
    case 1:
    case 2:
    case 3:
        write_pair(f, BOOL, below(f, 2) ? "&&" : "||", depth, out);
        return;
    case 4:
        fd_strbuf_printf(out, "(%s)", PICK(f, whole));
        return;
    case 5:
        write_in(f, out);
        return;
    case 6:
        write_pair(f, below(f, N_SORTS), PICK(f, relations), depth, out);
        return;
    default:
        write_with_constant(f, out);
    }
}

static void write_number(fixture *f, sort t, int depth, fd_strbuf *out)
{
    static const char *const operators[] = {"+", "-", "*", "/", "%"};
    uint32_t how = below(f, 8);
    if (how == 0)
        fd_strbuf_puts(out, "(-");
    else if (how == 1)
        fd_strbuf_puts(out, t == INT ? "int(" : "double(");
    else if (how == 2 && t == INT)
        fd_strbuf_puts(out, "size(");
    else {
        write_pair(f, t, operators[below(f, t == INT ? 5 : 4)], depth, out);
        return;
    }
    write_expr(f, how == 0 ? t : how == 2 ? TEXT : t == INT ? DOUBLE : INT, depth - 1, out);
    fd_strbuf_putc(out, ')');
}

static void write_expr(fixture *f, sort t, int depth, fd_strbuf *out)
{
    if (depth <= 0 || below(f, 6) == 0) {
        write_leaf(f, t, out);
    } else if (below(f, 8) == 0) {
        fd_strbuf_putc(out, '(');
        write_expr(f, BOOL, depth - 1, out);
        fd_strbuf_puts(out, " ? ");
        write_expr(f, t, depth - 1, out);
        fd_strbuf_puts(out, " : ");
        write_expr(f, t, depth - 1, out);
        fd_strbuf_putc(out, ')');
    } else if (t == BOOL) {
        write_bool(f, depth, out);
    } else if (t == TEXT) {
        write_pair(f, t, "+", depth, out);
    } else {
        write_number(f, t, depth, out);
    }
}

/* ---- programs ---- */

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    fixture *f = ctx;
    *slot = (uint32_t)(name.p[1] - '0');
    *type = fd_cel_program_type(f->variables[*slot]);
    return FD_CEL_FOUND;
}

static const fd_cel_program *compile(fixture *f, const char *text)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_cel_scope scope = {.event = &sample_event,
                          .ctx = f,
                          .variable = find_variable,
                          .feature = sample_find_feature};
    fd_cel_source src = {.text = fd_str_from(text)};
    const fd_cel_program *p = fd_cel_compile(&scope, &src, f->a, &d);
    if (p == NULL)
        fail_msg("%s\n%s", text, d.items[0].text);
    fd_diags_free(&d);
    return p;
}

static char *write_text(fixture *f, sort t, int depth)
{
    fd_strbuf out = {0};
    write_expr(f, t, depth, &out);
    char *text = fd_arena_cstr(f->a, out.p);
    fd_strbuf_free(&out);
    return text;
}

static void make_programs(fixture *f)
{
    for (int i = 0; i < N_VARIABLES; i++) {
        sort t = below(f, N_SORTS);
        f->variables[i] = compile(f, write_text(f, t, 3));
        f->sorts[i] = t;
        f->n_variables = i + 1;
    }
    for (int i = 0; i < N_ROOTS; i++) {
        f->texts[i] = write_text(f, BOOL, 1 + (int)below(f, 5));
        f->roots[i] = i == 7 ? NULL : compile(f, f->texts[i]);
    }
}

/* ---- batches ---- */

static void put(fixture *f, fd_col *c, uint32_t nulls);

static void put_elements(fixture *f, fd_col *c, uint32_t row)
{
    for (uint32_t n = below(f, 4); n > 0; n--) {
        for (uint32_t i = 0; i < c->n_children; i++) {
            bool ok = fd_col_reserve(&c->children[i], 1, 4 * ROWS_MAX);
            FD_ASSERT(ok);
            put(f, &c->children[i], 4);
        }
    }
    c->v.off[row + 1] = c->children[0].n;
}

static void put_children(fixture *f, fd_col *c, uint32_t row)
{
    for (uint32_t i = 0; i < c->n_children; i++)
        put(f, &c->children[i], 4);
    (void)row;
}

static void put_union(fixture *f, fd_col *c, uint32_t row)
{
    c->v.tag[row] = (uint8_t)below(f, c->n_children);
    for (uint32_t i = 0; i < c->n_children; i++) {
        if (i == c->v.tag[row])
            put(f, &c->children[i], 0);
        else
            fd_col_push_null(&c->children[i]);
    }
}

static void put_scalar(fixture *f, fd_col *c, uint32_t row)
{
    static const int64_t ints[] = {0, 1, -1, 2, 5, 7, 100, -1000, INT64_MAX, INT64_MIN};
    static const int64_t ticks[] = {0,
                                    -1,
                                    1,
                                    INT64_C(1769903999250),
                                    43200000,
                                    INT64_MAX,
                                    INT64_MIN,
                                    86399999,
                                    INT64_C(-62135596800000),
                                    INT64_C(253402300799999),
                                    INT64_C(253402300800000),
                                    20484,
                                    2932896,
                                    2932897,
                                    -719162,
                                    -719163};
    static const double doubles[] = {0.0,    -0.0,    1.5,    0.1, -2.5,     1e308,     -1e308,
                                     5e-324, -5e-324, 1e-300, NAN, INFINITY, -INFINITY, 0.50000001};
    static const fd_str texts[] = {{"", 0},         {"a", 1},
                                   {"b", 1},        {"10.0.0.1", 8},
                                   {"s", 1},        {"a longer text, of thirty bytes", 30},
                                   {"\xc3\xa4", 2}, {"x", 1},
                                   {"approved", 8}, {"declined", 8}};
    switch (c->type->kind) {
    case FD_BOOL:
        c->v.b[row] = (uint8_t)below(f, 2);
        return;
    case FD_INT:
        c->v.i[row] = ints[below(f, sizeof ints / sizeof *ints)];
        return;
    case FD_TIMESTAMP:
    case FD_DURATION:
        c->v.i[row] = ticks[below(f, sizeof ticks / sizeof *ticks)];
        return;
    case FD_DOUBLE:
        c->v.d[row] = doubles[below(f, sizeof doubles / sizeof *doubles)];
        return;
    case FD_STRING:
        c->v.s[row] = texts[c->type->is_enum ? 8 + below(f, 2) : below(f, 10)];
        return;
    default:
        c->v.s[row] = texts[below(f, 2)];
    }
}

/* One more row; null now and then, where `nulls` is one in how many, or 0. */
static void put(fixture *f, fd_col *c, uint32_t nulls)
{
    if (c->type->kind == FD_OPAQUE || (nulls != 0 && below(f, nulls) == 0)) {
        fd_col_push_null(c);
        return;
    }
    uint32_t row = c->n++;
    FD_ASSERT(row < c->cap);
    c->valid[row] = 1;
    if (c->type->kind == FD_RECORD)
        put_children(f, c, row);
    else if (c->type->kind == FD_LIST || c->type->kind == FD_MAP)
        put_elements(f, c, row);
    else if (c->type->kind == FD_UNION)
        put_union(f, c, row);
    else
        put_scalar(f, c, row);
}

/* Some batches have no nulls at all. */
static fd_batch *random_batch(fixture *f, const fd_type *type, uint32_t n)
{
    uint32_t nulls = below(f, 3) == 0 ? 0 : 2 + below(f, 8);
    fd_batch *b = fd_batch_new(type, n, 4 * ROWS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        b->root.valid[b->root.n++] = 1;
        for (uint32_t c = 0; c < b->root.n_children; c++)
            put(f, &b->root.children[c], nulls);
    }
    return b;
}

/* ---- the test ---- */

typedef struct judged {
    const fd_cel_plan *plan;
    fd_cel_plan_run *run;
    fd_cel_run *rows;
    fd_batch *events, *features;
    uint32_t n;
} judged;

static uint32_t outcome(fd_cel_bits bits, uint32_t row)
{
    bool hit = bits.hit[row / 64] >> row % 64 & 1, open = bits.open[row / 64] >> row % 64 & 1;
    assert_true(open || !hit);
    return hit ? FD_CEL_TRUE : open ? FD_CEL_FAILED : FD_CEL_FALSE;
}

/* What is said of failures at a glance is what evaluation says. */
static void check_reasons(judged *j, const fd_cel_program *p, const uint8_t *got, const char *text,
                          const char *seed)
{
    for (uint32_t row = 0; row < j->n && row < 100; row++) {
        fd_cel_value v;
        if (got[row] != FD_CEL_FAILED)
            continue;
        fd_cel_eval(j->rows, p, &row, 1, &v);
        const char *want = v.kind == FD_CEL_ERROR ? v.v.text : "no such overload";
        const char *why = fd_cel_why(j->rows, p, row);
        if (strcmp(want, why) != 0)
            fail_msg("seed %s, row %u: %s\n  want %s, got %s", seed, row, text, want, why);
    }
}

static void check_program(fixture *f, judged *j, uint32_t root, const fd_cel_program *p,
                          const char *text, const char *seed)
{
    static uint8_t want[ROWS_MAX];
    uint64_t asked[WORDS_MAX];
    fd_cel_test(j->rows, p, fd_cel_run_all(j->rows), j->n, want);
    check_reasons(j, p, want, text, seed);
    for (int round = 0; round < 2; round++) {
        for (uint32_t w = 0; w < WORDS_MAX; w++)
            asked[w] = (uint64_t)below(f, UINT32_MAX) << 32 | below(f, UINT32_MAX);
        if (j->n % 64 != 0)
            asked[j->n / 64] &= (UINT64_C(1) << j->n % 64) - 1;
        bool all = round == 1;
        fd_cel_bits bits = fd_cel_plan_ask(j->run, root, all ? NULL : asked);
        for (uint32_t i = 0; i < j->n; i++) {
            if (!all && (asked[i / 64] >> i % 64 & 1) == 0)
                continue;
            if (outcome(bits, i) != want[i])
                fail_msg("seed %s, condition %u, row %u of %u: %s\n  want %u, got %u", seed, root,
                         i, j->n, text, want[i], outcome(bits, i));
        }
    }
}

/* Roots that are passed over say nothing of any row. */
static void check_passed_over(fixture *f, judged *j, const char *seed)
{
    static uint8_t want[ROWS_MAX];
    uint32_t next = 0;
    for (uint32_t root = 0; root < N_ROOTS; root++) {
        if (root == next || next < root)
            next = fd_cel_plan_next(j->run, root);
        if (next == root || f->roots[root] == NULL)
            continue;
        fd_cel_test(j->rows, f->roots[root], fd_cel_run_all(j->rows), j->n, want);
        if (fd_cel_next(want, 0, j->n) != j->n)
            fail_msg("seed %s: %s was passed over", seed, f->texts[root]);
    }
}

static void check_batch(fixture *f, judged *j, const char *seed)
{
    static const uint32_t sizes[] = {1, 2, 7, 63, 64, 65, 128, 200, 1000, 2048};
    j->n = below(f, 2) ? 1 + below(f, 130) : sizes[below(f, 10)];
    j->events = random_batch(f, &sample_event, j->n);
    j->features = random_batch(f, &sample_features, j->n);
    for (int level = 0; level < FD_N_KERNEL_LEVELS; level++) {
        if (!fd_cel_plan_run_use(j->run, (fd_kernel_level)level))
            continue;
        fd_cel_run_begin(j->rows, j->events, j->features);
        fd_cel_plan_begin(j->run, j->rows);
        check_passed_over(f, j, seed);
        for (uint32_t root = 0; root < N_ROOTS; root++) {
            if (f->roots[root] != NULL)
                check_program(f, j, root, f->roots[root], f->texts[root], seed);
        }
    }
    fd_batch_free(j->events);
    fd_batch_free(j->features);
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void as_the_row_evaluator_says(void **state)
{
    (void)state;
    uint64_t first = env_number("FRAUDD_PROPERTY_SEED", 1);
    uint64_t cases = env_number("FRAUDD_PROPERTY_CASES", 600);
    for (uint64_t seed = first; seed < first + cases; seed++) {
        char name[32];
        snprintf(name, sizeof name, "%" PRIu64, seed);
        fixture f = {.state = seed, .a = fd_arena_new(16384, 0)};
        below(&f, 1);
        make_programs(&f);
        const fd_cel_plan_scope scope = {&sample_event, &sample_features, f.variables, N_VARIABLES};
        judged j = {.plan = fd_cel_plan_new(&scope, f.roots, N_ROOTS)};
        j.run = fd_cel_plan_run_new(j.plan, ROWS_MAX);
        j.rows = fd_cel_run_new(f.variables, N_VARIABLES, ROWS_MAX);
        for (int i = 0; i < 3; i++)
            check_batch(&f, &j, name);
        fd_cel_run_free(j.rows);
        fd_cel_plan_run_free(j.run);
        fd_cel_plan_free((fd_cel_plan *)(uintptr_t)j.plan);
        fd_arena_free(f.a);
    }
}

enum { N_CONSTANTS = 300 };

static void make_thresholds(fixture *f, const fd_cel_program **roots, char **texts)
{
    static const char *const forms[][2] = {
        {"event.amount > ", ""},   {"event.price <= ", ".5"}, {"event.card.limit < ", ""},
        {"event.price >= ", ".0"}, {"features.n == ", ""},    {"event.amount * 2 != ", ""}};
    for (uint32_t i = 0; i < N_CONSTANTS; i++) {
        const char *const *form = forms[below(f, 6)];
        texts[i] = fd_arena_printf(f->a, "%s%d%s", form[0], (int)below(f, 240) - 120, form[1]);
        roots[i] = compile(f, texts[i]);
    }
}

/* Many keys for one value, so that ranks are walked over; none is forgotten at either end. */
static void many_constants(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 3, 63, 64, 65, 130, 1024};
    static const fd_cel_program *roots[N_CONSTANTS];
    static char *texts[N_CONSTANTS];
    for (uint32_t seed = 1; seed <= 14; seed++) {
        fixture f = {.state = seed, .a = fd_arena_new(16384, 0)};
        make_thresholds(&f, roots, texts);
        const fd_cel_plan_scope scope = {&sample_event, &sample_features, NULL, 0};
        fd_cel_plan *plan = fd_cel_plan_new(&scope, roots, N_CONSTANTS);
        judged j = {.run = fd_cel_plan_run_new(plan, ROWS_MAX),
                    .rows = fd_cel_run_new(NULL, 0, ROWS_MAX),
                    .n = sizes[seed % 7]};
        j.events = random_batch(&f, &sample_event, j.n);
        j.features = random_batch(&f, &sample_features, j.n);
        for (uint32_t i = 0; i < j.n; i++) {
            j.events->root.children[1].v.i[i] = (int64_t)below(&f, 240) - 120;
            j.features->root.children[0].v.i[i] = (int64_t)below(&f, 240) - 120;
        }
        for (int level = 0; level < FD_N_KERNEL_LEVELS; level++) {
            if (!fd_cel_plan_run_use(j.run, (fd_kernel_level)level))
                continue;
            fd_cel_run_begin(j.rows, j.events, j.features);
            fd_cel_plan_begin(j.run, j.rows);
            for (uint32_t i = 0; i < N_CONSTANTS; i++)
                check_program(&f, &j, i, roots[i], texts[i], "of many_constants");
        }
        fd_batch_free(j.events);
        fd_batch_free(j.features);
        fd_cel_run_free(j.rows);
        fd_cel_plan_run_free(j.run);
        fd_cel_plan_free(plan);
        fd_arena_free(f.a);
    }
}

/* ---- kernels ---- */

typedef struct columns {
    int64_t a[ROWS_MAX], b[ROWS_MAX];
    double d[ROWS_MAX];
    uint8_t bytes[ROWS_MAX];
} columns;

static void fill_columns(fixture *f, columns *c, uint32_t n)
{
    static const int64_t ints[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, 42, INT64_MAX};
    static const double doubles[] = {-INFINITY, -1e308, -5e-324,  -0.0,       0.0,
                                     5e-324,    1.5,    INFINITY, (double)NAN};
    for (uint32_t i = 0; i < n; i++) {
        c->a[i] = ints[below(f, 7)];
        c->b[i] = ints[below(f, 7)];
        c->d[i] = doubles[below(f, 9)];
        c->bytes[i] = (uint8_t)below(f, 2);
    }
}

/* What kernels of a level say of some rows, one after the other. */
static void run_kernels(const fd_kernels *k, const columns *c, uint32_t n, uint64_t *out,
                        uint32_t *ranks, int64_t *keys)
{
    static const int64_t sorted[] = {INT64_MIN + 1, -1, 0, 0, 1, 42, 43, INT64_MAX};
    uint32_t words = fd_words(n);
    k->at_least(c->a, n, c->b[0], out);
    k->greater(c->a, c->b, n, out + words);
    k->equal(c->a, c->b, n, out + 2 * words);
    k->pack(c->bytes, n, out + 3 * words);
    k->is_nan(c->d, n, out + 4 * words);
    k->at_least_double(c->d, n, fd_key_of_double(isnan(c->d[0]) ? 0.0 : c->d[0]), out + 5 * words);
    k->rank(sorted, 8, c->a, n, ranks);
    k->order(c->d, n, keys);
}

static void all_kernels_agree(void **state)
{
    (void)state;
    enum { ANSWERS = 6 };
    static columns c;
    static uint64_t want[ANSWERS * WORDS_MAX], got[ANSWERS * WORDS_MAX];
    static uint32_t want_ranks[ROWS_MAX], ranks[ROWS_MAX];
    static int64_t want_keys[ROWS_MAX], keys[ROWS_MAX];
    fixture f = {.state = 5};
    for (uint32_t n = 1; n < 300; n++) {
        fill_columns(&f, &c, n);
        run_kernels(fd_kernels_of(FD_KERNELS_PORTABLE), &c, n, want, want_ranks, want_keys);
        for (uint32_t i = 0; i < n; i++) { /* the portable ones are right */
            assert_int_equal(want[i / 64] >> i % 64 & 1, c.a[i] >= c.b[0]);
            assert_int_equal(want[4 * fd_words(n) + i / 64] >> i % 64 & 1, isnan(c.d[i]) != 0);
            for (uint32_t j = 0; j < n && !isnan(c.d[i]) && !isnan(c.d[j]); j++)
                assert_int_equal(want_keys[i] >= want_keys[j], c.d[i] >= c.d[j]);
        }
        for (int level = 1; level < FD_N_KERNEL_LEVELS; level++) {
            const fd_kernels *k = fd_kernels_of((fd_kernel_level)level);
            if (k == NULL)
                continue;
            run_kernels(k, &c, n, got, ranks, keys);
            assert_memory_equal(got, want, ANSWERS * fd_words(n) * sizeof *got);
            assert_memory_equal(ranks, want_ranks, n * sizeof *ranks);
            assert_memory_equal(keys, want_keys, n * sizeof *keys);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_row_evaluator_says),
                                       cmocka_unit_test(many_constants),
                                       cmocka_unit_test(all_kernels_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
