/*
 * Protocol Buffers' wire format, read from bytes that nobody vouches for.
 *
 * A message is a string of fields; nothing is copied and nothing is allocated here. A field that
 * lies about its length, a varint that does not end, a group and a wire type that does not exist
 * make the reader `bad`, and then there are no more fields. Encoding as in the protobuf
 * documentation ("Encoding"): little-endian fixed numbers, base-128 varints, packed lists.
 * Thread: any; a reader has one owner.
 */
#ifndef FD_FORMATS_PROTOBUF_H
#define FD_FORMATS_PROTOBUF_H

#include <stddef.h>

#include "base/str.h"

typedef enum fd_pb_wire {
    FD_PB_VARINT = 0,
    FD_PB_FIXED64 = 1,
    FD_PB_BYTES = 2,
    FD_PB_FIXED32 = 5
} fd_pb_wire;

typedef struct fd_pb {
    const uint8_t *p, *end;
    bool bad;
} fd_pb;

typedef struct fd_pb_field {
    uint32_t number;
    fd_pb_wire wire;
    uint64_t value; /* VARINT, FIXED64, FIXED32: its bits */
    fd_str bytes;   /* BYTES: into the message */
} fd_pb_field;

fd_pb fd_pb_open(fd_str message);
/* False at the end and where the message is bad. */
bool fd_pb_next(fd_pb *r, fd_pb_field *out);

/* Every number of the repeated field `number`, one by one or packed, as bits; `out` NULL: counts
 * only. False: malformed, of another wire type, or more than max. */
bool fd_pb_numbers(fd_str message, uint32_t number, fd_pb_wire wire, uint64_t *out, size_t max,
                   size_t *n);

float fd_pb_float(uint64_t bits);
double fd_pb_double(uint64_t bits);

#endif
