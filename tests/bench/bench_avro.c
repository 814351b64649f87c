/*
 * What reading and writing Avro costs, beside Avro C's generic values in the same run.
 *
 * bench_avro [--json] [--events n]: ns per record, the best of several rounds, one thread, data
 * in the cache as it is when a batch comes from the network. Payments are schemas/payment.avsc
 * (20 fields); "15 fields" are its first fifteen. Decisions carry 3 rule hits and 12 features.
 */
#include <avro.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "codec/container.h"
#include "codec/decode.h"
#include "codec/encode.h"

enum { MAX_EVENTS = 65536, BATCH = 512, ROUNDS = 15 };

typedef struct payments {
    fd_schema *schema;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_batch *batch;
    avro_schema_t avro;
    avro_value_iface_t *iface;
    fd_strbuf bytes;
    fd_str events[MAX_EVENTS];
    uint32_t n;
} payments;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t rng_state = 42;

static uint32_t below(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((rng_state >> 33) % n);
}

static void die(fd_diags *d, const char *what)
{
    fd_strbuf out = {0};
    fd_diags_render(d, &out);
    fprintf(stderr, "%s\n%s", what, out.p == NULL ? "" : out.p);
    exit(1);
}

/* The payment schema, whole or only its first 15 fields. */
static fd_schema *schema_of(bool cut, fd_diags *d)
{
    size_t n;
    const char *text = fd_embedded_payment_schema(&n);
    fd_strbuf json = {0};
    const char *end = cut ? strstr(text, "{\"name\": \"status\"") : text + n;
    if (end == NULL)
        die(d, "the payment schema is not as expected");
    while (cut && *end != ',')
        end--;
    fd_strbuf_add(&json, text, (size_t)(end - text));
    if (cut)
        fd_strbuf_puts(&json, "]}");
    fd_schema *s = fd_schema_parse(json.p, json.n, "payment.avsc", d);
    fd_strbuf_free(&json);
    return s;
}

static void make_events(payments *p, uint32_t n, bool cut, fd_diags *d)
{
    static const char *const channels[] = {"pos", "ecom", "atm", "moto"};
    fd_strbuf text = {0};
    size_t *ends = calloc(n, sizeof *ends);
    FD_ALLOCATED(ends);
    for (uint32_t i = 0; i < n; i++) {
        fd_strbuf_reset(&text);
        fd_strbuf_printf(&text,
                         "{\"tx_id\":\"TX%010u\",\"event_time\":%llu,\"card_id\":\"C%06u\","
                         "\"customer_id\":\"CU%06u\",\"merchant_id\":\"M%05u\","
                         "\"amount_minor\":%u,\"currency\":\"EUR\",\"card_country\":\"DE\","
                         "\"merchant_country\":\"FR\",\"mcc\":%u,\"channel\":\"%s\"",
                         i, 1767225600000ULL + i * 37ULL, below(100000), below(100000),
                         below(10000), 1U << below(20), 1000 + below(8000), channels[below(4)]);
        if (below(2) == 0)
            fd_strbuf_printf(&text, ",\"device_id\":\"D%08u\",\"ip\":\"10.%u.%u.%u\"",
                             below(99999999), below(256), below(256), below(256));
        if (below(2) == 0)
            fd_strbuf_puts(&text, ",\"ip_country\":\"FR\"");
        if (!cut && below(2) == 0)
            fd_strbuf_puts(&text, ",\"lat\":48.85,\"lon\":2.35,\"bin\":\"453201\"");
        fd_strbuf_putc(&text, '}');
        if (!fd_json_to_avro(p->schema, text.p, text.n, i + 1, &p->bytes, d))
            die(d, "a payment");
        ends[i] = p->bytes.n;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t from = i == 0 ? 0 : ends[i - 1];
        p->events[i] = (fd_str){p->bytes.p + from, (uint32_t)(ends[i] - from)};
    }
    p->n = n;
    free(ends);
    fd_strbuf_free(&text);
}

static payments *payments_new(bool cut, uint32_t n, fd_diags *d)
{
    payments *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    p->schema = schema_of(cut, d);
    if (p->schema == NULL)
        die(d, "payment.avsc");
    p->decoder = fd_decoder_new(p->schema, FD_STR("tx_id"), FD_STR("event_time"), d);
    p->plan = p->decoder == NULL ? NULL : fd_plan_new(p->decoder, NULL, d);
    if (p->plan == NULL)
        die(d, "the plan");
    p->batch = fd_batch_new(fd_schema_type(p->schema), BATCH, 1000);
    size_t len;
    const char *json = fd_schema_json(p->schema, &len);
    if (avro_schema_from_json_length(json, len, &p->avro) != 0)
        die(d, avro_strerror());
    p->iface = avro_generic_class_from_schema(p->avro);
    make_events(p, n, cut, d);
    return p;
}

