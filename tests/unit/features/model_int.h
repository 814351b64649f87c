/*
 * Between the two halves of the reference: windows of exact events, and panes.
 */
#ifndef FD_TEST_FEATURES_MODEL_INT_H
#define FD_TEST_FEATURES_MODEL_INT_H

#include "model.h"

/* An event that was folded. */
typedef struct folded {
    world_event event;
    uint64_t paned[WORLD_KEYS]; /* when it went into a pane: 1, 2, ...; 0: not */
} folded;

struct model {
    const world *w;
    folded *events;
    uint32_t n, cap;
    uint32_t limit;
    uint64_t pane_clock;
    int64_t merge[WORLD_PARTITIONS];
};

/* One event of a window, youngest first. */
typedef struct seen {
    const world_event *e;
    const world_said *s;
    uint64_t arrival;
} seen;

typedef struct window {
    const world *w;
    const fd_window_feature *f;
    const world_event *event;
    const world_said *own;
    seen *rows;
    uint32_t n;
} window;

int64_t floor_to(int64_t t, int64_t step);
bool masked(const model *m, uint32_t key, const world_event *e);
bool same_key(const world_said *a, const world_said *b);
bool has(const window *x, const world_said *s, uint16_t track);
bool counts(const window *x, const world_said *s);
bool of_double(const window *x);
bool same_value(const window *x, const world_value *a, const world_value *b);
double real(uint64_t word);
void say_real(model_result *out, double d);
void say_int(model_result *out, int64_t v);
void evaluate(const window *x, model_result *out);

/* After an event was folded: what is beyond the newest goes into panes. */
void overflow(model *m, uint32_t key);
/* As evaluate, with the panes of the window. */
void evaluate_all(const model *m, window *x, model_result *out);

#endif
