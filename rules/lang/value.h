/*
 * A CEL value in 16 bytes, errors included, and the set interface that lists are reached by.
 *
 * Invariants: `kind` says which member is live. Strings and bytes are pointer + `n` (the length);
 * timestamps and durations are seconds in `i` + nanoseconds in `n` (a timestamp's nanoseconds
 * count forward from its seconds, 0..999999999; a duration's are stored as int32 and have the sign
 * of its seconds). A list or map is either an array of values (`n` elements in `list`; a map's
 * are key, value, key, value ...) or a row of a column (`in_column`, row in `n`): event data is
 * never copied. An error is `n` = its code and a text that lives as long as the program. An
 * optional is a pointer to its value (`n` = 1) or nothing (`n` = 0). An address is 16 bytes
 * (IPv4 in the mapped form) with its family (4 or 6) in `n`; a network has its prefix length
 * above that. A value that an expression builds is bounded (fd_cel_bounded), so whatever walks
 * one may recurse.
 * Values own nothing: what they point to is the batch's, the program's or the run's arena's.
 */
#ifndef FD_LANG_VALUE_H
#define FD_LANG_VALUE_H

#include "base/arena.h"
#include "domain/batch.h"

typedef enum fd_cel_kind {
    FD_CEL_ERROR, /* at run time a value; in the checker: already reported, accept anything */
    FD_CEL_NULL,
    FD_CEL_BOOL,
    FD_CEL_INT,
    FD_CEL_UINT,
    FD_CEL_DOUBLE,
    FD_CEL_STRING,
    FD_CEL_BYTES,
    FD_CEL_TIMESTAMP,
    FD_CEL_DURATION,
    FD_CEL_LIST,
    FD_CEL_MAP,
    FD_CEL_RECORD, /* always a row of a column */
    FD_CEL_SET,    /* a named list of the rule set: only `in` and size() */
    FD_CEL_TYPE,   /* type(x): its name as text */
    FD_CEL_OPTIONAL,
    FD_CEL_IP,
    FD_CEL_CIDR,
    /* Checker only: */
    FD_CEL_DYN,      /* known at run time */
    FD_CEL_FREE,     /* nothing is known yet: the element of [], what optional.none() holds */
    FD_CEL_ABSTRACT, /* a type of an environment: no value is ever of it */
} fd_cel_kind;

/* Codes of runtime errors. */
#define FD_CEL_ERRORS(X)                              \
    X(NO_OVERLOAD, "no such overload")                \
    X(ABSENT, "no such field")                        \
    X(NO_KEY, "no such key")                          \
    X(OUT_OF_RANGE, "index out of range")             \
    X(OVERFLOW, "integer overflow")                   \
    X(DIVISION, "division by zero")                   \
    X(MODULUS, "modulus by zero")                     \
    X(CONVERSION, "conversion error")                 \
    X(TIME_RANGE, "timestamp or duration range")      \
    X(TOO_LONG, "string longer than 1 MiB")           \
    X(BAD_IP, "not an IP address")                    \
    X(DUPLICATE_KEY, "duplicate key in a map")        \
    X(BAD_KEY, "a map key of an unsupported type")    \
    X(TOO_LARGE, "value larger than 4 MiB")           \
    X(TOO_DEEP, "value nested deeper than 64 levels") \
    X(STEPS, "more than 1000000 steps")               \
    X(MEMORY, "more than 8 MiB of memory")            \
    X(EMPTY, "an optional without a value")           \
    X(ARGUMENT, "an argument out of range")           \
    X(UNDECLARED, "undeclared name")                  \
    X(BAD_PATTERN, "not a regular expression")

typedef enum fd_cel_errcode {
#define X(name, text) FD_CEL_E_##name,
    FD_CEL_ERRORS(X)
#undef X
        FD_CEL_N_ERRORS
} fd_cel_errcode;

/* What an expression may build: bytes of a string; elements of a list, entries of a map; bytes of a
 * value with all that it holds (16 for every element, the texts), and how deep it nests. */
enum {
    FD_CEL_STRING_MAX = 1024 * 1024,
    FD_CEL_LIST_MAX = 65536,
    FD_CEL_VALUE_MAX = 4 * 1024 * 1024,
    FD_CEL_NESTING_MAX = 64,
};

struct fd_cel_set;

typedef struct fd_cel_value {
    uint8_t kind;
    bool in_column; /* LIST, MAP */
    uint32_t n;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double d;
        const char *p;
        const struct fd_cel_value *list; /* OPTIONAL: its value */
        const uint8_t *address;          /* IP, CIDR */
        const fd_col *col;
        const struct fd_cel_set *set;
        const char *text; /* ERROR */
    } v;
} fd_cel_value;

_Static_assert(sizeof(fd_cel_value) == 16, "columns of values are sized by this");

/* A named list: membership is its owner's business (hash table, address ranges). */
typedef struct fd_cel_set {
    fd_cel_kind elem;   /* the kind that is looked up: STRING, INT, DOUBLE */
    const char *name;   /* for messages */
    uint64_t n_entries; /* for size() */
    const void *owner;
    /* BOOL, or ERROR when the value cannot be a member of any such list (a bad address). */
    fd_cel_value (*contains)(const void *owner, const fd_cel_value *v);
} fd_cel_set;

