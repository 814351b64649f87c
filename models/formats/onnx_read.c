/*
 * ONNX's ModelProto and GraphProto: nodes, constants, inputs and outputs as the file has them.
 * Field numbers are those of onnx.proto. Any thread; one owner.
 */
#include <stdarg.h>
#include <stdio.h>

#include "formats/onnx_int.h"

enum { /* field numbers */
       MODEL_GRAPH = 7,
       MODEL_OPSET = 8,
       OPSET_DOMAIN = 1,
       OPSET_VERSION = 2,
       GRAPH_NODE = 1,
       GRAPH_CONST = 5,
       GRAPH_INPUT = 11,
       GRAPH_OUTPUT = 12,
       GRAPH_SPARSE = 15,
       NODE_INPUT = 1,
       NODE_OUTPUT = 2,
       NODE_NAME = 3,
       NODE_OP = 4,
       NODE_ATTR = 5,
       NODE_DOMAIN = 7,
       ATTR_NAME = 1,
       IO_NAME = 1,
       IO_TYPE = 2,
       TYPE_TENSOR = 1,
       TENSOR_TYPE_ELEM = 1,
       TENSOR_TYPE_SHAPE = 2,
       SHAPE_DIM = 1,
       DIM_VALUE = 1
};

bool fd_onnx_error(fd_onnx_builder *b, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fd_diags_error(b->diags, "%s: %s", b->file, text);
    return false;
}

bool fd_onnx_refuse(fd_onnx_builder *b, const fd_onnx_node *n, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fd_diags_error(b->diags, "%s: node \"" FD_STR_FMT "\" (" FD_STR_FMT "%s" FD_STR_FMT "): %s",
                   b->file, FD_STR_ARG(n->name), FD_STR_ARG(n->domain), n->domain.n == 0 ? "" : ".",
                   FD_STR_ARG(n->op), text);
    return false;
}

void *fd_onnx_alloc(fd_arena *arena, size_t n, size_t size)
{
    void *p = fd_arena_zalloc(arena, (n + 1) * size);
    FD_ALLOCATED(p);
    return p;
}

const char *fd_onnx_type_name(int64_t type)
{
    static const char *const names[] = {"nothing",    "float",   "uint8",  "int8",   "uint16",
                                        "int16",      "int32",   "int64",  "string", "bool",
                                        "float16",    "double",  "uint32", "uint64", "complex64",
                                        "complex128", "bfloat16"};
    return type >= 0 && (size_t)type < sizeof names / sizeof *names ? names[type] : "another type";
}

/* How often each of the fields is there. */
static bool count_fields(fd_str message, const uint32_t *numbers, uint32_t **counts, size_t n)
{
    fd_pb r = fd_pb_open(message);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        for (size_t i = 0; i < n; i++)
            *counts[i] += f.number == numbers[i] && f.wire == FD_PB_BYTES;
    }
    return !r.bad;
}

static bool malformed(fd_onnx_builder *b, const char *what)
{
    return fd_onnx_error(b, "%s is cut off or is no protocol buffer: is this an ONNX file?", what);
}

static bool read_attr(fd_onnx_attr *a, fd_str body)
{
    *a = (fd_onnx_attr){.body = body};
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number == ATTR_NAME && f.wire == FD_PB_BYTES)
            a->name = f.bytes;
    }
    return !r.bad;
}

static bool read_node(fd_onnx_builder *b, fd_onnx_node *n, fd_str body)
{
    static const uint32_t numbers[] = {NODE_INPUT, NODE_OUTPUT, NODE_ATTR};
    uint32_t *counts[] = {&n->n_inputs, &n->n_outputs, &n->n_attrs};
    if (!count_fields(body, numbers, counts, 3))
        return malformed(b, "a node");
    n->inputs = fd_onnx_alloc(b->scratch, n->n_inputs, sizeof *n->inputs);
    n->outputs = fd_onnx_alloc(b->scratch, n->n_outputs, sizeof *n->outputs);
    n->attrs = fd_onnx_alloc(b->scratch, n->n_attrs, sizeof *n->attrs);
    uint32_t input = 0, output = 0, attr = 0;
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.wire != FD_PB_BYTES)
            continue;
        if (f.number == NODE_INPUT)
            n->inputs[input++] = f.bytes;
        else if (f.number == NODE_OUTPUT)
            n->outputs[output++] = f.bytes;
        else if (f.number == NODE_NAME)
            n->name = f.bytes;
        else if (f.number == NODE_OP)
            n->op = f.bytes;
        else if (f.number == NODE_DOMAIN)
            n->domain = f.bytes;
        else if (f.number == NODE_ATTR && !read_attr(&n->attrs[attr++], f.bytes))
            return malformed(b, "an attribute");
    }
    if (fd_str_eq_c(n->domain, "ai.onnx"))
        n->domain = (fd_str){0};
    if (n->name.n == 0 && n->n_outputs > 0)
        n->name = n->outputs[0];
    return true;
}

static bool read_dim(fd_str body, int64_t *out)
{
    *out = -1;
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number == DIM_VALUE && f.wire == FD_PB_VARINT)
            *out = (int64_t)f.value;
    }
    return !r.bad;
}

static bool read_shape(fd_onnx_builder *b, fd_onnx_io *io, fd_str body)
{
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number != SHAPE_DIM || f.wire != FD_PB_BYTES)
            continue;
        if (io->rank == FD_ONNX_MAX_RANK)
            return fd_onnx_error(b, "\"" FD_STR_FMT "\" has more than %d dimensions",
                                 FD_STR_ARG(io->name), FD_ONNX_MAX_RANK);
        if (!read_dim(f.bytes, &io->dims[io->rank++]))
            return malformed(b, "a shape");
    }
    return r.bad ? malformed(b, "a shape") : true;
}

