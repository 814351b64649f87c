/*
 * A directory of rule files as one immutable rule set, and what it says of a batch of events.
 *
 * A set is loaded whole or not at all: every *.yaml directly in the directory (sorted by name;
 * not *.test.yaml, not hidden names) belongs to it, list files are read beside them. Conditions
 * are type-checked against the event schema. A loaded set never changes: any thread may read it,
 * each evaluating thread has its own fd_ruleset_run.
 *
 * Determinism: a verdict is a function of the event, its event time and the set. Batch sizes,
 * row order inside the batch, the run's history and the machine do not matter.
 *
 * What it does not do: watch the directory (the caller reloads), archive, keep windows.
 */
#ifndef FD_STORE_RULESET_H
#define FD_STORE_RULESET_H

#include "base/diag.h"
#include "domain/batch.h"
#include "domain/decision.h"

typedef struct fd_ruleset fd_ruleset;
typedef struct fd_ruleset_run fd_ruleset_run;

/* Bounds of a set; beyond them a load error. */
enum {
    FD_RULES_MAX_FILES = 1000,
    FD_RULES_MAX_RULES = 20000,
    FD_RULES_MAX_VARIABLES = 4096,
    FD_RULES_MAX_LISTS = 1024,
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

/* NULL when the set is invalid: then diags holds at least one error. Warnings alone (unused
 * lists, rules that cannot fire, ...) do not refuse a set, unless `strict` makes errors of them.
 * `event_type` must outlive the set. Reads files; not for the engine thread's hot path. */
fd_ruleset *fd_ruleset_load(const char *dir, const fd_type *event_type, bool strict,
                            fd_diags *diags);
void fd_ruleset_free(fd_ruleset *set); /* NULL is fine */

/* Content addresses, FD_CONTENT_HASH_CHARS hex digits: over the rule files' names and bytes;
 * over the lists' names, types and entries' bytes. */
const char *fd_ruleset_hash(const fd_ruleset *set);
const char *fd_ruleset_lists_hash(const fd_ruleset *set);

uint32_t fd_ruleset_n_rules(const fd_ruleset *set);
const fd_rule_info *fd_ruleset_rule(const fd_ruleset *set, uint32_t i);
uint32_t fd_ruleset_n_lists(const fd_ruleset *set);
uint32_t fd_ruleset_n_variables(const fd_ruleset *set);

/* Scratch memory and counters of one evaluating thread; reusable for any number of batches of at
 * most `max_rows` rows. The set must outlive it. */
fd_ruleset_run *fd_ruleset_run_new(const fd_ruleset *set, uint32_t max_rows);
void fd_ruleset_run_free(fd_ruleset_run *run); /* NULL is fine */

/* Evaluates all rules over all rows of the batch (batch->root.type must be the set's event type,
 * at most max_rows rows) and fills out[0 .. rows). `event_time_us[row]` is the event's time in
 * microseconds since the epoch, for snoozes. Strings and arrays in out[] live until the next
 * call on this run and at most as long as the batch's own strings. */
void fd_ruleset_eval(fd_ruleset_run *run, const fd_batch *batch, const int64_t *event_time_us,
                     fd_verdict *out);

/* Since the run was made: how often a rule fired (live or shadow), how often its condition or
 * explain text failed, how often it was evaluated (not off, in rollout, not snoozed). */
uint64_t fd_ruleset_run_hits(const fd_ruleset_run *run, uint32_t rule);
uint64_t fd_ruleset_run_errors(const fd_ruleset_run *run, uint32_t rule);
uint64_t fd_ruleset_run_evaluations(const fd_ruleset_run *run, uint32_t rule);
/* Why the rule failed in the latest batch in which it did, NULL when it never failed: of one of
 * the rows that failed. Lives with the run. */
const char *fd_ruleset_run_last_error(const fd_ruleset_run *run, uint32_t rule);

#endif
