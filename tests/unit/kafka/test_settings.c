/* Settings: what librdkafka refuses is said with the key; the order of effect; topic names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/consumer.h"
#include "kafka/kafka_int.h"
#include "kafka/producer.h"

static const fd_kv common_items[] = {{"bootstrap.servers", "127.0.0.1:1"}, {"client.id", "common"}};
static const fd_kvs common = {common_items, 2};

static void setting_is(rd_kafka_conf_t *conf, const char *key, const char *want)
{
    char value[128];
    size_t n = sizeof value;
    assert_int_equal(rd_kafka_conf_get(conf, key, value, &n), RD_KAFKA_CONF_OK);
    assert_string_equal(value, want);
}

static void order_of_effect(void **state)
{
    (void)state;
    const fd_kv own_items[] = {{"linger.ms", "7"}, {"acks", "1"}};
    const fd_kvs own = {own_items, 2};
    const fd_kafka_setting_item defaults[] = {{"client.id", "default", false},
                                              {"linger.ms", "1", false},
                                              {"batch.size", "1234", false},
                                              {"no.such.key.yet", "1", true}};
    const fd_kafka_setting_item forced[] = {{"acks", "all", false}};
    fd_kafka_owner owner;
    fd_err err;
    fd_kafka_settings s = {.common = &common, .own = &own};
    rd_kafka_conf_t *conf = fd_kafka_conf_new(&s, defaults, 4, forced, 1, &owner, &err);
    assert_non_null(conf);
    setting_is(conf, "client.id", "common");
    setting_is(conf, "linger.ms", "7");
    setting_is(conf, "batch.size", "1234");
    setting_is(conf, "acks", "-1");
    rd_kafka_conf_destroy(conf);
    assert_string_equal(fd_kafka_setting(&s, "acks"), "1");
    assert_string_equal(fd_kafka_setting(&s, "client.id"), "common");
    assert_null(fd_kafka_setting(&s, "batch.size"));
}

static fd_class source_with(const char *key, const char *value, const char *topic, fd_err *err)
{
    const fd_kv own_items[] = {{key, value}};
    const fd_kvs own = {own_items, 1};
    const char *topics[] = {topic};
    fd_kafka_source *source = NULL;
    fd_class cls = fd_kafka_source_new(
        &(fd_kafka_source_config){.settings = {.common = &common, .own = &own},
                                  .group = "g",
                                  .instance = "",
                                  .topics = topics,
                                  .n_topics = 1},
        &source, err);
    fd_kafka_source_free(source);
    return cls;
}

static void bad_settings_are_named(void **state)
{
    (void)state;
    fd_err err;
    assert_int_equal(source_with("fetch.min.bites", "1", "t", &err), FD_FATAL);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "fetch.min.bites"));
    assert_int_equal(source_with("fetch.min.bytes", "many", "t", &err), FD_FATAL);
    assert_non_null(strstr(err.text, "fetch.min.bytes"));
    /* Valid one by one, but not together: librdkafka says so when the handle is made. */
    assert_int_equal(source_with("max.poll.interval.ms", "10", "t", &err), FD_FATAL);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "max.poll.interval.ms"));
    assert_int_equal(source_with("fetch.min.bytes", "2", "^t", &err), FD_FATAL);
    assert_non_null(strstr(err.text, "'^t'"));
    assert_int_equal(source_with("fetch.min.bytes", "2", "t", &err), FD_OK);
}

static void bad_producer_settings(void **state)
{
    (void)state;
    fd_err err;
    fd_kafka_txn *txn = NULL;
    const fd_kv own_items[] = {{"lingering", "1"}};
    const fd_kvs own = {own_items, 1};
    fd_kafka_txn_config config = {
        .settings = {.common = &common, .own = &own}, .stem = "s", .topics = {"out", "dlq"}};
    assert_int_equal(fd_kafka_txn_new(&config, &txn, &err), FD_FATAL);
    assert_null(txn);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "lingering"));
    config.settings.own = NULL;
    config.topics[1] = "no spaces allowed";
    assert_int_equal(fd_kafka_txn_new(&config, &txn, &err), FD_FATAL);
    assert_non_null(strstr(err.text, "'no spaces allowed'"));
    config.topics[1] = "dlq";
    config.stem = "";
    assert_int_equal(fd_kafka_txn_new(&config, &txn, &err), FD_FATAL);
    config.stem = "s";
    assert_int_equal(fd_kafka_txn_new(&config, &txn, &err), FD_OK);
    fd_kafka_txn_free(txn);
}

static void topic_names(void **state)
{
    (void)state;
    char long_name[251];
    memset(long_name, 'a', 250);
    long_name[250] = '\0';
    assert_false(fd_kafka_topic_name_ok(long_name));
    assert_true(fd_kafka_topic_name_ok(long_name + 1));
    assert_true(fd_kafka_topic_name_ok("a.b_c-D9"));
    const char *bad[] = {"", ".", "..", "^a", "a b", "a/b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(fd_kafka_topic_name_ok(bad[i]));
    assert_false(fd_kafka_topic_name_ok(NULL));
}

static void hopeless_errors_have_hints(void **state)
{
    (void)state;
    fd_err err;
    assert_int_equal(
        fd_kafka_fail_query(&err, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "asking", NULL),
        FD_FATAL);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "grant"));
    assert_int_equal(fd_kafka_fail_query(&err, RD_KAFKA_RESP_ERR__TIMED_OUT, "asking", NULL),
                     FD_RETRY);
    assert_null(fd_kafka_hint(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS));
    assert_null(fd_kafka_hint(RD_KAFKA_RESP_ERR__TRANSPORT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_effect),
        cmocka_unit_test(bad_settings_are_named),
        cmocka_unit_test(bad_producer_settings),
        cmocka_unit_test(topic_names),
        cmocka_unit_test(hopeless_errors_have_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
