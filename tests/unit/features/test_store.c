/*
 * Exchange with a store: constant eviction and reload, takeover and redo in the middle of a stream
 * against the obvious reference; values that are refused; what is dirty and what is clean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "model.h"

enum { BATCH = 8, MAX_REFS = 4096, MAX_VALUES = 20000 };

/* A store that keeps what it is told. */
typedef struct value {
    int32_t partition;
    uint16_t key_kind;
    uint32_t key_n;
    char key[FD_WINDOW_MAX_KEY_BYTES];
    fd_strbuf bytes;
    int64_t lsn;
} value;

typedef struct rig {
    world w;
    model *m;
    fd_windows *table;
    world_columns c;
    model_result want[WORLD_FEATURES];
    value *values;
    uint32_t n_values;
    uint64_t reads;
    size_t memory;
    uint32_t limit;
} rig;

static fd_windows *table_of(const rig *r)
{
    const fd_window_layout *layouts[] = {&r->w.layout};
    fd_windows_config config = {.n_layouts = 1,
                                .layouts = layouts,
                                .memory = r->memory,
                                .lateness_us = r->w.lateness_us,
                                .max_skew_us = r->w.skew_us,
                                .max_events_per_key = r->limit,
                                .evict = true,
                                .lazy = true};
    fd_windows *table = fd_windows_new(&config);
    assert_non_null(table);
    return table;
}

static rig *rig_new(uint64_t seed, uint32_t entities, size_t memory)
{
    rig *r = calloc(1, sizeof *r);
    world_init(&r->w, seed);
    r->w.n_entities = entities;
    r->limit = seed % 2 == 0 ? 4 : 1000;
    r->m = model_new(&r->w, r->limit);
    r->memory = memory;
    r->table = table_of(r);
    world_columns_init(&r->c, &r->w, BATCH);
    r->values = calloc(MAX_VALUES, sizeof *r->values);
    return r;
}

static void rig_free(rig *r)
{
    for (uint32_t i = 0; i < r->n_values; i++)
        fd_strbuf_free(&r->values[i].bytes);
    free(r->values);
    world_columns_free(&r->c);
    fd_windows_free(r->table);
    model_free(r->m);
    free(r);
}

static value *stored(rig *r, const fd_window_ref *ref, bool make)
{
    for (uint32_t i = 0; i < r->n_values; i++) {
        value *v = &r->values[i];
        if (v->partition == ref->tp.partition && v->key_kind == ref->key_kind &&
            fd_str_eq(ref->key, (fd_str){v->key, v->key_n}))
            return v;
    }
    if (!make)
        return NULL;
    assert_true(r->n_values < MAX_VALUES && ref->key.n <= FD_WINDOW_MAX_KEY_BYTES);
    value *v = &r->values[r->n_values++];
    v->partition = ref->tp.partition;
    v->key_kind = ref->key_kind;
    v->key_n = ref->key.n;
    memcpy(v->key, ref->key.p, ref->key.n);
    v->lsn = -2;
    return v;
}

/* Saves dirty partials, all or some, and tells them clean. */
static void flush(rig *r, uint32_t at_most)
{
    fd_window_ref refs[16];
    for (int32_t p = 0; p < r->w.partitions; p++) {
        uint64_t cursor = 0;
        uint32_t n, done = 0;
        while (done < at_most &&
               (n = fd_windows_dirty(r->table, (fd_tp){0, p}, &cursor, refs, 16)) != 0) {
            for (uint32_t i = 0; i < n; i++) {
                int64_t lsn, last;
                value *v = stored(r, &refs[i], true);
                fd_strbuf_reset(&v->bytes);
                fd_windows_save(r->table, &refs[i], &v->bytes, &lsn, &last);
                assert_true(lsn > v->lsn && last != INT64_MIN);
                v->lsn = lsn;
            }
            for (uint32_t i = 0; i < n; i++)
                fd_windows_clean(r->table, &refs[i], stored(r, &refs[i], false)->lsn);
            done += n;
        }
    }
}

static void fetch(rig *r, uint32_t n)
{
    static fd_window_ref refs[MAX_REFS];
    uint32_t missing = fd_windows_missing(r->table, r->c.events, n, &r->c.input, refs, MAX_REFS);
    assert_true(missing <= MAX_REFS);
    for (uint32_t i = 0; i < missing; i++) {
        const value *v = stored(r, &refs[i], false);
        fd_str bytes = v == NULL ? (fd_str){0} : (fd_str){v->bytes.p, (uint32_t)v->bytes.n};
        assert_true(fd_windows_load(r->table, &refs[i], bytes));
    }
    r->reads += missing;
    assert_int_equal(fd_windows_missing(r->table, r->c.events, n, &r->c.input, refs, 0), 0);
}

