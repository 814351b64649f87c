/*
 * Features of a rule set: the layout they are compiled into and what equal ones share, what is
 * extracted of a batch for it, what rules see of them, and which of them a verdict carries.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "../lang/sample.h"
#include "base/hash.h"
#include "support.h"

enum { ROWS = 3 };

static const fd_ruleset_source source = {.topic = "events", .partitioned_by = "id"};

static fd_ruleset *load(const char *text)
{
    fd_strbuf b = {0};
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf_printf(&b, "version: 1\n%s", text);
    write_text("r.yaml", b.p);
    fd_ruleset *set = fd_ruleset_load(".", &source, &sample_event, true, &d);
    fd_strbuf_reset(&b);
    fd_diags_render(&d, &b);
    if (set == NULL)
        fail_msg("%s\n%s", text, b.p);
    fd_strbuf_free(&b);
    fd_diags_free(&d);
    return set;
}

static const fd_feature_info *find(const fd_ruleset *set, const char *name)
{
    for (uint32_t i = 0; i < fd_ruleset_n_features(set); i++) {
        if (strcmp(fd_ruleset_feature(set, i)->name, name) == 0)
            return fd_ruleset_feature(set, i);
    }
    fail_msg("no feature %s", name);
    return NULL;
}

static const fd_window_feature *column_of(const fd_ruleset *set, const char *name)
{
    return &fd_ruleset_layout(set)->features[find(set, name)->column];
}

/* ---- the layout ---- */

static void a_layout_is_described(void **state)
{
    (void)state;
    fd_ruleset *set = load(
        "features:\n"
        "  - {name: n5, key: id, op: count, window: 5m}\n"
        "  - {name: spent, key: id, op: sum, value: event.amount, window: 1.5h, delay: 7d}\n"
        "  - {name: ids, key: ip, op: distinct, value: event.id, window: 1d,\n"
        "     where: 'event.status == \"declined\"'}\n"
        "  - {name: ids_too, key: [ip, card.bin], op: ratio, of: event.ok, window: 1d,\n"
        "     include_current: false}\n"
        "  - {name: p, key: id, op: percentile, value: event.price, p: 95, window: 1d,\n"
        "     accuracy: exact}\n"
        "  - {name: v, key: id, op: travel_speed, value: [event.price, event.price * 2.0],\n"
        "     window: 1d}\n");
    const fd_window_layout *l = fd_ruleset_layout(set);
    assert_string_equal(
        l->descriptor.p,
        "key id string\n"
        "track id double (event.price * 2.0)\n"
        "track id int event.amount\n"
        "track id double event.price\n"
        "key ip string\n"
        "track ip hash string event.id\n"
        "condition ip (event.status == \"declined\")\n"
        "key ip,card.bin string,string\n"
        "condition ip,card.bin event.ok\n"
        "feature count id window=300000000 delay=0 current=1 exact=0\n"
        "feature distinct ip window=86400000000 delay=0 current=1 exact=0 "
        "where=(event.status == \"declined\") value=event.id\n"
        "feature percentile id window=86400000000 delay=0 current=1 exact=1 p=95 "
        "value=event.price\n"
        "feature ratio ip,card.bin window=86400000000 delay=0 current=0 exact=0 of=event.ok\n"
        "feature sum id window=5400000000 delay=604800000000 current=0 exact=0 "
        "value=event.amount\n"
        "feature travel_speed id window=86400000000 delay=0 current=0 exact=0 "
        "value=event.price value2=(event.price * 2.0)\n");
    assert_int_equal(l->descriptor.n, strlen(l->descriptor.p));
    assert_int_equal(l->n_keys, 3);
    assert_int_equal(l->n_features, 6);
    assert_true(l->reach_us == 5400000000 + 604800000000);
    assert_true(fd_str_eq_c(l->keys[2].name, "ip,card.bin"));
    assert_true(l->keys[0].local);
    assert_false(l->keys[1].local);
    assert_false(l->keys[2].local);
    const fd_window_feature *v = column_of(set, "v");
    assert_int_equal(v->value, 2);
    assert_int_equal(v->value2, 0);
    assert_int_equal(v->where, FD_WINDOW_NONE);
    assert_int_equal(column_of(set, "ids")->where, 0);
    assert_int_equal(column_of(set, "ids_too")->of, 0);
    assert_int_equal(column_of(set, "ids_too")->value, FD_WINDOW_NONE);
    assert_int_equal(column_of(set, "spent")->key, 0);
    assert_true(column_of(set, "p")->p == 95);
    fd_ruleset_free(set);
}

