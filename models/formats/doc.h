/*
 * A document of values as JSON and UBJSON have them, read whole: what model files are written in.
 *
 * Made for large arrays of numbers: these are packed doubles. Numbers that were written with a
 * fraction or an exponent round to the same float as their text does; whole ones are exact up to
 * 2^53. Depth is bounded; memory is a small multiple of the file's size. Values live in the arena
 * and never change. Any thread.
 */
#ifndef FD_FORMATS_DOC_H
#define FD_FORMATS_DOC_H

#include "base/arena.h"
#include "base/diag.h"

typedef enum fd_doc_kind {
    FD_DOC_NULL,
    FD_DOC_BOOL,
    FD_DOC_NUMBER,
    FD_DOC_TEXT,
    FD_DOC_NUMBERS, /* an array of numbers; an empty array is one, too */
    FD_DOC_ARRAY,   /* of anything else */
    FD_DOC_OBJECT
} fd_doc_kind;

typedef struct fd_doc {
    fd_doc_kind kind;
    uint32_t n;    /* items of an array, members of an object */
    double number; /* and BOOL: 0 or 1 */
    fd_str text;   /* TEXT */
    const double *numbers;
    const struct fd_doc *first; /* ARRAY, OBJECT */
    const struct fd_doc *next;  /* behind this one in the same array or object */
    fd_str name;                /* as a member of an object */
} fd_doc;

/* NULL after an error, which names `file` and the place. */
const fd_doc *fd_doc_json(fd_arena *arena, const char *file, fd_str bytes, fd_diags *diags);
const fd_doc *fd_doc_ubjson(fd_arena *arena, const char *file, fd_str bytes, fd_diags *diags);

/* The first member of that name; NULL: there is none, or it is no object (or NULL). */
const fd_doc *fd_doc_get(const fd_doc *object, const char *name);

/* The whole of a text as a float or a double, as C writes them, Infinity and NaN included. */
bool fd_doc_float(fd_str text, float *out);

#endif
