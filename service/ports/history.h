/*
 * The history port: a second look at the log, beside the group member that reads its end. State is
 * rebuilt from it while events are decided (state.on_rebuild: flag).
 *
 * Each partition that is open is read from an offset on, in offset order, committed records only.
 * Nothing is ever committed or sought. Errors are classed: RETRY = worth telling, it goes on by
 * itself; FATAL = it cannot. Thread: the engine thread.
 */
#ifndef FD_PORTS_HISTORY_H
#define FD_PORTS_HISTORY_H

#include "ports/source.h"

typedef struct fd_history_ops {
    /* Begins to read; one that is open begins anew there. */
    fd_class (*open)(void *self, fd_tp tp, int64_t from, fd_err *err);
    void (*close)(void *self, fd_tp tp); /* what was fetched is forgotten; fine if it is not open */
    /* NONE, MSG, EOF, GONE or ERROR; of any open partition. Never waits. */
    void (*poll)(void *self, fd_source_event *out);
    void (*release)(void *self, fd_msg *msg);
} fd_history_ops;

typedef struct fd_history {
    const fd_history_ops *ops; /* NULL: there is none */
    void *self;
} fd_history;

#endif
