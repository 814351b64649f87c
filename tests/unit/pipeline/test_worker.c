/*
 * The worker over the model of Kafka: batches, poison, schemas, pauses, rebalances, starts. Each
 * test ends with the promises of check.h, and with what it is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static const fd_tp P0 = {0, 0}, P1 = {0, 1};

static void test_decides_what_is_there(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 50);
    rig_fill(&r, 1, 30);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    assert_int_equal(sim_check_decisions(r.check), 80);
    assert_int_equal(p->observer.events, 80);
    assert_true(p->observer.by_action[FD_ACTION_BLOCK] > 0);
    assert_true(p->observer.by_action[FD_ACTION_REVIEW] > 0);
    assert_int_equal(rig_txns(&r, FD_TXN_RECOVERED), 0);
    rig_close(&r);
}

static void test_every_kind_of_poison(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.n_topics = 2;
    config.partitions[1] = 2;
    rig_open(&r, &config);
    uint32_t poisons = 0;
    for (int k = 0; k < SIM_N_KINDS; k++) {
        bool alike = k != SIM_BAD_FRAME && k != SIM_WIDE_SCHEMA && k != SIM_LATE_SCHEMA &&
                     k != SIM_BAD_SCHEMA && k != SIM_UNKNOWN_SCHEMA;
        if (alike)
            rig_append(&r, 0, k % 2, (sim_kind)k);
        if (k != SIM_UNKNOWN_SCHEMA)
            rig_append(&r, 1, k % 2, (sim_kind)k);
        bool poison = k != SIM_VALID && k != SIM_FUTURE && k != SIM_WIDE_SCHEMA &&
                      k != SIM_LATE_SCHEMA;
        poisons += poison * (alike + (k != SIM_UNKNOWN_SCHEMA));
    }
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    assert_int_equal(rig_notes(&r, FD_NOTE_POISON), poisons);
    assert_int_equal(p->observer.by_flag[FD_FLAG_INVALID], poisons);
    assert_int_equal(p->observer.by_flag[FD_FLAG_FUTURE], 2);
    rig_close(&r);
}

/* A dead letter that the broker refuses as too large comes again, shorter. */
static void test_a_dead_letter_too_large(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.max_record_bytes = 1500;
    rig_open(&r, &config);
    rig_fill(&r, 0, 3);
    rig_append(&r, 0, 0, SIM_HUGE);
    rig_fill(&r, 0, 3);
    rig_start(&r, 0, -1);
    rig_drain(&r);
    assert_true(rig_txns(&r, FD_TXN_RECOVERED) >= 1);
    rig_close(&r);
}

static bool waits_for_schema(void *arg)
{
    fd_worker_status s;
    fd_worker_status_get(((rig *)arg)->workers[0].worker, &s);
    return s.waiting_schema > 0;
}

static void test_a_schema_that_comes_later(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.n_topics = 2;
    config.partitions[1] = 2;
    rig_open(&r, &config);
    model_schemas_set(&r.schemas, SIM_SCHEMA_LATE, FD_SCHEMA_UNAVAILABLE, FD_STR(""));
    rig_append(&r, 1, 0, SIM_LATE_SCHEMA);
    rig_append(&r, 1, 0, SIM_VALID);
    rig_append(&r, 1, 1, SIM_VALID);
    rig_start(&r, 0, -1);
    assert_true(rig_run(&r, waits_for_schema, &r, MODEL_SEC(10)));
    uint64_t before = r.workers[0].steps;
    rig_pass(&r, MODEL_SEC(5));
    assert_true(r.workers[0].steps - before < 500); /* waits, does not spin */
    /* Nothing of that partition is lost or passed over; the others go on. */
    assert_int_equal(model_committed(r.m, (fd_tp){1, 0}), 0);
    assert_int_equal(model_committed(r.m, (fd_tp){1, 1}), 1);
    model_schemas_set(&r.schemas, SIM_SCHEMA_LATE, FD_SCHEMA_KNOWN,
                      fd_str_from(sim_schema_json(SIM_SCHEMA_LATE)));
    rig_drain(&r);
    assert_int_equal(rig_notes(&r, FD_NOTE_SCHEMA_FOUND), 2); /* this one and its own */
    rig_close(&r);
}

