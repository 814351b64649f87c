/* Requests and replies; see wire.h. Any thread. */
#include "redis/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "redis/script.h"

enum { HEADER = 16, KIND = 2, NUMBER_MAX = 24 };

/* ---- words ---- */

static void put_number(fd_strbuf *out, char sign, uint64_t n)
{
    char text[NUMBER_MAX], *p = text + sizeof text;
    *--p = '\n';
    *--p = '\r';
    do
        *--p = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    *--p = sign;
    fd_strbuf_add(out, p, (size_t)(text + sizeof text - p));
}

void fd_wire_begin(fd_strbuf *out, uint32_t words)
{
    put_number(out, '*', words);
}

void fd_wire_word(fd_strbuf *out, const void *bytes, size_t n)
{
    put_number(out, '$', n);
    fd_strbuf_add(out, bytes, n);
    fd_strbuf_add(out, "\r\n", 2);
}

void fd_wire_text(fd_strbuf *out, const char *text)
{
    fd_wire_word(out, text, strlen(text));
}

static void word_u64(fd_strbuf *out, uint64_t n)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof text, "%" PRIu64, n);
    fd_wire_text(out, text);
}

static void word_i64(fd_strbuf *out, int64_t n)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof text, "%" PRId64, n);
    fd_wire_text(out, text);
}

static void word_nonce(fd_strbuf *out, uint64_t nonce)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof text, "%016" PRIx64, nonce);
    fd_wire_text(out, nonce == 0 ? "" : text);
}

static void big_endian(unsigned char *p, uint64_t n)
{
    for (int i = 7; i >= 0; i--, n >>= 8)
        p[i] = (unsigned char)n;
}

static uint64_t from_big_endian(const unsigned char *p)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

/* Times before 1970 sort before those after it. */
static uint64_t sortable(int64_t us)
{
    return (uint64_t)us ^ (uint64_t)1 << 63;
}

static void word_field(fd_strbuf *out, const fd_state_value *v)
{
    unsigned char kind[KIND] = {(unsigned char)(v->key_kind >> 8), (unsigned char)v->key_kind};
    put_number(out, '$', KIND + (size_t)v->key.n);
    fd_strbuf_add(out, kind, KIND);
    fd_strbuf_add(out, v->key.p, v->key.n);
    fd_strbuf_add(out, "\r\n", 2);
}

static void word_value(fd_strbuf *out, const fd_state_value *v)
{
    FD_ASSERT(v->bytes.p != NULL && v->lsn >= 0);
    unsigned char header[HEADER];
    big_endian(header, (uint64_t)v->lsn);
    big_endian(header + 8, sortable(v->last_us));
    put_number(out, '$', HEADER + (size_t)v->bytes.n);
    fd_strbuf_add(out, header, HEADER);
    fd_strbuf_add(out, v->bytes.p, v->bytes.n);
    fd_strbuf_add(out, "\r\n", 2);
}

/* ---- values by bucket ---- */

typedef struct groups {
    uint32_t used;                          /* buckets with values */
    uint16_t count[FD_REDIS_BUCKETS];       /* values of a bucket */
    uint16_t order[FD_STATE_MAX_VALUES];    /* values, those of one bucket together */
    uint8_t bucket_of[FD_STATE_MAX_VALUES]; /* of a value */
} groups;

static uint8_t bucket_of(const fd_state_value *v)
{
    return (uint8_t)(fd_hash64(v->key.p, v->key.n, v->key_kind) % FD_REDIS_BUCKETS);
}

/* The same for a request and its reply: a function of the keys. */
static void group(const fd_state_request *rq, groups *g)
{
    FD_ASSERT(rq->n <= FD_STATE_MAX_VALUES);
    memset(g->count, 0, sizeof g->count);
    g->used = 0;
    for (uint32_t i = 0; i < rq->n; i++) {
        g->bucket_of[i] = bucket_of(&rq->values[i]);
        g->used += g->count[g->bucket_of[i]]++ == 0;
    }
    uint16_t at[FD_REDIS_BUCKETS], next = 0;
    for (uint32_t b = 0; b < FD_REDIS_BUCKETS; b++) {
        at[b] = next;
        next = (uint16_t)(next + g->count[b]);
    }
    for (uint32_t i = 0; i < rq->n; i++)
        g->order[at[g->bucket_of[i]]++] = (uint16_t)i;
}

