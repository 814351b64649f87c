/*
 * The features that a decision records: none, those that the rules that fired refer to, or all.
 * Invariant: which ones depends on the row's hits alone, never on what was evaluated to get there.
 * Thread: one per run.
 */
#include "base/assert.h"
#include "store/run_int.h"

enum { WORD_BITS = 64 };

static uint32_t words_of(const fd_ruleset *set)
{
    return (set->n_features + WORD_BITS - 1) / WORD_BITS;
}

static void *batch_room(fd_ruleset_run *run, size_t n)
{
    void *p = fd_arena_alloc(fd_cel_run_arena(run->cel), n == 0 ? 1 : n);
    FD_ALLOCATED(p);
    return p;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static fd_str hex_of(fd_ruleset_run *run, fd_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *to = batch_room(run, (size_t)bytes.n * 2);
    for (uint32_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        to[2 * i] = digits[c >> 4];
        to[2 * i + 1] = digits[c & 15];
    }
    return (fd_str){to, bytes.n * 2};
}

static void set_value(fd_ruleset_run *run, const fd_col *col, uint32_t row, fd_feature_value *out)
{
    if (!col->valid[row])
        return;
    switch (col->type->kind) {
    case FD_INT:
        out->kind = FD_V_LONG;
        out->v.i = col->v.i[row];
        return;
    case FD_TIMESTAMP:
        out->kind = FD_V_LONG;
        out->v.i = floor_div(col->v.i[row], 1000);
        return;
    case FD_DURATION:
        out->kind = FD_V_DOUBLE;
        out->v.d = (double)col->v.i[row] / 1e6;
        return;
    case FD_DOUBLE:
        out->kind = FD_V_DOUBLE;
        out->v.d = col->v.d[row];
        return;
    case FD_BOOL:
        out->kind = FD_V_BOOL;
        out->v.b = col->v.b[row] != 0;
        return;
    case FD_STRING:
        out->kind = FD_V_STRING;
        out->v.s = col->v.s[row];
        return;
    case FD_BYTES:
        out->kind = FD_V_STRING;
        out->v.s = hex_of(run, col->v.s[row]);
        return;
    default:
        FD_UNREACHABLE();
    }
}

/* The union over the hits, as bits; how many there are. */
static uint32_t referred(fd_ruleset_run *run, const fd_verdict *v)
{
    const fd_ruleset *set = run->set;
    uint32_t words = words_of(set), n = 0;
    memset(run->seen, run->evidence == FD_EVIDENCE_ALL ? 0xff : 0, words * sizeof *run->seen);
    if (run->evidence == FD_EVIDENCE_ALL)
        return set->n_features;
    for (uint32_t h = 0; h < v->n_hits; h++) {
        const uint64_t *bits = set->rules[v->hits[h].rule].features;
        for (uint32_t w = 0; w < words && bits != NULL; w++)
            run->seen[w] |= bits[w];
    }
    for (uint32_t w = 0; w < words; w++)
        n += (uint32_t)__builtin_popcountll(run->seen[w]);
    return n;
}

void fd_run_add_evidence(fd_ruleset_run *run, const fd_batch *features, uint32_t row, fd_verdict *v)
{
    const fd_ruleset *set = run->set;
    if (run->evidence == FD_EVIDENCE_NONE || set->n_features == 0)
        return;
    if (run->evidence == FD_EVIDENCE_FIRED && v->n_hits == 0)
        return;
    uint32_t n = referred(run, v);
    fd_feature_value *values = batch_room(run, n * sizeof *values);
    uint32_t at = 0;
    for (uint32_t i = 0; i < set->n_features && at < n; i++) {
        if ((run->seen[i / WORD_BITS] >> (i % WORD_BITS) & 1) == 0)
            continue;
        const fd_feature_def *f = &set->features[i];
        values[at] = (fd_feature_value){.name = f->name, .kind = FD_V_NULL};
        set_value(run, &features->root.children[f->info.column], row, &values[at++]);
    }
    v->n_features = n;
    v->features = values;
}
