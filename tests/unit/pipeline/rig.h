/*
 * What the tests of worker and committer share: a model of Kafka with its checks, one or more
 * worker processes, and ways to fill its logs.
 */
#ifndef TEST_PIPELINE_RIG_H
#define TEST_PIPELINE_RIG_H

#include "check.h"
#include "process.h"

enum { RIG_WORKERS = 3 };

typedef struct rig {
    model_clock clock;
    model_schemas schemas;
    model *m;
    model_store *store; /* NULL: window state in memory only */
    sim_check *check;
    sim_process_config config; /* for the next start */
    sim_process workers[RIG_WORKERS];
    bool used[RIG_WORKERS];
    uint32_t n_events;
} rig;

/* One topic, two partitions, a calm network, unless changed between the two. */
void rig_init(rig *r, model_config *config);
void rig_open(rig *r, const model_config *config);
/* A state store for all workers to come. */
void rig_with_store(rig *r);
/* Ends what still runs and fails the test for any broken promise. */
void rig_close(rig *r);

int64_t rig_append(rig *r, uint16_t source, int32_t partition, sim_kind kind);
void rig_fill(rig *r, int32_t partition, uint32_t n);           /* valid ones, source 0 */
void rig_append_card(rig *r, int32_t partition, uint32_t card); /* a valid one of that card */

sim_process *rig_start(rig *r, int slot, int instance);
void rig_free(rig *r, int slot); /* of one that ended */
/* Steps all that run, letting time pass when none is ready, until over(arg); false: not in time. */
bool rig_run(rig *r, bool (*over)(void *arg), void *arg, int64_t limit_ns);
/* Everything is decided and committed; fails the test otherwise. */
void rig_drain(rig *r);
void rig_pass(rig *r, int64_t ns); /* steps for so long */

/* Counters of all workers. */
uint32_t rig_notes(const rig *r, fd_note note);
uint32_t rig_txns(const rig *r, fd_txn_result result);

#endif
