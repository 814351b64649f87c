/*
 * The event source against a real broker: rebalances answered late, restarts, errors, queries.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static bool done_reading(const member *m, int64_t end, int parts)
{
    int n = 0;
    for (int p = 0; p < MAX_PARTS; p++)
        n += m->owned[p] && m->next[p] == end;
    return n == parts;
}

/* A member joins alone, gets everything, reads it in order; the answer is given 200 ms late. */
static void late_answer(const char *strategy)
{
    const char *topic = topic_new(2), *group = unique("g");
    fill(topic, 0, 0, 1000);
    fill(topic, 1, 0, 1000);
    member m;
    member_new(&m, group, "", strategy, topic, NULL);
    m.hold_answers = true;
    m.start[0] = 10;
    CHECK(PUMP(&m, m.open == FD_SOURCE_ASSIGN, 15000), "no assignment: %s", m.err.text);
    CHECK(m.n_open == 2, "%u parts", m.n_open);
    for (int i = 0; i < 10; i++)
        CHECK(member_step(&m, 20000) == FD_SOURCE_NONE, "an event before the answer");
    member_answer(&m);
    CHECK(PUMP(&m, done_reading(&m, 1000, 2), 10000), "at %lld %lld", (long long)m.next[0],
          (long long)m.next[1]);
    CHECK(PUMP(&m, m.eof[0] == 1000 && m.eof[1] == 1000, 5000), "no end of partition");
    CHECK(m.got[0] == 990 && m.got[1] == 1000, "counts");
    CHECK(m.port.ops->cached_end(m.port.self, (fd_tp){0, 1}) == 1000, "cached end");
    member_end(&m);
}
static void late_answer_range(void)
{
    late_answer("range");
}
static void late_answer_cooperative(void)
{
    late_answer("cooperative-sticky");
}

/* A second member arrives while the first reads; the first keeps delivering until it answers. */
static void two_members(const char *strategy)
{
    const char *topic = topic_new(4), *group = unique("g");
    for (int p = 0; p < 4; p++)
        fill(topic, p, 0, 2000);
    member a, b;
    member_new(&a, group, "", strategy, topic, NULL);
    CHECK(PUMP(&a, member_owned(&a) == 4, 15000), "first alone: %s", a.err.text);
    CHECK(PUMP(&a, done_reading(&a, 2000, 4), 10000), "first reads");
    a.hold_answers = true;
    member_new(&b, group, "", strategy, topic, NULL);
    int64_t until = now_us() + 15 * (int64_t)SECOND_US;
    while (a.open == FD_SOURCE_NONE && now_us() < until) {
        member_step(&a, 20000);
        member_step(&b, 1000);
    }
    CHECK(a.open == FD_SOURCE_REVOKE, "no revoke");
    int64_t asked = now_us();
    while (now_us() < asked + 500000) { /* the group waits for our answer */
        member_step(&a, 10000);
        member_step(&b, 10000);
        CHECK(member_owned(&b) == 0, "taken before it was given");
    }
    a.hold_answers = false;
    memcpy(b.start, a.next, sizeof b.start); /* what a would have committed */
    member_answer(&a);
    while ((member_owned(&a) != 2 || member_owned(&b) != 2) && now_us() < until + 15 * SECOND_US) {
        member_step(&a, 10000);
        member_step(&b, 10000);
    }
    CHECK(member_owned(&a) == 2 && member_owned(&b) == 2, "%d and %d", member_owned(&a),
          member_owned(&b));
    for (int p = 0; p < 4; p++)
        fill(topic, p, 2000, 500);
    until = now_us() + 10 * (int64_t)SECOND_US;
    while (!(done_reading(&a, 2500, 2) && done_reading(&b, 2500, 2)) && now_us() < until) {
        member_step(&a, 1000);
        member_step(&b, 1000);
    }
    CHECK(done_reading(&a, 2500, 2) && done_reading(&b, 2500, 2), "the rest was not read");
    member_end(&b);
    CHECK(PUMP(&a, member_owned(&a) == 4, 15000), "the partitions do not come back");
    CHECK(a.losts == 0 && b.losts == 0, "lost");
    member_end(&a);
}
static void two_members_range(void)
{
    two_members("range");
}
static void two_members_cooperative(void)
{
    two_members("cooperative-sticky");
}

static int32_t generation_of(member *m, bool *has_id)
{
    fd_membership s;
    fd_err err;
    CHECK(m->port.ops->membership(m->port.self, &s, &err) == FD_OK, "%s", err.text);
    int32_t generation = s.generation;
    if (has_id != NULL)
        *has_id = s.has_member_id;
    m->port.ops->membership_free(m->port.self, &s);
    return generation;
}

