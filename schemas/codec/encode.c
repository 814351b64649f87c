/*
 * Decisions to bytes; see encode.h.
 *
 * Two tables say what a decision's record, and those of its hits and models, have: name, Avro
 * type, and the function that writes it. The schema gives the order and the numbers of branches
 * and symbols. Room is asked for once per decision, by an upper bound, so that writing never
 * checks.
 */
#include "codec/encode.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/schema_int.h"
#include "codec/wire.h"

enum { ENCODER_MAGIC = 0x5c4e3a04, MAX_FIELDS = 16, LEN_MAX = 5 };

typedef unsigned char *(*field_writer)(const fd_encoder *e, const void *from, unsigned char *to);

struct fd_encoder {
    uint32_t magic;
    uint32_t n_fields, n_hit_fields, n_model_fields;
    field_writer fields[MAX_FIELDS], hit_fields[MAX_FIELDS], model_fields[MAX_FIELDS];
    unsigned char action[FD_N_ACTIONS]; /* as zigzag bytes: fewer than 64 symbols */
    unsigned char hit_action[FD_N_ACTIONS];
    unsigned char mode[2];
    unsigned char flag[FD_N_FLAGS];
    unsigned char hit_action_null, hit_action_some;
    unsigned char message_null, message_some;
    unsigned char value_tag[FD_V_STRING + 1];
};

#define WRITER(name) \
    static unsigned char *name(const fd_encoder *e, const void *from, unsigned char *to)

/* --- the decision's fields --- */

#define PUT_STR(name, owner, member)           \
    WRITER(name)                               \
    {                                          \
        (void)e;                               \
        const owner *o = from;                 \
        return fd_wire_put_str(to, o->member); \
    }
#define PUT_DOUBLE(name, owner, member)           \
    WRITER(name)                                  \
    {                                             \
        (void)e;                                  \
        const owner *o = from;                    \
        return fd_wire_put_double(to, o->member); \
    }

PUT_STR(put_id, fd_decision, id)
PUT_STR(put_event_id, fd_decision, event_id)
PUT_DOUBLE(put_score, fd_decision, verdict.score)
PUT_STR(put_ruleset, fd_decision, ruleset)
PUT_STR(put_models_hash, fd_decision, models_hash)
PUT_STR(put_lists_hash, fd_decision, lists_hash)
PUT_STR(put_config_hash, fd_decision, config_hash)
PUT_STR(put_engine, fd_decision, engine)
PUT_STR(put_hit_id, fd_rule_hit, id)
PUT_DOUBLE(put_hit_score, fd_rule_hit, score)
PUT_STR(put_model_id, fd_scored_model, id)
PUT_STR(put_model_version, fd_scored_model, version)
PUT_DOUBLE(put_model_score, fd_scored_model, score)

WRITER(put_event_time)
{
    (void)e;
    const fd_decision *d = from;
    return fd_wire_put_long(to, d->event_time_ms);
}

WRITER(put_action)
{
    const fd_decision *d = from;
    FD_ASSERT(d->verdict.action < FD_N_ACTIONS);
    *to++ = e->action[d->verdict.action];
    return to;
}

/* A list in one block; an empty one has none. */
static unsigned char *put_count(unsigned char *to, uint32_t n)
{
    return n == 0 ? to : fd_wire_put_long(to, n);
}

WRITER(put_reasons)
{
    (void)e;
    const fd_decision *d = from;
    to = put_count(to, d->verdict.n_reasons);
    for (uint32_t i = 0; i < d->verdict.n_reasons; i++)
        to = fd_wire_put_str(to, d->verdict.reasons[i]);
    *to++ = 0;
    return to;
}

WRITER(put_rules)
{
    const fd_decision *d = from;
    to = put_count(to, d->verdict.n_hits);
    for (uint32_t i = 0; i < d->verdict.n_hits; i++) {
        for (uint32_t f = 0; f < e->n_hit_fields; f++)
            to = e->hit_fields[f](e, &d->verdict.hits[i], to);
    }
    *to++ = 0;
    return to;
}

WRITER(put_models)
{
    const fd_decision *d = from;
    to = put_count(to, d->n_models);
    for (uint32_t i = 0; i < d->n_models; i++) {
        for (uint32_t f = 0; f < e->n_model_fields; f++)
            to = e->model_fields[f](e, &d->models[i], to);
    }
    *to++ = 0;
    return to;
}

