/*
 * The inside of a run, shared by eval.c, extract.c and evidence.c. Thread: one per run.
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
    uint32_t *rows; /* those a rule applies to */
    uint32_t *fired_rows;
    uint8_t *results;
    fd_cel_value *messages;
    uint32_t *first, *last; /* per row: its chain */
    uint32_t *n_row_hits;
    fd_flags *flags; /* per row */
    fd_run_hit *hits;
    uint32_t n_hits, cap_hits;
    uint64_t *count_hits, *count_errors, *count_evaluations; /* per rule */
    const char **errors;
    uint64_t *seen;              /* features of the row at hand, as bits by number */
    fd_cel_run *extract_cel;     /* apart from cel: what was extracted outlives an evaluation */
    fd_cel_value *extract_value; /* one expression's */
    fd_window_input input;
};

/* calloc() that is never NULL. */
void *fd_run_array(size_t n, size_t size);

/* extract.c */
void fd_run_open_extract(fd_ruleset_run *run);
void fd_run_close_extract(fd_ruleset_run *run);

/* evidence.c: fills v->features, from the hits and the row of the batch of features. */
void fd_run_add_evidence(fd_ruleset_run *run, const fd_batch *features, uint32_t row,
                         fd_verdict *v);

#endif
