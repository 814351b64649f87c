/*
 * The event source port over the model: one event per poll(), rebalances told and answered later,
 * questions that block. As the adapter does, delivery goes on until a revoke is answered, and
 * nothing is delivered of what is not assigned. One thread.
 */
#include <stdlib.h>

#include "model_int.h"

/* A message given out: its bytes are its own, so that use after release is found. */
typedef struct held {
    model_client *c;
    uint32_t n_headers;
    fd_header headers[];
} held;

static model_client *client_of(void *self)
{
    model_client *c = self;
    FD_ASSERT(c->m != NULL);
    return c;
}

static fd_class dead(fd_err *err)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "the process was killed");
}

/* ---- telling ---- */

static uint32_t list(model_client *c, model_bits bits)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->m->n_logs; i++) {
        if (bits & MODEL_BIT(i))
            c->told[n++] = c->m->tps[i];
    }
    return n;
}

static void tell(model_client *c, fd_source_kind kind, model_bits bits, fd_source_event *out)
{
    static const char *const names[] = {
        [FD_SOURCE_ASSIGN] = "ASSIGN", [FD_SOURCE_REVOKE] = "REVOKE", [FD_SOURCE_LOST] = "LOST"};
    uint32_t n = list(c, bits);
    MODEL_TRACE(c->m, "c%d: told %s of %u (%llx)", c->index, names[kind], n,
                (unsigned long long)bits);
    *out = (fd_source_event){.kind = kind, .parts = c->told, .n_parts = n};
}

static bool tell_rebalance(model_client *c, fd_source_event *out)
{
    if (c->lost_due) {
        c->lost_due = false;
        c->assign_open = false;
        c->assigning = 0;
        c->revoke_open = true;
        c->revoking = c->due_lost;
        tell(c, FD_SOURCE_LOST, c->due_lost, out);
        return true;
    }
    if (c->assign_open || c->revoke_open)
        return false;
    if (c->revoke_due) {
        c->revoke_due = false;
        c->revoke_open = true;
        c->revoking = c->due_revoke;
        tell(c, FD_SOURCE_REVOKE, c->due_revoke, out);
        return true;
    }
    if (c->assign_due) {
        c->assign_due = false;
        c->assign_open = c->due_assign != 0;
        c->assigning = c->due_assign;
        tell(c, FD_SOURCE_ASSIGN, c->due_assign, out);
        return true;
    }
    return false;
}

/* ---- records ---- */

