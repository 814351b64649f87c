/*
 * Loops over columns of 64-bit keys that answer in bits: row i is bit i % 64 of word i / 64.
 *
 * One table of functions per instruction set; all give the same bits. Which of them a machine has
 * is asked once, when a run is made. Bits behind the last row are 0. Pure functions, any thread.
 */
#ifndef FD_LANG_KERNELS_H
#define FD_LANG_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FD_WORD = 64 };

/* X(name, text) */
#define FD_KERNEL_LEVELS(X) \
    X(PORTABLE, "portable") \
    X(AVX2, "avx2")         \
    X(AVX512, "avx512")

typedef enum fd_kernel_level {
#define X(name, text) FD_KERNELS_##name,
    FD_KERNEL_LEVELS(X)
#undef X
        FD_N_KERNEL_LEVELS
} fd_kernel_level;

typedef struct fd_kernels {
    /* x[i] >= k */
    void (*at_least)(const int64_t *x, uint32_t n, int64_t k, uint64_t *out);
    /* a[i] > b[i], a[i] == b[i] */
    void (*greater)(const int64_t *a, const int64_t *b, uint32_t n, uint64_t *out);
    void (*equal)(const int64_t *a, const int64_t *b, uint32_t n, uint64_t *out);
    /* Bytes that are 0 or 1. */
    void (*pack)(const uint8_t *bytes, uint32_t n, uint64_t *out);
    /* The same of doubles, whose key is fd_key_of_double()'s; NaN is at least nothing. */
    void (*at_least_double)(const double *x, uint32_t n, int64_t k, uint64_t *out);
    void (*is_nan)(const double *x, uint32_t n, uint64_t *out);
    void (*order)(const double *x, uint32_t n, int64_t *keys);
    /* out[i] = how many of the sorted keys are <= x[i]. */
    void (*rank)(const int64_t *keys, uint32_t n_keys, const int64_t *x, uint32_t n, uint32_t *out);
    /* From how many keys on a rank and a walk over all keys beat at_least() for each, by batches of
     * many rows. */
    uint32_t rank_from;
} fd_kernels;

const char *fd_kernels_name(fd_kernel_level level);
/* NULL: this machine cannot run them. */
const fd_kernels *fd_kernels_of(fd_kernel_level level);
const fd_kernels *fd_kernels_best(void);
/* Below this many rows the portable ones are as fast. */
enum { FD_KERNEL_ROWS = 16 };

/* Integers in the order of doubles, one zero; of NaN INT64_MIN, which no other double has. */
static inline int64_t fd_key_of_double(double d)
{
    int64_t bits;
    d += 0.0;
    memcpy(&bits, &d, sizeof bits);
    bits ^= (int64_t)((uint64_t)(bits >> 63) >> 1);
    return d != d ? INT64_MIN : bits;
}

/* The double that has the key. */
static inline double fd_double_of_key(int64_t key)
{
    double d;
    key ^= (int64_t)((uint64_t)(key >> 63) >> 1);
    memcpy(&d, &key, sizeof d);
    return d;
}

static inline uint32_t fd_words(uint32_t rows)
{
    return (rows + FD_WORD - 1) / FD_WORD;
}

#endif
