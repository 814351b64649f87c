/*
 * CEL text to tree: what binds tighter, which way chains lean, what each node covers and points
 * at; and a tree written out again.
 * A tree is shown as (operator operands...), a place as from-to@at+width.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "lang/ast.h"
#include "sample.h"

static const char *head(const fd_ast *a)
{
    switch (a->kind) {
    case FD_AST_OP:
        return fd_cel_operator_name(a->op);
    case FD_AST_AND:
        return "&&";
    case FD_AST_OR:
        return "||";
    case FD_AST_COND:
        return "?:";
    case FD_AST_LIST:
        return "list";
    case FD_AST_MAP:
        return "map";
    case FD_AST_CALL:
        return "call";
    case FD_AST_METHOD:
        return "method";
    case FD_AST_SELECT:
        return ".";
    default:
        return "?";
    }
}

static void show(const fd_ast *a, bool places, fd_strbuf *out)
{
    if (a->kind == FD_AST_LITERAL) {
        sample_show(&a->literal, out);
    } else if (a->kind == FD_AST_IDENT) {
        fd_strbuf_printf(out, "%s" FD_STR_FMT, a->rooted ? "." : "", FD_STR_ARG(a->name));
    } else {
        fd_strbuf_printf(out, "(%s", head(a));
        if (a->kind == FD_AST_CALL || a->kind == FD_AST_METHOD || a->kind == FD_AST_SELECT)
            fd_strbuf_printf(out, " %s" FD_STR_FMT, a->rooted ? "." : "", FD_STR_ARG(a->name));
        for (uint32_t i = 0; i < a->n_args; i++) {
            FD_ASSERT(a->args[i]->depth < a->depth);
            fd_strbuf_putc(out, ' ');
            show(a->args[i], places, out);
        }
        fd_strbuf_putc(out, ')');
    }
    if (places)
        fd_strbuf_printf(out, " %u-%u@%u+%u", a->from, a->to, a->at, a->width);
}

typedef struct pair {
    const char *text, *want;
} pair;

static void check(const pair *p, bool places)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_arena *a = fd_arena_new(4096, 0);
    fd_cel_source src = {.text = fd_str_from(p->text)};
    const fd_ast *root = fd_cel_parse(&src, a, &d);
    fd_strbuf got = {0};
    if (root == NULL)
        fd_strbuf_printf(&got, "error: %s", d.items[0].text);
    else
        show(root, places, &got);
    if (strcmp(got.p, p->want) != 0)
        fail_msg("%s\n  want %s\n  got  %s", p->text, p->want, got.p);
    fd_strbuf_free(&got);
    fd_arena_free(a);
    fd_diags_free(&d);
}

static void check_all(const pair *pairs, size_t n, bool places)
{
    for (size_t i = 0; i < n; i++)
        check(&pairs[i], places);
}
#define CHECK(table, places) check_all(table, sizeof table / sizeof *table, places)

static void precedence(void **state)
{
    (void)state;
    static const pair table[] = {
        {"1 + 2 * 3", "(+ 1 (* 2 3))"},
        {"1 * 2 + 3", "(+ (* 1 2) 3)"},
        {"(1 + 2) * 3", "(* (+ 1 2) 3)"},
        {"1 - 2 - 3", "(- (- 1 2) 3)"},
        {"8 / 4 % 3 * 2", "(* (% (/ 8 4) 3) 2)"},
        {"a + b < c * d", "(< (+ a b) (* c d))"},
        {"a < b == c", "(== (< a b) c)"}, /* relations are one level, to the left */
        {"a == b < c", "(< (== a b) c)"},
        {"a in b == c", "(== (in a b) c)"},
        {"a + 1 in b", "(in (+ a 1) b)"},
        {"!a == b", "(== (! a) b)"},
        {"!a.b", "(! (. b a))"},
        {"!(a == b)", "(! (== a b))"},
        {"-a * b", "(* (- a) b)"},
        {"-a.b(c)", "(- (method b a c))"},
        {"a && b || c && d", "(|| (&& a b) (&& c d))"},
        {"a || b && c || d", "(|| a (&& b c) d)"},
        {"(a || b) && c", "(&& (|| a b) c)"},
        {"a == 1 && b != 2", "(&& (== a 1) (!= b 2))"},
        {"a ? b : c", "(?: a b c)"},
        {"a ? b : c ? d : e", "(?: a b (?: c d e))"},
        {"a ? (b ? c : d) : e", "(?: a (?: b c d) e)"},
        {"a || b ? c && d : e || f", "(?: (|| a b) (&& c d) (|| e f))"},
        {"a ? b || c : d", "(?: a (|| b c) d)"},
        {"a >= b", "(>= a b)"},
        {"a <= b", "(<= a b)"},
        {"a > b", "(> a b)"},
    };
    CHECK(table, false);
}