static bool read_tensor_type(fd_onnx_builder *b, fd_onnx_io *io, fd_str body)
{
    io->is_tensor = true;
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number == TENSOR_TYPE_ELEM && f.wire == FD_PB_VARINT)
            io->type = (int64_t)f.value;
        else if (f.number == TENSOR_TYPE_SHAPE && f.wire == FD_PB_BYTES &&
                 !read_shape(b, io, f.bytes))
            return false;
    }
    return r.bad ? malformed(b, "a type") : true;
}

static bool read_type(fd_onnx_builder *b, fd_onnx_io *io, fd_str body)
{
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number == TYPE_TENSOR && f.wire == FD_PB_BYTES && !read_tensor_type(b, io, f.bytes))
            return false;
    }
    return r.bad ? malformed(b, "a type") : true;
}

static bool read_io(fd_onnx_builder *b, fd_onnx_io *io, fd_str body)
{
    fd_str type = {0};
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number == IO_NAME && f.wire == FD_PB_BYTES)
            io->name = f.bytes;
        else if (f.number == IO_TYPE && f.wire == FD_PB_BYTES)
            type = f.bytes;
    }
    return r.bad ? malformed(b, "an input or output") : read_type(b, io, type);
}

static bool read_graph(fd_onnx_builder *b, fd_str body)
{
    static const uint32_t numbers[] = {GRAPH_NODE, GRAPH_CONST, GRAPH_INPUT, GRAPH_OUTPUT,
                                       GRAPH_SPARSE};
    fd_onnx_graph *g = &b->g;
    uint32_t sparse = 0;
    uint32_t *counts[] = {&g->n_nodes, &g->n_consts, &g->n_inputs, &g->n_outputs, &sparse};
    if (!count_fields(body, numbers, counts, 5))
        return malformed(b, "the graph");
    if (sparse > 0)
        return fd_onnx_error(b, "sparse constants are not supported");
    if (g->n_nodes > FD_ONNX_MAX_NODES || g->n_consts > FD_ONNX_MAX_NODES ||
        g->n_inputs > FD_ONNX_MAX_NODES)
        return fd_onnx_error(b, "more than %d nodes, constants or inputs", FD_ONNX_MAX_NODES);
    g->nodes = fd_onnx_alloc(b->scratch, g->n_nodes, sizeof *g->nodes);
    g->consts = fd_onnx_alloc(b->scratch, g->n_consts, sizeof *g->consts);
    g->inputs = fd_onnx_alloc(b->scratch, g->n_inputs, sizeof *g->inputs);
    g->outputs = fd_onnx_alloc(b->scratch, g->n_outputs, sizeof *g->outputs);
    uint32_t node = 0, constant = 0, input = 0, output = 0;
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    bool ok = true;
    while (ok && fd_pb_next(&r, &f)) {
        if (f.wire != FD_PB_BYTES)
            continue;
        if (f.number == GRAPH_NODE)
            ok = read_node(b, &g->nodes[node++], f.bytes);
        else if (f.number == GRAPH_CONST)
            g->consts[constant++] = f.bytes;
        else if (f.number == GRAPH_INPUT)
            ok = read_io(b, &g->inputs[input++], f.bytes);
        else if (f.number == GRAPH_OUTPUT)
            ok = read_io(b, &g->outputs[output++], f.bytes);
    }
    return ok;
}

static bool read_opset(fd_onnx_builder *b, fd_str body)
{
    fd_str domain = {0};
    int64_t version = 0;
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (f.number == OPSET_DOMAIN && f.wire == FD_PB_BYTES)
            domain = f.bytes;
        else if (f.number == OPSET_VERSION && f.wire == FD_PB_VARINT)
            version = (int64_t)f.value;
    }
    if (r.bad)
        return malformed(b, "an opset");
    bool ml = fd_str_eq_c(domain, "ai.onnx.ml");
    if (!ml && domain.n > 0 && !fd_str_eq_c(domain, "ai.onnx"))
        return true; /* its operators are refused where they are needed */
    int64_t newest = ml ? FD_ONNX_MAX_ML_OPSET : FD_ONNX_MAX_OPSET;
    if (version < 1 || version > newest)
        return fd_onnx_error(b,
                             "opset %lld of %s: this program knows 1 to %lld; convert with an "
                             "older target_opset",
                             (long long)version, ml ? "ai.onnx.ml" : "ai.onnx", (long long)newest);
    *(ml ? &b->g.ml_opset : &b->g.opset) = version;
    return true;
}

bool fd_onnx_read(fd_onnx_builder *b, fd_str bytes)
{
    fd_str graph = {0};
    bool ok = true;
    fd_pb r = fd_pb_open(bytes);
    fd_pb_field f;
    while (ok && fd_pb_next(&r, &f)) {
        if (f.number == MODEL_GRAPH && f.wire == FD_PB_BYTES)
            graph = f.bytes;
        else if (f.number == MODEL_OPSET && f.wire == FD_PB_BYTES)
            ok = read_opset(b, f.bytes);
    }
    if (!ok)
        return false;
    if (r.bad)
        return malformed(b, "the file");
    if (graph.p == NULL)
        return fd_onnx_error(b, "there is no graph in it: is this an ONNX file?");
    return read_graph(b, graph);
}