static void test_a_consent(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.n_topics = 2;
    config.partitions[1] = 2;
    rig_open(&r, &config);
    int64_t offset = rig_append(&r, 1, 0, SIM_UNKNOWN_SCHEMA);
    rig_append(&r, 1, 0, SIM_VALID);
    sim_process *p = rig_start(&r, 0, -1);
    assert_true(rig_run(&r, waits_for_schema, &r, MODEL_SEC(10)));
    fd_consent other = {.tp = {1, 1}, .through = 100};
    assert_true(fd_worker_consent(p->worker, other));
    rig_pass(&r, MODEL_SEC(1));
    assert_true(waits_for_schema(&r));
    assert_true(fd_worker_consent(p->worker, (fd_consent){.tp = {1, 0}, .through = offset}));
    rig_drain(&r);
    assert_int_equal(p->observer.by_poison[FD_POISON_UNKNOWN_SCHEMA], 1);
    rig_close(&r);
}

/* A consent is for what nobody knows, not for what this process has not heard of yet. */
static void test_a_consent_waits_for_the_registry(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.n_topics = 2;
    config.partitions[1] = 2;
    rig_open(&r, &config);
    model_schemas_set(&r.schemas, SIM_SCHEMA_LATE, FD_SCHEMA_UNAVAILABLE, FD_STR(""));
    model_schemas_set(&r.schemas, SIM_SCHEMA_OWN, FD_SCHEMA_PENDING, FD_STR(""));
    rig_append(&r, 1, 0, SIM_VALID);
    rig_append(&r, 1, 0, SIM_LATE_SCHEMA);
    rig_append(&r, 1, 0, SIM_UNKNOWN_SCHEMA);
    sim_process *p = rig_start(&r, 0, -1);
    assert_true(fd_worker_consent(p->worker, (fd_consent){.tp = {1, 0}, .through = 2}));
    rig_pass(&r, MODEL_SEC(1));
    assert_int_equal(model_committed(r.m, (fd_tp){1, 0}), 0);
    model_schemas_set(&r.schemas, SIM_SCHEMA_OWN, FD_SCHEMA_KNOWN,
                      fd_str_from(sim_schema_json(SIM_SCHEMA_OWN)));
    rig_pass(&r, MODEL_SEC(1));
    assert_int_equal(model_committed(r.m, (fd_tp){1, 0}), 1);
    model_schemas_set(&r.schemas, SIM_SCHEMA_LATE, FD_SCHEMA_KNOWN,
                      fd_str_from(sim_schema_json(SIM_SCHEMA_LATE)));
    rig_drain(&r);
    assert_int_equal(p->observer.by_poison[FD_POISON_UNKNOWN_SCHEMA], 1);
    rig_close(&r);
}

static bool tripped(void *arg)
{
    fd_worker_status s;
    fd_worker_status_get(((rig *)arg)->workers[0].worker, &s);
    return s.breaker;
}

static void test_a_flood_of_poison(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    r.config.poison_window = 20;
    r.config.poison_max_rate = 0.25;
    for (int i = 0; i < 40; i++)
        rig_append(&r, 0, 0, SIM_TRUNCATED);
    sim_process *p = rig_start(&r, 0, -1);
    assert_true(rig_run(&r, tripped, &r, MODEL_SEC(10)));
    rig_pass(&r, MODEL_SEC(3));
    /* What was taken before it tripped is committed, nothing after. */
    assert_int_equal(model_committed(r.m, P0), 6);
    assert_int_equal(p->observer.pause, FD_PAUSE_BREAKER);
    fd_worker_resume(p->worker);
    assert_true(rig_run(&r, tripped, &r, MODEL_SEC(10)));
    p->config.poison_max_rate = 1;
    for (int i = 0; i < 20 && !sim_check_done(r.check); i++) {
        fd_worker_resume(p->worker);
        rig_pass(&r, MODEL_SEC(1));
    }
    rig_drain(&r);
    rig_close(&r);
}

