/*
 * -b -t -X as kcat spells them, for the tools that read or write one topic. Main thread.
 */
#ifndef FD_APP_KAFKA_OPTIONS_H
#define FD_APP_KAFKA_OPTIONS_H

#include "app/cli.h"
#include "kafka/settings.h"

typedef struct fd_kafka_options {
    const char *brokers; /* default localhost:9092 */
    const char *topic;
    fd_cli_kvs properties;
    fd_kvs kvs; /* filled by fd_kafka_options_settings */
} fd_kafka_options;

#define FD_KAFKA_OPTIONS(o)                                                                  \
    {'b', "brokers", FD_OPT_TEXT, &(o).brokers, "HOST:PORT,...", "brokers (localhost:9092)", \
     0,   0,         NULL},                                                                  \
        {'t', "topic", FD_OPT_TEXT, &(o).topic, "TOPIC", "the topic", 0, 0, NULL},           \
    {                                                                                        \
        'X', NULL, FD_OPT_KV, &(o).properties, "KEY=VALUE",                                  \
            "a setting of librdkafka; may be repeated", 0, 0, NULL                           \
    }

/* `o` must outlive the result. librdkafka's warnings become notices on stderr. */
fd_kafka_settings fd_kafka_options_settings(fd_kafka_options *o);

/* Its warnings as notices. */
extern const fd_kafka_log fd_kafka_notices;

enum { FD_TOOL_CONNECT_MS = 10000 };

#endif
