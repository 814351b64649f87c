/* The inside of the store's model: what it holds (store_state.c), how it is reached (store.c). */
#ifndef MODEL_STORE_INT_H
#define MODEL_STORE_INT_H

#include "base/arena.h"
#include "base/assert.h"
#include "store.h"

/* One partition and lineage. */
typedef struct store_part {
    fd_tp tp;
    char lineage[FD_STATE_LINEAGE_CHARS + 1];
    bool marker;
    uint64_t nonce;
    int owner; /* the client whose TAKE or RESET was the last to be done */
    fd_state_mark mark;
    uint32_t sweep; /* bucket where the next sweep begins */
    bool there[MODEL_STORE_BUCKETS];
    uint32_t count[MODEL_STORE_BUCKETS]; /* the values that each bucket says it has */
    fd_state_value *values;              /* bytes in the model's arena, for ever */
    uint32_t n, cap;
} store_part;

bool store_whole(const store_part *p);
void store_part_copy(store_part *to, const store_part *from); /* the array too */
void store_empty(store_part *p);                              /* as if it had never been */
void store_value_out(store_part *p, uint32_t i);
/* Runs a request: fills result, mark, removed, err. READ: the values of `rq` point into the store.
 * True when something has changed. */
bool store_apply(store_part *p, fd_arena *arena, bool full, fd_state_request *rq,
                 fd_state_reply *reply);

#endif
