/*
 * Look-ups of names; see resolve.h. Two own a look-up, the caller and the thread: the last one to
 * let go of it frees it. What the thread writes it publishes by `done`.
 */
#include "redis/resolve.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

struct fd_resolve {
    atomic_int owners;
    atomic_bool done;
    int event;
    int code; /* getaddrinfo's */
    struct addrinfo *list;
    char *host, *port;
};

static void let_go(fd_resolve *q)
{
    if (atomic_fetch_sub(&q->owners, 1) > 1)
        return;
    if (q->list != NULL)
        freeaddrinfo(q->list);
    close(q->event);
    free(q->host);
    free(q->port);
    free(q);
}

static void look_up(fd_resolve *q, int flags)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    q->code = getaddrinfo(q->host, q->port, &hints, &q->list);
    if (q->code != 0)
        q->list = NULL;
}

static void *run(void *arg)
{
    fd_resolve *q = arg;
    look_up(q, AI_ADDRCONFIG);
    atomic_store(&q->done, true);
    eventfd_write(q->event, 1);
    let_go(q);
    return NULL;
}

fd_resolve *fd_resolve_start(const char *host, const char *port)
{
    fd_resolve *q = calloc(1, sizeof *q);
    FD_ALLOCATED(q);
    q->host = strdup(host);
    FD_ALLOCATED(q->host);
    q->port = strdup(port);
    FD_ALLOCATED(q->port);
    q->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    FD_ASSERT(q->event >= 0);
    atomic_init(&q->owners, 1);
    look_up(q, AI_NUMERICHOST);
    atomic_init(&q->done, q->list != NULL);
    if (q->list != NULL)
        return q;
    atomic_store(&q->owners, 2);
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attr, run, q);
    FD_ASSERT(rc == 0);
    pthread_attr_destroy(&attr);
    return q;
}

bool fd_resolve_done(fd_resolve *q, struct addrinfo **list, const char **why)
{
    if (!atomic_load(&q->done))
        return false;
    *list = q->list;
    *why = q->list != NULL ? "" : gai_strerror(q->code);
    q->list = NULL;
    return true;
}

int fd_resolve_fd(const fd_resolve *q)
{
    return q->event;
}

void fd_resolve_drop(fd_resolve *q)
{
    if (q != NULL)
        let_go(q);
}