static void word_key(fd_strbuf *out, const char *head, int bucket)
{
    char text[FD_REDIS_HEAD_MAX + 16];
    if (bucket < 0)
        snprintf(text, sizeof text, "%sm", head);
    else
        snprintf(text, sizeof text, "%sb:%d", head, bucket);
    fd_wire_text(out, text);
}

static void begin(fd_strbuf *out, const char *verb, const char *script, const char *head,
                  const groups *g, uint32_t args)
{
    uint32_t keys = 1 + (g == NULL ? FD_REDIS_BUCKETS : g->used);
    fd_wire_begin(out, 3 + keys + args);
    fd_wire_text(out, verb);
    fd_wire_text(out, script);
    word_u64(out, keys);
    word_key(out, head, -1);
    for (int b = 0; b < FD_REDIS_BUCKETS; b++) {
        if (g == NULL || g->count[b] > 0)
            word_key(out, head, b);
    }
}

/* ---- requests ---- */

static void take(fd_strbuf *out, const fd_state_request *rq)
{
    word_nonce(out, rq->nonce);
    word_nonce(out, rq->expect);
    word_u64(out, FD_REDIS_BUCKETS);
    fd_wire_text(out, FD_REDIS_FORMAT);
}

static void owner(fd_strbuf *out, const fd_state_request *rq)
{
    word_nonce(out, rq->nonce);
    word_u64(out, rq->seq);
}

static void reset(fd_strbuf *out, const fd_state_request *rq)
{
    FD_ASSERT(rq->mark.redo >= 0);
    owner(out, rq);
    word_u64(out, rq->seq + 1);
    word_nonce(out, rq->expect);
    word_i64(out, rq->mark.redo);
    word_i64(out, rq->mark.merge_us);
    word_i64(out, rq->mark.partitions);
    fd_wire_text(out, rq->mark.topic_id);
    word_u64(out, FD_REDIS_BUCKETS);
    fd_wire_text(out, FD_REDIS_FORMAT);
}

static void fields(fd_strbuf *out, const fd_state_request *rq, const groups *g, bool values)
{
    const uint16_t *order = g->order;
    for (uint32_t b = 0; b < FD_REDIS_BUCKETS; b++) {
        if (g->count[b] == 0)
            continue;
        word_u64(out, g->count[b]);
        for (uint32_t i = 0; i < g->count[b]; i++)
            word_field(out, &rq->values[order[i]]);
        for (uint32_t i = 0; i < g->count[b] && values; i++)
            word_value(out, &rq->values[order[i]]);
        order += g->count[b];
    }
}

static void flush(fd_strbuf *out, const fd_state_request *rq, const groups *g)
{
    int64_t high = -1;
    for (uint32_t i = 0; i < rq->n; i++) {
        if (rq->values[i].lsn > high)
            high = rq->values[i].lsn;
    }
    owner(out, rq);
    word_u64(out, rq->seq + 1);
    if (rq->mark.redo >= 0)
        word_i64(out, rq->mark.redo);
    else
        fd_wire_text(out, "");
    word_i64(out, rq->mark.merge_us);
    if (high >= 0)
        word_i64(out, high);
    else
        fd_wire_text(out, "");
    fields(out, rq, g, true);
}

static void sweep(fd_strbuf *out, const fd_state_request *rq)
{
    FD_ASSERT(rq->max > 0);
    unsigned char older[8];
    big_endian(older, sortable(rq->older_us));
    owner(out, rq);
    word_u64(out, rq->seq + 1);
    fd_wire_word(out, older, sizeof older);
    word_u64(out, rq->max);
}

