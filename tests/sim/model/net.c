/*
 * The network: what becomes of a request on its way, and who hears of it.
 *
 * Each send is settled exactly once on the client's side: by the answer, or by TRANSPORT when the
 * connection broke. A copy that is late arrives after that, unheard. One thread.
 */
#include "model_int.h"

typedef struct answer_event {
    const model_request *request;
    model_answer answer;
} answer_event;

static void fire_answer(model *m, void *arg)
{
    const answer_event *e = arg;
    e->request->answered(m, e->request, &e->answer);
}

/* One way through the network. */
static int64_t way(model *m)
{
    const model_weather *w = &m->weather;
    int64_t mean = w->delay_ns;
    int64_t ns = mean / 4 + model_rng_between(&m->rng, 0, mean + mean / 2);
    if (model_rng_chance(&m->rng, w->slow))
        ns += model_rng_between(&m->rng, 0, w->slow_ns);
    return ns;
}

static void tell(model *m, const model_request *r, const model_answer *a, int64_t at_ns)
{
    if (r->unheard)
        return;
    answer_event *e = fd_arena_alloc(m->arena, sizeof *e);
    FD_ALLOCATED(e);
    *e = (answer_event){.request = r, .answer = *a};
    model_at_client(m, r->client, at_ns, fire_answer, e);
}

void model_reply(model *m, const model_request *r, const model_answer *a)
{
    MODEL_TRACE(m, "broker -> c%d/%d %s %s", r->client, r->lane, model_api_name(r->api),
                r->unheard ? "(nobody hears)" : model_error_name(a->err));
    tell(m, r, a, model_now(m) + way(m));
}

static void tell_broken(model *m, const model_request *r, bool silent)
{
    model_answer a = {.err = MODEL_E_TRANSPORT};
    int64_t after = silent ? m->config.socket_timeout_ns : way(m);
    tell(m, r, &a, model_now(m) + after);
}

static bool take(model *m, const model_request *r, model_answer *a)
{
    switch (r->api) {
    case MODEL_PRODUCE:
    case MODEL_LIST_OFFSETS:
        return model_partition_take(m, r, a);
    case MODEL_OFFSET_FETCH:
    case MODEL_TXN_OFFSET_COMMIT:
        return model_offsets_take(m, r, a);
    case MODEL_JOIN_GROUP:
    case MODEL_HEARTBEAT:
    case MODEL_LEAVE_GROUP:
        return model_group_take(m, r, a);
    case MODEL_INIT_PRODUCER_ID:
    case MODEL_ADD_PARTITIONS_TO_TXN:
    case MODEL_ADD_OFFSETS_TO_TXN:
    case MODEL_END_TXN:
        return model_coordinator_take(m, r, a);
    case MODEL_N_APIS:
        break;
    }
    FD_UNREACHABLE();
}

/* Which coordinator it goes to refuses, or is loading. */
static model_error moved(const model *m, model_api api)
{
    const int64_t *until;
    switch (api) {
    case MODEL_PRODUCE:
    case MODEL_LIST_OFFSETS:
        return MODEL_E_NONE;
    case MODEL_INIT_PRODUCER_ID:
    case MODEL_ADD_PARTITIONS_TO_TXN:
    case MODEL_ADD_OFFSETS_TO_TXN:
    case MODEL_END_TXN:
        until = m->txn_moves_ns;
        break;
    default:
        until = m->group_moves_ns;
        break;
    }
    if (model_now(m) < until[0])
        return MODEL_E_NOT_COORDINATOR;
    return model_now(m) < until[1] ? MODEL_E_COORDINATOR_LOADING : MODEL_E_NONE;
}

static void arrive(model *m, void *arg)
{
    const model_request *r = arg;
    if (model_now(m) < m->down_until_ns) {
        tell_broken(m, r, false);
        return;
    }
    m->counts.requests[r->api]++;
    model_answer a = {.err = moved(m, r->api)};
    MODEL_TRACE(m, "c%d/%d -> broker %s%s", r->client, r->lane, model_api_name(r->api),
                r->late ? " (late copy)" : "");
    if (a.err != MODEL_E_NONE || take(m, r, &a))
        model_reply(m, r, &a);
}

