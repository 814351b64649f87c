/*
 * How a topic is set up, as its broker says. Blocks; any thread. Changes nothing.
 */
#ifndef FD_KAFKA_DESCRIBE_H
#define FD_KAFKA_DESCRIBE_H

#include <stdint.h>

#include "kafka/settings.h"

enum { FD_KAFKA_SETTING_CHARS = 128 };

typedef struct fd_kafka_topic_setting {
    const char *name;                   /* "cleanup.policy" */
    char value[FD_KAFKA_SETTING_CHARS]; /* out; "" when the broker does not know it */
} fd_kafka_topic_setting;

/* RETRY with FD_EXIT_UNAVAILABLE: no answer within timeout_ms. FATAL with FD_EXIT_CONFIG: no such
 * topic, no right to ask (DescribeConfigs), or a setting of the client cannot be. */
fd_class fd_kafka_describe(const fd_kafka_settings *settings, const char *topic,
                           fd_kafka_topic_setting *wanted, uint32_t n, int timeout_ms, fd_err *err);

#endif