static void chains(void **state)
{
    (void)state;
    static const pair table[] = {
        {"a && b && c && d", "(&& a b c d)"}, /* flat: depth does not grow with length */
        {"a || b || c", "(|| a b c)"},
        {"(a && b) && c", "(&& (&& a b) c)"},
        {"a.b.c.d", "(. d (. c (. b a)))"},
        {"a.b(c).d[e]", "([] (. d (method b a c)) e)"},
        {"a[b][c]", "([] ([] a b) c)"},
        {"f(a)(b)", "error: expected an operator or the end, found '('"},
        {"'a'.size()", "(method size \"a\")"},
        {"[1][0]", "([] (list 1) 0)"},
        {"{'k': 1}.k", "(. k (map \"k\" 1))"},
        {"(a).b", "(. b a)"},
        {".a.b", "(. b .a)"},
        {".f(x)", "(call .f x)"},
        {"--a", "(- (- a))"},
        {"!!a", "(! (! a))"},
        {"-!a", "error: expected a value, found '!'"},
        {"- -1", "(- -1)"},
        {"--1", "(- -1)"},
        {"- 1", "(- 1)"},
        {"-1.5e3", "-1500"},
        {"-5u", "(- 5u)"},
        {"-(1)", "(- 1)"},
        {"1 -1", "(- 1 1)"},
        {"-9223372036854775808", "-9223372036854775808"},
    };
    CHECK(table, false);
}

static void values(void **state)
{
    (void)state;
    static const pair table[] = {
        {"[]", "(list)"},
        {"[1]", "(list 1)"},
        {"[1, 2,]", "(list 1 2)"},
        {"{}", "(map)"},
        {"{'a': 1, 'b': 2,}", "(map \"a\" 1 \"b\" 2)"},
        {"{a ? b : c: d}", "(map (?: a b c) d)"},
        {"f()", "(call f)"},
        {"f(a, [b], {c: d})", "(call f a (list b) (map c d))"},
        {"a.f(b, c)", "(method f a b c)"},
        {"true || false", "(|| true false)"},
        {"null == b'\\x01'", "(== null b\"01\")"},
        {"a.`b-c`", "(. b-c a)"},
        {"a.`in`", "(. in a)"},
        {"a.package", "(. package a)"}, /* reserved words are fields, not names */
        {"a.while(b)", "(method while a b)"},
        {"a // b\n + c", "(+ a c)"},
        {"  a  ", "a"},
        {"a.`b`(c)", "error: expected an operator or the end, found '('"},
        {"`a`", "error: expected a value, found a quoted name"},
    };
    CHECK(table, false);
}

static void places(void **state)
{
    (void)state;
    static const pair table[] = {
        {"abc", "abc 0-3@0+3"},
        {" 12 ", "12 1-3@1+2"},
        {"-12", "-12 0-3@0+3"},
        {"- 12", "(- 12 2-4@2+2) 0-4@0+1"},
        {"a + bc", "(+ a 0-1@0+1 bc 4-6@4+2) 0-6@2+1"},
        {"(a + b) * c", "(* (+ a 1-2@1+1 b 5-6@5+1) 0-7@3+1 c 10-11@10+1) 0-11@8+1"},
        {"a.bcd", "(. bcd a 0-1@0+1) 0-5@2+3"},
        {"a . bcd", "(. bcd a 0-1@0+1) 0-7@4+3"},
        {"a.`b`", "(. b a 0-1@0+1) 0-5@2+3"},
        {"f(x)", "(call f x 2-3@2+1) 0-4@0+1"},
        {"a.fg(x)", "(method fg a 0-1@0+1 x 5-6@5+1) 0-7@2+2"},
        {"a[12]", "([] a 0-1@0+1 12 2-4@2+2) 0-5@1+4"},
        {"[1, 2]", "(list 1 1-2@1+1 2 4-5@4+1) 0-6@0+6"},
        {"{1: 2}", "(map 1 1-2@1+1 2 4-5@4+1) 0-6@0+6"},
        {"a&&b&&c", "(&& a 0-1@0+1 b 3-4@3+1 c 6-7@6+1) 0-7@1+2"},
        {"a ? b : c", "(?: a 0-1@0+1 b 4-5@4+1 c 8-9@8+1) 0-9@2+1"},
        {"!a", "(! a 1-2@1+1) 0-2@0+1"},
        {"\n a\n==\n b", "(== a 2-3@2+1 b 8-9@8+1) 2-9@4+2"},
        {"'\xc3\xa4' + b", "(+ \"\xc3\xa4\" 0-4@0+4 b 7-8@7+1) 0-8@5+1"},
    };
    CHECK(table, true);
}

