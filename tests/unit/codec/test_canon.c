/*
 * The Parsing Canonical Form and its CRC-64-AVRO: the values that Avro publishes for its own
 * implementations (share/test/data/schema-tests.txt of its sources), and what the content hash
 * depends on and what not.
 */
#include "codec/schema_int.h"

#include "support.h"

typedef struct known {
    const char *input, *canonical;
    int64_t fingerprint;
} known;

#define FOO(more) "{\"fields\":[], \"type\":\"record\", \"name\":\"foo\"" more "}"
#define FOO_CANON "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}"

static const known types[] = {
    {"\"null\"", "\"null\"", 7195948357588979594},
    {"{\"type\":\"null\"}", "\"null\"", 7195948357588979594},
    {"\"boolean\"", "\"boolean\"", -6970731678124411036},
    {"\"int\"", "\"int\"", 8247732601305521295},
    {"{\"type\":\"long\"}", "\"long\"", -3434872931120570953},
    {"\"float\"", "\"float\"", 5583340709985441680},
    {"\"double\"", "\"double\"", -8181574048448539266},
    {"\"bytes\"", "\"bytes\"", 5746618253357095269},
    {"{\"type\":\"string\"}", "\"string\"", -8142146995180207161},
    {"[ \"int\"  ]", "[\"int\"]", -5232228896498058493},
    {"[ \"int\" , {\"type\":\"boolean\"} ]", "[\"int\",\"boolean\"]", 5392556393470105090},
    {"{\"type\":\"enum\", \"name\":\"foo\", \"symbols\":[\"A1\"]}",
     "{\"name\":\"foo\",\"type\":\"enum\",\"symbols\":[\"A1\"]}", -6342190197741309591},
    {"{\"namespace\":\"x.y.z\", \"type\":\"enum\", \"name\":\"foo\", \"doc\":\"foo bar\", "
     "\"symbols\":[\"A1\", \"A2\"]}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}",
     -4448647247586288245},
    {"{\"name\":\"foo\",\"type\":\"fixed\",\"size\":15}",
     "{\"name\":\"foo\",\"type\":\"fixed\",\"size\":15}", 1756455273707447556},
    {"{\"namespace\":\"x.y.z\", \"type\":\"fixed\", \"name\":\"foo\", \"doc\":\"foo bar\", "
     "\"size\":32}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"fixed\",\"size\":32}", -3064184465700546786},
    {"{ \"items\":{\"type\":\"null\"}, \"type\":\"array\"}",
     "{\"type\":\"array\",\"items\":\"null\"}", -589620603366471059},
    {"{ \"values\":\"string\", \"type\":\"map\"}", "{\"type\":\"map\",\"values\":\"string\"}",
     -8732877298790414990},
};

static const known records[] = {
    {FOO(""), FOO_CANON, -4824392279771201922},
    {FOO(", \"namespace\":\"x.y\""), "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}",
     5916914534497305771},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"a.b.foo\", \"namespace\":\"x.y\"}",
     "{\"name\":\"a.b.foo\",\"type\":\"record\",\"fields\":[]}", -4616218487480524110},
    {FOO(", \"doc\":\"Useful info\""), FOO_CANON, -4824392279771201922},
    {FOO(", \"aliases\":[\"foo\",\"bar\"]"), FOO_CANON, -4824392279771201922},
    {FOO(", \"doc\":\"foo\", \"aliases\":[\"foo\",\"bar\"]"), FOO_CANON, -4824392279771201922},
    {"{\"fields\":[{\"type\":{\"type\":\"boolean\"}, \"name\":\"f1\"}], \"type\":\"record\", "
     "\"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"}]}",
     7843277075252814651},
    {"{ \"fields\":[{\"type\":\"boolean\", \"aliases\":[], \"name\":\"f1\", \"default\":true},\n"
     " {\"order\":\"descending\",\"name\":\"f2\",\"doc\":\"Hello\",\"type\":\"int\"}],\n"
     " \"type\":\"record\", \"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"},"
     "{\"name\":\"f2\",\"type\":\"int\"}]}",
     -4860222112080293046},
    {"{\"name\":\"PigValue\",\"type\":\"record\",\n \"fields\":[{\"name\":\"value\", \"type\":"
     "[\"null\", \"int\", \"long\", \"PigValue\"]}]}",
     "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\",\"type\":"
     "[\"null\",\"int\",\"long\",\"PigValue\"]}]}",
     -1759257747318642341},
};

static void canonical(const char *json, fd_strbuf *out)
{
    fd_schema *s = support_schema(json);
    fd_schema_canonical(s->node, false, out);
    fd_schema_free(s);
}

static void test_records_of_the_specification(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        fd_schema *s = support_schema(records[i].input);
        fd_strbuf out = {0};
        fd_schema_canonical(s->node, false, &out);
        assert_string_equal(out.p, records[i].canonical);
        assert_true((int64_t)fd_schema_fingerprint(s) == records[i].fingerprint);
        fd_strbuf_free(&out);
        fd_schema_free(s);
    }
}

/* Only records are schemas here: other types are looked at as the type of a field. */
static void test_types_of_the_specification(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        fd_strbuf json = {0}, out = {0}, want = {0};
        fd_strbuf_printf(&json,
                         "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"f\","
                         "\"type\":%s}]}",
                         types[i].input);
        fd_strbuf_printf(&want,
                         "{\"name\":\"R\",\"type\":\"record\",\"fields\":[{\"name\":\"f\","
                         "\"type\":%s}]}",
                         types[i].canonical);
        canonical(json.p, &out);
        assert_string_equal(out.p, want.p);
        assert_true((int64_t)fd_crc64_avro(types[i].canonical, strlen(types[i].canonical)) ==
                    types[i].fingerprint);
        fd_strbuf_free(&json);
        fd_strbuf_free(&out);
        fd_strbuf_free(&want);
    }
    assert_true((int64_t)fd_crc64_avro("[]", 2) == -1241056759729112623);
    assert_true(fd_crc64_avro("", 0) == 0xc15d213aa4d7a795ULL);
}

