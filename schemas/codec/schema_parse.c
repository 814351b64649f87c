/*
 * Avro's JSON to nodes; see schema.h for the contract.
 *
 * Every error names the path of the type in the schema, and the line when the offending word
 * occurs once in the text (jansson keeps no positions). Recursion is bounded by
 * FD_SCHEMA_MAX_DEPTH. Not here: the catalogue (schema_type.c), canonical forms (schema_canon.c).
 */
#include <stdio.h>

#include "base/assert.h"
#include "codec/schema_parse_int.h"

/* --- errors --- */

static const char *find_quoted(const fd_parser *p, const char *word)
{
    char quoted[128];
    int n = snprintf(quoted, sizeof quoted, "\"%s\"", word);
    if (n < 0 || (size_t)n >= sizeof quoted)
        return NULL;
    const char *first = memmem(p->text, p->text_n, quoted, (size_t)n);
    if (first == NULL)
        return NULL;
    const char *rest = first + n;
    size_t left = p->text_n - (size_t)(rest - p->text);
    return memmem(rest, left, quoted, (size_t)n) == NULL ? first : NULL;
}

void fd_parser_place(const fd_parser *p, size_t at, fd_diag *d)
{
    size_t begin = at;
    while (begin > 0 && p->text[begin - 1] != '\n')
        begin--;
    size_t end = at;
    while (end < p->text_n && p->text[end] != '\n' && end - begin < 200)
        end++;
    d->line = 1;
    for (size_t i = 0; i < begin; i++)
        d->line += p->text[i] == '\n';
    d->col = (int)(at - begin) + 1;
    fd_str line = {p->text + begin, (uint32_t)(end - begin)};
    d->source = fd_arena_str(p->arena, line).p;
}

static void report(fd_parser *p, fd_severity severity, const char *word, const char *text,
                   const char *hint)
{
    const char *full = text;
    if (p->path.n > 0)
        full = fd_arena_printf(p->arena, "%s: %s", p->path.p, text);
    fd_diag d = {.severity = severity, .file = p->file, .text = full, .hint = hint, .width = 1};
    const char *at = word == NULL ? NULL : find_quoted(p, word);
    if (at != NULL) {
        fd_parser_place(p, (size_t)(at - p->text), &d);
        d.width = (int)strlen(word) + 2;
    }
    fd_diags_add(p->diags, &d);
}

fd_node *fd_parser_fail(fd_parser *p, const char *word, const char *hint, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    report(p, FD_ERROR, word, text, hint);
    return NULL;
}

static void warn(fd_parser *p, const char *word, const char *hint, const char *text)
{
    report(p, FD_WARNING, word, text, hint);
}

size_t fd_parser_enter(fd_parser *p, const char *step)
{
    size_t was = p->path.n;
    if (was > 0 && step[0] != '[')
        fd_strbuf_putc(&p->path, '.');
    fd_strbuf_puts(&p->path, step);
    return was;
}

void fd_parser_leave(fd_parser *p, size_t was)
{
    p->path.n = was;
    if (p->path.p != NULL)
        p->path.p[was] = '\0';
}

/* --- names --- */

/* A string's text. NULL for what is no string, or holds a NUL, which only defaults may. */
static const char *text_of(const json_t *v)
{
    const char *s = json_string_value(v);
    return s != NULL && strlen(s) == json_string_length(v) ? s : NULL;
}

static bool is_name(const char *s)
{
    if (*s == '\0')
        return false;
    for (const char *c = s; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        bool digit = *c >= '0' && *c <= '9' && c != s;
        if (!letter && !digit)
            return false;
    }
    return true;
}

static bool is_dotted_name(const char *s)
{
    char part[256];
    for (;;) {
        const char *dot = strchr(s, '.');
        size_t n = dot == NULL ? strlen(s) : (size_t)(dot - s);
        if (n >= sizeof part)
            return false;
        memcpy(part, s, n);
        part[n] = '\0';
        if (!is_name(part))
            return false;
        if (dot == NULL)
            return true;
        s = dot + 1;
    }
}

