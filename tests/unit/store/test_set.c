/*
 * What a loaded set says of events: allow ends it, thresholds, modes, reasons, errors, explain
 * texts, snoozes, rollouts, counters; and that a verdict depends on its event alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/assert.h"
#include "store/ruleset.h"
#include "support.h"

enum { ROWS_MAX = 2000 };

typedef struct fixture {
    fd_ruleset *set;
    fd_ruleset_run *run;
    fd_batch *batch;
    fd_verdict verdicts[ROWS_MAX];
} fixture;

static void load(fixture *f, const char *text)
{
    fd_strbuf b = {0};
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf_printf(&b, "version: 1\n%s", text);
    write_text("r.yaml", b.p);
    f->set = fd_ruleset_load(".", &decided, &payment, false, &d);
    fd_strbuf_reset(&b);
    fd_diags_render(&d, &b);
    if (f->set == NULL)
        fail_msg("%s", b.p);
    f->run = fd_ruleset_run_new(f->set, ROWS_MAX, FD_EVIDENCE_FIRED);
    f->batch = NULL;
    fd_strbuf_free(&b);
    fd_diags_free(&d);
}

static void unload(fixture *f)
{
    fd_ruleset_run_free(f->run);
    fd_ruleset_free(f->set);
    fd_batch_free(f->batch);
}

static void eval(fixture *f, const payment_row *rows, uint32_t n, int64_t time_us)
{
    static int64_t times[ROWS_MAX];
    FD_ASSERT(n <= ROWS_MAX);
    fd_batch_free(f->batch);
    f->batch = payments(rows, n);
    for (uint32_t i = 0; i < n; i++)
        times[i] = time_us;
    fd_ruleset_eval(f->run, f->batch, NULL, times, f->verdicts);
}

/* "block 90 [R1 R2] a! b(shadow: text)" and "!" for flags: a rule by id, its mode and message. */
static void show(const fd_verdict *v, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%s %g [", fd_action_name(v->action), v->score);
    for (uint32_t i = 0; i < v->n_reasons; i++)
        fd_strbuf_printf(out, "%s" FD_STR_FMT, i == 0 ? "" : " ", FD_STR_ARG(v->reasons[i]));
    fd_strbuf_puts(out, "]");
    for (uint32_t i = 0; i < v->n_hits; i++) {
        const fd_rule_hit *h = &v->hits[i];
        fd_strbuf_printf(out, " " FD_STR_FMT, FD_STR_ARG(h->id));
        if (h->mode != FD_MODE_LIVE)
            fd_strbuf_puts(out, "(shadow)");
        if (h->message.p != NULL)
            fd_strbuf_printf(out, ":" FD_STR_FMT, FD_STR_ARG(h->message));
    }
    if (v->flags != 0)
        fd_strbuf_puts(out, v->flags == FD_FLAG_BIT(FD_FLAG_RULE_ERROR) ? " RULE_ERROR" : " ?");
}

static void expect_verdict(const fd_verdict *v, const char *want, const char *about)
{
    fd_strbuf got = {0};
    show(v, &got);
    if (strcmp(got.p, want) != 0)
        fail_msg("%s\n  want %s\n  got  %s", about, want, got.p);
    fd_strbuf_free(&got);
}

/* One event with that amount. */
static void expect(fixture *f, int64_t amount, const char *want)
{
    const payment_row row = {.card_id = "C1", .amount = amount};
    char about[32];
    eval(f, &row, 1, 0);
    snprintf(about, sizeof about, "amount %lld", (long long)amount);
    expect_verdict(&f->verdicts[0], want, about);
}

static void actions_and_thresholds(void **state)
{
    (void)state;
    fixture f;
    load(&f, "decision: {score_thresholds: {review: 40, challenge: 70, block: 90}}\n"
             "rules:\n"
             "  - {id: s1, condition: event.amount >= 1, score: 39}\n"
             "  - {id: s2, condition: event.amount >= 2, score: 1}\n"
             "  - {id: s3, condition: event.amount >= 3, score: 30}\n"
             "  - {id: s4, condition: event.amount >= 4, score: 20.5}\n"
             "  - {id: down, condition: event.amount >= 5, score: -60}\n"
             "  - {id: act, condition: event.amount >= 6, action: challenge}\n"
             "  - {id: mild, condition: event.amount >= 7, action: review, score: 500}\n");
    expect(&f, 0, "allow 0 []");
    expect(&f, 1, "allow 39 [] s1");
    expect(&f, 2, "review 40 [] s1 s2");
    expect(&f, 3, "challenge 70 [] s1 s2 s3");
    expect(&f, 4, "block 90.5 [] s1 s2 s3 s4");
    expect(&f, 5, "allow 30.5 [] s1 s2 s3 s4 down");
    expect(&f, 6, "challenge 30.5 [] s1 s2 s3 s4 down act");
    expect(&f, 7, "block 530.5 [] s1 s2 s3 s4 down act mild");
    unload(&f);
}

/* Actions may be fewer and in another order of severity. */
static void severity_is_as_declared(void **state)
{
    (void)state;
    fixture f;
    load(&f, "decision: {actions: [allow, block, review], score_thresholds: {block: 5}}\n"
             "rules:\n"
             "  - {id: b, condition: event.amount >= 1, action: block, reason: B}\n"
             "  - {id: r, condition: event.amount >= 2, action: review, reason: R}\n"
             "  - {id: s, condition: event.amount >= 3, score: 5, reason: S}\n");
    expect(&f, 1, "block 0 [B] b");
    expect(&f, 2, "review 0 [R B] b r");
    expect(&f, 3, "review 5 [R B S] b r s");
    unload(&f);
}

static void allow_ends_it(void **state)
{
    (void)state;
    fixture f;
    load(&f, "decision: {score_thresholds: {review: 40}}\n"
             "rules:\n"
             "  - {id: b, condition: event.amount >= 1, action: block, score: 90, reason: BAD}\n"
             "  - {id: ok, condition: event.amount >= 2, action: allow, score: 5, reason: GOOD}\n"
             "  - {id: ok2, condition: event.amount >= 3, action: allow, reason: BETTER}\n"
             "  - {id: sh, condition: event.amount <= -1, action: allow, mode: shadow, reason: N}\n"
             "  - {id: b2, condition: event.amount <= -1, action: block, reason: BAD2}\n");
    expect(&f, 1, "block 90 [BAD] b");
    expect(&f, 2, "allow 95 [GOOD] b ok"); /* all rules run, and are recorded */
    expect(&f, 3, "allow 95 [GOOD BETTER] b ok ok2");
    expect(&f, -1, "block 0 [BAD2] sh(shadow) b2"); /* what is tried out allows nothing */
    unload(&f);
}

static void shadow_and_off(void **state)
{
    (void)state;
    fixture f;
    load(&f, "decision: {score_thresholds: {review: 40}}\n"
             "rules:\n"
             "  - {id: live, condition: event.amount >= 1, score: 30, reason: L}\n"
             "  - {id: sh, condition: event.amount >= 1, action: block, score: 30, reason: S,\n"
             "     mode: shadow, explain: '\"seen\"'}\n"
             "  - {id: no, condition: 1 / (event.amount - 1) > 0, action: block, mode: off}\n");
    expect(&f, 1, "allow 30 [L] live sh(shadow):seen");
    assert_int_equal(fd_ruleset_run_hits(f.run, 0), 1);
    assert_int_equal(fd_ruleset_run_hits(f.run, 1), 1);
    assert_int_equal(fd_ruleset_run_evaluations(f.run, 2), 0);
    assert_int_equal(fd_ruleset_run_errors(f.run, 2), 0);
    unload(&f);
}

static fd_rule_counts counts_of(const fixture *f, uint32_t rule)
{
    fd_rule_counts c = {0};
    fd_ruleset_run_counts(f->run, rule, &c);
    return c;
}

/* Each alone, as if it were live. */
static void what_shadows_would_change(void **state)
{
    (void)state;
    fixture f;
    load(&f, "decision: {score_thresholds: {review: 40}}\n"
             "rules:\n"
             "  - {id: live, condition: event.amount >= 1, score: 30}\n"
             "  - {id: hard, condition: event.amount >= 3, action: challenge}\n"
             "  - {id: good, condition: event.amount >= 9, action: allow}\n"
             "  - {id: acts, condition: event.amount >= 1, action: review, mode: shadow}\n"
             "  - {id: adds, condition: event.amount >= 1, score: 10, mode: shadow}\n"
             "  - {id: little, condition: event.amount >= 1, score: 9, mode: shadow}\n"
             "  - {id: mild, condition: event.amount >= 1, action: allow, mode: shadow}\n");
    const payment_row rows[] = {{"C", 0, NULL, NULL},  /* nothing fires */
                                {"C", 1, NULL, NULL},  /* allow, 30 */
                                {"C", 3, NULL, NULL},  /* challenge */
                                {"C", 9, NULL, NULL}}; /* allow, whatever the others say */
    eval(&f, rows, 4, 0);
    static const uint64_t worse[] = {0, 0, 0, 1, 1, 0, 0}, milder[] = {0, 0, 0, 0, 0, 0, 1};
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(counts_of(&f, i).worse, worse[i]);
        assert_int_equal(counts_of(&f, i).milder, milder[i]);
        assert_int_equal(counts_of(&f, i).evaluations, 4);
    }
    assert_int_equal(counts_of(&f, 3).hits, 3);
    unload(&f);
}

