/*
 * A plan over a batch: its cheap nodes in order for all rows, and then what conditions ask for.
 * Invariant: an answer depends on its row alone. Thread: one per run.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/plan_int.h"

enum { LINE = 64 }; /* bytes */

static void *array(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    FD_ALLOCATED(p);
    return p;
}

static void *lines(size_t n_words)
{
    size_t bytes = (n_words * sizeof(uint64_t) + LINE - 1) / LINE * LINE;
    void *p = aligned_alloc(LINE, bytes == 0 ? LINE : bytes);
    FD_ALLOCATED(p);
    return p;
}

/* What never changes from batch to batch. */
static void place_constants(fd_cel_plan_run *r)
{
    static const fd_plan_at places[] = {[FD_CEL_FALSE] = {FD_SLOT_NO_ROW, FD_SLOT_NO_ROW},
                                        [FD_CEL_TRUE] = {FD_SLOT_ALL_ROWS, FD_SLOT_ALL_ROWS},
                                        [FD_CEL_FAILED] = {FD_SLOT_NO_ROW, FD_SLOT_ALL_ROWS}};
    for (uint32_t i = 0; i < r->plan->n_nodes; i++) {
        const fd_plan_node *x = &r->plan->nodes[i];
        r->at[i] = x->kind == FD_PLAN_CONST ? places[x->a] : (fd_plan_at){x->slot, x->slot + 1};
    }
}

/* Memory for numbers that are not a column's own. */
static void open_values(fd_cel_plan_run *r)
{
    const fd_cel_plan *p = r->plan;
    r->values = array(p->n_values, sizeof *r->values);
    r->data = array(p->n_values, sizeof *r->data);
    r->keys = array(p->n_values, sizeof *r->keys);
    r->own_data = array(p->n_values, sizeof *r->own_data);
    r->own_keys = array(p->n_values, sizeof *r->own_keys);
    for (uint32_t i = 0; i < p->n_values; i++) {
        const fd_plan_value *v = &p->values[i];
        if (!v->used)
            continue;
        if (v->kind != FD_VALUE_COLUMN)
            r->own_data[i] = array(r->max_rows, sizeof **r->own_data);
        if (v->keyed && v->type == FD_CEL_DOUBLE)
            r->own_keys[i] = array(r->max_rows, sizeof **r->own_keys);
    }
}

fd_cel_plan_run *fd_cel_plan_run_new(const fd_cel_plan *p, uint32_t max_rows)
{
    FD_ASSERT(max_rows > 0);
    fd_cel_plan_run *r = array(1, sizeof *r);
    size_t words = fd_words(max_rows);
    r->plan = p;
    r->wide = fd_kernels_best();
    r->max_rows = max_rows;
    r->bits = lines(p->n_slots * words);
    r->scratch = lines((size_t)(p->depth + 1) * FD_PLAN_SCRATCH * words);
    r->reach = lines(words);
    r->at = array(p->n_nodes, sizeof *r->at);
    r->opened = array(p->n_nodes, sizeof *r->opened);
    r->columns = array(p->n_columns, sizeof *r->columns);
    r->ranks = array(max_rows, sizeof *r->ranks);
    r->by_rank = array(max_rows, sizeof *r->by_rank);
    r->starts = array((size_t)p->most_cuts + 2, sizeof *r->starts);
    r->masks = array((size_t)p->most_cuts + 1, sizeof *r->masks);
    r->codes_seen = array(p->most_codes, sizeof *r->codes_seen);
    r->code_there = array(p->most_codes, sizeof *r->code_there);
    r->rows = array(max_rows, sizeof *r->rows);
    r->outcomes = array(max_rows, sizeof *r->outcomes);
    open_values(r);
    place_constants(r);
    return r;
}

void fd_cel_plan_run_free(fd_cel_plan_run *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->plan->n_values; i++) {
        free(r->own_data[i]);
        free(r->own_keys[i]);
    }
    free(r->bits);
    free(r->scratch);
    free(r->reach);
    free(r->at);
    free(r->opened);
    free(r->columns);
    free(r->ranks);
    free(r->by_rank);
    free(r->starts);
    free(r->masks);
    free(r->codes_seen);
    free(r->code_there);
    free(r->rows);
    free(r->outcomes);
    free(r->values);
    free(r->data);
    free(r->keys);
    free(r->own_data);
    free(r->own_keys);
    free(r);
}

