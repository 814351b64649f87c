/*
 * Small models with known answers, as files in the directory of the moment, for the tests of
 * manifests and of the engine (store/support.h has that directory).
 */
#ifndef TESTS_UNIT_MANIFEST_MODELS_H
#define TESTS_UNIT_MANIFEST_MODELS_H

#include "base/strbuf.h"

/* Inputs amount and n5: 0.125 up to 50, else 0.5 for n5 <= 2, else 0.875. Missing amount: 0.125;
 * missing n5: 0.5. */
extern const char tree_text[];
/* The same inputs, three outputs: softmax of (0, 1, 2) up to 50, of (2, 1, 0) above. */
extern const char three_classes_text[];

/* Writes text to the file and appends "file: NAME\nsha256: ...\n" of it to a manifest. */
void write_model(const char *folder, const char *name, const char *text, fd_strbuf *manifest);

#define TREE_INPUTS                                                          \
    "inputs:\n"                                                              \
    "  - {name: amount, expression: 'double(event.amount_minor) / 100.0'}\n" \
    "  - {name: n5, expression: 'features.card_txn_5m'}\n"

/* models/tree.yaml, of tree_text, with a self-test; `more` is added to the manifest. */
void write_tree(const char *more);

#endif
