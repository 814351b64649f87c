/*
 * From a loader's description to what a forest keeps: everything is checked here, nothing is
 * trusted, and trees are put into walking order. Any thread.
 */
#include <string.h>

#include "score/forest_int.h"

typedef struct keeping {
    fd_forest *f;
    const fd_forest_spec *spec;
    const char *file;
    fd_diags *diags;
    uint32_t tree; /* being kept */
    size_t max_nodes, max_words, max_values;
    uint8_t *seen;    /* per node of the tree: met on the way */
    uint8_t *adds_to; /* per output: the tree does */
    struct visit {
        uint32_t node, parent, depth; /* parent: as kept */
        bool is_yes;
    } * stack;
} keeping;

#define REFUSE(k, fmt, ...) \
    (fd_diags_error((k)->diags, "%s: tree %u: " fmt, (k)->file, (k)->tree, __VA_ARGS__), false)

static bool check_leaf(const keeping *k, uint32_t i, const fd_forest_node *node)
{
    if (node->n_values == 0)
        return REFUSE(k, "leaf %u has no value", i);
    for (uint32_t v = 0; v < node->n_values; v++) {
        double value = node->values[v].value;
        if (node->values[v].output >= k->spec->n_outputs)
            return REFUSE(k, "leaf %u adds to output %u, there are %u", i, node->values[v].output,
                          k->spec->n_outputs);
        if (!isfinite(value) || (fd_forest_sums_floats(k->f) && !isfinite((float)value)))
            return REFUSE(k, "leaf %u is not a finite number", i);
    }
    return true;
}

static bool check_split(const keeping *k, uint32_t i, const fd_forest_node *node, uint32_t n_nodes)
{
    if (node->split > FD_SPLIT_LEAF)
        return REFUSE(k, "node %u has no known kind of split", i);
    if (node->input >= k->spec->n_inputs)
        return REFUSE(k, "node %u splits by input %u, there are %u", i, node->input,
                      k->spec->n_inputs);
    if (node->yes >= n_nodes || node->no >= n_nodes)
        return REFUSE(k, "node %u has a child that is none of the %u nodes", i, n_nodes);
    if (node->split != FD_SPLIT_IN && isnan(node->threshold))
        return REFUSE(k, "node %u compares with NaN", i);
    return true;
}

/* Trees overlap nowhere, so that all nodes met are at most all nodes there are. */
static void keep_leaf(keeping *k, fd_kept_node *to, const fd_forest_node *node)
{
    fd_forest *f = k->f;
    FD_ASSERT(f->n_values + node->n_values <= k->max_values);
    to->first = (uint32_t)f->n_values;
    to->n = node->n_values;
    for (uint32_t v = 0; v < node->n_values; v++) {
        fd_forest_leaf_value value = node->values[v];
        if (fd_forest_sums_floats(f))
            value.value = (float)value.value;
        f->values[f->n_values++] = value;
        k->adds_to[value.output] = 1;
    }
}

static void keep_set(keeping *k, fd_kept_node *to, const fd_forest_node *node)
{
    fd_forest *f = k->f;
    FD_ASSERT(f->n_set_words + node->n_set_words <= k->max_words);
    to->first = (uint32_t)f->n_set_words;
    to->n = node->n_set_words;
    if (node->n_set_words > 0)
        memcpy(f->sets + f->n_set_words, node->set, node->n_set_words * sizeof *f->sets);
    f->n_set_words += node->n_set_words;
}

static fd_kept_node *keep_node(keeping *k, const fd_forest_node *node)
{
    fd_forest *f = k->f;
    fd_kept_node *to = &f->nodes[f->n_nodes++];
    *to = (fd_kept_node){.threshold = fd_forest_input(f, node->threshold),
                         .cover = node->cover,
                         .input = node->input,
                         .split = (uint8_t)node->split,
                         .missing_yes = node->missing_yes,
                         .zero_is_missing = node->zero_is_missing,
                         .nan_is_zero = node->nan_is_zero,
                         .from_zero = node->from_zero};
    if (node->split == FD_SPLIT_LEAF)
        keep_leaf(k, to, node);
    else if (node->split == FD_SPLIT_IN)
        keep_set(k, to, node);
    return to;
}

static bool visit(keeping *k, struct visit v, size_t *n_stack)
{
    const fd_forest_tree *from = &k->spec->trees[k->tree];
    fd_kept_tree *tree = &k->f->trees[k->tree];
    const fd_forest_node *node = &from->nodes[v.node];
    bool leaf = node->split == FD_SPLIT_LEAF;
    if (k->seen[v.node]++ != 0)
        return REFUSE(k, "node %u is the child of two nodes, or of itself", v.node);
    if (!(leaf ? check_leaf(k, v.node, node) : check_split(k, v.node, node, from->n_nodes)))
        return false;
    fd_kept_node *to = keep_node(k, node);
    uint32_t at = tree->n_nodes++;
    fd_kept_node *parent = &k->f->nodes[tree->first + v.parent];
    if (at > 0)
        *(v.is_yes ? &parent->yes : &parent->no) = at;
    tree->covers &= isfinite(to->cover) && (leaf ? to->cover >= 0 : to->cover > 0);
    tree->depth = tree->depth > v.depth ? tree->depth : v.depth;
    tree->n_leaves += leaf;
    if (!leaf) {
        k->stack[(*n_stack)++] = (struct visit){node->no, at, v.depth + 1, false};
        k->stack[(*n_stack)++] = (struct visit){node->yes, at, v.depth + 1, true};
    }
    return true;
}

