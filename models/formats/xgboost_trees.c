/* XGBoost's trees, from parallel arrays to a forest. Loading: one at a time; scoring: any thread.
 */
#include "base/assert.h"
#include "formats/xgboost_int.h"
#include "score/forest_model.h"

/* ---- one tree ---- */

enum { MAX_SET_WORDS = 8 * 1024 * 1024, CATEGORIES = 1 << 24 };

typedef struct loading {
    const xgb_model *m;
    uint32_t tree, n_nodes;
    uint32_t group; /* the output that its leaves add to */
    float weight;   /* DART's */
    bool weighted;
    size_t n_set_words; /* of all trees */
    fd_forest_node *nodes;
} loading;

#define REFUSE(l, fmt, ...) xgb_refuse((l)->m, "tree %u: " fmt, (l)->tree, __VA_ARGS__)

/* An array with one number per node; an optional one that is not there is NULL. False: an error. */
static bool per_node(const loading *l, const fd_doc *tree, const char *name, bool optional,
                     const double **out)
{
    const fd_doc *d = fd_doc_get(tree, name);
    *out = NULL;
    if (d == NULL && optional)
        return true;
    if (d == NULL || d->kind != FD_DOC_NUMBERS)
        return REFUSE(l, "'%s' is missing, or not a list of numbers", name);
    if (d->n != l->n_nodes)
        return REFUSE(l, "'%s' has %u numbers for %u nodes", name, d->n, l->n_nodes);
    *out = d->numbers;
    return true;
}

/* A whole number in [0, limit). */
static bool index_of(double v, uint32_t limit, uint32_t *out)
{
    if (!(v >= 0 && v < limit))
        return false;
    *out = (uint32_t)v;
    return (double)*out == v;
}

typedef struct arrays {
    const double *left, *right, *input, *threshold, *default_left, *cover;
} arrays;

static bool read_arrays(const loading *l, const fd_doc *tree, arrays *a)
{
    return per_node(l, tree, "left_children", false, &a->left) &&
           per_node(l, tree, "right_children", false, &a->right) &&
           per_node(l, tree, "split_indices", false, &a->input) &&
           per_node(l, tree, "split_conditions", false, &a->threshold) &&
           per_node(l, tree, "default_left", false, &a->default_left) &&
           per_node(l, tree, "sum_hessian", true, &a->cover);
}

static void read_leaf(const loading *l, double value, fd_forest_node *node)
{
    fd_forest_leaf_value *leaf = fd_arena_alloc(l->m->arena, sizeof *leaf);
    FD_ALLOCATED(leaf);
    leaf->output = l->group;
    leaf->value = (float)value;
    if (l->weighted)
        leaf->value = (0.0F + (float)value) * l->weight;
    node->split = FD_SPLIT_LEAF;
    node->n_values = 1;
    node->values = leaf;
}

/* What was pruned away has nonsense here, and no parent: fd_forest_new() looks at the others. */
static uint32_t unchecked(double v)
{
    uint32_t i;
    return index_of(v, UINT32_MAX, &i) ? i : UINT32_MAX;
}

static void read_node(const loading *l, const arrays *a, uint32_t i)
{
    fd_forest_node *node = &l->nodes[i];
    node->cover = a->cover == NULL ? 0 : a->cover[i];
    if (a->left[i] == -1) {
        read_leaf(l, a->threshold[i], node);
        return;
    }
    node->split = FD_SPLIT_LT;
    node->threshold = a->threshold[i];
    node->missing_yes = a->default_left[i] != 0;
    node->yes = unchecked(a->left[i]);
    node->no = unchecked(a->right[i]);
    node->input = unchecked(a->input[i]);
}

/* ---- categories: a set of those that go right ---- */

typedef struct categories {
    const fd_doc *nodes, *segments, *sizes, *values;
} categories;

