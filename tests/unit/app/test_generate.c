/* The payment model: repeatable to the byte, in order, with the distributions that it claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/generate/shares.h"
#include "base/hash.h"

static const int64_t START_MS = 1767225600000; /* 2026-01-01T00:00:00Z */
static const int64_t DAY_MS = 86400000;

static fd_stream_config config_of(uint64_t seed)
{
    fd_stream_config config = {.seed = seed, .customers = 5000, .start_ms = START_MS};
    fd_fraud_usual(5000, config.fraud_ppm);
    return config;
}

static void render(uint64_t seed, int n, fd_strbuf *out)
{
    fd_stream_config config = config_of(seed);
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    for (int i = 0; i < n; i++) {
        fd_pattern pattern = fd_stream_next(s, &p);
        fd_record_avro(&FD_PAYMENT_SHAPE, &p, out);
        fd_record_json(&FD_PAYMENT_SHAPE, &p, out);
        fd_record_csv(&FD_PAYMENT_SHAPE, &p, out);
        fd_strbuf_puts(out, fd_pattern_name(pattern));
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
    assert_string_equal(fd_content_hash_of(a.p, a.n).hex, "8077755410e9b7b5b1ae2ed9881dc4c1");
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
    int n, declined, recurring, by_channel[FD_N_CHANNELS], by_pattern[FD_N_PATTERNS + 1];
    int web_without_device, place_without_lat, night, noon;
    int64_t first_ms, last_ms;
} tally;

static tally count(const fd_stream_config *config, int n)
{
    tally t = {0};
    fd_stream *s = fd_stream_new(config);
    fd_payment p;
    for (int i = 0; i < n; i++) {
        fd_pattern pattern = fd_stream_next(s, &p);
        assert_true(p.event_time >= config->start_ms && p.event_time >= t.last_ms);
        assert_true(p.amount_minor > 0 && p.mcc > 0);
        assert_true(p.tx_id.n > 0 && p.card_id.n > 0 && p.merchant_id.n > 0 && p.bin.n == 8);
        assert_int_equal(p.currency.n, 3);
        assert_true((p.ip.n == 0) == (p.ip_country.n == 0));
        t.first_ms = i == 0 ? p.event_time : t.first_ms;
        t.last_ms = p.event_time;
        t.n++;
        t.by_pattern[pattern]++;
        t.by_channel[p.channel]++;
        t.declined += pattern == FD_PATTERN_NONE && p.status == FD_STATUS_DECLINED;
        t.recurring += p.is_recurring;
        t.web_without_device += p.channel == FD_CHANNEL_ECOM && !p.is_recurring && !p.device_id.n;
        t.place_without_lat += p.channel == FD_CHANNEL_POS && !p.lat.known;
        int hour = (int)(p.event_time / 3600000 % 24);
        t.night += hour == 2 && !p.is_recurring; /* three o'clock where most customers live */
        t.noon += hour == 11 && !p.is_recurring;
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
    int frauds = t.n - t.by_pattern[FD_PATTERN_NONE];
    assert_in_range(frauds * 10000L / t.n, 35, 65); /* 0.5 % asked for */
    for (int i = 0; i < FD_N_PATTERNS; i++)
        assert_true(t.by_pattern[i] > 20);
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
    fd_stream_config one = {.seed = 0, .customers = 1, .start_ms = 0};
    tally t = count(&one, 1000);
    assert_int_equal(t.by_pattern[FD_PATTERN_NONE], 1000);
    fd_stream_config many = {
        .seed = UINT64_MAX, .customers = FD_CUSTOMERS_MAX, .start_ms = START_MS, .mean_gap_ns = 1};
    fd_fraud_usual(FD_FRAUD_MAX_PPM, many.fraud_ppm);
    t = count(&many, 300000); /* plants pile up to their bound: a fraud takes hours, this 1 ms */
    assert_int_equal(t.n, 300000);
    fd_stream_config half = config_of(3);
    fd_fraud_usual(FD_FRAUD_MAX_PPM, half.fraud_ppm);
    t = count(&half, 200000);
    assert_in_range((t.n - t.by_pattern[FD_PATTERN_NONE]) * 100L / t.n, 40, 60);
}

static bool same_text(const fd_text *a, const fd_text *b)
{
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* What each pattern promises to a rule that looks for it, payment by payment. */
static bool is_foreign(const fd_payment *p)
{
    return memcmp(p->merchant_country.p, p->card_country.p, 2) != 0;
}

static bool leaves_its_trace(const fd_payment *p, fd_pattern pattern)
{
    bool web = p->channel == FD_CHANNEL_ECOM && p->device_id.n > 0 && p->ip.n > 0;
    switch (pattern) {
    case FD_PATTERN_CARD_TESTING:
        return web && p->mcc == 5818 && p->entry_mode == FD_ENTRY_MANUAL;
    case FD_PATTERN_BIN_ATTACK:
    case FD_PATTERN_VELOCITY:
    case FD_PATTERN_DEVICE_CYCLING:
        return web && p->entry_mode == FD_ENTRY_MANUAL;
    case FD_PATTERN_ACCOUNT_TAKEOVER:
        return web && p->entry_mode == FD_ENTRY_STORED;
    case FD_PATTERN_IMPOSSIBLE_TRAVEL:
        return p->entry_mode == FD_ENTRY_SWIPE && p->lat.known && is_foreign(p);
    case FD_PATTERN_STOLEN_CARD:
        return p->channel == FD_CHANNEL_POS ? p->entry_mode == FD_ENTRY_CONTACTLESS : web;
    case FD_PATTERN_BUST_OUT:
        return web || p->channel == FD_CHANNEL_ATM;
    case FD_PATTERN_STRUCTURING:
        return web && p->amount_minor >= 90000 && p->amount_minor < 100000;
    default:
        return !p->is_recurring || p->device_id.n == 0;
    }
}

static void frauds_leave_their_traces(void **state)
{
    (void)state;
    fd_stream_config config = config_of(11);
    fd_fraud_usual(100000, config.fraud_ppm);
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    for (int i = 0; i < 50000; i++) {
        fd_pattern pattern = fd_stream_next(s, &p);
        assert_true(leaves_its_trace(&p, pattern));
        assert_int_equal(fd_stream_case(s) != 0, pattern != FD_PATTERN_NONE);
    }
    fd_stream_free(s);
}

/* All payments of a case are of one pattern, and of as many as it has. */
static void cases_hang_together(void **state)
{
    (void)state;
    enum { MOST = 4096 };
    static struct {
        fd_pattern pattern;
        int n;
        fd_text device, bin;
        int devices, bins;
    } cases[MOST];
    fd_stream_config config = config_of(12);
    fd_fraud_usual(50000, config.fraud_ppm);
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    for (int i = 0; i < 200000; i++) {
        fd_pattern pattern = fd_stream_next(s, &p);
        uint64_t no = fd_stream_case(s);
        if (no == 0 || no >= MOST)
            continue;
        if (cases[no].n++ == 0)
            cases[no].pattern = pattern;
        assert_int_equal(cases[no].pattern, pattern);
        cases[no].devices += !same_text(&cases[no].device, &p.device_id);
        cases[no].bins += !same_text(&cases[no].bin, &p.bin);
        cases[no].device = p.device_id;
        cases[no].bin = p.bin;
    }
    fd_stream_free(s);
    int seen[FD_N_PATTERNS] = {0};
    for (int i = 1; i < MOST; i++) {
        seen[cases[i].pattern] += cases[i].n > 0;
        assert_true(cases[i].n <= 60);
        if (cases[i].pattern == FD_PATTERN_DEVICE_CYCLING)
            assert_int_equal(cases[i].devices, cases[i].n); /* never the same one again */
        if (cases[i].pattern == FD_PATTERN_BIN_ATTACK)
            assert_true(cases[i].bins <= 1);
        if (cases[i].pattern == FD_PATTERN_VELOCITY)
            assert_true(cases[i].devices <= 1);
    }
    for (int i = 0; i < FD_N_PATTERNS; i++)
        assert_true(seen[i] > 10);
}

/* Nothing that one can ask for alone brings another along. */
static void shares_are_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } BAD[] = {
        {"velcity=0.1", "did you mean 'velocity'?"},         {"velocity", "no percentage"},
        {"velocity=0.1,9", "neither PATTERN=PERCENT"},       {"velocity=x", "'x' is no percentage"},
        {"zzzzzzzz=1", "there are card_testing, velocity,"}, {"60", "at most 50%"},
        {"velocity=30,bust_out=30", "at most 50%"},          {"", "no percentage"}};
    uint32_t out[FD_N_PATTERNS];
    fd_strbuf why = {0};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        fd_strbuf_reset(&why);
        assert_false(fd_fraud_shares(BAD[i].text, out, &why));
        assert_non_null(strstr(why.p, BAD[i].why));
    }
    fd_strbuf_free(&why);
    fd_stream_config config = config_of(13);
    assert_true(fd_fraud_shares("none", config.fraud_ppm, NULL));
    assert_int_equal(count(&config, 20000).by_pattern[FD_PATTERN_NONE], 20000);
    for (int i = 0; i < FD_N_PATTERNS; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s=3%%", fd_pattern_name((fd_pattern)i));
        assert_true(fd_fraud_shares(text, config.fraud_ppm, NULL));
        tally t = count(&config, 100000);
        assert_int_equal(t.by_pattern[i] + t.by_pattern[FD_PATTERN_NONE], 100000);
        assert_in_range(t.by_pattern[i], 2300, 3700);
    }
    assert_true(fd_fraud_shares("1.5%", out, NULL));
    assert_int_equal(out[FD_PATTERN_CARD_TESTING], 2400);
}

