/*
 * Equality with constants and membership in constant lists, of one column or value: each row is
 * looked up once among all constants of the set, and whoever asks takes the rows of those it means.
 * A set is filled while a plan is built (one owner) and then immutable; runs have one thread each.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "lang/plan_int.h"

/* ---- constants ---- */

static uint64_t load(const char *p, uint32_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
    return v;
}

/* Codes are short: two overlapping loads see all of them. The table holds constants alone, so it
 * does not matter what values an event brings. */
static uint32_t text_hash(fd_str s)
{
    uint64_t lo, hi;
    if (s.n > 16)
        return (uint32_t)fd_hash64(s.p, s.n, 0);
    if (s.n >= 8) {
        lo = load(s.p, 8);
        hi = load(s.p + s.n - 8, 8);
    } else if (s.n >= 4) {
        lo = load(s.p, 4);
        hi = load(s.p + s.n - 4, 4);
    } else {
        lo = s.n == 0 ? 0 : (unsigned char)s.p[0] | (uint64_t)(unsigned char)s.p[s.n / 2] << 8;
        hi = s.n == 0 ? 0 : (unsigned char)s.p[s.n - 1];
    }
    return (uint32_t)(fd_plan_mix(fd_plan_mix(s.n, lo), hi) >> 20);
}

static uint32_t key_hash(int64_t key)
{
    return (uint32_t)(fd_plan_mix(0, (uint64_t)key) >> 20);
}

static uint64_t length_bit(uint32_t n)
{
    return UINT64_C(1) << (n < 63 ? n : 63);
}

static bool equal_text(fd_str a, fd_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static uint32_t find_text(const fd_plan_set *s, fd_str text)
{
    if ((s->lengths & length_bit(text.n)) == 0)
        return FD_PLAN_NONE;
    for (uint32_t at = text_hash(text) & s->mask; s->table[at] != 0; at = (at + 1) & s->mask) {
        if (equal_text(s->texts[s->table[at] - 1], text))
            return s->table[at] - 1;
    }
    return FD_PLAN_NONE;
}

static uint32_t find_key(const fd_plan_set *s, int64_t key)
{
    for (uint32_t at = key_hash(key) & s->mask; s->table[at] != 0; at = (at + 1) & s->mask) {
        if (s->keys[s->table[at] - 1] == key)
            return s->table[at] - 1;
    }
    return FD_PLAN_NONE;
}

/* Room for one more; at most a quarter of the table is filled. */
static void grow(fd_plan_set *s)
{
    if (s->table != NULL && 4 * (s->n + 1) <= s->mask)
        return;
    free(s->table);
    s->mask = s->table == NULL ? 15 : s->mask * 2 + 1;
    s->table = calloc((size_t)s->mask + 1, sizeof *s->table);
    FD_ALLOCATED(s->table);
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t at = (s->text ? text_hash(s->texts[i]) : key_hash(s->keys[i])) & s->mask;
        while (s->table[at] != 0)
            at = (at + 1) & s->mask;
        s->table[at] = i + 1;
    }
}

static uint32_t added(fd_plan_set *s, uint32_t hash)
{
    uint32_t at = hash & s->mask;
    while (s->table[at] != 0)
        at = (at + 1) & s->mask;
    s->table[at] = s->n;
    return s->n - 1;
}

uint32_t fd_plan_add_text(fd_plan_set *s, fd_str text)
{
    grow(s);
    uint32_t code = find_text(s, text);
    if (code != FD_PLAN_NONE)
        return code;
    *FD_PLAN_PUSH(s->texts, s->n, s->cap) = text;
    s->lengths |= length_bit(text.n);
    return added(s, text_hash(text));
}

uint32_t fd_plan_add_key(fd_plan_set *s, int64_t key)
{
    grow(s);
    uint32_t code = find_key(s, key);
    if (code != FD_PLAN_NONE)
        return code;
    *FD_PLAN_PUSH(s->keys, s->n, s->cap) = key;
    return added(s, key_hash(key));
}

/* ---- a batch ---- */

static void add_row(fd_cel_plan_run *r, const fd_plan_set *s, uint32_t code, uint32_t row,
                    uint32_t *n_seen)
{
    uint64_t *rows = fd_plan_bits(r, s->slot + code);
    if (!r->code_there[code]) {
        r->code_there[code] = 1;
        r->codes_seen[(*n_seen)++] = code;
        memset(rows, 0, r->words * sizeof *rows);
    }
    rows[row / FD_WORD] |= UINT64_C(1) << row % FD_WORD;
}

