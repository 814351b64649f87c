/*
 * Conversions between CEL's scalar types: what does not fit is an error, never a wrong value.
 * Number formats are fixed here and do not follow the locale. Pure functions; see function.h.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "lang/function.h"
#include "lang/time.h"

static fd_cel_value bad(const char *text)
{
    return fd_cel_error_text(FD_CEL_E_CONVERSION, text);
}

/* The identity; a plain copy is all an immutable value needs. */
FD_CEL_FN(same)
{
    (void)arena;
    return args[0];
}

FD_CEL_FN(int_from_uint)
{
    (void)arena;
    if (args[0].v.u > INT64_MAX)
        return bad("the uint does not fit into an int");
    return fd_cel_int((int64_t)args[0].v.u);
}

/* Toward zero; the bounds themselves are excluded, for a double there is not exact. */
FD_CEL_FN(int_from_double)
{
    (void)arena;
    double d = args[0].v.d;
    if (!(d > -9223372036854775808.0 && d < 9223372036854775808.0))
        return bad("the double does not fit into an int");
    return fd_cel_int((int64_t)d);
}

/* Digits only, with a sign when `negative` is given; false when they do not fit. */
static bool parse_digits(fd_str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.n == 0)
        return false;
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    }
    *out = value;
    return value <= max;
}

FD_CEL_FN(int_from_string)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    bool negative = s.n != 0 && s.p[0] == '-';
    if (s.n != 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = (fd_str){s.p + 1, s.n - 1};
    uint64_t u = 0;
    if (!parse_digits(s, (uint64_t)INT64_MAX + (negative ? 1 : 0), &u))
        return bad("the string is not an int");
    return fd_cel_int(negative ? (int64_t)(0 - u) : (int64_t)u);
}

FD_CEL_FN(int_from_timestamp)
{
    (void)arena;
    return fd_cel_int(args[0].v.i);
}

FD_CEL_FN(uint_from_int)
{
    (void)arena;
    if (args[0].v.i < 0)
        return bad("a negative int does not fit into a uint");
    return fd_cel_uint((uint64_t)args[0].v.i);
}

FD_CEL_FN(uint_from_double)
{
    (void)arena;
    double d = args[0].v.d;
    if (!(d >= 0.0 && d < 18446744073709551616.0))
        return bad("the double does not fit into a uint");
    return fd_cel_uint((uint64_t)d);
}

FD_CEL_FN(uint_from_string)
{
    (void)arena;
    uint64_t u = 0;
    if (!parse_digits(fd_cel_text(&args[0]), UINT64_MAX, &u))
        return bad("the string is not a uint");
    return fd_cel_uint(u);
}

FD_CEL_FN(double_from_int)
{
    (void)arena;
    return fd_cel_double((double)args[0].v.i);
}

FD_CEL_FN(double_from_uint)
{
    (void)arena;
    return fd_cel_double((double)args[0].v.u);
}

/* Decimal notation, NaN, Inf, Infinity; no hexadecimal, no blanks around it. */
FD_CEL_FN(double_from_string)
{
    (void)arena;
    enum { NUMBER_MAX = 400 };
    char text[NUMBER_MAX + 1];
    fd_str s = fd_cel_text(&args[0]);
    if (s.n == 0 || s.n > NUMBER_MAX || memchr(s.p, 0, s.n) != NULL)
        return bad("the string is not a double");
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (strpbrk(text, "xX( \t\n\r\v\f") != NULL)
        return bad("the string is not a double");
    char *end;
    double d = strtod(text, &end);
    if (*end != '\0')
        return bad("the string is not a double");
    return fd_cel_double(d);
}

FD_CEL_FN(bool_from_string)
{
    (void)arena;
    static const char *const yes[] = {"true", "True", "TRUE", "t", "1"};
    static const char *const no[] = {"false", "False", "FALSE", "f", "0"};
    fd_str s = fd_cel_text(&args[0]);
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (fd_str_eq_c(s, yes[i]))
            return fd_cel_bool(true);
        if (fd_str_eq_c(s, no[i]))
            return fd_cel_bool(false);
    }
    return bad("the string is not a bool");
}

FD_CEL_FN(bytes_from_string)
{
    (void)arena;
    return fd_cel_bytes(fd_cel_text(&args[0]));
}

static fd_cel_value text_of(fd_arena *arena, const char *p)
{
    fd_str s = fd_arena_str(arena, fd_str_from(p));
    FD_ALLOCATED(s.p);
    return fd_cel_string(s);
}

