/*
 * "...".format([...]): clauses of the strings extension. Numbers never follow the locale; the
 * result is at most 1 MiB, and writing stops there. Pure; see function.h.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "lang/chars.h"
#include "lang/function.h"

enum { PRECISION_MAX = 100, NUMBER_MAX = 512 };

typedef struct writer {
    fd_arena *arena;
    char *p;
    uint32_t n, cap;
    fd_cel_value error; /* kind ERROR with a text once something was wrong */
} writer;

static void fail(writer *w, fd_cel_errcode code, const char *text)
{
    if (w->error.v.text == NULL)
        w->error = fd_cel_error_text(code, text);
}

static bool failed(const writer *w)
{
    return w->error.v.text != NULL;
}

static void put(writer *w, fd_str s)
{
    if (failed(w) || s.n == 0)
        return;
    if ((uint64_t)w->n + s.n > FD_CEL_STRING_MAX) {
        fail(w, FD_CEL_E_TOO_LONG, "string longer than 1 MiB");
        return;
    }
    if (w->n + s.n > w->cap) {
        uint32_t cap = 2 * (w->n + s.n) + 64;
        char *p = fd_arena_alloc(w->arena, cap);
        FD_ALLOCATED(p);
        if (w->n != 0)
            memcpy(p, w->p, w->n);
        w->p = p;
        w->cap = cap;
    }
    memcpy(w->p + w->n, s.p, s.n);
    w->n += s.n;
}

static void put_text(writer *w, const char *text)
{
    put(w, fd_str_from(text));
}

fd_str fd_cel_plain_double(double d, char *buf, size_t cap)
{
    if (isnan(d))
        return FD_STR("NaN");
    if (isinf(d))
        return d > 0 ? FD_STR("Infinity") : FD_STR("-Infinity");
    char digits[40];
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision, d);
        if (strtod(digits, NULL) == d)
            break;
    }
    char *e = strchr(digits, 'e');
    FD_ASSERT(e != NULL);
    int significant = (int)(e - digits) - (digits[0] == '-');
    significant = significant > 1 ? significant - 1 : 1; /* not the point */
    int decimals = significant - 1 - (int)strtol(e + 1, NULL, 10);
    int n = snprintf(buf, cap, "%.*f", decimals > 0 ? decimals : 0, d);
    FD_ASSERT(n > 0 && (size_t)n < cap);
    return (fd_str){buf, (uint32_t)n};
}

static void put_value(writer *w, const fd_cel_value *v);

static void put_list(writer *w, const fd_cel_value *v)
{
    uint32_t n = fd_cel_length(v);
    put_text(w, "[");
    for (uint32_t i = 0; i < n && !failed(w); i++) {
        fd_cel_value e = fd_cel_element(v, i);
        if (i != 0)
            put_text(w, ", ");
        put_value(w, &e);
    }
    put_text(w, "]");
}

typedef struct entry {
    fd_str key;
    uint32_t index;
} entry;

