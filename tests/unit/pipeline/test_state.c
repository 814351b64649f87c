/*
 * Window state and the worker: what is redone when, that decisions do not show it, and what happens
 * when memory or history is short. The oracle of check.h folds each partition once, undisturbed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static const fd_tp P0 = {0, 0}, P1 = {0, 1};

static void test_nothing_to_redo(void **state)
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
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(rig_notes(&r, FD_NOTE_REDO_BEGIN), 0);
    assert_int_equal(p->observer.redo_events, 0);
    rig_close(&r);
}

/* What a killed process had folded, its successor folds again, and decides as if it had not
 * happened. Invalid events among them leave nothing then and now. */
static void test_a_successor_redoes(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 40);
    rig_append(&r, 0, 0, SIM_TRUNCATED);
    rig_append(&r, 0, 1, SIM_FUTURE);
    rig_fill(&r, 1, 40);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    sim_process_kill(p);
    rig_free(&r, 0);
    rig_fill(&r, 0, 40);
    rig_fill(&r, 1, 10);
    p = rig_start(&r, 1, -1);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(rig_notes(&r, FD_NOTE_REDO_BEGIN), 2);
    assert_int_equal(rig_notes(&r, FD_NOTE_REDO_END), 1);
    assert_int_equal(p->observer.redo_events, 82);
    assert_int_equal(sim_check_decisions(r.check), 132);
    rig_close(&r);
}

static bool decided_some(void *arg)
{
    return sim_check_decisions(((const rig *)arg)->check) >= 20;
}

/* A batch that was evaluated but not committed is in the windows: they are redone without it. */
static void test_a_dropped_batch(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 100);
    rig_fill(&r, 1, 100);
    rig_start(&r, 0, -1);
    assert_true(rig_run(&r, decided_some, &r, MODEL_SEC(10)));
    model_rule_add(r.m, &(model_rule){.api = MODEL_TXN_OFFSET_COMMIT,
                                      .client = -1,
                                      .lane = -1,
                                      .fault = MODEL_REFUSE,
                                      .error = MODEL_E_ILLEGAL_GENERATION});
    rig_drain(&r);
    rig_close(&r);
}

/* Partitions come and go while events are decided; each owner starts with the windows it needs. */
static void test_partitions_move(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    uint32_t redone = 0;
    for (uint32_t round = 0; round < 4; round++) {
        rig_fill(&r, 0, 60);
        rig_fill(&r, 1, 60);
        if (!r.used[0])
            rig_start(&r, 0, -1);
        rig_pass(&r, MODEL_MS(30));
        sim_process *second = rig_start(&r, 1, -1);
        rig_pass(&r, MODEL_SEC(1));
        rig_fill(&r, 0, 60);
        rig_drain(&r);
        rig_fill(&r, 1, 60);
        rig_pass(&r, MODEL_MS(5));
        if (round % 2 == 0)
            sim_process_stop(second);
        else
            sim_process_kill(second);
        rig_drain(&r);
        rig_pass(&r, MODEL_SEC(2));
        redone += second->observer.notes[FD_NOTE_REDO_END];
        rig_free(&r, 1);
    }
    assert_true(redone >= 3);
    rig_close(&r);
}

/* Decided from the end of the log on, with windows that know what was before. */
static void test_start_latest_knows_the_past(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 30);
    r.config.start.kind = FD_START_LATEST;
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(1));
    assert_int_equal(sim_check_decisions(r.check), 0);
    rig_fill(&r, 0, 10);
    rig_drain(&r);
    assert_int_equal(sim_check_decisions(r.check), 10);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(p->observer.redo_events, 30);
    rig_close(&r);
}

static void fill_and_cut(rig *r, model_config *config)
{
    rig_init(r, config);
    rig_open(r, config);
    rig_fill(r, 0, 20);
    sim_process *p = rig_start(r, 0, -1);
    rig_drain(r);
    sim_process_kill(p);
    rig_free(r, 0);
    model_truncate(r->m, P0, 10);
    rig_fill(r, 0, 1);
}

static void test_short_history_is_refused(void **state)
{
    (void)state;
    rig r;
    model_config config;
    fill_and_cut(&r, &config);
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(60));
    assert_true(p->failed);
    const fd_err *err = fd_worker_failure(p->worker);
    assert_int_equal(err->exit_code, FD_EXIT_CONFIG);
    assert_non_null(strstr(err->text, "state.on_short_history"));
    assert_int_equal(sim_check_decisions(r.check), 20);
    rig_close(&r);
}

static bool one_more(void *arg)
{
    return model_committed(((const rig *)arg)->m, P0) == 21;
}

