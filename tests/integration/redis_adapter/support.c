/* See support.h. Servers die with the program. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

static server servers[SERVERS_MAX];
static int n_servers;
static char dir[200];

int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

void sleep_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

const char *work_dir(void)
{
    if (dir[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(dir, sizeof dir, "%.150s/redis-adapter.XXXXXX", base == NULL ? "/tmp" : base);
        FD_ASSERT(mkdtemp(dir) != NULL);
    }
    return dir;
}

void run_command(const char *command)
{
    int code = system(command);
    CHECK(code == 0, "%s: %d", command, code);
}

int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    FD_ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    FD_ASSERT(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    close(fd);
    return ntohs(a.sin_port);
}

/* ---- servers ---- */

static void become(server *s)
{
    char port[16], log[300];
    snprintf(port, sizeof port, "%d", s->port);
    snprintf(log, sizeof log, "%s/log", s->dir);
    const char *argv[OPTIONS_MAX + 24] = {"redis-server",
                                          "--port",
                                          port,
                                          "--bind",
                                          "127.0.0.1",
                                          "--dir",
                                          s->dir,
                                          "--unixsocket",
                                          s->socket,
                                          "--save",
                                          "",
                                          "--logfile",
                                          log,
                                          "--repl-diskless-sync-delay",
                                          "0"};
    int n = 15;
    for (int i = 0; s->options[i] != NULL; i++)
        argv[n++] = s->options[i];
    argv[n] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], (char **)(uintptr_t)argv);
    _exit(127);
}

static void greet(server *s)
{
    int64_t until = now_us() + 10 * (int64_t)SECOND_US;
    for (;;) {
        CHECK(waitpid(s->pid, NULL, WNOHANG) == 0, "redis-server ended; see %s/log", s->dir);
        s->hand = redisConnectUnix(s->socket);
        if (s->hand != NULL && s->hand->err == 0)
            break;
        redisFree(s->hand);
        s->hand = NULL;
        CHECK(now_us() < until, "redis-server does not answer");
        sleep_ms(5);
    }
    for (;;) {
        redisReply *r = redisCommand(s->hand, "PING");
        bool ready = r != NULL && (r->type != REDIS_REPLY_ERROR || strstr(r->str, "NOAUTH"));
        freeReplyObject(r);
        if (ready)
            return;
        CHECK(waitpid(s->pid, NULL, WNOHANG) == 0, "redis-server ended; see %s/log", s->dir);
        CHECK(now_us() < until, "redis-server is not ready");
        sleep_ms(5);
    }
}

void server_run(server *s)
{
    FD_ASSERT(s->pid == 0);
    unlink(s->socket);
    s->pid = fork();
    FD_ASSERT(s->pid >= 0);
    if (s->pid == 0)
        become(s);
    greet(s);
}

server *server_new(const char *option, ...)
{
    static int number;
    FD_ASSERT(n_servers < SERVERS_MAX);
    server *s = &servers[n_servers++];
    *s = (server){.port = free_port()};
    char path[240];
    snprintf(path, sizeof path, "%s/%d", work_dir(), number++);
    FD_ASSERT(mkdir(path, 0700) == 0);
    snprintf(s->dir, sizeof s->dir, "%s", path);
    snprintf(s->socket, sizeof s->socket, "%s/s", path);
    snprintf(s->url, sizeof s->url, "redis://127.0.0.1:%d", s->port);
    va_list ap;
    va_start(ap, option);
    for (int i = 0; option != NULL; i++, option = va_arg(ap, const char *)) {
        FD_ASSERT(i < OPTIONS_MAX - 1);
        s->options[i] = option;
    }
    va_end(ap);
    server_run(s);
    return s;
}

void server_signal(server *s, int signal)
{
    FD_ASSERT(s->pid > 0 && kill(s->pid, signal) == 0);
}