/* The same things in other words, in another order, under other names and in two files. */
static void how_it_is_written_does_not_matter(void **state)
{
    (void)state;
    fd_ruleset *a = load("features:\n"
                         "  - {name: a, key: id, op: count, window: 5m, where: event.ok}\n"
                         "  - {name: b, key: ip, op: is_new, value: event.id, window: 1d}\n"
                         "  - {name: c, key: id, op: sum, value: event.amount + 1, window: 24h,\n"
                         "     where: 'event.status == \"declined\"'}\n");
    write_text("z.yaml", "version: 1\n"
                         "features:\n"
                         "  - {name: x, key: [ip], op: is_new, value: ( event.id ), window: 24h,\n"
                         "     include_current: false, source: events}\n");
    fd_ruleset *b = load("features:\n"
                         "  - name: y\n"
                         "    window: 1440m\n"
                         "    value: event.amount+1 // one more\n"
                         "    where: \"event.status==r'declined'\"\n"
                         "    op: sum\n"
                         "    accuracy: approx\n"
                         "    key: id\n"
                         "  - {name: z, key: id, op: count, window: 300s, where: (event.ok),\n"
                         "     delay: 0}\n");
    remove_file("z.yaml");
    const fd_window_layout *la = fd_ruleset_layout(a), *lb = fd_ruleset_layout(b);
    assert_string_equal(la->descriptor.p, lb->descriptor.p);
    assert_int_equal(la->n_features, 3);
    assert_int_equal(find(a, "a")->column, find(b, "z")->column);
    assert_int_equal(find(a, "b")->column, find(b, "x")->column);
    assert_int_equal(find(a, "c")->column, find(b, "y")->column);
    for (uint16_t i = 0; i < la->n_features; i++)
        assert_memory_equal(&la->features[i], &lb->features[i], sizeof la->features[i]);
    fd_ruleset_free(a);
    fd_ruleset_free(b);
}

static void equal_features_share(void **state)
{
    (void)state;
    fd_ruleset *set = load("features:\n"
                           "  - {name: b, key: id, op: count, window: 5m, where: event.ok}\n"
                           "  - {name: a, key: id, op: count, window: 300s, where: ( event.ok )}\n"
                           "  - {name: c, key: id, op: count, window: 6m, where: event.ok}\n"
                           "  - {name: d, key: id, op: ratio, of: event.ok, window: 6m}\n"
                           "  - {name: e, key: id, op: distinct, value: event.ip, window: 6m}\n"
                           "  - {name: f, key: id, op: is_new, value: event.ip, window: 6m}\n"
                           "  - {name: g, key: id, op: last, value: event.ip, window: 6m}\n"
                           "  - {name: h, key: id, op: first, value: event.ip, window: 6m}\n");
    const fd_window_layout *l = fd_ruleset_layout(set);
    assert_int_equal(fd_ruleset_n_features(set), 8);
    assert_int_equal(l->n_features, 7);
    assert_int_equal(find(set, "a")->column, find(set, "b")->column);
    assert_int_not_equal(find(set, "a")->column, find(set, "c")->column);
    assert_string_equal(l->type->fields[find(set, "b")->column].name, "a");
    assert_int_equal(l->n_keys, 1);
    assert_int_equal(l->keys[0].n_conditions, 1);
    assert_int_equal(l->keys[0].n_tracks, 2); /* the text, and its hash */
    assert_false(l->keys[0].tracks[0].hashed);
    assert_true(l->keys[0].tracks[1].hashed);
    assert_int_equal(column_of(set, "e")->value, 1);
    assert_int_equal(column_of(set, "h")->value, 0);
    for (uint32_t i = 1; i < 8; i++)
        assert_true(strcmp(fd_ruleset_feature(set, i - 1)->name, fd_ruleset_feature(set, i)->name) <
                    0);
    const fd_feature_info *b = find(set, "b");
    assert_string_equal(b->key, "id");
    assert_string_equal(b->where, "event.ok");
    assert_null(b->value);
    assert_null(b->of);
    assert_string_equal(b->file, "./r.yaml");
    assert_int_equal(b->line, 3);
    assert_false(b->used);
    assert_string_equal(fd_feature_op_name(find(set, "h")->op), "first");
    fd_ruleset_free(set);
}

