/*
 * The watch over a real directory: everything that people and kubelets do to files is heard and
 * changes the fingerprint; what changes nothing does not.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/reload/watch.h"

enum { SOON_MS = 10000 };

static char base[32];

static const char *in_base(const char *name)
{
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", base, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_base(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void make_dir(const char *name)
{
    assert_int_equal(mkdir(in_base(name), 0755), 0);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, in_base(name)), 0);
}

static void move(const char *from, const char *to)
{
    assert_int_equal(rename(in_base(from), in_base(to)), 0);
}

static int begin(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/fraudd-watch-XXXXXX");
    return mkdtemp(base) == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command);
}

/* A watch that has looked. */
typedef struct rig {
    fd_watch *w;
    uint64_t seen;
} rig;

static rig watch(const char *name)
{
    const char *root = in_base(name);
    rig r = {.w = fd_watch_new(&root, 1)};
    assert_true(fd_watch_fd(r.w) >= 0);
    r.seen = fd_watch_look(r.w);
    assert_int_equal(fd_watch_look(r.w), r.seen);
    assert_string_equal(fd_watch_trouble(r.w), "");
    assert_false(fd_watch_hear(r.w));
    return r;
}

static bool hears(rig *r, int ms)
{
    struct pollfd fd = {.fd = fd_watch_fd(r->w), .events = POLLIN};
    while (poll(&fd, 1, ms) > 0) {
        if (fd_watch_hear(r->w))
            return true;
    }
    return false;
}

/* What was done is heard, and is a difference. */
static void expect_change(rig *r, const char *what)
{
    if (!hears(r, SOON_MS))
        fail_msg("%s: not heard", what);
    uint64_t now = fd_watch_look(r->w);
    if (now == r->seen)
        fail_msg("%s: the fingerprint is the same", what);
    assert_int_equal(fd_watch_look(r->w), now);
    r->seen = now;
    fd_watch_hear(r->w);
}

/* Heard or not: there is no difference. */
static void expect_same(rig *r, const char *what)
{
    hears(r, 50);
    if (fd_watch_look(r->w) != r->seen)
        fail_msg("%s: another fingerprint", what);
    fd_watch_hear(r->w);
}

static void test_plain_files(void **state)
{
    (void)state;
    make_dir("rules");
    make_dir("rules/lists");
    put("rules/a.yaml", "a");
    put("rules/lists/cards.txt", "1\n");
    rig r = watch("rules");
    assert_int_equal(fd_watch_n_files(r.w), 2);
    put("rules/a.yaml", "b");
    expect_change(&r, "edited in place");
    put("rules/a.tmp", "c");
    expect_change(&r, "another file");
    move("rules/a.tmp", "rules/a.yaml");
    expect_change(&r, "renamed over");
    put("rules/lists/cards.txt", "2\n");
    expect_change(&r, "a list in a folder");
    move("rules/a.yaml", "rules/b.yaml");
    expect_change(&r, "another name");
    assert_int_equal(unlink(in_base("rules/b.yaml")), 0);
    expect_change(&r, "deleted");
    make_dir("rules/more");
    expect_change(&r, "a new folder");
    put("rules/more/x.txt", "x");
    expect_change(&r, "a file in the new folder");
    assert_int_equal(link(in_base("rules/more/x.txt"), in_base("rules/y.yaml")), 0);
    expect_change(&r, "a hard link");
    fd_watch_free(r.w);
}

static void test_no_difference(void **state)
{
    (void)state;
    make_dir("rules");
    put("rules/a.yaml", "a");
    rig r = watch("rules");
    assert_int_equal(utimensat(AT_FDCWD, in_base("rules/a.yaml"), NULL, 0), 0);
    expect_same(&r, "touched");
    put("rules/a.yaml", "a");
    expect_same(&r, "written again");
    put("rules/.a.yaml.swp", "an editor's");
    expect_same(&r, "a hidden file");
    put("beside", "b");
    assert_false(hears(&r, 50)); /* above, only the name of the directory matters */
    expect_same(&r, "a file beside the directory");
    fd_watch_free(r.w);
}

/* Nothing is heard until the writer closes the file, however long that takes. */
static void test_half_written(void **state)
{
    (void)state;
    make_dir("rules");
    rig r = watch("rules");
    int fd = open(in_base("rules/a.yaml"), O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "version", 7), 7);
    assert_false(hears(&r, 100));
    assert_int_equal(write(fd, ": 1\n", 4), 4);
    close(fd);
    expect_change(&r, "finished");
    fd_watch_free(r.w);
}

/* As a kubelet lays out a ConfigMap: names lead through ..data to a directory with the time. */
static void put_config_map(const char *dir, const char *time, const char *rules, const char *list)
{
    char name[256], path[512];
    snprintf(name, sizeof name, "%s/%s", dir, time);
    make_dir(name);
    snprintf(path, sizeof path, "%s/a.yaml", name);
    put(path, rules);
    snprintf(path, sizeof path, "%s/lists", name);
    make_dir(path);
    snprintf(path, sizeof path, "%s/lists/cards.txt", name);
    put(path, list);
    snprintf(path, sizeof path, "%s/..data_tmp", dir);
    link_to(time, path);
    snprintf(name, sizeof name, "%s/..data", dir);
    move(path, name);
}

