/* Random decisions; see decision_gen.h. */
#include "decision_gen.h"

#include "base/assert.h"

static fd_str text(gen_rng *r, fd_arena *a)
{
    static const char *const some[] = {
        "",
        "a",
        "card-velocity",
        "é€😀",
        "0123456789abcdef",
        "a text of more than thirty-two bytes, so that it is copied"};
    return fd_arena_str(a, fd_str_from(some[gen_below(r, sizeof some / sizeof some[0])]));
}

static double number(gen_rng *r)
{
    return (double)(int64_t)gen_next(r) / 1e6;
}

static void *list(fd_arena *a, uint32_t n, size_t size)
{
    void *p = fd_arena_zalloc(a, (n + 1) * size);
    FD_ALLOCATED(p);
    return p;
}

static void verdict(gen_rng *r, fd_arena *a, fd_verdict *v)
{
    v->action = (fd_action)gen_below(r, FD_N_ACTIONS);
    v->score = number(r);
    v->n_reasons = gen_below(r, 4);
    fd_str *reasons = list(a, v->n_reasons, sizeof *reasons);
    for (uint32_t i = 0; i < v->n_reasons; i++)
        reasons[i] = text(r, a);
    v->reasons = reasons;
    v->n_hits = gen_below(r, gen_chance(r, 5) ? 200 : 5);
    fd_rule_hit *hits = list(a, v->n_hits, sizeof *hits);
    for (uint32_t i = 0; i < v->n_hits; i++) {
        hits[i] = (fd_rule_hit){.id = text(r, a),
                                .action = (fd_action)gen_below(r, FD_N_ACTIONS),
                                .has_action = gen_chance(r, 70),
                                .score = number(r),
                                .mode = gen_chance(r, 80) ? FD_MODE_LIVE : FD_MODE_SHADOW};
        if (gen_chance(r, 50))
            hits[i].message = text(r, a);
    }
    v->hits = hits;
}

static void models(gen_rng *r, fd_arena *a, fd_decision *d)
{
    d->n_models = gen_below(r, 3);
    fd_scored_model *m = list(a, d->n_models, sizeof *m);
    for (uint32_t i = 0; i < d->n_models; i++)
        m[i] = (fd_scored_model){text(r, a), text(r, a), number(r),
                                 gen_chance(r, 50) ? FD_MODE_LIVE : FD_MODE_SHADOW};
    d->models = m;
}

static void features(gen_rng *r, fd_arena *a, fd_decision *d)
{
    d->n_features = gen_below(r, gen_chance(r, 5) ? 100 : 6);
    fd_feature_value *f = list(a, d->n_features, sizeof *f);
    for (uint32_t i = 0; i < d->n_features; i++) {
        f[i].name = fd_str_from(fd_arena_printf(a, "feature_%03u", i));
        f[i].kind = (fd_value_kind)gen_below(r, FD_V_STRING + 1);
        if (f[i].kind == FD_V_LONG)
            f[i].v.i = (int64_t)(gen_next(r) >> gen_below(r, 64)) * (gen_chance(r, 50) ? 1 : -1);
        else if (f[i].kind == FD_V_DOUBLE)
            f[i].v.d = number(r);
        else if (f[i].kind == FD_V_BOOL)
            f[i].v.b = gen_chance(r, 50);
        else if (f[i].kind == FD_V_STRING)
            f[i].v.s = text(r, a);
    }
    d->features = f;
}

const fd_decision *decision_gen(gen_rng *r, fd_arena *a)
{
    fd_decision *d = list(a, 1, sizeof *d);
    d->id = text(r, a);
    d->event_id = text(r, a);
    d->event_time_ms = (int64_t)gen_next(r);
    verdict(r, a, &d->verdict);
    models(r, a, d);
    features(r, a, d);
    d->flags = gen_below(r, 1U << FD_N_FLAGS);
    d->ruleset = text(r, a);
    d->models_hash = text(r, a);
    d->lists_hash = text(r, a);
    d->config_hash = text(r, a);
    d->engine = text(r, a);
    return d;
}
