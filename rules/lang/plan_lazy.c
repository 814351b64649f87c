/*
 * Nodes that are computed when they are asked for, on the rows that are asked for and not done yet:
 * the row evaluator's, and what joins them. Parts that are there already go first, so that few rows
 * are left for the others; what is left out could not have changed the answer. Thread: one per run.
 */
#include "base/assert.h"
#include "lang/plan_int.h"

static uint64_t *scratch(const fd_cel_plan_run *r, uint32_t level, uint32_t which)
{
    return r->scratch + ((size_t)level * FD_PLAN_SCRATCH + which) * r->words;
}

/* A node's answers, computed first for these rows if they are not there. */
static fd_cel_bits answers(fd_cel_plan_run *r, uint32_t node, const uint64_t *rows, uint32_t level)
{
    if (r->plan->nodes[node].lazy)
        fd_plan_run_lazy(r, node, rows, level + 1);
    return (fd_cel_bits){.hit = fd_plan_bits(r, r->at[node].hit),
                         .open = fd_plan_bits(r, r->at[node].open)};
}

static bool some(const uint64_t *bits, uint32_t words)
{
    uint64_t any = 0;
    for (uint32_t w = 0; w < words; w++)
        any |= bits[w];
    return any != 0;
}

static uint32_t list_rows(const uint64_t *bits, uint32_t words, uint32_t *rows)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < words; w++) {
        for (uint64_t mask = bits[w]; mask != 0; mask &= mask - 1)
            rows[n++] = w * FD_WORD + (uint32_t)__builtin_ctzll(mask);
    }
    return n;
}

static void run_rows(fd_cel_plan_run *r, const fd_plan_node *x, const uint64_t *need)
{
    const fd_cel_program program = {.root = x->source, .n_locals = x->n_locals};
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    uint32_t n = list_rows(need, r->words, r->rows);
    const uint32_t *rows = n == r->n ? fd_cel_run_all(r->cel) : r->rows;
    fd_cel_test(r->cel, &program, rows, n, r->outcomes);
    for (uint32_t i = fd_cel_next(r->outcomes, 0, n); i < n;
         i = fd_cel_next(r->outcomes, i + 1, n)) {
        uint64_t bit = UINT64_C(1) << rows[i] % FD_WORD;
        hit[rows[i] / FD_WORD] |= r->outcomes[i] == FD_CEL_TRUE ? bit : 0;
        open[rows[i] / FD_WORD] |= bit;
    }
}

/* Rows leave once they are false. */
static void run_and(fd_cel_plan_run *r, const fd_plan_node *x, const uint64_t *need, uint32_t level)
{
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    uint64_t *left = scratch(r, level, 1);
    for (uint32_t w = 0; w < r->words; w++) {
        left[w] = need[w];
        hit[w] |= need[w];
        open[w] |= need[w];
    }
    for (uint32_t i = 0; i < x->n_args; i++) {
        fd_cel_bits arg = answers(r, r->plan->args[x->first + i], left, level);
        for (uint32_t w = 0; w < r->words; w++) {
            hit[w] &= arg.hit[w] | ~left[w];
            open[w] &= arg.open[w] | ~left[w];
            left[w] &= open[w];
        }
        if (!some(left, r->words))
            return;
    }
}

/* Rows leave once they are true. */
static void run_or(fd_cel_plan_run *r, const fd_plan_node *x, const uint64_t *need, uint32_t level)
{
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    uint64_t *left = scratch(r, level, 1);
    memcpy(left, need, r->words * sizeof *left);
    for (uint32_t i = 0; i < x->n_args; i++) {
        fd_cel_bits arg = answers(r, r->plan->args[x->first + i], left, level);
        for (uint32_t w = 0; w < r->words; w++) {
            hit[w] |= arg.hit[w] & left[w];
            open[w] |= arg.open[w] & left[w];
            left[w] &= ~hit[w];
        }
        if (!some(left, r->words))
            return;
    }
}

static void run_not(fd_cel_plan_run *r, const fd_plan_node *x, const uint64_t *need, uint32_t level)
{
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    fd_cel_bits arg = answers(r, r->plan->args[x->first], need, level);
    for (uint32_t w = 0; w < r->words; w++) {
        hit[w] |= need[w] & ~arg.open[w];
        open[w] |= need[w] & ~arg.hit[w];
    }
}

static void run_choice(fd_cel_plan_run *r, const fd_plan_node *x, const uint64_t *need,
                       uint32_t level)
{
    const uint32_t *args = r->plan->args + x->first;
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    uint64_t *yes = scratch(r, level, 1), *no = scratch(r, level, 2);
    fd_cel_bits when = answers(r, args[0], need, level);
    for (uint32_t w = 0; w < r->words; w++) {
        yes[w] = need[w] & when.hit[w];
        no[w] = need[w] & ~when.open[w];
        open[w] |= need[w] & when.open[w] & ~when.hit[w];
    }
    fd_cel_bits first = answers(r, args[1], yes, level), second = answers(r, args[2], no, level);
    for (uint32_t w = 0; w < r->words; w++) {
        hit[w] |= (yes[w] & first.hit[w]) | (no[w] & second.hit[w]);
        open[w] |= (yes[w] & first.open[w]) | (no[w] & second.open[w]);
    }
}

void fd_plan_run_lazy(fd_cel_plan_run *r, uint32_t node, const uint64_t *rows, uint32_t level)
{
    const fd_plan_node *x = &r->plan->nodes[node];
    FD_ASSERT(level <= r->plan->depth);
    if (r->opened[node] != r->batch_no) {
        r->opened[node] = r->batch_no;
        memset(fd_plan_bits(r, x->slot), 0, 3 * r->words * sizeof(uint64_t));
    }
    uint64_t *need = scratch(r, level, 0), *done = fd_plan_bits(r, x->slot + 2);
    for (uint32_t w = 0; w < r->words; w++) {
        need[w] = rows[w] & ~done[w];
        done[w] |= need[w];
    }
    if (!some(need, r->words))
        return;
    switch (x->kind) {
    case FD_PLAN_ROW:
        run_rows(r, x, need);
        return;
    case FD_PLAN_AND:
        run_and(r, x, need, level);
        return;
    case FD_PLAN_OR:
        run_or(r, x, need, level);
        return;
    case FD_PLAN_NOT:
        run_not(r, x, need, level);
        return;
    case FD_PLAN_COND:
        run_choice(r, x, need, level);
        return;
    default:
        FD_UNREACHABLE();
    }
}
