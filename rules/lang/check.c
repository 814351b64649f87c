/*
 * The type checker: every node gets its static type and what its name means; see ast.h.
 *
 * An error is reported once: the node becomes type ERROR, which everything above accepts, so
 * several independent mistakes in one expression are all told. Recursion follows the tree, whose
 * depth the parser bounds. One owner at a time.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/check_int.h"

static const fd_cel_type *simple(fd_cel_kind kind)
{
    return fd_cel_simple_type(kind);
}

const fd_cel_type *fd_check_fail(fd_checker *c, const fd_ast *a, const char *hint, const char *fmt,
                                 ...)
{
    char text[640];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_cel_report(c->src, c->diags, FD_ERROR, a->at, a->width, hint, "%s", text);
    return simple(FD_CEL_ERROR);
}

fd_str fd_check_text(const fd_checker *c, const fd_ast *a)
{
    FD_ASSERT(a->to >= a->from && a->to <= c->src->text.n);
    return (fd_str){c->src->text.p + a->from, a->to - a->from};
}

/* The hint for a literal that should be written in the other type, e.g. 8 -> 8.0. */
static const char *literal_hint(fd_checker *c, const fd_ast *lit, fd_cel_kind want)
{
    const fd_cel_value *v = &lit->literal;
    if (lit->kind != FD_AST_LITERAL)
        return NULL;
    fd_str text = fd_check_text(c, lit);
    if (v->kind == FD_CEL_INT && want == FD_CEL_DOUBLE)
        return fd_arena_printf(c->arena, "write " FD_STR_FMT ".0", FD_STR_ARG(text));
    if (v->kind == FD_CEL_INT && want == FD_CEL_UINT && v->v.i >= 0)
        return fd_arena_printf(c->arena, "write " FD_STR_FMT "u", FD_STR_ARG(text));
    if (v->kind == FD_CEL_UINT && want == FD_CEL_INT && v->v.u <= INT64_MAX)
        return fd_arena_printf(c->arena, "write %" PRIu64, v->v.u);
    if (v->kind == FD_CEL_DOUBLE && want == FD_CEL_INT && v->v.d == floor(v->v.d) &&
        fabs(v->v.d) < 9e15)
        return fd_arena_printf(c->arena, "write %.0f", v->v.d);
    return NULL;
}

const char *fd_check_mixing_hint(fd_checker *c, const fd_ast *x, const fd_ast *y)
{
    if (!fd_cel_is_number(x->type) || !fd_cel_is_number(y->type) || x->type->kind == y->type->kind)
        return NULL;
    const char *hint = literal_hint(c, y, x->type->kind);
    if (hint == NULL)
        hint = literal_hint(c, x, y->type->kind);
    if (hint != NULL)
        return hint;
    bool to_double = x->type->kind == FD_CEL_DOUBLE || y->type->kind == FD_CEL_DOUBLE;
    const char *to = to_double ? "double" : "int";
    const fd_ast *convert = x;
    if (x->type->kind == (to_double ? FD_CEL_DOUBLE : FD_CEL_INT))
        convert = y;
    fd_str text = fd_check_text(c, convert);
    if (text.n > 80)
        return fd_arena_printf(c->arena, "convert one side with %s(...)", to);
    return fd_arena_printf(c->arena, "write %s(" FD_STR_FMT ")", to, FD_STR_ARG(text));
}

static const fd_cel_type *mismatch(fd_checker *c, const fd_ast *a, const char *hint)
{
    char x[80], y[80];
    const fd_ast *l = a->args[0];
    const fd_ast *r = a->args[1];
    const char *op = fd_cel_operator_name(a->op);
    const char *mixing = fd_check_mixing_hint(c, l, r);
    fd_cel_type_name(l->type, x, sizeof x);
    fd_cel_type_name(r->type, y, sizeof y);
    if (mixing != NULL)
        return fd_check_fail(c, a, mixing, "%s and %s do not mix in '%s'", x, y, op);
    return fd_check_fail(c, a, hint, "'%s' does not take %s and %s", op, x, y);
}

