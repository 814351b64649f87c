/*
 * Histories drawn from a seed: two owners who ask for this and that, mostly what they may, and a
 * store that loses things meanwhile; see store_histories.h. Everything that comes of it is said, so
 * that two stores can be compared. Sweeps are large: in which order a store looks is its own
 * affair.
 */
#include <stdio.h>

#include "model/world.h"
#include "store_histories.h"

enum { STEPS = 80, KEYS = 14, READS_MAX = 6, BEHIND_MAX = 3 };

static const char *const keys[KEYS] = {"a", "b", "c", "d", "e",  "f", "g",
                                       "",  "_", "x", "y", "\n", "{", "long-key-long-key"};
static const char *const texts[] = {"", "1", "twenty-two", "a value that is somewhat longer"};

typedef struct asker {
    uint64_t nonce, seq;
    uint64_t before; /* the nonce that the marker had for sure */
    bool astray;     /* was refused */
} asker;

typedef struct drawn {
    const store_bench *b;
    model_rng rng;
    fd_strbuf *said;
    asker askers[STORE_OWNERS];
    uint64_t nonces;
    int64_t lsn;
} drawn;

typedef struct question {
    fd_state_request request;
    fd_state_value values[READS_MAX];
} question;

static uint32_t below(drawn *d, uint32_t n)
{
    return model_rng_below(&d->rng, n);
}

static fd_tp a_partition(drawn *d)
{
    return (fd_tp){.source = 0, .partition = (int32_t)(below(d, 8) == 0)};
}

/* ---- questions ---- */

static void draw_values(drawn *d, question *q)
{
    fd_state_request *rq = &q->request;
    uint32_t first = below(d, KEYS);
    rq->n = below(d, READS_MAX + 1);
    rq->values = q->values;
    for (uint32_t i = 0; i < rq->n; i++) {
        bool old = below(d, 25) == 0;
        int64_t lsn = old ? (int64_t)below(d, 50) : d->lsn;
        d->lsn += below(d, 2); /* equal ones, too */
        q->values[i] = (fd_state_value){.key_kind = (uint16_t)(first % 2),
                                        .key = fd_str_from(keys[(first + i) % KEYS]),
                                        .bytes = fd_str_from(texts[below(d, 4)]),
                                        .lsn = lsn,
                                        .last_us = (int64_t)below(d, 200) - 100};
    }
}

static void draw_mark(drawn *d, fd_state_mark *m, bool may_stay)
{
    m->redo = may_stay && below(d, 2) == 0 ? -1 : d->lsn - (int64_t)below(d, 2) * below(d, 9);
    if (m->redo < 0 && !may_stay)
        m->redo = 0;
    if (m->redo < -1)
        m->redo = -1;
    m->merge_us = (int64_t)below(d, 1000) - 500;
    m->partitions = (int32_t)below(d, 9);
    snprintf(m->topic_id, sizeof m->topic_id, "id%u", below(d, 3));
}

static void draw(drawn *d, asker *a, question *q)
{
    static const fd_state_request_kind kinds[] = {
        FD_STATE_TAKE,  FD_STATE_RESET, FD_STATE_READ,  FD_STATE_READ,  FD_STATE_READ,
        FD_STATE_FLUSH, FD_STATE_FLUSH, FD_STATE_FLUSH, FD_STATE_FLUSH, FD_STATE_SWEEP};
    fd_state_request *rq = &q->request;
    *rq = (fd_state_request){
        .kind = kinds[below(d, 10)], .tp = a_partition(d), .nonce = a->nonce, .seq = a->seq};
    if (below(d, 10) == 0)
        rq->seq += below(d, 3);
    if (a->astray && below(d, 3) > 0)
        rq->kind = FD_STATE_TAKE;
    switch (rq->kind) {
    case FD_STATE_TAKE:
    case FD_STATE_RESET:
        if (below(d, 3) > 0)
            rq->nonce = ++d->nonces;
        rq->expect = below(d, 3) == 0 ? a->before : below(d, 8) == 0 ? 77 : 0;
        draw_mark(d, &rq->mark, false);
        break;
    case FD_STATE_SWEEP:
        rq->older_us = (int64_t)below(d, 240) - 120;
        rq->max = 1000;
        break;
    default:
        draw_values(d, q);
        draw_mark(d, &rq->mark, true);
        break;
    }
    /* What comes behind it expects that it is done. */
    if (rq->tp.partition == 0 && (rq->kind == FD_STATE_FLUSH || rq->kind == FD_STATE_SWEEP))
        a->seq = rq->seq + 1;
}

/* ---- answers ---- */

static void say_values(drawn *d, const fd_state_request *rq)
{
    for (uint32_t i = 0; i < rq->n; i++) {
        const fd_state_value *v = &rq->values[i];
        if (v->bytes.p == NULL)
            fd_strbuf_puts(d->said, " -");
        else
            fd_strbuf_printf(d->said, " %lld/%lld/" FD_STR_FMT, (long long)v->lsn,
                             (long long)v->last_us, FD_STR_ARG(v->bytes));
    }
}

