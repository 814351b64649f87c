/*
 * Records as JSON: what people write, as bytes; bytes, as JSON; both against Avro C's own JSON and
 * against each other on random values.
 */
#include <avro.h>

#include "codec/container.h"
#include "gen.h"
#include "support.h"

/* --- JSON to bytes --- */

#define ENUM    "{'type':'enum','name':'N','symbols':['A','BCD']}"
#define FIXED   "{'type':'fixed','name':'F','size':2}"
#define DECIMAL "{'type':'bytes','logicalType':'decimal','precision':20,'scale':2}"
#define FIXED_DECIMAL \
    "{'type':'fixed','name':'F','size':2,'logicalType':'decimal','precision':4,'scale':1}"
#define RECORD(name, fields) "{'type':'record','name':'" name "','fields':[" fields "]}"
#define UUID                 "{'type':'fixed','name':'U','size':16,'logicalType':'uuid'}"
#define DATE                 "{'type':'int','logicalType':'date'}"
#define CLOCK                "{'type':'int','logicalType':'time-millis'}"
#define CLOCKU               "{'type':'long','logicalType':'time-micros'}"
#define MILLIS               "{'type':'long','logicalType':'timestamp-millis'}"
#define MICROS               "{'type':'long','logicalType':'timestamp-micros'}"
#define NANOS                "{'type':'long','logicalType':'timestamp-nanos'}"

/* Type of the only field `v`, the record's JSON (' for "), its bytes; what comes out again as JSON
 * (NULL: what went in). */
