/* Histograms, families, exposition (checked by promtool where it is installed), concurrency. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ports/observer.h"
#include "telemetry/metrics.h"

static void test_hist_buckets(void **state)
{
    (void)state;
    fd_hist *h = calloc(1, sizeof *h);
    fd_hist_snap *s = calloc(1, sizeof *s);
    fd_hist_snapshot(h, s);
    assert_int_equal(fd_hist_snap_quantile(s, 0.5), -1);
    /* Every value comes back as at least itself and at most 1/32 more. */
    for (int64_t v = 0; v < FD_HIST_MAX / 3; v = v * 3 + 1) {
        memset(h, 0, sizeof *h);
        fd_hist_record(h, v, 1);
        fd_hist_snapshot(h, s);
        int64_t q = fd_hist_snap_quantile(s, 1);
        assert_true(q >= v);
        assert_true(q - v <= v / 32);
        assert_int_equal(s->sum, v);
    }
    memset(h, 0, sizeof *h);
    fd_hist_record(h, INT64_MAX, 1);
    fd_hist_record(h, -5, 1);
    fd_hist_snapshot(h, s);
    assert_int_equal(fd_hist_snap_quantile(s, 1), FD_HIST_MAX);
    assert_int_equal(fd_hist_snap_quantile(s, 0), 0);
    free(h);
    free(s);
}

static void test_hist_quantiles(void **state)
{
    (void)state;
    fd_hist *h = calloc(1, sizeof *h);
    fd_hist_snap *s = calloc(1, sizeof *s), *before = calloc(1, sizeof *s);
    for (int v = 1; v <= 1000; v++)
        fd_hist_record(h, v * 1000, 1);
    fd_hist_snapshot(h, before);
    assert_in_range(fd_hist_snap_quantile(before, 0.5), 500000, 516000);
    assert_in_range(fd_hist_snap_quantile(before, 0.99), 990000, 1021000);
    fd_hist_record(h, 7, 99);
    fd_hist_record(h, 1 << 20, 1);
    fd_hist_snapshot(h, s);
    fd_hist_snap_sub(s, before);
    assert_int_equal(s->n, 100);
    assert_int_equal(s->sum, 99 * 7 + (1 << 20));
    assert_int_equal(fd_hist_snap_quantile(s, 0.99), 7);
    assert_true(fd_hist_snap_quantile(s, 0.991) >= 1 << 20);
    fd_hist_snap_add(s, before);
    assert_int_equal(s->n, 1100);
    free(h);
    free(s);
    free(before);
}

static char *rendered(fd_metrics *m)
{
    fd_strbuf out = {0};
    fd_metrics_render(m, &out);
    return out.p;
}

