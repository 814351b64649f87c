/*
 * What `fraudd rules check` says: load a directory, tell everything that is wrong with it, sum it
 * up in one line, and say what state its features keep. Reads files only; any thread.
 */
#ifndef FD_STORE_CHECK_H
#define FD_STORE_CHECK_H

#include "base/diag.h"
#include "store/ruleset.h"

/* Appends diagnostics, a summary line and, where there are features, a line per key to `out`, as
 * text for people or, with `json`, as one JSON object {"ok", "rules", "features", "lists",
 * "variables", "errors", "warnings", "ruleset", "lists_hash", "diagnostics": [{severity, file,
 * line, col, text, hint}], "state": {"features", "reach_s", "keys": [{name, features, values,
 * conditions, reach_s}]}}; state.features counts equal ones once.
 * `source` as for fd_ruleset_load(). Returns FD_EXIT_OK, or
 * FD_EXIT_CONFIG when the set would be refused (warnings too under `strict`). */
int fd_rules_check(const char *dir, const fd_ruleset_source *source, const fd_type *event_type,
                   bool strict, bool json, fd_strbuf *out);

#endif
