/* CEL values: reading columns, equality, order; see value.h. Pure functions, any thread. */
#include "lang/value.h"

#include <math.h>

#include "base/assert.h"

static const char *const error_texts[] = {
#define X(name, text) text,
    FD_CEL_ERRORS(X)
#undef X
};

fd_cel_value fd_cel_error_text(fd_cel_errcode code, const char *text)
{
    FD_ASSERT(code < FD_CEL_N_ERRORS);
    FD_ASSERT(text != NULL);
    return (fd_cel_value){.kind = FD_CEL_ERROR, .n = (uint32_t)code, .v.text = text};
}

fd_cel_value fd_cel_error(fd_cel_errcode code)
{
    FD_ASSERT(code < FD_CEL_N_ERRORS);
    return fd_cel_error_text(code, error_texts[code]);
}

const char *fd_cel_kind_name(fd_cel_kind k)
{
    static const char *const names[] = {
        [FD_CEL_ERROR] = "error",
        [FD_CEL_NULL] = "null",
        [FD_CEL_BOOL] = "bool",
        [FD_CEL_INT] = "int",
        [FD_CEL_UINT] = "uint",
        [FD_CEL_DOUBLE] = "double",
        [FD_CEL_STRING] = "string",
        [FD_CEL_BYTES] = "bytes",
        [FD_CEL_TIMESTAMP] = "timestamp",
        [FD_CEL_DURATION] = "duration",
        [FD_CEL_LIST] = "list",
        [FD_CEL_MAP] = "map",
        [FD_CEL_RECORD] = "record",
        [FD_CEL_SET] = "named list",
        [FD_CEL_TYPE] = "type",
        [FD_CEL_OPTIONAL] = "optional",
        [FD_CEL_IP] = "ip",
        [FD_CEL_CIDR] = "cidr",
        [FD_CEL_DYN] = "dyn",
        [FD_CEL_FREE] = "dyn",
        [FD_CEL_ABSTRACT] = "abstract",
    };
    FD_ASSERT((size_t)k < sizeof names / sizeof *names);
    return names[k];
}

enum { SECONDS_PER_DAY = 86400, NANOS_PER_SECOND = 1000000000 };

/* Ticks of the wire to seconds and nanoseconds; durations keep one sign in both parts. */
static fd_cel_value from_ticks(const fd_type *t, int64_t ticks)
{
    fd_cel_kind kind = t->kind == FD_TIMESTAMP ? FD_CEL_TIMESTAMP : FD_CEL_DURATION;
    if (t->per_second == 0) {
        int64_t seconds;
        if (__builtin_mul_overflow(ticks, (int64_t)SECONDS_PER_DAY, &seconds))
            return fd_cel_error(FD_CEL_E_TIME_RANGE);
        return fd_cel_time(kind, seconds, 0);
    }
    FD_ASSERT(t->per_second > 0 && t->per_second <= NANOS_PER_SECOND);
    int64_t seconds = ticks / t->per_second;
    int64_t rest = ticks % t->per_second;
    if (rest < 0 && kind == FD_CEL_TIMESTAMP) {
        seconds--;
        rest += t->per_second;
    }
    return fd_cel_time(kind, seconds, (int32_t)(rest * (NANOS_PER_SECOND / t->per_second)));
}

/* 0001-01-01T00:00:00Z .. 9999-12-31T23:59:59Z, CEL's range. */
static fd_cel_value checked_timestamp(fd_cel_value v)
{
    const int64_t min = -62135596800;
    const int64_t max = 253402300799;
    if (v.kind == FD_CEL_TIMESTAMP && (v.v.i < min || v.v.i > max))
        return fd_cel_error(FD_CEL_E_TIME_RANGE);
    return v;
}

