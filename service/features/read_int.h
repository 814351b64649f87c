/*
 * Reading: the records of an entity, of all its partials, youngest first, through all groups of
 * features of a key at once.
 * Private to the module; one owner.
 */
#ifndef FD_FEATURES_READ_INT_H
#define FD_FEATURES_READ_INT_H

#include "features/table_int.h"

typedef __int128 fd_i128;
typedef unsigned __int128 fd_u128;

/* A partial that is being walked from its youngest record on. */
typedef struct fd_source {
    fd_span span;
    int64_t lowest; /* first word of records: below it they do not count */
    int32_t partition;
} fd_source;

/* The same, by panes of one level. */
typedef struct fd_pane_source {
    uint32_t pane;
    int32_t partition;
    int64_t cutoff;
} fd_pane_source;

/* How far a group has come while records go by. */
typedef struct fd_progress {
    uint16_t at;   /* feature whose window is still open */
    bool done;     /* all are written */
    bool odd;      /* squares do not fit */
    bool current;  /* the event at hand has the value(s) */
    uint64_t n;    /* records that count */
    uint64_t hits; /* of them with `of` */
    fd_i128 sum;
    fd_u128 squares;
    double dsum;
    uint64_t low, high;     /* words of the track */
    const uint64_t *record; /* last: youngest, first: oldest so far */
    size_t n_values;        /* collected */
    bool merged;            /* with panes: mean and squared, or low, are the answer */
    double mean, squared;
    bool hashed; /* distinct: in a table rather than a list */
} fd_progress;

/* Records of an entity, youngest first. */
enum { FD_BLOCK = 64, FD_NO_EVENT = UINT32_MAX };
typedef struct fd_block {
    uint32_t n;
    uint32_t event;        /* which one is the event itself; FD_NO_EVENT: none of these */
    const uint32_t *marks; /* for each mark of the key, how many are younger */
    const uint64_t *records[FD_BLOCK + 1]; /* the event may be one more */
} fd_block;

typedef struct fd_read {
    fd_windows *w;
    const fd_key_plan *k;
    const fd_window_layout *layout;
    fd_batch *out;
    uint32_t row;
    int64_t time_us;
    const uint64_t *event; /* the record of the event itself */
    uint32_t entry;        /* 0: no records yet */
    bool panes;            /* a partial of it has some */
    bool *approximate;     /* set where a result used one */
} fd_read;

/* Writes all features of the key; tp: of the event. */
void fd_read_entry(fd_read *r, uint16_t tp);
/* What they are where a part of the key is null. */
void fd_read_nothing(const fd_read *r);

/* ---- ops.c ---- */

void fd_group_begin(const fd_read *r, const fd_group *g, fd_progress *p);
/* Records, youngest first; none is older than what was fed before. */
void fd_group_feed(const fd_read *r, const fd_group *g, fd_progress *p, const fd_block *b);
void fd_group_end(const fd_read *r, const fd_group *g, fd_progress *p);

/* ---- write.c: the windows that end ---- */

void fd_group_write(const fd_read *r, const fd_group *g, fd_progress *p, uint16_t feature);

/* ---- panes_read.c: the same where there are panes ---- */

void fd_group_write_paned(const fd_read *r, const fd_group *g, const fd_progress *p);

/* Room for n values; what is there stays. */
uint64_t *fd_values_reserve(fd_values *v, size_t n);

#endif