static const struct {
    const char *type, *json, *hex, *back;
} good[] = {
    {"'null'", "{'v':null}", "", NULL},
    {"'boolean'", "{'v':true}", "01", NULL},
    {"'int'", "{'v':-2147483648}", "ffffffff0f", NULL},
    {"'int'", "{'v':2.0}", "04", "{'v':2}"},
    {"'long'", "{'v':9223372036854775807}", "feffffffffffffffff01", NULL},
    {"'float'", "{'v':0.5}", "0000003f", NULL},
    {"'float'", "{'v':'NaN'}", "0000c07f", NULL},
    {"'double'", "{'v':1}", "000000000000f03f", NULL},
    {"'double'", "{'v':0.1}", "9a9999999999b93f", NULL},
    {"'double'", "{'v':'-Infinity'}", "000000000000f0ff", NULL},
    {"'string'", "{'v':'\\u00e9\\n\\u0000'}", "08c3a90a00", "{'v':'é\\u000a\\u0000'}"},
    {"'bytes'", "{'v':'a\\u00ff\\u0000'}", "0661ff00", "{'v':'a\xc3\xbf\\u0000'}"},
    {FIXED, "{'v':'ab'}", "6162", NULL},
    {ENUM, "{'v':'BCD'}", "02", NULL},
    {"{'type':'array','items':'int'}", "{'v':[]}", "00", NULL},
    {"{'type':'array','items':'int'}", "{'v':[1,2]}", "04020400", NULL},
    {"{'type':'map','values':'int'}", "{'v':{}}", "00", NULL},
    {"{'type':'map','values':'int'}", "{'v':{'k':1}}", "02026b0200", NULL},
    {RECORD("R", "{'name':'a','type':'int'}"), "{'v':{'a':1}}", "02", NULL},
    /* times: text or ticks */
    {DATE, "{'v':'1970-01-02'}", "02", NULL},
    {DATE, "{'v':1}", "02", "{'v':'1970-01-02'}"},
    {DATE, "{'v':'2000-02-29'}", "90ac01", NULL},
    {DATE, "{'v':'0001-01-01'}", "f3e457", NULL},
    {DATE, "{'v':'9999-12-31'}", "c082e602", NULL},
    {CLOCK, "{'v':'00:00:01.500'}", "b817", NULL},
    {CLOCK, "{'v':'00:00:01.5'}", "b817", "{'v':'00:00:01.500'}"},
    {CLOCKU, "{'v':'23:59:59.999999'}", "feffbadd8305", NULL},
    {CLOCKU, "{'v':86400000000}", "8080bbdd8305", NULL}, /* no time of a day */
    {MILLIS, "{'v':'1970-01-01T00:00:00Z'}", "00", NULL},
    {MILLIS, "{'v':'1970-01-01 00:00:00.250Z'}", "f403", "{'v':'1970-01-01T00:00:00.250Z'}"},
    {MILLIS, "{'v':'1970-01-01'}", "00", "{'v':'1970-01-01T00:00:00Z'}"},
    {MILLIS, "{'v':'1970-01-01T01:00:00+01:00'}", "00", "{'v':'1970-01-01T00:00:00Z'}"},
    {MILLIS, "{'v':'1969-12-31T18:30:00-0530'}", "00", "{'v':'1970-01-01T00:00:00Z'}"},
    {MILLIS, "{'v':'1969-12-31T23:59:59.999Z'}", "01", NULL},
    {MILLIS, "{'v':1000}", "d00f", "{'v':'1970-01-01T00:00:01Z'}"},
    {MICROS, "{'v':'1970-01-01T00:00:00.000001Z'}", "02", NULL},
    {NANOS, "{'v':'1970-01-01T00:00:00.000000001Z'}", "02", NULL},
    {MILLIS, "{'v':9000000000000000000}", "8080a0a89c94b6e6f901", NULL}, /* no year of ours */
    /* decimals: text or numbers */
    {DECIMAL, "{'v':'12.34'}", "0404d2", NULL},
    {DECIMAL, "{'v':'-0.01'}", "02ff", NULL},
    {DECIMAL, "{'v':'5'}", "0401f4", "{'v':'5.00'}"},
    {DECIMAL, "{'v':'+5.1'}", "0401fe", "{'v':'5.10'}"},
    {DECIMAL, "{'v':'5.100'}", "0401fe", "{'v':'5.10'}"},
    {DECIMAL, "{'v':5}", "0401f4", "{'v':'5.00'}"},
    {DECIMAL, "{'v':0.29}", "021d", "{'v':'0.29'}"},
    {DECIMAL, "{'v':'-92233720368547758.08'}", "108000000000000000", NULL},
    {DECIMAL, "{'v':'1.28'}", "040080", NULL},
    {FIXED_DECIMAL, "{'v':'-0.2'}", "fffe", NULL},
    {UUID, "{'v':'00112233-4455-6677-8899-aabbccddeeff'}", "00112233445566778899aabbccddeeff",
     NULL},
    {UUID, "{'v':'00112233-4455-6677-8899-AABBCCDDEEFF'}", "00112233445566778899aabbccddeeff",
     "{'v':'00112233-4455-6677-8899-aabbccddeeff'}"},
    {UUID ",'default':'abcdefghijklmnop'", "{}", "6162636465666768696a6b6c6d6e6f70",
     "{'v':'61626364-6566-6768-696a-6b6c6d6e6f70'}"},
    /* unions: plain values, the first branch that fits */
    {"['null','string']", "{'v':null}", "00", NULL},
    {"['null','string']", "{'v':'x'}", "020278", NULL},
    {"['null','string']", "{'v':{'string':'x'}}", "020278", "{'v':'x'}"},
    {"['long','null']", "{'v':null}", "02", NULL},
    {"['int','string']", "{'v':'x'}", "020278", NULL},
    {"['int','long']", "{'v':3000000000}", "0280f882ad16", NULL},
    {"['string','long']", "{'v':{'long':7}}", "020e", "{'v':7}"},
    {"['double','long']", "{'v':{'long':7}}", "020e", "{'v':7}"},
    {"[" ENUM ",'string']", "{'v':'A'}", "0000", NULL},
    {"[" ENUM ",'string']", "{'v':'X'}", "020258", NULL},
    {"[" ENUM ",'string']", "{'v':{'string':'A'}}", "020241", "{'v':'A'}"},
    {"[" RECORD("n.R", "{'name':'a','type':'int'}") "," RECORD("S",
                                                               "{'name':'b','type':'int'}") "]",
     "{'v':{'b':1}}", "0202", NULL},
    {"[" RECORD("n.R", "{'name':'a','type':'int'}") "," RECORD("S",
                                                               "{'name':'a','type':'int'}") "]",
     "{'v':{'S':{'a':1}}}", "0202", "{'v':{'a':1}}"},
    {"[" RECORD("S", "{'name':'a','type':'int'}") "," RECORD("n.R",
                                                             "{'name':'a','type':'int'}") "]",
     "{'v':{'n.R':{'a':1}}}", "0202", "{'v':{'a':1}}"},
    {"['null',{'type':'array','items':['null','int']}]", "{'v':[null,1]}", "020400020200", NULL},
    /* left out: the default, or null */
    {"'int','default':7", "{}", "0e", "{'v':7}"},
    {"['null','int']", "{}", "00", "{'v':null}"},
    {"['int','null']", "{}", "02", "{'v':null}"},
    {"['int','null'],'default':3", "{}", "0006", "{'v':3}"},
    {DECIMAL ",'default':'\\u0001'", "{}", "0201", "{'v':'0.01'}"},
    {MILLIS ",'default':1000", "{}", "d00f", "{'v':'1970-01-01T00:00:01Z'}"},
};

