/*
 * The HTTP face for operators and machines: metrics, health, status, reload (INTERFACE §7).
 *
 * Knows nothing about the service: every answer comes from a function of the caller, which fills
 * a buffer and returns the HTTP status. Those run on the server's own thread, one at a time, and
 * must not wait for long. Unless told otherwise it listens on loopback only; there is no
 * authentication here. Bounded: connections, idle time, request size (bodies are refused).
 *
 * Paths: GET / /metrics /healthz /readyz /api/v1/status; POST /-/reload /-/resume
 * /-/consent?topic=&partition=&through=. HEAD is answered where GET is.
 */
#ifndef FD_ADMIN_ADMIN_H
#define FD_ADMIN_ADMIN_H

#include <stdint.h>

#include "base/status.h"
#include "base/strbuf.h"

typedef struct fd_admin fd_admin;

/* Each returns the HTTP status (200, 409, 503 ...) and appends the answer. NULL: 404. */
typedef struct fd_admin_ops {
    int (*metrics)(void *self, fd_strbuf *out); /* Prometheus text */
    int (*health)(void *self, fd_strbuf *out);  /* JSON, as all below */
    int (*ready)(void *self, fd_strbuf *out);
    int (*status)(void *self, fd_strbuf *out);
    int (*reload)(void *self, fd_strbuf *out);
    int (*resume)(void *self, fd_strbuf *out); /* the poison breaker */
    /* Events of the partition up to and including offset `through` whose writer schema is unknown
     * may be treated as invalid. */
    int (*consent)(void *self, const char *topic, int32_t partition, int64_t through,
                   fd_strbuf *out);
} fd_admin_ops;

typedef struct fd_admin_setup {
    const char *host; /* a name or an address; IPv6 without brackets */
    uint16_t port;    /* 0: any free one */
    const fd_admin_ops *ops;
    void *self;
} fd_admin_setup;

/* FATAL with one clear message when the address cannot be had: exit_code 78 when it makes no
 * sense, 69 when it is taken. *out is NULL then. */
fd_class fd_admin_start(const fd_admin_setup *setup, fd_admin **out, fd_err *err);
/* Ends open connections and the thread; NULL is fine. */
void fd_admin_stop(fd_admin *a);

uint16_t fd_admin_port(const fd_admin *a); /* the one it listens on */

#endif
