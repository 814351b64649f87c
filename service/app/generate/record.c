/* The bytes of records; see record.h. Pure. */
#include "app/generate/record.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

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

/* All writers put at p and return what follows; the callers' buffers hold FD_RECORD_MAX_BYTES. */

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

static const void *field_of(const void *record, const fd_record_field *f)
{
    return (const char *)record + f->offset;
}

static unsigned symbol_of(const fd_record_field *f, const void *field)
{
    unsigned v = *(const unsigned *)field;
    FD_ASSERT(v < f->n_symbols);
    return v;
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

static char *avro_text(char *p, const fd_text *t)
{
    return put_text(avro_long(p, t->n), t);
}

/* An IEEE division is rounded in one way only; the bytes are the same everywhere. */
static char *avro_degrees(char *p, const fd_degrees *v)
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

/* Unions are ["null", X]: branch 0 or 1. */
static char *avro_field(char *p, const fd_record_field *f, const void *field)
{
    switch (f->kind) {
    case FD_RECORD_OPT_TEXT: {
        const fd_text *t = field;
        *p++ = (char)(t->n == 0 ? 0 : 2);
        return t->n == 0 ? p : avro_text(p, t);
    }
    case FD_RECORD_TEXT:
        return avro_text(p, field);
    case FD_RECORD_TIME:
    case FD_RECORD_LONG:
        return avro_long(p, *(const int64_t *)field);
    case FD_RECORD_ENUM:
        return avro_long(p, symbol_of(f, field));
    case FD_RECORD_BOOL:
        *p++ = (char)*(const bool *)field;
        return p;
    case FD_RECORD_OPT_DEGREES:
        return avro_degrees(p, field);
    }
    FD_UNREACHABLE();
}

void fd_record_avro(const fd_record_shape *shape, const void *record, fd_strbuf *out)
{
    char buf[FD_RECORD_MAX_BYTES];
    char *p = buf;
    for (uint32_t i = 0; i < shape->n_fields; i++)
        p = avro_field(p, &shape->fields[i], field_of(record, &shape->fields[i]));
    fd_strbuf_add(out, buf, (size_t)(p - buf));
}

/* ---- text ---- */

static char *text_field(char *p, const fd_record_field *f, const void *field, const char *quote,
                        const char *null)
{
    size_t q = strlen(quote);
    switch (f->kind) {
    case FD_RECORD_TEXT:
    case FD_RECORD_OPT_TEXT: {
        const fd_text *t = field;
        if (f->kind == FD_RECORD_OPT_TEXT && t->n == 0)
            return put(p, null, strlen(null));
        return put(put_text(put(p, quote, q), t), quote, q);
    }
    case FD_RECORD_TIME:
        return put(put_time(put(p, quote, q), *(const int64_t *)field), quote, q);
    case FD_RECORD_LONG:
        return put_number(p, *(const int64_t *)field);
    case FD_RECORD_ENUM: {
        const char *symbol = f->symbols[symbol_of(f, field)];
        return put(put(put(p, quote, q), symbol, strlen(symbol)), quote, q);
    }
    case FD_RECORD_BOOL:
        return *(const bool *)field ? put(p, "true", 4) : put(p, "false", 5);
    case FD_RECORD_OPT_DEGREES: {
        const fd_degrees *d = field;
        return d->known ? put_degrees(p, d->micro) : put(p, null, strlen(null));
    }
    }
    FD_UNREACHABLE();
}

void fd_record_json(const fd_record_shape *shape, const void *record, fd_strbuf *out)
{
    char buf[FD_RECORD_MAX_BYTES];
    char *p = buf;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const fd_record_field *f = &shape->fields[i];
        *p++ = i == 0 ? '{' : ',';
        *p++ = '"';
        p = put(p, f->name, strlen(f->name));
        p = put(p, "\":", 2);
        p = text_field(p, f, field_of(record, f), "\"", "null");
    }
    p = put(p, "}\n", 2);
    fd_strbuf_add(out, buf, (size_t)(p - buf));
}

void fd_record_csv(const fd_record_shape *shape, const void *record, fd_strbuf *out)
{
    char buf[FD_RECORD_MAX_BYTES];
    char *p = buf;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        p = text_field(p, &shape->fields[i], field_of(record, &shape->fields[i]), "", "");
        *p++ = ',';
    }
    p[-1] = '\n';
    fd_strbuf_add(out, buf, (size_t)(p - buf));
}

void fd_record_csv_heading(const fd_record_shape *shape, fd_strbuf *out)
{
    for (uint32_t i = 0; i < shape->n_fields; i++)
        fd_strbuf_printf(out, "%s%s", i == 0 ? "" : ",", shape->fields[i].name);
    fd_strbuf_putc(out, '\n');
}

const fd_text *fd_record_key(const fd_record_shape *shape, const void *record)
{
    return (const fd_text *)((const char *)record + shape->key);
}

int64_t fd_record_time(const fd_record_shape *shape, const void *record)
{
    return *(const int64_t *)((const char *)record + shape->time);
}
