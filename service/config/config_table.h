/*
 * The one table of configuration keys: what loading, checking, printing, the reference file and
 * docs/configuration.md are made from.
 *
 * A row: member of fd_config, key, type, default, min, max, unit, choices, flags, doc. Defaults
 * and bounds are texts in the type's own syntax; min and max NULL: unbounded. `docs/` must be
 * regenerated after a change here (a test says how).
 * Flags: RELOAD = may change while the process runs; SECRET = masked, `<key>_file` reads it from a
 * file; DECIDES = part of config_hash.
 */
#ifndef FD_CONFIG_CONFIG_TABLE_H
#define FD_CONFIG_CONFIG_TABLE_H

/* Sections in the order of the reference file: name, doc. A top-level key is its own section. */
#define FD_CONFIG_SECTIONS(X)                                                                 \
    X(output, "Where decisions go.")                                                          \
    X(dead_letter, "What happens to events that cannot be decoded or have no id or time.")    \
    X(registry, "The Schema Registry, for sources with the confluent framing.")               \
    X(redis, "A cache of window state, so that a start need not read all of it again.")       \
    X(archive, "Every rule set, list and configuration that decided something, by its hash.") \
    X(batch, "Micro-batches: what is queued is decided together, in one transaction.")        \
    X(merge, "How events of several partitions are brought into one order.")                  \
    X(reload, "The rules change while the process runs.")                                     \
    X(state, "Event time, and the windows of features.")                                      \
    X(poison, "Too many invalid events mean a wrong schema or producer: stop and say so.")    \
    X(deadline, "Decisions nobody waits for any more.")                                       \
    X(http, "Metrics, health and control.")                                                   \
    X(log, "Log lines on standard error.")                                                    \
    X(startup, "Starting.")                                                                   \
    X(shutdown, "Stopping.")

