/*
 * What a reader sees of what a writer wrote: Avro's resolution, rule by rule, on bytes written by
 * hand. The property tests have the combinations; here is what each rule means.
 */
#include "codec/decode.h"

#include "support.h"

#define ENUM(name, symbols) "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "]}"
#define ENUM_OR(name, symbols, def) \
    "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "],\"default\":\"" def "\"}"
#define FIXED(name, size)   "{\"type\":\"fixed\",\"name\":\"" name "\",\"size\":" size "}"
#define LOGICAL(base, name) "{\"type\":\"" base "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(p, s) \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" p ",\"scale\":" s "}"
#define FIXED_DECIMAL(size, p, s)                                                       \
    "{\"type\":\"fixed\",\"name\":\"D\",\"size\":" size ",\"logicalType\":\"decimal\"," \
    "\"precision\":" p ",\"scale\":" s "}"
#define ARRAY(items)         "{\"type\":\"array\",\"items\":" items "}"
#define MAP(values)          "{\"type\":\"map\",\"values\":" values "}"
#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define RECORD_WAS(name, alias, fields)                                                          \
    "{\"type\":\"record\",\"name\":\"" name "\",\"aliases\":[\"" alias "\"],\"fields\":[" fields \
    "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define FIELD_WAS(name, alias, type) \
    "{\"name\":\"" name "\",\"aliases\":[\"" alias "\"],\"type\":" type "}"
#define FIELD_OR(name, type, def) "{\"name\":\"" name "\",\"type\":" type ",\"default\":" def "}"

#define FIXED_UUID "{\"type\":\"fixed\",\"name\":\"F\",\"size\":16,\"logicalType\":\"uuid\"}"

/* Writer's type of `v`, its bytes in hex, reader's type (NULL: the same), the column as text; or
 * "!NAME" for a refused payload. */
typedef struct example {
    const char *writer, *bytes, *reader, *want;
} example;

static const example promotions[] = {
    {"\"int\"", "03", "\"int\"", "-2"},
    {"\"int\"", "03", "\"long\"", "-2"},
    {"\"int\"", "03", "\"float\"", "-2"},
    {"\"int\"", "03", "\"double\"", "-2"},
    {"\"long\"", "80808080 8080 20", "\"long\"", "70368744177664"},
    {"\"long\"", "80808080 8080 20", "\"double\"", "70368744177664"},
    /* 16777217 has no float; a double has it */
    {"\"long\"", "82808010", "\"float\"", "16777216"},
    {"\"long\"", "82808010", "\"double\"", "16777217"},
    {"\"int\"", "82808010", "\"float\"", "16777216"},
    {"\"float\"", "0000203f", "\"float\"", "0.625"},
    {"\"float\"", "0000203f", "\"double\"", "0.625"},
    {"\"double\"", "000000000000e43f", "\"double\"", "0.625"},
    {"\"string\"", "04 c3a9", "\"string\"", "'é'"},
    {"\"string\"", "04 c3a9", "\"bytes\"", "<c3a9>"},
    {"\"bytes\"", "04 c3a9", "\"string\"", "'é'"},
    {"\"bytes\"", "04 ffff", "\"string\"", "!BAD_VALUE"},
    {"\"bytes\"", "04 ffff", "\"bytes\"", "<ffff>"},
    {"\"string\"", "04 ffff", "\"bytes\"", "<ffff>"},
    {"\"null\"", "", "\"null\"", "null"},
    {"\"boolean\"", "01", "\"boolean\"", "true"},
};

static const example logical[] = {
    {LOGICAL("int", "date"), "02", NULL, "1@0"},
    {LOGICAL("int", "time-millis"), "02", NULL, "1@1000"},
    {LOGICAL("long", "time-micros"), "02", NULL, "1@1000000"},
    {LOGICAL("long", "timestamp-millis"), "02", NULL, "1@1000"},
    {LOGICAL("long", "timestamp-nanos"), "01", NULL, "-1@1000000000"},
    {LOGICAL("string", "uuid"), "02 61", NULL, "'a'"},
    {FIXED_UUID, "00112233445566778899aabbccddeeff", NULL,
     "'00112233-4455-6677-8899-aabbccddeeff'"},
    {FIXED_UUID, "00112233445566778899aabbccddee", NULL, "!TRUNCATED"},
    {FIXED("F", "16"), "00112233445566778899aabbccddeeff", FIXED_UUID,
     "'00112233-4455-6677-8899-aabbccddeeff'"},
    {FIXED_UUID, "00112233445566778899aabbccddeeff", FIXED("F", "16"),
     "<00112233445566778899aabbccddeeff>"},
    {"[\"null\"," FIXED_UUID "]", "00", NULL, "null"},
    {"[\"null\"," FIXED_UUID "]", "02 00112233445566778899aabbccddeeff", NULL,
     "'00112233-4455-6677-8899-aabbccddeeff'"},
    /* units are converted, down and up */
    {LOGICAL("long", "timestamp-millis"), "03", LOGICAL("long", "timestamp-micros"),
     "-2000@1000000"},
    {LOGICAL("long", "timestamp-millis"), "02", LOGICAL("long", "timestamp-nanos"),
     "1000000@1000000000"},
    {LOGICAL("long", "timestamp-micros"), "9f1f", LOGICAL("long", "timestamp-millis"), "-2@1000"},
    {LOGICAL("long", "timestamp-micros"), "cf0f", LOGICAL("long", "timestamp-millis"), "-1@1000"},
    {LOGICAL("long", "timestamp-micros"), "ce0f", LOGICAL("long", "timestamp-millis"), "0@1000"},
    {LOGICAL("long", "timestamp-micros"), "01", LOGICAL("long", "timestamp-millis"), "-1@1000"},
    {LOGICAL("int", "time-millis"), "02", LOGICAL("long", "time-micros"), "1000@1000000"},
    {LOGICAL("long", "timestamp-millis"), "feffffffffffffffff01",
     LOGICAL("long", "timestamp-micros"), "!TOO_LARGE"},
    /* a number that says no unit is taken at its word */
    {"\"long\"", "02", LOGICAL("long", "timestamp-millis"), "1@1000"},
    {LOGICAL("long", "timestamp-micros"), "02", "\"long\"", "1"},
    {"\"int\"", "02", LOGICAL("long", "timestamp-micros"), "1@1000000"},
    {LOGICAL("int", "date"), "02", "\"double\"", "1"},
    /* decimals: exact, to 64 bits */
    {DECIMAL("9", "2"), "04 0102", NULL, "258e-2"},
    {DECIMAL("9", "2"), "02 ff", NULL, "-1e-2"},
    {DECIMAL("30", "2"), "12 000000000000000001", NULL, "1e-2"},
    {DECIMAL("30", "2"), "12 ff8000000000000000", NULL, "-9223372036854775808e-2"},
    {DECIMAL("30", "2"), "12 008000000000000000", NULL, "!TOO_LARGE"},
    {DECIMAL("30", "2"), "12 ff7fffffffffffffff", NULL, "!TOO_LARGE"},
    {DECIMAL("9", "2"), "00", NULL, "!BAD_VALUE"},
    {FIXED_DECIMAL("3", "6", "1"), "fffffe", NULL, "-2e-1"},
    {DECIMAL("9", "2"), "02 05", DECIMAL("18", "2"), "5e-2"},
    {"\"bytes\"", "02 05", DECIMAL("18", "2"), "5e-2"},
    {DECIMAL("9", "2"), "02 05", "\"bytes\"", "<05>"},
};

static const example lists[] = {
    {ARRAY("\"int\""), "00", NULL, "[]"},
    {ARRAY("\"int\""), "04 02 04 00", NULL, "[1,2]"},
    {ARRAY("\"int\""), "02 02 02 04 00", NULL, "[1,2]"},      /* two blocks */
    {ARRAY("\"int\""), "03 04 02 04 00", NULL, "[1,2]"},      /* with its size */
    {ARRAY("\"int\""), "03 06 02 04 00", NULL, "!BAD_VALUE"}, /* a size too large */
    {ARRAY("\"int\""), "03 02 02 04 00", NULL, "!BAD_VALUE"}, /* too small */
    {ARRAY("\"int\""), "03 03 02 04 00", NULL, "!BAD_VALUE"}, /* negative */
    {ARRAY("\"int\""), "03 fe01 02 04", NULL, "!TRUNCATED"},  /* beyond the end */
    {ARRAY("\"int\""), "04 02 04", NULL, "!TRUNCATED"},       /* no end */
    {ARRAY("\"int\""), "fefffffff0ffffffff01 00", NULL, "!TOO_LARGE"},
    {ARRAY("\"int\""), "ffffffffffffffffff01 00 00", NULL, "!TOO_LARGE"}, /* the least long */
    {ARRAY("\"null\""), "808008 00", NULL, "!COUNT65536"},
    {ARRAY("\"null\""), "828008 00", NULL, "!TOO_LARGE"},
    {ARRAY("\"int\""), "04 02 04 00", ARRAY("\"double\""), "[1,2]"},
    {ARRAY("\"int\""), "04 02 04 00", ARRAY("[\"null\",\"long\"]"), "[1,2]"},
    {ARRAY("[\"null\",\"int\"]"), "04 00 0204 00", ARRAY("[\"null\",\"int\"]"), "[null,2]"},
    {ARRAY(ARRAY("\"int\"")), "04 020200 00 00", NULL, "[[1],[]]"},
    {MAP("\"int\""), "02 026b 02 00", NULL, "{'k'=1}"},
    {MAP("\"int\""), "04 026b 02 026b 04 00", NULL, "{'k'=1,'k'=2}"}, /* as they came */
    {MAP("\"int\""), "02 02ff 02 00", NULL, "!BAD_VALUE"},            /* a key of no text */
    {MAP("\"int\""), "02 026b 02 00", MAP("\"float\""), "{'k'=1}"},
    {ARRAY(RECORD("S", FIELD("a", "\"int\"") "," FIELD("b", "\"string\""))),
     "04 02 0261 04 0262 00", ARRAY(RECORD("S", FIELD("b", "\"string\""))), "[(b='a'),(b='b')]"},
};

static const example enums[] = {
    {ENUM("N", "\"A\",\"B\""), "02", NULL, "'B'"},
    {ENUM("N", "\"A\",\"B\""), "04", NULL, "!BAD_VALUE"},
    {ENUM("N", "\"A\",\"B\""), "01", NULL, "!BAD_VALUE"},
    {ENUM("N", "\"A\",\"B\""), "02", ENUM("N", "\"B\",\"A\""), "'B'"}, /* by name, not number */
    {ENUM("N", "\"A\",\"B\",\"C\""), "04", ENUM_OR("N", "\"A\",\"Z\"", "Z"), "'Z'"},
    {ENUM("N", "\"A\",\"B\",\"C\""), "00", ENUM_OR("N", "\"A\",\"Z\"", "Z"), "'A'"},
    {ENUM("N", "\"A\",\"B\""), "02", ENUM("N", "\"A\""), "!BAD_VALUE"},
    {ENUM("N", "\"A\",\"B\""), "00", ENUM("N", "\"A\""), "'A'"},
    {ENUM_OR("N", "\"A\",\"B\"", "A"), "02", ENUM("N", "\"A\""), "!BAD_VALUE"}, /* the writer's
                                                                                   default is no
                                                                                   help */
    {ENUM("n.N", "\"A\""), "00", ENUM("m.N", "\"A\""), "'A'"},
};

static const example records[] = {
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")), "02 0262",
     RECORD("S", FIELD("b", "\"string\"") "," FIELD("a", "\"long\"")), "(b='b',a=1)"},
    {RECORD("S", FIELD("a", "\"int\"")), "02", RECORD("S", FIELD_WAS("n", "a", "\"int\"")),
     "(n=1)"},
    /* the name goes before an alias */
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("n", "\"int\"")), "02 04",
     RECORD("S", FIELD_WAS("n", "a", "\"int\"")), "(n=2)"},
    /* one field of the writer's is one of the reader's */
    {RECORD("S", FIELD("a", "\"int\"")), "02",
     RECORD("S", FIELD("a", "\"int\"") "," FIELD_OR("b\",\"aliases\":[\"a\"],\"doc\":\"", "\"int\"",
                                                    "7")),
     "(a=1,b=7)"},
    {RECORD("n.S", FIELD("a", "\"int\"")), "02", RECORD("m.S", FIELD("a", "\"int\"")), "(a=1)"},
    {RECORD("Old", FIELD("a", "\"int\"")), "02", RECORD_WAS("S", "Old", FIELD("a", "\"int\"")),
     "(a=1)"},
    /* defaults */
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", "\"int\"", "-3")), "(a=-3)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", "\"double\"", "2")), "(a=2)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", "[\"null\",\"int\"]", "null")), "(a=null)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", "[\"int\",\"null\"]", "4")), "(a=4)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", "\"bytes\"", "\"\\u00ff\\u0000\"")),
     "(a=<ff00>)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", DECIMAL("4", "2"), "\"\\u0000\"")), "(a=0e-2)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", FIXED("F", "2"), "\"ab\"")), "(a=<6162>)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", ENUM("N", "\"A\",\"B\""), "\"B\"")), "(a='B')"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", ARRAY("\"int\""), "[1,2]")), "(a=[1,2])"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", MAP("\"int\""), "{\"k\":1}")), "(a={'k'=1})"},
    {RECORD("S", ""), "",
     RECORD("S",
            FIELD_OR("a",
                     RECORD("T", FIELD("x", "\"int\"") "," FIELD_OR("y", "\"string\"", "\"why\"")),
                     "{\"x\":5}")),
     "(a=(x=5,y='why'))"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", LOGICAL("long", "timestamp-millis"), "1000")),
     "(a=1000@1000)"},
    {RECORD("S", ""), "", RECORD("S", FIELD_OR("a", "\"float\"", "\"NaN\"")), "(a=nan)"},
    /* everything the reader does not want is passed over */
    {RECORD("S", FIELD("a", "\"boolean\"") "," FIELD("b", "\"float\"") "," FIELD(
                     "c", "\"double\"") "," FIELD("d", FIXED("F", "2")) "," FIELD("z", "\"int\"")),
     "01 00000000 0000000000000000 6162 02", RECORD("S", FIELD("z", "\"int\"")), "(z=1)"},
    {RECORD("S", FIELD("a", ARRAY("\"string\"")) "," FIELD("b", MAP("\"bytes\"")) "," FIELD(
                     "z", "\"int\"")),
     "02 0261 00 02 026b 02ff 00 02", RECORD("S", FIELD("z", "\"int\"")), "(z=1)"},
    {RECORD("S", FIELD("a", "[\"null\",\"string\",\"long\"]") "," FIELD("z", "\"int\"")),
     "02 0261 02", RECORD("S", FIELD("z", "\"int\"")), "(z=1)"},
    {RECORD("S", FIELD("a", "[\"null\",\"string\",\"long\"]") "," FIELD("z", "\"int\"")), "00 02",
     RECORD("S", FIELD("z", "\"int\"")), "(z=1)"},
    /* but not unread: it must be good */
    {RECORD("S", FIELD("a", "\"boolean\"") "," FIELD("z", "\"int\"")), "02 02",
     RECORD("S", FIELD("z", "\"int\"")), "!BAD_VALUE"},
    {RECORD("S", FIELD("a", "\"string\"") "," FIELD("z", "\"int\"")), "02ff 02",
     RECORD("S", FIELD("z", "\"int\"")), "!BAD_VALUE"},
    {RECORD("S", FIELD("a", ENUM("N", "\"A\"")) "," FIELD("z", "\"int\"")), "02 02",
     RECORD("S", FIELD("z", "\"int\"")), "!BAD_VALUE"},
    {RECORD("S", FIELD("a", "[\"null\",\"int\"]") "," FIELD("z", "\"int\"")), "04 02",
     RECORD("S", FIELD("z", "\"int\"")), "!BAD_VALUE"},
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("z", "\"int\"")), "8080808020 02",
     RECORD("S", FIELD("z", "\"int\"")), "!BAD_VALUE"},
};

