/*
 * CEL text to tokens: kinds, places and values of every token, what runs into what, and that
 * the lexer goes on after an error and never past the end. Language definition, "Syntax".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "lang/lex.h"

static void show_token(const fd_token *t, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%s%u+%u %s", out->n == 0 ? "" : " | ", t->at, t->n,
                     fd_tok_name(t->kind));
    switch (t->kind) {
    case FD_TOK_INT:
    case FD_TOK_UINT:
        fd_strbuf_printf(out, " %llu", (unsigned long long)t->v.u);
        break;
    case FD_TOK_DOUBLE:
        fd_strbuf_printf(out, " %.17g", t->v.d);
        break;
    case FD_TOK_ERROR:
    case FD_TOK_IDENT:
    case FD_TOK_QUOTED_IDENT:
    case FD_TOK_STRING:
        fd_strbuf_printf(out, " " FD_STR_FMT, FD_STR_ARG(t->v.s));
        break;
    case FD_TOK_BYTES:
        for (uint32_t i = 0; i < t->v.s.n; i++)
            fd_strbuf_printf(out, " %02x", (unsigned char)t->v.s.p[i]);
        break;
    default:
        break;
    }
}

/* All tokens of a text but the end, as text. */
static void check(fd_str text, const char *want)
{
    fd_arena *a = fd_arena_new(4096, 0);
    fd_lexer lx = {.src = text, .arena = a};
    fd_strbuf got = {0};
    uint32_t covered = 0;
    for (;;) {
        fd_token t = fd_lex_next(&lx);
        if (t.kind == FD_TOK_END) {
            assert_int_equal(t.at, text.n);
            assert_int_equal(t.n, 0);
            break;
        }
        assert_true(t.at >= covered && t.n > 0 && t.at + t.n <= text.n);
        covered = t.at + t.n;
        show_token(&t, &got);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(fd_lex_next(&lx).kind, FD_TOK_END);
    if (strcmp(got.n == 0 ? "" : got.p, want) != 0)
        fail_msg(FD_STR_FMT "\n  want %s\n  got  %s", FD_STR_ARG(text), want, got.p);
    fd_strbuf_free(&got);
    fd_arena_free(a);
}

typedef struct pair {
    const char *text, *want;
} pair;

static void check_pairs(const pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check(fd_str_from(pairs[i].text), pairs[i].want);
}
#define CHECK(table) check_pairs(table, sizeof table / sizeof *table)

static void numbers(void **state)
{
    (void)state;
    static const pair table[] = {
        {"0", "0+1 an int 0"},
        {"007", "0+3 an int 7"},
        {"18446744073709551615", "0+20 an int 18446744073709551615"},
        {"9u 9U", "0+2 a uint 9 | 3+2 a uint 9"},
        {"0x1f 0XAbu", "0+4 an int 31 | 5+5 a uint 171"},
        {"0xFFFFFFFFFFFFFFFF", "0+18 an int 18446744073709551615"},
        {"1.5 .5 1e3 1E+3 2.5e-1", "0+3 a double 1.5 | 4+2 a double 0.5 | 7+3 a double 1000 | "
                                   "11+4 a double 1000 | 16+6 a double 0.25"},
        {"1e400", "0+5 a double inf"},
        {"1e-400", "0+6 a double 0"},
        {"-5", "0+1 '-' | 1+1 an int 5"},
        {"1.", "0+1 an int 1 | 1+1 '.'"},
        {"1.x", "0+1 an int 1 | 1+1 '.' | 2+1 a name x"},
        {"1..5", "0+1 an int 1 | 1+1 '.' | 2+2 a double 0.5"},
        {"1.5.5", "0+3 a double 1.5 | 3+2 a double 0.5"},
        {"1e", "0+2 an error a number runs into letters"},
        {"1e+", "0+2 an error a number runs into letters | 2+1 '+'"},
        {"0x", "0+2 an error a number runs into letters"},
        {"0xg1", "0+4 an error a number runs into letters"},
        {"5ul", "0+3 an error a number runs into letters"},
        {"12_000", "0+6 an error a number runs into letters"},
        {"1.5u", "0+4 an error a number runs into letters"},
        {"18446744073709551616", "0+20 an error the number does not fit into 64 bits"},
        {"0x10000000000000000", "0+19 an error the number does not fit into 64 bits"},
        {"99999999999999999999u 1", "0+21 an error the number does not fit into 64 bits | "
                                    "22+1 an int 1"},
    };
    CHECK(table);
}

static void words(void **state)
{
    (void)state;
    static const pair table[] = {
        {"a _ _a1 A9", "0+1 a name a | 2+1 a name _ | 4+3 a name _a1 | 8+2 a name A9"},
        {"true false null in", "0+4 true | 5+5 false | 11+4 null | 16+2 'in'"},
        {"True inn truefalse nullx",
         "0+4 a name True | 5+3 a name inn | 9+9 a name truefalse | 19+5 a name nullx"},
        {"package", "0+7 a name package"}, /* the parser says more of it than the lexer could */
        {"`a.b-c/d e_1`", "0+13 a quoted name a.b-c/d e_1"},
        {"``", "0+1 an error a quoted name is not closed by '`' | "
               "1+1 an error a quoted name is not closed by '`'"},
        {"`a\"b`", "0+2 an error a quoted name is not closed by '`' | "
                   "2+3 an error a string is not closed"},
        {"b r br rb x", "0+1 a name b | 2+1 a name r | 4+2 a name br | 7+2 a name rb | "
                        "10+1 a name x"},
        {"\xc3\xa4 x", "0+2 an error a character that has no meaning here | 3+1 a name x"},
        {"\xff x", "0+1 an error a character that has no meaning here | 2+1 a name x"},
    };
    CHECK(table);
}

static void strings(void **state)
{
    (void)state;
    static const pair table[] = {
        {"'a' \"b\"", "0+3 a string a | 4+3 a string b"},
        {"''", "0+2 a string "},
        {"''''''", "0+6 a string "},
        {"'''a'b''c'''", "0+12 a string a'b''c"},
        {"\"\"\"a\n\"b\"\"\"", "0+10 a string a\n\"b"},
        {"'a\"b' \"a'b\"", "0+5 a string a\"b | 6+5 a string a'b"},
        {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'", "0+26 a string \a\b\f\n\r\t\v\\?\"'`"},
        {"'\\x41\\X42\\103\\u00e4\\U0001F431'", "0+30 a string ABC\xc3\xa4\xf0\x9f\x90\xb1"},
        {"'\\x7f\\xff'", "0+10 a string \x7f\xc3\xbf"}, /* characters, not bytes */
        {"r'\\n' R\"\\\"", "0+5 a string \\n | 6+4 a string \\"},
        {"r'''\\'''", "0+8 a string \\"},
        {"b'\\x00\\xff\\377a' B\"\xc3\xa4\"", "0+16 bytes 00 ff ff 61 | 17+5 bytes c3 a4"},
        {"br'\\x' bR'' Br'''a'''", "0+6 bytes 5c 78 | 7+4 bytes | 12+9 bytes 61"},
        {"rb'x'", "0+2 a name rb | 2+3 a string x"},
        {"'abc", "0+4 an error a string is not closed"},
        {"'a\nc'", "0+2 an error a string is not closed | 3+1 a name c | "
                   "4+1 an error a string is not closed"},
        {"'''a''", "0+6 an error a string is not closed"},
        {"'\\'", "0+3 an error a string is not closed"},
        {"'\\", "0+2 an error a string is not closed"},
        {"'\\q' 1", "1+2 an error an unknown escape in a string | 5+1 an int 1"},
        {"'\\8' '\\400'",
         "1+2 an error an unknown escape in a string | 6+2 an error an unknown escape in a string"},
        {"'\\08'", "1+2 an error an escape has too few digits or is out of range"},
        {"'\\ud7ff\\ue000'", "0+14 a string \xed\x9f\xbf\xee\x80\x80"},
        {"'\\uD800'", "1+6 an error the escape is not a Unicode character"},
        {"'\\U0010FFFF'", "0+12 a string \xf4\x8f\xbf\xbf"},
        {"'\\U00110000'", "1+10 an error the escape is not a Unicode character"},
        {"b'\\u0041'", "2+6 an error \\u and \\U stand for characters, not for bytes"},
    };
    CHECK(table);
}

static void punctuation_and_blanks(void **state)
{
    (void)state;
    static const pair table[] = {
        {"", ""},
        {" \t\r\n\f", ""},
        {"// to the end", ""},
        {"1// one\n2//", "0+1 an int 1 | 8+1 an int 2"},
        {"1/ /2", "0+1 an int 1 | 1+1 '/' | 3+1 '/' | 4+1 an int 2"},
        {"()[]{}.,:?", "0+1 '(' | 1+1 ')' | 2+1 '[' | 3+1 ']' | 4+1 '{' | 5+1 '}' | 6+1 '.' | "
                       "7+1 ',' | 8+1 ':' | 9+1 '?'"},
        {"+-*%!<>", "0+1 '+' | 1+1 '-' | 2+1 '*' | 3+1 '%' | 4+1 '!' | 5+1 '<' | 6+1 '>'"},
        {"<=>===!=&&||", "0+2 '<=' | 2+2 '>=' | 4+2 '==' | 6+2 '!=' | 8+2 '&&' | 10+2 '||'"},
        {"= & |", "0+1 an error '=' does not assign or compare | "
                  "2+1 an error '&' is not an operator | 4+1 an error '|' is not an operator"},
        {"&&&", "0+2 '&&' | 2+1 an error '&' is not an operator"},
        {"\v@#$~;^\\", "0+1 an error a character that has no meaning here | "
                       "1+1 an error a character that has no meaning here | "
                       "2+1 an error a character that has no meaning here | "
                       "3+1 an error a character that has no meaning here | "
                       "4+1 an error a character that has no meaning here | "
                       "5+1 an error a character that has no meaning here | "
                       "6+1 an error a character that has no meaning here | "
                       "7+1 an error a character that has no meaning here"},
    };
    CHECK(table);
}

/* The source need not end with a NUL, and may hold one. */
static void nul_is_no_end(void **state)
{
    (void)state;
    check((fd_str){"1\0002", 3}, "0+1 an int 1 | "
                                 "1+1 an error a character that has no meaning here | "
                                 "2+1 an int 2");
    check((fd_str){"'a\000b'", 5}, "0+5 a string a"); /* shown up to the NUL */
    char *exact = malloc(3);
    assert_non_null(exact);
    memcpy(exact, "1.5", 3);
    check((fd_str){exact, 3}, "0+3 a double 1.5");
    memcpy(exact, "'\\x", 3);
    check((fd_str){exact, 3}, "1+2 an error an escape has too few digits or is out of range");
    free(exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(words),
        cmocka_unit_test(strings),       cmocka_unit_test(punctuation_and_blanks),
        cmocka_unit_test(nul_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
