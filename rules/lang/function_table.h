/* How rows of the function table are written: function.c and function_ext.c only. */
#ifndef FD_LANG_FUNCTION_TABLE_H
#define FD_LANG_FUNCTION_TABLE_H

#include "lang/function.h"

/* One letter a kind. */
enum {
    N = FD_CEL_NULL,
    B = FD_CEL_BOOL,
    I = FD_CEL_INT,
    U = FD_CEL_UINT,
    D = FD_CEL_DOUBLE,
    S = FD_CEL_STRING,
    Y = FD_CEL_BYTES,
    T = FD_CEL_TIMESTAMP,
    P = FD_CEL_DURATION, /* a period */
    L = FD_CEL_LIST,
    M = FD_CEL_MAP,
    Z = FD_CEL_SET,
    O = FD_CEL_OPTIONAL,
    A = FD_CEL_IP, /* an address */
    R = FD_CEL_CIDR,
    ANY = FD_CEL_DYN,
    BUILDS = 0x8000, /* beside the cost */
};

#define ROW(name, method, n, result, cost, fn, ...)                                              \
    {                                                                                            \
        name, method, n, {__VA_ARGS__}, result, ((cost)&BUILDS) != 0, (cost) & ~BUILDS & 0x7FFF, \
            fd_cel_##fn                                                                          \
    }
#define F1(name, a, r, cost, fn)          ROW(name, false, 1, r, cost, fn, a)
#define F2(name, a, b, r, cost, fn)       ROW(name, false, 2, r, cost, fn, a, b)
#define F4(name, a, b, c, d, r, cost, fn) ROW(name, false, 4, r, cost, fn, a, b, c, d)
#define M1(name, a, r, cost, fn)          ROW(name, true, 1, r, cost, fn, a)
#define M2(name, a, b, r, cost, fn)       ROW(name, true, 2, r, cost, fn, a, b)
#define M3(name, a, b, c, r, cost, fn)    ROW(name, true, 3, r, cost, fn, a, b, c)
#define M4(name, a, b, c, d, r, cost, fn) ROW(name, true, 4, r, cost, fn, a, b, c, d)

#endif
