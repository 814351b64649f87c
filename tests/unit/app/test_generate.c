/* The payment model: repeatable to the byte, in order, with the distributions that it claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/generate/stream.h"
#include "base/hash.h"

static const int64_t START_MS = 1767225600000; /* 2026-01-01T00:00:00Z */
static const int64_t DAY_MS = 86400000;

static fd_stream_config config_of(uint64_t seed)
{
    return (fd_stream_config){
        .seed = seed, .customers = 5000, .start_ms = START_MS, .fraud_ppm = 5000};
}

static void render(uint64_t seed, int n, fd_strbuf *out)
{
    fd_stream_config config = config_of(seed);
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    for (int i = 0; i < n; i++) {
        fd_scenario scenario = fd_stream_next(s, &p);
        fd_payment_avro(&p, out);
        fd_payment_json(&p, out);
        fd_payment_csv(&p, out);
        fd_strbuf_puts(out, fd_scenario_name(scenario));
    }
    fd_stream_free(s);
}

static void equal_seeds_give_equal_bytes(void **state)
{
    (void)state;
    fd_strbuf a = {0}, b = {0}, c = {0};
    render(42, 20000, &a);
    render(42, 20000, &b);
    render(43, 20000, &c);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    assert_true(a.n != c.n || memcmp(a.p, c.p, a.n) != 0);
    /* The same on every machine and compiler: changing it changes what users' seeds mean. */
    assert_string_equal(fd_content_hash_of(a.p, a.n).hex, "55c6734df767f6be5f94602701dce3fe");
    fd_strbuf_free(&a);
    fd_strbuf_free(&b);
    fd_strbuf_free(&c);
}

static void arithmetic_is_right(void **state)
{
    (void)state;
    assert_int_equal(fd_exp2_q16(0), FD_Q16);
    assert_in_range(fd_exp2_q16(FD_Q16), 2 * FD_Q16 - 40, 2 * FD_Q16 + 40);
    assert_in_range(fd_exp2_q16(FD_Q16 / 2), 92682 - 12, 92682 + 12);
    assert_in_range(fd_exp2_q16(-FD_Q16), FD_Q16 / 2 - 10, FD_Q16 / 2 + 10);
    fd_rng r = fd_rng_from(1);
    int64_t sum = 0, squares = 0, waits = 0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        int64_t g = fd_gauss_q16(fd_rng_next(&r));
        sum += g;
        squares += g * g / FD_Q16;
        waits += fd_exponential_q16(fd_rng_next(&r));
    }
    assert_in_range(sum / N + 1000, 1000 - 700, 1000 + 700);
    assert_in_range(squares / N, FD_Q16 * 98 / 100, FD_Q16 * 102 / 100);
    assert_in_range(waits / N, FD_Q16 * 98 / 100, FD_Q16 * 102 / 100);
    assert_true(fd_exponential_q16(0) > 0 && fd_exponential_q16(UINT64_MAX) >= 0);
}

typedef struct tally {
    int n, declined, recurring, by_channel[FD_N_CHANNELS], by_scenario[FD_N_SCENARIOS + 1];
    int web_without_device, place_without_lat, night, noon;
    int64_t first_ms, last_ms;
} tally;

static tally count(const fd_stream_config *config, int n)
{
    tally t = {0};
    fd_stream *s = fd_stream_new(config);
    fd_payment p;
    for (int i = 0; i < n; i++) {
        fd_scenario scenario = fd_stream_next(s, &p);
        assert_true(p.event_time >= config->start_ms && p.event_time >= t.last_ms);
        assert_true(p.amount_minor > 0 && p.mcc > 0);
        assert_true(p.tx_id.n > 0 && p.card_id.n > 0 && p.merchant_id.n > 0 && p.bin.n == 8);
        assert_int_equal(p.currency.n, 3);
        assert_true((p.ip.n == 0) == (p.ip_country.n == 0));
        t.first_ms = i == 0 ? p.event_time : t.first_ms;
        t.last_ms = p.event_time;
        t.n++;
        t.by_scenario[scenario]++;
        t.by_channel[p.channel]++;
        t.declined += scenario == FD_SCENARIO_NONE && p.status == FD_STATUS_DECLINED;
        t.recurring += p.is_recurring;
        t.web_without_device += p.channel == FD_CHANNEL_ECOM && !p.is_recurring && !p.device_id.n;
        t.place_without_lat += p.channel == FD_CHANNEL_POS && !p.lat.known;
        int hour = (int)(p.event_time / 3600000 % 24);
        t.night += hour == 3;
        t.noon += hour == 12;
    }
    fd_stream_free(s);
    return t;
}

