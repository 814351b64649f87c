/* Text forms of values, between json_in.c, json_out.c, plan_run.c, rows.c and text.c. */
#ifndef FD_CODEC_JSON_INT_H
#define FD_CODEC_JSON_INT_H

#include "codec/schema_int.h"

/* "a string", "true or false": for errors. */
const char *fd_json_what(const json_t *v);

/* ISO 8601 to the ticks of a logical type. NULL, or why not. Without a zone: UTC. */
const char *fd_iso_parse(fd_str text, fd_logical logical, int64_t *out);
/* The reverse; false when the time has no ISO form (years beyond 1 to 9999, a time beyond a day).
 */
bool fd_iso_format(int64_t v, fd_logical logical, fd_strbuf *out);

/* A number, or text like "-12.34", to units of 10^-scale. NULL, or why not. */
const char *fd_decimal_parse(const json_t *v, uint32_t scale, int64_t *out);
void fd_decimal_format(int64_t v, uint32_t scale, fd_strbuf *out);

/* Sixteen bytes as 8-4-4-4-12 hexadecimal digits, small ones; not terminated. */
enum { FD_UUID_BYTES = 16, FD_UUID_TEXT = 36 };
void fd_uuid_format(const unsigned char bytes[FD_UUID_BYTES], char text[FD_UUID_TEXT]);
/* The reverse, capital digits too. False: it is none. */
bool fd_uuid_parse(fd_str text, unsigned char bytes[FD_UUID_BYTES]);

#endif