model_input *model_input_at(const model_log *log, int64_t offset)
{
    uint32_t lo = 0, hi = log->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (log->items[mid].offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < log->n ? &log->items[lo] : NULL;
}

static char *put(char *at, fd_str s, fd_str *out)
{
    if (s.n > 0)
        memcpy(at, s.p, s.n);
    *out = (fd_str){at, s.n};
    return at + s.n;
}

void model_deliver(model_client *c, uint32_t tp, const model_input *in, fd_source_event *out)
{
    size_t bytes = in->key.n + in->value.n + 1;
    for (uint32_t i = 0; i < in->n_headers; i++)
        bytes += in->headers[i].name.n + in->headers[i].value.n;
    held *h = malloc(sizeof *h + in->n_headers * sizeof h->headers[0] + bytes);
    FD_ALLOCATED(h);
    h->c = c;
    h->n_headers = in->n_headers;
    char *at = (char *)&h->headers[in->n_headers];
    *out = (fd_source_event){.kind = FD_SOURCE_MSG, .tp = c->m->tps[tp], .offset = in->offset};
    out->msg = (fd_msg){.tp = c->m->tps[tp],
                        .offset = in->offset,
                        .leader_epoch = 1,
                        .kafka_ms = in->kafka_ms,
                        .ts_type = FD_TS_CREATE,
                        .null_key = in->null_key,
                        .null_value = in->null_value,
                        .handle = h};
    at = put(at, in->key, &out->msg.key);
    at = put(at, in->value, &out->msg.value);
    for (uint32_t i = 0; i < in->n_headers; i++) {
        h->headers[i] = in->headers[i];
        at = put(at, in->headers[i].name, &h->headers[i].name);
        at = put(at, in->headers[i].value, &h->headers[i].value);
    }
    c->outstanding++;
}

/* What a fetch response brings, when one comes. */
static void fetch(model_client *c, uint32_t tp)
{
    model *m = c->m;
    model_fetch *f = &c->fetch[tp];
    int64_t stable = model_log_stable(&m->logs[tp]);
    if (model_now(m) < m->down_until_ns || model_rng_chance(&m->rng, m->weather.hasty / 2))
        return;
    if (f->position < f->fetched_to && f->cached_end >= 0)
        return;
    int64_t most = f->position + m->config.burst;
    f->fetched_to = stable < most ? stable : most;
    if (f->fetched_to < f->position)
        f->fetched_to = f->position;
    f->cached_end = stable;
}

static bool poll_partition(model_client *c, uint32_t tp, fd_source_event *out)
{
    model_fetch *f = &c->fetch[tp];
    const model_log *log = &c->m->logs[tp];
    if (!f->active || f->paused)
        return false;
    fetch(c, tp);
    if (f->position < log->first && f->cached_end >= 0) {
        *out = (fd_source_event){
            .kind = FD_SOURCE_GONE, .tp = c->m->tps[tp], .offset = f->position};
        f->active = false;
        return true;
    }
    const model_input *in = model_input_at(log, f->position);
    if (in != NULL && in->offset < f->fetched_to) {
        f->position = in->offset + 1;
        model_deliver(c, tp, in, out);
        return true;
    }
    if (f->position < f->fetched_to)
        f->position = f->fetched_to; /* nothing but a gap */
    if (f->cached_end < 0 || f->position < f->cached_end || f->eof_told == f->position)
        return false;
    f->eof_told = f->position;
    *out = (fd_source_event){.kind = FD_SOURCE_EOF, .tp = c->m->tps[tp], .offset = f->position};
    return true;
}

static void op_poll(void *self, int64_t timeout_us, fd_source_event *out)
{
    model_client *c = client_of(self);
    model *m = c->m;
    FD_ASSERT(timeout_us >= 0);
    c->poll_until_ns = 0;
    *out = (fd_source_event){.kind = FD_SOURCE_NONE};
    if (!c->alive || c->fatal_due) {
        out->kind = FD_SOURCE_ERROR;
        if (!c->alive)
            dead(&out->err);
        else
            out->err = c->fatal_err;
        c->fatal_due = false;
        return;
    }
    if (c->left || c->fatal || tell_rebalance(c, out))
        return;
    for (uint32_t i = 0; i < m->n_logs; i++) {
        uint32_t tp = (c->turn + i) % m->n_logs;
        if (!poll_partition(c, tp, out))
            continue;
        bool stay = c->burst_left > 0 && out->kind == FD_SOURCE_MSG;
        c->turn = stay ? tp : model_rng_below(&m->rng, m->n_logs);
        c->burst_left = stay ? c->burst_left - 1 : model_rng_below(&m->rng, m->config.burst);
        return;
    }
    c->poll_until_ns = model_now(m) + timeout_us * 1000;
}

bool model_has_news(model *m, int client)
{
    model_client *c = model_client_of(m, client);
    bool rebalance = c->lost_due ||
                     (!c->assign_open && !c->revoke_open && (c->revoke_due || c->assign_due));
    if (!c->alive || c->fatal_due || rebalance)
        return true;
    if (model_now(m) < m->down_until_ns)
        return false;
    for (uint32_t i = 0; i < m->n_logs; i++) {
        const model_fetch *f = &c->fetch[i];
        if (f->active && !f->paused &&
            (f->position < model_log_stable(&m->logs[i]) || f->eof_told != f->position))
            return true;
    }
    return false;
}

static void op_wake(void *self)
{
    atomic_store(&client_of(self)->woken, true);
}

void model_release(void *self, fd_msg *msg)
{
    model_client *c = client_of(self);
    held *h = msg->handle;
    FD_ASSERT(h != NULL && h->c == c && c->outstanding > 0);
    free(h);
    msg->handle = NULL;
    c->outstanding--;
}

static uint32_t op_headers(void *self, const fd_msg *msg, fd_header *out, uint32_t max)
{
    (void)self;
    const held *h = msg->handle;
    for (uint32_t i = 0; i < h->n_headers && i < max; i++)
        out[i] = h->headers[i];
    return h->n_headers;
}

/* ---- answers ---- */

static void begin_fetch(model_client *c, const fd_tpo *p)
{
    FD_ASSERT(p->offset >= 0);
    c->fetch[model_tp_index(c->m, p->tp)] = (model_fetch){.active = true,
                                                          .position = p->offset,
                                                          .fetched_to = p->offset,
                                                          .cached_end = -1,
                                                          .eof_told = -1};
}

static fd_class op_assign(void *self, const fd_tpo *parts, uint32_t n, fd_err *err)
{
    model_client *c = client_of(self);
    if (!c->alive)
        return dead(err);
    model_bits given = 0;
    for (uint32_t i = 0; i < n; i++) {
        given |= MODEL_BIT(model_tp_index(c->m, parts[i].tp));
        begin_fetch(c, &parts[i]);
    }
    if (n == 0)
        return FD_OK;
    /* One that is lost meanwhile may still be asked for: the loss is told next. */
    if (given != c->assigning && !c->lost_due)
        model_violation(c->m, "assign() of other partitions than were told");
    c->owned |= given;
    c->assigning = 0;
    c->assign_open = false;
    model_assign_answered(c->m, c);
    return FD_OK;
}

static fd_class op_unassign(void *self, const fd_tp *parts, uint32_t n, fd_err *err)
{
    model_client *c = client_of(self);
    if (!c->alive)
        return dead(err);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tp = model_tp_index(c->m, parts[i]);
        c->fetch[tp] = (model_fetch){0};
        c->revoking &= ~MODEL_BIT(tp);
        c->due_lost &= ~MODEL_BIT(tp);
        c->owned &= ~MODEL_BIT(tp);
    }
    /* A loss of what was given up meanwhile is not told any more. */
    c->lost_due = c->lost_due && c->due_lost != 0;
    if (c->revoke_open && c->revoking == 0) {
        c->revoke_open = false;
        model_given_up(c->m, c);
    }
    return FD_OK;
}

