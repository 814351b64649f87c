/*
 * Sets of code points: union, negation, case folding, and the classes that have names.
 * See regex_int.h. One owner at a time; the tables are immutable.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/regex_int.h"
#include "lang/regex_unicode.h"

void fd_regex_set_add(fd_regex_set *s, uint32_t lo, uint32_t hi)
{
    FD_ASSERT(lo <= hi && hi <= FD_REGEX_RUNE_MAX);
    if (s->n == s->cap) {
        /* many overlaps: put in order before growing */
        if (s->n >= 64 && s->n > 2 * s->tidied)
            fd_regex_set_tidy(s);
        if (2 * s->n >= s->cap) {
            uint32_t cap = s->cap == 0 ? 4 : 2 * s->cap;
            fd_regex_range *r = fd_arena_alloc(s->arena, cap * sizeof *r);
            if (r == NULL) {
                s->failed = true;
                return;
            }
            if (s->n != 0)
                memcpy(r, s->r, s->n * sizeof *r);
            s->r = r;
            s->cap = cap;
        }
    }
    s->r[s->n++] = (fd_regex_range){lo, hi};
}

void fd_regex_set_add_all(fd_regex_set *s, const fd_regex_set *other)
{
    for (uint32_t i = 0; i < other->n; i++)
        fd_regex_set_add(s, other->r[i].lo, other->r[i].hi);
    s->failed |= other->failed;
}

static int by_lo(const void *a, const void *b)
{
    const fd_regex_range *x = a, *y = b;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

void fd_regex_set_tidy(fd_regex_set *s)
{
    bool sorted = true;
    for (uint32_t i = 1; i < s->n; i++)
        sorted &= s->r[i - 1].lo <= s->r[i].lo;
    if (!sorted)
        qsort(s->r, s->n, sizeof *s->r, by_lo);
    uint32_t m = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (m != 0 && s->r[i].lo <= s->r[m - 1].hi + 1) {
            if (s->r[i].hi > s->r[m - 1].hi)
                s->r[m - 1].hi = s->r[i].hi;
        } else {
            s->r[m++] = s->r[i];
        }
    }
    s->n = s->tidied = m;
}

void fd_regex_set_negate(fd_regex_set *s)
{
    fd_regex_set_tidy(s);
    fd_regex_set out = {.arena = s->arena, .failed = s->failed};
    uint32_t from = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->r[i].lo > from)
            fd_regex_set_add(&out, from, s->r[i].lo - 1);
        from = s->r[i].hi + 1;
    }
    if (from <= FD_REGEX_RUNE_MAX)
        fd_regex_set_add(&out, from, FD_REGEX_RUNE_MAX);
    out.tidied = out.n;
    *s = out;
}

