/*
 * What requests do to the state of one partition: the rules of ports/state_store.h and of the
 * adapter's scripts, once more. One thread.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "store_int.h"

/* The adapter's rule, so that both lose the same values with a bucket. */
uint32_t model_store_bucket(const fd_state_value *v)
{
    return (uint32_t)(fd_hash64(v->key.p, v->key.n, v->key_kind) % MODEL_STORE_BUCKETS);
}

static bool bucket_whole(const store_part *p, uint32_t bucket)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        n += model_store_bucket(&p->values[i]) == bucket;
    return p->there[bucket] && p->count[bucket] == n;
}

static bool buckets_whole(const store_part *p)
{
    uint32_t n[MODEL_STORE_BUCKETS] = {0};
    for (uint32_t i = 0; i < p->n; i++)
        n[model_store_bucket(&p->values[i])]++;
    for (uint32_t b = 0; b < MODEL_STORE_BUCKETS; b++) {
        if (!p->there[b] || n[b] != p->count[b])
            return false;
    }
    return true;
}

bool store_whole(const store_part *p)
{
    return p->marker && buckets_whole(p);
}

void store_part_copy(store_part *to, const store_part *from)
{
    fd_state_value *values = malloc((from->cap + 1) * sizeof *values);
    FD_ALLOCATED(values);
    if (from->n > 0)
        memcpy(values, from->values, from->n * sizeof *values);
    free(to->values);
    *to = *from;
    to->values = values;
    to->cap = from->cap + 1;
}

void store_empty(store_part *p)
{
    p->marker = false;
    p->n = 0;
    memset(p->there, 0, sizeof p->there);
    memset(p->count, 0, sizeof p->count);
}

void store_value_out(store_part *p, uint32_t i)
{
    FD_ASSERT(i < p->n);
    p->values[i] = p->values[--p->n];
}

static fd_state_value *find(store_part *p, const fd_state_value *v)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->values[i].key_kind == v->key_kind && fd_str_eq(p->values[i].key, v->key))
            return &p->values[i];
    }
    return NULL;
}

static bool refuse(fd_state_reply *reply, const char *why)
{
    reply->result = FD_STATE_REFUSED;
    fd_fail(&reply->err, FD_ABORT, 0, "%s", why);
    return false;
}

static bool stranger(const store_part *p, const fd_state_request *rq, fd_state_reply *reply)
{
    if (!p->marker)
        refuse(reply, "there is no marker");
    else if (p->nonce != rq->nonce)
        refuse(reply, "it has another owner");
    else if (p->mark.seq != rq->seq)
        refuse(reply, "it is at another step");
    else
        return false;
    return true;
}

static bool take(store_part *p, const fd_state_request *rq, fd_state_reply *reply)
{
    reply->mark = (fd_state_mark){.found = false};
    if (!p->marker)
        return false;
    if (rq->expect != 0 && p->nonce != rq->expect && p->nonce != rq->nonce)
        return refuse(reply, "it has another owner");
    reply->mark.seq = p->mark.seq;
    if (!buckets_whole(p))
        return false;
    bool changed = p->nonce != rq->nonce;
    p->nonce = rq->nonce;
    reply->mark = p->mark;
    return changed;
}

static bool reset(store_part *p, const fd_state_request *rq, fd_state_reply *reply)
{
    if (p->marker && rq->expect != 0 && p->nonce != rq->expect)
        return refuse(reply, "it has another owner");
    if (p->marker && p->nonce == rq->nonce && p->mark.seq != rq->seq)
        return refuse(reply, "it is at another step");
    store_empty(p);
    memset(p->there, true, sizeof p->there);
    p->marker = true;
    p->nonce = rq->nonce;
    p->mark = rq->mark;
    p->mark.found = true;
    p->mark.seq = rq->seq + 1;
    p->mark.high_lsn = -1;
    p->sweep = 0;
    return true;
}

static bool touched_whole(const store_part *p, const fd_state_request *rq, fd_state_reply *reply)
{
    for (uint32_t i = 0; i < rq->n; i++) {
        if (!bucket_whole(p, model_store_bucket(&rq->values[i]))) {
            refuse(reply, "values are lost: a bucket is not whole");
            return false;
        }
    }
    return true;
}

