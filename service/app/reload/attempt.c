/*
 * One reading of the rules: read and compile, compare with what decides, archive, offer. Each step
 * that fails leaves everything as it was. On the reloader's thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "app/cli.h"
#include "app/reload/reloader_int.h"
#include "app/reload/tests.h"
#include "app/settings.h"
#include "base/arena.h"
#include "base/assert.h"
#include "store/ruleset.h"

typedef struct attempt {
    fd_reloader *r;
    fd_trigger trigger;
    int64_t began_ns;
    fd_diags diags;
    fd_program *program; /* NULL: the rules could not be loaded, or it is offered */
    char ruleset[FD_CONTENT_HASH_CHARS + 1], lists[FD_CONTENT_HASH_CHARS + 1]; /* "": no program */
    char models[FD_CONTENT_HASH_CHARS + 1];
    fd_strbuf *answer;
} attempt;

static void load(attempt *a)
{
    const fd_reloader_setup *s = &a->r->setup;
    fd_engine_source sources[FD_ENGINE_MAX_SOURCES];
    fd_engine_config config;
    fd_settings_engine(s->config, s->readers, s->decision_schema, sources, &config);
    a->program = fd_program_load(&config, &a->diags);
    if (a->program == NULL)
        return;
    fd_reloader_follow(a->r, a->program);
    snprintf(a->ruleset, sizeof a->ruleset, "%s", fd_program_ruleset_hash(a->program));
    snprintf(a->lists, sizeof a->lists, "%s", fd_program_lists_hash(a->program));
    snprintf(a->models, sizeof a->models, "%s", fd_program_models_hash(a->program));
}

/* Does looking at the directory not find it? */
static bool is_elsewhere(const char *file)
{
    return file[0] == '/' || file[0] == '.' || strstr(file, "/.") != NULL;
}

/* The path of a file that looking at the directory does not find. */
static void add_elsewhere(const char *dir, const char *path, const char **roots, size_t *n)
{
    size_t prefix = strlen(dir);
    if (path == NULL)
        return;
    bool inside = strncmp(path, dir, prefix) == 0 && path[prefix] == '/';
    if (!inside || is_elsewhere(path + prefix + 1))
        roots[(*n)++] = path;
}

void fd_reloader_follow(fd_reloader *r, const fd_program *p)
{
    const char *dir = r->setup.config->rules;
    const fd_ruleset *set = fd_program_rules(p, 0);
    uint32_t n_lists = fd_ruleset_n_lists(set);
    fd_arena *arena = fd_arena_new(1024, 0);
    const fd_models *models = fd_program_models(p);
    uint32_t n_models = fd_models_n(models);
    const char **roots = fd_arena_zalloc(arena, (n_lists + 2 * n_models + 2U) * sizeof *roots);
    size_t n = 0;
    roots[n++] = dir;
    if (r->setup.config->models[0] != '\0')
        roots[n++] = r->setup.config->models;
    for (uint32_t i = 0; i < n_models; i++) {
        const fd_manifest *m = fd_models_at(models, i);
        add_elsewhere(r->setup.config->models, m->path, roots, &n);
        add_elsewhere(r->setup.config->models, m->self_test, roots, &n);
    }
    for (uint32_t i = 0; i < n_lists; i++) {
        const char *file = fd_ruleset_list_file(set, i);
        if (file == NULL || !is_elsewhere(file))
            continue;
        roots[n++] = file[0] == '/' ? file : fd_arena_printf(arena, "%s/%s", dir, file);
    }
    if (fd_watch_set_roots(r->setup.watch, roots, n)) {
        r->seen = fd_watch_look(r->setup.watch);
        r->try_again = true; /* what is followed now may have changed since it was read */
    }
    fd_arena_free(arena);
}

static void count(attempt *a, fd_reload_result result)
{
    fd_metrics *m = a->r->setup.metrics;
    bool good = result == FD_RELOAD_ACCEPTED || result == FD_RELOAD_UNCHANGED;
    fd_metric_add(fd_metrics_at(m, FD_M_RELOADS, result), 1);
    fd_metric_observe(fd_metrics_get(m, FD_M_RELOAD_DURATION), fd_cli_mono_ns() - a->began_ns, 1);
    fd_metric_set(fd_metrics_get(m, FD_M_RELOAD_OK), good);
    if (good)
        fd_metric_set(fd_metrics_get(m, FD_M_RELOAD_TIME), fd_cli_wall_ms());
}

