/*
 * `fraudd models`, taken apart: one file for each thing it can do. Models are looked at without an
 * engine; events through features are replay's. Main thread.
 */
#ifndef FD_APP_MODELS_MODELS_H
#define FD_APP_MODELS_MODELS_H

#include "app/cli.h"
#include "app/tools/models.h"
#include "manifest/table.h"

typedef struct fd_models_options {
    const char *dir;
    const char *id;   /* NULL: the only one */
    const char *file; /* CSV of inputs; "-": standard input */
    const char *schema, *rules, *source;
    int64_t rows, top;
    bool json;
} fd_models_options;

/* Each gets the loaded directory and returns an exit code. */
int fd_models_check(const fd_models_options *o, fd_diags *diags);
int fd_models_score(const fd_models_options *o, const fd_models *all, fd_diags *diags);
int fd_models_explain(const fd_models_options *o, const fd_models *all, fd_diags *diags);
int fd_models_bench(const fd_models_options *o, const fd_models *all, fd_diags *diags);

/* The model that is meant; NULL after an error. */
const fd_manifest *fd_models_pick(const fd_models_options *o, const fd_models *all,
                                  fd_diags *diags);

/* Rows of a model's inputs. */
typedef struct fd_models_rows {
    fd_table table;
    uint32_t n;
    const double **inputs; /* [input][row] */
} fd_models_rows;
/* False after errors in diags; free them all the same. */
bool fd_models_rows_read(const char *path, const fd_manifest *m, fd_models_rows *out,
                         fd_diags *diags);
void fd_models_rows_free(fd_models_rows *r);

/* All on standard output; false: it cannot be written. */
bool fd_models_print(fd_strbuf *out);

#endif
