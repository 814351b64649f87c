/*
 * Walking a program over a text. See regex.h and regex_int.h. One run = one thread.
 *
 * A position in the text has a set of instructions that are alive: BYTE, and ASSERT whose answer
 * depends on the byte to come. advance() makes the next set from it and one byte. The automaton
 * remembers what advance() said: a state is a sorted set (and what the assertions need to know of
 * the byte before), a row of the table has the next state for each class of bytes. Rows: 0 means
 * "not known yet", then DEAD, MATCHED, the state the search begins with, others. When the states
 * do not fit their bytes they are dropped and made again; when that happens too soon, the rest of
 * the text is walked without remembering.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "lang/regex_int.h"

enum { UNKNOWN, DEAD, MATCHED, BEGIN }; /* states; rows are these times the width of a row */
enum { TEXT_END = 256 };                /* the "byte" behind the last */
enum { BYTES_PER_STATE = 10 };          /* a state must have paid for itself by then */
enum { BEHIND_WORD = 64 };              /* beside BEGIN_TEXT and BEGIN_LINE in `behind` */

typedef struct live_set {
    uint16_t *dense, *sparse;
    uint32_t n;
} live_set;

typedef struct state {
    uint32_t ids, n_ids; /* in the pool */
    uint32_t behind;
} state;

struct fd_regex_run {
    const fd_regex *re;
    uint32_t width; /* of a row: classes and the end of the text */
    live_set now, next;
    uint16_t *stack;
    uint64_t *bits; /* for sorting a set */
    size_t limit;
    uint32_t *rows;
    state *states;
    uint32_t n_states, cap_states;
    uint16_t *pool;
    uint32_t n_pool, cap_pool;
    uint32_t *table; /* hash of a set -> state */
    uint32_t table_cap;
    uint32_t first; /* the state to begin with; UNKNOWN: it has no room, sets only */
    uint64_t steps;
    uint64_t bytes;    /* of the texts before */
    uint64_t reset_at; /* in bytes */
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size);
    FD_ALLOCATED(p);
    return p;
}

void fd_regex_run_free(fd_regex_run *r)
{
    if (r == NULL)
        return;
    free(r->now.dense);
    free(r->now.sparse);
    free(r->next.dense);
    free(r->next.sparse);
    free(r->stack);
    free(r->bits);
    free(r->rows);
    free(r->states);
    free(r->pool);
    free(r->table);
    free(r);
}

static size_t automaton_bytes(const fd_regex_run *r, uint32_t states, uint32_t pool)
{
    return states * (r->width * sizeof *r->rows + sizeof *r->states + 2 * sizeof *r->table) +
           pool * sizeof *r->pool;
}

size_t fd_regex_run_bytes(const fd_regex_run *r)
{
    return sizeof *r + r->re->n_insts * 5 * sizeof(uint16_t) +
           (r->re->n_insts / 64 + 1) * sizeof(uint64_t) +
           automaton_bytes(r, r->cap_states, r->cap_pool);
}

uint64_t fd_regex_run_steps(const fd_regex_run *r)
{
    return r->steps;
}

static bool has(const live_set *s, uint16_t id)
{
    uint16_t at = s->sparse[id];
    return at < s->n && s->dense[at] == id;
}

static bool put(live_set *s, uint16_t id)
{
    if (has(s, id))
        return false;
    s->sparse[id] = (uint16_t)s->n;
    s->dense[s->n++] = id;
    return true;
}

static void swap_sets(fd_regex_run *r)
{
    live_set t = r->now;
    r->now = r->next;
    r->next = t;
}

/* What id leads to without a byte, where the assertions `true_here` hold. True at a match. */
static bool follow(fd_regex_run *r, live_set *s, uint16_t id, uint32_t true_here)
{
    uint32_t depth = 0;
    if (id != 0 && put(s, id))
        r->stack[depth++] = id;
    while (depth != 0) {
        const fd_regex_inst *x = &r->re->insts[r->stack[--depth]];
        r->steps++;
        if (x->op == FD_REGEX_I_MATCH)
            return true;
        if (x->op == FD_REGEX_I_ASSERT && (x->lo & true_here) == 0)
            continue;
        if (x->op == FD_REGEX_I_BYTE)
            continue;
        if (x->out != 0 && put(s, x->out))
            r->stack[depth++] = x->out;
        if (x->op == FD_REGEX_I_SPLIT && x->alt != 0 && put(s, x->alt))
            r->stack[depth++] = x->alt;
    }
    return false;
}

