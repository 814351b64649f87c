/*
 * TreeEnsembleClassifier and TreeEnsembleRegressor: parallel lists of nodes and of leaf weights
 * become a forest.
 *
 * Sums are those of ONNX Runtime's CPU provider where it takes the rows of a batch one by one or
 * in blocks: float 0, plus the leaf of each tree in the order of the file, base values last. (Its
 * path for one row and many trees on several threads adds partial sums: there the last digit may
 * differ.) Where the runtime's answer depends on something that the standard does not say, the
 * model is refused. One owner.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/onnx_int.h"

typedef struct place {
    int64_t tree, node;
    uint32_t index; /* of the node in the file's lists */
} place;

typedef struct ensemble {
    fd_onnx_builder *b;
    const fd_onnx_node *n;
    uint32_t n_nodes, n_trees, n_weights, n_classes, n_base;
    int64_t *tree_ids, *node_ids, *features, *yes, *no, *missing;
    fd_str *modes;
    double *thresholds, *weights, *base;
    int64_t *weight_trees, *weight_nodes, *weight_targets;
    place *places; /* sorted */
    fd_forest_node *nodes;
    fd_forest_tree *trees;
    fd_forest_leaf_value *values;
} ensemble;

static bool same_count(ensemble *e, const char *name, uint32_t got, uint32_t want)
{
    return got == want ||
           fd_onnx_refuse(e->b, e->n, "\"%s\" has %u values, not %u", name, got, want);
}

/* Floats, or doubles of the attribute NAME_as_tensor. */
static bool reals(ensemble *e, const char *name, double **out, uint32_t *count)
{
    char as_tensor[64];
    const fd_onnx_tensor *t = NULL;
    snprintf(as_tensor, sizeof as_tensor, "%s_as_tensor", name);
    if (!fd_onnx_attr_tensor(e->b, e->n, as_tensor, &t))
        return false;
    if (t == NULL)
        return fd_onnx_attr_floats(e->b, e->n, name, out, count);
    if (t->values == NULL)
        return fd_onnx_refuse(e->b, e->n, "\"%s\" holds no numbers", as_tensor);
    *out = t->values;
    *count = t->n;
    return true;
}

static bool whole(ensemble *e, const char *name, int64_t **out, uint32_t want)
{
    uint32_t count;
    return fd_onnx_attr_ints(e->b, e->n, name, out, &count) && same_count(e, name, count, want);
}

static bool read_nodes(ensemble *e)
{
    uint32_t modes, thresholds, missing;
    if (!fd_onnx_attr_ints(e->b, e->n, "nodes_nodeids", &e->node_ids, &e->n_nodes))
        return false;
    if (e->n_nodes == 0)
        return fd_onnx_refuse(e->b, e->n, "it has no nodes");
    if (!whole(e, "nodes_treeids", &e->tree_ids, e->n_nodes) ||
        !whole(e, "nodes_featureids", &e->features, e->n_nodes) ||
        !whole(e, "nodes_truenodeids", &e->yes, e->n_nodes) ||
        !whole(e, "nodes_falsenodeids", &e->no, e->n_nodes) ||
        !fd_onnx_attr_strs(e->b, e->n, "nodes_modes", &e->modes, &modes) ||
        !same_count(e, "nodes_modes", modes, e->n_nodes) ||
        !reals(e, "nodes_values", &e->thresholds, &thresholds) ||
        !same_count(e, "nodes_values", thresholds, e->n_nodes) ||
        !fd_onnx_attr_ints(e->b, e->n, "nodes_missing_value_tracks_true", &e->missing, &missing))
        return false;
    return missing == 0 || same_count(e, "nodes_missing_value_tracks_true", missing, e->n_nodes);
}

