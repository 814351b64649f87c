/*
 * The histories of tests/sim/agree against a real Redis, through the adapter and a proxy per owner
 * that holds, loses and delays bytes. They run three times: as it is; with all scripts forgotten
 * after each answer; and told that it is Redis 6.2, whose scripts have no flags.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "redis/script.h"
#include "sim/agree/store_histories.h"
#include "support.h"

enum { KEYS_MAX = 256, QUIET_MS = 3 };

typedef enum pass { AS_IT_IS, FORGETFUL, OLD, N_PASSES } pass;

typedef struct proxy {
    int listening, port; /* -1: nobody listens */
    int client, server;  /* -1: none */
    bool hold;
    fd_strbuf held;
} proxy;

static server *redis;
static owner owners[STORE_OWNERS];
static proxy proxies[STORE_OWNERS];
static int late_server = -1;
static fd_strbuf late_bytes;
static pass at_pass;
static jmp_buf out_of_history;

_Noreturn void store_history_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "  %s:%d: %s\n", file, line, what);
    longjmp(out_of_history, 1);
}

/* ---- the proxy ---- */

static void listen_at(proxy *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    a.sin_port = htons((in_port_t)p->port);
    p->listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(p->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    FD_ASSERT(bind(p->listening, (struct sockaddr *)&a, sizeof a) == 0);
    FD_ASSERT(listen(p->listening, 8) == 0);
}

static int to_redis(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%.100s", redis->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    FD_ASSERT(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    return fd;
}

static void hang_up(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void hang_up_both(proxy *p)
{
    hang_up(&p->client);
    hang_up(&p->server);
    fd_strbuf_reset(&p->held);
    p->hold = false;
}

static void send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* the other side is gone: noticed when it is read */
        bytes += sent;
        n -= (size_t)sent;
    }
}

/* What the adapter is told of the server's age. */
static void make_old(char *bytes, size_t n)
{
    char *at = at_pass == OLD ? memmem(bytes, n, "redis_version:", 14) : NULL;
    if (at != NULL)
        memcpy(at + 14, "6.2", 3);
}

