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

static inline uint32_t fd_words(uint32_t rows)
{
    return (rows + FD_WORD - 1) / FD_WORD;
}

#endif