/* A static member that restarts takes its place again: the other one notices nothing. */
static void static_restart(void)
{
    const char *topic = topic_new(4), *group = unique("g");
    member a, b;
    member_new(&a, group, "left", "range", topic, NULL);
    CHECK(PUMP(&a, member_owned(&a) == 4, 15000), "alone");
    member_new(&b, group, "right", "range", topic, NULL);
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    while ((member_owned(&a) != 2 || member_owned(&b) != 2) && now_us() < until) {
        member_step(&a, 10000);
        member_step(&b, 10000);
    }
    CHECK(member_owned(&a) == 2 && member_owned(&b) == 2, "shared");
    int32_t before = generation_of(&a, NULL);
    int revokes = a.revokes;
    member_end(&b);
    member_new(&b, group, "right", "range", topic, NULL);
    until = now_us() + 10 * (int64_t)SECOND_US;
    while (member_owned(&b) != 2 && now_us() < until) {
        member_step(&a, 10000);
        member_step(&b, 10000);
    }
    CHECK(member_owned(&b) == 2, "did not get its place again");
    CHECK(a.revokes == revokes && generation_of(&a, NULL) == before, "the other was disturbed");
    CHECK(generation_of(&b, NULL) == before, "generation %d", generation_of(&b, NULL));
    member_end(&a);
    member_end(&b);
}

/* Two processes with one instance name: the first is told so, for good. */
static void fenced_instance(void)
{
    const char *topic = topic_new(1), *group = unique("g");
    member a, b;
    member_new(&a, group, "same", "range", topic, "heartbeat.interval.ms", "300", NULL);
    CHECK(PUMP(&a, member_owned(&a) == 1, 15000), "alone");
    member_new(&b, group, "same", "range", topic, NULL);
    CHECK(PUMP(&b, member_owned(&b) == 1, 15000), "the second takes over");
    CHECK(PUMP(&a, a.errors > 0, 15000), "the first is not told");
    CHECK(a.err.cls == FD_FATAL && a.err.exit_code == FD_EXIT_CONFIG, "%d %d %s", a.err.cls,
          a.err.exit_code, a.err.text);
    CHECK(strstr(a.err.text, "same instance name") != NULL, "%s", a.err.text);
    member_end(&a);
    member_end(&b);
}

static void membership_is_real(void)
{
    const char *topic = topic_new(2), *group = unique("g");
    member a, b;
    bool has_id;
    member_new(&a, group, "", "range", topic, NULL);
    CHECK(generation_of(&a, &has_id) == -1, "a member before it joined");
    CHECK(PUMP(&a, member_owned(&a) == 2, 15000), "alone");
    CHECK(generation_of(&a, &has_id) == 1 && has_id, "%d", generation_of(&a, NULL));
    member_new(&b, group, "", "range", topic, NULL);
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    while (member_owned(&b) != 1 && now_us() < until) {
        member_step(&a, 10000);
        member_step(&b, 10000);
    }
    CHECK(generation_of(&a, NULL) == 2 && generation_of(&b, NULL) == 2, "%d %d",
          generation_of(&a, NULL), generation_of(&b, NULL));
    fd_kafka_source_close(b.source);
    CHECK(generation_of(&b, &has_id) == -1 || !has_id, "still a member after close");
    member_end(&b);
    member_end(&a);
}

/* Restarts of changing subsets at random places: each restarted partition goes on exactly from
 * there, all others as if nothing had happened (on_message checks both). */
static void restarts(const char *strategy)
{
    enum { PARTS = 3, N = 20000, ROUNDS = 400 };
    const char *topic = topic_new(PARTS), *group = unique("g");
    for (int p = 0; p < PARTS; p++)
        fill(topic, p, 0, N);
    member m;
    member_new(&m, group, "", strategy, topic, NULL);
    CHECK(PUMP(&m, member_owned(&m) == PARTS, 15000), "alone");
    unsigned random = 12345;
    int64_t messages = 0;
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1103515245u + 12345u;
        int steps = (int)(random >> 16) % 300;
        for (int i = 0; i < steps; i++)
            messages += member_step(&m, 2000) == FD_SOURCE_MSG;
        fd_tpo at[PARTS];
        uint32_t n = 0;
        for (int p = 0; p < PARTS; p++) {
            random = random * 1103515245u + 12345u;
            if ((random >> 16 & 3) != 0)
                continue;
            m.next[p] = (int64_t)(random >> 8) % N;
            at[n++] = (fd_tpo){.tp = {0, p}, .offset = m.next[p], .leader_epoch = -1};
        }
        fd_err err;
        CHECK(m.port.ops->restart(m.port.self, at, n, &err) == FD_OK, "%s", err.text);
    }
    CHECK(messages > ROUNDS * 20, "only %lld messages", (long long)messages);
    CHECK(PUMP(&m, done_reading(&m, N, PARTS), 20000), "not to the end");
    member_end(&m);
}
static void restarts_range(void)
{
    restarts("range");
}
static void restarts_cooperative(void)
{
    restarts("cooperative-sticky");
}

