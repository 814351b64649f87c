/*
 * A map of text to text in the order it was written: settings that are passed on verbatim.
 * Whoever made it owns the strings. Plain data, any thread.
 */
#ifndef FD_BASE_KV_H
#define FD_BASE_KV_H

#include <stddef.h>

typedef struct fd_kv {
    const char *key;
    const char *value;
} fd_kv;

typedef struct fd_kvs {
    const fd_kv *items; /* keys unique */
    size_t n;
} fd_kvs;

#endif
