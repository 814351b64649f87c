/*
 * The tree of a regular expression, simplified as it is built: what matches nothing or everything
 * disappears, single characters become sets, and alternatives share what they begin with.
 * See regex_int.h. Nodes are immutable once made.
 */
#include <stdlib.h>

#include "lang/regex_int.h"

static fd_regex_node *new_node(fd_arena *arena, fd_regex_op op)
{
    fd_regex_node *x = fd_arena_zalloc(arena, sizeof *x);
    if (x == NULL)
        return NULL;
    x->op = (uint8_t)op;
    x->height = 1;
    x->copies = 1;
    return x;
}

const fd_regex_node *fd_regex_node_simple(fd_arena *arena, fd_regex_op op, uint8_t assertion)
{
    fd_regex_node *x = new_node(arena, op);
    if (x != NULL)
        x->assertion = assertion;
    return x;
}

const fd_regex_node *fd_regex_node_rune(fd_arena *arena, uint32_t rune, bool fold)
{
    if (fold && fd_regex_fold_next(rune) != rune) {
        fd_regex_set set = {.arena = arena};
        fd_regex_set_add(&set, rune, rune);
        fd_regex_set_fold(&set);
        return fd_regex_node_set(&set);
    }
    fd_regex_node *x = new_node(arena, FD_REGEX_RUNE);
    if (x != NULL)
        x->v.rune = rune;
    return x;
}

const fd_regex_node *fd_regex_node_set(fd_regex_set *set)
{
    fd_regex_set_tidy(set);
    if (set->failed)
        return NULL;
    if (set->n == 0)
        return new_node(set->arena, FD_REGEX_NOTHING);
    if (set->n == 1 && set->r[0].lo == set->r[0].hi)
        return fd_regex_node_rune(set->arena, set->r[0].lo, false);
    fd_regex_node *x = new_node(set->arena, FD_REGEX_SET);
    if (x == NULL)
        return NULL;
    x->v.ranges = set->r;
    x->n = set->n;
    return x;
}

/* CAT or ALT of these as they are; the array is copied. */
static const fd_regex_node *group(fd_arena *arena, fd_regex_op op,
                                  const fd_regex_node *const *parts, uint32_t n)
{
    if (n == 0)
        return new_node(arena, op == FD_REGEX_CAT ? FD_REGEX_EMPTY : FD_REGEX_NOTHING);
    if (n == 1)
        return parts[0];
    fd_regex_node *x = new_node(arena, op);
    const fd_regex_node **copy = fd_arena_alloc(arena, n * sizeof *copy);
    if (x == NULL || copy == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = parts[i];
        if (parts[i]->height >= x->height)
            x->height = (uint16_t)(parts[i]->height + 1);
        if (parts[i]->copies > x->copies)
            x->copies = parts[i]->copies;
    }
    x->v.parts = copy;
    x->n = n;
    return x;
}

/* The parts of parts of the same kind in their place, without those of kind `gone`. */
static const fd_regex_node **flatten(fd_arena *arena, fd_regex_op op, fd_regex_op gone,
                                     const fd_regex_node *const *parts, uint32_t *n)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < *n; i++)
        total += parts[i]->op == op ? parts[i]->n : 1;
    const fd_regex_node **flat = fd_arena_alloc(arena, (total + 1) * sizeof *flat);
    if (flat == NULL)
        return NULL;
    uint32_t m = 0;
    for (uint32_t i = 0; i < *n; i++) {
        if (parts[i]->op == op) {
            for (uint32_t k = 0; k < parts[i]->n; k++)
                flat[m++] = parts[i]->v.parts[k];
        } else if (parts[i]->op != gone) {
            flat[m++] = parts[i];
        }
    }
    *n = m;
    return flat;
}

const fd_regex_node *fd_regex_node_cat(fd_arena *arena, const fd_regex_node *const *parts,
                                       uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i]->op == FD_REGEX_NOTHING)
            return parts[i];
    }
    const fd_regex_node **flat = flatten(arena, FD_REGEX_CAT, FD_REGEX_EMPTY, parts, &n);
    return flat == NULL ? NULL : group(arena, FD_REGEX_CAT, flat, n);
}

static bool is_one_rune(const fd_regex_node *x)
{
    return x->op == FD_REGEX_RUNE || x->op == FD_REGEX_SET;
}

