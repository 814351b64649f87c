/* Loading what decides; see program.h. */
#include "engine/program.h"

#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

static bool load_rules(fd_program *p, const fd_engine_config *config, uint32_t s, fd_diags *diags)
{
    const fd_engine_source *from = &config->sources[s];
    fd_ruleset_source source = {.topic = from->topic,
                                .partitioned_by = from->key_path,
                                .n_models = fd_models_n(p->models),
                                .models = p->declared};
    p->rules[s] = fd_ruleset_load(config->rules_dir, &source, fd_schema_type(from->schema), false,
                                  diags);
    if (p->rules[s] == NULL)
        return false;
    p->runs[s] = fd_ruleset_run_new(p->rules[s], config->max_events, config->evidence);
    return true;
}

fd_program *fd_program_load(const fd_engine_config *config, fd_diags *diags)
{
    FD_ASSERT(config->n_sources > 0 && config->n_sources <= FD_ENGINE_MAX_SOURCES);
    fd_program *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    p->n_sources = config->n_sources;
    p->models = fd_models_load(config->models_dir, diags);
    if (p->models == NULL) {
        fd_program_free(p);
        return NULL;
    }
    p->declared = fd_models_declare(p->models);
    for (uint32_t s = 0; s < p->n_sources; s++) {
        if (!load_rules(p, config, s, diags)) {
            fd_program_free(p);
            return NULL;
        }
    }
    fd_program_open_models(p, config->max_events);
    return p;
}

void fd_program_free(fd_program *p)
{
    if (p == NULL)
        return;
    FD_ASSERT(p->refs == 0);
    for (uint32_t s = 0; s < p->n_sources; s++) {
        fd_ruleset_run_free(p->runs[s]);
        fd_ruleset_free(p->rules[s]);
    }
    fd_program_close_models(p);
    free(p);
}

void fd_program_keep(fd_program *p)
{
    p->refs++;
}

bool fd_program_drop(fd_program *p)
{
    FD_ASSERT(p->refs > 0);
    return --p->refs == 0;
}

bool fd_program_has_features(const fd_program *p)
{
    for (uint32_t s = 0; s < p->n_sources; s++) {
        if (fd_ruleset_layout(p->rules[s])->n_features != 0)
            return true;
    }
    return false;
}

const char *fd_program_ruleset_hash(const fd_program *p)
{
    return fd_ruleset_hash(p->rules[0]);
}

const char *fd_program_lists_hash(const fd_program *p)
{
    return fd_ruleset_lists_hash(p->rules[0]);
}

const fd_models *fd_program_models(const fd_program *p)
{
    return p->models;
}

const char *fd_program_models_hash(const fd_program *p)
{
    return fd_models_hash(p->models);
}

const fd_ruleset *fd_program_rules(const fd_program *p, uint16_t source)
{
    FD_ASSERT(source < p->n_sources);
    return p->rules[source];
}
