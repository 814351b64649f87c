/* The histories; see store_histories.h. Main thread. */
#include "store_histories.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(cond)                                           \
    do {                                                     \
        if (!(cond))                                         \
            store_history_failed(__FILE__, __LINE__, #cond); \
    } while (0)

enum { ANY = 0, ALICE = 0, BOB = 1, MANY = FD_STATE_MAX_VALUES };

static const fd_tp P0 = {.source = 0, .partition = 0};
static const fd_tp P1 = {.source = 0, .partition = 1};
static const fd_tp OTHER = {.source = 1, .partition = 0};

/* ---- asking ---- */

static fd_state_reply ask(const store_bench *b, int who, fd_state_request *rq)
{
    fd_state_store port = b->port(who);
    fd_state_reply reply;
    MUST(port.ops->submit(port.self, rq));
    MUST(b->answer(who, &reply));
    MUST(reply.request == rq);
    MUST(reply.result == FD_STATE_OK || reply.err.text[0] != '\0');
    return reply;
}

static void send(const store_bench *b, int who, fd_state_request *rq)
{
    fd_state_store port = b->port(who);
    MUST(port.ops->submit(port.self, rq));
}

static fd_state_result answer_of(const store_bench *b, int who, const fd_state_request *rq)
{
    fd_state_reply reply;
    MUST(b->answer(who, &reply));
    MUST(reply.request == rq);
    return reply.result;
}

static fd_state_reply take(const store_bench *b, int who, fd_tp tp, uint64_t nonce, uint64_t expect)
{
    fd_state_request rq = {.kind = FD_STATE_TAKE, .tp = tp, .nonce = nonce, .expect = expect};
    return ask(b, who, &rq);
}

static fd_state_request reset_request(fd_tp tp, uint64_t nonce, uint64_t expect, uint64_t seq,
                                      int64_t redo)
{
    return (fd_state_request){
        .kind = FD_STATE_RESET,
        .tp = tp,
        .nonce = nonce,
        .expect = expect,
        .seq = seq,
        .mark = {.redo = redo, .merge_us = -7, .partitions = 4, .topic_id = "AbC_-1"}};
}

static fd_state_result reset(const store_bench *b, int who, fd_tp tp, uint64_t nonce,
                             uint64_t expect, uint64_t seq, int64_t redo)
{
    fd_state_request rq = reset_request(tp, nonce, expect, seq, redo);
    return ask(b, who, &rq).result;
}

/* Without overflow where only the number itself matters. */
static int64_t times(int64_t n, int64_t factor)
{
    return n < 1000000 ? n * factor : n;
}

static fd_state_value value(const char *key, const char *bytes, int64_t lsn)
{
    return (fd_state_value){.key_kind = 1,
                            .key = fd_str_from(key),
                            .bytes = fd_str_from(bytes),
                            .lsn = lsn,
                            .last_us = times(lsn, 10)};
}

static fd_state_request flush_request(fd_tp tp, uint64_t nonce, uint64_t seq, int64_t redo,
                                      fd_state_value *values, uint32_t n)
{
    return (fd_state_request){.kind = FD_STATE_FLUSH,
                              .tp = tp,
                              .nonce = nonce,
                              .seq = seq,
                              .mark = {.redo = redo, .merge_us = times(redo, 100)},
                              .n = n,
                              .values = values};
}

static fd_state_result flush(const store_bench *b, int who, fd_tp tp, uint64_t nonce, uint64_t seq,
                             int64_t redo, fd_state_value *values, uint32_t n)
{
    fd_state_request rq = flush_request(tp, nonce, seq, redo, values, n);
    return ask(b, who, &rq).result;
}

static fd_state_result flush_one(const store_bench *b, int who, uint64_t nonce, uint64_t seq,
                                 const char *key, const char *bytes, int64_t lsn)
{
    fd_state_value v = value(key, bytes, lsn);
    return flush(b, who, P0, nonce, seq, lsn + 1, &v, 1);
}

/* Reads one key; its bytes must be these (NULL: none). */
static fd_state_result read_tp(const store_bench *b, int who, fd_tp tp, uint64_t nonce,
                               uint64_t seq, const char *key, const char *bytes)
{
    fd_state_value v = value(key, "?", 0);
    fd_state_request rq = {
        .kind = FD_STATE_READ, .tp = tp, .nonce = nonce, .seq = seq, .n = 1, .values = &v};
    fd_state_result result = ask(b, who, &rq).result;
    if (result == FD_STATE_OK && bytes == NULL)
        MUST(v.bytes.p == NULL);
    if (result == FD_STATE_OK && bytes != NULL)
        MUST(v.bytes.p != NULL && fd_str_eq_c(v.bytes, bytes));
    return result;
}

static fd_state_result read_one(const store_bench *b, int who, uint64_t nonce, uint64_t seq,
                                const char *key, const char *bytes)
{
    return read_tp(b, who, P0, nonce, seq, key, bytes);
}

static fd_state_reply sweep(const store_bench *b, int who, uint64_t nonce, uint64_t seq,
                            int64_t older_us, uint32_t max)
{
    fd_state_request rq = {.kind = FD_STATE_SWEEP,
                           .tp = P0,
                           .nonce = nonce,
                           .seq = seq,
                           .older_us = older_us,
                           .max = max};
    return ask(b, who, &rq);
}

/* Alice owns P0 as 11, at step 1, from offset 0. */
static void begin(const store_bench *b)
{
    b->begin();
    MUST(reset(b, ALICE, P0, 11, ANY, 0, 0) == FD_STATE_OK);
}

/* ---- the marker ---- */

static void nothing_is_there(const store_bench *b)
{
    b->begin();
    fd_state_reply r = take(b, ALICE, P0, 11, ANY);
    MUST(r.result == FD_STATE_OK && !r.mark.found && r.mark.seq == 0);
    r = take(b, ALICE, P0, 11, 5);
    MUST(r.result == FD_STATE_OK && !r.mark.found && r.mark.seq == 0);
    MUST(read_one(b, ALICE, 11, 0, "a", NULL) == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 0, "a", "1", 1) == FD_STATE_REFUSED);
    MUST(sweep(b, ALICE, 11, 0, 100, 10).result == FD_STATE_REFUSED);
    MUST(!take(b, ALICE, P0, 11, ANY).mark.found);
}

