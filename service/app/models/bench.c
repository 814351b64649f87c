/*
 * `fraudd models bench`: how long a row takes, in batches and alone. Rows are those of a file, or
 * numbers around the self-test's kind: what a model costs hardly depends on them. Main thread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/models/models.h"
#include "base/assert.h"

enum { BATCH = 1024 };
static const int64_t AT_LEAST_NS = 200000000;

typedef struct bench {
    const fd_manifest *m;
    double **columns, **out;
    uint32_t n_outputs;
} bench;

/* Rows of all kinds, one in sixteen values missing; the same every time. */
static void fill(bench *b, const fd_models_rows *rows)
{
    uint64_t x = 88172645463325252U;
    for (uint32_t i = 0; i < b->m->n_inputs; i++) {
        for (uint32_t r = 0; r < BATCH; r++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17; /* G. Marsaglia's xorshift, 2003 */
            double u = (double)(x >> 11) / 9007199254740992.0;
            b->columns[i][r] = x % 16 == 0 ? NAN : u * pow(10, (double)(x % 5));
            if (rows->n != 0)
                b->columns[i][r] = rows->inputs[i][r % rows->n];
        }
    }
}

/* Nanoseconds of a row, in batches of n. */
static double measure(const bench *b, uint32_t n)
{
    fd_manifest_run *run = fd_manifest_run_new(b->m, n);
    const double **at = calloc(b->m->n_inputs + 1U, sizeof *at);
    FD_ALLOCATED(at);
    uint64_t done = 0;
    int64_t began = fd_cli_mono_ns(), took = 0;
    while (took < AT_LEAST_NS && fd_cli_stop_signal() == 0) {
        for (uint32_t from = 0; from + n <= BATCH; from += n) {
            for (uint32_t i = 0; i < b->m->n_inputs; i++)
                at[i] = b->columns[i] + from;
            fd_manifest_score(run, at, n, b->out);
        }
        done += BATCH / n * n;
        took = fd_cli_mono_ns() - began;
    }
    free(at);
    fd_manifest_run_free(run);
    return (double)took / (double)done;
}

static double **columns_of(uint32_t n)
{
    double **columns = calloc(n + 1U, sizeof *columns);
    FD_ALLOCATED(columns);
    for (uint32_t i = 0; i < n; i++) {
        columns[i] = calloc(BATCH, sizeof **columns);
        FD_ALLOCATED(columns[i]);
    }
    return columns;
}

static void free_columns(double **columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(columns[i]);
    free(columns);
}

static void bench_one(const fd_manifest *m, const fd_models_rows *rows, bool json, bool first,
                      fd_strbuf *out)
{
    const fd_model_shape *s = fd_model_shape_of(m->model);
    bench b = {.m = m, .n_outputs = s->n_outputs};
    b.columns = columns_of(m->n_inputs);
    b.out = columns_of(s->n_outputs);
    fill(&b, rows);
    double batch = measure(&b, BATCH), single = measure(&b, 1);
    if (json)
        fd_strbuf_printf(out,
                         "%s{\"id\": \"%s\", \"trees\": %u, \"inputs\": %u, \"bytes\": %zu, "
                         "\"batch_ns\": %.1f, \"single_ns\": %.1f}",
                         first ? "" : ", ", m->id.p, s->n_trees, m->n_inputs, s->bytes, batch,
                         single);
    else
        fd_strbuf_printf(out, "%-24s %7u %7u %10zu %14.1f %14.1f\n", m->id.p, s->n_trees,
                         m->n_inputs, s->bytes, batch, single);
    free_columns(b.columns, m->n_inputs);
    free_columns(b.out, s->n_outputs);
}

static bool read_rows(const fd_models_options *o, const fd_manifest *m, fd_models_rows *rows,
                      fd_diags *diags)
{
    *rows = (fd_models_rows){.n = 0};
    return o->file == NULL || fd_models_rows_read(o->file, m, rows, diags);
}

int fd_models_bench(const fd_models_options *o, const fd_models *all, fd_diags *diags)
{
    fd_strbuf out = {0};
    const fd_manifest *only = NULL;
    if ((o->id != NULL || o->file != NULL) && (only = fd_models_pick(o, all, diags)) == NULL)
        return FD_EXIT_USAGE;
    fd_cli_catch_signals();
    if (o->json)
        fd_strbuf_puts(&out, "{\"models\": [");
    else
        fd_strbuf_printf(&out, "%-24s %7s %7s %10s %14s %14s\n", "model", "trees", "inputs",
                         "bytes", "ns/row of 1024", "ns/row alone");
    bool ok = true, first = true;
    for (uint32_t i = 0; i < fd_models_n(all) && ok; i++) {
        const fd_manifest *m = fd_models_at(all, i);
        if (only != NULL && m != only)
            continue;
        fd_models_rows rows;
        ok = read_rows(o, m, &rows, diags);
        if (ok)
            bench_one(m, &rows, o->json, first, &out);
        if (o->file != NULL)
            fd_models_rows_free(&rows);
        first = false;
    }
    fd_strbuf_puts(&out, o->json ? "]}\n" : "");
    ok = ok && fd_models_print(&out);
    fd_strbuf_free(&out);
    return fd_cli_stop_signal() != 0 ? 128 + fd_cli_stop_signal() : ok ? FD_EXIT_OK : FD_EXIT_CHECK;
}
