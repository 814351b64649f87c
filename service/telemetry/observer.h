/*
 * The pipeline's observer (ports/observer.h) as metrics and log lines.
 *
 * Owns the mapping from numbers (source, partition, rule) to label values. Threads: stage, txn
 * and note from any; batch, partition, rule and fd_telemetry_set_rules from the engine thread.
 */
#ifndef FD_TELEMETRY_OBSERVER_H
#define FD_TELEMETRY_OBSERVER_H

#include "ports/observer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

typedef struct fd_telemetry fd_telemetry;

/* topics[i] names source i; copied. log may be NULL. */
fd_telemetry *fd_telemetry_new(fd_metrics *metrics, fd_log *log, const char *const *topics,
                               uint32_t n_topics);
void fd_telemetry_free(fd_telemetry *t); /* NULL is fine */

fd_observer fd_telemetry_observer(fd_telemetry *t);

/* What rule numbers mean from now on; counters of rules that stay go on. */
void fd_telemetry_set_rules(fd_telemetry *t, const fd_rule_label *rules, uint32_t n);
/* The rules that are out of the ordinary (figures.h), as a JSON array. Any thread. */
void fd_telemetry_anomalies_json(fd_telemetry *t, fd_strbuf *out);
/* Content hashes in force, as fraudd_ruleset_info. */
void fd_telemetry_set_ruleset(fd_telemetry *t, const char *ruleset, const char *lists,
                              const char *config);

#endif
