/*
 * Partitions: input logs that are read, output logs with their producers' state, and what is
 * visible of them. One thread.
 */
#include "model_int.h"

/* ---- inputs ---- */

int64_t model_log_stable(const model_log *log)
{
    return log->held >= 0 ? log->held : log->next;
}

static fd_header *copy_headers(model *m, const fd_header *headers, uint32_t n)
{
    fd_header *copy = fd_arena_alloc(m->arena, (n + 1) * sizeof *copy);
    FD_ALLOCATED(copy);
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = headers[i];
        copy[i].name = fd_arena_str(m->arena, headers[i].name);
        copy[i].value = fd_arena_str(m->arena, headers[i].value);
    }
    return copy;
}

int64_t model_append(model *m, fd_tp tp, const model_input *record)
{
    model_log *log = &m->logs[model_tp_index(m, tp)];
    log->items = model_grow(log->items, &log->cap, log->n + 1, sizeof *log->items);
    model_input *to = &log->items[log->n++];
    *to = *record;
    to->offset = log->next++;
    to->key = fd_arena_str(m->arena, record->key);
    to->value = fd_arena_str(m->arena, record->value);
    to->headers = copy_headers(m, record->headers, record->n_headers);
    return to->offset;
}

void model_append_gap(model *m, fd_tp tp, int64_t offsets)
{
    FD_ASSERT(offsets > 0);
    m->logs[model_tp_index(m, tp)].next += offsets;
}

void model_hold_stable(model *m, fd_tp tp, bool on)
{
    model_log *log = &m->logs[model_tp_index(m, tp)];
    log->held = on ? model_log_stable(log) : -1;
}

void model_truncate(model *m, fd_tp tp, int64_t first)
{
    model_log *log = &m->logs[model_tp_index(m, tp)];
    FD_ASSERT(first >= log->first && first <= log->next);
    log->first = first;
}

uint32_t model_inputs(const model *m, fd_tp tp, const model_input **out)
{
    const model_log *log = &m->logs[model_tp_index(m, tp)];
    *out = log->items;
    return log->n;
}

int64_t model_end(const model *m, fd_tp tp)
{
    return m->logs[model_tp_index(m, tp)].next;
}

/* ---- outputs ---- */

uint32_t model_outputs(const model *m, fd_out_topic topic, int32_t partition,
                       const model_output **out)
{
    const model_outlog *log = &m->outlogs[model_out_index(m, topic, partition)];
    *out = log->items;
    return log->n;
}

int64_t model_stable_end(const model *m, fd_out_topic topic, int32_t partition)
{
    const model_outlog *log = &m->outlogs[model_out_index(m, topic, partition)];
    int64_t end = log->n;
    for (int p = 0; p < m->n_txnids; p++) {
        if (log->known[p].ongoing >= 0 && log->known[p].ongoing < end)
            end = log->known[p].ongoing;
    }
    return end;
}

const fd_header *model_header(const fd_out_record *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (fd_str_eq_c(r->headers[i].name, name))
            return &r->headers[i];
    }
    return NULL;
}

static model_output *append_output(model *m, int out)
{
    model_outlog *log = &m->outlogs[out];
    log->items = model_grow(log->items, &log->cap, log->n + 1, sizeof *log->items);
    return &log->items[log->n++];
}

static uint32_t record_bytes(const fd_out_record *r)
{
    uint32_t n = r->key.n + r->value.n;
    for (uint32_t i = 0; i < r->n_headers; i++)
        n += r->headers[i].name.n + r->headers[i].value.n;
    return n;
}

static model_error check_sequence(const model_known *k, const model_request *r, bool *duplicate)
{
    *duplicate = false;
    if (r->epoch < k->epoch)
        return MODEL_E_PRODUCER_FENCED;
    uint32_t expected = r->epoch == k->epoch ? k->next_seq : 0;
    *duplicate = r->base_seq < expected;
    return r->base_seq > expected ? MODEL_E_OUT_OF_ORDER_SEQUENCE : MODEL_E_NONE;
}