static void results_have_types(void **state)
{
    (void)state;
    static const struct {
        const char *op, *value;
        fd_kind kind;
        bool current;
    } ops[] = {
        {"count", "", FD_INT, true},
        {"sum", "value: event.amount", FD_INT, true},
        {"sum", "value: event.price", FD_DOUBLE, true},
        {"avg", "value: event.amount", FD_DOUBLE, true},
        {"min", "value: event.amount", FD_INT, true},
        {"max", "value: event.price", FD_DOUBLE, true},
        {"stddev", "value: event.amount", FD_DOUBLE, true},
        {"distinct", "value: event.took", FD_INT, true},
        {"ratio", "of: event.ok", FD_DOUBLE, true},
        {"last", "value: event.ok", FD_BOOL, false},
        {"last", "value: event.at", FD_TIMESTAMP, false},
        {"last", "value: event.took", FD_DURATION, false},
        {"last", "value: event.raw", FD_BYTES, false},
        {"first", "value: event.status", FD_STRING, false},
        {"time_since_last", "", FD_DURATION, false},
        {"time_since_first", "", FD_DURATION, false},
        {"is_new", "value: event.price", FD_BOOL, false},
        {"consecutive", "of: event.ok", FD_INT, true},
        {"percentile", "p: 50, value: event.amount", FD_DOUBLE, true},
        {"zscore", "value: event.amount", FD_DOUBLE, false},
        {"travel_speed", "value: [event.price, event.price]", FD_DOUBLE, false},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        char text[200];
        snprintf(text, sizeof text, "features:\n  - {name: x, key: id, window: 1h, op: %s%s%s}\n",
                 ops[i].op, ops[i].value[0] == '\0' ? "" : ", ", ops[i].value);
        fd_ruleset *set = load(text);
        const fd_window_feature *f = column_of(set, "x");
        const fd_type *t = fd_ruleset_layout(set)->type->fields[0].type;
        assert_int_equal(f->result, ops[i].kind);
        assert_int_equal(f->include_current, ops[i].current);
        assert_int_equal(t->kind, ops[i].kind);
        assert_true(t->nullable);
        bool time = t->kind == FD_TIMESTAMP || t->kind == FD_DURATION;
        assert_true(t->per_second == (time ? 1000000 : 0));
        assert_int_equal(t->is_enum, t->kind == FD_STRING);
        fd_ruleset_free(set);
    }
}

static void without_features(void **state)
{
    (void)state;
    fd_ruleset *set = load("rules:\n  - {id: a, condition: event.ok, action: block}\n");
    const fd_window_layout *l = fd_ruleset_layout(set);
    assert_int_equal(l->n_keys, 0);
    assert_int_equal(l->n_features, 0);
    assert_int_equal(l->type->n_fields, 0);
    assert_true(l->reach_us == 0);
    assert_int_equal(l->descriptor.n, 0);
    fd_batch *b = sample_batch();
    fd_ruleset_run *run = fd_ruleset_run_new(set, ROWS, FD_EVIDENCE_ALL);
    assert_int_equal(fd_ruleset_extract(run, b)->n_rows, ROWS);
    fd_ruleset_run_free(run);
    fd_batch_free(b);
    fd_ruleset_free(set);
}

/* Loads what is at a bound, or one beyond it. */
static void expect_bound(const fd_strbuf *text, bool over, const char *said)
{
    fd_diags d;
    fd_diags_init(&d);
    write_text("r.yaml", text->p);
    fd_ruleset *set = fd_ruleset_load(".", &source, &sample_event, true, &d);
    assert_int_equal(set == NULL, over);
    assert_int_equal(d.errors, over);
    if (over && strstr(d.items[0].text, said) == NULL)
        fail_msg("%s", d.items[0].text);
    fd_ruleset_free(set);
    fd_diags_free(&d);
}

