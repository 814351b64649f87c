/* The registry client against a registry of our own over real sockets, trouble included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "registry/registry.h"
#include "server_process.h"

static const int64_t SECOND_US = 1000000;
static const int64_t MS_US = 1000;

typedef struct fixture {
    server_process server;
    fd_registry *registry;
    atomic_int woken;
} fixture;

static void on_wake(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void connect_with(fixture *f, fd_registry_config config, const char *before_port,
                         const char *after_port)
{
    char url[200];
    snprintf(url, sizeof url, "%s%d%s", before_port, f->server.port, after_port);
    config.url = url;
    fd_err err = {0};
    f->registry = fd_registry_new(&config, on_wake, &f->woken, &err);
    if (f->registry == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->registry);
}

#define PLAIN_URL "http://127.0.0.1:", ""

static void open_fixture(fixture *f, const char *const *extra, fd_registry_config config)
{
    *f = (fixture){0};
    assert_true(server_start(&f->server, 0, extra));
    connect_with(f, config, PLAIN_URL);
}

static void close_fixture(fixture *f)
{
    fd_registry_free(f->registry);
    server_stop(&f->server);
}

static void add_schema(fixture *f, const char *body)
{
    server_request(f->server.port, "POST", "/subjects/s/versions", body, NULL, 0);
}

static void set_mode(fixture *f, const char *body)
{
    server_request(f->server.port, "POST", "/_test/mode", body, NULL, 0);
}

static void expect_wait(fixture *f, uint32_t id, int64_t timeout_us, fd_schema_answer want,
                        const char *text)
{
    fd_str json = {0};
    fd_err err = {0};
    fd_schema_answer got = fd_registry_wait(f->registry, id, timeout_us, &json, &err);
    if (got != want)
        print_error("id %u: answer %d, %s\n", id, (int)got, err.text);
    assert_int_equal(got, want);
    if (want == FD_SCHEMA_KNOWN) {
        assert_true(fd_str_eq_c(json, text));
        assert_int_equal(json.p[json.n], '\0');
    } else {
        assert_non_null(strstr(err.text, text));
    }
}

/* For what is not KNOWN: the first answer there is, however long a busy machine takes. */
static void expect_answer(fixture *f, uint32_t id, fd_schema_answer want, const char *text)
{
    fd_str json = {0};
    fd_err err = {0};
    double end = now_s() + 20;
    fd_schema_answer got = FD_SCHEMA_PENDING;
    while (got == FD_SCHEMA_PENDING && now_s() < end)
        got = fd_registry_wait(f->registry, id, 2 * MS_US, &json, &err);
    if (got != want || strstr(err.text, text) == NULL)
        fail_msg("id %u: answer %d, '%s' is not in '%s'", id, (int)got, text, err.text);
}

#define SCHEMA_7 "{\"schema\": \"\\\"string\\\"\", \"id\": 7}"

static void a_schema_is_fetched_once(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){0});
    add_schema(&f, SCHEMA_7);
    fd_schemas port = fd_registry_port(f.registry);
    fd_str json;
    fd_err err = {0};
    assert_int_equal(port.ops->lookup(port.self, 7, &json, &err), FD_SCHEMA_PENDING);
    assert_non_null(strstr(err.text, "is being asked for"));
    expect_wait(&f, 7, 5 * SECOND_US, FD_SCHEMA_KNOWN, "\"string\"");
    int requests = server_requests(f.server.port);
    const char *first = NULL;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(port.ops->lookup(port.self, 7, &json, NULL), FD_SCHEMA_KNOWN);
        if (first != NULL)
            assert_ptr_equal(json.p, first);
        first = json.p;
    }
    assert_int_equal(server_requests(f.server.port), requests);
    assert_int_equal(fd_registry_count(f.registry).known, 1);
    close_fixture(&f);
    assert_int_equal(f.woken, 1);
}

static void an_unknown_id_is_asked_for_again_after_five_seconds(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){0});
    expect_answer(&f, 7, FD_SCHEMA_UNKNOWN, "no such schema (yet)");
    double begin = now_s();
    add_schema(&f, SCHEMA_7);
    expect_wait(&f, 7, 1000 * MS_US, FD_SCHEMA_UNKNOWN, "no such schema");
    expect_wait(&f, 7, 8 * SECOND_US, FD_SCHEMA_KNOWN, "\"string\"");
    assert_true(now_s() - begin > 4);
    close_fixture(&f);
    assert_int_equal(f.woken, 2);
}

