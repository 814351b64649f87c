/*
 * The archive in a compacted topic. Keys say what a record is:
 *
 *   files/HASH/N        part N of some files' text (files.h), of as many as the header fd.chunks
 *                       says; fd.checksum is the content hash of the part
 *   sets/RULESET.ID     what decided together with the rule set (JSON)
 *   log/MS-WHO-N        a line of the activation log
 *
 * What is written again has the same key and the same bytes, so compaction keeps one of each, and
 * who starts need not read first. Reading scans the topic, once for what there is and once for the
 * files. Thread: one owner at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/archive/place.h"
#include "base/assert.h"
#include "kafka/client.h"
#include "kafka/describe.h"

enum {
    PUT_MS = 15000,
    POLL_MS = 250,
    PATIENCE_MS = 15000,
    CHUNK_BYTES = 512 * 1024,
    CHUNK_BYTES_MIN = 1024,
    ROOM_BYTES = 4096, /* of a record beside its value */
    MAX_CHUNKS = 1 << 20,
    KEY_BYTES = 512,
};

/* The topic's limit is for batches of records. */
static const fd_kv own_settings[] = {{"batch.num.messages", "1"}};
static const fd_kvs one_by_one = {own_settings, 1};

typedef struct topic {
    fd_kafka_settings settings;
    char *name;
    char *shown;
    int timeout_ms;
    size_t chunk_bytes;
    fd_kafka_writer *writer; /* NULL: none yet, or it failed */
} topic;

static const char *topic_name(void *self)
{
    return ((const topic *)self)->shown;
}

/* ---- putting ---- */

static fd_class need_writer(topic *t, fd_err *err)
{
    if (t->writer != NULL)
        return FD_OK;
    return fd_kafka_writer_new(&t->settings, t->name, t->timeout_ms, &t->writer, err);
}

/* A writer that failed stays failed; what it still holds may be written again. */
static fd_class give_up(topic *t, fd_err *err)
{
    fd_kafka_writer_free(t->writer);
    t->writer = NULL;
    char why[sizeof err->text];
    memcpy(why, err->text, sizeof why);
    return fd_fail(err, FD_RETRY, err->exit_code, "archive: %s", why);
}

static fd_class put(topic *t, const char *key, fd_str value, const fd_header *headers, uint32_t n,
                    fd_err *err)
{
    fd_class cls = need_writer(t, err);
    fd_kafka_record record = {.partition = -1,
                              .timestamp_ms = -1,
                              .key = fd_str_from(key),
                              .value = value,
                              .headers = headers,
                              .n_headers = n};
    if (cls == FD_OK)
        cls = fd_kafka_writer_put(t->writer, &record, PUT_MS, err);
    return cls == FD_OK ? FD_OK : give_up(t, err);
}

static fd_class stored(topic *t, fd_err *err)
{
    return fd_kafka_writer_flush(t->writer, PUT_MS, err) == FD_OK ? FD_OK : give_up(t, err);
}

static fd_class put_files(void *self, const char *id, fd_files *files, fd_err *err)
{
    topic *t = self;
    fd_strbuf all = {0};
    fd_files_pack(files, &all);
    size_t n = all.n == 0 ? 1 : (all.n + t->chunk_bytes - 1) / t->chunk_bytes;
    char count[24];
    snprintf(count, sizeof count, "%zu", n);
    fd_class cls = FD_OK;
    for (size_t i = 0; i < n && cls == FD_OK; i++) {
        size_t at = i * t->chunk_bytes;
        size_t len = all.n - at < t->chunk_bytes ? all.n - at : t->chunk_bytes;
        fd_str part = {all.n == 0 ? "" : all.p + at, (uint32_t)len};
        fd_content_hash sum = fd_content_hash_of(part.p, part.n);
        const fd_header headers[] = {
            {.name = FD_STR("fd.chunks"), .value = fd_str_from(count)},
            {.name = FD_STR("fd.checksum"), .value = fd_str_from(sum.hex)},
        };
        char key[KEY_BYTES];
        snprintf(key, sizeof key, "files/%s/%zu", id, i);
        cls = put(t, key, part, headers, 2, err);
    }
    fd_strbuf_free(&all);
    return cls == FD_OK ? stored(t, err) : cls;
}

static fd_class put_set(void *self, const char *name, fd_str json, fd_err *err)
{
    topic *t = self;
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "sets/%s", name);
    fd_class cls = put(t, key, json, NULL, 0, err);
    return cls == FD_OK ? stored(t, err) : cls;
}

static fd_class put_line(void *self, const char *key, fd_str line, fd_err *err)
{
    topic *t = self;
    char full[KEY_BYTES];
    snprintf(full, sizeof full, "log/%s", key);
    fd_class cls = put(t, full, line, NULL, 0, err);
    return cls == FD_OK ? stored(t, err) : cls;
}

/* ---- reading ---- */

