/*
 * Records of a topic as text: JSON lines, CSV, a table, or a format string as kcat has it.
 * One owner.
 */
#ifndef FD_APP_TOOLS_RECORD_PRINT_H
#define FD_APP_TOOLS_RECORD_PRINT_H

#include <stdio.h>

#include "app/tools/schemas.h"
#include "domain/msg.h"

enum { FD_TAP_MAX_HEADERS = 64 };

typedef enum fd_tap_output { FD_TAP_JSON, FD_TAP_TABLE, FD_TAP_CSV } fd_tap_output;

/* A record and what became of its value. */
typedef struct fd_tap_record {
    const char *topic;
    const fd_msg *msg;
    uint32_t n_headers;
    fd_header headers[FD_TAP_MAX_HEADERS];
    bool decoded;
    fd_str json;       /* decoded: the value */
    const char *error; /* why it could not be decoded; NULL: it was, or was not to be */
} fd_tap_record;

typedef struct fd_tap_printer {
    fd_tap_output output;
    bool meta;
    const char *format;     /* NULL: `output` */
    const fd_type *columns; /* table, csv: of this record type */
    bool headed;
    fd_strbuf line;
    FILE *to; /* NULL: standard output */
} fd_tap_printer;

/* NULL, or what is wrong with a format string. */
const char *fd_tap_check_format(const char *format);
/* False when the output cannot be written (errno). */
bool fd_tap_print(fd_tap_printer *p, const fd_tap_record *r);

#endif
