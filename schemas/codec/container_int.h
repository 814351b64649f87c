/* Reading container files, between container.c and rows.c. */
#ifndef FD_CODEC_CONTAINER_INT_H
#define FD_CODEC_CONTAINER_INT_H

#include <stdio.h>

#include "codec/container.h"
#include "codec/plan_int.h"

typedef struct fd_container_reader fd_container_reader;

/* Reads the header. Takes over `f` whatever comes of it; `name` is for errors. */
fd_container_reader *fd_container_open(FILE *f, const char *name, fd_diags *diags);
void fd_container_close(fd_container_reader *r); /* NULL is fine */
const fd_schema *fd_container_schema(const fd_container_reader *r);
FILE *fd_container_file(const fd_container_reader *r);
/* As fd_rows_next. */
int fd_container_next(fd_container_reader *r, fd_str *record, fd_diags *diags);

#endif
