/*
 * Container files: written and read back, by Avro C too in both directions, and damaged in every
 * byte.
 */
#include <avro.h>
#include <unistd.h>

#include "codec/container.h"
#include "support.h"

static const char schema_text[] =
    "{'type':'record','name':'n.E','doc':'kept','fields':["
    "{'name':'id','type':'string'},{'name':'at','type':{'type':'long','logicalType':"
    "'timestamp-millis'}},{'name':'more','type':['null','double'],'default':null,"
    "'aliases':['less']}]}";

typedef struct file {
    char path[64];
    fd_schema *schema;
    fd_diags diags;
} file;

static void file_open(file *f)
{
    *f = (file){.path = "/tmp/fraudd-test-container-XXXXXX"};
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    f->schema = support_schema(schema_text);
    fd_diags_init(&f->diags);
}

static void file_close(file *f)
{
    unlink(f->path);
    fd_schema_free(f->schema);
    fd_diags_free(&f->diags);
}

/* The i-th record: id "r<i>", at i, more null for odd i. */
static void record(int i, fd_strbuf *out)
{
    char json[128];
    snprintf(json, sizeof json, "{\"id\":\"r%d\",\"at\":%d%s}", i, i,
             i % 2 == 0 ? ",\"more\":0.5" : "");
    fd_schema *s = support_schema(schema_text);
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf_reset(out);
    assert_true(fd_json_to_avro(s, json, strlen(json), 1, out, &d));
    fd_diags_free(&d);
    fd_schema_free(s);
}

static void write_records(file *f, fd_container_codec codec, int n)
{
    fd_container *c = fd_container_create(f->path, f->schema, codec, &f->diags);
    assert_non_null(c);
    fd_strbuf bytes = {0};
    for (int i = 0; i < n; i++) {
        record(i, &bytes);
        assert_true(fd_container_append(c, (fd_str){bytes.p, (uint32_t)bytes.n}, &f->diags));
    }
    fd_strbuf_free(&bytes);
    assert_true(fd_container_finish(c, &f->diags));
}

/* How many records come before the end or an error; each must be the one that was written. */
static int read_records(file *f, bool *good)
{
    fd_rows *r = fd_rows_open(f->path, NULL, FD_ROWS_AVRO, &f->diags);
    *good = false;
    if (r == NULL)
        return -1;
    int n = 0, got;
    fd_str bytes;
    fd_strbuf want = {0};
    while ((got = fd_rows_next(r, &bytes, &f->diags)) == 1) {
        record(n++, &want);
        if (bytes.n != want.n || memcmp(bytes.p, want.p, want.n) != 0)
            break; /* damage inside a value, which only the value's reader can see */
    }
    *good = got == 0;
    fd_strbuf_free(&want);
    fd_rows_close(r);
    return n;
}

static void slurp(const char *path, fd_strbuf *out)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fd_strbuf_reset(out);
    for (int c; (c = getc(f)) != EOF;)
        fd_strbuf_putc(out, (char)c);
    fclose(f);
}

static void spill(const char *path, const char *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 20000}; /* several blocks */
    for (int codec = FD_CODEC_NULL; codec <= FD_CODEC_DEFLATE; codec++) {
        for (int i = 0; i < 4; i++) {
            file f;
            bool good;
            file_open(&f);
            write_records(&f, (fd_container_codec)codec, counts[i]);
            assert_int_equal(read_records(&f, &good), counts[i]);
            assert_true(good);
            assert_int_equal(f.diags.n, 0);
            file_close(&f);
        }
    }
}

/* The schema in the file is the text it was made of: aliases, defaults, logical types, docs. */
static void test_schema_is_kept(void **state)
{
    (void)state;
    file f;
    file_open(&f);
    write_records(&f, FD_CODEC_DEFLATE, 3);
    fd_rows *r = fd_rows_open(f.path, f.schema, FD_ROWS_AVRO, &f.diags);
    assert_non_null(r);
    size_t n, m;
    const char *inside = fd_schema_json(fd_rows_schema(r), &n);
    const char *outside = fd_schema_json(f.schema, &m);
    assert_int_equal(n, m);
    assert_memory_equal(inside, outside, n);
    fd_rows_close(r);
    file_close(&f);
}

