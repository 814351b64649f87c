/* The engine's inside, shared by its files only. Engine thread. */
#ifndef FD_ENGINE_ENGINE_INT_H
#define FD_ENGINE_ENGINE_INT_H

#include "codec/encode.h"
#include "engine/engine.h"
#include "engine/program.h"

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
    fd_batch *batch;
    const fd_col *key_col;
    int64_t *times_us; /* per row */
} fd_engine_input;

/* What a model has said since its program decides. */
typedef struct fd_model_tally {
    uint64_t scored, buckets[FD_SCORE_BUCKETS + 1];
    int64_t sum_ppm;
    uint64_t *missing;                    /* by input */
    uint64_t bins[FD_DRIFT_BINS], binned; /* halved whenever there are FD_DRIFT_MEMORY of them */
    fd_str *names;                        /* of the inputs */
} fd_model_tally;

struct fd_program {
    uint32_t refs; /* the engine as decider, and a fold */
    uint32_t n_sources;
    fd_ruleset *rules[FD_ENGINE_MAX_SOURCES];
    fd_ruleset_run *runs[FD_ENGINE_MAX_SOURCES];
    fd_models *models;
    fd_ruleset_model *declared; /* by model */
    fd_manifest_run **scorers;  /* by model; NULL: it is off */
    fd_model_rows *given;       /* by model, of the source at hand */
    fd_model_tally *tallies;    /* by model */
};

/* Windows, and the batch at hand as they see it. */
struct fd_fold {
    fd_program *program; /* whose layouts these are, and which extracts for them */
    fd_windows *windows;
    uint32_t n_events;
    fd_window_event *events; /* the valid events of the batch */
    uint32_t *index;         /* which event of the batch each of them is */
    fd_flags *flags;
    fd_window_input inputs[FD_ENGINE_MAX_SOURCES];
    fd_batch *features[FD_ENGINE_MAX_SOURCES]; /* per row; NULL: this source has none */
};

/* One source's features as a program names them: columns of what the fold reads. */
typedef struct fd_feature_view {
    fd_batch batch;
    fd_col *children;
    fd_col **cols;
    uint16_t *from; /* column of the fold, by column */
} fd_feature_view;

/* What the models said of the batch at hand: values[model * max_events + row]. */
typedef struct fd_scores {
    uint32_t n_models;
    double *values;
    uint8_t *scored; /* 0: the model does not score this event */
} fd_scores;

/* A program at work. */
typedef struct fd_decider {
    fd_program *program;                          /* NULL: this place is empty */
    fd_feature_view views[FD_ENGINE_MAX_SOURCES]; /* from NULL: it has no features */
    fd_verdict *verdicts[FD_ENGINE_MAX_SOURCES];  /* per row */
    fd_scores scores[FD_ENGINE_MAX_SOURCES];
    fd_arena *arena; /* of what is added to the verdicts of the batch at hand */
} fd_decider;

struct fd_engine {
    uint32_t n_sources;
    fd_engine_input sources[FD_ENGINE_MAX_SOURCES];
    fd_encoder *encoder;
    uint32_t max_events;
    uint32_t *rows;     /* per event of the batch: its row in its source's columns */
    fd_fold *fold;      /* NULL: no features are declared */
    fd_decider decider; /* decides from switch_us on */
    fd_decider before;  /* until then, where there is one */
    int64_t switch_us;
    size_t state_memory;
    bool evict;
    int64_t lateness_us;
    int64_t max_skew_us;
    uint32_t max_events_per_key;
    int64_t future_us;
    fd_action invalid_action;
    fd_action deadline_action;
    fd_str version;
    fd_content_hash config_hash;
};

/* Zeroed, never NULL, also for none. */
void *fd_engine_array(size_t n, size_t size);

enum { FD_NO_ROW = UINT32_MAX };

/* stages.c: fills columns and rows; windows are not asked. */
void fd_engine_columns(fd_engine *e, fd_event *events, uint32_t n);

/* program.c */
void fd_program_keep(fd_program *p);
/* True: nobody has it any more. */
bool fd_program_drop(fd_program *p);
bool fd_program_has_features(const fd_program *p);

/* tally.c */
fd_model_tally *fd_tallies_new(const fd_models *models);
void fd_tallies_free(fd_model_tally *tallies, const fd_models *models); /* NULL is fine */
void fd_tally_add(fd_model_tally *t, const fd_manifest *m, const fd_model_rows *given);

/* score.c */
void fd_program_open_models(fd_program *p, uint32_t max_events);
void fd_program_close_models(fd_program *p);
void fd_scores_open(const fd_engine *e, const fd_program *p, fd_scores *s);
void fd_scores_close(fd_scores *s);
/* Of a source's columns, before its rules. */
void fd_scores_fill(fd_engine *e, fd_program *p, uint32_t source, const fd_batch *features,
                    fd_scores *s);
/* After its rules, of the source that was filled last. */
void fd_scores_give_reasons(const fd_program *p, fd_arena *arena, fd_verdict *verdicts);
/* The models that scored a row, at most FD_MODELS_MAX; how many. */
uint32_t fd_scores_of(const fd_engine *e, const fd_program *p, const fd_scores *s, uint32_t row,
                      fd_scored_model *out);

/* fold.c: NULL where there is no memory for it. */
fd_fold *fd_fold_new(const fd_engine *e, fd_program *program, bool lazy, bool evict);
void fd_fold_free(fd_fold *fold); /* NULL is fine; its program was let go before */
/* Of equal layouts. The former one is the caller's. */
void fd_fold_set_program(const fd_engine *e, fd_fold *fold, fd_program *program);
/* Takes what the windows need from the columns just decoded. */
void fd_fold_extract(fd_engine *e, fd_fold *fold, const fd_event *events, uint32_t n);

/* decide.c */
void fd_decider_open(fd_engine *e, fd_decider *d, fd_program *program);
/* Hands its program back. */
fd_program *fd_decider_close(fd_engine *e, fd_decider *d);
static inline const fd_decider *fd_decider_of(const fd_engine *e, const fd_event *ev)
{
    return e->before.program != NULL && ev->merge_us < e->switch_us ? &e->before : &e->decider;
}

/* NULL: this id has not been seen. */
const fd_writer *fd_plan_table_find(const fd_plan_table *w, uint64_t key);
/* False when the table is at FD_ENGINE_MAX_PLANS. Takes the plan over. */
bool fd_plan_table_add(fd_plan_table *w, uint64_t key, fd_plan *plan);
void fd_plan_table_free(fd_plan_table *w);

#endif
