/*
 * The plain way through a forest, one node after the other: what the layouts are held to, and what
 * explanations walk. Any thread.
 */
#include "score/forest_int.h"

/* Categories from here on are in no set: a float does not count further. */
#define CATEGORIES 16777216.0

static bool in_set(const fd_forest *f, const fd_kept_node *node, double x)
{
    if (!(x > -1.0 && x < CATEGORIES) || (node->from_zero && x < 0))
        return false;
    uint32_t category = (uint32_t)(int32_t)x;
    return category / 64 < node->n &&
           (f->sets[node->first + category / 64] >> (category % 64) & 1) != 0;
}

bool fd_forest_goes_yes(const fd_forest *f, const fd_kept_node *node, double x)
{
    if (isnan(x)) {
        if (!node->nan_is_zero)
            return node->missing_yes;
        x = 0;
    }
    if (node->zero_is_missing && fabs(x) <= FD_ZERO_BOUND)
        return node->missing_yes;
    switch ((fd_split)node->split) {
    case FD_SPLIT_LT:
        return x < node->threshold;
    case FD_SPLIT_LE:
        return x <= node->threshold;
    case FD_SPLIT_GT:
        return x > node->threshold;
    case FD_SPLIT_GE:
        return x >= node->threshold;
    case FD_SPLIT_EQ:
        return x == node->threshold;
    case FD_SPLIT_NE:
        return x != node->threshold;
    case FD_SPLIT_IN:
        return in_set(f, node, x);
    case FD_SPLIT_LEAF:
        break;
    }
    FD_UNREACHABLE();
}

const fd_kept_node *fd_forest_leaf(const fd_forest *f, uint32_t tree, const double *const *columns,
                                   uint32_t row)
{
    const fd_kept_node *nodes = fd_forest_nodes(f, tree), *node = nodes;
    while (node->split != FD_SPLIT_LEAF) {
        double x = fd_forest_input(f, columns[node->input][row]);
        node = &nodes[fd_forest_goes_yes(f, node, x) ? node->yes : node->no];
    }
    return node;
}

double fd_forest_begin(const fd_forest *f, uint32_t output)
{
    return fd_forest_sums_from_base(f) ? f->base[output] : 0;
}

double fd_forest_end(const fd_forest *f, uint32_t output, double sum)
{
    if (fd_forest_sums_from_base(f))
        return sum;
    if (f->average && f->trees_of[output] > 0) {
        double n = f->trees_of[output];
        sum = fd_forest_sums_floats(f) ? (double)((float)sum / (float)n) : sum / n;
    }
    return fd_forest_add(f, sum, f->base[output]);
}

void fd_forest_score_plainly(const fd_forest *f, const double *const *columns, uint32_t n,
                             double *const *out)
{
    for (uint32_t row = 0; row < n; row++) {
        for (uint32_t o = 0; o < f->n_outputs; o++)
            out[o][row] = fd_forest_begin(f, o);
        for (uint32_t t = 0; t < f->n_trees; t++) {
            const fd_kept_node *leaf = fd_forest_leaf(f, t, columns, row);
            for (uint32_t i = 0; i < leaf->n; i++) {
                const fd_forest_leaf_value *v = &f->values[leaf->first + i];
                out[v->output][row] = fd_forest_add(f, out[v->output][row], v->value);
            }
        }
        for (uint32_t o = 0; o < f->n_outputs; o++)
            out[o][row] = fd_forest_end(f, o, out[o][row]);
    }
}
