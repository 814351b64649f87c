/*
 * A worker process over the model: the real engine and pipeline, its three threads (two lanes and
 * the engine's) as actors that are stepped, in any order, by whoever owns it.
 *
 * An actor that waits in a blocking call stays on the stack while others step (model_config.idle):
 * it is `busy` and must not be stepped again. One thread.
 */
#ifndef SIM_PROCESS_H
#define SIM_PROCESS_H

#include "events.h"
#include "model/model.h"
#include "model/store.h"
#include "pipeline/worker.h"

enum { SIM_ENGINE = FD_LANES, SIM_ACTORS = FD_LANES + 1 };

typedef struct sim_process_config {
    model *m;
    model_clock *clock;
    model_schemas *schemas; /* NULL: no registry */
    int instance;
    uint32_t n_topics;
    int32_t partitions[2];
    fd_start start;
    uint32_t max_events, max_in_flight, queue_events;
    int64_t max_wait_ns, max_idle_ns, max_skew_us;
    double poison_max_rate;
    uint32_t poison_window;
    int64_t deadline_ms;
    uint32_t dead_letter_max_bytes;
    int64_t txn_timeout_ns, revoke_timeout_ns;
    int call_timeout_ms;
    bool allow_short_history;
    sim_set set;         /* of rules, at the start */
    bool blind;          /* decide while state is rebuilt */
    size_t state_memory; /* 0 = as sim_engine_new has it */
    model_store *store;  /* NULL: window state in memory only */
    int64_t flush_interval_ns;
    uint32_t copy_values, flush_values;
} sim_process_config;

typedef enum sim_life {
    SIM_RUNNING,
    SIM_CLOSING, /* drained: its lanes close */
    SIM_ENDED,   /* can be freed: ended by itself, failed, or was killed */
} sim_life;

typedef struct sim_actor {
    int64_t ready_ns; /* not before, unless woken */
    bool woken, busy, stopped;
} sim_actor;

typedef struct sim_process {
    sim_process_config config;
    int client;
    int store_client;
    sim_life life;
    bool killed, failed;
    sim_engine engine;
    model_observer observer;
    char wanted[FD_CONTENT_HASH_CHARS + 1]; /* the set that it was given last */
    fd_worker *worker;
    sim_actor actors[SIM_ACTORS];
    uint64_t steps;  /* of the engine */
    int64_t skew_ns; /* of its clock: a dead process's time may run on alone */
} sim_process;

/* Sensible values for all but m, clock and partitions. */
sim_process_config sim_process_defaults(void);

void sim_process_start(sim_process *p, const sim_process_config *config);
/* May the actor be stepped now? */
bool sim_process_ready(sim_process *p, int actor);
/* When it may, if nothing wakes it; INT64_MAX: never. */
int64_t sim_process_next_ns(sim_process *p, int actor);
void sim_process_step(sim_process *p, int actor);
/* Some actor of it is on the stack. */
bool sim_process_busy(const sim_process *p);
/* Other rules are to be loaded: offered, and what was replaced is freed. */
void sim_process_reload(sim_process *p, sim_set set);
void sim_process_stop(sim_process *p); /* SIGTERM */
void sim_process_kill(sim_process *p); /* kill -9 */
/* Of one that ended or was killed; nothing of it may be on the stack. */
void sim_process_free(sim_process *p);

/* For tests with one process: steps whoever is ready in turn, lets time pass when nobody is,
 * until over(arg) or so much virtual time is gone (false). */
bool sim_process_run(sim_process *p, bool (*over)(void *arg), void *arg, int64_t limit_ns);

#endif
