/* A topic's settings; see describe.h. The handle lives for one call. */
#include "kafka/describe.h"

#include <string.h>

#include "base/assert.h"
#include "kafka/client_int.h"

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

static void take(const rd_kafka_ConfigResource_t *resource, fd_kafka_topic_setting *wanted,
                 uint32_t n)
{
    size_t n_entries;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n_entries);
    for (size_t e = 0; e < n_entries; e++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[e]);
        const char *value = rd_kafka_ConfigEntry_value(entries[e]);
        for (uint32_t i = 0; i < n && value != NULL; i++) {
            if (strcmp(wanted[i].name, name) == 0)
                snprintf(wanted[i].value, sizeof wanted[i].value, "%s", value);
        }
    }
}

static fd_class answer(rd_kafka_event_t *event, const char *topic, fd_kafka_topic_setting *wanted,
                       uint32_t n, fd_err *err)
{
    char what[FD_KAFKA_ERRSTR];
    snprintf(what, sizeof what, "settings of topic '%s'", topic);
    if (event == NULL)
        return fd_kafka_fail_query(err, RD_KAFKA_RESP_ERR__TIMED_OUT, what, NULL);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    size_t n_resources = 0;
    const rd_kafka_ConfigResource_t **resources = NULL;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &n_resources);
        FD_ASSERT(n_resources == 1);
        code = rd_kafka_ConfigResource_error(resources[0]);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_kafka_fail_query(err, code, what, NULL);
    take(resources[0], wanted, n);
    return FD_OK;
}

static fd_class ask(rd_kafka_t *rk, const char *topic, fd_kafka_topic_setting *wanted, uint32_t n,
                    int timeout_ms, fd_err *err)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk,
                                                                 RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    char why[FD_KAFKA_ERRSTR];
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                                      topic);
    rd_kafka_DescribeConfigs(rk, &resource, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    fd_class cls = answer(event, topic, wanted, n, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return cls;
}

fd_class fd_kafka_describe(const fd_kafka_settings *settings, const char *topic,
                           fd_kafka_topic_setting *wanted, uint32_t n, int timeout_ms, fd_err *err)
{
    if (!fd_kafka_topic_name_ok(topic))
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "topic '%s': Kafka allows 1 to 249 letters, digits, '.', '_' and '-'",
                       topic);
    for (uint32_t i = 0; i < n; i++)
        wanted[i].value[0] = '\0';
    fd_kafka_owner owner = {0};
    rd_kafka_conf_t *conf = fd_kafka_conf_new(settings, defaults,
                                              sizeof defaults / sizeof *defaults, forced,
                                              sizeof forced / sizeof *forced, &owner, err);
    rd_kafka_t *rk = conf == NULL ? NULL : fd_kafka_handle_new(RD_KAFKA_CONSUMER, conf, err);
    if (rk == NULL)
        return FD_FATAL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    FD_ASSERT(rkt != NULL);
    int32_t partitions;
    fd_class cls = fd_kafka_topic_partitions(rk, rkt, settings, timeout_ms, &partitions, err);
    if (cls == FD_OK)
        cls = ask(rk, topic, wanted, n, timeout_ms, err);
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
    return cls;
}
