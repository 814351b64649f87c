/*
 * The address of a Redis, taken apart. Plain data, any thread.
 */
#ifndef FD_REDIS_URL_H
#define FD_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { FD_REDIS_URL_MAX = 1024, FD_REDIS_HOST_MAX = 255 };

typedef struct fd_redis_url {
    bool tls;
    bool local;                          /* a socket of this machine: `host` is its path */
    char host[FD_REDIS_HOST_MAX + 1];    /* IPv6 addresses without their brackets */
    char port[6];                        /* digits */
    char user[FD_REDIS_HOST_MAX + 1];    /* "": none */
    char password[FD_REDIS_URL_MAX + 1]; /* "": none */
    uint32_t db;
    char address[FD_REDIS_HOST_MAX + 12]; /* for texts: host:port or the path */
} fd_redis_url;

/* FD_FATAL: it is no such address; the text does not repeat it. */
fd_class fd_redis_url_parse(const char *text, fd_redis_url *out, fd_err *err);

#endif