/* The rows of each constant that occurs; how many of them do. */
static uint32_t look_up(fd_cel_plan_run *r, const fd_plan_set *s, const uint64_t *rows)
{
    uint32_t n_seen = 0;
    const fd_str *texts = s->text ? fd_plan_column_at(r, &r->plan->columns[s->of])->v.s : NULL;
    const int64_t *keys = s->text ? NULL : fd_plan_keys(r, s->of);
    for (uint32_t w = 0; w < r->words && s->n != 0; w++) {
        for (uint64_t mask = rows[w]; mask != 0; mask &= mask - 1) {
            uint32_t row = w * FD_WORD + (uint32_t)__builtin_ctzll(mask);
            uint32_t code = s->text ? find_text(s, texts[row]) : find_key(s, keys[row]);
            if (code != FD_PLAN_NONE)
                add_row(r, s, code, row, &n_seen);
        }
    }
    return n_seen;
}

static bool means(const uint32_t *codes, uint32_t n, uint32_t code)
{
    uint32_t from = 0;
    while (n > 1) {
        uint32_t half = n / 2;
        from = codes[from + half] <= code ? from + half : from;
        n -= half;
    }
    return n != 0 && codes[from] == code;
}

static void join_rows(fd_cel_plan_run *r, const fd_plan_set *s, uint32_t code, uint32_t slot,
                      uint32_t *hit)
{
    uint32_t rows = s->slot + code;
    if (*hit == FD_SLOT_NO_ROW) {
        *hit = rows; /* the only one so far */
        return;
    }
    uint64_t *out = fd_plan_bits(r, slot);
    const uint64_t *a = fd_plan_bits(r, *hit), *b = fd_plan_bits(r, rows);
    for (uint32_t w = 0; w < r->words; w++)
        out[w] = a[w] | b[w];
    *hit = slot;
}

/* Of the constants that are meant and those that occur, the fewer are gone through. */
static uint32_t rows_meant(fd_cel_plan_run *r, const fd_plan_set *s, const fd_plan_node *x,
                           uint32_t n_seen)
{
    const uint32_t *codes = r->plan->args + x->first;
    uint32_t hit = FD_SLOT_NO_ROW;
    if (x->n_args <= n_seen) {
        for (uint32_t i = 0; i < x->n_args; i++) {
            if (r->code_there[codes[i]])
                join_rows(r, s, codes[i], x->slot, &hit);
        }
        return hit;
    }
    for (uint32_t i = 0; i < n_seen; i++) {
        if (means(codes, x->n_args, r->codes_seen[i]))
            join_rows(r, s, r->codes_seen[i], x->slot, &hit);
    }
    return hit;
}

void fd_plan_run_set(fd_cel_plan_run *r, uint32_t set)
{
    const fd_plan_set *s = &r->plan->sets[set];
    fd_plan_there t = s->text ? r->columns[s->of] : r->values[s->of];
    const uint64_t *missing = fd_plan_bits(r, t.missing);
    uint32_t n_seen = look_up(r, s, fd_plan_bits(r, s->text ? t.there : t.ordered));
    for (uint32_t i = 0; i < s->n_members; i++) {
        uint32_t node = r->plan->members[s->first_member + i];
        const fd_plan_node *x = &r->plan->nodes[node];
        uint32_t hit = n_seen == 0 ? FD_SLOT_NO_ROW : rows_meant(r, s, x, n_seen);
        fd_plan_at at = {hit, hit};
        if (hit == FD_SLOT_NO_ROW) {
            at.open = t.missing;
        } else if (t.missing != FD_SLOT_NO_ROW) {
            uint64_t *open = fd_plan_bits(r, x->slot + 1);
            const uint64_t *rows = fd_plan_bits(r, hit);
            for (uint32_t w = 0; w < r->words; w++)
                open[w] = rows[w] | missing[w];
            at.open = x->slot + 1;
        }
        r->at[node] = at;
    }
    for (uint32_t i = 0; i < n_seen; i++)
        r->code_there[r->codes_seen[i]] = 0;
}
