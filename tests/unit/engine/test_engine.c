/*
 * The engine: what an event is found to be, what becomes of it, and that neither depends on its
 * neighbours. Events and rules are the simulator's (tests/sim/events.h, tests/sim/rules).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine_int.h"
#include "events.h"

enum { MAX = 64, N = 200 };

static const int64_t NOW_MS = 1767225600000;

typedef struct rig {
    sim_engine e;
    fd_engine *engine;
    fd_arena *arena;
    unsigned char bytes[N][256];
    fd_msg msgs[N];
} rig;

static void rig_open(rig *r)
{
    memset(r, 0, sizeof *r);
    sim_engine_new(&r->e, 2, MAX, NULL);
    r->engine = r->e.engine;
    r->arena = fd_arena_new(4096, 0);
}

static void rig_close(rig *r)
{
    sim_engine_free(&r->e);
    fd_arena_free(r->arena);
}

static const fd_msg *message(rig *r, uint32_t i, uint16_t source, sim_kind kind)
{
    static unsigned char big[SIM_EVENT_MAX];
    sim_event e = {.kind = kind, .time_ms = NOW_MS + i, .amount = (i * 37) % 1000};
    snprintf(e.id, sizeof e.id, "t%u", i);
    snprintf(e.card, sizeof e.card, "C%u", i % 10);
    if (kind == SIM_FUTURE)
        e.time_ms += 3600 * 1000;
    uint32_t n = sim_event_bytes(&e, source == 1, big);
    n = n < sizeof r->bytes[i] ? n : (uint32_t)sizeof r->bytes[i];
    memcpy(r->bytes[i], big, n);
    r->msgs[i] = (fd_msg){.tp = {source, 3},
                          .offset = 1000 + i,
                          .kafka_ms = NOW_MS + i,
                          .value = {(const char *)r->bytes[i], n},
                          .null_value = kind == SIM_NULL_VALUE,
                          .null_key = true};
    return &r->msgs[i];
}

static fd_outcome decide(rig *r, fd_event *ev)
{
    fd_outcome o;
    fd_engine_decode(r->engine, ev, 1);
    fd_engine_fold(r->engine, ev, 1);
    fd_engine_decide(r->engine, ev, 1);
    fd_engine_encode(r->engine, ev, 1, r->arena, &o);
    return o;
}

static void test_what_an_event_is(void **state)
{
    (void)state;
    static const struct {
        uint16_t source;
        sim_kind kind;
        fd_poison poison;
    } cases[] = {
        {0, SIM_VALID, FD_POISON_NONE},
        {0, SIM_NULL_VALUE, FD_POISON_NULL_PAYLOAD},
        {0, SIM_EMPTY, FD_POISON_EMPTY_PAYLOAD},
        {0, SIM_TRUNCATED, FD_POISON_TRUNCATED},
        {0, SIM_TRAILING, FD_POISON_TRAILING_BYTES},
        {0, SIM_EMPTY_ID, FD_POISON_BAD_ID},
        {0, SIM_FUTURE, FD_POISON_NONE},
        {1, SIM_BAD_FRAME, FD_POISON_BAD_FRAME},
    };
    rig r;
    rig_open(&r);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_event ev;
        fd_engine_scan(r.engine, message(&r, i, cases[i].source, cases[i].kind), &ev);
        assert_int_equal(ev.poison, cases[i].poison);
        assert_false(ev.needs_schema);
        assert_int_equal((ev.flags & FD_FLAG_BIT(FD_FLAG_FUTURE)) != 0,
                         cases[i].kind == SIM_FUTURE);
        if (ev.poison != FD_POISON_NONE) /* like all else a function of the log */
            assert_int_equal(ev.time_us, (NOW_MS + i) * 1000);
        fd_outcome o = decide(&r, &ev);
        bool invalid = cases[i].poison != FD_POISON_NONE;
        assert_int_equal((o.flags & FD_FLAG_BIT(FD_FLAG_INVALID)) != 0, invalid);
        assert_int_equal(o.event_id.n == 0, invalid);
        if (invalid)
            assert_int_equal(o.action, FD_ACTION_REVIEW);
        char id[40];
        snprintf(id, sizeof id, "%s/3/%u", sim_topics[cases[i].source], 1000 + i);
        assert_true(fd_str_eq_c(o.id, id));
    }
    rig_close(&r);
}

