/*
 * The state store in Redis (6.2 or newer) or Valkey: ports/state_store.h over one connection.
 *
 * In Redis, per topic, partition and lineage, all in one hash slot:
 *   <prefix>{<topic>:<partition>}:<lineage>:m       the marker: a hash of texts
 *   <prefix>{<topic>:<partition>}:<lineage>:b:<i>   FD_REDIS_BUCKETS hashes with the values; field
 * = key kind (2 bytes, big-endian) + key; value = LSN, last_us (8 bytes each, big-endian, the
 *       latter with its sign bit flipped) + bytes; field `_` = number of values of the bucket
 * Requests are Lua scripts (EVALSHA; EVAL where Redis forgot them). Each one looks at everything
 * that could refuse it before it writes: none is done by half, also when memory runs out.
 *
 * One connection, not blocking; it is made, and made again after a break, within poll(): back-off
 * 25 ms to 5 s, every new one checked: version, role, no cluster, maxmemory-policy noeviction. A
 * break, or no sign of life for `timeout_us`, answers all that is outstanding DOWN; while there is
 * no connection, requests are answered DOWN at once. Error replies of Redis are DOWN too; OOM (a
 * full Redis), MISCONF, NOREPLICAS and BUSY leave the connection as it is.
 * up() says RETRY for what may pass by itself and FATAL (with an exit code) for what somebody has
 * to mend: a password, a policy, a version. It goes on trying in either case. Texts never hold a
 * password. Thread: one, but looking up a host's name has its own.
 */
#ifndef FD_REDIS_REDIS_H
#define FD_REDIS_REDIS_H

#include "ports/state_store.h"

enum {
    FD_REDIS_BUCKETS = 64,        /* a part of the layout in Redis */
    FD_REDIS_QUEUE = 64,          /* requests outstanding */
    FD_REDIS_UNSENT_MAX = 8 << 20 /* bytes; beyond it submit() says no */
};

typedef struct fd_redis fd_redis;

/* Strings are copied. 0 or NULL: the default. */
typedef struct fd_redis_config {
    /* redis://[user:password@]host[:port][/db], rediss:// likewise (TLS), or
     * unix://[user:password@]/path[?db=N]; parts may be %-encoded. */
    const char *url;
    const char *username; /* win over the URL's */
    const char *password;
    const char *ca_file;       /* PEM, for rediss://; default: the system's authorities */
    const char *prefix;        /* of all key names, without { and }; default fraudd:<group>: */
    const char *group;         /* where there is no prefix */
    const char *const *topics; /* by source */
    uint16_t n_topics;
    int64_t timeout_us; /* to connect, or without an answer; default 5 s */
    uint64_t salt;      /* what differs between processes: spreads their reconnects */
} fd_redis_config;

typedef struct fd_redis_stats {
    uint64_t connects; /* usable connections so far */
    uint64_t requests, refused, downs;
    uint64_t bytes_out, bytes_in;
} fd_redis_stats;

/* NULL when the settings cannot be right (err->exit_code is FD_EXIT_CONFIG). Does not connect. */
fd_redis *fd_redis_new(const fd_redis_config *config, fd_err *err);
/* Requests outstanding are not answered any more. NULL is fine. */
void fd_redis_free(fd_redis *r);
fd_state_store fd_redis_port(fd_redis *r);
/* "host:port" or a path, for texts. */
const char *fd_redis_address(const fd_redis *r);
fd_redis_stats fd_redis_count(const fd_redis *r);

#endif
