/*
 * The recent events of one key from one partition: a partial.
 *
 * Invariants: records are in order of time, those of one time in order of arrival. Up to a chunk's
 * worth of them lie in one block that grows by doubling; more in a list of chunks. Texts of up to
 * seven bytes lie in their word, longer ones in a block of their own. lsn is the offset of the
 * last event that was folded, -1 for none.
 * Private to the module; one owner.
 */
#ifndef FD_FEATURES_RING_INT_H
#define FD_FEATURES_RING_INT_H

#include "base/str.h"
#include "features/heap_int.h"
#include "features/plan_int.h"

enum {
    FD_PARTIAL_DIRTY = 1,
    FD_PARTIAL_LARGE = 2, /* data is an fd_ring_head */
    FD_PARTIAL_USED = 4,  /* of an entry: since the hand went by */
    FD_PARTIAL_ENTRY = 8, /* the key follows; else it is an fd_partial_more */
};

typedef struct fd_partial {
    int64_t lsn;
    uint32_t data;                   /* block of records or fd_ring_head; 0 = no records */
    uint32_t next;                   /* of the same entry, by partition */
    uint32_t dirty_next, dirty_prev; /* of the same partition, oldest first */
    uint8_t n;                       /* small: records, from `head` on */
    uint8_t head : 5;
    uint8_t cap : 3; /* small: which size the block has */
    uint8_t flags;
    uint8_t stamp; /* of an entry: the batch that needs it */
    uint16_t tp;   /* place in the table of partitions */
    uint16_t kind; /* of an entry: which key of which source */
} fd_partial;

/* A further partial of an entity. */
typedef struct fd_partial_more {
    fd_partial partial;
    uint32_t entry;
} fd_partial_more;

typedef struct fd_ring_head {
    uint32_t first, last; /* chunks; 0 where only panes are left */
    uint32_t n;           /* records */
    uint32_t panes;       /* fd_pane_list of each level; 0 = none */
} fd_ring_head;

typedef struct fd_chunk {
    uint32_t prev, next;
    uint32_t n, head;
    uint64_t words[]; /* of `chunk` records */
} fd_chunk;

/* A run of records in memory, and the chunk that it lies in (0: the partial's own block). */
typedef struct fd_span {
    const uint64_t *records;
    uint32_t n;
    uint32_t chunk;
} fd_span;

/* The newest records, and those before a span; n == 0: no more. */
fd_span fd_ring_newest(const fd_heap *h, const fd_key_plan *k, const fd_partial *p);
fd_span fd_ring_before(const fd_heap *h, const fd_key_plan *k, const fd_span *span);
fd_span fd_ring_oldest(const fd_heap *h, const fd_key_plan *k, const fd_partial *p);
fd_span fd_ring_after(const fd_heap *h, const fd_key_plan *k, const fd_span *span);

/* Bytes of a small partial's block. */
uint32_t fd_ring_block_bytes(const fd_key_plan *k, const fd_partial *p);

uint64_t fd_ring_count(const fd_heap *h, const fd_partial *p);

/* Puts a record behind all that are not younger; true if it was not the youngest. The words become
 * the ring's, texts with them. */
bool fd_ring_insert(fd_heap *h, const fd_key_plan *k, fd_partial *p, const uint64_t *record);
/* Takes all records before `cutoff` out; how many there were. */
uint64_t fd_ring_trim(fd_heap *h, const fd_key_plan *k, fd_partial *p, int64_t cutoff);
/* The oldest record is taken out; its texts are the caller's. There must be one. */
void fd_ring_pop(fd_heap *h, const fd_key_plan *k, fd_partial *p, uint64_t *record);
/* From a block to a list of chunks, where it is none yet. */
void fd_ring_make_large(fd_heap *h, const fd_key_plan *k, fd_partial *p);
/* Gives back what a record that did not become a ring's holds. */
void fd_record_release(fd_heap *h, const fd_key_plan *k, const uint64_t *record);
/* No records and no panes. */
void fd_ring_clear(fd_heap *h, const fd_key_plan *k, fd_partial *p);

/* What an event of this key may take for its record, texts and a new entry; and granules of the
 * largest block of these. */
fd_demand fd_ring_demand(const fd_key_plan *k);
uint32_t fd_ring_unit(const fd_key_plan *k);

/* A text as a word; takes at most one block. */
uint64_t fd_text_pack(fd_heap *h, fd_str s);
void fd_text_release(fd_heap *h, uint64_t word);
/* Short ones are copied into `room`, of 8 bytes, others are where they are. */
fd_str fd_text_get(const fd_heap *h, uint64_t word, char *room);

#endif
