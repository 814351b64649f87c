/* Drawing a run from its seed; see plan.h. Pure. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

const char *sim_act_name(sim_act_kind kind)
{
    static const char *const names[] = {
#define X(name) #name,
        SIM_ACTS(X)
#undef X
    };
    FD_ASSERT(kind < SIM_N_ACTS);
    return names[kind];
}

static bool half(model_rng *r)
{
    return model_rng_below(r, 2) == 0;
}

/* A rate up to `max`, often nothing. */
static uint32_t rate(model_rng *r, uint32_t max)
{
    return half(r) ? 0 : 1 + model_rng_below(r, max);
}

static uint32_t upto(model_rng *r, uint32_t lo, uint32_t hi)
{
    return (uint32_t)model_rng_between(r, lo, hi);
}

static void draw_sizes(sim_plan *p, model_rng *r)
{
    p->n_topics = half(r) ? 1 : 2;
    p->partitions[0] = (int32_t)upto(r, 1, 3);
    p->partitions[1] = p->n_topics == 2 ? (int32_t)upto(r, 1, 2) : 0;
    p->out_partitions[FD_OUT_DECISION] = half(r) ? p->partitions[0] : (int32_t)upto(r, 1, 3);
    p->out_partitions[FD_OUT_DEAD_LETTER] = (int32_t)upto(r, 1, 2);
    p->n_slots = upto(r, 1, SIM_SLOTS_MAX);
    p->is_static = model_rng_below(r, 10) < 7;
    p->cooperative = half(r);
    p->latest = model_rng_below(r, 4) == 0;
    p->max_events = half(r) ? upto(r, 1, 3) : upto(r, 4, 12);
    p->max_in_flight = model_rng_below(r, 4) == 0 ? 1 : 2;
    p->queue_events = upto(r, 1, 24);
    p->burst = upto(r, 1, 12);
    p->max_wait_ns = MODEL_US(upto(r, 0, 4000));
    p->max_idle_ns = MODEL_MS(upto(r, 1, 100));
    p->max_skew_us = half(r) ? 3600 * INT64_C(1000000) : upto(r, 1000, 500000);
    bool strict = model_rng_below(r, 4) == 0;
    p->poison_window = upto(r, 5, 30);
    p->poison_max_rate = strict ? 0.3 : 1;
    p->max_record_bytes = half(r) ? 0 : 1400;
    p->dead_letter_max_bytes = half(r) ? 6000 : 2000;
}

static void draw_times(sim_plan *p, model_rng *r)
{
    p->txn_timeout_ns = MODEL_MS(upto(r, 300, 2500));
    p->worker_timeout_ns = p->txn_timeout_ns + MODEL_MS(upto(r, 0, 1500));
    p->revoke_timeout_ns = MODEL_MS(upto(r, 50, 1500));
    p->call_timeout_ms = half(r) ? (int)upto(r, 10, 40) : (int)upto(r, 100, 1000);
    p->session_ns = MODEL_MS(upto(r, 600, 2000));
    p->heartbeat_ns = p->session_ns / 5;
    p->rebalance_ns = MODEL_MS(upto(r, 2000, 5000));
    p->socket_timeout_ns = MODEL_MS(upto(r, 100, 1000));
    p->trouble_ns = MODEL_MS(upto(r, 500, 5000));
    p->calm_ns = MODEL_SEC(60);
}

static void draw_weather(sim_plan *p, model_rng *r)
{
    p->weather = (model_weather){
        .delay_ns = MODEL_US(upto(r, 20, 1500)),
        .slow = rate(r, 60),
        .slow_ns = MODEL_MS(upto(r, 1, 400)),
        .cut_before = rate(r, 25),
        .cut_after = rate(r, 25),
        .late = rate(r, 40),
        .late_ns = MODEL_MS(half(r) ? upto(r, 1, 40) : upto(r, 20, 4000)),
        .silent = rate(r, 300),
        .refused = rate(r, 25),
        .slow_marker = rate(r, 150),
        .hasty = half(r) ? rate(r, 200) : rate(r, 900),
    };
    p->sleepy = rate(r, 60);
    p->sleep_ns = MODEL_MS(half(r) ? upto(r, 1, 10) : upto(r, 10, 800));
}

