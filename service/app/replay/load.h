/*
 * The engine of a replay, from the service's own configuration. Main thread.
 */
#ifndef FD_APP_REPLAY_LOAD_H
#define FD_APP_REPLAY_LOAD_H

#include "config/config.h"
#include "engine/engine.h"

typedef struct fd_replay_loaded {
    uint32_t n_sources;
    const char *topics[FD_ENGINE_MAX_SOURCES]; /* the configuration's */
    fd_schema *readers[FD_ENGINE_MAX_SOURCES];
    fd_schema *decision_schema;
    fd_engine *engine;
} fd_replay_loaded;

/* Schemas, rules and engine for batches of `batch` events. from_files: events come in confluent
 * framing, whatever their topic's is. False after errors in diags. */
bool fd_replay_load(const fd_config *config, uint32_t batch, bool from_files, fd_replay_loaded *out,
                    fd_diags *diags);
void fd_replay_unload(fd_replay_loaded *l);

#endif
