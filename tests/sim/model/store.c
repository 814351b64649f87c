/*
 * How the store's model is reached: connections, time, and what goes wrong; see store.h. One
 * thread.
 *
 * A request under way is a `flight`; while its connection lives it belongs to a place of its
 * client's queue. Flights of a connection arrive in their order, whatever happens to them.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store_int.h"

enum { FLIGHTS_MAX = 1024, PARTS_MAX = 64, UNDO_MAX = 32 };

typedef struct flight {
    int client;
    int slot; /* of its client's queue; -1: nobody hears the answer */
    int64_t arrives_ns;
    uint64_t order;
    uint32_t part;
    fd_state_request request; /* all of it in the arena */
} flight;

typedef struct slot {
    fd_state_request *request;
    int64_t until_ns; /* patience ends */
    int64_t told_ns;  /* the answer is there from then on; INT64_MAX: none yet */
    fd_state_reply reply;
    fd_state_value *values; /* of a READ, in the arena */
} slot;

typedef struct client {
    bool dead, connected, held;
    int64_t retry_ns, last_arrives_ns;
    char lineage[8][FD_STATE_LINEAGE_CHARS + 1];
    slot slots[MODEL_STORE_QUEUE];
    uint32_t head, n;
    fd_str lent[FD_STATE_MAX_VALUES]; /* what the last READ's values point to */
    uint32_t n_lent;
    struct model_store *store;
} client;

typedef struct undo {
    uint32_t part;
    store_part before;
} undo;

struct model_store {
    model_store_config config;
    model_store_weather weather;
    model_rng rng;
    fd_arena *arena;
    bool down, full;
    int64_t stalled_until_ns;
    uint64_t order;
    flight flights[FLIGHTS_MAX];
    uint32_t n_flights;
    store_part parts[PARTS_MAX];
    uint32_t n_parts;
    undo undos[UNDO_MAX];
    uint32_t n_undos;
    client *clients[MODEL_STORE_CLIENTS_MAX];
    uint32_t n_clients;
    model_store_counts counts;
};

const model_store_weather model_store_calm = {.delay_ns = MODEL_US(200)};

static int64_t now(const model_store *s)
{
    return s->config.clock->now_ns;
}

static void line(model_store *s, int who, const char *text, const fd_state_request *rq)
{
    static const char *const kinds[] = {
#define X(name) #name,
        FD_STATE_REQUESTS(X)
#undef X
    };
    char out[160];
    if (s->config.line == NULL)
        return;
    if (rq == NULL)
        snprintf(out, sizeof out, "store: c%d %s", who, text);
    else
        snprintf(out, sizeof out, "store: c%d %s %s %d/%d seq %llu n %u", who, text,
                 kinds[rq->kind], rq->tp.source, rq->tp.partition, (unsigned long long)rq->seq,
                 rq->n);
    s->config.line(s->config.line_self, out);
}

/* ---- its life ---- */

model_store *model_store_new(const model_store_config *config)
{
    model_store *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->config = *config;
    if (s->config.timeout_ns == 0)
        s->config.timeout_ns = MODEL_SEC(1);
    s->weather = model_store_calm;
    s->rng.state = config->seed;
    s->arena = fd_arena_new(1 << 16, 0);
    return s;
}

static void forget_undos(model_store *s)
{
    for (uint32_t i = 0; i < s->n_undos; i++)
        free(s->undos[i].before.values);
    s->n_undos = 0;
}

void model_store_free(model_store *s)
{
    if (s == NULL)
        return;
    forget_undos(s);
    for (uint32_t i = 0; i < s->n_parts; i++)
        free(s->parts[i].values);
    for (uint32_t i = 0; i < s->n_clients; i++)
        free(s->clients[i]);
    fd_arena_free(s->arena);
    free(s);
}

void model_store_weather_set(model_store *s, const model_store_weather *w)
{
    s->weather = *w;
}

/* ---- requests under way ---- */

static int64_t way(model_store *s)
{
    const model_store_weather *w = &s->weather;
    int64_t ns = w->delay_ns / 4 + model_rng_between(&s->rng, 0, w->delay_ns + w->delay_ns / 2);
    if (model_rng_chance(&s->rng, w->slow))
        ns += model_rng_between(&s->rng, 0, w->slow_ns);
    return ns;
}

