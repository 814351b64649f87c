/*
 * Features from rule file to decision: payments as JSON, the rule set of tests/unit/store/features
 * with every op, and what the encoded decisions carry by each setting of evidence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/container.h"
#include "engine/engine.h"

enum { N = 4 };

#define BERLIN "\"merchant_country\": \"DE\", \"lat\": 52.52, \"lon\": 13.405"
#define PARIS  "\"merchant_country\": \"FR\", \"lat\": 48.8566, \"lon\": 2.3522"

/* A card in Berlin, declined twice, then in Paris within half an hour; and another card. */
static const char *const payments[N] = {
    "{\"tx_id\": \"t0\", \"event_time\": \"2026-01-01T10:00:00Z\", \"card_id\": \"C1\", "
    "\"customer_id\": \"U1\", \"merchant_id\": \"M1\", \"amount_minor\": 1000, "
    "\"channel\": \"pos\", " BERLIN "}",
    "{\"tx_id\": \"t1\", \"event_time\": \"2026-01-01T10:01:00.500Z\", \"card_id\": \"C1\", "
    "\"customer_id\": \"U1\", \"merchant_id\": \"M1\", \"amount_minor\": 2000, "
    "\"device_id\": \"D1\", \"status\": \"declined\", " BERLIN "}",
    "{\"tx_id\": \"t2\", \"event_time\": \"2026-01-01T10:31:00.500Z\", \"card_id\": \"C1\", "
    "\"customer_id\": \"U1\", \"merchant_id\": \"M2\", \"amount_minor\": 9000, "
    "\"device_id\": \"D1\", \"status\": \"declined\", " PARIS "}",
    "{\"tx_id\": \"t3\", \"event_time\": \"2026-01-02T10:31:00.500Z\", \"card_id\": \"C2\", "
    "\"customer_id\": \"U2\", \"merchant_id\": \"M1\", \"amount_minor\": 5, "
    "\"device_id\": \"D1\", " BERLIN "}",
};

typedef struct rig {
    fd_schema *payment, *decision;
    fd_engine *engine;
    fd_strbuf bytes[N];
} rig;

static void check(bool ok, fd_diags *d)
{
    fd_strbuf out = {0};
    fd_diags_render(d, &out);
    if (!ok)
        fail_msg("%s", out.p == NULL ? "?" : out.p);
    fd_strbuf_free(&out);
}

static void open_rig(rig *r, const char *rules, fd_evidence evidence)
{
    fd_diags d;
    size_t n;
    *r = (rig){0};
    fd_diags_init(&d);
    const char *json = fd_embedded_payment_schema(&n);
    r->payment = fd_schema_parse(json, n, "payment.avsc", &d);
    json = fd_embedded_decision_schema(&n);
    r->decision = fd_schema_parse(json, n, "decision.avsc", &d);
    check(r->payment != NULL && r->decision != NULL, &d);
    fd_engine_source source = {.topic = "payments",
                               .schema = r->payment,
                               .framing = FD_FRAMING_RAW,
                               .id_path = "tx_id",
                               .time_path = "event_time",
                               .key_path = "card_id"};
    fd_engine_config config = {.n_sources = 1,
                               .sources = &source,
                               .decision_schema = r->decision,
                               .rules_dir = rules,
                               .max_events = N,
                               .evidence = evidence,
                               .future_us = INT64_C(1) << 60,
                               .state_memory = 8 << 20,
                               .lateness_us = 600000000,
                               .max_skew_us = 3600000000,
                               .max_events_per_key = 1000,
                               .version = "t"};
    r->engine = fd_engine_new(&config, &d);
    check(r->engine != NULL, &d);
    for (int i = 0; i < N; i++)
        check(fd_json_to_avro(r->payment, payments[i], strlen(payments[i]), 1, &r->bytes[i], &d),
              &d);
    fd_diags_free(&d);
}

static void close_rig(rig *r)
{
    fd_engine_free(r->engine);
    fd_schema_free(r->payment);
    fd_schema_free(r->decision);
    for (int i = 0; i < N; i++)
        fd_strbuf_free(&r->bytes[i]);
}

/* The value of the decision's field as JSON; free it. */
static char *field_of(const rig *r, const fd_outcome *o, const char *from, const char *to)
{
    fd_strbuf json = {0};
    assert_int_equal(fd_avro_to_json(r->decision, o->value, &json), FD_POISON_NONE);
    char *start = strstr(json.p, from);
    char *end = start == NULL ? NULL : strstr(start, to);
    if (end == NULL)
        fail_msg("%s", json.p);
    start += strlen(from);
    char *text = strndup(start, (size_t)(end - start));
    fd_strbuf_free(&json);
    return text;
}

/* Sines differ in the last digit from library to library: two decimals of the speed will do. */
static void shorten_speed(char *text)
{
    char *speed = strstr(text, "\"card_speed\":1");
    char *dot = speed == NULL ? NULL : strchr(speed, '.');
    char *end = dot == NULL ? NULL : strpbrk(dot, ",}");
    if (end != NULL && end - dot > 3)
        memmove(dot + 3, end, strlen(end) + 1);
}

