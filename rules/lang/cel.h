/*
 * CEL expressions over a batch of events: check and compile once, evaluate by columns.
 *
 * A scope says what names mean: `event.<field>` by the event schema, `features.<name>`,
 * `variables.<name>`, `lists.<name>` and `models.<id>` by its owner. A program is immutable and
 * lives in the arena it was compiled into; any thread may evaluate it with a run of its own.
 * Evaluation takes a batch (and, beside it, one of features) and a selection of rows, so that how
 * it is done (row by row, by columns) stays behind this header.
 *
 * Memory and time of an expression are bounded, for each row alone: what builds values or loops
 * runs row by row with 8 MiB and 1,000,000 steps, then its memory is given back and only its
 * result is kept; beyond that it is an error of the expression.
 *
 * Errors of an expression are data: a value of kind FD_CEL_ERROR, absorbed by && || ?: as CEL
 * says. Nothing here depends on time, locale, or which other rows are selected.
 */
#ifndef FD_LANG_CEL_H
#define FD_LANG_CEL_H

#include "lang/value.h"
#include "text/source.h"

/* A static type. `elem` is set for lists, optionals and map values, `key` for maps; an ABSTRACT
 * type has its first parameter in `elem` and a type with the further ones in `key` (or NULL). */
typedef struct fd_cel_type {
    fd_cel_kind kind;
    const struct fd_cel_type *elem;
    const struct fd_cel_type *key;
    const fd_type *schema; /* RECORD: its fields; STRING: an enum's symbols; else NULL */
    const char *name;      /* ABSTRACT */
} fd_cel_type;

typedef struct fd_cel_program fd_cel_program;

typedef enum fd_cel_lookup {
    FD_CEL_UNKNOWN,  /* no such variable or feature */
    FD_CEL_FOUND,    /* what is asked for is filled */
    FD_CEL_BROKEN,   /* it has errors of its own, already reported */
    FD_CEL_CYCLE,    /* it depends on the expression at hand */
    FD_CEL_TOO_DEEP, /* variables of variables of ... */
    FD_CEL_HIDDEN,   /* a model that rules do not see */
} fd_cel_lookup;

/* Where a model's numbers are, as columns of the batch of features: doubles, null where the model
 * has not scored the event. */
typedef struct fd_cel_model {
    uint32_t score;
    uint32_t values; /* of .value[0]; the others follow */
    uint32_t n_values;
} fd_cel_model;

/* Names beyond those of rules, for programs that check the language itself. */
typedef struct fd_cel_environment {
    void *ctx;
    /* A variable by its whole path, "a.b.c"; rooted: it was written with a leading dot. */
    fd_cel_lookup (*variable)(void *ctx, fd_str path, bool rooted, const fd_cel_type **type,
                              uint32_t *slot);
    /* The result of a function that can only be checked, never run; NULL: unknown. */
    const fd_cel_type *(*function)(void *ctx, fd_str name, const fd_cel_type *const *args,
                                   uint32_t n, fd_arena *arena);
    bool unchecked;  /* types and names are not checked but found out when it runs */
    bool macros_off; /* macros are calls like any other */
} fd_cel_environment;

/* What names mean. Name arrays serve "did you mean". */
typedef struct fd_cel_scope {
    const fd_type *event; /* NULL: there is no event (constant expressions) */
    /* Not NULL: the expression sees event fields alone, and this is what messages call it. */
    const char *event_only;
    void *ctx;
    fd_cel_lookup (*variable)(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot);
    const fd_cel_set *(*list)(void *ctx, fd_str name); /* NULL: unknown */
    /* A scalar, and its column in the batch of features (the root is 0). */
    fd_cel_lookup (*feature)(void *ctx, fd_str name, const fd_type **type, uint32_t *column);
    /* FOUND, HIDDEN or UNKNOWN, the same whenever it is asked; NULL: there are no models. */
    fd_cel_lookup (*model)(void *ctx, fd_str name, fd_cel_model *out);
    const char *const *variable_names;
    uint32_t n_variables;
    const char *const *list_names;
    uint32_t n_lists;
    const char *const *feature_names;
    uint32_t n_features;
    const char *const *model_names;
    uint32_t n_models;
    const fd_cel_environment *environment; /* NULL for rules */
} fd_cel_scope;

