/*
 * The generator's records as tables of fields, and their bytes as Avro, JSON and CSV.
 *
 * A shape is a schema of schemas/ in its order; whoever writes by it checks it against that schema
 * first. Written by hand rather than through the codec because a generator must outrun what it
 * feeds. Texts are made of letters, digits and "-.:_", which neither JSON nor CSV has to escape.
 * Pure functions, any thread.
 */
#ifndef FD_APP_GENERATE_RECORD_H
#define FD_APP_GENERATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* n == 0 in an optional field: null. */
typedef struct fd_text {
    uint8_t n;
    char p[31];
} fd_text;

typedef struct fd_degrees {
    bool known; /* false: null */
    int32_t micro;
} fd_degrees;

/* X(name, C type of the field). Enums have the size of an int. */
#define FD_RECORD_KINDS(X) \
    X(TEXT, fd_text)       \
    X(OPT_TEXT, fd_text)   \
    X(TIME, int64_t)       \
    X(LONG, int64_t)       \
    X(ENUM, unsigned)      \
    X(BOOL, bool)          \
    X(OPT_DEGREES, fd_degrees)

typedef enum fd_record_kind {
#define X(name, type) FD_RECORD_##name,
    FD_RECORD_KINDS(X)
#undef X
} fd_record_kind;

typedef struct fd_record_field {
    const char *name;
    fd_record_kind kind;
    uint16_t offset;            /* in the C struct */
    uint16_t n_symbols;         /* ENUM */
    const char *const *symbols; /* ENUM */
} fd_record_field;

typedef struct fd_record_shape {
    const char *schema; /* its file's name in schemas/ */
    uint32_t n_fields;
    const fd_record_field *fields;
    uint16_t key;  /* offset of the text that is the key of a message */
    uint16_t time; /* offset of the time that may be its timestamp */
} fd_record_shape;

enum { FD_RECORD_MAX_BYTES = 2048 }; /* no form of a record is longer */

/* Each appends: one Avro record; one line of JSON with its line end; one CSV line, or the heading.
 * Degrees have six decimals. */
void fd_record_avro(const fd_record_shape *shape, const void *record, fd_strbuf *out);
void fd_record_json(const fd_record_shape *shape, const void *record, fd_strbuf *out);
void fd_record_csv(const fd_record_shape *shape, const void *record, fd_strbuf *out);
void fd_record_csv_heading(const fd_record_shape *shape, fd_strbuf *out);

const fd_text *fd_record_key(const fd_record_shape *shape, const void *record);
int64_t fd_record_time(const fd_record_shape *shape, const void *record);

void fd_text_set(fd_text *t, const char *s);
void fd_text_printf(fd_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
