/* Forests and rows drawn from a seed, for tests and benchmarks. One thread. */
#ifndef FD_TESTS_RANDOM_FOREST_H
#define FD_TESTS_RANDOM_FOREST_H

#include "score/forest.h"

/* What is drawn. */
typedef struct rf_plan {
    uint64_t seed;
    uint32_t n_inputs, n_outputs, n_trees;
    uint32_t depth;        /* at most */
    uint32_t most_leaves;  /* of a tree, at most; 0: no bound */
    uint32_t n_thresholds; /* per input: fewer make ranks bytes; 0: each split its own */
    bool perfect;          /* every branch has the full depth */
    bool less_only;        /* splits are `x < t`, missing goes either way */
    bool vector_leaves;
    bool float_inputs;
    bool average;
    fd_forest_sum sum;
} rf_plan;

/* Owns all that the spec points at. */
typedef struct rf_forest {
    fd_arena *arena;
    fd_forest_spec spec;
} rf_forest;

rf_forest rf_draw(const rf_plan *plan);
void rf_free(rf_forest *f);

/* columns[input][n], with everything awkward among the values. */
double **rf_rows(uint64_t seed, uint32_t n_inputs, uint32_t n, bool awkward);
double **rf_columns(uint32_t n_columns, uint32_t n);
void rf_columns_free(double **columns, uint32_t n_columns);

#endif
