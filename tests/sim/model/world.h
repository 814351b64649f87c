/*
 * The small ports of a simulated world: chance, a virtual clock, a schema registry that answers as
 * it is told, an observer that counts. Deterministic: equal seeds give equal runs. One thread.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/schemas.h"

#define MODEL_US(n)  ((int64_t)(n)*1000)
#define MODEL_MS(n)  ((int64_t)(n)*1000000)
#define MODEL_SEC(n) ((int64_t)(n)*1000000000)

/* ---- chance ---- */

typedef struct model_rng {
    uint64_t state;
} model_rng;

uint64_t model_rng_next(model_rng *r);
uint32_t model_rng_below(model_rng *r, uint32_t n);              /* 0 .. n-1 */
int64_t model_rng_between(model_rng *r, int64_t lo, int64_t hi); /* both ends included */
/* True in `per_mille` of 1000 cases. Draws nothing at 0, so that a fault that is switched off
 * leaves the rest of a run as it was. */
bool model_rng_chance(model_rng *r, uint32_t per_mille);

/* ---- time ---- */

enum { MODEL_CLOCK_TICK_NS = 200 }; /* a look at the clock takes this long */

typedef struct model_clock {
    int64_t now_ns;
    int64_t wall_base_ms;
} model_clock;

void model_clock_init(model_clock *c);
fd_clock model_clock_port(model_clock *c);

/* ---- the registry ---- */

enum { MODEL_SCHEMAS_MAX = 16 };

typedef struct model_schema {
    uint32_t id;
    fd_schema_answer answer;
    fd_str json;
} model_schema;

/* Ids that nobody scripted are UNKNOWN. */
typedef struct model_schemas {
    model_schema items[MODEL_SCHEMAS_MAX];
    uint32_t n;
    uint32_t lookups;
} model_schemas;

/* What the id is answered with from now on; `json` must live on. */
void model_schemas_set(model_schemas *s, uint32_t id, fd_schema_answer answer, fd_str json);
fd_schemas model_schemas_port(model_schemas *s);

/* ---- the observer ---- */

typedef struct model_observer {
    uint32_t notes[FD_N_NOTES];
    uint32_t txns[FD_TXN_RECOVERED + 1];
    uint64_t events, batches;
    uint32_t by_action[FD_N_ACTIONS];
    uint32_t by_flag[FD_N_FLAGS];
    uint32_t by_poison[FD_N_POISONS];
    uint32_t queued_max; /* of any partition report */
    fd_pause pause;      /* of the latest one */
    uint32_t rule_hits, rule_errors;
    uint64_t redo_events, evictions;
    uint32_t programs[FD_PROGRAM_GIVEN_UP + 1]; /* by stage */
    char given_up[64];                          /* the last set of which that was said, */
    char why[256];                              /* and why */
    char detail[FD_N_NOTES][256];               /* of the latest note of each kind */
    /* Every note, as a line without its newline; may be NULL. */
    void (*line)(void *self, const char *text);
    void *line_self;
} model_observer;

fd_observer model_observer_port(model_observer *o);

#endif
