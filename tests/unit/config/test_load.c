/* The YAML file: values, types, ranges, places of errors, hints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "config/config_int.h"
#include "support.h"

static void refused(const char *yaml, const char *part)
{
    loaded l = load_yaml(yaml);
    assert_null(l.c);
    expect_text(&l, part);
    loaded_free(&l);
}

static void test_defaults(void **state)
{
    (void)state;
    loaded l = load_yaml(SOURCE);
    assert_int_equal(l.diags.warnings, 0);
    const fd_config *c = l.c;
    assert_string_equal(c->group, "fraudd");
    assert_string_equal(c->instance, "h1");
    assert_string_equal(c->output.topic, "decisions");
    assert_int_equal(c->output.evidence, FD_EVIDENCE_FIRED);
    assert_int_equal(c->dead_letter.decision, FD_ACTION_REVIEW);
    assert_int_equal(c->dead_letter.max_bytes, 900 * 1024);
    assert_int_equal(c->batch.max_events, 2048);
    assert_int_equal(c->batch.max_wait_us, 20000);
    assert_int_equal(c->merge.max_skew_us, 3600000000);
    assert_int_equal(c->state.lateness_us, 600000000);
    assert_true(c->poison.max_rate == 0.05);
    assert_int_equal(c->deadline.after_us, 0);
    assert_true(c->http.listen.on);
    assert_string_equal(c->http.listen.host, "127.0.0.1");
    assert_int_equal(c->http.listen.port, 9464);
    assert_int_equal(c->log.level, FD_LOG_INFO);
    assert_string_equal(c->registry.url, "");
    assert_int_equal(c->kafka.n, 1);
    assert_string_equal(c->kafka.items[0].value, "localhost:9092");
    assert_int_equal(c->n_sources, 1);
    assert_string_equal(c->sources[0].partitioned_by, "");
    assert_int_equal(c->sources[0].start.kind, FD_START_EARLIEST);
    assert_int_equal(c->sources[0].framing, FD_FRAMING_RAW);
    loaded_free(&l);
}

static void test_an_empty_instance_is_dynamic_membership(void **state)
{
    (void)state;
    loaded l = load_yaml(SOURCE "instance: ''\n");
    assert_non_null(l.c);
    assert_string_equal(l.c->instance, "");
    loaded_free(&l);
}

static void test_every_section(void **state)
{
    (void)state;
    loaded l = load_yaml("kafka:\n  bootstrap.servers: k1:9092,k2:9092\n  client.id: x\n"
                         "consumer: {fetch.min.bytes: 10}\nproducer:\n"
                         "group: g.1\ninstance: pod-${HOSTNAME}-${ZONE:-none}\n"
                         "sources:\n  - {topic: a, role: decide, schema: a.avsc,\n"
                         "     framing: confluent, id: head.id, time: t, partitioned_by: card,\n"
                         "     start: 2026-01-31T12:00:01Z}\n"
                         "  - topic: b\n    schema: b.avsc\n    id: i\n    time: t\n"
                         "    start: latest\n"
                         "output: {topic: d, evidence: all}\n"
                         "dead_letter: {topic: q, decision: block, max_bytes: 64KiB}\n"
                         "registry: {url: 'http://r:8081', basic_auth: 'u:p', timeout: 1.5s}\n"
                         "rules: /etc/r\nbatch: {max_events: 65536, queue_events: 1048576}\n"
                         "poison: {max_rate: 0.5%}\ndeadline: {after: 1d, decision: challenge}\n"
                         "http: {listen: '[::1]:0'}\nlog: {level: warn, format: text}\n");
    if (l.c == NULL)
        fail_msg("%s", l.text.p);
    const fd_config *c = l.c;
    assert_string_equal(c->instance, "pod-h1-none");
    assert_string_equal(fd_config_property(c, &c->consumer, "fetch.min.bytes"), "10");
    assert_string_equal(fd_config_property(c, &c->consumer, "client.id"), "x");
    assert_null(fd_config_property(c, &c->producer, "fetch.min.bytes"));
    assert_int_equal(c->n_sources, 2);
    assert_string_equal(c->sources[0].id, "head.id");
    assert_int_equal(c->sources[0].framing, FD_FRAMING_CONFLUENT);
    assert_int_equal(c->sources[0].start.kind, FD_START_TIME);
    assert_int_equal(c->sources[0].start.time_ms, 1769860801000);
    assert_int_equal(c->sources[1].start.kind, FD_START_LATEST);
    assert_int_equal(c->dead_letter.max_bytes, 65536);
    assert_int_equal(c->registry.timeout_us, 1500000);
    assert_true(c->poison.max_rate == 0.005);
    assert_int_equal(c->deadline.after_us, 86400000000);
    assert_int_equal(c->deadline.decision, FD_ACTION_CHALLENGE);
    assert_string_equal(c->http.listen.host, "::1");
    assert_int_equal(c->http.listen.port, 0);
    assert_int_equal(c->log.format, FD_LOG_FORMAT_TEXT);
    loaded_free(&l);
}

static void test_places_and_hints(void **state)
{
    (void)state;
    refused(SOURCE "batch:\n  max_wait: 2\n",
            "f.yaml:4:13: error: batch.max_wait: \"2\" is not a duration: write a number and us, "
            "ms, s, m, h or d, as in 250ms\n    max_wait: 2\n              ^\n");
    refused(SOURCE "batch: {max_event: 3}\n",
            "f.yaml:3:9: error: unknown key batch.max_event\n  batch: {max_event: 3}\n"
            "          ^~~~~~~~~\n  hint: did you mean batch.max_events?\n");
    refused(SOURCE "bach: {max_events: 3}\n", "hint: did you mean batch?");
    refused(SOURCE "max_events: 3\n", "hint: did you mean batch.max_events?");
    refused(SOURCE "state: {max_wait: 3ms}\n", "hint: did you mean batch.max_wait?");
    refused(SOURCE "log: {level: wran}\n",
            "log.level: \"wran\" is not one of debug, info, warn or error");
    refused(SOURCE "log: {level: wran}\n", "hint: did you mean warn?");
    refused("sources:\n  - {topik: a, schema: s, id: i, time: t}\n", "did you mean topic?");
    refused("sources:\n  - {schema: s, id: i, time: t}\n", "f.yaml:2:5: error: the source has no "
                                                           "topic");
    /* The caret counts characters, the place bytes. */
    refused(SOURCE "# é\nlog: {\"é\": é}\n", "unknown key log.é");
}

