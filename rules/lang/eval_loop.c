/*
 * The part of the evaluator that runs row by row: macros, names, and whatever builds values.
 *
 * One row at a time takes memory from an arena of its own, which is given back when the row is
 * done; only the result is copied out. Steps and bytes are counted from where the row began, so
 * what a row may do depends on nothing but the row. A variable that is asked for meanwhile has
 * its own count. Once a row has had enough, every loop ends at once and the row's result is that
 * error, whatever would have absorbed it. One run = one thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/list.h"
#include "lang/program_int.h"

bool fd_run_spend(fd_cel_run *r, uint64_t steps)
{
    FD_ASSERT(r->in_row);
    r->steps += steps;
    if (r->exhausted == FD_CEL_N_ERRORS && r->steps > FD_ROW_STEPS)
        r->exhausted = FD_CEL_E_STEPS;
    if (r->exhausted == FD_CEL_N_ERRORS && fd_arena_used(r->arena) - r->arena_from > FD_ROW_BYTES)
        r->exhausted = FD_CEL_E_MEMORY;
    return r->exhausted == FD_CEL_N_ERRORS;
}

static fd_cel_value enough(const fd_cel_run *r)
{
    return fd_cel_error((fd_cel_errcode)r->exhausted);
}

uint64_t fd_run_work(const fd_cel_value *args, uint32_t n, bool all)
{
    uint64_t steps = 1;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t kind = args[i].kind;
        if (kind == FD_CEL_STRING || kind == FD_CEL_BYTES)
            steps += args[i].n / 64;
        else if (all)
            steps += fd_cel_weight(&args[i]) / 64;
    }
    return steps;
}

fd_cel_value fd_run_bounded(fd_cel_run *r, fd_cel_value v)
{
    if (r->in_row && !fd_run_spend(r, fd_cel_weight(&v) / 64))
        return enough(r);
    return fd_cel_bounded(v);
}

fd_frame fd_run_enter(fd_cel_run *r, const fd_cel_program *p)
{
    fd_frame f = {.base = r->base,
                  .top = r->top,
                  .in_row = r->in_row,
                  .steps = r->steps,
                  .arena_from = r->arena_from,
                  .exhausted = r->exhausted,
                  .arena = r->arena};
    r->base = r->top;
    r->top += p->n_locals;
    r->in_row = false;
    r->arena = r->kept;
    if (r->top > r->n_slots) {
        r->slots = realloc(r->slots, r->top * sizeof *r->slots);
        FD_ALLOCATED(r->slots);
        r->n_slots = r->top;
    }
    return f;
}

void fd_run_leave(fd_cel_run *r, const fd_frame *f)
{
    r->base = f->base;
    r->top = f->top;
    r->in_row = f->in_row;
    r->steps = f->steps;
    r->arena_from = f->arena_from;
    r->exhausted = f->exhausted;
    r->arena = f->arena;
}

void fd_eval_by_rows(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                     fd_cel_value *out)
{
    FD_ASSERT(!r->in_row);
    fd_arena *outer = r->arena;
    r->arena = r->temporary;
    r->in_row = true;
    for (uint32_t i = 0; i < n; i++) {
        fd_arena_mark mark = fd_arena_marked(r->temporary);
        r->steps = 0;
        r->arena_from = mark.used;
        r->exhausted = FD_CEL_N_ERRORS;
        fd_node_eval(r, x, &rows[i], 1, &out[i]);
        if (r->exhausted != FD_CEL_N_ERRORS)
            out[i] = enough(r);
        out[i] = fd_cel_copy(outer, &out[i]);
        fd_arena_rewind(r->temporary, mark);
    }
    r->in_row = false;
    r->arena = outer;
}

static fd_cel_value eval_one(fd_cel_run *r, const fd_node *x, const uint32_t *row)
{
    fd_cel_value v;
    fd_node_eval(r, x, row, 1, &v);
    return v;
}

static fd_slot *slot(fd_cel_run *r, uint32_t index)
{
    FD_ASSERT(r->base + index < r->top);
    return &r->slots[r->base + index];
}

static void bind(fd_cel_run *r, uint32_t index, fd_cel_value v)
{
    *slot(r, index) = (fd_slot){.value = v};
}

/* The slots may move meanwhile, and what is pending cannot ask for itself. */
static fd_cel_value eval_local(fd_cel_run *r, const fd_node *x, const uint32_t *row)
{
    const fd_node *pending = slot(r, x->index)->pending;
    if (pending != NULL)
        bind(r, x->index, eval_one(r, pending, row));
    return slot(r, x->index)->value;
}

static fd_cel_value eval_let(fd_cel_run *r, const fd_node *x, const uint32_t *row)
{
    FD_ASSERT(x->n_args == x->n_locals + 1);
    for (uint32_t i = 0; i < x->n_locals; i++)
        *slot(r, x->index + i) = (fd_slot){.pending = x->args[i]};
    return eval_one(r, x->args[x->n_locals], row);
}

