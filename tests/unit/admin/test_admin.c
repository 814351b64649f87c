/*
 * The HTTP server over a real socket: this program's own client sends bytes and reads the answer
 * until the server closes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "admin/admin.h"

typedef struct service {
    fd_admin *admin;
    int calls;
    int ready_status;
    bool hold; /* reloads are answered by the test */
    fd_admin_ticket *_Atomic held;
    char topic[256];
    int32_t partition;
    int64_t through;
} service;

static int op_metrics(void *self, fd_strbuf *out)
{
    (void)self;
    for (int i = 0; i < 20000; i++)
        fd_strbuf_puts(out, "a_metric 1\n");
    return 200;
}

static int op_ready(void *self, fd_strbuf *out)
{
    service *s = self;
    fd_strbuf_puts(out, "{\"missing\":[\"rules\"]}\n");
    return s->ready_status;
}

static void op_reload(void *self, fd_admin_ticket *ticket)
{
    service *s = self;
    fd_strbuf body = {0};
    s->calls++;
    fd_strbuf_puts(&body, "{\"result\":1}\n");
    if (s->hold)
        s->held = ticket;
    else
        fd_admin_answer(ticket, 422, &body);
    fd_strbuf_free(&body);
}

static int op_consent(void *self, const char *topic, int32_t partition, int64_t through,
                      fd_strbuf *out)
{
    service *s = self;
    snprintf(s->topic, sizeof s->topic, "%s", topic);
    s->partition = partition;
    s->through = through;
    fd_strbuf_puts(out, "{}");
    return 200;
}

static const fd_admin_ops ops = {
    .metrics = op_metrics, .ready = op_ready, .reload = op_reload, .consent = op_consent};

static int start(void **state)
{
    service *s = calloc(1, sizeof *s);
    s->ready_status = 503;
    fd_err err = {0};
    fd_admin_setup setup = {.host = "127.0.0.1", .port = 0, .ops = &ops, .self = s};
    if (fd_admin_start(&setup, &s->admin, &err) != FD_OK)
        fail_msg("%s", err.text);
    assert_true(fd_admin_port(s->admin) != 0);
    *state = s;
    return 0;
}

static int stop(void **state)
{
    service *s = *state;
    fd_admin_stop(s->admin);
    free(s);
    return 0;
}

static int dial(const service *s)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval wait = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(fd_admin_port(s->admin))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* The whole answer; the caller frees it. */
static char *exchange(const service *s, const char *bytes)
{
    int fd = dial(s);
    size_t n = strlen(bytes);
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
    fd_strbuf out = {0};
    char block[4096];
    ssize_t got;
    while ((got = recv(fd, block, sizeof block, 0)) > 0)
        fd_strbuf_add(&out, block, (size_t)got);
    close(fd);
    if (out.p == NULL)
        fd_strbuf_puts(&out, "");
    return out.p;
}

static char *request(const service *s, const char *method, const char *target, const char *headers)
{
    char bytes[2048];
    snprintf(bytes, sizeof bytes,
             "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", method, target,
             headers);
    return exchange(s, bytes);
}

static void expect(const service *s, const char *method, const char *target, int status,
                   const char *part)
{
    char *answer = request(s, method, target, "");
    int got = 0;
    if (sscanf(answer, "HTTP/1.1 %d", &got) != 1 || got != status || strstr(answer, part) == NULL)
        fail_msg("%s %s: wanted %d and %s, got:\n%s", method, target, status, part, answer);
    free(answer);
}

