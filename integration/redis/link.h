/*
 * Bytes to and from a Redis: a socket that never blocks, with TLS over it if asked for.
 *
 * TLS works on memory, the socket is ours in both cases: no signal, no hidden wait. A certificate
 * must be of the host that was asked for. One owner at a time.
 */
#ifndef FD_REDIS_LINK_H
#define FD_REDIS_LINK_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/status.h"

typedef struct fd_link fd_link;
typedef struct fd_link_tls fd_link_tls;

/* ca_file NULL: the system's authorities. NULL: err says what is wrong with it. */
fd_link_tls *fd_link_tls_new(const char *ca_file, fd_err *err);
void fd_link_tls_free(fd_link_tls *t); /* NULL is fine */

/* Begins to connect. tls NULL: plain; else `host` is who must answer. NULL: err says why not. */
fd_link *fd_link_open(const struct sockaddr *to, socklen_t to_len, fd_link_tls *tls,
                      const char *host, fd_err *err);
void fd_link_close(fd_link *l); /* NULL is fine */

/* FD_OK: bytes can flow; FD_RETRY: not yet; FD_FATAL: broken. */
fd_class fd_link_connect(fd_link *l, fd_err *err);
/* How many were taken, or read: 0 = none now, -1 = broken. */
ssize_t fd_link_write(fd_link *l, const void *bytes, size_t n, fd_err *err);
ssize_t fd_link_read(fd_link *l, void *bytes, size_t n, fd_err *err);

int fd_link_fd(const fd_link *l);
/* What to wait for, as poll() takes it; `more`: the caller has something to write. */
short fd_link_events(const fd_link *l, int more);

#endif
