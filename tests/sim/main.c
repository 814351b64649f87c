/* fraudd-sim: the command line of the simulator. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

static const char usage[] =
    "Usage: fraudd-sim [options]\n"
    "\n"
    "  --seeds A..B      run these (default 1..1000)\n"
    "  --count N         N seeds from A on\n"
    "  --time S          stop after S seconds\n"
    "  --jobs N          processes side by side (default 1)\n"
    "  --repeat          each seed twice: the history must be the same\n"
    "  --seed N          one seed\n"
    "  --trace           with --seed: one line per event on stdout\n"
    "  --regressions     the seeds that once found a bug\n"
    "  --mutation NAME   with this mistake in the pipeline (fraudd-sim-mutants only)\n"
    "  --mutations N     every mistake, each within N seeds: the table (fraudd-sim-mutants only)\n"
    "  --no-progress     no counter on stderr\n"
    "\n"
    "Exit: 0 all passed, 1 a seed failed (or a mistake was not found), 2 usage.\n";

typedef struct options {
    sim_range range;
    bool trace, regressions, one;
    uint64_t mutations;
} options;

_Noreturn static void bad(const char *what)
{
    fprintf(stderr, "fraudd-sim: %s\n%s", what, usage);
    exit(2);
}

static uint64_t number(const char *text, char **end)
{
    char *stop;
    uint64_t n = strtoull(text, &stop, 10);
    if (stop == text || (end == NULL && *stop != '\0'))
        bad("not a number");
    if (end != NULL)
        *end = stop;
    return n;
}

static fd_mutation mutation_of(const char *text)
{
    static const char *const names[] = {
#define X(name, text) #name,
        FD_MUTATIONS(X)
#undef X
    };
    for (int m = 0; m < FD_N_MUTATIONS; m++) {
        if (strcmp(names[m], text) == 0)
            return (fd_mutation)m;
    }
    bad("no such mutation; see service/base/mutant.h");
}

static void set_seeds(options *o, const char *text)
{
    char *end;
    o->range.from = o->range.to = number(text, &end);
    if (strncmp(end, "..", 2) == 0)
        o->range.to = number(end + 2, NULL);
    else if (*end != '\0')
        bad("seeds are written as 1..1000");
    if (o->range.to < o->range.from)
        bad("the second seed is before the first");
}

static options parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"seeds", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'c'},
        {"time", required_argument, NULL, 't'},
        {"jobs", required_argument, NULL, 'j'},
        {"repeat", no_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 'S'},
        {"trace", no_argument, NULL, 'T'},
        {"regressions", no_argument, NULL, 'R'},
        {"mutation", required_argument, NULL, 'm'},
        {"mutations", required_argument, NULL, 'M'},
        {"no-progress", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    options o = {.range = {.from = 1, .to = 1000, .jobs = 1}};
    o.range.progress = isatty(STDERR_FILENO);
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 's':
        case 'S':
            set_seeds(&o, optarg);
            o.one = c == 'S';
            break;
        case 'c':
            o.range.to = o.range.from + number(optarg, NULL) - 1;
            break;
        case 't':
            o.range.limit_ms = (int64_t)number(optarg, NULL) * 1000;
            break;
        case 'j':
            o.range.jobs = (int)number(optarg, NULL);
            break;
        case 'r':
            o.range.repeat = true;
            break;
        case 'T':
            o.trace = true;
            break;
        case 'R':
            o.regressions = true;
            break;
        case 'm':
            o.range.mutation = mutation_of(optarg);
            break;
        case 'M':
            o.mutations = number(optarg, NULL);
            break;
        case 'q':
            o.range.progress = false;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            bad("unknown option");
        }
    }
    if (optind < argc || o.range.jobs < 1 || o.range.jobs > 64)
        bad("too many arguments, or not 1 to 64 jobs");
    if ((o.mutations > 0 || o.range.mutation != FD_MUTATION_NONE) && !sim_has_mutants())
        bad("this build has no mutations: use fraudd-sim-mutants");
    if (o.trace && !o.one)
        bad("--trace needs --seed");
    return o;
}

static int run(const options *o)
{
    sim_outcome out;
    sim_run_range(&o->range, &out);
    const sim_totals *t = &out.totals;
    printf(
        "%llu seeds in %.1f s (%.0f a minute): %llu decisions, %llu commits, %llu recoveries, "
        "%llu rebalances, %llu restarts, %llu network faults, %llu late copies that had an "
        "effect, %llu transactions timed out, %llu rule sets exchanged, %llu began to fill other "
        "windows, %.1f virtual hours\n",
        (unsigned long long)t->seeds, out.seconds, (double)t->seeds * 60 / out.seconds,
        (unsigned long long)t->decisions, (unsigned long long)t->commits,
        (unsigned long long)t->recoveries, (unsigned long long)t->rebalances,
        (unsigned long long)t->restarts, (unsigned long long)t->faults,
        (unsigned long long)t->late_hits, (unsigned long long)t->timeouts,
        (unsigned long long)t->exchanges, (unsigned long long)t->rebuilds,
        (double)t->virtual_ms / 3600000);
    if (!out.failed)
        return 0;
    printf("FAILED seed %llu\n%s", (unsigned long long)out.seed, out.found);
    printf("its history: %s --seed %llu --trace\n",
           sim_has_mutants() ? "fraudd-sim-mutants" : "fraudd-sim", (unsigned long long)out.seed);
    return 1;
}

int main(int argc, char **argv)
{
    options o = parse(argc, argv);
    if (o.mutations > 0)
        return sim_mutation_table(o.mutations, o.range.jobs) > 0;
    if (o.regressions)
        return sim_regressions() > 0;
    if (o.trace)
        return sim_trace(o.range.from, o.range.mutation);
    return run(&o);
}
