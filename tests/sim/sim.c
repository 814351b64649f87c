/*
 * The scheduler of a run: what happens next, until everything is decided; see sim.h.
 *
 * A blocking call of an actor comes back here (model_config.idle): another turn is taken while it
 * waits, so calls of different threads and processes are under way at the same time. They end in
 * the reverse order of their begin; a call that must end earlier returns RETRY early instead
 * (weather.hasty). One thread.
 */
#include "sim.h"

#include <stdlib.h>

#include "base/hash.h"
#include "sim_int.h"

enum { DEPTH_MAX = 24, TURNS_MAX = 3000000 };

static const int64_t OPERATOR_NS = MODEL_MS(70);

void sim_line(void *self, const char *text)
{
    sim *s = self;
    s->trace_hash = fd_hash64(text, strlen(text), s->trace_hash);
    if (s->trace != NULL)
        fprintf(s->trace, "%12.3f %*s%s\n", (double)(s->clock.now_ns - s->began_ns) / 1e6,
                (int)s->depth, "", text);
}

/* ---- a turn ---- */

typedef struct choice {
    sim_process *process;
    int actor;
} choice;

static uint32_t ready_actors(sim *s, choice *out, int64_t *next_ns)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_processes; i++) {
        sim_process *p = s->processes[i];
        for (int a = 0; p != NULL && a < SIM_ACTORS; a++) {
            int64_t at = sim_process_next_ns(p, a);
            if (at != INT64_MAX && at < s->asleep_ns[i][a])
                at = s->asleep_ns[i][a];
            if (at <= model_now(s->m))
                out[n++] = (choice){.process = p, .actor = a};
            else if (at < *next_ns)
                *next_ns = at;
        }
    }
    return n;
}

static void step(sim *s, choice c)
{
    sim_process_step(c.process, c.actor);
    s->clock.now_ns += model_rng_between(&s->rng, 0, MODEL_US(20));
    if (!model_rng_chance(&s->rng, s->calm ? 0 : s->plan.sleepy))
        return;
    for (uint32_t i = 0; i < s->n_processes; i++) {
        if (s->processes[i] == c.process)
            s->asleep_ns[i][c.actor] = model_now(s->m) +
                                       model_rng_between(&s->rng, 0, s->plan.sleep_ns);
    }
}

static bool act_is_due(const sim *s)
{
    return s->next_act < s->plan.n_acts &&
           s->began_ns + s->plan.acts[s->next_act].at_ns <= model_now(s->m);
}

static int64_t next_act_ns(const sim *s)
{
    int64_t at = s->operator_ns;
    if (s->next_act < s->plan.n_acts && s->began_ns + s->plan.acts[s->next_act].at_ns < at)
        at = s->began_ns + s->plan.acts[s->next_act].at_ns;
    for (uint32_t i = 0; i < s->n_later; i++)
        at = s->later[i].at_ns < at ? s->later[i].at_ns : at;
    return at;
}

/* The world's own doings come between the steps of others, not within one. */
static bool do_acts(sim *s)
{
    if (act_is_due(s)) {
        sim_act_now(s, &s->plan.acts[s->next_act++]);
        return true;
    }
    if (sim_later_now(s))
        return true;
    if (model_now(s->m) < s->operator_ns)
        return false;
    s->operator_ns = model_now(s->m) + OPERATOR_NS;
    sim_operator(s);
    return true;
}

static void turn(sim *s, int64_t until_ns)
{
    s->turns++;
    if (do_acts(s))
        return;
    choice ready[SIM_PROCESSES_MAX * SIM_ACTORS];
    int64_t next = until_ns;
    uint32_t n = s->depth < DEPTH_MAX ? ready_actors(s, ready, &next) : 0;
    bool due = model_next_ns(s->m) <= model_now(s->m);
    if (s->store != NULL && model_store_next_ns(s->store) <= model_now(s->m) &&
        (n == 0 || model_rng_below(&s->rng, n + 1) == 0)) {
        model_store_run(s->store);
        return;
    }
    if (n > 0 && (!due || model_rng_below(&s->rng, n + 1) > 0)) {
        step(s, ready[model_rng_below(&s->rng, n)]);
        return;
    }
    int64_t act = next_act_ns(s);
    if (act < next)
        next = act > model_now(s->m) ? act : model_now(s->m);
    if (s->store != NULL && model_store_next_ns(s->store) < next)
        next = model_store_next_ns(s->store);
    model_advance(s->m, next);
}

static void on_idle(void *self, int64_t until_ns)
{
    sim *s = self;
    s->depth++;
    turn(s, until_ns);
    s->depth--;
}

/* ---- beginning and end ---- */

static void on_decided(void *self, const fd_out_record *record)
{
    sim_check_decided(((sim *)self)->check, record);
}

static void on_offset(void *self, fd_tp tp, int64_t from, int64_t to)
{
    sim_check_offset(((sim *)self)->check, tp, from, to);
}

