/*
 * Rule files and every word that loading them must say. The text stands behind a first line
 * "version: 1" in ./r.yaml, for the schema of support.h.
 */
#ifndef TESTS_UNIT_STORE_CASES_H
#define TESTS_UNIT_STORE_CASES_H

#include <stddef.h>

typedef struct load_case {
    const char *text, *want;
} load_case;

/* Refused. */
extern const load_case rule_cases[], section_cases[], feature_cases[];
extern const size_t n_rule_cases, n_section_cases, n_feature_cases;
/* Loaded, refused under strict. */
extern const load_case warning_cases[];
extern const size_t n_warning_cases;

#endif
