/* Layouts made ready: record shapes and groups of features; see plan_int.h. Any thread. */
#include "features/plan_int.h"
#include "features/ring_int.h"
#include "features/windows.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

static fd_group_class class_of(fd_feature_op op)
{
    switch (op) {
    case FD_OP_COUNT:
        return FD_GROUP_COUNT;
    case FD_OP_RATIO:
        return FD_GROUP_RATIO;
    case FD_OP_SUM:
    case FD_OP_AVG:
    case FD_OP_MIN:
    case FD_OP_MAX:
    case FD_OP_STDDEV:
    case FD_OP_ZSCORE:
        return FD_GROUP_NUMBERS;
    case FD_OP_DISTINCT:
        return FD_GROUP_DISTINCT;
    case FD_OP_LAST:
        return FD_GROUP_LAST;
    case FD_OP_FIRST:
        return FD_GROUP_FIRST;
    case FD_OP_TIME_SINCE_LAST:
        return FD_GROUP_SINCE_LAST;
    case FD_OP_TIME_SINCE_FIRST:
        return FD_GROUP_SINCE_FIRST;
    case FD_OP_IS_NEW:
        return FD_GROUP_IS_NEW;
    case FD_OP_CONSECUTIVE:
        return FD_GROUP_CONSECUTIVE;
    case FD_OP_PERCENTILE:
        return FD_GROUP_PERCENTILE;
    case FD_OP_TRAVEL_SPEED:
        return FD_GROUP_TRAVEL;
    case FD_N_FEATURE_OPS:
        break;
    }
    FD_UNREACHABLE();
}

/* Ops that look at what was before the event, whatever the rule file says. */
static bool sees_current(const fd_window_feature *f)
{
    switch (f->op) {
    case FD_OP_LAST:
    case FD_OP_FIRST:
    case FD_OP_TIME_SINCE_LAST:
    case FD_OP_TIME_SINCE_FIRST:
    case FD_OP_IS_NEW:
    case FD_OP_ZSCORE:
    case FD_OP_TRAVEL_SPEED:
        return false;
    default:
        return f->include_current && f->delay_us == 0;
    }
}

static bool has_value(fd_feature_op op)
{
    static const bool value[] = {
#define X(name, text, value, of) value,
        FD_FEATURE_OPS(X)
#undef X
    };
    return value[op];
}

static bool has_of(fd_feature_op op)
{
    static const bool of[] = {
#define X(name, text, value, of) of,
        FD_FEATURE_OPS(X)
#undef X
    };
    return of[op];
}

static void shape(fd_key_plan *p)
{
    const fd_window_key *k = p->key;
    FD_ASSERT(k->n_tracks <= FD_WINDOW_MAX_TRACKS && k->n_conditions <= FD_WINDOW_MAX_CONDITIONS);
    bool narrow = k->n_tracks + k->n_conditions <= 8;
    p->flags_at = narrow ? 0 : 1;
    p->valid_shift = narrow ? k->n_conditions : 32;
    p->values_at = narrow ? 1 : 2;
    p->words = (uint16_t)(p->values_at + k->n_tracks);
    p->chunk = FD_CHUNK_MAX;
    while (p->chunk > FD_CHUNK_MIN && p->chunk * p->words * 8U > FD_CHUNK_BYTES)
        p->chunk /= 2;
    for (uint32_t t = 0; t < k->n_tracks; t++) {
        const fd_window_track *track = &k->tracks[t];
        if (track->hashed)
            continue;
        if (track->kind == FD_STRING || track->kind == FD_BYTES) {
            p->text_mask |= 1U << t;
            p->n_text++;
        } else if (track->kind == FD_DOUBLE) {
            p->nan_mask |= 1U << t;
        }
    }
}

fd_window_size fd_windows_size(const fd_window_key *key)
{
    fd_key_plan p = {.key = key};
    shape(&p);
    return (fd_window_size){.entity = (uint32_t)(sizeof(fd_partial) + sizeof(uint16_t)),
                            .event = (uint32_t)(p.words * sizeof(uint64_t)),
                            .block = p.chunk};
}

static uint64_t valid_flag(const fd_key_plan *p, uint16_t track)
{
    FD_ASSERT(track < p->key->n_tracks);
    return (uint64_t)1 << (p->valid_shift + track);
}

static uint64_t condition_flag(const fd_key_plan *p, uint16_t condition)
{
    FD_ASSERT(condition < p->key->n_conditions);
    return (uint64_t)1 << condition;
}

static fd_group group_of(const fd_key_plan *p, const fd_window_feature *f)
{
    fd_group g = {.class = class_of(f->op), .current = sees_current(f), .delay_us = f->delay_us};
    if (f->where != FD_WINDOW_NONE)
        g.need |= condition_flag(p, f->where);
    if (has_of(f->op))
        g.of = condition_flag(p, f->of);
    if (has_value(f->op)) {
        g.kind = p->key->tracks[f->value].kind;
        if (p->key->tracks[f->value].hashed)
            g.kind = FD_INT;
        g.valid = valid_flag(p, f->value);
        g.value = (uint16_t)(p->values_at + f->value);
        g.need |= g.valid;
    }
    if (f->op == FD_OP_TRAVEL_SPEED) {
        g.valid2 = valid_flag(p, f->value2);
        g.value2 = (uint16_t)(p->values_at + f->value2);
        g.need |= g.valid2;
        g.kind2 = p->key->tracks[f->value2].kind;
    }
    return g;
}

