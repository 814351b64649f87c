/*
 * The activation log: intents and outcomes in their order, a line that a crash cut short, which set
 * decided an offset, a disc that is full for a while.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../store/support.h"
#include "archive_support.h"

static const char LOG[] = "arch/deep/activations.jsonl";

static void open_all(archive_rig *r)
{
    write_text("beside/l.txt", "C1\n");
    mkdir("rules", 0755);
    archive_rig_new(r, "../beside/l.txt");
    archive_rig_load(r);
    archive_rig_open(r);
}

static void admit(archive_rig *r, fd_trigger trigger)
{
    fd_err err = {0};
    if (fd_archive_admit(r->archive, r->program, trigger, &err) != FD_OK)
        fail_msg("%s", err.text);
}

static void parse(fd_activations *a)
{
    fd_strbuf log = {0};
    read_file(LOG, &log);
    fd_activations_parse(&log, a);
    fd_strbuf_free(&log);
}

static fd_program_report report(const archive_rig *r, fd_program_stage stage)
{
    return (fd_program_report){.stage = stage,
                               .ruleset = fd_program_ruleset_hash(r->program),
                               .lists = fd_program_lists_hash(r->program),
                               .models = fd_program_models_hash(r->program),
                               .from_us = INT64_MIN};
}

static void test_intents_and_outcomes(void **state)
{
    (void)state;
    archive_rig r;
    fd_activations a;
    open_all(&r);
    admit(&r, FD_TRIGGER_START);
    for (int32_t p = 0; p < 50; p++) /* of the start, and those that are assigned later */
        fd_archive_live(r.archive, (fd_tp){0, p}, 100 + p);
    admit(&r, FD_TRIGGER_HTTP);
    fd_program_report out = report(&r, FD_PROGRAM_REBUILDING);
    fd_archive_told(r.archive, &out);
    const fd_tpo first[] = {{{0, 3}, 2000, -1}, {{0, 4}, 2100, -1}};
    out = report(&r, FD_PROGRAM_DECIDES);
    out.ruleset = "00000000000000000000000000000000";
    out.n = 2;
    out.first = first;
    out.from_us = INT64_C(1767225600000000);
    fd_archive_told(r.archive, &out);
    fd_archive_live(r.archive, (fd_tp){0, 60}, 7);
    out = report(&r, FD_PROGRAM_GIVEN_UP);
    out.why = "the log is \"short\"";
    fd_archive_told(r.archive, &out);
    fd_archive_close(r.archive); /* writes what waits */
    r.archive = NULL;
    parse(&a);
    assert_int_equal(a.broken, 0);
    assert_false(a.torn);
    assert_int_equal(a.items[0].kind, FD_ACTIVATION_INTENT);
    assert_string_equal(a.items[0].trigger, "start");
    assert_string_equal(a.items[0].who, "g-h");
    assert_non_null(strstr(a.items[0].engine, "fraudd "));
    assert_int_equal(strlen(a.items[0].time), strlen("2026-01-01T00:00:00.000Z"));
    const char *hash = fd_program_ruleset_hash(r.program);
    for (int32_t p = 0; p < 50; p++) {
        const fd_activation *at = fd_activations_at(&a, "payments", p, 100 + p);
        assert_non_null(at);
        assert_string_equal(at->hashes.ruleset, hash);
        assert_string_equal(at->hashes.models, fd_program_models_hash(r.program));
        assert_int_equal(strlen(at->hashes.config), FD_CONTENT_HASH_CHARS);
        assert_null(fd_activations_at(&a, "payments", p, 99 + p));
    }
    assert_string_equal(fd_activations_at(&a, "payments", 3, 1999)->hashes.ruleset, hash);
    const fd_activation *at = fd_activations_at(&a, "payments", 3, 2000);
    assert_string_equal(at->hashes.ruleset, "00000000000000000000000000000000");
    assert_string_equal(at->from, "2026-01-01T00:00:00.000Z");
    /* A partition that came after it is decided by it, too. */
    assert_string_equal(fd_activations_at(&a, "payments", 60, 7)->hashes.ruleset,
                        "00000000000000000000000000000000");
    assert_null(fd_activations_at(&a, "labels", 3, 2000));
    const fd_activation *last = &a.items[a.n - 1];
    assert_int_equal(last->kind, FD_ACTIVATION_GIVEN_UP);
    assert_string_equal(last->why, "the log is \"short\"");
    fd_activations_free(&a);
    archive_rig_free(&r);
}

