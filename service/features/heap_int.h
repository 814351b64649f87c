/*
 * The memory of the table: one region, taken and touched at the start, handed out in granules of
 * 16 bytes. A block is named by the number of its first granule (32 bits: up to 64 GiB); 0 is none.
 *
 * Why an own one: sizes are known to those who free, so blocks carry no header; neighbours that are
 * free are joined at once, so what was entries can become rings; and `units` says how many more
 * blocks of up to `unit` granules can be had for certain, for two such sizes: a block of up to that
 * size takes at most one unit. `slack` promises the same by size: blocks of up to the unit whose
 * sizes together are not more can be had.
 * Private to the module; one owner.
 */
#ifndef FD_FEATURES_HEAP_INT_H
#define FD_FEATURES_HEAP_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FD_HEAP_GRANULE = 16,
    FD_HEAP_EXACT_BINS = 64, /* one per size below, then eight per power of two */
    FD_HEAP_BINS = FD_HEAP_EXACT_BINS + 26 * 8,
    FD_HEAP_BIN_WORDS = (FD_HEAP_BINS + 63) / 64,
};

typedef struct fd_heap {
    unsigned char *base;
    void *front; /* bytes at the beginning of the region that are the owner's, zeroed */
    void *region;
    size_t mapped;
    uint32_t n; /* granules */
    uint32_t unit[2];
    uint64_t units[2];
    uint64_t slack[2];       /* granules of blocks larger than the unit, less a unit each */
    uint64_t used;           /* granules handed out */
    uint64_t *starts, *ends; /* bit g: a free block begins, ends at granule g */
    uint64_t map[FD_HEAP_BIN_WORDS];
    uint32_t bins[FD_HEAP_BINS]; /* first free block */
} fd_heap;

/* Takes `bytes` from the system, of which `front` are the owner's. False: it has not that much.
 * `touch`: fault all pages in now. */
bool fd_heap_init(fd_heap *h, size_t bytes, size_t front, const uint32_t unit[2], bool touch);
void fd_heap_free(fd_heap *h);

/* 0: none is left that is large enough. Contents are undefined. What lives long is taken from one
 * end of free space, what comes and goes (`brief`) from the other: so what is given back lies
 * together. */
uint32_t fd_heap_take(fd_heap *h, uint32_t granules);
uint32_t fd_heap_take_brief(fd_heap *h, uint32_t granules);
void fd_heap_give(fd_heap *h, uint32_t ref, uint32_t granules);

static inline uint32_t fd_heap_granules(size_t bytes)
{
    return (uint32_t)((bytes + FD_HEAP_GRANULE - 1) / FD_HEAP_GRANULE);
}

static inline void *fd_heap_at(const fd_heap *h, uint32_t ref)
{
    return h->base + (size_t)ref * FD_HEAP_GRANULE;
}

#endif
