/* Times, decimals and UUIDs as text; see json_int.h. Proleptic Gregorian calendar, no leap seconds,
 * as in Avro. Pure functions, any thread. */
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "codec/json_int.h"

/* --- calendar --- */

static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Leap days in the years 1 .. y-1. */
static int64_t leaps_before(int64_t y)
{
    y--;
    return y / 4 - y / 100 + y / 400;
}

static int64_t days_before_year(int64_t y)
{
    return (y - 1970) * 365 + leaps_before(y) - leaps_before(1970);
}

static int days_in_month(int64_t y, int month)
{
    return month_days[month - 1] + (month == 2 && is_leap(y) ? 1 : 0);
}

static int64_t days_of(int64_t y, int month, int day)
{
    int64_t days = days_before_year(y) + day - 1;
    for (int m = 1; m < month; m++)
        days += days_in_month(y, m);
    return days;
}

static void date_of(int64_t days, int64_t *y, int *month, int *day)
{
    *y = 1970 + days / 366 - (days < 0);
    while (days_before_year(*y) > days)
        (*y)--;
    while (days_before_year(*y + 1) <= days)
        (*y)++;
    int64_t rest = days - days_before_year(*y);
    *month = 1;
    while (rest >= days_in_month(*y, *month))
        rest -= days_in_month(*y, (*month)++);
    *day = (int)rest + 1;
}

/* --- parsing --- */

typedef struct cursor {
    const char *p, *end;
} cursor;

static bool digits(cursor *c, int n, int *out)
{
    if (c->end - c->p < n)
        return false;
    *out = 0;
    for (int i = 0; i < n; i++, c->p++) {
        if (*c->p < '0' || *c->p > '9')
            return false;
        *out = *out * 10 + (*c->p - '0');
    }
    return true;
}

static bool take(cursor *c, const char *any_of)
{
    if (c->p == c->end || *c->p == '\0' || strchr(any_of, *c->p) == NULL)
        return false;
    c->p++;
    return true;
}

static const char *parse_date(cursor *c, int64_t *days)
{
    int y, month, day;
    if (!digits(c, 4, &y) || !take(c, "-") || !digits(c, 2, &month) || !take(c, "-") ||
        !digits(c, 2, &day))
        return "write 2026-01-31";
    if (y < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(y, month))
        return "there is no such day";
    *days = days_of(y, month, day);
    return NULL;
}

/* hh:mm:ss with up to nine decimals, in ticks of the day. */
static const char *parse_clock(cursor *c, int64_t per_second, int64_t *ticks)
{
    int h, m, s;
    if (!digits(c, 2, &h) || !take(c, ":") || !digits(c, 2, &m) || !take(c, ":") ||
        !digits(c, 2, &s))
        return "write the time as 10:00:00";
    if (h > 23 || m > 59 || s > 59)
        return "there is no such time of day";
    *ticks = ((int64_t)h * 3600 + m * 60 + s) * per_second;
    if (!take(c, "."))
        return NULL;
    int64_t unit = per_second;
    int digit;
    if (!digits(c, 1, &digit))
        return "digits are missing after the point";
    do {
        unit /= 10;
        if (unit == 0 && digit != 0)
            return "it is finer than the field's unit";
        *ticks += unit * digit;
    } while (digits(c, 1, &digit));
    return NULL;
}

static const char *parse_zone(cursor *c, int64_t *seconds)
{
    *seconds = 0;
    if (c->p == c->end || take(c, "Zz"))
        return NULL;
    bool west = *c->p == '-';
    int h, m;
    if (!take(c, "+-") || !digits(c, 2, &h))
        return "the zone must be Z or like +01:00";
    take(c, ":");
    if (!digits(c, 2, &m) || h > 23 || m > 59)
        return "the zone must be Z or like +01:00";
    *seconds = (h * 3600 + m * 60) * (west ? -1 : 1);
    return NULL;
}

static const char *parse_timestamp(cursor *c, int64_t per_second, int64_t *out)
{
    int64_t days = 0, ticks = 0, zone = 0;
    const char *why = parse_date(c, &days);
    if (why == NULL && take(c, "Tt "))
        why = parse_clock(c, per_second, &ticks);
    if (why == NULL)
        why = parse_zone(c, &zone);
    if (why != NULL)
        return why;
    if (__builtin_mul_overflow(days * 86400 - zone, per_second, out) ||
        __builtin_add_overflow(*out, ticks, out))
        return "it is out of the field's range";
    return NULL;
}

const char *fd_iso_parse(fd_str text, fd_logical logical, int64_t *out)
{
    cursor c = {text.p, text.p + text.n};
    const char *why = NULL;
    switch (logical) {
    case FD_LOGICAL_DATE:
        why = parse_date(&c, out);
        break;
    case FD_LOGICAL_TIME_MILLIS:
    case FD_LOGICAL_TIME_MICROS:
        why = parse_clock(&c, fd_logical_per_second(logical), out);
        break;
    case FD_LOGICAL_TIMESTAMP_MILLIS:
    case FD_LOGICAL_TIMESTAMP_MICROS:
    case FD_LOGICAL_TIMESTAMP_NANOS:
        why = parse_timestamp(&c, fd_logical_per_second(logical), out);
        break;
    default:
        return "it must be a number";
    }
    return why == NULL && c.p != c.end ? "something follows it" : why;
}

