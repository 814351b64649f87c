/*
 * Tests of rule sets: timed events in, decisions expected (*.test.yaml beside the rules).
 *
 * Each test begins with empty windows and gives its events, in the order in which they are
 * written, to one partition of the deciding source, as the service would: decoded from Avro,
 * folded, decided with all features at hand. The settings are the service's defaults. Nothing
 * depends on the clock, the machine or on which other tests run.
 *
 * Reads files; any thread, one at a time per call.
 */
#ifndef FD_TESTING_TESTING_H
#define FD_TESTING_TESTING_H

#include "base/strbuf.h"
#include "codec/schema.h"
#include "store/ruleset.h"

enum {
    FD_RULES_TEST_MAX_FILES = 1000,
    FD_RULES_TEST_MAX_BYTES = 8 * 1024 * 1024, /* of a file */
    FD_RULES_TEST_MAX_TESTS = 10000,           /* in all files */
    FD_RULES_TEST_MAX_EVENTS = 1000000,        /* of a test, repetitions counted */
};

typedef struct fd_rules_test_options {
    const char *dir;          /* the rule set */
    const char *const *files; /* paths; n_files 0: every *.test.yaml of the directory, by name */
    uint32_t n_files;
    const fd_schema *schema; /* of the events */
    /* Paths of the event's id and time; NULL: tx_id or id; event_time, or else the only timestamp
     * of the record. */
    const char *id, *time;
    const char *topic; /* whose events are decided, for features that name it; NULL: not known */
    /* What rules see as models, and who scores them: called with a row or none, for each model that
     * is not off. Reasons that models give are not among those of a test. */
    uint32_t n_models;
    const fd_ruleset_model *models;
    void (*score)(void *ctx, uint32_t model, const fd_model_rows *rows);
    void *score_ctx;
    bool json;     /* the report is one JSON object */
    bool coverage; /* and names the rules that were never, or always, seen to fire */
} fd_rules_test_options;

typedef struct fd_rules_test_result {
    bool refused; /* rules or test files have errors, which the report tells; nothing was run */
    uint32_t n_files, n_tests, n_failed;
    uint32_t n_rules; /* that are not off */
    uint32_t n_fired; /* of these, those that fired for some event */
    uint32_t n_quiet; /* those that did not for some event that they applied to */
} fd_rules_test_result;

/*
 * Appends the report to `out` and, unless NULL, JUnit's XML to `junit`. Without any file nothing
 * is run: n_files is 0. Returns FD_EXIT_OK, FD_EXIT_CHECK when a test failed, or FD_EXIT_CONFIG
 * when the set or a test file is refused.
 */
int fd_rules_test_run(const fd_rules_test_options *options, fd_rules_test_result *result,
                      fd_strbuf *out, fd_strbuf *junit);

#endif
