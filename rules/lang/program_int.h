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
    FD_NODE_MATCHES, /* regex, or NULL when the pattern, args[1], is only known at run time */
    FD_NODE_COMPARE, /* op: LT LE GT GE EQ NE */
    FD_NODE_IN,
    FD_NODE_INDEX,
    FD_NODE_NOT,
    FD_NODE_AND,
    FD_NODE_OR,
    FD_NODE_COND,
    FD_NODE_LIST,
    FD_NODE_MAP,
    FD_NODE_LOCAL,   /* index: the slot */
    FD_NODE_LOOP,    /* op: fd_macro; names from slot index on; args as fd_macro has them */
    FD_NODE_LET,     /* args: values for the slots from index on, result */
    FD_NODE_OR_ELSE, /* args[0] unless it is empty, else args[1]; value or optional: overloads */
} fd_node_kind;

typedef struct fd_node {
    uint8_t kind;
    uint8_t op;   /* fd_cel_operator, fd_macro */
    uint8_t type; /* fd_cel_kind, as far as statically known */
    uint8_t batch;
    bool optional;                /* COLUMN, FIELD, INDEX: gives an optional */
    bool varies;                  /* with the row */
    bool heavy;                   /* it or a part of it builds values or loops: runs row by row */
    uint16_t depth;               /* how deep evaluation nests */
    uint32_t low;                 /* the lowest slot it reads that is not its own; FD_NO_LOCAL */
    uint32_t n_locals;            /* LOOP, LET: slots of its own */
    const uint8_t *optional_args; /* LIST, MAP: which args stand behind '?'; NULL for none */
    uint32_t n_args;
    const struct fd_node *const *args;
    uint32_t index;
    fd_str name;
    const char *absent; /* the text of the error when there is no value */
    fd_cel_value value;
    fd_cel_overloads overloads;
    const fd_regex *regex;
} fd_node;

enum { FD_NO_LOCAL = UINT32_MAX };

struct fd_cel_program {
    const fd_node *root;
    const fd_cel_type *type;
    uint32_t cost;
    uint32_t n_locals; /* slots it needs */
};

/* What a slot holds; a value that LET gives is computed when it is first asked for. */
typedef struct fd_slot {
    fd_cel_value value;
    const fd_node *pending;
} fd_slot;

/* What one row may take at a time. */
enum { FD_ROW_STEPS = 1000000, FD_ROW_BYTES = 8 * 1024 * 1024 };

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
    struct fd_run_regexes *regexes; /* NULL until one is needed */
    /* The frame of the program at hand: slots[base .. top). */
    fd_slot *slots;
    uint32_t n_slots, base, top;
    /* While one row runs alone: */
    bool in_row;
    uint64_t steps;      /* spent */
    size_t arena_from;   /* bytes used when it began */
    uint32_t exhausted;  /* an error code, or FD_CEL_N_ERRORS */
    fd_arena *temporary; /* of rows that run alone */
    fd_arena *kept;      /* until the next batch; arena is this or temporary */
};

/* At most FD_CEL_CHUNK rows. */
void fd_node_eval(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                  fd_cel_value *out);
void fd_node_test(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n, uint8_t *out);

/* eval_loop.c. Each row alone, with its own bounds; results are copied into r->arena. */
void fd_eval_by_rows(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                     fd_cel_value *out);
/* LOCAL, LOOP, LET, OR_ELSE, for the one row that runs. */
fd_cel_value fd_eval_in_row(fd_cel_run *r, const fd_node *x, const uint32_t *row);
/* Counts work of the row that runs; false when it has had enough. */
bool fd_run_spend(fd_cel_run *r, uint64_t steps);
/* What looking at the texts of values costs, with `all` at all that they hold. */
uint64_t fd_run_work(const fd_cel_value *args, uint32_t n, bool all);
/* fd_cel_bounded(), its walk counted. */
fd_cel_value fd_run_bounded(fd_cel_run *r, fd_cel_value v);

/* Another program: its frame, and no row running; leave() restores what enter() gave. */
typedef struct fd_frame {
    uint32_t base, top;
    bool in_row;
    uint64_t steps;
    size_t arena_from;
    uint32_t exhausted;
    fd_arena *arena;
} fd_frame;
fd_frame fd_run_enter(fd_cel_run *r, const fd_cel_program *p);
void fd_run_leave(fd_cel_run *r, const fd_frame *f);

/* A map of n pairs: keys must be of key types and differ. */
fd_cel_value fd_node_checked_map(fd_cel_run *r, fd_cel_value map);
/* of[at] and of.name, neither being an error. */
fd_cel_value fd_node_index(const fd_cel_value *of, const fd_cel_value *at);

/* The column that a COLUMN or HAS_COLUMN node names. */
const fd_col *fd_node_column(const fd_cel_run *r, const fd_node *x);

fd_cel_value *fd_run_push_vector(fd_cel_run *r);
void fd_run_pop_vector(fd_cel_run *r);
uint32_t *fd_run_push_selection(fd_cel_run *r);
void fd_run_pop_selection(fd_cel_run *r);

/* The rows among these whose mark is not the batch at hand, which becomes their mark. */
uint32_t fd_run_unmarked(const fd_cel_run *r, uint32_t *marks, const uint32_t *rows, uint32_t n,
                         uint32_t *out);

/* eval_regex.c */
void fd_node_matches(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                     fd_cel_value *out);
void fd_run_regexes_free(struct fd_run_regexes *all); /* NULL is fine */

/* x in where, neither being an error. */
fd_cel_value fd_node_in(const fd_cel_value *x, const fd_cel_value *where);

/* The result of a comparison operator for two values that are not errors. */
fd_cel_value fd_node_compare(fd_cel_operator op, const fd_cel_value *a, const fd_cel_value *b);

#endif
