/*
 * Avro object container files; see container.h.
 *
 * A file is "Obj" 1, a map of metadata, a sync marker, and blocks: count, size, bytes, marker.
 * Records in a block are told apart by a plan that only skips. The marker comes from the schema's
 * hash: the core draws no random numbers, and equal records make equal files.
 * Bounds: a header and a block of at most MAX_BLOCK bytes, inflated too.
 */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/assert.h"
#include "codec/container_int.h"
#include "codec/wire.h"

enum {
    SYNC_BYTES = 16,
    MAX_BLOCK = 1 << 28,
    BLOCK_GOAL = 64 * 1024, /* bytes of records after which a block is written */
    WRITER_MAGIC = 0x5c4e3a05,
    READER_MAGIC = 0x5c4e3a06,
};

static const char magic_bytes[4] = {'O', 'b', 'j', 1};

static bool file_error(fd_diags *diags, const char *name, const char *what, const char *detail)
{
    char text[400];
    snprintf(text, sizeof text, "%s%s%s", what, detail[0] == '\0' ? "" : ": ", detail);
    fd_diags_add(diags, &(fd_diag){.severity = FD_ERROR, .file = name, .text = text, .width = 1});
    return false;
}

static bool broken(fd_diags *diags, const char *name, const char *what)
{
    return file_error(diags, name, "the container file is damaged", what);
}

/* For functions that say 1, 0 or -1. */
static int lost(fd_diags *diags, const char *name, const char *what)
{
    broken(diags, name, what);
    return -1;
}

/* --- writing --- */

struct fd_container {
    uint32_t magic;
    FILE *f;
    char *name;
    fd_container_codec codec;
    unsigned char sync[SYNC_BYTES];
    fd_strbuf block;
    uint64_t n_in_block;
};

static void add_long(fd_strbuf *b, int64_t v)
{
    unsigned char buf[FD_WIRE_LONG_MAX];
    fd_strbuf_add(b, buf, (size_t)(fd_wire_put_long(buf, v) - buf));
}

static void add_text(fd_strbuf *b, const char *p, size_t n)
{
    add_long(b, (int64_t)n);
    fd_strbuf_add(b, p, n);
}

static bool write_all(fd_container *c, const fd_strbuf *b, fd_diags *diags)
{
    if (fwrite(b->p, 1, b->n, c->f) == b->n)
        return true;
    return file_error(diags, c->name, "cannot write", strerror(errno));
}

fd_container *fd_container_create(const char *path, const fd_schema *schema,
                                  fd_container_codec codec, fd_diags *diags)
{
    FD_CHECK_MAGIC(schema, FD_SCHEMA_MAGIC);
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (f == NULL) {
        file_error(diags, path, "cannot write the file", strerror(errno));
        return NULL;
    }
    fd_container *c = calloc(1, sizeof *c);
    FD_ALLOCATED(c);
    c->magic = WRITER_MAGIC;
    c->f = f;
    c->name = strdup(path);
    FD_ALLOCATED(c->name);
    c->codec = codec;
    memcpy(c->sync, fd_schema_hash(schema).hex, SYNC_BYTES);

    fd_strbuf head = {0};
    const char *name = codec == FD_CODEC_NULL ? "null" : "deflate";
    fd_strbuf_add(&head, magic_bytes, sizeof magic_bytes);
    add_long(&head, 2);
    add_text(&head, "avro.schema", strlen("avro.schema"));
    add_text(&head, schema->text, schema->text_n);
    add_text(&head, "avro.codec", strlen("avro.codec"));
    add_text(&head, name, strlen(name));
    add_long(&head, 0);
    fd_strbuf_add(&head, c->sync, SYNC_BYTES);
    bool ok = write_all(c, &head, diags);
    fd_strbuf_free(&head);
    if (ok)
        return c;
    fd_container_finish(c, diags);
    return NULL;
}

/* Raw deflate, without zlib's own header, as Avro has it. */
static void deflate_block(const fd_strbuf *in, fd_strbuf *out)
{
    z_stream z = {0};
    int rc = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    FD_ASSERT(rc == Z_OK);
    uLong room = deflateBound(&z, in->n);
    unsigned char *buf = malloc(room);
    FD_ALLOCATED(buf);
    z.next_in = (unsigned char *)in->p;
    z.avail_in = (uInt)in->n;
    z.next_out = buf;
    z.avail_out = (uInt)room;
    rc = deflate(&z, Z_FINISH);
    FD_ASSERT(rc == Z_STREAM_END);
    fd_strbuf_add(out, buf, z.total_out);
    deflateEnd(&z);
    free(buf);
}

static bool flush_block(fd_container *c, fd_diags *diags)
{
    if (c->n_in_block == 0)
        return true;
    fd_strbuf packed = {0}, out = {0};
    const fd_strbuf *data = &c->block;
    if (c->codec == FD_CODEC_DEFLATE) {
        deflate_block(&c->block, &packed);
        data = &packed;
    }
    add_long(&out, (int64_t)c->n_in_block);
    add_text(&out, data->p, data->n);
    fd_strbuf_add(&out, c->sync, SYNC_BYTES);
    bool ok = write_all(c, &out, diags);
    fd_strbuf_free(&packed);
    fd_strbuf_free(&out);
    fd_strbuf_reset(&c->block);
    c->n_in_block = 0;
    return ok;
}