/* Names are full, a second mention is the name alone, logical types and defaults are not there. */
static void test_names_and_references(void **state)
{
    (void)state;
    fd_strbuf out = {0};
    canonical("{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":["
              "{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},"
              "{\"name\":\"b\",\"type\":[\"null\",\"F\"],\"default\":null},"
              "{\"name\":\"c\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
              "{\"name\":\"d\",\"type\":{\"type\":\"record\",\"name\":\"m.S\",\"fields\":["
              "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"],"
              "\"default\":\"X\"}},{\"name\":\"f\",\"type\":\"n.F\"}]}}]}",
              &out);
    assert_string_equal(
        out.p, "{\"name\":\"n.R\",\"type\":\"record\",\"fields\":["
               "{\"name\":\"a\",\"type\":{\"name\":\"n.F\",\"type\":\"fixed\",\"size\":2}},"
               "{\"name\":\"b\",\"type\":[\"null\",\"n.F\"]},"
               "{\"name\":\"c\",\"type\":\"long\"},"
               "{\"name\":\"d\",\"type\":{\"name\":\"m.S\",\"type\":\"record\",\"fields\":["
               "{\"name\":\"e\",\"type\":{\"name\":\"m.E\",\"type\":\"enum\",\"symbols\":[\"X\"]}},"
               "{\"name\":\"f\",\"type\":\"n.F\"}]}}]}");
    fd_strbuf_free(&out);
}

/* A canonical form is its own canonical form. */
static void test_canonical_form_is_stable(void **state)
{
    (void)state;
    size_t n;
    const char *const texts[] = {fd_embedded_payment_schema(&n), fd_embedded_decision_schema(&n)};
    for (int i = 0; i < 2; i++) {
        fd_strbuf once = {0}, twice = {0};
        canonical(texts[i], &once);
        canonical(once.p, &twice);
        assert_string_equal(once.p, twice.p);
        fd_strbuf_free(&once);
        fd_strbuf_free(&twice);
    }
}

/* --- the content hash --- */

static void hash_of(const char *json, char *hex, size_t cap)
{
    fd_schema *s = support_schema(json);
    snprintf(hex, cap, "%s", fd_schema_hash(s).hex);
    fd_schema_free(s);
}

#define R(field) \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":" field "}]}"
#define LONG_OF(logical) "{\"type\":\"long\",\"logicalType\":\"" logical "\"}"
#define ENUM_OF(more)    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\",\"Y\"]" more "}"
#define DECIMAL(p, s) \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" p ",\"scale\":" s "}"

static void test_hash_sees_what_decoding_depends_on(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {R("\"long\""), R("\"int\"")},
        {R("\"long\""), R(LONG_OF("timestamp-millis"))},
        {R(LONG_OF("timestamp-micros")), R(LONG_OF("timestamp-millis"))},
        {R("\"long\""), R("\"long\",\"default\":0")},
        {R("\"long\",\"default\":1"), R("\"long\",\"default\":0")},
        {R("\"long\""), R("\"long\",\"aliases\":[\"b\"]")},
        {R("\"long\",\"aliases\":[\"c\"]"), R("\"long\",\"aliases\":[\"b\"]")},
        {R(ENUM_OF("")), R(ENUM_OF(",\"default\":\"X\""))},
        {R(ENUM_OF("")), R(ENUM_OF(",\"aliases\":[\"F\"]"))},
        {R(DECIMAL("9", "2")), R(DECIMAL("9", "3"))},
        {R(DECIMAL("9", "2")), R(DECIMAL("8", "2"))},
        {R("[\"null\",\"int\"]"), R("[\"int\",\"null\"]")},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char a[80], b[80];
        hash_of(pairs[i][0], a, sizeof a);
        hash_of(pairs[i][1], b, sizeof b);
        if (strcmp(a, b) == 0)
            print_error("%s\n%s\n", pairs[i][0], pairs[i][1]);
        assert_string_not_equal(a, b);
    }
}

static void test_hash_is_blind_to_the_rest(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {R("\"long\""), R("{ \"type\" : \"long\" }")},
        {R("\"long\""), R("\"long\",\"doc\":\"an amount\",\"order\":\"ignore\"")},
        {R("\"long\""), R("{\"type\":\"long\",\"java-class\":\"BigInteger\"}")},
        {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[]}",
         "{\"type\":\"record\",\"name\":\"n.R\",\"doc\":\"R\",\"fields\":[]}"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char a[80], b[80];
        hash_of(pairs[i][0], a, sizeof a);
        hash_of(pairs[i][1], b, sizeof b);
        assert_string_equal(a, b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_of_the_specification),
        cmocka_unit_test(test_types_of_the_specification),
        cmocka_unit_test(test_names_and_references),
        cmocka_unit_test(test_canonical_form_is_stable),
        cmocka_unit_test(test_hash_sees_what_decoding_depends_on),
        cmocka_unit_test(test_hash_is_blind_to_the_rest),
    };
    return cmocka_run_group_tests_name("codec.canon", tests, NULL, NULL);
}
