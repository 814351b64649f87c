/*
 * What a rule set costs per event, over batches of 1 to 2048: evaluation alone, from decoded
 * columns to verdicts, the way that a run chooses and rule by rule, on generated payments with
 * frauds among them; and, where the set declares features, extraction alone. Features are then a
 * batch of zeros: no windows are kept here.
 *
 * bench_rules [--json] [--events n] [--rules DIR]: ns per event, the best of several rounds over
 * different events, one thread. Each timing covers many batches, so that a batch of one costs
 * what it does in the service and not what the clock does.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/generate/payment.h"
#include "app/generate/stream.h"
#include "base/assert.h"
#include "codec/decode.h"
#include "store/ruleset.h"

enum { MAX_EVENTS = 1 << 17, MAX_BATCH = 2048, SMALL = 64, ROUNDS = 9 };

typedef struct bench {
    fd_schema *schema;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_ruleset *set;
    fd_ruleset_run *run;
    fd_batch *features; /* NULL: there are none */
    bool extracts;      /* what is timed */
    fd_strbuf bytes;
    fd_str events[MAX_EVENTS];
    uint32_t n, at;
    fd_verdict verdicts[MAX_BATCH];
    int64_t times[MAX_BATCH];
    uint64_t evaluated, fired;
} bench;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(fd_diags *d, const char *what)
{
    fd_strbuf out = {0};
    fd_diags_render(d, &out);
    fprintf(stderr, "%s\n%s", what, out.p == NULL ? "" : out.p);
    exit(1);
}

static void make_events(bench *b, uint32_t n)
{
    fd_stream_config config = {
        .seed = 7, .customers = 20000, .start_ms = 1767225600000, .mean_gap_ns = 1000000};
    fd_fraud_usual(20000, config.fraud_ppm);
    fd_stream *s = fd_stream_new(&config);
    static size_t ends[MAX_EVENTS];
    for (uint32_t i = 0; i < n; i++) {
        fd_payment p;
        fd_stream_next(s, &p);
        fd_record_avro(&FD_PAYMENT_SHAPE, &p, &b->bytes);
        ends[i] = b->bytes.n;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t from = i == 0 ? 0 : ends[i - 1];
        b->events[i] = (fd_str){b->bytes.p + from, (uint32_t)(ends[i] - from)};
    }
    b->n = n;
    fd_stream_free(s);
}

static void setup(bench *b, const char *rules, uint32_t n, fd_diags *d)
{
    size_t len;
    const char *json = fd_embedded_payment_schema(&len);
    b->schema = fd_schema_parse(json, len, "payment.avsc", d);
    if (b->schema == NULL)
        die(d, "the schema");
    b->decoder = fd_decoder_new(b->schema, FD_STR("tx_id"), FD_STR("event_time"), d);
    b->plan = b->decoder == NULL ? NULL : fd_plan_new(b->decoder, NULL, d);
    if (b->plan == NULL)
        die(d, "the plan");
    b->set = fd_ruleset_load(rules, NULL, fd_schema_type(b->schema), false, d);
    if (b->set == NULL)
        die(d, rules);
    b->run = fd_ruleset_run_new(b->set, MAX_BATCH, FD_EVIDENCE_FIRED);
    for (uint32_t i = 0; i < MAX_BATCH; i++)
        b->times[i] = 1767225600000000;
    make_events(b, n);
}

/* As many rows of zeros as the batches at hand have. */
static void make_features(bench *b, uint32_t rows)
{
    const fd_window_layout *layout = fd_ruleset_layout(b->set);
    if (layout->n_features == 0)
        return;
    fd_batch_free(b->features);
    b->features = fd_batch_new(layout->type, rows, 0);
    for (uint32_t row = 0; row < rows; row++) {
        fd_col_push_null(&b->features->root);
        for (uint32_t i = 0; i < layout->n_features; i++)
            b->features->root.children[i].valid[row] = 1;
    }
}

