/* Schemas, rules and engine; see load.h. Main thread. */
#include "app/replay/load.h"

#include "app/settings.h"

bool fd_replay_load(const fd_config *config, uint32_t batch, bool from_files, fd_replay_loaded *out,
                    fd_diags *diags)
{
    *out = (fd_replay_loaded){.n_sources = (uint32_t)config->n_sources};
    if (!fd_settings_schemas(config, out->readers, &out->decision_schema, diags))
        return false;
    fd_engine_source sources[FD_ENGINE_MAX_SOURCES];
    fd_engine_config engine;
    fd_settings_engine(config, out->readers, out->decision_schema, sources, &engine);
    for (uint32_t i = 0; i < out->n_sources; i++) {
        out->topics[i] = config->sources[i].topic;
        if (from_files)
            sources[i].framing = FD_FRAMING_CONFLUENT;
    }
    engine.max_events = batch;
    engine.state_lazy = true;
    out->engine = fd_engine_new(&engine, diags);
    return out->engine != NULL;
}

void fd_replay_unload(fd_replay_loaded *l)
{
    fd_engine_free(l->engine);
    for (uint32_t i = 0; i < l->n_sources; i++)
        fd_schema_free(l->readers[i]);
    fd_schema_free(l->decision_schema);
}
