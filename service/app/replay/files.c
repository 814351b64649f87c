/*
 * Files as partitions; see input.h. Records are copied, in confluent framing with the file's number
 * as the id of its schema, so that a file in another schema is resolved as a topic's events are.
 * Buffers go round: once warm, nothing is allocated. Main thread.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "app/replay/input.h"
#include "app/tools/pluck.h"
#include "base/assert.h"

enum { BAD_SHOWN = 20, BUFFER_BYTES = 512 };

typedef struct buffer {
    struct buffer *next; /* of the free ones */
    uint32_t cap;
    char bytes[];
} buffer;

typedef struct stream {
    const char *path;
    fd_rows *rows;
    fd_pluck *pluck;
    int64_t offset; /* of the next good record */
    uint64_t n;     /* records seen, good or bad */
    bool ended;
} stream;

typedef struct files {
    fd_tp *tps;
    stream *streams;
    uint32_t n;
    buffer *spare;
    const char *timestamp;
    bool skip_bad;
    uint64_t skipped;
    char last_bad[sizeof((fd_err *)0)->text];
    fd_diags diags;
} files;

static buffer *take_buffer(files *f, size_t bytes)
{
    buffer *b = f->spare;
    if (b != NULL)
        f->spare = b->next;
    if (b != NULL && b->cap >= bytes)
        return b;
    uint32_t cap = (uint32_t)(bytes < BUFFER_BYTES ? BUFFER_BYTES : bytes);
    b = realloc(b, sizeof *b + cap);
    FD_ALLOCATED(b);
    b->cap = cap;
    return b;
}

static void release(void *self, fd_msg *msg)
{
    files *f = self;
    buffer *b = msg->handle;
    b->next = f->spare;
    f->spare = b;
    msg->handle = NULL;
}

/* The record's timestamp by --timestamp-field. */
static fd_class stamp(const files *f, const stream *s, fd_str record, fd_msg *msg, fd_err *err)
{
    if (s->pluck == NULL)
        return FD_OK;
    fd_plucked found;
    fd_poison poison = fd_pluck_record(s->pluck, record, &found);
    if (poison != FD_POISON_NONE || found.null_time || found.time_ms < 0)
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK,
                       "%s: record %" PRIu64 ": --timestamp-field %s: it is no time from 1970 on",
                       s->path, s->n, f->timestamp);
    msg->kafka_ms = found.time_ms;
    msg->ts_type = FD_TS_CREATE;
    return FD_OK;
}

static fd_class fill(files *f, uint32_t i, fd_str record, fd_msg *msg, fd_err *err)
{
    stream *s = &f->streams[i];
    *msg = (fd_msg){.tp = f->tps[i],
                    .offset = s->offset,
                    .leader_epoch = -1,
                    .kafka_ms = -1,
                    .ts_type = FD_TS_NONE,
                    .null_key = true};
    fd_class rc = stamp(f, s, record, msg, err);
    if (rc != FD_OK)
        return rc;
    buffer *b = take_buffer(f, FD_FRAME_MAX + (size_t)record.n);
    uint32_t head = fd_frame_write(FD_FRAMING_CONFLUENT, i, 0, (unsigned char *)b->bytes);
    memcpy(b->bytes + head, record.p, record.n);
    msg->value = (fd_str){b->bytes, head + record.n};
    msg->handle = b;
    s->offset++;
    return FD_OK;
}

/* Errors of lines name the record, but not the file. */
static void refused(files *f, const stream *s, fd_err *err)
{
    fd_err why;
    fd_cli_first_error(&f->diags, &why);
    bool named = strncmp(why.text, s->path, strlen(s->path)) == 0;
    fd_fail(err, why.cls, why.exit_code, "%s%s%s", named ? "" : s->path, named ? "" : ": ",
            why.text);
}

/* FD_OK: the record is passed over. After damage in a container nothing can be trusted; the same
 * error twice is not about a record, each of which has a number. */
static fd_class refuse(files *f, const stream *s, const fd_err *err)
{
    if (!f->skip_bad || s->ended || strcmp(f->last_bad, err->text) == 0)
        return FD_FATAL;
    memcpy(f->last_bad, err->text, sizeof f->last_bad);
    f->skipped++;
    if (f->skipped <= BAD_SHOWN)
        fd_cli_notice("skipped: %s", err->text);
    if (f->skipped == BAD_SHOWN)
        fd_cli_notice("further ones are only counted");
    return FD_OK;
}

