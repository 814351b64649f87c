/*
 * What a test expects of a decision, from YAML: names are checked against the rule set, values
 * against the types of its features. One owner.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/quantity.h"
#include "testing/testing_int.h"

#define EXPECT_KEYS(X) \
    X(action)          \
    X(score)           \
    X(rules)           \
    X(reasons)         \
    X(features)        \
    X(flags)           \
    X(messages)        \
    X(each)
enum {
#define X(name) EXPECT_##name,
    EXPECT_KEYS(X)
#undef X
        N_EXPECT_KEYS
};
static const char *const expect_keys[] = {
#define X(name) #name,
    EXPECT_KEYS(X)
#undef X
};

typedef struct reader {
    fd_testing *t;
    fd_test_expect *out;
    fd_yaml_node *each;
} reader;

/* Names that may stand at a place, for "did you mean". */
typedef struct names {
    uint32_t n;
    const char **items;
} names;

static names rule_names(const fd_testing *t)
{
    const fd_ruleset *set = t->world.set;
    names all = {.n = fd_ruleset_n_rules(set)};
    all.items = fd_arena_alloc(t->arena, (all.n + 1) * sizeof *all.items);
    FD_ALLOCATED(all.items);
    for (uint32_t i = 0; i < all.n; i++)
        all.items[i] = fd_ruleset_rule(set, i)->id;
    return all;
}

static names reason_names(const fd_testing *t)
{
    const fd_ruleset *set = t->world.set;
    names all = {0};
    all.items = fd_arena_alloc(t->arena, (fd_ruleset_n_rules(set) + 1) * sizeof *all.items);
    FD_ALLOCATED(all.items);
    for (uint32_t i = 0; i < fd_ruleset_n_rules(set); i++) {
        if (fd_ruleset_rule(set, i)->reason != NULL)
            all.items[all.n++] = fd_ruleset_rule(set, i)->reason;
    }
    return all;
}

static names flag_names(const fd_testing *t)
{
    names all = {.n = FD_N_FLAGS};
    all.items = fd_arena_alloc(t->arena, FD_N_FLAGS * sizeof *all.items);
    FD_ALLOCATED(all.items);
    for (int f = 0; f < FD_N_FLAGS; f++)
        all.items[f] = fd_flag_name((fd_flag)f);
    return all;
}

static void unknown(reader *r, fd_yaml *y, const fd_yaml_node *n, const char *text,
                    const names *all, const char *what)
{
    const char *near = fd_did_you_mean(text, all->items, all->n);
    char *hint = near == NULL ? NULL : fd_arena_printf(r->t->arena, "did you mean %s?", near);
    fd_yaml_report(y, n, FD_ERROR, hint, "%s \"%s\"", what, text);
}

static bool known(const names *all, fd_str s)
{
    for (uint32_t i = 0; i < all->n; i++) {
        if (fd_str_eq_c(s, all->items[i]))
            return true;
    }
    return false;
}

/* ---- lists of names ---- */

static const fd_str *read_list(reader *r, fd_yaml *y, fd_yaml_node *n, const char *key,
                               const names *all, const char *what, uint32_t *count)
{
    *count = 0;
    if (!fd_yaml_is_list(y, n, key))
        return NULL;
    yaml_node_item_t *start = n->data.sequence.items.start, *end = n->data.sequence.items.top;
    fd_str *items = fd_arena_alloc(r->t->arena, (size_t)(end - start + 1) * sizeof *items);
    FD_ALLOCATED(items);
    for (yaml_node_item_t *i = start; i < end; i++) {
        const fd_yaml_node *item = fd_yaml_get(y, *i);
        fd_str text;
        if (!fd_yaml_text(y, item, key, &text))
            continue;
        if (!known(all, text))
            unknown(r, y, item, text.p, all, what);
        items[(*count)++] = text;
    }
    return items;
}

enum { NAMES_INCLUDE, NAMES_EXCLUDE, N_NAMES_KEYS };
static const char *const names_keys[] = {"include", "exclude"};

typedef struct names_reader {
    reader *r;
    fd_test_names *out;
    const char *key, *what;
    const names *all;
} names_reader;

static void read_names_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                           fd_yaml_node *value)
{
    (void)key_node;
    names_reader *n = ctx;
    if (key == NAMES_INCLUDE)
        n->out->items = read_list(n->r, y, value, n->key, n->all, n->what, &n->out->n);
    else
        n->out->exclude = read_list(n->r, y, value, n->key, n->all, n->what, &n->out->n_exclude);
}

