/*
 * The transactional sink port (ports/txn.h) over librdkafka: FD_LANES producers with the
 * transactional ids <stem>-a, <stem>-b, ...
 *
 * Forced settings: transactional.id, enable.idempotence=true, acks=all. Everything else is a
 * default that a user may change (transaction.timeout.ms=10000, retry.backoff.ms=1, linger.ms=0,
 * socket.timeout.ms below transaction.timeout.ms, ...).
 *
 * Dirty (research: the pre-KIP-890 protocol): client interceptors watch the requests of a
 * transaction; one whose outcome the client cannot know, or an EndTxn sent twice in one
 * transaction, marks the lane until it is destroyed and opened again. A broker's definite refusal
 * does not. Thread: as ports/txn.h says.
 */
#ifndef FD_KAFKA_PRODUCER_H
#define FD_KAFKA_PRODUCER_H

#include "kafka/settings.h"
#include "ports/txn.h"

typedef struct fd_kafka_txn fd_kafka_txn;

typedef struct fd_kafka_txn_config {
    fd_kafka_settings settings; /* kafka: and producer: */
    const char *stem;           /* of the transactional ids: stable and unique per worker */
    const char *topics[FD_N_OUT_TOPICS];
} fd_kafka_txn_config;

/* Checks the settings; connects nothing (open does). Copies what it keeps, but
 * settings.log.self must outlive it. FATAL with FD_EXIT_CONFIG when a setting cannot be. */
fd_class fd_kafka_txn_new(const fd_kafka_txn_config *config, fd_kafka_txn **out, fd_err *err);

fd_txn fd_kafka_txn_port(fd_kafka_txn *txn);

/* Destroys lanes that are still open. NULL is fine. */
void fd_kafka_txn_free(fd_kafka_txn *txn);

#endif
