/*
 * Runs the cases against the broker at $KAFKA_BOOTSTRAP; arguments pick cases by substring. The
 * last line is "N passed, N failed". A failed check ends its case by a jump: what it held leaks.
 */
#include <setjmp.h>
#include <string.h>

#include "support.h"

static jmp_buf out_of_case;

_Noreturn void case_failed(void)
{
    longjmp(out_of_case, 1);
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
    printf("ok     %-52s %6.2f s\n", c->name, (double)(now_us() - began) / SECOND_US);
    fflush(stdout);
    return 0;
}

static int wanted(const test_case *c, int argc, char **argv)
{
    int any = argc < 2 && !c->by_name;
    for (int i = 1; i < argc; i++)
        any |= strstr(c->name, argv[i]) != NULL;
    return any;
}

int main(int argc, char **argv)
{
    const test_case *const families[] = {source_cases, txn_cases, client_cases};
    int passed = 0, failed = 0;
    if (bootstrap() == NULL || *bootstrap() == '\0') {
        fprintf(stderr, "KAFKA_BOOTSTRAP is not set: integration/servers starts a broker\n");
        return 2;
    }
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        for (const test_case *c = families[f]; c->name != NULL; c++) {
            if (!wanted(c, argc, argv))
                continue;
            int bad = run_one(c);
            failed += bad;
            passed += !bad;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
