/*
 * The transactional sink against a real broker: two lanes, fencing, unknown outcomes.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* A topic to read, topics to write, a member that owns partition 0, a sink. */
typedef struct rig {
    const char *in, *out, *dlq, *group, *stem;
    member m;
    sink s;
} rig;

static void rig_new(rig *r)
{
    r->in = topic_new(1);
    r->out = topic_new(2);
    r->dlq = topic_new(1);
    r->group = unique("g");
    r->stem = unique("s");
    member_new(&r->m, r->group, "", "range", r->in, NULL);
    CHECK(PUMP(&r->m, member_owned(&r->m) == 1, 15000), "no partition");
    sink_new(&r->s, r->stem, r->out, r->dlq, NULL);
}

static void rig_end(rig *r)
{
    sink_end(&r->s);
    member_end(&r->m);
}

static fd_class send_offsets(rig *r, int lane, int64_t next, fd_err *err)
{
    fd_membership now;
    CHECK(r->m.port.ops->membership(r->m.port.self, &now, err) == FD_OK, "%s", err->text);
    fd_tpo at = {.tp = {0, 0}, .offset = next, .leader_epoch = -1};
    fd_class cls;
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    do {
        cls = r->s.port.ops->send_offsets(r->s.port.self, lane, &at, 1, &now, 5000, err);
    } while (cls == FD_RETRY && now_us() < until);
    r->m.port.ops->membership_free(r->m.port.self, &now);
    return cls;
}

static fd_class commit(sink *s, int lane, fd_err *err)
{
    fd_class cls;
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    do {
        cls = s->port.ops->commit(s->port.self, lane, 5000, err);
    } while (cls == FD_RETRY && now_us() < until);
    return cls;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* As the pipeline does: b produces while a is open, offsets go in the order of commits. */
static void two_lanes(void)
{
    enum { ROUNDS = 200, RECORDS = 50 };
    rig r;
    fd_err err;
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    void *self = r.s.port.self;
    int64_t opened = now_us();
    sink_open(&r.s, 0);
    printf("       open: %.0f ms\n", (double)(now_us() - opened) / 1000);
    sink_open(&r.s, 1);
    CHECK(ops->partitions(self, FD_OUT_DECISION) == 2, "partitions");
    CHECK(ops->partitions(self, FD_OUT_DEAD_LETTER) == 1, "partitions");
    int64_t took[ROUNDS], sum = 0, n = 0;
    CHECK(ops->begin(self, 0, &err) == FD_OK, "%s", err.text);
    for (int i = 0; i < ROUNDS; i++) {
        int lane = i % 2;
        char values[RECORDS][24]; /* not copied: must live until the commit */
        int64_t began = now_us();
        for (int k = 0; k < RECORDS; k++, n++) {
            snprintf(values[k], sizeof values[k], "%lld", (long long)n);
            sum += n;
            CHECK(sink_produce(&r.s, lane, (int32_t)(k % 2), values[k], &err) == FD_OK, "%s",
                  err.text);
        }
        CHECK(send_offsets(&r, lane, n, &err) == FD_OK, "%s", err.text);
        if (i + 1 < ROUNDS)
            CHECK(ops->begin(self, 1 - lane, &err) == FD_OK, "%s", err.text);
        CHECK(commit(&r.s, lane, &err) == FD_OK, "%s", err.text);
        took[i] = now_us() - began;
        CHECK(!ops->dirty(self, 0) && !ops->dirty(self, 1), "dirty without a fault");
        member_step(&r.m, 0);
    }
    qsort(took, ROUNDS, sizeof *took, by_value);
    printf("       %d transactions: p50 %.1f ms, p99 %.1f ms\n", ROUNDS,
           (double)took[ROUNDS / 2] / 1000, (double)took[ROUNDS * 99 / 100] / 1000);
    seen a = look(r.out, 0), b = look(r.out, 1);
    CHECK(a.n + b.n == n && a.sum + b.sum == sum, "%lld of %lld", (long long)(a.n + b.n),
          (long long)n);
    CHECK(committed_of(r.group, r.in, 0) == n, "offset");
    rig_end(&r);
}

static void open_is_invisible(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    sink_open(&r.s, 0);
    CHECK(ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&r.s, 0, 0, "7", &err) == FD_OK, "%s", err.text);
    CHECK(send_offsets(&r, 0, 1, &err) == FD_OK, "%s", err.text);
    sleep_ms(200);
    seen before = look(r.out, 0);
    CHECK(before.n == 0, "%lld visible", (long long)before.n);
    /* The stable committed offset waits for the transaction. */
    fd_tpo at = {.tp = {0, 0}};
    CHECK(r.m.port.ops->committed(r.m.port.self, &at, 1, 1000, &err) == FD_RETRY,
          "an unstable offset %lld", (long long)at.offset);
    CHECK(commit(&r.s, 0, &err) == FD_OK, "%s", err.text);
    seen after = look(r.out, 0);
    CHECK(after.n == 1 && after.sum == 7, "%lld visible", (long long)after.n);
    CHECK(r.m.port.ops->committed(r.m.port.self, &at, 1, 5000, &err) == FD_OK && at.offset == 1,
          "%lld %s", (long long)at.offset, err.text);
    rig_end(&r);
}

