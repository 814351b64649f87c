/* Models for commands and for tests of rules; see models.h. Any thread, one owner. */
#include "app/tools/models.h"

#include <stdlib.h>

#include "base/assert.h"

bool fd_tool_models_load(const char *dir, fd_tool_models *out, fd_diags *diags)
{
    *out = (fd_tool_models){.models = fd_models_load(dir, diags)};
    if (out->models == NULL)
        return false;
    out->declared = fd_models_declare(out->models);
    return true;
}

static void score(void *ctx, uint32_t model, const fd_model_rows *rows)
{
    fd_manifest_run **runs = ctx;
    fd_manifest_score(runs[model], rows->columns, rows->n, rows->scores);
}

/* Events come one by one. */
void fd_tool_models_lend(fd_tool_models *m, fd_rules_test_options *to)
{
    FD_ASSERT(m->runs == NULL);
    to->n_models = fd_models_n(m->models);
    to->models = m->declared;
    to->score = score;
    m->runs = calloc(to->n_models + 1U, sizeof *m->runs);
    FD_ALLOCATED(m->runs);
    for (uint32_t i = 0; i < to->n_models; i++)
        m->runs[i] = fd_manifest_run_new(fd_models_at(m->models, i), 1);
    to->score_ctx = m->runs;
}

void fd_tool_models_free(fd_tool_models *m)
{
    if (m->models == NULL)
        return;
    for (uint32_t i = 0; m->runs != NULL && i < fd_models_n(m->models); i++)
        fd_manifest_run_free(m->runs[i]);
    free(m->runs);
    fd_models_declared_free(m->declared, fd_models_n(m->models));
    fd_models_free(m->models);
    *m = (fd_tool_models){.models = NULL};
}
