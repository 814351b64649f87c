/* A directory of models, and what rule sets are told of it. Main thread. */
#ifndef FD_APP_TOOLS_MODELS_H
#define FD_APP_TOOLS_MODELS_H

#include "engine/program.h"

typedef struct fd_tool_models {
    fd_models *models;
    fd_ruleset_model *declared; /* by model */
} fd_tool_models;

/* False after errors in diags. dir NULL: there are none. */
bool fd_tool_models_load(const char *dir, fd_tool_models *out, fd_diags *diags);
void fd_tool_models_free(fd_tool_models *m);

#endif
