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
#include "domain/input.h"

enum { FD_FRAME_MAX = 10 };

typedef struct fd_frame {
    fd_str payload;
    uint32_t schema_id;   /* confluent */
    uint64_t fingerprint; /* single-object */
} fd_frame;

/* EMPTY_PAYLOAD when the value has no bytes at all (raw too), BAD_FRAME when it does not begin
 * with the framing. */
fd_poison fd_frame_parse(fd_framing framing, fd_str value, fd_frame *out);
/* The header alone into buf; returns its length. */
uint32_t fd_frame_write(fd_framing framing, uint32_t schema_id, uint64_t fingerprint,
                        unsigned char buf[FD_FRAME_MAX]);

#endif
