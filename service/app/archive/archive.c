/*
 * The archive as the service uses it; see archive.h.
 *
 * `lock` guards the places, which admit() and the thread of outcomes share; `queue_lock` the queue,
 * which the engine thread fills: it never waits for a disc or a broker.
 */
#include "app/archive/archive.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/archive/activations.h"
#include "app/cli.h"
#include "base/assert.h"

enum {
    MAX_PLACES = 2,
    QUEUE_LINES = 1024,
    RETRY_MS = 1000,
    CLOSE_MS = 5000,
    TOPIC_MS = 5000,
    KNOWN_FILES = 64
};

/* What became of a program, to be written down. */
typedef struct outcome {
    int64_t wall_ms;
    unsigned number;
    fd_activation_kind kind;
    fd_archive_hashes hashes;
    int64_t from_us;
    char *why;       /* NULL: none */
    fd_first *first; /* its topics are the configuration's */
    uint32_t n_first;
    bool late;     /* of partitions that came later */
    unsigned done; /* places that have it, as bits */
} outcome;

struct fd_archive {
    fd_archive_config config;
    pthread_mutex_t lock;
    fd_place places[MAX_PLACES];
    uint32_t n_places;
    fd_files config_files;
    fd_content_hash config_hash;
    char known[MAX_PLACES][KNOWN_FILES][FD_CONTENT_HASH_CHARS + 1]; /* put by this process */
    uint32_t n_known[MAX_PLACES];
    unsigned turn;            /* which is forgotten next */
    _Atomic unsigned numbers; /* of lines */
    pthread_mutex_t queue_lock;
    pthread_cond_t queued;
    outcome queue[QUEUE_LINES];
    uint32_t head, n;
    fd_archive_hashes decides; /* what was told to decide last, and from when on */
    int64_t decides_from_us;
    bool closing;
    bool started;
    pthread_t thread;
};

static const char *const triggers[] = {
#define X(name, text) text,
    FD_TRIGGERS(X)
#undef X
};

const char *fd_trigger_name(fd_trigger t)
{
    FD_ASSERT(t < FD_N_TRIGGERS);
    return triggers[t];
}

bool fd_archive_keeps(const fd_archive *a)
{
    return a->n_places > 0;
}

static void count_error(fd_archive *a)
{
    if (a->config.metrics != NULL)
        fd_metric_add(fd_metrics_get(a->config.metrics, FD_M_ARCHIVE_ERRORS), 1);
}

/* ---- lines ---- */

static void key_of(const fd_archive *a, int64_t wall_ms, unsigned number, char *out, size_t n)
{
    snprintf(out, n, "%013lld-%s-%06u", (long long)wall_ms, a->config.who, number);
}

/* Under the lock. Places in `done` have it already. */
static fd_class put_line(fd_archive *a, int64_t wall_ms, unsigned number, const fd_strbuf *line,
                         unsigned *done, fd_err *err)
{
    char key[400];
    key_of(a, wall_ms, number, key, sizeof key);
    fd_class cls = FD_OK;
    for (uint32_t p = 0; p < a->n_places && cls == FD_OK; p++) {
        if ((*done & 1U << p) != 0)
            continue;
        const fd_place *place = &a->places[p];
        cls = place->ops->put_line(place->self, key, (fd_str){line->p, (uint32_t)line->n}, err);
        *done |= cls == FD_OK ? 1U << p : 0;
    }
    return cls;
}

/* ---- before a decision ---- */

static bool is_known(const fd_archive *a, uint32_t place, const char *id)
{
    for (uint32_t i = 0; i < a->n_known[place]; i++) {
        if (strcmp(a->known[place][i], id) == 0)
            return true;
    }
    return false;
}

static void know(fd_archive *a, uint32_t place, const char *id)
{
    uint32_t i = a->n_known[place] < KNOWN_FILES ? a->n_known[place]++ : a->turn++ % KNOWN_FILES;
    snprintf(a->known[place][i], sizeof a->known[place][i], "%s", id);
}

