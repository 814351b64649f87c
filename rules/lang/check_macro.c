/*
 * Macros: calls that give names to values. Part of the checker.
 *
 * A macro's arguments are put into the order that fd_macro tells; its names become slots. A name
 * further in never has the slot of one around it, nor one of those that computing a value of
 * cel.bind or cel.block takes: that happens when the value is first asked for, further in.
 */
#include <inttypes.h>

#include "base/assert.h"
#include "lang/check_int.h"

static const fd_cel_type *simple(fd_cel_kind kind)
{
    return fd_cel_simple_type(kind);
}

const fd_local *fd_check_local(const fd_checker *c, fd_str name)
{
    for (uint32_t i = c->n_locals; i-- > 0;) {
        if (fd_str_eq(c->locals[i].name, name))
            return &c->locals[i];
    }
    return NULL;
}

static void push_local(fd_checker *c, fd_str name, const fd_cel_type *type, uint32_t slot)
{
    if (c->n_locals == c->cap_locals) {
        uint32_t cap = c->cap_locals == 0 ? 8 : 2 * c->cap_locals;
        fd_local *grown = fd_arena_alloc(c->arena, cap * sizeof *grown);
        FD_ALLOCATED(grown);
        if (c->n_locals != 0)
            memcpy(grown, c->locals, c->n_locals * sizeof *grown);
        c->locals = grown;
        c->cap_locals = cap;
    }
    c->locals[c->n_locals++] = (fd_local){name, fd_cel_settled(type), slot};
}

static uint32_t take_slots(fd_checker *c, uint32_t n)
{
    uint32_t first = c->next_slot;
    c->next_slot += n;
    if (c->next_slot > c->max_slot)
        c->max_slot = c->next_slot;
    return first;
}

/* A value that is computed later: what it takes meanwhile is nobody else's. */
static const fd_cel_type *check_pending(fd_checker *c, fd_ast *a)
{
    uint32_t around = c->max_slot;
    c->max_slot = c->next_slot;
    const fd_cel_type *t = fd_check_value(c, a);
    c->next_slot = c->max_slot;
    if (around > c->max_slot)
        c->max_slot = around;
    return t;
}

static const struct macro {
    const char *name;
    fd_macro macro;
    uint8_t n_args; /* with the receiver */
    uint8_t n_names;
} macros[] = {
    {"all", FD_MACRO_ALL, 3, 1},
    {"all", FD_MACRO_ALL, 4, 2},
    {"exists", FD_MACRO_EXISTS, 3, 1},
    {"exists", FD_MACRO_EXISTS, 4, 2},
    {"exists_one", FD_MACRO_EXISTS_ONE, 3, 1},
    {"exists_one", FD_MACRO_EXISTS_ONE, 4, 2},
    {"existsOne", FD_MACRO_EXISTS_ONE, 3, 1},
    {"existsOne", FD_MACRO_EXISTS_ONE, 4, 2},
    {"filter", FD_MACRO_FILTER, 3, 1},
    {"map", FD_MACRO_MAP, 3, 1},
    {"map", FD_MACRO_MAP, 4, 1},
    {"transformList", FD_MACRO_MAP, 4, 2},
    {"transformList", FD_MACRO_MAP, 5, 2},
    {"transformMap", FD_MACRO_TRANSFORM_MAP, 4, 2},
    {"transformMap", FD_MACRO_TRANSFORM_MAP, 5, 2},
    {"transformMapEntry", FD_MACRO_TRANSFORM_MAP_ENTRY, 4, 2},
    {"transformMapEntry", FD_MACRO_TRANSFORM_MAP_ENTRY, 5, 2},
    {"sortBy", FD_MACRO_SORT_BY, 3, 1},
    {"optMap", FD_MACRO_OPT_MAP, 3, 1},
    {"optFlatMap", FD_MACRO_OPT_FLAT_MAP, 3, 1},
};

static const struct macro *find(const fd_ast *a)
{
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
        if (macros[i].n_args == a->n_args && fd_str_eq_c(a->name, macros[i].name))
            return &macros[i];
    }
    return NULL;
}

