/*
 * Scorecards and logistic regressions in YAML: scores by hand, reasons, and every complaint word
 * for word. Agreement with other arithmetic is tests/models/test_scorecard.py's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats.h"

static fd_model *load(const char *text, fd_strbuf *said)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_model *m = fd_scorecard("card.yaml", fd_str_from(text), &d);
    assert_true((m == NULL) == (d.errors > 0));
    fd_diags_render(&d, said);
    fd_diags_free(&d);
    return m;
}

static fd_model *accept(const char *text)
{
    fd_strbuf said = {0};
    fd_model *m = load(text, &said);
    if (m == NULL)
        fail_msg("%s", said.p);
    fd_strbuf_free(&said);
    return m;
}

static double score(const fd_model *m, double a, double b, fd_model_output which)
{
    const double *columns[] = {&a, &b};
    double value, *out[] = {&value};
    fd_model_run *run = fd_model_run_new(m, 1);
    fd_model_score(run, columns, 1, which, out);
    fd_model_run_free(run);
    return value;
}

static const char card[] = "version: 1\n"
                           "type: scorecard\n"
                           "base: 100\n"
                           "inputs:\n"
                           "  - name: amount\n"
                           "    missing: {points: 7, reason: NO_AMOUNT}\n"
                           "    bins:\n"
                           "      - {from: 500, points: 40, reason: LARGE}\n"
                           "      - {below: 100, points: -5}\n"
                           "      - {from: 100, to: 500, points: 10}\n"
                           "  - name: channel\n"
                           "    reason: CHANNEL\n"
                           "    bins:\n"
                           "      - {values: [3, 1], points: 20}\n"
                           "      - {values: [2], points: 2, reason: WEB}\n"
                           "    otherwise: 1\n";

static void points_are_added(void **state)
{
    (void)state;
    fd_model *m = accept(card);
    const fd_model_shape *shape = fd_model_shape_of(m);
    assert_true(shape->n_inputs == 2 && shape->n_outputs == 1 && shape->n_trees == 0);
    assert_string_equal(shape->input_names[1], "channel");
    assert_true(score(m, 99.99, 1, FD_MODEL_RAW) == 115);
    assert_true(score(m, 100, 3, FD_MODEL_TRANSFORMED) == 130);
    assert_true(score(m, 500, 2, FD_MODEL_RAW) == 142);
    assert_true(score(m, INFINITY, 2.5, FD_MODEL_RAW) == 141);
    assert_true(score(m, -INFINITY, -1, FD_MODEL_RAW) == 96);
    assert_true(score(m, NAN, NAN, FD_MODEL_RAW) == 108);
    fd_model_free(m);
}

static void reasons_and_contributions(void **state)
{
    (void)state;
    fd_model *m = accept(card);
    const double row[] = {700, 2};
    double parts[3];
    assert_true(fd_model_contribute(m, row, 0, parts));
    assert_true(parts[0] == 45 && parts[1] == 1 && parts[2] == 96);
    assert_string_equal(fd_model_reason(m, 0, 700), "LARGE");
    assert_null(fd_model_reason(m, 0, 200));
    assert_string_equal(fd_model_reason(m, 0, NAN), "NO_AMOUNT");
    assert_string_equal(fd_model_reason(m, 1, 2), "WEB");
    assert_string_equal(fd_model_reason(m, 1, 1), "CHANNEL");
    assert_string_equal(fd_model_reason(m, 1, NAN), "CHANNEL");
    fd_model_free(m);
}

static void a_regression_is_scored(void **state)
{
    (void)state;
    fd_model *m = accept("version: 1\n"
                         "type: logistic\n"
                         "intercept: -1\n"
                         "inputs:\n"
                         "  - {name: a, weight: 2, mean: 10, scale: 4, missing: 12, reason: A}\n"
                         "  - {name: b, weight: -0.5}\n");
    assert_true(score(m, 14, 3, FD_MODEL_RAW) == -0.5);
    assert_true(fabs(score(m, 14, 3, FD_MODEL_TRANSFORMED) - 1 / (1 + exp(0.5))) < 1e-15);
    assert_true(score(m, NAN, 0, FD_MODEL_RAW) == 0);
    assert_true(score(m, NAN, 0, FD_MODEL_TRANSFORMED) == 0.5);
    assert_true(isnan(score(m, 1, NAN, FD_MODEL_TRANSFORMED)));
    assert_true(score(m, 1e9, 0, FD_MODEL_TRANSFORMED) == 1);
    assert_true(score(m, -1e9, 0, FD_MODEL_TRANSFORMED) == 0);
    const double row[] = {14, 3};
    double parts[3];
    assert_true(fd_model_contribute(m, row, 0, parts));
    assert_true(parts[0] == 2 && parts[1] == -1.5 && parts[2] == -1);
    assert_string_equal(fd_model_reason(m, 0, 1), "A");
    assert_null(fd_model_reason(m, 1, 1));
    fd_model_free(m);
}

typedef struct complaint {
    const char *text, *want;
} complaint;

#define CARD "version: 1\ntype: scorecard\nbase: 0\n"
#define BINS CARD "inputs:\n  - name: a\n    missing: 0\n    bins:\n"

static const complaint complaints[] = {
    {"", "card.yaml: the file is empty"},
    {"[1]", "card.yaml:1:1: error: a scorecard: expected a mapping"},
    {"type: scorecard\nbase: 0\ninputs: []\n", "error: the file has no version"},
    {"version: 1\nbase: 0\ninputs: []\n", "error: the file has no type"},
    {"version: 1\ntype: scorecart\n", "card.yaml:2:7: error: type is scorecard or logistic, not "
                                      "\"scorecart\"\n"},
    {"version: 1\ntype: scorecart\n", "did you mean \"scorecard\"?"},
    {"version: 1\ntype: logistic\ninputs: []\n", "the file has no intercept"},
    {"version: 1\ntype: scorecard\ninputs: []\n", "the file has no base"},
    {CARD, "the file has no inputs"},
    {CARD "inputs: []\n", "card.yaml:4:9: error: 0 inputs, not 1 to 4096"},
    {CARD "intercept: 1\n", "card.yaml:4:1: error: intercept belongs to type: logistic"},
    {CARD "bins: 1\n", "card.yaml:4:1: error: a scorecard has no key \"bins\""},
    {CARD "link: probit\n", "card.yaml:4:7: error: link is none or logit, not \"probit\""},
    {CARD "inputs:\n  - {bins: []}\n", "card.yaml:5:5: error: an input has no name"},
    {CARD "inputs:\n  - {name: a}\n", "card.yaml:5:5: error: the input has no bins"},
    {CARD "inputs:\n  - {name: a, weight: 1}\n",
     "card.yaml:5:15: error: weight belongs to type: logistic"},
    {CARD "inputs:\n  - {name: a, bins: [], otherwise: 1}\n  - {name: a, bins: [], otherwise: 1}\n",
     "card.yaml:6:5: error: there are two inputs \"a\""},
    {CARD "inputs:\n  - {name: a, bins: [{below: 1, points: 1}, {from: 1, points: 2}]}\n",
     "card.yaml:5:5: error: nothing is said about missing values"},
    {BINS "      - {below: 10, points: 1}\n      - {from: 9, points: 2}\n",
     "card.yaml:9:9: error: bins overlap from 9 to 10: see line 8"},
    {BINS "      - {from: 9, points: 2}\n      - {below: 10, points: 1}\n",
     "card.yaml:8:9: error: bins overlap from 9 to 10: see line 9"},
    {BINS "      - {below: 10, points: 1}\n      - {from: 12, points: 2}\n",
     "card.yaml:9:9: error: nothing is said about values from 10 to 12"},
    {BINS "      - {below: 10, points: 1}\n",
     "card.yaml:5:5: error: nothing is said about values from 10 to inf"},
    {BINS "      - {from: 10, points: 1}\n",
     "card.yaml:8:9: error: nothing is said about values from -inf to 10"},
    {BINS "      - {values: [1], points: 1}\n", "error: nothing is said about other values"},
    {BINS
     "      - {values: [1], points: 1}\n      - {values: [2, 1], points: 1}\n    otherwise: 0\n",
     "error: the value 1 is in two bins: see line"},
    {BINS "      - {values: [1], points: 1}\n      - {below: 2, points: 1}\n    otherwise: 0\n",
     "card.yaml:8:19: error: the value 1 is in the bin of line 9 already"},
    {BINS "      - {values: [x], points: 1}\n    otherwise: 0\n",
     "card.yaml:8:19: error: a value: expected a number from"},
    {BINS "      - {values: [], points: 1}\n    otherwise: 0\n", "error: values is empty"},
    {BINS "      - {points: 1}\n", "error: the bin does not say which values it is for"},
    {BINS "      - {below: 1, to: 2, points: 1}\n", "error: below together with from or to"},
    {BINS "      - {below: 1, values: [2], points: 1}\n", "error: values together with limits"},
    {BINS "      - {from: 2, to: 2, points: 1}\n", "error: the bin is empty: 2 is not below 2"},
    {BINS "      - {below: 1}\n", "error: the bin has no points"},
    {BINS "      - {below: .inf, points: 1}\n", "below: expected a number from"},
    {BINS "      - {below: 1, point: 1}\n", "a bin has no key \"point\""},
    {BINS "      - 1\n", "card.yaml:8:9: error: a bin: expected a mapping"},
    {CARD "inputs:\n  - {name: a, bins: [], otherwise: {reason: X}}\n", "otherwise has no points"},
    {CARD "inputs:\n  - {name: a, name: b, bins: [], otherwise: 1}\n",
     "an input has \"name\" twice"},
    {"version: 1\ntype: logistic\nintercept: 0\ninputs:\n  - {name: a}\n",
     "card.yaml:5:5: error: the input has no weight"},
    {"version: 1\ntype: logistic\nintercept: 0\ninputs:\n  - {name: a, weight: 1, scale: 0}\n",
     "card.yaml:5:33: error: scale is 0"},
    {"version: 1\ntype: logistic\nintercept: 0\ninputs:\n  - {name: a, weight: 1, bins: []}\n",
     "card.yaml:5:26: error: bins belongs to type: scorecard"},
    {"version: 1\ntype: logistic\nintercept: much\n", "intercept: expected a number from"},
    {"version: 2\n", "version: expected a whole number from 1 to 1"},
    {"version: 1\n\ttype", "card.yaml:2:"},
};

static void complaints_say_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++) {
        fd_strbuf said = {0};
        fd_model *m = load(complaints[i].text, &said);
        if (m != NULL || strstr(said.p, complaints[i].want) == NULL)
            fail_msg("%s\n--- wanted\n%s\n--- got\n%s", complaints[i].text, complaints[i].want,
                     m == NULL ? said.p : "a model");
        fd_strbuf_free(&said);
    }
}

static void every_cut_is_survived(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof card; n++) {
        char *text = strndup(card, n);
        fd_strbuf said = {0};
        fd_model_free(load(text, &said));
        fd_strbuf_free(&said);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_added),       cmocka_unit_test(reasons_and_contributions),
        cmocka_unit_test(a_regression_is_scored), cmocka_unit_test(complaints_say_where),
        cmocka_unit_test(every_cut_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
