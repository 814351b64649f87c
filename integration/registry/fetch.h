/*
 * One HTTP GET at a time, bounded in time and size, that can be interrupted from another thread.
 *
 * Thread: all calls from one thread, but fd_fetch_interrupt from any. Follows no redirects, speaks
 * http and https only. Error texts never hold the password.
 */
#ifndef FD_REGISTRY_FETCH_H
#define FD_REGISTRY_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/strbuf.h"

typedef struct fd_fetch fd_fetch;

typedef struct fd_fetch_config {
    const char *url;        /* base address; what follows is appended to its path */
    const char *basic_auth; /* "user:password" or NULL */
    const char *ca_file;    /* or NULL */
    int64_t timeout_us;
    size_t max_bytes;
} fd_fetch_config;

fd_fetch *fd_fetch_new(const fd_fetch_config *config, fd_err *err);
void fd_fetch_free(fd_fetch *f); /* NULL is fine */

/* The base address without user and password. */
const char *fd_fetch_address(const fd_fetch *f);

/* GET base + path. FD_OK: *status and body are the answer's, whatever the status. FD_RETRY: there
 * was no whole answer, err->text says why. */
fd_class fd_fetch_get(fd_fetch *f, const char *path, long *status, fd_strbuf *body, fd_err *err);

/* Makes the call at hand, and all later ones, end at once with FD_RETRY. */
void fd_fetch_interrupt(fd_fetch *f);

#endif
