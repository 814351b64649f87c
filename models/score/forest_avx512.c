/*
 * The kernels of forest_fast.h for AVX-512: a column of 64 ranks is one register, a comparison one
 * instruction, and a perfect tree stays in registers. Any thread.
 */
#include "score/forest_fast.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define INLINE AVX512 static inline __attribute__((always_inline))

FD_DEFINE_RANK_OF(rank_of_float, float)
FD_DEFINE_RANK_OF(rank_of_double, double)

enum { FLOATS = 16, DOUBLES = 8 };

/* ---- ranks: 16 pivots tell which 16 cuts to count ---- */

INLINE uint32_t count_floats(const float *cuts, uint32_t n, float x)
{
    __mmask16 has = (__mmask16)((1U << n) - 1);
    __m512 c = _mm512_maskz_loadu_ps(has, cuts);
    return (uint32_t)__builtin_popcount(
        _mm512_mask_cmp_ps_mask(has, c, _mm512_set1_ps(x), _CMP_LE_OQ));
}

AVX512 static void rank_floats(const float *cuts, uint32_t n, const float *x, uint32_t *ranks)
{
    float pivots[FLOATS];
    uint32_t n_pivots = n / FLOATS;
    if (n_pivots > FLOATS) {
        for (int r = 0; r < FD_TILE; r++)
            ranks[r] = rank_of_float(cuts, n, x[r]);
        return;
    }
    for (uint32_t i = 0; i < n_pivots; i++)
        pivots[i] = cuts[(i + 1) * FLOATS - 1];
    for (int r = 0; r < FD_TILE; r++) {
        uint32_t from = FLOATS * count_floats(pivots, n_pivots, x[r]), left = n - from;
        ranks[r] = from + count_floats(cuts + from, left < FLOATS ? left : FLOATS, x[r]);
    }
}

AVX512 static void rank_doubles(const double *cuts, uint32_t n, const double *x, uint32_t *ranks)
{
    for (int r = 0; r < FD_TILE; r++)
        ranks[r] = rank_of_double(cuts, n, x[r]);
}

/* ---- perfect trees: the number of the leaf is put together bit by bit ---- */

INLINE __mmask64 second(const fd_heap_split *s, const uint8_t *ranks)
{
    __m512i rank = _mm512_load_si512((const void *)(ranks + (size_t)s->column * FD_TILE));
    return _mm512_cmpgt_epu8_mask(rank, _mm512_set1_epi32((int)s->k));
}

INLINE __m512i join(const fd_heap_split *s, const uint8_t *ranks, __m512i left, __m512i right,
                    char bit)
{
    return _mm512_mask_add_epi8(left, second(s, ranks), right, _mm512_set1_epi8(bit));
}

INLINE __m512i tree1(const fd_heap_split *s, uint32_t i, const uint8_t *ranks)
{
    return _mm512_maskz_mov_epi8(second(&s[i], ranks), _mm512_set1_epi8(1));
}

#define DEFINE_TREE(level, below, bit)                                                   \
    INLINE __m512i tree##level(const fd_heap_split *s, uint32_t i, const uint8_t *ranks) \
    {                                                                                    \
        __m512i left = tree##below(s, 2 * i + 1, ranks);                                 \
        return join(&s[i], ranks, left, tree##below(s, 2 * i + 2, ranks), bit);          \
    }
DEFINE_TREE(2, 1, 2)
DEFINE_TREE(3, 2, 4)
DEFINE_TREE(4, 3, 8)
DEFINE_TREE(5, 4, 16)
DEFINE_TREE(6, 5, 32)

AVX512 static void perfect(const fd_heap_split *s, uint32_t depth, const uint8_t *ranks,
                           uint8_t *leaves)
{
    __m512i leaf;
    switch (depth) {
    case 1:
        leaf = tree1(s, 0, ranks);
        break;
    case 2:
        leaf = tree2(s, 0, ranks);
        break;
    case 3:
        leaf = tree3(s, 0, ranks);
        break;
    case 4:
        leaf = tree4(s, 0, ranks);
        break;
    case 5:
        leaf = tree5(s, 0, ranks);
        break;
    default:
        leaf = tree6(s, 0, ranks);
    }
    _mm512_store_si512((void *)leaves, leaf);
}

/* ---- trees of any shape ---- */

AVX512 static void bytes(const fd_byte_split *splits, uint32_t n, const uint8_t *ranks,
                         uint8_t *leaves)
{
    __m512i slots[2 * FD_TILE_LEAVES];
    for (int i = 0; i < FD_TILE_LEAVES; i++)
        slots[i] = _mm512_set1_epi8((char)i);
    for (uint32_t i = 0; i < n; i++) {
        const fd_byte_split *s = &splits[i];
        __m512i rank = _mm512_load_si512((const void *)(ranks + (size_t)s->column * FD_TILE));
        __mmask64 m = _mm512_cmpgt_epu8_mask(rank, _mm512_set1_epi8((char)s->k));
        slots[s->to] = _mm512_mask_mov_epi8(slots[s->first], m, slots[s->second]);
    }
    _mm512_store_si512((void *)leaves, slots[splits[n - 1].to]);
}

/* ---- sums: the table of 64 floats is in four registers ---- */

AVX512 static void add_floats(const float *values, const uint8_t *leaves, float *sums)
{
    const __m512 a = _mm512_loadu_ps(values), b = _mm512_loadu_ps(values + 16);
    const __m512 c = _mm512_loadu_ps(values + 32), d = _mm512_loadu_ps(values + 48);
    for (int r = 0; r < FD_TILE; r += FLOATS) {
        __m512i leaf = _mm512_cvtepu8_epi32(_mm_load_si128((const void *)(leaves + r)));
        __m512 low = _mm512_permutex2var_ps(a, leaf, b), high = _mm512_permutex2var_ps(c, leaf, d);
        __mmask16 upper = _mm512_test_epi32_mask(leaf, _mm512_set1_epi32(32));
        __m512 value = _mm512_mask_mov_ps(low, upper, high);
        _mm512_storeu_ps(sums + r, _mm512_add_ps(_mm512_loadu_ps(sums + r), value));
    }
}

AVX512 static void add_doubles(const double *values, const uint8_t *leaves, double *sums)
{
    for (int r = 0; r < FD_TILE; r += DOUBLES) {
        __m256i leaf = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(leaves + r)));
        __m512d value = _mm512_i32gather_pd(leaf, values, sizeof *values);
        _mm512_storeu_pd(sums + r, _mm512_add_pd(_mm512_loadu_pd(sums + r), value));
    }
}

const fd_forest_kernels *fd_forest_kernels_avx512(void)
{
    static const fd_forest_kernels table = {rank_floats, rank_doubles, perfect,
                                            bytes,       add_floats,   add_doubles};
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has ? &table : NULL;
}

#endif
