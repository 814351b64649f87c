/*
 * How far scores have moved from those of the self-test: the population stability index.
 *
 * The reference is cut into ten bins of equal share by its deciles (fewer where scores repeat).
 * PSI = sum over bins of (p - q) ln(p / q), p being the bin's share among the scores seen and q its
 * share in the reference, each at least 1e-4 so that an empty bin counts and does not divide by
 * zero. The usual reading: below 0.1 nothing has moved, above 0.25 a lot has.
 * Pure functions, any thread.
 */
#ifndef FD_MANIFEST_DRIFT_H
#define FD_MANIFEST_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FD_DRIFT_BINS = 10,
    FD_DRIFT_MIN_REFERENCE = 100, /* rows of a self-test; with fewer there is no PSI */
    FD_DRIFT_MIN_SCORES = 1000,   /* the same of what was seen */
    FD_DRIFT_MEMORY = 100000,     /* counts are halved when there are so many: the past fades */
};

typedef struct fd_drift_reference {
    uint32_t n_bins;             /* 0: there is none */
    double upper[FD_DRIFT_BINS]; /* of each bin, included; the last takes all that is above */
    double share[FD_DRIFT_BINS];
} fd_drift_reference;

/* `scores` is sorted by this. */
void fd_drift_refer(fd_drift_reference *r, double *scores, uint32_t n);
/* Of a score; NaN is in none: n_bins. */
uint32_t fd_drift_bin(const fd_drift_reference *r, double score);
/* False: not enough has been seen. */
bool fd_drift_psi(const fd_drift_reference *r, const uint64_t *seen, double *psi);

#endif