#define S_OR_T "[" RECORD("S", FIELD("a", "\"int\"")) "," RECORD("T", FIELD("b", "\"string\"")) "]"

static const example unions[] = {
    {"[\"null\",\"int\"]", "00", NULL, "null"},
    {"[\"null\",\"int\"]", "02 04", NULL, "2"},
    {"[\"int\",\"null\"]", "00 04", NULL, "2"},
    {"[\"int\",\"null\"]", "02", NULL, "null"},
    {"[\"null\",\"int\"]", "04", NULL, "!BAD_VALUE"},
    {"[\"null\",\"int\"]", "01", NULL, "!BAD_VALUE"},
    {"[\"null\",\"string\"]", "02 0261", NULL, "'a'"},
    {"[\"null\",\"boolean\"]", "02 01", NULL, "true"},
    {"[\"null\",\"double\"]", "02 000000000000e43f", NULL, "0.625"},
    {"[\"null\"," ENUM("N", "\"A\",\"B\"") "]", "02 02", NULL, "'B'"},
    {"[\"null\"," DECIMAL("4", "1") "]", "02 0207", NULL, "7e-1"},
    {"[\"null\"," DECIMAL("4", "1") "]", "00", NULL, "null"},
    {"[\"null\"," RECORD("S", FIELD("a", "\"int\"")) "]", "02 02", NULL, "(a=1)"},
    {"[\"null\"," RECORD("S", FIELD("a", "\"int\"")) "]", "00", NULL, "null"},
    {"[\"null\"," ARRAY("\"int\"") "]", "02 02 02 00", NULL, "[1]"},
    {"[\"null\"," ARRAY("\"int\"") "]", "00", NULL, "null"},
    {"[\"null\"]", "00", NULL, "null"},
    /* no union to union and back */
    {"\"int\"", "02", "[\"null\",\"int\"]", "1"},
    {"\"int\"", "02", "[\"null\",\"long\"]", "1"},
    {"[\"null\",\"int\"]", "02 02", "\"long\"", "1"},
    {"[\"null\",\"int\"]", "00", "\"long\"", "!BAD_VALUE"},
    {"[\"null\",\"int\"]", "02 02", "[\"long\",\"null\"]", "1"},
    {"[\"null\",\"int\"]", "00", "[\"long\",\"null\"]", "null"},
    {"\"null\"", "", "[\"int\",\"null\"]", "null"},
    /* several branches */
    {"[\"null\",\"string\",\"long\"]", "02 0261", NULL, "#0:'a'"},
    {"[\"null\",\"string\",\"long\"]", "04 02", NULL, "#1:1"},
    {"[\"null\",\"string\",\"long\"]", "00", NULL, "null"},
    {"[\"null\",\"string\",\"long\"]", "06", NULL, "!BAD_VALUE"},
    {"[\"string\",\"long\"]", "02 02", "[\"long\",\"string\"]", "#0:1"},
    {"[\"string\",\"int\"]", "02 02", "[\"string\",\"double\"]", "#1:1"},
    {"[\"string\",\"long\"]", "02 02", "\"long\"", "1"},
    {"[\"string\",\"long\"]", "00 0261", "\"long\"", "!BAD_VALUE"},
    /* the exact branch before one that it could be promoted to */
    {"\"long\"", "02", "[\"string\",\"double\",\"long\"]", "#2:1"},
    {"\"int\"", "02", "[\"string\",\"double\",\"long\"]", "#1:1"},
    {"[\"int\",\"long\"]", "02 02", NULL, "1"},
    {"[\"string\"," ENUM("N", "\"A\",\"B\"") "]", "02 02", NULL, "'B'"},
    /* records in unions: the fields of all, absent where they are not of the branch at hand */
    {S_OR_T, "00 02", NULL, "(a=1,b=null)"},
    {S_OR_T, "02 0262", NULL, "(a=null,b='b')"},
    {RECORD("T", FIELD("b", "\"string\"")), "0262", S_OR_T, "(a=null,b='b')"},
    {S_OR_T, "02 0262", RECORD("T", FIELD("b", "\"string\"")), "(b='b')"},
    {S_OR_T, "00 02", RECORD("T", FIELD("b", "\"string\"")), "!BAD_VALUE"},
    {"[" RECORD("S", FIELD("a", "\"int\"")) "," RECORD("T", FIELD("a", "\"string\"")) "]",
     "02 0261", NULL, "(a=?)"},
    /* the branch of the same full name before that of the same short one */
    {RECORD("old.S", FIELD("a", "\"int\"")), "02",
     "[" RECORD("m.S", FIELD_OR("x", "\"int\"", "9")) "," RECORD_WAS("T", "old.S",
                                                                     FIELD("a", "\"int\"")) "]",
     "(x=null,a=1)"},
    {RECORD("n.S", FIELD("a", "\"int\"")), "02",
     "[" RECORD("m.S", FIELD_OR("x", "\"int\"", "9")) "," RECORD("n.S", FIELD("a", "\"int\"")) "]",
     "(x=null,a=1)"},
    /* recursion is decoded over */
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("next", "[\"null\",\"S\"]")), "02 02 04 00", NULL,
     "(a=1,next=?)"},
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("next", "[\"null\",\"S\"]")), "02 00", NULL,
     "(a=1,next=null)"},
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("next", "[\"null\",\"S\"]")), "02 02 04 04", NULL,
     "!BAD_VALUE"},
};

