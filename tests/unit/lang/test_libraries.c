/*
 * The extension libraries, optionals, types as values and time zones over constants, each with what
 * it must refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "constants.h"

static void strings(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"\"tacocat\".charAt(0)", "\"t\""},
        {"\"añ🐱b\".charAt(2)", "\"🐱\""},
        {"\"añ\".charAt(2)", "\"\""},
        {"\"a\".charAt(2)", "error: position outside the string"},
        {"\"a\".charAt(-1)", "error: position outside the string"},
        {"\"añ🐱ñ\".indexOf(\"ñ\")", "1"},
        {"\"añ🐱ñ\".indexOf(\"ñ\", 2)", "3"},
        {"\"abc\".indexOf(\"\")", "0"},
        {"\"abc\".indexOf(\"\", 3)", "3"},
        {"\"abc\".indexOf(\"c\", 3)", "-1"},
        {"\"abc\".indexOf(\"a\", 4)", "error: position outside the string"},
        {"\"abc\".indexOf(\"abcd\")", "-1"},
        {"\"añ🐱ñ\".lastIndexOf(\"ñ\")", "3"},
        {"\"añ🐱ñ\".lastIndexOf(\"ñ\", 2)", "1"},
        {"\"aaa\".lastIndexOf(\"aa\", 2)", "1"},
        {"\"aaa\".lastIndexOf(\"a\", 0)", "0"},
        {"\"abc\".lastIndexOf(\"\")", "3"},
        {"\"abc\".lastIndexOf(\"\", 1)", "1"},
        {"\"abc\".lastIndexOf(\"b\", 4)", "error: position outside the string"},
        {"\"\".lastIndexOf(\"a\")", "-1"},
        {"\"añ🐱b\".substring(1, 3)", "\"ñ🐱\""},
        {"\"abc\".substring(3)", "\"\""},
        {"\"abc\".substring(1, 4)", "error: position outside the string"},
        {"\"abc\".substring(2, 1)", "error: a substring ends before it starts"},
        {"\"añ🐱\".reverse()", "\"🐱ña\""},
        {"b\"\\xff\".size() == 1 && \"\".reverse() == \"\"", "true"},
        {"[\"a\", \"b\", \"\"].join(\"-\")", "\"a-b-\""},
        {"[].join(\"-\")", "\"\""},
        {"[dyn(1)].join()", "error: no such overload"},
        {"\"aaa\".replace(\"a\", \"bb\")", "\"bbbbbb\""},
        {"\"aaa\".replace(\"a\", \"b\", 2)", "\"bba\""},
        {"\"aaa\".replace(\"a\", \"b\", 0)", "\"aaa\""},
        {"\"aaa\".replace(\"a\", \"b\", -1)", "\"bbb\""},
        {"\"añ\".replace(\"\", \"-\")", "\"-a-ñ-\""},
        {"\"añ\".replace(\"\", \"-\", 2)", "\"-a-ñ\""},
        {"\"ababa\".replace(\"aba\", \"x\")", "\"xba\""},
        {"\"\".replace(\"\", \"x\")", "\"x\""},
        {"\"a,b,,c\".split(\",\")", "[\"a\", \"b\", \"\", \"c\"]"},
        {"\"a,b,,c\".split(\",\", 2)", "[\"a\", \"b,,c\"]"},
        {"\"a,b,,c\".split(\",\", 0)", "[]"},
        {"\"abc\".split(\"\")", "[\"a\", \"b\", \"c\"]"},
        {"\"añb\".split(\"\", 2)", "[\"a\", \"ñb\"]"},
        {"\"\".split(\",\")", "[\"\"]"},
        {"\"\".split(\"\")", "[]"},
        {"strings.quote(\"a\\\"\\\\\\n\\t\\aä\")", "\"\"a\\\"\\\\\\n\\t\\aä\"\""},
        {"[2.0, 0.0 / 0.0, 1.0].sort().map(d, string(d))", "[\"1\", \"2\", \"NaN\"]"},
        {"math.round(geo.distance_km(0.0, 0.0, 0.0, 180.0) * 1000.0)", "20015114"},
        {"strings.quote(string(type(\"a\") == string))", "\"\"true\"\""},
    };
    CHECK_CONSTANTS(table);
}

static void format(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"\"%s %s %s\".format([\"a\", 1, 1u])", "\"a 1 1\""},
        {"\"%s\".format([1.0])", "\"1\""},
        {"\"%s\".format([1e21])", "\"1000000000000000000000\""},
        {"\"%s\".format([1.5e-7])", "\"0.00000015\""},
        {"\"%s\".format([0.1 + 0.2])", "\"0.30000000000000004\""},
        {"\"%s\".format([[1, [2.5, \"x\"], {\"b\": 1, \"a\": null}]])",
         "\"[1, [2.5, x], {a: null, b: 1}]\""},
        {"\"%s\".format([duration(\"90m\")])", "\"5400s\""},
        {"\"%s\".format([timestamp(\"2026-01-31T23:59:59.5Z\")])", "\"2026-01-31T23:59:59.5Z\""},
        {"\"%s\".format([type(1)])", "\"int\""},
        {"\"%s\".format([ip(\"10.0.0.1\")])", "\"10.0.0.1\""},
        {"\"%s\".format([optional.none()])", "error: %s takes no value of this type"},
        {"\"%d %d %d\".format([1, -2, 3u])", "\"1 -2 3\""},
        {"\"%d\".format([1.5])", "\"1.5\""},
        {"\"%d\".format([double(\"-Infinity\")])", "\"-Infinity\""},
        {"\"%d\".format([\"1\"])", "error: %d takes numbers"},
        {"\"%.2f %f\".format([2.345, 2])", "\"2.35 2.000000\""},
        {"\"%.3e\".format([12345.678])", "\"1.235e+04\""},
        {"\"%f\".format([double(\"NaN\")])", "\"NaN\""},
        {"\"%.101f\".format([1.0])", "error: a precision is a number up to 100"},
        {"\"%.f\".format([1.0])", "error: a precision is a number up to 100"},
        {"\"%b %b %b\".format([5, -5, true])", "\"101 -101 1\""},
        {"\"%o\".format([-8])", "\"-10\""},
        {"\"%x %X\".format([-255, 255u])", "\"-ff FF\""},
        {"\"%x\".format([\"hé\"])", "\"68c3a9\""},
        {"\"%x\".format([1.0])", "error: %b, %o and %x take whole numbers"},
        {"\"100%%\".format([])", "\"100%\""},
        {"\"%\".format([1])", "error: a format has more clauses than arguments"},
        {"\"%s\".format([])", "error: a format has more clauses than arguments"},
        {"\"%s\".format([1, 2])", "\"1\""},
        {"\"%c\".format([1])",
         "error: an unknown clause in a format: it has %s %d %f %e %b %o %x %X"},
        {"\"é%sé\".format([\"ü\"])", "\"éüé\""},
    };
    CHECK_CONSTANTS(table);
}

static void math(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"math.greatest(1, 2.5, 2u)", "2.5"},
        {"math.greatest([1, 5, 3])", "5"},
        {"math.greatest(3)", "3"},
        {"math.greatest([])", "error: an empty list has no greatest or least"},
        {"math.greatest(dyn(\"a\"))", "error: no such overload"},
        {"math.greatest(dyn([1, \"a\"]))", "error: no such overload"},
        {"math.least(-1, -1.5)", "-1.5"},
        {"math.bitOr(5, 2)", "7"},
        {"math.bitAnd(5u, 4u)", "4u"},
        {"math.bitXor(5, 1)", "4"},
        {"math.bitNot(0u)", "18446744073709551615u"},
        {"math.bitShiftLeft(1, 63)", "-9223372036854775808"},
        {"math.bitShiftLeft(1, 64)", "0"},
        {"math.bitShiftLeft(-1, 1)", "-2"},
        {"math.bitShiftRight(-1, 60)", "15"},
        {"math.bitShiftRight(8u, 2)", "2u"},
        {"math.bitShiftLeft(1, -1)", "error: a shift by less than zero"},
        {"math.ceil(1.2)", "2"},
        {"math.floor(-1.2)", "-2"},
        {"math.round(2.5)", "3"},
        {"math.round(-2.5)", "-3"},
        {"math.trunc(-1.9)", "-1"},
        {"math.abs(-3)", "3"},
        {"math.abs(-3.5)", "3.5"},
        {"math.abs(-9223372036854775808)", "error: integer overflow"},
        {"math.sign(-5)", "-1"},
        {"math.sign(0.0)", "0"},
        {"math.sign(7u)", "1u"},
        {"math.isNaN(math.sign(0.0 / 0.0))", "true"},
        {"math.isInf(1.0 / 0.0) && !math.isInf(1.0)", "true"},
        {"math.isFinite(1.0) && !math.isFinite(0.0 / 0.0)", "true"},
        {"math.sqrt(9)", "3"},
        {"math.sqrt(2.25)", "1.5"},
        {"math.isNaN(math.sqrt(-1))", "true"},
        {"math.sqrt(16u)", "4"},
        {"math.ceil(dyn(1))", "error: no such overload"},
        {"math.round(geo.distance_km(48.8566, 2.3522, 51.5074, -0.1278))", "344"},
        {"geo.distance_km(10.0, 20.0, 10.0, 20.0)", "0"},
        {"geo.distance_km(91.0, 0.0, 0.0, 0.0)",
         "error: latitudes are -90..90, longitudes -180..180"},
        {"geo.distance_km(0.0, 0.0, 0.0, double(\"NaN\"))",
         "error: latitudes are -90..90, longitudes -180..180"},
    };
    CHECK_CONSTANTS(table);
}

static void lists(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"lists.range(4)", "[0, 1, 2, 3]"},
        {"lists.range(0)", "[]"},
        {"lists.range(-3)", "[]"},
        {"lists.range(65537)", "error: list longer than 65536"},
        {"[1, 2, 1u, 1.0, 2, \"a\", \"a\"].distinct()", "[1, 2, \"a\"]"},
        {"[[1], [1.0], [2]].distinct()", "[[1], [2]]"},
        {"[].distinct()", "[]"},
        {"[{'a': 1}, {'a': 2}, {'a': 1u}, {'b': 1}].distinct().size()", "3"},
        {"[0.0 / 0.0, 1.0, 0.0 / 0.0, 1.0].distinct().size()", "3"},
        {"sets.contains([0.0 / 0.0], [0.0 / 0.0])", "false"},
        {"lists.range(60000).map(x, double('NaN')).distinct().size()", "60000"},
        {"lists.range(60000).map(x, x % 7).distinct()", "[0, 1, 2, 3, 4, 5, 6]"},
        {"lists.range(30000).map(x, {'n': x}).distinct().size()", "30000"},
        {"[[1, 2], [3, [4]], []].flatten()", "[1, 2, 3, [4]]"},
        {"[[1, [2, [3]]]].flatten(2)", "[1, 2, [3]]"},
        {"[1, [2]].flatten(0)", "[1, [2]]"},
        {"[1, [2, [3]]].flatten()", "[1, 2, [3]]"},
        {"[1].flatten(-1)", "error: flatten() to less than no depth"},
        {"[1, 2, 3].reverse()", "[3, 2, 1]"},
        {"[1, 2, 3, 4].slice(1, 3)", "[2, 3]"},
        {"[1, 2].slice(1, 1)", "[]"},
        {"[1, 2].slice(0, 3)", "error: a slice outside the list"},
        {"[1, 2].slice(-1, 1)", "error: a slice outside the list"},
        {"[1, 2].slice(2, 1)", "error: a slice outside the list"},
        {"[3, 1, 2].sort()", "[1, 2, 3]"},
        {"[\"b\", \"a\", \"ab\"].sort()", "[\"a\", \"ab\", \"b\"]"},
        {"[1, 2.0].sort()", "error: sorted are values of one simple type"},
        {"[[1], [2]].sort()", "error: sorted are values of one simple type"},
        {"[].sort()", "[]"},
        {"[\"ccc\", \"a\", \"bb\"].sortBy(s, -size(s))", "[\"ccc\", \"bb\", \"a\"]"},
        {"[{\"n\": 2}, {\"n\": 1}].sortBy(m, m.n)", "[{\"n\": 1}, {\"n\": 2}]"},
        {"[1, 2].sortBy(x, 1 / (x - 1))", "error: division by zero"},
        {"[1, 2].first()", "some 1"},
        {"[].first()", "none"},
        {"[1, 2].last().value()", "2"},
        {"sets.contains([1, 2, 3], [2u, 3.0])", "true"},
        {"sets.contains([1], [1, 2])", "false"},
        {"sets.contains([], [])", "true"},
        {"sets.equivalent([1, 1, 2], [2, 1.0])", "true"},
        {"sets.intersects([1], [2])", "false"},
        {"sets.intersects([[1]], [[1.0], 5])", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void encoders(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"base64.encode(b\"hello\")", "\"aGVsbG8=\""},
        {"base64.encode(b\"\")", "\"\""},
        {"base64.encode(b\"\\xff\\xfe\")", "\"//4=\""},
        {"base64.decode(\"aGVsbG8=\")", "b\"68656c6c6f\""},
        {"base64.decode(\"aGVsbG8\")", "b\"68656c6c6f\""},
        {"base64.decode(\"a\")", "error: the string is not base64"},
        {"base64.decode(\"aG!s\")", "error: the string is not base64"},
        {"base64.decode(\"aGVsbG8=====\")", "error: the string is not base64"},
        {"base64.decode(\"=\")", "error: the string is not base64"},
    };
    CHECK_CONSTANTS(table);
}

static void network(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"string(ip(\"192.168.0.1\"))", "\"192.168.0.1\""},
        {"string(ip(\"2001:DB8:0:0:0:0:0:1\"))", "\"2001:db8::1\""},
        {"string(ip(\"::\"))", "\"::\""},
        {"string(ip(\"1:0:0:2:0:0:0:3\"))", "\"1:0:0:2::3\""},
        {"string(ip(\"::ffff:c0a8:1\"))", "\"192.168.0.1\""},
        {"ip(\"::ffff:192.168.0.1\")", "error: not an IP address"},
        {"ip(\"192.168.0.01\")", "error: not an IP address"},
        {"ip(\"1.2.3\")", "error: not an IP address"},
        {"ip(\"fe80::1%eth0\")", "error: not an IP address"},
        {"ip(\"\")", "error: not an IP address"},
        {"ip(\"1:2:3:4:5:6:7:8:9\")", "error: not an IP address"},
        {"isIP(\"10.0.0.256\")", "false"},
        {"isIP(\"::1\")", "true"},
        {"isIP(\"::ffff:1.2.3.4\")", "false"},
        {"ip.isCanonical(\"2001:db8::1\")", "true"},
        {"ip.isCanonical(\"2001:DB8::1\")", "false"},
        {"ip.isCanonical(\"bad\")", "error: not an IP address"},
        {"ip(\"10.0.0.1\").family()", "4"},
        {"ip(\"::1\").family()", "6"},
        {"ip(\"127.9.9.9\").isLoopback()", "true"},
        {"ip(\"::\").isUnspecified() && ip(\"0.0.0.0\").isUnspecified()", "true"},
        {"ip(\"255.255.255.255\").isGlobalUnicast()", "false"},
        {"ip(\"10.0.0.1\").isGlobalUnicast()", "true"},
        {"ip(\"ff02::1\").isLinkLocalMulticast() && ip(\"224.0.0.251\").isLinkLocalMulticast()",
         "true"},
        {"ip(\"fe80::1\").isLinkLocalUnicast() && ip(\"169.254.1.1\").isLinkLocalUnicast()",
         "true"},
        {"string(cidr(\"10.1.2.3/8\"))", "\"10.1.2.3/8\""},
        {"string(cidr(\"10.1.2.3/8\").masked())", "\"10.0.0.0/8\""},
        {"string(cidr(\"2001:db8:ffff::/33\").masked())", "\"2001:db8:8000::/33\""},
        {"cidr(\"10.0.0.0/33\")", "error: not a network like 10.0.0.0/8"},
        {"cidr(\"10.0.0.0/08\")", "error: not a network like 10.0.0.0/8"},
        {"cidr(\"10.0.0.0\")", "error: not a network like 10.0.0.0/8"},
        {"cidr(\"::ffff:10.0.0.0/104\")", "error: not a network like 10.0.0.0/8"},
        {"isCIDR(\"::/0\")", "true"},
        {"cidr(\"10.0.0.0/8\").containsIP(\"10.255.0.1\")", "true"},
        {"cidr(\"10.0.0.0/8\").containsIP(\"nonsense\")", "error: not an IP address"},
        {"cidr(\"0.0.0.0/0\").containsIP(\"::1\")", "false"},
        {"cidr(\"10.0.0.0/8\").containsCIDR(\"10.1.0.0/16\")", "true"},
        {"cidr(\"10.1.0.0/16\").containsCIDR(cidr(\"10.0.0.0/8\"))", "false"},
        {"cidr(\"10.0.0.0/8\").containsCIDR(\"x\")", "error: not a network like 10.0.0.0/8"},
        {"cidr(\"10.1.2.3/8\").ip() == ip(\"10.1.2.3\")", "true"},
        {"cidr(\"10.1.2.3/8\").prefixLength()", "8"},
        {"cidr(\"10.0.0.1/8\") == cidr(\"10.0.0.0/8\")", "false"},
        {"type(ip(\"::1\")) == net.IP && type(cidr(\"::/0\")) == net.CIDR", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void optionals(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"optional.of(1)", "some 1"},
        {"optional.none()", "none"},
        {"optional.ofNonZeroValue(\"\")", "none"},
        {"optional.ofNonZeroValue(0.0).hasValue()", "false"},
        {"optional.ofNonZeroValue([0])", "some [0]"},
        {"optional.of(1).value()", "1"},
        {"optional.none().value()", "error: an optional without a value"},
        {"optional.none().or(optional.of(2))", "some 2"},
        {"optional.of(1).or(optional.of(1 / 0))", "some 1"},
        {"optional.of(1).orValue(1 / 0)", "1"},
        {"optional.none().orValue(1 / 0)", "error: division by zero"},
        {"dyn(1).or(optional.of(1))", "error: no such overload"},
        {"optional.none().or(dyn(1))", "error: no such overload"},
        {"optional.of(2).optMap(x, x * 2)", "some 4"},
        {"optional.none().optMap(x, x)", "none"},
        {"optional.of(0).optMap(x, 1 / x)", "error: division by zero"},
        {"optional.of(2).optFlatMap(x, x > 1 ? optional.of(x) : optional.none())", "some 2"},
        {"dyn(optional.of(1)).optFlatMap(x, dyn(x))", "error: no such overload"},
        {"{\"a\": 1}.?a", "some 1"},
        {"{\"a\": 1}.?b", "none"},
        {"{\"a\": {\"b\": 1}}.?a.b", "some 1"},
        {"{\"a\": {\"b\": 1}}.?x.b", "none"},
        {"[1][?0]", "some 1"},
        {"[1][?1]", "none"},
        {"{\"a\": 1}[?\"a\"].value()", "1"},
        {"[1][?dyn(\"a\")]", "error: no such overload"},
        {"optional.of([1])[0]", "some 1"},
        {"optional.of({\"a\": 1}).b", "none"},
        {"has({\"a\": {\"b\": 1}}.?a.b)", "true"},
        {"has({}.?a.b)", "false"},
        {"[?{\"a\": 1}.?a, 2, ?optional.none()]", "[1, 2]"},
        {"{?\"x\": optional.of(1), ?\"y\": optional.none(), \"z\": 3}", "{\"x\": 1, \"z\": 3}"},
        {"[?dyn(1)]", "error: no such overload"},
        {"optional.of(1) == optional.none()", "false"},
        {"optional.unwrap([optional.of(1), optional.none()])", "[1]"},
        {"[optional.none(), optional.of(2)].unwrapOpt()", "[2]"},
        {"type(optional.none()) == optional_type", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void types(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"type(1)", "type int"},
        {"type(1u)", "type uint"},
        {"type(1.5)", "type double"},
        {"type(\"\")", "type string"},
        {"type(b\"\")", "type bytes"},
        {"type(true)", "type bool"},
        {"type(null)", "type null_type"},
        {"type([])", "type list"},
        {"type({})", "type map"},
        {"type(timestamp(0))", "type google.protobuf.Timestamp"},
        {"type(duration(\"1s\"))", "type google.protobuf.Duration"},
        {"type(int)", "type type"},
        {"type(dyn([1])) == list", "true"},
        {"type(1) == type(1u)", "false"},
        {"[int, uint].exists(t, t == type(1u))", "true"},
        {"string == type(\"a\")", "true"},
        {"google.protobuf.Timestamp == type(timestamp(0))", "true"},
    };
    CHECK_CONSTANTS(table);
}

static void zones(void **state)
{
    (void)state;
    static const constant_case table[] = {
        {"timestamp(\"2026-07-01T12:00:00Z\").getHours(\"Europe/Berlin\")", "14"},
        {"timestamp(\"2026-01-01T12:00:00Z\").getHours(\"Europe/Berlin\")", "13"},
        {"timestamp(\"2026-03-29T00:59:59Z\").getHours(\"Europe/Berlin\")", "1"},
        {"timestamp(\"2026-03-29T01:00:00Z\").getHours(\"Europe/Berlin\")", "3"},
        {"timestamp(\"2026-10-25T00:59:59Z\").getHours(\"Europe/Berlin\")", "2"},
        {"timestamp(\"2026-10-25T01:00:00Z\").getHours(\"Europe/Berlin\")", "2"},
        {"timestamp(\"2500-07-01T12:00:00Z\").getHours(\"Europe/Berlin\")", "14"},
        {"timestamp(\"2026-01-01T12:00:00Z\").getHours(\"Australia/Sydney\")", "23"},
        {"timestamp(\"2026-07-01T12:00:00Z\").getHours(\"Australia/Sydney\")", "22"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getMinutes(\"Asia/Kolkata\")", "30"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getFullYear(\"America/New_York\")", "2025"},
        {"timestamp(\"1900-01-01T00:00:00Z\").getMinutes(\"Europe/Amsterdam\")", "19"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(\"UTC\")", "0"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(\"GMT\")", "0"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(\"Etc/GMT+5\")", "19"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(\"US/Pacific\")", "16"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(\"-03:30\")", "20"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(dyn(\"europe/berlin\"))",
         "error: not a time zone like Europe/Paris or +02:00"},
        {"timestamp(\"2026-01-01T00:00:00Z\").getHours(\"Europe\" + \"/Nowhere\")",
         "error: not a time zone like Europe/Paris or +02:00"},
        {"timestamp(\"0001-01-01T00:00:00Z\").getFullYear(\"America/New_York\")", "0"},
        {"timestamp(\"9999-12-31T23:59:59Z\").getFullYear(\"Asia/Tokyo\")", "10000"},
    };
    CHECK_CONSTANTS(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),   cmocka_unit_test(format),   cmocka_unit_test(math),
        cmocka_unit_test(lists),     cmocka_unit_test(encoders), cmocka_unit_test(network),
        cmocka_unit_test(optionals), cmocka_unit_test(types),    cmocka_unit_test(zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