static unsigned char *put_value(const fd_encoder *e, const fd_feature_value *v, unsigned char *to)
{
    FD_ASSERT(v->kind <= FD_V_STRING);
    *to++ = e->value_tag[v->kind];
    switch (v->kind) {
    case FD_V_NULL:
        break;
    case FD_V_LONG:
        return fd_wire_put_long(to, v->v.i);
    case FD_V_DOUBLE:
        return fd_wire_put_double(to, v->v.d);
    case FD_V_BOOL:
        *to++ = v->v.b ? 1 : 0;
        break;
    case FD_V_STRING:
        return fd_wire_put_str(to, v->v.s);
    }
    return to;
}

WRITER(put_features)
{
    const fd_decision *d = from;
    to = put_count(to, d->n_features);
    for (uint32_t i = 0; i < d->n_features; i++) {
        to = fd_wire_put_str(to, d->features[i].name);
        to = put_value(e, &d->features[i], to);
    }
    *to++ = 0;
    return to;
}

WRITER(put_flags)
{
    const fd_decision *d = from;
    FD_ASSERT(d->flags >> FD_N_FLAGS == 0);
    to = put_count(to, (uint32_t)__builtin_popcount(d->flags));
    for (int f = 0; f < FD_N_FLAGS; f++) {
        if (d->flags & FD_FLAG_BIT(f))
            *to++ = e->flag[f];
    }
    *to++ = 0;
    return to;
}

/* --- fields of hits and models --- */

WRITER(put_hit_action)
{
    const fd_rule_hit *h = from;
    FD_ASSERT(h->action < FD_N_ACTIONS);
    *to++ = h->has_action ? e->hit_action_some : e->hit_action_null;
    if (h->has_action)
        *to++ = e->hit_action[h->action];
    return to;
}

WRITER(put_hit_mode)
{
    const fd_rule_hit *h = from;
    FD_ASSERT(h->mode <= FD_MODE_SHADOW); /* a rule that is off does not fire */
    *to++ = e->mode[h->mode];
    return to;
}

WRITER(put_hit_message)
{
    const fd_rule_hit *h = from;
    *to++ = h->message.p == NULL ? e->message_null : e->message_some;
    return h->message.p == NULL ? to : fd_wire_put_str(to, h->message);
}

WRITER(put_model_mode)
{
    const fd_scored_model *m = from;
    FD_ASSERT(m->mode <= FD_MODE_SHADOW);
    *to++ = e->mode[m->mode];
    return to;
}

/* --- binding to the schema --- */

/* What the schema must say of a field; `learn` takes branch and symbol numbers from it. */
typedef struct binding {
    const char *name;
    const char *type; /* for the error */
    bool (*fits)(fd_encoder *e, const fd_node *n);
    field_writer write;
} binding;

typedef struct bindings {
    const binding *rows;
    uint32_t n;
} bindings;

static bool bind_record(const fd_node *n, bindings b, fd_encoder *e, field_writer *to,
                        uint32_t *n_to, fd_diags *diags);

static bool is_string(fd_encoder *e, const fd_node *n)
{
    (void)e;
    return n->kind == FD_AVRO_STRING;
}

static bool is_double(fd_encoder *e, const fd_node *n)
{
    (void)e;
    return n->kind == FD_AVRO_DOUBLE;
}

static bool is_millis(fd_encoder *e, const fd_node *n)
{
    (void)e;
    return n->kind == FD_AVRO_LONG && n->logical == FD_LOGICAL_TIMESTAMP_MILLIS;
}

static int branch_of(const fd_node *n, fd_avro kind)
{
    for (uint32_t i = 0; n->kind == FD_AVRO_UNION && i < n->n; i++) {
        if (n->branches[i]->kind == kind)
            return (int)i;
    }
    return -1;
}

/* The zigzag byte of a symbol, 0xff when the enum lacks it. */
static unsigned char symbol_byte(const fd_node *n, const char *symbol)
{
    for (uint32_t i = 0; n->kind == FD_AVRO_ENUM && i < n->n && i < 64; i++) {
        if (fd_str_eq_c(n->symbols[i], symbol))
            return (unsigned char)(2 * i);
    }
    return 0xff;
}

static bool learn_actions(const fd_node *n, unsigned char *to)
{
    bool all = true;
    for (int a = 0; a < FD_N_ACTIONS; a++) {
        to[a] = symbol_byte(n, fd_action_symbol((fd_action)a));
        all &= to[a] != 0xff;
    }
    return all;
}

static bool is_action(fd_encoder *e, const fd_node *n)
{
    return learn_actions(n, e->action);
}

