/*
 * A string that somebody else owns: pointer and length, not terminated.
 *
 * Invariant: n == 0 allows p == NULL; otherwise p points at n readable bytes for as long as the
 * owner (a Kafka message, an arena, a literal) lives. Plain data, any thread.
 */
#ifndef FD_BASE_STR_H
#define FD_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct fd_str {
    const char *p;
    uint32_t n;
} fd_str;

#define FD_STR(literal) ((fd_str){(literal), (uint32_t)(sizeof(literal) - 1)})
#define FD_STR_FMT      "%.*s"
#define FD_STR_ARG(s)   (int)(s).n, (s).p

static inline fd_str fd_str_from(const char *cstr)
{
    return (fd_str){cstr, cstr == NULL ? 0 : (uint32_t)strlen(cstr)};
}

static inline bool fd_str_eq(fd_str a, fd_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool fd_str_eq_c(fd_str a, const char *b)
{
    return fd_str_eq(a, fd_str_from(b));
}

/* Byte-wise order: <0, 0, >0. */
static inline int fd_str_cmp(fd_str a, fd_str b)
{
    uint32_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
