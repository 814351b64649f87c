/* Decisions, encoded by the plan and read back by Avro C: equal to the struct, byte for byte equal
 * to what Avro C writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <avro.h>
#include <cmocka.h>

#include "base/assert.h"
#include "codec/encode.h"
#include "decision_gen.h"
#include "gen.h"

static fd_schema *embedded(fd_diags *diags)
{
    size_t n;
    const char *text = fd_embedded_decision_schema(&n);
    fd_schema *s = fd_schema_parse(text, n, "decision.avsc", diags);
    assert_non_null(s);
    assert_int_equal(diags->errors + diags->warnings, 0);
    return s;
}

static void get(avro_value_t *v, const char *field, avro_value_t *out)
{
    assert_int_equal(avro_value_get_by_name(v, field, out, NULL), 0);
}

static void expect_text(avro_value_t *v, fd_str want)
{
    const char *s = NULL;
    size_t n = 0;
    assert_int_equal(avro_value_get_string(v, &s, &n), 0);
    assert_int_equal(n - 1, want.n);
    if (want.n > 0)
        assert_memory_equal(s, want.p, want.n);
}

static void expect_text_field(avro_value_t *v, const char *field, fd_str want)
{
    avro_value_t f;
    get(v, field, &f);
    expect_text(&f, want);
}

static void expect_double(avro_value_t *v, const char *field, double want)
{
    avro_value_t f;
    double d = 0;
    get(v, field, &f);
    avro_value_get_double(&f, &d);
    assert_memory_equal(&d, &want, sizeof d);
}

static void expect_symbol(avro_value_t *v, const char *want)
{
    int i = -1;
    assert_int_equal(avro_value_get_enum(v, &i), 0);
    assert_string_equal(avro_schema_enum_get(avro_value_get_schema(v), i), want);
}

static void expect_hit(avro_value_t *v, const fd_rule_hit *h)
{
    avro_value_t f, b;
    int which = 0;
    expect_text_field(v, "id", h->id);
    expect_double(v, "score", h->score);
    get(v, "action", &f);
    avro_value_get_discriminant(&f, &which);
    assert_int_equal(which, h->has_action);
    avro_value_get_current_branch(&f, &b);
    if (h->has_action)
        expect_symbol(&b, fd_action_symbol(h->action));
    get(v, "mode", &f);
    expect_symbol(&f, h->mode == FD_MODE_LIVE ? "LIVE" : "SHADOW");
    get(v, "message", &f);
    avro_value_get_discriminant(&f, &which);
    assert_int_equal(which, h->message.p != NULL);
    avro_value_get_current_branch(&f, &b);
    if (h->message.p != NULL)
        expect_text(&b, h->message);
}

static void expect_feature(avro_value_t *v, const fd_feature_value *want)
{
    avro_value_t b;
    int which = -1, flag = 0;
    int64_t i = 0;
    double d = 0;
    avro_value_get_discriminant(v, &which);
    assert_int_equal(which, want->kind); /* the schema has them in the enum's order */
    avro_value_get_current_branch(v, &b);
    switch (want->kind) {
    case FD_V_NULL:
        break;
    case FD_V_LONG:
        avro_value_get_long(&b, &i);
        assert_true(i == want->v.i);
        break;
    case FD_V_DOUBLE:
        avro_value_get_double(&b, &d);
        assert_memory_equal(&d, &want->v.d, sizeof d);
        break;
    case FD_V_BOOL:
        avro_value_get_boolean(&b, &flag);
        assert_int_equal(flag, want->v.b);
        break;
    case FD_V_STRING:
        expect_text(&b, want->v.s);
        break;
    }
}

static size_t expect_list(avro_value_t *v, const char *field, size_t want, avro_value_t *list)
{
    size_t n = 0;
    get(v, field, list);
    avro_value_get_size(list, &n);
    assert_int_equal(n, want);
    return n;
}

static void expect_lists(avro_value_t *v, const fd_decision *d)
{
    avro_value_t list, item;
    const char *key = NULL;
    for (size_t i = 0, n = expect_list(v, "reasons", d->verdict.n_reasons, &list); i < n; i++) {
        avro_value_get_by_index(&list, i, &item, NULL);
        expect_text(&item, d->verdict.reasons[i]);
    }
    for (size_t i = 0, n = expect_list(v, "rules", d->verdict.n_hits, &list); i < n; i++) {
        avro_value_get_by_index(&list, i, &item, NULL);
        expect_hit(&item, &d->verdict.hits[i]);
    }
    for (size_t i = 0, n = expect_list(v, "models", d->n_models, &list); i < n; i++) {
        avro_value_get_by_index(&list, i, &item, NULL);
        expect_text_field(&item, "id", d->models[i].id);
        expect_text_field(&item, "version", d->models[i].version);
        expect_double(&item, "score", d->models[i].score);
    }
    for (size_t i = 0, n = expect_list(v, "features", d->n_features, &list); i < n; i++) {
        avro_value_get_by_index(&list, i, &item, &key);
        assert_true(fd_str_eq_c(d->features[i].name, key));
        expect_feature(&item, &d->features[i]);
    }
    size_t at = 0;
    size_t n = expect_list(v, "flags", (size_t)__builtin_popcount(d->flags), &list);
    for (int f = 0; f < FD_N_FLAGS; f++) {
        if ((d->flags & FD_FLAG_BIT(f)) == 0)
            continue;
        assert_true(at < n);
        avro_value_get_by_index(&list, at++, &item, NULL);
        expect_symbol(&item, fd_flag_name((fd_flag)f));
    }
}

