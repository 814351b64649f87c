/* What lists and maps are made with: a hash table of values, sorting by keys. Pure functions. */
#ifndef FD_LANG_LIST_H
#define FD_LANG_LIST_H

#include "base/arena.h"
#include "lang/value.h"

/* A set of values in the arena, `items` in the order they came; equality as CEL has it. */
typedef struct fd_cel_table {
    fd_cel_value *items;
    uint32_t n;
    uint32_t *slots; /* index + 1 of an item, 0 for none */
    uint32_t mask;
} fd_cel_table;

void fd_cel_table_init(fd_cel_table *t, fd_arena *arena, uint32_t n); /* room for n values */
bool fd_cel_table_add(fd_cel_table *t, const fd_cel_value *v);        /* false: it is there */
bool fd_cel_table_has(const fd_cel_table *t, const fd_cel_value *v);

typedef struct fd_cel_keyed {
    fd_cel_value key;
    uint32_t index; /* of the list's element */
} fd_cel_keyed;

/* The list in the order of its keys, one for every element; an error when they do not compare. */
fd_cel_value fd_cel_sort_keyed(fd_arena *arena, const fd_cel_value *list, fd_cel_keyed *keys);

#endif
