/*
 * Structured log lines: JSON (or text) with typed fields, one write(2) per line.
 *
 *   FD_LOG(log, FD_LOG_INFO, "partition live", fd_log_str("topic", t), fd_log_int("partition", p));
 *
 * Fields are values with a type, so no format string can disagree with its arguments. Callers
 * pass no payloads and no values of events: topics, partitions, offsets, counts, codes only.
 * Rate limit: per (event, key field) FD_LOG_BURST lines a second; what was suppressed is counted
 * and said in the next line of that kind, as "suppressed". Errors are limited too.
 * Bounded: a line has at most FD_LOG_LINE_MAX bytes, longer ones are cut and say so.
 * A terminal may have a status below the lines: it belongs to the log, or the two would mix.
 * Any thread. The clock is the caller's.
 */
#ifndef FD_TELEMETRY_LOG_H
#define FD_TELEMETRY_LOG_H

#include "base/level.h"
#include "base/str.h"
#include "telemetry/metrics.h"

enum { FD_LOG_LINE_MAX = 8192, FD_LOG_BURST = 20 };

typedef enum fd_log_kind {
    FD_LOG_K_STR,
    FD_LOG_K_INT,
    FD_LOG_K_UINT,
    FD_LOG_K_DOUBLE,
    FD_LOG_K_BOOL
} fd_log_kind;

typedef struct fd_log_field {
    const char *name; /* NULL: left out */
    fd_log_kind kind;
    bool is_key; /* its value has a rate limit of its own */
    union {
        fd_str s;
        int64_t i;
        uint64_t u;
        double d;
        bool b;
    } v;
} fd_log_field;

static inline fd_log_field fd_log_strn(const char *name, fd_str value)
{
    return (fd_log_field){.name = name, .kind = FD_LOG_K_STR, .v.s = value};
}

/* NULL: the field is left out. */
static inline fd_log_field fd_log_str(const char *name, const char *value)
{
    return fd_log_strn(value == NULL ? NULL : name, fd_str_from(value));
}

static inline fd_log_field fd_log_int(const char *name, int64_t value)
{
    return (fd_log_field){.name = name, .kind = FD_LOG_K_INT, .v.i = value};
}

static inline fd_log_field fd_log_uint(const char *name, uint64_t value)
{
    return (fd_log_field){.name = name, .kind = FD_LOG_K_UINT, .v.u = value};
}

static inline fd_log_field fd_log_dbl(const char *name, double value)
{
    return (fd_log_field){.name = name, .kind = FD_LOG_K_DOUBLE, .v.d = value};
}

static inline fd_log_field fd_log_bool(const char *name, bool value)
{
    return (fd_log_field){.name = name, .kind = FD_LOG_K_BOOL, .v.b = value};
}

/* fd_log_key(fd_log_int("partition", p)): each partition has its own rate limit. */
static inline fd_log_field fd_log_key(fd_log_field f)
{
    f.is_key = true;
    return f;
}

typedef struct fd_log fd_log;

typedef struct fd_log_setup {
    int fd; /* not closed by the log */
    fd_log_level level;
    fd_log_format format;
    int64_t (*wall_ms)(void *self); /* ms since the epoch */
    void *self;
    fd_metrics *metrics; /* counts lines; may be NULL */
} fd_log_setup;

fd_log *fd_log_new(const fd_log_setup *setup);
void fd_log_free(fd_log *log); /* NULL is fine */

void fd_log_set_level(fd_log *log, fd_log_level level);
/* For a terminal: `text` stands below the lines and moves down with them; "" takes it away. It
 * must not be wider than the terminal. Any thread. */
void fd_log_set_status(fd_log *log, const char *text);
bool fd_log_enabled(const fd_log *log, fd_log_level level);

/* `event`: a fixed, lower-case phrase, the same for every line of its kind. log may be NULL. */
void fd_log_write(fd_log *log, fd_log_level level, const char *event, const fd_log_field *fields,
                  size_t n);

/* The leading empty field lets a line have no fields at all. */
#define FD_LOG(log, level, event, ...)                              \
    do {                                                            \
        if (fd_log_enabled((log), (level))) {                       \
            const fd_log_field fd_fields_[] = {{0}, __VA_ARGS__};   \
            fd_log_write((log), (level), (event), fd_fields_,       \
                         sizeof fd_fields_ / sizeof fd_fields_[0]); \
        }                                                           \
    } while (0)

#endif
