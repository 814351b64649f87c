/* Labels: repeatable, in the order in which they become known, with the delays that they claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/generate/label.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000 };

typedef struct tally {
    int frauds, cleared, n, late, by_source[FD_N_LABEL_SOURCES];
    int64_t delay[FD_N_LABEL_SOURCES]; /* the sum */
} tally;

static void add(tally *t, const fd_label *l)
{
    int64_t delay = l->known_at - l->tx_time;
    t->n++;
    t->cleared += !l->fraud;
    assert_int_equal(l->fraud, l->pattern.n > 0);
    assert_int_equal(l->fraud, l->case_id.n > 0);
    assert_true(l->tx_id.n > 0 && l->card_id.n > 0 && l->merchant_id.n > 0);
    assert_true(delay >= 2 * MINUTE_MS && delay <= (int64_t)120 * DAY_MS);
    if (memcmp(l->pattern.p, "bust_out", 8) == 0 || memcmp(l->pattern.p, "structuring", 11) == 0) {
        assert_int_equal(l->source, FD_LABEL_ANALYST);
        t->late += delay >= DAY_MS;
        return;
    }
    t->by_source[l->source]++;
    t->delay[l->source] += delay;
}

/* All labels of so many payments, and their text. */
static tally run(uint64_t seed, uint32_t unreported_ppm, int n, fd_strbuf *text)
{
    tally t = {0};
    fd_stream_config config = {.seed = seed, .customers = 3000, .start_ms = 0};
    fd_fraud_usual(20000, config.fraud_ppm);
    fd_stream *s = fd_stream_new(&config);
    fd_labels *labels = fd_labels_new(seed, unreported_ppm);
    int64_t last_ms = 0;
    for (int i = 0; i <= n; i++) {
        fd_payment p = {.event_time = INT64_MAX};
        if (i < n) {
            fd_pattern pattern = fd_stream_next(s, &p);
            t.frauds += pattern != FD_PATTERN_NONE;
            fd_labels_see(labels, &p, pattern, fd_stream_case(s));
        }
        fd_label label;
        while (fd_labels_next(labels, p.event_time, &label)) {
            assert_true(label.known_at >= last_ms && label.known_at <= p.event_time);
            last_ms = label.known_at;
            add(&t, &label);
            fd_record_json(&FD_LABEL_SHAPE, &label, text);
        }
    }
    assert_int_equal(fd_labels_lost(labels), 0);
    fd_labels_free(labels);
    fd_stream_free(s);
    return t;
}

static void equal_seeds_give_equal_labels(void **state)
{
    (void)state;
    fd_strbuf a = {0}, b = {0}, c = {0};
    run(3, 0, 20000, &a);
    run(3, 0, 20000, &b);
    run(4, 0, 20000, &c);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    assert_true(a.n != c.n || memcmp(a.p, c.p, a.n) != 0);
    fd_strbuf_free(&a);
    fd_strbuf_free(&b);
    fd_strbuf_free(&c);
}

static void delays_are_as_in_life(void **state)
{
    (void)state;
    fd_strbuf text = {0};
    tally t = run(5, 0, 200000, &text);
    assert_int_equal(t.n - t.cleared, t.frauds); /* all of them are reported */
    assert_in_range(t.cleared * 10000L / 200000, 10, 60);
    for (int i = 0; i < FD_N_LABEL_SOURCES; i++)
        assert_true(t.by_source[i] > 50);
    assert_true(t.late > 100);
    assert_in_range(t.delay[FD_LABEL_ANALYST] / t.by_source[FD_LABEL_ANALYST], 10 * MINUTE_MS,
                    40 * MINUTE_MS);
    assert_in_range(t.delay[FD_LABEL_CUSTOMER_REPORT] / t.by_source[FD_LABEL_CUSTOMER_REPORT],
                    12 * HOUR_MS, 72 * HOUR_MS);
    assert_in_range(t.delay[FD_LABEL_CHARGEBACK] / t.by_source[FD_LABEL_CHARGEBACK] / DAY_MS, 20,
                    40);
    fd_strbuf_reset(&text);
    tally some = run(5, 250000, 200000, &text);
    assert_in_range((some.n - some.cleared) * 100 / some.frauds, 72, 78);
    fd_strbuf_free(&text);
}

/* Money that was never taken is not charged back. */
static void declined_payments_are_not_charged_back(void **state)
{
    (void)state;
    fd_labels *labels = fd_labels_new(1, 0);
    fd_payment p = {.status = FD_STATUS_DECLINED};
    fd_text_set(&p.tx_id, "t1");
    for (int i = 0; i < 5000; i++)
        fd_labels_see(labels, &p, FD_PATTERN_VELOCITY, 1);
    fd_label label;
    int n = 0;
    for (; fd_labels_next(labels, INT64_MAX, &label); n++)
        assert_true(label.source != FD_LABEL_CHARGEBACK);
    assert_int_equal(n, 5000);
    fd_labels_free(labels);
}

static void the_surplus_is_counted(void **state)
{
    (void)state;
    fd_labels *labels = fd_labels_new(1, 0);
    fd_payment p = {.event_time = 1};
    for (int i = 0; i < FD_LABELS_MAX + 3; i++)
        fd_labels_see(labels, &p, FD_PATTERN_VELOCITY, 1);
    assert_int_equal(fd_labels_lost(labels), 3);
    fd_labels_free(labels);
    fd_labels_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_give_equal_labels),
        cmocka_unit_test(delays_are_as_in_life),
        cmocka_unit_test(declined_payments_are_not_charged_back),
        cmocka_unit_test(the_surplus_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