/* A list says all of them, {include: [...], exclude: [...]} some. */
static void read_names(reader *r, fd_yaml *y, fd_yaml_node *n, const char *key, const names *all,
                       const char *what, fd_test_names *out)
{
    out->given = true;
    if (n->type == YAML_MAPPING_NODE) {
        names_reader nr = {.r = r, .out = out, .key = key, .what = what, .all = all};
        fd_yaml_map(y, n, key, names_keys, N_NAMES_KEYS, read_names_key, &nr);
        return;
    }
    out->exact = true;
    out->items = read_list(r, y, n, key, all, what, &out->n);
}

/* ---- features ---- */

static bool is_null(const fd_yaml_node *n)
{
    if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *s = (const char *)n->data.scalar.value;
    return *s == '\0' || strcmp(s, "~") == 0 || strcmp(s, "null") == 0;
}

static bool read_seconds(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *us)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    char *end;
    double seconds = strtod(text.p, &end);
    if (text.n > 0 && end == text.p + text.n && fabs(seconds) < 1e12) {
        *us = (int64_t)llround(seconds * 1e6);
        return true;
    }
    const char *why = fd_parse_duration(text.p, us);
    if (why != NULL)
        fd_yaml_report(y, n, FD_ERROR, "write 10s, 5m, 1.5h or 7d", "%s: \"%s\" %s", what, text.p,
                       why);
    return why == NULL;
}

static bool read_bool(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    *out = fd_str_eq_c(text, "true");
    bool ok = *out != 0 || fd_str_eq_c(text, "false");
    if (!ok)
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected true or false, not \"%.64s\"", what,
                       text.p);
    return ok;
}

static bool read_whole(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    char *end;
    errno = 0;
    *out = strtoll(text.p, &end, 10);
    bool ok = text.n > 0 && end == text.p + text.n && errno == 0;
    if (!ok)
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected a whole number, not \"%.64s\"", what,
                       text.p);
    return ok;
}

static bool read_number(fd_yaml *y, const fd_yaml_node *n, const char *what, double *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    char *end;
    *out = strtod(text.p, &end);
    bool ok = text.n > 0 && end == text.p + text.n;
    if (!ok)
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected a number, not \"%.64s\"", what, text.p);
    return ok;
}

static void read_value(fd_yaml *y, const fd_yaml_node *n, const char *name, const fd_type *type,
                       fd_test_feature *out)
{
    out->absent = is_null(n);
    if (out->absent)
        return;
    switch (type->kind) {
    case FD_INT:
        read_whole(y, n, name, &out->v.i);
        return;
    case FD_BOOL:
        read_bool(y, n, name, &out->v.i);
        return;
    case FD_DOUBLE:
        read_number(y, n, name, &out->v.d);
        return;
    case FD_DURATION:
        read_seconds(y, n, name, &out->v.i);
        return;
    case FD_TIMESTAMP:
        fd_testing_time(y, n, name, &out->v.i);
        return;
    default:
        fd_yaml_text(y, n, name, &out->v.s);
        return;
    }
}

static uint32_t find_feature(const fd_ruleset *set, fd_str name)
{
    uint32_t i = 0;
    while (i < fd_ruleset_n_features(set) && !fd_str_eq_c(name, fd_ruleset_feature(set, i)->name))
        i++;
    return i;
}

static void no_feature(reader *r, fd_yaml *y, const fd_yaml_node *key, const char *name)
{
    const fd_ruleset *set = r->t->world.set;
    names all = {.n = fd_ruleset_n_features(set)};
    all.items = fd_arena_alloc(r->t->arena, (all.n + 1) * sizeof *all.items);
    FD_ALLOCATED(all.items);
    for (uint32_t i = 0; i < all.n; i++)
        all.items[i] = fd_ruleset_feature(set, i)->name;
    unknown(r, y, key, name, &all, "no feature is called");
}

