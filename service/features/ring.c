/* Records in order of time: insertion, trimming, walking; see ring_int.h. One owner. */
#include "features/ring_int.h"

#include "base/assert.h"
#include "features/panes_int.h"

/* Records that a small block can hold. */
static const uint8_t caps[8] = {2, 4, 6, 8, 12, 16, 24, 32};

enum { TEXT_INLINE = 7, TEXT_BLOCK = 0xff };

/* ---- texts ---- */

uint64_t fd_text_pack(fd_heap *h, fd_str s)
{
    if (s.n <= TEXT_INLINE) {
        uint64_t w = s.n;
        for (uint32_t i = 0; i < s.n; i++)
            w |= (uint64_t)(unsigned char)s.p[i] << (8 * i + 8);
        return w;
    }
    uint32_t n = s.n;
    if (n > FD_WINDOW_MAX_TEXT_BYTES) {
        n = FD_WINDOW_MAX_TEXT_BYTES;
        while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
    }
    uint32_t ref = fd_heap_take_brief(h, fd_heap_granules(n));
    FD_ASSERT(ref != 0);
    memcpy(fd_heap_at(h, ref), s.p, n);
    return (uint64_t)ref << 32 | (uint64_t)n << 16 | TEXT_BLOCK;
}

fd_str fd_text_get(const fd_heap *h, uint64_t word, char *room)
{
    if ((word & 0xff) == TEXT_BLOCK)
        return (fd_str){fd_heap_at(h, (uint32_t)(word >> 32)), (uint32_t)(word >> 16) & 0xffff};
    for (uint32_t i = 0; i < TEXT_INLINE; i++)
        room[i] = (char)(word >> (8 * i + 8));
    return (fd_str){room, (uint32_t)word & 0xff};
}

void fd_text_release(fd_heap *h, uint64_t word)
{
    if ((word & 0xff) == TEXT_BLOCK)
        fd_heap_give(h, (uint32_t)(word >> 32), fd_heap_granules((uint32_t)(word >> 16) & 0xffff));
}

void fd_record_release(fd_heap *h, const fd_key_plan *k, const uint64_t *record)
{
    uint64_t valid = record[k->flags_at] >> k->valid_shift;
    for (uint32_t m = k->text_mask & (uint32_t)valid; m != 0; m &= m - 1)
        fd_text_release(h, record[k->values_at + (uint32_t)__builtin_ctz(m)]);
}

/* ---- blocks ---- */

static uint32_t block_granules(const fd_key_plan *k, uint32_t records)
{
    return fd_heap_granules((size_t)records * k->words * sizeof(uint64_t));
}

static uint32_t small_granules(const fd_key_plan *k, const fd_partial *p)
{
    return block_granules(k, caps[p->cap]);
}

uint32_t fd_ring_block_bytes(const fd_key_plan *k, const fd_partial *p)
{
    return caps[p->cap] * k->words * (uint32_t)sizeof(uint64_t);
}

static uint32_t chunk_granules(const fd_key_plan *k)
{
    return fd_heap_granules(sizeof(fd_chunk) + (size_t)k->chunk * k->words * sizeof(uint64_t));
}

static uint32_t entry_granules(void)
{
    return fd_heap_granules(sizeof(fd_partial) + sizeof(uint16_t) + FD_WINDOW_MAX_KEY_BYTES);
}

uint32_t fd_ring_unit(const fd_key_plan *k)
{
    uint32_t unit = chunk_granules(k);
    uint32_t text = k->n_text == 0 ? 0 : fd_heap_granules(FD_WINDOW_MAX_TEXT_BYTES);
    unit = unit > text ? unit : text;
    return unit > entry_granules() ? unit : entry_granules();
}

/* Either a new entry with its first block, or a block that grows and a list of chunks that is made
 * of it with one chunk more. */
fd_demand fd_ring_demand(const fd_key_plan *k)
{
    uint32_t fresh = entry_granules() + block_granules(k, caps[0]);
    uint32_t grown = fd_heap_granules(sizeof(fd_ring_head)) + 2 * chunk_granules(k);
    uint32_t texts = k->n_text * fd_heap_granules(FD_WINDOW_MAX_TEXT_BYTES);
    return (fd_demand){3U + k->n_text, (fresh > grown ? fresh : grown) + texts};
}

