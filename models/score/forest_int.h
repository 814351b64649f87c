/*
 * Inside a forest: what fd_forest_new() keeps of an ensemble. Shared by the files that check, lay
 * out, evaluate and explain it.
 *
 * Invariants: nodes of a tree are in the order of a walk that visits `yes` before `no`, so node 0
 * is the root, children come after their parents and every node is reached once. Thresholds and
 * leaves are already rounded to float where the forest computes in float.
 */
#ifndef FD_SCORE_FOREST_INT_H
#define FD_SCORE_FOREST_INT_H

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "score/forest.h"

typedef struct fd_kept_node {
    double threshold;
    double cover;
    uint32_t input;
    uint32_t yes, no;  /* nodes of the same tree */
    uint32_t first, n; /* IN: words in `sets`; LEAF: values in `values` */
    uint8_t split;     /* fd_split */
    bool missing_yes, zero_is_missing, nan_is_zero, from_zero;
} fd_kept_node;

typedef struct fd_kept_tree {
    size_t first; /* in `nodes` */
    uint32_t n_nodes;
    uint32_t n_leaves;
    uint32_t depth; /* splits on the longest way down; 0: a single leaf */
    bool covers;    /* every split has one */
} fd_kept_tree;

typedef struct fd_forest_fast fd_forest_fast; /* forest_fast.h */

struct fd_forest {
    uint32_t n_inputs, n_outputs, n_trees;
    bool float_inputs, average;
    fd_forest_sum sum;
    fd_forest_way way;
    double *base;       /* per output */
    uint32_t *trees_of; /* per output: trees that add to it */
    fd_kept_tree *trees;
    fd_kept_node *nodes;
    size_t n_nodes;
    uint64_t *sets;
    size_t n_set_words;
    fd_forest_leaf_value *values;
    size_t n_values;
    fd_forest_fast *fast; /* NULL: too large for it */
};

/* LightGBM's bound for what is zero, a float there. */
#define FD_ZERO_BOUND ((double)1e-35F)

static inline bool fd_forest_sums_floats(const fd_forest *f)
{
    return f->sum == FD_SUM_FLOAT_FROM_ZERO || f->sum == FD_SUM_FLOAT_FROM_BASE;
}

static inline bool fd_forest_sums_from_base(const fd_forest *f)
{
    return f->sum == FD_SUM_FLOAT_FROM_BASE || f->sum == FD_SUM_DOUBLE_FROM_BASE;
}

static inline const fd_kept_node *fd_forest_nodes(const fd_forest *f, uint32_t tree)
{
    return f->nodes + f->trees[tree].first;
}

/* A value as the forest sees it. */
static inline double fd_forest_input(const fd_forest *f, double x)
{
    return f->float_inputs ? (double)(float)x : x;
}

/* Where a value (from fd_forest_input) goes from a split. */
bool fd_forest_goes_yes(const fd_forest *f, const fd_kept_node *node, double x);
/* The leaf that a row reaches; columns[input][row]. */
const fd_kept_node *fd_forest_leaf(const fd_forest *f, uint32_t tree, const double *const *columns,
                                   uint32_t row);
/* The plainest way: node by node, row by row. What all others must equal, bit for bit. */
void fd_forest_score_plainly(const fd_forest *f, const double *const *columns, uint32_t n,
                             double *const *out);

/* One more leaf, in the forest's width. */
static inline double fd_forest_add(const fd_forest *f, double sum, double value)
{
    return fd_forest_sums_floats(f) ? (double)((float)sum + (float)value) : sum + value;
}
/* What a sum begins with, and what becomes of it after the last tree. */
double fd_forest_begin(const fd_forest *f, uint32_t output);
double fd_forest_end(const fd_forest *f, uint32_t output, double sum);

/* Copies and checks a spec; false after errors. f's counts are set by then. */
bool fd_forest_keep(fd_forest *f, const fd_forest_spec *spec, const char *file, fd_diags *diags);

#endif