/* A restart asked for while a revoke is open waits for the answer, and delivers nothing until
 * then; a partition that stays then goes on from there. */
static void restart_in_a_rebalance(void)
{
    const char *topic = topic_new(2), *group = unique("g");
    fill(topic, 0, 0, 1000);
    fill(topic, 1, 0, 1000);
    member a, b;
    member_new(&a, group, "", "cooperative-sticky", topic, NULL);
    CHECK(PUMP(&a, member_owned(&a) == 2 && done_reading(&a, 1000, 2), 15000), "alone");
    a.hold_answers = true;
    member_new(&b, group, "", "cooperative-sticky", topic, NULL);
    int64_t until = now_us() + 15 * (int64_t)SECOND_US;
    while (a.open == FD_SOURCE_NONE && now_us() < until) {
        member_step(&a, 10000);
        member_step(&b, 1000);
    }
    CHECK(a.open == FD_SOURCE_REVOKE && a.n_open == 1, "no revoke of one");
    fd_err err;
    fd_tpo at[] = {{.tp = {0, 0}, .offset = 500, .leader_epoch = -1},
                   {.tp = {0, 1}, .offset = 500, .leader_epoch = -1}};
    CHECK(a.port.ops->restart(a.port.self, at, 2, &err) == FD_OK, "%s", err.text);
    a.next[0] = a.next[1] = 500;
    int64_t before = a.got[0] + a.got[1];
    for (int i = 0; i < 20; i++) {
        member_step(&a, 10000);
        member_step(&b, 1000);
    }
    CHECK(a.got[0] + a.got[1] == before, "delivered before the answer");
    member_answer(&a);
    a.hold_answers = false;
    until = now_us() + 15 * (int64_t)SECOND_US;
    while (!(done_reading(&a, 1000, 1) && done_reading(&b, 1000, 1)) && now_us() < until) {
        member_step(&a, 1000);
        member_step(&b, 1000);
    }
    CHECK(done_reading(&a, 1000, 1), "the partition that stays was not restarted");
    CHECK(a.got[0] + a.got[1] == before + 500, "%lld", (long long)(a.got[0] + a.got[1] - before));
    member_end(&a);
    member_end(&b);
}

static void pause_and_resume(const char *strategy)
{
    enum { N = 5000 };
    const char *topic = topic_new(2), *group = unique("g");
    fill(topic, 0, 0, N);
    fill(topic, 1, 0, N);
    member m;
    fd_err err;
    fd_tp zero = {0, 0};
    member_new(&m, group, "", strategy, topic, NULL);
    CHECK(PUMP(&m, m.got[0] >= 100 && m.got[1] >= 100, 15000), "not reading");
    for (int round = 0; round < 20; round++) {
        CHECK(m.port.ops->pause(m.port.self, &zero, 1, &err) == FD_OK, "%s", err.text);
        int64_t had = m.got[0];
        if (round == 10) { /* a restart of the other one does not wake it */
            m.next[1] = 0;
            fd_tpo at = {.tp = {0, 1}, .offset = 0, .leader_epoch = -1};
            CHECK(m.port.ops->restart(m.port.self, &at, 1, &err) == FD_OK, "%s", err.text);
        }
        for (int i = 0; i < 100; i++)
            member_step(&m, 1000);
        CHECK(m.got[0] == had, "delivered while paused");
        CHECK(m.port.ops->resume(m.port.self, &zero, 1, &err) == FD_OK, "%s", err.text);
        for (int i = 0; i < 100; i++)
            member_step(&m, 1000);
    }
    CHECK(PUMP(&m, done_reading(&m, N, 2), 15000), "%lld %lld", (long long)m.next[0],
          (long long)m.next[1]);
    member_end(&m);
}
static void pause_and_resume_range(void)
{
    pause_and_resume("range");
}
static void pause_and_resume_cooperative(void)
{
    pause_and_resume("cooperative-sticky");
}

