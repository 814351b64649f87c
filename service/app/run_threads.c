/*
 * The threads of the committer's lanes: they step, and sleep until they are woken. The committer
 * itself knows no thread; this is the wiring. Each lane's thread owns its producer.
 */
#include <time.h>

#include "app/cli.h"
#include "app/run.h"
#include "base/assert.h"

enum { IDLE_WAIT_MS = 100 };

static void wait_for_change(fd_run_lane *lane, int ms)
{
    struct timespec until = fd_cli_in_ms(ms);
    pthread_mutex_lock(&lane->lock);
    int rc = 0;
    while (!lane->woken && rc == 0)
        rc = pthread_cond_timedwait(&lane->changed, &lane->lock, &until);
    lane->woken = false;
    pthread_mutex_unlock(&lane->lock);
}

static void *lane_main(void *arg)
{
    fd_run_lane *lane = arg;
    fd_committer *committer = fd_worker_committer(lane->run->worker);
    for (;;) {
        int backoff_ms = 0;
        switch (fd_committer_step(committer, lane->index, &backoff_ms)) {
        case FD_STEP_AGAIN:
            break;
        case FD_STEP_WAIT:
            wait_for_change(lane, IDLE_WAIT_MS);
            break;
        case FD_STEP_BACKOFF:
            if (backoff_ms > 0)
                wait_for_change(lane, backoff_ms);
            break;
        case FD_STEP_STOPPED:
            return NULL;
        }
    }
}

void fd_run_wake(void *self, int who)
{
    fd_run *r = self;
    if (who == FD_LANES) {
        fd_source port = fd_kafka_source_port(r->source);
        port.ops->wake(port.self);
        return;
    }
    fd_run_lane *lane = &r->lanes[who];
    pthread_mutex_lock(&lane->lock);
    lane->woken = true;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

void fd_run_start_lanes(fd_run *r)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    for (int i = 0; i < FD_LANES; i++) {
        fd_run_lane *lane = &r->lanes[i];
        lane->run = r;
        lane->index = i;
        pthread_mutex_init(&lane->lock, NULL);
        pthread_cond_init(&lane->changed, &attr);
    }
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < FD_LANES; i++) {
        int rc = pthread_create(&r->lanes[i].thread, NULL, lane_main, &r->lanes[i]);
        FD_ASSERT(rc == 0);
        r->lanes[i].started = true;
    }
}

void fd_run_join_lanes(fd_run *r)
{
    for (int i = 0; i < FD_LANES; i++) {
        fd_run_lane *lane = &r->lanes[i];
        if (!lane->started)
            continue;
        pthread_join(lane->thread, NULL);
        lane->started = false;
    }
}
