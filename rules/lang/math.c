/*
 * The math extension, and distances on the globe. Integers fail rather than wrap; a comparison
 * across number types is by value. Pure functions; see function.h.
 */
#include <math.h>

#include "lang/function.h"

static bool is_number(const fd_cel_value *v)
{
    return v->kind == FD_CEL_INT || v->kind == FD_CEL_UINT || v->kind == FD_CEL_DOUBLE;
}

/* The first of the extreme ones. */
static fd_cel_value extreme(const fd_cel_value *list, int wanted)
{
    uint32_t n = fd_cel_length(list);
    if (n == 0)
        return fd_cel_error_text(FD_CEL_E_ARGUMENT, "an empty list has no greatest or least");
    fd_cel_value best = fd_cel_element(list, 0);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(list, i);
        if (!is_number(&e))
            return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
        if (fd_cel_compare(&e, &best) == wanted)
            best = e;
    }
    return best;
}

FD_CEL_FN(greatest)
{
    (void)arena;
    return extreme(&args[0], 1);
}

FD_CEL_FN(least)
{
    (void)arena;
    return extreme(&args[0], -1);
}

#define BITS(name, operator)                                  \
    FD_CEL_FN(name##_int)                                     \
    {                                                         \
        (void)arena;                                          \
        return fd_cel_int(args[0].v.i operator args[1].v.i);  \
    }                                                         \
    FD_CEL_FN(name##_uint)                                    \
    {                                                         \
        (void)arena;                                          \
        return fd_cel_uint(args[0].v.u operator args[1].v.u); \
    }

BITS(bit_or, |)
BITS(bit_and, &)
BITS(bit_xor, ^)

FD_CEL_FN(bit_not_int)
{
    (void)arena;
    return fd_cel_int(~args[0].v.i);
}

FD_CEL_FN(bit_not_uint)
{
    (void)arena;
    return fd_cel_uint(~args[0].v.u);
}

enum { WORD = 64 };

/* On the bits: also a negative int shifts zeros in. */
#define SHIFT(name, member, make, operator)                                           \
    FD_CEL_FN(name)                                                                   \
    {                                                                                 \
        (void)arena;                                                                  \
        int64_t by = args[1].v.i;                                                     \
        if (by < 0)                                                                   \
            return fd_cel_error_text(FD_CEL_E_ARGUMENT, "a shift by less than zero"); \
        uint64_t bits = by >= WORD ? 0 : (uint64_t)args[0].v.member operator by;      \
        return make(bits);                                                            \
    }

static fd_cel_value as_int(uint64_t bits)
{
    return fd_cel_int((int64_t)bits);
}

SHIFT(shift_left_int, i, as_int, <<)
SHIFT(shift_left_uint, u, fd_cel_uint, <<)
SHIFT(shift_right_int, i, as_int, >>)
SHIFT(shift_right_uint, u, fd_cel_uint, >>)

#define OF_DOUBLE(name, expression)       \
    FD_CEL_FN(name)                       \
    {                                     \
        (void)arena;                      \
        double d = args[0].v.d;           \
        return fd_cel_double(expression); \
    }

OF_DOUBLE(ceil, ceil(d))
OF_DOUBLE(floor, floor(d))
OF_DOUBLE(round, round(d))
OF_DOUBLE(trunc, trunc(d))
OF_DOUBLE(abs_double, fabs(d))
OF_DOUBLE(sqrt_double, sqrt(d))
OF_DOUBLE(sign_double, isnan(d) ? d : (double)((d > 0) - (d < 0)))

FD_CEL_FN(sqrt_int)
{
    (void)arena;
    return fd_cel_double(sqrt((double)args[0].v.i));
}

FD_CEL_FN(sqrt_uint)
{
    (void)arena;
    return fd_cel_double(sqrt((double)args[0].v.u));
}

FD_CEL_FN(abs_int)
{
    (void)arena;
    int64_t i = args[0].v.i;
    if (i == INT64_MIN)
        return fd_cel_error(FD_CEL_E_OVERFLOW);
    return fd_cel_int(i < 0 ? -i : i);
}

FD_CEL_FN(sign_int)
{
    (void)arena;
    return fd_cel_int((args[0].v.i > 0) - (args[0].v.i < 0));
}

FD_CEL_FN(sign_uint)
{
    (void)arena;
    return fd_cel_uint(args[0].v.u > 0);
}

FD_CEL_FN(is_nan)
{
    (void)arena;
    return fd_cel_bool(isnan(args[0].v.d));
}

FD_CEL_FN(is_inf)
{
    (void)arena;
    return fd_cel_bool(isinf(args[0].v.d));
}

FD_CEL_FN(is_finite)
{
    (void)arena;
    return fd_cel_bool(isfinite(args[0].v.d));
}

/* Along the great circle of a sphere with the Earth's mean radius: within 0.6 % of the truth. */
FD_CEL_FN(distance_km)
{
    (void)arena;
    static const double degree = 0.017453292519943295;
    static const double earth_km = 6371.0088;
    double lat1 = args[0].v.d, lon1 = args[1].v.d, lat2 = args[2].v.d, lon2 = args[3].v.d;
    if (!(fabs(lat1) <= 90.0 && fabs(lat2) <= 90.0 && fabs(lon1) <= 180.0 && fabs(lon2) <= 180.0))
        return fd_cel_error_text(FD_CEL_E_ARGUMENT, "latitudes are -90..90, longitudes -180..180");
    double north = sin((lat2 - lat1) * degree / 2.0);
    double east = sin((lon2 - lon1) * degree / 2.0);
    double h = north * north + cos(lat1 * degree) * cos(lat2 * degree) * east * east;
    return fd_cel_double(2.0 * earth_km * asin(sqrt(h < 1.0 ? h : 1.0)));
}
