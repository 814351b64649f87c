/* The population stability index; see drift.h. Any thread. */
#include "manifest/drift.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t without_nan(double *scores, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!isnan(scores[i]))
            scores[kept++] = scores[i];
    }
    return kept;
}

void fd_drift_refer(fd_drift_reference *r, double *scores, uint32_t n)
{
    *r = (fd_drift_reference){.n_bins = 0};
    n = without_nan(scores, n);
    if (n < FD_DRIFT_MIN_REFERENCE)
        return;
    qsort(scores, n, sizeof *scores, by_value);
    uint32_t from = 0;
    for (uint32_t d = 1; d <= FD_DRIFT_BINS; d++) {
        double upper = scores[(uint64_t)n * d / FD_DRIFT_BINS - 1];
        uint32_t to = from;
        while (to < n && scores[to] <= upper)
            to++;
        if (to == from)
            continue; /* a run of equal scores took this one's share */
        r->upper[r->n_bins] = upper;
        r->share[r->n_bins++] = (double)(to - from) / n;
        from = to;
    }
}

uint32_t fd_drift_bin(const fd_drift_reference *r, double score)
{
    if (isnan(score) || r->n_bins == 0)
        return r->n_bins;
    uint32_t bin = 0;
    while (bin + 1 < r->n_bins && score > r->upper[bin])
        bin++;
    return bin;
}

bool fd_drift_psi(const fd_drift_reference *r, const uint64_t *seen, double *psi)
{
    static const double least = 1e-4;
    uint64_t all = 0;
    for (uint32_t i = 0; i < r->n_bins; i++)
        all += seen[i];
    if (all < FD_DRIFT_MIN_SCORES)
        return false;
    *psi = 0;
    for (uint32_t i = 0; i < r->n_bins; i++) {
        double p = fmax((double)seen[i] / (double)all, least);
        double q = fmax(r->share[i], least);
        *psi += (p - q) * log(p / q);
    }
    return true;
}
