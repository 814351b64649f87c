/* What cases expect: values and types as the specification's protobufs write them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "conformance.h"

double textproto_double(fd_str text)
{
    char buf[64];
    snprintf(buf, sizeof buf, FD_STR_FMT, FD_STR_ARG(text));
    return strtod(buf, NULL);
}

int64_t textproto_int(const textproto *scalar)
{
    char buf[64];
    snprintf(buf, sizeof buf, FD_STR_FMT, scalar == NULL ? 1 : (int)scalar->text.n,
             scalar == NULL ? "0" : scalar->text.p);
    return strtoll(buf, NULL, 0);
}

bool textproto_is_true(const textproto *m, const char *flag)
{
    const textproto *f = textproto_get(m, flag);
    return f != NULL && fd_str_eq_c(f->text, "true");
}

static uint64_t whole(fd_str text)
{
    char buf[64];
    snprintf(buf, sizeof buf, FD_STR_FMT, FD_STR_ARG(text));
    return strtoull(buf, NULL, 0);
}

/* NaN is NaN, and the zeros differ. */
static bool same_double(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool list_matches(const fd_cel_value *v, const textproto *want)
{
    const textproto *e = textproto_get(want, "values");
    uint32_t n = v->kind == FD_CEL_LIST ? fd_cel_length(v) : 0;
    for (uint32_t i = 0; i < n; i++, e = textproto_again(e)) {
        fd_cel_value item = fd_cel_element(v, i);
        if (e == NULL || !value_matches(&item, e))
            return false;
    }
    return v->kind == FD_CEL_LIST && e == NULL;
}

static bool has_entry(const fd_cel_value *map, const textproto *entry)
{
    for (uint32_t i = 0; i < fd_cel_length(map); i++) {
        fd_cel_value key = fd_cel_map_key(map, i), value = fd_cel_map_value(map, i);
        if (value_matches(&key, textproto_get(entry, "key")))
            return value_matches(&value, textproto_get(entry, "value"));
    }
    return false;
}

static bool map_matches(const fd_cel_value *v, const textproto *want)
{
    uint32_t n = 0;
    if (v->kind != FD_CEL_MAP)
        return false;
    for (const textproto *e = textproto_get(want, "entries"); e != NULL; e = textproto_again(e)) {
        if (!has_entry(v, e))
            return false;
        n++;
    }
    return n == fd_cel_length(v);
}

/* TIMESTAMP and DURATION for the messages that stand for them, else ERROR. */
static fd_cel_kind kind_of_message(const textproto *object)
{
    const textproto *m = object->first;
    if (m != NULL && memmem(m->name.p, m->name.n, "protobuf.Timestamp]", 19) != NULL)
        return FD_CEL_TIMESTAMP;
    if (m != NULL && memmem(m->name.p, m->name.n, "protobuf.Duration]", 18) != NULL)
        return FD_CEL_DURATION;
    return FD_CEL_ERROR;
}

static bool object_matches(const fd_cel_value *v, const textproto *object)
{
    const textproto *m = object->first;
    fd_cel_kind kind = kind_of_message(object);
    return kind != FD_CEL_ERROR && v->kind == kind &&
           v->v.i == textproto_int(textproto_get(m, "seconds")) &&
           fd_cel_nanos(v) == textproto_int(textproto_get(m, "nanos"));
}

bool value_matches(const fd_cel_value *v, const textproto *want)
{
    const textproto *f = want == NULL ? NULL : want->first;
    if (f == NULL)
        return false;
    if (fd_str_eq_c(f->name, "null_value"))
        return v->kind == FD_CEL_NULL;
    if (fd_str_eq_c(f->name, "bool_value"))
        return v->kind == FD_CEL_BOOL && v->v.b == fd_str_eq_c(f->text, "true");
    if (fd_str_eq_c(f->name, "int64_value"))
        return v->kind == FD_CEL_INT && v->v.i == textproto_int(f);
    if (fd_str_eq_c(f->name, "uint64_value"))
        return v->kind == FD_CEL_UINT && v->v.u == whole(f->text);
    if (fd_str_eq_c(f->name, "double_value"))
        return v->kind == FD_CEL_DOUBLE && same_double(v->v.d, textproto_double(f->text));
    if (fd_str_eq_c(f->name, "string_value"))
        return v->kind == FD_CEL_STRING && fd_str_eq(fd_cel_text(v), f->text);
    if (fd_str_eq_c(f->name, "bytes_value"))
        return v->kind == FD_CEL_BYTES && fd_str_eq(fd_cel_text(v), f->text);
    if (fd_str_eq_c(f->name, "type_value"))
        return v->kind == FD_CEL_TYPE && fd_str_eq(fd_cel_text(v), f->text);
    if (fd_str_eq_c(f->name, "list_value"))
        return list_matches(v, f);
    if (fd_str_eq_c(f->name, "map_value"))
        return map_matches(v, f);
    return fd_str_eq_c(f->name, "object_value") && object_matches(v, f);
}

bool is_message_value(const textproto *value)
{
    for (const textproto *f = value == NULL ? NULL : value->first; f != NULL; f = f->next) {
        if (fd_str_eq_c(f->name, "enum_value"))
            return true;
        if (fd_str_eq_c(f->name, "object_value")) {
            if (kind_of_message(f) == FD_CEL_ERROR)
                return true;
        } else if (f->is_message && is_message_value(f)) {
            return true;
        }
    }
    return false;
}

/* ---- types ---- */

static const struct {
    const char *name;
    fd_cel_kind kind;
} simple_types[] = {
    {"BOOL", FD_CEL_BOOL},           {"INT64", FD_CEL_INT},         {"UINT64", FD_CEL_UINT},
    {"DOUBLE", FD_CEL_DOUBLE},       {"STRING", FD_CEL_STRING},     {"BYTES", FD_CEL_BYTES},
    {"TIMESTAMP", FD_CEL_TIMESTAMP}, {"DURATION", FD_CEL_DURATION}, {"ANY", FD_CEL_DYN},
};

static fd_cel_kind simple_kind(fd_str name)
{
    for (size_t i = 0; i < sizeof simple_types / sizeof *simple_types; i++) {
        if (fd_str_eq_c(name, simple_types[i].name))
            return simple_types[i].kind;
    }
    return FD_CEL_ERROR;
}

static bool is_dyn(const fd_cel_type *t)
{
    return t->kind == FD_CEL_DYN || t->kind == FD_CEL_FREE;
}

/* Parameters stand in `elem`, then in `key`'s `elem`, and so on. */
static bool parameters_match(const fd_cel_type *t, const textproto *abstract)
{
    const textproto *p = textproto_get(abstract, "parameter_types");
    for (; p != NULL && t != NULL; p = textproto_again(p), t = t->key) {
        if (t->elem == NULL || !type_matches(t->elem, p))
            return false;
    }
    return p == NULL && t == NULL;
}

static bool abstract_matches(const fd_cel_type *t, const textproto *f)
{
    fd_str name = textproto_get(f, "name")->text;
    if (fd_str_eq_c(name, "optional_type"))
        return t->kind == FD_CEL_OPTIONAL &&
               type_matches(t->elem, textproto_get(f, "parameter_types"));
    if (fd_str_eq_c(name, "net.IP"))
        return t->kind == FD_CEL_IP;
    if (fd_str_eq_c(name, "net.CIDR"))
        return t->kind == FD_CEL_CIDR;
    return t->kind == FD_CEL_ABSTRACT && fd_str_eq_c(name, t->name) && parameters_match(t, f);
}

bool type_matches(const fd_cel_type *t, const textproto *want)
{
    const textproto *f = want == NULL ? NULL : want->first;
    if (f == NULL)
        return false;
    if (fd_str_eq_c(f->name, "null"))
        return t->kind == FD_CEL_NULL;
    if (fd_str_eq_c(f->name, "dyn"))
        return is_dyn(t);
    if (fd_str_eq_c(f->name, "type"))
        return t->kind == FD_CEL_TYPE;
    if (fd_str_eq_c(f->name, "abstract_type"))
        return abstract_matches(t, f);
    if (fd_str_eq_c(f->name, "list_type"))
        return t->kind == FD_CEL_LIST && type_matches(t->elem, textproto_get(f, "elem_type"));
    if (fd_str_eq_c(f->name, "map_type"))
        return t->kind == FD_CEL_MAP && type_matches(t->key, textproto_get(f, "key_type")) &&
               type_matches(t->elem, textproto_get(f, "value_type"));
    fd_cel_kind kind = simple_kind(f->text);
    return kind == FD_CEL_DYN ? is_dyn(t) : kind != FD_CEL_ERROR && t->kind == kind;
}

bool is_message_type(const textproto *type)
{
    for (const textproto *f = type == NULL ? NULL : type->first; f != NULL; f = f->next) {
        if (fd_str_eq_c(f->name, "message_type") || fd_str_eq_c(f->name, "wrapper") ||
            (f->is_message && is_message_type(f)))
            return true;
    }
    return false;
}

static const fd_cel_type *make(fd_arena *arena, fd_cel_type t)
{
    fd_cel_type *copy = fd_arena_alloc(arena, sizeof *copy);
    FD_ALLOCATED(copy);
    *copy = t;
    return copy;
}

static const fd_cel_type *abstract(const textproto *f, const textproto *parameter, fd_str name,
                                   const bindings *bound, fd_arena *arena)
{
    if (parameter == NULL)
        return NULL;
    const fd_cel_type *elem = declared_type(parameter, bound, arena);
    if (fd_str_eq_c(name, "optional_type"))
        return make(arena, (fd_cel_type){.kind = FD_CEL_OPTIONAL, .elem = elem});
    return make(arena,
                (fd_cel_type){.kind = FD_CEL_ABSTRACT,
                              .name = fd_arena_str(arena, name).p,
                              .elem = elem,
                              .key = abstract(f, textproto_again(parameter), name, bound, arena)});
}

const fd_cel_type *declared_type(const textproto *type, const bindings *bound, fd_arena *arena)
{
    const textproto *f = type == NULL ? NULL : type->first;
    fd_cel_type t = {.kind = FD_CEL_DYN};
    if (f == NULL)
        return make(arena, t);
    if (fd_str_eq_c(f->name, "null")) {
        t.kind = FD_CEL_NULL;
    } else if (fd_str_eq_c(f->name, "type")) {
        t.kind = FD_CEL_TYPE;
    } else if (fd_str_eq_c(f->name, "list_type")) {
        t.kind = FD_CEL_LIST;
        t.elem = declared_type(textproto_get(f, "elem_type"), bound, arena);
    } else if (fd_str_eq_c(f->name, "map_type")) {
        t.kind = FD_CEL_MAP;
        t.key = declared_type(textproto_get(f, "key_type"), bound, arena);
        t.elem = declared_type(textproto_get(f, "value_type"), bound, arena);
    } else if (fd_str_eq_c(f->name, "abstract_type")) {
        return abstract(f, textproto_get(f, "parameter_types"), textproto_get(f, "name")->text,
                        bound, arena);
    } else if (fd_str_eq_c(f->name, "type_param")) {
        for (uint32_t i = 0; bound != NULL && i < bound->n; i++) {
            if (fd_str_eq(bound->names[i], f->text))
                return bound->types[i];
        }
    } else if (simple_kind(f->text) != FD_CEL_ERROR) {
        t.kind = simple_kind(f->text);
    }
    return make(arena, t);
}
