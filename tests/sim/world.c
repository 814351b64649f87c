/*
 * What happens in a run: events are appended, processes start, die, stand still and come back, the
 * broker and the registry have their spells; and the operator, who restarts what ended, closes the
 * breaker and consents to events that nobody can read. One thread.
 */
#include <stdlib.h>

#include "sim_int.h"

static void note(sim *s, const char *what, int slot)
{
    if (!s->lines)
        return;
    char line[80];
    snprintf(line, sizeof line, "act: %s %d", what, slot);
    sim_line(s, line);
}

/* ---- processes ---- */

static sim_process *current(const sim *s, int slot)
{
    return s->current[slot] == 0 ? NULL : s->processes[s->current[slot] - 1];
}

static sim_process_config config_of(sim *s, int slot)
{
    const sim_plan *p = &s->plan;
    sim_process_config c = sim_process_defaults();
    c.m = s->m;
    c.clock = &s->clock;
    c.schemas = p->n_topics > 1 ? &s->schemas : NULL;
    c.instance = p->is_static ? slot : -1;
    c.n_topics = p->n_topics;
    c.start.kind = p->latest ? FD_START_LATEST : FD_START_EARLIEST;
    memcpy(c.partitions, p->partitions, sizeof c.partitions);
    c.max_events = p->max_events;
    c.max_in_flight = p->max_in_flight;
    c.queue_events = p->queue_events;
    c.max_wait_ns = p->max_wait_ns;
    c.max_idle_ns = p->max_idle_ns;
    c.max_skew_us = p->max_skew_us;
    c.poison_max_rate = p->poison_max_rate;
    c.poison_window = p->poison_window;
    c.dead_letter_max_bytes = p->dead_letter_max_bytes;
    c.txn_timeout_ns = p->worker_timeout_ns;
    c.revoke_timeout_ns = p->revoke_timeout_ns;
    c.call_timeout_ms = p->call_timeout_ms;
    c.blind = p->blind;
    c.set = s->sets[slot];
    c.flush_interval_ns = p->flush_interval_ns;
    c.copy_values = p->copy_values;
    c.flush_values = p->flush_values;
    c.state_memory = p->store ? p->state_memory : 0;
    c.store = s->store;
    return c;
}

static void start(sim *s, int slot)
{
    sim_process *before = current(s, slot);
    if (before != NULL && before->life != SIM_ENDED)
        return;
    if (s->n_processes == SIM_PROCESSES_MAX)
        return;
    sim_process *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    p->observer.line = s->lines ? sim_line : NULL;
    p->observer.line_self = s;
    s->processes[s->n_processes++] = p;
    s->current[slot] = (int)s->n_processes;
    sim_process_config config = config_of(s, slot);
    sim_process_start(p, &config);
    for (uint32_t i = 0; i < s->n_consents; i++)
        fd_worker_consent(p->worker, s->consents[i]);
    s->restarts += s->n_processes > s->plan.n_slots;
}

static void later(sim *s, sim_act_kind kind, int slot, int process, int64_t ns)
{
    if (s->n_later == SIM_LATER_MAX)
        return;
    s->later[s->n_later++] = (sim_later){
        .at_ns = model_now(s->m) + ns, .kind = kind, .slot = slot, .process = process};
}

/* Its place is taken while it stands still; one day it goes on, and must find that out. */
static void twin(sim *s, int slot, int64_t ns)
{
    sim_process *p = current(s, slot);
    if (p == NULL || p->life != SIM_RUNNING || sim_process_busy(p) || !s->plan.is_static)
        return;
    model_pause(s->m, p->client, true);
    later(s, SIM_ACT_RESUME, slot, s->current[slot] - 1, ns);
    s->current[slot] = 0;
    start(s, slot);
}

static void pause_for(sim *s, int slot, int64_t ns)
{
    sim_process *p = current(s, slot);
    /* One that waits in a call stands on the stack of others: they would all stand still. */
    if (p == NULL || p->life != SIM_RUNNING || sim_process_busy(p) || model_paused(s->m, p->client))
        return;
    model_pause(s->m, p->client, true);
    later(s, SIM_ACT_RESUME, slot, s->current[slot] - 1, ns);
}

