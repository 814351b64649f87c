/* Model files for the tests; see models.h. */
#include "models.h"

#include <stdio.h>

#include "../store/support.h"
#include "base/hash.h"

#define HEAD(classes, per_iteration, objective, sizes) \
    "tree\n"                                           \
    "version=v4\n"                                     \
    "num_class=" classes "\n"                          \
    "num_tree_per_iteration=" per_iteration "\n"       \
    "label_index=0\n"                                  \
    "max_feature_idx=1\n"                              \
    "objective=" objective "\n"                        \
    "feature_names=amount n5\n"                        \
    "feature_infos=[0:1000] [0:100]\n"                 \
    "tree_sizes=" sizes "\n"                           \
    "\n"
#define STUMP(number, left, right)    \
    "Tree=" number "\n"               \
    "num_leaves=2\n"                  \
    "num_cat=0\n"                     \
    "split_feature=0\n"               \
    "split_gain=1\n"                  \
    "threshold=50\n"                  \
    "decision_type=2\n"               \
    "left_child=-1\n"                 \
    "right_child=-2\n"                \
    "leaf_value=" left " " right "\n" \
    "leaf_weight=1 1\n"               \
    "leaf_count=5 5\n"                \
    "internal_value=0\n"              \
    "internal_weight=0\n"             \
    "internal_count=10\n"             \
    "is_linear=0\n"                   \
    "shrinkage=1\n"                   \
    "\n\n"
#define TAIL "end of trees\n\npandas_categorical:null\n"

/* decision_type 10: missing values are NaN and go left. */
const char tree_text[] = HEAD("1", "1", "regression", "400") "Tree=0\n"
                                                             "num_leaves=3\n"
                                                             "num_cat=0\n"
                                                             "split_feature=0 1\n"
                                                             "split_gain=1 1\n"
                                                             "threshold=50 2\n"
                                                             "decision_type=10 10\n"
                                                             "left_child=-1 -2\n"
                                                             "right_child=1 -3\n"
                                                             "leaf_value=0.125 0.5 0.875\n"
                                                             "leaf_weight=1 1 1\n"
                                                             "leaf_count=4 3 3\n"
                                                             "internal_value=0 0\n"
                                                             "internal_weight=0 0\n"
                                                             "internal_count=10 6\n"
                                                             "is_linear=0\n"
                                                             "shrinkage=1\n"
                                                             "\n\n" TAIL;

const char three_classes_text[] = HEAD("3", "3", "multiclass num_class:3", "400 400 400")
    STUMP("0", "0", "2") STUMP("1", "1", "1") STUMP("2", "2", "0") TAIL;

void write_model(const char *folder, const char *name, const char *text, fd_strbuf *manifest)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_text(path, text);
    fd_strbuf_printf(manifest, "file: %s\nsha256: %s\n", name,
                     fd_sha256_of(text, strlen(text)).hex);
}

void write_tree(const char *more)
{
    fd_strbuf manifest = {0};
    fd_strbuf_puts(&manifest, "id: tree\n");
    write_model("models", "tree.txt", tree_text, &manifest);
    fd_strbuf_printf(&manifest, TREE_INPUTS "self_test: tree.csv\n%s", more);
    write_text("models/tree.yaml", manifest.p);
    write_text("models/tree.csv", "amount,n5,expected\n50,9,0.125\n50.5,2,0.5\n51,3,0.875\n"
                                  ",9,0.125\n51,,0.5\n");
    fd_strbuf_free(&manifest);
}
