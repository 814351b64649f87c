/*
 * A micro-batch of decoded events, by columns (in the shape Arrow made common).
 *
 * One fd_col per node of the schema tree. Invariants, for a column with n rows:
 *   valid[i] is 1 when row i has a value, 0 when it is null or absent (then v[i] is zeroed);
 *   a record's children have the record's rows: row i of a null record is null in all of them;
 *   a list's (map's) row i holds the child rows off[i] .. off[i+1]; off[0] == 0;
 *   a union's row i has its value in child[tag[i]], every child has the union's rows.
 * Strings and bytes point into the message payload or the batch's arena: they live until the
 * batch is reset. Numbers are as on the wire: timestamps and durations in the type's own ticks.
 * Columns grow to the batch's capacity once; lists grow to `max_elems` rows in all, beyond which
 * the event is refused. One owner at a time.
 */
#ifndef FD_DOMAIN_BATCH_H
#define FD_DOMAIN_BATCH_H

#include "base/arena.h"
#include "domain/type.h"

typedef struct fd_col {
    const fd_type *type;
    uint32_t n;   /* rows */
    uint32_t cap; /* rows that fit without growing */
    uint8_t *valid;
    union {
        uint8_t *b;    /* FD_BOOL: 0 or 1 */
        int64_t *i;    /* FD_INT, FD_TIMESTAMP, FD_DURATION */
        double *d;     /* FD_DOUBLE */
        fd_str *s;     /* FD_STRING, FD_BYTES */
        uint32_t *off; /* FD_LIST, FD_MAP: cap + 1 offsets */
        uint8_t *tag;  /* FD_UNION: which branch */
        void *any;     /* FD_NULL, FD_OPAQUE, FD_RECORD: NULL */
    } v;
    uint32_t n_children;
    struct fd_col *children; /* record: fields; list: element; map: key, value; union: branches */
} fd_col;

typedef struct fd_batch {
    fd_col root; /* FD_RECORD, root.n events */
    uint32_t cap;
    uint32_t max_elems;
    uint32_t n_cols;
    fd_col **cols;   /* every column, depth first, root at 0: how plans address them */
    fd_arena *arena; /* for values that are not in the payload (defaults, promoted decimals) */
} fd_batch;

/* `schema` must outlive the batch. */
fd_batch *fd_batch_new(const fd_type *schema, uint32_t cap, uint32_t max_elems);
void fd_batch_free(fd_batch *b); /* NULL is fine */
void fd_batch_reset(fd_batch *b);

/* Makes room for one more row. False when the column is at its bound. */
bool fd_col_reserve(fd_col *c, uint32_t rows, uint32_t max_rows);

/* Appends a null row to a column and, for records and unions, to all below. The caller reserved
 * room in top-level columns; false when a list's child bound is hit (never for null rows). */
void fd_col_push_null(fd_col *c);

/* Nulls up to `rows` rows, where there is room for them, of a column without children. */
void fd_col_fill_null(fd_col *c, uint32_t rows);

/* Takes every column back to `rows` rows: what a half-decoded event wrote is gone. */
void fd_batch_truncate(fd_batch *b, uint32_t rows);

/* The column at a dotted path through records; NULL when there is none. */
const fd_col *fd_batch_path(const fd_batch *b, fd_str path);

#endif
