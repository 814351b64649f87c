/*
 * The catalogue (domain/type.h) of a parsed schema, and where each of its nodes has its columns.
 * Named records are laid out wherever they are used; one that contains itself ends in FD_OPAQUE.
 * Runs once per schema, before anybody else sees it.
 */
#include "base/assert.h"
#include "codec/schema_int.h"

typedef struct builder {
    fd_arena *arena;
    uint32_t n_cols;
    const char *why;
} builder;

static fd_type_ext *build_type(builder *b, fd_node *n);

const fd_type_ext *fd_type_ext_of(const fd_type *t)
{
    return (const fd_type_ext *)(const void *)t;
}

static fd_type_ext *type_new(builder *b, fd_kind kind, uint32_t n_children)
{
    size_t places = n_children == 0 ? 1 : n_children;
    fd_type_ext *t = fd_arena_zalloc(b->arena, sizeof *t + places * sizeof t->first_col[0]);
    FD_ALLOCATED(t);
    t->type.kind = kind;
    t->n_cols = 1;
    if (++b->n_cols > 8 * FD_SCHEMA_MAX_COLUMNS) {
        b->why = "the schema is too large once nested records are laid out";
        return NULL;
    }
    return t;
}

static fd_field *fields_new(builder *b, uint32_t n)
{
    fd_field *f = fd_arena_zalloc(b->arena, (n + 1) * sizeof *f);
    FD_ALLOCATED(f);
    return f;
}

/* Numbers the columns of a node's children. */
static fd_type_ext *place_children(fd_type_ext *t)
{
    for (uint32_t i = 0; i < t->type.n_fields; i++) {
        t->first_col[i] = t->n_cols;
        t->n_cols += fd_type_ext_of(t->type.fields[i].type)->n_cols;
    }
    return t;
}

static bool same_type(const fd_type *a, const fd_type *b)
{
    if (a->kind != b->kind || a->scale != b->scale || a->per_second != b->per_second ||
        a->is_enum != b->is_enum || a->n_fields != b->n_fields || a->n_symbols != b->n_symbols)
        return false;
    for (uint32_t i = 0; i < a->n_symbols; i++) {
        if (!fd_str_eq(a->symbols[i], b->symbols[i]))
            return false;
    }
    for (uint32_t i = 0; i < a->n_fields; i++) {
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
            a->fields[i].type->nullable != b->fields[i].type->nullable ||
            !same_type(a->fields[i].type, b->fields[i].type))
            return false;
    }
    if (a->elem == NULL)
        return true;
    return a->elem->nullable == b->elem->nullable && same_type(a->elem, b->elem);
}

/* One type for both, or NULL: equal ones, strings with enums, anything with null. */
static fd_type_ext *common_type(builder *b, fd_type_ext *x, fd_type_ext *y)
{
    if (same_type(&x->type, &y->type)) {
        x->type.nullable |= y->type.nullable;
        return x;
    }
    if (x->type.kind == FD_NULL || y->type.kind == FD_NULL) {
        fd_type_ext *some = x->type.kind == FD_NULL ? y : x;
        some->type.nullable = true;
        return some;
    }
    if (x->type.kind != FD_STRING || y->type.kind != FD_STRING)
        return NULL;
    fd_type_ext *t = type_new(b, FD_STRING, 0);
    if (t != NULL)
        t->type.nullable = x->type.nullable || y->type.nullable;
    return t;
}

static fd_type_ext *build_record(builder *b, fd_node *n)
{
    if (n->busy)
        return type_new(b, FD_OPAQUE, 0);
    fd_type_ext *t = type_new(b, FD_RECORD, n->n);
    if (t == NULL)
        return NULL;
    fd_field *fields = fields_new(b, n->n);
    n->busy = true;
    for (uint32_t i = 0; i < n->n; i++) {
        fd_type_ext *child = build_type(b, n->fields[i].node);
        if (child == NULL)
            return NULL;
        fields[i] = (fd_field){n->fields[i].name, &child->type};
    }
    n->busy = false;
    t->type.name = n->name;
    t->type.n_fields = n->n;
    t->type.fields = fields;
    return place_children(t);
}

/* --- unions --- */