static void bounds(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after; /* of a number */
        int most;
        const char *said;
    } cases[] = {
        {"op: count, window: 5m, where: event.amount > ", "", FD_WINDOW_MAX_CONDITIONS,
         "more than 32 different conditions under one key"},
        {"op: sum, window: 5m, value: event.amount + ", "", FD_WINDOW_MAX_TRACKS,
         "more than 32 different values under one key"},
        {"op: count, window: ", "s", FD_RULES_MAX_FEATURES, "more than 4096 features"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int over = 0; over < 2; over++) {
            fd_strbuf text = {0};
            fd_strbuf_puts(&text, "version: 1\nfeatures:\n");
            for (int i = 1; i <= cases[c].most + over; i++)
                fd_strbuf_printf(&text, "  - {name: f%d, key: id, %s%d%s}\n", i, cases[c].before, i,
                                 cases[c].after);
            expect_bound(&text, over, cases[c].said);
            fd_strbuf_free(&text);
        }
    }
}

/* Eight fields make 64 keys of one or two of them, in either order. */
static void a_bound_of_keys(void **state)
{
    (void)state;
    static const char *const fields[] = {"id", "amount", "ok",       "status",
                                         "ip", "raw",    "card.bin", "card.limit"};
    for (int over = 0; over < 2; over++) {
        fd_strbuf text = {0};
        fd_strbuf_puts(&text, "version: 1\nfeatures:\n");
        for (int i = 0; i < 64; i++)
            fd_strbuf_printf(&text, "  - {name: f%d, key: [%s%s%s], op: count, window: 1h}\n", i,
                             fields[i / 8], i / 8 == i % 8 ? "" : ", ",
                             i / 8 == i % 8 ? "" : fields[i % 8]);
        if (over)
            fd_strbuf_puts(&text, "  - {name: x, key: [id, ip, ok], op: count, window: 1h}\n");
        expect_bound(&text, over, "more than 64 keys in a rule set");
        fd_strbuf_free(&text);
    }
}

/* ---- extraction ---- */

typedef struct extracted {
    fd_ruleset *set;
    fd_ruleset_run *run;
    fd_batch *batch;
    const fd_window_layout *layout;
    const fd_window_input *in;
} extracted;

static extracted extract(const char *features)
{
    extracted x = {.set = load(features), .batch = sample_batch()};
    x.run = fd_ruleset_run_new(x.set, ROWS, FD_EVIDENCE_NONE);
    x.layout = fd_ruleset_layout(x.set);
    x.in = fd_ruleset_extract(x.run, x.batch);
    assert_int_equal(x.in->n_rows, ROWS);
    return x;
}

static void release(extracted *x)
{
    fd_ruleset_run_free(x->run);
    fd_batch_free(x->batch);
    fd_ruleset_free(x->set);
}

static const fd_window_input_key *key_of(const extracted *x, const char *name)
{
    for (uint16_t k = 0; k < x->layout->n_keys; k++) {
        if (fd_str_eq_c(x->layout->keys[k].name, name))
            return &x->in->keys[k];
    }
    fail_msg("no key %s", name);
    return NULL;
}

static void expect_keys(const extracted *x, const char *name, const fd_str want[ROWS])
{
    const fd_window_input_key *k = key_of(x, name);
    for (int row = 0; row < ROWS; row++) {
        assert_int_equal(k->key[row].p == NULL, want[row].p == NULL);
        if (!fd_str_eq(k->key[row], want[row]))
            fail_msg("%s, row %d: %u bytes", name, row, k->key[row].n);
    }
}

#define COUNT_BY(name, key) "  - {name: " name ", key: " key ", op: count, window: 1h}\n"