/* Decides all payments, `size` a batch, and compares the features of each decision. */
static void expect_features(rig *r, uint32_t size, const char *const want[N])
{
    fd_arena *arena = fd_arena_new(64 * 1024, 0);
    int64_t merge_us = INT64_MIN;
    for (uint32_t at = 0; at < N; at += size) {
        fd_event events[N];
        fd_outcome outcomes[N];
        uint32_t n = N - at < size ? N - at : size;
        for (uint32_t i = 0; i < n; i++) {
            fd_msg m = {.tp = {0, 0},
                        .offset = at + i,
                        .kafka_ms = 0,
                        .value = {r->bytes[at + i].p, (uint32_t)r->bytes[at + i].n},
                        .null_key = true};
            fd_engine_scan(r->engine, &m, &events[i]);
            assert_int_equal(events[i].poison, FD_POISON_NONE);
            merge_us = events[i].time_us > merge_us ? events[i].time_us : merge_us;
            fd_engine_place(r->engine, &events[i], merge_us);
        }
        assert_true(fd_engine_room(r->engine, n));
        fd_engine_decode(r->engine, events, n);
        fd_engine_fold(r->engine, events, n);
        fd_engine_decide(r->engine, events, n);
        fd_engine_encode(r->engine, events, n, arena, outcomes);
        for (uint32_t i = 0; i < n; i++) {
            char *got = field_of(r, &outcomes[i], "\"features\":", ",\"flags\"");
            shorten_speed(got);
            if (strcmp(got, want[at + i]) != 0)
                fail_msg("payment %u\n  want %s\n  got  %s", at + i, want[at + i], got);
            free(got);
        }
    }
    fd_arena_free(arena);
}

static void expect_evidence(fd_evidence evidence, const char *const want[N])
{
    for (uint32_t size = 1; size <= N; size++) {
        rig r;
        open_rig(&r, "tests/unit/store/features", evidence);
        expect_features(&r, size, want);
        close_rig(&r);
    }
}

static void every_op(void **state)
{
    (void)state;
    expect_evidence(
        FD_EVIDENCE_ALL,
        (const char *const[N]){
            "{\"card_age\":null,\"card_amt_24h\":1000,\"card_avg_28d\":null"
            ",\"card_declined_run\":0,\"card_declines_10m\":0,\"card_first_channel\":null"
            ",\"card_last_country\":null,\"card_max_28d\":null,\"card_min_28d\":1000"
            ",\"card_p95_28d\":1000,\"card_sd_28d\":0,\"card_since_last\":null"
            ",\"card_speed\":null,\"card_txn_5m\":1,\"card_z_28d\":null"
            ",\"device_cards_24h\":0,\"merchant_declined\":null,\"new_device\":null"
            ",\"pair_txn_28d\":1}",
            "{\"card_age\":60.5,\"card_amt_24h\":3000,\"card_avg_28d\":1000"
            ",\"card_declined_run\":1,\"card_declines_10m\":1"
            ",\"card_first_channel\":\"pos\",\"card_last_country\":\"DE\""
            ",\"card_max_28d\":1000,\"card_min_28d\":1000,\"card_p95_28d\":2000"
            ",\"card_sd_28d\":500,\"card_since_last\":60.5,\"card_speed\":0"
            ",\"card_txn_5m\":2,\"card_z_28d\":null,\"device_cards_24h\":1"
            ",\"merchant_declined\":null,\"new_device\":true,\"pair_txn_28d\":2}",
            "{\"card_age\":1860.5,\"card_amt_24h\":12000,\"card_avg_28d\":1500"
            ",\"card_declined_run\":2,\"card_declines_10m\":1"
            ",\"card_first_channel\":\"pos\",\"card_last_country\":\"DE\""
            ",\"card_max_28d\":2000,\"card_min_28d\":1000,\"card_p95_28d\":9000"
            ",\"card_sd_28d\":3559.026084010437,\"card_since_last\":1800"
            ",\"card_speed\":1754.92,\"card_txn_5m\":1,\"card_z_28d\":15"
            ",\"device_cards_24h\":1,\"merchant_declined\":null,\"new_device\":false"
            ",\"pair_txn_28d\":1}",
            "{\"card_age\":null,\"card_amt_24h\":5,\"card_avg_28d\":null"
            ",\"card_declined_run\":0,\"card_declines_10m\":0,\"card_first_channel\":null"
            ",\"card_last_country\":null,\"card_max_28d\":null,\"card_min_28d\":5"
            ",\"card_p95_28d\":5,\"card_sd_28d\":0,\"card_since_last\":null"
            ",\"card_speed\":null,\"card_txn_5m\":1,\"card_z_28d\":null"
            ",\"device_cards_24h\":1,\"merchant_declined\":0.5,\"new_device\":true"
            ",\"pair_txn_28d\":1}"});
}

/* What the fired rules refer to, and nothing where none fired. */
static void what_fired(void **state)
{
    (void)state;
    expect_evidence(FD_EVIDENCE_FIRED,
                    (const char *const[N]){
                        "{\"card_age\":null}",
                        "{\"card_age\":60.5,\"card_first_channel\":\"pos\",\"new_device\":true}",
                        "{\"card_age\":1860.5,\"card_avg_28d\":1500,\"card_last_country\":\"DE\""
                        ",\"card_max_28d\":2000,\"card_min_28d\":1000,\"card_p95_28d\":9000"
                        ",\"card_sd_28d\":3559.026084010437,\"card_since_last\":1800"
                        ",\"card_speed\":1754.92,\"card_z_28d\":15,\"pair_txn_28d\":1}",
                        "{\"card_age\":null}"});
}

static void nothing(void **state)
{
    (void)state;
    expect_evidence(FD_EVIDENCE_NONE, (const char *const[N]){"{}", "{}", "{}", "{}"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op),
        cmocka_unit_test(what_fired),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
