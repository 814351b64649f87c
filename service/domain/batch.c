/* Columns of a micro-batch: allocation, growth, nulls, truncation; see batch.h. One owner. */
#include "domain/batch.h"

#include <stdlib.h>

#include "base/assert.h"

static size_t value_bytes(fd_kind k)
{
    switch (k) {
    case FD_BOOL:
    case FD_UNION:
        return 1;
    case FD_INT:
    case FD_TIMESTAMP:
    case FD_DURATION:
    case FD_DOUBLE:
        return 8;
    case FD_STRING:
    case FD_BYTES:
        return sizeof(fd_str);
    case FD_LIST:
    case FD_MAP:
        return sizeof(uint32_t);
    case FD_NULL:
    case FD_RECORD:
    case FD_OPAQUE:
        break;
    }
    return 0;
}

static bool has_offsets(fd_kind k)
{
    return k == FD_LIST || k == FD_MAP;
}

/* Records and unions grow with their children, lists and maps alone. */
static bool children_follow(fd_kind k)
{
    return k == FD_RECORD || k == FD_UNION;
}

static const fd_type map_key_type = {.kind = FD_STRING};

static void col_init(fd_col *c, const fd_type *t);

static void col_init_children(fd_col *c, uint32_t n)
{
    c->n_children = n;
    c->children = calloc(n == 0 ? 1 : n, sizeof *c->children);
    FD_ALLOCATED(c->children);
}

static void col_init(fd_col *c, const fd_type *t)
{
    *c = (fd_col){.type = t};
    if (children_follow(t->kind)) {
        col_init_children(c, t->n_fields);
        for (uint32_t i = 0; i < t->n_fields; i++)
            col_init(&c->children[i], t->fields[i].type);
    } else if (t->kind == FD_LIST) {
        col_init_children(c, 1);
        col_init(&c->children[0], t->elem);
    } else if (t->kind == FD_MAP) {
        col_init_children(c, 2);
        col_init(&c->children[0], &map_key_type);
        col_init(&c->children[1], t->elem);
    }
}

static void col_free(fd_col *c)
{
    for (uint32_t i = 0; i < c->n_children; i++)
        col_free(&c->children[i]);
    free(c->children);
    free(c->valid);
    free(c->v.any);
}

static void col_grow(fd_col *c, uint32_t cap)
{
    c->valid = realloc(c->valid, cap);
    FD_ALLOCATED(c->valid);
    size_t width = value_bytes(c->type->kind);
    if (width != 0) {
        size_t slots = (size_t)cap + (has_offsets(c->type->kind) ? 1 : 0);
        bool fresh = c->v.any == NULL;
        c->v.any = realloc(c->v.any, slots * width);
        FD_ALLOCATED(c->v.any);
        if (fresh && has_offsets(c->type->kind))
            c->v.off[0] = 0;
    }
    c->cap = cap;
}

bool fd_col_reserve(fd_col *c, uint32_t rows, uint32_t max_rows)
{
    if (c->cap - c->n < rows) {
        if (rows > max_rows || c->n > max_rows - rows)
            return false;
        uint32_t cap = c->cap < 16 ? 16 : c->cap * 2;
        while (cap < c->n + rows)
            cap *= 2;
        col_grow(c, cap);
    }
    if (children_follow(c->type->kind)) {
        for (uint32_t i = 0; i < c->n_children; i++) {
            if (!fd_col_reserve(&c->children[i], rows, max_rows))
                return false;
        }
    }
    return true;
}

void fd_col_push_null(fd_col *c)
{
    FD_ASSERT(c->n < c->cap);
    uint32_t row = c->n++;
    c->valid[row] = 0;
    size_t width = value_bytes(c->type->kind);
    if (has_offsets(c->type->kind))
        c->v.off[row + 1] = c->v.off[row];
    else if (width != 0)
        memset((unsigned char *)c->v.any + (size_t)row * width, 0, width);
    if (children_follow(c->type->kind)) {
        for (uint32_t i = 0; i < c->n_children; i++)
            fd_col_push_null(&c->children[i]);
    }
}

void fd_col_fill_null(fd_col *c, uint32_t rows)
{
    if (rows <= c->n)
        return;
    FD_ASSERT(rows <= c->cap && c->n_children == 0 && !has_offsets(c->type->kind));
    size_t width = value_bytes(c->type->kind);
    memset(c->valid + c->n, 0, rows - c->n);
    if (width != 0)
        memset((unsigned char *)c->v.any + (size_t)c->n * width, 0, (rows - c->n) * width);
    c->n = rows;
}

static uint32_t count_cols(const fd_col *c)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < c->n_children; i++)
        n += count_cols(&c->children[i]);
    return n;
}

static void list_cols(fd_batch *b, fd_col *c)
{
    b->cols[b->n_cols++] = c;
    for (uint32_t i = 0; i < c->n_children; i++)
        list_cols(b, &c->children[i]);
}

fd_batch *fd_batch_new(const fd_type *schema, uint32_t cap, uint32_t max_elems)
{
    FD_ASSERT(schema->kind == FD_RECORD);
    FD_ASSERT(cap > 0);
    fd_batch *b = calloc(1, sizeof *b);
    FD_ALLOCATED(b);
    col_init(&b->root, schema);
    b->cols = calloc(count_cols(&b->root), sizeof(fd_col *));
    FD_ALLOCATED(b->cols);
    list_cols(b, &b->root);
    b->cap = cap;
    b->max_elems = max_elems;
    b->arena = fd_arena_new(16 * 1024, 0);
    bool ok = fd_col_reserve(&b->root, cap, cap);
    FD_ASSERT(ok);
    return b;
}

void fd_batch_free(fd_batch *b)
{
    if (b == NULL)
        return;
    col_free(&b->root);
    free(b->cols);
    fd_arena_free(b->arena);
    free(b);
}

static void col_truncate(fd_col *c, uint32_t rows)
{
    FD_ASSERT(rows <= c->cap);
    if (c->n > rows)
        c->n = rows;
    for (uint32_t i = 0; i < c->n_children; i++) {
        uint32_t below = rows;
        if (has_offsets(c->type->kind))
            below = c->v.any == NULL ? 0 : c->v.off[c->n];
        col_truncate(&c->children[i], below);
    }
}

void fd_batch_truncate(fd_batch *b, uint32_t rows)
{
    col_truncate(&b->root, rows);
}

void fd_batch_reset(fd_batch *b)
{
    fd_batch_truncate(b, 0);
    fd_arena_reset(b->arena);
}

const fd_col *fd_batch_path(const fd_batch *b, fd_str path)
{
    const fd_col *c = &b->root;
    while (path.n != 0) {
        if (c->type->kind != FD_RECORD)
            return NULL;
        const char *dot = memchr(path.p, '.', path.n);
        fd_str step = {path.p, dot == NULL ? path.n : (uint32_t)(dot - path.p)};
        uint32_t index;
        if (fd_type_field(c->type, step, &index) == NULL)
            return NULL;
        c = &c->children[index];
        uint32_t skip = dot == NULL ? path.n : step.n + 1;
        path = (fd_str){path.p + skip, path.n - skip};
    }
    return c;
}
