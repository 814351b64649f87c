/* Environment, --set, secrets in files, masking, printing, hashing, reload, generated docs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

#define ENV(...) ((const char *const[]){"HOSTNAME=h1", __VA_ARGS__, NULL})
#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_last_wins(void **state)
{
    (void)state;
    const char *yaml = SOURCE "batch: {max_events: 10, queue_events: 10}\ngroup: file\n";
    loaded l = load_from(yaml, ENV("FRAUDD_BATCH_MAX_EVENTS=20", "FRAUDD_GROUP=env", "OTHER=1"),
                         SET("batch.max_events=7", "batch.max_events=9"));
    assert_non_null(l.c);
    assert_int_equal(l.c->batch.max_events, 9);
    assert_string_equal(l.c->group, "env");
    fd_strbuf out = {0};
    fd_config_print(l.c, &out);
    assert_non_null(strstr(out.p, "# --set batch.max_events\n"));
    assert_non_null(strstr(out.p, "# FRAUDD_GROUP\n"));
    assert_non_null(strstr(out.p, "f.yaml:3\n"));
    assert_non_null(strstr(out.p, "# default\n"));
    fd_strbuf_free(&out);
    loaded_free(&l);
}

static void test_properties(void **state)
{
    (void)state;
    loaded l = load_from(SOURCE "kafka: {bootstrap.servers: 'file:1'}\n",
                         ENV("FRAUDD_KAFKA_BOOTSTRAP_SERVERS=env:1", "FRAUDD_KAFKA_LOG__LEVEL=3",
                             "FRAUDD_CONSUMER_FETCH_MIN_BYTES=5"),
                         SET("producer.linger.ms=1", "kafka.client.id=a=b"));
    assert_non_null(l.c);
    assert_string_equal(fd_config_property(l.c, NULL, "bootstrap.servers"), "env:1");
    assert_string_equal(fd_config_property(l.c, NULL, "log_level"), "3");
    assert_string_equal(fd_config_property(l.c, NULL, "client.id"), "a=b");
    assert_string_equal(fd_config_property(l.c, &l.c->consumer, "fetch.min.bytes"), "5");
    assert_string_equal(fd_config_property(l.c, &l.c->producer, "linger.ms"), "1");
    loaded_free(&l);
}

static void refused(const char *const *env, const char *const *set, const char *part)
{
    loaded l = load_from(SOURCE, env, set);
    assert_null(l.c);
    expect_text(&l, part);
    loaded_free(&l);
}

static void test_errors_name_the_input(void **state)
{
    (void)state;
    refused(ENV("FRAUDD_BATCH_MAX_EVENTS=x"), NULL,
            "error: environment variable FRAUDD_BATCH_MAX_EVENTS: batch.max_events: \"x\" is not a "
            "whole number\n");
    refused(ENV("FRAUDD_BATCH_MAX_EVENT=1"), NULL, "did you mean FRAUDD_BATCH_MAX_EVENTS?");
    refused(ENV("FRAUDD_SOURCES=1"), NULL, "sources can only be given in the file");
    refused(ENV("FRAUDD_KAFKA_GROUP_ID=x"), NULL, "kafka.group.id cannot be set");
    refused(ENV("FRAUDD_KAFKA_=x"), NULL, "a property needs a name");
    refused(NULL, SET("instance=i", "batch.max_wait=1"), "error: --set batch.max_wait: ");
    refused(NULL, SET("instance=i", "batch.max_weit=1ms"), "did you mean batch.max_wait?");
    refused(NULL, SET("instance=i", "batch.max_wait"), "expected section.key=value");
    refused(NULL, SET("instance=i", "=x"), "expected section.key=value");
    refused(NULL, SET("instance=i", "sources.0.topic=x"), "sources can only be given in the file");
    refused(NULL, SET("instance=i", "state.backfill_cpu=0%"), "state.backfill_cpu");
}

static void test_kubernetes_service_links(void **state)
{
    (void)state;
    loaded l = load_from(SOURCE,
                         ENV("FRAUDD_SERVICE_HOST=10.0.0.1", "FRAUDD_SERVICE_PORT=9464",
                             "FRAUDD_PORT=tcp://10.0.0.1:9464", "FRAUDD_PORT_9464_TCP_PROTO=tcp",
                             "FRAUDD_METRICS_SERVICE_PORT_HTTP=1",
                             "FRAUDD_METRICS_PORT_9464_TCP=tcp://10.0.0.1:9464"),
                         NULL);
    if (l.c == NULL || l.diags.warnings != 0)
        fail_msg("%s", l.text.p);
    loaded_free(&l);
    l = load_from(SOURCE, ENV("FRAUDD_SOMETHING_ELSE=s3cret"), NULL);
    assert_non_null(l.c);
    expect_text(&l,
                "warning: environment variable FRAUDD_SOMETHING_ELSE: no key has this variable");
    expect_no_text(&l, "s3cret");
    loaded_free(&l);
}

static void test_secrets(void **state)
{
    (void)state;
    char var[256], set[256], yaml[512];
    const char *path = write_beside("secret", "user:s3cret\n");
    snprintf(var, sizeof var, "FRAUDD_REGISTRY_BASIC_AUTH_FILE=%s", path);
    snprintf(set, sizeof set, "kafka.sasl.password_file=%s", path);
    snprintf(yaml, sizeof yaml, SOURCE "producer: {ssl.key.password_file: %s}\n", path);
    loaded l = load_from(yaml, ENV(var, "FRAUDD_CONSUMER_SASL_OAUTHBEARER_CLIENT_SECRET=s3cret"),
                         SET(set));
    if (l.c == NULL)
        fail_msg("%s", l.text.p);
    assert_string_equal(l.c->registry.basic_auth, "user:s3cret");
    assert_string_equal(fd_config_property(l.c, NULL, "sasl.password"), "user:s3cret");
    assert_string_equal(fd_config_property(l.c, &l.c->producer, "ssl.key.password"), "user:s3cret");
    fd_strbuf out = {0};
    fd_config_print(l.c, &out);
    assert_null(strstr(out.p, "s3cret"));
    assert_non_null(strstr(out.p, "basic_auth: \"********\""));
    fd_strbuf_free(&out);
    loaded_free(&l);
    refused(ENV("FRAUDD_REGISTRY_BASIC_AUTH_FILE=/nonexistent"), NULL,
            "environment variable FRAUDD_REGISTRY_BASIC_AUTH_FILE: cannot read /nonexistent");
}

/* No way to a diagnostic may show what is secret. */
static void test_secrets_in_errors(void **state)
{
    (void)state;
    static const char *const yamls[] = {
        SOURCE "registry: {basic_auth: s3cret}\n",
        SOURCE "registry: {basic_auth: 's3cret${NOPE}'}\n",
        SOURCE "registry: {basic_auth: 'u:s3cret', basic_auth: 'u:s3cret'}\n",
        SOURCE "registry: {url: 'http://u:s3cret@r'}\n",
        SOURCE "kafka: {sasl.password: 's3cret${NOPE}'}\n",
        SOURCE "registry: {basic_auth: \"u:s3cret, tiemout: 1s}\n",
        SOURCE "registry: {basic_auth: \"u:s3cret\", tiemout: 1s}\n",
        SOURCE "kafka:\n  sasl.password: s3cret\n  sasl.password: s3cret\n",
    };
    for (size_t i = 0; i < sizeof yamls / sizeof yamls[0]; i++) {
        loaded l = load_yaml(yamls[i]);
        assert_null(l.c);
        expect_no_text(&l, "s3cret");
        loaded_free(&l);
    }
}

