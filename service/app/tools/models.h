/* A directory of models, and what rule sets are told of it. Any thread, one owner. */
#ifndef FD_APP_TOOLS_MODELS_H
#define FD_APP_TOOLS_MODELS_H

#include "engine/program.h"
#include "testing/testing.h"

typedef struct fd_tool_models {
    fd_models *models;
    fd_ruleset_model *declared; /* by model */
    fd_manifest_run **runs;     /* by model, where tests of rules have them; else NULL */
} fd_tool_models;

/* False after errors in diags. dir NULL: there are none. */
bool fd_tool_models_load(const char *dir, fd_tool_models *out, fd_diags *diags);
/* Tests of rules see these models, which outlive them. */
void fd_tool_models_lend(fd_tool_models *m, fd_rules_test_options *to);
void fd_tool_models_free(fd_tool_models *m);

#endif