static fd_class store_in(fd_archive *a, uint32_t p, const fd_archive_set *set, fd_files *parts,
                         fd_err *err)
{
    const fd_place *place = &a->places[p];
    for (int i = 0; i < FD_N_ARCHIVE_PARTS; i++) {
        const char *id = set->parts[i];
        if (id[0] == '\0' || is_known(a, p, id))
            continue;
        fd_class cls = place->ops->put_files(place->self, id, &parts[i], err);
        if (cls != FD_OK)
            return cls;
        know(a, p, id);
    }
    fd_strbuf name = {0}, json = {0};
    fd_archive_set_name(&set->hashes, &name);
    fd_archive_set_json(set, &json);
    fd_class cls = place->ops->put_set(place->self, name.p, (fd_str){json.p, (uint32_t)json.n},
                                       err);
    fd_strbuf_free(&name);
    fd_strbuf_free(&json);
    return cls;
}

static fd_archive_hashes hashes_of(const fd_archive *a, const char *ruleset, const char *lists,
                                   const char *models)
{
    fd_archive_hashes h;
    snprintf(h.ruleset, sizeof h.ruleset, "%s", ruleset);
    snprintf(h.lists, sizeof h.lists, "%s", lists == NULL ? "" : lists);
    snprintf(h.models, sizeof h.models, "%s", models == NULL ? "" : models);
    memcpy(h.config, a->config_hash.hex, sizeof h.config);
    return h;
}

static fd_class write_intent(fd_archive *a, const fd_archive_set *set, fd_trigger trigger,
                             fd_err *err)
{
    fd_activation line = {.kind = FD_ACTIVATION_INTENT,
                          .who = a->config.who,
                          .trigger = fd_trigger_name(trigger),
                          .hashes = set->hashes,
                          .engine = set->engine};
    int64_t now = fd_cli_wall_ms();
    char when[32];
    fd_archive_time(now, when);
    line.time = when;
    fd_strbuf text = {0};
    fd_activation_line(&line, &text);
    unsigned done = 0;
    fd_class cls = put_line(a, now, atomic_fetch_add(&a->numbers, 1), &text, &done, err);
    fd_strbuf_free(&text);
    return cls;
}

static fd_class store(fd_archive *a, const fd_program *p, fd_trigger trigger, fd_files *parts,
                      fd_err *err)
{
    fd_class cls = fd_archive_collect(a->config.config, p, parts, err);
    if (cls != FD_OK)
        return cls;
    fd_archive_set set = {.hashes = hashes_of(a, fd_program_ruleset_hash(p),
                                              fd_program_lists_hash(p), fd_program_models_hash(p))};
    snprintf(set.engine, sizeof set.engine, "fraudd %s", FD_VERSION);
    fd_archive_time(fd_cli_wall_ms(), set.stored);
    for (int i = 0; i < FD_N_ARCHIVE_PARTS; i++) {
        if (parts[i].n > 0)
            snprintf(set.parts[i], sizeof set.parts[i], "%s", fd_files_hash(&parts[i]).hex);
    }
    for (uint32_t i = 0; i < a->n_places && cls == FD_OK; i++)
        cls = store_in(a, i, &set, parts, err);
    if (cls == FD_OK)
        cls = write_intent(a, &set, trigger, err);
    if (cls == FD_OK && trigger == FD_TRIGGER_START) {
        a->decides = set.hashes;
        a->decides_from_us = INT64_MIN;
    }
    return cls;
}

fd_class fd_archive_admit(fd_archive *a, const fd_program *p, fd_trigger trigger, fd_err *err)
{
    if (a->n_places == 0)
        return FD_OK;
    pthread_mutex_lock(&a->lock);
    fd_files parts[FD_N_ARCHIVE_PARTS] = {0};
    parts[FD_PART_OF_CONFIG] = a->config_files;
    fd_class cls = store(a, p, trigger, parts, err);
    a->config_files = parts[FD_PART_OF_CONFIG];
    for (int i = 0; i < FD_N_ARCHIVE_PARTS; i++) {
        if (i != FD_PART_OF_CONFIG)
            fd_files_free(&parts[i]);
    }
    pthread_mutex_unlock(&a->lock);
    if (cls != FD_OK)
        count_error(a);
    return cls;
}

void fd_archive_from(fd_archive *a, int64_t from_us)
{
    a->decides_from_us = from_us;
}

/* ---- after it ---- */