FD_CEL_FN(string_from_int)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, args[0].v.i);
    return text_of(arena, text);
}

FD_CEL_FN(string_from_uint)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, args[0].v.u);
    return text_of(arena, text);
}

/* The shortest digits that read back as the same double: plain between 1e-6 and 1e21 (people
 * read explanations), with an exponent beyond. */
static void format_double(double d, char *out, size_t cap)
{
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision - 1, d);
        if (strtod(digits, NULL) == d)
            break;
    }
    char *e = strchr(digits, 'e');
    FD_ASSERT(e != NULL);
    int exponent = (int)strtol(e + 1, NULL, 10);
    if (exponent < -6 || exponent >= 21) {
        snprintf(out, cap, "%s", digits);
        return;
    }
    int mantissa = (int)(e - digits) - (digits[0] == '-');
    int significant = mantissa > 1 ? mantissa - 1 : 1;
    int decimals = significant - 1 - exponent;
    snprintf(out, cap, "%.*f", decimals > 0 ? decimals : 0, d);
}

FD_CEL_FN(string_from_double)
{
    double d = args[0].v.d;
    if (isnan(d))
        return fd_cel_string(FD_STR("NaN"));
    if (isinf(d))
        return d > 0 ? fd_cel_string(FD_STR("+Inf")) : fd_cel_string(FD_STR("-Inf"));
    char text[64];
    format_double(d, text, sizeof text);
    return text_of(arena, text);
}

FD_CEL_FN(string_from_bool)
{
    (void)arena;
    return args[0].v.b ? fd_cel_string(FD_STR("true")) : fd_cel_string(FD_STR("false"));
}

FD_CEL_FN(string_from_bytes)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    for (uint32_t i = 0; i < s.n;) {
        size_t n = fd_utf8_len((const unsigned char *)s.p + i, s.n - i);
        if (n == 0)
            return bad("the bytes are not UTF-8");
        i += (uint32_t)n;
    }
    return fd_cel_string(s);
}

/* ".5" not ".500000000": digits up to the last that says something. */
static void format_fraction(int32_t nanos, char *out, size_t cap)
{
    FD_ASSERT(nanos >= 0);
    out[0] = '\0';
    if (nanos == 0)
        return;
    int n = snprintf(out, cap, ".%09d", nanos);
    while (n > 0 && out[n - 1] == '0')
        out[--n] = '\0';
}

FD_CEL_FN(string_from_timestamp)
{
    char fraction[16];
    char text[64];
    fd_cel_civil c = fd_cel_civil_of(args[0].v.i);
    format_fraction(fd_cel_nanos(&args[0]), fraction, sizeof fraction);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)c.year, c.month, c.day,
             c.hour, c.minute, c.second, fraction);
    return text_of(arena, text);
}

FD_CEL_FN(string_from_duration)
{
    char fraction[16];
    char text[64];
    int64_t seconds = args[0].v.i;
    int32_t nanos = fd_cel_nanos(&args[0]);
    bool negative = seconds < 0 || nanos < 0;
    format_fraction(nanos < 0 ? -nanos : nanos, fraction, sizeof fraction);
    snprintf(text, sizeof text, "%s%" PRId64 "%ss", negative ? "-" : "",
             seconds < 0 ? -seconds : seconds, fraction);
    return text_of(arena, text);
}

FD_CEL_FN(timestamp_from_string)
{
    (void)arena;
    return fd_cel_parse_timestamp(fd_cel_text(&args[0]));
}

FD_CEL_FN(timestamp_from_int)
{
    (void)arena;
    return fd_cel_make_timestamp(args[0].v.i, 0);
}

/* A run of `n` digits at *at, or -1. */
static int digits(fd_str s, uint32_t *at, uint32_t n)
{
    int value = 0;
    if (s.n - *at < n)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        char c = s.p[*at + i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + c - '0';
    }
    *at += n;
    return value;
}

static bool literally(fd_str s, uint32_t *at, char upper)
{
    if (*at >= s.n || (s.p[*at] != upper && s.p[*at] != upper + ('a' - 'A')))
        return false;
    ++*at;
    return true;
}

static bool punctuation(fd_str s, uint32_t *at, char c)
{
    if (*at >= s.n || s.p[*at] != c)
        return false;
    ++*at;
    return true;
}

