/*
 * Taking partitions over: the marker says from where the log is to be folded once more; where there
 * is none, or one of another history, the partition is made anew and rebuilt. Engine thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mutant.h"
#include "pipeline/keeper_int.h"

static const int64_t NS_PER_US = 1000;

static fd_kept *make_place(fd_keeper *k, fd_tp tp)
{
    fd_kept *part = fd_kept_find(k, tp);
    if (part != NULL)
        return part;
    if (k->n_kept == k->cap_kept) {
        k->cap_kept = k->cap_kept == 0 ? 16 : k->cap_kept * 2;
        k->kept = realloc(k->kept, k->cap_kept * sizeof *k->kept);
        FD_ALLOCATED(k->kept);
    }
    part = &k->kept[k->n_kept++];
    *part = (fd_kept){.tp = tp};
    part->arena = fd_arena_new(FD_KEEPER_FLUSH_BYTES, 0);
    part->values = calloc(k->config.copy_values + 1, sizeof *part->values);
    FD_ALLOCATED(part->values);
    return part;
}

/* One request, answered or given up; its answer is in k->take_reply. */
static fd_state_result ask_now(fd_keeper *k, fd_keeper_slot *slot, fd_err *err)
{
    fd_clock *clock = &k->config.clock;
    int64_t deadline = fd_keeper_deadline_ns(k);
    if (slot == NULL || !fd_keeper_submit(k, slot)) {
        fd_fail(err, FD_RETRY, 0, "state store: too many requests are under way");
        return FD_STATE_DOWN;
    }
    slot->start = true;
    k->takes_open++;
    while (k->takes_open > 0) {
        int64_t left = deadline - fd_clock_mono_ns(clock);
        if (left <= 0 ||
            (!fd_keeper_poll(k, left / NS_PER_US + 1) && fd_clock_mono_ns(clock) >= deadline))
            break;
    }
    if (k->takes_open > 0) {
        fd_fail(err, FD_RETRY, 0, "state store: no answer within %d ms", k->config.call_timeout_ms);
        return FD_STATE_DOWN;
    }
    if (k->take_reply.result != FD_STATE_OK)
        fd_fail(err, FD_RETRY, 0, "%.400s", k->take_reply.err.text);
    return k->take_reply.result;
}

/* Why this marker cannot be gone on from; NULL: it can. */
static const char *reject(const fd_keeper *k, const fd_kept *part, const fd_keeper_start *start,
                          const fd_state_mark *mark)
{
    const char *topic_id = k->config.topic_ids == NULL ? "" : k->config.topic_ids[start->tp.source];
    if (!mark->found)
        return "the store does not have it";
    if (part->distrust)
        return "the store's values cannot be read";
    if (topic_id[0] != '\0' && mark->topic_id[0] != '\0' && strcmp(topic_id, mark->topic_id) != 0)
        return "the topic was created anew";
    if (start->committed <= mark->high_lsn || start->committed < mark->redo)
        return "the group's offset was set back";
    if (mark->redo < start->log_first && mark->redo < start->committed)
        return "the log begins after the store's redo point";
    return NULL;
}

/* seq: what the TAKE before it answered; the marker may have this nonce by now. */
static fd_class reset(fd_keeper *k, fd_kept *part, uint64_t seq, fd_keeper_start *start,
                      fd_err *err)
{
    fd_keeper_slot *slot = fd_keeper_slot_take(k, part, FD_STATE_RESET);
    if (slot == NULL)
        return fd_fail(err, FD_RETRY, 0, "state store: too many requests are under way");
    slot->rq.seq = seq;
    slot->rq.mark = (fd_state_mark){.redo = start->log_first < start->committed ? start->log_first
                                                                                : start->committed,
                                    .merge_us = INT64_MIN,
                                    .high_lsn = -1,
                                    .partitions = k->config.partitions[start->tp.source]};
    if (k->config.topic_ids != NULL)
        snprintf(slot->rq.mark.topic_id, sizeof slot->rq.mark.topic_id, "%s",
                 k->config.topic_ids[start->tp.source]);
    start->from = slot->rq.mark.redo;
    start->merge_us = INT64_MIN;
    if (ask_now(k, slot, err) != FD_STATE_OK)
        return FD_RETRY;
    part->distrust = false;
    part->seq = seq + 1;
    fd_windows_set_complete(k->windows, part->tp, true);
    return FD_OK;
}