/* A source that reads a topic with an open transaction: it stops at the last stable offset, says
 * so, and goes on at the commit; what was aborted is never delivered. */
static void read_committed_source(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    fill(r.out, 0, 0, 3);
    sink_open(&r.s, 0);
    CHECK(ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&r.s, 0, 0, "7", &err) == FD_OK, "%s", err.text);
    sleep_ms(200);
    member m;
    member_new(&m, unique("g"), "", "range", r.out, NULL);
    CHECK(PUMP(&m, m.eof[0] == 3, 15000), "end of partition at %lld", (long long)m.eof[0]);
    fd_tp zero = {0, 0};
    int64_t first, next;
    CHECK(m.port.ops->bounds(m.port.self, zero, &first, &next, 5000, &err) == FD_OK, "%s",
          err.text);
    int64_t end = m.port.ops->cached_end(m.port.self, zero);
    CHECK(first == 0 && next == 3 && end == 3, "bounds %lld to %lld, cached end %lld",
          (long long)first, (long long)next, (long long)end);
    CHECK(commit(&r.s, 0, &err) == FD_OK, "%s", err.text);
    CHECK(PUMP(&m, m.next[0] == 4, 5000), "the committed record");
    CHECK(PUMP(&m, m.eof[0] == 5, 5000), "end behind the marker: %lld", (long long)m.eof[0]);
    CHECK(m.port.ops->cached_end(m.port.self, zero) == 5, "cached end %lld",
          (long long)m.port.ops->cached_end(m.port.self, zero));
    member_end(&m);
    rig_end(&r);
}

/* A successor with the same ids: its open() aborts what was left open, and the predecessor's
 * commit is fatal. */
static void successor(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    sink_open(&r.s, 0);
    CHECK(r.s.port.ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&r.s, 0, 0, "7", &err) == FD_OK, "%s", err.text);
    CHECK(send_offsets(&r, 0, 1, &err) == FD_OK, "%s", err.text);
    sleep_ms(200);
    sink next;
    sink_new(&next, r.stem, r.out, r.dlq, NULL);
    int64_t began = now_us();
    sink_open(&next, 0);
    printf("       open over an open transaction: %.0f ms\n", (double)(now_us() - began) / 1000);
    fd_tpo at = {.tp = {0, 0}};
    CHECK(r.m.port.ops->committed(r.m.port.self, &at, 1, 5000, &err) == FD_OK, "%s", err.text);
    CHECK(at.offset == -1, "the aborted offset %lld", (long long)at.offset);
    fd_class cls = commit(&r.s, 0, &err);
    CHECK(cls == FD_FATAL && err.exit_code == 0, "%d: %s", cls, err.text);
    began = now_us();
    r.s.port.ops->destroy(r.s.port.self, 0);
    CHECK(now_us() - began < SECOND_US, "destroy took %.2f s",
          (double)(now_us() - began) / SECOND_US);
    seen s = look(r.out, 0);
    CHECK(s.n == 0 && s.end > 0, "%lld visible, end %lld", (long long)s.n, (long long)s.end);
    /* The predecessor comes back through the one recovery path. */
    sink_open(&r.s, 0);
    CHECK(r.s.port.ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&r.s, 0, 0, "9", &err) == FD_OK, "%s", err.text);
    CHECK(commit(&r.s, 0, &err) == FD_OK, "%s", err.text);
    CHECK(look(r.out, 0).sum == 9, "not visible");
    sink_end(&next);
    rig_end(&r);
}

