/* The keeper's requests and what a batch needs of the store; see keeper.h. Engine thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/mutant.h"
#include "pipeline/keeper_int.h"
#include "pipeline/part.h"

enum { ARENA_BYTES = 64 * 1024 };
static const int64_t NS_PER_US = 1000;

fd_keeper *fd_keeper_new(const fd_keeper_config *config)
{
    fd_keeper *k = calloc(1, sizeof *k);
    FD_ALLOCATED(k);
    k->config = *config;
    if (k->config.copy_values == 0)
        k->config.copy_values = FD_KEEPER_COPY_VALUES;
    if (k->config.flush_values == 0)
        k->config.flush_values = FD_KEEPER_FLUSH_VALUES;
    if (k->config.store.ops == NULL)
        return k;
    k->refs = calloc(FD_KEEPER_REFS, sizeof *k->refs);
    FD_ALLOCATED(k->refs);
    for (uint32_t i = 0; i < FD_KEEPER_SLOTS; i++) {
        fd_keeper_slot *s = &k->slots[i];
        s->arena = fd_arena_new(ARENA_BYTES, 0);
        s->values = calloc(FD_KEEPER_READ_KEYS, sizeof *s->values);
        FD_ALLOCATED(s->values);
    }
    fd_keeper_bind(k);
    return k;
}

void fd_keeper_bind(fd_keeper *k)
{
    const fd_keeper_config *c = &k->config;
    k->windows = fd_engine_windows(c->engine);
    for (uint32_t s = 0; s < c->n_sources; s++) {
        fd_content_hash lineage = fd_engine_lineage(c->engine, (uint16_t)s);
        c->store.ops->set_lineage(c->store.self, (uint16_t)s, lineage.hex);
    }
}

static void free_kept(fd_kept *part)
{
    fd_arena_free(part->arena);
    fd_strbuf_free(&part->bytes);
    free(part->values);
}

void fd_keeper_free(fd_keeper *k)
{
    if (k == NULL)
        return;
    for (uint32_t i = 0; i < FD_KEEPER_SLOTS; i++) {
        fd_arena_free(k->slots[i].arena);
        free(k->slots[i].values);
    }
    for (uint32_t i = 0; i < k->n_kept; i++)
        free_kept(&k->kept[i]);
    free(k->kept);
    free(k->refs);
    free(k);
}

bool fd_keeper_on(const fd_keeper *k)
{
    return k->config.store.ops != NULL && k->windows != NULL;
}

fd_kept *fd_kept_find(const fd_keeper *k, fd_tp tp)
{
    for (uint32_t i = 0; i < k->n_kept; i++) {
        if (fd_tp_eq(k->kept[i].tp, tp))
            return &k->kept[i];
    }
    return NULL;
}

uint64_t fd_keeper_nonce(fd_keeper *k)
{
    uint64_t nonce;
    do {
        k->nonces++;
        nonce = fd_hash64(&k->nonces, sizeof k->nonces, k->config.seed);
    } while (nonce == 0);
    return FD_MUTANT(NO_NONCE) ? 1 : nonce;
}

/* ---- requests ---- */

fd_keeper_slot *fd_keeper_slot_take(fd_keeper *k, fd_kept *part, fd_state_request_kind kind)
{
    for (uint32_t i = 0; i < FD_KEEPER_SLOTS; i++) {
        fd_keeper_slot *s = &k->slots[i];
        if (s->used)
            continue;
        s->rq = (fd_state_request){
            .kind = kind, .tp = part->tp, .nonce = part->nonce, .seq = part->seq};
        s->kept = (uint32_t)(part - k->kept);
        s->generation = part->generation;
        s->count = 0;
        s->start = false;
        return s;
    }
    return NULL;
}

bool fd_keeper_busy(const fd_keeper *k, const fd_kept *part)
{
    for (uint32_t i = 0; i < FD_KEEPER_SLOTS; i++) {
        if (k->slots[i].used && k->slots[i].kept == (uint32_t)(part - k->kept))
            return true;
    }
    return false;
}

bool fd_keeper_submit(fd_keeper *k, fd_keeper_slot *slot)
{
    if (!k->config.store.ops->submit(k->config.store.self, &slot->rq))
        return false;
    slot->used = true;
    return true;
}

