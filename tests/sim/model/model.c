/* The model as a whole: its making, its clients, what tests may ask of it; see model.h. */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model_int.h"

enum { ARENA_BLOCK_BYTES = 256 * 1024 };

const model_weather model_calm = {.delay_ns = MODEL_US(300)};

const char *model_api_name(model_api api)
{
    static const char *const names[] = {
#define X(name, number) #name,
        MODEL_APIS(X)
#undef X
    };
    FD_ASSERT(api < MODEL_N_APIS);
    return names[api];
}

const char *model_error_name(model_error e)
{
    static const char *const names[] = {
#define X(name) #name,
        MODEL_ERRORS(X)
#undef X
    };
    FD_ASSERT(e < MODEL_N_ERRORS);
    return names[e];
}

void *model_grow(void *items, uint32_t *cap, uint32_t need, size_t size)
{
    if (need <= *cap)
        return items;
    while (*cap < need)
        *cap = *cap == 0 ? 16 : *cap * 2;
    void *grown = realloc(items, (size_t)*cap * size);
    FD_ALLOCATED(grown);
    return grown;
}

void model_trace_line(model *m, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    m->config.watch.line(m->config.watch.self, line);
}

void model_violation(model *m, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (m->violations.n < 4096) {
        fd_strbuf_puts(&m->violations, line);
        fd_strbuf_putc(&m->violations, '\n');
    }
    MODEL_TRACE(m, "VIOLATION: %s", line);
}

const char *model_violations(const model *m)
{
    return m->violations.p == NULL ? "" : m->violations.p;
}

static void set_defaults(model_config *c)
{
    c->txn_timeout_ns = c->txn_timeout_ns ? c->txn_timeout_ns : MODEL_SEC(10);
    c->session_ns = c->session_ns ? c->session_ns : MODEL_SEC(6);
    c->heartbeat_ns = c->heartbeat_ns ? c->heartbeat_ns : MODEL_SEC(1);
    c->rebalance_ns = c->rebalance_ns ? c->rebalance_ns : MODEL_SEC(20);
    c->socket_timeout_ns = c->socket_timeout_ns ? c->socket_timeout_ns : MODEL_SEC(2);
    c->burst = c->burst ? c->burst : 1;
    for (int t = 0; t < FD_N_OUT_TOPICS; t++) {
        if (c->out_partitions[t] == 0)
            c->out_partitions[t] = c->partitions[0];
        FD_ASSERT(c->out_partitions[t] <= MODEL_PARTITIONS_MAX);
    }
}

model *model_new(const model_config *config)
{
    FD_ASSERT(config->n_topics > 0 && config->n_topics <= MODEL_TOPICS_MAX);
    model *m = calloc(1, sizeof *m);
    FD_ALLOCATED(m);
    m->config = *config;
    set_defaults(&m->config);
    m->arena = fd_arena_new(ARENA_BLOCK_BYTES, 0);
    m->rng.state = config->seed;
    m->weather = model_calm;
    m->group.generation = 0;
    m->outlogs = calloc(MODEL_OUTS_MAX, sizeof *m->outlogs);
    FD_ALLOCATED(m->outlogs);
    for (int i = 0; i < MODEL_OUTS_MAX; i++) {
        for (int p = 0; p < MODEL_TXNIDS_MAX; p++)
            m->outlogs[i].known[p] = (model_known){.epoch = -1, .ongoing = -1, .asked_epoch = -1};
    }
    m->clients = calloc(MODEL_CLIENTS_MAX, sizeof *m->clients);
    FD_ALLOCATED(m->clients);
    for (uint32_t t = 0; t < config->n_topics; t++) {
        FD_ASSERT(config->partitions[t] > 0 && config->partitions[t] <= MODEL_PARTITIONS_MAX);
        for (int32_t p = 0; p < config->partitions[t]; p++) {
            m->tps[m->n_logs] = (fd_tp){.source = (uint16_t)t, .partition = p};
            m->logs[m->n_logs] = (model_log){.held = -1};
            m->stored[m->n_logs++] = (model_stored){.offset = -1, .leader_epoch = -1};
        }
    }
    return m;
}

void model_free(model *m)
{
    if (m == NULL)
        return;
    for (int i = 0; i < m->n_clients; i++) {
        for (int lane = 0; lane < FD_LANES; lane++)
            free(m->clients[i].lanes[lane].records);
        free(m->clients[i].deferred);
    }
    for (uint32_t i = 0; i < m->n_logs; i++)
        free(m->logs[i].items);
    for (int i = 0; i < MODEL_OUTS_MAX; i++)
        free(m->outlogs[i].items);
    free(m->outlogs);
    free(m->clients);
    free(m->events);
    free(m->unstable);
    fd_strbuf_free(&m->violations);
    fd_arena_free(m->arena);
    free(m);
}

uint32_t model_tp_index(const model *m, fd_tp tp)
{
    for (uint32_t i = 0; i < m->n_logs; i++) {
        if (m->tps[i].source == tp.source && m->tps[i].partition == tp.partition)
            return i;
    }
    FD_UNREACHABLE();
}

