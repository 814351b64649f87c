/* Labels and decisions compared: counts that were done by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/replay/evaluation.h"
#include "base/str.h"

static const char *const FAST[] = {"velocity"};
static const char *const BOTH[] = {"other", "velocity", "travel"};
static const fd_evaluated_rule RULES[] = {{"fast", FD_MODE_LIVE, 1, FAST},
                                          {"both", FD_MODE_LIVE, 3, BOTH},
                                          {"tried", FD_MODE_SHADOW, 0, NULL},
                                          {"silent", FD_MODE_LIVE, 0, NULL}};
enum { N_RULES = sizeof RULES / sizeof RULES[0] };

static void decide(fd_evaluation *e, const char *id, fd_action action, int n, ...)
{
    fd_rule_hit hits[N_RULES];
    va_list ap;
    va_start(ap, n);
    for (int i = 0; i < n; i++) {
        uint32_t rule = va_arg(ap, uint32_t);
        hits[i] = (fd_rule_hit){.rule = rule, .mode = RULES[rule].mode};
    }
    va_end(ap);
    fd_evaluated event = {.id = fd_str_from(id),
                          .action = action,
                          .amount = 100 + id[1],
                          .n_hits = (uint32_t)n,
                          .hits = hits};
    fd_evaluation_add(e, &event);
}

static void label(fd_truth *t, const char *id, bool fraud, const char *pattern, const char *in_case)
{
    assert_true(
        fd_truth_add(t, fd_str_from(id), fraud, fd_str_from(pattern), fd_str_from(in_case)));
}

/* Four frauds of two patterns and three cases, of which three are caught; two good ones flagged. */
static fd_evaluation *example(fd_truth *t, bool amounts)
{
    label(t, "a1", true, "velocity", "c1");
    label(t, "a2", true, "velocity", "c1");
    label(t, "b1", false, "", "");
    label(t, "b1", true, "velocity", "c2"); /* it was found out later */
    label(t, "x1", true, "travel", "c3");
    label(t, "g1", false, "", "");
    label(t, "elsewhere", true, "travel", "c4");
    fd_evaluation *e = fd_evaluation_new(t, RULES, N_RULES, FD_ACTION_REVIEW, amounts);
    decide(e, "a1", FD_ACTION_ALLOW, 1, 2u);
    decide(e, "a2", FD_ACTION_BLOCK, 2, 0u, 1u);
    decide(e, "b1", FD_ACTION_REVIEW, 1, 0u);
    decide(e, "x1", FD_ACTION_CHALLENGE, 2, 1u, 2u);
    decide(e, "g1", FD_ACTION_REVIEW, 1, 0u);
    decide(e, "g2", FD_ACTION_BLOCK, 1, 1u);
    decide(e, "g3", FD_ACTION_ALLOW, 0);
    return e;
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no '%s' in\n%s", part, text);
}

static void counts_are_right(void **state)
{
    (void)state;
    fd_truth *t = fd_truth_new();
    fd_evaluation *e = example(t, false);
    fd_strbuf out = {0};
    fd_evaluation_json(e, &out);
    says(out.p, "{\"events\":7,\"labelled\":5,\"fraud\":4,\"flagged\":5,\"caught\":3,"
                "\"precision\":0.6,\"recall\":0.75,\"f1\":0.6666666666666666,");
    says(out.p, "\"allow\":{\"fraud\":1,\"good\":1},\"review\":{\"fraud\":1,\"good\":1},"
                "\"challenge\":{\"fraud\":1,\"good\":0},\"block\":{\"fraud\":1,\"good\":1}");
    says(out.p, "\"velocity\":{\"events\":3,\"caught\":2,\"recall\":0.6666666666666666,\"cases\":2,"
                "\"cases_caught\":2,\"case_recall\":1,\"own_rules\":{\"fired\":5,"
                "\"recall\":0.6666666666666666,\"precision\":0.6}}");
    says(out.p, "\"travel\":{\"events\":1,\"caught\":1,\"recall\":1,\"cases\":1,\"cases_caught\":1,"
                "\"case_recall\":1,\"own_rules\":{\"fired\":3,\"recall\":1,"
                "\"precision\":0.6666666666666666}}");
    says(out.p, "\"fast\":{\"fired\":3,\"fraud\":2,\"precision\":0.6666666666666666,"
                "\"alone\":{\"fraud\":1,\"good\":1},\"patterns\":{\"velocity\":2}}");
    says(out.p, "\"both\":{\"fired\":3,\"fraud\":2,\"precision\":0.6666666666666666,"
                "\"alone\":{\"fraud\":1,\"good\":1},\"patterns\":{\"velocity\":1,\"travel\":1}}");
    says(out.p, "\"tried\":{\"fired\":2,\"fraud\":2,\"precision\":1,"
                "\"alone\":{\"fraud\":0,\"good\":0}");
    says(out.p, "\"silent\":{\"fired\":0,\"fraud\":0,\"precision\":null,");
    fd_strbuf_reset(&out);
    fd_evaluation_text(e, &out);
    says(out.p, "7 events, 5 labelled, 4 fraudulent; 5 flagged (review or worse)\n"
                "precision 0.600  recall 0.750  F1 0.667  good events flagged 0.667\n");
    says(out.p, "\nvelocity                  3       2   0.667       2       2   1.000");
    says(out.p, "shadow\n");
    says(out.p, "1 rules never fired\n");
    fd_strbuf_free(&out);
    fd_evaluation_free(e);
    fd_truth_free(t);
}

