/* CEL values as wholes: type names, hashes that agree with equality, bounds; see value.h. Pure. */
#include <math.h>

#include "base/assert.h"
#include "base/hash.h"
#include "lang/value.h"

static const struct {
    const char *name;
    fd_cel_kind kind;
} types[] = {
    {"null_type", FD_CEL_NULL},
    {"bool", FD_CEL_BOOL},
    {"int", FD_CEL_INT},
    {"uint", FD_CEL_UINT},
    {"double", FD_CEL_DOUBLE},
    {"string", FD_CEL_STRING},
    {"bytes", FD_CEL_BYTES},
    {"google.protobuf.Timestamp", FD_CEL_TIMESTAMP},
    {"google.protobuf.Duration", FD_CEL_DURATION},
    {"list", FD_CEL_LIST},
    {"map", FD_CEL_MAP},
    {"type", FD_CEL_TYPE},
    {"optional_type", FD_CEL_OPTIONAL},
    {"net.IP", FD_CEL_IP},
    {"net.CIDR", FD_CEL_CIDR},
};
enum { N_TYPES = sizeof types / sizeof *types };

fd_cel_value fd_cel_type_of(const fd_cel_value *v)
{
    if (v->kind == FD_CEL_RECORD)
        return fd_cel_type_value(v->v.col->type->name == NULL ? "record" : v->v.col->type->name);
    for (size_t i = 0; i < N_TYPES; i++) {
        if (types[i].kind == v->kind)
            return fd_cel_type_value(types[i].name);
    }
    return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
}

bool fd_cel_find_type(fd_str name, fd_cel_value *out)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        if (fd_str_eq_c(name, types[i].name)) {
            *out = fd_cel_type_value(types[i].name);
            return true;
        }
    }
    return false;
}

/* Numbers of all types by their double: that is how they are compared across types. */
static uint64_t hash_number(double d)
{
    if (d == 0.0)
        d = 0.0; /* one zero */
    return fd_hash64(&d, sizeof d, 0);
}

static uint64_t mix(uint64_t h, uint64_t with)
{
    return (h ^ with) * UINT64_C(0x9E3779B97F4A7C15) + (h >> 29);
}

static uint64_t hash_list(const fd_cel_value *v)
{
    uint32_t n = fd_cel_length(v);
    uint64_t h = n;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(v, i);
        h = mix(h, fd_cel_hash(&e));
    }
    return h;
}

/* The order of entries does not matter. */
static uint64_t hash_map(const fd_cel_value *v)
{
    uint32_t n = fd_cel_length(v);
    uint64_t h = n;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value key = fd_cel_map_key(v, i), value = fd_cel_map_value(v, i);
        h += mix(fd_cel_hash(&key), fd_cel_hash(&value));
    }
    return h;
}

/* Of the fields that are there. */
static uint64_t hash_record(const fd_cel_value *v)
{
    const fd_col *col = v->v.col;
    uint64_t h = 0;
    for (uint32_t f = 0; f < col->n_children; f++) {
        if (!col->children[f].valid[v->n])
            continue;
        fd_cel_value field = fd_cel_from_column(&col->children[f], v->n, "absent");
        h = mix(h + f, fd_cel_hash(&field));
    }
    return h;
}

uint64_t fd_cel_hash(const fd_cel_value *v)
{
    switch (v->kind) {
    case FD_CEL_BOOL:
        return v->v.b ? 1 : 2;
    case FD_CEL_INT:
        return hash_number((double)v->v.i);
    case FD_CEL_UINT:
        return hash_number((double)v->v.u);
    case FD_CEL_DOUBLE:
        return isnan(v->v.d) ? 3 : hash_number(v->v.d);
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
    case FD_CEL_TYPE:
        return fd_hash64(v->v.p, v->n, v->kind);
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        return mix((uint64_t)v->v.i, v->n);
    case FD_CEL_LIST:
        return hash_list(v);
    case FD_CEL_MAP:
        return hash_map(v);
    case FD_CEL_RECORD:
        return hash_record(v);
    case FD_CEL_OPTIONAL:
        return v->n == 0 ? 4 : mix(5, fd_cel_hash(v->v.list));
    case FD_CEL_IP:
    case FD_CEL_CIDR:
        return fd_hash64(v->v.address, 16, v->n);
    default:
        return v->kind;
    }
}

typedef struct walk {
    uint64_t bytes;
    bool too_deep;
} walk;

static void weigh(walk *w, const fd_cel_value *v, int depth)
{
    w->bytes += sizeof *v;
    if (v->kind == FD_CEL_STRING || v->kind == FD_CEL_BYTES)
        w->bytes += v->n;
    if (v->kind == FD_CEL_IP || v->kind == FD_CEL_CIDR)
        w->bytes += 16;
    if (v->kind != FD_CEL_LIST && v->kind != FD_CEL_MAP && v->kind != FD_CEL_OPTIONAL)
        return;
    if (v->in_column) {
        w->bytes += (uint64_t)fd_cel_length(v) * sizeof *v;
        return;
    }
    if (depth == FD_CEL_NESTING_MAX) {
        w->too_deep = true;
        return;
    }
    uint32_t n = v->kind == FD_CEL_MAP ? 2 * v->n : v->n;
    for (uint32_t i = 0; i < n && w->bytes <= FD_CEL_VALUE_MAX && !w->too_deep; i++)
        weigh(w, &v->v.list[i], depth + 1);
}

uint64_t fd_cel_weight(const fd_cel_value *v)
{
    walk w = {0};
    weigh(&w, v, 0);
    return w.bytes;
}

fd_cel_value fd_cel_bounded(fd_cel_value v)
{
    walk w = {0};
    weigh(&w, &v, 0);
    if (w.too_deep)
        return fd_cel_error(FD_CEL_E_TOO_DEEP);
    return w.bytes > FD_CEL_VALUE_MAX ? fd_cel_error(FD_CEL_E_TOO_LARGE) : v;
}

static void *copy_bytes(fd_arena *arena, const void *p, size_t n)
{
    void *copy = fd_arena_alloc(arena, n + 1);
    FD_ALLOCATED(copy);
    if (n != 0)
        memcpy(copy, p, n);
    return copy;
}

fd_cel_value fd_cel_copy(fd_arena *arena, const fd_cel_value *v)
{
    fd_cel_value k = *v;
    switch (v->kind) {
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
        k.v.p = copy_bytes(arena, v->v.p, v->n);
        return k;
    case FD_CEL_IP:
    case FD_CEL_CIDR:
        k.v.address = copy_bytes(arena, v->v.address, 16);
        return k;
    case FD_CEL_LIST:
    case FD_CEL_MAP:
    case FD_CEL_OPTIONAL:
        break;
    default:
        return k;
    }
    if (v->in_column)
        return k;
    uint32_t n = v->kind == FD_CEL_MAP ? 2 * v->n : v->n;
    fd_cel_value *items = fd_arena_alloc(arena, (n + (size_t)1) * sizeof *items);
    FD_ALLOCATED(items);
    for (uint32_t i = 0; i < n; i++)
        items[i] = fd_cel_copy(arena, &v->v.list[i]);
    k.v.list = items;
    return k;
}
