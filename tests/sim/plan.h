/*
 * What a run is made of, drawn from its seed: sizes, settings, weather, and a list of what happens
 * when. Each kind of fault is absent from about half of the runs, so that many of one kind meet
 * few of the others (swarm testing). Pure.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "events.h"
#include "model/model.h"
#include "model/store.h"

enum { SIM_SLOTS_MAX = 3, SIM_ACTS_MAX = 1024 };

/* X(name): something that happens at a time; from STORE_DOWN on to the state store. */
#define SIM_ACTS(X)      \
    X(APPEND)            \
    X(GAP)               \
    X(HOLD)              \
    X(UNHOLD)            \
    X(KILL)              \
    X(PAUSE)             \
    X(RESUME)            \
    X(TWIN)              \
    X(STOP)              \
    X(START)             \
    X(KICK)              \
    X(REBALANCE)         \
    X(BROKER_DOWN)       \
    X(MOVE_TXN)          \
    X(MOVE_GROUP)        \
    X(REGISTRY_DOWN)     \
    X(REGISTRY_UP)       \
    X(RELOAD)            \
    X(STORE_DOWN)        \
    X(STORE_UP)          \
    X(STORE_FULL)        \
    X(STORE_EMPTY)       \
    X(STORE_STALL)       \
    X(STORE_ROLLBACK)    \
    X(STORE_FLUSH)       \
    X(STORE_LOSE_MARKER) \
    X(STORE_LOSE_BUCKET) \
    X(STORE_LOSE_VALUE)

typedef enum sim_act_kind {
#define X(name) SIM_ACT_##name,
    SIM_ACTS(X)
#undef X
        SIM_N_ACTS
} sim_act_kind;

const char *sim_act_name(sim_act_kind kind);

typedef struct sim_act {
    int64_t at_ns;
    uint32_t order; /* among those of one moment */
    sim_act_kind kind;
    int slot;
    uint32_t tp; /* index of the input partition */
    int64_t ns;  /* how long */
    sim_kind event;
    sim_set set;
} sim_act;

typedef struct sim_plan {
    uint64_t seed;
    uint32_t n_topics;
    int32_t partitions[2];
    int32_t out_partitions[FD_N_OUT_TOPICS];
    uint32_t n_slots;
    bool is_static, cooperative, latest;
    uint32_t max_events, max_in_flight, queue_events, burst;
    int64_t max_wait_ns, max_idle_ns, max_skew_us;
    double poison_max_rate;
    uint32_t poison_window;
    uint32_t max_record_bytes, dead_letter_max_bytes;
    int64_t txn_timeout_ns;    /* of the broker */
    int64_t worker_timeout_ns; /* of the worker */
    int64_t revoke_timeout_ns;
    int call_timeout_ms;
    int64_t session_ns, heartbeat_ns, rebalance_ns, socket_timeout_ns;
    model_weather weather;
    bool store;          /* window state is cached in a store; else it is in memory only */
    bool blind;          /* decides while state is rebuilt */
    size_t state_memory; /* with a store: so little that windows are forgotten all the time */
    int64_t flush_interval_ns;
    uint32_t copy_values, flush_values;
    model_store_weather store_weather;
    uint32_t sleepy; /* in 1000 steps: the thread is not scheduled for a while */
    int64_t sleep_ns;
    int64_t trouble_ns, calm_ns;
    sim_act acts[SIM_ACTS_MAX]; /* by time */
    uint32_t n_acts;
} sim_plan;

void sim_plan_draw(sim_plan *p, uint64_t seed);
/* One line: what --trace begins with. */
void sim_plan_print(const sim_plan *p, char *line, size_t n);

#endif
