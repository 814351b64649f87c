/*
 * An event of a test as JSON, led by the event's type, and from there to Avro: what a YAML scalar
 * means is what the field takes. Errors point at the value.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/container.h"
#include "lang/time.h"
#include "testing/testing_int.h"

typedef struct writer {
    fd_testing *t;
    fd_yaml *y;
    fd_strbuf *out;
    fd_strbuf path;
    const char *const *skip;
    uint32_t n_skip;
    uint32_t number;
    int64_t time_us;
    bool ok;
} writer;

static bool write_value(writer *w, const fd_type *type, fd_yaml_node *n);

/* Defaults are met once per event: their errors are told once. */
static bool is_told(fd_testing *t, const fd_yaml_node *n)
{
    for (uint32_t i = 0; i < t->n_told; i++) {
        if (t->told[i] == n)
            return true;
    }
    if (t->n_told < sizeof t->told / sizeof *t->told)
        t->told[t->n_told++] = n;
    return false;
}

static bool refuse(writer *w, const fd_yaml_node *n, const char *hint, const char *text)
{
    w->ok = false;
    if (!is_told(w->t, n))
        fd_yaml_report(w->y, n, FD_ERROR, hint, "%s: %s", w->path.p, text);
    return false;
}

static bool is_null(const fd_yaml_node *n)
{
    if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    fd_str s = {(const char *)n->data.scalar.value, (uint32_t)n->data.scalar.length};
    return s.n == 0 || fd_str_eq_c(s, "~") || fd_str_eq_c(s, "null");
}

static fd_str key_of(fd_yaml *y, const yaml_node_pair_t *p)
{
    const fd_yaml_node *k = fd_yaml_get(y, p->key);
    if (k->type != YAML_SCALAR_NODE)
        return (fd_str){"", 0};
    return (fd_str){(const char *)k->data.scalar.value, (uint32_t)k->data.scalar.length};
}

static bool among(fd_str s, const char *const *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (fd_str_eq_c(s, names[i]))
            return true;
    }
    return false;
}

/* ---- scalars ---- */

static bool expected(writer *w, const fd_yaml_node *n, const char *what)
{
    fd_strbuf text = {0};
    fd_strbuf_printf(&text, "expected %s", what);
    if (n->type == YAML_SCALAR_NODE)
        fd_strbuf_printf(&text, ", not \"%.64s\"", (const char *)n->data.scalar.value);
    else
        fd_strbuf_puts(&text, n->type == YAML_SEQUENCE_NODE ? ", not a list" : ", not a mapping");
    refuse(w, n, NULL, text.p);
    fd_strbuf_free(&text);
    return false;
}

static bool write_symbol(writer *w, const fd_type *type, const fd_yaml_node *n, fd_str s)
{
    const char *names[64];
    uint32_t shown = 0;
    for (uint32_t i = 0; i < type->n_symbols; i++) {
        if (fd_str_eq(type->symbols[i], s)) {
            fd_strbuf_json(w->out, s);
            return true;
        }
        if (shown < 64)
            names[shown++] = type->symbols[i].p;
    }
    fd_strbuf hint = {0}, text = {0};
    fd_strbuf_printf(&text, "it is never \"%.64s\"", s.p);
    for (uint32_t i = 0; i < shown; i++)
        fd_strbuf_printf(&hint, "%s%s", i == 0 ? "it is one of: " : ", ", names[i]);
    refuse(w, n, hint.p, text.p);
    fd_strbuf_free(&text);
    fd_strbuf_free(&hint);
    return false;
}

static bool whole_number(fd_str s)
{
    errno = 0;
    char *end;
    (void)strtoll(s.p, &end, 10);
    return s.n > 0 && end == s.p + s.n && errno == 0 && s.p[0] != '+' && s.p[0] != ' ';
}

static bool write_int(writer *w, const fd_type *type, const fd_yaml_node *n, fd_str s)
{
    if (type->scale > 0) { /* a decimal, as text so that no digit is lost */
        fd_strbuf_json(w->out, s);
        return true;
    }
    if (!whole_number(s))
        return expected(w, n, "a whole number");
    fd_strbuf_int(w->out, strtoll(s.p, NULL, 10));
    return true;
}

static bool write_double(writer *w, const fd_yaml_node *n, fd_str s)
{
    char *end;
    double d = strtod(s.p, &end);
    if (s.n == 0 || end != s.p + s.n || s.p[0] == ' ')
        return expected(w, n, "a number");
    bool finite = isfinite(d);
    fd_strbuf_puts(w->out, finite ? "" : "\"");
    fd_strbuf_double(w->out, d);
    fd_strbuf_puts(w->out, finite ? "" : "\"");
    return true;
}

