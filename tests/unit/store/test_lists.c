/*
 * Lists by themselves: membership across number types, addresses and networks against a naive
 * search, sizes, repeats, growth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/assert.h"
#include "store/lists.h"

static fd_list *list_of(fd_list_type type, const char *const *entries, size_t n)
{
    fd_list *l = fd_list_new("l", type);
    for (size_t i = 0; i < n; i++)
        assert_null(fd_list_add(l, fd_str_from(entries[i])));
    fd_list_seal(l);
    return l;
}
#define LIST(type, table) list_of(type, table, sizeof table / sizeof *table)

static void expect(const fd_list *l, fd_cel_value v, bool in)
{
    fd_cel_value got = fd_list_set(l)->contains(l, &v);
    assert_int_equal(got.kind, FD_CEL_BOOL);
    assert_int_equal(got.v.b, in);
}

static fd_cel_value text(const char *s)
{
    return fd_cel_string(fd_str_from(s));
}

static void strings(void **state)
{
    (void)state;
    static const char *const entries[] = {"a", "", "a", "b c", "\xc3\xa4"};
    fd_list *l = LIST(FD_LIST_STRING, entries);
    assert_int_equal(fd_list_count(l), 4);
    assert_int_equal(fd_list_set(l)->n_entries, 4);
    assert_int_equal(fd_list_set(l)->elem, FD_CEL_STRING);
    expect(l, text("a"), true);
    expect(l, text(""), true);
    expect(l, text("b c"), true);
    expect(l, text("\xc3\xa4"), true);
    expect(l, text("A"), false);
    expect(l, text("b"), false);
    expect(l, fd_cel_string((fd_str){"a\0", 2}), false);
    expect(l, fd_cel_bytes(FD_STR("a")), false);
    expect(l, fd_cel_int(0), false);
    fd_list_free(l);
    l = list_of(FD_LIST_STRING, NULL, 0);
    expect(l, text(""), false);
    fd_list_free(l);
    fd_list_free(NULL);
}

static void growth(void **state)
{
    (void)state;
    enum { N = 100000 };
    char buf[32];
    fd_list *s = fd_list_new("s", FD_LIST_STRING), *n = fd_list_new("n", FD_LIST_INT);
    for (int i = 0; i < N; i++) {
        snprintf(buf, sizeof buf, "%d", i * 7919 - N);
        assert_null(fd_list_add(s, fd_str_from(buf)));
        assert_null(fd_list_add(n, fd_str_from(buf)));
    }
    fd_list_seal(s);
    fd_list_seal(n);
    assert_int_equal(fd_list_count(s), N);
    assert_int_equal(fd_list_count(n), N);
    for (int i = 0; i < N; i += 13) {
        snprintf(buf, sizeof buf, "%d", i * 7919 - N);
        expect(s, text(buf), true);
        expect(n, fd_cel_int(i * 7919 - N), true);
        expect(n, fd_cel_int(i * 7919 - N + 1), false);
    }
    assert_true(fd_list_bytes(n) < (size_t)N * 100);
    fd_list_free(s);
    fd_list_free(n);
}

static void numbers(void **state)
{
    (void)state;
    static const char *const ints[] = {"0", "5", "-7", "9223372036854775807",
                                       "-9223372036854775808"};
    fd_list *l = LIST(FD_LIST_INT, ints);
    expect(l, fd_cel_int(0), true);
    expect(l, fd_cel_int(INT64_MAX), true);
    expect(l, fd_cel_int(INT64_MIN), true);
    expect(l, fd_cel_int(1), false);
    expect(l, fd_cel_uint(5), true);
    expect(l, fd_cel_uint(UINT64_MAX), false); /* not -1 */
    expect(l, fd_cel_double(5.0), true);
    expect(l, fd_cel_double(-0.0), true);
    expect(l, fd_cel_double(5.5), false);
    expect(l, fd_cel_double(0.0 / (l == NULL ? 1.0 : 0.0)), false); /* NaN */
    expect(l, text("5"), false);
    fd_list_free(l);
    static const char *const doubles[] = {"0.0", "1.5", "5", "-1e300"};
    l = LIST(FD_LIST_DOUBLE, doubles);
    expect(l, fd_cel_double(-0.0), true);
    expect(l, fd_cel_double(1.5), true);
    expect(l, fd_cel_double(5), true);
    expect(l, fd_cel_int(5), true);
    expect(l, fd_cel_uint(5), true);
    expect(l, fd_cel_int(1), false);
    expect(l, fd_cel_double(-1e300), true);
    fd_list_free(l);
}

