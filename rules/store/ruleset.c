/* A rule set's life: loading as a list of phases, and what can be asked of it. See ruleset.h. */
#include "store/ruleset.h"

#include <stdlib.h>

#include "base/assert.h"
#include "store/ruleset_int.h"

enum { ARENA_BLOCK_BYTES = 64 * 1024 };

static fd_ruleset *new_set(const fd_type *event)
{
    fd_ruleset *set = calloc(1, sizeof *set);
    FD_ALLOCATED(set);
    set->arena = fd_arena_new(ARENA_BLOCK_BYTES, 0);
    set->event = event;
    set->activate_at_us = INT64_MIN;
    for (int a = 0; a < FD_N_ACTIONS; a++)
        set->decision.severity[a] = a;
    return set;
}

static void finish_loading(fd_loading *l)
{
    fd_ruleset *set = l->set;
    set->hash = fd_content_hash_of(l->rules_bytes.p, l->rules_bytes.n);
    set->lists_hash = fd_content_hash_of(l->lists_bytes.p, l->lists_bytes.n);
    for (uint32_t i = 0; i < l->n_files; i++)
        fd_yaml_free(&l->files[i]);
    fd_strbuf_free(&l->rules_bytes);
    fd_strbuf_free(&l->lists_bytes);
}

/* Under strict: what was warned of since the loading began refuses the set. */
static void harden(fd_diags *d, size_t from, size_t warnings_before)
{
    for (size_t i = from; i < d->n; i++)
        d->items[i].severity = FD_ERROR;
    d->errors += d->warnings - warnings_before;
    d->warnings = warnings_before;
}

fd_ruleset *fd_ruleset_load(const char *dir, const fd_ruleset_source *source,
                            const fd_type *event_type, bool strict, fd_diags *diags)
{
    FD_ASSERT(event_type->kind == FD_RECORD);
    fd_loading l = {.set = new_set(event_type), .dir = dir, .diags = diags};
    if (source != NULL)
        l.source = *source;
    size_t n_before = diags->n, warnings_before = diags->warnings;
    size_t errors_before = diags->errors;
    if (fd_store_read_files(&l)) {
        fd_store_build(&l);
        if (diags->errors == errors_before)
            fd_store_lint(&l);
        if (diags->errors == errors_before && l.set->n_rules == 0 && l.set->n_features == 0 &&
            l.set->n_models == 0)
            fd_diags_error(diags, "rule directory %s has no rules and no features", dir);
        if (diags->errors == errors_before) {
            fd_store_plan(l.set);
            fd_store_lint_rules(&l);
        }
    }
    finish_loading(&l);
    if (strict)
        harden(diags, n_before, warnings_before);
    if (diags->errors == errors_before)
        return l.set;
    fd_ruleset_free(l.set);
    return NULL;
}

void fd_ruleset_free(fd_ruleset *set)
{
    if (set == NULL)
        return;
    for (uint32_t i = 0; i < set->n_lists; i++)
        fd_list_free(set->lists[i].list);
    fd_cel_plan_free(set->plan);
    fd_arena_free(set->arena);
    free(set);
}

int64_t fd_ruleset_activate_at_us(const fd_ruleset *set)
{
    return set->activate_at_us;
}

const char *fd_ruleset_hash(const fd_ruleset *set)
{
    return set->hash.hex;
}

const char *fd_ruleset_lists_hash(const fd_ruleset *set)
{
    return set->lists_hash.hex;
}

uint32_t fd_ruleset_n_rules(const fd_ruleset *set)
{
    return set->n_rules;
}

const fd_rule_info *fd_ruleset_rule(const fd_ruleset *set, uint32_t i)
{
    FD_ASSERT(i < set->n_rules);
    return &set->rules[i].info;
}

uint32_t fd_ruleset_n_lists(const fd_ruleset *set)
{
    return set->n_lists;
}

const char *fd_ruleset_list_file(const fd_ruleset *set, uint32_t i)
{
    FD_ASSERT(i < set->n_lists);
    return set->lists[i].file;
}

const char *fd_ruleset_list_file_hash(const fd_ruleset *set, uint32_t i)
{
    FD_ASSERT(i < set->n_lists && set->lists[i].file != NULL);
    return set->lists[i].file_hash.hex;
}

uint32_t fd_ruleset_n_variables(const fd_ruleset *set)
{
    return set->n_vars;
}

uint32_t fd_ruleset_n_features(const fd_ruleset *set)
{
    return set->n_features;
}

const fd_feature_info *fd_ruleset_feature(const fd_ruleset *set, uint32_t i)
{
    FD_ASSERT(i < set->n_features);
    return &set->features[i].info;
}

const fd_window_layout *fd_ruleset_layout(const fd_ruleset *set)
{
    return &set->layout;
}