static const char *full_name(fd_parser *p, const char *name, const char *space)
{
    if (strchr(name, '.') != NULL || space == NULL || *space == '\0')
        return fd_arena_cstr(p->arena, name);
    return fd_arena_printf(p->arena, "%s.%s", space, name);
}

static const char *space_of(fd_parser *p, const char *full)
{
    const char *dot = strrchr(full, '.');
    if (dot == NULL)
        return "";
    return fd_arena_str(p->arena, (fd_str){full, (uint32_t)(dot - full)}).p;
}

static fd_node *find_named(const fd_parser *p, const char *full)
{
    for (uint32_t i = 0; i < p->n_named; i++) {
        if (strcmp(p->named[i]->name, full) == 0)
            return p->named[i];
    }
    return NULL;
}

static fd_node *node_new(fd_parser *p, fd_avro kind)
{
    fd_node *n = fd_arena_zalloc(p->arena, sizeof *n);
    FD_ALLOCATED(n);
    n->kind = kind;
    n->enum_default = -1;
    return n;
}

static bool parse_aliases(fd_parser *p, const json_t *o, const char *space, bool types,
                          const char ***out, uint32_t *n_out)
{
    const json_t *list = json_object_get(o, "aliases");
    if (list == NULL)
        return true;
    if (!json_is_array(list))
        return fd_parser_fail(p, "aliases", "write [\"old_name\"]", "aliases must be a list"),
               false;
    size_t n = json_array_size(list);
    *out = fd_arena_zalloc(p->arena, (n + 1) * sizeof **out);
    FD_ALLOCATED(*out);
    for (size_t i = 0; i < n; i++) {
        const char *a = text_of(json_array_get(list, i));
        if (a == NULL || !(types ? is_dotted_name(a) : is_name(a)))
            return fd_parser_fail(p, a, NULL, "an alias is not a name"), false;
        (*out)[(*n_out)++] = types ? full_name(p, a, space) : fd_arena_cstr(p->arena, a);
    }
    return true;
}

/* Name, namespace and aliases of a record, enum or fixed; registers it. */
static bool parse_named(fd_parser *p, const json_t *o, const char *space, fd_node *n)
{
    const char *what = fd_avro_name(n->kind);
    const char *name = text_of(json_object_get(o, "name"));
    if (name == NULL)
        return fd_parser_fail(p, NULL, NULL, "a %s without a name", what), false;
    const char *own = text_of(json_object_get(o, "namespace"));
    if (own == NULL && json_object_get(o, "namespace") != NULL)
        return fd_parser_fail(p, "namespace", NULL, "namespace must be a string"), false;
    if (own != NULL && *own != '\0' && !is_dotted_name(own))
        return fd_parser_fail(p, own, NULL, "the namespace is not a name"), false;
    if (!is_dotted_name(name))
        return fd_parser_fail(p, name, "letters, digits and _, not beginning with a digit",
                              "'%s' is not a name", name),
               false;
    n->name = full_name(p, name, own != NULL ? own : space);
    for (int a = 0; a < FD_AVRO_RECORD; a++) {
        if (strcmp(n->name, fd_avro_name((fd_avro)a)) == 0)
            return fd_parser_fail(p, NULL, NULL, "a %s cannot be named '%s'", what, n->name), false;
    }
    if (find_named(p, n->name) != NULL)
        return fd_parser_fail(p, NULL, "refer to it by its name instead",
                              "'%s' is defined a second time", n->name),
               false;
    if (p->n_named == FD_PARSER_MAX_NAMED)
        return fd_parser_fail(p, NULL, NULL, "more than %d named types", FD_PARSER_MAX_NAMED),
               false;
    p->named[p->n_named++] = n;
    return parse_aliases(p, o, space_of(p, n->name), true, &n->aliases, &n->n_aliases);
}

/* --- types --- */

