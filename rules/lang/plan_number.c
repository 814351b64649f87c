/*
 * Numbers for all rows: arithmetic word of rows by word of rows, with a bit for each that failed.
 * The common operations are loops that compilers make vectors of; the others call the functions
 * that the row evaluator calls. Bits are as there: the same operations on the same values.
 * Thread: one per run.
 */
#include <math.h>

#include "base/assert.h"
#include "lang/plan_int.h"

/* ---- operands of one word of rows ---- */

typedef union number {
    int64_t i;
    double d;
} number;

_Static_assert(sizeof(number) == sizeof(int64_t), "columns are read as either");

typedef struct words_of {
    const int64_t *data; /* NULL: the constant */
    int64_t constant[FD_WORD];
} words_of;

static void open_operand(const fd_cel_plan_run *r, const fd_plan_operand *o, words_of *out)
{
    out->data = o->value == FD_PLAN_NONE ? NULL : r->data[o->value];
    for (int i = 0; i < FD_WORD && out->data == NULL; i++)
        out->constant[i] = o->bits;
}

static const int64_t *word_at(const words_of *o, uint32_t from)
{
    return o->data == NULL ? o->constant : o->data + from;
}

static double as_double(int64_t bits)
{
    return (number){.i = bits}.d;
}

static int64_t as_bits(double d)
{
    return (number){.d = d}.i;
}

/* ---- operations: n <= 64 rows; the result says which failed ---- */

#define INT_LOOP(name, builtin)                                                        \
    static uint64_t name(const int64_t *a, const int64_t *b, uint32_t n, int64_t *out) \
    {                                                                                  \
        uint64_t failed = 0;                                                           \
        for (uint32_t i = 0; i < n; i++)                                               \
            failed |= (uint64_t)builtin(a[i], b[i], &out[i]) << i;                     \
        return failed;                                                                 \
    }

INT_LOOP(add_ints_checked, __builtin_add_overflow)
INT_LOOP(sub_ints_checked, __builtin_sub_overflow)
INT_LOOP(mul_ints, __builtin_mul_overflow)

/* Signs alone say that nothing overflowed, which vectors can look at; which rows did is rare. */
static uint64_t add_ints(const int64_t *a, const int64_t *b, uint32_t n, int64_t *out)
{
    int64_t signs = 0;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (int64_t)((uint64_t)a[i] + (uint64_t)b[i]);
        signs |= (a[i] ^ out[i]) & (b[i] ^ out[i]);
    }
    return signs < 0 ? add_ints_checked(a, b, n, out) : 0;
}

static uint64_t sub_ints(const int64_t *a, const int64_t *b, uint32_t n, int64_t *out)
{
    int64_t signs = 0;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (int64_t)((uint64_t)a[i] - (uint64_t)b[i]);
        signs |= (a[i] ^ b[i]) & (a[i] ^ out[i]);
    }
    return signs < 0 ? sub_ints_checked(a, b, n, out) : 0;
}

#define DOUBLE_LOOP(name, operator)                                            \
    __attribute__((no_sanitize("float-divide-by-zero"))) static uint64_t name( \
        const int64_t *a, const int64_t *b, uint32_t n, int64_t *out)          \
    {                                                                          \
        for (uint32_t i = 0; i < n; i++)                                       \
            out[i] = as_bits(as_double(a[i]) operator as_double(b[i]));        \
        return 0;                                                              \
    }

DOUBLE_LOOP(add_doubles, +)
DOUBLE_LOOP(sub_doubles, -)
DOUBLE_LOOP(mul_doubles, *)
DOUBLE_LOOP(div_doubles, /)

static uint64_t double_of_ints(const int64_t *a, const int64_t *b, uint32_t n, int64_t *out)
{
    (void)b;
    for (uint32_t i = 0; i < n; i++)
        out[i] = as_bits((double)a[i]);
    return 0;
}

typedef uint64_t (*loop)(const int64_t *a, const int64_t *b, uint32_t n, int64_t *out);

