/* Rows through the fast layouts, 64 at a time; see forest_fast.h. Any thread. */
#include <string.h>

#include "score/forest_fast.h"

enum { LANES = 8, FEW_ROWS = 8 };

FD_DEFINE_RANK_OF(rank_of_float, float)
FD_DEFINE_RANK_OF(rank_of_double, double)

/* ---- ranks ---- */

/* What a view makes of a value; *missing when it is that. */
static inline double seen(const fd_view *v, double x, bool *missing)
{
    *missing = isnan(x) || (v->zero_is_missing && fabs(x) <= FD_ZERO_BOUND);
    if (*missing && v->missing == FD_MISSING_IS_ZERO) {
        *missing = false;
        return 0;
    }
    return x;
}

/* The view's columns at row r. */
static inline void spread(const fd_view *v, uint32_t rank, uint32_t r, uint8_t *ranks)
{
    uint8_t *to = ranks + (size_t)v->column * FD_TILE + r;
    for (uint32_t first = 0; first < v->n_cuts; first += FD_COLUMN_CUTS, to += FD_TILE) {
        uint32_t above = rank > first ? rank - first : 0;
        *to = (uint8_t)(above < UINT8_MAX ? above : UINT8_MAX);
    }
}

static void rank_row(const fd_forest *f, const fd_view *v, double x, uint32_t r, uint8_t *ranks)
{
    bool missing;
    x = seen(v, fd_forest_input(f, x), &missing);
    uint32_t rank = missing ? (v->missing == FD_MISSING_HIGH ? v->n_cuts : 0)
                    : f->float_inputs
                        ? rank_of_float(f->fast->float_cuts + v->first_cut, v->n_cuts, (float)x)
                        : rank_of_double(f->fast->double_cuts + v->first_cut, v->n_cuts, x);
    spread(v, rank, r, ranks);
}

/* A tile of one view: numbers first, then what is missing. */
static void rank_view(const fd_forest *f, const fd_view *v, const double *column, uint32_t n,
                      uint8_t *ranks)
{
    _Alignas(64) float floats[FD_TILE];
    _Alignas(64) double doubles[FD_TILE];
    _Alignas(64) uint32_t rank[FD_TILE];
    bool missing[FD_TILE];
    for (uint32_t r = 0; r < FD_TILE; r++) {
        doubles[r] = seen(v, fd_forest_input(f, r < n ? column[r] : 0), &missing[r]);
        floats[r] = (float)doubles[r];
    }
    if (f->float_inputs)
        f->fast->kernels->rank_floats(f->fast->float_cuts + v->first_cut, v->n_cuts, floats, rank);
    else
        f->fast->kernels->rank_doubles(f->fast->double_cuts + v->first_cut, v->n_cuts, doubles,
                                       rank);
    uint32_t to = v->missing == FD_MISSING_HIGH ? v->n_cuts : 0;
    for (uint32_t r = 0; r < FD_TILE; r++)
        rank[r] = missing[r] ? to : rank[r];
    for (uint32_t first = 0; first < v->n_cuts; first += FD_COLUMN_CUTS, ranks += FD_TILE) {
        for (uint32_t r = 0; r < FD_TILE; r++) {
            uint32_t above = rank[r] > first ? rank[r] - first : 0;
            ranks[r] = (uint8_t)(above < UINT8_MAX ? above : UINT8_MAX);
        }
    }
}

void fd_forest_rank_tile(const fd_forest *f, const double *const *columns, uint32_t from,
                         uint32_t n, uint8_t *ranks)
{
    const fd_forest_fast *fast = f->fast;
    for (uint32_t i = 0; i < fast->n_views; i++) {
        const fd_view *v = &fast->views[i];
        const double *column = columns[v->input] + from;
        if (n > FEW_ROWS) {
            rank_view(f, v, column, n, ranks + (size_t)v->column * FD_TILE);
            continue;
        }
        for (uint32_t r = 0; r < n; r++)
            rank_row(f, v, column[r], r, ranks);
    }
    for (uint32_t i = 0; i < fast->n_tests; i++) {
        const fd_kept_node *node = &f->nodes[fast->tests[i].node];
        uint8_t *to = ranks + (size_t)fast->tests[i].column * FD_TILE;
        for (uint32_t r = 0; r < n; r++)
            to[r] = !fd_forest_goes_yes(f, node,
                                        fd_forest_input(f, columns[node->input][from + r]));
    }
}

