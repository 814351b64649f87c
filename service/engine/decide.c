/*
 * Programs at work: verdicts over the columns of a batch, and the exchange of one program for
 * another between two batches.
 *
 * Invariant: which program decides an event, and what its features are, is a function of the log
 * and of the switch, not of what the windows keep besides. Engine thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

enum { DECIDER_BLOCK_BYTES = 16 * 1024 };

/* ---- what a program sees of the fold ---- */

static const fd_window_layout *layout_of(const fd_program *p, uint32_t s)
{
    return fd_ruleset_layout(p->rules[s]);
}

static void open_view(const fd_engine *e, const fd_program *p, uint32_t s, fd_feature_view *v)
{
    const fd_window_layout *own = layout_of(p, s);
    *v = (fd_feature_view){.from = NULL};
    if (own->n_features == 0)
        return;
    v->from = fd_engine_array(own->n_features, sizeof *v->from);
    bool covered = fd_windows_cover(layout_of(e->fold->program, s), own, v->from);
    FD_ASSERT(covered);
    v->children = fd_engine_array(own->n_features, sizeof *v->children);
    v->cols = fd_engine_array(own->n_features, sizeof *v->cols);
    v->batch = (fd_batch){
        .root = {.type = own->type, .n_children = own->n_features, .children = v->children},
        .n_cols = own->n_features + 1U,
        .cols = v->cols};
    v->cols[0] = &v->batch.root;
    for (uint32_t f = 0; f < own->n_features; f++)
        v->cols[f + 1] = &v->children[f];
}

static void close_view(fd_feature_view *v)
{
    free(v->from);
    free(v->children);
    free(v->cols);
}

/* Columns move when they grow, so this is done for every batch. NULL: it has no features. */
static const fd_batch *look(fd_feature_view *v, const fd_batch *features)
{
    if (v->from == NULL)
        return NULL;
    fd_col *root = &v->batch.root;
    v->batch.cap = features->cap;
    v->batch.arena = features->arena;
    root->n = features->root.n;
    root->cap = features->root.cap;
    root->valid = features->root.valid;
    for (uint32_t f = 0; f < root->n_children; f++) {
        v->children[f] = features->root.children[v->from[f]];
        v->children[f].type = root->type->fields[f].type;
    }
    return &v->batch;
}

/* ---- deciding ---- */

void fd_decider_open(fd_engine *e, fd_decider *d, fd_program *program)
{
    *d = (fd_decider){.program = program, .arena = fd_arena_new(DECIDER_BLOCK_BYTES, 0)};
    fd_program_keep(program);
    for (uint32_t s = 0; s < e->n_sources; s++) {
        open_view(e, program, s, &d->views[s]);
        fd_scores_open(e, program, &d->scores[s]);
        d->verdicts[s] = fd_engine_array(e->max_events, sizeof *d->verdicts[s]);
    }
}

/* The windows are others now. */
static void reopen(fd_engine *e, fd_decider *d)
{
    for (uint32_t s = 0; s < e->n_sources; s++) {
        close_view(&d->views[s]);
        open_view(e, d->program, s, &d->views[s]);
    }
}

fd_program *fd_decider_close(fd_engine *e, fd_decider *d)
{
    fd_program *program = d->program;
    for (uint32_t s = 0; s < e->n_sources; s++) {
        close_view(&d->views[s]);
        fd_scores_close(&d->scores[s]);
        free(d->verdicts[s]);
    }
    fd_arena_free(d->arena);
    *d = (fd_decider){.program = NULL};
    return program;
}

static void decide(fd_engine *e, fd_decider *d)
{
    fd_arena_reset(d->arena);
    for (uint32_t s = 0; s < e->n_sources; s++) {
        fd_engine_input *in = &e->sources[s];
        const fd_batch *features = e->fold == NULL ? NULL
                                                   : look(&d->views[s], e->fold->features[s]);
        if (in->batch->root.n == 0)
            continue;
        fd_scores_fill(e, d->program, s, features, &d->scores[s]);
        fd_ruleset_eval(d->program->runs[s], in->batch, features, in->times_us, d->verdicts[s]);
        fd_scores_give_reasons(d->program, d->arena, d->verdicts[s]);
    }
}

void fd_engine_decide(fd_engine *e, const fd_event *events, uint32_t n)
{
    FD_ASSERT(n <= e->max_events);
    (void)events;
    decide(e, &e->decider);
    if (e->before.program != NULL)
        decide(e, &e->before);
}

