/*
 * Events for a simulated log: a small payment of Avro, valid or wrong in a chosen way, and the
 * engine that decides them. Pure functions of their arguments.
 */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include "engine/engine.h"

/* X(name): what an event is. The first is valid, framed as its topic is. */
#define SIM_KINDS(X)                                                       \
    X(VALID)                                                               \
    X(NULL_VALUE)                                                          \
    X(EMPTY)                                                               \
    X(TRUNCATED)                                                           \
    X(TRAILING)                                                            \
    X(EMPTY_ID)                                                            \
    X(HUGE)           /* not readable, and larger than the broker takes */ \
    X(FUTURE)         /* its time is far beyond its Kafka timestamp */     \
    X(BAD_FRAME)      /* the confluent topic from here on */               \
    X(WIDE_SCHEMA)    /* a writer schema that the registry has */          \
    X(LATE_SCHEMA)    /* one that is registered later */                   \
    X(BAD_SCHEMA)     /* one that cannot be resolved */                    \
    X(UNKNOWN_SCHEMA) /* one that nobody ever registers */

typedef enum sim_kind {
#define X(name) SIM_##name,
    SIM_KINDS(X)
#undef X
        SIM_N_KINDS
} sim_kind;

enum {
    SIM_EVENT_MAX = 8192,
    SIM_SCHEMA_OWN = 1, /* registry ids */
    SIM_SCHEMA_WIDE = 2,
    SIM_SCHEMA_LATE = 3,
    SIM_SCHEMA_BAD = 4,
    SIM_SCHEMA_UNKNOWN = 5,
    SIM_HUGE_BYTES = 5000,
    SIM_STATE_BYTES = 2 << 20,
    SIM_STATE_TIGHT_BYTES = 128 * 1024, /* some cards' windows, never all */
};

typedef struct sim_event {
    sim_kind kind;
    char id[24];
    char card[8];
    int64_t time_ms;
    int64_t amount;
} sim_event;

/* The record's value into buf; its length. */
uint32_t sim_event_bytes(const sim_event *e, bool confluent, unsigned char buf[SIM_EVENT_MAX]);
/* NULL: the registry has none of that id (or not yet). */
const char *sim_schema_json(uint32_t id);

/* X(name, folder): rule sets beside this file. */
#define SIM_SETS(X)   \
    X(FIRST, "first") \
    X(SAME, "same")   \
    X(WIDER, "wider") \
    X(NARROW, "narrow")

typedef enum sim_set {
#define X(name, folder) SIM_SET_##name,
    SIM_SETS(X)
#undef X
        SIM_N_SETS
} sim_set;

typedef struct sim_state {
    size_t memory; /* 0 = SIM_STATE_BYTES */
    bool evict;    /* a store has what is forgotten */
    sim_set set;
} sim_state;

typedef struct sim_engine {
    fd_schema *reader, *decision;
    fd_engine *engine;
} sim_engine;

/* Topic 0 is raw, topic 1 confluent. state NULL: defaults, for one without a
 * store. Dies when the rules beside this file cannot be loaded. */
void sim_engine_new(sim_engine *e, uint32_t n_topics, uint32_t max_events, const sim_state *state);
void sim_engine_free(sim_engine *e);
/* Another set for the same engine. */
fd_program *sim_program(const sim_engine *e, uint32_t n_topics, uint32_t max_events, sim_set set);

extern const char *const sim_topics[2];

#endif