static void a_reset_is_found(const store_bench *b)
{
    b->begin();
    MUST(reset(b, ALICE, P0, 11, ANY, 0, 1234) == FD_STATE_OK);
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.result == FD_STATE_OK && r.mark.found);
    MUST(r.mark.seq == 1 && r.mark.redo == 1234 && r.mark.merge_us == -7);
    MUST(r.mark.high_lsn == -1 && r.mark.partitions == 4);
    MUST(strcmp(r.mark.topic_id, "AbC_-1") == 0);
    MUST(read_one(b, ALICE, 12, 1, "a", NULL) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 1, "a", NULL) == FD_STATE_REFUSED);
}

static void values_come_back(const store_bench *b)
{
    begin(b);
    char binary[] = "\0\xff\r\n{}%$", large[3000];
    memset(large, 'x', sizeof large);
    fd_state_value v[5] = {value("a", "1", 5), value("b", "", 6), value("c", "3", 7),
                           value("a", "of another kind", 8), value("_", "under", 9)};
    v[2].key = (fd_str){binary, sizeof binary - 1};
    v[2].bytes = (fd_str){large, sizeof large};
    v[3].key_kind = 0xfffe;
    v[3].last_us = -5;
    MUST(flush(b, ALICE, P0, 11, 1, -1, v, 5) == FD_STATE_OK);
    fd_state_value got[6] = {value("_", "?", 0), value("nobody", "?", 0), v[3], v[2], v[1], v[0]};
    fd_state_request rq = {
        .kind = FD_STATE_READ, .tp = P0, .nonce = 11, .seq = 2, .n = 6, .values = got};
    MUST(ask(b, ALICE, &rq).result == FD_STATE_OK);
    MUST(fd_str_eq_c(got[0].bytes, "under") && got[0].lsn == 9 && got[0].last_us == 90);
    MUST(got[1].bytes.p == NULL);
    MUST(fd_str_eq_c(got[2].bytes, "of another kind") && got[2].last_us == -5);
    MUST(got[3].bytes.n == sizeof large && memcmp(got[3].bytes.p, large, sizeof large) == 0);
    MUST(got[4].bytes.p != NULL && got[4].bytes.n == 0 && got[4].lsn == 6);
    MUST(fd_str_eq_c(got[5].bytes, "1") && got[5].lsn == 5);
    fd_state_reply r = take(b, ALICE, P0, 11, 11);
    MUST(r.mark.found && r.mark.seq == 2 && r.mark.high_lsn == 9 && r.mark.redo == 0);
}