void fd_wire_request(fd_strbuf *out, const fd_state_request *rq, const char *head, const char *verb,
                     const char *script)
{
    groups g;
    FD_ASSERT(rq->nonce != 0);
    switch (rq->kind) {
    case FD_STATE_TAKE:
        begin(out, verb, script, head, NULL, 4);
        take(out, rq);
        return;
    case FD_STATE_RESET:
        begin(out, verb, script, head, NULL, 10);
        reset(out, rq);
        return;
    case FD_STATE_READ:
        group(rq, &g);
        begin(out, verb, script, head, &g, 2 + g.used + rq->n);
        owner(out, rq);
        fields(out, rq, &g, false);
        return;
    case FD_STATE_FLUSH:
        group(rq, &g);
        begin(out, verb, script, head, &g, 6 + g.used + 2 * rq->n);
        flush(out, rq, &g);
        return;
    case FD_STATE_SWEEP:
        begin(out, verb, script, head, NULL, 5);
        sweep(out, rq);
        return;
    case FD_STATE_N_REQUESTS:
        break;
    }
    FD_UNREACHABLE();
}

/* ---- replies ---- */

static bool is_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING;
}

static bool signed_of(const redisReply *r, int64_t *out)
{
    if (!is_text(r) || r->len == 0 || r->len >= NUMBER_MAX)
        return false;
    char *end;
    *out = strtoll(r->str, &end, 10);
    return *end == '\0';
}

static bool read_marker(const redisReply *from, fd_state_mark *m)
{
    int64_t seq, partitions;
    redisReply **e = from->element;
    if (from->elements == 1)
        return true; /* none */
    if (!signed_of(e[1], &seq))
        return false;
    m->seq = (uint64_t)seq;
    if (from->elements == 2)
        return true; /* not all there */
    if (from->elements != 7 || !signed_of(e[2], &m->redo) || !signed_of(e[3], &m->merge_us) ||
        !signed_of(e[4], &m->high_lsn) || !signed_of(e[5], &partitions) || !is_text(e[6]) ||
        e[6]->len > FD_STATE_TOPIC_ID_CHARS)
        return false;
    m->found = true;
    m->partitions = (int32_t)partitions;
    memcpy(m->topic_id, e[6]->str, e[6]->len);
    m->topic_id[e[6]->len] = '\0';
    return true;
}

static bool read_values(const redisReply *from, fd_state_request *rq)
{
    groups g;
    if (from->elements != (size_t)rq->n + 1)
        return false;
    group(rq, &g);
    for (uint32_t i = 0; i < rq->n; i++) {
        fd_state_value *v = &rq->values[g.order[i]];
        const redisReply *r = from->element[i + 1];
        v->bytes = (fd_str){NULL, 0};
        if (r->type == REDIS_REPLY_NIL)
            continue;
        if (!is_text(r) || r->len < HEADER || r->len - HEADER > UINT32_MAX)
            return false;
        const unsigned char *p = (const unsigned char *)r->str;
        v->lsn = (int64_t)from_big_endian(p);
        v->last_us = (int64_t)sortable((int64_t)from_big_endian(p + 8));
        v->bytes = (fd_str){r->str + HEADER, (uint32_t)(r->len - HEADER)};
    }
    return true;
}

static bool read_done(const redisReply *from, fd_state_reply *out)
{
    fd_state_request *rq = out->request;
    switch (rq->kind) {
    case FD_STATE_TAKE:
        return read_marker(from, &out->mark);
    case FD_STATE_READ:
        return read_values(from, rq);
    case FD_STATE_SWEEP:
        if (from->elements != 2 || from->element[1]->type != REDIS_REPLY_INTEGER)
            return false;
        out->removed = (uint32_t)from->element[1]->integer;
        return true;
    default:
        return from->elements == 1;
    }
}

bool fd_wire_reply(const redisReply *from, fd_state_reply *out)
{
    if (from->type != REDIS_REPLY_ARRAY || from->elements == 0 ||
        from->element[0]->type != REDIS_REPLY_INTEGER)
        return false;
    if (from->element[0]->integer == 1) {
        out->result = FD_STATE_OK;
        return read_done(from, out);
    }
    if (from->elements != 2 || !is_text(from->element[1]))
        return false;
    out->result = FD_STATE_REFUSED;
    fd_fail(&out->err, FD_ABORT, 0, "%s", from->element[1]->str);
    return true;
}
