/* Where generated records go; see sink.h. Main thread. */
#include "app/generate/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/generate/label.h"
#include "base/assert.h"
#include "kafka/client.h"

enum { FILE_BUFFER = 1 << 20, PUT_SLICE_MS = 500, GIVE_UP_AFTER_SLICES = 20 };

struct fd_sink {
    fd_sink_config config;
    fd_rows_format format;
    const char *name; /* of the file, for errors */
    fd_schema *schema;
    fd_diags diags;
    fd_container *container;
    FILE *file;
    fd_kafka_writer *writer;
    uint64_t fingerprint;
    fd_strbuf bytes; /* of the record at hand */
};

/* ---- opening ---- */

static const char *kind_name(const fd_type *t)
{
    return t == NULL ? "nothing" : fd_kind_name(t->kind);
}

static bool kind_fits(const fd_record_field *f, const fd_type *t)
{
    bool optional = f->kind == FD_RECORD_OPT_TEXT || f->kind == FD_RECORD_OPT_DEGREES;
    if (t->nullable != optional || t->n_symbols != f->n_symbols)
        return false;
    for (size_t i = 0; i < f->n_symbols; i++) {
        if (!fd_str_eq_c(t->symbols[i], f->symbols[i]))
            return false;
    }
    switch (f->kind) {
    case FD_RECORD_TIME:
        return t->kind == FD_TIMESTAMP && t->per_second == 1000;
    case FD_RECORD_LONG:
        return t->kind == FD_INT;
    case FD_RECORD_BOOL:
        return t->kind == FD_BOOL;
    case FD_RECORD_OPT_DEGREES:
        return t->kind == FD_DOUBLE;
    default:
        return t->kind == FD_STRING;
    }
}

/* The bytes are written by hand: they must be those of the schema that goes into the header. */
static fd_class load_schema(fd_sink *s, fd_err *err)
{
    const fd_record_shape *shape = s->config.shape;
    size_t n;
    const char *json = shape == &FD_LABEL_SHAPE ? fd_embedded_label_schema(&n)
                                                : fd_embedded_payment_schema(&n);
    s->schema = fd_schema_parse(json, n, shape->schema, &s->diags);
    FD_ASSERT(s->schema != NULL);
    const fd_type *type = fd_schema_type(s->schema);
    for (size_t i = 0; i < shape->n_fields || i < type->n_fields; i++) {
        const fd_field *f = i < type->n_fields ? &type->fields[i] : NULL;
        const fd_record_field *ours = i < shape->n_fields ? &shape->fields[i] : NULL;
        if (ours == NULL || f == NULL || strcmp(f->name, ours->name) != 0 ||
            !kind_fits(ours, f->type))
            return fd_fail(err, FD_FATAL, FD_EXIT_CHECK,
                           "schemas/%s has %s (%s) as field %zu, the generator has %s",
                           shape->schema, f == NULL ? "nothing" : f->name,
                           kind_name(f == NULL ? NULL : f->type), i + 1,
                           ours != NULL ? ours->name : "nothing");
    }
    s->fingerprint = fd_schema_fingerprint(s->schema);
    return FD_OK;
}

fd_rows_format fd_sink_format_of(const char *file)
{
    static const struct {
        const char *end;
        fd_rows_format format;
    } ENDS[] = {{".avro", FD_ROWS_AVRO},
                {".jsonl", FD_ROWS_JSONL},
                {".ndjson", FD_ROWS_JSONL},
                {".json", FD_ROWS_JSONL},
                {".csv", FD_ROWS_CSV}};
    size_t n = strlen(file);
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        size_t m = strlen(ENDS[i].end);
        if (n > m && strcmp(file + n - m, ENDS[i].end) == 0)
            return ENDS[i].format;
    }
    return FD_ROWS_AUTO;
}

static fd_class file_error(const fd_sink *s, fd_err *err, const char *what)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: %s: %s", s->name, what, strerror(errno));
}

/* What the container writer says, in one line. */
static fd_class container_error(fd_sink *s, fd_err *err)
{
    const char *text = s->diags.n > 0 ? s->diags.items[0].text : "it cannot be written";
    return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: %s", s->name, text);
}

static fd_class open_file(fd_sink *s, fd_err *err)
{
    s->format = s->config.format;
    if (s->format == FD_ROWS_AUTO)
        s->format = fd_sink_format_of(s->config.file);
    if (s->format == FD_ROWS_AUTO)
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE,
                       "%s: say the format by --format avro|jsonl|csv or by the name's end",
                       s->name);
    if (s->format == FD_ROWS_AVRO) {
        fd_container_codec codec = s->config.deflate ? FD_CODEC_DEFLATE : FD_CODEC_NULL;
        s->container = fd_container_create(s->config.file, s->schema, codec, &s->diags);
        return s->container == NULL ? container_error(s, err) : FD_OK;
    }
    s->file = strcmp(s->config.file, "-") == 0 ? stdout : fopen(s->config.file, "we");
    if (s->file == NULL)
        return file_error(s, err, "cannot be written");
    setvbuf(s->file, NULL, _IOFBF, FILE_BUFFER);
    if (s->format == FD_ROWS_CSV)
        fd_record_csv_heading(s->config.shape, &s->bytes);
    if (fwrite(s->bytes.p == NULL ? "" : s->bytes.p, 1, s->bytes.n, s->file) != s->bytes.n)
        return file_error(s, err, "write failed");
    return FD_OK;
}

static void destroy(fd_sink *s)
{
    if (s->file != NULL && s->file != stdout)
        fclose(s->file);
    fd_kafka_writer_free(s->writer);
    fd_schema_free(s->schema);
    fd_diags_free(&s->diags);
    fd_strbuf_free(&s->bytes);
    free(s);
}

