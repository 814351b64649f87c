/*
 * Test files into tests: what there is of tests and events, their times and their fields. What is
 * wrong is told with its place; nothing is run. One owner.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/quantity.h"
#include "lang/time.h"
#include "testing/testing_int.h"

static const int64_t year_10000_us = INT64_C(253402300800000000);

#define EVENT_KEYS(X) X(at) X(after) X(repeat) X(every) X(expect) X(event)
enum {
#define X(name) EVENT_##name,
    EVENT_KEYS(X)
#undef X
        N_EVENT_KEYS
};
const char *const fd_test_event_keys[] = {
#define X(name) #name,
    EVENT_KEYS(X)
#undef X
};
const uint32_t fd_test_n_event_keys = N_EVENT_KEYS;

void *fd_testing_push(fd_arena *arena, void *items, uint32_t *n, uint32_t *cap, size_t size)
{
    if (*n == *cap) {
        uint32_t grown = *cap == 0 ? 16 : *cap * 2;
        void *fresh = fd_arena_zalloc(arena, grown * size);
        FD_ALLOCATED(fresh);
        if (*n != 0)
            memcpy(fresh, items, *n * size);
        items = fresh;
        *cap = grown;
    }
    (*n)++;
    return items;
}

/* ---- times ---- */

bool fd_testing_time(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *us)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    fd_cel_value t = fd_cel_parse_timestamp(text);
    if (t.kind == FD_CEL_TIMESTAMP && fd_cel_nanos(&t) % 1000 == 0) {
        *us = t.v.i * 1000000 + fd_cel_nanos(&t) / 1000;
        return true;
    }
    bool fine = t.kind == FD_CEL_TIMESTAMP;
    fd_yaml_report(y, n, FD_ERROR,
                   fine ? "events are told apart by the microsecond"
                        : "write a time like 2026-01-31T10:00:00Z, with its zone",
                   fine ? "%s: \"%s\" is too fine" : "%s: \"%s\" is not a time", what, text.p);
    return false;
}

static bool read_span(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *us)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    const char *why = fd_parse_duration(text.p, us);
    if (why == NULL && *us > year_10000_us)
        why = "is too long";
    if (why != NULL)
        fd_yaml_report(y, n, FD_ERROR, "write 10s, 5m, 1.5h or 7d", "%s: \"%s\" %s", what, text.p,
                       why);
    return why == NULL;
}

/* ---- events ---- */

typedef struct event_parts {
    fd_testing *t;
    fd_test *test;
    fd_yaml *y;
    fd_yaml_node *at[N_EVENT_KEYS];
} event_parts;

/* Keys are checked with the fields; here are only those that are no fields. */
static void find_parts(event_parts *p, fd_yaml_node *node)
{
    yaml_node_pair_t *end = node->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
        const fd_yaml_node *key = fd_yaml_get(p->y, pair->key);
        for (int k = 0; k < N_EVENT_KEYS; k++) {
            if (key->type == YAML_SCALAR_NODE &&
                strcmp((const char *)key->data.scalar.value, fd_test_event_keys[k]) == 0)
                p->at[k] = fd_yaml_get(p->y, pair->value);
        }
    }
}

static bool read_repeat(event_parts *p, fd_test_event *e)
{
    fd_yaml *y = p->y;
    int64_t repeat = 1;
    bool ok = true;
    if (p->at[EVENT_repeat] != NULL)
        ok = fd_yaml_int(y, p->at[EVENT_repeat], "repeat", 1, FD_RULES_TEST_MAX_EVENTS, &repeat);
    e->repeat = ok ? (uint32_t)repeat : 1;
    if (p->at[EVENT_every] != NULL && p->at[EVENT_repeat] == NULL) {
        fd_yaml_report(y, p->at[EVENT_every], FD_ERROR, "add repeat: 6",
                       "every is the time between repetitions: how many are there?");
        return false;
    }
    if (p->at[EVENT_every] != NULL)
        return read_span(y, p->at[EVENT_every], "every", &e->every_us) && ok;
    if (e->repeat == 1)
        return ok;
    fd_yaml_report(y, p->at[EVENT_repeat], FD_ERROR, "add every: 10s (0s: all at one time)",
                   "repeated how long after one another?");
    return false;
}

