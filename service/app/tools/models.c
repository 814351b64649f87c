/* Models for commands; see models.h. Main thread. */
#include "app/tools/models.h"

bool fd_tool_models_load(const char *dir, fd_tool_models *out, fd_diags *diags)
{
    *out = (fd_tool_models){.models = fd_models_load(dir, diags)};
    if (out->models == NULL)
        return false;
    out->declared = fd_models_declare(out->models);
    return true;
}

void fd_tool_models_free(fd_tool_models *m)
{
    if (m->models == NULL)
        return;
    fd_models_declared_free(m->declared, fd_models_n(m->models));
    fd_models_free(m->models);
    *m = (fd_tool_models){.models = NULL};
}
