/*
 * Cases of connecting: addresses, users, TLS, what a new connection is checked for, back-off, and
 * servers that are none.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "support.h"

/* ---- servers that only listen ---- */

typedef struct listener {
    int fd, port, client;
} listener;

static void listener_new(listener *l)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    l->client = -1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FD_ASSERT(bind(l->fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(l->fd, 16) == 0);
    FD_ASSERT(getsockname(l->fd, (struct sockaddr *)&a, &n) == 0);
    l->port = ntohs(a.sin_port);
}

/* An owner that connects to it and is told `text` as soon as it has said something. */
static void tell(listener *l, owner *o, const char *text)
{
    fd_state_reply none;
    char bytes[4096];
    for (int i = 0; i < 2000 && l->client < 0; i++) {
        o->port.ops->poll(o->port.self, 1000, &none);
        l->client = accept(l->fd, NULL, NULL);
    }
    CHECK(l->client >= 0, "nobody connects");
    for (int i = 0; i < 2000; i++) {
        o->port.ops->poll(o->port.self, 1000, &none);
        if (recv(l->client, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
            break;
    }
    CHECK(send(l->client, text, strlen(text), MSG_NOSIGNAL) > 0, "send");
}

static void listener_owner(listener *l, owner *o, int64_t timeout_us)
{
    char url[64];
    listener_new(l);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", l->port);
    owner_new(o, &(fd_redis_config){.url = url, .timeout_us = timeout_us});
}

static void listener_end(listener *l)
{
    if (l->client >= 0)
        close(l->client);
    close(l->fd);
}

/* ---- addresses ---- */

static void works(owner *o)
{
    fd_state_mark m;
    CHECK(owner_reset(o, 7, 0) == FD_STATE_OK, "reset");
    CHECK(owner_flush(o, 7, 1, "k", 3, 10, 5) == FD_STATE_OK, "flush");
    CHECK(owner_lsn(o, 7, 2, "k2") == 5, "read");
    CHECK(owner_take(o, 8, 7, &m) == FD_STATE_OK && m.found && m.seq == 2, "take");
    fd_state_request rq = {
        .kind = FD_STATE_SWEEP, .nonce = 8, .seq = 2, .older_us = 100, .max = 10};
    CHECK(owner_ask(o, &rq).removed == 3, "sweep");
}

static void tcp_unix_database(void)
{
    server *s;
    owner o;
    char url[400];
    s = server_new(NULL);
    owner_to(&o, s->url);
    works(&o);
    CHECK(fd_redis_count(o.redis).connects == 1, "connects");
    owner_end(&o);
    CHECK(hand(s, "DBSIZE")->integer == 65, "keys");
    CHECK(hand(s, "HLEN t:{pay:0}:l1:m")->integer == 10, "the marker's name and fields");

    snprintf(url, sizeof url, "unix://%s?db=3", s->socket);
    owner_to(&o, url);
    works(&o);
    owner_end(&o);
    hand(s, "SELECT 3");
    CHECK(hand(s, "DBSIZE")->integer == 65, "keys in database 3");

    snprintf(url, sizeof url, "redis://localhost:%d/2", s->port); /* a name, IPv6 first perhaps */
    owner_to(&o, url);
    works(&o);
    owner_end(&o);
    owner_new(&o, &(fd_redis_config){.url = "redis://127.0.0.1:1/0"});
    owner_expect_down(&o, "refused", FD_RETRY);
    owner_end(&o);
    owner_new(&o, &(fd_redis_config){.url = "unix:///nowhere/at.all"});
    owner_expect_down(&o, "No such file", FD_RETRY);
    owner_end(&o);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d/99", s->port);
    owner_new(&o, &(fd_redis_config){.url = url});
    owner_expect_down(&o, "database 99", FD_FATAL);
    owner_end(&o);
}

static void names_do_not_block(void)
{
    owner o;
    fd_state_reply none;
    int64_t longest = 0;
    owner_new(&o, &(fd_redis_config){.url = "redis://no-such-host.invalid:6379",
                                     .timeout_us = 2 * SECOND_US});
    int64_t until = now_us() + 3 * SECOND_US;
    fd_err err = {.text = ""};
    do {
        int64_t began = now_us();
        CHECK(!o.port.ops->poll(o.port.self, 0, &none), "an answer");
        int64_t took = now_us() - began;
        longest = took > longest ? took : longest;
        CHECK(!o.port.ops->up(o.port.self, &err), "up");
        sleep_ms(1);
    } while (strstr(err.text, "not connected yet") != NULL && now_us() < until);
    CHECK(strstr(err.text, "looking up") != NULL || strstr(err.text, "no answer") != NULL, "%s",
          err.text);
    CHECK(longest < SECOND_US / 2, "poll(0) took %lld us", (long long)longest);
    owner_end(&o);
}

/* ---- users ---- */

static void passwords(void)
{
    server *s;
    owner o;
    s = server_new("--requirepass", "secret", NULL);
    owner_new(&o, &(fd_redis_config){.url = s->url});
    owner_expect_down(&o, "it wants a password", FD_FATAL);
    owner_end(&o);
    owner_new(&o, &(fd_redis_config){.url = s->url, .password = "hunter2"});
    owner_expect_down(&o, "is not right", FD_FATAL);
    fd_err err;
    CHECK(!o.port.ops->up(o.port.self, &err) && strstr(err.text, "hunter2") == NULL, "%s",
          err.text);
    owner_end(&o);
    char url[100];
    snprintf(url, sizeof url, "redis://:secret@127.0.0.1:%d", s->port);
    owner_to(&o, url);
    CHECK(strstr(fd_redis_address(o.redis), "secret") == NULL, "%s", fd_redis_address(o.redis));
    works(&o);
    owner_end(&o);
    owner_new(&o, &(fd_redis_config){.url = s->url, .username = "default", .password = "secret"});
    CHECK(owner_wait_up(&o, 5000), "not up");
    owner_end(&o);
}

static void a_password_is_never_repeated(void)
{
    owner o;
    listener l;
    char url[64];
    listener_new(&l);
    snprintf(url, sizeof url, "redis://u:hunter2@127.0.0.1:%d", l.port);
    owner_new(&o, &(fd_redis_config){.url = url});
    tell(&l, &o, "-ERR unknown command `AUTH`, with args beginning with: `u` `hunter2`\r\n");
    owner_expect_down(&o, "repeats them", FD_FATAL);
    fd_err err;
    CHECK(!o.port.ops->up(o.port.self, &err) && strstr(err.text, "hunter2") == NULL, "%s",
          err.text);
    owner_end(&o);
    listener_end(&l);
}

static void acl_users(void)
{
    server *s;
    owner o;
    s = server_new(NULL);
    hand(s, "ACL SETUSER fraudd on >pw ~t:* +info +eval +evalsha +script|load +hget +hmget +hset "
            "+hdel +hlen +hscan +unlink");
    owner_new(&o, &(fd_redis_config){.url = s->url, .username = "fraudd", .password = "pw"});
    CHECK(owner_wait_up(&o, 5000), "not up");
    works(&o);
    /* Rights go while connected: said, and tried again. */
    hand(s, "ACL SETUSER fraudd -hmget");
    CHECK(owner_lsn(&o, 8, 3, "k") == -3, "read without a right");
    hand(s, "ACL SETUSER fraudd +hmget");
    CHECK(owner_wait_up(&o, 5000), "not up again");
    owner_end(&o);
    hand(s, "ACL SETUSER fraudd -info");
    owner_new(&o, &(fd_redis_config){.url = s->url, .username = "fraudd", .password = "pw"});
    owner_expect_down(&o, "+info +eval", FD_FATAL);
    owner_end(&o);
    hand(s, "ACL SETUSER fraudd +info resetkeys ~x:*");
    owner_new(&o, &(fd_redis_config){.url = s->url, .username = "fraudd", .password = "pw"});
    CHECK(owner_wait_up(&o, 5000), "not up");
    fd_state_mark m;
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_DOWN, "another's keys");
    owner_end(&o);
}

static void tls(void)
{
    server *s;
    owner o;
    char command[2048], ca[300], url[64], port[16], cert[300], key[300];
    const char *dir = work_dir();
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(command, sizeof command,
             "cd '%s' && exec 2>/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
             "-subj /CN=test -keyout cakey.pem -out ca.pem && openssl req -newkey rsa:2048 -nodes "
             "-subj /CN=localhost -keyout key.pem -out req.pem && printf "
             "'subjectAltName=DNS:localhost' >ext && openssl x509 -req -in req.pem -CA ca.pem "
             "-CAkey cakey.pem -CAcreateserial -days 2 -extfile ext -out cert.pem",
             dir);
    run_command(command);
    snprintf(port, sizeof port, "%d", free_port());
    s = server_new("--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
                   "--tls-ca-cert-file", ca, "--tls-auth-clients", "no", NULL);
    snprintf(url, sizeof url, "rediss://localhost:%s", port);
    owner_new(&o, &(fd_redis_config){.url = url, .ca_file = ca});
    CHECK(owner_wait_up(&o, 5000), "not up");
    works(&o);
    CHECK(owner_flush(&o, 8, 3, "large", 4, 1 << 18, 9) == FD_STATE_OK, "1 MiB over TLS");
    CHECK(owner_lsn(&o, 8, 4, "large3") == 9, "and back");
    /* The server goes away: noticed as in the open. */
    server_kill(s);
    CHECK(owner_lsn(&o, 8, 4, "large3") == -3, "down");
    server_run(s);
    CHECK(owner_wait_up(&o, 10000), "not up again");
    owner_end(&o);
    owner_new(&o, &(fd_redis_config){.url = url}); /* the system does not know our authority */
    owner_expect_down(&o, "certificate", FD_RETRY);
    owner_end(&o);
    snprintf(url, sizeof url, "rediss://127.0.0.1:%s", port); /* not in the certificate */
    owner_new(&o, &(fd_redis_config){.url = url, .ca_file = ca});
    owner_expect_down(&o, "mismatch", FD_RETRY);
    owner_end(&o);
    snprintf(url, sizeof url, "rediss://localhost:%d", s->port); /* no TLS there */
    owner_new(&o, &(fd_redis_config){.url = url, .ca_file = ca, .timeout_us = SECOND_US});
    owner_expect_down(&o, "Redis at localhost", FD_RETRY);
    CHECK(fd_redis_count(o.redis).connects == 0, "connected");
    owner_end(&o);
}

/* ---- what a new connection is checked for ---- */

static void policies(void)
{
    server *s;
    owner o;
    s = server_new("--maxmemory-policy", "allkeys-lru", NULL);
    owner_new(&o, &(fd_redis_config){.url = s->url});
    owner_expect_down(&o, "maxmemory-policy is allkeys-lru", FD_FATAL);
    owner_expect_down(&o, "CONFIG SET maxmemory-policy noeviction", FD_FATAL);
    fd_state_mark m;
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_DOWN, "asked all the same");
    hand(s, "CONFIG SET maxmemory-policy noeviction");
    CHECK(owner_wait_up(&o, 10000), "it does not notice that it was mended");
    works(&o);
    owner_end(&o);
}