static void test_equal_records_make_equal_files(void **state)
{
    (void)state;
    for (int codec = FD_CODEC_NULL; codec <= FD_CODEC_DEFLATE; codec++) {
        file a, b;
        fd_strbuf x = {0}, y = {0};
        file_open(&a);
        file_open(&b);
        write_records(&a, (fd_container_codec)codec, 100);
        write_records(&b, (fd_container_codec)codec, 100);
        slurp(a.path, &x);
        slurp(b.path, &y);
        assert_int_equal(x.n, y.n);
        assert_memory_equal(x.p, y.p, x.n);
        file_close(&a);
        file_close(&b);
        fd_strbuf_free(&x);
        fd_strbuf_free(&y);
    }
}

/* --- Avro C on the other side --- */

static void test_avro_c_reads_ours(void **state)
{
    (void)state;
    for (int codec = FD_CODEC_NULL; codec <= FD_CODEC_DEFLATE; codec++) {
        file f;
        file_open(&f);
        write_records(&f, (fd_container_codec)codec, 5000);
        avro_file_reader_t in = NULL;
        assert_int_equal(avro_file_reader(f.path, &in), 0);
        avro_schema_t schema = avro_file_reader_get_writer_schema(in);
        avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
        avro_value_t v, id;
        avro_generic_value_new(iface, &v);
        int n = 0;
        for (; avro_file_reader_read_value(in, &v) == 0; n++) {
            char want[16];
            const char *text = NULL;
            size_t size = 0;
            snprintf(want, sizeof want, "r%d", n);
            avro_value_get_by_name(&v, "id", &id, NULL);
            avro_value_get_string(&id, &text, &size);
            assert_string_equal(text, want);
            avro_value_reset(&v);
        }
        assert_int_equal(n, 5000);
        avro_value_decref(&v);
        avro_value_iface_decref(iface);
        avro_schema_decref(schema);
        avro_file_reader_close(in);
        file_close(&f);
    }
}

static void fill(avro_value_t *v, int i)
{
    avro_value_t field, branch;
    char id[16];
    snprintf(id, sizeof id, "r%d", i);
    avro_value_get_by_name(v, "id", &field, NULL);
    avro_value_set_string(&field, id);
    avro_value_get_by_name(v, "at", &field, NULL);
    avro_value_set_long(&field, i);
    avro_value_get_by_name(v, "more", &field, NULL);
    avro_value_set_branch(&field, i % 2 == 0, &branch);
    if (i % 2 == 0)
        avro_value_set_double(&branch, 0.5);
    else
        avro_value_set_null(&branch);
}

static void test_we_read_avro_c(void **state)
{
    (void)state;
    static const char *const codecs[] = {"null", "deflate"};
    for (int k = 0; k < 2; k++) {
        file f;
        bool good;
        file_open(&f);
        size_t n;
        const char *json = fd_schema_json(f.schema, &n);
        avro_schema_t schema = NULL;
        assert_int_equal(avro_schema_from_json_length(json, n, &schema), 0);
        unlink(f.path);
        avro_file_writer_t out = NULL;
        assert_int_equal(avro_file_writer_create_with_codec(f.path, schema, &out, codecs[k], 1000),
                         0);
        avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
        avro_value_t v;
        avro_generic_value_new(iface, &v);
        for (int i = 0; i < 2000; i++) {
            fill(&v, i);
            assert_int_equal(avro_file_writer_append_value(out, &v), 0);
        }
        avro_file_writer_close(out);
        avro_value_decref(&v);
        avro_value_iface_decref(iface);
        avro_schema_decref(schema);
        assert_int_equal(read_records(&f, &good), 2000);
        assert_true(good);
        file_close(&f);
    }
}

/* --- damage --- */

/* The length of the header: all up to the first block of `bytes`. */
static size_t header_of(const fd_strbuf *bytes)
{
    file empty;
    fd_strbuf head = {0};
    file_open(&empty);
    write_records(&empty, FD_CODEC_NULL, 0);
    slurp(empty.path, &head);
    size_t n = head.n;
    assert_true(n < bytes->n);
    assert_memory_equal(head.p, bytes->p, n);
    fd_strbuf_free(&head);
    file_close(&empty);
    return n;
}

