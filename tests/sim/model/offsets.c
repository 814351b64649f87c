/*
 * The group's offsets: committed, pending in transactions, and which of several counts.
 *
 * Whatever was appended last counts, also when a transaction that appended earlier ends later.
 * One thread.
 */
#include "model_int.h"

static void store(model *m, uint32_t tp, const fd_tpo *to, uint64_t appended)
{
    model_stored *s = &m->stored[tp];
    if (appended < s->appended)
        return;
    int64_t from = s->offset;
    *s = (model_stored){
        .offset = to->offset, .leader_epoch = to->leader_epoch, .appended = appended};
    MODEL_TRACE(m, "broker: offset of %u/%d is %lld (was %lld)", m->tps[tp].source,
                m->tps[tp].partition, (long long)to->offset, (long long)from);
    if (m->config.watch.offset != NULL)
        m->config.watch.offset(m->config.watch.self, m->tps[tp], from, to->offset);
}

int64_t model_committed(const model *m, fd_tp tp)
{
    return m->stored[model_tp_index(m, tp)].offset;
}

int64_t model_promised(const model *m, fd_tp tp)
{
    uint32_t index = model_tp_index(m, tp);
    model_stored last = m->stored[index];
    for (uint32_t i = 0; i < m->n_unstable; i++) {
        const model_unstable *u = &m->unstable[i];
        const model_txnid *t = &m->txnids[u->producer];
        if (u->tp == index && u->appended > last.appended && t->state == MODEL_TXN_PREPARED &&
            t->commit)
            last = (model_stored){.offset = u->to.offset, .appended = u->appended};
    }
    return last.offset;
}

bool model_pending(const model *m, fd_tp tp)
{
    uint32_t index = model_tp_index(m, tp);
    for (uint32_t i = 0; i < m->n_unstable; i++) {
        if (m->unstable[i].tp == index)
            return true;
    }
    return false;
}

void model_set_committed(model *m, fd_tp tp, int64_t offset)
{
    model_stored *s = &m->stored[model_tp_index(m, tp)];
    *s = (model_stored){.offset = offset, .leader_epoch = -1, .appended = ++m->appends};
}

void model_mark_offsets(model *m, int64_t producer, int16_t epoch, bool commit)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n_unstable; i++) {
        const model_unstable u = m->unstable[i];
        if (u.producer != producer)
            m->unstable[kept++] = u;
        else if (commit)
            store(m, u.tp, &u.to, u.appended);
    }
    m->n_unstable = kept;
    m->offsets_epoch[producer] = epoch;
}

static bool has_unstable(const model *m, int64_t producer)
{
    for (uint32_t i = 0; i < m->n_unstable; i++) {
        if (m->unstable[i].producer == producer)
            return true;
    }
    return false;
}

static void check_offsets(model *m, const model_request *r)
{
    for (uint32_t i = 0; i < r->n_offsets; i++) {
        const model_log *log = &m->logs[model_tp_index(m, r->offsets[i].tp)];
        if (r->offsets[i].offset < 0 || r->offsets[i].offset > log->next)
            model_violation(m, "offset %lld sent for a log that ends at %lld",
                            (long long)r->offsets[i].offset, (long long)log->next);
    }
}

static void take_txn_commit(model *m, const model_request *r, model_answer *a)
{
    if (r->epoch < m->offsets_epoch[r->producer]) {
        a->err = MODEL_E_PRODUCER_FENCED;
        return;
    }
    if (!has_unstable(m, r->producer))
        a->err = model_verify(m, r->producer, r->epoch, -1);
    if (a->err == MODEL_E_NONE)
        a->err = model_check_member(m, r);
    if (a->err != MODEL_E_NONE)
        return;
    check_offsets(m, r);
    m->offsets_epoch[r->producer] = r->epoch;
    m->counts.late_hits += r->late;
    for (uint32_t i = 0; i < r->n_offsets; i++) {
        m->unstable = model_grow(m->unstable, &m->cap_unstable, m->n_unstable + 1,
                                 sizeof *m->unstable);
        m->unstable[m->n_unstable++] = (model_unstable){
            .producer = r->producer,
            .tp = model_tp_index(m, r->offsets[i].tp),
            .to = r->offsets[i],
            .appended = ++m->appends,
        };
    }
}

static void take_fetch(model *m, const model_request *r, model_answer *a)
{
    a->offsets = fd_arena_alloc(m->arena, (r->n_offsets + 1) * sizeof *a->offsets);
    FD_ALLOCATED(a->offsets);
    for (uint32_t i = 0; i < r->n_offsets; i++) {
        if (model_pending(m, r->offsets[i].tp))
            a->err = MODEL_E_UNSTABLE_OFFSET_COMMIT;
        const model_stored *s = &m->stored[model_tp_index(m, r->offsets[i].tp)];
        a->offsets[i] = (fd_tpo){
            .tp = r->offsets[i].tp, .offset = s->offset, .leader_epoch = s->leader_epoch};
    }
}

bool model_offsets_take(model *m, const model_request *r, model_answer *a)
{
    if (r->api == MODEL_TXN_OFFSET_COMMIT)
        take_txn_commit(m, r, a);
    else
        take_fetch(m, r, a);
    return true;
}
