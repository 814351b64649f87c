/* Which model is meant, and rows for it; see models.h. Main thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/models/models.h"
#include "base/assert.h"
#include "base/file.h"

enum { ROWS_MAX_BYTES = 1024 * 1024 * 1024 };

const fd_manifest *fd_models_pick(const fd_models_options *o, const fd_models *all, fd_diags *diags)
{
    uint32_t n = fd_models_n(all);
    const char *ids[FD_MODELS_MAX];
    fd_strbuf list = {0};
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = fd_models_at(all, i)->id.p;
        fd_strbuf_printf(&list, "%s%s", i == 0 ? "" : ", ", ids[i]);
    }
    const fd_manifest *found = o->id == NULL && n == 1 ? fd_models_at(all, 0) : NULL;
    for (uint32_t i = 0; i < n && o->id != NULL; i++) {
        if (strcmp(ids[i], o->id) == 0)
            found = fd_models_at(all, i);
    }
    const char *near = o->id == NULL ? NULL : fd_did_you_mean(o->id, ids, n);
    if (found == NULL && n == 0)
        fd_diags_error(diags, "%s has no models", o->dir);
    else if (found == NULL && o->id == NULL)
        fd_diags_error(diags, "%s has several models; say which: --model ID of %s", o->dir, list.p);
    else if (found == NULL)
        fd_diags_error(diags, "%s has no model '%s'; %s%s%s", o->dir, o->id,
                       near == NULL ? "there are " : "did you mean ", near == NULL ? list.p : near,
                       near == NULL ? "" : "?");
    fd_strbuf_free(&list);
    return found;
}

static bool read_all(const char *path, fd_strbuf *out, const char **why)
{
    if (strcmp(path, "-") != 0)
        return fd_file_read(path, ROWS_MAX_BYTES, out, why);
    char buf[64 * 1024];
    for (size_t n = 1; n > 0 && out->n < ROWS_MAX_BYTES;) {
        n = fread(buf, 1, sizeof buf, stdin);
        fd_strbuf_add(out, buf, n);
    }
    *why = out->n >= ROWS_MAX_BYTES ? "larger than the bound" : strerror(errno);
    return !ferror(stdin) && out->n < ROWS_MAX_BYTES;
}

bool fd_models_rows_read(const char *path, const fd_manifest *m, fd_models_rows *out,
                         fd_diags *diags)
{
    fd_strbuf bytes = {0};
    const char *why;
    size_t errors = diags->errors;
    *out = (fd_models_rows){.n = 0};
    if (!read_all(path, &bytes, &why))
        fd_diags_error(diags, "%s: %s", path, why);
    else if (fd_table_parse(&out->table, path, (fd_str){bytes.p, (uint32_t)bytes.n}, diags)) {
        out->n = out->table.n_rows;
        out->inputs = calloc(m->n_inputs + 1U, sizeof *out->inputs);
        FD_ALLOCATED(out->inputs);
        for (uint32_t i = 0; i < m->n_inputs; i++)
            fd_table_numbers(&out->table, m->inputs[i].name, diags, &out->inputs[i]);
    }
    fd_strbuf_free(&bytes);
    return diags->errors == errors;
}

void fd_models_rows_free(fd_models_rows *r)
{
    free(r->inputs);
    fd_table_free(&r->table);
}

bool fd_models_print(fd_strbuf *out)
{
    bool ok = fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0;
    fd_strbuf_reset(out);
    return ok || errno == EPIPE;
}