typedef struct branches {
    fd_type_ext **types; /* per branch; NULL for null */
    uint32_t n, n_some;
    bool has_null;
    bool all_records;
} branches;

static bool build_branches(builder *b, const fd_node *n, branches *out)
{
    *out = (branches){.n = n->n, .all_records = true};
    out->types = fd_arena_zalloc(b->arena, n->n * sizeof(fd_type_ext *));
    FD_ALLOCATED(out->types);
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->branches[i]->kind == FD_AVRO_NULL) {
            out->has_null = true;
            continue;
        }
        out->types[i] = build_type(b, n->branches[i]);
        if (out->types[i] == NULL)
            return false;
        out->n_some++;
        out->all_records &= out->types[i]->type.kind == FD_RECORD;
    }
    return true;
}

static uint32_t field_place(const fd_field *fields, uint32_t n, const char *name)
{
    uint32_t i = 0;
    while (i < n && strcmp(fields[i].name, name) != 0)
        i++;
    return i;
}

static const char *joined_name(builder *b, const branches *br)
{
    const char *name = NULL;
    for (uint32_t i = 0; i < br->n; i++) {
        if (br->types[i] == NULL)
            continue;
        const char *one = br->types[i]->type.name;
        name = name == NULL ? one : fd_arena_printf(b->arena, "%s|%s", name, fd_short_name(one));
    }
    return name;
}

/* A union of records: the fields of all; those not in every branch are nullable. */
static fd_type_ext *merge_records(builder *b, const branches *br)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < br->n; i++)
        room += br->types[i] == NULL ? 0 : br->types[i]->type.n_fields;
    fd_type_ext *t = type_new(b, FD_RECORD, room);
    if (t == NULL)
        return NULL;
    fd_field *fields = fields_new(b, room);
    fd_type_ext **kids = fd_arena_zalloc(b->arena, (room + 1) * sizeof(fd_type_ext *));
    uint32_t *times = fd_arena_zalloc(b->arena, (room + 1) * sizeof *times);
    FD_ALLOCATED(kids);
    FD_ALLOCATED(times);
    uint32_t n = 0;
    for (uint32_t i = 0; i < br->n; i++) {
        for (uint32_t k = 0; br->types[i] != NULL && k < br->types[i]->type.n_fields; k++) {
            const fd_field *f = &br->types[i]->type.fields[k];
            /* the catalogue is still ours to write: nobody has seen it */
            fd_type_ext *mine = (fd_type_ext *)(uintptr_t)f->type;
            uint32_t at = field_place(fields, n, f->name);
            if (at == n) {
                fields[n++].name = f->name;
                kids[at] = mine;
            } else {
                bool nullable = kids[at]->type.nullable || mine->type.nullable;
                kids[at] = common_type(b, kids[at], mine);
                if (kids[at] == NULL)
                    kids[at] = type_new(b, FD_OPAQUE, 0);
                if (kids[at] == NULL)
                    return NULL;
                kids[at]->type.nullable |= nullable;
            }
            times[at]++;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        kids[i]->type.nullable |= times[i] < br->n_some;
        fields[i].type = &kids[i]->type;
    }
    t->type.name = joined_name(b, br);
    t->type.n_fields = n;
    t->type.fields = fields;
    return place_children(t);
}

/* Any other union: one child per distinct type. */
static fd_type_ext *tagged_union(builder *b, const branches *br)
{
    fd_type_ext *t = type_new(b, FD_UNION, br->n_some);
    if (t == NULL)
        return NULL;
    fd_type_ext **kids = fd_arena_zalloc(b->arena, (br->n + 1) * sizeof(fd_type_ext *));
    t->branch_to = fd_arena_zalloc(b->arena, br->n * sizeof *t->branch_to);
    FD_ALLOCATED(kids);
    FD_ALLOCATED(t->branch_to);
    uint32_t n = 0;
    for (uint32_t i = 0; i < br->n; i++) {
        if (br->types[i] == NULL)
            continue;
        uint32_t k = 0;
        fd_type_ext *both = NULL;
        while (k < n && (both = common_type(b, kids[k], br->types[i])) == NULL)
            k++;
        kids[k] = both == NULL ? br->types[i] : both;
        n += k == n;
        t->branch_to[i] = k;
    }
    if (n == 1)
        return kids[0];
    fd_field *fields = fields_new(b, n);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (fd_field){fd_kind_name(kids[i]->type.kind), &kids[i]->type};
    t->type.n_fields = n;
    t->type.fields = fields;
    return place_children(t);
}