/* More than the queue holds: the partition is paused at the source, and goes on. */
static void test_back_pressure(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.burst = 64;
    rig_open(&r, &config);
    r.config.queue_events = 16;
    rig_fill(&r, 0, 1500);
    sim_process *p = rig_start(&r, 0, -1);
    model_broker_down(r.m, 0);
    rig_drain(&r);
    assert_true(p->observer.queued_max <= 16 + 256);
    assert_false(model_fetch_paused(r.m, 0, P0));
    rig_close(&r);
}

static void test_stop_drains(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 100);
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_MS(8));
    int64_t before = model_committed(r.m, P0);
    assert_true(before < 100);
    sim_process_stop(p);
    rig_pass(&r, MODEL_SEC(1));
    assert_int_equal(p->life, SIM_ENDED);
    assert_false(p->failed);
    assert_int_equal(model_open_txns(r.m), 0);
    assert_int_equal(model_members(r.m), 0); /* a dynamic member left */
    assert_true(model_committed(r.m, P0) < 100);
    rig_free(&r, 0);
    rig_start(&r, 0, -1);
    rig_drain(&r);
    rig_close(&r);
}

static void test_scale_up_and_down(void **state)
{
    (void)state;
    for (int cooperative = 0; cooperative < 2; cooperative++) {
        rig r;
        model_config config;
        rig_init(&r, &config);
        config.cooperative = cooperative;
        config.partitions[0] = 4;
        rig_open(&r, &config);
        for (int32_t i = 0; i < 4; i++)
            rig_fill(&r, i, 60);
        rig_start(&r, 0, 0);
        rig_pass(&r, MODEL_MS(20));
        rig_start(&r, 1, 1);
        rig_start(&r, 2, 2);
        rig_pass(&r, MODEL_SEC(3));
        for (int32_t i = 0; i < 4; i++)
            rig_fill(&r, i, 20);
        sim_process_stop(&r.workers[1]);
        rig_pass(&r, MODEL_SEC(1));
        assert_int_equal(r.workers[1].life, SIM_ENDED);
        rig_drain(&r);
        assert_int_equal(rig_notes(&r, FD_NOTE_LOST), 0);
        rig_close(&r);
    }
}

/* The session timed out although the process lives: what it had in flight must not be committed. */
static void test_lost_partitions(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 200);
    rig_fill(&r, 1, 200);
    rig_start(&r, 0, 0);
    rig_start(&r, 1, 1);
    rig_pass(&r, MODEL_MS(60));
    for (int i = 0; i < 3; i++) {
        model_kick(r.m, r.workers[i % 2].client);
        rig_fill(&r, i % 2, 50);
        rig_pass(&r, MODEL_MS(700));
    }
    rig_drain(&r);
    assert_true(rig_notes(&r, FD_NOTE_LOST) >= 1);
    rig_close(&r);
}

/* Questions that nobody answers are asked again, for as long as it takes. */
static void test_the_broker_is_away_during_recovery(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.txn_timeout_ns = MODEL_SEC(1);
    rig_open(&r, &config);
    r.config.txn_timeout_ns = MODEL_SEC(2);
    rig_fill(&r, 0, 10);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    model_rule_add(r.m, &(model_rule){.api = MODEL_END_TXN,
                                      .client = -1,
                                      .lane = -1,
                                      .fault = MODEL_REFUSE,
                                      .error = MODEL_E_INVALID_TXN_STATE});
    model_rule_add(r.m, &(model_rule){.api = MODEL_OFFSET_FETCH,
                                      .client = -1,
                                      .lane = -1,
                                      .times = 900,
                                      .fault = MODEL_CUT_BEFORE});
    rig_fill(&r, 0, 50);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(p->life, SIM_RUNNING);
    model_broker_down(r.m, MODEL_SEC(8));
    rig_pass(&r, MODEL_SEC(8));
    assert_int_equal(p->life, SIM_RUNNING);
    rig_drain(&r);
    assert_true(rig_notes(&r, FD_NOTE_RECOVERY_RETRY) >= 3);
    assert_false(p->failed);
    rig_close(&r);
}

