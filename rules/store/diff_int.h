/* Differences on their way to text, between diff.c and diff_write.c. One owner. */
#ifndef FD_STORE_DIFF_INT_H
#define FD_STORE_DIFF_INT_H

#include "store/diff.h"
#include "store/ruleset_int.h"

typedef enum fd_change_kind { FD_ADDED, FD_REMOVED, FD_CHANGED } fd_change_kind;

typedef struct fd_change_detail {
    const char *of;
    fd_str from, to;
    struct fd_change_detail *next;
} fd_change_detail;

typedef struct fd_change {
    const char *what; /* "rule" */
    fd_str name;
    fd_change_kind kind;
    fd_str text; /* of what is added or removed, in a few words */
    fd_change_detail *details;
    struct fd_change *next;
} fd_change;

typedef struct fd_changes {
    fd_arena *arena;
    fd_change *first, **end;
} fd_changes;

/* diff_write.c */
void fd_store_write_changes(const fd_rules_diff_input *in, const fd_changes *all, bool json,
                            fd_strbuf *out);

#endif
