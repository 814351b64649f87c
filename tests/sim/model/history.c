/* The history port of the model: a second look at the input logs; see model.h. One thread. */
#include "model_int.h"

static model_client *client_of(void *self)
{
    return self;
}

static fd_class op_open(void *self, fd_tp tp, int64_t from, fd_err *err)
{
    model_client *c = client_of(self);
    (void)err;
    model_look *l = &c->history[model_tp_index(c->m, tp)];
    *l = (model_look){.open = true, .position = from, .eof_told = -1};
    return FD_OK;
}

static void op_close(void *self, fd_tp tp)
{
    model_client *c = client_of(self);
    c->history[model_tp_index(c->m, tp)].open = false;
}

static bool look(model_client *c, uint32_t tp, fd_source_event *out)
{
    model_look *l = &c->history[tp];
    const model_log *log = &c->m->logs[tp];
    if (!l->open)
        return false;
    *out = (fd_source_event){.kind = FD_SOURCE_EOF, .tp = c->m->tps[tp], .offset = l->position};
    if (l->position < log->first) {
        out->kind = FD_SOURCE_GONE;
        return true;
    }
    int64_t stable = model_log_stable(log);
    const model_input *in = model_input_at(log, l->position);
    if (in != NULL && in->offset < stable) {
        l->position = in->offset + 1;
        model_deliver(c, tp, in, out);
        return true;
    }
    l->position = stable > l->position ? stable : l->position;
    out->offset = l->position;
    bool told = l->eof_told == l->position;
    l->eof_told = l->position;
    return !told;
}

static void op_poll(void *self, fd_source_event *out)
{
    model_client *c = client_of(self);
    model *m = c->m;
    *out = (fd_source_event){.kind = FD_SOURCE_NONE};
    if (!c->alive || model_now(m) < m->down_until_ns || model_rng_below(&m->rng, 8) == 0)
        return;
    uint32_t from = model_rng_below(&m->rng, m->n_logs);
    for (uint32_t i = 0; i < m->n_logs; i++) {
        if (look(c, (from + i) % m->n_logs, out))
            return;
    }
    out->kind = FD_SOURCE_NONE;
}

fd_history model_history(model *m, int client)
{
    static const fd_history_ops ops = {
        .open = op_open, .close = op_close, .poll = op_poll, .release = model_release};
    return (fd_history){.ops = &ops, .self = model_client_of(m, client)};
}
