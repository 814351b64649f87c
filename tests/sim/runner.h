/*
 * Runs seeds in child processes, so that a crash (a failed assertion, a sanitizer's complaint, a
 * hang) is one more way to fail and not the end; and fills the table of mutations. Parent: one
 * thread.
 */
#ifndef SIM_RUNNER_H
#define SIM_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mutant.h"

enum { SIM_TEXT_MAX = 4096 };

typedef struct sim_range {
    uint64_t from, to; /* both included */
    int64_t limit_ms;  /* stop after so long; 0 = no limit */
    int jobs;
    bool repeat; /* each seed twice: the same trace? */
    bool progress;
    fd_mutation mutation;
} sim_range;

typedef struct sim_totals {
    uint64_t seeds, turns, decisions, commits, recoveries, rebalances, restarts;
    uint64_t faults, late_hits, timeouts, exchanges, rebuilds, virtual_ms;
} sim_totals;

typedef struct sim_outcome {
    bool failed;
    uint64_t seed; /* the lowest that failed */
    char found[SIM_TEXT_MAX];
    sim_totals totals;
    double seconds;
} sim_outcome;

void sim_run_range(const sim_range *range, sim_outcome *out);
/* A run's trace on stdout; whether the seed failed. */
bool sim_trace(uint64_t seed, fd_mutation mutation);
/* Each mutation until a seed finds it: a row each. The number of those that none found. */
int sim_mutation_table(uint64_t most_seeds, int jobs);
/* The seeds that once found something, by name: they must pass. How many do not. */
int sim_regressions(void);
bool sim_has_mutants(void);

#endif
