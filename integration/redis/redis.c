/*
 * The state store's port over one connection: the queue of requests; see redis.h. One thread.
 *
 * Invariant: a place of the queue is unanswered only while its command's answer is expected on the
 * connection (`wire`). So a broken connection, which answers all, leaves nothing behind.
 */
#include "redis/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "redis/redis_int.h"
#include "redis/script.h"
#include "redis/wire.h"

#define REDIS_MAGIC 0x52454453u
enum { PREFIX_MAX = 260, TOPIC_MAX = 249 };

static const int64_t DEFAULT_TIMEOUT_US = 5000000;

/* ---- answers ---- */

static fd_redis_slot *slot_of(fd_redis *r, uint32_t i)
{
    return &r->slots[(r->head + i) % FD_REDIS_QUEUE];
}

static void answer_down(fd_redis *r, fd_redis_slot *s, const fd_err *err)
{
    s->answered = true;
    s->reply = (fd_state_reply){.request = s->request, .result = FD_STATE_DOWN, .err = *err};
    r->stats.downs++;
}

void fd_redis_answer_all_down(fd_redis *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        fd_redis_slot *s = slot_of(r, i);
        if (!s->answered)
            answer_down(r, s, &r->why);
    }
}

static void head_of(const fd_redis *r, const fd_state_request *rq, char out[FD_REDIS_HEAD_MAX])
{
    FD_ASSERT(rq->tp.source < r->n_places);
    const fd_redis_place *p = &r->places[rq->tp.source];
    FD_ASSERT(p->lineage[0] != '\0');
    snprintf(out, FD_REDIS_HEAD_MAX, "%s{%s:%d}:%s:", r->prefix, p->topic, rq->tp.partition,
             p->lineage);
}

/* Redis has forgotten the script, as after SCRIPT FLUSH: with its text, once more. */
static void send_text(fd_redis *r, uint16_t slot)
{
    const fd_state_request *rq = r->slots[slot].request;
    char head[FD_REDIS_HEAD_MAX];
    char *script = fd_redis_script(rq->kind, r->with_flags);
    head_of(r, rq, head);
    fd_wire_request(&r->unsent, rq, head, "EVAL", script);
    free(script);
    fd_redis_expect(r, slot);
    fd_redis_send(r);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Errors that are about the request, or the moment; with others the connection is of no use. */
static bool connection_stays(const char *error)
{
    return begins(error, "OOM") || begins(error, "MISCONF") || begins(error, "NOREPLICAS") ||
           begins(error, "BUSY");
}

static void on_error(fd_redis *r, uint16_t slot, const char *text)
{
    if (begins(text, "NOSCRIPT")) {
        send_text(r, slot);
        return;
    }
    if (!connection_stays(text)) {
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "%.300s", text);
        return;
    }
    fd_err err;
    fd_fail(&err, FD_RETRY, FD_EXIT_UNAVAILABLE, "Redis at %.120s: %.300s", r->url.address, text);
    answer_down(r, &r->slots[slot], &err);
}

static void say_refused(fd_redis *r, fd_redis_slot *s)
{
    const fd_tp tp = s->request->tp;
    char why[sizeof s->reply.err.text];
    snprintf(why, sizeof why, "%s", s->reply.err.text);
    fd_fail(&s->reply.err, FD_ABORT, 0, "the state of %.100s:%d in Redis: %.300s",
            r->places[tp.source].topic, tp.partition, why);
    r->stats.refused++;
}

void fd_redis_answer(fd_redis *r, uint16_t slot, redisReply *reply)
{
    fd_redis_slot *s = &r->slots[slot];
    FD_ASSERT(!s->answered);
    if (reply->type == REDIS_REPLY_ERROR) {
        on_error(r, slot, reply->str);
        freeReplyObject(reply);
        return;
    }
    s->reply = (fd_state_reply){.request = s->request};
    if (!fd_wire_reply(reply, &s->reply)) {
        freeReplyObject(reply);
        fd_redis_break(r, FD_RETRY, FD_EXIT_UNAVAILABLE, "a script's answer makes no sense");
        return;
    }
    s->answered = true;
    r->failures = 0;
    if (s->reply.result == FD_STATE_REFUSED)
        say_refused(r, s);
    s->from = reply;
}

/* ---- the port ---- */

static void set_lineage(void *self, uint16_t source, const char *lineage)
{
    fd_redis *r = self;
    FD_CHECK_MAGIC(r, REDIS_MAGIC);
    FD_ASSERT(source < r->n_places && lineage[0] != '\0' &&
              strlen(lineage) <= FD_STATE_LINEAGE_CHARS);
    fd_redis_place *p = &r->places[source];
    snprintf(p->lineage, sizeof p->lineage, "%s", lineage);
}

static bool submit(void *self, fd_state_request *rq)
{
    fd_redis *r = self;
    FD_CHECK_MAGIC(r, REDIS_MAGIC);
    if (r->n == FD_REDIS_QUEUE || r->unsent.n - r->sent > FD_REDIS_UNSENT_MAX)
        return false;
    char head[FD_REDIS_HEAD_MAX];
    head_of(r, rq, head);
    uint16_t slot = (uint16_t)((r->head + r->n++) % FD_REDIS_QUEUE);
    r->slots[slot] = (fd_redis_slot){.request = rq};
    r->stats.requests++;
    if (r->stage != FD_REDIS_UP) {
        answer_down(r, &r->slots[slot], &r->why);
        return true;
    }
    fd_wire_request(&r->unsent, rq, head, "EVALSHA", r->sha[rq->kind]);
    fd_redis_expect(r, slot);
    fd_redis_send(r);
    return true;
}

