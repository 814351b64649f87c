/*
 * Which errors of Kafka no repetition mends, and what a person can do about them.
 *
 * One table; everything that is not in it may pass by itself. Pure, any thread.
 */
#include <stdio.h>

#include "kafka/kafka_int.h"

#define FD_KAFKA_HOPELESS(X)                                                                       \
    X(TOPIC_AUTHORIZATION_FAILED, "grant this user access to the topic")                           \
    X(GROUP_AUTHORIZATION_FAILED, "grant this user READ on the group")                             \
    X(CLUSTER_AUTHORIZATION_FAILED, "grant this user IDEMPOTENT_WRITE on the cluster")             \
    X(TRANSACTIONAL_ID_AUTHORIZATION_FAILED,                                                       \
      "grant this user WRITE and DESCRIBE on the transactional ids <instance>-a and <instance>-b") \
    X(UNKNOWN_TOPIC_OR_PART, "create the topic, or correct its name")                              \
    X(_UNKNOWN_TOPIC, "create the topic, or correct its name")                                     \
    X(_UNKNOWN_PARTITION, "the topic has fewer partitions than before: restart")                   \
    X(TOPIC_EXCEPTION, "correct the topic's name")                                                 \
    X(INVALID_TRANSACTION_TIMEOUT,                                                                 \
      "lower transaction.timeout.ms to at most the broker's transaction.max.timeout.ms")           \
    X(INVALID_SESSION_TIMEOUT,                                                                     \
      "bring session.timeout.ms within the broker's group.min/max.session.timeout.ms")             \
    X(INCONSISTENT_GROUP_PROTOCOL,                                                                 \
      "the group's other members use another partition.assignment.strategy or are no consumers")   \
    X(INVALID_GROUP_ID, "correct the group's name")                                                \
    X(FENCED_INSTANCE_ID, "another process runs with the same instance name: give each its own")   \
    X(UNSUPPORTED_VERSION, "this broker is too old for transactions")                              \
    X(UNSUPPORTED_FOR_MESSAGE_FORMAT, "the topic's message format is too old")                     \
    X(_UNSUPPORTED_FEATURE, "this broker is too old for transactions")                             \
    X(UNSUPPORTED_SASL_MECHANISM, "correct sasl.mechanisms")                                       \
    X(ILLEGAL_SASL_STATE, "correct security.protocol")                                             \
    X(SASL_AUTHENTICATION_FAILED, "correct the user name and password")                            \
    X(SECURITY_DISABLED, "the broker has no security: correct security.protocol")                  \
    X(INVALID_REQUIRED_ACKS, "acks is fixed: remove it from the settings")                         \
    X(POLICY_VIOLATION, "the broker's policy forbids this")

const char *fd_kafka_hint(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
#define X(name, hint)              \
    case RD_KAFKA_RESP_ERR_##name: \
        return hint;
        FD_KAFKA_HOPELESS(X)
#undef X
    default:
        return NULL;
    }
}

fd_class fd_kafka_fail_query(fd_err *err, rd_kafka_resp_err_t code, const char *what,
                             const char *text)
{
    const char *hint = fd_kafka_hint(code);
    if (text == NULL)
        text = rd_kafka_err2str(code);
    if (hint != NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "%s: %s: %s", what, text, hint);
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s: %s", what, text);
}

fd_class fd_kafka_fail_no_topic(fd_err *err, const char *what, const char *topic,
                                int32_t partitions)
{
    char count[16] = "N";
    if (partitions > 0)
        snprintf(count, sizeof count, "%d", (int)partitions);
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                   "%s topic '%s' does not exist; create it: kafka-topics.sh --bootstrap-server "
                   "HOST:PORT --create --topic %s --partitions %s",
                   what, topic, topic, count);
}