fd_class fd_sink_open(const fd_sink_config *config, fd_sink **out, fd_err *err)
{
    fd_sink *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->config = *config;
    s->name = config->file == NULL             ? config->topic
              : strcmp(config->file, "-") == 0 ? "standard output"
                                               : config->file;
    fd_diags_init(&s->diags);
    fd_class rc = load_schema(s, err);
    if (rc == FD_OK && config->file != NULL) {
        rc = open_file(s, err);
    } else if (rc == FD_OK) {
        fd_kafka_settings settings = fd_kafka_options_settings(config->kafka);
        rc = fd_kafka_writer_new(&settings, config->topic, FD_TOOL_CONNECT_MS, &s->writer, err);
    }
    if (rc != FD_OK) {
        destroy(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

/* ---- writing ---- */

/* A full queue is waited for as long as brokers take records, or 10 s without any. */
static fd_class send(fd_sink *s, const void *record, bool null_value, fd_err *err)
{
    const fd_text *key = fd_record_key(s->config.shape, record);
    int64_t time_ms = fd_record_time(s->config.shape, record);
    fd_kafka_record message = {
        .partition = -1,
        .timestamp_ms = s->config.event_timestamps ? time_ms : -1,
        .key = {key->p, key->n},
        .value = {s->bytes.p, (uint32_t)s->bytes.n},
        .null_value = null_value,
    };
    uint64_t delivered = fd_kafka_writer_delivered(s->writer);
    for (int idle = 0; idle < GIVE_UP_AFTER_SLICES; idle++) {
        fd_class rc = fd_kafka_writer_put(s->writer, &message, PUT_SLICE_MS, err);
        if (rc != FD_RETRY || fd_cli_stop_signal() != 0)
            return rc;
        uint64_t now = fd_kafka_writer_delivered(s->writer);
        if (now != delivered)
            idle = 0;
        delivered = now;
    }
    return FD_RETRY;
}

static void frame_and_encode(fd_sink *s, const void *record)
{
    unsigned char head[FD_FRAME_MAX];
    uint32_t n = fd_frame_write(s->config.framing, s->config.schema_id, s->fingerprint, head);
    fd_strbuf_reset(&s->bytes);
    fd_strbuf_add(&s->bytes, head, n);
    fd_record_avro(s->config.shape, record, &s->bytes);
}

fd_class fd_sink_put(fd_sink *s, const void *record, fd_err *err)
{
    if (s->writer != NULL) {
        frame_and_encode(s, record);
        return send(s, record, false, err);
    }
    fd_strbuf_reset(&s->bytes);
    if (s->container != NULL) {
        fd_record_avro(s->config.shape, record, &s->bytes);
        fd_str bytes = {s->bytes.p, (uint32_t)s->bytes.n};
        return fd_container_append(s->container, bytes, &s->diags) ? FD_OK
                                                                   : container_error(s, err);
    }
    if (s->format == FD_ROWS_JSONL)
        fd_record_json(s->config.shape, record, &s->bytes);
    else
        fd_record_csv(s->config.shape, record, &s->bytes);
    if (fwrite(s->bytes.p, 1, s->bytes.n, s->file) != s->bytes.n)
        return file_error(s, err, "write failed");
    return FD_OK;
}

bool fd_sink_can_poison(const fd_sink *s)
{
    return s->writer != NULL;
}

fd_class fd_sink_poison(fd_sink *s, const void *record, fd_planted kind, fd_err *err)
{
    FD_ASSERT(s->writer != NULL);
    frame_and_encode(s, record);
    switch (kind) {
    case FD_PLANTED_TRUNCATED:
        s->bytes.n /= 2;
        break;
    case FD_PLANTED_TRAILING:
        fd_strbuf_puts(&s->bytes, "left over");
        break;
    case FD_PLANTED_GARBAGE:
        for (size_t i = 0; i < s->bytes.n; i++)
            s->bytes.p[i] = (char)0xff;
        break;
    case FD_PLANTED_EMPTY:
    case FD_PLANTED_TOMBSTONE:
        s->bytes.n = 0;
        break;
    case FD_N_PLANTED:
        FD_UNREACHABLE();
    }
    return send(s, record, kind == FD_PLANTED_TOMBSTONE, err);
}

fd_class fd_sink_flush(fd_sink *s, fd_err *err)
{
    if (s->file != NULL && fflush(s->file) != 0)
        return file_error(s, err, "write failed");
    return FD_OK;
}

static fd_class close_kafka(fd_sink *s, fd_err *err)
{
    uint64_t delivered = fd_kafka_writer_delivered(s->writer);
    for (int idle = 0; idle < GIVE_UP_AFTER_SLICES; idle++) {
        fd_class rc = fd_kafka_writer_flush(s->writer, PUT_SLICE_MS, err);
        if (rc != FD_RETRY)
            return rc;
        uint64_t now = fd_kafka_writer_delivered(s->writer);
        if (now != delivered)
            idle = 0;
        delivered = now;
    }
    return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE,
                   "%s: the brokers have not taken the last records", s->name);
}

fd_class fd_sink_close(fd_sink *s, fd_err *err)
{
    fd_class rc = FD_OK;
    if (s->writer != NULL) {
        rc = close_kafka(s, err);
    } else if (s->container != NULL) {
        if (!fd_container_finish(s->container, &s->diags))
            rc = container_error(s, err);
    } else {
        bool lost = ferror(s->file) != 0;
        lost |= s->file == stdout ? fflush(stdout) != 0 : fclose(s->file) != 0;
        s->file = NULL;
        if (lost)
            rc = file_error(s, err, "write failed");
    }
    destroy(s);
    return rc;
}
