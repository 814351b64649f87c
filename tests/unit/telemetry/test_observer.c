/* Pipeline reports turned into metrics and lines; the status line and its JSON. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "telemetry/observer.h"
#include "telemetry/statusline.h"

typedef struct rig {
    fd_metrics *m;
    fd_log *log;
    fd_telemetry *t;
    fd_observer o;
    int fds[2];
} rig;

static int64_t noon(void *self)
{
    (void)self;
    return 1769860800000;
}

static rig rig_new(void)
{
    rig r = {.m = fd_metrics_new()};
    assert_int_equal(pipe(r.fds), 0);
    fcntl(r.fds[0], F_SETFL, O_NONBLOCK);
    r.log = fd_log_new(&(fd_log_setup){
        .fd = r.fds[1], .level = FD_LOG_INFO, .format = FD_LOG_FORMAT_TEXT, .wall_ms = noon});
    r.t = fd_telemetry_new(r.m, r.log, (const char *[]){"pay", "more"}, 2);
    r.o = fd_telemetry_observer(r.t);
    return r;
}

static void rig_free(rig *r)
{
    fd_telemetry_free(r->t);
    fd_log_free(r->log);
    fd_metrics_free(r->m);
    close(r->fds[0]);
    close(r->fds[1]);
}

static void expect(const rig *r, const char *line, bool there)
{
    fd_strbuf out = {0};
    fd_metrics_render(r->m, &out);
    bool found = false;
    for (const char *at = out.p; !found && (at = strstr(at, line)) != NULL; at++)
        found = (at == out.p || at[-1] == '\n') && at[strlen(line)] == '\n';
    if (found != there)
        fail_msg("%s %s in\n%s", there ? "no" : "unexpected", line, out.p);
    fd_strbuf_free(&out);
}

static void report(rig *r, uint32_t events, int64_t latency_ms)
{
    int64_t kafka_ms[16];
    for (uint32_t i = 0; i < events; i++)
        kafka_ms[i] = 1000;
    fd_batch_report b = {.events = events, .kafka_ms = kafka_ms};
    b.committed_wall_ms = 1000 + latency_ms;
    b.by_action[FD_ACTION_ALLOW] = events - 1;
    b.by_action[FD_ACTION_BLOCK] = 1;
    b.by_flag[FD_FLAG_LATE] = 2;
    b.by_poison[FD_POISON_NULL_ID] = 1;
    r->o.ops->batch(r->o.self, &b);
}

static void test_batch(void **state)
{
    (void)state;
    rig r = rig_new();
    report(&r, 10, 4);
    expect(&r, "fraudd_events_total 10", true);
    expect(&r, "fraudd_decisions_total{action=\"allow\"} 9", true);
    expect(&r, "fraudd_decision_flags_total{flag=\"LATE\"} 2", true);
    expect(&r, "fraudd_dead_letters_total{code=\"NULL_ID\"} 1", true);
    expect(&r, "fraudd_dead_letters_total{code=\"NULL_TIME\"} 0", true);
    expect(&r, "fraudd_end_to_end_latency_seconds_sum 0.04", true);
    expect(&r, "fraudd_end_to_end_latency_seconds_bucket{le=\"0.0025\"} 0", true);
    expect(&r, "fraudd_end_to_end_latency_seconds_bucket{le=\"0.005\"} 10", true);
    /* Unknown timestamps are left out, and a clock behind the broker's counts as none. */
    int64_t ms[] = {-1, 5000};
    fd_batch_report b = {.events = 2, .kafka_ms = ms, .committed_wall_ms = 4000};
    r.o.ops->batch(r.o.self, &b);
    expect(&r, "fraudd_end_to_end_latency_seconds_count 11", true);
    r.o.ops->stage(r.o.self, FD_STAGE_DECODE, 12, 2000000);
    expect(&r, "fraudd_stage_duration_seconds_sum{stage=\"decode\"} 0.002", true);
    expect(&r, "fraudd_stage_events_total{stage=\"decode\"} 12", true);
    r.o.ops->txn(r.o.self, FD_TXN_ABORTED, 1000000000);
    expect(&r, "fraudd_transactions_total{result=\"aborted\"} 1", true);
    expect(&r, "fraudd_transaction_duration_seconds_count{result=\"aborted\"} 1", true);
    rig_free(&r);
}

