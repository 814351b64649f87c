/* The poison breaker: trips above its rate, forgets what left the window, resumes empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/breaker.h"

static uint32_t count(fd_breaker *b, uint32_t n, bool invalid)
{
    uint32_t trips = 0;
    for (uint32_t i = 0; i < n; i++)
        trips += fd_breaker_count(b, invalid);
    return trips;
}

static void test_trips_above_the_rate(void **state)
{
    (void)state;
    fd_breaker b;
    fd_breaker_init(&b, 100, 0.05);
    assert_int_equal(count(&b, 5, true), 0);
    assert_false(b.tripped);
    assert_true(fd_breaker_count(&b, true)); /* the sixth of the latest hundred */
    assert_true(b.tripped);
    assert_int_equal(count(&b, 50, true), 0); /* said once */
    assert_true(b.tripped);
    fd_breaker_free(&b);
}

static void test_forgets_what_left_the_window(void **state)
{
    (void)state;
    fd_breaker b;
    fd_breaker_init(&b, 10, 0.2);
    for (int i = 0; i < 1000; i++)
        assert_false(fd_breaker_count(&b, i % 5 == 0)); /* two of any ten */
    assert_int_equal(count(&b, 10, false), 0);
    assert_int_equal(b.bad, 0);
    assert_int_equal(count(&b, 2, true), 0);
    assert_true(fd_breaker_count(&b, true));
    fd_breaker_free(&b);
}

static void test_resume_starts_empty(void **state)
{
    (void)state;
    fd_breaker b;
    fd_breaker_init(&b, 10, 0.2);
    assert_int_equal(count(&b, 3, true), 1);
    fd_breaker_resume(&b);
    assert_false(b.tripped);
    assert_int_equal(count(&b, 2, true), 0);
    assert_int_equal(count(&b, 1, true), 1);
    fd_breaker_free(&b);
}

static void test_the_ends_of_the_rate(void **state)
{
    (void)state;
    fd_breaker b;
    fd_breaker_init(&b, 4, 0);
    assert_true(fd_breaker_count(&b, true));
    fd_breaker_free(&b);
    fd_breaker_init(&b, 4, 1);
    assert_int_equal(count(&b, 100, true), 0);
    fd_breaker_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trips_above_the_rate),
        cmocka_unit_test(test_forgets_what_left_the_window),
        cmocka_unit_test(test_resume_starts_empty),
        cmocka_unit_test(test_the_ends_of_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
