/*
 * ONNX models: the graph's output that holds scores, what it needs, and the model made of it.
 *
 * Two classes become one score, the second class's; a graph with a label or a classifier in it has
 * classes, any other has targets. A graph that is beyond this reader goes to ONNX Runtime, in a
 * build that has it. Any thread; one owner while it loads.
 */
#include <stdlib.h>

#include "formats/onnx_int.h"

/* Marks the nodes that the output needs; they stand in the order in which they are computed. */
static void mark_needed(fd_onnx_builder *b, fd_str output)
{
    fd_onnx_find(b, output)->needed = true;
    for (uint32_t i = b->g.n_nodes; i-- > 0;) {
        const fd_onnx_node *n = &b->g.nodes[i];
        bool needed = false;
        for (uint32_t k = 0; k < n->n_outputs; k++)
            needed = needed || (n->outputs[k].n > 0 && fd_onnx_find(b, n->outputs[k])->needed);
        for (uint32_t k = 0; needed && k < n->n_inputs; k++) {
            if (n->inputs[k].n > 0)
                fd_onnx_find(b, n->inputs[k])->needed = true;
        }
    }
}

static bool node_needed(fd_onnx_builder *b, const fd_onnx_node *n)
{
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i].n > 0 && fd_onnx_find(b, n->outputs[i])->needed)
            return true;
    }
    return false;
}

/* ---- constants and inputs ---- */

static bool read_constants(fd_onnx_builder *b)
{
    for (uint32_t i = 0; i < b->g.n_consts; i++) {
        fd_onnx_tensor *t = fd_onnx_alloc(b->scratch, 1, sizeof *t);
        fd_onnx_value *v = fd_onnx_alloc(b->scratch, 1, sizeof *v);
        fd_onnx_name *name = fd_onnx_find(b, fd_onnx_tensor_name(b->g.consts[i]));
        if (name->needed && !fd_onnx_tensor_read(b, b->g.consts[i], t))
            return false;
        *v = (fd_onnx_value){.type = (fd_onnx_type)t->type, .tensor = t};
        name->value = v;
    }
    return true;
}

/* Columns 0 to n are what the caller gives, the next n the same as the types that the graph
 * wants. */
static bool define_inputs(fd_onnx_builder *b, const char **names)
{
    static const double range[] = {-0x1p63, -0x1p63, 0x1p63};
    fd_onnx_model *m = b->model;
    fd_onnx_value *all = fd_onnx_new(b, FD_ONNX_DOUBLE, 2, m->n_inputs);
    if (all == NULL)
        return false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < m->n_inputs; i++)
        m->source[i] = (int32_t)i;
    for (uint32_t i = 0; i < b->g.n_inputs; i++) {
        const fd_onnx_io *io = &b->g.inputs[i];
        fd_onnx_name *name = fd_onnx_find(b, io->name);
        if (name->value != NULL && name->value->tensor != NULL)
            continue;
        if (name->value != NULL)
            return fd_onnx_error(b, "two inputs are called \"" FD_STR_FMT "\"",
                                 FD_STR_ARG(io->name));
        fd_onnx_value part = *all;
        part.k = (uint32_t)io->dims[1];
        part.columns = all->columns + at;
        bool real = fd_onnx_is_float(io->type);
        name->value = fd_onnx_unary_of(b, real ? FD_UN_COPY : FD_UN_WHOLE, &part,
                                       (fd_onnx_type)io->type, range, real ? 0 : 3);
        if (name->value == NULL)
            return false;
        fd_onnx_input_names(b, io, names + at);
        at += part.k;
    }
    return true;
}

/* ---- outputs ---- */

static void mark_steps(fd_onnx_builder *b, fd_model_output which)
{
    fd_onnx_model *m = b->model;
    bool *wanted = fd_onnx_alloc(b->scratch, m->n_columns, sizeof *wanted);
    for (uint32_t i = 0; i < m->n_outputs; i++) {
        if (!(m->outputs[which][i] & FD_ONNX_CONST))
            wanted[m->outputs[which][i]] = true;
    }
    for (uint32_t i = m->n_steps; i-- > 0;) {
        fd_onnx_step *s = &m->steps[i];
        for (uint32_t k = 0; k < s->n_out; k++)
            s->wanted[which] = s->wanted[which] || wanted[s->out[k]];
        for (uint32_t k = 0; s->wanted[which] && k < s->n_in; k++) {
            if (!(s->in[k] & FD_ONNX_CONST))
                wanted[s->in[k]] = true;
        }
    }
}

static bool pick_outputs(fd_onnx_builder *b, const fd_onnx_value *v, bool labelled)
{
    fd_onnx_model *m = b->model;
    if (v->tensor != NULL || !fd_onnx_is_float((int64_t)v->type))
        return fd_onnx_error(b, "the output of scores holds no floats that depend on the input");
    bool second = v->k == 2 && (labelled || v->probabilities);
    m->n_outputs = second ? 1 : v->k;
    if (m->n_outputs > FD_MODEL_MAX_OUTPUTS)
        return fd_onnx_error(b, "%u outputs, more than %d", m->n_outputs, FD_MODEL_MAX_OUTPUTS);
    const fd_onnx_value *raw = v->raw != NULL ? v->raw : v;
    if (raw->k != v->k && !(second && raw->k == 1))
        raw = v;
    for (int which = 0; which < 2; which++) {
        const fd_onnx_value *from = which == FD_MODEL_RAW ? raw : v;
        m->outputs[which] = fd_onnx_alloc(m->arena, m->n_outputs, sizeof *m->outputs[which]);
        for (uint32_t i = 0; i < m->n_outputs; i++)
            m->outputs[which][i] = from->columns[second && from->k == 2 ? 1 : i];
        mark_steps(b, (fd_model_output)which);
    }
    return true;
}

