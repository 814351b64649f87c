/* The sections of a rule file but for features and rules: decision, lists, variables. Loading. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"
#include "store/ruleset_int.h"

void *fd_store_push(fd_arena *arena, void *items, uint32_t *n, uint32_t *cap, size_t size)
{
    if (*n == *cap) {
        uint32_t grown = *cap == 0 ? 16 : *cap * 2;
        void *fresh = fd_arena_zalloc(arena, grown * size);
        FD_ALLOCATED(fresh);
        if (*n != 0)
            memcpy(fresh, items, *n * size);
        items = fresh;
        *cap = grown;
    }
    (*n)++;
    return items;
}

bool fd_store_action(fd_yaml *y, const fd_yaml_node *n, const char *what, fd_action *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    if (fd_action_parse(text, out))
        return true;
    fd_yaml_report(y, n, FD_ERROR, "actions are allow, review, challenge and block",
                   "%s: \"%s\" is not an action", what, text.p);
    return false;
}

/* ---- decision ---- */

static void every_action(fd_decision_def *d)
{
    for (int a = 0; a < FD_N_ACTIONS; a++)
        d->severity[a] = a;
}

/* A broken list stands for all actions, so that rules are not blamed for it. */
static void read_actions(fd_decision_def *d, fd_yaml *y, fd_yaml_node *n)
{
    size_t errors = y->diags->errors;
    if (!fd_yaml_is_list(y, n, "decision.actions"))
        return;
    for (int a = 0; a < FD_N_ACTIONS; a++)
        d->severity[a] = -1;
    int rank = 0;
    yaml_node_item_t *end = n->data.sequence.items.top;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < end; i++) {
        fd_yaml_node *item = fd_yaml_get(y, *i);
        fd_action a;
        if (!fd_store_action(y, item, "decision.actions", &a))
            continue;
        if (d->severity[a] >= 0)
            fd_yaml_report(y, item, FD_ERROR, NULL, "decision.actions names %s twice",
                           fd_action_name(a));
        d->severity[a] = rank++;
    }
    if (errors == y->diags->errors && (rank == 0 || d->severity[FD_ACTION_ALLOW] != 0))
        fd_yaml_report(y, n, FD_ERROR, "the list goes from the mildest to the most severe",
                       "decision.actions must begin with allow");
    if (errors != y->diags->errors)
        every_action(d);
}

static void read_threshold(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                           fd_yaml_node *value)
{
    (void)key_node;
    fd_decision_def *d = ctx;
    fd_action a = (fd_action)(key + 1); /* allow has none */
    d->has_threshold[a] = fd_yaml_double(y, value, "a score threshold", 1e-9, 1e12,
                                         &d->threshold[a]);
}

enum { DECISION_ACTIONS, DECISION_THRESHOLDS, N_DECISION_KEYS };
static const char *const decision_keys[] = {"actions", "score_thresholds"};

static void read_decision_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                              fd_yaml_node *value)
{
    (void)key_node;
    static const char *const actions[] = {"review", "challenge", "block"};
    if (key == DECISION_ACTIONS)
        read_actions(ctx, y, value);
    else
        fd_yaml_map(y, value, "decision.score_thresholds", actions, FD_N_ACTIONS - 1,
                    read_threshold, ctx);
}

static void read_decision(fd_loading *l, fd_yaml *y, fd_yaml_node *key, fd_yaml_node *value)
{
    fd_decision_def *d = &l->set->decision;
    if (d->given) {
        fd_yaml_report(y, key, FD_ERROR, "one file of a rule set says how it decides",
                       "decision is already given in %s:%d", d->place.y->name,
                       fd_yaml_line(d->place.node));
        return;
    }
    d->given = true;
    d->place = (fd_def_place){y, key};
    fd_yaml_map(y, value, "decision", decision_keys, N_DECISION_KEYS, read_decision_key, d);
}

/* ---- lists ---- */

enum { SHOWN_MAX = 200 };

enum { LIST_TYPE, LIST_FILE, LIST_ITEMS, N_LIST_KEYS };
static const char *const list_keys[] = {"type", "file", "items"};

typedef struct list_parts {
    fd_yaml_node *at[N_LIST_KEYS];
} list_parts;