static fd_ring_head *head_of(const fd_heap *h, const fd_partial *p)
{
    return fd_heap_at(h, p->data);
}

static fd_chunk *chunk_at(const fd_heap *h, uint32_t ref)
{
    return fd_heap_at(h, ref);
}

static uint32_t chunk_new(fd_heap *h, const fd_key_plan *k)
{
    uint32_t ref = fd_heap_take_brief(h, chunk_granules(k));
    FD_ASSERT(ref != 0);
    *chunk_at(h, ref) = (fd_chunk){0};
    return ref;
}

/* ---- walking ---- */

static fd_span span_of(const fd_heap *h, const fd_key_plan *k, uint32_t chunk)
{
    if (chunk == 0)
        return (fd_span){0};
    const fd_chunk *c = chunk_at(h, chunk);
    return (fd_span){c->words + (size_t)c->head * k->words, c->n, chunk};
}

static fd_span small_span(const fd_heap *h, const fd_key_plan *k, const fd_partial *p)
{
    if (p->data == 0)
        return (fd_span){0};
    const uint64_t *block = fd_heap_at(h, p->data);
    return (fd_span){block + (size_t)p->head * k->words, p->n, 0};
}

fd_span fd_ring_newest(const fd_heap *h, const fd_key_plan *k, const fd_partial *p)
{
    if (p->flags & FD_PARTIAL_LARGE)
        return span_of(h, k, head_of(h, p)->last);
    return small_span(h, k, p);
}

fd_span fd_ring_oldest(const fd_heap *h, const fd_key_plan *k, const fd_partial *p)
{
    if (p->flags & FD_PARTIAL_LARGE)
        return span_of(h, k, head_of(h, p)->first);
    return small_span(h, k, p);
}

fd_span fd_ring_before(const fd_heap *h, const fd_key_plan *k, const fd_span *span)
{
    return span_of(h, k, span->chunk == 0 ? 0 : chunk_at(h, span->chunk)->prev);
}

fd_span fd_ring_after(const fd_heap *h, const fd_key_plan *k, const fd_span *span)
{
    return span_of(h, k, span->chunk == 0 ? 0 : chunk_at(h, span->chunk)->next);
}

uint64_t fd_ring_count(const fd_heap *h, const fd_partial *p)
{
    return p->flags & FD_PARTIAL_LARGE ? head_of(h, p)->n : p->n;
}

/* ---- insertion ---- */

/* Makes room behind all records that are not younger; where it is. There must be a free one at the
 * end. */
static uint64_t *open_gap(uint64_t *records, uint32_t n, uint32_t words, int64_t time)
{
    uint64_t *at = records + (size_t)n * words;
    while (at > records && fd_record_time(at - words) > time)
        at -= words;
    uint64_t *end = records + (size_t)n * words;
    memmove(at + words, at, (size_t)(end - at) * sizeof *at);
    return at;
}

/* Moves the records to a block of another size, or the first one. */
static void resize_small(fd_heap *h, const fd_key_plan *k, fd_partial *p, uint32_t cap)
{
    uint32_t ref = fd_heap_take_brief(h, block_granules(k, caps[cap]));
    FD_ASSERT(ref != 0);
    if (p->data != 0) {
        const uint64_t *old = fd_heap_at(h, p->data);
        memcpy(fd_heap_at(h, ref), old + (size_t)p->head * k->words,
               (size_t)p->n * k->words * sizeof *old);
        fd_heap_give(h, p->data, small_granules(k, p));
    }
    p->data = ref;
    p->head = 0;
    p->cap = (uint8_t)(cap & 7);
}

/* So that one more record fits, and a block is not much larger than what is in it. */
static void fit_small(fd_heap *h, const fd_key_plan *k, fd_partial *p)
{
    if (p->data == 0)
        resize_small(h, k, p, 0);
    else if (p->n == caps[p->cap])
        resize_small(h, k, p, p->cap + 1U);
    else if (p->cap >= 3 && p->n < caps[p->cap - 3])
        resize_small(h, k, p, p->cap - 1U);
}