static bool read_weights(ensemble *e, bool classifier)
{
    static const char *const names[2][4] = {
        {"target_treeids", "target_nodeids", "target_ids", "target_weights"},
        {"class_treeids", "class_nodeids", "class_ids", "class_weights"}};
    const char *const *name = names[classifier];
    if (!reals(e, name[3], &e->weights, &e->n_weights) ||
        !whole(e, name[0], &e->weight_trees, e->n_weights) ||
        !whole(e, name[1], &e->weight_nodes, e->n_weights) ||
        !whole(e, name[2], &e->weight_targets, e->n_weights))
        return false;
    for (uint32_t i = 0; i < e->n_weights; i++) {
        if (e->weight_targets[i] < 0 || e->weight_targets[i] >= e->n_classes)
            return fd_onnx_refuse(e->b, e->n, "a leaf is for %s %lld of %u",
                                  classifier ? "class" : "target", (long long)e->weight_targets[i],
                                  e->n_classes);
    }
    return reals(e, "base_values", &e->base, &e->n_base);
}

/* ---- places ---- */

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static bool sort_places(ensemble *e)
{
    bool sorted = true;
    e->places = fd_onnx_alloc(e->b->scratch, e->n_nodes, sizeof *e->places);
    for (uint32_t i = 0; i < e->n_nodes; i++) {
        e->places[i] = (place){e->tree_ids[i], e->node_ids[i], i};
        sorted = sorted && (i == 0 || by_place(&e->places[i - 1], &e->places[i]) < 0);
    }
    if (sorted)
        return true;
    qsort(e->places, e->n_nodes, sizeof *e->places, by_place);
    for (uint32_t i = 1; i < e->n_nodes; i++) {
        if (by_place(&e->places[i - 1], &e->places[i]) == 0)
            return fd_onnx_refuse(e->b, e->n, "node %lld of tree %lld is there twice",
                                  (long long)e->places[i].node, (long long)e->places[i].tree);
    }
    return true;
}

static bool find_node(ensemble *e, int64_t tree, int64_t node, uint32_t *index)
{
    const place key = {.tree = tree, .node = node};
    const place *p = bsearch(&key, e->places, e->n_nodes, sizeof key, by_place);
    if (p == NULL)
        return fd_onnx_refuse(e->b, e->n, "tree %lld has no node %lld", (long long)tree,
                              (long long)node);
    *index = p->index;
    return true;
}

/* ---- nodes ---- */

bool fd_onnx_split(fd_onnx_split_mode mode, bool missing_yes, fd_forest_node *out)
{
    static const fd_split splits[] = {FD_SPLIT_LE, FD_SPLIT_LT, FD_SPLIT_GE,
                                      FD_SPLIT_GT, FD_SPLIT_EQ, FD_SPLIT_NE};
    if ((size_t)mode >= sizeof splits / sizeof *splits)
        return false;
    out->split = splits[mode];
    /* NaN is unequal to everything. */
    out->missing_yes = missing_yes || out->split == FD_SPLIT_NE;
    return true;
}

static bool parse_mode(ensemble *e, fd_str mode, bool missing_yes, fd_forest_node *out)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                        "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
    for (int i = 0; i < 6; i++) {
        if (fd_str_eq_c(mode, names[i]))
            return fd_onnx_split((fd_onnx_split_mode)i, missing_yes, out);
    }
    return fd_onnx_refuse(e->b, e->n, "nodes_modes: " FD_STR_FMT " is not supported",
                          FD_STR_ARG(mode));
}

