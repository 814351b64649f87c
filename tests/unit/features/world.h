/*
 * A random world for the window state: a layout, a stream of events with ties, disorder, late
 * ones and several partitions, and what each event says for each key. All from one seed.
 */
#ifndef FD_TEST_FEATURES_WORLD_H
#define FD_TEST_FEATURES_WORLD_H

#include "features/windows.h"

enum {
    WORLD_KEYS = 3,
    WORLD_TRACKS = 6,
    WORLD_CONDITIONS = 10,
    WORLD_FEATURES = 24,
    WORLD_PARTITIONS = 4,
    WORLD_TEXT = 320,
};

typedef struct world_value {
    bool valid;
    uint64_t word;
    uint32_t n; /* of a text */
    char text[WORLD_TEXT];
} world_value;

/* What one event says for one key. */
typedef struct world_said {
    bool null;
    uint32_t key_n;
    char key[300];
    uint32_t bits;
    world_value values[WORLD_TRACKS];
} world_said;

typedef struct world_event {
    fd_window_event e;
    world_said said[WORLD_KEYS];
} world_event;

typedef struct world {
    uint64_t seed;
    fd_window_track tracks[WORLD_KEYS][WORLD_TRACKS];
    fd_window_key keys[WORLD_KEYS];
    fd_window_feature features[WORLD_FEATURES];
    fd_type types[WORLD_FEATURES];
    char names[WORLD_FEATURES][8];
    fd_field fields[WORLD_FEATURES];
    fd_type type;
    fd_window_layout layout;
    char descriptor[64];
    int64_t lateness_us, skew_us, span_us;
    int32_t partitions;
    uint32_t n_entities;
    bool long_keys;
    /* the stream */
    int64_t now_us;
    int64_t merge[WORLD_PARTITIONS];
    int64_t offset[WORLD_PARTITIONS];
} world;

uint64_t world_random(world *w, uint64_t below);
void world_init(world *w, uint64_t seed);
/* One feature of the given op over key 0, for tests that say what they want. */
void world_finish(world *w);
void world_next(world *w, world_event *out);

/* Columns for a batch, as the rules fill them. */
typedef struct world_columns {
    fd_window_input input;
    fd_window_input_key keys[WORLD_KEYS];
    fd_batch *features;
    fd_window_event *events;
    fd_flags *flags;
    uint32_t cap;
} world_columns;

void world_columns_init(world_columns *c, const world *w, uint32_t cap);
void world_columns_free(world_columns *c);
void world_columns_fill(world_columns *c, const world *w, const world_event *events, uint32_t n);

#endif