static void step(rig *r, const world_event *events, uint32_t n)
{
    world_columns_fill(&r->c, &r->w, events, n);
    if (!fd_windows_room(r->table, n)) {
        flush(r, UINT32_MAX);
        assert_true(fd_windows_room(r->table, n));
    }
    fetch(r, n);
    if (!fd_windows_room(r->table, n)) {
        flush(r, UINT32_MAX);
        assert_true(fd_windows_room(r->table, n));
    }
    assert_true(fd_windows_run(r->table, r->c.events, n, &r->c.input, &r->c.features, r->c.flags));
    for (uint32_t i = 0; i < n; i++) {
        model_step(r->m, &events[i], r->want);
        model_compare(&r->w, r->c.features, i, r->want);
    }
}

static void eviction_and_reload_change_nothing(void **state)
{
    (void)state;
    uint64_t evictions = 0;
    uint64_t reads = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        rig *r = rig_new(seed, 500, seed % 2 == 0 ? 1 << 20 : 1 << 17);
        world_event events[BATCH];
        for (uint32_t at = 0; at < 250; at++) {
            uint32_t n = 1 + (uint32_t)world_random(&r->w, BATCH);
            for (uint32_t i = 0; i < n; i++)
                world_next(&r->w, &events[i]);
            step(r, events, n);
            if (world_random(&r->w, 10) == 0)
                flush(r, (uint32_t)world_random(&r->w, 100));
        }
        fd_windows_stats s;
        fd_windows_stats_get(r->table, &s);
        assert_true(s.bytes <= s.limit);
        evictions += s.evictions;
        reads += r->reads;
        rig_free(r);
    }
    assert_true(evictions > 1000 && reads > 1000);
}

/* A new table takes over: values up to what was flushed, then redo, then on. */
static void takeover_and_redo_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 130; seed++) {
        rig *r = rig_new(seed, 20, 4 << 20);
        static world_event events[600];
        for (uint32_t i = 0; i < 600; i++)
            world_next(&r->w, &events[i]);
        uint32_t redo = 0;
        for (uint32_t at = 0; at < 600; at += BATCH) {
            uint32_t n = 600 - at < BATCH ? 600 - at : BATCH;
            step(r, events + at, n);
            uint64_t dice = world_random(&r->w, 12);
            if (dice < 2) {
                flush(r, dice == 0 ? UINT32_MAX : 5);
                redo = dice == 0 ? at + n : redo;
            }
            if (dice != 11)
                continue;
            fd_windows_free(r->table);
            r->table = table_of(r);
            for (int32_t p = 0; p < r->w.partitions; p++) {
                fd_windows_set_complete(r->table, (fd_tp){0, p}, false);
                for (uint32_t i = 0; i < redo; i++)
                    if (events[i].e.tp.partition == p)
                        fd_windows_set_merge_time(r->table, (fd_tp){0, p}, events[i].e.merge_us);
            }
            for (uint32_t i = redo; i < at + n; i += BATCH) {
                uint32_t part = at + n - i < BATCH ? at + n - i : BATCH;
                world_columns_fill(&r->c, &r->w, events + i, part);
                fetch(r, part);
                assert_true(fd_windows_run(r->table, r->c.events, part, &r->c.input, NULL, NULL));
            }
        }
        rig_free(r);
    }
}

static void all_values(rig *r)
{
    flush(r, UINT32_MAX);
    assert_true(r->n_values > 0);
}

static fd_window_ref ref_to(const value *v)
{
    return (fd_window_ref){{0, v->partition}, v->key_kind, {v->key, v->key_n}};
}

static void saved_again_is_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 220; seed++) {
        rig *r = rig_new(seed, 5, 16 << 20);
        world_event events[BATCH];
        for (uint32_t at = 0; at < 100; at++) {
            for (uint32_t i = 0; i < BATCH; i++)
                world_next(&r->w, &events[i]);
            step(r, events, BATCH);
        }
        all_values(r);
        fd_windows *other = table_of(r);
        fd_strbuf again = {0};
        for (uint32_t i = 0; i < r->n_values; i++) {
            const value *v = &r->values[i];
            fd_window_ref ref = ref_to(v);
            int64_t lsn, last;
            assert_true(fd_windows_load(other, &ref, (fd_str){v->bytes.p, (uint32_t)v->bytes.n}));
            fd_strbuf_reset(&again);
            fd_windows_save(other, &ref, &again, &lsn, &last);
            assert_int_equal(lsn, v->lsn);
            assert_int_equal(again.n, v->bytes.n);
            assert_memory_equal(again.p, v->bytes.p, again.n);
        }
        fd_windows_stats mine, theirs;
        fd_windows_stats_get(r->table, &mine);
        fd_windows_stats_get(other, &theirs);
        assert_int_equal(theirs.dirty, 0);
        assert_int_equal(mine.dirty, 0);
        assert_int_equal(mine.partials, theirs.partials);
        assert_int_equal(mine.events, theirs.events);
        fd_strbuf_free(&again);
        fd_windows_free(other);
        rig_free(r);
    }
}

