/*
 * Rebalances: stashed by the callback, told by poll(), answered by the port's calls.
 *
 * Facts of librdkafka that this relies on (tested against a real broker): the answer may be given
 * outside the callback, from the same thread; every assign or incremental call has raised the
 * version barrier of the partitions it stops before it returns, so that no message fetched before
 * is handed out after; in the eager protocol only rd_kafka_assign() may be used, in the
 * cooperative one only the incremental calls; and the *first* such call after a rebalance
 * callback counts as its answer, which is why restarts wait while a rebalance is open.
 * Thread: the engine thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"

static bool cooperative(const fd_kafka_source *s)
{
    const char *protocol = rd_kafka_rebalance_protocol(s->rk);
    return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

/* ---- lists for librdkafka ---- */

static void add(const fd_kafka_source *s, rd_kafka_topic_partition_list_t *list, fd_tp tp,
                const fd_part *part)
{
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(
        list, s->topics[tp.source].name, tp.partition);
    if (part == NULL)
        return;
    FD_ASSERT(part->next >= 0);
    p->offset = part->next;
    fd_kafka_set_leader_epoch(p, part->leader_epoch);
}

static rd_kafka_topic_partition_list_t *all_assigned(const fd_kafka_source *s, bool paused_only)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (uint32_t i = 0; i < s->n_topics; i++) {
        for (int32_t p = 0; p < s->topics[i].n; p++) {
            const fd_part *part = &s->topics[i].parts[p];
            if (part->assigned && (part->paused || !paused_only))
                add(s, list, (fd_tp){.source = (uint16_t)i, .partition = p}, part);
        }
    }
    return list;
}

static fd_class refused(fd_err *err, const char *what, rd_kafka_error_t *error)
{
    fd_class cls = fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "%s: %s", what,
                           rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return cls;
}

/* Eager: replaces librdkafka's assignment by all that is `assigned`, each from its `next`. */
static fd_class assign_all(fd_kafka_source *s, fd_err *err)
{
    rd_kafka_topic_partition_list_t *list = all_assigned(s, false);
    rd_kafka_resp_err_t code = rd_kafka_assign(s->rk, list->cnt > 0 ? list : NULL);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "assign: %s", rd_kafka_err2str(code));
    list = all_assigned(s, true);
    if (list->cnt > 0)
        rd_kafka_pause_partitions(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return FD_OK;
}

static fd_class incremental_add(fd_kafka_source *s, const fd_tpo *parts, uint32_t n, fd_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++)
        add(s, list, parts[i].tp, fd_source_part(s, parts[i].tp));
    rd_kafka_error_t *error = rd_kafka_incremental_assign(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return error == NULL ? FD_OK : refused(err, "incremental assign", error);
}

static fd_class incremental_remove(fd_kafka_source *s, const rd_kafka_topic_partition_list_t *list,
                                   fd_err *err)
{
    rd_kafka_error_t *error = rd_kafka_incremental_unassign(s->rk, list);
    return error == NULL ? FD_OK : refused(err, "incremental unassign", error);
}

/* ---- what is open ---- */

static bool any_open(const fd_kafka_source *s)
{
    for (uint32_t i = 0; i < s->n_open; i++) {
        if (!s->open[i].answered)
            return true;
    }
    return false;
}

fd_rebalance *fd_source_untold(fd_kafka_source *s)
{
    for (uint32_t i = 0; i < s->n_open; i++) {
        if (!s->open[i].told)
            return &s->open[i];
    }
    return NULL;
}

void fd_source_sweep(fd_kafka_source *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_open; i++) {
        if (s->open[i].told && s->open[i].answered)
            free(s->open[i].parts);
        else
            s->open[kept++] = s->open[i];
    }
    s->n_open = kept;
}

static fd_class restart_now(fd_kafka_source *s, const fd_tpo *parts, uint32_t n, fd_err *err)
{
    if (!cooperative(s))
        return assign_all(s, err);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++)
        add(s, list, parts[i].tp, NULL);
    fd_class cls = incremental_remove(s, list, err);
    rd_kafka_topic_partition_list_destroy(list);
    return cls == FD_OK ? incremental_add(s, parts, n, err) : cls;
}

/* Restarts that were put off because a rebalance was open. */
static fd_class restart_due(fd_kafka_source *s, fd_err *err)
{
    fd_class cls = FD_OK;
    for (uint32_t i = 0; !any_open(s) && i < s->n_topics; i++) {
        for (int32_t p = 0; p < s->topics[i].n && cls == FD_OK; p++) {
            fd_part *part = &s->topics[i].parts[p];
            if (!part->restart_due)
                continue;
            part->restart_due = false;
            part->muted = false;
            fd_tpo tpo = {.tp = {.source = (uint16_t)i, .partition = p}, .offset = part->next};
            cls = restart_now(s, &tpo, 1, err);
        }
    }
    return cls;
}