static void test_gets(void **state)
{
    service *s = *state;
    expect(s, "GET", "/", 200, "POST /-/reload");
    expect(s, "GET", "/", 200, "<a href=\"/metrics\">");
    char *page = request(s, "GET", "/", "");
    assert_null(strstr(page, "/healthz")); /* not offered here */
    free(page);
    expect(s, "GET", "/readyz", 503, "{\"missing\":[\"rules\"]}");
    s->ready_status = 200;
    expect(s, "GET", "/readyz", 200, "Content-Type: application/json");
    expect(s, "GET", "/readyz?verbose", 200, "missing");
    expect(s, "HEAD", "/readyz", 200, "Content-Length: 22");
    expect(s, "GET", "/metrics", 200, "Content-Type: text/plain; version=0.0.4");
    char *answer = request(s, "GET", "/metrics", "");
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), 20000 * strlen("a_metric 1\n"));
    free(answer);
}

static void test_refusals(void **state)
{
    service *s = *state;
    expect(s, "GET", "/nothing", 404, "\"error\"");
    expect(s, "GET", "/metrics/", 404, "\"error\"");
    expect(s, "GET", "/healthz", 404, "not offered by this process");
    expect(s, "POST", "/metrics", 405, "Allow: GET, HEAD");
    expect(s, "GET", "/-/reload", 405, "Allow: POST");
    expect(s, "DELETE", "/", 405, "Allow: GET, HEAD");
    assert_int_equal(s->calls, 0);
}

static void test_posts(void **state)
{
    service *s = *state;
    expect(s, "POST", "/-/reload", 422, "{\"result\":1}");
    assert_int_equal(s->calls, 1);
    expect(s, "POST", "/-/resume", 404, "not offered");
    expect(s, "POST", "/-/consent?topic=a&partition=2&through=9007199254740993", 200, "{}");
    assert_string_equal(s->topic, "a");
    assert_int_equal(s->partition, 2);
    assert_true(s->through == 9007199254740993);
    expect(s, "POST", "/-/consent?partition=2&through=1", 400, "topic=");
    expect(s, "POST", "/-/consent?topic=&partition=2&through=1", 400, "topic=");
    expect(s, "POST", "/-/consent?topic=a&partition=-1&through=1", 400, "partition=");
    expect(s, "POST", "/-/consent?topic=a&partition=2147483648&through=1", 400, "partition=");
    expect(s, "POST", "/-/consent?topic=a&partition=1&through=1x", 400, "through=");
    expect(s, "POST", "/-/consent?topic=a&partition=1&through=99999999999999999999", 400,
           "through=");
    expect(s, "POST", "/-/consent?topic=a&partition=1", 400, "through=");
}

static void expect_with(const service *s, const char *headers, int status)
{
    char *answer = request(s, "POST", "/-/reload", headers);
    int got = 0;
    if (sscanf(answer, "HTTP/1.1 %d", &got) != 1 || got != status)
        fail_msg("wanted %d with %s, got:\n%s", status, headers, answer);
    free(answer);
}

static void test_bodies_and_origins(void **state)
{
    service *s = *state;
    expect_with(s, "Content-Length: 0\r\n", 422);
    expect_with(s, "Origin: http://localhost\r\n", 422);
    assert_int_equal(s->calls, 2);
    expect_with(s, "Content-Length: 5\r\n\r\nhello", 413);
    expect_with(s, "Content-Length: 99999999999\r\n", 413);
    expect_with(s, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 413);
    expect_with(s, "Origin: http://evil.example\r\n", 403);
    expect_with(s, "Origin: null\r\n", 403);
    assert_int_equal(s->calls, 2);
}

static fd_admin_ticket *wait_held(service *s)
{
    for (int tries = 0; tries < 2000; tries++) {
        fd_admin_ticket *t = atomic_exchange(&s->held, NULL);
        if (t != NULL)
            return t;
        usleep(5000);
    }
    fail_msg("no ticket came");
    return NULL;
}