static void replicas(void)
{
    server *primary, *replica;
    owner o;
    char port[16];
    primary = server_new(NULL);
    snprintf(port, sizeof port, "%d", primary->port);
    replica = server_new(NULL);
    hand(replica, "REPLICAOF 127.0.0.1 %s", port);
    owner_new(&o, &(fd_redis_config){.url = replica->url});
    owner_expect_down(&o, "it is a replica", FD_RETRY);
    hand(replica, "REPLICAOF NO ONE");
    CHECK(owner_wait_up(&o, 10000), "not up after its promotion");
    works(&o);
    /* It becomes one while connected. */
    hand(replica, "REPLICAOF 127.0.0.1 %s", port);
    CHECK(owner_flush(&o, 8, 3, "k", 1, 1, 9) == FD_STATE_DOWN, "a replica takes a write");
    owner_expect_down(&o, "it is a replica", FD_RETRY);
    owner_end(&o);
}

static void clusters_and_old_ones(void)
{
    server *s;
    owner o;
    listener l;
    char bus[16];
    snprintf(bus, sizeof bus, "%d", free_port());
    s = server_new("--cluster-enabled", "yes", "--cluster-port", bus, NULL);
    owner_new(&o, &(fd_redis_config){.url = s->url});
    owner_expect_down(&o, "Redis Cluster", FD_FATAL);
    owner_end(&o);
    listener_owner(&l, &o, SECOND_US);
    tell(&l, &o, "$40\r\nredis_version:6.0.16\r\nredis_mode:alone\r\n\r\n");
    owner_expect_down(&o, "its version is 6.0.16", FD_FATAL);
    owner_end(&o);
    listener_end(&l);
}