/* What the predecessor knew of a log that begins too late. */
static fd_class read_note(fd_keeper *k, fd_kept *part, fd_err *err)
{
    int64_t deadline = fd_keeper_deadline_ns(k);
    fd_window_ref note = fd_keeper_note(part->tp);
    if (fd_keeper_ask_for(k, part, &note, 1))
        fd_keeper_wait_for_reads(k, deadline);
    if (k->reads_open > 0 || part->broken)
        return fd_fail(err, FD_RETRY, 0, "state store: it does not answer");
    return FD_OK;
}

static fd_class take_one(fd_keeper *k, fd_keeper_start *start, fd_err *err)
{
    fd_kept *part = make_place(k, start->tp);
    fd_keeper_forget(k, start->tp);
    part->nonce = fd_keeper_nonce(k);
    part->cursor = 0;
    part->walk_redo = -1;
    part->short_us = start->short_us = INT64_MIN;
    if (ask_now(k, fd_keeper_slot_take(k, part, FD_STATE_TAKE), err) != FD_STATE_OK)
        return FD_RETRY;
    fd_state_mark mark = k->take_reply.mark;
    start->why = reject(k, part, start, &mark);
    if (start->why != NULL) {
        fd_class cls = reset(k, part, mark.seq, start, err);
        if (cls != FD_OK)
            return cls;
    } else {
        start->from = mark.redo;
        start->merge_us = FD_MUTANT(NO_WATERMARK) ? INT64_MIN : mark.merge_us;
        part->seq = mark.seq;
        fd_windows_set_merge_time(k->windows, part->tp, start->merge_us);
        fd_windows_set_complete(k->windows, part->tp, false);
        fd_class cls = read_note(k, part, err);
        if (cls != FD_OK)
            return cls;
        start->short_us = part->short_us;
    }
    part->acked = part->seq;
    part->stored = start->from;
    return FD_OK;
}

fd_class fd_keeper_take(fd_keeper *k, fd_keeper_start *parts, uint32_t n, fd_err *err)
{
    if (!fd_keeper_on(k))
        return FD_OK;
    while (k->takes_open > 0 && fd_keeper_poll(k, 0))
        ;
    if (k->takes_open > 0)
        return fd_fail(err, FD_RETRY, 0, "state store: an earlier request is not answered yet");
    for (uint32_t i = 0; i < n; i++) {
        fd_class cls = take_one(k, &parts[i], err);
        if (cls != FD_OK)
            return cls;
    }
    return FD_OK;
}

static fd_class adopt_one(fd_keeper *k, const fd_keeper_start *start, fd_err *err)
{
    fd_kept *part = make_place(k, start->tp);
    fd_keeper_start at = *start;
    part->nonce = fd_keeper_nonce(k);
    part->cursor = 0;
    part->walk_redo = -1;
    part->short_us = INT64_MIN;
    if (ask_now(k, fd_keeper_slot_take(k, part, FD_STATE_TAKE), err) != FD_STATE_OK)
        return FD_RETRY;
    fd_class cls = reset(k, part, k->take_reply.mark.seq, &at, err);
    part->acked = part->seq;
    part->stored = at.from;
    return cls;
}

void fd_keeper_adopt(fd_keeper *k, const fd_keeper_start *parts, uint32_t n)
{
    for (uint32_t i = 0; i < k->n_kept; i++) {
        fd_keeper_forget(k, k->kept[i].tp);
        k->kept[i].distrust = false;
    }
    if (k->config.store.ops == NULL)
        return;
    fd_keeper_bind(k);
    fd_class cls = FD_OK;
    for (uint32_t i = 0; i < n && fd_keeper_on(k); i++) {
        fd_err err = {0};
        if (cls == FD_OK)
            cls = adopt_one(k, &parts[i], &err);
        if (cls != FD_OK)
            make_place(k, parts[i].tp)->broken = true;
    }
    fd_keeper_hurry(k);
}
