/*
 * `fraudd generate`: a repeatable stream of payments with planted frauds, to a topic or a file.
 * Main thread. The model is in generate/; here are options, pace, labels and the summary.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/commands.h"
#include "app/generate/sink.h"
#include "app/generate/stats.h"
#include "app/generate/stream.h"
#include "base/assert.h"

static const int64_t NS_PER_S = 1000000000;
static const int64_t NS_PER_MS = 1000000;
static const char DEFAULT_START[] = "2026-01-01";
enum { DEFAULT_CUSTOMERS = 5000, FILE_COUNT = 10000, MAX_FRAUD_PPM = 500000 };

typedef struct options {
    fd_kafka_options kafka;
    const char *file, *start, *labels;
    int format, framing, timestamps;
    int64_t rate, speed, count, seed, customers, schema_id, fraud_ppm, poison_ppm;
    bool deflate, stats, quiet;
} options;

typedef struct run {
    options *o;
    fd_stream *stream;
    fd_sink *sink;
    FILE *labels;
    fd_gen_stats stats;
    fd_rng poison_rng; /* of its own: poison does not change the payments */
    uint64_t poison;
    int64_t start_ms, speed, began_ns;
} run;

/* ---- pace ---- */

/* With --speed by event time, else --rate by number. */
static int64_t due_ns(const run *r, const fd_payment *p)
{
    if (r->speed > 0)
        return r->began_ns + (p->event_time - r->start_ms) * NS_PER_MS / r->speed;
    uint64_t n = r->stats.n;
    uint64_t rate = (uint64_t)r->o->rate;
    return r->began_ns + (int64_t)(n / rate * NS_PER_S + n % rate * NS_PER_S / rate);
}

/* False: a signal asked to stop. */
static bool keep_pace(run *r, const fd_payment *p, fd_class *rc, fd_err *err)
{
    if (fd_cli_stop_signal() != 0)
        return false;
    if (r->speed == 0 && r->o->rate == 0)
        return true;
    int64_t due = due_ns(r, p);
    if (due - fd_cli_mono_ns() < NS_PER_MS)
        return true;
    *rc = fd_sink_flush(r->sink, err);
    if (*rc == FD_OK)
        fd_cli_sleep_until(due);
    return *rc == FD_OK && fd_cli_stop_signal() == 0;
}

/* ---- the loop ---- */

static fd_class label(run *r, const fd_payment *p, fd_scenario scenario, fd_err *err)
{
    if (r->labels == NULL)
        return FD_OK;
    if (fprintf(r->labels, "%.*s,%d,%s\n", p->tx_id.n, p->tx_id.p, scenario != FD_SCENARIO_NONE,
                fd_scenario_name(scenario)) < 0)
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: write failed: %s", r->o->labels,
                       strerror(errno));
    return FD_OK;
}

static fd_class plant_poison(run *r, const fd_payment *p, fd_err *err)
{
    if (r->o->poison_ppm == 0 || !fd_rng_chance(&r->poison_rng, (uint32_t)r->o->poison_ppm))
        return FD_OK;
    return fd_sink_poison(r->sink, p, (fd_planted)(r->poison++ % FD_N_PLANTED), err);
}

static fd_class generate(run *r, fd_err *err)
{
    fd_class rc = FD_OK;
    int64_t count = r->o->count;
    while (rc == FD_OK && (count == 0 || r->stats.n < (uint64_t)count)) {
        fd_payment p;
        fd_scenario scenario = fd_stream_next(r->stream, &p);
        if (!keep_pace(r, &p, &rc, err))
            break;
        rc = plant_poison(r, &p, err);
        if (rc == FD_OK)
            rc = fd_sink_put(r->sink, &p, err);
        if (rc == FD_OK)
            rc = label(r, &p, scenario, err);
        if (rc == FD_OK)
            fd_gen_stats_add(&r->stats, &p, scenario);
    }
    return fd_cli_stop_signal() != 0 && rc == FD_RETRY ? FD_OK : rc;
}

static void summarise(const run *r)
{
    int64_t ms = (fd_cli_mono_ns() - r->began_ns) / NS_PER_MS;
    uint64_t per_s = r->stats.n * 1000 / (uint64_t)(ms > 0 ? ms : 1);
    uint64_t fraud = r->stats.n - r->stats.by_scenario[FD_SCENARIO_NONE];
    if (!r->o->quiet)
        fd_cli_notice("%" PRIu64 " payments (%" PRIu64 " fraudulent) and %" PRIu64
                      " undecodable records in %" PRId64 ".%03" PRId64 " s, %" PRIu64 "/s",
                      r->stats.n, fraud, r->poison, ms / 1000, ms % 1000, per_s);
    if (r->o->stats) {
        fd_strbuf text = {0};
        fd_gen_stats_print(&r->stats, &text);
        fputs(text.p, stderr);
        fd_strbuf_free(&text);
    }
}

