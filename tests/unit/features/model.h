/*
 * The obvious reference: all events in one array, every feature computed from the whole of it,
 * with none of the code under test.
 */
#ifndef FD_TEST_FEATURES_MODEL_H
#define FD_TEST_FEATURES_MODEL_H

#include "world.h"

typedef struct model_result {
    bool valid;
    bool used;     /* it used a pane */
    int fuzzy;     /* 1: a double that need not be equal to the bit; 2: an estimate */
    uint64_t word; /* bits of the double, the integer, the bool */
    uint32_t n;
    char text[WORLD_TEXT];
} model_result;

typedef struct model model;

/* n: max_events_per_key. */
model *model_new(const world *w, uint32_t n);
void model_free(model *m);
/* Reads all features of the event (out has one per feature), then folds it. */
void model_step(model *m, const world_event *e, model_result *out);
/* Folds it only. */
void model_fold(model *m, const world_event *e);
/* Did any of the results use a pane? */
bool model_used(const world *w, const model_result *results);
void model_drop(model *m, int32_t partition);

/* Fails the test where a row of the batch is not what the model says. */
void model_compare(const world *w, const fd_batch *b, uint32_t row, const model_result *want);

#endif