/* "." DIGIT{1,9} in nanoseconds; -1 for a dot without digits or with too many. */
static int32_t fraction_nanos(fd_str s, uint32_t *at)
{
    if (!punctuation(s, at, '.'))
        return 0;
    int32_t nanos = 0;
    int32_t unit = 100000000;
    uint32_t from = *at;
    while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9') {
        if (*at - from == 9)
            return -1;
        nanos += (s.p[*at] - '0') * unit;
        unit /= 10;
        ++*at;
    }
    return *at == from ? -1 : nanos;
}

/* "Z" | ("+" | "-") hh ":" mm in seconds; false when it is neither. */
static bool zone_offset(fd_str s, uint32_t *at, int64_t *offset)
{
    *offset = 0;
    if (literally(s, at, 'Z'))
        return true;
    bool negative = *at < s.n && s.p[*at] == '-';
    if (!negative && !(*at < s.n && s.p[*at] == '+'))
        return false;
    ++*at;
    int hours = digits(s, at, 2);
    bool colon = punctuation(s, at, ':');
    int minutes = digits(s, at, 2);
    if (hours < 0 || hours > 23 || !colon || minutes < 0 || minutes > 59)
        return false;
    *offset = (negative ? -1 : 1) * (hours * 60 + minutes) * 60;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

fd_cel_value fd_cel_parse_timestamp(fd_str s)
{
    uint32_t at = 0;
    int year = digits(s, &at, 4);
    bool ok = punctuation(s, &at, '-');
    int month = digits(s, &at, 2);
    ok = ok && punctuation(s, &at, '-');
    int day = digits(s, &at, 2);
    ok = ok && literally(s, &at, 'T');
    int hour = digits(s, &at, 2);
    ok = ok && punctuation(s, &at, ':');
    int minute = digits(s, &at, 2);
    ok = ok && punctuation(s, &at, ':');
    int second = digits(s, &at, 2);
    int32_t nanos = fraction_nanos(s, &at);
    int64_t offset = 0;
    ok = ok && zone_offset(s, &at, &offset) && at == s.n;
    if (!ok || year < 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
        nanos < 0)
        return bad("the string is not a timestamp like 2026-01-31T23:59:59Z");
    int64_t seconds = fd_cel_days_from_civil(year, month, day) * 86400 + (hour * 60 + minute) * 60 +
                      second - offset;
    return fd_cel_make_timestamp(seconds, nanos);
}

/* The unit at *at in nanoseconds, 0 when there is none; "ms" before "m". */
static int64_t duration_unit(fd_str s, uint32_t *at)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {
        {"ns", 1},         {"us", 1000},       {"ms", 1000000},
        {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        uint32_t n = (uint32_t)strlen(units[i].name);
        if (s.n - *at >= n && memcmp(s.p + *at, units[i].name, n) == 0) {
            *at += n;
            return units[i].nanos;
        }
    }
    return 0;
}

/* DIGITS ["." DIGITS] UNIT; false when malformed. Sums saturate far outside the range. */
static bool duration_part(fd_str s, uint32_t *at, __int128 *sum)
{
    enum { DIGITS_MAX = 18 };
    int64_t whole = 0;
    uint32_t from = *at;
    while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9' && *at - from < DIGITS_MAX)
        whole = whole * 10 + s.p[(*at)++] - '0';
    bool any = *at != from;
    int64_t fraction = 0;
    int64_t scale = 1;
    if (punctuation(s, at, '.')) {
        from = *at;
        while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9') {
            if (scale < 1000000000000000) {
                fraction = fraction * 10 + s.p[*at] - '0';
                scale *= 10;
            }
            ++*at;
        }
        any |= *at != from;
    }
    int64_t unit = duration_unit(s, at);
    if (!any || unit == 0)
        return false;
    *sum += (__int128)whole * unit + (__int128)fraction * unit / scale;
    return true;
}

/* As Go writes durations: [sign] parts of h, m, s, ms, us, ns; "0" alone is fine. */
FD_CEL_FN(duration_from_string)
{
    (void)arena;
    enum { PARTS_MAX = 16 };
    fd_str s = fd_cel_text(&args[0]);
    uint32_t at = 0;
    bool negative = s.n != 0 && s.p[0] == '-';
    if (s.n != 0 && (s.p[0] == '-' || s.p[0] == '+'))
        at = 1;
    if (s.n - at == 1 && s.p[at] == '0')
        return fd_cel_make_duration(0);
    __int128 sum = 0;
    int parts = 0;
    do {
        if (parts++ == PARTS_MAX || at == s.n || !duration_part(s, &at, &sum))
            return bad("the string is not a duration like 1h30m or 24h");
    } while (at < s.n);
    return fd_cel_make_duration(negative ? -sum : sum);
}
