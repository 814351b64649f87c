/*
 * The transaction coordinator: epochs, the states of a transaction, its markers, its timeout.
 *
 * The decision (PREPARED) is the point of no return; markers reach the partitions one by one after
 * it, and the next transaction is put off until all have. One thread.
 */
#include "model_int.h"

typedef struct marker {
    int out; /* -1: the group's offsets */
    int64_t producer;
    int16_t epoch;
    bool commit;
    uint64_t turn;
} marker;

typedef struct expiry {
    int64_t producer;
    uint64_t turn;
} expiry;

int model_txnid_new(model *m)
{
    FD_ASSERT(m->n_txnids < MODEL_TXNIDS_MAX);
    int id = m->n_txnids++;
    m->txnids[id] = (model_txnid){.used = true, .epoch = -1};
    m->offsets_epoch[id] = -1;
    return id;
}

model_error model_verify(const model *m, int64_t producer, int16_t epoch, int out)
{
    const model_txnid *t = &m->txnids[producer];
    if (epoch != t->epoch)
        return MODEL_E_PRODUCER_FENCED;
    bool in = out < 0 ? t->offsets : (t->outs & MODEL_BIT(out)) != 0;
    return t->state == MODEL_TXN_ONGOING && in ? MODEL_E_NONE : MODEL_E_INVALID_TXN_STATE;
}

static void fire_marker(model *m, void *arg)
{
    const marker *k = arg;
    if (model_now(m) < m->down_until_ns) {
        model_at(m, m->down_until_ns + MODEL_MS(1), fire_marker, arg);
        return;
    }
    model_txnid *t = &m->txnids[k->producer];
    FD_ASSERT(t->turn == k->turn && t->markers_left > 0);
    MODEL_TRACE(m, "marker: producer %lld epoch %d %s on %s%d", (long long)k->producer, k->epoch,
                k->commit ? "commit" : "abort", k->out < 0 ? "offsets " : "output ",
                k->out < 0 ? 0 : k->out);
    if (k->out < 0)
        model_mark_offsets(m, k->producer, k->epoch, k->commit);
    else
        model_mark(m, k->out, k->producer, k->epoch, k->commit);
    if (--t->markers_left == 0)
        t->state = MODEL_TXN_COMPLETE;
}

static void send_marker(model *m, int out, int64_t producer, bool commit)
{
    const model_txnid *t = &m->txnids[producer];
    marker *k = fd_arena_alloc(m->arena, sizeof *k);
    FD_ALLOCATED(k);
    *k = (marker){
        .out = out, .producer = producer, .epoch = t->epoch, .commit = commit, .turn = t->turn};
    int64_t mean = m->weather.delay_ns;
    int64_t after = mean / 4 + model_rng_between(&m->rng, 0, 3 * mean);
    if (model_rng_chance(&m->rng, m->weather.slow_marker))
        after += model_rng_between(&m->rng, 0, m->weather.slow_ns);
    model_at(m, model_now(m) + after, fire_marker, k);
}

static void prepare(model *m, int64_t producer, bool commit)
{
    model_txnid *t = &m->txnids[producer];
    FD_ASSERT(t->state == MODEL_TXN_ONGOING);
    t->state = MODEL_TXN_PREPARED;
    t->commit = commit;
    t->markers_left = (uint32_t)__builtin_popcountll(t->outs) + t->offsets;
    FD_ASSERT(t->markers_left > 0);
    for (int out = 0; out < MODEL_OUTS_MAX; out++) {
        if ((t->outs & MODEL_BIT(out)) == 0)
            continue;
        if (commit)
            model_decide(m, out, producer);
        send_marker(m, out, producer, commit);
    }
    if (t->offsets)
        send_marker(m, -1, producer, commit);
}

/* Ends what is open and makes every older producer void. */
static void fence(model *m, int64_t producer)
{
    m->txnids[producer].epoch++;
    prepare(m, producer, false);
}

static void fire_expiry(model *m, void *arg)
{
    const expiry *e = arg;
    const model_txnid *t = &m->txnids[e->producer];
    if (t->state != MODEL_TXN_ONGOING || t->turn != e->turn)
        return;
    int64_t away = m->down_until_ns > m->txn_moves_ns[1] ? m->down_until_ns : m->txn_moves_ns[1];
    if (model_now(m) < away) {
        model_at(m, away + MODEL_MS(10), fire_expiry, arg);
        return;
    }
    m->counts.timeouts++;
    MODEL_TRACE(m, "broker: the transaction of producer %lld took too long",
                (long long)e->producer);
    fence(m, e->producer);
}

