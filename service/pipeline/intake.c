/*
 * Taking events from the source: in chunks, so that polling and scanning each run hot; scanned
 * once, queued per partition, a partition with a full queue is paused at the source.
 * Engine thread.
 */
#include "base/assert.h"
#include "base/failpoint.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

static void stage(fd_worker *w, fd_stage s, uint32_t n, int64_t since)
{
    if (n > 0)
        w->config.observer.ops->stage(w->config.observer.self, s, n, fd_worker_now(w) - since);
}

static void pause_full(fd_worker *w, fd_part *part)
{
    if (part->n < w->config.queue_events || part->pause != FD_PAUSE_NONE || FD_MUTANT(NEVER_PAUSED))
        return;
    fd_err err;
    if (w->config.source.ops->pause(w->config.source.self, &part->tp, 1, &err) == FD_OK)
        part->pause = FD_PAUSE_QUEUE;
    else
        fd_worker_fail(w, &err); /* more would come than the queue holds */
}

void fd_worker_unpause(fd_worker *w, fd_part *part)
{
    if (part->pause == FD_PAUSE_NONE || FD_MUTANT(NEVER_RESUMED))
        return;
    fd_err err;
    if (w->config.source.ops->resume(w->config.source.self, &part->tp, 1, &err) == FD_OK)
        part->pause = FD_PAUSE_NONE;
    else
        fd_worker_note(w, FD_NOTE_SOURCE_ERROR, &part->tp, part->fetch, err.text);
}

void fd_worker_resume_drained(fd_worker *w)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        fd_part *part = &w->parts.items[i];
        if (fd_part_reads(part) && part->n <= w->config.queue_events / 2)
            fd_worker_unpause(w, part);
    }
}

/* Messages of partitions that do not read, or from before a restart, are nobody's. */
static bool wanted(const fd_part *part, const fd_msg *msg)
{
    return part != NULL && fd_part_reads(part) && msg->offset >= part->fetch;
}

static void enqueue(fd_worker *w, uint32_t n)
{
    int64_t since = fd_worker_now(w);
    fd_part *part = NULL;
    for (uint32_t i = 0; i < n; i++) {
        fd_msg *msg = &w->chunk[i];
        if (part == NULL || !fd_tp_eq(part->tp, msg->tp))
            part = fd_parts_find(&w->parts, msg->tp);
        if (!wanted(part, msg)) {
            w->config.source.ops->release(w->config.source.self, msg);
            continue;
        }
        fd_event ev;
        fd_engine_scan(w->config.engine, msg, &ev);
        fd_part_push(part, &ev);
        w->queued++;
        w->redo_queued += part->state == FD_PART_REDO;
        pause_full(w, part);
    }
    if (w->queued > w->redo_queued && w->first_queued_ns == 0)
        w->first_queued_ns = since;
    stage(w, FD_STAGE_SCAN, n, since);
}

/* The log has nothing at the committed offset: deleted by retention, or another log altogether.
 * Going on anywhere else would skip or repeat events, so an operator has to say where. */
static void gone(fd_worker *w, fd_tp tp, int64_t offset)
{
    int64_t first = -1, next = -1;
    fd_err err;
    w->config.source.ops->bounds(w->config.source.self, tp, &first, &next,
                                 w->config.call_timeout_ms, &err);
    fd_worker_note(w, FD_NOTE_RESET, &tp, offset, "stopping");
    fd_fail(&err, FD_FATAL, FD_EXIT_CONFIG,
            "%s/%d: the log has no record at offset %lld, where this group is to go on (it has "
            "[%lld, %lld)): records were deleted undecided, or the topic was recreated. Set the "
            "group's offset to where it may go on (kafka-consumer-groups --reset-offsets), then "
            "start again",
            w->topics[tp.source], tp.partition, (long long)offset, (long long)first,
            (long long)next);
    fd_worker_fail(w, &err);
}

static void handle(fd_worker *w, const fd_source_event *ev)
{
    fd_part *part;
    switch (ev->kind) {
    case FD_SOURCE_EOF:
        part = fd_parts_find(&w->parts, ev->tp);
        if (part != NULL && fd_part_reads(part))
            part->eof = ev->offset;
        break;
    case FD_SOURCE_ASSIGN:
        fd_worker_assigned(w, ev->parts, ev->n_parts);
        break;
    case FD_SOURCE_REVOKE:
    case FD_SOURCE_LOST:
        fd_worker_revoked(w, ev->parts, ev->n_parts, ev->kind == FD_SOURCE_LOST);
        break;
    case FD_SOURCE_GONE:
        gone(w, ev->tp, ev->offset);
        break;
    case FD_SOURCE_ERROR:
        fd_worker_note(w, FD_NOTE_SOURCE_ERROR, NULL, -1, ev->err.text);
        if (ev->err.cls == FD_FATAL)
            fd_worker_fail(w, &ev->err);
        break;
    case FD_SOURCE_NONE:
    case FD_SOURCE_MSG:
        break;
    }
}

/* Enough for the next two batches is enough, unless the merge waits for a partition that may
 * stand behind others in the source's queue. */
static bool hungry(const fd_worker *w)
{
    return w->merge_waits || w->queued - w->redo_queued < 2 * w->config.max_events;
}

void fd_worker_intake(fd_worker *w, int64_t wait_us)
{
    const fd_source *s = &w->config.source;
    bool more = true;
    for (uint32_t rounds = 0; more && !w->failed && rounds < 64; rounds++) {
        uint32_t n = 0;
        fd_source_event ev = {.kind = FD_SOURCE_NONE};
        int64_t since = 0;
        while (n < FD_INTAKE_CHUNK) {
            s->ops->poll(s->self, n == 0 && rounds == 0 ? wait_us : 0, &ev);
            if (since == 0)
                since = fd_worker_now(w);
            if (ev.kind != FD_SOURCE_MSG)
                break;
            w->chunk[n++] = ev.msg;
        }
        stage(w, FD_STAGE_POLL, n, since);
        enqueue(w, n);
        if (n > 0)
            FD_FAILPOINT("after_poll");
        if (ev.kind != FD_SOURCE_MSG)
            handle(w, &ev);
        more = ev.kind != FD_SOURCE_NONE && hungry(w);
    }
}
