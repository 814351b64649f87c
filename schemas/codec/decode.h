/*
 * Avro bytes to columns, through plans compiled once per (writer, reader) pair of schemas.
 *
 * A plan is a flat array of operations; scan and decode are one walk, compiled without and with
 * stores, so that they accept and refuse exactly the same payloads. Resolution follows the Avro
 * specification (aliases, defaults, promotions, reordered and removed fields, enum defaults,
 * unions on both sides), by unqualified names; timestamps and times of another unit are converted
 * (rounding down), because misreading them by a factor of 1000 helps nobody.
 *
 * What a payload may hold. Strings must be UTF-8 (else BAD_VALUE: they end in keys, JSON and
 * reports). Booleans are 0 or 1, ints fit 32 bits, block sizes say the truth. Lists and maps:
 * at most FD_DECODE_MAX_ELEMS elements per event over all of them, and FD_DECODE_MAX_DEPTH levels,
 * counted per event and never against the batch, so that a verdict cannot depend on what else is
 * in the batch (fd_batch.max_elems is not used). Decimals beyond 64 bits and times outside the
 * years 1 to 9999 are TOO_LARGE. A map's repeated keys are all kept, in wire order.
 *
 * Ownership: strings and bytes point into the payload, into the batch's arena (a uuid of sixteen
 * bytes, as text), or into the plan where a reader's default stands in: plans must outlive the
 * batches they decoded to. A decoder outlives its plans, a schema its decoders. Plans and decoders
 * are immutable: any thread may use them; a batch has one owner.
 */
#ifndef FD_CODEC_DECODE_H
#define FD_CODEC_DECODE_H

#include "codec/schema.h"
#include "domain/batch.h"
#include "domain/enums.h"

enum {
    FD_DECODE_MAX_ELEMS = 1 << 16,
    FD_DECODE_MAX_DEPTH = 64,
};

typedef struct fd_decoder fd_decoder;
typedef struct fd_plan fd_plan;

/* What the pipeline needs of an event before it is decoded. */
typedef struct fd_scan {
    int64_t time_us; /* 0 when null_time */
    bool null_time;
    bool null_id;
    bool bad_id; /* empty or longer than FD_EVENT_ID_MAX */
} fd_scan;

/* `id_path`: a string, enum, uuid, int or long; `time_path`: timestamp-*, or a long taken as
 * milliseconds; both dotted through records. Both NULL: rows without identity, as tools want them,
 * which are not refused for the lack of it. NULL after an error in `diags`. */
fd_decoder *fd_decoder_new(const fd_schema *reader, fd_str id_path, fd_str time_path,
                           fd_diags *diags);
void fd_decoder_free(fd_decoder *d); /* NULL is fine */
const fd_schema *fd_decoder_schema(const fd_decoder *d);

/* `writer` NULL: the reader's own schema. Not needed any more after the call. NULL after errors
 * that name the field paths that cannot be resolved. */
fd_plan *fd_plan_new(const fd_decoder *d, const fd_schema *writer, fd_diags *diags);
void fd_plan_free(fd_plan *p); /* NULL is fine */

/* Checks all that decode checks and finds id and time. `out` is complete for NONE, NULL_ID,
 * NULL_TIME and BAD_ID; after other refusals it says null. */
fd_poison fd_plan_scan(const fd_plan *p, fd_str payload, fd_scan *out);

/* Appends exactly one row, or leaves the batch as it was and says why. The batch must have been
 * made of the reader's type and have room for a row. */
fd_poison fd_plan_decode(const fd_plan *p, fd_str payload, fd_batch *into);

/* Id (ints in decimal, in the batch's arena) and time of a decoded row; with identity only. */
fd_str fd_decoder_id(const fd_decoder *d, const fd_batch *b, uint32_t row);
int64_t fd_decoder_time_us(const fd_decoder *d, const fd_batch *b, uint32_t row);

/* The operations, one per line, for tests and `schema print`. */
void fd_plan_dump(const fd_plan *p, fd_strbuf *out);

#endif