static bool write_time(writer *w, const fd_type *type, const fd_yaml_node *n, fd_str s)
{
    if (whole_number(s)) {
        fd_strbuf_int(w->out, strtoll(s.p, NULL, 10));
        return true;
    }
    bool timestamp = type->kind == FD_TIMESTAMP && type->per_second != 0;
    if (timestamp && fd_cel_parse_timestamp(s).kind != FD_CEL_TIMESTAMP)
        return refuse(w, n, "write a time like 2026-01-31T10:00:00Z, with its zone",
                      "this is not a time");
    fd_strbuf_json(w->out, s);
    return true;
}

/* Where the type does not say: as YAML's core schema reads it. */
static void write_guess(writer *w, const fd_yaml_node *n, fd_str s)
{
    bool plain = n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    char *end;
    double d = strtod(s.p, &end);
    if (plain && (fd_str_eq_c(s, "true") || fd_str_eq_c(s, "false")))
        fd_strbuf_add(w->out, s.p, s.n);
    else if (plain && whole_number(s))
        fd_strbuf_int(w->out, strtoll(s.p, NULL, 10));
    else if (plain && s.n > 0 && end == s.p + s.n && isfinite(d))
        fd_strbuf_double(w->out, d);
    else
        fd_strbuf_json(w->out, s);
}

static const char *what_of(const fd_type *type)
{
    return type->kind == FD_LIST                             ? "a list"
           : type->kind == FD_MAP || type->kind == FD_RECORD ? "a mapping (key: value)"
                                                             : "one value";
}

static bool write_scalar(writer *w, const fd_type *type, const fd_yaml_node *n)
{
    fd_str s = {(const char *)n->data.scalar.value, (uint32_t)n->data.scalar.length};
    switch (type->kind) {
    case FD_BOOL:
        if (!fd_str_eq_c(s, "true") && !fd_str_eq_c(s, "false"))
            return expected(w, n, "true or false");
        fd_strbuf_add(w->out, s.p, s.n);
        return true;
    case FD_INT:
        return write_int(w, type, n, s);
    case FD_DOUBLE:
        return write_double(w, n, s);
    case FD_STRING:
        if (type->is_enum)
            return write_symbol(w, type, n, s);
        fd_strbuf_json(w->out, s);
        return true;
    case FD_BYTES:
        fd_strbuf_json(w->out, s);
        return true;
    case FD_TIMESTAMP:
    case FD_DURATION:
        return write_time(w, type, n, s);
    case FD_LIST:
    case FD_MAP:
    case FD_RECORD:
        return expected(w, n, what_of(type));
    default:
        write_guess(w, n, s);
        return true;
    }
}

/* ---- composed values ---- */

static size_t enter(writer *w, fd_str step)
{
    size_t was = w->path.n;
    fd_strbuf_printf(&w->path, "%s" FD_STR_FMT, was == 0 ? "" : ".", FD_STR_ARG(step));
    return was;
}

static void leave(writer *w, size_t was)
{
    w->path.n = was;
    w->path.p[was] = '\0';
}

static void write_list(writer *w, const fd_type *elem, fd_yaml_node *n)
{
    fd_strbuf_putc(w->out, '[');
    yaml_node_item_t *end = n->data.sequence.items.top;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < end; i++) {
        if (i != n->data.sequence.items.start)
            fd_strbuf_putc(w->out, ',');
        write_value(w, elem, fd_yaml_get(w->y, *i));
    }
    fd_strbuf_putc(w->out, ']');
}

static void write_map(writer *w, const fd_type *elem, fd_yaml_node *n)
{
    fd_strbuf_putc(w->out, '{');
    yaml_node_pair_t *end = n->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < end; p++) {
        if (p != n->data.mapping.pairs.start)
            fd_strbuf_putc(w->out, ',');
        fd_strbuf_json(w->out, key_of(w->y, p));
        fd_strbuf_putc(w->out, ':');
        write_value(w, elem, fd_yaml_get(w->y, p->value));
    }
    fd_strbuf_putc(w->out, '}');
}

static const fd_type anything = {.kind = FD_UNION, .nullable = true};

