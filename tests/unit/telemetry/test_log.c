/* Log lines: shape, escaping, levels, rate limit, bound, threads. Written to a pipe. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "telemetry/log.h"

typedef struct sink {
    int fds[2];
    int64_t now_ms;
    fd_log *log;
    fd_metrics *metrics;
    char text[256 * 1024];
} sink;

static int64_t now_of(void *self)
{
    return ((sink *)self)->now_ms;
}

static sink *sink_new(fd_log_format format, fd_log_level level)
{
    sink *s = calloc(1, sizeof *s);
    assert_int_equal(pipe(s->fds), 0);
    fcntl(s->fds[0], F_SETFL, O_NONBLOCK);
    fcntl(s->fds[1], F_SETPIPE_SZ, 1 << 20);
    s->now_ms = 1769860801007;
    s->metrics = fd_metrics_new();
    s->log = fd_log_new(&(fd_log_setup){.fd = s->fds[1],
                                        .level = level,
                                        .format = format,
                                        .wall_ms = now_of,
                                        .self = s,
                                        .metrics = s->metrics});
    return s;
}

static void sink_free(sink *s)
{
    fd_log_free(s->log);
    fd_metrics_free(s->metrics);
    close(s->fds[0]);
    close(s->fds[1]);
    free(s);
}

/* Everything written since the last call. */
static const char *drain(sink *s)
{
    size_t n = 0;
    ssize_t got;
    while ((got = read(s->fds[0], s->text + n, sizeof s->text - 1 - n)) > 0)
        n += (size_t)got;
    s->text[n] = '\0';
    return s->text;
}

static void test_json(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_JSON, FD_LOG_INFO);
    FD_LOG(s->log, FD_LOG_INFO, "started");
    assert_string_equal(drain(s), "{\"ts\":\"2026-01-31T12:00:01.007Z\",\"level\":\"info\","
                                  "\"event\":\"started\"}\n");
    FD_LOG(s->log, FD_LOG_ERROR, "odd", fd_log_str("s", "a\"b\n\xff"), fd_log_str("none", NULL),
           fd_log_int("i", INT64_MIN), fd_log_uint("u", INT64_MAX), fd_log_dbl("d", 0.25),
           fd_log_dbl("nan", NAN), fd_log_bool("b", true), fd_log_strn("e", (fd_str){NULL, 0}));
    json_error_t err;
    json_t *line = json_loads(drain(s), JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &err);
    if (line == NULL)
        fail_msg("%s: %s", err.text, s->text);
    assert_string_equal(json_string_value(json_object_get(line, "s")), "a\"b\n\xEF\xBF\xBD");
    assert_null(json_object_get(line, "none"));
    assert_true(json_integer_value(json_object_get(line, "i")) == INT64_MIN);
    assert_true(json_is_true(json_object_get(line, "b")));
    assert_string_equal(json_string_value(json_object_get(line, "nan")), "NaN");
    assert_string_equal(json_string_value(json_object_get(line, "e")), "");
    assert_non_null(strstr(s->text, "\"u\":9223372036854775807,\"d\":0.25"));
    json_decref(line);
    sink_free(s);
}

static void test_text(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_TEXT, FD_LOG_DEBUG);
    s->now_ms = 951782399999; /* before a leap day */
    FD_LOG(s->log, FD_LOG_WARN, "partition live", fd_log_str("topic", "pay"),
           fd_log_str("why", "two words"), fd_log_int("partition", 3));
    assert_string_equal(drain(s), "2000-02-28T23:59:59.999Z warn  partition live topic=pay "
                                  "why=\"two words\" partition=3\n");
    s->now_ms++;
    FD_LOG(s->log, FD_LOG_DEBUG, "x");
    assert_string_equal(drain(s), "2000-02-29T00:00:00.000Z debug x\n");
    s->now_ms = -1;
    FD_LOG(s->log, FD_LOG_DEBUG, "x");
    assert_string_equal(drain(s), "1969-12-31T23:59:59.999Z debug x\n");
    sink_free(s);
}

