/*
 * Trees: what loaders hand over, and the implementation that evaluates and explains them.
 *
 * A loader describes its ensemble node by node (fd_forest_spec); fd_forest_new() checks it (indices
 * in range, no node reached twice; one that is never reached is dropped) and lays it out for the
 * fastest way to evaluate each tree: by ranks of thresholds over blocks of rows for shallow trees,
 * by an interleaved walk without branches for the rest. Whatever the way, each row reaches the same
 * leaf and leaves are summed in the same order and width, so the raw score has the bits of the
 * reference library's.
 *
 * Thread: any; a forest is immutable.
 */
#ifndef FD_SCORE_FOREST_H
#define FD_SCORE_FOREST_H

#include "score/model.h"

/* When a row goes to `yes`. Values are compared in the forest's number type. */
typedef enum fd_split {
    FD_SPLIT_LT, /* x < t */
    FD_SPLIT_LE, /* x <= t */
    FD_SPLIT_GT,
    FD_SPLIT_GE,
    FD_SPLIT_EQ,
    FD_SPLIT_NE,
    FD_SPLIT_IN, /* the category (int)x is in the node's set; a negative one, one of 2^24 and more
                    and one beyond the set is not in it; see from_zero */
    FD_SPLIT_LEAF
} fd_split;

typedef struct fd_forest_leaf_value {
    uint32_t output;
    double value;
} fd_forest_leaf_value;

typedef struct fd_forest_node {
    fd_split split;
    uint32_t input;
    double threshold;
    uint32_t yes, no;     /* nodes of the same tree */
    bool missing_yes;     /* where NaN goes */
    bool zero_is_missing; /* |x| <= 1e-35 goes with NaN (LightGBM's missing type Zero) */
    bool nan_is_zero;     /* NaN is taken for 0 and compared (its missing type None) */
    bool from_zero;       /* IN: a value between -1 and 0 is in no set, not category 0 (XGBoost) */
    uint32_t n_set_words; /* IN: bits of the categories, 64 to a word */
    const uint64_t *set;  /* the caller's until fd_forest_new() returns */
    uint32_t n_values;    /* LEAF: what it adds; one value unless the ensemble has vector leaves */
    const fd_forest_leaf_value *values; /* the caller's */
    double cover; /* weight of the training rows that came by, for contributions; 0: not known */
} fd_forest_node;

typedef struct fd_forest_tree {
    uint32_t n_nodes; /* node 0 is the root */
    const fd_forest_node *nodes;
} fd_forest_tree;

/* How leaves become the raw score; a loader states which of its library's paths this is. */
typedef enum fd_forest_sum {
    FD_SUM_FLOAT_FROM_ZERO, /* float: 0 + leaf of tree 0 + ... , base added at the end */
    FD_SUM_FLOAT_FROM_BASE, /* float: base + leaf of tree 0 + ... */
    FD_SUM_DOUBLE_FROM_ZERO,
    FD_SUM_DOUBLE_FROM_BASE,
} fd_forest_sum;

typedef struct fd_forest_spec {
    uint32_t n_inputs;
    uint32_t n_outputs;
    bool float_inputs; /* inputs and thresholds are rounded to float before they are compared */
    fd_forest_sum sum;
    bool average; /* with FROM_ZERO: the sum is divided by the number of trees that add to that
                     output before base is added */
    const double *base; /* per output; NULL: zeroes */
    uint32_t n_trees;
    const fd_forest_tree *trees;
} fd_forest_spec;

typedef struct fd_forest fd_forest;

/* NULL after errors in diags, which name `file` and the tree. */
fd_forest *fd_forest_new(const fd_forest_spec *spec, const char *file, fd_diags *diags);
void fd_forest_free(fd_forest *f);
size_t fd_forest_bytes(const fd_forest *f);

size_t fd_forest_scratch_bytes(const fd_forest *f, uint32_t max_rows);
/* Raw scores, exactly as the reference sums them. */
void fd_forest_score(const fd_forest *f, void *scratch, const double *const *columns, uint32_t n,
                     double *const *out);
/* Whether contributions can be had: all trees have covers. */
bool fd_forest_explains(const fd_forest *f);
/* Exact TreeSHAP by path (Lundberg et al., "Consistent individualized feature attribution for tree
 * ensembles", 2018); contributions[0 .. n_inputs] as in fd_model_ops. False: covers are unknown. */
bool fd_forest_contribute(const fd_forest *f, const double *row, uint32_t output,
                          double *contributions);

/* How trees are evaluated, for tests and benchmarks: bits are the same. */
typedef enum fd_forest_way {
    FD_FOREST_CHOOSE,
    FD_FOREST_BY_RANKS,
    FD_FOREST_BY_WALK
} fd_forest_way;
void fd_forest_set_way(fd_forest *f, fd_forest_way way);

#endif
