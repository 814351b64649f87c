/*
 * Log lines: formatting, the rate limit, one write per line; see log.h.
 *
 * The limit's table has a fixed size: a kind of line that finds its slots taken by others of the
 * last second takes over the oldest one. The lock is held while a line is formatted and written.
 */
#include "telemetry/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/strbuf.h"

enum { SLOTS = 1024, PROBES = 8 };

typedef struct slot {
    uint64_t kind; /* hash of event and key fields; 0 = free */
    int64_t second;
    uint32_t lines;
    uint64_t suppressed;
} slot;

struct fd_log {
    fd_log_setup setup;
    _Atomic int level;
    pthread_mutex_t lock;
    fd_strbuf line;
    fd_strbuf status; /* n == 0: none is shown */
    slot slots[SLOTS];
};

static const char *const level_names[] = {
#define X(name, text) text,
    FD_LOG_LEVELS(X)
#undef X
};

fd_log *fd_log_new(const fd_log_setup *setup)
{
    FD_ASSERT(setup->wall_ms != NULL);
    fd_log *log = calloc(1, sizeof *log);
    FD_ALLOCATED(log);
    log->setup = *setup;
    atomic_init(&log->level, (int)setup->level);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void fd_log_free(fd_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    fd_strbuf_free(&log->line);
    fd_strbuf_free(&log->status);
    free(log);
}

void fd_log_set_level(fd_log *log, fd_log_level level)
{
    FD_ASSERT(level < FD_N_LOG_LEVELS);
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

bool fd_log_enabled(const fd_log *log, fd_log_level level)
{
    return log != NULL && (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/* A log that cannot be written to is lost: there is nowhere to say so. */
static void write_all(int fd, const char *p, size_t n)
{
    while (n != 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

/* Back to the first column, and the rest of the line cleared. */
static const char erase[] = "\r\033[K";

void fd_log_set_status(fd_log *log, const char *text)
{
    pthread_mutex_lock(&log->lock);
    bool any = log->status.n != 0 || *text != '\0';
    fd_strbuf_reset(&log->status);
    fd_strbuf_puts(&log->status, text);
    fd_strbuf_reset(&log->line);
    fd_strbuf_puts(&log->line, erase);
    fd_strbuf_puts(&log->line, text);
    if (any)
        write_all(log->setup.fd, log->line.p, log->line.n);
    pthread_mutex_unlock(&log->lock);
}

static uint64_t kind_of(const char *event, const fd_log_field *fields, size_t n)
{
    uint64_t h = fd_hash64(event, strlen(event), 1);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].name == NULL || !fields[i].is_key)
            continue;
        if (fields[i].kind == FD_LOG_K_STR)
            h = fd_hash64(fields[i].v.s.p, fields[i].v.s.n, h);
        else
            h = fd_hash64(&fields[i].v.u, sizeof fields[i].v.u, h);
    }
    return h == 0 ? 1 : h;
}

static slot *slot_of(fd_log *log, uint64_t kind)
{
    slot *oldest = &log->slots[kind % SLOTS];
    for (uint64_t i = 0; i < PROBES; i++) {
        slot *s = &log->slots[(kind + i) % SLOTS];
        if (s->kind == kind)
            return s;
        if (s->kind == 0) {
            s->kind = kind;
            return s;
        }
        if (s->second < oldest->second)
            oldest = s;
    }
    *oldest = (slot){.kind = kind};
    return oldest;
}

/* True when the line may be written; *suppressed is what its kind lost since the last one. */
static bool admit(fd_log *log, uint64_t kind, int64_t wall_ms, uint64_t *suppressed)
{
    slot *s = slot_of(log, kind);
    int64_t second = wall_ms / 1000;
    if (s->second != second) {
        s->second = second;
        s->lines = 0;
    }
    if (s->lines >= FD_LOG_BURST) {
        s->suppressed++;
        return false;
    }
    s->lines++;
    *suppressed = s->suppressed;
    s->suppressed = 0;
    return true;
}

static void put_double(fd_strbuf *b, double d)
{
    if (isfinite(d))
        fd_strbuf_printf(b, "%.15g", d);
    else
        fd_strbuf_puts(b, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

/* In text, plain words stand without quotes. */
static bool is_word(fd_str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return s.n != 0;
}

static void put_value(fd_strbuf *b, const fd_log_field *f, fd_log_format format)
{
    switch (f->kind) {
    case FD_LOG_K_STR:
        if (format == FD_LOG_FORMAT_TEXT && is_word(f->v.s))
            fd_strbuf_add(b, f->v.s.p, f->v.s.n);
        else
            fd_strbuf_json(b, f->v.s);
        break;
    case FD_LOG_K_INT:
        fd_strbuf_printf(b, "%" PRId64, f->v.i);
        break;
    case FD_LOG_K_UINT:
        fd_strbuf_printf(b, "%" PRIu64, f->v.u);
        break;
    case FD_LOG_K_DOUBLE:
        put_double(b, f->v.d);
        break;
    case FD_LOG_K_BOOL:
        fd_strbuf_puts(b, f->v.b ? "true" : "false");
        break;
    }
}

static void put_field(fd_strbuf *b, const fd_log_field *f, fd_log_format format)
{
    if (format == FD_LOG_FORMAT_JSON) {
        fd_strbuf_putc(b, ',');
        fd_strbuf_json(b, fd_str_from(f->name));
        fd_strbuf_putc(b, ':');
    } else {
        fd_strbuf_printf(b, " %s=", f->name);
    }
    put_value(b, f, format);
}

static void put_head(fd_strbuf *b, fd_log_level level, const char *event, int64_t ms,
                     fd_log_format format)
{
    bool json = format == FD_LOG_FORMAT_JSON;
    fd_strbuf_puts(b, json ? "{\"ts\":\"" : "");
    fd_strbuf_time(b, ms);
    if (json) {
        fd_strbuf_printf(b, "\",\"level\":\"%s\",\"event\":", level_names[level]);
        fd_strbuf_json(b, fd_str_from(event));
    } else {
        fd_strbuf_printf(b, " %-5s %s", level_names[level], event);
    }
}

/* Fields that do not fit are left out as a whole, so that the line stays what it claims to be. */
static void put_fields(fd_strbuf *b, size_t start, const fd_log_field *fields, size_t n,
                       uint64_t suppressed, fd_log_format format)
{
    enum { TAIL = 96 }; /* room for what follows the fields */
    bool cut = false;
    for (size_t i = 0; i < n; i++) {
        if (fields[i].name == NULL)
            continue;
        size_t before = b->n;
        put_field(b, &fields[i], format);
        if (b->n - start + TAIL <= FD_LOG_LINE_MAX)
            continue;
        b->n = before;
        b->p[b->n] = '\0';
        cut = true;
    }
    fd_log_field tail = fd_log_uint("suppressed", suppressed);
    if (suppressed != 0)
        put_field(b, &tail, format);
    tail = fd_log_bool("cut", true);
    if (cut)
        put_field(b, &tail, format);
}

void fd_log_write(fd_log *log, fd_log_level level, const char *event, const fd_log_field *fields,
                  size_t n)
{
    FD_ASSERT(level < FD_N_LOG_LEVELS);
    FD_ASSERT(strlen(event) < 256);
    if (!fd_log_enabled(log, level))
        return;
    const fd_log_setup *setup = &log->setup;
    int64_t ms = setup->wall_ms(setup->self);
    if (setup->metrics != NULL)
        fd_metric_add(fd_metrics_at(setup->metrics, FD_M_LOG_LINES, level), 1);
    uint64_t kind = kind_of(event, fields, n);
    uint64_t suppressed = 0;
    pthread_mutex_lock(&log->lock);
    if (admit(log, kind, ms, &suppressed)) {
        fd_strbuf *b = &log->line;
        fd_strbuf_reset(b);
        if (log->status.n != 0)
            fd_strbuf_puts(b, erase);
        size_t start = b->n;
        put_head(b, level, event, ms, setup->format);
        put_fields(b, start, fields, n, suppressed, setup->format);
        fd_strbuf_puts(b, setup->format == FD_LOG_FORMAT_JSON ? "}\n" : "\n");
        FD_ASSERT(b->n - start <= FD_LOG_LINE_MAX);
        if (log->status.n != 0)
            fd_strbuf_add(b, log->status.p, log->status.n);
        write_all(setup->fd, b->p, b->n);
    }
    pthread_mutex_unlock(&log->lock);
}