/* ---- setting up ---- */

static fd_class open_labels(run *r, fd_err *err)
{
    if (r->o->labels == NULL)
        return FD_OK;
    r->labels = fopen(r->o->labels, "we");
    if (r->labels == NULL || fputs("tx_id,is_fraud,scenario\n", r->labels) < 0)
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: cannot be written: %s", r->o->labels,
                       strerror(errno));
    return FD_OK;
}

static fd_class close_labels(run *r, fd_class rc, fd_err *err)
{
    if (r->labels != NULL && fclose(r->labels) != 0 && rc == FD_OK)
        rc = fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: write failed: %s", r->o->labels,
                     strerror(errno));
    return rc;
}

static fd_class open_sink(run *r, fd_err *err)
{
    static const fd_rows_format FORMATS[] = {FD_ROWS_AUTO, FD_ROWS_AVRO, FD_ROWS_JSONL,
                                             FD_ROWS_CSV};
    fd_sink_config config = {.file = r->o->file,
                             .format = FORMATS[r->o->format],
                             .deflate = r->o->deflate,
                             .kafka = &r->o->kafka,
                             .framing = (fd_framing)r->o->framing,
                             .schema_id = (uint32_t)r->o->schema_id,
                             .event_timestamps = r->o->timestamps == 1};
    return fd_sink_open(&config, &r->sink, err);
}

/* Customers pay three times a day, by the hours of the week; --rate with --speed asks for a steady
 * density of its own, which needs enough customers to stay plausible. */
static void open_stream(run *r)
{
    const options *o = r->o;
    fd_stream_config config = {
        .seed = (uint64_t)o->seed, .start_ms = r->start_ms, .fraud_ppm = (uint32_t)o->fraud_ppm};
    int64_t customers = o->customers;
    if (o->rate > 0 && r->speed > 0) {
        config.steady = true;
        config.mean_gap_ns = NS_PER_S * r->speed / o->rate;
        int64_t fitting = o->rate * 86400 / r->speed / FD_PAYMENTS_PER_DAY;
        if (customers == 0 && fitting > DEFAULT_CUSTOMERS)
            customers = fitting < FD_CUSTOMERS_MAX ? fitting : FD_CUSTOMERS_MAX;
    }
    config.customers = (uint32_t)(customers == 0 ? DEFAULT_CUSTOMERS : customers);
    if (config.mean_gap_ns == 0 && o->rate > 0 && r->speed > 0)
        config.mean_gap_ns = 1;
    r->stream = fd_stream_new(&config);
    r->poison_rng = fd_rng_from(fd_mix((uint64_t)o->seed));
}

static int check(const fd_cli *cli, options *o, run *r)
{
    if ((o->file == NULL) == (o->kafka.topic == NULL))
        return fd_cli_usage_error(cli, "say where to: either -t TOPIC or -f FILE");
    if (o->file != NULL && o->poison_ppm > 0)
        return fd_cli_usage_error(cli, "--poison needs a topic: files hold no undecodable records");
    if (o->framing == FD_FRAMING_CONFLUENT && o->schema_id == 0)
        return fd_cli_usage_error(cli, "--framing confluent needs --schema-id");
    if (o->fraud_ppm > MAX_FRAUD_PPM)
        return fd_cli_usage_error(cli, "--fraud: at most 50%%");
    if (o->count == 0 && o->file != NULL)
        o->count = FILE_COUNT;
    r->speed = o->speed;
    if (strcmp(o->start, "now") == 0) {
        r->start_ms = fd_cli_wall_ms();
        r->speed = o->speed == 0 ? 1 : o->speed;
    } else if (!fd_cli_parse_time(o->start, &r->start_ms) || r->start_ms < 0) {
        return fd_cli_usage_error(cli,
                                  "--start: '%s' is neither 'now' nor a time like "
                                  "2026-01-31T10:00:00Z from 1970 on",
                                  o->start);
    }
    return FD_CLI_GO_ON;
}

static int execute(run *r)
{
    fd_err err = {0};
    fd_cli_catch_signals();
    fd_class rc = open_sink(r, &err);
    if (rc != FD_OK)
        return fd_cli_fail(&err);
    rc = open_labels(r, &err);
    if (rc == FD_OK) {
        open_stream(r);
        r->began_ns = fd_cli_mono_ns();
        rc = generate(r, &err);
    }
    fd_err close_err = {0};
    fd_class closed = fd_sink_close(r->sink, &close_err);
    if (rc == FD_OK && closed != FD_OK) {
        rc = closed;
        err = close_err;
    }
    rc = close_labels(r, rc, &err);
    fd_stream_free(r->stream);
    bool reader_left = errno == EPIPE && r->o->file != NULL && strcmp(r->o->file, "-") == 0;
    if (rc != FD_OK && !reader_left)
        return fd_cli_fail(&err);
    if (rc == FD_OK)
        summarise(r);
    int signal = fd_cli_stop_signal();
    return signal == 0 ? FD_EXIT_OK : 128 + signal;
}

