/* What the readers of doc.h share: growing arrays, depth, errors. One reader at a time. */
#ifndef FD_FORMATS_DOC_INT_H
#define FD_FORMATS_DOC_INT_H

#include "formats/doc.h"

enum { FD_DOC_MAX_DEPTH = 64, FD_DOC_MAX_VALUES = 4 * 1000 * 1000 /* numbers in arrays apart */ };

typedef struct fd_doc_reader {
    fd_arena *arena;
    const char *at, *begin, *end;
    int depth;
    uint32_t n_values;
    const char *wrong; /* the first error; NULL: none */
    double *numbers;   /* of the array that is being read */
    uint32_t n_numbers, room;
} fd_doc_reader;

/* Returns false, so that `return fd_doc_fail(...)` reads well. */
bool fd_doc_fail(fd_doc_reader *r, const char *wrong);
void fd_doc_push_number(fd_doc_reader *r, double number);
/* Moves the numbers into the arena. */
void fd_doc_take_numbers(fd_doc_reader *r, fd_doc *to);
/* NULL after an error: there are too many. */
fd_doc *fd_doc_new(fd_doc_reader *r);
/* Puts `item` behind *last of `parent`. */
void fd_doc_append(fd_doc *parent, fd_doc **last, fd_doc *item);
/* A number's text to the double whose float is the text's float; false: it is none. */
bool fd_doc_parse_number(const char *text, size_t n, double *out);

#endif
