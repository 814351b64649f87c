/* The bytes of a payment; see payment.h. Pure. */
#include "app/generate/payment.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

static const char *const CHANNELS[] = {
#define X(name, text) text,
    FD_CHANNELS(X)
#undef X
};
static const char *const ENTRY_MODES[] = {
#define X(name, text) text,
    FD_ENTRY_MODES(X)
#undef X
};
static const char *const STATUSES[] = {
#define X(name, text) text,
    FD_STATUSES(X)
#undef X
};
static const fd_payment_field FIELDS[] = {
#define X(name, kind, type) {#name, FD_PAYMENT_##kind},
    FD_PAYMENT_FIELDS(X)
#undef X
};

const fd_payment_field *fd_payment_fields(size_t *n)
{
    *n = sizeof FIELDS / sizeof FIELDS[0];
    return FIELDS;
}

size_t fd_payment_symbols(fd_payment_kind kind, const char *const **symbols)
{
    switch (kind) {
    case FD_PAYMENT_CHANNEL:
        *symbols = CHANNELS;
        return FD_N_CHANNELS;
    case FD_PAYMENT_ENTRY:
        *symbols = ENTRY_MODES;
        return FD_N_ENTRY_MODES;
    case FD_PAYMENT_STATUS:
        *symbols = STATUSES;
        return FD_N_STATUSES;
    default:
        *symbols = NULL;
        return 0;
    }
}

void fd_text_set(fd_text *t, const char *s)
{
    size_t n = strlen(s);
    FD_ASSERT(n <= sizeof t->p);
    memcpy(t->p, s, n);
    t->n = (uint8_t)n;
}

void fd_text_printf(fd_text *t, const char *fmt, ...)
{
    char text[sizeof t->p + 1];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    FD_ASSERT(n >= 0 && n < (int)sizeof text);
    memcpy(t->p, text, (size_t)n);
    t->n = (uint8_t)n;
}

/* All writers put at p and return what follows; the callers' buffers hold FD_PAYMENT_MAX_BYTES. */

static char *put(char *p, const char *s, size_t n)
{
    memcpy(p, s, n);
    return p + n;
}

static char *put_text(char *p, const fd_text *t)
{
    return put(p, t->p, t->n);
}

