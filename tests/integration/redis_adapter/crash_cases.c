/*
 * Cases of a Redis that dies, stands still, fills up, or is replaced by a replica: what the adapter
 * answers then, and that what is found afterwards is one state of the past, whole.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "support.h"

enum { KEYS = 40, PER_FLUSH = 8, IN_FLIGHT = 6, STEPS_MAX = 4000 };

/* Step s (from 1 on, after the reset) puts PER_FLUSH keys with LSN s, and the redo point to s + 1.
 */
static uint32_t key_of(uint64_t step, uint32_t i)
{
    return (uint32_t)(step * 5 + i * 3) % KEYS;
}

/* The LSN that a key has when the store is at `seq`. */
static int64_t lsn_at(uint64_t seq, uint32_t key)
{
    for (uint64_t step = seq - 1; step > 0; step--) {
        for (uint32_t i = 0; i < PER_FLUSH; i++) {
            if (key_of(step, i) == key)
                return (int64_t)step;
        }
    }
    return -1;
}

typedef struct load {
    owner *o;
    fd_state_request rq[IN_FLIGHT];
    fd_state_value values[IN_FLIGHT][PER_FLUSH];
    char keys[KEYS][16];
    char bytes[400];
    uint64_t next; /* step to send */
    uint64_t done; /* steps that were answered OK */
    uint32_t out;
    int downs;
} load;

static void load_begin(load *l, owner *o, uint64_t first)
{
    *l = (load){.o = o, .next = first, .done = first - 1};
    for (uint32_t k = 0; k < KEYS; k++)
        snprintf(l->keys[k], sizeof l->keys[k], "k%u", k);
    memset(l->bytes, 'v', sizeof l->bytes);
}

static void load_send(load *l)
{
    uint64_t step = l->next++;
    uint32_t at = (uint32_t)(step % IN_FLIGHT);
    for (uint32_t i = 0; i < PER_FLUSH; i++)
        l->values[at][i] = (fd_state_value){.key_kind = 1,
                                            .key = fd_str_from(l->keys[key_of(step, i)]),
                                            .bytes = {l->bytes, sizeof l->bytes},
                                            .lsn = (int64_t)step,
                                            .last_us = (int64_t)step};
    l->rq[at] = (fd_state_request){.kind = FD_STATE_FLUSH,
                                   .nonce = 7,
                                   .seq = step,
                                   .mark = {.redo = (int64_t)step + 1},
                                   .n = PER_FLUSH,
                                   .values = l->values[at]};
    CHECK(l->o->port.ops->submit(l->o->port.self, &l->rq[at]), "submit");
    l->out++;
}

/* Flushes behind each other until the time is over or one is down; all are answered then. */
static void load_run(load *l, int ms)
{
    int64_t until = now_us() + (int64_t)ms * 1000;
    while (l->out > 0 || (now_us() < until && l->downs == 0)) {
        while (l->out < IN_FLIGHT && l->downs == 0 && now_us() < until)
            load_send(l);
        fd_state_reply r;
        if (!l->o->port.ops->poll(l->o->port.self, SECOND_US, &r))
            continue;
        l->out--;
        CHECK(r.result != FD_STATE_REFUSED || l->downs > 0, "%s", r.err.text);
        if (r.result == FD_STATE_OK)
            l->done = r.request->seq;
        l->downs += r.result == FD_STATE_DOWN;
    }
}

/* The store is at some step, and has just what that step left. */
static uint64_t check_whole(owner *o, uint64_t nonce, uint64_t expect)
{
    fd_state_mark m;
    CHECK(owner_take(o, nonce, expect, &m) == FD_STATE_OK && m.found, "take");
    CHECK(m.redo == (m.seq == 1 ? 0 : (int64_t)m.seq), "seq %llu, redo %lld",
          (unsigned long long)m.seq, (long long)m.redo);
    CHECK(m.high_lsn == (m.seq == 1 ? -1 : (int64_t)m.seq - 1), "high %lld", (long long)m.high_lsn);
    fd_state_value v[KEYS];
    char keys[KEYS][16];
    for (uint32_t k = 0; k < KEYS; k++) {
        snprintf(keys[k], sizeof keys[k], "k%u", k);
        v[k] = (fd_state_value){.key_kind = 1, .key = fd_str_from(keys[k])};
    }
    fd_state_request rq = {
        .kind = FD_STATE_READ, .nonce = nonce, .seq = m.seq, .n = KEYS, .values = v};
    CHECK(owner_ask(o, &rq).result == FD_STATE_OK, "read");
    for (uint32_t k = 0; k < KEYS; k++) {
        int64_t lsn = v[k].bytes.p == NULL ? -1 : v[k].lsn;
        CHECK(lsn == lsn_at(m.seq, k), "at %llu %s has %lld, not %lld", (unsigned long long)m.seq,
              keys[k], (long long)lsn, (long long)lsn_at(m.seq, k));
    }
    return m.seq;
}