static void test_partition(void **state)
{
    (void)state;
    rig r = rig_new();
    fd_partition_report p = {.tp = {1, 2}, .owned = true, .committed = -1, .end = -1};
    p.watermark_ms = INT64_MIN;
    p.queued = 5;
    r.o.ops->partition(r.o.self, &p);
    expect(&r, "fraudd_partition_queue_records{topic=\"more\",partition=\"2\"} 5", true);
    expect(&r, "# TYPE fraudd_partition_lag_records gauge", false);
    expect(&r, "# TYPE fraudd_partition_watermark_timestamp_seconds gauge", false);
    p.committed = 90;
    p.end = 100;
    p.watermark_ms = 1500;
    p.pause = FD_PAUSE_BREAKER;
    r.o.ops->partition(r.o.self, &p);
    expect(&r, "fraudd_partition_lag_records{topic=\"more\",partition=\"2\"} 10", true);
    expect(&r, "fraudd_partition_committed_offset{topic=\"more\",partition=\"2\"} 90", true);
    expect(&r, "fraudd_partition_watermark_timestamp_seconds{topic=\"more\",partition=\"2\"} 1.5",
           true);
    expect(&r, "fraudd_partitions_paused{reason=\"breaker\"} 1", true);
    expect(&r, "fraudd_poison_breaker_open 1", true);
    expect(&r, "fraudd_partitions_assigned 1", true);
    p.owned = false;
    r.o.ops->partition(r.o.self, &p);
    expect(&r, "# TYPE fraudd_partition_lag_records gauge", false);
    expect(&r, "fraudd_poison_breaker_open 0", true);
    expect(&r, "fraudd_partitions_assigned 0", true);
    rig_free(&r);
}

static void test_state(void **state)
{
    (void)state;
    rig r = rig_new();
    fd_state_report s = {.entries = 7, .bytes = 4096, .store_up = true, .store_reads = 3};
    s.store_writes = 5;
    s.values_read = 40;
    s.values_written = 90;
    s.flush_ns = 1500000000;
    r.o.ops->state(r.o.self, &s);
    expect(&r, "fraudd_state_keys 7", true);
    expect(&r, "fraudd_store_up 1", true);
    expect(&r, "fraudd_store_reads_total 3", true);
    expect(&r, "fraudd_store_flush_seconds_total 1.5", true);
    /* Totals come again and again; counters grow by what is new. */
    s.store_up = false;
    s.store_failed = 2;
    s.store_refused = 1;
    s.values_written = 100;
    r.o.ops->state(r.o.self, &s);
    expect(&r, "fraudd_store_up 0", true);
    expect(&r, "fraudd_store_reads_total 3", true);
    expect(&r, "fraudd_store_writes_total 5", true);
    expect(&r, "fraudd_store_failed_total 2", true);
    expect(&r, "fraudd_store_refused_total 1", true);
    expect(&r, "fraudd_store_values_read_total 40", true);
    expect(&r, "fraudd_store_values_written_total 100", true);
    rig_free(&r);
}

static void test_rules(void **state)
{
    (void)state;
    rig r = rig_new();
    fd_rule_label first[] = {{FD_STR("a"), FD_MODE_LIVE}, {FD_STR("b"), FD_MODE_SHADOW}};
    fd_telemetry_set_rules(r.t, first, 2);
    r.o.ops->rule(r.o.self, 0, &(fd_rule_counts){.evaluations = 10, .hits = 3, .errors = 1});
    r.o.ops->rule(r.o.self, 1, &(fd_rule_counts){.evaluations = 10, .hits = 2, .errors = 0});
    expect(&r, "fraudd_rule_hits_total{rule=\"a\",mode=\"live\"} 3", true);
    expect(&r, "fraudd_rule_errors_total{rule=\"a\",mode=\"live\"} 1", true);
    expect(&r, "fraudd_rule_hits_total{rule=\"b\",mode=\"shadow\"} 2", true);
    fd_rule_label second[] = {{FD_STR("c"), FD_MODE_OFF}, {FD_STR("a"), FD_MODE_LIVE}};
    fd_telemetry_set_rules(r.t, second, 2);
    r.o.ops->rule(r.o.self, 1, &(fd_rule_counts){.evaluations = 10, .hits = 1, .errors = 0});
    r.o.ops->rule(r.o.self, 0, &(fd_rule_counts){.evaluations = 10, .hits = 1, .errors = 0});
    expect(&r, "fraudd_rule_hits_total{rule=\"a\",mode=\"live\"} 4", true);
    expect(&r, "fraudd_rule_hits_total{rule=\"b\",mode=\"shadow\"} 2", false);
    expect(&r, "fraudd_rules 1", true);
    fd_telemetry_set_ruleset(r.t, "h1", "l1", "c1");
    fd_telemetry_set_ruleset(r.t, "h2", "l1", "c1");
    expect(&r, "fraudd_ruleset_info{ruleset=\"h2\",lists=\"l1\",config=\"c1\"} 1", true);
    expect(&r, "fraudd_ruleset_info{ruleset=\"h1\",lists=\"l1\",config=\"c1\"} 1", false);
    rig_free(&r);
}

