/* The random world; see world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

uint64_t world_random(world *w, uint64_t below)
{
    w->seed += 0x9e3779b97f4a7c15U;
    uint64_t z = w->seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (z ^ z >> 31) % below;
}

static bool chance(world *w, uint32_t percent)
{
    return world_random(w, 100) < percent;
}

static const fd_kind kinds[] = {FD_INT,    FD_DOUBLE,    FD_INT,      FD_DOUBLE,
                                FD_STRING, FD_TIMESTAMP, FD_DURATION, FD_BOOL};

static void make_key(world *w, uint32_t k)
{
    fd_window_key *key = &w->keys[k];
    *key = (fd_window_key){.name = FD_STR("key"), .tracks = w->tracks[k]};
    key->n_tracks = (uint16_t)(1 + world_random(w, WORLD_TRACKS));
    key->n_conditions = (uint16_t)world_random(w, chance(w, 50) ? 3 : WORLD_CONDITIONS + 1);
    for (uint32_t t = 0; t < key->n_tracks; t++)
        w->tracks[k][t] = (fd_window_track){.kind = kinds[world_random(w, 8)],
                                            .hashed = chance(w, 25)};
}

static bool is_number(const fd_window_track *t)
{
    return !t->hashed && (t->kind == FD_INT || t->kind == FD_DOUBLE);
}

/* A track that the op can be of; FD_WINDOW_NONE if there is none. */
static uint16_t pick_track(world *w, const fd_window_key *key, fd_feature_op op)
{
    for (int tries = 0; tries < 20; tries++) {
        uint16_t t = (uint16_t)world_random(w, key->n_tracks);
        bool any = op == FD_OP_DISTINCT || op == FD_OP_IS_NEW ||
                   ((op == FD_OP_LAST || op == FD_OP_FIRST) && !key->tracks[t].hashed);
        if (any || is_number(&key->tracks[t]))
            return t;
    }
    return FD_WINDOW_NONE;
}

static bool op_takes_value(fd_feature_op op)
{
    return op != FD_OP_COUNT && op != FD_OP_RATIO && op != FD_OP_TIME_SINCE_LAST &&
           op != FD_OP_TIME_SINCE_FIRST && op != FD_OP_CONSECUTIVE;
}

static fd_kind result_of(const fd_window_feature *f, fd_kind value)
{
    switch (f->op) {
    case FD_OP_COUNT:
    case FD_OP_DISTINCT:
    case FD_OP_CONSECUTIVE:
        return FD_INT;
    case FD_OP_SUM:
    case FD_OP_MIN:
    case FD_OP_MAX:
    case FD_OP_LAST:
    case FD_OP_FIRST:
        return value;
    case FD_OP_TIME_SINCE_LAST:
    case FD_OP_TIME_SINCE_FIRST:
        return FD_DURATION;
    case FD_OP_IS_NEW:
        return FD_BOOL;
    default:
        return FD_DOUBLE;
    }
}

static bool make_feature(world *w, fd_window_feature *f)
{
    *f = (fd_window_feature){.op = (fd_feature_op)world_random(w, FD_N_FEATURE_OPS),
                             .key = (uint16_t)world_random(w, w->layout.n_keys),
                             .where = FD_WINDOW_NONE,
                             .of = FD_WINDOW_NONE,
                             .value = FD_WINDOW_NONE,
                             .value2 = FD_WINDOW_NONE,
                             .include_current = chance(w, 70),
                             .exact = chance(w, 1),
                             .p = (double)world_random(w, 101)};
    const fd_window_key *key = &w->keys[f->key];
    f->window_us = 1 + (int64_t)world_random(w, chance(w, 50) ? 300 : (uint64_t)w->span_us);
    if (chance(w, 25))
        f->delay_us = (int64_t)world_random(w, (uint64_t)w->span_us / 4);
    if (key->n_conditions != 0 && chance(w, 40))
        f->where = (uint16_t)world_random(w, key->n_conditions);
    if (f->op == FD_OP_RATIO || f->op == FD_OP_CONSECUTIVE) {
        if (key->n_conditions == 0)
            return false;
        f->of = (uint16_t)world_random(w, key->n_conditions);
    }
    if (op_takes_value(f->op)) {
        f->value = pick_track(w, key, f->op);
        if (f->value == FD_WINDOW_NONE)
            return false;
    }
    if (f->op == FD_OP_TRAVEL_SPEED) {
        f->value2 = pick_track(w, key, f->op);
        if (f->value2 == FD_WINDOW_NONE)
            return false;
    }
    f->result = result_of(f, f->value == FD_WINDOW_NONE ? FD_INT : key->tracks[f->value].kind);
    return true;
}

