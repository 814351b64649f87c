/*
 * The archive: what decided is stored before its first decision, and when it decided is written
 * down (DESIGN §7), in a directory, in a compacted topic, or in both.
 *
 * fd_archive_admit() does both for a program that is about to be offered to the worker: it stores
 * rule files, list files, model files and the configuration, and writes the intent. It returns when
 * all of this is durable. fd_archive_told() takes what the observer hears of a program (`program`
 * of fd_observer_ops) and writes the outcomes, on a thread of its own; fd_archive_live() the same
 * for a partition that goes live.
 *
 * Threads: open, close on one; admit on any, one at a time (it locks); told and live on the
 * engine thread, never block and never fail.
 */
#ifndef FD_APP_ARCHIVE_ARCHIVE_H
#define FD_APP_ARCHIVE_ARCHIVE_H

#include "codec/schema.h"
#include "config/config.h"
#include "engine/program.h"
#include "kafka/settings.h"
#include "ports/observer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

typedef struct fd_archive fd_archive;

/* Why a program was loaded. */
#define FD_TRIGGERS(X)  \
    X(START, "start")   \
    X(WATCH, "watch")   \
    X(POLL, "poll")     \
    X(SIGHUP, "sighup") \
    X(HTTP, "http")

typedef enum fd_trigger {
#define X(name, text) FD_TRIGGER_##name,
    FD_TRIGGERS(X)
#undef X
        FD_N_TRIGGERS
} fd_trigger;

const char *fd_trigger_name(fd_trigger t);

typedef struct fd_archive_config {
    const fd_config *config;         /* archive.dir, archive.topic, and what is stored of it */
    const fd_schema *const *readers; /* of its sources */
    const char *who;                 /* this process, in the log */
    fd_kafka_settings kafka;         /* for the topic */
    fd_log *log;                     /* outcomes that cannot be written; may be NULL */
    fd_metrics *metrics;             /* may be NULL */
} fd_archive_config;

/* Checks that the directory can be written and that the topic is there and compacted. All of
 * `config` outlives it. RETRY: no broker answers; FATAL with FD_EXIT_CONFIG: what is to be mended.
 */
fd_class fd_archive_open(const fd_archive_config *config, fd_archive **out, fd_err *err);
/* Writes what it was told, as far as it can within some seconds. NULL is fine. */
void fd_archive_close(fd_archive *a);

/* False: neither directory nor topic; admit then does nothing. */
bool fd_archive_keeps(const fd_archive *a);

/* Stores what `p` is made of, unless it is stored already, and the intent to let it decide. Blocks,
 * for as long as discs and brokers take. RETRY: it is not stored and must not decide: the text says
 * why (the disc is full, no broker, the directory has changed since it was loaded). */
fd_class fd_archive_admit(fd_archive *a, const fd_program *p, fd_trigger trigger, fd_err *err);

/* The program that was admitted at the start decides from this merge time on only. */
void fd_archive_from(fd_archive *a, int64_t from_us);

/* What became of a program: see fd_observer_ops.program. */
void fd_archive_told(fd_archive *a, const fd_program_report *report);
/* A partition goes live, at a start or later: what decides, decides there from this offset on. */
void fd_archive_live(fd_archive *a, fd_tp tp, int64_t offset);

#endif
