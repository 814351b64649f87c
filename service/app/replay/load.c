/* Schemas, rules and engine; see load.h. Main thread. */
#include "app/replay/load.h"

#include "base/assert.h"

static bool load_schemas(const fd_config *config, fd_replay_loaded *out, fd_diags *diags)
{
    size_t n;
    const char *json = fd_embedded_decision_schema(&n);
    out->decision_schema = fd_schema_parse(json, n, "decision.avsc", diags);
    bool ok = out->decision_schema != NULL;
    for (uint32_t i = 0; i < config->n_sources; i++) {
        out->readers[i] = fd_schema_load(config->sources[i].schema, diags);
        ok = ok && out->readers[i] != NULL;
    }
    return ok;
}

/* The hash is that of the live service with this configuration. */
static fd_content_hash hash_config(const fd_config *config, const fd_replay_loaded *l)
{
    fd_content_hash schemas[FD_ENGINE_MAX_SOURCES];
    for (uint32_t i = 0; i < l->n_sources; i++)
        schemas[i] = fd_schema_hash(l->readers[i]);
    return fd_config_hash(config, l->n_sources, schemas);
}

bool fd_replay_load(const fd_config *config, uint32_t batch, bool from_files, fd_replay_loaded *out,
                    fd_diags *diags)
{
    FD_ASSERT(config->n_sources <= FD_ENGINE_MAX_SOURCES);
    *out = (fd_replay_loaded){.n_sources = (uint32_t)config->n_sources};
    if (!load_schemas(config, out, diags))
        return false;
    fd_engine_source sources[FD_ENGINE_MAX_SOURCES];
    for (uint32_t i = 0; i < out->n_sources; i++) {
        const fd_config_source *s = &config->sources[i];
        out->topics[i] = s->topic;
        sources[i] = (fd_engine_source){
            .topic = s->topic,
            .schema = out->readers[i],
            .framing = from_files ? FD_FRAMING_CONFLUENT : s->framing,
            .id_path = s->id,
            .time_path = s->time,
            .key_path = s->partitioned_by[0] == '\0' ? NULL : s->partitioned_by,
        };
    }
    fd_engine_config engine = {
        .n_sources = out->n_sources,
        .sources = sources,
        .decision_schema = out->decision_schema,
        .rules_dir = config->rules,
        .future_us = config->state.future_us,
        .invalid_action = config->dead_letter.decision,
        .deadline_action = config->deadline.decision,
        .max_events = batch,
        .evidence = config->output.evidence,
        .state_memory = (size_t)config->state.memory,
        .state_lazy = true,
        .lateness_us = config->state.lateness_us,
        .max_skew_us = config->merge.max_skew_us,
        .max_events_per_key = (uint32_t)config->state.max_events_per_key,
        .version = "fraudd " FD_VERSION,
        .config_hash = hash_config(config, out),
    };
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
