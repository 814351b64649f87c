/*
 * What a new connection is told and asked before it is used: who we are, which database, whether
 * this Redis can be trusted with state, and the scripts. One thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "redis/redis_int.h"
#include "redis/script.h"
#include "redis/wire.h"

enum { OLDEST_MAJOR = 6, OLDEST_MINOR = 2, FLAGS_MAJOR = 7, VALUE_MAX = 64 };

void fd_redis_greet(fd_redis *r)
{
    const fd_redis_url *u = &r->url;
    if (u->password[0] != '\0') {
        bool named = u->user[0] != '\0';
        fd_wire_begin(&r->unsent, named ? 3 : 2);
        fd_wire_text(&r->unsent, "AUTH");
        if (named)
            fd_wire_text(&r->unsent, u->user);
        fd_wire_text(&r->unsent, u->password);
        fd_redis_expect(r, FD_REDIS_ON_AUTH);
    }
    if (u->db != 0) {
        char db[16];
        snprintf(db, sizeof db, "%u", u->db);
        fd_wire_begin(&r->unsent, 2);
        fd_wire_text(&r->unsent, "SELECT");
        fd_wire_text(&r->unsent, db);
        fd_redis_expect(r, FD_REDIS_ON_SELECT);
    }
    fd_wire_begin(&r->unsent, 1);
    fd_wire_text(&r->unsent, "INFO");
    fd_redis_expect(r, FD_REDIS_ON_INFO);
}

static void load_scripts(fd_redis *r)
{
    r->stage = FD_REDIS_LOADING;
    for (int kind = 0; kind < FD_STATE_N_REQUESTS; kind++) {
        char *script = fd_redis_script((fd_state_request_kind)kind, r->with_flags);
        fd_wire_begin(&r->unsent, 3);
        fd_wire_text(&r->unsent, "SCRIPT");
        fd_wire_text(&r->unsent, "LOAD");
        fd_wire_text(&r->unsent, script);
        free(script);
        fd_redis_expect(r, (uint16_t)(FD_REDIS_ON_LOAD + kind));
    }
    fd_redis_send(r);
}

/* ---- what INFO says ---- */

/* The value of a line "name:value"; "" when there is none. */
static void info_of(const char *info, const char *name, char out[VALUE_MAX])
{
    size_t n = strlen(name);
    out[0] = '\0';
    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            snprintf(out, VALUE_MAX, "%.*s", (int)strcspn(line + n + 1, "\r\n"), line + n + 1);
            return;
        }
    }
}

static bool version_is_fine(fd_redis *r, const char *info)
{
    char version[VALUE_MAX], *end;
    info_of(info, "redis_version", version);
    long major = strtol(version, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    r->with_flags = major >= FLAGS_MAJOR;
    if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))
        return true;
    fd_redis_break(r, FD_FATAL, FD_EXIT_CONFIG,
                   "its version is %s; fraudd needs Redis %d.%d or newer, or Valkey", version,
                   OLDEST_MAJOR, OLDEST_MINOR);
    return false;
}

static bool place_is_fine(fd_redis *r, const char *info)
{
    char text[VALUE_MAX];
    info_of(info, "redis_mode", text);
    if (strcmp(text, "cluster") == 0) {
        fd_redis_break(
            r, FD_FATAL, FD_EXIT_CONFIG,
            "it is a node of a Redis Cluster, which fraudd cannot use: give it one Redis, "
            "with a replica if you like");
        return false;
    }
    info_of(info, "role", text);
    if (strcmp(text, "slave") == 0) {
        fd_redis_break(
            r, FD_RETRY, FD_EXIT_UNAVAILABLE,
            "it is a replica, which takes no writes: redis.url must lead to the primary");
        return false;
    }
    info_of(info, "loading", text);
    if (text[0] == '1') {
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "it is still loading its data");
        return false;
    }
    return true;
}

/* Any other policy may remove single keys; it would be noticed, and redone, again and again. */
static bool policy_is_fine(fd_redis *r, const char *info)
{
    char policy[VALUE_MAX];
    info_of(info, "maxmemory_policy", policy);
    if (strcmp(policy, "noeviction") == 0)
        return true;
    fd_redis_break(r, FD_FATAL, FD_EXIT_CONFIG,
                   "its maxmemory-policy is %s, so it may throw state away: set it to noeviction "
                   "(redis-cli CONFIG SET maxmemory-policy noeviction, and in its configuration)",
                   policy[0] == '\0' ? "unknown" : policy);
    return false;
}

/* ---- answers ---- */

/* What stands between us and Redis may not know AUTH, and say so with its words. */
static bool echoes_password(const fd_redis *r, const char *text)
{
    return strstr(text, r->url.password) != NULL;
}

static void on_error(fd_redis *r, uint16_t what, const char *text)
{
    static const char *const needs =
        "+info +eval +evalsha +script|load +hget +hmget +hset +hdel +hlen +hscan +unlink";
    if (strncmp(text, "NOAUTH", 6) == 0)
        fd_redis_break(r, FD_FATAL, FD_EXIT_CONFIG,
                       "it wants a password: set redis.password or redis.password_file");
    else if (strncmp(text, "NOPERM", 6) == 0)
        fd_redis_break(r, FD_FATAL, FD_EXIT_CONFIG,
                       "the user may not do what it must: %.100s; it needs ~%.60s* %s", text,
                       r->prefix, needs);
    else if (what == FD_REDIS_ON_AUTH)
        fd_redis_break(r, FD_FATAL, FD_EXIT_CONFIG,
                       "redis.username or redis.password is not right: %.200s",
                       echoes_password(r, text) ? "(its answer repeats them)" : text);
    else if (what == FD_REDIS_ON_SELECT)
        fd_redis_break(r, FD_FATAL, FD_EXIT_CONFIG, "database %u cannot be used: %.200s", r->url.db,
                       text);
    else
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "%.300s", text);
}

static void on_info(fd_redis *r, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING) {
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "INFO is no text");
        return;
    }
    if (version_is_fine(r, reply->str) && place_is_fine(r, reply->str) &&
        policy_is_fine(r, reply->str))
        load_scripts(r);
}

static void on_load(fd_redis *r, uint16_t kind, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len != FD_REDIS_SHA_CHARS) {
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "SCRIPT LOAD does not answer a hash");
        return;
    }
    memcpy(r->sha[kind], reply->str, FD_REDIS_SHA_CHARS + 1);
    if (kind + 1 < FD_STATE_N_REQUESTS)
        return;
    r->stage = FD_REDIS_UP;
    r->up_ns = fd_redis_now();
    r->stats.connects++;
}

void fd_redis_greeted(fd_redis *r, uint16_t what, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        on_error(r, what, reply->str);
    else if (what == FD_REDIS_ON_INFO)
        on_info(r, reply);
    else if (what >= FD_REDIS_ON_LOAD)
        on_load(r, (uint16_t)(what - FD_REDIS_ON_LOAD), reply);
}