/* --- running them --- */

typedef struct pair {
    fd_schema *writer, *reader;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_diags diags;
} pair;

static void pair_open(pair *p, const char *writer, const char *reader)
{
    fd_strbuf json = {0};
    *p = (pair){0};
    fd_diags_init(&p->diags);
    support_event_schema(writer, &json);
    p->writer = support_schema(json.p);
    fd_strbuf_reset(&json);
    support_event_schema(reader == NULL ? writer : reader, &json);
    p->reader = support_schema(json.p);
    fd_strbuf_free(&json);
    p->decoder = fd_decoder_new(p->reader, FD_STR("id"), FD_STR("ts"), &p->diags);
    assert_non_null(p->decoder);
    p->plan = fd_plan_new(p->decoder, p->writer, &p->diags);
}

static void pair_close(pair *p)
{
    fd_plan_free(p->plan);
    fd_decoder_free(p->decoder);
    fd_schema_free(p->reader);
    fd_schema_free(p->writer);
    fd_diags_free(&p->diags);
}

static void show_result(const pair *p, fd_poison why, const fd_batch *b, fd_strbuf *out)
{
    uint32_t at;
    assert_non_null(fd_type_field(fd_schema_type(p->reader), FD_STR("v"), &at));
    if (why != FD_POISON_NONE) {
        fd_strbuf_printf(out, "!%s", fd_poison_name(why));
        return;
    }
    const fd_col *v = &b->root.children[at];
    if (v->type->kind == FD_LIST && v->v.off[1] > 1000)
        fd_strbuf_printf(out, "!COUNT%u", v->v.off[1]);
    else
        support_show(v, 0, out);
}

