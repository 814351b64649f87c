/* Children, what they found, and tables of it; see runner.h. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "regress.h"
#include "sim.h"

enum { JOBS_MAX = 64, HANG_S = 60 };

#ifdef FD_MUTANTS
fd_mutation fd_mutant;
#endif

bool sim_has_mutants(void)
{
#ifdef FD_MUTANTS
    return true;
#else
    return false;
#endif
}

static void choose(fd_mutation mutation)
{
#ifdef FD_MUTANTS
    fd_mutant = mutation;
#else
    FD_ASSERT(mutation == FD_MUTATION_NONE);
#endif
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a child shares with its parent. */
typedef struct share {
    uint64_t seed; /* being run */
    bool failed, done;
    char found[SIM_TEXT_MAX];
    sim_totals totals;
} share;

static void add_result(sim_totals *t, const sim_result *r)
{
    t->seeds++;
    t->turns += r->turns;
    t->decisions += r->decisions;
    t->commits += r->commits;
    t->recoveries += r->recoveries;
    t->rebalances += r->rebalances;
    t->restarts += r->restarts;
    t->faults += r->faults;
    t->late_hits += r->late_hits;
    t->timeouts += r->timeouts;
    t->exchanges += r->exchanges;
    t->rebuilds += r->rebuilds;
    t->virtual_ms += (uint64_t)(r->virtual_ns / 1000000);
}

static void add_totals(sim_totals *t, const sim_totals *more)
{
    uint64_t *to = &t->seeds;
    const uint64_t *from = &more->seeds;
    for (size_t i = 0; i < sizeof *t / sizeof *to; i++)
        to[i] += from[i];
}

static bool run_one(share *s, uint64_t seed, bool repeat)
{
    static sim_result r, again;
    s->seed = seed;
    alarm(HANG_S);
    sim_run(seed, NULL, repeat, &r);
    add_result(&s->totals, &r);
    snprintf(s->found, sizeof s->found, "%s", r.found);
    if (r.failed || !repeat)
        return r.failed;
    sim_run(seed, NULL, true, &again);
    snprintf(s->found, sizeof s->found, "the same seed gave another history (%llx, %llx)\n",
             (unsigned long long)r.trace_hash, (unsigned long long)again.trace_hash);
    return r.trace_hash != again.trace_hash || r.turns != again.turns;
}

/* Another child has found a lower seed: nothing above it matters. */
static bool overtaken(const share *shares, int jobs, uint64_t seed)
{
    for (int i = 0; i < jobs; i++) {
        const volatile share *other = &shares[i];
        if (other->failed && other->seed < seed)
            return true;
    }
    return false;
}

_Noreturn static void child(share *shares, const sim_range *range, int job, int64_t until_ms,
                            int said)
{
    share *s = &shares[job];
    dup2(said, STDERR_FILENO);
    choose(range->mutation);
    for (uint64_t seed = range->from + (uint64_t)job; seed <= range->to && !s->failed;
         seed += (uint64_t)range->jobs) {
        if ((until_ms != 0 && now_ms() >= until_ms) || overtaken(shares, range->jobs, seed))
            break;
        s->failed = run_one(s, seed, range->repeat);
    }
    s->done = true;
    _exit(0);
}