/* Cut anywhere but between blocks, a file is damaged, and says so; what stands before is read. */
static void test_every_cut(void **state)
{
    (void)state;
    file f;
    fd_strbuf whole = {0};
    file_open(&f);
    write_records(&f, FD_CODEC_NULL, 3);
    slurp(f.path, &whole);
    size_t head = header_of(&whole);
    for (size_t cut = 0; cut <= whole.n; cut++) {
        bool good;
        spill(f.path, whole.p, cut);
        fd_diags_free(&f.diags);
        fd_diags_init(&f.diags);
        int n = read_records(&f, &good);
        if (cut < head) {
            assert_int_equal(n, -1);
        } else {
            assert_int_equal(n, cut == whole.n ? 3 : 0);
            assert_int_equal(good, cut == head || cut == whole.n);
        }
        assert_int_equal(f.diags.errors, good ? 0 : 1);
    }
    fd_strbuf_free(&whole);
    file_close(&f);
}

/* A flipped bit: an error that names the file, or a changed value; never more records, never a
 * crash (the sanitizers look on). */
static void test_flipped_bits(void **state)
{
    (void)state;
    for (int codec = FD_CODEC_NULL; codec <= FD_CODEC_DEFLATE; codec++) {
        file f;
        fd_strbuf whole = {0};
        file_open(&f);
        write_records(&f, (fd_container_codec)codec, 3);
        slurp(f.path, &whole);
        for (size_t i = 0; i < whole.n * 8; i += 7) { /* another bit of every byte */
            bool good;
            whole.p[i / 8] ^= (char)(1 << i % 8);
            spill(f.path, whole.p, whole.n);
            fd_diags_free(&f.diags);
            fd_diags_init(&f.diags);
            assert_in_range(read_records(&f, &good) + 1, 0, 4);
            if (f.diags.errors > 0)
                assert_non_null(strstr(support_said(&f.diags), f.path));
            whole.p[i / 8] ^= (char)(1 << i % 8);
        }
        fd_strbuf_free(&whole);
        file_close(&f);
    }
}

static void add_text(fd_strbuf *b, const char *text)
{
    fd_strbuf_putc(b, (char)(2 * strlen(text)));
    fd_strbuf_puts(b, text);
}

#define ONE_INT \
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"i\",\"type\":\"int\"}]}"
#define SYNC "0123456789abcdef"

/* A file by hand: metadata, then blocks in hex. */
static void by_hand(file *f, const char *codec, const char *block_hex, const char *sync)
{
    fd_strbuf b = {0};
    fd_strbuf_puts(&b, "Obj");
    fd_strbuf_putc(&b, 1);
    fd_strbuf_putc(&b, codec == NULL ? 2 : 4);
    add_text(&b, "avro.schema");
    fd_strbuf_putc(&b, (char)(0x80 | (2 * strlen(ONE_INT) & 0x7f)));
    fd_strbuf_putc(&b, (char)(2 * strlen(ONE_INT) >> 7));
    fd_strbuf_puts(&b, ONE_INT);
    if (codec != NULL) {
        add_text(&b, "avro.codec");
        add_text(&b, codec);
    }
    fd_strbuf_putc(&b, 0);
    fd_strbuf_puts(&b, SYNC);
    support_hex(block_hex, &b);
    fd_strbuf_puts(&b, sync);
    spill(f->path, b.p, b.n);
    fd_strbuf_free(&b);
}

/* Records read, and what is said of the file. */
static void expect_by_hand(const char *codec, const char *block_hex, const char *sync, int records,
                           const char *part)
{
    file f;
    file_open(&f);
    by_hand(&f, codec, block_hex, sync);
    fd_rows *r = fd_rows_open(f.path, NULL, FD_ROWS_AVRO, &f.diags);
    int n = r == NULL ? -1 : 0, got = 1;
    fd_str bytes;
    while (r != NULL && (got = fd_rows_next(r, &bytes, &f.diags)) == 1)
        n++;
    assert_int_equal(n, records);
    assert_int_equal(got == 0, part == NULL);
    if (part != NULL && strstr(support_said(&f.diags), part) == NULL)
        print_error("said: %s\n", support_said(&f.diags));
    if (part != NULL)
        assert_non_null(strstr(support_said(&f.diags), part));
    if (r != NULL && got < 0)
        assert_int_equal(fd_rows_next(r, &bytes, &f.diags),
                         0); /* nothing is made of what is left */
    fd_rows_close(r);
    file_close(&f);
}

