/*
 * What a rule set says of a batch: what its rules' conditions say, by the plan or rules one after
 * the other over the rows they apply to, then a verdict per row. Invariant: a verdict is the same
 * whatever other rows are in the batch. Thread: one per run.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "store/run_int.h"

enum { NO_HIT = UINT32_MAX };
enum { MESSAGE_MAX = 1024 }; /* bytes of an explanation, cut between characters beyond */

void *fd_run_array(size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size);
    FD_ALLOCATED(p);
    return p;
}

fd_ruleset_run *fd_ruleset_run_new(const fd_ruleset *set, uint32_t max_rows, fd_evidence evidence)
{
    fd_ruleset_run *run = fd_run_array(1, sizeof *run);
    run->set = set;
    run->max_rows = max_rows;
    run->evidence = evidence;
    run->cel = fd_cel_run_new(set->programs, set->n_vars, max_rows);
    run->rows = fd_run_array(max_rows, sizeof *run->rows);
    run->fired_rows = fd_run_array(max_rows, sizeof *run->fired_rows);
    run->results = fd_run_array(max_rows, sizeof *run->results);
    run->messages = fd_run_array(max_rows, sizeof *run->messages);
    run->first = fd_run_array(max_rows, sizeof *run->first);
    run->last = fd_run_array(max_rows, sizeof *run->last);
    run->n_row_hits = fd_run_array(max_rows, sizeof *run->n_row_hits);
    run->flags = fd_run_array(max_rows, sizeof *run->flags);
    run->count_hits = fd_run_array(set->n_rules, sizeof *run->count_hits);
    run->count_errors = fd_run_array(set->n_rules, sizeof *run->count_errors);
    run->count_evaluations = fd_run_array(set->n_rules, sizeof *run->count_evaluations);
    run->count_worse = fd_run_array(set->n_rules, sizeof *run->count_worse);
    run->count_milder = fd_run_array(set->n_rules, sizeof *run->count_milder);
    run->errors = fd_run_array(set->n_rules, sizeof *run->errors);
    run->seen = fd_run_array(set->n_features / 64 + 1, sizeof *run->seen);
    fd_run_open_plan(run);
    fd_run_open_extract(run);
    fd_run_open_models(run);
    return run;
}

void fd_ruleset_run_free(fd_ruleset_run *run)
{
    if (run == NULL)
        return;
    fd_run_close_models(run);
    fd_run_close_extract(run);
    fd_run_close_plan(run);
    fd_cel_run_free(run->cel);
    free(run->rows);
    free(run->fired_rows);
    free(run->results);
    free(run->messages);
    free(run->first);
    free(run->last);
    free(run->n_row_hits);
    free(run->flags);
    free(run->hits);
    free(run->count_hits);
    free(run->count_errors);
    free(run->count_evaluations);
    free(run->count_worse);
    free(run->count_milder);
    free(run->errors);
    free(run->seen);
    free(run);
}

/* The text of a key field; false when it is null. Ints in decimal, into buf. */
static bool key_text(const fd_col *col, uint32_t row, char buf[24], fd_str *out)
{
    if (!col->valid[row])
        return false;
    if (col->type->kind != FD_INT) {
        *out = col->v.s[row];
        return true;
    }
    char *p = buf + 24;
    int64_t v = col->v.i[row];
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u != 0);
    if (v < 0)
        *--p = '-';
    *out = (fd_str){p, (uint32_t)(buf + 24 - p)};
    return true;
}

bool fd_run_snoozed(const fd_rule_def *r, const fd_col *col, uint32_t row, int64_t time_us)
{
    if (r->info.snooze_until_us == 0 || time_us < r->info.snooze_from_us ||
        time_us >= r->info.snooze_until_us)
        return false;
    if (r->n_snooze_keys == 0)
        return true;
    char buf[24];
    fd_str key;
    if (!key_text(col, row, buf, &key))
        return false;
    for (uint32_t i = 0; i < r->n_snooze_keys; i++) {
        if (fd_str_eq(key, r->snooze_keys[i]))
            return true;
    }
    return false;
}

bool fd_run_rolled_out(const fd_rule_def *r, const fd_col *col, uint32_t row)
{
    char buf[24];
    fd_str key;
    if (r->rollout_limit == UINT64_MAX)
        return true;
    if (!key_text(col, row, buf, &key))
        return false;
    uint64_t seed = fd_hash64(r->id.p, r->id.n, 0);
    return fd_hash64(key.p, key.n, seed) < r->rollout_limit;
}

/* Most rules apply to every row: they share one selection. */
const uint32_t *fd_run_applicable(const fd_ruleset_run *run, const fd_rule_def *r,
                                  const fd_batch *batch, const int64_t *time_us, uint32_t *count)
{
    *count = batch->root.n;
    if (fd_run_whole(r))
        return fd_cel_run_all(run->cel);
    uint32_t n = 0;
    const fd_col *rollout = r->rollout_path.n == 0 ? NULL : fd_batch_path(batch, r->rollout_path);
    const fd_col *snooze = r->snooze_path.n == 0 ? NULL : fd_batch_path(batch, r->snooze_path);
    for (uint32_t row = 0; row < batch->root.n; row++) {
        if (fd_run_rolled_out(r, rollout, row) && !fd_run_snoozed(r, snooze, row, time_us[row]))
            run->rows[n++] = row;
    }
    *count = n;
    return run->rows;
}

