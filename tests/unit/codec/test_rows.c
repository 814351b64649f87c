/* JSON lines and CSV as rows of Avro, as people and spreadsheets write them; and what is said of
 * those that are wrong, line by line. */
#include <unistd.h>

#include "codec/container.h"
#include "support.h"

static const char schema_text[] =
    "{'type':'record','name':'E','fields':["
    "{'name':'id','type':'string'},"
    "{'name':'n','type':['null','long'],'default':null},"
    "{'name':'x','type':'double','default':0.5},"
    "{'name':'ok','type':'boolean','default':false},"
    "{'name':'at','type':['null',{'type':'long','logicalType':'timestamp-millis'}],'default':null},"
    "{'name':'price','type':['null',{'type':'bytes','logicalType':'decimal','precision':9,"
    "'scale':2}],'default':null},"
    "{'name':'kind','type':{'type':'enum','name':'K','symbols':['A','B']},'default':'A'},"
    "{'name':'tags','type':{'type':'array','items':'string'},'default':[]},"
    "{'name':'card','type':['null',{'type':'record','name':'C','fields':["
    "{'name':'bin','type':['null','string'],'default':null},"
    "{'name':'year','type':['null','int'],'default':null}]}],'default':null}]}";

#define BLANK(id)                                                                             \
    "{'id':'" id "','n':null,'x':0.5,'ok':false,'at':null,'price':null,'kind':'A','tags':[]," \
    "'card':null}"

/* Each row as JSON with ' for ", or "error: ..." with the first thing that was said of it. */
static void rows_of(const char *text, size_t n, fd_rows_format format, const char *schema,
                    fd_strbuf *out)
{
    char path[] = "/tmp/fraudd-test-rows-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    close(fd);
    fd_schema *s = support_schema(schema);
    fd_diags d;
    fd_diags_init(&d);
    fd_rows *r = fd_rows_open(path, s, format, &d);
    fd_str row;
    for (int got = r == NULL ? -1 : fd_rows_next(r, &row, &d); got != 0;
         got = r == NULL ? 0 : fd_rows_next(r, &row, &d)) {
        if (got > 0) {
            assert_int_equal(fd_avro_to_json(s, row, out), FD_POISON_NONE);
        } else {
            assert_int_equal(d.errors, 1);
            /* without what jansson has to say, which is its own business */
            const char *said = d.items[d.n - 1].text, *json = strstr(said, "not JSON");
            int shown = json == NULL ? (int)strlen(said) : (int)(json - said) + 8;
            fd_strbuf_printf(out, "error: %.*s", shown, said);
            if (r != NULL && d.items[0].file != NULL)
                assert_string_equal(d.items[0].file, path);
        }
        fd_strbuf_putc(out, '\n');
        fd_diags_free(&d);
        fd_diags_init(&d);
    }
    if (r != NULL)
        assert_ptr_equal(fd_rows_schema(r), s);
    fd_rows_close(r);
    fd_diags_free(&d);
    fd_schema_free(s);
    unlink(path);
}

static void expect_of(const char *schema, fd_rows_format format, const char *text, const char *want)
{
    fd_strbuf out = {0}, quoted = {0};
    rows_of(text, strlen(text), format, schema, &out);
    bool row = false;
    for (const char *c = want; *c != '\0'; c++) {
        if (c == want || c[-1] == '\n')
            row = *c == '{';
        fd_strbuf_putc(&quoted, row && *c == '\'' ? '"' : *c);
    }
    assert_string_equal(out.n == 0 ? "" : out.p, quoted.n == 0 ? "" : quoted.p);
    fd_strbuf_free(&out);
    fd_strbuf_free(&quoted);
}

static void expect_csv(const char *text, const char *want)
{
    expect_of(schema_text, FD_ROWS_CSV, text, want);
}

static void expect_lines(const char *text, const char *want)
{
    expect_of(schema_text, FD_ROWS_JSONL, text, want);
}

/* --- JSON lines --- */

