/* The interpreter of histories; see agree.h. */
#include "agree.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum {
    WAIT_MS = 20000,
    CALL_MS = 1000,
    STEP_MS = 20,
    WORDS_MAX = 8,
    LINE_MAX_BYTES = 256,
    VALUES_MAX = 64
};

typedef struct actor {
    bool started, hold; /* hold: leave rebalances unanswered */
    fd_source source;
    fd_txn txn;
    bool owned[AGREE_PARTITIONS];
    bool lost;
    bool fatal;
    fd_membership kept; /* taken earlier */
    bool has_kept;
} actor;

static const agree_backend *backend;
static actor actors[AGREE_PROCESSES];
static char *produced[VALUES_MAX]; /* of the history: they must live until each outcome is known */
static int n_produced;

/* ---- a process ---- */

static void answer(actor *a, const fd_source_event *e)
{
    fd_err err;
    if (e->kind == FD_SOURCE_ASSIGN) {
        fd_tpo at[AGREE_PARTITIONS];
        for (uint32_t i = 0; i < e->n_parts; i++) {
            at[i] = (fd_tpo){.tp = e->parts[i], .offset = 0, .leader_epoch = -1};
            a->owned[e->parts[i].partition] = true;
        }
        a->source.ops->assign(a->source.self, at, e->n_parts, &err);
        return;
    }
    fd_tp parts[AGREE_PARTITIONS];
    for (uint32_t i = 0; i < e->n_parts; i++) {
        parts[i] = e->parts[i];
        a->owned[parts[i].partition] = false;
    }
    a->lost = a->lost || e->kind == FD_SOURCE_LOST;
    a->source.ops->unassign(a->source.self, parts, e->n_parts, &err);
}

static void poll_all(void)
{
    for (int i = 0; i < AGREE_PROCESSES; i++) {
        actor *a = &actors[i];
        for (int k = 0; a->started && !a->hold && k < 50; k++) {
            fd_source_event e;
            a->source.ops->poll(a->source.self, 0, &e);
            if (e.kind == FD_SOURCE_MSG)
                a->source.ops->release(a->source.self, &e.msg);
            else if (e.kind == FD_SOURCE_ASSIGN || e.kind == FD_SOURCE_REVOKE ||
                     e.kind == FD_SOURCE_LOST)
                answer(a, &e);
            else if (e.kind == FD_SOURCE_ERROR)
                a->fatal = a->fatal || e.err.cls == FD_FATAL;
            else if (e.kind == FD_SOURCE_NONE)
                break;
        }
    }
}

static void pass(int ms)
{
    int64_t until = backend->now_ms() + ms;
    while (backend->now_ms() < until) {
        poll_all();
        backend->pass(STEP_MS);
    }
}

static int owned_by(const actor *a)
{
    int n = 0;
    for (int i = 0; i < AGREE_PARTITIONS; i++)
        n += a->owned[i];
    return n;
}

/* ---- what can be done: each writes its result ---- */

typedef struct words {
    char *w[WORDS_MAX];
    int n;
} words;

static actor *actor_of(const words *w, int i)
{
    int p = w->n > i ? w->w[i][1] - '1' : -1;
    FD_ASSERT(p >= 0 && p < AGREE_PROCESSES && actors[p].started);
    return &actors[p];
}

static int lane_of(const words *w, int i)
{
    FD_ASSERT(w->n > i && (w->w[i][0] == 'a' || w->w[i][0] == 'b'));
    return w->w[i][0] - 'a';
}

static int32_t partition_of(const words *w, int i)
{
    FD_ASSERT(w->n > i);
    return (int32_t)strtol(w->w[i], NULL, 10);
}

static void say(char *out, const char *text)
{
    snprintf(out, LINE_MAX_BYTES, "%s", text);
}

static void say_class(fd_class cls, char *out)
{
    say(out, cls == FD_OK ? "ok" : fd_class_name(cls));
}

/* Repeats while RETRY. */
#define INSIST(cls, call)                                                  \
    do {                                                                   \
        int64_t until_ = backend->now_ms() + WAIT_MS;                      \
        while (((cls) = (call)) == FD_RETRY && backend->now_ms() < until_) \
            pass(STEP_MS);                                                 \
    } while (0)

/* p1 joins [instance] */
static void do_joins(const words *w, char *out)
{
    int p = w->w[0][1] - '1';
    FD_ASSERT(p >= 0 && p < AGREE_PROCESSES && !actors[p].started);
    backend->start(p, w->n > 2 ? w->w[2] : "");
    actors[p] = (actor){.started = true, .source = backend->source(p), .txn = backend->txn(p)};
    say(out, "ok");
}

