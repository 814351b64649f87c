/*
 * From splits to columns of ranks: which cuts each view of an input has, and where each split finds
 * its answer. See forest_fast.h. At load; one thread.
 */
#include <string.h>

#include "base/hash.h"
#include "score/forest_fast.h"

typedef struct cut {
    uint32_t input;
    uint16_t look; /* missing * 2 + zero_is_missing */
    double at;     /* NaN: beyond all numbers */
    size_t node;
} cut;

enum { LOOKS = 6 };

typedef struct making {
    const fd_forest *f;
    fd_forest_fast *fast;
    fd_rank_split *splits;
    cut *cuts;
    size_t n;
} making;

static bool is_test(const fd_kept_node *node)
{
    return node->split == FD_SPLIT_EQ || node->split == FD_SPLIT_NE || node->split == FD_SPLIT_IN;
}

/* The smallest number that `x < t` and `x >= t`, or `x <= t` and `x > t`, tell from those below. */
static double cut_of(const fd_forest *f, const fd_kept_node *node)
{
    double t = node->threshold;
    if (node->split == FD_SPLIT_LT || node->split == FD_SPLIT_GE)
        return t + 0.0; /* -0 is 0 */
    if (t == INFINITY)
        return NAN;
    return f->float_inputs ? (double)nextafterf((float)t, INFINITY) : nextafter(t, INFINITY);
}

static uint16_t look_of(const fd_kept_node *node, bool yes_first)
{
    fd_view_missing missing = node->missing_yes == yes_first ? FD_MISSING_LOW : FD_MISSING_HIGH;
    if (node->nan_is_zero && !node->zero_is_missing)
        missing = FD_MISSING_IS_ZERO;
    return (uint16_t)(missing * 2 + node->zero_is_missing);
}

static int compare(const void *a, const void *b)
{
    const cut *x = a, *y = b;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    if (isnan(x->at) || isnan(y->at))
        return (int)isnan(x->at) - (int)isnan(y->at);
    return (x->at > y->at) - (x->at < y->at);
}

/* ---- tests: sets and equalities ---- */

static uint64_t hash_of(const fd_forest *f, const fd_kept_node *node)
{
    struct {
        double threshold;
        uint32_t input;
        uint8_t split, missing, zero, nan, from_zero, none[3];
    } what;
    memset(&what, 0, sizeof what);
    what.threshold = node->split == FD_SPLIT_IN ? 0 : node->threshold;
    what.input = node->input;
    what.split = node->split;
    what.missing = node->missing_yes;
    what.zero = node->zero_is_missing;
    what.nan = node->nan_is_zero;
    what.from_zero = node->from_zero;
    uint64_t seed = fd_hash64(&what, sizeof what, 0);
    return node->split == FD_SPLIT_IN
               ? fd_hash64(f->sets + node->first, node->n * sizeof *f->sets, seed)
               : seed;
}

static bool same_test(const fd_forest *f, const fd_kept_node *a, const fd_kept_node *b)
{
    if (a->split != b->split || a->input != b->input || a->missing_yes != b->missing_yes ||
        a->zero_is_missing != b->zero_is_missing || a->nan_is_zero != b->nan_is_zero ||
        a->from_zero != b->from_zero)
        return false;
    if (a->split != FD_SPLIT_IN)
        return a->threshold == b->threshold;
    return a->n == b->n &&
           memcmp(f->sets + a->first, f->sets + b->first, a->n * sizeof *f->sets) == 0;
}

/* False: it is one too many. */
static bool find_test(const making *m, size_t at, uint32_t *out)
{
    const fd_kept_node *node = &m->f->nodes[at];
    fd_forest_fast *fast = m->fast;
    uint64_t hash = hash_of(m->f, node);
    for (uint32_t i = 0; i < fast->n_tests; i++) {
        if (fast->tests[i].hash == hash &&
            same_test(m->f, node, &m->f->nodes[fast->tests[i].node])) {
            *out = i;
            return true;
        }
    }
    if (fast->n_tests == FD_MAX_TESTS)
        return false;
    *out = fast->n_tests;
    fast->tests[fast->n_tests++] = (fd_test_column){.hash = hash, .node = at};
    return true;
}

static bool add_splits(making *m, uint32_t tree)
{
    const fd_kept_tree *t = &m->f->trees[tree];
    for (size_t at = t->first; at < t->first + t->n_nodes; at++) {
        const fd_kept_node *node = &m->f->nodes[at];
        fd_rank_split *split = &m->splits[at];
        if (node->split == FD_SPLIT_LEAF)
            continue;
        split->yes_first = node->split != FD_SPLIT_GT && node->split != FD_SPLIT_GE;
        if (!is_test(node))
            m->cuts[m->n++] = (cut){node->input, look_of(node, split->yes_first),
                                    cut_of(m->f, node), at};
        else if (!find_test(m, at, &split->column))
            return false;
    }
    return true;
}

/* ---- columns ---- */

static void put_cut(fd_forest_fast *fast, double at)
{
    if (fast->float_cuts != NULL)
        fast->float_cuts[fast->n_cuts++] = (float)at;
    else
        fast->double_cuts[fast->n_cuts++] = at;
}

