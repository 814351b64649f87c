/*
 * Payloads to rows: identity, numbers and text byte by byte, bounds per event, and batches that a
 * refused event leaves as they were.
 */
#include "codec/decode.h"

#include "codec/wire.h"
#include "support.h"

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define RECORD(fields)    "{\"type\":\"record\",\"name\":\"E\",\"fields\":[" fields "]}"
#define MILLIS            "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"

typedef struct fixture {
    fd_schema *schema;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_batch *batch;
    fd_diags diags;
    char *bytes;
} fixture;

static void open_paths(fixture *f, const char *json, const char *id, const char *time)
{
    *f = (fixture){.schema = support_schema(json)};
    fd_diags_init(&f->diags);
    f->decoder = fd_decoder_new(f->schema, fd_str_from(id), fd_str_from(time), &f->diags);
    f->plan = f->decoder == NULL ? NULL : fd_plan_new(f->decoder, NULL, &f->diags);
    if (f->plan == NULL)
        print_error("%s\n", support_said(&f->diags));
    assert_non_null(f->plan);
    assert_ptr_equal(fd_decoder_schema(f->decoder), f->schema);
    f->batch = fd_batch_new(fd_schema_type(f->schema), 8, 1 << 17);
}

static void open_plain(fixture *f, const char *json)
{
    open_paths(f, json, "id", "ts");
}

static void close_all(fixture *f)
{
    free(f->bytes);
    fd_batch_free(f->batch);
    fd_plan_free(f->plan);
    fd_decoder_free(f->decoder);
    fd_schema_free(f->schema);
    fd_diags_free(&f->diags);
}

/* Scan and decode agree; the payload is exactly as large as its buffer. */
static fd_poison feed(fixture *f, const char *hex, fd_scan *scan)
{
    fd_strbuf b = {0};
    support_hex(hex, &b);
    free(f->bytes);
    f->bytes = malloc(b.n == 0 ? 1 : b.n);
    assert_non_null(f->bytes);
    if (b.n > 0)
        memcpy(f->bytes, b.p, b.n);
    fd_str payload = {f->bytes, (uint32_t)b.n};
    fd_strbuf_free(&b);
    uint32_t rows = f->batch->root.n;
    fd_poison why = fd_plan_scan(f->plan, payload, scan);
    assert_int_equal(fd_plan_decode(f->plan, payload, f->batch), why);
    assert_int_equal(f->batch->root.n, rows + (why == FD_POISON_NONE));
    return why;
}

/* --- identity --- */

static void test_identity(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(
        &f, RECORD(FIELD("id", "[\"null\",\"string\"]") "," FIELD("ts", "[\"null\"," MILLIS "]")));
    assert_int_equal(feed(&f, "02 0661 6263 02 d00f", &s), FD_POISON_NONE);
    assert_int_equal(s.time_us, 1000000);
    assert_true(!s.null_id && !s.null_time && !s.bad_id);
    assert_true(fd_str_eq_c(fd_decoder_id(f.decoder, f.batch, 0), "abc"));
    assert_int_equal(fd_decoder_time_us(f.decoder, f.batch, 0), 1000000);

    assert_int_equal(feed(&f, "00 02 d00f", &s), FD_POISON_NULL_ID);
    assert_true(s.null_id && !s.null_time && s.time_us == 1000000);
    assert_int_equal(feed(&f, "02 0261 00", &s), FD_POISON_NULL_TIME);
    assert_true(!s.null_id && s.null_time && s.time_us == 0);
    assert_int_equal(feed(&f, "00 00", &s), FD_POISON_NULL_ID);
    assert_true(s.null_id && s.null_time);
    assert_int_equal(feed(&f, "02 00 02 d00f", &s), FD_POISON_BAD_ID);
    assert_true(!s.null_id && s.bad_id && s.time_us == 1000000);
    /* without an id there is nothing to say of it */
    assert_int_equal(feed(&f, "02 00 00", &s), FD_POISON_NULL_TIME);
    /* damage goes before all that, and nothing is known then */
    assert_int_equal(feed(&f, "02 0261 02 d00f 00", &s), FD_POISON_TRAILING_BYTES);
    assert_true(s.null_id && s.null_time && !s.bad_id && s.time_us == 0);
    assert_int_equal(feed(&f, "02 0261 02 d0", &s), FD_POISON_TRUNCATED);
    assert_int_equal(feed(&f, "", &s), FD_POISON_TRUNCATED);
    close_all(&f);
}

