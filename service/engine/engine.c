/*
 * Building and taking down an engine, and what can be asked of it; the work is in plans.c (scan)
 * and stages.c (decode, decide, encode). Engine thread; loading may run on any thread before.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_int.h"

static bool load_rules(fd_engine_input *in, const fd_engine_config *config, fd_diags *diags)
{
    const fd_type *type = fd_schema_type(in->config.schema);
    fd_ruleset_source source = {.topic = in->config.topic, .partitioned_by = in->config.key_path};
    in->rules = fd_ruleset_load(config->rules_dir, &source, type, false, diags);
    if (in->rules == NULL)
        return false;
    in->run = fd_ruleset_run_new(in->rules, config->max_events, config->evidence);
    return true;
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
    in->verdicts = calloc(config->max_events, sizeof *in->verdicts);
    FD_ALLOCATED(in->verdicts);
    if (in->config.key_path != NULL) {
        in->key_col = fd_batch_path(in->batch, fd_str_from(in->config.key_path));
        if (in->key_col == NULL) {
            fd_diags_error(diags, "source %s: partitioned_by names no field: %s", in->config.topic,
                           in->config.key_path);
            return false;
        }
    }
    return load_rules(in, config, diags);
}

fd_engine *fd_engine_new(const fd_engine_config *config, fd_diags *diags)
{
    FD_ASSERT(config->n_sources > 0 && config->n_sources <= FD_ENGINE_MAX_SOURCES);
    FD_ASSERT(config->max_events > 0);
    fd_engine *e = calloc(1, sizeof *e);
    FD_ALLOCATED(e);
    e->max_events = config->max_events;
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
    if (ok && fd_engine_fold_open(e, config, diags))
        return e;
    fd_engine_free(e);
    return NULL;
}

static void free_source(fd_engine_input *in)
{
    fd_ruleset_run_free(in->run);
    fd_ruleset_free(in->rules);
    fd_batch_free(in->batch);
    fd_plan_table_free(&in->writers);
    fd_plan_free(in->own_plan);
    fd_decoder_free(in->decoder);
    free(in->times_us);
    free(in->verdicts);
}

void fd_engine_free(fd_engine *e)
{
    if (e == NULL)
        return;
    fd_engine_fold_close(e);
    for (uint32_t i = 0; i < e->n_sources; i++)
        free_source(&e->sources[i]);
    fd_encoder_free(e->encoder);
    free(e->rows);
    free(e);
}

const char *fd_engine_ruleset_hash(const fd_engine *e)
{
    return fd_ruleset_hash(e->sources[0].rules);
}

const char *fd_engine_lists_hash(const fd_engine *e)
{
    return fd_ruleset_lists_hash(e->sources[0].rules);
}

uint32_t fd_engine_n_rules(const fd_engine *e)
{
    return fd_ruleset_n_rules(e->sources[0].rules);
}

const char *fd_engine_rule_id(const fd_engine *e, uint32_t rule)
{
    return fd_ruleset_rule(e->sources[0].rules, rule)->id;
}

fd_rule_mode fd_engine_rule_mode(const fd_engine *e, uint32_t rule)
{
    return fd_ruleset_rule(e->sources[0].rules, rule)->mode;
}

uint64_t fd_engine_rule_hits(const fd_engine *e, uint32_t rule)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < e->n_sources; i++)
        sum += fd_ruleset_run_hits(e->sources[i].run, rule);
    return sum;
}

uint64_t fd_engine_rule_errors(const fd_engine *e, uint32_t rule)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < e->n_sources; i++)
        sum += fd_ruleset_run_errors(e->sources[i].run, rule);
    return sum;
}
