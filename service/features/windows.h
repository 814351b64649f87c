/*
 * Window state: a bounded table of entities, each with the recent events of its key, and the
 * features that are read from it (DESIGN §5, §6).
 *
 * An entry is keyed by (source, key kind, key bytes) and holds a *partial* per source partition:
 * a single writer's fold, with the offset of the last event in it (its LSN). What is read merges
 * the partials of all partitions that are here, as of this point of the merge.
 *
 * Invariants: a partial is a function of the events of its partition that were given to it, in
 * offset order; never of batch boundaries, evictions, reloads or of the order of other
 * partitions. What is still physically there but older than pane floor of (its partition's
 * watermark - horizon) is never seen. Nothing here allocates beyond `memory`, but for scratch that
 * grows with the largest batch and the largest key.
 *
 * What a feature of event e, of time t, sees, exactly:
 *   - The events of its key that were folded before e, and, where it is included, e itself; those
 *     with time in (t - delay - window, t - delay]; those for which `where` is true and which have
 *     the value (both values of travel_speed): an event without it does not count, nor does one
 *     whose value is a NaN.
 *   - Their order is (time, partition, arrival); e comes after all of its own partition and time.
 *   - Of a partition, whose watermark is its merge time - lateness, e counted in: only events with
 *     time >= floor(watermark - horizon, P), where horizon = the layout's reach + lateness +
 *     max_skew and P = the longest window of the key / 64, rounded up (to a microsecond).
 *   - Times are kept within +-2^55 us, about the years 828 to 3111.
 * Ops (the table of rule files says the rest):
 *   sum       of integers is exact, absent if it is not in 64 bits; of doubles, youngest first
 *   avg       (double)sum / (double)n, each rounded once
 *   stddev    of integers sqrt((double)(n * sum of squares - sum * sum)) / (double)n, the integer
 *             exact, absent where n * sum of squares is 2^128 or more; of doubles
 *             sqrt(sum of (x - avg)^2 / n), youngest first
 *   zscore    (x - avg) / stddev; absent too where stddev is 0
 *   min, max  of equal ones (0.0 and -0.0) the youngest
 *   percentile  the value at place ceil(p * n / 100), at least the first, in ascending order
 *   distinct, is_new  by the 64 bits of the value; of texts that are not hashed by their hash
 *   is_new    absent where e has no value
 *   travel_speed  haversine on a sphere of 6371.0088 km; 0 where that is under 1 km; a time of 0
 *             counts as 1 us; absent where e has no position
 *   key is null: as over no events, e not counted
 *
 * Panes. When a partial holds more than N events after a fold, its oldest goes, for each window
 * length W of the key, into the pane floor(time / S) of that length and is not kept as such:
 *   S = the larger of W / 64 and H / 1024, both rounded up to a microsecond, where H = the longest
 *   window + delay of the features with that W, + lateness + max_skew.
 * A pane counts while its start >= floor(watermark - H, S). It overlaps a window if its youngest
 * event's time is in or after it and its oldest one's in or before it; then it counts whole, after
 * the records, panes with later start (then higher partition) first. A result that a pane with
 * events that count was used for is flagged; where the first record found settles it (last,
 * is_new, a row that ends ...) panes are not used.
 *   Error: at each end of the window the events of one pane more or less, that is of W / 64 of time
 * (of H / 1024 where that is more): count, sum, ratio, avg are off by what these events weigh, min,
 * max, last, first, time_since by what is in them. Besides:
 *   distinct    a pane keeps the 64 smallest hashes: exact up to 64 values per pane, beyond it an
 *               estimate from the hashes below the least bound, standard error about 1/8 if one
 *               pane decides, less with more of them
 *   is_new      of a pane with more than 64 values, those not kept count as not seen
 *   percentile  a pane keeps 32 values, drawn by hash, each for an equal part of its events
 *   stddev, zscore of doubles  means and squared differences are merged pane by pane
 *   consecutive an event older than the pane's youngest counts as its youngest
 *   time_since  0 where a pane's event is younger than e
 * One owner: the engine thread.
 */
#ifndef FD_FEATURES_WINDOWS_H
#define FD_FEATURES_WINDOWS_H

#include "base/strbuf.h"
#include "domain/batch.h"
#include "domain/enums.h"
#include "domain/msg.h"
#include "domain/window.h"

typedef struct fd_windows fd_windows;

typedef struct fd_windows_config {
    uint32_t n_layouts; /* one per source, in the order of sources */
    const fd_window_layout *const *layouts;
    size_t memory; /* bytes for entries, rings, texts and the table itself */
    int64_t lateness_us;
    int64_t max_skew_us;         /* horizon = reach + lateness + max_skew */
    uint32_t max_events_per_key; /* N: the newest N of a partial are exact, older ones in panes;
                                    not of keys that have an `exact` feature; 0: all are exact */
    bool lazy;                   /* memory is touched as it is needed, not at the start */
    bool evict;                  /* clean partials may be forgotten: a store has them */
} fd_windows_config;

/* NULL: the system has not that much memory. The layouts must outlive it. */
fd_windows *fd_windows_new(const fd_windows_config *config);
void fd_windows_free(fd_windows *w); /* NULL is fine */

/* The same layouts (equal descriptors) at another place: the former ones may go. */
void fd_windows_rebind(fd_windows *w, const fd_window_layout *const *layouts);

