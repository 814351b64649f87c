/* Framings; see frame.h. Pure functions, any thread. */
#include "codec/frame.h"

#include "base/assert.h"

static const uint32_t header_bytes[] = {
#define X(name, text, bytes) bytes,
    FD_FRAMINGS(X)
#undef X
};

fd_poison fd_frame_parse(fd_framing framing, fd_str value, fd_frame *out)
{
    FD_ASSERT(framing < FD_N_FRAMINGS);
    *out = (fd_frame){0};
    if (value.n == 0)
        return FD_POISON_EMPTY_PAYLOAD;
    const unsigned char *p = (const unsigned char *)value.p;
    uint32_t head = header_bytes[framing];
    if (value.n < head)
        return FD_POISON_BAD_FRAME;
    if (framing == FD_FRAMING_CONFLUENT) {
        if (p[0] != 0)
            return FD_POISON_BAD_FRAME;
        for (int i = 1; i < 5; i++)
            out->schema_id = out->schema_id << 8 | p[i];
    } else if (framing == FD_FRAMING_SINGLE_OBJECT) {
        if (p[0] != 0xc3 || p[1] != 0x01)
            return FD_POISON_BAD_FRAME;
        for (int i = 9; i > 1; i--)
            out->fingerprint = out->fingerprint << 8 | p[i];
    }
    out->payload = (fd_str){value.p + head, value.n - head};
    return FD_POISON_NONE;
}

uint32_t fd_frame_write(fd_framing framing, uint32_t schema_id, uint64_t fingerprint,
                        unsigned char buf[FD_FRAME_MAX])
{
    FD_ASSERT(framing < FD_N_FRAMINGS);
    if (framing == FD_FRAMING_CONFLUENT) {
        buf[0] = 0;
        for (int i = 0; i < 4; i++)
            buf[1 + i] = (unsigned char)(schema_id >> (24 - 8 * i));
    } else if (framing == FD_FRAMING_SINGLE_OBJECT) {
        buf[0] = 0xc3;
        buf[1] = 0x01;
        for (int i = 0; i < 8; i++)
            buf[2 + i] = (unsigned char)(fingerprint >> (8 * i));
    }
    return header_bytes[framing];
}