void fd_ring_make_large(fd_heap *h, const fd_key_plan *k, fd_partial *p)
{
    if (p->flags & FD_PARTIAL_LARGE)
        return;
    uint32_t ref = fd_heap_take_brief(h, fd_heap_granules(sizeof(fd_ring_head)));
    FD_ASSERT(ref != 0);
    fd_ring_head *ring = fd_heap_at(h, ref);
    *ring = (fd_ring_head){.n = p->n};
    if (p->data != 0) {
        ring->first = ring->last = chunk_new(h, k);
        fd_chunk *c = chunk_at(h, ring->first);
        const uint64_t *old = fd_heap_at(h, p->data);
        memcpy(c->words, old + (size_t)p->head * k->words, (size_t)p->n * k->words * sizeof *old);
        c->n = p->n;
        fd_heap_give(h, p->data, small_granules(k, p));
    }
    p->data = ref;
    p->flags |= FD_PARTIAL_LARGE;
    p->n = 0;
    p->head = 0;
    p->cap = 0;
}

static bool insert_small(fd_heap *h, const fd_key_plan *k, fd_partial *p, const uint64_t *record)
{
    fit_small(h, k, p);
    uint64_t *block = fd_heap_at(h, p->data);
    if (p->head + p->n == caps[p->cap]) {
        memmove(block, block + (size_t)p->head * k->words, (size_t)p->n * k->words * sizeof *block);
        p->head = 0;
    }
    uint64_t *records = block + (size_t)p->head * k->words;
    uint64_t *at = open_gap(records, p->n, k->words, fd_record_time(record));
    memcpy(at, record, k->words * sizeof *at);
    bool late = at != records + (size_t)p->n * k->words;
    p->n++;
    return late;
}

/* A new chunk behind `ref`, linked. */
static uint32_t chunk_behind(fd_heap *h, const fd_key_plan *k, fd_ring_head *ring, uint32_t ref)
{
    uint32_t fresh = chunk_new(h, k);
    fd_chunk *c = chunk_at(h, ref);
    fd_chunk *f = chunk_at(h, fresh);
    f->prev = ref;
    f->next = c->next;
    if (c->next != 0)
        chunk_at(h, c->next)->prev = fresh;
    else
        ring->last = fresh;
    c->next = fresh;
    return fresh;
}

static const uint64_t *oldest_in(const fd_key_plan *k, const fd_chunk *c)
{
    return c->words + (size_t)c->head * k->words;
}

/* Half of a full chunk's records go into a new one behind it. */
static void split(fd_heap *h, const fd_key_plan *k, fd_ring_head *ring, uint32_t ref)
{
    fd_chunk *f = chunk_at(h, chunk_behind(h, k, ring, ref));
    fd_chunk *c = chunk_at(h, ref);
    uint32_t keep = c->n / 2;
    f->n = c->n - keep;
    memcpy(f->words, oldest_in(k, c) + (size_t)keep * k->words,
           (size_t)f->n * k->words * sizeof *f->words);
    c->n = keep;
}

static bool insert_large(fd_heap *h, const fd_key_plan *k, fd_partial *p, const uint64_t *record)
{
    fd_ring_head *ring = head_of(h, p);
    int64_t time = fd_record_time(record);
    if (ring->last == 0)
        ring->first = ring->last = chunk_new(h, k);
    uint32_t ref = ring->last;
    while (chunk_at(h, ref)->prev != 0 && fd_record_time(oldest_in(k, chunk_at(h, ref))) > time)
        ref = chunk_at(h, ref)->prev;
    fd_chunk *c = chunk_at(h, ref);
    if (c->n == k->chunk) {
        const uint64_t *youngest = oldest_in(k, c) + (size_t)(c->n - 1) * k->words;
        if (ref == ring->last && fd_record_time(youngest) <= time) {
            ref = chunk_behind(h, k, ring, ref);
        } else {
            split(h, k, ring, ref);
            uint32_t next = chunk_at(h, ref)->next;
            if (fd_record_time(oldest_in(k, chunk_at(h, next))) <= time)
                ref = next;
        }
        c = chunk_at(h, ref);
    }
    if (c->head + c->n == k->chunk) {
        memmove(c->words, oldest_in(k, c), (size_t)c->n * k->words * sizeof *c->words);
        c->head = 0;
    }
    uint64_t *records = c->words + (size_t)c->head * k->words;
    uint64_t *at = open_gap(records, c->n, k->words, time);
    memcpy(at, record, k->words * sizeof *at);
    bool late = ref != ring->last || at != records + (size_t)c->n * k->words;
    c->n++;
    ring->n++;
    return late;
}

