/*
 * Whether a model is all in its file. ONNX lets tensors live in other files, and a runtime would
 * read these from wherever the model says: no hash in a manifest speaks for them, so such models
 * are refused. All tensors are looked at: those of nodes, of graphs within nodes and of functions.
 * Field numbers are those of onnx.proto. Any thread; one owner.
 */
#include "formats/onnx_int.h"

typedef enum message { MODEL, FUNCTION, GRAPH, NODE, ATTR, SPARSE, TENSOR } message;

enum { TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14, MAX_DEPTH = 64 };

/* Where tensors can be. */
static const struct {
    message in;
    uint32_t field;
    message is;
} parts[] = {
    {MODEL, 7, GRAPH},  {MODEL, 25, FUNCTION}, {FUNCTION, 7, NODE}, {FUNCTION, 11, ATTR},
    {GRAPH, 1, NODE},   {GRAPH, 5, TENSOR},    {GRAPH, 15, SPARSE}, {NODE, 5, ATTR},
    {ATTR, 5, TENSOR},  {ATTR, 6, GRAPH},      {ATTR, 10, TENSOR},  {ATTR, 11, GRAPH},
    {ATTR, 22, SPARSE}, {ATTR, 23, SPARSE},    {SPARSE, 1, TENSOR}, {SPARSE, 2, TENSOR},
};

static bool check(fd_onnx_builder *b, message in, fd_str body, int depth);

static bool check_field(fd_onnx_builder *b, message in, const fd_pb_field *f, int depth)
{
    bool elsewhere = (f->number == TENSOR_EXTERNAL && f->wire == FD_PB_BYTES) ||
                     (f->number == TENSOR_LOCATION && f->wire == FD_PB_VARINT && f->value != 0);
    if (in == TENSOR && elsewhere)
        return fd_onnx_error(b, "a tensor is kept in another file: save the model with its data "
                                "inside");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].in == in && parts[i].field == f->number && f->wire == FD_PB_BYTES)
            return check(b, parts[i].is, f->bytes, depth + 1);
    }
    return true;
}

static bool check(fd_onnx_builder *b, message in, fd_str body, int depth)
{
    if (depth > MAX_DEPTH)
        return fd_onnx_error(b, "graphs within graphs, too deep");
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
        if (!check_field(b, in, &f, depth))
            return false;
    }
    return !r.bad || fd_onnx_error(b, "a tensor, node or graph in it is cut off");
}

bool fd_onnx_self_contained(fd_onnx_builder *b, fd_str bytes)
{
    return check(b, MODEL, bytes, 0);
}