/* p1 owns N: waits for it */
static void do_owns(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    int wanted = (int)strtol(w->w[2], NULL, 10);
    int64_t until = backend->now_ms() + WAIT_MS;
    while (owned_by(a) != wanted && backend->now_ms() < until)
        pass(STEP_MS);
    snprintf(out, LINE_MAX_BYTES, "%d", owned_by(a));
}

static void do_open(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    fd_class cls;
    INSIST(cls, a->txn.ops->open(a->txn.self, lane_of(w, 2), CALL_MS, &err));
    say_class(cls, out);
}

static void do_begin(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    say_class(a->txn.ops->begin(a->txn.self, lane_of(w, 2), &err), out);
}

/* p1 produces a PARTITION VALUE */
static void do_produce(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    FD_ASSERT(n_produced < VALUES_MAX);
    produced[n_produced] = strdup(w->w[4]);
    fd_out_record r = {.topic = FD_OUT_DECISION,
                       .partition = partition_of(w, 3),
                       .null_key = true,
                       .value = fd_str_from(produced[n_produced++])};
    uint32_t done = 0;
    fd_class cls = a->txn.ops->produce(a->txn.self, lane_of(w, 2), &r, 1, &done, &err);
    pass(300); /* it is on its way; here: in the log */
    say_class(cls, out);
}

/* p1 sends a PARTITION NEXT [kept]: with the membership of now, or the one that was kept. */
static void do_sends(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    fd_membership now = a->kept;
    bool kept = w->n > 5;
    FD_ASSERT(!kept || a->has_kept);
    if (!kept)
        a->source.ops->membership(a->source.self, &now, &err);
    fd_tpo at = {
        .tp = {0, partition_of(w, 3)}, .offset = strtoll(w->w[4], NULL, 10), .leader_epoch = -1};
    fd_class cls;
    INSIST(cls, a->txn.ops->send_offsets(a->txn.self, lane_of(w, 2), &at, 1, &now, CALL_MS, &err));
    if (!kept)
        a->source.ops->membership_free(a->source.self, &now);
    say_class(cls, out);
}

static void do_keep(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    say_class(a->source.ops->membership(a->source.self, &a->kept, &err), out);
    a->has_kept = true;
}

static void do_commit(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    fd_class cls;
    INSIST(cls, a->txn.ops->commit(a->txn.self, lane_of(w, 2), CALL_MS, &err));
    say_class(cls, out);
}

static void do_destroy(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    a->txn.ops->destroy(a->txn.self, lane_of(w, 2));
    say(out, "ok");
}

/* p1 stalls | p1 goes_on: its rebalances are left unanswered meanwhile. */
static void do_hold(const words *w, char *out)
{
    actor_of(w, 0)->hold = strcmp(w->w[1], "stalls") == 0;
    say(out, "ok");
}

/* p1 fenced: the group put it out for good */
static void do_fenced(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    int64_t until = backend->now_ms() + WAIT_MS;
    while (!a->fatal && backend->now_ms() < until)
        pass(STEP_MS);
    say(out, a->fatal ? "yes" : "no");
}

/* p1 committed PARTITION: as poll-free as can be; unstable = a transaction is pending. */
static void do_committed(const words *w, char *out)
{
    actor *a = actor_of(w, 0);
    fd_err err;
    fd_tpo at = {.tp = {0, partition_of(w, 2)}};
    bool patient = w->n > 3; /* committed 0 at_last: until it is stable */
    fd_class cls = a->source.ops->committed(a->source.self, &at, 1, CALL_MS, &err);
    if (patient)
        INSIST(cls, a->source.ops->committed(a->source.self, &at, 1, CALL_MS, &err));
    if (cls == FD_RETRY)
        say(out, "unstable");
    else if (cls != FD_OK)
        say_class(cls, out);
    else
        snprintf(out, LINE_MAX_BYTES, "%lld", (long long)at.offset);
}

/* visible PARTITION: values, then the stable end */
static void do_visible(const words *w, char *out)
{
    fd_strbuf values = {0};
    pass(300);
    int64_t end = backend->visible(partition_of(w, 1), &values);
    snprintf(out, LINE_MAX_BYTES, "%.*send %lld", (int)values.n, values.n > 0 ? values.p : "",
             (long long)end);
    fd_strbuf_free(&values);
}

static void do_wait(const words *w, char *out)
{
    pass((int)strtol(w->w[1], NULL, 10));
    say(out, "ok");
}