static void lsns_do_not_go_back(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 10) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 20) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 11, 3, "a", "again", 20) == FD_STATE_OK);
    fd_state_value v[3] = {value("new", "n", 30), value("a", "old", 19), value("c", "n", 30)};
    MUST(flush(b, ALICE, P0, 11, 4, -1, v, 3) == FD_STATE_REFUSED);
    MUST(read_one(b, ALICE, 11, 4, "a", "again") == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 4, "new", NULL) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 4, "c", NULL) == FD_STATE_OK);
    fd_state_reply r = take(b, ALICE, P0, 11, 11);
    MUST(r.mark.found && r.mark.seq == 4 && r.mark.high_lsn == 20);
    /* A lower one than the highest is fine for another key. */
    fd_state_value low = value("b", "low", 3);
    MUST(flush(b, ALICE, P0, 11, 4, -1, &low, 1) == FD_STATE_OK);
    MUST(take(b, ALICE, P0, 11, 11).mark.high_lsn == 20);
}

static void redo_does_not_go_back(const store_bench *b)
{
    b->begin();
    MUST(reset(b, ALICE, P0, 11, ANY, 0, 100) == FD_STATE_OK);
    MUST(flush(b, ALICE, P0, 11, 1, 99, NULL, 0) == FD_STATE_REFUSED);
    MUST(flush(b, ALICE, P0, 11, 1, 100, NULL, 0) == FD_STATE_OK);
    MUST(flush(b, ALICE, P0, 11, 2, 1000, NULL, 0) == FD_STATE_OK);
    fd_state_value v = value("a", "1", 2000);
    MUST(flush(b, ALICE, P0, 11, 3, 999, &v, 1) == FD_STATE_REFUSED);
    MUST(flush(b, ALICE, P0, 11, 3, -1, &v, 1) == FD_STATE_OK);
    fd_state_reply r = take(b, ALICE, P0, 11, 11);
    MUST(r.mark.redo == 1000 && r.mark.merge_us == 100000 && r.mark.seq == 4);
    MUST(r.mark.high_lsn == 2000);
}

/* Where doubles, 32 bits or texts of different length would mislead. */
static void numbers_are_exact(const store_bench *b)
{
    static const int64_t steps[] = {
        9,
        10,
        99999999,
        1000000000,
        9999999999,
        4294967295,
        4294967296,
        9007199254740992,
        9007199254740993,
        4611686018427387904,
        9223372036854775806,
    };
    enum { N = sizeof steps / sizeof *steps };
    for (uint32_t i = 0; i + 1 < N; i++) {
        int64_t low = steps[i] < steps[i + 1] ? steps[i] : steps[i + 1];
        int64_t high = steps[i] < steps[i + 1] ? steps[i + 1] : steps[i];
        b->begin();
        MUST(reset(b, ALICE, P0, 11, ANY, 0, low) == FD_STATE_OK);
        fd_state_value v = value("a", "high", high);
        MUST(flush(b, ALICE, P0, 11, 1, high, &v, 1) == FD_STATE_OK);
        MUST(flush(b, ALICE, P0, 11, 2, low, NULL, 0) == FD_STATE_REFUSED);
        v.lsn = low;
        MUST(flush(b, ALICE, P0, 11, 2, -1, &v, 1) == FD_STATE_REFUSED);
        fd_state_reply r = take(b, ALICE, P0, 11, 11);
        MUST(r.mark.redo == high && r.mark.high_lsn == high && r.mark.seq == 2);
        b->end();
    }
    b->begin();
    MUST(reset(b, ALICE, P0, 11, ANY, UINT32_MAX, 0) == FD_STATE_OK);
    MUST(take(b, ALICE, P0, UINT64_MAX, 11).mark.seq == (uint64_t)UINT32_MAX + 1);
    MUST(read_one(b, ALICE, UINT64_MAX, (uint64_t)UINT32_MAX + 1, "a", NULL) == FD_STATE_OK);
    MUST(read_one(b, ALICE, UINT64_MAX - 1, (uint64_t)UINT32_MAX + 1, "a", NULL) ==
         FD_STATE_REFUSED);
}

/* ---- steps and owners ---- */

