/*
 * `fraudd produce`: events of a file into a topic. Main thread.
 *
 * Nothing is skipped silently: a record that cannot be read ends the run with its number, or is
 * counted under --skip-bad. Equal files give equal partitions: by key as the Java client, else in
 * turn.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/kafka_options.h"
#include "app/tools/pluck.h"
#include "app/tools/schemas.h"
#include "base/assert.h"
#include "codec/container.h"
#include "kafka/client.h"

enum { SLICE_MS = 500, GIVE_UP_AFTER_SLICES = 20, BAD_SHOWN = 20 };
static const int64_t PROGRESS_NS = 500000000;
static const int64_t NS_PER_MS = 1000000;

typedef struct options {
    fd_kafka_options kafka;
    fd_registry_options registry;
    const char *schema, *key, *timestamp;
    int64_t schema_id;
    int framing, format;
    bool skip_bad, quiet;
} options;

typedef struct load {
    options *o;
    const char *file;
    fd_schema *given;
    fd_writers *writers;
    const fd_schema *target; /* what the topic gets; NULL: whatever the file has */
    bool convert;
    fd_rows *rows;
    fd_pluck *pluck; /* NULL: key and time come from the record's JSON */
    fd_kafka_writer *writer;
    fd_strbuf value, json;
    uint64_t n, bad; /* records put, records refused */
    char last_bad[sizeof((fd_err *)0)->text];
    int64_t began_ns, shown_ns;
    bool terminal;
} load;

static uint64_t number(const load *l)
{
    return l->n + l->bad + 1;
}

/* ---- one record ---- */

static const json_t *field(const json_t *root, const char *path)
{
    const json_t *v = root;
    while (v != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        char name[256];
        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = '\0';
        v = json_object_get(v, name);
        path += n + (path[n] == '.');
    }
    return v;
}

static fd_class bad_field(const load *l, const char *option, const char *path, fd_err *err,
                          const char *why)
{
    return fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: record %" PRIu64 ": %s %s: %s", l->file,
                   number(l), option, path, why);
}

static fd_class set_key(load *l, const json_t *root, char digits[24], fd_kafka_record *r,
                        fd_err *err)
{
    const json_t *v = field(root, l->o->key);
    if (json_is_string(v)) {
        r->key = (fd_str){json_string_value(v), (uint32_t)json_string_length(v)};
    } else if (json_is_integer(v)) {
        int n = snprintf(digits, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        r->key = (fd_str){digits, (uint32_t)n};
    } else if (!json_is_null(v)) {
        return bad_field(l, "--key", l->o->key, err, "it is neither text nor a whole number");
    }
    r->null_key = json_is_null(v);
    return FD_OK;
}

static fd_class set_timestamp(load *l, const json_t *root, fd_kafka_record *r, fd_err *err)
{
    const json_t *v = field(root, l->o->timestamp);
    if (json_is_string(v) && fd_cli_parse_time(json_string_value(v), &r->timestamp_ms) &&
        r->timestamp_ms >= 0)
        return FD_OK;
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        r->timestamp_ms = json_integer_value(v);
        return FD_OK;
    }
    return bad_field(l, "--timestamp-field", l->o->timestamp, err, "it is no time from 1970 on");
}

static fd_class put(load *l, const fd_kafka_record *r, fd_err *err)
{
    uint64_t delivered = fd_kafka_writer_delivered(l->writer);
    for (int idle = 0; idle < GIVE_UP_AFTER_SLICES && fd_cli_stop_signal() == 0; idle++) {
        fd_class rc = fd_kafka_writer_put(l->writer, r, SLICE_MS, err);
        if (rc != FD_RETRY)
            return rc;
        uint64_t now = fd_kafka_writer_delivered(l->writer);
        idle = now == delivered ? idle : 0;
        delivered = now;
    }
    err->cls = FD_FATAL;
    return FD_FATAL;
}

/* The bytes for the topic: the frame and the record, converted where the file's schema is not the
 * topic's. FD_RETRY: this record cannot be had. */
static fd_class encode(load *l, fd_str record, fd_diags *diags, fd_err *err)
{
    const fd_schema *from = fd_rows_schema(l->rows);
    bool fields_needed = l->o->key != NULL || l->o->timestamp != NULL;
    bool text_needed = l->convert || (fields_needed && l->pluck == NULL);
    fd_strbuf_reset(&l->json);
    fd_poison poison = text_needed ? fd_avro_to_json(from, record, &l->json) : FD_POISON_NONE;
    if (poison != FD_POISON_NONE)
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: record %" PRIu64 ": %s", l->file,
                       number(l), fd_poison_text(poison));
    const fd_schema *to = l->convert ? l->target : from;
    unsigned char head[FD_FRAME_MAX];
    uint32_t n = fd_frame_write((fd_framing)l->o->framing, (uint32_t)l->o->schema_id,
                                fd_schema_fingerprint(to), head);
    fd_strbuf_reset(&l->value);
    fd_strbuf_add(&l->value, head, n);
    if (!l->convert) {
        fd_strbuf_add(&l->value, record.p, record.n);
        return FD_OK;
    }
    if (fd_json_to_avro(to, l->json.p, l->json.n, number(l), &l->value, diags))
        return FD_OK;
    fd_cli_first_error(diags, err);
    return FD_RETRY;
}

