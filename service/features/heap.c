/* Granules in bins by size, joined when freed; see heap_int.h. One owner. */
#include "features/heap_int.h"

#include <sys/mman.h>

#include "base/assert.h"

/* The first granule of a free block; the last word of its last granule repeats the size (a block
 * of one granule has it in `tail`). */
typedef struct free_block {
    uint32_t next, prev;
    uint32_t size;
    uint32_t tail;
} free_block;

static inline free_block *block_at(const fd_heap *h, uint32_t ref)
{
    return (free_block *)fd_heap_at(h, ref);
}

static inline bool bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static inline void flip(uint64_t *bits, uint32_t i)
{
    bits[i / 64] ^= (uint64_t)1 << i % 64;
}

static inline uint32_t bin_of(uint32_t size)
{
    if (size < FD_HEAP_EXACT_BINS)
        return size;
    uint32_t log = 31 - (uint32_t)__builtin_clz(size);
    return FD_HEAP_EXACT_BINS + (log - 6) * 8 + (size >> (log - 3) & 7);
}

/* A free block comes (sign 1) or goes (-1). */
static void count(fd_heap *h, uint32_t size, int64_t sign)
{
    for (int i = 0; i < 2; i++) {
        if (size < h->unit[i])
            continue;
        h->units[i] += (uint64_t)(sign * (int64_t)(size / h->unit[i]));
        h->slack[i] += (uint64_t)(sign * (int64_t)(size - h->unit[i]));
    }
}

static void insert(fd_heap *h, uint32_t ref, uint32_t size)
{
    uint32_t bin = bin_of(size);
    free_block *b = block_at(h, ref);
    b->next = h->bins[bin];
    b->prev = 0;
    b->size = size;
    block_at(h, ref + size - 1)->tail = size;
    if (b->next != 0)
        block_at(h, b->next)->prev = ref;
    h->bins[bin] = ref;
    h->map[bin / 64] |= (uint64_t)1 << bin % 64;
    flip(h->starts, ref);
    flip(h->ends, ref + size - 1);
    count(h, size, 1);
}

static void detach(fd_heap *h, uint32_t ref)
{
    const free_block *b = block_at(h, ref);
    uint32_t bin = bin_of(b->size);
    if (b->prev != 0)
        block_at(h, b->prev)->next = b->next;
    else
        h->bins[bin] = b->next;
    if (b->next != 0)
        block_at(h, b->next)->prev = b->prev;
    if (h->bins[bin] == 0)
        h->map[bin / 64] &= ~((uint64_t)1 << bin % 64);
    flip(h->starts, ref);
    flip(h->ends, ref + b->size - 1);
    count(h, b->size, -1);
}

/* Large pages begin where their size says. */
enum { LARGE_PAGE = 2 << 20, LINE = 64 };

static size_t round_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

static void touch_all(unsigned char *p, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    if (madvise(p, bytes, MADV_POPULATE_WRITE) == 0)
        return;
#endif
    for (size_t at = 0; at < bytes; at += 4096)
        ((volatile unsigned char *)p)[at] = 0;
}

/* Every block of a bin from that of the unit on is at least that large. */
static uint32_t whole_bin(uint32_t unit)
{
    uint32_t step = unit < FD_HEAP_EXACT_BINS ? 1 : 1U << (31 - __builtin_clz(unit) - 3);
    return (unit + step - 1) / step * step;
}

/* The owner's bytes, the two bits per granule and the granules lie in one region: what is probed
 * at random should be in large pages, all of it. */
bool fd_heap_init(fd_heap *h, size_t bytes, size_t front, const uint32_t unit[2], bool touch)
{
    *h = (fd_heap){.unit = {whole_bin(unit[0]), whole_bin(unit[1])}};
    bytes = round_up(bytes, 4096);
    h->mapped = bytes + LARGE_PAGE;
    void *p = mmap(NULL, h->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    h->region = p;
    uintptr_t begin = round_up((uintptr_t)p, LARGE_PAGE);
    unsigned char *at = (unsigned char *)p + (begin - (uintptr_t)p);
    if (touch) {
        madvise(at, bytes, MADV_HUGEPAGE);
        touch_all(at, bytes);
    }
    front = round_up(front, LINE);
    FD_ASSERT(front + 4096 < bytes);
    size_t rest = bytes - front;
    size_t words = rest / (FD_HEAP_GRANULE * 64) + 1;
    size_t bits = round_up(words * sizeof(uint64_t), LINE);
    size_t n = (rest - 2 * bits) / FD_HEAP_GRANULE;
    h->n = n > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)n;
    h->front = at;
    h->starts = (uint64_t *)(void *)(at + front);
    h->ends = (uint64_t *)(void *)(at + front + bits);
    h->base = at + front + 2 * bits;
    insert(h, 1, h->n - 1);
    return true;
}

void fd_heap_free(fd_heap *h)
{
    if (h->region != NULL)
        munmap(h->region, h->mapped);
    *h = (fd_heap){0};
}

/* The first bin from `bin` on that is not empty; FD_HEAP_BINS: none. */
static uint32_t next_bin(const fd_heap *h, uint32_t bin)
{
    if (bin >= FD_HEAP_BINS)
        return FD_HEAP_BINS;
    uint64_t word = h->map[bin / 64] & ~(uint64_t)0 << bin % 64;
    for (uint32_t i = bin / 64;; word = h->map[i]) {
        if (word != 0)
            return i * 64 + (uint32_t)__builtin_ctzll(word);
        if (++i == FD_HEAP_BIN_WORDS)
            return FD_HEAP_BINS;
    }
}

static uint32_t take(fd_heap *h, uint32_t granules, bool brief)
{
    FD_ASSERT(granules > 0);
    uint32_t own = bin_of(granules);
    uint32_t bin = next_bin(h, own);
    /* Blocks of the own bin may be too small where it is not of one size. */
    if (bin == own && bin < FD_HEAP_BINS && block_at(h, h->bins[bin])->size < granules)
        bin = next_bin(h, own + 1);
    if (bin == FD_HEAP_BINS)
        return 0;
    uint32_t ref = h->bins[bin];
    uint32_t rest = block_at(h, ref)->size - granules;
    detach(h, ref);
    if (rest != 0)
        insert(h, brief ? ref : ref + granules, rest);
    h->used += granules;
    return brief ? ref + rest : ref;
}

uint32_t fd_heap_take(fd_heap *h, uint32_t granules)
{
    return take(h, granules, false);
}

uint32_t fd_heap_take_brief(fd_heap *h, uint32_t granules)
{
    return take(h, granules, true);
}

void fd_heap_give(fd_heap *h, uint32_t ref, uint32_t granules)
{
    FD_ASSERT(ref != 0 && ref + granules <= h->n && h->used >= granules);
    h->used -= granules;
    uint32_t begin = ref;
    uint32_t end = ref + granules;
    if (bit(h->ends, begin - 1)) {
        begin -= block_at(h, begin - 1)->tail;
        detach(h, begin);
    }
    if (end < h->n && bit(h->starts, end)) {
        uint32_t size = block_at(h, end)->size;
        detach(h, end);
        end += size;
    }
    insert(h, begin, end - begin);
}