static bool make_node(ensemble *e, uint32_t i, uint32_t root, uint32_t n_inputs)
{
    fd_forest_node *out = &e->nodes[i];
    if (fd_str_eq_c(e->modes[i], "LEAF")) {
        out->split = FD_SPLIT_LEAF;
        return true;
    }
    uint32_t yes, no;
    if (!parse_mode(e, e->modes[i], e->missing != NULL && e->missing[i] == 1, out) ||
        !find_node(e, e->tree_ids[i], e->yes[i], &yes) ||
        !find_node(e, e->tree_ids[i], e->no[i], &no))
        return false;
    if (e->features[i] < 0 || e->features[i] >= n_inputs)
        return fd_onnx_refuse(e->b, e->n, "a node looks at column %lld of %u",
                              (long long)e->features[i], n_inputs);
    if (isnan(e->thresholds[i]))
        return fd_onnx_refuse(e->b, e->n, "a node compares with NaN");
    if (yes < root || no < root)
        return fd_onnx_refuse(e->b, e->n, "the nodes of tree %lld are not together",
                              (long long)e->tree_ids[i]);
    out->input = (uint32_t)e->features[i];
    out->threshold = e->thresholds[i];
    out->yes = yes - root;
    out->no = no - root;
    return true;
}

static bool make_trees(ensemble *e, uint32_t n_inputs)
{
    e->nodes = fd_onnx_alloc(e->b->scratch, e->n_nodes, sizeof *e->nodes);
    e->trees = fd_onnx_alloc(e->b->scratch, e->n_nodes, sizeof *e->trees);
    uint32_t root = 0;
    for (uint32_t i = 0; i < e->n_nodes; i++) {
        if (i == 0 || e->tree_ids[i] != e->tree_ids[i - 1]) {
            root = i;
            e->trees[e->n_trees++] = (fd_forest_tree){.nodes = &e->nodes[i]};
        }
        e->trees[e->n_trees - 1].n_nodes++;
        if (!make_node(e, i, root, n_inputs))
            return false;
    }
    return true;
}

/* The weights of each leaf, together and in the order of the file. */
static bool make_leaves(ensemble *e)
{
    static const fd_forest_leaf_value nothing = {0, 0};
    uint32_t *of = fd_onnx_alloc(e->b->scratch, e->n_weights, sizeof *of);
    uint32_t *next = fd_onnx_alloc(e->b->scratch, e->n_nodes, sizeof *next);
    e->values = fd_onnx_alloc(e->b->scratch, e->n_weights, sizeof *e->values);
    for (uint32_t i = 0; i < e->n_weights; i++) {
        if (!find_node(e, e->weight_trees[i], e->weight_nodes[i], &of[i]))
            return false;
        e->nodes[of[i]].n_values += e->nodes[of[i]].split == FD_SPLIT_LEAF;
    }
    uint32_t from = 0;
    for (uint32_t i = 0; i < e->n_nodes; i++) {
        fd_forest_node *node = &e->nodes[i];
        next[i] = from;
        node->values = &e->values[from];
        from += node->n_values;
        if (node->split == FD_SPLIT_LEAF && node->n_values == 0) {
            node->values = &nothing;
            node->n_values = 1;
        } else if (e->n_classes == 1 && node->n_values > 1) {
            return fd_onnx_refuse(e->b, e->n, "a leaf has %u weights for one target",
                                  node->n_values);
        }
    }
    for (uint32_t i = 0; i < e->n_weights; i++) {
        if (e->nodes[of[i]].split == FD_SPLIT_LEAF)
            e->values[next[of[i]]++] = (fd_forest_leaf_value){(uint32_t)e->weight_targets[i],
                                                              e->weights[i]};
    }
    return true;
}

/* ---- scores ---- */