static void test_lines(void **state)
{
    (void)state;
    expect_lines("", "");
    expect_lines("\n \t\n\r\n", "");
    expect_lines("{\"id\":\"a\"}\n", BLANK("a") "\n");
    expect_lines("{\"id\":\"a\"}", BLANK("a") "\n"); /* no line end */
    expect_lines("{\"id\":\"a\"}\r\n\r\n{\"id\":\"b\"}\r\n", BLANK("a") "\n" BLANK("b") "\n");
    expect_lines("\xef\xbb\xbf{\"id\":\"a\"}\n", BLANK("a") "\n");
    expect_lines("{\"id\":\"é\\n\"}\n", BLANK("é\\u000a") "\n");
}

/* A bad line is one error with its number; reading goes on after it. */
static void test_bad_lines(void **state)
{
    (void)state;
    expect_lines("{\"id\":\"a\"}\nnonsense\n\n{\"id\":1}\n{\"id\":\"b\"}\n{\"id\":",
                 BLANK("a") "\n"
                            "error: record 2 (E): not JSON\n"
                            "error: record 3 (E): id: a whole number where string is due\n" BLANK(
                                "b") "\n"
                                     "error: record 5 (E): not JSON\n");
    expect_lines("\xef\xbb{\"id\":\"a\"}\n{\"id\":\"b\"}\n",
                 "error: record 1: half a byte order mark\n" BLANK("b") "\n");
    expect_lines("{\"id\":\"\xff\"}\n", "error: record 1 (E): not JSON\n");
}

/* --- CSV --- */

static void test_cells(void **state)
{
    (void)state;
    expect_csv("id\na\n", BLANK("a") "\n");
    expect_csv("id\n", "");
    expect_csv("id", "");
    expect_csv("id,n,x,ok,at,price,kind,tags\r\n"
               "a,7,2.5,true,2026-01-01T10:00:00Z,12.34,B,\"[\"\"u\"\",\"\"v\"\"]\"\r\n",
               "{'id':'a','n':7,'x':2.5,'ok':true,'at':'2026-01-01T10:00:00Z','price':'12.34',"
               "'kind':'B','tags':['u','v'],'card':null}\n");
    expect_csv("x,id\n1,a", "{'id':'a','n':null,'x':1,'ok':false,'at':null,'price':null,"
                            "'kind':'A','tags':[],'card':null}\n");
    /* numbers as spreadsheets and people write them */
    expect_csv("id,n,x\na,0742,.5\nb,+5,5.\nc,3.0,1e3\nd,-1,NaN\n",
               "{'id':'a','n':742,'x':0.5,'ok':false,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':null}\n"
               "{'id':'b','n':5,'x':5,'ok':false,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':null}\n"
               "{'id':'c','n':3,'x':1000,'ok':false,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':null}\n"
               "{'id':'d','n':-1,'x':'NaN','ok':false,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':null}\n");
    expect_csv("id,ok\na,TRUE\nb,1\nc,0\n",
               "{'id':'a','n':null,'x':0.5,'ok':true,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':null}\n"
               "{'id':'b','n':null,'x':0.5,'ok':true,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':null}\n" BLANK("c") "\n");
    /* ticks are times, too */
    expect_csv("id,at\na,1000\n",
               "{'id':'a','n':null,'x':0.5,'ok':false,'at':'1970-01-01T00:00:01Z','price':null,"
               "'kind':'A','tags':[],'card':null}\n");
}

static void test_quotes(void **state)
{
    (void)state;
    expect_csv("id\n\"a,b\"\n", BLANK("a,b") "\n");
    expect_csv("id\n\"a\"\"b\"\n", BLANK("a\\\"b") "\n");
    expect_csv("id\n\"a\nb\"\n", BLANK("a\\u000ab") "\n");
    expect_csv("id,n\n\"\",\n", BLANK("") "\n");
    expect_csv("id\r\n\"a\"\r\n", BLANK("a") "\n");
    expect_csv("id,n\na\"b,\n", BLANK("a\\\"b") "\n"); /* in the middle it is a quote */
}

