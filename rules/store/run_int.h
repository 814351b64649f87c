/*
 * The inside of a run, shared by eval.c, eval_plan.c, shadow.c, extract.c, score.c and evidence.c.
 * Thread: one per run.
 */
#ifndef FD_STORE_RUN_INT_H
#define FD_STORE_RUN_INT_H

#include "store/ruleset_int.h"

/* Hits of one row are a chain in rule order. */
typedef struct fd_run_hit {
    uint32_t rule;
    uint32_t next;
    fd_str message;
} fd_run_hit;

struct fd_ruleset_run {
    const fd_ruleset *set;
    uint32_t max_rows;
    fd_evidence evidence;
    fd_cel_run *cel;
    fd_eval_way way;
    fd_cel_plan_run *plan;
    uint32_t n_partial; /* rules with a rollout or a snooze, but for those that are off */
    uint32_t *partial;
    uint64_t *partial_rows; /* of one of them, as bits */
    uint32_t *open_rows;    /* those that the rule at hand fires for or fails on */
    uint64_t whole_rows;    /* evaluations of every other rule by columns */
    uint32_t *rows;         /* those a rule applies to */
    uint32_t *fired_rows;
    uint8_t *results;
    fd_cel_value *messages;
    uint32_t *first, *last; /* per row: its chain */
    uint32_t *n_row_hits;
    fd_flags *flags; /* per row */
    fd_run_hit *hits;
    uint32_t n_hits, cap_hits;
    uint64_t *count_hits, *count_errors, *count_evaluations; /* per rule */
    uint64_t *count_worse, *count_milder;                    /* per rule: see shadow.c */
    const char **errors;
    uint64_t *seen;              /* features of the row at hand, as bits by number */
    fd_cel_run *extract_cel;     /* apart from cel: what was extracted outlives an evaluation */
    fd_cel_value *extract_value; /* one expression's */
    fd_window_input input;
    struct fd_run_models *models; /* NULL: there are none */
};

/* calloc() that is never NULL. */
void *fd_run_array(size_t n, size_t size);

/* eval.c: whether a rule applies to a row, by the columns of its fields (NULL: it has none). Who is
 * rolled out is said by a hash of (rule id, key), below a limit that grows with percent: who is in
 * stays in. */
bool fd_run_snoozed(const fd_rule_def *r, const fd_col *col, uint32_t row, int64_t time_us);
bool fd_run_rolled_out(const fd_rule_def *r, const fd_col *col, uint32_t row);
/* The rows that a rule applies to. */
const uint32_t *fd_run_applicable(const fd_ruleset_run *run, const fd_rule_def *r,
                                  const fd_batch *batch, const int64_t *time_us, uint32_t *count);
/* What a rule's condition says of rows in ascending order: hits, messages, errors. */
void fd_run_note(fd_ruleset_run *run, uint32_t rule, const uint32_t *rows, const uint8_t *results,
                 uint32_t n);

/* eval_plan.c */
bool fd_run_whole(const fd_rule_def *r); /* it applies to every row */
void fd_run_open_plan(fd_ruleset_run *run);
void fd_run_close_plan(fd_ruleset_run *run);
bool fd_run_wants_plan(const fd_ruleset_run *run, uint32_t n_rows);
void fd_run_by_plan(fd_ruleset_run *run, const fd_batch *batch, const int64_t *time_us);

/* shadow.c: `allowed`: a live rule's allow ended it */
void fd_run_count_shadow(fd_ruleset_run *run, const fd_verdict *v, bool allowed);

/* extract.c */
void fd_run_open_extract(fd_ruleset_run *run);
void fd_run_close_extract(fd_ruleset_run *run);

/* score.c */
void fd_run_open_models(fd_ruleset_run *run);
void fd_run_close_models(fd_ruleset_run *run);
/* What conditions see: the features, and beside them what models said. */
const fd_batch *fd_run_seen(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features);

/* evidence.c: fills v->features, from the hits and the row of the batch of features. */
void fd_run_add_evidence(fd_ruleset_run *run, const fd_batch *features, uint32_t row,
                         fd_verdict *v);

#endif
