/* Hashes against published values: what is stored or agreed with other programs must not move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

/* The Java client's own test values of murmur2, as its partitioner uses them: sign bit off. */
static void test_java_partitioner(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        int32_t murmur2;
    } vectors[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        int32_t positive = (int32_t)((uint32_t)vectors[i].murmur2 & 0x7fffffffU);
        size_t n = strlen(vectors[i].key);
        assert_int_equal(fd_partition_of_key(vectors[i].key, n, INT32_MAX), positive % INT32_MAX);
        for (int32_t partitions = 1; partitions < 50; partitions++)
            assert_int_equal(fd_partition_of_key(vectors[i].key, n, partitions),
                             positive % partitions);
    }
    assert_in_range(fd_partition_of_key("", 0, 7), 0, 6);
    assert_in_range(fd_partition_of_key("\xff\xfe\xfd", 3, 7), 0, 6); /* bytes above 127 */
}

/* The key may start anywhere in a message. */
static void test_unaligned(void **state)
{
    (void)state;
    char bytes[64];
    for (size_t at = 0; at < 8; at++) {
        memcpy(bytes + at, "a-little-bit-longer-string", 26);
        assert_int_equal(fd_partition_of_key(bytes + at, 26, INT32_MAX),
                         (int32_t)((uint32_t)-1486304829 & 0x7fffffffU));
        assert_true(fd_hash64(bytes + at, 26, 1) == fd_hash64("a-little-bit-longer-string", 26, 1));
    }
}

static void test_content_hash(void **state)
{
    (void)state;
    assert_string_equal(fd_content_hash_of("abc", 3).hex, "ba7816bf8f01cfea414140de5dae2223");
    assert_string_equal(fd_content_hash_of("", 0).hex, "e3b0c44298fc1c149afbf4c8996fb924");
    assert_string_equal(fd_content_hash_of(NULL, 0).hex, "e3b0c44298fc1c149afbf4c8996fb924");
    assert_int_equal(strlen(fd_content_hash_of("x", 1).hex), FD_CONTENT_HASH_CHARS);
}

static void test_hash64(void **state)
{
    (void)state;
    assert_true(fd_hash64("", 0, 0) == 0x2d06800538d394c2U);
    assert_true(fd_hash64("a", 1, 0) != fd_hash64("a", 1, 1));
    assert_true(fd_hash64("a", 1, 0) != fd_hash64("b", 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_java_partitioner),
        cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_content_hash),
        cmocka_unit_test(test_hash64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
