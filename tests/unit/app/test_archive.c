/*
 * The archive in a directory: what is stored, what is found again, and what goes wrong: crashes
 * half way, full discs, bytes that were changed, files that change under the loader.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../store/support.h"
#include "archive_support.h"

#define INSIDE "lists/bad.txt"

static void expect_text(const fd_err *err, const char *part)
{
    if (strstr(err->text, part) == NULL)
        fail_msg("no '%s' in '%s'", part, err->text);
}

static void admit(archive_rig *r, fd_class want, fd_err *err)
{
    *err = (fd_err){0};
    fd_class cls = fd_archive_admit(r->archive, r->program, FD_TRIGGER_WATCH, err);
    if (cls != want)
        fail_msg("%d: %s", cls, err->text);
}

static void open_all(archive_rig *r, const char *list)
{
    mkdir("rules", 0755);
    mkdir("rules/lists", 0755);
    FILE *f = fopen("rules/lists/bad.txt", "w");
    fputs("C9\n", f);
    fclose(f);
    archive_rig_new(r, list);
    archive_rig_load(r);
    archive_rig_open(r);
}

static void open_finder(fd_archive_finder *f)
{
    fd_place place;
    fd_err err = {0};
    if (fd_place_dir("arch/deep", false, &place, &err) != FD_OK)
        fail_msg("%s", err.text);
    if (fd_archive_finder_open(place, f, &err) != FD_OK)
        fail_msg("%s", err.text);
}

/* The set of the program, taken out into a directory. */
static void take_out(archive_rig *r, const char *dir, fd_files *files)
{
    fd_archive_finder f;
    const fd_archive_set *set;
    size_t others;
    fd_err err = {0};
    open_finder(&f);
    fd_archive_wanted w = {.ruleset = fd_program_ruleset_hash(r->program),
                           .models = fd_program_models_hash(r->program)};
    if (fd_archive_find(&f, &w, &set, &others, &err) != FD_OK ||
        fd_archive_files(&f, set, files, &err) != FD_OK ||
        fd_archive_extract(files, dir, &err) != FD_OK ||
        fd_archive_verify(set, files, dir, &err) != FD_OK)
        fail_msg("%s", err.text);
    assert_string_equal(set->hashes.lists, fd_program_lists_hash(r->program));
    fd_archive_finder_close(&f);
}

static void same_file(const char *a, const char *b)
{
    fd_strbuf x = {0}, y = {0};
    read_file(a, &x);
    read_file(b, &y);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.p, y.p, x.n);
    fd_strbuf_free(&x);
    fd_strbuf_free(&y);
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    archive_rig r;
    fd_err err;
    open_all(&r, INSIDE);
    admit(&r, FD_OK, &err);
    fd_files files = {0};
    take_out(&r, "out", &files);
    same_file("out/rules/a.yaml", "rules/a.yaml");
    same_file("out/rules/lists/bad.txt", "rules/lists/bad.txt");
    same_file("out/models/tree.yaml", "models/tree.yaml");
    same_file("out/schemas/0-payments.avsc", "schema.avsc");
    assert_int_equal(entries("out/models"), entries("models"));
    assert_null(fd_files_find(&files, "rules/a.test.yaml"));
    for (uint32_t i = 0; i < files.n; i++) /* secrets are not in it, masked they are */
        assert_null(files.items[i].bytes.n == 0 ? NULL : strstr(files.items[i].bytes.p, "hush"));
    assert_non_null(strstr(fd_files_find(&files, "effective.yaml")->bytes.p, "********"));
    fd_files_free(&files);

    /* What was taken out is the same program. */
    char was[FD_CONTENT_HASH_CHARS + 1];
    snprintf(was, sizeof was, "%s", fd_program_ruleset_hash(r.program));
    r.config->rules = "out/rules";
    r.config->models = "out/models";
    archive_rig_load(&r);
    assert_string_equal(fd_program_ruleset_hash(r.program), was);
    /* A second one changes nothing. */
    admit(&r, FD_OK, &err);
    assert_int_equal(entries("arch/deep/files"), 4);
    assert_int_equal(entries("arch/deep/sets"), 1);
    archive_rig_free(&r);
}