/* All single characters and sets among the alternatives as one set. */
static bool merge_sets(fd_arena *arena, const fd_regex_node **parts, uint32_t *n)
{
    uint32_t single = 0;
    for (uint32_t i = 0; i < *n; i++)
        single += is_one_rune(parts[i]);
    if (single < 2)
        return true;
    fd_regex_set set = {.arena = arena};
    uint32_t m = 0;
    for (uint32_t i = 0; i < *n; i++) {
        const fd_regex_node *x = parts[i];
        if (x->op == FD_REGEX_RUNE)
            fd_regex_set_add(&set, x->v.rune, x->v.rune);
        for (uint32_t k = 0; x->op == FD_REGEX_SET && k < x->n; k++)
            fd_regex_set_add(&set, x->v.ranges[k].lo, x->v.ranges[k].hi);
        if (!is_one_rune(x))
            parts[m++] = x;
    }
    parts[m] = fd_regex_node_set(&set);
    *n = m + 1;
    return parts[m] != NULL;
}

/* How many characters it begins with that are fixed. */
static uint32_t fixed_runes(const fd_regex_node *x)
{
    uint32_t k = 0;
    if (x->op != FD_REGEX_CAT)
        return x->op == FD_REGEX_RUNE;
    while (k < x->n && x->v.parts[k]->op == FD_REGEX_RUNE)
        k++;
    return k;
}

static uint32_t rune_at(const fd_regex_node *x, uint32_t k)
{
    return x->op == FD_REGEX_CAT ? x->v.parts[k]->v.rune : x->v.rune;
}

static int by_first_rune(const void *a, const void *b)
{
    const fd_regex_node *x = *(const fd_regex_node *const *)a;
    const fd_regex_node *y = *(const fd_regex_node *const *)b;
    uint32_t nx = fixed_runes(x), ny = fixed_runes(y);
    if (nx == 0 || ny == 0)
        return (nx == 0) - (ny == 0);
    return (rune_at(x, 0) > rune_at(y, 0)) - (rune_at(x, 0) < rune_at(y, 0));
}

static uint32_t common_runes(const fd_regex_node *const *parts, uint32_t n)
{
    uint32_t common = fixed_runes(parts[0]);
    for (uint32_t i = 1; i < n; i++) {
        uint32_t most = fixed_runes(parts[i]);
        uint32_t k = 0;
        while (k < common && k < most && rune_at(parts[0], k) == rune_at(parts[i], k))
            k++;
        common = k;
    }
    return common;
}

/* What is left of x behind its first n parts; the parts are not copied. */
static const fd_regex_node *rest_of(fd_arena *arena, const fd_regex_node *x, uint32_t n)
{
    uint32_t all = x->op == FD_REGEX_CAT ? x->n : 1;
    if (all == n)
        return new_node(arena, FD_REGEX_EMPTY);
    if (all == n + 1)
        return x->v.parts[n];
    fd_regex_node *rest = fd_arena_alloc(arena, sizeof *rest);
    if (rest == NULL)
        return NULL;
    *rest = *x;
    rest->v.parts += n;
    rest->n -= n;
    return rest;
}

/* abc|abd -> ab(?:c|d), for alternatives that have their first character in common. */
static const fd_regex_node *share(fd_arena *arena, const fd_regex_node *const *parts, uint32_t n)
{
    uint32_t common = common_runes(parts, n);
    const fd_regex_node *first = parts[0];
    const fd_regex_node **rests = fd_arena_alloc(arena, n * sizeof *rests);
    if (rests == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        rests[i] = rest_of(arena, parts[i], common);
        if (rests[i] == NULL)
            return NULL;
    }
    const fd_regex_node **line = fd_arena_alloc(arena, (common + 1) * sizeof *line);
    if (line == NULL)
        return NULL;
    for (uint32_t k = 0; k < common; k++)
        line[k] = first->op == FD_REGEX_CAT ? first->v.parts[k] : first;
    line[common] = fd_regex_node_alt(arena, rests, n);
    return line[common] == NULL ? NULL : fd_regex_node_cat(arena, line, common + 1);
}

