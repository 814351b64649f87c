/* The life of a forest's fast layouts; see forest_fast.h. Any thread. */
#include "score/forest_fast.h"

static const fd_forest_kernels *best_kernels(void)
{
    const fd_forest_kernels *k = fd_forest_kernels_avx512();
    if (k == NULL)
        k = fd_forest_kernels_avx2();
    return k != NULL ? k : fd_forest_kernels_plain();
}

fd_forest_fast *fd_forest_fast_new(const fd_forest *f)
{
    if (f->n_nodes > FD_FAST_NODES)
        return NULL;
    fd_forest_fast *fast = calloc(1, sizeof *fast);
    fd_rank_split *splits = calloc(f->n_nodes + 1, sizeof *splits);
    bool *plain = calloc(f->n_trees + 1U, sizeof *plain);
    FD_ALLOCATED(fast);
    FD_ALLOCATED(splits);
    FD_ALLOCATED(plain);
    fast->kernels = best_kernels();
    if (fd_forest_make_columns(f, fast, splits, plain)) {
        fd_forest_make_trees(f, fast, splits, plain);
    } else {
        fd_forest_fast_free(fast);
        fast = NULL;
    }
    free(splits);
    free(plain);
    return fast;
}

void fd_forest_fast_free(fd_forest_fast *fast)
{
    if (fast == NULL)
        return;
    free(fast->views);
    free(fast->looks);
    free(fast->tests);
    free(fast->float_cuts);
    free(fast->double_cuts);
    free(fast->trees);
    free(fast->byte_splits);
    free(fast->heap_splits);
    free(fast->float_leaves);
    free(fast->double_leaves);
    free(fast->leaf_nodes);
    free(fast->steps);
    free(fast->step_leaves);
    free(fast);
}

size_t fd_forest_fast_bytes(const fd_forest *f)
{
    const fd_forest_fast *fast = f->fast;
    size_t cut = fast->float_cuts != NULL ? sizeof(float) : sizeof(double);
    size_t leaf = fast->float_leaves != NULL ? sizeof(float) : sizeof(double);
    return sizeof *fast + fast->n_views * sizeof *fast->views +
           fast->n_looks * sizeof *fast->looks + fast->n_tests * sizeof *fast->tests +
           fast->n_cuts * cut + f->n_trees * sizeof *fast->trees +
           fast->n_byte_splits * sizeof *fast->byte_splits +
           fast->n_heap_splits * sizeof *fast->heap_splits +
           fast->n_leaves * (leaf + sizeof *fast->leaf_nodes) +
           f->n_nodes * (sizeof *fast->steps + sizeof *fast->step_leaves);
}
