/* Random decisions, for the encoder's tests. */
#ifndef TEST_CODEC_DECISION_GEN_H
#define TEST_CODEC_DECISION_GEN_H

#include "base/arena.h"
#include "domain/decision.h"
#include "gen.h"

const fd_decision *decision_gen(gen_rng *r, fd_arena *a);

#endif