static void field_schema(const char *type, fd_strbuf *json)
{
    fd_strbuf_printf(json, "{'type':'record','name':'E','fields':[{'name':'v','type':%s}]}", type);
}

static void with_quotes(const char *text, fd_strbuf *out)
{
    for (const char *c = text; *c != '\0'; c++)
        fd_strbuf_putc(out, *c == '\'' ? '"' : *c);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        fd_strbuf schema = {0}, json = {0}, want = {0}, bytes = {0}, back = {0};
        fd_diags d;
        fd_diags_init(&d);
        field_schema(good[i].type, &schema);
        fd_schema *s = support_schema(schema.p);
        with_quotes(good[i].json, &json);
        support_hex(good[i].hex, &want);
        if (!fd_json_to_avro(s, json.p, json.n, 1, &bytes, &d)) {
            print_error("%s %s: %s\n", good[i].type, json.p, support_said(&d));
            fail();
        }
        if (bytes.n != want.n || (want.n > 0 && memcmp(bytes.p, want.p, want.n) != 0)) {
            print_error("%s %s: %zu bytes, wanted %s\n", good[i].type, json.p, bytes.n,
                        good[i].hex);
            for (size_t k = 0; k < bytes.n; k++)
                print_error("%02x", (unsigned char)bytes.p[k]);
            fail();
        }
        fd_str payload = {want.p, (uint32_t)want.n};
        assert_int_equal(fd_avro_to_json(s, payload, &back), FD_POISON_NONE);
        fd_strbuf_reset(&json);
        with_quotes(good[i].back == NULL ? good[i].json : good[i].back, &json);
        assert_string_equal(back.p, json.p);
        fd_diags_free(&d);
        fd_schema_free(s);
        fd_strbuf_free(&schema);
        fd_strbuf_free(&json);
        fd_strbuf_free(&want);
        fd_strbuf_free(&bytes);
        fd_strbuf_free(&back);
    }
}

