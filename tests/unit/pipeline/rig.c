/* See rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static void on_line(void *self, const char *text)
{
    const rig *r = self;
    fprintf(stderr, "%10.3f %s\n", (double)r->clock.now_ns / 1e6, text);
}

static void on_decided(void *self, const fd_out_record *record)
{
    sim_check_decided(((rig *)self)->check, record);
}

static void on_offset(void *self, fd_tp tp, int64_t from, int64_t to)
{
    sim_check_offset(((rig *)self)->check, tp, from, to);
}

/* What a process that waits in a call lets happen: the others go on. */
static bool step_some(rig *r);

static void on_idle(void *self, int64_t until_ns)
{
    rig *r = self;
    if (model_next_ns(r->m) <= model_now(r->m)) {
        model_advance(r->m, model_now(r->m));
        return;
    }
    if (r->store != NULL && model_store_next_ns(r->store) <= model_now(r->m)) {
        model_store_run(r->store);
        return;
    }
    if (step_some(r))
        return;
    int64_t next = until_ns;
    if (r->store != NULL && model_store_next_ns(r->store) < next)
        next = model_store_next_ns(r->store);
    for (int i = 0; i < RIG_WORKERS; i++) {
        for (int a = 0; r->used[i] && a < SIM_ACTORS; a++) {
            int64_t at = sim_process_next_ns(&r->workers[i], a);
            next = at < next ? at : next;
        }
    }
    model_advance(r->m, next);
}

void rig_init(rig *r, model_config *config)
{
    memset(r, 0, sizeof *r);
    model_clock_init(&r->clock);
    *config = (model_config){.clock = &r->clock,
                             .seed = 1,
                             .n_topics = 1,
                             .partitions = {2},
                             .idle = on_idle,
                             .idle_self = r,
                             .watch = {.decided = on_decided, .offset = on_offset, .self = r}};
    config->watch.line = getenv("FD_SIM_TRACE") != NULL ? on_line : NULL;
    r->config = sim_process_defaults();
}

void rig_open(rig *r, const model_config *config)
{
    r->check = sim_check_new(config->n_topics);
    r->m = model_new(config);
    sim_check_attach(r->check, r->m);
    r->config.m = r->m;
    r->config.clock = &r->clock;
    r->config.n_topics = config->n_topics;
    r->config.partitions[0] = config->partitions[0];
    r->config.partitions[1] = config->partitions[1];
    r->config.schemas = config->n_topics > 1 ? &r->schemas : NULL;
    for (uint32_t id = SIM_SCHEMA_OWN; id < SIM_SCHEMA_UNKNOWN; id++)
        model_schemas_set(&r->schemas, id, FD_SCHEMA_KNOWN, fd_str_from(sim_schema_json(id)));
}

void rig_with_store(rig *r)
{
    model_store_config config = {.clock = &r->clock, .seed = 1, .idle = on_idle, .idle_self = r};
    if (getenv("FD_SIM_TRACE") != NULL) {
        config.line = on_line;
        config.line_self = r;
    }
    r->store = model_store_new(&config);
    r->config.store = r->store;
    r->config.flush_interval_ns = MODEL_MS(100);
}

void rig_close(rig *r)
{
    for (int i = 0; i < RIG_WORKERS; i++) {
        if (!r->used[i])
            continue;
        if (r->workers[i].life != SIM_ENDED)
            sim_process_kill(&r->workers[i]);
        rig_free(r, i);
    }
    assert_string_equal(sim_check_verdict(r->check), "");
    assert_int_equal(model_rules_left(r->m), 0);
    model_free(r->m);
    model_store_free(r->store);
    sim_check_free(r->check);
}

static int64_t append(rig *r, uint16_t source, int32_t partition, sim_kind kind, uint32_t card)
{
    unsigned char buf[SIM_EVENT_MAX];
    uint32_t i = r->n_events++;
    sim_event e = {.kind = kind, .time_ms = 1767225600000 + i, .amount = (i * 137) % 1000};
    snprintf(e.id, sizeof e.id, "t%u", i);
    snprintf(e.card, sizeof e.card, "C%u", card);
    if (kind == SIM_FUTURE)
        e.time_ms += 3600 * 1000;
    uint32_t n = sim_event_bytes(&e, source == 1, buf);
    fd_header header = {.name = FD_STR("h"), .value = FD_STR("kept")};
    model_input in = {.kafka_ms = 1767225600000 + i,
                      .key = fd_str_from(e.card),
                      .value = {(const char *)buf, n},
                      .null_value = kind == SIM_NULL_VALUE,
                      .n_headers = i % 3 == 0,
                      .headers = &header};
    return model_append(r->m, (fd_tp){source, partition}, &in);
}

int64_t rig_append(rig *r, uint16_t source, int32_t partition, sim_kind kind)
{
    return append(r, source, partition, kind, 10 * (uint32_t)partition + r->n_events % 10);
}

void rig_append_card(rig *r, int32_t partition, uint32_t card)
{
    append(r, 0, partition, SIM_VALID, card);
}

void rig_fill(rig *r, int32_t partition, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        rig_append(r, 0, partition, SIM_VALID);
}

sim_process *rig_start(rig *r, int slot, int instance)
{
    assert_false(r->used[slot]);
    r->used[slot] = true;
    r->config.instance = instance;
    sim_process *p = &r->workers[slot];
    memset(p, 0, sizeof *p);
    if (getenv("FD_SIM_TRACE") != NULL) {
        p->observer.line = on_line;
        p->observer.line_self = r;
    }
    sim_process_start(p, &r->config);
    return p;
}

void rig_free(rig *r, int slot)
{
    sim_process_free(&r->workers[slot]);
    r->used[slot] = false;
}

static bool step_some(rig *r)
{
    bool any = false;
    for (int i = 0; i < RIG_WORKERS; i++) {
        for (int a = 0; r->used[i] && a < SIM_ACTORS; a++) {
            if (!sim_process_ready(&r->workers[i], a))
                continue;
            sim_process_step(&r->workers[i], a);
            any = true;
        }
    }
    return any;
}

bool rig_run(rig *r, bool (*over)(void *arg), void *arg, int64_t limit_ns)
{
    int64_t until = model_now(r->m) + limit_ns;
    while (!over(arg)) {
        if (model_now(r->m) >= until)
            return false;
        on_idle(r, until);
    }
    return true;
}

static bool all_done(void *arg)
{
    const rig *r = arg;
    return sim_check_done(r->check);
}

void rig_drain(rig *r)
{
    if (!rig_run(r, all_done, r, MODEL_SEC(120)))
        sim_check_missing(r->check);
    rig_pass(r, MODEL_MS(50));
    sim_check_final(r->check);
    assert_string_equal(sim_check_verdict(r->check), "");
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void rig_pass(rig *r, int64_t ns)
{
    rig_run(r, never, NULL, ns);
}

uint32_t rig_notes(const rig *r, fd_note note)
{
    uint32_t n = 0;
    for (int i = 0; i < RIG_WORKERS; i++)
        n += r->used[i] ? r->workers[i].observer.notes[note] : 0;
    return n;
}

uint32_t rig_txns(const rig *r, fd_txn_result result)
{
    uint32_t n = 0;
    for (int i = 0; i < RIG_WORKERS; i++)
        n += r->used[i] ? r->workers[i].observer.txns[result] : 0;
    return n;
}
