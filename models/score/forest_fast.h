/*
 * The fast ways through a forest.
 *
 * Ranks. A split compares an input with a threshold. All thresholds of an input, sorted, are cuts;
 * an input's rank is the number of cuts that are not above it. A split is then: rank > k. Ranks are
 * computed once per row, exactly, in the forest's number type. Splits that treat missing values
 * differently look at the rank differently: to each look a missing value has the rank 0, that of 0,
 * or that of all cuts. Ranks are bytes: an input with more than 255 cuts has several columns, each
 * for 255 of them, and the rank in each is clamped to [0, 255]. Whether a value is in a set of
 * categories, or equal to a number, is a column with 0 (yes) or 1.
 *
 * Tiles. 64 rows are done at once: ranks[column][64], each tree for all rows before the next one.
 * Trees of at most 64 leaves, and those of depth 8 at most, have all of their splits evaluated,
 * bottom up, each choosing for every row between the leaves (bytes) that its children chose: no
 * branches, no gathers. Others, and all trees when there are few rows, are walked by eight rows, or
 * eight trees, in turn, in steps without branches.
 */
#ifndef FD_SCORE_FOREST_FAST_H
#define FD_SCORE_FOREST_FAST_H

#include "score/forest_int.h"

enum {
    FD_TILE = 64,         /* rows */
    FD_TILE_LEAVES = 64,  /* of a tree whose splits are all evaluated */
    FD_PERFECT_DEPTH = 8, /* of a tree that is padded to a perfect one */
    FD_COLUMN_CUTS = 255,
    FD_CUT_LANES = 16, /* cuts are padded for registers of so many */
    FD_MAX_COLUMNS = 65536,
    FD_MAX_TESTS = 512,             /* columns for sets and equalities */
    FD_FAST_NODES = 4 * 1000 * 1000 /* larger forests are walked plainly */
};

/* Where a missing value goes. */
typedef enum fd_view_missing {
    FD_MISSING_LOW,
    FD_MISSING_HIGH,
    FD_MISSING_IS_ZERO
} fd_view_missing;

/* An input's cuts. */
typedef struct fd_view {
    uint32_t input;
    uint32_t n_cuts;
    size_t first_cut; /* FD_CUT_LANES of NaN follow the last, and fill up to a multiple */
    uint32_t zero;    /* the rank of 0 */
    uint32_t first_look, n_looks;
} fd_view;

/* One way to see an input's rank: what is missing, and where it goes. */
typedef struct fd_look {
    uint8_t missing; /* fd_view_missing */
    bool zero_is_missing;
    uint32_t column; /* the first of ceil(n_cuts / 255) */
} fd_look;

/* A column of 0 and 1: what a split by a set or by equality says. */
typedef struct fd_test_column {
    uint64_t hash;
    size_t node; /* one of the nodes with that split */
    uint32_t column;
} fd_test_column;

/* A split by rank: `rank[column] > k` goes to the second child. */
typedef struct fd_rank_split {
    uint32_t column;
    uint8_t k;
    bool yes_first; /* the first child is `yes` */
} fd_rank_split;

typedef enum fd_tree_kind {
    FD_TREE_PLAIN,   /* node by node */
    FD_TREE_STEPS,   /* walked by ranks */
    FD_TREE_BYTES,   /* all splits, in an order of their own */
    FD_TREE_PERFECT, /* all splits, padded to a perfect tree */
} fd_tree_kind;

/* One split of a BYTES tree: slots 0 to 63 are the leaves, the others what splits chose. */
typedef struct fd_byte_split {
    uint32_t column;
    uint8_t k, first, second, to;
} fd_byte_split;

/* One split of a PERFECT tree, at its place in a heap. */
typedef struct fd_heap_split {
    uint32_t ranks; /* where its column begins in a tile */
    uint32_t k;     /* four times, for registers */
} fd_heap_split;

/* A node of a walked tree: a leaf leads to itself. */
typedef struct fd_step {
    uint32_t test;  /* column << 8 | k */
    uint32_t child; /* the first one, the second is behind it; in all steps */
} fd_step;

typedef struct fd_fast_tree {
    uint8_t kind;  /* fd_tree_kind */
    uint8_t depth; /* PERFECT */
    bool simple;   /* each leaf adds one value to `output` */
    uint32_t output;
    uint32_t n_splits;  /* BYTES */
    uint32_t n_leaves;  /* BYTES, PERFECT: places for them */
    size_t first_split; /* BYTES, PERFECT */
    size_t first_leaf;  /* BYTES, PERFECT */
    uint32_t first_step;
} fd_fast_tree;

