/* Schemas from text: what the catalogue makes of each type, and what is said of bad ones. */
#include "codec/schema.h"

#include <inttypes.h>
#include <unistd.h>

#include "support.h"

/* --- the catalogue as text: "int?", "timestamp@1000", "(a:int,b:list<string>)" --- */

static void show_type(const fd_type *t, fd_strbuf *out)
{
    fd_strbuf_puts(out, t->kind == FD_RECORD ? "" : t->is_enum ? "enum" : fd_kind_name(t->kind));
    for (uint32_t i = 0; i < t->n_symbols; i++)
        fd_strbuf_printf(out, "%s" FD_STR_FMT, i == 0 ? ":" : "/", FD_STR_ARG(t->symbols[i]));
    if (t->kind == FD_TIMESTAMP || t->kind == FD_DURATION)
        fd_strbuf_printf(out, "@%" PRId64, t->per_second);
    if (t->scale > 0)
        fd_strbuf_printf(out, "e-%u", t->scale);
    if (t->elem != NULL) {
        fd_strbuf_putc(out, '<');
        show_type(t->elem, out);
        fd_strbuf_putc(out, '>');
    }
    if (t->kind == FD_RECORD || t->kind == FD_UNION)
        fd_strbuf_putc(out, '(');
    for (uint32_t i = 0; i < t->n_fields; i++) {
        fd_strbuf_printf(out, "%s%s:", i == 0 ? "" : ",", t->fields[i].name);
        show_type(t->fields[i].type, out);
    }
    if (t->kind == FD_RECORD || t->kind == FD_UNION)
        fd_strbuf_putc(out, ')');
    if (t->nullable)
        fd_strbuf_putc(out, '?');
}