static void say(drawn *d, int who, const fd_state_reply *r)
{
    static const char *const results[] = {"ok", "refused", "down"};
    static const char *const kinds[] = {
#define X(name) #name,
        FD_STATE_REQUESTS(X)
#undef X
    };
    const fd_state_request *rq = r->request;
    fd_strbuf_printf(d->said, "%d %s p%d nonce %llu seq %llu expect %llu: %s", who, kinds[rq->kind],
                     rq->tp.partition, (unsigned long long)rq->nonce, (unsigned long long)rq->seq,
                     (unsigned long long)rq->expect, results[r->result]);
    if (r->result == FD_STATE_OK && rq->kind == FD_STATE_TAKE)
        fd_strbuf_printf(d->said, " found %d seq %llu redo %lld merge %lld high %lld of %d %s",
                         r->mark.found, (unsigned long long)r->mark.seq, (long long)r->mark.redo,
                         (long long)r->mark.merge_us, (long long)r->mark.high_lsn,
                         r->mark.partitions, r->mark.topic_id);
    if (r->result == FD_STATE_OK && rq->kind == FD_STATE_READ)
        say_values(d, rq);
    if (r->result == FD_STATE_OK && rq->kind == FD_STATE_SWEEP)
        fd_strbuf_printf(d->said, " removed %u", r->removed);
    fd_strbuf_putc(d->said, '\n');
}

/* What the asker makes of it: enough to be right most of the time. */
static void learn(asker *a, const fd_state_reply *r)
{
    const fd_state_request *rq = r->request;
    a->astray = a->astray ? rq->kind != FD_STATE_TAKE : r->result != FD_STATE_OK;
    if (r->result != FD_STATE_OK || rq->tp.partition != 0)
        return;
    switch (rq->kind) {
    case FD_STATE_TAKE:
        a->seq = r->mark.seq;
        if (r->mark.found)
            a->nonce = a->before = rq->nonce;
        return;
    case FD_STATE_RESET:
        a->nonce = a->before = rq->nonce;
        a->seq = rq->seq + 1;
        return;
    default:
        return;
    }
}

static void hear(drawn *d, int who)
{
    fd_state_reply r;
    if (!d->b->answer(who, &r))
        store_history_failed(__FILE__, __LINE__, "no answer");
    say(d, who, &r);
    learn(&d->askers[who], &r);
}

/* ---- steps ---- */

static void ask(drawn *d, int who, question *q)
{
    fd_state_store port = d->b->port(who);
    draw(d, &d->askers[who], q);
    if (!port.ops->submit(port.self, &q->request))
        store_history_failed(__FILE__, __LINE__, "the queue is full");
}

static void ask_behind(drawn *d, int who)
{
    question q[BEHIND_MAX];
    uint32_t n = 1 + below(d, BEHIND_MAX);
    for (uint32_t i = 0; i < n; i++)
        ask(d, who, &q[i]);
    for (uint32_t i = 0; i < n; i++)
        hear(d, who);
}

/* The connection breaks with some under way; what is late arrives when the other has asked. */
static void cut(drawn *d, int who)
{
    question q[BEHIND_MAX];
    uint32_t n = 1 + below(d, BEHIND_MAX);
    store_cut how = (store_cut)below(d, 3);
    fd_strbuf_printf(d->said, "cut %d, %d\n", who, how);
    d->b->hold(who, true);
    for (uint32_t i = 0; i < n; i++)
        ask(d, who, &q[i]);
    d->b->cut(who, how);
    for (uint32_t i = 0; i < n; i++)
        hear(d, who);
    if (how == STORE_LATE) {
        for (uint32_t i = below(d, 4); i > 0; i--)
            ask_behind(d, !who);
        d->b->arrive();
    }
    if (!d->b->wait_up(who))
        store_history_failed(__FILE__, __LINE__, "it does not come back");
}

static void lose(drawn *d)
{
    fd_tp tp = a_partition(d);
    fd_state_value v = {.key_kind = (uint16_t)below(d, 2),
                        .key = fd_str_from(keys[below(d, KEYS)])};
    uint32_t what = below(d, 8);
    bool there = true;
    if (what == 0)
        d->b->lose_all();
    else if (what == 1)
        there = d->b->lose_marker(tp);
    else if (what < 5)
        there = d->b->lose_bucket(tp, &v);
    else
        there = d->b->lose_value(tp, &v);
    fd_strbuf_printf(d->said, "lost %u: %d\n", what, there);
}

void store_random(const store_bench *b, uint64_t seed, fd_strbuf *said)
{
    drawn d = {.b = b, .rng = {seed}, .said = said};
    b->begin();
    for (int i = 0; i < STORE_OWNERS; i++)
        d.askers[i].nonce = ++d.nonces;
    for (int step = 0; step < STEPS; step++) {
        uint32_t what = below(&d, 100);
        int who = (int)below(&d, STORE_OWNERS);
        if (what < 2)
            cut(&d, who);
        else if (what < 5)
            lose(&d);
        else
            b->full(what < 9);
        if (what >= 5)
            ask_behind(&d, who);
    }
    b->full(false);
    b->end();
}
