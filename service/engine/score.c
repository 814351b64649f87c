/*
 * Models over the columns of a batch: inputs by the rule set's expressions, scores by the models,
 * and afterwards the reasons that models give for decisions that are not ALLOW.
 *
 * Invariant: what is recorded of a model depends on the event, its features and the program alone,
 * never on which rules looked at it. Engine thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

_Static_assert((int)FD_MODELS_MAX <= (int)FD_RULES_MAX_MODELS, "rule sets take all models");
_Static_assert((int)FD_MODELS_MAX <= (int)FD_ENGINE_MAX_MODELS, "and so do those who ask");

/* ---- as rules know models ---- */

static void declare(const fd_manifest *m, fd_ruleset_model *out)
{
    fd_cel_source *inputs = fd_engine_array(m->n_inputs, sizeof *inputs);
    for (uint32_t i = 0; i < m->n_inputs; i++)
        inputs[i] = m->inputs[i].expression;
    *out = (fd_ruleset_model){.id = m->id,
                              .mode = m->mode,
                              .n_inputs = m->n_inputs,
                              .inputs = inputs,
                              .where = m->where,
                              .n_outputs = fd_model_shape_of(m->model)->n_outputs,
                              .score = m->score};
}

fd_ruleset_model *fd_models_declare(const fd_models *m)
{
    fd_ruleset_model *declared = fd_engine_array(fd_models_n(m), sizeof *declared);
    for (uint32_t i = 0; i < fd_models_n(m); i++)
        declare(fd_models_at(m, i), &declared[i]);
    return declared;
}

void fd_models_declared_free(fd_ruleset_model *declared, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free((void *)(uintptr_t)declared[i].inputs);
    free(declared);
}

void fd_program_open_models(fd_program *p, uint32_t max_events)
{
    uint32_t n = fd_models_n(p->models);
    p->given = fd_engine_array(n, sizeof *p->given);
    p->tallies = fd_tallies_new(p->models);
    p->scorers = fd_engine_array(n, sizeof *p->scorers);
    for (uint32_t m = 0; m < n; m++) {
        if (fd_models_at(p->models, m)->mode != FD_MODE_OFF)
            p->scorers[m] = fd_manifest_run_new(fd_models_at(p->models, m), max_events);
    }
}

void fd_program_close_models(fd_program *p)
{
    uint32_t n = p->models == NULL ? 0 : fd_models_n(p->models);
    for (uint32_t m = 0; m < n && p->scorers != NULL; m++)
        fd_manifest_run_free(p->scorers[m]);
    free(p->scorers);
    free(p->given);
    fd_tallies_free(p->tallies, p->models);
    if (p->declared != NULL)
        fd_models_declared_free(p->declared, n);
    fd_models_free(p->models);
}

/* ---- a batch ---- */

void fd_scores_open(const fd_engine *e, const fd_program *p, fd_scores *s)
{
    *s = (fd_scores){.n_models = fd_models_n(p->models)};
    if (s->n_models == 0)
        return;
    s->values = fd_engine_array((size_t)s->n_models * e->max_events, sizeof *s->values);
    s->scored = fd_engine_array((size_t)s->n_models * e->max_events, sizeof *s->scored);
}

void fd_scores_close(fd_scores *s)
{
    free(s->values);
    free(s->scored);
}

static void keep(fd_scores *s, uint32_t model, uint32_t max, uint32_t output,
                 const fd_model_rows *given)
{
    double *values = s->values + (size_t)model * max;
    uint8_t *scored = s->scored + (size_t)model * max;
    memset(scored, 0, max);
    for (uint32_t i = 0; i < given->n; i++) {
        values[given->rows[i]] = given->scores[output][i];
        scored[given->rows[i]] = 1;
    }
}

void fd_scores_fill(fd_engine *e, fd_program *p, uint32_t source, const fd_batch *features,
                    fd_scores *s)
{
    if (s->n_models == 0)
        return;
    fd_ruleset_model_rows(p->runs[source], e->sources[source].batch, features, p->given);
    for (uint32_t m = 0; m < s->n_models; m++) {
        const fd_manifest *manifest = fd_models_at(p->models, m);
        if (manifest->mode == FD_MODE_OFF)
            continue;
        const fd_model_rows *given = &p->given[m];
        fd_manifest_score(p->scorers[m], given->columns, given->n, given->scores);
        keep(s, m, e->max_events, manifest->score, given);
        fd_tally_add(&p->tallies[m], manifest, given);
    }
}

uint32_t fd_scores_of(const fd_engine *e, const fd_program *p, const fd_scores *s, uint32_t row,
                      fd_scored_model *out)
{
    uint32_t n = 0;
    for (uint32_t m = 0; m < s->n_models; m++) {
        size_t at = (size_t)m * e->max_events + row;
        const fd_manifest *manifest = fd_models_at(p->models, m);
        if (s->scored[at] != 0)
            out[n++] = (fd_scored_model){.id = manifest->id,
                                         .version = manifest->version,
                                         .score = s->values[at],
                                         .mode = manifest->mode};
    }
    return n;
}

uint32_t fd_engine_scores(const fd_engine *e, const fd_event *events, uint32_t i,
                          fd_scored_model *out)
{
    const fd_decider *d = fd_decider_of(e, &events[i]);
    if (e->rows[i] == FD_NO_ROW)
        return 0;
    return fd_scores_of(e, d->program, &d->scores[events[i].msg.tp.source], e->rows[i], out);
}

/* ---- reasons ---- */

static void append(fd_arena *arena, fd_verdict *v, const fd_manifest *m,
                   const fd_manifest_reasons *why)
{
    fd_str *all = fd_arena_alloc(arena, (v->n_reasons + why->n + 1U) * sizeof *all);
    FD_ALLOCATED(all);
    uint32_t n = v->n_reasons;
    if (n != 0)
        memcpy(all, v->reasons, n * sizeof *all);
    for (uint32_t i = 0; i < why->n; i++) {
        fd_str code = m->inputs[why->inputs[i]].code;
        bool seen = false;
        for (uint32_t k = 0; k < n; k++)
            seen = seen || fd_str_eq(all[k], code);
        if (!seen)
            all[n++] = code;
    }
    v->reasons = all;
    v->n_reasons = n;
}

static void give_reasons(const fd_manifest *m, const fd_model_rows *given, fd_arena *arena,
                         fd_verdict *verdicts)
{
    double *row = NULL;
    for (uint32_t i = 0; i < given->n; i++) {
        fd_verdict *v = &verdicts[given->rows[i]];
        if (v->action == FD_ACTION_ALLOW)
            continue;
        if (row == NULL)
            row = fd_arena_alloc(arena, (m->n_inputs + 1U) * sizeof *row);
        FD_ALLOCATED(row);
        for (uint32_t k = 0; k < m->n_inputs; k++)
            row[k] = given->columns[k][i];
        fd_manifest_reasons why;
        bool can = fd_manifest_explain(m, row, m->top_reasons, arena, &why);
        FD_ASSERT(can); /* loading asked */
        append(arena, v, m, &why);
    }
}

void fd_scores_give_reasons(const fd_program *p, fd_arena *arena, fd_verdict *verdicts)
{
    for (uint32_t m = 0; m < fd_models_n(p->models); m++) {
        const fd_manifest *manifest = fd_models_at(p->models, m);
        if (manifest->mode == FD_MODE_LIVE && manifest->top_reasons != 0)
            give_reasons(manifest, &p->given[m], arena, verdicts);
    }
}