static void try_example(const example *e)
{
    pair p;
    pair_open(&p, e->writer, e->reader);
    fd_strbuf payload = {0}, out = {0};
    support_hex("0261 02", &payload); /* id "a", ts 1 */
    support_hex(e->bytes, &payload);
    if (p.plan == NULL) {
        print_error("%s -> %s: %s\n", e->writer, e->reader, support_said(&p.diags));
        fail();
    }
    fd_batch *b = fd_batch_new(fd_schema_type(p.reader), 2, 1 << 17);
    fd_str bytes = {payload.p, (uint32_t)payload.n};
    fd_scan scan;
    fd_poison why = fd_plan_scan(p.plan, bytes, &scan);
    assert_int_equal(fd_plan_decode(p.plan, bytes, b), why);
    assert_int_equal(b->root.n, why == FD_POISON_NONE);
    show_result(&p, why, b, &out);
    if (strcmp(out.p, e->want) != 0)
        print_error("%s -> %s of %s\n", e->writer, e->reader, e->bytes);
    assert_string_equal(out.p, e->want);
    fd_batch_free(b);
    fd_strbuf_free(&payload);
    fd_strbuf_free(&out);
    pair_close(&p);
}

#define TEST_TABLE(table)                                           \
    static void test_##table(void **state)                          \
    {                                                               \
        (void)state;                                                \
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) \
            try_example(&table[i]);                                 \
    }

