/*
 * Loading a configuration from a text: the file is written to a directory of the test's own.
 */
#ifndef FD_TESTS_CONFIG_SUPPORT_H
#define FD_TESTS_CONFIG_SUPPORT_H

#include "config/config.h"

typedef struct loaded {
    fd_config *c; /* NULL: refused */
    fd_diags diags;
    fd_strbuf text; /* the rendered diagnostics, the file's name shortened to "f.yaml" */
} loaded;

#define SOURCE "sources:\n  - {topic: payments, schema: p.avsc, id: tx_id, time: event_time}\n"

/* yaml NULL: no file. env ends with NULL (may be NULL), as does set. */
loaded load_from(const char *yaml, const char *const *env, const char *const *set);
loaded load_yaml(const char *yaml); /* with HOSTNAME=h1 in the environment */
void loaded_free(loaded *l);

/* A file beside the configuration; the path is valid until the next call. */
const char *write_beside(const char *name, const char *text);

void expect_text(const loaded *l, const char *part);
void expect_no_text(const loaded *l, const char *part);

#endif