/* What is deployed there; a process that starts later begins with it. */
static void reload(sim *s, int slot, sim_set set)
{
    sim_process *p = current(s, slot);
    sim_check_allow_set(s->check, set);
    s->sets[slot] = set;
    if (p != NULL && p->life == SIM_RUNNING)
        sim_process_reload(p, set);
}

static bool has_reloaded(sim_process *p)
{
    fd_worker_status status;
    fd_worker_status_get(p->worker, &status);
    if (status.rebuild.on)
        return false;
    return strcmp(fd_engine_ruleset_hash(p->engine.engine), p->wanted) == 0 ||
           strcmp(p->observer.given_up, p->wanted) == 0;
}

bool sim_reloaded(const sim *s)
{
    for (int slot = 0; slot < (int)s->plan.n_slots; slot++) {
        sim_process *p = current(s, slot);
        if (p != NULL && p->life == SIM_RUNNING && !has_reloaded(p))
            return false;
    }
    return true;
}

static void kill_slot(sim *s, int slot, int64_t ns)
{
    sim_process *p = current(s, slot);
    if (p == NULL || p->life != SIM_RUNNING)
        return;
    sim_process_kill(p);
    later(s, SIM_ACT_START, slot, -1, ns);
}

static void stop_slot(sim *s, int slot, int64_t ns)
{
    sim_process *p = current(s, slot);
    if (p == NULL || p->life != SIM_RUNNING)
        return;
    sim_process_stop(p);
    later(s, SIM_ACT_START, slot, -1, ns);
}

/* ---- the log ---- */

static fd_tp tp_at(const sim *s, uint32_t i)
{
    fd_tp tps[MODEL_TPS_MAX];
    uint32_t n = model_all_partitions(s->m, tps);
    FD_ASSERT(i < n);
    return tps[i];
}

static void append(sim *s, const sim_act *a)
{
    unsigned char buf[SIM_EVENT_MAX];
    fd_tp tp = tp_at(s, a->tp);
    uint32_t i = s->n_appended++;
    int64_t ms = 1767225600000 + i * 10;
    sim_event e = {.kind = a->event,
                   .time_ms = ms - (int64_t)model_rng_below(&s->rng, 200),
                   .amount = model_rng_below(&s->rng, 1000)};
    snprintf(e.id, sizeof e.id, "t%u", i);
    /* As the topic is keyed: no card in two partitions. */
    snprintf(e.card, sizeof e.card, "C%u", 10 * a->tp + model_rng_below(&s->rng, 10));
    if (a->event == SIM_FUTURE)
        e.time_ms += 3600 * 1000;
    uint32_t n = sim_event_bytes(&e, tp.source == 1, buf);
    fd_header headers[2] = {{.name = FD_STR("traceparent"), .value = FD_STR("00-1-2-01")},
                            {.name = FD_STR("origin"), .value = FD_STR("")}};
    model_input in = {.kafka_ms = ms,
                      .key = fd_str_from(e.card),
                      .value = {(const char *)buf, n},
                      .null_key = i % 17 == 0,
                      .null_value = a->event == SIM_NULL_VALUE,
                      .n_headers = i % 3,
                      .headers = headers};
    if (in.null_key)
        in.key = (fd_str){NULL, 0};
    model_append(s->m, tp, &in);
}

void sim_registry(sim *s, bool up)
{
    s->registry_up = up;
    for (uint32_t id = SIM_SCHEMA_OWN; id <= SIM_SCHEMA_UNKNOWN; id++) {
        const char *json = sim_schema_json(id);
        if (!up || (id == SIM_SCHEMA_LATE && !s->late_registered))
            model_schemas_set(&s->schemas, id, FD_SCHEMA_UNAVAILABLE, FD_STR(""));
        else if (json == NULL)
            model_schemas_set(&s->schemas, id, FD_SCHEMA_UNKNOWN, FD_STR(""));
        else
            model_schemas_set(&s->schemas, id, FD_SCHEMA_KNOWN, fd_str_from(json));
    }
}

