/*
 * What sets of many rules cost per event, with conditions all together by columns and rule by rule,
 * in one run: numeric predicates (1,000 rules with 1,500 distinct ones over 100 and over 10
 * columns, 5,000 rules, 1,000 rules that share 100), and a set with texts, lists, null tests and
 * arithmetic. Events are columns of random values with nulls in some; a rule fires for about one
 * event in 2,500.
 *
 * bench_plan [--json] [--rounds n] [--set NAME] [--batch n] [--columns]: ns of CPU time per event,
 * the best of some rounds over different batches, one thread; and how long a set takes to load,
 * YAML and type checks included.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/ruleset.h"

enum { N_INTS = 50, N_DOUBLES = 50, N_TEXTS = 6, N_BOOLS = 4, MAX_BATCH = 2048 };
enum { RANGE = 1000000 };

static uint64_t state = 1;

static uint32_t below(uint32_t n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % n;
}

/* Of this thread: the machine may be busy with others. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- events ---- */

enum { N_FIELDS = N_INTS + N_DOUBLES + N_TEXTS + N_BOOLS };

static const fd_type types[] = {{.kind = FD_INT, .nullable = true},
                                {.kind = FD_DOUBLE, .nullable = true},
                                {.kind = FD_STRING, .nullable = true},
                                {.kind = FD_BOOL}};
static fd_field fields[N_FIELDS];
static const fd_type event = {
    .kind = FD_RECORD, .name = "bench.Event", .n_fields = N_FIELDS, .fields = fields};

static void name_fields(void)
{
    static const uint32_t counts[] = {N_INTS, N_DOUBLES, N_TEXTS, N_BOOLS};
    static char names[N_FIELDS][16];
    uint32_t at = 0;
    for (uint32_t kind = 0; kind < 4; kind++) {
        for (uint32_t i = 0; i < counts[kind]; i++, at++) {
            snprintf(names[at], sizeof names[at], "%c%u", "idsb"[kind], i);
            fields[at] = (fd_field){names[at], &types[kind]};
        }
    }
}

static void put(fd_col *c, uint32_t column)
{
    static char texts[1000][8];
    uint32_t row = c->n;
    fd_col_push_null(c);
    if (column % 4 == 3 && below(10) == 0)
        return;
    c->valid[row] = 1;
    uint32_t text = below(1000);
    snprintf(texts[text], sizeof texts[text], "T%u", text);
    if (c->type->kind == FD_INT)
        c->v.i[row] = below(RANGE);
    else if (c->type->kind == FD_DOUBLE)
        c->v.d[row] = below(RANGE);
    else if (c->type->kind == FD_BOOL)
        c->v.b[row] = (uint8_t)below(2);
    else
        c->v.s[row] = fd_str_from(texts[text]);
}

static fd_batch *make_batch(uint32_t n)
{
    fd_batch *b = fd_batch_new(&event, n, 0);
    for (uint32_t i = 0; i < n; i++) {
        b->root.valid[b->root.n++] = 1;
        for (uint32_t c = 0; c < N_FIELDS; c++)
            put(&b->root.children[c], c);
    }
    return b;
}

/* ---- rules ---- */

/* Predicate `i`: the same number always gives the same text. About one in thirteen is true. */
static void numeric(uint32_t i, uint32_t columns, FILE *f)
{
    uint32_t column = i % columns, k = RANGE - 1000 - 2 * (i * 7919U % 75000);
    if (column % 2 == 0)
        fprintf(f, "event.i%u %s %u", column / 2 % N_INTS, i % 3 == 0 ? ">=" : ">", k);
    else
        fprintf(f, "event.d%u %s %u.5", column / 2 % N_DOUBLES, i % 3 == 0 ? "<" : "<=", RANGE - k);
}