static char *put_number(char *p, int64_t v)
{
    char digits[20];
    size_t n = 0;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (v < 0)
        *p++ = '-';
    do {
        digits[n++] = (char)('0' + u % 10);
        u /= 10;
    } while (u != 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *put_padded(char *p, int64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

static char *put_degrees(char *p, int32_t micro)
{
    int64_t v = micro;
    if (v < 0) {
        *p++ = '-';
        v = -v;
    }
    p = put_number(p, v / 1000000);
    *p++ = '.';
    return put_padded(p, v % 1000000, 6);
}

/* The civil date of a day count since 1970-01-01, by 400-year eras of years that begin in March. */
static char *put_time(char *p, int64_t ms)
{
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    int64_t of_day = ms - days * 86400000;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    p = put_padded(p, year + era * 400 + (month >= 10), 4);
    *p++ = '-';
    p = put_padded(p, month < 10 ? month + 3 : month - 9, 2);
    *p++ = '-';
    p = put_padded(p, of_year - (153 * month + 2) / 5 + 1, 2);
    *p++ = 'T';
    p = put_padded(p, of_day / 3600000, 2);
    *p++ = ':';
    p = put_padded(p, of_day / 60000 % 60, 2);
    *p++ = ':';
    p = put_padded(p, of_day / 1000 % 60, 2);
    if (of_day % 1000 != 0) { /* as the codec writes times */
        *p++ = '.';
        p = put_padded(p, of_day % 1000, 3);
    }
    *p++ = 'Z';
    return p;
}

/* ---- Avro ---- */

static char *avro_long(char *p, int64_t v)
{
    uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    for (; z >= 0x80; z >>= 7)
        *p++ = (char)(z | 0x80);
    *p++ = (char)z;
    return p;
}

static char *avro_TEXT(char *p, const fd_text *t)
{
    return put_text(avro_long(p, t->n), t);
}

/* Unions are ["null", X]: branch 0 or 1. */
static char *avro_OPT_TEXT(char *p, const fd_text *t)
{
    *p++ = (char)(t->n == 0 ? 0 : 2);
    return t->n == 0 ? p : avro_TEXT(p, t);
}

static char *avro_TIME(char *p, const int64_t *v)
{
    return avro_long(p, *v);
}

static char *avro_LONG(char *p, const int64_t *v)
{
    return avro_long(p, *v);
}

static char *avro_CHANNEL(char *p, const fd_channel *v)
{
    return avro_long(p, (int64_t)*v);
}

static char *avro_ENTRY(char *p, const fd_entry_mode *v)
{
    return avro_long(p, (int64_t)*v);
}

static char *avro_STATUS(char *p, const fd_payment_status *v)
{
    return avro_long(p, (int64_t)*v);
}

static char *avro_BOOL(char *p, const bool *v)
{
    *p++ = (char)*v;
    return p;
}

/* An IEEE division is rounded in one way only; the bytes are the same everywhere. */
static char *avro_OPT_DEGREES(char *p, const fd_degrees *v)
{
    *p++ = (char)(v->known ? 2 : 0);
    if (!v->known)
        return p;
    double degrees = v->micro / 1e6;
    uint64_t bits;
    memcpy(&bits, &degrees, sizeof bits);
    for (int i = 0; i < 8; i++)
        *p++ = (char)(bits >> (8 * i));
    return p;
}

void fd_payment_avro(const fd_payment *v, fd_strbuf *out)
{
    char buf[FD_PAYMENT_MAX_BYTES];
    char *p = buf;
#define X(name, kind, type) p = avro_##kind(p, &v->name);
    FD_PAYMENT_FIELDS(X)
#undef X
    fd_strbuf_add(out, buf, (size_t)(p - buf));
}

/* ---- text ---- */

static char *text_kind(char *p, fd_payment_kind kind, const void *field, const char *quote,
                       const char *null)
{
    size_t q = strlen(quote);
    switch (kind) {
    case FD_PAYMENT_TEXT:
    case FD_PAYMENT_OPT_TEXT: {
        const fd_text *t = field;
        if (kind == FD_PAYMENT_OPT_TEXT && t->n == 0)
            return put(p, null, strlen(null));
        return put(put_text(put(p, quote, q), t), quote, q);
    }
    case FD_PAYMENT_TIME:
        return put(put_time(put(p, quote, q), *(const int64_t *)field), quote, q);
    case FD_PAYMENT_LONG:
        return put_number(p, *(const int64_t *)field);
    case FD_PAYMENT_CHANNEL:
    case FD_PAYMENT_ENTRY:
    case FD_PAYMENT_STATUS: {
        const char *const *symbols;
        unsigned v = *(const unsigned *)field;
        FD_ASSERT(v < fd_payment_symbols(kind, &symbols));
        return put(put(put(p, quote, q), symbols[v], strlen(symbols[v])), quote, q);
    }
    case FD_PAYMENT_BOOL:
        return *(const bool *)field ? put(p, "true", 4) : put(p, "false", 5);
    case FD_PAYMENT_OPT_DEGREES: {
        const fd_degrees *d = field;
        return d->known ? put_degrees(p, d->micro) : put(p, null, strlen(null));
    }
    }
    FD_UNREACHABLE();
}

/* Ids are made of letters, digits, '-', '.' and ':': neither JSON nor CSV has to escape them. */
void fd_payment_json(const fd_payment *v, fd_strbuf *out)
{
    char buf[FD_PAYMENT_MAX_BYTES];
    char *p = buf;
    char before = '{';
#define X(name, kind, type)                          \
    *p++ = before;                                   \
    before = ',';                                    \
    p = put(p, "\"" #name "\":", sizeof(#name) + 2); \
    p = text_kind(p, FD_PAYMENT_##kind, &v->name, "\"", "null");
    FD_PAYMENT_FIELDS(X)
#undef X
    p = put(p, "}\n", 2);
    fd_strbuf_add(out, buf, (size_t)(p - buf));
}

void fd_payment_csv(const fd_payment *v, fd_strbuf *out)
{
    char buf[FD_PAYMENT_MAX_BYTES];
    char *p = buf;
#define X(name, kind, type)                                \
    p = text_kind(p, FD_PAYMENT_##kind, &v->name, "", ""); \
    *p++ = ',';
    FD_PAYMENT_FIELDS(X)
#undef X
    p[-1] = '\n';
    fd_strbuf_add(out, buf, (size_t)(p - buf));
}

void fd_payment_csv_heading(fd_strbuf *out)
{
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        fd_strbuf_printf(out, "%s%s", i == 0 ? "" : ",", FIELDS[i].name);
    fd_strbuf_putc(out, '\n');
}
