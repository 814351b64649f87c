/*
 * Random well-typed expressions against a naive reading of CEL: one value at a time, no columns,
 * no folding, no kernels. Whatever the rows asked for, their order and number, and whichever
 * evaluator is asked, the answers (values, and which error) must be the oracle's.
 *
 * FRAUDD_PROPERTY_CASES: how many expressions; FRAUDD_PROPERTY_SEED: the first seed.
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
#include "sample.h"

typedef enum sort { BOOL, INT, DOUBLE, TEXT, N_TYPES } sort;

typedef enum how {
    LITERAL,
    FIELD,    /* text: its path */
    HAS,      /* text: its path */
    VARIABLE, /* i: which */
    NOT,
    NEG,
    AND,
    OR,
    COND,
    COMPARE, /* text: the operator */
    MATH,    /* text: the operator */
    IN,      /* args[0] in [args[1], args[2]] */
    CONVERT, /* text: the function */
    LOCAL,   /* i: which name, x0, x1, ... */
    LOOP,    /* [args[0], args[1]].text(xi, args[2]): all, exists, exists_one */
    TAGS,    /* event.tags.text(xi, args[0]) */
    COUNT,   /* [args[0], args[1]].filter(xi, args[2]).size() */
    PICK,    /* [args[0], args[1]].map(xi, args[2])[1] */
    BIND,    /* cel.bind(xi, args[0], args[1]) */
    CHOOSE,  /* (args[0] ? optional.of(args[1]) : optional.none()).orValue(args[2]) */
} how;

typedef struct expr {
    sort t;
    how f;
    const char *text;
    int64_t i;
    double d;
    int n_args;
    struct expr *args[3];
} expr;

enum { N_VARIABLES = 2, ROWS_MAX = 600, LOCALS_MAX = 6 };

typedef struct fixture {
    uint64_t state;
    fd_arena *a;
    expr *variables[N_VARIABLES];
    const fd_cel_program *programs[N_VARIABLES];
    int n_variables;
    sort locals[LOCALS_MAX]; /* of the names around what is made */
    fd_cel_value values[LOCALS_MAX];
    int n_locals;
} fixture;

/* ---- making ---- */

static uint32_t below(fixture *f, uint32_t n)
{
    f->state = f->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(f->state >> 33) % n;
}

static expr *make(fixture *f, sort t, int depth);

static expr *new_expr(fixture *f, sort t, how how_made, const char *text)
{
    expr *e = fd_arena_zalloc(f->a, sizeof *e);
    FD_ALLOCATED(e);
    e->t = t;
    e->f = how_made;
    e->text = text;
    return e;
}

static expr *with(fixture *f, expr *e, sort t, int depth)
{
    e->args[e->n_args++] = make(f, t, depth - 1);
    return e;
}

static expr *leaf(fixture *f, sort t)
{
    static const int64_t ints[] = {0, 1, -1, 2, 7, 100, INT64_MAX, INT64_MIN};
    static const double doubles[] = {0.0, 1.5, -2.0, 1e308, 0.1};
    static const char *const texts[] = {"", "a", "10.0.0.1", "\xc3\xa4"};
    static const char *const fields[][2] = {[BOOL] = {"event.ok", "event.ok"},
                                            [INT] = {"event.amount", "event.card.limit"},
                                            [DOUBLE] = {"event.price", "event.price"},
                                            [TEXT] = {"event.id", "event.ip"}};
    static const char *const nullable[] = {"event.ip", "event.card", "event.card.limit"};
    if (t == BOOL && below(f, 3) == 0)
        return new_expr(f, t, HAS, nullable[below(f, 3)]);
    for (int i = f->n_locals; i-- > 0;) {
        if (f->locals[i] == t && below(f, 2) == 0) {
            expr *e = new_expr(f, t, LOCAL, NULL);
            e->i = i;
            return e;
        }
    }
    for (int i = 0; i < f->n_variables; i++) {
        if (f->variables[i]->t == t && below(f, 3) == 0) {
            expr *e = new_expr(f, t, VARIABLE, NULL);
            e->i = i;
            return e;
        }
    }
    if (below(f, 3) != 0)
        return new_expr(f, t, FIELD, fields[t][below(f, 2)]);
    expr *e = new_expr(f, t, LITERAL, texts[below(f, 4)]);
    e->i = t == BOOL ? below(f, 2) : ints[below(f, 8)];
    e->d = doubles[below(f, 5)];
    return e;
}