/* ---- the state store ---- */

static void hurt_store(sim *s, const sim_act *a)
{
    uint32_t part = model_rng_below(&s->rng, 16), which = model_rng_below(&s->rng, 64);
    switch (a->kind) {
    case SIM_ACT_STORE_DOWN:
    case SIM_ACT_STORE_UP:
        model_store_down(s->store, a->kind == SIM_ACT_STORE_DOWN);
        break;
    case SIM_ACT_STORE_FULL:
    case SIM_ACT_STORE_EMPTY:
        model_store_full(s->store, a->kind == SIM_ACT_STORE_FULL);
        break;
    case SIM_ACT_STORE_STALL:
        model_store_stall(s->store, a->ns);
        break;
    case SIM_ACT_STORE_ROLLBACK:
        model_store_rollback(s->store, 1 + which % 16);
        break;
    case SIM_ACT_STORE_FLUSH:
        model_store_flush_all(s->store);
        break;
    case SIM_ACT_STORE_LOSE_MARKER:
        model_store_lose_marker(s->store, part);
        break;
    case SIM_ACT_STORE_LOSE_BUCKET:
        model_store_lose_bucket(s->store, part, which);
        break;
    case SIM_ACT_STORE_LOSE_VALUE:
        model_store_lose_value(s->store, part, which);
        break;
    default:
        FD_UNREACHABLE();
    }
}

/* What a store holds is never beyond what the group has committed: it may be all that is left. */
static void check_store(sim *s)
{
    if (s->store != NULL && model_store_counted(s->store)->foreign > 0)
        sim_check_broken(s->check, "store: a former owner's write was done");
    for (uint32_t i = 0; s->store != NULL && i < model_store_parts(s->store); i++) {
        model_store_look look = model_store_look_at(s->store, i);
        int64_t committed = model_promised(s->m, look.tp);
        for (uint32_t v = 0; look.whole && v < look.n; v++) {
            if (look.values[v].lsn >= committed)
                sim_check_broken(s->check,
                                 "store: %u/%d has an event of offset %lld, committed %lld",
                                 look.tp.source, look.tp.partition, (long long)look.values[v].lsn,
                                 (long long)committed);
        }
        if (look.whole && look.mark.redo > committed)
            sim_check_broken(s->check, "store: %u/%d is redone from %lld, committed %lld",
                             look.tp.source, look.tp.partition, (long long)look.mark.redo,
                             (long long)committed);
    }
}

/* ---- acts ---- */

void sim_act_now(sim *s, const sim_act *a)
{
    if (a->kind != SIM_ACT_APPEND)
        note(s, sim_act_name(a->kind), a->slot);
    if (s->calm && a->kind != SIM_ACT_APPEND && a->kind != SIM_ACT_GAP &&
        a->kind != SIM_ACT_UNHOLD && a->kind != SIM_ACT_START && a->kind != SIM_ACT_RELOAD)
        return;
    sim_process *p = current(s, a->slot);
    if (a->kind >= SIM_ACT_STORE_DOWN) {
        hurt_store(s, a);
        return;
    }
    switch (a->kind) {
    case SIM_ACT_APPEND:
        append(s, a);
        break;
    case SIM_ACT_GAP:
        model_append_gap(s->m, tp_at(s, a->tp), 1 + model_rng_below(&s->rng, 3));
        break;
    case SIM_ACT_HOLD:
    case SIM_ACT_UNHOLD:
        model_hold_stable(s->m, tp_at(s, a->tp), a->kind == SIM_ACT_HOLD);
        break;
    case SIM_ACT_KILL:
        kill_slot(s, a->slot, a->ns);
        break;
    case SIM_ACT_PAUSE:
        pause_for(s, a->slot, a->ns);
        break;
    case SIM_ACT_TWIN:
        twin(s, a->slot, a->ns);
        break;
    case SIM_ACT_STOP:
        stop_slot(s, a->slot, a->ns);
        break;
    case SIM_ACT_START:
        start(s, a->slot);
        break;
    case SIM_ACT_KICK:
        if (p != NULL)
            model_kick(s->m, p->client);
        break;
    case SIM_ACT_REBALANCE:
        model_rebalance(s->m);
        break;
    case SIM_ACT_BROKER_DOWN:
        model_broker_down(s->m, a->ns);
        break;
    case SIM_ACT_MOVE_TXN:
        model_move_txn_coordinator(s->m, a->ns);
        break;
    case SIM_ACT_MOVE_GROUP:
        model_move_group_coordinator(s->m, a->ns);
        break;
    case SIM_ACT_REGISTRY_DOWN:
    case SIM_ACT_REGISTRY_UP:
        sim_registry(s, a->kind == SIM_ACT_REGISTRY_UP);
        break;
    case SIM_ACT_RELOAD:
        reload(s, a->slot, a->set);
        break;
    default:
        FD_UNREACHABLE();
    }
}

