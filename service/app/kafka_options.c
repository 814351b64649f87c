/* The Kafka options of the tools; see kafka_options.h. */
#include "app/kafka_options.h"

#include <stdatomic.h>

#include "base/assert.h"

static const int64_t FAIL_PAUSE_NS = 30000000000;

/* Each attempt to connect fails for the same reason: one line of them in a while is enough. */
static bool is_repeated(const char *facility)
{
    static _Atomic int64_t last_ns = INT64_MIN;
    if (strcmp(facility, "FAIL") != 0)
        return false;
    int64_t now = fd_cli_mono_ns(), last = atomic_load(&last_ns);
    if (last != INT64_MIN && now - last < FAIL_PAUSE_NS)
        return true;
    return !atomic_compare_exchange_strong(&last_ns, &last, now);
}

/* Called from librdkafka's threads: stdio locks the stream. */
static void log_line(void *self, fd_log_level level, const char *facility, const char *text)
{
    (void)self;
    if (level >= FD_LOG_WARN && !is_repeated(facility))
        fd_cli_notice("kafka: %s: %s", facility, text);
}

const fd_kafka_log fd_kafka_notices = {.write = log_line};

fd_kafka_settings fd_kafka_options_settings(fd_kafka_options *o)
{
    static const char KEY[] = "bootstrap.servers";
    fd_cli_kvs *p = &o->properties;
    size_t at = 0;
    while (at < p->n && strcmp(p->items[at].key, KEY) != 0)
        at++;
    if (at == p->n && p->n < FD_CLI_MAX_KVS)
        p->items[p->n++] = (fd_kv){KEY, o->brokers == NULL ? "localhost:9092" : o->brokers};
    else if (at < p->n && o->brokers != NULL)
        p->items[at].value = o->brokers;
    o->kvs = (fd_kvs){p->items, p->n};
    return (fd_kafka_settings){.common = &o->kvs, .log = fd_kafka_notices};
}
