/*
 * What models say, as metrics: a histogram of scores, their drift, missing inputs, which versions
 * are in force. Engine thread.
 */
#ifndef FD_TELEMETRY_MODELS_H
#define FD_TELEMETRY_MODELS_H

#include "ports/observer.h"
#include "telemetry/metrics.h"

typedef struct fd_model_metrics fd_model_metrics;

fd_model_metrics *fd_model_metrics_new(fd_metrics *m);
void fd_model_metrics_free(fd_model_metrics *x); /* NULL is fine */

/* Another program decides: counts start at 0 again, series that are not named anew go. */
void fd_model_metrics_restart(fd_model_metrics *x);
void fd_model_metrics_count(fd_model_metrics *x, uint32_t model, const fd_model_report *report);

#endif
