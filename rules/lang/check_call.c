/* Calls and arithmetic: overloads by static types, and what to say when none fits. */
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"
#include "lang/time.h"

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

/* A list's + keeps its element type when both sides agree. */
static const fd_cel_type *result_type(fd_checker *c, const fd_ast *a, const fd_cel_overload *o)
{
    if (o->result != FD_CEL_LIST)
        return simple((fd_cel_kind)o->result);
    const fd_cel_type *l = a->args[0]->type;
    const fd_cel_type *r = a->args[1]->type;
    if (fd_cel_is_open(l) || fd_cel_is_open(r))
        return simple(FD_CEL_LIST);
    return fd_cel_join(c->arena, l, r);
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
    const char *instead = fd_cel_not_yet(a->name);
    if (instead != NULL)
        return fd_check_fail(c, a, instead, FD_STR_FMT "() is not in this version",
                             FD_STR_ARG(a->name));
    const char *hint = NULL;
    if (fd_cel_find_overloads(a->name, !method).n != 0)
        hint = method
                   ? fd_arena_printf(c->arena, "write " FD_STR_FMT "(value)", FD_STR_ARG(a->name))
                   : fd_arena_printf(c->arena, "write value." FD_STR_FMT "()", FD_STR_ARG(a->name));
    if (hint == NULL) {
        char word[64];
        uint32_t n;
        const char *const *names = fd_cel_function_names(method, &n);
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
    return fd_check_fail(c, a->args[1], "write \"UTC\" or an offset like \"+02:00\"",
                         "time zones with rules are not in this version");
}

static const fd_cel_type *check_overloads(fd_checker *c, fd_ast *a, bool method)
{
    fd_cel_overloads all = fd_cel_find_overloads(a->name, method);
    if (all.n == 0)
        return unknown_function(c, a, method);
    if (!check_args(c, a))
        return simple(FD_CEL_ERROR);
    const fd_cel_type *result = resolve(c, a, all);
    if (result != NULL)
        return check_zone(c, a, result);
    if (!method)
        return fd_check_fail(c, a, NULL, FD_STR_FMT "() does not take %s", FD_STR_ARG(a->name),
                             join_args(c, a, 0));
    char t[80];
    return fd_check_fail(c, a, NULL, "%s has no method " FD_STR_FMT "%s",
                         fd_cel_type_name(a->args[0]->type, t, sizeof t), FD_STR_ARG(a->name),
                         join_args(c, a, 1));
}

const fd_cel_type *fd_check_call(fd_checker *c, fd_ast *a)
{
    if (fd_str_eq_c(a->name, "has"))
        return fd_check_has(c, a);
    return check_overloads(c, a, false);
}

/* event.f(...) and the like: the receiver is a value like any other argument. */
const fd_cel_type *fd_check_method(fd_checker *c, fd_ast *a)
{
    return check_overloads(c, a, true);
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