static void keys_are_bytes(void **state)
{
    (void)state;
    extracted x = extract("features:\n" COUNT_BY("a", "id") COUNT_BY("b", "ip") COUNT_BY(
        "c", "amount") COUNT_BY("d", "ok") COUNT_BY("e", "raw") COUNT_BY("f", "[ip, amount]")
                              COUNT_BY("g", "[amount, ip]") COUNT_BY("h", "card.bin")
                                  COUNT_BY("i", "[card.limit, ok, raw]") COUNT_BY("j", "status"));
    static const fd_str none = {NULL, 0};
    expect_keys(&x, "id", (fd_str[]){FD_STR("a"), FD_STR("b"), FD_STR("c")});
    expect_keys(&x, "ip", (fd_str[]){FD_STR("10.0.0.1"), none, FD_STR("nonsense")});
    expect_keys(&x, "amount",
                (fd_str[]){FD_STR("\0\0\0\0\0\0\0\x64"), FD_STR("\xff\xff\xff\xff\xff\xff\xff\xf9"),
                           FD_STR("\x7f\xff\xff\xff\xff\xff\xff\xff")});
    expect_keys(&x, "ok", (fd_str[]){FD_STR("\x01"), FD_STR("\0"), FD_STR("\x01")});
    expect_keys(&x, "raw", (fd_str[]){FD_STR("\x01\xff"), FD_STR(""), FD_STR("")});
    expect_keys(&x, "ip,amount",
                (fd_str[]){FD_STR("\0\0\0\x08"
                                  "10.0.0.1"
                                  "\0\0\0\x08\0\0\0\0\0\0\0\x64"),
                           none,
                           FD_STR("\0\0\0\x08"
                                  "nonsense"
                                  "\0\0\0\x08\x7f\xff\xff\xff\xff\xff\xff\xff")});
    expect_keys(&x, "amount,ip",
                (fd_str[]){FD_STR("\0\0\0\x08\0\0\0\0\0\0\0\x64\0\0\0\x08"
                                  "10.0.0.1"),
                           none,
                           FD_STR("\0\0\0\x08\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\x08"
                                  "nonsense")});
    expect_keys(&x, "card.bin", (fd_str[]){FD_STR("4111"), FD_STR("5500"), none});
    expect_keys(&x, "card.limit,ok,raw",
                (fd_str[]){FD_STR("\0\0\0\x08\0\0\0\0\0\0\0\x05\0\0\0\x01\x01\0\0\0\x02\x01\xff"),
                           none, none});
    expect_keys(&x, "status",
                (fd_str[]){FD_STR("approved"), FD_STR("declined"), FD_STR("approved")});
    release(&x);
}

static void conditions_are_bits(void **state)
{
    (void)state;
    extracted x = extract(
        "features:\n"
        "  - {name: a, key: id, op: count, window: 1h, where: event.ok}\n"
        "  - {name: b, key: ip, op: count, window: 1h, where: event.ok}\n"
        "  - {name: c, key: id, op: ratio, window: 1h, of: event.amount > 50,\n"
        "     where: '100 / (event.amount + 7) >= 0'}\n"
        "  - {name: d, key: id, op: count, window: 1h, where: 'event.ip != \"\"'}\n"
        "  - {name: e, key: id, op: count, window: 1h, where: dyn(event.amount)}\n");
    const fd_window_input_key *k = key_of(&x, "id");
    for (int row = 0; row < ROWS; row++) {
        uint32_t bits = k->bits[row];
        assert_int_equal(bits >> column_of(x.set, "a")->where & 1, row != 1);
        assert_int_equal(bits >> column_of(x.set, "c")->of & 1, row != 1);
        /* row 1 divides by zero, row 2 overflows: a condition that fails is false */
        assert_int_equal(bits >> column_of(x.set, "c")->where & 1, row == 0);
        assert_int_equal(bits >> column_of(x.set, "d")->where & 1, row != 1);
        assert_int_equal(bits >> column_of(x.set, "e")->where & 1, 0); /* not a bool */
        assert_int_equal(key_of(&x, "ip")->bits[row], row != 1);
    }
    release(&x);
}

/* The 64 bits of one feature's track; false: there are none. */
static bool bits_of(const extracted *x, const char *name, int row, uint64_t *out)
{
    uint16_t t = column_of(x->set, name)->value;
    const fd_window_input_key *k = key_of(x, find(x->set, name)->key);
    assert_non_null(k->values[t]);
    *out = k->values[t][row];
    return (k->valid[row] >> t & 1) != 0;
}

static void expect_bits(const extracted *x, const char *name, const int64_t want[ROWS],
                        uint32_t valid)
{
    for (int row = 0; row < ROWS; row++) {
        uint64_t got;
        bool there = bits_of(x, name, row, &got);
        assert_int_equal(there, valid >> row & 1);
        if (there)
            assert_true((int64_t)got == want[row]);
    }
}

static int64_t bits_of_double(double d)
{
    int64_t i;
    memcpy(&i, &d, sizeof i);
    return i;
}

