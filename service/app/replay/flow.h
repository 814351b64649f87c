/*
 * The replay itself: the merge over the input's partitions, the engine's stages over batches, each
 * event with its outcome to the sink. The merge waits for every partition that has not ended, so
 * its order is the one order that the log has; live comes to the same wherever it did not have to
 * go on without a partition (those decisions are flagged INCOMPLETE there). Main thread.
 */
#ifndef FD_APP_REPLAY_FLOW_H
#define FD_APP_REPLAY_FLOW_H

#include "app/replay/evaluation.h"
#include "app/replay/input.h"
#include "app/replay/sink.h"
#include "registry/registry.h"

typedef struct fd_replay_flow {
    fd_engine *engine;
    const char *const *topics; /* by source */
    fd_replay_input *input;
    fd_replay_sink *sink;      /* NULL: nobody wants the decisions */
    fd_evaluation *evaluation; /* NULL: there are no labels to compare them with */
    const char *amount;        /* the evaluation adds up this field, an int; NULL: none */
    int64_t since_us;      /* events before it fill windows only, the evaluation leaves them out */
    fd_registry *registry; /* NULL where no source's framing needs one */
    uint32_t batch;
    uint64_t count; /* events to decide; 0 = all */
    bool show;      /* a line of progress on standard error */
} fd_replay_flow;

typedef struct fd_replay_stats {
    uint64_t events;
    uint64_t by_action[FD_N_ACTIONS];
    uint64_t by_flag[FD_N_FLAGS];
    int64_t took_ns;
} fd_replay_stats;

/* Until the input's end, the count, a signal to stop or an error. RETRY: whoever reads the output
 * has left. */
fd_class fd_replay_run(const fd_replay_flow *flow, fd_replay_stats *stats, fd_err *err);

#endif