static void a_failing_registry_is_tried_again_with_back_off(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){0});
    add_schema(&f, SCHEMA_7);
    int before = server_requests(f.server.port);
    set_mode(&f, "{\"mode\": \"status\", \"status\": 500, \"times\": 3}");
    double begin = now_s();
    expect_answer(&f, 7, FD_SCHEMA_UNAVAILABLE, "HTTP 500");
    expect_wait(&f, 7, 5 * SECOND_US, FD_SCHEMA_KNOWN, "\"string\"");
    double took = now_s() - begin; /* 0.1 + 0.2 + 0.4 s of waiting */
    assert_true(took > 0.65 && took < 4);
    assert_int_equal(server_requests(f.server.port) - before, 4);
    assert_int_equal(fd_registry_count(f.registry).failures, 3);
    close_fixture(&f);
}

static void broken_answers_are_said_and_survived(void **state)
{
    (void)state;
    static const struct {
        const char *mode, *text;
    } CASES[] = {
        {"{\"mode\": \"cut\", \"times\": 1}", "the schema registry http://127.0.0.1:"},
        {"{\"mode\": \"garbage\", \"times\": 1}", "the schema registry http://127.0.0.1:"},
        {"{\"mode\": \"slow\", \"seconds\": 0.6, \"times\": 1}", "timed out"},
        {"{\"mode\": \"status\", \"status\": 200, \"body\": \"<html>\", \"times\": 1}", "not the"},
        {"{\"mode\": \"status\", \"status\": 302, \"times\": 1}", "redirects"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        fixture f;
        open_fixture(&f, NULL, (fd_registry_config){.timeout_us = 300 * MS_US});
        add_schema(&f, SCHEMA_7);
        set_mode(&f, CASES[i].mode);
        expect_answer(&f, 7, FD_SCHEMA_UNAVAILABLE, CASES[i].text);
        expect_wait(&f, 7, 5 * SECOND_US, FD_SCHEMA_KNOWN, "\"string\"");
        close_fixture(&f);
    }
}

static void a_registry_that_comes_late_is_found(void **state)
{
    (void)state;
    fixture f = {0};
    assert_true(server_start(&f.server, 0, NULL));
    int port = f.server.port;
    server_stop(&f.server);
    connect_with(&f, (fd_registry_config){0}, PLAIN_URL);
    expect_answer(&f, 7, FD_SCHEMA_UNAVAILABLE, "the schema registry http://127.0.0.1");
    expect_answer(&f, 8, FD_SCHEMA_UNAVAILABLE, "the schema registry http://127.0.0.1");
    assert_true(server_start(&f.server, port, NULL));
    add_schema(&f, SCHEMA_7);
    expect_wait(&f, 7, 11 * SECOND_US, FD_SCHEMA_KNOWN, "\"string\"");
    close_fixture(&f);
}

static void passwords_open_and_are_not_told(void **state)
{
    (void)state;
    static const char *const AUTH[] = {"--auth", "me:p@ss:word", NULL};
    fixture f;
    open_fixture(&f, AUTH, (fd_registry_config){0});
    expect_answer(&f, 7, FD_SCHEMA_UNAVAILABLE, "registry.basic_auth");
    fd_registry_free(f.registry);
    connect_with(&f, (fd_registry_config){0}, "http://me:p%40ss%3Aword@127.0.0.1:", "/");
    expect_answer(&f, 7, FD_SCHEMA_UNKNOWN, "no such schema");
    fd_registry_free(f.registry);
    connect_with(&f, (fd_registry_config){.basic_auth = "me:p@ss:word"},
                 "http://a:b@127.0.0.1:", "");
    expect_answer(&f, 7, FD_SCHEMA_UNKNOWN, "no such schema");
    fd_registry_free(f.registry);
    connect_with(&f, (fd_registry_config){0}, "http://me:p%40ss%3Aword@127.0.0.1:", "/wrong/path/");
    expect_answer(&f, 7, FD_SCHEMA_UNAVAILABLE, "check the path");
    server_stop(&f.server);
    fd_str json;
    fd_err err = {0};
    fd_registry_wait(f.registry, 9, 300 * MS_US, &json, &err);
    assert_null(strstr(err.text, "ss:word"));
    assert_null(strstr(err.text, "ss%3Aword"));
    assert_non_null(strstr(err.text, "/wrong/path"));
    fd_registry_free(f.registry);
}

static void answers_and_ids_are_bounded(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){.max_ids = 3, .max_bytes = 200});
    add_schema(&f, "{\"schema\": \"a\", \"id\": 1}");
    add_schema(&f, "{\"schema\": \"b\", \"id\": 2}");
    add_schema(&f, "{\"schema\": \"c\", \"id\": 3}");
    expect_wait(&f, 1, SECOND_US, FD_SCHEMA_KNOWN, "a");
    for (uint32_t id = 100; id < 200; id++)
        expect_answer(&f, id, FD_SCHEMA_UNKNOWN, "no such schema");
    expect_wait(&f, 2, SECOND_US, FD_SCHEMA_KNOWN, "b");
    expect_wait(&f, 3, SECOND_US, FD_SCHEMA_KNOWN, "c");
    expect_wait(&f, 4, 10 * MS_US, FD_SCHEMA_UNAVAILABLE, "all 3 places");
    expect_wait(&f, 1, 0, FD_SCHEMA_KNOWN, "a");
    assert_int_equal(fd_registry_count(f.registry).ids, 3);
    fd_registry_free(f.registry);
    char body[400];
    snprintf(body, sizeof body, "{\"schema\": \"%0300d\", \"id\": 9}", 1);
    add_schema(&f, body);
    connect_with(&f, (fd_registry_config){.max_bytes = 200}, PLAIN_URL);
    expect_answer(&f, 9, FD_SCHEMA_UNAVAILABLE, "larger than 200 bytes");
    close_fixture(&f);
}