fd_onnx_value *fd_onnx_forest(fd_onnx_builder *b, const fd_onnx_node *n, const fd_onnx_value *x,
                              const fd_forest_spec *spec)
{
    fd_onnx_model *m = b->model;
    b->n_trees += spec->n_trees;
    if (b->n_trees > FD_MODEL_MAX_TREES) {
        fd_onnx_refuse(b, n, "more than %d trees", FD_MODEL_MAX_TREES);
        return NULL;
    }
    fd_forest_spec full = *spec;
    full.n_inputs = x->k;
    full.float_inputs = x->type != FD_ONNX_DOUBLE;
    full.sum = full.float_inputs ? FD_SUM_FLOAT_FROM_ZERO : FD_SUM_DOUBLE_FROM_ZERO;
    fd_forest *forest = fd_forest_new(&full, b->file, b->diags);
    if (forest == NULL)
        return NULL;
    fd_onnx_value *out = fd_onnx_row_step(b, x, FD_STEP_FOREST, 0, 2, spec->n_outputs, 0);
    if (out == NULL) {
        fd_forest_free(forest);
        return NULL;
    }
    out->type = full.float_inputs ? FD_ONNX_FLOAT : FD_ONNX_DOUBLE;
    fd_onnx_step *s = &m->steps[m->n_steps - 1];
    s->to_float = false;
    s->forest = forest;
    /* The forest rounds its inputs itself. */
    for (uint32_t i = 0; i < x->k; i++) {
        uint32_t c = s->in[i];
        if (x->type == FD_ONNX_FLOAT && c >= m->n_inputs && c < 2 * m->n_inputs)
            s->in[i] = c - m->n_inputs;
    }
    return out;
}

fd_onnx_value *fd_onnx_finish_sums(fd_onnx_builder *b, fd_onnx_value *sums, const double *base,
                                   double divisor)
{
    if (sums != NULL && divisor != 1)
        sums = fd_onnx_with_constant(b, FD_BIN_DIV, sums, &divisor, true);
    if (sums != NULL && base != NULL)
        sums = fd_onnx_with_constant(b, FD_BIN_ADD, sums, base, false);
    if (sums == NULL || sums->type == FD_ONNX_FLOAT)
        return sums;
    return fd_onnx_unary_of(b, FD_UN_COPY, sums, FD_ONNX_FLOAT, NULL, 0);
}

/* Every row gets a weight for this output: some tree has one in each leaf. */
static bool always_reached(const ensemble *e, uint32_t output)
{
    for (uint32_t t = 0; t < e->n_trees; t++) {
        bool all = true;
        for (uint32_t i = 0; all && i < e->trees[t].n_nodes; i++) {
            const fd_forest_node *node = &e->trees[t].nodes[i];
            bool has = node->split != FD_SPLIT_LEAF;
            for (uint32_t k = 0; k < node->n_values; k++)
                has = has || node->values[k].output == output;
            all = has;
        }
        if (all)
            return true;
    }
    return false;
}

static bool regress(ensemble *e, const fd_onnx_value *x, fd_str transform)
{
    fd_str aggregate = FD_STR("SUM");
    if (!fd_onnx_attr_str(e->b, e->n, "aggregate_function", &aggregate))
        return false;
    bool average = fd_str_eq_c(aggregate, "AVERAGE");
    if (!average && !fd_str_eq_c(aggregate, "SUM"))
        return fd_onnx_refuse(e->b, e->n, "aggregate_function " FD_STR_FMT " is not supported",
                              FD_STR_ARG(aggregate));
    if (e->n_base != 0 && e->n_base != e->n_classes)
        return fd_onnx_refuse(e->b, e->n, "%u base_values for %u targets", e->n_base, e->n_classes);
    /* ONNX Runtime adds no base where no leaf had a weight. */
    for (uint32_t i = 0; e->n_base > 1 && i < e->n_classes; i++) {
        if (!always_reached(e, i))
            return fd_onnx_refuse(e->b, e->n,
                                  "base_values, and leaves without a weight for target %u", i);
    }
    const fd_forest_spec spec = {
        .n_outputs = e->n_classes, .n_trees = e->n_trees, .trees = e->trees};
    fd_onnx_value *sums = fd_onnx_forest(e->b, e->n, x, &spec);
    sums = fd_onnx_finish_sums(e->b, sums, e->n_base == 0 ? NULL : e->base,
                               average ? (double)e->n_trees : 1);
    return sums != NULL && fd_onnx_define(e->b, e->n, 0, fd_onnx_post(e->b, e->n, transform, sums));
}

