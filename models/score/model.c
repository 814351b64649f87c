/* The handle around an implementation; see model.h. Any thread. */
#include "score/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct fd_model {
    fd_arena *arena;
    fd_model_shape shape;
    const fd_model_ops *ops;
    void *impl;
};

struct fd_model_run {
    const fd_model *model;
    uint32_t max_rows;
    void *scratch;
};

static const char *copy(fd_arena *arena, const char *text)
{
    fd_str s = fd_arena_str(arena, fd_str_from(text));
    FD_ALLOCATED(s.p);
    return s.p;
}

fd_model *fd_model_new(const fd_model_shape *shape, const fd_model_ops *ops, void *impl)
{
    FD_ASSERT(shape->n_inputs <= FD_MODEL_MAX_INPUTS && shape->n_outputs >= 1);
    fd_model *m = calloc(1, sizeof *m);
    FD_ALLOCATED(m);
    *m = (fd_model){.arena = fd_arena_new(4096, 0), .shape = *shape, .ops = ops, .impl = impl};
    m->shape.format = copy(m->arena, shape->format);
    if (shape->input_names == NULL)
        return m;
    const char **names = fd_arena_alloc(m->arena, (shape->n_inputs + 1U) * sizeof *names);
    FD_ALLOCATED(names);
    for (uint32_t i = 0; i < shape->n_inputs; i++)
        names[i] = copy(m->arena, shape->input_names[i]);
    m->shape.input_names = names;
    return m;
}

void fd_model_free(fd_model *m)
{
    if (m == NULL)
        return;
    m->ops->free(m->impl);
    fd_arena_free(m->arena);
    free(m);
}

const fd_model_shape *fd_model_shape_of(const fd_model *m)
{
    return &m->shape;
}

fd_model_run *fd_model_run_new(const fd_model *m, uint32_t max_rows)
{
    fd_model_run *run = calloc(1, sizeof *run);
    FD_ALLOCATED(run);
    run->model = m;
    run->max_rows = max_rows;
    size_t bytes = m->ops->scratch_bytes(m->impl, max_rows);
    run->scratch = aligned_alloc(64, (bytes + 64) / 64 * 64);
    FD_ALLOCATED(run->scratch);
    return run;
}

void fd_model_run_free(fd_model_run *run)
{
    if (run == NULL)
        return;
    free(run->scratch);
    free(run);
}

void fd_model_score(fd_model_run *run, const double *const *columns, uint32_t n,
                    fd_model_output which, double *const *out)
{
    FD_ASSERT(n <= run->max_rows);
    run->model->ops->score(run->model->impl, run->scratch, columns, n, which, out);
}

bool fd_model_contribute(const fd_model *m, const double *row, uint32_t output,
                         double *contributions)
{
    FD_ASSERT(output < m->shape.n_outputs);
    if (m->ops->contribute == NULL)
        return false;
    m->ops->contribute(m->impl, row, output, contributions);
    return true;
}

const char *fd_model_reason(const fd_model *m, uint32_t input, double value)
{
    FD_ASSERT(input < m->shape.n_inputs);
    return m->ops->reason == NULL ? NULL : m->ops->reason(m->impl, input, value);
}