static void servers_that_are_none(void)
{
    owner o;
    listener l;
    listener_owner(&l, &o, SECOND_US);
    tell(&l, &o, "HTTP/1.1 400 Bad Request\r\n\r\n");
    owner_expect_down(&o, "not Redis's protocol", FD_RETRY);
    owner_end(&o);
    listener_end(&l);
    listener_owner(&l, &o, SECOND_US);
    tell(&l, &o, ":1\r\n:2\r\n");
    owner_expect_down(&o, "INFO is no text", FD_RETRY);
    owner_end(&o);
    listener_end(&l);
    listener_owner(&l, &o, SECOND_US);
    tell(&l, &o, "-LOADING Redis is loading the dataset in memory\r\n");
    owner_expect_down(&o, "LOADING", FD_RETRY);
    owner_end(&o);
    listener_end(&l);
    int64_t began = now_us();
    listener_owner(&l, &o, SECOND_US / 5); /* it takes the connection and says nothing */
    owner_expect_down(&o, "no answer within 200 ms", FD_RETRY);
    CHECK(now_us() - began < SECOND_US, "too patient");
    owner_end(&o);
    listener_end(&l);
}

/* A server that hangs up at once: 50 ms, 100 ms, 200 ms .. between attempts, half of it by lot. */
static void back_off(void)
{
    owner o;
    listener l;
    fd_state_reply none;
    int accepted = 0;
    listener_owner(&l, &o, SECOND_US);
    int64_t until = now_us() + 2 * SECOND_US;
    while (now_us() < until) {
        o.port.ops->poll(o.port.self, 1000, &none);
        int fd = accept(l.fd, NULL, NULL);
        if (fd >= 0) {
            accepted++;
            close(fd);
        }
    }
    /* 2 s are spent after 6 waits if all are as long as can be, after 7 if as short. */
    CHECK(accepted >= 6 && accepted <= 8, "%d attempts", accepted);
    owner_end(&o);
    listener_end(&l);
}