/* The part of e in which the name xi stands for a value of sort `named`. */
static expr *with_name(fixture *f, expr *e, sort named, sort t, int depth)
{
    e->i = f->n_locals;
    f->locals[f->n_locals++] = named;
    with(f, e, t, depth);
    f->n_locals--;
    return e;
}

static expr *make_macro(fixture *f, sort t, int depth)
{
    static const char *const loops[] = {"all", "exists", "exists_one"};
    sort of = below(f, N_TYPES);
    uint32_t kind = below(f, 3);
    if (kind == 0) {
        expr *e = with(f, new_expr(f, t, CHOOSE, NULL), BOOL, depth);
        return with(f, with(f, e, t, depth), t, depth);
    }
    if (kind == 1)
        return with_name(f, with(f, new_expr(f, t, BIND, NULL), of, depth), of, t, depth);
    if (t == BOOL && below(f, 3) == 0)
        return with_name(f, new_expr(f, t, TAGS, loops[below(f, 3)]), TEXT, BOOL, depth);
    how h = t == BOOL ? LOOP : t == INT && below(f, 2) ? COUNT : PICK;
    expr *e = new_expr(f, t, h, h == LOOP ? loops[below(f, 3)] : NULL);
    with(f, with(f, e, of, depth), of, depth);
    return with_name(f, e, of, h == PICK ? t : BOOL, depth);
}

static expr *make_bool(fixture *f, int depth)
{
    static const char *const relations[] = {"<", "<=", ">", ">=", "==", "!="};
    expr *e;
    sort t;
    switch (below(f, 8)) {
    case 0:
        return with(f, new_expr(f, BOOL, NOT, NULL), BOOL, depth);
    case 1:
    case 2:
    case 3:
        e = new_expr(f, BOOL, below(f, 2) ? AND : OR, NULL);
        for (uint32_t n = 2 + below(f, 2); n > 0; n--)
            with(f, e, BOOL, depth);
        return e;
    case 4:
        t = INT + below(f, 3);
        e = with(f, new_expr(f, BOOL, IN, NULL), t, depth);
        return with(f, with(f, e, t, depth), t, depth);
    default:
        t = below(f, N_TYPES);
        e = with(f, new_expr(f, BOOL, COMPARE, relations[below(f, 6)]), t, depth);
        return with(f, e, t, depth);
    }
}

static expr *make_number(fixture *f, sort t, int depth)
{
    static const char *const operators[] = {"+", "-", "*", "/", "%"};
    if (below(f, 5) == 0)
        return with(f, new_expr(f, t, NEG, NULL), t, depth);
    if (below(f, 5) == 0 && t == DOUBLE)
        return with(f, new_expr(f, t, CONVERT, "double"), INT, depth);
    if (below(f, 5) == 0 && t == INT)
        return below(f, 2) ? with(f, new_expr(f, t, CONVERT, "int"), DOUBLE, depth)
                           : with(f, new_expr(f, t, CONVERT, "size"), TEXT, depth);
    expr *e = new_expr(f, t, MATH, operators[below(f, t == INT ? 5 : 4)]);
    return with(f, with(f, e, t, depth), t, depth);
}

static expr *make(fixture *f, sort t, int depth)
{
    if (depth <= 0 || below(f, 6) == 0)
        return leaf(f, t);
    if (below(f, 6) == 0) {
        expr *e = with(f, new_expr(f, t, COND, NULL), BOOL, depth);
        return with(f, with(f, e, t, depth), t, depth);
    }
    if (below(f, 5) == 0 && f->n_locals < LOCALS_MAX)
        return make_macro(f, t, depth);
    if (t == BOOL)
        return make_bool(f, depth);
    if (t != TEXT)
        return make_number(f, t, depth);
    if (below(f, 3) == 0)
        return with(f, new_expr(f, t, CONVERT, "string"), INT, depth);
    return with(f, with(f, new_expr(f, t, MATH, "+"), t, depth), t, depth);
}

/* ---- writing ---- */

static void write_literal(const expr *e, fd_strbuf *out)
{
    if (e->t == BOOL)
        fd_strbuf_puts(out, e->i ? "true" : "false");
    else if (e->t == INT)
        fd_strbuf_printf(out, "%" PRId64, e->i);
    else if (e->t == DOUBLE)
        fd_strbuf_printf(out, "%.17e", e->d);
    else
        fd_strbuf_printf(out, "\"%s\"", e->text);
}

