/*
 * The writer-schema port: a schema registry behind a cache. Never blocks; the adapter fetches on
 * a thread of its own and wakes the pipeline. Thread: the engine thread.
 */
#ifndef FD_PORTS_SCHEMAS_H
#define FD_PORTS_SCHEMAS_H

#include "base/status.h"
#include "base/str.h"

typedef enum fd_schema_answer {
    FD_SCHEMA_KNOWN,       /* *json is the schema's text; lives as long as the adapter */
    FD_SCHEMA_PENDING,     /* being asked for */
    FD_SCHEMA_UNKNOWN,     /* the registry answered that there is none; asked again in a while */
    FD_SCHEMA_UNAVAILABLE, /* the registry cannot be reached; asked again in a while */
} fd_schema_answer;

typedef struct fd_schemas_ops {
    /* err->text says why for UNKNOWN and UNAVAILABLE. */
    fd_schema_answer (*lookup)(void *self, uint32_t schema_id, fd_str *json, fd_err *err);
} fd_schemas_ops;

typedef struct fd_schemas {
    const fd_schemas_ops *ops; /* NULL: no registry configured */
    void *self;
} fd_schemas;

#endif