static void field_schema(const char *type, fd_strbuf *json)
{
    fd_strbuf_printf(json,
                     "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":["
                     "{\"name\":\"v\",\"type\":%s}]}",
                     type);
}

#define LOGICAL(base, name) "{\"type\":\"" base "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(p, s) \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" p ",\"scale\":" s "}"
#define FIXED(size, more)    "{\"type\":\"fixed\",\"name\":\"F\",\"size\":" size more "}"
#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":" type "}"
#define ENUM(name, symbols)  "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "]}"

static const struct {
    const char *type, *want;
} types[] = {
    {"\"null\"", "null"},
    {"\"boolean\"", "bool"},
    {"\"int\"", "int"},
    {"{\"type\":\"long\"}", "int"},
    {"{\"type\":{\"type\":{\"type\":\"long\"}}}", "int"},
    {"\"float\"", "double"},
    {"\"double\"", "double"},
    {"\"bytes\"", "bytes"},
    {"\"string\"", "string"},
    {FIXED("4", ""), "bytes"},
    {FIXED("0", ""), "bytes"},
    {ENUM("E", "\"A\",\"B\""), "enum:A/B"},
    {LOGICAL("string", "uuid"), "string"},
    {FIXED("16", ",\"logicalType\":\"uuid\""), "string"},
    {LOGICAL("int", "date"), "timestamp@0"},
    {LOGICAL("int", "time-millis"), "duration@1000"},
    {LOGICAL("long", "time-micros"), "duration@1000000"},
    {LOGICAL("long", "timestamp-millis"), "timestamp@1000"},
    {LOGICAL("long", "timestamp-micros"), "timestamp@1000000"},
    {LOGICAL("long", "timestamp-nanos"), "timestamp@1000000000"},
    /* names no instant: a plain number */
    {LOGICAL("long", "local-timestamp-millis"), "int"},
    {LOGICAL("string", "made-up"), "string"},
    {DECIMAL("9", "2"), "inte-2"},
    {DECIMAL("38", "0"), "int"},
    {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}", "int"},
    {FIXED("8", ",\"logicalType\":\"decimal\",\"precision\":18,\"scale\":4"), "inte-4"},
    {"{\"type\":\"array\",\"items\":\"int\"}", "list<int>"},
    {"{\"type\":\"array\",\"items\":[\"null\",\"int\"]}", "list<int?>"},
    {"{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"string\"}}",
     "map<list<string>>"},
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")), "(a:int,b:string)"},
    {RECORD("S", ""), "()"},
    {"{\"type\":\"error\",\"name\":\"S\",\"fields\":[]}", "()"},
    /* unions with null, on either side */
    {"[\"null\",\"long\"]", "int?"},
    {"[\"long\",\"null\"]", "int?"},
    {"[\"null\"]", "null"},
    {"[\"string\"]", "string"},
    {"[\"null\"," RECORD("S", FIELD("a", "\"int\"")) "]", "(a:int)?"},
    /* branches of one type of the catalogue are that type */
    {"[\"int\",\"long\"]", "int"},
    {"[\"float\",\"null\",\"double\"]", "double?"},
    {"[\"string\"," ENUM("E", "\"A\"") "]", "string"},
    {"[" ENUM("E", "\"A\"") "," ENUM("G", "\"B\"") "]", "string"},
    {"[" ENUM("E", "\"A\"") "," ENUM("G", "\"A\"") "]", "enum:A"},
    /* others have one child per type */
    {"[\"int\",\"string\"]", "union(int:int,string:string)"},
    {"[\"null\",\"int\",\"string\",\"long\"]", "union(int:int,string:string)?"},
    {"[\"long\"," LOGICAL("int", "date") "]", "union(int:int,timestamp:timestamp@0)"},
    {"[\"bytes\"," FIXED("2", "") "]", "bytes"},
    {"[" RECORD("S", FIELD("a", "\"int\"")) ",\"string\"]", "union(record:(a:int),string:string)"},
    /* unions of records: the fields of all, those not in all nullable */
    {"[" RECORD("S", FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")) "," RECORD(
         "T", FIELD("c", "\"int\"") "," FIELD("a", "\"long\"")) "]",
     "(a:int,b:string?,c:int?)"},
    {"[\"null\"," RECORD("S", FIELD("a", "\"int\"")) "," RECORD("T", FIELD("a", "\"int\"")) "]",
     "(a:int)?"},
    /* told apart by branch only: nobody can read it */
    {"[" RECORD("S", FIELD("a", "\"int\"")) "," RECORD("T", FIELD("a", "\"string\"")) "]",
     "(a:opaque)"},
    {"[" RECORD("S", FIELD("a", "\"null\"")) "," RECORD("T", FIELD("a", "\"string\"")) "]",
     "(a:string?)"},
    /* named types used again, by short and full name, and recursion */
    {RECORD("S", FIELD("a", FIXED("2", "")) "," FIELD("b", "\"F\"") "," FIELD("c", "\"n.F\"")),
     "(a:bytes,b:bytes,c:bytes)"},
    {RECORD("S", FIELD("a", "\"int\"") "," FIELD("next", "[\"null\",\"S\"]")),
     "(a:int,next:opaque?)"},
    {RECORD("S", FIELD("kids", "{\"type\":\"array\",\"items\":\"S\"}")), "(kids:list<opaque>)"},
};

static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        fd_strbuf json = {0}, out = {0};
        field_schema(types[i].type, &json);
        fd_schema *s = support_schema(json.p);
        show_type(fd_schema_type(s)->fields[0].type, &out);
        assert_string_equal(out.p, types[i].want);
        assert_string_equal(fd_schema_name(s), "n.R");
        size_t n = 0;
        assert_memory_equal(fd_schema_json(s, &n), json.p, json.n);
        assert_int_equal(n, json.n);
        fd_schema_free(s);
        fd_strbuf_free(&json);
        fd_strbuf_free(&out);
    }
}

