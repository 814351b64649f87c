/* Rule sets for those who ask; see view.h. One owner at a time. */
#include "app/reload/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "store/ruleset.h"

static const char *const modes[] = {"live", "shadow", "off"};

static void text_member(fd_strbuf *out, const char *name, const char *text)
{
    if (text == NULL || *text == '\0')
        return;
    fd_strbuf_printf(out, ", \"%s\": ", name);
    fd_strbuf_json(out, fd_str_from(text));
}

static char *describe(const fd_rule_info *rule)
{
    fd_strbuf out = {0};
    fd_strbuf_puts(&out, "\"id\": ");
    fd_strbuf_json(&out, fd_str_from(rule->id));
    fd_strbuf_printf(&out, ", \"mode\": \"%s\"", modes[rule->mode]);
    text_member(&out, "action", rule->has_action ? fd_action_name(rule->action) : NULL);
    fd_strbuf_puts(&out, ", \"score\": ");
    fd_strbuf_double(&out, rule->score);
    text_member(&out, "reason", rule->reason);
    text_member(&out, "owner", rule->owner);
    fd_strbuf_puts(&out, ", \"tags\": [");
    for (uint32_t i = 0; i < rule->n_tags; i++) {
        fd_strbuf_puts(&out, i == 0 ? "" : ", ");
        fd_strbuf_json(&out, fd_str_from(rule->tags[i]));
    }
    fd_strbuf_putc(&out, ']');
    text_member(&out, "file", rule->file);
    fd_strbuf_printf(&out, ", \"line\": %d", rule->line);
    return out.p;
}

static char *copy(const char *text)
{
    char *own = strdup(text);
    FD_ALLOCATED(own);
    return own;
}

fd_set_view *fd_set_view_new(const fd_program *p, fd_trigger trigger, int64_t loaded_ms)
{
    const fd_ruleset *set = fd_program_rules(p, 0);
    fd_set_view *v = calloc(1, sizeof *v);
    FD_ALLOCATED(v);
    snprintf(v->ruleset, sizeof v->ruleset, "%s", fd_program_ruleset_hash(p));
    snprintf(v->lists, sizeof v->lists, "%s", fd_program_lists_hash(p));
    snprintf(v->models, sizeof v->models, "%s", fd_program_models_hash(p));
    v->trigger = trigger;
    v->loaded_ms = loaded_ms;
    v->from_us = fd_ruleset_activate_at_us(set);
    v->n_features = fd_ruleset_n_features(set);
    v->n_lists = fd_ruleset_n_lists(set);
    v->n_rules = fd_ruleset_n_rules(set);
    v->rules = calloc(v->n_rules + 1U, sizeof *v->rules);
    FD_ALLOCATED(v->rules);
    for (uint32_t i = 0; i < v->n_rules; i++) {
        const fd_rule_info *rule = fd_ruleset_rule(set, i);
        v->rules[i] = (fd_set_rule){
            .id = copy(rule->id), .mode = rule->mode, .json = describe(rule)};
    }
    return v;
}

void fd_set_view_free(fd_set_view *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->n_rules; i++) {
        free(v->rules[i].id);
        free(v->rules[i].json);
    }
    free(v->rules);
    free(v);
}

bool fd_set_view_is(const fd_set_view *v, const char *ruleset, const char *lists,
                    const char *models)
{
    return strcmp(v->ruleset, ruleset) == 0 && strcmp(v->lists, lists) == 0 &&
           strcmp(v->models, models) == 0;
}

static void time_member(fd_strbuf *out, const char *name, int64_t ms)
{
    fd_strbuf_printf(out, ", \"%s\": \"", name);
    fd_strbuf_time(out, ms);
    fd_strbuf_putc(out, '"');
}

void fd_set_view_json(const fd_set_view *v, fd_strbuf *out)
{
    fd_strbuf_printf(out,
                     "\"ruleset\": \"%s\", \"lists_hash\": \"%s\", \"models_hash\": \"%s\", "
                     "\"config_hash\": \"%s\", \"trigger\": \"%s\"",
                     v->ruleset, v->lists, v->models, v->config, fd_trigger_name(v->trigger));
    time_member(out, "loaded", v->loaded_ms);
    if (v->since_ms != 0)
        time_member(out, "since", v->since_ms);
    if (v->from_us != INT64_MIN)
        time_member(out, "activate_at", v->from_us / 1000);
    fd_strbuf_printf(out, ", \"files\": %u, \"features\": %u, \"lists\": %u, \"n_rules\": %u",
                     v->n_files, v->n_features, v->n_lists, v->n_rules);
}

void fd_set_view_rules_json(const fd_set_view *v, fd_metrics *metrics, fd_strbuf *out)
{
    fd_strbuf_putc(out, '[');
    for (uint32_t i = 0; i < v->n_rules; i++) {
        const fd_set_rule *rule = &v->rules[i];
        const char *labels[] = {rule->id, modes[rule->mode]};
        int64_t hits, errors;
        fd_strbuf_puts(out, i == 0 ? "{" : ", {");
        fd_strbuf_puts(out, rule->json);
        if (fd_metrics_read(metrics, FD_M_RULE_HITS, labels, &hits) &&
            fd_metrics_read(metrics, FD_M_RULE_ERRORS, labels, &errors))
            fd_strbuf_printf(out, ", \"hits\": %lld, \"errors\": %lld", (long long)hits,
                             (long long)errors);
        fd_strbuf_putc(out, '}');
    }
    fd_strbuf_putc(out, ']');
}
