/*
 * What the cases of the Redis adapter's test share: checks, Redis servers of their own, ways to
 * look at them that do not go through the code under test, and an owner that asks.
 */
#ifndef REDIS_ADAPTER_SUPPORT_H
#define REDIS_ADAPTER_SUPPORT_H

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <sys/types.h>

#include "redis/redis.h"

/* Ends the running case (not the program) when it does not hold. */
#define CHECK(cond, ...)                                                 \
    do {                                                                 \
        if (!(cond)) {                                                   \
            fprintf(stderr, "  %s:%d: %s: ", __FILE__, __LINE__, #cond); \
            fprintf(stderr, __VA_ARGS__);                                \
            fputc('\n', stderr);                                         \
            case_failed();                                               \
        }                                                                \
    } while (0)

_Noreturn void case_failed(void);

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

extern const test_case connect_cases[], crash_cases[], speed_cases[];
/* Prints a line per history and counts. */
void run_histories(int argc, char **argv, int *passed, int *failed);
int is_wanted(const char *name, int argc, char **argv);

enum { SECOND_US = 1000000, SERVERS_MAX = 8, OPTIONS_MAX = 40 };

int64_t now_us(void);
void sleep_ms(int ms);
int free_port(void);
const char *work_dir(void);     /* of this run; removed at its end */
void run_command(const char *); /* of a shell; it must succeed */

/* ---- servers ---- */

typedef struct server {
    pid_t pid; /* 0: does not run */
    int port;
    char dir[256];
    char socket[300];
    char url[64]; /* TCP */
    const char *options[OPTIONS_MAX];
    redisContext *hand; /* by hand, over its socket */
} server;

/* A new one, empty, on a port of its own; more options "--name", "value" ..., NULL; they must
 * live on. */
server *server_new(const char *option, ...);
void server_run(server *s); /* again, after it ended */
void server_signal(server *s, int signal);
void server_kill(server *s); /* SIGKILL, and waited for */
void servers_end(void);      /* all of them; none of them exists any more */

/* By hand; the reply is freed at the next call. */
const redisReply *hand(server *s, const char *format, ...);
long long used_memory(server *s);

/* ---- an owner ---- */

typedef struct owner {
    fd_redis *redis;
    fd_state_store port;
} owner;

#define TOPIC   "pay"
#define PREFIX  "t:"
#define LINEAGE "l1"

/* Fields of `c` that are 0 are filled in but the timeout. */
void owner_new(owner *o, const fd_redis_config *c);
void owner_to(owner *o, const char *url);
void owner_end(owner *o);
int owner_wait_up(owner *o, int limit_ms);
/* Waits until up() says no and its text contains `part`. */
void owner_expect_down(owner *o, const char *part, fd_class cls);
fd_state_reply owner_ask(owner *o, fd_state_request *rq);
fd_state_result owner_take(owner *o, uint64_t nonce, uint64_t expect, fd_state_mark *mark);
fd_state_result owner_reset(owner *o, uint64_t nonce, uint64_t seq);
/* n values "<stem><i>", `size` bytes each, of this LSN; redo behind it. */
fd_state_result owner_flush(owner *o, uint64_t nonce, uint64_t seq, const char *stem, uint32_t n,
                            uint32_t size, int64_t lsn);
/* The LSN of a value; -1 none, -2 refused, -3 down. */
int64_t owner_lsn(owner *o, uint64_t nonce, uint64_t seq, const char *key);

#endif