static fd_class op_restart(void *self, const fd_tpo *parts, uint32_t n, fd_err *err)
{
    model_client *c = client_of(self);
    if (!c->alive)
        return dead(err);
    for (uint32_t i = 0; i < n; i++) {
        FD_ASSERT(c->fetch[model_tp_index(c->m, parts[i].tp)].active);
        begin_fetch(c, &parts[i]);
    }
    return FD_OK;
}

static fd_class set_paused(model_client *c, const fd_tp *parts, uint32_t n, bool paused,
                           fd_err *err)
{
    if (!c->alive)
        return dead(err);
    for (uint32_t i = 0; i < n; i++) {
        model_fetch *f = &c->fetch[model_tp_index(c->m, parts[i])];
        FD_ASSERT(f->active);
        f->paused = paused;
    }
    return FD_OK;
}

static fd_class op_pause(void *self, const fd_tp *parts, uint32_t n, fd_err *err)
{
    return set_paused(client_of(self), parts, n, true, err);
}

static fd_class op_resume(void *self, const fd_tp *parts, uint32_t n, fd_err *err)
{
    return set_paused(client_of(self), parts, n, false, err);
}

/* ---- questions ---- */

static fd_class query_class(model_client *c, model_error e, const char *what, fd_err *err)
{
    if (!c->alive)
        return dead(err);
    if (e == MODEL_E_NONE)
        return FD_OK;
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s: %s", what, model_error_name(e));
}

