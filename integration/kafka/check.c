/*
 * Start-up checks; see check.h. A consumer handle without a group asks for metadata, because a
 * producer's question would make the broker create a topic whose name has a typing error.
 *
 * Thread: any; the handle lives for one call.
 */
#include "kafka/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "kafka/kafka_int.h"

enum { QUESTION_MS = 1000, PAUSE_MS = 100, TROUBLE_CHARS = 256 };

/* Older ones work, but rebalance by stopping everything and recover from broker faults badly. */
static const int advised = 0x020a01ff;

static const fd_kafka_setting_item defaults[] = {
    {"client.id", "fraudd-check", false},
    {"socket.nagle.disable", "true", false},
    {"reconnect.backoff.ms", "50", false},
    {"reconnect.backoff.max.ms", "500", false},
};
static const fd_kafka_setting_item forced[] = {
    {"allow.auto.create.topics", "false", false},
    {"enable.auto.commit", "false", false},
};

typedef struct checker {
    fd_kafka_owner owner; /* first: the opaque of the handle */
    rd_kafka_t *rk;
    pthread_mutex_t lock;
    rd_kafka_resp_err_t code; /* the last trouble with a broker, from librdkafka's threads */
    char trouble[TROUBLE_CHARS];
} checker;

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk;
    checker *c = opaque;
    /* That all are down says less than why the last one was. */
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return;
    pthread_mutex_lock(&c->lock);
    c->code = (rd_kafka_resp_err_t)code;
    size_t n = strnlen(reason, sizeof c->trouble - 1);
    memcpy(c->trouble, reason, n);
    c->trouble[n] = '\0';
    pthread_mutex_unlock(&c->lock);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(int ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000L};
    nanosleep(&t, NULL);
}

static fd_class unreachable(checker *c, const fd_kafka_settings *settings, rd_kafka_resp_err_t code,
                            fd_err *err)
{
    const char *where = fd_kafka_setting(settings, "bootstrap.servers");
    if (where == NULL)
        where = fd_kafka_setting(settings, "metadata.broker.list");
    if (where == NULL || *where == '\0')
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "no Kafka broker is named: set kafka: {bootstrap.servers: HOST:PORT}");
    pthread_mutex_lock(&c->lock);
    rd_kafka_resp_err_t why = c->code;
    char trouble[TROUBLE_CHARS];
    memcpy(trouble, c->trouble, sizeof trouble);
    pthread_mutex_unlock(&c->lock);
    /* A wrong password or certificate does not mend itself. */
    const char *hint = fd_kafka_hint(why);
    if (hint == NULL && (why == RD_KAFKA_RESP_ERR__AUTHENTICATION || why == RD_KAFKA_RESP_ERR__SSL))
        hint = "correct security.protocol, sasl.* and ssl.* under kafka:";
    if (hint != NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "Kafka at %s refuses: %s: %s", where, trouble,
                       hint);
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "no Kafka broker answers at %s: %s", where,
                   trouble[0] != '\0' ? trouble : rd_kafka_err2str(code));
}

/* One question about one topic. */
static fd_class ask(checker *c, const fd_kafka_settings *settings, fd_kafka_topic *topics,
                    uint32_t i, int timeout_ms, fd_err *err)
{
    fd_kafka_topic *t = &topics[i];
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, t->name, NULL);
    if (rkt == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "%s topic '%s': %s", t->what, t->name,
                       rd_kafka_err2str(rd_kafka_last_error()));
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t code = rd_kafka_metadata(c->rk, 0, rkt, &md, timeout_ms);
    rd_kafka_topic_destroy(rkt);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_poll(c->rk, 0); /* runs on_error */
        return unreachable(c, settings, code, err);
    }
    code = md->topic_cnt == 1 ? md->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    t->partitions = md->topic_cnt == 1 ? md->topics[0].partition_cnt : 0;
    t->without_a_leader = 0;
    for (int32_t p = 0; p < t->partitions; p++)
        t->without_a_leader += md->topics[0].partitions[p].leader < 0;
    rd_kafka_metadata_destroy(md);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return fd_kafka_fail_no_topic(err, t->what, t->name,
                                      t->like >= 0 ? topics[t->like].partitions : -1);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
        char what[FD_KAFKA_ERRSTR];
        snprintf(what, sizeof what, "%s topic '%s'", t->what, t->name);
        return fd_kafka_fail_query(err, code, what, NULL);
    }
    if (t->partitions > 0)
        return FD_OK;
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s topic '%s' has no partitions yet",
                   t->what, t->name);
}

static void warn(const fd_kafka_topic *topics, uint32_t n, fd_strbuf *warnings)
{
    if (warnings == NULL)
        return;
    if (rd_kafka_version() < advised)
        fd_strbuf_printf(warnings,
                         "librdkafka %s: 2.10.1 or newer is advised (cooperative rebalances, "
                         "recovery from broker faults)\n",
                         rd_kafka_version_str());
    for (uint32_t i = 0; i < n; i++) {
        if (topics[i].without_a_leader > 0)
            fd_strbuf_printf(warnings, "%s topic '%s': %d of %d partitions have no leader\n",
                             topics[i].what, topics[i].name, (int)topics[i].without_a_leader,
                             (int)topics[i].partitions);
    }
}

fd_class fd_kafka_check(const fd_kafka_settings *settings, fd_kafka_topic *topics, uint32_t n,
                        int timeout_ms, fd_strbuf *warnings, fd_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        FD_ASSERT(topics[i].like < (int32_t)i); /* counts are known in this order */
        if (!fd_kafka_topic_name_ok(topics[i].name))
            return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                           "%s topic '%s': Kafka allows 1 to 249 letters, digits, '.', '_' and '-'",
                           topics[i].what, topics[i].name);
    }
    checker c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    /* librdkafka's lines would say each refused connection again. */
    fd_kafka_settings quiet = *settings;
    quiet.log = (fd_kafka_log){0};
    rd_kafka_conf_t *conf = fd_kafka_conf_new(&quiet, defaults, sizeof defaults / sizeof *defaults,
                                              forced, sizeof forced / sizeof *forced, &c.owner,
                                              err);
    if (conf == NULL)
        return FD_FATAL;
    rd_kafka_conf_set_error_cb(conf, on_error);
    c.rk = fd_kafka_handle_new(RD_KAFKA_CONSUMER, conf, err);
    if (c.rk == NULL)
        return FD_FATAL;
    int64_t until = now_ms() + timeout_ms;
    fd_class cls = FD_OK;
    for (uint32_t i = 0; i < n && cls == FD_OK; i++) {
        for (;;) {
            int64_t left = until - now_ms();
            int slice = left > QUESTION_MS ? QUESTION_MS : left < 1 ? 1 : (int)left;
            cls = ask(&c, settings, topics, i, slice, err);
            if (cls != FD_RETRY || now_ms() + PAUSE_MS >= until)
                break;
            pause_ms(PAUSE_MS);
        }
    }
    rd_kafka_destroy(c.rk);
    pthread_mutex_destroy(&c.lock);
    if (cls == FD_OK)
        warn(topics, n, warnings);
    return cls;
}
