/*
 * Sets of code points as instructions over the bytes of UTF-8. See regex_int.h.
 *
 * A set is a tree of lead and continuation bytes, built from the last byte to the first; equal
 * tails become one instruction, so that "anything but a quote" takes some fifteen.
 */
#include "base/assert.h"
#include "lang/regex_int.h"

enum { SURROGATE_FIRST = 0xD800, SURROGATE_LAST = 0xDFFF };

/* Byte ranges of one place of a sequence, in order, with what follows each. */
typedef struct choices {
    struct {
        uint8_t lo, hi;
        uint16_t out;
    } of[256];
    uint32_t n;
} choices;

static void choose(choices *c, uint32_t lo, uint32_t hi, uint16_t out)
{
    if (out == 0)
        return;
    if (c->n != 0 && c->of[c->n - 1].out == out && c->of[c->n - 1].hi + 1u == lo) {
        c->of[c->n - 1].hi = (uint8_t)hi;
        return;
    }
    FD_ASSERT(c->n < 256);
    c->of[c->n].lo = (uint8_t)lo;
    c->of[c->n].hi = (uint8_t)hi;
    c->of[c->n++].out = out;
}

static uint16_t emit_choices(fd_regex_builder *b, const choices *c)
{
    uint16_t id = 0;
    for (uint32_t i = c->n; i-- > 0;)
        id = fd_regex_emit_byte(b, c->of[i].lo, c->of[i].hi, c->of[i].out, id);
    return id;
}

/* Ranges of a set as far as they lie in min..max. */
typedef struct ranges {
    const fd_regex_range *r;
    uint32_t n;
    uint32_t min, max;
} ranges;

static ranges within(ranges all, uint32_t lo, uint32_t hi)
{
    all.min = lo > all.min ? lo : all.min;
    all.max = hi < all.max ? hi : all.max;
    while (all.n != 0 && all.r[0].hi < all.min) {
        all.r++;
        all.n--;
    }
    if (all.n != 0 && all.r[0].lo > all.max)
        all.n = 0;
    return all;
}

/* The last `level` bytes of the code points from base on, of which there are 64 to that power. */
static uint16_t tails(fd_regex_builder *b, ranges all, uint32_t base, uint32_t level, uint16_t next)
{
    if (level == 0)
        return next;
    uint32_t size = 1u << (6 * (level - 1));
    choices c = {.n = 0};
    uint16_t whole = 0;
    for (uint32_t i = 0; i < 64 && !b->failed; i++) {
        uint32_t lo = base + i * size, hi = lo + size - 1;
        ranges in = within(all, lo, hi);
        all.r = in.n == 0 ? all.r : in.r;
        all.n = in.n == 0 ? all.n : in.n;
        if (in.min > in.max || in.n == 0)
            continue;
        bool full = in.min == lo && in.max == hi && in.r[0].lo <= lo && in.r[0].hi >= hi;
        if (!full || whole == 0) {
            uint16_t out = tails(b, in, lo, level - 1, next);
            whole = full ? out : whole;
            choose(&c, 0x80 + i, 0x80 + i, out);
        } else {
            choose(&c, 0x80 + i, 0x80 + i, whole);
        }
    }
    return emit_choices(b, &c);
}

/* The sequences of `level` + 1 bytes. */
static void sequences(fd_regex_builder *b, choices *c, ranges all, uint32_t level, uint16_t next)
{
    static const uint32_t marks[] = {0, 0xC0, 0xE0, 0xF0};
    uint32_t size = 1u << (6 * level);
    for (uint32_t i = all.min / size; i <= all.max / size && !b->failed; i++) {
        ranges in = within(all, i * size, i * size + size - 1);
        if (in.n != 0)
            choose(c, marks[level] + i, marks[level] + i, tails(b, in, i * size, level, next));
    }
}

uint16_t fd_regex_emit_set(fd_regex_builder *b, const fd_regex_range *r, uint32_t n, uint16_t next)
{
    choices c = {.n = 0};
    for (uint32_t i = 0; i < n && r[i].lo < 0x80; i++)
        choose(&c, r[i].lo, r[i].hi < 0x80 ? r[i].hi : 0x7F, next);
    sequences(b, &c, (ranges){r, n, 0x80, 0x7FF}, 1, next);
    sequences(b, &c, (ranges){r, n, 0x800, SURROGATE_FIRST - 1}, 2, next);
    sequences(b, &c, (ranges){r, n, SURROGATE_LAST + 1, 0xFFFF}, 2, next);
    sequences(b, &c, (ranges){r, n, 0x10000, FD_REGEX_RUNE_MAX}, 3, next);
    return emit_choices(b, &c);
}