static bool is_strings(fd_encoder *e, const fd_node *n)
{
    return n->kind == FD_AVRO_ARRAY && is_string(e, n->item);
}

static bool is_flags(fd_encoder *e, const fd_node *n)
{
    bool all = n->kind == FD_AVRO_ARRAY;
    for (int f = 0; all && f < FD_N_FLAGS; f++) {
        e->flag[f] = symbol_byte(n->item, fd_flag_name((fd_flag)f));
        all &= e->flag[f] != 0xff;
    }
    return all;
}

static bool is_mode(fd_encoder *e, const fd_node *n)
{
    e->mode[FD_MODE_LIVE] = symbol_byte(n, "LIVE");
    e->mode[FD_MODE_SHADOW] = symbol_byte(n, "SHADOW");
    return e->mode[0] != 0xff && e->mode[1] != 0xff;
}

static bool is_hit_action(fd_encoder *e, const fd_node *n)
{
    int null = branch_of(n, FD_AVRO_NULL);
    int some = branch_of(n, FD_AVRO_ENUM);
    if (null < 0 || some < 0 || n->n != 2)
        return false;
    e->hit_action_null = (unsigned char)(2 * null);
    e->hit_action_some = (unsigned char)(2 * some);
    return learn_actions(n->branches[some], e->hit_action);
}

static bool is_message(fd_encoder *e, const fd_node *n)
{
    int null = branch_of(n, FD_AVRO_NULL);
    int some = branch_of(n, FD_AVRO_STRING);
    if (null < 0 || some < 0 || n->n != 2)
        return false;
    e->message_null = (unsigned char)(2 * null);
    e->message_some = (unsigned char)(2 * some);
    return true;
}

static bool is_features(fd_encoder *e, const fd_node *n)
{
    static const fd_avro kinds[] = {
        [FD_V_NULL] = FD_AVRO_NULL,     [FD_V_LONG] = FD_AVRO_LONG,
        [FD_V_DOUBLE] = FD_AVRO_DOUBLE, [FD_V_BOOL] = FD_AVRO_BOOLEAN,
        [FD_V_STRING] = FD_AVRO_STRING,
    };
    bool all = n->kind == FD_AVRO_MAP;
    for (int v = 0; all && v <= FD_V_STRING; v++) {
        int at = branch_of(n->item, kinds[v]);
        all &= at >= 0 && at < 64;
        e->value_tag[v] = (unsigned char)(2 * at);
    }
    return all;
}

static bool is_records(fd_encoder *e, const fd_node *n)
{
    (void)e;
    return n->kind == FD_AVRO_ARRAY && n->item->kind == FD_AVRO_RECORD;
}

static const binding hit_rows[] = {
    {"id", "string", is_string, put_hit_id},
    {"action", "a union of null and the actions", is_hit_action, put_hit_action},
    {"score", "double", is_double, put_hit_score},
    {"mode", "an enum with LIVE and SHADOW", is_mode, put_hit_mode},
    {"message", "a union of null and string", is_message, put_hit_message},
};
static const binding model_rows[] = {
    {"id", "string", is_string, put_model_id},
    {"version", "string", is_string, put_model_version},
    {"score", "double", is_double, put_model_score},
    {"mode", "an enum with LIVE and SHADOW", is_mode, put_model_mode},
};
static const binding decision_rows[] = {
    {"id", "string", is_string, put_id},
    {"event_id", "string", is_string, put_event_id},
    {"event_time", "long with logicalType timestamp-millis", is_millis, put_event_time},
    {"action", "an enum of the actions", is_action, put_action},
    {"score", "double", is_double, put_score},
    {"reasons", "an array of string", is_strings, put_reasons},
    {"rules", "an array of records", is_records, put_rules},
    {"models", "an array of records", is_records, put_models},
    {"features", "a map of null, long, double, boolean, string", is_features, put_features},
    {"flags", "an array of the enum of flags", is_flags, put_flags},
    {"ruleset", "string", is_string, put_ruleset},
    {"models_hash", "string", is_string, put_models_hash},
    {"lists_hash", "string", is_string, put_lists_hash},
    {"config_hash", "string", is_string, put_config_hash},
    {"engine", "string", is_string, put_engine},
};
#define ROWS(table) ((bindings){table, (uint32_t)(sizeof table / sizeof table[0])})

_Static_assert(sizeof decision_rows / sizeof decision_rows[0] <= MAX_FIELDS, "room for all");