static void pump_one(proxy *p)
{
    char bytes[65536];
    if (p->client < 0 && p->listening >= 0) {
        p->client = accept(p->listening, NULL, NULL);
        int on = 1;
        if (p->client < 0)
            return;
        setsockopt(p->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        p->server = to_redis();
    }
    if (p->client < 0)
        return;
    ssize_t n;
    while ((n = recv(p->client, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        if (p->hold)
            fd_strbuf_add(&p->held, bytes, (size_t)n);
        else
            send_all(p->server, bytes, (size_t)n);
    }
    bool gone = n == 0;
    while (!gone && (n = recv(p->server, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        make_old(bytes, (size_t)n);
        send_all(p->client, bytes, (size_t)n);
    }
    if (gone || n == 0)
        hang_up_both(p);
}

static void pump(void)
{
    for (int i = 0; i < STORE_OWNERS; i++)
        pump_one(&proxies[i]);
}

/* Redis has done all that it was sent: it has answered to one thing more. */
static void drain(int server_fd)
{
    static const char pong[] = "+PONG\r\n";
    enum { N = sizeof pong - 1 };
    char last[N] = "", c;
    send_all(server_fd, "PING\r\n", 6);
    while (memcmp(last, pong, N) != 0 && recv(server_fd, &c, 1, 0) == 1) {
        memmove(last, last + 1, N - 1);
        last[N - 1] = c;
    }
}

/* ---- the bench ---- */

static fd_state_store port(int i)
{
    return owners[i].port;
}

static bool step(int i, fd_state_reply *out)
{
    pump();
    return port(i).ops->poll(port(i).self, 200, out);
}

static bool answer(int i, fd_state_reply *out)
{
    int64_t until = now_us() + 10 * (int64_t)SECOND_US;
    while (now_us() < until) {
        if (!step(i, out))
            continue;
        if (at_pass == FORGETFUL)
            hand(redis, "SCRIPT FLUSH");
        return true;
    }
    return false;
}

static bool wait_up(int i)
{
    fd_state_reply none;
    int64_t until = now_us() + 10 * (int64_t)SECOND_US;
    while (!port(i).ops->up(port(i).self, NULL) && now_us() < until)
        CHECK(!step(i, &none), "an answer to nothing");
    return port(i).ops->up(port(i).self, NULL);
}

static void end(void)
{
    for (int i = 0; i < STORE_OWNERS; i++) {
        if (owners[i].redis != NULL)
            owner_end(&owners[i]);
        hang_up_both(&proxies[i]);
    }
    hang_up(&late_server);
}

static void begin(void)
{
    end();
    hand(redis, "FLUSHALL");
    hand(redis, "CONFIG SET maxmemory 0");
    for (int i = 0; i < STORE_OWNERS; i++) {
        char url[64];
        if (proxies[i].listening < 0)
            listen_at(&proxies[i]);
        snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxies[i].port);
        owner_new(&owners[i], &(fd_redis_config){.url = url, .salt = (uint64_t)i});
        CHECK(wait_up(i), "not up");
    }
}

/* A request that is under way alone finds its script, or it would have no effect. */
static void load_scripts(void)
{
    for (int kind = 0; kind < FD_STATE_N_REQUESTS; kind++) {
        char *script = fd_redis_script((fd_state_request_kind)kind, true);
        hand(redis, "SCRIPT LOAD %s", script);
        free(script);
    }
}

static void hold(int i, bool on)
{
    proxy *p = &proxies[i];
    if (!on)
        send_all(p->server, p->held.p, p->held.n);
    fd_strbuf_reset(&p->held);
    p->hold = on;
}

/* Everything that the owner has sent is in the proxy's hands. */
static void gather(proxy *p)
{
    for (int i = 0; i < QUIET_MS; i++) {
        pump_one(p);
        sleep_ms(1);
    }
    FD_ASSERT(p->held.n > 0);
}

static void cut(int i, store_cut how)
{
    proxy *p = &proxies[i];
    gather(p);
    if (how == STORE_DONE) {
        load_scripts();
        send_all(p->server, p->held.p, p->held.n);
        drain(p->server);
    } else if (how == STORE_LATE) {
        FD_ASSERT(late_server < 0);
        late_server = p->server;
        p->server = -1;
        fd_strbuf_reset(&late_bytes);
        fd_strbuf_add(&late_bytes, p->held.p, p->held.n);
    }
    hang_up_both(p);
}

static void arrive(void)
{
    load_scripts();
    send_all(late_server, late_bytes.p, late_bytes.n);
    drain(late_server);
    hang_up(&late_server);
}

static void key_name(fd_tp tp, const char *last, char out[200])
{
    snprintf(out, 200, PREFIX "{%s:%d}:" LINEAGE ":%s", tp.source == 0 ? TOPIC : "other",
             tp.partition, last);
}

static bool lose_marker(fd_tp tp)
{
    char key[200];
    key_name(tp, "m", key);
    return hand(redis, "DEL %s", key)->integer == 1;
}

/* The bucket of a value that is there: found, not computed. 0: none has it. */
static size_t find_field(fd_tp tp, const fd_state_value *v, char key[200], char field[64])
{
    size_t n = 2 + v->key.n;
    field[0] = (char)(v->key_kind >> 8);
    field[1] = (char)v->key_kind;
    memcpy(field + 2, v->key.p, v->key.n);
    for (int i = 0; i < FD_REDIS_BUCKETS; i++) {
        char last[16];
        snprintf(last, sizeof last, "b:%d", i);
        key_name(tp, last, key);
        if (hand(redis, "HEXISTS %s %b", key, field, n)->integer == 1)
            return n;
    }
    return 0;
}

static bool lose_bucket(fd_tp tp, const fd_state_value *of)
{
    char key[200], field[64];
    return find_field(tp, of, key, field) > 0 && hand(redis, "DEL %s", key)->integer == 1;
}

static bool lose_value(fd_tp tp, const fd_state_value *v)
{
    char key[200], field[64];
    size_t n = find_field(tp, v, key, field);
    return n > 0 && hand(redis, "HDEL %s %b", key, field, n)->integer == 1;
}

static void lose_all(void)
{
    hand(redis, "FLUSHALL");
}

static void full(bool on)
{
    hand(redis, "CONFIG SET maxmemory %d", on ? 1 : 0);
}

static void down(bool on)
{
    for (int i = 0; i < STORE_OWNERS; i++) {
        hang_up_both(&proxies[i]);
        if (on)
            hang_up(&proxies[i].listening);
        else
            listen_at(&proxies[i]);
    }
}

static struct {
    char *name;
    char *dump;
    size_t n;
} saved[KEYS_MAX];
static size_t n_saved;

static void save(void)
{
    const redisReply *keys = hand(redis, "KEYS *");
    FD_ASSERT(keys->elements <= KEYS_MAX);
    n_saved = keys->elements;
    for (size_t i = 0; i < n_saved; i++)
        saved[i].name = strdup(keys->element[i]->str);
    for (size_t i = 0; i < n_saved; i++) {
        const redisReply *r = hand(redis, "DUMP %s", saved[i].name);
        saved[i].n = r->len;
        saved[i].dump = malloc(r->len);
        FD_ALLOCATED(saved[i].dump);
        memcpy(saved[i].dump, r->str, r->len);
    }
}

static void promote(void)
{
    hand(redis, "FLUSHALL");
    for (size_t i = 0; i < n_saved; i++) {
        const redisReply *r = hand(redis, "RESTORE %s 0 %b", saved[i].name, saved[i].dump,
                                   saved[i].n);
        CHECK(r->type == REDIS_REPLY_STATUS, "%s", r->str);
        free(saved[i].name);
        free(saved[i].dump);
    }
    for (int i = 0; i < STORE_OWNERS; i++) {
        hang_up_both(&proxies[i]);
        fd_state_reply none;
        while (port(i).ops->up(port(i).self, NULL)) /* it has noticed */
            CHECK(!port(i).ops->poll(port(i).self, 1000, &none), "an answer to nothing");
    }
}

/* As the adapter has it: a change would lose nothing, but cost every user a rebuild. */
static uint32_t bucket(const fd_state_value *v)
{
    return (uint32_t)(fd_hash64(v->key.p, v->key.n, v->key_kind) % FD_REDIS_BUCKETS);
}

static const store_bench bench = {
    .begin = begin,
    .end = end,
    .port = port,
    .answer = answer,
    .wait_up = wait_up,
    .hold = hold,
    .cut = cut,
    .arrive = arrive,
    .lose_marker = lose_marker,
    .lose_bucket = lose_bucket,
    .lose_value = lose_value,
    .lose_all = lose_all,
    .full = full,
    .down = down,
    .save = save,
    .promote = promote,
    .bucket = bucket,
};

static bool run_one(const store_history *h)
{
    if (setjmp(out_of_history) != 0)
        return false;
    h->run(&bench);
    return true;
}

static bool agree(uint64_t seed)
{
    fd_strbuf ours = {0}, theirs = {0};
    if (setjmp(out_of_history) != 0)
        return false;
    store_random(&bench, seed, &ours);
    store_random(&store_model_bench, seed, &theirs);
    size_t same = 0, line = 0;
    while (same < ours.n && same < theirs.n && ours.p[same] == theirs.p[same]) {
        same++;
        line = ours.p[same - 1] == '\n' ? same : line;
    }
    bool good = same == ours.n && same == theirs.n;
    if (!good)
        fprintf(stderr, "  seed %llu:\n%.*s  Redis: %.*s\n  model: %.*s\n",
                (unsigned long long)seed, (int)line, ours.p, (int)strcspn(ours.p + line, "\n"),
                ours.p + line, (int)strcspn(theirs.p + line, "\n"), theirs.p + line);
    fd_strbuf_free(&ours);
    fd_strbuf_free(&theirs);
    return good;
}

/* Drawn histories: Redis and the model say the same. */
static bool run_random(uint64_t seeds)
{
    at_pass = AS_IT_IS;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        if (!agree(seed))
            return false;
    }
    return true;
}

void run_histories(int argc, char **argv, int *passed, int *failed)
{
    static const char *const passes[N_PASSES] = {"", " (scripts forgotten)", " (as Redis 6.2)"};
    redis = server_new(NULL);
    for (int i = 0; i < STORE_OWNERS; i++)
        proxies[i] = (proxy){.listening = -1, .port = free_port(), .client = -1, .server = -1};
    for (int p = 0; p < N_PASSES; p++) {
        for (const store_history *h = store_histories; h->name != NULL; h++) {
            char name[160];
            snprintf(name, sizeof name, "history: %s%s", h->name, passes[p]);
            if (!is_wanted(name, argc, argv))
                continue;
            at_pass = (pass)p;
            bool good = run_one(h);
            printf("%s %s\n", good ? "ok    " : "FAILED", name);
            fflush(stdout);
            *passed += good;
            *failed += !good;
        }
    }
    if (is_wanted("drawn histories agree with the model", argc, argv)) {
        const char *size = getenv("FRAUDD_SIZE");
        uint64_t seeds = size != NULL && strcmp(size, "full") == 0 ? 3000 : 100;
        bool good = run_random(seeds);
        printf("%s drawn histories agree with the model (%llu seeds)\n", good ? "ok    " : "FAILED",
               (unsigned long long)seeds);
        *passed += good;
        *failed += !good;
    }
    end();
    store_model_bench.end();
    for (int i = 0; i < STORE_OWNERS; i++)
        hang_up(&proxies[i].listening);
    servers_end();
}
