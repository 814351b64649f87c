/* The address of a Redis; see url.h. Any thread. */
#include "redis/url.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:%"

static fd_class bad(fd_err *err, const char *why)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                   "redis.url: %s; it is written like redis://host:6379/0, rediss://host:6380 or "
                   "unix:///run/redis.sock",
                   why);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %-encoding. False: too long, a bad code, or a NUL in it. */
static bool decode(fd_str s, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (c == '\0' || n + 1 >= size)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* The part of *rest before the first `stop`; *rest goes on behind it. Without one: all of it, and
 * the rest has no bytes at all. */
static fd_str cut(fd_str *rest, char stop)
{
    const char *at = rest->n == 0 ? NULL : memchr(rest->p, stop, rest->n);
    uint32_t n = at == NULL ? rest->n : (uint32_t)(at - rest->p);
    fd_str head = {rest->p, n};
    uint32_t gone = at == NULL ? n : n + 1;
    *rest = (fd_str){at == NULL ? NULL : rest->p + gone, rest->n - gone};
    return head;
}

static bool number(fd_str s, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;
    if (s.n == 0 || s.n > 6)
        return false;
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(s.p[i] - '0');
    }
    *out = v;
    return v <= max;
}

/* Takes "user:password@" off the front of *rest, where the authority ends at the first '/'. */
static bool take_user(fd_str *rest, fd_redis_url *out)
{
    uint32_t end = 0, at = UINT32_MAX;
    for (; end < rest->n && rest->p[end] != '/' && rest->p[end] != '?'; end++) {
        if (rest->p[end] == '@')
            at = end;
    }
    if (at == UINT32_MAX)
        return true;
    fd_str who = {rest->p, at};
    fd_str user = cut(&who, ':');
    *rest = (fd_str){rest->p + at + 1, rest->n - at - 1};
    return decode(user, out->user, sizeof out->user) &&
           decode(who, out->password, sizeof out->password);
}

static fd_class parse_local(fd_str rest, fd_redis_url *out, fd_err *err)
{
    fd_str path = cut(&rest, '?');
    bool more = rest.p != NULL;
    out->local = true;
    if (path.n == 0 || path.p[0] != '/' || path.n > 100 ||
        !decode(path, out->host, sizeof out->host))
        return bad(err, "the path of the socket is absolute and at most 100 characters long");
    if (more) {
        fd_str name = cut(&rest, '=');
        if (!fd_str_eq_c(name, "db") || !number(rest, 999999, &out->db))
            return bad(err, "behind the path only ?db=N can stand");
    }
    snprintf(out->address, sizeof out->address, "%s", out->host);
    return FD_OK;
}

static fd_class parse_host(fd_str rest, fd_redis_url *out, fd_err *err)
{
    fd_str place = cut(&rest, '/');
    fd_str host;
    if (place.n > 0 && place.p[0] == '[') {
        place = (fd_str){place.p + 1, place.n - 1};
        host = cut(&place, ']');
        if (place.p == NULL || (place.n > 0 && place.p[0] != ':'))
            return bad(err, "behind an IPv6 address in brackets can only stand :port");
        if (place.n > 0)
            cut(&place, ':');
        else
            place.p = NULL;
    } else {
        host = cut(&place, ':');
    }
    uint32_t port = 6379;
    if (host.n == 0 || !decode(host, out->host, sizeof out->host) ||
        out->host[strspn(out->host, HOST_CHARS)] != '\0')
        return bad(err, "there is no host in it, or one with characters that no name has");
    if (place.p != NULL && (!number(place, 65535, &port) || port == 0))
        return bad(err, "the port is no number from 1 to 65535");
    if (rest.n > 0 && !number(rest, 999999, &out->db))
        return bad(err, "behind the host only /N, the number of the database, can stand");
    snprintf(out->port, sizeof out->port, "%u", port);
    bool v6 = strchr(out->host, ':') != NULL;
    snprintf(out->address, sizeof out->address, "%s%s%s:%s", v6 ? "[" : "", out->host,
             v6 ? "]" : "", out->port);
    return FD_OK;
}

fd_class fd_redis_url_parse(const char *text, fd_redis_url *out, fd_err *err)
{
    *out = (fd_redis_url){.tls = false};
    fd_str rest = fd_str_from(text);
    if (rest.n > FD_REDIS_URL_MAX)
        return bad(err, "it is too long");
    const char *colon = rest.n == 0 ? NULL : strstr(text, "://");
    if (colon == NULL)
        return bad(err, "it has no scheme");
    fd_str scheme = {text, (uint32_t)(colon - text)};
    rest = (fd_str){colon + 3, rest.n - scheme.n - 3};
    if (!take_user(&rest, out))
        return bad(err, "its user or password is too long, or has a bad %-code");
    if (fd_str_eq_c(scheme, "unix"))
        return parse_local(rest, out, err);
    out->tls = fd_str_eq_c(scheme, "rediss");
    if (!out->tls && !fd_str_eq_c(scheme, "redis"))
        return bad(err, "the scheme is redis, rediss or unix");
    return parse_host(rest, out, err);
}