static void test_ranges(void **state)
{
    (void)state;
    refused(SOURCE "batch: {max_events: 0}\n", "0 is out of range, it must be 1 to 65536");
    refused(SOURCE "batch: {max_events: 65537}\n", "out of range");
    refused(SOURCE "batch: {max_events: 1e3}\n", "is not a whole number");
    refused(SOURCE "batch: {max_events: 99999999999999999999}\n", "is too large");
    refused(SOURCE "batch: {max_events: -1}\n", "out of range");
    refused(SOURCE "batch: {max_in_flight: 3}\n", "it must be 1 to 2");
    refused(SOURCE "batch: {max_wait: 1.1s}\n", "out of range");
    refused(SOURCE "state: {lateness: 0.0001ms}\n", "is finer than can be kept");
    refused(SOURCE "state: {lateness: 99999999999d}\n", "is too large");
    refused(SOURCE "poison: {max_rate: 101%}\n", "out of range");
    refused(SOURCE "poison: {max_rate: 0.05}\n", "is not a percentage");
    refused(SOURCE "dead_letter: {max_bytes: 1XB}\n", "is not a size");
    refused(SOURCE "http: {listen: 9464}\n", "is not an address");
    refused(SOURCE "http: {listen: '::1:9464'}\n", "in brackets");
    refused(SOURCE "http: {listen: 'a:65536'}\n", "no port");
    refused("sources:\n  - {topic: a, schema: s, id: i, time: t, start: 2026-02-30}\n",
            "is neither earliest");
}