static bool is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

enum { AHEAD = FD_REGEX_END_TEXT | FD_REGEX_END_LINE | FD_REGEX_WORD_EDGE | FD_REGEX_NO_WORD_EDGE };

/* The assertions that hold between what is behind and the byte c. */
static uint32_t assertions_at(uint32_t behind, uint32_t c)
{
    uint32_t here = behind & (FD_REGEX_BEGIN_TEXT | FD_REGEX_BEGIN_LINE);
    if (c == TEXT_END)
        here |= FD_REGEX_END_TEXT | FD_REGEX_END_LINE;
    if (c == '\n')
        here |= FD_REGEX_END_LINE;
    bool edge = ((behind & BEHIND_WORD) != 0) != is_word(c);
    return here | (edge ? FD_REGEX_WORD_EDGE : FD_REGEX_NO_WORD_EDGE);
}

static uint32_t behind_byte(uint32_t c)
{
    return (c == '\n' ? FD_REGEX_BEGIN_LINE : 0) | (is_word(c) ? BEHIND_WORD : 0);
}

/* From the set `now`, with `behind` before it, over one byte or the end of the text into the set
 * `now` again. MATCHED, DEAD, or UNKNOWN when the set has to tell. */
static int advance(fd_regex_run *r, uint32_t behind, uint32_t c)
{
    const fd_regex_inst *insts = r->re->insts;
    if ((r->re->assertions & AHEAD) != 0) {
        uint32_t here = assertions_at(behind, c);
        r->next.n = 0;
        for (uint32_t i = 0; i < r->now.n; i++) {
            if (follow(r, &r->next, r->now.dense[i], here))
                return MATCHED;
        }
        swap_sets(r);
    }
    if (c == TEXT_END)
        return DEAD;
    uint32_t here = behind_byte(c) & FD_REGEX_BEGIN_LINE;
    r->next.n = 0;
    for (uint32_t i = 0; i < r->now.n; i++) {
        uint16_t id = r->now.dense[i];
        if (insts[id].op != FD_REGEX_I_BYTE)
            continue;
        for (; id != 0 && insts[id].lo <= c; id = insts[id].alt) {
            r->steps++;
            if (c <= insts[id].hi) {
                if (follow(r, &r->next, insts[id].out, here))
                    return MATCHED;
                break;
            }
        }
    }
    swap_sets(r);
    return r->now.n == 0 ? DEAD : UNKNOWN;
}

/* Only what the next byte can move stays of the set `now`, sorted, at the end of the pool, which
 * has room. */
static state settle(fd_regex_run *r, uint32_t behind)
{
    state s = {.ids = r->n_pool};
    bool ahead = false;
    for (uint32_t i = 0; i < r->now.n; i++) {
        uint16_t id = r->now.dense[i];
        const fd_regex_inst *x = &r->re->insts[id];
        bool waits = x->op == FD_REGEX_I_ASSERT && (x->lo & AHEAD) != 0;
        ahead |= waits;
        if (waits || x->op == FD_REGEX_I_BYTE)
            r->bits[id / 64] |= 1ull << (id % 64);
    }
    for (uint32_t w = 0; w <= r->re->n_insts / 64; w++) {
        for (uint64_t left = r->bits[w]; left != 0; left &= left - 1)
            r->pool[s.ids + s.n_ids++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(left));
        r->bits[w] = 0;
    }
    r->steps += r->now.n + r->re->n_insts / 64 + 1;
    uint32_t kept = r->re->assertions & (FD_REGEX_BEGIN_TEXT | FD_REGEX_BEGIN_LINE);
    if ((r->re->assertions & (FD_REGEX_WORD_EDGE | FD_REGEX_NO_WORD_EDGE)) != 0)
        kept |= BEHIND_WORD;
    s.behind = ahead ? behind & kept : 0;
    return s;
}

static uint32_t table_slot(const fd_regex_run *r, const state *s)
{
    uint64_t h = fd_hash64(r->pool + s->ids, s->n_ids * sizeof *r->pool, s->behind);
    return (uint32_t)h & (r->table_cap - 1);
}