static void every_step_is_named(const store_bench *b)
{
    begin(b);
    MUST(read_one(b, ALICE, 11, 0, "a", NULL) == FD_STATE_REFUSED);
    MUST(read_one(b, ALICE, 11, 2, "a", NULL) == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 2, "a", "1", 1) == FD_STATE_REFUSED);
    MUST(sweep(b, ALICE, 11, 2, 100, 10).result == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 1) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 11, 1, "a", "2", 2) == FD_STATE_REFUSED);
    MUST(sweep(b, ALICE, 11, 2, -100, 10).result == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_REFUSED);
    MUST(read_one(b, ALICE, 11, 3, "a", "1") == FD_STATE_OK);
    MUST(take(b, ALICE, P0, 11, 11).mark.seq == 3);
}

static void requests_behind_each_other(const store_bench *b)
{
    begin(b);
    fd_state_value v[4] = {value("a", "1", 1), value("b", "2", 2), value("a", "3", 3),
                           value("c", "4", 4)};
    fd_state_value got = value("a", "?", 0);
    fd_state_request rq[6] = {
        flush_request(P0, 11, 1, -1, &v[0], 1),
        flush_request(P0, 11, 2, 3, &v[1], 1),
        {.kind = FD_STATE_READ, .tp = P0, .nonce = 11, .seq = 3, .n = 1, .values = &got},
        flush_request(P0, 11, 3, 2, &v[2], 1), /* its redo goes back */
        flush_request(P0, 11, 4, 9, &v[3], 1),
        {.kind = FD_STATE_TAKE, .tp = P0, .nonce = 11, .expect = 11}};
    for (int i = 0; i < 6; i++)
        send(b, ALICE, &rq[i]);
    MUST(answer_of(b, ALICE, &rq[0]) == FD_STATE_OK);
    MUST(answer_of(b, ALICE, &rq[1]) == FD_STATE_OK);
    MUST(answer_of(b, ALICE, &rq[2]) == FD_STATE_OK && fd_str_eq_c(got.bytes, "1"));
    MUST(answer_of(b, ALICE, &rq[3]) == FD_STATE_REFUSED);
    MUST(answer_of(b, ALICE, &rq[4]) == FD_STATE_REFUSED);
    fd_state_reply r;
    MUST(b->answer(ALICE, &r) && r.request == &rq[5]);
    MUST(r.mark.found && r.mark.seq == 3 && r.mark.redo == 3 && r.mark.high_lsn == 2);
}

static void a_new_owner(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 1) == FD_STATE_OK);
    fd_state_reply r = take(b, BOB, P0, 22, 99);
    MUST(r.result == FD_STATE_REFUSED);
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_OK);
    r = take(b, BOB, P0, 22, ANY);
    MUST(r.result == FD_STATE_OK && r.mark.found && r.mark.seq == 2);
    MUST(read_one(b, BOB, 22, 2, "a", "1") == FD_STATE_OK);
    /* Alice has not heard of it. */
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 2) == FD_STATE_REFUSED);
    MUST(sweep(b, ALICE, 11, 2, 100, 10).result == FD_STATE_REFUSED);
    MUST(take(b, ALICE, P0, 11, 11).result == FD_STATE_REFUSED);
    MUST(reset(b, ALICE, P0, 11, 11, 2, 0) == FD_STATE_REFUSED);
    MUST(read_one(b, BOB, 22, 2, "a", "1") == FD_STATE_OK);
    /* The same TAKE again, as after a lost answer. */
    r = take(b, BOB, P0, 22, 11);
    MUST(r.result == FD_STATE_OK && r.mark.found && r.mark.seq == 2);
}

static void a_reset_empties(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 50) == FD_STATE_OK);
    MUST(reset(b, ALICE, P0, 11, ANY, 1, 7) == FD_STATE_REFUSED); /* it is at step 2 */
    MUST(reset(b, ALICE, P0, 11, 5, 2, 7) == FD_STATE_REFUSED);
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_OK);
    MUST(reset(b, ALICE, P0, 11, 11, 2, 7) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 3, "a", NULL) == FD_STATE_OK);
    fd_state_reply r = take(b, ALICE, P0, 11, 11);
    MUST(r.mark.found && r.mark.seq == 3 && r.mark.redo == 7 && r.mark.high_lsn == -1);
    /* Lower LSNs than before are fine: no old value is there. */
    MUST(flush_one(b, ALICE, 11, 3, "a", "2", 8) == FD_STATE_OK);
    /* Another owner, without asking. */
    MUST(reset(b, BOB, P0, 22, ANY, 0, 3) == FD_STATE_OK);
    MUST(read_one(b, BOB, 22, 1, "a", NULL) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 11, 4, "a", "3", 9) == FD_STATE_REFUSED);
}