typedef union fd_leaf_ref {
    double value;  /* simple trees */
    uint32_t node; /* others: of the tree, as kept */
} fd_leaf_ref;

typedef struct fd_forest_kernels {
    /* x[64] to floats; missing[64] is 1 for NaN. Whether there is one. */
    bool (*see)(const double *x, float *floats, uint8_t *missing);
    /* ranks[64] of x[64] among cuts; 0 for NaN. */
    void (*rank_floats)(const float *cuts, uint32_t n, const float *x, uint32_t *ranks);
    void (*rank_doubles)(const double *cuts, uint32_t n, const double *x, uint32_t *ranks);
    /* A column: clamp(rank - first, 0, 255), or `lost` where it is missing; missing may be NULL. */
    void (*spread)(const uint32_t *ranks, uint32_t first, const uint8_t *missing, uint8_t lost,
                   uint8_t *column);
    /* The leaves[64] that rows reach. */
    void (*perfect)(const fd_heap_split *splits, uint32_t depth, const uint8_t *ranks,
                    uint8_t *leaves);
    void (*bytes)(const fd_byte_split *splits, uint32_t n, const uint8_t *ranks, uint8_t *leaves);
    /* sums[64] += values[leaves[64]]; there are n values, at least 64. */
    void (*add_floats)(const float *values, uint32_t n, const uint8_t *leaves, float *sums);
    void (*add_doubles)(const double *values, const uint8_t *leaves, double *sums);
} fd_forest_kernels;

struct fd_forest_fast {
    const fd_forest_kernels *kernels;
    uint32_t n_views, n_looks, n_tests, n_columns;
    fd_view *views;
    fd_look *looks;
    fd_test_column *tests;
    float *float_cuts; /* one of the two, as the forest's inputs are */
    double *double_cuts;
    size_t n_cuts;
    fd_fast_tree *trees;
    fd_byte_split *byte_splits;
    fd_heap_split *heap_splits;
    size_t n_byte_splits, n_heap_splits;
    float *float_leaves; /* one of the two, as the forest's sums are */
    double *double_leaves;
    uint32_t *leaf_nodes; /* of the same places: as kept */
    size_t n_leaves;
    fd_step *steps;
    fd_leaf_ref *step_leaves;
    uint32_t n_steps;
};

/* NULL: the forest is too large for it. */
fd_forest_fast *fd_forest_fast_new(const fd_forest *f);
void fd_forest_fast_free(fd_forest_fast *fast); /* NULL is fine */
size_t fd_forest_fast_bytes(const fd_forest *f);
/* Views, cuts and tests of all splits; splits[node of all trees]. A tree with a test too many gets
 * plain[tree]. False: there are too many columns. */
bool fd_forest_make_columns(const fd_forest *f, fd_forest_fast *fast, fd_rank_split *splits,
                            bool *plain);
void fd_forest_make_trees(const fd_forest *f, fd_forest_fast *fast, const fd_rank_split *splits,
                          const bool *plain);
/* Ranks of `n` rows from `from` on: ranks[column][64]. */
void fd_forest_rank_tile(const fd_forest *f, const double *const *columns, uint32_t from,
                         uint32_t n, uint8_t *ranks);
void fd_forest_score_fast(const fd_forest *f, void *scratch, const double *const *columns,
                          uint32_t n, double *const *out);
size_t fd_forest_fast_scratch(const fd_forest *f);

/* NULL where the machine has no such instructions. */
const fd_forest_kernels *fd_forest_kernels_plain(void);
const fd_forest_kernels *fd_forest_kernels_avx2(void);
const fd_forest_kernels *fd_forest_kernels_avx512(void);

/* The number of cuts that are not above x. */
#define FD_DEFINE_RANK_OF(name, number)                                   \
    static inline uint32_t name(const number *cuts, uint32_t n, number x) \
    {                                                                     \
        uint32_t base = 0;                                                \
        for (uint32_t left = n; left > 0;) {                              \
            uint32_t half = (left + 1) / 2;                               \
            base += half & -(uint32_t)(cuts[base + half - 1] <= x);       \
            left -= half;                                                 \
        }                                                                 \
        return base;                                                      \
    }

#endif
