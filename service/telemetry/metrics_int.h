/*
 * Inside telemetry: what a family and a series are. The lock guards the series arrays and the
 * label values; numbers are atomics.
 */
#ifndef FD_TELEMETRY_METRICS_INT_H
#define FD_TELEMETRY_METRICS_INT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/level.h"
#include "ports/observer.h"
#include "telemetry/metrics.h"

typedef enum fd_metric_kind {
    FD_METRIC_COUNTER,
    FD_METRIC_GAUGE,
    FD_METRIC_HISTOGRAM
} fd_metric_kind;

typedef enum fd_metric_unit {
    FD_UNIT_ONE,
    FD_UNIT_BYTES,
    FD_UNIT_NS,
    FD_UNIT_US,
    FD_UNIT_MS,
    FD_UNIT_PPM
} fd_metric_unit;

typedef enum fd_labels {
    FD_LABELS_NONE,
    FD_LABELS_ACTION,
    FD_LABELS_FLAG,
    FD_LABELS_POISON,
    FD_LABELS_STAGE,
    FD_LABELS_TXN,
    FD_LABELS_PAUSE,
    FD_LABELS_LEVEL,
    FD_LABELS_RELOAD,
    FD_LABELS_PARTITION,
    FD_LABELS_RULE,
    FD_LABELS_CHANGE,
    FD_LABELS_ANOMALY,
    FD_LABELS_BUILD,
    FD_LABELS_RULESET,
    FD_LABELS_MODEL,
    FD_LABELS_MODEL_ID,
    FD_LABELS_MODEL_INPUT,
    FD_LABELS_MODEL_VERSION,
    FD_N_LABELS
} fd_labels;

typedef struct fd_label_set {
    uint32_t n_labels;
    const char *names[FD_METRIC_MAX_LABELS];
    const char *const *values; /* a closed set's */
    uint32_t n_values;         /* 0: an open set; 1 without values: no labels */
} fd_label_set;

typedef struct fd_metric_row {
    const char *name;
    fd_metric_kind kind;
    fd_labels labels;
    uint32_t bound;
    fd_metric_unit unit;
    const char *help;
} fd_metric_row;

extern const fd_metric_row fd_metric_rows[FD_N_METRICS];
extern const fd_label_set fd_label_sets[FD_N_LABELS];

enum { FD_METRIC_BUCKETS = 20 };

/* Upper bounds of the shown buckets, in the raw unit; +Inf follows. */
size_t fd_metric_bounds(fd_metric_unit unit, const int64_t **out);

struct fd_metric {
    _Atomic int64_t value;
    fd_metric_kind kind;
    _Atomic bool shown;
    const char *values[FD_METRIC_MAX_LABELS];
    char *owned[FD_METRIC_MAX_LABELS]; /* the same, where they must be freed */
    uint32_t next;                     /* of an open family: in its chain, from 1; 0: the last */
    fd_hist *hist;
    uint32_t n_bounds;
    const int64_t *bounds;
    _Atomic uint64_t bucket[FD_METRIC_BUCKETS + 1]; /* each on its own, not cumulative */
};

enum { FD_FAMILY_CHAINS = 1024 };

typedef struct fd_family {
    fd_metric **series;
    uint32_t n;
    uint32_t *chains; /* of an open family: first series by hash of its labels, from 1; 0: none */
    uint32_t retired; /* where to look for a retired one next */
} fd_family;

struct fd_metrics {
    pthread_mutex_t lock;
    fd_family families[FD_N_METRICS];
};

#endif
