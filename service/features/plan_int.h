/*
 * A layout made ready: how the records of a key are laid out, and which features are read in one
 * pass over them.
 *
 * A record is `words` words of 64 bits: time << 8 | flags, where up to eight conditions and
 * validity bits fit there; else a second word of conditions (low half) and validity (high half);
 * then one word per track. Times are kept within +-2^55 us, so the first word orders by time.
 * Immutable. Private to the module.
 */
#ifndef FD_FEATURES_PLAN_INT_H
#define FD_FEATURES_PLAN_INT_H

#include "domain/window.h"

enum {
    FD_PANES_PER_WINDOW = 64,
    FD_PANES_PER_LEVEL = 1024, /* about: with delay, lateness and skew */
    FD_RECORD_MAX_WORDS = 2 + FD_WINDOW_MAX_TRACKS,
    FD_CHUNK_MIN = 4, /* records */
    FD_CHUNK_MAX = 32,
    FD_CHUNK_BYTES = 256, /* of records, where that makes FD_CHUNK_MIN or more */
};

#define FD_TIME_LIMIT (((int64_t)1 << 55) - 1)

/* What features of one group share while they are read. */
typedef enum fd_group_class {
    FD_GROUP_COUNT,
    FD_GROUP_RATIO,
    FD_GROUP_NUMBERS, /* sum, avg, min, max, stddev, zscore */
    FD_GROUP_DISTINCT,
    FD_GROUP_LAST,
    FD_GROUP_FIRST,
    FD_GROUP_SINCE_LAST,
    FD_GROUP_SINCE_FIRST,
    FD_GROUP_IS_NEW,
    FD_GROUP_CONSECUTIVE,
    FD_GROUP_PERCENTILE,
    FD_GROUP_TRAVEL,
} fd_group_class;

/* What a pane keeps for features of a level, in words of 64 bits:
 *   COUNT   n
 *   RATIO   n, those with `of`
 *   INTS    n, sum (2), squares (2; all ones: too large), least, greatest
 *   REALS   n, sum, mean, sum of squared differences to the mean, least, greatest
 *   SET     n, FD_SET_MAX smallest hashes (a block)
 *   SAMPLE  n, FD_SAMPLE_MAX values of smallest hashes (a block)
 *   EDGES   n, time and value of the oldest, of the youngest
 *   PLACE   n, time and both values of the youngest
 *   ROW     n, how many of the youngest have `of` without a break */
#define FD_CELLS(X) \
    X(COUNT, 1)     \
    X(RATIO, 2)     \
    X(INTS, 7)      \
    X(REALS, 6)     \
    X(SET, 2)       \
    X(SAMPLE, 2)    \
    X(EDGES, 5)     \
    X(PLACE, 4)     \
    X(ROW, 2)

typedef enum fd_cell_kind {
#define X(name, words) FD_CELL_##name,
    FD_CELLS(X)
#undef X
} fd_cell_kind;

enum { FD_SET_MAX = 64, FD_SAMPLE_MAX = 32 };

typedef struct fd_cell {
    fd_cell_kind kind;
    fd_kind track;
    uint64_t need, of;
    uint16_t value, value2; /* words of a record; 0: none */
    uint16_t at;            /* its first word in a pane */
} fd_cell;

/* The panes of one window length of a key. */
typedef struct fd_level {
    int64_t window_us;
    int64_t reach_us; /* the longest window + delay of its features */
    int64_t pane_us;
    int64_t horizon_us;
    uint16_t n_cells;
    uint16_t words; /* of all cells */
    fd_cell *cells;
} fd_level;

/* Where a feature finds itself in panes. */
typedef struct fd_place {
    uint16_t level, cell;
} fd_place;

