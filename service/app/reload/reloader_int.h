/*
 * Inside the reloader: reloader.c is its thread, attempt.c what one reading of the rules is.
 */
#ifndef FD_APP_RELOAD_RELOADER_INT_H
#define FD_APP_RELOAD_RELOADER_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/reload/reloader.h"
#include "app/reload/standing.h"

enum { FD_RELOAD_TICKETS = 64 }; /* as many as the HTTP server has connections */

/* What the worker reported, on its way to the reloader's thread. */
typedef struct fd_told {
    struct fd_told *next;
    fd_program_stage stage;
    char ruleset[FD_CONTENT_HASH_CHARS + 1], lists[FD_CONTENT_HASH_CHARS + 1];
    char models[FD_CONTENT_HASH_CHARS + 1];
    int64_t from_us;
    uint32_t n_partitions;
    char why[512];
} fd_told;

struct fd_reloader {
    fd_reloader_setup setup;
    fd_worker *worker;
    fd_archive *archive;
    pthread_t thread;
    bool started;
    int wake_fd;   /* of eventfd(2): there is a request, a report, or an end */
    int signal_fd; /* SIGHUP */
    atomic_bool stopping;

    pthread_mutex_t box_lock; /* of what is put in by others: */
    fd_admin_ticket *tickets[FD_RELOAD_TICKETS];
    uint32_t n_tickets;
    fd_told *told, **told_end;
    bool closed; /* no more requests */

    pthread_mutex_t lock; /* of what is asked by others: */
    fd_standing standing;

    /* The reloader's thread alone: */
    uint64_t serial;
    uint64_t seen;    /* fingerprint of what was read last */
    bool try_again;   /* it might be good the next time though nothing we see has changed */
    int64_t heard_ns; /* first and last change that was not looked at yet; 0: none */
    int64_t last_heard_ns;
    int64_t poll_ns; /* the next poll */
    int64_t progress_ns;
    int64_t told_ns; /* when the worker's last report was taken in: older states are not its own */
    char trouble[256]; /* of the watch, as last said */
};

/* reloader.c: takes in what the worker reported. */
void fd_reloader_hear(fd_reloader *r);
/* Waits for a report on this offer, or for the end. */
fd_place_of_set fd_reloader_wait(fd_reloader *r, uint64_t serial);

/* attempt.c: watches what the program was read from, lists beside the directory too. */
void fd_reloader_follow(fd_reloader *r, const fd_program *p);
/* Reads the rules, and offers them if they are good and new. `forced`: even where the
 * files look as they did. The HTTP status, and the JSON that is the answer. */
int fd_reloader_attempt(fd_reloader *r, fd_trigger trigger, bool forced, fd_strbuf *answer);

#endif