/* --- formatting --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void put_clock(int64_t ticks, int64_t per_second, fd_strbuf *out)
{
    int64_t s = ticks / per_second;
    fd_strbuf_printf(out, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    int64_t rest = ticks % per_second;
    if (rest == 0)
        return;
    int width = per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9;
    fd_strbuf_printf(out, ".%0*" PRId64, width, rest);
}

bool fd_iso_format(int64_t v, fd_logical logical, fd_strbuf *out)
{
    int64_t per_second = fd_logical_per_second(logical);
    bool clock = logical == FD_LOGICAL_TIME_MILLIS || logical == FD_LOGICAL_TIME_MICROS;
    int64_t day_ticks = 86400 * per_second;
    if (clock) {
        if (v < 0 || v >= day_ticks)
            return false;
        put_clock(v, per_second, out);
        return true;
    }
    bool date = logical == FD_LOGICAL_DATE;
    int64_t days = date ? v : floor_div(v, day_ticks);
    if (days < days_of(1, 1, 1) || days > days_of(9999, 12, 31))
        return false;
    int64_t y;
    int month, day;
    date_of(days, &y, &month, &day);
    fd_strbuf_printf(out, "%04d-%02d-%02d", (int)y, month, day);
    if (date)
        return true;
    fd_strbuf_putc(out, 'T');
    put_clock(v - days * day_ticks, per_second, out);
    fd_strbuf_putc(out, 'Z');
    return true;
}

/* --- decimals --- */

static const char *parse_units(const char *s, uint32_t scale, int64_t *out)
{
    bool minus = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    int64_t v = 0;
    int n_digits = 0;
    bool point = false;
    uint32_t decimals = 0;
    for (; *s != '\0'; s++) {
        if (*s == '.' && !point) {
            point = true;
            continue;
        }
        if (*s < '0' || *s > '9')
            return "a decimal is written like \"-12.34\"";
        if (point && decimals == scale && *s != '0')
            return "it has more decimal places than the field";
        n_digits++;
        if (point && decimals == scale)
            continue;
        decimals += point;
        /* downwards: the most negative number has no positive twin */
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, *s - '0', &v))
            return "it does not fit 64 bits";
    }
    if (n_digits == 0)
        return "a decimal is written like \"-12.34\"";
    for (; decimals < scale; decimals++) {
        if (__builtin_mul_overflow(v, 10, &v))
            return "it does not fit 64 bits";
    }
    if (!minus && __builtin_sub_overflow(0, v, &v))
        return "it does not fit 64 bits";
    *out = v;
    return NULL;
}

const char *fd_decimal_parse(const json_t *v, uint32_t scale, int64_t *out)
{
    char buf[400];
    if (json_is_string(v))
        return parse_units(json_string_value(v), scale, out);
    if (json_is_integer(v)) {
        snprintf(buf, sizeof buf, "%lld", (long long)json_integer_value(v));
        return parse_units(buf, scale, out);
    }
    if (!json_is_real(v))
        return "a decimal is due";
    /* 15 digits are what a double holds of a number that somebody typed */
    double d = json_real_value(v);
    double whole = d < 0 ? -d : d;
    int digits_before = 1;
    for (; whole >= 10; whole /= 10)
        digits_before++;
    int places = 15 - digits_before;
    snprintf(buf, sizeof buf, "%.*f", places < 0 ? 0 : places, d);
    return parse_units(buf, scale, out);
}

void fd_decimal_format(int64_t v, uint32_t scale, fd_strbuf *out)
{
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    char text[300];
    int n = snprintf(text, sizeof text, "%0*" PRIu64, (int)scale + 1, u);
    FD_ASSERT(n > (int)scale && n < (int)sizeof text);
    if (v < 0)
        fd_strbuf_putc(out, '-');
    fd_strbuf_add(out, text, (size_t)n - scale);
    if (scale > 0) {
        fd_strbuf_putc(out, '.');
        fd_strbuf_add(out, text + n - scale, scale);
    }
}

/* --- UUIDs --- */

/* Before these bytes there is a dash. */
static bool is_dashed(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void fd_uuid_format(const unsigned char bytes[FD_UUID_BYTES], char text[FD_UUID_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < FD_UUID_BYTES; i++) {
        if (is_dashed(i))
            *text++ = '-';
        *text++ = hex[bytes[i] >> 4];
        *text++ = hex[bytes[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fd_uuid_parse(fd_str text, unsigned char bytes[FD_UUID_BYTES])
{
    if (text.n != FD_UUID_TEXT)
        return false;
    const char *p = text.p;
    for (int i = 0; i < FD_UUID_BYTES; i++) {
        if (is_dashed(i) && *p++ != '-')
            return false;
        int high = hex_value(*p++), low = hex_value(*p++);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