static void test_anomalies(void **state)
{
    (void)state;
    rig r = rig_new();
    char text[1024];
    fd_rule_label rules[] = {{FD_STR("a"), FD_MODE_LIVE}, {FD_STR("b"), FD_MODE_SHADOW}};
    fd_telemetry_set_rules(r.t, rules, 2);
    for (int i = 0; i < 100; i++) {
        r.o.ops->rule(r.o.self, 0, &(fd_rule_counts){.evaluations = 1000, .hits = 10});
        r.o.ops->rule(r.o.self, 1, &(fd_rule_counts){.evaluations = 1000, .worse = 2, .milder = 1});
    }
    expect(&r, "fraudd_rule_evaluations_total{rule=\"a\",mode=\"live\"} 100000", true);
    expect(&r, "fraudd_rule_shadow_changes_total{rule=\"b\",change=\"worse\"} 200", true);
    expect(&r, "fraudd_rule_shadow_changes_total{rule=\"b\",change=\"milder\"} 100", true);
    expect(&r, "fraudd_rule_shadow_changes_total{rule=\"a\",change=\"worse\"} 0", false);
    assert_int_equal(read(r.fds[0], text, sizeof text - 1), -1);
    for (int i = 0; i < 20; i++)
        r.o.ops->rule(r.o.self, 0, &(fd_rule_counts){.evaluations = 1000});
    const char *silent = "fraudd_rule_anomaly{rule=\"a\",kind=\"silent\"} 1";
    expect(&r, silent, true);
    ssize_t n = read(r.fds[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "warn  rule fell silent rule=a hit_rate=0"));
    assert_ptr_equal(strchr(text, '\n'), text + n - 1); /* once */
    fd_telemetry_set_rules(r.t, rules, 2);
    expect(&r, silent, true); /* a reload changes nothing for a rule that stays */
    fd_strbuf json = {0};
    fd_telemetry_anomalies_json(r.t, &json);
    assert_non_null(strstr(json.p, "\"rule\": \"a\""));
    fd_strbuf_free(&json);
    for (int i = 0; i < 10; i++)
        r.o.ops->rule(r.o.self, 0, &(fd_rule_counts){.evaluations = 1000, .hits = 10});
    expect(&r, silent, false);
    fd_telemetry_set_rules(r.t, rules + 1, 1);
    expect(&r, silent, false);
    rig_free(&r);
}

static void test_notes(void **state)
{
    (void)state;
    rig r = rig_new();
    char text[1024];
    r.o.ops->note(r.o.self, FD_NOTE_POISON, &(fd_tp){1, 7}, 42, "NULL_ID");
    r.o.ops->note(r.o.self, FD_NOTE_ASSIGNED, NULL, -1, "3 partitions");
    r.o.ops->note(r.o.self, FD_NOTE_LIVE, &(fd_tp){0, 1}, -1, NULL);
    r.o.ops->note(r.o.self, FD_NOTE_LIVE, &(fd_tp){0, 2}, -1, "");
    ssize_t n = read(r.fds[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_string_equal(
        text,
        "2026-01-31T12:00:00.000Z warn  invalid event sent to dead letters topic=more partition=7 "
        "offset=42 detail=NULL_ID\n"
        "2026-01-31T12:00:00.000Z info  partitions assigned detail=\"3 partitions\"\n"
        "2026-01-31T12:00:00.000Z info  partition live topic=pay partition=1\n"
        "2026-01-31T12:00:00.000Z info  partition live topic=pay partition=2\n");
    expect(&r, "fraudd_rebalances_total 1", true);
    rig_free(&r);
}

static void line_is(const fd_status_sample *a, const fd_status_sample *b, uint32_t columns,
                    const char *want)
{
    fd_strbuf out = {0};
    fd_status_line(a, b, columns, &out);
    assert_string_equal(out.p, want);
    fd_strbuf_free(&out);
}

static void test_status(void **state)
{
    (void)state;
    rig r = rig_new();
    fd_status_sample *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    fd_status_take(r.m, 0, a);
    line_is(a, a, 0, "0 ev/s  lag 0");
    for (int i = 0; i < 1000; i++)
        report(&r, 10, 3);
    fd_status_take(r.m, 2000000000, b);
    line_is(a, b, 0,
            "5.0K ev/s  1000 dead letters  allow 90.0% review 0.0% challenge 0.0% block "
            "10.0%  lag 0  p50 3.0ms p99 3.0ms");
    line_is(a, b, 40, "5.0K ev/s  1000 dead letters");
    line_is(b, b, 0, "0 ev/s  lag 0");
    fd_partition_report p = {.tp = {0, 0}, .owned = true, .end = 1234567};
    p.pause = FD_PAUSE_SCHEMA;
    r.o.ops->partition(r.o.self, &p);
    r.o.ops->txn(r.o.self, FD_TXN_ABORTED, 1);
    fd_status_take(r.m, 3000000000, a);
    line_is(b, a, 0, "0 ev/s  1 of 1 partitions paused  1 aborts  lag 1.23M");
    fd_strbuf out = {0};
    fd_status_json(b, a, &out);
    json_t *o = json_loads(out.p, 0, NULL);
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "lag")), 1234567);
    assert_int_equal(json_integer_value(json_object_get(o, "events")), 10000);
    assert_true(json_is_null(json_object_get(o, "latency_p99_ms")));
    json_decref(o);
    fd_strbuf_free(&out);
    free(a);
    free(b);
    rig_free(&r);
}

