/*
 * What the files of this module share: building a configuration, classing errors.
 * Nothing here is for other modules.
 */
#ifndef FD_KAFKA_INT_H
#define FD_KAFKA_INT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/settings.h"

enum { FD_KAFKA_ERRSTR = 512 };

/* A setting of ours; `optional` ones are passed over by libraries that do not know the key. */
typedef struct fd_kafka_setting_item {
    const char *key;
    const char *value;
    bool optional;
} fd_kafka_setting_item;

/* The opaque of every handle begins with this, so that one log callback serves them all. */
typedef struct fd_kafka_owner {
    uint32_t magic;
    fd_kafka_log log;
} fd_kafka_owner;

enum { FD_KAFKA_OWNER_MAGIC = 0x4b4f574e };

/* A new configuration: `defaults`, the user's maps, `forced`, logging to `owner`, which becomes
 * the opaque. NULL = FATAL with FD_EXIT_CONFIG in err. */
rd_kafka_conf_t *fd_kafka_conf_new(const fd_kafka_settings *settings,
                                   const fd_kafka_setting_item *defaults, size_t n_defaults,
                                   const fd_kafka_setting_item *forced, size_t n_forced,
                                   fd_kafka_owner *owner, fd_err *err);

/* rd_kafka_new; takes conf in any case. NULL = FATAL with FD_EXIT_CONFIG. */
rd_kafka_t *fd_kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, fd_err *err);

/* A topic name that Kafka allows, and that subscribe() would not take for a pattern. */
bool fd_kafka_topic_name_ok(const char *name);

/* Broker and client errors that no repetition mends: what to do about them; NULL = not one. */
const char *fd_kafka_hint(rd_kafka_resp_err_t code);

/* Errors of calls that only ask (committed, metadata, watermarks): with a hint = FATAL,
 * anything else = RETRY. `what` says what was being done. */
fd_class fd_kafka_fail_query(fd_err *err, rd_kafka_resp_err_t code, const char *what,
                             const char *text);

/* FATAL with FD_EXIT_CONFIG: the topic is not there, and how to make it. */
fd_class fd_kafka_fail_no_topic(fd_err *err, const char *what, const char *topic,
                                int32_t partitions);

#endif