/* By severity, then score, then the order of rules; one text once. */
static void reasons_in_order(void **state)
{
    (void)state;
    fixture f;
    load(&f, "rules:\n"
             "  - {id: r1, condition: event.amount >= 1, score: 99, reason: SCORED}\n"
             "  - {id: r2, condition: event.amount >= 1, action: review, score: 1, reason: R1}\n"
             "  - {id: r3, condition: event.amount >= 1, action: review, score: 5, reason: R5}\n"
             "  - {id: r4, condition: event.amount >= 1, action: block, reason: B}\n"
             "  - {id: r5, condition: event.amount >= 1, action: review, score: 5, reason: R5B}\n"
             "  - {id: r6, condition: event.amount >= 1, action: block, score: 1, reason: R1}\n"
             "  - {id: r7, condition: event.amount >= 1, action: challenge}\n"
             "  - {id: r8, condition: event.amount >= 1, score: 99, reason: SCORED}\n");
    expect(&f, 1, "block 210 [R1 B R5 R5B SCORED] r1 r2 r3 r4 r5 r6 r7 r8");
    unload(&f);
}

static void errors_do_not_fire(void **state)
{
    (void)state;
    fixture f;
    load(&f, "rules:\n"
             "  - {id: div, condition: 100 / event.amount > 10, action: block}\n"
             "  - {id: ip, condition: event.ip == \"x\", action: block}\n"
             "  - {id: guarded, condition: has(event.ip) && event.ip == \"x\", action: block}\n"
             "  - {id: absorbed, condition: event.ip == \"x\" || event.amount == 0, score: 1}\n"
             "  - {id: text, condition: event.amount < 3, score: 1, explain: event.ip}\n");
    const payment_row rows[] = {{"C1", 0, NULL, NULL}, {"C1", 5, "x", NULL}, {"C1", 2, NULL, NULL}};
    eval(&f, rows, 3, 0);
    expect_verdict(&f.verdicts[0], "allow 2 [] absorbed text RULE_ERROR", "row 0");
    expect_verdict(&f.verdicts[1], "block 1 [] div ip guarded absorbed", "row 1");
    expect_verdict(&f.verdicts[2], "block 1 [] div text RULE_ERROR", "row 2");
    static const uint64_t errors[] = {1, 2, 0, 1, 2};
    static const uint64_t hits[] = {2, 1, 1, 2, 2};
    static const char *const why[] = {"division by zero", "event.ip is absent", NULL,
                                      "event.ip is absent", "event.ip is absent"};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(fd_ruleset_run_errors(f.run, i), errors[i]);
        assert_int_equal(fd_ruleset_run_hits(f.run, i), hits[i]);
        assert_int_equal(fd_ruleset_run_evaluations(f.run, i), 3);
        if (why[i] == NULL)
            assert_null(fd_ruleset_run_last_error(f.run, i));
        else
            assert_string_equal(fd_ruleset_run_last_error(f.run, i), why[i]);
    }
    unload(&f);
}