bool fd_ring_insert(fd_heap *h, const fd_key_plan *k, fd_partial *p, const uint64_t *record)
{
    if (!(p->flags & FD_PARTIAL_LARGE)) {
        if (p->n < k->chunk)
            return insert_small(h, k, p, record);
        fd_ring_make_large(h, k, p);
    }
    return insert_large(h, k, p, record);
}

/* ---- trimming ---- */

/* How many of the records are before cutoff. */
static uint32_t count_before(const uint64_t *records, uint32_t n, uint32_t words, int64_t cutoff)
{
    uint32_t i = 0;
    while (i < n && fd_record_time(records + (size_t)i * words) < cutoff)
        i++;
    return i;
}

static void free_texts(fd_heap *h, const fd_key_plan *k, const uint64_t *records, uint32_t n)
{
    if (k->text_mask == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        fd_record_release(h, k, records + (size_t)i * k->words);
}

static uint64_t trim_small(fd_heap *h, const fd_key_plan *k, fd_partial *p, int64_t cutoff)
{
    fd_span s = small_span(h, k, p);
    uint32_t gone = count_before(s.records, s.n, k->words, cutoff);
    if (gone == 0)
        return 0;
    free_texts(h, k, s.records, gone);
    p->n = (uint8_t)(p->n - gone);
    p->head = (uint8_t)((p->head + gone) & 31);
    if (p->n == 0) {
        fd_heap_give(h, p->data, small_granules(k, p));
        p->data = 0;
        p->head = 0;
        p->cap = 0;
    }
    return gone;
}

/* The first chunk, which is empty, goes; without panes the head of the last one too. */
static void chunk_drop(fd_heap *h, const fd_key_plan *k, fd_partial *p)
{
    fd_ring_head *ring = head_of(h, p);
    uint32_t next = chunk_at(h, ring->first)->next;
    fd_heap_give(h, ring->first, chunk_granules(k));
    ring->first = next;
    if (next != 0)
        chunk_at(h, next)->prev = 0;
    else
        ring->last = 0;
}

static void head_drop(fd_heap *h, fd_partial *p)
{
    const fd_ring_head *ring = head_of(h, p);
    if (ring->first != 0 || ring->panes != 0)
        return;
    fd_heap_give(h, p->data, fd_heap_granules(sizeof(fd_ring_head)));
    p->data = 0;
    p->flags &= (uint8_t)~FD_PARTIAL_LARGE;
}

static uint64_t trim_large(fd_heap *h, const fd_key_plan *k, fd_partial *p, int64_t cutoff)
{
    fd_ring_head *ring = head_of(h, p);
    uint64_t before = ring->n;
    while (ring->first != 0) {
        fd_chunk *c = chunk_at(h, ring->first);
        const uint64_t *records = oldest_in(k, c);
        uint32_t gone = count_before(records, c->n, k->words, cutoff);
        free_texts(h, k, records, gone);
        ring->n -= gone;
        c->n -= gone;
        c->head += gone;
        if (c->n != 0)
            break;
        chunk_drop(h, k, p);
    }
    uint64_t gone = before - ring->n;
    head_drop(h, p);
    return gone;
}

void fd_ring_pop(fd_heap *h, const fd_key_plan *k, fd_partial *p, uint64_t *record)
{
    fd_ring_make_large(h, k, p);
    fd_ring_head *ring = head_of(h, p);
    FD_ASSERT(ring->first != 0);
    fd_chunk *c = chunk_at(h, ring->first);
    memcpy(record, oldest_in(k, c), k->words * sizeof *record);
    ring->n--;
    c->n--;
    c->head++;
    if (c->n == 0)
        chunk_drop(h, k, p);
}

uint64_t fd_ring_trim(fd_heap *h, const fd_key_plan *k, fd_partial *p, int64_t cutoff)
{
    if (p->data == 0)
        return 0;
    return p->flags & FD_PARTIAL_LARGE ? trim_large(h, k, p, cutoff) : trim_small(h, k, p, cutoff);
}

void fd_ring_clear(fd_heap *h, const fd_key_plan *k, fd_partial *p)
{
    fd_panes_free(h, k, p);
    fd_ring_trim(h, k, p, INT64_MAX);
}
