/* Kernels that any machine runs, and the choice among all; see kernels.h. Any thread. */
#include "lang/kernels_int.h"

#include "base/assert.h"

static uint32_t rows_in(uint32_t n, uint32_t from)
{
    return n - from < FD_WORD ? n - from : FD_WORD;
}

static void at_least(const int64_t *x, uint32_t n, int64_t k, uint64_t *out)
{
    for (uint32_t from = 0; from < n; from += FD_WORD) {
        uint64_t word = 0;
        for (uint32_t i = 0, m = rows_in(n, from); i < m; i++)
            word |= (uint64_t)(x[from + i] >= k) << i;
        out[from / FD_WORD] = word;
    }
}

static void greater(const int64_t *a, const int64_t *b, uint32_t n, uint64_t *out)
{
    for (uint32_t from = 0; from < n; from += FD_WORD) {
        uint64_t word = 0;
        for (uint32_t i = 0, m = rows_in(n, from); i < m; i++)
            word |= (uint64_t)(a[from + i] > b[from + i]) << i;
        out[from / FD_WORD] = word;
    }
}

static void equal(const int64_t *a, const int64_t *b, uint32_t n, uint64_t *out)
{
    for (uint32_t from = 0; from < n; from += FD_WORD) {
        uint64_t word = 0;
        for (uint32_t i = 0, m = rows_in(n, from); i < m; i++)
            word |= (uint64_t)(a[from + i] == b[from + i]) << i;
        out[from / FD_WORD] = word;
    }
}

/* Eight bytes at once: the product brings their lowest bits together in the topmost byte. */
static void pack(const uint8_t *bytes, uint32_t n, uint64_t *out)
{
    for (uint32_t from = 0; from < n; from += FD_WORD) {
        uint64_t word = 0;
        uint32_t i = 0, m = rows_in(n, from);
        for (; i + 8 <= m; i += 8) {
            uint64_t v = 0;
            for (uint32_t b = 0; b < 8; b++) /* one load where bytes come in this order */
                v |= (uint64_t)bytes[from + i + b] << (8 * b);
            word |= (v * UINT64_C(0x0102040810204080) >> 56) << i;
        }
        for (; i < m; i++)
            word |= (uint64_t)bytes[from + i] << i;
        out[from / FD_WORD] = word;
    }
}

static void at_least_double(const double *x, uint32_t n, int64_t key, uint64_t *out)
{
    double k = fd_double_of_key(key);
    for (uint32_t from = 0; from < n; from += FD_WORD) {
        uint64_t word = 0;
        for (uint32_t i = 0, m = rows_in(n, from); i < m; i++)
            word |= (uint64_t)(x[from + i] >= k) << i;
        out[from / FD_WORD] = word;
    }
}

static void is_nan(const double *x, uint32_t n, uint64_t *out)
{
    for (uint32_t from = 0; from < n; from += FD_WORD) {
        uint64_t word = 0;
        for (uint32_t i = 0, m = rows_in(n, from); i < m; i++)
            word |= (uint64_t)(x[from + i] != x[from + i]) << i;
        out[from / FD_WORD] = word;
    }
}

void fd_kernel_order(const double *x, uint32_t n, int64_t *keys)
{
    for (uint32_t i = 0; i < n; i++)
        keys[i] = fd_key_of_double(x[i]);
}

enum { SIDE_BY_SIDE = 8 };

/* Binary searches that do not branch, several rows side by side, so that their loads overlap. */
void fd_kernel_rank(const int64_t *keys, uint32_t n_keys, const int64_t *x, uint32_t n,
                    uint32_t *out)
{
    uint32_t i = 0;
    for (; i + SIDE_BY_SIDE <= n && n_keys != 0; i += SIDE_BY_SIDE) {
        uint32_t at[SIDE_BY_SIDE] = {0};
        for (uint32_t left = n_keys; left > 1;) {
            uint32_t half = left / 2;
            for (uint32_t r = 0; r < SIDE_BY_SIDE; r++)
                at[r] += half & (0 - (uint32_t)(keys[at[r] + half - 1] <= x[i + r]));
            left -= half;
        }
        for (uint32_t r = 0; r < SIDE_BY_SIDE; r++)
            out[i + r] = at[r] + (keys[at[r]] <= x[i + r]);
    }
    for (; i < n; i++) {
        uint32_t at = 0;
        for (uint32_t left = n_keys; left > 1;) {
            uint32_t half = left / 2;
            at += half & (0 - (uint32_t)(keys[at + half - 1] <= x[i]));
            left -= half;
        }
        out[i] = n_keys == 0 ? 0 : at + (keys[at] <= x[i]);
    }
}

static const fd_kernels portable = {.at_least = at_least,
                                    .greater = greater,
                                    .equal = equal,
                                    .pack = pack,
                                    .at_least_double = at_least_double,
                                    .is_nan = is_nan,
                                    .order = fd_kernel_order,
                                    .rank = fd_kernel_rank,
                                    .rank_from = 16};

const char *fd_kernels_name(fd_kernel_level level)
{
    static const char *const names[] = {
#define X(name, text) text,
        FD_KERNEL_LEVELS(X)
#undef X
    };
    FD_ASSERT(level < FD_N_KERNEL_LEVELS);
    return names[level];
}

const fd_kernels *fd_kernels_of(fd_kernel_level level)
{
    switch (level) {
    case FD_KERNELS_PORTABLE:
        return &portable;
    case FD_KERNELS_AVX2:
        return fd_kernels_avx2();
    case FD_KERNELS_AVX512:
        return fd_kernels_avx512();
    default:
        FD_UNREACHABLE();
    }
}

const fd_kernels *fd_kernels_best(void)
{
    const fd_kernels *best = &portable;
    for (int level = 0; level < FD_N_KERNEL_LEVELS; level++) {
        const fd_kernels *k = fd_kernels_of((fd_kernel_level)level);
        best = k == NULL ? best : k;
    }
    return best;
}