/* ---- what goes wrong ---- */

static bool scripted(model *m, const model_request *r, model_rule *out)
{
    for (uint32_t i = 0; i < m->n_rules; i++) {
        model_rule *rule = &m->rules[i];
        if (rule->api != r->api || (rule->client >= 0 && rule->client != r->client) ||
            (rule->lane >= 0 && rule->lane != r->lane))
            continue;
        if (rule->skip > 0) {
            rule->skip--;
            continue;
        }
        *out = *rule;
        if (--rule->times == 0)
            m->rules[i] = m->rules[--m->n_rules];
        return true;
    }
    return false;
}

/* Refusals that a healthy request may meet. */
static model_error any_refusal(model *m, const model_request *r)
{
    switch (r->api) {
    case MODEL_TXN_OFFSET_COMMIT:
        return model_rng_chance(&m->rng, 300) ? MODEL_E_ILLEGAL_GENERATION
                                              : MODEL_E_COORDINATOR_LOADING;
    case MODEL_PRODUCE:
        return MODEL_E_OUT_OF_ORDER_SEQUENCE; /* the client gives the transaction up */
    case MODEL_ADD_PARTITIONS_TO_TXN:
    case MODEL_ADD_OFFSETS_TO_TXN:
    case MODEL_INIT_PRODUCER_ID:
        return model_rng_chance(&m->rng, 500) ? MODEL_E_CONCURRENT_TRANSACTIONS
                                              : MODEL_E_NOT_COORDINATOR;
    default:
        return MODEL_E_NOT_COORDINATOR;
    }
}

static bool by_chance(model *m, const model_request *r, model_rule *out)
{
    const model_weather *w = &m->weather;
    *out = (model_rule){.api = r->api};
    if (model_rng_chance(&m->rng, w->cut_before)) {
        out->fault = MODEL_CUT_BEFORE;
    } else if (model_rng_chance(&m->rng, w->cut_after)) {
        out->fault = MODEL_CUT_AFTER;
    } else if (model_rng_chance(&m->rng, w->late)) {
        out->fault = MODEL_LATE;
        out->late_ns = model_rng_between(&m->rng, 0, w->late_ns);
    } else if (model_rng_chance(&m->rng, w->refused)) {
        out->fault = MODEL_REFUSE;
        out->error = any_refusal(m, r);
    } else {
        return false;
    }
    return true;
}

static model_request *unheard_copy(model *m, const model_request *r)
{
    model_request *copy = model_request_copy(m, r);
    copy->unheard = true;
    return copy;
}

static void send_badly(model *m, model_request *r, const model_rule *f)
{
    static const char *const texts[] = {
        "lost on its way", "its answer is lost",       "late",
        "refused unheard", "refused after its effect", "held, unnoticed"};
    m->counts.faults[f->fault]++;
    MODEL_TRACE(m, "fault: c%d/%d %s %s", r->client, r->lane, model_api_name(r->api),
                texts[f->fault]);
    bool silent = model_rng_chance(&m->rng, m->weather.silent);
    int64_t arrives = model_now(m) + way(m);
    model_answer a = {.err = f->error};
    switch (f->fault) {
    case MODEL_CUT_BEFORE:
        tell_broken(m, r, silent);
        break;
    case MODEL_CUT_AFTER:
        model_at(m, arrives, arrive, unheard_copy(m, r));
        tell_broken(m, r, silent);
        break;
    case MODEL_LATE: {
        model_request *copy = unheard_copy(m, r);
        copy->late = true;
        model_at(m, arrives + f->late_ns, arrive, copy);
        tell_broken(m, r, silent);
        break;
    }
    case MODEL_REFUSE:
        tell(m, r, &a, arrives + way(m));
        break;
    case MODEL_REFUSE_AFTER:
        model_at(m, arrives, arrive, unheard_copy(m, r));
        tell(m, r, &a, arrives + way(m));
        break;
    case MODEL_HOLD:
        model_at(m, arrives + f->late_ns, arrive, r);
        break;
    }
}

void model_send(model *m, model_request *r)
{
    model_rule f;
    if (scripted(m, r, &f) || by_chance(m, r, &f))
        send_badly(m, r, &f);
    else
        model_at(m, model_now(m) + way(m), arrive, r);
}