static void test_levels(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_JSON, FD_LOG_WARN);
    FD_LOG(s->log, FD_LOG_INFO, "no");
    assert_string_equal(drain(s), "");
    fd_log_set_level(s->log, FD_LOG_DEBUG);
    FD_LOG(s->log, FD_LOG_DEBUG, "yes");
    assert_non_null(strstr(drain(s), "yes"));
    FD_LOG((fd_log *)NULL, FD_LOG_ERROR, "nowhere");
    assert_int_equal(fd_metrics_sum(s->metrics, FD_M_LOG_LINES), 1);
    sink_free(s);
}

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void test_rate_limit(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_TEXT, FD_LOG_INFO);
    for (int i = 0; i < 100; i++)
        FD_LOG(s->log, FD_LOG_INFO, "noisy", fd_log_int("i", i));
    assert_int_equal(count_lines(drain(s)), FD_LOG_BURST);
    FD_LOG(s->log, FD_LOG_INFO, "other"); /* has its own limit */
    assert_int_equal(count_lines(drain(s)), 1);
    s->now_ms += 1000;
    FD_LOG(s->log, FD_LOG_INFO, "noisy", fd_log_int("i", 7));
    assert_non_null(strstr(drain(s), "i=7 suppressed=80\n"));
    FD_LOG(s->log, FD_LOG_INFO, "noisy", fd_log_int("i", 8));
    assert_null(strstr(drain(s), "suppressed"));
    for (int i = 0; i < 100; i++)
        FD_LOG(s->log, FD_LOG_INFO, "keyed", fd_log_key(fd_log_int("partition", i % 2)));
    assert_int_equal(count_lines(drain(s)), 2 * FD_LOG_BURST);
    assert_int_equal(fd_metrics_sum(s->metrics, FD_M_LOG_LINES), 203);
    sink_free(s);
}

/* More kinds than slots: memory stays, lines still come. */
static void test_many_kinds(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_TEXT, FD_LOG_INFO);
    for (int i = 0; i < 5000; i++) {
        s->now_ms++;
        FD_LOG(s->log, FD_LOG_INFO, "k", fd_log_key(fd_log_int("i", i)));
    }
    assert_int_equal(count_lines(drain(s)), 5000);
    sink_free(s);
}

static void test_long_line(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_JSON, FD_LOG_INFO);
    char big[3 * FD_LOG_LINE_MAX];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    FD_LOG(s->log, FD_LOG_INFO, "long", fd_log_str("big", big), fd_log_int("small", 5));
    assert_non_null(strstr(drain(s), "\"small\":5,\"cut\":true}\n"));
    assert_true(strlen(s->text) <= FD_LOG_LINE_MAX);
    sink_free(s);
}

/* The status is erased, the line written in its place, the status drawn below it. */
static void test_status(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_TEXT, FD_LOG_INFO);
    fd_log_set_status(s->log, "");
    assert_string_equal(drain(s), "");
    fd_log_set_status(s->log, "12 ev/s");
    assert_string_equal(drain(s), "\r\033[K12 ev/s");
    FD_LOG(s->log, FD_LOG_INFO, "started");
    assert_string_equal(drain(s), "\r\033[K2026-01-31T12:00:01.007Z info  started\n12 ev/s");
    fd_log_set_status(s->log, "7 ev/s");
    assert_string_equal(drain(s), "\r\033[K7 ev/s");
    fd_log_set_status(s->log, "");
    assert_string_equal(drain(s), "\r\033[K");
    FD_LOG(s->log, FD_LOG_INFO, "stopped");
    assert_string_equal(drain(s), "2026-01-31T12:00:01.007Z info  stopped\n");
    char wide[200];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    fd_log_set_status(s->log, wide);
    drain(s);
    char big[3 * FD_LOG_LINE_MAX];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    FD_LOG(s->log, FD_LOG_INFO, "long", fd_log_str("big", big));
    assert_non_null(strstr(drain(s), " cut=true\nwww"));
    sink_free(s);
}

static void *talk(void *arg)
{
    sink *s = arg;
    for (int i = 0; i < 200; i++)
        FD_LOG(s->log, FD_LOG_INFO, "talk", fd_log_key(fd_log_int("i", i)));
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    sink *s = sink_new(FD_LOG_FORMAT_JSON, FD_LOG_INFO);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk, s), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const char *p = drain(s);
    assert_int_equal(count_lines(p), 800);
    for (; *p != '\0'; p = strchr(p, '\n') + 1) {
        json_t *line = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(line);
        json_decref(line);
    }
    sink_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),       cmocka_unit_test(test_text),
        cmocka_unit_test(test_levels),     cmocka_unit_test(test_rate_limit),
        cmocka_unit_test(test_many_kinds), cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_status),     cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