static void other(uint32_t i, FILE *f)
{
    switch (i % 9) {
    case 0:
        fprintf(f, "event.s%u == \"T%u\"", i % N_TEXTS, i * 31 % 1000);
        return;
    case 1:
        fprintf(f, "event.s%u in [\"T%u\", \"T%u\", \"T%u\", \"T%u\"]", i % N_TEXTS, i % 1000,
                i * 3 % 1000, i * 7 % 1000, i * 11 % 1000);
        return;
    case 2:
        fprintf(f, "event.s%u in lists.known", i % N_TEXTS);
        return;
    case 3:
        fprintf(f, "!has(event.i%u)", i % 12 * 4 + 3);
        return;
    case 4:
        fprintf(f, "event.i%u * 2 + event.i%u > %u", i % 10, i % 7, 2900000 - i);
        return;
    case 5:
        fprintf(f, "event.s%u.startsWith(\"T9\")", i % N_TEXTS);
        return;
    case 6:
        fprintf(f, "(has(event.i3) ? event.i3 : 0) > %u", RANGE - i * 37 % 100000);
        return;
    case 7:
        fprintf(f, "event.s%u.matches(\"^T[0-9]*%u$\")", i % N_TEXTS, i % 90);
        return;
    default:
        fprintf(f, "event.b%u", i % N_BOOLS);
    }
}

typedef struct suite {
    const char *name;
    uint32_t rules, predicates, columns, others;
} suite;

/* 1.5 times as many predicates as rules, two in each rule and the rest in every other. */
static const suite suites[] = {{"1000_rules_1500_predicates_100_columns", 1000, 1500, 100, 0},
                               {"1000_rules_1500_predicates_10_columns", 1000, 1500, 10, 0},
                               {"1000_rules_100_predicates_100_columns", 1000, 100, 100, 0},
                               {"5000_rules_7500_predicates_100_columns", 5000, 7500, 100, 0},
                               {"1000_rules_mixed", 1000, 500, 40, 500}};

static void write_rules(const suite *s, const char *dir)
{
    char path[128];
    snprintf(path, sizeof path, "%s/r.yaml", dir);
    FILE *f = fopen(path, "we");
    FD_ASSERT(f != NULL);
    fputs("version: 1\nlists:\n  known: {type: string, items: [T1, T20, T300, T400, T999]}\n"
          "rules:\n",
          f);
    for (uint32_t r = 0; r < s->rules; r++) {
        fprintf(f, "  - {id: r%u, action: review, condition: '", r);
        for (uint32_t k = 0; k < 3; k++) {
            fputs(k == 0 ? "" : " && ", f);
            if (k < 2 && s->others != 0 && below(2) == 0)
                other(below(s->others), f);
            else
                numeric((r * 3 + k) % s->predicates, s->columns, f);
        }
        fputs("'}\n", f);
    }
    if (s->others == 0)
        fputs("  - {id: known, mode: off, action: review, condition: event.s0 in lists.known}\n",
              f);
    int bad = fclose(f);
    FD_ASSERT(bad == 0);
}

/* ---- the benchmark ---- */

typedef struct bench {
    fd_ruleset *set;
    fd_ruleset_run *run;
    double load_ms;
    uint64_t events, hits;
} bench;

static void load(bench *b, const suite *s)
{
    char dir[] = "/tmp/fraudd-bench-XXXXXX", path[128];
    char *made = mkdtemp(dir);
    FD_ASSERT(made != NULL);
    write_rules(s, dir);
    fd_diags d;
    fd_diags_init(&d);
    double t0 = now_ns();
    b->set = fd_ruleset_load(dir, NULL, &event, false, &d);
    b->load_ms = (now_ns() - t0) / 1e6;
    if (b->set == NULL) {
        fd_strbuf out = {0};
        fd_diags_render(&d, &out);
        fprintf(stderr, "%s", out.p);
        exit(1);
    }
    fd_diags_free(&d);
    snprintf(path, sizeof path, "%s/r.yaml", dir);
    unlink(path);
    rmdir(dir);
    b->run = fd_ruleset_run_new(b->set, MAX_BATCH, FD_EVIDENCE_NONE);
}

