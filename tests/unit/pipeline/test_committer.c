/*
 * Lanes and recovery over the model of Kafka, one trouble at a time: the outcome of a commit is
 * unknown, a producer is fenced, requests come late, the group goes on without us. Each test ends
 * with the promises of check.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static const fd_tp P0 = {0, 0};

/* A worker that has decided ten events and idles. */
static void open_idle(rig *r, model_config *config)
{
    rig_init(r, config);
    config->txn_timeout_ns = MODEL_SEC(2);
    rig_open(r, config);
    r->config.txn_timeout_ns = MODEL_SEC(4);
    rig_fill(r, 0, 10);
    rig_start(r, 0, 0);
    rig_drain(r);
    assert_int_equal(model_committed(r->m, P0), 10);
}

static void add_rule(rig *r, model_api api, model_fault fault, model_error error)
{
    model_rule_add(
        r->m, &(model_rule){.api = api, .client = -1, .lane = -1, .fault = fault, .error = error});
}

static void test_unknown_and_committed(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_idle(&r, &config);
    add_rule(&r, MODEL_END_TXN, MODEL_REFUSE_AFTER, MODEL_E_INVALID_TXN_STATE);
    rig_fill(&r, 0, 3);
    rig_drain(&r);
    assert_int_equal(rig_txns(&r, FD_TXN_RECOVERED), 1);
    assert_non_null(strstr(r.workers[0].observer.detail[FD_NOTE_RECOVERY_END], "0 to produce"));
    assert_int_equal(rig_notes(&r, FD_NOTE_DROPPED), 0);
    rig_close(&r);
}

static void test_unknown_and_not_committed(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_idle(&r, &config);
    add_rule(&r, MODEL_END_TXN, MODEL_REFUSE, MODEL_E_INVALID_TXN_STATE);
    rig_fill(&r, 0, 3);
    rig_drain(&r);
    assert_int_equal(rig_txns(&r, FD_TXN_RECOVERED), 1);
    /* The same bytes again, from memory: nothing is fetched anew. */
    assert_non_null(strstr(r.workers[0].observer.detail[FD_NOTE_RECOVERY_END], "1 to produce"));
    assert_int_equal(rig_notes(&r, FD_NOTE_DROPPED), 0);
    rig_close(&r);
}

static void test_each_request_refused(void **state)
{
    (void)state;
    static const struct {
        model_api api;
        model_error error;
    } cases[] = {
        {MODEL_ADD_PARTITIONS_TO_TXN, MODEL_E_PRODUCER_FENCED},
        {MODEL_ADD_OFFSETS_TO_TXN, MODEL_E_INVALID_TXN_STATE},
        {MODEL_PRODUCE, MODEL_E_OUT_OF_ORDER_SEQUENCE},
        {MODEL_TXN_OFFSET_COMMIT, MODEL_E_ILLEGAL_GENERATION},
        {MODEL_TXN_OFFSET_COMMIT, MODEL_E_PRODUCER_FENCED},
        {MODEL_END_TXN, MODEL_E_PRODUCER_FENCED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int after = 0; after < 2; after++) {
            rig r;
            model_config config;
            open_idle(&r, &config);
            add_rule(&r, cases[i].api, after ? MODEL_REFUSE_AFTER : MODEL_REFUSE, cases[i].error);
            rig_fill(&r, 0, 20);
            rig_drain(&r);
            assert_int_equal(rig_txns(&r, FD_TXN_RECOVERED), 1);
            rig_close(&r);
        }
    }
}

/* Connections break at each request of a transaction: librdkafka repeats it and says nothing. */
static void test_each_request_cut(void **state)
{
    (void)state;
    static const model_api apis[] = {MODEL_ADD_PARTITIONS_TO_TXN, MODEL_ADD_OFFSETS_TO_TXN,
                                     MODEL_PRODUCE, MODEL_TXN_OFFSET_COMMIT, MODEL_END_TXN};
    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++) {
        for (model_fault fault = MODEL_CUT_BEFORE; fault <= MODEL_LATE; fault++) {
            rig r;
            model_config config;
            open_idle(&r, &config);
            model_rule_add(r.m, &(model_rule){.api = apis[i],
                                              .client = -1,
                                              .lane = -1,
                                              .fault = fault,
                                              .late_ns = MODEL_MS(5)});
            rig_fill(&r, 0, 60);
            rig_drain(&r);
            assert_true(rig_notes(&r, FD_NOTE_LANE_RENEWED) + rig_notes(&r, FD_NOTE_RECOVERY_END) >=
                        1);
            rig_close(&r);
        }
    }
}