static void write_expr(const expr *e, fd_strbuf *out);

/* Pieces with a "$" where the next argument goes and a "#" for the name. */
static void write_pieces(const expr *e, const char *pieces, fd_strbuf *out)
{
    int next = 0;
    for (const char *p = pieces; *p != '\0'; p++) {
        if (*p == '$')
            write_expr(e->args[next++], out);
        else if (*p == '#')
            fd_strbuf_printf(out, "x%d", (int)e->i);
        else if (*p == '@')
            fd_strbuf_puts(out, e->text);
        else
            fd_strbuf_putc(out, *p);
    }
}

static const char *const macro_pieces[] = {
    [LOCAL] = "#",
    [LOOP] = "[$, $].@(#, $)",
    [TAGS] = "event.tags.@(#, $)",
    [COUNT] = "[$, $].filter(#, $).size()",
    [PICK] = "[$, $].map(#, $)[1]",
    [BIND] = "cel.bind(#, $, $)",
    [CHOOSE] = "($ ? optional.of($) : optional.none()).orValue($)",
};

static void write_expr(const expr *e, fd_strbuf *out)
{
    static const char *const between[] = {[AND] = " && ", [OR] = " || ", [IN] = " in ["};
    if (e->f == LITERAL) {
        write_literal(e, out);
        return;
    }
    if (e->f >= LOCAL) {
        write_pieces(e, macro_pieces[e->f], out);
        return;
    }
    if (e->f == VARIABLE)
        fd_strbuf_printf(out, "variables.v%d", (int)e->i);
    else if (e->f == HAS)
        fd_strbuf_printf(out, "has(%s)", e->text);
    else if (e->f == FIELD || e->f == CONVERT)
        fd_strbuf_puts(out, e->text);
    if (e->n_args == 0)
        return;
    fd_strbuf_puts(out, e->f == NOT ? "(!" : e->f == NEG ? "(- " : "(");
    for (int i = 0; i < e->n_args; i++) {
        if (i != 0 && (e->f == COMPARE || e->f == MATH))
            fd_strbuf_printf(out, " %s ", e->text);
        else if (i != 0)
            fd_strbuf_puts(out, e->f == COND           ? (i == 1 ? " ? " : " : ")
                                : e->f == IN && i == 2 ? ", "
                                                       : between[e->f]);
        write_expr(e->args[i], out);
    }
    fd_strbuf_puts(out, e->f == IN ? "])" : ")");
}

/* ---- the oracle ---- */

static fd_cel_value ask(fixture *f, const expr *e, int row);

static fd_cel_value field_value(const char *path, int row)
{
    static const int64_t amounts[] = {100, -7, INT64_MAX};
    static const double prices[] = {1.5, NAN, 0.0};
    static const char *const ips[] = {"10.0.0.1", NULL, "nonsense"};
    static const char *const ids[] = {"a", "b", "c"};
    if (strcmp(path, "event.ok") == 0)
        return fd_cel_bool(row != 1);
    if (strcmp(path, "event.amount") == 0)
        return fd_cel_int(amounts[row]);
    if (strcmp(path, "event.price") == 0)
        return fd_cel_double(prices[row]);
    if (strcmp(path, "event.id") == 0)
        return fd_cel_string(fd_str_from(ids[row]));
    if (strcmp(path, "event.ip") == 0 && ips[row] != NULL)
        return fd_cel_string(fd_str_from(ips[row]));
    if (strcmp(path, "event.card.limit") == 0 && row == 0)
        return fd_cel_int(5);
    if (strcmp(path, "event.card") == 0 && row != 2)
        return fd_cel_bool(true); /* only asked for by has() */
    return fd_cel_error(FD_CEL_E_ABSENT);
}

static fd_cel_value overflow_or(bool overflow, int64_t i)
{
    return overflow ? fd_cel_error(FD_CEL_E_OVERFLOW) : fd_cel_int(i);
}

static fd_cel_value int_math(char op, int64_t x, int64_t y)
{
    __int128 wide = op == '+' ? (__int128)x + y : op == '-' ? (__int128)x - y : (__int128)x * y;
    if (op == '/' || op == '%') {
        if (y == 0)
            return fd_cel_error(op == '/' ? FD_CEL_E_DIVISION : FD_CEL_E_MODULUS);
        if (x == INT64_MIN && y == -1)
            return fd_cel_error(FD_CEL_E_OVERFLOW);
        return fd_cel_int(op == '/' ? x / y : x % y);
    }
    return overflow_or(wide > INT64_MAX || wide < INT64_MIN, (int64_t)wide);
}

