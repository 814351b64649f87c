/*
 * Another rule set while events are decided: at once where the windows serve it, after they are
 * filled where they do not, and not at all where that cannot be. The oracles of check.h, one per
 * set, say what each decision has to be.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/program.h"
#include "rig.h"

static const fd_tp P0 = {0, 0};

static sim_process *open_filled(rig *r, model_config *config, bool store)
{
    rig_init(r, config);
    rig_open(r, config);
    if (store)
        rig_with_store(r);
    rig_fill(r, 0, 60);
    rig_fill(r, 1, 60);
    sim_process *p = rig_start(r, 0, -1);
    rig_drain(r);
    return p;
}

static void more(rig *r)
{
    rig_fill(r, 0, 40);
    rig_fill(r, 1, 40);
    rig_drain(r);
}

static void reload(rig *r, sim_set set)
{
    sim_check_allow_set(r->check, set);
    sim_process_reload(&r->workers[0], set);
}

static uint32_t told(const sim_process *p, fd_program_stage stage)
{
    return p->observer.programs[stage];
}

static fd_worker_rebuild rebuild_of(const sim_process *p)
{
    fd_worker_status s;
    fd_worker_status_get(p->worker, &s);
    return s.rebuild;
}

static void decides_at_once(sim_set set)
{
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    reload(&r, set);
    more(&r);
    assert_int_equal(told(p, FD_PROGRAM_DECIDES), 1);
    assert_int_equal(told(p, FD_PROGRAM_REBUILDING), 0);
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_FIRST), 120);
    assert_int_equal(sim_check_by_set(r.check, set), 80);
    rig_close(&r);
}

static void test_equal_windows(void **state)
{
    (void)state;
    decides_at_once(SIM_SET_SAME);
}

static void test_fewer_windows(void **state)
{
    (void)state;
    decides_at_once(SIM_SET_NARROW);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const sim_set sets[] = {SIM_SET_NARROW, SIM_SET_FIRST, SIM_SET_SAME, SIM_SET_NARROW,
                                   SIM_SET_SAME};
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    for (uint32_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        reload(&r, sets[i]);
        more(&r);
    }
    assert_int_equal(told(p, FD_PROGRAM_DECIDES), 5);
    assert_int_equal(told(p, FD_PROGRAM_REBUILDING), 0);
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_NARROW), 160);
    rig_close(&r);
}

static bool exchanged(void *arg)
{
    return told(&((rig *)arg)->workers[0], FD_PROGRAM_DECIDES) > 0;
}

static void test_other_windows_are_filled(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    reload(&r, SIM_SET_WIDER);
    more(&r);
    assert_true(rig_run(&r, exchanged, &r, MODEL_SEC(10)));
    assert_int_equal(told(p, FD_PROGRAM_REBUILDING), 1);
    assert_false(rebuild_of(p).on);
    uint32_t before = sim_check_by_set(r.check, SIM_SET_WIDER);
    more(&r);
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_WIDER), before + 80);
    rig_close(&r);
}

/* Its windows are in the store by the time the process stops: the next one has nothing to redo. */
static void test_filled_windows_are_kept(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, true);
    reload(&r, SIM_SET_WIDER);
    assert_true(rig_run(&r, exchanged, &r, MODEL_SEC(10)));
    more(&r);
    rig_pass(&r, MODEL_SEC(2));
    sim_process_stop(p);
    rig_pass(&r, MODEL_SEC(2));
    rig_free(&r, 0);
    r.config.set = SIM_SET_WIDER;
    rig_fill(&r, 0, 10);
    p = rig_start(&r, 0, -1);
    rig_drain(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(rig_notes(&r, FD_NOTE_REBUILD), 0);
    assert_int_equal(p->observer.redo_events, 0);
    rig_close(&r);
}

/* The former lineage is still in the store for a rollback: what was decided since is redone. */
static void test_rollback(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, true);
    rig_pass(&r, MODEL_SEC(1));
    reload(&r, SIM_SET_WIDER);
    assert_true(rig_run(&r, exchanged, &r, MODEL_SEC(10)));
    more(&r);
    sim_process_kill(p);
    rig_free(&r, 0);
    p = rig_start(&r, 0, -1);
    more(&r);
    rig_pass(&r, MODEL_SEC(2));
    assert_int_equal(rig_notes(&r, FD_NOTE_REBUILD), 0);
    assert_true(p->observer.redo_events <= 80);
    rig_close(&r);
}

/* It waits for windows; another one comes. */
static void test_overtaken(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    reload(&r, SIM_SET_WIDER);
    for (int step = 0; step < 2; step++)
        sim_process_step(p, SIM_ENGINE);
    assert_true(rebuild_of(p).on);
    assert_true(rebuild_of(p).left > 0);
    reload(&r, SIM_SET_SAME);
    more(&r);
    assert_int_equal(told(p, FD_PROGRAM_GIVEN_UP), 1);
    assert_int_equal(told(p, FD_PROGRAM_DECIDES), 1);
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_SAME), 80);
    rig_close(&r);
}

static void test_no_room_for_other_windows(void **state)
{
    (void)state;
    rig r;
    model_config config;
    rig_init(&r, &config);
    rig_open(&r, &config);
    r.config.state_memory = 512 * 1024;
    for (uint32_t i = 0; i < 1500; i++)
        rig_append_card(&r, 0, i);
    sim_process *p = rig_start(&r, 0, -1);
    rig_drain(&r);
    reload(&r, SIM_SET_WIDER);
    rig_pass(&r, MODEL_SEC(5));
    rig_append_card(&r, 0, 1);
    rig_drain(&r);
    if (told(p, FD_PROGRAM_DECIDES) == 0)
        assert_non_null(strstr(p->observer.why, "state.memory"));
    assert_int_equal(told(p, FD_PROGRAM_GIVEN_UP) + told(p, FD_PROGRAM_DECIDES), 1);
    rig_close(&r);
}