/* Do windows of the layout `wide` read every feature of `narrow` to the bit as its own would?
 * from[f] is the wide layout's column of feature f. Besides the features themselves, what cuts the
 * past must be the same: reach, and per key longest window, panes and whether all is kept. */
bool fd_windows_cover(const fd_window_layout *wide, const fd_window_layout *narrow, uint16_t *from);

/* An event of a batch, in the order in which it is decided. */
typedef struct fd_window_event {
    fd_tp tp;
    uint32_t row; /* in its source's input and feature columns */
    int64_t offset;
    int64_t time_us;
    int64_t merge_us; /* highest event time of its partition, this event included (or not, where
                         it is not `folded`): watermark = merge_us - lateness */
    bool folded;      /* false: LATE or FUTURE: it reads, and sees itself, but leaves nothing */
} fd_window_event;

/* Folds and reads, event after event. inputs[s] and features[s] belong to source s; features[s]
 * is a batch of layouts[s]->type into which row `row` is written; features NULL (redo): nothing is
 * read. flags[i] gets APPROXIMATE where a result of events[i] used panes (flags may be NULL).
 * Events at or below a partial's LSN are in it already and are not folded again.
 * False, with nothing done: there may not be room for this batch (see fd_windows_room). */
bool fd_windows_run(fd_windows *w, const fd_window_event *events, uint32_t n,
                    const fd_window_input *inputs, fd_batch *const *features, fd_flags *flags);

/* Makes room for a batch of n events, by forgetting clean partials where that is allowed. False:
 * the memory is full of what may not be forgotten. */
bool fd_windows_room(fd_windows *w, uint32_t n);

/* For measurements: whether what a batch needs is fetched ahead (it is). */
void fd_windows_set_prefetch(fd_windows *w, bool on);

/* Forgets all that belongs to a partition; the partials of others stay. */
void fd_windows_drop(fd_windows *w, fd_tp tp);
/* The partition's watermark as a store remembers it: events older than watermark - horizon do not
 * count. INT64_MIN: none yet. */
void fd_windows_set_merge_time(fd_windows *w, fd_tp tp, int64_t merge_us);

/* What a key takes of the memory: bytes of an entity, the key's own bytes aside, and of each of its
 * events, texts of eight bytes and more aside. Events lie in rings of blocks that double up to
 * `block` events, and then in chains of such blocks. */
typedef struct fd_window_size {
    uint32_t entity, event;
    uint32_t block;
} fd_window_size;
fd_window_size fd_windows_size(const fd_window_key *key);

/* ---- exchange with a store ---- */

/* Address of a partial within its partition; bytes are the table's own and stay until it is
 * forgotten. */
typedef struct fd_window_ref {
    fd_tp tp;
    uint16_t key_kind;
    fd_str key;
} fd_window_ref;

/* Partials that the batch needs and that are not in memory though a store may have them: for
 * partitions that are not `complete`, and for all partitions of the source that are here, as
 * reading merges them (of keys that are `local` the event's own). Writes at most max, each once;
 * returns how many there are. Keys point into inputs (very long ones into the table; until the
 * next call). What the batch needs and what is loaded then stays until it has run: with `evict`,
 * ask for every batch, before or after fd_windows_room. */
uint32_t fd_windows_missing(fd_windows *w, const fd_window_event *events, uint32_t n,
                            const fd_window_input *inputs, fd_window_ref *out, uint32_t max);
/* From now on what is not in memory is nowhere (after a rebuild from the log) / may be in the
 * store (after a takeover, or an eviction). New partitions are complete. */
void fd_windows_set_complete(fd_windows *w, fd_tp tp, bool complete);

/* The value of a partial as bytes, appended to out; *lsn gets its last offset, *last_us the time of
 * its latest event (INT64_MIN: it holds none). Of one that is not in memory nothing is appended and
 * the LSN is -1. */
void fd_windows_save(fd_windows *w, const fd_window_ref *ref, fd_strbuf *out, int64_t *lsn,
                     int64_t *last_us);
/* Puts a stored value (n == 0: the store has none) into memory, clean. False: these are not bytes
 * that this layout wrote, or there is no room; nothing is changed. What is in memory already with
 * as high an LSN stays as it is. */
bool fd_windows_load(fd_windows *w, const fd_window_ref *ref, fd_str bytes);

/* Are these bytes that this layout wrote (or none)? */
bool fd_windows_readable(const fd_windows *w, const fd_window_ref *ref, fd_str bytes);

/* Dirty partials of a partition, at most max from where the last call ended (*cursor, 0 first);
 * they stay dirty until they are told clean at the LSN that was saved. */
uint32_t fd_windows_dirty(fd_windows *w, fd_tp tp, uint64_t *cursor, fd_window_ref *out,
                          uint32_t max);
void fd_windows_clean(fd_windows *w, const fd_window_ref *ref, int64_t lsn);

typedef struct fd_windows_stats {
    uint64_t entries, partials, events; /* held now */
    uint64_t dirty;                     /* partials */
    size_t bytes, limit;
    uint64_t hits, misses, evictions, late_inserts; /* since the start */
    uint64_t pane_partials;                         /* that have panes */
} fd_windows_stats;
void fd_windows_stats_get(const fd_windows *w, fd_windows_stats *out);

#endif
