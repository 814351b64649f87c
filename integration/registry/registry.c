/*
 * The cache of writer schemas and the thread that fills it; see registry.h.
 *
 * Invariants: everything in fd_registry below `mutex` is guarded by it, but entry texts of KNOWN
 * entries, which never change. The thread drops the lock while it asks. An entry being asked for
 * is never given away to another id.
 */
#include "registry/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "registry/answer.h"
#include "registry/fetch.h"

#define REGISTRY_MAGIC 0x52454749u
enum { BUCKETS = 4096, NO_ENTRY = UINT32_MAX, HTTP_OK = 200 };

static const int64_t NS_PER_S = 1000000000;
static const int64_t UNKNOWN_RETRY_NS = 5000000000;
static const int64_t BACKOFF_FIRST_NS = 100000000;
static const int64_t BACKOFF_MAX_NS = 10000000000;
static const int64_t FORGOTTEN_NS = 60000000000; /* nobody asked for so long: not asked again */

typedef struct entry {
    uint32_t id;
    uint32_t next; /* in its bucket */
    fd_schema_answer answer;
    bool asking;          /* the thread is at it */
    int64_t due_ns;       /* not KNOWN: when to ask (again) */
    int64_t backoff_ns;   /* the wait that led to due_ns, 0 before the first failure */
    int64_t looked_up_ns; /* last */
    char *text;           /* KNOWN: the schema; else the reason, NULL before the first answer */
    uint32_t text_n;
    int exit_code;
} entry;

struct fd_registry {
    unsigned magic;
    fd_fetch *fetch;
    void (*wake)(void *arg);
    void *wake_arg;
    uint32_t max_ids;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* something to ask for, an answer, or the end */
    bool stopping;
    uint32_t n;
    entry *entries;
    uint32_t buckets[BUCKETS];
    int64_t down_until_ns; /* the server did not serve: no request before this */
    int64_t down_backoff_ns;
    fd_registry_stats stats;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t next_backoff(int64_t before)
{
    int64_t next = before == 0 ? BACKOFF_FIRST_NS : before * 2;
    return next > BACKOFF_MAX_NS ? BACKOFF_MAX_NS : next;
}

static void wait_until(fd_registry *r, int64_t until_ns)
{
    struct timespec t = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    pthread_cond_timedwait(&r->changed, &r->mutex, &t);
}

/* ---- the table ---- */

static uint32_t *bucket_of(fd_registry *r, uint32_t id)
{
    return &r->buckets[(id * 2654435761u) % BUCKETS];
}

static entry *find(fd_registry *r, uint32_t id)
{
    for (uint32_t i = *bucket_of(r, id); i != NO_ENTRY; i = r->entries[i].next) {
        FD_ASSERT(i < r->n);
        if (r->entries[i].id == id)
            return &r->entries[i];
    }
    return NULL;
}

static void unlink_entry(fd_registry *r, entry *e)
{
    uint32_t index = (uint32_t)(e - r->entries);
    uint32_t *at = bucket_of(r, e->id);
    while (*at != index) {
        FD_ASSERT(*at != NO_ENTRY);
        at = &r->entries[*at].next;
    }
    *at = e->next;
}

/* A place for a new id: a fresh one, or that of the negative entry not asked for the longest. */
static entry *place(fd_registry *r)
{
    if (r->n < r->max_ids)
        return &r->entries[r->n++];
    entry *oldest = NULL;
    for (uint32_t i = 0; i < r->n; i++) {
        entry *e = &r->entries[i];
        if (e->answer != FD_SCHEMA_KNOWN && !e->asking &&
            (oldest == NULL || e->looked_up_ns < oldest->looked_up_ns))
            oldest = e;
    }
    if (oldest != NULL) {
        unlink_entry(r, oldest);
        free(oldest->text);
    }
    return oldest;
}

static entry *insert(fd_registry *r, uint32_t id, int64_t now)
{
    entry *e = place(r);
    if (e == NULL)
        return NULL;
    uint32_t *bucket = bucket_of(r, id);
    *e = (entry){.id = id, .next = *bucket, .answer = FD_SCHEMA_PENDING, .due_ns = now};
    *bucket = (uint32_t)(e - r->entries);
    return e;
}

/* ---- what others see ---- */

static fd_schema_answer say(fd_registry *r, const entry *e, fd_str *json, fd_err *err)
{
    if (e->answer == FD_SCHEMA_KNOWN) {
        *json = (fd_str){e->text, e->text_n};
        return FD_SCHEMA_KNOWN;
    }
    if (e->answer == FD_SCHEMA_PENDING)
        fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "schema id %u is being asked for at %s", e->id,
                fd_fetch_address(r->fetch));
    else
        fd_fail(err, FD_RETRY, e->exit_code, "%s", e->text);
    return e->answer;
}

