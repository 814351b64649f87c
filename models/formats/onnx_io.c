/*
 * What goes into a graph and what comes out of it: the same whether fraudd runs it or ONNX Runtime.
 * One owner while a model loads.
 */
#include "formats/onnx_int.h"

void fd_onnx_make_names(fd_onnx_builder *b)
{
    const fd_onnx_graph *g = &b->g;
    uint64_t n = (uint64_t)g->n_consts + g->n_inputs + g->n_outputs;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        n += g->nodes[i].n_inputs + (uint64_t)g->nodes[i].n_outputs;
    b->n_slots = 64;
    while (b->n_slots < 2 * n)
        b->n_slots *= 2;
    b->names = fd_onnx_alloc(b->scratch, b->n_slots, sizeof *b->names);
}

bool fd_onnx_is_float(int64_t type)
{
    return type == FD_ONNX_FLOAT || type == FD_ONNX_DOUBLE;
}

const fd_onnx_io *fd_onnx_choose_output(const fd_onnx_graph *g, bool *labelled)
{
    const fd_onnx_io *chosen = NULL;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const fd_onnx_io *io = &g->outputs[i];
        if (!io->is_tensor || fd_onnx_is_float(io->type))
            chosen = chosen == NULL ? io : chosen;
        else
            *labelled = true;
        *labelled = *labelled || !io->is_tensor;
    }
    return chosen;
}

static bool input_width(fd_onnx_builder *b, const fd_onnx_io *io, uint32_t *width)
{
    if (!io->is_tensor || (!fd_onnx_is_float(io->type) && io->type != FD_ONNX_INT64 &&
                           io->type != FD_ONNX_INT32 && io->type != FD_ONNX_BOOL))
        return fd_onnx_error(b, "input \"" FD_STR_FMT "\" holds %s: only numbers are supported",
                             FD_STR_ARG(io->name),
                             io->is_tensor ? fd_onnx_type_name(io->type) : "no tensor");
    if (io->rank != 2 || io->dims[1] < 1)
        return fd_onnx_error(b, "input \"" FD_STR_FMT "\" is not [rows, a fixed number of columns]",
                             FD_STR_ARG(io->name));
    if (io->dims[1] > FD_MODEL_MAX_INPUTS)
        return fd_onnx_error(b, "more than %d inputs", FD_MODEL_MAX_INPUTS);
    *width = (uint32_t)io->dims[1];
    return true;
}

bool fd_onnx_count_inputs(fd_onnx_builder *b, uint32_t *out)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < b->g.n_inputs; i++) {
        fd_onnx_io *io = &b->g.inputs[i];
        uint32_t width = 0;
        if (fd_onnx_find(b, io->name)->value != NULL)
            continue;
        if (!input_width(b, io, &width))
            return false;
        n += width;
    }
    if (n == 0 || n > FD_MODEL_MAX_INPUTS)
        return fd_onnx_error(b, "%llu inputs, not 1 to %d", (unsigned long long)n,
                             FD_MODEL_MAX_INPUTS);
    *out = (uint32_t)n;
    return true;
}

void fd_onnx_input_names(fd_onnx_builder *b, const fd_onnx_io *io, const char **names)
{
    uint32_t k = (uint32_t)io->dims[1];
    for (uint32_t i = 0; i < k; i++) {
        names[i] = k == 1 ? fd_arena_printf(b->scratch, FD_STR_FMT, FD_STR_ARG(io->name))
                          : fd_arena_printf(b->scratch, FD_STR_FMT "[%u]", FD_STR_ARG(io->name), i);
        FD_ALLOCATED(names[i]);
    }
}
