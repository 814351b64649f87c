/*
 * The ONNX reader's inside, shared by the files onnx*.c only.
 *
 * Reading: onnx_read.c turns bytes into a graph of named nodes, onnx_attr.c reads attributes and
 * tensors, onnx.c chooses the output and walks back from it; each node that the output needs is
 * lowered to steps over columns (onnx_lower.c, onnx_shape.c, onnx_linear.c, onnx_trees.c), which
 * onnx_run.c runs. What the output does not need (labels) is never looked at.
 *
 * Numbers. Every value is a matrix [rows, k] kept as k columns of doubles, whatever the file says
 * its type is: after each step of a float tensor the results are rounded to float. For + - * / and
 * the square root that is float arithmetic exactly, since a double has more than twice the digits.
 * Integers are exact up to 2^53.
 *
 * Columns have numbers: the inputs come first; constants carry FD_ONNX_CONST. Selecting,
 * joining and reshaping only rearrange numbers, nothing is copied.
 * Loading has one owner; what is loaded is immutable.
 */
#ifndef FD_FORMATS_ONNX_INT_H
#define FD_FORMATS_ONNX_INT_H

#include "base/assert.h"
#include "formats/formats.h"
#include "formats/protobuf.h"
#include "score/forest.h"

enum {
    FD_ONNX_MAX_NODES = 100000,
    FD_ONNX_MAX_COLUMNS = 1 << 16,
    FD_ONNX_MAX_CONSTS = 1 << 14, /* columns of constants */
    FD_ONNX_MAX_RANK = 4,
    FD_ONNX_MAX_OPSET = 28,
    FD_ONNX_MAX_ML_OPSET = 5,
    FD_ONNX_BLOCK = 256 /* rows that are taken through all steps at a time */
};
#define FD_ONNX_CONST UINT32_C(0x80000000)

/* Element types, with the numbers of TensorProto.DataType. */
typedef enum fd_onnx_type {
    FD_ONNX_FLOAT = 1,
    FD_ONNX_UINT8 = 2,
    FD_ONNX_INT32 = 6,
    FD_ONNX_INT64 = 7,
    FD_ONNX_STRING = 8,
    FD_ONNX_BOOL = 9,
    FD_ONNX_DOUBLE = 11
} fd_onnx_type;

/* ---- what the file says ---- */

typedef struct fd_onnx_attr {
    fd_str name;
    fd_str body; /* the AttributeProto */
} fd_onnx_attr;

typedef struct fd_onnx_node {
    fd_str op, domain, name;
    uint32_t n_inputs, n_outputs, n_attrs;
    fd_str *inputs, *outputs;
    fd_onnx_attr *attrs;
} fd_onnx_node;

typedef struct fd_onnx_tensor {
    fd_str name;
    int64_t type; /* fd_onnx_type, or another number */
    uint32_t rank;
    uint32_t dims[FD_ONNX_MAX_RANK];
    uint32_t n;
    double *values; /* NULL for strings */
} fd_onnx_tensor;

typedef struct fd_onnx_io {
    fd_str name;
    bool is_tensor; /* otherwise a sequence or a map */
    int64_t type;
    uint32_t rank;
    int64_t dims[FD_ONNX_MAX_RANK]; /* -1: not said */
} fd_onnx_io;

typedef struct fd_onnx_graph {
    uint32_t n_nodes, n_consts, n_inputs, n_outputs;
    fd_onnx_node *nodes;
    fd_str *consts; /* TensorProto */
    fd_onnx_io *inputs, *outputs;
    int64_t opset, ml_opset; /* 0: not imported */
} fd_onnx_graph;

/* ---- what it is turned into ---- */

typedef enum fd_onnx_op {
    FD_STEP_UNARY,
    FD_STEP_BINARY,
    FD_STEP_WHERE,
    FD_STEP_SCALE,  /* params: per column what is taken off, then what it is multiplied by */
    FD_STEP_IMPUTE, /* params: what is replaced (NaN: NaN), then per column by what */
    FD_STEP_LINEAR, /* params: per output a bias and n_in weights */
    FD_STEP_NORM,
    FD_STEP_SOFTMAX,
    FD_STEP_REDUCE,
    FD_STEP_LOOKUP, /* params: default, then keys ascending, then their values */
    FD_STEP_FOREST
} fd_onnx_op;