static void foreign_bytes_are_refused(void **state)
{
    (void)state;
    rig *r = rig_new(300, 5, 4 << 20);
    world_event events[BATCH];
    for (uint32_t at = 0; at < 20; at++) {
        for (uint32_t i = 0; i < BATCH; i++)
            world_next(&r->w, &events[i]);
        step(r, events, BATCH);
    }
    all_values(r);
    fd_windows *other = table_of(r);
    fd_windows_stats before, after;
    fd_windows_stats_get(other, &before);
    for (uint32_t i = 0; i < r->n_values; i++) {
        const value *v = &r->values[i];
        fd_window_ref ref = ref_to(v);
        for (uint32_t n = 1; n < v->bytes.n; n++)
            assert_false(fd_windows_load(other, &ref, (fd_str){v->bytes.p, n}));
        char *copy = malloc(v->bytes.n);
        for (uint32_t at = 0; at < v->bytes.n; at++) {
            memcpy(copy, v->bytes.p, v->bytes.n);
            copy[at] = (char)(copy[at] ^ (1 << world_random(&r->w, 8)));
            assert_false(fd_windows_load(other, &ref, (fd_str){copy, (uint32_t)v->bytes.n}));
        }
        free(copy);
    }
    fd_window_ref nowhere = {{0, 0}, 99, FD_STR("x")};
    assert_false(fd_windows_load(other, &nowhere, (fd_str){0}));
    fd_windows_stats_get(other, &after);
    assert_int_equal(before.bytes, after.bytes);
    assert_int_equal(after.partials, 0);
    /* Those of another layout. */
    world w = r->w;
    w.layout.descriptor = FD_STR("another one");
    const fd_window_layout *layouts[] = {&w.layout};
    fd_windows_config config = {
        .n_layouts = 1, .layouts = layouts, .memory = 1 << 20, .lazy = true};
    fd_windows *third = fd_windows_new(&config);
    fd_window_ref ref = ref_to(&r->values[0]);
    fd_strbuf *bytes = &r->values[0].bytes;
    assert_false(fd_windows_load(third, &ref, (fd_str){bytes->p, (uint32_t)bytes->n}));
    assert_true(fd_windows_load(other, &ref, (fd_str){bytes->p, (uint32_t)bytes->n}));
    fd_windows_free(third);
    fd_windows_free(other);
    rig_free(r);
}

/* A partial that changed after it was saved stays dirty; one that is clean is not told. */
static void dirty_until_that_lsn_is_stored(void **state)
{
    (void)state;
    rig *r = rig_new(400, 3, 4 << 20);
    world_event events[BATCH];
    for (uint32_t i = 0; i < BATCH; i++)
        world_next(&r->w, &events[i]);
    step(r, events, BATCH);
    fd_windows_stats s;
    fd_windows_stats_get(r->table, &s);
    uint64_t dirty = s.dirty;
    assert_true(dirty > 2);
    fd_window_ref refs[64];
    uint32_t n = 0;
    for (int32_t p = 0; p < r->w.partitions; p++) {
        uint64_t cursor = 0;
        uint32_t got;
        while ((got = fd_windows_dirty(r->table, (fd_tp){0, p}, &cursor, refs + n, 1)) != 0)
            n += got;
    }
    assert_int_equal(n, dirty);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            assert_false(refs[i].tp.partition == refs[j].tp.partition &&
                         refs[i].key_kind == refs[j].key_kind &&
                         fd_str_eq(refs[i].key, refs[j].key));
    fd_strbuf bytes = {0};
    int64_t lsn, last;
    fd_windows_save(r->table, &refs[0], &bytes, &lsn, &last);
    fd_windows_clean(r->table, &refs[0], lsn - 1);
    fd_windows_stats_get(r->table, &s);
    assert_int_equal(s.dirty, dirty);
    fd_windows_clean(r->table, &refs[0], lsn);
    fd_windows_stats_get(r->table, &s);
    assert_int_equal(s.dirty, dirty - 1);
    fd_window_ref gone = refs[0];
    char key[FD_WINDOW_MAX_KEY_BYTES];
    memcpy(key, gone.key.p, gone.key.n);
    gone.key.p = key;
    fd_windows_drop(r->table, gone.tp);
    bytes.n = 0;
    fd_windows_save(r->table, &gone, &bytes, &lsn, &last);
    assert_true(lsn == -1 && bytes.n == 0);
    fd_windows_clean(r->table, &gone, 5);
    fd_strbuf_free(&bytes);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eviction_and_reload_change_nothing),
        cmocka_unit_test(takeover_and_redo_change_nothing),
        cmocka_unit_test(saved_again_is_the_same),
        cmocka_unit_test(foreign_bytes_are_refused),
        cmocka_unit_test(dirty_until_that_lsn_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