static void test_short_history_is_flagged(void **state)
{
    (void)state;
    rig r;
    model_config config;
    fill_and_cut(&r, &config);
    r.config.allow_short_history = true;
    sim_process *p = rig_start(&r, 0, -1);
    assert_true(rig_run(&r, one_more, &r, MODEL_SEC(60)));
    assert_int_equal(rig_notes(&r, FD_NOTE_SHORT_HISTORY), 1);
    rig_pass(&r, MODEL_MS(50));
    assert_int_equal(p->observer.by_flag[FD_FLAG_INCOMPLETE], 1);
    /* The oracle, who knows all, says something else of that one event: as it should. */
    assert_non_null(strstr(sim_check_verdict(r.check), "not the oracle's"));
    sim_check_pardon(r.check);
    rig_close(&r);
}

/* A group that begins with a log whose beginning is gone: nothing could mend that. */
static void test_begins_with_the_log(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_fill(&r, 0, 20);
    model_truncate(r.m, P0, 10);
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(2));
    assert_false(p->failed);
    assert_int_equal(model_committed(r.m, P0), 20);
    assert_int_equal(p->observer.by_flag[FD_FLAG_INCOMPLETE], 10);
    assert_int_equal(rig_notes(&r, FD_NOTE_SHORT_HISTORY), 1);
    sim_check_pardon(r.check);
    rig_close(&r);
}

static bool says_full(void *arg)
{
    fd_worker_status s;
    fd_worker_status_get(((rig *)arg)->workers[0].worker, &s);
    return s.memory_full;
}

/* Without a store nothing may be forgotten: decisions wait, and it is said once. */
static void test_memory_is_full(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    r.config.state_memory = 48 * 1024;
    for (uint32_t i = 0; i < 3000; i++)
        rig_append_card(&r, 1, i);
    sim_process *p = rig_start(&r, 0, -1);
    assert_true(rig_run(&r, says_full, &r, MODEL_SEC(60)));
    uint32_t decided = sim_check_decisions(r.check);
    uint64_t steps = p->steps;
    rig_pass(&r, MODEL_SEC(5));
    assert_int_equal(sim_check_decisions(r.check), decided);
    assert_true(p->steps - steps < 500); /* waits, does not spin */
    assert_true(decided > 0);
    assert_int_equal(rig_notes(&r, FD_NOTE_STATE_FULL), 1);
    assert_int_equal(model_committed(r.m, P1), decided);
    rig_close(&r);
}

/* ---- with a store ---- */

static void open_stored(rig *r, model_config *config)
{
    rig_init(r, config);
    rig_open(r, config);
    rig_with_store(r);
    rig_fill(r, 0, 100);
    rig_fill(r, 1, 100);
}

static void test_a_good_stop_leaves_nothing_to_redo(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_stored(&r, &config);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    sim_process_stop(p);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(p->life, SIM_ENDED);
    rig_free(&r, 0);
    rig_fill(&r, 0, 50);
    p = rig_start(&r, 0, -1);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(p->observer.redo_events, 0);
    rig_close(&r);
}

/* After kill -9 what was written last is where it goes on from. */
static void test_a_kill_redoes_little(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_stored(&r, &config);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(1));
    rig_fill(&r, 0, 20);
    rig_pass(&r, MODEL_MS(30));
    sim_process_kill(p);
    rig_free(&r, 0);
    p = rig_start(&r, 0, -1);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_true(p->observer.redo_events <= 20);
    rig_close(&r);
}

static void lose(rig *r, uint32_t what)
{
    if (what == 0)
        model_store_flush_all(r->store);
    else if (what == 1)
        assert_true(model_store_lose_marker(r->store, 0));
    else if (what == 2)
        assert_true(model_store_lose_bucket(r->store, 1, 5));
    else
        model_store_rollback(r->store, 3);
}

/* Memory is so small that windows come and go: what the store lost is missed, and redone. */
static void test_what_the_store_loses_is_noticed(void **state)
{
    (void)state;
    for (uint32_t what = 0; what < 4; what++) {
        rig r;
        model_config config;
        open_stored(&r, &config);
        r.config.state_memory = SIM_STATE_TIGHT_BYTES;
        sim_process *p = rig_start(&r, 0, -1);
        rig_drain(&r);
        rig_pass(&r, MODEL_SEC(1));
        lose(&r, what);
        rig_fill(&r, 0, 100);
        rig_fill(&r, 1, 100);
        rig_drain(&r);
        rig_pass(&r, MODEL_SEC(2));
        assert_true(rig_notes(&r, FD_NOTE_STORE_LOST) >= 1);
        assert_true(p->observer.redo_events > 0);
        rig_close(&r);
    }
}

