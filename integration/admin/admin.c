/*
 * Listening: the socket is made here, not by the library, so that what is wrong with an address
 * can be said. One thread of the library's own serves all connections; start and stop belong to
 * the caller's.
 */
#include "admin/admin.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/admin_int.h"
#include "base/assert.h"

enum { CONNECTIONS_MAX = 64, IDLE_S = 10, CONNECTION_BYTES = 32 * 1024, BACKLOG = 32 };

static int listen_on(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) /* "::" takes IPv4 too */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static fd_class cannot_listen(const fd_admin_setup *s, int why, fd_err *err)
{
    bool v6 = strchr(s->host, ':') != NULL;
    char address[280];
    snprintf(address, sizeof address, "%s%s%s:%u", v6 ? "[" : "", s->host, v6 ? "]" : "", s->port);
    if (why == EADDRINUSE)
        return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE,
                       "cannot listen on %s: another program does (http.listen chooses another "
                       "port, 0 any free one, off none)",
                       address);
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "cannot listen on %s (http.listen): %s", address,
                   strerror(why));
}

static fd_class open_socket(const fd_admin_setup *s, int *fd, fd_err *err)
{
    char port[8];
    snprintf(port, sizeof port, "%u", s->port);
    struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    want.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(s->host, port, &want, &found);
    if (rc != 0)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "cannot listen on %s (http.listen): %s",
                       s->host, gai_strerror(rc));
    int why = EADDRNOTAVAIL;
    *fd = -1;
    for (struct addrinfo *a = found; a != NULL && *fd < 0; a = a->ai_next) {
        *fd = listen_on(a);
        if (*fd < 0)
            why = errno;
    }
    freeaddrinfo(found);
    return *fd < 0 ? cannot_listen(s, why, err) : FD_OK;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t n = sizeof at;
    int rc = getsockname(fd, (struct sockaddr *)&at, &n);
    FD_ASSERT(rc == 0);
    in_port_t port = 0;
    if (at.ss_family == AF_INET6)
        port = ((const struct sockaddr_in6 *)&at)->sin6_port;
    else
        port = ((const struct sockaddr_in *)&at)->sin_port;
    return ntohs(port);
}

/* On a host without IPv6, "every address" is every IPv4 address. */
static fd_class open_any(const fd_admin_setup *s, int *fd, fd_err *err)
{
    fd_class cls = open_socket(s, fd, err);
    if (cls == FD_OK || strcmp(s->host, "::") != 0)
        return cls;
    fd_admin_setup v4 = *s;
    v4.host = "0.0.0.0";
    return open_socket(&v4, fd, err);
}

fd_class fd_admin_start(const fd_admin_setup *setup, fd_admin **out, fd_err *err)
{
    FD_ASSERT(setup->ops != NULL);
    FD_ASSERT(setup->host != NULL);
    *out = NULL;
    int fd = -1;
    fd_class cls = open_any(setup, &fd, err);
    if (cls != FD_OK)
        return cls;
    fd_admin *a = calloc(1, sizeof *a);
    FD_ALLOCATED(a);
    *a = (fd_admin){.magic = FD_ADMIN_MAGIC, .ops = *setup->ops, .self = setup->self};
    a->port = port_of(fd);
    a->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_ALLOW_SUSPEND_RESUME, a->port, NULL,
        NULL, fd_admin_handle, a, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        fd_admin_completed, a, MHD_OPTION_END);
    if (a->daemon == NULL) {
        close(fd);
        free(a);
        return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "cannot start the HTTP server: %s",
                       strerror(errno));
    }
    *out = a;
    return FD_OK;
}

void fd_admin_stop(fd_admin *a)
{
    if (a == NULL)
        return;
    FD_CHECK_MAGIC(a, FD_ADMIN_MAGIC);
    MHD_stop_daemon(a->daemon); /* closes the socket too */
    a->magic = 0;
    free(a);
}

uint16_t fd_admin_port(const fd_admin *a)
{
    return a->port;
}
