/*
 * The event-time merge: order against an oracle that sorts, waiting and no longer waiting for a
 * partition that is empty, catching up apart. Queues are filled by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/merge.h"

enum { PARTS = 4, EVENTS = 200 };

static const int64_t IDLE_NS = 1000;
static const int64_t SKEW_US = 1000000;

typedef struct world {
    fd_parts parts;
    fd_merge merge;
    bool more[PARTS]; /* by partition: the log has records that are not queued */
} world;

static bool has_more(void *ctx, const fd_part *part)
{
    const world *w = ctx;
    return w->more[part->tp.partition];
}

static void open_world(world *w, uint32_t n)
{
    *w = (world){.merge = {.has_more = has_more, .max_idle_ns = IDLE_NS, .max_skew_us = SKEW_US}};
    w->merge.ctx = w;
    fd_parts_init(&w->parts, EVENTS);
    for (uint32_t i = 0; i < n; i++) {
        fd_part *p = fd_parts_add(&w->parts, (fd_tp){.source = 0, .partition = (int32_t)i});
        p->state = FD_PART_LIVE;
        fd_part_start(p, 0, -1);
        p->merge_us = INT64_MIN;
    }
}

static fd_part *part(world *w, int32_t i)
{
    return fd_parts_find(&w->parts, (fd_tp){.source = 0, .partition = i});
}

static fd_event *push(world *w, int32_t i, int64_t time_us)
{
    fd_part *p = part(w, i);
    fd_event ev = {.msg = {.tp = p->tp, .offset = p->fetch}, .time_us = time_us};
    fd_part_push(p, &ev);
    uint32_t at = p->head + p->n - 1;
    return &p->queue[at >= p->cap ? at - p->cap : at];
}

static fd_event take(fd_part *p)
{
    p->merge_us = fd_merge_key(p, fd_part_head(p));
    return fd_part_pop(p);
}

static uint64_t chance = 7;

static uint32_t below(uint32_t n)
{
    chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(chance >> 33) % n;
}

typedef struct sorted {
    int64_t key;
    fd_tp tp;
    int64_t offset;
} sorted;

static int by_key(const void *a, const void *b)
{
    const sorted *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->tp.partition != y->tp.partition)
        return x->tp.partition < y->tp.partition ? -1 : 1;
    return x->offset < y->offset ? -1 : 1;
}

/* Merge time = running maximum; all known from the start: exactly the sorted order. */
static void test_order_is_the_sorted_one(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        world w;
        open_world(&w, PARTS);
        static sorted want[PARTS * EVENTS];
        uint32_t n = 0;
        for (int32_t i = 0; i < PARTS; i++) {
            int64_t max = INT64_MIN, t = below(50);
            uint32_t count = below(40);
            for (uint32_t k = 0; k < count; k++) {
                t += below(20);
                int64_t time = t - below(30); /* out of order within the partition */
                fd_event *ev = push(&w, i, time);
                if (below(10) == 0)
                    ev->poison = FD_POISON_TRUNCATED;
                else if (below(10) == 0)
                    ev->flags = FD_FLAG_BIT(FD_FLAG_FUTURE);
                else if (time > max)
                    max = time;
                want[n++] = (sorted){.key = max, .tp = ev->msg.tp, .offset = ev->msg.offset};
            }
        }
        qsort(want, n, sizeof *want, by_key);
        for (uint32_t k = 0; k < n;) {
            fd_merge_pick pick = fd_merge_next(&w.merge, &w.parts, false, 1);
            assert_non_null(pick.part);
            assert_false(pick.incomplete);
            do { /* as dispatch does: on, while below the limit */
                assert_int_equal(pick.part->tp.partition, want[k].tp.partition);
                assert_int_equal(fd_part_head(pick.part)->msg.offset, want[k].offset);
                take(pick.part);
                k++;
            } while (fd_part_head(pick.part) != NULL &&
                     fd_merge_key(pick.part, fd_part_head(pick.part)) < pick.limit_us);
        }
        assert_null(fd_merge_next(&w.merge, &w.parts, false, 1).part);
        fd_parts_free(&w.parts);
    }
}

