/*
 * Birth and death of a lane: settings, init_transactions, the output topics' partitions.
 *
 * open() can be repeated after RETRY and goes on where it was. Thread: the lane's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "kafka/client_int.h"
#include "kafka/producer_int.h"

/* An answer that is late must be given up well before the broker ends the transaction. */
enum { SOCKET_TIMEOUT_MAX_MS = 5000, TRANSACTION_TIMEOUT_MS = 10000, METADATA_SLICE_MS = 2000 };
enum { INIT_SLICE_MS = 20, IMPATIENCE_MAX = 20 };

/* retry.backoff.ms=1: half of all send_offsets wait one backoff for the previous transaction's
 * markers. max.in.flight and retries are the idempotent producer's own. */
static const fd_kafka_setting_item defaults[] = {
    {"client.id", "fraudd", false},
    {"socket.nagle.disable", "true", false},
    {"socket.keepalive.enable", "true", false},
    {"reconnect.backoff.ms", "20", false},
    {"reconnect.backoff.max.ms", "1000", false},
    {"retry.backoff.ms", "1", false},
    {"linger.ms", "0", false},
    {"batch.size", "1000000", false},
    {"batch.num.messages", "100000", false},
    {"queue.buffering.max.messages", "200000", false},
    {"transaction.timeout.ms", "10000", false},
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *rkm, void *opaque)
{
    (void)rk;
    fd_lane *lane = opaque;
    FD_CHECK_MAGIC(&lane->owner, FD_KAFKA_OWNER_MAGIC);
    if (rkm->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        lane->delivered++;
        return;
    }
    lane->failed++;
    if (rkm->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        lane->too_large = true;
}

rd_kafka_conf_t *fd_lane_conf(fd_kafka_txn *t, fd_lane *lane, fd_err *err)
{
    const char *given = fd_kafka_setting(&t->settings, "transaction.timeout.ms");
    long txn_ms = given == NULL ? TRANSACTION_TIMEOUT_MS : strtol(given, NULL, 10);
    long socket_ms = txn_ms / 2 < SOCKET_TIMEOUT_MAX_MS ? txn_ms / 2 : SOCKET_TIMEOUT_MAX_MS;
    char socket_text[24];
    snprintf(socket_text, sizeof socket_text, "%ld", socket_ms < 500 ? 500 : socket_ms);
    fd_kafka_setting_item first[sizeof defaults / sizeof *defaults + 1];
    size_t n_first = sizeof defaults / sizeof *defaults;
    memcpy(first, defaults, sizeof defaults);
    first[n_first++] = (fd_kafka_setting_item){"socket.timeout.ms", socket_text, false};
    const fd_kafka_setting_item forced[] = {
        {"transactional.id", lane->id, false},
        {"enable.idempotence", "true", false},
        {"acks", "all", false},
    };
    rd_kafka_conf_t *conf = fd_kafka_conf_new(&t->settings, first, n_first, forced,
                                              sizeof forced / sizeof *forced, &lane->owner, err);
    if (conf != NULL) {
        /* Without a delivery report callback every commit waits in slices of 10 ms. */
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        fd_watch_install(conf, &lane->watch);
    }
    return conf;
}

static fd_class create(fd_kafka_txn *t, fd_lane *lane, fd_err *err)
{
    rd_kafka_conf_t *conf = fd_lane_conf(t, lane, err);
    if (conf == NULL)
        return FD_FATAL;
    lane->initialised = lane->open = lane->too_large = false;
    atomic_store(&lane->watch.dirty, false);
    atomic_store(&lane->watch.end_pending, false);
    atomic_store(&lane->watch.init_answered, false);
    lane->rk = fd_kafka_handle_new(RD_KAFKA_PRODUCER, conf, err);
    return lane->rk == NULL ? FD_FATAL : FD_OK;
}

/* Takes error. */
static fd_class init_failed(fd_lane *lane, rd_kafka_error_t *error, fd_err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    const char *hint = fd_kafka_hint(code);
    bool again = rd_kafka_error_is_retriable(error) && !rd_kafka_error_is_fatal(error);
    fd_class cls = fd_fail(err, again && hint == NULL ? FD_RETRY : FD_FATAL,
                           hint != NULL ? FD_EXIT_CONFIG : 0, "open transactional id %s: %s%s%s",
                           lane->id, rd_kafka_error_string(error), hint != NULL ? ": " : "",
                           hint != NULL ? hint : "");
    rd_kafka_error_destroy(error);
    return cls;
}

/* The broker refuses InitProducerId while it still aborts what the predecessor left open, which
 * takes it milliseconds; librdkafka then waits a fixed 500 ms. A new handle asks at once. */
static fd_class initialise(fd_kafka_txn *t, fd_lane *lane, int timeout_ms, fd_err *err)
{
    int64_t until = fd_kafka_now_ms() + timeout_ms;
    for (;;) {
        bool impatient = lane->impatience < IMPATIENCE_MAX;
        int64_t left = until - fd_kafka_now_ms();
        int64_t slice = impatient && left > INIT_SLICE_MS ? INIT_SLICE_MS : left;
        rd_kafka_error_t *error = rd_kafka_init_transactions(lane->rk, slice < 1 ? 1 : (int)slice);
        if (error == NULL) {
            lane->initialised = true;
            return FD_OK;
        }
        fd_class cls = init_failed(lane, error, err);
        if (cls != FD_RETRY || fd_kafka_now_ms() >= until)
            return cls;
        if (!impatient || !atomic_load(&lane->watch.init_answered))
            continue;
        lane->impatience++;
        rd_kafka_destroy(lane->rk);
        lane->rk = NULL;
        cls = create(t, lane, err);
        if (cls != FD_OK)
            return cls;
    }
}

/* The partition count; also warms the metadata, without which the first transaction to a topic
 * takes a second longer. */
static fd_class learn_topic(fd_kafka_txn *t, fd_lane *lane, int i, int timeout_ms, fd_err *err)
{
    if (lane->topics[i] == NULL)
        lane->topics[i] = rd_kafka_topic_new(lane->rk, t->topics[i], NULL);
    if (lane->topics[i] == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "output topic '%s': %s", t->topics[i],
                       rd_kafka_err2str(rd_kafka_last_error()));
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t code = rd_kafka_metadata(lane->rk, 0, lane->topics[i], &md, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_kafka_fail_query(err, code, "metadata of an output topic", NULL);
    FD_ASSERT(md->topic_cnt == 1);
    int32_t partitions = md->topics[0].partition_cnt;
    code = md->topics[0].err;
    rd_kafka_metadata_destroy(md);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && atomic_load(&t->partitions[i]) == 0)
        return fd_kafka_fail_no_topic(err, "output", t->topics[i], -1);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_kafka_fail_query(err, code, t->topics[i], NULL);
    if (partitions <= 0)
        return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE,
                       "output topic '%s' has no partitions yet", t->topics[i]);
    atomic_store(&t->partitions[i], partitions);
    return FD_OK;
}

