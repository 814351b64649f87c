/* Static types of CEL expressions: construction, joining, naming. Pure functions. */
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"

const fd_cel_type *fd_cel_simple_type(fd_cel_kind kind)
{
    static const fd_cel_type types[] = {
        [FD_CEL_ERROR] = {.kind = FD_CEL_ERROR},
        [FD_CEL_NULL] = {.kind = FD_CEL_NULL},
        [FD_CEL_BOOL] = {.kind = FD_CEL_BOOL},
        [FD_CEL_INT] = {.kind = FD_CEL_INT},
        [FD_CEL_UINT] = {.kind = FD_CEL_UINT},
        [FD_CEL_DOUBLE] = {.kind = FD_CEL_DOUBLE},
        [FD_CEL_STRING] = {.kind = FD_CEL_STRING},
        [FD_CEL_BYTES] = {.kind = FD_CEL_BYTES},
        [FD_CEL_TIMESTAMP] = {.kind = FD_CEL_TIMESTAMP},
        [FD_CEL_DURATION] = {.kind = FD_CEL_DURATION},
        [FD_CEL_LIST] = {.kind = FD_CEL_LIST, .elem = &types[FD_CEL_DYN]},
        [FD_CEL_MAP] = {.kind = FD_CEL_MAP, .elem = &types[FD_CEL_DYN], .key = &types[FD_CEL_DYN]},
        [FD_CEL_RECORD] = {.kind = FD_CEL_RECORD},
        [FD_CEL_SET] = {.kind = FD_CEL_SET},
        [FD_CEL_TYPE] = {.kind = FD_CEL_TYPE},
        [FD_CEL_OPTIONAL] = {.kind = FD_CEL_OPTIONAL, .elem = &types[FD_CEL_DYN]},
        [FD_CEL_IP] = {.kind = FD_CEL_IP},
        [FD_CEL_CIDR] = {.kind = FD_CEL_CIDR},
        [FD_CEL_DYN] = {.kind = FD_CEL_DYN},
        [FD_CEL_FREE] = {.kind = FD_CEL_FREE},
    };
    FD_ASSERT((size_t)kind < sizeof types / sizeof *types);
    return &types[kind];
}

static fd_cel_type *fresh(fd_arena *arena, fd_cel_kind kind)
{
    fd_cel_type *t = fd_arena_zalloc(arena, sizeof *t);
    FD_ALLOCATED(t);
    t->kind = kind;
    return t;
}

const fd_cel_type *fd_cel_list_of(fd_arena *arena, const fd_cel_type *elem)
{
    fd_cel_type *t = fresh(arena, FD_CEL_LIST);
    t->elem = elem;
    return t;
}

const fd_cel_type *fd_cel_optional_of_type(fd_arena *arena, const fd_cel_type *elem)
{
    fd_cel_type *t = fresh(arena, FD_CEL_OPTIONAL);
    t->elem = elem;
    return t;
}

const fd_cel_type *fd_cel_settled(const fd_cel_type *t)
{
    return t->kind == FD_CEL_FREE ? fd_cel_simple_type(FD_CEL_DYN) : t;
}

const fd_cel_type *fd_cel_map_of(fd_arena *arena, const fd_cel_type *key, const fd_cel_type *value)
{
    fd_cel_type *t = fresh(arena, FD_CEL_MAP);
    t->key = key;
    t->elem = value;
    return t;
}

/* Elements that may be null are dyn: null is a value there, and has() cannot guard it. */
static const fd_cel_type *element_type(fd_arena *arena, const fd_type *elem)
{
    return elem->nullable ? fd_cel_simple_type(FD_CEL_DYN) : fd_cel_type_of_schema(arena, elem);
}

const fd_cel_type *fd_cel_type_of_schema(fd_arena *arena, const fd_type *t)
{
    switch (t->kind) {
    case FD_NULL:
        return fd_cel_simple_type(FD_CEL_NULL);
    case FD_BOOL:
        return fd_cel_simple_type(FD_CEL_BOOL);
    case FD_INT:
        return fd_cel_simple_type(FD_CEL_INT);
    case FD_DOUBLE:
        return fd_cel_simple_type(FD_CEL_DOUBLE);
    case FD_BYTES:
        return fd_cel_simple_type(FD_CEL_BYTES);
    case FD_TIMESTAMP:
        return fd_cel_simple_type(FD_CEL_TIMESTAMP);
    case FD_DURATION:
        return fd_cel_simple_type(FD_CEL_DURATION);
    case FD_STRING: {
        if (!t->is_enum)
            return fd_cel_simple_type(FD_CEL_STRING);
        fd_cel_type *s = fresh(arena, FD_CEL_STRING);
        s->schema = t;
        return s;
    }
    case FD_RECORD: {
        fd_cel_type *r = fresh(arena, FD_CEL_RECORD);
        r->schema = t;
        return r;
    }
    case FD_LIST:
        return fd_cel_list_of(arena, element_type(arena, t->elem));
    case FD_MAP:
        return fd_cel_map_of(arena, fd_cel_simple_type(FD_CEL_STRING),
                             element_type(arena, t->elem));
    case FD_UNION:
    case FD_OPAQUE:
        break;
    }
    return fd_cel_simple_type(FD_CEL_DYN);
}

