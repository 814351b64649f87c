/*
 * Wrong texts and the whole message each must get: place, line, caret, hint, word for word.
 */
#ifndef TESTS_UNIT_LANG_CASES_H
#define TESTS_UNIT_LANG_CASES_H

#include <stddef.h>

typedef struct message_case {
    const char *text, *want;
} message_case;

extern const message_case syntax_cases[], check_cases[], macro_cases[];
extern const size_t n_syntax_cases, n_check_cases, n_macro_cases;

#endif