/* Totals become counters; another program starts at 0. */
static void test_models(void **state)
{
    (void)state;
    rig r = rig_new();
    const fd_str inputs[] = {FD_STR("amount"), FD_STR("n5")};
    uint64_t missing[] = {0, 2};
    fd_model_report report = {.id = FD_STR("gbdt"),
                              .version = FD_STR("0123456789abcdef"),
                              .n_inputs = 2,
                              .inputs = inputs,
                              .missing = missing,
                              .scored = 3,
                              .sum_ppm = 1600000,
                              .psi = NAN};
    report.buckets[0] = 1;
    report.buckets[19] = 1;
    report.buckets[FD_SCORE_BUCKETS] = 1;
    r.o.ops->model(r.o.self, 0, &report);
    expect(&r, "fraudd_model_score_bucket{model=\"gbdt\",mode=\"live\",le=\"0.05\"} 1", true);
    expect(&r, "fraudd_model_score_bucket{model=\"gbdt\",mode=\"live\",le=\"0.95\"} 1", true);
    expect(&r, "fraudd_model_score_bucket{model=\"gbdt\",mode=\"live\",le=\"1\"} 2", true);
    expect(&r, "fraudd_model_score_bucket{model=\"gbdt\",mode=\"live\",le=\"+Inf\"} 3", true);
    expect(&r, "fraudd_model_score_sum{model=\"gbdt\",mode=\"live\"} 1.6", true);
    expect(&r, "fraudd_model_score_count{model=\"gbdt\",mode=\"live\"} 3", true);
    expect(&r, "fraudd_model_missing_inputs_total{model=\"gbdt\",input=\"n5\"} 2", true);
    expect(&r, "fraudd_model_missing_inputs_total{model=\"gbdt\",input=\"amount\"} 0", true);
    expect(&r, "fraudd_model_info{model=\"gbdt\",version=\"0123456789abcdef\",mode=\"live\"} 1",
           true);
    report.scored = 4;
    report.buckets[0] = 2;
    report.psi = 0.25;
    missing[1] = 3;
    r.o.ops->model(r.o.self, 0, &report);
    r.o.ops->model(r.o.self, 0, &report);
    expect(&r, "fraudd_model_score_count{model=\"gbdt\",mode=\"live\"} 4", true);
    expect(&r, "fraudd_model_missing_inputs_total{model=\"gbdt\",input=\"n5\"} 3", true);
    expect(&r, "fraudd_model_score_psi_ratio{model=\"gbdt\"} 0.25", true);
    r.o.ops->program(r.o.self, &(fd_program_report){.stage = FD_PROGRAM_DECIDES});
    expect(&r, "fraudd_model_score_psi_ratio{model=\"gbdt\"} 0.25", false);
    report = (fd_model_report){.id = FD_STR("gbdt"),
                               .version = FD_STR("fedcba9876543210"),
                               .mode = FD_MODE_SHADOW,
                               .scored = 1,
                               .psi = NAN};
    r.o.ops->model(r.o.self, 0, &report);
    expect(&r, "fraudd_model_info{model=\"gbdt\",version=\"0123456789abcdef\",mode=\"live\"} 1",
           false);
    expect(&r, "fraudd_model_info{model=\"gbdt\",version=\"fedcba9876543210\",mode=\"shadow\"} 1",
           true);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),    cmocka_unit_test(test_batch),
        cmocka_unit_test(test_partition), cmocka_unit_test(test_state),
        cmocka_unit_test(test_rules),     cmocka_unit_test(test_anomalies),
        cmocka_unit_test(test_notes),     cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