static fd_schema_answer lookup_locked(fd_registry *r, uint32_t id, fd_str *json, fd_err *err)
{
    entry *e = find(r, id);
    if (e != NULL && e->answer == FD_SCHEMA_KNOWN)
        return say(r, e, json, err);
    int64_t now = now_ns();
    if (e == NULL) {
        e = insert(r, id, now);
        if (e == NULL) {
            fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE,
                    "schema id %u: all %u places of the schema cache hold a schema; restart to "
                    "empty it",
                    id, r->max_ids);
            return FD_SCHEMA_UNAVAILABLE;
        }
    }
    e->looked_up_ns = now;
    if (!e->asking && e->due_ns <= now)
        pthread_cond_broadcast(&r->changed);
    return say(r, e, json, err);
}

static fd_schema_answer lookup(void *self, uint32_t schema_id, fd_str *json, fd_err *err)
{
    fd_registry *r = self;
    FD_CHECK_MAGIC(r, REGISTRY_MAGIC);
    FD_ASSERT(json != NULL);
    pthread_mutex_lock(&r->mutex);
    fd_schema_answer answer = lookup_locked(r, schema_id, json, err);
    pthread_mutex_unlock(&r->mutex);
    return answer;
}

fd_schema_answer fd_registry_wait(fd_registry *r, uint32_t schema_id, int64_t timeout_us,
                                  fd_str *json, fd_err *err)
{
    FD_CHECK_MAGIC(r, REGISTRY_MAGIC);
    int64_t end = now_ns() + timeout_us * 1000;
    pthread_mutex_lock(&r->mutex);
    fd_schema_answer answer = lookup_locked(r, schema_id, json, err);
    while (answer != FD_SCHEMA_KNOWN && now_ns() < end) {
        wait_until(r, end);
        answer = lookup_locked(r, schema_id, json, err);
    }
    pthread_mutex_unlock(&r->mutex);
    return answer;
}

fd_schemas fd_registry_port(fd_registry *r)
{
    static const fd_schemas_ops OPS = {.lookup = lookup};
    return (fd_schemas){.ops = &OPS, .self = r};
}

fd_registry_stats fd_registry_count(fd_registry *r)
{
    pthread_mutex_lock(&r->mutex);
    fd_registry_stats stats = r->stats;
    stats.ids = r->n;
    pthread_mutex_unlock(&r->mutex);
    return stats;
}

/* ---- the thread ---- */

/* The entry to ask for next, the one waiting longest; or NULL and *wake_ns = when to look again. */
static entry *next_due(fd_registry *r, int64_t now, int64_t *wake_ns)
{
    entry *due = NULL;
    *wake_ns = INT64_MAX;
    for (uint32_t i = 0; i < r->n; i++) {
        entry *e = &r->entries[i];
        if (e->answer == FD_SCHEMA_KNOWN || now - e->looked_up_ns > FORGOTTEN_NS)
            continue;
        if (due == NULL || e->due_ns < due->due_ns)
            due = e;
    }
    if (due == NULL)
        return NULL;
    int64_t at = due->due_ns > r->down_until_ns ? due->due_ns : r->down_until_ns;
    if (at <= now)
        return due;
    *wake_ns = at;
    return NULL;
}

typedef struct outcome {
    fd_schema_answer answer;
    bool down; /* not about this id: unreachable, or it refuses to work (5xx, 401, 429 ...) */
    char *text;
    uint32_t text_n;
    int exit_code;
} outcome;