/* Lists beside the rule directory come back beside it; far away ones where they can be seen. */
static void test_lists_elsewhere(void **state)
{
    (void)state;
    char here[512], far[600];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(far, sizeof far, "%s/rules/lists/bad.txt", here);
    archive_rig r;
    fd_err err;
    write_text("beside/l.txt", "C1\n");
    open_all(&r, "../beside/./l.txt");
    admit(&r, FD_OK, &err);
    fd_files files = {0};
    take_out(&r, "out", &files);
    same_file("out/beside/l.txt", "beside/l.txt");
    fd_files_free(&files);
    archive_rig_free(&r);

    open_all(&r, far);
    admit(&r, FD_OK, &err);
    take_out(&r, "out2", &files);
    snprintf(far, sizeof far, "out2/outside%s/rules/lists/bad.txt", here);
    same_file(far, "rules/lists/bad.txt");
    fd_files_free(&files);
    archive_rig_free(&r);
}

/* What changed since it was loaded is not what would decide. */
static void test_changed_since(void **state)
{
    (void)state;
    static const char *const paths[] = {"rules/a.yaml", "rules/lists/bad.txt", "models/tree.yaml",
                                        "models/tree.txt"};
    archive_rig r;
    fd_err err;
    open_all(&r, INSIDE);
    char *model = only_entry("models", "tree.t");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s", paths[i]);
        if (i == 3)
            snprintf(path, sizeof path, "models/%s", model);
        fd_strbuf was = {0};
        read_file(path, &was);
        FILE *f = fopen(path, "a");
        fputs("\n", f);
        fclose(f);
        admit(&r, FD_RETRY, &err);
        expect_text(&err, "has changed since it was loaded");
        f = fopen(path, "w");
        fwrite(was.p, 1, was.n, f);
        fclose(f);
        fd_strbuf_free(&was);
    }
    assert_int_equal(entries("arch/deep/sets"), 0);
    admit(&r, FD_OK, &err);
    unlink("rules/lists/bad.txt");
    admit(&r, FD_RETRY, &err);
    expect_text(&err, "rules/lists/bad.txt: No such file");
    free(model);
    archive_rig_free(&r);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit l;
    getrlimit(RLIMIT_FSIZE, &l);
    l.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* Files may not grow beyond some bytes: as on a full disc, the first part of them is written. */
static void test_full_disc(void **state)
{
    (void)state;
    archive_rig r;
    fd_err err;
    open_all(&r, INSIDE);
    signal(SIGXFSZ, SIG_IGN);
    static const rlim_t limits[] = {0, 1, 100, 400, 1000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        limit_files(limits[i]);
        admit(&r, FD_RETRY, &err);
        limit_files(RLIM_INFINITY);
        expect_text(&err, "File too large");
        assert_int_equal(entries("arch/deep/sets"), 0);
        assert_int_equal(entries("arch/deep"), 2); /* nothing half done */
    }
    admit(&r, FD_OK, &err);
    fd_files files = {0};
    take_out(&r, "out", &files);
    fd_files_free(&files);
    /* The set is there, but the log cannot be written: refused all the same, no half line. */
    struct stat st;
    assert_int_equal(stat("arch/deep/activations.jsonl", &st), 0);
    limit_files((rlim_t)st.st_size + 10);
    admit(&r, FD_RETRY, &err);
    limit_files(RLIM_INFINITY);
    struct stat after;
    assert_int_equal(stat("arch/deep/activations.jsonl", &after), 0);
    assert_int_equal(after.st_size, st.st_size);
    signal(SIGXFSZ, SIG_DFL);
    archive_rig_free(&r);
}

