/*
 * By columns and rule by rule a set says the same: random sets (modes, rollouts, snoozes, explain
 * texts, variables, lists) over random payments in batches of 1 to 2000. Verdicts, messages, flags
 * and all counters are compared, and the last error of each rule.
 *
 * FRAUDD_PROPERTY_CASES: how many sets; FRAUDD_PROPERTY_SEED: the first seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "store/ruleset.h"
#include "support.h"

enum { ROWS_MAX = 2000, IDS = 40 };

static uint64_t state;

static uint32_t below(uint32_t n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % n;
}

/* ---- sets ---- */

static void write_part(fd_strbuf *out)
{
    static const char *const parts[] = {
        "event.ok",
        "has(event.ip)",
        "event.ip == \"10.0.0.1\"",
        "event.card.limit > 3",
        "event.card.bin in [\"4111\", \"5500\", \"\"]",
        "event.card_id in lists.known",
        "event.ip in lists.nets",
        "event.amount in lists.amounts",
        "event.card_id.endsWith(\"7\")",
        "event.status == \"declined\"",
        "1000 / (event.amount - 5) > 3",
        "event.amount * 9000000000000000000 > 1",
        "variables.big",
        "variables.odd > 1",
        "[event.amount].exists(a, a > 3)",
        "event.card_id.matches(\"C[0-9]*[05]\")",
    };
    switch (below(4)) {
    case 0:
        fd_strbuf_printf(out, "event.amount %s %d", below(2) ? ">" : "<=", (int)below(60) - 20);
        return;
    case 1:
        fd_strbuf_printf(out, "event.price %s %d.5", below(2) ? ">=" : "!=", (int)below(6) - 2);
        return;
    default:
        fd_strbuf_puts(out, parts[below(sizeof parts / sizeof *parts)]);
    }
}

static void write_condition(fd_strbuf *out, int depth)
{
    fd_strbuf_puts(out, below(5) == 0 ? "!(" : "(");
    if (depth == 0 || below(3) == 0) {
        write_part(out);
    } else {
        write_condition(out, depth - 1);
        fd_strbuf_puts(out, below(3) == 0 ? " || " : " && ");
        write_condition(out, depth - 1);
    }
    fd_strbuf_putc(out, ')');
}

static void write_rule(fd_strbuf *out, uint32_t i)
{
    static const char *const modes[] = {"live", "live", "shadow", "off"};
    static const char *const explains[] = {"string(10 / event.amount)", "event.ip",
                                           "\"amount \" + string(event.amount)"};
    fd_strbuf_printf(out, "  - {id: r%u, mode: %s, score: %u, condition: '", i, modes[below(4)],
                     1 + below(9));
    write_condition(out, (int)below(4));
    fd_strbuf_putc(out, '\'');
    if (below(3) == 0)
        fd_strbuf_printf(out, ", action: %s, reason: R%u", below(3) ? "review" : "allow", below(3));
    if (below(4) == 0)
        fd_strbuf_printf(out, ", explain: '%s'", explains[below(3)]);
    if (below(5) == 0)
        fd_strbuf_printf(out, ", rollout: {percent: %u, key: card_id}", 1 + below(99));
    if (below(6) == 0)
        fd_strbuf_puts(out, ", snooze: {from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z, "
                            "key: card_id, keys: [C1, C5]}");
    fd_strbuf_puts(out, "}\n");
}

static fd_ruleset *random_set(const char *seed)
{
    fd_strbuf b = {0};
    fd_diags d;
    fd_diags_init(&d);
    fd_strbuf_puts(&b, "version: 1\n"
                       "lists:\n"
                       "  known: {type: string, items: [C1, C2, C33]}\n"
                       "  nets: {type: cidr, items: [10.0.0.0/8]}\n"
                       "  amounts: {type: int, items: [1, 5, 9]}\n"
                       "variables:\n"
                       "  - {name: big, expression: 'event.amount > 30 && event.card.limit > 2'}\n"
                       "  - {name: odd, expression: 'has(event.ip) ? event.amount : 7 / "
                       "(event.amount - 9)'}\n"
                       "rules:\n");
    for (uint32_t i = 0, n = 1 + below(40); i < n; i++)
        write_rule(&b, i);
    write_text("r.yaml", b.p);
    fd_ruleset *set = fd_ruleset_load(".", &decided, &payment, false, &d);
    if (set == NULL) {
        fd_strbuf_reset(&b);
        fd_diags_render(&d, &b);
        fail_msg("seed %s: %s", seed, b.p);
    }
    fd_strbuf_free(&b);
    fd_diags_free(&d);
    return set;
}