fd_class fd_txn_open(void *self, int lane_no, int timeout_ms, fd_err *err)
{
    fd_kafka_txn *t = fd_txn_of(self);
    fd_lane *lane = fd_lane_of(self, lane_no);
    FD_ASSERT(!lane->open);
    fd_class cls = lane->rk == NULL ? create(t, lane, err) : FD_OK;
    if (cls == FD_OK && !lane->initialised)
        cls = initialise(t, lane, timeout_ms, err);
    int slice_ms = timeout_ms < METADATA_SLICE_MS ? timeout_ms : METADATA_SLICE_MS;
    for (int i = 0; i < FD_N_OUT_TOPICS && cls == FD_OK; i++)
        cls = learn_topic(t, lane, i, slice_ms, err);
    if (cls != FD_OK)
        return cls;
    atomic_store(&lane->watch.dirty, false); /* see watch.c about InitProducerId */
    lane->open = true;
    lane->impatience = 0;
    return FD_OK;
}

void fd_txn_destroy(void *self, int lane_no)
{
    fd_lane *lane = fd_lane_of(self, lane_no);
    if (lane->rk == NULL)
        return;
    for (int i = 0; i < FD_N_OUT_TOPICS; i++) {
        if (lane->topics[i] != NULL)
            rd_kafka_topic_destroy(lane->topics[i]);
        lane->topics[i] = NULL;
    }
    /* Joins librdkafka's threads: afterwards nobody looks at payloads any more. */
    rd_kafka_destroy(lane->rk);
    lane->rk = NULL;
    lane->open = lane->initialised = false;
    lane->impatience = 0;
}
