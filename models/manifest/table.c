/* CSV files of numbers; see table.h. */
#include "manifest/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

typedef struct reader {
    fd_table *t;
    fd_str bytes;
    fd_diags *diags;
    int line;
    const char *line_at; /* where it starts */
} reader;

static void report(const reader *r, const char *file, int col, const char *hint, const char *text)
{
    fd_diags_add(r->diags, &(fd_diag){.severity = FD_ERROR,
                                      .file = file,
                                      .line = r->line,
                                      .col = col,
                                      .width = 1,
                                      .text = text,
                                      .hint = hint});
}

/* The next cell of the line [*at, end); false: there is none. */
static bool next_cell(const char **at, const char *end, fd_str *out)
{
    if (*at > end)
        return false;
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *to = comma == NULL ? end : comma, *from = *at;
    *at = to + 1;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
        to--;
    if (to - from >= 2 && *from == '"' && to[-1] == '"') {
        from++;
        to--;
    }
    *out = (fd_str){from, (uint32_t)(to - from)};
    return true;
}

static bool is_missing(fd_str s)
{
    static const char *const words[] = {"nan", "NaN", "NAN", "NA", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (fd_str_eq_c(s, words[i]))
            return true;
    }
    return s.n == 0;
}

static bool number_of(fd_str s, double *out)
{
    char buf[64];
    *out = NAN;
    if (is_missing(s))
        return true;
    if (s.n >= sizeof buf)
        return false;
    memcpy(buf, s.p, s.n);
    buf[s.n] = '\0';
    char *end;
    *out = strtod(buf, &end);
    if (*end == '\0')
        return true;
    *out = fd_str_eq_c(s, "true") || fd_str_eq_c(s, "True") ? 1 : 0;
    return *out != 0 || fd_str_eq_c(s, "false") || fd_str_eq_c(s, "False");
}

static bool next_line(reader *r, const char **from, const char **end)
{
    const char *all = r->bytes.p + r->bytes.n;
    if (r->line_at == NULL || r->line_at >= all)
        return false;
    *from = r->line_at;
    const char *nl = memchr(*from, '\n', (size_t)(all - *from));
    *end = nl == NULL ? all : nl;
    r->line_at = *end + 1;
    if (*end > *from && (*end)[-1] == '\r')
        (*end)--;
    r->line++;
    return true;
}

static bool read_header(reader *r, const char *from, const char *end)
{
    fd_table *t = r->t;
    fd_str name;
    const char *at = from;
    t->columns = calloc(FD_TABLE_MAX_COLUMNS, sizeof *t->columns);
    FD_ALLOCATED(t->columns);
    while (next_cell(&at, end, &name)) {
        int col = (int)(name.p - from) + 1;
        const char *what = name.n == 0                            ? "a column without a name"
                           : fd_table_find(t, name) != NULL       ? "a second column of this name"
                           : t->n_columns == FD_TABLE_MAX_COLUMNS ? "more columns than the bound"
                                                                  : NULL;
        if (what != NULL) {
            report(r, t->file, col, "the first line has the columns' names", what);
            return false;
        }
        t->columns[t->n_columns].name = fd_arena_str(t->arena, name);
        t->n_columns++;
    }
    return true;
}

static void grow(fd_table *t)
{
    if (t->n_rows < t->cap_rows)
        return;
    t->cap_rows = t->cap_rows == 0 ? 256 : t->cap_rows * 2;
    for (uint32_t c = 0; c < t->n_columns; c++) {
        double **values = &t->columns[c].values;
        *values = realloc(*values, t->cap_rows * sizeof **values);
        FD_ALLOCATED(*values);
    }
}

static bool read_row(reader *r, const char *from, const char *end)
{
    fd_table *t = r->t;
    const char *at = from;
    fd_str cell;
    uint32_t c = 0;
    grow(t);
    for (; c < t->n_columns && next_cell(&at, end, &cell); c++) {
        fd_table_column *column = &t->columns[c];
        if (number_of(cell, &column->values[t->n_rows]) || column->text_line != 0)
            continue;
        column->text_line = r->line;
        column->text_col = (int)(cell.p - from) + 1;
        column->text = fd_arena_str(t->arena, (fd_str){cell.p, cell.n < 40 ? cell.n : 40});
    }
    if (c == t->n_columns && at > end) {
        t->n_rows++;
        return true;
    }
    char text[120];
    snprintf(text, sizeof text, "the line has %s cells than the header (%u)",
             c < t->n_columns ? "fewer" : "more", t->n_columns);
    report(r, t->file, 1, "cells with commas are not understood", text);
    return false;
}

bool fd_table_parse(fd_table *t, const char *file, fd_str bytes, fd_diags *diags)
{
    *t = (fd_table){.file = file, .arena = fd_arena_new(4096, 0)};
    if (bytes.n >= 3 && memcmp(bytes.p, "\xEF\xBB\xBF", 3) == 0)
        bytes = (fd_str){bytes.p + 3, bytes.n - 3};
    reader r = {.t = t, .bytes = bytes, .diags = diags, .line_at = bytes.p};
    const char *from, *end;
    bool ok = next_line(&r, &from, &end) && read_header(&r, from, end);
    if (bytes.n == 0)
        fd_diags_error(diags, "%s: the file is empty", file);
    while (ok && next_line(&r, &from, &end)) {
        if (from == end)
            continue;
        if (t->n_rows == FD_TABLE_MAX_ROWS) {
            report(&r, file, 1, NULL, "more rows than the bound");
            return false;
        }
        ok = read_row(&r, from, end);
    }
    return ok;
}

void fd_table_free(fd_table *t)
{
    for (uint32_t c = 0; c < t->n_columns; c++)
        free(t->columns[c].values);
    free(t->columns);
    fd_arena_free(t->arena);
    *t = (fd_table){.file = NULL};
}

const fd_table_column *fd_table_find(const fd_table *t, fd_str name)
{
    for (uint32_t c = 0; c < t->n_columns; c++) {
        if (fd_str_eq(t->columns[c].name, name))
            return &t->columns[c];
    }
    return NULL;
}

static const char *meant(const fd_table *t, fd_str name)
{
    const char **names = fd_arena_alloc(t->arena, (t->n_columns + 1) * sizeof *names);
    FD_ALLOCATED(names);
    for (uint32_t c = 0; c < t->n_columns; c++)
        names[c] = t->columns[c].name.p;
    char word[128];
    snprintf(word, sizeof word, FD_STR_FMT, FD_STR_ARG(name));
    const char *near = fd_did_you_mean(word, names, t->n_columns);
    return near == NULL ? NULL : fd_arena_printf(t->arena, "did you mean %s?", near);
}

bool fd_table_numbers(const fd_table *t, fd_str name, fd_diags *diags, const double **out)
{
    const fd_table_column *c = fd_table_find(t, name);
    fd_diag d = {.severity = FD_ERROR, .file = t->file, .line = 1, .col = 1, .width = 1};
    if (c == NULL) {
        d.text = fd_arena_printf(t->arena, "there is no column '" FD_STR_FMT "'", FD_STR_ARG(name));
        d.hint = meant(t, name);
    } else if (c->text_line != 0) {
        d.line = c->text_line;
        d.col = c->text_col;
        d.text = fd_arena_printf(t->arena,
                                 "column '" FD_STR_FMT "': '" FD_STR_FMT "' is not a number",
                                 FD_STR_ARG(name), FD_STR_ARG(c->text));
    } else {
        *out = c->values;
        return true;
    }
    fd_diags_add(diags, &d);
    return false;
}
