/*
 * Hostile JSON files of XGBoost: refused with an error, or read to a model whose scores do not
 * depend on the batch.
 */
#include "base/assert.h"
#include "formats/formats.h"
#include "model_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_model *m = fd_xgboost_json("m.json", (fd_str){(const char *)data, (uint32_t)size}, &d);
    FD_ASSERT((d.errors > 0) == (m == NULL));
    if (m != NULL)
        judge_scores(m);
    fd_model_free(m);
    fd_diags_free(&d);
    return 0;
}
