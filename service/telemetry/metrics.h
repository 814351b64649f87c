/*
 * Everything that /metrics says: one table of families, lock-free recording, Prometheus text.
 *
 * A family has no labels, a closed label set (actions, stages: all series exist from the start,
 * at 0) or an open one (rules, partitions: series appear when asked for, up to the family's
 * bound; what comes later shares one series with every label value "other").
 * Handles (fd_metric *) live as long as the fd_metrics: look up once, record often.
 * Threads: recording from any thread, relaxed atomics; look-up and rendering take a mutex.
 * Calls no clock: values come from callers.
 */
#ifndef FD_TELEMETRY_METRICS_H
#define FD_TELEMETRY_METRICS_H

#include "base/strbuf.h"
#include "telemetry/hist.h"
#include "telemetry/metrics_table.h"

typedef enum fd_metric_id {
#define X(id, kind, name, labels, bound, unit, help) FD_M_##id,
    FD_METRICS(X)
#undef X
        FD_N_METRICS
} fd_metric_id;

/* What came of reading the rules again: FD_M_RELOADS' label. */
#define FD_RELOAD_RESULTS(X)                                      \
    X(ACCEPTED, "accepted")   /* it decides, or waits to */       \
    X(UNCHANGED, "unchanged") /* the same set */                  \
    X(REFUSED, "refused")     /* errors in it, or in its tests */ \
    X(FAILED, "failed")       /* it is good and could not be used */

typedef enum fd_reload_result {
#define X(name, text) FD_RELOAD_##name,
    FD_RELOAD_RESULTS(X)
#undef X
        FD_N_RELOAD_RESULTS
} fd_reload_result;

typedef struct fd_metrics fd_metrics;
typedef struct fd_metric fd_metric;

fd_metrics *fd_metrics_new(void);
void fd_metrics_free(fd_metrics *m); /* NULL is fine */

/* The only series of a family without labels. */
fd_metric *fd_metrics_get(fd_metrics *m, fd_metric_id id);
/* A series of a family with a closed label: FD_STAGE_RULES, FD_ACTION_BLOCK, ... */
fd_metric *fd_metrics_at(fd_metrics *m, fd_metric_id id, uint32_t value);
/* A series of a family with open labels, one value for each in the table's order. */
fd_metric *fd_metrics_series(fd_metrics *m, fd_metric_id id, const char *const *values);

/* Values are in the table's raw unit (NS, US, MS, BYTES, ONE); the text shows base units. */
void fd_metric_add(fd_metric *x, uint64_t n);                    /* counters */
void fd_metric_set(fd_metric *x, int64_t value);                 /* gauges; counters kept by others
                                                                    (CPU time) */
void fd_metric_observe(fd_metric *x, int64_t value, uint64_t n); /* histograms: n equal values */
/* What was counted elsewhere by the family's buckets, the last above all bounds, and the sum of
 * the values; quantiles do not know of it. */
void fd_metric_merge(fd_metric *x, const uint64_t *more, uint32_t n, int64_t sum);

/* The value of a series of an open family, without asking for it. False: it is not shown. */
bool fd_metrics_read(fd_metrics *m, fd_metric_id id, const char *const *values, int64_t *out);
/* A series of an open family that means nothing any more (a revoked partition) is no longer
 * shown, until fd_metrics_series asks for it again. Nobody records to it until then: in a full
 * family another may get its place, and begins at 0. */
void fd_metric_retire(fd_metric *x);
/* All series of an open family: before the info of a new rule set is set. */
void fd_metrics_retire_all(fd_metrics *m, fd_metric_id id);

int64_t fd_metric_value(const fd_metric *x);
const fd_hist *fd_metric_hist(const fd_metric *x);
/* Sums the shown series of a family: lag over partitions, events over topics. */
int64_t fd_metrics_sum(fd_metrics *m, fd_metric_id id);

/* Prometheus text exposition, version 0.0.4. */
void fd_metrics_render(fd_metrics *m, fd_strbuf *out);

#endif