static const struct {
    const char *name, *hint;
} written[] = {
    {"all", "write list.all(name, condition)"},
    {"exists", "write list.exists(name, condition)"},
    {"exists_one", "write list.exists_one(name, condition)"},
    {"existsOne", "write list.existsOne(name, condition)"},
    {"filter", "write list.filter(name, condition)"},
    {"map", "write list.map(name, value) or list.map(name, condition, value)"},
    {"sortBy", "write list.sortBy(name, key)"},
    {"transformList", "write list.transformList(index, name, value)"},
    {"transformMap", "write map.transformMap(key, value, new_value)"},
    {"transformMapEntry", "write map.transformMapEntry(key, value, {new_key: new_value})"},
    {"optMap", "write optional.optMap(name, value)"},
    {"optFlatMap", "write optional.optFlatMap(name, optional)"},
};
enum { N_WRITTEN = sizeof written / sizeof *written };

const char *fd_check_macro_hint(fd_str name)
{
    for (uint32_t i = 0; i < N_WRITTEN; i++) {
        if (fd_str_eq_c(name, written[i].name))
            return written[i].hint;
    }
    return NULL;
}

uint32_t fd_check_macro_names(const char **names, uint32_t cap)
{
    uint32_t n = 0;
    for (; n < N_WRITTEN && n < cap; n++)
        names[n] = written[n].name;
    return n;
}

static bool is_cel(const fd_checker *c, const fd_ast *a)
{
    return a->kind == FD_AST_METHOD && a->args[0]->kind == FD_AST_IDENT &&
           fd_str_eq_c(a->args[0]->name, "cel") && fd_check_local(c, a->args[0]->name) == NULL;
}

/* cel.index(n), cel.iterVar(n, m), cel.accuVar(n, m) are names that no text can have; the node
 * becomes such a name. */
static bool numbered_name(fd_checker *c, fd_ast *a)
{
    static const struct {
        const char *name, *prefix;
        uint32_t n;
    } forms[] = {{"index", "@index", 1}, {"iterVar", "@it", 2}, {"accuVar", "@ac", 2}};
    if (!is_cel(c, a))
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!fd_str_eq_c(a->name, forms[i].name) || a->n_args != forms[i].n + 1)
            continue;
        int64_t n[2] = {0, 0};
        for (uint32_t k = 0; k < forms[i].n; k++) {
            const fd_ast *x = a->args[k + 1];
            if (x->kind != FD_AST_LITERAL || x->literal.kind != FD_CEL_INT)
                return false;
            n[k] = x->literal.v.i;
        }
        const char *name = fd_arena_printf(c->arena, "%s%" PRId64 ":%" PRId64, forms[i].prefix,
                                           n[0], n[1]);
        FD_ALLOCATED(name);
        a->kind = FD_AST_IDENT;
        a->name = fd_str_from(name);
        a->n_args = 0;
        return true;
    }
    return false;
}

static bool is_name(fd_checker *c, fd_ast *a)
{
    if ((a->kind == FD_AST_IDENT && !a->rooted) || numbered_name(c, a))
        return true;
    fd_cel_report(c->src, c->diags, FD_ERROR, a->from, a->to - a->from, NULL,
                  "a macro's variable is a simple name");
    return false;
}

/* What the names of a macro over this range stand for; false for what is no range. */
static bool range_types(fd_checker *c, const fd_ast *a, const struct macro *m,
                        const fd_cel_type **types)
{
    char t[80];
    const fd_ast *range = a->args[0];
    const fd_cel_type *of = range->type;
    bool optional = m->macro == FD_MACRO_OPT_MAP || m->macro == FD_MACRO_OPT_FLAT_MAP;
    types[0] = types[1] = simple(FD_CEL_DYN);
    if (fd_cel_is_open(of))
        return true;
    if (optional && of->kind == FD_CEL_OPTIONAL) {
        types[0] = of->elem;
        return true;
    }
    if (!optional && of->kind == FD_CEL_LIST) {
        types[0] = m->n_names == 2 ? simple(FD_CEL_INT) : of->elem;
        types[1] = of->elem;
        return true;
    }
    if (!optional && of->kind == FD_CEL_MAP && m->macro != FD_MACRO_SORT_BY) {
        types[0] = of->key;
        types[1] = of->elem;
        return true;
    }
    const char *wants = optional                       ? "an optional"
                        : m->macro == FD_MACRO_SORT_BY ? "a list"
                                                       : "a list or map";
    fd_check_fail(c, a, NULL, FD_STR_FMT "() goes over %s, not %s", FD_STR_ARG(a->name), wants,
                  fd_cel_type_name(of, t, sizeof t));
    return false;
}

