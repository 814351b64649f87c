/*
 * What expressions evaluate to: constants over the whole of arithmetic, conversion, logic and time,
 * and columns of a batch. Columns are asked in every order of rows and through both evaluators
 * (values, and bytes for conditions), which must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lang/function.h"
#include "sample.h"

typedef struct pair {
    const char *text, *want;
} pair;

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

static const fd_cel_scope scope = {
    .event = &sample_event, .list = find_list, .variable = find_variable};

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

static void check_constants(const pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fd_arena *a = fd_arena_new(4096, 0);
        const fd_cel_program *p = compile(pairs[i].text, a);
        fd_cel_value v;
        fd_strbuf out = {0};
        if (!fd_cel_program_constant(p, &v))
            fail_msg("%s is not folded", pairs[i].text);
        sample_show(&v, &out);
        if (strcmp(out.p, pairs[i].want) != 0)
            fail_msg("%s\n  want %s\n  got  %s", pairs[i].text, pairs[i].want, out.p);
        fd_strbuf_free(&out);
        fd_arena_free(a);
    }
}
#define CHECK_CONSTANTS(table) check_constants(table, sizeof table / sizeof *table)

static void arithmetic(void **state)
{
    (void)state;
    static const pair table[] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"10 - 4 - 3", "3"},
        {"7 / 2", "3"},
        {"-7 / 2", "-3"},
        {"-7 % 3", "-1"},
        {"7u % 4u", "3u"},
        {"9223372036854775807 + 1", "error: integer overflow"},
        {"-9223372036854775808 - 1", "error: integer overflow"},
        {"9223372036854775807 * 2", "error: integer overflow"},
        {"-9223372036854775808 / -1", "error: integer overflow"},
        {"-9223372036854775808 % -1", "error: integer overflow"},
        {"-(-9223372036854775808)", "error: integer overflow"},
        {"18446744073709551615u + 1u", "error: integer overflow"},
        {"1u - 2u", "error: integer overflow"},
        {"1 / 0", "error: division by zero"},
        {"1u / 0u", "error: division by zero"},
        {"1 % 0", "error: modulus by zero"},
        {"1.0 / 0.0", "inf"},
        {"-1.0 / 0.0", "-inf"},
        {"0.1 + 0.2", "0.30000000000000004"},
        {"1e308 * 10.0", "inf"},
        {"0x10 + 0xFF", "271"},
        {"--5", "5"},
        {"- 5", "-5"},
        {"2 -1", "1"},
        {"\"a\" + 'b'", "\"ab\""},
        {"b'a' + b'\\xff'", "b\"61ff\""},
        {"[1] + [2, 3]", "[1, 2, 3]"},
    };
    CHECK_CONSTANTS(table);
}

static void comparison(void **state)
{
    (void)state;
    static const pair table[] = {
        {"1 < 2", "true"},
        {"2 <= 1", "false"},
        {"'a' < 'b'", "true"},
        {"'' < 'a'", "true"},
        {"'B' < 'a'", "true"},
        {"b'' < b'\\x00'", "true"},
        {"false < true", "true"},
        {"0.0 == -0.0", "true"},
        {"0.0/0.0 == 0.0/0.0", "false"},
        {"0.0/0.0 != 0.0/0.0", "true"},
        {"0.0/0.0 < 1.0", "false"},
        {"0.0/0.0 >= 1.0", "false"},
        {"dyn(1) == 1.0", "true"},
        {"dyn(1) == 1u", "true"},
        {"dyn(2u) > -1", "true"},
        {"dyn(-1) < 0u", "true"},
        {"dyn('1') == 1", "false"},
        {"dyn('1') < 1", "error: no such overload"},
        {"null == null", "true"},
        {"[1, 2] == [1, 2]", "true"},
        {"[1, 2] == [2, 1]", "false"},
        {"[] == [1]", "false"},
        {"{'a': 1} == {'a': 1}", "true"},
        {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
        {"{'a': 1} == {'a': 2}", "false"},
        {"2 in [1, 2]", "true"},
        {"3 in [1, 2]", "false"},
        {"1 in []", "false"},
        {"dyn(1.0) in [1, 2]", "true"},
        {"'a' in {'a': 1}", "true"},
        {"'b' in {'a': 1}", "false"},
        {"[5, 6][1]", "6"},
        {"[5, 6][2]", "error: index out of range"},
        {"[5, 6][-1]", "error: index out of range"},
        {"{'a': 1}['a']", "1"},
        {"{'a': 1}.a", "1"},
        {"{'a': 1}['b']", "error: no such key"},
        {"has({'a': 1}.a)", "true"},
        {"has({'a': 1}.b)", "false"},
        {"{'a': 1, 'a': 2}", "error: duplicate key in a map"},
    };
    CHECK_CONSTANTS(table);
}

static void logic(void **state)
{
    (void)state;
    static const pair table[] = {
        {"true && false", "false"},
        {"false || true", "true"},
        {"!true", "false"},
        {"!!true", "true"},
        {"true ? 1 : 2", "1"},
        {"false ? 1 : true ? 2 : 3", "2"},
        {"false && 1/0 > 0", "false"},
        {"1/0 > 0 && false", "false"},
        {"true || 1/0 > 0", "true"},
        {"1/0 > 0 || true", "true"},
        {"1/0 > 0 && true", "error: division by zero"},
        {"1/0 > 0 || false", "error: division by zero"},
        {"1/0 > 0 && 1%0 > 0", "error: division by zero"},
        {"1%0 > 0 || 1/0 > 0", "error: modulus by zero"},
        {"true ? 1 : 1/0", "1"},
        {"false ? 1/0 : 2", "2"},
        {"1/0 > 0 ? 1 : 2", "error: division by zero"},
        {"!(1/0 > 0)", "error: division by zero"},
        {"dyn(1) && true", "error: no such overload"},
        {"dyn(1) && false", "false"},
        {"dyn('x') || true", "true"},
        {"!dyn(1)", "error: no such overload"},
        {"dyn(1) ? 2 : 3", "error: no such overload"},
        {"[1/0, 1%0] == []", "error: division by zero"},
    };
    CHECK_CONSTANTS(table);
}

static void strings(void **state)
{
    (void)state;
    static const pair table[] = {
        {"size('')", "0"},
        {"size('ma\\u00f1ana')", "6"},
        {"'\\U0001F431'.size()", "1"},
        {"size(b'\\xff\\xfe')", "2"},
        {"size([1, 2])", "2"},
        {"{'a': 1}.size()", "1"},
        {"'abc'.contains('bc')", "true"},
        {"'abc'.contains('')", "true"},
        {"''.contains('a')", "false"},
        {"'abc'.startsWith('ab')", "true"},
        {"'abc'.startsWith('abcd')", "false"},
        {"'abc'.endsWith('bc')", "true"},
        {"'abc'.endsWith('')", "true"},
        {"'\\u00c4BC'.lowerAscii()", "\"\u00c4bc\""},
        {"'aBc\\u00e4'.upperAscii()", "\"ABC\u00e4\""},
        {"' \\t a b\\u00a0\\n'.trim()", "\"a b\""},
        {"'   '.trim()", "\"\""},
        {"'\\u00e0'.trim()", "\"\u00e0\""},
        {"'a\\n\\x41\\101\\u0041'", "\"a\nAAA\""},
        {"r'a\\n'", "\"a\\n\""},
        {"'''it's'''", "\"it's\""},
        {"\"\"\"a\n\"b\"\"\"\"[0]", NULL},
        {"b'\\u0041'", NULL},
        {"b'\\377\\x00'", "b\"ff00\""},
        {"br'\\x'", "b\"5c78\""},
        {"b'\u00e4'", "b\"c3a4\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].want != NULL) {
            check_constants(&table[i], 1);
            continue;
        }
        fd_diags d;
        fd_diags_init(&d);
        fd_arena *a = fd_arena_new(4096, 0);
        fd_cel_source src = {.text = fd_str_from(table[i].text)};
        assert_null(fd_cel_compile(&scope, &src, a, &d));
        assert_int_equal(d.errors, 1);
        fd_arena_free(a);
        fd_diags_free(&d);
    }
}

static void conversions(void **state)
{
    (void)state;
    static const pair table[] = {
        {"int(3.99)", "3"},
        {"int(-3.99)", "-3"},
        {"int(9223372036854775807.0)", "error: the double does not fit into an int"},
        {"int(0.0/0.0)", "error: the double does not fit into an int"},
        {"int('-12')", "-12"},
        {"int('')", "error: the string is not an int"},
        {"int('1 ')", "error: the string is not an int"},
        {"int('9223372036854775808')", "error: the string is not an int"},
        {"int(18446744073709551615u)", "error: the uint does not fit into an int"},
        {"uint(-1)", "error: a negative int does not fit into a uint"},
        {"uint(1.9)", "1u"},
        {"uint('7')", "7u"},
        {"double(7)", "7"},
        {"double('1e3')", "1000"},
        {"double('0x10')", "error: the string is not a double"},
        {"double(' 1')", "error: the string is not a double"},
        {"string(123)", "\"123\""},
        {"string(-9223372036854775808)", "\"-9223372036854775808\""},
        {"string(5u)", "\"5\""},
        {"string(1.0)", "\"1\""},
        {"string(0.1)", "\"0.1\""},
        {"string(0.30000000000000004)", "\"0.30000000000000004\""},
        {"string(123.456)", "\"123.456\""},
        {"string(1000000.0)", "\"1000000\""},
        {"string(-4.5e-3)", "\"-0.0045\""},
        {"string(1e21)", "\"1e+21\""},
        {"string(1e-7)", "\"1e-07\""},
        {"string(-0.0)", "\"-0\""},
        {"string(0.0/0.0)", "\"NaN\""},
        {"string(-1.0/0.0)", "\"-Inf\""},
        {"string(true)", "\"true\""},
        {"string(b'\\xff')", "error: the bytes are not UTF-8"},
        {"string(b'ab')", "\"ab\""},
        {"bytes('\\u00e4')", "b\"c3a4\""},
        {"bool('TRUE')", "true"},
        {"bool('no')", "error: the string is not a bool"},
        {"int(timestamp('1970-01-01T00:01:00Z'))", "60"},
    };
    CHECK_CONSTANTS(table);
}

static void times(void **state)
{
    (void)state;
    static const pair table[] = {
        {"timestamp('1970-01-01T00:00:00Z')", "timestamp 0.0"},
        {"timestamp('2026-01-31T23:59:59.25+01:00')", "timestamp 1769900399.250000000"},
        {"string(timestamp('2024-02-29T12:00:00.5-00:30'))", "\"2024-02-29T12:30:00.5Z\""},
        {"string(timestamp('0001-01-01T00:00:00Z'))", "\"0001-01-01T00:00:00Z\""},
        {"timestamp('2023-02-29T00:00:00Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2023-01-01')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('0001-01-01T00:00:00+01:00')", "error: timestamp out of range"},
        {"timestamp(253402300800)", "error: timestamp out of range"},
        {"duration('1h30m') == duration('90m')", "true"},
        {"duration('-1.5s')", "duration -1.-500000000"},
        {"string(duration('-1500ms'))", "\"-1.5s\""},
        {"string(duration('100us'))", "\"0.0001s\""},
        {"duration('1x')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('300000h') + duration('3000000h')", "error: duration out of range"},
        {"timestamp('2026-01-01T00:00:00Z') + duration('24h') == "
         "timestamp('2026-01-02T00:00:00Z')",
         "true"},
        {"timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z') > "
         "duration('23h')",
         "true"},
        {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp out of range"},
        {"-duration('2s') == duration('-2s')", "true"},
        {"timestamp('2026-11-24T18:05:09.123Z').getFullYear()", "2026"},
        {"timestamp('2026-11-24T18:05:09.123Z').getMonth()", "10"},
        {"timestamp('2026-11-24T18:05:09.123Z').getDate()", "24"},
        {"timestamp('2026-11-24T18:05:09.123Z').getDayOfMonth()", "23"},
        {"timestamp('2026-11-24T18:05:09.123Z').getDayOfWeek()", "2"},
        {"timestamp('2026-11-24T18:05:09.123Z').getDayOfYear()", "327"},
        {"timestamp('2026-11-24T18:05:09.123Z').getHours('+06:30')", "0"},
        {"timestamp('2026-11-24T18:05:09.123Z').getDate('+06:30')", "25"},
        {"timestamp('2026-11-24T18:05:09.123Z').getMilliseconds()", "123"},
        {"duration('3730s').getMinutes()", "62"},
        {"duration('1.25s').getMilliseconds()", "250"},
    };
    CHECK_CONSTANTS(table);
}

static void edges_of_numbers(void **state)
{
    (void)state;
    static const pair table[] = {
        {"-9223372036854775808 * -1", "error: integer overflow"},
        {"-9223372036854775808 + -1", "error: integer overflow"},
        {"-9223372036854775808 - -9223372036854775808", "0"},
        {"-9223372036854775808 / 1", "-9223372036854775808"},
        {"9223372036854775807 - -1", "error: integer overflow"},
        {"3037000500 * 3037000500", "error: integer overflow"},
        {"3037000499 * 3037000499", "9223372030926249001"},
        {"4294967296u * 4294967296u", "error: integer overflow"},
        {"0u - 1u", "error: integer overflow"},
        {"5u % 0u", "error: modulus by zero"},
        {"7 % -3", "1"},
        {"-7 % -3", "-1"},
        {"0.0 / 0.0 == 0.0 / 0.0", "false"},
        {"[0.0 / 0.0] == [0.0 / 0.0]", "false"},
        {"(0.0 / 0.0) in [0.0 / 0.0]", "false"},
        {"-(0.0)", "-0"},
        {"dyn(9007199254740993) == 9007199254740992.0", "true"}, /* through the nearest double */
        {"dyn(18446744073709551615u) > 9223372036854775807", "true"},
        {"dyn(-1) == 18446744073709551615u", "false"},
        {"int(9223372036854774784.0)", "9223372036854774784"},
        {"int(-9223372036854775808.0)", "error: the double does not fit into an int"},
        {"int(0.0 - 1.0 / 0.0)", "error: the double does not fit into an int"},
        {"int('-9223372036854775808')", "-9223372036854775808"},
        {"int('-9223372036854775809')", "error: the string is not an int"},
        {"int('+5')", "5"},
        {"int('-')", "error: the string is not an int"},
        {"int('0x5')", "error: the string is not an int"},
        {"uint('18446744073709551615')", "18446744073709551615u"},
        {"uint('18446744073709551616')", "error: the string is not a uint"},
        {"uint('-1')", "error: the string is not a uint"},
        {"uint(-0.5)", "error: the double does not fit into a uint"},
        {"uint(18446744073709551616.0)", "error: the double does not fit into a uint"},
        {"uint(0.0 / 0.0)", "error: the double does not fit into a uint"},
        {"double(18446744073709551615u)", "1.8446744073709552e+19"},
        {"double('-Infinity')", "-inf"},
        {"double('NaN') == double('NaN')", "false"},
        {"double('1e')", "error: the string is not a double"},
        {"double('')", "error: the string is not a double"},
        {"double('1.5 ')", "error: the string is not a double"},
        {"double('1,5')", "error: the string is not a double"},
        {"string(5e-324)", "\"5e-324\""},
        {"string(1.7976931348623157e308)", "\"1.7976931348623157e+308\""},
        {"string(123456789012345680000.0)", "\"123456789012345683968\""},
        {"string(0.000001)", "\"0.000001\""},
        {"string(100.0)", "\"100\""},
        {"bool('t') && !bool('F')", "error: the string is not a bool"},
        {"bool('1') && !bool('f')", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void edges_of_text(void **state)
{
    (void)state;
    static const pair table[] = {
        {"size('e\\u0301')", "2"}, /* characters, not what one sees */
        {"'\\u00e4' == 'a\\u0308'", "false"},
        {"'\\u00e4' < '\\U0001F431'", "true"}, /* by code point, as bytes of UTF-8 sort */
        {"'\\uffff' < '\\U00010000'", "true"},
        {"'a' < '\\u00e4'", "true"},
        {"'a' < 'ab'", "true"},
        {"'\\u00e4'.contains('\\u00e4')", "true"},
        {"'a\\u00e4b'.startsWith('a\\u00e4')", "true"},
        {"'a\\x00b'.size()", "3"},
        {"'a\\x00b'.contains('b')", "true"},
        {"'a\\x00b' == 'a'", "false"},
        {"''.startsWith('') && ''.endsWith('') && ''.contains('')", "true"},
        {"''.endsWith('a')", "false"},
        {"'\\u3000\\u2028 a \\u205f\\u0085'.trim()", "\"a\""},
        {"'\\u200b'.trim().size()", "1"}, /* no White_Space in Unicode */
        {"''.trim()", "\"\""},
        {"size(bytes('\\u00e4'))", "2"},
        {"string(b'\\xc3\\xa4')", "\"\u00e4\""},
        {"string(b'\\xc3')", "error: the bytes are not UTF-8"},
        {"string(b'\\xed\\xa0\\x80')", "error: the bytes are not UTF-8"}, /* a surrogate */
        {"string(b'\\xc0\\x80')", "error: the bytes are not UTF-8"},      /* too long a form */
        {"b'\\xff' > b'\\x00'", "true"},
        {"b'a' + b''", "b\"61\""},
        {"dyn('a') == b'a'", "false"},
        {"string('a') + string(true)", "\"atrue\""},
    };
    CHECK_CONSTANTS(table);
}

static void edges_of_time(void **state)
{
    (void)state;
    static const pair table[] = {
        {"timestamp('1900-02-28T23:59:59Z') + duration('1s')", "timestamp -2203891200.0"},
        {"string(timestamp('1900-02-28T23:59:59Z') + duration('1s'))", "\"1900-03-01T00:00:00Z\""},
        {"string(timestamp('2000-02-28T23:59:59Z') + duration('1s'))", "\"2000-02-29T00:00:00Z\""},
        {"timestamp('1900-02-29T00:00:00Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31T24:00:00Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31T23:59:60Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31 23:59:59Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31T23:59:59')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31T23:59:59.Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31T23:59:59.1234567890Z')",
         "error: the string is not a timestamp like 2026-01-31T23:59:59Z"},
        {"timestamp('2026-01-31T23:59:59.123456789Z')", "timestamp 1769903999.123456789"},
        {"timestamp('2026-01-31t23:59:59z')", "timestamp 1769903999.0"},
        {"timestamp('1969-12-31T23:59:59.5Z')", "timestamp -1.500000000"},
        {"timestamp('1969-12-31T23:59:59.5Z') < timestamp(0)", "true"},
        {"timestamp('9999-12-31T23:59:59.999999999Z') > timestamp(253402300799)", "true"},
        {"timestamp(-62135596801)", "error: timestamp out of range"},
        {"timestamp(0) - timestamp(1)", "duration -1.0"},
        {"timestamp('9999-12-31T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')",
         "error: duration out of range"},
        {"timestamp(0) - duration('1ns')", "timestamp -1.999999999"},
        {"duration('-1.5s') + duration('1s')", "duration 0.-500000000"},
        {"string(duration('-1.5s') + duration('1s'))", "\"-0.5s\""},
        {"duration('1h1m1s1ms1us1ns') == duration('3661.001001001s')", "true"},
        {"duration('-2562047h47m16.854775808s')", "duration -9223372036.-854775808"},
        {"duration('2562047h47m16.854775808s')", "error: duration out of range"},
        {"-duration('-2562047h47m16.854775808s')", "error: duration out of range"},
        {"duration('1')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('0')", "duration 0.0"},
        {"duration('1d')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('s')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('--1s')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('1s ')", "error: the string is not a duration like 1h30m or 24h"},
        {"duration('.5s') == duration('500ms')", "true"},
        {"duration('99999999999999999999h')",
         "error: the string is not a duration like 1h30m or 24h"},
        {"duration('-90s').getMinutes()", "-1"},
        {"duration('-90s').getSeconds()", "-90"},
        {"duration('36h').getHours()", "36"},
        {"timestamp('2024-12-31T23:59:59Z').getDayOfYear()", "365"},
        {"timestamp('2026-03-01T00:30:00Z').getDate('-01:00')", "28"},
        {"timestamp('2026-03-01T00:30:00Z').getMonth('UTC')", "2"},
        {"timestamp('2026-01-04T00:00:00Z').getDayOfWeek()", "0"},
        {"timestamp('1969-12-31T00:00:00Z').getDayOfWeek()", "3"},
        {"timestamp(0).getHours('0' + '5:30')", "5"},
        {"timestamp(0).getHours('Europe' + '/Paris')",
         "error: a time zone is \"UTC\" or an offset like \"+02:00\""},
        {"timestamp(0).getHours('+2:00' + '')",
         "error: a time zone is \"UTC\" or an offset like \"+02:00\""},
    };
    CHECK_CONSTANTS(table);
}

/* What the evaluator for conditions must say where the other one says v. */
static uint8_t as_byte(const fd_cel_value *v)
{
    if (v->kind != FD_CEL_BOOL)
        return FD_CEL_FAILED;
    return v->v.b ? FD_CEL_TRUE : FD_CEL_FALSE;
}

/* One expression over the three rows, forwards, backwards and alone. */
static void check_rows(fd_batch *b, const char *text, const char *const want[3])
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
        fd_cel_run_begin(r, b);
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

#define NO_ZONE "error: a time zone is \"UTC\" or an offset like \"+02:00\""
#define NO_IP   "error: event.ip is absent"
#define NO_CARD "error: event.card.limit is absent"

typedef struct row_case {
    const char *text;
    const char *want[3];
} row_case;

static void check_row_cases(const row_case *cases, size_t n)
{
    fd_arena *a = fd_arena_new(4096, 0);
    fd_batch *b = sample_batch();
    variables[0] = compile("event.amount > 50", a);
    for (size_t i = 0; i < n; i++)
        check_rows(b, cases[i].text, cases[i].want);
    variables[0] = NULL;
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
    fd_cel_run_begin(r, b);
    fd_cel_test(r, p, &row, 1, &hit);
    assert_int_equal(hit, FD_CEL_TRUE);
    b->root.children[1].v.i[0] = 1; /* same batch: remembered */
    fd_cel_test(r, p, &row, 1, &hit);
    assert_int_equal(hit, FD_CEL_TRUE);
    fd_cel_run_begin(r, b);
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
        fd_cel_run_begin(r, b);
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

static void strings_have_a_bound(void **state)
{
    (void)state;
    fd_strbuf text = {0};
    fd_strbuf_puts(&text, "size('");
    for (int i = 0; i < 32 * 1024; i++)
        fd_strbuf_putc(&text, 'x');
    fd_strbuf_puts(&text, "'");
    fd_strbuf_puts(&text, ")");
    pair one = {text.p, "32768"};
    check_constants(&one, 1);
    fd_strbuf_free(&text);
    fd_arena *a = fd_arena_new(1 << 20, 0);
    fd_cel_value args[2];
    fd_str half = {fd_arena_zalloc(a, FD_CEL_STRING_MAX), FD_CEL_STRING_MAX / 2};
    args[0] = args[1] = fd_cel_string(half);
    fd_cel_overloads plus = fd_cel_find_overloads(FD_STR("+"), false);
    const uint8_t kinds[] = {FD_CEL_STRING, FD_CEL_STRING};
    const fd_cel_overload *add = fd_cel_match(plus, kinds, 2);
    assert_non_null(add);
    assert_int_equal(add->fn(a, args).kind, FD_CEL_STRING);
    args[1].n++;
    fd_cel_value v = add->fn(a, args);
    assert_int_equal(v.kind, FD_CEL_ERROR);
    assert_int_equal(v.n, FD_CEL_E_TOO_LONG);
    fd_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(comparison),
        cmocka_unit_test(logic),
        cmocka_unit_test(strings),
        cmocka_unit_test(conversions),
        cmocka_unit_test(times),
        cmocka_unit_test(edges_of_numbers),
        cmocka_unit_test(edges_of_text),
        cmocka_unit_test(edges_of_time),
        cmocka_unit_test(plain_columns),
        cmocka_unit_test(columns_of_columns),
        cmocka_unit_test(variables_follow_the_batch),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(strings_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