const fd_regex_node *fd_regex_node_alt(fd_arena *arena, const fd_regex_node *const *parts,
                                       uint32_t n)
{
    const fd_regex_node **flat = flatten(arena, FD_REGEX_ALT, FD_REGEX_NOTHING, parts, &n);
    if (flat == NULL || !merge_sets(arena, flat, &n))
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        /* only so deep: whoever nests to the limit has no room for what is shared */
        if (flat[i]->height > FD_REGEX_DEPTH_MAX / 2)
            return group(arena, FD_REGEX_ALT, flat, n);
    }
    if (n > 1)
        qsort(flat, n, sizeof *flat, by_first_rune);
    uint32_t m = 0;
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && fixed_runes(flat[i]) != 0 && fixed_runes(flat[end]) != 0 &&
                          rune_at(flat[i], 0) == rune_at(flat[end], 0);)
            end++;
        const fd_regex_node *x = end == i + 1 ? flat[i] : share(arena, flat + i, end - i);
        if (x == NULL)
            return NULL;
        flat[m++] = x;
    }
    /* one EMPTY says as much as many */
    uint32_t kept = 0;
    bool empty = false;
    for (uint32_t i = 0; i < m; i++) {
        if (flat[i]->op != FD_REGEX_EMPTY || !empty)
            flat[kept++] = flat[i];
        empty |= flat[i]->op == FD_REGEX_EMPTY;
    }
    return group(arena, FD_REGEX_ALT, flat, kept);
}

/* * + and ? only */
static bool is_plain(uint32_t min, uint32_t max)
{
    return min <= 1 && (max == 1 || max == FD_REGEX_ENDLESS);
}

const fd_regex_node *fd_regex_node_repeat(fd_arena *arena, const fd_regex_node *part, uint32_t min,
                                          uint32_t max)
{
    uint64_t times = max == FD_REGEX_ENDLESS ? min : max;
    uint64_t copies = part->copies * (times == 0 ? 1 : times);
    if (part->op == FD_REGEX_EMPTY || (min == 1 && max == 1))
        return part;
    if (max == 0 || part->op == FD_REGEX_NOTHING)
        return max != 0 && min != 0 ? part : new_node(arena, FD_REGEX_EMPTY);
    if (part->op == FD_REGEX_REPEAT && is_plain(min, max) && is_plain(part->min, part->max)) {
        min *= part->min;
        max = max == FD_REGEX_ENDLESS ? max : part->max;
        part = part->v.part;
    }
    fd_regex_node *x = new_node(arena, FD_REGEX_REPEAT);
    if (x == NULL)
        return NULL;
    x->v.part = part;
    x->min = min;
    x->max = max;
    x->height = (uint16_t)(part->height + 1);
    x->copies = copies > UINT32_MAX ? UINT32_MAX : (uint32_t)copies;
    return x;
}

/* At an end of the pattern x* may as well be there no time, and x{3,} three times. */
static const fd_regex_node *least(fd_arena *arena, const fd_regex_node *x)
{
    if (x->op != FD_REGEX_REPEAT)
        return x;
    return x->min == 0 ? new_node(arena, FD_REGEX_EMPTY)
                       : fd_regex_node_repeat(arena, x->v.part, x->min, x->min);
}

const fd_regex_node *fd_regex_node_trim(fd_arena *arena, const fd_regex_node *x)
{
    if (x->op != FD_REGEX_CAT)
        return least(arena, x);
    uint32_t from = 0, to = x->n;
    while (from < to && x->v.parts[from]->op == FD_REGEX_REPEAT && x->v.parts[from]->min == 0)
        from++;
    while (from < to && x->v.parts[to - 1]->op == FD_REGEX_REPEAT && x->v.parts[to - 1]->min == 0)
        to--;
    if (from == to)
        return new_node(arena, FD_REGEX_EMPTY);
    const fd_regex_node **kept = fd_arena_alloc(arena, (to - from) * sizeof *kept);
    if (kept == NULL)
        return NULL;
    memcpy(kept, x->v.parts + from, (to - from) * sizeof *kept);
    kept[0] = least(arena, kept[0]);
    kept[to - from - 1] = least(arena, kept[to - from - 1]);
    if (kept[0] == NULL || kept[to - from - 1] == NULL)
        return NULL;
    return fd_regex_node_cat(arena, kept, to - from);
}
