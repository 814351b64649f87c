/*
 * One row per event with every named feature, what every model says, or both, as CSV or JSON lines:
 * for training models and for looking. Values are as decisions record them: times in milliseconds,
 * durations in seconds, bytes in hex; absent is an empty cell, or null. Doubles are the shortest
 * text that reads back as the same. Main thread.
 */
#ifndef FD_APP_REPLAY_ROWS_H
#define FD_APP_REPLAY_ROWS_H

#include "base/strbuf.h"
#include "engine/engine.h"

typedef struct fd_replay_rows {
    const fd_engine *engine;
    const char *const *topics; /* by source */
    bool csv;
    bool features, scores;
} fd_replay_rows;

/* CSV: the line with the columns' names; else nothing. */
void fd_replay_rows_head(const fd_replay_rows *r, fd_strbuf *out);
/* Event i of a batch just folded; flags: those of its decision. */
void fd_replay_rows_add(const fd_replay_rows *r, const fd_event *events, uint32_t i, fd_flags flags,
                        fd_strbuf *out);

#endif