static void open_model(sim *s, bool lines)
{
    const sim_plan *p = &s->plan;
    model_config config = {
        .clock = &s->clock,
        .seed = model_rng_next(&s->rng),
        .n_topics = p->n_topics,
        .txn_timeout_ns = p->txn_timeout_ns,
        .session_ns = p->session_ns,
        .heartbeat_ns = p->heartbeat_ns,
        .rebalance_ns = p->rebalance_ns,
        .socket_timeout_ns = p->socket_timeout_ns,
        .max_record_bytes = p->max_record_bytes,
        .burst = p->burst,
        .cooperative = p->cooperative,
        .idle = on_idle,
        .idle_self = s,
        .watch = {.decided = on_decided,
                  .offset = on_offset,
                  .line = lines ? sim_line : NULL,
                  .self = s},
    };
    memcpy(config.partitions, p->partitions, sizeof p->partitions);
    memcpy(config.out_partitions, p->out_partitions, sizeof p->out_partitions);
    s->lines = lines;
    s->check = sim_check_new(p->n_topics);
    s->m = model_new(&config);
    sim_check_attach(s->check, s->m);
    if (p->blind)
        sim_check_allow_blind(s->check);
    model_weather_set(s->m, &p->weather);
    sim_registry(s, true);
}

static void open_store(sim *s)
{
    if (!s->plan.store)
        return;
    model_store_config config = {.clock = &s->clock,
                                 .seed = model_rng_next(&s->rng),
                                 .idle = on_idle,
                                 .idle_self = s,
                                 .line = s->lines ? sim_line : NULL,
                                 .line_self = s};
    s->store = model_store_new(&config);
    model_store_weather_set(s->store, &s->plan.store_weather);
}

static void begin(sim *s, uint64_t seed, FILE *trace, bool hashed)
{
    *s = (sim){.trace = trace};
    sim_plan_draw(&s->plan, seed);
    s->rng.state = fd_hash64(&seed, sizeof seed, 2);
    model_clock_init(&s->clock);
    s->began_ns = s->clock.now_ns;
    open_model(s, trace != NULL || hashed);
    open_store(s);
    char line[600];
    sim_plan_print(&s->plan, line, sizeof line);
    if (s->lines)
        sim_line(s, line);
}

static bool broken(sim *s)
{
    return *sim_check_verdict(s->check) != '\0';
}

/* Trouble: until its time is over. Then calm: until all is done, or too late. */
static void happen(sim *s)
{
    int64_t calm_ns = s->began_ns + s->plan.trouble_ns;
    while (!broken(s) && model_now(s->m) < calm_ns && s->turns < TURNS_MAX)
        turn(s, calm_ns);
    sim_calm(s);
    int64_t until = model_now(s->m) + s->plan.calm_ns;
    while (!broken(s) && model_now(s->m) < until && s->turns < TURNS_MAX) {
        if (s->next_act >= s->plan.n_acts && s->n_later == 0 && sim_check_done(s->check) &&
            sim_reloaded(s))
            break;
        turn(s, until);
    }
    if (s->turns >= TURNS_MAX)
        sim_check_broken(s->check, "no progress: time does not pass (%llu turns)",
                         (unsigned long long)s->turns);
    if (!broken(s) && !sim_check_done(s->check))
        sim_check_missing(s->check);
    if (!broken(s) && !sim_reloaded(s))
        sim_check_broken(s->check, "no progress: rules that were deployed do not decide");
    /* The last answers and markers; and a twin may find out only now that its place is taken. */
    int64_t soon = model_now(s->m) + MODEL_SEC(1);
    until = soon + MODEL_SEC(30);
    while (!broken(s) && model_now(s->m) < until &&
           (model_now(s->m) < soon || model_open_txns(s->m) > 0))
        turn(s, until);
    if (!broken(s))
        sim_check_final(s->check);
}

static void end(sim *s, sim_result *out)
{
    /* What a broken run leaves behind may not even be able to end. */
    if (!broken(s))
        sim_free_all(s);
    const char *verdict = sim_check_verdict(s->check);
    const model_counts *counts = model_counted(s->m);
    *out = (sim_result){
        .failed = *verdict != '\0',
        .trace_hash = s->trace_hash,
        .turns = s->turns,
        .decisions = sim_check_decisions(s->check),
        .commits = s->commits,
        .recoveries = s->recoveries,
        .rebalances = counts->rebalances,
        .restarts = s->restarts,
        .exchanges = s->exchanges,
        .rebuilds = s->rebuilds,
        .late_hits = counts->late_hits,
        .timeouts = counts->timeouts,
        .virtual_ns = model_now(s->m) - s->began_ns,
    };
    for (int i = 0; i <= MODEL_HOLD; i++)
        out->faults += counts->faults[i];
    snprintf(out->found, sizeof out->found, "%s", verdict);
    model_free(s->m);
    model_store_free(s->store);
    sim_check_free(s->check);
}

void sim_run(uint64_t seed, FILE *trace, bool hashed, sim_result *out)
{
    static sim s;
    begin(&s, seed, trace, hashed);
    happen(&s);
    end(&s, out);
}