static int by_key(const void *x, const void *y)
{
    const entry *a = x, *b = y;
    int c = fd_str_cmp(a->key, b->key);
    return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

/* The key as text of its own. */
static fd_str key_text(writer *w, const fd_cel_value *key)
{
    writer k = {.arena = w->arena};
    put_value(&k, key);
    if (failed(&k))
        w->error = k.error;
    return (fd_str){k.p, k.n};
}

/* In the order of the keys' texts. */
static void put_map(writer *w, const fd_cel_value *v)
{
    uint32_t n = fd_cel_length(v);
    entry *entries = fd_arena_alloc(w->arena, ((size_t)n + 1) * sizeof *entries);
    FD_ALLOCATED(entries);
    for (uint32_t i = 0; i < n && !failed(w); i++) {
        fd_cel_value key = fd_cel_map_key(v, i);
        entries[i] = (entry){key_text(w, &key), i};
    }
    if (failed(w))
        return;
    qsort(entries, n, sizeof *entries, by_key);
    put_text(w, "{");
    for (uint32_t i = 0; i < n && !failed(w); i++) {
        fd_cel_value e = fd_cel_map_value(v, entries[i].index);
        put_text(w, i == 0 ? "" : ", ");
        put(w, entries[i].key);
        put_text(w, ": ");
        put_value(w, &e);
    }
    put_text(w, "}");
}

/* By the conversion to string, whose texts these kinds share. */
static void put_converted(writer *w, const fd_cel_value *v)
{
    fd_cel_value s = v->kind == FD_CEL_TIMESTAMP  ? fd_cel_string_from_timestamp(w->arena, v)
                     : v->kind == FD_CEL_DURATION ? fd_cel_string_from_duration(w->arena, v)
                     : v->kind == FD_CEL_IP       ? fd_cel_string_from_ip(w->arena, v)
                                                  : fd_cel_string_from_cidr(w->arena, v);
    put(w, fd_cel_text(&s));
}

/* %s */
static void put_value(writer *w, const fd_cel_value *v)
{
    char buf[NUMBER_MAX];
    switch (v->kind) {
    case FD_CEL_NULL:
        put_text(w, "null");
        return;
    case FD_CEL_BOOL:
        put_text(w, v->v.b ? "true" : "false");
        return;
    case FD_CEL_INT:
        snprintf(buf, sizeof buf, "%" PRId64, v->v.i);
        put_text(w, buf);
        return;
    case FD_CEL_UINT:
        snprintf(buf, sizeof buf, "%" PRIu64, v->v.u);
        put_text(w, buf);
        return;
    case FD_CEL_DOUBLE:
        put(w, fd_cel_plain_double(v->v.d, buf, sizeof buf));
        return;
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
    case FD_CEL_TYPE:
        put(w, fd_cel_text(v));
        return;
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
    case FD_CEL_IP:
    case FD_CEL_CIDR:
        put_converted(w, v);
        return;
    case FD_CEL_LIST:
        put_list(w, v);
        return;
    case FD_CEL_MAP:
        put_map(w, v);
        return;
    default:
        fail(w, FD_CEL_E_NO_OVERLOAD, "%s takes no value of this type");
    }
}

/* %d */
static void put_decimal(writer *w, const fd_cel_value *v)
{
    if (v->kind == FD_CEL_INT || v->kind == FD_CEL_UINT || v->kind == FD_CEL_DOUBLE)
        put_value(w, v);
    else
        fail(w, FD_CEL_E_NO_OVERLOAD, "%d takes numbers");
}

/* %f and %e */
static void put_floating(writer *w, const fd_cel_value *v, int precision, bool scientific)
{
    char buf[NUMBER_MAX];
    double d = v->kind == FD_CEL_INT    ? (double)v->v.i
               : v->kind == FD_CEL_UINT ? (double)v->v.u
                                        : v->v.d;
    if (v->kind != FD_CEL_INT && v->kind != FD_CEL_UINT && v->kind != FD_CEL_DOUBLE) {
        fail(w, FD_CEL_E_NO_OVERLOAD, "%f and %e take numbers");
        return;
    }
    if (!isfinite(d))
        put_value(w, v);
    else if (scientific)
        snprintf(buf, sizeof buf, "%.*e", precision, d);
    else
        snprintf(buf, sizeof buf, "%.*f", precision, d);
    if (isfinite(d))
        put_text(w, buf);
}

/* The digits of an int or uint in base 2, 8 or 16. */
static void put_based(writer *w, const fd_cel_value *v, unsigned base, bool upper)
{
    char buf[72];
    char *at = buf + sizeof buf;
    bool negative = v->kind == FD_CEL_INT && v->v.i < 0;
    uint64_t u = negative ? 0 - (uint64_t)v->v.i : v->v.u;
    do {
        unsigned digit = (unsigned)(u % base);
        *--at = (char)(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
        u /= base;
    } while (u != 0);
    if (negative)
        *--at = '-';
    put(w, (fd_str){at, (uint32_t)(buf + sizeof buf - at)});
}

/* %b %o %x %X of numbers; %b of bools, %x of texts. */
static void put_radix(writer *w, const fd_cel_value *v, char clause)
{
    unsigned base = clause == 'b' ? 2 : clause == 'o' ? 8 : 16;
    if (v->kind == FD_CEL_INT || v->kind == FD_CEL_UINT) {
        put_based(w, v, base, clause == 'X');
    } else if (base == 2 && v->kind == FD_CEL_BOOL) {
        put_text(w, v->v.b ? "1" : "0");
    } else if (base == 16 && (v->kind == FD_CEL_STRING || v->kind == FD_CEL_BYTES)) {
        const char *digits = clause == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
        for (uint32_t i = 0; i < v->n && !failed(w); i++) {
            unsigned char c = (unsigned char)v->v.p[i];
            char pair[2] = {digits[c >> 4], digits[c & 15]};
            put(w, (fd_str){pair, 2});
        }
    } else {
        fail(w, FD_CEL_E_NO_OVERLOAD, "%b, %o and %x take whole numbers");
    }
}

/* "." DIGITS behind the percent sign; -1 without one. */
static int precision_at(writer *w, fd_str s, uint32_t *at)
{
    if (*at == s.n || s.p[*at] != '.')
        return -1;
    int value = 0;
    uint32_t from = ++*at;
    for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9' && value <= PRECISION_MAX; ++*at)
        value = value * 10 + s.p[*at] - '0';
    if (*at == from || value > PRECISION_MAX)
        fail(w, FD_CEL_E_ARGUMENT, "a precision is a number up to 100");
    return value;
}

static void put_clause(writer *w, char clause, int precision, const fd_cel_value *v)
{
    switch (clause) {
    case 's':
        put_value(w, v);
        return;
    case 'd':
        put_decimal(w, v);
        return;
    case 'f':
    case 'e':
        put_floating(w, v, precision < 0 ? 6 : precision, clause == 'e');
        return;
    case 'b':
    case 'o':
    case 'x':
    case 'X':
        put_radix(w, v, clause);
        return;
    default:
        fail(w, FD_CEL_E_ARGUMENT, "an unknown clause in a format: it has %s %d %f %e %b %o %x %X");
    }
}

FD_CEL_FN(format)
{
    fd_str s = fd_cel_text(&args[0]);
    writer w = {.arena = arena};
    uint32_t used = 0, n = fd_cel_length(&args[1]);
    for (uint32_t at = 0; at < s.n && !failed(&w);) {
        const char *percent = memchr(s.p + at, '%', s.n - at);
        uint32_t end = percent == NULL ? s.n : (uint32_t)(percent - s.p);
        put(&w, (fd_str){s.p + at, end - at});
        at = end + 1;
        if (percent == NULL)
            break;
        if (at < s.n && s.p[at] == '%') {
            put_text(&w, "%");
            at++;
            continue;
        }
        int precision = precision_at(&w, s, &at);
        if (at >= s.n || used == n) {
            fail(&w, FD_CEL_E_OUT_OF_RANGE, "a format has more clauses than arguments");
            break;
        }
        fd_cel_value v = fd_cel_element(&args[1], used++);
        put_clause(&w, s.p[at++], precision, &v);
    }
    return failed(&w) ? w.error : fd_cel_string((fd_str){w.p, w.n});
}
