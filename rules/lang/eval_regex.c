/*
 * matches(): the automata of a run. A pattern that is known when rules are loaded has its program
 * there, and here its states; for patterns that come with events the programs are here too, few and
 * small, the least recently used makes room. One run = one thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/program_int.h"

enum { PATTERNS = 16, PATTERN_PROGRAM = 4000 }; /* known at run time only */

typedef struct known {
    const fd_regex *re; /* NULL: free */
    uint64_t fingerprint;
    fd_regex_run *run;
} known;

typedef struct pattern {
    fd_arena *arena; /* NULL: free; program and text */
    fd_str text;
    fd_regex_run *run; /* NULL: it was refused */
    uint64_t program;  /* instructions */
    uint64_t used;
} pattern;

struct fd_run_regexes {
    known *table; /* by address */
    uint32_t n, cap;
    pattern patterns[PATTERNS];
    uint64_t clock;
};

static void forget(pattern *p)
{
    fd_regex_run_free(p->run);
    fd_arena_free(p->arena);
    *p = (pattern){.arena = NULL};
}

void fd_run_regexes_free(struct fd_run_regexes *all)
{
    if (all == NULL)
        return;
    for (uint32_t i = 0; i < all->cap; i++)
        fd_regex_run_free(all->table[i].run);
    for (uint32_t i = 0; i < PATTERNS; i++)
        forget(&all->patterns[i]);
    free(all->table);
    free(all);
}

static struct fd_run_regexes *regexes_of(fd_cel_run *r)
{
    if (r->regexes == NULL) {
        r->regexes = calloc(1, sizeof *r->regexes);
        FD_ALLOCATED(r->regexes);
    }
    return r->regexes;
}

static known *slot_of(known *table, uint32_t cap, const fd_regex *re)
{
    uint32_t at = (uint32_t)((uint64_t)(uintptr_t)re * 0x9E3779B97F4A7C15u >> 32) & (cap - 1);
    while (table[at].re != NULL && table[at].re != re)
        at = (at + 1) & (cap - 1);
    return &table[at];
}

static void make_room(struct fd_run_regexes *all)
{
    if (2 * (all->n + 1) <= all->cap)
        return;
    uint32_t cap = all->cap == 0 ? 8 : 2 * all->cap;
    known *table = calloc(cap, sizeof *table);
    FD_ALLOCATED(table);
    for (uint32_t i = 0; i < all->cap; i++) {
        if (all->table[i].re != NULL)
            *slot_of(table, cap, all->table[i].re) = all->table[i];
    }
    free(all->table);
    all->table = table;
    all->cap = cap;
}

/* A run may outlive a program whose place another one takes: hence the fingerprint. */
static fd_regex_run *run_of(fd_cel_run *r, const fd_regex *re)
{
    struct fd_run_regexes *all = regexes_of(r);
    make_room(all);
    known *k = slot_of(all->table, all->cap, re);
    if (k->re != NULL && k->fingerprint == fd_regex_fingerprint(re))
        return k->run;
    all->n += k->re == NULL;
    fd_regex_run_free(k->run);
    *k = (known){re, fd_regex_fingerprint(re), fd_regex_run_new(re, FD_REGEX_CACHE_BYTES)};
    return k->run;
}

static pattern *pattern_of(fd_cel_run *r, fd_str text)
{
    struct fd_run_regexes *all = regexes_of(r);
    pattern *oldest = &all->patterns[0];
    all->clock++;
    for (uint32_t i = 0; i < PATTERNS; i++) {
        pattern *p = &all->patterns[i];
        if (p->arena != NULL && fd_str_eq(p->text, text)) {
            p->used = all->clock;
            return p;
        }
        if (p->used < oldest->used)
            oldest = p;
    }
    fd_regex_error error;
    forget(oldest);
    oldest->used = all->clock;
    oldest->arena = fd_arena_new(1024, 0);
    oldest->text = fd_arena_str(oldest->arena, text);
    FD_ALLOCATED(oldest->text.p);
    const fd_regex *re = fd_regex_compile(text, PATTERN_PROGRAM, oldest->arena, &error);
    if (re != NULL) {
        oldest->run = fd_regex_run_new(re, FD_REGEX_CACHE_BYTES / 4);
        oldest->program = fd_regex_bytes(re) / FD_REGEX_INST_BYTES;
    }
    return oldest;
}

static fd_cel_value enough(const fd_cel_run *r)
{
    return fd_cel_error((fd_cel_errcode)r->exhausted);
}

/* What counts as steps depends on pattern and text, never on what is remembered. */
static fd_cel_value match_pattern(fd_cel_run *r, fd_str text, fd_str of)
{
    if (of.n > PATTERN_PROGRAM)
        return fd_cel_error(FD_CEL_E_BAD_PATTERN);
    if (r->in_row && !fd_run_spend(r, 4 * (uint64_t)of.n))
        return enough(r);
    const pattern *p = pattern_of(r, of);
    if (p->run == NULL)
        return fd_cel_error(FD_CEL_E_BAD_PATTERN);
    uint64_t work = p->program * (text.n + 1ull) / 64 + 4 * p->program;
    if (r->in_row && !fd_run_spend(r, work))
        return enough(r);
    return fd_cel_bool(fd_regex_match(p->run, text));
}

static fd_cel_value match(fd_cel_run *r, fd_regex_run *run, const fd_cel_value *text,
                          const fd_cel_value *of)
{
    if (text->kind == FD_CEL_ERROR)
        return *text;
    if (of->kind == FD_CEL_ERROR)
        return *of;
    if (text->kind != FD_CEL_STRING || of->kind != FD_CEL_STRING)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    if (run == NULL)
        return match_pattern(r, fd_cel_text(text), fd_cel_text(of));
    if (r->in_row && !fd_run_spend(r, 1 + text->n / 16))
        return enough(r);
    return fd_cel_bool(fd_regex_match(run, fd_cel_text(text)));
}

void fd_node_matches(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                     fd_cel_value *out)
{
    fd_regex_run *run = x->regex == NULL ? NULL : run_of(r, x->regex);
    fd_cel_value *patterns = fd_run_push_vector(r);
    fd_node_eval(r, x->args[0], rows, n, out);
    if (run == NULL)
        fd_node_eval(r, x->args[1], rows, n, patterns);
    for (uint32_t i = 0; i < n; i++)
        out[i] = match(r, run, &out[i], run == NULL ? &patterns[i] : &x->args[1]->value);
    fd_run_pop_vector(r);
}

/* Of the table of functions, where no run is at hand: compiled and forgotten. */
FD_CEL_FN(matches)
{
    fd_regex_error error;
    fd_arena *own = fd_arena_new(1024, 0);
    const fd_regex *re = fd_regex_compile(fd_cel_text(&args[1]), PATTERN_PROGRAM, own, &error);
    fd_cel_value v = fd_cel_error(FD_CEL_E_BAD_PATTERN);
    (void)arena;
    if (re != NULL) {
        fd_regex_run *run = fd_regex_run_new(re, 0);
        v = fd_cel_bool(fd_regex_match(run, fd_cel_text(&args[0])));
        fd_regex_run_free(run);
    }
    fd_arena_free(own);
    return v;
}
