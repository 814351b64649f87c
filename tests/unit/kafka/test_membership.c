/* The serialised group metadata: what the running library writes, and every truncation of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/consumer_int.h"

static void expect(const char *member, const char *instance, int32_t generation)
{
    rd_kafka_consumer_group_metadata_t *meta = rd_kafka_consumer_group_metadata_new_with_genid(
        "grp", generation, member, instance);
    void *bytes;
    size_t n;
    assert_null(rd_kafka_consumer_group_metadata_write(meta, &bytes, &n));
    int32_t got;
    bool has_id;
    assert_true(fd_kafka_membership_parse(bytes, n, &got, &has_id));
    assert_int_equal(got, generation);
    assert_int_equal(has_id, *member != '\0');
    for (size_t cut = 0; cut < n; cut++) {
        char *part = malloc(cut + 1); /* of exact size: a sanitizer sees reads behind it */
        memcpy(part, bytes, cut);
        part = realloc(part, cut > 0 ? cut : 1);
        assert_false(fd_kafka_membership_parse(part, cut, &got, &has_id));
        free(part);
    }
    ((char *)bytes)[0] ^= 1;
    assert_false(fd_kafka_membership_parse(bytes, n, &got, &has_id));
    rd_kafka_mem_free(NULL, bytes);
    fd_err err;
    assert_int_equal(fd_kafka_membership_of(meta, &got, &has_id, &err), FD_OK);
    assert_int_equal(got, generation);
    rd_kafka_consumer_group_metadata_destroy(meta);
}

static void what_the_library_writes(void **state)
{
    (void)state;
    expect("member-1", NULL, 7);
    expect("member-1", "instance-1", 1000000);
    expect("", NULL, -1);
    expect("", "instance-1", -1);
}

static void surprises_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        {"CGMDv3:\1\0\0\0g\0m\0\1", 17},     {"CGMDv2:\1\0\0\0\0m\0\1", 15},
        {"CGMDv2:\1\0\0\0g\0m\0\2", 16},     {"CGMDv2:\1\0\0\0g\0m\0\1x", 17},
        {"CGMDv2:\1\0\0\0g\0m\0\0i\0x", 19}, {"CGMDv2:\376\377\377\377g\0m\0\1", 16},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t generation;
        bool has_id;
        assert_false(fd_kafka_membership_parse(bad[i].bytes, bad[i].n, &generation, &has_id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_library_writes),
        cmocka_unit_test(surprises_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
