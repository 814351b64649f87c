/*
 * What names mean: event fields, features, variables, lists, has(). Part of the checker.
 *
 * A path of event fields becomes one column number, counted as fd_batch counts columns; so does a
 * feature, in a batch of its own.
 */
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"

static const fd_cel_type *error_type(void)
{
    return fd_cel_simple_type(FD_CEL_ERROR);
}

static const char *meant(fd_checker *c, fd_str word, const char *const *names, size_t n)
{
    char text[128];
    snprintf(text, sizeof text, FD_STR_FMT, FD_STR_ARG(word));
    const char *best = fd_did_you_mean(text, names, n);
    return best == NULL ? NULL : fd_arena_printf(c->arena, "did you mean %s?", best);
}

static const char *const namespaces[] = {"event", "features", "variables", "lists", "models"};
enum { N_NAMESPACES = sizeof namespaces / sizeof *namespaces };

bool fd_check_is_off(const fd_checker *c)
{
    return c->scope->environment != NULL && c->scope->environment->unchecked;
}

const fd_cel_type *fd_check_undeclared(fd_checker *c, fd_ast *a)
{
    FD_ASSERT(fd_check_is_off(c));
    a->ref = FD_REF_UNDECLARED;
    return fd_cel_simple_type(FD_CEL_DYN);
}

const fd_cel_type *fd_check_constant(fd_ast *a, fd_cel_value v, const fd_cel_type *type)
{
    a->ref = FD_REF_CONST;
    a->literal = v;
    return type;
}

/* "a.b.c" for a selection from a name that is no macro's; empty for anything else. */
static fd_str path_of(const fd_checker *c, const fd_ast *a, bool *rooted)
{
    const fd_str none = {NULL, 0};
    if (a->kind == FD_AST_IDENT) {
        *rooted = a->rooted;
        return !a->rooted && fd_check_local(c, a->name) != NULL ? none : a->name;
    }
    if (a->kind != FD_AST_SELECT || a->optional)
        return none;
    fd_str of = path_of(c, a->args[0], rooted);
    if (of.n == 0)
        return none;
    char *path = fd_arena_printf(c->arena, FD_STR_FMT "." FD_STR_FMT, FD_STR_ARG(of),
                                 FD_STR_ARG(a->name));
    FD_ALLOCATED(path);
    return fd_str_from(path);
}

/* A variable of the environment, or a type; NULL when the path is neither. */
static const fd_cel_type *check_path(fd_checker *c, fd_ast *a)
{
    const fd_cel_environment *e = c->scope->environment;
    fd_cel_value type_value;
    bool rooted = false;
    const fd_ast *root = a;
    while (root->kind == FD_AST_SELECT)
        root = root->args[0];
    bool maybe_type = a->kind == FD_AST_IDENT || fd_str_eq_c(root->name, "google") ||
                      fd_str_eq_c(root->name, "net");
    if (root->kind != FD_AST_IDENT || (e == NULL && !maybe_type))
        return NULL;
    fd_str path = path_of(c, a, &rooted);
    if (path.n == 0)
        return NULL;
    const fd_cel_type *type = NULL;
    if (e != NULL && e->variable(e->ctx, path, rooted, &type, &a->index) == FD_CEL_FOUND) {
        a->ref = FD_REF_VARIABLE;
        return type;
    }
    if (fd_cel_find_type(path, &type_value))
        return fd_check_constant(a, type_value, fd_cel_simple_type(FD_CEL_TYPE));
    return NULL;
}

const fd_cel_type *fd_check_ident(fd_checker *c, fd_ast *a)
{
    const fd_local *local = a->rooted ? NULL : fd_check_local(c, a->name);
    if (local != NULL) {
        a->ref = FD_REF_LOCAL;
        a->index = local->slot;
        return local->type;
    }
    const fd_cel_type *known = check_path(c, a);
    if (known != NULL)
        return known;
    if (fd_check_is_off(c))
        return fd_check_undeclared(c, a);
    for (size_t i = 0; i < N_NAMESPACES; i++) {
        if (fd_str_eq_c(a->name, namespaces[i])) {
            a->ref = FD_REF_NAMESPACE;
            return fd_cel_simple_type(FD_CEL_DYN);
        }
    }
    const char *hint = NULL;
    if (c->scope->event != NULL && fd_type_field(c->scope->event, a->name, NULL) != NULL)
        hint = fd_arena_printf(c->arena, "write event." FD_STR_FMT, FD_STR_ARG(a->name));
    else if (fd_str_eq_c(a->name, "True") || fd_str_eq_c(a->name, "False"))
        hint = "write true and false";
    else
        hint = meant(c, a->name, namespaces, N_NAMESPACES);
    if (hint == NULL)
        hint = "names start with event., features., variables., lists. or models.; text stands in "
               "quotes";
    return fd_check_fail(c, a, hint, "unknown name '" FD_STR_FMT "'", FD_STR_ARG(a->name));
}

static uint32_t column_below(uint32_t record_column, const fd_type *record, uint32_t field)
{
    uint32_t column = record_column + 1;
    for (uint32_t i = 0; i < field; i++)
        column += fd_type_columns(record->fields[i].type);
    return column;
}

