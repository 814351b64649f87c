/*
 * Start-up checks: is a broker there, do the topics exist, may we see them?
 *
 * Why: librdkafka itself would wait for ever, in silence, for a wrong address or a topic that
 * nobody made. Blocks; any thread. Creates nothing.
 */
#ifndef FD_KAFKA_CHECK_H
#define FD_KAFKA_CHECK_H

#include "base/strbuf.h"
#include "kafka/settings.h"

#include <stdint.h>

typedef struct fd_kafka_topic {
    const char *name;
    const char *what;         /* for messages: "source", "output", "dead letter" */
    int32_t like;             /* index of the topic whose partition count a hint copies; -1 */
    int32_t partitions;       /* out */
    int32_t without_a_leader; /* out: partitions that cannot be used at the moment */
} fd_kafka_topic;

/* OK: every topic exists and `partitions` are filled. RETRY: no broker answered within
 * timeout_ms; exit_code is FD_EXIT_UNAVAILABLE for a caller that gives up, and the text names the
 * addresses and the last trouble. FATAL with FD_EXIT_CONFIG: a topic is missing (the text says
 * how to create it), no authorisation, or a setting cannot be.
 * warnings (may be NULL) gets one line each for what works but should be changed. */
fd_class fd_kafka_check(const fd_kafka_settings *settings, fd_kafka_topic *topics, uint32_t n,
                        int timeout_ms, fd_strbuf *warnings, fd_err *err);

#endif
