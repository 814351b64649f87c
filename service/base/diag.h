/*
 * Diagnostics for files that people write: configuration, rules, lists, schemas.
 *
 * Each one says file:line:col, shows the line with a caret, and may carry a hint. Collected, not
 * printed: the caller decides whether they end a start, refuse a reload or fill a JSON answer.
 * Bounded: beyond `FD_DIAGS_MAX` only the count goes on. One owner at a time.
 */
#ifndef FD_BASE_DIAG_H
#define FD_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/strbuf.h"

enum { FD_DIAGS_MAX = 200 };

typedef enum fd_severity { FD_WARNING, FD_ERROR } fd_severity;

typedef struct fd_diag {
    fd_severity severity;
    const char *file;   /* NULL: about no file */
    int line, col;      /* from 1; 0 = unknown; col in bytes, as compilers count */
    int width;          /* characters the caret underlines, at least 1 */
    const char *source; /* the line's text, NULL when unknown */
    const char *text;
    const char *hint; /* NULL when there is none */
} fd_diag;

typedef struct fd_diags {
    fd_arena *arena; /* owns every string above */
    fd_diag *items;
    size_t n;
    size_t errors; /* all of them, also those beyond the bound */
    size_t warnings;
} fd_diags;

void fd_diags_init(fd_diags *d);
void fd_diags_free(fd_diags *d);

/* Copies every string of `item`. */
void fd_diags_add(fd_diags *d, const fd_diag *item);
/* An error without a place in a file. */
void fd_diags_error(fd_diags *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "file:3:7: error: ...", the line, a caret, the hint. */
void fd_diag_render(const fd_diag *item, fd_strbuf *out);
void fd_diags_render(const fd_diags *d, fd_strbuf *out);
/* A JSON list of {severity, line, col, file, text, hint}; what is unknown is 0 or null. */
void fd_diags_json(const fd_diags *d, fd_strbuf *out);

/* The candidate nearest to `word` by edit distance, if near enough to be meant; else NULL. */
const char *fd_did_you_mean(const char *word, const char *const *candidates, size_t n);

#endif