static void draw_store(sim_plan *p, model_rng *r)
{
    p->store = model_rng_below(r, 4) != 0;
    p->blind = model_rng_below(r, 4) == 0;
    p->state_memory = half(r) ? SIM_STATE_BYTES : SIM_STATE_TIGHT_BYTES;
    p->flush_interval_ns = MODEL_MS(half(r) ? upto(r, 1, 20) : upto(r, 20, 500));
    p->copy_values = half(r) ? upto(r, 1, 6) : 0;
    p->flush_values = half(r) ? upto(r, 1, 4) : 0;
    p->store_weather = (model_store_weather){
        .delay_ns = MODEL_US(upto(r, 20, 1000)),
        .slow = rate(r, 60),
        .slow_ns = MODEL_MS(upto(r, 1, 300)),
        .cut = rate(r, 25),
        .silent = rate(r, 300),
        .late = rate(r, 600),
        .again = rate(r, 40),
        .late_ns = MODEL_MS(half(r) ? upto(r, 1, 40) : upto(r, 20, 4000)),
    };
}

static sim_act *add(sim_plan *p, sim_act_kind kind, int64_t at_ns)
{
    FD_ASSERT(p->n_acts < SIM_ACTS_MAX);
    sim_act *a = &p->acts[p->n_acts];
    *a = (sim_act){.kind = kind, .at_ns = at_ns, .order = p->n_acts++};
    return a;
}

static uint32_t n_tps(const sim_plan *p)
{
    return (uint32_t)(p->partitions[0] + p->partitions[1]);
}

static sim_kind draw_kind(const sim_plan *p, model_rng *r, uint32_t tp, uint32_t poison)
{
    if (!model_rng_chance(r, poison))
        return model_rng_chance(r, 20) ? SIM_FUTURE : SIM_VALID;
    bool confluent = tp >= (uint32_t)p->partitions[0];
    if (confluent && half(r))
        return half(r) ? SIM_LATE_SCHEMA : SIM_UNKNOWN_SCHEMA;
    return (sim_kind)(1 + model_rng_below(r, confluent ? SIM_N_KINDS - 1 : SIM_FUTURE));
}

/* Some of the log is there before the first worker, the rest comes while things go wrong. */
static void draw_log(sim_plan *p, model_rng *r)
{
    uint32_t n = half(r) ? upto(r, 8, 40) : upto(r, 40, 160);
    uint32_t poison = rate(r, 250);
    uint32_t gaps = rate(r, 100);
    uint32_t backlog = model_rng_below(r, 1001);
    bool flood = model_rng_below(r, 40) == 0;
    for (uint32_t i = 0; flood && i < 500; i++)
        add(p, SIM_ACT_APPEND, p->trouble_ns / 4)->event = SIM_VALID;
    for (uint32_t i = 0; i < n; i++) {
        bool old = model_rng_chance(r, backlog);
        int64_t at = old ? 0 : model_rng_between(r, 0, p->trouble_ns);
        uint32_t tp = model_rng_below(r, n_tps(p));
        sim_act *a = add(p, SIM_ACT_APPEND, at);
        a->tp = tp;
        a->event = draw_kind(p, r, tp, poison);
        if (model_rng_chance(r, gaps))
            add(p, SIM_ACT_GAP, at)->tp = tp;
        if (model_rng_chance(r, gaps / 4)) {
            add(p, SIM_ACT_HOLD, at)->tp = tp;
            add(p, SIM_ACT_UNHOLD, at + model_rng_between(r, 0, MODEL_MS(800)))->tp = tp;
        }
    }
}

typedef struct trouble {
    sim_act_kind kind;
    uint32_t most;
    uint32_t min_ms, max_ms; /* how long */
} trouble;

static const trouble troubles[] = {
    {SIM_ACT_KILL, 5, 0, 1500},     {SIM_ACT_PAUSE, 4, 1, 4000},
    {SIM_ACT_STOP, 3, 0, 1500},     {SIM_ACT_KICK, 3, 0, 0},
    {SIM_ACT_REBALANCE, 3, 0, 0},   {SIM_ACT_BROKER_DOWN, 2, 1, 1500},
    {SIM_ACT_MOVE_TXN, 3, 1, 1000}, {SIM_ACT_MOVE_GROUP, 3, 1, 1000},
    {SIM_ACT_TWIN, 2, 1, 2500},     {SIM_ACT_REGISTRY_DOWN, 2, 1, 1000},
};

static const trouble store_troubles[] = {
    {SIM_ACT_STORE_DOWN, 3, 1, 1500},     {SIM_ACT_STORE_FULL, 2, 1, 1000},
    {SIM_ACT_STORE_STALL, 3, 1, 800},     {SIM_ACT_STORE_ROLLBACK, 3, 0, 0},
    {SIM_ACT_STORE_FLUSH, 2, 0, 0},       {SIM_ACT_STORE_LOSE_MARKER, 2, 0, 0},
    {SIM_ACT_STORE_LOSE_BUCKET, 3, 0, 0}, {SIM_ACT_STORE_LOSE_VALUE, 3, 0, 0},
};