/* ---- the callback ---- */

static bool grow(fd_topic_parts *t, int32_t partition)
{
    if (partition < 0 || partition >= FD_PARTITIONS_MAX)
        return false;
    if (partition < t->n)
        return true;
    fd_part *more = realloc(t->parts, (size_t)(partition + 1) * sizeof *more);
    FD_ALLOCATED(more);
    memset(more + t->n, 0, (size_t)(partition + 1 - t->n) * sizeof *more);
    t->parts = more;
    t->n = partition + 1;
    return true;
}

static bool tp_of(fd_kafka_source *s, const rd_kafka_topic_partition_t *p, fd_tp *out)
{
    for (uint32_t i = 0; i < s->n_topics; i++) {
        if (strcmp(s->topics[i].name, p->topic) == 0) {
            *out = (fd_tp){.source = (uint16_t)i, .partition = p->partition};
            return grow(&s->topics[i], p->partition);
        }
    }
    return false;
}

static void give_all_up(fd_kafka_source *s)
{
    if (cooperative(s)) {
        rd_kafka_topic_partition_list_t *list = all_assigned(s, false);
        rd_kafka_error_t *error = rd_kafka_incremental_unassign(s->rk, list);
        if (error != NULL)
            rd_kafka_error_destroy(error); /* nothing was ours any more */
        rd_kafka_topic_partition_list_destroy(list);
    } else {
        rd_kafka_assign(s->rk, NULL);
    }
    for (uint32_t i = 0; i < s->n_topics; i++) {
        if (s->topics[i].n > 0)
            memset(s->topics[i].parts, 0, (size_t)s->topics[i].n * sizeof(fd_part));
    }
}

void fd_source_abandon(fd_kafka_source *s)
{
    s->closing = true;
    if (any_open(s))
        give_all_up(s);
    for (uint32_t i = 0; i < s->n_open; i++)
        s->open[i].told = s->open[i].answered = true;
    fd_source_sweep(s);
}

/* Nothing to decide: answered at once. */
static void answer_empty(fd_kafka_source *s, fd_source_kind kind)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_error_t *error = NULL;
    if (!cooperative(s))
        rd_kafka_assign(s->rk, kind == FD_SOURCE_ASSIGN ? none : NULL);
    else if (kind == FD_SOURCE_ASSIGN)
        error = rd_kafka_incremental_assign(s->rk, none);
    else
        error = rd_kafka_incremental_unassign(s->rk, none);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(none);
}

static void stash(fd_kafka_source *s, fd_source_kind kind,
                  const rd_kafka_topic_partition_list_t *parts)
{
    if (s->n_open == FD_OPEN_REBALANCES) {
        fd_source_tell(s, RD_KAFKA_RESP_ERR__QUEUE_FULL, "rebalances were not answered");
        return;
    }
    fd_rebalance *r = &s->open[s->n_open++];
    *r = (fd_rebalance){.kind = kind, .n = (uint32_t)parts->cnt, .left = (uint32_t)parts->cnt};
    r->parts = calloc(r->n > 0 ? r->n : 1, sizeof *r->parts);
    FD_ALLOCATED(r->parts);
    for (uint32_t i = 0; i < r->n; i++) {
        if (!tp_of(s, &parts->elems[i], &r->parts[i])) /* ends the source: nothing is told after */
            fd_source_tell(s, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
                           "the group assigned a partition that was not asked for");
    }
    if (r->n == 0) {
        r->answered = true;
        answer_empty(s, kind);
    }
}

void fd_source_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *parts, void *opaque)
{
    fd_kafka_source *s = fd_source_of(opaque);
    if (s->closing) {
        give_all_up(s);
        return;
    }
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        stash(s, FD_SOURCE_ASSIGN, parts);
        break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        stash(s, rd_kafka_assignment_lost(rk) ? FD_SOURCE_LOST : FD_SOURCE_REVOKE, parts);
        break;
    default:
        fd_source_tell(s, err, "the group's rebalance failed");
        stash(s, FD_SOURCE_LOST, parts);
        break;
    }
    rd_kafka_yield(rk); /* poll() has something to return */
}

/* ---- the port's answers ---- */

