/*
 * What stands before the Avro bytes in a record's value.
 *   raw            nothing
 *   confluent      byte 0, then the schema's id in the registry, 4 bytes big-endian
 *   single-object  C3 01, then CRC-64-AVRO of the schema's canonical form, 8 bytes little-endian
 * Pure functions, any thread.
 */
#ifndef FD_CODEC_FRAME_H
#define FD_CODEC_FRAME_H

#include "domain/enums.h"

/* X(name, text in the configuration, bytes of the header) */
#define FD_FRAMINGS(X)             \
    X(RAW, "raw", 0)               \
    X(CONFLUENT, "confluent", 5)   \
    X(SINGLE_OBJECT, "single-object", 10)

typedef enum fd_framing {
#define X(name, text, bytes) FD_FRAMING_##name,
    FD_FRAMINGS(X)
#undef X
        FD_N_FRAMINGS
} fd_framing;

enum { FD_FRAME_MAX = 10 };

typedef struct fd_frame {
    fd_str payload;
    uint32_t schema_id;   /* confluent */
    uint64_t fingerprint; /* single-object */
} fd_frame;

const char *fd_framing_name(fd_framing f);
bool fd_framing_parse(fd_str text, fd_framing *out);

/* EMPTY_PAYLOAD when the value has no bytes at all (raw too), BAD_FRAME when it does not begin
 * with the framing. */
fd_poison fd_frame_parse(fd_framing framing, fd_str value, fd_frame *out);
/* The header alone into buf; returns its length. */
uint32_t fd_frame_write(fd_framing framing, uint32_t schema_id, uint64_t fingerprint,
                        unsigned char buf[FD_FRAME_MAX]);

#endif
