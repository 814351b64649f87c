/* What stands before the Avro bytes: written as the specifications have it, read back, refused
 * when it is something else. */
#include "codec/frame.h"

#include "support.h"

static fd_poison parse(fd_framing framing, const char *hex, fd_frame *out)
{
    static char bytes[64]; /* the frame's payload points into it */
    fd_strbuf b = {0};
    support_hex(hex, &b);
    assert_true(b.n <= sizeof bytes);
    if (b.n > 0)
        memcpy(bytes, b.p, b.n);
    fd_str value = {bytes, (uint32_t)b.n};
    fd_strbuf_free(&b);
    return fd_frame_parse(framing, value, out);
}

static void test_raw_is_the_payload(void **state)
{
    (void)state;
    fd_frame f;
    assert_int_equal(parse(FD_FRAMING_RAW, "00 00 00 00 07 61", &f), FD_POISON_NONE);
    assert_int_equal(f.payload.n, 6);
    assert_int_equal(f.schema_id, 0);
    assert_int_equal(f.fingerprint, 0);
    assert_int_equal(parse(FD_FRAMING_RAW, "61", &f), FD_POISON_NONE);
    assert_int_equal(f.payload.n, 1);
}

static void test_confluent_is_big_endian(void **state)
{
    (void)state;
    fd_frame f;
    assert_int_equal(parse(FD_FRAMING_CONFLUENT, "00 01020304 6162", &f), FD_POISON_NONE);
    assert_int_equal(f.schema_id, 0x01020304);
    assert_true(fd_str_eq_c(f.payload, "ab"));
    assert_int_equal(parse(FD_FRAMING_CONFLUENT, "00 ffffffff", &f), FD_POISON_NONE);
    assert_true(f.schema_id == 0xffffffffU);
    /* a record without fields has no bytes */
    assert_int_equal(f.payload.n, 0);
}

static void test_single_object_is_little_endian(void **state)
{
    (void)state;
    fd_frame f;
    assert_int_equal(parse(FD_FRAMING_SINGLE_OBJECT, "c301 0807060504030201 7a", &f),
                     FD_POISON_NONE);
    assert_true(f.fingerprint == 0x0102030405060708ULL);
    assert_true(fd_str_eq_c(f.payload, "z"));
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        fd_framing framing;
        const char *hex;
        fd_poison want;
    } cases[] = {
        {FD_FRAMING_RAW, "", FD_POISON_EMPTY_PAYLOAD},
        {FD_FRAMING_CONFLUENT, "", FD_POISON_EMPTY_PAYLOAD},
        {FD_FRAMING_SINGLE_OBJECT, "", FD_POISON_EMPTY_PAYLOAD},
        {FD_FRAMING_CONFLUENT, "00", FD_POISON_BAD_FRAME},
        {FD_FRAMING_CONFLUENT, "00 000000", FD_POISON_BAD_FRAME},
        {FD_FRAMING_CONFLUENT, "01 00000001 61", FD_POISON_BAD_FRAME},
        {FD_FRAMING_CONFLUENT, "c301 0807060504030201 7a", FD_POISON_BAD_FRAME},
        {FD_FRAMING_CONFLUENT, "7b 22 69 64 22 3a", FD_POISON_BAD_FRAME}, /* {"id": */
        {FD_FRAMING_SINGLE_OBJECT, "c3", FD_POISON_BAD_FRAME},
        {FD_FRAMING_SINGLE_OBJECT, "c301 08070605040302", FD_POISON_BAD_FRAME},
        {FD_FRAMING_SINGLE_OBJECT, "c302 0807060504030201 7a", FD_POISON_BAD_FRAME},
        {FD_FRAMING_SINGLE_OBJECT, "c401 0807060504030201 7a", FD_POISON_BAD_FRAME},
        {FD_FRAMING_SINGLE_OBJECT, "00 00000001 61 61 61 61 61 61", FD_POISON_BAD_FRAME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fd_frame f;
        assert_int_equal(parse(cases[i].framing, cases[i].hex, &f), cases[i].want);
        assert_int_equal(f.payload.n, 0);
    }
}

static void test_headers_come_back(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0, 1, 255, 256, 0x7fffffff, 0xffffffff};
    for (int framing = 0; framing < FD_N_FRAMINGS; framing++) {
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            unsigned char buf[FD_FRAME_MAX + 1];
            uint64_t print = 0x9e3779b97f4a7c15ULL * (i + 1);
            memset(buf, 0x55, sizeof buf);
            uint32_t n = fd_frame_write((fd_framing)framing, ids[i], print, buf);
            assert_true(n <= FD_FRAME_MAX);
            assert_int_equal(buf[n], 0x55); /* not a byte more than it says */
            fd_frame f;
            fd_str value = {(const char *)buf, n + 1};
            assert_int_equal(fd_frame_parse((fd_framing)framing, value, &f), FD_POISON_NONE);
            assert_int_equal(f.payload.n, 1);
            if (framing == FD_FRAMING_CONFLUENT)
                assert_true(f.schema_id == ids[i]);
            if (framing == FD_FRAMING_SINGLE_OBJECT)
                assert_true(f.fingerprint == print);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_is_the_payload),
        cmocka_unit_test(test_confluent_is_big_endian),
        cmocka_unit_test(test_single_object_is_little_endian),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_headers_come_back),
    };
    return cmocka_run_group_tests_name("codec.frame", tests, NULL, NULL);
}
