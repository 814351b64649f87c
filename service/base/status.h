/*
 * Errors as values, with the class that says what a caller may do about them.
 *
 * Functions that can fail return a fd_class and, where text helps, fill a caller-owned fd_err.
 * Classes (DESIGN §4): RETRY = the same call may be repeated; ABORT = this transaction is lost,
 * the one recovery path applies; FATAL = the process cannot go on. Unclassified is FATAL.
 * Plain data, any thread.
 */
#ifndef FD_BASE_STATUS_H
#define FD_BASE_STATUS_H

typedef enum fd_class { FD_OK = 0, FD_RETRY, FD_ABORT, FD_FATAL } fd_class;

/* Process exit codes (INTERFACE §6). */
enum {
    FD_EXIT_OK = 0,
    FD_EXIT_CHECK = 1,
    FD_EXIT_USAGE = 2,
    FD_EXIT_UNAVAILABLE = 69,
    FD_EXIT_CONFIG = 78
};

typedef struct fd_err {
    fd_class cls;
    int exit_code; /* what the process exits with if this ends it */
    char text[480];
} fd_err;

/* Fills err (may be NULL) and returns cls, so that `return fd_fail(...)` reads well. */
fd_class fd_fail(fd_err *err, fd_class cls, int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

const char *fd_class_name(fd_class cls);

#endif