static void test_embedded_schemas(void **state)
{
    (void)state;
    size_t n;
    fd_schema *payment = support_schema(fd_embedded_payment_schema(&n));
    fd_schema *decision = support_schema(fd_embedded_decision_schema(&n));
    assert_string_equal(fd_schema_name(payment), "fraudd.Payment");
    assert_string_equal(fd_schema_name(decision), "fraudd.Decision");
    fd_strbuf out = {0};
    show_type(fd_type_path(fd_schema_type(payment), FD_STR("channel")), &out);
    fd_strbuf_putc(&out, ' ');
    show_type(fd_type_path(fd_schema_type(payment), FD_STR("lat")), &out);
    fd_strbuf_putc(&out, ' ');
    show_type(fd_type_path(fd_schema_type(decision), FD_STR("features")), &out);
    assert_string_equal(out.p, "enum:pos/ecom/atm/moto double? "
                               "map<union(int:int,double:double,bool:bool,string:string)?>");
    fd_strbuf_free(&out);
    fd_schema_free(payment);
    fd_schema_free(decision);
}

/* --- names --- */

static void expect_name(const char *json, const char *want)
{
    fd_schema *s = support_schema(json);
    assert_string_equal(fd_schema_name(s), want);
    fd_schema_free(s);
}

static void test_names(void **state)
{
    (void)state;
    expect_name("{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}", "R");
    expect_name("{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"\",\"fields\":[]}", "R");
    expect_name("{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a.b\",\"fields\":[]}",
                "a.b.R");
    expect_name("{\"type\":\"record\",\"name\":\"c.R\",\"namespace\":\"a.b\",\"fields\":[]}",
                "c.R");
    expect_name("{\"type\":\"record\",\"name\":\"_R_1\",\"fields\":[]}", "_R_1");
    /* an inner namespace holds for what is inside it; an empty one takes it away */
    fd_schema_free(support_schema(
        "{\"type\":\"record\",\"name\":\"a.R\",\"fields\":["
        "{\"name\":\"x\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"namespace\":\"b\","
        "\"fields\":[{\"name\":\"y\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":1}}]}},"
        "{\"name\":\"z\",\"type\":\"b.F\"},"
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"namespace\":\"\","
        "\"symbols\":[\"A\"]}},{\"name\":\"g\",\"type\":\"E\"}]}"));
    support_refused("{\"type\":\"record\",\"name\":\"a.R\",\"fields\":["
                    "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"b.F\",\"size\":1}},"
                    "{\"name\":\"z\",\"type\":\"F\"}]}",
                    "z: unknown type 'F'");
}

/* --- refusals --- */

#define IN_R(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define V(type)      IN_R(FIELD("v", type))