static fd_poison feed_id(fixture *f, uint32_t n)
{
    fd_strbuf hex = {0};
    fd_scan s;
    unsigned char len[FD_WIRE_LONG_MAX];
    unsigned char *end = fd_wire_put_long(len, n);
    for (unsigned char *c = len; c < end; c++)
        fd_strbuf_printf(&hex, "%02x", *c);
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_puts(&hex, "78");
    fd_strbuf_puts(&hex, "02");
    fd_poison why = feed(f, hex.p, &s);
    assert_int_equal(s.bad_id, why == FD_POISON_BAD_ID);
    fd_strbuf_free(&hex);
    return why;
}

static void test_length_of_ids(void **state)
{
    (void)state;
    fixture f;
    open_plain(&f, RECORD(FIELD("id", "\"string\"") "," FIELD("ts", MILLIS)));
    assert_int_equal(feed_id(&f, 0), FD_POISON_BAD_ID);
    assert_int_equal(feed_id(&f, 1), FD_POISON_NONE);
    assert_int_equal(feed_id(&f, FD_EVENT_ID_MAX), FD_POISON_NONE);
    assert_int_equal(feed_id(&f, FD_EVENT_ID_MAX + 1), FD_POISON_BAD_ID);
    close_all(&f);
}

/* Numbers are ids by their digits; zero and negative ones too. */
static void test_number_ids(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(&f, RECORD(FIELD("id", "\"long\"") "," FIELD("ts", "\"long\"")));
    assert_int_equal(feed(&f, "00 02", &s), FD_POISON_NONE);
    assert_int_equal(feed(&f, "feffffffffffffffff01 02", &s), FD_POISON_NONE);
    assert_int_equal(feed(&f, "ffffffffffffffffff01 02", &s), FD_POISON_NONE);
    const char *const want[] = {"0", "9223372036854775807", "-9223372036854775808"};
    for (uint32_t i = 0; i < 3; i++)
        assert_true(fd_str_eq_c(fd_decoder_id(f.decoder, f.batch, i), want[i]));
    assert_int_equal(s.time_us, 1000); /* a number without a unit is milliseconds */
    close_all(&f);
}

static void test_ids_of_enums_and_nested_paths(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_paths(&f,
               "{'type':'record','name':'E','fields':[{'name':'head','type':"
               "{'type':'record','name':'H','fields':["
               "{'name':'when','type':{'type':'long','logicalType':'timestamp-nanos'}},"
               "{'name':'who','type':{'type':'enum','name':'W','symbols':['A','B']}}]}}]}",
               "head.who", "head.when");
    assert_int_equal(feed(&f, "9f1f 02", &s), FD_POISON_NONE);
    assert_int_equal(s.time_us, -2); /* -2000 ns */
    assert_true(fd_str_eq_c(fd_decoder_id(f.decoder, f.batch, 0), "B"));
    assert_int_equal(feed(&f, "01 02", &s), FD_POISON_NONE);
    assert_int_equal(s.time_us, -1); /* -1 ns: down */
    assert_int_equal(fd_decoder_time_us(f.decoder, f.batch, 1), -1);
    close_all(&f);
}

/* Both scan and decode find a uuid of sixteen bytes; as text it is always long enough. */
static void test_uuid_ids(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(&f, "{'type':'record','name':'E','fields':[{'name':'id','type':{'type':'fixed',"
                   "'name':'U','size':16,'logicalType':'uuid'}},{'name':'ts','type':'long'}]}");
    assert_int_equal(feed(&f, "00112233445566778899aabbccddeeff 02", &s), FD_POISON_NONE);
    assert_true(!s.null_id && !s.bad_id);
    assert_true(
        fd_str_eq_c(fd_decoder_id(f.decoder, f.batch, 0), "00112233-4455-6677-8899-aabbccddeeff"));
    close_all(&f);
}

