/*
 * Every op against the obvious reference, over random layouts and streams; the same stream in
 * batches of 1, 7 and 1000; redo; dropping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "model.h"

enum { EVENTS = 500, WORLDS = 150, MEMORY = 256 << 20 };

static fd_windows *windows_of(const world *w, uint32_t limit)
{
    const fd_window_layout *layouts[] = {&w->layout};
    fd_windows_config config = {.n_layouts = 1,
                                .layouts = layouts,
                                .memory = MEMORY,
                                .lateness_us = w->lateness_us,
                                .max_skew_us = w->skew_us,
                                .max_events_per_key = limit,
                                .lazy = true};
    fd_windows *table = fd_windows_new(&config);
    assert_non_null(table);
    return table;
}

static void run(fd_windows *table, world_columns *c, const world *w, const world_event *events,
                uint32_t n)
{
    world_columns_fill(c, w, events, n);
    assert_true(fd_windows_room(table, n));
    assert_true(fd_windows_run(table, c->events, n, &c->input, &c->features, c->flags));
}

static uint64_t n_approximate;

static void one_world(uint64_t seed, uint32_t batch, uint32_t limit)
{
    world w;
    world_init(&w, seed);
    model *m = model_new(&w, limit);
    fd_windows *table = windows_of(&w, limit);
    world_columns c;
    world_columns_init(&c, &w, batch);
    world_event *events = calloc(EVENTS, sizeof *events);
    model_result *want = calloc(WORLD_FEATURES, sizeof *want);
    for (uint32_t i = 0; i < EVENTS; i++)
        world_next(&w, &events[i]);
    for (uint32_t at = 0; at < EVENTS; at += batch) {
        uint32_t n = EVENTS - at < batch ? EVENTS - at : batch;
        run(table, &c, &w, events + at, n);
        for (uint32_t i = 0; i < n; i++) {
            model_step(m, &events[at + i], want);
            model_compare(&w, c.features, i, want);
            bool approximate = c.flags[i] & FD_FLAG_BIT(FD_FLAG_APPROXIMATE);
            assert_int_equal(approximate, model_used(&w, want));
            n_approximate += approximate;
        }
    }
    world_columns_free(&c);
    fd_windows_free(table);
    model_free(m);
    free(events);
    free(want);
}

static void all_ops_as_the_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        one_world(seed, 64, UINT32_MAX);
}

/* The newest N exactly, older ones by panes. */
static void panes_as_the_reference(void **state)
{
    (void)state;
    n_approximate = 0;
    for (uint64_t seed = 5000; seed < 5000 + WORLDS; seed++)
        one_world(seed, 64, (uint32_t)(1 + seed % 13 * (1 + seed % 5)));
    assert_true(n_approximate > 10000);
}

static void batches_of_one_seven_and_a_thousand(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1030; seed++) {
        uint32_t limit = seed % 2 == 0 ? UINT32_MAX : 5;
        one_world(seed, 1, limit);
        one_world(seed, 7, limit);
        one_world(seed, 1000, limit);
    }
}

/* Events that were folded are given again without reading: nothing changes. */
static void redo_folds_nothing_twice(void **state)
{
    (void)state;
    world w;
    const uint32_t limit = 1000;
    world_init(&w, 77);
    model *m = model_new(&w, limit);
    fd_windows *table = windows_of(&w, limit);
    world_columns c;
    world_columns_init(&c, &w, 100);
    static world_event events[200];
    model_result *want = calloc(WORLD_FEATURES, sizeof *want);
    for (uint32_t i = 0; i < 200; i++)
        world_next(&w, &events[i]);
    world_columns_fill(&c, &w, events, 100);
    assert_true(fd_windows_run(table, c.events, 100, &c.input, NULL, NULL));
    fd_windows_stats before, after;
    fd_windows_stats_get(table, &before);
    assert_true(before.events > 0 && before.partials > 0 && before.bytes < before.limit);
    assert_true(fd_windows_run(table, c.events, 100, &c.input, NULL, NULL));
    fd_windows_stats_get(table, &after);
    assert_int_equal(before.events, after.events);
    for (uint32_t i = 0; i < 100; i++)
        model_fold(m, &events[i]);
    run(table, &c, &w, events + 100, 100);
    for (uint32_t i = 0; i < 100; i++) {
        model_step(m, &events[100 + i], want);
        model_compare(&w, c.features, i, want);
    }
    world_columns_free(&c);
    fd_windows_free(table);
    model_free(m);
    free(want);
}

static void a_dropped_partition_is_gone_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 50; seed < 70; seed++) {
        world w;
        uint32_t limit = seed % 2 == 0 ? 3 : 1000;
        world_init(&w, seed);
        model *m = model_new(&w, limit);
        fd_windows *table = windows_of(&w, limit);
        world_columns c;
        world_columns_init(&c, &w, 50);
        static world_event events[50];
        model_result *want = calloc(WORLD_FEATURES, sizeof *want);
        for (int round = 0; round < 12; round++) {
            if (round % 3 == 2) {
                int32_t p = (int32_t)world_random(&w, (uint64_t)w.partitions);
                fd_windows_drop(table, (fd_tp){0, p});
                model_drop(m, p);
            }
            for (uint32_t i = 0; i < 50; i++)
                world_next(&w, &events[i]);
            run(table, &c, &w, events, 50);
            for (uint32_t i = 0; i < 50; i++) {
                model_step(m, &events[i], want);
                model_compare(&w, c.features, i, want);
            }
        }
        for (int32_t p = 0; p < w.partitions; p++)
            fd_windows_drop(table, (fd_tp){0, p});
        fd_windows_stats s;
        fd_windows_stats_get(table, &s);
        assert_int_equal(s.entries, 0);
        assert_int_equal(s.partials, 0);
        assert_int_equal(s.events, 0);
        assert_int_equal(s.dirty, 0);
        world_columns_free(&c);
        fd_windows_free(table);
        model_free(m);
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ops_as_the_reference),
        cmocka_unit_test(panes_as_the_reference),
        cmocka_unit_test(batches_of_one_seven_and_a_thousand),
        cmocka_unit_test(redo_folds_nothing_twice),
        cmocka_unit_test(a_dropped_partition_is_gone_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
