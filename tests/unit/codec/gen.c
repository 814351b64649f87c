/* Random schemas and values; see gen.h. */
#include "gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

uint64_t gen_next(gen_rng *r)
{
    uint64_t z = r->s += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint32_t gen_below(gen_rng *r, uint32_t n)
{
    return (uint32_t)(gen_next(r) % n);
}

bool gen_chance(gen_rng *r, uint32_t percent)
{
    return gen_below(r, 100) < percent;
}

void gen_begin(gen *g, uint64_t seed)
{
    *g = (gen){.rng = {seed * 0x2545f4914f6cdd1dULL + 1}};
    g->types = calloc(4096, sizeof *g->types);
    FD_ALLOCATED(g->types);
}

void gen_end(gen *g)
{
    for (int i = 0; i < g->n_types; i++)
        free(g->types[i]);
    free(g->types);
}

static gen_type *type_new(gen *g, gen_kind kind)
{
    FD_ASSERT(g->n_types < 4096);
    gen_type *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    g->types[g->n_types++] = t;
    t->kind = kind;
    t->enum_default = -1;
    t->wrapped = -1;
    return t;
}

/* --- schemas --- */

static gen_type *plain(gen *g, const char *name, const char *logical)
{
    gen_type *t = type_new(g, GEN_PLAIN);
    t->plain = name;
    t->logical = logical;
    return t;
}

static void name_it(gen *g, gen_type *t, char letter)
{
    snprintf(t->name, sizeof t->name, "%c%d", letter, g->names++);
    if (g->n_named < 64)
        g->named[g->n_named++] = t;
}

static gen_type *make_plain(gen *g)
{
    static const char *const table[][2] = {
        {"null", NULL},
        {"boolean", NULL},
        {"int", NULL},
        {"long", NULL},
        {"float", NULL},
        {"double", NULL},
        {"bytes", NULL},
        {"string", NULL},
        {"string", "uuid"},
        {"int", "date"},
        {"int", "time-millis"},
        {"long", "time-micros"},
        {"long", "timestamp-millis"},
        {"long", "timestamp-micros"},
        {"long", "timestamp-nanos"},
        {"bytes", "decimal"},
        {"string", NULL},
        {"long", NULL},
    };
    uint32_t i = gen_below(&g->rng, sizeof table / sizeof table[0]);
    gen_type *t = plain(g, table[i][0], table[i][1]);
    if (t->logical != NULL && strcmp(t->logical, "decimal") == 0) {
        t->precision = 18;
        t->scale = (int)gen_below(&g->rng, 7);
    }
    return t;
}

static gen_type *make_named_small(gen *g)
{
    if (gen_chance(&g->rng, 60)) {
        gen_type *t = type_new(g, GEN_ENUM);
        name_it(g, t, 'E');
        t->n = 1 + (int)gen_below(&g->rng, 5);
        for (int i = 0; i < t->n; i++)
            snprintf(t->symbols[i], sizeof t->symbols[i], "S%d", i);
        return t;
    }
    gen_type *t = type_new(g, GEN_FIXED);
    name_it(g, t, 'F');
    t->size = 1 + (int)gen_below(&g->rng, 8); /* Avro C cannot read a fixed without bytes */
    if (gen_chance(&g->rng, 40)) {
        t->logical = "decimal";
        t->precision = 1 + (int)gen_below(&g->rng, 2);
        t->scale = 1;
    } else if (gen_chance(&g->rng, 30)) {
        t->logical = "uuid";
        t->size = 16;
    }
    return t;
}

static gen_type *make_type(gen *g, int depth, bool in_union);

static void add_field(gen *g, gen_type *rec, const char *name, gen_type *type)
{
    (void)g;
    FD_ASSERT(rec->n < GEN_MAX);
    gen_field *f = &rec->fields[rec->n];
    f->added = -1;
    f->from = rec->n++;
    snprintf(f->name, sizeof f->name, "%s", name);
    f->type = type;
}

/* Avro C cannot read a list of records without fields: there are such records only in unions. */
static gen_type *make_record(gen *g, int depth, bool in_union)
{
    gen_type *t = type_new(g, GEN_RECORD);
    name_it(g, t, 'R');
    FD_ASSERT(g->n_open < 8);
    g->open[g->n_open++] = t;
    int n = (int)gen_below(&g->rng, 5) + (in_union ? 0 : 1);
    for (int i = 0; i < n; i++) {
        char name[16];
        /* few names, so that branches of a union share some */
        snprintf(name, sizeof name, "f%d", i == 0 ? 0 : i * 2 + (int)gen_below(&g->rng, 2));
        add_field(g, t, name, make_type(g, depth + 1, false));
    }
    g->n_open--;
    return t;
}

static gen_type *reference(gen *g, gen_type *to)
{
    gen_type *t = type_new(g, GEN_REF);
    t->item = to;
    return t;
}

static const char *kind_key(const gen_type *t)
{
    if (t->kind == GEN_REF)
        t = t->item;
    if (t->name[0] != '\0')
        return t->name;
    return t->kind == GEN_ARRAY ? "array" : t->kind == GEN_MAP ? "map" : t->plain;
}

static bool has_branch(const gen_type *u, const gen_type *t)
{
    for (int i = 0; i < u->n; i++) {
        if (strcmp(kind_key(u->branches[i]), kind_key(t)) == 0)
            return true;
    }
    return false;
}

static bool is_one_of(const gen_type *t, const char *const *names)
{
    for (; t->kind == GEN_PLAIN && *names != NULL; names++) {
        if (strcmp(t->plain, *names) == 0)
            return true;
    }
    return false;
}

/* Of [float, long] Avro C gives a long to float, the first that takes it; plans prefer the exact
 * branch, as Java does. Where Avro C is asked, there is one number to a union, and one text. */
static bool is_ambiguous(const gen *g, const gen_type *u, const gen_type *t)
{
    static const char *const numbers[] = {"int", "long", "float", "double", NULL};
    static const char *const texts[] = {"string", "bytes", NULL};
    for (int i = 0; g->simple_changes && i < u->n; i++) {
        if ((is_one_of(t, numbers) && is_one_of(u->branches[i], numbers)) ||
            (is_one_of(t, texts) && is_one_of(u->branches[i], texts)))
            return true;
    }
    return false;
}

static gen_type *make_union(gen *g, int depth)
{
    gen_type *u = type_new(g, GEN_UNION);
    uint32_t form = gen_below(&g->rng, 3);
    int want = form == 0 ? 2 : 2 + (int)gen_below(&g->rng, 3);
    bool null_last = gen_chance(&g->rng, 30);
    bool null = form == 0 || gen_chance(&g->rng, 50);
    if (null && !null_last)
        u->branches[u->n++] = plain(g, "null", NULL);
    for (int tries = 0; tries < 12 && u->n < want; tries++) {
        int named = g->n_named;
        gen_type *t = form == 1 && depth < 4 && g->n_open < 6 ? make_record(g, depth + 1, true)
                                                              : make_type(g, depth + 1, true);
        if (!has_branch(u, t) && strcmp(kind_key(t), "null") != 0 && !is_ambiguous(g, u, t))
            u->branches[u->n++] = t;
        else
            g->n_named = named; /* what was defined in it is nowhere */
    }
    if (null && null_last)
        u->branches[u->n++] = plain(g, "null", NULL);
    if (u->n == 0)
        u->branches[u->n++] = plain(g, "long", NULL);
    return u;
}

static gen_type *make_type(gen *g, int depth, bool in_union)
{
    uint32_t dice = gen_below(&g->rng, 100);
    if (depth >= 4 || dice < 45)
        return make_plain(g);
    if (dice < 57)
        return make_named_small(g);
    if (dice < 66) {
        gen_type *t = type_new(g, dice < 62 ? GEN_ARRAY : GEN_MAP);
        t->item = make_type(g, depth + 1, false);
        return t;
    }
    if (dice < 76 && g->n_open < 6)
        return make_record(g, depth, in_union);
    if (dice < 80 && in_union && g->n_open > 0) /* recursion has a way out: another branch */
        return reference(g, g->open[gen_below(&g->rng, (uint32_t)g->n_open)]);
    if (dice < 84 && g->n_named > 0) {
        gen_type *to = g->named[gen_below(&g->rng, (uint32_t)g->n_named)];
        if (to->kind != GEN_RECORD)
            return reference(g, to);
    }
    return in_union ? make_plain(g) : make_union(g, depth);
}

gen_type *gen_schema(gen *g)
{
    gen_type *t = type_new(g, GEN_RECORD);
    name_it(g, t, 'T');
    g->open[g->n_open++] = t;
    int n = 1 + (int)gen_below(&g->rng, 6);
    int at_id = (int)gen_below(&g->rng, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        if (i == at_id) {
            add_field(g, t, "id", plain(g, "string", NULL));
            add_field(g, t, "ts", plain(g, "long", "timestamp-millis"));
        }
        add_field(g, t, name, make_type(g, 1, false));
    }
    g->n_open--;
    return t;
}

/* --- text --- */

static const char *const added_types[][2] = {
#define X(type, value) {type, value},
#include "gen_added.inc"
#undef X
};

static void json_field(const gen_field *f, fd_strbuf *out)
{
    fd_strbuf_printf(out, "{\"name\":\"%s\",\"type\":", f->name);
    if (f->added >= 0) {
        /* named types of added fields get a name of their own from the field's */
        for (const char *c = added_types[f->added][0]; *c != '\0'; c++) {
            if (*c == '@')
                fd_strbuf_puts(out, f->name);
            else
                fd_strbuf_putc(out, *c);
        }
        fd_strbuf_printf(out, ",\"default\":%s", added_types[f->added][1]);
    } else {
        gen_json(f->type, out);
    }
    if (f->alias[0] != '\0')
        fd_strbuf_printf(out, ",\"aliases\":[\"%s\"]", f->alias);
    fd_strbuf_putc(out, '}');
}

static void json_named(const gen_type *t, const char *kind, fd_strbuf *out)
{
    fd_strbuf_printf(out, "{\"type\":\"%s\",\"name\":\"%s\"", kind, t->name);
    if (t->alias[0] != '\0')
        fd_strbuf_printf(out, ",\"aliases\":[\"%s\"]", t->alias);
    if (t->kind == GEN_FIXED)
        fd_strbuf_printf(out, ",\"size\":%d", t->size);
    if (t->kind == GEN_ENUM) {
        fd_strbuf_puts(out, ",\"symbols\":[");
        for (int i = 0; i < t->n; i++)
            fd_strbuf_printf(out, "%s\"%s\"", i == 0 ? "" : ",", t->symbols[i]);
        fd_strbuf_putc(out, ']');
        if (t->enum_default >= 0)
            fd_strbuf_printf(out, ",\"default\":\"%s\"", t->symbols[t->enum_default]);
    }
    if (t->kind == GEN_RECORD) {
        fd_strbuf_puts(out, ",\"fields\":[");
        for (int i = 0; i < t->n; i++) {
            if (i > 0)
                fd_strbuf_putc(out, ',');
            json_field(&t->fields[i], out);
        }
        fd_strbuf_putc(out, ']');
    }
}

static void json_logical(const gen_type *t, fd_strbuf *out)
{
    if (t->logical == NULL)
        return;
    fd_strbuf_printf(out, ",\"logicalType\":\"%s\"", t->logical);
    if (strcmp(t->logical, "decimal") == 0)
        fd_strbuf_printf(out, ",\"precision\":%d,\"scale\":%d", t->precision, t->scale);
}

void gen_json(const gen_type *t, fd_strbuf *out)
{
    static const char *const named[] = {
        [GEN_FIXED] = "fixed", [GEN_ENUM] = "enum", [GEN_RECORD] = "record"};
    switch (t->kind) {
    case GEN_PLAIN:
        fd_strbuf_printf(out, "{\"type\":\"%s\"", t->plain);
        json_logical(t, out);
        fd_strbuf_putc(out, '}');
        break;
    case GEN_FIXED:
    case GEN_ENUM:
    case GEN_RECORD:
        json_named(t, named[t->kind], out);
        json_logical(t, out);
        fd_strbuf_putc(out, '}');
        break;
    case GEN_ARRAY:
    case GEN_MAP:
        fd_strbuf_puts(out, t->kind == GEN_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                 : "{\"type\":\"map\",\"values\":");
        gen_json(t->item, out);
        fd_strbuf_putc(out, '}');
        break;
    case GEN_UNION:
        for (int i = 0; i < t->n; i++) {
            fd_strbuf_putc(out, i == 0 ? '[' : ',');
            gen_json(t->branches[i], out);
        }
        fd_strbuf_putc(out, ']');
        break;
    case GEN_REF:
        fd_strbuf_printf(out, "\"%s\"", t->item->name);
        break;
    }
}

/* --- values --- */

static int64_t any_long(gen *g)
{
    uint64_t v = gen_next(&g->rng) >> gen_below(&g->rng, 64);
    return gen_chance(&g->rng, 50) ? (int64_t)v : -(int64_t)(v >> 1);
}

static void fill_text(gen *g, char *buf, size_t cap)
{
    static const char *const bits[] = {"a", "0", "é", "€", "😀", " ", "\"", "Z"};
    size_t n = 0;
    uint32_t want = gen_below(&g->rng, gen_chance(&g->rng, 10) ? 40 : 12);
    buf[0] = '\0';
    for (uint32_t i = 0; i < want; i++) {
        const char *one =
            bits[gen_chance(&g->rng, 80) ? gen_below(&g->rng, 2) : gen_below(&g->rng, 8)];
        if (n + strlen(one) + 1 > cap)
            break;
        n += (size_t)snprintf(buf + n, cap - n, "%s", one);
    }
}

static void fill_plain(gen *g, const gen_type *t, avro_value_t *v)
{
    char buf[256];
    switch (avro_value_get_type(v)) {
    case AVRO_NULL:
        avro_value_set_null(v);
        break;
    case AVRO_BOOLEAN:
        avro_value_set_boolean(v, (int)gen_below(&g->rng, 2));
        break;
    case AVRO_INT32:
        avro_value_set_int(v, (int32_t)any_long(g));
        break;
    case AVRO_INT64: {
        int64_t i = any_long(g);
        /* times that stay times when their unit is changed */
        if (t->logical != NULL)
            i %= 62135596800000LL;
        avro_value_set_long(v, i);
        break;
    }
    case AVRO_FLOAT:
        avro_value_set_float(v, (float)any_long(g) / 7.0F);
        break;
    case AVRO_DOUBLE:
        avro_value_set_double(v, (double)any_long(g) / 7.0);
        break;
    case AVRO_BYTES: {
        bool decimal = t->logical != NULL;
        unsigned char bytes[8];
        size_t n = gen_below(&g->rng, decimal ? 8 : 9) + (decimal ? 1 : 0);
        for (size_t i = 0; i < n; i++) {
            /* below 0x80 they may be read as a string */
            bytes[i] = (unsigned char)gen_below(&g->rng, decimal ? 256 : 128);
        }
        avro_value_set_bytes(v, bytes, n);
        break;
    }
    default:
        fill_text(g, buf, sizeof buf);
        avro_value_set_string(v, buf);
    }
}

static void fill_items(gen *g, const gen_type *t, avro_value_t *v, int depth)
{
    uint32_t n = depth > 6 ? 0 : gen_below(&g->rng, gen_chance(&g->rng, 5) ? 40 : 4);
    for (uint32_t i = 0; i < n; i++) {
        avro_value_t item;
        char key[32];
        snprintf(key, sizeof key, "k%u%s", i, gen_chance(&g->rng, 20) ? "é" : "");
        if (t->kind == GEN_ARRAY)
            avro_value_append(v, &item, NULL);
        else
            avro_value_add(v, key, &item, NULL, NULL);
        gen_fill(g, t->item, &item, depth + 1);
    }
}

static int pick_branch(gen *g, const gen_type *t, int depth)
{
    for (int tries = 0; tries < 20; tries++) {
        int i = (int)gen_below(&g->rng, (uint32_t)t->n);
        if (depth < 6 || t->branches[i]->kind != GEN_REF)
            return i;
    }
    for (int i = 0; i < t->n; i++) {
        if (t->branches[i]->kind != GEN_REF)
            return i;
    }
    return 0;
}

void gen_fill(gen *g, const gen_type *t, avro_value_t *v, int depth)
{
    avro_value_t part;
    switch (t->kind) {
    case GEN_PLAIN:
        fill_plain(g, t, v);
        break;
    case GEN_FIXED: {
        uint64_t bits[2] = {gen_next(&g->rng), gen_next(&g->rng)};
        avro_value_set_fixed(v, bits, (size_t)t->size);
        break;
    }
    case GEN_ENUM:
        avro_value_set_enum(v, (int)gen_below(&g->rng, (uint32_t)t->n));
        break;
    case GEN_ARRAY:
    case GEN_MAP:
        fill_items(g, t, v, depth);
        break;
    case GEN_RECORD:
        for (int i = 0; i < t->n; i++) {
            avro_value_get_by_index(v, (size_t)i, &part, NULL);
            gen_fill(g, t->fields[i].type, &part, depth + 1);
            if (depth == 0 && strcmp(t->fields[i].name, "id") == 0)
                avro_value_set_string(&part, "id-1");
        }
        break;
    case GEN_UNION: {
        int i = pick_branch(g, t, depth);
        avro_value_set_branch(v, i, &part);
        gen_fill(g, t->branches[i], &part, depth + 1);
        break;
    }
    case GEN_REF:
        gen_fill(g, t->item, v, depth + 1);
        break;
    }
}
