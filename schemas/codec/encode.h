/*
 * Decisions to Avro bytes, by a plan compiled from schemas/decision.avsc.
 *
 * The plan is the schema's fields in order, each bound to the member of fd_decision that has its
 * name; a field that is unknown, missing or of another type is an error at start, never a wrong
 * byte later. Equal decisions give equal bytes. Immutable: any thread; the arena has one owner.
 */
#ifndef FD_CODEC_ENCODE_H
#define FD_CODEC_ENCODE_H

#include "base/arena.h"
#include "codec/schema.h"
#include "domain/decision.h"

typedef struct fd_encoder fd_encoder;

/* NULL after an error in `diags`. The schema is not needed any more after the call. */
fd_encoder *fd_encoder_new(const fd_schema *decision, fd_diags *diags);
void fd_encoder_free(fd_encoder *e); /* NULL is fine */

/* p == NULL only when the arena's limit is hit. */
fd_str fd_encode_decision(const fd_encoder *e, const fd_decision *d, fd_arena *arena);

#endif
