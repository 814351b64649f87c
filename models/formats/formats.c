/* The table of formats, and the choice among loaders; see formats.h. Any thread. */
#include "formats/formats.h"

#include <string.h>

static const char *const names[] = {
#define X(name, text) text,
    FD_MODEL_FORMATS(X)
#undef X
};

const char *fd_model_format_name(fd_model_format f)
{
    return names[f];
}

bool fd_model_format_parse(fd_str text, fd_model_format *out)
{
    for (int i = 0; i < FD_N_FORMATS; i++) {
        if (fd_str_eq_c(text, names[i])) {
            *out = (fd_model_format)i;
            return true;
        }
    }
    return false;
}

typedef fd_model *(*loader)(const char *file, fd_str bytes, fd_diags *diags);

static const loader loaders[FD_N_FORMATS] = {
    [FD_FORMAT_XGBOOST_JSON] = fd_xgboost_json, [FD_FORMAT_XGBOOST_UBJ] = fd_xgboost_ubj,
    [FD_FORMAT_LIGHTGBM] = fd_lightgbm,         [FD_FORMAT_ONNX] = fd_onnx,
    [FD_FORMAT_ONNX_RUNTIME] = fd_onnx_runtime, [FD_FORMAT_SCORECARD] = fd_scorecard,
};

static bool ends_with(const char *file, const char *ending)
{
    size_t n = strlen(file), m = strlen(ending);
    return n >= m && strcmp(file + n - m, ending) == 0;
}

bool fd_model_format_guess(const char *file, fd_str bytes, fd_model_format *out)
{
    if (ends_with(file, ".onnx"))
        *out = FD_FORMAT_ONNX;
    else if (ends_with(file, ".yaml") || ends_with(file, ".yml"))
        *out = FD_FORMAT_SCORECARD;
    else if (ends_with(file, ".ubj"))
        *out = FD_FORMAT_XGBOOST_UBJ;
    else if (ends_with(file, ".json"))
        *out = FD_FORMAT_XGBOOST_JSON;
    else if (bytes.n >= 5 && memcmp(bytes.p, "tree\n", 5) == 0)
        *out = FD_FORMAT_LIGHTGBM;
    else
        return false;
    return true;
}

fd_model *fd_model_load(fd_model_format format, const char *file, fd_str bytes, fd_diags *diags)
{
    if (bytes.n > FD_MODEL_MAX_BYTES) {
        fd_diags_error(diags, "%s: larger than %d bytes", file, FD_MODEL_MAX_BYTES);
        return NULL;
    }
    return loaders[format](file, bytes, diags);
}