/* --- what would make an analyst laugh --- */

/* Cash machines give notes of where they stand. */
static void cash_comes_in_notes(void **state)
{
    (void)state;
    static const struct {
        const char *country, *currency;
        int64_t note;
    } NOTES[] = {{"DE", "EUR", 1000}, {"US", "USD", 2000}, {"GB", "GBP", 1000},
                 {"PL", "PLN", 5000}, {"JP", "JPY", 1000}, {"SE", "SEK", 10000},
                 {"RO", "RON", 5000}};
    fd_stream_config config = config_of(5);
    config.customers = 50000;
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    int seen[7] = {0};
    for (int i = 0; i < 300000; i++) {
        fd_stream_next(s, &p);
        for (int k = 0; k < 7 && p.channel == FD_CHANNEL_ATM; k++) {
            if (memcmp(p.merchant_country.p, NOTES[k].country, 2) != 0 ||
                memcmp(p.currency.p, NOTES[k].currency, 3) != 0)
                continue;
            assert_int_equal(p.amount_minor % NOTES[k].note, 0);
            seen[k]++;
        }
    }
    for (int k = 0; k < 7; k++)
        assert_true(seen[k] > 5);
    fd_stream_free(s);
}

/* Everybody sleeps at their own night: by UTC, Japan is up when Germany is not. */
static void nights_are_local(void **state)
{
    (void)state;
    fd_stream_config config = config_of(6);
    config.customers = 50000;
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    int by_hour[2][24] = {{0}};
    for (int i = 0; i < 900000; i++) {
        fd_pattern pattern = fd_stream_next(s, &p);
        bool de = memcmp(p.card_country.p, "DE", 2) == 0,
             jp = memcmp(p.card_country.p, "JP", 2) == 0;
        if (pattern == FD_PATTERN_NONE && p.channel == FD_CHANNEL_POS && (de || jp))
            by_hour[jp][p.event_time / 3600000 % 24]++;
    }
    fd_stream_free(s);
    /* two to four, and noon to two, on their clocks */
    assert_true(by_hour[0][11] + by_hour[0][12] > 10 * (by_hour[0][1] + by_hour[0][2]));
    assert_true(by_hour[1][3] + by_hour[1][4] > 5 * (by_hour[1][17] + by_hour[1][18]));
    assert_true(by_hour[1][3] + by_hour[1][4] > 30);
}

