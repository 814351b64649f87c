/*
 * `fraudd tap`: records of a topic as text. Reads outside any group and commits nothing. Main
 * thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/kafka_options.h"
#include "app/tools/record_print.h"
#include "base/assert.h"
#include "codec/container.h"
#include "kafka/client.h"

enum { POLL_MS = 200, MAX_COLUMNS = 64 };

typedef struct options {
    fd_kafka_options kafka;
    fd_registry_options registry;
    const char *from, *schema, *format, *columns;
    int64_t partition, count;
    int framing, output;
    bool exit_at_end, meta, quiet, raw;
} options;

typedef struct tap {
    options *o;
    fd_schema *schema;
    fd_writers *writers;
    fd_kafka_reader *reader;
    fd_tap_printer printer;
    fd_type chosen; /* --columns */
    fd_field chosen_fields[MAX_COLUMNS];
    fd_strbuf json;
    uint64_t n, undecodable;
} tap;

/* FD_FATAL: the registry cannot be reached. */
static fd_class decode(tap *t, fd_tap_record *r, fd_err *err)
{
    const fd_schema *schema;
    fd_str payload;
    if (t->o->raw)
        return FD_OK;
    fd_class rc = r->msg->null_value
                      ? fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: %s",
                                fd_poison_name(FD_POISON_NULL_PAYLOAD),
                                fd_poison_text(FD_POISON_NULL_PAYLOAD))
                      : fd_writers_open(t->writers, r->msg->value, &payload, &schema, err);
    if (rc != FD_OK)
        return rc;
    fd_strbuf_reset(&t->json);
    fd_poison poison = fd_avro_to_json(schema, payload, &t->json);
    if (poison != FD_POISON_NONE)
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: %s", fd_poison_name(poison),
                       fd_poison_text(poison));
    r->decoded = true;
    r->json = (fd_str){t->json.p, (uint32_t)t->json.n};
    return FD_OK;
}

static bool is_dead_letter(const fd_tap_record *r)
{
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (fd_str_eq_c(r->headers[i].name, "__fd.errors.code"))
            return true;
    }
    return false;
}

/* FD_RETRY: stdout is closed. */
static fd_class show(tap *t, const fd_msg *msg, fd_err *err)
{
    fd_tap_record r = {.topic = t->o->kafka.topic, .msg = msg};
    fd_err why = {0};
    uint32_t n = fd_kafka_reader_headers(msg, r.headers, FD_TAP_MAX_HEADERS);
    r.n_headers = n < FD_TAP_MAX_HEADERS ? n : FD_TAP_MAX_HEADERS;
    fd_class rc = decode(t, &r, &why);
    if (rc == FD_FATAL) {
        *err = why;
        return FD_FATAL;
    }
    if (rc != FD_OK) {
        r.error = why.text;
        if (!is_dead_letter(&r)) {
            t->undecodable++;
            if (!t->o->quiet)
                fd_cli_notice("%s [%d] offset %" PRId64 " cannot be decoded: %s", t->o->kafka.topic,
                              msg->tp.partition, msg->offset, why.text);
        }
    }
    t->n++;
    if (fd_tap_print(&t->printer, &r))
        return FD_OK;
    return fd_fail(err, errno == EPIPE ? FD_RETRY : FD_FATAL, FD_EXIT_CHECK, "standard output: %s",
                   strerror(errno));
}

static fd_class flush(fd_err *err)
{
    if (fflush(stdout) == 0)
        return FD_OK;
    return fd_fail(err, errno == EPIPE ? FD_RETRY : FD_FATAL, FD_EXIT_CHECK, "standard output: %s",
                   strerror(errno));
}

static bool wanted(const tap *t)
{
    return fd_cli_stop_signal() == 0 && (t->o->count == 0 || t->n < (uint64_t)t->o->count);
}

