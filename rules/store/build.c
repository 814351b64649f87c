/*
 * Compiling a set: features first, its scope, what models need, variables on demand (so that order
 * does not matter and cycles are found), conditions, explain texts, and the fields that rollouts
 * and snoozes go by. Loading.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "store/ruleset_int.h"

/* How far variables may stand on one another: evaluation recurses over them. */
enum { MAX_VARIABLE_HEIGHT = 24 };

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type,
                                   uint32_t *slot);

void fd_store_refer(fd_build *b, const uint64_t *bits)
{
    fd_ruleset *set = b->l->set;
    uint32_t words = set->n_features / 64 + 1;
    if (bits == NULL)
        return;
    if (*b->features == NULL)
        *b->features = fd_arena_zalloc(set->arena, words * sizeof(uint64_t));
    FD_ALLOCATED(*b->features);
    for (uint32_t w = 0; w < words; w++)
        (*b->features)[w] |= bits[w];
}

static void compile_variable(fd_build *b, fd_var_def *v)
{
    fd_var_def *outer = b->open;
    uint64_t **outer_features = b->features, *outer_models = b->models;
    v->state = FD_VAR_OPEN;
    v->height = 1;
    b->open = v;
    b->features = &v->features;
    b->models = &v->models;
    b->depth++;
    v->program = fd_cel_compile(&b->scope, &v->source, b->l->set->arena, b->l->diags);
    b->depth--;
    b->open = outer;
    b->features = outer_features;
    b->models = outer_models;
    v->state = v->program == NULL ? FD_VAR_BROKEN : FD_VAR_DONE;
}

/* The variable being compiled stands on v. False: that is too high. */
static bool stand_on(fd_build *b, const fd_var_def *v)
{
    if (b->open == NULL)
        return true;
    if (b->open->height <= v->height)
        b->open->height = v->height + 1;
    return b->open->height <= MAX_VARIABLE_HEIGHT;
}

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    fd_build *b = ctx;
    fd_ruleset *set = b->l->set;
    for (uint32_t i = 0; i < set->n_vars; i++) {
        fd_var_def *v = &set->vars[i];
        if (!fd_str_eq(v->name, name))
            continue;
        v->used = true;
        if (v->state == FD_VAR_OPEN)
            return FD_CEL_CYCLE;
        if (v->state == FD_VAR_NEW && b->depth >= MAX_VARIABLE_HEIGHT)
            return FD_CEL_TOO_DEEP;
        if (v->state == FD_VAR_NEW)
            compile_variable(b, v);
        if (v->state == FD_VAR_BROKEN)
            return FD_CEL_BROKEN;
        if (!stand_on(b, v))
            return FD_CEL_TOO_DEEP;
        fd_store_refer(b, v->features);
        *b->models |= v->models;
        *type = fd_cel_program_type(v->program);
        *slot = i;
        return FD_CEL_FOUND;
    }
    return FD_CEL_UNKNOWN;
}

static int feature_name(const void *key, const void *item)
{
    const fd_str *name = key;
    const fd_feature_def *f = item;
    return fd_str_cmp(*name, f->name);
}

static fd_cel_lookup find_feature(void *ctx, fd_str name, const fd_type **type, uint32_t *column)
{
    fd_build *b = ctx;
    fd_ruleset *set = b->l->set;
    fd_feature_def *f = set->n_features == 0 ? NULL
                                             : bsearch(&name, set->features, set->n_features,
                                                       sizeof *set->features, feature_name);
    if (f == NULL)
        return FD_CEL_UNKNOWN;
    f->info.used = true;
    if (f->broken)
        return FD_CEL_BROKEN;
    uint32_t number = (uint32_t)(f - set->features);
    if (*b->features == NULL)
        *b->features = fd_arena_zalloc(set->arena, (set->n_features / 64 + 1) * sizeof(uint64_t));
    FD_ALLOCATED(*b->features);
    (*b->features)[number / 64] |= UINT64_C(1) << (number % 64);
    *type = set->layout.type->fields[f->info.column].type;
    *column = f->info.column + 1U; /* behind the record's own */
    return FD_CEL_FOUND;
}

/* Constants are folded while compiling, so even a list that could not be read is asked. */
static fd_cel_value in_broken(const void *owner, const fd_cel_value *v)
{
    (void)owner;
    (void)v;
    return fd_cel_bool(false);
}

static const fd_cel_set *find_list(void *ctx, fd_str name)
{
    static const fd_cel_set broken = {.elem = FD_CEL_DYN, .name = "broken", .contains = in_broken};
    fd_build *b = ctx;
    fd_ruleset *set = b->l->set;
    for (uint32_t i = 0; i < set->n_lists; i++) {
        if (!fd_str_eq(set->lists[i].name, name))
            continue;
        set->lists[i].used = true;
        return set->lists[i].list == NULL ? &broken : fd_list_set(set->lists[i].list);
    }
    return NULL;
}

static void init_scope(fd_build *b, fd_loading *l)
{
    fd_ruleset *set = l->set;
    const char **vars = fd_arena_alloc(set->arena, (set->n_vars + 1) * sizeof *vars);
    for (uint32_t i = 0; i < set->n_vars; i++)
        vars[i] = set->vars[i].name.p;
    const char **lists = fd_arena_alloc(set->arena, (set->n_lists + 1) * sizeof *lists);
    for (uint32_t i = 0; i < set->n_lists; i++)
        lists[i] = set->lists[i].name.p;
    const char **features = fd_arena_alloc(set->arena, (set->n_features + 1) * sizeof *features);
    for (uint32_t i = 0; i < set->n_features; i++)
        features[i] = set->features[i].name.p;
    *b = (fd_build){.l = l};
    b->scope = (fd_cel_scope){.event = set->event,
                              .ctx = b,
                              .variable = find_variable,
                              .list = find_list,
                              .feature = find_feature,
                              .variable_names = vars,
                              .n_variables = set->n_vars,
                              .list_names = lists,
                              .n_lists = set->n_lists,
                              .feature_names = features,
                              .n_features = set->n_features};
}