static fd_node *parse_enum(fd_parser *p, const json_t *o, const char *space)
{
    fd_node *n = node_new(p, FD_AVRO_ENUM);
    if (!parse_named(p, o, space, n))
        return NULL;
    const json_t *symbols = json_object_get(o, "symbols");
    size_t count = json_array_size(symbols);
    if (count == 0)
        return fd_parser_fail(p, NULL, "write \"symbols\": [\"A\", \"B\"]",
                              "enum %s has no symbols", n->name);
    n->symbols = fd_arena_zalloc(p->arena, count * sizeof *n->symbols);
    FD_ALLOCATED(n->symbols);
    for (size_t i = 0; i < count; i++) {
        const char *s = text_of(json_array_get(symbols, i));
        if (s == NULL || !is_name(s))
            return fd_parser_fail(p, s, "letters, digits and _, not beginning with a digit",
                                  "symbol %zu of enum %s is not a name", i + 1, n->name);
        for (uint32_t k = 0; k < n->n; k++) {
            if (fd_str_eq_c(n->symbols[k], s))
                return fd_parser_fail(p, NULL, NULL, "enum %s has '%s' twice", n->name, s);
        }
        n->symbols[n->n++] = fd_arena_str(p->arena, fd_str_from(s));
    }
    const json_t *def = json_object_get(o, "default");
    for (uint32_t k = 0; text_of(def) != NULL && k < n->n; k++) {
        if (fd_str_eq_c(n->symbols[k], text_of(def)))
            n->enum_default = (int)k;
    }
    if (def != NULL && n->enum_default < 0)
        return fd_parser_fail(p, NULL, "it must be one of its symbols",
                              "the default of enum %s is not a symbol of it", n->name);
    return n;
}

static fd_node *parse_union(fd_parser *p, const json_t *list, const char *space, int depth)
{
    fd_node *n = node_new(p, FD_AVRO_UNION);
    size_t count = json_array_size(list);
    if (count == 0)
        return fd_parser_fail(p, NULL, NULL, "a union without branches");
    n->branches = fd_arena_zalloc(p->arena, count * sizeof(fd_node *));
    FD_ALLOCATED(n->branches);
    for (size_t i = 0; i < count; i++) {
        fd_node *b = fd_parser_type(p, json_array_get(list, i), space, depth + 1);
        if (b == NULL)
            return NULL;
        if (b->kind == FD_AVRO_UNION)
            return fd_parser_fail(p, NULL, "put its branches into the outer one",
                                  "a union directly inside a union");
        for (uint32_t k = 0; k < n->n; k++) {
            const fd_node *was = n->branches[k];
            bool same = was->kind == b->kind &&
                        (b->name == NULL || strcmp(was->name, b->name) == 0);
            if (same)
                return fd_parser_fail(p, NULL, NULL, "a union with %s twice",
                                      b->name == NULL ? fd_avro_name(b->kind) : b->name);
        }
        n->branches[n->n++] = b;
    }
    return n;
}

static bool parse_field(fd_parser *p, const json_t *o, const char *space, int depth, fd_node *rec)
{
    const char *name = text_of(json_object_get(o, "name"));
    if (name == NULL || !is_name(name))
        return fd_parser_fail(p, name, "letters, digits and _, not beginning with a digit",
                              "field %u of %s has no proper name", rec->n + 1, rec->name),
               false;
    for (uint32_t i = 0; i < rec->n; i++) {
        if (strcmp(rec->fields[i].name, name) == 0)
            return fd_parser_fail(p, NULL, NULL, "%s has the field '%s' twice", rec->name, name),
                   false;
    }
    size_t was = fd_parser_enter(p, name);
    const json_t *type = json_object_get(o, "type");
    fd_node_field *f = &rec->fields[rec->n];
    f->name = fd_arena_cstr(p->arena, name);
    f->def = json_object_get(o, "default");
    if (type == NULL)
        return fd_parser_fail(p, name, NULL, "a field without a type"), false;
    if (json_object_get(o, "logicalType") != NULL)
        warn(p, name, "write \"type\": {\"type\": \"long\", \"logicalType\": ...}",
             "logicalType beside \"type\" has no effect, it belongs inside it");
    f->node = fd_parser_type(p, type, space, depth + 1);
    if (f->node == NULL || !parse_aliases(p, o, NULL, false, &f->aliases, &f->n_aliases))
        return false;
    fd_parser_leave(p, was);
    rec->n++;
    return true;
}

