/*
 * The histories of store_histories.c against the model. The last line is "N passed, N failed".
 */
#include <setjmp.h>
#include <stdio.h>

#include "store_histories.h"

static jmp_buf out_of_history;

_Noreturn void store_history_failed(const char *file, int line, const char *what)
{
    printf("  %s:%d: %s\n", file, line, what);
    longjmp(out_of_history, 1);
}

static bool run_one(const store_history *h, const store_bench *b)
{
    if (setjmp(out_of_history) != 0)
        return false;
    h->run(b);
    return true;
}

int main(void)
{
    int passed = 0, failed = 0;
    for (const store_history *h = store_histories; h->name != NULL; h++) {
        bool good = run_one(h, &store_model_bench);
        printf("%s %s\n", good ? "ok    " : "FAILED", h->name);
        passed += good;
        failed += !good;
    }
    store_model_bench.end();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
