/* Life of a simulated worker process; see process.h. */
#include "process.h"

#include <stdio.h>

#include "base/assert.h"
#include "engine/program.h"

enum { STEP_WAIT_US = 100000, IDLE_WAIT_MS = 100, STOP_STEPS_MAX = 1000 };

sim_process_config sim_process_defaults(void)
{
    return (sim_process_config){
        .instance = -1,
        .n_topics = 1,
        .partitions = {2, 0},
        .start = {.kind = FD_START_EARLIEST},
        .max_events = 8,
        .max_in_flight = 2,
        .queue_events = 32,
        .max_wait_ns = MODEL_MS(2),
        .max_idle_ns = MODEL_MS(50),
        .max_skew_us = INT64_C(3600) * 1000000,
        .poison_max_rate = 1,
        .poison_window = 100,
        .dead_letter_max_bytes = 4000,
        .txn_timeout_ns = MODEL_SEC(15),
        .revoke_timeout_ns = MODEL_SEC(10),
        .call_timeout_ms = 1000,
    };
}

static void wake(void *self, int who)
{
    sim_process *p = self;
    FD_ASSERT(who >= 0 && who < SIM_ACTORS);
    p->actors[who].woken = true;
}

static int64_t mono_ns(void *self)
{
    const sim_process *p = self;
    fd_clock clock = model_clock_port(p->config.clock);
    return fd_clock_mono_ns(&clock) + p->skew_ns;
}

static int64_t wall_ms(void *self)
{
    const sim_process *p = self;
    fd_clock clock = model_clock_port(p->config.clock);
    return fd_clock_wall_ms(&clock);
}

static void make_worker(sim_process *p)
{
    const sim_process_config *c = &p->config;
    fd_worker_source sources[2];
    for (uint32_t i = 0; i < c->n_topics; i++)
        sources[i] = (fd_worker_source){
            .topic = sim_topics[i], .start = c->start, .partitions = c->partitions[i]};
    fd_worker_config config = {
        .engine = p->engine.engine,
        .source = model_source(c->m, p->client),
        .txn = model_txn(c->m, p->client),
        .schemas = c->schemas == NULL ? (fd_schemas){0} : model_schemas_port(c->schemas),
        .allow_short_history = c->allow_short_history,
        .store = c->store == NULL ? (fd_state_store){0}
                                  : model_store_port(c->store, p->store_client),
        .history = model_history(c->m, p->client),
        .rebuild_share = 0.5,
        .blind_starts = c->blind,
        .store_seed = (uint64_t)p->client,
        .flush_interval_ns = c->flush_interval_ns,
        .copy_values = c->copy_values,
        .flush_values = c->flush_values,
        .clock = {.mono_ns = mono_ns, .wall_ms = wall_ms, .self = p},
        .observer = model_observer_port(&p->observer),
        .wake = wake,
        .wake_self = p,
        .n_sources = c->n_topics,
        .sources = sources,
        .max_events = c->max_events,
        .max_in_flight = c->max_in_flight,
        .queue_events = c->queue_events,
        .max_wait_ns = c->max_wait_ns,
        .max_idle_ns = c->max_idle_ns,
        .max_skew_us = c->max_skew_us,
        .poison_max_rate = c->poison_max_rate,
        .poison_window = c->poison_window,
        .deadline_ms = c->deadline_ms,
        .dead_letter_max_bytes = c->dead_letter_max_bytes,
        .txn_timeout_ns = c->txn_timeout_ns,
        .revoke_timeout_ns = c->revoke_timeout_ns,
        .call_timeout_ms = c->call_timeout_ms,
    };
    p->worker = fd_worker_new(&config);
}

void sim_process_start(sim_process *p, const sim_process_config *config)
{
    model_observer observer = {.line = p->observer.line, .line_self = p->observer.line_self};
    *p = (sim_process){.config = *config, .observer = observer};
    sim_engine_new(&p->engine, config->n_topics, config->max_events,
                   &(sim_state){.memory = config->state_memory,
                                .evict = config->store != NULL,
                                .set = config->set});
    snprintf(p->wanted, sizeof p->wanted, "%s", fd_engine_ruleset_hash(p->engine.engine));
    p->client = model_start(config->m, config->instance);
    if (config->store != NULL)
        p->store_client = model_store_client(config->store);
    make_worker(p);
}

bool sim_process_busy(const sim_process *p)
{
    for (int i = 0; i < SIM_ACTORS; i++) {
        if (p->actors[i].busy)
            return true;
    }
    return false;
}

static bool may_ever(const sim_process *p, int actor)
{
    const sim_actor *a = &p->actors[actor];
    if (a->busy || a->stopped || p->life == SIM_ENDED || model_paused(p->config.m, p->client))
        return false;
    return actor < FD_LANES || p->life == SIM_RUNNING;
}

bool sim_process_ready(sim_process *p, int actor)
{
    return sim_process_next_ns(p, actor) <= model_now(p->config.m);
}

int64_t sim_process_next_ns(sim_process *p, int actor)
{
    const sim_actor *a = &p->actors[actor];
    if (!may_ever(p, actor))
        return INT64_MAX;
    if (a->woken || (actor == SIM_ENGINE && model_has_news(p->config.m, p->client)))
        return 0;
    return a->ready_ns;
}

