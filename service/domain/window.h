/*
 * Windows, between those who declare them (rules), those who keep them (features) and the engine:
 * what is tracked of each event, per key, and which values are read from it.
 *
 * A layout belongs to one source. Its keys (entity kinds, such as card_id) each track a few values
 * and conditions of their events; all features of a key are read from one ring of its events, so
 * equal ones cost once. Rules compile the expressions and fill an fd_window_input per batch; the
 * state keeps and reads; neither knows the other. Layouts are immutable; any thread reads.
 */
#ifndef FD_DOMAIN_WINDOW_H
#define FD_DOMAIN_WINDOW_H

#include "domain/type.h"

enum {
    FD_WINDOW_MAX_KEYS = 64,
    FD_WINDOW_MAX_TRACKS = 32,      /* per key */
    FD_WINDOW_MAX_CONDITIONS = 32,  /* per key */
    FD_WINDOW_MAX_FEATURES = 4096,  /* distinct ones, per source */
    FD_WINDOW_MAX_KEY_BYTES = 224,  /* a longer key is folded under its beginning and its hash */
    FD_WINDOW_MAX_TEXT_BYTES = 256, /* of a kept text; longer ones are cut between characters */
    FD_WINDOW_NONE = UINT16_MAX,    /* no track, no condition */
};

/* X(name, text, needs a value, needs `of`) */
#define FD_FEATURE_OPS(X)                                 \
    X(COUNT, "count", false, false)                       \
    X(SUM, "sum", true, false)                            \
    X(AVG, "avg", true, false)                            \
    X(MIN, "min", true, false)                            \
    X(MAX, "max", true, false)                            \
    X(STDDEV, "stddev", true, false)                      \
    X(DISTINCT, "distinct", true, false)                  \
    X(RATIO, "ratio", false, true)                        \
    X(LAST, "last", true, false)                          \
    X(FIRST, "first", true, false)                        \
    X(TIME_SINCE_LAST, "time_since_last", false, false)   \
    X(TIME_SINCE_FIRST, "time_since_first", false, false) \
    X(IS_NEW, "is_new", true, false)                      \
    X(CONSECUTIVE, "consecutive", false, true)            \
    X(PERCENTILE, "percentile", true, false)              \
    X(ZSCORE, "zscore", true, false)                      \
    X(TRAVEL_SPEED, "travel_speed", true, false)

typedef enum fd_feature_op {
#define X(name, text, value, of) FD_OP_##name,
    FD_FEATURE_OPS(X)
#undef X
        FD_N_FEATURE_OPS
} fd_feature_op;

/* A value kept of each event of a key.
 *   FD_BOOL, FD_INT, FD_TIMESTAMP and FD_DURATION (both in microseconds): 64 bits, signed
 *   FD_DOUBLE: its bits
 *   FD_STRING, FD_BYTES: the text itself, or, with `hashed`, 64 bits of its hash
 * `hashed` is what distinct and is_new need of any kind. */
typedef struct fd_window_track {
    fd_kind kind;
    bool hashed;
} fd_window_track;

typedef struct fd_window_key {
    fd_str name; /* its fields, "card_id" or "card_id,merchant_id" */
    uint16_t n_tracks;
    uint16_t n_conditions;
    const fd_window_track *tracks;
    bool local; /* what the topic is partitioned by: an entity's events are in one partition, and
                   other partitions are not asked for it */
} fd_window_key;

/* One distinct feature. Window: events with time in (t - delay - window, t - delay], those that
 * were folded before it and, if include_current and delay == 0, the event itself. */
typedef struct fd_window_feature {
    fd_feature_op op;
    fd_kind result; /* LAST, FIRST, MIN, MAX, SUM: of the track; time_since_*: FD_DURATION (us) */
    uint16_t key;
    uint16_t where;       /* condition, or FD_WINDOW_NONE */
    uint16_t of;          /* condition: RATIO, CONSECUTIVE */
    uint16_t value;       /* track; of TRAVEL_SPEED the latitude */
    uint16_t value2;      /* TRAVEL_SPEED: the longitude */
    bool include_current; /* always false for those whose definition excludes the event */
    bool exact;           /* accuracy: exact: no panes, all events are kept */
    double p;             /* PERCENTILE: 0 .. 100 */
    int64_t window_us;    /* > 0 */
    int64_t delay_us;     /* >= 0 */
} fd_window_feature;

typedef struct fd_window_layout {
    uint16_t n_keys;
    uint16_t n_features;
    const fd_window_key *keys;
    const fd_window_feature *features;
    const fd_str *lines; /* per feature, all that it is: equal texts mean equal values */
    const fd_type *type; /* FD_RECORD, one nullable field per distinct feature, in their order:
                            the columns that reading fills */
    int64_t reach_us;    /* max of window + delay; 0 without features */
    fd_str descriptor;   /* one line of canonical text per key, track, condition, feature: equal
                            texts fold and read equally (part of the lineage) */
} fd_window_layout;

/* Of one batch and one key: filled by the rules, by row. */
typedef struct fd_window_input_key {
    fd_str *key;       /* p == NULL: a part of it is null, the event is not folded for this key */
    uint32_t *bits;    /* bit c: condition c is true */
    uint32_t *valid;   /* bit t: track t has a value */
    uint64_t **values; /* [track][row]; not of unhashed texts */
    fd_str **texts;    /* [track][row] of unhashed texts; NULL pointers for the other tracks */
} fd_window_input_key;

typedef struct fd_window_input {
    uint32_t n_rows;
    fd_window_input_key *keys; /* one per key of the layout */
} fd_window_input;

#endif
