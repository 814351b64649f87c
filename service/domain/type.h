/*
 * What an event looks like, without Avro: the catalogue that rules are checked against and
 * columns are laid out by.
 *
 * A schema is a tree of fd_type. Avro maps onto it so (schemas/codec does the mapping):
 *   null            FD_NULL                boolean      FD_BOOL
 *   int, long       FD_INT                 float,double FD_DOUBLE
 *   string, enum    FD_STRING              uuid         FD_STRING
 *   bytes, fixed    FD_BYTES               decimal      FD_INT, `scale` decimal places
 *   timestamp-*     FD_TIMESTAMP           date         FD_TIMESTAMP, per_second 0 (days)
 *   time-*          FD_DURATION            array        FD_LIST      map   FD_MAP
 *   record          FD_RECORD
 *   union with null: the other branch, nullable
 *   union of records: one FD_RECORD with the fields of all branches, those not in every branch
 *     nullable; a field is present when the branch at hand has it
 *   any other union: FD_UNION, one child per branch
 *   a recursive reference: FD_OPAQUE, decoded over, not reachable in rules
 * Immutable once built; any thread may read.
 */
#ifndef FD_DOMAIN_TYPE_H
#define FD_DOMAIN_TYPE_H

#include "base/str.h"

typedef enum fd_kind {
    FD_NULL,
    FD_BOOL,
    FD_INT,
    FD_DOUBLE,
    FD_STRING,
    FD_BYTES,
    FD_TIMESTAMP,
    FD_DURATION,
    FD_LIST,
    FD_MAP,
    FD_RECORD,
    FD_UNION,
    FD_OPAQUE,
} fd_kind;

typedef struct fd_type fd_type;

typedef struct fd_field {
    const char *name;
    const fd_type *type;
} fd_field;

struct fd_type {
    fd_kind kind;
    bool nullable;
    bool is_enum;       /* FD_STRING: only the symbols below occur */
    uint8_t scale;      /* FD_INT from decimal: value = int × 10^-scale */
    int64_t per_second; /* FD_TIMESTAMP, FD_DURATION: ticks per second; 0 = days */
    const char *name;   /* FD_RECORD: its full name */
    uint32_t n_fields;  /* FD_RECORD: fields; FD_UNION: branches (names are their kinds) */
    const fd_field *fields;
    const fd_type *elem; /* FD_LIST: element; FD_MAP: value (keys are strings) */
    uint32_t n_symbols;  /* enum */
    const fd_str *symbols;
};

const char *fd_kind_name(fd_kind k);

/* The field of a record, or NULL; *index (may be NULL) gets its place. */
const fd_field *fd_type_field(const fd_type *record, fd_str name, uint32_t *index);

/* Follows a dotted path ("card.bin") through records; NULL when some step is not there. */
const fd_type *fd_type_path(const fd_type *record, fd_str path);

/* How many columns of a batch a type takes, its own included, and which one, counted depth first
 * from the record's own at 0, a dotted path leads to; false when there is none. */
uint32_t fd_type_columns(const fd_type *t);
bool fd_type_column(const fd_type *record, fd_str path, uint32_t *column);

#endif
