/*
 * Life of the consumer adapter: settings, subscription, close.
 *
 * Invariants: the topic handles with the source index as opaque exist before subscribe(), so that
 * every message leads to its source without a look-up. Thread: the engine thread.
 */
#include "kafka/consumer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"

/* Leaving a group is a courtesy: a broker that does not answer may not hold us up. */
enum { CLOSE_LIMIT_MS = 5000, CLOSE_SLICE_MS = 50 };

/* cooperative-sticky has unfixed faults before this (endless rebalances, lost assignments). */
static const int first_good_cooperative = 0x020a01ff;

/* Large prefetch bounds on purpose: at them librdkafka < 2.2 sleeps for a whole second. */
static const fd_kafka_setting_item defaults[] = {
    {"client.id", "fraudd", false},
    {"socket.nagle.disable", "true", false},
    {"socket.keepalive.enable", "true", false},
    {"socket.timeout.ms", "10000", false},
    {"reconnect.backoff.ms", "50", false},
    {"reconnect.backoff.max.ms", "1000", false},
    {"fetch.wait.max.ms", "10", false},
    {"fetch.error.backoff.ms", "10", false},
    {"fetch.queue.backoff.ms", "5", true},
    {"queued.min.messages", "1000000", false},
    {"queued.max.messages.kbytes", "65536", false},
};

static const fd_source_ops ops = {
    .poll = fd_source_poll,
    .wake = fd_source_wake,
    .release = fd_source_release,
    .headers = fd_source_headers,
    .assign = fd_source_assign,
    .unassign = fd_source_unassign,
    .restart = fd_source_restart,
    .pause = fd_source_pause,
    .resume = fd_source_resume,
    .committed = fd_source_committed,
    .bounds = fd_source_bounds,
    .at_time = fd_source_at_time,
    .cached_end = fd_source_cached_end,
    .membership = fd_source_membership,
    .membership_free = fd_source_membership_free,
};

fd_part *fd_source_part(fd_kafka_source *s, fd_tp tp)
{
    FD_ASSERT(tp.source < s->n_topics);
    fd_topic_parts *t = &s->topics[tp.source];
    return tp.partition >= 0 && tp.partition < t->n ? &t->parts[tp.partition] : NULL;
}

static fd_class check_names(const fd_kafka_source_config *config, fd_err *err)
{
    FD_ASSERT(config->n_topics > 0 && config->n_topics <= UINT16_MAX);
    for (uint32_t i = 0; i < config->n_topics; i++) {
        if (!fd_kafka_topic_name_ok(config->topics[i]))
            return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                           "source topic '%s': Kafka allows 1 to 249 letters, digits, '.', '_' "
                           "and '-'",
                           config->topics[i]);
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(config->topics[i], config->topics[j]) == 0)
                return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "source topic '%s' is given twice",
                               config->topics[i]);
        }
    }
    return FD_OK;
}

static rd_kafka_conf_t *conf_of(const fd_kafka_source_config *config, fd_kafka_source *s,
                                fd_err *err)
{
    fd_kafka_setting_item first[sizeof defaults / sizeof *defaults + 1];
    size_t n_first = sizeof defaults / sizeof *defaults;
    memcpy(first, defaults, sizeof defaults);
    /* The next-generation protocol brings its own assignor and refuses this setting. */
    const char *protocol = fd_kafka_setting(&config->settings, "group.protocol");
    if (protocol == NULL || strcmp(protocol, "consumer") != 0)
        first[n_first++] = (fd_kafka_setting_item){
            "partition.assignment.strategy",
            rd_kafka_version() >= first_good_cooperative ? "cooperative-sticky" : "range", false};
    const fd_kafka_setting_item forced[] = {
        {"group.id", config->group, false},
        {"enable.auto.commit", "false", false},
        {"enable.auto.offset.store", "false", false},
        {"auto.offset.reset", "error", false},
        {"isolation.level", "read_committed", false},
        {"enable.partition.eof", "true", false},
        {"check.crcs", "true", false},
        {"allow.auto.create.topics", "false", false},
        {"group.instance.id", config->instance, false},
    };
    size_t n_forced = sizeof forced / sizeof *forced;
    if (config->instance == NULL || *config->instance == '\0')
        n_forced--; /* librdkafka takes no empty one */
    rd_kafka_conf_t *conf = fd_kafka_conf_new(&config->settings, first, n_first, forced, n_forced,
                                              &s->owner, err);
    if (conf != NULL) {
        rd_kafka_conf_set_rebalance_cb(conf, fd_source_on_rebalance);
        rd_kafka_conf_set_error_cb(conf, fd_source_on_error);
    }
    return conf;
}

