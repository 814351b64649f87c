/*
 * What `fraudd rules diff` says: how two rule sets differ in what they mean. Blanks, comments,
 * files, and the order of definitions do not; conditions and other expressions are compared in one
 * spelling, features by what they keep and read, lists by their entries. Reads sets; any thread.
 */
#ifndef FD_STORE_DIFF_H
#define FD_STORE_DIFF_H

#include "base/strbuf.h"
#include "store/ruleset.h"

typedef struct fd_rules_diff_input {
    const fd_ruleset *a, *b; /* before and after, of the same event type */
    const char *name_a, *name_b;
    bool covered; /* the windows of `a` serve `b` to the bit (fd_windows_cover) */
} fd_rules_diff_input;

/* Appends text for people or, with `json`, one object {"differ", "a", "b": {"name", "ruleset",
 * "lists_hash"}, "changes": [{"what": rule | feature | list | variable | decision, "name",
 * "change": added | removed | changed, "text", "details": [{"of", "from", "to"}]}], "state":
 * {"rebuild", "reach_s"}}. False: they mean the same. */
bool fd_rules_diff(const fd_rules_diff_input *in, bool json, fd_strbuf *out);

#endif