static void freeing_does_not_wait_for_a_slow_registry(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){0});
    set_mode(&f, "{\"mode\": \"slow\", \"seconds\": 4}");
    expect_wait(&f, 7, 100 * MS_US, FD_SCHEMA_PENDING, "being asked for");
    double begin = now_s();
    fd_registry_free(f.registry);
    assert_true(now_s() - begin < 2);
    server_stop(&f.server);
}

/* --- many ids, many threads --- */

static void add_schemas(fixture *f, uint32_t n)
{
    for (uint32_t id = 1; id <= n; id++) {
        char body[100];
        snprintf(body, sizeof body, "{\"schema\": \"s%u\", \"id\": %u}", id, id);
        add_schema(f, body);
    }
}

/* Twenty ids wait for a registry that fails: it is asked as often as for one. */
static void a_failing_registry_is_not_hammered(void **state)
{
    (void)state;
    static const char *const MODES[] = {
        "{\"mode\": \"status\", \"status\": 503}", "{\"mode\": \"status\", \"status\": 429}",
        "{\"mode\": \"status\", \"status\": 401}", "{\"mode\": \"cut\"}"};
    for (size_t m = 0; m < sizeof MODES / sizeof MODES[0]; m++) {
        fixture f;
        open_fixture(&f, NULL, (fd_registry_config){0});
        add_schemas(&f, 20);
        set_mode(&f, MODES[m]);
        int before = server_requests(f.server.port);
        double end = now_s() + 1.2;
        fd_schemas port = fd_registry_port(f.registry);
        while (now_s() < end) {
            fd_str json;
            fd_err err = {0};
            for (uint32_t id = 1; id <= 20; id++)
                assert_int_not_equal(port.ops->lookup(port.self, id, &json, &err), FD_SCHEMA_KNOWN);
            usleep(5000);
        }
        /* at once, after 0.1, 0.3, 0.7 and perhaps 1.5 s */
        assert_in_range(server_requests(f.server.port) - before, 2, 5);
        set_mode(&f, "{\"mode\": \"ok\"}");
        double begin = now_s();
        for (uint32_t id = 1; id <= 20; id++) {
            char text[16];
            snprintf(text, sizeof text, "s%u", id);
            expect_wait(&f, id, 5 * SECOND_US, FD_SCHEMA_KNOWN, text);
        }
        assert_true(now_s() - begin < 4); /* one wait, not twenty */
        close_fixture(&f);
    }
}

/* An id that is not there waits its five seconds alone. */
static void an_unknown_id_holds_up_no_other(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){0});
    add_schemas(&f, 5);
    expect_answer(&f, 99, FD_SCHEMA_UNKNOWN, "no such schema");
    double begin = now_s();
    for (uint32_t id = 1; id <= 5; id++) {
        char text[16];
        snprintf(text, sizeof text, "s%u", id);
        expect_wait(&f, id, 2 * SECOND_US, FD_SCHEMA_KNOWN, text);
    }
    assert_true(now_s() - begin < 3);
    int requests = server_requests(f.server.port);
    /* a negative answer is kept, too: lookups are not requests */
    for (int i = 0; i < 1000; i++)
        expect_answer(&f, 99, FD_SCHEMA_UNKNOWN, "no such schema");
    assert_in_range(server_requests(f.server.port) - requests, 0, 1);
    close_fixture(&f);
}

enum { THREADS = 8, IDS = 30 };

typedef struct asker {
    pthread_t thread;
    fd_registry *registry;
    int64_t seed;
    int bad;
} asker;

static bool is_schema(uint32_t id, fd_str json)
{
    char want[16];
    snprintf(want, sizeof want, "s%u", id);
    return fd_str_eq_c(json, want);
}

