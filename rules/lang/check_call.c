/* Calls and arithmetic: overloads by static types, and what to say when none fits. */
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"
#include "lang/lex.h"
#include "lang/time.h"
#include "lang/zone.h"

static const fd_cel_type *simple(fd_cel_kind kind)
{
    return fd_cel_simple_type(kind);
}

static bool takes(const fd_cel_overload *o, const fd_ast *a)
{
    if (o->n_args != a->n_args)
        return false;
    for (uint32_t i = 0; i < a->n_args; i++) {
        const fd_cel_type *t = a->args[i]->type;
        if (!fd_cel_is_open(t) && o->args[i] != FD_CEL_DYN && o->args[i] != t->kind)
            return false;
    }
    return true;
}

/* What a list or optional holds; dyn where that is not known. */
static const fd_cel_type *held_by(const fd_cel_type *t)
{
    bool holds = t->kind == FD_CEL_LIST || t->kind == FD_CEL_OPTIONAL;
    return holds ? t->elem : simple(FD_CEL_DYN);
}

/* A list's + keeps its element type when both sides agree, and the like. */
static const fd_cel_type *result_type(fd_checker *c, const fd_ast *a, const fd_cel_overload *o)
{
    if (o->result <= FD_CEL_DYN)
        return simple((fd_cel_kind)o->result);
    const fd_cel_type *first = a->args[0]->type;
    switch ((fd_cel_result)o->result) {
    case FD_RESULT_SAME:
        return fd_cel_is_open(first) ? simple((fd_cel_kind)o->args[0]) : first;
    case FD_RESULT_JOIN:
        if (fd_cel_is_open(first) || fd_cel_is_open(a->args[1]->type))
            return simple((fd_cel_kind)o->args[0]);
        return fd_cel_join(c->arena, first, a->args[1]->type);
    case FD_RESULT_ELEM:
        return fd_cel_settled(held_by(first));
    case FD_RESULT_ELEM_JOIN:
        return fd_cel_join(c->arena, held_by(first), a->args[1]->type);
    case FD_RESULT_OPTIONAL:
        return fd_cel_optional_of_type(c->arena, first);
    case FD_RESULT_OPTIONAL_ELEM:
        return fd_cel_optional_of_type(c->arena, fd_cel_settled(held_by(first)));
    case FD_RESULT_LIST_ELEM:
        return fd_cel_list_of(c->arena, held_by(held_by(first)));
    case FD_RESULT_STRINGS:
        return fd_cel_list_of(c->arena, simple(FD_CEL_STRING));
    case FD_RESULT_INTS:
        return fd_cel_list_of(c->arena, simple(FD_CEL_INT));
    }
    FD_UNREACHABLE();
}

/* NULL when no overload can take the arguments' types. */
static const fd_cel_type *resolve(fd_checker *c, fd_ast *a, fd_cel_overloads all)
{
    const fd_cel_type *result = NULL;
    for (uint32_t i = 0; i < all.n; i++) {
        if (!takes(&all.first[i], a))
            continue;
        const fd_cel_type *t = result_type(c, a, &all.first[i]);
        if (result == NULL)
            result = t;
        else if (result->kind != t->kind)
            result = simple(FD_CEL_DYN);
    }
    if (result != NULL) {
        a->ref = FD_REF_CALL;
        a->overloads = all;
    }
    return result;
}

static bool check_args(fd_checker *c, fd_ast *a)
{
    bool ok = true;
    for (uint32_t i = 0; i < a->n_args; i++)
        ok &= fd_check_value(c, a->args[i])->kind != FD_CEL_ERROR;
    return ok;
}

static const char *join_args(fd_checker *c, const fd_ast *a, uint32_t from)
{
    fd_strbuf b = {0};
    char t[80];
    fd_strbuf_putc(&b, '(');
    for (uint32_t i = from; i < a->n_args; i++)
        fd_strbuf_printf(&b, "%s%s", i == from ? "" : ", ",
                         fd_cel_type_name(a->args[i]->type, t, sizeof t));
    fd_strbuf_putc(&b, ')');
    char *copy = fd_arena_cstr(c->arena, b.p);
    fd_strbuf_free(&b);
    return copy;
}

static const fd_cel_type *unknown_function(fd_checker *c, fd_ast *a, bool method)
{
    if (fd_check_is_off(c))
        return fd_check_undeclared(c, a);
    const char *hint = fd_check_macro_hint(a->name);
    if (hint != NULL)
        return fd_check_fail(c, a, hint, FD_STR_FMT "() does not take these arguments",
                             FD_STR_ARG(a->name));
    if (fd_cel_find_overloads(a->name, !method).n != 0)
        hint = method
                   ? fd_arena_printf(c->arena, "write " FD_STR_FMT "(value)", FD_STR_ARG(a->name))
                   : fd_arena_printf(c->arena, "write value." FD_STR_FMT "()", FD_STR_ARG(a->name));
    if (hint == NULL) {
        char word[64];
        const char *names[FD_CEL_NAMES_MAX];
        uint32_t n = fd_cel_function_names(method, names, FD_CEL_NAMES_MAX);
        if (method)
            n += fd_check_macro_names(names + n, FD_CEL_NAMES_MAX - n);
        snprintf(word, sizeof word, FD_STR_FMT, FD_STR_ARG(a->name));
        const char *best = fd_did_you_mean(word, names, n);
        if (best != NULL)
            hint = fd_arena_printf(c->arena, "did you mean %s()?", best);
    }
    return fd_check_fail(c, a, hint, "there is no %s '" FD_STR_FMT "'",
                         method ? "method" : "function", FD_STR_ARG(a->name));
}

