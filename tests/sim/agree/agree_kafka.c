/*
 * Histories against a real broker ($KAFKA_BOOTSTRAP), through the adapter of integration/kafka.
 * Topics are made, and what is visible is read, with librdkafka itself.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agree.h"
#include "base/assert.h"
#include "by_hand.h"
#include "kafka/consumer.h"
#include "kafka/producer.h"

enum { CALL_MS = 20000, RECORDS = 10, SETTINGS = 4 };

typedef struct process {
    fd_kv items[SETTINGS];
    fd_kvs map;
    char timeout[16], stem[128];
    fd_kafka_source *source;
    fd_kafka_txn *txn;
} process;

static process processes[AGREE_PROCESSES];
static char in[64], out[64], dlq[64], group[64];
static int timeout_ms;
static unsigned runs;

static const char *bootstrap(void)
{
    return getenv("KAFKA_BOOTSTRAP");
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pass(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static rd_kafka_t *plain(rd_kafka_type_t type)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *pairs[] = {"bootstrap.servers",
                           bootstrap(),
                           "isolation.level",
                           "read_committed",
                           "group.id",
                           "agree-look",
                           "enable.auto.commit",
                           "false",
                           "enable.partition.eof",
                           "true"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i += 2) {
        if (type == RD_KAFKA_CONSUMER || i == 0)
            FD_ASSERT(rd_kafka_conf_set(conf, pairs[i], pairs[i + 1], text, sizeof text) ==
                      RD_KAFKA_CONF_OK);
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    FD_ASSERT(rk != NULL);
    return rk;
}

static void make_topic(rd_kafka_t *rk, const char *name, int partitions)
{
    char text[512];
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(name, partitions, 1, text, sizeof text);
    rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
    rd_kafka_event_t *e = rd_kafka_queue_poll(q, CALL_MS);
    FD_ASSERT(e != NULL && rd_kafka_event_error(e) == 0);
    rd_kafka_event_destroy(e);
    rd_kafka_NewTopic_destroy(t);
    rd_kafka_queue_destroy(q);
}

static void begin(const char *history, int txn_timeout_ms)
{
    (void)history;
    timeout_ms = txn_timeout_ms;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    long long id = (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    runs++;
    snprintf(in, sizeof in, "agree-%lld-%u-in", id, runs);
    snprintf(out, sizeof out, "agree-%lld-%u-out", id, runs);
    snprintf(dlq, sizeof dlq, "agree-%lld-%u-dlq", id, runs);
    snprintf(group, sizeof group, "agree-%lld-%u", id, runs);
    rd_kafka_t *rk = plain(RD_KAFKA_PRODUCER);
    make_topic(rk, in, AGREE_PARTITIONS);
    make_topic(rk, out, AGREE_PARTITIONS);
    make_topic(rk, dlq, 1);
    pass(200);
    char value[] = "in";
    for (int i = 0; i < RECORDS * AGREE_PARTITIONS; i++)
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(in), RD_KAFKA_V_PARTITION(i % AGREE_PARTITIONS),
                          RD_KAFKA_V_VALUE(value, 2), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_END);
    rd_kafka_flush(rk, CALL_MS);
    rd_kafka_destroy(rk);
    by_hand_open(bootstrap(), group, in, out, txn_timeout_ms);
}

static void end(void)
{
    for (int i = 0; i < AGREE_PROCESSES; i++) {
        fd_kafka_txn_free(processes[i].txn);
        fd_kafka_source_free(processes[i].source);
        processes[i] = (process){0};
    }
    by_hand_close();
}

static void start(int i, const char *instance)
{
    process *p = &processes[i];
    snprintf(p->timeout, sizeof p->timeout, "%d", timeout_ms);
    p->items[0] = (fd_kv){.key = "bootstrap.servers", .value = bootstrap()};
    p->map = (fd_kvs){.items = p->items, .n = 1};
    const char *const topics[] = {in};
    fd_err err;
    fd_class cls = fd_kafka_source_new(&(fd_kafka_source_config){.settings = {.common = &p->map},
                                                                 .group = group,
                                                                 .instance = instance,
                                                                 .topics = topics,
                                                                 .n_topics = 1},
                                       &p->source, &err);
    FD_ASSERT(cls == FD_OK);
    p->items[1] = (fd_kv){.key = "transaction.timeout.ms", .value = p->timeout};
    p->map.n = 2;
    if (*instance == '\0')
        snprintf(p->stem, sizeof p->stem, "%s-dynamic-%d", group, i);
    else
        snprintf(p->stem, sizeof p->stem, "%s-%s", group, instance);
    cls = fd_kafka_txn_new(&(fd_kafka_txn_config){.settings = {.common = &p->map},
                                                  .stem = p->stem,
                                                  .topics = {out, dlq}},
                           &p->txn, &err);
    FD_ASSERT(cls == FD_OK);
}

static fd_source source(int i)
{
    return fd_kafka_source_port(processes[i].source);
}

static fd_txn txn(int i)
{
    return fd_kafka_txn_port(processes[i].txn);
}

static int64_t visible(int32_t partition, fd_strbuf *values)
{
    rd_kafka_t *rk = plain(RD_KAFKA_CONSUMER);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, out, partition)->offset = 0;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t stable = -1, until = now_ms() + CALL_MS;
    while (stable < 0 && now_ms() < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 200);
        if (m == NULL)
            continue;
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            stable = m->offset;
        } else if (m->err == 0) {
            fd_strbuf_add(values, m->payload, m->len);
            fd_strbuf_putc(values, ' ');
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return stable;
}

int main(int argc, char **argv)
{
    static const agree_backend b = {.begin = begin,
                                    .end = end,
                                    .start = start,
                                    .source = source,
                                    .txn = txn,
                                    .pass = pass,
                                    .now_ms = now_ms,
                                    .visible = visible,
                                    .by_hand = by_hand_send};
    if (bootstrap() == NULL) {
        fprintf(stderr, "KAFKA_BOOTSTRAP is not set: integration/servers starts a broker\n");
        return 2;
    }
    return agree_main(&b, argc, argv);
}
