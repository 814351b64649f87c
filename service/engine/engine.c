/*
 * Building and taking down an engine, and what can be asked of it; the work is in plans.c (scan)
 * and stages.c (decode, decide, encode). Engine thread; loading may run on any thread before.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

void *fd_engine_array(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    FD_ALLOCATED(p);
    return p;
}

static bool load_source(fd_engine_input *in, const fd_engine_config *config, uint32_t i,
                        fd_diags *diags)
{
    in->config = config->sources[i];
    in->decoder = fd_decoder_new(in->config.schema, fd_str_from(in->config.id_path),
                                 fd_str_from(in->config.time_path), diags);
    if (in->decoder == NULL)
        return false;
    in->own_plan = fd_plan_new(in->decoder, NULL, diags);
    if (in->own_plan == NULL)
        return false;
    in->own_fingerprint = fd_schema_fingerprint(in->config.schema);
    in->batch = fd_batch_new(fd_schema_type(in->config.schema), config->max_events,
                             FD_DECODE_MAX_ELEMS);
    in->times_us = calloc(config->max_events, sizeof *in->times_us);
    FD_ALLOCATED(in->times_us);
    if (in->config.key_path != NULL) {
        in->key_col = fd_batch_path(in->batch, fd_str_from(in->config.key_path));
        if (in->key_col == NULL) {
            fd_diags_error(diags, "source %s: partitioned_by names no field: %s", in->config.topic,
                           in->config.key_path);
            return false;
        }
    }
    return true;
}

static bool load_program(fd_engine *e, const fd_engine_config *config, fd_diags *diags)
{
    fd_program *program = fd_program_load(config, diags);
    if (program == NULL)
        return false;
    if (fd_program_has_features(program)) {
        e->fold = fd_fold_new(e, program, config->state_lazy, config->evict);
        if (e->fold == NULL) {
            fd_diags_error(diags,
                           "there are not %zu bytes of memory for windows: lower state.memory",
                           config->state_memory);
            fd_program_free(program);
            return false;
        }
    }
    fd_decider_open(e, &e->decider, program);
    return true;
}

fd_engine *fd_engine_new(const fd_engine_config *config, fd_diags *diags)
{
    FD_ASSERT(config->n_sources > 0 && config->n_sources <= FD_ENGINE_MAX_SOURCES);
    FD_ASSERT(config->max_events > 0);
    fd_engine *e = calloc(1, sizeof *e);
    FD_ALLOCATED(e);
    e->max_events = config->max_events;
    e->switch_us = INT64_MIN;
    e->state_memory = config->state_memory;
    e->evict = config->evict;
    e->lateness_us = config->lateness_us;
    e->max_skew_us = config->max_skew_us;
    e->max_events_per_key = config->max_events_per_key;
    e->future_us = config->future_us;
    e->invalid_action = config->invalid_action;
    e->deadline_action = config->deadline_action;
    e->version = fd_str_from(config->version);
    e->config_hash = config->config_hash;
    e->rows = calloc(config->max_events, sizeof *e->rows);
    FD_ALLOCATED(e->rows);
    e->encoder = fd_encoder_new(config->decision_schema, diags);
    bool ok = e->encoder != NULL;
    for (uint32_t i = 0; ok && i < config->n_sources; i++) {
        e->n_sources = i + 1;
        ok = load_source(&e->sources[i], config, i, diags);
    }
    if (ok && load_program(e, config, diags))
        return e;
    fd_engine_free(e);
    return NULL;
}

static void free_source(fd_engine_input *in)
{
    fd_batch_free(in->batch);
    fd_plan_table_free(&in->writers);
    fd_plan_free(in->own_plan);
    fd_decoder_free(in->decoder);
    free(in->times_us);
}

static void let_go(fd_program *p)
{
    if (fd_program_drop(p))
        fd_program_free(p);
}

static void free_deciders(fd_engine *e)
{
    if (e->before.program != NULL)
        let_go(fd_decider_close(e, &e->before));
    if (e->decider.program != NULL)
        let_go(fd_decider_close(e, &e->decider));
    if (e->fold == NULL)
        return;
    let_go(e->fold->program);
    e->fold->program = NULL;
    fd_fold_free(e->fold);
}

void fd_engine_free(fd_engine *e)
{
    if (e == NULL)
        return;
    free_deciders(e);
    for (uint32_t i = 0; i < e->n_sources; i++)
        free_source(&e->sources[i]);
    fd_encoder_free(e->encoder);
    free(e->rows);
    free(e);
}

const fd_program *fd_engine_program(const fd_engine *e)
{
    return e->decider.program;
}

const char *fd_engine_ruleset_hash(const fd_engine *e)
{
    return fd_ruleset_hash(e->decider.program->rules[0]);
}

const char *fd_engine_lists_hash(const fd_engine *e)
{
    return fd_ruleset_lists_hash(e->decider.program->rules[0]);
}

const char *fd_engine_models_hash(const fd_engine *e)
{
    return fd_program_models_hash(e->decider.program);
}

uint32_t fd_engine_n_rules(const fd_engine *e)
{
    return fd_ruleset_n_rules(e->decider.program->rules[0]);
}

const char *fd_engine_rule_id(const fd_engine *e, uint32_t rule)
{
    return fd_ruleset_rule(e->decider.program->rules[0], rule)->id;
}

fd_rule_mode fd_engine_rule_mode(const fd_engine *e, uint32_t rule)
{
    return fd_ruleset_rule(e->decider.program->rules[0], rule)->mode;
}

void fd_engine_rule_counts(const fd_engine *e, uint32_t rule, fd_rule_counts *out)
{
    *out = (fd_rule_counts){0};
    for (uint32_t i = 0; i < e->n_sources; i++)
        fd_ruleset_run_counts(e->decider.program->runs[i], rule, out);
}