/* Empty: null where that is allowed, else the default, else nothing there is. */
static void test_empty_cells(void **state)
{
    (void)state;
    expect_csv("id,n,x,ok,at,price,kind,tags\na,,,,,,,\n", BLANK("a") "\n");
    expect_csv("id,n\na,\n\nb,", BLANK("a") "\n" BLANK("b") "\n");
    expect_csv("id,n\n,\n", BLANK("") "\n");
    expect_of("{'type':'record','name':'E','fields':[{'name':'i','type':'int'},"
              "{'name':'j','type':'int'}]}",
              FD_ROWS_CSV, "i,j\n,1\n", "error: record 1 (E): i: a string where int is due\n");
}

static void test_nested_columns(void **state)
{
    (void)state;
    expect_csv("id,card.bin,card.year\na,4532,2027\nb,,\nc,,2027\n",
               "{'id':'a','n':null,'x':0.5,'ok':false,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':{'bin':'4532','year':2027}}\n" BLANK(
                   "b") "\n"
                        "{'id':'c','n':null,'x':0.5,'ok':false,'at':null,'price':null,'kind':'A','"
                        "tags':[],"
                        "'card':{'bin':null,'year':2027}}\n");
    expect_csv("id,card\na,\"{\"\"bin\"\":\"\"4532\"\"}\"\nb,\n",
               "{'id':'a','n':null,'x':0.5,'ok':false,'at':null,'price':null,'kind':'A','tags':[],"
               "'card':{'bin':'4532','year':null}}\n" BLANK("b") "\n");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    expect_csv("\xef\xbb\xbfid,n\na,\n", BLANK("a") "\n");
    expect_csv("\xef\xbb\xbf\"id\",n\na,\n", BLANK("a") "\n");
}

static void test_bad_csv(void **state)
{
    (void)state;
    expect_csv("", "error: no header: its first line must name the fields\n");
    expect_csv("id,nn\n", "error: the column 'nn' is no field of E\n");
    expect_csv("id,card.b\n", "error: the column 'card.b' is no field of E\n");
    expect_csv("id,id.x\n", "error: the column 'id.x' is no field of E\n");
    expect_csv("id,\n", "error: the column '' is no field of E\n");
    expect_csv("id,n,id\n", "error: the column 'id' comes twice\n");
    expect_csv("id,\"n\n", "error: the column 'n\n' is no field of E\n");
    expect_csv("\"id", "error: the header: a quoted cell that does not end\n");
    expect_csv("\xef\xbbid\na\n", "error: the header: half a byte order mark\n");
    /* bad rows are one error each, and reading goes on */
    expect_csv(
        "id,n\na\nb,1,2\nc,x\nd,1.5\ne,99999999999999999999\nf,\n",
        "error: record 1: 1 cells where the header has 2\n"
        "error: record 2: 3 cells where the header has 2\n"
        "error: record 3 (E): n: a string where long is due\n"
        "error: record 4 (E): n: a number with a fraction where long is due\n"
        "error: record 5 (E): n: a number with a fraction where long is due\n" BLANK("f") "\n");
    expect_csv("id,kind\na,C\nb,\n", "error: record 1 (E): kind: 'C' is no K\n" BLANK("b") "\n");
    expect_csv("id,n\n\xff\xfe,1\nb,\n",
               "error: record 1: a cell that is not UTF-8\n" BLANK("b") "\n");
    expect_csv("id,n\na,\n\"b,1\nc,2\n",
               BLANK("a") "\nerror: record 2: a quoted cell that does not end\n");
    expect_csv("id,tags\na,\"[1]\"\nb,nonsense\n",
               "error: record 1 (E): tags[0]: a whole number where string is due\n"
               "error: record 2 (E): tags: a string where array is due\n");
}

/* --- opening --- */

