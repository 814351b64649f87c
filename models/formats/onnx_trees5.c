/*
 * TreeEnsemble of ai.onnx.ml 5: nodes and leaves in two lists, shared by all trees.
 *
 * Nodes may be reached twice there; a forest's may not, so a tree is copied out from its root. A
 * set's membership becomes one comparison per member, each with its own copy of what follows. What
 * grows beyond a bound (a cycle, or sharing on end) is refused. One owner.
 */
#include <math.h>
#include <stdlib.h>

#include "formats/onnx_int.h"

enum { N_POSTS = 5, GROWTH = 16, GROWTH_LEAST = 4096 };

typedef struct todo {
    uint32_t from; /* a node, or a leaf */
    bool leaf;
    uint32_t to; /* in the tree that is made */
} todo;

typedef struct trees5 {
    fd_onnx_builder *b;
    const fd_onnx_node *n;
    uint32_t n_nodes, n_leaves, n_roots, n_inputs;
    int64_t n_targets;
    int64_t *roots, *features, *yes, *yes_leaf, *no, *no_leaf, *missing, *targets;
    const fd_onnx_tensor *modes, *splits, *weights, *members;
    uint32_t *first_member; /* per node, into members; and where they end */
    uint32_t *end_member;
    fd_forest_leaf_value *values; /* per leaf */
    fd_forest_node *out;
    todo *stack;
    uint32_t n_out, cap_out, n_stack, cap_stack, max_out;
} trees5;

static bool ints(trees5 *t, const char *name, int64_t **out, uint32_t want)
{
    uint32_t count;
    return fd_onnx_attr_ints(t->b, t->n, name, out, &count) &&
           (count == want ||
            fd_onnx_refuse(t->b, t->n, "\"%s\" has %u values, not %u", name, count, want));
}

static bool tensor(trees5 *t, const char *name, const fd_onnx_tensor **out, uint32_t want)
{
    if (!fd_onnx_attr_tensor(t->b, t->n, name, out))
        return false;
    uint32_t count = *out == NULL || (*out)->values == NULL ? 0 : (*out)->n;
    return (count == want && count > 0) ||
           fd_onnx_refuse(t->b, t->n, "\"%s\" has %u values, not %u", name, count, want);
}

static bool read_lists(trees5 *t)
{
    uint32_t n_missing;
    if (!fd_onnx_attr_ints(t->b, t->n, "nodes_featureids", &t->features, &t->n_nodes) ||
        !fd_onnx_attr_ints(t->b, t->n, "leaf_targetids", &t->targets, &t->n_leaves) ||
        !fd_onnx_attr_ints(t->b, t->n, "tree_roots", &t->roots, &t->n_roots) ||
        !fd_onnx_attr_int(t->b, t->n, "n_targets", &t->n_targets) ||
        !fd_onnx_attr_tensor(t->b, t->n, "membership_values", &t->members) ||
        !ints(t, "nodes_truenodeids", &t->yes, t->n_nodes) ||
        !ints(t, "nodes_trueleafs", &t->yes_leaf, t->n_nodes) ||
        !ints(t, "nodes_falsenodeids", &t->no, t->n_nodes) ||
        !ints(t, "nodes_falseleafs", &t->no_leaf, t->n_nodes) ||
        !tensor(t, "nodes_modes", &t->modes, t->n_nodes) ||
        !tensor(t, "nodes_splits", &t->splits, t->n_nodes) ||
        !tensor(t, "leaf_weights", &t->weights, t->n_leaves) ||
        !fd_onnx_attr_ints(t->b, t->n, "nodes_missing_value_tracks_true", &t->missing, &n_missing))
        return false;
    if (n_missing != 0 && n_missing != t->n_nodes)
        return fd_onnx_refuse(t->b, t->n, "nodes_missing_value_tracks_true has %u values, not %u",
                              n_missing, t->n_nodes);
    if (t->n_targets < 1 || t->n_targets > FD_MODEL_MAX_OUTPUTS || t->n_roots == 0)
        return fd_onnx_refuse(t->b, t->n, "%lld targets and %u trees", (long long)t->n_targets,
                              t->n_roots);
    return t->members == NULL || t->members->values != NULL ||
           fd_onnx_refuse(t->b, t->n, "membership_values holds no numbers");
}