static const fd_cel_type *no_field(fd_checker *c, fd_ast *a, const fd_type *record)
{
    const char **names = fd_arena_alloc(c->arena, (record->n_fields + 1) * sizeof *names);
    FD_ALLOCATED(names);
    for (uint32_t i = 0; i < record->n_fields; i++)
        names[i] = record->fields[i].name;
    const char *hint = meant(c, a->name, names, record->n_fields);
    fd_str of = fd_check_text(c, a->args[0]);
    return fd_check_fail(c, a, hint, FD_STR_FMT " has no field '" FD_STR_FMT "'", FD_STR_ARG(of),
                         FD_STR_ARG(a->name));
}

static const fd_cel_type *select_in_record(fd_checker *c, fd_ast *a, const fd_type *record,
                                           bool is_static, uint32_t column)
{
    uint32_t index;
    FD_ASSERT(record->kind == FD_RECORD);
    const fd_field *f = fd_type_field(record, a->name, &index);
    if (f == NULL)
        return no_field(c, a, record);
    if (f->type->kind == FD_OPAQUE)
        return fd_check_fail(c, a, NULL,
                             "'" FD_STR_FMT "' refers back to a record around it; rules cannot "
                             "reach into it",
                             FD_STR_ARG(a->name));
    a->ref = is_static ? FD_REF_COLUMN : FD_REF_FIELD;
    a->index = is_static ? column_below(column, record, index) : index;
    return fd_cel_type_of_schema(c->arena, f->type);
}

static const fd_cel_type *select_event(fd_checker *c, fd_ast *a)
{
    if (c->scope->event == NULL)
        return fd_check_fail(c, a, NULL, "there is no event here");
    return select_in_record(c, a, c->scope->event, true, 0);
}

static const fd_cel_type *select_variable(fd_checker *c, fd_ast *a)
{
    const fd_cel_scope *s = c->scope;
    const fd_cel_type *type = error_type();
    fd_cel_lookup found = FD_CEL_UNKNOWN;
    if (s->variable != NULL)
        found = s->variable(s->ctx, a->name, &type, &a->index);
    switch (found) {
    case FD_CEL_FOUND:
        a->ref = FD_REF_VARIABLE;
        return type;
    case FD_CEL_BROKEN:
        a->ref = FD_REF_VARIABLE;
        return error_type();
    case FD_CEL_CYCLE:
        return fd_check_fail(c, a, NULL, "variable '" FD_STR_FMT "' depends on itself",
                             FD_STR_ARG(a->name));
    case FD_CEL_TOO_DEEP:
        return fd_check_fail(c, a, NULL, "variables are built on one another too deeply");
    case FD_CEL_UNKNOWN:
    case FD_CEL_HIDDEN:
        break;
    }
    const char *hint = meant(c, a->name, s->variable_names, s->n_variables);
    return fd_check_fail(c, a, hint == NULL ? "declare it under `variables:`" : hint,
                         "there is no variable '" FD_STR_FMT "'", FD_STR_ARG(a->name));
}

static const fd_cel_type *select_list(fd_checker *c, fd_ast *a)
{
    const fd_cel_scope *s = c->scope;
    a->set = s->list == NULL ? NULL : s->list(s->ctx, a->name);
    if (a->set != NULL) {
        a->ref = FD_REF_SET;
        return fd_cel_simple_type(FD_CEL_SET);
    }
    const char *hint = meant(c, a->name, s->list_names, s->n_lists);
    return fd_check_fail(c, a, hint == NULL ? "declare it under `lists:`" : hint,
                         "there is no list '" FD_STR_FMT "'", FD_STR_ARG(a->name));
}

static const fd_cel_type *select_feature(fd_checker *c, fd_ast *a)
{
    const fd_cel_scope *s = c->scope;
    const fd_type *type = NULL;
    fd_cel_lookup found = FD_CEL_UNKNOWN;
    if (s->feature != NULL)
        found = s->feature(s->ctx, a->name, &type, &a->index);
    a->ref = FD_REF_COLUMN;
    a->batch = FD_CEL_FEATURES;
    if (found == FD_CEL_FOUND)
        return fd_cel_type_of_schema(c->arena, type);
    if (found == FD_CEL_BROKEN)
        return error_type();
    FD_ASSERT(found == FD_CEL_UNKNOWN);
    const char *hint = meant(c, a->name, s->feature_names, s->n_features);
    return fd_check_fail(c, a, hint == NULL ? "declare it under `features:`" : hint,
                         "there is no feature '" FD_STR_FMT "'", FD_STR_ARG(a->name));
}

static const fd_cel_type *select_namespace(fd_checker *c, fd_ast *a)
{
    fd_str ns = a->args[0]->name;
    if (fd_str_eq_c(ns, "event"))
        return select_event(c, a);
    if (c->scope->event_only != NULL)
        return fd_check_fail(c, a->args[0], "write it over event fields",
                             "%s sees 'event' alone, not '" FD_STR_FMT "'", c->scope->event_only,
                             FD_STR_ARG(ns));
    if (fd_str_eq_c(ns, "features"))
        return select_feature(c, a);
    if (fd_str_eq_c(ns, "variables"))
        return select_variable(c, a);
    if (fd_str_eq_c(ns, "lists"))
        return select_list(c, a);
    return fd_check_select_model(c, a);
}

