/*
 * Arithmetic with CEL's rules: 64-bit integers that fail instead of wrapping, IEEE doubles,
 * concatenation. Pure functions over any arena; see function.h.
 */
#include "lang/function.h"

#include "base/assert.h"

#define OVERFLOW_CHECKED(name, member, make, builtin)                 \
    FD_CEL_FN(name)                                                   \
    {                                                                 \
        (void)arena;                                                  \
        fd_cel_value r = make(0);                                     \
        if (builtin(args[0].v.member, args[1].v.member, &r.v.member)) \
            return fd_cel_error(FD_CEL_E_OVERFLOW);                   \
        return r;                                                     \
    }

OVERFLOW_CHECKED(add_int, i, fd_cel_int, __builtin_add_overflow)
OVERFLOW_CHECKED(sub_int, i, fd_cel_int, __builtin_sub_overflow)
OVERFLOW_CHECKED(mul_int, i, fd_cel_int, __builtin_mul_overflow)
OVERFLOW_CHECKED(add_uint, u, fd_cel_uint, __builtin_add_overflow)
OVERFLOW_CHECKED(sub_uint, u, fd_cel_uint, __builtin_sub_overflow)
OVERFLOW_CHECKED(mul_uint, u, fd_cel_uint, __builtin_mul_overflow)

#define OF_DOUBLES(name, operator)                              \
    FD_CEL_FN(name)                                             \
    {                                                           \
        (void)arena;                                            \
        return fd_cel_double(args[0].v.d operator args[1].v.d); \
    }

OF_DOUBLES(add_double, +)
OF_DOUBLES(sub_double, -)
OF_DOUBLES(mul_double, *)

/* IEEE: x / 0.0 is an infinity or NaN, as CEL wants; spelled out for the sanitizer's sake. */
__attribute__((no_sanitize("float-divide-by-zero"))) FD_CEL_FN(div_double)
{
    (void)arena;
    return fd_cel_double(args[0].v.d / args[1].v.d);
}

FD_CEL_FN(neg_int)
{
    (void)arena;
    if (args[0].v.i == INT64_MIN)
        return fd_cel_error(FD_CEL_E_OVERFLOW);
    return fd_cel_int(-args[0].v.i);
}

FD_CEL_FN(neg_double)
{
    (void)arena;
    return fd_cel_double(-args[0].v.d);
}

FD_CEL_FN(div_int)
{
    (void)arena;
    if (args[1].v.i == 0)
        return fd_cel_error(FD_CEL_E_DIVISION);
    if (args[0].v.i == INT64_MIN && args[1].v.i == -1)
        return fd_cel_error(FD_CEL_E_OVERFLOW);
    return fd_cel_int(args[0].v.i / args[1].v.i);
}

FD_CEL_FN(mod_int)
{
    (void)arena;
    if (args[1].v.i == 0)
        return fd_cel_error(FD_CEL_E_MODULUS);
    if (args[0].v.i == INT64_MIN && args[1].v.i == -1)
        return fd_cel_error(FD_CEL_E_OVERFLOW);
    return fd_cel_int(args[0].v.i % args[1].v.i);
}

FD_CEL_FN(div_uint)
{
    (void)arena;
    if (args[1].v.u == 0)
        return fd_cel_error(FD_CEL_E_DIVISION);
    return fd_cel_uint(args[0].v.u / args[1].v.u);
}

FD_CEL_FN(mod_uint)
{
    (void)arena;
    if (args[1].v.u == 0)
        return fd_cel_error(FD_CEL_E_MODULUS);
    return fd_cel_uint(args[0].v.u % args[1].v.u);
}

/* Strings and bytes alike; the bound is per value, so it does not depend on the batch. */
FD_CEL_FN(add_text)
{
    fd_str a = fd_cel_text(&args[0]);
    fd_str b = fd_cel_text(&args[1]);
    if ((uint64_t)a.n + b.n > FD_CEL_STRING_MAX)
        return fd_cel_error(FD_CEL_E_TOO_LONG);
    char *p = fd_arena_alloc(arena, (size_t)a.n + b.n + 1);
    FD_ALLOCATED(p);
    if (a.n != 0)
        memcpy(p, a.p, a.n);
    if (b.n != 0)
        memcpy(p + a.n, b.p, b.n);
    return (fd_cel_value){.kind = args[0].kind, .n = a.n + b.n, .v.p = p};
}

FD_CEL_FN(add_list)
{
    uint64_t an = fd_cel_length(&args[0]);
    uint64_t bn = fd_cel_length(&args[1]);
    if (an + bn > FD_CEL_LIST_MAX)
        return fd_cel_error_text(FD_CEL_E_TOO_LONG, "list longer than 65536");
    fd_cel_value *items = fd_arena_alloc(arena, (an + bn + 1) * sizeof *items);
    FD_ALLOCATED(items);
    for (uint32_t i = 0; i < an; i++)
        items[i] = fd_cel_element(&args[0], i);
    for (uint32_t i = 0; i < bn; i++)
        items[an + i] = fd_cel_element(&args[1], i);
    return fd_cel_bounded(fd_cel_list(items, (uint32_t)(an + bn)));
}