static void add_hit(fd_ruleset_run *run, uint32_t row, uint32_t rule)
{
    if (run->n_hits == run->cap_hits) {
        run->cap_hits = run->cap_hits == 0 ? 1024 : run->cap_hits * 2;
        run->hits = realloc(run->hits, run->cap_hits * sizeof *run->hits);
        FD_ALLOCATED(run->hits);
    }
    uint32_t at = run->n_hits++;
    run->hits[at] = (fd_run_hit){.rule = rule, .next = NO_HIT};
    if (run->first[row] == NO_HIT)
        run->first[row] = at;
    else
        run->hits[run->last[row]].next = at;
    run->last[row] = at;
    run->n_row_hits[row]++;
}

static void failed(fd_ruleset_run *run, uint32_t rule, uint32_t row, const char *text)
{
    run->flags[row] |= FD_FLAG_BIT(FD_FLAG_RULE_ERROR);
    run->count_errors[rule]++;
    run->errors[rule] = text;
}

static fd_str cut(fd_str s)
{
    if (s.n <= MESSAGE_MAX)
        return s;
    uint32_t n = MESSAGE_MAX;
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return (fd_str){s.p, n};
}

static void explain(fd_ruleset_run *run, uint32_t rule, uint32_t n)
{
    const fd_rule_def *r = &run->set->rules[rule];
    if (r->message == NULL || n == 0)
        return;
    fd_cel_eval(run->cel, r->message, run->fired_rows, n, run->messages);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = run->fired_rows[i];
        if (run->messages[i].kind == FD_CEL_STRING)
            run->hits[run->last[row]].message = cut(fd_cel_text(&run->messages[i]));
        else
            failed(run, rule, row,
                   run->messages[i].kind == FD_CEL_ERROR ? run->messages[i].v.text
                                                         : "explain is not a string");
    }
}

void fd_run_note(fd_ruleset_run *run, uint32_t rule, const uint32_t *rows, const uint8_t *results,
                 uint32_t n)
{
    uint32_t fired = 0;
    const char *why = NULL; /* of the first row that failed: the others cost no second look */
    for (uint32_t i = fd_cel_next(results, 0, n); i < n; i = fd_cel_next(results, i + 1, n)) {
        uint32_t row = rows[i];
        if (results[i] == FD_CEL_TRUE) {
            add_hit(run, row, rule);
            run->fired_rows[fired++] = row;
            continue;
        }
        if (why == NULL)
            why = fd_cel_why(run->cel, run->set->rules[rule].when, row);
        failed(run, rule, row, why);
    }
    run->count_hits[rule] += fired;
    explain(run, rule, fired);
}

static void eval_rule(fd_ruleset_run *run, uint32_t rule, const fd_batch *batch,
                      const int64_t *time_us)
{
    const fd_rule_def *r = &run->set->rules[rule];
    uint32_t n;
    const uint32_t *rows = fd_run_applicable(run, r, batch, time_us, &n);
    fd_cel_test(run->cel, r->when, rows, n, run->results);
    run->count_evaluations[rule] += n;
    fd_run_note(run, rule, rows, run->results, n);
}

static void eval_rules(fd_ruleset_run *run, const fd_batch *batch, const int64_t *time_us)
{
    for (uint32_t rule = 0; rule < run->set->n_rules; rule++) {
        if (run->set->rules[rule].info.mode != FD_MODE_OFF)
            eval_rule(run, rule, batch, time_us);
    }
}

/* ---- verdicts ---- */

static int severity_of(const fd_ruleset *set, const fd_rule_hit *h)
{
    return h->has_action ? set->decision.severity[h->action] : -1;
}

/* Is a's reason to stand before b's? Rule order settles ties: hits come in it. */
static bool graver(const fd_ruleset *set, const fd_rule_hit *a, const fd_rule_hit *b)
{
    int sa = severity_of(set, a), sb = severity_of(set, b);
    return sa != sb ? sa > sb : a->score > b->score;
}

static bool counts(const fd_rule_hit *h, bool allowed)
{
    return h->mode == FD_MODE_LIVE && (!allowed || (h->has_action && h->action == FD_ACTION_ALLOW));
}