static void begin_answer(attempt *a, fd_reload_result result)
{
    static const char *const names[] = {
#define X(name, text) text,
        FD_RELOAD_RESULTS(X)
#undef X
    };
    fd_strbuf_printf(a->answer, "{\"result\": \"%s\"", names[result]);
    if (a->ruleset[0] != '\0')
        fd_strbuf_printf(a->answer,
                         ", \"ruleset\": \"%s\", \"lists_hash\": \"%s\", \"models_hash\": \"%s\"",
                         a->ruleset, a->lists, a->models);
}

static void end_answer(attempt *a)
{
    fd_strbuf_printf(a->answer,
                     ", \"errors\": %zu, \"warnings\": %zu, \"diagnostics\": ", a->diags.errors,
                     a->diags.warnings);
    fd_diags_json(&a->diags, a->answer);
    fd_strbuf_puts(a->answer, "}\n");
}

/* ---- what is not good ---- */

/* False: the same was said before. */
static bool note_refusal(attempt *a, const char *stage, const fd_strbuf *why)
{
    fd_reloader *r = a->r;
    fd_refusal refusal = {
        .at_ms = fd_cli_wall_ms(), .trigger = a->trigger, .stage = stage, .why = *why};
    memcpy(refusal.ruleset, a->ruleset, sizeof refusal.ruleset);
    pthread_mutex_lock(&r->lock);
    bool news = fd_standing_refuse(&r->standing, &refusal);
    pthread_mutex_unlock(&r->lock);
    return news || a->trigger != FD_TRIGGER_POLL;
}

static void say_diags(attempt *a)
{
    for (size_t i = 0; i < a->diags.n; i++) {
        const fd_diag *d = &a->diags.items[i];
        fd_log_field line = fd_log_key(fd_log_int("line", d->line));
        fd_log_field col = fd_log_int("col", d->col);
        if (d->line == 0)
            line.name = col.name = NULL;
        FD_LOG(a->r->setup.log, d->severity == FD_ERROR ? FD_LOG_ERROR : FD_LOG_WARN, "rules",
               fd_log_key(fd_log_str("file", d->file)), line, col,
               fd_log_key(fd_log_str("text", d->text)), fd_log_str("hint", d->hint));
    }
}

static int refuse(attempt *a)
{
    fd_strbuf why = {0};
    fd_diags_json(&a->diags, &why);
    a->r->try_again = true; /* a list that is not watched may be mended */
    begin_answer(a, FD_RELOAD_REFUSED);
    fd_strbuf_puts(a->answer, ", \"stage\": \"load\"");
    end_answer(a);
    if (!note_refusal(a, "load", &why))
        return 422;
    say_diags(a);
    FD_LOG(a->r->setup.log, FD_LOG_ERROR, "rules refused",
           fd_log_str("trigger", fd_trigger_name(a->trigger)),
           fd_log_uint("errors", a->diags.errors),
           fd_log_str("text", "the set that decides stays"));
    count(a, FD_RELOAD_REFUSED);
    return 422;
}

static int refuse_by_tests(attempt *a, fd_strbuf *report)
{
    while (report->n > 0 && report->p[report->n - 1] == '\n')
        report->p[--report->n] = '\0';
    begin_answer(a, FD_RELOAD_REFUSED);
    fd_strbuf_printf(a->answer, ", \"stage\": \"tests\", \"report\": %s", report->p);
    end_answer(a);
    if (!note_refusal(a, "tests", report))
        return 422;
    FD_LOG(a->r->setup.log, FD_LOG_ERROR, "rules refused",
           fd_log_str("trigger", fd_trigger_name(a->trigger)), fd_log_str("stage", "tests"),
           fd_log_str("ruleset", a->ruleset),
           fd_log_str("text", "tests fail, the set that decides stays: see /api/v1/rules, or "
                              "fraudd rules test"));
    count(a, FD_RELOAD_REFUSED);
    return 422;
}

static int fail(attempt *a, const char *stage, const char *text)
{
    fd_strbuf why = {0};
    fd_strbuf_json(&why, fd_str_from(text));
    a->r->try_again = true;
    begin_answer(a, FD_RELOAD_FAILED);
    fd_strbuf_printf(a->answer, ", \"stage\": \"%s\", \"why\": %s", stage, why.p);
    end_answer(a);
    if (!note_refusal(a, stage, &why))
        return 503;
    FD_LOG(a->r->setup.log, FD_LOG_ERROR, "rules not used",
           fd_log_str("trigger", fd_trigger_name(a->trigger)), fd_log_str("stage", stage),
           fd_log_str("ruleset", a->ruleset), fd_log_str("text", text));
    count(a, FD_RELOAD_FAILED);
    return 503;
}

/* ---- what is good ---- */