bool fd_cel_plan_run_use(fd_cel_plan_run *r, fd_kernel_level level)
{
    const fd_kernels *k = fd_kernels_of(level);
    r->wide = k == NULL ? r->wide : k;
    return k != NULL;
}

/* ---- a batch ---- */

void fd_plan_note_there(fd_cel_plan_run *r, uint32_t slot, fd_plan_there *out)
{
    const uint64_t *there = fd_plan_bits(r, slot), *all = fd_plan_bits(r, FD_SLOT_ALL_ROWS);
    uint64_t *missing = fd_plan_bits(r, slot + 1), some = 0;
    for (uint32_t w = 0; w < r->words; w++) {
        missing[w] = all[w] & ~there[w];
        some |= missing[w];
    }
    *out = (fd_plan_there){slot, slot + 1, slot};
    if (some == 0)
        *out = (fd_plan_there){FD_SLOT_ALL_ROWS, FD_SLOT_NO_ROW, FD_SLOT_ALL_ROWS};
}

static void set_rows(fd_cel_plan_run *r, uint32_t n)
{
    r->n = n;
    r->words = fd_words(n);
    r->kernels = n < FD_KERNEL_ROWS ? fd_kernels_of(FD_KERNELS_PORTABLE) : r->wide;
    memset(fd_plan_bits(r, FD_SLOT_NO_ROW), 0, r->words * sizeof(uint64_t));
    uint64_t *all = fd_plan_bits(r, FD_SLOT_ALL_ROWS);
    memset(all, 0xff, r->words * sizeof(uint64_t));
    if (n % FD_WORD != 0)
        all[r->words - 1] = (UINT64_C(1) << (n % FD_WORD)) - 1;
    /* 0 marks nodes never opened; on wrap-around the marks start over. */
    if (++r->batch_no == 0) {
        memset(r->opened, 0, r->plan->n_nodes * sizeof *r->opened);
        r->batch_no = 1;
    }
}

void fd_cel_plan_begin(fd_cel_plan_run *r, fd_cel_run *cel)
{
    const fd_cel_plan *p = r->plan;
    const fd_batch *events = cel->batches[FD_CEL_EVENTS];
    FD_ASSERT(events != NULL && events->root.n <= r->max_rows);
    r->cel = cel;
    set_rows(r, events->root.n);
    if (r->n == 0)
        return;
    for (uint32_t i = 0; i < p->n_columns; i++) {
        const fd_plan_column *c = &p->columns[i];
        if (!c->used)
            continue;
        r->kernels->pack(fd_plan_column_at(r, c)->valid, r->n, fd_plan_bits(r, c->slot));
        fd_plan_note_there(r, c->slot, &r->columns[i]);
        if (c->set != FD_PLAN_NONE && p->sets[c->set].n_members != 0)
            fd_plan_run_set(r, c->set);
    }
    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i].is_value)
            fd_plan_run_value(r, p->steps[i].id);
        else
            fd_plan_run_node(r, p->steps[i].id);
    }
}

static bool none(const uint64_t *bits, uint32_t words)
{
    uint64_t some = 0;
    for (uint32_t w = 0; w < words; w++)
        some |= bits[w];
    return some == 0;
}

uint32_t fd_cel_plan_next(const fd_cel_plan_run *r, uint32_t from)
{
    const fd_cel_plan *p = r->plan;
    for (uint32_t i = r->n == 0 ? p->n_roots : from; i < p->n_roots; i++) {
        uint32_t node = p->roots[i];
        if (node == FD_PLAN_NONE)
            continue;
        uint32_t open = r->at[node].open;
        if (p->root_lazy[i] || (open != FD_SLOT_NO_ROW && !none(fd_plan_bits(r, open), r->words)))
            return i;
    }
    return p->n_roots;
}

fd_cel_bits fd_cel_plan_ask(fd_cel_plan_run *r, uint32_t root, const uint64_t *rows)
{
    FD_ASSERT(root < r->plan->n_roots && r->plan->roots[root] != FD_PLAN_NONE);
    uint32_t node = r->plan->roots[root];
    if (r->plan->nodes[node].lazy)
        fd_plan_run_lazy(r, node, rows == NULL ? fd_plan_bits(r, FD_SLOT_ALL_ROWS) : rows, 0);
    return (fd_cel_bits){.hit = fd_plan_bits(r, r->at[node].hit),
                         .open = fd_plan_bits(r, r->at[node].open)};
}
