/* The parser's state, between schema.c (which owns it) and schema_parse.c. */
#ifndef FD_CODEC_SCHEMA_PARSE_INT_H
#define FD_CODEC_SCHEMA_PARSE_INT_H

#include <stdarg.h>

#include "codec/schema_int.h"

enum { FD_PARSER_MAX_NAMED = 1024 };

typedef struct fd_parser {
    fd_arena *arena;
    fd_diags *diags;
    const char *file;
    const char *text;
    size_t text_n;
    fd_strbuf path; /* where in the schema the walk is: "card.bin" */
    fd_node *named[FD_PARSER_MAX_NAMED];
    uint32_t n_named;
} fd_parser;

/* A type at `v`; names without dots are in namespace `space`. NULL after an error. */
fd_node *fd_parser_type(fd_parser *p, const json_t *v, const char *space, int depth);
/* Warns of defaults that do not fit their fields: plans refuse them, but only once they are needed.
 */
void fd_parser_check_defaults(fd_parser *p);

/* Adds an error; `word` is looked up in the text for its line. Always NULL. */
fd_node *fd_parser_fail(fd_parser *p, const char *word, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Line, column and text of the line of byte `at`. */
void fd_parser_place(const fd_parser *p, size_t at, fd_diag *d);

size_t fd_parser_enter(fd_parser *p, const char *step);
void fd_parser_leave(fd_parser *p, size_t was);

#endif
