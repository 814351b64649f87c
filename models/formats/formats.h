/*
 * Model files: each format's loader, and the one that looks at a file and chooses.
 *
 * A loader gets the whole file as bytes and trusts nothing in it: every count, index and number is
 * checked, and what it does not support is named and refused. Errors name the file and, where there
 * is one, the place in it. Loaders allocate; not for the engine thread.
 */
#ifndef FD_FORMATS_FORMATS_H
#define FD_FORMATS_FORMATS_H

#include "score/model.h"

/* X(name, text): as manifests write it. */
#define FD_MODEL_FORMATS(X)         \
    X(XGBOOST_JSON, "xgboost-json") \
    X(XGBOOST_UBJ, "xgboost-ubj")   \
    X(LIGHTGBM, "lightgbm")         \
    X(ONNX, "onnx")                 \
    X(ONNX_RUNTIME, "onnx-runtime") \
    X(SCORECARD, "scorecard")

typedef enum fd_model_format {
#define X(name, text) FD_FORMAT_##name,
    FD_MODEL_FORMATS(X)
#undef X
        FD_N_FORMATS
} fd_model_format;

const char *fd_model_format_name(fd_model_format f);
bool fd_model_format_parse(fd_str text, fd_model_format *out);
/* By the name's ending (.json, .ubj, .txt, .onnx, .yaml) and the first bytes. False: not a known
 * one. */
bool fd_model_format_guess(const char *file, fd_str bytes, fd_model_format *out);

/* NULL after errors in diags. `file` is what messages call it. */
fd_model *fd_model_load(fd_model_format format, const char *file, fd_str bytes, fd_diags *diags);

/* The loaders, one file or folder each. */
fd_model *fd_xgboost_json(const char *file, fd_str bytes, fd_diags *diags);
fd_model *fd_xgboost_ubj(const char *file, fd_str bytes, fd_diags *diags);
fd_model *fd_lightgbm(const char *file, fd_str bytes, fd_diags *diags);
fd_model *fd_onnx(const char *file, fd_str bytes, fd_diags *diags);
/* Through ONNX Runtime whatever the file has; refused in builds without FD_ONNXRUNTIME. */
fd_model *fd_onnx_runtime(const char *file, fd_str bytes, fd_diags *diags);
fd_model *fd_scorecard(const char *file, fd_str bytes, fd_diags *diags);

#endif
