/*
 * Nodes that are computed for all rows: null tests, bool columns, pairs of columns, and what joins
 * conditions. True and open each join by themselves: a conjunction is true where all are true and
 * open where all are open. Thread: one per run.
 */
#include "base/assert.h"
#include "lang/plan_int.h"

static void be_column(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    fd_plan_there t = r->columns[x->a];
    if (x->kind == FD_PLAN_HAS) {
        r->at[node] = (fd_plan_at){t.there, t.there};
        return;
    }
    const fd_col *col = fd_plan_column_at(r, &r->plan->columns[x->a]);
    FD_ASSERT(col->type->kind == FD_BOOL);
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    const uint64_t *there = fd_plan_bits(r, t.there), *missing = fd_plan_bits(r, t.missing);
    r->kernels->pack(col->v.b, r->n, hit);
    for (uint32_t w = 0; w < r->words; w++) {
        hit[w] &= there[w];
        open[w] = hit[w] | missing[w];
    }
    r->at[node] = (fd_plan_at){x->slot, t.missing == FD_SLOT_NO_ROW ? x->slot : x->slot + 1};
}

static void be_pair(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    fd_plan_there a = r->values[x->a], b = r->values[x->b];
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    const uint64_t *ordered_a = fd_plan_bits(r, a.ordered), *ordered_b = fd_plan_bits(r, b.ordered);
    const uint64_t *missing_a = fd_plan_bits(r, a.missing), *missing_b = fd_plan_bits(r, b.missing);
    uint64_t flip = 0 - (uint64_t)x->below;
    const int64_t *keys_a = fd_plan_keys(r, x->a), *keys_b = fd_plan_keys(r, x->b);
    if (x->kind == FD_PLAN_GREATER)
        r->kernels->greater(keys_a, keys_b, r->n, hit);
    else
        r->kernels->equal(keys_a, keys_b, r->n, hit);
    for (uint32_t w = 0; w < r->words; w++) {
        hit[w] = (hit[w] ^ flip) & ordered_a[w] & ordered_b[w];
        open[w] = hit[w] | missing_a[w] | missing_b[w];
    }
    bool clean = a.missing == FD_SLOT_NO_ROW && b.missing == FD_SLOT_NO_ROW;
    r->at[node] = (fd_plan_at){x->slot, clean ? x->slot : x->slot + 1};
}

static void be_texts(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    const fd_str *a = fd_plan_column_at(r, &r->plan->columns[x->a])->v.s;
    const fd_str *b = fd_plan_column_at(r, &r->plan->columns[x->b])->v.s;
    const uint64_t *there_a = fd_plan_bits(r, r->columns[x->a].there);
    const uint64_t *there_b = fd_plan_bits(r, r->columns[x->b].there);
    const uint64_t *all = fd_plan_bits(r, FD_SLOT_ALL_ROWS);
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    for (uint32_t w = 0; w < r->words; w++) {
        uint64_t there = there_a[w] & there_b[w], equal = 0;
        for (uint64_t mask = there; mask != 0; mask &= mask - 1) {
            int i = __builtin_ctzll(mask);
            equal |= (uint64_t)fd_str_eq(a[w * FD_WORD + i], b[w * FD_WORD + i]) << i;
        }
        hit[w] = equal;
        open[w] = equal | (all[w] & ~there);
    }
    r->at[node] = (fd_plan_at){x->slot, x->slot + 1};
}

static void be_not(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    fd_plan_at of = r->at[r->plan->args[x->first]];
    const uint64_t *all = fd_plan_bits(r, FD_SLOT_ALL_ROWS);
    const uint64_t *hit_of = fd_plan_bits(r, of.hit), *open_of = fd_plan_bits(r, of.open);
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    for (uint32_t w = 0; w < r->words; w++) {
        hit[w] = all[w] & ~open_of[w];
        open[w] = all[w] & ~hit_of[w];
    }
    r->at[node] = (fd_plan_at){x->slot, of.hit == of.open ? x->slot : x->slot + 1};
}

static void be_choice(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    const uint32_t *args = r->plan->args + x->first;
    const uint64_t *hits[3], *opens[3];
    for (int i = 0; i < 3; i++) {
        hits[i] = fd_plan_bits(r, r->at[args[i]].hit);
        opens[i] = fd_plan_bits(r, r->at[args[i]].open);
    }
    uint64_t *hit = fd_plan_bits(r, x->slot), *open = fd_plan_bits(r, x->slot + 1);
    for (uint32_t w = 0; w < r->words; w++) {
        uint64_t yes = hits[0][w], no = ~opens[0][w];
        hit[w] = (yes & hits[1][w]) | (no & hits[2][w]);
        open[w] = (opens[0][w] & ~yes) | (yes & opens[1][w]) | (no & opens[2][w]);
    }
    r->at[node] = (fd_plan_at){x->slot, x->slot + 1};
}

/* ---- && and || ---- */

