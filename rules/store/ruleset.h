/*
 * A directory of rule files as one immutable rule set: what it keeps of a batch of events in
 * windows, and what it says of the events.
 *
 * A set is loaded whole or not at all: every *.yaml directly in the directory (sorted by name;
 * not *.test.yaml, not hidden names) belongs to it, list files are read beside them. Conditions
 * are type-checked against the event schema. A loaded set never changes: any thread may read it,
 * each evaluating thread has its own fd_ruleset_run.
 *
 * Features: the set compiles what its `features` need into one window layout and extracts, per
 * batch, keys, conditions and values for it. Who keeps windows fills a batch of the layout's type,
 * and conditions read that.
 *
 * Determinism: a verdict is a function of the event, its event time, its features and the set.
 * Batch sizes, row order inside the batch, the run's history and the machine do not matter.
 *
 * What it does not do: watch the directory (the caller reloads), archive, keep windows.
 */
#ifndef FD_STORE_RULESET_H
#define FD_STORE_RULESET_H

#include "base/diag.h"
#include "domain/batch.h"
#include "domain/decision.h"
#include "domain/window.h"
#include "text/source.h"

typedef struct fd_ruleset fd_ruleset;
typedef struct fd_ruleset_run fd_ruleset_run;

/* Bounds of a set; beyond them a load error. */
enum {
    FD_RULES_MAX_FILES = 1000,
    FD_RULES_MAX_RULES = 20000,
    FD_RULES_MAX_VARIABLES = 4096,
    FD_RULES_MAX_LISTS = 1024,
    FD_RULES_MAX_FEATURES = FD_WINDOW_MAX_FEATURES, /* names */
    FD_RULES_MAX_KEY_FIELDS = 8,
    FD_RULES_MAX_MODELS = 64,
    FD_RULES_MAX_YAML_BYTES = 8 * 1024 * 1024,
    FD_RULES_MAX_LIST_BYTES = 512 * 1024 * 1024,
    FD_RULES_MAX_LIST_ENTRIES = 20 * 1000 * 1000,
};

/* One rule as its file has it. Strings live as long as the set; NULL = not given. */
typedef struct fd_rule_info {
    const char *id;
    fd_action action;
    bool has_action; /* false: it only scores */
    double score;    /* 0 when not given */
    fd_rule_mode mode;
    const char *reason;
    const char *condition; /* the CEL text */
    const char *explain;   /* the CEL text */
    const char *owner;
    uint32_t n_tags;
    const char *const *tags;
    double rollout_percent;  /* 100 when not given */
    const char *rollout_key; /* path of the event field */
    int64_t snooze_from_us;  /* event time, [from, until); both 0 = not snoozed */
    int64_t snooze_until_us;
    const char *snooze_key; /* path of the event field; NULL: every event */
    const char *file;       /* as messages show it: the directory's path and its name */
    int line;
} fd_rule_info;

/* One feature as its file has it; several may be equal and share a column. */
typedef struct fd_feature_info {
    const char *name;
    uint16_t column; /* which of the layout's features it is */
    fd_feature_op op;
    const char *key;    /* its fields, "card_id" or "card_id,merchant_id" */
    const char *value;  /* CEL texts, NULL = not given; of travel_speed the latitude */
    const char *value2; /* travel_speed: the longitude */
    const char *where;
    const char *of;
    bool used;        /* a rule or variable refers to it */
    const char *file; /* as messages show it */
    int line;
} fd_feature_info;

/* A model as the rules see it: numbers in, and columns of numbers that someone else computes.
 * Expressions see what conditions do, but no models. Everything must outlive the set. */
typedef struct fd_ruleset_model {
    fd_str id;
    fd_rule_mode mode; /* conditions see live ones; those that are off are never asked */
    uint32_t n_inputs;
    const fd_cel_source *inputs; /* of type double, int (then made double) or bool (1 or 0) */
    fd_cel_source where;         /* a condition; text.p == NULL: it scores every event */
    uint32_t n_outputs;
    uint32_t score; /* which output is `.score` */
} fd_ruleset_model;

/* Whose events are decided, and by what besides rules. */
typedef struct fd_ruleset_source {
    const char *topic;          /* features may name it; NULL: not known, and then they may not */
    const char *partitioned_by; /* path of the field that the topic is keyed by; NULL: not known */
    uint32_t n_models;          /* at most FD_RULES_MAX_MODELS */
    const fd_ruleset_model *models; /* sorted by id */
} fd_ruleset_source;

/* NULL when the set is invalid: then diags holds at least one error. Warnings alone (unused
 * lists, rules that cannot fire, ...) do not refuse a set, unless `strict` makes errors of them.
 * `event_type` must outlive the set, `source` (NULL: nothing is known of it) need not. Reads files;
 * not for the engine thread's hot path. */
fd_ruleset *fd_ruleset_load(const char *dir, const fd_ruleset_source *source,
                            const fd_type *event_type, bool strict, fd_diags *diags);
void fd_ruleset_free(fd_ruleset *set); /* NULL is fine */

/* Content addresses, FD_CONTENT_HASH_CHARS hex digits: over the rule files' names and bytes;
 * over the lists' names, types and entries' bytes. */