bool fd_cel_is_open(const fd_cel_type *t)
{
    return t->kind == FD_CEL_DYN || t->kind == FD_CEL_ERROR || t->kind == FD_CEL_FREE;
}

bool fd_cel_is_number(const fd_cel_type *t)
{
    return t->kind == FD_CEL_INT || t->kind == FD_CEL_UINT || t->kind == FD_CEL_DOUBLE;
}

bool fd_cel_comparable(const fd_cel_type *a, const fd_cel_type *b)
{
    if (fd_cel_is_open(a) || fd_cel_is_open(b))
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == FD_CEL_LIST || a->kind == FD_CEL_OPTIONAL)
        return fd_cel_comparable(a->elem, b->elem);
    if (a->kind == FD_CEL_MAP)
        return fd_cel_comparable(a->key, b->key) && fd_cel_comparable(a->elem, b->elem);
    if (a->kind == FD_CEL_RECORD)
        return a->schema == b->schema;
    if (a->kind == FD_CEL_ABSTRACT)
        return strcmp(a->name, b->name) == 0;
    return true;
}

/* Types whose values may be null beside others in a literal, as the specification has it. */
static bool takes_null(const fd_cel_type *t)
{
    return t->kind == FD_CEL_TIMESTAMP || t->kind == FD_CEL_DURATION || t->kind == FD_CEL_RECORD ||
           t->kind == FD_CEL_OPTIONAL || t->kind == FD_CEL_ABSTRACT;
}

/* Parameter by parameter. */
static const fd_cel_type *join_abstract(fd_arena *arena, const fd_cel_type *a, const fd_cel_type *b)
{
    if (strcmp(a->name, b->name) != 0 || (a->key == NULL) != (b->key == NULL))
        return fd_cel_simple_type(FD_CEL_DYN);
    fd_cel_type *t = fresh(arena, FD_CEL_ABSTRACT);
    t->name = a->name;
    t->elem = fd_cel_join(arena, a->elem, b->elem);
    t->key = a->key == NULL ? NULL : fd_cel_join(arena, a->key, b->key);
    return t;
}

const fd_cel_type *fd_cel_join(fd_arena *arena, const fd_cel_type *a, const fd_cel_type *b)
{
    if (a->kind == FD_CEL_ERROR || b->kind == FD_CEL_ERROR)
        return fd_cel_simple_type(FD_CEL_ERROR);
    if (a->kind == FD_CEL_FREE)
        return b;
    if (b->kind == FD_CEL_FREE)
        return a;
    if (a->kind == FD_CEL_NULL && takes_null(b))
        return b;
    if (b->kind == FD_CEL_NULL && takes_null(a))
        return a;
    if (a->kind != b->kind)
        return fd_cel_simple_type(FD_CEL_DYN);
    if (a->kind == FD_CEL_ABSTRACT)
        return join_abstract(arena, a, b);
    if (a->kind == FD_CEL_OPTIONAL)
        return fd_cel_optional_of_type(arena, fd_cel_join(arena, a->elem, b->elem));
    if (a->kind == FD_CEL_LIST)
        return fd_cel_list_of(arena, fd_cel_join(arena, a->elem, b->elem));
    if (a->kind == FD_CEL_MAP)
        return fd_cel_map_of(arena, fd_cel_join(arena, a->key, b->key),
                             fd_cel_join(arena, a->elem, b->elem));
    if (a->schema == b->schema)
        return a;
    return fd_cel_simple_type(a->kind == FD_CEL_STRING ? FD_CEL_STRING : FD_CEL_DYN);
}

const char *fd_cel_type_name(const fd_cel_type *t, char *buf, size_t cap)
{
    char inner[64]; /* deeper nesting is cut off, not wrong */
    bool known = t->elem != NULL && t->elem->kind != FD_CEL_DYN && t->elem->kind != FD_CEL_FREE;
    if (t->kind == FD_CEL_ABSTRACT)
        snprintf(buf, cap, "%s", t->name);
    else if (t->kind == FD_CEL_OPTIONAL && known)
        snprintf(buf, cap, "optional %s", fd_cel_type_name(t->elem, inner, sizeof inner));
    else if (t->kind == FD_CEL_LIST && known)
        snprintf(buf, cap, "list of %s", fd_cel_type_name(t->elem, inner, sizeof inner));
    else if (t->kind == FD_CEL_MAP && known)
        snprintf(buf, cap, "map to %s", fd_cel_type_name(t->elem, inner, sizeof inner));
    else if (t->kind == FD_CEL_RECORD && t->schema != NULL && t->schema->name != NULL)
        snprintf(buf, cap, "record %s", t->schema->name);
    else
        snprintf(buf, cap, "%s", fd_cel_kind_name(t->kind));
    return buf;
}
