/* Positions as people write them on the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/client_int.h"

static const int64_t now = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */

static void expect(const char *text, fd_kafka_from_kind kind, int64_t value)
{
    fd_kafka_from from;
    fd_err err;
    if (fd_kafka_from_parse(text, now, &from, &err) != FD_OK)
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(from.kind, kind);
    assert_int_equal(from.value, value);
}

static void positions(void **state)
{
    (void)state;
    expect(NULL, FD_KAFKA_FROM_BEGINNING, 0);
    expect("", FD_KAFKA_FROM_BEGINNING, 0);
    expect("beginning", FD_KAFKA_FROM_BEGINNING, 0);
    expect("earliest", FD_KAFKA_FROM_BEGINNING, 0);
    expect("end", FD_KAFKA_FROM_END, 0);
    expect("latest", FD_KAFKA_FROM_END, 0);
    expect("0", FD_KAFKA_FROM_OFFSET, 0);
    expect("9223372036854775807", FD_KAFKA_FROM_OFFSET, INT64_MAX);
    expect("-1", FD_KAFKA_FROM_TAIL, 1);
    expect("-500", FD_KAFKA_FROM_TAIL, 500);
    expect("@0", FD_KAFKA_FROM_TIME, 0);
    expect("@1767225600123", FD_KAFKA_FROM_TIME, now + 123);
    expect("@-1h", FD_KAFKA_FROM_TIME, now - 3600000);
    expect("-@1h", FD_KAFKA_FROM_TIME, now - 3600000);
    expect("@-250ms", FD_KAFKA_FROM_TIME, now - 250);
    expect("@-2w", FD_KAFKA_FROM_TIME, now - INT64_C(14) * 86400000);
    expect("@-99999d", FD_KAFKA_FROM_TIME, 0);
    expect("@2026-01-01", FD_KAFKA_FROM_TIME, now);
    expect("@2026-01-01T00:00:00Z", FD_KAFKA_FROM_TIME, now);
    expect("@2026-01-01T00:00:00", FD_KAFKA_FROM_TIME, now);
    expect("@2026-01-01 00:00:01.25Z", FD_KAFKA_FROM_TIME, now + 1250);
    expect("@2026-01-01T01:30:00+01:30", FD_KAFKA_FROM_TIME, now);
    expect("@2025-12-31T19:00:00-05:00", FD_KAFKA_FROM_TIME, now);
}

static void nonsense(void **state)
{
    (void)state;
    const char *bad[] = {"yesterday",
                         "-",
                         "@",
                         "@-",
                         "@-1",
                         "@-1y",
                         "-@",
                         "1x",
                         "--1",
                         "@-h",
                         "@1h",
                         "@2026-13-01",
                         "+1",
                         "@2026-01-01T00:00:00+1",
                         "9223372036854775808",
                         "@2026-01-01T",
                         "@2026-01-01x",
                         "@1960-01-01",
                         "@-9223372036854775807w"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fd_kafka_from from;
        fd_err err;
        if (fd_kafka_from_parse(bad[i], now, &from, &err) == FD_OK)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.exit_code, FD_EXIT_USAGE);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
