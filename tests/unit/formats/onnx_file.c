/* ONNX files made by hand; see onnx_file.h. Field numbers are those of onnx.proto. */
#include "onnx_file.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static void put_varint(fd_strbuf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        fd_strbuf_putc(b, (char)(v | 0x80));
    fd_strbuf_putc(b, (char)v);
}

static void put_tag(fd_strbuf *b, uint32_t field, uint32_t wire)
{
    put_varint(b, (uint64_t)field << 3 | wire);
}

void pb_varint(fd_strbuf *b, uint32_t field, uint64_t value)
{
    put_tag(b, field, WIRE_VARINT);
    put_varint(b, value);
}

void pb_bytes(fd_strbuf *b, uint32_t field, const char *bytes, size_t n)
{
    put_tag(b, field, WIRE_BYTES);
    put_varint(b, n);
    fd_strbuf_add(b, bytes, n);
}

void pb_text(fd_strbuf *b, uint32_t field, const char *text)
{
    pb_bytes(b, field, text, strlen(text));
}

void pb_message(fd_strbuf *b, uint32_t field, fd_strbuf *part)
{
    pb_bytes(b, field, part->p == NULL ? "" : part->p, part->n);
    fd_strbuf_free(part);
}

void onnx_int(fd_strbuf *b, const char *name, int64_t value)
{
    fd_strbuf a = {0};
    pb_text(&a, 1, name);
    pb_varint(&a, 3, (uint64_t)value);
    pb_message(b, 5, &a);
}

void onnx_text(fd_strbuf *b, const char *name, const char *value)
{
    fd_strbuf a = {0};
    pb_text(&a, 1, name);
    pb_text(&a, 4, value);
    pb_message(b, 5, &a);
}

void onnx_ints(fd_strbuf *b, const char *name, const int64_t *values, size_t n)
{
    fd_strbuf a = {0}, packed = {0};
    pb_text(&a, 1, name);
    for (size_t i = 0; i < n; i++)
        put_varint(&packed, (uint64_t)values[i]);
    pb_message(&a, 8, &packed);
    pb_message(b, 5, &a);
}

void onnx_floats(fd_strbuf *b, const char *name, const float *values, size_t n)
{
    fd_strbuf a = {0};
    pb_text(&a, 1, name);
    for (size_t i = 0; i < n; i++) {
        put_tag(&a, 7, WIRE_FIXED32);
        fd_strbuf_add(&a, &values[i], sizeof values[i]);
    }
    pb_message(b, 5, &a);
}

void onnx_texts(fd_strbuf *b, const char *name, const char *const *values, size_t n)
{
    fd_strbuf a = {0};
    pb_text(&a, 1, name);
    for (size_t i = 0; i < n; i++)
        pb_text(&a, 9, values[i]);
    pb_message(b, 5, &a);
}

static void put_names(fd_strbuf *b, uint32_t field, const char *names)
{
    while (*names != 0) {
        size_t n = strcspn(names, " ");
        pb_bytes(b, field, names, n);
        names += n + strspn(names + n, " ");
    }
}

fd_strbuf onnx_node(const char *domain, const char *op, const char *inputs, const char *outputs)
{
    fd_strbuf n = {0};
    put_names(&n, 1, inputs);
    put_names(&n, 2, outputs);
    pb_text(&n, 3, "node");
    pb_text(&n, 4, op);
    pb_text(&n, 7, domain);
    return n;
}

static void put_io(fd_strbuf *b, uint32_t field, const char *name, uint32_t columns)
{
    fd_strbuf rows = {0}, width = {0}, shape = {0}, tensor = {0}, type = {0}, io = {0};
    pb_text(&rows, 2, "N");
    pb_varint(&width, 1, columns);
    pb_message(&shape, 1, &rows);
    pb_message(&shape, 1, &width);
    pb_varint(&tensor, 1, 1);
    pb_message(&tensor, 2, &shape);
    pb_message(&type, 1, &tensor);
    pb_text(&io, 1, name);
    pb_message(&io, 2, &type);
    pb_message(b, field, &io);
}

fd_strbuf onnx_graph(uint32_t columns)
{
    fd_strbuf g = {0};
    put_io(&g, 11, "x", columns);
    put_io(&g, 12, "p", 1);
    return g;
}

fd_strbuf onnx_file(fd_strbuf *graph)
{
    fd_strbuf f = {0}, opset = {0};
    pb_varint(&f, 1, 8);
    pb_message(&f, 7, graph);
    pb_text(&opset, 1, "");
    pb_varint(&opset, 2, 17);
    pb_message(&f, 8, &opset);
    pb_text(&opset, 1, "ai.onnx.ml");
    pb_varint(&opset, 2, 5);
    pb_message(&f, 8, &opset);
    return f;
}

void onnx_constant(fd_strbuf *g, uint64_t type, const uint64_t *dims, size_t rank, size_t n)
{
    fd_strbuf t = {0};
    char bytes[64] = {0};
    for (size_t i = 0; i < rank; i++)
        pb_varint(&t, 1, dims[i]);
    pb_varint(&t, 2, type);
    pb_text(&t, 8, "c");
    pb_bytes(&t, 9, bytes, n);
    pb_message(g, 5, &t);
}
