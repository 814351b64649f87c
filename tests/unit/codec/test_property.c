/*
 * Plans against Avro C, over random schemas, values, changes of schemas and damage.
 *
 * FRAUDD_PROPERTY_CASES: how many schemas; FRAUDD_PROPERTY_SEED: the first seed. A failure prints
 * the seed of its case.
 *
 * Where Avro C 1.11 is no oracle for resolution: it knows no aliases, no defaults of fields, no
 * defaults of enums (it maps symbols by number), no string to bytes and back but in unions; it
 * prefers the first branch of a union to the exact one, and cannot read fixed without bytes. There
 * the expectation comes from the change that was made (gen_check). Where it does know, its resolved
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
    for (uint32_t i = 0; i < 6; i++)
        payloads[i] = encode_one(f);
    /* rows that were something else before */
    for (uint32_t i = 6; i-- > 0;)
        assert_int_equal(fd_plan_decode(f->plan, payloads[i], f->batch), FD_POISON_NONE);
    fd_batch_reset(f->batch);
    for (uint32_t i = 0; i < 6; i++) {
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

/* --- damage --- */

static void expect_same_rows(const fd_col *c, uint32_t rows)
{
    assert_int_equal(c->n, rows);
    if (c->type->kind == FD_RECORD || c->type->kind == FD_UNION) {
        for (uint32_t i = 0; i < c->n_children; i++)
            expect_same_rows(&c->children[i], rows);
    } else if (c->n_children > 0) {
        for (uint32_t i = 0; i < c->n_children; i++)
            expect_same_rows(&c->children[i], rows == 0 ? 0 : c->v.off[rows]);
    }
}

/* What is accepted after damage is what Avro C reads, too; what must not be accepted is said by
 * `want` (NONE: either way). */
static void try_damaged(fixture *f, fd_str payload, fd_poison want)
{
    /* a copy of its own, so that ASan sees every byte read too far */
    char *copy = malloc(payload.n == 0 ? 1 : payload.n);
    FD_ALLOCATED(copy);
    if (payload.n > 0)
        memcpy(copy, payload.p, payload.n);
    fd_str p = {copy, payload.n};
    uint32_t rows = f->batch->root.n;
    fd_scan scan;
    fd_poison a = fd_plan_scan(f->plan, p, &scan);
    fd_poison b = fd_plan_decode(f->plan, p, f->batch);
    assert_int_equal(a, b);
    expect_same_rows(&f->batch->root, rows + (b == FD_POISON_NONE ? 1 : 0));
    if (want != FD_POISON_NONE)
        assert_int_equal(b, want);
    if (b == FD_POISON_NONE) {
        assert_int_equal(scan.time_us, fd_decoder_time_us(f->decoder, f->batch, rows));
        check_row(f, p, rows);
    }
    fd_batch_truncate(f->batch, rows);
    free(copy);
}

static void damage_some(fixture *f)
{
    fd_str good = encode_one(f);
    assert_int_equal(fd_plan_decode(f->plan, good, f->batch), FD_POISON_NONE);
    char *bad = malloc(good.n + 2);
    FD_ALLOCATED(bad);
    for (int i = 0; i < 24; i++) {
        memcpy(bad, good.p, good.n);
        bad[good.n] = bad[good.n + 1] = 0;
        uint32_t n = good.n;
        fd_poison want = FD_POISON_NONE;
        switch (i % 4) {
        case 0:
            n = gen_below(&f->g.rng, good.n);
            want = FD_POISON_TRUNCATED;
            break;
        case 1:
            n += 1 + gen_below(&f->g.rng, 2);
            want = FD_POISON_TRAILING_BYTES;
            break;
        case 2:
            bad[gen_below(&f->g.rng, n)] ^= (char)(1U << gen_below(&f->g.rng, 8));
            break;
        default:
            for (int k = 0; k < 3; k++)
                bad[gen_below(&f->g.rng, n)] = (char)gen_below(&f->g.rng, 256);
        }
        try_damaged(f, (fd_str){bad, n}, want);
    }
    free(bad);
    check_row(f, good, 0);
}

/* --- Avro C's own resolution --- */

/* It chooses a reader's branch at the first value set in it: for an empty list, or a record none of
 * whose fields are read, never. Such values are no oracle. */
static bool has_hole(avro_value_t *v)
{
    avro_value_t part;
    size_t n = 0;
    int which = -1;
    switch (avro_value_get_type(v)) {
    case AVRO_UNION:
        avro_value_get_discriminant(v, &which);
        return which < 0 || avro_value_get_current_branch(v, &part) != 0 || has_hole(&part);
    case AVRO_RECORD:
    case AVRO_ARRAY:
    case AVRO_MAP:
        avro_value_get_size(v, &n);
        for (size_t i = 0; i < n; i++) {
            avro_value_get_by_index(v, i, &part, NULL);
            if (has_hole(&part))
                return true;
        }
        return false;
    default:
        return false;
    }
}

static unsigned long resolved, holes;

static void resolve_some(fixture *f)
{
    size_t n;
    const char *json = fd_schema_json(f->reader, &n);
    avro_schema_t avro_r = NULL;
    assert_int_equal(avro_schema_from_json_length(json, n, &avro_r), 0);
    avro_value_iface_t *resolver = avro_resolved_writer_new(f->avro_w, avro_r);
    if (resolver == NULL) {
        print_error("Avro C: %s\n", avro_strerror());
        explain(f);
        fail();
    }
    avro_value_iface_t *iface = avro_generic_class_from_schema(avro_r);
    for (uint32_t i = 0; i < 3; i++) {
        fd_str payload = encode_one(f);
        assert_int_equal(fd_plan_decode(f->plan, payload, f->batch), FD_POISON_NONE);
        avro_value_t v, to;
        avro_generic_value_new(iface, &to);
        avro_resolved_writer_new_value(resolver, &v);
        avro_resolved_writer_set_dest(&v, &to);
        avro_reader_t in = avro_reader_memory(payload.p, payload.n);
        assert_int_equal(avro_value_read(in, &v), 0);
        /* the value is of the reader's schema: where its types came from does not matter now */
        for (int k = 0; k < f->g.n_types; k++) {
            f->g.types[k]->from = NULL;
            f->g.types[k]->wrapped = -1;
        }
        bool hole = has_hole(&to);
        holes += hole;
        resolved++;
        if (!hole)
            gen_check(f->r, &to, &f->batch->root, i);
        avro_reader_free(in);
        avro_value_decref(&v);
        avro_value_decref(&to);
    }
    avro_value_iface_decref(iface);
    avro_value_iface_decref(resolver);
    avro_schema_decref(avro_r);
}

/* --- cases --- */

static uint64_t current_seed;

static void over_cases(uint64_t cases, change how, void (*act)(fixture *))
{
    uint64_t first = env_number("FRAUDD_PROPERTY_SEED", 1);
    for (uint64_t i = 0; i < cases; i++) {
        fixture f;
        current_seed = first + i;
        setup_case(&f, current_seed, how);
        if (getenv("FRAUDD_PROPERTY_VERBOSE") != NULL)
            explain(&f);
        act(&f);
        teardown_case(&f);
    }
}

static int say_seed(void **state)
{
    (void)state;
    print_message("last seed %llu\n", (unsigned long long)current_seed);
    return 0;
}

static void test_same_schema(void **state)
{
    (void)state;
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000), SAME, decode_some);
}

static void test_resolved_by_avro_c(void **state)
{
    (void)state;
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000), SIMPLE, resolve_some);
    print_message("%lu values resolved by Avro C, %lu of them left unset by it\n", resolved, holes);
    assert_true(holes * 4 < resolved);
}

static void test_damage(void **state)
{
    (void)state;
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000), SAME, damage_some);
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000) / 2, ANY, damage_some);
}

static void test_changed_schema(void **state)
{
    (void)state;
    over_cases(env_number("FRAUDD_PROPERTY_CASES", 4000), ANY, decode_some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_same_schema, say_seed),
        cmocka_unit_test_teardown(test_changed_schema, say_seed),
        cmocka_unit_test_teardown(test_resolved_by_avro_c, say_seed),
        cmocka_unit_test_teardown(test_damage, say_seed),
    };
    return cmocka_run_group_tests_name("codec.property", tests, NULL, NULL);
}