static fd_replay_got next(void *self, uint32_t part, bool wait, fd_msg *msg, fd_err *err)
{
    (void)wait;
    files *f = self;
    stream *s = &f->streams[part];
    while (!s->ended && fd_cli_stop_signal() == 0) {
        fd_str record;
        int got = fd_rows_next(s->rows, &record, &f->diags);
        s->n++;
        fd_class rc = FD_RETRY;
        if (got == 0) {
            s->ended = true;
            break;
        }
        if (got > 0) {
            rc = fill(f, part, record, msg, err);
        } else {
            refused(f, s, err);
            s->ended = fd_rows_is_container(s->rows);
        }
        if (rc == FD_OK)
            return FD_REPLAY_MSG;
        if (refuse(f, s, err) != FD_OK)
            return FD_REPLAY_ERROR;
    }
    return s->ended ? FD_REPLAY_END : FD_REPLAY_NONE;
}

static bool progress(void *self, uint64_t *done, uint64_t *all)
{
    const files *f = self;
    *done = *all = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        uint64_t at, size;
        if (!fd_rows_progress(f->streams[i].rows, &at, &size))
            return false;
        *done += at;
        *all += size;
    }
    return *all > 0;
}

static void destroy(void *self)
{
    files *f = self;
    for (uint32_t i = 0; i < f->n; i++) {
        fd_rows_close(f->streams[i].rows);
        fd_pluck_free(f->streams[i].pluck);
    }
    while (f->spare != NULL) {
        buffer *b = f->spare;
        f->spare = b->next;
        free(b);
    }
    fd_diags_free(&f->diags);
    free(f->streams);
    free(f->tps);
    free(f);
}

static fd_class open_stream(files *f, const fd_replay_files_config *c, uint32_t i, fd_err *err)
{
    stream *s = &f->streams[i];
    uint16_t source = c->files[i].source;
    s->path = c->files[i].path;
    s->rows = fd_rows_open(s->path, c->readers[source], c->format, &f->diags);
    if (s->rows == NULL) {
        fd_cli_first_error(&f->diags, err);
        return FD_FATAL;
    }
    const fd_schema *schema = fd_rows_schema(s->rows);
    fd_err why = {0};
    fd_str json = {0};
    size_t n;
    json.p = fd_schema_json(schema, &n);
    json.n = (uint32_t)n;
    if (fd_engine_add_schema(c->engine, source, i, json, &why) != FD_OK)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "%s: the schema of the source %s cannot read it: %s", s->path,
                       c->topics[source], why.text);
    if (c->timestamp == NULL)
        return FD_OK;
    s->pluck = fd_pluck_new(schema, NULL, c->timestamp);
    if (s->pluck == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE,
                       "--timestamp-field: %s has no field '%s' that is a timestamp or a whole "
                       "number (milliseconds)",
                       s->path, c->timestamp);
    return FD_OK;
}

static const fd_replay_input_ops ops = {
    .next = next, .release = release, .progress = progress, .free = destroy};

fd_class fd_replay_files_new(const fd_replay_files_config *config, fd_replay_input *out,
                             fd_err *err)
{
    files *f = calloc(1, sizeof *f);
    FD_ALLOCATED(f);
    f->tps = calloc(config->n, sizeof *f->tps);
    FD_ALLOCATED(f->tps);
    f->streams = calloc(config->n, sizeof *f->streams);
    FD_ALLOCATED(f->streams);
    f->timestamp = config->timestamp;
    f->skip_bad = config->skip_bad;
    fd_diags_init(&f->diags);
    int32_t partitions[FD_ENGINE_MAX_SOURCES] = {0};
    fd_class rc = FD_OK;
    for (uint32_t i = 0; i < config->n && rc == FD_OK; i++) {
        f->n = i + 1;
        f->tps[i].source = config->files[i].source;
        f->tps[i].partition = partitions[f->tps[i].source]++;
        rc = open_stream(f, config, i, err);
    }
    if (rc != FD_OK) {
        destroy(f);
        return rc;
    }
    *out = (fd_replay_input){.ops = &ops, .self = f, .n = f->n, .tps = f->tps};
    return FD_OK;
}

uint64_t fd_replay_files_skipped(const fd_replay_input *in)
{
    return in->ops == &ops ? ((const files *)in->self)->skipped : 0;
}