static void take_produce(model *m, const model_request *r, model_answer *a)
{
    model_outlog *log = &m->outlogs[r->out];
    model_known *k = &log->known[r->producer];
    bool duplicate = false;
    /* One with its transaction open here is known to belong to it. Of the others the broker keeps
     * the lowest number it was asked about, even of one that it then refused: nothing higher may
     * come first. */
    if (k->ongoing < 0 || r->epoch > k->epoch) {
        if (k->asked_epoch != r->epoch || r->base_seq < k->asked_seq)
            k->asked_seq = r->base_seq;
        k->asked_epoch = r->epoch;
        a->err = model_verify(m, r->producer, r->epoch, r->out);
        if (a->err == MODEL_E_NONE && r->base_seq > k->asked_seq)
            a->err = MODEL_E_OUT_OF_ORDER_SEQUENCE;
    }
    if (a->err == MODEL_E_NONE)
        a->err = check_sequence(k, r, &duplicate);
    if (a->err != MODEL_E_NONE || duplicate)
        return;
    uint32_t max = m->config.max_record_bytes;
    for (uint32_t i = 0; max > 0 && a->err == MODEL_E_NONE && i < r->n_records; i++) {
        if (record_bytes(&r->records[i]) > max)
            a->err = MODEL_E_MESSAGE_TOO_LARGE;
    }
    if (a->err != MODEL_E_NONE)
        return;
    k->epoch = r->epoch;
    k->next_seq = r->base_seq + r->n_records;
    k->asked_epoch = -1;
    if (k->ongoing < 0)
        k->ongoing = log->n;
    m->counts.late_hits += r->late;
    for (uint32_t i = 0; i < r->n_records; i++)
        *append_output(m, r->out) = (model_output){
            .record = r->records[i], .producer = r->producer, .epoch = r->epoch};
}

static void take_list_offsets(model *m, const model_request *r, model_answer *a)
{
    const model_log *log = &m->logs[model_tp_index(m, r->tp)];
    a->first = log->first;
    a->next = model_log_stable(log);
    if (r->time_ms < 0)
        return;
    for (uint32_t i = 0; i < log->n; i++) {
        const model_input *in = &log->items[i];
        if (in->offset < log->first || in->kafka_ms < r->time_ms || in->offset >= a->next)
            continue;
        a->next = in->offset;
        return;
    }
}

bool model_partition_take(model *m, const model_request *r, model_answer *a)
{
    if (r->api == MODEL_PRODUCE)
        take_produce(m, r, a);
    else
        take_list_offsets(m, r, a);
    return true;
}

void model_decide(model *m, int out, int64_t producer)
{
    model_outlog *log = &m->outlogs[out];
    int64_t from = log->known[producer].ongoing;
    for (uint32_t i = from < 0 ? log->n : (uint32_t)from; i < log->n; i++) {
        model_output *o = &log->items[i];
        if (o->producer != producer || o->fate != MODEL_OPEN)
            continue;
        o->decided = true;
        if (m->config.watch.decided != NULL)
            m->config.watch.decided(m->config.watch.self, &o->record);
    }
}

void model_mark(model *m, int out, int64_t producer, int16_t epoch, bool commit)
{
    model_outlog *log = &m->outlogs[out];
    model_known *k = &log->known[producer];
    for (uint32_t i = k->ongoing < 0 ? log->n : (uint32_t)k->ongoing; i < log->n; i++) {
        model_output *o = &log->items[i];
        if (o->producer != producer || o->fate != MODEL_OPEN)
            continue;
        o->fate = commit ? MODEL_COMMITTED : MODEL_ABORTED;
        if (commit && !o->decided)
            model_violation(m, "a record became visible that joined its transaction too late");
    }
    k->ongoing = -1;
    k->asked_epoch = -1;
    if (epoch > k->epoch)
        k->next_seq = 0;
    k->epoch = epoch;
    *append_output(m, out) = (model_output){
        .fate = MODEL_MARKER, .producer = producer, .epoch = epoch};
}