/* The looks that the splits of one input need, and their columns. */
static void make_looks(making *m, const fd_view *v, const cut *cuts, size_t n, uint32_t *columns)
{
    fd_forest_fast *fast = m->fast;
    bool used[LOOKS] = {false};
    for (size_t i = 0; i < n; i++)
        used[cuts[i].look] = true;
    for (uint32_t look = 0; look < LOOKS; look++) {
        if (!used[look])
            continue;
        columns[look] = fast->n_columns;
        fast->looks[fast->n_looks++] = (fd_look){.missing = (uint8_t)(look / 2),
                                                 .zero_is_missing = look % 2 != 0,
                                                 .column = fast->n_columns};
        fast->n_columns += (v->n_cuts + FD_COLUMN_CUTS - 1) / FD_COLUMN_CUTS;
    }
}

/* The cuts of one input. */
static void make_view(making *m, const cut *cuts, size_t n)
{
    fd_forest_fast *fast = m->fast;
    uint32_t columns[LOOKS] = {0};
    fd_view *v = &fast->views[fast->n_views++];
    *v = (fd_view){.input = cuts->input, .first_cut = fast->n_cuts, .first_look = fast->n_looks};
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare(&cuts[i - 1], &cuts[i]) != 0) {
            put_cut(fast, cuts[i].at);
            v->n_cuts++;
            v->zero += cuts[i].at <= 0;
        }
        m->splits[cuts[i].node].column = v->n_cuts - 1;
    }
    for (uint32_t i = v->n_cuts; i == v->n_cuts || i % FD_CUT_LANES != 0; i++)
        put_cut(fast, NAN);
    make_looks(m, v, cuts, n, columns);
    v->n_looks = fast->n_looks - v->first_look;
    for (size_t i = 0; i < n; i++) {
        fd_rank_split *split = &m->splits[cuts[i].node];
        split->k = (uint8_t)(split->column % FD_COLUMN_CUTS);
        split->column = columns[cuts[i].look] + split->column / FD_COLUMN_CUTS;
    }
}

static void make_views(making *m)
{
    fd_forest_fast *fast = m->fast;
    size_t from = 0;
    qsort(m->cuts, m->n, sizeof *m->cuts, compare);
    fast->views = calloc(m->f->n_inputs + 1U, sizeof *fast->views);
    fast->looks = calloc(m->f->n_inputs + 1U, LOOKS * sizeof *fast->looks);
    FD_ALLOCATED(fast->views);
    FD_ALLOCATED(fast->looks);
    for (size_t i = 1; i <= m->n; i++) {
        if (i == m->n || m->cuts[i - 1].input != m->cuts[i].input) {
            make_view(m, m->cuts + from, i - from);
            from = i;
        }
    }
}

/* Tests come behind the views. */
static void place_tests(making *m)
{
    fd_forest_fast *fast = m->fast;
    for (uint32_t i = 0; i < fast->n_tests; i++)
        fast->tests[i].column = fast->n_columns + i;
    for (size_t at = 0; at < m->f->n_nodes; at++) {
        if (is_test(&m->f->nodes[at]))
            m->splits[at].column += fast->n_columns;
    }
    fast->n_columns += fast->n_tests;
    fast->n_columns += fast->n_columns == 0; /* a tree of one leaf looks at one, too */
}

static void make_room(making *m)
{
    fd_forest_fast *fast = m->fast;
    size_t n = m->f->n_nodes + (m->f->n_inputs + 1U) * 2UL * FD_CUT_LANES;
    m->cuts = calloc(m->f->n_nodes + 1, sizeof *m->cuts);
    fast->tests = calloc(FD_MAX_TESTS, sizeof *fast->tests);
    FD_ALLOCATED(m->cuts);
    FD_ALLOCATED(fast->tests);
    if (m->f->float_inputs)
        fast->float_cuts = calloc(n, sizeof *fast->float_cuts);
    else
        fast->double_cuts = calloc(n, sizeof *fast->double_cuts);
    FD_ASSERT(fast->float_cuts != NULL || fast->double_cuts != NULL);
}

/* What was more than needed. */
static void give_back(fd_forest_fast *fast)
{
    void *cuts = fast->float_cuts != NULL
                     ? realloc(fast->float_cuts, (fast->n_cuts + 1) * sizeof *fast->float_cuts)
                     : realloc(fast->double_cuts, (fast->n_cuts + 1) * sizeof *fast->double_cuts);
    void *tests = realloc(fast->tests, (fast->n_tests + 1U) * sizeof *fast->tests);
    FD_ALLOCATED(cuts);
    FD_ALLOCATED(tests);
    if (fast->float_cuts != NULL)
        fast->float_cuts = cuts;
    else
        fast->double_cuts = cuts;
    fast->tests = tests;
}

bool fd_forest_make_columns(const fd_forest *f, fd_forest_fast *fast, fd_rank_split *splits,
                            bool *plain)
{
    making m = {.f = f, .fast = fast, .splits = splits};
    make_room(&m);
    for (uint32_t t = 0; t < f->n_trees; t++) {
        size_t before = m.n;
        plain[t] = !add_splits(&m, t);
        if (plain[t])
            m.n = before;
    }
    make_views(&m);
    place_tests(&m);
    free(m.cuts);
    give_back(fast);
    return fast->n_columns <= FD_MAX_COLUMNS;
}
