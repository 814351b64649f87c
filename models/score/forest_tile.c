/* Rows through the fast layouts, 64 at a time; see forest_fast.h. Any thread. */
#include <string.h>

#include "score/forest_fast.h"

enum { LANES = 8, FEW_ROWS = 8 };

FD_DEFINE_RANK_OF(rank_of_float, float)
FD_DEFINE_RANK_OF(rank_of_double, double)

/* ---- ranks ---- */

static bool is_zero(double x)
{
    return fabs(x) <= FD_ZERO_BOUND;
}

/* The rank of what is missing. */
static uint32_t lost_rank(const fd_view *v, const fd_look *look)
{
    return look->missing == FD_MISSING_LOW    ? 0
           : look->missing == FD_MISSING_HIGH ? v->n_cuts
                                              : v->zero;
}

static uint8_t clamped(uint32_t rank, uint32_t first)
{
    uint32_t above = rank > first ? rank - first : 0;
    return (uint8_t)(above < UINT8_MAX ? above : UINT8_MAX);
}

static void rank_row(const fd_forest *f, const fd_view *v, double x, uint32_t r, uint8_t *ranks)
{
    const fd_forest_fast *fast = f->fast;
    x = fd_forest_input(f, x);
    uint32_t known = f->float_inputs
                         ? rank_of_float(fast->float_cuts + v->first_cut, v->n_cuts, (float)x)
                         : rank_of_double(fast->double_cuts + v->first_cut, v->n_cuts, x);
    for (uint32_t i = v->first_look; i < v->first_look + v->n_looks; i++) {
        const fd_look *look = &fast->looks[i];
        bool missing = isnan(x) || (look->zero_is_missing && is_zero(x));
        uint32_t rank = missing ? lost_rank(v, look) : known;
        uint8_t *to = ranks + (size_t)look->column * FD_TILE + r;
        for (uint32_t first = 0; first < v->n_cuts; first += FD_COLUMN_CUTS, to += FD_TILE)
            *to = clamped(rank, first);
    }
}

/* A tile of one look. */
static void spread_look(const fd_forest *f, const fd_view *v, const fd_look *look, const double *x,
                        const uint32_t *rank, const uint8_t *nan, uint8_t *ranks)
{
    _Alignas(64) uint8_t zeros[FD_TILE];
    if (look->zero_is_missing) {
        for (uint32_t r = 0; r < FD_TILE; r++)
            zeros[r] = isnan(x[r]) || is_zero(fd_forest_input(f, x[r]));
        nan = zeros;
    }
    uint32_t lost = lost_rank(v, look);
    uint8_t *to = ranks + (size_t)look->column * FD_TILE;
    for (uint32_t first = 0; first < v->n_cuts; first += FD_COLUMN_CUTS, to += FD_TILE)
        f->fast->kernels->spread(rank, first, nan, clamped(lost, first), to);
}

/* A tile of one input. */
static void rank_view(const fd_forest *f, const fd_view *v, const double *x, uint32_t n,
                      uint8_t *ranks)
{
    _Alignas(64) float floats[FD_TILE];
    _Alignas(64) double padded[FD_TILE];
    _Alignas(64) uint32_t rank[FD_TILE];
    _Alignas(64) uint8_t missing[FD_TILE];
    const fd_forest_fast *fast = f->fast;
    if (n < FD_TILE) {
        memset(padded, 0, sizeof padded);
        memcpy(padded, x, n * sizeof *x);
        x = padded;
    }
    bool any = fast->kernels->see(x, floats, missing);
    if (f->float_inputs)
        fast->kernels->rank_floats(fast->float_cuts + v->first_cut, v->n_cuts, floats, rank);
    else
        fast->kernels->rank_doubles(fast->double_cuts + v->first_cut, v->n_cuts, x, rank);
    for (uint32_t i = v->first_look; i < v->first_look + v->n_looks; i++)
        spread_look(f, v, &fast->looks[i], x, rank, any ? missing : NULL, ranks);
}

void fd_forest_rank_tile(const fd_forest *f, const double *const *columns, uint32_t from,
                         uint32_t n, uint8_t *ranks)
{
    const fd_forest_fast *fast = f->fast;
    for (uint32_t i = 0; i < fast->n_views; i++) {
        const fd_view *v = &fast->views[i];
        const double *column = columns[v->input] + from;
        if (n > FEW_ROWS) {
            rank_view(f, v, column, n, ranks);
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
        t->fast->kernels->add_floats(t->fast->float_leaves + fast->first_leaf, fast->n_leaves,
                                     leaves, t->floats + (size_t)fast->output * FD_TILE);
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