static void test_writer_schemas(void **state)
{
    (void)state;
    rig r;
    fd_err err;
    rig_open(&r);
    fd_event wide, bad;
    fd_engine_scan(r.engine, message(&r, 0, 1, SIM_WIDE_SCHEMA), &wide);
    fd_engine_scan(r.engine, message(&r, 1, 1, SIM_BAD_SCHEMA), &bad);
    assert_true(wide.needs_schema);
    assert_int_equal(wide.schema_id, SIM_SCHEMA_WIDE);
    fd_engine_rescan(r.engine, &wide);
    assert_true(wide.needs_schema); /* nothing has changed */
    fd_str json = fd_str_from(sim_schema_json(SIM_SCHEMA_WIDE));
    assert_int_equal(fd_engine_add_schema(r.engine, 1, SIM_SCHEMA_WIDE, json, &err), FD_OK);
    assert_int_equal(fd_engine_add_schema(r.engine, 1, SIM_SCHEMA_WIDE, json, &err), FD_OK);
    fd_engine_rescan(r.engine, &wide);
    assert_false(wide.needs_schema);
    assert_int_equal(wide.poison, FD_POISON_NONE);
    assert_int_equal(decide(&r, &wide).flags & FD_FLAG_BIT(FD_FLAG_INVALID), 0);
    /* One that the reader cannot resolve, and text that is no schema: its events are BAD_SCHEMA. */
    json = fd_str_from(sim_schema_json(SIM_SCHEMA_BAD));
    assert_int_equal(fd_engine_add_schema(r.engine, 1, SIM_SCHEMA_BAD, json, &err), FD_ABORT);
    fd_engine_rescan(r.engine, &bad);
    assert_int_equal(bad.poison, FD_POISON_BAD_SCHEMA);
    assert_int_equal(fd_engine_add_schema(r.engine, 1, 77, FD_STR("nonsense"), &err), FD_ABORT);
    rig_close(&r);
}

static void test_a_consent(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    fd_event ev;
    fd_engine_scan(r.engine, message(&r, 0, 1, SIM_UNKNOWN_SCHEMA), &ev);
    assert_true(ev.needs_schema);
    fd_engine_consent(r.engine, &ev);
    assert_false(ev.needs_schema);
    assert_int_equal(ev.poison, FD_POISON_UNKNOWN_SCHEMA);
    assert_int_equal(decide(&r, &ev).action, FD_ACTION_REVIEW);
    rig_close(&r);
}

/* A batch of any size gives each event the bytes it gets alone. */
static void test_batches_do_not_matter(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 7, 13, MAX};
    rig r;
    rig_open(&r);
    fd_arena *kept = fd_arena_new(65536, 0);
    static fd_str alone[N];
    static fd_event events[N];
    static fd_outcome outcomes[N];
    for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t merge_us = INT64_MIN;
        fd_windows_drop(fd_engine_windows(r.engine), (fd_tp){0, 3});
        for (uint32_t i = 0; i < N; i++) {
            fd_event *ev = &events[i];
            fd_engine_scan(r.engine, message(&r, i, 0, (sim_kind)(i % (SIM_FUTURE + 1))), ev);
            if (ev->poison == FD_POISON_NONE && ev->flags == 0 && ev->time_us > merge_us)
                merge_us = ev->time_us;
            fd_engine_place(r.engine, ev, merge_us);
        }
        for (uint32_t at = 0; at < N; at += sizes[s]) {
            uint32_t n = N - at < sizes[s] ? N - at : sizes[s];
            assert_true(fd_engine_room(r.engine, n));
            fd_engine_decode(r.engine, events + at, n);
            fd_engine_fold(r.engine, events + at, n);
            fd_engine_decide(r.engine, events + at, n);
            fd_engine_encode(r.engine, events + at, n, r.arena, outcomes + at);
            for (uint32_t i = at; i < at + n; i++) {
                if (sizes[s] == 1)
                    alone[i] = fd_arena_str(kept, outcomes[i].value);
                assert_true(fd_str_eq(outcomes[i].value, alone[i]));
            }
            fd_arena_reset(r.arena);
        }
    }
    fd_arena_free(kept);
    rig_close(&r);
}

static void test_deadline(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    fd_event ev;
    const fd_msg *m = message(&r, 3, 0, SIM_VALID); /* card C3: blocked by a rule */
    fd_engine_scan(r.engine, m, &ev);
    assert_int_equal(decide(&r, &ev).action, FD_ACTION_BLOCK);
    ev.flags |= FD_FLAG_BIT(FD_FLAG_DEADLINE);
    fd_outcome o = decide(&r, &ev);
    assert_int_equal(o.action, FD_ACTION_ALLOW);
    assert_true(o.flags & FD_FLAG_BIT(FD_FLAG_DEADLINE));
    assert_true(fd_str_eq_c(o.event_id, "t3"));
    rig_close(&r);
}