/* clang-format off */
#define FD_CONFIG_KEYS(X)                                                                          \
    X(group, "group", STRING, "fraudd", NULL, NULL, "", NONE, 0,                                   \
      "Consumer group.")                                                                           \
    X(instance, "instance", STRING, "${HOSTNAME}", NULL, NULL, "", NONE, 0,                        \
      "Name of this process: group.instance.id and the stem of the transactional ids. Must be "    \
      "unique in the group, and stable over restarts (a StatefulSet's pod name). Empty: dynamic "  \
      "membership, for a Deployment whose pods have no stable names.")                             \
    X(output.topic, "output.topic", STRING, "decisions", NULL, NULL, "", NONE, 0,                  \
      "Topic of the decisions.")                                                                   \
    X(output.evidence, "output.evidence", ENUM, "fired", NULL, NULL, "", EVIDENCE, DECIDES,        \
      "Feature values that a decision records: none, those of the rules that fired, or all.")      \
    X(dead_letter.topic, "dead_letter.topic", STRING, "fraudd-dlq", NULL, NULL, "", NONE, 0,       \
      "Topic of the invalid events, in their original bytes.")                                     \
    X(dead_letter.decision, "dead_letter.decision", ENUM, "review", NULL, NULL, "", ACTION,        \
      DECIDES, "Decision for an invalid event.")                                                   \
    X(dead_letter.max_bytes, "dead_letter.max_bytes", BYTES, "900KiB", "1KiB", "1GiB", "bytes",    \
      NONE, 0, "Longer dead letters are truncated; must fit message.max.bytes.")                   \
    X(registry.url, "registry.url", STRING, "", NULL, NULL, "", NONE, 0,                           \
      "Base URL, http:// or https://; empty: none.")                                               \
    X(registry.basic_auth, "registry.basic_auth", STRING, "", NULL, NULL, "", NONE, SECRET,        \
      "Credentials, user:password.")                                                               \
    X(registry.timeout_us, "registry.timeout", DURATION, "5s", "10ms", "5m", "", NONE, 0,          \
      "For one request; schemas are cached, partitions that wait for one are paused.")             \
    X(redis.url, "redis.url", STRING, "", NULL, NULL, "", NONE, 0,                                 \
      "redis://host:port/db, rediss:// for TLS, or unix:///path?db=N: Redis 6.2 or newer, or "     \
      "Valkey, with maxmemory-policy noeviction. Empty: state is only in memory.")                 \
    X(redis.username, "redis.username", STRING, "", NULL, NULL, "", NONE, 0,                       \
      "User of Redis's access control list; empty: the default one.")                              \
    X(redis.password, "redis.password", STRING, "", NULL, NULL, "", NONE, SECRET,                  \
      "Its password.")                                                                             \
    X(redis.ca_file, "redis.ca_file", PATH, "", NULL, NULL, "", NONE, 0,                           \
      "PEM file with the authorities to trust for rediss://; empty: the system's.")                \
    X(redis.prefix, "redis.prefix", STRING, "", NULL, NULL, "", NONE, 0,                           \
      "What all key names begin with; empty: fraudd:<group>:. Must differ between Kafka "          \
      "clusters that share a Redis.")                                                              \
    X(redis.timeout_us, "redis.timeout", DURATION, "5s", "10ms", "1m", "", NONE, 0,                \
      "To connect, and without a sign of life before the connection is given up.")                 \
    X(rules, "rules", PATH, "rules/", NULL, NULL, "", NONE, 0,                                     \
      "Directory of the rule files; watched, see reload.")                                         \
    X(models, "models", PATH, "", NULL, NULL, "", NONE, 0,                                         \
      "Directory of the models' manifests. Empty: there are no models.")                           \
    X(archive.dir, "archive.dir", PATH, "archive/", NULL, NULL, "", NONE, 0,                       \
      "Directory of the archive; empty: none.")                                                    \
    X(archive.topic, "archive.topic", STRING, "", NULL, NULL, "", NONE, 0,                         \
      "Compacted topic of the archive (cleanup.policy=compact), for workers without a disc that "  \
      "stays; empty: none. With both, both are written.")                                          \
    X(batch.max_events, "batch.max_events", INT, "2048", "1", "65536", "events", NONE, 0,          \
      "Most events in one batch.")                                                                 \
    X(batch.max_wait_us, "batch.max_wait", DURATION, "20ms", "0", "1s", "", NONE, 0,               \
      "How long events wait, while a batch commits, before a second one goes beside it; a full "   \
      "batch does not wait, and without one in flight nothing does.")                              \
    X(batch.max_in_flight, "batch.max_in_flight", INT, "2", "1", "2", "batches", NONE, 0,          \
      "Batches at once: the next one is decided while one commits.")                               \
    X(batch.queue_events, "batch.queue_events", INT, "8192", "1", "1048576", "events", NONE, 0,    \
      "Events fetched ahead per partition; a full partition is paused.")                           \
    X(merge.max_idle_us, "merge.max_idle", DURATION, "100ms", "0", "1m", "", NONE, 0,              \
      "How long a partition that has records is waited for before others go first.")               \
    X(merge.max_skew_us, "merge.max_skew", DURATION, "1h", "1s", "30d", "", NONE, DECIDES,         \
      "A partition that is further behind the others in event time catches up apart from them.")   \
    X(reload.poll_interval_us, "reload.poll_interval", DURATION, "10s", "100ms", "1h", "", NONE,   \
      0,                                                                                           \
      "How often the rule files and lists are compared with what was read last; most changes are " \
      "noticed at once, those on some network file systems only so.")                              \
    X(reload.debounce_us, "reload.debounce", DURATION, "100ms", "0", "10s", "", NONE, 0,           \
      "After a change the files must be quiet for this long before they are read, 2s (or this, "   \
      "if it is more) at most.")                                                                   \
    X(reload.tests, "reload.tests", ENUM, "off", NULL, NULL, "", RELOAD_TESTS, 0,                  \
      "required: the tests beside the rules (*.test.yaml) run before a set decides, and one that " \
      "fails refuses it, also at the start.")                                                      \
    X(state.memory, "state.memory", BYTES, "1GiB", "1MiB", "1TiB", "bytes", NONE, 0,               \
      "Memory for windows, taken at start when the rules declare features. When it is full, "      \
      "decisions wait.")                                                                           \
    X(state.lateness_us, "state.lateness", DURATION, "10m", "0", "30d", "", NONE, DECIDES,         \
      "Events later than this behind their partition's highest event time are flagged LATE and "   \
      "not counted in windows.")                                                                   \
    X(state.future_us, "state.future", DURATION, "5m", "0", "30d", "", NONE, DECIDES,              \
      "Events with a time further than this beyond their Kafka timestamp are flagged FUTURE and "  \
      "not counted in windows.")                                                                   \
    X(state.flush_interval_us, "state.flush_interval", DURATION, "2s", "10ms", "10m", "", NONE, 0, \
      "How often windows are written to the state store (redis.url); a successor redoes at most "  \
      "about this much.")                                                                          \
    X(state.max_events_per_key, "state.max_events_per_key", INT, "10000", "8", "1000000",          \
      "events", NONE, DECIDES,                                                                     \
      "Newest events of a key that are kept one by one; what is older is summed up, and results "  \
      "that use it are flagged APPROXIMATE.")                                                      \
    X(state.on_rebuild, "state.on_rebuild", ENUM, "wait", NULL, NULL, "", REBUILD, 0,              \
      "While windows are rebuilt from the log: wait, or decide at once with empty windows and "    \
      "flag the decisions INCOMPLETE.")                                                            \
    X(state.on_short_history, "state.on_short_history", ENUM, "refuse", NULL, NULL, "",            \
      SHORT_HISTORY, 0,                                                                            \
      "When the log begins later than the windows reach back: refuse to start, or flag decisions " \
      "INCOMPLETE until the windows are full.")                                                    \
    X(state.backfill_cpu, "state.backfill_cpu", PERCENT, "50%", "1%", "100%", "", NONE, 0,         \
      "Share of the engine thread, at most, that fills the windows of newly loaded rules from "    \
      "the log while the former rules decide.")                                                    \
    X(poison.max_rate, "poison.max_rate", PERCENT, "5%", "0%", "100%", "", NONE, RELOAD,           \
      "Share of invalid events above which intake stops until an operator resumes it; 100%: "      \
      "never.")                                                                                    \
    X(poison.window, "poison.window", INT, "1000", "10", "1000000", "events", NONE, 0,             \
      "Latest events that the share is taken of.")                                                 \
    X(deadline.after_us, "deadline.after", DURATION, "0", "0", "30d", "", NONE, DECIDES,           \
      "An event older than this (by Kafka timestamp) when it is evaluated gets the decision "      \
      "below, flagged DEADLINE; 0: off.")                                                          \
    X(deadline.decision, "deadline.decision", ENUM, "allow", NULL, NULL, "", ACTION, DECIDES,      \
      "Decision for an event past its deadline.")                                                  \
    X(http.listen, "http.listen", LISTEN, "127.0.0.1:9464", NULL, NULL, "", NONE, 0,               \
      "host:port, [IPv6]:port or :port for every address; off: no server. There is no "            \
      "authentication: keep it on loopback or inside the pod's network.")                          \
    X(log.level, "log.level", ENUM, "info", NULL, NULL, "", LEVEL, RELOAD,                         \
      "Least severe lines that are written.")                                                      \
    X(log.format, "log.format", ENUM, "json", NULL, NULL, "", FORMAT, 0,                           \
      "JSON lines, or text for people.")                                                           \
    X(startup.timeout_us, "startup.timeout", DURATION, "30s", "1s", "1h", "", NONE, 0,             \
      "How long start-up waits for the brokers before it gives up.")                               \
    X(shutdown.timeout_us, "shutdown.timeout", DURATION, "25s", "0", "1h", "", NONE, 0,            \
      "How long SIGTERM waits for batches in flight; below the pod's grace period.")