static void test_blocks_by_hand(void **state)
{
    (void)state;
    expect_by_hand("null", "04 04 02 04", SYNC, 2, NULL);
    expect_by_hand(NULL, "04 04 02 04", SYNC, 2, NULL); /* the codec may be left out */
    expect_by_hand("null", "", "", 0, NULL);
    expect_by_hand("null", "00 00", SYNC, 0, NULL); /* an empty block */
    expect_by_hand("null", "04 04 02 04", "0123456789abcdeX", 0,
                   "does not end with the sync marker");
    expect_by_hand("null", "04 06 02 04", SYNC, 0, "it ends too early");
    expect_by_hand("null", "02 04 02 04", SYNC, 0, "record 1: bytes are left over");
    expect_by_hand("null", "06 04 02 04", SYNC, 2, "record 3: the value ends inside a field");
    expect_by_hand("null", "04 04 80 04", SYNC, 1, "record 2: the value ends inside a field");
    expect_by_hand("null", "03 04 02 04", SYNC, 0, "a block's size cannot be");
    expect_by_hand("null", "04 03 02 04", SYNC, 0, "a block's size cannot be");
    expect_by_hand("null", "04 feffffffff0f", "", 0, "a block's size cannot be");
    expect_by_hand("null", "ffffffffffffffffffff01", "", 0, "a number is too long");
    expect_by_hand("null", "8080808020 00", SYNC, 0, "a block's size cannot be"); /* 2^32 records */
    expect_by_hand("null", "04", "", 0, "a block's size cannot be");
    expect_by_hand("deflate", "04 08 63620100", SYNC, 2, NULL);
    expect_by_hand("deflate", "04 06 636201", SYNC, 0, "a deflated block cannot be inflated");
    expect_by_hand("deflate", "04 04 02 04", SYNC, 0, "a deflated block cannot be inflated");
    expect_by_hand("snappy", "04 04 02 04", SYNC, -1,
                   "only the codecs null and deflate can be read, its codec is: snappy");
}

static void expect_no_file(const char *hex, const char *part)
{
    file f;
    fd_strbuf b = {0};
    file_open(&f);
    support_hex(hex, &b);
    spill(f.path, b.n == 0 ? "" : b.p, b.n);
    assert_null(fd_rows_open(f.path, NULL, FD_ROWS_AVRO, &f.diags));
    if (strstr(support_said(&f.diags), part) == NULL)
        print_error("said: %s\n", support_said(&f.diags));
    assert_non_null(strstr(support_said(&f.diags), part));
    assert_int_equal(f.diags.errors, 1);
    fd_strbuf_free(&b);
    file_close(&f);
}

static void test_headers(void **state)
{
    (void)state;
    expect_no_file("", "this is no Avro container file");
    expect_no_file("4f626a00", "this is no Avro container file");
    expect_no_file("50415231", "this is no Avro container file"); /* Parquet */
    expect_no_file("4f626a01", "it ends in the header");
    expect_no_file("4f626a01 00", "the header has no schema");
    expect_no_file("4f626a01 02 02 61 02 62 00", "the header has no schema");
    expect_no_file("4f626a01 02 01", "a length in the header cannot be");
    expect_no_file("4f626a01 02 feffffffff0f", "a length in the header cannot be");
    expect_no_file("4f626a01 02 08 6161", "it ends too early");
    expect_no_file("4f626a01 ffffffffffffffffff01 00", "cannot be"); /* the least long */
    expect_no_file("4f626a01 02 16 6176726f2e736368656d61 04 7b7d", "a type without \"type\"");
}

static void test_paths(void **state)
{
    (void)state;
    file f;
    file_open(&f);
    assert_null(fd_container_create("/nowhere/at/all.avro", f.schema, FD_CODEC_NULL, &f.diags));
    assert_non_null(strstr(support_said(&f.diags), "cannot write the file: No such file"));
    assert_null(fd_rows_open("/nowhere/at/all.avro", NULL, FD_ROWS_AUTO, &f.diags));
    assert_int_equal(f.diags.errors, 2);
    /* a full disk is noticed, at the latest when the file is finished */
    if (access("/dev/full", W_OK) == 0) {
        fd_container *c = fd_container_create("/dev/full", f.schema, FD_CODEC_NULL, &f.diags);
        assert_non_null(c);
        assert_false(fd_container_finish(c, &f.diags));
        assert_non_null(strstr(support_said(&f.diags), "cannot write: No space left"));
    }
    file_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_schema_is_kept),
        cmocka_unit_test(test_equal_records_make_equal_files),
        cmocka_unit_test(test_avro_c_reads_ours),
        cmocka_unit_test(test_we_read_avro_c),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_blocks_by_hand),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests_name("codec.container", tests, NULL, NULL);
}
