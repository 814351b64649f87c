/*
 * Avro bytes to one line of JSON; see container.h. For people: off the hot path, but as wary of
 * the bytes as decoding is, with the same bounds.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/container.h"
#include "codec/decode.h"
#include "codec/json_int.h"
#include "codec/wire.h"

typedef struct reader {
    fd_bytes p, end;
    fd_strbuf *out;
    int depth;
    uint32_t elems_left;
} reader;

static fd_poison read_value(reader *r, const fd_node *n);

#define READ(function, ...)                                          \
    do {                                                             \
        fd_poison why_ = FD_POISON_NONE;                             \
        fd_bytes next_ = function(r->p, r->end, __VA_ARGS__, &why_); \
        if (next_ == NULL)                                           \
            return why_;                                             \
        r->p = next_;                                                \
    } while (0)

static void put_double(fd_strbuf *out, double d)
{
    bool odd = isnan(d) || isinf(d); /* JSON has no such numbers */
    fd_strbuf_puts(out, odd ? "\"" : "");
    fd_strbuf_double(out, d);
    fd_strbuf_puts(out, odd ? "\"" : "");
}

static void put_integer(fd_strbuf *out, int64_t v, const fd_node *n)
{
    size_t was = out->n;
    if (n->logical != FD_LOGICAL_NONE) {
        fd_strbuf_putc(out, '"');
        if (fd_iso_format(v, n->logical, out)) {
            fd_strbuf_putc(out, '"');
            return;
        }
        out->n = was;
    }
    fd_strbuf_int(out, v);
}

/* One character per byte, as Avro's JSON has it. */
static void put_bytes(fd_strbuf *out, fd_str raw)
{
    fd_strbuf text = {0};
    for (uint32_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c >= 0x80)
            fd_strbuf_putc(&text, (char)(0xc0 | c >> 6));
        fd_strbuf_putc(&text, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
    }
    fd_strbuf_json(out, (fd_str){text.p, (uint32_t)text.n});
    fd_strbuf_free(&text);
}

static fd_poison put_binary(reader *r, const fd_node *n, fd_str raw)
{
    if (n->logical == FD_LOGICAL_UUID) {
        char text[FD_UUID_TEXT];
        fd_uuid_format((fd_bytes)raw.p, text);
        fd_strbuf_json(r->out, (fd_str){text, FD_UUID_TEXT});
        return FD_POISON_NONE;
    }
    if (n->logical != FD_LOGICAL_DECIMAL) {
        put_bytes(r->out, raw);
        return FD_POISON_NONE;
    }
    int64_t v = 0;
    fd_poison why = fd_wire_decimal(raw, &v);
    if (why != FD_POISON_NONE)
        return why;
    fd_strbuf_putc(r->out, '"');
    fd_decimal_format(v, n->scale, r->out);
    fd_strbuf_putc(r->out, '"');
    return FD_POISON_NONE;
}

static fd_poison read_plain(reader *r, const fd_node *n)
{
    int64_t i = 0;
    double d = 0;
    fd_str s = {0};
    switch (n->kind) {
    case FD_AVRO_BOOLEAN:
        READ(fd_wire_fixed, 1, &s);
        if ((unsigned char)s.p[0] > 1)
            return FD_POISON_BAD_VALUE;
        fd_strbuf_puts(r->out, s.p[0] ? "true" : "false");
        break;
    case FD_AVRO_INT:
        READ(fd_wire_int, &i);
        put_integer(r->out, i, n);
        break;
    case FD_AVRO_LONG:
        READ(fd_wire_long, &i);
        put_integer(r->out, i, n);
        break;
    case FD_AVRO_FLOAT:
        READ(fd_wire_float, &d);
        put_double(r->out, d);
        break;
    case FD_AVRO_DOUBLE:
        READ(fd_wire_double, &d);
        put_double(r->out, d);
        break;
    case FD_AVRO_STRING:
        READ(fd_wire_string, &s);
        fd_strbuf_json(r->out, s);
        break;
    case FD_AVRO_BYTES:
        READ(fd_wire_bytes, &s);
        return put_binary(r, n, s);
    case FD_AVRO_FIXED:
        READ(fd_wire_fixed, n->size, &s);
        return put_binary(r, n, s);
    case FD_AVRO_ENUM:
        READ(fd_wire_long, &i);
        if ((uint64_t)i >= n->n)
            return FD_POISON_BAD_VALUE;
        fd_strbuf_json(r->out, n->symbols[i]);
        break;
    default:
        FD_ASSERT(n->kind == FD_AVRO_NULL);
        fd_strbuf_puts(r->out, "null");
    }
    return FD_POISON_NONE;
}

