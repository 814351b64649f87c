/*
 * All conditions of a set by its plan. Most rules apply to every row and most of them say nothing:
 * those are passed over without a look at their definition. Rules with a rollout or a snooze are
 * asked for their own rows. Hits come in rule order, as they do rule by rule. Thread: one per run.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "store/run_int.h"

bool fd_run_whole(const fd_rule_def *r)
{
    return r->rollout_limit == UINT64_MAX && r->info.snooze_until_us == 0;
}

void fd_store_plan(fd_ruleset *set)
{
    const fd_cel_program **conditions = calloc((size_t)set->n_rules + 1, sizeof *conditions);
    FD_ALLOCATED(conditions);
    for (uint32_t i = 0; i < set->n_rules; i++) {
        if (set->rules[i].info.mode != FD_MODE_OFF)
            conditions[i] = set->rules[i].when;
    }
    const fd_cel_plan_scope scope = {.event = set->event,
                                     .features = set->seen,
                                     .variables = set->programs,
                                     .n_variables = set->n_vars};
    set->plan = fd_cel_plan_new(&scope, conditions, set->n_rules);
    free(conditions);
}

void fd_run_open_plan(fd_ruleset_run *run)
{
    const fd_ruleset *set = run->set;
    run->plan = fd_cel_plan_run_new(set->plan, run->max_rows);
    run->partial = fd_run_array(set->n_rules, sizeof *run->partial);
    run->partial_rows = fd_run_array(fd_words(run->max_rows), sizeof *run->partial_rows);
    run->open_rows = fd_run_array(run->max_rows, sizeof *run->open_rows);
    for (uint32_t i = 0; i < set->n_rules; i++) {
        if (set->rules[i].info.mode != FD_MODE_OFF && !fd_run_whole(&set->rules[i]))
            run->partial[run->n_partial++] = i;
    }
}

void fd_run_close_plan(fd_ruleset_run *run)
{
    fd_cel_plan_run_free(run->plan);
    free(run->partial);
    free(run->partial_rows);
    free(run->open_rows);
}

void fd_ruleset_run_way(fd_ruleset_run *run, fd_eval_way way)
{
    run->way = way;
}

/* Below so many pairs of rule and row, columns cost more than they share. Measured. */
enum { FEW_PAIRS = 48 };

bool fd_run_wants_plan(const fd_ruleset_run *run, uint32_t n_rows)
{
    if (run->way == FD_EVAL_CHOOSE)
        return (uint64_t)run->set->n_rules * n_rows >= FEW_PAIRS;
    return run->way == FD_EVAL_BY_COLUMNS;
}

/* Its hits and failures among these rows, NULL: all. */
static void note_rule(fd_ruleset_run *run, uint32_t rule, uint32_t n_rows, const uint64_t *rows)
{
    fd_cel_bits bits = fd_cel_plan_ask(run->plan, rule, rows);
    uint32_t n = 0;
    for (uint32_t w = 0; w < fd_words(n_rows); w++) {
        uint64_t open = rows == NULL ? bits.open[w] : bits.open[w] & rows[w];
        for (; open != 0; open &= open - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(open);
            run->open_rows[n] = w * FD_WORD + bit;
            run->results[n++] = bits.hit[w] >> bit & 1 ? FD_CEL_TRUE : FD_CEL_FAILED;
        }
    }
    if (n != 0)
        fd_run_note(run, rule, run->open_rows, run->results, n);
}

static void note_partial(fd_ruleset_run *run, uint32_t rule, bool open, const fd_batch *batch,
                         const int64_t *time_us)
{
    uint32_t n;
    const uint32_t *rows = fd_run_applicable(run, &run->set->rules[rule], batch, time_us, &n);
    run->count_evaluations[rule] += n;
    if (n == 0 || !open)
        return;
    memset(run->partial_rows, 0, fd_words(batch->root.n) * sizeof *run->partial_rows);
    for (uint32_t i = 0; i < n; i++)
        run->partial_rows[rows[i] / FD_WORD] |= UINT64_C(1) << rows[i] % FD_WORD;
    note_rule(run, rule, batch->root.n, run->partial_rows);
}

void fd_run_by_plan(fd_ruleset_run *run, const fd_batch *batch, const int64_t *time_us)
{
    uint32_t n_rules = run->set->n_rules, partial = 0;
    fd_cel_plan_begin(run->plan, run->cel);
    run->whole_rows += batch->root.n;
    for (uint32_t rule = fd_cel_plan_next(run->plan, 0);;) {
        uint32_t other = partial < run->n_partial ? run->partial[partial] : n_rules;
        if (other == n_rules && rule == n_rules)
            return;
        if (other <= rule) {
            note_partial(run, other, other == rule, batch, time_us);
            partial++;
        } else {
            note_rule(run, rule, batch->root.n, NULL);
        }
        if (rule <= other && rule < n_rules)
            rule = fd_cel_plan_next(run->plan, rule + 1);
    }
}