/* ---- sums of a tile ---- */

typedef struct tile {
    const fd_forest *f;
    const fd_forest_fast *fast;
    const double *const *columns;
    uint32_t from, n;
    uint8_t *ranks;
    float *floats; /* [output][64], one of the two */
    double *doubles;
} tile;

static inline void add(const tile *t, uint32_t output, uint32_t row, double value)
{
    size_t at = (size_t)output * FD_TILE + row;
    if (t->floats != NULL)
        t->floats[at] += (float)value;
    else
        t->doubles[at] += value;
}

static void add_node(const tile *t, const fd_kept_node *leaf, uint32_t row)
{
    for (uint32_t i = 0; i < leaf->n; i++) {
        const fd_forest_leaf_value *v = &t->f->values[leaf->first + i];
        add(t, v->output, row, v->value);
    }
}

static void add_plain(const tile *t, uint32_t tree, uint32_t row)
{
    add_node(t, fd_forest_leaf(t->f, tree, t->columns, t->from + row), row);
}

static inline void add_step(const tile *t, uint32_t tree, uint32_t step, uint32_t row)
{
    const fd_fast_tree *fast = &t->fast->trees[tree];
    fd_leaf_ref leaf = t->fast->step_leaves[step];
    if (fast->kind == FD_TREE_PLAIN)
        add_plain(t, tree, row);
    else if (fast->simple)
        add(t, fast->output, row, leaf.value);
    else
        add_node(t, fd_forest_nodes(t->f, tree) + leaf.node, row);
}

/* Eight walks in turn until all are at a leaf; at[lane] in, leaves out. */
static inline void walk(const fd_step *steps, const uint8_t *const *rows, uint32_t *at)
{
    uint32_t moved;
    do {
        moved = 0;
        for (int lane = 0; lane < LANES; lane++) {
            fd_step s = steps[at[lane]];
            uint8_t rank = rows[lane][(size_t)(s.test >> 8) * FD_TILE];
            uint32_t next = s.child + (rank > (uint8_t)s.test);
            moved |= next ^ at[lane];
            at[lane] = next;
        }
    } while (moved != 0);
}

/* One tree, eight rows at a time. */
static void walk_rows(const tile *t, uint32_t tree)
{
    uint32_t at[LANES], step = t->fast->trees[tree].first_step;
    const uint8_t *rows[LANES];
    for (uint32_t from = 0; from < t->n; from += LANES) {
        for (uint32_t lane = 0; lane < LANES; lane++) {
            at[lane] = from + lane < t->n ? step : 0;
            rows[lane] = t->ranks + (from + lane) % FD_TILE;
        }
        walk(t->fast->steps, rows, at);
        for (uint32_t lane = 0; lane < LANES && from + lane < t->n; lane++)
            add_step(t, tree, at[lane], from + lane);
    }
}

/* One row, eight trees at a time. */
static void walk_trees(const tile *t, uint32_t row)
{
    uint32_t at[LANES];
    const uint8_t *rows[LANES];
    for (int lane = 0; lane < LANES; lane++)
        rows[lane] = t->ranks + row;
    for (uint32_t from = 0; from < t->f->n_trees; from += LANES) {
        for (uint32_t lane = 0; lane < LANES; lane++)
            at[lane] = from + lane < t->f->n_trees ? t->fast->trees[from + lane].first_step : 0;
        walk(t->fast->steps, rows, at);
        for (uint32_t lane = 0; lane < LANES && from + lane < t->f->n_trees; lane++)
            add_step(t, from + lane, at[lane], row);
    }
}