/* Contributions are exact where each raw score is a weighted sum of columns that are functions of
 * single inputs. */
static bool linear_step_of(const fd_onnx_model *m, uint32_t column, uint32_t *step, uint32_t *row)
{
    for (uint32_t i = 0; i < m->n_steps; i++) {
        const fd_onnx_step *s = &m->steps[i];
        for (uint32_t k = 0; s->op == FD_STEP_LINEAR && k < s->n_out; k++) {
            if (s->out[k] != column)
                continue;
            *step = i;
            *row = k;
            for (uint32_t j = 0; j < s->n_in; j++) {
                if (!(s->in[j] & FD_ONNX_CONST) && m->source[s->in[j]] == FD_ONNX_OF_MANY)
                    return false;
            }
            return true;
        }
    }
    return false;
}

static bool explainable(fd_onnx_model *m)
{
    m->raw_step = fd_onnx_alloc(m->arena, m->n_outputs, sizeof *m->raw_step);
    m->raw_row = fd_onnx_alloc(m->arena, m->n_outputs, sizeof *m->raw_row);
    for (uint32_t i = 0; i < m->n_outputs; i++) {
        if (!linear_step_of(m, m->outputs[FD_MODEL_RAW][i], &m->raw_step[i], &m->raw_row[i]))
            return false;
    }
    return true;
}

/* ---- the model ---- */

static void free_model(void *impl)
{
    fd_onnx_model *m = impl;
    for (uint32_t i = 0; i < m->n_steps; i++)
        fd_forest_free(m->steps[i].forest);
    fd_arena_free(m->arena);
    free(m);
}

static const fd_model_ops ops = {
    .score = fd_onnx_score, .scratch_bytes = fd_onnx_scratch_bytes, .free = free_model};
static const fd_model_ops linear_ops = {.score = fd_onnx_score,
                                        .scratch_bytes = fd_onnx_scratch_bytes,
                                        .contribute = fd_onnx_contribute,
                                        .free = free_model};

static bool build(fd_onnx_builder *b, const char ***names)
{
    bool labelled = false;
    const fd_onnx_io *output = fd_onnx_choose_output(&b->g, &labelled);
    if (output == NULL)
        return fd_onnx_error(b, "the graph has no output of floats");
    fd_onnx_make_names(b);
    mark_needed(b, output->name);
    if (!read_constants(b) || !fd_onnx_count_inputs(b, &b->model->n_inputs))
        return false;
    *names = fd_onnx_alloc(b->scratch, b->model->n_inputs, sizeof **names);
    if (!define_inputs(b, *names))
        return false;
    for (uint32_t i = 0; i < b->g.n_nodes; i++) {
        if (node_needed(b, &b->g.nodes[i]) && !fd_onnx_lower_node(b, &b->g.nodes[i]))
            return false;
    }
    const fd_onnx_value *v = fd_onnx_find(b, output->name)->value;
    if (v == NULL)
        return fd_onnx_error(b, "nothing makes the output \"" FD_STR_FMT "\"",
                             FD_STR_ARG(output->name));
    return pick_outputs(b, v, labelled);
}

static fd_model *finish(fd_onnx_builder *b, const char *const *names)
{
    fd_onnx_model *m = b->model;
    fd_model_shape shape = {.format = fd_model_format_name(FD_FORMAT_ONNX),
                            .n_inputs = m->n_inputs,
                            .input_names = b->g.n_inputs > 1 || m->n_inputs == 1 ? names : NULL,
                            .n_outputs = m->n_outputs,
                            .n_trees = (uint32_t)b->n_trees,
                            .bytes = sizeof *m + fd_arena_held(m->arena)};
    for (uint32_t i = 0; i < m->n_steps; i++) {
        if (m->steps[i].forest != NULL)
            shape.bytes += fd_forest_bytes(m->steps[i].forest);
    }
    return fd_model_new(&shape, explainable(m) ? &linear_ops : &ops, m);
}

void fd_onnx_tell(const fd_diags *from, fd_severity severity, const char *hint, fd_diags *to)
{
    for (size_t i = 0; i < from->n; i++) {
        fd_diag item = from->items[i];
        item.severity = severity;
        item.hint = hint != NULL ? hint : item.hint;
        fd_diags_add(to, &item);
    }
}

fd_model *fd_onnx(const char *file, fd_str bytes, fd_diags *diags)
{
    fd_diags own;
    fd_onnx_builder b = {.file = file, .diags = &own};
    const char **names = NULL;
    fd_model *model = NULL;
    fd_diags_init(&own);
    b.scratch = fd_arena_new(1 << 16, 0);
    b.model = calloc(1, sizeof *b.model);
    FD_ALLOCATED(b.model);
    b.model->arena = fd_arena_new(1 << 12, 0);
    if (fd_onnx_read(&b, bytes) && build(&b, &names))
        model = finish(&b, names);
    else
        free_model(b.model);
    fd_arena_free(b.scratch);
    if (model == NULL && b.beyond)
        model = fd_onnx_hand_over(file, bytes, &own, diags);
    else
        fd_onnx_tell(&own, FD_ERROR, NULL, diags);
    fd_diags_free(&own);
    return model;
}
