/*
 * The event source port (ports/source.h) over a librdkafka consumer group member.
 *
 * Forced settings (a user's value for them is overridden): group.id, group.instance.id,
 * enable.auto.commit=false, enable.auto.offset.store=false, auto.offset.reset=error,
 * isolation.level=read_committed, enable.partition.eof=true, check.crcs=true,
 * allow.auto.create.topics=false. Everything else is a default that a user may change.
 *
 * Rebalances: the callback only stashes what was said; poll() returns it as an event and goes on
 * delivering until assign() or unassign() answers. In the eager protocol a REVOKE names all
 * partitions, and unassign() of the last of them gives the group its answer.
 *
 * Thread: the engine thread, but for what ports/source.h calls "any thread".
 */
#ifndef FD_KAFKA_CONSUMER_H
#define FD_KAFKA_CONSUMER_H

#include "kafka/settings.h"
#include "ports/source.h"

typedef struct fd_kafka_source fd_kafka_source;

typedef struct fd_kafka_source_config {
    fd_kafka_settings settings; /* kafka: and consumer: */
    const char *group;
    const char *instance;      /* "": dynamic membership */
    const char *const *topics; /* index = fd_tp.source; each topic once */
    uint32_t n_topics;
} fd_kafka_source_config;

/* Creates the member and subscribes; does not wait for a broker. Copies what it keeps, but
 * settings.log.self must outlive the source. FATAL with FD_EXIT_CONFIG when a setting or a topic
 * name cannot be. */
fd_class fd_kafka_source_new(const fd_kafka_source_config *config, fd_kafka_source **out,
                             fd_err *err);

fd_source fd_kafka_source_port(fd_kafka_source *source);

/* Ends the membership: a dynamic member leaves the group, a static one keeps its place for its
 * next life. Nothing is committed. Pending rebalances are answered inline; messages still held by
 * the caller stay valid and must be released before free. Idempotent. */
void fd_kafka_source_close(fd_kafka_source *source);

/* NULL is fine. Closes first if that was not done. */
void fd_kafka_source_free(fd_kafka_source *source);

#endif