static fd_cel_value eval_or_else(fd_cel_run *r, const fd_node *x, const uint32_t *row)
{
    fd_cel_value args[2] = {eval_one(r, x->args[0], row)};
    if (args[0].kind == FD_CEL_ERROR)
        return args[0];
    if (args[0].kind != FD_CEL_OPTIONAL)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    bool value = x->overloads.first->args[1] == FD_CEL_DYN;
    if (args[0].n != 0)
        return value ? *args[0].v.list : args[0];
    args[1] = eval_one(r, x->args[1], row);
    if (!value && args[1].kind != FD_CEL_OPTIONAL && args[1].kind != FD_CEL_ERROR)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    return args[1];
}

/* ---- loops ---- */

typedef struct loop {
    fd_cel_run *r;
    const fd_node *x;
    const uint32_t *row;
    fd_cel_value range;
    uint32_t n;
} loop;

/* Gives the loop's names element i; false when the row has had enough. */
static bool step(const loop *l, uint32_t i)
{
    bool map = l->range.kind == FD_CEL_MAP;
    fd_cel_value first = map                   ? fd_cel_map_key(&l->range, i)
                         : l->x->n_locals == 2 ? fd_cel_int(i)
                                               : fd_cel_element(&l->range, i);
    bind(l->r, l->x->index, first);
    if (l->x->n_locals == 2)
        bind(l->r, l->x->index + 1,
             map ? fd_cel_map_value(&l->range, i) : fd_cel_element(&l->range, i));
    return fd_run_spend(l->r, 1);
}

static fd_cel_value body(const loop *l)
{
    return eval_one(l->r, l->x->args[1], l->row);
}

/* True and false of the loop's condition, where there is one; anything else is an error. */
static fd_cel_value condition(const loop *l)
{
    if (l->x->n_args < 3)
        return fd_cel_bool(true);
    fd_cel_value v = eval_one(l->r, l->x->args[2], l->row);
    bool fine = v.kind == FD_CEL_BOOL || v.kind == FD_CEL_ERROR;
    return fine ? v : fd_cel_error(FD_CEL_E_NO_OVERLOAD);
}

/* all, exists: what decides wins over errors, of which the first is told. */
static fd_cel_value loop_logic(const loop *l, bool decides)
{
    fd_cel_value result = fd_cel_bool(!decides);
    for (uint32_t i = 0; i < l->n; i++) {
        if (!step(l, i))
            return enough(l->r);
        fd_cel_value v = body(l);
        if (v.kind == FD_CEL_BOOL && v.v.b == decides)
            return v;
        if (v.kind != FD_CEL_BOOL && result.kind != FD_CEL_ERROR)
            result = v.kind == FD_CEL_ERROR ? v : fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    }
    return result;
}

static fd_cel_value loop_exists_one(const loop *l)
{
    uint32_t hits = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        if (!step(l, i))
            return enough(l->r);
        fd_cel_value v = body(l);
        if (v.kind != FD_CEL_BOOL)
            return v.kind == FD_CEL_ERROR ? v : fd_cel_error(FD_CEL_E_NO_OVERLOAD);
        hits += v.v.b;
    }
    return fd_cel_bool(hits == 1);
}

/* A list or map that grows: doubled, so at most twice its size is taken. */
typedef struct builder {
    fd_cel_value *items;
    uint32_t n, cap;
} builder;

static void grow(const loop *l, builder *b, uint32_t more)
{
    if (b->n + more <= b->cap)
        return;
    uint32_t cap = 2 * (b->n + more) + 6;
    fd_cel_value *items = fd_arena_alloc(l->r->arena, cap * sizeof *items);
    FD_ALLOCATED(items);
    if (b->n != 0)
        memcpy(items, b->items, b->n * sizeof *items);
    b->items = items;
    b->cap = cap;
}

static void add(const loop *l, builder *b, fd_cel_value v)
{
    grow(l, b, 1);
    b->items[b->n++] = v;
}

/* The entries of the map that transformMapEntry gives for an element. */
static bool add_entries(const loop *l, builder *b, const fd_cel_value *map)
{
    if (map->kind != FD_CEL_MAP || fd_cel_length(map) + b->n / 2 > FD_CEL_LIST_MAX)
        return false;
    for (uint32_t i = 0; i < fd_cel_length(map); i++) {
        add(l, b, fd_cel_map_key(map, i));
        add(l, b, fd_cel_map_value(map, i));
    }
    return true;
}

