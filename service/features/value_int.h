/*
 * A partial as bytes, for a store (value.c says how they look).
 * Private to the module; one owner.
 */
#ifndef FD_FEATURES_VALUE_INT_H
#define FD_FEATURES_VALUE_INT_H

#include "base/strbuf.h"
#include "features/ring_int.h"
#include "features/wire_int.h"

void fd_value_write(const fd_heap *h, const fd_key_plan *k, const fd_partial *p, fd_strbuf *out);

/* What a value says before anything of it is taken over. */
typedef struct fd_value_size {
    int64_t lsn;
    uint64_t events;
    uint64_t blocks; /* of the heap, at most */
    uint64_t pane_blocks;
} fd_value_size;

/* False: not bytes that fd_value_write made for this key. */
bool fd_value_check(const fd_key_plan *k, fd_str bytes, fd_value_size *size);
/* Fills an empty partial from bytes that were checked; there must be room. */
void fd_value_read(fd_heap *h, const fd_key_plan *k, fd_partial *p, fd_str bytes);

/* ---- panes_value.c: the part of panes ---- */

void fd_panes_write(const fd_heap *h, const fd_key_plan *k, const fd_partial *p, fd_strbuf *out);
/* False: they cannot be ones. blocks: of the heap, at most. */
bool fd_panes_look(const fd_key_plan *k, fd_wire *in, uint64_t *blocks);
void fd_panes_read(fd_heap *h, const fd_key_plan *k, fd_partial *p, fd_wire *in);

#endif