/* A null record on the way is a null id. */
static void test_null_on_the_way_to_the_id(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_paths(&f,
               "{'type':'record','name':'E','fields':[{'name':'head','type':['null',"
               "{'type':'record','name':'H','fields':[{'name':'id','type':'string'}]}]},"
               "{'name':'ts','type':'long'}]}",
               "head.id", "ts");
    assert_int_equal(feed(&f, "00 02", &s), FD_POISON_NULL_ID);
    assert_int_equal(feed(&f, "02 0261 02", &s), FD_POISON_NONE);
    close_all(&f);
}

static void test_times_have_bounds(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(&f, RECORD(FIELD("id", "\"string\"") "," FIELD("ts", MILLIS)));
    static const struct {
        int64_t ms;
        fd_poison want;
    } cases[] = {
        {0, FD_POISON_NONE},
        {-62135596800000, FD_POISON_NONE}, /* 0001-01-01 */
        {-62135596800001, FD_POISON_TOO_LARGE},
        {253402300799999, FD_POISON_NONE}, /* the end of 9999 */
        {253402300800000, FD_POISON_TOO_LARGE},
        {INT64_MAX, FD_POISON_TOO_LARGE}, /* overflows on the way to microseconds */
        {INT64_MIN, FD_POISON_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fd_strbuf hex = {0};
        unsigned char v[FD_WIRE_LONG_MAX];
        unsigned char *end = fd_wire_put_long(v, cases[i].ms);
        fd_strbuf_puts(&hex, "0261");
        for (unsigned char *c = v; c < end; c++)
            fd_strbuf_printf(&hex, "%02x", *c);
        assert_int_equal(feed(&f, hex.p, &s), cases[i].want);
        if (cases[i].want == FD_POISON_NONE)
            assert_true(s.time_us == cases[i].ms * 1000);
        fd_strbuf_free(&hex);
    }
    close_all(&f);
}

/* Tools want rows whatever their identity. */
static void test_without_identity(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_paths(&f,
               "{'type':'record','name':'E','fields':[{'name':'id','type':['null','string']},"
               "{'name':'ts','type':['null','long']}]}",
               NULL, NULL);
    assert_int_equal(feed(&f, "00 00", &s), FD_POISON_NONE);
    assert_true(s.null_id && s.null_time && !s.bad_id);
    assert_int_equal(feed(&f, "02 00 02 feffffffffffffffff01", &s), FD_POISON_NONE);
    assert_int_equal(feed(&f, "00 00 00", &s), FD_POISON_TRAILING_BYTES);
    assert_int_equal(feed(&f, "00", &s), FD_POISON_TRUNCATED);
    close_all(&f);
}

static const struct {
    const char *id, *time, *part;
} bad_paths[] = {
    {"idd", "ts", "E has no field 'idd' for the id, did you mean 'id'?"},
    {NULL, "ts", "E has no field '' for the id"},
    {"id", NULL, "E has no field '' for the time"},
    {"", "ts", "E has no field '' for the id"},
    {"id", "t", "E has no field 't' for the time, did you mean 'ts'?"},
    {"id", "ts.x", "E has no field 'ts.x' for the time"},
    {"head.x", "ts", "E has no field 'head.x' for the id"},
    {"head", "ts", "the id 'head' is of type record"},
    {"amount", "ts", "the id 'amount' is of type double"},
    {"price", "ts", "the id 'price' is of type int"},
    {"id", "id", "the time 'id' is of type string"},
    {"id", "day", "the time 'day' is of type date"},
    {"id", "amount", "the time 'amount' is of type double"},
    {"id", "price", "the time 'price' is of type int"},
};

static void test_bad_paths(void **state)
{
    (void)state;
    fd_schema *s = support_schema(
        "{'type':'record','name':'E','fields':[{'name':'id','type':'string'},"
        "{'name':'ts','type':{'type':'long','logicalType':'timestamp-millis'}},"
        "{'name':'amount','type':'double'},"
        "{'name':'day','type':{'type':'int','logicalType':'date'}},"
        "{'name':'price','type':{'type':'bytes','logicalType':'decimal','precision':9,'scale':2}},"
        "{'name':'head','type':{'type':'record','name':'H','fields':["
        "{'name':'y','type':'int'}]}}]}");
    for (size_t i = 0; i < sizeof bad_paths / sizeof bad_paths[0]; i++) {
        fd_diags d;
        fd_diags_init(&d);
        fd_decoder *decoder = fd_decoder_new(s, fd_str_from(bad_paths[i].id),
                                             fd_str_from(bad_paths[i].time), &d);
        if (decoder != NULL || strstr(support_said(&d), bad_paths[i].part) == NULL)
            print_error("%s\nsaid: %s\n", bad_paths[i].part, support_said(&d));
        assert_null(decoder);
        assert_non_null(strstr(support_said(&d), bad_paths[i].part));
        fd_diags_free(&d);
    }
    fd_schema_free(s);
    fd_decoder_free(NULL);
    fd_plan_free(NULL);
}

/* --- the wire --- */

static const struct {
    const char *type, *hex;
    fd_poison want;
    const char *shown;
} values[] = {
    /* varints: every length, at the end of the payload and before it */
    {"\"long\"", "00", FD_POISON_NONE, "0"},
    {"\"long\"", "7f", FD_POISON_NONE, "-64"},
    {"\"long\"", "8001", FD_POISON_NONE, "64"},
    {"\"long\"", "808001", FD_POISON_NONE, "8192"},
    {"\"long\"", "80808001", FD_POISON_NONE, "1048576"},
    {"\"long\"", "8080808001", FD_POISON_NONE, "134217728"},
    {"\"long\"", "808080808001", FD_POISON_NONE, "17179869184"},
    {"\"long\"", "80808080808001", FD_POISON_NONE, "2199023255552"},
    {"\"long\"", "8080808080808001", FD_POISON_NONE, "281474976710656"},
    {"\"long\"", "808080808080808001", FD_POISON_NONE, "36028797018963968"},
    {"\"long\"", "80808080808080808001", FD_POISON_NONE, "4611686018427387904"},
    {"\"long\"", "feffffffffffffffff01", FD_POISON_NONE, "9223372036854775807"},
    {"\"long\"", "ffffffffffffffffff01", FD_POISON_NONE, "-9223372036854775808"},
    {"\"long\"", "ffffffffffffffffff02", FD_POISON_BAD_VALUE, NULL}, /* bit 64 */
    {"\"long\"", "ffffffffffffffffff03", FD_POISON_BAD_VALUE, NULL},
    {"\"long\"", "ffffffffffffffffffff01", FD_POISON_BAD_VALUE, NULL},
    {"\"long\"", "8000", FD_POISON_NONE, "0"}, /* longer than it need be */
    {"\"long\"", "80", FD_POISON_TRUNCATED, NULL},
    {"\"long\"", "8080808080808080", FD_POISON_TRUNCATED, NULL},
    {"\"int\"", "feffffff0f", FD_POISON_NONE, "2147483647"},
    {"\"int\"", "ffffffff0f", FD_POISON_NONE, "-2147483648"},
    {"\"int\"", "8080808010", FD_POISON_BAD_VALUE, NULL},
    {"\"int\"", "8180808010", FD_POISON_BAD_VALUE, NULL},
    {"\"boolean\"", "00", FD_POISON_NONE, "false"},
    {"\"boolean\"", "02", FD_POISON_BAD_VALUE, NULL},
    {"\"boolean\"", "", FD_POISON_TRUNCATED, NULL},
    {"\"float\"", "0000c07f", FD_POISON_NONE, "nan"},
    {"\"float\"", "000080ff", FD_POISON_NONE, "-inf"},
    {"\"float\"", "000000", FD_POISON_TRUNCATED, NULL},
    {"\"double\"", "0000000000000080", FD_POISON_NONE, "-0"},
    {"\"double\"", "00000000000000", FD_POISON_TRUNCATED, NULL},
    {"\"bytes\"", "00", FD_POISON_NONE, "<>"},
    {"\"bytes\"", "01", FD_POISON_BAD_VALUE, NULL}, /* a negative length */
    {"\"bytes\"", "04 61", FD_POISON_TRUNCATED, NULL},
    {"\"bytes\"", "feffffffffffffffff01 61", FD_POISON_TRUNCATED, NULL},
    {"\"bytes\"", "ffffffffffffffffff01 61", FD_POISON_BAD_VALUE, NULL},
    {"\"bytes\"", "8080808020 61", FD_POISON_TRUNCATED, NULL}, /* 2^32: not cut to 0 */
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":0}", "", FD_POISON_NONE, "<>"},
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "61", FD_POISON_TRUNCATED, NULL},
    /* text */
    {"\"string\"", "00", FD_POISON_NONE, "''"},
    {"\"string\"", "10 6162636465666768", FD_POISON_NONE, "'abcdefgh'"},
    {"\"string\"", "12 616263646566676869", FD_POISON_NONE, "'abcdefghi'"},
    {"\"string\"", "02 80", FD_POISON_BAD_VALUE, NULL}, /* no beginning */
    {"\"string\"", "02 c3", FD_POISON_BAD_VALUE, NULL}, /* no end */
    {"\"string\"", "04 c328", FD_POISON_BAD_VALUE, NULL},
    {"\"string\"", "04 c0af", FD_POISON_BAD_VALUE, NULL}, /* overlong */
    {"\"string\"", "06 e08080", FD_POISON_BAD_VALUE, NULL},
    {"\"string\"", "06 eda080", FD_POISON_BAD_VALUE, NULL},   /* a surrogate */
    {"\"string\"", "08 f4908080", FD_POISON_BAD_VALUE, NULL}, /* beyond U+10FFFF */
    {"\"string\"", "02 fe", FD_POISON_BAD_VALUE, NULL},
    {"\"string\"", "08 f09f9880", FD_POISON_NONE, "'😀'"},
    {"\"string\"", "06 efbfbf", FD_POISON_NONE, "'\xef\xbf\xbf'"},
    {"\"string\"", "12 6161616161616161 80", FD_POISON_BAD_VALUE, NULL},
    {"\"string\"", "1a 61616161616161 c3a9 61616161", FD_POISON_NONE, "'aaaaaaaéaaaa'"},
    {"\"string\"", "1a 61616161616161 c361 61616161", FD_POISON_BAD_VALUE, NULL},
};

