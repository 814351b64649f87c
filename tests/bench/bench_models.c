/*
 * What forests cost: random perfect trees of depth 4, 6 and 8 over 100 inputs, in batches and one
 * row at a time, by ranks, by walking and plainly, in one run. Times are the whole of a score:
 * ranks of the inputs included.
 *
 * bench_models [--json] [--rounds n] [--trees n]: ns of CPU time per tree and row, the best of some
 * rounds, one thread; microseconds for one row; bytes that a forest holds.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/score/random_forest.h"
#include "base/assert.h"
#include "score/forest_fast.h"

enum { INPUTS = 100, ROWS = 1024 };

static uint32_t rounds = 20, trees = 300;
static bool json;
static bool first_figure = true;

/* Of this thread: the machine may be busy with others. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void print(const char *name, uint32_t depth, double value, const char *unit)
{
    if (json)
        printf("%s\n  \"%s depth %u\": {\"value\": %.4g, \"unit\": \"%s\"}",
               first_figure ? "" : ",", name, depth, value, unit);
    else
        printf("%-44s depth %u %10.3f %s\n", name, depth, value, unit);
    first_figure = false;
}

typedef struct bench {
    fd_forest *forest;
    double **columns, **out;
    void *scratch;
} bench;

static void score(const bench *b, uint32_t batch, bool plainly)
{
    const double *from[INPUTS];
    for (uint32_t row = 0; row + batch <= ROWS; row += batch) {
        for (uint32_t i = 0; i < INPUTS; i++)
            from[i] = b->columns[i] + row;
        double *to = b->out[0] + row;
        if (plainly)
            fd_forest_score_plainly(b->forest, from, batch, &to);
        else
            fd_forest_score(b->forest, b->scratch, from, batch, &to);
    }
}

/* ns per row, the best of the rounds. */
static double measure(const bench *b, uint32_t batch, bool plainly)
{
    double best = 1e300;
    for (uint32_t i = 0; i < rounds; i++) {
        double began = now_ns();
        score(b, batch, plainly);
        double took = (now_ns() - began) / (ROWS / batch * batch);
        best = took < best ? took : best;
    }
    return best;
}

static void run(uint32_t depth, uint32_t n_thresholds, const char *what)
{
    char name[80];
    rf_plan plan = {.seed = depth,
                    .n_inputs = INPUTS,
                    .n_outputs = 1,
                    .n_trees = trees,
                    .depth = depth,
                    .n_thresholds = n_thresholds,
                    .perfect = true,
                    .less_only = true,
                    .float_inputs = true,
                    .sum = FD_SUM_FLOAT_FROM_BASE};
    fd_diags diags;
    fd_diags_init(&diags);
    rf_forest drawn = rf_draw(&plan);
    bench b = {.forest = fd_forest_new(&drawn.spec, "drawn", &diags)};
    FD_ASSERT(b.forest != NULL);
    b.columns = rf_rows(depth, INPUTS, ROWS, false);
    b.out = rf_columns(1, ROWS);
    b.scratch = aligned_alloc(64, (fd_forest_scratch_bytes(b.forest, ROWS) + 64) / 64 * 64);
    FD_ALLOCATED(b.scratch);
    static const uint32_t batches[] = {1024, 64, 16};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        snprintf(name, sizeof name, "%s, batches of %u", what, batches[i]);
        print(name, depth, measure(&b, batches[i], false) / trees, "ns per tree and row");
    }
    fd_forest_set_way(b.forest, FD_FOREST_BY_WALK);
    snprintf(name, sizeof name, "%s, walked, batches of 64", what);
    print(name, depth, measure(&b, 64, false) / trees, "ns per tree and row");
    snprintf(name, sizeof name, "%s, plain", what);
    print(name, depth, measure(&b, 64, true) / trees, "ns per tree and row");
    fd_forest_set_way(b.forest, FD_FOREST_CHOOSE);
    snprintf(name, sizeof name, "%s, one row, %u trees", what, trees);
    print(name, depth, measure(&b, 1, false) / 1000, "us");
    snprintf(name, sizeof name, "%s, memory", what);
    print(name, depth, (double)fd_forest_bytes(b.forest) / 1024, "KiB");
    free(b.scratch);
    rf_columns_free(b.columns, INPUTS);
    rf_columns_free(b.out, 1);
    fd_forest_free(b.forest);
    rf_free(&drawn);
    fd_diags_free(&diags);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"trees", required_argument, NULL, 't'},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'r')
            rounds = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 't')
            trees = (uint32_t)strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (json)
        printf("{");
    static const uint32_t depths[] = {4, 6, 8};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        run(depths[i], 200, "200 thresholds per input");
        run(depths[i], 0, "each split its own threshold");
    }
    if (json)
        printf("\n}\n");
    return 0;
}
