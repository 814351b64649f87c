/*
 * Looks up a host's addresses without making anybody wait: getaddrinfo() on a thread of its own.
 *
 * The thread cannot be stopped, only left alone: who drops a look-up is rid of it, the thread
 * frees what it held. Thread: the caller's, but the look-up's own.
 */
#ifndef FD_REDIS_RESOLVE_H
#define FD_REDIS_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>

typedef struct fd_resolve fd_resolve;

/* A host that is an address already is done at once. */
fd_resolve *fd_resolve_start(const char *host, const char *port);
/* True when it is done: *list (the caller's, freeaddrinfo) or NULL and *why. Only once. */
bool fd_resolve_done(fd_resolve *q, struct addrinfo **list, const char **why);
/* Becomes readable when it is done. */
int fd_resolve_fd(const fd_resolve *q);
void fd_resolve_drop(fd_resolve *q); /* NULL is fine */

#endif