/* With bytes after the value (`tail`), the fast paths read; at the end, the careful ones. */
static void try_value(size_t i, bool tail)
{
    fixture f;
    fd_strbuf json = {0}, hex = {0}, shown = {0};
    fd_scan s;
    fd_strbuf_printf(&json,
                     "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
                     "{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"ts\",\"type\":\"long\"},"
                     "{\"name\":\"v\",\"type\":%s}%s]}",
                     values[i].type,
                     tail ? ",{\"name\":\"tail\",\"type\":{\"type\":\"fixed\",\"name\":\"T\","
                            "\"size\":16}}"
                          : "");
    fd_strbuf_printf(&hex, "0261 02 %s %s", values[i].hex,
                     tail ? "41414141414141414141414141414141" : "");
    open_plain(&f, json.p);
    fd_poison why = feed(&f, hex.p, &s);
    /* what is cut off reads into the tail, and misses it there */
    if (tail && values[i].want == FD_POISON_TRUNCATED)
        assert_int_not_equal(why, FD_POISON_NONE);
    else
        assert_int_equal(why, values[i].want);
    if (values[i].want == FD_POISON_NONE) {
        support_show(&f.batch->root.children[2], 0, &shown);
        assert_string_equal(shown.p, values[i].shown);
    }
    close_all(&f);
    fd_strbuf_free(&json);
    fd_strbuf_free(&hex);
    fd_strbuf_free(&shown);
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        try_value(i, false);
        try_value(i, true);
    }
}

