/*
 * A start with rules that say activate_at: until then the set decides that decided before, taken
 * out of the archive, so that a restart is no early switch. Main thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/archive/find.h"
#include "app/cli.h"
#include "app/run.h"
#include "app/settings.h"
#include "base/assert.h"

enum { TOPIC_MS = 5000, PATH_MAX_BYTES = 4096 };

static fd_class open_place(const fd_run *r, const fd_kafka_settings *kafka, fd_place *out,
                           fd_err *err)
{
    const fd_config *c = r->config;
    if (c->archive.dir[0] != '\0')
        return fd_place_dir(c->archive.dir, false, out, err);
    return fd_place_topic(kafka, c->archive.topic, false, TOPIC_MS, out, err);
}

static bool same_set(const fd_archive_hashes *h, const fd_program *p)
{
    return strcmp(h->ruleset, fd_program_ruleset_hash(p)) == 0 &&
           strcmp(h->lists, fd_program_lists_hash(p)) == 0;
}

/* The last one that decided: not one that waited for its own time and never did. */
static const fd_activation *last_other(const fd_activations *log, const fd_program *now,
                                       const char *from)
{
    for (uint32_t i = log->n; i-- > 0;) {
        const fd_activation *a = &log->items[i];
        bool waits = a->from != NULL && strcmp(a->from, from) >= 0;
        if (a->kind == FD_ACTIVATION_DECIDES && !same_set(&a->hashes, now) && !waits)
            return a;
    }
    return NULL;
}

static fd_program *load_from(const fd_run *r, const char *dir, fd_err *err)
{
    fd_engine_source sources[FD_ENGINE_MAX_SOURCES];
    fd_engine_config config;
    char rules[PATH_MAX_BYTES], models[PATH_MAX_BYTES];
    snprintf(rules, sizeof rules, "%s/rules", dir);
    snprintf(models, sizeof models, "%s/models", dir);
    fd_settings_engine(r->config, r->readers, r->decision_schema, sources, &config);
    config.rules_dir = rules;
    config.models_dir = models;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_program *p = fd_program_load(&config, &diags);
    if (p == NULL)
        fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "%s",
                diags.n == 0 ? "it does not load" : diags.items[0].text);
    fd_diags_free(&diags);
    return p;
}

static fd_program *take_out(const fd_run *r, const fd_archive_finder *f, const fd_archive_hashes *h,
                            fd_err *err)
{
    const fd_archive_wanted wanted = {
        .ruleset = h->ruleset, .lists = h->lists, .models = h->models, .config = h->config};
    const fd_archive_set *set;
    size_t others;
    fd_files files = {0};
    fd_program *p = NULL;
    char dir[] = "/tmp/fraudd-former-XXXXXX";
    if (fd_archive_find(f, &wanted, &set, &others, err) != FD_OK ||
        fd_archive_files(f, set, &files, err) != FD_OK)
        return NULL;
    if (mkdtemp(dir) == NULL) {
        fd_fail(err, FD_RETRY, 0, "%s: no directory can be made there", dir);
    } else {
        if (fd_archive_extract(&files, dir, err) == FD_OK)
            p = load_from(r, dir, err);
        fd_place_remove_tree(dir);
    }
    fd_files_free(&files);
    return p;
}

static void warn(fd_run *r, const char *why)
{
    FD_LOG(r->log, FD_LOG_WARN, "rules decide before their activate_at",
           fd_log_str("ruleset", fd_engine_ruleset_hash(r->engine)), fd_log_str("text", why));
}

static void precede(fd_run *r, fd_program *former, int64_t until_us)
{
    if (!fd_engine_covers(r->engine, former)) {
        fd_program_free(former);
        warn(r, "its windows do not serve the set that decided before");
        return;
    }
    fd_engine_precede(r->engine, former, until_us);
    fd_archive_from(r->archive, until_us);
    FD_LOG(r->log, FD_LOG_INFO, "rules wait for their activate_at",
           fd_log_str("ruleset", fd_engine_ruleset_hash(r->engine)),
           fd_log_str("until_then", fd_program_ruleset_hash(former)));
}

void fd_run_precede(fd_run *r, const fd_kafka_settings *kafka)
{
    const fd_program *now = fd_engine_program(r->engine);
    int64_t until_us = fd_ruleset_activate_at_us(fd_program_rules(now, 0));
    fd_place place;
    fd_archive_finder f;
    fd_err err = {0};
    if (until_us == INT64_MIN)
        return;
    if (!fd_archive_keeps(r->archive)) {
        warn(r, "there is no archive that would have the set before it");
        return;
    }
    if (open_place(r, kafka, &place, &err) != FD_OK ||
        fd_archive_finder_open(place, &f, &err) != FD_OK) {
        warn(r, err.text);
        return;
    }
    char from[32];
    fd_archive_time(until_us / 1000, from);
    const fd_activation *before = last_other(&f.log, now, from);
    if (before != NULL) {
        fd_program *former = take_out(r, &f, &before->hashes, &err);
        if (former == NULL)
            warn(r, err.text);
        else
            precede(r, former, until_us);
    }
    fd_archive_finder_close(&f);
}
