/*
 * The trees of a LightGBM file; see lightgbm_int.h.
 *
 * Splits 0 .. L-2 are numbered before leaves: split i is node i, leaf j is node L-1+j. What decides
 * a split is as in LightGBM's include/LightGBM/tree.h. Its predictor takes |x| <= 1e-35f for 0
 * before it looks at any tree; here thresholds within that range are moved to its ends, which is
 * the same for every x.
 */
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "formats/lightgbm_int.h"

/* X(name): the lines of a tree; some are passed over. */
#define TREE_FIELDS(X) \
    X(num_leaves)      \
    X(num_cat)         \
    X(split_feature)   \
    X(split_gain)      \
    X(threshold)       \
    X(decision_type)   \
    X(left_child)      \
    X(right_child)     \
    X(leaf_value)      \
    X(leaf_weight)     \
    X(leaf_count)      \
    X(internal_value)  \
    X(internal_weight) \
    X(internal_count)  \
    X(cat_boundaries)  \
    X(cat_threshold)   \
    X(is_linear)       \
    X(leaf_const)      \
    X(num_features)    \
    X(leaf_features)   \
    X(leaf_coeff)      \
    X(shrinkage)

enum {
#define X(name) TREE_##name,
    TREE_FIELDS(X)
#undef X
        N_TREE
};

static const char *const tree_keys[N_TREE] = {
#define X(name) #name,
    TREE_FIELDS(X)
#undef X
};

/* Bits of decision_type. */
enum {
    BY_CATEGORY = 1,
    DEFAULT_LEFT = 2,
    MISSING_SHIFT = 2,
    MISSING_NONE = 0,
    MISSING_ZERO = 1,
    MISSING_NAN = 2,
    DECISION_MAX = BY_CATEGORY | DEFAULT_LEFT | MISSING_NAN << MISSING_SHIFT
};

enum { WORD_BITS = 32, CATEGORIES_MAX = 1 << 24 };

#define ZERO_MAX ((double)1e-35f)

typedef struct category_set {
    uint32_t n_words;
    const uint64_t *words;
    bool used;
} category_set;

typedef struct tree_reader {
    fd_lgbm_reader *r;
    const fd_lgbm_head *head;
    uint32_t number, n_leaves, n_splits, n_sets;
    fd_lgbm_field f[N_TREE];
    category_set *sets;
    const double *thresholds;
    fd_forest_node *nodes;
    char name[24];
    char what[64]; /* "tree 3: threshold" */
} tree_reader;

static const char *what(tree_reader *t, int key)
{
    snprintf(t->what, sizeof t->what, "%s: %s", t->name, tree_keys[key]);
    return t->what;
}

static const int64_t *ints(tree_reader *t, int key, uint32_t n, int64_t min, int64_t max)
{
    return fd_lgbm_ints(t->r, what(t, key), t->f[key], n, min, max);
}

static const double *doubles(tree_reader *t, int key, uint32_t n)
{
    return fd_lgbm_doubles(t->r, what(t, key), t->f[key], n);
}

static bool read_fields(tree_reader *t)
{
    fd_lgbm_reader *r = t->r;
    for (;;) {
        if (!fd_lgbm_next_line(r))
            return fd_lgbm_fail(r, r->line_no, "%s: the file ends within it: it is truncated",
                                t->name);
        if (r->line.n == 0)
            return true;
        if (!fd_lgbm_take_field(r, t->name, tree_keys, N_TREE, t->f))
            return false;
    }
}

/* Counts, each held against what the file has lines and memory for. */
static bool read_sizes(tree_reader *t, uint64_t *n_nodes)
{
    const fd_lgbm_field linear = t->f[TREE_is_linear];
    if (linear.line != 0 && !fd_str_eq_c(linear.value, "0"))
        return fd_lgbm_fail(
            t->r, linear.line,
            "%s: is a linear tree, which is not supported: train without linear_tree", t->name);
    const int64_t *leaves = ints(t, TREE_num_leaves, 1, 1, FD_MODEL_MAX_NODES / 2);
    if (leaves == NULL)
        return false;
    t->n_leaves = (uint32_t)*leaves;
    t->n_splits = t->n_leaves - 1;
    *n_nodes += t->n_leaves + (uint64_t)t->n_splits;
    if (*n_nodes > FD_MODEL_MAX_NODES)
        return fd_lgbm_fail(t->r, t->f[TREE_num_leaves].line, "%s: more than %d nodes in all trees",
                            t->name, FD_MODEL_MAX_NODES);
    const int64_t *sets = ints(t, TREE_num_cat, 1, 0, t->n_splits);
    t->n_sets = sets == NULL ? 0 : (uint32_t)*sets;
    return sets != NULL;
}

