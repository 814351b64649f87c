/*
 * What every client of librdkafka here takes: the user's settings, verbatim, and where its log
 * lines go.
 *
 * Order of effect: the adapter's defaults < `common` (kafka:) < `own` (consumer: or producer:) <
 * the adapter's forced settings. A key or value that librdkafka does not take is FATAL with
 * FD_EXIT_CONFIG; the text names the key and gives librdkafka's own words.
 */
#ifndef FD_KAFKA_SETTINGS_H
#define FD_KAFKA_SETTINGS_H

#include "base/kv.h"
#include "base/level.h"
#include "base/status.h"

/* librdkafka's log lines. `write` is called from its threads: it must be thread-safe and quick,
 * and must not call back into this module. write == NULL: dropped. */
typedef struct fd_kafka_log {
    void (*write)(void *self, fd_log_level level, const char *facility, const char *text);
    void *self;
} fd_kafka_log;

typedef struct fd_kafka_settings {
    const fd_kvs *common; /* may be NULL */
    const fd_kvs *own;    /* may be NULL */
    fd_kafka_log log;
} fd_kafka_settings;

/* The value `key` will have from the user's maps; NULL = not given there. */
const char *fd_kafka_setting(const fd_kafka_settings *s, const char *key);

/* The library that runs, as 0xMMmmrrff (0x020002ff = 2.0.2), and as text. */
int fd_kafka_library(void);
const char *fd_kafka_library_text(void);

#endif
