/*
 * The connection to Redis: made step by step, given up, made again; see redis_int.h. One thread.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>
#include <time.h>

#include "base/assert.h"
#include "base/hash.h"
#include "redis/redis_int.h"

enum { READ_CHUNK = 65536 };

static const int64_t NS_PER_S = 1000000000, NS_PER_MS = 1000000;
static const int64_t BACKOFF_FIRST_NS = 50000000, BACKOFF_MAX_NS = 5000000000;

int64_t fd_redis_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- the end of one ---- */

void fd_redis_disconnect(fd_redis *r)
{
    fd_link_close(r->link);
    r->link = NULL;
    fd_resolve_drop(r->resolve);
    r->resolve = NULL;
    if (r->reader != NULL)
        redisReaderFree(r->reader);
    r->reader = NULL;
    fd_strbuf_reset(&r->unsent);
    r->sent = 0;
    r->wire_head = r->wire_n = 0;
}

/* Half of it for sure, the other half by lot: processes that lost the same server come back one
 * by one. It begins anew after an answer, or after a connection that lasted. */
static int64_t backoff(fd_redis *r)
{
    uint32_t doublings = r->failures < 16 ? r->failures : 16;
    int64_t most = BACKOFF_FIRST_NS << doublings;
    if (most > BACKOFF_MAX_NS)
        most = BACKOFF_MAX_NS;
    uint64_t lot = fd_hash64(&r->waits, sizeof r->waits, r->salt);
    r->waits++;
    return most / 2 + (int64_t)(lot % (uint64_t)(most / 2));
}

void fd_redis_break(fd_redis *r, fd_class cls, int exit_code, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_fail(&r->why, cls, exit_code, "Redis at %.120s: %s", r->url.address, text);
    fd_redis_disconnect(r);
    if (r->stage == FD_REDIS_UP && fd_redis_now() - r->up_ns > BACKOFF_MAX_NS)
        r->failures = 0;
    r->stage = FD_REDIS_WAITING;
    r->due_ns = fd_redis_now() + backoff(r);
    r->failures++;
    fd_redis_answer_all_down(r);
}

/* ---- bytes ---- */

void fd_redis_expect(fd_redis *r, uint16_t what)
{
    FD_ASSERT(r->wire_n < FD_REDIS_WIRE_MAX);
    if (r->wire_n == 0)
        r->due_ns = fd_redis_now() + r->timeout_ns;
    r->wire[(r->wire_head + r->wire_n++) % FD_REDIS_WIRE_MAX] = what;
}

void fd_redis_send(fd_redis *r)
{
    for (;;) {
        fd_err err;
        size_t left = r->unsent.n - r->sent;
        if (left == 0 && r->tls == NULL)
            return;
        ssize_t n = fd_link_write(r->link, r->unsent.p + r->sent, left, &err);
        if (n < 0) {
            fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s", err.text);
            return;
        }
        r->sent += (size_t)n;
        r->stats.bytes_out += (uint64_t)n;
        if (n == 0 || (size_t)n == left)
            break;
    }
    if (r->sent == r->unsent.n) {
        fd_strbuf_reset(&r->unsent);
        r->sent = 0;
    }
}

static void take_reply(fd_redis *r, redisReply *reply)
{
    if (r->wire_n == 0) {
        freeReplyObject(reply);
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "an answer that nobody asked for");
        return;
    }
    uint16_t what = r->wire[r->wire_head];
    r->wire_head = (r->wire_head + 1) % FD_REDIS_WIRE_MAX;
    r->wire_n--;
    r->due_ns = r->wire_n == 0 ? INT64_MAX : fd_redis_now() + r->timeout_ns;
    if (what < FD_REDIS_QUEUE) {
        fd_redis_answer(r, what, reply);
        return;
    }
    fd_redis_greeted(r, what, reply);
    freeReplyObject(reply);
}

/* All whole replies that are there. The connection may end in any of them. */
static void take_replies(fd_redis *r)
{
    while (r->reader != NULL) {
        void *reply = NULL;
        if (redisReaderGetReply(r->reader, &reply) != REDIS_OK) {
            fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "not Redis's protocol: %.100s",
                           r->reader->errstr);
            return;
        }
        if (reply == NULL)
            return;
        take_reply(r, reply);
    }
}

