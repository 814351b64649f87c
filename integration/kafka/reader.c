/*
 * A reader outside any group, for tap, replay and tests.
 *
 * It uses librdkafka's simple consumer (start, stop per partition on one queue): no group, so no
 * rights on one are needed and nothing can be committed. Unless it follows, a partition ends at
 * the end that it had when the reader began (or at `until`), or at an earlier end-of-partition (the
 * last stable offset). Read by partition, each has a queue of its own, which librdkafka fills to a
 * bound: whoever merges partitions waits for one without the others piling up. Thread: the owner's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "kafka/client_int.h"
#include "kafka/consumer_int.h"

enum { READER_MAGIC = 0x464b5244, QUERY_MS = 5000 };

static const fd_kafka_setting_item defaults[] = {
    {"client.id", "fraudd", false},
    {"socket.nagle.disable", "true", false},
    {"fetch.wait.max.ms", "50", false},
    {"fetch.queue.backoff.ms", "5", true},
    {"queued.min.messages", "100000", false},
    {"isolation.level", "read_committed", false},
    {"check.crcs", "true", false},
};
/* Per partition, when each has its own queue. */
static const fd_kafka_setting_item split_defaults[] = {
    {"client.id", "fraudd", false},
    {"socket.nagle.disable", "true", false},
    {"fetch.wait.max.ms", "50", false},
    {"fetch.queue.backoff.ms", "5", true},
    {"queued.min.messages", "20000", false},
    {"queued.max.messages.kbytes", "4096", false},
    {"isolation.level", "read_committed", false},
    {"check.crcs", "true", false},
};
static const fd_kafka_setting_item forced[] = {
    {"enable.auto.commit", "false", false},       {"enable.auto.offset.store", "false", false},
    {"auto.offset.reset", "error", false},        {"enable.partition.eof", "true", false},
    {"allow.auto.create.topics", "false", false},
};

typedef struct part {
    bool started, ended;
    int64_t begin;
    int64_t end;             /* of what is read: the log's when the reader began, or `until` */
    rd_kafka_queue_t *queue; /* its own; NULL: the reader's */
} part;

struct fd_kafka_reader {
    fd_kafka_owner owner; /* first: the opaque of the handle */
    uint32_t magic;
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    rd_kafka_queue_t *queue;
    part *parts;
    int32_t partitions;
    int32_t running;
    bool follow, by_partition;
    bool pending; /* error holds something to tell */
    fd_err error;
};

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk;
    fd_kafka_reader *r = opaque;
    FD_CHECK_MAGIC(r, READER_MAGIC);
    const char *hint = fd_kafka_hint((rd_kafka_resp_err_t)code);
    r->pending = true;
    fd_fail(&r->error, hint != NULL ? FD_FATAL : FD_RETRY,
            hint != NULL ? FD_EXIT_CONFIG : FD_EXIT_UNAVAILABLE, "kafka: %s%s%s", reason,
            hint != NULL ? ": " : "", hint != NULL ? hint : "");
}

