/*
 * What `models.<id>.score` and `models.<id>.value[i]` mean: columns behind those of the features.
 * Part of the checker.
 */
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"

static const fd_cel_type *error_type(void)
{
    return fd_cel_simple_type(FD_CEL_ERROR);
}

static const fd_cel_type *unknown_model(fd_checker *c, const fd_ast *a)
{
    const fd_cel_scope *s = c->scope;
    char id[128];
    snprintf(id, sizeof id, FD_STR_FMT, FD_STR_ARG(a->name));
    const char *near = fd_did_you_mean(id, s->model_names, s->n_models);
    const char *hint = "a model is a manifest in the directory that `models:` of the configuration "
                       "names";
    if (near != NULL)
        hint = fd_arena_printf(c->arena, "did you mean %s?", near);
    return fd_check_fail(c, a, hint, "there is no model '" FD_STR_FMT "'", FD_STR_ARG(a->name));
}

const fd_cel_type *fd_check_select_model(fd_checker *c, fd_ast *a)
{
    const fd_cel_scope *s = c->scope;
    fd_cel_model model;
    fd_cel_lookup found = FD_CEL_UNKNOWN;
    if (s->model != NULL)
        found = s->model(s->ctx, a->name, &model);
    switch (found) {
    case FD_CEL_FOUND:
        a->ref = FD_REF_MODEL;
        return fd_cel_simple_type(FD_CEL_DYN);
    case FD_CEL_HIDDEN:
        return fd_check_fail(c, a, "rules see live models: set mode: live in its manifest",
                             "model '" FD_STR_FMT "' is not live", FD_STR_ARG(a->name));
    default:
        return unknown_model(c, a);
    }
}

static fd_cel_model model_of(const fd_checker *c, const fd_ast *a)
{
    fd_cel_model model;
    FD_ASSERT(a->ref == FD_REF_MODEL);
    fd_cel_lookup found = c->scope->model(c->scope->ctx, a->name, &model);
    FD_ASSERT(found == FD_CEL_FOUND);
    return model;
}

static const fd_cel_type *column(fd_ast *a, uint32_t index)
{
    a->ref = FD_REF_COLUMN;
    a->batch = FD_CEL_FEATURES;
    a->index = index;
    return fd_cel_simple_type(FD_CEL_DOUBLE);
}

const fd_cel_type *fd_check_select_in_model(fd_checker *c, fd_ast *a)
{
    fd_cel_model model = model_of(c, a->args[0]);
    if (fd_str_eq_c(a->name, "score"))
        return column(a, model.score);
    if (fd_str_eq_c(a->name, "value")) {
        a->ref = FD_REF_MODEL_VALUES;
        return fd_cel_simple_type(FD_CEL_DYN);
    }
    return fd_check_fail(c, a, "a model has .score and .value[i]",
                         "a model has no '" FD_STR_FMT "'", FD_STR_ARG(a->name));
}

const fd_cel_type *fd_check_model_alone(fd_checker *c, const fd_ast *a)
{
    fd_str text = fd_check_text(c, a);
    if (a->ref == FD_REF_MODEL)
        return fd_check_fail(
            c, a, fd_arena_printf(c->arena, "write " FD_STR_FMT ".score", FD_STR_ARG(text)),
            "a model alone is not a value");
    return fd_check_fail(c, a,
                         fd_arena_printf(c->arena, "write " FD_STR_FMT "[0]", FD_STR_ARG(text)),
                         "a model's values are taken one by one");
}

static bool is_values(const fd_ast *a)
{
    return a->kind == FD_AST_SELECT && fd_str_eq_c(a->name, "value") &&
           a->args[0]->kind == FD_AST_SELECT && a->args[0]->args[0]->kind == FD_AST_IDENT &&
           fd_str_eq_c(a->args[0]->args[0]->name, "models");
}

const fd_cel_type *fd_check_model_index(fd_checker *c, fd_ast *a)
{
    if (fd_check_is_off(c) || !is_values(a->args[0]))
        return NULL;
    if (fd_check_expr(c, a->args[0])->kind == FD_CEL_ERROR)
        return error_type();
    if (a->args[0]->ref != FD_REF_MODEL_VALUES)
        return NULL; /* `models` is a macro's name here */
    const fd_ast *at = a->args[1];
    fd_cel_model model = model_of(c, a->args[0]->args[0]);
    if (a->optional || at->kind != FD_AST_LITERAL || at->literal.kind != FD_CEL_INT)
        return fd_check_fail(c, a, "write .value[0]", "which value of a model is a whole number");
    if (at->literal.v.i < 0 || at->literal.v.i >= model.n_values)
        return fd_check_fail(c, at, NULL, "model '" FD_STR_FMT "' has %u value%s, from 0 on",
                             FD_STR_ARG(a->args[0]->args[0]->name), model.n_values,
                             model.n_values == 1 ? "" : "s");
    return column(a, model.values + (uint32_t)at->literal.v.i);
}