static fd_cel_value math(fixture *f, char op, const fd_cel_value *x, const fd_cel_value *y)
{
    if (x->kind == FD_CEL_INT)
        return int_math(op, x->v.i, y->v.i);
    if (x->kind == FD_CEL_DOUBLE) {
        double a = x->v.d, b = y->v.d;
        return fd_cel_double(op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b);
    }
    char *p = fd_arena_printf(f->a, "%.*s%.*s", (int)x->n, x->v.p, (int)y->n, y->v.p);
    return fd_cel_string((fd_str){p, x->n + y->n});
}

static bool relates(const char *op, const fd_cel_value *x, const fd_cel_value *y)
{
    bool less = false, equal = false, more = false;
    if (x->kind == FD_CEL_STRING) {
        int c = strcmp(x->v.p, y->v.p);
        less = c<0, equal = c == 0, more = c> 0;
    } else if (x->kind == FD_CEL_DOUBLE) {
        less = x->v.d<y->v.d, equal = x->v.d == y->v.d, more = x->v.d> y->v.d;
    } else {
        int64_t a = x->kind == FD_CEL_BOOL ? x->v.b : x->v.i;
        int64_t b = y->kind == FD_CEL_BOOL ? y->v.b : y->v.i;
        less = a<b, equal = a == b, more = a> b;
    }
    switch (op[0]) {
    case '<':
        return less || (op[1] == '=' && equal);
    case '>':
        return more || (op[1] == '=' && equal);
    case '=':
        return equal;
    default:
        return !equal;
    }
}

static fd_cel_value convert(fixture *f, const char *to, const fd_cel_value *x)
{
    if (strcmp(to, "double") == 0)
        return fd_cel_double((double)x->v.i);
    if (strcmp(to, "size") == 0) {
        int64_t n = 0;
        for (uint32_t i = 0; i < x->n; i++)
            n += ((unsigned char)x->v.p[i] & 0xC0) != 0x80;
        return fd_cel_int(n);
    }
    if (strcmp(to, "int") == 0) {
        bool fits = x->v.d > -0x1p63 && x->v.d < 0x1p63;
        return fits ? fd_cel_int((int64_t)x->v.d) : fd_cel_error(FD_CEL_E_CONVERSION);
    }
    return fd_cel_string(fd_str_from(fd_arena_printf(f->a, "%" PRId64, x->v.i)));
}

/* && and || look at everything: what decides wins, else the first error, else the neutral one. */
static fd_cel_value logic(fixture *f, const expr *e, int row)
{
    fd_cel_value result = fd_cel_bool(e->f == AND);
    for (int i = 0; i < e->n_args; i++) {
        fd_cel_value v = ask(f, e->args[i], row);
        if (v.kind == FD_CEL_BOOL && v.v.b == (e->f == OR))
            return v;
        if (v.kind == FD_CEL_ERROR && result.kind != FD_CEL_ERROR)
            result = v;
    }
    return result;
}

/* all, exists, exists_one: what decides wins over errors, but exists_one wants to see all. */
static fd_cel_value loop(fixture *f, const expr *e, const expr *body, const fd_cel_value *items,
                         int n, int row)
{
    bool one = strcmp(e->text, "exists_one") == 0, all = strcmp(e->text, "all") == 0;
    fd_cel_value result = fd_cel_bool(all);
    int hits = 0;
    for (int i = 0; i < n; i++) {
        f->values[e->i] = items[i];
        fd_cel_value v = ask(f, body, row);
        if (v.kind == FD_CEL_ERROR && result.kind != FD_CEL_ERROR)
            result = v;
        if (v.kind == FD_CEL_BOOL && !one && v.v.b != all)
            return v;
        hits += v.kind == FD_CEL_BOOL && v.v.b;
    }
    return one && result.kind != FD_CEL_ERROR ? fd_cel_bool(hits == 1) : result;
}