/* An old EndTxn arrives while the lane's next transaction would be open. */
static void test_a_late_end_of_a_transaction(void **state)
{
    (void)state;
    for (int ms = 1; ms < 12; ms++) {
        rig r;
        model_config config;
        open_idle(&r, &config);
        model_rule_add(r.m, &(model_rule){.api = MODEL_END_TXN,
                                          .client = -1,
                                          .lane = -1,
                                          .fault = MODEL_LATE,
                                          .late_ns = MODEL_MS(ms)});
        rig_fill(&r, 0, 100);
        rig_drain(&r);
        assert_int_equal(rig_notes(&r, FD_NOTE_LANE_RENEWED), 1);
        rig_close(&r);
    }
}

/* Found by the simulator: the copy joins a transaction that is decided and not marked yet, behind
 * the offsets of the other lane. */
static void test_late_offsets_and_slow_markers(void **state)
{
    (void)state;
    for (int ms = 1; ms < 40; ms++) {
        rig r;
        model_config config;
        open_idle(&r, &config);
        model_weather slow = model_calm;
        slow.slow_marker = 1000;
        slow.slow_ns = MODEL_MS(30);
        model_weather_set(r.m, &slow);
        model_rule_add(r.m, &(model_rule){.api = MODEL_TXN_OFFSET_COMMIT,
                                          .client = -1,
                                          .lane = -1,
                                          .fault = MODEL_LATE,
                                          .late_ns = MODEL_MS(ms)});
        rig_fill(&r, 0, 60);
        rig_drain(&r);
        rig_close(&r);
    }
}

static void test_a_transaction_that_takes_too_long(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_idle(&r, &config);
    model_rule_add(r.m, &(model_rule){.api = MODEL_END_TXN,
                                      .client = -1,
                                      .lane = -1,
                                      .fault = MODEL_HOLD,
                                      .late_ns = MODEL_SEC(3)});
    rig_fill(&r, 0, 5);
    rig_drain(&r);
    assert_int_equal(model_counted(r.m)->timeouts, 1);
    assert_int_equal(rig_txns(&r, FD_TXN_RECOVERED), 1);
    rig_close(&r);
}