/* What the threads of the service's wiring do between two steps. */
static void step_lane(sim_process *p, int lane)
{
    int backoff_ms = 0;
    int64_t now = model_now(p->config.m);
    sim_actor *a = &p->actors[lane];
    switch (fd_committer_step(fd_worker_committer(p->worker), lane, &backoff_ms)) {
    case FD_STEP_AGAIN:
        a->ready_ns = now;
        a->woken = true;
        break;
    case FD_STEP_WAIT:
        a->ready_ns = now + MODEL_MS(IDLE_WAIT_MS);
        break;
    case FD_STEP_BACKOFF:
        a->ready_ns = now + MODEL_MS(backoff_ms);
        break;
    case FD_STEP_STOPPED:
        a->stopped = true;
        break;
    }
}

static void step_engine(sim_process *p)
{
    p->steps++;
    fd_worker_state state = fd_worker_step(p->worker, STEP_WAIT_US);
    p->actors[SIM_ENGINE].ready_ns = model_poll_until_ns(p->config.m, p->client);
    if (model_woken(p->config.m, p->client))
        p->actors[SIM_ENGINE].woken = true;
    if (state == FD_WORKER_RUNNING)
        return;
    p->failed = state == FD_WORKER_FAILED;
    p->life = SIM_CLOSING;
    fd_committer_stop(fd_worker_committer(p->worker));
}

/* Drained, and its lanes have closed: leaves the group. Failed: ends at once, as _exit does. */
static void try_to_end(sim_process *p)
{
    if (p->life != SIM_CLOSING || sim_process_busy(p))
        return;
    if (p->failed || p->killed) {
        if (model_alive(p->config.m, p->client))
            model_kill(p->config.m, p->client);
        p->life = SIM_ENDED;
        return;
    }
    for (int i = 0; i < FD_LANES; i++) {
        if (!p->actors[i].stopped)
            return;
    }
    model_leave(p->config.m, p->client);
    p->life = SIM_ENDED;
}

void sim_process_step(sim_process *p, int actor)
{
    sim_actor *a = &p->actors[actor];
    FD_ASSERT(may_ever(p, actor));
    a->woken = false;
    a->busy = true;
    if (actor == SIM_ENGINE)
        step_engine(p);
    else
        step_lane(p, actor);
    a->busy = false;
    try_to_end(p);
}

void sim_process_reload(sim_process *p, sim_set set)
{
    const sim_process_config *c = &p->config;
    fd_program *next = sim_program(&p->engine, c->n_topics, c->max_events, set);
    snprintf(p->wanted, sizeof p->wanted, "%s", fd_program_ruleset_hash(next));
    fd_worker_sweep(p->worker);
    fd_worker_offer(p->worker, next, INT64_MIN);
}

void sim_process_stop(sim_process *p)
{
    if (p->life == SIM_RUNNING)
        fd_worker_stop(p->worker);
}

void sim_process_kill(sim_process *p)
{
    if (p->killed || p->life == SIM_ENDED)
        return;
    model_kill(p->config.m, p->client);
    if (p->config.store != NULL)
        model_store_kill(p->config.store, p->store_client);
    p->killed = true;
    p->life = SIM_CLOSING;
    try_to_end(p);
}

void sim_process_free(sim_process *p)
{
    FD_ASSERT(p->life == SIM_ENDED && !sim_process_busy(p));
    /* Nothing of a dead process has an effect: its lanes find that out and stop. */
    if (model_alive(p->config.m, p->client) && !p->actors[0].stopped)
        model_kill(p->config.m, p->client);
    fd_committer *c = fd_worker_committer(p->worker);
    fd_committer_stop(c);
    int backoff_ms;
    bool stopped = false;
    for (uint32_t steps = 0; !stopped; steps++) {
        FD_ASSERT(steps < STOP_STEPS_MAX);
        stopped = true;
        for (int i = 0; i < FD_LANES; i++) {
            if (fd_committer_step(c, i, &backoff_ms) != FD_STEP_STOPPED)
                stopped = false;
            p->skew_ns += MODEL_MS(IDLE_WAIT_MS);
        }
    }
    fd_worker_free(p->worker);
    sim_engine_free(&p->engine);
    if (model_outstanding(p->config.m, p->client) != 0)
        model_violation(p->config.m, "c%d: %u messages or memberships were not given back",
                        p->client, model_outstanding(p->config.m, p->client));
}

static bool step_one(sim_process *p)
{
    if (model_next_ns(p->config.m) <= model_now(p->config.m))
        return model_advance(p->config.m, model_now(p->config.m));
    bool any = false;
    for (int i = 0; i < SIM_ACTORS; i++) {
        if (!sim_process_ready(p, i))
            continue;
        sim_process_step(p, i);
        any = true;
    }
    return any;
}

bool sim_process_run(sim_process *p, bool (*over)(void *arg), void *arg, int64_t limit_ns)
{
    model *m = p->config.m;
    int64_t until = model_now(m) + limit_ns;
    while (!over(arg)) {
        if (model_now(m) >= until || p->life == SIM_ENDED)
            return false;
        if (step_one(p))
            continue;
        int64_t next = until;
        for (int i = 0; i < SIM_ACTORS; i++) {
            int64_t at = sim_process_next_ns(p, i);
            next = at < next ? at : next;
        }
        model_advance(m, next);
    }
    return true;
}