static void expect_refused(const char *path, const fd_schema *schema, fd_rows_format format,
                           const char *part)
{
    fd_diags d;
    fd_diags_init(&d);
    assert_null(fd_rows_open(path, schema, format, &d));
    assert_int_equal(d.errors, 1);
    assert_non_null(strstr(support_said(&d), part));
    fd_diags_free(&d);
}

static void test_opening(void **state)
{
    (void)state;
    fd_schema *s = support_schema(schema_text);
    expect_refused("/tmp/events", s, FD_ROWS_AUTO, "say avro, jsonl or csv");
    expect_refused("/tmp/events.parquet", s, FD_ROWS_AUTO, "say avro, jsonl or csv");
    expect_refused("-", s, FD_ROWS_AUTO, "say avro, jsonl or csv");
    expect_refused("/tmp/x.jsonl", NULL, FD_ROWS_AUTO, "a schema is needed to read it");
    expect_refused("/nowhere/x.csv", s, FD_ROWS_AUTO, "cannot read the file: No such file");
    expect_refused("/nowhere/x.ndjson", s, FD_ROWS_AUTO, "cannot read the file: No such file");
    expect_refused("/nowhere/x.json", s, FD_ROWS_AUTO, "cannot read the file: No such file");
    expect_refused("/nowhere/x.avro", NULL, FD_ROWS_AUTO, "cannot read the file: No such file");
    fd_schema_free(s);
    fd_rows_close(NULL);
}

/* A folder can be opened, but not read. */
static void test_a_folder(void **state)
{
    (void)state;
    fd_schema *s = support_schema(schema_text);
    fd_diags d;
    fd_diags_init(&d);
    fd_rows *r = fd_rows_open("/tmp", s, FD_ROWS_JSONL, &d);
    fd_str row;
    if (r != NULL)
        assert_int_equal(fd_rows_next(r, &row, &d), -1);
    assert_int_equal(d.errors, 1);
    fd_rows_close(r);
    fd_diags_free(&d);
    fd_schema_free(s);
}

/* How far it is read, for whoever shows a bar. */
static void test_progress(void **state)
{
    (void)state;
    static const char text[] = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n";
    char path[] = "/tmp/fraudd-test-rows-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
    close(fd);
    fd_schema *s = support_schema(schema_text);
    fd_diags d;
    fd_diags_init(&d);
    fd_rows *r = fd_rows_open(path, s, FD_ROWS_JSONL, &d);
    uint64_t at = 1, size = 0;
    fd_str row;
    assert_false(fd_rows_is_container(r));
    assert_true(fd_rows_progress(r, &at, &size));
    assert_int_equal(at, 0);
    assert_int_equal(size, sizeof text - 1);
    assert_int_equal(fd_rows_next(r, &row, &d), 1);
    assert_true(fd_rows_progress(r, &at, &size));
    assert_int_equal(at, size / 2);
    assert_int_equal(fd_rows_next(r, &row, &d), 1);
    assert_true(fd_rows_progress(r, &at, &size));
    assert_int_equal(at, size);
    fd_rows_close(r);
    r = fd_rows_open("/dev/null", s, FD_ROWS_JSONL, &d);
    assert_false(fd_rows_progress(r, &at, &size));
    fd_rows_close(r);
    fd_diags_free(&d);
    fd_schema_free(s);
    unlink(path);
}

/* A record without fields has no bytes, but is one. */
static void test_records_without_bytes(void **state)
{
    (void)state;
    expect_of("{'type':'record','name':'E','fields':[]}", FD_ROWS_JSONL, "{}\n{}\n", "{}\n{}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),           cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_cells),           cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_empty_cells),     cmocka_unit_test(test_nested_columns),
        cmocka_unit_test(test_byte_order_mark), cmocka_unit_test(test_bad_csv),
        cmocka_unit_test(test_opening),         cmocka_unit_test(test_a_folder),
        cmocka_unit_test(test_progress),        cmocka_unit_test(test_records_without_bytes),
    };
    return cmocka_run_group_tests_name("codec.rows", tests, NULL, NULL);
}
