/* What `fraudd run` reads before it connects anywhere: schemas, rules, the engine; and who minds
 * them afterwards. Main thread. */
#include <stdio.h>
#include <stdlib.h>

#include "app/cli.h"
#include "app/reload/tests.h"
#include "app/run.h"
#include "app/settings.h"
#include "base/assert.h"

static bool build_engine(fd_run *r, fd_diags *diags)
{
    fd_engine_source sources[FD_ENGINE_MAX_SOURCES];
    fd_engine_config config;
    fd_settings_engine(r->config, r->readers, r->decision_schema, sources, &config);
    config.evict = r->config->redis.url[0] != '\0';
    r->config_hash = config.config_hash;
    r->engine = fd_engine_new(&config, diags);
    return r->engine != NULL;
}

static void say_rules(fd_run *r)
{
    uint32_t n = fd_engine_n_rules(r->engine);
    fd_rule_label *labels = calloc(n == 0 ? 1 : n, sizeof *labels);
    FD_ALLOCATED(labels);
    int64_t in_force = 0;
    for (uint32_t i = 0; i < n; i++) {
        labels[i] = (fd_rule_label){.id = fd_str_from(fd_engine_rule_id(r->engine, i)),
                                    .mode = fd_engine_rule_mode(r->engine, i)};
        in_force += labels[i].mode != FD_MODE_OFF;
    }
    fd_telemetry_set_rules(r->telemetry, labels, n);
    free(labels);
    fd_telemetry_set_ruleset(r->telemetry, fd_engine_ruleset_hash(r->engine),
                             fd_engine_lists_hash(r->engine), r->config_hash.hex);
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_RULES), in_force);
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_RELOAD_TIME), fd_cli_wall_ms());
    FD_LOG(r->log, FD_LOG_INFO, "rules loaded", fd_log_str("dir", r->config->rules),
           fd_log_uint("rules", n), fd_log_str("ruleset", fd_engine_ruleset_hash(r->engine)),
           fd_log_str("config_hash", r->config_hash.hex));
}

static void say_warnings(fd_run *r, const fd_diags *diags)
{
    for (size_t i = 0; i < diags->n; i++) {
        fd_strbuf text = {0};
        fd_diag_render(&diags->items[i], &text);
        FD_LOG(r->log, FD_LOG_WARN, "rules", fd_log_str("text", text.p));
        fd_strbuf_free(&text);
    }
}

static void make_reloader(fd_run *r, fd_watch *watch, uint64_t seen)
{
    const fd_reloader_setup setup = {.config = r->config,
                                     .readers = r->readers,
                                     .decision_schema = r->decision_schema,
                                     .config_hash = r->config_hash,
                                     .log = r->log,
                                     .metrics = r->metrics,
                                     .telemetry = r->telemetry,
                                     .watch = watch,
                                     .seen = seen};
    r->reloader = fd_reloader_new(&setup, fd_engine_program(r->engine));
}

static bool tests_pass(fd_run *r)
{
    fd_strbuf report = {0};
    bool pass = fd_reload_tests_pass(r->config, r->readers[0], false, &report);
    if (!pass)
        fprintf(stderr, "%sfraudd: error: the tests beside the rules fail (reload.tests)\n",
                report.p == NULL ? "" : report.p);
    fd_strbuf_free(&report);
    return pass;
}

int fd_run_load(fd_run *r)
{
    FD_ASSERT(r->config->n_sources <= FD_ENGINE_MAX_SOURCES);
    fd_diags diags;
    fd_diags_init(&diags);
    int code = FD_EXIT_OK;
    const char *roots[] = {r->config->rules, r->config->models};
    fd_watch *watch = fd_watch_new(roots, r->config->models[0] == '\0' ? 1 : 2);
    uint64_t seen = fd_watch_look(watch); /* what changes from here on is noticed */
    bool ok = fd_settings_schemas(r->config, r->readers, &r->decision_schema, &diags) &&
              build_engine(r, &diags);
    if (!ok) {
        code = fd_cli_fail_diags(&diags);
    } else if (!tests_pass(r)) {
        code = FD_EXIT_CONFIG;
    } else {
        for (size_t i = 0; i < r->config->n_sources; i++)
            r->topics[i] = r->config->sources[i].topic;
        r->telemetry = fd_telemetry_new(r->metrics, r->log, r->topics,
                                        (uint32_t)r->config->n_sources);
        say_rules(r);
        say_warnings(r, &diags);
        make_reloader(r, watch, seen);
        watch = NULL;
    }
    fd_watch_free(watch);
    fd_diags_free(&diags);
    return code;
}

void fd_run_unload(fd_run *r)
{
    fd_reloader_free(r->reloader);
    fd_engine_free(r->engine);
    fd_telemetry_free(r->telemetry);
    for (size_t i = 0; i < r->config->n_sources; i++)
        fd_schema_free(r->readers[i]);
    fd_schema_free(r->decision_schema);
}