/* Is it what decides, or waits to? */
static bool is_known(attempt *a, fd_place_of_set *place)
{
    fd_reloader *r = a->r;
    pthread_mutex_lock(&r->lock);
    const fd_set_view *newest = fd_standing_newest(&r->standing);
    bool known = fd_set_view_is(newest, a->ruleset, a->lists, a->models);
    if (known) {
        fd_standing_accept(&r->standing);
        *place = fd_standing_place(&r->standing, newest->serial);
    }
    pthread_mutex_unlock(&r->lock);
    return known;
}

static int unchanged(attempt *a, fd_place_of_set place)
{
    begin_answer(a, FD_RELOAD_UNCHANGED);
    fd_strbuf_printf(a->answer, ", \"state\": \"%s\"", fd_place_of_set_name(place));
    end_answer(a);
    bool asked = a->trigger == FD_TRIGGER_HTTP || a->trigger == FD_TRIGGER_SIGHUP;
    FD_LOG(a->r->setup.log, asked ? FD_LOG_INFO : FD_LOG_DEBUG, "rules unchanged",
           fd_log_str("trigger", fd_trigger_name(a->trigger)), fd_log_str("ruleset", a->ruleset));
    count(a, FD_RELOAD_UNCHANGED);
    return 200;
}

/* The program belongs to the worker from here on. */
static uint64_t offer(attempt *a)
{
    fd_reloader *r = a->r;
    fd_set_view *view = fd_set_view_new(a->program, a->trigger, fd_cli_wall_ms());
    view->serial = ++r->serial;
    view->n_files = fd_watch_n_files(r->setup.watch);
    memcpy(view->config, r->setup.config_hash.hex, sizeof view->config);
    uint64_t serial = view->serial;
    FD_LOG(r->setup.log, FD_LOG_INFO, "rules accepted",
           fd_log_str("trigger", fd_trigger_name(a->trigger)), fd_log_str("ruleset", view->ruleset),
           fd_log_str("lists_hash", view->lists), fd_log_str("models_hash", view->models),
           fd_log_uint("rules", view->n_rules), fd_log_uint("files", view->n_files),
           fd_log_dbl("seconds", (double)(fd_cli_mono_ns() - a->began_ns) / 1e9));
    int64_t from_us = view->from_us;
    pthread_mutex_lock(&r->lock);
    fd_standing_accept(&r->standing);
    fd_standing_offer(&r->standing, view);
    pthread_mutex_unlock(&r->lock);
    fd_worker_offer(r->worker, a->program, from_us);
    a->program = NULL;
    return serial;
}

/* Given up at once: the worker has said why. */
static int given_up(attempt *a)
{
    begin_answer(a, FD_RELOAD_FAILED);
    pthread_mutex_lock(&a->r->lock);
    const fd_refusal *refusal = &a->r->standing.refusal;
    if (refusal->stands)
        fd_strbuf_printf(a->answer, ", \"stage\": \"%s\", \"why\": %s", refusal->stage,
                         refusal->why.p);
    pthread_mutex_unlock(&a->r->lock);
    end_answer(a);
    count(a, FD_RELOAD_FAILED);
    return 503;
}

static int accept(attempt *a)
{
    say_diags(a);
    fd_place_of_set place = fd_reloader_wait(a->r, offer(a));
    if (place == FD_SET_GONE)
        return given_up(a);
    begin_answer(a, FD_RELOAD_ACCEPTED);
    fd_strbuf_printf(a->answer, ", \"state\": \"%s\"", fd_place_of_set_name(place));
    end_answer(a);
    count(a, FD_RELOAD_ACCEPTED);
    return 200;
}

static int judge(attempt *a)
{
    fd_place_of_set place;
    if (a->program == NULL)
        return refuse(a);
    if (is_known(a, &place))
        return unchanged(a, place);
    fd_strbuf report = {0};
    const fd_reloader_setup *s = &a->r->setup;
    if (!fd_reload_tests_pass(s->config, s->readers[0], true, &report))
        return refuse_by_tests(a, &report);
    fd_strbuf_free(&report);
    fd_err err = {0};
    if (a->r->archive != NULL &&
        fd_archive_admit(a->r->archive, a->program, a->trigger, &err) != FD_OK)
        return fail(a, "archive", err.text);
    return accept(a);
}

int fd_reloader_attempt(fd_reloader *r, fd_trigger trigger, bool forced, fd_strbuf *answer)
{
    uint64_t seen = fd_watch_look(r->setup.watch);
    if (!forced && seen == r->seen && !r->try_again)
        return 200;
    attempt a = {.r = r, .trigger = trigger, .began_ns = fd_cli_mono_ns(), .answer = answer};
    r->seen = seen;
    r->try_again = false;
    fd_diags_init(&a.diags);
    load(&a);
    int status = judge(&a);
    fd_program_free(a.program);
    fd_diags_free(&a.diags);
    return status;
}