static bool bind_record(const fd_node *n, bindings b, fd_encoder *e, field_writer *to,
                        uint32_t *n_to, fd_diags *diags)
{
    bool ok = true;
    for (uint32_t i = 0; i < n->n; i++) {
        const fd_node_field *f = &n->fields[i];
        uint32_t k = 0;
        while (k < b.n && strcmp(b.rows[k].name, f->name) != 0)
            k++;
        if (k == b.n) {
            fd_diags_error(diags, "%s.%s: decisions have no such field", n->name, f->name);
            ok = false;
        } else if (!b.rows[k].fits(e, f->node)) {
            fd_diags_error(diags, "%s.%s must be %s", n->name, f->name, b.rows[k].type);
            ok = false;
        } else {
            to[(*n_to)++] = b.rows[k].write;
        }
    }
    for (uint32_t k = 0; k < b.n; k++) {
        uint32_t i = 0;
        while (i < n->n && strcmp(b.rows[k].name, n->fields[i].name) != 0)
            i++;
        if (i < n->n)
            continue;
        fd_diags_error(diags, "%s lacks the field '%s'", n->name, b.rows[k].name);
        ok = false;
    }
    return ok;
}

static const fd_node *list_of(const fd_node *record, const char *name)
{
    for (uint32_t i = 0; i < record->n; i++) {
        if (strcmp(record->fields[i].name, name) == 0)
            return record->fields[i].node->item;
    }
    FD_UNREACHABLE();
}

fd_encoder *fd_encoder_new(const fd_schema *decision, fd_diags *diags)
{
    FD_CHECK_MAGIC(decision, FD_SCHEMA_MAGIC);
    const fd_node *n = decision->node;
    fd_encoder *e = calloc(1, sizeof *e);
    FD_ALLOCATED(e);
    e->magic = ENCODER_MAGIC;
    bool ok = bind_record(n, ROWS(decision_rows), e, e->fields, &e->n_fields, diags);
    if (ok)
        ok = bind_record(list_of(n, "rules"), ROWS(hit_rows), e, e->hit_fields, &e->n_hit_fields,
                         diags) &&
             bind_record(list_of(n, "models"), ROWS(model_rows), e, e->model_fields,
                         &e->n_model_fields, diags);
    if (ok)
        return e;
    free(e);
    return NULL;
}

void fd_encoder_free(fd_encoder *e)
{
    if (e == NULL)
        return;
    FD_CHECK_MAGIC(e, ENCODER_MAGIC);
    e->magic = 0;
    free(e);
}

/* --- encoding --- */

static size_t bound_of(const fd_decision *d)
{
    size_t n = FD_WIRE_LONG_MAX + 1 + 8 + 5 * (LEN_MAX + 1) + 7 * LEN_MAX + FD_N_FLAGS;
    n += (size_t)d->id.n + d->event_id.n + d->ruleset.n + d->models_hash.n + d->lists_hash.n +
         d->config_hash.n + d->engine.n;
    for (uint32_t i = 0; i < d->verdict.n_reasons; i++)
        n += LEN_MAX + d->verdict.reasons[i].n;
    for (uint32_t i = 0; i < d->verdict.n_hits; i++)
        n += 2 * LEN_MAX + 8 + 4 + d->verdict.hits[i].id.n + d->verdict.hits[i].message.n;
    for (uint32_t i = 0; i < d->n_models; i++)
        n += 2 * LEN_MAX + 8 + 1 + d->models[i].id.n + d->models[i].version.n;
    for (uint32_t i = 0; i < d->n_features; i++) {
        const fd_feature_value *v = &d->features[i];
        n += LEN_MAX + v->name.n + 1 + FD_WIRE_LONG_MAX;
        n += v->kind == FD_V_STRING ? v->v.s.n : 0;
    }
    return n;
}

fd_str fd_encode_decision(const fd_encoder *e, const fd_decision *d, fd_arena *arena)
{
    FD_CHECK_MAGIC(e, ENCODER_MAGIC);
    size_t room = bound_of(d);
    FD_ASSERT(room < UINT32_MAX);
    unsigned char *at = fd_arena_alloc(arena, room);
    if (at == NULL)
        return (fd_str){0};
    unsigned char *to = at;
    for (uint32_t i = 0; i < e->n_fields; i++)
        to = e->fields[i](e, d, to);
    FD_ASSERT((size_t)(to - at) <= room);
    return (fd_str){(const char *)at, (uint32_t)(to - at)};
}
