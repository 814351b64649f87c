/* The table of partitions, their rings, jobs and consents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/consents.h"
#include "pipeline/job.h"
#include "pipeline/part.h"

static fd_tp tp(uint16_t source, int32_t partition)
{
    return (fd_tp){.source = source, .partition = partition};
}

static fd_event event(int64_t offset)
{
    return (fd_event){.msg = {.offset = offset, .leader_epoch = (int32_t)(offset % 7)},
                      .time_us = offset * 1000};
}

static void test_order_through_the_ring(void **state)
{
    (void)state;
    fd_parts parts;
    fd_parts_init(&parts, 5);
    fd_part *p = fd_parts_add(&parts, tp(0, 3));
    fd_part_start(p, 100, 9);
    assert_int_equal(p->fetch, 100);
    assert_int_equal(p->decide, 100);
    assert_int_equal(p->leader_epoch, 9);
    int64_t in = 100, out = 100;
    for (int round = 0; round < 50; round++) {
        while (p->n < p->cap) {
            fd_event ev = event(in);
            fd_part_push(p, &ev);
            in += 1 + in % 3; /* gaps: markers */
        }
        for (int i = 0; i < 1 + round % 5; i++) {
            assert_int_equal(fd_part_head(p)->msg.offset, out);
            assert_int_equal(fd_part_pop(p).msg.offset, out);
            assert_int_equal(p->decide, out + 1);
            out += 1 + out % 3;
        }
    }
    assert_true(p->decide <= p->fetch);
    while (p->n > 0)
        fd_part_pop(p);
    assert_null(fd_part_head(p));
    fd_parts_remove(&parts, p);
    fd_parts_free(&parts);
}

static void test_find_and_remove(void **state)
{
    (void)state;
    fd_parts parts;
    fd_parts_init(&parts, 1);
    for (int32_t i = 0; i < 20; i++)
        assert_non_null(fd_parts_add(&parts, tp((uint16_t)(i % 2), i)));
    for (int32_t i = 0; i < 20; i += 3)
        fd_parts_remove(&parts, fd_parts_find(&parts, tp((uint16_t)(i % 2), i)));
    for (int32_t i = 0; i < 20; i++) {
        const fd_part *found = fd_parts_find(&parts, tp((uint16_t)(i % 2), i));
        assert_int_equal(found != NULL, i % 3 != 0);
        if (found != NULL)
            assert_true(fd_tp_eq(found->tp, tp((uint16_t)(i % 2), i)));
        assert_null(fd_parts_find(&parts, tp((uint16_t)((i + 1) % 2), i)));
    }
    fd_parts_free(&parts);
}

static void test_more_than_fit(void **state)
{
    (void)state;
    fd_parts parts;
    fd_parts_init(&parts, 1);
    for (int32_t i = 0; i < FD_PARTS_MAX; i++) {
        fd_part *p = &parts.items[parts.n]; /* without the search: 4096 of them */
        *p = (fd_part){.tp = tp(0, i)};
        parts.n++;
    }
    assert_null(fd_parts_add(&parts, tp(1, 0)));
    fd_parts_free(&parts);
}

/* A start knows nothing of the events before it, until they are folded again. */
static void test_a_start_forgets(void **state)
{
    (void)state;
    fd_parts parts;
    fd_parts_init(&parts, 1);
    fd_part *p = fd_parts_add(&parts, tp(0, 0));
    p->state = FD_PART_LIVE;
    p->merge_us = 5;
    p->storable = false;
    p->lacks_ns = 1;
    fd_part_start(p, 10, -1);
    assert_true(p->merge_us == INT64_MIN);
    assert_true(p->storable);
    assert_int_equal(p->lacks_ns, 0);
    assert_int_equal(p->redo_from, 10);
    fd_parts_free(&parts);
}

static void test_what_is_put_back(void **state)
{
    (void)state;
    fd_parts parts;
    fd_parts_init(&parts, 3);
    fd_part *p = fd_parts_add(&parts, tp(0, 0));
    fd_part_start(p, 0, -1);
    int64_t next = 0;
    for (uint32_t round = 0; round < 7; round++) {
        while (p->n < 3) {
            fd_event ev = {.msg = {.offset = next++}};
            fd_part_push(p, &ev);
        }
        int64_t decide = p->decide;
        p->before_us = (int64_t)round;
        p->merge_us = 1000;
        for (uint32_t i = 0; i < 2; i++)
            fd_part_pop(p);
        fd_part_unpop(p, 2, decide);
        assert_int_equal(p->n, 3);
        assert_int_equal(p->decide, decide);
        assert_int_equal(p->merge_us, round);
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(fd_part_pop(p).msg.offset, decide + i);
    }
    fd_part_pop(p);
    fd_parts_free(&parts);
}

static void test_jobs_know_their_partitions(void **state)
{
    (void)state;
    fd_job *job = fd_job_new(4);
    job->spans[0] = (fd_span){.tp = tp(0, 1)};
    job->spans[1] = (fd_span){.tp = tp(1, 2)};
    job->n_spans = 2;
    assert_true(fd_job_touches(job, tp(0, 1)));
    assert_true(fd_job_touches(job, tp(1, 2)));
    assert_false(fd_job_touches(job, tp(0, 2)));
    job->cancelled = true;
    job->attempts = 3;
    fd_job_reset(job);
    assert_false(fd_job_touches(job, tp(0, 1)));
    assert_false(job->cancelled);
    assert_int_equal(job->attempts, 0);
    fd_job_free(job);
    fd_job_free(NULL);
}

static void test_consents(void **state)
{
    (void)state;
    fd_consents c;
    fd_consents_init(&c);
    assert_false(fd_consents_cover(&c, tp(0, 0), 0));
    assert_true(fd_consents_add(&c, (fd_consent){.tp = tp(0, 0), .through = 10}));
    assert_true(fd_consents_add(&c, (fd_consent){.tp = tp(0, 0), .through = 5})); /* no step back */
    assert_true(fd_consents_cover(&c, tp(0, 0), 10));
    assert_false(fd_consents_cover(&c, tp(0, 0), 11));
    assert_false(fd_consents_cover(&c, tp(0, 1), 3));
    for (int32_t i = 1; i < FD_CONSENTS_MAX; i++)
        assert_true(fd_consents_add(&c, (fd_consent){.tp = tp(0, i), .through = 1}));
    assert_false(fd_consents_add(&c, (fd_consent){.tp = tp(1, 0), .through = 1}));
    assert_true(fd_consents_add(&c, (fd_consent){.tp = tp(0, 0), .through = 20}));
    assert_true(fd_consents_cover(&c, tp(0, 0), 20));
    fd_consents_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_through_the_ring),
        cmocka_unit_test(test_find_and_remove),
        cmocka_unit_test(test_more_than_fit),
        cmocka_unit_test(test_a_start_forgets),
        cmocka_unit_test(test_what_is_put_back),
        cmocka_unit_test(test_jobs_know_their_partitions),
        cmocka_unit_test(test_consents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