static const struct {
    const char *json, *part;
} refusals[] = {
    {"", "not JSON"},
    {"{", "not JSON"},
    {"{\"type\":\"record\",\"type\":\"record\"}", "duplicate object key"},
    {"{} {}", "not JSON"},
    {"\"string\"", "the schema is of type string, it must be a record"},
    {"[\"null\",\"int\"]", "the schema is of type union, it must be a record"},
    {ENUM("E", "\"A\""), "the schema is of type enum, it must be a record"},
    {"{}", "a type without \"type\""},
    {"5", "a type must be a name, an object or a list"},
    {"null", "a type must be a name, an object or a list"},
    {"{\"type\":5}", "\"type\" must be a name, an object or a list"},
    {"{\"type\":\"rec\\u0000ord\",\"name\":\"R\",\"fields\":[]}", "must be a name"},
    {"{\"type\":\"record\",\"fields\":[]}", "a record without a name"},
    {"{\"type\":\"record\",\"name\":7,\"fields\":[]}", "a record without a name"},
    {"{\"type\":\"record\",\"name\":\"R\\u0000\",\"fields\":[]}", "a record without a name"},
    {"{\"type\":\"record\",\"name\":\"9R\",\"fields\":[]}", "'9R' is not a name"},
    {"{\"type\":\"record\",\"name\":\"\",\"fields\":[]}", "'' is not a name"},
    {"{\"type\":\"record\",\"name\":\"a-b\",\"fields\":[]}", "'a-b' is not a name"},
    {"{\"type\":\"record\",\"name\":\"a..b\",\"fields\":[]}", "'a..b' is not a name"},
    {"{\"type\":\"record\",\"name\":\"R.\",\"fields\":[]}", "'R.' is not a name"},
    {"{\"type\":\"record\",\"name\":\"int\",\"fields\":[]}", "a record cannot be named 'int'"},
    {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":3,\"fields\":[]}",
     "namespace must be a string"},
    {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a-b\",\"fields\":[]}",
     "the namespace is not a name"},
    {"{\"type\":\"record\",\"name\":\"R\"}", "record R has no list of fields"},
    {"{\"type\":\"record\",\"name\":\"R\",\"fields\":{}}", "record R has no list of fields"},
    {IN_R("{\"type\":\"int\"}"), "field 1 of R has no proper name"},
    {IN_R("{\"name\":\"a b\",\"type\":\"int\"}"), "field 1 of R has no proper name"},
    {IN_R("{\"name\":\"a.b\",\"type\":\"int\"}"), "field 1 of R has no proper name"},
    {IN_R("7"), "field 1 of R has no proper name"},
    {IN_R("{\"name\":\"a\"}"), "a: a field without a type"},
    {IN_R(FIELD("a", "\"int\"") "," FIELD("a", "\"long\"")), "R has the field 'a' twice"},
    {V("\"strin\""), "did you mean \"string\"?"},
    {V("\"Nobody\""), "v: unknown type 'Nobody'"},
    {V("[]"), "v: a union without branches"},
    {V("[\"int\",\"int\"]"), "a union with int twice"},
    {V("[\"int\",{\"type\":\"int\",\"logicalType\":\"date\"}]"), "a union with int twice"},
    {V("[{\"type\":\"array\",\"items\":\"int\"},{\"type\":\"array\",\"items\":\"long\"}]"),
     "a union with array twice"},
    {V("[" FIXED("2", "") ",\"F\"]"), "a union with F twice"},
    {V("[\"null\",[\"int\"]]"), "a union directly inside a union"},
    {V("{\"type\":\"array\"}"), "array without \"items\""},
    {V("{\"type\":\"map\"}"), "map without \"values\""},
    {V("{\"type\":\"array\",\"items\":\"x\"}"), "v[]: unknown type 'x'"},
    {V("{\"type\":\"enum\",\"name\":\"E\"}"), "enum E has no symbols"},
    {V(ENUM("E", "")), "enum E has no symbols"},
    {V(ENUM("E", "\"A\",\"A\"")), "enum E has 'A' twice"},
    {V(ENUM("E", "\"A\",\"B-C\"")), "symbol 2 of enum E is not a name"},
    {V(ENUM("E", "3")), "symbol 1 of enum E is not a name"},
    {V("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"B\"}"),
     "the default of enum E is not a symbol of it"},
    {V("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":0}"),
     "the default of enum E is not a symbol of it"},
    {V("{\"type\":\"fixed\",\"name\":\"F\"}"), "fixed F needs a size"},
    {V(FIXED("-1", "")), "fixed F needs a size"},
    {V(FIXED("2.5", "")), "fixed F needs a size"},
    {V(FIXED("\"2\"", "")), "fixed F needs a size"},
    {V(FIXED("2000000", "")), "fixed F needs a size"},
    {IN_R(FIELD("a", FIXED("2", "")) "," FIELD("b", FIXED("3", ""))),
     "b: 'F' is defined a second time"},
    {V(RECORD("R", "")), "'R' is defined a second time"},
    {V("\"int\",\"aliases\":\"w\""), "aliases must be a list"},
    {V("\"int\",\"aliases\":[\"w\",5]"), "an alias is not a name"},
    {V("\"int\",\"aliases\":[\"a.b\"]"), "an alias is not a name"},
    {"{\"type\":\"record\",\"name\":\"R\",\"aliases\":[\"4\"],\"fields\":[]}",
     "an alias is not a name"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        support_refused(refusals[i].json, refusals[i].part);
}

static void test_errors_have_a_place(void **state)
{
    (void)state;
    const char *text = "{\"type\": \"record\", \"name\": \"R\",\n"
                       " \"fields\": [\n"
                       "  {\"name\": \"a\", \"type\": \"strnig\"}]}";
    support_refused(text, "test.avsc:3:25: error: a: unknown type 'strnig'");
    support_refused("{\"type\": \"record\",\n \"name\" \"R\"}", "test.avsc:2:");
}

/* --- warnings: the schema can be used, but perhaps not as meant --- */

static void expect_warning(const char *field, const char *warning)
{
    fd_strbuf json = {0};
    fd_strbuf_printf(&json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"v\",%s}]}",
                     field);
    fd_schema_free(support_warned_schema(json.p, warning));
    fd_strbuf_free(&json);
}

static void test_warnings(void **state)
{
    (void)state;
    const char *ignored = "does not fit this";
    expect_warning("\"type\":\"long\",\"logicalType\":\"timestamp-millis\"", "belongs inside");
    expect_warning("\"type\":" LOGICAL("int", "timestamp-millis"), ignored);
    expect_warning("\"type\":" LOGICAL("long", "date"), ignored);
    expect_warning("\"type\":" LOGICAL("long", "time-millis"), ignored);
    expect_warning("\"type\":" LOGICAL("bytes", "uuid"), ignored);
    expect_warning("\"type\":" FIXED("15", ",\"logicalType\":\"uuid\""), ignored);
    expect_warning("\"type\":" LOGICAL("bytes", "decimal"), ignored); /* no precision */
    expect_warning("\"type\":" DECIMAL("0", "0"), ignored);
    expect_warning("\"type\":" DECIMAL("4", "5"), ignored);
    expect_warning("\"type\":" DECIMAL("4", "-1"), ignored);
    /* two bytes hold four digits */
    expect_warning("\"type\":" FIXED("2", ",\"logicalType\":\"decimal\",\"precision\":5"), ignored);
    expect_warning("\"type\":\"int\",\"default\":\"five\"", "the default of R.v does not fit");
    expect_warning("\"type\":\"int\",\"default\":null", "the default of R.v does not fit");
    expect_warning("\"type\":\"int\",\"default\":3000000000", "the default of R.v does not fit");
    expect_warning("\"type\":" ENUM("E", "\"A\"") ",\"default\":\"B\"",
                   "the default of R.v does not fit");
    expect_warning("\"type\":" RECORD("S", FIELD("a", "\"int\"")) ",\"default\":{}",
                   "the default of R.v does not fit: a: missing");
}

static void test_good_defaults_are_no_matter(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "\"type\":\"long\",\"default\":-7",
        "\"type\":\"double\",\"default\":1",
        "\"type\":[\"null\",\"string\"],\"default\":null",
        "\"type\":[\"null\",\"string\"],\"default\":\"of any branch\"",
        "\"type\":\"bytes\",\"default\":\"\\u0000\\u00ff\"",
        "\"type\":" DECIMAL("9", "2") ",\"default\":\"\\u0000\"",
        "\"type\":" FIXED("2", "") ",\"default\":\"\\u0000\\u0000\"",
        "\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":[]",
        "\"type\":{\"type\":\"map\",\"values\":\"int\"},\"default\":{\"a\":1}",
        "\"type\":" LOGICAL("long", "timestamp-millis") ",\"default\":0",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fd_strbuf json = {0};
        fd_strbuf_printf(&json,
                         "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"v\",%s}]}",
                         fields[i]);
        fd_schema_free(support_schema(json.p));
        fd_strbuf_free(&json);
    }
}