static bool read_values(store_part *p, const fd_state_request *rq, fd_state_reply *reply)
{
    if (!touched_whole(p, rq, reply))
        return false;
    for (uint32_t i = 0; i < rq->n; i++) {
        fd_state_value *v = &rq->values[i];
        const fd_state_value *have = find(p, v);
        v->bytes = (fd_str){NULL, 0};
        if (have != NULL)
            *v = (fd_state_value){v->key_kind, v->key, have->bytes, have->lsn, have->last_us};
    }
    return false;
}

static void put(store_part *p, fd_arena *arena, const fd_state_value *v)
{
    fd_state_value *have = find(p, v);
    if (have == NULL) {
        if (p->n == p->cap) {
            p->cap = p->cap == 0 ? 16 : p->cap * 2;
            p->values = realloc(p->values, p->cap * sizeof *p->values);
            FD_ALLOCATED(p->values);
        }
        have = &p->values[p->n++];
        *have = (fd_state_value){.key_kind = v->key_kind, .key = fd_arena_str(arena, v->key)};
        p->count[model_store_bucket(v)]++;
    }
    have->bytes = fd_arena_str(arena, v->bytes);
    have->lsn = v->lsn;
    have->last_us = v->last_us;
    if (v->lsn > p->mark.high_lsn)
        p->mark.high_lsn = v->lsn;
}

static bool flush(store_part *p, fd_arena *arena, const fd_state_request *rq, fd_state_reply *reply)
{
    if (rq->mark.redo >= 0 && rq->mark.redo < p->mark.redo)
        return refuse(reply, "the redo point would go back");
    if (!touched_whole(p, rq, reply))
        return false;
    for (uint32_t i = 0; i < rq->n; i++) {
        const fd_state_value *have = find(p, &rq->values[i]);
        if (have != NULL && have->lsn > rq->values[i].lsn)
            return refuse(reply, "a value has a higher LSN already");
    }
    for (uint32_t i = 0; i < rq->n; i++)
        put(p, arena, &rq->values[i]);
    if (rq->mark.redo >= 0) {
        p->mark.redo = rq->mark.redo;
        p->mark.merge_us = rq->mark.merge_us;
    }
    p->mark.seq++;
    return true;
}

static bool sweep(store_part *p, const fd_state_request *rq, fd_state_reply *reply)
{
    if (!buckets_whole(p))
        return refuse(reply, "values are lost: a bucket is not whole");
    uint32_t seen = 0;
    for (uint32_t turn = 0; turn < MODEL_STORE_BUCKETS && seen < rq->max; turn++) {
        for (uint32_t i = 0; i < p->n && reply->removed < rq->max;) {
            bool here = model_store_bucket(&p->values[i]) == p->sweep;
            seen += here;
            if (here && p->values[i].last_us < rq->older_us) {
                store_value_out(p, i);
                p->count[p->sweep]--;
                reply->removed++;
            } else {
                i++;
            }
        }
        if (reply->removed < rq->max)
            p->sweep = (p->sweep + 1) % MODEL_STORE_BUCKETS;
    }
    p->mark.seq++;
    return true;
}

bool store_apply(store_part *p, fd_arena *arena, bool full, fd_state_request *rq,
                 fd_state_reply *reply)
{
    reply->result = FD_STATE_OK;
    if (full && rq->kind == FD_STATE_FLUSH) {
        reply->result = FD_STATE_DOWN;
        fd_fail(&reply->err, FD_RETRY, FD_EXIT_UNAVAILABLE, "OOM the store is full");
        return false;
    }
    if (rq->kind == FD_STATE_TAKE)
        return take(p, rq, reply);
    if (rq->kind == FD_STATE_RESET)
        return reset(p, rq, reply);
    if (stranger(p, rq, reply))
        return false;
    if (rq->kind == FD_STATE_READ)
        return read_values(p, rq, reply);
    if (rq->kind == FD_STATE_FLUSH)
        return flush(p, arena, rq, reply);
    FD_ASSERT(rq->kind == FD_STATE_SWEEP);
    return sweep(p, rq, reply);
}
