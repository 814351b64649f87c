/*
 * The table of metric families. A row: id, kind, name, labels, bound, raw unit, help.
 *
 * labels: NONE; a closed set (ACTION, FLAG, POISON, STAGE, TXN, PAUSE, LEVEL, RELOAD), or an open
 * one (PARTITION, RULE, CHANGE, ANOMALY, BUILD, RULESET) with `bound` series at most (0 for the
 * others). Units: ONE and BYTES are shown as they are, NS, US and MS as seconds, PPM as a ratio.
 * Names are a contract with dashboards: append, do not rename.
 */
#ifndef FD_TELEMETRY_METRICS_TABLE_H
#define FD_TELEMETRY_METRICS_TABLE_H

enum { FD_METRIC_MAX_LABELS = 3, FD_METRIC_PARTITIONS = 4096, FD_METRIC_RULES = 4096 };

/* clang-format off */
#define FD_METRICS(X)                                                                              \
    X(EVENTS, COUNTER, "fraudd_events_total", NONE, 0, ONE,                                        \
      "Events decided and committed.")                                                             \
    X(DECISIONS, COUNTER, "fraudd_decisions_total", ACTION, 0, ONE,                                \
      "Decisions committed, by action.")                                                           \
    X(FLAGS, COUNTER, "fraudd_decision_flags_total", FLAG, 0, ONE,                                 \
      "Decisions committed that carry the flag.")                                                  \
    X(DEAD_LETTERS, COUNTER, "fraudd_dead_letters_total", POISON, 0, ONE,                          \
      "Invalid events sent to the dead-letter topic, by reason.")                                  \
    X(RULE_HITS, COUNTER, "fraudd_rule_hits_total", RULE, FD_METRIC_RULES, ONE,                    \
      "Times a rule's condition was true, by rule and mode.")                                      \
    X(RULE_ERRORS, COUNTER, "fraudd_rule_errors_total", RULE, FD_METRIC_RULES, ONE,                \
      "Times a rule's condition failed at run time, by rule and mode.")                            \
    X(BATCH_EVENTS, HISTOGRAM, "fraudd_batch_events", NONE, 0, ONE,                                \
      "Events per micro-batch.")                                                                   \
    X(STAGE, HISTOGRAM, "fraudd_stage_duration_seconds", STAGE, 0, NS,                             \
      "Time a micro-batch spends in a stage.")                                                     \
    X(STAGE_EVENTS, COUNTER, "fraudd_stage_events_total", STAGE, 0, ONE,                           \
      "Events that went through a stage; with the stage's sum: time per event.")                   \
    X(LATENCY, HISTOGRAM, "fraudd_end_to_end_latency_seconds", NONE, 0, NS,                        \
      "From an event's Kafka timestamp to the return of its decision's commit.")                   \
    X(TXNS, COUNTER, "fraudd_transactions_total", TXN, 0, ONE,                                     \
      "Kafka transactions by how they ended.")                                                     \
    X(TXN_TIME, HISTOGRAM, "fraudd_transaction_duration_seconds", TXN, 0, NS,                      \
      "Time of a transaction from begin to its end, or of a recovery.")                            \
    X(LAG, GAUGE, "fraudd_partition_lag_records", PARTITION, FD_METRIC_PARTITIONS, ONE,            \
      "Records of the partition's log behind its committed offset.")                               \
    X(COMMITTED, GAUGE, "fraudd_partition_committed_offset", PARTITION, FD_METRIC_PARTITIONS, ONE, \
      "Next offset to decide, as committed.")                                                      \
    X(WATERMARK, GAUGE, "fraudd_partition_watermark_timestamp_seconds", PARTITION,                 \
      FD_METRIC_PARTITIONS, MS, "Highest event time decided, since the epoch.")                    \
    X(QUEUED, GAUGE, "fraudd_partition_queue_records", PARTITION, FD_METRIC_PARTITIONS, ONE,       \
      "Events fetched and not yet in a batch.")                                                    \
    X(PAUSED, GAUGE, "fraudd_partitions_paused", PAUSE, 0, ONE,                                    \
      "Partitions not being fetched, by reason.")                                                  \
    X(ASSIGNED, GAUGE, "fraudd_partitions_assigned", NONE, 0, ONE,                                 \
      "Partitions this process owns.")                                                             \
    X(REBALANCES, COUNTER, "fraudd_rebalances_total", NONE, 0, ONE,                                \
      "Assignments, revocations and losses of partitions.")                                        \
    X(BREAKER, GAUGE, "fraudd_poison_breaker_open", NONE, 0, ONE,                                  \
      "1 while intake is stopped because too many events are invalid.")                            \
    X(RELOAD_TIME, GAUGE, "fraudd_last_reload_success_timestamp_seconds", NONE, 0, MS,             \
      "When the rules were last found good, since the epoch.")                                     \
    X(RULES, GAUGE, "fraudd_rules", NONE, 0, ONE,                                                  \
      "Rules in force that are not off.")                                                          \
    X(RULESET, GAUGE, "fraudd_ruleset_info", RULESET, 8, ONE,                                      \
      "1 for the content hashes in force.")                                                        \
    X(BUILD, GAUGE, "fraudd_build_info", BUILD, 1, ONE,                                            \
      "1 for the version that runs.")                                                              \
    X(STATE_KEYS, GAUGE, "fraudd_state_keys", NONE, 0, ONE,                                        \
      "Keys whose windows are in memory.")                                                         \
    X(STATE_EVENTS, GAUGE, "fraudd_state_events", NONE, 0, ONE,                                    \
      "Events in these windows; one counts once for each of its keys.")                            \
    X(STATE_DIRTY, GAUGE, "fraudd_state_dirty_keys", NONE, 0, ONE,                                 \
      "Windows that are newer than what the store has.")                                           \
    X(STATE_BYTES, GAUGE, "fraudd_state_bytes", NONE, 0, BYTES,                                    \
      "Memory in use for windows.")                                                                \
    X(STATE_LIMIT, GAUGE, "fraudd_state_limit_bytes", NONE, 0, BYTES,                              \
      "Memory that windows may use.")                                                              \
    X(STATE_HITS, COUNTER, "fraudd_state_hits_total", NONE, 0, ONE,                                \
      "Keys of events that were in memory.")                                                       \
    X(STATE_MISSES, COUNTER, "fraudd_state_misses_total", NONE, 0, ONE,                            \
      "Keys of events that were not in memory.")                                                   \
    X(STATE_EVICTIONS, COUNTER, "fraudd_state_evictions_total", NONE, 0, ONE,                      \
      "Windows that were forgotten to make room; the store has them.")                             \
    X(REDO_EVENTS, COUNTER, "fraudd_redo_events_total", NONE, 0, ONE,                              \
      "Events folded once more to redo window state.")                                             \
    X(REDO_LEFT, GAUGE, "fraudd_redo_left_records", NONE, 0, ONE,                                  \
      "Records still to be read before all assigned partitions are live.")                         \
    X(LOG_LINES, COUNTER, "fraudd_log_lines_total", LEVEL, 0, ONE,                                 \
      "Log lines by level, those the rate limit suppressed included.")                             \
    X(CPU, COUNTER, "process_cpu_seconds_total", NONE, 0, US,                                      \
      "User and system CPU time of the process.")                                                  \
    X(RSS, GAUGE, "process_resident_memory_bytes", NONE, 0, BYTES,                                 \
      "Resident memory of the process.")                                                           \
    X(FDS, GAUGE, "process_open_fds", NONE, 0, ONE,                                                \
      "Open file descriptors of the process.")                                                     \
    X(STARTED, GAUGE, "process_start_time_seconds", NONE, 0, MS,                                   \
      "Start of the process, since the epoch.")                                                    \
    X(STORE_UP, GAUGE, "fraudd_store_up", NONE, 0, ONE,                                            \
      "1 while the state store (Redis) can be used, or none is needed; 0 without windows.")        \
    X(STORE_READS, COUNTER, "fraudd_store_reads_total", NONE, 0, ONE,                              \
      "Read requests to the state store.")                                                         \
    X(STORE_WRITES, COUNTER, "fraudd_store_writes_total", NONE, 0, ONE,                            \
      "Write requests to the state store, those that remove what is too old included.")            \
    X(STORE_REFUSED, COUNTER, "fraudd_store_refused_total", NONE, 0, ONE,                          \
      "Requests it refused, being other than this process had left it.")                           \
    X(STORE_FAILED, COUNTER, "fraudd_store_failed_total", NONE, 0, ONE,                            \
      "Requests without an answer, or with an error of the store.")                                \
    X(VALUES_READ, COUNTER, "fraudd_store_values_read_total", NONE, 0, ONE,                        \
      "Windows that were read from the state store.")                                              \
    X(VALUES_WRITTEN, COUNTER, "fraudd_store_values_written_total", NONE, 0, ONE,                  \
      "Windows that were written to the state store.")                                             \
    X(FLUSH_TIME, COUNTER, "fraudd_store_flush_seconds_total", NONE, 0, NS,                        \
      "Time that writes took, from a first request to its last answer, of all partitions.")        \
    X(ARCHIVE_ERRORS, COUNTER, "fraudd_archive_errors_total", NONE, 0, ONE,                        \
      "Times that something could not be written to the archive.")                                 \
    X(RULE_EVALUATIONS, COUNTER, "fraudd_rule_evaluations_total", RULE, FD_METRIC_RULES, ONE,      \
      "Times a rule was evaluated: not off, in its rollout, not snoozed; by rule and mode.")       \
    X(SHADOW_CHANGES, COUNTER, "fraudd_rule_shadow_changes_total", CHANGE, FD_METRIC_RULES, ONE,   \
      "Decisions that a shadow rule alone, had it been live, had made worse or milder.")           \
    X(RULE_ANOMALY, GAUGE, "fraudd_rule_anomaly", ANOMALY, FD_METRIC_RULES, ONE,                   \
      "1 while a rule fires far less (silent) or more often (exploded) than in its own past.")     \
    X(RELOADS, COUNTER, "fraudd_reloads_total", RELOAD, 0, ONE,                                    \
      "Times the rules were read again, by what came of it.")                                      \
    X(RELOAD_OK, GAUGE, "fraudd_last_reload_successful", NONE, 0, ONE,                             \
      "0 while the rules in their directory are not those that decide or wait to: the last "       \
      "attempt to load them was refused or failed.")                                               \
    X(RELOAD_DURATION, HISTOGRAM, "fraudd_reload_duration_seconds", NONE, 0, NS,                   \
      "Time to read, compile, test and archive the rules, beside the decisions.")                  \
    X(SWITCHES, COUNTER, "fraudd_ruleset_switches_total", NONE, 0, ONE,                            \
      "Rule sets that began to decide after the start.")                                           \
    X(GIVEN_UP, COUNTER, "fraudd_ruleset_given_up_total", NONE, 0, ONE,                            \
      "Accepted rule sets that never decided: another came first, or their windows could not be "  \
      "rebuilt.")                                                                                  \
    X(REBUILDING, GAUGE, "fraudd_rebuild_active", NONE, 0, ONE,                                    \
      "1 while windows of a rule set that waits are rebuilt beside those that decide.")            \
    X(REBUILD_EVENTS, GAUGE, "fraudd_rebuild_events", NONE, 0, ONE,                                \
      "Events folded for it so far.")                                                              \
    X(REBUILD_LEFT, GAUGE, "fraudd_rebuild_left_records", NONE, 0, ONE,                            \
      "Records still to be folded for it.")                                                        \
    X(MODEL_SCORE, HISTOGRAM, "fraudd_model_score", MODEL, 256, PPM,                               \
      "Scores of a model, by model and mode; its count is how many events it scored.")             \
    X(MODEL_PSI, GAUGE, "fraudd_model_score_psi_ratio", MODEL_ID, 256, PPM,                        \
      "Population stability index of a model's latest scores against its self-test's.")            \
    X(MODEL_MISSING, COUNTER, "fraudd_model_missing_inputs_total", MODEL_INPUT, 4096, ONE,         \
      "Times an input of a model had no value.")                                                   \
    X(MODEL, GAUGE, "fraudd_model_info", MODEL_VERSION, 256, ONE,                                  \
      "1 for the models in force.")
/* clang-format on */

#endif
