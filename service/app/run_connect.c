/* What `fraudd run` connects: start-up checks, group member, producers, registry. Main thread. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/run.h"
#include "base/assert.h"

static const int CHECK_MS = 2000;
static const int CALL_MS = 1000;
static const int64_t TXN_TIMEOUT_NS = INT64_C(15) * 1000 * 1000 * 1000;
static const int64_t REVOKE_TIMEOUT_NS = INT64_C(10) * 1000 * 1000 * 1000;

static void kafka_log(void *self, fd_log_level level, const char *facility, const char *text)
{
    fd_run *r = self;
    FD_LOG(r->log, level, "librdkafka", fd_log_key(fd_log_str("facility", facility)),
           fd_log_str("text", text));
}

static fd_kafka_settings settings(fd_run *r, const fd_kvs *own)
{
    return (fd_kafka_settings){
        .common = &r->config->kafka, .own = own, .log = {.write = kafka_log, .self = r}};
}

static uint32_t list_topics(const fd_run *r, fd_kafka_topic *topics)
{
    uint32_t n = 0;
    for (size_t i = 0; i < r->config->n_sources; i++)
        topics[n++] = (fd_kafka_topic){
            .name = r->config->sources[i].topic, .what = "source", .like = -1};
    topics[n++] = (fd_kafka_topic){.name = r->config->output.topic, .what = "output", .like = 0};
    topics[n++] = (fd_kafka_topic){
        .name = r->config->dead_letter.topic, .what = "dead letter", .like = -1};
    return n;
}

/* One log line for each line of text. */
static void say_warnings(fd_run *r, const fd_strbuf *text)
{
    size_t at = 0;
    while (at < text->n) {
        const char *line = text->p + at;
        const char *end = memchr(line, '\n', text->n - at);
        size_t n = end == NULL ? text->n - at : (size_t)(end - line);
        FD_LOG(r->log, FD_LOG_WARN, "kafka", fd_log_strn("text", (fd_str){line, (uint32_t)n}));
        at += n + 1;
    }
}

/* Waits for a broker: a cluster that starts beside us is ordinary, a wrong address is not. */
static int check(fd_run *r)
{
    fd_kafka_topic topics[FD_ENGINE_MAX_SOURCES + FD_N_OUT_TOPICS];
    uint32_t n = list_topics(r, topics);
    int64_t deadline = fd_cli_mono_ns() + r->config->startup.timeout_us * 1000;
    fd_kafka_settings s = settings(r, &r->config->consumer);
    bool said = false;
    for (;;) {
        fd_err err = {0};
        fd_strbuf warnings = {0};
        fd_class cls = fd_kafka_check(&s, topics, n, CHECK_MS, &warnings, &err);
        if (cls == FD_OK)
            say_warnings(r, &warnings);
        fd_strbuf_free(&warnings);
        if (cls == FD_OK)
            break;
        if (fd_run_asked_to_stop())
            return FD_EXIT_OK;
        if (cls != FD_RETRY || fd_cli_mono_ns() >= deadline)
            return fd_cli_fail(&err);
        if (!said)
            FD_LOG(r->log, FD_LOG_WARN, "waiting for kafka", fd_log_str("text", err.text));
        said = true;
        fd_cli_sleep_until(fd_cli_mono_ns() + 200 * 1000 * 1000);
    }
    for (size_t i = 0; i < r->config->n_sources; i++)
        r->partitions[i] = topics[i].partitions;
    return FD_EXIT_OK;
}

/* Transactional ids must be one worker's alone in the whole cluster: group and instance. Without
 * an instance name (dynamic membership) host and process stand in for it. */
static void name_stem(fd_run *r)
{
    if (r->config->instance[0] != '\0') {
        snprintf(r->stem, sizeof r->stem, "%s-%s", r->config->group, r->config->instance);
        return;
    }
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    snprintf(r->stem, sizeof r->stem, "%s-%s-%ld", r->config->group, host, (long)getpid());
}

/* What decides from the start is stored first. */
static fd_class archive(fd_run *r, fd_err *err)
{
    fd_archive_config config = {
        .config = r->config,
        .readers = (const fd_schema *const *)r->readers,
        .who = r->stem,
        .kafka = settings(r, NULL),
        .log = r->log,
        .metrics = r->metrics,
    };
    fd_class cls = fd_archive_open(&config, &r->archive, err);
    if (cls == FD_OK)
        cls = fd_archive_admit(r->archive, fd_engine_program(r->engine), FD_TRIGGER_START, err);
    if (cls == FD_OK)
        fd_run_precede(r, &config.kafka);
    if (cls == FD_OK && !fd_archive_keeps(r->archive))
        FD_LOG(r->log, FD_LOG_WARN, "no archive",
               fd_log_str("text",
                          "neither archive.dir nor archive.topic is set: the rule sets that "
                          "decisions name cannot be found again"));
    return cls;
}

static void registry_wakes(void *arg)
{
    fd_run_wake(arg, FD_LANES);
}

