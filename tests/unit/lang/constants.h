/* Constant expressions and the value that each folds to, as sample_show() writes it. */
#ifndef TESTS_UNIT_LANG_CONSTANTS_H
#define TESTS_UNIT_LANG_CONSTANTS_H

#include "sample.h"

typedef struct constant_case {
    const char *text, *want;
} constant_case;

void check_constants(const constant_case *cases, size_t n);
#define CHECK_CONSTANTS(table) check_constants(table, sizeof table / sizeof *table)

#endif
