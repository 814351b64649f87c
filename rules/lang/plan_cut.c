/*
 * All comparisons of one value with constants at once. Their keys are sorted, so a row's rank says
 * which of them hold: those before it. Walking over the keys in order, rows drop out at their rank;
 * what is left are the rows that reach the key. Where keys are few, each is compared with every row
 * instead. Both give the same bits. Thread: one per run.
 */
#include "base/assert.h"
#include "lang/plan_int.h"

typedef struct walk {
    fd_cel_plan_run *r;
    const fd_plan_value *v;
    const uint64_t *ordered, *missing;
    uint32_t slot;      /* of the first comparison; the others follow */
    bool clean;         /* no row lacks a value */
    uint32_t none_open; /* the slot of what is open where nothing is hit */
} walk;

static walk walk_of(fd_cel_plan_run *r, uint32_t value)
{
    fd_plan_there t = r->values[value];
    return (walk){.r = r,
                  .v = &r->plan->values[value],
                  .slot = r->plan->nodes[r->plan->cuts[r->plan->values[value].first_cut]].slot,
                  .ordered = fd_plan_bits(r, t.ordered),
                  .missing = fd_plan_bits(r, t.missing),
                  .clean = t.missing == FD_SLOT_NO_ROW,
                  .none_open = t.missing};
}

/* The answer of one comparison, out of the rows that reach its key. */
static void answer(const walk *k, uint32_t cut, const uint64_t *reach)
{
    fd_cel_plan_run *r = k->r;
    const fd_cel_plan *p = r->plan;
    uint32_t node = p->cuts[cut];
    uint32_t slot = k->slot + 2 * (cut - k->v->first_cut);
    uint64_t flip = 0 - (uint64_t)p->cut_below[cut], some = 0;
    uint64_t *restrict hit = fd_plan_bits(r, slot), *restrict open = fd_plan_bits(r, slot + 1);
    const uint64_t *ordered = k->ordered, *missing = k->missing;
    for (uint32_t w = 0; w < r->words; w++) {
        hit[w] = (reach[w] ^ flip) & ordered[w];
        some |= hit[w];
    }
    if (some == 0) {
        r->at[node] = (fd_plan_at){FD_SLOT_NO_ROW, k->none_open};
        return;
    }
    r->at[node] = (fd_plan_at){slot, k->clean ? slot : slot + 1};
    for (uint32_t w = 0; w < r->words && !k->clean; w++)
        open[w] = hit[w] | missing[w];
}

/* At most 64 rows are one word, and the rows of a rank another. */
static void walk_word(const walk *k, const uint32_t *ranks)
{
    fd_cel_plan_run *r = k->r;
    const fd_cel_plan *p = r->plan;
    const fd_plan_value *v = k->v;
    uint64_t *gone = r->masks, ordered = *k->ordered, missing = *k->missing, reach = ordered;
    uint32_t slot = k->slot;
    uint64_t *out = fd_plan_bits(r, slot);
    for (uint32_t i = 0; i < r->n; i++)
        gone[ranks[i]] |= UINT64_C(1) << i;
    for (uint32_t j = 0; j < v->n_cuts; j++) {
        uint64_t flip = 0 - (uint64_t)p->cut_below[v->first_cut + j];
        reach &= ~gone[j];
        gone[j] = 0;
        out[2 * j] = (reach ^ flip) & ordered;
        out[2 * j + 1] = out[2 * j] | missing;
        r->at[p->cuts[v->first_cut + j]] = (fd_plan_at){slot + 2 * j, slot + 2 * j + 1};
    }
    gone[v->n_cuts] = 0;
}

/* The rows in the order of their ranks: starts[j] is where those of rank j end. */
static void sort_by_rank(fd_cel_plan_run *r, uint32_t n_cuts)
{
    uint32_t sum = 0;
    memset(r->starts, 0, ((size_t)n_cuts + 1) * sizeof *r->starts);
    for (uint32_t i = 0; i < r->n; i++)
        r->starts[r->ranks[i]]++;
    for (uint32_t j = 0; j <= n_cuts; j++) {
        uint32_t count = r->starts[j];
        r->starts[j] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < r->n; i++)
        r->by_rank[r->starts[r->ranks[i]]++] = i;
}

static void walk_words(const walk *k)
{
    fd_cel_plan_run *r = k->r;
    uint64_t *reach = r->reach;
    uint32_t at = 0;
    sort_by_rank(r, k->v->n_cuts);
    memcpy(reach, k->ordered, r->words * sizeof *reach);
    for (uint32_t j = 0; j < k->v->n_cuts; j++) {
        for (; at < r->starts[j]; at++) {
            uint32_t row = r->by_rank[at];
            reach[row / FD_WORD] &= ~(UINT64_C(1) << row % FD_WORD);
        }
        answer(k, k->v->first_cut + j, reach);
    }
}

static void compare_each(const walk *k, uint32_t value)
{
    fd_cel_plan_run *r = k->r;
    const int64_t *keys = r->plan->cut_keys + k->v->first_cut;
    for (uint32_t j = 0; j < k->v->n_cuts; j++) {
        if (k->v->type == FD_CEL_DOUBLE)
            r->kernels->at_least_double(fd_plan_doubles(r, value), r->n, keys[j], r->reach);
        else
            r->kernels->at_least(r->data[value], r->n, keys[j], r->reach);
        answer(k, k->v->first_cut + j, r->reach);
    }
}

void fd_plan_run_cuts(fd_cel_plan_run *r, uint32_t value)
{
    walk k = walk_of(r, value);
    const int64_t *keys = r->plan->cut_keys + k.v->first_cut;
    if (r->words > 1 && k.v->n_cuts < r->kernels->rank_from) {
        compare_each(&k, value);
        return;
    }
    r->kernels->rank(keys, k.v->n_cuts, fd_plan_keys(r, value), r->n, r->ranks);
    if (r->words == 1)
        walk_word(&k, r->ranks);
    else
        walk_words(&k);
}