/* An error of one batch is not told of another one's. */
static void the_last_error_is_of_the_last_batch(void **state)
{
    (void)state;
    fixture f;
    load(&f, "rules:\n"
             "  - id: a\n"
             "    condition: 'event.amount > 0 ? event.ip == \"x\" : 1 / event.amount > 0'\n"
             "    action: block\n");
    expect(&f, 1, "allow 0 [] RULE_ERROR");
    assert_string_equal(fd_ruleset_run_last_error(f.run, 0), "event.ip is absent");
    expect(&f, 0, "allow 0 [] RULE_ERROR");
    assert_string_equal(fd_ruleset_run_last_error(f.run, 0), "division by zero");
    unload(&f);
}

static void explanations(void **state)
{
    (void)state;
    fixture f;
    load(&f, "variables:\n"
             "  - {name: s, expression: '\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\" + event.card_id'}\n"
             "  - {name: m, expression: variables.s + variables.s + variables.s + variables.s}\n"
             "rules:\n"
             "  - {id: a, condition: event.amount == 1, score: 1,\n"
             "     explain: '\"amount \" + string(event.amount) + \" of \" + event.card_id'}\n"
             "  - {id: b, condition: event.amount == 2, score: 1, explain: '\"\"'}\n"
             "  - {id: c, condition: event.amount == 3, score: 1, explain: variables.m}\n");
    expect(&f, 1, "allow 1 [] a:amount 1 of C1");
    expect(&f, 2, "allow 1 [] b:");
    char card[301];
    memset(card, 'x', 300);
    card[300] = '\0';
    const payment_row row = {.card_id = card, .amount = 3};
    eval(&f, &row, 1, 0);
    fd_str m = f.verdicts[0].hits[0].message;
    assert_int_equal(m.n, 1024); /* bounded */
    card[0] = '\xc3', card[1] = '\xa4';
    for (int i = 0; i < 296; i += 2)
        memcpy(card + i, "\xc3\xa4", 2);
    memcpy(card + 296, "xxx", 4);
    eval(&f, &row, 1, 0);
    m = f.verdicts[0].hits[0].message;
    assert_int_equal(m.n, 1023); /* and never cut inside a character */
    unload(&f);
}