static uint32_t part_of(model_store *s, fd_tp tp, const char *lineage)
{
    for (uint32_t i = 0; i < s->n_parts; i++) {
        const store_part *p = &s->parts[i];
        if (p->tp.source == tp.source && p->tp.partition == tp.partition &&
            strcmp(p->lineage, lineage) == 0)
            return i;
    }
    FD_ASSERT(s->n_parts < PARTS_MAX);
    store_part *p = &s->parts[s->n_parts];
    p->tp = tp;
    snprintf(p->lineage, sizeof p->lineage, "%s", lineage);
    return s->n_parts++;
}

/* Its own bytes: it may arrive when the caller's are gone. */
static fd_state_request own_copy(model_store *s, const fd_state_request *rq)
{
    fd_state_request copy = *rq;
    copy.values = fd_arena_zalloc(s->arena, (rq->n + 1) * sizeof *copy.values);
    FD_ALLOCATED(copy.values);
    for (uint32_t i = 0; i < rq->n; i++) {
        copy.values[i] = rq->values[i];
        copy.values[i].key = fd_arena_str(s->arena, rq->values[i].key);
        if (rq->kind == FD_STATE_FLUSH)
            copy.values[i].bytes = fd_arena_str(s->arena, rq->values[i].bytes);
    }
    return copy;
}

static flight *launch(model_store *s, const flight *f)
{
    FD_ASSERT(s->n_flights < FLIGHTS_MAX);
    s->flights[s->n_flights] = *f;
    s->flights[s->n_flights].order = s->order++;
    return &s->flights[s->n_flights++];
}

static void land(model_store *s, uint32_t i)
{
    s->flights[i] = s->flights[--s->n_flights];
}

static bool earlier(const flight *a, const flight *b)
{
    return a->arrives_ns != b->arrives_ns ? a->arrives_ns < b->arrives_ns : a->order < b->order;
}

/* The next to arrive; NULL: none, or only such as are held. */
static flight *next_flight(const model_store *s)
{
    const flight *best = NULL;
    for (uint32_t i = 0; i < s->n_flights; i++) {
        const flight *f = &s->flights[i];
        bool held = f->slot >= 0 && s->clients[f->client]->held;
        if (!held && (best == NULL || earlier(f, best)))
            best = f;
    }
    return best == NULL ? NULL : (flight *)(uintptr_t)best;
}

static void remember(model_store *s, uint32_t part)
{
    if (s->n_undos == UNDO_MAX) {
        free(s->undos[0].before.values);
        memmove(s->undos, s->undos + 1, (UNDO_MAX - 1) * sizeof *s->undos);
        s->n_undos--;
    }
    undo *u = &s->undos[s->n_undos++];
    *u = (undo){.part = part};
    store_part_copy(&u->before, &s->parts[part]);
}

/* Only who took it over last may change what is there, whatever nonces say. */
static void mind_owner(model_store *s, const flight *f, bool changed)
{
    store_part *p = &s->parts[f->part];
    bool writes = f->request.kind == FD_STATE_FLUSH || f->request.kind == FD_STATE_SWEEP;
    if (changed && writes && p->owner != f->client)
        s->counts.foreign++;
    if (changed && !writes)
        p->owner = f->client;
}

/* One request runs, heard or not. */
static void execute(model_store *s, uint32_t i)
{
    flight f = s->flights[i];
    land(s, i);
    fd_state_reply reply = {.result = FD_STATE_OK};
    bool may_change = f.request.kind != FD_STATE_READ;
    if (may_change)
        remember(s, f.part);
    bool changed = store_apply(&s->parts[f.part], s->arena, s->full, &f.request, &reply);
    mind_owner(s, &f, changed);
    if (may_change && !changed)
        free(s->undos[--s->n_undos].before.values);
    s->counts.done += reply.result == FD_STATE_OK;
    s->counts.refused += reply.result == FD_STATE_REFUSED;
    s->counts.full += reply.result == FD_STATE_DOWN;
    line(s, f.client, reply.result == FD_STATE_OK ? "done" : "not done", &f.request);
    if (f.slot < 0)
        return;
    slot *to = &s->clients[f.client]->slots[f.slot];
    reply.request = to->request;
    to->reply = reply;
    to->values = f.request.values;
    to->told_ns = now(s) + way(s);
}

/* ---- connections ---- */

static slot *slot_at(client *c, uint32_t i)
{
    return &c->slots[(c->head + i) % MODEL_STORE_QUEUE];
}

static void answer_down(model_store *s, slot *to, int64_t told_ns, const char *why)
{
    to->reply = (fd_state_reply){.request = to->request, .result = FD_STATE_DOWN};
    fd_fail(&to->reply.err, FD_RETRY, FD_EXIT_UNAVAILABLE, "the store: %s", why);
    to->told_ns = told_ns;
    s->counts.downs++;
}

