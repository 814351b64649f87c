/*
 * The inside of rule tests, shared by the files of rules/testing only: files.c finds and reads
 * files, read.c, fields.c and expect.c turn YAML into tests, world.c gives events to a rule set,
 * run.c runs tests, compare.c compares, report.c and junit.c tell. Everything lives in one arena
 * until the report is written. One owner.
 */
#ifndef FD_TESTING_TESTING_INT_H
#define FD_TESTING_TESTING_INT_H

#include "codec/decode.h"
#include "features/windows.h"
#include "store/ruleset.h"
#include "testing/testing.h"
#include "text/yaml_file.h"

/* ---- what test files say ---- */

/* Of names: exactly these, or some that must be there and some that must not. */
typedef struct fd_test_names {
    bool given, exact;
    uint32_t n, n_exclude;
    const fd_str *items; /* all of them, or those to include */
    const fd_str *exclude;
} fd_test_names;

typedef struct fd_test_feature {
    uint32_t feature; /* of the set */
    bool absent;
    union {
        int64_t i; /* INT, TIMESTAMP and DURATION (microseconds), BOOL */
        double d;
        fd_str s; /* STRING, BYTES */
    } v;
} fd_test_feature;

typedef struct fd_test_message {
    fd_str rule, text;
} fd_test_message;

typedef struct fd_test_expect {
    bool given;
    bool has_action, has_score;
    fd_action action;
    double score;
    fd_test_names rules, reasons, flags;
    uint32_t n_features, n_messages;
    const fd_test_feature *features;
    const fd_test_message *messages;
} fd_test_expect;

/* Where an event's fields come from, from the least specific: the file's defaults, the test's, the
 * event's own, those under its key `event`. NULL: there are none. */
enum { FD_TEST_LAYERS = 4 };

typedef struct fd_test_event {
    int line;
    fd_yaml_node *node;
    fd_yaml_node *layers[FD_TEST_LAYERS];
    uint32_t repeat; /* at least 1 */
    int64_t at_us;   /* of the first */
    int64_t every_us;
    fd_test_expect last, each;
} fd_test_event;

typedef struct fd_test_mismatch {
    fd_str what, expected, got;
} fd_test_mismatch;

/* An event that was not decided as expected. */
typedef struct fd_test_failure {
    uint32_t number; /* of the event, from 1, repetitions counted */
    int line;
    int64_t at_us;
    uint32_t n;
    const fd_test_mismatch *mismatches;
    fd_str why; /* lines about the rules concerned, and the features */
    struct fd_test_failure *next;
} fd_test_failure;

typedef struct fd_test {
    fd_str name;
    fd_yaml *y;
    int line;
    uint32_t n_events, cap_events;
    fd_test_event *events;
    uint32_t n_given; /* events given, repetitions counted */
    uint32_t n_failures;
    fd_test_failure *failures; /* the first FD_TEST_SHOWN */
} fd_test;

enum { FD_TEST_SHOWN = 5 };

/* ---- a run ---- */

/* Rule set, columns and windows that events are given to. */
typedef struct fd_test_world {
    const fd_schema *schema;
    fd_ruleset *set;
    fd_ruleset_run *run;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_batch *batch;
    fd_batch *features;  /* NULL: the set has none */
    fd_windows *windows; /* NULL likewise */
    fd_str id, time;     /* paths; id.n == 0: none */
    const fd_type *id_type, *time_type;
    fd_strbuf json, avro, why;
    const fd_rules_test_options *options; /* who scores models */
    fd_model_rows *model_rows;            /* by model; NULL: there are none */
    int64_t merge_us, time_us;
    int64_t offset;
} fd_test_world;

typedef struct fd_testing {
    const fd_rules_test_options *options;
    fd_rules_test_result *result;
    fd_arena *arena;
    fd_diags *diags;
    fd_test_world world;
    uint32_t n_files;
    fd_yaml *files;
    uint32_t n_tests, cap_tests;
    fd_test *tests;
    uint32_t n_told; /* nodes whose error is told, for defaults that many events share */
    const fd_yaml_node *told[64];
} fd_testing;

/* files.c: reads every file; errors are in diags. */
void fd_testing_read_files(fd_testing *t);

/* read.c */
void fd_testing_read(fd_testing *t, fd_yaml *y);
void *fd_testing_push(fd_arena *arena, void *items, uint32_t *n, uint32_t *cap, size_t size);
/* expect.c */
void fd_testing_read_expect(fd_testing *t, fd_yaml *y, fd_yaml_node *node, fd_test_event *event);
/* RFC 3339 with a zone, to microseconds; false after an error. */
bool fd_testing_time(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *us);

/* fields.c: are these fields of the event? `skip` (NULL: none) names keys that are not meant to
 * be; they are suggested too. False after errors. */
bool fd_testing_check_fields(fd_testing *t, fd_yaml *y, fd_yaml_node *map, const char *const *skip,
                             uint32_t n_skip);
/* The event's number `number` at time_us as Avro bytes in world.avro; false after errors. */
bool fd_testing_encode(fd_testing *t, fd_yaml *y, const fd_test_event *event,
                       const char *const *skip, uint32_t n_skip, uint32_t number, int64_t time_us);
/* The keys of an event that are no fields. */
extern const char *const fd_test_event_keys[];
extern const uint32_t fd_test_n_event_keys;

/* world.c */
bool fd_testing_open_world(fd_testing *t);
void fd_testing_close_world(fd_test_world *w);
/* Forgets all that came before. */
void fd_testing_new_day(fd_test_world *w);
/* Decides the event in world.avro. False: there is no memory for it. The verdict lives until the
 * next one. */
bool fd_testing_decide(fd_test_world *w, int64_t time_us, fd_verdict *out);

/* run.c */
void fd_testing_run(fd_testing *t);
/* compare.c: what differs, appended to a list in the arena; how many there are. */
uint32_t fd_testing_compare(fd_testing *t, const fd_test_expect *expect, const fd_verdict *v,
                            fd_test_mismatch *out);
uint32_t fd_testing_compare_max(const fd_test_expect *expect);
/* The rules concerned by what differs: those that should have fired and did not, or did and should
 * not; else those that fired. */
fd_str fd_testing_why(fd_testing *t, const fd_test_expect *expect, const fd_verdict *v);
void fd_testing_write_time(int64_t us, fd_strbuf *out);
/* An arena copy; the buffer is freed. */
fd_str fd_testing_keep(fd_testing *t, fd_strbuf *b);

/* report.c, junit.c */
void fd_testing_report(const fd_testing *t, fd_strbuf *out);
void fd_testing_junit(const fd_testing *t, fd_strbuf *out);
/* A failure's lines, each indented by so much. */
void fd_testing_write_failure(const fd_test_failure *f, int indent, fd_strbuf *out);

#endif
