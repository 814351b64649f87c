/*
 * The scan of an arriving event: framing, writer schema, validity, id and time.
 *
 * Invariant: what is valid here is valid in decode (the codec's scan and decode are one walk), so
 * an event's fate and its time are known before it is merged. Engine thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "engine/engine_int.h"

static uint32_t slot_of(const fd_plan_table *w, uint64_t key)
{
    uint32_t i = (uint32_t)fd_hash64(&key, sizeof key, 0) & (w->cap - 1);
    while (w->used[i] && w->slots[i].key != key)
        i = (i + 1) & (w->cap - 1);
    return i;
}

const fd_writer *fd_plan_table_find(const fd_plan_table *w, uint64_t key)
{
    if (w->n == 0)
        return NULL;
    uint32_t i = slot_of(w, key);
    return w->used[i] ? &w->slots[i] : NULL;
}

static void grow(fd_plan_table *w)
{
    fd_plan_table old = *w;
    w->cap = old.cap == 0 ? 16 : old.cap * 2;
    w->slots = calloc(w->cap, sizeof *w->slots);
    FD_ALLOCATED(w->slots);
    w->used = calloc(w->cap, 1);
    FD_ALLOCATED(w->used);
    for (uint32_t i = 0; i < old.cap; i++) {
        if (!old.used[i])
            continue;
        uint32_t to = slot_of(w, old.slots[i].key);
        w->slots[to] = old.slots[i];
        w->used[to] = 1;
    }
    free(old.slots);
    free(old.used);
}

bool fd_plan_table_add(fd_plan_table *w, uint64_t key, fd_plan *plan)
{
    if (w->n == FD_ENGINE_MAX_PLANS)
        return false;
    if (2 * (w->n + 1) > w->cap)
        grow(w);
    uint32_t i = slot_of(w, key);
    FD_ASSERT(!w->used[i]);
    w->used[i] = 1;
    w->slots[i] = (fd_writer){.key = key, .plan = plan};
    w->n++;
    return true;
}

void fd_plan_table_free(fd_plan_table *w)
{
    for (uint32_t i = 0; i < w->cap; i++) {
        if (w->used[i])
            fd_plan_free(w->slots[i].plan);
    }
    free(w->slots);
    free(w->used);
}

/* The plan for an event's framing; NONE with plan NULL: the registry has to be asked. */
static fd_poison find_plan(fd_engine_input *in, fd_event *ev)
{
    fd_frame frame;
    fd_poison p = fd_frame_parse(in->config.framing, ev->msg.value, &frame);
    if (p != FD_POISON_NONE)
        return p;
    ev->payload = frame.payload;
    ev->schema_id = frame.schema_id;
    if (in->config.framing == FD_FRAMING_RAW) {
        ev->plan = in->own_plan;
        return FD_POISON_NONE;
    }
    if (in->config.framing == FD_FRAMING_SINGLE_OBJECT) {
        if (frame.fingerprint != in->own_fingerprint)
            return FD_POISON_BAD_SCHEMA;
        ev->plan = in->own_plan;
        return FD_POISON_NONE;
    }
    const fd_writer *w = fd_plan_table_find(&in->writers, frame.schema_id);
    ev->needs_schema = w == NULL;
    if (w == NULL)
        return FD_POISON_NONE;
    ev->plan = w->plan;
    return w->plan == NULL ? FD_POISON_BAD_SCHEMA : FD_POISON_NONE;
}

/* INVALID events take the Kafka timestamp: like all else here a function of the log. */
static void set_invalid(fd_event *ev, fd_poison poison)
{
    FD_ASSERT(poison != FD_POISON_NONE);
    ev->poison = poison;
    ev->plan = NULL;
    ev->needs_schema = false;
    ev->time_us = ev->msg.kafka_ms < 0 ? 0 : ev->msg.kafka_ms * 1000;
}

/* FUTURE (DESIGN §6): more than `future` beyond the Kafka timestamp. */
static void flag_future(const fd_engine *e, fd_event *ev)
{
    if (ev->msg.kafka_ms >= 0 && ev->time_us > ev->msg.kafka_ms * 1000 + e->future_us)
        ev->flags |= FD_FLAG_BIT(FD_FLAG_FUTURE);
}

void fd_engine_rescan(fd_engine *e, fd_event *ev)
{
    FD_ASSERT(ev->msg.tp.source < e->n_sources);
    fd_engine_input *in = &e->sources[ev->msg.tp.source];
    fd_poison p = FD_POISON_NONE;
    if (ev->msg.null_value)
        p = FD_POISON_NULL_PAYLOAD;
    else if (ev->msg.value.n == 0)
        p = FD_POISON_EMPTY_PAYLOAD;
    else
        p = find_plan(in, ev);
    if (p == FD_POISON_NONE && ev->needs_schema)
        return;
    fd_scan scan;
    if (p == FD_POISON_NONE)
        p = fd_plan_scan(ev->plan, ev->payload, &scan);
    if (p != FD_POISON_NONE) {
        set_invalid(ev, p);
        return;
    }
    ev->time_us = scan.time_us;
    flag_future(e, ev);
}

void fd_engine_scan(fd_engine *e, const fd_msg *msg, fd_event *out)
{
    *out = (fd_event){.msg = *msg, .poison = FD_POISON_NONE};
    fd_engine_rescan(e, out);
}

void fd_engine_consent(fd_engine *e, fd_event *ev)
{
    FD_ASSERT(ev->msg.tp.source < e->n_sources);
    FD_ASSERT(ev->needs_schema);
    set_invalid(ev, FD_POISON_UNKNOWN_SCHEMA);
}

fd_class fd_engine_add_schema(fd_engine *e, uint16_t source, uint32_t schema_id, fd_str json,
                              fd_err *err)
{
    FD_ASSERT(source < e->n_sources);
    fd_engine_input *in = &e->sources[source];
    if (fd_plan_table_find(&in->writers, schema_id) != NULL)
        return FD_OK;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_plan *plan = NULL;
    fd_schema *writer = fd_schema_parse(json.p, json.n, NULL, &diags);
    if (writer != NULL)
        plan = fd_plan_new(in->decoder, writer, &diags);
    fd_class cls = FD_OK;
    if (plan == NULL)
        cls = fd_fail(err, FD_ABORT, 0, "writer schema %u of %s: %s", schema_id, in->config.topic,
                      diags.n == 0 ? "unreadable" : diags.items[0].text);
    if (!fd_plan_table_add(&in->writers, schema_id, plan)) {
        fd_plan_free(plan);
        cls = fd_fail(err, FD_ABORT, 0, "more than %d writer schemas in %s", FD_ENGINE_MAX_PLANS,
                      in->config.topic);
    }
    fd_schema_free(writer);
    fd_diags_free(&diags);
    return cls;
}