/* Over the two elements of a list literal: LOOP, COUNT, PICK. */
static fd_cel_value over_two(fixture *f, const expr *e, int row)
{
    fd_cel_value items[2] = {ask(f, e->args[0], row), ask(f, e->args[1], row)};
    for (int i = 0; i < 2; i++) {
        if (items[i].kind == FD_CEL_ERROR)
            return items[i];
    }
    if (e->f == LOOP)
        return loop(f, e, e->args[2], items, 2, row);
    int64_t count = 0;
    fd_cel_value last = fd_cel_bool(false);
    for (int i = 0; i < 2; i++) {
        f->values[e->i] = items[i];
        last = ask(f, e->args[2], row);
        if (last.kind == FD_CEL_ERROR)
            return last;
        count += last.kind == FD_CEL_BOOL && last.v.b;
    }
    return e->f == PICK ? last : fd_cel_int(count);
}

static fd_cel_value over_tags(fixture *f, const expr *e, int row)
{
    static const int counts[] = {2, 0, 1};
    fd_cel_value items[2] = {fd_cel_string(FD_STR("x")), fd_cel_string(FD_STR("y"))};
    return loop(f, e, e->args[0], items, counts[row], row);
}

/* A variable has names of its own. */
static fd_cel_value ask_variable(fixture *f, int which, int row)
{
    fd_cel_value around[LOCALS_MAX];
    memcpy(around, f->values, sizeof around);
    fd_cel_value v = ask(f, f->variables[which], row);
    memcpy(f->values, around, sizeof around);
    return v;
}

static fd_cel_value ask_macro(fixture *f, const expr *e, int row)
{
    fd_cel_value v;
    switch (e->f) {
    case LOCAL:
        return f->values[e->i];
    case TAGS:
        return over_tags(f, e, row);
    case BIND:
        v = ask(f, e->args[0], row);
        f->values[e->i] = v;
        return ask(f, e->args[1], row);
    case CHOOSE:
        v = ask(f, e->args[0], row);
        return v.kind == FD_CEL_ERROR ? v : ask(f, e->args[v.v.b ? 1 : 2], row);
    default:
        return over_two(f, e, row);
    }
}

static fd_cel_value strict(fixture *f, const expr *e, int row)
{
    fd_cel_value v[3];
    for (int i = 0; i < e->n_args; i++)
        v[i] = ask(f, e->args[i], row);
    for (int i = 0; i < e->n_args; i++) {
        if (v[i].kind == FD_CEL_ERROR)
            return v[i];
    }
    switch (e->f) {
    case NOT:
        return fd_cel_bool(!v[0].v.b);
    case NEG:
        return e->t == DOUBLE
                   ? fd_cel_double(-v[0].v.d)
                   : overflow_or(v[0].v.i == INT64_MIN, (int64_t)(0 - (uint64_t)v[0].v.i));
    case COMPARE:
        return fd_cel_bool(relates(e->text, &v[0], &v[1]));
    case MATH:
        return math(f, e->text[0], &v[0], &v[1]);
    case IN:
        return fd_cel_bool(relates("==", &v[0], &v[1]) || relates("==", &v[0], &v[2]));
    default:
        return convert(f, e->text, &v[0]);
    }
}

static fd_cel_value ask(fixture *f, const expr *e, int row)
{
    fd_cel_value v;
    switch (e->f) {
    case LITERAL:
        return e->t == BOOL     ? fd_cel_bool(e->i != 0)
               : e->t == INT    ? fd_cel_int(e->i)
               : e->t == DOUBLE ? fd_cel_double(e->d)
                                : fd_cel_string(fd_str_from(e->text));
    case FIELD:
        return field_value(e->text, row);
    case HAS:
        return fd_cel_bool(field_value(e->text, row).kind != FD_CEL_ERROR);
    case VARIABLE:
        return ask_variable(f, (int)e->i, row);
    case AND:
    case OR:
        return logic(f, e, row);
    case COND:
        v = ask(f, e->args[0], row);
        return v.kind == FD_CEL_ERROR ? v : ask(f, e->args[v.v.b ? 1 : 2], row);
    case LOCAL:
    case LOOP:
    case TAGS:
    case COUNT:
    case PICK:
    case BIND:
    case CHOOSE:
        return ask_macro(f, e, row);
    default:
        return strict(f, e, row);
    }
}

/* ---- the test ---- */

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    fixture *f = ctx;
    assert_true(name.n == 2 && name.p[0] == 'v');
    *slot = (uint32_t)(name.p[1] - '0');
    *type = fd_cel_program_type(f->programs[*slot]);
    return FD_CEL_FOUND;
}