int model_out_index(const model *m, fd_out_topic topic, int32_t partition)
{
    FD_ASSERT(topic < FD_N_OUT_TOPICS);
    FD_ASSERT(partition >= 0 && partition < m->config.out_partitions[topic]);
    return (int)topic * MODEL_PARTITIONS_MAX + partition;
}

int32_t model_out_partitions(const model *m, fd_out_topic topic)
{
    return m->config.out_partitions[topic];
}

uint32_t model_all_partitions(const model *m, fd_tp *out)
{
    for (uint32_t i = 0; i < m->n_logs; i++)
        out[i] = m->tps[i];
    return m->n_logs;
}

/* ---- clients ---- */

model_client *model_client_of(const model *m, int client)
{
    FD_ASSERT(client >= 0 && client < m->n_clients);
    return &m->clients[client];
}

/* A static instance's ids are its predecessor's. */
static void name_lanes(model *m, model_client *c)
{
    for (int i = 0; c->instance >= 0 && i < c->index; i++) {
        if (m->clients[i].instance != c->instance)
            continue;
        for (int lane = 0; lane < FD_LANES; lane++)
            c->txnids[lane] = m->clients[i].txnids[lane];
        return;
    }
    for (int lane = 0; lane < FD_LANES; lane++)
        c->txnids[lane] = model_txnid_new(m);
}

int model_start(model *m, int instance)
{
    FD_ASSERT(m->n_clients < MODEL_CLIENTS_MAX);
    int index = m->n_clients++;
    model_client *c = &m->clients[index];
    *c = (model_client){.m = m,
                        .index = index,
                        .alive = true,
                        .instance = instance,
                        .generation = -1,
                        .forced_generation = INT32_MIN};
    name_lanes(m, c);
    MODEL_TRACE(m, "c%d: starts, instance %d", index, instance);
    model_join(m, c);
    model_heartbeats(m, c);
    return index;
}

fd_source model_source(model *m, int client)
{
    return (fd_source){.ops = &model_source_ops, .self = model_client_of(m, client)};
}

fd_txn model_txn(model *m, int client)
{
    return (fd_txn){.ops = &model_txn_ops, .self = model_client_of(m, client)};
}

void model_kill(model *m, int client)
{
    model_client *c = model_client_of(m, client);
    MODEL_TRACE(m, "fault: c%d is killed", client);
    c->alive = false;
    c->n_deferred = 0;
}

void model_pause(model *m, int client, bool on)
{
    model_client *c = model_client_of(m, client);
    MODEL_TRACE(m, "fault: c%d %s", client, on ? "is stopped" : "goes on");
    if (on)
        c->paused = true;
    else if (c->paused)
        model_resume_client(m, c);
}

static void heard_nothing(model *m, const model_request *r, const model_answer *a)
{
    (void)m, (void)r, (void)a;
}

void model_leave(model *m, int client)
{
    model_client *c = model_client_of(m, client);
    if (!c->alive || c->left)
        return;
    MODEL_TRACE(m, "c%d: leaves", client);
    c->left = true;
    for (uint32_t i = 0; i < m->n_logs; i++)
        c->fetch[i] = (model_fetch){0};
    if (c->instance >= 0 || c->member_id == 0)
        return;
    model_request *r = model_request_new(m, c, -1, MODEL_LEAVE_GROUP);
    r->member_id = c->member_id;
    r->answered = heard_nothing;
    model_send(m, r);
    c->generation = -1;
    c->member_id = 0;
}

bool model_alive(const model *m, int client)
{
    return model_client_of(m, client)->alive;
}

bool model_paused(const model *m, int client)
{
    return model_client_of(m, client)->paused;
}

int64_t model_poll_until_ns(const model *m, int client)
{
    return model_client_of(m, client)->poll_until_ns;
}

bool model_woken(model *m, int client)
{
    model_client *c = model_client_of(m, client);
    bool woken = atomic_exchange(&c->woken, false);
    return woken;
}

uint32_t model_outstanding(const model *m, int client)
{
    return model_client_of(m, client)->outstanding;
}

bool model_fetch_paused(const model *m, int client, fd_tp tp)
{
    return model_client_of(m, client)->fetch[model_tp_index(m, tp)].paused;
}

void model_force_membership(model *m, int client, int32_t generation, bool has_member_id)
{
    model_client *c = model_client_of(m, client);
    c->forced_generation = generation;
    c->forced_id = has_member_id;
}

/* ---- trouble ---- */

void model_weather_set(model *m, const model_weather *w)
{
    m->weather = *w;
}

void model_rule_add(model *m, const model_rule *r)
{
    FD_ASSERT(m->n_rules < MODEL_RULES_MAX);
    model_rule *to = &m->rules[m->n_rules++];
    *to = *r;
    if (to->times == 0)
        to->times = 1;
}

uint32_t model_rules_left(const model *m)
{
    return m->n_rules;
}

const model_counts *model_counted(const model *m)
{
    return &m->counts;
}
