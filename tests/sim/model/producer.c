/*
 * A producer handle's background, as librdkafka has it: partitions are registered, records sent,
 * requests repeated after transport errors (which mark the lane dirty), errors classed.
 *
 * Values are read from the caller's memory when a request is made, as librdkafka does: whoever
 * changes them within the transaction is found out. One thread.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "model_int.h"

enum { RETRY_MS = 1, CONCURRENT_MS = 20 };

static uint64_t hash_of(const fd_out_record *r)
{
    return fd_hash64(r->value.p, r->value.n, 1);
}

void model_check_bytes(model *m, const model_lane *l)
{
    for (uint32_t i = 0; i < l->n_records; i++) {
        if (hash_of(&l->records[i].record) != l->records[i].hash)
            model_violation(m, "the bytes of a record changed within its transaction");
    }
}

/* As librdkafka: key and headers are copied when a record is produced, the value is not. */
static fd_out_record keep(model *m, const fd_out_record *r)
{
    fd_out_record copy = *r;
    copy.key = fd_arena_str(m->arena, r->key);
    fd_header *headers = fd_arena_alloc(m->arena, (r->n_headers + 1) * sizeof *headers);
    FD_ALLOCATED(headers);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        headers[i] = r->headers[i];
        headers[i].name = fd_arena_str(m->arena, r->headers[i].name);
        headers[i].value = fd_arena_str(m->arena, r->headers[i].value);
    }
    copy.headers = headers;
    return copy;
}

/* The handle that sent it; NULL when it was destroyed since. */
static model_lane *lane_of(model *m, const model_request *r)
{
    model_lane *l = &model_client_of(m, r->client)->lanes[r->lane];
    return l->exists && l->handle == r->ticket ? l : NULL;
}

static model_request *lane_request(model *m, model_client *c, int lane, model_api api)
{
    const model_lane *l = &c->lanes[lane];
    model_request *r = model_request_new(m, c, lane, api);
    r->ticket = l->handle;
    r->txnid = c->txnids[lane];
    r->producer = l->producer;
    r->epoch = l->epoch;
    return r;
}

static void break_lane(model *m, const model_request *r, model_lane *l, model_error why)
{
    bool fatal = why == MODEL_E_PRODUCER_FENCED || why == MODEL_E_INVALID_TXN_STATE;
    MODEL_TRACE(m, "c%d/%d: %s needs %s: %s", r->client, r->lane, model_api_name(r->api),
                fatal ? "a new producer" : "an abort", model_error_name(why));
    l->why = why;
    l->fatal = l->fatal || fatal;
    l->abort = l->abort || !fatal;
}

/* True when the request goes out again by itself. */
static bool repeats(model *m, const model_request *r, model_lane *l, const model_answer *a)
{
    switch (a->err) {
    case MODEL_E_TRANSPORT:
        l->dirty = true;
        model_resend(m, r, MODEL_MS(RETRY_MS));
        return true;
    case MODEL_E_CONCURRENT_TRANSACTIONS:
        model_resend(m, r, MODEL_MS(r->api == MODEL_END_TXN ? RETRY_MS : CONCURRENT_MS));
        return true;
    case MODEL_E_NOT_COORDINATOR:
    case MODEL_E_COORDINATOR_LOADING:
        model_resend(m, r, MODEL_MS(RETRY_MS));
        return true;
    default:
        return false;
    }
}

/* ---- records ---- */

static void produce_answered(model *m, const model_request *r, const model_answer *a)
{
    model_client *c = model_client_of(m, r->client);
    model_lane *l = lane_of(m, r);
    if (l == NULL || repeats(m, r, l, a))
        return;
    l->producing &= ~MODEL_BIT(r->out);
    if (a->err != MODEL_E_NONE) {
        l->too_large = l->too_large || a->err == MODEL_E_MESSAGE_TOO_LARGE;
        break_lane(m, r, l, a->err);
        return;
    }
    uint32_t left = r->n_records;
    for (uint32_t i = 0; i < l->n_records && left > 0; i++) {
        model_queued *q = &l->records[i];
        if (q->out != r->out || !q->sent || q->acked)
            continue;
        q->acked = true;
        l->n_acked++;
        left--;
    }
    FD_ASSERT(left == 0);
    model_producer_pump(m, c, r->lane);
}

