/* Labels by event id; see truth.h. One owner. */
#include "app/replay/truth.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/hash.h"

enum { FIRST_SLOTS = 1024, ARENA_BLOCK = 1 << 16 };

/* Different texts, numbered from 0. Open addressing, at most half full; a slot is number + 1. */
typedef struct names {
    fd_arena *arena;
    fd_str *items;
    uint32_t n, cap;
    uint32_t *slots;
    uint32_t n_slots; /* a power of two */
} names;

struct fd_truth {
    names events, cases, patterns;
    fd_known *known; /* by number of the event */
};

static uint32_t *slot_of(const names *t, fd_str text)
{
    uint32_t at = (uint32_t)fd_hash64(text.p, text.n, 0) & (t->n_slots - 1);
    while (t->slots[at] != 0 && !fd_str_eq(t->items[t->slots[at] - 1], text))
        at = (at + 1) & (t->n_slots - 1);
    return &t->slots[at];
}

static void grow(names *t)
{
    free(t->slots);
    t->n_slots = t->n_slots == 0 ? FIRST_SLOTS : t->n_slots * 2;
    t->cap = t->n_slots / 2;
    t->slots = calloc(t->n_slots, sizeof *t->slots);
    FD_ALLOCATED(t->slots);
    t->items = realloc(t->items, t->cap * sizeof *t->items);
    FD_ALLOCATED(t->items);
    for (uint32_t i = 0; i < t->n; i++)
        *slot_of(t, t->items[i]) = i + 1;
}

static uint32_t number(names *t, fd_str text)
{
    if (t->n == t->cap)
        grow(t);
    uint32_t *slot = slot_of(t, text);
    if (*slot != 0)
        return *slot - 1;
    t->items[t->n] = fd_arena_str(t->arena, text);
    *slot = ++t->n;
    return t->n - 1;
}

static void open_names(names *t)
{
    t->arena = fd_arena_new(ARENA_BLOCK, 0);
    grow(t);
}

static void close_names(names *t)
{
    fd_arena_free(t->arena);
    free(t->items);
    free(t->slots);
}

fd_truth *fd_truth_new(void)
{
    fd_truth *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    open_names(&t->events);
    open_names(&t->cases);
    open_names(&t->patterns);
    t->known = calloc(t->events.cap, sizeof *t->known);
    FD_ALLOCATED(t->known);
    return t;
}

void fd_truth_free(fd_truth *t)
{
    if (t == NULL)
        return;
    close_names(&t->events);
    close_names(&t->cases);
    close_names(&t->patterns);
    free(t->known);
    free(t);
}

static uint8_t pattern_of(fd_truth *t, fd_str name)
{
    if (name.n == 0)
        name = FD_STR("unknown");
    if (t->patterns.n >= FD_TRUTH_PATTERNS - 1 && *slot_of(&t->patterns, name) == 0)
        name = FD_STR("other");
    return (uint8_t)number(&t->patterns, name);
}

bool fd_truth_add(fd_truth *t, fd_str event_id, bool fraud, fd_str pattern, fd_str case_id)
{
    uint32_t cap = t->events.cap, at = number(&t->events, event_id);
    if (t->events.n > FD_TRUTH_MAX)
        return false;
    if (t->events.cap != cap) {
        t->known = realloc(t->known, t->events.cap * sizeof *t->known);
        FD_ALLOCATED(t->known);
    }
    t->known[at] = (fd_known){.fraud = fraud, .case_no = FD_NO_CASE};
    if (!fraud)
        return true;
    t->known[at].pattern = pattern_of(t, pattern);
    if (case_id.n > 0)
        t->known[at].case_no = number(&t->cases, case_id);
    return true;
}

uint32_t fd_truth_find(const fd_truth *t, fd_str event_id)
{
    return *slot_of(&t->events, event_id) - 1;
}

const fd_known *fd_truth_known(const fd_truth *t, uint32_t label)
{
    FD_ASSERT(label < t->events.n);
    return &t->known[label];
}

uint32_t fd_truth_n(const fd_truth *t)
{
    return t->events.n;
}

uint32_t fd_truth_n_cases(const fd_truth *t)
{
    return t->cases.n;
}

uint32_t fd_truth_n_patterns(const fd_truth *t)
{
    return t->patterns.n;
}

fd_str fd_truth_pattern(const fd_truth *t, uint32_t pattern)
{
    FD_ASSERT(pattern < t->patterns.n);
    return t->patterns.items[pattern];
}
