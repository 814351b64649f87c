/* The log-linear histogram; see hist.h. Any thread. */
#include "telemetry/hist.h"

#include "base/assert.h"

enum { SUB = 1 << FD_HIST_SUB_BITS };

static uint32_t bucket_of(uint64_t v)
{
    if (v < SUB)
        return (uint32_t)v;
    uint32_t octave = 63U - (uint32_t)__builtin_clzll(v) - FD_HIST_SUB_BITS;
    uint32_t sub = (uint32_t)(v >> octave) - SUB;
    uint32_t b = ((octave + 1) << FD_HIST_SUB_BITS) + sub;
    FD_ASSERT(b < FD_HIST_BUCKETS);
    return b;
}

/* The highest value that a bucket holds. */
static int64_t bucket_end(uint32_t b)
{
    if (b < SUB)
        return (int64_t)b;
    uint32_t octave = (b >> FD_HIST_SUB_BITS) - 1;
    uint64_t sub = (b & (SUB - 1)) + SUB;
    return (int64_t)(((sub + 1) << octave) - 1);
}

void fd_hist_record(fd_hist *h, int64_t value, uint64_t n)
{
    uint64_t v = value < 0 ? 0 : value > FD_HIST_MAX ? (uint64_t)FD_HIST_MAX : (uint64_t)value;
    atomic_fetch_add_explicit(&h->count[bucket_of(v)], n, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, v * n, memory_order_relaxed);
}

void fd_hist_snapshot(const fd_hist *h, fd_hist_snap *out)
{
    out->n = 0;
    for (uint32_t b = 0; b < FD_HIST_BUCKETS; b++) {
        out->count[b] = atomic_load_explicit(&h->count[b], memory_order_relaxed);
        out->n += out->count[b];
    }
    out->sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
}

void fd_hist_snap_sub(fd_hist_snap *a, const fd_hist_snap *earlier)
{
    a->n = 0;
    for (uint32_t b = 0; b < FD_HIST_BUCKETS; b++) {
        FD_ASSERT(a->count[b] >= earlier->count[b]);
        a->count[b] -= earlier->count[b];
        a->n += a->count[b];
    }
    a->sum -= earlier->sum;
}

void fd_hist_snap_add(fd_hist_snap *a, const fd_hist_snap *b)
{
    for (uint32_t i = 0; i < FD_HIST_BUCKETS; i++)
        a->count[i] += b->count[i];
    a->n += b->n;
    a->sum += b->sum;
}

int64_t fd_hist_snap_quantile(const fd_hist_snap *s, double q)
{
    FD_ASSERT(q >= 0 && q <= 1);
    if (s->n == 0)
        return -1;
    double wanted = q * (double)s->n;
    uint64_t rank = (uint64_t)wanted;
    if ((double)rank < wanted || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (uint32_t b = 0; b < FD_HIST_BUCKETS; b++) {
        seen += s->count[b];
        if (seen >= rank)
            return bucket_end(b);
    }
    return FD_HIST_MAX;
}