static bool write_value(writer *w, const fd_type *type, fd_yaml_node *n)
{
    bool open = type->kind == FD_UNION || type->kind == FD_OPAQUE;
    if (is_null(n)) {
        fd_strbuf_puts(w->out, "null");
        return type->nullable || open || refuse(w, n, NULL, "it is never null");
    }
    if (n->type == YAML_SCALAR_NODE)
        return write_scalar(w, type, n);
    if (n->type == YAML_SEQUENCE_NODE) {
        if (type->kind != FD_LIST && !open)
            return expected(w, n, what_of(type));
        write_list(w, open ? &anything : type->elem, n);
        return true;
    }
    if (type->kind != FD_MAP && type->kind != FD_RECORD && !open)
        return expected(w, n, what_of(type));
    write_map(w, type->kind == FD_MAP ? type->elem : &anything, n);
    return true;
}

/* ---- records, layer over layer ---- */

/* The node of a key, or NULL. */
static fd_yaml_node *find(writer *w, fd_yaml_node *map, const char *name)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE)
        return NULL;
    yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < end; p++) {
        if (fd_str_eq_c(key_of(w->y, p), name))
            return fd_yaml_get(w->y, p->value);
    }
    return NULL;
}

typedef struct layers {
    fd_yaml_node *at[FD_TEST_LAYERS];
} layers;

static void write_record(writer *w, const fd_type *type, const layers *from, bool top);

/* Of a nested record what a layer says of its fields goes over what the layers before say, from
 * the last one on that is not a mapping. */
static bool write_field(writer *w, const fd_type *type, const layers *values)
{
    fd_yaml_node *last = NULL;
    layers nested = {{NULL}};
    for (int i = 0; i < FD_TEST_LAYERS; i++) {
        if (values->at[i] == NULL)
            continue;
        last = values->at[i];
        if (last->type != YAML_MAPPING_NODE)
            nested = (layers){{NULL}};
        else
            nested.at[i] = last;
    }
    if (type->kind != FD_RECORD || last->type != YAML_MAPPING_NODE)
        return write_value(w, type, last);
    write_record(w, type, &nested, false);
    return true;
}

static bool is_path(const writer *w, fd_str path)
{
    return path.n != 0 && fd_str_eq(path, (fd_str){w->path.p, (uint32_t)w->path.n});
}

/* Is there something below this path that the test itself gives (id, time)? */
static bool leads_to(const writer *w, fd_str path)
{
    return path.n > w->path.n && memcmp(path.p, w->path.p, w->path.n) == 0 &&
           path.p[w->path.n] == '.';
}

static bool write_own_time(writer *w, const fd_yaml_node *given)
{
    const fd_type *type = w->t->world.time_type;
    int64_t per_second = type->kind == FD_TIMESTAMP ? type->per_second : 1000;
    if (given != NULL)
        return refuse(w, given, "write at: 2026-01-31T10:00:00Z, or after: 10s",
                      "the event's time is said by at or after");
    __int128 ticks = (__int128)w->time_us * per_second;
    fd_strbuf_int(w->out, (int64_t)(ticks / 1000000));
    return true;
}

static void write_own_id(writer *w)
{
    bool text = w->t->world.id_type->kind == FD_STRING;
    fd_strbuf_printf(w->out, text ? "\"event-%u\"" : "%u", w->number);
}

static bool write_one(writer *w, const fd_type *type, layers *values)
{
    fd_yaml_node *given = NULL;
    for (int i = 0; i < FD_TEST_LAYERS; i++)
        given = values->at[i] != NULL ? values->at[i] : given;
    if (is_path(w, w->t->world.time))
        return write_own_time(w, given);
    if (given != NULL)
        return write_field(w, type, values);
    if (is_path(w, w->t->world.id))
        write_own_id(w);
    else
        write_record(w, type, values, false);
    return true;
}

static void write_record(writer *w, const fd_type *type, const layers *from, bool top)
{
    bool first = true;
    fd_strbuf_putc(w->out, '{');
    for (uint32_t f = 0; f < type->n_fields; f++) {
        const char *name = type->fields[f].name;
        layers values = {{NULL}};
        bool given = false;
        for (int i = 0; i < FD_TEST_LAYERS; i++) {
            bool hidden = top && i == FD_TEST_LAYERS - 2 &&
                          among(fd_str_from(name), w->skip, w->n_skip);
            values.at[i] = hidden ? NULL : find(w, from->at[i], name);
            given = given || values.at[i] != NULL;
        }
        size_t was = enter(w, fd_str_from(name));
        fd_str id = w->t->world.id, time = w->t->world.time;
        if (given || is_path(w, id) || is_path(w, time) || leads_to(w, id) || leads_to(w, time)) {
            fd_strbuf_puts(w->out, first ? "" : ",");
            first = false;
            fd_strbuf_json(w->out, fd_str_from(name));
            fd_strbuf_putc(w->out, ':');
            write_one(w, type->fields[f].type, &values);
        }
        leave(w, was);
    }
    fd_strbuf_putc(w->out, '}');
}

