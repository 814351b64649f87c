/* Rules against their own past: steady, rhythmic, silent, exploding, rare ones; reloads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "telemetry/figures.h"

enum { CHUNK = 500 };

static uint64_t seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static fd_figures *one_rule(void)
{
    seed = 7;
    fd_figures *f = fd_figures_new();
    fd_rule_label rules[] = {{FD_STR("r"), FD_MODE_LIVE}};
    fd_figures_set_rules(f, rules, 1);
    return f;
}

/* Evaluates n times at a rate; how often something was said, and the evaluations until it was. */
static int run(fd_figures *f, uint64_t n, double rate, fd_figures_change *last, uint64_t *after)
{
    int said = 0;
    for (uint64_t done = 0; done < n; done += CHUNK) {
        uint64_t hits = 0;
        for (int i = 0; i < CHUNK; i++)
            hits += uniform() < rate;
        fd_figures_change change = {0};
        if (!fd_figures_count(f, 0, CHUNK, hits, &change))
            continue;
        if (said++ == 0 && after != NULL)
            *after = done + CHUNK;
        if (last != NULL)
            *last = change;
    }
    return said;
}

static void test_steady(void **state)
{
    (void)state;
    static const double rates[] = {0, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.2, 0.999, 1};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        fd_figures *f = one_rule();
        assert_int_equal(run(f, 4000000, rates[i], NULL, NULL), 0);
        fd_figures_free(f);
    }
}

/* A rate that doubles and halves, hits in bursts of up to ten. */
static void test_rhythm(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    for (int day = 0; day < 20; day++)
        assert_int_equal(run(f, 100000, day % 2 == 0 ? 0.01 : 0.02, NULL, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        fd_figures_change change = {0};
        uint64_t burst = uniform() < 0.3 ? (uint64_t)(uniform() * 10) : 0;
        assert_false(fd_figures_count(f, 0, 100, burst, &change) && i > 500);
    }
    fd_figures_free(f);
}

static void test_silence(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    fd_figures_change change = {0};
    uint64_t after = 0;
    assert_int_equal(run(f, 500000, 0.01, NULL, NULL), 0);
    /* It is said once, when about fifty hits are missing, and stays. */
    assert_int_equal(run(f, 1000000, 0, &change, &after), 1);
    assert_int_equal(change.before, FD_ANOMALY_NONE);
    assert_int_equal(change.now, FD_ANOMALY_SILENT);
    assert_true(change.expected > 0.009 && change.expected < 0.011 && change.rate < 0.0025);
    assert_true(after <= 10000);
    assert_int_equal(fd_figures_anomaly(f, 0), FD_ANOMALY_SILENT);
    fd_strbuf json = {0};
    fd_figures_json(f, 10, &json);
    assert_non_null(strstr(json.p, "[{\"rule\": \"r\", \"kind\": \"silent\", \"hit_rate\": "));
    fd_strbuf_free(&json);
    /* A whole window as before ends it. */
    assert_int_equal(run(f, 50000, 0.01, &change, &after), 1);
    assert_int_equal(change.now, FD_ANOMALY_NONE);
    assert_true(after > FD_FIGURES_WINDOW_MIN);
    fd_figures_free(f);
}

static void test_explosion(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    fd_figures_change change = {0};
    uint64_t after = 0;
    assert_int_equal(run(f, 500000, 0.001, NULL, NULL), 0);
    assert_int_equal(run(f, 200000, 0.01, &change, &after), 1);
    assert_int_equal(change.now, FD_ANOMALY_EXPLODED);
    assert_true(after <= 50000);
    /* From one to the other. */
    assert_int_equal(run(f, 100000, 0, &change, &after), 1);
    assert_int_equal(change.before, FD_ANOMALY_EXPLODED);
    assert_int_equal(change.now, FD_ANOMALY_SILENT);
    fd_figures_free(f);
}

/* Twice or thrice as often is no explosion, whatever its significance; nor are a few hits. */
static void test_too_little(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    assert_int_equal(run(f, 500000, 0.01, NULL, NULL), 0);
    assert_int_equal(run(f, 20000, 0.025, NULL, NULL), 0);
    fd_figures_free(f);
    f = one_rule();
    fd_figures_change change = {0};
    assert_int_equal(run(f, 500000, 0, NULL, NULL), 0);
    assert_false(fd_figures_count(f, 0, CHUNK, FD_FIGURES_LEAST - 1, &change));
    assert_true(fd_figures_count(f, 0, 1, 1, &change));
    assert_int_equal(change.now, FD_ANOMALY_EXPLODED);
    fd_figures_free(f);
}

static void test_learning(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    assert_int_equal(run(f, FD_FIGURES_LEARN / 2, 0.5, NULL, NULL), 0);
    assert_int_equal(run(f, FD_FIGURES_LEARN / 2, 0, NULL, NULL), 0);
    fd_figures_free(f);
}

/* At last a new level is the past. */
static void test_new_level(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    fd_figures_change change = {0};
    uint64_t after = 0;
    assert_int_equal(run(f, 500000, 0.002, NULL, NULL), 0);
    assert_int_equal(run(f, 100000, 0.02, &change, NULL), 1);
    assert_int_equal(change.now, FD_ANOMALY_EXPLODED);
    assert_int_equal(run(f, 40000000, 0.02, &change, &after), 1);
    assert_int_equal(change.now, FD_ANOMALY_NONE);
    assert_true(after > FD_FIGURES_MEMORY);
    fd_figures_free(f);
}

static void test_reload(void **state)
{
    (void)state;
    fd_figures *f = one_rule();
    fd_figures_change change = {0};
    assert_int_equal(run(f, 500000, 0.01, NULL, NULL), 0);
    fd_rule_label more[] = {
        {FD_STR("a"), FD_MODE_LIVE}, {FD_STR("r"), FD_MODE_SHADOW}, {FD_STR("z"), FD_MODE_LIVE}};
    fd_figures_set_rules(f, more, 3);
    /* Its past went with it; the new ones have none yet. */
    assert_false(fd_figures_count(f, 0, 5000, 0, &change));
    bool said = false; /* the first of these ends a window that had begun before */
    for (int i = 0; i < 4; i++)
        said = fd_figures_count(f, 1, 2500, 0, &change) || said;
    assert_true(said);
    assert_int_equal(change.now, FD_ANOMALY_SILENT);
    fd_figures_set_rules(f, more + 1, 2);
    assert_int_equal(fd_figures_anomaly(f, 0), FD_ANOMALY_SILENT);
    assert_int_equal(fd_figures_anomaly(f, 1), FD_ANOMALY_NONE);
    fd_figures_set_rules(f, more, 1);
    fd_figures_set_rules(f, more, 2);
    assert_int_equal(fd_figures_anomaly(f, 1), FD_ANOMALY_NONE); /* it was gone */
    fd_strbuf json = {0};
    fd_figures_json(f, 10, &json);
    assert_string_equal(json.p, "[]");
    fd_strbuf_free(&json);
    fd_figures_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady),     cmocka_unit_test(test_rhythm),
        cmocka_unit_test(test_silence),    cmocka_unit_test(test_explosion),
        cmocka_unit_test(test_too_little), cmocka_unit_test(test_learning),
        cmocka_unit_test(test_new_level),  cmocka_unit_test(test_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