static bool keep_tree(keeping *k)
{
    const fd_forest_tree *from = &k->spec->trees[k->tree];
    if (from->n_nodes == 0)
        return REFUSE(k, "it has %s", "no nodes");
    k->f->trees[k->tree] = (fd_kept_tree){.first = k->f->n_nodes, .covers = true};
    memset(k->seen, 0, from->n_nodes);
    memset(k->adds_to, 0, k->spec->n_outputs);
    size_t n_stack = 1;
    k->stack[0] = (struct visit){.node = 0};
    while (n_stack > 0) {
        if (!visit(k, k->stack[--n_stack], &n_stack))
            return false;
    }
    for (uint32_t o = 0; o < k->spec->n_outputs; o++)
        k->f->trees_of[o] += k->adds_to[o];
    return true;
}

/* What there is to keep, at most; false beyond the bounds. */
static bool measure(keeping *k, uint32_t *most_nodes)
{
    const fd_forest_spec *spec = k->spec;
    *most_nodes = 0;
    for (uint32_t t = 0; t < spec->n_trees; t++) {
        const fd_forest_tree *tree = &spec->trees[t];
        k->max_nodes += tree->n_nodes;
        *most_nodes = tree->n_nodes > *most_nodes ? tree->n_nodes : *most_nodes;
        for (uint32_t i = 0; i < tree->n_nodes && k->max_nodes <= FD_MODEL_MAX_NODES; i++) {
            const fd_forest_node *node = &tree->nodes[i];
            k->max_values += node->split == FD_SPLIT_LEAF ? node->n_values : 0;
            k->max_words += node->split == FD_SPLIT_IN ? node->n_set_words : 0;
        }
    }
    if (k->max_nodes > FD_MODEL_MAX_NODES || k->max_values > UINT32_MAX ||
        k->max_words > UINT32_MAX) {
        fd_diags_error(k->diags, "%s: the trees have more than %d nodes, or too many values",
                       k->file, FD_MODEL_MAX_NODES);
        return false;
    }
    return true;
}

static bool check_counts(const fd_forest_spec *spec, const char *file, fd_diags *diags)
{
    static const char text[] = "%s: %u %s, at most %d are possible";
    FD_ASSERT(!spec->average || spec->sum == FD_SUM_FLOAT_FROM_ZERO ||
              spec->sum == FD_SUM_DOUBLE_FROM_ZERO);
    if (spec->n_inputs > FD_MODEL_MAX_INPUTS)
        fd_diags_error(diags, text, file, spec->n_inputs, "inputs", FD_MODEL_MAX_INPUTS);
    else if (spec->n_outputs > FD_MODEL_MAX_OUTPUTS)
        fd_diags_error(diags, text, file, spec->n_outputs, "outputs", FD_MODEL_MAX_OUTPUTS);
    else if (spec->n_trees > FD_MODEL_MAX_TREES)
        fd_diags_error(diags, text, file, spec->n_trees, "trees", FD_MODEL_MAX_TREES);
    else if (spec->n_outputs == 0)
        fd_diags_error(diags, "%s: the trees have no output", file);
    else
        return true;
    return false;
}

static void *room(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    FD_ALLOCATED(p);
    return p;
}

static bool keep_bases(keeping *k)
{
    for (uint32_t o = 0; o < k->spec->n_outputs; o++) {
        double base = k->spec->base == NULL ? 0 : k->spec->base[o];
        k->f->base[o] = fd_forest_sums_floats(k->f) ? (double)(float)base : base;
        if (!isfinite(k->f->base[o])) {
            fd_diags_error(k->diags, "%s: the base score is not a finite number", k->file);
            return false;
        }
    }
    return true;
}

bool fd_forest_keep(fd_forest *f, const fd_forest_spec *spec, const char *file, fd_diags *diags)
{
    keeping k = {.f = f, .spec = spec, .file = file, .diags = diags};
    uint32_t most_nodes;
    if (!check_counts(spec, file, diags) || !measure(&k, &most_nodes))
        return false;
    f->base = room(spec->n_outputs, sizeof *f->base);
    f->trees_of = room(spec->n_outputs, sizeof *f->trees_of);
    f->trees = room(spec->n_trees, sizeof *f->trees);
    f->nodes = room(k.max_nodes, sizeof *f->nodes);
    f->sets = room(k.max_words, sizeof *f->sets);
    f->values = room(k.max_values, sizeof *f->values);
    k.seen = room(most_nodes, 1);
    k.adds_to = room(spec->n_outputs, 1);
    k.stack = room(most_nodes, 2 * sizeof *k.stack);
    bool ok = keep_bases(&k);
    for (; ok && k.tree < spec->n_trees; k.tree++)
        ok = keep_tree(&k);
    free(k.seen);
    free(k.adds_to);
    free(k.stack);
    return ok;
}