typedef fd_class (*on_record)(void *ctx, fd_str key, const fd_msg *msg, fd_err *err);

static fd_class scan(const topic *t, on_record each, void *ctx, fd_err *err)
{
    fd_kafka_reader_config config = {
        .settings = t->settings, .topic = t->name, .partition = -1, .timeout_ms = t->timeout_ms};
    fd_kafka_reader *reader;
    fd_class cls = fd_kafka_reader_new(&config, &reader, err);
    if (cls != FD_OK)
        return cls;
    fd_err trouble = {0};
    int idle_ms = 0;
    bool more = true;
    while (more && cls == FD_OK) {
        fd_msg msg;
        switch (fd_kafka_reader_poll(reader, POLL_MS, &msg, &trouble)) {
        case FD_KAFKA_READ_MSG:
            idle_ms = 0;
            if (!msg.null_key && !msg.null_value)
                cls = each(ctx, msg.key, &msg, err);
            fd_kafka_reader_release(&msg);
            break;
        case FD_KAFKA_READ_END:
            more = false;
            break;
        case FD_KAFKA_READ_ERROR:
            if (trouble.cls == FD_FATAL)
                cls = fd_fail(err, FD_FATAL, trouble.exit_code, "%s", trouble.text);
            break;
        case FD_KAFKA_READ_NONE:
            idle_ms += POLL_MS;
            if (idle_ms >= PATIENCE_MS)
                cls = fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "topic '%s' is not read on: %s",
                              t->name, trouble.text[0] == '\0' ? "no answer" : trouble.text);
            break;
        }
    }
    fd_kafka_reader_free(reader);
    return cls;
}

static bool after(fd_str key, const char *prefix, fd_str *rest)
{
    size_t n = strlen(prefix);
    if (key.n < n || memcmp(key.p, prefix, n) != 0)
        return false;
    *rest = (fd_str){key.p + n, key.n - (uint32_t)n};
    return true;
}

typedef struct indexing {
    fd_archive_index *out;
    fd_archive_index lines; /* as if they were sets: key and line */
} indexing;

static fd_class index_one(void *ctx, fd_str key, const fd_msg *msg, fd_err *err)
{
    (void)err;
    indexing *x = ctx;
    fd_str rest;
    if (after(key, "sets/", &rest))
        fd_archive_index_add(x->out, rest, msg->value);
    else if (after(key, "log/", &rest))
        fd_archive_index_add(&x->lines, rest, msg->value);
    return FD_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const fd_kv *)a)->key, ((const fd_kv *)b)->key);
}

/* What compaction has not come to yet is there more than once; the last one counts. */
static size_t without_repeats(fd_kv *items, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && strcmp(items[i].key, items[i + 1].key) == 0) {
            free((void *)(uintptr_t)items[i].key);
            free((void *)(uintptr_t)items[i].value);
            continue;
        }
        items[kept++] = items[i];
    }
    return kept;
}

static void tidy(fd_archive_index *x)
{
    if (x->n_sets > 1)
        qsort(x->sets, x->n_sets, sizeof *x->sets, by_key);
    x->n_sets = without_repeats(x->sets, x->n_sets);
}

static fd_class read_index(void *self, fd_archive_index *out, fd_err *err)
{
    indexing x = {.out = out};
    fd_class cls = scan(self, index_one, &x, err);
    tidy(out);
    tidy(&x.lines);
    for (size_t i = 0; i < x.lines.n_sets; i++)
        fd_strbuf_puts(&out->log, x.lines.sets[i].value);
    fd_archive_index_free(&x.lines);
    return cls;
}

typedef struct gathering {
    const char *id;
    fd_strbuf *parts;
    bool *have;
    size_t n, got;
    bool damaged;
} gathering;

static size_t number_of(fd_str text)
{
    size_t n = 0;
    for (uint32_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || n > MAX_CHUNKS)
            return MAX_CHUNKS + 1;
        n = n * 10 + (size_t)(text.p[i] - '0');
    }
    return text.n == 0 ? MAX_CHUNKS + 1 : n;
}

static fd_str header_of(const fd_msg *msg, const char *name)
{
    fd_header headers[8];
    uint32_t n = fd_kafka_reader_headers(msg, headers, 8);
    for (uint32_t i = 0; i < n && i < 8; i++) {
        if (fd_str_eq_c(headers[i].name, name))
            return headers[i].value;
    }
    return (fd_str){0};
}

/* Chunk sizes may have differed between writers: those of another count than the last one's are
 * replaced as a whole. */
static void restart(gathering *g, size_t n)
{
    for (size_t i = 0; i < g->n; i++)
        fd_strbuf_free(&g->parts[i]);
    free(g->parts);
    free(g->have);
    g->parts = calloc(n + 1, sizeof *g->parts);
    FD_ALLOCATED(g->parts);
    g->have = calloc(n + 1, sizeof *g->have);
    FD_ALLOCATED(g->have);
    g->n = n;
    g->got = 0;
}

