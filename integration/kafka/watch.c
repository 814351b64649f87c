/*
 * Noticing requests whose outcome the client cannot know.
 *
 * Why: librdkafka repeats requests of a transaction over another connection by itself and says
 * nothing. Before KIP-890 part 2 (which it does not speak) the first copy, delayed somewhere, can
 * then act on a *later* transaction of the same producer epoch: an EndTxn completes it early, a
 * TxnOffsetCommit or AddPartitionsToTxn joins it. A new epoch (destroy and open) makes every old
 * copy void; so the lane is marked `dirty` and the pipeline renews it before its next begin.
 *
 * Indefinite are: an error on the way (transport, timeout: on_response_received has err set,
 * which never is a broker's answer - those are parsed later), and an EndTxn sent again before the
 * previous one was answered. Definite, and so harmless, is every answer of a broker, refusals
 * such as CONCURRENT_TRANSACTIONS or COORDINATOR_LOAD_IN_PROGRESS included: that request is done
 * with. InitProducerId is watched too, but its own indefinite errors during open() are forgotten
 * when open() succeeds: a late copy only raises the epoch again, which fences (and so ends) this
 * producer, and cannot touch a transaction in any other way.
 *
 * Thread: librdkafka's broker threads; atomics only, no call into librdkafka.
 */
#include "base/assert.h"
#include "kafka/producer_int.h"

/* Requests that take part in a transaction. */
#define FD_WATCHED(X)            \
    X(PRODUCE, 0)                \
    X(INIT_PRODUCER_ID, 22)      \
    X(ADD_PARTITIONS_TO_TXN, 24) \
    X(ADD_OFFSETS_TO_TXN, 25)    \
    X(END_TXN, 26)               \
    X(TXN_OFFSET_COMMIT, 28)

typedef enum fd_api_key {
#define X(name, key) FD_API_##name = key,
    FD_WATCHED(X)
#undef X
} fd_api_key;

static bool watched(int16_t key)
{
    switch (key) {
#define X(name, number) case number:
        FD_WATCHED(X)
#undef X
        return true;
    default:
        return false;
    }
}

static rd_kafka_resp_err_t on_request_sent(rd_kafka_t *rk, int sockfd, const char *broker,
                                           int32_t broker_id, int16_t key, int16_t version,
                                           int32_t corr_id, size_t size, void *opaque)
{
    (void)rk, (void)sockfd, (void)broker, (void)broker_id, (void)version, (void)corr_id, (void)size;
    fd_watch *w = opaque;
    if (key == FD_API_END_TXN && atomic_exchange(&w->end_pending, true))
        atomic_store(&w->dirty, true);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_response(rd_kafka_t *rk, int sockfd, const char *broker,
                                       int32_t broker_id, int16_t key, int16_t version,
                                       int32_t corr_id, size_t size, int64_t rtt,
                                       rd_kafka_resp_err_t err, void *opaque)
{
    (void)rk, (void)sockfd, (void)broker, (void)broker_id, (void)version, (void)corr_id, (void)size,
        (void)rtt;
    fd_watch *w = opaque;
    if (!watched(key))
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        atomic_store(&w->dirty, true);
    else if (key == FD_API_INIT_PRODUCER_ID)
        atomic_store(&w->init_answered, true);
    if (key == FD_API_END_TXN)
        atomic_store(&w->end_pending, false);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
                                  char *errstr, size_t errstr_size)
{
    (void)conf, (void)errstr, (void)errstr_size;
    rd_kafka_resp_err_t code = rd_kafka_interceptor_add_on_request_sent(rk, "fraudd",
                                                                        on_request_sent, opaque);
    FD_ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    code = rd_kafka_interceptor_add_on_response_received(rk, "fraudd", on_response, opaque);
    FD_ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void fd_watch_install(rd_kafka_conf_t *conf, fd_watch *watch)
{
    rd_kafka_resp_err_t code = rd_kafka_conf_interceptor_add_on_new(conf, "fraudd", on_new, watch);
    FD_ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
}
