/*
 * The regular expressions as a filter, for comparison with another implementation.
 *
 * Input, numbers of 4 bytes in the order of the machine: pattern length, pattern, number of texts,
 * and for each its length and itself; again until the end. Output, a line for each pattern: "- at
 * width text" when it is refused, otherwise a 1 or 0 for each text. Every text is matched by an
 * automaton with much room, with hardly any (so that states are dropped and made again), and with
 * none: when they disagree, the program aborts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "lang/regex.h"

enum { RUNS = 3 };

static bool read_number(uint32_t *n)
{
    return fread(n, sizeof *n, 1, stdin) == 1;
}

static fd_str read_text(void)
{
    uint32_t n;
    FD_ASSERT(read_number(&n));
    char *p = malloc(n == 0 ? 1 : n);
    FD_ALLOCATED(p);
    FD_ASSERT(n == 0 || fread(p, n, 1, stdin) == 1);
    return (fd_str){p, n};
}

static void release(fd_str s)
{
    free((void *)(uintptr_t)s.p);
}

int main(void)
{
    static const size_t room[RUNS] = {FD_REGEX_CACHE_BYTES, 3000, 0};
    fd_arena *arena = fd_arena_new(4096, 0);
    while (!feof(stdin)) {
        int c = getc(stdin);
        if (c == EOF)
            break;
        ungetc(c, stdin);
        fd_str pattern = read_text();
        fd_regex_error error;
        fd_arena_reset(arena);
        const fd_regex *re = fd_regex_compile(pattern, FD_REGEX_PROGRAM_MAX, arena, &error);
        fd_regex_run *runs[RUNS] = {NULL};
        for (int k = 0; k < RUNS && re != NULL; k++)
            runs[k] = fd_regex_run_new(re, room[k]);
        if (re == NULL)
            printf("- %u %u %s", error.at, error.width, error.text);
        uint32_t n;
        FD_ASSERT(read_number(&n));
        for (uint32_t i = 0; i < n; i++) {
            fd_str text = read_text();
            bool matched = false;
            for (int k = 0; k < RUNS && re != NULL; k++) {
                bool said = fd_regex_match(runs[k], text);
                FD_ASSERT(k == 0 || said == matched);
                matched = said;
            }
            if (re != NULL)
                putchar(matched ? '1' : '0');
            release(text);
        }
        putchar('\n');
        for (int k = 0; k < RUNS; k++)
            fd_regex_run_free(runs[k]);
        release(pattern);
    }
    fd_arena_free(arena);
    return 0;
}