/* What is printed loads again, to the same values. */
static void test_print_round_trip(void **state)
{
    (void)state;
    loaded a = load_yaml(SOURCE "kafka: {client.id: 'yes', x.y: '1', empty: ''}\n"
                                "rules: 'a: b # c'\nlog: {format: text}\n"
                                "archive: {dir: ~/x}\nhttp: {listen: ':0'}\n");
    assert_non_null(a.c);
    fd_strbuf once = {0}, twice = {0};
    fd_config_print(a.c, &once);
    loaded b = load_yaml(once.p);
    if (b.c == NULL)
        fail_msg("%s\n%s", once.p, b.text.p);
    assert_string_equal(b.c->rules, "a: b # c");
    assert_string_equal(b.c->archive.dir, "~/x");
    assert_string_equal(fd_config_property(b.c, NULL, "client.id"), "yes");
    assert_string_equal(fd_config_property(b.c, NULL, "empty"), "");
    fd_diags d;
    fd_diags_init(&d);
    fd_config_check_reload(a.c, b.c, &d);
    assert_int_equal(d.warnings, 0);
    fd_diags_free(&d);
    fd_strbuf_free(&once);
    fd_strbuf_free(&twice);
    loaded_free(&a);
    loaded_free(&b);
}

static fd_content_hash hash_of(const char *yaml, const char *schema)
{
    loaded l = load_yaml(yaml);
    if (l.c == NULL)
        fail_msg("%s", l.text.p);
    fd_content_hash s = fd_content_hash_of(schema, strlen(schema));
    fd_content_hash h = fd_config_hash(l.c, 1, &s);
    loaded_free(&l);
    return h;
}

