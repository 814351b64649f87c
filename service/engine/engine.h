/*
 * The engine: a pure function from events to encoded decisions.
 *
 * It knows no clock, no broker, no thread: given the same events, schemas, rules and settings it
 * gives the same bytes, whatever the batch sizes (DESIGN §2, idea 3). A batch passes its stages in
 * order, all on the engine thread: scan (once per event, on arrival) and place (when its turn has
 * come), then decode, fold, decide, encode over an array of events. Stages take arrays, so that
 * each runs hot and is timed by the caller.
 * What it remembers of former events is window state, and only where the rules declare features.
 *
 * Ownership: everything in fd_event points into the message it came with; what encode returns
 * lives in the caller's arena.
 */
#ifndef FD_ENGINE_ENGINE_H
#define FD_ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/hash.h"
#include "base/status.h"
#include "codec/decode.h"
#include "codec/frame.h"
#include "domain/decision.h"
#include "domain/msg.h"
#include "features/windows.h"

enum {
    FD_ENGINE_MAX_SOURCES = 16,
    FD_ENGINE_MAX_MODELS = 64,
    FD_ENGINE_MAX_PLANS = 10000, /* writer schemas per source; beyond it BAD_SCHEMA */
};

typedef struct fd_engine fd_engine;
typedef struct fd_program fd_program; /* what decides: program.h */
typedef struct fd_fold fd_fold;       /* windows, and what extracts for them */

/* An event on its way: the message and what the scan found. */
typedef struct fd_event {
    fd_msg msg;
    const fd_plan *plan; /* NULL when invalid or waiting for its schema */
    fd_str payload;      /* the value without its framing */
    int64_t time_us;     /* event time; of an invalid event the Kafka timestamp, 0 without one */
    int64_t merge_us;    /* highest event time of its partition up to it; set by place */
    uint32_t schema_id;  /* confluent framing */
    fd_poison poison;    /* FD_POISON_NONE: valid */
    fd_flags flags;      /* FUTURE by scan, LATE by place, APPROXIMATE by fold, INVALID by encode;
                            DEADLINE and INCOMPLETE by the pipeline */
    bool blind;          /* set by the pipeline: it sees empty windows, and leaves nothing */
    bool needs_schema;   /* scan could not say: the writer schema is not known yet */
} fd_event;

/* One encoded decision. */
typedef struct fd_outcome {
    fd_str value;    /* Avro bytes; p == NULL: the arena is at its limit */
    fd_str id;       /* topic/partition/offset */
    fd_str event_id; /* empty for an invalid event */
    fd_action action;
    fd_flags flags;
} fd_outcome;

typedef struct fd_engine_source {
    const char *topic;
    const fd_schema *schema; /* reader; outlives the engine */
    fd_framing framing;
    const char *id_path;
    const char *time_path;
    const char *key_path; /* partitioned_by; NULL = not given */
} fd_engine_source;

typedef struct fd_engine_config {
    uint32_t n_sources;
    const fd_engine_source *sources;
    const fd_schema *decision_schema;
    const char *rules_dir;
    const char *models_dir;    /* NULL or "": there are no models */
    int64_t future_us;         /* beyond the Kafka timestamp: FUTURE */
    fd_action invalid_action;  /* of events that cannot be decoded */
    fd_action deadline_action; /* of events flagged DEADLINE */
    uint32_t max_events;       /* per batch */
    fd_evidence evidence;      /* which features a decision records */
    size_t state_memory;       /* bytes of window state */
    bool state_lazy;           /* taken from the system as it is needed, not at the start */
    int64_t lateness_us;       /* further behind the partition's highest event time: LATE */
    int64_t max_skew_us;       /* of the merge: windows are kept this much longer */
    uint32_t max_events_per_key;
    bool evict;          /* a store has what is forgotten */
    const char *version; /* decision field `engine` */
    fd_content_hash config_hash;
} fd_engine_config;

/* Loads rules and compiles plans. NULL after errors in diags. */
fd_engine *fd_engine_new(const fd_engine_config *config, fd_diags *diags);
void fd_engine_free(fd_engine *e); /* NULL is fine */

/* Fills *out from msg (which it takes over as a value). */
void fd_engine_scan(fd_engine *e, const fd_msg *msg, fd_event *out);
/* Again, for an event that waited for its schema. */
void fd_engine_rescan(fd_engine *e, fd_event *ev);
/* Makes a writer schema known. One that the reader schema cannot resolve makes its events
 * BAD_SCHEMA from now on and returns ABORT with the reason. */
fd_class fd_engine_add_schema(fd_engine *e, uint16_t source, uint32_t schema_id, fd_str json,
                              fd_err *err);
/* An operator consented to pass over this event's unknown schema: it becomes invalid. */
void fd_engine_consent(fd_engine *e, fd_event *ev);

/* The event's turn has come: merge_us is its partition's merge time after it. */
void fd_engine_place(const fd_engine *e, fd_event *ev, int64_t merge_us);

/* The stages, over events[0 .. n), n <= max_events, in the order of the merge; events may be of any
 * mix of sources. outcomes[i] belongs to events[i]. Where state is kept, fd_engine_room(e, n) was
 * true before and what fd_engine_missing tells was loaded. */
void fd_engine_decode(fd_engine *e, fd_event *events, uint32_t n);
void fd_engine_fold(fd_engine *e, fd_event *events, uint32_t n);
void fd_engine_decide(fd_engine *e, const fd_event *events, uint32_t n);
void fd_engine_encode(fd_engine *e, const fd_event *events, uint32_t n, fd_arena *arena,
                      fd_outcome *outcomes);

/* ---- another program ---- */