/* Every cut of a good payload is refused. */
static void test_every_cut(void **state)
{
    (void)state;
    size_t n;
    fd_schema *s = support_schema(fd_embedded_payment_schema(&n));
    fd_diags d;
    fd_diags_init(&d);
    fd_decoder *decoder = fd_decoder_new(s, FD_STR("tx_id"), FD_STR("event_time"), &d);
    fd_plan *plan = fd_plan_new(decoder, NULL, &d);
    fd_batch *b = fd_batch_new(fd_schema_type(s), 2, 100);
    fd_strbuf hex = {0};
    support_hex("0461 31 80d4aff6c566 0463 31 0475 31 046d 31 02 0464 31 00 ae1f 0645 5552 0444 45"
                "02 0446 52 0446 52 b0 56 02 0a 00 0c343533323031 01 02 0000000000604840 00",
                &hex);
    fd_str whole = {hex.p, (uint32_t)hex.n};
    assert_int_equal(fd_plan_decode(plan, whole, b), FD_POISON_NONE);
    for (uint32_t cut = 0; cut < whole.n; cut++) {
        char *exact = malloc(cut == 0 ? 1 : cut);
        assert_non_null(exact);
        memcpy(exact, whole.p, cut);
        fd_str part = {exact, cut};
        fd_scan scan;
        assert_int_equal(fd_plan_scan(plan, part, &scan), FD_POISON_TRUNCATED);
        assert_int_equal(fd_plan_decode(plan, part, b), FD_POISON_TRUNCATED);
        assert_int_equal(b->root.n, 1);
        free(exact);
    }
    fd_strbuf_free(&hex);
    fd_batch_free(b);
    fd_plan_free(plan);
    fd_decoder_free(decoder);
    fd_schema_free(s);
    fd_diags_free(&d);
}