/* `last_us`: of the event before it. */
static bool read_when(event_parts *p, fd_test_event *e, bool first, int64_t last_us)
{
    fd_yaml *y = p->y;
    const fd_yaml_node *at = p->at[EVENT_at], *after = p->at[EVENT_after];
    if (at != NULL && after != NULL) {
        fd_yaml_report(y, after, FD_ERROR, NULL, "at and after: an event has one time");
        return false;
    }
    if (at != NULL)
        return fd_testing_time(y, at, "at", &e->at_us);
    if (after == NULL || first) {
        fd_yaml_report(y, first && after != NULL ? after : e->node, FD_ERROR,
                       first ? "write at: 2026-01-31T10:00:00Z" : "write after: 10s, or at: ...",
                       first ? "the first event of a test needs at"
                             : "when? at or after is missing");
        return false;
    }
    int64_t span;
    if (!read_span(y, after, "after", &span))
        return false;
    e->at_us = last_us + span;
    return true;
}

static int64_t last_time(const fd_test_event *e)
{
    return e->at_us + (int64_t)(e->repeat - 1) * e->every_us;
}

/* Of what comes after the year 9999, and of what the event's time field cannot hold. */
static bool check_times(const event_parts *p, const fd_test_event *e)
{
    const fd_type *type = p->t->world.time_type;
    int64_t per_second = type->kind == FD_TIMESTAMP ? type->per_second : 1000;
    int64_t tick_us = per_second >= 1000000 ? 1 : 1000000 / per_second;
    const fd_yaml_node *at = p->at[EVENT_at] != NULL ? p->at[EVENT_at] : p->at[EVENT_after];
    if (e->every_us > year_10000_us / e->repeat || e->at_us >= year_10000_us ||
        last_time(e) >= year_10000_us) {
        fd_yaml_report(p->y, e->node, FD_ERROR, NULL, "this is after the year 9999");
        return false;
    }
    const fd_yaml_node *fine = e->at_us % tick_us != 0 ? at : NULL;
    if (fine == NULL && e->every_us % tick_us != 0)
        fine = p->at[EVENT_every];
    if (fine != NULL)
        fd_yaml_report(p->y, fine, FD_ERROR, NULL, "%s does not hold times as fine as that",
                       p->t->world.time.p);
    return fine == NULL;
}

static void read_event(event_parts *p, fd_yaml_node *node, fd_yaml_node *const *defaults)
{
    fd_testing *t = p->t;
    fd_test *test = p->test;
    fd_yaml *y = p->y;
    bool first = test->n_events == 0;
    int64_t last_us = first ? 0 : last_time(&test->events[test->n_events - 1]);
    test->events = fd_testing_push(t->arena, test->events, &test->n_events, &test->cap_events,
                                   sizeof *test->events);
    fd_test_event *e = &test->events[test->n_events - 1];
    *e = (fd_test_event){.line = fd_yaml_line(node),
                         .node = node,
                         .layers = {defaults[0], defaults[1], node},
                         .repeat = 1,
                         .at_us = last_us};
    fd_testing_check_fields(t, y, node, fd_test_event_keys, N_EVENT_KEYS);
    if (node->type != YAML_MAPPING_NODE)
        return;
    find_parts(p, node);
    e->layers[FD_TEST_LAYERS - 1] = p->at[EVENT_event];
    if (p->at[EVENT_event] != NULL)
        fd_testing_check_fields(t, y, p->at[EVENT_event], NULL, 0);
    bool whole = read_repeat(p, e);
    if (read_when(p, e, first, last_us) && whole && !check_times(p, e))
        e->at_us = last_us;
    if (p->at[EVENT_expect] != NULL)
        fd_testing_read_expect(t, y, p->at[EVENT_expect], e);
    fd_testing_encode(t, y, e, fd_test_event_keys, N_EVENT_KEYS, 1, e->at_us);
    test->n_given += e->repeat;
    if (test->n_given > FD_RULES_TEST_MAX_EVENTS) {
        fd_yaml_report(y, node, FD_ERROR, NULL, "more than %d events in a test",
                       FD_RULES_TEST_MAX_EVENTS);
        test->n_given = 0;
    }
}

/* ---- tests ---- */

enum { TEST_NAME, TEST_DEFAULTS, TEST_EVENTS, N_TEST_KEYS };
static const char *const test_keys[] = {"name", "defaults", "events"};

typedef struct test_parts {
    fd_yaml_node *at[N_TEST_KEYS];
} test_parts;

static void keep_test_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                          fd_yaml_node *value)
{
    (void)y;
    (void)key_node;
    test_parts *parts = ctx;
    parts->at[key] = value;
}

