/* Optionals, and type(). Pure functions; see function.h. */
#include "base/assert.h"
#include "lang/function.h"

FD_CEL_FN(name_of_type)
{
    (void)arena;
    return fd_cel_type_of(&args[0]);
}

FD_CEL_FN(optional_of)
{
    fd_cel_value *of = fd_arena_alloc(arena, sizeof *of);
    FD_ALLOCATED(of);
    *of = args[0];
    return fd_cel_bounded(fd_cel_optional(of));
}

/* Whether it is what a value of its type is when nobody set it. */
static bool is_zero(const fd_cel_value *v)
{
    switch (v->kind) {
    case FD_CEL_NULL:
        return true;
    case FD_CEL_BOOL:
        return !v->v.b;
    case FD_CEL_INT:
    case FD_CEL_UINT:
        return v->v.u == 0;
    case FD_CEL_DOUBLE:
        return v->v.d == 0.0;
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
    case FD_CEL_OPTIONAL:
        return v->n == 0;
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        return v->v.i == 0 && v->n == 0;
    case FD_CEL_LIST:
    case FD_CEL_MAP:
        return fd_cel_length(v) == 0;
    default:
        return false;
    }
}

FD_CEL_FN(optional_of_non_zero)
{
    return is_zero(&args[0]) ? fd_cel_optional(NULL) : fd_cel_optional_of(arena, args);
}

FD_CEL_FN(has_value)
{
    (void)arena;
    return fd_cel_bool(args[0].n != 0);
}

FD_CEL_FN(optional_value)
{
    (void)arena;
    return args[0].n == 0 ? fd_cel_error(FD_CEL_E_EMPTY) : *args[0].v.list;
}

FD_CEL_FN(optional_or)
{
    (void)arena;
    return args[0].n == 0 ? args[1] : args[0];
}

FD_CEL_FN(optional_or_value)
{
    (void)arena;
    return args[0].n == 0 ? args[1] : *args[0].v.list;
}

/* The values of those that have one. */
FD_CEL_FN(unwrap)
{
    uint32_t n = fd_cel_length(&args[0]), kept = 0;
    fd_cel_value *items = fd_arena_alloc(arena, ((size_t)n + 1) * sizeof *items);
    FD_ALLOCATED(items);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(&args[0], i);
        if (e.kind != FD_CEL_OPTIONAL)
            return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
        if (e.n != 0)
            items[kept++] = *e.v.list;
    }
    return fd_cel_list(items, kept);
}