bool sim_later_now(sim *s)
{
    for (uint32_t i = 0; i < s->n_later; i++) {
        sim_later l = s->later[i];
        if (l.at_ns > model_now(s->m))
            continue;
        s->later[i] = s->later[--s->n_later];
        note(s, sim_act_name(l.kind), l.slot);
        sim_process *p = l.process < 0 ? NULL : s->processes[l.process];
        if (l.kind == SIM_ACT_START)
            start(s, l.slot);
        else if (p != NULL && p->life != SIM_ENDED)
            model_pause(s->m, p->client, false);
        return true;
    }
    return false;
}

/* ---- the operator ---- */

static void free_process(sim *s, uint32_t i)
{
    sim_process *p = s->processes[i];
    s->commits += p->observer.txns[FD_TXN_COMMITTED];
    s->recoveries += p->observer.txns[FD_TXN_RECOVERED];
    s->exchanges += p->observer.programs[FD_PROGRAM_DECIDES];
    s->rebuilds += p->observer.programs[FD_PROGRAM_REBUILDING];
    sim_process_free(p);
    free(p);
    s->processes[i] = NULL;
    for (int slot = 0; slot < SIM_SLOTS_MAX; slot++) {
        if (s->current[slot] == (int)i + 1)
            s->current[slot] = 0;
    }
}

/* Only one whose place was taken may fail: by a twin, or by a join that its dead predecessor had
 * sent and that arrives after its own. */
static void bury(sim *s, uint32_t i)
{
    sim_process *p = s->processes[i];
    const fd_err *err = fd_worker_failure(p->worker);
    bool may = p->killed ||
               (p->config.instance >= 0 && strstr(err->text, "has this instance name") != NULL);
    if (p->failed && !may)
        sim_check_broken(s->check, "c%d gave up: %s", p->client, err->text);
    for (int slot = 0; slot < SIM_SLOTS_MAX; slot++) {
        if (s->current[slot] == (int)i + 1 && p->failed)
            later(s, SIM_ACT_START, slot, -1, MODEL_MS(300)); /* as a Deployment does */
    }
    free_process(s, i);
}

/* "transfers/0 at offset 3 waits for schema 5: ...": he knows that nobody will register that one.
 */
static void consent(sim *s, sim_process *p, const char *text)
{
    char topic[32];
    int partition;
    long long offset;
    unsigned id;
    if (sscanf(text, "%31[^/]/%d at offset %lld waits for schema %u", topic, &partition, &offset,
               &id) != 4 ||
        id != SIM_SCHEMA_UNKNOWN || s->n_consents == SIM_CONSENTS_MAX)
        return;
    fd_consent c = {.tp = {.source = 1, .partition = partition}, .through = offset};
    s->consents[s->n_consents++] = c;
    note(s, "consent", (int)offset);
    fd_worker_consent(p->worker, c);
}