/* Reasons of the rules that made the decision, by insertion: an event has few hits. */
static uint32_t list_reasons(const fd_ruleset *set, const fd_verdict *v, bool allowed,
                             const fd_rule_hit **order, fd_str *reasons)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_hits; i++) {
        const fd_rule_hit *h = &v->hits[i];
        if (!counts(h, allowed) || set->rules[h->rule].info.reason == NULL)
            continue;
        uint32_t at = n++;
        for (; at > 0 && graver(set, h, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = h;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        fd_str text = fd_str_from(set->rules[order[i]->rule].info.reason);
        bool seen = false;
        for (uint32_t k = 0; k < kept; k++)
            seen = seen || fd_str_eq(reasons[k], text);
        if (!seen)
            reasons[kept++] = text;
    }
    return kept;
}

static fd_action worse(const fd_ruleset *set, fd_action a, fd_action b)
{
    return set->decision.severity[b] > set->decision.severity[a] ? b : a;
}

static void decide(const fd_ruleset *set, fd_verdict *v, bool *allowed)
{
    const fd_decision_def *d = &set->decision;
    v->action = FD_ACTION_ALLOW;
    *allowed = false;
    for (uint32_t i = 0; i < v->n_hits; i++) {
        const fd_rule_hit *h = &v->hits[i];
        if (h->mode != FD_MODE_LIVE)
            continue;
        v->score += h->score;
        if (h->has_action && h->action == FD_ACTION_ALLOW)
            *allowed = true;
        else if (h->has_action)
            v->action = worse(set, v->action, h->action);
    }
    for (int a = 1; a < FD_N_ACTIONS; a++) {
        if (d->has_threshold[a] && v->score >= d->threshold[a])
            v->action = worse(set, v->action, (fd_action)a);
    }
    if (*allowed)
        v->action = FD_ACTION_ALLOW;
}

static void fill(const fd_ruleset_run *run, uint32_t row, fd_rule_hit *hits)
{
    for (uint32_t at = run->first[row]; at != NO_HIT; at = run->hits[at].next) {
        const fd_rule_def *r = &run->set->rules[run->hits[at].rule];
        *hits++ = (fd_rule_hit){.id = r->id,
                                .action = r->info.action,
                                .has_action = r->info.has_action,
                                .score = r->info.score,
                                .mode = r->info.mode,
                                .message = run->hits[at].message,
                                .rule = run->hits[at].rule};
    }
}

static void judge(fd_ruleset_run *run, uint32_t row, fd_verdict *v)
{
    if (v->n_hits == 0)
        return; /* allow: thresholds are above 0 */
    fd_arena *a = fd_cel_run_arena(run->cel);
    fd_rule_hit *hits = fd_arena_alloc(a, v->n_hits * sizeof *hits);
    fd_str *reasons = fd_arena_alloc(a, v->n_hits * sizeof *reasons);
    const fd_rule_hit **order = fd_arena_alloc(a, v->n_hits * sizeof *order);
    FD_ALLOCATED(hits);
    FD_ALLOCATED(reasons);
    FD_ALLOCATED(order);
    fill(run, row, hits);
    v->hits = hits;
    bool allowed;
    decide(run->set, v, &allowed);
    fd_run_count_shadow(run, v, allowed);
    v->n_reasons = list_reasons(run->set, v, allowed, order, reasons);
    v->reasons = reasons;
}

void fd_ruleset_eval(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features,
                     const int64_t *event_time_us, fd_verdict *out)
{
    uint32_t n = batch->root.n;
    FD_ASSERT(batch->root.type == run->set->event);
    FD_ASSERT(n <= run->max_rows);
    FD_ASSERT(features == NULL ? run->set->layout.n_features == 0
                               : features->root.type == run->set->layout.type);
    fd_cel_run_begin(run->cel, batch, fd_run_seen(run, batch, features));
    run->n_hits = 0;
    for (uint32_t row = 0; row < n; row++) {
        run->first[row] = NO_HIT;
        run->n_row_hits[row] = 0;
        run->flags[row] = 0;
    }
    if (fd_run_wants_plan(run, n))
        fd_run_by_plan(run, batch, event_time_us);
    else
        eval_rules(run, batch, event_time_us);
    for (uint32_t row = 0; row < n; row++) {
        out[row] = (fd_verdict){.flags = run->flags[row], .n_hits = run->n_row_hits[row]};
        judge(run, row, &out[row]);
        fd_run_add_evidence(run, features, row, &out[row]);
    }
}

uint64_t fd_ruleset_run_hits(const fd_ruleset_run *run, uint32_t rule)
{
    FD_ASSERT(rule < run->set->n_rules);
    return run->count_hits[rule];
}

uint64_t fd_ruleset_run_errors(const fd_ruleset_run *run, uint32_t rule)
{
    FD_ASSERT(rule < run->set->n_rules);
    return run->count_errors[rule];
}

uint64_t fd_ruleset_run_evaluations(const fd_ruleset_run *run, uint32_t rule)
{
    FD_ASSERT(rule < run->set->n_rules);
    const fd_rule_def *r = &run->set->rules[rule];
    bool whole = r->info.mode != FD_MODE_OFF && fd_run_whole(r);
    return run->count_evaluations[rule] + (whole ? run->whole_rows : 0);
}

void fd_ruleset_run_counts(const fd_ruleset_run *run, uint32_t rule, fd_rule_counts *sum)
{
    sum->evaluations += fd_ruleset_run_evaluations(run, rule);
    sum->hits += run->count_hits[rule];
    sum->errors += run->count_errors[rule];
    sum->worse += run->count_worse[rule];
    sum->milder += run->count_milder[rule];
}

const char *fd_ruleset_run_last_error(const fd_ruleset_run *run, uint32_t rule)
{
    FD_ASSERT(rule < run->set->n_rules);
    return run->errors[rule];
}
