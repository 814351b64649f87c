/* The rare cases of reading Avro's bytes; see wire.h. Pure functions, any thread. */
#include "codec/wire.h"

#include "base/strbuf.h"

fd_bytes fd_wire_varint_slow(fd_bytes p, fd_bytes end, uint64_t *out, fd_poison *why)
{
    uint64_t u = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (p == end) {
            *why = FD_POISON_TRUNCATED;
            return NULL;
        }
        unsigned char b = *p++;
        if (shift == 63 && b > 1)
            break;
        u |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = u;
            return p;
        }
    }
    *why = FD_POISON_BAD_VALUE;
    return NULL;
}

bool fd_wire_utf8_slow(fd_bytes p, size_t n)
{
    while (n > 0) {
        size_t one = *p < 0x80 ? 1 : fd_utf8_len(p, n);
        if (one == 0)
            return false;
        p += one;
        n -= one;
    }
    return true;
}

fd_poison fd_wire_decimal(fd_str raw, int64_t *out)
{
    fd_bytes p = (fd_bytes)raw.p;
    if (raw.n == 0)
        return FD_POISON_BAD_VALUE;
    unsigned char sign = p[0] & 0x80 ? 0xff : 0;
    uint32_t at = 0;
    while (raw.n - at > 8) {
        if (p[at++] != sign)
            return FD_POISON_TOO_LARGE;
    }
    if (((p[at] ^ sign) & 0x80) != 0)
        return FD_POISON_TOO_LARGE;
    uint64_t u = sign ? ~0ULL : 0;
    for (; at < raw.n; at++)
        u = u << 8 | p[at];
    *out = (int64_t)u;
    return FD_POISON_NONE;
}