typedef struct seen_card {
    fd_text card, merchant;
    int64_t time, amount;
    bool declined;
} seen_card;

/* The place of a card in a table of so many. */
static uint64_t slot_of(const fd_payment *p, uint64_t n)
{
    uint64_t h = 0;
    for (int i = 0; i < p->card_id.n; i++)
        h = fd_mix(h ^ (unsigned char)p->card_id.p[i]);
    return h % n;
}

static void declined_payments_are_tried_again(void **state)
{
    (void)state;
    enum { SLOTS = 1 << 15 };
    seen_card *table = calloc(SLOTS, sizeof *table);
    assert_non_null(table);
    fd_stream_config config = config_of(8);
    fd_fraud_usual(0, config.fraud_ppm);
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    int declined = 0, again = 0, approved = 0;
    for (int i = 0; i < 200000; i++) {
        fd_stream_next(s, &p);
        if (p.is_recurring)
            continue;
        seen_card *was = &table[slot_of(&p, SLOTS)];
        if (was->declined && same_text(&was->card, &p.card_id) &&
            same_text(&was->merchant, &p.merchant_id) && was->amount == p.amount_minor &&
            p.event_time - was->time <= 150000) {
            again++;
            approved += p.status == FD_STATUS_APPROVED;
        }
        declined += p.status == FD_STATUS_DECLINED;
        *was = (seen_card){.card = p.card_id,
                           .merchant = p.merchant_id,
                           .time = p.event_time,
                           .amount = p.amount_minor,
                           .declined = p.status == FD_STATUS_DECLINED};
    }
    assert_in_range(again * 100 / declined, 35, 70);
    assert_in_range(approved * 100 / again, 30, 60);
    fd_stream_free(s);
    free(table);
}