static void check_bounds(sim *s, const sim_process *p, const fd_worker_status *status)
{
    uint32_t most = status->assigned * (s->plan.queue_events + 256);
    if (status->queued > most)
        sim_check_broken(s->check, "c%d: %u events queued", p->client, status->queued);
    if (status->in_flight > s->plan.max_in_flight)
        sim_check_broken(s->check, "c%d: %u jobs in flight", p->client, status->in_flight);
}

static void look_after(sim *s, sim_process *p)
{
    fd_worker_status status;
    fd_worker_status_get(p->worker, &status);
    check_bounds(s, p, &status);
    if (status.breaker && (s->calm || model_rng_below(&s->rng, 3) == 0))
        fd_worker_resume(p->worker);
    if (status.waiting_schema > 0 && (s->calm || model_rng_below(&s->rng, 3) == 0))
        consent(s, p, status.schema_text);
    if (status.rebuild.waits[0] != '\0' && (s->calm || model_rng_below(&s->rng, 3) == 0))
        consent(s, p, status.rebuild.waits);
}

/* Kafka itself can leave partitions to nobody: a cooperative member dies between giving them up and
 * joining again, and its static successor takes its seat without a rebalance. Until the next one
 * nobody reads them; an operator restarts a worker. */
static void mind_orphans(sim *s)
{
    fd_tp tps[MODEL_TPS_MAX];
    uint32_t n = model_all_partitions(s->m, tps);
    bool orphans = false;
    for (uint32_t i = 0; i < n; i++)
        orphans = orphans || model_owner(s->m, tps[i]) < 0;
    if (!orphans || model_rebalancing(s->m) || model_members(s->m) == 0)
        s->orphans_since_ns = 0;
    else if (s->orphans_since_ns == 0)
        s->orphans_since_ns = model_now(s->m);
    else if (model_now(s->m) - s->orphans_since_ns > MODEL_SEC(10)) {
        s->orphaned = true;
        s->orphans_since_ns = 0;
        model_rebalance(s->m);
    }
}

void sim_operator(sim *s)
{
    check_store(s);
    if (s->calm)
        mind_orphans(s);
    for (uint32_t i = 0; i < s->n_processes; i++) {
        sim_process *p = s->processes[i];
        if (p == NULL)
            continue;
        if (p->life == SIM_ENDED && !sim_process_busy(p))
            bury(s, i);
        else if (p->life == SIM_RUNNING && !model_paused(s->m, p->client))
            look_after(s, p);
    }
    if (!s->late_registered && model_rng_below(&s->rng, 20) == 0) {
        s->late_registered = true;
        sim_registry(s, s->registry_up);
    }
    for (int slot = 0; s->calm && slot < (int)s->plan.n_slots; slot++)
        start(s, slot);
}

void sim_calm(sim *s)
{
    note(s, "calm", 0);
    s->calm = true;
    s->late_registered = true;
    sim_registry(s, true);
    model_weather w = model_calm;
    w.delay_ns = s->plan.weather.delay_ns;
    model_weather_set(s->m, &w);
    if (s->store != NULL) {
        model_store_weather calm = model_store_calm;
        calm.delay_ns = s->plan.store_weather.delay_ns;
        model_store_weather_set(s->store, &calm);
        model_store_down(s->store, false);
        model_store_full(s->store, false);
    }
    for (uint32_t i = 0; i < s->n_processes; i++) {
        if (s->processes[i] != NULL && s->processes[i]->life != SIM_ENDED)
            model_pause(s->m, s->processes[i]->client, false);
    }
    fd_tp tps[MODEL_TPS_MAX];
    uint32_t n = model_all_partitions(s->m, tps);
    for (uint32_t i = 0; i < n; i++)
        model_hold_stable(s->m, tps[i], false);
    memset(s->asleep_ns, 0, sizeof s->asleep_ns);
}

void sim_free_all(sim *s)
{
    for (uint32_t i = 0; i < s->n_processes; i++) {
        if (s->processes[i] == NULL)
            continue;
        if (s->processes[i]->life != SIM_ENDED)
            sim_process_kill(s->processes[i]);
        free_process(s, i);
    }
}