/* The loop that does what an overload does; NULL: there is none. */
static loop loop_of(const fd_cel_overload *o)
{
    static const struct {
        fd_cel_fn fn;
        loop run;
    } loops[] = {{fd_cel_add_int, add_ints},       {fd_cel_sub_int, sub_ints},
                 {fd_cel_mul_int, mul_ints},       {fd_cel_add_double, add_doubles},
                 {fd_cel_sub_double, sub_doubles}, {fd_cel_mul_double, mul_doubles},
                 {fd_cel_div_double, div_doubles}, {fd_cel_double_from_int, double_of_ints}};
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        if (loops[i].fn == o->fn)
            return loops[i].run;
    }
    return NULL;
}

static fd_cel_value value_of(uint8_t type, int64_t bits)
{
    return type == FD_CEL_INT ? fd_cel_int(bits) : fd_cel_double(as_double(bits));
}

/* Rows one by one, those of the mask only. */
static uint64_t call_rows(const fd_plan_value *v, fd_arena *arena, const int64_t *a,
                          const int64_t *b, uint64_t mask, int64_t *out)
{
    uint64_t failed = 0;
    for (; mask != 0; mask &= mask - 1) {
        int i = __builtin_ctzll(mask);
        fd_cel_value args[FD_CEL_MAX_ARGS] = {value_of(v->types[0], a[i])};
        if (v->n > 1)
            args[1] = value_of(v->types[1], b[i]);
        fd_cel_value got = v->call->fn(arena, args);
        FD_ASSERT(got.kind == FD_CEL_ERROR || got.kind == v->type);
        failed |= (uint64_t)(got.kind == FD_CEL_ERROR) << i;
        out[i] = got.kind == FD_CEL_ERROR ? 0 : got.v.i;
    }
    return failed;
}

/* ---- values ---- */

static const uint64_t *rows_of(const fd_cel_plan_run *r, const fd_plan_operand *o)
{
    bool constant = o->value == FD_PLAN_NONE;
    return fd_plan_bits(r, constant ? FD_SLOT_ALL_ROWS : r->values[o->value].there);
}

static void run_call(fd_cel_plan_run *r, const fd_plan_value *v, int64_t *out)
{
    words_of a, b = {0};
    loop fast = loop_of(v->call);
    open_operand(r, &v->operands[0], &a);
    if (v->n > 1)
        open_operand(r, &v->operands[1], &b);
    const uint64_t *there_a = rows_of(r, &v->operands[0]);
    const uint64_t *there_b = v->n > 1 ? rows_of(r, &v->operands[1]) : there_a;
    uint64_t *there = fd_plan_bits(r, v->slot);
    for (uint32_t w = 0; w < r->words; w++) {
        uint32_t from = w * FD_WORD, n = r->n - from < FD_WORD ? r->n - from : FD_WORD;
        const int64_t *x = word_at(&a, from), *y = word_at(&b, from);
        uint64_t mask = there_a[w] & there_b[w];
        uint64_t failed = fast != NULL ? fast(x, y, n, out + from)
                                       : call_rows(v, r->cel->arena, x, y, mask, out + from);
        there[w] = mask & ~failed;
    }
}

static void run_choice(fd_cel_plan_run *r, const fd_plan_value *v, int64_t *out)
{
    words_of a, b;
    open_operand(r, &v->operands[0], &a);
    open_operand(r, &v->operands[1], &b);
    const uint64_t *there_a = rows_of(r, &v->operands[0]), *there_b = rows_of(r, &v->operands[1]);
    const uint64_t *hit = fd_plan_bits(r, r->at[v->a].hit);
    const uint64_t *open = fd_plan_bits(r, r->at[v->a].open);
    uint64_t *there = fd_plan_bits(r, v->slot);
    for (uint32_t w = 0; w < r->words; w++) {
        uint32_t from = w * FD_WORD, n = r->n - from < FD_WORD ? r->n - from : FD_WORD;
        const int64_t *x = word_at(&a, from), *y = word_at(&b, from);
        for (uint32_t i = 0; i < n; i++)
            out[from + i] = hit[w] >> i & 1 ? x[i] : y[i];
        there[w] = (hit[w] & there_a[w]) | (~open[w] & there_b[w]);
    }
}

