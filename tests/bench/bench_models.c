/*
 * What forests cost: random perfect trees of depth 4, 6 and 8 over 100 inputs, in batches and one
 * row at a time, by ranks, by walking and plainly, in one run. Times are the whole of a score:
 * ranks of the inputs included.
 *
 * bench_models [--json] [--rounds n] [--trees n]: ns of CPU time per tree and row, the best of some
 * rounds, one thread; microseconds for one row; bytes that a forest holds.
 *
 * bench_models --model FILE.ubj --rows FILE --out FILE: the same of a model of XGBoost, on columns
 * of doubles; prints ns per row by size of the batch, and writes the raw scores.
 * tests/bench/models.py compares them with the library's.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/score/random_forest.h"
#include "base/assert.h"
#include "formats/formats.h"
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

/* ---- a model from a file ---- */

static fd_str read_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    FD_ASSERT(f != NULL);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(n + 1);
    FD_ALLOCATED(bytes);
    FD_ASSERT(fread(bytes, 1, n, f) == n);
    fclose(f);
    return (fd_str){bytes, (uint32_t)n};
}

static void score_model(const fd_model *m, const double *rows, uint32_t n, uint32_t batch,
                        double *out)
{
    uint32_t n_inputs = fd_model_shape_of(m)->n_inputs;
    const double **columns = calloc(n_inputs, sizeof *columns);
    FD_ALLOCATED(columns);
    fd_model_run *run = fd_model_run_new(m, batch);
    double best = 1e300;
    for (uint32_t round = 0; round < rounds; round++) {
        double began = now_ns();
        for (uint32_t row = 0; row + batch <= n; row += batch) {
            for (uint32_t i = 0; i < n_inputs; i++)
                columns[i] = rows + (size_t)i * n + row;
            double *to = out + row;
            fd_model_score(run, columns, batch, FD_MODEL_RAW, &to);
        }
        double took = (now_ns() - began) / (n / batch * batch);
        best = took < best ? took : best;
    }
    printf("\"%u\": %.1f, ", batch, best);
    fd_model_run_free(run);
    free(columns);
}

static void run_model(const char *model, const char *rows, const char *out)
{
    static const uint32_t batches[] = {1, 64, 1024};
    fd_diags diags;
    fd_diags_init(&diags);
    fd_str file = read_file(model), values = read_file(rows);
    fd_model *m = fd_xgboost_ubj(model, file, &diags);
    FD_ASSERT(m != NULL && fd_model_shape_of(m)->n_outputs == 1);
    uint32_t n = (uint32_t)(values.n / sizeof(double) / fd_model_shape_of(m)->n_inputs);
    double *scores = calloc(n, sizeof *scores);
    FD_ALLOCATED(scores);
    printf("{");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        score_model(m, (const double *)(const void *)values.p, n, batches[i], scores);
    printf("\"bytes\": %zu}\n", fd_model_shape_of(m)->bytes);
    FILE *f = fopen(out, "wb");
    FD_ASSERT(f != NULL && fwrite(scores, sizeof *scores, n, f) == n);
    fclose(f);
    free(scores);
    free((void *)(uintptr_t)file.p);
    free((void *)(uintptr_t)values.p);
    fd_model_free(m);
    fd_diags_free(&diags);
}

int main(int argc, char **argv)
{
    const char *model = NULL, *rows = NULL, *out = NULL;
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"trees", required_argument, NULL, 't'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"rows", required_argument, NULL, 'x'},
                                            {"out", required_argument, NULL, 'o'},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'r')
            rounds = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 't')
            trees = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 'm')
            model = optarg;
        else if (c == 'x')
            rows = optarg;
        else if (c == 'o')
            out = optarg;
        else
            return 2;
    }
    if (model != NULL && rows != NULL && out != NULL) {
        run_model(model, rows, out);
        return 0;
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