/* Literal arguments that can only fail are errors now, not at the first event. */
static const fd_cel_type *check_zone(fd_checker *c, fd_ast *a, const fd_cel_type *result)
{
    if (a->kind != FD_AST_METHOD || a->n_args != 2 || a->args[0]->type->kind != FD_CEL_TIMESTAMP ||
        a->args[1]->kind != FD_AST_LITERAL || a->args[1]->literal.kind != FD_CEL_STRING ||
        fd_cel_zone_supported(fd_cel_text(&a->args[1]->literal)))
        return result;
    return fd_check_fail(c, a->args[1],
                         fd_arena_printf(c->arena,
                                         "write a name of tz %s like Europe/Paris, or an offset "
                                         "like +02:00",
                                         fd_zone_version()),
                         "there is no time zone '" FD_STR_FMT "'",
                         FD_STR_ARG(fd_cel_text(&a->args[1]->literal)));
}

/* A function of the environment: it is only checked, never run. */
static const fd_cel_type *check_declared(fd_checker *c, fd_ast *a)
{
    enum { ARGS_MAX = 16 };
    const fd_cel_environment *e = c->scope->environment;
    const fd_cel_type *types[ARGS_MAX];
    if (e == NULL || e->function == NULL || a->n_args > ARGS_MAX)
        return NULL;
    for (uint32_t i = 0; i < a->n_args; i++)
        types[i] = fd_check_value(c, a->args[i]);
    const fd_cel_type *result = e->function(e->ctx, a->name, types, a->n_args, c->arena);
    if (result != NULL)
        a->ref = FD_REF_UNDECLARED;
    return result;
}

/* The same for patterns; the caret stands at the place inside the literal. */
static const fd_cel_type *check_pattern(fd_checker *c, fd_ast *a, const fd_cel_type *result)
{
    if (a->n_args != 2 || !fd_str_eq_c(a->name, "matches"))
        return result;
    const fd_ast *p = a->args[1];
    if (p->kind != FD_AST_LITERAL || p->literal.kind != FD_CEL_STRING)
        return result;
    fd_regex_error e;
    a->regex = fd_regex_compile(fd_cel_text(&p->literal), FD_REGEX_PROGRAM_MAX, c->arena, &e);
    if (a->regex != NULL)
        return result;
    fd_str text = fd_check_text(c, p);
    uint32_t from = fd_lex_string_place(text, e.at);
    uint32_t to = fd_lex_string_place(text, e.at + e.width);
    fd_cel_report(c->src, c->diags, FD_ERROR, p->from + from, to > from ? to - from : 1, e.hint,
                  "in the regular expression: %s", e.text);
    return simple(FD_CEL_ERROR);
}

static const fd_cel_type *check_overloads(fd_checker *c, fd_ast *a, bool method)
{
    fd_cel_overloads all = fd_cel_find_overloads(a->name, method);
    if (all.n == 0) {
        const fd_cel_type *declared = check_declared(c, a);
        return declared == NULL ? unknown_function(c, a, method) : declared;
    }
    if (!check_args(c, a))
        return simple(FD_CEL_ERROR);
    const fd_cel_type *result = resolve(c, a, all);
    if (result != NULL)
        return check_pattern(c, a, check_zone(c, a, result));
    if (fd_check_is_off(c))
        return fd_check_undeclared(c, a);
    if (!method)
        return fd_check_fail(c, a, NULL, FD_STR_FMT "() does not take %s", FD_STR_ARG(a->name),
                             join_args(c, a, 0));
    char t[80];
    return fd_check_fail(c, a, NULL, "%s has no method " FD_STR_FMT "%s",
                         fd_cel_type_name(a->args[0]->type, t, sizeof t), FD_STR_ARG(a->name),
                         join_args(c, a, 1));
}

