/*
 * The tests beside the rules (*.test.yaml), run before a set decides where `reload.tests` is
 * `required`. Reads files; any thread.
 */
#ifndef FD_APP_RELOAD_TESTS_H
#define FD_APP_RELOAD_TESTS_H

#include "codec/schema.h"
#include "config/config.h"

/* False: a test failed, or a test file is wrong; `report` is text, or one JSON object. Events are
 * those of the first source. Without test files, and where they are not required, true. */
bool fd_reload_tests_pass(const fd_config *c, const fd_schema *reader, bool json,
                          fd_strbuf *report);

#endif
