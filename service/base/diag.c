/* Diagnostics with file, line, caret and hint; see diag.h. One owner at a time. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void fd_diags_init(fd_diags *d)
{
    *d = (fd_diags){.arena = fd_arena_new(4096, 0)};
    d->items = calloc(FD_DIAGS_MAX, sizeof *d->items);
    FD_ALLOCATED(d->items);
}

void fd_diags_free(fd_diags *d)
{
    fd_arena_free(d->arena);
    free(d->items);
    *d = (fd_diags){0};
}

static const char *copy(fd_diags *d, const char *s)
{
    return s == NULL ? NULL : fd_arena_cstr(d->arena, s);
}

void fd_diags_add(fd_diags *d, const fd_diag *item)
{
    FD_ASSERT(item->text != NULL);
    if (item->severity == FD_ERROR)
        d->errors++;
    else
        d->warnings++;
    if (d->n == FD_DIAGS_MAX)
        return;
    fd_diag *to = &d->items[d->n++];
    *to = *item;
    to->file = copy(d, item->file);
    to->source = copy(d, item->source);
    to->text = copy(d, item->text);
    to->hint = copy(d, item->hint);
}

void fd_diags_error(fd_diags *d, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_diags_add(d, &(fd_diag){.severity = FD_ERROR, .text = text});
}

/* Tabs are kept in the padding so that the caret stands under its column in any terminal. */
static void render_caret(const fd_diag *item, fd_strbuf *out)
{
    fd_strbuf_printf(out, "  %s\n  ", item->source);
    size_t len = strlen(item->source);
    for (size_t i = 0; i + 1 < (size_t)item->col && i < len; i++) {
        unsigned char c = (unsigned char)item->source[i];
        if ((c & 0xC0) != 0x80)
            fd_strbuf_putc(out, c == '\t' ? '\t' : ' ');
    }
    fd_strbuf_putc(out, '^');
    for (int i = 1; i < item->width; i++)
        fd_strbuf_putc(out, '~');
    fd_strbuf_putc(out, '\n');
}

void fd_diag_render(const fd_diag *item, fd_strbuf *out)
{
    if (item->file != NULL)
        fd_strbuf_puts(out, item->file);
    if (item->file != NULL && item->line > 0)
        fd_strbuf_printf(out, ":%d", item->line);
    if (item->file != NULL && item->line > 0 && item->col > 0)
        fd_strbuf_printf(out, ":%d", item->col);
    if (item->file != NULL)
        fd_strbuf_puts(out, ": ");
    fd_strbuf_printf(out, "%s: %s\n", item->severity == FD_ERROR ? "error" : "warning", item->text);
    if (item->source != NULL && item->col > 0)
        render_caret(item, out);
    if (item->hint != NULL)
        fd_strbuf_printf(out, "  hint: %s\n", item->hint);
}

void fd_diags_render(const fd_diags *d, fd_strbuf *out)
{
    for (size_t i = 0; i < d->n; i++)
        fd_diag_render(&d->items[i], out);
    size_t all = d->errors + d->warnings;
    if (all > d->n)
        fd_strbuf_printf(out, "... and %zu more\n", all - d->n);
}

static void json_text(fd_strbuf *out, const char *name, const char *text)
{
    fd_strbuf_printf(out, ", \"%s\": ", name);
    if (text == NULL)
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_json(out, fd_str_from(text));
}

void fd_diags_json(const fd_diags *d, fd_strbuf *out)
{
    fd_strbuf_putc(out, '[');
    for (size_t i = 0; i < d->n; i++) {
        const fd_diag *item = &d->items[i];
        fd_strbuf_printf(out, "%s{\"severity\": \"%s\", \"line\": %d, \"col\": %d",
                         i == 0 ? "" : ", ", item->severity == FD_ERROR ? "error" : "warning",
                         item->line, item->col);
        json_text(out, "file", item->file);
        json_text(out, "text", item->text);
        json_text(out, "hint", item->hint);
        fd_strbuf_putc(out, '}');
    }
    fd_strbuf_putc(out, ']');
}

enum { WORD_MAX = 64 };

/* Levenshtein distance over two rows; words longer than WORD_MAX are never "meant". */
static size_t distance(const char *a, size_t an, const char *b, size_t bn)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= bn; j++)
        row[j] = j;
    for (size_t i = 1; i <= an; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= bn; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[bn];
}

const char *fd_did_you_mean(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > WORD_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = len / 3 + 2; /* two typos in a short word, more in a long one */
    for (size_t i = 0; i < n; i++) {
        size_t clen = strlen(candidates[i]);
        if (clen > WORD_MAX)
            continue;
        size_t dist = distance(word, len, candidates[i], clen);
        if (dist < best_distance && dist < clen) {
            best_distance = dist;
            best = candidates[i];
        }
    }
    return best;
}