static void partitions_are_apart(const store_bench *b)
{
    begin(b);
    MUST(reset(b, ALICE, P1, 11, ANY, 0, 0) == FD_STATE_OK);
    MUST(reset(b, ALICE, OTHER, 11, ANY, 0, 0) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 1) == FD_STATE_OK);
    MUST(read_tp(b, ALICE, P1, 11, 1, "a", NULL) == FD_STATE_OK);
    MUST(read_tp(b, ALICE, OTHER, 11, 1, "a", NULL) == FD_STATE_OK);
    MUST(take(b, BOB, P1, 22, ANY).result == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_OK);
    fd_state_store port = b->port(ALICE);
    port.ops->set_lineage(port.self, 0, "l2");
    MUST(!take(b, ALICE, P0, 11, ANY).mark.found);
    MUST(reset(b, ALICE, P0, 12, ANY, 0, 0) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 12, 1, "a", NULL) == FD_STATE_OK);
    port.ops->set_lineage(port.self, 0, "l1");
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_OK);
}

/* ---- late, lost, unheard ---- */

static void a_paused_owner_flushes(const store_bench *b)
{
    begin(b);
    fd_state_value v = value("a", "late", 5);
    fd_state_request late = flush_request(P0, 11, 1, 6, &v, 1);
    b->hold(ALICE, true);
    send(b, ALICE, &late);
    MUST(take(b, BOB, P0, 22, ANY).mark.seq == 1);
    MUST(flush_one(b, BOB, 22, 1, "a", "bob", 5) == FD_STATE_OK);
    b->hold(ALICE, false);
    MUST(answer_of(b, ALICE, &late) == FD_STATE_REFUSED);
    MUST(read_one(b, BOB, 22, 2, "a", "bob") == FD_STATE_OK);
    MUST(take(b, BOB, P0, 22, 22).mark.seq == 2);
}

static void requests_are_lost(const store_bench *b)
{
    begin(b);
    fd_state_value v = value("a", "1", 5);
    fd_state_request rq = flush_request(P0, 11, 1, 6, &v, 1);
    fd_state_request next = flush_request(P0, 11, 2, 6, &v, 1);
    b->hold(ALICE, true);
    send(b, ALICE, &rq);
    send(b, ALICE, &next);
    b->cut(ALICE, STORE_LOST);
    MUST(answer_of(b, ALICE, &rq) == FD_STATE_DOWN);
    MUST(answer_of(b, ALICE, &next) == FD_STATE_DOWN);
    MUST(b->wait_up(ALICE));
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.mark.found && r.mark.seq == 1 && r.mark.high_lsn == -1);
    MUST(flush_one(b, ALICE, 12, 1, "a", "1", 5) == FD_STATE_OK);
}

static void answers_are_lost(const store_bench *b)
{
    begin(b);
    fd_state_value v = value("a", "1", 5);
    fd_state_request rq = flush_request(P0, 11, 1, 6, &v, 1);
    fd_state_request next = flush_request(P0, 11, 2, -1, &v, 1);
    b->hold(ALICE, true);
    send(b, ALICE, &rq);
    send(b, ALICE, &next);
    b->cut(ALICE, STORE_DONE);
    MUST(answer_of(b, ALICE, &rq) == FD_STATE_DOWN);
    MUST(answer_of(b, ALICE, &next) == FD_STATE_DOWN);
    MUST(b->wait_up(ALICE));
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.mark.found && r.mark.seq == 3 && r.mark.high_lsn == 5 && r.mark.redo == 6);
    MUST(read_one(b, ALICE, 12, 3, "a", "1") == FD_STATE_OK);
}

static void late_after_a_new_nonce(const store_bench *b)
{
    begin(b);
    fd_state_value v = value("a", "late", 5);
    fd_state_request rq = flush_request(P0, 11, 1, 6, &v, 1);
    b->hold(ALICE, true);
    send(b, ALICE, &rq);
    b->cut(ALICE, STORE_LATE);
    MUST(answer_of(b, ALICE, &rq) == FD_STATE_DOWN);
    MUST(b->wait_up(ALICE));
    MUST(take(b, ALICE, P0, 12, 11).mark.seq == 1);
    b->arrive();
    MUST(read_one(b, ALICE, 12, 1, "a", NULL) == FD_STATE_OK);
    MUST(take(b, ALICE, P0, 12, 12).mark.seq == 1);
}

