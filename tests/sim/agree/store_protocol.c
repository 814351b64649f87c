/*
 * Owners that use the model of the state store as the service must, in all weathers: what the
 * protocol of nonces, steps and LSNs promises holds at every moment, and in the calm all is well.
 *
 * A log of events, one key each; a value is how many events its key has had. Whoever is the owner
 * (Kafka's word, here the plan's) takes over, reads, folds again what the values lack, goes on, and
 * flushes what is committed. Owners that have lost the partition may not have heard of it and
 * flush on; their requests are late, too. Checked whenever something has happened:
 *   a value is the fold of the log up to its LSN, which is committed;
 *   if the store is whole, no key lacks an event below the redo point;
 *   whoever has taken over has the fold of the log for every key;
 *   every request is answered once, in order.
 * Arguments: first and last seed. One thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "model/store.h"

enum { KEYS = 24, OWNERS = 3, REQUESTS = 4, EVENTS = 400, TROUBLE_S = 20, CALM_S = 60 };

typedef enum stage { NOTHING, TAKING, RESETTING, READING, LIVE } stage;

typedef struct owner {
    int client;
    stage stage;
    bool believes; /* that it is the owner */
    uint64_t nonce, before, seq;
    int64_t redo, next, acked; /* next event to fold; redo point in the store as far as known */
    int64_t lsn[KEYS], count[KEYS];
    bool dirty[KEYS];
    fd_state_request requests[REQUESTS];
    fd_state_value values[REQUESTS][KEYS];
    int64_t bytes[REQUESTS][KEYS];
    uint32_t out, asked, heard;
    int64_t wait_ns, hears_ns; /* of having lost the partition */
} owner;

typedef struct world {
    uint64_t seed;
    model_clock clock;
    model_rng rng;
    model_store *store;
    owner owners[OWNERS];
    int legit;
    int64_t committed;
    uint8_t log[EVENTS]; /* keys */
    char names[KEYS][8];
    uint64_t nonces;
    bool trouble;
    uint32_t takeovers, rebuilds, flushes, losses;
} world;

static world w;