static double round_of(bench *b, fd_batch **batches, uint32_t count, uint32_t size)
{
    static fd_verdict verdicts[MAX_BATCH];
    static int64_t times[MAX_BATCH];
    double t0 = now_ns();
    for (uint32_t i = 0; i < count; i++) {
        fd_ruleset_eval(b->run, batches[i], NULL, times, verdicts);
        for (uint32_t row = 0; row < size; row++)
            b->hits += verdicts[row].n_hits;
    }
    b->events += (uint64_t)count * size;
    return (now_ns() - t0) / ((double)count * size);
}

static double best_of(bench *b, uint32_t size, int rounds)
{
    enum { COUNT = 16 };
    fd_batch *batches[COUNT];
    uint32_t at_once = size < 64 ? COUNT : 1; /* short rounds are disturbed less */
    uint32_t count = size < 64 ? COUNT : 2;   /* the service fills the same few again and again */
    for (uint32_t i = 0; i < count; i++)
        batches[i] = make_batch(size);
    double best = 1e18;
    for (int i = 0; i < rounds; i++) {
        double ns = round_of(b, batches + (at_once == 1 ? (uint32_t)i % count : 0), at_once, size);
        best = ns < best ? ns : best;
    }
    for (uint32_t i = 0; i < count; i++)
        fd_batch_free(batches[i]);
    return best;
}

typedef struct wanted {
    int rounds;
    bool json;
    bool columns_only;
    uint32_t batch;  /* 0: all sizes */
    const char *set; /* NULL: all */
} wanted;

static void run_size(bench *b, const wanted *w, uint32_t size)
{
    int rounds = size < 64 ? w->rounds * 4 : w->rounds;
    fd_ruleset_run_way(b->run, FD_EVAL_BY_COLUMNS);
    double columns = best_of(b, size, rounds);
    printf(w->json ? ",\"columns_%u\":%.1f" : "  batch of %4u: %9.1f ns/event by columns", size,
           columns);
    if (!w->columns_only) {
        fd_ruleset_run_way(b->run, FD_EVAL_BY_RULE);
        double rules = best_of(b, size, rounds);
        if (w->json)
            printf(",\"rules_%u\":%.1f", size, rules);
        else
            printf(", %9.1f rule by rule", rules);
    }
    fputs(w->json ? "" : "\n", stdout);
}

static void run_suite(const suite *s, const wanted *w)
{
    static const uint32_t sizes[] = {1, 4, 16, 64, 256, 1024, 2048};
    bench b = {0};
    load(&b, s);
    printf(w->json ? "{\"bench\":\"plan\",\"unit\":\"ns/event\",\"set\":\"%s\",\"load_ms\":%.1f"
                   : "%s: loaded in %.1f ms\n",
           s->name, b.load_ms);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (w->batch == 0 || w->batch == sizes[i])
            run_size(&b, w, sizes[i]);
    }
    printf(w->json ? ",\"hits_per_event\":%.3f}\n" : "  %.3f hits per event\n",
           (double)b.hits / (double)b.events);
    fd_ruleset_run_free(b.run);
    fd_ruleset_free(b.set);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},      {"rounds", required_argument, NULL, 'n'},
        {"set", required_argument, NULL, 's'}, {"batch", required_argument, NULL, 'b'},
        {"columns", no_argument, NULL, 'c'},   {NULL, 0, NULL, 0}};
    wanted w = {.rounds = 30};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            w.json = true;
        else if (c == 'n')
            w.rounds = (int)strtol(optarg, NULL, 10);
        else if (c == 's')
            w.set = optarg;
        else if (c == 'b')
            w.batch = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 'c')
            w.columns_only = true;
        else
            return 2;
    }
    name_fields();
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        if (w.set == NULL || strcmp(w.set, suites[i].name) == 0)
            run_suite(&suites[i], &w);
    }
    return 0;
}
