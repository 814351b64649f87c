/* Durations, sizes and percentages as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/quantity.h"

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"0", 0},          {"250us", 250},       {"1ms", 1000},
        {"5m", 300000000}, {"1.5h", 5400000000}, {"28d", 2419200000000},
        {"2 s", 2000000},
    };
    int64_t i;
    for (size_t g = 0; g < sizeof good / sizeof *good; g++) {
        assert_null(fd_parse_duration(good[g].text, &i));
        assert_int_equal(i, good[g].us);
    }
    static const char *const bad[] = {"",    "-1s",   "1.s", "nan",      "0x10s", "1s2",
                                      "5 M", "1h30m", "m",   "0.0001ms", "1e3s",  "200000000d"};
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
        assert_non_null(fd_parse_duration(bad[b], &i));
}

static void test_sizes_and_percentages(void **state)
{
    (void)state;
    int64_t i;
    assert_null(fd_parse_bytes("12", &i));
    assert_int_equal(i, 12);
    assert_null(fd_parse_bytes("1.5 KiB", &i));
    assert_int_equal(i, 1536);
    assert_non_null(fd_parse_bytes("1 kib", &i));
    double d;
    assert_null(fd_parse_percent("5%", &d));
    assert_true(d == 0.05);
    assert_non_null(fd_parse_percent("5", &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes_and_percentages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