/* A process that is killed in the middle of a write, at many places. */
static void test_crash_half_way(void **state)
{
    (void)state;
    archive_rig r;
    fd_err err;
    int died = 0;
    open_all(&r, INSIDE);
    for (rlim_t limit = 0; limit < 3000; limit += 150) {
        pid_t child = fork();
        if (child == 0) {
            signal(SIGXFSZ, SIG_DFL);
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            limit_files(limit);
            fd_err ignored = {0};
            _exit(fd_archive_admit(r.archive, r.program, FD_TRIGGER_START, &ignored) == FD_OK ? 0
                                                                                              : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        died += WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ;
    }
    assert_true(died >= 10);
    int left = entries("arch/deep");
    assert_true(left > 2);
    /* What has its name is whole; who comes next finishes. */
    admit(&r, FD_OK, &err);
    fd_files files = {0};
    take_out(&r, "out", &files);
    fd_files_free(&files);
    /* A later start clears what was left, an hour after it was written. */
    fd_archive_close(r.archive);
    archive_rig_open(&r);
    assert_int_equal(entries("arch/deep"), left + 1);
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char name[512], path[600];
    FILE *names = popen("ls -A arch/deep | grep '^.tmp-'", "r");
    while (fgets(name, sizeof name, names) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        snprintf(path, sizeof path, "arch/deep/%s", name);
        assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    }
    pclose(names);
    fd_archive_close(r.archive);
    archive_rig_open(&r);
    assert_int_equal(entries("arch/deep"), 3);
    archive_rig_free(&r);
}

static void append_to(const char *path, const char *text)
{
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void expect_damage(const char *ruleset, const char *part)
{
    fd_archive_finder f;
    fd_err err = {0};
    const fd_archive_set *set;
    size_t others;
    fd_files files = {0};
    open_finder(&f);
    assert_int_equal(
        fd_archive_find(&f, &(fd_archive_wanted){.ruleset = ruleset}, &set, &others, &err), FD_OK);
    assert_int_equal(fd_archive_files(&f, set, &files, &err), FD_FATAL);
    expect_text(&err, part);
    assert_int_equal(files.n, 0);
    fd_archive_finder_close(&f);
}

static void test_tampered(void **state)
{
    (void)state;
    archive_rig r;
    fd_err err;
    open_all(&r, INSIDE);
    admit(&r, FD_OK, &err);
    const char *hash = fd_program_ruleset_hash(r.program);
    char path[300], extra[300];
    snprintf(path, sizeof path, "arch/deep/files/%s/a.yaml", hash);
    snprintf(extra, sizeof extra, "arch/deep/files/%s/b.yaml", hash);
    append_to(extra, "");
    expect_damage(hash, "holds other bytes than its name says");
    unlink(extra);
    append_to(path, "# better\n");
    expect_damage(hash, "holds other bytes than its name says");
    /* A new process does not take it for stored, nor write over it. */
    fd_archive_close(r.archive);
    archive_rig_open(&r);
    admit(&r, FD_FATAL, &err);
    expect_text(&err, "take it from a backup, or move it away");
    unlink(path);
    expect_damage(hash, "holds other bytes than its name says");
    rename("arch/deep/files", "arch/deep/gone");
    expect_damage(hash, "is not there");
    /* A record of a set that names something else is none. */
    char *set = only_entry("arch/deep/sets", hash);
    snprintf(path, sizeof path, "arch/deep/sets/%s", set);
    fd_strbuf json = {0};
    read_file(path, &json);
    char *lists = strstr(json.p, "lists_hash\": \"") + 14;
    *lists = *lists == 'a' ? 'b' : 'a';
    FILE *f = fopen(path, "w");
    fputs(json.p, f);
    fclose(f);
    fd_archive_finder finder;
    open_finder(&finder);
    assert_int_equal(finder.n_sets, 0);
    assert_int_equal(finder.broken_sets, 1);
    fd_archive_finder_close(&finder);
    fd_strbuf_free(&json);
    free(set);
    archive_rig_free(&r);
}

static void test_no_directory(void **state)
{
    (void)state;
    fd_place place;
    fd_err err = {0};
    write_text("arch", "a file\n");
    assert_int_equal(fd_place_dir("arch/deep", true, &place, &err), FD_RETRY);
    assert_int_equal(err.exit_code, FD_EXIT_CONFIG);
    expect_text(&err, "Not a directory");
    assert_int_equal(fd_place_dir("none", false, &place, &err), FD_RETRY);
    expect_text(&err, "none: No such file or directory");
    assert_int_equal(fd_place_dir("", true, &place, &err), FD_FATAL);
}

/* ---- hashes by their beginnings ---- */

static void put_set(fd_place *place, const char *ruleset, const char *lists, const char *stored)
{
    fd_archive_set set = {0};
    fd_strbuf name = {0}, json = {0};
    fd_err err = {0};
    snprintf(set.hashes.ruleset, sizeof set.hashes.ruleset, "%s", ruleset);
    snprintf(set.parts[FD_PART_OF_RULES], sizeof set.parts[0], "%s", ruleset);
    snprintf(set.hashes.lists, sizeof set.hashes.lists, "%s", lists);
    snprintf(set.stored, sizeof set.stored, "%s", stored);
    snprintf(set.engine, sizeof set.engine, "fraudd");
    fd_archive_set_name(&set.hashes, &name);
    fd_archive_set_json(&set, &json);
    assert_int_equal(
        place->ops->put_set(place->self, name.p, (fd_str){json.p, (uint32_t)json.n}, &err), FD_OK);
    fd_strbuf_free(&name);
    fd_strbuf_free(&json);
}

#define A  "aaaa0000000000000000000000000001"
#define B  "aaaa0000000000000000000000000002"
#define L1 "10000000000000000000000000000000"
#define L2 "20000000000000000000000000000000"

static void find(const fd_archive_finder *f, const char *ruleset, const char *lists,
                 const char *want)
{
    fd_err err = {0};
    const fd_archive_set *set;
    size_t others;
    fd_archive_wanted w = {.ruleset = ruleset, .lists = lists};
    fd_class cls = fd_archive_find(f, &w, &set, &others, &err);
    if (cls != FD_OK) {
        expect_text(&err, want);
        return;
    }
    char got[200];
    snprintf(got, sizeof got, "%.4s%s %.1s +%zu", set->hashes.ruleset, set->hashes.ruleset + 31,
             set->hashes.lists, others);
    assert_string_equal(got, want);
}

static void test_prefixes(void **state)
{
    (void)state;
    fd_place place;
    fd_err err = {0};
    fd_archive_finder f;
    assert_int_equal(fd_place_dir("arch/deep", true, &place, &err), FD_OK);
    put_set(&place, A, L1, "2026-01-01T00:00:00.000Z");
    put_set(&place, A, L2, "2026-01-02T00:00:00.000Z");
    put_set(&place, B, L1, "2026-01-03T00:00:00.000Z");
    place.ops->close(place.self);
    open_finder(&f);
    find(&f, A, NULL, "aaaa1 2 +1"); /* what was stored last */
    find(&f, A, "1000", "aaaa1 1 +0");
    find(&f, B, NULL, "aaaa2 1 +0");
    find(&f, "aaaa", NULL, "fits more than one rule set");
    find(&f, "aaaa", L2, "aaaa1 2 +0");
    find(&f, "bbbb", NULL, "arch/deep has no set with ruleset bbbb (it has 3)");
    find(&f, B, "2000", "ruleset " B ", lists 2000");
    find(&f, "aaa", NULL, "'aaa' is no hash: 4 to 32");
    find(&f, "aaag", NULL, "'aaag' is no hash");
    find(&f, "AAAA", NULL, "'AAAA' is no hash");
    find(&f, A "0", NULL, "is no hash");
    fd_archive_finder_close(&f);
}

/* ---- one text of many files ---- */

static void test_packing(void **state)
{
    (void)state;
    fd_files f = {0}, back = {0};
    fd_strbuf text = {0}, zeros = {0};
    fd_strbuf_add(&zeros, "a\0b", 3);
    assert_true(fd_files_add(&f, "z", "1:x"));
    assert_true(fd_files_add(&f, "a/b", ""));
    assert_true(fd_files_take(&f, "m", &zeros));
    assert_true(fd_files_add(&f, "z", "1:x"));
    assert_false(fd_files_add(&f, "z", "2"));
    fd_files_pack(&f, &text);
    assert_int_equal(text.n, strlen("3:a/b0:1:m3:xxx1:z3:1:x"));
    assert_true(fd_files_unpack(text.p, text.n, &back));
    assert_int_equal(back.n, 3);
    assert_string_equal(fd_files_hash(&back).hex, fd_files_hash(&f).hex);
    fd_files_free(&back);
    for (size_t n = 1; n < text.n; n++) { /* cut short: only between files is it still one */
        bool ok = fd_files_unpack(text.p, n, &back);
        assert_int_equal(ok, n == 7 || n == 15);
        fd_files_free(&back);
    }
    static const char *const bad[] = {"x",        "1:",       "1:a",
                                      "1:a1",     "0:0:",     "2:..0:",
                                      "4:/etc0:", "4:a//b0:", "99999999999999999999:a",
                                      "1:a2:x",   "-1:a0:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(fd_files_unpack(bad[i], strlen(bad[i]), &back));
    fd_strbuf_free(&text);
    fd_files_free(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_everything_comes_back),
        TEST(test_lists_elsewhere),
        TEST(test_changed_since),
        TEST(test_full_disc),
        TEST(test_crash_half_way),
        TEST(test_tampered),
        TEST(test_no_directory),
        TEST(test_prefixes),
        TEST(test_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