static bool same_state(const fd_regex_run *r, const state *a, const state *b)
{
    return a->n_ids == b->n_ids && a->behind == b->behind &&
           memcmp(r->pool + a->ids, r->pool + b->ids, a->n_ids * sizeof *r->pool) == 0;
}

static void *resized(void *p, size_t bytes)
{
    p = realloc(p, bytes);
    FD_ALLOCATED(p);
    return p;
}

static uint32_t power_above(uint32_t n)
{
    uint32_t p = 8;
    while (p < n)
        p *= 2;
    return p;
}

/* Room for one more state of as many ids as the set `now` has; false beyond the limit. */
static bool make_room(fd_regex_run *r)
{
    uint32_t states = r->cap_states, pool = r->cap_pool;
    if (r->n_states + 1 > states)
        states = power_above(r->n_states + 1);
    if (r->n_pool + r->now.n > pool)
        pool = power_above(r->n_pool + r->now.n);
    if (states == r->cap_states && pool == r->cap_pool)
        return true;
    if (automaton_bytes(r, states, pool) > r->limit)
        return false;
    if (pool != r->cap_pool)
        r->pool = resized(r->pool, pool * sizeof *r->pool);
    r->cap_pool = pool;
    if (states == r->cap_states)
        return true;
    r->rows = resized(r->rows, (size_t)states * r->width * sizeof *r->rows);
    r->states = resized(r->states, states * sizeof *r->states);
    r->cap_states = states;
    r->table_cap = 2 * states;
    free(r->table);
    r->table = allocate(r->table_cap, sizeof *r->table);
    for (uint32_t i = BEGIN; i < r->n_states; i++) {
        uint32_t at = table_slot(r, &r->states[i]);
        while (r->table[at] != 0)
            at = (at + 1) & (r->table_cap - 1);
        r->table[at] = i;
    }
    return true;
}

/* The state of the set `now`; UNKNOWN when there is no room for it. */
static uint32_t intern(fd_regex_run *r, uint32_t behind)
{
    if (!make_room(r))
        return UNKNOWN;
    state s = settle(r, behind);
    if (s.n_ids == 0)
        return DEAD;
    uint32_t at = table_slot(r, &s);
    for (; r->table[at] != 0; at = (at + 1) & (r->table_cap - 1)) {
        if (same_state(r, &r->states[r->table[at]], &s))
            return r->table[at];
    }
    uint32_t id = r->n_states++;
    r->table[at] = id;
    r->states[id] = s;
    r->n_pool += s.n_ids;
    memset(r->rows + (size_t)id * r->width, 0, r->width * sizeof *r->rows);
    return id;
}

/* The set with which a text begins. True when that matches already. */
static bool begin_set(fd_regex_run *r)
{
    r->now.n = 0;
    return follow(r, &r->now, r->re->start, FD_REGEX_BEGIN_TEXT | FD_REGEX_BEGIN_LINE);
}

/* No states but the one that every text begins with. UNKNOWN: not even that has room. */
static uint32_t restart(fd_regex_run *r, uint64_t at)
{
    r->n_states = BEGIN;
    r->n_pool = 0;
    r->reset_at = at;
    if (r->table != NULL)
        memset(r->table, 0, r->table_cap * sizeof *r->table);
    if (begin_set(r))
        return MATCHED;
    return intern(r, FD_REGEX_BEGIN_TEXT | FD_REGEX_BEGIN_LINE);
}

fd_regex_run *fd_regex_run_new(const fd_regex *re, size_t cache_bytes)
{
    fd_regex_run *r = allocate(1, sizeof *r);
    uint32_t n = re->n_insts;
    r->re = re;
    r->width = re->n_classes + 1;
    r->limit = cache_bytes;
    r->now.dense = allocate(n, sizeof(uint16_t));
    r->now.sparse = allocate(n, sizeof(uint16_t));
    r->next.dense = allocate(n, sizeof(uint16_t));
    r->next.sparse = allocate(n, sizeof(uint16_t));
    r->stack = allocate(n + 1, sizeof(uint16_t));
    r->bits = allocate(n / 64 + 1, sizeof(uint64_t));
    r->first = restart(r, 0);
    return r;
}

