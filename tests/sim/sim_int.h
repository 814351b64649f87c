/* The inside of a run, shared by sim.c (the scheduler) and world.c (what happens in it). */
#ifndef SIM_SIM_INT_H
#define SIM_SIM_INT_H

#include "base/assert.h"
#include "sim.h"

enum { SIM_LATER_MAX = 64, SIM_CONSENTS_MAX = 256 };

/* What follows from an act some time later: a resume, a start. */
typedef struct sim_later {
    int64_t at_ns;
    sim_act_kind kind;
    int slot;
    int process; /* RESUME: whose, by its place: an address may be another's by then */
} sim_later;

typedef struct sim {
    sim_plan plan;
    model_clock clock;
    model_rng rng; /* of the schedule */
    model_schemas schemas;
    model *m;
    model_store *store; /* NULL: this run has none */
    sim_check *check;
    FILE *trace;
    bool lines;
    uint64_t trace_hash;
    int64_t began_ns;
    bool calm;
    uint32_t next_act;
    int64_t operator_ns;
    sim_later later[SIM_LATER_MAX];
    uint32_t n_later;
    sim_process *processes[SIM_PROCESSES_MAX]; /* NULL: freed */
    int64_t asleep_ns[SIM_PROCESSES_MAX][SIM_ACTORS];
    uint32_t n_processes;
    int current[SIM_SLOTS_MAX];  /* index + 1 of the process that has the slot; 0 = none */
    sim_set sets[SIM_SLOTS_MAX]; /* of rules, that each is to have */
    fd_consent consents[SIM_CONSENTS_MAX];
    uint32_t n_consents;
    uint32_t n_appended;
    bool registry_up, late_registered;
    int64_t orphans_since_ns; /* partitions belong to nobody, and nobody is joining; 0 = no */
    bool orphaned;
    uint32_t depth;
    uint64_t turns;
    uint32_t commits, recoveries, restarts, exchanges, rebuilds;
} sim;

/* sim.c */
void sim_line(void *self, const char *text);

/* world.c */
void sim_act_now(sim *s, const sim_act *a);
bool sim_later_now(sim *s); /* one that is due; false: none is */
/* Frees what ended, restarts what should run, looks after breaker and consents. */
void sim_operator(sim *s);
void sim_registry(sim *s, bool up);
bool sim_reloaded(const sim *s); /* whoever runs decides by the rules that it was given last */
void sim_calm(sim *s);           /* the trouble is over */
void sim_free_all(sim *s);

#endif