static fd_class gather_one(void *ctx, fd_str key, const fd_msg *msg, fd_err *err)
{
    (void)err;
    gathering *g = ctx;
    fd_str rest, number;
    if (!after(key, "files/", &rest) || !after(rest, g->id, &number) ||
        !after(number, "/", &number))
        return FD_OK;
    size_t i = number_of(number), n = number_of(header_of(msg, "fd.chunks"));
    fd_content_hash sum = fd_content_hash_of(msg->value.p, msg->value.n);
    if (n > MAX_CHUNKS || i >= n || !fd_str_eq_c(header_of(msg, "fd.checksum"), sum.hex)) {
        g->damaged = true;
        return FD_OK;
    }
    if (n != g->n)
        restart(g, n);
    g->got += !g->have[i];
    g->have[i] = true;
    fd_strbuf_reset(&g->parts[i]);
    fd_strbuf_add(&g->parts[i], msg->value.p, msg->value.n);
    return FD_OK;
}

static fd_class join(const topic *t, const gathering *g, fd_files *out, fd_err *err)
{
    if (g->n == 0 || g->got < g->n)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "archive: topic '%s' has %zu of %zu parts of files/%s%s", t->name, g->got,
                       g->n, g->id, g->damaged ? ", and damaged ones" : "");
    fd_strbuf all = {0};
    for (size_t i = 0; i < g->n; i++)
        fd_strbuf_add(&all, g->parts[i].p, g->parts[i].n);
    bool ok = strcmp(fd_content_hash_of(all.p, all.n).hex, g->id) == 0 &&
              fd_files_unpack(all.p, all.n, out);
    fd_strbuf_free(&all);
    if (ok)
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                   "archive: topic '%s': files/%s holds other bytes than its name says", t->name,
                   g->id);
}

static fd_class read_files(void *self, const char *id, fd_files *out, fd_err *err)
{
    gathering g = {.id = id};
    fd_class cls = scan(self, gather_one, &g, err);
    if (cls == FD_OK)
        cls = join(self, &g, out, err);
    for (size_t i = 0; i < g.n; i++)
        fd_strbuf_free(&g.parts[i]);
    free(g.parts);
    free(g.have);
    return cls;
}

/* ---- opening ---- */

static void topic_close(void *self)
{
    topic *t = self;
    fd_kafka_writer_free(t->writer);
    free(t->name);
    free(t->shown);
    free(t);
}

static int64_t limit_of(const char *text)
{
    char *end;
    long long v = text == NULL ? 0 : strtoll(text, &end, 10);
    return text != NULL && *end == '\0' && v > 0 ? v : 1000000; /* librdkafka's default */
}

static fd_class check(topic *t, fd_err *err)
{
    fd_kafka_topic_setting wanted[] = {{.name = "cleanup.policy"}, {.name = "max.message.bytes"}};
    fd_class cls = fd_kafka_describe(&t->settings, t->name, wanted, 2, t->timeout_ms, err);
    if (cls != FD_OK)
        return cls;
    if (strcmp(wanted[0].value, "compact") != 0)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "archive.topic '%s' has cleanup.policy=%s, and so would lose what it keeps; "
                       "it must be compact: kafka-configs.sh --bootstrap-server HOST:PORT --alter "
                       "--topic %s --add-config cleanup.policy=compact",
                       t->name, wanted[0].value, t->name);
    int64_t most = limit_of(fd_kafka_setting(&t->settings, "message.max.bytes"));
    int64_t theirs = limit_of(wanted[1].value);
    if (theirs < most)
        most = theirs;
    most -= ROOM_BYTES;
    if (most < CHUNK_BYTES_MIN)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "archive.topic '%s': max.message.bytes is too small, 8192 is the least",
                       t->name);
    t->chunk_bytes = most < CHUNK_BYTES ? (size_t)most : CHUNK_BYTES;
    return need_writer(t, err);
}

fd_class fd_place_topic(const fd_kafka_settings *settings, const char *name, bool write,
                        int timeout_ms, fd_place *out, fd_err *err)
{
    static const fd_place_ops ops = {
        .name = topic_name,
        .put_files = put_files,
        .put_set = put_set,
        .put_line = put_line,
        .read_index = read_index,
        .read_files = read_files,
        .close = topic_close,
    };
    topic *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    fd_strbuf shown = {0};
    fd_strbuf_printf(&shown, "topic %s", name);
    *t = (topic){.settings = *settings,
                 .name = strdup(name),
                 .shown = shown.p,
                 .timeout_ms = timeout_ms,
                 .chunk_bytes = CHUNK_BYTES};
    FD_ALLOCATED(t->name);
    if (write)
        t->settings.own = &one_by_one;
    *out = (fd_place){.ops = &ops, .self = t};
    fd_class cls = write ? check(t, err) : FD_OK;
    if (cls != FD_OK)
        topic_close(t);
    return cls;
}
