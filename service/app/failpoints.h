/*
 * The hook behind FD_FAILPOINT in test builds (-DFD_FAILPOINTS=ON): FRAUDD_FAILPOINT=
 * "name:hit:action" kills (SIGKILL), stops (SIGSTOP) or delays (sleep, 3 s) the process the
 * hit-th time that the place is passed. In other builds arming does nothing.
 */
#ifndef FD_APP_FAILPOINTS_H
#define FD_APP_FAILPOINTS_H

void fd_failpoints_arm(void);

#endif
