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
} fd_group;

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
    uint32_t text_mask; /* tracks that are texts */
    uint32_t nan_mask;  /* tracks that are doubles: a NaN is no value */
    uint64_t print;     /* of the layout and this key in it: whose stored values these are */
    bool keep_all;      /* a feature of it is exact */
    int64_t pane_us;    /* records count by whole panes of this */
    int64_t horizon_us;
    uint16_t n_groups;
    fd_group *groups;
    uint16_t n_marks;
    int64_t *marks; /* times before an event at which a window begins or ends, nearest first */
} fd_key_plan;

/* Fills plans[0 .. layout->n_keys). */
void fd_plans_make(const fd_window_layout *layout, uint16_t source, int64_t slack_us,
                   fd_key_plan *plans);
void fd_plan_release(fd_key_plan *plan);

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