static void begin(model *m, int64_t producer)
{
    model_txnid *t = &m->txnids[producer];
    if (t->state == MODEL_TXN_ONGOING)
        return;
    t->state = MODEL_TXN_ONGOING;
    t->outs = 0;
    t->offsets = false;
    t->began_ns = model_now(m);
    t->turn++;
    expiry *e = fd_arena_alloc(m->arena, sizeof *e);
    FD_ALLOCATED(e);
    *e = (expiry){.producer = producer, .turn = t->turn};
    model_at(m, t->began_ns + m->config.txn_timeout_ns, fire_expiry, e);
}

static void take_init(model *m, const model_request *r, model_answer *a)
{
    model_txnid *t = &m->txnids[r->txnid];
    switch (t->state) {
    case MODEL_TXN_ONGOING:
        fence(m, r->txnid);
        a->err = MODEL_E_CONCURRENT_TRANSACTIONS;
        return;
    case MODEL_TXN_PREPARED:
        a->err = MODEL_E_CONCURRENT_TRANSACTIONS;
        return;
    case MODEL_TXN_EMPTY:
    case MODEL_TXN_COMPLETE:
        t->epoch++;
        t->state = MODEL_TXN_EMPTY;
        a->producer = r->txnid;
        a->epoch = t->epoch;
        return;
    }
}

static void take_add(model *m, const model_request *r, model_answer *a)
{
    model_txnid *t = &m->txnids[r->producer];
    if (r->epoch != t->epoch) {
        a->err = MODEL_E_PRODUCER_FENCED;
        return;
    }
    if (t->state == MODEL_TXN_PREPARED) {
        a->err = MODEL_E_CONCURRENT_TRANSACTIONS;
        return;
    }
    bool news = t->state != MODEL_TXN_ONGOING;
    begin(m, r->producer);
    if (r->api == MODEL_ADD_OFFSETS_TO_TXN)
        t->offsets = true;
    else
        t->outs |= r->outs;
    m->counts.late_hits += news && r->late;
}

static void take_end(model *m, const model_request *r, model_answer *a)
{
    model_txnid *t = &m->txnids[r->producer];
    if (r->epoch != t->epoch) {
        a->err = MODEL_E_PRODUCER_FENCED;
        return;
    }
    switch (t->state) {
    case MODEL_TXN_EMPTY:
        a->err = MODEL_E_INVALID_TXN_STATE;
        return;
    case MODEL_TXN_ONGOING:
        m->counts.late_hits += r->late;
        prepare(m, r->producer, r->commit);
        return;
    case MODEL_TXN_PREPARED:
        a->err = t->commit == r->commit ? MODEL_E_CONCURRENT_TRANSACTIONS
                                        : MODEL_E_INVALID_TXN_STATE;
        return;
    case MODEL_TXN_COMPLETE:
        if (t->commit != r->commit)
            a->err = MODEL_E_INVALID_TXN_STATE;
        return;
    }
}

bool model_coordinator_take(model *m, const model_request *r, model_answer *a)
{
    if (r->api == MODEL_INIT_PRODUCER_ID)
        take_init(m, r, a);
    else if (r->api == MODEL_END_TXN)
        take_end(m, r, a);
    else
        take_add(m, r, a);
    return true;
}

uint32_t model_open_txns(const model *m)
{
    uint32_t n = 0;
    for (int i = 0; i < m->n_txnids; i++)
        n += m->txnids[i].state == MODEL_TXN_ONGOING || m->txnids[i].state == MODEL_TXN_PREPARED;
    return n;
}

static void move(model *m, int64_t until_ns[2], int64_t ns)
{
    until_ns[0] = model_now(m) + ns / 2;
    until_ns[1] = model_now(m) + ns;
}

void model_move_txn_coordinator(model *m, int64_t ns)
{
    MODEL_TRACE(m, "fault: the transaction coordinator moves");
    move(m, m->txn_moves_ns, ns);
}

void model_move_group_coordinator(model *m, int64_t ns)
{
    MODEL_TRACE(m, "fault: the group coordinator moves");
    move(m, m->group_moves_ns, ns);
    model_group_loaded(m);
}

void model_broker_down(model *m, int64_t ns)
{
    MODEL_TRACE(m, "fault: the broker is down for %lld ms", (long long)(ns / 1000000));
    m->down_until_ns = model_now(m) + ns;
    model_group_loaded(m);
}
