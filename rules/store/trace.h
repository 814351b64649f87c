/*
 * Why a rule fired or not: what each part of its condition came to for one event, with the values
 * that it looked at. For people who test and investigate; slow. Thread: the run's.
 */
#ifndef FD_STORE_TRACE_H
#define FD_STORE_TRACE_H

#include "base/strbuf.h"
#include "store/ruleset.h"

/* Appends a line that says what the rule did, and a line per part of its condition, of the
 * variables in it too, indented. Of the batches that the run evaluated last, with the same
 * arguments; the run is as it was before. */
void fd_ruleset_trace(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features,
                      const int64_t *event_time_us, uint32_t rule, uint32_t row, fd_strbuf *out);

#endif