/* Written again after a crash, by whoever comes next. */
static void test_offsets_that_moved_back(void **state)
{
    (void)state;
    fd_strbuf log = {0};
    fd_activations a;
    static const struct {
        int64_t offset;
        const char *set;
    } lines[] = {{0, "a"}, {100, "b"}, {80, "a"}};
    for (size_t i = 0; i < 3; i++)
        fd_strbuf_printf(&log,
                         "{\"kind\": \"decides\", \"time\": \"t\", \"who\": \"w\", \"ruleset\": "
                         "\"%s\", \"first\": [{\"topic\": \"p\", \"partition\": 0, \"offset\": "
                         "%d}]}\n",
                         lines[i].set, (int)lines[i].offset);
    fd_activations_parse(&log, &a);
    assert_int_equal(a.n, 3);
    assert_string_equal(fd_activations_at(&a, "p", 0, 79)->hashes.ruleset, "a");
    assert_string_equal(fd_activations_at(&a, "p", 0, 110)->hashes.ruleset, "a");
    assert_ptr_equal(fd_activations_at(&a, "p", 0, 110), &a.items[2]);
    fd_activations_free(&a);
    fd_strbuf_free(&log);
}

static void append_to_log(const char *text)
{
    FILE *f = fopen(LOG, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_torn_line(void **state)
{
    (void)state;
    archive_rig r;
    fd_activations a;
    open_all(&r);
    admit(&r, FD_TRIGGER_START);
    append_to_log("{\"kind\": \"inte");
    parse(&a);
    assert_true(a.torn);
    assert_int_equal(a.n, 1);
    assert_int_equal(a.broken, 0);
    fd_activations_free(&a);
    /* The next line does not grow on it. */
    admit(&r, FD_TRIGGER_WATCH);
    parse(&a);
    assert_false(a.torn);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.broken, 1);
    assert_int_equal(a.first_broken, 2);
    assert_string_equal(a.items[1].trigger, "watch");
    fd_activations_free(&a);
    append_to_log(
        "[]\n{\"kind\": \"other\", \"time\": \"\", \"who\": \"\"}\n\n{\"kind\": \"intent\"}\n"
        "{\"kind\": \"decides\", \"time\": \"\", \"who\": \"\", \"first\": [1]}\n");
    parse(&a);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.broken, 5);
    fd_activations_free(&a);
    archive_rig_free(&r);
}

/* Outcomes wait until the disc takes them. */
static void test_full_for_a_while(void **state)
{
    (void)state;
    archive_rig r;
    fd_activations a;
    struct rlimit l;
    struct stat st;
    open_all(&r);
    admit(&r, FD_TRIGGER_START);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(stat(LOG, &st), 0);
    getrlimit(RLIMIT_FSIZE, &l);
    l.rlim_cur = (rlim_t)st.st_size + 5;
    setrlimit(RLIMIT_FSIZE, &l);
    fd_archive_live(r.archive, (fd_tp){0, 1}, 5);
    usleep(100000); /* it has tried, most likely */
    l.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &l);
    signal(SIGXFSZ, SIG_DFL);
    fd_archive_live(r.archive, (fd_tp){0, 2}, 6);
    fd_archive_close(r.archive);
    r.archive = NULL;
    parse(&a);
    assert_false(a.torn);
    assert_int_equal(a.broken, 0);
    assert_non_null(fd_activations_at(&a, "payments", 1, 5));
    assert_non_null(fd_activations_at(&a, "payments", 2, 6));
    fd_activations_free(&a);
    archive_rig_free(&r);
}

static void test_without_a_place(void **state)
{
    (void)state;
    archive_rig r;
    mkdir("rules", 0755);
    write_text("beside/l.txt", "C1\n");
    archive_rig_new(&r, "../beside/l.txt");
    r.config->archive.dir = "";
    archive_rig_load(&r);
    archive_rig_open(&r);
    assert_false(fd_archive_keeps(r.archive));
    admit(&r, FD_TRIGGER_START);
    fd_program_report out = report(&r, FD_PROGRAM_DECIDES);
    fd_archive_told(r.archive, &out);
    fd_archive_live(r.archive, (fd_tp){0, 0}, 0);
    assert_int_not_equal(access("arch", F_OK), 0);
    archive_rig_free(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_intents_and_outcomes), TEST(test_offsets_that_moved_back), TEST(test_torn_line),
        TEST(test_full_for_a_while),     TEST(test_without_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