/* The broker gives up on a transaction: fatal, and the recovery path works. */
static void transaction_timeout(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    sink s;
    sink_new(&s, unique("s"), r.out, r.dlq, "transaction.timeout.ms", "1500", NULL);
    sink_open(&s, 0);
    CHECK(s.port.ops->begin(s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&s, 0, 0, "7", &err) == FD_OK, "%s", err.text);
    int64_t until = now_us() + 30 * (int64_t)SECOND_US;
    while (look(r.out, 0).end == 0 && now_us() < until)
        sleep_ms(500);
    fd_class cls = commit(&s, 0, &err);
    CHECK(cls == FD_FATAL || cls == FD_ABORT, "%d: %s", cls, err.text);
    s.port.ops->destroy(s.port.self, 0);
    sink_open(&s, 0);
    CHECK(s.port.ops->begin(s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&s, 0, 0, "8", &err) == FD_OK, "%s", err.text);
    CHECK(commit(&s, 0, &err) == FD_OK, "%s", err.text);
    CHECK(look(r.out, 0).sum == 8, "not visible");
    sink_end(&s);
    rig_end(&r);
}

/* Offsets of a member whose generation has passed are refused by the broker: abort. Offsets of
 * no member are refused before they are sent. */
static void stale_member(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    sink_open(&r.s, 0);
    fd_membership old;
    CHECK(r.m.port.ops->membership(r.m.port.self, &old, &err) == FD_OK, "%s", err.text);
    member other;
    member_new(&other, r.group, "", "range", r.in, NULL);
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    while (other.assigns == 0 && now_us() < until) {
        member_step(&r.m, 10000);
        member_step(&other, 10000);
    }
    fd_tpo at = {.tp = {0, 0}, .offset = 1, .leader_epoch = -1};
    CHECK(ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&r.s, 0, 0, "7", &err) == FD_OK, "%s", err.text);
    fd_class cls = ops->send_offsets(r.s.port.self, 0, &at, 1, &old, 5000, &err);
    CHECK(cls == FD_ABORT && err.exit_code == 0, "%d: %s", cls, err.text);
    r.m.port.ops->membership_free(r.m.port.self, &old);
    ops->destroy(r.s.port.self, 0);
    sink_open(&r.s, 0);
    CHECK(ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    fd_membership nobody = {.generation = -1};
    CHECK(ops->send_offsets(r.s.port.self, 0, &at, 1, &nobody, 5000, &err) == FD_ABORT, "%s",
          err.text);
    CHECK(committed_of(r.group, r.in, 0) < 0, "committed");
    member_end(&other);
    rig_end(&r);
}

typedef struct cutter {
    _Atomic bool stop;
    _Atomic int cuts;
} cutter;

static void *cut_often(void *arg)
{
    cutter *c = arg;
    for (int i = 0; i < 3 && !c->stop; i++) {
        sleep_ms(2 + c->cuts % 7);
        c->cuts += cut_connections();
    }
    return NULL;
}

/* Connections break during every transaction: the lane becomes dirty; the recovery path with the
 * question "what was committed?" still gives every value exactly once. */
static void cut_connection(void)
{
    rig r;
    fd_err err = {.text = ""};
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    void *self = r.s.port.self;
    sink_open(&r.s, 0);
    cutter c = {0};
    pthread_t thread;
    int dirty = 0, clean = 0, recovered = 0;
    int64_t done = 0, sum = 0, until = now_us() + 40 * (int64_t)SECOND_US;
    while (done < 40 && now_us() < until) {
        char value[16];
        snprintf(value, sizeof value, "%lld", (long long)(1 << (done % 20)));
        c.stop = false;
        CHECK(pthread_create(&thread, NULL, cut_often, &c) == 0, "thread");
        fd_class cls = ops->begin(self, 0, &err);
        if (cls == FD_OK)
            cls = sink_produce(&r.s, 0, 0, value, &err);
        if (cls == FD_OK)
            cls = send_offsets(&r, 0, done + 1, &err);
        if (cls == FD_OK)
            cls = commit(&r.s, 0, &err);
        c.stop = true;
        pthread_join(thread, NULL);
        CHECK(err.exit_code == 0 || cls == FD_OK, "hopeless: %s", err.text);
        bool was_dirty = ops->dirty(self, 0);
        dirty += was_dirty;
        clean += !was_dirty;
        if (cls != FD_OK || was_dirty) {
            ops->destroy(self, 0);
            sink_open(&r.s, 0);
        }
        if (cls != FD_OK) {
            recovered++;
            fd_tpo at = {.tp = {0, 0}};
            fd_class asked;
            while ((asked = r.m.port.ops->committed(r.m.port.self, &at, 1, 5000, &err)) == FD_RETRY)
                member_step(&r.m, 10000);
            CHECK(asked == FD_OK, "%s", err.text);
            if (at.offset != done + 1)
                continue;
        }
        sum += 1 << (done % 20);
        done++;
        member_step(&r.m, 0);
    }
    printf("       %d cuts: %d dirty, %d clean, %d recovered\n", c.cuts, dirty, clean, recovered);
    CHECK(done == 40, "only %lld", (long long)done);
    CHECK(dirty > 0, "never dirty");
    seen s = look(r.out, 0);
    CHECK(s.n == 40 && s.sum == sum, "%lld records, sum %lld of %lld", (long long)s.n,
          (long long)s.sum, (long long)sum);
    rig_end(&r);
}