static inline fd_cel_value fd_cel_bool(bool b)
{
    return (fd_cel_value){.kind = FD_CEL_BOOL, .v.b = b};
}

static inline fd_cel_value fd_cel_int(int64_t i)
{
    return (fd_cel_value){.kind = FD_CEL_INT, .v.i = i};
}

static inline fd_cel_value fd_cel_uint(uint64_t u)
{
    return (fd_cel_value){.kind = FD_CEL_UINT, .v.u = u};
}

static inline fd_cel_value fd_cel_double(double d)
{
    return (fd_cel_value){.kind = FD_CEL_DOUBLE, .v.d = d};
}

static inline fd_cel_value fd_cel_string(fd_str s)
{
    return (fd_cel_value){.kind = FD_CEL_STRING, .n = s.n, .v.p = s.p};
}

static inline fd_cel_value fd_cel_bytes(fd_str s)
{
    return (fd_cel_value){.kind = FD_CEL_BYTES, .n = s.n, .v.p = s.p};
}

static inline fd_cel_value fd_cel_time(fd_cel_kind kind, int64_t seconds, int32_t nanos)
{
    return (fd_cel_value){.kind = (uint8_t)kind, .n = (uint32_t)nanos, .v.i = seconds};
}

static inline fd_cel_value fd_cel_type_value(const char *name)
{
    return (fd_cel_value){.kind = FD_CEL_TYPE, .n = (uint32_t)strlen(name), .v.p = name};
}

/* Of `n` values, or of `n` pairs. */
static inline fd_cel_value fd_cel_list(const fd_cel_value *items, uint32_t n)
{
    return (fd_cel_value){.kind = FD_CEL_LIST, .n = n, .v.list = items};
}

static inline fd_cel_value fd_cel_map(const fd_cel_value *pairs, uint32_t n)
{
    return (fd_cel_value){.kind = FD_CEL_MAP, .n = n, .v.list = pairs};
}

/* Holding *of, or nothing for NULL. */
static inline fd_cel_value fd_cel_optional(const fd_cel_value *of)
{
    return (fd_cel_value){.kind = FD_CEL_OPTIONAL, .n = of != NULL, .v.list = of};
}

static inline fd_str fd_cel_text(const fd_cel_value *v)
{
    return (fd_str){v->v.p, v->n};
}

static inline int32_t fd_cel_nanos(const fd_cel_value *v)
{
    return (int32_t)v->n;
}

/* An error with the code's own text, or with one that outlives the value. */
fd_cel_value fd_cel_error(fd_cel_errcode code);
fd_cel_value fd_cel_error_text(fd_cel_errcode code, const char *text);

const char *fd_cel_kind_name(fd_cel_kind k); /* for messages */
/* type(v), as CEL names it. */
fd_cel_value fd_cel_type_of(const fd_cel_value *v);
/* The type of a name, e.g. google.protobuf.Duration; false when there is none. */
bool fd_cel_find_type(fd_str name, fd_cel_value *out);

/* The value of one row of a column: ABSENT error when the row is null, with `absent` as text. */
fd_cel_value fd_cel_from_column(const fd_col *col, uint32_t row, const char *absent);

/* Lists and maps, whichever way they are held. Index i is below fd_cel_length(). */
uint32_t fd_cel_length(const fd_cel_value *v);
fd_cel_value fd_cel_element(const fd_cel_value *list, uint32_t i);
fd_cel_value fd_cel_map_key(const fd_cel_value *map, uint32_t i);
fd_cel_value fd_cel_map_value(const fd_cel_value *map, uint32_t i);
/* False when there is no such key (then *out is untouched); errors never match. */
bool fd_cel_map_find(const fd_cel_value *map, const fd_cel_value *key, fd_cel_value *out);

/* CEL equality: numbers by value across types, NaN equals nothing, other kinds never equal. */
bool fd_cel_equal(const fd_cel_value *a, const fd_cel_value *b);

/* Values that are equal hash alike. */
uint64_t fd_cel_hash(const fd_cel_value *v);

/* The bytes that v holds with all that is in it; beyond FD_CEL_VALUE_MAX it stops counting. */
uint64_t fd_cel_weight(const fd_cel_value *v);
/* v, or TOO_LARGE or TOO_DEEP: for whatever puts values together. */
fd_cel_value fd_cel_bounded(fd_cel_value v);

/* A copy in the arena, with all that it holds; event data is not copied. */
fd_cel_value fd_cel_copy(fd_arena *arena, const fd_cel_value *v);

/* Ordering of two values: -1, 0, 1; FD_CEL_UNORDERED for NaN, FD_CEL_INCOMPARABLE otherwise. */
enum { FD_CEL_UNORDERED = 2, FD_CEL_INCOMPARABLE = 3 };
int fd_cel_compare(const fd_cel_value *a, const fd_cel_value *b);

#endif
