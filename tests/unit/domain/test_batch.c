/*
 * Columns: nulls through records and unions, lists and maps, taking back half-written events,
 * growth within bounds. Rows are written as a decoder writes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/batch.h"

static const fd_type t_int = {.kind = FD_INT};
static const fd_type t_str = {.kind = FD_STRING, .nullable = true};
static const fd_type t_bool = {.kind = FD_BOOL};
static const fd_type t_double = {.kind = FD_DOUBLE};
static const fd_type t_null = {.kind = FD_NULL};
static const fd_field f_card[] = {{"bin", &t_int}, {"name", &t_str}};
static const fd_type t_card = {
    .kind = FD_RECORD, .nullable = true, .n_fields = 2, .fields = f_card};
static const fd_type t_list = {.kind = FD_LIST, .elem = &t_card};
static const fd_type t_map = {.kind = FD_MAP, .elem = &t_double};
static const fd_field f_union[] = {{"null", &t_null}, {"int", &t_int}, {"string", &t_str}};
static const fd_type t_union = {.kind = FD_UNION, .n_fields = 3, .fields = f_union};
static const fd_field f_root[] = {{"id", &t_int},     {"ok", &t_bool},  {"card", &t_card},
                                  {"items", &t_list}, {"tags", &t_map}, {"either", &t_union}};
static const fd_type t_root = {.kind = FD_RECORD, .n_fields = 6, .fields = f_root};

enum { CAP = 8, ELEMS = 20 };

static fd_col *child(fd_batch *b, uint32_t i)
{
    return &b->root.children[i];
}

static void put_int(fd_col *c, int64_t v)
{
    assert_true(c->n < c->cap);
    c->valid[c->n] = 1;
    c->v.i[c->n++] = v;
}

static void put_str(fd_col *c, const char *v)
{
    assert_true(c->n < c->cap);
    c->valid[c->n] = 1;
    c->v.s[c->n++] = fd_str_from(v);
}

static void put_card(fd_col *c, int64_t bin, const char *name)
{
    c->valid[c->n++] = 1;
    put_int(&c->children[0], bin);
    if (name == NULL)
        fd_col_push_null(&c->children[1]);
    else
        put_str(&c->children[1], name);
}

/* A list of n cards; false when the element bound is hit. */
static bool put_list(fd_batch *b, fd_col *c, int n)
{
    for (int i = 0; i < n; i++) {
        if (!fd_col_reserve(&c->children[0], 1, b->max_elems))
            return false;
        put_card(&c->children[0], i, i % 2 == 0 ? "x" : NULL);
    }
    c->valid[c->n] = 1;
    c->v.off[++c->n] = c->children[0].n;
    return true;
}

static bool put_map(fd_batch *b, fd_col *c, int n)
{
    for (int i = 0; i < n; i++) {
        if (!fd_col_reserve(&c->children[0], 1, b->max_elems) ||
            !fd_col_reserve(&c->children[1], 1, b->max_elems))
            return false;
        put_str(&c->children[0], "k");
        c->children[1].valid[c->children[1].n] = 1;
        c->children[1].v.d[c->children[1].n++] = i;
    }
    c->valid[c->n] = 1;
    c->v.off[++c->n] = c->children[0].n;
    return true;
}

static void put_union_int(fd_col *c, int64_t v)
{
    c->valid[c->n] = 1;
    c->v.tag[c->n++] = 1;
    fd_col_push_null(&c->children[0]);
    put_int(&c->children[1], v);
    fd_col_push_null(&c->children[2]);
}

/* One event; stops after `fields` of them, as a decoder does at a damaged byte. */
static void put_event(fd_batch *b, int64_t id, int fields)
{
    b->root.valid[b->root.n++] = 1;
    if (fields > 0)
        put_int(child(b, 0), id);
    if (fields > 1) {
        child(b, 1)->valid[child(b, 1)->n] = 1;
        child(b, 1)->v.b[child(b, 1)->n++] = 1;
    }
    if (fields > 2)
        put_card(child(b, 2), id * 10, "n");
    if (fields > 3)
        assert_true(put_list(b, child(b, 3), 2));
    if (fields > 4)
        assert_true(put_map(b, child(b, 4), 1));
    if (fields > 5)
        put_union_int(child(b, 5), -id);
}

/* The invariants of batch.h, for every column below c. */
static void check_col(const fd_col *c, uint32_t rows)
{
    assert_int_equal(c->n, rows);
    assert_true(c->n <= c->cap);
    bool by_offsets = c->type->kind == FD_LIST || c->type->kind == FD_MAP;
    uint32_t below = rows;
    if (by_offsets && c->v.off != NULL) {
        assert_int_equal(c->v.off[0], 0);
        for (uint32_t i = 0; i < rows; i++)
            assert_true(c->v.off[i] <= c->v.off[i + 1]);
        below = c->v.off[rows];
    }
    for (uint32_t i = 0; i < c->n_children; i++)
        check_col(&c->children[i], below);
}

