/*
 * What `fraudd rules explain` says of a loaded set: the state that its features keep, what its
 * conditions share, what each rule costs, and which run on rows. Reads the set; any thread.
 */
#ifndef FD_STORE_EXPLAIN_H
#define FD_STORE_EXPLAIN_H

#include "base/strbuf.h"
#include "store/ruleset.h"

/* What a key of the layout takes in memory, as who keeps the windows says: bytes of an entity, its
 * own bytes aside, and of each event in its ring. */
typedef struct fd_key_size {
    uint32_t entity, event;
} fd_key_size;

/* Appends a table for people or, with `json`, one object {"rules": [{id, mode, nodes, shared, ns,
 * share_ns, row_nodes, row_ns, why}], "plan": {nodes, parts, shared, predicates, values, row_nodes,
 * ns}, "state": {"features", "reach_s", "keys": [{name, features, values, conditions, reach_s,
 * bytes_per_entity, bytes_per_event}]}}. `sizes` has one for each key of the layout. Nanoseconds
 * are estimates for an event of large batches; share_ns divides what is shared among its rules;
 * row_ns is per row that a rule's other parts leave open. Rules that are off have a mode alone. */
void fd_rules_explain(const fd_ruleset *set, const fd_key_size *sizes, bool json, fd_strbuf *out);

#endif