const fd_program *fd_engine_program(const fd_engine *e);
/* Do the windows that are kept serve `next` to the bit? Then it may decide at once. */
bool fd_engine_covers(const fd_engine *e, const fd_program *next);
/* Empty windows for `next`, to be filled by fd_engine_redo_behind; NULL: there is no memory. It
 * refers to `next`, which must outlive it or be given to the engine with it. */
fd_fold *fd_engine_fold_new(const fd_engine *e, fd_program *next, fd_err *err);
void fd_engine_fold_free(fd_fold *fold); /* NULL is fine; of one that no engine has */
/* It is to be freed by somebody else, and its program apart from it. */
void fd_engine_fold_unbind(fd_fold *fold);
int64_t fd_engine_fold_horizon_us(const fd_engine *e, const fd_fold *fold, uint16_t source);
fd_windows *fd_engine_fold_windows(fd_fold *fold);
/* Decodes events[0 .. n), placed and in offset order by partition, and folds them into `fold`
 * alone. False, and nothing is done: there is no room. What was decoded before is gone. */
bool fd_engine_redo_behind(fd_engine *e, fd_fold *fold, fd_event *events, uint32_t n);

/* What an engine has no more use for; to be freed by any thread. */
typedef struct fd_retired {
    fd_fold *fold;
    fd_program *programs[2];
} fd_retired;
void fd_engine_free_retired(fd_retired *r);

/* Between batches: `next` decides from now on, with its own windows, or, `fold` NULL, with those
 * that are kept and cover it. Events whose merge_us is before `from_us` are still decided by the
 * program that was there, which then needs fd_engine_covers() of what is kept from now on;
 * fd_engine_settle() says that there will be no more of them. INT64_MIN: at once. */
void fd_engine_switch(fd_engine *e, fd_program *next, fd_fold *fold, int64_t from_us,
                      fd_retired *out);
/* At the start, nothing decided yet: what comes before until_us is left to `former`, which the
 * windows that are kept must cover. */
void fd_engine_precede(fd_engine *e, fd_program *former, int64_t until_us);
/* Is a former program still deciding what comes before this merge time? INT64_MIN: none is. */
int64_t fd_engine_switches_at(const fd_engine *e);
void fd_engine_settle(fd_engine *e, fd_retired *out);
/* The former program decides all again; nothing was decided by the newer one yet. */
void fd_engine_unswitch(fd_engine *e, fd_retired *out);

/* ---- window state ---- */

/* False: no rule file declares features; the rest of this part is then nothing to do. */
bool fd_engine_keeps_state(const fd_engine *e);
fd_windows *fd_engine_windows(fd_engine *e);
/* Is there memory for a batch of n events? May forget what a store has. */
bool fd_engine_room(fd_engine *e, uint32_t n);
/* After decode: what the batch needs and a store may have; see fd_windows_missing. */
uint32_t fd_engine_missing(fd_engine *e, fd_window_ref *out, uint32_t max);
/* After decode, in place of fold, decide and encode: events that were decided before. */
void fd_engine_redo(fd_engine *e, const fd_event *events, uint32_t n);
/* Has a source features whose keys are not what its topic is partitioned by? Then they are
 * complete only in a process that owns all partitions. */
bool fd_engine_crosses(const fd_engine *e, uint16_t source);
/* How long an event matters to those after it: longest window and delay, lateness, skew. */
int64_t fd_engine_horizon_us(const fd_engine *e, uint16_t source);
/* What the fold of a source depends on: values of one lineage mean the same. */
fd_content_hash fd_engine_lineage(const fd_engine *e, uint16_t source);
/* The features of an event just folded: the batch, and its row in it; NULL: it has none. Columns
 * are those of fd_engine_ruleset(e, source)'s features. */
const fd_batch *fd_engine_features(const fd_engine *e, const fd_event *events, uint32_t i,
                                   uint32_t *row);
/* What models said of an event just decided, by id; at most FD_ENGINE_MAX_MODELS. */
uint32_t fd_engine_scores(const fd_engine *e, const fd_event *events, uint32_t i,
                          fd_scored_model *out);
/* The id of an event just decoded; empty for an invalid one. */
fd_str fd_engine_event_id(const fd_engine *e, const fd_event *events, uint32_t i);
/* The columns that an event just decoded is in, and its row; NULL: it is invalid. */
const fd_batch *fd_engine_row(const fd_engine *e, const fd_event *events, uint32_t i,
                              uint32_t *row);
/* What the rules said of an event just decided; NULL: an invalid one, of which they say nothing.
 * Lives as long as the batch. */
const fd_verdict *fd_engine_verdict(const fd_engine *e, const fd_event *events, uint32_t i);
const struct fd_ruleset *fd_engine_ruleset(const fd_engine *e, uint16_t source);

/* For an event just decoded: is its message key the text of the `partitioned_by` field? True
 * where nothing can be said. */
bool fd_engine_key_matches(const fd_engine *e, const fd_event *events, uint32_t i);

/* What the rules are, for status and counters: of the newest program. With several sources the
 * counters are summed. */
const char *fd_engine_ruleset_hash(const fd_engine *e);
const char *fd_engine_lists_hash(const fd_engine *e);
const char *fd_engine_models_hash(const fd_engine *e); /* "": there are no models */
/* What they have said since their program decides. False: this one is off. */
uint32_t fd_engine_n_models(const fd_engine *e);
bool fd_engine_model_report(const fd_engine *e, uint32_t model, fd_model_report *out);
uint32_t fd_engine_n_rules(const fd_engine *e);
const char *fd_engine_rule_id(const fd_engine *e, uint32_t rule);
fd_rule_mode fd_engine_rule_mode(const fd_engine *e, uint32_t rule);
void fd_engine_rule_counts(const fd_engine *e, uint32_t rule, fd_rule_counts *out);

#endif
