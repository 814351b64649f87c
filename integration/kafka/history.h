/*
 * The history port (ports/history.h) over librdkafka: a simple consumer (start and stop per
 * partition, all on one queue), outside any group, beside the member that reads the ends.
 *
 * What it fetches ahead is bounded by the user's queued.max.messages.kbytes, by default 16 MiB.
 * open() and poll() never wait; close() may wait for librdkafka to let a partition go, which is
 * quick. Thread: the engine thread.
 */
#ifndef FD_KAFKA_HISTORY_H
#define FD_KAFKA_HISTORY_H

#include "kafka/settings.h"
#include "ports/history.h"

typedef struct fd_kafka_history fd_kafka_history;

typedef struct fd_kafka_history_config {
    fd_kafka_settings settings; /* kafka: and consumer: */
    const char *const *topics;  /* index = fd_tp.source; these, and what settings point to, stay */
    uint32_t n_topics;
} fd_kafka_history_config;

/* Connects when something is opened for the first time, which is FATAL with FD_EXIT_CONFIG when a
 * setting cannot be; never waits for a broker. */
fd_kafka_history *fd_kafka_history_new(const fd_kafka_history_config *config);
fd_history fd_kafka_history_port(fd_kafka_history *h);
/* Messages given out must have been released. NULL is fine. */
void fd_kafka_history_free(fd_kafka_history *h);

#endif