static void receive(fd_redis *r)
{
    static _Thread_local char chunk[READ_CHUNK];
    while (r->link != NULL) {
        fd_err err;
        ssize_t n = fd_link_read(r->link, chunk, sizeof chunk, &err);
        if (n < 0)
            fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s", err.text);
        if (n <= 0)
            return;
        r->stats.bytes_in += (uint64_t)n;
        if (r->wire_n > 0)
            r->due_ns = fd_redis_now() + r->timeout_ns;
        redisReaderFeed(r->reader, chunk, (size_t)n);
        take_replies(r);
    }
}

/* ---- the beginning of one ---- */

static bool open_link(fd_redis *r, const struct sockaddr *to, socklen_t to_len)
{
    fd_err err;
    r->link = fd_link_open(to, to_len, r->tls, r->url.host, &err);
    if (r->link == NULL) {
        fd_redis_break(r, err.cls, err.exit_code, "%s", err.text);
        return false;
    }
    r->stage = FD_REDIS_CONNECTING;
    r->due_ns = fd_redis_now() + r->timeout_ns;
    return true;
}

static bool open_local(fd_redis *r)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%.100s", r->url.host);
    return open_link(r, (const struct sockaddr *)&to, sizeof to);
}

/* A name that has several addresses: they are tried in turn, then it is looked up again. */
static bool open_address(fd_redis *r)
{
    const struct addrinfo *a = r->next_address;
    r->next_address = a->ai_next;
    return open_link(r, a->ai_addr, a->ai_addrlen);
}

static bool step_waiting(fd_redis *r)
{
    if (fd_redis_now() < r->due_ns)
        return false;
    if (r->url.local)
        return open_local(r);
    if (r->next_address != NULL)
        return open_address(r);
    if (r->addresses != NULL)
        freeaddrinfo(r->addresses);
    r->addresses = NULL;
    r->resolve = fd_resolve_start(r->url.host, r->url.port);
    r->stage = FD_REDIS_RESOLVING;
    r->due_ns = fd_redis_now() + r->timeout_ns;
    return true;
}

static bool step_resolving(fd_redis *r)
{
    const char *why;
    if (!fd_resolve_done(r->resolve, &r->addresses, &why))
        return false;
    fd_resolve_drop(r->resolve);
    r->resolve = NULL;
    r->next_address = r->addresses;
    if (r->addresses == NULL) {
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "looking up the host: %s", why);
        return false;
    }
    return open_address(r);
}

static bool step_connecting(fd_redis *r)
{
    fd_err err;
    fd_class cls = fd_link_connect(r->link, &err);
    if (cls == FD_FATAL)
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s", err.text);
    if (cls != FD_OK)
        return false;
    r->reader = redisReaderCreate();
    FD_ALLOCATED(r->reader);
    r->stage = FD_REDIS_GREETING;
    fd_redis_greet(r);
    return true;
}

static bool step(fd_redis *r)
{
    switch (r->stage) {
    case FD_REDIS_WAITING:
        return step_waiting(r);
    case FD_REDIS_RESOLVING:
        return step_resolving(r);
    case FD_REDIS_CONNECTING:
        return step_connecting(r);
    default:
        fd_redis_send(r);
        if (r->link != NULL)
            receive(r);
        return false;
    }
}

void fd_redis_advance(fd_redis *r)
{
    while (step(r))
        ;
    if (r->stage != FD_REDIS_WAITING && fd_redis_now() >= r->due_ns)
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "no answer within %lld ms",
                       (long long)(r->timeout_ns / NS_PER_MS));
}

void fd_redis_wait(fd_redis *r, int64_t until_ns)
{
    struct pollfd p = {.fd = -1};
    if (r->stage == FD_REDIS_RESOLVING) {
        p = (struct pollfd){.fd = fd_resolve_fd(r->resolve), .events = POLLIN};
    } else if (r->link != NULL) {
        int more = r->sent < r->unsent.n;
        p = (struct pollfd){.fd = fd_link_fd(r->link), .events = fd_link_events(r->link, more)};
    }
    int64_t end = until_ns < r->due_ns ? until_ns : r->due_ns;
    int64_t ns = end - fd_redis_now();
    struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    if (ns > 0)
        ppoll(&p, p.fd < 0 ? 0 : 1, &t, NULL);
}
