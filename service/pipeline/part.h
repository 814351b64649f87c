/*
 * The partitions a worker owns, each with its bounded queue of scanned events.
 *
 * Offsets of a partition, all "next to": fetch (what the source delivers next) >= decide (what the
 * next batch takes) >= committed. Invariant: the queue holds the events between decide and fetch,
 * in offset order. While state is redone, decide runs from the redo point up to committed.
 * Engine thread.
 */
#ifndef FD_PIPELINE_PART_H
#define FD_PIPELINE_PART_H

#include "engine/engine.h"
#include "ports/observer.h"

enum { FD_PARTS_MAX = 4096 };

typedef enum fd_part_state {
    FD_PART_FREE,
    FD_PART_STARTING, /* assigned, its offset is being asked for */
    FD_PART_REDO,     /* events below `committed` are folded once more, nothing is decided */
    FD_PART_LIVE,
    FD_PART_LEAVING, /* being revoked: nothing more is taken from it */
} fd_part_state;

typedef struct fd_part {
    fd_tp tp;
    fd_part_state state;
    int64_t fetch;
    int64_t decide;
    int64_t committed;
    int32_t leader_epoch;
    int64_t merge_us;    /* merge time: highest event time so far; INT64_MIN = none */
    int64_t before_us;   /* merge time before what the batch at hand took */
    int64_t lacks_ns;    /* windows that it needs cannot be had: not before this; 0 = it does not */
    bool storable;       /* what is in memory is its fold up to `decide`, and committed */
    bool blind;          /* live, but its windows are being rebuilt behind it: see behind.c */
    int64_t behind_from; /* STARTING: is to be blind, and rebuilt from there; -1 = is not */
    int64_t ahead_ns;    /* not before: its shadow for another program is opened */
    int64_t redo_from;   /* where redoing began */
    int64_t log_first;  /* REDO: first offset of the log, when it is the beginning of history; -1 */
    int64_t oldest_us;  /* REDO: time of the first valid event that was read; INT64_MAX = none */
    int64_t short_us;   /* events before this time lack history: INCOMPLETE. INT64_MIN: none do;
                           INT64_MAX: not known before the first valid one */
    int64_t eof;        /* offset at which the log ended when last seen; -1 */
    int64_t waited_ns;  /* since when the merge waits for it; 0 = it does not */
    int64_t blocked_ns; /* since when its head waits for a writer schema; 0 = it does not */
    bool apart;         /* merges in the group of those that catch up */
    bool fresh;         /* STARTING: newly assigned; false: being restarted */
    fd_pause pause;     /* at the source */
    uint32_t in_job;    /* scratch of dispatch: index of its span + 1 */
    uint32_t taken;     /* scratch of dispatch: events in that span */
    fd_event *queue;    /* ring */
    uint32_t cap, head, n;
} fd_part;

typedef struct fd_parts {
    fd_part *items; /* dense: live entries first, order without meaning */
    uint32_t n;
    uint32_t queue_cap;
} fd_parts;

void fd_parts_init(fd_parts *p, uint32_t queue_cap);
void fd_parts_free(fd_parts *p);
fd_part *fd_parts_find(fd_parts *p, fd_tp tp);
/* NULL when there are FD_PARTS_MAX already. */
fd_part *fd_parts_add(fd_parts *p, fd_tp tp);
void fd_parts_remove(fd_parts *p, fd_part *part);

static inline bool fd_tp_eq(fd_tp a, fd_tp b)
{
    return a.source == b.source && a.partition == b.partition;
}

static inline bool fd_tp_less(fd_tp a, fd_tp b)
{
    return a.source != b.source ? a.source < b.source : a.partition < b.partition;
}

/* Takes what the source delivers. */
static inline bool fd_part_reads(const fd_part *part)
{
    return part->state == FD_PART_REDO || part->state == FD_PART_LIVE;
}

fd_event *fd_part_head(fd_part *part); /* NULL when the queue is empty */
void fd_part_push(fd_part *part, const fd_event *ev);
fd_event fd_part_pop(fd_part *part);
/* Puts the last n popped back; nothing was pushed since. They begin at `decide` again. */
void fd_part_unpop(fd_part *part, uint32_t n, int64_t decide);
/* Forgets queue and positions and starts anew at `offset`; the caller released the messages. */
void fd_part_start(fd_part *part, int64_t offset, int32_t leader_epoch);

#endif