/* --- bounds --- */

/* Elements count over all lists of an event, and anew for the next event. */
static void test_elements_of_an_event(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(&f,
               "{'type':'record','name':'E','fields':[{'name':'id','type':'string'},"
               "{'name':'ts','type':'long'},{'name':'a','type':{'type':'array','items':'null'}},"
               "{'name':'m','type':{'type':'array','items':'null'}}]}");
    const char *half = "808004 00", *half_and_one = "828004 00"; /* 32768 and 32769 */
    fd_strbuf hex = {0};
    for (int i = 0; i < 3; i++) {
        fd_strbuf_reset(&hex);
        fd_strbuf_printf(&hex, "0261 02 %s %s", half, half);
        assert_int_equal(feed(&f, hex.p, &s), FD_POISON_NONE);
        fd_strbuf_reset(&hex);
        fd_strbuf_printf(&hex, "0261 02 %s %s", half, half_and_one);
        assert_int_equal(feed(&f, hex.p, &s), FD_POISON_TOO_LARGE);
        fd_strbuf_reset(&hex);
        fd_strbuf_printf(&hex, "0261 02 %s 808002 828002 00", half); /* in blocks */
        assert_int_equal(feed(&f, hex.p, &s), FD_POISON_TOO_LARGE);
    }
    assert_int_equal(f.batch->root.n, 3);
    assert_int_equal(f.batch->root.children[2].v.off[3], 3 * 32768);
    fd_strbuf_free(&hex);
    close_all(&f);
}

/* Depth is the value's: recursion that is decoded over has the same bound as lists. */
static void test_depth(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(&f, RECORD(FIELD("id", "\"string\"") "," FIELD("ts", MILLIS) "," FIELD(
                       "t", "{\"type\":\"record\",\"name\":\"T\",\"fields\":["
                            "{\"name\":\"next\",\"type\":[\"null\",\"T\"]}]}")));
    for (int levels = FD_DECODE_MAX_DEPTH - 1; levels <= FD_DECODE_MAX_DEPTH + 1; levels++) {
        fd_strbuf hex = {0};
        fd_strbuf_puts(&hex, "0261 02");
        for (int i = 0; i < levels; i++)
            fd_strbuf_puts(&hex, "02");
        fd_strbuf_puts(&hex, "00");
        assert_int_equal(feed(&f, hex.p, &s),
                         levels <= FD_DECODE_MAX_DEPTH ? FD_POISON_NONE : FD_POISON_TOO_LARGE);
        fd_strbuf_free(&hex);
    }
    close_all(&f);
}

/* --- batches --- */