/* The one value that is no partial: from when on the windows are full. */
static void load_note(fd_kept *part, fd_str bytes)
{
    if (bytes.n == sizeof part->short_us)
        memcpy(&part->short_us, bytes.p, sizeof part->short_us);
}

/* Values as they come; what is in memory by now is newer. A late answer is as good as another. */
static void load(fd_keeper *k, fd_kept *part, const fd_state_request *rq)
{
    for (uint32_t i = 0; i < rq->n && !part->broken; i++) {
        const fd_state_value *v = &rq->values[i];
        if (v->key_kind == FD_KEEPER_NOTE_KIND) {
            load_note(part, v->bytes);
            continue;
        }
        fd_window_ref ref = {.tp = part->tp, .key_kind = v->key_kind, .key = v->key};
        fd_str bytes = v->bytes.p == NULL ? (fd_str){NULL, 0} : v->bytes;
        k->stats.values_read += v->bytes.p != NULL;
        if (fd_windows_load(k->windows, &ref, bytes))
            continue;
        if (fd_windows_readable(k->windows, &ref, bytes)) {
            k->full = true;
            return;
        }
        part->broken = true;
        part->distrust = true;
    }
}

static void read_answer(fd_keeper *k, fd_kept *part, const fd_state_reply *reply)
{
    if (part == NULL)
        return;
    if (reply->result == FD_STATE_OK)
        load(k, part, reply->request);
    else if (reply->result == FD_STATE_REFUSED && !part->doubt)
        part->broken = true;
}

static fd_keeper_slot *slot_of(fd_keeper *k, const fd_state_request *rq)
{
    for (uint32_t i = 0; i < FD_KEEPER_SLOTS; i++) {
        if (&k->slots[i].rq == rq)
            return &k->slots[i];
    }
    return NULL;
}

bool fd_keeper_poll(fd_keeper *k, int64_t timeout_us)
{
    fd_state_reply reply;
    if (!k->config.store.ops->poll(k->config.store.self, timeout_us, &reply))
        return false;
    fd_keeper_slot *slot = slot_of(k, reply.request);
    FD_ASSERT(slot != NULL && slot->used);
    slot->used = false;
    k->stats.refused += reply.result == FD_STATE_REFUSED;
    k->stats.down += reply.result == FD_STATE_DOWN;
    fd_kept *part = slot->kept < k->n_kept ? &k->kept[slot->kept] : NULL;
    if (part != NULL && part->generation != slot->generation)
        part = NULL;
    switch (slot->rq.kind) {
    case FD_STATE_READ:
        k->reads_open--;
        read_answer(k, part, &reply);
        fd_arena_reset(slot->arena);
        break;
    case FD_STATE_TAKE:
    case FD_STATE_RESET:
        if (slot->start) {
            k->takes_open--;
            k->take_reply = reply;
        } else if (part != NULL) {
            fd_keeper_asked(k, part, &reply);
        }
        break;
    case FD_STATE_FLUSH:
    case FD_STATE_SWEEP:
        if (part != NULL)
            fd_keeper_flush_answer(k, part, slot, &reply);
        break;
    case FD_STATE_N_REQUESTS:
        FD_UNREACHABLE();
    }
    return true;
}

/* ---- what a batch needs ---- */

/* Asks for refs[0 .. n) of one partition; false: no more can be asked for now. */
bool fd_keeper_ask_for(fd_keeper *k, fd_kept *part, const fd_window_ref *refs, uint32_t n)
{
    fd_keeper_slot *slot = fd_keeper_slot_take(k, part, FD_STATE_READ);
    if (slot == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++)
        slot->values[i] = (fd_state_value){.key_kind = refs[i].key_kind,
                                           .key = fd_arena_str(slot->arena, refs[i].key)};
    slot->rq.n = n;
    slot->rq.values = slot->values;
    if (!fd_keeper_submit(k, slot)) {
        fd_arena_reset(slot->arena);
        return false;
    }
    k->reads_open++;
    k->stats.reads++;
    return true;
}

static int by_partition(const void *a, const void *b)
{
    const fd_window_ref *x = a, *y = b;
    if (x->tp.source != y->tp.source)
        return x->tp.source < y->tp.source ? -1 : 1;
    return (x->tp.partition > y->tp.partition) - (x->tp.partition < y->tp.partition);
}