/* ---- the queue ---- */

static void the_queue_is_bounded(void)
{
    server *s;
    owner o;
    static fd_state_request rq[FD_REDIS_QUEUE + 1];
    s = server_new(NULL);
    owner_to(&o, s->url);
    server_signal(s, SIGSTOP);
    for (int i = 0; i <= FD_REDIS_QUEUE; i++) {
        rq[i] = (fd_state_request){.kind = FD_STATE_TAKE, .nonce = 7};
        CHECK(o.port.ops->submit(o.port.self, &rq[i]) == (i < FD_REDIS_QUEUE), "%d", i);
    }
    server_signal(s, SIGCONT);
    fd_state_reply reply;
    for (int i = 0; i < FD_REDIS_QUEUE; i++) {
        CHECK(o.port.ops->poll(o.port.self, SECOND_US, &reply) && reply.request == &rq[i], "%d", i);
        CHECK(reply.result == FD_STATE_OK, "%s", reply.err.text);
    }
    CHECK(o.port.ops->submit(o.port.self, &rq[0]), "there is room again");
    CHECK(o.port.ops->poll(o.port.self, SECOND_US, &reply), "answer");
    CHECK(!o.port.ops->poll(o.port.self, SECOND_US, &reply), "there is nothing to wait for");
    owner_end(&o);
}

