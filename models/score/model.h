/*
 * A model: numbers in, scores out, and how much each input had to do with it.
 *
 * One interface for all formats. A loader (models/formats/) reads a file into an implementation:
 * a forest, a linear model, a scorecard, a chain of these. A loaded model never changes; any number
 * of threads may score with it, each with its own fd_model_run.
 *
 * Shapes. Inputs are columns of doubles, n_inputs of them, each with one value per row; NaN is a
 * missing value. What the model computes in is the format's affair: a float32 model rounds its
 * inputs to float first, as its reference library does with a float64 matrix. Scores are columns
 * too: out[output][row], n_outputs of them (1 for regression and binary classification, the number
 * of classes otherwise).
 *
 * Determinism: a score is a function of the model's file and the row. Batch size, the row's place
 * in it and the machine's vector width do not matter: every path gives the same bits.
 */
#ifndef FD_SCORE_MODEL_H
#define FD_SCORE_MODEL_H

#include "base/arena.h"
#include "base/diag.h"

typedef struct fd_model fd_model;
typedef struct fd_model_run fd_model_run;

/* Bounds; beyond them a load error. */
enum {
    FD_MODEL_MAX_INPUTS = 4096,
    FD_MODEL_MAX_OUTPUTS = 256,
    FD_MODEL_MAX_TREES = 100000,
    FD_MODEL_MAX_NODES = 50 * 1000 * 1000,  /* of all trees */
    FD_MODEL_MAX_BYTES = 512 * 1024 * 1024, /* of a file */
};

/* Which scores are wanted. */
typedef enum fd_model_output {
    FD_MODEL_RAW,        /* the margin, before the model's own transform */
    FD_MODEL_TRANSFORMED /* as the file says: a probability, a rate, ... */
} fd_model_output;

/* What an implementation is made of; loaders fill it and give it to fd_model_new(). All functions
 * are pure: they may run on any thread at the same time. */
typedef struct fd_model_ops {
    /* Scores rows [0, n) of columns[input][row] into out[output][row]. `scratch` has
     * scratch_bytes(impl, max_rows) bytes, n <= max_rows, aligned to 64. */
    void (*score)(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                  fd_model_output which, double *const *out);
    size_t (*scratch_bytes)(const void *impl, uint32_t max_rows);
    /* What each input added to the raw score `output` of one row: contributions[0 .. n_inputs) and,
     * behind them, the bias; their sum is the raw score, up to rounding. NULL: it cannot say. */
    void (*contribute)(const void *impl, const double *row, uint32_t output, double *contributions);
    void (*free)(void *impl);
    /* The reason code that the model's file has for this value of the input; NULL: none. The
     * function may be NULL. */
    const char *(*reason)(const void *impl, uint32_t input, double value);
} fd_model_ops;

typedef struct fd_model_shape {
    const char *format; /* "xgboost", "lightgbm", "onnx", "scorecard", ... */
    uint32_t n_inputs;
    const char *const *input_names; /* as the file has them; NULL: it names none; copied */
    uint32_t n_outputs;
    uint32_t n_trees; /* 0: there are none */
    size_t bytes;     /* memory that the implementation holds */
} fd_model_shape;

/* Takes impl over, whatever becomes of it. Strings of the shape are copied. */
fd_model *fd_model_new(const fd_model_shape *shape, const fd_model_ops *ops, void *impl);
void fd_model_free(fd_model *m); /* NULL is fine */
const fd_model_shape *fd_model_shape_of(const fd_model *m);

/* Scratch memory of one scoring thread, for batches of at most max_rows rows. */
fd_model_run *fd_model_run_new(const fd_model *m, uint32_t max_rows);
void fd_model_run_free(fd_model_run *run); /* NULL is fine */
void fd_model_score(fd_model_run *run, const double *const *columns, uint32_t n,
                    fd_model_output which, double *const *out);
/* False: this kind of model has no contributions. Allocates; not for the hot path of events that
 * nobody asks about. */
bool fd_model_contribute(const fd_model *m, const double *row, uint32_t output,
                         double *contributions);
/* The file's own reason code for this value of the input; NULL: it has none. Lives as long as m. */
const char *fd_model_reason(const fd_model *m, uint32_t input, double value);

#endif
