/*
 * What all subcommands share: a table of options per command, help printed from it, usage errors
 * with a hint, signals, notices on stderr, the Kafka options that are spelled as kcat's.
 *
 * Thread: main, but for fd_cli_stop_signal and the log lines of librdkafka (any thread).
 */
#ifndef FD_APP_CLI_H
#define FD_APP_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/diag.h"
#include "base/kv.h"
#include "base/status.h"

typedef enum fd_opt_kind {
    FD_OPT_FLAG,   /* bool: set to true */
    FD_OPT_TEXT,   /* const char * */
    FD_OPT_INT,    /* int64_t within min .. max */
    FD_OPT_PPM,    /* int64_t, parts per million: "0.5" and "0.5%" are 5000; at most 100% */
    FD_OPT_CHOICE, /* int: index into choices */
    FD_OPT_KV,     /* fd_cli_kvs: "key=value", may be repeated */
} fd_opt_kind;

typedef struct fd_opt {
    char letter;      /* 0: only the long name */
    const char *name; /* NULL: only the letter */
    fd_opt_kind kind;
    void *target;
    const char *value; /* what help calls the value */
    const char *help;
    int64_t min, max;           /* FD_OPT_INT; both 0 = any not negative */
    const char *const *choices; /* FD_OPT_CHOICE: NULL at the end */
} fd_opt;

enum { FD_CLI_MAX_OPTS = 48, FD_CLI_MAX_KVS = 64 };

typedef struct fd_cli_kvs {
    fd_kv items[FD_CLI_MAX_KVS];
    size_t n;
} fd_cli_kvs;

typedef struct fd_cli {
    const char *name;     /* "generate", as in `fraudd generate` */
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one sentence or two */
    const char *examples; /* lines, each ending with a newline */
    const fd_opt *opts;
    size_t n_opts;
    int min_args, max_args;
} fd_cli;

enum { FD_CLI_GO_ON = -1 };

/* -h, --help and --version are understood by every command. FD_CLI_GO_ON: *args are the words
 * that are not options; else what to exit with (everything has been said). `argv[0]` is not
 * looked at. */
int fd_cli_parse(const fd_cli *cli, int argc, char **argv, char ***args, int *n_args);

/* "fraudd generate: <text>; see fraudd generate -h" on stderr; returns FD_EXIT_USAGE. */
int fd_cli_usage_error(const fd_cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "% <text>" on stderr: everything that is not data. */
void fd_cli_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The text on stderr as "fraudd: error: ..."; returns err->exit_code, or FD_EXIT_CHECK for 0. */
int fd_cli_fail(const fd_err *err);
/* The same for diagnostics, errors and warnings; returns FD_EXIT_CONFIG. */
int fd_cli_fail_diags(const fd_diags *diags);
/* The first of the diagnostics as an error of a record (RETRY, FD_EXIT_CHECK), with file, line and
 * hint; `diags` is emptied for the next. */
void fd_cli_first_error(fd_diags *diags, fd_err *err);

/* SIGINT and SIGTERM only set a flag; SIGPIPE becomes an error of write(). */
void fd_cli_catch_signals(void);
/* 0, or the signal that came; exit with 128 + it. */
int fd_cli_stop_signal(void);

int64_t fd_cli_wall_ms(void);
int64_t fd_cli_mono_ns(void);
/* So many ms from now, for a condition variable with the monotonic clock. */
struct timespec fd_cli_in_ms(int ms);
/* Differs from process to process; not for secrets. */
uint64_t fd_cli_random(void);
/* Sleeps until the monotonic time, or until a signal asks to stop. */
void fd_cli_sleep_until(int64_t mono_ns);

/* "12.5" and "12.5%" are 125000; false: no percentage, or above 100 %. */
bool fd_cli_parse_ppm(const char *text, int64_t *ppm);
/* "2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.250+02:00" to ms. */
bool fd_cli_parse_time(const char *text, int64_t *ms);

#endif