/* Key and timestamp by way of JSON: whatever the fields are, and with errors that say what. */
static fd_class fields_of_json(load *l, char digits[24], json_t **root, fd_kafka_record *r,
                               fd_err *err)
{
    json_error_t why;
    *root = json_loadb(l->json.p, l->json.n, JSON_ALLOW_NUL, &why);
    if (*root == NULL) /* a map's key with a NUL in it */
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: record %" PRIu64 ": %s", l->file,
                       number(l), why.text);
    fd_class rc = l->o->key == NULL ? FD_OK : set_key(l, *root, digits, r, err);
    if (rc == FD_OK && l->o->timestamp != NULL)
        rc = set_timestamp(l, *root, r, err);
    return rc;
}

static fd_class fields_of_record(load *l, fd_str record, fd_kafka_record *r, fd_err *err)
{
    fd_plucked found;
    fd_poison poison = fd_pluck_record(l->pluck, record, &found);
    if (poison != FD_POISON_NONE)
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: record %" PRIu64 ": %s", l->file,
                       number(l), fd_poison_text(poison));
    r->null_key = found.null_key;
    r->key = found.key;
    if (l->o->timestamp == NULL)
        return FD_OK;
    if (found.null_time || found.time_ms < 0)
        return bad_field(l, "--timestamp-field", l->o->timestamp, err,
                         "it is no time from 1970 on");
    r->timestamp_ms = found.time_ms;
    return FD_OK;
}

static fd_class produce_one(load *l, fd_str record, int32_t partitions, fd_diags *diags,
                            fd_err *err)
{
    fd_class rc = encode(l, record, diags, err);
    if (rc != FD_OK)
        return rc;
    fd_kafka_record r = {.partition = -1, .timestamp_ms = -1, .null_key = true};
    char digits[24];
    json_t *root = NULL;
    if (l->pluck != NULL)
        rc = fields_of_record(l, record, &r, err);
    else if (l->o->key != NULL || l->o->timestamp != NULL)
        rc = fields_of_json(l, digits, &root, &r, err);
    if (rc == FD_OK) {
        r.value = (fd_str){l->value.p, (uint32_t)l->value.n};
        if (r.null_key)
            r.partition = (int32_t)((number(l) - 1) % (uint64_t)partitions);
        rc = put(l, &r, err);
    }
    json_decref(root);
    return rc;
}

/* ---- all of them ---- */

static void progress(load *l, bool last)
{
    int64_t now = fd_cli_mono_ns();
    if (l->o->quiet || !l->terminal || (!last && now - l->shown_ns < PROGRESS_NS))
        return;
    l->shown_ns = now;
    int64_t ms = (now - l->began_ns) / NS_PER_MS;
    uint64_t per_s = l->n * 1000 / (uint64_t)(ms > 0 ? ms : 1);
    fprintf(stderr, "\r%% %" PRIu64 " records, %" PRIu64 "/s ", l->n, per_s);
    if (last)
        fputc('\n', stderr);
}

/* FD_OK: go on with the next record. The same error twice is not about a record: every record
 * has a number. */
static fd_class bad_record(load *l, const fd_err *err)
{
    if (!l->o->skip_bad || strcmp(l->last_bad, err->text) == 0)
        return FD_FATAL;
    l->bad++;
    memcpy(l->last_bad, err->text, sizeof l->last_bad);
    if (l->bad <= BAD_SHOWN)
        fd_cli_notice("skipped: %s", err->text);
    if (l->bad == BAD_SHOWN)
        fd_cli_notice("further ones are only counted");
    return FD_OK;
}

static fd_class produce_all(load *l, fd_err *err)
{
    int32_t partitions = fd_kafka_writer_partitions(l->writer);
    fd_diags diags;
    fd_diags_init(&diags);
    fd_class rc = FD_OK;
    while (rc == FD_OK && fd_cli_stop_signal() == 0) {
        fd_str record;
        int got = fd_rows_next(l->rows, &record, &diags);
        if (got == 0)
            break;
        if (got > 0)
            rc = produce_one(l, record, partitions, &diags, err);
        else
            fd_cli_first_error(&diags, err);
        if (got < 0)
            rc = fd_rows_is_container(l->rows) ? FD_FATAL : FD_RETRY;
        if (rc == FD_RETRY)
            rc = bad_record(l, err);
        else if (rc == FD_OK)
            l->n++;
        progress(l, false);
    }
    fd_diags_free(&diags);
    return fd_cli_stop_signal() != 0 ? FD_OK : rc;
}