static void load(fd_regex_run *r, const state *s)
{
    r->now.n = 0;
    for (uint32_t i = 0; i < s->n_ids; i++)
        put(&r->now, r->pool[s->ids + i]);
    r->steps += s->n_ids;
}

/* From the set `now` to the end of the text without remembering anything. */
static bool walk_sets(fd_regex_run *r, uint32_t behind, fd_str text, uint32_t from)
{
    for (uint32_t i = from; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        int end = advance(r, behind, c);
        if (end != UNKNOWN)
            return end == MATCHED;
        behind = behind_byte(c);
    }
    return advance(r, behind, TEXT_END) == MATCHED;
}

/* The state behind `id` and the byte c at text[i], which is not in the table yet. UNKNOWN: the set
 * `now` is behind the byte, and has no state. */
static uint32_t step(fd_regex_run *r, uint32_t id, uint32_t c, uint32_t i)
{
    uint32_t class = c == TEXT_END ? r->re->n_classes : r->re->classes[c];
    uint32_t behind = r->states[id].behind;
    load(r, &r->states[id]);
    uint32_t to = (uint32_t)advance(r, behind, c);
    if (to == UNKNOWN)
        to = intern(r, behind_byte(c));
    if (to != UNKNOWN) {
        r->rows[(size_t)id * r->width + class] = to * r->width;
        return to;
    }
    uint64_t used = r->n_states - BEGIN;
    if (r->bytes + i - r->reset_at < BYTES_PER_STATE * used)
        return UNKNOWN;
    swap_sets(r);
    bool good = restart(r, r->bytes + i) == BEGIN;
    swap_sets(r);
    return good ? intern(r, behind_byte(c)) : UNKNOWN;
}

/* Where `what` is next, from i on; text.n when it is nowhere. */
static uint32_t find(fd_str text, uint32_t i, fd_str what)
{
    if (text.n - i < what.n)
        return text.n;
    const char *at = what.n == 1 ? memchr(text.p + i, what.p[0], text.n - i)
                                 : memmem(text.p + i, text.n - i, what.p, what.n);
    return at == NULL ? text.n : (uint32_t)(at - text.p);
}

static bool walk_states(fd_regex_run *r, fd_str text)
{
    const fd_regex *re = r->re;
    const unsigned char *p = (const unsigned char *)text.p;
    /* rows up to `stop` need a look; the one to begin with when nothing but the prefix leaves it */
    uint32_t begin = BEGIN * r->width, row = begin;
    uint32_t stop = re->prefix.n != 0 ? begin : MATCHED * r->width;
    for (uint32_t i = 0;; i++) {
        if (row == begin && re->prefix.n != 0) {
            i = find(text, i, re->prefix);
            if (i == text.n)
                return false;
        }
        uint32_t to = UNKNOWN, from = row;
        for (; i < text.n; i++) {
            from = row;
            to = r->rows[row + re->classes[p[i]]];
            if (to <= stop)
                break;
            row = to;
        }
        if (i == text.n) {
            from = row;
            to = r->rows[row + re->n_classes];
        }
        if (to == UNKNOWN) {
            uint32_t c = i == text.n ? TEXT_END : p[i];
            uint32_t id = step(r, from / r->width, c, i);
            if (id == UNKNOWN)
                return walk_sets(r, behind_byte(c), text, i + 1);
            to = id * r->width;
        }
        if (to == DEAD * r->width || to == MATCHED * r->width)
            return to == MATCHED * r->width;
        row = to;
    }
}

bool fd_regex_match(fd_regex_run *r, fd_str text)
{
    const fd_regex *re = r->re;
    bool matched;
    r->steps += text.n + 1;
    if (re->only_literal)
        return find(text, 0, re->prefix) != text.n;
    if (r->first == MATCHED || r->first == DEAD)
        return r->first == MATCHED;
    if (re->literal.n > re->prefix.n && find(text, 0, re->literal) == text.n)
        return false;
    if (r->first == UNKNOWN) {
        begin_set(r);
        matched = walk_sets(r, FD_REGEX_BEGIN_TEXT | FD_REGEX_BEGIN_LINE, text, 0);
    } else {
        matched = walk_states(r, text);
    }
    r->bytes += text.n;
    return matched;
}
