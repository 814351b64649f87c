/*
 * A case's container, declared names and functions, and what the names are bound to: values are
 * written out as CEL and compiled, so that they come in the way any value does.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "conformance.h"

/* ---- values as CEL ---- */

static void write_value(const textproto *value, fd_strbuf *out);

static void write_text(fd_str s, bool bytes, fd_strbuf *out)
{
    fd_strbuf_puts(out, bytes ? "b\"" : "\"");
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == '"' || c == '\\' || (bytes && c > 0x7E))
            fd_strbuf_printf(out, "\\x%02x", c);
        else
            fd_strbuf_putc(out, (char)c);
    }
    fd_strbuf_putc(out, '"');
}

static void write_double(double d, fd_strbuf *out)
{
    if (isfinite(d))
        fd_strbuf_printf(out, "%.17e", d);
    else
        fd_strbuf_printf(out, "double(\"%s\")", isnan(d) ? "NaN" : d > 0 ? "Inf" : "-Inf");
}

static void write_items(const textproto *items, bool map, fd_strbuf *out)
{
    const textproto *e = textproto_get(items, map ? "entries" : "values");
    fd_strbuf_putc(out, map ? '{' : '[');
    for (bool first = true; e != NULL; e = textproto_again(e), first = false) {
        fd_strbuf_puts(out, first ? "" : ", ");
        if (map) {
            write_value(textproto_get(e, "key"), out);
            fd_strbuf_puts(out, ": ");
        }
        write_value(map ? textproto_get(e, "value") : e, out);
    }
    fd_strbuf_putc(out, map ? '}' : ']');
}

static void write_time(const textproto *object, fd_strbuf *out)
{
    const textproto *m = object->first;
    int64_t seconds = textproto_int(textproto_get(m, "seconds"));
    int64_t nanos = textproto_int(textproto_get(m, "nanos"));
    bool timestamp = memmem(m->name.p, m->name.n, "Timestamp", 9) != NULL;
    if (timestamp)
        fd_strbuf_printf(out, "(timestamp(%" PRId64 ") + duration(\"%" PRId64 "ns\"))", seconds,
                         nanos);
    else
        fd_strbuf_printf(out, "(duration(\"%" PRId64 "s\") + duration(\"%" PRId64 "ns\"))", seconds,
                         nanos);
}

static void write_value(const textproto *value, fd_strbuf *out)
{
    const textproto *f = value->first;
    FD_ASSERT(f != NULL);
    if (fd_str_eq_c(f->name, "null_value"))
        fd_strbuf_puts(out, "null");
    else if (fd_str_eq_c(f->name, "uint64_value"))
        fd_strbuf_printf(out, FD_STR_FMT "u", FD_STR_ARG(f->text));
    else if (fd_str_eq_c(f->name, "double_value"))
        write_double(textproto_double(f->text), out);
    else if (fd_str_eq_c(f->name, "string_value"))
        write_text(f->text, false, out);
    else if (fd_str_eq_c(f->name, "bytes_value"))
        write_text(f->text, true, out);
    else if (fd_str_eq_c(f->name, "list_value"))
        write_items(f, false, out);
    else if (fd_str_eq_c(f->name, "map_value"))
        write_items(f, true, out);
    else if (fd_str_eq_c(f->name, "object_value"))
        write_time(f, out);
    else /* bool_value, int64_value, type_value */
        fd_strbuf_printf(out, FD_STR_FMT, FD_STR_ARG(f->text));
}

/* ---- names ---- */

static uint32_t name_index(environment *e, fd_str name)
{
    uint32_t i = 0;
    static const fd_cel_type dyn = {.kind = FD_CEL_DYN};
    while (i < e->n_names && !fd_str_eq(e->names[i].name, name))
        i++;
    FD_ASSERT(i < NAMES_MAX);
    if (i == e->n_names)
        e->names[e->n_names++] = (declared_name){name, &dyn};
    return i;
}

static const fd_cel_program *compile_text(environment *e, fd_str text)
{
    fd_diags d;
    fd_diags_init(&d);
    const fd_cel_scope nothing = {.event = NULL};
    fd_cel_source src = {.text = fd_arena_str(e->arena, text)};
    const fd_cel_program *p = fd_cel_compile(&nothing, &src, e->arena, &d);
    FD_ASSERT(p != NULL);
    fd_diags_free(&d);
    return p;
}

/* A path as it may be meant in a container: "a.b" in "x.y" is x.y.a.b, x.a.b or a.b. */
static fd_cel_lookup find_variable(void *ctx, fd_str path, bool rooted, const fd_cel_type **type,
                                   uint32_t *slot)
{
    environment *e = ctx;
    fd_str in = rooted ? (fd_str){NULL, 0} : e->container;
    for (;;) {
        char full[512];
        int n = snprintf(full, sizeof full, FD_STR_FMT "%s" FD_STR_FMT, FD_STR_ARG(in),
                         in.n == 0 ? "" : ".", FD_STR_ARG(path));
        FD_ASSERT(n > 0 && (size_t)n < sizeof full);
        for (uint32_t i = 0; i < e->n_names; i++) {
            if (!fd_str_eq_c(e->names[i].name, full))
                continue;
            *type = e->names[i].type;
            *slot = i;
            return FD_CEL_FOUND;
        }
        if (in.n == 0)
            return FD_CEL_UNKNOWN;
        while (in.n > 0 && in.p[in.n - 1] != '.')
            in.n--;
        in.n -= in.n > 0;
    }
}