static bool check_leaves(trees5 *t)
{
    t->values = fd_onnx_alloc(t->b->scratch, t->n_leaves, sizeof *t->values);
    for (uint32_t i = 0; i < t->n_leaves; i++) {
        if (t->targets[i] < 0 || t->targets[i] >= t->n_targets)
            return fd_onnx_refuse(t->b, t->n, "a leaf is for target %lld of %lld",
                                  (long long)t->targets[i], (long long)t->n_targets);
        t->values[i] = (fd_forest_leaf_value){(uint32_t)t->targets[i], t->weights->values[i]};
    }
    return true;
}

/* Sets stand one after the other, in the order of their nodes, with NaN behind each. */
static bool split_members(trees5 *t)
{
    t->first_member = fd_onnx_alloc(t->b->scratch, t->n_nodes, sizeof *t->first_member);
    t->end_member = fd_onnx_alloc(t->b->scratch, t->n_nodes, sizeof *t->end_member);
    uint32_t at = 0, n = t->members == NULL ? 0 : t->members->n;
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        if (t->modes->values[i] != FD_ONNX_MEMBER)
            continue;
        t->first_member[i] = at;
        while (at < n && !isnan(t->members->values[at]))
            at++;
        t->end_member[i] = at;
        if (at == t->first_member[i] || at >= n)
            return fd_onnx_refuse(t->b, t->n, "membership_values ends too early");
        at++;
    }
    return true;
}

static uint32_t new_node(trees5 *t)
{
    if (t->n_out == t->cap_out) {
        t->cap_out = t->cap_out == 0 ? 256 : t->cap_out * 2;
        t->out = realloc(t->out, t->cap_out * sizeof *t->out);
        FD_ALLOCATED(t->out);
    }
    t->out[t->n_out] = (fd_forest_node){.split = FD_SPLIT_LEAF};
    return t->n_out++;
}

static bool push(trees5 *t, int64_t from, bool leaf, uint32_t to)
{
    if (from < 0 || from >= (leaf ? t->n_leaves : t->n_nodes))
        return fd_onnx_refuse(t->b, t->n, "there is no %s %lld", leaf ? "leaf" : "node",
                              (long long)from);
    if (t->n_stack == t->cap_stack) {
        t->cap_stack = t->cap_stack == 0 ? 256 : t->cap_stack * 2;
        t->stack = realloc(t->stack, t->cap_stack * sizeof *t->stack);
        FD_ALLOCATED(t->stack);
    }
    t->stack[t->n_stack++] = (todo){.from = (uint32_t)from, .leaf = leaf, .to = to};
    return true;
}

/* Fills `to`; what is below is left on the stack. */
static bool copy_split(trees5 *t, uint32_t from, uint32_t to, double threshold, uint32_t no)
{
    double mode = t->modes->values[from];
    bool member = mode == FD_ONNX_MEMBER;
    fd_forest_node *node = &t->out[to];
    if (!(mode >= 0 && mode <= FD_ONNX_MEMBER) ||
        !fd_onnx_split(member ? FD_ONNX_EQ : (fd_onnx_split_mode)mode,
                       t->missing != NULL && t->missing[from] == 1, node))
        return fd_onnx_refuse(t->b, t->n, "nodes_modes: there is no mode %g", mode);
    if (t->features[from] < 0 || t->features[from] >= t->n_inputs)
        return fd_onnx_refuse(t->b, t->n, "a node looks at column %lld of %u",
                              (long long)t->features[from], t->n_inputs);
    if (isnan(threshold))
        return fd_onnx_refuse(t->b, t->n, "a node compares with NaN");
    node->input = (uint32_t)t->features[from];
    node->threshold = threshold;
    node->no = no;
    uint32_t yes = new_node(t);
    t->out[to].yes = yes;
    return push(t, t->yes[from], t->yes_leaf[from] != 0, yes);
}

