/*
 * Delivery: one event per poll(), and which errors are told.
 *
 * Cost: while messages are queued, poll() makes no system call (one lock of librdkafka's). Only an
 * empty queue leads to ppoll() on one eventfd, which librdkafka writes to when its queue becomes
 * non-empty and wake() whenever; so waits have microsecond resolution, which
 * rd_kafka_consumer_poll() itself has not. Thread: the engine thread, but wake and release.
 */
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"

enum { NS_PER_US = 1000, US_PER_S = 1000000 };

/* The longest sleep without looking: bounds the harm if a wake-up were ever lost. */
static const int64_t slice_us = 200000;

/* ---- errors ---- */

static bool told_before(fd_kafka_source *s, int code)
{
    for (uint32_t i = 0; i < s->n_told; i++) {
        if (s->told[i] == code)
            return true;
    }
    if (s->n_told < FD_TOLD_ERRORS)
        s->told[s->n_told++] = code;
    return false;
}

void fd_source_tell(fd_kafka_source *s, rd_kafka_resp_err_t code, const char *text)
{
    const char *hint = fd_kafka_hint(code);
    bool fatal = hint != NULL || code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (s->failed || (!fatal && told_before(s, code)))
        return;
    if (s->n_pending == FD_PENDING_ERRORS) {
        if (!fatal)
            return;
        s->n_pending--; /* the one that ends us must be heard */
    }
    fd_err *err = &s->pending[s->n_pending++];
    if (!fatal) {
        fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "kafka: %s", text);
        return;
    }
    s->failed = true;
    fd_fail(err, FD_FATAL, hint != NULL ? FD_EXIT_CONFIG : FD_EXIT_UNAVAILABLE, "kafka: %s%s%s",
            text, hint != NULL ? ": " : "", hint != NULL ? hint : "");
}

/* The instance cannot go on, whatever the code. */
static void tell_fatal(fd_kafka_source *s)
{
    char text[FD_KAFKA_ERRSTR];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(s->rk, text, sizeof text);
    if (s->failed)
        return;
    const char *hint = fd_kafka_hint(code);
    s->failed = true;
    s->n_pending = 1;
    fd_fail(&s->pending[0], FD_FATAL, hint != NULL ? FD_EXIT_CONFIG : FD_EXIT_UNAVAILABLE,
            "kafka: %s%s%s", text, hint != NULL ? ": " : "", hint != NULL ? hint : "");
}

void fd_source_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    fd_kafka_source *s = fd_source_of(opaque);
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        tell_fatal(s);
    else
        fd_source_tell(s, (rd_kafka_resp_err_t)code, reason);
    rd_kafka_yield(rk);
}

/* ---- messages ---- */

static bool of_partition(fd_kafka_source *s, const rd_kafka_message_t *rkm, fd_tp *tp,
                         fd_part **part)
{
    if (rkm->rkt == NULL || rkm->partition < 0)
        return false;
    *tp = (fd_tp){.source = (uint16_t)(uintptr_t)rd_kafka_topic_opaque(rkm->rkt),
                  .partition = rkm->partition};
    *part = fd_source_part(s, *tp);
    return *part != NULL && (*part)->assigned && !(*part)->muted;
}