static bool find_categories(const loading *l, const fd_doc *tree, categories *c)
{
    static const char *const names[] = {"categories_nodes", "categories_segments",
                                        "categories_sizes", "categories"};
    const fd_doc **to[] = {&c->nodes, &c->segments, &c->sizes, &c->values};
    for (int i = 0; i < 4; i++) {
        *to[i] = fd_doc_get(tree, names[i]);
        if (*to[i] == NULL && i == 0)
            return true;
        if (*to[i] == NULL || (*to[i])->kind != FD_DOC_NUMBERS)
            return REFUSE(l, "'%s' is missing, or not a list of numbers", names[i]);
    }
    return (c->nodes->n == c->segments->n && c->nodes->n == c->sizes->n) ||
           REFUSE(l, "%u categorical nodes, %u segments, %u sizes", c->nodes->n, c->segments->n,
                  c->sizes->n);
}

static bool read_set(loading *l, const double *values, uint32_t n, fd_forest_node *node)
{
    uint32_t most = 0, category = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!index_of(values[i], CATEGORIES, &category))
            return REFUSE(l, "category %g is not possible", values[i]);
        most = category > most ? category : most;
    }
    node->n_set_words = n == 0 ? 0 : most / 64 + 1;
    l->n_set_words += node->n_set_words;
    if (l->n_set_words > MAX_SET_WORDS)
        return REFUSE(l, "the sets of categories take more than %d MiB", MAX_SET_WORDS / 131072);
    uint64_t *set = fd_arena_zalloc(l->m->arena, (node->n_set_words + 1U) * sizeof *set);
    FD_ALLOCATED(set);
    for (uint32_t i = 0; i < n; i++)
        set[(uint32_t)values[i] / 64] |= UINT64_C(1) << ((uint32_t)values[i] % 64);
    node->set = set;
    return true;
}

static bool read_categories(loading *l, const fd_doc *tree)
{
    categories c = {0};
    if (!find_categories(l, tree, &c))
        return false;
    for (uint32_t i = 0; c.nodes != NULL && i < c.nodes->n; i++) {
        uint32_t at, from, n;
        if (!index_of(c.nodes->numbers[i], l->n_nodes, &at))
            return REFUSE(l, "categories of a node %g", c.nodes->numbers[i]);
        if (!index_of(c.segments->numbers[i], c.values->n + 1, &from) ||
            !index_of(c.sizes->numbers[i], c.values->n - from + 1, &n))
            return REFUSE(l, "the categories of node %u are not there", at);
        fd_forest_node *node = &l->nodes[at];
        if (node->split != FD_SPLIT_LT)
            return REFUSE(l, "node %u has categories and is a leaf, or has them twice", at);
        if (!read_set(l, c.values->numbers + from, n, node))
            return false;
        uint32_t left = node->yes;
        node->split = FD_SPLIT_IN;
        node->from_zero = true;
        node->missing_yes = !node->missing_yes;
        node->yes = node->no;
        node->no = left;
    }
    return true;
}

/* A node that says it is categorical and has no categories would be compared with NaN. */
static bool check_types(const loading *l, const fd_doc *tree)
{
    const double *type;
    if (!per_node(l, tree, "split_type", true, &type))
        return false;
    for (uint32_t i = 0; type != NULL && i < l->n_nodes; i++) {
        if (type[i] != 0 && l->nodes[i].split == FD_SPLIT_LT)
            return REFUSE(l, "node %u is categorical and has no categories", i);
    }
    return true;
}

static bool read_tree(loading *l, const fd_doc *tree, fd_forest_tree *out)
{
    arrays a;
    const fd_doc *param = xgb_member(l->m, tree, "tree_param", FD_DOC_OBJECT);
    uint32_t leaf_width = 1;
    if (param == NULL || !xgb_count(l->m, param, "num_nodes", &l->n_nodes))
        return false;
    if (fd_doc_get(param, "size_leaf_vector") != NULL &&
        !xgb_count(l->m, param, "size_leaf_vector", &leaf_width))
        return false;
    if (leaf_width > 1)
        return REFUSE(l,
                      "leaves with %u values (multi_strategy: multi_output_tree) are not "
                      "supported; train with one_output_per_tree",
                      leaf_width);
    if (!read_arrays(l, tree, &a))
        return false;
    l->nodes = fd_arena_zalloc(l->m->arena, (l->n_nodes + 1U) * sizeof *l->nodes);
    FD_ALLOCATED(l->nodes);
    for (uint32_t i = 0; i < l->n_nodes; i++)
        read_node(l, &a, i);
    *out = (fd_forest_tree){.n_nodes = l->n_nodes, .nodes = l->nodes};
    return read_categories(l, tree) && check_types(l, tree);
}

