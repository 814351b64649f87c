/*
 * The self-test: rows of inputs and what the model must say of them, from the place that trained
 * it. Columns have the inputs' names, `expected` for the score, `expected_0`, `expected_1` ... for
 * all outputs. Loading.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"
#include "manifest/manifest_int.h"
#include "manifest/table.h"

enum { BLOCK = 256 };

typedef struct test {
    fd_manifest *m;
    fd_diags *diags;
    fd_table table;
    uint32_t n_outputs;
    const double **inputs;
    const double **expected; /* by output; NULL: not said */
    double *scores;          /* the score of each row */
    bool failed;
} test;

static bool find_columns(test *t)
{
    bool any = false;
    size_t errors = t->diags->errors;
    for (uint32_t i = 0; i < t->m->n_inputs; i++)
        fd_table_numbers(&t->table, t->m->inputs[i].name, t->diags, &t->inputs[i]);
    for (uint32_t o = 0; o < t->n_outputs; o++) {
        char name[32];
        snprintf(name, sizeof name, "expected_%u", o);
        const fd_table_column *c = fd_table_find(&t->table, fd_str_from(name));
        if (c == NULL && o == t->m->score)
            snprintf(name, sizeof name, "expected");
        if (fd_table_find(&t->table, fd_str_from(name)) != NULL)
            any = fd_table_numbers(&t->table, fd_str_from(name), t->diags, &t->expected[o]) || any;
    }
    if (t->diags->errors == errors && !any)
        fd_diags_add(t->diags, &(fd_diag){.severity = FD_ERROR,
                                          .file = t->table.file,
                                          .line = 1,
                                          .col = 1,
                                          .width = 1,
                                          .text = "there is no column 'expected'",
                                          .hint = "it has what the model must say of each row"});
    return t->diags->errors == errors;
}

static bool agrees(double got, double want, double tolerance)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return got == want;
    return fabs(got - want) <= tolerance * fmax(1, fabs(want));
}

/* The first row that differs is enough: the model is another one. */
static void compare(test *t, uint32_t from, uint32_t n, double *const *out)
{
    for (uint32_t r = 0; r < n && !t->failed; r++) {
        for (uint32_t o = 0; o < t->n_outputs && !t->failed; o++) {
            if (t->expected[o] == NULL ||
                agrees(out[o][r], t->expected[o][from + r], t->m->tolerance))
                continue;
            t->failed = true;
            fd_diags_error(t->diags,
                           "%s: row %u of the self-test: the model says %.17g, expected %.17g "
                           "(tolerance %g)",
                           t->table.file, from + r + 1, out[o][r], t->expected[o][from + r],
                           t->m->tolerance);
        }
    }
}

static void score_rows(test *t)
{
    fd_manifest_run *run = fd_manifest_run_new(t->m, BLOCK);
    const double **columns = calloc(t->m->n_inputs + 1U, sizeof *columns);
    double **out = calloc(t->n_outputs, sizeof *out);
    FD_ALLOCATED(columns);
    FD_ALLOCATED(out);
    for (uint32_t o = 0; o < t->n_outputs; o++) {
        out[o] = calloc(BLOCK, sizeof **out);
        FD_ALLOCATED(out[o]);
    }
    for (uint32_t from = 0; from < t->table.n_rows && !t->failed; from += BLOCK) {
        uint32_t n = t->table.n_rows - from < BLOCK ? t->table.n_rows - from : BLOCK;
        for (uint32_t i = 0; i < t->m->n_inputs; i++)
            columns[i] = t->inputs[i] + from;
        fd_manifest_score(run, columns, n, out);
        memcpy(t->scores + from, out[t->m->score], n * sizeof *t->scores);
        compare(t, from, n, out);
    }
    for (uint32_t o = 0; o < t->n_outputs; o++)
        free(out[o]);
    free(out);
    free(columns);
    fd_manifest_run_free(run);
}

static bool run_table(test *t)
{
    fd_manifest *m = t->m;
    if (t->table.n_rows == 0) {
        fd_diags_error(t->diags, "%s: the self-test has no rows", t->table.file);
        return false;
    }
    if (!find_columns(t))
        return false;
    score_rows(t);
    m->n_self_test = t->table.n_rows;
    fd_drift_refer(&m->reference, t->scores, t->table.n_rows);
    return !t->failed;
}

static bool run_file(fd_manifest_def *d, const fd_strbuf *bytes, fd_diags *diags)
{
    fd_manifest *m = &d->m;
    test t = {.m = m, .diags = diags, .n_outputs = fd_model_shape_of(m->model)->n_outputs};
    bool ok = fd_table_parse(&t.table, m->self_test, (fd_str){bytes->p, (uint32_t)bytes->n}, diags);
    t.inputs = calloc(m->n_inputs + 1U, sizeof *t.inputs);
    t.expected = calloc(t.n_outputs, sizeof *t.expected);
    t.scores = calloc(t.table.n_rows + 1U, sizeof *t.scores);
    FD_ALLOCATED(t.inputs);
    FD_ALLOCATED(t.expected);
    FD_ALLOCATED(t.scores);
    ok = ok && run_table(&t);
    free(t.inputs);
    free(t.expected);
    free(t.scores);
    fd_table_free(&t.table);
    return ok;
}

bool fd_manifest_self_test(fd_manifest_def *d, fd_diags *diags)
{
    const fd_manifest *m = &d->m;
    if (m->self_test == NULL) {
        if (m->mode == FD_MODE_LIVE)
            fd_yaml_report(d->y, d->root, FD_ERROR,
                           "write self_test: self_test.csv, or mode: shadow until there is one",
                           "a live model needs a self-test");
        return m->mode != FD_MODE_LIVE;
    }
    fd_strbuf bytes = {0};
    const char *why;
    bool ok = fd_file_read(m->self_test, FD_MODELS_MAX_TABLE_BYTES, &bytes, &why);
    if (!ok)
        fd_yaml_report(d->y, d->test_node, FD_ERROR,
                       "files are found from the manifest's directory", "%s: %s", m->self_test,
                       why);
    else
        ok = run_file(d, &bytes, diags);
    fd_strbuf_free(&bytes);
    return ok;
}
