/*
 * The promises, checked while a history happens and after it (DESIGN §4):
 *   each input has exactly one committed decision, equal byte for byte to the oracle's, in the
 *   order of its partition (of the oracle with one of the sets that were in use by then); each
 *   invalid one exactly one dead letter, with its key, value and
 *   headers; the group's offsets never move back and never pass an event without a decision.
 *
 * The oracle is the same engine, alone: one event at a time in offset order, each partition folded
 * once and never interrupted, all schemas known from the start, a consent for each event whose
 * schema never comes. One thread.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "events.h"
#include "model/model.h"

typedef struct sim_check sim_check;

/* `m` is given afterwards, because the model is made with what watches it. */
sim_check *sim_check_new(uint32_t n_topics);
void sim_check_attach(sim_check *c, model *m);
void sim_check_free(sim_check *c);

/* model_config.watch, without its line and self. */
void sim_check_decided(void *self, const fd_out_record *record);
void sim_check_offset(void *self, fd_tp tp, int64_t from, int64_t to);

/* Everything was decided and committed (what is still to come: "waiting for ..."). */
bool sim_check_done(sim_check *c);
/* Says what is missing, for one that is not done in time. */
void sim_check_missing(sim_check *c);
/* After the last step: order, counts, nothing left open. */
void sim_check_final(sim_check *c);

/* A promise is broken: one line. */
void sim_check_broken(sim_check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What was found, here and by the model; "" = nothing. */
const char *sim_check_verdict(sim_check *c);
uint32_t sim_check_decisions(const sim_check *c);
/* The set may decide from now on; the first one may from the start. How many a set decided. */
void sim_check_allow_set(sim_check *c, sim_set set);
uint32_t sim_check_by_set(const sim_check *c, sim_set set);
/* Decisions may have been made without windows, if they are flagged INCOMPLETE; how many were. */
void sim_check_allow_blind(sim_check *c);
uint32_t sim_check_blind(const sim_check *c);
/* What was found so far was meant to be. */
void sim_check_pardon(sim_check *c);

#endif