static void wrong_entries(void **state)
{
    (void)state;
    static const struct {
        fd_list_type type;
        const char *entry;
    } cases[] = {
        {FD_LIST_INT, ""},
        {FD_LIST_INT, "5.0"},
        {FD_LIST_INT, "0x10"},
        {FD_LIST_INT, "9223372036854775808"},
        {FD_LIST_INT, "five"},
        {FD_LIST_INT, "5 "},
        {FD_LIST_DOUBLE, ""},
        {FD_LIST_DOUBLE, "inf"},
        {FD_LIST_DOUBLE, "nan"},
        {FD_LIST_DOUBLE, "1e999"},
        {FD_LIST_DOUBLE, "1,5"},
        {FD_LIST_CIDR, ""},
        {FD_LIST_CIDR, "10.0.0"},
        {FD_LIST_CIDR, "10.0.0.0/"},
        {FD_LIST_CIDR, "/8"},
        {FD_LIST_CIDR, "10.0.0.0/33"},
        {FD_LIST_CIDR, "::/129"},
        {FD_LIST_CIDR, "10.0.0.0/8/8"},
        {FD_LIST_CIDR, "::1%eth0"},
        {FD_LIST_CIDR, "10.0.0.0 /8"},
        {FD_LIST_CIDR, "1:2:3"},
        {FD_LIST_CIDR, "10.0.0.0/+8"},
        {FD_LIST_CIDR, "10.0.0.0/99999999999999999999"},
        {FD_LIST_INT, "1111111111111111111111111111111111111111111111111111111111111111111111"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_list *l = fd_list_new("l", cases[i].type);
        if (fd_list_add(l, fd_str_from(cases[i].entry)) == NULL)
            fail_msg("%s list takes '%s'", fd_list_type_name(cases[i].type), cases[i].entry);
        fd_list_free(l);
    }
}

static void addresses(void **state)
{
    (void)state;
    static const char *const entries[] = {
        "10.0.0.0/8",       "192.0.2.1",      "192.0.2.2/32",  "2001:db8::/32",          "fe80::1",
        "203.0.113.128/25", "203.0.113.0/25", "10.200.1.9/16", "::ffff:198.51.100.0/120"};
    fd_list *l = LIST(FD_LIST_CIDR, entries);
    assert_int_equal(fd_list_set(l)->elem, FD_CEL_STRING);
    assert_int_equal(fd_list_count(l), 8); /* a network inside another is no entry */
    static const struct {
        const char *ip;
        bool in;
    } cases[] = {
        {"10.0.0.0", true},
        {"10.255.255.255", true},
        {"9.255.255.255", false},
        {"11.0.0.0", false},
        {"192.0.2.0", false},
        {"192.0.2.1", true},
        {"192.0.2.2", true},
        {"192.0.2.3", false},
        {"203.0.113.127", true},
        {"203.0.113.128", true},
        {"203.0.114.0", false},
        {"2001:db8::", true},
        {"2001:db9::", false},
        {"fe80::1", true},
        {"fe80::2", false},
        {"::ffff:10.1.2.3", true},
        {"198.51.100.77", true},
        {"::ffff:198.51.101.0", false},
        {"2001:0DB8:0:0::1", true},
        {"0.0.0.0", false},
        {"255.255.255.255", false},
        {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
        {"::", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(l, text(cases[i].ip), cases[i].in);
    static const char *const bad[] = {"", "10.0.0.0/8", "nonsense", "10.0.0.1 ", "1.2.3.4.5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fd_cel_value v = text(bad[i]), got = fd_list_set(l)->contains(l, &v);
        assert_int_equal(got.kind, FD_CEL_ERROR);
        assert_int_equal(got.n, FD_CEL_E_BAD_IP);
    }
    fd_cel_value number = fd_cel_int(10), got = fd_list_set(l)->contains(l, &number);
    assert_int_equal(got.n, FD_CEL_E_NO_OVERLOAD);
    fd_list_free(l);
}

static uint32_t below(uint64_t *s, uint32_t n)
{
    *s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*s >> 33) % n;
}

/* Random networks within a small space, asked against each range one by one. */
static void networks_like_a_naive_search(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 300; round++) {
        fd_ip_range all[20], joined[20];
        size_t n = below(&seed, 20);
        char buf[64];
        for (size_t i = 0; i < n; i++) {
            snprintf(buf, sizeof buf, "10.0.%u.%u/%u", below(&seed, 4), below(&seed, 256),
                     22 + below(&seed, 11));
            assert_true(fd_cidr_parse(fd_str_from(buf), &all[i]));
            joined[i] = all[i];
        }
        size_t m = fd_cidr_normalise(joined, n);
        assert_true(m <= n);
        for (size_t i = 1; i < m; i++)
            assert_true(memcmp(joined[i].from, joined[i - 1].to, 16) > 0);
        for (int probe = 0; probe < 200; probe++) {
            fd_ip_range ip;
            snprintf(buf, sizeof buf, "10.0.%u.%u", below(&seed, 5), below(&seed, 256));
            assert_true(fd_cidr_parse(fd_str_from(buf), &ip));
            bool want = false;
            for (size_t i = 0; i < n; i++)
                want |= memcmp(all[i].from, ip.from, 16) <= 0 &&
                        memcmp(all[i].to, ip.from, 16) >= 0;
            assert_int_equal(fd_cidr_contains(joined, m, ip.from), want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),   cmocka_unit_test(growth),
        cmocka_unit_test(numbers),   cmocka_unit_test(wrong_entries),
        cmocka_unit_test(addresses), cmocka_unit_test(networks_like_a_naive_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
