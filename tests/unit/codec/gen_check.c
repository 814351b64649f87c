/* Does a column hold a value of Avro C's? See gen.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gen.h"

static void expect_double(double got, double want)
{
    assert_true(got == want || (got != got && want != want)); /* or both are no numbers */
}

/* Where a value would stand there are zeros: nothing of the row that was there before. */
static void check_zero(const fd_col *c, uint32_t row)
{
    switch (c->type->kind) {
    case FD_BOOL:
        assert_int_equal(c->v.b[row], 0);
        break;
    case FD_UNION:
        assert_int_equal(c->v.tag[row], 0);
        break;
    case FD_INT:
    case FD_TIMESTAMP:
    case FD_DURATION:
        assert_int_equal(c->v.i[row], 0);
        break;
    case FD_DOUBLE:
        expect_double(c->v.d[row], 0.0);
        break;
    case FD_STRING:
    case FD_BYTES:
        assert_null(c->v.s[row].p);
        assert_int_equal(c->v.s[row].n, 0);
        break;
    default:
        break;
    }
}

static void check_null(const fd_col *c, uint32_t row)
{
    assert_true(row < c->n);
    assert_int_equal(c->valid[row], 0);
    check_zero(c, row);
    if (c->type->kind == FD_RECORD || c->type->kind == FD_UNION) {
        for (uint32_t i = 0; i < c->n_children; i++)
            check_null(&c->children[i], row);
    }
    if (c->type->kind == FD_LIST || c->type->kind == FD_MAP)
        assert_int_equal(c->v.off[row], c->v.off[row + 1]);
}

/* A null that rules can meet: the catalogue must say that there may be one. */
static void check_absent(const fd_col *c, uint32_t row)
{
    assert_true(c->type->nullable || c->type->kind == FD_NULL);
    check_null(c, row);
}

static void check_str(const fd_col *c, uint32_t row, const void *p, size_t n)
{
    assert_true(c->type->kind == FD_STRING || c->type->kind == FD_BYTES);
    assert_int_equal(c->v.s[row].n, n);
    if (n > 0)
        assert_memory_equal(c->v.s[row].p, p, n);
}

static void check_text(const fd_col *c, uint32_t row, const char *text)
{
    check_str(c, row, text, strlen(text));
}

/* The table of gen_added.inc, once more by hand. */
static void check_added(int which, const fd_col *c, uint32_t row)
{
    const fd_col *kids = c->children;
    if (which == 5) {
        check_absent(c, row);
        return;
    }
    assert_int_equal(c->valid[row], 1);
    switch (which) {
    case 0:
        assert_int_equal(c->v.i[row], -42);
        break;
    case 1:
        check_text(c, row, "déjà");
        break;
    case 2:
        expect_double(c->v.d[row], 2.5);
        break;
    case 3:
        expect_double(c->v.d[row], 1.0);
        break;
    case 4:
        assert_int_equal(c->v.b[row], 1);
        break;
    case 6:
        check_text(c, row, "dflt");
        break;
    case 7:
        check_text(c, row, "B");
        break;
    case 8:
        assert_int_equal(c->v.off[row + 1] - c->v.off[row], 3);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(kids[0].v.i[c->v.off[row] + i], i + 1);
        break;
    case 9:
        assert_int_equal(c->v.off[row + 1] - c->v.off[row], 1);
        check_text(&kids[0], c->v.off[row], "k");
        check_text(&kids[1], c->v.off[row], "v");
        break;
    case 10:
        assert_int_equal(kids[0].v.i[row], 7);
        check_text(&kids[1], row, "bb");
        break;
    case 11:
        check_str(c, row, "\xff\x01", 2);
        break;
    case 12:
        assert_int_equal(c->v.i[row], -200);
        assert_int_equal(c->type->scale, 2);
        break;
    case 13:
        assert_int_equal(c->v.tag[row], 0);
        assert_int_equal(kids[0].v.i[row], 9);
        check_null(&kids[1], row);
        break;
    case 14:
        assert_int_equal(c->v.i[row], 1000000);
        break;
    default:
        fail();
    }
}