/* ---- batches ---- */

static fd_batch *random_payments(uint32_t n)
{
    static const char *const ips[] = {NULL, "10.0.0.1", "192.0.2.1", "nonsense"};
    static const char *const bins[] = {NULL, "4111", "5500", ""};
    static char ids[IDS][8];
    static payment_row rows[ROWS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = below(IDS);
        snprintf(ids[id], sizeof ids[id], "C%u", id);
        rows[i] = (payment_row){ids[id], (int64_t)below(60) - 20, ips[below(4)], bins[below(4)]};
    }
    return payments(rows, n);
}

/* ---- the same ---- */

static void show(const fd_verdict *v, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%s %g %x", fd_action_name(v->action), v->score, v->flags);
    for (uint32_t i = 0; i < v->n_reasons; i++)
        fd_strbuf_printf(out, " " FD_STR_FMT, FD_STR_ARG(v->reasons[i]));
    for (uint32_t i = 0; i < v->n_hits; i++)
        fd_strbuf_printf(out, " " FD_STR_FMT ":%d:" FD_STR_FMT, FD_STR_ARG(v->hits[i].id),
                         v->hits[i].mode, FD_STR_ARG(v->hits[i].message));
    fd_strbuf_putc(out, '\n');
}

static void eval(fd_ruleset_run *run, const fd_batch *batch, fd_strbuf *out)
{
    static int64_t times[ROWS_MAX];
    static fd_verdict verdicts[ROWS_MAX];
    for (uint32_t i = 0; i < batch->root.n; i++)
        times[i] = INT64_C(1767225600000000) + (int64_t)i % 3 * INT64_C(86400000000);
    fd_ruleset_eval(run, batch, NULL, times, verdicts);
    for (uint32_t i = 0; i < batch->root.n; i++)
        show(&verdicts[i], out);
}

static void show_counters(const fd_ruleset *set, const fd_ruleset_run *run, fd_strbuf *out)
{
    for (uint32_t i = 0; i < fd_ruleset_n_rules(set); i++) {
        const char *why = fd_ruleset_run_last_error(run, i);
        fd_strbuf_printf(out, "%u %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", i,
                         fd_ruleset_run_hits(run, i), fd_ruleset_run_errors(run, i),
                         fd_ruleset_run_evaluations(run, i), why == NULL ? "-" : why);
    }
}

static void check_set(const char *seed)
{
    static const uint32_t sizes[] = {1, 5, 63, 64, 65, 300, ROWS_MAX};
    fd_ruleset *set = random_set(seed);
    fd_ruleset_run *columns = fd_ruleset_run_new(set, ROWS_MAX, FD_EVIDENCE_FIRED);
    fd_ruleset_run *rules = fd_ruleset_run_new(set, ROWS_MAX, FD_EVIDENCE_FIRED);
    fd_ruleset_run_way(columns, FD_EVAL_BY_COLUMNS);
    fd_ruleset_run_way(rules, FD_EVAL_BY_RULE);
    for (int i = 0; i < 3; i++) {
        fd_strbuf got = {0}, want = {0};
        fd_batch *batch = random_payments(sizes[below(7)]);
        eval(columns, batch, &got);
        eval(rules, batch, &want);
        show_counters(set, columns, &got);
        show_counters(set, rules, &want);
        if (strcmp(got.p, want.p) != 0)
            fail_msg("seed %s, %u rows\n--- by columns\n%s--- rule by rule\n%s", seed,
                     batch->root.n, got.p, want.p);
        fd_batch_free(batch);
        fd_strbuf_free(&got);
        fd_strbuf_free(&want);
    }
    fd_ruleset_run_free(columns);
    fd_ruleset_run_free(rules);
    fd_ruleset_free(set);
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void random_sets(void **unused)
{
    (void)unused;
    uint64_t first = env_number("FRAUDD_PROPERTY_SEED", 1);
    uint64_t cases = env_number("FRAUDD_PROPERTY_CASES", 150);
    for (uint64_t seed = first; seed < first + cases; seed++) {
        char name[32];
        snprintf(name, sizeof name, "%" PRIu64, seed);
        state = seed;
        below(1);
        check_set(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_sets, enter_directory, leave_directory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