/* math.greatest(a, b, c) is math.greatest([a, b, c]). */
static const fd_cel_type *check_extreme(fd_checker *c, fd_ast *a)
{
    char t[80];
    fd_ast *list = fd_arena_alloc(c->arena, sizeof *list);
    fd_ast **args = fd_arena_alloc(c->arena, sizeof *args);
    FD_ALLOCATED(list);
    FD_ALLOCATED(args);
    *list = *a;
    list->kind = FD_AST_LIST;
    args[0] = list;
    a->args = args;
    a->n_args = 1;
    const fd_cel_type *result = check_overloads(c, a, false);
    for (uint32_t i = 0; i < list->n_args && result->kind != FD_CEL_ERROR; i++) {
        const fd_cel_type *of = list->args[i]->type;
        if (!fd_cel_is_open(of) && !fd_cel_is_number(of))
            return fd_check_fail(c, list->args[i], NULL, FD_STR_FMT "() takes numbers, not %s",
                                 FD_STR_ARG(a->name), fd_cel_type_name(of, t, sizeof t));
    }
    return result;
}

const fd_cel_type *fd_check_call(fd_checker *c, fd_ast *a)
{
    if (fd_str_eq_c(a->name, "has"))
        return fd_check_has(c, a);
    if (fd_str_eq_c(a->name, "optional.none") && a->n_args == 0)
        return fd_check_constant(a, fd_cel_optional(NULL),
                                 fd_cel_optional_of_type(c->arena, simple(FD_CEL_FREE)));
    bool extreme = fd_str_eq_c(a->name, "math.greatest") || fd_str_eq_c(a->name, "math.least");
    if (extreme && a->n_args > 1)
        return check_extreme(c, a);
    return check_overloads(c, a, false);
}

/* namespace.f(...): a function with a name in two parts. The node becomes such a call. */
static bool is_namespaced(fd_checker *c, fd_ast *a)
{
    static const char *const namespaces[] = {"math",     "lists", "strings", "base64",
                                             "optional", "sets",  "geo",     "ip"};
    const fd_ast *of = a->args[0];
    bool known = false;
    if (of->kind != FD_AST_IDENT || (!of->rooted && fd_check_local(c, of->name) != NULL))
        return false;
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
        known |= fd_str_eq_c(of->name, namespaces[i]);
    if (!known)
        return false;
    const char *name = fd_arena_printf(c->arena, FD_STR_FMT "." FD_STR_FMT, FD_STR_ARG(of->name),
                                       FD_STR_ARG(a->name));
    FD_ALLOCATED(name);
    a->kind = FD_AST_CALL;
    a->name = fd_str_from(name);
    a->width += a->at - of->from;
    a->at = of->from;
    a->args++;
    a->n_args--;
    return true;
}

/* event.f(...) and the like: the receiver is a value like any other argument. */
const fd_cel_type *fd_check_method(fd_checker *c, fd_ast *a)
{
    if (is_namespaced(c, a))
        return fd_check_call(c, a);
    const fd_cel_type *macro = fd_check_macro(c, a);
    if (macro != NULL)
        return macro;
    const fd_cel_type *result = check_overloads(c, a, true);
    bool value = fd_str_eq_c(a->name, "orValue");
    if (a->ref != FD_REF_CALL || !(value || fd_str_eq_c(a->name, "or")))
        return result;
    a->ref = FD_REF_OR_ELSE;
    char x[80], y[80];
    const fd_cel_type *l = a->args[0]->type, *r = a->args[1]->type;
    if (fd_cel_is_open(l) || fd_cel_comparable(value ? l->elem : l, r))
        return result;
    return fd_check_fail(
        c, a, NULL, "both sides of " FD_STR_FMT "() must be of one type, not %s and %s",
        FD_STR_ARG(a->name), fd_cel_type_name(l, x, sizeof x), fd_cel_type_name(r, y, sizeof y));
}

const fd_cel_type *fd_check_arithmetic(fd_checker *c, fd_ast *a)
{
    char x[80], y[80];
    const char *op = fd_cel_operator_name(a->op);
    const fd_cel_type *result = resolve(c, a, fd_cel_find_overloads(fd_str_from(op), false));
    if (result != NULL)
        return result;
    fd_cel_type_name(a->args[0]->type, x, sizeof x);
    if (a->n_args == 1)
        return fd_check_fail(c, a, NULL, "'%s' does not take %s", op, x);
    fd_cel_type_name(a->args[1]->type, y, sizeof y);
    const char *hint = fd_check_mixing_hint(c, a->args[0], a->args[1]);
    if (hint != NULL)
        return fd_check_fail(c, a, hint, "%s and %s do not mix in '%s'", x, y, op);
    bool text = a->op == FD_OP_ADD && (a->args[0]->type->kind == FD_CEL_STRING ||
                                       a->args[1]->type->kind == FD_CEL_STRING);
    if (text) {
        const fd_ast *other = a->args[a->args[0]->type->kind == FD_CEL_STRING ? 1 : 0];
        fd_str s = fd_check_text(c, other);
        hint = s.n > 80 ? "convert it with string(...)"
                        : fd_arena_printf(c->arena, "write string(" FD_STR_FMT ")", FD_STR_ARG(s));
    }
    return fd_check_fail(c, a, hint, "'%s' does not take %s and %s", op, x, y);
}