static fd_class make_topics(const fd_kafka_source_config *config, fd_kafka_source *s, fd_err *err)
{
    s->n_topics = config->n_topics;
    s->topics = calloc(s->n_topics, sizeof *s->topics);
    FD_ALLOCATED(s->topics);
    for (uint32_t i = 0; i < s->n_topics; i++) {
        rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(s->rk);
        rd_kafka_topic_conf_set_opaque(conf, (void *)(uintptr_t)i);
        s->topics[i].rkt = rd_kafka_topic_new(s->rk, config->topics[i], conf);
        if (s->topics[i].rkt == NULL)
            return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "source topic '%s': %s",
                           config->topics[i], rd_kafka_err2str(rd_kafka_last_error()));
        s->topics[i].name = rd_kafka_topic_name(s->topics[i].rkt);
    }
    return FD_OK;
}

static fd_class subscribe(fd_kafka_source *s, fd_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->n_topics);
    for (uint32_t i = 0; i < s->n_topics; i++)
        rd_kafka_topic_partition_list_add(list, s->topics[i].name, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "subscribe: %s", rd_kafka_err2str(code));
}

static void listen_to_queue(fd_kafka_source *s)
{
    static const uint64_t one = 1;
    s->queue = rd_kafka_queue_get_consumer(s->rk);
    FD_ASSERT(s->queue != NULL);
    rd_kafka_queue_io_event_enable(s->queue, s->wake_fd, &one, sizeof one);
}

fd_class fd_kafka_source_new(const fd_kafka_source_config *config, fd_kafka_source **out,
                             fd_err *err)
{
    *out = NULL;
    fd_class cls = check_names(config, err);
    if (cls == FD_OK && (config->group == NULL || *config->group == '\0'))
        cls = fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "the consumer group has no name");
    if (cls != FD_OK)
        return cls;
    fd_kafka_source *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->magic = FD_SOURCE_MAGIC;
    s->group = strdup(config->group);
    FD_ALLOCATED(s->group);
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->wake_fd < 0)
        cls = fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "eventfd: %s", strerror(errno));
    rd_kafka_conf_t *conf = cls == FD_OK ? conf_of(config, s, err) : NULL;
    if (conf != NULL)
        s->rk = fd_kafka_handle_new(RD_KAFKA_CONSUMER, conf, err);
    cls = s->rk == NULL ? FD_FATAL : FD_OK;
    if (cls == FD_OK) {
        rd_kafka_poll_set_consumer(s->rk);
        listen_to_queue(s);
        cls = make_topics(config, s, err);
    }
    if (cls == FD_OK)
        cls = subscribe(s, err);
    if (cls != FD_OK) {
        fd_kafka_source_free(s);
        return cls;
    }
    *out = s;
    return FD_OK;
}

fd_source fd_kafka_source_port(fd_kafka_source *source)
{
    FD_CHECK_MAGIC(source, FD_SOURCE_MAGIC);
    return (fd_source){.ops = &ops, .self = source};
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Messages arrive here too (and make rd_kafka_queue_poll_callback() abort): dropped. The rebalance
 * callback runs in the poll, or its event comes out of it, by library version. */
static void serve_farewell(fd_kafka_source *s, rd_kafka_queue_t *farewell)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(farewell, CLOSE_SLICE_MS);
    if (event == NULL)
        return;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        fd_source_on_rebalance(s->rk, rd_kafka_event_error(event),
                               rd_kafka_event_topic_partition_list(event), s);
    rd_kafka_event_destroy(event);
}

void fd_kafka_source_close(fd_kafka_source *source)
{
    FD_CHECK_MAGIC(source, FD_SOURCE_MAGIC);
    if (source->closed)
        return;
    source->closed = true;
    fd_source_abandon(source);
    rd_kafka_queue_t *farewell = rd_kafka_queue_new(source->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(source->rk, farewell);
    if (error == NULL) {
        int64_t limit = now_ms() + CLOSE_LIMIT_MS;
        while (rd_kafka_consumer_closed(source->rk) == 0 && now_ms() < limit)
            serve_farewell(source, farewell);
    } else {
        rd_kafka_error_destroy(error);
    }
    rd_kafka_queue_destroy(farewell);
}

static void free_topics(fd_kafka_source *s)
{
    for (uint32_t i = 0; s->topics != NULL && i < s->n_topics; i++) {
        if (s->topics[i].rkt != NULL)
            rd_kafka_topic_destroy(s->topics[i].rkt);
        free(s->topics[i].parts);
    }
    free(s->topics);
}

void fd_kafka_source_free(fd_kafka_source *source)
{
    if (source == NULL)
        return;
    FD_CHECK_MAGIC(source, FD_SOURCE_MAGIC);
    if (source->rk != NULL) {
        fd_kafka_source_close(source);
        rd_kafka_queue_io_event_enable(source->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(source->queue);
        free_topics(source);
        rd_kafka_destroy_flags(source->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    for (uint32_t i = 0; i < source->n_open; i++)
        free(source->open[i].parts);
    if (source->wake_fd >= 0)
        close(source->wake_fd);
    free(source->group);
    source->magic = 0;
    free(source);
}