static void snoozed_in_event_time(void **state)
{
    (void)state;
    fixture f;
    load(&f, "rules:\n"
             "  - id: everyone\n"
             "    condition: event.ok\n"
             "    score: 1\n"
             "    snooze: {from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:01Z}\n"
             "  - id: some\n"
             "    condition: event.ok\n"
             "    score: 1\n"
             "    snooze: {from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:01Z, key: card_id,\n"
             "             keys: [C1, C3]}\n"
             "  - id: numbers\n"
             "    condition: event.ok\n"
             "    score: 1\n"
             "    snooze: {from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:01Z, key: amount,\n"
             "             keys: [1, 9223372036854775807]}\n"
             "  - id: nested\n"
             "    condition: event.ok\n"
             "    score: 1\n"
             "    snooze: {from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:01Z,\n"
             "             key: card.bin, keys: [\"4111\"]}\n");
    const int64_t from = 1767225600000000;
    const payment_row rows[] = {
        {"C1", 1, NULL, "4111"}, {"C2", INT64_MAX, NULL, "5500"}, {"C3", 2, NULL, NULL}};
    static const char *const inside[] = {"allow 0 []", "allow 2 [] some nested",
                                         "allow 2 [] numbers nested"};
    for (int64_t t = -2; t <= 1; t++) {
        int64_t times[] = {from - 1, from + 1000000, from, from + 999999};
        eval(&f, rows, 3, times[t + 2]);
        for (int i = 0; i < 3; i++)
            expect_verdict(&f.verdicts[i],
                           t < 0 ? "allow 4 [] everyone some numbers nested" : inside[i],
                           t < 0 ? "outside" : "inside");
    }
    assert_int_equal(fd_ruleset_run_evaluations(f.run, 0), 6);
    assert_int_equal(fd_ruleset_run_evaluations(f.run, 1), 8);
    unload(&f);
}