const fd_batch *fd_engine_features(const fd_engine *e, const fd_event *events, uint32_t i,
                                   uint32_t *row)
{
    uint16_t s = events[i].msg.tp.source;
    const fd_feature_view *v = &fd_decider_of(e, &events[i])->views[s];
    *row = e->rows[i];
    return e->rows[i] == FD_NO_ROW || v->from == NULL ? NULL : &v->batch;
}

/* ---- another program ---- */

bool fd_engine_covers(const fd_engine *e, const fd_program *next)
{
    if (e->fold == NULL)
        return !fd_program_has_features(next);
    return fd_program_covers(e->fold->program, next);
}

static void retire(fd_program *p, fd_retired *out)
{
    if (!fd_program_drop(p))
        return;
    uint32_t at = out->programs[0] == NULL ? 0 : 1;
    FD_ASSERT(out->programs[at] == NULL);
    out->programs[at] = p;
}

static bool same_layouts(const fd_engine *e, const fd_program *a, const fd_program *b)
{
    for (uint32_t s = 0; s < e->n_sources; s++) {
        if (!fd_str_eq(layout_of(a, s)->descriptor, layout_of(b, s)->descriptor))
            return false;
    }
    return true;
}

/* Where layouts are equal the newer program extracts as well, and the older one is free to go. */
static void hand_over_fold(fd_engine *e, fd_program *next, fd_retired *out)
{
    fd_program *former = e->fold->program;
    if (former == next || !same_layouts(e, former, next))
        return;
    fd_fold_set_program(e, e->fold, next);
    retire(former, out);
}

static void put_fold(fd_engine *e, fd_fold *fold, fd_retired *out)
{
    out->fold = e->fold;
    e->fold = fold;
    if (out->fold == NULL)
        return;
    retire(out->fold->program, out);
    out->fold->program = NULL;
}

void fd_engine_switch(fd_engine *e, fd_program *next, fd_fold *fold, int64_t from_us,
                      fd_retired *out)
{
    *out = (fd_retired){.fold = NULL};
    FD_ASSERT(e->before.program == NULL);
    e->before = e->decider;
    if (fold != NULL)
        put_fold(e, fold, out);
    else if (e->fold != NULL)
        hand_over_fold(e, next, out);
    fd_decider_open(e, &e->decider, next);
    e->switch_us = from_us;
    if (from_us != INT64_MIN) {
        reopen(e, &e->before);
        return;
    }
    fd_retired settled;
    fd_engine_settle(e, &settled);
    for (int i = 0; i < 2 && settled.programs[i] != NULL; i++)
        out->programs[out->programs[0] == NULL ? 0 : 1] = settled.programs[i];
}

void fd_engine_precede(fd_engine *e, fd_program *former, int64_t until_us)
{
    FD_ASSERT(e->before.program == NULL && fd_engine_covers(e, former));
    fd_decider_open(e, &e->before, former);
    e->switch_us = until_us;
}

int64_t fd_engine_switches_at(const fd_engine *e)
{
    return e->before.program == NULL ? INT64_MIN : e->switch_us;
}

void fd_engine_settle(fd_engine *e, fd_retired *out)
{
    *out = (fd_retired){.fold = NULL};
    if (e->before.program != NULL)
        retire(fd_decider_close(e, &e->before), out);
}

void fd_engine_unswitch(fd_engine *e, fd_retired *out)
{
    *out = (fd_retired){.fold = NULL};
    FD_ASSERT(e->before.program != NULL);
    retire(fd_decider_close(e, &e->decider), out);
    e->decider = e->before;
    e->before = (fd_decider){.program = NULL};
    reopen(e, &e->decider);
}

bool fd_program_covers(const fd_program *wide, const fd_program *narrow)
{
    bool covers = wide->n_sources == narrow->n_sources;
    for (uint32_t s = 0; covers && s < wide->n_sources; s++) {
        const fd_window_layout *own = layout_of(narrow, s);
        if (own->n_features == 0)
            continue;
        uint16_t *from = fd_engine_array(own->n_features, sizeof *from);
        covers = fd_windows_cover(layout_of(wide, s), own, from);
        free(from);
    }
    return covers;
}

void fd_engine_free_retired(fd_retired *r)
{
    fd_fold_free(r->fold);
    for (int i = 0; i < 2; i++)
        fd_program_free(r->programs[i]);
    *r = (fd_retired){.fold = NULL};
}