/* The log lost its beginning since the process started. */
static void test_short_history(void **state)
{
    (void)state;
    for (int consent = 0; consent < 2; consent++) {
        rig r;
        model_config config;
        rig_init(&r, &config);
        r.config.allow_short_history = consent == 1;
        rig_open(&r, &config);
        rig_fill(&r, 0, 60);
        sim_process *p = rig_start(&r, 0, -1);
        rig_drain(&r);
        model_truncate(r.m, P0, 30);
        reload(&r, SIM_SET_WIDER);
        rig_pass(&r, MODEL_SEC(5));
        rig_fill(&r, 0, 5);
        rig_pass(&r, MODEL_SEC(5));
        assert_int_equal(model_committed(r.m, P0), 65);
        assert_int_equal(told(p, FD_PROGRAM_DECIDES), consent);
        assert_int_equal(told(p, FD_PROGRAM_GIVEN_UP), !consent);
        assert_int_equal(p->observer.by_flag[FD_FLAG_INCOMPLETE], consent ? 5 : 0);
        if (consent)
            sim_check_pardon(r.check);
        else
            assert_non_null(strstr(p->observer.why, "state.on_short_history"));
        rig_close(&r);
    }
}

/* ---- from another thread ---- */

enum { OFFERS = 200 };

typedef struct reloader {
    sim_process *p;
    pthread_t thread;
    atomic_bool over;
} reloader;

static void *reload_on_and_on(void *arg)
{
    reloader *l = arg;
    const sim_process *p = l->p;
    for (uint32_t i = 0; i < OFFERS; i++) {
        sim_set set = (sim_set)(i % SIM_N_SETS);
        fd_worker_sweep(p->worker);
        fd_worker_offer(p->worker, sim_program(&p->engine, 1, p->config.max_events, set),
                        INT64_MIN);
    }
    atomic_store(&l->over, true);
    return NULL;
}

/* As the service does it: loaded, offered and freed beside the engine thread. */
static void test_beside_the_engine_thread(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    for (int set = 0; set < SIM_N_SETS; set++)
        sim_check_allow_set(r.check, (sim_set)set);
    reloader l = {.p = p};
    assert_int_equal(pthread_create(&l.thread, NULL, reload_on_and_on, &l), 0);
    while (!atomic_load(&l.over))
        more(&r);
    pthread_join(l.thread, NULL);
    more(&r);
    assert_true(told(p, FD_PROGRAM_DECIDES) > 1);
    rig_close(&r);
}

/* ---- activate_at ---- */

static const int64_t BEGIN_US = INT64_C(1767225600000000);

static void offer_at(rig *r, sim_set set, int64_t ms)
{
    sim_process *p = &r->workers[0];
    sim_check_allow_set(r->check, set);
    fd_worker_sweep(p->worker);
    fd_worker_offer(p->worker, sim_program(&p->engine, 1, p->config.max_events, set),
                    BEGIN_US + ms * 1000);
}

/* 120 events, one per ms, are decided; of the 80 to come those from ms 150 on are the new set's. */
static void test_at_a_time(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= 8; size += 7) {
        rig r;
        model_config config;
        rig_init(&r, &config);
        r.config.max_events = size;
        rig_open(&r, &config);
        rig_fill(&r, 0, 60);
        rig_fill(&r, 1, 60);
        sim_process *p = rig_start(&r, 0, -1);
        rig_drain(&r);
        offer_at(&r, SIM_SET_SAME, 150);
        more(&r);
        assert_int_equal(sim_check_by_set(r.check, SIM_SET_FIRST), 150);
        assert_int_equal(sim_check_by_set(r.check, SIM_SET_SAME), 50);
        assert_int_equal(told(p, FD_PROGRAM_DECIDES), 1);
        rig_close(&r);
    }
}

static void test_at_a_time_that_is_far(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    offer_at(&r, SIM_SET_SAME, 100000);
    more(&r);
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_FIRST), 200);
    reload(&r, SIM_SET_NARROW);
    more(&r);
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_NARROW), 80);
    assert_int_equal(told(p, FD_PROGRAM_GIVEN_UP), 1);
    assert_non_null(strstr(p->observer.why, "activate_at"));
    rig_close(&r);
}

static void test_at_a_time_with_other_windows(void **state)
{
    (void)state;
    rig r;
    model_config config;
    sim_process *p = open_filled(&r, &config, false);
    offer_at(&r, SIM_SET_WIDER, 150);
    more(&r);
    assert_int_equal(told(p, FD_PROGRAM_GIVEN_UP), 1);
    assert_non_null(strstr(p->observer.why, "activate_at"));
    assert_int_equal(sim_check_by_set(r.check, SIM_SET_FIRST), 200);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_windows),
        cmocka_unit_test(test_fewer_windows),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_other_windows_are_filled),
        cmocka_unit_test(test_filled_windows_are_kept),
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_no_room_for_other_windows),
        cmocka_unit_test(test_short_history),
        cmocka_unit_test(test_beside_the_engine_thread),
        cmocka_unit_test(test_at_a_time),
        cmocka_unit_test(test_at_a_time_that_is_far),
        cmocka_unit_test(test_at_a_time_with_other_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