/* ---- all of them ---- */

static const fd_doc *numbers_of(const xgb_model *m, const fd_doc *object, const char *name,
                                uint32_t n)
{
    const fd_doc *d = xgb_member(m, object, name, FD_DOC_NUMBERS);
    if (d != NULL && d->n != n) {
        xgb_refuse(m, "'%s' has %u numbers for %u trees", name, d->n, n);
        return NULL;
    }
    return d;
}

static bool read_trees(const xgb_model *m, const fd_doc *model, const fd_doc *weights,
                       fd_forest_spec *spec)
{
    const fd_doc *trees = xgb_member(m, model, "trees", FD_DOC_ARRAY);
    const fd_doc *info = trees == NULL ? NULL : numbers_of(m, model, "tree_info", trees->n);
    if (info == NULL)
        return false;
    if (trees->n > FD_MODEL_MAX_TREES)
        return xgb_refuse(m, "%u trees, at most %d are possible", trees->n, FD_MODEL_MAX_TREES);
    fd_forest_tree *out = fd_arena_zalloc(m->arena, (trees->n + 1U) * sizeof *out);
    FD_ALLOCATED(out);
    loading l = {.m = m, .weighted = weights != NULL};
    for (const fd_doc *tree = trees->first; tree != NULL; tree = tree->next, l.tree++) {
        if (!index_of(info->numbers[l.tree], m->n_outputs, &l.group))
            return REFUSE(&l, "it belongs to output %g of %u", info->numbers[l.tree], m->n_outputs);
        if (l.weighted)
            l.weight = (float)weights->numbers[l.tree];
        if (!read_tree(&l, tree, &out[l.tree]))
            return false;
    }
    spec->n_trees = trees->n;
    spec->trees = out;
    return true;
}

static void finish(const void *how, double *const *out, uint32_t n_outputs, uint32_t n)
{
    xgb_apply(*(const xgb_transform *)how, out, n_outputs, n);
}

static fd_model *make_model(const xgb_model *m, fd_forest *forest, uint32_t n_trees)
{
    const fd_model_shape shape = {.format = "xgboost",
                                  .n_inputs = m->n_inputs,
                                  .input_names = m->names,
                                  .n_outputs = m->n_outputs,
                                  .n_trees = n_trees};
    const xgb_transform *transform = &m->objective->transform;
    return fd_forest_model(forest, shape, finish, transform, sizeof *transform);
}

fd_model *xgb_load_trees(xgb_model *m, const fd_doc *booster, bool dart)
{
    const fd_doc *plain = dart ? xgb_member(m, booster, "gbtree", FD_DOC_OBJECT) : booster;
    const fd_doc *model = plain == NULL ? NULL : xgb_member(m, plain, "model", FD_DOC_OBJECT);
    fd_forest_spec spec = {.n_inputs = m->n_inputs,
                           .n_outputs = m->n_outputs,
                           .float_inputs = true,
                           .sum = FD_SUM_FLOAT_FROM_BASE,
                           .base = m->base};
    const fd_doc *weights = NULL, *trees = fd_doc_get(model, "trees");
    if (model == NULL)
        return NULL;
    if (dart && trees != NULL &&
        (weights = numbers_of(m, booster, "weight_drop", trees->n)) == NULL)
        return NULL;
    if (!read_trees(m, model, weights, &spec))
        return NULL;
    fd_forest *forest = fd_forest_new(&spec, m->file, m->diags);
    return forest == NULL ? NULL : make_model(m, forest, spec.n_trees);
}
