/*
 * The inside of the Redis adapter: the queue of requests (redis.c) over one connection (connect.c).
 *
 * Requests are answered in their order; `wire` holds, in the order they were sent, whose answer
 * comes next. Those two differ only after a NOSCRIPT, when a request is sent once more. One thread.
 */
#ifndef FD_REDIS_REDIS_INT_H
#define FD_REDIS_REDIS_INT_H

#include <hiredis/hiredis.h>

#include "base/strbuf.h"
#include "redis/link.h"
#include "redis/redis.h"
#include "redis/resolve.h"
#include "redis/url.h"

/* WAITING for the back-off; GREETING: user, database, INFO; LOADING: scripts. */
typedef enum fd_redis_stage {
    FD_REDIS_WAITING,
    FD_REDIS_RESOLVING,
    FD_REDIS_CONNECTING,
    FD_REDIS_GREETING,
    FD_REDIS_LOADING,
    FD_REDIS_UP
} fd_redis_stage;

/* What a reply belongs to: a place of the queue (below FD_REDIS_QUEUE), or one of these. */
enum {
    FD_REDIS_ON_AUTH = FD_REDIS_QUEUE,
    FD_REDIS_ON_SELECT,
    FD_REDIS_ON_INFO,
    FD_REDIS_ON_LOAD, /* + the kind of request */
    FD_REDIS_WIRE_MAX = FD_REDIS_QUEUE + 16,
    FD_REDIS_SHA_CHARS = 40
};

typedef struct fd_redis_slot {
    fd_state_request *request;
    bool answered;
    fd_state_reply reply;
    redisReply *from; /* READ: where its values are */
} fd_redis_slot;

typedef struct fd_redis_place {
    char *topic;
    char lineage[FD_STATE_LINEAGE_CHARS + 1];
} fd_redis_place;

struct fd_redis {
    unsigned magic;
    fd_redis_url url;
    char *prefix;
    fd_redis_place *places; /* by source */
    uint16_t n_places;
    int64_t timeout_ns;
    uint64_t salt;
    fd_link_tls *tls; /* NULL: plain */
    fd_redis_stats stats;

    fd_redis_stage stage;
    fd_err why;        /* not UP: why not */
    int64_t due_ns;    /* WAITING: when it ends; else when patience does (INT64_MAX: never) */
    int64_t up_ns;     /* UP: since when */
    uint32_t failures; /* in a row */
    uint64_t waits;    /* all of them: what the jitter is drawn from */
    fd_resolve *resolve;
    struct addrinfo *addresses, *next_address;
    fd_link *link;
    redisReader *reader;
    fd_strbuf unsent;
    size_t sent; /* of it */
    bool with_flags;
    char sha[FD_STATE_N_REQUESTS][FD_REDIS_SHA_CHARS + 1];

    uint16_t wire[FD_REDIS_WIRE_MAX];
    uint32_t wire_head, wire_n;
    fd_redis_slot slots[FD_REDIS_QUEUE];
    uint32_t head, n;
    redisReply *kept; /* of the reply that was given out last */
};

/* ---- connect.c ---- */

int64_t fd_redis_now(void);
/* Everything that can be done without waiting. */
void fd_redis_advance(fd_redis *r);
/* Waits for the connection, at most until then. */
void fd_redis_wait(fd_redis *r, int64_t until_ns);
/* The connection is no good any more. FD_FATAL: somebody has to mend something. */
void fd_redis_break(fd_redis *r, fd_class cls, int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void fd_redis_expect(fd_redis *r, uint16_t what); /* the next command's answer is of this */
void fd_redis_send(fd_redis *r);                  /* as much as goes now */
void fd_redis_disconnect(fd_redis *r);

/* ---- greet.c ---- */

void fd_redis_greet(fd_redis *r);
/* An answer to one of the greeting's commands. */
void fd_redis_greeted(fd_redis *r, uint16_t what, const redisReply *reply);

/* ---- redis.c ---- */

/* Takes the reply. */
void fd_redis_answer(fd_redis *r, uint16_t slot, redisReply *reply);
void fd_redis_answer_all_down(fd_redis *r);

#endif
