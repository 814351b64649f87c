/*
 * The rules change while the process runs: a thread that notices it, reads them again, and offers
 * what is good to the worker (DESIGN §7). What is not good changes nothing but what is said of it.
 *
 * Told to look by: changes in the directories that rules and lists are read through (watch.h), a
 * poll, SIGHUP, POST /-/reload. Reading, compiling, testing, archiving and freeing are all on this
 * thread; the engine thread only exchanges one pointer for another between two batches.
 *
 * Threads: new, start, stop and free on main; told on the engine thread (it never blocks); request
 * and what is asked on any.
 */
#ifndef FD_APP_RELOAD_RELOADER_H
#define FD_APP_RELOAD_RELOADER_H

#include "admin/admin.h"
#include "app/archive/archive.h"
#include "app/reload/watch.h"
#include "pipeline/worker.h"
#include "telemetry/observer.h"

typedef struct fd_reloader fd_reloader;

typedef struct fd_reloader_setup {
    const fd_config *config;
    fd_schema *const *readers; /* by source */
    const fd_schema *decision_schema;
    fd_content_hash config_hash;
    fd_log *log;
    fd_metrics *metrics;
    fd_telemetry *telemetry;
    fd_watch *watch; /* taken over */
    uint64_t seen;   /* by it, before the rules of the start were read */
} fd_reloader_setup;

/* `start` decides from the beginning. SIGHUP is blocked in this and all later threads, until the
 * reloader's own hears it. */
fd_reloader *fd_reloader_new(const fd_reloader_setup *setup, const fd_program *start);
void fd_reloader_start(fd_reloader *r, fd_worker *worker, fd_archive *archive);
/* No more is loaded; open requests are answered. Returns when the thread has ended. */
void fd_reloader_stop(fd_reloader *r);
void fd_reloader_free(fd_reloader *r); /* stopped, or never started; NULL is fine */

/* POST /-/reload: answered when it is known what came of it. */
void fd_reloader_request(fd_reloader *r, fd_admin_ticket *ticket);
/* fd_observer_ops.program */
void fd_reloader_told(fd_reloader *r, const fd_program_report *report);

/* /api/v1/rules */
void fd_reloader_rules_json(fd_reloader *r, const fd_worker_rebuild *rebuild, fd_strbuf *out);
/* For /api/v1/status: members of an object, without braces, after a comma. */
void fd_reloader_status_json(fd_reloader *r, fd_strbuf *out);

#endif
