/*
 * Builds without ONNX Runtime: models that only it could run are refused, and the error says what
 * build could run them. Any thread.
 */
#include "formats/onnx_int.h"

static const char hint[] =
    "a build with -DFD_ONNXRUNTIME=ON hands such models to ONNX Runtime: see docs/models.md";

fd_model *fd_onnx_runtime(const char *file, fd_str bytes, fd_diags *diags)
{
    (void)bytes;
    fd_strbuf text = {0};
    fd_strbuf_printf(&text, "%s: this program is built without ONNX Runtime", file);
    fd_diags_add(diags, &(fd_diag){.severity = FD_ERROR, .text = text.p, .hint = hint});
    fd_strbuf_free(&text);
    return NULL;
}

fd_model *fd_onnx_hand_over(const char *file, fd_str bytes, const fd_diags *refusal,
                            fd_diags *diags)
{
    (void)file;
    (void)bytes;
    fd_onnx_tell(refusal, FD_ERROR, hint, diags);
    return NULL;
}
