/*
 * The committer: the only place that begins, commits and recovers transactions (DESIGN §4).
 *
 * Jobs enter in order and leave in order. They alternate between FD_LANES producers ("lanes"): a
 * lane may produce while its predecessor commits, but sends its offsets only after the predecessor
 * committed, because the group keeps the offset that was appended last. Whatever goes wrong ends
 * in one recovery: destroy both producers, open them anew (which fences what they left), ask for
 * the committed offsets, then accept, produce again, or drop each kept job.
 *
 * No threads of its own: fd_committer_step() moves one lane by one transition and may block in a
 * broker call of bounded time; one thread per lane, or one for all in a simulation. The engine
 * thread calls the rest. Shared state is under one lock that is never held across a port call.
 */
#ifndef FD_PIPELINE_COMMITTER_H
#define FD_PIPELINE_COMMITTER_H

#include "pipeline/job.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/source.h"
#include "ports/txn.h"

typedef struct fd_committer fd_committer;

typedef struct fd_committer_config {
    fd_txn txn;
    fd_source source;
    fd_clock clock;
    fd_observer observer;
    /* Makes the thread of a lane (or, with FD_LANES, the engine thread) step again. */
    void (*wake)(void *self, int who);
    void *wake_self;
    int64_t txn_timeout_ns; /* give a transaction up and recover */
    int call_timeout_ms;    /* of one blocking call */
} fd_committer_config;

typedef enum fd_step {
    FD_STEP_AGAIN,   /* step again at once */
    FD_STEP_WAIT,    /* nothing to do until woken */
    FD_STEP_BACKOFF, /* step again after *backoff_ms */
    FD_STEP_STOPPED, /* the lane is closed for good */
} fd_step;

typedef enum fd_committer_mode {
    FD_COMMITTER_RUNNING,
    FD_COMMITTER_RECOVERING,
    FD_COMMITTER_FAILED,
} fd_committer_mode;

fd_committer *fd_committer_new(const fd_committer_config *config);
void fd_committer_free(fd_committer *c); /* all lanes stopped, all jobs reaped */

/* Lane thread. */
fd_step fd_committer_step(fd_committer *c, int lane, int *backoff_ms);

/* Engine thread, all of them. */
bool fd_committer_ready(fd_committer *c);               /* may a job be submitted now? */
void fd_committer_submit(fd_committer *c, fd_job *job); /* takes it over until reaped */
fd_job *fd_committer_reap(fd_committer *c);             /* the oldest finished job, or NULL */
uint32_t fd_committer_in_flight(fd_committer *c);       /* submitted and not reaped */
bool fd_committer_touches(fd_committer *c, fd_tp tp);   /* is it in a job in flight? */
/* Jobs in flight that touch these partitions must not send offsets any more. */
void fd_committer_cancel(fd_committer *c, const fd_tp *tps, uint32_t n);
/* Once all lanes stopped after a failure: jobs in flight count as dropped and can be reaped. */
void fd_committer_abandon(fd_committer *c);
/* Lanes close once nothing is in flight. */
void fd_committer_stop(fd_committer *c);
/* FAILED fills *err (may be NULL). Any thread. */
fd_committer_mode fd_committer_mode_now(fd_committer *c, fd_err *err);
/* Both producers have been opened at least once. */
bool fd_committer_opened(fd_committer *c);

#endif