/* ---- where to begin ---- */

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static fd_class at_time(fd_kafka_reader *r, int32_t p, int64_t ms, int64_t high, int64_t *out,
                        fd_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *e = rd_kafka_topic_partition_list_add(
        list, rd_kafka_topic_name(r->rkt), p);
    e->offset = ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(r->rk, list, QUERY_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = e->err;
    *out = e->offset >= 0 ? e->offset : high;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return FD_OK;
    return fd_kafka_fail_query(err, code, "offset at a time", NULL);
}

/* The offset of a position in the log, which has [low, high). */
static fd_class place(fd_kafka_reader *r, int32_t p, const fd_kafka_from *from, int64_t low,
                      int64_t high, int64_t *out, fd_err *err)
{
    switch (from->kind) {
    case FD_KAFKA_FROM_BEGINNING:
        *out = low;
        return FD_OK;
    case FD_KAFKA_FROM_END:
        *out = high;
        return FD_OK;
    case FD_KAFKA_FROM_OFFSET:
        *out = clamp(from->value, low, high);
        return FD_OK;
    case FD_KAFKA_FROM_TAIL:
        *out = clamp(from->value > high ? 0 : high - from->value, low, high);
        return FD_OK;
    case FD_KAFKA_FROM_TIME:
        return at_time(r, p, from->value, high, out, err);
    }
    FD_UNREACHABLE();
}

static fd_class locate(fd_kafka_reader *r, int32_t p, const fd_kafka_from *from,
                       const fd_kafka_from *until, fd_err *err)
{
    part *it = &r->parts[p];
    int64_t low, high;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(r->rk, rd_kafka_topic_name(r->rkt),
                                                                p, &low, &high, QUERY_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_kafka_fail_query(err, code, "first and last offset", NULL);
    fd_class cls = place(r, p, from, low, high, &it->begin, err);
    return cls == FD_OK ? place(r, p, until, low, high, &it->end, err) : cls;
}

static fd_class start(fd_kafka_reader *r, int32_t p, fd_err *err)
{
    part *it = &r->parts[p];
    if (!r->follow && it->begin >= it->end) {
        it->ended = true;
        return FD_OK;
    }
    it->queue = r->by_partition ? rd_kafka_queue_new(r->rk) : NULL;
    rd_kafka_queue_t *queue = r->by_partition ? it->queue : r->queue;
    if (rd_kafka_consume_start_queue(r->rkt, p, it->begin, queue) != 0)
        return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "topic '%s' partition %d: %s",
                       rd_kafka_topic_name(r->rkt), (int)p,
                       rd_kafka_err2str(rd_kafka_last_error()));
    it->started = true;
    r->running++;
    return FD_OK;
}

static fd_class begin(fd_kafka_reader *r, const fd_kafka_reader_config *config, fd_err *err)
{
    const char *end = config->until == NULL || config->follow ? "end" : config->until;
    fd_kafka_from from, until = {.kind = FD_KAFKA_FROM_END};
    fd_class cls = fd_kafka_from_parse(config->from, config->now_ms, &from, err);
    if (cls == FD_OK)
        cls = fd_kafka_from_parse(end, config->now_ms, &until, err);
    if (cls == FD_OK)
        cls = fd_kafka_topic_partitions(r->rk, r->rkt, &config->settings, config->timeout_ms,
                                        &r->partitions, err);
    if (cls == FD_OK && config->partition >= r->partitions)
        cls = fd_fail(err, FD_FATAL, FD_EXIT_USAGE, "topic '%s' has partitions 0 to %d, not %d",
                      config->topic, (int)r->partitions - 1, (int)config->partition);
    if (cls != FD_OK)
        return cls;
    r->parts = calloc((size_t)r->partitions, sizeof *r->parts);
    FD_ALLOCATED(r->parts);
    for (int32_t p = 0; p < r->partitions && cls == FD_OK; p++) {
        if (config->partition < 0 || config->partition == p)
            cls = locate(r, p, &from, &until, err);
    }
    for (int32_t p = 0; p < r->partitions && cls == FD_OK; p++) {
        if (config->partition < 0 || config->partition == p)
            cls = start(r, p, err);
    }
    return cls;
}

fd_class fd_kafka_reader_new(const fd_kafka_reader_config *config, fd_kafka_reader **out,
                             fd_err *err)
{
    *out = NULL;
    if (!fd_kafka_topic_name_ok(config->topic))
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "topic '%s': Kafka allows 1 to 249 letters, digits, '.', '_' and '-'",
                       config->topic == NULL ? "" : config->topic);
    fd_kafka_reader *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->magic = READER_MAGIC;
    r->follow = config->follow;
    r->by_partition = config->by_partition;
    const fd_kafka_setting_item *own = r->by_partition ? split_defaults : defaults;
    size_t n_own = r->by_partition ? sizeof split_defaults / sizeof *split_defaults
                                   : sizeof defaults / sizeof *defaults;
    rd_kafka_conf_t *conf = fd_kafka_conf_new(&config->settings, own, n_own, forced,
                                              sizeof forced / sizeof *forced, &r->owner, err);
    if (conf != NULL) {
        rd_kafka_conf_set_error_cb(conf, on_error);
        r->rk = fd_kafka_handle_new(RD_KAFKA_CONSUMER, conf, err);
    }
    fd_class cls = r->rk == NULL ? FD_FATAL : FD_OK;
    if (cls == FD_OK) {
        r->rkt = rd_kafka_topic_new(r->rk, config->topic, NULL);
        FD_ASSERT(r->rkt != NULL);
        r->queue = rd_kafka_queue_new(r->rk);
        cls = begin(r, config, err);
    }
    if (cls != FD_OK) {
        fd_kafka_reader_free(r);
        return cls;
    }
    *out = r;
    return FD_OK;
}

int32_t fd_kafka_reader_partitions(const fd_kafka_reader *r)
{
    return r->partitions;
}

bool fd_kafka_reader_range(const fd_kafka_reader *r, int32_t partition, int64_t *begin,
                           int64_t *end)
{
    const part *it = &r->parts[partition];
    *begin = it->begin;
    *end = it->end;
    return it->started;
}

/* ---- reading ---- */

static void end_of(fd_kafka_reader *r, part *it)
{
    if (r->follow || it->ended)
        return;
    it->ended = true;
    r->running--;
}