/* Others are served meanwhile; whoever has gone is answered all the same. */
static void test_later(void **state)
{
    service *s = *state;
    static const char post[] =
        "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char got[1024];
    s->hold = true;
    for (int gone = 0; gone < 2; gone++) {
        int fd = dial(s);
        assert_int_equal(send(fd, post, sizeof post - 1, MSG_NOSIGNAL), sizeof post - 1);
        fd_admin_ticket *t = wait_held(s);
        expect(s, "GET", "/readyz", 503, "missing");
        if (gone)
            close(fd);
        fd_strbuf body = {0};
        fd_strbuf_puts(&body, "{\"late\":true}\n");
        fd_admin_answer(t, 200, &body);
        assert_null(body.p);
        if (gone)
            continue;
        ssize_t n = recv(fd, got, sizeof got - 1, MSG_WAITALL);
        assert_true(n > 0);
        got[n] = '\0';
        assert_non_null(strstr(got, "HTTP/1.1 200"));
        assert_non_null(strstr(got, "{\"late\":true}"));
        close(fd);
    }
    expect(s, "GET", "/readyz", 503, "missing");
}

/* Whatever comes, the server goes on. */
static void test_garbage(void **state)
{
    service *s = *state;
    static const char *const bytes[] = {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n",
                                        "\x01\x02\x03\r\n\r\n", "GET /%00%ff HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        int fd = dial(s);
        struct timeval brief = {
            .tv_usec = 300000}; /* some answers never come: idle time ends them */
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
        send(fd, bytes[i], strlen(bytes[i]), MSG_NOSIGNAL);
        char block[512];
        while (recv(fd, block, sizeof block, 0) > 0)
            ;
        close(fd);
    }
    char *big = malloc(100000);
    memset(big, 'a', 99999);
    memcpy(big, "GET /", 5);
    big[99999] = '\0';
    int fd = dial(s);
    send(fd, big, 99999, MSG_NOSIGNAL);
    close(fd);
    free(big);
    expect(s, "GET", "/readyz", 503, "missing");
}

/* More idle connections than allowed: the newest are turned away, the server lives. */
static void test_connection_limit(void **state)
{
    service *s = *state;
    int fds[80];
    for (int i = 0; i < 80; i++)
        fds[i] = dial(s);
    for (int i = 0; i < 80; i++)
        close(fds[i]);
    for (int tries = 0; tries < 50; tries++) {
        char *answer = request(s, "GET", "/readyz", "");
        bool ok = strncmp(answer, "HTTP/1.1 503", 12) == 0;
        free(answer);
        if (ok)
            return;
        usleep(100000);
    }
    fail_msg("no answer after the connections were closed");
}

static void test_addresses(void **state)
{
    service *s = *state;
    fd_err err = {0};
    fd_admin *other = (fd_admin *)1;
    fd_admin_setup setup = {.host = "127.0.0.1", .port = fd_admin_port(s->admin), .ops = &ops};
    assert_int_equal(fd_admin_start(&setup, &other, &err), FD_FATAL);
    assert_null(other);
    assert_int_equal(err.exit_code, FD_EXIT_UNAVAILABLE);
    assert_non_null(strstr(err.text, "another program does"));
    setup = (fd_admin_setup){.host = "192.0.2.1", .port = 0, .ops = &ops};
    assert_int_equal(fd_admin_start(&setup, &other, &err), FD_FATAL);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    setup.host = "not a host";
    assert_int_equal(fd_admin_start(&setup, &other, &err), FD_FATAL);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    setup.host = "::";
    assert_int_equal(fd_admin_start(&setup, &other, &err), FD_OK);
    service also = {.admin = other}; /* IPv4 reaches it too */
    expect(&also, "GET", "/nothing", 404, "error");
    fd_admin_stop(other);
    fd_admin_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gets, start, stop),
        cmocka_unit_test_setup_teardown(test_refusals, start, stop),
        cmocka_unit_test_setup_teardown(test_posts, start, stop),
        cmocka_unit_test_setup_teardown(test_bodies_and_origins, start, stop),
        cmocka_unit_test_setup_teardown(test_later, start, stop),
        cmocka_unit_test_setup_teardown(test_garbage, start, stop),
        cmocka_unit_test_setup_teardown(test_connection_limit, start, stop),
        cmocka_unit_test_setup_teardown(test_addresses, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
