/*
 * ONNX files made by hand, field by field, for tests of what is wrong with them. One owner.
 */
#ifndef FD_TEST_ONNX_FILE_H
#define FD_TEST_ONNX_FILE_H

#include "base/strbuf.h"

/* Fields of any message. */
void pb_varint(fd_strbuf *b, uint32_t field, uint64_t value);
void pb_bytes(fd_strbuf *b, uint32_t field, const char *bytes, size_t n);
void pb_text(fd_strbuf *b, uint32_t field, const char *text);
/* Appends `part` as a field and frees it. */
void pb_message(fd_strbuf *b, uint32_t field, fd_strbuf *part);

/* Attributes of the node `b`. */
void onnx_int(fd_strbuf *b, const char *name, int64_t value);
void onnx_text(fd_strbuf *b, const char *name, const char *value);
void onnx_ints(fd_strbuf *b, const char *name, const int64_t *values, size_t n);
void onnx_floats(fd_strbuf *b, const char *name, const float *values, size_t n);
void onnx_texts(fd_strbuf *b, const char *name, const char *const *values, size_t n);

/* A node with inputs and outputs (each names with blanks between) but no attributes yet. */
fd_strbuf onnx_node(const char *domain, const char *op, const char *inputs, const char *outputs);
/* A graph from "x", floats [rows, columns], to "p", floats; and the file around it: opset 17, ml 5.
 */
fd_strbuf onnx_graph(uint32_t columns);
fd_strbuf onnx_file(fd_strbuf *graph);
/* A constant "c" of the graph, with these dimensions and that many bytes, at most 64, all 0. */
void onnx_constant(fd_strbuf *g, uint64_t type, const uint64_t *dims, size_t rank, size_t n);

#endif