static bool wants(fd_checker *c, const fd_ast *macro, const fd_ast *part, fd_cel_kind kind)
{
    char t[80];
    if (fd_cel_is_open(part->type) || part->type->kind == kind)
        return true;
    fd_cel_report(c->src, c->diags, FD_ERROR, part->from, part->to - part->from, NULL,
                  FD_STR_FMT "() wants %s here, this is %s", FD_STR_ARG(macro->name),
                  fd_cel_kind_name(kind), fd_cel_type_name(part->type, t, sizeof t));
    return false;
}

static bool has_sort_order(const fd_cel_type *t)
{
    return t->kind != FD_CEL_LIST && t->kind != FD_CEL_MAP && t->kind != FD_CEL_RECORD &&
           t->kind != FD_CEL_SET && t->kind != FD_CEL_NULL && t->kind != FD_CEL_TYPE &&
           t->kind != FD_CEL_OPTIONAL && t->kind != FD_CEL_IP && t->kind != FD_CEL_CIDR;
}

/* The type of the whole, once its parts are checked: args are range, body and perhaps condition. */
static const fd_cel_type *result_type(fd_checker *c, const fd_ast *a,
                                      const fd_cel_type *const *names)
{
    const fd_cel_type *range = a->args[0]->type;
    const fd_cel_type *body = a->args[1]->type;
    char t[80];
    switch (a->macro) {
    case FD_MACRO_ALL:
    case FD_MACRO_EXISTS:
    case FD_MACRO_EXISTS_ONE:
        return simple(wants(c, a, a->args[1], FD_CEL_BOOL) ? FD_CEL_BOOL : FD_CEL_ERROR);
    case FD_MACRO_FILTER:
        if (!wants(c, a, a->args[1], FD_CEL_BOOL))
            return simple(FD_CEL_ERROR);
        return range->kind == FD_CEL_LIST ? range : fd_cel_list_of(c->arena, names[0]);
    case FD_MACRO_MAP:
        return fd_cel_list_of(c->arena, body);
    case FD_MACRO_TRANSFORM_MAP:
        return fd_cel_map_of(c->arena, names[0], body);
    case FD_MACRO_TRANSFORM_MAP_ENTRY:
        if (!wants(c, a, a->args[1], FD_CEL_MAP))
            return simple(FD_CEL_ERROR);
        return body->kind == FD_CEL_MAP ? body : simple(FD_CEL_MAP);
    case FD_MACRO_SORT_BY:
        if (!has_sort_order(body))
            return fd_check_fail(c, a, NULL, "there is no order of %s",
                                 fd_cel_type_name(body, t, sizeof t));
        return range;
    case FD_MACRO_OPT_MAP:
        return fd_cel_optional_of_type(c->arena, body);
    case FD_MACRO_OPT_FLAT_MAP:
        if (!wants(c, a, a->args[1], FD_CEL_OPTIONAL))
            return simple(FD_CEL_ERROR);
        return body->kind == FD_CEL_OPTIONAL ? body : simple(FD_CEL_OPTIONAL);
    case FD_MACRO_LET:
        break;
    }
    FD_UNREACHABLE();
}

