/*
 * What the codec's tests share: schemas that must parse, values in hex, columns as text.
 * A helper that cannot do its work fails the test.
 */
#ifndef TEST_CODEC_SUPPORT_H
#define TEST_CODEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/decode.h"

/* A schema that must parse; with warnings only when `warned`. In text without
 * any " a ' stands for it. */
fd_schema *support_schema(const char *json);
fd_schema *support_warned_schema(const char *json, const char *warning);
/* All that was said, rendered; valid until the next call. */
const char *support_said(const fd_diags *d);
/* The schema must be refused, and what is said must contain `part`. */
void support_refused(const char *json, const char *part);

/* A record "E" with `id` (string), `ts` (timestamp-millis) and `v` of the type given in JSON. */
void support_event_schema(const char *v_type, fd_strbuf *json);

/* "02 c3 01" to bytes, appended; spaces are passed over. */
void support_hex(const char *hex, fd_strbuf *out);

/*
 * A row of a column as text: 42, 2.5, true, 'text', <00ff> (bytes), 5@1000 (timestamps and
 * durations with ticks per second), 42e-2 (decimals), [1,2], {'k'=1}, (a=1,b=null) for records,
 * #1:value for the second branch of a union, ? for what is decoded over.
 */
void support_show(const fd_col *c, uint32_t row, fd_strbuf *out);

#endif
