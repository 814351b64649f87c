/*
 * Avro's bytes, one value at a time, for the walks of this module. Bounds are checked here and
 * nowhere else. The readers return the place after the value, or NULL with *why set.
 * Pure functions, any thread.
 */
#ifndef FD_CODEC_WIRE_H
#define FD_CODEC_WIRE_H

#include <stddef.h>

#include "base/str.h"
#include "domain/enums.h"

#define FD_INLINE static inline __attribute__((always_inline))

typedef const unsigned char *fd_bytes;

enum { FD_WIRE_LONG_MAX = 10 };

/* Byte by byte: near the end of the payload and beyond 8 bytes. */
fd_bytes fd_wire_varint_slow(fd_bytes p, fd_bytes end, uint64_t *out, fd_poison *why)
    __attribute__((cold));
bool fd_wire_utf8_slow(fd_bytes p, size_t n) __attribute__((cold));

FD_INLINE uint64_t fd_wire_load64(fd_bytes p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

FD_INLINE uint32_t fd_wire_load32(fd_bytes p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap32(w);
#endif
    return w;
}

/* One byte at once; up to 8 without a branch per byte, because lengths of amounts and times are
 * not predictable: mask what follows the last byte, then close the gaps of the top bits. */
FD_INLINE fd_bytes fd_wire_varint(fd_bytes p, fd_bytes end, uint64_t *out, fd_poison *why)
{
    if (__builtin_expect(p != end && *p < 0x80, 1)) {
        *out = *p;
        return p + 1;
    }
    if (__builtin_expect(end - p >= 8, 1)) {
        uint64_t w = fd_wire_load64(p);
        uint64_t stops = ~w & 0x8080808080808080ULL;
        if (__builtin_expect(stops != 0, 1)) {
            w &= stops ^ (stops - 1);
            w = (w & 0x007f007f007f007fULL) | ((w & 0x7f007f007f007f00ULL) >> 1);
            w = (w & 0x00003fff00003fffULL) | ((w & 0x3fff00003fff0000ULL) >> 2);
            *out = (w & 0x0fffffffULL) | ((w & 0x0fffffff00000000ULL) >> 4);
            return p + __builtin_ctzll(stops) / 8 + 1;
        }
    }
    return fd_wire_varint_slow(p, end, out, why);
}

FD_INLINE int64_t fd_wire_unzigzag(uint64_t u)
{
    return (int64_t)((u >> 1) ^ -(u & 1));
}

FD_INLINE fd_bytes fd_wire_long(fd_bytes p, fd_bytes end, int64_t *out, fd_poison *why)
{
    uint64_t u = 0;
    p = fd_wire_varint(p, end, &u, why);
    *out = fd_wire_unzigzag(u);
    return p;
}

FD_INLINE fd_bytes fd_wire_int(fd_bytes p, fd_bytes end, int64_t *out, fd_poison *why)
{
    p = fd_wire_long(p, end, out, why);
    if (__builtin_expect(p != NULL && *out != (int32_t)*out, 0)) {
        *why = FD_POISON_BAD_VALUE;
        return NULL;
    }
    return p;
}

/* `n` bytes as they are. */
FD_INLINE fd_bytes fd_wire_fixed(fd_bytes p, fd_bytes end, uint32_t n, fd_str *out, fd_poison *why)
{
    if (__builtin_expect((size_t)(end - p) < n, 0)) {
        *why = FD_POISON_TRUNCATED;
        return NULL;
    }
    *out = (fd_str){(const char *)p, n};
    return p + n;
}

FD_INLINE fd_bytes fd_wire_bytes(fd_bytes p, fd_bytes end, fd_str *out, fd_poison *why)
{
    int64_t n = 0;
    p = fd_wire_long(p, end, &n, why);
    if (__builtin_expect(p == NULL, 0))
        return NULL;
    /* as unsigned: a negative length is beyond any end too */
    if (__builtin_expect((uint64_t)n > (uint64_t)(end - p), 0)) {
        *why = n < 0 ? FD_POISON_BAD_VALUE : FD_POISON_TRUNCATED;
        return NULL;
    }
    *out = (fd_str){(const char *)p, (uint32_t)n};
    return p + n;
}

/* ASCII is seen at once, 8 bytes at a time; reading on past the string is fine before `end`. */
FD_INLINE bool fd_wire_utf8(fd_str s, fd_bytes end)
{
    const uint64_t high = 0x8080808080808080ULL;
    fd_bytes p = (fd_bytes)s.p;
    size_t n = s.n;
    if (__builtin_expect(end - p < (ptrdiff_t)((n + 7) & ~(size_t)7), 0))
        return fd_wire_utf8_slow(p, n);
    uint64_t seen = 0;
    while (n > 8) {
        seen |= fd_wire_load64(p);
        p += 8;
        n -= 8;
    }
    if (n > 0)
        seen |= fd_wire_load64(p) << (64 - 8 * n);
    return __builtin_expect((seen & high) == 0, 1) || fd_wire_utf8_slow((fd_bytes)s.p, s.n);
}

FD_INLINE fd_bytes fd_wire_string(fd_bytes p, fd_bytes end, fd_str *out, fd_poison *why)
{
    p = fd_wire_bytes(p, end, out, why);
    if (__builtin_expect(p != NULL && !fd_wire_utf8(*out, end), 0)) {
        *why = FD_POISON_BAD_VALUE;
        return NULL;
    }
    return p;
}

FD_INLINE fd_bytes fd_wire_double(fd_bytes p, fd_bytes end, double *out, fd_poison *why)
{
    fd_str raw = {0};
    p = fd_wire_fixed(p, end, 8, &raw, why);
    if (__builtin_expect(p == NULL, 0))
        return NULL;
    uint64_t bits = fd_wire_load64(p - 8);
    memcpy(out, &bits, sizeof bits);
    return p;
}

FD_INLINE fd_bytes fd_wire_float(fd_bytes p, fd_bytes end, double *out, fd_poison *why)
{
    fd_str raw = {0};
    p = fd_wire_fixed(p, end, 4, &raw, why);
    if (__builtin_expect(p == NULL, 0))
        return NULL;
    uint32_t bits = fd_wire_load32(p - 4);
    float f;
    memcpy(&f, &bits, sizeof bits);
    *out = (double)f;
    return p;
}

/* Big-endian two's complement to 64 bits; TOO_LARGE beyond, BAD_VALUE without any byte. */
fd_poison fd_wire_decimal(fd_str raw, int64_t *out);

/* --- writing; `to` has room --- */

FD_INLINE unsigned char *fd_wire_put_long(unsigned char *to, int64_t v)
{
    uint64_t u = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    while (u >= 0x80) {
        *to++ = (unsigned char)(u | 0x80);
        u >>= 7;
    }
    *to++ = (unsigned char)u;
    return to;
}

/* Names and ids are short: two copies that overlap cost less than a call. */
FD_INLINE void fd_wire_copy(unsigned char *to, const char *from, uint32_t n)
{
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (uint32_t i = 0; i < n; i++)
            to[i] = (unsigned char)from[i];
    }
}

FD_INLINE unsigned char *fd_wire_put_str(unsigned char *to, fd_str s)
{
    to = fd_wire_put_long(to, s.n);
    fd_wire_copy(to, s.p, s.n);
    return to + s.n;
}

FD_INLINE unsigned char *fd_wire_put_double(unsigned char *to, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    memcpy(to, &bits, sizeof bits);
    return to + sizeof bits;
}

#endif
