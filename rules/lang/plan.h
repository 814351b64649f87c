/*
 * One plan for many conditions: a graph of their distinct parts, evaluated a column at a time.
 *
 * Parts that are equal are one node, wherever they stand: in conditions and in the variables that
 * they refer to. A node's answer is two bits per row: true, and true or failed. Cheap nodes
 * (numbers, null tests, texts against constants, what joins them) are computed for all rows of a
 * batch; the others by the row evaluator, when a condition asks for them, on the rows that its
 * cheap parts leave open, each row once.
 *
 * What is answered is exactly what fd_cel_test() says, row by row; why something failed is asked of
 * fd_cel_eval(). A plan is immutable: any thread may use it, each with a run of its own.
 */
#ifndef FD_LANG_PLAN_H
#define FD_LANG_PLAN_H

#include "base/strbuf.h"
#include "lang/cel.h"
#include "lang/kernels.h"

typedef struct fd_cel_plan fd_cel_plan;
typedef struct fd_cel_plan_run fd_cel_plan_run;

/* What names in conditions mean: the types of the batches, `features` NULL where there are none,
 * and variables[slot] as for fd_cel_run_new(). */
typedef struct fd_cel_plan_scope {
    const fd_type *event, *features;
    const fd_cel_program *const *variables;
    uint32_t n_variables;
} fd_cel_plan_scope;

/* Conditions of type bool or dyn; NULL: not asked for. Types and programs must outlive the plan. */
fd_cel_plan *fd_cel_plan_new(const fd_cel_plan_scope *scope, const fd_cel_program *const *roots,
                             uint32_t n_roots);
void fd_cel_plan_free(fd_cel_plan *plan); /* NULL is fine */

/* Scratch memory of one evaluating thread, on the machine's best instructions. */
fd_cel_plan_run *fd_cel_plan_run_new(const fd_cel_plan *plan, uint32_t max_rows);
void fd_cel_plan_run_free(fd_cel_plan_run *run); /* NULL is fine */
/* False: this machine has no such instructions, and nothing has changed. Answers are the same. */
bool fd_cel_plan_run_use(fd_cel_plan_run *run, fd_kernel_level level);

/* The batch that fd_cel_run_begin() was given, whose run serves the rows that need it. It must have
 * been begun with a batch, and stay at it while answers are asked for. */
void fd_cel_plan_begin(fd_cel_plan_run *run, fd_cel_run *cel);

/* Rows as bits, words of 64. Bits of rows that were not asked for say nothing. */
typedef struct fd_cel_bits {
    const uint64_t *hit;  /* the condition is true */
    const uint64_t *open; /* it is true or failed */
} fd_cel_bits;

/* The first condition from `from` on that may be true or fail for some row; n_roots: none. */
uint32_t fd_cel_plan_next(const fd_cel_plan_run *run, uint32_t from);
/* The condition's answers for these rows (NULL: all of the batch). They live until the next call
 * for the same condition. */
fd_cel_bits fd_cel_plan_ask(fd_cel_plan_run *run, uint32_t root, const uint64_t *rows);

/* ---- what a plan looks like ---- */

/* Of one condition; nanoseconds are estimates, for an event of large batches. */
typedef struct fd_cel_root_stats {
    uint32_t n_nodes;     /* distinct parts, itself included */
    uint32_t n_shared;    /* of these, those that other conditions have too */
    uint32_t n_row_nodes; /* of these, those left to the row evaluator */
    double ns;            /* if it were alone, without what runs on rows */
    double share_ns;      /* the same, what is shared divided among those who share it */
    double row_ns;        /* per row that is left to the row evaluator */
} fd_cel_root_stats;

typedef struct fd_cel_plan_stats {
    uint32_t n_nodes; /* distinct parts of all conditions */
    uint32_t n_shared;
    uint32_t n_row_nodes;
    uint32_t n_values;     /* distinct numbers that are compared or computed by columns */
    uint32_t n_predicates; /* distinct comparisons with constants */
    uint64_t n_parts;      /* what n_nodes would be if nothing were shared */
    double ns;             /* without what runs on rows */
} fd_cel_plan_stats;

/* roots[i] is of condition i, zeros for one that is not asked for. whys[i] (NULL: not wanted) gets
 * what of it runs on rows and for which reasons, separated by "; ". */
fd_cel_plan_stats fd_cel_plan_describe(const fd_cel_plan *plan, fd_cel_root_stats *roots,
                                       fd_strbuf *whys);

#endif