static const struct {
    const char *type, *json, *part;
} bad[] = {
    {"'int'", "", "record 7 (E): not JSON"},
    {"'int'", "{'v':1", "not JSON at column"},
    {"'int'", "{'v':1} x", "not JSON at column"},
    {"'int'", "{'v':1,'v':2}", "duplicate object key"},
    {"'int'", "[1]", "a list where record E is due"},
    {RECORD("R", "{'name':'amount','type':'int'}"), "{'v':{'amuont':1,'amount':1}}",
     "v: R has no field 'amuont', did you mean 'amount'?"},
    {"'int'", "{'v':1,'something':2}", "E has no field 'something'"},
    {"'int'", "{}", "v: missing, and it has no default"},
    {"'int'", "{'v':null}", "v: null where int is due"},
    {"'int'", "{'v':'1'}", "v: a string where int is due"},
    {"'int'", "{'v':1.5}", "v: a number with a fraction where int is due"},
    {"'int'", "{'v':2147483648}", "v: 2147483648 does not fit an int"},
    {"'long'", "{'v':9223372036854775808}", "not JSON at column"}, /* too big an integer */
    {"'long'", "{'v':1e300}", "v: a number with a fraction where long is due"},
    {"'boolean'", "{'v':1}", "v: a whole number where boolean is due"},
    {"'null'", "{'v':0}", "v: a whole number where null is due"},
    {"'float'", "{'v':'x'}", "v: a string where float is due"},
    {"'float'", "{'v':1e39}", "v: 1e+39 does not fit a float"},
    {"'double'", "{'v':true}", "v: true or false where double is due"},
    {"'string'", "{'v':1}", "v: a whole number where string is due"},
    {"'bytes'", "{'v':'\\u0100'}", "v: bytes are written as characters up to U+00FF"},
    {"'bytes'", "{'v':1}", "v: a whole number where bytes is due"},
    {FIXED, "{'v':'a'}", "v: 1 bytes where F has 2"},
    {ENUM, "{'v':'BCE'}", "v: 'BCE' is no N, did you mean 'BCD'?"},
    {ENUM, "{'v':0}", "v: a whole number where enum N is due"},
    {"{'type':'array','items':'int'}", "{'v':[1,'x']}", "v[1]: a string where int is due"},
    {"{'type':'array','items':'int'}", "{'v':{}}", "v: an object where array is due"},
    {"{'type':'map','values':'int'}", "{'v':{'k':'x'}}", "v.k: a string where int is due"},
    {"{'type':'map','values':'int'}", "{'v':[]}", "v: a list where map is due"},
    {RECORD("R", "{'name':'a','type':'int'}"), "{'v':{}}", "v.a: missing"},
    {RECORD("R", "{'name':'a','type':'int'}"), "{'v':{'a':1,'b':2}}", "v: R has no field 'b'"},
    {DATE, "{'v':'2026-02-29'}", "v: '2026-02-29' is no date: there is no such day"},
    {DATE, "{'v':'2026-13-01'}", "there is no such day"},
    {DATE, "{'v':'0000-01-01'}", "there is no such day"},
    {DATE, "{'v':'26-01-01'}", "write 2026-01-31"},
    {DATE, "{'v':'2026-01-01T00:00:00Z'}", "something follows it"},
    {CLOCK, "{'v':'24:00:00'}", "there is no such time of day"},
    {CLOCK, "{'v':'10:00'}", "write the time as 10:00:00"},
    {CLOCK, "{'v':'10:00:00.0001'}", "it is finer than the field's unit"},
    {CLOCK, "{'v':'10:00:00.'}", "digits are missing"},
    {MILLIS, "{'v':'yesterday'}", "v: 'yesterday' is no timestamp-millis: write 2026-01-31"},
    {MILLIS, "{'v':'2026-01-01T10:00:00+25:00'}", "the zone must be Z or like +01:00"},
    {MILLIS, "{'v':'2026-01-01T10:00:00X'}", "the zone must be Z or like +01:00"},
    {MILLIS, "{'v':'2026-01-01T10:00:00Zx'}", "something follows it"},
    {MILLIS, "{'v':'2026-01-01T10:00:00.0001Z'}", "it is finer than the field's unit"},
    {NANOS, "{'v':'9999-01-01T10:00:00Z'}", "it is out of the field's range"},
    {UUID, "{'v':'00112233-4455-6677-8899-aabbccddeef'}",
     "v: '00112233-4455-6677-8899-aabbccddeef' is no"},
    {UUID, "{'v':'00112233-4455-6677-8899-aabbccddeefg'}", "is no uuid"},
    {UUID, "{'v':'00112233+4455-6677-8899-aabbccddeeff'}", "is no uuid"},
    {UUID, "{'v':'abcdefghijklmnop'}", "is no uuid"},
    {DECIMAL, "{'v':'1.234'}", "v: it has more decimal places than the field"},
    {DECIMAL, "{'v':'1,23'}", "v: a decimal is written like"},
    {DECIMAL, "{'v':''}", "v: a decimal is written like"},
    {DECIMAL, "{'v':'-'}", "v: a decimal is written like"},
    {DECIMAL, "{'v':'1.2.3'}", "v: a decimal is written like"},
    {DECIMAL, "{'v':'92233720368547758.08'}", "v: it does not fit 64 bits"},
    {DECIMAL, "{'v':true}", "v: a decimal is due"},
    {FIXED_DECIMAL, "{'v':'3276.8'}", "v: the number does not fit 2 bytes"},
    {"['null','int']", "{'v':'x'}", "v: a string where int is due"},
    {"['int','boolean']", "{'v':'x'}", "v: a string fits none of the union's branches"},
    {"['int','string']", "{'v':null}", "v: null is not allowed here"},
    {"['int','string']", "{'v':{'long':1}}", "v: an object fits none of the union's branches"},
    {"['int','boolean']", "{'v':{'int':'x'}}", "v: a string where int is due"},
    {"['null'," RECORD("R", "{'name':'a','type':'int'}") "]", "{'v':{'a':'x'}}",
     "v.a: a string where int is due"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fd_strbuf schema = {0}, json = {0}, bytes = {0};
        fd_diags d;
        fd_diags_init(&d);
        field_schema(bad[i].type, &schema);
        fd_schema *s = support_schema(schema.p);
        with_quotes(bad[i].json, &json);
        fd_strbuf_puts(&bytes, "before");
        bool ok = fd_json_to_avro(s, json.n == 0 ? "" : json.p, json.n, 7, &bytes, &d);
        if (ok || strstr(support_said(&d), bad[i].part) == NULL)
            print_error("%s %s: %s\nwanted: %s\n", bad[i].type, bad[i].json, support_said(&d),
                        bad[i].part);
        assert_false(ok);
        assert_non_null(strstr(support_said(&d), bad[i].part));
        assert_int_equal(d.errors, 1);
        assert_int_equal(bytes.n, strlen("before")); /* nothing of it stays */
        fd_diags_free(&d);
        fd_schema_free(s);
        fd_strbuf_free(&schema);
        fd_strbuf_free(&json);
        fd_strbuf_free(&bytes);
    }
}