/* Two classes of which the leaves know one only: a single score. */
static bool classify_one(ensemble *e, const fd_onnx_value *x, fd_str transform)
{
    bool first = e->weight_targets[0] == 0, positive = true;
    if (e->n_base > (first ? 1 : 0))
        return fd_onnx_refuse(e->b, e->n, "%u base_values for two classes with leaves of one",
                              e->n_base);
    for (uint32_t i = 0; i < e->n_weights; i++) {
        positive = positive && !(e->weights[i] < 0);
        e->values[i].output = 0;
    }
    const fd_forest_spec spec = {.n_outputs = 1, .n_trees = e->n_trees, .trees = e->trees};
    fd_onnx_value *sums = fd_onnx_forest(e->b, e->n, x, &spec);
    sums = fd_onnx_finish_sums(e->b, sums, e->n_base == 0 ? NULL : e->base, 1);
    return sums != NULL &&
           fd_onnx_define_classes(e->b, e->n, fd_onnx_pair(e->b, e->n, transform, sums, positive));
}

static bool classify(ensemble *e, const fd_onnx_value *x, fd_str transform)
{
    bool one = e->n_weights > 0;
    for (uint32_t i = 1; i < e->n_weights; i++)
        one = one && e->weight_targets[i] == e->weight_targets[0];
    if (e->n_classes == 2 && one)
        return classify_one(e, x, transform);
    if (e->n_classes == 2 && e->n_base > 0)
        return fd_onnx_refuse(e->b, e->n, "base_values of two classes are ambiguous");
    if (e->n_classes == 2 && !always_reached(e, 1))
        return fd_onnx_refuse(e->b, e->n, "leaves without a weight for the second class");
    if (e->n_base != 0 && e->n_base != e->n_classes)
        return fd_onnx_refuse(e->b, e->n, "%u base_values for %u classes", e->n_base, e->n_classes);
    const fd_forest_spec spec = {
        .n_outputs = e->n_classes, .n_trees = e->n_trees, .trees = e->trees};
    fd_onnx_value *sums = fd_onnx_forest(e->b, e->n, x, &spec);
    sums = fd_onnx_finish_sums(e->b, sums, e->n_base == 0 ? NULL : e->base, 1);
    return sums != NULL &&
           fd_onnx_define_classes(e->b, e->n, fd_onnx_post(e->b, e->n, transform, sums));
}

static bool count_outputs(ensemble *e, bool classifier)
{
    int64_t *ints, targets = 0;
    fd_str *strings;
    uint32_t n_ints, n_strings;
    if (!classifier) {
        if (!fd_onnx_attr_int(e->b, e->n, "n_targets", &targets))
            return false;
    } else {
        if (!fd_onnx_attr_ints(e->b, e->n, "classlabels_int64s", &ints, &n_ints) ||
            !fd_onnx_attr_strs(e->b, e->n, "classlabels_strings", &strings, &n_strings))
            return false;
        targets = n_strings > 0 ? n_strings : n_ints;
    }
    if (targets < (classifier ? 2 : 1) || targets > FD_MODEL_MAX_OUTPUTS)
        return fd_onnx_refuse(e->b, e->n, "%lld %s", (long long)targets,
                              classifier ? "classes" : "targets");
    e->n_classes = (uint32_t)targets;
    return true;
}

/* Kind 1: classifier. */
bool fd_onnx_lower_trees(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    ensemble e = {.b = b, .n = n};
    fd_str transform = FD_STR("NONE");
    const fd_onnx_value *x = fd_onnx_matrix(b, n, 0);
    if (x == NULL || !count_outputs(&e, kind == 1) || !read_nodes(&e) ||
        !read_weights(&e, kind == 1) || !fd_onnx_attr_str(b, n, "post_transform", &transform) ||
        !sort_places(&e) || !make_trees(&e, x->k) || !make_leaves(&e))
        return false;
    return kind == 1 ? classify(&e, x, transform) : regress(&e, x, transform);
}
