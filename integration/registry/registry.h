/*
 * A Confluent-compatible Schema Registry behind the writer-schema port (ports/schemas.h).
 *
 * What it does: GET /schemas/ids/{id} on a thread of its own, one request at a time. A schema once
 * read is kept until fd_registry_free: ids never change their meaning. An id that the registry does
 * not have is asked for again every 5 s, a registry that cannot be reached, fails or answers
 * nonsense after 0.1 s, 0.2 s .. 10 s, whatever the number of ids that wait; both only while
 * somebody still asks for the id (within the last minute). What it does not do: register schemas,
 * resolve references, read Protobuf or JSON Schema: these are answered with an error text that says
 * so. Bounded: `max_ids` ids; when they are used up, the id that was asked for least recently among
 * those without a schema makes room; when all have one, a new id is UNAVAILABLE and the text says
 * why. Bodies beyond `max_bytes` are refused. Threads: lookup and wait from any thread; `wake` is
 * called on the registry's own thread, without locks held, after each answer (also bad ones), and
 * must not call back into the registry.
 */
#ifndef FD_REGISTRY_REGISTRY_H
#define FD_REGISTRY_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "ports/schemas.h"

typedef struct fd_registry fd_registry;

/* Strings are copied. 0 or NULL: the default. */
typedef struct fd_registry_config {
    const char *url;        /* http:// or https://, may hold user:password@ and a path */
    const char *basic_auth; /* "user:password"; wins over the URL's */
    const char *ca_file;    /* PEM file with the authorities to trust for https */
    int64_t timeout_us;     /* of one request, connecting included; default 5 s */
    size_t max_bytes;       /* of one answer; default 4 MiB */
    uint32_t max_ids;       /* default 10,000 */
} fd_registry_config;

typedef struct fd_registry_stats {
    uint32_t ids; /* held, with or without a schema */
    uint32_t known;
    uint64_t requests;
    uint64_t failures; /* requests that ended UNAVAILABLE */
} fd_registry_stats;

/* NULL when the URL cannot be one (err->exit_code is FD_EXIT_CONFIG). Does not connect yet. */
fd_registry *fd_registry_new(const fd_registry_config *config, void (*wake)(void *arg), void *arg,
                             fd_err *err);
/* Ends the thread at once, whatever it waits for. NULL is fine. */
void fd_registry_free(fd_registry *r);

fd_schemas fd_registry_port(fd_registry *r);

/* As lookup, but waits up to `timeout_us` for KNOWN: for tools, which have nothing else to do. */
fd_schema_answer fd_registry_wait(fd_registry *r, uint32_t schema_id, int64_t timeout_us,
                                  fd_str *json, fd_err *err);

fd_registry_stats fd_registry_count(fd_registry *r);

#endif
