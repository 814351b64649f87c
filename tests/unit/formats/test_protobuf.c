/* The wire format: what is read, and lies about lengths, types and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "formats/protobuf.h"

#define MESSAGE(literal) fd_pb_open(FD_STR(literal))

static void fields_are_read(void **state)
{
    (void)state;
    fd_pb r = MESSAGE("\x08\x96\x01\x12\x03"
                      "abc\x1d\x00\x00\x80\x3f\x21\x00\x00\x00\x00\x00\x00\xf0\x3f");
    fd_pb_field f;
    assert_true(fd_pb_next(&r, &f));
    assert_int_equal(f.number, 1);
    assert_int_equal(f.value, 150);
    assert_true(fd_pb_next(&r, &f));
    assert_true(f.number == 2 && fd_str_eq_c(f.bytes, "abc"));
    assert_true(fd_pb_next(&r, &f));
    assert_true(f.number == 3 && fd_pb_float(f.value) == 1.0F);
    assert_true(fd_pb_next(&r, &f));
    assert_true(f.number == 4 && fd_pb_double(f.value) == 1.0);
    assert_false(fd_pb_next(&r, &f));
    assert_false(r.bad);
    r = MESSAGE("");
    assert_false(fd_pb_next(&r, &f) || r.bad);
}

static void bad(fd_pb r)
{
    fd_pb_field f;
    while (fd_pb_next(&r, &f)) {
    }
    assert_true(r.bad);
    assert_false(fd_pb_next(&r, &f));
}

static void lies_are_noticed(void **state)
{
    (void)state;
    bad(MESSAGE("\x08"));                                         /* no value */
    bad(MESSAGE("\x08\x80"));                                     /* a varint that goes on */
    bad(MESSAGE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")); /* more than 64 bits */
    bad(MESSAGE("\x12\x05"
                "abc"));                          /* longer than the message */
    bad(MESSAGE("\x12\xff\xff\xff\xff\xff\x7f")); /* much longer */
    bad(MESSAGE("\x1d\x00\x00\x80"));             /* a cut float */
    bad(MESSAGE("\x21\x00"));                     /* a cut double */
    bad(MESSAGE("\x0b\x0c"));                     /* groups */
    bad(MESSAGE("\x0e"));                         /* wire types 6 and 7 */
    bad(MESSAGE("\x0f"));
    bad(MESSAGE("\x00\x01"));                     /* field 0 */
    bad(MESSAGE("\x80\x80\x80\x80\x80\x01\x01")); /* field 2^32 */
}

static void numbers_are_gathered(void **state)
{
    (void)state;
    uint64_t out[4];
    size_t n;
    fd_str mixed = FD_STR("\x08\x01\x0a\x02\x02\x03\x10\x09\x08\x04");
    assert_true(fd_pb_numbers(mixed, 1, FD_PB_VARINT, NULL, 100, &n));
    assert_int_equal(n, 4);
    assert_true(fd_pb_numbers(mixed, 1, FD_PB_VARINT, out, 4, &n));
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(out[i], i + 1);
    assert_false(fd_pb_numbers(mixed, 1, FD_PB_VARINT, out, 3, &n));  /* too many */
    assert_false(fd_pb_numbers(mixed, 1, FD_PB_FIXED32, out, 4, &n)); /* another type */
    assert_false(fd_pb_numbers(FD_STR("\x0a\x03\x01\x02\x80"), 1, FD_PB_VARINT, out, 4, &n));
    assert_false(fd_pb_numbers(FD_STR("\x0a\x05\x00\x00\x80\x3f\x00"), 1, FD_PB_FIXED32, out, 4,
                               &n)); /* a float and a bit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_read),
                                       cmocka_unit_test(lies_are_noticed),
                                       cmocka_unit_test(numbers_are_gathered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
