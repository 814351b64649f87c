/* One rule of a file into its definition; conditions are compiled later (build.c). Loading. */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/time.h"
#include "store/ruleset_int.h"

#define RULE_KEYS(X) \
    X(id)            \
    X(condition)     \
    X(action)        \
    X(score)         \
    X(reason)        \
    X(explain)       \
    X(mode)          \
    X(rollout)       \
    X(snooze)        \
    X(tags)          \
    X(owner)
enum {
#define X(name) RULE_##name,
    RULE_KEYS(X)
#undef X
        N_RULE_KEYS
};
static const char *const rule_keys[] = {
#define X(name) #name,
    RULE_KEYS(X)
#undef X
};

static void read_cstr(fd_yaml *y, const fd_yaml_node *n, const char *what, const char **out)
{
    fd_str text;
    if (fd_yaml_text(y, n, what, &text))
        *out = text.p;
}

/* Given, and yet nothing; what could not be read at all is told already. */
static bool is_empty(fd_str text)
{
    return text.p != NULL && text.n == 0;
}

static void read_mode(fd_yaml *y, const fd_yaml_node *n, fd_rule_mode *out)
{
    static const char *const modes[] = {"live", "shadow", "off"};
    fd_str text;
    if (!fd_yaml_text(y, n, "mode", &text))
        return;
    for (int i = 0; i < 3; i++) {
        if (!fd_str_eq_c(text, modes[i]))
            continue;
        *out = (fd_rule_mode)i;
        return;
    }
    fd_yaml_report(y, n, FD_ERROR, "modes are live, shadow and off", "\"%s\" is not a mode",
                   text.p);
}

/* ---- rollout ---- */

enum { ROLLOUT_PERCENT, ROLLOUT_KEY, N_ROLLOUT_KEYS };
static const char *const rollout_keys[] = {"percent", "key"};

static void read_rollout_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                             fd_yaml_node *value)
{
    (void)key_node;
    fd_rule_def *r = ctx;
    if (key == ROLLOUT_PERCENT) {
        fd_yaml_double(y, value, "rollout.percent", 0, 100, &r->info.rollout_percent);
        return;
    }
    r->rollout_node = value;
    fd_yaml_text(y, value, "rollout.key", &r->rollout_path);
}

static void read_rollout(fd_yaml *y, fd_yaml_node *n, fd_rule_def *r)
{
    static const char hint[] = "write rollout: {percent: 25, key: card_id}";
    uint64_t keys = fd_yaml_map(y, n, "rollout", rollout_keys, N_ROLLOUT_KEYS, read_rollout_key, r);
    if (!fd_store_seen(keys, ROLLOUT_PERCENT))
        fd_yaml_report(y, n, FD_ERROR, hint, "rollout needs a percent");
    if (!fd_store_seen(keys, ROLLOUT_KEY) || is_empty(r->rollout_path))
        fd_yaml_report(y, n, FD_ERROR, hint,
                       "rollout needs the field that decides who is in it (key)");
}

/* ---- snooze ---- */

enum { SNOOZE_FROM, SNOOZE_UNTIL, SNOOZE_KEYS, SNOOZE_KEY, N_SNOOZE_KEYS };
static const char *const snooze_keys[] = {"from", "until", "keys", "key"};

bool fd_store_read_time(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *out_us)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    fd_cel_value t = fd_cel_parse_timestamp(text);
    if (t.kind == FD_CEL_TIMESTAMP)
        *out_us = t.v.i * 1000000 + fd_cel_nanos(&t) / 1000;
    else
        fd_yaml_report(y, n, FD_ERROR, "write a time like 2026-11-01T00:00:00Z",
                       "%s: \"%s\" is not a time", what, text.p);
    return t.kind == FD_CEL_TIMESTAMP;
}

static void read_texts(fd_yaml *y, const fd_yaml_node *n, const char *what, uint32_t *count,
                       const fd_str **out)
{
    if (!fd_yaml_is_list(y, n, what))
        return;
    size_t all = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    fd_str *texts = fd_arena_alloc(y->arena, (all + 1) * sizeof *texts);
    for (size_t i = 0; i < all; i++) {
        fd_yaml_node *item = fd_yaml_get(y, n->data.sequence.items.start[i]);
        if (fd_yaml_text(y, item, what, &texts[*count]))
            (*count)++;
    }
    *out = texts;
}

/* No keys at all would snooze the rule for everyone, which nobody who lists keys means. */
static void read_snooze_values(fd_yaml *y, const fd_yaml_node *n, fd_rule_def *r)
{
    read_texts(y, n, "snooze.keys", &r->n_snooze_keys, &r->snooze_keys);
    if (n->type == YAML_SEQUENCE_NODE && n->data.sequence.items.start == n->data.sequence.items.top)
        fd_yaml_report(y, n, FD_ERROR, "leave keys out to snooze the rule for every event",
                       "snooze.keys is empty");
}

static void read_snooze_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                            fd_yaml_node *value)
{
    (void)key_node;
    fd_rule_def *r = ctx;
    if (key == SNOOZE_KEY)
        r->snooze_node = value;
    if (key == SNOOZE_FROM)
        fd_store_read_time(y, value, "snooze.from", &r->info.snooze_from_us);
    else if (key == SNOOZE_UNTIL)
        fd_store_read_time(y, value, "snooze.until", &r->info.snooze_until_us);
    else if (key == SNOOZE_KEYS)
        read_snooze_values(y, value, r);
    else
        fd_yaml_text(y, value, "snooze.key", &r->snooze_path);
}