/* Of those under way, the first `runs` still run, `late_ns` later at most; the rest is lost. */
static void scatter(model_store *s, int who, uint32_t runs, int64_t late_ns)
{
    int64_t at = now(s);
    for (uint32_t gone = 0;; gone++) {
        uint32_t first = UINT32_MAX;
        for (uint32_t i = 0; i < s->n_flights; i++) {
            const flight *f = &s->flights[i];
            if (f->client == who && f->slot >= 0 &&
                (first == UINT32_MAX || f->order < s->flights[first].order))
                first = i;
        }
        if (first == UINT32_MAX)
            return;
        flight *f = &s->flights[first];
        f->slot = -1;
        if (gone >= runs) {
            land(s, first);
            continue;
        }
        if (late_ns > 0)
            at = model_rng_between(&s->rng, at, now(s) + late_ns > at ? now(s) + late_ns : at);
        f->arrives_ns = at;
        s->counts.late += late_ns > 0;
        if (late_ns == 0)
            execute(s, first);
    }
}

static void disconnect(model_store *s, int who, int64_t told_ns, const char *why)
{
    client *c = s->clients[who];
    line(s, who, why, NULL);
    s->counts.cuts++;
    c->connected = false;
    c->held = false;
    c->retry_ns = told_ns + MODEL_MS(20) + model_rng_between(&s->rng, 0, MODEL_MS(60));
    for (uint32_t i = 0; i < c->n; i++) {
        slot *to = slot_at(c, i);
        if (to->told_ns > now(s))
            answer_down(s, to, told_ns, why);
    }
}

void model_store_break(model_store *s, int who, model_store_cut how)
{
    scatter(s, who, how == MODEL_STORE_LOST ? 0 : UINT32_MAX,
            how == MODEL_STORE_LATE ? MODEL_SEC(3600) : 0);
    if (s->clients[who]->connected)
        disconnect(s, who, now(s), "the connection broke");
}

void model_store_arrive(model_store *s)
{
    for (uint32_t i = 0; i < s->n_flights; i++) {
        if (s->flights[i].slot < 0)
            s->flights[i].arrives_ns = now(s);
    }
    model_store_run(s);
}

static void break_by_chance(model_store *s, int who)
{
    const model_store_weather *w = &s->weather;
    bool late = model_rng_chance(&s->rng, w->late);
    bool silent = model_rng_chance(&s->rng, w->silent);
    scatter(s, who, model_rng_below(&s->rng, s->clients[who]->n + 1), late ? w->late_ns : 0);
    disconnect(s, who, now(s) + (silent ? s->config.timeout_ns : way(s)),
               "the connection broke by chance");
}

int model_store_client(model_store *s)
{
    FD_ASSERT(s->n_clients < MODEL_STORE_CLIENTS_MAX);
    client *c = calloc(1, sizeof *c);
    FD_ALLOCATED(c);
    c->store = s;
    s->clients[s->n_clients] = c;
    return (int)s->n_clients++;
}

void model_store_kill(model_store *s, int who)
{
    client *c = s->clients[who];
    c->dead = true;
    c->connected = c->held = false;
    c->n = 0;
    for (uint32_t i = 0; i < s->n_flights; i++) {
        if (s->flights[i].client == who)
            s->flights[i].slot = -1;
    }
}

void model_store_hold(model_store *s, int who, bool on)
{
    s->clients[who]->held = on;
}

/* ---- time ---- */

/* When the client has waited long enough; INT64_MAX: it does not wait. */
static int64_t patience_ends(client *c)
{
    for (uint32_t i = 0; i < c->n && c->connected; i++) {
        if (slot_at(c, i)->told_ns == INT64_MAX)
            return slot_at(c, i)->until_ns;
    }
    return INT64_MAX;
}

static int64_t arrival(const model_store *s, const flight *f)
{
    return f->arrives_ns > s->stalled_until_ns ? f->arrives_ns : s->stalled_until_ns;
}

int64_t model_store_next_ns(const model_store *s)
{
    const flight *f = next_flight(s);
    int64_t next = f == NULL ? INT64_MAX : arrival(s, f);
    for (uint32_t i = 0; i < s->n_clients; i++) {
        int64_t ends = patience_ends(s->clients[i]);
        next = ends < next ? ends : next;
    }
    return next;
}

