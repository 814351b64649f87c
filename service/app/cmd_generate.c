/*
 * `fraudd generate`: a repeatable stream of payments with planted frauds, and what becomes known of
 * them, to topics or files. Main thread. The model is in generate/; here are options, pace and the
 * summary.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/commands.h"
#include "app/generate/label.h"
#include "app/generate/shares.h"
#include "app/generate/sink.h"
#include "app/generate/stats.h"
#include "app/generate/stream.h"
#include "base/assert.h"

static const int64_t NS_PER_S = 1000000000;
static const int64_t NS_PER_MS = 1000000;
static const char DEFAULT_START[] = "2026-01-01";
enum { DEFAULT_CUSTOMERS = 5000, FILE_COUNT = 10000 };

typedef struct options {
    fd_kafka_options kafka;
    const char *file, *start, *labels, *fraud;
    int format, framing, timestamps;
    int64_t rate, speed, count, skip, seed, customers, schema_id, unreported_ppm, poison_ppm;
    bool deflate, stats, quiet;
} options;

typedef struct run {
    options *o;
    fd_stream *stream;
    fd_sink *sink;
    fd_labels *labels; /* NULL: not asked for */
    fd_sink *label_sink;
    uint64_t n_labels;
    uint32_t fraud_ppm[FD_N_PATTERNS];
    fd_gen_stats stats;
    fd_rng poison_rng; /* of its own: poison does not change the payments */
    uint64_t poison, skipped;
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

/* Writes what is known by then. */
static fd_class write_labels(run *r, int64_t until_ms, fd_err *err)
{
    fd_class rc = FD_OK;
    fd_label label;
    while (rc == FD_OK && r->labels != NULL && fd_labels_next(r->labels, until_ms, &label)) {
        rc = fd_sink_put(r->label_sink, &label, err);
        r->n_labels++;
    }
    return rc;
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
        fd_pattern pattern = fd_stream_next(r->stream, &p);
        if (r->skipped < (uint64_t)r->o->skip && fd_cli_stop_signal() == 0) {
            r->skipped++;
            continue;
        }
        if (!keep_pace(r, &p, &rc, err))
            break;
        rc = plant_poison(r, &p, err);
        if (rc == FD_OK)
            rc = fd_sink_put(r->sink, &p, err);
        if (rc == FD_OK && r->labels != NULL)
            fd_labels_see(r->labels, &p, pattern, fd_stream_case(r->stream));
        if (rc == FD_OK)
            rc = write_labels(r, p.event_time, err);
        if (rc == FD_OK)
            fd_gen_stats_add(&r->stats, &p, pattern);
    }
    if (rc == FD_OK) /* the stream has ended: what will be known of it */
        rc = write_labels(r, INT64_MAX, err);
    return fd_cli_stop_signal() != 0 && rc == FD_RETRY ? FD_OK : rc;
}

static void summarise(const run *r)
{
    int64_t ms = (fd_cli_mono_ns() - r->began_ns) / NS_PER_MS;
    uint64_t per_s = r->stats.n * 1000 / (uint64_t)(ms > 0 ? ms : 1);
    uint64_t fraud = r->stats.n - r->stats.by_pattern[FD_PATTERN_NONE];
    if (!r->o->quiet)
        fd_cli_notice("%" PRIu64 " payments (%" PRIu64 " fraudulent) and %" PRIu64
                      " undecodable records in %" PRId64 ".%03" PRId64 " s, %" PRIu64 "/s",
                      r->stats.n, fraud, r->poison, ms / 1000, ms % 1000, per_s);
    if (!r->o->quiet && r->labels != NULL)
        fd_cli_notice("%" PRIu64 " labels", r->n_labels);
    if (r->labels != NULL && fd_labels_lost(r->labels) > 0)
        fd_cli_notice("%" PRIu64 " labels were lost: more than %d were waiting to be known",
                      fd_labels_lost(r->labels), FD_LABELS_MAX);
    if (r->o->stats) {
        fd_strbuf text = {0};
        fd_gen_stats_print(&r->stats, &text);
        fputs(text.p, stderr);
        fd_strbuf_free(&text);
    }
}

/* ---- setting up ---- */

/* Beside payments in a topic, a name is that of a topic, unless it looks like a file's. */
static bool is_file(const options *o)
{
    return o->file != NULL || strchr(o->labels, '/') != NULL ||
           fd_sink_format_of(o->labels) != FD_ROWS_AUTO;
}

static const fd_rows_format ROWS[] = {FD_ROWS_AUTO, FD_ROWS_AVRO, FD_ROWS_JSONL, FD_ROWS_CSV};

static fd_class open_sink(run *r, fd_err *err)
{
    const options *o = r->o;
    fd_sink_config config = {.shape = &FD_PAYMENT_SHAPE,
                             .file = o->file,
                             .format = ROWS[o->format],
                             .deflate = o->deflate,
                             .kafka = &r->o->kafka,
                             .topic = o->kafka.topic,
                             .framing = (fd_framing)o->framing,
                             .schema_id = (uint32_t)o->schema_id,
                             .event_timestamps = o->timestamps == 1};
    return fd_sink_open(&config, &r->sink, err);
}