/* null is for has(): the checker says so instead of letting the rule fail at run time. */
static const char *null_hint(fd_checker *c, const fd_ast *a)
{
    const fd_ast *other = a->args[0]->type->kind == FD_CEL_NULL ? a->args[1] : a->args[0];
    bool either = a->args[0]->type->kind == FD_CEL_NULL || a->args[1]->type->kind == FD_CEL_NULL;
    if (!either || other->kind != FD_AST_SELECT)
        return NULL;
    fd_str text = fd_check_text(c, other);
    return fd_arena_printf(c->arena, "write %shas(" FD_STR_FMT ")", a->op == FD_OP_EQ ? "!" : "",
                           FD_STR_ARG(text));
}

static const fd_cel_type *check_equality(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *l = a->args[0]->type;
    const fd_cel_type *r = a->args[1]->type;
    if (l->kind == FD_CEL_SET || r->kind == FD_CEL_SET)
        return fd_check_fail(c, a, "write value in lists.name", "a named list only knows 'in'");
    if (!fd_cel_comparable(l, r))
        return mismatch(c, a, null_hint(c, a));
    bool ok = fd_check_enum(c, a->args[0], a->args[1]) && fd_check_enum(c, a->args[1], a->args[0]);
    return simple(ok ? FD_CEL_BOOL : FD_CEL_ERROR);
}

static bool has_order(const fd_cel_type *t)
{
    switch (t->kind) {
    case FD_CEL_BOOL:
    case FD_CEL_INT:
    case FD_CEL_UINT:
    case FD_CEL_DOUBLE:
    case FD_CEL_STRING:
    case FD_CEL_BYTES:
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
    case FD_CEL_DYN:
    case FD_CEL_FREE:
    case FD_CEL_ERROR:
        return true;
    default:
        return false;
    }
}

static const fd_cel_type *check_order(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *l = a->args[0]->type;
    const fd_cel_type *r = a->args[1]->type;
    if (!has_order(l) || !has_order(r) || !fd_cel_comparable(l, r))
        return mismatch(c, a, NULL);
    return simple(FD_CEL_BOOL);
}

static const fd_cel_type *check_in_set(fd_checker *c, fd_ast *a)
{
    const fd_ast *x = a->args[0];
    const fd_cel_set *set = a->args[1]->set;
    FD_ASSERT(set != NULL);
    /* A set of dyn is one that could not be read, which is told already. */
    if (fd_cel_is_open(x->type) || x->type->kind == set->elem || set->elem == FD_CEL_DYN)
        return simple(FD_CEL_BOOL);
    char t[80];
    return fd_check_fail(c, a, NULL, "lists.%s holds %s, not %s", set->name,
                         fd_cel_kind_name(set->elem), fd_cel_type_name(x->type, t, sizeof t));
}

/* Every element of a literal list against an enum on the left. */
static bool check_enum_list(fd_checker *c, const fd_ast *x, const fd_ast *list)
{
    bool ok = true;
    for (uint32_t i = 0; list->kind == FD_AST_LIST && i < list->n_args; i++)
        ok &= fd_check_enum(c, x, list->args[i]);
    return ok;
}

static const fd_cel_type *check_in(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *l = a->args[0]->type;
    const fd_cel_type *r = a->args[1]->type;
    if (r->kind == FD_CEL_SET)
        return check_in_set(c, a);
    if (fd_cel_is_open(r))
        return simple(FD_CEL_BOOL);
    if (r->kind != FD_CEL_LIST && r->kind != FD_CEL_MAP) {
        const char *hint = r->kind == FD_CEL_STRING ? "for a part of a string use .contains()"
                                                    : NULL;
        return mismatch(c, a, hint);
    }
    const fd_cel_type *member = r->kind == FD_CEL_LIST ? r->elem : r->key;
    if (!fd_cel_comparable(l, member)) {
        const fd_ast *first = a->args[1]->kind == FD_AST_LIST && a->args[1]->n_args != 0
                                  ? a->args[1]->args[0]
                                  : NULL;
        return mismatch(c, a, first == NULL ? NULL : fd_check_mixing_hint(c, a->args[0], first));
    }
    return simple(check_enum_list(c, a->args[0], a->args[1]) ? FD_CEL_BOOL : FD_CEL_ERROR);
}

