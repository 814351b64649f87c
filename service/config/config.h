/*
 * The configuration: defaults < YAML file < FRAUDD_* environment < --set; the last one wins.
 *
 * Keys, types, ranges, defaults and one-line docs are one table (config_table.h); the reference
 * file and docs are printed from it. Here is the typed result. Units are in the names; durations
 * are microseconds, sizes bytes, rates fractions (5% is 0.05). Strings are never NULL: "" means
 * "not set". Everything belongs to the fd_config and lives until fd_config_free.
 * Immutable after loading: any thread may read. Reads files (the YAML, *_file secrets); calls
 * neither getenv nor any clock, the caller passes the environment in.
 */
#ifndef FD_CONFIG_CONFIG_H
#define FD_CONFIG_CONFIG_H

#include "base/diag.h"
#include "base/hash.h"
#include "base/kv.h"
#include "base/level.h"
#include "base/strbuf.h"
#include "domain/enums.h"
#include "domain/input.h"

/* What becomes of events while windows are rebuilt. */
typedef enum fd_on_rebuild { FD_ON_REBUILD_WAIT, FD_ON_REBUILD_FLAG } fd_on_rebuild;

/* What to do where the log begins later than the windows reach back. */
typedef enum fd_short_history { FD_SHORT_HISTORY_REFUSE, FD_SHORT_HISTORY_FLAG } fd_short_history;

/* Must the tests beside a rule set pass before it decides? */
typedef enum fd_reload_tests { FD_RELOAD_TESTS_OFF, FD_RELOAD_TESTS_REQUIRED } fd_reload_tests;

typedef enum fd_role { FD_ROLE_DECIDE, FD_ROLE_OBSERVE } fd_role;

typedef struct fd_config_source {
    const char *topic;
    fd_role role;
    const char *schema; /* path of the reader schema (.avsc) */
    fd_framing framing;
    const char *id; /* this and the next two: dotted paths of event fields */
    const char *time;
    const char *partitioned_by; /* "": not checked */
    fd_start start;
} fd_config_source;

typedef struct fd_listen {
    bool on;
    const char *host; /* a name, an IPv4 address or an IPv6 address without its brackets */
    uint16_t port;    /* 0: any free one */
} fd_listen;

typedef struct fd_config {
    fd_kvs kafka, consumer, producer; /* for librdkafka, verbatim */
    const char *group;
    const char *instance;
    size_t n_sources;
    const fd_config_source *sources;
    struct {
        const char *topic;
        fd_evidence evidence;
    } output;
    struct {
        const char *topic;
        fd_action decision;
        int64_t max_bytes;
    } dead_letter;
    struct {
        const char *url;        /* "": none */
        const char *basic_auth; /* "user:password" */
        int64_t timeout_us;
    } registry;
    struct {
        const char *url; /* "": none */
        const char *username;
        const char *password;
        const char *ca_file;
        const char *prefix; /* "": fraudd:<group>: */
        int64_t timeout_us;
    } redis;
    const char *rules;  /* a directory */
    const char *models; /* a directory; "": none */
    struct {
        const char *dir;   /* "": none */
        const char *topic; /* "": none */
    } archive;
    struct {
        int64_t max_events;
        int64_t max_wait_us;
        int64_t max_in_flight;
        int64_t queue_events; /* per partition */
    } batch;
    struct {
        int64_t max_idle_us;
        int64_t max_skew_us;
    } merge;
    struct {
        int64_t poll_interval_us;
        int64_t debounce_us;
        fd_reload_tests tests;
    } reload;
    struct {
        int64_t memory; /* bytes */
        int64_t lateness_us;
        int64_t future_us;
        int64_t flush_interval_us;
        int64_t max_events_per_key;
        fd_on_rebuild on_rebuild;
        fd_short_history on_short_history;
        double backfill_cpu;
    } state;
    struct {
        double max_rate;
        int64_t window; /* events */
    } poison;
    struct {
        int64_t after_us; /* 0: off */
        fd_action decision;
    } deadline;
    struct {
        fd_listen listen;
    } http;
    struct {
        fd_log_level level;
        fd_log_format format;
    } log;
    struct {
        int64_t timeout_us;
    } startup;
    struct {
        int64_t timeout_us;
    } shutdown;
    struct fd_config_own *own; /* memory, and where each value came from */
} fd_config;

typedef struct fd_config_inputs {
    const char *path;       /* the YAML file; NULL: none */
    const char *const *env; /* "K=V", ends with NULL; NULL: none. Only FRAUDD_* set keys; all may
                               be named by ${...} */
    const char *hostname;   /* what ${HOSTNAME} is when env has none; may be NULL */
    size_t n_set;
    const char *const *set; /* "section.key=value" of the command line, in its order */
} fd_config_inputs;

/* NULL when there were errors; all that could be found at once are in `diags` (warnings too,
 * also on success). Nothing of `inputs` is kept. */
fd_config *fd_config_load(const fd_config_inputs *inputs, fd_diags *diags);
void fd_config_free(fd_config *c); /* NULL is fine */

/* The effective configuration as YAML; a comment on each line says where its value came from.
 * Secrets are masked. */
void fd_config_print(const fd_config *c, fd_strbuf *out);

/* The documented default file, and docs/configuration.md: both a function of the table alone. */
void fd_config_reference(fd_strbuf *out);
void fd_config_manual(fd_strbuf *out);

/* Names every value that decides something: equal hashes, equal decisions from equal events.
 * schemas: the content hash of each source's reader schema, in the order of `sources`. */
fd_content_hash fd_config_hash(const fd_config *c, size_t n_schemas,
                               const fd_content_hash *schemas);

/* The text that fd_config_hash() is the content hash of. */
void fd_config_decides(const fd_config *c, size_t n_schemas, const fd_content_hash *schemas,
                       fd_strbuf *out);

/* A configuration file with every value that decides, for `fraudd replay`: sources read the
 * schemas that are named here, in their order; rules and models (if there are any) are in these
 * directories. */
void fd_config_print_deciding(const fd_config *c, const char *rules, const char *models,
                              const char *const *schemas, fd_strbuf *out);

/* A warning for each key that differs and that a reload cannot change. */
void fd_config_check_reload(const fd_config *running, const fd_config *fresh, fd_diags *diags);

/* The value of a librdkafka property for one client: its own map first, then `kafka`; or NULL. */
const char *fd_config_property(const fd_config *c, const fd_kvs *own_map, const char *key);

#endif