/* --- bytes to JSON --- */

static const struct {
    const char *type, *hex;
    fd_poison want;
} bad_bytes[] = {
    {"'int'", "", FD_POISON_TRUNCATED},
    {"'int'", "02 00", FD_POISON_TRAILING_BYTES},
    {"'int'", "8080808010", FD_POISON_BAD_VALUE},
    {"'boolean'", "02", FD_POISON_BAD_VALUE},
    {"'string'", "02 ff", FD_POISON_BAD_VALUE},
    {"'string'", "04 61", FD_POISON_TRUNCATED},
    {ENUM, "04", FD_POISON_BAD_VALUE},
    {FIXED, "61", FD_POISON_TRUNCATED},
    {"['null','int']", "04", FD_POISON_BAD_VALUE},
    {"['null','int']", "01", FD_POISON_BAD_VALUE},
    {DECIMAL, "00", FD_POISON_BAD_VALUE},
    {DECIMAL, "12 010000000000000000", FD_POISON_TOO_LARGE},
    {"{'type':'array','items':'int'}", "03 06 02 04 00", FD_POISON_BAD_VALUE},
    {"{'type':'array','items':'int'}", "03 fe01 02 04", FD_POISON_TRUNCATED},
    {"{'type':'array','items':'int'}", "03 03 02 04 00", FD_POISON_BAD_VALUE},
    {"{'type':'array','items':'null'}", "828008 00", FD_POISON_TOO_LARGE},
    {"{'type':'map','values':'int'}", "02 02ff 02 00", FD_POISON_BAD_VALUE},
    {RECORD("T", "{'name':'t','type':['null','T']}"), "0202020202", FD_POISON_TRUNCATED},
};

