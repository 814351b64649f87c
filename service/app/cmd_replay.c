/*
 * `fraudd replay`: events of files or topics through the service's own engine, outside any group;
 * writes to no topic. Main thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/configure.h"
#include "app/kafka_options.h"
#include "app/replay/flow.h"
#include "app/replay/load.h"
#include "app/replay/report.h"
#include "base/assert.h"
#include "pipeline/part.h"

enum { MAX_PROPERTIES = 1024 };

typedef struct options {
    const char *config, *brokers, *topics, *from, *until, *source, *timestamp, *out, *labels,
        *as_of, *since, *amount;
    fd_cli_kvs set, properties;
    int64_t partition, count, batch;
    const char *memory;
    int format, output, flagged, report;
    bool skip_bad, features, scores, quiet;
} options;

typedef struct replay {
    const fd_cli *cli;
    options *o;
    char **args;
    uint32_t n_args;
    fd_config *config;
    fd_replay_loaded loaded;
    fd_replay_input input;
    fd_replay_sink *sink;
    fd_replay_report report;
    fd_registry *registry;
    fd_kv kvs[MAX_PROPERTIES];
    fd_kvs own;
} replay;

/* ---- what the configuration has of it ---- */

static int source_named(const replay *r, fd_str name)
{
    for (size_t i = 0; i < r->config->n_sources; i++) {
        if (fd_str_eq_c(name, r->config->sources[i].topic))
            return (int)i;
    }
    return -1;
}

