/*
 * What shadow rules would have done: of each that fires, whether the decision would have been
 * another one had it alone been live. Counted, never recorded. Thread: one per run.
 */
#include "base/assert.h"
#include "store/run_int.h"

static fd_action worse(const fd_ruleset *set, fd_action a, fd_action b)
{
    return set->decision.severity[b] > set->decision.severity[a] ? b : a;
}

/* As in a verdict: allow ends it, else the worse of action and score. */
static fd_action with(const fd_ruleset *set, const fd_verdict *v, bool allowed,
                      const fd_rule_hit *h)
{
    const fd_decision_def *d = &set->decision;
    if (allowed || (h->has_action && h->action == FD_ACTION_ALLOW))
        return FD_ACTION_ALLOW;
    fd_action action = h->has_action ? worse(set, v->action, h->action) : v->action;
    for (int a = 1; a < FD_N_ACTIONS; a++) {
        if (d->has_threshold[a] && v->score + h->score >= d->threshold[a])
            action = worse(set, action, (fd_action)a);
    }
    return action;
}

void fd_run_count_shadow(fd_ruleset_run *run, const fd_verdict *v, bool allowed)
{
    const int *severity = run->set->decision.severity;
    for (uint32_t i = 0; i < v->n_hits; i++) {
        const fd_rule_hit *h = &v->hits[i];
        if (h->mode != FD_MODE_SHADOW)
            continue;
        fd_action would = with(run->set, v, allowed, h);
        run->count_worse[h->rule] += severity[would] > severity[v->action];
        run->count_milder[h->rule] += severity[would] < severity[v->action];
    }
}