static bool deliver_error(fd_kafka_source *s, const rd_kafka_message_t *rkm, fd_source_event *out)
{
    fd_tp tp;
    fd_part *part;
    bool ours = of_partition(s, rkm, &tp, &part);
    switch ((int)rkm->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (!ours || rkm->offset < part->next)
            return false;
        part->next = rkm->offset;
        part->at_end = true;
        s->n_told = 0;
        *out = (fd_source_event){.kind = FD_SOURCE_EOF, .tp = tp, .offset = rkm->offset};
        return true;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
#if RD_KAFKA_VERSION >= 0x020100ff
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
#endif
        if (!ours)
            return false;
        *out = (fd_source_event){.kind = FD_SOURCE_GONE, .tp = tp, .offset = part->next};
        fd_fail(&out->err, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s", rd_kafka_message_errstr(rkm));
        return true;
    case RD_KAFKA_RESP_ERR__FATAL:
        tell_fatal(s);
        return false;
    default:
        fd_source_tell(s, rkm->err, rd_kafka_message_errstr(rkm));
        return false;
    }
}

static bool deliver(fd_kafka_source *s, rd_kafka_message_t *rkm, fd_source_event *out)
{
    if (rkm->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        bool told = deliver_error(s, rkm, out);
        rd_kafka_message_destroy(rkm);
        return told;
    }
    fd_tp tp;
    fd_part *part;
    if (!of_partition(s, rkm, &tp, &part) || rkm->offset < part->next) {
        rd_kafka_message_destroy(rkm);
        return false;
    }
    part->next = rkm->offset + 1;
    part->at_end = false;
    s->n_told = 0;
    out->kind = FD_SOURCE_MSG;
    fd_kafka_msg_from(rkm, tp.source, &out->msg);
    part->leader_epoch = out->msg.leader_epoch;
    out->msg.handle = rkm;
    out->tp = tp;
    out->offset = rkm->offset;
    return true;
}

/* What callbacks left behind: errors first, then rebalances. */
static bool stashed(fd_kafka_source *s, fd_source_event *out)
{
    if (s->n_pending > 0) {
        *out = (fd_source_event){.kind = FD_SOURCE_ERROR, .err = s->pending[0]};
        s->n_pending--;
        memmove(s->pending, s->pending + 1, s->n_pending * sizeof *s->pending);
        return true;
    }
    fd_rebalance *r = s->failed ? NULL : fd_source_untold(s);
    if (r == NULL)
        return false;
    r->told = true;
    s->n_told = 0;
    *out = (fd_source_event){.kind = r->kind, .parts = r->parts, .n_parts = r->n};
    return true;
}

/* ---- waiting ---- */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / NS_PER_US;
}

/* Sleeps until something is written to wake_fd or the time is over. */
static void sleep_on(fd_kafka_source *s, int64_t us)
{
    if (us > slice_us)
        us = slice_us;
    struct timespec t = {.tv_sec = us / US_PER_S, .tv_nsec = us % US_PER_S * NS_PER_US};
    struct pollfd fd = {.fd = s->wake_fd, .events = POLLIN};
    uint64_t count;
    if (ppoll(&fd, 1, &t, NULL) > 0 && read(s->wake_fd, &count, sizeof count) < 0)
        return; /* another write may have been seen already: nothing to clear */
}

void fd_source_poll(void *self, int64_t timeout_us, fd_source_event *out)
{
    fd_kafka_source *s = fd_source_of(self);
    int64_t deadline = 0;
    out->kind = FD_SOURCE_NONE; /* the rest is set by what needs it: an event is large */
    if (s->closed)
        return;
    fd_source_sweep(s);
    for (;;) {
        if (stashed(s, out) || s->failed)
            return;
        rd_kafka_message_t *rkm = rd_kafka_consumer_poll(s->rk, 0);
        if (rkm != NULL) {
            if (deliver(s, rkm, out))
                return;
            continue;
        }
        if (s->n_pending > 0 || fd_source_untold(s) != NULL)
            continue; /* a callback ran */
        if (timeout_us <= 0 || atomic_exchange(&s->woken, false))
            return;
        int64_t now = now_us();
        if (deadline == 0)
            deadline = now + timeout_us;
        if (now >= deadline)
            return;
        sleep_on(s, deadline - now);
    }
}

void fd_source_wake(void *self)
{
    fd_kafka_source *s = fd_source_of(self);
    static const uint64_t one = 1;
    /* A full counter still wakes; the flag is what counts. */
    if (!atomic_exchange(&s->woken, true) && write(s->wake_fd, &one, sizeof one) < 0)
        return;
}

void fd_source_release(void *self, fd_msg *msg)
{
    (void)fd_source_of(self);
    FD_ASSERT(msg->handle != NULL);
    rd_kafka_message_destroy(msg->handle);
    msg->handle = NULL;
}

uint32_t fd_source_headers(void *self, const fd_msg *msg, fd_header *out, uint32_t max)
{
    (void)fd_source_of(self);
    return fd_kafka_msg_headers(msg, out, max);
}
