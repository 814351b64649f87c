/* The engine's inside, shared by its files only. Engine thread. */
#ifndef FD_ENGINE_ENGINE_INT_H
#define FD_ENGINE_ENGINE_INT_H

#include "codec/encode.h"
#include "engine/engine.h"
#include "store/ruleset.h"

/* A writer schema as one source's events name it. */
typedef struct fd_writer {
    uint64_t key;  /* registry id, or fingerprint */
    fd_plan *plan; /* NULL: known not to resolve */
} fd_writer;

/* Writers by id: open addressing, at most half full. */
typedef struct fd_plan_table {
    fd_writer *slots;
    uint8_t *used;
    uint32_t cap; /* power of two */
    uint32_t n;
} fd_plan_table;

typedef struct fd_engine_input {
    fd_engine_source config;
    fd_decoder *decoder;
    fd_plan *own_plan; /* written with the reader's schema itself */
    uint64_t own_fingerprint;
    fd_plan_table writers;
    fd_ruleset *rules;
    fd_ruleset_run *run;
    fd_batch *batch;
    const fd_col *key_col;
    int64_t *times_us;    /* per row */
    fd_verdict *verdicts; /* per row */
    fd_batch *features;   /* per row; NULL: this source has none */
} fd_engine_input;

struct fd_engine {
    uint32_t n_sources;
    fd_engine_input sources[FD_ENGINE_MAX_SOURCES];
    fd_encoder *encoder;
    uint32_t max_events;
    uint32_t *rows;      /* per event of the batch: its row in its source's columns */
    fd_windows *windows; /* NULL: no features are declared */
    uint32_t n_window_events;
    fd_window_event *window_events; /* the valid events of the batch */
    uint32_t *window_index;         /* which event of the batch each of them is */
    fd_flags *window_flags;
    fd_window_input inputs[FD_ENGINE_MAX_SOURCES];
    fd_batch *features[FD_ENGINE_MAX_SOURCES];
    int64_t lateness_us;
    int64_t max_skew_us;
    uint32_t max_events_per_key;
    int64_t future_us;
    fd_action invalid_action;
    fd_action deadline_action;
    fd_str version;
    fd_content_hash config_hash;
};

enum { FD_NO_ROW = UINT32_MAX };

/* fold.c */
bool fd_engine_fold_open(fd_engine *e, const fd_engine_config *config, fd_diags *diags);
void fd_engine_fold_close(fd_engine *e);
/* Takes what the windows need from the columns just decoded. */
void fd_engine_extract(fd_engine *e, const fd_event *events, uint32_t n);

/* NULL: this id has not been seen. */
const fd_writer *fd_plan_table_find(const fd_plan_table *w, uint64_t key);
/* False when the table is at FD_ENGINE_MAX_PLANS. Takes the plan over. */
bool fd_plan_table_add(fd_plan_table *w, uint64_t key, fd_plan *plan);
void fd_plan_table_free(fd_plan_table *w);

#endif