static void read_features(reader *r, fd_yaml *y, fd_yaml_node *n)
{
    if (n->type != YAML_MAPPING_NODE) {
        fd_yaml_report(y, n, FD_ERROR, "write features: {card_txn_5m: 7}",
                       "features: expected a mapping of names to values");
        return;
    }
    const fd_ruleset *set = r->t->world.set;
    yaml_node_pair_t *start = n->data.mapping.pairs.start, *end = n->data.mapping.pairs.top;
    fd_test_feature *items = fd_arena_zalloc(r->t->arena,
                                             (size_t)(end - start + 1) * sizeof *items);
    FD_ALLOCATED(items);
    uint32_t count = 0;
    for (yaml_node_pair_t *p = start; p < end; p++) {
        const fd_yaml_node *key = fd_yaml_get(y, p->key);
        fd_str name;
        if (!fd_yaml_text(y, key, "a feature's name", &name))
            continue;
        uint32_t f = find_feature(set, name);
        if (f == fd_ruleset_n_features(set)) {
            no_feature(r, y, key, name.p);
            continue;
        }
        uint16_t column = fd_ruleset_feature(set, f)->column;
        items[count] = (fd_test_feature){.feature = f};
        read_value(y, fd_yaml_get(y, p->value), name.p,
                   fd_ruleset_layout(set)->type->fields[column].type, &items[count]);
        count++;
    }
    r->out->features = items;
    r->out->n_features = count;
}

/* ---- messages ---- */

static void read_messages(reader *r, fd_yaml *y, fd_yaml_node *n)
{
    if (n->type != YAML_MAPPING_NODE) {
        fd_yaml_report(y, n, FD_ERROR, "write messages: {card-velocity: seen 7 times}",
                       "messages: expected a mapping of rules to texts");
        return;
    }
    yaml_node_pair_t *start = n->data.mapping.pairs.start, *end = n->data.mapping.pairs.top;
    fd_test_message *items = fd_arena_zalloc(r->t->arena,
                                             (size_t)(end - start + 1) * sizeof *items);
    FD_ALLOCATED(items);
    names rules = rule_names(r->t);
    uint32_t count = 0;
    for (yaml_node_pair_t *p = start; p < end; p++) {
        const fd_yaml_node *key = fd_yaml_get(y, p->key);
        fd_test_message *m = &items[count];
        if (!fd_yaml_text(y, key, "a rule", &m->rule))
            continue;
        if (!known(&rules, m->rule))
            unknown(r, y, key, m->rule.p, &rules, "no rule is called");
        if (fd_yaml_text(y, fd_yaml_get(y, p->value), "a message", &m->text))
            count++;
    }
    r->out->messages = items;
    r->out->n_messages = count;
}

/* ---- the expectation ---- */

static void read_action(fd_yaml *y, const fd_yaml_node *n, fd_test_expect *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, "action", &text))
        return;
    out->has_action = fd_action_parse(text, &out->action);
    if (!out->has_action)
        fd_yaml_report(y, n, FD_ERROR, "actions are allow, review, challenge and block",
                       "action: \"%s\" is not an action", text.p);
}

static void read_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node, fd_yaml_node *value)
{
    (void)key_node;
    reader *r = ctx;
    names all;
    switch (key) {
    case EXPECT_action:
        read_action(y, value, r->out);
        break;
    case EXPECT_score:
        r->out->has_score = fd_yaml_double(y, value, "score", -1e12, 1e12, &r->out->score);
        break;
    case EXPECT_rules:
        all = rule_names(r->t);
        read_names(r, y, value, "rules", &all, "no rule is called", &r->out->rules);
        break;
    case EXPECT_reasons:
        all = reason_names(r->t);
        read_names(r, y, value, "reasons", &all, "no rule has the reason", &r->out->reasons);
        break;
    case EXPECT_features:
        read_features(r, y, value);
        break;
    case EXPECT_flags:
        all = flag_names(r->t);
        read_names(r, y, value, "flags", &all, "no flag is called", &r->out->flags);
        break;
    case EXPECT_messages:
        read_messages(r, y, value);
        break;
    default:
        r->each = value;
        break;
    }
}

static void read_expect(fd_testing *t, fd_yaml *y, fd_yaml_node *node, const char *what, int n_keys,
                        fd_test_expect *out, fd_yaml_node **each)
{
    reader r = {.t = t, .out = out};
    size_t errors = y->diags->errors;
    uint64_t keys = fd_yaml_map(y, node, what, expect_keys, n_keys, read_key, &r);
    out->given = (keys & ~(UINT64_C(1) << EXPECT_each)) != 0;
    *each = r.each;
    if (keys == 0 && errors == y->diags->errors)
        fd_yaml_report(y, node, FD_ERROR, "write expect: {action: review}", "%s says nothing",
                       what);
}

void fd_testing_read_expect(fd_testing *t, fd_yaml *y, fd_yaml_node *node, fd_test_event *event)
{
    fd_yaml_node *each = NULL, *none;
    read_expect(t, y, node, "expect", N_EXPECT_KEYS, &event->last, &each);
    if (each != NULL)
        read_expect(t, y, each, "expect.each", EXPECT_each, &event->each, &none);
}