/* Events have 100 and the code of their digit: 149 for a1. */
static void amounts_are_added_up(void **state)
{
    (void)state;
    fd_truth *t = fd_truth_new();
    fd_evaluation *e = example(t, true);
    fd_strbuf out = {0};
    fd_evaluation_json(e, &out);
    says(out.p, "\"amount\":{\"fraud\":597,\"caught\":448,\"good_flagged\":299}");
    says(out.p, "\"case_recall\":1,\"amount\":448,\"amount_caught\":299,\"own_rules\"");
    fd_strbuf_reset(&out);
    fd_evaluation_text(e, &out);
    says(out.p, "\namount of fraud 597, flagged 448 (0.750); of good events flagged 299\n");
    fd_strbuf_free(&out);
    fd_evaluation_free(e);
    fd_truth_free(t);
}

/* From a block on, the others were let pass. */
static void what_counts_as_flagged_can_be_said(void **state)
{
    (void)state;
    fd_truth *t = fd_truth_new();
    label(t, "a", true, "", "");
    label(t, "b", true, "", "");
    fd_evaluation *e = fd_evaluation_new(t, RULES, N_RULES, FD_ACTION_BLOCK, false);
    decide(e, "a", FD_ACTION_CHALLENGE, 0);
    decide(e, "b", FD_ACTION_BLOCK, 0);
    fd_strbuf out = {0};
    fd_evaluation_json(e, &out);
    says(out.p, "\"fraud\":2,\"flagged\":1,\"caught\":1,\"precision\":1,\"recall\":0.5");
    says(out.p, "\"unknown\":{\"events\":2,\"caught\":1,\"recall\":0.5,\"cases\":0");
    fd_strbuf_free(&out);
    fd_evaluation_free(e);
    fd_truth_free(t);
}

static void nothing_is_no_share(void **state)
{
    (void)state;
    fd_truth *t = fd_truth_new();
    fd_evaluation *e = fd_evaluation_new(t, NULL, 0, FD_ACTION_REVIEW, false);
    fd_strbuf out = {0};
    fd_evaluation_json(e, &out);
    says(out.p, "\"precision\":null,\"recall\":null,\"f1\":null");
    says(out.p, "\"patterns\":{},\"rules\":{}}\n");
    fd_strbuf_reset(&out);
    fd_evaluation_text(e, &out);
    says(out.p, "precision -  recall -  F1 -");
    fd_strbuf_free(&out);
    fd_evaluation_free(e);
    fd_truth_free(t);
    fd_evaluation_free(NULL);
    fd_truth_free(NULL);
}

static void many_labels_are_found_again(void **state)
{
    (void)state;
    enum { N = 100000 };
    fd_truth *t = fd_truth_new();
    char id[32], name[32];
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "t%d", i);
        snprintf(name, sizeof name, "p%d", i % 100);
        label(t, id, i % 2 == 0, name, id);
    }
    assert_int_equal(fd_truth_n(t), N);
    assert_int_equal(fd_truth_n_cases(t), N / 2);
    assert_true(fd_truth_n_patterns(t) <= FD_TRUTH_PATTERNS); /* the rest is "other" */
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "t%d", i);
        const fd_known *k = fd_truth_known(t, fd_truth_find(t, fd_str_from(id)));
        assert_int_equal(k->fraud, i % 2 == 0);
    }
    assert_true(fd_truth_find(t, FD_STR("t")) == UINT32_MAX);
    fd_truth_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_right),
        cmocka_unit_test(amounts_are_added_up),
        cmocka_unit_test(what_counts_as_flagged_can_be_said),
        cmocka_unit_test(nothing_is_no_share),
        cmocka_unit_test(many_labels_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