static const char EXAMPLES[] =
    "  fraudd generate -t payments --rate 100 --start now        a live stream, until Ctrl-C\n"
    "  fraudd generate -t payments --count 1000000 --labels labels.csv\n"
    "  fraudd generate -f payments.avro --count 1000000 --seed 7 --stats\n"
    "  fraudd generate -f - --format jsonl --count 3\n"
    "  fraudd generate -t payments --count 10000 --poison 0.1    with undecodable records\n"
    "  fraudd generate -b kafka:9092 -t payments -X security.protocol=SSL --speed 60\n";

int fd_cmd_generate(int argc, char **argv)
{
    static const char *const FORMATS[] = {"auto", "avro", "jsonl", "csv", NULL};
    static const char *const FRAMINGS[] = {"raw", "confluent", "single-object", NULL};
    static const char *const TIMESTAMPS[] = {"now", "event", NULL};
    options o = {.start = DEFAULT_START, .seed = 1, .fraud_ppm = 5000};
    const fd_opt opts[] = {
        FD_KAFKA_OPTIONS(o.kafka),
        {'f', "file", FD_OPT_TEXT, &o.file, "FILE", "a file instead; - = standard output", 0, 0,
         NULL},
        {0, "format", FD_OPT_CHOICE, &o.format, NULL, "of the file (by its name)", 0, 0, FORMATS},
        {0, "deflate", FD_OPT_FLAG, &o.deflate, NULL, "compress the Avro container", 0, 0, NULL},
        {'c', "count", FD_OPT_INT, &o.count, "N", "payments (file: 10000; topic: endless)", 0, 0,
         NULL},
        {0, "rate", FD_OPT_INT, &o.rate, "N", "payments per second (as fast as possible)", 0,
         10000000, NULL},
        {0, "speed", FD_OPT_INT, &o.speed, "X", "event time runs X times as fast as the clock", 0,
         1000000, NULL},
        {0, "start", FD_OPT_TEXT, &o.start, "TIME|now", "first event time (2026-01-01)", 0, 0,
         NULL},
        {0, "seed", FD_OPT_INT, &o.seed, "N", "another seed, other payments (1)", 0, 0, NULL},
        {0, "customers", FD_OPT_INT, &o.customers, "N", "how many, 3 payments a day each (5000)", 1,
         FD_CUSTOMERS_MAX, NULL},
        {0, "fraud", FD_OPT_PPM, &o.fraud_ppm, "PERCENT", "of payments that are fraud (0.5)", 0, 0,
         NULL},
        {0, "labels", FD_OPT_TEXT, &o.labels, "FILE", "CSV: tx_id,is_fraud,scenario", 0, 0, NULL},
        {0, "poison", FD_OPT_PPM, &o.poison_ppm, "PERCENT", "extra undecodable records", 0, 0,
         NULL},
        {0, "framing", FD_OPT_CHOICE, &o.framing, NULL, "of values in the topic (raw)", 0, 0,
         FRAMINGS},
        {0, "schema-id", FD_OPT_INT, &o.schema_id, "N", "for --framing confluent", 1, INT32_MAX,
         NULL},
        {0, "timestamps", FD_OPT_CHOICE, &o.timestamps, NULL, "Kafka's of the records (now)", 0, 0,
         TIMESTAMPS},
        {0, "stats", FD_OPT_FLAG, &o.stats, NULL, "distributions, on standard error", 0, 0, NULL},
        {'q', "quiet", FD_OPT_FLAG, &o.quiet, NULL, "no summary", 0, 0, NULL},
    };
    const fd_cli cli = {
        .name = "generate",
        .synopsis = "(-t TOPIC | -f FILE) [options]",
        .summary =
            "Makes a realistic stream of card payments (schemas/payment.avsc), keyed by "
            "card_id, with frauds\nplanted in it. Equal options give equal bytes. Event "
            "time advances as customers pay, fewer at\nnight; with --start now or --speed it "
            "is tied to the clock, and --rate then sets how often they pay.",
        .examples = EXAMPLES,
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    run r = {.o = &o};
    if (code == FD_CLI_GO_ON)
        code = check(&cli, &o, &r);
    return code == FD_CLI_GO_ON ? execute(&r) : code;
}
