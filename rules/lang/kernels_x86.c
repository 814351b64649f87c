/*
 * Kernels for AVX2 and AVX-512: whole words of 64 rows; what is left of the last word goes through
 * a block of 64 on the stack, so that nothing is read behind the last row. The compiler emits these
 * instructions in these functions only; others ask first. Any thread.
 */
#include "lang/kernels_int.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

enum { COUNTED = 32 }; /* keys */

static uint64_t low_bits(uint32_t n)
{
    return n >= FD_WORD ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

/* One word's rows, zeros behind the last. */
typedef struct block {
    int64_t x[FD_WORD];
} block;

static void load_rest(block *to, const int64_t *x, uint32_t n)
{
    memset(to, 0, sizeof *to);
    memcpy(to->x, x, n * sizeof *x);
}

typedef struct double_block {
    double x[FD_WORD];
} double_block;

static void load_rest_doubles(double_block *to, const double *x, uint32_t n)
{
    memset(to, 0, sizeof *to);
    memcpy(to->x, x, n * sizeof *x);
}

/* Loops over whole words and the rest, with OF(..., word of 64) for one. */
#define EACH_WORD1(OF, key)                        \
    uint32_t from = 0;                             \
    for (; from + FD_WORD <= n; from += FD_WORD)   \
        OF(x + from, key, &out[from / FD_WORD]);   \
    if (from < n) {                                \
        block rest;                                \
        load_rest(&rest, x + from, n - from);      \
        OF(rest.x, key, &out[from / FD_WORD]);     \
        out[from / FD_WORD] &= low_bits(n - from); \
    }

#define EACH_WORD_OF_DOUBLES(OF, key)                 \
    uint32_t from = 0;                                \
    for (; from + FD_WORD <= n; from += FD_WORD)      \
        OF(x + from, key, &out[from / FD_WORD]);      \
    if (from < n) {                                   \
        double_block rest;                            \
        load_rest_doubles(&rest, x + from, n - from); \
        OF(rest.x, key, &out[from / FD_WORD]);        \
        out[from / FD_WORD] &= low_bits(n - from);    \
    }

#define EACH_WORD2(OF)                                \
    uint32_t from = 0;                                \
    for (; from + FD_WORD <= n; from += FD_WORD)      \
        OF(a + from, b + from, &out[from / FD_WORD]); \
    if (from < n) {                                   \
        block rest_a, rest_b;                         \
        load_rest(&rest_a, a + from, n - from);       \
        load_rest(&rest_b, b + from, n - from);       \
        OF(rest_a.x, rest_b.x, &out[from / FD_WORD]); \
        out[from / FD_WORD] &= low_bits(n - from);    \
    }

#define EACH_WORD_OF_BYTES(OF)                   \
    uint32_t from = 0;                           \
    for (; from + FD_WORD <= n; from += FD_WORD) \
        out[from / FD_WORD] = OF(bytes + from);  \
    if (from < n) {                              \
        uint8_t rest[FD_WORD] = {0};             \
        memcpy(rest, bytes + from, n - from);    \
        out[from / FD_WORD] = OF(rest);          \
    }

/* ---- AVX2: four rows per instruction ---- */

AVX2 static inline __m256i four(const int64_t *x)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

AVX2 static inline uint64_t bits_of_four(__m256i mask)
{
    return (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(mask));
}

AVX2 static inline void at_least_word2(const int64_t *x, __m256i key, uint64_t *out)
{
    uint64_t less = 0;
    for (int i = 0; i < FD_WORD; i += 4)
        less |= bits_of_four(_mm256_cmpgt_epi64(key, four(x + i))) << i;
    *out = ~less;
}

AVX2 static inline void greater_word2(const int64_t *a, const int64_t *b, uint64_t *out)
{
    uint64_t word = 0;
    for (int i = 0; i < FD_WORD; i += 4)
        word |= bits_of_four(_mm256_cmpgt_epi64(four(a + i), four(b + i))) << i;
    *out = word;
}

AVX2 static inline void equal_word2(const int64_t *a, const int64_t *b, uint64_t *out)
{
    uint64_t word = 0;
    for (int i = 0; i < FD_WORD; i += 4)
        word |= bits_of_four(_mm256_cmpeq_epi64(four(a + i), four(b + i))) << i;
    *out = word;
}

AVX2 static inline uint64_t pack_word2(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < FD_WORD; i += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i));
        unsigned bits = (unsigned)_mm256_movemask_epi8(_mm256_slli_epi64(v, 7));
        word |= (uint64_t)bits << i;
    }
    return word;
}

