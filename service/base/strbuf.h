/*
 * A growable text buffer, for log lines, JSON, metrics and diagnostics: off the hot path.
 * Invariant: p is NUL-terminated whenever n > 0 was written. One owner at a time.
 */
#ifndef FD_BASE_STRBUF_H
#define FD_BASE_STRBUF_H

#include <stddef.h>

#include "base/str.h"

typedef struct fd_strbuf {
    char *p;
    size_t n;
    size_t cap;
} fd_strbuf;

void fd_strbuf_free(fd_strbuf *b);
void fd_strbuf_reset(fd_strbuf *b);
void fd_strbuf_add(fd_strbuf *b, const void *bytes, size_t n);
void fd_strbuf_puts(fd_strbuf *b, const char *s);
void fd_strbuf_putc(fd_strbuf *b, char c);
void fd_strbuf_printf(fd_strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fd_strbuf_int(fd_strbuf *b, int64_t v);
/* The shortest text of 15 to 17 digits that reads back as the same number; NaN, Infinity,
 * -Infinity. */
void fd_strbuf_double(fd_strbuf *b, double d);
/* Of ms since the epoch: 2026-01-31T12:00:00.123Z */
void fd_strbuf_time(fd_strbuf *b, int64_t ms);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void fd_strbuf_json(fd_strbuf *b, fd_str s);

/* How many bytes from s form one valid UTF-8 sequence; 0 if none does. */
size_t fd_utf8_len(const unsigned char *s, size_t n);

#endif