/* Words of 32 bits in pairs. */
static category_set pack(tree_reader *t, const int64_t *words, int64_t n)
{
    uint32_t n_words = (uint32_t)((n + 1) / 2);
    uint64_t *to = fd_arena_zalloc(t->r->arena, n_words * sizeof *to);
    FD_ALLOCATED(to);
    for (int64_t i = 0; i < n; i++)
        to[i / 2] |= (uint64_t)words[i] << i % 2 * WORD_BITS;
    return (category_set){n_words, to, false};
}

static bool read_sets(tree_reader *t)
{
    if (t->n_sets == 0)
        return true;
    const fd_lgbm_field words_field = t->f[TREE_cat_threshold];
    uint32_t n_words = fd_lgbm_count_words(words_field.value);
    const int64_t *bounds = ints(t, TREE_cat_boundaries, t->n_sets + 1, 0, n_words);
    if (bounds == NULL)
        return false;
    const int64_t *words = ints(t, TREE_cat_threshold, n_words, 0, UINT32_MAX);
    if (words == NULL)
        return false;
    t->sets = fd_arena_alloc(t->r->scratch, t->n_sets * sizeof *t->sets);
    FD_ALLOCATED(t->sets);
    bool covered = bounds[0] == 0 && bounds[t->n_sets] == n_words;
    for (uint32_t i = 0; i < t->n_sets; i++) {
        int64_t n = bounds[i + 1] - bounds[i];
        if (!covered || n < 1 || n > CATEGORIES_MAX / WORD_BITS)
            return fd_lgbm_fail(
                t->r, t->f[TREE_cat_boundaries].line,
                "%s: cat_boundaries do not divide the %u words of cat_threshold into "
                "sets of 1 to %d",
                t->name, n_words, CATEGORIES_MAX / WORD_BITS);
        t->sets[i] = pack(t, words + bounds[i], n);
    }
    return true;
}

/* Infinite ones are in real files: only missing values go the other way. */
static double split_threshold(double threshold)
{
    if (threshold >= -ZERO_MAX && threshold < 0)
        return nextafter(-ZERO_MAX, -INFINITY);
    return threshold >= 0 && threshold < ZERO_MAX ? ZERO_MAX : threshold;
}

static void split_by_number(tree_reader *t, fd_forest_node *node, uint32_t i, int64_t decision)
{
    int64_t missing = decision >> MISSING_SHIFT;
    node->split = FD_SPLIT_LE;
    node->threshold = split_threshold(t->thresholds[i]);
    node->missing_yes = missing != MISSING_NONE && (decision & DEFAULT_LEFT) != 0;
    node->zero_is_missing = missing == MISSING_ZERO;
    node->nan_is_zero = missing == MISSING_NONE;
}

/* Its threshold is the number of a set; no two splits share one. */
static bool split_by_category(tree_reader *t, fd_forest_node *node, uint32_t i)
{
    double number = t->thresholds[i];
    uint32_t set = number >= 0 && number < t->n_sets ? (uint32_t)number : t->n_sets;
    if (set == t->n_sets || set != number || t->sets[set].used)
        return fd_lgbm_fail(
            t->r, t->f[TREE_threshold].line,
            "%s: split %u is by category, and its threshold is none of %u sets or one "
            "that another split has",
            t->name, i, t->n_sets);
    t->sets[set].used = true;
    node->split = FD_SPLIT_IN;
    node->n_set_words = t->sets[set].n_words;
    node->set = t->sets[set].words;
    return true;
}

static uint32_t child(const tree_reader *t, int64_t number)
{
    return (uint32_t)(number >= 0 ? number : t->n_splits + ~number);
}

static bool read_splits(tree_reader *t)
{
    int64_t n_splits = t->n_splits;
    const int64_t *inputs, *decisions, *left, *right;
    if ((inputs = ints(t, TREE_split_feature, t->n_splits, 0, t->head->n_inputs - 1)) == NULL ||
        (t->thresholds = doubles(t, TREE_threshold, t->n_splits)) == NULL ||
        (decisions = ints(t, TREE_decision_type, t->n_splits, 0, DECISION_MAX)) == NULL ||
        (left = ints(t, TREE_left_child, t->n_splits, ~n_splits, n_splits - 1)) == NULL ||
        (right = ints(t, TREE_right_child, t->n_splits, ~n_splits, n_splits - 1)) == NULL)
        return false;
    for (uint32_t i = 0; i < t->n_splits; i++) {
        fd_forest_node *node = &t->nodes[i];
        node->input = (uint32_t)inputs[i];
        node->yes = child(t, left[i]);
        node->no = child(t, right[i]);
        if ((decisions[i] & BY_CATEGORY) == 0)
            split_by_number(t, node, i, decisions[i]);
        else if (!split_by_category(t, node, i))
            return false;
    }
    return true;
}

