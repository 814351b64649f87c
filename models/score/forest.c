/* A forest's life, and the choice of the way through it; see forest.h. Any thread. */
#include "score/forest_fast.h"

fd_forest *fd_forest_new(const fd_forest_spec *spec, const char *file, fd_diags *diags)
{
    fd_forest *f = calloc(1, sizeof *f);
    FD_ALLOCATED(f);
    f->n_inputs = spec->n_inputs;
    f->n_outputs = spec->n_outputs;
    f->n_trees = spec->n_trees;
    f->float_inputs = spec->float_inputs;
    f->average = spec->average;
    f->sum = spec->sum;
    if (!fd_forest_keep(f, spec, file, diags)) {
        fd_forest_free(f);
        return NULL;
    }
    f->fast = fd_forest_fast_new(f);
    return f;
}

void fd_forest_free(fd_forest *f)
{
    if (f == NULL)
        return;
    free(f->base);
    free(f->trees_of);
    free(f->trees);
    free(f->nodes);
    free(f->sets);
    free(f->values);
    fd_forest_fast_free(f->fast);
    free(f);
}

size_t fd_forest_bytes(const fd_forest *f)
{
    return sizeof *f + f->n_outputs * (sizeof *f->base + sizeof *f->trees_of) +
           f->n_trees * sizeof *f->trees + f->n_nodes * sizeof *f->nodes +
           f->n_set_words * sizeof *f->sets + f->n_values * sizeof *f->values +
           (f->fast == NULL ? 0 : fd_forest_fast_bytes(f));
}

size_t fd_forest_scratch_bytes(const fd_forest *f, uint32_t max_rows)
{
    (void)max_rows;
    return f->fast == NULL ? 0 : fd_forest_fast_scratch(f);
}

void fd_forest_score(const fd_forest *f, void *scratch, const double *const *columns, uint32_t n,
                     double *const *out)
{
    if (f->fast == NULL)
        fd_forest_score_plainly(f, columns, n, out);
    else
        fd_forest_score_fast(f, scratch, columns, n, out);
}

void fd_forest_set_way(fd_forest *f, fd_forest_way way)
{
    f->way = way;
}