/* --- bounds --- */

static void nested(int levels, fd_strbuf *json)
{
    fd_strbuf_puts(json,
                   "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"v\",\"type\":");
    for (int i = 0; i < levels; i++)
        fd_strbuf_puts(json, "{\"type\":\"array\",\"items\":");
    fd_strbuf_puts(json, "\"int\"");
    for (int i = 0; i < levels; i++)
        fd_strbuf_putc(json, '}');
    fd_strbuf_puts(json, "}]}");
}

static void many_fields(int n, fd_strbuf *json)
{
    fd_strbuf_puts(json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int i = 0; i < n; i++)
        fd_strbuf_printf(json, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i == 0 ? "" : ",", i);
    fd_strbuf_puts(json, "]}");
}

static void many_names(int n, fd_strbuf *json)
{
    fd_strbuf_puts(json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int i = 0; i < n; i++)
        fd_strbuf_printf(json,
                         "%s{\"name\":\"f%d\",\"type\":{\"type\":\"fixed\",\"name\":\"F%d\","
                         "\"size\":1}}",
                         i == 0 ? "" : ",", i, i);
    fd_strbuf_puts(json, "]}");
}

static void padded(int bytes, fd_strbuf *json)
{
    fd_strbuf_puts(json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[],\"doc\":\"");
    while (json->n < (size_t)bytes - 2)
        fd_strbuf_putc(json, 'x');
    fd_strbuf_puts(json, "\"}");
}

