/*
 * One feature of a file into its definition: what is there, and what goes with its op. What its
 * key and expressions mean is checked later (window.c). Loading.
 */
#include "base/assert.h"
#include "base/quantity.h"
#include "store/ruleset_int.h"

#define FEATURE_KEYS(X) \
    X(name)             \
    X(key)              \
    X(op)               \
    X(value)            \
    X(of)               \
    X(where)            \
    X(p)                \
    X(window)           \
    X(delay)            \
    X(include_current)  \
    X(accuracy)         \
    X(source)
enum {
#define X(name) FEATURE_##name,
    FEATURE_KEYS(X)
#undef X
        N_FEATURE_KEYS
};
static const char *const feature_keys[] = {
#define X(name) #name,
    FEATURE_KEYS(X)
#undef X
};

static const char *const op_names[] = {
#define X(name, text, value, of) text,
    FD_FEATURE_OPS(X)
#undef X
};
static const struct {
    bool value, of;
} needs[] = {
#define X(name, text, value, of) {value, of},
    FD_FEATURE_OPS(X)
#undef X
};

static const int64_t five_years_us = INT64_C(1827) * 24 * 3600 * 1000000;

typedef struct feature_parts {
    fd_loading *l;
    fd_yaml *y;
    fd_feature_def f;
    bool op_known;
    fd_yaml_node *at[N_FEATURE_KEYS]; /* the values; NULL: not given */
} feature_parts;

const char *fd_feature_op_name(fd_feature_op op)
{
    FD_ASSERT(op < FD_N_FEATURE_OPS);
    return op_names[op];
}

/* By definition these are about the events before the one at hand. */
static bool excludes_current(fd_feature_op op)
{
    return op == FD_OP_LAST || op == FD_OP_FIRST || op == FD_OP_TIME_SINCE_LAST ||
           op == FD_OP_TIME_SINCE_FIRST || op == FD_OP_IS_NEW || op == FD_OP_ZSCORE ||
           op == FD_OP_TRAVEL_SPEED;
}

static void keep_node(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node, fd_yaml_node *value)
{
    (void)y;
    (void)key_node;
    feature_parts *p = ctx;
    p->at[key] = value;
}

static void read_name(feature_parts *p)
{
    const fd_yaml_node *n = p->at[FEATURE_name];
    fd_feature_def *f = &p->f;
    const fd_ruleset *set = p->l->set;
    if (n == NULL || !fd_yaml_text(p->y, n, "name", &f->name))
        return;
    fd_yaml_check_name(p->y, n, f->name, "feature");
    for (uint32_t i = 0; i < set->n_features; i++) {
        const fd_feature_def *other = &set->features[i];
        if (fd_str_eq(other->name, f->name))
            fd_yaml_report(p->y, n, FD_ERROR, NULL, "feature \"%s\" is already defined in %s:%d",
                           f->name.p, other->info.file, other->info.line);
    }
}

static void read_op(feature_parts *p)
{
    fd_str text;
    const fd_yaml_node *n = p->at[FEATURE_op];
    if (n == NULL || !fd_yaml_text(p->y, n, "op", &text))
        return;
    for (int op = 0; op < FD_N_FEATURE_OPS; op++) {
        if (!fd_str_eq_c(text, op_names[op]))
            continue;
        p->f.window.op = p->f.info.op = (fd_feature_op)op;
        p->op_known = true;
        return;
    }
    const char *near = fd_did_you_mean(text.p, op_names, FD_N_FEATURE_OPS);
    fd_strbuf hint = {0};
    fd_strbuf_printf(&hint, near == NULL ? "ops are " : "did you mean %s?", near);
    for (int op = 0; op < FD_N_FEATURE_OPS && near == NULL; op++)
        fd_strbuf_printf(&hint, "%s%s", op == 0 ? "" : ", ", op_names[op]);
    fd_yaml_report(p->y, n, FD_ERROR, hint.p, "\"%s\" is not an op", text.p);
    fd_strbuf_free(&hint);
}

static void add_part(feature_parts *p, const fd_yaml_node *n)
{
    fd_feature_def *f = &p->f;
    fd_str path;
    if (!fd_yaml_text(p->y, n, "key", &path))
        return;
    for (uint32_t i = 0; i < f->n_parts; i++) {
        if (fd_str_eq(f->parts[i], path))
            fd_yaml_report(p->y, n, FD_ERROR, NULL, "key names %s twice", path.p);
    }
    if (f->n_parts == FD_RULES_MAX_KEY_FIELDS) {
        fd_yaml_report(p->y, n, FD_ERROR, NULL, "a key of more than %d fields",
                       FD_RULES_MAX_KEY_FIELDS);
        return;
    }
    f->part_nodes[f->n_parts] = n;
    f->parts[f->n_parts++] = path;
}

