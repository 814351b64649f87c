/*
 * What is legal and yet hardly meant: unused lists, variables and features, thresholds that no
 * score reaches. Warnings; those about single rules are in lint_rules.c. Loading.
 */
#include "store/ruleset_int.h"

static void unused(fd_loading *l)
{
    const fd_ruleset *set = l->set;
    for (uint32_t i = 0; i < set->n_lists; i++) {
        const fd_list_def *d = &set->lists[i];
        if (!d->used)
            fd_yaml_report(d->place.y, d->place.node, FD_WARNING, NULL, "list \"%s\" is not used",
                           d->name.p);
    }
    for (uint32_t i = 0; i < set->n_vars; i++) {
        const fd_var_def *d = &set->vars[i];
        if (!d->used)
            fd_yaml_report(d->place.y, d->place.node, FD_WARNING, NULL,
                           "variable \"%s\" is not used", d->name.p);
    }
}

/* In the order of the files. Without rules a set is for its features. */
static void unused_features(fd_loading *l)
{
    const fd_ruleset *set = l->set;
    if (set->n_rules == 0)
        return;
    const fd_feature_def **written = fd_arena_alloc(set->arena,
                                                    (set->n_features + 1) * sizeof *written);
    for (uint32_t i = 0; i < set->n_features; i++)
        written[set->features[i].order] = &set->features[i];
    for (uint32_t i = 0; i < set->n_features; i++) {
        const fd_feature_def *d = written[i];
        if (!d->info.used)
            fd_yaml_report(d->place.y, d->place.node, FD_WARNING, NULL,
                           "feature \"%s\" is not used", d->name.p);
    }
}

/* A where that chooses nothing: a mistake in it, or it can go. */
static void constant_wheres(fd_loading *l)
{
    const fd_ruleset *set = l->set;
    for (uint32_t i = 0; i < set->n_features; i++) {
        const fd_feature_def *d = &set->features[i];
        fd_cel_value v;
        if (d->where_expr == FD_NO_EXPR ||
            !fd_cel_program_constant(set->exprs[d->where_expr].program, &v))
            continue;
        bool all = v.kind == FD_CEL_BOOL && v.v.b;
        fd_cel_report(&d->where, l->diags, FD_WARNING, 0, d->where.text.n, NULL,
                      "feature \"%s\" looks at %s: its where is the same for every event",
                      d->name.p, all ? "all events" : "no event");
    }
}

static void thresholds(fd_loading *l)
{
    const fd_ruleset *set = l->set;
    const fd_decision_def *d = &set->decision;
    double reachable = 0;
    for (uint32_t i = 0; i < set->n_rules; i++) {
        const fd_rule_info *info = &set->rules[i].info;
        if (info->mode == FD_MODE_LIVE && info->score > 0)
            reachable += info->score;
    }
    for (int a = 1; a < FD_N_ACTIONS; a++) {
        if (!d->has_threshold[a])
            continue;
        if (d->severity[a] < 0)
            fd_yaml_report(d->place.y, d->place.node, FD_ERROR, NULL,
                           "decision.score_thresholds has %s, decision.actions has not",
                           fd_action_name((fd_action)a));
        if (d->threshold[a] > reachable)
            fd_yaml_report(d->place.y, d->place.node, FD_WARNING, NULL,
                           "no score reaches the threshold of %s: %g, all live rules together "
                           "give %g",
                           fd_action_name((fd_action)a), d->threshold[a], reachable);
        for (int milder = 1; milder < FD_N_ACTIONS; milder++) {
            if (d->has_threshold[milder] && d->severity[milder] < d->severity[a] &&
                d->threshold[milder] >= d->threshold[a])
                fd_yaml_report(d->place.y, d->place.node, FD_WARNING, NULL,
                               "the threshold of %s is never what decides: that of %s is not "
                               "higher",
                               fd_action_name((fd_action)milder), fd_action_name((fd_action)a));
        }
    }
}

void fd_store_lint(fd_loading *l)
{
    unused(l);
    unused_features(l);
    constant_wheres(l);
    thresholds(l);
}