/* Keys of an item of `sources`: member of fd_config_source, key, type, default (NULL: required),
 * choices, flags, the reference file's example, doc. */
#define FD_SOURCE_KEYS(X)                                                                          \
    X(topic, "topic", STRING, NULL, NONE, DECIDES, "payments",                                     \
      "Topic of the events.")                                                                      \
    X(role, "role", ENUM, "decide", ROLE, DECIDES, "decide",                                       \
      "decide: each event gets a decision.")                                                       \
    X(schema, "schema", PATH, NULL, NONE, 0, "schemas/payment.avsc",                               \
      "Avro schema that rules are written against; writers' schemas are resolved to it.")          \
    X(framing, "framing", ENUM, "raw", FRAMING, DECIDES, "raw",                                    \
      "raw: bare Avro in the schema above; confluent: 0, 4-byte id; single-object: C3 01, "        \
      "fingerprint.")                                                                              \
    X(id, "id", STRING, NULL, NONE, DECIDES, "tx_id",                                              \
      "Field that identifies the event (dotted path).")                                            \
    X(time, "time", STRING, NULL, NONE, DECIDES, "event_time",                                     \
      "Field of the event time: a timestamp.")                                                     \
    X(partitioned_by, "partitioned_by", STRING, "", NONE, 0, "card_id",                            \
      "Field that the topic is keyed by; a sample is checked. Empty: not checked.")                \
    X(start, "start", START, "earliest", NONE, 0, "earliest",                                      \
      "Where a partition without committed offset begins: earliest, latest, or an ISO time in "    \
      "UTC (2026-01-31T00:00:00Z).")