static int64_t big_endian(const unsigned char *p, size_t n)
{
    int64_t v = n > 0 && (p[0] & 0x80) ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        v = (int64_t)((uint64_t)v << 8 | p[i]);
    return v;
}

static int64_t ticks_of(const gen_type *t)
{
    if (t->logical == NULL || strncmp(t->logical, "timestamp-", 10) != 0)
        return 0;
    return strcmp(t->logical + 10, "millis") == 0   ? 1000
           : strcmp(t->logical + 10, "micros") == 0 ? 1000000
                                                    : 1000000000;
}

/* A whole number, which the reader may see as a fraction, or in another unit of time. */
static void check_number(const gen_type *t, int64_t v, const fd_col *c, uint32_t row)
{
    if (c->type->kind == FD_DOUBLE) {
        double want = strcmp(t->plain, "float") == 0 ? (double)(float)v : (double)v;
        expect_double(c->v.d[row], want);
        return;
    }
    int64_t from = t->from == NULL ? 0 : ticks_of(t->from);
    int64_t to = ticks_of(t);
    if (from != 0 && to > from)
        v *= to / from;
    else if (from > to && to != 0)
        v = v / (from / to) - (v % (from / to) < 0);
    assert_int_equal(c->v.i[row], v);
}

static void check_plain(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row)
{
    int b = 0;
    int32_t i = 0;
    int64_t l = 0;
    float f = 0;
    double d = 0;
    const void *p = NULL;
    const char *s = "";
    size_t n = 0;
    switch (avro_value_get_type(v)) {
    case AVRO_BOOLEAN:
        avro_value_get_boolean(v, &b);
        assert_int_equal(c->v.b[row], b);
        break;
    case AVRO_INT32:
        avro_value_get_int(v, &i);
        check_number(t, i, c, row);
        break;
    case AVRO_INT64:
        avro_value_get_long(v, &l);
        check_number(t, l, c, row);
        break;
    case AVRO_FLOAT:
        avro_value_get_float(v, &f);
        expect_double(c->v.d[row], (double)f);
        break;
    case AVRO_DOUBLE:
        avro_value_get_double(v, &d);
        expect_double(c->v.d[row], d);
        break;
    case AVRO_BYTES:
        avro_value_get_bytes(v, &p, &n);
        if (c->type->kind == FD_INT)
            assert_int_equal(c->v.i[row], big_endian(p, n));
        else
            check_str(c, row, p, n);
        break;
    default:
        avro_value_get_string(v, &s, &n);
        check_str(c, row, s, n - 1);
    }
}