static void offset_gone(void)
{
    const char *topic = topic_new(1), *group = unique("g");
    fill(topic, 0, 0, 10);
    member m;
    member_new(&m, group, "", "range", topic, NULL);
    m.start[0] = 5000;
    CHECK(PUMP(&m, m.gones == 1, 15000), "not said");
    fd_err err;
    fd_tpo at = {.tp = {0, 0}, .offset = 3, .leader_epoch = -1};
    m.next[0] = 3;
    CHECK(m.port.ops->restart(m.port.self, &at, 1, &err) == FD_OK, "%s", err.text);
    CHECK(PUMP(&m, m.next[0] == 10, 5000), "does not go on");
    member_end(&m);
}

/* The poll loop stops for longer than max.poll.interval.ms: the partitions are lost, then come
 * back. */
static void lost(const char *strategy)
{
    const char *topic = topic_new(2), *group = unique("g");
    member m;
    member_new(&m, group, "", strategy, topic, "session.timeout.ms", "6000", "max.poll.interval.ms",
               "6000", NULL);
    CHECK(PUMP(&m, member_owned(&m) == 2, 15000), "alone");
    sleep_ms(7500);
    CHECK(PUMP(&m, m.losts == 1, 5000), "not lost (%d revokes, %s)", m.revokes, m.err.text);
    CHECK(PUMP(&m, member_owned(&m) == 2, 15000), "do not come back");
    fill(topic, 1, 0, 10);
    CHECK(PUMP(&m, m.next[1] == 10, 10000), "nothing is delivered afterwards");
    CHECK(m.err.cls == FD_RETRY || m.errors == 0, "%s", m.err.text);
    member_end(&m);
}
static void lost_range(void)
{
    lost("range");
}
static void lost_cooperative(void)
{
    lost("cooperative-sticky");
}

/* close() with unanswered rebalances, with unread messages, and without a broker. */
static void close_never_hangs(void)
{
    const char *strategies[] = {"range", "cooperative-sticky"};
    for (int i = 0; i < 2; i++) {
        const char *topic = topic_new(2), *group = unique("g");
        fill(topic, 0, 0, 1000);
        member a, b;
        member_new(&a, group, "", strategies[i], topic, NULL);
        CHECK(PUMP(&a, member_owned(&a) == 2, 15000), "alone");
        a.hold_answers = true;
        member_new(&b, group, "", strategies[i], topic, NULL);
        b.hold_answers = true;
        int64_t until = now_us() + 15 * (int64_t)SECOND_US;
        while (a.open == FD_SOURCE_NONE && now_us() < until) {
            member_step(&a, 10000);
            member_step(&b, 1000);
        }
        CHECK(a.open == FD_SOURCE_REVOKE, "no revoke");
        int64_t began = now_us();
        member_end(&a);
        CHECK(PUMP(&b, b.open == FD_SOURCE_ASSIGN, 15000), "the other gets nothing");
        member_end(&b);
        CHECK(now_us() - began < 8 * SECOND_US, "%.1f s", (double)(now_us() - began) / SECOND_US);
    }
    member c;
    member_new(&c, "nobody", "", "range", "nothing", NULL);
    int64_t began = now_us();
    member_end(&c);
    CHECK(now_us() - began < 6 * SECOND_US, "%.1f s", (double)(now_us() - began) / SECOND_US);
}

static void *waker(void *arg)
{
    member *m = arg;
    sleep_ms(100);
    m->port.ops->wake(m->port.self);
    return NULL;
}

static void wake_and_timeouts(void)
{
    const char *topic = topic_new(1), *group = unique("g");
    member m;
    member_new(&m, group, "", "range", topic, NULL);
    CHECK(PUMP(&m, m.eof[0] == 0, 15000), "not assigned");
    for (int i = 0; i < 10; i++)
        member_step(&m, 1000);
    int64_t began = now_us();
    CHECK(member_step(&m, 300) == FD_SOURCE_NONE, "an event");
    int64_t took = now_us() - began;
    CHECK(took >= 300 && took < 50000, "300 us took %lld", (long long)took);
    pthread_t t;
    CHECK(pthread_create(&t, NULL, waker, &m) == 0, "thread");
    began = now_us();
    CHECK(member_step(&m, 5 * SECOND_US) == FD_SOURCE_NONE, "an event");
    took = now_us() - began;
    pthread_join(t, NULL);
    CHECK(took > 50000 && took < 1000000, "wake took %lld", (long long)took);
    began = now_us();
    fill(topic, 0, 0, 1);
    CHECK(member_step(&m, 5 * SECOND_US) == FD_SOURCE_MSG, "no message");
    member_end(&m);
}