/* What is there is printed in one go; stdout is flushed before waiting for more. */
static fd_class follow(tap *t, fd_err *err)
{
    fd_class rc = FD_OK;
    int timeout_ms = 0;
    while (rc == FD_OK && wanted(t)) {
        fd_msg msg;
        switch (fd_kafka_reader_poll(t->reader, timeout_ms, &msg, err)) {
        case FD_KAFKA_READ_MSG:
            rc = show(t, &msg, err);
            fd_kafka_reader_release(&msg);
            timeout_ms = 0;
            break;
        case FD_KAFKA_READ_NONE:
            rc = flush(err);
            timeout_ms = POLL_MS;
            break;
        case FD_KAFKA_READ_END:
            if (!t->o->quiet)
                fd_cli_notice("reached the end of %s: %" PRIu64 " records", t->o->kafka.topic,
                              t->n);
            return flush(err);
        case FD_KAFKA_READ_ERROR:
            if (err->cls != FD_RETRY)
                return FD_FATAL;
            fd_cli_notice("%s", err->text);
            timeout_ms = POLL_MS;
            break;
        }
    }
    return rc == FD_OK ? flush(err) : rc;
}

static int finish(const tap *t, fd_class rc, const fd_err *err)
{
    if (rc == FD_FATAL)
        return fd_cli_fail(err);
    if (fd_cli_stop_signal() != 0)
        return 128 + fd_cli_stop_signal();
    if (t->undecodable > 0 && !t->o->quiet)
        fd_cli_notice("%" PRIu64 " of %" PRIu64 " records could not be decoded", t->undecodable,
                      t->n);
    return t->undecodable > 0 ? FD_EXIT_CHECK : FD_EXIT_OK;
}

/* "id,action,score": these of the record's fields, in this order. */
static int choose_columns(tap *t)
{
    const fd_type *all = t->printer.columns;
    for (const char *at = t->o->columns; *at != '\0';) {
        fd_str name = {at, (uint32_t)strcspn(at, ",")};
        const fd_field *f = fd_type_field(all, name, NULL);
        if (f == NULL || t->chosen.n_fields == MAX_COLUMNS) {
            fprintf(stderr, "fraudd tap: --columns: %s " FD_STR_FMT "\n",
                    f == NULL ? "the record has no field" : "too many from", FD_STR_ARG(name));
            return FD_EXIT_USAGE;
        }
        t->chosen_fields[t->chosen.n_fields++] = *f;
        at += name.n + (at[name.n] == ',');
    }
    t->chosen.kind = FD_RECORD;
    t->chosen.fields = t->chosen_fields;
    t->printer.columns = &t->chosen;
    return FD_CLI_GO_ON;
}

static int load_schema(tap *t)
{
    const options *o = t->o;
    const char *name = o->schema != NULL ? o->schema : o->registry.url == NULL ? "decision" : NULL;
    if (name == NULL)
        return FD_CLI_GO_ON;
    fd_diags diags;
    fd_diags_init(&diags);
    t->schema = fd_tool_schema(name, &diags);
    int code = t->schema == NULL ? fd_cli_fail_diags(&diags) : FD_CLI_GO_ON;
    fd_diags_free(&diags);
    if (t->schema == NULL)
        return code;
    t->printer.columns = fd_schema_type(t->schema);
    return o->columns == NULL ? code : choose_columns(t);
}

static int execute(tap *t)
{
    options *o = t->o;
    fd_err err = {0};
    fd_cli_catch_signals();
    int code = load_schema(t);
    if (code != FD_CLI_GO_ON)
        return code;
    t->writers = fd_writers_new((fd_framing)o->framing, t->schema, &o->registry, &err);
    if (t->writers == NULL)
        return fd_cli_fail(&err);
    fd_kafka_reader_config config = {.settings = fd_kafka_options_settings(&o->kafka),
                                     .topic = o->kafka.topic,
                                     .partition = (int32_t)o->partition,
                                     .from = o->from,
                                     .follow = !o->exit_at_end,
                                     .now_ms = fd_cli_wall_ms(),
                                     .timeout_ms = FD_TOOL_CONNECT_MS};
    fd_class rc = fd_kafka_reader_new(&config, &t->reader, &err);
    if (rc != FD_OK)
        return fd_cli_fail(&err);
    return finish(t, follow(t, &err), &err);
}

static const char *const OUTPUTS[] = {"json", "table", "csv", NULL};

