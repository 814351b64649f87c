/*
 * The compiled form of an expression: compile.c makes it, eval*.c walk it.
 * A tree of immutable nodes in the arena it was compiled into; constants are folded.
 */
#ifndef FD_LANG_PROGRAM_INT_H
#define FD_LANG_PROGRAM_INT_H

#include "lang/ast.h"

typedef enum fd_node_kind {
    FD_NODE_CONST,
    FD_NODE_COLUMN,     /* index, in batch */
    FD_NODE_HAS_COLUMN, /* index, in batch */
    FD_NODE_VARIABLE,   /* index */
    FD_NODE_FIELD,      /* name of args[0], a record or map */
    FD_NODE_HAS_FIELD,
    FD_NODE_CALL,    /* overloads over args */
    FD_NODE_COMPARE, /* op: LT LE GT GE EQ NE */
    FD_NODE_IN,
    FD_NODE_INDEX,
    FD_NODE_NOT,
    FD_NODE_AND,
    FD_NODE_OR,
    FD_NODE_COND,
    FD_NODE_LIST,
    FD_NODE_MAP,
} fd_node_kind;

typedef struct fd_node {
    uint8_t kind;
    uint8_t op;   /* fd_cel_operator */
    uint8_t type; /* fd_cel_kind, as far as statically known */
    uint8_t batch;
    uint32_t n_args;
    const struct fd_node *const *args;
    uint32_t index;
    fd_str name;
    const char *absent; /* the text of the error when there is no value */
    fd_cel_value value;
    fd_cel_overloads overloads;
} fd_node;

struct fd_cel_program {
    const fd_node *root;
    const fd_cel_type *type;
    uint32_t cost;
};

/* Rows are evaluated in pieces of this many: temporaries stay in the first-level cache. */
enum { FD_CEL_CHUNK = 256 };

struct fd_cel_run {
    const fd_cel_program *const *variables;
    uint32_t n_variables;
    uint32_t max_rows;
    const fd_batch *batches[FD_CEL_N_BATCHES];
    uint32_t *all;         /* 0, 1, 2, ... */
    const uint32_t *dense; /* a piece of it that is asked for: kernels need not look at it */
    fd_arena *arena;
    fd_cel_value **memo;   /* per variable, by row; made when first used */
    uint32_t **memo_batch; /* which batch the row's value belongs to */
    uint8_t **tested;      /* the same for bool variables that conditions ask for: bytes */
    uint32_t **tested_batch;
    uint32_t batch_no;
    fd_cel_value **vectors; /* a stack of temporaries of FD_CEL_CHUNK values each */
    uint32_t n_vectors, used_vectors;
    uint32_t **selections; /* the same for row numbers: 2 * FD_CEL_CHUNK each */
    uint32_t n_selections, used_selections;
};

/* At most FD_CEL_CHUNK rows. */
void fd_node_eval(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                  fd_cel_value *out);
void fd_node_test(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n, uint8_t *out);

/* The column that a COLUMN or HAS_COLUMN node names. */
const fd_col *fd_node_column(const fd_cel_run *r, const fd_node *x);

fd_cel_value *fd_run_push_vector(fd_cel_run *r);
void fd_run_pop_vector(fd_cel_run *r);
uint32_t *fd_run_push_selection(fd_cel_run *r);
void fd_run_pop_selection(fd_cel_run *r);

/* The rows among these whose mark is not the batch at hand, which becomes their mark. */
uint32_t fd_run_unmarked(const fd_cel_run *r, uint32_t *marks, const uint32_t *rows, uint32_t n,
                         uint32_t *out);

/* x in where, neither being an error. */
fd_cel_value fd_node_in(const fd_cel_value *x, const fd_cel_value *where);

/* The result of a comparison operator for two values that are not errors. */
fd_cel_value fd_node_compare(fd_cel_operator op, const fd_cel_value *a, const fd_cel_value *b);

#endif