static void expect_bound(void (*make)(int, fd_strbuf *), int most, const char *part)
{
    fd_strbuf json = {0};
    make(most, &json);
    fd_schema_free(support_schema(json.p));
    fd_strbuf_reset(&json);
    make(most + 1, &json);
    support_refused(json.p, part);
    fd_strbuf_free(&json);
}

static void test_bounds(void **state)
{
    (void)state;
    expect_bound(nested, FD_SCHEMA_MAX_DEPTH - 1, "nested deeper than 64 levels");
    expect_bound(many_fields, FD_SCHEMA_MAX_COLUMNS - 1, "more than 4096 columns");
    expect_bound(many_names, 1023, "more than 1024 named types");
    expect_bound(padded, FD_SCHEMA_MAX_BYTES, "a schema of more than 1048576 bytes");
}

/* Records of records of records: 2^24 columns in 2 KiB of text. */
static void test_doubling_is_refused(void **state)
{
    (void)state;
    fd_strbuf json = {0};
    fd_strbuf_puts(&json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                          "{\"name\":\"f\",\"type\":{\"type\":\"record\",\"name\":\"S0\","
                          "\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}}");
    for (int i = 1; i < 24; i++)
        fd_strbuf_printf(&json,
                         ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"S%d\","
                         "\"fields\":[{\"name\":\"a\",\"type\":\"S%d\"},"
                         "{\"name\":\"b\",\"type\":\"S%d\"}]}}",
                         i, i, i - 1, i - 1);
    fd_strbuf_puts(&json, "]}");
    support_refused(json.p, "too large once nested records are laid out");
    fd_strbuf_free(&json);
}

/* --- files --- */

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/fraudd-test-schema-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    fd_diags d;
    fd_diags_init(&d);
    assert_null(fd_schema_load(path, &d)); /* empty */
    assert_non_null(strstr(support_said(&d), "not JSON"));
    const char *text = V("\"int\"");
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    fd_schema *s = fd_schema_load(path, &d);
    assert_non_null(s);
    assert_string_equal(fd_schema_name(s), "R");
    fd_schema_free(s);
    unlink(path);
    assert_null(fd_schema_load(path, &d));
    assert_non_null(strstr(support_said(&d), "cannot read the schema: No such file"));
    assert_null(fd_schema_load("/tmp", &d));
    assert_int_equal(d.errors, 3);
    fd_diags_free(&d);
    fd_schema_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_embedded_schemas),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_errors_have_a_place),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_good_defaults_are_no_matter),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_doubling_is_refused),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("codec.schema", tests, NULL, NULL);
}
