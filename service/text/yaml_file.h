/*
 * A YAML file as a tree whose every node knows its place, for messages with a caret.
 *
 * Over libyaml's document. Scalars are texts: what they mean is the reader's business (so that NO
 * stays a country). A scalar that holds CEL gets an fd_cel_source which maps an offset of the
 * decoded text back to line and column of the file, through quotes, folding and indentation.
 * One owner at a time; nodes live as long as the file.
 */
#ifndef FD_TEXT_YAML_FILE_H
#define FD_TEXT_YAML_FILE_H

#include <yaml.h>

#include "text/source.h"

typedef struct fd_yaml {
    const char *name; /* as messages show it */
    fd_str text;      /* the whole file, without a byte order mark */
    uint32_t *lines;  /* where each line starts */
    uint32_t n_lines;
    fd_arena *arena; /* the caller's: texts and places live there */
    fd_diags *diags;
    yaml_document_t doc;
    bool loaded;
} fd_yaml;

typedef yaml_node_t fd_yaml_node;

/* False after an error, which is in diags. `arena` must outlive whatever refers to the file. */
bool fd_yaml_load(fd_yaml *y, const char *name, fd_str text, fd_arena *arena, fd_diags *diags);
void fd_yaml_free(fd_yaml *y);

fd_yaml_node *fd_yaml_root(fd_yaml *y); /* NULL: an empty file */
fd_yaml_node *fd_yaml_get(fd_yaml *y, int id);

void fd_yaml_report(fd_yaml *y, const fd_yaml_node *at, fd_severity severity, const char *hint,
                    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same for any place, when the node is gone. */
int fd_yaml_line(const fd_yaml_node *n); /* from 1 */

/* Each expects a kind of node; false after a report that names `what`. */
bool fd_yaml_text(fd_yaml *y, const fd_yaml_node *n, const char *what, fd_str *out);
bool fd_yaml_int(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t min, int64_t max,
                 int64_t *out);
bool fd_yaml_double(fd_yaml *y, const fd_yaml_node *n, const char *what, double min, double max,
                    double *out);
bool fd_yaml_is_list(fd_yaml *y, const fd_yaml_node *n, const char *what);

/* Reports a name that cannot be written in CEL after a dot. */
void fd_yaml_check_name(fd_yaml *y, const fd_yaml_node *n, fd_str name, const char *what);

/* Calls fn for each pair of a mapping; an unknown key is an error with "did you mean", and so is
 * a repeated one. fn gets the key's index in `keys`. Returns which keys are there, as bits by
 * index; all of them where there is no mapping, for that is told and nothing can be missing. */
typedef void (*fd_yaml_pair)(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                             fd_yaml_node *value);
uint64_t fd_yaml_map(fd_yaml *y, fd_yaml_node *n, const char *what, const char *const *keys,
                     int n_keys, fd_yaml_pair fn, void *ctx);

/* The scalar as a CEL source. */
bool fd_yaml_cel(fd_yaml *y, fd_yaml_node *n, const char *what, fd_cel_source *out);

#endif