static bool same_group(const fd_group *a, const fd_group *b)
{
    return a->class == b->class && a->current == b->current && a->need == b->need &&
           a->of == b->of && a->valid == b->valid && a->value2 == b->value2 &&
           a->delay_us == b->delay_us;
}

/* What window + delay is as a mark: beyond all times there is nothing. */
static int64_t ago(int64_t us)
{
    return us > 2 * FD_TIME_LIMIT ? 2 * FD_TIME_LIMIT : us;
}

static int64_t window_end(const fd_window_feature *f)
{
    return ago(fd_time_minus(f->window_us, -f->delay_us));
}

static void add_to_group(fd_group *g, const fd_window_layout *l, uint16_t feature)
{
    const fd_window_feature *f = &l->features[feature];
    g->features = realloc(g->features, (g->n + 1U) * sizeof *g->features);
    FD_ALLOCATED(g->features);
    uint32_t at = g->n++;
    for (; at > 0 && window_end(&l->features[g->features[at - 1]]) > window_end(f); at--)
        g->features[at] = g->features[at - 1];
    g->features[at] = feature;
    g->spread |= f->op == FD_OP_STDDEV || f->op == FD_OP_ZSCORE;
    g->extremes |= f->op == FD_OP_MIN || f->op == FD_OP_MAX;
}

/* ---- marks ---- */

static uint16_t mark_of(const fd_key_plan *p, int64_t at)
{
    uint16_t i = 0;
    while (p->marks[i] != at)
        i++;
    return i;
}

static void add_mark(fd_key_plan *p, int64_t at)
{
    uint32_t i = 0;
    while (i < p->n_marks && p->marks[i] < at)
        i++;
    if (i < p->n_marks && p->marks[i] == at)
        return;
    p->marks = realloc(p->marks, (p->n_marks + 1U) * sizeof *p->marks);
    FD_ALLOCATED(p->marks);
    for (uint32_t j = p->n_marks++; j > i; j--)
        p->marks[j] = p->marks[j - 1];
    p->marks[i] = at;
}

static void mark_groups(fd_key_plan *p, const fd_window_layout *l)
{
    for (uint16_t i = 0; i < p->n_groups; i++) {
        add_mark(p, ago(p->groups[i].delay_us));
        for (uint16_t f = 0; f < p->groups[i].n; f++)
            add_mark(p, window_end(&l->features[p->groups[i].features[f]]));
    }
    for (uint16_t i = 0; i < p->n_groups; i++) {
        fd_group *g = &p->groups[i];
        g->from = mark_of(p, ago(g->delay_us));
        g->ends = calloc(g->n, sizeof *g->ends);
        FD_ALLOCATED(g->ends);
        for (uint16_t f = 0; f < g->n; f++)
            g->ends[f] = mark_of(p, window_end(&l->features[g->features[f]]));
    }
}

static void group(fd_key_plan *p, const fd_window_layout *l, uint16_t feature)
{
    fd_group g = group_of(p, &l->features[feature]);
    uint16_t at = 0;
    while (at < p->n_groups && !same_group(&p->groups[at], &g))
        at++;
    if (at == p->n_groups) {
        fd_group *grown = realloc(p->groups, (p->n_groups + 1U) * sizeof *grown);
        FD_ALLOCATED(grown);
        p->groups = grown;
        p->groups[p->n_groups++] = g;
    }
    add_to_group(&p->groups[at], l, feature);
}

/* The descriptor says it all; the shape is in it too, for layouts that were written by hand. */
static uint64_t print_of(const fd_window_layout *l, const fd_key_plan *p)
{
    uint64_t h = fd_hash64(l->descriptor.p, l->descriptor.n, p->index);
    unsigned char shape_bytes[2 * FD_WINDOW_MAX_TRACKS + 1] = {(unsigned char)p->key->n_conditions};
    for (uint32_t t = 0; t < p->key->n_tracks; t++) {
        shape_bytes[2 * t + 1] = (unsigned char)p->key->tracks[t].kind;
        shape_bytes[2 * t + 2] = p->key->tracks[t].hashed;
    }
    return fd_hash64(shape_bytes, 2U * p->key->n_tracks + 1, h);
}

void fd_plans_make(const fd_window_layout *layout, uint16_t source, int64_t slack_us,
                   fd_key_plan *plans)
{
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        fd_key_plan *p = &plans[k];
        *p = (fd_key_plan){.key = &layout->keys[k], .source = source, .index = k, .pane_us = 1};
        p->horizon_us = fd_time_minus(layout->reach_us, -slack_us);
        shape(p);
        p->print = print_of(layout, p);
    }
    for (uint16_t i = 0; i < layout->n_features; i++) {
        const fd_window_feature *f = &layout->features[i];
        FD_ASSERT(f->key < layout->n_keys && f->window_us > 0 && f->delay_us >= 0);
        fd_key_plan *p = &plans[f->key];
        p->keep_all |= f->exact;
        int64_t pane = (f->window_us - 1) / FD_PANES_PER_WINDOW + 1;
        p->pane_us = pane > p->pane_us ? pane : p->pane_us;
        group(p, layout, i);
    }
    for (uint16_t k = 0; k < layout->n_keys; k++)
        mark_groups(&plans[k], layout);
    for (uint16_t k = 0; k < layout->n_keys; k++)
        if (!plans[k].keep_all)
            fd_levels_make(&plans[k], layout, slack_us);
}

void fd_plan_release(fd_key_plan *p)
{
    fd_levels_release(p);
    for (uint16_t i = 0; i < p->n_groups; i++) {
        free(p->groups[i].features);
        free(p->groups[i].ends);
    }
    free(p->groups);
    free(p->marks);
}