static const char *error_name(agree_error e)
{
    static const char *const names[] = {
#define X(name) #name,
        AGREE_ERRORS(X)
#undef X
    };
    return names[e];
}

/* hand x[-1] init | add P | add_offsets | produce P SEQ VALUE | offsets P NEXT | end commit */
static void do_hand(const words *w, char *out)
{
    static const char *const names[] = {"init", "add", "add_offsets", "produce", "offsets", "end"};
    agree_hand h = {.who = w->w[1][0] - 'x', .epoch_delta = (int)strtol(w->w[1] + 1, NULL, 10)};
    FD_ASSERT(w->n > 2 && h.who >= 0 && h.who < AGREE_HANDS);
    int api = 0;
    while (strcmp(names[api], w->w[2]) != 0)
        FD_ASSERT(++api <= AGREE_END);
    h.api = (agree_api)api;
    if (w->n > 3 && h.api != AGREE_END)
        h.partition = partition_of(w, 3);
    if (h.api == AGREE_PRODUCE) {
        h.seq = (uint32_t)strtoul(w->w[4], NULL, 10);
        h.value = w->w[5];
    }
    if (h.api == AGREE_OFFSETS)
        h.offset = strtoll(w->w[4], NULL, 10);
    h.commit = h.api == AGREE_END && strcmp(w->w[3], "commit") == 0;
    agree_error e;
    int64_t until = backend->now_ms() + WAIT_MS;
    while ((e = backend->by_hand(&h)) == AGREE_concurrent && backend->now_ms() < until)
        pass(STEP_MS);
    say(out, error_name(e));
}

/* ---- lines ---- */

typedef struct verb {
    const char *word;
    int at; /* where it stands */
    void (*run)(const words *w, char *out);
} verb;

static const verb verbs[] = {
    {"joins", 1, do_joins},         {"owns", 1, do_owns},        {"opens", 1, do_open},
    {"begins", 1, do_begin},        {"produces", 1, do_produce}, {"sends", 1, do_sends},
    {"keeps", 1, do_keep},          {"commits", 1, do_commit},   {"destroys", 1, do_destroy},
    {"stalls", 1, do_hold},         {"goes_on", 1, do_hold},     {"fenced", 1, do_fenced},
    {"committed", 1, do_committed}, {"visible", 0, do_visible},  {"wait", 0, do_wait},
    {"hand", 0, do_hand},
};

static bool run_line(char *line, const char *file, int number)
{
    char *expected = strstr(line, "=>");
    FD_ASSERT(expected != NULL);
    *expected = '\0';
    expected += 2 + strspn(expected + 2, " ");
    words w = {0};
    char *rest = NULL;
    for (char *t = strtok_r(line, " ", &rest); t != NULL; t = strtok_r(NULL, " ", &rest)) {
        FD_ASSERT(w.n < WORDS_MAX);
        w.w[w.n++] = t;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (w.n <= verbs[i].at || strcmp(w.w[verbs[i].at], verbs[i].word) != 0)
            continue;
        char got[LINE_MAX_BYTES] = "";
        poll_all();
        verbs[i].run(&w, got);
        if (strcmp(got, expected) == 0)
            return true;
        printf("%s:%d: %s, expected %s\n", file, number, got, expected);
        return false;
    }
    printf("%s:%d: not understood\n", file, number);
    return false;
}

static void end_all(void)
{
    for (int i = 0; i < AGREE_PROCESSES; i++) {
        actor *a = &actors[i];
        if (a->started && a->has_kept)
            a->source.ops->membership_free(a->source.self, &a->kept);
        *a = (actor){0};
    }
    backend->end();
    while (n_produced > 0)
        free(produced[--n_produced]);
}

static bool run_history(const char *file)
{
    FILE *f = fopen(file, "re");
    if (f == NULL) {
        printf("%s: cannot be read\n", file);
        return false;
    }
    char line[LINE_MAX_BYTES];
    bool ok = true, begun = false;
    for (int number = 1; ok && fgets(line, sizeof line, f) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (!begun) { /* the first line: "timeout MS" */
            backend->begin(file, (int)strtol(line + strlen("timeout "), NULL, 10));
            begun = true;
            continue;
        }
        ok = run_line(line, file, number);
    }
    fclose(f);
    if (begun)
        end_all();
    return ok;
}

int agree_main(const agree_backend *b, int argc, char **argv)
{
    backend = b;
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        bool ok = run_history(argv[i]);
        passed += ok;
        failed += !ok;
        printf("%-6s %s\n", ok ? "ok" : "FAILED", argv[i]);
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