static void test_hash(void **state)
{
    (void)state;
    fd_content_hash base = hash_of(SOURCE, "s");
    assert_string_equal(base.hex, hash_of(SOURCE "state: {lateness: 600s}\n", "s").hex);
    assert_string_equal(base.hex, hash_of(SOURCE "batch: {max_events: 7}\n", "s").hex);
    assert_string_equal(base.hex, hash_of(SOURCE "log: {level: error}\n", "s").hex);
    static const char *const other[] = {
        SOURCE "state: {lateness: 601s}\n",
        SOURCE "state: {future: 1s}\n",
        SOURCE "dead_letter: {decision: block}\n",
        SOURCE "deadline: {after: 1s}\n",
        SOURCE "output: {evidence: all}\n",
        SOURCE "deadline: {decision: block}\n",
        "sources:\n  - {topic: payments, schema: p.avsc, id: other, time: event_time}\n",
    };
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_string_not_equal(base.hex, hash_of(other[i], "s").hex);
    assert_string_not_equal(base.hex, hash_of(SOURCE, "t").hex);
}

/* What decides, as a file of its own, has the same hash; nothing else is in it. */
static void test_print_deciding(void **state)
{
    (void)state;
    loaded a = load_yaml(
        "sources:\n"
        "  - {topic: pay, schema: '/x y/p.avsc', id: card.id, time: t, partitioned_by: 'c',\n"
        "     framing: confluent, start: 2026-01-31T00:00:00Z}\n"
        "  - {topic: more, schema: q.avsc, id: i, time: t}\n"
        "registry: {url: 'http://r:8081', basic_auth: 'u:hush'}\n"
        "kafka: {bootstrap.servers: 'b:9', sasl.password: hush}\n"
        "output: {topic: elsewhere, evidence: all}\nmodels: /m\nrules: /r\n"
        "state: {lateness: 90s, future: 1d, max_events_per_key: 77}\n"
        "deadline: {after: 3s, decision: block}\ndead_letter: {decision: challenge}\n");
    const fd_content_hash schemas[] = {fd_content_hash_of("p", 1), fd_content_hash_of("q", 1)};
    const char *const names[] = {"schemas/0.avsc", "schemas/1.avsc"};
    fd_strbuf text = {0};
    assert_non_null(a.c);
    fd_config_print_deciding(a.c, "rules", "models", names, &text);
    assert_null(strstr(text.p, "hush"));
    assert_null(strstr(text.p, "elsewhere"));
    loaded b = load_yaml(text.p);
    if (b.c == NULL)
        fail_msg("%s%s", b.text.p, text.p);
    assert_string_equal(fd_config_hash(a.c, 2, schemas).hex, fd_config_hash(b.c, 2, schemas).hex);
    assert_string_equal(b.c->sources[1].schema, "schemas/1.avsc");
    assert_string_equal(b.c->rules, "rules");
    assert_string_equal(b.c->models, "models");
    assert_string_equal(b.c->registry.url, "http://r:8081");
    fd_strbuf_free(&text);
    loaded_free(&a);
    loaded_free(&b);
}