static const char mixed[] =
    "{'type':'record','name':'E','fields':[{'name':'id','type':'string'},"
    "{'name':'ts','type':{'type':'long','logicalType':'timestamp-millis'}},"
    "{'name':'n','type':['null','long']},{'name':'l','type':{'type':'array','items':'string'}},"
    "{'name':'m','type':{'type':'map','values':['null','int']}},"
    "{'name':'u','type':['string','long']},{'name':'r','type':['null',"
    "{'type':'record','name':'R','fields':[{'name':'b','type':'boolean'}]}]}]}";

static void show_row(const fixture *f, uint32_t row, fd_strbuf *out)
{
    fd_strbuf_reset(out);
    support_show(&f->batch->root, row, out);
}

/* Refused events between good ones, cut at every byte: the rows are as without them. */
static void test_refused_events_leave_no_trace(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0261 02 02 0e 04 0278 0279 00 02 026b 02 06 00 02 08 02 01",
        "0262 04 00 00 00 00 027a 00",
        "0263 06 02 10 02 0277 00 04 026b 00 026c 02 02 00 00 0271 02 00",
    };
    static const char *const want[] = {
        "(id='a',ts=1@1000,n=7,l=['x','y'],m={'k'=3},u=#1:4,r=(b=true))",
        "(id='b',ts=2@1000,n=null,l=[],m={},u=#0:'z',r=null)",
        "(id='c',ts=3@1000,n=8,l=['w'],m={'k'=null,'l'=1},u=#0:'q',r=(b=false))",
    };
    fixture f;
    open_plain(&f, mixed);
    fd_strbuf bytes[3] = {0}, out = {0};
    for (int i = 0; i < 3; i++)
        support_hex(good[i], &bytes[i]);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3; i++) {
            for (uint32_t cut = 0; cut < bytes[i].n; cut++)
                assert_int_equal(fd_plan_decode(f.plan, (fd_str){bytes[i].p, cut}, f.batch),
                                 FD_POISON_TRUNCATED);
            fd_str whole = {bytes[i].p, (uint32_t)bytes[i].n};
            assert_int_equal(fd_plan_decode(f.plan, whole, f.batch), FD_POISON_NONE);
        }
        for (uint32_t i = 0; i < 3; i++) {
            show_row(&f, i, &out);
            assert_string_equal(out.p, want[i]);
        }
        fd_batch_reset(f.batch);
    }
    for (int i = 0; i < 3; i++)
        fd_strbuf_free(&bytes[i]);
    fd_strbuf_free(&out);
    close_all(&f);
}

/* Strings are not copied: they lie in the payload. */
static void test_strings_point_into_the_payload(void **state)
{
    (void)state;
    fixture f;
    fd_scan s;
    open_plain(&f, mixed);
    assert_int_equal(feed(&f, "0261 02 00 00 00 00 0278 00", &s), FD_POISON_NONE);
    assert_ptr_equal(f.batch->root.children[0].v.s[0].p, f.bytes + 1);
    close_all(&f);
}

static void test_dump(void **state)
{
    (void)state;
    fixture f;
    fd_strbuf out = {0};
    open_plain(&f, RECORD(FIELD("id", "\"string\"") "," FIELD("ts", MILLIS)));
    fd_plan_dump(f.plan, &out);
    assert_string_equal(out.p, "   0 VALID       col=0\n"
                               "   1 STRING      col=1\n"
                               "   2 ID_TEXT    \n"
                               "   3 LONG        col=2\n"
                               "   4 TIME        a=1000 b=1 x=0\n"
                               "   5 END        \n");
    fd_strbuf_free(&out);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_length_of_ids),
        cmocka_unit_test(test_number_ids),
        cmocka_unit_test(test_ids_of_enums_and_nested_paths),
        cmocka_unit_test(test_uuid_ids),
        cmocka_unit_test(test_null_on_the_way_to_the_id),
        cmocka_unit_test(test_times_have_bounds),
        cmocka_unit_test(test_without_identity),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_elements_of_an_event),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_refused_events_leave_no_trace),
        cmocka_unit_test(test_strings_point_into_the_payload),
        cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests_name("codec.decode", tests, NULL, NULL);
}
