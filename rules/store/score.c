/*
 * Models over a batch: which rows each of them scores, what it is given of them, and where
 * conditions find what it said.
 *
 * Invariant: a row's inputs and scores are the same whatever other rows are in the batch, and
 * whether or not a condition looks at them. Thread: one per run.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "store/run_int.h"

typedef struct run_model {
    uint32_t *rows;
    double **columns, **scores;
    fd_model_rows given;
} run_model;

struct fd_run_models {
    run_model *items;
    fd_cel_value *values; /* of one input */
    fd_batch view;        /* what conditions see */
    fd_col *children;
    fd_col **cols;
    uint8_t *root_valid;
};

static double **columns_of(uint32_t n, uint32_t max_rows)
{
    double **columns = fd_run_array(n, sizeof *columns);
    for (uint32_t i = 0; i < n; i++)
        columns[i] = fd_run_array(max_rows, sizeof *columns[i]);
    return columns;
}

static void free_columns(double **columns, uint32_t n)
{
    for (uint32_t i = 0; columns != NULL && i < n; i++)
        free(columns[i]);
    free(columns);
}

/* Columns of features are filled in when there are some; those of models are the run's own. */
static void open_view(fd_ruleset_run *run)
{
    struct fd_run_models *m = run->models;
    const fd_type *seen = run->set->seen;
    m->children = fd_run_array(seen->n_fields, sizeof *m->children);
    m->cols = fd_run_array(seen->n_fields + 1, sizeof(fd_col *));
    m->root_valid = fd_run_array(run->max_rows, 1);
    memset(m->root_valid, 1, run->max_rows);
    for (uint32_t i = run->set->layout.n_features; i < seen->n_fields; i++) {
        m->children[i] = (fd_col){.type = seen->fields[i].type, .cap = run->max_rows};
        m->children[i].valid = fd_run_array(run->max_rows, 1);
        m->children[i].v.d = fd_run_array(run->max_rows, sizeof(double));
    }
    m->view = (fd_batch){.root = {.type = seen,
                                  .cap = run->max_rows,
                                  .valid = m->root_valid,
                                  .n_children = seen->n_fields,
                                  .children = m->children},
                         .cap = run->max_rows,
                         .n_cols = seen->n_fields + 1,
                         .cols = m->cols};
    m->cols[0] = &m->view.root;
    for (uint32_t i = 0; i < seen->n_fields; i++)
        m->cols[i + 1] = &m->children[i];
}

void fd_run_open_models(fd_ruleset_run *run)
{
    const fd_ruleset *set = run->set;
    if (set->n_models == 0)
        return;
    run->models = fd_run_array(1, sizeof *run->models);
    run->models->items = fd_run_array(set->n_models, sizeof *run->models->items);
    run->models->values = fd_run_array(run->max_rows, sizeof *run->models->values);
    for (uint32_t i = 0; i < set->n_models; i++) {
        const fd_ruleset_model *info = &set->models[i].info;
        run_model *m = &run->models->items[i];
        if (info->mode == FD_MODE_OFF)
            continue;
        m->rows = fd_run_array(run->max_rows, sizeof *m->rows);
        m->columns = columns_of(info->n_inputs, run->max_rows);
        m->scores = columns_of(info->n_outputs, run->max_rows);
        m->given = (fd_model_rows){.columns = (const double *const *)m->columns,
                                   .scores = m->scores};
    }
    if (set->n_model_columns != 0)
        open_view(run);
}

void fd_run_close_models(fd_ruleset_run *run)
{
    const fd_ruleset *set = run->set;
    struct fd_run_models *m = run->models;
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < set->n_models; i++) {
        free(m->items[i].rows);
        free_columns(m->items[i].columns, set->models[i].info.n_inputs);
        free_columns(m->items[i].scores, set->models[i].info.n_outputs);
    }
    for (uint32_t i = set->layout.n_features; m->children != NULL && i < set->seen->n_fields; i++) {
        free(m->children[i].valid);
        free(m->children[i].v.d);
    }
    free(m->items);
    free(m->values);
    free(m->children);
    free(m->cols);
    free(m->root_valid);
    free(m);
}

/* ---- what models are given ---- */

static double number(const fd_cel_value *v)
{
    switch (v->kind) {
    case FD_CEL_DOUBLE:
        return v->v.d;
    case FD_CEL_INT:
        return (double)v->v.i;
    case FD_CEL_BOOL:
        return v->v.b ? 1 : 0;
    default:
        return NAN; /* absent, or it failed */
    }
}

/* A condition that fails is false, as that of a feature. */
static void choose_rows(fd_ruleset_run *run, const fd_model_def *d, uint32_t n, run_model *m)
{
    const uint32_t *all = fd_cel_run_all(run->cel);
    m->given.rows = all;
    m->given.n = n;
    if (d->where == NULL)
        return;
    fd_cel_test(run->cel, d->where, all, n, run->results);
    m->given.n = 0;
    m->given.rows = m->rows;
    for (uint32_t row = 0; row < n; row++) {
        if (run->results[row] == FD_CEL_TRUE)
            m->rows[m->given.n++] = row;
    }
}

static void fill_inputs(fd_ruleset_run *run, const fd_model_def *d, run_model *m)
{
    fd_cel_value *values = run->models->values;
    for (uint32_t i = 0; i < d->info.n_inputs; i++) {
        fd_cel_eval(run->cel, d->inputs[i], m->given.rows, m->given.n, values);
        for (uint32_t r = 0; r < m->given.n; r++)
            m->columns[i][r] = number(&values[r]);
    }
}

void fd_ruleset_model_rows(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features,
                           fd_model_rows *out)
{
    const fd_ruleset *set = run->set;
    FD_ASSERT(batch->root.type == set->event && batch->root.n <= run->max_rows);
    if (set->n_models == 0)
        return;
    fd_cel_run_begin(run->cel, batch, features);
    for (uint32_t i = 0; i < set->n_models; i++) {
        run_model *m = &run->models->items[i];
        if (set->models[i].info.mode != FD_MODE_OFF) {
            choose_rows(run, &set->models[i], batch->root.n, m);
            fill_inputs(run, &set->models[i], m);
        }
        out[i] = m->given;
    }
}

/* ---- what conditions see ---- */

static void show(const fd_model_rows *given, uint32_t output, uint32_t n, fd_col *col)
{
    const double *scores = given->scores[output];
    col->n = n;
    memset(col->valid, 0, n);
    memset(col->v.d, 0, n * sizeof *col->v.d);
    for (uint32_t i = 0; i < given->n; i++) {
        col->valid[given->rows[i]] = 1;
        col->v.d[given->rows[i]] = scores[i];
    }
}

const fd_batch *fd_run_seen(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features)
{
    const fd_ruleset *set = run->set;
    if (set->n_model_columns == 0)
        return features;
    struct fd_run_models *m = run->models;
    uint32_t kept = set->layout.n_features;
    m->view.root.n = batch->root.n;
    for (uint32_t i = 0; i < kept; i++)
        m->children[i] = features->root.children[i];
    for (uint32_t i = 0; i < set->n_models; i++) {
        const fd_model_def *d = &set->models[i];
        for (uint32_t o = 0; d->info.mode == FD_MODE_LIVE && o < d->info.n_outputs; o++)
            show(&m->items[i].given, o, batch->root.n, &m->children[kept + d->column + o]);
    }
    return &m->view;
}