static void wait_ms(fd_archive *a, int ms)
{
    struct timespec until = fd_cli_in_ms(ms);
    pthread_cond_timedwait(&a->queued, &a->queue_lock, &until);
}

static void put_text(const fd_archive *a, const outcome *o, fd_strbuf *out)
{
    char when[32], from[32];
    fd_archive_time(o->wall_ms, when);
    fd_activation line = {.kind = o->kind,
                          .time = when,
                          .who = a->config.who,
                          .hashes = o->hashes,
                          .why = o->why,
                          .n_first = o->n_first,
                          .first = o->first};
    if (o->kind == FD_ACTIVATION_DECIDES && o->from_us != INT64_MIN) {
        fd_archive_time(o->from_us / 1000, from);
        line.from = from;
    }
    fd_activation_line(&line, out);
}

static bool write_outcome(fd_archive *a, outcome *o, bool *said)
{
    fd_err err = {0};
    fd_strbuf text = {0};
    put_text(a, o, &text);
    pthread_mutex_lock(&a->lock);
    fd_class cls = put_line(a, o->wall_ms, o->number, &text, &o->done, &err);
    pthread_mutex_unlock(&a->lock);
    fd_strbuf_free(&text);
    if (cls == FD_OK) {
        *said = false;
        return true;
    }
    count_error(a);
    if (!*said)
        FD_LOG(a->config.log, FD_LOG_ERROR, "activation log cannot be written",
               fd_log_str("text", err.text));
    *said = true;
    return false;
}

static void free_outcome(outcome *o)
{
    free(o->why);
    free(o->first);
    *o = (outcome){0};
}

/* Under queue_lock, as all of the following. */
static bool go_on(fd_archive *a, int64_t *give_up_ns)
{
    if (a->closing && *give_up_ns == 0)
        *give_up_ns = fd_cli_mono_ns() + CLOSE_MS * INT64_C(1000000);
    return !a->closing || (a->n > 0 && fd_cli_mono_ns() < *give_up_ns);
}

static void *outcomes_main(void *arg)
{
    fd_archive *a = arg;
    bool said = false;
    int64_t give_up_ns = 0;
    pthread_mutex_lock(&a->queue_lock);
    while (go_on(a, &give_up_ns)) {
        if (a->n == 0) {
            wait_ms(a, RETRY_MS);
            continue;
        }
        outcome *o = &a->queue[a->head]; /* the first is nobody else's to change */
        pthread_mutex_unlock(&a->queue_lock);
        bool ok = write_outcome(a, o, &said);
        pthread_mutex_lock(&a->queue_lock);
        if (ok) {
            free_outcome(o);
            a->head = (a->head + 1) % QUEUE_LINES;
            a->n--;
        } else {
            wait_ms(a, a->closing ? RETRY_MS / 10 : RETRY_MS);
        }
    }
    pthread_mutex_unlock(&a->queue_lock);
    return NULL;
}

static void enqueue(fd_archive *a, outcome *o)
{
    pthread_mutex_lock(&a->queue_lock);
    bool full = a->n == QUEUE_LINES;
    if (!full) {
        a->queue[(a->head + a->n++) % QUEUE_LINES] = *o;
        pthread_cond_signal(&a->queued);
    }
    pthread_mutex_unlock(&a->queue_lock);
    if (!full)
        return;
    free_outcome(o);
    count_error(a);
    FD_LOG(a->config.log, FD_LOG_ERROR, "activation log has fallen behind, a line is lost");
}

static fd_first first_of(const fd_archive *a, fd_tp tp, int64_t offset)
{
    return (fd_first){.topic = a->config.config->sources[tp.source].topic,
                      .partition = tp.partition,
                      .offset = offset};
}