static void expect_decision(avro_value_t *v, const fd_decision *d)
{
    avro_value_t f;
    int64_t ms = 0;
    expect_text_field(v, "id", d->id);
    expect_text_field(v, "event_id", d->event_id);
    get(v, "event_time", &f);
    avro_value_get_long(&f, &ms);
    assert_true(ms == d->event_time_ms);
    get(v, "action", &f);
    expect_symbol(&f, fd_action_symbol(d->verdict.action));
    expect_double(v, "score", d->verdict.score);
    expect_lists(v, d);
    expect_text_field(v, "ruleset", d->ruleset);
    expect_text_field(v, "models_hash", d->models_hash);
    expect_text_field(v, "lists_hash", d->lists_hash);
    expect_text_field(v, "config_hash", d->config_hash);
    expect_text_field(v, "engine", d->engine);
}

static void test_read_back_by_avro_c(void **state)
{
    (void)state;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *s = embedded(&diags);
    fd_encoder *e = fd_encoder_new(s, &diags);
    assert_non_null(e);
    size_t n;
    const char *json = fd_schema_json(s, &n);
    avro_schema_t avro = NULL;
    assert_int_equal(avro_schema_from_json_length(json, n, &avro), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(avro);
    fd_arena *arena = fd_arena_new(4096, 0);
    const char *cases = getenv("FRAUDD_PROPERTY_CASES");
    unsigned long count = cases == NULL ? 4000 : strtoul(cases, NULL, 10);
    for (unsigned long seed = 1; seed <= count; seed++) {
        gen_rng rng = {seed};
        fd_arena_reset(arena);
        const fd_decision *d = decision_gen(&rng, arena);
        fd_str bytes = fd_encode_decision(e, d, arena);
        assert_non_null(bytes.p);
        avro_value_t v;
        avro_generic_value_new(iface, &v);
        avro_reader_t in = avro_reader_memory(bytes.p, bytes.n);
        assert_int_equal(avro_value_read(in, &v), 0);
        expect_decision(&v, d);
        size_t size = 0;
        avro_value_sizeof(&v, &size);
        assert_int_equal(size, bytes.n);
        char *again = malloc(size);
        avro_writer_t out = avro_writer_memory(again, (int64_t)size);
        assert_int_equal(avro_value_write(out, &v), 0);
        assert_memory_equal(again, bytes.p, size);
        free(again);
        avro_writer_free(out);
        avro_reader_free(in);
        avro_value_decref(&v);
    }
    fd_arena_free(arena);
    avro_value_iface_decref(iface);
    avro_schema_decref(avro);
    fd_encoder_free(e);
    fd_schema_free(s);
    fd_diags_free(&diags);
}

static void test_arena_limit(void **state)
{
    (void)state;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *s = embedded(&diags);
    fd_encoder *e = fd_encoder_new(s, &diags);
    fd_arena *roomy = fd_arena_new(4096, 0);
    fd_arena *tight = fd_arena_new(256, 512);
    gen_rng rng = {1};
    fd_decision d = *decision_gen(&rng, roomy);
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text);
    d.event_id = (fd_str){long_text, sizeof long_text};
    assert_null(fd_encode_decision(e, &d, tight).p);
    assert_non_null(fd_encode_decision(e, &d, roomy).p);
    fd_arena_free(roomy);
    fd_arena_free(tight);
    fd_encoder_free(e);
    fd_schema_free(s);
    fd_diags_free(&diags);
}

/* The schema with one word changed: what must the error say? */
static void expect_refused(const char *from, const char *to, const char *error)
{
    fd_diags diags;
    fd_diags_init(&diags);
    size_t n;
    const char *text = fd_embedded_decision_schema(&n);
    const char *at = strstr(text, from);
    assert_non_null(at);
    fd_strbuf json = {0};
    fd_strbuf_add(&json, text, (size_t)(at - text));
    fd_strbuf_puts(&json, to);
    fd_strbuf_puts(&json, at + strlen(from));
    fd_schema *s = fd_schema_parse(json.p, json.n, "d.avsc", &diags);
    assert_non_null(s);
    assert_null(fd_encoder_new(s, &diags));
    assert_true(diags.errors > 0);
    assert_non_null(strstr(diags.items[0].text, error));
    fd_schema_free(s);
    fd_strbuf_free(&json);
    fd_diags_free(&diags);
}

static void test_schema_must_fit(void **state)
{
    (void)state;
    expect_refused("\"event_id\", \"type\": \"string\"", "\"event_id\", \"type\": \"bytes\"",
                   "fraudd.Decision.event_id must be string");
    expect_refused("\"name\": \"engine\"", "\"name\": \"motor\"", "decisions have no such field");
    expect_refused("\"BLOCK\"", "\"STOP\"", "fraudd.Decision.action must be an enum");
    expect_refused("[\"null\", \"long\", \"double\", \"boolean\", \"string\"]",
                   "[\"null\", \"long\", \"double\", \"string\"]", "features must be a map");
    expect_refused("\"timestamp-millis\"", "\"timestamp-micros\"", "event_time must be long with");
    expect_refused("\"name\": \"version\"", "\"name\": \"release\"", "fraudd.ModelScore.release");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_back_by_avro_c),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_schema_must_fit),
    };
    return cmocka_run_group_tests_name("codec.encode", tests, NULL, NULL);
}
