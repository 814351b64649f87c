/* Labels, rules and the text of an evaluation; see report.h. Main thread. */
#include "app/replay/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "app/cli.h"
#include "base/assert.h"
#include "store/ruleset.h"

static fd_class read_files(fd_replay_report *r, const char *files, fd_err *err)
{
    char *path = malloc(strlen(files) + 1);
    FD_ALLOCATED(path);
    fd_class rc = FD_OK;
    for (const char *at = files; *at != '\0' && rc == FD_OK;) {
        size_t n = strcspn(at, ",");
        memcpy(path, at, n);
        path[n] = '\0';
        if (n > 0)
            rc = fd_replay_labels_read(&r->labels, path, err);
        at += n + (at[n] == ',');
    }
    free(path);
    return rc;
}

static void know_rules(fd_replay_report *r, const fd_replay_report_config *config)
{
    const fd_ruleset *set = fd_engine_ruleset(config->engine, 0);
    uint32_t n = fd_ruleset_n_rules(set);
    fd_evaluated_rule *rules = calloc(n + 1, sizeof *rules);
    FD_ALLOCATED(rules);
    for (uint32_t i = 0; i < n; i++) {
        const fd_rule_info *info = fd_ruleset_rule(set, i);
        rules[i] = (fd_evaluated_rule){
            .id = info->id, .mode = info->mode, .n_tags = info->n_tags, .tags = info->tags};
    }
    r->evaluation = fd_evaluation_new(r->labels.truth, rules, n, config->flagged, config->amounts);
    free(rules);
}

static bool parse_time(const char *option, const char *text, int64_t *ms, fd_err *err)
{
    if (text == NULL || fd_cli_parse_time(text, ms))
        return true;
    fd_fail(err, FD_FATAL, FD_EXIT_USAGE, "%s: '%s' is no time like 2026-01-31T10:00:00Z", option,
            text);
    return false;
}

fd_class fd_replay_report_open(const fd_replay_report_config *config, fd_replay_report *out,
                               fd_err *err)
{
    *out = (fd_replay_report){
        .form = config->form, .since_ms = INT64_MIN, .labels = {.as_of_ms = INT64_MAX}};
    if (!parse_time("--as-of", config->as_of, &out->labels.as_of_ms, err) ||
        !parse_time("--since", config->since, &out->since_ms, err))
        return FD_FATAL;
    out->labels.truth = fd_truth_new();
    fd_class rc = read_files(out, config->files, err);
    if (rc == FD_OK)
        know_rules(out, config);
    return rc;
}

fd_class fd_replay_report_print(const fd_replay_report *r, FILE *to, fd_err *err)
{
    fd_strbuf text = {0};
    if (r->form == FD_REPORT_JSON)
        fd_evaluation_json(r->evaluation, &text);
    else
        fd_evaluation_text(r->evaluation, &text);
    bool ok = fwrite(text.p, 1, text.n, to) == text.n && fflush(to) == 0;
    fd_strbuf_free(&text);
    if (r->labels.later > 0)
        fd_cli_notice("%" PRIu64 " labels were known later than that", r->labels.later);
    return ok ? FD_OK
              : fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "standard output: %s", strerror(errno));
}

void fd_replay_report_close(fd_replay_report *r)
{
    fd_evaluation_free(r->evaluation);
    fd_truth_free(r->labels.truth);
    *r = (fd_replay_report){0};
}
