/*
 * The lists of a rule set: sets of strings, ints or doubles by hash, and address ranges.
 *
 * Memory: a string entry takes its bytes and about 32 more, an int or double about 20, an address
 * range 32. Immutable once loaded; any thread may ask.
 */
#ifndef FD_STORE_LISTS_H
#define FD_STORE_LISTS_H

#include "lang/value.h"

/* X(name, text in rule files, kind that is looked up) */
#define FD_LIST_TYPES(X)        \
    X(STRING, "string", STRING) \
    X(INT, "int", INT)          \
    X(DOUBLE, "double", DOUBLE) \
    X(CIDR, "cidr", STRING)

typedef enum fd_list_type {
#define X(name, text, kind) FD_LIST_##name,
    FD_LIST_TYPES(X)
#undef X
        FD_N_LIST_TYPES
} fd_list_type;

typedef struct fd_list fd_list;

const char *fd_list_type_name(fd_list_type t);

fd_list *fd_list_new(const char *name, fd_list_type type);
void fd_list_free(fd_list *l); /* NULL is fine */
/* NULL, or why the entry cannot be one. Repeats are harmless. */
const char *fd_list_add(fd_list *l, fd_str entry);
/* After the last entry. */
void fd_list_seal(fd_list *l);

fd_list_type fd_list_type_of(const fd_list *l);
const fd_cel_set *fd_list_set(const fd_list *l);
uint64_t fd_list_count(const fd_list *l);
size_t fd_list_bytes(const fd_list *l); /* memory held */

/* How many entries of `a` are not entries of `b`, a list of the same type (NULL: empty); the first
 * of them by their texts, at most `max`, go into `some`, in the arena. Networks are told as the
 * ranges that they make together. */
uint64_t fd_list_only(const fd_list *a, const fd_list *b, fd_arena *arena, fd_str *some,
                      uint32_t max, uint32_t *n_some);

/* cidr.c: ranges of addresses as 16 bytes, IPv4 mapped into IPv6. */
typedef struct fd_ip_range {
    unsigned char from[16], to[16];
} fd_ip_range;

/* "10.0.0.0/8", "2001:db8::/32", or an address alone. */
bool fd_cidr_parse(fd_str text, fd_ip_range *out);
/* Sorts and joins; returns how many are left. */
size_t fd_cidr_normalise(fd_ip_range *ranges, size_t n);
bool fd_cidr_contains(const fd_ip_range *ranges, size_t n, const unsigned char ip[16]);

#endif