/* Flat chains, and nothing deeper than what the header promises. */
static void depth(void **state)
{
    (void)state;
    fd_strbuf text = {0};
    fd_strbuf_puts(&text, "a");
    for (int i = 0; i < 3000; i++)
        fd_strbuf_puts(&text, " && a");
    for (int i = 0; i < 3000; i++)
        fd_strbuf_puts(&text, " || a");
    fd_diags d;
    fd_diags_init(&d);
    fd_arena *a = fd_arena_new(4096, 0);
    fd_cel_source src = {.text = {text.p, (uint32_t)text.n}};
    const fd_ast *root = fd_cel_parse(&src, a, &d);
    assert_non_null(root);
    assert_int_equal(root->depth, 3);
    assert_int_equal(root->n_args, 3001);
    fd_strbuf_reset(&text);
    fd_strbuf_puts(&text, "a");
    for (int i = 0; i + 1 < FD_CEL_MAX_DEPTH; i++)
        fd_strbuf_puts(&text, ".b");
    src.text = (fd_str){text.p, (uint32_t)text.n};
    root = fd_cel_parse(&src, a, &d);
    assert_non_null(root);
    assert_int_equal(root->depth, FD_CEL_MAX_DEPTH);
    fd_strbuf_puts(&text, ".b");
    src.text = (fd_str){text.p, (uint32_t)text.n};
    assert_null(fd_cel_parse(&src, a, &d));
    assert_string_equal(d.items[0].text, "the expression nests deeper than 160");
    fd_strbuf_free(&text);
    fd_diags_free(&d);
    fd_arena_free(a);
}

/* Texts that mean the same have one spelling, others have another. */
static void canonical_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {" event.ok // why\n", "event.ok"},
        {"event.status=='declined'", "(event.status == \"declined\")"},
        {"((event.status) == (r\"declined\"))", "(event.status == \"declined\")"},
        {"event.amount+1*-2", "(event.amount + (1 * -2))"},
        {"- event.amount > 0x10", "((-event.amount) > 16)"},
        {"event.price > 1.0", "(event.price > 1.0)"},
        {"event.price > 1e3", "(event.price > 1000.0)"},
        {"event.price > .1", "(event.price > 0.10000000000000001)"},
        {"event.price > 1e300", "(event.price > 1.0000000000000001e+300)"},
        {"1u==1U", "(1u == 1u)"},
        {"--1 == -(1)", "((-(-1)) == (-(1)))"},
        {"!true", "(!(true))"},
        {"a && b||c", "((a && b) || c)"},
        {"a && (b||c) && !d", "(a && (b || c) && (!d))"},
        {"has(event.ip)?event.ip:\"\"", "(has(event.ip) ? event.ip : \"\")"},
        {"event.id.contains('a\"\\\\\\n')", "event.id.contains(\"a\\\"\\\\\\x0a\")"},
        {"event.id == 'é'", "(event.id == \"é\")"},
        {"event.raw == b'é'", "(event.raw == b\"\\xc3\\xa9\")"},
        {"event.tags[ 0 ] in ['a',\"b\"]", "(event.tags[0] in [\"a\", \"b\"])"},
        {"{'a':1}['a'] == null", "({\"a\": 1}[\"a\"] == null)"},
        {"event.`odd-name` && true", "(event.`odd-name` && true)"},
        {"event. ? ip . orValue( '' )", "event.?ip.orValue(\"\")"},
        {"event.tags[? 0]", "event.tags[?0]"},
        {"[ ?a, b, ? (c ? d : e)]", "[?a, b, ?(c ? d : e)]"},
        {"{ ?'k' : a, 'l': b}", "{?\"k\": a, \"l\": b}"},
        {".a . b + .f(1)", "(.a.b + .f(1))"},
        {"a.exists( x,x==1 )", "a.exists(x, (x == 1))"},
    };
    fd_arena *a = fd_arena_new(4096, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_cel_source src = {.text = fd_str_from(cases[i].text)};
        fd_str got = fd_cel_canonical(&src, a);
        assert_string_equal(got.p, cases[i].want);
        fd_cel_source again = {.text = got};
        assert_string_equal(fd_cel_canonical(&again, a).p, cases[i].want);
    }
    fd_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence), cmocka_unit_test(chains),
        cmocka_unit_test(values),     cmocka_unit_test(places),
        cmocka_unit_test(depth),      cmocka_unit_test(canonical_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