static void read_list_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                          fd_yaml_node *value)
{
    (void)y;
    (void)key_node;
    list_parts *parts = ctx;
    parts->at[key] = value;
}

static bool read_list_type(fd_yaml *y, const fd_yaml_node *n, fd_list_type *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, "type", &text))
        return false;
    for (int t = 0; t < FD_N_LIST_TYPES; t++) {
        if (!fd_str_eq_c(text, fd_list_type_name((fd_list_type)t)))
            continue;
        *out = (fd_list_type)t;
        return true;
    }
    fd_yaml_report(y, n, FD_ERROR, "types of lists are string, int, double and cidr",
                   "\"%s\" is not a type of list", text.p);
    return false;
}

static bool add_entry(fd_loading *l, fd_list *list, fd_str entry, const char **why)
{
    fd_strbuf_printf(&l->lists_bytes, "%u:", entry.n);
    fd_strbuf_add(&l->lists_bytes, entry.p, entry.n);
    *why = fd_list_count(list) >= FD_RULES_MAX_LIST_ENTRIES ? "one entry too many"
                                                            : fd_list_add(list, entry);
    return *why == NULL;
}

static void read_items(fd_loading *l, fd_yaml *y, fd_yaml_node *n, fd_list *list)
{
    if (!fd_yaml_is_list(y, n, "items"))
        return;
    yaml_node_item_t *end = n->data.sequence.items.top;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < end; i++) {
        fd_yaml_node *item = fd_yaml_get(y, *i);
        fd_str text;
        const char *why;
        if (fd_yaml_text(y, item, "an item", &text) && !add_entry(l, list, text, &why))
            fd_yaml_report(y, item, FD_ERROR, NULL, "%s: %s", text.p, why);
    }
}

static fd_str trimmed(const char *p, size_t n)
{
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
        n--;
    while (n > 0 && (*p == ' ' || *p == '\t')) {
        p++;
        n--;
    }
    return (fd_str){p, (uint32_t)n};
}

/* The entry of a line. In lists of strings # begins a comment only as the first character: text
 * may hold one. */
static fd_str entry_of(const char *p, size_t n, fd_list_type type)
{
    const char *comment = type == FD_LIST_STRING ? NULL : memchr(p, '#', n);
    fd_str entry = trimmed(p, comment == NULL ? n : (size_t)(comment - p));
    if (entry.n != 0 && entry.p[0] == '#')
        entry.n = 0;
    return entry;
}

/* One entry a line. */
static void read_lines(fd_loading *l, const char *path, const fd_strbuf *bytes, fd_list *list)
{
    int line = 0;
    bool marked = bytes->n >= 3 && memcmp(bytes->p, "\xEF\xBB\xBF", 3) == 0; /* byte order */
    for (size_t at = marked ? 3 : 0; at < bytes->n;) {
        const char *nl = memchr(bytes->p + at, '\n', bytes->n - at);
        size_t end = nl == NULL ? bytes->n : (size_t)(nl - bytes->p);
        fd_str entry = entry_of(bytes->p + at, end - at, fd_list_type_of(list));
        at = end + 1;
        line++;
        const char *why;
        if (entry.n == 0 || add_entry(l, list, entry, &why))
            continue;
        const char *source = entry.n > SHOWN_MAX ? NULL : fd_arena_str(l->set->arena, entry).p;
        fd_diags_add(l->diags, &(fd_diag){.severity = FD_ERROR,
                                          .file = path,
                                          .line = line,
                                          .col = 1,
                                          .width = (int)entry.n,
                                          .source = source,
                                          .text = why,
                                          .hint = "one entry per line; # begins a comment"});
    }
}

static void read_list_file(fd_loading *l, fd_yaml *y, fd_yaml_node *n, fd_list_def *def)
{
    fd_str name;
    if (!fd_yaml_text(y, n, "file", &name))
        return;
    def->file = name.p;
    char *path = name.p[0] == '/' ? fd_arena_printf(l->set->arena, "%s", name.p)
                                  : fd_arena_printf(l->set->arena, "%s/%s", l->dir, name.p);
    fd_strbuf bytes = {0};
    const char *why;
    if (fd_file_read(path, FD_RULES_MAX_LIST_BYTES, &bytes, &why)) {
        def->file_hash = fd_content_hash_of(bytes.p, bytes.n);
        read_lines(l, path, &bytes, def->list);
    } else {
        fd_yaml_report(y, n, FD_ERROR, "list files are found from the rule directory", "%s: %s",
                       path, why);
    }
    fd_strbuf_free(&bytes);
}