/* Under the old nonce it may still be done: then what follows is refused. */
static void late_under_the_old_nonce(const store_bench *b)
{
    begin(b);
    fd_state_value v = value("a", "late", 5);
    fd_state_request rq = flush_request(P0, 11, 1, 6, &v, 1);
    b->hold(ALICE, true);
    send(b, ALICE, &rq);
    b->cut(ALICE, STORE_LATE);
    MUST(answer_of(b, ALICE, &rq) == FD_STATE_DOWN);
    MUST(b->wait_up(ALICE));
    MUST(take(b, ALICE, P0, 11, 11).mark.seq == 1);
    b->arrive();
    MUST(flush_one(b, ALICE, 11, 1, "b", "2", 6) == FD_STATE_REFUSED);
    fd_state_reply r = take(b, ALICE, P0, 11, 11);
    MUST(r.mark.found && r.mark.seq == 2 && r.mark.high_lsn == 5);
    MUST(read_one(b, ALICE, 11, 2, "a", "late") == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 2, "b", NULL) == FD_STATE_OK);
}

/* An old owner's take and reset, late: the new owner learns of it, nobody is misled. */
static void late_take_and_reset(const store_bench *b)
{
    begin(b);
    fd_state_request old = {.kind = FD_STATE_TAKE, .tp = P0, .nonce = 12, .expect = ANY};
    b->hold(ALICE, true);
    send(b, ALICE, &old);
    b->cut(ALICE, STORE_LATE);
    MUST(answer_of(b, ALICE, &old) == FD_STATE_DOWN);
    MUST(take(b, BOB, P0, 22, ANY).mark.found);
    MUST(flush_one(b, BOB, 22, 1, "a", "1", 5) == FD_STATE_OK);
    b->arrive();
    MUST(flush_one(b, BOB, 22, 2, "a", "2", 6) == FD_STATE_REFUSED);
    MUST(take(b, BOB, P0, 23, 22).result == FD_STATE_REFUSED);
    fd_state_reply r = take(b, BOB, P0, 23, ANY);
    MUST(r.mark.found && r.mark.seq == 2 && r.mark.high_lsn == 5);

    MUST(b->wait_up(ALICE));
    fd_state_request empty = reset_request(P0, 13, ANY, 0, 3);
    b->hold(ALICE, true);
    send(b, ALICE, &empty);
    b->cut(ALICE, STORE_LATE);
    MUST(answer_of(b, ALICE, &empty) == FD_STATE_DOWN);
    MUST(flush_one(b, BOB, 23, 2, "a", "2", 6) == FD_STATE_OK);
    b->arrive();
    MUST(read_one(b, BOB, 23, 3, "a", "2") == FD_STATE_REFUSED);
    r = take(b, BOB, P0, 24, ANY);
    MUST(r.mark.found && r.mark.seq == 1 && r.mark.redo == 3 && r.mark.high_lsn == -1);
    MUST(read_one(b, BOB, 24, 1, "a", NULL) == FD_STATE_OK);
}

static void away_for_a_while(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 5) == FD_STATE_OK);
    b->down(true);
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 6) == FD_STATE_DOWN);
    MUST(take(b, ALICE, P0, 12, 11).result == FD_STATE_DOWN);
    fd_err err = {.text = ""};
    fd_state_store port = b->port(ALICE);
    MUST(!port.ops->up(port.self, &err) && err.text[0] != '\0');
    b->down(false);
    MUST(b->wait_up(ALICE));
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.mark.found && r.mark.seq == 2 && r.mark.high_lsn == 5);
}

/* ---- what is lost in the store ---- */

static void a_lost_marker(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 5) == FD_STATE_OK);
    MUST(b->lose_marker(P0));
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 6) == FD_STATE_REFUSED);
    MUST(sweep(b, ALICE, 11, 2, 100, 10).result == FD_STATE_REFUSED);
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.result == FD_STATE_OK && !r.mark.found && r.mark.seq == 0);
    MUST(reset(b, ALICE, P0, 12, ANY, 0, 3) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 12, 1, "a", NULL) == FD_STATE_OK);
}

