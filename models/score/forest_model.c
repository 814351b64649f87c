/* The handle around a forest; see forest_model.h. Any thread. */
#include "score/forest_model.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/assert.h"

typedef struct handle {
    fd_forest *forest;
    uint32_t n_outputs;
    fd_forest_finish *finish;
    max_align_t how[];
} handle;

static void score(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                  fd_model_output which, double *const *out)
{
    const handle *h = impl;
    fd_forest_score(h->forest, scratch, columns, n, out);
    if (which == FD_MODEL_TRANSFORMED)
        h->finish(h->how, out, h->n_outputs, n);
}

static size_t scratch_bytes(const void *impl, uint32_t max_rows)
{
    const handle *h = impl;
    return fd_forest_scratch_bytes(h->forest, max_rows);
}

static void contribute(const void *impl, const double *row, uint32_t output, double *to)
{
    const handle *h = impl;
    bool known = fd_forest_contribute(h->forest, row, output, to);
    FD_ASSERT(known);
}

static void free_handle(void *impl)
{
    handle *h = impl;
    fd_forest_free(h->forest);
    free(h);
}

fd_model *fd_forest_model(fd_forest *forest, fd_model_shape shape, fd_forest_finish *finish,
                          const void *how, size_t how_bytes)
{
    static const fd_model_ops plain = {
        .score = score, .scratch_bytes = scratch_bytes, .free = free_handle};
    static const fd_model_ops explaining = {.score = score,
                                            .scratch_bytes = scratch_bytes,
                                            .contribute = contribute,
                                            .free = free_handle};
    handle *h = malloc(sizeof *h + how_bytes);
    FD_ALLOCATED(h);
    *h = (handle){forest, shape.n_outputs, finish};
    memcpy(h->how, how, how_bytes);
    shape.bytes = fd_forest_bytes(forest) + sizeof *h + how_bytes;
    return fd_model_new(&shape, fd_forest_explains(forest) ? &explaining : &plain, h);
}