static fd_class create_clients(fd_run *r, fd_err *err)
{
    fd_kafka_source_config source = {
        .settings = settings(r, &r->config->consumer),
        .group = r->config->group,
        .instance = r->config->instance,
        .topics = r->topics,
        .n_topics = (uint32_t)r->config->n_sources,
    };
    fd_class cls = fd_kafka_source_new(&source, &r->source, err);
    if (cls != FD_OK)
        return cls;
    fd_kafka_txn_config txn = {
        .settings = settings(r, &r->config->producer),
        .stem = r->stem,
        .topics = {[FD_OUT_DECISION] = r->config->output.topic,
                   [FD_OUT_DEAD_LETTER] = r->config->dead_letter.topic},
    };
    cls = fd_kafka_txn_new(&txn, &r->txn, err);
    fd_kafka_history_config history = {.settings = settings(r, &r->config->consumer),
                                       .topics = r->topics,
                                       .n_topics = (uint32_t)r->config->n_sources};
    r->history = fd_kafka_history_new(&history);
    if (cls != FD_OK || r->config->registry.url[0] == '\0')
        return cls;
    fd_registry_config registry = {
        .url = r->config->registry.url,
        .basic_auth = r->config->registry.basic_auth,
        .timeout_us = r->config->registry.timeout_us,
    };
    r->registry = fd_registry_new(&registry, registry_wakes, r, err);
    return r->registry == NULL ? FD_FATAL : FD_OK;
}

static fd_class connect_store(fd_run *r, fd_err *err)
{
    const fd_config *c = r->config;
    if (c->redis.url[0] == '\0')
        return FD_OK;
    fd_redis_config config = {
        .url = c->redis.url,
        .username = c->redis.username[0] == '\0' ? NULL : c->redis.username,
        .password = c->redis.password[0] == '\0' ? NULL : c->redis.password,
        .ca_file = c->redis.ca_file[0] == '\0' ? NULL : c->redis.ca_file,
        .prefix = c->redis.prefix[0] == '\0' ? NULL : c->redis.prefix,
        .group = c->group,
        .topics = r->topics,
        .n_topics = (uint16_t)c->n_sources,
        .timeout_us = c->redis.timeout_us,
        .salt = fd_cli_random(),
    };
    r->redis = fd_redis_new(&config, err);
    return r->redis == NULL ? err->cls : FD_OK;
}

static fd_worker *create_worker(fd_run *r)
{
    const fd_config *c = r->config;
    fd_worker_source sources[FD_ENGINE_MAX_SOURCES];
    for (size_t i = 0; i < c->n_sources; i++)
        sources[i] = (fd_worker_source){.topic = c->sources[i].topic,
                                        .start = c->sources[i].start,
                                        .partitions = r->partitions[i]};
    fd_worker_config config = {
        .engine = r->engine,
        .source = fd_kafka_source_port(r->source),
        .txn = fd_kafka_txn_port(r->txn),
        .schemas = r->registry == NULL ? (fd_schemas){0} : fd_registry_port(r->registry),
        .store = r->redis == NULL ? (fd_state_store){0} : fd_redis_port(r->redis),
        .history = fd_kafka_history_port(r->history),
        .blind_starts = c->state.on_rebuild == FD_ON_REBUILD_FLAG,
        .rebuild_share = c->state.backfill_cpu,
        .store_seed = fd_cli_random(),
        .flush_interval_ns = c->state.flush_interval_us * 1000,
        .clock = fd_run_clock,
        .observer = fd_run_observer(r),
        .wake = fd_run_wake,
        .wake_self = r,
        .n_sources = (uint32_t)c->n_sources,
        .sources = sources,
        .max_events = (uint32_t)c->batch.max_events,
        .max_in_flight = (uint32_t)c->batch.max_in_flight,
        .queue_events = (uint32_t)c->batch.queue_events,
        .max_wait_ns = c->batch.max_wait_us * 1000,
        .max_idle_ns = c->merge.max_idle_us * 1000,
        .max_skew_us = c->merge.max_skew_us,
        .poison_max_rate = c->poison.max_rate,
        .poison_window = (uint32_t)c->poison.window,
        .deadline_ms = c->deadline.after_us / 1000,
        .dead_letter_max_bytes = (uint32_t)c->dead_letter.max_bytes,
        .allow_short_history = c->state.on_short_history == FD_SHORT_HISTORY_FLAG,
        .txn_timeout_ns = TXN_TIMEOUT_NS,
        .revoke_timeout_ns = REVOKE_TIMEOUT_NS,
        .call_timeout_ms = CALL_MS,
    };
    return fd_worker_new(&config);
}

int fd_run_connect(fd_run *r)
{
    int code = check(r);
    if (code != FD_EXIT_OK || fd_run_asked_to_stop())
        return code;
    name_stem(r);
    fd_err err = {0};
    if (archive(r, &err) != FD_OK || create_clients(r, &err) != FD_OK ||
        connect_store(r, &err) != FD_OK)
        return fd_cli_fail(&err);
    fd_worker *w = create_worker(r);
    atomic_store(&r->worker, w);
    if (!fd_run_consents_load(r, &err))
        return fd_cli_fail(&err);
    FD_LOG(r->log, FD_LOG_INFO, "joining", fd_log_str("group", r->config->group),
           fd_log_str("instance", r->config->instance), fd_log_str("transactional_id", r->stem));
    return FD_EXIT_OK;
}

void fd_run_disconnect(fd_run *r)
{
    fd_worker *w = atomic_exchange(&r->worker, NULL);
    if (r->source != NULL)
        fd_kafka_source_close(r->source);
    fd_worker_free(w);
    fd_kafka_history_free(r->history);
    fd_redis_free(r->redis);
    fd_registry_free(r->registry);
    fd_kafka_txn_free(r->txn);
    fd_kafka_source_free(r->source);
    fd_archive_close(r->archive);
}