static fd_class flush(load *l, fd_err *err)
{
    uint64_t delivered = fd_kafka_writer_delivered(l->writer);
    for (int idle = 0; idle < GIVE_UP_AFTER_SLICES; idle++) {
        fd_class rc = fd_kafka_writer_flush(l->writer, SLICE_MS, err);
        if (rc != FD_RETRY)
            return rc;
        uint64_t now = fd_kafka_writer_delivered(l->writer);
        idle = now == delivered ? idle : 0;
        delivered = now;
    }
    return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE,
                   "the brokers have not taken the last records of %s", l->file);
}

/* ---- setting up ---- */

static bool same_schema(const fd_schema *a, const fd_schema *b)
{
    return strcmp(fd_schema_hash(a).hex, fd_schema_hash(b).hex) == 0;
}

static int load_given(load *l)
{
    if (l->o->schema == NULL)
        return FD_CLI_GO_ON;
    fd_diags diags;
    fd_diags_init(&diags);
    l->given = fd_tool_schema(l->o->schema, &diags);
    int code = l->given == NULL ? fd_cli_fail_diags(&diags) : FD_CLI_GO_ON;
    fd_diags_free(&diags);
    return code;
}

/* What the topic gets: --schema, else the registry's for --schema-id, else the file's own. */
static int find_target(load *l)
{
    int code = load_given(l);
    l->target = l->given;
    if (code != FD_CLI_GO_ON || l->o->registry.url == NULL)
        return code;
    fd_err err = {0};
    l->writers = fd_writers_new((fd_framing)l->o->framing, NULL, &l->o->registry, &err);
    const fd_schema *registered = NULL;
    if (l->writers == NULL ||
        fd_writers_by_id(l->writers, (uint32_t)l->o->schema_id, &registered, &err) != FD_OK)
        return fd_cli_fail(&err);
    if (l->given != NULL && !same_schema(l->given, registered)) {
        fd_fail(&err, FD_FATAL, FD_EXIT_CONFIG,
                "schema id %" PRId64 " of the registry is %s, not the same as %s: leave --schema "
                "out or register it",
                l->o->schema_id, fd_schema_name(registered), l->o->schema);
        return fd_cli_fail(&err);
    }
    l->target = registered;
    return FD_CLI_GO_ON;
}

static int open_rows(load *l)
{
    fd_diags diags;
    fd_diags_init(&diags);
    /* A container brings its own schema, which tells how to read it. */
    l->rows = fd_rows_open(l->file, l->target, (fd_rows_format)l->o->format, &diags);
    int code = FD_CLI_GO_ON;
    if (l->rows == NULL) {
        fd_cli_fail_diags(&diags);
        code = FD_EXIT_CHECK;
    } else {
        l->convert = l->target != NULL && !same_schema(l->target, fd_rows_schema(l->rows));
        if (l->convert && !l->o->quiet)
            fd_cli_notice("%s is in %s and is converted to %s", l->file,
                          fd_schema_name(fd_rows_schema(l->rows)), fd_schema_name(l->target));
    }
    fd_diags_free(&diags);
    return code;
}

static int check_field(const fd_cli *cli, const load *l, const char *option, const char *path)
{
    const fd_type *type = fd_schema_type(fd_rows_schema(l->rows));
    if (path == NULL || fd_type_path(type, fd_str_from(path)) != NULL)
        return FD_CLI_GO_ON;
    const char *names[256];
    size_t n = 0;
    for (; n < type->n_fields && n < sizeof names / sizeof names[0]; n++)
        names[n] = type->fields[n].name;
    const char *near = fd_did_you_mean(path, names, n);
    return fd_cli_usage_error(cli, "%s: %s has no field '%s'%s%s%s", option, l->file, path,
                              near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                              near == NULL ? "" : "'?");
}

