/*
 * One simulated run: a log, workers, a broker, a registry, an operator, and everything that goes
 * wrong, all from one seed.
 *
 * Time is virtual. At each turn one of what can happen now is drawn: something due in the model, a
 * step of an actor of some process; only when nothing can, time passes. While trouble lasts
 * (`trouble_ns`) the plan's faults happen; then the weather is calm, what is down comes back, and
 * everything must be decided within `calm_ns`. One thread; equal seeds give equal runs.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdio.h>

#include "check.h"
#include "plan.h"
#include "process.h"

enum { SIM_PROCESSES_MAX = 48, SIM_FOUND_MAX = 4096 };

typedef struct sim_result {
    bool failed;
    char found[SIM_FOUND_MAX]; /* the verdict, lines */
    uint64_t trace_hash;       /* of every line that a trace would have; 0 without one */
    uint64_t turns;
    uint32_t decisions, commits, recoveries, rebalances, restarts;
    uint32_t faults, late_hits, timeouts;
    uint32_t exchanges, rebuilds; /* of programs; those that needed other windows */
    int64_t virtual_ns;
} sim_result;

/* trace: where its lines go, or NULL. hashed: make the lines for their hash's sake. */
void sim_run(uint64_t seed, FILE *trace, bool hashed, sim_result *out);

#endif