/* Takes rkm. NONE = look for more. */
static fd_kafka_read take(fd_kafka_reader *r, rd_kafka_message_t *rkm, fd_msg *msg, fd_err *err)
{
    part *it = rkm->partition >= 0 && rkm->partition < r->partitions ? &r->parts[rkm->partition]
                                                                     : NULL;
    if (rkm->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        FD_ASSERT(it != NULL);
        bool beyond = it->ended || (!r->follow && rkm->offset >= it->end);
        if (!r->follow && rkm->offset + 1 >= it->end)
            end_of(r, it);
        if (!beyond) {
            fd_kafka_msg_from(rkm, 0, msg);
            msg->handle = rkm;
            return FD_KAFKA_READ_MSG;
        }
        rd_kafka_message_destroy(rkm);
        return FD_KAFKA_READ_NONE;
    }
    fd_kafka_read kind = FD_KAFKA_READ_NONE;
    if (rkm->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (it != NULL)
            end_of(r, it);
    } else {
        kind = FD_KAFKA_READ_ERROR;
        fd_class cls = fd_kafka_fail_query(err, rkm->err, rd_kafka_topic_name(r->rkt),
                                           rd_kafka_message_errstr(rkm));
        /* After this, librdkafka fetches nothing of the partition any more. */
        if (cls == FD_RETRY && rkm->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
            fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "topic '%s' partition %d: %s",
                    rd_kafka_topic_name(r->rkt), (int)rkm->partition, rd_kafka_message_errstr(rkm));
    }
    rd_kafka_message_destroy(rkm);
    return kind;
}

/* `one`: the partition that the queue belongs to; NULL: all of them. */
static fd_kafka_read poll_queue(fd_kafka_reader *r, rd_kafka_queue_t *queue, const part *one,
                                int timeout_ms, fd_msg *msg, fd_err *err)
{
    int64_t until = fd_kafka_now_ms() + timeout_ms;
    for (;;) {
        if (one != NULL ? one->ended : !r->follow && r->running == 0)
            return FD_KAFKA_READ_END;
        int64_t left = until - fd_kafka_now_ms();
        rd_kafka_message_t *rkm = rd_kafka_consume_queue(queue, left > 0 ? (int)left : 0);
        if (rkm == NULL) {
            rd_kafka_poll(r->rk, 0); /* runs on_error */
            if (!r->pending)
                return FD_KAFKA_READ_NONE;
            r->pending = false;
            *err = r->error;
            return FD_KAFKA_READ_ERROR;
        }
        fd_kafka_read kind = take(r, rkm, msg, err);
        if (kind != FD_KAFKA_READ_NONE)
            return kind;
    }
}

fd_kafka_read fd_kafka_reader_poll(fd_kafka_reader *r, int timeout_ms, fd_msg *msg, fd_err *err)
{
    FD_CHECK_MAGIC(r, READER_MAGIC);
    FD_ASSERT(!r->by_partition);
    return poll_queue(r, r->queue, NULL, timeout_ms, msg, err);
}

fd_kafka_read fd_kafka_reader_poll_partition(fd_kafka_reader *r, int32_t partition, int timeout_ms,
                                             fd_msg *msg, fd_err *err)
{
    FD_CHECK_MAGIC(r, READER_MAGIC);
    FD_ASSERT(r->by_partition && partition >= 0 && partition < r->partitions);
    const part *it = &r->parts[partition];
    if (!it->started)
        return FD_KAFKA_READ_END;
    return poll_queue(r, it->queue, it, timeout_ms, msg, err);
}

uint32_t fd_kafka_reader_headers(const fd_msg *msg, fd_header *out, uint32_t max)
{
    return fd_kafka_msg_headers(msg, out, max);
}

void fd_kafka_reader_release(fd_msg *msg)
{
    FD_ASSERT(msg->handle != NULL);
    rd_kafka_message_destroy(msg->handle);
    msg->handle = NULL;
}

void fd_kafka_reader_free(fd_kafka_reader *r)
{
    if (r == NULL)
        return;
    FD_CHECK_MAGIC(r, READER_MAGIC);
    for (int32_t p = 0; r->parts != NULL && p < r->partitions; p++) {
        if (r->parts[p].started)
            rd_kafka_consume_stop(r->rkt, p);
        if (r->parts[p].queue != NULL)
            rd_kafka_queue_destroy(r->parts[p].queue);
    }
    if (r->queue != NULL)
        rd_kafka_queue_destroy(r->queue);
    if (r->rkt != NULL)
        rd_kafka_topic_destroy(r->rkt);
    if (r->rk != NULL)
        rd_kafka_destroy(r->rk);
    free(r->parts);
    r->magic = 0;
    free(r);
}
