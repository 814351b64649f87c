/* Compatible changes of a schema, and what a reader must then see; see gen.h. */
#include "gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"

enum { N_ADDED = 15 };

/* Where a type stands: free to become a union, the one branch beside null, or one of several. */
typedef enum place { FREE, BESIDE_NULL, BRANCH } place;

static gen_type *change_type(gen *g, gen_type *w, place at);

static gen_type *copy_of(gen *g, gen_type *w)
{
    gen_type *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    FD_ASSERT(g->n_types < 4096);
    g->types[g->n_types++] = t;
    *t = *w;
    t->from = w;
    w->became = t;
    return t;
}

static void shuffle_fields(gen *g, gen_type *t)
{
    for (int i = t->n - 1; i > 0; i--) {
        int k = (int)gen_below(&g->rng, (uint32_t)i + 1);
        gen_field tmp = t->fields[i];
        t->fields[i] = t->fields[k];
        t->fields[k] = tmp;
    }
}

static bool is_identity(const gen_field *f)
{
    return strcmp(f->name, "id") == 0 || strcmp(f->name, "ts") == 0;
}

static bool defines_names(const gen_type *t)
{
    if (t->kind == GEN_FIXED || t->kind == GEN_ENUM || t->kind == GEN_RECORD)
        return true;
    if (t->kind == GEN_ARRAY || t->kind == GEN_MAP)
        return defines_names(t->item);
    for (int i = 0; t->kind == GEN_UNION && i < t->n; i++) {
        if (defines_names(t->branches[i]))
            return true;
    }
    return false;
}

static bool has_refs(const gen_type *t)
{
    if (t->kind == GEN_REF)
        return true;
    if (t->kind == GEN_ARRAY || t->kind == GEN_MAP)
        return has_refs(t->item);
    for (int i = 0; i < t->n && (t->kind == GEN_UNION || t->kind == GEN_RECORD); i++) {
        if (has_refs(t->kind == GEN_UNION ? t->branches[i] : t->fields[i].type))
            return true;
    }
    return false;
}

/* A definition stands where a name occurs first: such fields stay where they are. */
static bool may_move(const gen_type *w)
{
    for (int i = 0; i < w->n; i++) {
        if (defines_names(w->fields[i].type) || has_refs(w->fields[i].type))
            return false;
    }
    return true;
}

static void change_record(gen *g, gen_type *t, gen_type *w)
{
    t->n = 0;
    for (int i = 0; i < w->n; i++) {
        bool last = g->simple_changes && t->n == 0 && i == w->n - 1; /* Avro C wants one */
        bool drop = gen_chance(&g->rng, 12) && !last && !is_identity(&w->fields[i]) &&
                    !defines_names(w->fields[i].type);
        if (drop)
            continue;
        gen_field *f = &t->fields[t->n++];
        *f = w->fields[i];
        f->from = i;
        f->type = strcmp(f->name, "id") == 0 ? copy_of(g, w->fields[i].type)
                                             : change_type(g, w->fields[i].type, FREE);
        if (!g->simple_changes && gen_chance(&g->rng, 12) && !is_identity(f)) {
            memcpy(f->alias, w->fields[i].name, sizeof f->alias);
            snprintf(f->name, sizeof f->name, "n%d", g->names++);
        }
    }
    if (!g->simple_changes && t->n < GEN_MAX && gen_chance(&g->rng, 30)) {
        gen_field *f = &t->fields[t->n++];
        *f = (gen_field){.added = (int)gen_below(&g->rng, N_ADDED), .from = -1};
        snprintf(f->name, sizeof f->name, "a%d", g->names++);
    }
    if (may_move(w))
        shuffle_fields(g, t);
}

static void change_enum(gen *g, gen_type *t)
{
    if (g->simple_changes)
        return;
    if (t->n > 1 && gen_chance(&g->rng, 30)) {
        t->n--;
        t->enum_default = (int)gen_below(&g->rng, (uint32_t)t->n);
    }
    if (t->n < GEN_MAX && gen_chance(&g->rng, 30))
        snprintf(t->symbols[t->n++], sizeof t->symbols[0], "N%d", g->names++);
    if (gen_chance(&g->rng, 30)) {
        char tmp[16];
        memcpy(tmp, t->symbols[0], sizeof tmp);
        memcpy(t->symbols[0], t->symbols[t->n - 1], sizeof tmp);
        memcpy(t->symbols[t->n - 1], tmp, sizeof tmp);
    }
}

static void promote(gen *g, gen_type *t)
{
    static const char *const wider[][2] = {
        {"int", "long"},    {"int", "float"},    {"int", "double"},   {"long", "float"},
        {"long", "double"}, {"float", "double"}, {"string", "bytes"}, {"bytes", "string"},
    };
    static const char *const units[] = {"timestamp-millis", "timestamp-micros"};
    if (t->logical != NULL) {
        bool stamp = strncmp(t->logical, "timestamp-", 10) == 0 && !g->simple_changes;
        if (stamp)
            t->logical = units[gen_below(&g->rng, 2)];
        return;
    }
    uint32_t i = gen_below(&g->rng, g->simple_changes ? 6 : 8);
    if (strcmp(wider[i][0], t->plain) == 0)
        t->plain = wider[i][1];
}

static gen_type *wrap(gen *g, gen_type *t)
{
    gen_type *u = calloc(1, sizeof *u);
    gen_type *null = calloc(1, sizeof *null);
    FD_ALLOCATED(u);
    FD_ALLOCATED(null);
    g->types[g->n_types++] = u;
    g->types[g->n_types++] = null;
    *null = (gen_type){.kind = GEN_PLAIN, .plain = "null", .wrapped = -1, .enum_default = -1};
    u->kind = GEN_UNION;
    u->enum_default = -1;
    u->n = 2;
    u->wrapped = (int)gen_below(&g->rng, 2);
    u->branches[u->wrapped] = t;
    u->branches[1 - u->wrapped] = null;
    return u;
}

static gen_type *change_type(gen *g, gen_type *w, place at)
{
    gen_type *t = copy_of(g, w);
    switch (w->kind) {
    case GEN_PLAIN:
        if (at != BRANCH && gen_chance(&g->rng, 40))
            promote(g, t);
        break;
    case GEN_ENUM:
        change_enum(g, t);
        break;
    case GEN_FIXED:
        break;
    case GEN_ARRAY:
    case GEN_MAP:
        t->item = change_type(g, w->item, FREE);
        break;
    case GEN_RECORD:
        change_record(g, t, w);
        if (!g->simple_changes && gen_chance(&g->rng, 15)) {
            memcpy(t->alias, w->name, sizeof t->alias);
            snprintf(t->name, sizeof t->name, "Q%d", g->names++);
        }
        break;
    case GEN_UNION: {
        const gen_type *first = w->branches[0];
        bool null = first->kind == GEN_PLAIN && strcmp(first->plain, "null") == 0;
        for (int i = 0; i < w->n; i++)
            t->branches[i] = change_type(g, w->branches[i],
                                         null && w->n == 2 && i == 1 ? BESIDE_NULL : BRANCH);
        return t;
    }
    case GEN_REF:
        t->item = w->item->became;
        FD_ASSERT(t->item != NULL);
        break;
    }
    bool null = t->kind == GEN_PLAIN && strcmp(t->plain, "null") == 0;
    return at == FREE && !null && gen_chance(&g->rng, 12) ? wrap(g, t) : t;
}

gen_type *gen_change(gen *g, gen_type *writer)
{
    gen_type *t = copy_of(g, writer);
    change_record(g, t, writer);
    return t;
}
