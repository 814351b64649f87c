/*
 * What replay writes: decisions as JSON lines, CSV or an Avro container, or rows of features as the
 * former two; to a file or to standard output. Decisions are the bytes that the live service would
 * commit. Main thread.
 */
#ifndef FD_APP_REPLAY_SINK_H
#define FD_APP_REPLAY_SINK_H

#include "codec/schema.h"
#include "engine/engine.h"

#define FD_REPLAY_OUTPUTS(X) \
    X(JSONL, "jsonl")        \
    X(CSV, "csv")            \
    X(AVRO, "avro")

typedef enum fd_replay_output {
#define X(name, text) FD_REPLAY_##name,
    FD_REPLAY_OUTPUTS(X)
#undef X
        FD_N_REPLAY_OUTPUTS
} fd_replay_output;

typedef struct fd_replay_sink fd_replay_sink;

typedef struct fd_replay_sink_config {
    fd_replay_output output;
    const char *path;          /* NULL: standard output */
    const fd_schema *decision; /* outlives the sink */
    bool features, scores;     /* rows of them, not decisions; not as Avro */
    const fd_engine *engine;   /* rows: whose */
    const char *const *topics; /* rows: by source */
} fd_replay_sink_config;

fd_class fd_replay_sink_new(const fd_replay_sink_config *config, fd_replay_sink **out, fd_err *err);
/* A batch of the engine, with all its stages done. RETRY: the reader of standard output has left.
 */
fd_class fd_replay_sink_put(fd_replay_sink *s, const fd_event *events, const fd_outcome *outcomes,
                            uint32_t n, fd_err *err);
/* Flushes, closes and frees; NULL is fine. */
fd_class fd_replay_sink_close(fd_replay_sink *s, fd_err *err);

#endif