/* Memory for nodes is taken once as many leaves have been seen. */
static bool read_leaves(tree_reader *t)
{
    const double *values = doubles(t, TREE_leaf_value, t->n_leaves);
    if (values == NULL)
        return false;
    t->nodes = fd_arena_zalloc(t->r->arena, (t->n_leaves + t->n_splits) * sizeof *t->nodes);
    fd_forest_leaf_value *to = fd_arena_alloc(t->r->arena, t->n_leaves * sizeof *to);
    FD_ALLOCATED(t->nodes);
    FD_ALLOCATED(to);
    for (uint32_t i = 0; i < t->n_leaves; i++) {
        if (!isfinite(values[i]))
            return fd_lgbm_fail(t->r, t->f[TREE_leaf_value].line, "%s: leaf %u is not finite",
                                t->what, i);
        to[i] = (fd_forest_leaf_value){t->number % t->head->n_outputs, values[i]};
        t->nodes[t->n_splits + i] = (fd_forest_node){
            .split = FD_SPLIT_LEAF, .n_values = 1, .values = &to[i]};
    }
    return true;
}

/* Rows of the training that came by, which LightGBM's contributions weigh with; files may lack
 * them. */
static bool read_covers(tree_reader *t)
{
    if (t->f[TREE_leaf_count].line == 0 || t->f[TREE_internal_count].line == 0)
        return true;
    const int64_t *leaves = ints(t, TREE_leaf_count, t->n_leaves, 0, INT32_MAX);
    const int64_t *splits = leaves == NULL
                                ? NULL
                                : ints(t, TREE_internal_count, t->n_splits, 0, INT32_MAX);
    if (splits == NULL)
        return false;
    for (uint32_t i = 0; i < t->n_splits; i++)
        t->nodes[i].cover = (double)splits[i];
    for (uint32_t i = 0; i < t->n_leaves; i++)
        t->nodes[t->n_splits + i].cover = (double)leaves[i];
    return true;
}

static bool read_tree(fd_lgbm_reader *r, const fd_lgbm_head *h, uint32_t number, uint64_t *n_nodes,
                      fd_forest_tree *out)
{
    tree_reader t = {.r = r, .head = h, .number = number};
    fd_arena_reset(r->scratch);
    snprintf(t.name, sizeof t.name, "tree %u", number);
    if (!fd_str_eq_c(r->line, fd_arena_printf(r->scratch, "Tree=%u", number)))
        return fd_lgbm_fail(r, r->line_no, "%s: expected \"Tree=%u\" of %u trees", t.name, number,
                            h->n_trees);
    if (!read_fields(&t) || !read_sizes(&t, n_nodes) || !read_leaves(&t))
        return false;
    if (t.n_splits > 0 && (!read_sets(&t) || !read_splits(&t) || !read_covers(&t)))
        return false;
    *out = (fd_forest_tree){t.n_splits + t.n_leaves, t.nodes};
    return true;
}

static bool next_section(fd_lgbm_reader *r)
{
    while (fd_lgbm_next_line(r)) {
        if (r->line.n > 0)
            return true;
    }
    return fd_lgbm_fail(r, r->line_no, "no \"end of trees\": the file is truncated");
}

bool fd_lgbm_read_trees(fd_lgbm_reader *r, const fd_lgbm_head *h, fd_forest_spec *spec)
{
    fd_forest_tree *trees = fd_arena_alloc(r->arena, h->n_trees * sizeof *trees);
    FD_ALLOCATED(trees);
    uint64_t n_nodes = 0;
    for (uint32_t i = 0; i < h->n_trees; i++) {
        if (!read_tree(r, h, i, &n_nodes, &trees[i]) || !next_section(r))
            return false;
    }
    if (!fd_str_eq_c(r->line, "end of trees"))
        return fd_lgbm_fail(r, r->line_no, "expected \"end of trees\" after %u trees", h->n_trees);
    spec->n_inputs = h->n_inputs;
    spec->n_outputs = h->n_outputs;
    spec->n_trees = h->n_trees;
    spec->trees = trees;
    return true;
}