static bool give_out(fd_redis *r, fd_state_reply *out)
{
    fd_redis_slot *s = slot_of(r, 0);
    if (r->n == 0 || !s->answered)
        return false;
    *out = s->reply;
    r->kept = s->from;
    s->from = NULL;
    r->head = (r->head + 1) % FD_REDIS_QUEUE;
    r->n--;
    return true;
}

static bool poll_one(void *self, int64_t timeout_us, fd_state_reply *out)
{
    fd_redis *r = self;
    FD_CHECK_MAGIC(r, REDIS_MAGIC);
    if (r->kept != NULL)
        freeReplyObject(r->kept);
    r->kept = NULL;
    int64_t until_ns = fd_redis_now() + timeout_us * 1000;
    for (;;) {
        fd_redis_advance(r);
        if (give_out(r, out))
            return true;
        if ((r->n == 0 && r->stage == FD_REDIS_UP) || fd_redis_now() >= until_ns)
            return false;
        fd_redis_wait(r, until_ns);
    }
}

static bool up(void *self, fd_err *err)
{
    fd_redis *r = self;
    FD_CHECK_MAGIC(r, REDIS_MAGIC);
    if (r->stage != FD_REDIS_UP && err != NULL)
        *err = r->why;
    return r->stage == FD_REDIS_UP;
}

/* ---- its life ---- */

static char *copy(const char *text)
{
    char *s = strdup(text);
    FD_ALLOCATED(s);
    return s;
}

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static fd_class override(char *at, size_t size, const char *text, const char *key, fd_err *err)
{
    if (!given(text))
        return FD_OK;
    if (strlen(text) >= size)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "%s is too long", key);
    snprintf(at, size, "%s", text);
    return FD_OK;
}

static fd_class set_names(fd_redis *r, const fd_redis_config *c, fd_err *err)
{
    char prefix[PREFIX_MAX + 1];
    int n = given(c->prefix) ? snprintf(prefix, sizeof prefix, "%s", c->prefix)
                             : snprintf(prefix, sizeof prefix, "fraudd:%s:", c->group);
    if (n > PREFIX_MAX || strpbrk(prefix, "{}") != NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "redis.prefix: at most %d characters, without { and }", PREFIX_MAX);
    r->prefix = copy(prefix);
    r->n_places = c->n_topics;
    r->places = calloc(c->n_topics, sizeof *r->places);
    FD_ALLOCATED(r->places);
    for (uint16_t i = 0; i < c->n_topics; i++) {
        FD_ASSERT(strlen(c->topics[i]) <= TOPIC_MAX);
        r->places[i].topic = copy(c->topics[i]);
    }
    return FD_OK;
}

static fd_class set_up(fd_redis *r, const fd_redis_config *c, fd_err *err)
{
    fd_redis_url *u = &r->url;
    if (fd_redis_url_parse(c->url == NULL ? "" : c->url, u, err) != FD_OK ||
        override(u->user, sizeof u->user, c->username, "redis.username", err) != FD_OK ||
        override(u->password, sizeof u->password, c->password, "redis.password", err) != FD_OK ||
        set_names(r, c, err) != FD_OK)
        return FD_FATAL;
    if (u->user[0] != '\0' && u->password[0] == '\0')
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "redis.username goes with redis.password or redis.password_file");
    if (u->tls) {
        r->tls = fd_link_tls_new(given(c->ca_file) ? c->ca_file : NULL, err);
        if (r->tls == NULL)
            return FD_FATAL;
    }
    return FD_OK;
}

fd_redis *fd_redis_new(const fd_redis_config *config, fd_err *err)
{
    FD_ASSERT(config->n_topics > 0 && (given(config->prefix) || given(config->group)));
    fd_redis *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->magic = REDIS_MAGIC;
    r->timeout_ns = (config->timeout_us > 0 ? config->timeout_us : DEFAULT_TIMEOUT_US) * 1000;
    r->salt = config->salt;
    if (set_up(r, config, err) != FD_OK) {
        fd_redis_free(r);
        return NULL;
    }
    fd_fail(&r->why, FD_RETRY, FD_EXIT_UNAVAILABLE, "Redis at %s: not connected yet",
            r->url.address);
    return r;
}

void fd_redis_free(fd_redis *r)
{
    if (r == NULL)
        return;
    FD_CHECK_MAGIC(r, REDIS_MAGIC);
    fd_redis_disconnect(r);
    fd_strbuf_free(&r->unsent);
    for (uint32_t i = 0; i < r->n; i++) {
        if (slot_of(r, i)->from != NULL)
            freeReplyObject(slot_of(r, i)->from);
    }
    if (r->kept != NULL)
        freeReplyObject(r->kept);
    if (r->addresses != NULL)
        freeaddrinfo(r->addresses);
    fd_link_tls_free(r->tls);
    for (uint16_t i = 0; i < r->n_places; i++)
        free(r->places[i].topic);
    free(r->places);
    free(r->prefix);
    r->magic = 0;
    free(r);
}

fd_state_store fd_redis_port(fd_redis *r)
{
    static const fd_state_ops OPS = {
        .set_lineage = set_lineage, .submit = submit, .poll = poll_one, .up = up};
    FD_CHECK_MAGIC(r, REDIS_MAGIC);
    return (fd_state_store){.ops = &OPS, .self = r};
}

const char *fd_redis_address(const fd_redis *r)
{
    return r->url.address;
}

fd_redis_stats fd_redis_count(const fd_redis *r)
{
    return r->stats;
}
