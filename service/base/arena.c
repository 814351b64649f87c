/* A chain of blocks, filled front to back; see arena.h for the contract. One owner at a time. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { ALIGN = 16 };

typedef struct block {
    struct block *next;
    size_t cap;
    size_t used;
    _Alignas(ALIGN) unsigned char data[];
} block;

struct fd_arena {
    block *first;
    block *cur;
    size_t block_bytes;
    size_t limit_bytes;
    size_t held;
    size_t used;
};

fd_arena *fd_arena_new(size_t block_bytes, size_t limit_bytes)
{
    FD_ASSERT(block_bytes >= 256);
    fd_arena *a = calloc(1, sizeof *a);
    FD_ALLOCATED(a);
    a->block_bytes = block_bytes;
    a->limit_bytes = limit_bytes;
    return a;
}

void fd_arena_free(fd_arena *a)
{
    if (a == NULL)
        return;
    for (block *b = a->first; b != NULL;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(a);
}

void fd_arena_reset(fd_arena *a)
{
    for (block *b = a->first; b != NULL; b = b->next)
        b->used = 0;
    a->cur = a->first;
    a->used = 0;
}

fd_arena_mark fd_arena_marked(const fd_arena *a)
{
    return (fd_arena_mark){
        .block = a->cur, .block_used = a->cur == NULL ? 0 : a->cur->used, .used = a->used};
}

/* Blocks behind the current one are empty, so only those from the mark's to it are looked at. */
void fd_arena_rewind(fd_arena *a, fd_arena_mark mark)
{
    block *at = mark.block;
    FD_ASSERT(mark.used <= a->used);
    if (at == NULL) {
        fd_arena_reset(a);
        return;
    }
    for (block *b = at; b != a->cur;) {
        b = b->next;
        b->used = 0;
    }
    at->used = mark.block_used;
    a->cur = at;
    a->used = mark.used;
}

static block *block_new(fd_arena *a, size_t need)
{
    size_t cap = need > a->block_bytes ? need : a->block_bytes;
    if (a->limit_bytes != 0 && a->held + cap > a->limit_bytes)
        return NULL;
    block *b = aligned_alloc(ALIGN, (sizeof *b + cap + ALIGN - 1) / ALIGN * ALIGN);
    if (b == NULL)
        return NULL;
    *b = (block){.cap = cap};
    a->held += cap;
    return b;
}

/* The next block that has room: an old one after a reset, else a new one after the current. */
static block *next_with_room(fd_arena *a, size_t need)
{
    for (block *b = a->cur; b != NULL; b = b->next) {
        if (b->cap - b->used >= need)
            return a->cur = b;
    }
    block *fresh = block_new(a, need);
    if (fresh == NULL)
        return NULL;
    if (a->cur == NULL) {
        a->first = fresh;
    } else {
        fresh->next = a->cur->next;
        a->cur->next = fresh;
    }
    return a->cur = fresh;
}

void *fd_arena_alloc(fd_arena *a, size_t bytes)
{
    FD_ASSERT(a != NULL);
    FD_ASSERT(bytes < SIZE_MAX / 2);
    size_t need = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    block *b = a->cur;
    if (b == NULL || b->cap - b->used < need)
        b = next_with_room(a, need);
    if (b == NULL)
        return NULL;
    void *p = b->data + b->used;
    b->used += need;
    a->used += need;
    FD_ASSERT(b->used <= b->cap);
    return p;
}

void *fd_arena_zalloc(fd_arena *a, size_t bytes)
{
    void *p = fd_arena_alloc(a, bytes);
    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

fd_str fd_arena_str(fd_arena *a, fd_str s)
{
    char *p = fd_arena_alloc(a, (size_t)s.n + 1);
    if (p == NULL)
        return (fd_str){NULL, 0};
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (fd_str){p, s.n};
}

char *fd_arena_cstr(fd_arena *a, const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = fd_arena_alloc(a, n);
    if (p != NULL)
        memcpy(p, s, n);
    return p;
}

char *fd_arena_printf(fd_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    FD_ASSERT(n >= 0);
    char *p = fd_arena_alloc(a, (size_t)n + 1);
    if (p != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

size_t fd_arena_used(const fd_arena *a)
{
    return a->used;
}

size_t fd_arena_held(const fd_arena *a)
{
    return a->held;
}