static void rollout_text(fd_strbuf *b, const char *const *percents, int n)
{
    fd_strbuf_reset(b);
    fd_strbuf_puts(b, "rules:\n");
    for (int i = 0; i < n; i++)
        fd_strbuf_printf(b,
                         "  - {id: r%d, condition: event.ok, score: 1, rollout: {percent: %s, key: "
                         "card_id}}\n",
                         i, percents[i]);
}

static bool fired(const fd_verdict *v, uint32_t rule)
{
    for (uint32_t i = 0; i < v->n_hits; i++) {
        if (v->hits[i].rule == rule)
            return true;
    }
    return false;
}

/* Who is in at 10 % is in at 20 %, by rule id: the same share is another crowd in another rule. */
static void rollouts_grow(void **state)
{
    (void)state;
    static const char *const percents[] = {"0", "0.5", "10", "10.5", "50", "99.9999", "100"};
    enum { N = 7 };
    static char ids[ROWS_MAX][16];
    static payment_row rows[ROWS_MAX];
    static bool before[ROWS_MAX];
    for (int i = 0; i < ROWS_MAX; i++) {
        snprintf(ids[i], sizeof ids[i], "C%d", i);
        rows[i] = (payment_row){.card_id = ids[i], .amount = 1};
    }
    memset(before, 0, sizeof before);
    fd_strbuf text = {0};
    for (int p = 0; p < N; p++) {
        const char *both[] = {percents[p], percents[p]};
        fixture f;
        rollout_text(&text, both, 2);
        load(&f, text.p);
        eval(&f, rows, ROWS_MAX, 0);
        int in = 0, differ = 0;
        for (int i = 0; i < ROWS_MAX; i++) {
            bool now = fired(&f.verdicts[i], 0);
            assert_true(now || !before[i]);
            before[i] = now;
            in += now;
            differ += now != fired(&f.verdicts[i], 1);
        }
        double share = strtod(percents[p], NULL) / 100 * ROWS_MAX;
        assert_true(in >= share - 4 * 25 && in <= share + 4 * 25);
        assert_true(p != 0 || in == 0);
        assert_true(p < N - 1 || in == ROWS_MAX);
        if (p == 4)
            assert_true(differ > ROWS_MAX / 4);
        assert_int_equal(fd_ruleset_run_evaluations(f.run, 0), in);
        unload(&f);
    }
    fd_strbuf_free(&text);
}

/* The hash is part of what a decision replays by: it must not change with the code. */
static void a_rollout_is_for_ever(void **state)
{
    (void)state;
    fixture f;
    load(&f, "rules:\n"
             "  - {id: card-velocity, condition: event.ok, score: 1, rollout: {percent: 25, key: "
             "card_id}}\n"
             "  - {id: by-number, condition: event.ok, score: 1, rollout: {percent: 25, key: "
             "amount}}\n"
             "  - {id: nullable, condition: event.ok, score: 1, rollout: {percent: 99.99, key: "
             "ip}}\n");
    payment_row rows[20];
    char ids[20][16];
    fd_strbuf got = {0};
    for (int i = 0; i < 20; i++) {
        snprintf(ids[i], sizeof ids[i], "C%d", i);
        rows[i] = (payment_row){ids[i], i + 1, NULL, NULL};
    }
    eval(&f, rows, 20, 0);
    for (int i = 0; i < 20; i++) {
        fd_strbuf_putc(&got, fired(&f.verdicts[i], 0) ? 'x' : '.');
        fd_strbuf_putc(&got, fired(&f.verdicts[i], 1) ? 'X' : '.');
        assert_false(fired(&f.verdicts[i], 2)); /* null is in no share but the whole */
    }
    assert_string_equal(got.p, "xX.......Xx.x.....x...x........X..x...xX");
    fd_strbuf_free(&got);
    unload(&f);
}

