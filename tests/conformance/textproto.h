/*
 * Just enough of the text format of Protocol Buffers to read test cases: messages, strings in
 * pieces, numbers and enums as they are written, lists as repeated fields. No schema: the reader
 * asks by name.
 */
#ifndef TESTS_CONFORMANCE_TEXTPROTO_H
#define TESTS_CONFORMANCE_TEXTPROTO_H

#include "base/arena.h"

typedef struct textproto {
    fd_str name;             /* of the field; an extension's in its brackets */
    bool is_message;         /* else a scalar: */
    fd_str text;             /* decoded when it was quoted */
    struct textproto *first; /* fields of a message, in order */
    struct textproto *next;
} textproto;

/* The file as one message, or NULL with the line where it stops making sense. */
textproto *textproto_parse(fd_str text, fd_arena *arena, int *bad_line);

/* The first field of that name, or NULL. m may be NULL. */
const textproto *textproto_get(const textproto *m, const char *name);
/* The next one of the same name. */
const textproto *textproto_again(const textproto *field);

#endif