static fd_class open_labels(run *r, fd_err *err)
{
    const options *o = r->o;
    if (o->labels == NULL)
        return FD_OK;
    bool file = is_file(o);
    fd_sink_config config = {.shape = &FD_LABEL_SHAPE,
                             .file = file ? o->labels : NULL,
                             .kafka = &r->o->kafka,
                             .topic = file ? NULL : o->labels,
                             .event_timestamps = o->timestamps == 1};
    r->labels = fd_labels_new((uint64_t)o->seed, (uint32_t)o->unreported_ppm);
    return fd_sink_open(&config, &r->label_sink, err);
}

/* Customers pay three times a day, by the hours of the week; --rate with --speed asks for a steady
 * density of its own, which needs enough customers to stay plausible. */
static void open_stream(run *r)
{
    const options *o = r->o;
    fd_stream_config config = {.seed = (uint64_t)o->seed, .start_ms = r->start_ms};
    memcpy(config.fraud_ppm, r->fraud_ppm, sizeof config.fraud_ppm);
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
    const char *payments = o->file != NULL ? o->file : o->kafka.topic;
    if (o->labels != NULL && strcmp(o->labels, payments) == 0)
        return fd_cli_usage_error(cli, "--labels: '%s' is where the payments go", o->labels);
    if (o->labels == NULL && o->unreported_ppm != FD_UNREPORTED_PPM)
        return fd_cli_usage_error(cli, "--unreported is about --labels");
    if (o->labels != NULL && is_file(o) && fd_sink_format_of(o->labels) == FD_ROWS_AUTO)
        return fd_cli_usage_error(cli,
                                  "--labels: the name's end says the form of a file: "
                                  "%s.avro, %s.jsonl or %s.csv",
                                  o->labels, o->labels, o->labels);
    fd_strbuf why = {0};
    int code = FD_CLI_GO_ON;
    if (!fd_fraud_shares(o->fraud, r->fraud_ppm, &why))
        code = fd_cli_usage_error(cli, "--fraud: %s", why.p);
    fd_strbuf_free(&why);
    if (code != FD_CLI_GO_ON)
        return code;
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

/* The first thing that went wrong is what is said. */
static fd_class close_sink(fd_sink *sink, fd_class rc, fd_err *err)
{
    fd_err close_err = {0};
    fd_class closed = sink == NULL ? FD_OK : fd_sink_close(sink, &close_err);
    if (rc != FD_OK || closed == FD_OK)
        return rc;
    *err = close_err;
    return closed;
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
    rc = close_sink(r->sink, rc, &err);
    rc = close_sink(r->label_sink, rc, &err);
    fd_stream_free(r->stream);
    bool reader_left = errno == EPIPE && r->o->file != NULL && strcmp(r->o->file, "-") == 0;
    if (rc != FD_OK && !reader_left) {
        fd_labels_free(r->labels);
        return fd_cli_fail(&err);
    }
    if (rc == FD_OK)
        summarise(r);
    fd_labels_free(r->labels);
    int signal = fd_cli_stop_signal();
    return signal == 0 ? FD_EXIT_OK : 128 + signal;
}

static const char EXAMPLES[] =
    "  fraudd generate -t payments --rate 100 --start now        a live stream, until Ctrl-C\n"
    "  fraudd generate -t payments --count 1000000 --labels labels\n"
    "  fraudd generate -f payments.avro --count 1000000 --seed 7 --labels labels.avro --stats\n"
    "  fraudd generate -f payments.avro --fraud velocity=0.2,bust_out=0.1 --labels labels.csv\n"
    "  fraudd generate -f - --format jsonl --count 3\n"
    "  fraudd generate -t payments --count 10000 --poison 0.1    with undecodable records\n"
    "  fraudd generate -b kafka:9092 -t payments -X security.protocol=SSL --speed 60\n";

int fd_cmd_generate(int argc, char **argv)
{
    static const char *const FORMATS[] = {"auto", "avro", "jsonl", "csv", NULL};
    static const char *const FRAMINGS[] = {"raw", "confluent", "single-object", NULL};
    static const char *const TIMESTAMPS[] = {"now", "event", NULL};
    options o = {
        .start = DEFAULT_START, .seed = 1, .fraud = "0.5", .unreported_ppm = FD_UNREPORTED_PPM};
    const fd_opt opts[] = {
        FD_KAFKA_OPTIONS(o.kafka),
        {'f', "file", FD_OPT_TEXT, &o.file, "FILE", "a file instead; - = standard output", 0, 0,
         NULL},
        {0, "format", FD_OPT_CHOICE, &o.format, NULL, "of the file (by its name)", 0, 0, FORMATS},
        {0, "deflate", FD_OPT_FLAG, &o.deflate, NULL, "compress the Avro container", 0, 0, NULL},
        {'c', "count", FD_OPT_INT, &o.count, "N", "payments (file: 10000; topic: endless)", 0, 0,
         NULL},
        {0, "skip", FD_OPT_INT, &o.skip, "N", "leave out the first N: another run made them", 0, 0,
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
        {0, "fraud", FD_OPT_TEXT, &o.fraud, "SHARES",
         "percent of payments (0.5); none; or PATTERN=PERCENT,...", 0, 0, NULL},
        {0, "labels", FD_OPT_TEXT, &o.labels, "FILE|TOPIC",
         "what becomes known of them, in that order", 0, 0, NULL},
        {0, "unreported", FD_OPT_PPM, &o.unreported_ppm, "PERCENT",
         "of frauds that never get a label (5)", 0, 0, NULL},
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