static void lists_in_conditions(void **state)
{
    (void)state;
    fixture f;
    load(&f, "lists:\n"
             "  cards: {type: string, items: [C1, \"no\"]}\n"
             "  nets: {type: cidr, items: [10.0.0.0/8, \"2001:db8::/32\"]}\n"
             "  amounts: {type: int, items: [1, 2]}\n"
             "  prices: {type: double, items: [0.5]}\n"
             "rules:\n"
             "  - {id: card, condition: event.card_id in lists.cards, score: 1}\n"
             "  - {id: net, condition: event.ip in lists.nets, score: 1}\n"
             "  - {id: amount, condition: '!(event.amount in lists.amounts)', score: 1}\n"
             "  - {id: price, condition: event.price in lists.prices, score: 1}\n"
             "  - {id: size, condition: size(lists.cards) == event.amount, score: 1}\n");
    const payment_row rows[] = {{"C1", 1, "10.9.9.9", NULL},
                                {"C2", 5, "2001:db8::9", NULL},
                                {"C1", 2, "not an address", NULL},
                                {"no", 9, NULL, NULL}};
    eval(&f, rows, 4, 0);
    expect_verdict(&f.verdicts[0], "allow 2 [] card net", "row 0");
    expect_verdict(&f.verdicts[1], "allow 3 [] net amount price", "row 1");
    expect_verdict(&f.verdicts[2], "allow 2 [] card size RULE_ERROR", "row 2");
    expect_verdict(&f.verdicts[3], "allow 2 [] card amount RULE_ERROR", "row 3");
    assert_string_equal(fd_ruleset_run_last_error(f.run, 1), "not an IP address");
    unload(&f);
}

/* Every event gets the same verdict alone, in any company, and from any run. */
static void batches_do_not_matter(void **state)
{
    (void)state;
    enum { N = 700 };
    static const uint32_t sizes[] = {1, 7, 64, 255, 256, 257, N};
    fixture f;
    static payment_row rows[N];
    static char ids[N][16];
    static char *want[N];
    load(&f, "decision: {score_thresholds: {review: 3, block: 9}}\n"
             "variables:\n"
             "  - {name: big, expression: event.amount > 300 && 1000 / (event.amount - 500) > 0}\n"
             "rules:\n"
             "  - {id: a, condition: variables.big, score: 5, reason: BIG}\n"
             "  - {id: b, condition: '!variables.big && event.ip == \"i\"', score: 4, reason: IP,\n"
             "     explain: '\"ip \" + event.ip'}\n"
             "  - {id: c, condition: event.amount % 7 == 0 || event.card.bin == \"4\",\n"
             "     action: challenge, rollout: {percent: 50, key: card_id}}\n"
             "  - {id: d, condition: 'event.card_id.endsWith(\"9\")', action: allow}\n"
             "  - {id: e, condition: 'event.amount > 650 ? event.card.bin == \"5\" : event.ok',\n"
             "     score: 1, mode: shadow, explain: 'event.card_id + string(event.amount)'}\n");
    for (uint32_t i = 0; i < N; i++) {
        snprintf(ids[i], sizeof ids[i], "C%u", i * 31);
        rows[i] = (payment_row){ids[i], i,
                                i % 3 == 0   ? NULL
                                : i % 3 == 1 ? "i"
                                             : "j",
                                i % 5 == 0 ? NULL
                                : i % 2    ? "4"
                                           : "5"};
    }
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (uint32_t at = 0; at < N; at += sizes[s]) {
            uint32_t n = N - at < sizes[s] ? N - at : sizes[s];
            eval(&f, rows + at, n, 0);
            for (uint32_t i = 0; i < n; i++) {
                fd_strbuf got = {0};
                if (want[at + i] != NULL) {
                    expect_verdict(&f.verdicts[i], want[at + i], "in another batch");
                    continue;
                }
                show(&f.verdicts[i], &got);
                want[at + i] = got.p;
            }
        }
    }
    for (uint32_t i = 0; i < N; i++)
        free(want[i]);
    unload(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(actions_and_thresholds),
        TEST(severity_is_as_declared),
        TEST(allow_ends_it),
        TEST(shadow_and_off),
        TEST(what_shadows_would_change),
        TEST(reasons_in_order),
        TEST(errors_do_not_fire),
        TEST(the_last_error_is_of_the_last_batch),
        TEST(explanations),
        TEST(snoozed_in_event_time),
        TEST(rollouts_grow),
        TEST(a_rollout_is_for_ever),
        TEST(lists_in_conditions),
        TEST(batches_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