static bool misses_store(void *arg)
{
    fd_worker_status s;
    fd_worker_status_get(((rig *)arg)->workers[0].worker, &s);
    return s.store_down;
}

/* The store is away: what needs it waits and does not spin; then it goes on by itself. */
static void test_the_store_is_away(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_stored(&r, &config);
    r.config.state_memory = SIM_STATE_TIGHT_BYTES;
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    model_store_down(r.store, true);
    rig_fill(&r, 0, 100);
    assert_true(rig_run(&r, misses_store, &r, MODEL_SEC(5)));
    uint64_t steps = p->steps;
    rig_pass(&r, MODEL_SEC(5));
    assert_true(p->steps - steps < 1000);
    assert_int_equal(p->life, SIM_RUNNING);
    model_store_down(r.store, false);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_false(misses_store(&r));
    rig_close(&r);
}

/* The log had lost its beginning, which was accepted; a successor that finds the windows in the
 * store knows that they are not full yet. */
static void test_short_history_is_remembered(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    rig_with_store(&r);
    rig_fill(&r, 0, 20);
    model_truncate(r.m, P0, 10);
    sim_process *p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(p->observer.by_flag[FD_FLAG_INCOMPLETE], 10);
    sim_process_kill(p);
    rig_free(&r, 0);
    rig_fill(&r, 0, 5);
    p = rig_start(&r, 0, -1);
    rig_pass(&r, MODEL_SEC(60));
    assert_int_equal(model_committed(r.m, P0), 25);
    assert_int_equal(p->observer.redo_events, 0);
    assert_int_equal(p->observer.by_flag[FD_FLAG_INCOMPLETE], 5);
    sim_check_pardon(r.check);
    rig_close(&r);
}

/* What is in memory needs no store: it goes on without one, and writes behind when it is back. */
static void test_what_is_in_memory_goes_on(void **state)
{
    (void)state;
    rig r;
    model_config config;
    open_stored(&r, &config);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    model_store_down(r.store, true);
    rig_fill(&r, 0, 100);
    rig_fill(&r, 1, 100);
    rig_drain(&r);
    assert_int_equal(sim_check_decisions(r.check), 400);
    model_store_down(r.store, false);
    rig_pass(&r, MODEL_SEC(10));
    sim_process_stop(p);
    rig_pass(&r, MODEL_SEC(2));
    rig_free(&r, 0);
    rig_fill(&r, 0, 1);
    p = rig_start(&r, 0, -1);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(p->observer.redo_events, 0);
    rig_close(&r);
}

/* ---- deciding while state is rebuilt ---- */

static void test_blind_then_seeing(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    sim_check_allow_blind(r.check);
    rig_fill(&r, 0, 200);
    rig_fill(&r, 1, 200);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    assert_int_equal(sim_check_blind(r.check), 0); /* nothing was to be rebuilt */
    sim_process_kill(p);
    rig_free(&r, 0);
    rig_fill(&r, 0, 50);
    r.config.blind = true;
    p = rig_start(&r, 0, -1);
    rig_drain(&r);
    uint32_t blind = sim_check_blind(r.check);
    assert_true(blind > 0);
    assert_true(p->observer.by_flag[FD_FLAG_INCOMPLETE] >= blind);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(rig_notes(&r, FD_NOTE_SEES), 2);
    rig_fill(&r, 0, 50);
    rig_fill(&r, 1, 50);
    rig_drain(&r);
    assert_int_equal(sim_check_blind(r.check), blind); /* and exact from then on */
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_redo),
        cmocka_unit_test(test_a_successor_redoes),
        cmocka_unit_test(test_a_dropped_batch),
        cmocka_unit_test(test_partitions_move),
        cmocka_unit_test(test_start_latest_knows_the_past),
        cmocka_unit_test(test_short_history_is_refused),
        cmocka_unit_test(test_short_history_is_flagged),
        cmocka_unit_test(test_begins_with_the_log),
        cmocka_unit_test(test_memory_is_full),
        cmocka_unit_test(test_a_good_stop_leaves_nothing_to_redo),
        cmocka_unit_test(test_a_kill_redoes_little),
        cmocka_unit_test(test_what_the_store_loses_is_noticed),
        cmocka_unit_test(test_the_store_is_away),
        cmocka_unit_test(test_short_history_is_remembered),
        cmocka_unit_test(test_what_is_in_memory_goes_on),
        cmocka_unit_test(test_blind_then_seeing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