fd_class fd_source_assign(void *self, const fd_tpo *parts, uint32_t n, fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    if (n == 0 || s->closed)
        return FD_OK;
    for (uint32_t i = 0; i < n; i++) {
        FD_ASSERT(parts[i].offset >= 0);
        fd_part *part = fd_source_part(s, parts[i].tp);
        FD_ASSERT(part != NULL && !part->assigned);
        *part = (fd_part){
            .next = parts[i].offset, .leader_epoch = parts[i].leader_epoch, .assigned = true};
    }
    for (uint32_t i = 0; i < s->n_open; i++) {
        if (s->open[i].kind == FD_SOURCE_ASSIGN && s->open[i].told)
            s->open[i].answered = true;
    }
    fd_class cls = cooperative(s) ? incremental_add(s, parts, n, err) : assign_all(s, err);
    return cls == FD_OK ? restart_due(s, err) : cls;
}

/* Notes that tp is given up, in every revoke that names it: one may have overtaken another. */
static void take(fd_kafka_source *s, fd_tp tp)
{
    for (uint32_t k = 0; k < s->n_open; k++) {
        fd_rebalance *r = &s->open[k];
        if (r->kind == FD_SOURCE_ASSIGN || r->answered)
            continue;
        for (uint32_t i = 0; i < r->left; i++) {
            if (r->parts[i].source != tp.source || r->parts[i].partition != tp.partition)
                continue;
            fd_tp last = r->parts[--r->left];
            r->parts[r->left] = tp;
            r->parts[i--] = last;
        }
    }
}

/* All of a revoke was unassigned: tell the group. */
static fd_class answer_revoke(fd_kafka_source *s, fd_rebalance *r, fd_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)r->n);
    for (uint32_t i = 0; i < r->n; i++) {
        fd_part *part = fd_source_part(s, r->parts[i]);
        if (part->assigned)
            add(s, list, r->parts[i], NULL);
        *part = (fd_part){0};
    }
    r->answered = true;
    for (fd_rebalance *q = s->open; q < r; q++) {
        if (q->kind == FD_SOURCE_ASSIGN)
            q->answered = true; /* overtaken: what it gave is gone again */
    }
    fd_class cls = cooperative(s) ? incremental_remove(s, list, err) : assign_all(s, err);
    rd_kafka_topic_partition_list_destroy(list);
    return cls;
}

fd_class fd_source_unassign(void *self, const fd_tp *parts, uint32_t n, fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    if (s->closed)
        return FD_OK;
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_source_part(s, parts[i]);
        FD_ASSERT(part != NULL);
        part->muted = true;
        part->restart_due = false;
        take(s, parts[i]);
    }
    fd_class cls = FD_OK;
    for (uint32_t k = 0; k < s->n_open && cls == FD_OK; k++) {
        fd_rebalance *r = &s->open[k];
        if (r->kind == FD_SOURCE_ASSIGN || r->answered || r->left > 0)
            continue;
        r->told = true;
        cls = answer_revoke(s, r, err);
    }
    return cls == FD_OK ? restart_due(s, err) : cls;
}

fd_class fd_source_restart(void *self, const fd_tpo *parts, uint32_t n, fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    if (n == 0 || s->closed)
        return FD_OK;
    bool wait = any_open(s);
    for (uint32_t i = 0; i < n; i++) {
        FD_ASSERT(parts[i].offset >= 0);
        fd_part *part = fd_source_part(s, parts[i].tp);
        FD_ASSERT(part != NULL && part->assigned);
        part->next = parts[i].offset;
        part->leader_epoch = parts[i].leader_epoch;
        part->paused = part->at_end = false;
        if (wait)
            part->muted = part->restart_due = true;
    }
    return wait ? FD_OK : restart_now(s, parts, n, err);
}

static fd_class set_paused(fd_kafka_source *s, const fd_tp *parts, uint32_t n, bool paused,
                           fd_err *err)
{
    if (n == 0 || s->closed)
        return FD_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = fd_source_part(s, parts[i]);
        FD_ASSERT(part != NULL && part->assigned);
        part->paused = paused;
        add(s, list, parts[i], NULL);
    }
    rd_kafka_resp_err_t code = paused ? rd_kafka_pause_partitions(s->rk, list)
                                      : rd_kafka_resume_partitions(s->rk, list);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "%s: %s", paused ? "pause" : "resume",
                   rd_kafka_err2str(code));
}

fd_class fd_source_pause(void *self, const fd_tp *parts, uint32_t n, fd_err *err)
{
    return set_paused(fd_source_of(self), parts, n, true, err);
}

fd_class fd_source_resume(void *self, const fd_tp *parts, uint32_t n, fd_err *err)
{
    return set_paused(fd_source_of(self), parts, n, false, err);
}