void server_kill(server *s)
{
    if (s->pid == 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
    if (s->hand != NULL)
        redisFree(s->hand);
    s->hand = NULL;
}

void servers_end(void)
{
    for (; n_servers > 0; n_servers--)
        server_kill(&servers[n_servers - 1]);
}

static redisReply *last_reply;

static const redisReply *checked(server *s, redisReply *r)
{
    freeReplyObject(last_reply);
    last_reply = r;
    CHECK(r != NULL, "by hand: %s", s->hand->errstr);
    return r;
}

const redisReply *hand(server *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    redisReply *r = redisvCommand(s->hand, format, ap);
    va_end(ap);
    return checked(s, r);
}

long long used_memory(server *s)
{
    const char *at = strstr(hand(s, "INFO memory")->str, "used_memory:");
    return strtoll(at + strlen("used_memory:"), NULL, 10);
}

/* ---- an owner ---- */

void owner_new(owner *o, const fd_redis_config *c)
{
    static const char *const topics[] = {TOPIC, "other"};
    fd_redis_config config = *c;
    config.prefix = PREFIX;
    config.topics = topics;
    config.n_topics = 2;
    fd_err err;
    o->redis = fd_redis_new(&config, &err);
    CHECK(o->redis != NULL, "%s", err.text);
    o->port = fd_redis_port(o->redis);
    for (uint16_t source = 0; source < 2; source++)
        o->port.ops->set_lineage(o->port.self, source, LINEAGE);
}

void owner_to(owner *o, const char *url)
{
    owner_new(o, &(fd_redis_config){.url = url});
    CHECK(owner_wait_up(o, 5000), "not up");
}

void owner_end(owner *o)
{
    fd_redis_free(o->redis);
    o->redis = NULL;
}

int owner_wait_up(owner *o, int limit_ms)
{
    fd_state_reply none;
    CHECK(!o->port.ops->poll(o->port.self, (int64_t)limit_ms * 1000, &none), "an answer");
    return o->port.ops->up(o->port.self, NULL);
}

void owner_expect_down(owner *o, const char *part, fd_class cls)
{
    fd_err err = {.text = "up"};
    fd_state_reply none;
    int64_t until = now_us() + 10 * (int64_t)SECOND_US;
    while (now_us() < until) {
        o->port.ops->poll(o->port.self, 1000, &none);
        if (!o->port.ops->up(o->port.self, &err) && strstr(err.text, part) != NULL) {
            CHECK(err.cls == cls, "class %s: %s", fd_class_name(err.cls), err.text);
            CHECK(err.exit_code == (cls == FD_FATAL ? FD_EXIT_CONFIG : FD_EXIT_UNAVAILABLE), "%d",
                  err.exit_code);
            return;
        }
    }
    CHECK(0, "\"%s\" was never said, but: %s", part, err.text);
}

fd_state_reply owner_ask(owner *o, fd_state_request *rq)
{
    fd_state_reply reply;
    CHECK(o->port.ops->submit(o->port.self, rq), "the queue is full");
    CHECK(o->port.ops->poll(o->port.self, 20 * (int64_t)SECOND_US, &reply), "no answer");
    CHECK(reply.request == rq, "another's answer");
    return reply;
}

fd_state_result owner_take(owner *o, uint64_t nonce, uint64_t expect, fd_state_mark *mark)
{
    fd_state_request rq = {.kind = FD_STATE_TAKE, .nonce = nonce, .expect = expect};
    fd_state_reply reply = owner_ask(o, &rq);
    *mark = reply.mark;
    return reply.result;
}

fd_state_result owner_reset(owner *o, uint64_t nonce, uint64_t seq)
{
    fd_state_request rq = {.kind = FD_STATE_RESET, .nonce = nonce, .seq = seq};
    return owner_ask(o, &rq).result;
}

fd_state_result owner_flush(owner *o, uint64_t nonce, uint64_t seq, const char *stem, uint32_t n,
                            uint32_t size, int64_t lsn)
{
    static char keys[FD_STATE_MAX_VALUES][32], bytes[1 << 20];
    static fd_state_value v[FD_STATE_MAX_VALUES];
    FD_ASSERT(n <= FD_STATE_MAX_VALUES && size <= sizeof bytes);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(keys[i], sizeof keys[i], "%s%u", stem, i);
        v[i] = (fd_state_value){.key_kind = 1,
                                .key = fd_str_from(keys[i]),
                                .bytes = {bytes, size},
                                .lsn = lsn,
                                .last_us = lsn};
    }
    fd_state_request rq = {.kind = FD_STATE_FLUSH,
                           .nonce = nonce,
                           .seq = seq,
                           .mark = {.redo = lsn + 1},
                           .n = n,
                           .values = v};
    return owner_ask(o, &rq).result;
}

int64_t owner_lsn(owner *o, uint64_t nonce, uint64_t seq, const char *key)
{
    fd_state_value v = {.key_kind = 1, .key = fd_str_from(key)};
    fd_state_request rq = {.kind = FD_STATE_READ, .nonce = nonce, .seq = seq, .n = 1, .values = &v};
    fd_state_reply reply = owner_ask(o, &rq);
    if (reply.result != FD_STATE_OK)
        return reply.result == FD_STATE_REFUSED ? -2 : -3;
    return v.bytes.p == NULL ? -1 : v.lsn;
}