static bool over(FILE *command)
{
    struct pollfd p = {.fd = fileno(command), .events = POLLIN};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLIN)) != 0;
}

/* Kills one of the two brokers and starts it again; over() says when it is back and in sync. */
static FILE *kill_broker(int id)
{
    const char *dir = getenv("FRAUDD_SERVERS_DIR");
    CHECK(dir != NULL, "FRAUDD_SERVERS_DIR is not set: there is nothing to kill");
    char command[512];
    snprintf(command, sizeof command,
             "sleep 0.3; integration/servers restart-kafka --dir '%s' --broker %d --kill "
             ">/dev/null 2>&1",
             dir, id);
    FILE *restart = popen(command, "r");
    CHECK(restart != NULL, "popen");
    return restart;
}

/* Brokers are killed and come back, in the middle of transactions: nothing of it is hopeless,
 * nothing is lost or doubled. A broker that leads nothing of ours dies unnoticed, so they take
 * turns until a death is felt: the survivor of the first leads everything. */
static void broker_restart(void)
{
    enum { ROUNDS = 4 };
    rig r;
    fd_err err = {.text = ""};
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    void *self = r.s.port.self;
    fill(r.in, 0, 0, 5);
    sink_open(&r.s, 0);
    FILE *restart = kill_broker(1);
    int64_t done = 0, until = now_us() + 120 * (int64_t)SECOND_US, after = 0;
    int hurt = 0, recovered = 0, round = 1;
    while ((after == 0 || done < after + 30) && now_us() < until) {
        char value[] = "1";
        fd_class cls = FD_OK;
        if (ops->begin(self, 0, &err) != FD_OK || sink_produce(&r.s, 0, 0, value, &err) != FD_OK ||
            send_offsets(&r, 0, done + 1, &err) != FD_OK || commit(&r.s, 0, &err) != FD_OK)
            cls = FD_ABORT;
        CHECK(cls == FD_OK || err.exit_code == 0, "hopeless: %s", err.text);
        if (cls != FD_OK || ops->dirty(self, 0)) {
            hurt++;
            ops->destroy(self, 0);
            sink_open(&r.s, 0);
        }
        for (int i = 0; i < 20; i++)
            member_step(&r.m, 1000);
        CHECK(r.m.errors == 0 || r.m.err.cls == FD_RETRY, "%s", r.m.err.text);
        if (cls != FD_OK) {
            recovered++;
            fd_tpo at = {.tp = {0, 0}};
            fd_class asked;
            while ((asked = r.m.port.ops->committed(r.m.port.self, &at, 1, 5000, &err)) == FD_RETRY)
                member_step(&r.m, 10000);
            CHECK(asked == FD_OK, "%s", err.text);
            if (at.offset != done + 1)
                continue;
        }
        done++;
        if (after == 0 && over(restart)) {
            CHECK(pclose(restart) == 0, "restart-kafka");
            restart = NULL;
            if (hurt + r.m.errors > 0 || round == ROUNDS)
                after = done;
            else
                restart = kill_broker(++round % 2 == 1 ? 1 : 2);
        }
    }
    CHECK(restart == NULL, "restart-kafka does not end");
    printf("       %lld transactions, %d kills, %d hurt, %d recovered, %d errors told (%s)\n",
           (long long)done, round, hurt, recovered, r.m.errors, r.m.err.text);
    CHECK(hurt > 0 || r.m.errors > 0, "the broker's death was not noticed");
    CHECK(after > 0 && done >= after + 30, "it does not go on");
    seen s = look(r.out, 0);
    CHECK(s.n == done && s.sum == done, "%lld of %lld", (long long)s.n, (long long)done);
    fill(r.in, 0, 5, 5);
    CHECK(PUMP(&r.m, r.m.next[0] == 10, 20000), "reading does not go on: %lld, %s",
          (long long)r.m.next[0], r.m.err.text);
    rig_end(&r);
}

