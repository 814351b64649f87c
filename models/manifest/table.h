/*
 * A CSV file of numbers: a header of names, then rows. For self-tests and for rows to be scored.
 *
 * Cells are separated by commas; quotes around a cell are taken off, but may not hold a comma or a
 * line break. An empty cell, nan, NA and null are NaN. A column may hold other text as long as
 * nobody asks for it. One owner at a time.
 */
#ifndef FD_MANIFEST_TABLE_H
#define FD_MANIFEST_TABLE_H

#include "base/diag.h"

enum { FD_TABLE_MAX_COLUMNS = 8192, FD_TABLE_MAX_ROWS = 10 * 1000 * 1000 };

typedef struct fd_table_column {
    fd_str name;
    double *values;
    int text_line, text_col; /* of the first cell that is no number; 0: there is none */
    fd_str text;
} fd_table_column;

typedef struct fd_table {
    const char *file; /* as messages show it */
    fd_arena *arena;  /* the table's own */
    uint32_t n_columns, n_rows, cap_rows;
    fd_table_column *columns;
} fd_table;

/* False after errors in diags. Names are copied, `bytes` may go. */
bool fd_table_parse(fd_table *t, const char *file, fd_str bytes, fd_diags *diags);
void fd_table_free(fd_table *t);

/* NULL: there is none of that name. */
const fd_table_column *fd_table_find(const fd_table *t, fd_str name);
/* The same; false after an error when it is not there, or holds text. */
bool fd_table_numbers(const fd_table *t, fd_str name, fd_diags *diags, const double **out);

#endif
