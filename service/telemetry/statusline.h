/*
 * One line for a terminal: what the service did since the previous sample.
 *
 *   12.3K ev/s  allow 96.1% review 2.9% challenge 0.7% block 0.3%  lag 1,204  p50 4.1ms p99 9.8ms
 *
 * Pure: samples are taken from metrics, the time is the caller's. Any thread.
 */
#ifndef FD_TELEMETRY_STATUSLINE_H
#define FD_TELEMETRY_STATUSLINE_H

#include "domain/enums.h"
#include "telemetry/metrics.h"

typedef struct fd_status_sample {
    int64_t mono_ns;
    int64_t events;
    int64_t by_action[FD_N_ACTIONS];
    int64_t dead_letters;
    int64_t partitions;
    int64_t paused;
    int64_t lag;
    int64_t aborted;
    bool breaker;
    fd_hist_snap latency;
} fd_status_sample;

void fd_status_take(fd_metrics *m, int64_t mono_ns, fd_status_sample *out);

/* Appends the line, without an end of line; at most `columns` wide (0: no bound). */
void fd_status_line(const fd_status_sample *before, const fd_status_sample *now, uint32_t columns,
                    fd_strbuf *out);

/* The same as one JSON object, for /api/v1/status: rates over the interval and totals. */
void fd_status_json(const fd_status_sample *before, const fd_status_sample *now, fd_strbuf *out);

#endif