/* What an element adds: its kind is ERROR when the loop fails, anything else when it goes on. */
static fd_cel_value transform(const loop *l, builder *b)
{
    fd_cel_value name = slot(l->r, l->x->index)->value;
    fd_cel_value v = body(l);
    if (v.kind == FD_CEL_ERROR)
        return v;
    if (l->x->op == FD_MACRO_FILTER) {
        if (v.kind != FD_CEL_BOOL)
            return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
        if (v.v.b)
            add(l, b, name);
        return v;
    }
    if (l->x->op == FD_MACRO_TRANSFORM_MAP_ENTRY) {
        if (!add_entries(l, b, &v))
            return fd_cel_error(v.kind == FD_CEL_MAP ? FD_CEL_E_TOO_LONG : FD_CEL_E_NO_OVERLOAD);
        return v;
    }
    if (l->x->op == FD_MACRO_TRANSFORM_MAP)
        add(l, b, name);
    add(l, b, v);
    return v;
}

static fd_cel_value loop_build(const loop *l)
{
    bool map = l->x->op == FD_MACRO_TRANSFORM_MAP || l->x->op == FD_MACRO_TRANSFORM_MAP_ENTRY;
    builder b = {0};
    for (uint32_t i = 0; i < l->n; i++) {
        if (!step(l, i))
            return enough(l->r);
        fd_cel_value when = condition(l);
        if (when.kind == FD_CEL_ERROR)
            return when;
        if (!when.v.b)
            continue;
        fd_cel_value v = transform(l, &b);
        if (v.kind == FD_CEL_ERROR)
            return v;
    }
    if (!map)
        return fd_run_bounded(l->r, fd_cel_list(b.items, b.n));
    fd_cel_value v = fd_run_bounded(l->r, fd_cel_map(b.items, b.n / 2));
    return v.kind == FD_CEL_ERROR ? v : fd_node_checked_map(l->r, v);
}

static fd_cel_value loop_sort(const loop *l)
{
    fd_cel_keyed *keys = fd_arena_alloc(l->r->arena, (l->n + (size_t)1) * sizeof *keys);
    FD_ALLOCATED(keys);
    for (uint32_t i = 0; i < l->n; i++) {
        if (!step(l, i))
            return enough(l->r);
        keys[i] = (fd_cel_keyed){body(l), i};
        const fd_cel_value *key = &keys[i].key;
        if (key->kind == FD_CEL_ERROR)
            return *key;
        /* Sorting looks at each some sixteen times. */
        bool text = key->kind == FD_CEL_STRING || key->kind == FD_CEL_BYTES;
        if (text && !fd_run_spend(l->r, key->n / 4))
            return enough(l->r);
    }
    return fd_cel_sort_keyed(l->r->arena, &l->range, keys);
}

static fd_cel_value eval_optional_map(const loop *l)
{
    if (l->range.kind != FD_CEL_OPTIONAL)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    if (l->range.n == 0)
        return l->range;
    bind(l->r, l->x->index, *l->range.v.list);
    fd_cel_value v = body(l);
    if (v.kind == FD_CEL_ERROR)
        return v;
    if (l->x->op == FD_MACRO_OPT_MAP)
        return fd_cel_optional_of(l->r->arena, &v);
    return v.kind == FD_CEL_OPTIONAL ? v : fd_cel_error(FD_CEL_E_NO_OVERLOAD);
}

static fd_cel_value eval_loop(fd_cel_run *r, const fd_node *x, const uint32_t *row)
{
    loop l = {.r = r, .x = x, .row = row, .range = eval_one(r, x->args[0], row)};
    if (l.range.kind == FD_CEL_ERROR)
        return l.range;
    if (x->op == FD_MACRO_OPT_MAP || x->op == FD_MACRO_OPT_FLAT_MAP)
        return eval_optional_map(&l);
    bool list = l.range.kind == FD_CEL_LIST;
    if (!list && (l.range.kind != FD_CEL_MAP || x->op == FD_MACRO_SORT_BY))
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    l.n = fd_cel_length(&l.range);
    switch ((fd_macro)x->op) {
    case FD_MACRO_ALL:
        return loop_logic(&l, false);
    case FD_MACRO_EXISTS:
        return loop_logic(&l, true);
    case FD_MACRO_EXISTS_ONE:
        return loop_exists_one(&l);
    case FD_MACRO_SORT_BY:
        return loop_sort(&l);
    default:
        return loop_build(&l);
    }
}

fd_cel_value fd_eval_in_row(fd_cel_run *r, const fd_node *x, const uint32_t *row)
{
    FD_ASSERT(r->in_row);
    if (!fd_run_spend(r, 1))
        return enough(r);
    switch ((fd_node_kind)x->kind) {
    case FD_NODE_LOCAL:
        return eval_local(r, x, row);
    case FD_NODE_LET:
        return eval_let(r, x, row);
    case FD_NODE_OR_ELSE:
        return eval_or_else(r, x, row);
    default:
        FD_ASSERT(x->kind == FD_NODE_LOOP);
        return eval_loop(r, x, row);
    }
}