const fd_cel_type *fd_check_namespace_alone(fd_checker *c, fd_ast *a)
{
    return fd_check_fail(c, a, NULL,
                         "'" FD_STR_FMT "' alone is not a value: write " FD_STR_FMT ".<name>",
                         FD_STR_ARG(a->name), FD_STR_ARG(a->name));
}

/* A field of a value of type t. */
static const fd_cel_type *select_in(fd_checker *c, fd_ast *a, const fd_cel_type *t)
{
    char name[80];
    const fd_ast *of = a->args[0];
    if (t->kind == FD_CEL_RECORD)
        return select_in_record(c, a, t->schema, of->ref == FD_REF_COLUMN && !of->optional,
                                of->index);
    a->ref = FD_REF_FIELD;
    if (t->kind == FD_CEL_DYN)
        return t;
    if (t->kind == FD_CEL_MAP && fd_cel_comparable(t->key, fd_cel_simple_type(FD_CEL_STRING)))
        return fd_cel_settled(t->elem);
    fd_str text = fd_check_text(c, a->args[0]);
    const char *hint = NULL;
    if (fd_cel_find_overloads(a->name, true).n != 0)
        hint = fd_arena_printf(c->arena, "write ." FD_STR_FMT "()", FD_STR_ARG(a->name));
    return fd_check_fail(c, a, hint, FD_STR_FMT " is %s, it has no fields", FD_STR_ARG(text),
                         fd_cel_type_name(t, name, sizeof name));
}

const fd_cel_type *fd_check_select(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *known = check_path(c, a);
    if (known != NULL)
        return known;
    fd_ast *of = a->args[0];
    const fd_cel_type *t = fd_check_expr(c, of);
    if (t->kind == FD_CEL_ERROR)
        return t;
    bool viral = t->kind == FD_CEL_OPTIONAL;
    const fd_cel_type *field;
    if (of->ref == FD_REF_NAMESPACE)
        field = select_namespace(c, a);
    else if (of->ref == FD_REF_MODEL)
        field = fd_check_select_in_model(c, a);
    else if (of->ref == FD_REF_MODEL_VALUES)
        field = fd_check_model_alone(c, of);
    else
        field = select_in(c, a, viral ? fd_cel_settled(t->elem) : t);
    if (field->kind == FD_CEL_ERROR || (!a->optional && !viral))
        return field;
    a->optional = true;
    if (a->ref == FD_REF_COLUMN || a->ref == FD_REF_FIELD)
        return fd_cel_optional_of_type(c->arena, field);
    return fd_check_fail(c, a, "variables and lists are always there",
                         ".? asks about event fields and features");
}

/* has(e.f): e.f is checked as usual, then asked for instead of read. */
const fd_cel_type *fd_check_has(fd_checker *c, fd_ast *a)
{
    if (a->n_args != 1 || a->args[0]->kind != FD_AST_SELECT)
        return fd_check_fail(c, a, "write has(event.field)", "has() takes one field selection");
    fd_ast *field = a->args[0];
    if (fd_check_expr(c, field)->kind == FD_CEL_ERROR)
        return error_type();
    if (field->ref != FD_REF_COLUMN && field->ref != FD_REF_FIELD)
        return fd_check_fail(c, a, "variables and lists are always there",
                             "has() asks about event fields and features");
    a->ref = FD_REF_HAS;
    return fd_cel_simple_type(FD_CEL_BOOL);
}

bool fd_check_enum(fd_checker *c, const fd_ast *of, const fd_ast *literal)
{
    const fd_type *e = of->type->schema;
    if (of->type->kind != FD_CEL_STRING || e == NULL || literal->kind != FD_AST_LITERAL ||
        literal->literal.kind != FD_CEL_STRING)
        return true;
    FD_ASSERT(e->is_enum);
    fd_str word = fd_cel_text(&literal->literal);
    fd_strbuf all = {0};
    const char **names = fd_arena_alloc(c->arena, (e->n_symbols + 1) * sizeof *names);
    FD_ALLOCATED(names);
    bool known = false;
    for (uint32_t i = 0; i < e->n_symbols; i++) {
        known |= fd_str_eq(word, e->symbols[i]);
        names[i] = fd_arena_str(c->arena, e->symbols[i]).p;
        if (i < 12)
            fd_strbuf_printf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    if (!known) {
        const char *hint = meant(c, word, names, e->n_symbols);
        fd_str text = fd_check_text(c, of);
        if (hint == NULL)
            hint = fd_arena_printf(c->arena, "it is one of: %s%s", all.p == NULL ? "" : all.p,
                                   e->n_symbols > 12 ? ", ..." : "");
        fd_check_fail(c, literal, hint, FD_STR_FMT " is never \"" FD_STR_FMT "\"", FD_STR_ARG(text),
                      FD_STR_ARG(word));
    }
    fd_strbuf_free(&all);
    return known;
}