static outcome ask(fd_registry *r, uint32_t id, fd_strbuf *body)
{
    outcome o = {.answer = FD_SCHEMA_UNAVAILABLE};
    char path[64];
    snprintf(path, sizeof path, "/schemas/ids/%u", id);
    long status = 0;
    fd_err err = {0};
    bool reached = fd_fetch_get(r->fetch, path, &status, body, &err) == FD_OK;
    if (reached)
        o.answer = fd_registry_read_answer(id, status, (fd_str){body->p, (uint32_t)body->n},
                                           &o.text, &o.text_n, &err);
    o.down = !reached || (status != HTTP_OK && o.answer == FD_SCHEMA_UNAVAILABLE);
    if (o.answer != FD_SCHEMA_KNOWN) {
        o.text = strdup(err.text);
        FD_ALLOCATED(o.text);
        o.exit_code = err.exit_code;
    }
    return o;
}

static void settle(fd_registry *r, entry *e, outcome o)
{
    FD_ASSERT(e->asking && e->answer != FD_SCHEMA_KNOWN);
    int64_t now = now_ns();
    e->asking = false;
    e->answer = o.answer;
    free(e->text);
    e->text = o.text;
    e->text_n = o.text_n;
    e->exit_code = o.exit_code;
    r->stats.requests++;
    if (o.answer == FD_SCHEMA_KNOWN)
        r->stats.known++;
    if (o.answer == FD_SCHEMA_UNKNOWN) {
        e->backoff_ns = 0;
        e->due_ns = now + UNKNOWN_RETRY_NS;
    } else if (o.answer == FD_SCHEMA_UNAVAILABLE) {
        r->stats.failures++;
        e->backoff_ns = next_backoff(e->backoff_ns);
        e->due_ns = now + e->backoff_ns;
    }
    r->down_backoff_ns = o.down ? next_backoff(r->down_backoff_ns) : 0;
    r->down_until_ns = o.down ? now + r->down_backoff_ns : 0;
}

static void *run(void *arg)
{
    fd_registry *r = arg;
    FD_CHECK_MAGIC(r, REGISTRY_MAGIC);
    fd_strbuf body = {0};
    pthread_mutex_lock(&r->mutex);
    while (!r->stopping) {
        int64_t wake_ns;
        entry *e = next_due(r, now_ns(), &wake_ns);
        if (e == NULL) {
            if (wake_ns == INT64_MAX)
                pthread_cond_wait(&r->changed, &r->mutex);
            else
                wait_until(r, wake_ns);
            continue;
        }
        e->asking = true;
        uint32_t id = e->id;
        pthread_mutex_unlock(&r->mutex);
        outcome o = ask(r, id, &body);
        pthread_mutex_lock(&r->mutex);
        settle(r, e, o);
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->mutex);
        if (r->wake != NULL)
            r->wake(r->wake_arg);
        pthread_mutex_lock(&r->mutex);
    }
    pthread_mutex_unlock(&r->mutex);
    fd_strbuf_free(&body);
    return NULL;
}

fd_registry *fd_registry_new(const fd_registry_config *config, void (*wake)(void *arg), void *arg,
                             fd_err *err)
{
    fd_fetch_config fc = {
        .url = config->url == NULL ? "" : config->url,
        .basic_auth = config->basic_auth,
        .ca_file = config->ca_file,
        .timeout_us = config->timeout_us > 0 ? config->timeout_us : 5000000,
        .max_bytes = config->max_bytes > 0 ? config->max_bytes : 4u << 20,
    };
    fd_fetch *fetch = fd_fetch_new(&fc, err);
    if (fetch == NULL)
        return NULL;
    fd_registry *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->magic = REGISTRY_MAGIC;
    r->fetch = fetch;
    r->wake = wake;
    r->wake_arg = arg;
    r->max_ids = config->max_ids > 0 ? config->max_ids : 10000;
    r->entries = calloc(r->max_ids, sizeof *r->entries);
    FD_ALLOCATED(r->entries);
    for (size_t i = 0; i < BUCKETS; i++)
        r->buckets[i] = NO_ENTRY;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&r->thread, NULL, run, r);
    FD_ASSERT(rc == 0);
    return r;
}

void fd_registry_free(fd_registry *r)
{
    if (r == NULL)
        return;
    FD_CHECK_MAGIC(r, REGISTRY_MAGIC);
    pthread_mutex_lock(&r->mutex);
    r->stopping = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->mutex);
    fd_fetch_interrupt(r->fetch);
    pthread_join(r->thread, NULL);
    for (uint32_t i = 0; i < r->n; i++)
        free(r->entries[i].text);
    free(r->entries);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->mutex);
    fd_fetch_free(r->fetch);
    r->magic = 0;
    free(r);
}