#define LAST(name, value) "  - {name: " name ", key: id, op: last, value: " value ", window: 1h}\n"

static void values_are_bits(void **state)
{
    (void)state;
    extracted x = extract("features:\n" LAST("amount", "event.amount") LAST("price", "event.price")
                              LAST("ok", "event.ok") LAST("at", "event.at") LAST("day", "event.day")
                                  LAST("took", "event.took") LAST("limit", "event.card.limit")
                                      LAST("over", "event.amount + 1")
                                          LAST("zero", "event.price * -0.0")
                                              LAST("lapse", "event.at - event.day"));
    expect_bits(&x, "amount", (int64_t[]){100, -7, INT64_MAX}, 7);
    expect_bits(&x, "price", (int64_t[]){bits_of_double(1.5), 0, 0}, 5); /* NaN is no value */
    expect_bits(&x, "ok", (int64_t[]){1, 0, 1}, 7);
    /* row 2 is out of the language's range */
    expect_bits(&x, "at", (int64_t[]){INT64_C(1769903999250000), -1000, 0}, 3);
    expect_bits(&x, "day",
                (int64_t[]){INT64_C(1769817600000000), -86400000000, INT64_C(1769817600000000)}, 7);
    expect_bits(&x, "took", (int64_t[]){90000000, -1500000, 90000000}, 7);
    expect_bits(&x, "lapse", (int64_t[]){86399250000, 86399999000, 0}, 3);
    expect_bits(&x, "limit", (int64_t[]){5, 0, 0}, 1);
    expect_bits(&x, "over", (int64_t[]){101, -6, 0}, 3);
    expect_bits(&x, "zero", (int64_t[]){0, 0, 0}, 5); /* -0.0 is 0.0 */
    release(&x);
}

static void texts_are_kept_or_hashed(void **state)
{
    (void)state;
    extracted x = extract(
        "features:\n" LAST("ip", "event.ip") LAST("upper", "event.id.upperAscii("
                                                           ")")
            LAST(
                "raw",
                "event.raw") "  - {name: ips, key: id, op: distinct, value: event.ip, window: 1h}\n"
                             "  - {name: raws, key: id, op: distinct, value: event.raw, window: "
                             "1h}\n"
                             "  - {name: text, key: id, op: distinct, value: '\"\"', window: 1h}\n"
                             "  - {name: one, key: id, op: is_new, value: '1', window: 1h}\n"
                             "  - {name: one_d, key: id, op: is_new, value: '1.0', window: 1h}\n"
                             "  - {name: yes, key: id, op: is_new, value: 'true', window: 1h}\n"
                             "  - {name: zero, key: id, op: is_new, value: event.price * 0.0, "
                             "window: 1h}\n"
                             "  - {name: minus, key: id, op: is_new, value: event.price * -0.0, "
                             "window: "
                             "1h}\n");
    const fd_window_input_key *k = key_of(&x, "id");
    uint16_t ip = column_of(x.set, "ip")->value;
    assert_null(k->values[ip]);
    assert_true(fd_str_eq_c(k->texts[ip][0], "10.0.0.1"));
    assert_int_equal(k->valid[0] >> ip & 1, 1);
    assert_int_equal(k->valid[1] >> ip & 1, 0);
    assert_true(fd_str_eq_c(k->texts[column_of(x.set, "upper")->value][1], "B"));
    fd_str empty = k->texts[column_of(x.set, "raw")->value][1];
    assert_int_equal(empty.n, 0);
    assert_non_null(empty.p);

    static const char *const names[] = {"text", "raws", "one", "one_d", "yes", "zero"};
    enum { N = sizeof names / sizeof *names };
    uint64_t hash[N], other;
    for (int i = 0; i < N; i++) {
        assert_true(bits_of(&x, names[i], 2, &hash[i]));
        for (int j = 0; j < i; j++)
            assert_true(hash[i] != hash[j]); /* kinds do not meet: "" and b"", 1, 1.0 and true */
    }
    assert_true(bits_of(&x, "minus", 2, &other));
    assert_true(other == hash[N - 1]);
    assert_false(bits_of(&x, "zero", 1, &other)); /* NaN */
    assert_true(bits_of(&x, "ips", 0, &other));
    assert_true(other == fd_hash64("10.0.0.1", 8, FD_STRING)); /* stored: it must not change */
    assert_false(bits_of(&x, "ips", 1, &other));
    release(&x);
}

