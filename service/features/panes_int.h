/*
 * What is kept of a partial's events beyond the newest N: per window length of the key a list of
 * panes, aligned to absolute time, each with what the features of that length need.
 *
 * Invariants: a pane exists when an event fell into it, and is gone when the partial's watermark
 * has left its horizon behind. Panes depend on nothing but the order in which events were folded.
 * Private to the module; one owner.
 */
#ifndef FD_FEATURES_PANES_INT_H
#define FD_FEATURES_PANES_INT_H

#include "features/ring_int.h"

typedef struct fd_pane {
    uint32_t prev, next; /* of the level, oldest first */
    uint64_t n;          /* events */
    int64_t start;       /* a multiple of the level's pane_us */
    int64_t oldest, youngest;
    uint64_t words[];
} fd_pane;

typedef struct fd_pane_list {
    uint32_t first, last;
} fd_pane_list;

/* A word that names a block of `n` things; `over`: there were more. */
typedef struct fd_stock {
    uint32_t ref;
    uint16_t n;
    bool over;
} fd_stock;

static inline fd_stock fd_stock_of(uint64_t word)
{
    return (fd_stock){(uint32_t)(word >> 32), (uint16_t)word, (word >> 16 & 1) != 0};
}

static inline uint64_t fd_stock_word(fd_stock s)
{
    return (uint64_t)s.ref << 32 | (uint64_t)s.over << 16 | s.n;
}

/* What a set or a sample has in its block: hashes, or pairs of hash and value. */
enum { FD_SET_WORDS = 1, FD_SAMPLE_WORDS = 2 };
uint32_t fd_stock_granules(uint32_t n, uint32_t words);

/* A value as it is compared: a bijection of 64 bits, or the hash of a text. */
uint64_t fd_pane_hash(const fd_heap *h, fd_kind track, uint64_t word);

/* Panes of a level with start before this do not count; watermark as of the partition. */
int64_t fd_level_cutoff(const fd_level *l, int64_t watermark);

fd_pane_list *fd_pane_lists(const fd_heap *h, const fd_partial *p); /* NULL: no panes */

static inline fd_pane *fd_pane_at(const fd_heap *h, uint32_t ref)
{
    return ref == 0 ? NULL : (fd_pane *)fd_heap_at(h, ref);
}

/* Takes over what panes keep of a record (whose texts stay the caller's). */
void fd_panes_add(fd_heap *h, const fd_key_plan *k, fd_partial *p, const uint64_t *record,
                  int64_t watermark);
void fd_panes_free(fd_heap *h, const fd_key_plan *k, fd_partial *p);
/* The latest time in any pane that counts; INT64_MIN: there is none. */
int64_t fd_panes_youngest(const fd_heap *h, const fd_key_plan *k, const fd_partial *p,
                          int64_t watermark);

/* An empty pane at its place in its level; there must be none with that start. */
fd_pane *fd_pane_make(fd_heap *h, const fd_key_plan *k, fd_partial *p, uint16_t level,
                      int64_t start);
/* A block for a stock of n; the word of the cell. */
uint64_t *fd_stock_make(fd_heap *h, uint64_t *word, uint32_t n, bool over, uint32_t words);

/* What one event may take here, and granules of the largest block of it. */
fd_demand fd_panes_demand(const fd_key_plan *k);
uint32_t fd_panes_unit(const fd_key_plan *k);

#endif
