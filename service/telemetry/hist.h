/*
 * A log-linear histogram of non-negative integers (latencies in ns, sizes), for quantiles: the
 * status line, the bench, /api/v1/status.
 *
 * Shape: values below 32 have a bucket each, every octave above has 32: a quantile is at most
 * 1/32 (3.2 %) above the true value. Values beyond FD_HIST_MAX count in the last bucket.
 * Recording is lock-free, from any thread; a snapshot taken meanwhile is a little torn between
 * buckets, never wrong by more than what was being recorded.
 */
#ifndef FD_TELEMETRY_HIST_H
#define FD_TELEMETRY_HIST_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    FD_HIST_SUB_BITS = 5,
    FD_HIST_OCTAVES = 40, /* up to 2^45 ns: 9.7 hours */
    FD_HIST_BUCKETS = (FD_HIST_OCTAVES + 1) << FD_HIST_SUB_BITS
};
#define FD_HIST_MAX ((INT64_C(1) << (FD_HIST_OCTAVES + FD_HIST_SUB_BITS)) - 1)

typedef struct fd_hist {
    _Atomic uint64_t count[FD_HIST_BUCKETS];
    _Atomic uint64_t sum;
} fd_hist;

/* The same as plain numbers: subtract an earlier one to get an interval. */
typedef struct fd_hist_snap {
    uint64_t count[FD_HIST_BUCKETS];
    uint64_t n;
    uint64_t sum;
} fd_hist_snap;

/* n equal values; negative ones (clocks that disagree) count as 0. */
void fd_hist_record(fd_hist *h, int64_t value, uint64_t n);

void fd_hist_snapshot(const fd_hist *h, fd_hist_snap *out);
void fd_hist_snap_sub(fd_hist_snap *a, const fd_hist_snap *earlier);
void fd_hist_snap_add(fd_hist_snap *a, const fd_hist_snap *b);

/* The smallest value that at least q (0..1) of the recorded ones do not exceed, rounded up to its
 * bucket's end; -1 when nothing was recorded. */
int64_t fd_hist_snap_quantile(const fd_hist_snap *s, double q);

#endif