static const fd_cel_type *index_in(fd_checker *c, fd_ast *a, const fd_cel_type *of)
{
    const fd_cel_type *at = a->args[1]->type;
    if (fd_cel_is_open(of))
        return simple(FD_CEL_DYN);
    if (of->kind == FD_CEL_LIST) {
        if (!fd_cel_is_open(at) && !fd_cel_is_number(at))
            return mismatch(c, a, "a list's index is an int");
        if (at->kind == FD_CEL_DOUBLE)
            return mismatch(c, a, "a list's index is an int");
        return fd_cel_settled(of->elem);
    }
    if (of->kind == FD_CEL_MAP) {
        if (!fd_cel_comparable(of->key, at))
            return mismatch(c, a, NULL);
        return fd_cel_settled(of->elem);
    }
    const char *hint = of->kind == FD_CEL_RECORD ? "a record's field is selected with a dot" : NULL;
    return mismatch(c, a, hint);
}

/* What is taken out of an optional is optional. */
static const fd_cel_type *check_index(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *of = a->args[0]->type;
    bool viral = of->kind == FD_CEL_OPTIONAL;
    const fd_cel_type *t = index_in(c, a, viral ? of->elem : of);
    if (t->kind == FD_CEL_ERROR || (!a->optional && !viral))
        return t;
    a->optional = true;
    return fd_cel_optional_of_type(c->arena, t);
}

static const fd_cel_type *check_not(fd_checker *c, fd_ast *a)
{
    char t[80];
    const fd_cel_type *of = a->args[0]->type;
    if (fd_cel_is_open(of) || of->kind == FD_CEL_BOOL)
        return simple(FD_CEL_BOOL);
    return fd_check_fail(c, a, NULL, "'!' takes a bool, not %s", fd_cel_type_name(of, t, sizeof t));
}

static const fd_cel_type *check_operator(fd_checker *c, fd_ast *a)
{
    bool broken = false;
    const fd_cel_type *of_model = a->op == FD_OP_INDEX ? fd_check_model_index(c, a) : NULL;
    if (of_model != NULL)
        return of_model;
    for (uint32_t i = 0; i < a->n_args; i++)
        broken |= fd_check_value(c, a->args[i])->kind == FD_CEL_ERROR;
    if (broken)
        return simple(FD_CEL_ERROR);
    switch (a->op) {
    case FD_OP_NOT:
        return check_not(c, a);
    case FD_OP_EQ:
    case FD_OP_NE:
        return check_equality(c, a);
    case FD_OP_LT:
    case FD_OP_LE:
    case FD_OP_GT:
    case FD_OP_GE:
        return check_order(c, a);
    case FD_OP_IN:
        return check_in(c, a);
    case FD_OP_INDEX:
        return check_index(c, a);
    default:
        return fd_check_arithmetic(c, a);
    }
}

static bool check_bool(fd_checker *c, const fd_ast *whole, const fd_ast *part, const char *what)
{
    char t[80];
    if (fd_cel_is_open(part->type) || part->type->kind == FD_CEL_BOOL)
        return true;
    fd_cel_report(c->src, c->diags, FD_ERROR, part->from, part->to - part->from, NULL,
                  "%s takes bools, this is %s", what, fd_cel_type_name(part->type, t, sizeof t));
    FD_ASSERT(whole->n_args >= 2);
    return false;
}

static const fd_cel_type *check_logic(fd_checker *c, fd_ast *a)
{
    bool ok = true;
    for (uint32_t i = 0; i < a->n_args; i++) {
        ok &= fd_check_value(c, a->args[i])->kind != FD_CEL_ERROR;
        ok &= check_bool(c, a, a->args[i], a->kind == FD_AST_AND ? "'&&'" : "'||'");
    }
    return simple(ok ? FD_CEL_BOOL : FD_CEL_ERROR);
}

static const fd_cel_type *check_cond(fd_checker *c, fd_ast *a)
{
    char x[80], y[80];
    bool ok = true;
    for (uint32_t i = 0; i < 3; i++)
        ok &= fd_check_value(c, a->args[i])->kind != FD_CEL_ERROR;
    ok &= check_bool(c, a, a->args[0], "the condition of '?'");
    if (!ok)
        return simple(FD_CEL_ERROR);
    const fd_cel_type *l = a->args[1]->type;
    const fd_cel_type *r = a->args[2]->type;
    if (!fd_cel_comparable(l, r))
        return fd_check_fail(c, a, fd_check_mixing_hint(c, a->args[1], a->args[2]),
                             "both sides of ':' must be of one type, not %s and %s",
                             fd_cel_type_name(l, x, sizeof x), fd_cel_type_name(r, y, sizeof y));
    return fd_cel_join(c->arena, l, r);
}

