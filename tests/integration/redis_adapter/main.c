/*
 * The Redis adapter against redis-server processes of its own; arguments pick cases by substring.
 * The last line is "N passed, N failed". A failed check ends its case by a jump: what it held
 * leaks, servers apart.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "sim/agree/store_histories.h"
#include "support.h"

static jmp_buf out_of_case;
static int in_case;

_Noreturn void case_failed(void)
{
    if (!in_case)
        store_history_failed(__FILE__, __LINE__, "see above");
    longjmp(out_of_case, 1);
}

int is_wanted(const char *name, int argc, char **argv)
{
    int any = argc < 2;
    for (int i = 1; i < argc; i++)
        any |= strstr(name, argv[i]) != NULL;
    return any;
}

static int run_one(const test_case *c)
{
    int64_t began = now_us();
    if (setjmp(out_of_case) != 0) {
        printf("FAILED %s\n", c->name);
        fflush(stdout);
        return 1;
    }
    c->run();
    printf("ok     %-60s %6.2f s\n", c->name, (double)(now_us() - began) / SECOND_US);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    const test_case *const families[] = {connect_cases, crash_cases, speed_cases};
    int passed = 0, failed = 0;
    run_histories(argc, argv, &passed, &failed);
    in_case = 1;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        for (const test_case *c = families[f]; c->name != NULL; c++) {
            if (!is_wanted(c->name, argc, argv))
                continue;
            int bad = run_one(c);
            failed += bad;
            passed += !bad;
            servers_end();
        }
    }
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", work_dir());
    if (failed == 0 && system(command) != 0)
        failed++;
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
