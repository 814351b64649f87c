/*
 * The lists and sets extensions. Results are at most 65,536 elements; look-ups go through a hash
 * table, so nothing here is quadratic. Pure functions; see function.h.
 */
#include "lang/list.h"

#include <stdlib.h>

#include "base/assert.h"
#include "lang/function.h"

static fd_cel_value too_long(void)
{
    return fd_cel_error_text(FD_CEL_E_TOO_LONG, "list longer than 65536");
}

static fd_cel_value *room(fd_arena *arena, uint64_t n)
{
    fd_cel_value *items = fd_arena_alloc(arena, (n + 1) * sizeof *items);
    FD_ALLOCATED(items);
    return items;
}

FD_CEL_FN(range)
{
    int64_t n = args[0].v.i < 0 ? 0 : args[0].v.i;
    if (n > FD_CEL_LIST_MAX)
        return too_long();
    fd_cel_value *items = room(arena, (uint64_t)n);
    for (int64_t i = 0; i < n; i++)
        items[i] = fd_cel_int(i);
    return fd_cel_list(items, (uint32_t)n);
}

FD_CEL_FN(reverse_list)
{
    uint32_t n = fd_cel_length(&args[0]);
    fd_cel_value *items = room(arena, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = fd_cel_element(&args[0], n - 1 - i);
    return fd_cel_list(items, n);
}

FD_CEL_FN(slice)
{
    int64_t n = fd_cel_length(&args[0]), from = args[1].v.i, to = args[2].v.i;
    if (from < 0 || to > n || from > to)
        return fd_cel_error_text(FD_CEL_E_OUT_OF_RANGE, "a slice outside the list");
    fd_cel_value *items = room(arena, (uint64_t)(to - from));
    for (int64_t i = from; i < to; i++)
        items[i - from] = fd_cel_element(&args[0], (uint32_t)i);
    return fd_cel_list(items, (uint32_t)(to - from));
}

FD_CEL_FN(first)
{
    if (fd_cel_length(&args[0]) == 0)
        return fd_cel_optional(NULL);
    fd_cel_value v = fd_cel_element(&args[0], 0);
    return fd_cel_optional_of(arena, &v);
}

FD_CEL_FN(last)
{
    uint32_t n = fd_cel_length(&args[0]);
    if (n == 0)
        return fd_cel_optional(NULL);
    fd_cel_value v = fd_cel_element(&args[0], n - 1);
    return fd_cel_optional_of(arena, &v);
}

typedef struct flattener {
    fd_cel_value *items; /* NULL: only counted */
    uint64_t n;
} flattener;

/* The depth of a value is bounded, so this may recurse. */
static void flatten_into(flattener *f, const fd_cel_value *list, int64_t depth)
{
    uint32_t n = fd_cel_length(list);
    for (uint32_t i = 0; i < n && f->n <= FD_CEL_LIST_MAX; i++) {
        fd_cel_value e = fd_cel_element(list, i);
        if (e.kind == FD_CEL_LIST && depth > 0) {
            flatten_into(f, &e, depth - 1);
            continue;
        }
        if (f->items != NULL)
            f->items[f->n] = e;
        f->n++;
    }
}

FD_CEL_FN(flatten)
{
    int64_t depth = args[1].kind == FD_CEL_INT ? args[1].v.i : 1;
    if (depth < 0)
        return fd_cel_error_text(FD_CEL_E_ARGUMENT, "flatten() to less than no depth");
    flattener f = {0};
    flatten_into(&f, &args[0], depth);
    if (f.n > FD_CEL_LIST_MAX)
        return too_long();
    f = (flattener){.items = room(arena, f.n)};
    flatten_into(&f, &args[0], depth);
    return fd_cel_list(f.items, (uint32_t)f.n);
}

/* ---- sets of values ---- */

void fd_cel_table_init(fd_cel_table *t, fd_arena *arena, uint32_t n)
{
    uint32_t cap = 4;
    while (cap < 2 * n)
        cap *= 2;
    t->slots = fd_arena_zalloc(arena, cap * sizeof *t->slots);
    FD_ALLOCATED(t->slots);
    t->items = room(arena, n);
    t->mask = cap - 1;
    t->n = 0;
}

static uint32_t *slot_of(const fd_cel_table *t, const fd_cel_value *v)
{
    uint32_t at = (uint32_t)fd_cel_hash(v) & t->mask;
    while (t->slots[at] != 0 && !fd_cel_equal(&t->items[t->slots[at] - 1], v))
        at = (at + 1) & t->mask;
    return &t->slots[at];
}

/* NaN, and what holds one, equals nothing and needs no slot: it could only fill one row of them. */
bool fd_cel_table_add(fd_cel_table *t, const fd_cel_value *v)
{
    if (!fd_cel_equal(v, v)) {
        t->items[t->n++] = *v;
        return true;
    }
    uint32_t *slot = slot_of(t, v);
    if (*slot != 0)
        return false;
    t->items[t->n++] = *v;
    *slot = t->n;
    return true;
}

bool fd_cel_table_has(const fd_cel_table *t, const fd_cel_value *v)
{
    return fd_cel_equal(v, v) && *slot_of(t, v) != 0;
}

FD_CEL_FN(distinct)
{
    uint32_t n = fd_cel_length(&args[0]);
    fd_cel_table t;
    fd_cel_table_init(&t, arena, n);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(&args[0], i);
        fd_cel_table_add(&t, &e);
    }
    return fd_cel_list(t.items, t.n);
}

