/*
 * What constant expressions evaluate to, over the whole of arithmetic, conversion, logic and time;
 * columns are in test_columns.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "constants.h"
#include "lang/function.h"

static void arithmetic(void **state)
{
    (void)state;
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
        {"'hubba'.matches('ubb')", "true"},
        {"matches('hubba', '^ubb')", "false"},
        {"'ma\\u00f1ana'.matches('a+\\u00f1+a+')", "true"},
        {"''.matches('')", "true"},
        {"'cash'.matches('^(?:c' + 'ard|cash)$')", "true"},
        {"'a'.matches('(' + 'a')", "error: not a regular expression"},
        {"dyn('a').matches(dyn('A|a'))", "true"},
        {"dyn(1).matches('a')", "error: no such overload"},
        {"'a'.matches(dyn(1))", "error: no such overload"},
        {"('a' + string(1 / 0)).matches('a')", "error: division by zero"},
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
        assert_null(fd_cel_compile(&(fd_cel_scope){0}, &src, a, &d));
        assert_int_equal(d.errors, 1);
        fd_arena_free(a);
        fd_diags_free(&d);
    }
}

static void conversions(void **state)
{
    (void)state;
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
    static const constant_case table[] = {
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
        {"timestamp(0).getHours('Europe' + '/Pariss')",
         "error: not a time zone like Europe/Paris or +02:00"},
        {"timestamp(0).getHours('+2:00' + '')",
         "error: not a time zone like Europe/Paris or +02:00"},
    };
    CHECK_CONSTANTS(table);
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
    constant_case one = {text.p, "32768"};
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
        cmocka_unit_test(strings_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
