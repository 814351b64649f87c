/*
 * Models among the rules: which columns conditions see of them, and their inputs, compiled like
 * conditions. Invariant: no input stands on what a model says. Loading.
 */
#include "base/assert.h"
#include "store/ruleset_int.h"

static void *room_for(fd_ruleset *set, size_t n, size_t size)
{
    void *p = fd_arena_zalloc(set->arena, (n + 1) * size);
    FD_ALLOCATED(p);
    return p;
}

fd_cel_lookup fd_store_find_model(const fd_ruleset *set, fd_str name, fd_cel_model *out,
                                  uint32_t *number)
{
    for (uint32_t m = 0; m < set->n_models; m++) {
        const fd_model_def *d = &set->models[m];
        if (!fd_str_eq(d->info.id, name))
            continue;
        if (d->info.mode != FD_MODE_LIVE)
            return FD_CEL_HIDDEN;
        uint32_t first = set->layout.n_features + d->column + 1U; /* behind the record's own */
        *out = (fd_cel_model){
            .score = first + d->info.score, .values = first, .n_values = d->info.n_outputs};
        if (number != NULL)
            *number = m;
        return FD_CEL_FOUND;
    }
    return FD_CEL_UNKNOWN;
}

static fd_cel_lookup find_model(void *ctx, fd_str name, fd_cel_model *out)
{
    fd_build *b = ctx;
    uint32_t m;
    fd_cel_lookup found = fd_store_find_model(b->l->set, name, out, &m);
    if (found != FD_CEL_FOUND)
        return found;
    *b->models |= UINT64_C(1) << m;
    fd_store_refer(b, b->l->set->models[m].features);
    return FD_CEL_FOUND;
}

/* The features' record and, behind it, a double for each value of a model that is seen. */
static const fd_type *seen_type(fd_ruleset *set)
{
    static const fd_type number = {.kind = FD_DOUBLE, .nullable = true};
    const fd_type *kept = set->layout.type;
    if (set->n_model_columns == 0)
        return kept;
    uint32_t n = kept->n_fields + set->n_model_columns;
    fd_field *fields = room_for(set, n, sizeof *fields);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = i < kept->n_fields ? kept->fields[i] : (fd_field){"model", &number};
    fd_type *record = room_for(set, 1, sizeof *record);
    *record = (fd_type){.kind = FD_RECORD, .name = "features", .n_fields = n, .fields = fields};
    return record;
}

void fd_store_declare_models(fd_build *b)
{
    fd_ruleset *set = b->l->set;
    const fd_ruleset_source *from = &b->l->source;
    FD_ASSERT(from->n_models <= FD_RULES_MAX_MODELS);
    set->n_models = from->n_models;
    set->models = room_for(set, set->n_models, sizeof *set->models);
    const char **names = room_for(set, set->n_models, sizeof *names);
    for (uint32_t m = 0; m < set->n_models; m++) {
        const fd_ruleset_model *info = &from->models[m];
        FD_ASSERT(info->score < info->n_outputs);
        set->models[m] = (fd_model_def){.info = *info, .column = set->n_model_columns};
        names[m] = fd_arena_str(set->arena, info->id).p;
        if (info->mode == FD_MODE_LIVE)
            set->n_model_columns += info->n_outputs;
    }
    set->seen = seen_type(set);
    b->scope.model = find_model;
    b->scope.model_names = names;
    b->scope.n_models = set->n_models;
}

static const fd_cel_program *compile_input(fd_build *b, const fd_cel_source *src)
{
    fd_ruleset *set = b->l->set;
    const fd_cel_program *p = fd_cel_compile(&b->scope, src, set->arena, b->l->diags);
    if (p == NULL)
        return NULL;
    const fd_cel_type *t = fd_cel_program_type(p);
    if (t->kind == FD_CEL_DOUBLE || t->kind == FD_CEL_INT || t->kind == FD_CEL_BOOL)
        return p;
    char name[128];
    const char *hint = t->kind == FD_CEL_DURATION ? "write ...getSeconds()"
                       : t->kind == FD_CEL_STRING
                           ? "compare it with something, or write double(...)"
                           : "write double(...)";
    fd_cel_report(src, b->l->diags, FD_ERROR, 0, src->text.n, hint,
                  "a model's input is double, int or bool, this is %s",
                  fd_cel_type_name(t, name, sizeof name));
    return NULL;
}

/* A model that stands on another would have to wait for it. */
static void refuse_models(fd_build *b, const fd_cel_source *src, const uint64_t *models)
{
    if (*models != 0)
        fd_cel_report(src, b->l->diags, FD_ERROR, 0, src->text.n,
                      "write it over event, features, variables and lists",
                      "what a model is given cannot depend on what a model says");
}

static void build_model(fd_build *b, fd_model_def *d)
{
    uint64_t models = 0;
    b->features = &d->features;
    b->models = &models;
    d->inputs = room_for(b->l->set, d->info.n_inputs, sizeof *d->inputs);
    for (uint32_t i = 0; i < d->info.n_inputs; i++) {
        models = 0;
        d->inputs[i] = compile_input(b, &d->info.inputs[i]);
        refuse_models(b, &d->info.inputs[i], &models);
    }
    models = 0;
    if (d->info.where.text.p == NULL)
        return;
    d->where = fd_store_compile_as(b, &d->info.where, FD_CEL_BOOL, "a model's where",
                                   "compare the value with something, e.g. > 0");
    refuse_models(b, &d->info.where, &models);
}

void fd_store_build_models(fd_build *b)
{
    for (uint32_t m = 0; m < b->l->set->n_models; m++)
        build_model(b, &b->l->set->models[m]);
}