static void read_events(fd_testing *t, fd_test *test, fd_yaml_node *list,
                        fd_yaml_node *const *defaults)
{
    fd_yaml *y = test->y;
    if (!fd_yaml_is_list(y, list, "events"))
        return;
    yaml_node_item_t *end = list->data.sequence.items.top;
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < end; i++) {
        event_parts p = {.t = t, .test = test, .y = y};
        read_event(&p, fd_yaml_get(y, *i), defaults);
    }
    bool expects = false;
    for (uint32_t i = 0; i < test->n_events; i++)
        expects = expects || test->events[i].last.given || test->events[i].each.given;
    if (!expects)
        fd_yaml_report(y, list, FD_ERROR, "add expect: {action: review} to an event",
                       "test \"%s\" expects nothing", test->name.p);
}

static void check_test_name(fd_testing *t, fd_yaml *y, const fd_yaml_node *n, fd_str name)
{
    for (uint32_t i = 0; i < t->n_tests; i++) {
        const fd_test *other = &t->tests[i];
        if (other->y == y && fd_str_eq(other->name, name))
            fd_yaml_report(y, n, FD_ERROR, "reports tell tests apart by their names",
                           "a test of this name is already in line %d", other->line);
    }
}

typedef struct file_parts {
    fd_testing *t;
    fd_yaml *y;
    fd_yaml_node *defaults, *tests;
} file_parts;

static void read_test(file_parts *f, fd_yaml_node *node)
{
    fd_testing *t = f->t;
    fd_yaml *y = f->y;
    test_parts parts = {{NULL}};
    uint64_t keys = fd_yaml_map(y, node, "a test", test_keys, N_TEST_KEYS, keep_test_key, &parts);
    fd_test test = {.y = y, .line = fd_yaml_line(node), .name = FD_STR("?")};
    if ((keys >> TEST_NAME & 1) == 0)
        fd_yaml_report(y, node, FD_ERROR, "write name: a burst is challenged",
                       "a test needs a name");
    else if (parts.at[TEST_NAME] != NULL &&
             fd_yaml_text(y, parts.at[TEST_NAME], "name", &test.name))
        check_test_name(t, y, parts.at[TEST_NAME], test.name);
    if ((keys >> TEST_EVENTS & 1) == 0)
        fd_yaml_report(y, node, FD_ERROR, "write events: [{at: 2026-01-31T10:00:00Z, expect: ...}]",
                       "test \"%s\" has no events", test.name.p);
    if (t->n_tests == FD_RULES_TEST_MAX_TESTS) {
        fd_yaml_report(y, node, FD_ERROR, NULL, "more than %d tests", FD_RULES_TEST_MAX_TESTS);
        return;
    }
    fd_yaml_node *defaults[] = {f->defaults, parts.at[TEST_DEFAULTS]};
    if (defaults[1] != NULL && !fd_testing_check_fields(t, y, defaults[1], NULL, 0))
        defaults[1] = NULL;
    if (parts.at[TEST_EVENTS] != NULL)
        read_events(t, &test, parts.at[TEST_EVENTS], defaults);
    t->tests = fd_testing_push(t->arena, t->tests, &t->n_tests, &t->cap_tests, sizeof *t->tests);
    t->tests[t->n_tests - 1] = test;
}

/* ---- the file ---- */

enum { FILE_VERSION, FILE_DEFAULTS, FILE_TESTS, N_FILE_KEYS };
static const char *const file_keys[] = {"version", "defaults", "tests"};

static void keep_file_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                          fd_yaml_node *value)
{
    (void)key_node;
    file_parts *f = ctx;
    int64_t version;
    if (key == FILE_VERSION)
        fd_yaml_int(y, value, "version", 1, 1, &version);
    else if (key == FILE_TESTS)
        f->tests = value;
    else if (fd_testing_check_fields(f->t, y, value, NULL, 0))
        f->defaults = value;
}

void fd_testing_read(fd_testing *t, fd_yaml *y)
{
    fd_yaml_node *root = fd_yaml_root(y);
    file_parts f = {.t = t, .y = y};
    uint64_t keys = fd_yaml_map(y, root, "a test file", file_keys, N_FILE_KEYS, keep_file_key, &f);
    if ((keys >> FILE_TESTS & 1) == 0)
        fd_yaml_report(y, root, FD_ERROR, "write tests: and a list below it",
                       "the file has no tests");
    if (f.tests == NULL || !fd_yaml_is_list(y, f.tests, "tests"))
        return;
    yaml_node_item_t *end = f.tests->data.sequence.items.top;
    for (yaml_node_item_t *i = f.tests->data.sequence.items.start; i < end; i++)
        read_test(&f, fd_yaml_get(y, *i));
}