/* ---- death ---- */

static void killed_without_a_log(void)
{
    server *s = server_new(NULL);
    owner o;
    load l;
    owner_to(&o, s->url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    load_begin(&l, &o, 1);
    load_run(&l, 50);
    CHECK(l.done > 10 && l.downs == 0, "%llu steps", (unsigned long long)l.done);
    server_kill(s);
    CHECK(owner_lsn(&o, 7, l.done + 1, "k1") == -3, "down");
    server_run(s);
    CHECK(owner_wait_up(&o, 10000), "not up again");
    CHECK(owner_lsn(&o, 7, l.done + 1, "k1") == -2, "the store is empty");
    fd_state_mark m;
    CHECK(owner_take(&o, 8, 7, &m) == FD_STATE_OK && !m.found, "take");
    CHECK(fd_redis_count(o.redis).connects == 2, "connects");
    owner_end(&o);
}

/* Under load, with the log synced each time, or each second: then the last steps may be gone. */
static void killed_with_a_log(const char *fsync)
{
    server *s = server_new("--appendonly", "yes", "--appendfsync", fsync, NULL);
    owner o;
    static load l;
    uint64_t seq = 1;
    int behind = 0;
    bool always = strcmp(fsync, "always") == 0;
    owner_to(&o, s->url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    for (int turn = 0; turn < 5; turn++) {
        load_begin(&l, &o, seq);
        load_run(&l, 20 + turn * 7);
        for (int i = 0; i < IN_FLIGHT; i++)
            load_send(&l);
        server_kill(s);
        load_run(&l, 0);
        CHECK(l.downs > 0, "nothing was under way");
        server_run(s);
        CHECK(owner_wait_up(&o, 10000), "not up again");
        uint64_t found = check_whole(&o, 7, 7);
        CHECK(found <= l.next, "steps that nobody sent");
        CHECK(found > l.done || !always, "at %llu, but %llu was answered",
              (unsigned long long)found, (unsigned long long)l.done);
        behind += found < l.next;
        seq = found;
    }
    CHECK(behind > 0, "no kill came in time");
    owner_end(&o);
}

static void killed_with_a_log_always(void)
{
    killed_with_a_log("always");
}

/* Redis may answer before it has written, while an earlier sync is still going on. */
static void killed_with_a_log_everysec(void)
{
    killed_with_a_log("everysec");
}

/* ---- a replica that lagged ---- */

static void wait_for_step(server *s, long long step)
{
    int64_t until = now_us() + 10 * (int64_t)SECOND_US;
    for (;;) {
        const redisReply *r = hand(s, "HGET t:{pay:0}:l1:m seq");
        if (r->type == REDIS_REPLY_STRING && strtoll(r->str, NULL, 10) >= step)
            return;
        CHECK(now_us() < until, "no replication");
        sleep_ms(2);
    }
}

/* It follows for a while, not to the end; what the primary acknowledged later dies with that. */
static void promoted(void)
{
    server *primary = server_new(NULL), *replica = server_new(NULL);
    owner o, after;
    static load l;
    char port[16];
    snprintf(port, sizeof port, "%d", primary->port);
    hand(replica, "REPLICAOF 127.0.0.1 %s", port);
    owner_to(&o, primary->url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    load_begin(&l, &o, 1);
    load_run(&l, 60);
    wait_for_step(replica, (long long)l.done);
    for (int i = 0; i < IN_FLIGHT; i++)
        load_send(&l);
    hand(replica, "REPLICAOF NO ONE");
    load_run(&l, 60);
    CHECK(l.downs == 0, "down");
    server_kill(primary);
    owner_to(&after, replica->url);
    CHECK(owner_lsn(&after, 7, l.done + 1, "k1") == -2, "nothing is missing");
    uint64_t seq = check_whole(&after, 8, 7);
    CHECK(seq > 1 && seq < l.done + 1, "at %llu of %llu", (unsigned long long)seq,
          (unsigned long long)l.done);
    printf("       %llu of %llu acknowledged steps were lost, noticed\n",
           (unsigned long long)(l.done + 1 - seq), (unsigned long long)l.done);
    /* The old owner did not know of the new nonce. */
    CHECK(owner_flush(&after, 7, seq, "k", 1, 1, (int64_t)seq) == FD_STATE_REFUSED, "old owner");
    owner_end(&after);
    owner_end(&o);
}

/* ---- standing still ---- */

static void slow_by_a_second(void)
{
    server *s = server_new(NULL);
    owner o;
    owner_to(&o, s->url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    server_signal(s, SIGSTOP);
    fd_state_value v = {.key_kind = 1, .key = FD_STR("k"), .bytes = FD_STR("1"), .lsn = 5};
    fd_state_request rq = {
        .kind = FD_STATE_FLUSH, .nonce = 7, .seq = 1, .mark = {.redo = 6}, .n = 1, .values = &v};
    fd_state_reply r;
    int64_t began = now_us();
    CHECK(o.port.ops->submit(o.port.self, &rq), "submit");
    CHECK(!o.port.ops->poll(o.port.self, SECOND_US, &r), "an answer");
    CHECK(now_us() - began < SECOND_US + SECOND_US / 5, "poll waits longer than it was told to");
    server_signal(s, SIGCONT);
    CHECK(o.port.ops->poll(o.port.self, SECOND_US, &r) && r.result == FD_STATE_OK, "answer");
    CHECK(owner_lsn(&o, 7, 2, "k") == 5, "read");
    owner_end(&o);
}

/* Longer than we wait: down; the flush is done later all the same, and the next TAKE says so. */
static void slower_than_the_timeout(void)
{
    server *s = server_new(NULL);
    owner o;
    fd_state_mark m;
    owner_new(&o, &(fd_redis_config){.url = s->url, .timeout_us = SECOND_US / 5});
    CHECK(owner_wait_up(&o, 5000), "not up");
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    server_signal(s, SIGSTOP);
    int64_t began = now_us();
    CHECK(owner_flush(&o, 7, 1, "k", 1, 1, 5) == FD_STATE_DOWN, "down");
    int64_t took = now_us() - began;
    CHECK(took > SECOND_US / 6 && took < SECOND_US, "after %lld us", (long long)took);
    owner_expect_down(&o, "no answer within 200 ms", FD_RETRY);
    server_signal(s, SIGCONT);
    CHECK(owner_wait_up(&o, 10000), "not up again");
    CHECK(owner_take(&o, 8, 7, &m) == FD_STATE_OK && m.found && m.seq == 2, "seq %llu",
          (unsigned long long)m.seq);
    CHECK(owner_lsn(&o, 8, 2, "k0") == 5, "read");
    owner_end(&o);
}

/* ---- full ---- */

/* Flushes until Redis is full: the one that was too much left nothing; and again from there. */
static void memory_runs_out(void)
{
    server *s = server_new(NULL);
    owner o;
    fd_state_mark m;
    char stem[16];
    owner_to(&o, s->url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    uint64_t seq = 1;
    for (int turn = 0; turn < 20; turn++) {
        hand(s, "CONFIG SET maxmemory %lld", used_memory(s) + 300000 + turn * 1777);
        fd_state_result result;
        do {
            snprintf(stem, sizeof stem, "%llu-", (unsigned long long)seq);
            result = owner_flush(&o, 7, seq, stem, 30, 500 + (uint32_t)turn, (int64_t)seq);
            seq += result == FD_STATE_OK;
        } while (result == FD_STATE_OK);
        CHECK(result == FD_STATE_DOWN && o.port.ops->up(o.port.self, NULL), "%d", result);
        char key[32];
        snprintf(key, sizeof key, "%s0", stem);
        CHECK(owner_lsn(&o, 7, seq, key) == -1, "a value of the flush that was too much");
        CHECK(owner_take(&o, 7, 7, &m) == FD_STATE_OK && m.found && m.seq == seq, "take");
        CHECK(m.high_lsn == (int64_t)seq - 1 && m.redo == (int64_t)seq, "marker");
    }
    CHECK(hand(s, "CONFIG SET maxmemory 0")->type == REDIS_REPLY_STATUS, "config");
    CHECK(owner_flush(&o, 7, seq, "k", 1, 1, (int64_t)seq) == FD_STATE_OK, "there is room again");
    owner_end(&o);
}

const test_case crash_cases[] = {
    {"killed, without a log", killed_without_a_log},
    {"killed under load, with a log, always synced", killed_with_a_log_always},
    {"killed under load, with a log, synced each second", killed_with_a_log_everysec},
    {"a lagging replica is promoted", promoted},
    {"slow by a second", slow_by_a_second},
    {"slower than the timeout", slower_than_the_timeout},
    {"memory runs out", memory_runs_out},
    {NULL, NULL},
};