static void lost_of_a_bucket(const store_bench *b, bool (*lose)(fd_tp, const fd_state_value *))
{
    begin(b);
    fd_state_value a = value("a", "1", 5), other;
    char key[16];
    for (int i = 0;; i++) { /* a key of another bucket, one of the same */
        snprintf(key, sizeof key, "k%d", i);
        other = value(key, "2", 6);
        if (b->bucket(&other) != b->bucket(&a))
            break;
    }
    fd_state_value both[2] = {a, other};
    MUST(flush(b, ALICE, P0, 11, 1, 7, both, 2) == FD_STATE_OK);
    MUST(lose(P0, &a));
    MUST(read_one(b, ALICE, 11, 2, key, "2") == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 6) == FD_STATE_REFUSED);
    MUST(sweep(b, ALICE, 11, 2, -100, 10).result == FD_STATE_REFUSED);
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.result == FD_STATE_OK && !r.mark.found && r.mark.seq == 2);
    /* It changed nothing. */
    MUST(read_one(b, ALICE, 11, 2, key, "2") == FD_STATE_OK);
    MUST(reset(b, ALICE, P0, 12, 11, r.mark.seq, 3) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 12, 3, key, NULL) == FD_STATE_OK);
    MUST(take(b, ALICE, P0, 12, 12).mark.found);
}

static void a_lost_bucket(const store_bench *b)
{
    lost_of_a_bucket(b, b->lose_bucket);
}

static void a_lost_value(const store_bench *b)
{
    lost_of_a_bucket(b, b->lose_value);
}

static void all_is_lost(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 5) == FD_STATE_OK);
    b->lose_all();
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 6) == FD_STATE_REFUSED);
    MUST(!take(b, ALICE, P0, 12, 11).mark.found);
    MUST(reset(b, ALICE, P0, 12, 11, 0, 3) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 12, 1, "a", "2", 6) == FD_STATE_OK);
}

static void a_replica_that_lagged(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 5) == FD_STATE_OK);
    b->save();
    MUST(flush_one(b, ALICE, 11, 2, "a", "2", 6) == FD_STATE_OK);
    MUST(flush_one(b, ALICE, 11, 3, "b", "3", 7) == FD_STATE_OK);
    b->promote();
    MUST(b->wait_up(ALICE));
    MUST(read_one(b, ALICE, 11, 4, "a", "2") == FD_STATE_REFUSED);
    MUST(flush_one(b, ALICE, 11, 4, "a", "4", 8) == FD_STATE_REFUSED);
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.mark.found && r.mark.seq == 2 && r.mark.redo == 6 && r.mark.high_lsn == 5);
    MUST(read_one(b, ALICE, 12, 2, "a", "1") == FD_STATE_OK);
    MUST(read_one(b, ALICE, 12, 2, "b", NULL) == FD_STATE_OK);
}

static void it_is_full(const store_bench *b)
{
    begin(b);
    MUST(flush_one(b, ALICE, 11, 1, "a", "1", 5) == FD_STATE_OK);
    b->full(true);
    fd_state_value v[3] = {value("a", "2", 6), value("b", "2", 6), value("c", "2", 6)};
    MUST(flush(b, ALICE, P0, 11, 2, 7, v, 3) == FD_STATE_DOWN);
    MUST(read_one(b, ALICE, 11, 2, "a", "1") == FD_STATE_OK);
    MUST(read_one(b, ALICE, 11, 2, "b", NULL) == FD_STATE_OK);
    fd_state_reply r = take(b, ALICE, P0, 12, 11);
    MUST(r.mark.found && r.mark.seq == 2 && r.mark.redo == 6 && r.mark.high_lsn == 5);
    r = sweep(b, ALICE, 12, 2, 1000, 10);
    MUST(r.result == FD_STATE_OK && r.removed == 1);
    MUST(flush(b, ALICE, P0, 12, 3, 7, v, 3) == FD_STATE_DOWN);
    MUST(reset(b, ALICE, P1, 11, ANY, 0, 0) == FD_STATE_OK);
    b->full(false);
    MUST(flush(b, ALICE, P0, 12, 3, 7, v, 3) == FD_STATE_OK);
    MUST(read_one(b, ALICE, 12, 4, "c", "2") == FD_STATE_OK);
}

/* ---- sweeps, and many values ---- */