/* Bytes, too: a Redis that stands still makes submit() say no, not grow, and not wait. */
static void unsent_bytes_are_bounded(void)
{
    enum { N = 40, SIZE = 1 << 20 };
    static fd_state_request rq[N];
    static char bytes[SIZE];
    server *s;
    owner o;
    s = server_new(NULL);
    owner_to(&o, s->url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    server_signal(s, SIGSTOP);
    fd_state_value v = {.key_kind = 1, .key = FD_STR("k"), .bytes = {bytes, SIZE}, .lsn = 1};
    int n = 0;
    int64_t longest = 0;
    for (; n < N; n++) {
        rq[n] = (fd_state_request){.kind = FD_STATE_FLUSH,
                                   .nonce = 7,
                                   .seq = (uint64_t)n + 1,
                                   .mark = {.redo = -1},
                                   .n = 1,
                                   .values = &v};
        int64_t began = now_us();
        bool taken = o.port.ops->submit(o.port.self, &rq[n]);
        longest = now_us() - began > longest ? now_us() - began : longest;
        if (!taken)
            break;
    }
    CHECK(n >= 8 && n < N, "%d MiB were taken", n);
    CHECK(longest < SECOND_US, "submit took %lld us", (long long)longest);
    server_signal(s, SIGCONT);
    fd_state_reply reply;
    for (int i = 0; i < n; i++) {
        CHECK(o.port.ops->poll(o.port.self, 5 * SECOND_US, &reply), "%d", i);
        CHECK(reply.result == FD_STATE_OK, "%s", reply.err.text);
    }
    owner_end(&o);
}

/* ---- keys that are something else ---- */

static void keys_of_another_type(void)
{
    server *s;
    owner o;
    fd_state_mark m;
    s = server_new(NULL);
    owner_to(&o, s->url);
    hand(s, "SET t:{pay:0}:l1:m x");
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_OK && !m.found, "take");
    CHECK(owner_lsn(&o, 7, 0, "k") == -2, "read");
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    CHECK(owner_flush(&o, 7, 1, "k", 100, 10, 5) == FD_STATE_OK, "flush");
    hand(s, "HDEL t:{pay:0}:l1:m redo"); /* a part of the marker */
    CHECK(owner_lsn(&o, 7, 2, "k1") == -2, "read");
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_OK && !m.found, "take");
    CHECK(owner_reset(&o, 7, 2) == FD_STATE_OK, "reset");
    hand(s, "SET t:{pay:0}:l1:b:5 x");
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_OK && !m.found && m.seq == 3, "take");
    CHECK(owner_flush(&o, 7, 3, "k", 500, 10, 5) == FD_STATE_REFUSED, "flush");
    CHECK(owner_reset(&o, 7, 3) == FD_STATE_OK, "reset");
    hand(s, "HSET t:{pay:0}:l1:b:5 foreign x _ 1");
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_OK && m.found, "take");
    fd_state_request rq = {
        .kind = FD_STATE_SWEEP, .nonce = 7, .seq = 4, .older_us = -100, .max = 10};
    CHECK(owner_ask(&o, &rq).removed == 1, "what is no value goes");
    CHECK(owner_take(&o, 7, 0, &m) == FD_STATE_OK && m.found, "take");
    owner_end(&o);
}

const test_case connect_cases[] = {
    {"TCP, a Unix socket, databases", tcp_unix_database},
    {"looking up a name does not block", names_do_not_block},
    {"passwords", passwords},
    {"a password is never repeated", a_password_is_never_repeated},
    {"a user with just the rights it needs", acl_users},
    {"TLS: authorities and host names are checked", tls},
    {"a maxmemory-policy that evicts", policies},
    {"a replica", replicas},
    {"a cluster's node, an old version", clusters_and_old_ones},
    {"servers that are no Redis, or say nothing", servers_that_are_none},
    {"back-off", back_off},
    {"the queue is bounded", the_queue_is_bounded},
    {"unsent bytes are bounded", unsent_bytes_are_bounded},
    {"keys of another type, foreign fields", keys_of_another_type},
    {NULL, NULL},
};