void fd_archive_told(fd_archive *a, const fd_program_report *r)
{
    static const fd_activation_kind kinds[] = {
        [FD_PROGRAM_DECIDES] = FD_ACTIVATION_DECIDES,
        [FD_PROGRAM_REBUILDING] = FD_ACTIVATION_REBUILDING,
        [FD_PROGRAM_GIVEN_UP] = FD_ACTIVATION_GIVEN_UP,
    };
    outcome o = {.wall_ms = fd_cli_wall_ms(),
                 .number = atomic_fetch_add(&a->numbers, 1),
                 .kind = kinds[r->stage],
                 .hashes = hashes_of(a, r->ruleset, r->lists, r->models),
                 .from_us = r->from_us};
    if (a->n_places == 0)
        return;
    if (r->why != NULL) {
        o.why = strdup(r->why);
        FD_ALLOCATED(o.why);
    }
    if (r->stage == FD_PROGRAM_DECIDES) {
        a->decides = o.hashes;
        a->decides_from_us = r->from_us;
        o.n_first = r->n;
        o.first = calloc(r->n + 1U, sizeof *o.first);
        FD_ALLOCATED(o.first);
        for (uint32_t i = 0; i < r->n; i++)
            o.first[i] = first_of(a, r->first[i].tp, r->first[i].offset);
    }
    enqueue(a, &o);
}

/* Partitions that go live together share a line, while it waits for its turn. */
static bool join_line(fd_archive *a, fd_first first)
{
    pthread_mutex_lock(&a->queue_lock);
    outcome *last = a->n < 2 ? NULL : &a->queue[(a->head + a->n - 1) % QUEUE_LINES];
    bool ok = last != NULL && last->late;
    if (ok) {
        last->first = realloc(last->first, (last->n_first + 1U) * sizeof *last->first);
        FD_ALLOCATED(last->first);
        last->first[last->n_first++] = first;
    }
    pthread_mutex_unlock(&a->queue_lock);
    return ok;
}

void fd_archive_live(fd_archive *a, fd_tp tp, int64_t offset)
{
    if (a->n_places == 0 || join_line(a, first_of(a, tp, offset)))
        return;
    outcome o = {.wall_ms = fd_cli_wall_ms(),
                 .number = atomic_fetch_add(&a->numbers, 1),
                 .kind = FD_ACTIVATION_DECIDES,
                 .hashes = a->decides,
                 .from_us = a->decides_from_us,
                 .n_first = 1,
                 .late = true};
    o.first = calloc(1, sizeof *o.first);
    FD_ALLOCATED(o.first);
    o.first[0] = first_of(a, tp, offset);
    enqueue(a, &o);
}

/* ---- life ---- */

static fd_class open_places(fd_archive *a, fd_err *err)
{
    const fd_config *c = a->config.config;
    fd_class cls = FD_OK;
    if (c->archive.dir[0] != '\0') {
        cls = fd_place_dir(c->archive.dir, true, &a->places[a->n_places], err);
        a->n_places += cls == FD_OK;
    }
    if (cls == FD_OK && c->archive.topic[0] != '\0') {
        cls = fd_place_topic(&a->config.kafka, c->archive.topic, true, TOPIC_MS,
                             &a->places[a->n_places], err);
        a->n_places += cls == FD_OK;
    }
    return cls;
}

fd_class fd_archive_open(const fd_archive_config *config, fd_archive **out, fd_err *err)
{
    fd_archive *a = calloc(1, sizeof *a);
    FD_ALLOCATED(a);
    a->config = *config;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->queue_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->queued, &attr);
    pthread_condattr_destroy(&attr);
    fd_class cls = open_places(a, err);
    if (cls == FD_OK && a->n_places > 0)
        cls = fd_archive_collect_config(config->config, config->readers, &a->config_files,
                                        &a->config_hash, err);
    if (cls == FD_OK && a->n_places > 0) {
        int rc = pthread_create(&a->thread, NULL, outcomes_main, a);
        FD_ASSERT(rc == 0);
        a->started = true;
    }
    if (cls != FD_OK) {
        fd_archive_close(a);
        a = NULL;
    }
    *out = a;
    return cls;
}

void fd_archive_close(fd_archive *a)
{
    if (a == NULL)
        return;
    if (a->started) {
        pthread_mutex_lock(&a->queue_lock);
        a->closing = true;
        pthread_cond_signal(&a->queued);
        pthread_mutex_unlock(&a->queue_lock);
        pthread_join(a->thread, NULL);
    }
    for (uint32_t i = 0; i < a->n; i++)
        free_outcome(&a->queue[(a->head + i) % QUEUE_LINES]);
    for (uint32_t i = 0; i < a->n_places; i++)
        a->places[i].ops->close(a->places[i].self);
    fd_files_free(&a->config_files);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->queue_lock);
    pthread_cond_destroy(&a->queued);
    free(a);
}
