/* What the tests of rule tests share: a run of them over files of the directory of the moment. */
#ifndef TESTS_UNIT_TESTING_RIG_H
#define TESTS_UNIT_TESTING_RIG_H

#include "testing/testing.h"

typedef struct outcome {
    int code;
    fd_rules_test_result result;
    fd_strbuf out, junit;
} outcome;

/* schema NULL: the sample payment. */
outcome run_with(const char *schema, const fd_rules_test_options *options);
void release_outcome(outcome *o);
/* Writes r.yaml and r.test.yaml (NULL: leaves them) and runs them. */
outcome run_texts(const char *schema, const char *rules, const char *tests);

/* The text is told whole. */
void expect_out(outcome *o, int code, const char *out);

/* What test files are refused for; the rules are those of rules_of_cases. */
typedef struct refusal {
    const char *tests;
    const char *says;
} refusal;
extern const char rules_of_cases[];
extern const refusal refusals[];
extern const size_t n_refusals;

#endif
