/*
 * What `fraudd rules check` says: load a directory, tell everything that is wrong with it, and
 * sum it up in one line. Reads files only; any thread.
 */
#ifndef FD_STORE_CHECK_H
#define FD_STORE_CHECK_H

#include "base/diag.h"
#include "domain/type.h"

/* Appends diagnostics and a summary line to `out`, as text for people or, with `json`, as one
 * JSON object {"ok", "rules", "lists", "variables", "ruleset", "lists_hash", "errors",
 * "warnings", "diagnostics": [{severity, file, line, col, text, hint}]}.
 * Returns FD_EXIT_OK, or FD_EXIT_CONFIG when the set would be refused (warnings too under
 * `strict`). */
int fd_rules_check(const char *dir, const fd_type *event_type, bool strict, bool json,
                   fd_strbuf *out);

#endif