static void test_yaml_shapes(void **state)
{
    (void)state;
    refused("a: [\n", "not YAML");
    refused(SOURCE "- x\n", "f.yaml:3");
    refused("- a\n", "the file: expected a mapping");
    refused(SOURCE "batch: 3\n", "batch: expected a mapping");
    refused(SOURCE "batch: {max_events: [1]}\n", "expected one value, not a list");
    refused(SOURCE "batch: {max_events: }\n", "batch.max_events has no value");
    refused(SOURCE "batch: {max_events: 1, max_events: 2}\n", "batch.max_events is given twice");
    refused(SOURCE "group: a\ngroup: b\n", "group is given twice");
    refused(SOURCE "kafka: {client.id: a, client.id: b}\n", "kafka.client.id is given twice");
    refused("sources: {topic: a}\n", "sources: expected a list");
    refused("sources: [a]\n", "source: expected a mapping");
    refused("sources:\n  - {topic: a, topic: b, schema: s, id: i, time: t}\n",
            "topic is given twice");
    refused("", "no source decides");
    refused(SOURCE "---\ngroup: b\n", "a second document");
    refused(SOURCE "? [a]\n: b\n", "a key: expected one value");
    refused(SOURCE "group: \"a\\0b\"\n", "holds a NUL character");
}

static void test_cross_checks(void **state)
{
    (void)state;
    refused(SOURCE "  - {topic: payments, schema: p.avsc, id: i, time: t}\n",
            "topic payments is the source of line 2");
    refused("sources:\n  - {topic: a, role: observe, schema: s, id: i, time: t}\n",
            "has no sources that are only observed yet");
    refused("sources:\n  - {topic: a, framing: confluent, schema: s, id: i, time: t}\n",
            "framing confluent needs registry.url");
    refused("sources:\n  - {topic: a/b, schema: s, id: i, time: t}\n", "is no name of a topic");
    refused("sources:\n  - {topic: a, schema: s, id: i..j, time: t}\n", "is not a field");
    refused("sources:\n  - {topic: a, schema: '', id: i, time: t}\n",
            "the schema of a source cannot be empty");
    refused(SOURCE "output: {topic: payments}\n", "it would feed itself");
    refused(SOURCE "output: {topic: x}\ndead_letter: {topic: x}\n", "must differ");
    refused(SOURCE "instance: 'a b'\n", "is no name of an instance");
    refused(SOURCE "registry: {url: 'r:8081'}\n", "must begin with http://");
    refused(SOURCE "merge: {max_idle: 1m, max_skew: 1s}\n", "must not be above merge.max_skew");
    refused(SOURCE "rules: ''\n", "rules cannot be empty");
    refused(SOURCE "dead_letter: {max_bytes: 1MiB}\n", "16 KiB below message.max.bytes (1000000)");
    loaded l = load_yaml(SOURCE "dead_letter: {max_bytes: 1MiB}\n"
                                "producer: {message.max.bytes: 2000000}\n"
                                "batch: {queue_events: 100}\n");
    assert_non_null(l.c);
    expect_text(&l, "warning: batch.queue_events (100) is below batch.max_events (2048)");
    loaded_free(&l);
}

static void test_later_versions(void **state)
{
    (void)state;
    refused("sources:\n  - {topic: a, schema: s, id: i, time: t, known_at: k}\n",
            "has no source.known_at yet");
}

