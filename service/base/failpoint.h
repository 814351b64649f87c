/*
 * Named places where a test build may kill, stop or delay the process, to prove that recovery
 * works from there. The release build compiles them away. Any thread.
 */
#ifndef FD_BASE_FAILPOINT_H
#define FD_BASE_FAILPOINT_H

#ifdef FD_FAILPOINTS
/* Set once by main before threads start; gets the name of each place that is passed. */
extern void (*fd_failpoint_hook)(const char *name);
#define FD_FAILPOINT(name)             \
    do {                               \
        if (fd_failpoint_hook != NULL) \
            fd_failpoint_hook(name);   \
    } while (0)
#else
#define FD_FAILPOINT(name) ((void)0)
#endif

#endif
