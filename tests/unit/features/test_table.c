/*
 * Memory: blocks never overlap and the promise of `units` holds; a full table says so and does
 * nothing; what has passed the horizon makes room by itself; what a key takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "features/heap_int.h"
#include "world.h"

static uint64_t seed = 1;

static uint64_t dice(uint64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
}

/* ---- the heap ---- */

enum { BLOCKS = 2000, UNIT = 80 };

typedef struct block {
    uint32_t ref, size;
} block;

static void fill_block(const fd_heap *h, block b, int id)
{
    memset(fd_heap_at(h, b.ref), id & 0xff, (size_t)b.size * FD_HEAP_GRANULE);
}

static void check_block(const fd_heap *h, block b, int id)
{
    const unsigned char *p = fd_heap_at(h, b.ref);
    for (size_t i = 0; i < (size_t)b.size * FD_HEAP_GRANULE; i++)
        assert_int_equal(p[i], id & 0xff);
}

static void blocks_do_not_overlap_and_units_hold(void **state)
{
    (void)state;
    fd_heap h;
    assert_true(fd_heap_init(&h, 1 << 19, 1000, (uint32_t[2]){UNIT / 4, UNIT}, true));
    assert_true(h.unit[1] >= UNIT);
    static block blocks[BLOCKS];
    for (int round = 0; round < 200000; round++) {
        uint32_t i = (uint32_t)dice(BLOCKS);
        if (blocks[i].ref != 0) {
            check_block(&h, blocks[i], (int)i);
            fd_heap_give(&h, blocks[i].ref, blocks[i].size);
            blocks[i].ref = 0;
            continue;
        }
        uint32_t size = 1 + (uint32_t)dice(dice(4) == 0 ? UNIT : 12);
        uint64_t small = h.units[0];
        uint64_t units = h.units[1];
        uint32_t ref = size % 2 == 0 ? fd_heap_take(&h, size) : fd_heap_take_brief(&h, size);
        assert_true(units == 0 || ref != 0);
        assert_true(small == 0 || ref != 0 || size > UNIT / 4);
        assert_true(h.units[1] + 1 >= units && (h.units[0] + 1 >= small || size > UNIT / 4));
        if (ref == 0)
            continue;
        blocks[i] = (block){ref, size};
        fill_block(&h, blocks[i], (int)i);
    }
    for (uint32_t i = 0; i < BLOCKS; i++)
        if (blocks[i].ref != 0)
            fd_heap_give(&h, blocks[i].ref, blocks[i].size);
    assert_int_equal(h.used, 0);
    assert_int_equal(h.units[0], (h.n - 1) / h.unit[0]);
    assert_int_equal(h.units[1], (h.n - 1) / h.unit[1]);
    fd_heap_free(&h);
}

/* ---- the table ---- */

/* One key, one tracked integer, count and sum over eight windows. */
static void plain_world(world *w)
{
    *w = (world){.lateness_us = 10, .skew_us = 10, .partitions = 1};
    w->layout.n_keys = 1;
    w->keys[0] = (fd_window_key){
        .name = FD_STR("card"), .n_tracks = 1, .n_conditions = 0, .tracks = w->tracks[0]};
    w->tracks[0][0] = (fd_window_track){.kind = FD_INT};
    for (uint16_t i = 0; i < 16; i++)
        w->features[i] = (fd_window_feature){.op = i % 2 == 0 ? FD_OP_COUNT : FD_OP_SUM,
                                             .result = FD_INT,
                                             .where = FD_WINDOW_NONE,
                                             .value = i % 2 == 0 ? FD_WINDOW_NONE : 0,
                                             .include_current = true,
                                             .window_us = 1000 << i / 2};
    w->layout.n_features = 16;
    world_finish(w);
}

static fd_windows *plain_table(const world *w, size_t memory, bool evict)
{
    const fd_window_layout *layouts[] = {&w->layout};
    fd_windows_config config = {.n_layouts = 1,
                                .layouts = layouts,
                                .memory = memory,
                                .lateness_us = w->lateness_us,
                                .max_skew_us = w->skew_us,
                                .max_events_per_key = 1000,
                                .evict = evict};
    fd_windows *table = fd_windows_new(&config);
    assert_non_null(table);
    return table;
}

static void plain_event(world_event *e, uint32_t entity, int64_t offset, int64_t time)
{
    memset(e, 0, sizeof *e);
    e->e = (fd_window_event){.offset = offset, .time_us = time, .merge_us = time, .folded = true};
    e->said[0].key_n = (uint32_t)snprintf(e->said[0].key, sizeof e->said[0].key, "C%07u",
                                          (unsigned)entity);
    e->said[0].values[0] = (world_value){.valid = true, .word = 5};
}