/* ---- by hand ---- */

int model_hand_id(model *m)
{
    return model_txnid_new(m);
}

model_error model_hand_send(model *m, const model_hand *h, int16_t *epoch)
{
    fd_tpo *offset = fd_arena_zalloc(m->arena, sizeof *offset);
    fd_out_record *record = fd_arena_zalloc(m->arena, sizeof *record);
    FD_ALLOCATED(offset);
    FD_ALLOCATED(record);
    *offset = (fd_tpo){.tp = h->tp, .offset = h->offset, .leader_epoch = -1};
    *record = (fd_out_record){.topic = FD_OUT_DECISION, .partition = h->partition};
    if (h->value != NULL)
        record->value = fd_arena_str(m->arena, fd_str_from(h->value));
    int out = model_out_index(m, FD_OUT_DECISION, h->partition);
    model_request r = {.api = h->api,
                       .client = -1,
                       .lane = -1,
                       .unheard = true,
                       .txnid = h->txnid,
                       .producer = h->txnid,
                       .epoch = h->epoch,
                       .commit = h->commit,
                       .outs = MODEL_BIT(out),
                       .out = out,
                       .base_seq = h->seq,
                       .n_records = 1,
                       .records = record,
                       .n_offsets = 1,
                       .offsets = offset,
                       .instance = -1,
                       .generation = -1};
    model_answer a = {.err = moved(m, h->api)};
    if (a.err == MODEL_E_NONE)
        take(m, &r, &a);
    if (h->api == MODEL_INIT_PRODUCER_ID)
        *epoch = a.epoch;
    return a.err;
}

/* ---- making them ---- */

model_request *model_request_new(model *m, model_client *c, int lane, model_api api)
{
    model_request *r = fd_arena_zalloc(m->arena, sizeof *r);
    FD_ALLOCATED(r);
    r->api = api;
    r->client = c->index;
    r->lane = lane;
    r->instance = c->instance;
    return r;
}

model_request *model_request_copy(model *m, const model_request *r)
{
    model_request *copy = fd_arena_alloc(m->arena, sizeof *copy);
    FD_ALLOCATED(copy);
    *copy = *r;
    return copy;
}

static void fire_send(model *m, void *arg)
{
    model_send(m, arg);
}

void model_resend(model *m, const model_request *r, int64_t after_ns)
{
    model_at_client(m, r->client, model_now(m) + after_ns, fire_send, model_request_copy(m, r));
}

/* ---- blocking questions ---- */

enum { ASK_AGAIN_MS = 5 };

static void ask_answered(model *m, const model_request *r, const model_answer *a)
{
    model_client *c = model_client_of(m, r->client);
    for (model_call *call = c->calls; call != NULL; call = call->outer) {
        if (call->ticket != r->ticket || call->done)
            continue;
        bool again = a->err == MODEL_E_TRANSPORT || a->err == MODEL_E_NOT_COORDINATOR ||
                     a->err == MODEL_E_COORDINATOR_LOADING ||
                     a->err == MODEL_E_UNSTABLE_OFFSET_COMMIT;
        call->answer = *a;
        if (again)
            model_resend(m, r, MODEL_MS(ASK_AGAIN_MS));
        else
            call->done = true;
    }
}

static bool call_over(const void *arg)
{
    const model_call *call = arg;
    return call->done;
}

model_error model_ask(model_client *c, model_request *r, int timeout_ms, model_answer *out)
{
    model *m = c->m;
    model_call call = {.ticket = ++m->next_ticket, .outer = c->calls};
    call.answer.err = MODEL_E_TRANSPORT;
    r->ticket = call.ticket;
    r->answered = ask_answered;
    c->calls = &call;
    model_send(m, r);
    bool done = model_await(c, call_over, &call, MODEL_MS(timeout_ms));
    FD_ASSERT(c->calls == &call);
    c->calls = call.outer;
    *out = call.answer;
    if (done)
        return call.answer.err;
    return call.answer.err == MODEL_E_NONE ? MODEL_E_TRANSPORT : call.answer.err;
}
