/*
 * Models that XGBoost saved, as JSON or UBJSON, from 1.7 to 3.2 (the entry points are in
 * formats.h).
 *
 * A score is what `Booster.predict(DMatrix)` gives on the CPU: all trees, whatever best_iteration
 * says (the attribute is for the scikit-learn interface). Margins (FD_MODEL_RAW) have its bits:
 * inputs are rounded to float, the sum starts from the base score as a margin and adds the leaves
 * in float, tree after tree, each times its weight with DART. `inplace_predict` sums DART
 * differently, and so does the cache that predicts the very matrix a booster was trained on; a
 * margin is the one of a matrix that the booster has not seen. Transforms are computed by
 * score/transform.h: the same float as the library's or a neighbour. multi:softmax gives the
 * probabilities of multi:softprob, not the number of the class: it is the one with the highest.
 *
 * Splits: x < t goes left; NaN goes where the file says; infinities are numbers (a DMatrix refuses
 * them). A category that is negative, 2^24 or more or unknown goes left. Categories are codes: the
 * names that newer files carry are not looked at.
 *
 * Refused by name: trees with vector leaves (multi_strategy: multi_output_tree), objectives that
 * are not in the table of xgboost_int.h, versions from 4 on.
 */
#ifndef FD_FORMATS_XGBOOST_H
#define FD_FORMATS_XGBOOST_H

#include "formats/formats.h"

#endif
