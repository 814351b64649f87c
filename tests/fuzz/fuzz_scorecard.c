/*
 * Hostile scorecards: refused with words, or loaded to a model that keeps its word.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "formats/formats.h"
#include "model_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_model *m = fd_scorecard("f.yaml", (fd_str){(const char *)data, (uint32_t)size}, &d);
    FD_ASSERT((m == NULL) == (d.errors > 0));
    if (m != NULL)
        judge_model(m);
    fd_model_free(m);
    fd_diags_free(&d);
    return 0;
}
