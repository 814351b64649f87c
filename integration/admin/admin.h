/*
 * The HTTP face for operators and machines: metrics, health, status, reload (INTERFACE §7).
 *
 * Knows nothing about the service: every answer comes from a function of the caller, which fills
 * a buffer and returns the HTTP status. Those run on the server's own thread, one at a time, and
 * must not wait for long; what takes its time (a reload) gets a ticket instead. Unless told
 * otherwise it listens on loopback only; there is no authentication here. Bounded: connections,
 * idle time, request size (bodies are refused).
 *
 * Paths: GET / /metrics /healthz /readyz /api/v1/status /api/v1/rules; POST /-/reload /-/resume
 * /-/consent?topic=&partition=&through=. HEAD is answered where GET is.
 */
#ifndef FD_ADMIN_ADMIN_H
#define FD_ADMIN_ADMIN_H

#include <stdint.h>

#include "base/status.h"
#include "base/strbuf.h"

typedef struct fd_admin fd_admin;
typedef struct fd_admin_ticket fd_admin_ticket; /* a request that is answered later */

/* Each returns the HTTP status (200, 409, 503 ...) and appends the answer. NULL: 404. */
typedef struct fd_admin_ops {
    int (*metrics)(void *self, fd_strbuf *out); /* Prometheus text */
    int (*health)(void *self, fd_strbuf *out);  /* JSON, as all below */
    int (*ready)(void *self, fd_strbuf *out);
    int (*status)(void *self, fd_strbuf *out);
    int (*rules)(void *self, fd_strbuf *out);
    /* Answered by fd_admin_answer, at once or later, while other requests are served. */
    void (*reload)(void *self, fd_admin_ticket *ticket);
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
/* Any thread, once per ticket, which is gone then: the HTTP status, and the JSON that is the answer
 * (taken over, left empty). */
void fd_admin_answer(fd_admin_ticket *ticket, int status, fd_strbuf *body);

/* Ends open connections and the thread; no ticket is open any more. NULL is fine. */
void fd_admin_stop(fd_admin *a);

uint16_t fd_admin_port(const fd_admin *a); /* the one it listens on */

#endif