/* Not a member at the moment: nothing may be sent, whatever the broker would take. */
static void test_no_membership(void **state)
{
    (void)state;
    static const struct {
        int32_t generation;
        bool has_id;
    } cases[] = {{-1, false}, {-1, true}, {3, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig r;
        model_config config;
        open_idle(&r, &config);
        model_force_membership(r.m, 0, cases[i].generation, cases[i].has_id);
        rig_fill(&r, 0, 5);
        rig_pass(&r, MODEL_SEC(3));
        assert_int_equal(model_committed(r.m, P0), 10);
        assert_true(rig_notes(&r, FD_NOTE_RECOVERY_BEGIN) >= 2);
        assert_true(rig_notes(&r, FD_NOTE_RECOVERY_BEGIN) < 20); /* it does not spin */
        model_force_membership(r.m, 0, INT32_MIN, false);
        rig_drain(&r);
        rig_close(&r);
    }
}

/* In good order: the batch in flight is finished before the partition changes hands. */
static void test_revoke_waits_for_the_batch(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_idle(&r, &config);
    model_rule_add(r.m, &(model_rule){.api = MODEL_END_TXN,
                                      .client = 0,
                                      .lane = -1,
                                      .fault = MODEL_HOLD,
                                      .late_ns = MODEL_SEC(1)});
    rig_fill(&r, 0, 5);
    rig_pass(&r, MODEL_MS(5));
    rig_start(&r, 1, 1);
    rig_pass(&r, MODEL_SEC(3));
    rig_drain(&r);
    assert_int_equal(rig_txns(&r, FD_TXN_RECOVERED), 0);
    assert_true(rig_notes(&r, FD_NOTE_REVOKED) >= 1);
    rig_close(&r);
}

/* It takes too long: the batch is cancelled, and decided by the next owner. */
static void test_revoke_gives_up(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    config.txn_timeout_ns = MODEL_SEC(20);
    rig_open(&r, &config);
    r.config.revoke_timeout_ns = MODEL_MS(500);
    r.config.txn_timeout_ns = MODEL_SEC(20);
    rig_fill(&r, 0, 10);
    rig_start(&r, 0, 0);
    rig_drain(&r);
    model_rule_add(r.m, &(model_rule){.api = MODEL_PRODUCE,
                                      .client = 0,
                                      .lane = -1,
                                      .fault = MODEL_HOLD,
                                      .late_ns = MODEL_SEC(3)});
    rig_fill(&r, 0, 5);
    rig_pass(&r, MODEL_MS(5));
    rig_start(&r, 1, 1);
    int owner[2] = {r.workers[1].client, r.workers[1].client};
    model_deal(r.m, owner);
    rig_drain(&r);
    rig_close(&r);
}

/* A worker stands still past its session, another goes on; what it had in flight is void. */
static void test_a_zombie(void **state)
{
    (void)state;
    for (int ms = 0; ms < 12; ms++) {
        rig r;
        model_config config;
        open_idle(&r, &config);
        rig_fill(&r, 0, 100);
        rig_start(&r, 1, 1);
        rig_pass(&r, MODEL_MS(ms));
        if (!sim_process_busy(&r.workers[0]))
            model_pause(r.m, 0, true);
        rig_pass(&r, MODEL_SEC(20));
        rig_fill(&r, 0, 20);
        rig_pass(&r, MODEL_SEC(1));
        model_pause(r.m, 0, false);
        rig_drain(&r);
        rig_close(&r);
    }
}

/* Its place is taken by a new process of the same name; when it goes on it finds that out. */
static void test_a_twin(void **state)
{
    (void)state;
    for (int ms = 0; ms < 12; ms++) {
        rig r;
        model_config config;
        open_idle(&r, &config);
        rig_fill(&r, 0, 100);
        rig_pass(&r, MODEL_MS(ms));
        if (!sim_process_busy(&r.workers[0]))
            model_pause(r.m, 0, true);
        rig_start(&r, 1, 0);
        rig_pass(&r, MODEL_SEC(1));
        model_pause(r.m, 0, false);
        rig_drain(&r);
        rig_pass(&r, MODEL_SEC(5));
        assert_true(r.workers[0].failed);
        assert_int_equal(fd_worker_failure(r.workers[0].worker)->exit_code, FD_EXIT_CONFIG);
        assert_false(r.workers[1].failed);
        rig_close(&r);
    }
}

/* kill -9 at any moment, and back. */
static void test_killed_at_any_moment(void **state)
{
    (void)state;
    for (int us = 0; us < 12000; us += 400) {
        rig r;
        model_config config;
        open_idle(&r, &config);
        rig_fill(&r, 0, 60);
        rig_pass(&r, MODEL_US(us));
        sim_process_kill(&r.workers[0]);
        rig_free(&r, 0);
        rig_start(&r, 0, 0);
        rig_drain(&r);
        rig_close(&r);
    }
}

/* ---- the committer alone ---- */

/* Its ports refuse for good: no authorisation, say. */
static fd_class hopeless_open(void *self, int lane, int timeout_ms, fd_err *err)
{
    (void)self, (void)timeout_ms;
    return fd_fail(err, lane == 1 ? FD_FATAL : FD_RETRY, lane == 1 ? FD_EXIT_CONFIG : 0,
                   "grant this user access");
}

static void nothing(void *self, int who)
{
    (void)self, (void)who;
}

static void no_destroy(void *self, int lane)
{
    (void)self, (void)lane;
}

static void test_hopeless(void **state)
{
    (void)state;
    static const fd_txn_ops ops = {.open = hopeless_open, .destroy = no_destroy};
    model_clock clock;
    model_observer observer = {.line = NULL};
    model_clock_init(&clock);
    fd_committer_config config = {.txn = {.ops = &ops},
                                  .clock = model_clock_port(&clock),
                                  .observer = model_observer_port(&observer),
                                  .wake = nothing,
                                  .txn_timeout_ns = MODEL_SEC(1),
                                  .call_timeout_ms = 10};
    fd_committer *c = fd_committer_new(&config);
    int backoff_ms = 0;
    assert_int_equal(fd_committer_step(c, 0, &backoff_ms), FD_STEP_BACKOFF);
    assert_int_equal(backoff_ms, 20);
    /* Woken too early: the rest of it; then twice as long. */
    clock.now_ns += MODEL_MS(15);
    assert_int_equal(fd_committer_step(c, 0, &backoff_ms), FD_STEP_BACKOFF);
    assert_int_equal(backoff_ms, 5);
    clock.now_ns += MODEL_MS(5);
    assert_int_equal(fd_committer_step(c, 0, &backoff_ms), FD_STEP_BACKOFF);
    assert_int_equal(backoff_ms, 40);
    assert_false(fd_committer_opened(c));
    assert_false(fd_committer_ready(c));
    assert_int_equal(fd_committer_mode_now(c, NULL), FD_COMMITTER_RUNNING);
    assert_int_equal(fd_committer_step(c, 1, &backoff_ms), FD_STEP_AGAIN);
    fd_err err;
    assert_int_equal(fd_committer_mode_now(c, &err), FD_COMMITTER_FAILED);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    for (int i = 0; i < FD_LANES; i++)
        assert_int_equal(fd_committer_step(c, i, &backoff_ms), FD_STEP_STOPPED);
    fd_committer_abandon(c);
    fd_committer_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_and_committed),
        cmocka_unit_test(test_unknown_and_not_committed),
        cmocka_unit_test(test_each_request_refused),
        cmocka_unit_test(test_each_request_cut),
        cmocka_unit_test(test_a_late_end_of_a_transaction),
        cmocka_unit_test(test_late_offsets_and_slow_markers),
        cmocka_unit_test(test_a_transaction_that_takes_too_long),
        cmocka_unit_test(test_no_membership),
        cmocka_unit_test(test_revoke_waits_for_the_batch),
        cmocka_unit_test(test_revoke_gives_up),
        cmocka_unit_test(test_a_zombie),
        cmocka_unit_test(test_a_twin),
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_hopeless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
