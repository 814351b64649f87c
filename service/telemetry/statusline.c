/* Samples of the metrics, and the two ways to show what lies between two of them. Any thread. */
#include "telemetry/statusline.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "ports/observer.h"

void fd_status_take(fd_metrics *m, int64_t mono_ns, fd_status_sample *out)
{
    out->mono_ns = mono_ns;
    out->events = fd_metrics_sum(m, FD_M_EVENTS);
    for (uint32_t a = 0; a < FD_N_ACTIONS; a++)
        out->by_action[a] = fd_metric_value(fd_metrics_at(m, FD_M_DECISIONS, a));
    out->dead_letters = fd_metrics_sum(m, FD_M_DEAD_LETTERS);
    out->partitions = fd_metrics_sum(m, FD_M_ASSIGNED);
    out->paused = fd_metrics_sum(m, FD_M_PAUSED);
    out->lag = fd_metrics_sum(m, FD_M_LAG);
    out->aborted = fd_metric_value(fd_metrics_at(m, FD_M_TXNS, FD_TXN_ABORTED));
    out->breaker = fd_metrics_sum(m, FD_M_BREAKER) != 0;
    fd_hist_snapshot(fd_metric_hist(fd_metrics_get(m, FD_M_LATENCY)), &out->latency);
}

static double per_second(int64_t count, int64_t ns)
{
    return ns <= 0 ? 0 : (double)count * 1e9 / (double)ns;
}

/* 950, 12.3K, 1.25M */
static void put_count(fd_strbuf *out, double n)
{
    if (n < 999.5)
        fd_strbuf_printf(out, "%.0f", n);
    else if (n < 999500)
        fd_strbuf_printf(out, n < 99950 ? "%.1fK" : "%.0fK", n / 1e3);
    else
        fd_strbuf_printf(out, "%.2fM", n / 1e6);
}

/* 850us, 4.1ms, 2.5s, 5m */
static void put_latency(fd_strbuf *out, int64_t ns)
{
    double us = (double)ns / 1e3;
    if (us < 999.5)
        fd_strbuf_printf(out, "%.0fus", us);
    else if (us < 99950)
        fd_strbuf_printf(out, "%.1fms", us / 1e3);
    else if (us < 999500)
        fd_strbuf_printf(out, "%.0fms", us / 1e3);
    else if (us < 120e6)
        fd_strbuf_printf(out, "%.1fs", us / 1e6);
    else
        fd_strbuf_printf(out, "%.0fm", us / 60e6);
}

/* A part of the line, whole or not at all. */
static bool fits(fd_strbuf *out, size_t start, uint32_t columns, const fd_strbuf *part)
{
    size_t gap = out->n == start ? 0 : 2;
    if (columns != 0 && out->n - start + gap + part->n > columns)
        return false;
    if (gap != 0)
        fd_strbuf_puts(out, "  ");
    fd_strbuf_add(out, part->p, part->n);
    return true;
}

static void put_actions(fd_strbuf *out, const fd_status_sample *before, const fd_status_sample *now,
                        int64_t events)
{
    for (int a = 0; a < FD_N_ACTIONS; a++) {
        double share = (double)(now->by_action[a] - before->by_action[a]) / (double)events;
        fd_strbuf_printf(out, "%s%s %.1f%%", a == 0 ? "" : " ", fd_action_name((fd_action)a),
                         share * 100);
    }
}

static void put_trouble(fd_strbuf *out, const fd_status_sample *before, const fd_status_sample *now)
{
    if (now->breaker)
        fd_strbuf_puts(out, "STOPPED: too many invalid events  ");
    else if (now->paused != 0)
        fd_strbuf_printf(out, "%" PRId64 " of %" PRId64 " partitions paused  ", now->paused,
                         now->partitions);
    if (now->dead_letters > before->dead_letters)
        fd_strbuf_printf(out, "%" PRId64 " dead letters  ",
                         now->dead_letters - before->dead_letters);
    if (now->aborted > before->aborted)
        fd_strbuf_printf(out, "%" PRId64 " aborts  ", now->aborted - before->aborted);
    if (out->n != 0)
        out->p[out->n -= 2] = '\0';
}

void fd_status_line(const fd_status_sample *before, const fd_status_sample *now, uint32_t columns,
                    fd_strbuf *out)
{
    size_t start = out->n;
    int64_t events = now->events - before->events;
    fd_hist_snap latency = now->latency;
    fd_hist_snap_sub(&latency, &before->latency);
    fd_strbuf part = {0};
    put_count(&part, per_second(events, now->mono_ns - before->mono_ns));
    fd_strbuf_puts(&part, " ev/s");
    bool room = fits(out, start, columns, &part);
    fd_strbuf_reset(&part);
    put_trouble(&part, before, now); /* what is wrong goes first: the end may be cut */
    if (room && part.n != 0)
        room = fits(out, start, columns, &part);
    fd_strbuf_reset(&part);
    if (events > 0)
        put_actions(&part, before, now, events);
    if (room && part.n != 0)
        room = fits(out, start, columns, &part);
    fd_strbuf_reset(&part);
    fd_strbuf_puts(&part, "lag ");
    put_count(&part, (double)now->lag);
    if (room)
        room = fits(out, start, columns, &part);
    fd_strbuf_reset(&part);
    if (room && latency.n != 0) {
        fd_strbuf_puts(&part, "p50 ");
        put_latency(&part, fd_hist_snap_quantile(&latency, 0.5));
        fd_strbuf_puts(&part, " p99 ");
        put_latency(&part, fd_hist_snap_quantile(&latency, 0.99));
        fits(out, start, columns, &part);
    }
    fd_strbuf_free(&part);
}

static void put_quantile(fd_strbuf *out, const char *name, const fd_hist_snap *s, double q)
{
    int64_t ns = fd_hist_snap_quantile(s, q);
    if (ns < 0)
        fd_strbuf_printf(out, ",\"%s\":null", name);
    else
        fd_strbuf_printf(out, ",\"%s\":%.3f", name, (double)ns / 1e6);
}

void fd_status_json(const fd_status_sample *before, const fd_status_sample *now, fd_strbuf *out)
{
    int64_t ns = now->mono_ns - before->mono_ns;
    fd_hist_snap latency = now->latency;
    fd_hist_snap_sub(&latency, &before->latency);
    fd_strbuf_printf(out, "{\"interval_s\":%.3f,\"events_per_s\":%.1f", (double)ns / 1e9,
                     per_second(now->events - before->events, ns));
    put_quantile(out, "latency_p50_ms", &latency, 0.5);
    put_quantile(out, "latency_p99_ms", &latency, 0.99);
    fd_strbuf_printf(out, ",\"events\":%" PRId64 ",\"decisions\":{", now->events);
    for (int a = 0; a < FD_N_ACTIONS; a++)
        fd_strbuf_printf(out, "%s\"%s\":%" PRId64, a == 0 ? "" : ",", fd_action_name((fd_action)a),
                         now->by_action[a]);
    fd_strbuf_printf(out,
                     "},\"dead_letters\":%" PRId64 ",\"transactions_aborted\":%" PRId64
                     ",\"lag\":%" PRId64 ",\"partitions\":%" PRId64
                     ",\"partitions_paused\":%" PRId64 ",\"stopped_by_invalid_events\":%s}",
                     now->dead_letters, now->aborted, now->lag, now->partitions, now->paused,
                     now->breaker ? "true" : "false");
}
