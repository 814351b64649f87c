/* The history port over librdkafka; see history.h. Engine thread. */
#include "kafka/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"
#include "kafka/kafka_int.h"

enum { HISTORY_MAGIC = 0x464b4849, TOPICS_MAX = 16 };

static const fd_kafka_setting_item defaults[] = {
    {"client.id", "fraudd", false},          {"socket.nagle.disable", "true", false},
    {"fetch.wait.max.ms", "50", false},      {"fetch.queue.backoff.ms", "5", true},
    {"queued.min.messages", "20000", false}, {"queued.max.messages.kbytes", "16384", false},
};
static const fd_kafka_setting_item forced[] = {
    {"enable.auto.commit", "false", false},
    {"enable.auto.offset.store", "false", false},
    {"auto.offset.reset", "error", false},
    {"enable.partition.eof", "true", false},
    {"allow.auto.create.topics", "false", false},
    {"isolation.level", "read_committed", false},
    {"check.crcs", "true", false},
};

struct fd_kafka_history {
    fd_kafka_owner owner; /* first: the opaque of the handle */
    uint32_t magic;
    fd_kafka_history_config config;
    rd_kafka_t *rk; /* NULL: nothing was opened yet */
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *topics[TOPICS_MAX];
    uint32_t n_topics;
    fd_tp *parts; /* those that are open */
    uint32_t n, cap;
    bool pending; /* error holds something to tell */
    fd_err error;
};

static fd_kafka_history *history_of(void *self)
{
    fd_kafka_history *h = self;
    FD_CHECK_MAGIC(h, HISTORY_MAGIC);
    return h;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk;
    fd_kafka_history *h = history_of(opaque);
    const char *hint = fd_kafka_hint((rd_kafka_resp_err_t)code);
    h->pending = true;
    fd_fail(&h->error, hint != NULL ? FD_FATAL : FD_RETRY,
            hint != NULL ? FD_EXIT_CONFIG : FD_EXIT_UNAVAILABLE, "kafka (history): %s%s%s", reason,
            hint != NULL ? ": " : "", hint != NULL ? hint : "");
}

static fd_tp *find(fd_kafka_history *h, fd_tp tp)
{
    for (uint32_t i = 0; i < h->n; i++) {
        if (h->parts[i].source == tp.source && h->parts[i].partition == tp.partition)
            return &h->parts[i];
    }
    return NULL;
}

static void op_close(void *self, fd_tp tp)
{
    fd_kafka_history *h = history_of(self);
    fd_tp *p = find(h, tp);
    if (p == NULL)
        return;
    rd_kafka_consume_stop(h->topics[tp.source], tp.partition);
    *p = h->parts[--h->n];
}

/* A client costs threads and memory, and most processes never look back. */
static fd_class make_client(fd_kafka_history *h, fd_err *err)
{
    const fd_kafka_history_config *c = &h->config;
    rd_kafka_conf_t *conf = fd_kafka_conf_new(&c->settings, defaults,
                                              sizeof defaults / sizeof *defaults, forced,
                                              sizeof forced / sizeof *forced, &h->owner, err);
    if (conf == NULL)
        return FD_FATAL;
    rd_kafka_conf_set_error_cb(conf, on_error);
    h->rk = fd_kafka_handle_new(RD_KAFKA_CONSUMER, conf, err);
    if (h->rk == NULL)
        return FD_FATAL;
    h->queue = rd_kafka_queue_new(h->rk);
    for (uint32_t i = 0; i < c->n_topics; i++) {
        h->topics[i] = rd_kafka_topic_new(h->rk, c->topics[i], NULL);
        FD_ASSERT(h->topics[i] != NULL);
        h->n_topics = i + 1;
    }
    return FD_OK;
}

