/*
 * Writing behind: walks over the dirty partials of a partition, copies them while nothing is in
 * flight (so that no value is beyond what is committed) and writes the copy in requests that the
 * store takes in their order.
 *
 * The redo point moves when a walk is over, to where the partition was when the walk began: by
 * then every partial that was dirty at that time has been written at least once, and what became
 * dirty later holds only later events. Engine thread.
 */
#include <string.h>

#include "base/assert.h"
#include "base/failpoint.h"
#include "base/mutant.h"
#include "pipeline/keeper_int.h"

static const int64_t ASK_NS = INT64_C(50) * 1000 * 1000;

bool fd_keeper_due(const fd_keeper *k)
{
    if (!fd_keeper_on(k))
        return false;
    return k->hurry || fd_clock_mono_ns(&k->config.clock) >= k->next_flush_ns;
}

void fd_keeper_hurry(fd_keeper *k)
{
    k->hurry = true;
}

void fd_keeper_flushed(fd_keeper *k)
{
    k->hurry = false;
    k->next_flush_ns = fd_clock_mono_ns(&k->config.clock) + k->config.flush_interval_ns;
}

bool fd_keeper_settled(const fd_keeper *k, fd_tp tp, int64_t redo)
{
    if (!fd_keeper_on(k))
        return true;
    const fd_kept *part = fd_kept_find(k, tp);
    return part == NULL || part->nonce == 0 || part->broken || part->stored >= redo;
}

/* ---- the copy ---- */

static void copy(fd_keeper *k, fd_kept *part, const fd_window_ref *ref)
{
    fd_state_value *v = &part->values[part->n++];
    int64_t last_us;
    fd_strbuf_reset(&part->bytes);
    fd_windows_save(k->windows, ref, &part->bytes, &v->lsn, &last_us);
    v->key_kind = ref->key_kind;
    v->key = fd_arena_str(part->arena, ref->key);
    v->bytes = fd_arena_str(part->arena, (fd_str){part->bytes.p, (uint32_t)part->bytes.n});
    v->last_us = last_us;
    if (FD_MUTANT(CLEAN_EARLY))
        fd_windows_clean(k->windows, ref, v->lsn);
}

/* A log that began too late is remembered beside the windows. Its LSN is of no event, and below
 * all that count: the log did not begin at 0. */
static void copy_note(fd_kept *part, int64_t short_us)
{
    if (short_us == part->short_us || short_us == INT64_MAX)
        return;
    part->short_us = short_us;
    fd_window_ref note = fd_keeper_note(part->tp);
    part->values[part->n++] = (fd_state_value){
        .key_kind = note.key_kind,
        .key = note.key,
        .bytes = fd_arena_str(part->arena, (fd_str){(const char *)&short_us, sizeof short_us}),
        .lsn = 0,
        .last_us = INT64_MAX,
    };
}

void fd_keeper_flush(fd_keeper *k, fd_tp tp, const fd_keeper_at *at)
{
    fd_kept *part = fd_keeper_on(k) ? fd_kept_find(k, tp) : NULL;
    if (part == NULL || part->nonce == 0 || part->flushing || part->broken || part->doubt ||
        fd_keeper_busy(k, part))
        return;
    if (part->walk_redo < 0) {
        part->cursor = 0;
        part->walk_redo = at->redo;
        part->walk_merge_us = at->merge_us;
    }
    if (FD_MUTANT(WATERMARK_NOW))
        part->walk_merge_us = at->merge_us;
    fd_arena_reset(part->arena);
    part->n = part->sent = part->done = 0;
    copy_note(part, at->short_us);
    uint32_t room = k->config.copy_values, got = 0;
    do {
        uint32_t want = room < FD_KEEPER_REFS ? room : FD_KEEPER_REFS;
        got = fd_windows_dirty(k->windows, tp, &part->cursor, k->refs, want);
        for (uint32_t i = 0; i < got; i++)
            copy(k, part, &k->refs[i]);
        room -= got;
        part->last = got < want;
    } while (!part->last && room > 0);
    if (part->n == 0 && part->walk_redo == part->stored) {
        part->walk_redo = -1; /* nothing new */
        return;
    }
    part->flushing = true;
    part->flush_began_ns = fd_clock_mono_ns(&k->config.clock);
    FD_FAILPOINT("before_flush");
    fd_keeper_send(k, part);
}

/* ---- the requests ---- */

/* How many of the values not yet sent make one request. */
static uint32_t measure(const fd_keeper *k, const fd_kept *part)
{
    uint32_t n = 0;
    size_t bytes = 0;
    while (part->sent + n < part->n && n < k->config.flush_values) {
        const fd_state_value *v = &part->values[part->sent + n];
        bytes += v->bytes.n + v->key.n;
        if (n > 0 && bytes > FD_KEEPER_FLUSH_BYTES)
            break;
        n++;
    }
    return n;
}

static bool all_sent(const fd_kept *part)
{
    return part->sent == part->n && (!part->last || part->walk_redo < 0);
}

