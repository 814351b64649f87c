/*
 * Plans against Avro C, over random schemas, values, changes of schemas and damage.
 *
 * FRAUDD_PROPERTY_CASES: how many schemas; FRAUDD_PROPERTY_SEED: the first seed. A failure prints
 * the seed of its case.
 *
 * Where Avro C 1.11 is no oracle for resolution: it knows no aliases, no defaults of fields, no
 * defaults of enums (it maps symbols by number), no string to bytes and back. There the
 * expectation comes from the change that was made (gen_check). Where it does know, its resolved
 * writer is asked as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "gen.h"

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

typedef struct fixture {
    gen g;
    gen_type *w, *r;
    fd_diags diags;
    fd_schema *writer, *reader;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_batch *batch;
    avro_schema_t avro_w;
    avro_value_iface_t *iface;
    char *bufs[8];
    size_t sizes[8];
    int n;
} fixture;

static fd_schema *parse(fixture *f, const gen_type *t, fd_strbuf *text)
{
    fd_strbuf_reset(text);
    gen_json(t, text);
    fd_schema *s = fd_schema_parse(text->p, text->n, NULL, &f->diags);
    if (s == NULL || f->diags.errors > 0) {
        fd_strbuf out = {0};
        fd_diags_render(&f->diags, &out);
        print_error("%s\n%s\n", text->p, out.p);
        fail();
    }
    return s;
}

static void explain(fixture *f)
{
    fd_strbuf out = {0};
    size_t n;
    fd_diags_render(&f->diags, &out);
    print_error("%s\nwriter %s\nreader %s\n", out.p == NULL ? "" : out.p,
                fd_schema_json(f->writer, &n), fd_schema_json(f->reader, &n));
    fd_strbuf_free(&out);
}

typedef enum change { SAME, SIMPLE, ANY } change;

static void setup_case(fixture *f, uint64_t seed, change how)
{
    *f = (fixture){0};
    fd_strbuf text = {0};
    gen_begin(&f->g, seed);
    fd_diags_init(&f->diags);
    f->g.simple_changes = how == SIMPLE;
    f->w = gen_schema(&f->g);
    f->r = how == SAME ? f->w : gen_change(&f->g, f->w);
    f->writer = parse(f, f->w, &text);
    if (avro_schema_from_json_length(text.p, text.n, &f->avro_w) != 0) {
        print_error("Avro C: %s\n%s\n", avro_strerror(), text.p);
        fail();
    }
    f->reader = parse(f, f->r, &text);
    fd_strbuf_free(&text);
    f->decoder = fd_decoder_new(f->reader, FD_STR("id"), FD_STR("ts"), &f->diags);
    f->plan = f->decoder == NULL ? NULL : fd_plan_new(f->decoder, f->writer, &f->diags);
    if (f->plan == NULL) {
        explain(f);
        fail();
    }
    f->batch = fd_batch_new(fd_schema_type(f->reader), 16, 1000);
    f->iface = avro_generic_class_from_schema(f->avro_w);
}

static void teardown_case(fixture *f)
{
    for (int i = 0; i < f->n; i++)
        free(f->bufs[i]);
    avro_value_iface_decref(f->iface);
    avro_schema_decref(f->avro_w);
    fd_batch_free(f->batch);
    fd_plan_free(f->plan);
    fd_decoder_free(f->decoder);
    fd_schema_free(f->reader);
    fd_schema_free(f->writer);
    fd_diags_free(&f->diags);
    gen_end(&f->g);
}

/* A random value, encoded by Avro C; exactly as large as its buffer, so that ASan sees overruns. */
static fd_str encode_one(fixture *f)
{
    avro_value_t v;
    avro_generic_value_new(f->iface, &v);
    gen_fill(&f->g, f->w, &v, 0);
    size_t size = 0;
    assert_int_equal(avro_value_sizeof(&v, &size), 0);
    char *buf = malloc(size == 0 ? 1 : size);
    FD_ALLOCATED(buf);
    avro_writer_t out = avro_writer_memory(buf, (int64_t)size);
    assert_int_equal(avro_value_write(out, &v), 0);
    avro_writer_free(out);
    avro_value_decref(&v);
    f->bufs[f->n] = buf;
    f->sizes[f->n++] = size;
    return (fd_str){buf, (uint32_t)size};
}

static void check_row(fixture *f, fd_str payload, uint32_t row)
{
    avro_value_t v;
    avro_generic_value_new(f->iface, &v);
    avro_reader_t in = avro_reader_memory(payload.p, payload.n);
    assert_int_equal(avro_value_read(in, &v), 0);
    avro_reader_free(in);
    gen_check(f->r, &v, &f->batch->root, row);
    avro_value_decref(&v);
}

static void decode_some(fixture *f)
{
    fd_str payloads[6];
    for (uint32_t i = 0; i < 6; i++) {
        payloads[i] = encode_one(f);
        fd_scan scan;
        fd_poison a = fd_plan_scan(f->plan, payloads[i], &scan);
        fd_poison b = fd_plan_decode(f->plan, payloads[i], f->batch);
        if (a != FD_POISON_NONE || b != a) {
            print_error("scan %d decode %d\n", a, b);
            explain(f);
            fail();
        }
        assert_int_equal(scan.time_us, fd_decoder_time_us(f->decoder, f->batch, i));
        assert_true(fd_str_eq_c(fd_decoder_id(f->decoder, f->batch, i), "id-1"));
    }
    for (uint32_t i = 0; i < 6; i++)
        check_row(f, payloads[i], i);
}

static void over_cases(uint64_t cases, change how, void (*act)(fixture *))
{
    uint64_t first = env_number("FRAUDD_PROPERTY_SEED", 1);
    static uint64_t current;
    for (uint64_t i = 0; i < cases; i++) {
        fixture f;
        current = first + i;
        if (getenv("FRAUDD_PROPERTY_VERBOSE") != NULL)
            print_message("seed %llu\n", (unsigned long long)current);
        setup_case(&f, current, how);
        if (getenv("FRAUDD_PROPERTY_VERBOSE") != NULL)
            explain(&f);
        act(&f);
        teardown_case(&f);
    }
}

static void test_same_schema(void **state)
{
    (void)state;
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000), SAME, decode_some);
}

static void test_changed_schema(void **state)
{
    (void)state;
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000), ANY, decode_some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_schema),
        cmocka_unit_test(test_changed_schema),
    };
    return cmocka_run_group_tests_name("codec.property", tests, NULL, NULL);
}