static void teardown(bench *b)
{
    fd_batch_free(b->features);
    fd_ruleset_run_free(b->run);
    fd_ruleset_free(b->set);
    fd_plan_free(b->plan);
    fd_decoder_free(b->decoder);
    fd_schema_free(b->schema);
    fd_strbuf_free(&b->bytes);
    free(b);
}

static void fill(bench *b, fd_batch *batch, uint32_t size)
{
    fd_batch_reset(batch);
    for (uint32_t i = 0; i < size; i++) {
        fd_poison why = fd_plan_decode(b->plan, b->events[b->at], batch);
        FD_ASSERT(why == FD_POISON_NONE);
        b->at = (b->at + 1) % b->n;
    }
}

/* Nanoseconds per event over `count` batches of `size`, decoded beforehand. */
static double round_of(bench *b, fd_batch **batches, uint32_t count, uint32_t size)
{
    for (uint32_t i = 0; i < count; i++)
        fill(b, batches[i], size);
    double t0 = now_ns();
    for (uint32_t i = 0; i < count; i++) {
        if (b->extracts) {
            b->fired += fd_ruleset_extract(b->run, batches[i])->keys[0].valid[0] != 0;
            continue;
        }
        fd_ruleset_eval(b->run, batches[i], b->features, b->times, b->verdicts);
        for (uint32_t row = 0; row < size; row++)
            b->fired += b->verdicts[row].n_hits != 0;
    }
    double ns = now_ns() - t0;
    b->evaluated += (uint64_t)count * size;
    return ns / ((double)count * size);
}

static double best_of(bench *b, uint32_t size)
{
    uint32_t count = size >= SMALL ? MAX_BATCH / size : SMALL;
    fd_batch *batches[SMALL];
    make_features(b, size);
    for (uint32_t i = 0; i < count; i++)
        batches[i] = fd_batch_new(fd_schema_type(b->schema), size, 0);
    double best = 1e18;
    for (int i = 0; i < ROUNDS * (size < 16 ? 4 : 1); i++) {
        double ns = round_of(b, batches, count, size);
        best = ns < best ? ns : best;
    }
    for (uint32_t i = 0; i < count; i++)
        fd_batch_free(batches[i]);
    return best;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"events", required_argument, NULL, 'n'},
                                            {"rules", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    const char *rules = "rules/packs/starter";
    bool json = false;
    long n = 20000;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'n')
            n = strtol(optarg, NULL, 10);
        else if (c == 'r')
            rules = optarg;
        else
            return 2;
    }
    if (n < 1 || n > MAX_EVENTS) {
        fprintf(stderr, "bench_rules: --events is 1 to %d\n", MAX_EVENTS);
        return 2;
    }
    fd_diags d;
    fd_diags_init(&d);
    bench *b = calloc(1, sizeof *b);
    FD_ALLOCATED(b);
    setup(b, rules, (uint32_t)n, &d);
    if (json)
        printf("{\"bench\":\"rules\",\"unit\":\"ns/event\"");
    for (uint32_t size = 1; size <= MAX_BATCH; size *= 2)
        printf(json ? ",\"batch_%u\":%.1f" : "batch of %4u %9.1f ns/event\n", size,
               best_of(b, size));
    fd_ruleset_run_way(b->run, FD_EVAL_BY_RULE);
    for (uint32_t size = 1; size <= MAX_BATCH; size *= 2)
        printf(json ? ",\"rule_by_rule_%u\":%.1f" : "rule by rule, of %4u %9.1f ns/event\n", size,
               best_of(b, size));
    fprintf(stderr, "%u rules; %.1f %% of the events had hits\n", fd_ruleset_n_rules(b->set),
            100.0 * (double)b->fired / (double)b->evaluated);
    b->extracts = b->features != NULL;
    for (uint32_t size = 1; size <= MAX_BATCH && b->extracts; size *= 2)
        printf(json ? ",\"extract_%u\":%.1f" : "extract   %4u %9.1f ns/event\n", size,
               best_of(b, size));
    if (json)
        printf("}\n");
    teardown(b);
    fd_diags_free(&d);
    return 0;
}