/* ---- functions ---- */

static bool is_param(const textproto *type)
{
    return type->first != NULL && fd_str_eq_c(type->first->name, "type_param");
}

/* Binds a type parameter to what an argument has there; twice the same, or one that is dyn. */
static bool bind(bindings *b, fd_str name, const fd_cel_type *t)
{
    uint32_t i = 0;
    while (i < b->n && !fd_str_eq(b->names[i], name))
        i++;
    FD_ASSERT(i < sizeof b->names / sizeof *b->names);
    if (i == b->n) {
        b->names[b->n] = name;
        b->types[b->n++] = t;
        return true;
    }
    if (b->types[i]->kind == FD_CEL_DYN || t->kind == FD_CEL_DYN) {
        static const fd_cel_type dyn = {.kind = FD_CEL_DYN};
        b->types[i] = &dyn;
        return true;
    }
    return b->types[i]->kind == t->kind;
}

static bool takes(const textproto *param, const fd_cel_type *arg, bindings *b)
{
    if (is_param(param))
        return bind(b, param->first->text, arg);
    const textproto *f = param->first;
    if (arg->kind == FD_CEL_DYN || f == NULL)
        return true;
    if (!fd_str_eq_c(f->name, "abstract_type"))
        return type_matches(arg, param);
    if (arg->kind != FD_CEL_ABSTRACT || !fd_str_eq_c(textproto_get(f, "name")->text, arg->name))
        return false;
    const textproto *p = textproto_get(f, "parameter_types");
    for (; p != NULL && arg != NULL; p = textproto_again(p), arg = arg->key) {
        if (!takes(p, arg->elem, b))
            return false;
    }
    return p == NULL && arg == NULL;
}

static const fd_cel_type *find_function(void *ctx, fd_str name, const fd_cel_type *const *args,
                                        uint32_t n, fd_arena *arena)
{
    const environment *e = ctx;
    for (uint32_t i = 0; i < e->n_functions; i++) {
        if (!fd_str_eq(textproto_get(e->functions[i], "name")->text, name))
            continue;
        const textproto *o = textproto_get(textproto_get(e->functions[i], "function"), "overloads");
        for (; o != NULL; o = textproto_again(o)) {
            bindings b = {.n = 0};
            const textproto *p = textproto_get(o, "params");
            uint32_t a = 0;
            while (p != NULL && a < n && takes(p, args[a], &b)) {
                p = textproto_again(p);
                a++;
            }
            if (p == NULL && a == n)
                return declared_type(textproto_get(o, "result_type"), &b, arena);
        }
    }
    return NULL;
}

/* ---- the whole ---- */

static const char *declare(environment *e, const textproto *test)
{
    const textproto *d = textproto_get(test, "type_env");
    for (; d != NULL; d = textproto_again(d)) {
        const textproto *ident = textproto_get(d, "ident");
        if (is_message_type(ident) || is_message_type(textproto_get(d, "function")))
            return "declares a name of a message type";
        if (ident == NULL) {
            FD_ASSERT(e->n_functions < FUNCTIONS_MAX);
            e->functions[e->n_functions++] = d;
            continue;
        }
        uint32_t i = name_index(e, textproto_get(d, "name")->text);
        e->names[i].type = declared_type(textproto_get(ident, "type"), NULL, e->arena);
    }
    return NULL;
}

const char *environment_of(environment *e, const textproto *test, fd_arena *arena)
{
    const textproto *container = textproto_get(test, "container");
    *e = (environment){.arena = arena};
    if (container != NULL)
        e->container = container->text;
    const char *needs = declare(e, test);
    const textproto *b = textproto_get(test, "bindings");
    for (; b != NULL && needs == NULL; b = textproto_again(b)) {
        const textproto *value = textproto_get(textproto_get(b, "value"), "value");
        if (is_message_value(value))
            return "binds a name to a message";
        fd_strbuf text = {0};
        if (value == NULL)
            fd_strbuf_puts(&text, "1 / 0"); /* bound to an error */
        else
            write_value(value, &text);
        uint32_t i = name_index(e, textproto_get(b, "key")->text);
        e->programs[i] = compile_text(e, (fd_str){text.p, (uint32_t)text.n});
        fd_strbuf_free(&text);
    }
    for (uint32_t i = 0; i < e->n_names; i++) {
        if (e->programs[i] == NULL)
            e->programs[i] = compile_text(e, FD_STR("[][0]")); /* declared only */
    }
    e->lang = (fd_cel_environment){.ctx = e,
                                   .variable = find_variable,
                                   .function = find_function,
                                   .unchecked = textproto_is_true(test, "disable_check"),
                                   .macros_off = textproto_is_true(test, "disable_macros")};
    return needs;
}