static void join_word(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    const uint32_t *args = r->plan->args + x->first;
    const uint64_t *bits = r->bits;
    uint64_t hit = bits[r->at[args[0]].hit], open = bits[r->at[args[0]].open];
    for (uint32_t i = 1; i < x->n_args; i++) {
        fd_plan_at at = r->at[args[i]];
        hit = x->kind == FD_PLAN_AND ? hit & bits[at.hit] : hit | bits[at.hit];
        open = x->kind == FD_PLAN_AND ? open & bits[at.open] : open | bits[at.open];
    }
    r->bits[x->slot] = hit;
    r->bits[x->slot + 1] = open;
    r->at[node] = (fd_plan_at){x->slot, x->slot + 1};
}

/* What the joined slots come to, in `into` or, where nothing was to be done, in one of them. */
typedef struct joint {
    uint32_t slot;
    uint32_t into;
} joint;

/* Some row is in there. Slots are never one another's: what is read may be what is written. */
static bool join_slot(const fd_cel_plan_run *r, joint *j, bool and, uint32_t slot)
{
    uint64_t *out = fd_plan_bits(r, j->into), some = 0;
    const uint64_t *a = fd_plan_bits(r, j->slot), *b = fd_plan_bits(r, slot);
    if (and) {
        for (uint32_t w = 0; w < r->words; w++) {
            out[w] = a[w] & b[w];
            some |= out[w];
        }
    } else {
        for (uint32_t w = 0; w < r->words; w++)
            out[w] = a[w] | b[w];
        some = 1; /* both had some */
    }
    j->slot = j->into;
    return some != 0;
}

static uint32_t conjunction(const fd_cel_plan_run *r, const fd_plan_node *x, bool open)
{
    const uint32_t *args = r->plan->args + x->first;
    joint j = {FD_SLOT_ALL_ROWS, open ? x->slot + 1 : x->slot};
    for (uint32_t i = 0; i < x->n_args; i++) {
        uint32_t slot = open ? r->at[args[i]].open : r->at[args[i]].hit;
        if (slot == FD_SLOT_NO_ROW)
            return FD_SLOT_NO_ROW;
        if (slot == FD_SLOT_ALL_ROWS)
            continue;
        if (j.slot == FD_SLOT_ALL_ROWS)
            j.slot = slot;
        else if (!join_slot(r, &j, true, slot))
            return FD_SLOT_NO_ROW;
    }
    return j.slot;
}

static uint32_t disjunction(const fd_cel_plan_run *r, const fd_plan_node *x, bool open)
{
    const uint32_t *args = r->plan->args + x->first;
    joint j = {FD_SLOT_NO_ROW, open ? x->slot + 1 : x->slot};
    for (uint32_t i = 0; i < x->n_args; i++) {
        uint32_t slot = open ? r->at[args[i]].open : r->at[args[i]].hit;
        if (slot == FD_SLOT_ALL_ROWS)
            return FD_SLOT_ALL_ROWS;
        if (slot == FD_SLOT_NO_ROW)
            continue;
        if (j.slot == FD_SLOT_NO_ROW)
            j.slot = slot;
        else
            join_slot(r, &j, false, slot);
    }
    return j.slot;
}

static void join(fd_cel_plan_run *r, uint32_t node, const fd_plan_node *x)
{
    bool clean = true;
    if (r->words == 1) {
        join_word(r, node, x);
        return;
    }
    for (uint32_t i = 0; i < x->n_args; i++) {
        fd_plan_at at = r->at[r->plan->args[x->first + i]];
        clean = clean && at.hit == at.open;
    }
    bool and = x->kind == FD_PLAN_AND;
    uint32_t open = and? conjunction(r, x, true) : disjunction(r, x, true);
    uint32_t hit = open;
    if (!clean && open != FD_SLOT_NO_ROW)
        hit = and? conjunction(r, x, false) : disjunction(r, x, false);
    r->at[node] = (fd_plan_at){hit, open};
}

void fd_plan_run_node(fd_cel_plan_run *r, uint32_t node)
{
    const fd_plan_node *x = &r->plan->nodes[node];
    switch ((fd_plan_kind)x->kind) {
    case FD_PLAN_AND:
    case FD_PLAN_OR:
        join(r, node, x);
        return;
    case FD_PLAN_NOT:
        be_not(r, node, x);
        return;
    case FD_PLAN_COND:
        be_choice(r, node, x);
        return;
    case FD_PLAN_HAS:
    case FD_PLAN_BOOL:
        be_column(r, node, x);
        return;
    case FD_PLAN_GREATER:
    case FD_PLAN_EQUAL:
        be_pair(r, node, x);
        return;
    case FD_PLAN_TEXTS:
        be_texts(r, node, x);
        return;
    case FD_PLAN_CONST:
    case FD_PLAN_CUT:
    case FD_PLAN_MEMBER:
    case FD_PLAN_ROW:
        break;
    }
    FD_UNREACHABLE();
}