/* A transaction without records: how a new partition gets its start. */
static void commit_only(member *m, const fd_tpo *at, uint32_t n)
{
    sink s;
    fd_err err;
    fd_membership now;
    sink_new(&s, unique("s"), topic_new(1), topic_new(1), NULL);
    sink_open(&s, 0);
    const fd_txn_ops *ops = s.port.ops;
    CHECK(m->port.ops->membership(m->port.self, &now, &err) == FD_OK, "%s", err.text);
    CHECK(ops->begin(s.port.self, 0, &err) == FD_OK, "%s", err.text);
    uint32_t done = 0;
    CHECK(ops->produce(s.port.self, 0, NULL, 0, &done, &err) == FD_OK, "%s", err.text);
    CHECK(ops->send_offsets(s.port.self, 0, at, n, &now, 5000, &err) == FD_OK, "%s", err.text);
    CHECK(ops->commit(s.port.self, 0, 5000, &err) == FD_OK, "%s", err.text);
    m->port.ops->membership_free(m->port.self, &now);
    sink_end(&s);
}

static void queries(void)
{
    const char *topic = topic_new(2), *group = unique("g");
    fill(topic, 0, 0, 100);
    member m;
    fd_err err;
    member_new(&m, group, "", "range", topic, NULL);
    CHECK(PUMP(&m, member_owned(&m) == 2, 15000), "alone");
    const fd_source_ops *ops = m.port.ops;
    fd_tpo at[2] = {{.tp = {0, 0}, .offset = 7}, {.tp = {0, 1}, .offset = 7}};
    CHECK(ops->committed(m.port.self, at, 2, 5000, &err) == FD_OK, "%s", err.text);
    CHECK(at[0].offset == -1 && at[1].offset == -1, "committed before any commit");
    at[0].offset = 42, at[1].offset = 0;
    at[0].leader_epoch = at[1].leader_epoch = -1;
    commit_only(&m, at, 2);
    at[0].offset = at[1].offset = -7;
    CHECK(ops->committed(m.port.self, at, 2, 5000, &err) == FD_OK, "%s", err.text);
    CHECK(at[0].offset == 42 && at[1].offset == 0, "%lld %lld", (long long)at[0].offset,
          (long long)at[1].offset);
    int64_t first, next, offset;
    CHECK(ops->bounds(m.port.self, (fd_tp){0, 0}, &first, &next, 5000, &err) == FD_OK, "%s",
          err.text);
    CHECK(first == 0 && next == 100, "%lld %lld", (long long)first, (long long)next);
    CHECK(ops->at_time(m.port.self, (fd_tp){0, 0}, 1000, &offset, 5000, &err) == FD_OK, "%s",
          err.text);
    CHECK(offset == 0, "%lld", (long long)offset);
    CHECK(ops->at_time(m.port.self, (fd_tp){0, 0}, INT64_C(99999999999999), &offset, 5000, &err) ==
              FD_OK,
          "%s", err.text);
    CHECK(offset == 100, "%lld", (long long)offset);
    member_end(&m);
}

const test_case source_cases[] = {
    {"assign answered late, range", late_answer_range, false},
    {"assign answered late, cooperative", late_answer_cooperative, false},
    {"two members, revoke answered late, range", two_members_range, false},
    {"two members, revoke answered late, cooperative", two_members_cooperative, false},
    {"static member restarts without a rebalance", static_restart, false},
    {"fenced instance is fatal", fenced_instance, false},
    {"membership is real", membership_is_real, false},
    {"restarts deliver exactly, range", restarts_range, false},
    {"restarts deliver exactly, cooperative", restarts_cooperative, false},
    {"restart waits for an open rebalance", restart_in_a_rebalance, false},
    {"pause and resume, range", pause_and_resume_range, false},
    {"pause and resume, cooperative", pause_and_resume_cooperative, false},
    {"an offset that is gone", offset_gone, false},
    {"lost assignment, range", lost_range, false},
    {"lost assignment, cooperative", lost_cooperative, false},
    {"close never hangs", close_never_hangs, false},
    {"wake and timeouts", wake_and_timeouts, false},
    {"committed, bounds, at_time", queries, false},
    {NULL, NULL, false},
};