const fd_cel_program *fd_store_compile_as(fd_build *b, const fd_cel_source *src, fd_cel_kind want,
                                          const char *what, const char *hint)
{
    const fd_cel_program *p = fd_cel_compile(&b->scope, src, b->l->set->arena, b->l->diags);
    if (p == NULL)
        return NULL;
    const fd_cel_type *t = fd_cel_program_type(p);
    if (t->kind == want || t->kind == FD_CEL_DYN || t->kind == FD_CEL_ERROR)
        return p;
    char name[128];
    fd_cel_report(src, b->l->diags, FD_ERROR, 0, src->text.n, hint, "%s is of type %s, not %s",
                  what, fd_cel_type_name(t, name, sizeof name), fd_cel_kind_name(want));
    return NULL;
}

const char *fd_store_meant_field(const fd_loading *l, fd_str path)
{
    const fd_type *event = l->set->event;
    fd_arena *a = l->set->arena;
    const char **names = fd_arena_alloc(a, (event->n_fields + 1) * sizeof *names);
    FD_ALLOCATED(names);
    for (uint32_t i = 0; i < event->n_fields; i++)
        names[i] = event->fields[i].name;
    const char *best = fd_did_you_mean(path.p, names, event->n_fields);
    return best == NULL ? NULL : fd_arena_printf(a, "did you mean %s?", best);
}

/* Fields that rollouts and snoozes go by: what has one text form. */
static void check_path(fd_build *b, const fd_rule_def *r, fd_str path, const fd_yaml_node *node,
                       const char *what)
{
    if (path.n == 0)
        return;
    const fd_type *t = fd_type_path(b->l->set->event, path);
    if (t == NULL)
        fd_yaml_report(r->place.y, node, FD_ERROR, fd_store_meant_field(b->l, path),
                       "rule \"%s\": %s names no event field: %s", r->id.p, what, path.p);
    else if (t->kind != FD_STRING && t->kind != FD_INT && t->kind != FD_BYTES)
        fd_yaml_report(r->place.y, node, FD_ERROR, NULL,
                       "rule \"%s\": %s must be a string or int field, %s is %s", r->id.p, what,
                       path.p, fd_kind_name(t->kind));
}

static void build_rule(fd_build *b, fd_rule_def *r)
{
    uint64_t models = 0;
    b->features = &r->features;
    b->models = &models;
    r->when = fd_store_compile_as(b, &r->condition, FD_CEL_BOOL, "a condition",
                                  "compare the value with something, e.g. > 0");
    if (r->explain.text.p != NULL)
        r->message = fd_store_compile_as(b, &r->explain, FD_CEL_STRING, "an explain text",
                                         "wrap the value in string(...)");
    check_path(b, r, r->rollout_path, r->rollout_node, "rollout.key");
    if (r->snooze_path.p != r->rollout_path.p)
        check_path(b, r, r->snooze_path, r->snooze_node, "snooze.key");
    const fd_decision_def *d = &b->l->set->decision;
    if (r->info.has_action && d->severity[r->info.action] < 0)
        fd_yaml_report(r->place.y, r->place.node, FD_ERROR, "add it to decision.actions",
                       "rule \"%s\": %s is not among decision.actions", r->id.p,
                       fd_action_name(r->info.action));
}

typedef struct id_ref {
    fd_str id;
    uint32_t rule;
} id_ref;

static int by_id(const void *a, const void *b)
{
    const id_ref *x = a, *y = b;
    int c = fd_str_cmp(x->id, y->id);
    return c != 0 ? c : (x->rule > y->rule) - (x->rule < y->rule);
}

static void check_ids(fd_loading *l)
{
    fd_ruleset *set = l->set;
    id_ref *refs = calloc(set->n_rules + 1, sizeof *refs);
    FD_ALLOCATED(refs);
    for (uint32_t i = 0; i < set->n_rules; i++)
        refs[i] = (id_ref){set->rules[i].id, i};
    qsort(refs, set->n_rules, sizeof *refs, by_id);
    for (uint32_t i = 1; i < set->n_rules; i++) {
        if (!fd_str_eq(refs[i].id, refs[i - 1].id))
            continue;
        const fd_rule_def *r = &set->rules[refs[i].rule];
        const fd_rule_def *first = &set->rules[refs[i - 1].rule];
        fd_yaml_report(r->place.y, r->place.node, FD_ERROR, "ids name rules in decisions",
                       "rule \"%s\" is already defined in %s:%d", r->id.p, first->info.file,
                       first->info.line);
    }
    free(refs);
}

void fd_store_build(fd_loading *l)
{
    fd_build b;
    fd_store_check_features(l);
    fd_store_lay_out(l);
    init_scope(&b, l);
    fd_ruleset *set = l->set;
    fd_store_declare_models(&b);
    fd_store_build_models(&b);
    for (uint32_t i = 0; i < set->n_vars; i++) {
        if (set->vars[i].state == FD_VAR_NEW)
            compile_variable(&b, &set->vars[i]);
    }
    for (uint32_t i = 0; i < set->n_rules; i++)
        build_rule(&b, &set->rules[i]);
    check_ids(l);
    set->programs = fd_arena_zalloc(set->arena, (set->n_vars + 1) * sizeof *set->programs);
    for (uint32_t i = 0; i < set->n_vars; i++)
        set->programs[i] = set->vars[i].program;
}
