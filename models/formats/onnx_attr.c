/*
 * Attributes of ONNX nodes and constant tensors, as numbers of one kind: integers as int64, all
 * others as doubles. Field numbers are those of onnx.proto. Any thread; one owner.
 */
#include <string.h>

#include "formats/onnx_int.h"

enum { /* field numbers */
       ATTR_F = 2,
       ATTR_I = 3,
       ATTR_S = 4,
       ATTR_T = 5,
       ATTR_FLOATS = 7,
       ATTR_INTS = 8,
       ATTR_STRINGS = 9,
       TENSOR_DIMS = 1,
       TENSOR_TYPE = 2,
       TENSOR_FLOATS = 4,
       TENSOR_INT32S = 5,
       TENSOR_INT64S = 7,
       TENSOR_NAME = 8,
       TENSOR_RAW = 9,
       TENSOR_DOUBLES = 10,
       TENSOR_LOCATION = 14
};

#define MAX_NUMBERS ((size_t)FD_MODEL_MAX_NODES)

const fd_onnx_attr *fd_onnx_attr_find(const fd_onnx_node *n, const char *name)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (fd_str_eq_c(n->attrs[i].name, name))
            return &n->attrs[i];
    }
    return NULL;
}

/* The last field of that number. */
static bool find_field(fd_str body, uint32_t number, fd_pb_wire wire, fd_pb_field *out)
{
    fd_pb r = fd_pb_open(body);
    fd_pb_field f;
    bool found = false;
    while (fd_pb_next(&r, &f)) {
        if (f.number == number && f.wire == wire) {
            *out = f;
            found = true;
        }
    }
    return found && !r.bad;
}

static bool wrong(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, const char *want)
{
    return fd_onnx_refuse(b, n, "attribute \"%s\" is not %s", name, want);
}

bool fd_onnx_attr_int(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, int64_t *out)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    fd_pb_field f;
    if (a == NULL)
        return true;
    if (!find_field(a->body, ATTR_I, FD_PB_VARINT, &f))
        return wrong(b, n, name, "a whole number");
    *out = (int64_t)f.value;
    return true;
}

bool fd_onnx_attr_float(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, double *out)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    fd_pb_field f;
    if (a == NULL)
        return true;
    if (!find_field(a->body, ATTR_F, FD_PB_FIXED32, &f))
        return wrong(b, n, name, "a float");
    *out = (double)fd_pb_float(f.value);
    return true;
}

bool fd_onnx_attr_str(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, fd_str *out)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    fd_pb_field f;
    if (a == NULL)
        return true;
    if (!find_field(a->body, ATTR_S, FD_PB_BYTES, &f))
        return wrong(b, n, name, "a string");
    *out = f.bytes;
    return true;
}

/* The numbers of a repeated field as bits, in the arena. */
static bool read_bits(fd_onnx_builder *b, fd_str body, uint32_t number, fd_pb_wire wire,
                      uint64_t **out, uint32_t *count)
{
    size_t n;
    if (!fd_pb_numbers(body, number, wire, NULL, MAX_NUMBERS, &n))
        return false;
    *out = fd_onnx_alloc(b->scratch, n, sizeof **out);
    *count = (uint32_t)n;
    return fd_pb_numbers(body, number, wire, *out, n, &n);
}

bool fd_onnx_attr_ints(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, int64_t **out,
                       uint32_t *count)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    uint64_t *bits;
    *out = NULL;
    *count = 0;
    if (a == NULL)
        return true;
    if (!read_bits(b, a->body, ATTR_INTS, FD_PB_VARINT, &bits, count))
        return wrong(b, n, name, "a list of whole numbers");
    *out = (int64_t *)bits;
    return true;
}

/* Bits to doubles, in place. */
static double *to_doubles(uint64_t *bits, uint32_t n, bool are_floats)
{
    double *out = (double *)(void *)bits;
    for (uint32_t i = 0; i < n; i++) {
        double v = are_floats ? (double)fd_pb_float(bits[i]) : fd_pb_double(bits[i]);
        memcpy(&bits[i], &v, sizeof v);
    }
    return out;
}

bool fd_onnx_attr_floats(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, double **out,
                         uint32_t *count)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    uint64_t *bits;
    *out = NULL;
    *count = 0;
    if (a == NULL)
        return true;
    if (!read_bits(b, a->body, ATTR_FLOATS, FD_PB_FIXED32, &bits, count))
        return wrong(b, n, name, "a list of floats");
    *out = to_doubles(bits, *count, true);
    return true;
}

bool fd_onnx_attr_strs(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, fd_str **out,
                       uint32_t *count)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    *out = NULL;
    *count = 0;
    if (a == NULL)
        return true;
    for (int fill = 0; fill < 2; fill++) {
        uint32_t i = 0;
        fd_pb r = fd_pb_open(a->body);
        fd_pb_field f;
        while (fd_pb_next(&r, &f)) {
            if (f.number != ATTR_STRINGS)
                continue;
            if (f.wire != FD_PB_BYTES)
                return wrong(b, n, name, "a list of strings");
            if (fill)
                (*out)[i] = f.bytes;
            i++;
        }
        if (!fill)
            *out = fd_onnx_alloc(b->scratch, i, sizeof **out);
        *count = i;
    }
    return true;
}