/* What later versions will have: a key, or a whole section; and what it is for. */
#define FD_CONFIG_LATER(X)                                                                         \
    X("source.known_at", "sources that are only observed")                                         \
    X("source.lateness", "sources that are only observed")

/* librdkafka properties that follow from how fraudd works: name, why they cannot be set. */
#define FD_KAFKA_OWNED(X)                                                                          \
    X("enable.auto.commit", "offsets are committed with the decisions, in one transaction")        \
    X("auto.commit.enable", "offsets are committed with the decisions, in one transaction")        \
    X("auto.commit.interval.ms", "offsets are committed with the decisions, in one transaction")   \
    X("enable.auto.offset.store", "offsets are committed with the decisions, in one transaction")  \
    X("offset.store.method", "offsets are committed with the decisions, in one transaction")       \
    X("check.crcs", "a damaged record must not be decided: it is on")                              \
    X("allow.auto.create.topics", "a missing topic is an error, not a new topic")                  \
    X("isolation.level", "only committed events may be decided: it is read_committed")             \
    X("auto.offset.reset", "partitions start where `start` of their source says")                  \
    X("enable.partition.eof", "the merge needs to know the ends of partitions: it is on")          \
    X("group.id", "it is the key `group`")                                                         \
    X("group.instance.id", "it is the key `instance`")                                             \
    X("transactional.id", "it is made from the key `instance`")                                    \
    X("enable.idempotence", "transactional producers are idempotent")                              \
    X("acks", "transactions need all replicas: it is all")                                         \
    X("request.required.acks", "transactions need all replicas: it is all")                        \
    X("enable.gapless.guarantee", "a lost message aborts its transaction instead")                 \
    X("delivery.report.only.error", "every delivery report is counted")                            \
    X("opaque", "it is a pointer inside the program")                                              \
    X("default_topic_conf", "it is a pointer inside the program")

/* Substrings of property names whose values are masked. */
#define FD_KAFKA_SECRETS(X)                                                                        \
    X("password") X("secret") X("jaas") X("key.pem") X("oauthbearer.config") X("token")
/* clang-format on */

#endif