static const fd_cel_program *compile(fixture *f, const expr *e, fd_strbuf *text)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf_reset(text);
    write_expr(e, text);
    fd_cel_scope scope = {.event = &sample_event, .ctx = f, .variable = find_variable};
    fd_cel_source src = {.text = {text->p, (uint32_t)text->n}};
    const fd_cel_program *p = fd_cel_compile(&scope, &src, f->a, &d);
    if (p == NULL)
        fail_msg("%s\n%s", text->p, d.items[0].text);
    fd_diags_free(&d);
    return p;
}

static bool same(const fd_cel_value *x, const fd_cel_value *y)
{
    if (x->kind != y->kind)
        return false;
    switch (x->kind) {
    case FD_CEL_ERROR:
        return x->n == y->n;
    case FD_CEL_DOUBLE:
        return (isnan(x->v.d) && isnan(y->v.d)) || memcmp(&x->v.d, &y->v.d, sizeof x->v.d) == 0;
    case FD_CEL_STRING:
        return fd_str_eq(fd_cel_text(x), fd_cel_text(y));
    case FD_CEL_BOOL:
        return x->v.b == y->v.b;
    default:
        return x->v.i == y->v.i;
    }
}

static uint8_t as_byte(const fd_cel_value *v)
{
    return v->kind == FD_CEL_ERROR ? FD_CEL_FAILED : v->v.b ? FD_CEL_TRUE : FD_CEL_FALSE;
}

static void check(fixture *f, const expr *e, const fd_batch *b, const char *seed)
{
    static uint32_t own[ROWS_MAX];
    static fd_cel_value got[ROWS_MAX];
    static uint8_t bytes[ROWS_MAX];
    fd_strbuf text = {0};
    const fd_cel_program *p = compile(f, e, &text);
    fd_cel_value want[3];
    for (int row = 0; row < 3; row++)
        want[row] = ask(f, e, row);
    fd_cel_run *r = fd_cel_run_new(f->programs, (uint32_t)f->n_variables, 8);
    for (int round = 0; round < 4; round++) {
        const uint32_t *rows = own;
        uint32_t n = round == 0 ? 1 : 1 + below(f, round == 1 ? 8 : ROWS_MAX);
        for (uint32_t i = 0; i < n; i++)
            own[i] = below(f, 3);
        if (round == 3) {
            n = 1 + below(f, 3);
            rows = fd_cel_run_all(r) + 3 - n;
        }
        fd_cel_run_begin(r, b, NULL);
        if (e->t == BOOL)
            fd_cel_test(r, p, rows, n, bytes);
        fd_cel_eval(r, p, rows, n, got);
        for (uint32_t i = 0; i < n; i++) {
            fd_strbuf have = {0}, wanted = {0};
            if (same(&got[i], &want[rows[i]]) &&
                (e->t != BOOL || bytes[i] == as_byte(&want[rows[i]])))
                continue;
            sample_show(&got[i], &have);
            sample_show(&want[rows[i]], &wanted);
            fail_msg("seed %s, row %u of %u: %s\n  want %s\n  got  %s, as a byte %d", seed, rows[i],
                     n, text.p, wanted.p, have.p, e->t == BOOL ? bytes[i] : -1);
        }
    }
    fd_cel_run_free(r);
    fd_strbuf_free(&text);
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void random_expressions(void **state)
{
    (void)state;
    uint64_t first = env_number("FRAUDD_PROPERTY_SEED", 1);
    uint64_t cases = env_number("FRAUDD_PROPERTY_CASES", 20000);
    fd_batch *b = sample_batch();
    for (uint64_t seed = first; seed < first + cases; seed++) {
        char name[32];
        snprintf(name, sizeof name, "%" PRIu64, seed);
        fixture f = {.state = seed, .a = fd_arena_new(4096, 0)};
        fd_strbuf text = {0};
        below(&f, 1);
        for (int i = 0; i < N_VARIABLES; i++) {
            expr *v = make(&f, below(&f, N_TYPES), 3);
            f.programs[i] = compile(&f, v, &text);
            f.variables[i] = v;
            f.n_variables = i + 1;
        }
        check(&f, make(&f, below(&f, 2) ? BOOL : below(&f, N_TYPES), 2 + (int)below(&f, 4)), b,
              name);
        fd_strbuf_free(&text);
        fd_arena_free(f.a);
    }
    fd_batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_expressions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