/* The first fold that ends at or behind c. */
static uint32_t fold_from(uint32_t c)
{
    uint32_t lo = 0, hi = fd_unicode_n_folds;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (fd_unicode_folds[mid].high < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

uint32_t fd_regex_fold_next(uint32_t c)
{
    uint32_t i = fold_from(c);
    if (i == fd_unicode_n_folds || fd_unicode_folds[i].low > c)
        return c;
    const fd_unicode_fold *f = &fd_unicode_folds[i];
    if (f->delta == 0)
        return f->low + ((c - f->low) ^ 1);
    return (uint32_t)((int32_t)c + f->delta);
}

static void fold_range(fd_regex_set *s, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = fold_from(lo); i < fd_unicode_n_folds && fd_unicode_folds[i].low <= hi; i++) {
        const fd_unicode_fold *f = &fd_unicode_folds[i];
        uint32_t a = lo > f->low ? lo : f->low;
        uint32_t b = hi < f->high ? hi : f->high;
        if (f->delta == 0)
            fd_regex_set_add(s, f->low + ((a - f->low) & ~1u), f->low + ((b - f->low) | 1u));
        else
            fd_regex_set_add(s, (uint32_t)((int32_t)a + f->delta),
                             (uint32_t)((int32_t)b + f->delta));
    }
}

static uint32_t members(const fd_regex_set *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        n += s->r[i].hi - s->r[i].lo + 1;
    return n;
}

void fd_regex_set_fold(fd_regex_set *s)
{
    fd_regex_set_tidy(s);
    for (uint32_t before = 0, now = members(s); now != before && !s->failed; now = members(s)) {
        before = now;
        fd_regex_set more = {.arena = s->arena};
        for (uint32_t i = 0; i < s->n; i++)
            fold_range(&more, s->r[i].lo, s->r[i].hi);
        fd_regex_set_add_all(s, &more);
        fd_regex_set_tidy(s);
    }
}

bool fd_regex_set_add_perl(fd_regex_set *s, char name)
{
    switch (name) {
    case 'd':
        fd_regex_set_add(s, '0', '9');
        return true;
    case 's':
        fd_regex_set_add(s, '\t', '\n');
        fd_regex_set_add(s, '\f', '\r');
        fd_regex_set_add(s, ' ', ' ');
        return true;
    case 'w':
        fd_regex_set_add(s, '0', '9');
        fd_regex_set_add(s, 'A', 'Z');
        fd_regex_set_add(s, '_', '_');
        fd_regex_set_add(s, 'a', 'z');
        return true;
    default:
        return false;
    }
}

bool fd_regex_set_add_posix(fd_regex_set *s, fd_str name)
{
    /* pairs of first and last */
    static const struct {
        const char *name;
        const char *pairs;
        uint32_t n;
    } classes[] = {
        {"alnum", "09AZaz", 6},
        {"alpha", "AZaz", 4},
        {"ascii", "\0\x7f", 2},
        {"blank", "\t\t  ", 4},
        {"cntrl", "\0\x1f\x7f\x7f", 4},
        {"digit", "09", 2},
        {"graph", "!~", 2},
        {"lower", "az", 2},
        {"print", " ~", 2},
        {"punct", "!/:@[`{~", 8},
        {"space", "\t\r  ", 4},
        {"upper", "AZ", 2},
        {"word", "09AZaz__", 8},
        {"xdigit", "09AFaf", 6},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!fd_str_eq_c(name, classes[i].name))
            continue;
        for (uint32_t k = 0; k < classes[i].n; k += 2)
            fd_regex_set_add(s, (unsigned char)classes[i].pairs[k],
                             (unsigned char)classes[i].pairs[k + 1]);
        return true;
    }
    return false;
}

/* The numbers of the words that are `name`, or begin with it, as bits; words from 1 on. */
static uint32_t categories_named(fd_str name)
{
    uint32_t found = 0, number = 1;
    for (const char *w = fd_unicode_categories; name.n != 0 && name.n <= 2; number++) {
        if (memcmp(w, name.p, name.n) == 0)
            found |= 1u << number;
        w = strchr(w, ' ');
        if (w == NULL)
            break;
        w++;
    }
    return found;
}

static uint32_t script_named(fd_str name)
{
    uint32_t number = 1;
    for (const char *w = fd_unicode_scripts;; number++) {
        size_t len = strcspn(w, " ");
        if (len == name.n && memcmp(w, name.p, len) == 0)
            return number;
        if (w[len] == '\0')
            return 0;
        w += len + 1;
    }
}

bool fd_regex_set_add_unicode(fd_regex_set *s, fd_str name)
{
    if (fd_str_eq_c(name, "Any")) {
        fd_regex_set_add(s, 0, FD_REGEX_RUNE_MAX);
        return true;
    }
    uint32_t categories = categories_named(name);
    uint32_t script = categories == 0 ? script_named(name) : 0;
    if (categories == 0 && script == 0)
        return false;
    uint32_t c = 0, from = 0;
    bool open = false;
    for (uint32_t i = 0; i < fd_unicode_n_runs; i++) {
        uint32_t run = fd_unicode_runs[i];
        bool in = categories != 0 ? (categories >> (run >> 8 & 31) & 1) != 0
                                  : (run & 0xff) == script;
        if (in && !open)
            from = c;
        if (!in && open)
            fd_regex_set_add(s, from, c - 1);
        open = in;
        c += run >> 13;
    }
    if (open)
        fd_regex_set_add(s, from, c - 1);
    return true;
}
