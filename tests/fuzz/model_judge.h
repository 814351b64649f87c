/*
 * What a model that a fuzzer got past a loader must keep to: the same scores for a row alone as in
 * a batch, bit for bit, and contributions that sum to the raw score where it has them. Aborts
 * otherwise.
 */
#ifndef FD_FUZZ_MODEL_JUDGE_H
#define FD_FUZZ_MODEL_JUDGE_H

#include "score/model.h"

void judge_model(const fd_model *m);
/* The same for files that say how many training rows went each way: where these numbers do not add
 * up, contributions need not, either. */
void judge_scores(const fd_model *m);

#endif