static fd_cel_table table_of(fd_arena *arena, const fd_cel_value *list)
{
    fd_cel_table t;
    uint32_t n = fd_cel_length(list);
    fd_cel_table_init(&t, arena, n);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(list, i);
        fd_cel_table_add(&t, &e);
    }
    return t;
}

/* How many elements of the list are in the table; `stop` ends at the first that is (not). */
static uint32_t count_in(const fd_cel_table *t, const fd_cel_value *list)
{
    uint32_t n = fd_cel_length(list), in = 0;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(list, i);
        in += fd_cel_table_has(t, &e);
    }
    return in;
}

static bool contains_all(fd_arena *arena, const fd_cel_value *list, const fd_cel_value *part)
{
    fd_cel_table t = table_of(arena, list);
    return count_in(&t, part) == fd_cel_length(part);
}

FD_CEL_FN(sets_contains)
{
    return fd_cel_bool(contains_all(arena, &args[0], &args[1]));
}

FD_CEL_FN(sets_equivalent)
{
    return fd_cel_bool(contains_all(arena, &args[0], &args[1]) &&
                       contains_all(arena, &args[1], &args[0]));
}

FD_CEL_FN(sets_intersects)
{
    fd_cel_table t = table_of(arena, &args[0]);
    return fd_cel_bool(count_in(&t, &args[1]) != 0);
}

/* ---- order ---- */

static bool sortable(uint8_t kind)
{
    switch (kind) {
    case FD_CEL_BOOL:
    case FD_CEL_INT:
    case FD_CEL_UINT:
    case FD_CEL_DOUBLE:
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        return true;
    default:
        return false;
    }
}

/* NaN after all other numbers, so that there is one order; equal keys stay as they were. */
static int order(const fd_cel_value *a, const fd_cel_value *b)
{
    int c = fd_cel_compare(a, b);
    if (c == FD_CEL_UNORDERED) {
        bool a_nan = fd_cel_compare(a, a) == FD_CEL_UNORDERED;
        bool b_nan = fd_cel_compare(b, b) == FD_CEL_UNORDERED;
        return a_nan - b_nan;
    }
    FD_ASSERT(c != FD_CEL_INCOMPARABLE);
    return c;
}

static int by_key(const void *x, const void *y)
{
    const fd_cel_keyed *a = x, *b = y;
    int c = order(&a->key, &b->key);
    return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

fd_cel_value fd_cel_sort_keyed(fd_arena *arena, const fd_cel_value *list, fd_cel_keyed *keys)
{
    uint32_t n = fd_cel_length(list);
    for (uint32_t i = 0; i < n; i++) {
        if (!sortable(keys[i].key.kind) || keys[i].key.kind != keys[0].key.kind)
            return fd_cel_error_text(FD_CEL_E_NO_OVERLOAD, "sorted are values of one simple type");
    }
    qsort(keys, n, sizeof *keys, by_key);
    fd_cel_value *items = room(arena, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = fd_cel_element(list, keys[i].index);
    return fd_cel_list(items, n);
}

FD_CEL_FN(sort_list)
{
    uint32_t n = fd_cel_length(&args[0]);
    fd_cel_keyed *keys = fd_arena_alloc(arena, ((size_t)n + 1) * sizeof *keys);
    FD_ALLOCATED(keys);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (fd_cel_keyed){fd_cel_element(&args[0], i), i};
    return fd_cel_sort_keyed(arena, &args[0], keys);
}