static int no_source(const replay *r, const char *option, fd_str name)
{
    const char *names[FD_ENGINE_MAX_SOURCES];
    size_t n = r->config->n_sources;
    char word[256];
    snprintf(word, sizeof word, FD_STR_FMT, FD_STR_ARG(name));
    fd_strbuf all = {0};
    for (size_t i = 0; i < n; i++) {
        names[i] = r->config->sources[i].topic;
        fd_strbuf_printf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *near = fd_did_you_mean(word, names, n);
    int code = fd_cli_usage_error(r->cli, "%s: '%s' is none of the sources: %s%s%s%s", option, word,
                                  all.p, near == NULL ? "" : "; did you mean '",
                                  near == NULL ? "" : near, near == NULL ? "" : "'?");
    fd_strbuf_free(&all);
    return code;
}

/* `-c 100` is kcat's count; here -c is the configuration, as of `run`. */
static bool is_number(const char *text)
{
    return text != NULL && *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int configure(replay *r)
{
    const options *o = r->o;
    if (is_number(o->config) && access(o->config, R_OK) != 0)
        return fd_cli_usage_error(r->cli,
                                  "-c is the configuration file, as of run; to end after %s "
                                  "events write --count %s",
                                  o->config, o->config);
    fd_arena *arena = fd_arena_new(1024, 0);
    const char *texts[FD_CLI_MAX_KVS + 1];
    size_t n = 0;
    for (; n < o->set.n; n++)
        texts[n] = fd_arena_printf(arena, "%s=%s", o->set.items[n].key, o->set.items[n].value);
    if (o->memory != NULL)
        texts[n++] = fd_arena_printf(arena, "state.memory=%s", o->memory);
    int code = fd_configure_from(o->config, texts, n, &r->config);
    fd_arena_free(arena);
    return code;
}

static int load(replay *r)
{
    fd_diags diags;
    fd_diags_init(&diags);
    int code = FD_CLI_GO_ON;
    if (!fd_replay_load(r->config, (uint32_t)r->o->batch, r->n_args > 0, &r->loaded, &diags)) {
        code = fd_cli_fail_diags(&diags);
    } else if (diags.n > 0 && !r->o->quiet && !r->o->features &&
               !r->o->scores) { /* unused features are fine */
        fd_strbuf text = {0};
        fd_diags_render(&diags, &text);
        fputs(text.p, stderr);
        fd_strbuf_free(&text);
    }
    fd_diags_free(&diags);
    return code;
}

/* ---- input: files ---- */

/* "labels=more.jsonl" is a file of the source labels; other names with a '=' are names. */
static fd_replay_file name_file(const replay *r, const char *arg, int usual)
{
    const char *eq = strchr(arg, '=');
    int source = eq == NULL ? -1 : source_named(r, (fd_str){arg, (uint32_t)(eq - arg)});
    return (fd_replay_file){.path = source < 0 ? arg : eq + 1,
                            .source = (uint16_t)(source < 0 ? usual : source)};
}

static int open_files(replay *r)
{
    const options *o = r->o;
    int usual = o->source == NULL ? 0 : source_named(r, fd_str_from(o->source));
    if (usual < 0)
        return no_source(r, "--source", fd_str_from(o->source));
    fd_replay_file *files = calloc(r->n_args, sizeof *files);
    FD_ALLOCATED(files);
    for (uint32_t i = 0; i < r->n_args; i++)
        files[i] = name_file(r, r->args[i], usual);
    fd_replay_files_config config = {
        .files = files,
        .n = r->n_args,
        .topics = r->loaded.topics,
        .readers = (const fd_schema *const *)r->loaded.readers,
        .format = (fd_rows_format)o->format,
        .timestamp = o->timestamp,
        .skip_bad = o->skip_bad,
        .engine = r->loaded.engine,
    };
    fd_err err = {0};
    fd_class rc = fd_replay_files_new(&config, &r->input, &err);
    free(files);
    return rc == FD_OK ? FD_CLI_GO_ON : fd_cli_fail(&err);
}

/* ---- input: topics ---- */

static void set_property(replay *r, const char *key, const char *value)
{
    size_t at = 0;
    while (at < r->own.n && strcmp(r->kvs[at].key, key) != 0)
        at++;
    if (at == MAX_PROPERTIES)
        return;
    r->kvs[at] = (fd_kv){key, value};
    r->own.n = at == r->own.n ? at + 1 : r->own.n;
}

/* The service's settings, then -X, then -b. */
static fd_kafka_settings settings(replay *r)
{
    const fd_config *c = r->config;
    r->own = (fd_kvs){.items = r->kvs};
    for (size_t i = 0; i < c->consumer.n; i++)
        set_property(r, c->consumer.items[i].key, c->consumer.items[i].value);
    for (size_t i = 0; i < r->o->properties.n; i++)
        set_property(r, r->o->properties.items[i].key, r->o->properties.items[i].value);
    fd_kafka_settings s = {.common = &c->kafka, .own = &r->own, .log = fd_kafka_notices};
    if (r->o->brokers != NULL)
        set_property(r, "bootstrap.servers", r->o->brokers);
    else if (fd_kafka_setting(&s, "bootstrap.servers") == NULL)
        set_property(r, "bootstrap.servers", "localhost:9092");
    return s;
}

static int open_registry(replay *r)
{
    if (r->config->registry.url[0] == '\0')
        return FD_CLI_GO_ON;
    fd_registry_config config = {
        .url = r->config->registry.url,
        .basic_auth = r->config->registry.basic_auth,
        .timeout_us = r->config->registry.timeout_us,
    };
    fd_err err = {0};
    r->registry = fd_registry_new(&config, NULL, NULL, &err);
    return r->registry == NULL ? fd_cli_fail(&err) : FD_CLI_GO_ON;
}

/* "payments,labels": topics that are sources, each once. */
static int open_topics(replay *r)
{
    const options *o = r->o;
    fd_replay_topic topics[FD_ENGINE_MAX_SOURCES];
    uint32_t n = 0;
    bool taken[FD_ENGINE_MAX_SOURCES] = {false};
    for (const char *at = o->topics; *at != '\0';) {
        fd_str name = {at, (uint32_t)strcspn(at, ",")};
        int source = source_named(r, name);
        if (source < 0)
            return no_source(r, "-t", name);
        if (!taken[source])
            topics[n++] = (fd_replay_topic){r->config->sources[source].topic, (uint16_t)source};
        taken[source] = true;
        at += name.n + (at[name.n] == ',');
    }
    int code = open_registry(r);
    if (code != FD_CLI_GO_ON)
        return code;
    fd_replay_topics_config config = {
        .settings = settings(r),
        .topics = topics,
        .n = n,
        .partition = (int32_t)o->partition,
        .from = o->from,
        .until = o->until,
    };
    fd_err err = {0};
    return fd_replay_topics_new(&config, &r->input, &err) == FD_OK ? FD_CLI_GO_ON
                                                                   : fd_cli_fail(&err);
}

/* ---- the run ---- */

static void summary(const replay *r, const fd_replay_stats *s)
{
    double seconds = (double)s->took_ns / 1e9;
    fd_strbuf text = {0};
    fd_strbuf_printf(&text, "%" PRIu64 " events in %.2f s, %.0f/s", s->events, seconds,
                     seconds > 0 ? (double)s->events / seconds : 0);
    for (int a = 0; a < FD_N_ACTIONS; a++)
        fd_strbuf_printf(&text, "%s%s %" PRIu64, a == 0 ? ": " : ", ", fd_action_name((fd_action)a),
                         s->by_action[a]);
    for (int f = 0; f < FD_N_FLAGS; f++) {
        if (s->by_flag[f] > 0)
            fd_strbuf_printf(&text, ", %s %" PRIu64, fd_flag_name((fd_flag)f), s->by_flag[f]);
    }
    uint64_t skipped = fd_replay_files_skipped(&r->input);
    if (skipped > 0)
        fd_strbuf_printf(&text, ", skipped %" PRIu64, skipped);
    fd_cli_notice("%s", text.p);
    fd_strbuf_free(&text);
}

static bool is_int_field(const replay *r, const char *path)
{
    const fd_type *type = fd_type_path(fd_schema_type(r->loaded.readers[0]), fd_str_from(path));
    return type != NULL && type->kind == FD_INT;
}

static fd_class open_report(replay *r, fd_err *err)
{
    const options *o = r->o;
    if (o->labels == NULL)
        return FD_OK;
    if (o->amount != NULL && !is_int_field(r, o->amount))
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE,
                       "--amount: '%s' is no field of %s that is a whole number", o->amount,
                       r->loaded.topics[0]);
    fd_replay_report_config config = {.files = o->labels,
                                      .as_of = o->as_of,
                                      .since = o->since,
                                      .amounts = o->amount != NULL,
                                      .flagged = (fd_action)(o->flagged + FD_ACTION_REVIEW),
                                      .form = (fd_report_form)o->report,
                                      .engine = r->loaded.engine};
    return fd_replay_report_open(&config, &r->report, err);
}

static int64_t since_us(const replay *r)
{
    int64_t ms = r->report.since_ms;
    return ms == INT64_MIN ? INT64_MIN : ms * 1000;
}

static int execute(replay *r)
{
    const options *o = r->o;
    int code = configure(r);
    if (code == FD_CLI_GO_ON)
        code = load(r);
    if (code == FD_CLI_GO_ON)
        code = r->n_args > 0 ? open_files(r) : open_topics(r);
    if (code != FD_CLI_GO_ON)
        return code;
    if (r->input.n > FD_PARTS_MAX)
        return fd_cli_usage_error(r->cli, "more than %d partitions or files", FD_PARTS_MAX);
    fd_err err = {0};
    if (open_report(r, &err) != FD_OK)
        return fd_cli_fail(&err);
    fd_replay_sink_config sink = {.output = (fd_replay_output)o->output,
                                  .path = o->out,
                                  .decision = r->loaded.decision_schema,
                                  .features = o->features,
                                  .scores = o->scores,
                                  .engine = r->loaded.engine,
                                  .topics = r->loaded.topics};
    bool report_only = o->labels != NULL && o->out == NULL;
    if (!report_only && fd_replay_sink_new(&sink, &r->sink, &err) != FD_OK)
        return fd_cli_fail(&err);
    bool shared = !report_only && o->out == NULL && isatty(STDOUT_FILENO);
    fd_replay_flow flow = {.engine = r->loaded.engine,
                           .topics = r->loaded.topics,
                           .input = &r->input,
                           .sink = r->sink,
                           .evaluation = r->report.evaluation,
                           .amount = o->amount,
                           .since_us = since_us(r),
                           .registry = r->registry,
                           .batch = (uint32_t)o->batch,
                           .count = (uint64_t)o->count,
                           .show = !o->quiet && !shared && isatty(STDERR_FILENO)};
    fd_replay_stats stats = {0};
    fd_class rc = fd_replay_run(&flow, &stats, &err);
    fd_err close_err = {0};
    fd_class closed = fd_replay_sink_close(r->sink, &close_err);
    if (rc == FD_OK && closed != FD_OK) {
        rc = closed;
        err = close_err;
    }
    if (!o->quiet)
        summary(r, &stats);
    if (rc == FD_OK && o->labels != NULL)
        rc = fd_replay_report_print(&r->report, stdout, &err);
    if (rc == FD_FATAL)
        return fd_cli_fail(&err);
    return fd_cli_stop_signal() != 0 ? 128 + fd_cli_stop_signal() : FD_EXIT_OK;
}

static void release(replay *r)
{
    fd_replay_report_close(&r->report);
    if (r->input.ops != NULL)
        r->input.ops->free(r->input.self);
    fd_registry_free(r->registry);
    fd_replay_unload(&r->loaded);
    fd_config_free(r->config);
}

static int check(const fd_cli *cli, const options *o, int n_args)
{
    if (n_args > 0 && o->topics != NULL)
        return fd_cli_usage_error(cli, "either -t TOPIC or files");
    if (n_args == 0 && o->topics == NULL)
        return fd_cli_usage_error(cli, "which events? give -t TOPIC or files");
    if (n_args > 0 && (o->from != NULL || o->until != NULL || o->partition >= 0))
        return fd_cli_usage_error(cli, "-o, --until and -p are about topics, not files");
    if (n_args == 0 && (o->timestamp != NULL || o->source != NULL || o->skip_bad))
        return fd_cli_usage_error(
            cli, "--source, --timestamp-field and --skip-bad are about files, not topics");
    if ((o->features || o->scores) && o->labels != NULL)
        return fd_cli_usage_error(
            cli, "--labels are compared with decisions, not with --features or --scores");
    bool about_labels = o->as_of != NULL || o->since != NULL || o->amount != NULL ||
                        o->flagged != 0 || o->report != 0;
    if (o->labels == NULL && about_labels)
        return fd_cli_usage_error(
            cli, "--as-of, --since, --amount, --flagged and --report are about --labels");
    if ((o->features || o->scores) && o->output == FD_REPLAY_AVRO)
        return fd_cli_usage_error(cli, "--features and --scores come as jsonl or csv");
    for (int i = 0; i < FD_N_REPLAY_OUTPUTS; i++) {
#define X(name, text) text,
        static const char *const outputs[] = {FD_REPLAY_OUTPUTS(X)};
#undef X
        if (o->from != NULL && strcmp(o->from, outputs[i]) == 0)
            return fd_cli_usage_error(
                cli, "-o says where to begin, as kcat's does; write --output %s", outputs[i]);
    }
    return FD_CLI_GO_ON;
}

static const char EXAMPLES[] =
    "  fraudd replay -c fraudd.yaml -t payments -o @2026-01-31 --until @2026-02-01 > day.jsonl\n"
    "  fraudd replay -c fraudd.yaml -t payments,labels -o -@1h --output csv --out last-hour.csv\n"
    "  fraudd replay -c fraudd.yaml --set rules=rules-new/ payments.avro > new.jsonl\n"
    "  fraudd replay -c fraudd.yaml --features --output csv --out train.csv payments.avro\n"
    "  fraudd replay -c fraudd.yaml --labels labels.avro payments.avro     precision and recall\n"
    "  fraudd replay -c fraudd.yaml p0.jsonl p1.jsonl labels=labels.csv\n";

static const char SUMMARY[] =
    "Decides the events of topics or files with the service's configuration and rules, as the\n"
    "service would, with state of its own. Joins no group, commits nothing, writes to no topic.\n"
    "Files are Avro containers, JSON lines or CSV; the first file of a source is its partition 0,\n"
    "the next one partition 1. Partitions are merged by event time, as live.";

static int run(const fd_cli *cli, options *o, int argc, char **argv)
{
    char **args;
    int n_args;
    int code = fd_cli_parse(cli, argc, argv, &args, &n_args);
    if (code == FD_CLI_GO_ON)
        code = check(cli, o, n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    fd_cli_catch_signals();
    static replay r; /* large: room for settings */
    r.cli = cli;
    r.o = o;
    r.args = args;
    r.n_args = (uint32_t)n_args;
    code = execute(&r);
    release(&r);
    return code;
}

int fd_cmd_replay(int argc, char **argv)
{
#define X(name, text) text,
    static const char *const FORMATS[] = {FD_ROWS_FORMATS(X) NULL};
    static const char *const OUTPUTS[] = {FD_REPLAY_OUTPUTS(X) NULL};
    static const char *const REPORTS[] = {FD_REPORT_FORMS(X) NULL};
#undef X
    static const char *const FLAGGED[] = {"review", "challenge", "block", NULL};
    options o = {.partition = -1, .batch = 1024};
    const fd_opt opts[] = {
        {'c', "config", FD_OPT_TEXT, &o.config, "FILE", "the service's YAML file", 0, 0, NULL},
        {'s', "set", FD_OPT_KV, &o.set, "SECTION.KEY=VALUE", "override a key; may be repeated", 0,
         0, NULL},
        {'t', "topic", FD_OPT_TEXT, &o.topics, "TOPIC,...", "sources to read from Kafka", 0, 0,
         NULL},
        {'b', "brokers", FD_OPT_TEXT, &o.brokers, "HOST:PORT,...", "brokers (the configuration's)",
         0, 0, NULL},
        {'p', "partition", FD_OPT_INT, &o.partition, "N", "only this one", 0, INT32_MAX, NULL},
        {'o', "offset", FD_OPT_TEXT, &o.from, "FROM",
         "beginning (default), end, N, -N (last N), @TIME, -@1h", 0, 0, NULL},
        {0, "until", FD_OPT_TEXT, &o.until, "TO", "the same for where to stop (end)", 0, 0, NULL},
        {'X', NULL, FD_OPT_KV, &o.properties, "KEY=VALUE",
         "a setting of librdkafka; may be repeated", 0, 0, NULL},
        {0, "source", FD_OPT_TEXT, &o.source, "TOPIC",
         "whose events the files hold (the first source); or TOPIC=FILE", 0, 0, NULL},
        {0, "format", FD_OPT_CHOICE, &o.format, NULL, "of the files (by their names)", 0, 0,
         FORMATS},
        {0, "timestamp-field", FD_OPT_TEXT, &o.timestamp, "FIELD",
         "Kafka's timestamp of a file's record (none)", 0, 0, NULL},
        {0, "skip-bad", FD_OPT_FLAG, &o.skip_bad, NULL,
         "go on after a bad line of a file; they are counted", 0, 0, NULL},
        {0, "count", FD_OPT_INT, &o.count, "N", "end after N events", 0, 0, NULL},
        {0, "features", FD_OPT_FLAG, &o.features, NULL,
         "no decisions, but every feature of every event", 0, 0, NULL},
        {0, "scores", FD_OPT_FLAG, &o.scores, NULL,
         "no decisions, but what every model says of every event", 0, 0, NULL},
        {0, "output", FD_OPT_CHOICE, &o.output, NULL, "one line per event (jsonl)", 0, 0, OUTPUTS},
        {0, "out", FD_OPT_TEXT, &o.out, "FILE", "where it goes (standard output)", 0, 0, NULL},
        {0, "labels", FD_OPT_TEXT, &o.labels, "FILE,...",
         "precision and recall against them; decisions only to --out", 0, 0, NULL},
        {0, "as-of", FD_OPT_TEXT, &o.as_of, "TIME", "only labels that were known by then", 0, 0,
         NULL},
        {0, "since", FD_OPT_TEXT, &o.since, "TIME",
         "earlier events fill windows only: --labels leaves them out", 0, 0, NULL},
        {0, "amount", FD_OPT_TEXT, &o.amount, "FIELD", "--labels adds it up: what was saved", 0, 0,
         NULL},
        {0, "flagged", FD_OPT_CHOICE, &o.flagged, NULL,
         "the mildest action that counts as caught (review)", 0, 0, FLAGGED},
        {0, "report", FD_OPT_CHOICE, &o.report, NULL, "form of what --labels says (table)", 0, 0,
         REPORTS},
        {0, "batch", FD_OPT_INT, &o.batch, "N", "events at once (1024): changes no result", 1,
         65536, NULL},
        {0, "memory", FD_OPT_TEXT, &o.memory, "SIZE", "for windows (state.memory)", 0, 0, NULL},
        {'q', "quiet", FD_OPT_FLAG, &o.quiet, NULL, "no progress, no summary", 0, 0, NULL},
    };
    const fd_cli cli = {
        .name = "replay",
        .synopsis = "[-c FILE] [options] -t TOPIC,... | [TOPIC=]FILE ...",
        .summary = SUMMARY,
        .examples = EXAMPLES,
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .max_args = FD_PARTS_MAX,
    };
    return run(&cli, &o, argc, argv);
}