fd_cel_value fd_cel_from_column(const fd_col *col, uint32_t row, const char *absent)
{
    FD_ASSERT(row < col->n);
    if (!col->valid[row])
        return fd_cel_error_text(FD_CEL_E_ABSENT, absent);
    switch (col->type->kind) {
    case FD_BOOL:
        return fd_cel_bool(col->v.b[row] != 0);
    case FD_INT:
        return fd_cel_int(col->v.i[row]);
    case FD_DOUBLE:
        return fd_cel_double(col->v.d[row]);
    case FD_STRING:
        return fd_cel_string(col->v.s[row]);
    case FD_BYTES:
        return fd_cel_bytes(col->v.s[row]);
    case FD_TIMESTAMP:
    case FD_DURATION:
        return checked_timestamp(from_ticks(col->type, col->v.i[row]));
    case FD_LIST:
        return (fd_cel_value){.kind = FD_CEL_LIST, .in_column = true, .n = row, .v.col = col};
    case FD_MAP:
        return (fd_cel_value){.kind = FD_CEL_MAP, .in_column = true, .n = row, .v.col = col};
    case FD_RECORD:
        return (fd_cel_value){.kind = FD_CEL_RECORD, .in_column = true, .n = row, .v.col = col};
    case FD_UNION:
        FD_ASSERT(col->v.tag[row] < col->n_children);
        return fd_cel_from_column(&col->children[col->v.tag[row]], row, absent);
    case FD_NULL:
        return (fd_cel_value){.kind = FD_CEL_NULL};
    case FD_OPAQUE:
        break;
    }
    return fd_cel_error_text(FD_CEL_E_ABSENT, absent);
}

uint32_t fd_cel_length(const fd_cel_value *v)
{
    FD_ASSERT(v->kind == FD_CEL_LIST || v->kind == FD_CEL_MAP);
    if (v->in_column)
        return v->v.col->v.off[v->n + 1] - v->v.col->v.off[v->n];
    return v->n;
}

/* A null inside a list or map is CEL's null, not an error: there is nothing has() could test. */
static fd_cel_value element_of(const fd_col *col, uint32_t row)
{
    FD_ASSERT(row < col->n);
    if (!col->valid[row])
        return (fd_cel_value){.kind = FD_CEL_NULL};
    return fd_cel_from_column(col, row, "absent element");
}

fd_cel_value fd_cel_element(const fd_cel_value *list, uint32_t i)
{
    FD_ASSERT(list->kind == FD_CEL_LIST);
    FD_ASSERT(i < fd_cel_length(list));
    if (!list->in_column)
        return list->v.list[i];
    return element_of(&list->v.col->children[0], list->v.col->v.off[list->n] + i);
}

fd_cel_value fd_cel_map_key(const fd_cel_value *map, uint32_t i)
{
    FD_ASSERT(map->kind == FD_CEL_MAP);
    FD_ASSERT(i < fd_cel_length(map));
    if (!map->in_column)
        return map->v.list[2 * i];
    return element_of(&map->v.col->children[0], map->v.col->v.off[map->n] + i);
}

fd_cel_value fd_cel_map_value(const fd_cel_value *map, uint32_t i)
{
    FD_ASSERT(map->kind == FD_CEL_MAP);
    FD_ASSERT(i < fd_cel_length(map));
    if (!map->in_column)
        return map->v.list[2 * i + 1];
    return element_of(&map->v.col->children[1], map->v.col->v.off[map->n] + i);
}

/* Backwards: where an event's map repeats a key, the last entry holds, as in JSON. */
bool fd_cel_map_find(const fd_cel_value *map, const fd_cel_value *key, fd_cel_value *out)
{
    for (uint32_t i = fd_cel_length(map); i-- > 0;) {
        fd_cel_value k = fd_cel_map_key(map, i);
        if (fd_cel_equal(&k, key)) {
            *out = fd_cel_map_value(map, i);
            return true;
        }
    }
    return false;
}

static bool is_number(uint8_t kind)
{
    return kind == FD_CEL_INT || kind == FD_CEL_UINT || kind == FD_CEL_DOUBLE;
}

static int sign_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return FD_CEL_UNORDERED;
    return (a > b) - (a < b);
}

/* As the conformance suite has it: the integer is taken as the nearest double. */
static int compare_int_double(int64_t i, double d)
{
    return compare_doubles((double)i, d);
}

static int compare_uint_double(uint64_t u, double d)
{
    return compare_doubles((double)u, d);
}

static int compare_int_uint(int64_t i, uint64_t u)
{
    if (i < 0)
        return -1;
    return ((uint64_t)i > u) - ((uint64_t)i < u);
}

static int flip(int order)
{
    return order == FD_CEL_UNORDERED ? order : -order;
}

