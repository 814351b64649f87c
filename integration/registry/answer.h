/*
 * What an HTTP answer of a Schema Registry means. Pure function, any thread.
 */
#ifndef FD_REGISTRY_ANSWER_H
#define FD_REGISTRY_ANSWER_H

#include "ports/schemas.h"

/* FD_SCHEMA_KNOWN: *json is the schema's text, to be freed by the caller (NUL-terminated).
 * FD_SCHEMA_UNKNOWN, FD_SCHEMA_UNAVAILABLE: err->text says why. */
fd_schema_answer fd_registry_read_answer(uint32_t schema_id, long http_status, fd_str body,
                                         char **json, uint32_t *json_n, fd_err *err);

#endif