void world_finish(world *w)
{
    for (uint32_t i = 0; i < w->layout.n_features; i++) {
        const fd_window_feature *f = &w->features[i];
        snprintf(w->names[i], sizeof w->names[i], "f%u", (unsigned)i);
        w->types[i] = (fd_type){.kind = f->result, .nullable = true, .per_second = 1000000};
        w->fields[i] = (fd_field){w->names[i], &w->types[i]};
        int64_t reach = f->window_us + f->delay_us;
        w->layout.reach_us = reach > w->layout.reach_us ? reach : w->layout.reach_us;
    }
    w->type = (fd_type){.kind = FD_RECORD, .n_fields = w->layout.n_features, .fields = w->fields};
    w->layout.keys = w->keys;
    w->layout.features = w->features;
    w->layout.type = &w->type;
    snprintf(w->descriptor, sizeof w->descriptor, "world %llu", (unsigned long long)w->seed);
    w->layout.descriptor = fd_str_from(w->descriptor);
    w->now_us = 1700000000000000;
    for (int p = 0; p < WORLD_PARTITIONS; p++)
        w->merge[p] = INT64_MIN;
}

void world_init(world *w, uint64_t seed)
{
    *w = (world){.seed = seed * 1000003};
    w->span_us = chance(w, 50) ? 1000 : 20000;
    w->lateness_us = (int64_t)world_random(w, 200);
    w->skew_us = (int64_t)world_random(w, 200);
    w->partitions = 1 + (int32_t)world_random(w, WORLD_PARTITIONS);
    w->n_entities = 1 + (uint32_t)world_random(w, chance(w, 50) ? 3 : 40);
    w->long_keys = chance(w, 10);
    w->layout.n_keys = (uint16_t)(1 + world_random(w, WORLD_KEYS));
    for (uint32_t k = 0; k < w->layout.n_keys; k++)
        make_key(w, k);
    uint32_t n = 1 + (uint32_t)world_random(w, WORLD_FEATURES);
    while (w->layout.n_features < n)
        w->layout.n_features = (uint16_t)(w->layout.n_features +
                                          make_feature(w, &w->features[w->layout.n_features]));
    world_finish(w);
}

/* ---- events ---- */

static uint64_t random_word(world *w, const fd_window_track *t)
{
    uint64_t word = 0;
    if (t->hashed)
        return world_random(w, chance(w, 50) ? 5 : 1000) * 0x123456789abcdefU;
    switch (t->kind) {
    case FD_BOOL:
        return world_random(w, 2);
    case FD_DOUBLE: {
        double d = (double)(int64_t)(world_random(w, 2000000) - 1000000) / 7.0;
        if (chance(w, 1))
            d = __builtin_nan("");
        memcpy(&word, &d, sizeof word);
        return word;
    }
    default:
        if (chance(w, 2))
            return chance(w, 50) ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
        return world_random(w, 200) - 100;
    }
}

static void say_value(world *w, const fd_window_track *t, world_value *v)
{
    *v = (world_value){.valid = !chance(w, 10)};
    if (!t->hashed && (t->kind == FD_STRING || t->kind == FD_BYTES)) {
        uint32_t n = (uint32_t)world_random(w, chance(w, 80) ? 12 : WORLD_TEXT);
        char c = (char)('a' + world_random(w, 3));
        memset(v->text, c, n);
        v->n = n;
        return;
    }
    v->word = random_word(w, t);
}

