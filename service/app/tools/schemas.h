/*
 * Schemas as the tools name them: a file, one of those that are built in, or a registry's.
 * Main thread.
 */
#ifndef FD_APP_TOOLS_SCHEMAS_H
#define FD_APP_TOOLS_SCHEMAS_H

#include "app/cli.h"
#include "codec/frame.h"
#include "codec/schema.h"

/* "payment", "label" and "decision" are built in, everything else is a path. NULL after an error.
 */
fd_schema *fd_tool_schema(const char *name, fd_diags *diags);

typedef struct fd_registry_options {
    const char *url;
    const char *auth;
    const char *ca_file;
} fd_registry_options;

#define FD_REGISTRY_OPTIONS(o)                                                                    \
    {0, "registry", FD_OPT_TEXT, &(o).url, "URL", "Schema Registry with the writers' schemas",    \
     0, 0,          NULL},                                                                        \
        {0,   "registry-auth", FD_OPT_TEXT, &(o).auth, "USER:PASSWORD", "for the registry", 0, 0, \
         NULL},                                                                                   \
    {                                                                                             \
        0, "registry-ca", FD_OPT_TEXT, &(o).ca_file, "FILE", "authorities to trust for https", 0, \
            0, NULL                                                                               \
    }

extern const char *const FD_TOOL_FRAMINGS[]; /* choices, in fd_framing's order */

/* Writer schemas of records by their framing, parsed once. */
typedef struct fd_writers fd_writers;

/* `given`: what raw records are in, single-object ones must be in, and confluent ones are in when
 * there is no registry; may be NULL with a registry. Not owned. NULL after an error. */
fd_writers *fd_writers_new(fd_framing framing, const fd_schema *given,
                           const fd_registry_options *registry, fd_err *err);
void fd_writers_free(fd_writers *w); /* NULL is fine */

/* Takes a record's value apart. FD_OK: payload and schema. FD_RETRY: this record cannot be read,
 * err says why; others may. FD_FATAL: the registry cannot be reached. */
fd_class fd_writers_open(fd_writers *w, fd_str value, fd_str *payload, const fd_schema **schema,
                         fd_err *err);
/* The registry's schema with this id. */
fd_class fd_writers_by_id(fd_writers *w, uint32_t id, const fd_schema **schema, fd_err *err);

#endif
