/*
 * The merge: which partition's event comes next (DESIGN §3).
 *
 * Key of an event: its partition's merge time with the event included, ties by (source,
 * partition); offsets order what is within one partition. A partition with an empty queue is
 * waited for only if it is known to have records that could come first, and no longer than
 * max_idle. FUTURE and invalid events keep the partition's running maximum.
 * Partitions that catch up ("apart") merge among themselves. Engine thread, no allocation.
 */
#ifndef FD_PIPELINE_MERGE_H
#define FD_PIPELINE_MERGE_H

#include "pipeline/part.h"

typedef struct fd_merge_pick {
    fd_part *part;    /* NULL: nothing may be taken now */
    int64_t limit_us; /* while the part's next key is below this it may be taken without a new
                         pick; INT64_MAX = to the end of its queue */
    bool waiting;     /* part == NULL because an empty partition may come first */
    bool incomplete;  /* taken without waiting any longer for one that has records */
} fd_merge_pick;

/* True when the log is known to have records that are not in the queue. */
typedef bool (*fd_merge_has_more)(void *ctx, const fd_part *part);

typedef struct fd_merge {
    fd_merge_has_more has_more;
    void *ctx;
    int64_t max_idle_ns;
    int64_t max_skew_us;
} fd_merge;

/* Merge time of the part once `ev` is taken. */
int64_t fd_merge_key(const fd_part *part, const fd_event *ev);

fd_merge_pick fd_merge_next(const fd_merge *m, fd_parts *parts, bool apart, int64_t now_ns);

/* Moves parts between the two groups: those further than max_skew behind catch up apart, those
 * that reached the others or their end come back. */
void fd_merge_regroup(const fd_merge *m, fd_parts *parts);

#endif