typedef enum fd_onnx_unary {
    FD_UN_ABS,
    FD_UN_NEG,
    FD_UN_EXP,
    FD_UN_LOG,
    FD_UN_SQRT,
    FD_UN_SIGMOID,
    FD_UN_TANH,
    FD_UN_RELU,
    FD_UN_FLOOR,
    FD_UN_CEIL,
    FD_UN_RECIPROCAL,
    FD_UN_NOT,
    FD_UN_ISNAN,
    FD_UN_COPY,    /* rounded to the step's type: casts between floats */
    FD_UN_TRUTH,   /* x != 0 */
    FD_UN_WHOLE,   /* towards 0; params: what NaN and numbers out of range become, the range */
    FD_UN_CLIP,    /* params: lowest, highest */
    FD_UN_BINARY,  /* params: threshold */
    FD_UN_LOGISTIC /* as the tree and linear operators do it, in float */
} fd_onnx_unary;

typedef enum fd_onnx_binary {
    FD_BIN_ADD,
    FD_BIN_SUB,
    FD_BIN_MUL,
    FD_BIN_DIV,
    FD_BIN_POW,
    FD_BIN_MAX,
    FD_BIN_MIN,
    FD_BIN_LT,
    FD_BIN_GT,
    FD_BIN_LE,
    FD_BIN_GE,
    FD_BIN_EQ,
    FD_BIN_AND,
    FD_BIN_OR
} fd_onnx_binary;

typedef enum fd_onnx_norm { FD_NORM_MAX, FD_NORM_L1, FD_NORM_L2 } fd_onnx_norm;
typedef enum fd_onnx_softmax { FD_SOFTMAX, FD_SOFTMAX_ZERO, FD_SOFTMAX_LOG } fd_onnx_softmax;
typedef enum fd_onnx_reduce {
    FD_REDUCE_SUM,
    FD_REDUCE_MEAN,
    FD_REDUCE_MAX,
    FD_REDUCE_MIN
} fd_onnx_reduce;

typedef struct fd_onnx_step {
    fd_onnx_op op;
    int kind; /* one of the enumerations above, by op */
    bool to_float;
    bool wanted[2]; /* by fd_model_output */
    uint32_t n_in, n_out, n_params;
    uint32_t *in, *out; /* columns */
    double *params;
    fd_forest *forest;
} fd_onnx_step;

/* A loaded model. */
typedef struct fd_onnx_model {
    fd_arena *arena;
    uint32_t n_inputs, n_outputs, n_columns, n_consts, n_steps;
    fd_onnx_step *steps;
    double **consts;          /* FD_ONNX_BLOCK times the same */
    uint32_t *outputs[2];     /* columns, by fd_model_output */
    uint32_t max_in, max_out; /* of a step */
    uint32_t *raw_step;       /* per output: the linear step that makes the raw score, */
    uint32_t *raw_row;        /* and which of its outputs; NULL: no contributions */
    int32_t *source; /* per column: the input that it is a function of; -1: none, -2: many */
} fd_onnx_model;

enum { FD_ONNX_OF_NONE = -1, FD_ONNX_OF_MANY = -2 };

/* A named value: constant (tensor) or columns. */
typedef struct fd_onnx_value {
    fd_onnx_type type;
    uint32_t rank; /* of columns: 1 is [rows], 2 is [rows, k] */
    const fd_onnx_tensor *tensor;
    uint32_t k;
    uint32_t *columns;               /* of a tensor: made when first needed */
    bool probabilities;              /* a classifier's, through whatever keeps columns */
    const struct fd_onnx_value *raw; /* the scores before the transform; NULL: there was none */
} fd_onnx_value;

typedef struct fd_onnx_name {
    fd_str name;
    bool needed;
    bool is_label; /* of a classifier: never made */
    fd_onnx_value *value;
} fd_onnx_name;