#define MUST(cond, ...)                                                                      \
    do {                                                                                     \
        if (!(cond)) {                                                                       \
            printf("seed %llu: %s:%d: %s: ", (unsigned long long)w.seed, __FILE__, __LINE__, \
                   #cond);                                                                   \
            printf(__VA_ARGS__);                                                             \
            printf("\n");                                                                    \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

static int64_t now(void)
{
    return w.clock.now_ns;
}

/* ---- what must hold ---- */

static int64_t fold(uint32_t key, int64_t lsn)
{
    int64_t n = 0;
    for (int64_t i = 0; i <= lsn; i++)
        n += w.log[i] == key;
    return n;
}

static uint32_t key_of(const fd_state_value *v)
{
    return (uint32_t)strtol(v->key.p + 1, NULL, 10);
}

static void check_value(const fd_state_value *v)
{
    int64_t count;
    MUST(v->bytes.n == sizeof count, "%u bytes", v->bytes.n);
    memcpy(&count, v->bytes.p, sizeof count);
    MUST(v->lsn < w.committed, "LSN %lld of %lld", (long long)v->lsn, (long long)w.committed);
    MUST(count == fold(key_of(v), v->lsn), "key %u at %lld: %lld", key_of(v), (long long)v->lsn,
         (long long)count);
}

static void check_store(void)
{
    for (uint32_t p = 0; p < model_store_parts(w.store); p++) {
        model_store_look at = model_store_look_at(w.store, p);
        int64_t lsn[KEYS];
        for (uint32_t k = 0; k < KEYS; k++)
            lsn[k] = -1;
        for (uint32_t i = 0; i < at.n; i++) {
            check_value(&at.values[i]);
            lsn[key_of(&at.values[i])] = at.values[i].lsn;
        }
        for (int64_t i = 0; i < at.mark.redo && at.whole; i++)
            MUST(lsn[w.log[i]] >= i, "key %u lacks event %lld below %lld", w.log[i], (long long)i,
                 (long long)at.mark.redo);
    }
}

/* ---- an owner ---- */

static fd_state_store port(const owner *o)
{
    return model_store_port(w.store, o->client);
}

static fd_state_request *ask(owner *o, fd_state_request_kind kind)
{
    fd_state_request *rq = &o->requests[o->asked % REQUESTS];
    *rq = (fd_state_request){.kind = kind,
                             .nonce = o->nonce,
                             .seq = o->seq,
                             .mark = {.redo = -1},
                             .values = o->values[o->asked % REQUESTS]};
    return rq;
}

static void submit(owner *o, fd_state_request *rq)
{
    MUST(port(o).ops->submit(port(o).self, rq), "full");
    o->asked++;
    o->out++;
}

/* A fresh nonce; the marker must have the one before, unless membership was confirmed. */
static void take_over(owner *o, bool confirmed)
{
    o->before = o->nonce;
    o->nonce = ++w.nonces;
    o->stage = TAKING;
    fd_state_request *rq = ask(o, FD_STATE_TAKE);
    rq->expect = confirmed ? 0 : o->before;
    submit(o, rq);
}

static void forget(owner *o)
{
    o->stage = NOTHING;
    o->wait_ns = now() + MODEL_MS(5);
    for (uint32_t k = 0; k < KEYS; k++) {
        o->lsn[k] = -1;
        o->count[k] = 0;
        o->dirty[k] = false;
    }
}

static void read_all(owner *o)
{
    fd_state_request *rq = ask(o, FD_STATE_READ);
    rq->n = KEYS;
    for (uint32_t k = 0; k < KEYS; k++)
        rq->values[k] = (fd_state_value){.key_kind = 1, .key = fd_str_from(w.names[k])};
    o->stage = READING;
    submit(o, rq);
}

static void fold_one(owner *o)
{
    uint32_t k = w.log[o->next];
    if (o->next > o->lsn[k]) {
        o->lsn[k] = o->next;
        o->count[k]++;
        o->dirty[k] = true;
    }
    o->next++;
}

/* All that is dirty and committed, in two requests; the second moves the redo point. */
static void flush(owner *o)
{
    uint32_t half = model_rng_below(&w.rng, KEYS);
    for (int part = 0; part < 2; part++) {
        uint32_t at = o->asked % REQUESTS;
        fd_state_request *rq = ask(o, FD_STATE_FLUSH);
        for (uint32_t k = part == 0 ? 0 : half; k < (part == 0 ? half : KEYS); k++) {
            if (!o->dirty[k])
                continue;
            o->bytes[at][rq->n] = o->count[k];
            rq->values[rq->n] = (fd_state_value){
                .key_kind = 1,
                .key = fd_str_from(w.names[k]),
                .bytes = {(const char *)&o->bytes[at][rq->n], sizeof o->bytes[at][0]},
                .lsn = o->lsn[k],
                .last_us = o->lsn[k]};
            rq->n++;
        }
        if (part == 1)
            rq->mark = (fd_state_mark){.redo = o->next, .merge_us = o->next};
        o->seq++;
        submit(o, rq);
    }
    w.flushes++;
}

static void sweep(owner *o)
{
    fd_state_request *rq = ask(o, FD_STATE_SWEEP);
    rq->older_us = -1; /* nothing is: only the step counts */
    rq->max = 5;
    o->seq++;
    submit(o, rq);
}

static void on_take(owner *o, const fd_state_reply *r)
{
    w.takeovers++;
    o->seq = r->mark.seq;
    forget(o);
    if (r->mark.found) {
        o->redo = o->next = r->mark.redo;
        MUST(r->mark.redo <= w.committed && r->mark.high_lsn < w.committed, "beyond the log");
        read_all(o);
        return;
    }
    w.rebuilds++;
    o->stage = RESETTING;
    fd_state_request *rq = ask(o, FD_STATE_RESET);
    rq->mark = (fd_state_mark){.redo = 0};
    rq->expect = 0;
    submit(o, rq);
}

static void on_read(owner *o, const fd_state_request *rq)
{
    for (uint32_t i = 0; i < rq->n; i++) {
        if (rq->values[i].bytes.p == NULL)
            continue;
        check_value(&rq->values[i]);
        uint32_t k = key_of(&rq->values[i]);
        o->lsn[k] = rq->values[i].lsn;
        memcpy(&o->count[k], rq->values[i].bytes.p, sizeof o->count[k]);
    }
    while (o->next < w.committed)
        fold_one(o);
    for (uint32_t k = 0; k < KEYS; k++)
        MUST(o->count[k] == fold(k, o->next - 1), "key %u: %lld", k, (long long)o->count[k]);
    o->stage = LIVE;
}

static void on_flush(owner *o, const fd_state_request *rq)
{
    for (uint32_t i = 0; i < rq->n; i++) {
        uint32_t k = key_of(&rq->values[i]);
        o->dirty[k] = o->dirty[k] && o->lsn[k] != rq->values[i].lsn;
    }
    if (rq->mark.redo >= 0)
        o->redo = rq->mark.redo;
}

static void hear(owner *o, const fd_state_reply *r)
{
    const fd_state_request *rq = r->request;
    MUST(rq == &o->requests[o->heard % REQUESTS], "out of order");
    o->heard++;
    o->out--;
    if (o->stage == NOTHING)
        return; /* behind one that was not done */
    if (r->result != FD_STATE_OK) {
        bool refused = r->result == FD_STATE_REFUSED && rq->kind == FD_STATE_TAKE;
        forget(o);
        o->before = refused ? 0 : o->nonce;
        return;
    }
    if (rq->kind == FD_STATE_TAKE)
        on_take(o, r);
    else if (rq->kind == FD_STATE_RESET)
        o->seq = rq->seq + 1, o->redo = o->next = 0, read_all(o);
    else if (rq->kind == FD_STATE_READ)
        on_read(o, rq);
    else if (rq->kind == FD_STATE_FLUSH)
        on_flush(o, rq);
}

static void act(owner *o, bool legit)
{
    if (o->out > 0 || now() < o->wait_ns || !port(o).ops->up(port(o).self, NULL))
        return;
    if (o->stage == NOTHING)
        take_over(o, o->before == 0 || legit);
    else if (o->stage == LIVE && legit && w.committed < EVENTS &&
             model_rng_chance(&w.rng, w.trouble ? 60 : 600))
        fold_one(o), w.committed++;
    else if (o->stage == LIVE && model_rng_chance(&w.rng, 300))
        flush(o);
    else if (o->stage == LIVE && model_rng_chance(&w.rng, 50))
        sweep(o);
}

static void step(int i)
{
    owner *o = &w.owners[i];
    fd_state_reply r;
    if (i == w.legit)
        o->believes = true;
    else if (now() > o->hears_ns)
        o->believes = false;
    while (port(o).ops->poll(port(o).self, 0, &r))
        hear(o, &r);
    /* One that has lost the partition does not take it over again, but flushes what it has. */
    if (i == w.legit || (o->believes && o->stage == LIVE))
        act(o, i == w.legit);
    else if (o->out == 0)
        forget(o);
}

/* ---- trouble ---- */

static void hand_over(int to)
{
    owner *old = &w.owners[w.legit];
    old->hears_ns = now() + model_rng_between(&w.rng, 0, MODEL_MS(500));
    w.legit = to;
    owner *o = &w.owners[to];
    if (o->stage != NOTHING || o->out > 0)
        return; /* it has not noticed that it was away: its nonce will tell */
    o->before = 0;
}

static void restart(int i)
{
    owner *o = &w.owners[i];
    model_store_kill(w.store, o->client);
    *o = (owner){.client = model_store_client(w.store)};
    port(o).ops->set_lineage(port(o).self, 0, "l");
    forget(o);
}

static void mischief(void)
{
    uint32_t any = model_rng_below(&w.rng, MODEL_STORE_BUCKETS);
    w.losses++;
    switch (model_rng_below(&w.rng, 11)) {
    case 0:
        model_store_lose_marker(w.store, 0);
        return;
    case 1:
        model_store_lose_bucket(w.store, 0, any);
        return;
    case 2:
        model_store_lose_value(w.store, 0, any % KEYS);
        return;
    case 3:
        model_store_flush_all(w.store);
        return;
    case 4:
        model_store_full(w.store, model_rng_chance(&w.rng, 500));
        return;
    case 5:
        model_store_down(w.store, model_rng_chance(&w.rng, 500));
        return;
    case 6:
        model_store_stall(w.store, model_rng_between(&w.rng, 0, MODEL_SEC(2)));
        return;
    case 7:
        model_store_rollback(w.store, 1 + any % 20);
        return;
    case 8:
        restart((int)(any % OWNERS));
        return;
    default:
        hand_over((int)(any % OWNERS));
        return;
    }
}

static void draw_weather(void)
{
    model_store_weather weather = {.delay_ns = MODEL_US(50 + model_rng_below(&w.rng, 2000)),
                                   .slow = model_rng_below(&w.rng, 2) * 30,
                                   .slow_ns = MODEL_MS(800),
                                   .cut = model_rng_below(&w.rng, 2) * 20,
                                   .silent = 300,
                                   .late = 500,
                                   .again = model_rng_below(&w.rng, 2) * 30,
                                   .late_ns = MODEL_SEC(3)};
    model_store_weather_set(w.store, &weather);
}

static void turn(void)
{
    step((int)model_rng_below(&w.rng, OWNERS));
    check_store();
    if (w.trouble && model_rng_chance(&w.rng, 4))
        mischief();
    w.clock.now_ns += model_rng_between(&w.rng, MODEL_US(10), MODEL_MS(5));
    model_store_run(w.store);
}

static bool settled(void)
{
    const owner *o = &w.owners[w.legit];
    return o->stage == LIVE && w.committed == EVENTS && o->redo == EVENTS && o->out == 0;
}

static void run(uint64_t seed)
{
    w = (world){.seed = seed, .rng = {seed}, .trouble = true};
    model_clock_init(&w.clock);
    w.store = model_store_new(&(model_store_config){.clock = &w.clock, .seed = seed + 1});
    for (uint32_t k = 0; k < KEYS; k++)
        snprintf(w.names[k], sizeof w.names[k], "k%u", k);
    for (int i = 0; i < EVENTS; i++)
        w.log[i] = (uint8_t)(model_rng_below(&w.rng, KEYS) * model_rng_below(&w.rng, KEYS) / KEYS);
    for (int i = 0; i < OWNERS; i++) {
        w.owners[i].client = model_store_client(w.store);
        port(&w.owners[i]).ops->set_lineage(port(&w.owners[i]).self, 0, "l");
        forget(&w.owners[i]);
    }
    draw_weather();
    int64_t end = now() + MODEL_SEC(TROUBLE_S);
    while (now() < end && w.owners[0].client + 1 < MODEL_STORE_CLIENTS_MAX - 2 * OWNERS)
        turn();
    w.trouble = false;
    model_store_weather_set(w.store, &model_store_calm);
    model_store_full(w.store, false);
    model_store_down(w.store, false);
    end = now() + MODEL_SEC(CALM_S);
    while (!settled()) {
        MUST(now() < end, "not settled: owner %d in stage %d, redo %lld of %lld", w.legit,
             w.owners[w.legit].stage, (long long)w.owners[w.legit].redo, (long long)w.committed);
        turn();
    }
}

int main(int argc, char **argv)
{
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t to = argc > 2 ? strtoull(argv[2], NULL, 10) : 50;
    model_store_counts all = {0};
    uint64_t takeovers = 0, rebuilds = 0, flushes = 0;
    for (uint64_t seed = from; seed <= to; seed++) {
        run(seed);
        const model_store_counts *c = model_store_counted(w.store);
        all.done += c->done;
        all.refused += c->refused;
        all.cuts += c->cuts;
        all.late += c->late;
        all.again += c->again;
        all.timeouts += c->timeouts;
        all.full += c->full;
        takeovers += w.takeovers;
        rebuilds += w.rebuilds;
        flushes += w.flushes;
        model_store_free(w.store);
    }
    printf("%llu seeds: %llu takeovers, %llu rebuilds, %llu flushes; %u done, %u refused, %u cuts, "
           "%u late, %u again, %u timeouts, %u full\n",
           (unsigned long long)(to - from + 1), (unsigned long long)takeovers,
           (unsigned long long)rebuilds, (unsigned long long)flushes, all.done, all.refused,
           all.cuts, all.late, all.again, all.timeouts, all.full);
    return all.late == 0 || all.again == 0 || all.timeouts == 0 || all.full == 0;
}