TEST_TABLE(promotions)
TEST_TABLE(logical)
TEST_TABLE(lists)
TEST_TABLE(enums)
TEST_TABLE(records)
TEST_TABLE(unions)

/* --- what cannot be resolved --- */

static const struct {
    const char *writer, *reader, *part;
} mismatches[] = {
    {"\"string\"", "\"int\"", "v: the writer has string, which cannot be read as int"},
    {"\"long\"", "\"int\"", "v: the writer has long, which cannot be read as int"},
    {"\"double\"", "\"float\"", "the writer has double, which cannot be read as float"},
    {"\"float\"", "\"long\"", "the writer has float, which cannot be read as long"},
    {"\"boolean\"", "\"int\"", "the writer has boolean"},
    {"\"null\"", "\"int\"", "the writer has null"},
    {"\"int\"", "\"null\"", "cannot be read as null"},
    {"\"bytes\"", FIXED("F", "2"), "the writer has bytes, which cannot be read as fixed F"},
    {FIXED("F", "2"), FIXED("F", "3"), "their sizes are 2 and 3"},
    {FIXED("F", "2"), FIXED("G", "2"), "give G in the reader schema \"aliases\": [\"F\"]"},
    {ENUM("N", "\"A\""), ENUM("M", "\"A\""), "give M in the reader schema \"aliases\": [\"N\"]"},
    {ENUM("N", "\"A\""), "\"string\"", "the writer has enum N, which cannot be read as string"},
    {RECORD("S", ""), RECORD("T", ""), "give T in the reader schema \"aliases\": [\"S\"]"},
    {RECORD("S", FIELD("a", "\"int\"")), RECORD("S", FIELD("b", "\"int\"")),
     "v.b: the writer has no such field, and it has no default"},
    {RECORD("S", FIELD("a", "\"int\"")), RECORD("S", FIELD("a", "\"string\"")),
     "v.a: the writer has int, which cannot be read as string"},
    {ARRAY("\"int\""), ARRAY("\"string\""), "v[]: the writer has int"},
    {ARRAY("\"int\""), MAP("\"int\""), "the writer has array, which cannot be read as map"},
    {MAP("\"int\""), MAP("\"string\""), "v[]: the writer has int"},
    {"\"int\"", "[\"null\",\"string\"]",
     "the writer has int, which cannot be read as a union of null, string"},
    {"[\"null\",\"int\"]", "\"string\"", "the writer has int, which cannot be read as string"},
    {"[\"null\",\"int\"]", "[\"null\",\"string\"]", "which cannot be read as a union"},
    {"[\"int\",\"boolean\"]", "\"string\"", "the writer has int, which cannot be read as string"},
    {"[\"null\"," RECORD("S", FIELD("a", "\"int\"")) "]",
     "[\"null\"," RECORD("S", FIELD("a", "\"string\"")) "]",
     "v.a: the writer has int, which cannot be read as string"},
    {LOGICAL("int", "date"), LOGICAL("long", "timestamp-millis"),
     "the writer's date cannot be read as timestamp-millis"},
    {DECIMAL("9", "2"), DECIMAL("9", "3"), "the writer's decimal has scale 2, the reader's 3"},
};