static fd_node *parse_record(fd_parser *p, const json_t *o, const char *space, int depth)
{
    fd_node *n = node_new(p, FD_AVRO_RECORD);
    if (!parse_named(p, o, space, n))
        return NULL;
    const json_t *fields = json_object_get(o, "fields");
    if (!json_is_array(fields))
        return fd_parser_fail(p, NULL, NULL, "record %s has no list of fields", n->name);
    size_t count = json_array_size(fields);
    n->fields = fd_arena_zalloc(p->arena, (count + 1) * sizeof *n->fields);
    FD_ALLOCATED(n->fields);
    n->busy = true;
    const char *inner = space_of(p, n->name);
    for (size_t i = 0; i < count; i++) {
        if (!parse_field(p, json_array_get(fields, i), inner, depth, n))
            return NULL;
    }
    n->busy = false;
    return n;
}

static fd_node *parse_fixed(fd_parser *p, const json_t *o, const char *space)
{
    fd_node *n = node_new(p, FD_AVRO_FIXED);
    if (!parse_named(p, o, space, n))
        return NULL;
    const json_t *size = json_object_get(o, "size");
    json_int_t bytes = json_is_integer(size) ? json_integer_value(size) : -1;
    if (bytes < 0 || bytes > FD_SCHEMA_MAX_BYTES)
        return fd_parser_fail(p, NULL, NULL, "fixed %s needs a size from 0 to %d", n->name,
                              FD_SCHEMA_MAX_BYTES);
    n->size = (uint32_t)bytes;
    return n;
}

static fd_node *parse_reference(fd_parser *p, const char *name, const char *space)
{
    for (int a = 0; a < FD_AVRO_RECORD; a++) {
        if (strcmp(name, fd_avro_name((fd_avro)a)) == 0)
            return node_new(p, (fd_avro)a);
    }
    fd_node *n = find_named(p, full_name(p, name, space));
    if (n == NULL)
        n = find_named(p, name);
    if (n == NULL) {
        const char *known[FD_AVRO_RECORD + FD_PARSER_MAX_NAMED];
        size_t k = 0;
        for (int a = 0; a < FD_AVRO_RECORD; a++)
            known[k++] = fd_avro_name((fd_avro)a);
        for (uint32_t i = 0; i < p->n_named; i++)
            known[k++] = fd_short_name(p->named[i]->name);
        const char *near = fd_did_you_mean(name, known, k);
        const char *hint = near == NULL ? NULL
                                        : fd_arena_printf(p->arena, "did you mean \"%s\"?", near);
        return fd_parser_fail(p, name, hint, "unknown type '%s'", name);
    }
    if (n->busy)
        n->recursive = true;
    return n;
}

enum { UUID_BYTES = 16 };

static bool decimal_fits(const fd_node *n, json_int_t precision, json_int_t scale)
{
    if (precision < 1 || precision > 1000 || scale < 0 || scale > precision || scale > 255)
        return false;
    /* digits that `size` bytes of two's complement can hold: floor(log10(2^(8·size-1) - 1)) */
    return n->kind != FD_AVRO_FIXED || n->size >= 64 ||
           precision * 100000 <= ((json_int_t)n->size * 8 - 1) * 30103;
}