bool model_store_run(model_store *s)
{
    bool any = false;
    for (flight *f; (f = next_flight(s)) != NULL && arrival(s, f) <= now(s); any = true) {
        if (s->down)
            land(s, (uint32_t)(f - s->flights));
        else
            execute(s, (uint32_t)(f - s->flights));
    }
    for (uint32_t i = 0; i < s->n_clients; i++) {
        if (patience_ends(s->clients[i]) > now(s))
            continue;
        s->counts.timeouts++;
        scatter(s, (int)i, UINT32_MAX, s->weather.late_ns + 1);
        disconnect(s, (int)i, now(s), "no answer in time");
        any = true;
    }
    return any;
}

/* ---- the port ---- */

static client *client_of(void *self, model_store **s, int *who)
{
    client *c = self;
    *s = c->store;
    for (*who = 0; (*s)->clients[*who] != c; (*who)++)
        ;
    return c;
}

static void set_lineage(void *self, uint16_t source, const char *lineage)
{
    client *c = self;
    FD_ASSERT(source < 8 && lineage[0] != '\0' && strlen(lineage) <= FD_STATE_LINEAGE_CHARS);
    snprintf(c->lineage[source], sizeof c->lineage[source], "%s", lineage);
}

static void check_request(const client *c, const fd_state_request *rq)
{
    FD_ASSERT(rq->kind < FD_STATE_N_REQUESTS && rq->nonce != 0 && rq->n <= FD_STATE_MAX_VALUES);
    FD_ASSERT(rq->tp.source < 8 && c->lineage[rq->tp.source][0] != '\0');
    FD_ASSERT(rq->kind != FD_STATE_SWEEP || rq->max > 0);
    FD_ASSERT(rq->kind != FD_STATE_RESET || rq->mark.redo >= 0);
    for (uint32_t i = 0; i < rq->n && rq->kind == FD_STATE_FLUSH; i++)
        FD_ASSERT(rq->values[i].bytes.p != NULL && rq->values[i].lsn >= 0);
}

static bool submit(void *self, fd_state_request *rq)
{
    model_store *s;
    int who;
    client *c = client_of(self, &s, &who);
    check_request(c, rq);
    model_store_run(s);
    if (c->n == MODEL_STORE_QUEUE)
        return false;
    uint32_t at = (c->head + c->n++) % MODEL_STORE_QUEUE;
    c->slots[at] = (slot){
        .request = rq, .until_ns = now(s) + s->config.timeout_ns, .told_ns = INT64_MAX};
    if (!c->connected) {
        answer_down(s, &c->slots[at], now(s), "not connected");
        return true;
    }
    int64_t arrives = now(s) + way(s);
    if (arrives < c->last_arrives_ns)
        arrives = c->last_arrives_ns;
    c->last_arrives_ns = arrives;
    flight f = {.client = who,
                .slot = (int)at,
                .arrives_ns = arrives,
                .part = part_of(s, rq->tp, c->lineage[rq->tp.source]),
                .request = own_copy(s, rq)};
    launch(s, &f);
    if (model_rng_chance(&s->rng, s->weather.again)) {
        s->counts.again++;
        f.slot = -1;
        f.request = own_copy(s, rq);
        f.arrives_ns = arrives + model_rng_between(&s->rng, 0, s->weather.late_ns);
        launch(s, &f);
    }
    if (model_rng_chance(&s->rng, s->weather.cut))
        break_by_chance(s, who);
    return true;
}

/* What was lent until this poll is not to be looked at any more. */
static void take_back(client *c)
{
    for (uint32_t i = 0; i < c->n_lent; i++)
        memset((char *)(uintptr_t)c->lent[i].p, 0xA5, c->lent[i].n);
    c->n_lent = 0;
}

static void lend(client *c, const slot *from)
{
    const fd_state_request *rq = from->request;
    if (rq->kind != FD_STATE_READ || from->reply.result != FD_STATE_OK)
        return;
    for (uint32_t i = 0; i < rq->n; i++) {
        fd_state_value *v = &rq->values[i];
        v->bytes = from->values[i].bytes;
        v->lsn = from->values[i].lsn;
        v->last_us = from->values[i].last_us;
        if (v->bytes.p == NULL)
            continue;
        v->bytes = fd_arena_str(c->store->arena, v->bytes);
        c->lent[c->n_lent++] = v->bytes;
    }
}

static bool give_out(client *c, fd_state_reply *out)
{
    slot *first = slot_at(c, 0);
    if (c->n == 0 || first->told_ns > now(c->store))
        return false;
    *out = first->reply;
    lend(c, first);
    c->head = (c->head + 1) % MODEL_STORE_QUEUE;
    c->n--;
    return true;
}