static int execute(const fd_cli *cli, load *l)
{
    fd_err err = {0};
    fd_cli_catch_signals();
    int code = find_target(l);
    if (code == FD_CLI_GO_ON)
        code = open_rows(l);
    if (code == FD_CLI_GO_ON)
        code = check_field(cli, l, "--key", l->o->key);
    if (code == FD_CLI_GO_ON)
        code = check_field(cli, l, "--timestamp-field", l->o->timestamp);
    if (code != FD_CLI_GO_ON)
        return code;
    if (l->o->key != NULL || l->o->timestamp != NULL)
        l->pluck = fd_pluck_new(fd_rows_schema(l->rows), l->o->key, l->o->timestamp);
    fd_kafka_settings settings = fd_kafka_options_settings(&l->o->kafka);
    if (fd_kafka_writer_new(&settings, l->o->kafka.topic, FD_TOOL_CONNECT_MS, &l->writer, &err) !=
        FD_OK)
        return fd_cli_fail(&err);
    l->began_ns = fd_cli_mono_ns();
    l->terminal = isatty(STDERR_FILENO);
    fd_class rc = produce_all(l, &err);
    fd_err flush_err = {0};
    if (flush(l, &flush_err) != FD_OK && rc == FD_OK) {
        rc = FD_FATAL;
        err = flush_err;
    }
    progress(l, true);
    if (!l->o->quiet)
        fd_cli_notice("%" PRIu64 " records to %s, %" PRIu64 " skipped",
                      fd_kafka_writer_delivered(l->writer), l->o->kafka.topic, l->bad);
    if (rc != FD_OK)
        return fd_cli_fail(&err);
    return fd_cli_stop_signal() != 0 ? 128 + fd_cli_stop_signal() : FD_EXIT_OK;
}

static int check(const fd_cli *cli, const options *o)
{
    if (o->kafka.topic == NULL)
        return fd_cli_usage_error(cli, "which topic? give -t TOPIC");
    if (o->framing == FD_FRAMING_CONFLUENT && o->schema_id == 0)
        return fd_cli_usage_error(cli, "--framing confluent needs --schema-id");
    if (o->registry.url != NULL && o->framing != FD_FRAMING_CONFLUENT)
        return fd_cli_usage_error(cli, "--registry goes with --framing confluent");
    return FD_CLI_GO_ON;
}

static const char EXAMPLES[] =
    "  fraudd produce -t payments --key card_id payments.avro\n"
    "  fraudd produce -t payments --schema payment --key card_id --timestamp-field event_time "
    "p.jsonl\n"
    "  fraudd produce -t labels --schema label.avsc --key tx_id --skip-bad labels.csv\n"
    "  fraudd generate -f - --format avro | fraudd produce -t payments --format avro -\n"
    "  fraudd produce -t events --framing confluent --schema-id 7 --registry http://host:8081 "
    "e.jsonl\n";

static void release(load *l)
{
    fd_kafka_writer_free(l->writer);
    fd_pluck_free(l->pluck);
    fd_rows_close(l->rows);
    fd_writers_free(l->writers);
    fd_schema_free(l->given);
    fd_strbuf_free(&l->value);
    fd_strbuf_free(&l->json);
}

int fd_cmd_produce(int argc, char **argv)
{
#define X(name, text) text,
    static const char *const FORMATS[] = {FD_ROWS_FORMATS(X) NULL};
#undef X
    options o = {0};
    const fd_opt opts[] = {
        FD_KAFKA_OPTIONS(o.kafka),
        {'s', "schema", FD_OPT_TEXT, &o.schema, "FILE",
         "what the topic gets, or 'payment' (Avro files: their own)", 0, 0, NULL},
        {'k', "key", FD_OPT_TEXT, &o.key, "FIELD", "the record's key; dotted for nested ones", 0, 0,
         NULL},
        {0, "timestamp-field", FD_OPT_TEXT, &o.timestamp, "FIELD",
         "Kafka's timestamp of the record (now)", 0, 0, NULL},
        {0, "format", FD_OPT_CHOICE, &o.format, NULL, "of the file (by its name)", 0, 0, FORMATS},
        {0, "framing", FD_OPT_CHOICE, &o.framing, NULL, "of the values (raw)", 0, 0,
         FD_TOOL_FRAMINGS},
        {0, "schema-id", FD_OPT_INT, &o.schema_id, "N", "for --framing confluent", 1, INT32_MAX,
         NULL},
        FD_REGISTRY_OPTIONS(o.registry),
        {0, "skip-bad", FD_OPT_FLAG, &o.skip_bad, NULL,
         "go on after a bad record; they are counted", 0, 0, NULL},
        {'q', "quiet", FD_OPT_FLAG, &o.quiet, NULL, "no progress, no summary", 0, 0, NULL},
    };
    const fd_cli cli = {
        .name = "produce",
        .synopsis = "-t TOPIC [options] FILE|-",
        .summary = "Loads an Avro container, JSON lines or CSV into a topic. Partitions by the key "
                   "as the Java client does;\nwithout a key, in turn. The first bad record ends "
                   "the run, and the error names it.",
        .examples = EXAMPLES,
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .min_args = 1,
        .max_args = 1,
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code == FD_CLI_GO_ON)
        code = check(&cli, &o);
    if (code != FD_CLI_GO_ON)
        return code;
    load l = {.o = &o, .file = args[0]};
    code = execute(&cli, &l);
    release(&l);
    return code;
}