static bool copy_one(trees5 *t, todo item)
{
    if (t->n_out > t->max_out)
        return fd_onnx_refuse(t->b, t->n,
                              "a tree has a cycle, or shares nodes too often (more than %u nodes)",
                              t->max_out);
    if (item.leaf) {
        t->out[item.to].n_values = 1;
        t->out[item.to].values = &t->values[item.from];
        return true;
    }
    uint32_t i = item.from, to = item.to, no = new_node(t);
    if (t->modes->values[i] != FD_ONNX_MEMBER)
        return copy_split(t, i, to, t->splits->values[i], no) &&
               push(t, t->no[i], t->no_leaf[i] != 0, no);
    for (uint32_t m = t->first_member[i]; m < t->end_member[i]; m++) {
        if (!copy_split(t, i, to, t->members->values[m], no))
            return false;
        to = no;
        if (m + 1 < t->end_member[i])
            no = new_node(t);
    }
    return push(t, t->no[i], t->no_leaf[i] != 0, to);
}

static bool copy_trees(trees5 *t, uint32_t *starts)
{
    uint64_t max = (uint64_t)GROWTH *
                       (2ULL * t->n_nodes + t->n_roots + (t->members == NULL ? 0 : t->members->n)) +
                   GROWTH_LEAST;
    t->max_out = max > FD_MODEL_MAX_NODES ? FD_MODEL_MAX_NODES : (uint32_t)max;
    for (uint32_t i = 0; i < t->n_roots; i++) {
        starts[i] = t->n_out;
        if (!push(t, t->roots[i], false, new_node(t)))
            return false;
        while (t->n_stack > 0) {
            todo item = t->stack[--t->n_stack];
            if (!copy_one(t, item))
                return false;
        }
    }
    starts[t->n_roots] = t->n_out;
    return true;
}

static fd_onnx_value *sums_of(trees5 *t, const fd_onnx_value *x)
{
    uint32_t *starts = fd_onnx_alloc(t->b->scratch, t->n_roots + 1ULL, sizeof *starts);
    if (!copy_trees(t, starts))
        return NULL;
    fd_forest_tree *trees = fd_onnx_alloc(t->b->scratch, t->n_roots, sizeof *trees);
    for (uint32_t i = 0; i < t->n_roots; i++) {
        trees[i] = (fd_forest_tree){.n_nodes = starts[i + 1] - starts[i],
                                    .nodes = &t->out[starts[i]]};
        for (uint32_t k = starts[i]; k < starts[i + 1]; k++) {
            if (t->out[k].split == FD_SPLIT_LEAF)
                continue;
            t->out[k].yes -= starts[i];
            t->out[k].no -= starts[i];
        }
    }
    const fd_forest_spec spec = {
        .n_outputs = (uint32_t)t->n_targets, .n_trees = t->n_roots, .trees = trees};
    return fd_onnx_forest(t->b, t->n, x, &spec);
}

bool fd_onnx_lower_trees5(fd_onnx_builder *b, const fd_onnx_node *n, int kind)
{
    static const char *const posts[N_POSTS] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO",
                                               "PROBIT"};
    (void)kind;
    trees5 t = {.b = b, .n = n};
    int64_t post = 0, aggregate = 1;
    const fd_onnx_value *x = fd_onnx_matrix(b, n, 0);
    if (x == NULL || !fd_onnx_attr_int(b, n, "post_transform", &post) ||
        !fd_onnx_attr_int(b, n, "aggregate_function", &aggregate))
        return false;
    t.n_inputs = x->k;
    if (post < 0 || post >= N_POSTS || aggregate < 0 || aggregate > 1)
        return fd_onnx_refuse(b, n, "post_transform %lld, aggregate_function %lld: not supported",
                              (long long)post, (long long)aggregate);
    if (!read_lists(&t) || !check_leaves(&t) || !split_members(&t))
        return false;
    fd_onnx_value *sums = sums_of(&t, x);
    free(t.out);
    free(t.stack);
    if (sums != NULL && aggregate == 0) {
        const double divisor = (double)t.n_roots;
        sums = fd_onnx_with_constant(b, FD_BIN_DIV, sums, &divisor, true);
    }
    return sums != NULL &&
           fd_onnx_define(b, n, 0, fd_onnx_post(b, n, fd_str_from(posts[post]), sums));
}
