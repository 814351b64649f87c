/*
 * Log levels and formats: one table for the configuration that names them and the logger that
 * obeys them. Plain data, any thread.
 */
#ifndef FD_BASE_LEVEL_H
#define FD_BASE_LEVEL_H

/* Severity order, least first. */
#define FD_LOG_LEVELS(X) \
    X(DEBUG, "debug")    \
    X(INFO, "info")      \
    X(WARN, "warn")      \
    X(ERROR, "error")

#define FD_LOG_FORMATS(X) \
    X(JSON, "json")       \
    X(TEXT, "text")

typedef enum fd_log_level {
#define X(name, text) FD_LOG_##name,
    FD_LOG_LEVELS(X)
#undef X
        FD_N_LOG_LEVELS
} fd_log_level;

typedef enum fd_log_format {
#define X(name, text) FD_LOG_FORMAT_##name,
    FD_LOG_FORMATS(X)
#undef X
        FD_N_LOG_FORMATS
} fd_log_format;

#endif