static void test_archive_keys(void **state)
{
    (void)state;
    loaded l = load_yaml(SOURCE "archive: {dir: '', topic: kept}\n");
    assert_non_null(l.c);
    assert_string_equal(l.c->archive.dir, "");
    assert_string_equal(l.c->archive.topic, "kept");
    loaded_free(&l);
    refused(NULL, SET("instance=i", "archive.topic=a/b"), "archive.topic: \"a/b\" is no name of a");
    refused(NULL, SET("instance=i", "archive.topic=decisions"), "the archive needs its own");
    refused(NULL, SET("instance=i", "archive.topic=fraudd-dlq"), "the archive needs its own");
}

static void test_reload(void **state)
{
    (void)state;
    loaded a = load_yaml(SOURCE);
    loaded b = load_yaml(SOURCE "log: {level: debug}\nbatch: {max_wait: 5ms}\n"
                                "consumer: {client.id: x}\n");
    fd_diags d;
    fd_diags_init(&d);
    fd_config_check_reload(a.c, b.c, &d);
    assert_int_equal(d.errors, 0);
    assert_int_equal(d.warnings, 2);
    assert_string_equal(d.items[0].text,
                        "batch.max_wait differs from what runs: restart to apply it");
    assert_non_null(strstr(d.items[1].text, "consumer differs"));
    fd_diags_free(&d);
    loaded_free(&a);
    loaded_free(&b);
}

static void test_reference_loads(void **state)
{
    (void)state;
    fd_strbuf ref = {0};
    fd_config_reference(&ref);
    loaded a = load_yaml(ref.p);
    if (a.c == NULL || a.diags.warnings != 0)
        fail_msg("%s", a.text.p);
    loaded b = load_yaml("sources:\n  - {topic: payments, schema: schemas/payment.avsc, id: tx_id,"
                         " time: event_time, partitioned_by: card_id}\n");
    fd_diags d;
    fd_diags_init(&d);
    fd_config_check_reload(a.c, b.c, &d); /* every value in it is the default */
    assert_int_equal(d.warnings, 0);
    assert_int_equal(a.c->log.level, b.c->log.level);
    assert_true(a.c->poison.max_rate == b.c->poison.max_rate);
    fd_diags_free(&d);
    loaded_free(&a);
    loaded_free(&b);
    fd_strbuf_free(&ref);
}

/* A generated file is what the table says now; FD_UPDATE_DOCS=1 writes it. */
static void up_to_date(const char *path, void (*make)(fd_strbuf *))
{
    fd_strbuf want = {0}, have = {0};
    make(&want);
    if (getenv("FD_UPDATE_DOCS") != NULL) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(want.p, 1, want.n, f), want.n);
        assert_int_equal(fclose(f), 0);
    }
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s is missing: run this test with FD_UPDATE_DOCS=1", path);
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        fd_strbuf_add(&have, block, n);
    fclose(f);
    if (have.n == 0 || strcmp(want.p, have.p) != 0)
        fail_msg("%s is stale: run this test with FD_UPDATE_DOCS=1 and commit it", path);
    fd_strbuf_free(&want);
    fd_strbuf_free(&have);
}

static void test_docs_are_current(void **state)
{
    (void)state;
    up_to_date("docs/fraudd.reference.yaml", fd_config_reference);
    up_to_date("docs/configuration.md", fd_config_manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_wins),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_errors_name_the_input),
        cmocka_unit_test(test_kubernetes_service_links),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_secrets_in_errors),
        cmocka_unit_test(test_print_round_trip),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_print_deciding),
        cmocka_unit_test(test_archive_keys),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_reference_loads),
        cmocka_unit_test(test_docs_are_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
