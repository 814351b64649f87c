/*
 * The table itself: slots by hash, entries with their partials, partitions, what may be forgotten.
 *
 * An entry is a partial followed by its key; further partials of the same entity hang on it, in
 * order of partition. Slots (hash, entry) are probed linearly and are all there from the start.
 * Private to the module; one owner.
 */
#ifndef FD_FEATURES_TABLE_INT_H
#define FD_FEATURES_TABLE_INT_H

#include "features/ring_int.h"
#include "features/windows.h"

enum { FD_NO_TP = UINT16_MAX };

typedef struct fd_slot {
    uint32_t hash;  /* its upper half */
    uint32_t entry; /* 0: free */
} fd_slot;

/* What is known of a partition that is here. */
typedef struct fd_tp_state {
    fd_tp tp;
    bool here; /* false: a place for another one */
    bool complete;
    int64_t merge_us; /* INT64_MIN: none yet */
    uint32_t dirty_first, dirty_last, n_dirty;
} fd_tp_state;

/* A key of an event of the batch. */
typedef struct fd_pair {
    fd_str key;
    uint64_t hash;
    uint32_t event;
    uint32_t entry; /* 0: not there yet */
    uint16_t kind;
} fd_pair;

typedef struct fd_values {
    uint64_t *v;
    size_t cap;
} fd_values;

struct fd_windows {
    fd_windows_config config;
    const fd_window_layout **layouts;
    fd_heap heap;
    fd_slot *slots;
    uint32_t n_slots, max_entries, hand;
    uint32_t n_kinds;
    fd_key_plan *plans;   /* by kind: sources' keys one after another */
    uint32_t *first_kind; /* by source */
    uint32_t max_keys;    /* of a source */
    uint64_t heavy;       /* partials that may overflow into panes before long */
    fd_tp_state *tps;
    uint32_t n_tps;
    uint32_t last_tp; /* where the last search ended */
    fd_pair *pairs;
    uint32_t pairs_cap;
    fd_strbuf long_keys;
    fd_values values, sorted;               /* scratch of a read */
    fd_values extra;                        /* the same, for panes */
    struct fd_pane_source *pane_sources;    /* the same: one per partition */
    uint64_t stand_in[FD_RECORD_MAX_WORDS]; /* the same: what a pane knows of a record */
    bool approximate;                       /* what is read now used a pane */
    struct fd_source *sources;              /* the same: one per partition */
    uint32_t *marks;                        /* the same: as many as a key has */
    uint8_t stamp;
    bool prefetch;
    bool in_vain; /* the last search for what may be forgotten went all around */
    fd_windows_stats stats;
};

/* ---- keys ---- */

/* The bytes that stand for a key: itself, or its beginning and its hash, written to `room`. */
enum { FD_KEY_TAIL = 16 };
fd_str fd_key_normal(fd_str key, char room[FD_WINDOW_MAX_KEY_BYTES]);
uint64_t fd_key_hash(uint16_t kind, fd_str key);

static inline fd_partial *fd_partial_at(const fd_windows *w, uint32_t ref)
{
    return fd_heap_at(&w->heap, ref);
}

static inline fd_str fd_entry_key(const fd_partial *entry)
{
    const char *p = (const char *)(entry + 1);
    uint16_t n;
    memcpy(&n, p, sizeof n);
    return (fd_str){p + sizeof n, n};
}

/* ---- partitions ---- */

/* FD_NO_TP: not here. */
uint16_t fd_tp_find(fd_windows *w, fd_tp tp);
uint16_t fd_tp_make(fd_windows *w, fd_tp tp);

/* INT64_MIN: none yet. */
int64_t fd_tp_watermark(const fd_windows *w, uint16_t tp);
/* Records of a partition before this do not count. */
int64_t fd_tp_cutoff(const fd_windows *w, uint16_t tp, const fd_key_plan *k);

/* ---- entries ---- */

static inline uint32_t fd_slot_home(const fd_windows *w, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * w->n_slots >> 32);
}

uint32_t fd_entry_find(const fd_windows *w, uint16_t kind, fd_str key, uint64_t hash);
/* There must be room. Its own partial belongs to tp. */
uint32_t fd_entry_make(fd_windows *w, uint16_t kind, fd_str key, uint64_t hash, uint16_t tp);
uint32_t fd_partial_find(const fd_windows *w, uint32_t entry, uint16_t tp);
/* There must be room. */
uint32_t fd_partial_make(fd_windows *w, uint32_t entry, uint16_t tp);

/* As it was made: no records, clean. */
void fd_partial_reset(fd_windows *w, uint32_t ref);

/* Is it one that may overflow into panes before long? Whoever changes it counts again. */
bool fd_partial_heavy(const fd_windows *w, const fd_partial *p);

void fd_partial_set_dirty(fd_windows *w, uint32_t ref);
void fd_partial_set_clean(fd_windows *w, uint32_t ref);

/* What is asked of the table: new entries, and blocks of the heap by number and by size; `large`:
 * those of panes are among them. */
typedef struct fd_need {
    uint64_t entries, blocks, granules;
    bool large;
} fd_need;

/* Of `pairs` events of a kind of key, in a batch of so many pairs in all. */
void fd_need_add(const fd_windows *w, fd_need *need, uint16_t kind, uint64_t pairs, uint64_t all);
/* Is there room for it? Forgets what may be forgotten, but no entry that is stamped. */
bool fd_table_room(fd_windows *w, fd_need need);
bool fd_table_has_room(const fd_windows *w, fd_need need); /* as it is */

void fd_table_drop(fd_windows *w, uint16_t tp);

/* Fills pairs with the keys of events; how many. */
uint32_t fd_pairs_make(fd_windows *w, const fd_window_event *events, uint32_t n,
                       const fd_window_input *inputs);

#endif