/* One path, or a list of them. */
static void read_key(feature_parts *p)
{
    fd_yaml_node *n = p->at[FEATURE_key];
    if (n == NULL)
        return;
    if (n->type != YAML_SEQUENCE_NODE) {
        add_part(p, n);
        return;
    }
    yaml_node_item_t *end = n->data.sequence.items.top;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < end; i++)
        add_part(p, fd_yaml_get(p->y, *i));
    if (n->data.sequence.items.start == end)
        fd_yaml_report(p->y, n, FD_ERROR, "write key: card_id", "key names no field");
}

static bool read_duration(feature_parts *p, int key, int64_t min, int64_t *out)
{
    fd_str text;
    const fd_yaml_node *n = p->at[key];
    if (n == NULL || !fd_yaml_text(p->y, n, feature_keys[key], &text))
        return false;
    const char *why = fd_parse_duration(text.p, out);
    if (why != NULL)
        fd_yaml_report(p->y, n, FD_ERROR, NULL, "%s: \"%s\" %s", feature_keys[key], text.p, why);
    else if (*out < min)
        fd_yaml_report(p->y, n, FD_ERROR, "write window: 5m", "a window must be longer than 0");
    else if (*out > five_years_us)
        fd_yaml_report(p->y, n, FD_ERROR, NULL, "%s: at most five years (1827d)",
                       feature_keys[key]);
    return why == NULL;
}

static void read_current(feature_parts *p)
{
    fd_str text;
    fd_window_feature *w = &p->f.window;
    const fd_yaml_node *n = p->at[FEATURE_include_current];
    bool excluded = p->op_known && excludes_current(w->op);
    w->include_current = !excluded && w->delay_us == 0;
    if (n == NULL || !fd_yaml_text(p->y, n, "include_current", &text))
        return;
    bool yes = fd_str_eq_c(text, "true");
    if (!yes && !fd_str_eq_c(text, "false")) {
        fd_yaml_report(p->y, n, FD_ERROR, NULL, "include_current: expected true or false");
        return;
    }
    if (yes && excluded)
        fd_yaml_report(p->y, n, FD_ERROR, "leave include_current out",
                       "op %s is about the events before the one at hand", op_names[w->op]);
    else if (yes && w->delay_us > 0)
        fd_yaml_report(p->y, n, FD_ERROR, "leave include_current out",
                       "with a delay the event itself is not in the window");
    w->include_current = w->include_current && yes;
}

static void read_accuracy(feature_parts *p)
{
    fd_str text;
    const fd_yaml_node *n = p->at[FEATURE_accuracy];
    if (n == NULL || !fd_yaml_text(p->y, n, "accuracy", &text))
        return;
    p->f.window.exact = fd_str_eq_c(text, "exact");
    if (!p->f.window.exact && !fd_str_eq_c(text, "approx"))
        fd_yaml_report(p->y, n, FD_ERROR, "accuracy is exact or approx",
                       "\"%s\" is not an accuracy", text.p);
}

static void read_source(feature_parts *p)
{
    fd_str text;
    const fd_yaml_node *n = p->at[FEATURE_source];
    const char *own = p->l->source.topic;
    if (n == NULL || !fd_yaml_text(p->y, n, "source", &text))
        return;
    if (own == NULL)
        fd_yaml_report(p->y, n, FD_ERROR, "say whose events these rules decide: --source TOPIC",
                       "source: \"%s\" cannot be checked", text.p);
    else if (!fd_str_eq_c(text, own))
        fd_yaml_report(
            p->y, n, FD_ERROR, "leave source out: features go over the events decided",
            "source: \"%s\" is not \"%s\", whose events these rules decide; windows over "
            "other sources are not in this version",
            text.p, own);
}

/* A key that the op needs, or has no use for. True when it is there and should be. */
static bool expect(feature_parts *p, int key, bool needed, const char *hint)
{
    const char *name = op_names[p->f.window.op];
    const fd_yaml_node *n = p->at[key];
    if (needed && n == NULL)
        fd_yaml_report(p->y, p->f.place.node, FD_ERROR, hint, "op %s needs %s", name,
                       feature_keys[key]);
    else if (!needed && n != NULL)
        fd_yaml_report(p->y, n, FD_ERROR, NULL, "op %s has no use for %s", name, feature_keys[key]);
    return needed && n != NULL;
}