static fd_tpo *copy_offsets(model *m, const fd_tpo *parts, uint32_t n)
{
    fd_tpo *copy = fd_arena_alloc(m->arena, (n + 1) * sizeof *copy);
    FD_ALLOCATED(copy);
    for (uint32_t i = 0; i < n; i++)
        copy[i] = parts[i];
    return copy;
}

static fd_class op_committed(void *self, fd_tpo *parts, uint32_t n, int timeout_ms, fd_err *err)
{
    model_client *c = client_of(self);
    if (!c->alive)
        return dead(err);
    model_request *r = model_request_new(c->m, c, -1, MODEL_OFFSET_FETCH);
    r->n_offsets = n;
    r->offsets = copy_offsets(c->m, parts, n);
    model_answer a;
    fd_class cls = query_class(c, model_ask(c, r, timeout_ms, &a), "committed", err);
    for (uint32_t i = 0; cls == FD_OK && i < n; i++)
        parts[i] = a.offsets[i];
    return cls;
}

static fd_class list_offsets(model_client *c, fd_tp tp, int64_t time_ms, int timeout_ms,
                             model_answer *a, fd_err *err)
{
    if (!c->alive)
        return dead(err);
    model_request *r = model_request_new(c->m, c, -1, MODEL_LIST_OFFSETS);
    r->tp = tp;
    r->time_ms = time_ms;
    return query_class(c, model_ask(c, r, timeout_ms, a), "offsets of a partition", err);
}

static fd_class op_bounds(void *self, fd_tp tp, int64_t *first, int64_t *next, int timeout_ms,
                          fd_err *err)
{
    model_answer a;
    fd_class cls = list_offsets(client_of(self), tp, -1, timeout_ms, &a, err);
    if (cls != FD_OK)
        return cls;
    *first = a.first;
    *next = a.next;
    return FD_OK;
}

static fd_class op_at_time(void *self, fd_tp tp, int64_t time_ms, int64_t *offset, int timeout_ms,
                           fd_err *err)
{
    model_answer a;
    fd_class cls = list_offsets(client_of(self), tp, time_ms, timeout_ms, &a, err);
    if (cls == FD_OK)
        *offset = a.next;
    return cls;
}

static int64_t op_cached_end(void *self, fd_tp tp)
{
    model_client *c = client_of(self);
    return c->fetch[model_tp_index(c->m, tp)].cached_end;
}

static fd_class op_membership(void *self, fd_membership *out, fd_err *err)
{
    model_client *c = client_of(self);
    *out = (fd_membership){.generation = -1};
    if (!c->alive)
        return dead(err);
    bool forced = c->forced_generation != INT32_MIN;
    out->generation = forced ? c->forced_generation : c->generation;
    out->has_member_id = forced ? c->forced_id : c->member_id != 0;
    out->handle = (void *)(uintptr_t)c->member_id;
    c->outstanding++;
    return FD_OK;
}

static void op_membership_free(void *self, fd_membership *m)
{
    model_client *c = client_of(self);
    FD_ASSERT(c->outstanding > 0);
    c->outstanding--;
    *m = (fd_membership){.generation = -1};
}

const fd_source_ops model_source_ops = {
    .poll = op_poll,
    .wake = op_wake,
    .release = model_release,
    .headers = op_headers,
    .assign = op_assign,
    .unassign = op_unassign,
    .restart = op_restart,
    .pause = op_pause,
    .resume = op_resume,
    .committed = op_committed,
    .bounds = op_bounds,
    .at_time = op_at_time,
    .cached_end = op_cached_end,
    .membership = op_membership,
    .membership_free = op_membership_free,
};
