/*
 * One state store in memory (ports/state_store.h), as several processes see it over a network.
 *
 * What it stands for: a Redis behind integration/redis. Requests take their time and run one after
 * the other, each as a whole; of a broken connection any first part may still run, at once or much
 * later, unheard by anybody; a copy of a request may run again. The store may lose a marker, a
 * bucket, a single value, its last writes (a replica that lagged is promoted), or everything; it
 * may be full, stand still or be away. Both are compared by tests/sim/agree/store_histories.c.
 * Values that a READ answered are overwritten at the next poll, so that keeping them shows.
 *
 * Its things happen when somebody calls a port, or model_store_run. Deterministic; one thread.
 */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include "ports/state_store.h"
#include "world.h"

enum { MODEL_STORE_CLIENTS_MAX = 64, MODEL_STORE_QUEUE = 64, MODEL_STORE_BUCKETS = 64 };

typedef struct model_store model_store;

/* By chance, in 1000 of requests. */
typedef struct model_store_weather {
    int64_t delay_ns; /* one way, on average */
    uint32_t slow;    /* take up to slow_ns more */
    int64_t slow_ns;
    uint32_t cut;    /* the connection breaks; a first part of what is under way still runs */
    uint32_t silent; /* of those: noticed only after the timeout */
    uint32_t late;   /* of those: what still runs does so up to late_ns later */
    uint32_t again;  /* a copy runs once more, up to late_ns later */
    int64_t late_ns;
} model_store_weather;

extern const model_store_weather model_store_calm;

typedef struct model_store_config {
    model_clock *clock;
    uint64_t seed;
    int64_t timeout_ns; /* of a client without an answer; 0: 1 s */
    /* poll() waits: let something else happen, or time pass, at most until then. NULL: the clock
     * goes there. */
    void (*idle)(void *self, int64_t until_ns);
    void *idle_self;
    void (*line)(void *self, const char *text); /* of the trace; may be NULL */
    void *line_self;
} model_store_config;

model_store *model_store_new(const model_store_config *config);
void model_store_free(model_store *s);
void model_store_weather_set(model_store *s, const model_store_weather *w);

/* ---- time ---- */

int64_t model_store_next_ns(const model_store *s); /* when the next is due; INT64_MAX: nothing is */
bool model_store_run(model_store *s);              /* what is due now; false: nothing was */

/* ---- clients ---- */

int model_store_client(model_store *s); /* a new process; connected from its first poll on */
fd_state_store model_store_port(model_store *s, int client);
/* kill -9: what is under way still arrives. */
void model_store_kill(model_store *s, int client);
/* What it sends does not arrive for now. */
void model_store_hold(model_store *s, int client, bool on);

/* X(name): what becomes of the requests under way when a connection breaks */
#define MODEL_STORE_CUTS(X) X(LOST) X(DONE) X(LATE)
typedef enum model_store_cut {
#define X(name) MODEL_STORE_##name,
    MODEL_STORE_CUTS(X)
#undef X
} model_store_cut;

void model_store_break(model_store *s, int client, model_store_cut how);
void model_store_arrive(model_store *s); /* all that is late, now */

/* ---- trouble of the store ---- */

void model_store_down(model_store *s, bool on);        /* nobody can connect */
void model_store_full(model_store *s, bool on);        /* out of memory */
void model_store_stall(model_store *s, int64_t ns);    /* stands still for so long */
void model_store_rollback(model_store *s, uint32_t n); /* the last n effects are gone, 32 at most */
void model_store_flush_all(model_store *s);
/* Of the n-th partition and lineage in order of appearance; false: there is no such thing. */
bool model_store_lose_marker(model_store *s, uint32_t part);
bool model_store_lose_bucket(model_store *s, uint32_t part, uint32_t bucket);
bool model_store_lose_value(model_store *s, uint32_t part, uint32_t value);

/* ---- looking ---- */

uint32_t model_store_bucket(const fd_state_value *v);
uint32_t model_store_parts(const model_store *s);
typedef struct model_store_look {
    fd_tp tp;
    const char *lineage;
    bool whole; /* a marker, and all buckets with their values */
    uint64_t nonce;
    fd_state_mark mark;
    uint32_t n;
    const fd_state_value *values;
} model_store_look;
/* Valid until the store changes. */
model_store_look model_store_look_at(const model_store *s, uint32_t part);

typedef struct model_store_counts {
    uint32_t done, refused, downs, full, cuts, late, again, timeouts;
    uint32_t foreign; /* writes of a client that is not the owner, done all the same */
} model_store_counts;
const model_store_counts *model_store_counted(const model_store *s);

#endif