/* NULL after errors, which are in diags. Warnings: what always fails, what is always the same. */
const fd_cel_program *fd_cel_compile(const fd_cel_scope *scope, const fd_cel_source *src,
                                     fd_arena *arena, fd_diags *diags);

const fd_cel_type *fd_cel_program_type(const fd_cel_program *p);
/* True when it is the same for every event; *out gets the value (which may be an error). */
bool fd_cel_program_constant(const fd_cel_program *p, fd_cel_value *out);
/* An upper bound of the steps that one row takes, variables not included; lists of unknown length
 * are taken as FD_CEL_ASSUMED_LENGTH long. Beyond FD_CEL_MAX_COST an expression is refused. */
enum { FD_CEL_ASSUMED_LENGTH = 100, FD_CEL_MAX_COST = 1000000 };
uint32_t fd_cel_program_cost(const fd_cel_program *p);
/* What a person calls a type: "list of int". Writes at most cap bytes and returns buf. */
const char *fd_cel_type_name(const fd_cel_type *t, char *buf, size_t cap);

/* The expression in one spelling: equal for two texts that only differ in blanks, comments,
 * needless parentheses and how literals are written. One line; lives in the arena. The text must be
 * one that compiled. */
fd_str fd_cel_canonical(const fd_cel_source *src, fd_arena *arena);

/* Scratch memory of one evaluating thread. */
typedef struct fd_cel_run fd_cel_run;

/* `variables[slot]` as the scope gave slots out; the array must outlive the run. */
fd_cel_run *fd_cel_run_new(const fd_cel_program *const *variables, uint32_t n_variables,
                           uint32_t max_rows);
void fd_cel_run_free(fd_cel_run *run); /* NULL is fine */
/* A new batch: values of the one before are gone. batch may be NULL for constants, features where
 * no program that is asked for has any; row i of features belongs to row i of batch. */
void fd_cel_run_begin(fd_cel_run *run, const fd_batch *batch, const fd_batch *features);
/* Room for what belongs to the batch at hand, e.g. verdicts. */
fd_arena *fd_cel_run_arena(fd_cel_run *run);

/* The rows 0, 1, 2, ... up to max_rows. Asking for (a piece of) them is cheaper than for the same
 * numbers in an array of one's own. */
const uint32_t *fd_cel_run_all(const fd_cel_run *run);

/* out[i] = the value for row rows[i]. Strings live until the next begin or as the batch does. */
void fd_cel_eval(fd_cel_run *run, const fd_cel_program *p, const uint32_t *rows, uint32_t n,
                 fd_cel_value *out);

/* For bool programs: out[i] is one of these. */
enum { FD_CEL_FALSE = 0, FD_CEL_TRUE = 1, FD_CEL_FAILED = 2 };
void fd_cel_test(fd_cel_run *run, const fd_cel_program *p, const uint32_t *rows, uint32_t n,
                 uint8_t *out);

/* The text of the error for a row on which fd_cel_test() says FAILED. */
const char *fd_cel_why(fd_cel_run *run, const fd_cel_program *p, uint32_t row);

/* The first of out[from .. n) that is not FALSE, or n. Most are: eight are looked at at once. */
static inline uint32_t fd_cel_next(const uint8_t *out, uint32_t from, uint32_t n)
{
    uint64_t eight;
    uint32_t i = from;
    for (; i + sizeof eight <= n; i += (uint32_t)sizeof eight) {
        memcpy(&eight, out + i, sizeof eight);
        if (eight != 0)
            break;
    }
    while (i < n && out[i] == FD_CEL_FALSE)
        i++;
    return i;
}

#endif