/* What it wrote to stderr, for one that crashed. */
static void read_last_words(int said, int status, char *text, size_t n)
{
    int used = 0;
    if (WIFSIGNALED(status))
        used = snprintf(text, n, "killed by signal %d%s\n", WTERMSIG(status),
                        WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    ssize_t got = pread(said, text + used, n - (size_t)used - 1, 0);
    text[used + (got > 0 ? got : 0)] = '\0';
}

static void show_progress(const sim_range *range, const share *shares, int64_t began_ms)
{
    sim_totals sum = {0};
    for (int i = 0; i < range->jobs; i++)
        add_totals(&sum, &shares[i].totals);
    fprintf(stderr, "\r%llu seeds, %.0f s ", (unsigned long long)sum.seeds,
            (double)(now_ms() - began_ms) / 1000);
}

static void collect(share *s, int said, int status, sim_outcome *out)
{
    bool crashed = !s->done;
    if (crashed)
        read_last_words(said, status, s->found, sizeof s->found);
    add_totals(&out->totals, &s->totals);
    bool lower = !out->failed || s->seed < out->seed;
    if ((!crashed && !s->failed) || !lower)
        return;
    out->failed = true;
    out->seed = s->seed;
    memcpy(out->found, s->found, sizeof out->found);
}

void sim_run_range(const sim_range *range, sim_outcome *out)
{
    FD_ASSERT(range->jobs >= 1 && range->jobs <= JOBS_MAX);
    *out = (sim_outcome){0};
    share *shares = mmap(NULL, sizeof *shares * JOBS_MAX, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FD_ASSERT(shares != MAP_FAILED);
    pid_t pids[JOBS_MAX];
    int said[JOBS_MAX];
    int64_t began = now_ms(), until = range->limit_ms == 0 ? 0 : began + range->limit_ms;
    fflush(NULL);
    for (int i = 0; i < range->jobs; i++) {
        said[i] = memfd_create("sim", MFD_CLOEXEC);
        FD_ASSERT(said[i] >= 0);
        pids[i] = fork();
        FD_ASSERT(pids[i] >= 0);
        if (pids[i] == 0)
            child(shares, range, i, until, said[i]);
    }
    for (int i = 0; i < range->jobs; i++) {
        int status;
        while (waitpid(pids[i], &status, range->progress ? WNOHANG : 0) == 0) {
            show_progress(range, shares, began);
            nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
        }
        collect(&shares[i], said[i], status, out);
        close(said[i]);
    }
    if (range->progress)
        fputs("\r\033[K", stderr);
    out->seconds = (double)(now_ms() - began) / 1000;
    munmap(shares, sizeof *shares * JOBS_MAX);
}

bool sim_trace(uint64_t seed, fd_mutation mutation)
{
    static sim_result r;
    choose(mutation);
    sim_run(seed, stdout, true, &r);
    printf("%sturns %llu, trace %016llx: %s\n", r.found, (unsigned long long)r.turns,
           (unsigned long long)r.trace_hash, r.failed ? "FAILED" : "passed");
    return r.failed;
}

/* ---- mutations ---- */

static const char *mutation_name(fd_mutation m)
{
    static const char *const names[] = {
#define X(name, text) #name,
        FD_MUTATIONS(X)
#undef X
    };
    return names[m];
}

static const char *mutation_text(fd_mutation m)
{
    static const char *const texts[] = {
#define X(name, text) text,
        FD_MUTATIONS(X)
#undef X
    };
    return texts[m];
}

static void first_line(char *text)
{
    char *end = strchr(text, '\n');
    if (strncmp(text, "killed by", 9) == 0 && end != NULL && end[1] != '\0')
        memmove(text, end + 1, strlen(end + 1) + 1);
    end = strchr(text, '\n');
    if (end != NULL)
        *end = '\0';
}

int sim_mutation_table(uint64_t most_seeds, int jobs)
{
    int missed = 0;
    printf("%-15s %8s %7s  %s\n", "mutation", "seeds", "s", "found by");
    for (int m = FD_MUTATION_NONE + 1; m < FD_N_MUTATIONS; m++) {
        sim_range range = {.from = 1, .to = most_seeds, .jobs = jobs, .mutation = (fd_mutation)m};
        sim_outcome out;
        sim_run_range(&range, &out);
        first_line(out.found);
        if (out.failed)
            printf("%-15s %8llu %7.1f  %s\n", mutation_name((fd_mutation)m),
                   (unsigned long long)out.seed, out.seconds, out.found);
        else
            printf("%-15s %8s %7.1f  MISSED: %s\n", mutation_name((fd_mutation)m), "-", out.seconds,
                   mutation_text((fd_mutation)m));
        fflush(stdout);
        missed += !out.failed;
    }
    return missed;
}

/* ---- regressions ---- */

typedef struct regression {
    const char *name;
    fd_mutation mutation; /* what brings the mistake back; NONE: nothing does */
    uint64_t seed;
} regression;

int sim_regressions(void)
{
    static const regression all[] = {
#define X(name, mutation, seed) {name, FD_MUTATION_##mutation, seed},
        SIM_REGRESSIONS(X)
#undef X
    };
    int bad = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const regression *g = &all[i];
        sim_range range = {.from = g->seed, .to = g->seed, .jobs = 1};
        sim_outcome right, wrong = {.failed = false};
        sim_run_range(&range, &right);
        range.mutation = g->mutation;
        if (g->mutation != FD_MUTATION_NONE && sim_has_mutants())
            sim_run_range(&range, &wrong);
        bad += right.failed;
        printf("%-6s %s (seed %llu%s)\n", right.failed ? "FAILED" : "ok", g->name,
               (unsigned long long)g->seed, wrong.failed ? ", finds the mistake" : "");
        if (right.failed)
            fputs(right.found, stdout);
    }
    return bad;
}