bool fd_onnx_attr_tensor(fd_onnx_builder *b, const fd_onnx_node *n, const char *name,
                         const fd_onnx_tensor **out)
{
    const fd_onnx_attr *a = fd_onnx_attr_find(n, name);
    fd_pb_field f;
    if (a == NULL)
        return true;
    if (!find_field(a->body, ATTR_T, FD_PB_BYTES, &f))
        return wrong(b, n, name, "a tensor");
    fd_onnx_tensor *t = fd_onnx_alloc(b->scratch, 1, sizeof *t);
    *out = t;
    return fd_onnx_tensor_read(b, f.bytes, t);
}

/* ---- tensors ---- */

static bool bad_tensor(fd_onnx_builder *b, const fd_onnx_tensor *t, const char *what)
{
    return fd_onnx_error(b, "the tensor \"" FD_STR_FMT "\" %s", FD_STR_ARG(t->name), what);
}

/* Bytes of an element in raw_data; 0: not a type that is read. */
static size_t raw_size(int64_t type)
{
    switch (type) {
    case FD_ONNX_FLOAT:
    case FD_ONNX_INT32:
        return 4;
    case FD_ONNX_DOUBLE:
    case FD_ONNX_INT64:
        return 8;
    case FD_ONNX_UINT8:
    case FD_ONNX_BOOL:
        return 1;
    default:
        return 0;
    }
}

static double from_bits(int64_t type, uint64_t bits)
{
    switch (type) {
    case FD_ONNX_FLOAT:
        return (double)fd_pb_float(bits);
    case FD_ONNX_DOUBLE:
        return fd_pb_double(bits);
    case FD_ONNX_INT32:
        return (double)(int32_t)(uint32_t)bits;
    default:
        return (double)(int64_t)bits;
    }
}

static void read_raw(fd_onnx_tensor *t, fd_str raw, size_t size)
{
    const uint8_t *p = (const uint8_t *)raw.p;
    for (uint32_t i = 0; i < t->n; i++) {
        uint64_t bits = 0;
        for (size_t k = 0; k < size; k++)
            bits |= (uint64_t)p[i * size + k] << (8 * k);
        t->values[i] = from_bits(t->type, bits);
    }
}

static bool read_values(fd_onnx_builder *b, fd_str body, fd_onnx_tensor *t)
{
    fd_pb_field raw = {0};
    size_t size = raw_size(t->type);
    if (find_field(body, TENSOR_RAW, FD_PB_BYTES, &raw)) {
        if (raw.bytes.n != t->n * size)
            return bad_tensor(b, t, "has not as many bytes as its dimensions say");
        t->values = fd_onnx_alloc(b->scratch, t->n, sizeof *t->values);
        read_raw(t, raw.bytes, size);
        return true;
    }
    uint32_t field = TENSOR_INT32S;
    fd_pb_wire wire = FD_PB_VARINT;
    if (t->type == FD_ONNX_FLOAT) {
        field = TENSOR_FLOATS;
        wire = FD_PB_FIXED32;
    } else if (t->type == FD_ONNX_DOUBLE) {
        field = TENSOR_DOUBLES;
        wire = FD_PB_FIXED64;
    } else if (t->type == FD_ONNX_INT64) {
        field = TENSOR_INT64S;
    }
    uint64_t *bits;
    uint32_t n;
    if (!read_bits(b, body, field, wire, &bits, &n) || n != t->n)
        return bad_tensor(b, t, "has not as many numbers as its dimensions say");
    t->values = fd_onnx_alloc(b->scratch, n, sizeof *t->values);
    for (uint32_t i = 0; i < n; i++)
        t->values[i] = from_bits(t->type, bits[i]);
    return true;
}

static bool read_dims(fd_onnx_builder *b, fd_str body, fd_onnx_tensor *t)
{
    uint64_t dims[FD_ONNX_MAX_RANK];
    size_t rank;
    if (!fd_pb_numbers(body, TENSOR_DIMS, FD_PB_VARINT, dims, FD_ONNX_MAX_RANK, &rank))
        return bad_tensor(b, t, "has too many dimensions, or is malformed");
    uint64_t n = 1;
    for (size_t i = 0; i < rank; i++) {
        n = dims[i] > MAX_NUMBERS ? MAX_NUMBERS + 1 : n * dims[i];
        if (n > MAX_NUMBERS)
            return bad_tensor(b, t, "is too large");
        t->dims[i] = (uint32_t)dims[i];
    }
    t->rank = (uint32_t)rank;
    t->n = (uint32_t)n;
    return true;
}

fd_str fd_onnx_tensor_name(fd_str body)
{
    fd_pb_field f;
    return find_field(body, TENSOR_NAME, FD_PB_BYTES, &f) ? f.bytes : (fd_str){0};
}

bool fd_onnx_tensor_read(fd_onnx_builder *b, fd_str body, fd_onnx_tensor *out)
{
    fd_onnx_tensor t = {.name = fd_onnx_tensor_name(body)};
    fd_pb_field f;
    if (find_field(body, TENSOR_TYPE, FD_PB_VARINT, &f))
        t.type = (int64_t)f.value;
    bool ok = read_dims(b, body, &t);
    if (ok && find_field(body, TENSOR_LOCATION, FD_PB_VARINT, &f) && f.value != 0)
        ok = bad_tensor(b, &t, "is kept in another file: save the model with its data inside");
    if (ok && t.type == FD_ONNX_STRING) {
        *out = t; /* class labels: nobody looks into them */
        return true;
    }
    if (ok && raw_size(t.type) == 0) {
        b->beyond = true;
        ok = fd_onnx_error(b, "the tensor \"" FD_STR_FMT "\" holds %s: not supported",
                           FD_STR_ARG(t.name), fd_onnx_type_name(t.type));
    }
    ok = ok && read_values(b, body, &t);
    *out = t;
    return ok;
}