static void test_bad_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_bytes / sizeof bad_bytes[0]; i++) {
        fd_strbuf schema = {0}, bytes = {0}, out = {0};
        field_schema(bad_bytes[i].type, &schema);
        fd_schema *s = support_schema(schema.p);
        support_hex(bad_bytes[i].hex, &bytes);
        fd_strbuf_puts(&out, "before");
        assert_int_equal(fd_avro_to_json(s, (fd_str){bytes.p, (uint32_t)bytes.n}, &out),
                         bad_bytes[i].want);
        assert_string_equal(out.p, "before");
        fd_schema_free(s);
        fd_strbuf_free(&schema);
        fd_strbuf_free(&bytes);
        fd_strbuf_free(&out);
    }
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    fd_schema *s = support_schema(RECORD("T", "{'name':'t','type':['null','T']}"));
    fd_strbuf bytes = {0}, out = {0}, json = {0};
    fd_diags d;
    fd_diags_init(&d);
    for (int i = 0; i < 100; i++) {
        fd_strbuf_putc(&bytes, 2);
        fd_strbuf_puts(&json, "{\"t\":");
    }
    fd_strbuf_putc(&bytes, 0);
    fd_strbuf_puts(&json, "null");
    for (int i = 0; i < 100; i++)
        fd_strbuf_putc(&json, '}');
    assert_int_equal(fd_avro_to_json(s, (fd_str){bytes.p, (uint32_t)bytes.n}, &out),
                     FD_POISON_TOO_LARGE);
    assert_false(fd_json_to_avro(s, json.p, json.n, 1, &bytes, &d));
    assert_non_null(strstr(support_said(&d), "nested deeper than 64 levels"));
    fd_diags_free(&d);
    fd_strbuf_free(&bytes);
    fd_strbuf_free(&out);
    fd_strbuf_free(&json);
    fd_schema_free(s);
}

/* A value that fits nowhere deep down, where each level has two ways to fail. */
static void test_misfits_are_bounded(void **state)
{
    (void)state;
    fd_schema *s = support_schema(
        "{'type':'record','name':'E','fields':[{'name':'v','type':["
        "{'type':'record','name':'A','fields':[{'name':'x','type':['int','A',"
        "{'type':'record','name':'B','fields':[{'name':'x','type':['int','A','B']}]}]}]},'B']}]}");
    fd_strbuf json = {0}, bytes = {0};
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf_puts(&json, "{\"v\":");
    for (int i = 0; i < 30; i++)
        fd_strbuf_puts(&json, "{\"x\":");
    fd_strbuf_puts(&json, "true");
    for (int i = 0; i < 31; i++)
        fd_strbuf_putc(&json, '}');
    assert_false(fd_json_to_avro(s, json.p, json.n, 1, &bytes, &d)); /* in well under a minute */
    assert_int_equal(d.errors, 1);
    fd_diags_free(&d);
    fd_strbuf_free(&json);
    fd_strbuf_free(&bytes);
    fd_schema_free(s);
}

/* --- random values --- */