static void test_rows(void **state)
{
    (void)state;
    fd_batch *b = fd_batch_new(&t_root, CAP, ELEMS);
    put_event(b, 1, 6);
    fd_col_push_null(&b->root); /* a null row is null all the way down */
    put_event(b, 3, 6);
    check_col(&b->root, 3);
    assert_int_equal(child(b, 0)->valid[1], 0);
    assert_int_equal(child(b, 0)->v.i[1], 0);
    assert_int_equal(child(b, 2)->children[0].valid[1], 0);
    assert_int_equal(child(b, 3)->valid[1], 0);
    assert_int_equal(child(b, 3)->v.off[1], 2);
    assert_int_equal(child(b, 3)->v.off[2], 2);
    assert_int_equal(child(b, 3)->v.off[3], 4);
    assert_int_equal(child(b, 5)->valid[1], 0);
    assert_int_equal(child(b, 5)->children[1].v.i[2], -3);
    assert_int_equal(child(b, 2)->children[0].v.i[2], 30);
    fd_batch_free(b);
    fd_batch_free(NULL);
}

/* A damaged event, broken off after each of its fields, leaves nothing behind. */
static void test_truncate(void **state)
{
    (void)state;
    for (int fields = 0; fields <= 6; fields++) {
        fd_batch *b = fd_batch_new(&t_root, CAP, ELEMS);
        put_event(b, 1, 6);
        put_event(b, 2, fields);
        fd_batch_truncate(b, 1);
        check_col(&b->root, 1);
        put_event(b, 5, 6);
        check_col(&b->root, 2);
        assert_int_equal(child(b, 0)->v.i[0], 1);
        assert_int_equal(child(b, 0)->v.i[1], 5);
        assert_int_equal(child(b, 3)->children[0].n, 4);
        assert_int_equal(child(b, 4)->v.off[2], 2);
        fd_batch_reset(b);
        check_col(&b->root, 0);
        assert_int_equal(fd_arena_used(b->arena), 0);
        fd_batch_free(b);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    fd_batch *b = fd_batch_new(&t_root, CAP, ELEMS);
    put_event(b, 1, 3);
    assert_true(put_list(b, child(b, 3), ELEMS));
    assert_false(put_list(b, child(b, 3), ELEMS * 20));
    assert_true(child(b, 3)->children[0].cap <= 2 * ELEMS); /* what was allocated stays bounded */
    fd_batch_truncate(b, 0);
    check_col(&b->root, 0);
    assert_false(fd_col_reserve(&b->root, UINT32_MAX, CAP));
    for (int round = 0; round < 3; round++) {
        fd_batch_reset(b);
        for (int i = 0; i < CAP; i++)
            put_event(b, i, 6);
        check_col(&b->root, CAP);
    }
    fd_batch_free(b);
}

static void test_addresses(void **state)
{
    (void)state;
    fd_batch *b = fd_batch_new(&t_root, CAP, ELEMS);
    assert_ptr_equal(b->cols[0], &b->root);
    assert_int_equal(b->n_cols, 1 + 1 + 1 + 3 + 4 + 3 + 4);
    assert_ptr_equal(b->cols[1], child(b, 0));
    assert_ptr_equal(b->cols[3], child(b, 2));
    assert_ptr_equal(b->cols[4], &child(b, 2)->children[0]);
    assert_ptr_equal(fd_batch_path(b, FD_STR("card.bin")), &child(b, 2)->children[0]);
    assert_ptr_equal(fd_batch_path(b, FD_STR("id")), child(b, 0));
    assert_ptr_equal(fd_batch_path(b, FD_STR("")), &b->root);
    assert_null(fd_batch_path(b, FD_STR("card.nope")));
    assert_null(fd_batch_path(b, FD_STR("id.bin")));
    assert_null(fd_batch_path(b, FD_STR("items.bin"))); /* not through lists */
    assert_int_equal(fd_type_columns(&t_root), b->n_cols);
    static const char *const paths[] = {"", "id", "card", "card.bin", "card.limit"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        uint32_t column;
        fd_str path = fd_str_from(paths[i]);
        const fd_col *want = fd_batch_path(b, path);
        assert_int_equal(fd_type_column(&t_root, path, &column), want != NULL);
        assert_true(want == NULL || b->cols[column] == want);
    }
    for (uint32_t i = 0; i < t_root.n_fields; i++) { /* behind lists, maps and unions too */
        uint32_t column;
        assert_true(fd_type_column(&t_root, fd_str_from(t_root.fields[i].name), &column));
        assert_ptr_equal(b->cols[column], child(b, i));
    }
    uint32_t column;
    assert_false(fd_type_column(&t_root, FD_STR("card.nope"), &column));
    assert_false(fd_type_column(&t_root, FD_STR("id.bin"), &column));
    assert_false(fd_type_column(&t_root, FD_STR("items.bin"), &column));
    fd_batch_free(b);
}

static void test_empty_record(void **state)
{
    (void)state;
    static const fd_type empty = {.kind = FD_RECORD};
    fd_batch *b = fd_batch_new(&empty, 1, 0);
    fd_col_push_null(&b->root);
    fd_batch_truncate(b, 0);
    assert_int_equal(b->n_cols, 1);
    fd_batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_truncate),
        cmocka_unit_test(test_bounds),       cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_empty_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
