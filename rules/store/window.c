/*
 * What a feature's key and expressions mean: fields of the event, types that its op takes, and the
 * distinct expressions that all features share. Loading.
 */
#include "base/assert.h"
#include "store/ruleset_int.h"

/* Of a key: what has one byte form. */
static bool is_key_kind(fd_kind k)
{
    return k == FD_STRING || k == FD_BYTES || k == FD_INT || k == FD_BOOL;
}

static void check_part(fd_loading *l, fd_feature_def *f, uint32_t part)
{
    static const char prefix[] = "event.";
    fd_str path = f->parts[part];
    const fd_yaml_node *n = f->part_nodes[part];
    const fd_type *t = fd_type_path(l->set->event, path);
    fd_yaml *y = f->place.y;
    if (t != NULL && is_key_kind(t->kind))
        return;
    f->broken = true;
    if (t != NULL) {
        fd_yaml_report(y, n, FD_ERROR, NULL,
                       "a key is of string, int, bool or bytes fields; %s is %s", path.p,
                       fd_kind_name(t->kind));
        return;
    }
    const char *hint = fd_store_meant_field(l, path);
    if (strncmp(path.p, prefix, sizeof prefix - 1) == 0)
        hint = fd_arena_printf(l->set->arena, "write key: %s", path.p + sizeof prefix - 1);
    fd_yaml_report(y, n, FD_ERROR, hint, "key names no event field: %s", path.p);
}

static void check_key(fd_loading *l, fd_feature_def *f)
{
    fd_strbuf name = {0};
    for (uint32_t i = 0; i < f->n_parts; i++) {
        check_part(l, f, i);
        fd_strbuf_printf(&name, "%s%s", i == 0 ? "" : ",", f->parts[i].p);
    }
    f->info.key = fd_arena_cstr(l->set->arena, name.p == NULL ? "" : name.p);
    fd_strbuf_free(&name);
}

static uint32_t share(fd_ruleset *set, const fd_cel_source *src, const fd_cel_program *p)
{
    fd_str text = fd_cel_canonical(src, set->arena);
    for (uint32_t i = 0; i < set->n_exprs; i++) {
        if (fd_str_eq(set->exprs[i].canonical, text))
            return i;
    }
    set->exprs = fd_store_push(set->arena, set->exprs, &set->n_exprs, &set->cap_exprs,
                               sizeof *set->exprs);
    set->exprs[set->n_exprs - 1] = (fd_expr_def){.canonical = text, .program = p};
    return set->n_exprs - 1;
}

static const fd_cel_program *compile(fd_loading *l, fd_feature_def *f, const fd_cel_source *src,
                                     const char *what)
{
    fd_cel_scope scope = {.event = l->set->event, .event_only = what};
    const fd_cel_program *p = fd_cel_compile(&scope, src, l->set->arena, l->diags);
    f->broken = f->broken || p == NULL;
    return p;
}

static uint32_t check_condition(fd_loading *l, fd_feature_def *f, const fd_cel_source *src,
                                const char *what)
{
    if (src->text.p == NULL)
        return FD_NO_EXPR;
    const fd_cel_program *p = compile(l, f, src, what);
    if (p == NULL)
        return FD_NO_EXPR;
    const fd_cel_type *t = fd_cel_program_type(p);
    if (t->kind == FD_CEL_BOOL || t->kind == FD_CEL_DYN)
        return share(l->set, src, p);
    char name[128];
    f->broken = true;
    fd_cel_report(src, l->diags, FD_ERROR, 0, src->text.n,
                  "compare the value with something, e.g. > 0", "%s is of type %s, not bool", what,
                  fd_cel_type_name(t, name, sizeof name));
    return FD_NO_EXPR;
}

/* How a value is kept; FD_NULL: not at all. */
static fd_kind kept_as(fd_cel_kind k)
{
    switch (k) {
    case FD_CEL_BOOL:
        return FD_BOOL;
    case FD_CEL_INT:
        return FD_INT;
    case FD_CEL_DOUBLE:
        return FD_DOUBLE;
    case FD_CEL_STRING:
        return FD_STRING;
    case FD_CEL_BYTES:
        return FD_BYTES;
    case FD_CEL_TIMESTAMP:
        return FD_TIMESTAMP;
    case FD_CEL_DURATION:
        return FD_DURATION;
    default:
        return FD_NULL;
    }
}

static bool takes_any(fd_feature_op op)
{
    return op == FD_OP_DISTINCT || op == FD_OP_IS_NEW || op == FD_OP_LAST || op == FD_OP_FIRST;
}

static const char *value_hint(fd_feature_op op, fd_cel_kind k)
{
    if (k == FD_CEL_UINT)
        return "write int(...)";
    if (k == FD_CEL_DYN)
        return takes_any(op) ? "say which type it has: int(...), double(...), string(...)"
                             : "say which type it has: int(...), double(...)";
    if (op == FD_OP_TRAVEL_SPEED && k == FD_CEL_INT)
        return "write double(...)";
    return NULL;
}

static uint32_t check_value(fd_loading *l, fd_feature_def *f, const fd_cel_source *src)
{
    if (src->text.p == NULL)
        return FD_NO_EXPR;
    const fd_cel_program *p = compile(l, f, src, "a feature's value");
    if (p == NULL)
        return FD_NO_EXPR;
    const fd_cel_type *t = fd_cel_program_type(p);
    fd_feature_op op = f->window.op;
    f->kind = kept_as(t->kind);
    bool ok = f->kind == FD_DOUBLE || (f->kind == FD_INT && op != FD_OP_TRAVEL_SPEED) ||
              (f->kind != FD_NULL && takes_any(op));
    if (ok)
        return share(l->set, src, p);
    char name[128];
    const char *takes = takes_any(op)              ? "a scalar of a fixed type"
                        : op == FD_OP_TRAVEL_SPEED ? "doubles, in degrees"
                                                   : "int or double";
    f->broken = true;
    fd_cel_report(src, l->diags, FD_ERROR, 0, src->text.n, value_hint(op, t->kind),
                  "op %s takes %s, this is %s", fd_feature_op_name(op), takes,
                  fd_cel_type_name(t, name, sizeof name));
    return FD_NO_EXPR;
}

static fd_kind result_of(const fd_feature_def *f)
{
    switch (f->window.op) {
    case FD_OP_COUNT:
    case FD_OP_DISTINCT:
    case FD_OP_CONSECUTIVE:
        return FD_INT;
    case FD_OP_SUM:
    case FD_OP_MIN:
    case FD_OP_MAX:
    case FD_OP_LAST:
    case FD_OP_FIRST:
        return f->kind;
    case FD_OP_TIME_SINCE_LAST:
    case FD_OP_TIME_SINCE_FIRST:
        return FD_DURATION;
    case FD_OP_IS_NEW:
        return FD_BOOL;
    default:
        return FD_DOUBLE;
    }
}

void fd_store_check_features(fd_loading *l)
{
    fd_ruleset *set = l->set;
    for (uint32_t i = 0; i < set->n_features; i++) {
        fd_feature_def *f = &set->features[i];
        check_key(l, f);
        f->where_expr = check_condition(l, f, &f->where, "a feature's where");
        f->of_expr = check_condition(l, f, &f->of, "a feature's of");
        for (int v = 0; v < FD_FEATURE_VALUES; v++)
            f->value_exprs[v] = check_value(l, f, &f->values[v]);
        f->window.result = result_of(f);
    }
}