static void test_kubelet(void **state)
{
    (void)state;
    make_dir("volume");
    put_config_map("volume", "..2026_01_01", "one", "1");
    link_to("..data/a.yaml", "volume/a.yaml");
    link_to("..data/lists", "volume/lists");
    rig r = watch("volume");
    assert_int_equal(fd_watch_n_files(r.w), 2);
    put_config_map("volume", "..2026_01_02", "two", "1");
    expect_change(&r, "other rules");
    put_config_map("volume", "..2026_01_03", "two", "2");
    expect_change(&r, "another list");
    put_config_map("volume", "..2026_01_04", "two", "2");
    expect_same(&r, "the same again");
    char command[256];
    snprintf(command, sizeof command, "rm -r %s/volume/..2026_01_01 %s/volume/..2026_01_02", base,
             base);
    assert_int_equal(system(command), 0);
    expect_same(&r, "old directories are removed");
    put_config_map("volume", "..2026_01_05", "three", "3");
    expect_change(&r, "once more");
    put("volume/..2026_01_05/lists/cards.txt", "4");
    expect_change(&r, "behind the links");
    fd_watch_free(r.w);
}

static void test_links_above(void **state)
{
    (void)state;
    make_dir("v1");
    make_dir("v2");
    make_dir("etc");
    put("v1/a.yaml", "one");
    put("v2/a.yaml", "two");
    link_to("../v1", "etc/current");
    link_to("etc/current", "rules");
    rig r = watch("rules");
    link_to("../v2", "etc/next");
    assert_false(hears(&r, 50));
    move("etc/next", "etc/current");
    expect_change(&r, "a link on the way");
    put("v2/a.yaml", "three");
    expect_change(&r, "what it leads to now");
    put("v1/a.yaml", "four");
    expect_same(&r, "what it led to before");
    assert_int_equal(unlink(in_base("etc/current")), 0);
    link_to("current", "etc/current");
    expect_change(&r, "a link to itself");
    assert_int_equal(unlink(in_base("etc/current")), 0);
    link_to("../v1", "etc/current");
    expect_change(&r, "mended");
    fd_watch_free(r.w);
}

static void test_directories_come_and_go(void **state)
{
    (void)state;
    rig r = watch("above/rules");
    assert_int_equal(fd_watch_n_files(r.w), 0);
    make_dir("above");
    assert_true(hears(&r, SOON_MS));
    fd_watch_look(r.w);
    make_dir("above/rules");
    put("above/rules/a.yaml", "a");
    expect_change(&r, "made");
    make_dir("above/next");
    put("above/next/a.yaml", "b");
    move("above/rules", "above/old");
    move("above/next", "above/rules");
    expect_change(&r, "replaced");
    put("above/rules/a.yaml", "c");
    expect_change(&r, "edited in the new one");
    char command[256];
    snprintf(command, sizeof command, "rm -r %s/above/rules", base);
    assert_int_equal(system(command), 0);
    expect_change(&r, "deleted");
    make_dir("above/rules");
    assert_true(hears(&r, SOON_MS));
    r.seen = fd_watch_look(r.w);
    put("above/rules/a.yaml", "d");
    expect_change(&r, "made again");
    move("above", "elsewhere");
    expect_change(&r, "the one above is gone");
    move("elsewhere", "above");
    expect_change(&r, "and back");
    fd_watch_free(r.w);
}

static void test_files_elsewhere(void **state)
{
    (void)state;
    make_dir("rules");
    make_dir("shared");
    put("rules/a.yaml", "a");
    put("shared/cards.txt", "1");
    char list[1024], dir[1024];
    snprintf(list, sizeof list, "%s", in_base("shared/cards.txt"));
    snprintf(dir, sizeof dir, "%s", in_base("rules"));
    rig r = watch("rules");
    put("shared/cards.txt", "2");
    expect_same(&r, "not asked for");
    fd_watch_set_roots(r.w, (const char *const[]){dir, list}, 2);
    r.seen = fd_watch_look(r.w);
    put("shared/cards.txt", "3");
    expect_change(&r, "asked for");
    put("shared/other.txt", "3");
    assert_false(hears(&r, 50));
    fd_watch_free(r.w);
}

/* It ends, says what it passed over, and goes on. */
static void test_bounds(void **state)
{
    (void)state;
    make_dir("rules");
    put("rules/a.yaml", "a");
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "rules/again-%d", i);
        link_to(".", name); /* directories within themselves, 4 to the depth of them */
    }
    const char *root = in_base("rules");
    fd_watch *w = fd_watch_new(&root, 1);
    uint64_t seen = fd_watch_look(w);
    assert_string_not_equal(fd_watch_trouble(w), "");
    put("rules/a.yaml", "b");
    assert_true(fd_watch_look(w) != seen);
    assert_int_equal(mkfifo(in_base("rules/pipe"), 0600), 0);
    seen = fd_watch_look(w); /* nobody writes into it: that is not waited for */
    assert_int_equal(fd_watch_look(w), seen);
    fd_watch_free(w);
    fd_watch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_files, begin, end),
        cmocka_unit_test_setup_teardown(test_no_difference, begin, end),
        cmocka_unit_test_setup_teardown(test_half_written, begin, end),
        cmocka_unit_test_setup_teardown(test_kubelet, begin, end),
        cmocka_unit_test_setup_teardown(test_links_above, begin, end),
        cmocka_unit_test_setup_teardown(test_directories_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(test_files_elsewhere, begin, end),
        cmocka_unit_test_setup_teardown(test_bounds, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