static const fd_cel_type *check_over(fd_checker *c, fd_ast *a, const struct macro *m)
{
    const fd_cel_type *types[2];
    fd_ast *names[2] = {a->args[1], a->args[2]};
    for (uint32_t i = 0; i < m->n_names; i++) {
        if (!is_name(c, names[i]))
            return simple(FD_CEL_ERROR);
    }
    if (m->n_names == 2 && fd_str_eq(names[0]->name, names[1]->name))
        return fd_check_fail(c, names[1], NULL, "both variables have the same name");
    if (fd_check_value(c, a->args[0])->kind == FD_CEL_ERROR || !range_types(c, a, m, types))
        return simple(FD_CEL_ERROR);
    uint32_t rest = m->n_names + 1u;
    a->ref = FD_REF_MACRO;
    a->macro = m->macro;
    uint32_t outer_names = c->n_locals, outer_slots = c->next_slot;
    a->index = take_slots(c, m->n_names);
    a->n_locals = m->n_names;
    fd_ast *condition = a->n_args - rest == 2 ? a->args[rest] : NULL;
    a->args[1] = a->args[a->n_args - 1];
    a->args[2] = condition;
    a->n_args = condition == NULL ? 2 : 3;
    for (uint32_t i = 0; i < m->n_names; i++)
        push_local(c, names[i]->name, types[i], a->index + i);
    bool ok = true;
    if (condition != NULL)
        ok = fd_check_value(c, condition)->kind != FD_CEL_ERROR &&
             wants(c, a, condition, FD_CEL_BOOL);
    ok &= fd_check_value(c, a->args[1])->kind != FD_CEL_ERROR;
    c->n_locals = outer_names;
    c->next_slot = outer_slots;
    return ok ? result_type(c, a, types) : simple(FD_CEL_ERROR);
}

/* cel.bind(name, value, result) */
static const fd_cel_type *check_bind(fd_checker *c, fd_ast *a)
{
    if (!is_name(c, a->args[1]))
        return simple(FD_CEL_ERROR);
    fd_str name = a->args[1]->name;
    a->args[0] = a->args[2];
    a->args[1] = a->args[3];
    a->n_args = 2;
    uint32_t outer_names = c->n_locals, outer_slots = c->next_slot;
    a->index = take_slots(c, 1);
    a->n_locals = 1;
    const fd_cel_type *value = check_pending(c, a->args[0]);
    push_local(c, name, value, a->index);
    const fd_cel_type *result = fd_check_value(c, a->args[1]);
    c->n_locals = outer_names;
    c->next_slot = outer_slots;
    return value->kind == FD_CEL_ERROR ? value : result;
}

/* cel.block([values], result): value i sees those before it. */
static const fd_cel_type *check_block(fd_checker *c, fd_ast *a)
{
    const fd_ast *list = a->args[1];
    fd_ast *result = a->args[2];
    bool ok = list->kind == FD_AST_LIST;
    for (uint32_t i = 0; ok && i < list->n_args; i++)
        ok = !list->args[i]->entry_optional;
    if (!ok)
        return fd_check_fail(c, a, NULL, "cel.block() takes a list literal and a result");
    fd_ast **args = fd_arena_alloc(c->arena, (list->n_args + 1) * sizeof *args);
    FD_ALLOCATED(args);
    uint32_t outer_names = c->n_locals, outer_slots = c->next_slot;
    a->index = take_slots(c, list->n_args);
    a->n_locals = list->n_args;
    for (uint32_t i = 0; i < list->n_args; i++) {
        args[i] = list->args[i];
        ok &= check_pending(c, args[i])->kind != FD_CEL_ERROR;
        const char *name = fd_arena_printf(c->arena, "@index%u:0", i);
        FD_ALLOCATED(name);
        push_local(c, fd_str_from(name), args[i]->type, a->index + i);
    }
    args[list->n_args] = result;
    a->args = args;
    a->n_args = list->n_args + 1;
    const fd_cel_type *type = fd_check_value(c, result);
    c->n_locals = outer_names;
    c->next_slot = outer_slots;
    return ok ? type : simple(FD_CEL_ERROR);
}

const fd_cel_type *fd_check_macro(fd_checker *c, fd_ast *a)
{
    if (c->scope->environment != NULL && c->scope->environment->macros_off)
        return NULL;
    if (is_cel(c, a)) {
        if (numbered_name(c, a))
            return fd_check_ident(c, a);
        bool bind = fd_str_eq_c(a->name, "bind") && a->n_args == 4;
        if (!bind && !(fd_str_eq_c(a->name, "block") && a->n_args == 3))
            return fd_check_fail(c, a, "write cel.bind(name, value, result)",
                                 "there is no macro 'cel." FD_STR_FMT "' with these arguments",
                                 FD_STR_ARG(a->name));
        a->ref = FD_REF_MACRO;
        a->macro = FD_MACRO_LET;
        return bind ? check_bind(c, a) : check_block(c, a);
    }
    const struct macro *m = find(a);
    return m == NULL ? NULL : check_over(c, a, m);
}
