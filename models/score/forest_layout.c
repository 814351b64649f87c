/* Trees as the fast ways want them; see forest_fast.h. At load; one thread. */
#include <string.h>

#include "score/forest_fast.h"

typedef struct laying {
    const fd_forest *f;
    fd_forest_fast *fast;
    const fd_kept_tree *tree; /* being laid out */
    const fd_kept_node *nodes;
    const fd_rank_split *splits;
    fd_fast_tree *to;
    uint32_t *order; /* kept nodes, in the order of steps */
} laying;

static uint32_t child(const laying *l, uint32_t node, bool second)
{
    return l->splits[node].yes_first != second ? l->nodes[node].yes : l->nodes[node].no;
}

static fd_leaf_ref leaf_ref(const laying *l, uint32_t node)
{
    if (l->to->simple)
        return (fd_leaf_ref){.value = l->f->values[l->nodes[node].first].value};
    return (fd_leaf_ref){.node = node};
}

/* ---- steps ---- */

static void lay_steps(laying *l)
{
    fd_forest_fast *fast = l->fast;
    uint32_t base = fast->n_steps, next = 1;
    l->to->first_step = base;
    l->order[0] = 0;
    for (uint32_t at = 0; at < l->tree->n_nodes; at++) {
        uint32_t node = l->order[at];
        fd_step *step = &fast->steps[base + at];
        if (l->nodes[node].split == FD_SPLIT_LEAF) {
            *step = (fd_step){.test = UINT8_MAX, .child = base + at};
            fast->step_leaves[base + at] = leaf_ref(l, node);
            continue;
        }
        *step = (fd_step){.test = l->splits[node].column << 8 | l->splits[node].k,
                          .child = base + next};
        l->order[next++] = child(l, node, false);
        l->order[next++] = child(l, node, true);
    }
    fast->n_steps += l->tree->n_nodes;
}

/* ---- leaves of trees that are evaluated by bytes ---- */

static void put_leaf(laying *l, uint32_t leaf, uint32_t node)
{
    size_t at = l->to->first_leaf + leaf;
    double value = l->f->values[l->nodes[node].first].value;
    l->fast->leaf_nodes[at] = node;
    if (l->fast->float_leaves != NULL)
        l->fast->float_leaves[at] = (float)value;
    else
        l->fast->double_leaves[at] = value;
}

/* Bottom up: children come after their parents in the kept order. */
static void lay_bytes(laying *l)
{
    uint8_t slots[2 * FD_TILE_LEAVES] = {0};
    uint32_t leaves = 0, chosen = FD_TILE_LEAVES;
    l->to->kind = FD_TREE_BYTES;
    l->to->first_split = l->fast->n_byte_splits;
    for (uint32_t node = l->tree->n_nodes; node-- > 0;) {
        if (l->nodes[node].split == FD_SPLIT_LEAF) {
            put_leaf(l, leaves, node);
            slots[node] = (uint8_t)leaves++;
            continue;
        }
        slots[node] = (uint8_t)chosen++;
        l->fast->byte_splits[l->fast->n_byte_splits++] = (fd_byte_split){
            .column = l->splits[node].column,
            .k = l->splits[node].k,
            .first = slots[child(l, node, false)],
            .second = slots[child(l, node, true)],
            .to = slots[node]};
    }
    l->to->n_splits = chosen - FD_TILE_LEAVES;
}

/* A leaf above the last level is all leaves below its place; splits there do not matter. */
static void place(laying *l, uint32_t node, uint32_t at, uint32_t level)
{
    uint32_t n_splits = (1U << l->to->depth) - 1;
    bool leaf = l->nodes[node].split == FD_SPLIT_LEAF;
    if (level == l->to->depth) {
        put_leaf(l, at - n_splits, node);
        return;
    }
    uint32_t k = leaf ? UINT8_MAX : l->splits[node].k;
    l->fast->heap_splits[l->to->first_split + at] = (fd_heap_split){
        .ranks = leaf ? 0 : l->splits[node].column * FD_TILE, .k = k * 0x01010101U};
    place(l, leaf ? node : child(l, node, false), 2 * at + 1, level + 1);
    place(l, leaf ? node : child(l, node, true), 2 * at + 2, level + 1);
}