/* Looks up and waits in its own order until it has had every id; ids from 1000 on are not there. */
static void *ask_all(void *arg)
{
    asker *a = arg;
    fd_schemas port = fd_registry_port(a->registry);
    double end = now_s() + 30;
    for (uint32_t i = 0; i < IDS; i++) {
        uint32_t id = 1 + (uint32_t)((a->seed * 7 + i * 11) % IDS);
        fd_schema_answer got = FD_SCHEMA_PENDING;
        fd_str json = {0};
        fd_err err = {0};
        while (got != FD_SCHEMA_KNOWN && now_s() < end) {
            got = port.ops->lookup(port.self, id, &json, &err);
            if (got != FD_SCHEMA_KNOWN)
                got = fd_registry_wait(a->registry, id, 20 * MS_US, &json, &err);
            fd_str none;
            fd_err why = {0};
            a->bad += port.ops->lookup(port.self, 1000 + id, &none, &why) == FD_SCHEMA_KNOWN;
            a->bad += why.text[0] == '\0';
        }
        a->bad += got != FD_SCHEMA_KNOWN || !is_schema(id, json);
        fd_registry_count(a->registry);
    }
    return NULL;
}

static void many_threads_share_one_answer(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, NULL, (fd_registry_config){0});
    add_schemas(&f, IDS);
    set_mode(&f, "{\"mode\": \"status\", \"status\": 503, \"times\": 3}");
    int before = server_requests(f.server.port);
    asker askers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (asker){.registry = f.registry, .seed = i};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].bad, 0);
    }
    fd_registry_stats stats = fd_registry_count(f.registry);
    assert_int_equal(stats.known, IDS);
    assert_int_equal(stats.failures, 3);
    int requests = server_requests(f.server.port) - before;
    /* each id once, the failures, and those that are not there once or again after 5 s */
    assert_in_range(requests, IDS + 3, IDS + 3 + 8 * IDS);
    close_fixture(&f);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const URLS[] = {"",        "localhost", "ftp://x/",
                                       "http://", "://",       "http://x:999999"};
    for (size_t i = 0; i < sizeof URLS / sizeof URLS[0]; i++) {
        fd_err err = {0};
        fd_registry_config config = {.url = URLS[i]};
        fd_registry *r = fd_registry_new(&config, NULL, NULL, &err);
        if (r != NULL)
            print_error("accepted: '%s'\n", URLS[i]);
        assert_null(r);
        assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
        assert_non_null(strstr(err.text, "registry.url"));
    }
    fd_err err = {0};
    fd_registry_config config = {.url = "https://x", .ca_file = "/no/such/file.pem"};
    assert_null(fd_registry_new(&config, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "/no/such/file.pem"));
}

static void https_needs_a_trusted_authority(void **state)
{
    (void)state;
    char dir[] = "/tmp/fraudd-registry.XXXXXX";
    assert_non_null(mkdtemp(dir));
    char command[600], cert[64], key[64];
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s "
             "-out %s -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null",
             key, cert);
    bool made = system(command) == 0;
    if (made) {
        fixture f = {0};
        const char *const extra[] = {"--tls", cert, key, NULL};
        assert_true(server_start(&f.server, 0, extra));
        connect_with(&f, (fd_registry_config){0}, "https://127.0.0.1:", "");
        expect_answer(&f, 7, FD_SCHEMA_UNAVAILABLE, "certificate");
        fd_registry_free(f.registry);
        connect_with(&f, (fd_registry_config){.ca_file = cert}, "https://127.0.0.1:", "");
        expect_answer(&f, 7, FD_SCHEMA_UNKNOWN, "no such schema");
        close_fixture(&f);
    }
    unlink(cert);
    unlink(key);
    rmdir(dir);
    if (!made)
        skip();
}

int main(void)
{
    if (system("python3 -c 'import http.server' 2>/dev/null") != 0) {
        fprintf(stderr, "SKIP: python3 is missing, the test registry cannot run\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_is_fetched_once),
        cmocka_unit_test(an_unknown_id_is_asked_for_again_after_five_seconds),
        cmocka_unit_test(a_failing_registry_is_tried_again_with_back_off),
        cmocka_unit_test(broken_answers_are_said_and_survived),
        cmocka_unit_test(a_registry_that_comes_late_is_found),
        cmocka_unit_test(passwords_open_and_are_not_told),
        cmocka_unit_test(answers_and_ids_are_bounded),
        cmocka_unit_test(freeing_does_not_wait_for_a_slow_registry),
        cmocka_unit_test(a_failing_registry_is_not_hammered),
        cmocka_unit_test(an_unknown_id_holds_up_no_other),
        cmocka_unit_test(many_threads_share_one_answer),
        cmocka_unit_test(addresses_that_cannot_be_are_refused),
        cmocka_unit_test(https_needs_a_trusted_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