typedef struct charge {
    fd_text customer, merchant;
    int64_t time, amount;
} charge;

/* Each subscription comes again after the same time, from the same merchant and to the cent. */
static void subscriptions_come_monthly(void **state)
{
    (void)state;
    enum { MOST = 40000 };
    charge *charges = calloc(MOST, sizeof *charges);
    assert_non_null(charges);
    fd_stream_config config = config_of(9);
    config.customers = 500;
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    int n = 0, pairs = 0;
    for (int i = 0; i < 150000; i++) { /* a hundred days */
        fd_stream_next(s, &p);
        if (!p.is_recurring || n == MOST)
            continue;
        assert_int_equal(p.device_id.n + p.ip.n, 0);
        charges[n++] = (charge){p.customer_id, p.merchant_id, p.event_time, p.amount_minor};
    }
    /* the fourth part of all has its next one about a month later */
    for (int i = 0; i < n / 4; i++) {
        const charge *a = &charges[i];
        int k = i + 1;
        while (k < n &&
               !(same_text(&charges[k].customer, &a->customer) &&
                 same_text(&charges[k].merchant, &a->merchant) && charges[k].amount == a->amount))
            k++;
        assert_true(k < n);
        int64_t days = (charges[k].time - a->time) / DAY_MS;
        pairs += days >= 28 && days <= 31;
    }
    assert_in_range(n * 100 / 150000, 5, 7);
    assert_true(pairs * 100 > n / 4 * 95);
    fd_stream_free(s);
    free(charges);
}

/* Nobody is in two far places on one morning. Degrees are enough: one is 111 km at most. */
static void nobody_flies_without_an_aeroplane(void **state)
{
    (void)state;
    enum { SLOTS = 1 << 15 };
    typedef struct place {
        fd_text card;
        int64_t time;
        int32_t lat, lon;
    } place;
    place *table = calloc(SLOTS, sizeof *table);
    assert_non_null(table);
    fd_stream_config config = config_of(10);
    fd_fraud_usual(0, config.fraud_ppm);
    fd_stream *s = fd_stream_new(&config);
    fd_payment p;
    int far = 0;
    for (int i = 0; i < 300000; i++) {
        fd_stream_next(s, &p);
        if (p.channel != FD_CHANNEL_POS && p.channel != FD_CHANNEL_ATM)
            continue;
        place *was = &table[slot_of(&p, SLOTS)];
        int64_t away = llabs((long long)was->lat - p.lat.micro) +
                       llabs((long long)was->lon - p.lon.micro);
        if (same_text(&was->card, &p.card_id) && away > 10000000) {
            far++;
            assert_true(p.event_time - was->time > 20 * 3600000LL);
        }
        *was = (place){p.card_id, p.event_time, p.lat.micro, p.lon.micro};
    }
    assert_true(far > 50);
    fd_stream_free(s);
    free(table);
}

static void text_forms_are_as_the_standards_have_them(void **state)
{
    (void)state;
    fd_payment p = {.event_time = 1709251199007, .amount_minor = -5, .mcc = 5411};
    fd_text_set(&p.tx_id, "t1-1");
    p.lat = (fd_degrees){true, -500};
    p.lon = (fd_degrees){true, 179999999};
    fd_strbuf out = {0};
    fd_record_json(&FD_PAYMENT_SHAPE, &p, &out);
    assert_non_null(
        strstr(out.p, "{\"tx_id\":\"t1-1\",\"event_time\":\"2024-02-29T23:59:59.007Z\","));
    assert_non_null(strstr(out.p, "\"device_id\":null,\"ip\":null,\"amount_minor\":-5,"));
    assert_non_null(
        strstr(out.p, "\"is_recurring\":false,\"lat\":-0.000500,\"lon\":179.999999}\n"));
    fd_strbuf_reset(&out);
    fd_record_csv(&FD_PAYMENT_SHAPE, &p, &out);
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
        cmocka_unit_test(cases_hang_together),
        cmocka_unit_test(shares_are_as_asked),
        cmocka_unit_test(cash_comes_in_notes),
        cmocka_unit_test(nights_are_local),
        cmocka_unit_test(declined_payments_are_tried_again),
        cmocka_unit_test(subscriptions_come_monthly),
        cmocka_unit_test(nobody_flies_without_an_aeroplane),
        cmocka_unit_test(text_forms_are_as_the_standards_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
