/*
 * Avro records in files and as text: container files, JSON lines, CSV. Off the hot path; for
 * generate, produce, tap, export and replay.
 *
 * Own reading and writing of container files, because Avro C's drop logical types, defaults and
 * aliases from the header and cannot read a record as bytes. Codecs: null and deflate.
 * Errors are diagnostics that name the file and the record. One owner at a time.
 */
#ifndef FD_CODEC_CONTAINER_H
#define FD_CODEC_CONTAINER_H

#include "base/strbuf.h"
#include "codec/schema.h"
#include "domain/enums.h"

struct json_t;

/* --- one record as text --- */

/*
 * One JSON object to Avro bytes, appended to `out`. Unions take plain values: null, or whatever
 * the first fitting branch accepts ({"branch": value} where that is ambiguous). Timestamps and
 * dates: ISO 8601 ("2026-01-01T10:00:00Z") or the number on the wire; decimals: "12.34" or a
 * number; bytes: text whose characters are bytes, as in Avro's JSON. Left-out fields take their
 * default, or null. Unknown fields are errors. `record_no` counts from 1 and names the record in
 * errors, with the field's path. False after an error, `out` is then as it was.
 */
bool fd_json_to_avro(const fd_schema *s, const char *json, size_t n, uint64_t record_no,
                     fd_strbuf *out, fd_diags *diags);
/* The same from a parsed value. */
bool fd_jansson_to_avro(const fd_schema *s, const struct json_t *value, uint64_t record_no,
                        fd_strbuf *out, fd_diags *diags);
/* The same for events that say only what matters: left-out fields with neither default nor null are
 * empty ("", 0, false, the first symbol, no elements). The error is in `why`: the field's path, a
 * colon, a text; or a text alone. */
bool fd_json_to_avro_filled(const fd_schema *s, const char *json, size_t n, fd_strbuf *out,
                            fd_strbuf *why);

/* Avro bytes of schema `s` to one line of JSON (no line end), appended to `out`: timestamps and
 * dates as ISO 8601, decimals as strings, unions as plain values. On a refusal `out` is as it
 * was. */
fd_poison fd_avro_to_json(const fd_schema *s, fd_str payload, fd_strbuf *out);

/* --- rows of a file as Avro bytes --- */

#define FD_ROWS_FORMATS(X) \
    X(AUTO, "auto")        \
    X(AVRO, "avro")        \
    X(JSONL, "jsonl")      \
    X(CSV, "csv")

typedef enum fd_rows_format {
#define X(name, text) FD_ROWS_##name,
    FD_ROWS_FORMATS(X)
#undef X
        FD_N_ROWS_FORMATS
} fd_rows_format;

typedef struct fd_rows fd_rows;

/*
 * AUTO goes by the name's end (.avro, .jsonl, .json, .ndjson, .csv). `path` "-" is standard input
 * (the format must then be said). `schema` may be NULL for AVRO: the file's own is used; else
 * AVRO gives the records as they are, in the file's schema (fd_rows_schema). CSV: the first line
 * names the fields, dotted for nested ones ("card.bin"); an empty cell is null where the field
 * allows it, else the field's default.
 */
fd_rows *fd_rows_open(const char *path, const fd_schema *schema, fd_rows_format format,
                      fd_diags *diags);
void fd_rows_close(fd_rows *r); /* NULL is fine */
/* The schema of the bytes that fd_rows_next gives. */
const fd_schema *fd_rows_schema(const fd_rows *r);
bool fd_rows_is_container(const fd_rows *r);
/* How far the file is read, in bytes; *size gets its length. False: it has none (a pipe). */
bool fd_rows_progress(const fd_rows *r, uint64_t *at, uint64_t *size);
/* 1: a record, valid until the next call; 0: the end; -1: an error in `diags`. After an error in
 * a JSON line, CSV row or record of a container reading may go on with what comes next, after
 * damage between a container's records there is nothing more. */
int fd_rows_next(fd_rows *r, fd_str *record, fd_diags *diags);

/* --- writing a container --- */

typedef enum fd_container_codec { FD_CODEC_NULL, FD_CODEC_DEFLATE } fd_container_codec;
typedef struct fd_container fd_container;

/* `path` "-" is standard output. */
fd_container *fd_container_create(const char *path, const fd_schema *schema,
                                  fd_container_codec codec, fd_diags *diags);
/* Bytes of one record in that schema; not checked. */
bool fd_container_append(fd_container *c, fd_str record, fd_diags *diags);
/* Flushes, closes and frees. False: something did not reach the file. */
bool fd_container_finish(fd_container *c, fd_diags *diags);

#endif