static void lay_perfect(laying *l)
{
    l->to->kind = FD_TREE_PERFECT;
    l->to->depth = (uint8_t)l->tree->depth;
    l->to->first_split = l->fast->n_heap_splits;
    place(l, 0, 0, 0);
    l->fast->n_heap_splits += (1U << l->tree->depth) - 1;
}

/* ---- choosing ---- */

static bool is_simple(const laying *l, uint32_t *output)
{
    bool first = true;
    for (uint32_t i = 0; i < l->tree->n_nodes; i++) {
        const fd_kept_node *node = &l->nodes[i];
        if (node->split != FD_SPLIT_LEAF)
            continue;
        uint32_t to = l->f->values[node->first].output;
        if (node->n != 1 || (!first && to != *output))
            return false;
        *output = to;
        first = false;
    }
    return true;
}

/* A split of a perfect tree costs a third of one in an order of its own, and 255 of them less than
 * walking; measured. */
static fd_tree_kind kind_of(const fd_kept_tree *t)
{
    bool small = t->n_leaves <= FD_TILE_LEAVES;
    if (t->depth >= 1 && t->depth <= FD_PERFECT_DEPTH &&
        (!small || (1U << t->depth) <= 3 * t->n_leaves))
        return FD_TREE_PERFECT;
    return small && t->n_leaves >= 2 ? FD_TREE_BYTES : FD_TREE_STEPS;
}

static uint32_t places_of(const fd_kept_tree *t)
{
    uint32_t n = kind_of(t) == FD_TREE_PERFECT ? 1U << t->depth : 0;
    return n > FD_TILE_LEAVES ? n : FD_TILE_LEAVES;
}

static void lay_tree(laying *l)
{
    l->to->kind = FD_TREE_STEPS;
    l->to->simple = is_simple(l, &l->to->output);
    lay_steps(l);
    fd_tree_kind kind = kind_of(l->tree);
    if (kind == FD_TREE_STEPS)
        return;
    l->to->first_leaf = l->fast->n_leaves;
    l->to->n_leaves = places_of(l->tree);
    if (kind == FD_TREE_PERFECT)
        lay_perfect(l);
    else
        lay_bytes(l);
    l->fast->n_leaves += l->to->n_leaves;
}

static void *room(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    FD_ALLOCATED(p);
    return p;
}

/* The most that all trees can take, counted by the rules of lay_tree(). */
static uint32_t make_room(const fd_forest *f, fd_forest_fast *fast, const bool *plain)
{
    size_t bytes = 0, heap = 0, leaves = 0;
    uint32_t most = 0;
    for (uint32_t t = 0; t < f->n_trees; t++) {
        const fd_kept_tree *tree = &f->trees[t];
        most = tree->n_nodes > most ? tree->n_nodes : most;
        fd_tree_kind kind = kind_of(tree);
        if (plain[t] || kind == FD_TREE_STEPS)
            continue;
        leaves += places_of(tree);
        if (kind == FD_TREE_PERFECT)
            heap += (1U << tree->depth) - 1;
        else
            bytes += tree->n_leaves - 1;
    }
    fast->trees = room(f->n_trees, sizeof *fast->trees);
    fast->steps = room(f->n_nodes, sizeof *fast->steps);
    fast->step_leaves = room(f->n_nodes, sizeof *fast->step_leaves);
    fast->byte_splits = room(bytes, sizeof *fast->byte_splits);
    fast->heap_splits = room(heap, sizeof *fast->heap_splits);
    fast->leaf_nodes = room(leaves, sizeof *fast->leaf_nodes);
    if (fd_forest_sums_floats(f))
        fast->float_leaves = room(leaves, sizeof *fast->float_leaves);
    else
        fast->double_leaves = room(leaves, sizeof *fast->double_leaves);
    return most;
}

void fd_forest_make_trees(const fd_forest *f, fd_forest_fast *fast, const fd_rank_split *splits,
                          const bool *plain)
{
    laying l = {.f = f, .fast = fast};
    l.order = room(make_room(f, fast, plain), sizeof *l.order);
    /* Step 0 is a leaf: where plain trees are walked to. */
    fast->n_steps = 1;
    fast->steps[0] = (fd_step){.test = UINT8_MAX};
    for (uint32_t t = 0; t < f->n_trees; t++) {
        l.tree = &f->trees[t];
        l.nodes = fd_forest_nodes(f, t);
        l.splits = splits + l.tree->first;
        l.to = &fast->trees[t];
        if (!plain[t])
            lay_tree(&l);
    }
    free(l.order);
}