typedef struct fd_onnx_builder {
    const char *file;
    fd_diags *diags;
    fd_arena *scratch; /* until loading ends */
    fd_onnx_graph g;
    fd_onnx_name *names; /* a hash table */
    uint32_t n_slots;
    fd_onnx_model *model;
    uint32_t cap_steps, cap_columns, cap_consts;
    uint64_t n_trees;
    bool beyond; /* refused for what ONNX Runtime may well be able to run */
} fd_onnx_builder;

/* onnx_read.c */
bool fd_onnx_read(fd_onnx_builder *b, fd_str bytes);
bool fd_onnx_error(fd_onnx_builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Names the node; false, so that one may return it. */
bool fd_onnx_refuse(fd_onnx_builder *b, const fd_onnx_node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void *fd_onnx_alloc(fd_arena *arena, size_t n, size_t size);
const char *fd_onnx_type_name(int64_t type);

/* onnx_io.c */
void fd_onnx_make_names(fd_onnx_builder *b);
bool fd_onnx_is_float(int64_t type);
/* The first output that is a tensor of floats or doubles, or what ZipMap made; labels are passed
 * over and said to be there. NULL: none. */
const fd_onnx_io *fd_onnx_choose_output(const fd_onnx_graph *g, bool *labelled);
/* Columns of all inputs but for constants with a default, whose names have values. */
bool fd_onnx_count_inputs(fd_onnx_builder *b, uint32_t *out);
/* The names of an input's columns, in the scratch arena. */
void fd_onnx_input_names(fd_onnx_builder *b, const fd_onnx_io *io, const char **names);

/* onnx.c: says all of `from` again, as severe and with this hint (NULL: its own). */
void fd_onnx_tell(const fd_diags *from, fd_severity severity, const char *hint, fd_diags *to);

/* onnx_runtime.c, or onnx_runtime_off.c in builds without ONNX Runtime: for a file that fraudd's
 * own reader refused with these words. */
fd_model *fd_onnx_hand_over(const char *file, fd_str bytes, const fd_diags *refusal,
                            fd_diags *diags);
/* onnx_external.c: false after an error when the model needs other files, or is malformed. */
bool fd_onnx_self_contained(fd_onnx_builder *b, fd_str bytes);

/* onnx_attr.c: false after an error; an attribute that is absent leaves *out as it is. */
fd_str fd_onnx_tensor_name(fd_str body);
bool fd_onnx_tensor_read(fd_onnx_builder *b, fd_str body, fd_onnx_tensor *out);
const fd_onnx_attr *fd_onnx_attr_find(const fd_onnx_node *n, const char *name);
bool fd_onnx_attr_int(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, int64_t *out);
bool fd_onnx_attr_float(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, double *out);
bool fd_onnx_attr_str(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, fd_str *out);
bool fd_onnx_attr_ints(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, int64_t **out,
                       uint32_t *count);
bool fd_onnx_attr_floats(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, double **out,
                         uint32_t *count);
bool fd_onnx_attr_strs(fd_onnx_builder *b, const fd_onnx_node *n, const char *name, fd_str **out,
                       uint32_t *count);
bool fd_onnx_attr_tensor(fd_onnx_builder *b, const fd_onnx_node *n, const char *name,
                         const fd_onnx_tensor **out);

/* onnx_lower.c */
typedef bool (*fd_onnx_lower)(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_node(fd_onnx_builder *b, const fd_onnx_node *n);
fd_onnx_name *fd_onnx_find(fd_onnx_builder *b, fd_str name);
/* NULL after an error. */
fd_onnx_value *fd_onnx_in(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i);
/* The same, and it must be columns of numbers of rank 2. */
fd_onnx_value *fd_onnx_matrix(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i);
/* The same, and it must be a constant. */
const fd_onnx_tensor *fd_onnx_constant(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i);
bool fd_onnx_has_in(const fd_onnx_node *n, uint32_t i);
/* A value of k new columns; NULL after an error (too many). */
fd_onnx_value *fd_onnx_new(fd_onnx_builder *b, fd_onnx_type type, uint32_t rank, uint32_t k);
/* The same columns under another hat. */
fd_onnx_value *fd_onnx_same(fd_onnx_builder *b, const fd_onnx_value *v);
/* A column that has this number in every row. UINT32_MAX after an error. */
uint32_t fd_onnx_const_column(fd_onnx_builder *b, double value);
/* x op constant, column by column; `constants` has one number or one per column. */
fd_onnx_value *fd_onnx_with_constant(fd_onnx_builder *b, fd_onnx_binary kind,
                                     const fd_onnx_value *x, const double *constants, bool one);
/* A step from all columns of v to n_out new ones, and its value. */
fd_onnx_value *fd_onnx_row_step(fd_onnx_builder *b, const fd_onnx_value *v, fd_onnx_op op, int kind,
                                uint32_t rank, uint32_t n_out, uint32_t n_params);
/* A step; in, out and params are the step's to fill. */
fd_onnx_step *fd_onnx_add(fd_onnx_builder *b, fd_onnx_op op, int kind, uint32_t n_in,
                          uint32_t n_out, uint32_t n_params);
/* out = unary(v) with these params. NULL after an error. */
fd_onnx_value *fd_onnx_unary_of(fd_onnx_builder *b, fd_onnx_unary kind, const fd_onnx_value *v,
                                fd_onnx_type type, const double *params, uint32_t n_params);
/* Gives the node's output i its value. */
bool fd_onnx_define(fd_onnx_builder *b, const fd_onnx_node *n, uint32_t i, fd_onnx_value *v);

/* onnx_shape.c */
bool fd_onnx_lower_same(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_constant(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_concat(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_reshape(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_gather(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_extract(fd_onnx_builder *b, const fd_onnx_node *n, int kind);

/* onnx_math.c */
bool fd_onnx_lower_unary(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_binary(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_cast(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_clip(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_where(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_softmax(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_reduce(fd_onnx_builder *b, const fd_onnx_node *n, int kind);

/* onnx_linear.c */
bool fd_onnx_lower_scaler(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_imputer(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_binarizer(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_normalizer(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_labels(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_linear(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_matmul(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
/* The scores through a post_transform of ai.onnx.ml; NULL after an error. */
fd_onnx_value *fd_onnx_post(fd_onnx_builder *b, const fd_onnx_node *n, fd_str transform,
                            fd_onnx_value *scores);
/* Two classes from one score s: LOGISTIC, or NONE with 1 - s (complement) or -s for the first. */
fd_onnx_value *fd_onnx_pair(fd_onnx_builder *b, const fd_onnx_node *n, fd_str transform,
                            fd_onnx_value *score, bool complement);
/* A classifier's output 1; output 0 is its label. */
bool fd_onnx_define_classes(fd_onnx_builder *b, const fd_onnx_node *n, fd_onnx_value *v);

/* onnx_trees.c, onnx_trees5.c */
/* With the numbers of TreeEnsemble's nodes_modes; 6 is a set's membership. */
typedef enum fd_onnx_split_mode {
    FD_ONNX_LEQ,
    FD_ONNX_LT,
    FD_ONNX_GTE,
    FD_ONNX_GT,
    FD_ONNX_EQ,
    FD_ONNX_NEQ,
    FD_ONNX_MEMBER
} fd_onnx_split_mode;
/* False: a mode that is not a comparison. */
bool fd_onnx_split(fd_onnx_split_mode mode, bool missing_yes, fd_forest_node *out);
bool fd_onnx_lower_trees(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
bool fd_onnx_lower_trees5(fd_onnx_builder *b, const fd_onnx_node *n, int kind);
/* Raw sums of the trees over x, `spec` filled but for inputs; NULL after an error. */
fd_onnx_value *fd_onnx_forest(fd_onnx_builder *b, const fd_onnx_node *n, const fd_onnx_value *x,
                              const fd_forest_spec *spec);
/* Divided by `divisor` (1: not), base added (NULL: none), as floats. */
fd_onnx_value *fd_onnx_finish_sums(fd_onnx_builder *b, fd_onnx_value *sums, const double *base,
                                   double divisor);

/* onnx_run.c */
size_t fd_onnx_scratch_bytes(const void *impl, uint32_t max_rows);
void fd_onnx_score(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                   fd_model_output which, double *const *out);
void fd_onnx_contribute(const void *impl, const double *row, uint32_t output,
                        double *contributions);

#endif
