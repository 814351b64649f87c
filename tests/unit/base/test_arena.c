/* The arena: alignment, limits, reuse after a reset, copies; assertions that stop the process. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/status.h"

static void test_alignment_and_contents(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(256, 0);
    unsigned char *kept[200];
    for (int i = 0; i < 200; i++) {
        kept[i] = fd_arena_alloc(a, (size_t)i);
        assert_non_null(kept[i]);
        assert_int_equal((uintptr_t)kept[i] % 16, 0);
        memset(kept[i], i, (size_t)i);
    }
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < i; j++)
            assert_int_equal(kept[i][j], (unsigned char)i);
    }
    assert_true(fd_arena_used(a) >= 199 * 200 / 2);
    assert_true(fd_arena_held(a) >= fd_arena_used(a));
    fd_arena_free(a);
    fd_arena_free(NULL);
}

static void test_reset_keeps_blocks(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(256, 0);
    size_t held = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 100; i++)
            memset(fd_arena_alloc(a, 40), round, 40);
        fd_arena_alloc(a, 5000); /* larger than a block */
        if (round == 0)
            held = fd_arena_held(a);
        assert_int_equal(fd_arena_held(a), held);
        fd_arena_reset(a);
        assert_int_equal(fd_arena_used(a), 0);
    }
    unsigned char *zeroed = fd_arena_zalloc(a, 200);
    for (int i = 0; i < 200; i++)
        assert_int_equal(zeroed[i], 0);
    fd_arena_free(a);
}

static void test_rewind(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(256, 0);
    fd_arena_mark empty = fd_arena_marked(a);
    char *first = fd_arena_cstr(a, "first");
    fd_arena_mark outer = fd_arena_marked(a);
    size_t used = fd_arena_used(a), held = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 50; i++)
            memset(fd_arena_alloc(a, 100), round, 100);
        fd_arena_mark inner = fd_arena_marked(a);
        char *kept = fd_arena_cstr(a, "kept");
        fd_arena_mark innermost = fd_arena_marked(a);
        memset(fd_arena_alloc(a, 5000), 1, 5000); /* larger than a block */
        fd_arena_rewind(a, innermost);
        memset(fd_arena_alloc(a, 60), 2, 60);
        assert_string_equal(kept, "kept");
        fd_arena_rewind(a, inner);
        fd_arena_rewind(a, outer);
        assert_int_equal(fd_arena_used(a), used);
        assert_string_equal(first, "first");
        if (round == 0)
            held = fd_arena_held(a);
        assert_int_equal(fd_arena_held(a), held);
    }
    fd_arena_rewind(a, empty);
    assert_int_equal(fd_arena_used(a), 0);
    assert_ptr_equal(fd_arena_cstr(a, "again"), first);
    fd_arena_free(a);
}

static void test_limit(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(256, 1024);
    int n = 0;
    while (fd_arena_alloc(a, 64) != NULL)
        n++;
    assert_int_equal(n, 16);
    assert_true(fd_arena_held(a) <= 1024);
    assert_null(fd_arena_alloc(a, 2000));
    assert_null(fd_arena_str(a, FD_STR("x")).p);
    assert_null(fd_arena_cstr(a, "x"));
    assert_null(fd_arena_printf(a, "%d", 1));
    assert_null(fd_arena_zalloc(a, 1));
    fd_arena_reset(a);
    assert_non_null(fd_arena_alloc(a, 64));
    fd_arena_free(a);
}

static void test_copies(void **state)
{
    (void)state;
    fd_arena *a = fd_arena_new(256, 0);
    char from[] = "abc";
    fd_str s = fd_arena_str(a, fd_str_from(from));
    char *c = fd_arena_cstr(a, from);
    from[0] = 'x';
    assert_string_equal(s.p, "abc"); /* terminated, too */
    assert_int_equal(s.n, 3);
    assert_string_equal(c, "abc");
    assert_string_equal(fd_arena_str(a, (fd_str){NULL, 0}).p, "");
    char want[600];
    memset(want, 'y', sizeof want - 1);
    want[sizeof want - 1] = '\0';
    assert_string_equal(fd_arena_printf(a, "%s", want), want);
    fd_arena_free(a);
}

/* What a broken invariant does, seen from outside: a line on stderr and SIGABRT. */
static void test_assertion(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        FD_ASSERT(1 + 1 == 2);
        FD_ASSERT(fds[0] == -5);
        _exit(0);
    }
    close(fds[1]);
    char text[512];
    ssize_t n = read(fds[0], text, sizeof text - 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "assertion failed: "));
    assert_non_null(strstr(text, "test_arena.c"));
    assert_non_null(strstr(text, "fds[0] == -5"));
    close(fds[0]);
}

static void test_status(void **state)
{
    (void)state;
    fd_err err;
    assert_int_equal(fd_fail(&err, FD_ABORT, FD_EXIT_CONFIG, "at %d", 7), FD_ABORT);
    assert_string_equal(err.text, "at 7");
    assert_int_equal(err.exit_code, 78);
    assert_int_equal(fd_fail(NULL, FD_RETRY, 0, "x"), FD_RETRY);
    char big[2000];
    memset(big, 'z', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    fd_fail(&err, FD_FATAL, 1, "%s", big);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_string_equal(fd_class_name(FD_OK), "ok");
    assert_string_equal(fd_class_name(FD_RETRY), "retry");
    assert_string_equal(fd_class_name(FD_ABORT), "abort");
    assert_string_equal(fd_class_name((fd_class)99), "fatal"); /* unclassified */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_contents),
        cmocka_unit_test(test_reset_keeps_blocks),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_assertion),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
