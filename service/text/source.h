/*
 * Where a CEL text stands in a file, and messages that point into it.
 *
 * The text may be a scalar of a YAML file, quoted, folded or indented: only its reader knows
 * which line and column an offset of the text came from, so it gives `locate`. Without it the
 * text itself is the file.
 */
#ifndef FD_TEXT_SOURCE_H
#define FD_TEXT_SOURCE_H

#include "base/diag.h"

typedef struct fd_cel_source {
    fd_str text;
    const char *file; /* may be NULL */
    /* Fills line, col and source of `place` for an offset <= text.n; source must stay valid
     * until the message is added. */
    void (*locate)(void *ctx, uint32_t offset, fd_diag *place);
    void *ctx;
} fd_cel_source;

/* Adds a message whose caret covers text[at, at + width). hint may be NULL. */
void fd_cel_report(const fd_cel_source *src, fd_diags *diags, fd_severity severity, uint32_t at,
                   uint32_t width, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));

#endif