static void read_snooze(fd_yaml *y, fd_yaml_node *n, fd_rule_def *r)
{
    size_t errors = y->diags->errors;
    r->snooze_node = n;
    uint64_t keys = fd_yaml_map(y, n, "snooze", snooze_keys, N_SNOOZE_KEYS, read_snooze_key, r);
    if (!fd_store_seen(keys, SNOOZE_FROM) || !fd_store_seen(keys, SNOOZE_UNTIL))
        fd_yaml_report(y, n, FD_ERROR, "a snooze without an end is mode: off",
                       "snooze needs both from and until");
    else if (errors == y->diags->errors && r->info.snooze_from_us >= r->info.snooze_until_us)
        fd_yaml_report(y, n, FD_ERROR, NULL, "snooze.from is not before snooze.until");
    bool key = fd_store_seen(keys, SNOOZE_KEY);
    if (is_empty(r->snooze_path) || (key && !fd_store_seen(keys, SNOOZE_KEYS)))
        fd_yaml_report(y, n, FD_ERROR, "write snooze: {..., key: card_id, keys: [C17]}",
                       "snooze.key and snooze.keys are the field and its values: both or none");
}

/* ---- the rule ---- */

static void read_tags(fd_yaml *y, const fd_yaml_node *n, fd_rule_info *info)
{
    uint32_t count = 0;
    const fd_str *texts = NULL;
    read_texts(y, n, "tags", &count, &texts);
    const char **tags = fd_arena_alloc(y->arena, (count + 1) * sizeof *tags);
    for (uint32_t i = 0; i < count; i++)
        tags[i] = texts[i].p;
    info->tags = tags;
    info->n_tags = count;
}

static void read_rule_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                          fd_yaml_node *value)
{
    (void)key_node;
    fd_rule_def *r = ctx;
    switch (key) {
    case RULE_id:
        fd_yaml_text(y, value, "id", &r->id);
        break;
    case RULE_condition:
        r->condition_node = value;
        fd_yaml_cel(y, value, "condition", &r->condition);
        break;
    case RULE_action:
        r->info.has_action = fd_store_action(y, value, "action", &r->info.action);
        break;
    case RULE_score:
        fd_yaml_double(y, value, "score", -1e9, 1e9, &r->info.score);
        break;
    case RULE_reason:
        read_cstr(y, value, "reason", &r->info.reason);
        break;
    case RULE_explain:
        fd_yaml_cel(y, value, "explain", &r->explain);
        break;
    case RULE_mode:
        read_mode(y, value, &r->info.mode);
        break;
    case RULE_rollout:
        read_rollout(y, value, r);
        break;
    case RULE_snooze:
        read_snooze(y, value, r);
        break;
    case RULE_tags:
        read_tags(y, value, &r->info);
        break;
    default:
        read_cstr(y, value, "owner", &r->info.owner);
        break;
    }
}

/* What is missing; what was given and could not be read is told already. */
static bool complete(fd_yaml *y, fd_yaml_node *n, const fd_rule_def *r, uint64_t keys, bool clean)
{
    bool named = r->id.n != 0, conditional = r->condition.text.p != NULL;
    if (!fd_store_seen(keys, RULE_id) || is_empty(r->id))
        fd_yaml_report(y, n, FD_ERROR, NULL, "a rule needs an id");
    else if (named && !fd_store_seen(keys, RULE_condition))
        fd_yaml_report(y, n, FD_ERROR, NULL, "rule \"%s\" needs a condition", r->id.p);
    else if (clean && !r->info.has_action && r->info.score == 0)
        fd_yaml_report(y, n, FD_ERROR, NULL, "rule \"%s\" needs an action or a score", r->id.p);
    return named && conditional;
}

static void finish(fd_rule_def *r)
{
    r->info.id = r->id.p;
    r->info.condition = r->condition.text.p;
    r->info.explain = r->explain.text.p;
    r->info.rollout_key = r->rollout_path.p;
    if (r->n_snooze_keys > 0 && r->snooze_path.p == NULL)
        r->snooze_path = r->rollout_path;
    r->info.snooze_key = r->snooze_path.p;
    r->rollout_limit = UINT64_MAX;
    /* Just below 100 may round up to 2^64, which is all. */
    double limit = r->info.rollout_percent / 100 * 0x1p64;
    if (limit < 0x1p64)
        r->rollout_limit = (uint64_t)limit;
}

void fd_store_read_rule(fd_loading *l, fd_yaml *y, fd_yaml_node *node)
{
    fd_ruleset *set = l->set;
    fd_rule_def r = {.place = {y, node}};
    r.info.rollout_percent = 100;
    r.info.file = y->name;
    r.info.line = fd_yaml_line(node);
    size_t errors = y->diags->errors;
    uint64_t keys = fd_yaml_map(y, node, "a rule", rule_keys, N_RULE_KEYS, read_rule_key, &r);
    if (!complete(y, node, &r, keys, y->diags->errors == errors))
        return;
    finish(&r);
    if (r.n_snooze_keys > 0 && r.snooze_path.p == NULL)
        fd_yaml_report(y, r.snooze_node, FD_ERROR, "add key: card_id to the snooze",
                       "rule \"%s\": snooze.keys needs the field they are values of", r.id.p);
    if (set->n_rules == FD_RULES_MAX_RULES) {
        fd_yaml_report(y, node, FD_ERROR, NULL, "more than %d rules", FD_RULES_MAX_RULES);
        return;
    }
    set->rules = fd_store_push(set->arena, set->rules, &set->n_rules, &set->cap_rules,
                               sizeof *set->rules);
    set->rules[set->n_rules - 1] = r;
}