/* What was extracted outlives an evaluation, and rows do not depend on their neighbours. */
static void extraction_stands_alone(void **state)
{
    (void)state;
    extracted x = extract("features:\n" LAST(
        "upper", "event.id.upperAscii()") "rules:\n"
                                          "  - {id: a, condition: features.upper.size() > 9, "
                                          "action: block}\n");
    fd_batch *f = fd_batch_new(x.layout->type, ROWS, 0);
    fd_verdict v[ROWS];
    for (int row = 0; row < ROWS; row++)
        fd_col_push_null(&f->root);
    fd_ruleset_eval(x.run, x.batch, f, (const int64_t[ROWS]){0}, v);
    const fd_window_input_key *k = key_of(&x, "id");
    for (int row = 0; row < ROWS; row++)
        assert_int_equal(k->texts[0][row].p[0], "ABC"[row]);
    fd_batch_truncate(x.batch, 1);
    assert_int_equal(fd_ruleset_extract(x.run, x.batch)->n_rows, 1);
    assert_int_equal(k->texts[0][0].p[0], 'A');
    fd_batch_free(f);
    release(&x);
}

/* ---- what rules see, and what is recorded ---- */

#define SEEN                                                                               \
    "features:\n"                                                                          \
    "  - {name: n, key: id, op: count, window: 5m}\n"                                      \
    "  - {name: n_too, key: id, op: count, window: 5m}\n"                                  \
    "  - {name: since, key: id, op: time_since_last, window: 1d}\n"                        \
    "  - {name: at, key: id, op: last, value: event.at, window: 1d}\n"                     \
    "  - {name: raw, key: id, op: last, value: event.raw, window: 1d}\n"                   \
    "  - {name: status, key: id, op: last, value: event.status, window: 1d}\n"             \
    "  - {name: fresh, key: id, op: is_new, value: event.ip, window: 1d}\n"                \
    "  - {name: avg, key: id, op: avg, value: event.amount, window: 1d}\n"                 \
    "variables:\n"                                                                         \
    "  - {name: often, expression: features.n > 6 && variables.quick}\n"                   \
    "  - {name: quick, expression: 'features.since < duration(\"2s\")'}\n"                 \
    "rules:\n"                                                                             \
    "  - {id: often, condition: variables.often, action: block,\n"                         \
    "     explain: '\"last \" + features.status'}\n"                                       \
    "  - {id: shadow, condition: features.fresh, action: review, mode: shadow}\n"          \
    "  - {id: many, condition: features.n_too > 100, action: review}\n"                    \
    "  - {id: other, condition: has(features.avg) && has(features.raw) && features.at >\n" \
    "     timestamp(0), action: review}\n"                                                 \
    "  - {id: plain, condition: event.id == \"c\", action: review}\n"

/* row 0: all there; row 1: nothing there but n, n_too = 0; row 2: n = 101, fresh = true */
static fd_batch *seen(const fd_ruleset *set)
{
    fd_batch *f = fd_batch_new(fd_ruleset_layout(set)->type, ROWS, 0);
    fd_col *c = f->root.children;
    for (int row = 0; row < ROWS; row++) {
        fd_col_push_null(&f->root);
        c[find(set, "n")->column].valid[row] = 1;
        for (uint32_t i = 0; i < f->root.n_children && row == 0; i++)
            c[i].valid[row] = 1;
    }
    c[find(set, "n")->column].v.i[0] = 7;
    c[find(set, "n")->column].v.i[2] = 101;
    c[find(set, "since")->column].v.i[0] = 1500000;
    c[find(set, "at")->column].v.i[0] = -1;
    c[find(set, "raw")->column].v.s[0] = FD_STR("\x01\xff");
    c[find(set, "status")->column].v.s[0] = FD_STR("declined");
    c[find(set, "fresh")->column].valid[2] = 1;
    c[find(set, "fresh")->column].v.b[2] = 1;
    c[find(set, "avg")->column].v.d[0] = 2.5;
    return f;
}