static void add_leaves(const tile *t, uint32_t tree, const uint8_t *leaves)
{
    const fd_fast_tree *fast = &t->fast->trees[tree];
    if (!fast->simple) {
        const fd_kept_node *nodes = fd_forest_nodes(t->f, tree);
        for (uint32_t row = 0; row < t->n; row++)
            add_node(t, &nodes[t->fast->leaf_nodes[fast->first_leaf + leaves[row]]], row);
    } else if (t->floats != NULL) {
        t->fast->kernels->add_floats(t->fast->float_leaves + fast->first_leaf, leaves,
                                     t->floats + (size_t)fast->output * FD_TILE);
    } else {
        t->fast->kernels->add_doubles(t->fast->double_leaves + fast->first_leaf, leaves,
                                      t->doubles + (size_t)fast->output * FD_TILE);
    }
}

static void score_tree(const tile *t, uint32_t tree)
{
    _Alignas(64) uint8_t leaves[FD_TILE];
    const fd_fast_tree *fast = &t->fast->trees[tree];
    if (fast->kind == FD_TREE_PLAIN) {
        for (uint32_t row = 0; row < t->n; row++)
            add_plain(t, tree, row);
        return;
    }
    if (fast->kind == FD_TREE_STEPS || t->f->way == FD_FOREST_BY_WALK) {
        walk_rows(t, tree);
        return;
    }
    if (fast->kind == FD_TREE_PERFECT)
        t->fast->kernels->perfect(t->fast->heap_splits + fast->first_split, fast->depth, t->ranks,
                                  leaves);
    else
        t->fast->kernels->bytes(t->fast->byte_splits + fast->first_split, fast->n_splits, t->ranks,
                                leaves);
    add_leaves(t, tree, leaves);
}

static void begin(const tile *t)
{
    for (uint32_t o = 0; o < t->f->n_outputs; o++) {
        double from = fd_forest_begin(t->f, o);
        for (uint32_t r = 0; r < FD_TILE; r++) {
            if (t->floats != NULL)
                t->floats[(size_t)o * FD_TILE + r] = (float)from;
            else
                t->doubles[(size_t)o * FD_TILE + r] = from;
        }
    }
}

static void end(const tile *t, double *const *out)
{
    for (uint32_t o = 0; o < t->f->n_outputs; o++) {
        for (uint32_t r = 0; r < t->n; r++) {
            size_t at = (size_t)o * FD_TILE + r;
            double sum = t->floats != NULL ? (double)t->floats[at] : t->doubles[at];
            out[o][t->from + r] = fd_forest_end(t->f, o, sum);
        }
    }
}

size_t fd_forest_fast_scratch(const fd_forest *f)
{
    return (size_t)FD_TILE * (f->fast->n_columns + f->n_outputs * sizeof(double));
}

void fd_forest_score_fast(const fd_forest *f, void *scratch, const double *const *columns,
                          uint32_t n, double *const *out)
{
    uint8_t *sums = (uint8_t *)scratch + (size_t)FD_TILE * f->fast->n_columns;
    tile t = {.f = f, .fast = f->fast, .columns = columns, .ranks = scratch};
    if (fd_forest_sums_floats(f))
        t.floats = (float *)(void *)sums;
    else
        t.doubles = (double *)(void *)sums;
    for (t.from = 0; t.from < n; t.from += t.n) {
        t.n = n - t.from < FD_TILE ? n - t.from : FD_TILE;
        fd_forest_rank_tile(f, columns, t.from, t.n, t.ranks);
        begin(&t);
        bool few = t.n <= FEW_ROWS && f->way != FD_FOREST_BY_RANKS;
        for (uint32_t row = 0; row < t.n && few; row++)
            walk_trees(&t, row);
        for (uint32_t tree = 0; tree < f->n_trees && !few; tree++)
            score_tree(&t, tree);
        end(&t, out);
    }
}