/* False when there is nothing to make a list of. */
static bool read_list_parts(fd_yaml *y, fd_yaml_node *key, fd_str name, fd_yaml_node *value,
                            list_parts *parts, fd_list_type *type)
{
    size_t errors = y->diags->errors;
    uint64_t keys = fd_yaml_map(y, value, "a list", list_keys, N_LIST_KEYS, read_list_key, parts);
    bool one = fd_store_seen(keys, LIST_FILE) != fd_store_seen(keys, LIST_ITEMS);
    if (y->diags->errors == errors && !one)
        fd_yaml_report(y, key, FD_ERROR, NULL, "list \"%s\" needs either file or items", name.p);
    if (parts->at[LIST_TYPE] != NULL)
        return read_list_type(y, parts->at[LIST_TYPE], type) && one;
    if (!fd_store_seen(keys, LIST_TYPE))
        fd_yaml_report(y, key, FD_ERROR, "add type: string", "list \"%s\" has no type", name.p);
    return false;
}

static void read_list(fd_loading *l, fd_yaml *y, fd_yaml_node *key, fd_yaml_node *value)
{
    fd_str name;
    if (!fd_yaml_text(y, key, "a list's name", &name))
        return;
    fd_yaml_check_name(y, key, name, "list");
    fd_ruleset *set = l->set;
    for (uint32_t i = 0; i < set->n_lists; i++) {
        if (fd_str_eq(set->lists[i].name, name))
            fd_yaml_report(y, key, FD_ERROR, NULL, "list \"%s\" is defined twice", name.p);
    }
    if (set->n_lists == FD_RULES_MAX_LISTS) {
        fd_yaml_report(y, key, FD_ERROR, NULL, "more than %d lists", FD_RULES_MAX_LISTS);
        return;
    }
    list_parts parts = {{NULL}};
    fd_list_type type = FD_LIST_STRING;
    bool typed = read_list_parts(y, key, name, value, &parts, &type);
    set->lists = fd_store_push(set->arena, set->lists, &set->n_lists, &set->cap_lists,
                               sizeof *set->lists);
    fd_list *list = typed ? fd_list_new(name.p, type) : NULL;
    set->lists[set->n_lists - 1] = (fd_list_def){.name = name, .place = {y, key}, .list = list};
    if (list == NULL)
        return;
    fd_strbuf_printf(&l->lists_bytes, "[%s:%s]", name.p, fd_list_type_name(type));
    if (parts.at[LIST_ITEMS] != NULL)
        read_items(l, y, parts.at[LIST_ITEMS], list);
    if (parts.at[LIST_FILE] != NULL)
        read_list_file(l, y, parts.at[LIST_FILE], &set->lists[set->n_lists - 1]);
    fd_list_seal(list);
}

static void read_lists(fd_loading *l, fd_yaml *y, fd_yaml_node *n)
{
    if (n->type != YAML_MAPPING_NODE) {
        fd_yaml_report(y, n, FD_ERROR, NULL, "lists: expected a mapping of names to lists");
        return;
    }
    yaml_node_pair_t *end = n->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < end; p++)
        read_list(l, y, fd_yaml_get(y, p->key), fd_yaml_get(y, p->value));
}

/* ---- variables ---- */

enum { VAR_NAME, VAR_EXPRESSION, N_VAR_KEYS };
static const char *const var_keys[] = {"name", "expression"};

typedef struct var_parts {
    fd_var_def v;
    fd_yaml_node *name;
} var_parts;

static void read_var_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                         fd_yaml_node *value)
{
    (void)key_node;
    var_parts *parts = ctx;
    if (key == VAR_NAME) {
        parts->name = value;
        fd_yaml_text(y, value, "name", &parts->v.name);
    } else {
        fd_yaml_cel(y, value, "expression", &parts->v.source);
    }
}