static void the_stream_is_as_described(void **state)
{
    (void)state;
    fd_stream_config config = config_of(7);
    tally t = count(&config, 210000); /* 14 days of 15,000 */
    int64_t days_x100 = (t.last_ms - t.first_ms) * 100 / DAY_MS;
    assert_in_range(days_x100, 1350, 1450);
    int frauds = t.n - t.by_scenario[FD_SCENARIO_NONE];
    assert_in_range(frauds * 10000L / t.n, 35, 65); /* 0.5 % asked for */
    for (int i = 0; i < FD_N_SCENARIOS; i++)
        assert_true(t.by_scenario[i] > 20);
    assert_in_range(t.declined * 1000 / t.n, 15, 50);
    assert_in_range(t.by_channel[FD_CHANNEL_POS] * 100 / t.n, 55, 80);
    assert_in_range(t.by_channel[FD_CHANNEL_ECOM] * 100 / t.n, 15, 35);
    assert_true(t.by_channel[FD_CHANNEL_ATM] > 0 && t.by_channel[FD_CHANNEL_MOTO] > 0);
    assert_int_equal(t.web_without_device, 0);
    assert_int_equal(t.place_without_lat, 0);
    assert_true(t.noon > 10 * t.night && t.night > 0);
}

static void bounds_of_the_configuration_work(void **state)
{
    (void)state;
    fd_stream_config one = {.seed = 0, .customers = 1, .start_ms = 0, .fraud_ppm = 0};
    tally t = count(&one, 1000);
    assert_int_equal(t.by_scenario[FD_SCENARIO_NONE], 1000);
    fd_stream_config many = {.seed = UINT64_MAX,
                             .customers = FD_CUSTOMERS_MAX,
                             .start_ms = START_MS,
                             .mean_gap_ns = 1,
                             .fraud_ppm = 500000};
    t = count(&many, 300000); /* plants pile up to their bound: a fraud takes hours, this 1 ms */
    assert_int_equal(t.n, 300000);
    fd_stream_config half = config_of(3);
    half.fraud_ppm = 500000;
    t = count(&half, 200000);
    assert_in_range((t.n - t.by_scenario[FD_SCENARIO_NONE]) * 100L / t.n, 40, 60);
}

/* What each scenario promises to a rule that looks for it. */
static void frauds_leave_their_traces(void **state)
{
    (void)state;
    fd_stream_config config = config_of(11);
    config.fraud_ppm = 100000;
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    for (int i = 0; i < 50000; i++) {
        bool known = true;
        switch (fd_stream_next(s, &p)) {
        case FD_SCENARIO_CARD_TESTING:
            known = p.channel == FD_CHANNEL_ECOM && p.mcc == 5818 && p.device_id.n > 0;
            break;
        case FD_SCENARIO_ACCOUNT_TAKEOVER:
            known = memcmp(p.ip_country.p, p.card_country.p, 2) != 0 && p.device_id.n > 0;
            break;
        case FD_SCENARIO_HIGH_RISK_MCC:
            known = p.mcc == 6051 || p.mcc == 4829 || p.mcc == 7995;
            break;
        case FD_SCENARIO_IMPOSSIBLE_TRAVEL:
            known = p.entry_mode == FD_ENTRY_SWIPE && p.lat.known &&
                    memcmp(p.merchant_country.p, p.card_country.p, 2) != 0;
            break;
        case FD_SCENARIO_STOLEN_CARD:
            known = p.entry_mode == FD_ENTRY_MANUAL && p.channel == FD_CHANNEL_ECOM &&
                    memcmp(p.ip_country.p, p.card_country.p, 2) != 0;
            break;
        default:
            break;
        }
        assert_true(known);
    }
    fd_stream_free(s);
}

static void text_forms_are_as_the_standards_have_them(void **state)
{
    (void)state;
    fd_payment p = {.event_time = 1709251199007, .amount_minor = -5, .mcc = 5411};
    fd_text_set(&p.tx_id, "t1-1");
    p.lat = (fd_degrees){true, -500};
    p.lon = (fd_degrees){true, 179999999};
    fd_strbuf out = {0};
    fd_payment_json(&p, &out);
    assert_non_null(
        strstr(out.p, "{\"tx_id\":\"t1-1\",\"event_time\":\"2024-02-29T23:59:59.007Z\","));
    assert_non_null(strstr(out.p, "\"device_id\":null,\"ip\":null,\"amount_minor\":-5,"));
    assert_non_null(
        strstr(out.p, "\"is_recurring\":false,\"lat\":-0.000500,\"lon\":179.999999}\n"));
    fd_strbuf_reset(&out);
    fd_payment_csv(&p, &out);
    assert_string_equal(out.p, "t1-1,2024-02-29T23:59:59.007Z,,,,,,-5,,,,,5411,pos,unknown,"
                               "approved,,false,-0.000500,179.999999\n");
    fd_strbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_give_equal_bytes),
        cmocka_unit_test(arithmetic_is_right),
        cmocka_unit_test(the_stream_is_as_described),
        cmocka_unit_test(bounds_of_the_configuration_work),
        cmocka_unit_test(frauds_leave_their_traces),
        cmocka_unit_test(text_forms_are_as_the_standards_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