const char *fd_ruleset_hash(const fd_ruleset *set);
const char *fd_ruleset_lists_hash(const fd_ruleset *set);

/* The event time from which on the set decides (`activate_at`), microseconds since the epoch;
 * INT64_MIN: at once. */
int64_t fd_ruleset_activate_at_us(const fd_ruleset *set);

uint32_t fd_ruleset_n_rules(const fd_ruleset *set);
const fd_rule_info *fd_ruleset_rule(const fd_ruleset *set, uint32_t i);
uint32_t fd_ruleset_n_lists(const fd_ruleset *set);
/* The file that a list is read from, as the rule file names it (from the directory, unless it
 * begins with '/'); NULL: its items are in the rule file. */
const char *fd_ruleset_list_file(const fd_ruleset *set, uint32_t i);
/* The content hash of that file's bytes as they were read. */
const char *fd_ruleset_list_file_hash(const fd_ruleset *set, uint32_t i);
/* Is a file of this name in the directory part of the set? */
bool fd_ruleset_is_rule_file(const char *name);
uint32_t fd_ruleset_n_variables(const fd_ruleset *set);
/* Sorted by name. */
uint32_t fd_ruleset_n_features(const fd_ruleset *set);
const fd_feature_info *fd_ruleset_feature(const fd_ruleset *set, uint32_t i);
const char *fd_feature_op_name(fd_feature_op op); /* "count", as rule files write it */

/* The windows that the set needs; n_features is 0 when it has none. Its order is canonical: two
 * sets that keep and read the same have equal layouts and descriptors, however they are written.
 * Fields of `type` are named by the first feature that has the column; timestamps and durations
 * are in microseconds. Lives with the set. */
const fd_window_layout *fd_ruleset_layout(const fd_ruleset *set);

/* Scratch memory and counters of one evaluating thread; reusable for any number of batches of at
 * most `max_rows` rows. `evidence` says which features a verdict carries. The set must outlive
 * it. */
fd_ruleset_run *fd_ruleset_run_new(const fd_ruleset *set, uint32_t max_rows, fd_evidence evidence);
void fd_ruleset_run_free(fd_ruleset_run *run); /* NULL is fine */
/* How conditions are evaluated from the next batch on. What is recorded is the same: a run chooses
 * what is faster (few rules over few rows have nothing to share); the others are for tests. */
typedef enum fd_eval_way { FD_EVAL_CHOOSE, FD_EVAL_BY_COLUMNS, FD_EVAL_BY_RULE } fd_eval_way;
void fd_ruleset_run_way(fd_ruleset_run *run, fd_eval_way way);

/* What the layout tracks of the rows of a batch (as for fd_ruleset_eval). A condition that fails is
 * false; a value that fails, or is NaN, is none. A key of one string or bytes field is its bytes;
 * of one int, 8 bytes, big-endian; of one bool, 1 byte; of several fields, each of these behind its
 * length in 4 bytes, big-endian. Keys and texts are as long as they are. Hashes are of a value with
 * its type, so that 1 and 1.0 differ; -0.0 is 0.0.
 * It lives until the next call on this run and at most as long as the batch's own strings;
 * fd_ruleset_eval() leaves it alone. */
const fd_window_input *fd_ruleset_extract(fd_ruleset_run *run, const fd_batch *batch);

/* What a model needs of a batch. */
typedef struct fd_model_rows {
    uint32_t n;
    const uint32_t *rows;         /* those that it scores, ascending */
    const double *const *columns; /* [input][i], of rows[i]; NaN: absent, null or failed */
    double *const *scores;        /* [output][i]: to be filled */
} fd_model_rows;

/* Of every model that is not off, by its number, before fd_ruleset_eval() over the same batches;
 * a model that is off has no rows. The caller fills `scores`, which rules then see. It all lives
 * until the next call of this on the run. */
void fd_ruleset_model_rows(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features,
                           fd_model_rows *out);

/* Evaluates all rules over all rows of the batch (batch->root.type must be the set's event type,
 * at most max_rows rows) and fills out[0 .. rows). `features` is a batch of the layout's type, row
 * for row; NULL where the set has no features. `event_time_us[row]` is the event's time in
 * microseconds since the epoch, for snoozes. Strings and arrays in out[] live until the next
 * call on this run and at most as long as the batches' own strings. */
void fd_ruleset_eval(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features,
                     const int64_t *event_time_us, fd_verdict *out);

/* Since the run was made: how often a rule fired (live or shadow), how often its condition or
 * explain text failed, how often it was evaluated (not off, in rollout, not snoozed). */
uint64_t fd_ruleset_run_hits(const fd_ruleset_run *run, uint32_t rule);
uint64_t fd_ruleset_run_errors(const fd_ruleset_run *run, uint32_t rule);
uint64_t fd_ruleset_run_evaluations(const fd_ruleset_run *run, uint32_t rule);
/* All of it, and what shadow rules would have changed, added to *sum. */
void fd_ruleset_run_counts(const fd_ruleset_run *run, uint32_t rule, fd_rule_counts *sum);
/* Why the rule failed in the latest batch in which it did, NULL when it never failed: of one of
 * the rows that failed. Lives with the run. */
const char *fd_ruleset_run_last_error(const fd_ruleset_run *run, uint32_t rule);

#endif
