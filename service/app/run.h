/*
 * `fraudd run`, taken apart: what is loaded (run_load.c), what is connected (run_connect.c), the
 * threads (run_threads.c), who hears of it (run_observer.c), the HTTP answers (run_http.c),
 * consents on disk (run_consents.c) and the life of the process (cmd_run.c). Only these files see
 * inside.
 *
 * Threads: main is the engine thread; one thread per transaction lane; the reloader's, the HTTP
 * server's, the registry's and librdkafka's own.
 */
#ifndef FD_APP_RUN_H
#define FD_APP_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "admin/admin.h"
#include "app/archive/archive.h"
#include "app/reload/reloader.h"
#include "config/config.h"
#include "engine/engine.h"
#include "kafka/check.h"
#include "kafka/consumer.h"
#include "kafka/history.h"
#include "kafka/producer.h"
#include "pipeline/worker.h"
#include "redis/redis.h"
#include "registry/registry.h"
#include "telemetry/observer.h"
#include "telemetry/statusline.h"

/* A thread of a lane, and how it is woken. */
typedef struct fd_run_lane {
    struct fd_run *run;
    int index;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken;
    bool started;
} fd_run_lane;

typedef struct fd_run {
    fd_config *config;
    fd_log *log;
    fd_metrics *metrics;
    fd_telemetry *telemetry;
    fd_observer inner_observer; /* telemetry's */
    fd_schema *readers[FD_ENGINE_MAX_SOURCES];
    fd_schema *decision_schema;
    fd_content_hash config_hash;
    fd_engine *engine;
    fd_archive *archive;
    fd_reloader *reloader;
    const char *topics[FD_ENGINE_MAX_SOURCES];
    int32_t partitions[FD_ENGINE_MAX_SOURCES];
    char stem[640];
    fd_kafka_source *source;
    fd_kafka_txn *txn;
    fd_kafka_history *history;
    fd_registry *registry;
    fd_redis *redis;             /* NULL: window state is in memory only, or there is none */
    _Atomic(fd_worker *) worker; /* NULL until connected: HTTP answers before */
    fd_run_lane lanes[FD_LANES];
    fd_admin *admin;
    fd_status_sample first_sample;
    pthread_mutex_t consent_lock;
    int64_t stop_deadline_ns; /* 0 = not stopping */
} fd_run;

extern const fd_clock fd_run_clock;

/* run_load.c: schemas, rules, engine from the configuration. Exit code; says what is wrong. */
int fd_run_load(fd_run *r);
void fd_run_unload(fd_run *r);

/* run_connect.c */
int fd_run_connect(fd_run *r); /* waits for a broker up to startup.timeout */
void fd_run_disconnect(fd_run *r);
/* Has a signal asked to stop? (cmd_run.c) */
bool fd_run_asked_to_stop(void);

/* run_observer.c */
fd_observer fd_run_observer(fd_run *r);

/* run_former.c: a rule set whose time has not come yet is preceded by the one that decided until
 * now, which the archive has. Says so. */
void fd_run_precede(fd_run *r, const fd_kafka_settings *kafka);

/* run_threads.c */
void fd_run_start_lanes(fd_run *r);
void fd_run_join_lanes(fd_run *r);
void fd_run_wake(void *self, int who); /* fd_worker_config.wake */

/* run_http.c */
int fd_run_serve(fd_run *r);

/* run_consents.c: archive.dir/consents.jsonl. False: *text says why. */
bool fd_run_consents_load(fd_run *r, fd_err *err);
bool fd_run_consents_add(fd_run *r, const char *topic, int32_t partition, int64_t through,
                         fd_err *err);
/* Index of a source's topic, or -1. */
int fd_run_topic(const fd_run *r, const char *topic);

#endif