static void payments_free(payments *p)
{
    avro_value_iface_decref(p->iface);
    avro_schema_decref(p->avro);
    fd_batch_free(p->batch);
    fd_plan_free(p->plan);
    fd_decoder_free(p->decoder);
    fd_schema_free(p->schema);
    fd_strbuf_free(&p->bytes);
    free(p);
}

/* --- rounds: each returns ns per record --- */

static uint64_t sink; /* what is read is used; wraps */

static double scan_round(payments *p)
{
    double t0 = now_ns();
    for (uint32_t i = 0; i < p->n; i++) {
        fd_scan s;
        fd_poison why = fd_plan_scan(p->plan, p->events[i], &s);
        FD_ASSERT(why == FD_POISON_NONE);
        sink += (uint64_t)s.time_us;
    }
    return (now_ns() - t0) / p->n;
}

static double decode_round(payments *p)
{
    double t0 = now_ns();
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->batch->root.n == BATCH)
            fd_batch_reset(p->batch);
        fd_poison why = fd_plan_decode(p->plan, p->events[i], p->batch);
        FD_ASSERT(why == FD_POISON_NONE);
    }
    double t1 = now_ns();
    fd_batch_reset(p->batch);
    return (t1 - t0) / p->n;
}

static double avro_decode_round(payments *p)
{
    avro_value_t v;
    avro_generic_value_new(p->iface, &v);
    avro_reader_t in = avro_reader_memory(NULL, 0);
    double t0 = now_ns();
    for (uint32_t i = 0; i < p->n; i++) {
        avro_reader_memory_set_source(in, p->events[i].p, p->events[i].n);
        int rc = avro_value_read(in, &v);
        FD_ASSERT(rc == 0);
    }
    double t1 = now_ns();
    avro_reader_free(in);
    avro_value_decref(&v);
    return (t1 - t0) / p->n;
}

/* --- decisions --- */

typedef struct decisions {
    fd_schema *schema;
    fd_encoder *encoder;
    fd_arena *arena;
    fd_decision d;
    fd_rule_hit hits[3];
    fd_str reasons[2];
    fd_feature_value features[12];
    avro_schema_t avro;
    avro_value_iface_t *iface;
} decisions;

static decisions *decisions_new(fd_diags *diags)
{
    static const char *const names[] = {"amt_1h",  "amt_24h", "amt_7d",  "avg_30d",
                                        "cnt_1h",  "cnt_24h", "cnt_5m",  "cnt_7d",
                                        "dev_24h", "ip_1h",   "mer_28d", "speed"};
    decisions *x = calloc(1, sizeof *x);
    FD_ALLOCATED(x);
    size_t n;
    const char *text = fd_embedded_decision_schema(&n);
    x->schema = fd_schema_parse(text, n, "decision.avsc", diags);
    x->encoder = x->schema == NULL ? NULL : fd_encoder_new(x->schema, diags);
    if (x->encoder == NULL || avro_schema_from_json_length(text, n, &x->avro) != 0)
        die(diags, "decision.avsc");
    x->iface = avro_generic_class_from_schema(x->avro);
    x->arena = fd_arena_new(1 << 20, 0);
    x->reasons[0] = FD_STR("VELOCITY_CARD");
    x->reasons[1] = FD_STR("NEW_DEVICE");
    x->hits[0] = (fd_rule_hit){.id = FD_STR("card-velocity"),
                               .action = FD_ACTION_CHALLENGE,
                               .has_action = true,
                               .score = 40,
                               .message = FD_STR("seen 7 times in 5 minutes")};
    x->hits[1] = (fd_rule_hit){.id = FD_STR("new-device"), .score = 15};
    x->hits[2] = (fd_rule_hit){.id = FD_STR("amount-peak"), .score = 9, .mode = FD_MODE_SHADOW};
    for (int i = 0; i < 12; i++) {
        x->features[i] = (fd_feature_value){.name = fd_str_from(names[i]), .kind = FD_V_LONG};
        x->features[i].v.i = 1 << i;
        if (i % 4 == 3) {
            x->features[i].kind = FD_V_DOUBLE;
            x->features[i].v.d = i * 1.5;
        }
    }
    const char *hash = "0123456789abcdef0123456789abcdef";
    x->d = (fd_decision){.id = FD_STR("payments/3/1234567"),
                         .event_id = FD_STR("TX0000012345"),
                         .event_time_ms = 1767225600000,
                         .verdict = {.action = FD_ACTION_CHALLENGE,
                                     .score = 55,
                                     .n_reasons = 2,
                                     .reasons = x->reasons,
                                     .n_hits = 3,
                                     .hits = x->hits},
                         .n_features = 12,
                         .features = x->features,
                         .ruleset = fd_str_from(hash),
                         .models_hash = fd_str_from(hash),
                         .lists_hash = fd_str_from(hash),
                         .config_hash = fd_str_from(hash),
                         .engine = FD_STR("fraudd 0.1.0")};
    return x;
}