/* The type of an element or entry: ?e has to be an optional, and stands for what it holds. */
static const fd_cel_type *entry_type(fd_checker *c, const fd_ast *value, bool optional)
{
    char name[80];
    const fd_cel_type *t = value->type;
    if (!optional || fd_cel_is_open(t))
        return t;
    if (t->kind == FD_CEL_OPTIONAL)
        return t->elem;
    return fd_check_fail(c, value, NULL, "behind '?' stands an optional, not %s",
                         fd_cel_type_name(t, name, sizeof name));
}

static const fd_cel_type *check_list(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *elem = simple(FD_CEL_FREE);
    for (uint32_t i = 0; i < a->n_args; i++) {
        fd_check_value(c, a->args[i]);
        elem = fd_cel_join(c->arena, elem, entry_type(c, a->args[i], a->args[i]->entry_optional));
    }
    return elem->kind == FD_CEL_ERROR ? elem : fd_cel_list_of(c->arena, elem);
}

static const fd_cel_type *check_map(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *parts[2] = {simple(FD_CEL_FREE), simple(FD_CEL_FREE)};
    for (uint32_t i = 0; i < a->n_args; i++) {
        const fd_cel_type *t = fd_check_value(c, a->args[i]);
        bool key_kind = fd_cel_is_open(t) || t->kind == FD_CEL_STRING || t->kind == FD_CEL_INT ||
                        t->kind == FD_CEL_UINT || t->kind == FD_CEL_BOOL;
        char name[80];
        if (i % 2 == 0 && !key_kind)
            t = fd_check_fail(c, a->args[i], "string, int, uint or bool",
                              "a map's key cannot be %s", fd_cel_type_name(t, name, sizeof name));
        if (i % 2 == 1)
            t = entry_type(c, a->args[i], a->args[i - 1]->entry_optional);
        parts[i % 2] = fd_cel_join(c->arena, parts[i % 2], t);
    }
    if (parts[0]->kind == FD_CEL_ERROR || parts[1]->kind == FD_CEL_ERROR)
        return simple(FD_CEL_ERROR);
    return fd_cel_map_of(c->arena, parts[0], parts[1]);
}

static const fd_cel_type *check_node(fd_checker *c, fd_ast *a)
{
    switch (a->kind) {
    case FD_AST_LITERAL:
        return simple((fd_cel_kind)a->literal.kind);
    case FD_AST_IDENT:
        return fd_check_ident(c, a);
    case FD_AST_SELECT:
        return fd_check_select(c, a);
    case FD_AST_CALL:
        return fd_check_call(c, a);
    case FD_AST_METHOD:
        return fd_check_method(c, a);
    case FD_AST_OP:
        return check_operator(c, a);
    case FD_AST_AND:
    case FD_AST_OR:
        return check_logic(c, a);
    case FD_AST_COND:
        return check_cond(c, a);
    case FD_AST_LIST:
        return check_list(c, a);
    case FD_AST_MAP:
        return check_map(c, a);
    }
    FD_UNREACHABLE();
}

const fd_cel_type *fd_check_expr(fd_checker *c, fd_ast *a)
{
    FD_ASSERT(a->depth <= FD_CEL_MAX_DEPTH);
    a->type = check_node(c, a);
    if (fd_check_is_off(c) && a->type->kind != FD_CEL_ERROR)
        a->type = simple(FD_CEL_DYN);
    return a->type;
}

const fd_cel_type *fd_check_value(fd_checker *c, fd_ast *a)
{
    const fd_cel_type *t = fd_check_expr(c, a);
    if (a->ref == FD_REF_NAMESPACE)
        a->type = t = fd_check_namespace_alone(c, a);
    else if (a->ref == FD_REF_MODEL || a->ref == FD_REF_MODEL_VALUES)
        a->type = t = fd_check_model_alone(c, a);
    return t;
}

bool fd_cel_check(const fd_cel_scope *scope, const fd_cel_source *src, fd_ast *root,
                  fd_arena *arena, fd_diags *diags)
{
    fd_checker c = {.scope = scope, .src = src, .arena = arena, .diags = diags};
    return fd_check_value(&c, root)->kind != FD_CEL_ERROR;
}