AVX2 static inline void at_least_double_word2(const double *x, __m256d key, uint64_t *out)
{
    uint64_t word = 0;
    for (int i = 0; i < FD_WORD; i += 4) {
        __m256d mask = _mm256_cmp_pd(_mm256_loadu_pd(x + i), key, _CMP_GE_OQ);
        word |= (uint64_t)(unsigned)_mm256_movemask_pd(mask) << i;
    }
    *out = word;
}

AVX2 static inline void is_nan_word2(const double *x, __m256d zero, uint64_t *out)
{
    uint64_t word = 0;
    for (int i = 0; i < FD_WORD; i += 4) {
        __m256d mask = _mm256_cmp_pd(_mm256_loadu_pd(x + i), zero, _CMP_UNORD_Q);
        word |= (uint64_t)(unsigned)_mm256_movemask_pd(mask) << i;
    }
    *out = word;
}

/* Compilers make vectors of the loop in here by themselves, as they do in the other. */
AVX2 static void order2(const double *x, uint32_t n, int64_t *keys)
{
    for (uint32_t i = 0; i < n; i++)
        keys[i] = fd_key_of_double(x[i]);
}

AVX2 static void at_least_double2(const double *x, uint32_t n, int64_t k, uint64_t *out)
{
    __m256d key = _mm256_set1_pd(fd_double_of_key(k));
    EACH_WORD_OF_DOUBLES(at_least_double_word2, key)
}

AVX2 static void is_nan2(const double *x, uint32_t n, uint64_t *out)
{
    __m256d zero = _mm256_setzero_pd();
    EACH_WORD_OF_DOUBLES(is_nan_word2, zero)
}

/* Few keys are counted: one that is greater is none of the rank. What is left of the rows, and many
 * keys, by binary search. */
AVX2 static void rank2(const int64_t *keys, uint32_t n_keys, const int64_t *x, uint32_t n,
                       uint32_t *out)
{
    uint32_t i = 0;
    for (; i + 4 <= n && n_keys <= COUNTED; i += 4) {
        int64_t ranks[4];
        __m256i row = four(x + i), rank = _mm256_set1_epi64x(n_keys);
        for (uint32_t j = 0; j < n_keys; j++)
            rank = _mm256_add_epi64(rank, _mm256_cmpgt_epi64(_mm256_set1_epi64x(keys[j]), row));
        _mm256_storeu_si256((__m256i *)(void *)ranks, rank);
        for (int r = 0; r < 4; r++)
            out[i + r] = (uint32_t)ranks[r];
    }
    fd_kernel_rank(keys, n_keys, x + i, n - i, out + i);
}

AVX2 static void at_least2(const int64_t *x, uint32_t n, int64_t k, uint64_t *out)
{
    __m256i key = _mm256_set1_epi64x(k);
    EACH_WORD1(at_least_word2, key)
}

AVX2 static void greater2(const int64_t *a, const int64_t *b, uint32_t n,
                          uint64_t *out){EACH_WORD2(greater_word2)}

AVX2 static void equal2(const int64_t *a, const int64_t *b, uint32_t n,
                        uint64_t *out){EACH_WORD2(equal_word2)}

AVX2 static void pack2(const uint8_t *bytes, uint32_t n,
                       uint64_t *out){EACH_WORD_OF_BYTES(pack_word2)}

/* ---- AVX-512: eight rows per instruction, and masks are bits already ---- */

AVX512 static inline __m512i eight(const int64_t *x)
{
    return _mm512_loadu_si512((const void *)x);
}

/* A mask is a byte of the word as it lies in memory: stored, not shifted together. */
AVX512 static inline void at_least_word5(const int64_t *x, __m512i key, uint64_t *out)
{
    __mmask8 *to = (__mmask8 *)out;
    for (int i = 0; i < FD_WORD / 8; i++)
        to[i] = _mm512_cmpge_epi64_mask(eight(x + 8 * i), key);
}

AVX512 static inline void greater_word5(const int64_t *a, const int64_t *b, uint64_t *out)
{
    __mmask8 *to = (__mmask8 *)out;
    for (int i = 0; i < FD_WORD / 8; i++)
        to[i] = _mm512_cmpgt_epi64_mask(eight(a + 8 * i), eight(b + 8 * i));
}

