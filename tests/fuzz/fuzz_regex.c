/*
 * Regular expressions: pattern and text, parted by the first line break. Whatever they are, the
 * ways to match agree, the work is bounded, and a refusal points into the pattern.
 */
#include <stddef.h>

#include "base/assert.h"
#include "lang/regex.h"

enum { PROGRAM_MAX = 4000, RUNS = 3 };

static const fd_regex *compile(fd_str pattern, fd_arena *arena)
{
    fd_regex_error e;
    const fd_regex *re = fd_regex_compile(pattern, PROGRAM_MAX, arena, &e);
    FD_ASSERT((re == NULL) == (e.text != NULL));
    if (re == NULL)
        FD_ASSERT(e.at <= pattern.n && e.width <= pattern.n + 1);
    return re;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t room[RUNS] = {FD_REGEX_CACHE_BYTES, 2000, 0};
    const char *p = (const char *)data;
    const char *line = size == 0 ? NULL : memchr(p, '\n', size);
    uint32_t n = line == NULL ? (uint32_t)size : (uint32_t)(line - p);
    fd_str text = {p + n, (uint32_t)size - n};
    fd_arena *arena = fd_arena_new(4096, 0);
    const fd_regex *re = compile((fd_str){p, n}, arena);
    bool matched = false;
    for (int k = 0; k < RUNS && re != NULL; k++) {
        fd_regex_run *run = fd_regex_run_new(re, room[k]);
        uint64_t before = fd_regex_run_steps(run);
        for (int again = 0; again < 2; again++) {
            bool said = fd_regex_match(run, text);
            FD_ASSERT((k == 0 && again == 0) || said == matched);
            matched = said;
        }
        uint64_t bound = 2 * 6 * ((uint64_t)text.n + 1) * (fd_regex_bytes(re) / 8);
        FD_ASSERT(fd_regex_run_steps(run) - before <= bound);
        fd_regex_run_free(run);
    }
    fd_arena_free(arena);
    return 0;
}