static void too_large(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    const fd_txn_ops *ops = r.s.port.ops;
    char *value = calloc(1, 3000001);
    memset(value, 'x', 3000000);
    sink_open(&r.s, 0);
    CHECK(ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(!ops->record_too_large(r.s.port.self, 0), "too early");
    fd_class cls = sink_produce(&r.s, 0, 0, value, &err);
    CHECK(cls == FD_ABORT && ops->record_too_large(r.s.port.self, 0), "client: %d %s", cls,
          err.text);
    sink_end(&r.s);
    /* A client that would send it: now the broker refuses. */
    sink_new(&r.s, r.stem, r.out, r.dlq, "message.max.bytes", "10000000", NULL);
    sink_open(&r.s, 0);
    CHECK(ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
    CHECK(sink_produce(&r.s, 0, 0, value, &err) == FD_OK, "%s", err.text);
    cls = commit(&r.s, 0, &err);
    CHECK(cls == FD_ABORT && r.s.port.ops->record_too_large(r.s.port.self, 0), "broker: %d %s", cls,
          err.text);
    rig_end(&r);
    free(value);
}

/* Payloads may be freed as soon as destroy returns (the sanitizers watch). */
static void destroy_lets_go(void)
{
    rig r;
    fd_err err;
    rig_new(&r);
    for (int round = 0; round < 5; round++) {
        enum { N = 2000, BYTES = 1000 };
        char *values = malloc((size_t)N * BYTES);
        memset(values, 'v', (size_t)N * BYTES);
        sink_open(&r.s, 0);
        CHECK(r.s.port.ops->begin(r.s.port.self, 0, &err) == FD_OK, "%s", err.text);
        fd_header h = {.name = FD_STR("fd.src"), .value = FD_STR("t/0/1")};
        for (int i = 0; i < N; i++) {
            fd_out_record rec = {.topic = FD_OUT_DECISION,
                                 .partition = i % 2,
                                 .key = {values + i * BYTES, 8},
                                 .value = {values + i * BYTES, BYTES},
                                 .n_headers = 1,
                                 .headers = &h};
            uint32_t done = 0;
            CHECK(r.s.port.ops->produce(r.s.port.self, 0, &rec, 1, &done, &err) == FD_OK, "%s",
                  err.text);
        }
        sleep_ms(round);
        int64_t began = now_us();
        r.s.port.ops->destroy(r.s.port.self, 0);
        /* Its threads may be asleep for a second (2.8); what is queued is not waited for. */
        CHECK(now_us() - began < 3 * SECOND_US, "destroy took %.2f s",
              (double)(now_us() - began) / SECOND_US);
        memset(values, 'w', (size_t)N * BYTES);
        free(values);
    }
    rig_end(&r);
}

static void no_output_topic(void)
{
    sink s;
    fd_err err;
    fd_class cls;
    sink_new(&s, unique("s"), "ka-there-is-no-such-topic", "ka-nor-this", NULL);
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    while ((cls = s.port.ops->open(s.port.self, 0, 3000, &err)) == FD_RETRY && now_us() < until)
        ;
    CHECK(cls == FD_FATAL && err.exit_code == FD_EXIT_CONFIG, "%d %s", cls, err.text);
    CHECK(strstr(err.text, "ka-there-is-no-such-topic") && strstr(err.text, "--create"), "%s",
          err.text);
    sink_end(&s);
}

static void without_a_broker(void)
{
    sink s;
    fd_err err;
    memset(&s, 0, sizeof s);
    settings_make(&s.set, NULL);
    s.set.items[0].value = "127.0.0.1:1";
    CHECK(fd_kafka_txn_new(
              &(fd_kafka_txn_config){.settings = s.set.of, .stem = "nobody", .topics = {"a", "b"}},
              &s.txn, &err) == FD_OK,
          "%s", err.text);
    s.port = fd_kafka_txn_port(s.txn);
    for (int i = 0; i < 2; i++)
        CHECK(s.port.ops->open(s.port.self, 0, 500, &err) == FD_RETRY, "%s", err.text);
    int64_t began = now_us();
    sink_end(&s);
    CHECK(now_us() - began < 2 * SECOND_US, "destroy took %.2f s",
          (double)(now_us() - began) / SECOND_US);
}

const test_case txn_cases[] = {
    {"two lanes in turn, offsets in order", two_lanes, false},
    {"an open transaction is invisible", open_is_invisible, false},
    {"a source stops at the last stable offset", read_committed_source, false},
    {"a successor aborts and fences", successor, false},
    {"the broker's transaction timeout", transaction_timeout, false},
    {"a stale member cannot commit", stale_member, false},
    {"cut connections make dirty, nothing is lost or doubled", cut_connection, false},
    {"the broker is killed and comes back", broker_restart, true},
    {"a record too large, by client and by broker", too_large, false},
    {"destroy lets go of payloads", destroy_lets_go, false},
    {"no such output topic", no_output_topic, false},
    {"open without a broker", without_a_broker, false},
    {NULL, NULL, false},
};
