/*
 * See support.h. The admin client and the independent readers use librdkafka directly: what is
 * tested must not also be what judges.
 */
#include "support.h"

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

int log_lines_at_error;

const char *bootstrap(void)
{
    return getenv("KAFKA_BOOTSTRAP");
}

int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

void sleep_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

const char *unique(const char *stem)
{
    static char names[256][80];
    static unsigned n;
    FD_ASSERT(n < 256);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(names[n], sizeof names[n], "ka-%s-%lld-%u", stem,
             (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000, n);
    return names[n++];
}

static rd_kafka_t *plain(rd_kafka_type_t type, ...)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    va_list ap;
    va_start(ap, type);
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap(), text, sizeof text);
    for (const char *k; (k = va_arg(ap, const char *)) != NULL;)
        FD_ASSERT(rd_kafka_conf_set(conf, k, va_arg(ap, const char *), text, sizeof text) ==
                  RD_KAFKA_CONF_OK);
    va_end(ap);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    FD_ASSERT(rk != NULL);
    return rk;
}

const char *topic_new(int partitions)
{
    const char *name = unique("t");
    char text[512];
    rd_kafka_t *rk = plain(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(name, partitions, -1, text, sizeof text);
    rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
    rd_kafka_event_t *e = rd_kafka_queue_poll(q, 20000);
    CHECK(e != NULL && rd_kafka_event_error(e) == 0, "create topic");
    size_t n;
    const rd_kafka_topic_result_t **r = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(e), &n);
    CHECK(n == 1 && rd_kafka_topic_result_error(r[0]) == 0, "%s",
          rd_kafka_topic_result_error_string(r[0]));
    rd_kafka_event_destroy(e);
    rd_kafka_NewTopic_destroy(t);
    rd_kafka_queue_destroy(q);
    rd_kafka_destroy(rk);
    sleep_ms(100); /* the leaders take office */
    return name;
}

void fill(const char *topic, int32_t partition, int from, int n)
{
    rd_kafka_t *rk = plain(RD_KAFKA_PRODUCER, "linger.ms", "5", "enable.idempotence", "true", NULL);
    for (int i = from; i < from + n; i++) {
        char key[] = "k", value[16]; /* librdkafka's macros take neither as const */
        int len = snprintf(value, sizeof value, "%d", i);
        while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_VALUE(value, (size_t)len), RD_KAFKA_V_KEY(key, 1),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 10);
    }
    rd_kafka_flush(rk, 20000);
    CHECK(rd_kafka_outq_len(rk) == 0, "fill");
    rd_kafka_destroy(rk);
}

static void on_log(void *self, fd_log_level level, const char *facility, const char *text)
{
    (void)self;
    if (level == FD_LOG_ERROR)
        __atomic_add_fetch(&log_lines_at_error, 1, __ATOMIC_RELAXED);
    if (getenv("VERBOSE") != NULL)
        fprintf(stderr, "    [%d %s] %s\n", level, facility, text);
}

static void settings_add(settings *s, va_list ap)
{
    for (const char *k; (k = va_arg(ap, const char *)) != NULL;) {
        FD_ASSERT(s->map.n < MAX_SETTINGS);
        s->items[s->map.n++] = (fd_kv){.key = k, .value = va_arg(ap, const char *)};
    }
    s->map.items = s->items;
    s->of = (fd_kafka_settings){.common = &s->map, .log = {.write = on_log}};
}

static void settings_begin(settings *s)
{
    memset(s, 0, sizeof *s);
    s->items[s->map.n++] = (fd_kv){.key = "bootstrap.servers", .value = bootstrap()};
    if (getenv("RDDEBUG") != NULL)
        s->items[s->map.n++] = (fd_kv){.key = "debug", .value = getenv("RDDEBUG")};
}

void settings_make(settings *s, ...)
{
    va_list ap;
    va_start(ap, s);
    settings_begin(s);
    settings_add(s, ap);
    va_end(ap);
}

