/* A growable text buffer; see strbuf.h. One owner at a time. */
#include "base/strbuf.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void fd_strbuf_free(fd_strbuf *b)
{
    free(b->p);
    *b = (fd_strbuf){0};
}

void fd_strbuf_reset(fd_strbuf *b)
{
    b->n = 0;
    if (b->p != NULL)
        b->p[0] = '\0';
}

static void reserve(fd_strbuf *b, size_t more)
{
    if (b->cap - b->n > more)
        return;
    size_t cap = b->cap == 0 ? 256 : b->cap;
    while (cap - b->n <= more)
        cap *= 2;
    b->p = realloc(b->p, cap);
    FD_ALLOCATED(b->p);
    b->cap = cap;
}

void fd_strbuf_add(fd_strbuf *b, const void *bytes, size_t n)
{
    reserve(b, n);
    if (n != 0)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void fd_strbuf_puts(fd_strbuf *b, const char *s)
{
    fd_strbuf_add(b, s, strlen(s));
}

void fd_strbuf_putc(fd_strbuf *b, char c)
{
    fd_strbuf_add(b, &c, 1);
}

void fd_strbuf_printf(fd_strbuf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list again;
    va_copy(again, ap);
    reserve(b, 64); /* most texts are short: one pass */
    size_t room = b->cap - b->n;
    int n = vsnprintf(b->p + b->n, room, fmt, ap);
    va_end(ap);
    FD_ASSERT(n >= 0);
    if ((size_t)n >= room) {
        reserve(b, (size_t)n);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    b->n += (size_t)n;
}

void fd_strbuf_int(fd_strbuf *b, int64_t v)
{
    char digits[24];
    char *end = digits + sizeof digits, *p = end;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (v < 0)
        *--p = '-';
    fd_strbuf_add(b, p, (size_t)(end - p));
}

void fd_strbuf_double(fd_strbuf *b, double d)
{
    static const double exact = 1e15; /* below it %.15g writes whole numbers without an exponent */
    if (isnan(d) || isinf(d)) {
        fd_strbuf_puts(b, isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
        return;
    }
    if (fabs(d) < exact && d == (double)(int64_t)d && !(d == 0 && signbit(d))) {
        fd_strbuf_int(b, (int64_t)d);
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    fd_strbuf_puts(b, text);
}

static bool continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Unicode 15, table 3-7: well-formed UTF-8 byte sequences. */
size_t fd_utf8_len(const unsigned char *s, size_t n)
{
    if (n == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        return n >= 2 && continuation(s[1]) ? 2 : 0;
    if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        if (n < 3 || !continuation(s[1]) || !continuation(s[2]))
            return 0;
        bool overlong = s[0] == 0xE0 && s[1] < 0xA0;
        bool surrogate = s[0] == 0xED && s[1] > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        if (n < 4 || !continuation(s[1]) || !continuation(s[2]) || !continuation(s[3]))
            return 0;
        bool overlong = s[0] == 0xF0 && s[1] < 0x90;
        bool beyond = s[0] == 0xF4 && s[1] > 0x8F;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

/* How many bytes from `at` on stand for themselves in JSON. */
static size_t plain_run(fd_str s, size_t at)
{
    size_t i = at;
    for (; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
            break;
    }
    return i - at;
}

void fd_strbuf_json(fd_strbuf *b, fd_str s)
{
    fd_strbuf_putc(b, '"');
    for (size_t i = 0; i < s.n;) {
        size_t plain = plain_run(s, i);
        fd_strbuf_add(b, s.p + i, plain);
        i += plain;
        if (i == s.n)
            break;
        unsigned char c = (unsigned char)s.p[i];
        size_t len = fd_utf8_len((const unsigned char *)s.p + i, s.n - i);
        if (len == 0) {
            fd_strbuf_puts(b, "\\ufffd");
            i++;
            continue;
        }
        if (c == '"' || c == '\\') {
            fd_strbuf_putc(b, '\\');
            fd_strbuf_putc(b, (char)c);
        } else if (c < 0x20 || c == 0x7F) {
            fd_strbuf_printf(b, "\\u%04x", c);
        } else {
            fd_strbuf_add(b, s.p + i, len);
        }
        i += len;
    }
    fd_strbuf_putc(b, '"');
}

void fd_strbuf_time(fd_strbuf *b, int64_t ms)
{
    int64_t days = ms / 86400000, in_day = ms % 86400000;
    if (in_day < 0) {
        days--;
        in_day += 86400000;
    }
    /* Days since 0000-03-01, whose years end with the leap day. */
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    fd_strbuf_printf(b,
                     "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64
                     ":%02" PRId64 ".%03" PRId64 "Z",
                     yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) / 5 + 1,
                     in_day / 3600000, in_day / 60000 % 60, in_day / 1000 % 60, in_day % 1000);
}
