/* The committer's inside, shared by committer.c, lane.c and recovery.c only. */
#ifndef FD_PIPELINE_COMMITTER_INT_H
#define FD_PIPELINE_COMMITTER_INT_H

#include <pthread.h>

#include "base/mutant.h"
#include "pipeline/committer.h"

typedef enum fd_lane_state {
    FD_LANE_CLOSED,  /* no producer */
    FD_LANE_IDLE,    /* producer open, no job */
    FD_LANE_BEGIN,   /* has a job */
    FD_LANE_PRODUCE, /* in a transaction */
    FD_LANE_GATE,    /* all produced; waits to be the oldest job */
    FD_LANE_OFFSETS,
    FD_LANE_COMMIT,
    FD_LANE_PARKED, /* stands still until recovery is over */
    FD_LANE_STOPPED,
} fd_lane_state;

typedef enum fd_recovery_state {
    FD_RECOVERY_DESTROY,
    FD_RECOVERY_OPEN,
    FD_RECOVERY_ASK,
} fd_recovery_state;

typedef struct fd_lane {
    fd_lane_state state;
    fd_job *job;
    int64_t gate_ns; /* when it came to the gate */
    uint32_t open_tries;
    int64_t open_after_ns;
    fd_membership member; /* what send_offsets was first called with: a retry sends the same */
    bool has_member;
} fd_lane;

struct fd_committer {
    fd_committer_config config;
    pthread_mutex_t lock;
    /* Under the lock: */
    fd_committer_mode mode;
    fd_lane lanes[FD_LANES];
    fd_job *jobs[FD_LANES]; /* in flight, oldest first */
    uint32_t n_jobs;
    fd_job *done[FD_LANES]; /* finished, oldest first, not reaped yet */
    uint32_t n_done;
    uint64_t next_seq;
    bool stopping;
    bool opened;
    fd_err failure;
    /* Of the lane that recovers: */
    fd_recovery_state recovery;
    int recovery_lane; /* next to open */
    uint32_t recovery_tries;
    uint32_t recoveries; /* in a row without a commit */
    int64_t recovery_after_ns;
    int64_t recovery_began_ns;
};

void fd_committer_lock(fd_committer *c);
void fd_committer_unlock(fd_committer *c);
void fd_committer_wake(fd_committer *c, int who);
void fd_committer_wake_all(fd_committer *c);
void fd_committer_note(fd_committer *c, fd_note note, const char *detail);
int64_t fd_committer_now(const fd_committer *c);

/* Under the lock: the oldest job is over. */
void fd_committer_finish(fd_committer *c, fd_job_outcome outcome);
/* Under the lock: something went wrong on a lane; starts recovery or fails for good. */
void fd_committer_trouble(fd_committer *c, int lane, const fd_err *err);
/* Under the lock: nothing can be done any more. */
void fd_committer_fail(fd_committer *c, const fd_err *err);

/* Does the error end the process? With RETRY an exit code is only for callers that give up. */
static inline bool fd_committer_hopeless(const fd_err *err)
{
    return (err->cls != FD_RETRY || FD_MUTANT(RETRY_IS_END)) && err->exit_code != 0;
}

/* Grows with tries: 20 ms, doubling, at most 5 s. */
int fd_committer_backoff_ms(uint32_t tries);

/* A backoff holds, whoever wakes the lane meanwhile: true while there is time left. */
bool fd_committer_too_early(const fd_committer *c, int64_t after_ns, int *backoff_ms);

/* lane.c: one transition of a running lane. Called and returning under the lock. */
fd_step fd_lane_advance(fd_committer *c, int lane, int *backoff_ms);
void fd_lane_forget_member(fd_committer *c, int lane);
/* recovery.c: one transition of recovery, all lanes parked. Called and returning under the
 * lock. */
fd_step fd_recovery_advance(fd_committer *c, int *backoff_ms);

#endif
