/*
 * What the plain writer and the group-less reader share: finding a topic.
 * Thread: the owner's.
 */
#include <time.h>

#include "kafka/client_int.h"

enum { PAUSE_MS = 50 };

int64_t fd_kafka_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static fd_class ask(rd_kafka_t *rk, rd_kafka_topic_t *rkt, const fd_kafka_settings *settings,
                    int timeout_ms, int32_t *partitions, fd_err *err)
{
    const struct rd_kafka_metadata *md;
    const char *name = rd_kafka_topic_name(rkt);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, rkt, &md, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char *where = fd_kafka_setting(settings, "bootstrap.servers");
        return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "no Kafka broker answers at %s: %s",
                       where != NULL ? where : "(bootstrap.servers is not set)",
                       rd_kafka_err2str(code));
    }
    code = md->topic_cnt == 1 ? md->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *partitions = md->topic_cnt == 1 ? md->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(md);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return fd_kafka_fail_no_topic(err, "the", name, -1);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_kafka_fail_query(err, code, name, NULL);
    if (*partitions > 0)
        return FD_OK;
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "topic '%s' has no partitions yet", name);
}

fd_class fd_kafka_topic_partitions(rd_kafka_t *rk, rd_kafka_topic_t *rkt,
                                   const fd_kafka_settings *settings, int timeout_ms,
                                   int32_t *partitions, fd_err *err)
{
    int64_t until = fd_kafka_now_ms() + timeout_ms;
    for (;;) {
        int64_t left = until - fd_kafka_now_ms();
        fd_class cls = ask(rk, rkt, settings, left < 1 ? 1 : (int)left, partitions, err);
        if (cls != FD_RETRY || fd_kafka_now_ms() + PAUSE_MS >= until)
            return cls;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
}