static fd_type_ext *build_union(builder *b, const fd_node *n)
{
    branches br;
    if (!build_branches(b, n, &br))
        return NULL;
    if (br.n_some == 0)
        return type_new(b, FD_NULL, 0);
    bool records = br.n_some > 1 && br.all_records;
    fd_type_ext *t = records ? merge_records(b, &br) : tagged_union(b, &br);
    if (t != NULL)
        t->type.nullable |= br.has_null;
    return t;
}

/* --- the rest --- */

static fd_kind plain_kind(const fd_node *n)
{
    switch (n->logical) {
    case FD_LOGICAL_DATE:
    case FD_LOGICAL_TIMESTAMP_MILLIS:
    case FD_LOGICAL_TIMESTAMP_MICROS:
    case FD_LOGICAL_TIMESTAMP_NANOS:
        return FD_TIMESTAMP;
    case FD_LOGICAL_TIME_MILLIS:
    case FD_LOGICAL_TIME_MICROS:
        return FD_DURATION;
    case FD_LOGICAL_DECIMAL:
        return FD_INT;
    case FD_LOGICAL_UUID: /* as text, also where the wire has its sixteen bytes */
        return FD_STRING;
    default:
        break;
    }
    static const fd_kind kinds[FD_N_AVROS] = {
        [FD_AVRO_NULL] = FD_NULL,   [FD_AVRO_BOOLEAN] = FD_BOOL,  [FD_AVRO_INT] = FD_INT,
        [FD_AVRO_LONG] = FD_INT,    [FD_AVRO_FLOAT] = FD_DOUBLE,  [FD_AVRO_DOUBLE] = FD_DOUBLE,
        [FD_AVRO_BYTES] = FD_BYTES, [FD_AVRO_STRING] = FD_STRING, [FD_AVRO_ENUM] = FD_STRING,
        [FD_AVRO_FIXED] = FD_BYTES,
    };
    return kinds[n->kind];
}

static fd_type_ext *build_plain(builder *b, const fd_node *n)
{
    fd_type_ext *t = type_new(b, plain_kind(n), 0);
    if (t == NULL)
        return NULL;
    t->type.per_second = fd_logical_per_second(n->logical);
    t->type.scale = (uint8_t)n->scale;
    if (n->kind == FD_AVRO_ENUM) {
        t->type.is_enum = true;
        t->type.n_symbols = n->n;
        t->type.symbols = n->symbols;
    }
    return t;
}

static fd_type_ext *build_list(builder *b, fd_node *n)
{
    bool map = n->kind == FD_AVRO_MAP;
    fd_type_ext *t = type_new(b, map ? FD_MAP : FD_LIST, 1);
    fd_type_ext *elem = t == NULL ? NULL : build_type(b, n->item);
    if (elem == NULL)
        return NULL;
    t->type.elem = &elem->type;
    t->first_col[0] = map ? 2 : 1; /* a map's keys come first */
    t->n_cols = t->first_col[0] + elem->n_cols;
    return t;
}

static fd_type_ext *build_type(builder *b, fd_node *n)
{
    switch (n->kind) {
    case FD_AVRO_RECORD:
        return build_record(b, n);
    case FD_AVRO_UNION:
        return build_union(b, n);
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
        return build_list(b, n);
    default:
        return build_plain(b, n);
    }
}

const fd_type *fd_schema_build_type(fd_arena *arena, fd_node *record, const char **why)
{
    FD_ASSERT(record->kind == FD_AVRO_RECORD);
    builder b = {.arena = arena};
    fd_type_ext *t = build_type(&b, record);
    if (t != NULL && t->n_cols > FD_SCHEMA_MAX_COLUMNS)
        b.why = "more than 4096 columns once nested records are laid out";
    if (why != NULL)
        *why = b.why;
    return b.why == NULL ? t == NULL ? NULL : &t->type : NULL;
}