static double encode_round(decisions *x, uint32_t n)
{
    double t0 = now_ns();
    for (uint32_t i = 0; i < n; i++) {
        if (i % BATCH == 0)
            fd_arena_reset(x->arena);
        x->d.event_time_ms++;
        fd_str s = fd_encode_decision(x->encoder, &x->d, x->arena);
        sink += s.n;
    }
    return (now_ns() - t0) / n;
}

/* Avro C's generic value, filled once: only the writing is timed, in its favour. */
static double avro_encode_round(decisions *x, uint32_t n)
{
    fd_str bytes = fd_encode_decision(x->encoder, &x->d, x->arena);
    avro_value_t v;
    avro_generic_value_new(x->iface, &v);
    avro_reader_t in = avro_reader_memory(bytes.p, bytes.n);
    int rc = avro_value_read(in, &v);
    FD_ASSERT(rc == 0);
    char buf[4096];
    avro_writer_t out = avro_writer_memory(buf, sizeof buf);
    double t0 = now_ns();
    for (uint32_t i = 0; i < n; i++) {
        avro_writer_reset(out);
        rc = avro_value_write(out, &v);
        FD_ASSERT(rc == 0);
    }
    double t1 = now_ns();
    avro_writer_free(out);
    avro_reader_free(in);
    avro_value_decref(&v);
    return (t1 - t0) / n;
}

static void decisions_free(decisions *x)
{
    avro_value_iface_decref(x->iface);
    avro_schema_decref(x->avro);
    fd_encoder_free(x->encoder);
    fd_schema_free(x->schema);
    fd_arena_free(x->arena);
    free(x);
}

typedef enum row { SCAN15, DECODE15, AVRO15, SCAN20, DECODE20, AVRO20, ENCODE, AVRO_ENCODE, N } row;

static void measure(payments *p15, payments *p20, decisions *x, uint32_t n, double *best)
{
    for (int i = 0; i < N; i++)
        best[i] = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double got[N] = {
            [SCAN15] = scan_round(p15),        [DECODE15] = decode_round(p15),
            [AVRO15] = avro_decode_round(p15), [SCAN20] = scan_round(p20),
            [DECODE20] = decode_round(p20),    [AVRO20] = avro_decode_round(p20),
            [ENCODE] = encode_round(x, n),     [AVRO_ENCODE] = avro_encode_round(x, n),
        };
        for (int i = 0; i < N; i++)
            best[i] = got[i] < best[i] ? got[i] : best[i];
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"events", required_argument, NULL, 'n'}, {0}};
    static const char *const names[N] = {"scan_15", "decode_15",   "avroc_decode_15",
                                         "scan_20", "decode_20",   "avroc_decode_20",
                                         "encode",  "avroc_encode"};
    bool json = false;
    unsigned long n = 20000;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'n')
            n = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (n == 0 || n > MAX_EVENTS) {
        fprintf(stderr, "--events: from 1 to %d\n", MAX_EVENTS);
        return 2;
    }
    fd_diags d;
    fd_diags_init(&d);
    payments *p15 = payments_new(true, (uint32_t)n, &d);
    payments *p20 = payments_new(false, (uint32_t)n, &d);
    decisions *x = decisions_new(&d);
    double best[N];
    measure(p15, p20, x, (uint32_t)n, best);
    if (json)
        printf("{\"bench\":\"avro\",\"unit\":\"ns/record\"");
    for (int i = 0; i < N; i++)
        printf(json ? ",\"%s\":%.1f" : "%-16s %8.1f ns/record\n", names[i], best[i]);
    if (json)
        printf("}\n");
    fprintf(stderr, "%.0f bytes per payment of 15 fields, %.0f of 20 (checksum %llx)\n",
            (double)p15->bytes.n / (double)n, (double)p20->bytes.n / (double)n,
            (unsigned long long)sink);
    payments_free(p15);
    payments_free(p20);
    decisions_free(x);
    fd_diags_free(&d);
    return 0;
}