static void test_redis(void **state)
{
    (void)state;
    loaded l = load_yaml(SOURCE
                         "redis: {url: 'rediss://cache:6380/2', username: u, password: p}\n");
    assert_non_null(l.c);
    assert_string_equal(l.c->redis.url, "rediss://cache:6380/2");
    assert_string_equal(l.c->redis.prefix, "");
    assert_int_equal(l.c->redis.timeout_us, 5000000);
    loaded_free(&l);
    refused(SOURCE "redis: {url: 'http://localhost'}\n",
            "redis.url must begin with redis://, rediss:// or unix://");
    refused(SOURCE "redis: {url: 'redis://localhost', username: u}\n",
            "redis.username goes with a password");
    refused(SOURCE "redis: {prefix: 'a{b}'}\n", "redis.prefix: at most 260 characters");
    l = load_yaml(SOURCE "redis: {url: 'redis://u:hunter2@localhost'}\n");
    assert_null(l.c);
    expect_text(&l, "redis.url must not hold credentials");
    expect_no_text(&l, "hunter2");
    loaded_free(&l);
}

static void test_owned_properties(void **state)
{
    (void)state;
    refused(SOURCE "kafka: {group.id: x}\n", "kafka.group.id cannot be set: it is the key `group`");
    refused(SOURCE "consumer: {enable.auto.commit: false}\n", "consumer.enable.auto.commit");
    refused(SOURCE "producer: {acks: 1}\n", "producer.acks cannot be set: transactions need all");
    refused(SOURCE "producer: {dr_msg_cb: 1}\n", "it is a pointer inside the program");
}

static void test_expansion(void **state)
{
    (void)state;
    refused(SOURCE "group: ${NOPE}\n", "${NOPE} is not in the environment");
    refused(SOURCE "group: a${b\n", "${ without }");
    loaded l = load_from(SOURCE, NULL, NULL);
    assert_null(l.c);
    expect_text(&l, "${HOSTNAME} is not in the environment");
    expect_no_text(&l, "is no name");
    loaded_free(&l);
    l = load_yaml(SOURCE "kafka: {client.id: '$${x}$y-${HOSTNAME}'}\n");
    assert_string_equal(fd_config_property(l.c, NULL, "client.id"), "${x}$y-h1");
    loaded_free(&l);
}

static void test_no_such_file(void **state)
{
    (void)state;
    fd_diags d;
    fd_diags_init(&d);
    assert_null(fd_config_load(&(fd_config_inputs){.path = "/nonexistent/f.yaml"}, &d));
    assert_non_null(strstr(d.items[0].text, "cannot read the configuration /nonexistent/f.yaml: "
                                            "No such file"));
    assert_int_equal(d.errors, 2); /* and no HOSTNAME; nothing about what the file may hold */
    fd_diags_free(&d);
    fd_diags_init(&d);
    assert_null(fd_config_load(&(fd_config_inputs){.path = "/tmp"}, &d));
    assert_non_null(strstr(d.items[0].text, "Is a directory"));
    fd_diags_free(&d);
}

static void test_values(void **state)
{
    (void)state;
    fd_start s;
    assert_null(fd_cvalue_start("1970-01-01", &s));
    assert_int_equal(s.time_ms, 0);
    assert_null(fd_cvalue_start("2024-02-29T23:59:59Z", &s));
    assert_int_equal(s.time_ms, 1709251199000);
    assert_non_null(fd_cvalue_start("2023-02-29", &s));
    assert_non_null(fd_cvalue_start("1969-12-31", &s));
    assert_non_null(fd_cvalue_start("2024-02-29T23:59:59", &s));
    assert_non_null(fd_cvalue_start("2024-02-29T24:00:00Z", &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_an_empty_instance_is_dynamic_membership),
        cmocka_unit_test(test_every_section),
        cmocka_unit_test(test_places_and_hints),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_yaml_shapes),
        cmocka_unit_test(test_cross_checks),
        cmocka_unit_test(test_later_versions),
        cmocka_unit_test(test_redis),
        cmocka_unit_test(test_owned_properties),
        cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_no_such_file),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