static void expect_line(fd_metrics *m, const char *line)
{
    char *text = rendered(m);
    char *at = strstr(text, line);
    if (at == NULL || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n')
        fail_msg("no line %s in\n%s", line, text);
    free(text);
}

static void expect_none(fd_metrics *m, const char *part)
{
    char *text = rendered(m);
    if (strstr(text, part) != NULL)
        fail_msg("%s in\n%s", part, text);
    free(text);
}

static void test_counters_and_units(void **state)
{
    (void)state;
    fd_metrics *m = fd_metrics_new();
    expect_line(m, "fraudd_decisions_total{action=\"block\"} 0");
    fd_metric_add(fd_metrics_at(m, FD_M_DECISIONS, FD_ACTION_BLOCK), 3);
    fd_metric_add(fd_metrics_at(m, FD_M_DECISIONS, FD_ACTION_BLOCK), 4);
    expect_line(m, "fraudd_decisions_total{action=\"block\"} 7");
    assert_int_equal(fd_metrics_sum(m, FD_M_DECISIONS), 7);
    fd_metric_set(fd_metrics_get(m, FD_M_CPU), 1500000);
    expect_line(m, "process_cpu_seconds_total 1.5");
    fd_metric_set(fd_metrics_get(m, FD_M_STARTED), 1769860801007);
    expect_line(m, "process_start_time_seconds 1769860801.007");
    fd_metric_set(fd_metrics_get(m, FD_M_STARTED), -1007);
    expect_line(m, "process_start_time_seconds -1.007");
    expect_line(m, "# TYPE process_cpu_seconds_total counter");
    fd_metrics_free(m);
}

static void test_histogram_exposition(void **state)
{
    (void)state;
    fd_metrics *m = fd_metrics_new();
    fd_metric *x = fd_metrics_at(m, FD_M_STAGE, FD_STAGE_RULES);
    fd_metric_observe(x, 50000, 2); /* on a bound: belongs below it */
    fd_metric_observe(x, 50001, 1);
    fd_metric_observe(x, 400000000000, 1);
    expect_line(m, "fraudd_stage_duration_seconds_bucket{stage=\"rules\",le=\"0.00005\"} 2");
    expect_line(m, "fraudd_stage_duration_seconds_bucket{stage=\"rules\",le=\"0.0001\"} 3");
    expect_line(m, "fraudd_stage_duration_seconds_bucket{stage=\"rules\",le=\"300\"} 3");
    expect_line(m, "fraudd_stage_duration_seconds_bucket{stage=\"rules\",le=\"+Inf\"} 4");
    expect_line(m, "fraudd_stage_duration_seconds_count{stage=\"rules\"} 4");
    expect_line(m, "fraudd_stage_duration_seconds_sum{stage=\"rules\"} 400.000150001");
    fd_metric_observe(fd_metrics_get(m, FD_M_BATCH_EVENTS), 3, 1);
    expect_line(m, "fraudd_batch_events_bucket{le=\"2\"} 0");
    expect_line(m, "fraudd_batch_events_bucket{le=\"4\"} 1");
    fd_metrics_free(m);
}

static void test_open_labels(void **state)
{
    (void)state;
    fd_metrics *m = fd_metrics_new();
    expect_none(m, "fraudd_partition_lag_records");
    const char *p0[] = {"pay\"ments\\\n\xff", "0"};
    fd_metric *x = fd_metrics_series(m, FD_M_LAG, p0);
    assert_ptr_equal(x, fd_metrics_series(m, FD_M_LAG, p0));
    fd_metric_set(x, 12);
    expect_line(m, "fraudd_partition_lag_records{topic=\"pay\\\"ments\\\\\\n\xEF\xBF\xBD\","
                   "partition=\"0\"} 12");
    fd_metric_retire(x);
    expect_none(m, "fraudd_partition_lag_records");
    assert_int_equal(fd_metrics_sum(m, FD_M_LAG), 0);
    assert_ptr_equal(x, fd_metrics_series(m, FD_M_LAG, p0));
    assert_int_equal(fd_metrics_sum(m, FD_M_LAG), 12);
    fd_metrics_retire_all(m, FD_M_LAG);
    expect_none(m, "fraudd_partition_lag_records");
    fd_metrics_free(m);
}

static void test_bound_of_open_labels(void **state)
{
    (void)state;
    fd_metrics *m = fd_metrics_new();
    fd_metric *last = NULL, *other = NULL;
    for (int i = 0; i < FD_METRIC_RULES + 5; i++) {
        char id[32];
        snprintf(id, sizeof id, "rule-%d", i);
        fd_metric *x = fd_metrics_series(m, FD_M_RULE_HITS, (const char *[]){id, "live"});
        fd_metric_add(x, 1);
        if (i == FD_METRIC_RULES - 1)
            last = x;
        if (i == FD_METRIC_RULES)
            other = x;
        if (i > FD_METRIC_RULES)
            assert_ptr_equal(x, other);
    }
    assert_ptr_not_equal(last, other);
    expect_line(m, "fraudd_rule_hits_total{rule=\"other\",mode=\"other\"} 5");
    fd_metrics_free(m);
}

/* More rule sets come and go than there are places. */
static void test_places_of_retired(void **state)
{
    (void)state;
    fd_metrics *m = fd_metrics_new();
    int64_t value;
    for (int i = 0; i < 50; i++) {
        char hash[32], line[128];
        snprintf(hash, sizeof hash, "h%d", i);
        fd_metrics_retire_all(m, FD_M_RULESET);
        const char *values[] = {hash, "l", "c"};
        assert_false(fd_metrics_read(m, FD_M_RULESET, values, &value));
        fd_metric_set(fd_metrics_series(m, FD_M_RULESET, values), 1);
        snprintf(line, sizeof line,
                 "fraudd_ruleset_info{ruleset=\"%s\",lists=\"l\",config=\"c\"} 1", hash);
        expect_line(m, line);
        assert_int_equal(fd_metrics_sum(m, FD_M_RULESET), 1);
        assert_true(fd_metrics_read(m, FD_M_RULESET, values, &value));
        assert_int_equal(value, 1);
    }
    for (int round = 0; round < 3; round++) {
        fd_metrics_retire_all(m, FD_M_RULE_HITS);
        for (int i = 0; i < FD_METRIC_RULES + 1; i++) {
            char id[32];
            snprintf(id, sizeof id, "r%d-%d", round, i);
            fd_metric_add(fd_metrics_series(m, FD_M_RULE_HITS, (const char *[]){id, "live"}), 1);
        }
        char id[32];
        snprintf(id, sizeof id, "r%d-0", round);
        assert_true(fd_metrics_read(m, FD_M_RULE_HITS, (const char *[]){id, "live"}, &value));
        assert_int_equal(value, 1);
        assert_true(fd_metrics_read(m, FD_M_RULE_HITS, (const char *[]){"other", "other"}, &value));
        assert_int_equal(value, round + 1);
    }
    fd_metrics_free(m);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *hammer(void *arg)
{
    fd_metrics *m = arg;
    fd_metric *x = fd_metrics_get(m, FD_M_EVENTS);
    for (int i = 0; i < ROUNDS; i++) {
        fd_metric_add(x, 1);
        fd_metric_observe(fd_metrics_get(m, FD_M_LATENCY), i, 1);
        char number[16];
        snprintf(number, sizeof number, "%d", i % 7);
        fd_metric_set(fd_metrics_series(m, FD_M_LAG, (const char *[]){"t", number}), i);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    fd_metrics *m = fd_metrics_new();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, m), 0);
    for (int i = 0; i < 20; i++)
        free(rendered(m));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char line[128];
    snprintf(line, sizeof line, "fraudd_events_total %d", THREADS * ROUNDS);
    expect_line(m, line);
    snprintf(line, sizeof line, "fraudd_end_to_end_latency_seconds_count %d", THREADS * ROUNDS);
    expect_line(m, line);
    fd_metrics_free(m);
}

/* promtool reads the text and lints names, types and units. */
static void test_promtool(void **state)
{
    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        print_message("SKIP: promtool is not installed (Debian package prometheus)\n");
        skip();
    }
    fd_metrics *m = fd_metrics_new();
    const char *tp[] = {"pay\"m\\e\nnts", "3"};
    fd_metric_id per_partition[] = {FD_M_LAG, FD_M_COMMITTED, FD_M_WATERMARK, FD_M_QUEUED};
    for (size_t i = 0; i < 4; i++)
        fd_metric_set(fd_metrics_series(m, per_partition[i], tp), 1769860801007);
    fd_metrics_series(m, FD_M_RULE_HITS, (const char *[]){"r", "live"});
    fd_metrics_series(m, FD_M_RULE_ERRORS, (const char *[]){"r", "live"});
    fd_metric_set(fd_metrics_series(m, FD_M_RULESET, (const char *[]){"a", "b", "c"}), 1);
    fd_metric_set(fd_metrics_series(m, FD_M_BUILD, (const char *[]){FD_VERSION}), 1);
    fd_metric_observe(fd_metrics_get(m, FD_M_LATENCY), 1234567, 3);
    char *text = rendered(m);
    FILE *tool = popen("promtool check metrics", "w");
    assert_non_null(tool);
    fputs(text, tool);
    assert_int_equal(pclose(tool), 0);
    free(text);
    fd_metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hist_buckets),       cmocka_unit_test(test_hist_quantiles),
        cmocka_unit_test(test_counters_and_units), cmocka_unit_test(test_histogram_exposition),
        cmocka_unit_test(test_open_labels),        cmocka_unit_test(test_bound_of_open_labels),
        cmocka_unit_test(test_places_of_retired),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_promtool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