seen look(const char *topic, int32_t partition)
{
    rd_kafka_t *rk = plain(RD_KAFKA_CONSUMER, "group.id", "ka-look", "isolation.level",
                           "read_committed", "enable.partition.eof", "true", "enable.auto.commit",
                           "false", NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = 0;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    seen s = {.end = -1};
    int64_t until = now_us() + 15 * SECOND_US;
    while (s.end < 0 && now_us() < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 200);
        if (m == NULL)
            continue;
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            s.end = m->offset;
        } else if (m->err == 0) {
            char text[32] = "";
            memcpy(text, m->payload, m->len < 31 ? m->len : 31);
            s.n++;
            s.sum += strtol(text, NULL, 10);
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return s;
}

int64_t committed_of(const char *group, const char *topic, int32_t partition)
{
    rd_kafka_t *rk = plain(RD_KAFKA_CONSUMER, "group.id", group, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, list, 10000);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    CHECK(code == 0, "%s", rd_kafka_err2str(code));
    return offset;
}

/* ---- a member ---- */

void member_new(member *m, const char *group, const char *instance, const char *strategy,
                const char *topic, ...)
{
    memset(m, 0, sizeof *m);
    va_list ap;
    va_start(ap, topic);
    settings_begin(&m->set);
    if (strategy != NULL)
        m->set.items[m->set.map.n++] = (fd_kv){.key = "partition.assignment.strategy",
                                               .value = strategy};
    settings_add(&m->set, ap);
    va_end(ap);
    for (int i = 0; i < MAX_PARTS; i++)
        m->next[i] = m->eof[i] = -1;
    const char *topics[] = {topic};
    fd_err err;
    fd_class cls = fd_kafka_source_new(&(fd_kafka_source_config){.settings = m->set.of,
                                                                 .group = group,
                                                                 .instance = instance,
                                                                 .topics = topics,
                                                                 .n_topics = 1},
                                       &m->source, &err);
    CHECK(cls == FD_OK, "%s", err.text);
    m->port = fd_kafka_source_port(m->source);
}

void member_answer(member *m)
{
    fd_err err = {.text = ""};
    fd_class cls;
    if (m->open == FD_SOURCE_ASSIGN) {
        fd_tpo at[MAX_PARTS];
        for (uint32_t i = 0; i < m->n_open; i++) {
            int32_t p = m->open_parts[i].partition;
            at[i] = (fd_tpo){.tp = m->open_parts[i], .offset = m->start[p], .leader_epoch = -1};
            m->owned[p] = true;
            m->next[p] = m->start[p];
        }
        cls = m->port.ops->assign(m->port.self, at, m->n_open, &err);
    } else {
        for (uint32_t i = 0; i < m->n_open; i++) {
            int32_t p = m->open_parts[i].partition;
            m->owned[p] = false;
            m->start[p] = m->next[p] < 0 ? m->start[p] : m->next[p];
        }
        cls = m->port.ops->unassign(m->port.self, m->open_parts, m->n_open, &err);
    }
    CHECK(cls == FD_OK, "%s", err.text);
    m->open = FD_SOURCE_NONE;
}

static void on_message(member *m, fd_source_event *e)
{
    int32_t p = e->tp.partition;
    CHECK(m->owned[p], "message of partition %d that is not ours", p);
    CHECK(m->next[p] < 0 || e->offset == m->next[p], "partition %d: offset %lld, expected %lld", p,
          (long long)e->offset, (long long)m->next[p]);
    m->next[p] = e->offset + 1;
    m->got[p]++;
    m->port.ops->release(m->port.self, &e->msg);
}

fd_source_kind member_step(member *m, int64_t timeout_us)
{
    fd_source_event e;
    m->port.ops->poll(m->port.self, timeout_us, &e);
    switch (e.kind) {
    case FD_SOURCE_NONE:
        break;
    case FD_SOURCE_MSG:
        on_message(m, &e);
        break;
    case FD_SOURCE_EOF:
        m->eof[e.tp.partition] = e.offset;
        break;
    case FD_SOURCE_GONE:
        m->gones++;
        break;
    case FD_SOURCE_ERROR:
        m->err = e.err;
        m->errors++;
        break;
    case FD_SOURCE_ASSIGN:
    case FD_SOURCE_REVOKE:
    case FD_SOURCE_LOST:
        m->assigns += e.kind == FD_SOURCE_ASSIGN;
        m->revokes += e.kind == FD_SOURCE_REVOKE;
        m->losts += e.kind == FD_SOURCE_LOST;
        CHECK(e.n_parts <= MAX_PARTS, "%u parts", e.n_parts);
        m->open = e.kind;
        m->n_open = e.n_parts;
        memcpy(m->open_parts, e.parts, e.n_parts * sizeof *e.parts);
        if (!m->hold_answers)
            member_answer(m);
        break;
    }
    return e.kind;
}

int member_owned(const member *m)
{
    int n = 0;
    for (int i = 0; i < MAX_PARTS; i++)
        n += m->owned[i];
    return n;
}

void member_end(member *m)
{
    fd_kafka_source_free(m->source);
    m->source = NULL;
}

/* ---- a transactional adapter ---- */

void sink_new(sink *s, const char *stem, const char *out, const char *dlq, ...)
{
    memset(s, 0, sizeof *s);
    va_list ap;
    va_start(ap, dlq);
    settings_begin(&s->set);
    settings_add(&s->set, ap);
    va_end(ap);
    fd_err err;
    snprintf(s->stem, sizeof s->stem, "%s", stem);
    fd_class cls = fd_kafka_txn_new(
        &(fd_kafka_txn_config){.settings = s->set.of, .stem = stem, .topics = {out, dlq}}, &s->txn,
        &err);
    CHECK(cls == FD_OK, "%s", err.text);
    s->port = fd_kafka_txn_port(s->txn);
}

void sink_open(sink *s, int lane)
{
    fd_err err;
    fd_class cls;
    int64_t until = now_us() + 30 * (int64_t)SECOND_US;
    while ((cls = s->port.ops->open(s->port.self, lane, 5000, &err)) == FD_RETRY &&
           now_us() < until)
        ;
    CHECK(cls == FD_OK, "open: %s", err.text);
}

fd_class sink_produce(sink *s, int lane, int32_t partition, const char *value, fd_err *err)
{
    fd_out_record r = {.topic = FD_OUT_DECISION,
                       .partition = partition,
                       .null_key = true,
                       .value = fd_str_from(value)};
    uint32_t done = 0;
    return s->port.ops->produce(s->port.self, lane, &r, 1, &done, err);
}

void sink_end(sink *s)
{
    fd_kafka_txn_free(s->txn);
    s->txn = NULL;
}

int cut_connections(void)
{
    const char *colon = strrchr(bootstrap(), ':');
    in_port_t port = htons((in_port_t)strtol(colon + 1, NULL, 10));
    int n = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
            peer.sin_port == port)
            n += shutdown(fd, SHUT_RDWR) == 0;
    }
    return n;
}