bool fd_container_append(fd_container *c, fd_str record, fd_diags *diags)
{
    FD_CHECK_MAGIC(c, WRITER_MAGIC);
    fd_strbuf_add(&c->block, record.p, record.n);
    c->n_in_block++;
    return c->block.n < BLOCK_GOAL || flush_block(c, diags);
}

bool fd_container_finish(fd_container *c, fd_diags *diags)
{
    FD_CHECK_MAGIC(c, WRITER_MAGIC);
    bool ok = flush_block(c, diags);
    int rc = c->f == stdout ? fflush(c->f) : fclose(c->f);
    if (rc != 0 && ok)
        ok = file_error(diags, c->name, "cannot write", strerror(errno));
    fd_strbuf_free(&c->block);
    free(c->name);
    c->magic = 0;
    free(c);
    return ok;
}

/* --- reading --- */

struct fd_container_reader {
    uint32_t magic;
    FILE *f;
    char *name;
    fd_schema *schema;
    fd_plan *skipper;
    bool deflated;
    unsigned char sync[SYNC_BYTES];
    unsigned char *raw; /* a block as in the file */
    size_t raw_cap;
    unsigned char *data; /* inflated */
    size_t data_cap;
    fd_bytes p, end; /* what is left of the block */
    int64_t left;    /* records of the block still to come */
    bool lost;       /* where the next block begins is not known any more */
    uint64_t n;      /* records given */
};

static bool read_exactly(fd_container_reader *r, void *to, size_t n, fd_diags *diags)
{
    if (fread(to, 1, n, r->f) == n)
        return true;
    return ferror(r->f) ? file_error(diags, r->name, "cannot read", strerror(errno))
                        : broken(diags, r->name, "it ends too early");
}

/* 1: a number; 0: the file ends here; -1: an error. */
static int read_long(fd_container_reader *r, int64_t *out, fd_diags *diags)
{
    unsigned char buf[FD_WIRE_LONG_MAX];
    for (size_t n = 0; n < sizeof buf; n++) {
        int c = getc(r->f);
        if (c == EOF && n == 0 && !ferror(r->f))
            return 0;
        if (c == EOF)
            return lost(diags, r->name, "it ends too early");
        buf[n] = (unsigned char)c;
        if (c >= 0x80)
            continue;
        fd_poison why = FD_POISON_NONE;
        if (fd_wire_long(buf, buf + n + 1, out, &why) != NULL)
            return 1;
        break;
    }
    return lost(diags, r->name, "a number is too long");
}

/* Bytes with their length before them; the caller frees. */
static char *read_text(fd_container_reader *r, size_t *n, fd_diags *diags)
{
    int64_t len = 0;
    int got = read_long(r, &len, diags);
    if (got <= 0 || len < 0 || len > MAX_BLOCK) {
        if (got >= 0)
            broken(diags, r->name, "a length in the header cannot be");
        return NULL;
    }
    char *text = malloc((size_t)len + 1);
    FD_ALLOCATED(text);
    if (!read_exactly(r, text, (size_t)len, diags)) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    *n = (size_t)len;
    return text;
}

static bool take_meta(fd_container_reader *r, const char *key, const char *value, size_t n,
                      fd_diags *diags)
{
    if (strcmp(key, "avro.schema") == 0 && r->schema == NULL) {
        r->schema = fd_schema_parse(value, n, r->name, diags);
        return r->schema != NULL;
    }
    if (strcmp(key, "avro.codec") != 0)
        return true;
    r->deflated = strcmp(value, "deflate") == 0;
    if (r->deflated || strcmp(value, "null") == 0)
        return true;
    return file_error(diags, r->name, "only the codecs null and deflate can be read, its codec is",
                      value);
}

static bool read_pair(fd_container_reader *r, fd_diags *diags)
{
    size_t n = 0;
    char *key = read_text(r, &n, diags);
    char *value = key == NULL ? NULL : read_text(r, &n, diags);
    bool ok = value != NULL && take_meta(r, key, value, n, diags);
    free(key);
    free(value);
    return ok;
}

static bool read_header(fd_container_reader *r, fd_diags *diags)
{
    char magic[4];
    if (fread(magic, 1, sizeof magic, r->f) != sizeof magic ||
        memcmp(magic, magic_bytes, sizeof magic) != 0)
        return file_error(diags, r->name, "this is no Avro container file", "");
    for (;;) {
        int64_t count = 0, bytes = 0;
        int got = read_long(r, &count, diags);
        if (got > 0 && count < 0) {
            got = read_long(r, &bytes, diags);
            count = count == INT64_MIN ? INT64_MAX : -count;
        }
        if (got == 0)
            return broken(diags, r->name, "it ends in the header");
        if (got < 0)
            return false;
        if (count == 0)
            break;
        /* a wrong count runs into the end of the file */
        for (; count > 0; count--) {
            if (!read_pair(r, diags))
                return false;
        }
    }
    if (r->schema == NULL)
        return broken(diags, r->name, "the header has no schema");
    return read_exactly(r, r->sync, SYNC_BYTES, diags);
}