void fd_keeper_send(fd_keeper *k, fd_kept *part)
{
    while (part->flushing && !part->doubt && !all_sent(part)) {
        uint32_t n = measure(k, part);
        bool end = part->last && part->sent + n == part->n;
        fd_keeper_slot *slot = fd_keeper_slot_take(k, part, FD_STATE_FLUSH);
        if (slot == NULL)
            return;
        slot->count = n;
        slot->rq.n = n;
        slot->rq.values = part->values + part->sent;
        slot->rq.mark.redo = end || FD_MUTANT(MARKS_EARLY) ? part->walk_redo : -1;
        slot->rq.mark.merge_us = part->walk_merge_us;
        if (!fd_keeper_submit(k, slot))
            return;
        FD_FAILPOINT("mid_flush");
        k->stats.writes++;
        part->seq++;
        part->sent += n;
        if (end) {
            part->walk_redo = -1;
            return;
        }
    }
}

static void clean(fd_keeper *k, const fd_kept *part, const fd_state_request *rq)
{
    for (uint32_t i = 0; i < rq->n; i++) {
        const fd_state_value *v = &rq->values[i];
        if (v->key_kind == FD_KEEPER_NOTE_KIND)
            continue;
        fd_window_ref ref = {.tp = part->tp, .key_kind = v->key_kind, .key = v->key};
        fd_windows_clean(k->windows, &ref, v->lsn);
    }
    k->stats.values_written += rq->n;
}

/* The copy is dropped; what it held is dirty still, or clean already. */
static void give_up(fd_kept *part)
{
    part->flushing = false;
    part->n = part->sent = part->done = 0;
    part->walk_redo = -1;
    part->short_us = INT64_MIN; /* written again */
}

/* Values that can have no more events in any window. What the marker says is older than what
 * memory knows, so nothing that is still needed goes. */
static void sweep(fd_keeper *k, fd_kept *part, int64_t merge_us)
{
    if (merge_us == INT64_MIN || part->doubt)
        return;
    fd_keeper_slot *slot = fd_keeper_slot_take(k, part, FD_STATE_SWEEP);
    if (slot == NULL)
        return;
    slot->rq.older_us = merge_us - fd_engine_horizon_us(k->config.engine, part->tp.source);
    slot->rq.max = FD_KEEPER_SWEEP;
    if (fd_keeper_submit(k, slot)) {
        part->seq++;
        k->stats.writes++;
    }
}

void fd_keeper_flush_answer(fd_keeper *k, fd_kept *part, fd_keeper_slot *slot,
                            const fd_state_reply *reply)
{
    if (reply->result == FD_STATE_REFUSED) {
        part->broken = !part->doubt; /* behind one without an answer this is no news */
        give_up(part);
        return;
    }
    if (reply->result == FD_STATE_DOWN) {
        part->doubt = true;
        give_up(part);
        return;
    }
    part->acked++;
    if (slot->rq.kind == FD_STATE_SWEEP) {
        k->stats.sweeps++;
        return;
    }
    clean(k, part, reply->request);
    if (reply->request->mark.redo >= 0)
        part->stored = reply->request->mark.redo;
    part->done += slot->count;
    if (part->done < part->n || !all_sent(part))
        return;
    part->flushing = false;
    k->stats.flush_ns += fd_clock_mono_ns(&k->config.clock) - part->flush_began_ns;
    FD_FAILPOINT("after_flush");
    if (part->last)
        sweep(k, part, reply->request->mark.merge_us);
}

/* ---- doubt ---- */

/* A write got no answer: the marker says whether it was done. Asked with one nonce until there is
 * an answer: the swap may have been done as well. */
void fd_keeper_ask(fd_keeper *k, fd_kept *part)
{
    int64_t now = fd_clock_mono_ns(&k->config.clock);
    fd_keeper_slot *slot = now < part->ask_ns ? NULL : fd_keeper_slot_take(k, part, FD_STATE_TAKE);
    if (slot == NULL)
        return;
    if (part->next_nonce == 0)
        part->next_nonce = fd_keeper_nonce(k);
    part->ask_ns = now + ASK_NS;
    slot->rq.expect = part->nonce;
    slot->rq.nonce = part->next_nonce;
    part->asked = fd_keeper_submit(k, slot);
}

void fd_keeper_asked(fd_keeper *k, fd_kept *part, const fd_state_reply *reply)
{
    (void)k;
    part->asked = false;
    if (reply->result == FD_STATE_DOWN)
        return; /* asked again */
    bool ours = reply->result == FD_STATE_OK && reply->mark.found &&
                reply->mark.seq >= part->acked && reply->mark.seq <= part->seq;
    part->doubt = false;
    part->broken = !ours;
    if (!ours)
        return;
    part->nonce = part->next_nonce;
    part->next_nonce = 0;
    part->seq = part->acked = reply->mark.seq;
    part->stored = reply->mark.redo;
}

void fd_keeper_step(fd_keeper *k)
{
    if (!fd_keeper_on(k))
        return;
    while (fd_keeper_poll(k, 0))
        ;
    fd_err err;
    bool up = k->config.store.ops->up(k->config.store.self, &err);
    for (uint32_t i = 0; i < k->n_kept && up; i++) {
        fd_kept *part = &k->kept[i];
        if (part->nonce == 0 || part->broken)
            continue;
        if (part->doubt && !part->asked && !fd_keeper_busy(k, part))
            fd_keeper_ask(k, part);
        fd_keeper_send(k, part);
    }
}