AVX512 static inline void equal_word5(const int64_t *a, const int64_t *b, uint64_t *out)
{
    __mmask8 *to = (__mmask8 *)out;
    for (int i = 0; i < FD_WORD / 8; i++)
        to[i] = _mm512_cmpeq_epi64_mask(eight(a + 8 * i), eight(b + 8 * i));
}

AVX512 static inline void at_least_double_word5(const double *x, __m512d key, uint64_t *out)
{
    __mmask8 *to = (__mmask8 *)out;
    for (int i = 0; i < FD_WORD / 8; i++)
        to[i] = _mm512_cmp_pd_mask(_mm512_loadu_pd(x + 8 * i), key, _CMP_GE_OQ);
}

AVX512 static inline void is_nan_word5(const double *x, __m512d zero, uint64_t *out)
{
    __mmask8 *to = (__mmask8 *)out;
    for (int i = 0; i < FD_WORD / 8; i++)
        to[i] = _mm512_cmp_pd_mask(_mm512_loadu_pd(x + 8 * i), zero, _CMP_UNORD_Q);
}

AVX512 static void order5(const double *x, uint32_t n, int64_t *keys)
{
    for (uint32_t i = 0; i < n; i++)
        keys[i] = fd_key_of_double(x[i]);
}

AVX512 static void at_least_double5(const double *x, uint32_t n, int64_t k, uint64_t *out)
{
    __m512d key = _mm512_set1_pd(fd_double_of_key(k));
    EACH_WORD_OF_DOUBLES(at_least_double_word5, key)
}

AVX512 static void is_nan5(const double *x, uint32_t n, uint64_t *out)
{
    __m512d zero = _mm512_setzero_pd();
    EACH_WORD_OF_DOUBLES(is_nan_word5, zero)
}

AVX512 static inline uint64_t pack_word5(const uint8_t *bytes)
{
    __m512i v = _mm512_loadu_si512((const void *)bytes);
    return _mm512_test_epi8_mask(v, v);
}

AVX512 static void rank5(const int64_t *keys, uint32_t n_keys, const int64_t *x, uint32_t n,
                         uint32_t *out)
{
    const __m512i one = _mm512_set1_epi64(1);
    uint32_t i = 0;
    for (; i + 8 <= n && n_keys <= COUNTED; i += 8) {
        __m512i row = eight(x + i), rank = _mm512_setzero_si512();
        for (uint32_t j = 0; j < n_keys; j++) {
            __mmask8 holds = _mm512_cmpge_epi64_mask(row, _mm512_set1_epi64(keys[j]));
            rank = _mm512_mask_add_epi64(rank, holds, rank, one);
        }
        _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm512_cvtepi64_epi32(rank));
    }
    fd_kernel_rank(keys, n_keys, x + i, n - i, out + i);
}

AVX512 static void at_least5(const int64_t *x, uint32_t n, int64_t k, uint64_t *out)
{
    __m512i key = _mm512_set1_epi64(k);
    EACH_WORD1(at_least_word5, key)
}

AVX512 static void greater5(const int64_t *a, const int64_t *b, uint32_t n,
                            uint64_t *out){EACH_WORD2(greater_word5)}

AVX512 static void equal5(const int64_t *a, const int64_t *b, uint32_t n,
                          uint64_t *out){EACH_WORD2(equal_word5)}

AVX512 static void pack5(const uint8_t *bytes, uint32_t n, uint64_t *out)
{
    EACH_WORD_OF_BYTES(pack_word5)
}

const fd_kernels *fd_kernels_avx2(void)
{
    static const fd_kernels table = {.at_least = at_least2,
                                     .greater = greater2,
                                     .equal = equal2,
                                     .pack = pack2,
                                     .at_least_double = at_least_double2,
                                     .is_nan = is_nan2,
                                     .order = order2,
                                     .rank = rank2,
                                     .rank_from = 96};
    return __builtin_cpu_supports("avx2") ? &table : NULL;
}

const fd_kernels *fd_kernels_avx512(void)
{
    static const fd_kernels table = {.at_least = at_least5,
                                     .greater = greater5,
                                     .equal = equal5,
                                     .pack = pack5,
                                     .at_least_double = at_least_double5,
                                     .is_nan = is_nan5,
                                     .order = order5,
                                     .rank = rank5,
                                     .rank_from = 160};
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has ? &table : NULL;
}

#else

const fd_kernels *fd_kernels_avx2(void)
{
    return NULL;
}

const fd_kernels *fd_kernels_avx512(void)
{
    return NULL;
}

#endif
