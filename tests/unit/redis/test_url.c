/* Addresses of a Redis, and settings that cannot be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "redis/redis.h"
#include "redis/url.h"

static fd_redis_url parsed(const char *text)
{
    fd_redis_url u;
    fd_err err = {.text = ""};
    if (fd_redis_url_parse(text, &u, &err) != FD_OK)
        fail_msg("%s: %s", text, err.text);
    return u;
}

static void expect(const char *text, const char *host, const char *port, const char *user,
                   const char *password, uint32_t db, const char *address)
{
    fd_redis_url u = parsed(text);
    assert_string_equal(u.host, host);
    assert_string_equal(u.port, port);
    assert_string_equal(u.user, user);
    assert_string_equal(u.password, password);
    assert_int_equal(u.db, db);
    assert_string_equal(u.address, address);
}

static void test_good(void **state)
{
    (void)state;
    expect("redis://localhost", "localhost", "6379", "", "", 0, "localhost:6379");
    expect("redis://h:1/", "h", "1", "", "", 0, "h:1");
    expect("redis://10.0.0.1:6380/15", "10.0.0.1", "6380", "", "", 15, "10.0.0.1:6380");
    expect("redis://[::1]:6380/2", "::1", "6380", "", "", 2, "[::1]:6380");
    expect("redis://[fe80::1]", "fe80::1", "6379", "", "", 0, "[fe80::1]:6379");
    expect("redis://:secret@h", "h", "6379", "", "secret", 0, "h:6379");
    expect("redis://u:p%40ss%3a%2F@h:7/3", "h", "7", "u", "p@ss:/", 3, "h:7");
    expect("redis://u:a@b@h", "h", "6379", "u", "a@b", 0, "h:6379");
    assert_false(parsed("redis://h").tls);
    assert_true(parsed("rediss://h").tls);
    expect("unix:///run/redis.sock", "/run/redis.sock", "", "", "", 0, "/run/redis.sock");
    expect("unix://u:p@/run/r%20s?db=4", "/run/r s", "", "u", "p", 4, "/run/r s");
    assert_true(parsed("unix:///s").local);
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "localhost:6379",
        "http://h",
        "redis:/h",
        "redis://",
        "redis://:5",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://h:",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/1/2",
        "redis://h?db=1",
        "redis://[::1",
        "redis://[::1]x",
        "redis://u:%4@h",
        "redis://u:%zz@h",
        "redis://%00@h",
        "unix://run/s",
        "unix:///s?x=1",
        "unix:///s?db=",
        "redis://h/1234567",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fd_redis_url u;
        fd_err err = {.text = ""};
        if (fd_redis_url_parse(bad[i], &u, &err) == FD_OK)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
        assert_non_null(strstr(err.text, "redis.url"));
    }
}

static void test_text_does_not_repeat(void **state)
{
    (void)state;
    fd_redis_url u;
    fd_err err = {.text = ""};
    assert_int_equal(fd_redis_url_parse("redis://u:hunter2@h:99999", &u, &err), FD_FATAL);
    assert_null(strstr(err.text, "hunter2"));
}

static void refused(fd_redis_config c, const char *part)
{
    static const char *const topics[] = {"t"};
    fd_err err = {.text = ""};
    c.topics = topics;
    c.group = "g";
    c.n_topics = 1;
    fd_redis *r = fd_redis_new(&c, &err);
    assert_null(r);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    if (strstr(err.text, part) == NULL)
        fail_msg("%s", err.text);
}

static void test_settings(void **state)
{
    (void)state;
    refused((fd_redis_config){.url = NULL}, "redis.url");
    refused((fd_redis_config){.url = "redis://h", .prefix = "a{b"}, "redis.prefix");
    refused((fd_redis_config){.url = "redis://h", .username = "u"}, "redis.password");
    refused((fd_redis_config){.url = "redis://u@h"}, "redis.password");
    refused((fd_redis_config){.url = "rediss://h", .ca_file = "/nowhere.pem"}, "redis.ca_file");
    char prefix[300];
    memset(prefix, 'p', sizeof prefix);
    prefix[sizeof prefix - 1] = '\0';
    refused((fd_redis_config){.url = "redis://h", .prefix = prefix}, "redis.prefix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_text_does_not_repeat),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