static int compare_numbers(const fd_cel_value *a, const fd_cel_value *b)
{
    if (a->kind == FD_CEL_INT) {
        if (b->kind == FD_CEL_INT)
            return sign_of(a->v.i, b->v.i);
        return b->kind == FD_CEL_UINT ? compare_int_uint(a->v.i, b->v.u)
                                      : compare_int_double(a->v.i, b->v.d);
    }
    if (a->kind == FD_CEL_UINT) {
        if (b->kind == FD_CEL_UINT)
            return (a->v.u > b->v.u) - (a->v.u < b->v.u);
        return b->kind == FD_CEL_INT ? flip(compare_int_uint(b->v.i, a->v.u))
                                     : compare_uint_double(a->v.u, b->v.d);
    }
    if (b->kind == FD_CEL_INT)
        return flip(compare_int_double(b->v.i, a->v.d));
    if (b->kind == FD_CEL_UINT)
        return flip(compare_uint_double(b->v.u, a->v.d));
    return compare_doubles(a->v.d, b->v.d);
}

int fd_cel_compare(const fd_cel_value *a, const fd_cel_value *b)
{
    if (is_number(a->kind) && is_number(b->kind))
        return compare_numbers(a, b);
    if (a->kind != b->kind)
        return FD_CEL_INCOMPARABLE;
    switch (a->kind) {
    case FD_CEL_BOOL:
        return (a->v.b > b->v.b) - (a->v.b < b->v.b);
    case FD_CEL_STRING:
    case FD_CEL_BYTES: {
        int c = fd_str_cmp(fd_cel_text(a), fd_cel_text(b));
        return (c > 0) - (c < 0);
    }
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION: {
        int c = sign_of(a->v.i, b->v.i);
        return c != 0 ? c : sign_of(fd_cel_nanos(a), fd_cel_nanos(b));
    }
    default:
        return FD_CEL_INCOMPARABLE;
    }
}

static bool lists_equal(const fd_cel_value *a, const fd_cel_value *b)
{
    uint32_t n = fd_cel_length(a);
    if (n != fd_cel_length(b))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value x = fd_cel_element(a, i);
        fd_cel_value y = fd_cel_element(b, i);
        if (!fd_cel_equal(&x, &y))
            return false;
    }
    return true;
}

static bool maps_equal(const fd_cel_value *a, const fd_cel_value *b)
{
    uint32_t n = fd_cel_length(a);
    if (n != fd_cel_length(b))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value key = fd_cel_map_key(a, i);
        fd_cel_value x = fd_cel_map_value(a, i);
        fd_cel_value y;
        if (!fd_cel_map_find(b, &key, &y) || !fd_cel_equal(&x, &y))
            return false;
    }
    return true;
}

/* Of one record type: fields pairwise equal, where absent equals absent. */
static bool records_equal(const fd_cel_value *a, const fd_cel_value *b)
{
    const fd_col *x = a->v.col;
    const fd_col *y = b->v.col;
    if (x->type != y->type)
        return false;
    for (uint32_t f = 0; f < x->n_children; f++) {
        const fd_col *xf = &x->children[f];
        const fd_col *yf = &y->children[f];
        if (xf->valid[a->n] != yf->valid[b->n])
            return false;
        if (!xf->valid[a->n])
            continue;
        fd_cel_value xv = fd_cel_from_column(xf, a->n, "absent");
        fd_cel_value yv = fd_cel_from_column(yf, b->n, "absent");
        if (!fd_cel_equal(&xv, &yv))
            return false;
    }
    return true;
}

bool fd_cel_equal(const fd_cel_value *a, const fd_cel_value *b)
{
    if (is_number(a->kind) && is_number(b->kind))
        return compare_numbers(a, b) == 0;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case FD_CEL_NULL:
        return true;
    case FD_CEL_LIST:
        return lists_equal(a, b);
    case FD_CEL_MAP:
        return maps_equal(a, b);
    case FD_CEL_RECORD:
        return records_equal(a, b);
    case FD_CEL_TYPE:
        return fd_str_eq(fd_cel_text(a), fd_cel_text(b));
    case FD_CEL_OPTIONAL:
        return a->n == b->n && (a->n == 0 || fd_cel_equal(a->v.list, b->v.list));
    case FD_CEL_IP:
    case FD_CEL_CIDR:
        return a->n == b->n && memcmp(a->v.address, b->v.address, 16) == 0;
    case FD_CEL_ERROR:
    case FD_CEL_SET:
        return false;
    default:
        return fd_cel_compare(a, b) == 0;
    }
}
