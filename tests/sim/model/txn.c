/*
 * The transactional sink port over the model, in the shape of librdkafka's calls: what blocks
 * waits or says RETRY and resumes, what is broken says ABORT or FATAL. One thread.
 */
#include "model_int.h"

static model_lane *lane_of(model_client *c, int lane)
{
    FD_ASSERT(lane >= 0 && lane < FD_LANES);
    return &c->lanes[lane];
}

static fd_class dead(fd_err *err)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "the process was killed");
}

static fd_class broken(model_client *c, int lane, const char *what, fd_err *err)
{
    const model_lane *l = lane_of(c, lane);
    return fd_fail(err, l->fatal ? FD_FATAL : FD_ABORT, 0, "%s: %s", what,
                   model_error_name(l->why));
}

/* The class of a waited-for op as it stands. */
static fd_class class_of(model_client *c, int lane, const char *what, fd_err *err)
{
    const model_lane *l = lane_of(c, lane);
    if (!c->alive)
        return dead(err);
    if (l->fatal || l->abort)
        return broken(c, lane, what, err);
    if (!l->op_done)
        return fd_fail(err, FD_RETRY, 0, "%s: no answer yet", what);
    return FD_OK;
}

static bool op_over(const void *arg)
{
    const model_lane *l = arg;
    return l->op_done || l->fatal || l->abort;
}

static bool all_acked(const void *arg)
{
    const model_lane *l = arg;
    return l->n_acked == l->n_records || l->fatal || l->abort;
}

/* Waits for the op, or for what makes it hopeless. */
static fd_class wait_op(model_client *c, int lane, int timeout_ms, const char *what, fd_err *err)
{
    FD_ASSERT(timeout_ms > 0);
    model_await(c, op_over, lane_of(c, lane), MODEL_MS(timeout_ms));
    return class_of(c, lane, what, err);
}

static void end_txn(model_lane *l)
{
    l->in_txn = false;
    l->n_records = l->n_acked = 0;
    l->registered = 0;
    l->op = MODEL_OP_NONE;
    l->op_done = l->op_sent = false;
}

static fd_class op_open(void *self, int lane, int timeout_ms, fd_err *err)
{
    model_client *c = self;
    model_lane *l = lane_of(c, lane);
    if (!c->alive)
        return dead(err);
    FD_ASSERT(!l->open);
    if (!l->exists) {
        model_queued *records = l->records;
        uint32_t cap = l->cap_records;
        *l = (model_lane){.exists = true,
                          .handle = ++c->m->next_ticket,
                          .records = records,
                          .cap_records = cap,
                          .producer = c->txnids[lane],
                          .epoch = -1};
        model_producer_init(c->m, c, lane);
    }
    fd_class cls = wait_op(c, lane, timeout_ms, "open", err);
    if (cls != FD_OK)
        return cls;
    l->open = true;
    l->dirty = false; /* a late copy of InitProducerId only fences */
    end_txn(l);
    return FD_OK;
}

static void op_destroy(void *self, int lane)
{
    model_client *c = self;
    model_lane *l = lane_of(c, lane);
    if (l->exists && c->alive)
        model_check_bytes(c->m, l);
    l->exists = l->open = l->in_txn = l->dirty = false;
    l->n_records = 0;
    l->handle = 0;
}

static int32_t op_partitions(void *self, fd_out_topic topic)
{
    const model_client *c = self;
    return c->m->config.out_partitions[topic];
}

static fd_class op_begin(void *self, int lane, fd_err *err)
{
    model_client *c = self;
    model_lane *l = lane_of(c, lane);
    if (!c->alive)
        return dead(err);
    if (!l->open || l->in_txn)
        model_violation(c->m, "begin on a lane that is %s",
                        l->open ? "in a transaction" : "closed");
    if (l->fatal || l->abort)
        return broken(c, lane, "begin", err);
    l->in_txn = true;
    return FD_OK;
}

