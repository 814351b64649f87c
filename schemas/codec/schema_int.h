/*
 * The parsed schema, shared by the files of this module only: a graph of nodes in which every
 * reference to a named type is the same node, cycles included.
 *
 * Invariants: nodes are immutable after fd_schema_parse, but for `busy`, which is false between
 * calls; `def` points into `root`, which lives as long as the schema.
 */
#ifndef FD_CODEC_SCHEMA_INT_H
#define FD_CODEC_SCHEMA_INT_H

#include <jansson.h>

#include "base/arena.h"
#include "codec/schema.h"

/* X(name, text): Avro's types; the first eight are the primitives. */
#define FD_AVROS(X)       \
    X(NULL, "null")       \
    X(BOOLEAN, "boolean") \
    X(INT, "int")         \
    X(LONG, "long")       \
    X(FLOAT, "float")     \
    X(DOUBLE, "double")   \
    X(BYTES, "bytes")     \
    X(STRING, "string")   \
    X(RECORD, "record")   \
    X(ENUM, "enum")       \
    X(ARRAY, "array")     \
    X(MAP, "map")         \
    X(UNION, "union")     \
    X(FIXED, "fixed")

typedef enum fd_avro {
#define X(name, text) FD_AVRO_##name,
    FD_AVROS(X)
#undef X
        FD_N_AVROS
} fd_avro;

/* X(name, text, base type, ticks per second) */
#define FD_LOGICALS(X)                                        \
    X(UUID, "uuid", STRING, 0)                                \
    X(DATE, "date", INT, 0)                                   \
    X(TIME_MILLIS, "time-millis", INT, 1000)                  \
    X(TIME_MICROS, "time-micros", LONG, 1000000)              \
    X(TIMESTAMP_MILLIS, "timestamp-millis", LONG, 1000)       \
    X(TIMESTAMP_MICROS, "timestamp-micros", LONG, 1000000)    \
    X(TIMESTAMP_NANOS, "timestamp-nanos", LONG, 1000000000LL) \
    X(DECIMAL, "decimal", BYTES, 0)

typedef enum fd_logical {
    FD_LOGICAL_NONE,
#define X(name, text, base, per_second) FD_LOGICAL_##name,
    FD_LOGICALS(X)
#undef X
        FD_N_LOGICALS
} fd_logical;

typedef struct fd_node fd_node;

typedef struct fd_node_field {
    const char *name;
    fd_node *node;
    const json_t *def; /* NULL: no default */
    const char **aliases;
    uint32_t n_aliases;
} fd_node_field;

struct fd_node {
    fd_avro kind;
    fd_logical logical;
    uint32_t precision, scale; /* decimal */
    const char *name;          /* full name of a named type */
    const char **aliases;      /* full names */
    uint32_t n_aliases;
    uint32_t n;            /* fields, branches or symbols */
    fd_node_field *fields; /* record */
    fd_node **branches;    /* union */
    fd_str *symbols;       /* enum */
    int enum_default;      /* index, -1: none */
    uint32_t size;         /* fixed */
    fd_node *item;         /* array item, map value */
    bool recursive;        /* record: contains itself */
    bool busy;             /* on the path of a walk under way */
};

/* A catalogue node with what plans need and rules do not. */
typedef struct fd_type_ext {
    fd_type type;          /* first: the catalogue's pointers are pointers to this */
    uint32_t *branch_to;   /* FD_UNION: child by branch of the Avro union; of null: unused */
    uint32_t n_cols;       /* columns of this node and all below */
    uint32_t first_col[1]; /* one per child: its column, counted from this one */
} fd_type_ext;

struct fd_schema {
    uint32_t magic;
    fd_arena *arena;
    json_t *root;
    char *text;
    size_t text_n;
    fd_node *node;
    const fd_type *type;
    fd_content_hash hash;
    uint64_t fingerprint;
};

enum { FD_SCHEMA_MAGIC = 0x5c4e3a01 };

const char *fd_avro_name(fd_avro a);
const char *fd_logical_name(fd_logical l);
int64_t fd_logical_per_second(fd_logical l);
const char *fd_short_name(const char *full);

/* schema_type.c: NULL and *why when the catalogue would be too large. */
const fd_type *fd_schema_build_type(fd_arena *arena, fd_node *record, const char **why);
const fd_type_ext *fd_type_ext_of(const fd_type *t);

/* schema_canon.c */
void fd_schema_canonical(fd_node *n, bool full, fd_strbuf *out);
uint64_t fd_crc64_avro(const char *p, size_t n);

/* json_in.c: a schema's default, or a value that a person wrote, to Avro bytes. False and text in
 * `why`; `out` is then as it was. */
bool fd_node_encode_json(const fd_node *n, const json_t *v, bool is_default, fd_strbuf *out,
                         fd_strbuf *why);

#endif
