/*
 * The plain producer of the command-line tools: idempotent, and it knows what was stored.
 *
 * Copies records, so that a caller may reuse its buffers. Thread: the owner's; delivery reports
 * are served inside put and flush.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "kafka/client_int.h"

enum { WRITER_MAGIC = 0x464b5752, SLICE_MS = 100, POLL_EVERY = 256 };

static const fd_kafka_setting_item defaults[] = {
    {"client.id", "fraudd", false},
    {"socket.nagle.disable", "true", false},
    {"linger.ms", "5", false},
    {"batch.size", "1000000", false},
    {"queue.buffering.max.messages", "200000", false},
    {"queue.buffering.max.kbytes", "131072", false},
    {"partitioner", "murmur2_random", false},
};
static const fd_kafka_setting_item forced[] = {
    {"enable.idempotence", "true", false},
    {"acks", "all", false},
};

struct fd_kafka_writer {
    fd_kafka_owner owner; /* first: the opaque of the handle */
    uint32_t magic;
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    int32_t partitions;
    uint64_t delivered, failed;
    unsigned since_poll;
    fd_err first_failure;
};

static fd_kafka_writer *checked(fd_kafka_writer *w)
{
    FD_CHECK_MAGIC(w, WRITER_MAGIC);
    return w;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *rkm, void *opaque)
{
    (void)rk;
    fd_kafka_writer *w = checked(opaque);
    if (rkm->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        w->delivered++;
        return;
    }
    if (w->failed++ > 0)
        return;
    const char *hint = fd_kafka_hint(rkm->err);
    fd_fail(&w->first_failure, FD_FATAL, hint != NULL ? FD_EXIT_CONFIG : FD_EXIT_UNAVAILABLE,
            "topic '%s' partition %d: a record was not stored: %s%s%s", rd_kafka_topic_name(w->rkt),
            (int)rkm->partition, rd_kafka_err2str(rkm->err), hint != NULL ? ": " : "",
            hint != NULL ? hint : "");
}

fd_class fd_kafka_writer_new(const fd_kafka_settings *settings, const char *topic, int timeout_ms,
                             fd_kafka_writer **out, fd_err *err)
{
    *out = NULL;
    if (!fd_kafka_topic_name_ok(topic))
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "topic '%s': Kafka allows 1 to 249 letters, digits, '.', '_' and '-'",
                       topic == NULL ? "" : topic);
    fd_kafka_writer *w = calloc(1, sizeof *w);
    FD_ALLOCATED(w);
    w->magic = WRITER_MAGIC;
    rd_kafka_conf_t *conf = fd_kafka_conf_new(settings, defaults,
                                              sizeof defaults / sizeof *defaults, forced,
                                              sizeof forced / sizeof *forced, &w->owner, err);
    if (conf != NULL) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        w->rk = fd_kafka_handle_new(RD_KAFKA_PRODUCER, conf, err);
    }
    fd_class cls = w->rk == NULL ? FD_FATAL : FD_OK;
    if (cls == FD_OK) {
        w->rkt = rd_kafka_topic_new(w->rk, topic, NULL);
        FD_ASSERT(w->rkt != NULL);
        cls = fd_kafka_topic_partitions(w->rk, w->rkt, settings, timeout_ms, &w->partitions, err);
    }
    if (cls != FD_OK) {
        fd_kafka_writer_free(w);
        return cls;
    }
    *out = w;
    return FD_OK;
}

int32_t fd_kafka_writer_partitions(const fd_kafka_writer *w)
{
    return w->partitions;
}

static rd_kafka_headers_t *headers_of(const fd_kafka_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->n_headers);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const fd_header *h = &r->headers[i];
        rd_kafka_header_add(headers, h->name.p, (ssize_t)h->name.n,
                            h->null_value     ? NULL
                            : h->value.n == 0 ? ""
                                              : h->value.p,
                            h->null_value ? 0 : (ssize_t)h->value.n);
    }
    return headers;
}

static rd_kafka_error_t *enqueue(fd_kafka_writer *w, const fd_kafka_record *r)
{
    rd_kafka_headers_t *headers = r->n_headers > 0 ? headers_of(r) : NULL;
    const void *key = r->null_key ? NULL : r->key.n == 0 ? "" : r->key.p;
    const void *value = r->null_value ? NULL : r->value.n == 0 ? "" : r->value.p;
    rd_kafka_vu_t vus[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = w->rkt},
        {.vtype = RD_KAFKA_VTYPE_PARTITION,
         .u.i32 = r->partition < 0 ? RD_KAFKA_PARTITION_UA : r->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->timestamp_ms < 0 ? 0 : r->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {.ptr = (void *)(uintptr_t)key, .size = r->key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)value, .size = r->value.n}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(
        w->rk, vus, sizeof vus / sizeof *vus - (headers == NULL ? 1 : 0));
    if (error != NULL && headers != NULL)
        rd_kafka_headers_destroy(headers);
    return error;
}

static fd_class failed(const fd_kafka_writer *w, fd_err *err)
{
    if (w->failed == 0)
        return FD_OK;
    if (err != NULL)
        *err = w->first_failure;
    return FD_FATAL;
}

fd_class fd_kafka_writer_put(fd_kafka_writer *w, const fd_kafka_record *record, int timeout_ms,
                             fd_err *err)
{
    (void)checked(w);
    if (++w->since_poll >= POLL_EVERY) {
        w->since_poll = 0;
        rd_kafka_poll(w->rk, 0);
    }
    if (record->partition >= w->partitions)
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE, "topic '%s' has partitions 0 to %d, not %d",
                       rd_kafka_topic_name(w->rkt), (int)w->partitions - 1, (int)record->partition);
    int64_t until = 0;
    for (;;) {
        if (failed(w, err) != FD_OK)
            return FD_FATAL;
        rd_kafka_error_t *error = enqueue(w, record);
        if (error == NULL)
            return FD_OK;
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "topic '%s': %s", rd_kafka_topic_name(w->rkt),
                    rd_kafka_error_string(error));
            rd_kafka_error_destroy(error);
            return FD_FATAL;
        }
        rd_kafka_error_destroy(error);
        int64_t now = fd_kafka_now_ms();
        if (until == 0)
            until = now + timeout_ms;
        if (now >= until)
            return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE,
                           "topic '%s': the broker takes nothing, the queue is full",
                           rd_kafka_topic_name(w->rkt));
        rd_kafka_poll(w->rk, until - now < SLICE_MS ? (int)(until - now) : SLICE_MS);
    }
}

fd_class fd_kafka_writer_flush(fd_kafka_writer *w, int timeout_ms, fd_err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(checked(w)->rk, timeout_ms);
    if (failed(w, err) != FD_OK)
        return FD_FATAL;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return FD_OK;
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "topic '%s': %d records are not stored yet",
                   rd_kafka_topic_name(w->rkt), rd_kafka_outq_len(w->rk));
}

uint64_t fd_kafka_writer_delivered(const fd_kafka_writer *w)
{
    return w->delivered;
}

uint64_t fd_kafka_writer_failed(const fd_kafka_writer *w)
{
    return w->failed;
}

void fd_kafka_writer_free(fd_kafka_writer *w)
{
    if (w == NULL)
        return;
    (void)checked(w);
    if (w->rkt != NULL)
        rd_kafka_topic_destroy(w->rkt);
    if (w->rk != NULL)
        rd_kafka_destroy(w->rk);
    w->magic = 0;
    free(w);
}