static fd_class op_produce(void *self, int lane, const fd_out_record *records, uint32_t n,
                           uint32_t *done, fd_err *err)
{
    model_client *c = self;
    model *m = c->m;
    model_lane *l = lane_of(c, lane);
    if (!c->alive)
        return dead(err);
    FD_ASSERT(l->in_txn && *done <= n);
    if (l->fatal || l->abort)
        return broken(c, lane, "produce", err);
    uint32_t to = n;
    if (n - *done > 1 && model_rng_chance(&m->rng, m->weather.hasty / 2))
        to = *done + 1 + model_rng_below(&m->rng, n - *done - 1); /* the queue is full */
    for (; *done < to; (*done)++)
        model_queue_record(m, c, lane, &records[*done]);
    model_producer_pump(m, c, lane);
    if (*done == n)
        return FD_OK;
    return fd_fail(err, FD_RETRY, 0, "produce: the queue is full");
}

static model_request *offsets_request(model_client *c, int lane, const fd_tpo *next, uint32_t n,
                                      const fd_membership *member)
{
    model *m = c->m;
    model_request *r = model_request_new(m, c, lane, MODEL_TXN_OFFSET_COMMIT);
    r->n_offsets = n;
    r->offsets = fd_arena_alloc(m->arena, n * sizeof *r->offsets);
    FD_ALLOCATED(r->offsets);
    for (uint32_t i = 0; i < n; i++)
        r->offsets[i] = next[i];
    r->generation = member->generation;
    r->member_known = member->has_member_id;
    r->member_id = (uint32_t)(uintptr_t)member->handle;
    return r;
}

static fd_class op_send_offsets(void *self, int lane, const fd_tpo *next, uint32_t n,
                                const fd_membership *member, int timeout_ms, fd_err *err)
{
    model_client *c = self;
    model_lane *l = lane_of(c, lane);
    if (!c->alive)
        return dead(err);
    FD_ASSERT(l->in_txn && n > 0);
    bool under_way = l->op == MODEL_OP_OFFSETS && !l->op_done;
    if (!under_way && !l->fatal && !l->abort)
        model_producer_op(c->m, c, lane, MODEL_OP_OFFSETS,
                          offsets_request(c, lane, next, n, member));
    fd_class cls = wait_op(c, lane, timeout_ms, "send offsets", err);
    if (cls != FD_OK)
        return cls;
    /* As the adapter does: records of the next lane must not overtake these. */
    if (model_await(c, all_acked, l, MODEL_MS(timeout_ms)))
        return class_of(c, lane, "send offsets", err);
    return c->alive ? fd_fail(err, FD_RETRY, 0, "send offsets: records are under way") : dead(err);
}

static fd_class op_commit(void *self, int lane, int timeout_ms, fd_err *err)
{
    model_client *c = self;
    model_lane *l = lane_of(c, lane);
    if (!c->alive)
        return dead(err);
    FD_ASSERT(l->in_txn);
    if (l->op != MODEL_OP_END && !l->fatal && !l->abort) {
        model_request *r = model_request_new(c->m, c, lane, MODEL_END_TXN);
        r->commit = true;
        model_producer_op(c->m, c, lane, MODEL_OP_END, r);
    }
    fd_class cls = wait_op(c, lane, timeout_ms, "commit", err);
    if (cls != FD_OK)
        return cls;
    model_check_bytes(c->m, l);
    end_txn(l);
    return FD_OK;
}

static bool op_dirty(void *self, int lane)
{
    return lane_of(self, lane)->dirty;
}

static bool op_record_too_large(void *self, int lane)
{
    return lane_of(self, lane)->too_large;
}

const fd_txn_ops model_txn_ops = {
    .open = op_open,
    .destroy = op_destroy,
    .partitions = op_partitions,
    .begin = op_begin,
    .produce = op_produce,
    .send_offsets = op_send_offsets,
    .commit = op_commit,
    .dirty = op_dirty,
    .record_too_large = op_record_too_large,
};