static fd_poison read_record(reader *r, const fd_node *n)
{
    fd_strbuf_putc(r->out, '{');
    for (uint32_t i = 0; i < n->n; i++) {
        fd_strbuf_printf(r->out, "%s\"%s\":", i == 0 ? "" : ",", n->fields[i].name);
        fd_poison why = read_value(r, n->fields[i].node);
        if (why != FD_POISON_NONE)
            return why;
    }
    fd_strbuf_putc(r->out, '}');
    return FD_POISON_NONE;
}

static fd_poison read_item(reader *r, const fd_node *n, bool first)
{
    if (!first)
        fd_strbuf_putc(r->out, ',');
    if (n->kind == FD_AVRO_MAP) {
        fd_str key = {0};
        READ(fd_wire_string, &key);
        fd_strbuf_json(r->out, key);
        fd_strbuf_putc(r->out, ':');
    }
    return read_value(r, n->item);
}

/* Count and end of a block, as op_list of plan_run.c reads them. */
static fd_poison read_block(reader *r, uint64_t *count, fd_bytes *block_end)
{
    int64_t n = 0, bytes = 0;
    *block_end = NULL;
    READ(fd_wire_long, &n);
    *count = n < 0 ? -(uint64_t)n : (uint64_t)n;
    if (n < 0) {
        READ(fd_wire_long, &bytes);
        if (bytes < 0)
            return FD_POISON_BAD_VALUE;
        if (bytes > r->end - r->p)
            return FD_POISON_TRUNCATED;
        *block_end = r->p + bytes;
    }
    return *count > r->elems_left ? FD_POISON_TOO_LARGE : FD_POISON_NONE;
}

static fd_poison read_list(reader *r, const fd_node *n)
{
    bool first = true;
    fd_strbuf_putc(r->out, n->kind == FD_AVRO_MAP ? '{' : '[');
    for (;;) {
        uint64_t count = 0;
        fd_bytes block_end = NULL;
        fd_poison why = read_block(r, &count, &block_end);
        if (why != FD_POISON_NONE)
            return why;
        if (count == 0)
            break;
        r->elems_left -= (uint32_t)count;
        for (; count > 0; count--, first = false) {
            why = read_item(r, n, first);
            if (why != FD_POISON_NONE)
                return why;
        }
        if (block_end != NULL && block_end != r->p)
            return FD_POISON_BAD_VALUE;
    }
    fd_strbuf_putc(r->out, n->kind == FD_AVRO_MAP ? '}' : ']');
    return FD_POISON_NONE;
}

static fd_poison read_deep(reader *r, const fd_node *n)
{
    switch (n->kind) {
    case FD_AVRO_RECORD:
        return read_record(r, n);
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
        return read_list(r, n);
    default: {
        FD_ASSERT(n->kind == FD_AVRO_UNION);
        int64_t i = 0;
        READ(fd_wire_long, &i);
        if ((uint64_t)i >= n->n)
            return FD_POISON_BAD_VALUE;
        return read_value(r, n->branches[i]);
    }
    }
}

static fd_poison read_value(reader *r, const fd_node *n)
{
    bool deep = n->kind == FD_AVRO_RECORD || n->kind == FD_AVRO_ARRAY || n->kind == FD_AVRO_MAP ||
                n->kind == FD_AVRO_UNION;
    if (!deep)
        return read_plain(r, n);
    /* schemas nest too: twice what a value alone may */
    if (r->depth == FD_DECODE_MAX_DEPTH + FD_SCHEMA_MAX_DEPTH)
        return FD_POISON_TOO_LARGE;
    r->depth++;
    fd_poison why = read_deep(r, n);
    r->depth--;
    return why;
}

fd_poison fd_avro_to_json(const fd_schema *s, fd_str payload, fd_strbuf *out)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    size_t was = out->n;
    fd_bytes at = payload.p == NULL ? (fd_bytes) "" : (fd_bytes)payload.p;
    reader r = {.p = at, .end = at + payload.n, .out = out, .elems_left = FD_DECODE_MAX_ELEMS};
    fd_poison why = read_value(&r, s->node);
    if (why == FD_POISON_NONE && r.p != r.end)
        why = FD_POISON_TRAILING_BYTES;
    if (why != FD_POISON_NONE) {
        out->n = was;
        if (out->p != NULL)
            out->p[was] = '\0';
    }
    return why;
}