static void draw_store_troubles(sim_plan *p, model_rng *r)
{
    for (uint32_t t = 0; p->store && t < sizeof store_troubles / sizeof *store_troubles; t++) {
        const trouble *k = &store_troubles[t];
        uint32_t n = rate(r, k->most);
        for (uint32_t i = 0; i < n; i++) {
            int64_t at = model_rng_between(r, 0, p->trouble_ns);
            int64_t ns = MODEL_MS(upto(r, k->min_ms, k->max_ms));
            add(p, k->kind, at)->ns = ns;
            if (k->kind == SIM_ACT_STORE_DOWN)
                add(p, SIM_ACT_STORE_UP, at + ns);
            if (k->kind == SIM_ACT_STORE_FULL)
                add(p, SIM_ACT_STORE_EMPTY, at + ns);
        }
    }
}

/* New rules reach all processes, each at its own time. */
static void draw_reloads(sim_plan *p, model_rng *r)
{
    uint32_t n = rate(r, 6);
    for (uint32_t i = 0; i < n; i++) {
        int64_t at = model_rng_between(r, 0, p->trouble_ns);
        sim_set set = (sim_set)model_rng_below(r, SIM_N_SETS);
        for (uint32_t slot = 0; slot < p->n_slots; slot++) {
            sim_act *a = add(p, SIM_ACT_RELOAD, at + MODEL_MS(slot * upto(r, 0, 200)));
            a->slot = (int)slot;
            a->set = set;
        }
    }
}

static void draw_troubles(sim_plan *p, model_rng *r)
{
    for (uint32_t t = 0; t < sizeof troubles / sizeof *troubles; t++) {
        uint32_t n = rate(r, troubles[t].most);
        for (uint32_t i = 0; i < n; i++) {
            int64_t at = model_rng_between(r, 0, p->trouble_ns);
            int64_t ns = MODEL_MS(upto(r, troubles[t].min_ms, troubles[t].max_ms));
            int slot = (int)model_rng_below(r, p->n_slots);
            sim_act *a = add(p, troubles[t].kind, at);
            a->slot = slot;
            a->ns = ns;
            if (troubles[t].kind == SIM_ACT_REGISTRY_DOWN)
                add(p, SIM_ACT_REGISTRY_UP, at + ns);
        }
    }
    for (uint32_t s = 0; s < p->n_slots; s++)
        add(p, SIM_ACT_START, half(r) ? 0 : model_rng_between(r, 0, p->trouble_ns / 2))->slot =
            (int)s;
}

static int by_time(const void *a, const void *b)
{
    const sim_act *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void sim_plan_draw(sim_plan *p, uint64_t seed)
{
    model_rng r = {.state = fd_hash64(&seed, sizeof seed, 1)};
    *p = (sim_plan){.seed = seed};
    draw_sizes(p, &r);
    draw_times(p, &r);
    draw_weather(p, &r);
    draw_store(p, &r);
    draw_log(p, &r);
    draw_troubles(p, &r);
    draw_store_troubles(p, &r);
    draw_reloads(p, &r);
    qsort(p->acts, p->n_acts, sizeof p->acts[0], by_time);
}

void sim_plan_print(const sim_plan *p, char *line, size_t n)
{
    const model_weather *w = &p->weather;
    snprintf(line, n,
             "seed %llu: %u slots %s %s, inputs %d+%d, batch %u x %u, %u acts in %lld ms, txn %lld "
             "ms, session %lld ms, delay %lld us, slow %u cut %u/%u late %u (%lld ms) silent %u "
             "refused %u markers %u hasty %u sleepy %u, state %s %zu KiB",
             (unsigned long long)p->seed, p->n_slots, p->is_static ? "static" : "dynamic",
             p->cooperative ? "cooperative" : "eager", p->partitions[0], p->partitions[1],
             p->max_events, p->max_in_flight, p->n_acts, (long long)(p->trouble_ns / 1000000),
             (long long)(p->txn_timeout_ns / 1000000), (long long)(p->session_ns / 1000000),
             (long long)(w->delay_ns / 1000), w->slow, w->cut_before, w->cut_after, w->late,
             (long long)(w->late_ns / 1000000), w->silent, w->refused, w->slow_marker, w->hasty,
             p->sleepy, p->store ? "in a store, memory" : "in memory,", p->state_memory / 1024);
}
