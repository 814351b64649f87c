/* Messages that point into a CEL text; see source.h. One owner at a time. */
#include "text/source.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

/* The text is the file: count its lines. The line is copied into the diags' arena to end it. */
static void locate_in_text(const fd_cel_source *src, fd_diags *diags, uint32_t at, fd_diag *place)
{
    uint32_t start = 0;
    int line = 1;
    for (uint32_t i = 0; i < at; i++) {
        if (src->text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    uint32_t end = at;
    while (end < src->text.n && src->text.p[end] != '\n')
        end++;
    place->line = line;
    place->col = (int)(at - start) + 1;
    place->source = fd_arena_str(diags->arena, (fd_str){src->text.p + start, end - start}).p;
}

/* How many characters a caret has to cover, at least one. */
static uint32_t characters(const char *p, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += ((unsigned char)p[i] & 0xC0) != 0x80;
    return count == 0 ? 1 : count;
}

void fd_cel_report(const fd_cel_source *src, fd_diags *diags, fd_severity severity, uint32_t at,
                   uint32_t width, const char *hint, const char *fmt, ...)
{
    FD_ASSERT(at <= src->text.n);
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_diag d = {.severity = severity, .file = src->file, .text = text, .hint = hint};
    if (src->locate != NULL)
        src->locate(src->ctx, at, &d);
    else
        locate_in_text(src, diags, at, &d);
    d.width = (int)characters(src->text.p + at,
                              width < src->text.n - at ? width : src->text.n - at);
    /* A caret line does not run past the end of its line. */
    if (d.source != NULL && d.col > 0) {
        size_t len = strlen(d.source);
        size_t from = (size_t)d.col <= len ? (size_t)d.col - 1 : len;
        uint32_t rest = characters(d.source + from, (uint32_t)(len - from));
        if ((uint32_t)d.width > rest)
            d.width = (int)rest;
    }
    fd_diags_add(diags, &d);
}