static void read_variable(fd_loading *l, fd_yaml *y, fd_yaml_node *n)
{
    fd_ruleset *set = l->set;
    var_parts parts = {.v.place = {y, n}};
    uint64_t keys = fd_yaml_map(y, n, "a variable", var_keys, N_VAR_KEYS, read_var_key, &parts);
    if (!fd_store_seen(keys, VAR_NAME) || !fd_store_seen(keys, VAR_EXPRESSION))
        fd_yaml_report(y, n, FD_ERROR, NULL, "a variable needs name and expression");
    const fd_var_def *v = &parts.v;
    if (v->name.p == NULL || v->source.text.p == NULL)
        return;
    fd_yaml_check_name(y, parts.name, v->name, "variable");
    for (uint32_t i = 0; i < set->n_vars; i++) {
        if (fd_str_eq(set->vars[i].name, v->name))
            fd_yaml_report(y, parts.name, FD_ERROR, NULL, "variable \"%s\" is defined twice",
                           v->name.p);
    }
    if (set->n_vars == FD_RULES_MAX_VARIABLES) {
        fd_yaml_report(y, n, FD_ERROR, NULL, "more than %d variables", FD_RULES_MAX_VARIABLES);
        return;
    }
    set->vars = fd_store_push(set->arena, set->vars, &set->n_vars, &set->cap_vars,
                              sizeof *set->vars);
    set->vars[set->n_vars - 1] = *v;
}

/* ---- activate_at ---- */

/* All files of a set go live at one time: who says it again must say the same. */
static void read_activate_at(fd_loading *l, fd_yaml *y, const fd_yaml_node *n)
{
    fd_ruleset *set = l->set;
    int64_t us;
    if (!fd_store_read_time(y, n, "activate_at", &us))
        return;
    if (set->activate_at.y != NULL && set->activate_at_us != us)
        fd_yaml_report(y, n, FD_ERROR, "one file of a rule set says when it goes live",
                       "activate_at is another time in %s:%d", set->activate_at.y->name,
                       fd_yaml_line(set->activate_at.node));
    set->activate_at = (fd_def_place){y, (fd_yaml_node *)(uintptr_t)n};
    set->activate_at_us = us;
}

/* ---- the file ---- */

#define SECTIONS(X) X(version) X(activate_at) X(decision) X(lists) X(features) X(variables) X(rules)
enum {
#define X(name) SECTION_##name,
    SECTIONS(X)
#undef X
        N_SECTIONS
};
static const char *const sections[] = {
#define X(name) #name,
    SECTIONS(X)
#undef X
};

static void each_item(fd_loading *l, fd_yaml *y, fd_yaml_node *n, const char *what,
                      void (*fn)(fd_loading *, fd_yaml *, fd_yaml_node *))
{
    if (!fd_yaml_is_list(y, n, what))
        return;
    yaml_node_item_t *end = n->data.sequence.items.top;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < end; i++)
        fn(l, y, fd_yaml_get(y, *i));
}

static void read_section(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                         fd_yaml_node *value)
{
    fd_loading *l = ctx;
    int64_t version;
    switch (key) {
    case SECTION_version:
        fd_yaml_int(y, value, "version", 1, 1, &version);
        break;
    case SECTION_activate_at:
        read_activate_at(l, y, value);
        break;
    case SECTION_decision:
        read_decision(l, y, key_node, value);
        break;
    case SECTION_lists:
        read_lists(l, y, value);
        break;
    case SECTION_features:
        each_item(l, y, value, "features", fd_store_read_feature);
        break;
    case SECTION_variables:
        each_item(l, y, value, "variables", read_variable);
        break;
    default:
        each_item(l, y, value, "rules", fd_store_read_rule);
        break;
    }
}

void fd_store_read_sections(fd_loading *l, fd_yaml *y)
{
    fd_yaml_node *root = fd_yaml_root(y);
    uint64_t keys = fd_yaml_map(y, root, "a rule file", sections, N_SECTIONS, read_section, l);
    if (!fd_store_seen(keys, SECTION_version))
        fd_yaml_report(y, root, FD_ERROR, "add version: 1 as the first line",
                       "the file does not say its version");
}