static bool readable(const fd_kept *part)
{
    return part != NULL && !part->broken && !part->doubt;
}

/* All in one round trip, unless there are very many. */
static void ask_for_all(fd_keeper *k, fd_window_ref *refs, uint32_t n)
{
    qsort(refs, n, sizeof *refs, by_partition);
    uint32_t end;
    for (uint32_t at = 0; at < n; at = end) {
        for (end = at + 1; end < n && end - at < FD_KEEPER_READ_KEYS; end++) {
            if (by_partition(&refs[at], &refs[end]) != 0)
                break;
        }
        fd_kept *part = fd_kept_find(k, refs[at].tp);
        if (readable(part) && !fd_keeper_ask_for(k, part, refs + at, end - at))
            return;
    }
}

int64_t fd_keeper_deadline_ns(const fd_keeper *k)
{
    return fd_clock_mono_ns(&k->config.clock) + (int64_t)k->config.call_timeout_ms * 1000000;
}

void fd_keeper_wait_for_reads(fd_keeper *k, int64_t deadline_ns)
{
    while (k->reads_open > 0) {
        int64_t left = deadline_ns - fd_clock_mono_ns(&k->config.clock);
        if (left <= 0 || !fd_keeper_poll(k, left / NS_PER_US + 1))
            return;
    }
}

static uint32_t name_lacking(const fd_window_ref *refs, uint32_t n, fd_tp *out, uint32_t max)
{
    uint32_t named = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool known = false;
        for (uint32_t j = 0; j < named; j++)
            known = known || fd_tp_eq(out[j], refs[i].tp);
        if (!known && named < max)
            out[named++] = refs[i].tp;
    }
    return named;
}

fd_class fd_keeper_fetch(fd_keeper *k, fd_tp *lacking, uint32_t max, uint32_t *n_lacking)
{
    *n_lacking = 0;
    if (!fd_keeper_on(k))
        return FD_OK;
    int64_t deadline = fd_keeper_deadline_ns(k);
    k->full = false;
    fd_keeper_wait_for_reads(
        k, deadline); /* late ones of an earlier batch may be what this one needs */
    uint32_t n = fd_engine_missing(k->config.engine, k->refs, FD_KEEPER_REFS), before = 0;
    while (n != 0 && n != before && k->reads_open == 0) {
        before = n;
        ask_for_all(k, k->refs, n < FD_KEEPER_REFS ? n : FD_KEEPER_REFS);
        fd_keeper_wait_for_reads(k, deadline);
        n = fd_engine_missing(k->config.engine, k->refs, FD_KEEPER_REFS);
    }
    if (n == 0)
        return FD_OK;
    if (k->full)
        return FD_ABORT;
    *n_lacking = name_lacking(k->refs, n < FD_KEEPER_REFS ? n : FD_KEEPER_REFS, lacking, max);
    return FD_RETRY;
}

/* ---- partitions ---- */

bool fd_keeper_broken(const fd_keeper *k, fd_tp tp)
{
    const fd_kept *part = fd_kept_find(k, tp);
    return part != NULL && part->broken;
}

bool fd_keeper_up(const fd_keeper *k)
{
    fd_err err;
    return k->config.store.ops == NULL || k->config.store.ops->up(k->config.store.self, &err);
}

/* Its place stays, and what it knows not to trust: answers may be under way. */
void fd_keeper_forget(fd_keeper *k, fd_tp tp)
{
    fd_kept *part = fd_kept_find(k, tp);
    if (part == NULL)
        return;
    part->generation++;
    part->broken = part->doubt = part->asked = part->flushing = false;
    part->nonce = part->next_nonce = 0;
    part->ask_ns = 0;
    part->n = part->sent = part->done = 0;
}

void fd_keeper_stats_get(fd_keeper *k, fd_keeper_stats *out)
{
    *out = k->stats;
    fd_err err = {0};
    out->up = !fd_keeper_on(k) || k->config.store.ops->up(k->config.store.self, &err);
    snprintf(out->text, sizeof out->text, "%.*s", (int)sizeof out->text - 1, err.text);
}
