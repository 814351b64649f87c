/*
 * The client's side of membership, as librdkafka's background thread has it: joining, heartbeats,
 * what poll() has to tell of rebalances, and going on when that was answered.
 *
 * Eager: everything is given up before joining again. Cooperative: joins with what it holds, then
 * gives up what the answer lacks, joins again. One that was put out loses all at once; that may
 * overtake what was told and is not answered yet. One thread.
 */
#include "model_int.h"

enum { JOIN_AGAIN_MS = 20 };

void model_client_fatal(model_client *c, const char *why)
{
    if (c->fatal)
        return;
    c->fatal = c->fatal_due = true;
    fd_fail(&c->fatal_err, FD_FATAL, FD_EXIT_CONFIG, "%s", why);
}

static void join_answered(model *m, const model_request *r, const model_answer *a);

void model_join(model *m, model_client *c)
{
    if (c->fatal || c->left || c->join_ticket != 0)
        return;
    c->rejoin = c->join_pending = false;
    c->join_ticket = ++m->next_ticket;
    model_request *r = model_request_new(m, c, -1, MODEL_JOIN_GROUP);
    r->ticket = c->join_ticket;
    r->member_id = c->member_id;
    r->owned = c->owned;
    r->answered = join_answered;
    model_send(m, r);
}

static void fire_join(model *m, void *arg)
{
    model_client *c = arg;
    if (c->join_pending)
        model_join(m, c);
}

static void join_later(model *m, model_client *c)
{
    c->join_pending = true;
    model_at_client(m, c->index, model_now(m) + MODEL_MS(JOIN_AGAIN_MS), fire_join, c);
}

static bool anything_open(const model_client *c)
{
    return c->assign_open || c->revoke_open || c->assign_due || c->revoke_due || c->lost_due ||
           c->later_assign_due;
}

static void want_join(model *m, model_client *c)
{
    if (anything_open(c))
        c->rejoin = true;
    else
        model_join(m, c);
}

static void admitted(model *m, model_client *c, const model_answer *a)
{
    c->member_id = a->member_id;
    c->generation = a->generation;
    model_bits revoked = c->owned & ~a->tps;
    model_bits added = a->tps & ~c->owned;
    if (revoked != 0) {
        FD_ASSERT(m->config.cooperative);
        c->due_revoke = revoked;
        c->revoke_due = true;
        c->later_assign = added;
        c->later_assign_due = added != 0;
        c->rejoin = true;
    } else {
        c->due_assign = added;
        c->assign_due = true;
    }
}

static void join_answered(model *m, const model_request *r, const model_answer *a)
{
    model_client *c = model_client_of(m, r->client);
    if (c->join_ticket != r->ticket || c->left)
        return;
    c->join_ticket = 0;
    switch (a->err) {
    case MODEL_E_NONE:
        admitted(m, c, a);
        break;
    case MODEL_E_UNKNOWN_MEMBER_ID:
        model_lost(m, c);
        break;
    case MODEL_E_FENCED_INSTANCE_ID:
        model_client_fatal(c, "another process has this instance name");
        break;
    default:
        join_later(m, c);
        break;
    }
}

void model_lost(model *m, model_client *c)
{
    model_bits all = c->owned | c->assigning | c->revoking;
    c->member_id = 0;
    c->generation = -1;
    c->join_ticket = 0;
    c->assign_due = c->revoke_due = c->later_assign_due = false;
    c->rejoin = true;
    if (all != 0) {
        c->due_lost = all;
        c->lost_due = true;
    } else if (!c->assign_open) {
        model_join(m, c);
    }
}

static void heartbeat_answered(model *m, const model_request *r, const model_answer *a)
{
    model_client *c = model_client_of(m, r->client);
    if (c->left || c->member_id != r->member_id || c->generation != r->generation)
        return;
    switch (a->err) {
    case MODEL_E_REBALANCE_IN_PROGRESS:
        if (c->join_ticket != 0 || c->join_pending || c->rejoin)
            break;
        if (m->config.cooperative || (c->owned == 0 && !anything_open(c))) {
            want_join(m, c);
        } else if (anything_open(c)) {
            break; /* the next heartbeat says it again */
        } else {
            c->due_revoke = c->owned;
            c->revoke_due = true;
            c->rejoin = true;
        }
        break;
    case MODEL_E_UNKNOWN_MEMBER_ID:
    case MODEL_E_ILLEGAL_GENERATION:
        if (c->join_ticket == 0 && !c->join_pending)
            model_lost(m, c);
        break;
    case MODEL_E_FENCED_INSTANCE_ID:
        model_client_fatal(c, "another process has this instance name");
        break;
    default:
        break;
    }
}

static void fire_heartbeat(model *m, void *arg)
{
    model_client *c = arg;
    if (c->left || c->fatal)
        return;
    if (c->generation >= 0) {
        model_request *r = model_request_new(m, c, -1, MODEL_HEARTBEAT);
        r->member_id = c->member_id;
        r->generation = c->generation;
        r->member_known = true;
        r->answered = heartbeat_answered;
        model_send(m, r);
    }
    model_at_client(m, c->index, model_now(m) + m->config.heartbeat_ns, fire_heartbeat, c);
}

void model_heartbeats(model *m, model_client *c)
{
    int64_t first = model_rng_between(&m->rng, 0, m->config.heartbeat_ns);
    model_at_client(m, c->index, model_now(m) + first, fire_heartbeat, c);
}

void model_given_up(model *m, model_client *c)
{
    if (c->later_assign_due) {
        c->later_assign_due = false;
        c->due_assign = c->later_assign;
        c->assign_due = true;
        return;
    }
    if (c->rejoin && !anything_open(c))
        model_join(m, c);
}

void model_assign_answered(model *m, model_client *c)
{
    if (c->rejoin && !anything_open(c))
        model_join(m, c);
}