static bool one(fd_windows *t, world_columns *c, const world *w, uint32_t entity, int64_t offset,
                int64_t time)
{
    world_event e;
    plain_event(&e, entity, offset, time);
    world_columns_fill(c, w, &e, 1);
    return fd_windows_run(t, c->events, 1, &c->input, &c->features, NULL);
}

static void a_full_table_says_so(void **state)
{
    (void)state;
    world w;
    plain_world(&w);
    fd_windows *t = plain_table(&w, 1 << 18, false);
    world_columns c;
    world_columns_init(&c, &w, 1);
    uint32_t n = 0;
    while (fd_windows_room(t, 1)) {
        assert_true(one(t, &c, &w, n, n, w.now_us + n / 100));
        n++;
    }
    assert_true(n > 1000);
    fd_windows_stats before, after;
    fd_windows_stats_get(t, &before);
    assert_int_equal(before.entries, n);
    assert_true(before.bytes <= before.limit && before.limit == 1 << 18);
    assert_false(one(t, &c, &w, n, n, w.now_us));
    fd_windows_stats_get(t, &after);
    assert_memory_equal(&before, &after, sizeof before);
    /* Far beyond the horizon all of it may go, dirty or not. */
    fd_windows_set_merge_time(t, (fd_tp){0, 0}, w.now_us + 100000000);
    assert_true(fd_windows_room(t, 1));
    assert_true(one(t, &c, &w, n, n, w.now_us + 100000000));
    assert_int_equal(c.features->root.children[0].v.i[0], 1);
    world_columns_free(&c);
    fd_windows_free(t);
}

static void dirty_ones_stay(void **state)
{
    (void)state;
    world w;
    plain_world(&w);
    fd_windows *t = plain_table(&w, 1 << 18, true);
    world_columns c;
    world_columns_init(&c, &w, 1);
    uint32_t n = 0;
    while (fd_windows_room(t, 1)) {
        assert_true(one(t, &c, &w, n, n, w.now_us));
        n++;
    }
    fd_window_ref ref;
    uint64_t cursor = 0;
    char key[16];
    assert_int_equal(fd_windows_dirty(t, (fd_tp){0, 0}, &cursor, &ref, 1), 1);
    memcpy(key, ref.key.p, ref.key.n);
    fd_windows_clean(t, &ref, INT64_MAX);
    for (uint32_t i = 0; i < 50 && !fd_windows_room(t, 1); i++) {
        assert_int_equal(fd_windows_dirty(t, (fd_tp){0, 0}, &cursor, &ref, 1), 1);
        fd_windows_clean(t, &ref, INT64_MAX);
    }
    assert_true(fd_windows_room(t, 1));
    fd_windows_stats s;
    fd_windows_stats_get(t, &s);
    assert_true(s.evictions > 0 && s.dirty == s.partials - (n - s.dirty - s.evictions));
    /* What was forgotten is asked for, the rest is not. */
    uint32_t missing = 0;
    for (uint32_t i = 0; i < n; i++) {
        world_event e;
        plain_event(&e, i, n, w.now_us);
        world_columns_fill(&c, &w, &e, 1);
        missing += fd_windows_missing(t, c.events, 1, &c.input, &ref, 1);
    }
    assert_int_equal(missing, s.evictions);
    world_columns_free(&c);
    fd_windows_free(t);
}

static void a_key_with_eight_events_takes_200_bytes(void **state)
{
    (void)state;
    world w;
    plain_world(&w);
    const size_t memory = 32 << 20;
    fd_windows *t = plain_table(&w, memory, false);
    world_columns c;
    world_columns_init(&c, &w, 1);
    uint32_t n = 155000;
    for (uint32_t i = 0; i < n * 8; i++) {
        bool fine = one(t, &c, &w, i % n, i, w.now_us + i / n);
        assert_true(fine);
    }
    assert_int_equal(c.features->root.children[14].v.i[0], 8);
    assert_int_equal(c.features->root.children[15].v.i[0], 40);
    fd_windows_stats s;
    fd_windows_stats_get(t, &s);
    assert_int_equal(s.entries, n);
    assert_int_equal(s.events, n * 8);
    double own = (double)s.bytes / n;
    printf("%.1f bytes per key, all slots included, %.0f %% of the memory\n", own,
           100.0 * (double)s.bytes / (double)s.limit);
    assert_true(own <= 200);
    world_columns_free(&c);
    fd_windows_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap_and_units_hold),
        cmocka_unit_test(a_full_table_says_so),
        cmocka_unit_test(dirty_ones_stay),
        cmocka_unit_test(a_key_with_eight_events_takes_200_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
