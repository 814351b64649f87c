/*
 * A model that is a forest and what becomes of its raw scores: what most loaders end with.
 * Contributions are there where the forest has covers. Any thread.
 */
#ifndef FD_SCORE_FOREST_MODEL_H
#define FD_SCORE_FOREST_MODEL_H

#include "score/forest.h"

/* From raw scores out[output][row] to the model's own, in place. A pure function. */
typedef void fd_forest_finish(const void *how, double *const *out, uint32_t n_outputs, uint32_t n);

/* Takes the forest over, copies how_bytes bytes of `how` for `finish`. shape->bytes is filled in.
 */
fd_model *fd_forest_model(fd_forest *forest, fd_model_shape shape, fd_forest_finish *finish,
                          const void *how, size_t how_bytes);

#endif