static int check(const fd_cli *cli, const options *o)
{
    for (const char *const *out = OUTPUTS; o->from != NULL && *out != NULL; out++) {
        if (strcmp(o->from, *out) == 0)
            return fd_cli_usage_error(cli,
                                      "-o says where to begin, as kcat's does; write "
                                      "--output %s",
                                      *out);
    }
    if (o->kafka.topic == NULL)
        return fd_cli_usage_error(cli, "which topic? give -t TOPIC");
    bool registered = o->registry.url != NULL;
    if (o->raw && o->output != FD_TAP_JSON)
        return fd_cli_usage_error(cli, "--raw has no columns: leave --output out");
    if (registered && o->framing != FD_FRAMING_CONFLUENT)
        return fd_cli_usage_error(cli, "--registry goes with --framing confluent");
    if (registered && o->output != FD_TAP_JSON && o->schema == NULL)
        return fd_cli_usage_error(cli, "--output table and csv need --schema for their columns");
    const char *wrong = o->format == NULL ? NULL : fd_tap_check_format(o->format);
    if (wrong != NULL)
        return fd_cli_usage_error(cli, "-f: %s", wrong);
    return FD_CLI_GO_ON;
}

static const char EXAMPLES[] =
    "  fraudd tap -t decisions                       follow the decisions\n"
    "  fraudd tap -t decisions -o -10 -e             the last 10 of each partition\n"
    "  fraudd tap -t decisions -o @2026-01-31T10:00:00Z -e --output csv\n"
    "  fraudd tap -t decisions --output table --columns event_id,action,score,reasons\n"
    "  fraudd tap -t payments --schema payment -o -@1h -c 100 --meta\n"
    "  fraudd tap -t fraudd-dlq --schema payment -e  dead letters, with what was wrong\n"
    "  fraudd tap -t events --framing confluent --registry http://localhost:8081\n"
    "  fraudd tap -t decisions -e -f '%o %k %s\\n'\n";

int fd_cmd_tap(int argc, char **argv)
{
    options o = {.partition = -1};
    const fd_opt opts[] = {
        FD_KAFKA_OPTIONS(o.kafka),
        {'p', "partition", FD_OPT_INT, &o.partition, "N", "only this one", 0, INT32_MAX, NULL},
        {'o', "offset", FD_OPT_TEXT, &o.from, "FROM",
         "beginning (default), end, N, -N (last N), @TIME, -@1h", 0, 0, NULL},
        {'c', "count", FD_OPT_INT, &o.count, "N", "exit after N records", 0, 0, NULL},
        {'e', "exit", FD_OPT_FLAG, &o.exit_at_end, NULL, "exit at the end of the topic", 0, 0,
         NULL},
        {'s', "schema", FD_OPT_TEXT, &o.schema, "FILE",
         "of the values, or 'payment', 'decision' (default)", 0, 0, NULL},
        {0, "framing", FD_OPT_CHOICE, &o.framing, NULL, "of the values (raw)", 0, 0,
         FD_TOOL_FRAMINGS},
        FD_REGISTRY_OPTIONS(o.registry),
        {0, "raw", FD_OPT_FLAG, &o.raw, NULL, "do not decode: text, or hex", 0, 0, NULL},
        {0, "meta", FD_OPT_FLAG, &o.meta, NULL, "with topic, partition, offset, key, headers ...",
         0, 0, NULL},
        {0, "output", FD_OPT_CHOICE, &o.output, NULL, "one line per record (json)", 0, 0, OUTPUTS},
        {0, "columns", FD_OPT_TEXT, &o.columns, "NAME,...", "of a table or csv (all)", 0, 0, NULL},
        {'f', "format", FD_OPT_TEXT, &o.format, "FORMAT",
         "as kcat: %s value %k key %t %p %o %T %h \\n", 0, 0, NULL},
        {'q', "quiet", FD_OPT_FLAG, &o.quiet, NULL, "no notices", 0, 0, NULL},
    };
    const fd_cli cli = {
        .name = "tap",
        .synopsis = "-t TOPIC [options]",
        .summary = "Prints the records of a topic, one JSON line each; notices (\"% ...\") go to "
                   "standard error.\nReads committed records only, joins no group, commits "
                   "nothing. Exits with 1 when some could not be\ndecoded: such a line has "
                   "\"undecodable\" with the cause, and the bytes as text or hex.",
        .examples = EXAMPLES,
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code == FD_CLI_GO_ON)
        code = check(&cli, &o);
    if (code != FD_CLI_GO_ON)
        return code;
    tap t = {.o = &o};
    t.printer = (fd_tap_printer){
        .output = (fd_tap_output)o.output, .meta = o.meta, .format = o.format};
    code = execute(&t);
    fd_kafka_reader_free(t.reader);
    fd_writers_free(t.writers);
    fd_schema_free(t.schema);
    fd_strbuf_free(&t.printer.line);
    fd_strbuf_free(&t.json);
    return code;
}
