/* Protocol Buffers' wire format; see protobuf.h. Any thread. */
#include "formats/protobuf.h"

#include <string.h>

enum { TAG_BITS = 3, VARINT_BITS = 7, VARINT_MORE = 0x80, VARINT_MAX_BYTES = 10 };
#define MAX_FIELD_NUMBER ((UINT64_C(1) << 29) - 1)

fd_pb fd_pb_open(fd_str message)
{
    const uint8_t *p = (const uint8_t *)message.p;
    return (fd_pb){.p = p, .end = message.n == 0 ? p : p + message.n};
}

static bool fail(fd_pb *r)
{
    r->bad = true;
    r->p = r->end;
    return false;
}

static bool read_varint(fd_pb *r, uint64_t *out)
{
    uint64_t v = 0;
    for (int i = 0; i < VARINT_MAX_BYTES && r->p < r->end; i++) {
        uint8_t byte = *r->p++;
        if (i == VARINT_MAX_BYTES - 1 && byte > 1)
            break; /* more than 64 bits */
        v |= (uint64_t)(byte & (VARINT_MORE - 1)) << (VARINT_BITS * i);
        if ((byte & VARINT_MORE) == 0) {
            *out = v;
            return true;
        }
    }
    return fail(r);
}

static bool read_fixed(fd_pb *r, size_t bytes, uint64_t *out)
{
    if ((size_t)(r->end - r->p) < bytes)
        return fail(r);
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += bytes;
    *out = v;
    return true;
}

static bool read_bytes(fd_pb *r, fd_str *out)
{
    uint64_t n;
    if (!read_varint(r, &n))
        return false;
    if (n > (uint64_t)(r->end - r->p))
        return fail(r);
    *out = (fd_str){(const char *)r->p, (uint32_t)n};
    r->p += n;
    return true;
}

static bool read_value(fd_pb *r, fd_pb_wire wire, uint64_t *out)
{
    switch (wire) {
    case FD_PB_VARINT:
        return read_varint(r, out);
    case FD_PB_FIXED64:
        return read_fixed(r, 8, out);
    case FD_PB_FIXED32:
        return read_fixed(r, 4, out);
    case FD_PB_BYTES:
        break;
    }
    return fail(r);
}

bool fd_pb_next(fd_pb *r, fd_pb_field *out)
{
    uint64_t tag;
    if (r->bad || r->p >= r->end || !read_varint(r, &tag))
        return false;
    *out = (fd_pb_field){.wire = (fd_pb_wire)(tag & ((1U << TAG_BITS) - 1))};
    if (tag >> TAG_BITS == 0 || tag >> TAG_BITS > MAX_FIELD_NUMBER)
        return fail(r);
    out->number = (uint32_t)(tag >> TAG_BITS);
    return out->wire == FD_PB_BYTES ? read_bytes(r, &out->bytes)
                                    : read_value(r, out->wire, &out->value);
}

typedef struct sink {
    uint64_t *out;
    size_t max, n;
} sink;

static bool add(sink *s, uint64_t value)
{
    if (s->n == s->max)
        return false;
    if (s->out != NULL)
        s->out[s->n] = value;
    s->n++;
    return true;
}

static bool add_packed(sink *s, fd_str bytes, fd_pb_wire wire)
{
    fd_pb r = fd_pb_open(bytes);
    while (r.p < r.end) {
        uint64_t value;
        if (!read_value(&r, wire, &value) || !add(s, value))
            return false;
    }
    return true;
}

bool fd_pb_numbers(fd_str message, uint32_t number, fd_pb_wire wire, uint64_t *out, size_t max,
                   size_t *n)
{
    fd_pb r = fd_pb_open(message);
    sink s = {.out = out, .max = max};
    fd_pb_field f;
    bool ok = true;
    while (ok && fd_pb_next(&r, &f)) {
        if (f.number != number)
            continue;
        if (f.wire == FD_PB_BYTES)
            ok = add_packed(&s, f.bytes, wire);
        else
            ok = f.wire == wire && add(&s, f.value);
    }
    *n = s.n;
    return ok && !r.bad;
}

float fd_pb_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof f);
    return f;
}

double fd_pb_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}