static void read_values(feature_parts *p)
{
    static const char pair[] = "write value: [event.lat, event.lon]";
    fd_yaml_node *n = p->at[FEATURE_value];
    bool travel = p->f.window.op == FD_OP_TRAVEL_SPEED;
    if (!expect(p, FEATURE_value, needs[p->f.window.op].value,
                travel ? pair : "write value: event.amount_minor"))
        return;
    if (!travel) {
        fd_yaml_cel(p->y, n, "value", &p->f.values[0]);
        return;
    }
    bool two = n->type == YAML_SEQUENCE_NODE &&
               n->data.sequence.items.top - n->data.sequence.items.start == FD_FEATURE_VALUES;
    if (!two)
        fd_yaml_report(p->y, n, FD_ERROR, pair, "op travel_speed needs latitude and longitude");
    for (int i = 0; i < FD_FEATURE_VALUES && two; i++)
        fd_yaml_cel(p->y, fd_yaml_get(p->y, n->data.sequence.items.start[i]), "value",
                    &p->f.values[i]);
}

static void read_operands(feature_parts *p)
{
    fd_feature_op op = p->f.window.op;
    read_values(p);
    if (expect(p, FEATURE_of, needs[op].of, "write of: event.amount_minor > 10000"))
        fd_yaml_cel(p->y, p->at[FEATURE_of], "of", &p->f.of);
    if (expect(p, FEATURE_p, op == FD_OP_PERCENTILE, "write p: 95"))
        fd_yaml_double(p->y, p->at[FEATURE_p], "p", 0, 100, &p->f.window.p);
}

static void missing(feature_parts *p, uint64_t keys)
{
    static const struct {
        int key;
        const char *hint;
    } required[] = {{FEATURE_name, NULL},
                    {FEATURE_key, "write key: card_id"},
                    {FEATURE_op, "write op: count"},
                    {FEATURE_window, "write window: 5m"}};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        if (fd_store_seen(keys, required[i].key))
            continue;
        const char *name = p->f.name.p;
        const char *what = feature_keys[required[i].key];
        const char *hint = required[i].hint;
        if (name == NULL)
            fd_yaml_report(p->y, p->f.place.node, FD_ERROR, hint, "a feature needs %s", what);
        else
            fd_yaml_report(p->y, p->f.place.node, FD_ERROR, hint, "feature \"%s\" needs %s", name,
                           what);
    }
}

static void finish(fd_feature_def *f)
{
    f->info.name = f->name.p;
    f->info.value = f->values[0].text.p;
    f->info.value2 = f->values[1].text.p;
    f->info.where = f->where.text.p;
    f->info.of = f->of.text.p;
}

void fd_store_read_feature(fd_loading *l, fd_yaml *y, fd_yaml_node *node)
{
    fd_ruleset *set = l->set;
    size_t errors = y->diags->errors;
    feature_parts p = {.l = l, .y = y, .f.place = {y, node}};
    p.f.info.file = y->name;
    p.f.info.line = fd_yaml_line(node);
    p.f.where_expr = p.f.of_expr = p.f.value_exprs[0] = p.f.value_exprs[1] = FD_NO_EXPR;
    uint64_t keys = fd_yaml_map(y, node, "a feature", feature_keys, N_FEATURE_KEYS, keep_node, &p);
    read_name(&p);
    missing(&p, keys);
    read_op(&p);
    read_key(&p);
    read_duration(&p, FEATURE_window, 1, &p.f.window.window_us);
    read_duration(&p, FEATURE_delay, 0, &p.f.window.delay_us);
    read_current(&p);
    read_accuracy(&p);
    read_source(&p);
    if (p.at[FEATURE_where] != NULL)
        fd_yaml_cel(y, p.at[FEATURE_where], "where", &p.f.where);
    if (p.op_known)
        read_operands(&p);
    p.f.broken = y->diags->errors != errors;
    if (p.f.name.p == NULL)
        return;
    if (set->n_features == FD_RULES_MAX_FEATURES) {
        fd_yaml_report(y, node, FD_ERROR, NULL, "more than %d features", FD_RULES_MAX_FEATURES);
        return;
    }
    finish(&p.f);
    p.f.order = set->n_features;
    set->features = fd_store_push(set->arena, set->features, &set->n_features, &set->cap_features,
                                  sizeof *set->features);
    set->features[set->n_features - 1] = p.f;
}