static void check_uuid(const unsigned char *p, size_t n, const fd_col *c, uint32_t row)
{
    fd_strbuf want = {0};
    assert_int_equal(n, 16);
    for (size_t i = 0; i < n; i++)
        fd_strbuf_printf(&want, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", p[i]);
    check_text(c, row, want.p);
    fd_strbuf_free(&want);
}

static void check_enum(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row)
{
    const gen_type *writer = t->from == NULL ? t : t->from;
    int which = 0;
    avro_value_get_enum(v, &which);
    const char *want = NULL;
    for (int i = 0; i < t->n; i++) {
        if (strcmp(t->symbols[i], writer->symbols[which]) == 0)
            want = t->symbols[i];
    }
    if (want == NULL && t->enum_default >= 0)
        want = t->symbols[t->enum_default];
    assert_non_null(want);
    check_text(c, row, want);
}

static void check_record(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row)
{
    assert_int_equal(c->type->kind, FD_RECORD);
    for (int i = 0; i < t->n; i++) {
        const gen_field *f = &t->fields[i];
        uint32_t at;
        assert_non_null(fd_type_field(c->type, fd_str_from(f->name), &at));
        if (f->added >= 0) {
            if (c->children[at].type->kind != FD_OPAQUE)
                check_added(f->added, &c->children[at], row);
            continue;
        }
        avro_value_t part;
        int from = t->from == NULL ? i : f->from;
        assert_int_equal(avro_value_get_by_index(v, (size_t)from, &part, NULL), 0);
        gen_check(f->type, &part, &c->children[at], row);
    }
    for (uint32_t k = 0; k < c->n_children; k++) {
        int i = 0;
        while (i < t->n && strcmp(t->fields[i].name, c->type->fields[k].name) != 0)
            i++;
        if (i == t->n) /* of another branch of a union of records */
            check_absent(&c->children[k], row);
    }
}

/* Avro C keeps one value of a key that comes twice, and cuts keys at a NUL. */
static bool has_odd_keys(const fd_col *c, uint32_t row)
{
    for (uint32_t i = c->v.off[row]; i < c->v.off[row + 1]; i++) {
        fd_str key = c->children[0].v.s[i];
        if (key.n > 0 && memchr(key.p, 0, key.n) != NULL)
            return true;
        for (uint32_t k = c->v.off[row]; k < i; k++) {
            if (fd_str_eq(key, c->children[0].v.s[k]))
                return true;
        }
    }
    return false;
}

static void check_items(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row)
{
    size_t n = 0;
    avro_value_get_size(v, &n);
    uint32_t first = c->v.off[row];
    bool map = c->type->kind == FD_MAP;
    if (map && has_odd_keys(c, row))
        return;
    assert_int_equal(c->v.off[row + 1] - first, n);
    for (size_t i = 0; i < n; i++) {
        avro_value_t part;
        const char *key = NULL;
        avro_value_get_by_index(v, i, &part, &key);
        if (map)
            check_text(&c->children[0], first + (uint32_t)i, key);
        gen_check(t->item, &part, &c->children[map ? 1 : 0], first + (uint32_t)i);
    }
}

static void check_union(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row)
{
    avro_value_t part;
    int which = 0;
    avro_value_get_discriminant(v, &which);
    avro_value_get_current_branch(v, &part);
    if (t->wrapped >= 0) /* a union around a union is never made */
        fail();
    const gen_type *b = t->branches[which];
    if (c->type->kind != FD_UNION || avro_value_get_type(&part) == AVRO_NULL) {
        gen_check(b, &part, c, row);
        return;
    }
    assert_int_equal(c->valid[row], 1);
    assert_true(c->v.tag[row] < c->n_children);
    for (uint32_t k = 0; k < c->n_children; k++) {
        if (k == c->v.tag[row])
            gen_check(b, &part, &c->children[k], row);
        else
            check_null(&c->children[k], row);
    }
}

void gen_check(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row)
{
    assert_true(row < c->n);
    avro_type_t type = avro_value_get_type(v);
    if (type == AVRO_UNION) {
        check_union(t, v, c, row);
        return;
    }
    if (t->kind == GEN_UNION) { /* wrapped */
        assert_true(t->wrapped >= 0);
        t = t->branches[t->wrapped];
    }
    if (t->kind == GEN_REF)
        t = t->item;
    if (type == AVRO_NULL) {
        check_absent(c, row);
        return;
    }
    assert_int_equal(c->valid[row], 1);
    if (c->type->kind == FD_OPAQUE)
        return;
    switch (t->kind) {
    case GEN_PLAIN:
        check_plain(t, v, c, row);
        break;
    case GEN_FIXED: {
        const void *p = NULL;
        size_t n = 0;
        avro_value_get_fixed(v, &p, &n);
        if (c->type->kind == FD_INT)
            assert_int_equal(c->v.i[row], big_endian(p, n));
        else if (t->logical != NULL)
            check_uuid(p, n, c, row);
        else
            check_str(c, row, p, n);
        break;
    }
    case GEN_ENUM:
        check_enum(t, v, c, row);
        break;
    case GEN_ARRAY:
    case GEN_MAP:
        check_items(t, v, c, row);
        break;
    case GEN_RECORD:
        check_record(t, v, c, row);
        break;
    default:
        fail();
    }
}