static void test_mismatches(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mismatches / sizeof mismatches[0]; i++) {
        pair p;
        pair_open(&p, mismatches[i].writer, mismatches[i].reader);
        if (p.plan != NULL || strstr(support_said(&p.diags), mismatches[i].part) == NULL) {
            print_error("%s -> %s: %s\nwanted: %s\n", mismatches[i].writer, mismatches[i].reader,
                        support_said(&p.diags), mismatches[i].part);
            fail();
        }
        pair_close(&p);
    }
}

/* All that is wrong is said at once, each with its path. */
static void test_all_mismatches_are_said(void **state)
{
    (void)state;
    pair p;
    pair_open(&p, RECORD("S", FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
              RECORD("S", FIELD("a", "\"string\"") "," FIELD("b", "\"boolean\"") "," FIELD(
                              "c", "\"int\"")));
    assert_null(p.plan);
    assert_int_equal(p.diags.errors, 3);
    pair_close(&p);
}

/* The default is only asked for where the writer lacks the field. */
static void test_bad_defaults(void **state)
{
    (void)state;
    fd_diags d;
    fd_diags_init(&d);
    fd_schema *reader = support_warned_schema(
        RECORD("E", FIELD("id", "\"string\"") "," FIELD("ts", "\"long\"") "," FIELD_OR(
                        "v", "\"int\"", "\"x\"")),
        "the default of E.v does not fit");
    fd_schema *with = support_schema(RECORD(
        "E", FIELD("id", "\"string\"") "," FIELD("ts", "\"long\"") "," FIELD("v", "\"int\"")));
    fd_schema *without = support_schema(
        RECORD("E", FIELD("id", "\"string\"") "," FIELD("ts", "\"long\"")));
    fd_decoder *decoder = fd_decoder_new(reader, FD_STR("id"), FD_STR("ts"), &d);
    fd_plan *plan = fd_plan_new(decoder, with, &d);
    assert_non_null(plan);
    fd_plan_free(plan);
    assert_null(fd_plan_new(decoder, without, &d));
    assert_non_null(strstr(support_said(&d), "v: its default does not fit"));
    fd_decoder_free(decoder);
    fd_schema_free(reader);
    fd_schema_free(with);
    fd_schema_free(without);
    fd_diags_free(&d);
}

/* --- hostile pairs: work grows with the schema, not with its power --- */

static void nested_union(int levels, const char *leaf, fd_strbuf *out)
{
    for (int i = 0; i < levels; i++)
        fd_strbuf_printf(out,
                         "[\"null\",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":["
                         "{\"name\":\"f\",\"type\":",
                         i);
    fd_strbuf_puts(out, leaf);
    for (int i = 0; i < levels; i++)
        fd_strbuf_puts(out, "}]}]");
}

static void test_deep_unions_resolve_at_once(void **state)
{
    (void)state;
    fd_strbuf w = {0}, r = {0};
    nested_union(20, "\"int\"", &w);
    nested_union(20, "\"string\"", &r);
    pair p;
    pair_open(&p, w.p, NULL);
    assert_non_null(p.plan);
    pair_close(&p);
    pair_open(&p, w.p, r.p); /* once took hours: three times the work per level */
    assert_null(p.plan);
    assert_int_equal(p.diags.errors, 1);
    pair_close(&p);
    fd_strbuf_free(&w);
    fd_strbuf_free(&r);
}

static void test_defaults_of_defaults_end(void **state)
{
    (void)state;
    const char *json = RECORD(
        "E",
        FIELD("id", "\"string\"") "," FIELD("ts", "\"long\"") "," FIELD_OR(
            "x",
            "[" RECORD(
                "A", FIELD_OR("y", "[\"A\"," RECORD("B", FIELD_OR("z", "[\"A\",\"B\"]", "{}")) "]",
                              "{}")) ",\"B\"]",
            "{}"));
    fd_schema *s = support_warned_schema(json, "nested deeper than 64 levels");
    fd_schema_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promotions),
        cmocka_unit_test(test_logical),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_enums),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_unions),
        cmocka_unit_test(test_mismatches),
        cmocka_unit_test(test_all_mismatches_are_said),
        cmocka_unit_test(test_bad_defaults),
        cmocka_unit_test(test_deep_unions_resolve_at_once),
        cmocka_unit_test(test_defaults_of_defaults_end),
    };
    return cmocka_run_group_tests_name("codec.resolve", tests, NULL, NULL);
}