static void send_batch(model *m, model_client *c, int lane, int out)
{
    model_lane *l = &c->lanes[lane];
    fd_out_record *copies = fd_arena_alloc(m->arena, MODEL_BATCH_MAX * sizeof *copies);
    FD_ALLOCATED(copies);
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n_records && n < MODEL_BATCH_MAX; i++) {
        model_queued *q = &l->records[i];
        if (q->out != out || q->sent)
            continue;
        if (hash_of(&q->record) != q->hash)
            model_violation(m, "the bytes of a record changed before it was sent");
        copies[n] = q->record;
        copies[n++].value = fd_arena_str(m->arena, q->record.value);
        q->sent = true;
    }
    if (n == 0)
        return;
    model_request *r = lane_request(m, c, lane, MODEL_PRODUCE);
    r->out = out;
    r->records = copies;
    r->n_records = n;
    r->base_seq = l->seq[out];
    r->answered = produce_answered;
    l->seq[out] += n;
    l->producing |= MODEL_BIT(out);
    model_send(m, r);
}

static void add_answered(model *m, const model_request *r, const model_answer *a)
{
    model_lane *l = lane_of(m, r);
    if (l == NULL || repeats(m, r, l, a))
        return;
    l->adding = false;
    if (a->err != MODEL_E_NONE) {
        break_lane(m, r, l, a->err);
        return;
    }
    l->registered |= r->outs;
    model_producer_pump(m, model_client_of(m, r->client), r->lane);
}

static void start_op(model *m, model_client *c, int lane);

void model_producer_pump(model *m, model_client *c, int lane)
{
    model_lane *l = &c->lanes[lane];
    if (l->fatal || l->abort)
        return;
    model_bits unknown = 0, ready = 0;
    for (uint32_t i = 0; i < l->n_records; i++) {
        model_bits bit = MODEL_BIT(l->records[i].out);
        unknown |= l->registered & bit ? 0 : bit;
        ready |= l->records[i].sent ? 0 : bit;
    }
    if (unknown != 0 && !l->adding) {
        model_request *r = lane_request(m, c, lane, MODEL_ADD_PARTITIONS_TO_TXN);
        r->outs = unknown;
        r->answered = add_answered;
        l->adding = true;
        model_send(m, r);
    }
    ready &= l->registered & ~l->producing;
    for (int out = 0; out < MODEL_OUTS_MAX; out++) {
        if (ready & MODEL_BIT(out))
            send_batch(m, c, lane, out);
    }
    start_op(m, c, lane);
}

void model_queue_record(model *m, model_client *c, int lane, const fd_out_record *r)
{
    model_lane *l = &c->lanes[lane];
    int out = model_out_index(m, r->topic, r->partition);
    l->records = model_grow(l->records, &l->cap_records, l->n_records + 1, sizeof *l->records);
    l->records[l->n_records++] = (model_queued){
        .record = keep(m, r), .hash = hash_of(r), .out = out};
}

/* ---- what is waited for ---- */

static void op_answered(model *m, const model_request *r, const model_answer *a)
{
    model_client *c = model_client_of(m, r->client);
    model_lane *l = lane_of(m, r);
    if (l == NULL || repeats(m, r, l, a))
        return;
    if (a->err != MODEL_E_NONE) {
        break_lane(m, r, l, a->err);
        return;
    }
    if (r->api == MODEL_ADD_OFFSETS_TO_TXN) {
        model_send(m, model_request_copy(m, l->op_request));
        return;
    }
    if (r->api == MODEL_INIT_PRODUCER_ID) {
        l->producer = a->producer;
        l->epoch = a->epoch;
        l->initialised = true;
    }
    l->op_done = true;
    (void)c;
}

void model_producer_init(model *m, model_client *c, int lane)
{
    model_lane *l = &c->lanes[lane];
    model_request *r = lane_request(m, c, lane, MODEL_INIT_PRODUCER_ID);
    r->answered = op_answered;
    l->op = MODEL_OP_INIT;
    l->op_done = false;
    l->op_sent = true;
    model_send(m, r);
}

/* An op that may go out now: the end of a transaction waits for every record. */
static void start_op(model *m, model_client *c, int lane)
{
    model_lane *l = &c->lanes[lane];
    if (l->op_sent || l->op_done)
        return;
    if (l->op == MODEL_OP_OFFSETS) {
        l->op_sent = true;
        model_request *add = lane_request(m, c, lane, MODEL_ADD_OFFSETS_TO_TXN);
        add->answered = op_answered;
        model_send(m, add);
    }
    if (l->op == MODEL_OP_END && l->n_acked == l->n_records) {
        l->op_sent = true;
        model_send(m, model_request_copy(m, l->op_request));
    }
}

void model_producer_op(model *m, model_client *c, int lane, model_op op, model_request *r)
{
    model_lane *l = &c->lanes[lane];
    r->ticket = l->handle;
    r->txnid = c->txnids[lane];
    r->producer = l->producer;
    r->epoch = l->epoch;
    r->answered = op_answered;
    l->op = op;
    l->op_request = r;
    l->op_sent = l->op_done = false;
    start_op(m, c, lane);
}