static fd_class op_open(void *self, fd_tp tp, int64_t from, fd_err *err)
{
    fd_kafka_history *h = history_of(self);
    FD_ASSERT(tp.source < h->config.n_topics && from >= 0);
    if (h->rk == NULL && make_client(h, err) != FD_OK)
        return FD_FATAL;
    op_close(h, tp);
    if (rd_kafka_consume_start_queue(h->topics[tp.source], tp.partition, from, h->queue) != 0)
        return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "history of %s/%d: %s",
                       rd_kafka_topic_name(h->topics[tp.source]), (int)tp.partition,
                       rd_kafka_err2str(rd_kafka_last_error()));
    if (h->n == h->cap) {
        h->cap = h->cap == 0 ? 16 : h->cap * 2;
        h->parts = realloc(h->parts, h->cap * sizeof *h->parts);
        FD_ALLOCATED(h->parts);
    }
    h->parts[h->n++] = tp;
    return FD_OK;
}

/* The topic of a message, by its handle's name. */
static bool tp_of(const fd_kafka_history *h, const rd_kafka_message_t *rkm, fd_tp *out)
{
    for (uint32_t i = 0; i < h->n_topics; i++) {
        if (rkm->rkt == NULL ||
            strcmp(rd_kafka_topic_name(rkm->rkt), rd_kafka_topic_name(h->topics[i])) != 0)
            continue;
        *out = (fd_tp){.source = (uint16_t)i, .partition = rkm->partition};
        return true;
    }
    return false;
}

static void tell_error(const rd_kafka_message_t *rkm, fd_source_event *out)
{
    if (rkm->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        out->kind = FD_SOURCE_EOF;
        out->offset = rkm->offset;
        return;
    }
    if (rkm->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        rkm->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        out->kind = FD_SOURCE_GONE;
        return;
    }
    out->kind = FD_SOURCE_ERROR;
    fd_kafka_fail_query(&out->err, rkm->err, "history", rd_kafka_message_errstr(rkm));
}

static void op_poll(void *self, fd_source_event *out)
{
    fd_kafka_history *h = history_of(self);
    *out = (fd_source_event){.kind = FD_SOURCE_NONE};
    if (h->rk == NULL)
        return;
    for (;;) {
        rd_kafka_message_t *rkm = rd_kafka_consume_queue(h->queue, 0);
        if (rkm == NULL)
            break;
        bool known = tp_of(h, rkm, &out->tp) && find(h, out->tp) != NULL;
        if (known && rkm->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            out->kind = FD_SOURCE_MSG;
            fd_kafka_msg_from(rkm, out->tp.source, &out->msg);
            out->msg.handle = rkm;
            return;
        }
        if (known)
            tell_error(rkm, out);
        rd_kafka_message_destroy(rkm);
        if (known)
            return;
    }
    rd_kafka_poll(h->rk, 0); /* runs on_error */
    if (!h->pending)
        return;
    h->pending = false;
    out->kind = FD_SOURCE_ERROR;
    out->err = h->error;
}

static void op_release(void *self, fd_msg *msg)
{
    (void)self;
    rd_kafka_message_destroy(msg->handle);
    msg->handle = NULL;
}

fd_kafka_history *fd_kafka_history_new(const fd_kafka_history_config *config)
{
    FD_ASSERT(config->n_topics <= TOPICS_MAX);
    fd_kafka_history *h = calloc(1, sizeof *h);
    FD_ALLOCATED(h);
    h->magic = HISTORY_MAGIC;
    h->config = *config;
    return h;
}

fd_history fd_kafka_history_port(fd_kafka_history *h)
{
    static const fd_history_ops ops = {
        .open = op_open, .close = op_close, .poll = op_poll, .release = op_release};
    return (fd_history){.ops = &ops, .self = h};
}

void fd_kafka_history_free(fd_kafka_history *h)
{
    if (h == NULL)
        return;
    while (h->n > 0)
        op_close(h, h->parts[0]);
    for (uint32_t i = 0; i < h->n_topics; i++)
        rd_kafka_topic_destroy(h->topics[i]);
    if (h->queue != NULL)
        rd_kafka_queue_destroy(h->queue);
    if (h->rk != NULL)
        rd_kafka_destroy(h->rk);
    free(h->parts);
    free(h);
}
