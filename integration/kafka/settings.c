/*
 * Settings for librdkafka: merging ours with the user's, and librdkafka's log lines.
 *
 * Any thread; the log callback runs on librdkafka's threads.
 */
#include "kafka/settings.h"

#include <string.h>

#include "base/assert.h"
#include "kafka/kafka_int.h"

/* Syslog severities up to 3 are errors, 4 a warning, 5 and 6 information. */
enum { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_INFO = 6 };

int fd_kafka_library(void)
{
    return rd_kafka_version();
}

const char *fd_kafka_library_text(void)
{
    return rd_kafka_version_str();
}

static const char *find(const fd_kvs *map, const char *key)
{
    for (size_t i = 0; map != NULL && i < map->n; i++) {
        if (strcmp(map->items[i].key, key) == 0)
            return map->items[i].value;
    }
    return NULL;
}

const char *fd_kafka_setting(const fd_kafka_settings *s, const char *key)
{
    const char *own = find(s->own, key);
    return own != NULL ? own : find(s->common, key);
}

static void on_log(const rd_kafka_t *rk, int severity, const char *facility, const char *text)
{
    const fd_kafka_owner *owner = rd_kafka_opaque(rk);
    FD_CHECK_MAGIC(owner, FD_KAFKA_OWNER_MAGIC);
    if (owner->log.write == NULL)
        return;
    fd_log_level level = FD_LOG_DEBUG;
    if (severity <= SYSLOG_ERROR)
        level = FD_LOG_ERROR;
    else if (severity == SYSLOG_WARNING)
        level = FD_LOG_WARN;
    else if (severity <= SYSLOG_INFO)
        level = FD_LOG_INFO;
    owner->log.write(owner->log.self, level, facility, text);
}

static fd_class put(rd_kafka_conf_t *conf, const char *key, const char *value, bool optional,
                    fd_err *err)
{
    char text[FD_KAFKA_ERRSTR];
    rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, key, value, text, sizeof text);
    if (res == RD_KAFKA_CONF_OK || (optional && res == RD_KAFKA_CONF_UNKNOWN))
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "librdkafka (%s) refuses the setting '%s': %s",
                   rd_kafka_version_str(), key, text);
}

static fd_class put_items(rd_kafka_conf_t *conf, const fd_kafka_setting_item *items, size_t n,
                          fd_err *err)
{
    fd_class cls = FD_OK;
    for (size_t i = 0; i < n && cls == FD_OK; i++)
        cls = put(conf, items[i].key, items[i].value, items[i].optional, err);
    return cls;
}

static fd_class put_map(rd_kafka_conf_t *conf, const fd_kvs *map, fd_err *err)
{
    fd_class cls = FD_OK;
    for (size_t i = 0; map != NULL && i < map->n && cls == FD_OK; i++)
        cls = put(conf, map->items[i].key, map->items[i].value, false, err);
    return cls;
}

rd_kafka_conf_t *fd_kafka_conf_new(const fd_kafka_settings *settings,
                                   const fd_kafka_setting_item *defaults, size_t n_defaults,
                                   const fd_kafka_setting_item *forced, size_t n_forced,
                                   fd_kafka_owner *owner, fd_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    FD_ALLOCATED(conf);
    *owner = (fd_kafka_owner){.magic = FD_KAFKA_OWNER_MAGIC, .log = settings->log};
    rd_kafka_conf_set_opaque(conf, owner);
    rd_kafka_conf_set_log_cb(conf, on_log);
    fd_class cls = put_items(conf, defaults, n_defaults, err);
    if (cls == FD_OK)
        cls = put_map(conf, settings->common, err);
    if (cls == FD_OK)
        cls = put_map(conf, settings->own, err);
    if (cls == FD_OK)
        cls = put_items(conf, forced, n_forced, err);
    if (cls == FD_OK)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_t *fd_kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, fd_err *err)
{
    char text[FD_KAFKA_ERRSTR];
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "librdkafka (%s) refuses its settings: %s",
                rd_kafka_version_str(), text);
    }
    return rk;
}

bool fd_kafka_topic_name_ok(const char *name)
{
    enum { KAFKA_TOPIC_CHARS_MAX = 249 };
    size_t n = name == NULL ? 0 : strlen(name);
    return n > 0 && n <= KAFKA_TOPIC_CHARS_MAX && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}