static void parse_logical(fd_parser *p, const json_t *o, fd_node *n)
{
    const char *text = text_of(json_object_get(o, "logicalType"));
    if (text == NULL)
        return;
    static const fd_avro bases[] = {FD_AVRO_NULL,
#define X(name, text, base, per_second) FD_AVRO_##base,
                                    FD_LOGICALS(X)
#undef X
    };
    for (int l = 1; l < FD_N_LOGICALS; l++) {
        if (strcmp(text, fd_logical_name((fd_logical)l)) != 0)
            continue;
        bool fixed = n->kind == FD_AVRO_FIXED &&
                     (l == FD_LOGICAL_DECIMAL || (l == FD_LOGICAL_UUID && n->size == UUID_BYTES));
        bool base = fixed || n->kind == bases[l];
        json_int_t precision = json_integer_value(json_object_get(o, "precision"));
        json_int_t scale = json_integer_value(json_object_get(o, "scale"));
        if (!base || (l == FD_LOGICAL_DECIMAL && !decimal_fits(n, precision, scale))) {
            const char *why = fd_arena_printf(p->arena,
                                              "logicalType %s does not fit this %s and is ignored",
                                              text, fd_avro_name(n->kind));
            warn(p, NULL, NULL, why);
            return;
        }
        n->logical = (fd_logical)l;
        n->precision = (uint32_t)precision;
        n->scale = (uint32_t)scale;
    }
}

static fd_node *parse_object(fd_parser *p, const json_t *o, const char *space, int depth)
{
    const json_t *type = json_object_get(o, "type");
    if (type == NULL)
        return fd_parser_fail(p, NULL, NULL, "a type without \"type\"");
    if (json_is_object(type) || json_is_array(type))
        return fd_parser_type(p, type, space, depth + 1);
    const char *name = text_of(type);
    if (name == NULL)
        return fd_parser_fail(p, NULL, NULL, "\"type\" must be a name, an object or a list");
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0)
        return parse_record(p, o, space, depth);
    if (strcmp(name, "enum") == 0)
        return parse_enum(p, o, space);
    bool array = strcmp(name, "array") == 0;
    if (array || strcmp(name, "map") == 0) {
        const json_t *item = json_object_get(o, array ? "items" : "values");
        if (item == NULL)
            return fd_parser_fail(p, NULL, NULL, "%s without \"%s\"", name,
                                  array ? "items" : "values");
        fd_node *n = node_new(p, array ? FD_AVRO_ARRAY : FD_AVRO_MAP);
        size_t was = fd_parser_enter(p, "[]");
        n->item = fd_parser_type(p, item, space, depth + 1);
        fd_parser_leave(p, was);
        return n->item == NULL ? NULL : n;
    }
    bool fixed = strcmp(name, "fixed") == 0;
    fd_node *n = fixed ? parse_fixed(p, o, space) : parse_reference(p, name, space);
    if (n != NULL && (fixed || n->kind < FD_AVRO_RECORD))
        parse_logical(p, o, n);
    return n;
}

fd_node *fd_parser_type(fd_parser *p, const json_t *v, const char *space, int depth)
{
    if (depth > FD_SCHEMA_MAX_DEPTH)
        return fd_parser_fail(p, NULL, NULL, "nested deeper than %d levels", FD_SCHEMA_MAX_DEPTH);
    if (text_of(v) != NULL)
        return parse_reference(p, text_of(v), space);
    if (json_is_array(v))
        return parse_union(p, v, space, depth);
    if (json_is_object(v))
        return parse_object(p, v, space, depth);
    return fd_parser_fail(p, NULL, NULL, "a type must be a name, an object or a list");
}

/* --- defaults --- */

static void check_default(fd_parser *p, const fd_node *rec, const fd_node_field *f)
{
    fd_strbuf bytes = {0}, why = {0};
    if (f->def != NULL && !fd_node_encode_json(f->node, f->def, true, &bytes, &why))
        warn(p, f->name, "records without the field cannot be read with this schema",
             fd_arena_printf(p->arena, "the default of %s.%s does not fit: %s", rec->name, f->name,
                             why.p));
    fd_strbuf_free(&bytes);
    fd_strbuf_free(&why);
}

void fd_parser_check_defaults(fd_parser *p)
{
    for (uint32_t i = 0; i < p->n_named; i++) {
        const fd_node *rec = p->named[i];
        for (uint32_t k = 0; rec->kind == FD_AVRO_RECORD && k < rec->n; k++)
            check_default(p, rec, &rec->fields[k]);
    }
}