static void test_rules_are_counted(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    assert_int_equal(fd_engine_n_rules(r.engine), 3);
    assert_int_equal(strlen(fd_engine_ruleset_hash(r.engine)), FD_CONTENT_HASH_CHARS);
    uint64_t errors = 0;
    for (uint32_t i = 0; i < 100; i++) {
        fd_event ev;
        fd_engine_scan(r.engine, message(&r, i, 0, SIM_VALID), &ev);
        errors += (decide(&r, &ev).flags & FD_FLAG_BIT(FD_FLAG_RULE_ERROR)) != 0;
    }
    uint64_t counted = 0;
    for (uint32_t k = 0; k < 3; k++) {
        fd_rule_counts counts;
        fd_engine_rule_counts(r.engine, k, &counts);
        counted += counts.errors;
        if (strcmp(fd_engine_rule_id(r.engine, k), "bad-card") == 0)
            assert_int_equal(counts.hits, 20);
        assert_int_equal(fd_engine_rule_mode(r.engine, k), FD_MODE_LIVE);
    }
    assert_int_equal(errors, 10); /* amounts that are multiples of ten */
    assert_int_equal(counted, errors);
    rig_close(&r);
}

static void test_message_keys(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    fd_event ev;
    fd_msg m = *message(&r, 4, 0, SIM_VALID);
    m.null_key = false;
    m.key = FD_STR("C4");
    fd_engine_scan(r.engine, &m, &ev);
    fd_engine_decode(r.engine, &ev, 1);
    assert_true(fd_engine_key_matches(r.engine, &ev, 0));
    ev.msg.key = FD_STR("C5");
    assert_false(fd_engine_key_matches(r.engine, &ev, 0));
    ev.msg.null_key = true;
    assert_false(fd_engine_key_matches(r.engine, &ev, 0));
    /* Of an invalid event nothing can be said. */
    m.value.n--;
    fd_engine_scan(r.engine, &m, &ev);
    fd_engine_decode(r.engine, &ev, 1);
    assert_true(fd_engine_key_matches(r.engine, &ev, 0));
    rig_close(&r);
}

static void test_plan_table(void **state)
{
    (void)state;
    fd_plan_table t = {.cap = 0};
    assert_null(fd_plan_table_find(&t, 1));
    for (uint64_t k = 0; k < FD_ENGINE_MAX_PLANS; k++)
        assert_true(fd_plan_table_add(&t, k * 0x100000001ULL, NULL));
    assert_false(fd_plan_table_add(&t, UINT64_MAX, NULL)); /* bounded */
    for (uint64_t k = 0; k < FD_ENGINE_MAX_PLANS; k++) {
        const fd_writer *w = fd_plan_table_find(&t, k * 0x100000001ULL);
        assert_non_null(w);
        assert_int_equal(w->key, k * 0x100000001ULL);
    }
    assert_null(fd_plan_table_find(&t, UINT64_MAX));
    fd_plan_table_free(&t);
}

static void test_what_cannot_be_loaded(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    fd_diags diags;
    fd_engine_source source = {.topic = "x",
                               .schema = r.e.reader,
                               .framing = FD_FRAMING_RAW,
                               .id_path = "id",
                               .time_path = "time"};
    fd_engine_config config = {.n_sources = 1,
                               .sources = &source,
                               .decision_schema = r.e.decision,
                               .rules_dir = "tests/sim/no-such-rules",
                               .max_events = 4,
                               .version = "t"};
    fd_diags_init(&diags);
    assert_null(fd_engine_new(&config, &diags));
    assert_true(diags.errors > 0);
    fd_diags_free(&diags);
    config.rules_dir = "tests/sim/rules";
    static const char *const paths[][3] = {
        {"nobody", "time", NULL}, {"id", "card", NULL}, {"id", "time", "nobody"}};
    for (size_t i = 0; i < 3; i++) {
        source.id_path = paths[i][0];
        source.time_path = paths[i][1];
        source.key_path = paths[i][2];
        fd_diags_init(&diags);
        assert_null(fd_engine_new(&config, &diags));
        assert_true(diags.errors > 0);
        fd_diags_free(&diags);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_event_is),
        cmocka_unit_test(test_writer_schemas),
        cmocka_unit_test(test_a_consent),
        cmocka_unit_test(test_batches_do_not_matter),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_rules_are_counted),
        cmocka_unit_test(test_message_keys),
        cmocka_unit_test(test_plan_table),
        cmocka_unit_test(test_what_cannot_be_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