/* Which rows can be compared at all. */
static void order_rows(fd_cel_plan_run *r, uint32_t value)
{
    const fd_plan_value *v = &r->plan->values[value];
    fd_plan_there *t = &r->values[value];
    if (v->type != FD_CEL_DOUBLE)
        return;
    const uint64_t *there = fd_plan_bits(r, t->there);
    uint64_t *ordered = fd_plan_bits(r, v->slot + 2), lost = 0;
    r->kernels->is_nan(fd_plan_doubles(r, value), r->n, ordered);
    for (uint32_t w = 0; w < r->words; w++) {
        lost |= there[w] & ordered[w];
        ordered[w] = there[w] & ~ordered[w];
    }
    if (lost != 0)
        t->ordered = v->slot + 2;
}

const int64_t *fd_plan_keys(fd_cel_plan_run *r, uint32_t value)
{
    if (r->plan->values[value].type != FD_CEL_DOUBLE)
        return r->data[value];
    if (r->keys[value] == NULL) {
        r->kernels->order(fd_plan_doubles(r, value), r->n, r->own_keys[value]);
        r->keys[value] = r->own_keys[value];
    }
    return r->keys[value];
}

static bool holds(const fd_col *col, uint8_t type)
{
    switch (type) {
    case FD_CEL_INT:
        return col->type->kind == FD_INT;
    case FD_CEL_DOUBLE:
        return col->type->kind == FD_DOUBLE;
    case FD_CEL_TIMESTAMP:
        return col->type->kind == FD_TIMESTAMP;
    default:
        return col->type->kind == FD_DURATION;
    }
}

/* Ticks beyond what the language can say are errors, as nulls are. */
static void keep_within(fd_cel_plan_run *r, uint32_t value)
{
    const fd_plan_value *v = &r->plan->values[value];
    const uint64_t *valid = fd_plan_bits(r, r->values[value].there);
    uint64_t *there = fd_plan_bits(r, v->slot);
    r->kernels->at_least(r->data[value], r->n, v->least, there);
    memset(r->reach, 0, r->words * sizeof *r->reach);
    if (v->most != INT64_MAX)
        r->kernels->at_least(r->data[value], r->n, v->most + 1, r->reach);
    for (uint32_t w = 0; w < r->words; w++)
        there[w] &= valid[w] & ~r->reach[w];
    fd_plan_note_there(r, v->slot, &r->values[value]);
}

static void read_column(fd_cel_plan_run *r, uint32_t value)
{
    const fd_plan_value *v = &r->plan->values[value];
    const fd_col *col = fd_plan_column_at(r, &r->plan->columns[v->a]);
    FD_ASSERT(holds(col, v->type));
    r->data[value] = v->type == FD_CEL_DOUBLE ? (const int64_t *)col->v.any : col->v.i;
    r->values[value] = r->columns[v->a];
    if (v->least != INT64_MIN || v->most != INT64_MAX)
        keep_within(r, value);
}

void fd_plan_run_value(fd_cel_plan_run *r, uint32_t value)
{
    const fd_plan_value *v = &r->plan->values[value];
    if (v->kind == FD_VALUE_COLUMN) {
        read_column(r, value);
    } else {
        if (v->kind == FD_VALUE_CALL)
            run_call(r, v, r->own_data[value]);
        else
            run_choice(r, v, r->own_data[value]);
        r->data[value] = r->own_data[value];
        fd_plan_note_there(r, v->slot, &r->values[value]);
    }
    r->keys[value] = NULL;
    if (v->keyed)
        order_rows(r, value);
    if (v->n_cuts != 0)
        fd_plan_run_cuts(r, value);
    if (v->set != FD_PLAN_NONE && r->plan->sets[v->set].n_members != 0)
        fd_plan_run_set(r, v->set);
}