static void connect_again(model_store *s, client *c)
{
    if (c->connected || c->dead || s->down || now(s) < c->retry_ns)
        return;
    c->connected = true;
    c->last_arrives_ns = 0;
}

/* Until when a poll has nothing to do. */
static int64_t next_for(const model_store *s, client *c)
{
    int64_t next = model_store_next_ns(s);
    if (c->n > 0 && slot_at(c, 0)->told_ns < next)
        next = slot_at(c, 0)->told_ns;
    if (!c->connected && !s->down && c->retry_ns < next)
        next = c->retry_ns;
    return next;
}

static bool poll_one(void *self, int64_t timeout_us, fd_state_reply *out)
{
    model_store *s;
    int who;
    client *c = client_of(self, &s, &who);
    int64_t until_ns = now(s) + timeout_us * 1000;
    take_back(c);
    while (!c->dead) {
        model_store_run(s);
        connect_again(s, c);
        if (give_out(c, out))
            return true;
        if ((c->n == 0 && c->connected) || now(s) >= until_ns)
            return false;
        int64_t next = next_for(s, c);
        next = next < until_ns ? next : until_ns;
        if (s->config.idle != NULL)
            s->config.idle(s->config.idle_self, next);
        else if (s->config.clock->now_ns < next)
            s->config.clock->now_ns = next;
    }
    return false;
}

static bool up(void *self, fd_err *err)
{
    const client *c = self;
    if (!c->connected)
        fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "the store is not connected");
    return c->connected;
}

fd_state_store model_store_port(model_store *s, int who)
{
    static const fd_state_ops OPS = {
        .set_lineage = set_lineage, .submit = submit, .poll = poll_one, .up = up};
    return (fd_state_store){.ops = &OPS, .self = s->clients[who]};
}

/* ---- trouble ---- */

void model_store_down(model_store *s, bool on)
{
    model_store_run(s);
    s->down = on;
    for (uint32_t i = 0; i < s->n_clients && on; i++) {
        if (s->clients[i]->connected)
            model_store_break(s, (int)i, MODEL_STORE_LOST);
    }
}

void model_store_full(model_store *s, bool on)
{
    model_store_run(s);
    s->full = on;
}

void model_store_stall(model_store *s, int64_t ns)
{
    model_store_run(s);
    s->stalled_until_ns = now(s) + ns;
}

void model_store_rollback(model_store *s, uint32_t n)
{
    model_store_run(s);
    for (; n > 0 && s->n_undos > 0; n--) {
        undo *u = &s->undos[--s->n_undos];
        store_part_copy(&s->parts[u->part], &u->before);
        free(u->before.values);
    }
}

void model_store_flush_all(model_store *s)
{
    model_store_run(s);
    forget_undos(s);
    for (uint32_t i = 0; i < s->n_parts; i++)
        store_empty(&s->parts[i]);
}

bool model_store_lose_marker(model_store *s, uint32_t part)
{
    model_store_run(s);
    if (part >= s->n_parts || !s->parts[part].marker)
        return false;
    s->parts[part].marker = false;
    return true;
}

bool model_store_lose_bucket(model_store *s, uint32_t part, uint32_t bucket)
{
    model_store_run(s);
    if (part >= s->n_parts || !s->parts[part].there[bucket])
        return false;
    store_part *p = &s->parts[part];
    for (uint32_t i = 0; i < p->n;) {
        if (model_store_bucket(&p->values[i]) == bucket)
            store_value_out(p, i);
        else
            i++;
    }
    p->there[bucket] = false;
    p->count[bucket] = 0;
    return true;
}

bool model_store_lose_value(model_store *s, uint32_t part, uint32_t value)
{
    model_store_run(s);
    if (part >= s->n_parts || value >= s->parts[part].n)
        return false;
    store_value_out(&s->parts[part], value);
    return true;
}

/* ---- looking ---- */

uint32_t model_store_parts(const model_store *s)
{
    return s->n_parts;
}

model_store_look model_store_look_at(const model_store *s, uint32_t part)
{
    FD_ASSERT(part < s->n_parts);
    const store_part *p = &s->parts[part];
    return (model_store_look){.tp = p->tp,
                              .lineage = p->lineage,
                              .whole = store_whole(p),
                              .nonce = p->nonce,
                              .mark = p->mark,
                              .n = p->n,
                              .values = p->values};
}

const model_store_counts *model_store_counted(const model_store *s)
{
    return &s->counts;
}