static void test_start_latest_is_pinned(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    model_append_gap(r.m, P0, 10);
    r.config.start.kind = FD_START_LATEST;
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_MS(500));
    assert_int_equal(model_committed(r.m, P0), 10);
    assert_int_equal(model_committed(r.m, P1), 0);
    /* It dies before its first decision: where the group begins does not move. */
    sim_process_kill(p);
    rig_free(&r, 0);
    rig_fill(&r, 0, 5);
    rig_start(&r, 0, -1);
    rig_drain(&r);
    assert_int_equal(sim_check_decisions(r.check), 5);
    rig_close(&r);
}

static void test_start_at_a_time(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 10);
    r.config.start = (fd_start){.kind = FD_START_TIME, .time_ms = 1767225600000 + 7};
    rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(1));
    assert_int_equal(model_committed(r.m, P0), 10);
    assert_int_equal(sim_check_decisions(r.check), 3);
    rig_close(&r);
}

/* Records were deleted undecided: an operator has to say where to go on. */
static void test_the_log_has_no_such_offset(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 10);
    model_set_committed(r.m, P0, 2);
    model_truncate(r.m, P0, 5);
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(1));
    assert_true(p->failed);
    const fd_err *err = fd_worker_failure(p->worker);
    assert_int_equal(err->exit_code, FD_EXIT_CONFIG);
    assert_non_null(strstr(err->text, "no record at offset 2"));
    assert_int_equal(sim_check_decisions(r.check), 0);
    rig_close(&r);
}

static void test_records_of_open_transactions_are_not_read(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 5);
    model_hold_stable(r.m, P0, true);
    rig_fill(&r, 0, 5);
    rig_fill(&r, 1, 5);
    rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(1));
    assert_int_equal(model_committed(r.m, P0), 5);
    assert_int_equal(model_committed(r.m, P1), 5); /* the merge does not wait for it */
    model_append_gap(r.m, P0, 1);
    model_hold_stable(r.m, P0, false);
    rig_drain(&r);
    rig_close(&r);
}

/* More output partitions than inputs: by key. */
static void test_output_by_key(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.out_partitions[FD_OUT_DECISION] = 5;
    config.out_partitions[FD_OUT_DEAD_LETTER] = 1;
    rig_open(&r, &config);
    rig_fill(&r, 0, 60);
    rig_append(&r, 0, 1, SIM_TRAILING);
    rig_start(&r, 0, -1);
    rig_drain(&r);
    const model_output *items;
    uint32_t used = 0;
    for (int32_t p = 0; p < 5; p++)
        used += model_outputs(r.m, FD_OUT_DECISION, p, &items) > 0;
    assert_true(used >= 3);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decides_what_is_there),
        cmocka_unit_test(test_every_kind_of_poison),
        cmocka_unit_test(test_a_dead_letter_too_large),
        cmocka_unit_test(test_a_schema_that_comes_later),
        cmocka_unit_test(test_a_consent),
        cmocka_unit_test(test_a_consent_waits_for_the_registry),
        cmocka_unit_test(test_a_flood_of_poison),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_stop_drains),
        cmocka_unit_test(test_scale_up_and_down),
        cmocka_unit_test(test_lost_partitions),
        cmocka_unit_test(test_the_broker_is_away_during_recovery),
        cmocka_unit_test(test_start_latest_is_pinned),
        cmocka_unit_test(test_start_at_a_time),
        cmocka_unit_test(test_the_log_has_no_such_offset),
        cmocka_unit_test(test_records_of_open_transactions_are_not_read),
        cmocka_unit_test(test_output_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