static void test_waits_for_an_empty_partition(void **state)
{
    (void)state;
    world w;
    open_world(&w, 2);
    push(&w, 0, 100);
    w.more[1] = true;
    fd_merge_pick pick = fd_merge_next(&w.merge, &w.parts, false, 10);
    assert_null(pick.part);
    assert_true(pick.waiting);
    pick = fd_merge_next(&w.merge, &w.parts, false, 10 + IDLE_NS - 1);
    assert_null(pick.part);
    pick = fd_merge_next(&w.merge, &w.parts, false, 10 + IDLE_NS);
    assert_int_equal(pick.part->tp.partition, 0);
    assert_true(pick.incomplete);
    /* What it waits for arrives: nothing is incomplete, and it comes first. */
    push(&w, 1, 50);
    pick = fd_merge_next(&w.merge, &w.parts, false, 11 + IDLE_NS);
    assert_int_equal(pick.part->tp.partition, 1);
    assert_false(pick.incomplete);
    /* One that delivered is waited for anew. */
    take(pick.part);
    pick = fd_merge_next(&w.merge, &w.parts, false, 20 + IDLE_NS);
    assert_null(pick.part);
    assert_true(pick.waiting);
    fd_parts_free(&w.parts);
}

static void test_does_not_wait_at_the_end_of_a_log(void **state)
{
    (void)state;
    world w;
    open_world(&w, 2);
    push(&w, 0, 100);
    fd_merge_pick pick = fd_merge_next(&w.merge, &w.parts, false, 10);
    assert_int_equal(pick.part->tp.partition, 0);
    assert_false(pick.incomplete);
    fd_parts_free(&w.parts);
}

/* One whose merge time is beyond the best head cannot come first: no reason to wait. */
static void test_does_not_wait_for_what_cannot_precede(void **state)
{
    (void)state;
    world w;
    open_world(&w, 2);
    push(&w, 0, 100);
    push(&w, 0, 300);
    part(&w, 1)->merge_us = 200;
    w.more[1] = true;
    fd_merge_pick pick = fd_merge_next(&w.merge, &w.parts, false, 10);
    assert_int_equal(pick.part->tp.partition, 0);
    assert_false(pick.waiting);
    assert_int_equal(pick.limit_us, 200); /* not beyond it without a new look */
    take(pick.part);
    assert_null(fd_merge_next(&w.merge, &w.parts, false, 11).part);
    fd_parts_free(&w.parts);
}

static void test_events_without_a_schema_block_their_partition_only(void **state)
{
    (void)state;
    world w;
    open_world(&w, 2);
    push(&w, 0, 10)->needs_schema = true;
    push(&w, 1, 20);
    assert_int_equal(fd_merge_next(&w.merge, &w.parts, false, 1).part->tp.partition, 1);
    fd_parts_free(&w.parts);
}

static void test_catching_up_apart(void **state)
{
    (void)state;
    world w;
    open_world(&w, 2);
    push(&w, 0, 10 * SKEW_US);
    take(part(&w, 0));
    push(&w, 0, 10 * SKEW_US + 1);
    push(&w, 1, SKEW_US); /* far behind */
    fd_merge_regroup(&w.merge, &w.parts);
    assert_false(part(&w, 0)->apart);
    assert_true(part(&w, 1)->apart);
    assert_int_equal(fd_merge_next(&w.merge, &w.parts, false, 1).part->tp.partition, 0);
    assert_int_equal(fd_merge_next(&w.merge, &w.parts, true, 1).part->tp.partition, 1);
    take(part(&w, 1));
    w.more[1] = true; /* still catching up, nothing queued for the moment */
    fd_merge_regroup(&w.merge, &w.parts);
    assert_true(part(&w, 1)->apart);
    assert_int_equal(fd_merge_next(&w.merge, &w.parts, false, 1).part->tp.partition, 0);
    push(&w, 1, 10 * SKEW_US); /* near enough */
    fd_merge_regroup(&w.merge, &w.parts);
    assert_false(part(&w, 1)->apart);
    fd_parts_free(&w.parts);
}

/* Read to its end, a partition that lies behind for good joins the others. */
static void test_the_end_of_catching_up(void **state)
{
    (void)state;
    world w;
    open_world(&w, 2);
    part(&w, 0)->merge_us = 10 * SKEW_US;
    part(&w, 1)->apart = true;
    fd_merge_regroup(&w.merge, &w.parts);
    assert_false(part(&w, 1)->apart);
    fd_parts_free(&w.parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_the_sorted_one),
        cmocka_unit_test(test_waits_for_an_empty_partition),
        cmocka_unit_test(test_does_not_wait_at_the_end_of_a_log),
        cmocka_unit_test(test_does_not_wait_for_what_cannot_precede),
        cmocka_unit_test(test_events_without_a_schema_block_their_partition_only),
        cmocka_unit_test(test_catching_up_apart),
        cmocka_unit_test(test_the_end_of_catching_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
