/*
 * Columns of timestamps and durations against constants: ticks are integers, so a constant becomes
 * the first tick that is not before it. One owner at a time.
 */
#include "base/assert.h"
#include "lang/plan_int.h"

static const int64_t nanos_per_second = 1000000000;
static const int64_t seconds_per_day = 86400;

/* The type of a column of a batch, counted as fd_type_column() counts; NULL: behind a list. */
static const fd_type *type_of_column(const fd_type *t, uint32_t index)
{
    while (index != 0) {
        if (t->kind != FD_RECORD)
            return NULL;
        const fd_type *found = NULL;
        index--;
        for (uint32_t i = 0; i < t->n_fields && found == NULL; i++) {
            uint32_t columns = fd_type_columns(t->fields[i].type);
            if (index < columns)
                found = t->fields[i].type;
            else
                index -= columns;
        }
        FD_ASSERT(found != NULL);
        t = found;
    }
    return t;
}

static __int128 floor_of(__int128 a, __int128 b)
{
    return a / b - (a % b < 0);
}

static int64_t within(__int128 v)
{
    return v < INT64_MIN ? INT64_MIN : v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* What a tick is, in nanoseconds; 0: no whole number of them. */
static int64_t nanos_of(const fd_type *t)
{
    if (t->per_second == 0)
        return t->kind == FD_TIMESTAMP ? seconds_per_day * nanos_per_second : 0;
    return nanos_per_second % t->per_second == 0 ? nanos_per_second / t->per_second : 0;
}

static uint32_t time_value(fd_plan_builder *b, const fd_node *x, const fd_type *t, int64_t nanos)
{
    const int64_t min = -62135596800, max = 253402300799; /* seconds: years 1 to 9999 */
    fd_plan_value v = {.kind = FD_VALUE_COLUMN, .type = x->type, .least = INT64_MIN};
    v.most = INT64_MAX;
    v.a = fd_plan_column_of(b, x);
    if (t->kind == FD_TIMESTAMP) {
        v.least = within(-floor_of(-(__int128)min * nanos_per_second, nanos));
        v.most = within(floor_of((__int128)(max + 1) * nanos_per_second - 1, nanos));
    }
    return fd_plan_intern_value(b, v);
}

uint32_t fd_plan_compare_time(fd_plan_builder *b, const fd_node *x, fd_cel_operator op,
                              const fd_cel_value *k)
{
    x = fd_plan_followed(b, x);
    const fd_type *record = x->batch == FD_CEL_EVENTS ? b->plan->scope.event
                                                      : b->plan->scope.features;
    if (x->kind != FD_NODE_COLUMN || x->type != k->kind || record == NULL)
        return FD_PLAN_NONE;
    const fd_type *t = type_of_column(record, x->index);
    int64_t nanos = t == NULL ? 0 : nanos_of(t);
    if (nanos == 0)
        return FD_PLAN_NONE;
    uint32_t value = time_value(b, x, t, nanos);
    __int128 at = (__int128)k->v.i * nanos_per_second + fd_cel_nanos(k);
    __int128 tick = floor_of(at, nanos);
    bool exact = tick * nanos == at;
    if (op == FD_OP_EQ || op == FD_OP_NE) {
        int64_t key = within(tick);
        uint32_t node = fd_plan_equals(b, value, exact && key == tick ? &key : NULL);
        return op == FD_OP_EQ ? node : fd_plan_not(b, node);
    }
    bool behind = op == FD_OP_GT || op == FD_OP_LE || !exact;
    return fd_plan_cut(b, value, tick + behind, op == FD_OP_LT || op == FD_OP_LE);
}