static void make_many(fd_state_value *v, char (*keys)[16], uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        snprintf(keys[i], sizeof keys[i], "key-%u", i);
        v[i] = value(keys[i], keys[i], i);
        v[i].last_us = (int64_t)i - 10; /* some before 1970 */
    }
}

static void sweeps_remove_what_is_old(const store_bench *b)
{
    enum { N = 300, OLD = 200 };
    static char keys[N][16];
    fd_state_value v[N];
    begin(b);
    make_many(v, keys, N);
    MUST(flush(b, ALICE, P0, 11, 1, N, v, N) == FD_STATE_OK);
    MUST(sweep(b, ALICE, 11, 2, -10, 1000).removed == 0);
    uint32_t removed = 0;
    uint64_t seq = 3;
    for (int turn = 0; turn < 300 && removed < OLD; turn++) {
        fd_state_reply r = sweep(b, ALICE, 11, seq++, OLD - 10, 7);
        MUST(r.result == FD_STATE_OK && r.removed <= 7);
        removed += r.removed;
        MUST(removed <= OLD);
    }
    MUST(removed == OLD);
    MUST(sweep(b, ALICE, 11, seq++, OLD - 10, 1000).removed == 0);
    fd_state_request rq = {
        .kind = FD_STATE_READ, .tp = P0, .nonce = 11, .seq = seq, .n = N, .values = v};
    MUST(ask(b, ALICE, &rq).result == FD_STATE_OK);
    for (uint32_t i = 0; i < N; i++)
        MUST((v[i].bytes.p != NULL) == (i >= OLD));
    fd_state_reply r = take(b, ALICE, P0, 11, 11);
    MUST(r.mark.found && r.mark.seq == seq && r.mark.redo == N);
    MUST(sweep(b, ALICE, 11, seq++, N, 1000).removed == N - OLD);
    MUST(take(b, ALICE, P0, 11, 11).mark.found);
}

static void many_values_at_once(const store_bench *b)
{
    static char keys[MANY][16];
    static fd_state_value v[MANY];
    begin(b);
    make_many(v, keys, MANY);
    MUST(flush(b, ALICE, P0, 11, 1, MANY, v, MANY) == FD_STATE_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t k = (i * 7) % MANY;
        v[i] = value(i % 3 == 0 ? "nobody" : keys[k], "?", 0);
        v[i].key_kind = i % 3 == 0 ? (uint16_t)i : 1;
    }
    fd_state_request rq = {
        .kind = FD_STATE_READ, .tp = P0, .nonce = 11, .seq = 2, .n = MANY, .values = v};
    MUST(ask(b, ALICE, &rq).result == FD_STATE_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        if (i % 3 == 0)
            MUST(v[i].bytes.p == NULL);
        else
            MUST(fd_str_eq_c(v[i].bytes, keys[(i * 7) % MANY]) && v[i].lsn == (i * 7) % MANY);
    }
}

const store_history store_histories[] = {
    {"nothing is there", nothing_is_there},
    {"a reset is found", a_reset_is_found},
    {"values come back as they went", values_come_back},
    {"LSNs do not go back", lsns_do_not_go_back},
    {"the redo point does not go back", redo_does_not_go_back},
    {"numbers are exact", numbers_are_exact},
    {"every step is named", every_step_is_named},
    {"requests behind each other", requests_behind_each_other},
    {"a new owner", a_new_owner},
    {"a reset empties", a_reset_empties},
    {"partitions and lineages are apart", partitions_are_apart},
    {"a paused owner flushes after a takeover", a_paused_owner_flushes},
    {"requests are lost with the connection", requests_are_lost},
    {"answers are lost with the connection", answers_are_lost},
    {"a late flush, after a new nonce", late_after_a_new_nonce},
    {"a late flush, under the old nonce", late_under_the_old_nonce},
    {"a late take and a late reset of an old owner", late_take_and_reset},
    {"the store is away for a while", away_for_a_while},
    {"the marker is lost", a_lost_marker},
    {"a bucket is lost", a_lost_bucket},
    {"a value is lost", a_lost_value},
    {"everything is lost", all_is_lost},
    {"a replica that lagged takes over", a_replica_that_lagged},
    {"the store is full", it_is_full},
    {"sweeps remove what is old", sweeps_remove_what_is_old},
    {"many values at once", many_values_at_once},
    {NULL, NULL},
};