static void say(world *w, uint32_t k, world_said *s)
{
    const fd_window_key *key = &w->keys[k];
    s->null = chance(w, 3);
    uint32_t entity = (uint32_t)world_random(w, w->n_entities);
    s->key_n = (uint32_t)snprintf(s->key, sizeof s->key, "%s%u", entity % 3 == 0 ? "" : "entity-",
                                  (unsigned)entity);
    if (w->long_keys) {
        memset(s->key + s->key_n, 'x', 290 - s->key_n);
        s->key[289] = (char)('0' + entity % 10);
        s->key_n = 290;
    }
    s->bits = (uint32_t)world_random(w, (uint64_t)1 << key->n_conditions);
    for (uint32_t t = 0; t < key->n_tracks; t++)
        say_value(w, &key->tracks[t], &s->values[t]);
}

void world_next(world *w, world_event *out)
{
    int32_t p = (int32_t)world_random(w, (uint64_t)w->partitions);
    if (!chance(w, 30))
        w->now_us += (int64_t)world_random(w, chance(w, 98) ? 20 : (uint64_t)w->span_us);
    int64_t time = w->now_us;
    if (chance(w, 20))
        time -= (int64_t)world_random(w, (uint64_t)w->lateness_us * 2 + 1);
    bool late = w->merge[p] != INT64_MIN && time < w->merge[p] - w->lateness_us;
    bool future = chance(w, 2);
    if (future)
        time += 5000;
    if (!late && !future && time > w->merge[p])
        w->merge[p] = time;
    out->e = (fd_window_event){.tp = {0, p},
                               .offset = w->offset[p],
                               .time_us = time,
                               .merge_us = w->merge[p],
                               .folded = !late && !future};
    w->offset[p] += 1 + (int64_t)world_random(w, 3);
    for (uint32_t k = 0; k < w->layout.n_keys; k++)
        say(w, k, &out->said[k]);
}

/* ---- columns ---- */

void world_columns_init(world_columns *c, const world *w, uint32_t cap)
{
    *c = (world_columns){.cap = cap, .features = fd_batch_new(&w->type, cap, 0)};
    c->events = calloc(cap, sizeof *c->events);
    c->flags = calloc(cap, sizeof *c->flags);
    c->input.keys = c->keys;
    for (uint32_t k = 0; k < w->layout.n_keys; k++) {
        fd_window_input_key *in = &c->keys[k];
        in->key = calloc(cap, sizeof *in->key);
        in->bits = calloc(cap, sizeof *in->bits);
        in->valid = calloc(cap, sizeof *in->valid);
        in->values = calloc(WORLD_TRACKS, sizeof *in->values);
        in->texts = calloc(WORLD_TRACKS, sizeof *in->texts);
        for (uint32_t t = 0; t < w->keys[k].n_tracks; t++) {
            in->values[t] = calloc(cap, sizeof **in->values);
            in->texts[t] = calloc(cap, sizeof **in->texts);
        }
    }
}

void world_columns_free(world_columns *c)
{
    fd_batch_free(c->features);
    free(c->events);
    free(c->flags);
    for (uint32_t k = 0; k < WORLD_KEYS && c->keys[k].key != NULL; k++) {
        free(c->keys[k].key);
        free(c->keys[k].bits);
        free(c->keys[k].valid);
        for (uint32_t t = 0; t < WORLD_TRACKS; t++) {
            free(c->keys[k].values[t]);
            free(c->keys[k].texts[t]);
        }
        free(c->keys[k].values);
        free(c->keys[k].texts);
    }
}

void world_columns_fill(world_columns *c, const world *w, const world_event *events, uint32_t n)
{
    FD_ASSERT(n <= c->cap);
    fd_batch_reset(c->features);
    c->input.n_rows = n;
    for (uint32_t i = 0; i < n; i++) {
        c->events[i] = events[i].e;
        c->events[i].row = i;
        c->flags[i] = 0;
        for (uint32_t k = 0; k < w->layout.n_keys; k++) {
            const world_said *s = &events[i].said[k];
            fd_window_input_key *in = &c->keys[k];
            in->key[i] = s->null ? (fd_str){0} : (fd_str){s->key, s->key_n};
            in->bits[i] = s->bits;
            in->valid[i] = 0;
            for (uint32_t t = 0; t < w->keys[k].n_tracks; t++) {
                in->valid[i] |= (uint32_t)s->values[t].valid << t;
                in->values[t][i] = s->values[t].word;
                in->texts[t][i] = (fd_str){s->values[t].text, s->values[t].n};
            }
        }
    }
}