fd_container_reader *fd_container_open(FILE *f, const char *name, fd_diags *diags)
{
    fd_container_reader *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->magic = READER_MAGIC;
    r->f = f;
    r->name = strdup(name);
    FD_ALLOCATED(r->name);
    if (read_header(r, diags))
        r->skipper = fd_plan_skipper(r->schema->node, diags);
    if (r->skipper != NULL)
        return r;
    fd_container_close(r);
    return NULL;
}

void fd_container_close(fd_container_reader *r)
{
    if (r == NULL)
        return;
    FD_CHECK_MAGIC(r, READER_MAGIC);
    if (r->f != stdin)
        fclose(r->f);
    fd_plan_free(r->skipper);
    fd_schema_free(r->schema);
    free(r->name);
    free(r->raw);
    free(r->data);
    r->magic = 0;
    free(r);
}

FILE *fd_container_file(const fd_container_reader *r)
{
    FD_CHECK_MAGIC(r, READER_MAGIC);
    return r->f;
}

const fd_schema *fd_container_schema(const fd_container_reader *r)
{
    FD_CHECK_MAGIC(r, READER_MAGIC);
    return r->schema;
}

static void room_for(unsigned char **buf, size_t *cap, size_t n)
{
    if (*cap >= n)
        return;
    *buf = realloc(*buf, n);
    FD_ALLOCATED(*buf);
    *cap = n;
}

static bool inflate_block(fd_container_reader *r, size_t n, fd_diags *diags)
{
    z_stream z = {0};
    if (inflateInit2(&z, -15) != Z_OK)
        return broken(diags, r->name, "zlib does not start");
    z.next_in = r->raw;
    z.avail_in = (uInt)n;
    size_t done = 0;
    int rc = Z_OK;
    while (rc == Z_OK && done < MAX_BLOCK) {
        room_for(&r->data, &r->data_cap, done + 4 * n + 4096);
        z.next_out = r->data + done;
        z.avail_out = (uInt)(r->data_cap - done);
        rc = inflate(&z, Z_NO_FLUSH);
        done = r->data_cap - z.avail_out;
    }
    inflateEnd(&z);
    if (rc != Z_STREAM_END)
        return broken(diags, r->name, "a deflated block cannot be inflated");
    r->p = r->data;
    r->end = r->data + done;
    return true;
}

/* 1: a block of *n records is there; 0: the file ends here; -1: an error. */
static int read_block(fd_container_reader *r, int64_t *n, fd_diags *diags)
{
    int64_t size = 0;
    int got = read_long(r, n, diags);
    if (got <= 0)
        return got;
    got = read_long(r, &size, diags);
    if (got < 0)
        return -1;
    if (got == 0 || size < 0 || size > MAX_BLOCK || *n < 0 || *n > MAX_BLOCK)
        return lost(diags, r->name, "a block's size cannot be");
    unsigned char sync[SYNC_BYTES];
    room_for(&r->raw, &r->raw_cap, (size_t)size + 1);
    if (!read_exactly(r, r->raw, (size_t)size, diags) || !read_exactly(r, sync, sizeof sync, diags))
        return -1;
    if (memcmp(sync, r->sync, SYNC_BYTES) != 0)
        return lost(diags, r->name, "a block does not end with the sync marker");
    r->p = r->raw;
    r->end = r->raw + size;
    return !r->deflated || inflate_block(r, (size_t)size, diags) ? 1 : -1;
}

int fd_container_next(fd_container_reader *r, fd_str *record, fd_diags *diags)
{
    FD_CHECK_MAGIC(r, READER_MAGIC);
    while (r->left == 0) {
        int got = r->lost ? 0 : read_block(r, &r->left, diags);
        if (got <= 0) {
            r->lost = true;
            r->left = 0;
            return got;
        }
    }
    size_t used = 0;
    fd_str rest = {(const char *)r->p, (uint32_t)(r->end - r->p)};
    fd_poison why = fd_plan_skip(r->skipper, rest, &used);
    r->n++;
    r->left--;
    bool stray = why == FD_POISON_NONE && r->left == 0 && used != rest.n;
    if (why != FD_POISON_NONE || stray) {
        char text[160];
        snprintf(text, sizeof text, "record %llu: %s", (unsigned long long)r->n,
                 fd_poison_text(stray ? FD_POISON_TRAILING_BYTES : why));
        broken(diags, r->name, text);
        r->left = 0; /* where the next record begins is lost; the next block is not */
        return -1;
    }
    *record = (fd_str){rest.p, (uint32_t)used};
    r->p += used;
    return 1;
}