static void show_features(const fd_verdict *v, fd_strbuf *out)
{
    for (uint32_t i = 0; i < v->n_hits; i++)
        fd_strbuf_printf(out, FD_STR_FMT "(" FD_STR_FMT ") ", FD_STR_ARG(v->hits[i].id),
                         FD_STR_ARG(v->hits[i].message));
    fd_strbuf_puts(out, v->flags != 0 ? "RULE_ERROR |" : "|");
    for (uint32_t i = 0; i < v->n_features; i++) {
        const fd_feature_value *f = &v->features[i];
        fd_strbuf_printf(out, " " FD_STR_FMT "=", FD_STR_ARG(f->name));
        if (f->kind == FD_V_NULL)
            fd_strbuf_puts(out, "null");
        else if (f->kind == FD_V_LONG)
            fd_strbuf_printf(out, "%lld", (long long)f->v.i);
        else if (f->kind == FD_V_DOUBLE)
            fd_strbuf_printf(out, "%gd", f->v.d);
        else if (f->kind == FD_V_BOOL)
            fd_strbuf_puts(out, f->v.b ? "true" : "false");
        else
            fd_strbuf_printf(out, "'" FD_STR_FMT "'", FD_STR_ARG(f->v.s));
    }
}

static void expect_seen(fd_evidence evidence, const char *const want[ROWS])
{
    fd_ruleset *set = load(SEEN);
    fd_batch *b = sample_batch(), *f = seen(set);
    fd_ruleset_run *run = fd_ruleset_run_new(set, ROWS, evidence);
    fd_verdict v[ROWS];
    for (int round = 0; round < 2; round++) {
        fd_ruleset_eval(run, b, f, (const int64_t[ROWS]){0}, v);
        for (int row = 0; row < ROWS; row++) {
            fd_strbuf out = {0};
            show_features(&v[row], &out);
            assert_string_equal(out.p, want[row]);
            fd_strbuf_free(&out);
        }
    }
    fd_ruleset_run_free(run);
    fd_batch_free(f);
    fd_batch_free(b);
    fd_ruleset_free(set);
}

/* Live and shadow rules, through variables of variables, conditions and explanations. */
static void evidence_of_what_fired(void **state)
{
    (void)state;
    expect_seen(FD_EVIDENCE_FIRED,
                (const char *const[]){"often(last declined) | n=7 since=1.5d status='declined'",
                                      "RULE_ERROR |",
                                      "shadow() many() plain() RULE_ERROR | fresh=true n_too=101"});
}

static void evidence_of_all(void **state)
{
    (void)state;
    expect_seen(FD_EVIDENCE_ALL,
                (const char *const[]){
                    "often(last declined) | at=-1 avg=2.5d fresh=false n=7 n_too=7 raw='01ff' "
                    "since=1.5d status='declined'",
                    "RULE_ERROR | at=null avg=null fresh=null n=0 n_too=0 raw=null since=null "
                    "status=null",
                    "shadow() many() plain() RULE_ERROR | at=null avg=null fresh=true n=101 "
                    "n_too=101 raw=null since=null status=null"});
}

static void evidence_of_none(void **state)
{
    (void)state;
    expect_seen(FD_EVIDENCE_NONE, (const char *const[]){"often(last declined) |", "RULE_ERROR |",
                                                        "shadow() many() plain() RULE_ERROR |"});
}

static void use_is_told(void **state)
{
    (void)state;
    fd_ruleset *set = load(SEEN);
    for (uint32_t i = 0; i < fd_ruleset_n_features(set); i++)
        assert_true(fd_ruleset_feature(set, i)->used);
    fd_ruleset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layout_is_described),
        cmocka_unit_test(how_it_is_written_does_not_matter),
        cmocka_unit_test(equal_features_share),
        cmocka_unit_test(results_have_types),
        cmocka_unit_test(without_features),
        cmocka_unit_test(bounds),
        cmocka_unit_test(a_bound_of_keys),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(conditions_are_bits),
        cmocka_unit_test(values_are_bits),
        cmocka_unit_test(texts_are_kept_or_hashed),
        cmocka_unit_test(extraction_stands_alone),
        cmocka_unit_test(evidence_of_what_fired),
        cmocka_unit_test(evidence_of_all),
        cmocka_unit_test(evidence_of_none),
        cmocka_unit_test(use_is_told),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
