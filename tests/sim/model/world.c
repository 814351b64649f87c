/* Chance, clock, registry and observer; see world.h. One thread. */
#include "world.h"

#include <stdio.h>

#include "base/assert.h"

/* splitmix64 */
uint64_t model_rng_next(model_rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint32_t model_rng_below(model_rng *r, uint32_t n)
{
    FD_ASSERT(n > 0);
    return (uint32_t)(model_rng_next(r) % n);
}

int64_t model_rng_between(model_rng *r, int64_t lo, int64_t hi)
{
    FD_ASSERT(lo <= hi);
    return lo + (int64_t)(model_rng_next(r) % (uint64_t)(hi - lo + 1));
}

bool model_rng_chance(model_rng *r, uint32_t per_mille)
{
    return per_mille > 0 && model_rng_below(r, 1000) < per_mille;
}

static int64_t mono_ns(void *self)
{
    model_clock *c = self;
    c->now_ns += MODEL_CLOCK_TICK_NS;
    return c->now_ns;
}

static int64_t wall_ms(void *self)
{
    const model_clock *c = self;
    return c->wall_base_ms + c->now_ns / 1000000;
}

void model_clock_init(model_clock *c)
{
    *c = (model_clock){.now_ns = MODEL_SEC(1), .wall_base_ms = 1767225600000}; /* 2026-01-01 */
}

fd_clock model_clock_port(model_clock *c)
{
    return (fd_clock){.mono_ns = mono_ns, .wall_ms = wall_ms, .self = c};
}

static model_schema *find_schema(model_schemas *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->items[i].id == id)
            return &s->items[i];
    }
    return NULL;
}

void model_schemas_set(model_schemas *s, uint32_t id, fd_schema_answer answer, fd_str json)
{
    model_schema *item = find_schema(s, id);
    if (item == NULL) {
        FD_ASSERT(s->n < MODEL_SCHEMAS_MAX);
        item = &s->items[s->n++];
    }
    *item = (model_schema){.id = id, .answer = answer, .json = json};
}

static fd_schema_answer lookup(void *self, uint32_t schema_id, fd_str *json, fd_err *err)
{
    model_schemas *s = self;
    s->lookups++;
    const model_schema *item = find_schema(s, schema_id);
    fd_schema_answer answer = item == NULL ? FD_SCHEMA_UNKNOWN : item->answer;
    if (answer == FD_SCHEMA_KNOWN)
        *json = item->json;
    else if (answer == FD_SCHEMA_UNKNOWN)
        fd_fail(err, FD_RETRY, 0, "no schema %u", schema_id);
    else if (answer == FD_SCHEMA_UNAVAILABLE)
        fd_fail(err, FD_RETRY, 0, "registry down");
    return answer;
}

fd_schemas model_schemas_port(model_schemas *s)
{
    static const fd_schemas_ops ops = {.lookup = lookup};
    return (fd_schemas){.ops = &ops, .self = s};
}

static void on_stage(void *self, fd_stage stage, uint32_t events, int64_t ns)
{
    (void)self;
    (void)events; /* 0: start offsets */
    FD_ASSERT(stage < FD_N_STAGES && ns >= 0);
}

static void on_txn(void *self, fd_txn_result result, int64_t ns)
{
    model_observer *o = self;
    FD_ASSERT(ns >= 0);
    o->txns[result]++;
}

static void on_note(void *self, fd_note note, const fd_tp *tp, int64_t offset, const char *detail)
{
    model_observer *o = self;
    FD_ASSERT(note < FD_N_NOTES && detail != NULL);
    o->notes[note]++;
    snprintf(o->detail[note], sizeof o->detail[note], "%s", detail);
    static const char *const texts[] = {
#define X(name, level, text) text,
        FD_NOTES(X)
#undef X
    };
    if (o->line == NULL)
        return;
    char line[640];
    if (tp != NULL)
        snprintf(line, sizeof line, "note: %s %d/%d@%lld %s", texts[note], tp->source,
                 tp->partition, (long long)offset, detail);
    else
        snprintf(line, sizeof line, "note: %s; %s", texts[note], detail);
    o->line(o->line_self, line);
}

static void on_batch(void *self, const fd_batch_report *report)
{
    model_observer *o = self;
    FD_ASSERT(report->events > 0);
    o->events += report->events;
    o->batches++;
    for (int i = 0; i < FD_N_ACTIONS; i++)
        o->by_action[i] += report->by_action[i];
    for (int i = 0; i < FD_N_FLAGS; i++)
        o->by_flag[i] += report->by_flag[i];
    for (int i = 0; i < FD_N_POISONS; i++)
        o->by_poison[i] += report->by_poison[i];
}

static void on_partition(void *self, const fd_partition_report *report)
{
    model_observer *o = self;
    if (!report->owned)
        return;
    o->pause = report->pause;
    if (report->queued > o->queued_max)
        o->queued_max = report->queued;
}

static void on_rule(void *self, uint32_t rule, const fd_rule_counts *more)
{
    model_observer *o = self;
    (void)rule;
    o->rule_hits += (uint32_t)more->hits;
    o->rule_errors += (uint32_t)more->errors;
}

static void on_state(void *self, const fd_state_report *report)
{
    model_observer *o = self;
    o->redo_events = report->redo_events;
    o->evictions = report->evictions;
}

static void on_program(void *self, const fd_program_report *report)
{
    static const char *const stages[] = {"decides", "waits for its windows", "is given up"};
    model_observer *o = self;
    o->programs[report->stage]++;
    if (report->stage == FD_PROGRAM_GIVEN_UP) {
        snprintf(o->given_up, sizeof o->given_up, "%s", report->ruleset);
        snprintf(o->why, sizeof o->why, "%s", report->why);
    }
    if (o->line == NULL)
        return;
    char line[320];
    snprintf(line, sizeof line, "rules: %.8s %s%s%s", report->ruleset, stages[report->stage],
             report->why == NULL ? "" : ": ", report->why == NULL ? "" : report->why);
    o->line(o->line_self, line);
}

fd_observer model_observer_port(model_observer *o)
{
    static const fd_observer_ops ops = {
        .stage = on_stage,
        .txn = on_txn,
        .note = on_note,
        .batch = on_batch,
        .partition = on_partition,
        .state = on_state,
        .program = on_program,
        .rule = on_rule,
    };
    return (fd_observer){.ops = &ops, .self = o};
}