/* ---- names ---- */

static void no_field(fd_testing *t, fd_yaml *y, const fd_yaml_node *key, fd_str name,
                     const fd_type *record, const char *const *skip, uint32_t n_skip)
{
    const char **names = calloc(record->n_fields + n_skip + 1, sizeof *names);
    FD_ALLOCATED(names);
    uint32_t n = 0;
    for (; n < record->n_fields; n++)
        names[n] = record->fields[n].name;
    for (uint32_t i = 0; i < n_skip; i++)
        names[n++] = skip[i];
    fd_str text = fd_arena_str(t->arena, name);
    const char *near = fd_did_you_mean(text.p, names, n);
    const char *dot = strchr(text.p, '.');
    char *hint = near != NULL ? fd_arena_printf(t->arena, "did you mean %s?", near) : NULL;
    if (dot != NULL)
        hint = fd_arena_printf(t->arena, "write %.*s: {%s: ...}", (int)(dot - text.p), text.p,
                               dot + 1);
    free(names);
    fd_yaml_report(y, key, FD_ERROR, hint, "event has no field \"%s\"", text.p);
}

static bool check_map(fd_testing *t, fd_yaml *y, fd_yaml_node *map, const fd_type *record,
                      const char *const *skip, uint32_t n_skip)
{
    bool ok = true;
    yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < end; p++) {
        const fd_yaml_node *key = fd_yaml_get(y, p->key);
        fd_str name;
        if (!fd_yaml_text(y, key, "a key", &name)) {
            ok = false;
            continue;
        }
        for (yaml_node_pair_t *q = map->data.mapping.pairs.start; q < p; q++) {
            if (!fd_str_eq(key_of(y, q), name))
                continue;
            ok = false;
            fd_yaml_report(y, key, FD_ERROR, NULL, "\"%s\" is there twice", name.p);
            break;
        }
        if (among(name, skip, n_skip))
            continue;
        const fd_field *f = fd_type_field(record, name, NULL);
        fd_yaml_node *value = fd_yaml_get(y, p->value);
        if (f == NULL) {
            no_field(t, y, key, name, record, skip, n_skip);
            ok = false;
        } else if (f->type->kind == FD_RECORD && value->type == YAML_MAPPING_NODE) {
            ok = check_map(t, y, value, f->type, NULL, 0) && ok;
        }
    }
    return ok;
}

bool fd_testing_check_fields(fd_testing *t, fd_yaml *y, fd_yaml_node *map, const char *const *skip,
                             uint32_t n_skip)
{
    if (map->type == YAML_MAPPING_NODE)
        return check_map(t, y, map, fd_schema_type(t->world.schema), skip, n_skip);
    fd_yaml_report(y, map, FD_ERROR, NULL, "expected event fields (card_id: C1)");
    return false;
}

/* ---- an event ---- */

/* What only the codec knows to be wrong, at the field that its text begins with. */
static void tell(writer *w, const fd_test_event *event, const fd_strbuf *why)
{
    const fd_yaml_node *at = event->node;
    char *name = fd_arena_printf(w->t->arena, "%.*s", (int)strcspn(why->p, ".[:"), why->p);
    for (int i = 0; i < FD_TEST_LAYERS; i++) {
        const fd_yaml_node *found = find(w, event->layers[i], name);
        at = found != NULL ? found : at;
    }
    w->ok = false;
    if (!is_told(w->t, at))
        fd_yaml_report(w->y, at, FD_ERROR, NULL, "%s", why->p);
}

bool fd_testing_encode(fd_testing *t, fd_yaml *y, const fd_test_event *event,
                       const char *const *skip, uint32_t n_skip, uint32_t number, int64_t time_us)
{
    fd_test_world *world = &t->world;
    writer w = {.t = t,
                .y = y,
                .out = &world->json,
                .skip = skip,
                .n_skip = n_skip,
                .number = number,
                .time_us = time_us,
                .ok = true};
    layers from;
    memcpy(from.at, event->layers, sizeof from.at);
    fd_strbuf_reset(&world->json);
    fd_strbuf_reset(&world->avro);
    fd_strbuf_reset(&world->why);
    fd_strbuf_putc(&w.path, '.'); /* so that there is a text */
    leave(&w, 0);
    write_record(&w, fd_schema_type(world->schema), &from, true);
    if (w.ok && !fd_json_to_avro_filled(world->schema, world->json.p, world->json.n, &world->avro,
                                        &world->why))
        tell(&w, event, &world->why);
    fd_strbuf_free(&w.path);
    return w.ok;
}
