/*
 * A bump allocator for things that die together: a batch's outputs, a rule set's program.
 *
 * Invariants: memory is 16-byte aligned and zeroed on request only; reset keeps the blocks, so a
 * steady state allocates nothing; `limit` bounds the bytes held (0 = no bound) and an allocation
 * beyond it returns NULL. Not thread-safe: one owner at a time.
 */
#ifndef FD_BASE_ARENA_H
#define FD_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

typedef struct fd_arena fd_arena;

fd_arena *fd_arena_new(size_t block_bytes, size_t limit_bytes);
void fd_arena_free(fd_arena *a);  /* NULL is fine */
void fd_arena_reset(fd_arena *a); /* everything allocated is gone, the blocks stay */

/* A place to go back to: what was allocated since is gone, the blocks stay. Marks nest. */
typedef struct fd_arena_mark {
    void *block;
    size_t block_used, used;
} fd_arena_mark;
fd_arena_mark fd_arena_marked(const fd_arena *a);
void fd_arena_rewind(fd_arena *a, fd_arena_mark mark);

/* NULL only beyond the limit (or when the system has no memory). */
void *fd_arena_alloc(fd_arena *a, size_t bytes);
void *fd_arena_zalloc(fd_arena *a, size_t bytes);
/* Copies; the result is NUL-terminated one byte past its length. */
fd_str fd_arena_str(fd_arena *a, fd_str s);
char *fd_arena_cstr(fd_arena *a, const char *s);
char *fd_arena_printf(fd_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

size_t fd_arena_used(const fd_arena *a); /* bytes handed out since the last reset */
size_t fd_arena_held(const fd_arena *a); /* bytes taken from the system */

#endif
