/* Runs tests: each from empty windows, event by event. One owner. */
#include "base/assert.h"
#include "base/status.h"
#include "lang/time.h"
#include "testing/testing_int.h"

fd_str fd_testing_keep(fd_testing *t, fd_strbuf *b)
{
    fd_str s = fd_arena_str(t->arena, (fd_str){b->p == NULL ? "" : b->p, (uint32_t)b->n});
    FD_ALLOCATED(s.p);
    fd_strbuf_free(b);
    return s;
}

void fd_testing_write_time(int64_t us, fd_strbuf *out)
{
    int64_t seconds = us / 1000000 - (us % 1000000 < 0);
    int64_t rest = us - seconds * 1000000;
    fd_cel_civil c = fd_cel_civil_of(seconds);
    fd_strbuf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour,
                     c.minute, c.second);
    if (rest % 1000 != 0)
        fd_strbuf_printf(out, ".%06d", (int)rest);
    else if (rest != 0)
        fd_strbuf_printf(out, ".%03d", (int)(rest / 1000));
    fd_strbuf_putc(out, 'Z');
}

static void fail(fd_testing *t, fd_test *test, const fd_test_failure *failure)
{
    if (test->n_failures++ >= FD_TEST_SHOWN)
        return;
    fd_test_failure *kept = fd_arena_alloc(t->arena, sizeof *kept);
    FD_ALLOCATED(kept);
    *kept = *failure;
    kept->next = NULL;
    fd_test_failure **end = &test->failures;
    while (*end != NULL)
        end = &(*end)->next;
    *end = kept;
}

static void check(fd_testing *t, fd_test *test, const fd_test_event *e, uint32_t number,
                  int64_t at_us, const fd_test_expect *expect, const fd_verdict *v)
{
    if (!expect->given)
        return;
    fd_test_mismatch *found = fd_arena_alloc(t->arena,
                                             fd_testing_compare_max(expect) * sizeof *found);
    FD_ALLOCATED(found);
    uint32_t n = fd_testing_compare(t, expect, v, found);
    if (n == 0)
        return;
    fd_test_failure f = {
        .number = number, .line = e->line, .at_us = at_us, .n = n, .mismatches = found};
    if (test->n_failures < FD_TEST_SHOWN)
        f.why = fd_testing_why(t, expect, v);
    fail(t, test, &f);
}

static void no_room(fd_testing *t, fd_test *test, const fd_test_event *e, uint32_t number,
                    int64_t at_us)
{
    fd_test_mismatch *m = fd_arena_alloc(t->arena, sizeof *m);
    FD_ALLOCATED(m);
    *m = (fd_test_mismatch){FD_STR("memory"), FD_STR("room for the windows of all events"),
                            FD_STR("none left: give fewer events")};
    fail(t, test,
         &(fd_test_failure){
             .number = number, .line = e->line, .at_us = at_us, .n = 1, .mismatches = m});
}

/* False: there is no going on. */
static bool give(fd_testing *t, fd_test *test, const fd_test_event *e, uint32_t *number)
{
    for (uint32_t r = 0; r < e->repeat; r++) {
        int64_t at_us = e->at_us + (int64_t)r * e->every_us;
        fd_verdict v;
        ++*number;
        bool ok = fd_testing_encode(t, test->y, e, fd_test_event_keys, fd_test_n_event_keys,
                                    *number, at_us);
        FD_ASSERT(ok); /* as it was when it was read */
        if (!fd_testing_decide(&t->world, at_us, &v)) {
            no_room(t, test, e, *number, at_us);
            return false;
        }
        check(t, test, e, *number, at_us, &e->each, &v);
        if (r + 1 == e->repeat)
            check(t, test, e, *number, at_us, &e->last, &v);
    }
    return true;
}

static void run_test(fd_testing *t, fd_test *test)
{
    uint32_t number = 0;
    fd_testing_new_day(&t->world);
    for (uint32_t i = 0; i < test->n_events; i++) {
        if (!give(t, test, &test->events[i], &number))
            break;
    }
    t->result->n_failed += test->n_failures != 0;
}

static void count_rules(fd_testing *t)
{
    const fd_test_world *w = &t->world;
    for (uint32_t i = 0; i < fd_ruleset_n_rules(w->set); i++) {
        if (fd_ruleset_rule(w->set, i)->mode == FD_MODE_OFF)
            continue;
        uint64_t hits = fd_ruleset_run_hits(w->run, i);
        t->result->n_rules++;
        t->result->n_fired += hits != 0;
        t->result->n_quiet += fd_ruleset_run_evaluations(w->run, i) > hits;
    }
}

void fd_testing_run(fd_testing *t)
{
    for (uint32_t i = 0; i < t->n_tests; i++)
        run_test(t, &t->tests[i]);
    count_rules(t);
}

int fd_rules_test_run(const fd_rules_test_options *options, fd_rules_test_result *result,
                      fd_strbuf *out, fd_strbuf *junit)
{
    fd_diags diags;
    fd_diags_init(&diags);
    *result = (fd_rules_test_result){0};
    fd_testing t = {
        .options = options, .result = result, .diags = &diags, .arena = fd_arena_new(64 * 1024, 0)};
    if (fd_testing_open_world(&t))
        fd_testing_read_files(&t);
    result->refused = diags.errors != 0;
    result->n_files = t.n_files;
    result->n_tests = t.n_tests;
    if (!result->refused)
        fd_testing_run(&t);
    fd_testing_report(&t, out);
    if (junit != NULL)
        fd_testing_junit(&t, junit);
    int code = result->refused         ? FD_EXIT_CONFIG
               : result->n_failed != 0 ? FD_EXIT_CHECK
                                       : FD_EXIT_OK;
    for (uint32_t i = 0; i < t.n_files; i++)
        fd_yaml_free(&t.files[i]);
    fd_testing_close_world(&t.world);
    fd_arena_free(t.arena);
    fd_diags_free(&diags);
    return code;
}