/* Features over the same records that differ in window (and, for numbers, in op). */
typedef struct fd_group {
    fd_group_class class;
    bool current;           /* the event itself counts */
    bool spread;            /* numbers: squares are needed */
    bool extremes;          /* numbers: min or max */
    fd_kind kind, kind2;    /* of the tracks */
    uint64_t need;          /* flags that a record must have */
    uint64_t of;            /* flag of the condition `of` */
    uint64_t valid;         /* flag of the track: the event at hand has a value */
    uint16_t value, value2; /* words of a record */
    uint64_t valid2;
    int64_t delay_us;
    uint16_t from; /* mark of the delay */
    uint16_t n;
    uint16_t *features; /* by window, shortest first */
    uint16_t *ends;     /* mark of window + delay of each */
    fd_place *places;   /* of each; NULL where no panes are kept */
} fd_group;

/* What an event may take of the heap, at most. */
typedef struct fd_demand {
    uint32_t blocks, granules;
} fd_demand;

typedef struct fd_key_plan {
    const fd_window_key *key;
    uint16_t source;
    uint16_t index;    /* of the key in its layout */
    uint16_t words;    /* of a record */
    uint16_t flags_at; /* word with the flags */
    uint16_t values_at;
    uint16_t valid_shift;
    uint16_t chunk; /* records in a full one */
    uint16_t n_text;
    uint32_t text_mask;    /* tracks that are texts */
    uint32_t nan_mask;     /* tracks that are doubles: a NaN is no value */
    fd_demand fold, panes; /* of an event: itself, and what moves on into panes */
    uint64_t print;        /* of the layout and this key in it: whose stored values these are */
    bool keep_all;         /* a feature of it is exact */
    int64_t pane_us;       /* records count by whole panes of this */
    int64_t horizon_us;
    uint16_t n_groups;
    fd_group *groups;
    uint16_t n_marks;
    uint16_t n_levels; /* 0 where no panes are kept */
    fd_level *levels;
    int64_t *marks; /* times before an event at which a window begins or ends, nearest first */
} fd_key_plan;

/* Fills plans[0 .. layout->n_keys). */
void fd_plans_make(const fd_window_layout *layout, uint16_t source, int64_t slack_us,
                   fd_key_plan *plans);
void fd_plan_release(fd_key_plan *plan);

/* The levels of a key and the places of its features in them. */
void fd_levels_make(fd_key_plan *plan, const fd_window_layout *layout, int64_t slack_us);
void fd_levels_release(fd_key_plan *plan);

/* Those that there are, as bits. */
static inline uint32_t fd_plan_tracks(const fd_key_plan *k)
{
    return (uint32_t)(((uint64_t)1 << k->key->n_tracks) - 1);
}

static inline uint64_t fd_plan_conditions(const fd_key_plan *k)
{
    return ((uint64_t)1 << k->key->n_conditions) - 1;
}

static inline int64_t fd_time_clamp(int64_t t)
{
    return t > FD_TIME_LIMIT ? FD_TIME_LIMIT : t < -FD_TIME_LIMIT ? -FD_TIME_LIMIT : t;
}

/* a - b, kept in range. */
static inline int64_t fd_time_minus(int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_sub_overflow(a, b, &r))
        return b > 0 ? INT64_MIN : INT64_MAX;
    return r;
}

/* The largest multiple of `step` that is not above t. */
static inline int64_t fd_time_floor(int64_t t, int64_t step)
{
    int64_t r = t % step;
    return fd_time_minus(t, r < 0 ? r + step : r);
}

static inline int64_t fd_record_time(const uint64_t *r)
{
    return (int64_t)r[0] >> 8;
}

/* The same of t - ago, for ago of 0 .. 2 * FD_TIME_LIMIT. */
static inline int64_t fd_record_ago(int64_t t, int64_t ago)
{
    int64_t then = t - ago;
    return (int64_t)((uint64_t)(then < -FD_TIME_LIMIT ? -FD_TIME_LIMIT : then) << 8 | 0xff);
}

/* r's time is not above t iff its first word is not above this. */
static inline int64_t fd_record_upto(int64_t t)
{
    return (int64_t)((uint64_t)fd_time_clamp(t) << 8 | 0xff);
}

#endif