static void random_value(gen *g, const gen_type *t, fd_strbuf *schema, avro_value_t *v,
                         fd_strbuf *bytes)
{
    avro_schema_t avro = NULL;
    gen_json(t, schema);
    assert_int_equal(avro_schema_from_json_length(schema->p, schema->n, &avro), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(avro);
    avro_generic_value_new(iface, v);
    gen_fill(g, t, v, 0);
    size_t size = 0;
    avro_value_sizeof(v, &size);
    char *buf = malloc(size == 0 ? 1 : size);
    assert_non_null(buf);
    avro_writer_t out = avro_writer_memory(buf, (int64_t)size);
    assert_int_equal(avro_value_write(out, v), 0);
    avro_writer_free(out);
    fd_strbuf_add(bytes, buf, size);
    free(buf);
    avro_value_iface_decref(iface);
    avro_schema_decref(avro);
}

/* Through JSON and back the text stays: all values can be written, and read again. Which branch of
 * a union it becomes is settled the first time. */
static void test_json_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        gen g;
        gen_begin(&g, seed);
        avro_value_t v;
        fd_strbuf schema = {0}, bytes = {0}, one = {0}, two = {0};
        random_value(&g, gen_schema(&g), &schema, &v, &bytes);
        fd_schema *s = support_schema(schema.p);
        fd_diags d;
        fd_diags_init(&d);
        for (int round = 0; round < 3; round++) {
            fd_strbuf *text = round < 2 ? &one : &two;
            fd_strbuf_reset(text);
            assert_int_equal(fd_avro_to_json(s, (fd_str){bytes.p, (uint32_t)bytes.n}, text),
                             FD_POISON_NONE);
            fd_strbuf_reset(&bytes);
            if (!fd_json_to_avro(s, text->p, text->n, 1, &bytes, &d)) {
                print_error("seed %d: %s\n", (int)seed, support_said(&d));
                fail();
            }
        }
        assert_string_equal(one.p, two.p);
        avro_value_decref(&v);
        fd_diags_free(&d);
        fd_schema_free(s);
        gen_end(&g);
        fd_strbuf_free(&schema);
        fd_strbuf_free(&bytes);
        fd_strbuf_free(&one);
        fd_strbuf_free(&two);
    }
}

/* Not compared: bytes and fixed, which Avro C cuts at a NUL, and maps, which in a union take an
 * object that is meant to name a branch. */
static bool is_plain_json(const char *schema)
{
    return strstr(schema, "\"bytes\"") == NULL && strstr(schema, "\"fixed\"") == NULL &&
           strstr(schema, "\"map\"") == NULL;
}

static void test_json_of_avro_c(void **state)
{
    (void)state;
    int tried = 0;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        gen g;
        gen_begin(&g, seed);
        avro_value_t v;
        fd_strbuf schema = {0}, bytes = {0}, mine = {0};
        random_value(&g, gen_schema(&g), &schema, &v, &bytes);
        char *json = NULL;
        if (is_plain_json(schema.p) && avro_value_to_json(&v, 1, &json) == 0) {
            fd_schema *s = support_schema(schema.p);
            fd_diags d;
            fd_diags_init(&d);
            if (!fd_json_to_avro(s, json, strlen(json), 1, &mine, &d)) {
                print_error("seed %d: %s\n", (int)seed, support_said(&d));
                fail();
            }
            assert_int_equal(mine.n, bytes.n);
            if (mine.n > 0)
                assert_memory_equal(mine.p, bytes.p, mine.n);
            tried++;
            fd_diags_free(&d);
            fd_schema_free(s);
        }
        free(json);
        avro_value_decref(&v);
        gen_end(&g);
        fd_strbuf_free(&schema);
        fd_strbuf_free(&bytes);
        fd_strbuf_free(&mine);
    }
    assert_true(tried > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_misfits_are_bounded),
        cmocka_unit_test(test_json_stays),
        cmocka_unit_test(test_json_of_avro_c),
    };
    return cmocka_run_group_tests_name("codec.json", tests, NULL, NULL);
}
