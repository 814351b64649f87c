/*
 * What matches() costs: ns per text for patterns of several kinds, over texts as events have them
 * (some 30 bytes), half of which match, and over one text of 64 KiB that does not.
 *
 * bench_regex [--json] [--texts n]: the best of several rounds, one thread, automata warm.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "lang/regex.h"

enum { ROUNDS = 9, MAX_TEXTS = 100000, TEXT_MAX = 64, LONG = 64 * 1024 };

/* The texts of each: yes or no, with a number in place of %u to make them differ. */
static const struct {
    const char *name, *pattern, *yes, *no;
} kinds[] = {
    {"literal", "gift card", "one gift card, number", "one present voucher, nr"},
    {"prefix", "promo-[0-9]+x", "order promo-%ux of the day", "order prize-%ux of the day"},
    {"anchored", "^(?:ACME|Globex) ", "ACME store %u, Springfield", "Initech store %u, Austin"},
    {"classes", "^[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)*\\.(?:com|net|org)$", "user%u@mail.example.com",
     "user%u@mail.example.con"},
    {"unicode", "(?i)^\\p{Lu}[\\p{L}\\p{Mn} '-]+ gmbh$", "Müller und Söhne GmbH",
     "Müller und Söhne %u GmbX"},
    {"ignored_case", "(?i)crypto|bitcoin|wallet", "CryptoBroker nr %u", "Cry of the gulls %u"},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static char texts[MAX_TEXTS][TEXT_MAX];
static fd_str views[MAX_TEXTS];

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_texts(const char *yes, const char *no, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *form = i % 2 == 0 ? yes : no, *hole = strstr(form, "%u");
        int len = hole == NULL ? (int)strlen(form) : (int)(hole - form);
        int all = hole == NULL ? snprintf(texts[i], TEXT_MAX, "%s", form)
                               : snprintf(texts[i], TEXT_MAX, "%.*s%u%s", len, form,
                                          i * 7919 % 100000, hole + 2);
        FD_ASSERT(all < TEXT_MAX);
        views[i] = (fd_str){texts[i], (uint32_t)all};
    }
}

/* ns per text, best of the rounds. */
static double measure(fd_regex_run *run, uint32_t n, uint32_t *matched)
{
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t hits = 0;
        double t0 = now_ns();
        for (uint32_t i = 0; i < n; i++)
            hits += fd_regex_match(run, views[i]);
        double ns = (now_ns() - t0) / n;
        best = ns < best ? ns : best;
        *matched = hits;
    }
    return best;
}

static double measure_long(fd_regex_run *run)
{
    char *text = malloc(LONG);
    FD_ALLOCATED(text);
    for (uint32_t i = 0; i < LONG; i++)
        text[i] = "abcdefghijklmnopqrstuvwxyz 0123456789"[i * 31 % 37];
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double t0 = now_ns();
        bool hit = fd_regex_match(run, (fd_str){text, LONG});
        double ns = (now_ns() - t0) / LONG;
        FD_ASSERT(!hit);
        best = ns < best ? ns : best;
    }
    free(text);
    return best;
}

static void bench(size_t kind, uint32_t n, bool json)
{
    fd_arena *arena = fd_arena_new(4096, 0);
    fd_regex_error e;
    const fd_regex *re = fd_regex_compile(fd_str_from(kinds[kind].pattern), FD_REGEX_PROGRAM_MAX,
                                          arena, &e);
    FD_ASSERT(re != NULL);
    fd_regex_run *run = fd_regex_run_new(re, FD_REGEX_CACHE_BYTES);
    uint32_t matched;
    make_texts(kinds[kind].yes, kinds[kind].no, n);
    double ns = measure(run, n, &matched);
    FD_ASSERT(matched == (n + 1) / 2);
    double per_byte = measure_long(run);
    if (json)
        printf(",\"%s\":%.1f,\"%s_long_per_byte\":%.3f", kinds[kind].name, ns, kinds[kind].name,
               per_byte);
    else
        printf("%-13s %7.1f ns/text  %7.3f ns/byte of a long text  %6zu B held\n", kinds[kind].name,
               ns, per_byte, fd_regex_run_bytes(run) + fd_regex_bytes(re));
    fd_regex_run_free(run);
    fd_arena_free(arena);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"texts", required_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    long n = 20000;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'n')
            n = strtol(optarg, NULL, 10);
        else
            return 2;
    }
    if (n < 1 || n > MAX_TEXTS) {
        fprintf(stderr, "bench_regex: --texts is 1 to %d\n", MAX_TEXTS);
        return 2;
    }
    if (json)
        printf("{\"bench\":\"regex\",\"unit\":\"ns/text\"");
    for (size_t kind = 0; kind < N_KINDS; kind++)
        bench(kind, (uint32_t)n, json);
    if (json)
        printf("}\n");
    return 0;
}
