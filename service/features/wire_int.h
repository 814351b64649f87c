/*
 * Bytes of stored values: varints, and a reader that never goes past the end.
 * Private to the module; any thread.
 */
#ifndef FD_FEATURES_WIRE_INT_H
#define FD_FEATURES_WIRE_INT_H

#include "base/strbuf.h"

typedef struct fd_wire {
    const unsigned char *p, *end;
    bool bad; /* it ended too early, or a number is too long */
} fd_wire;

static inline void fd_wire_put(fd_strbuf *b, uint64_t v)
{
    unsigned char bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (unsigned char)(v | 0x80);
    bytes[n++] = (unsigned char)v;
    fd_strbuf_add(b, bytes, n);
}

static inline void fd_wire_put_signed(fd_strbuf *b, int64_t v)
{
    fd_wire_put(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static inline void fd_wire_put_word(fd_strbuf *b, uint64_t v)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(v >> 8 * i);
    fd_strbuf_add(b, bytes, sizeof bytes);
}

static inline uint64_t fd_wire_get(fd_wire *w)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->p == w->end)
            break;
        unsigned char c = *w->p++;
        v |= (uint64_t)(c & 0x7f) << shift;
        /* The last of ten bytes holds one bit; a longer form than needed is not ours. */
        if ((shift == 63 && c > 1) || (c == 0 && shift != 0))
            break;
        if (c < 0x80)
            return v;
    }
    w->bad = true;
    return 0;
}

static inline int64_t fd_wire_get_signed(fd_wire *w)
{
    uint64_t v = fd_wire_get(w);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static inline uint64_t fd_wire_get_word(fd_wire *w)
{
    uint64_t v = 0;
    if (w->end - w->p < 8) {
        w->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)w->p[i] << 8 * i;
    w->p += 8;
    return v;
}

static inline fd_str fd_wire_get_bytes(fd_wire *w, uint64_t n)
{
    if (n > (uint64_t)(w->end - w->p)) {
        w->bad = true;
        return (fd_str){0};
    }
    fd_str s = {(const char *)w->p, (uint32_t)n};
    w->p += n;
    return s;
}

#endif
