/* From the configuration to the engine; see settings.h. Main thread. */
#include "app/settings.h"

#include "base/assert.h"

bool fd_settings_schemas(const fd_config *c, fd_schema **readers, fd_schema **decision,
                         fd_diags *diags)
{
    size_t n;
    const char *json = fd_embedded_decision_schema(&n);
    *decision = fd_schema_parse(json, n, "decision.avsc", diags);
    bool ok = *decision != NULL;
    for (size_t i = 0; i < c->n_sources; i++) {
        readers[i] = fd_schema_load(c->sources[i].schema, diags);
        ok = ok && readers[i] != NULL;
    }
    return ok;
}

static fd_content_hash hash_config(const fd_config *c, fd_schema *const *readers)
{
    fd_content_hash schemas[FD_ENGINE_MAX_SOURCES];
    for (size_t i = 0; i < c->n_sources; i++)
        schemas[i] = fd_schema_hash(readers[i]);
    return fd_config_hash(c, c->n_sources, schemas);
}

void fd_settings_engine(const fd_config *c, fd_schema *const *readers, const fd_schema *decision,
                        fd_engine_source *sources, fd_engine_config *out)
{
    FD_ASSERT(c->n_sources <= FD_ENGINE_MAX_SOURCES);
    for (size_t i = 0; i < c->n_sources; i++) {
        const fd_config_source *s = &c->sources[i];
        sources[i] = (fd_engine_source){
            .topic = s->topic,
            .schema = readers[i],
            .framing = s->framing,
            .id_path = s->id,
            .time_path = s->time,
            .key_path = s->partitioned_by[0] == '\0' ? NULL : s->partitioned_by,
        };
    }
    *out = (fd_engine_config){
        .n_sources = (uint32_t)c->n_sources,
        .sources = sources,
        .decision_schema = decision,
        .rules_dir = c->rules,
        .models_dir = c->models,
        .future_us = c->state.future_us,
        .invalid_action = c->dead_letter.decision,
        .deadline_action = c->deadline.decision,
        .max_events = (uint32_t)c->batch.max_events,
        .evidence = c->output.evidence,
        .state_memory = (size_t)c->state.memory,
        .lateness_us = c->state.lateness_us,
        .max_skew_us = c->merge.max_skew_us,
        .max_events_per_key = (uint32_t)c->state.max_events_per_key,
        .version = "fraudd " FD_VERSION,
        .config_hash = hash_config(c, readers),
    };
}
