/*
 * The kernels of forest_fast.h for AVX-512: a column of 64 ranks is one register, a comparison one
 * instruction, and a perfect tree stays in registers. Any thread.
 */
#include "score/forest_fast.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#define INLINE AVX512 static inline __attribute__((always_inline))

FD_DEFINE_RANK_OF(rank_of_float, float)
FD_DEFINE_RANK_OF(rank_of_double, double)

enum { FLOATS = 16, DOUBLES = 8, COUNTED = 32, PIVOTS = 256 };

AVX512 static bool see(const double *x, float *floats, uint8_t *missing)
{
    __mmask64 nan = 0;
    for (int r = 0; r < FD_TILE; r += DOUBLES) {
        __m512d v = _mm512_loadu_pd(x + r);
        _mm256_store_ps(floats + r, _mm512_cvtpd_ps(v));
        nan |= (__mmask64)_mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q) << r;
    }
    _mm512_store_si512((void *)missing, _mm512_maskz_set1_epi8(nan, 1));
    return nan != 0;
}

AVX512 static void spread(const uint32_t *ranks, uint32_t first, const uint8_t *missing,
                          uint8_t lost, uint8_t *column)
{
    const __m512i below = _mm512_set1_epi32((int)first);
    for (int r = 0; r < FD_TILE; r += FLOATS) {
        __m512i rank = _mm512_max_epu32(_mm512_load_si512((const void *)(ranks + r)), below);
        __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_sub_epi32(rank, below));
        _mm_store_si128((void *)(column + r), bytes);
    }
    if (missing == NULL)
        return;
    __m512i is = _mm512_load_si512((const void *)missing);
    __mmask64 m = _mm512_test_epi8_mask(is, is);
    __m512i bytes = _mm512_load_si512((const void *)column);
    _mm512_store_si512((void *)column,
                       _mm512_mask_mov_epi8(bytes, m, _mm512_set1_epi8((char)lost)));
}

/* ---- ranks: few cuts are counted for all rows; of many, every 16th is, and so on ---- */

INLINE void count_floats(const float *cuts, uint32_t n, const float *x, uint32_t *ranks)
{
    const __m512i one = _mm512_set1_epi32(1);
    for (int r = 0; r < FD_TILE; r += FLOATS) {
        __m512 v = _mm512_load_ps(x + r);
        __m512i rank = _mm512_setzero_si512();
        for (uint32_t i = 0; i < n; i++) {
            __mmask16 m = _mm512_cmp_ps_mask(_mm512_set1_ps(cuts[i]), v, _CMP_LE_OQ);
            rank = _mm512_mask_add_epi32(rank, m, rank, one);
        }
        _mm512_store_si512((void *)(ranks + r), rank);
    }
}

/* From a rank among every 16th to one among all of them. */
INLINE void refine_floats(const float *cuts, const float *x, uint32_t *ranks)
{
    for (int r = 0; r < FD_TILE; r++) {
        uint32_t from = FLOATS * ranks[r];
        __m512 v = _mm512_loadu_ps(cuts + from);
        __mmask16 m = _mm512_cmp_ps_mask(v, _mm512_set1_ps(x[r]), _CMP_LE_OQ);
        ranks[r] = from + (uint32_t)__builtin_popcount(m);
    }
}

/* Every `step`th of n cuts, and NaN behind them. The number of them. */
INLINE uint32_t pick_floats(const float *cuts, uint32_t n, uint32_t step, float *to)
{
    uint32_t picked = n / step;
    for (uint32_t i = 0; i < picked; i++)
        to[i] = cuts[(i + 1) * step - 1];
    _mm512_storeu_ps(to + picked, _mm512_set1_ps(__builtin_nanf("")));
    return picked;
}

AVX512 static void rank_floats(const float *cuts, uint32_t n, const float *x, uint32_t *ranks)
{
    float some[PIVOTS + FLOATS], few[2 * FLOATS];
    if (n <= COUNTED) {
        count_floats(cuts, n, x, ranks);
        return;
    }
    if (n / FLOATS > PIVOTS) {
        for (int r = 0; r < FD_TILE; r++)
            ranks[r] = rank_of_float(cuts, n, x[r]);
        return;
    }
    uint32_t n_some = pick_floats(cuts, n, FLOATS, some);
    if (n_some <= COUNTED) {
        count_floats(some, n_some, x, ranks);
    } else {
        count_floats(few, pick_floats(some, n_some, FLOATS, few), x, ranks);
        refine_floats(some, x, ranks);
    }
    refine_floats(cuts, x, ranks);
}

INLINE void count_doubles(const double *cuts, uint32_t n, const double *x, uint32_t *ranks)
{
    const __m512i one = _mm512_set1_epi64(1);
    for (int r = 0; r < FD_TILE; r += DOUBLES) {
        __m512d v = _mm512_loadu_pd(x + r);
        __m512i rank = _mm512_setzero_si512();
        for (uint32_t i = 0; i < n; i++) {
            __mmask8 m = _mm512_cmp_pd_mask(_mm512_set1_pd(cuts[i]), v, _CMP_LE_OQ);
            rank = _mm512_mask_add_epi64(rank, m, rank, one);
        }
        _mm256_store_si256((void *)(ranks + r), _mm512_cvtepi64_epi32(rank));
    }
}

/* As with floats: registers of 8, two for 16 cuts. */
INLINE void refine_doubles(const double *cuts, const double *x, uint32_t *ranks)
{
    for (int r = 0; r < FD_TILE; r++) {
        uint32_t from = FLOATS * ranks[r];
        __m512d v = _mm512_set1_pd(x[r]);
        __mmask8 a = _mm512_cmp_pd_mask(_mm512_loadu_pd(cuts + from), v, _CMP_LE_OQ);
        __mmask8 b = _mm512_cmp_pd_mask(_mm512_loadu_pd(cuts + from + DOUBLES), v, _CMP_LE_OQ);
        ranks[r] = from + (uint32_t)__builtin_popcount((unsigned)a << 8 | b);
    }
}

INLINE uint32_t pick_doubles(const double *cuts, uint32_t n, uint32_t step, double *to)
{
    uint32_t picked = n / step;
    for (uint32_t i = 0; i < picked; i++)
        to[i] = cuts[(i + 1) * step - 1];
    for (uint32_t i = 0; i < FLOATS; i++)
        to[picked + i] = __builtin_nan("");
    return picked;
}

AVX512 static void rank_doubles(const double *cuts, uint32_t n, const double *x, uint32_t *ranks)
{
    double some[PIVOTS + FLOATS], few[2 * FLOATS];
    if (n <= COUNTED) {
        count_doubles(cuts, n, x, ranks);
        return;
    }
    if (n / FLOATS > PIVOTS) {
        for (int r = 0; r < FD_TILE; r++)
            ranks[r] = rank_of_double(cuts, n, x[r]);
        return;
    }
    uint32_t n_some = pick_doubles(cuts, n, FLOATS, some);
    if (n_some <= COUNTED) {
        count_doubles(some, n_some, x, ranks);
    } else {
        count_doubles(few, pick_doubles(some, n_some, FLOATS, few), x, ranks);
        refine_doubles(some, x, ranks);
    }
    refine_doubles(cuts, x, ranks);
}

/* ---- perfect trees: the number of the leaf is put together bit by bit ---- */

INLINE __mmask64 second(const fd_heap_split *s, const uint8_t *ranks)
{
    __m512i rank = _mm512_load_si512((const void *)(ranks + s->ranks));
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

/* The code of deeper ones calls this one. */
AVX512 static __attribute__((noinline)) __m512i tree6(const fd_heap_split *s, uint32_t i,
                                                      const uint8_t *ranks)
{
    __m512i left = tree5(s, 2 * i + 1, ranks);
    return join(&s[i], ranks, left, tree5(s, 2 * i + 2, ranks), 32);
}

DEFINE_TREE(7, 6, 64)
DEFINE_TREE(8, 7, -128)

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
    case 6:
        leaf = tree6(s, 0, ranks);
        break;
    case 7:
        leaf = tree7(s, 0, ranks);
        break;
    default:
        leaf = tree8(s, 0, ranks);
    }
    _mm512_store_si512((void *)leaves, leaf);
}

/* ---- trees of any shape ---- */

AVX512 static void bytes(const fd_byte_split *splits, uint32_t n, const uint8_t *ranks,
                         uint8_t *leaves)
{
    __m512i slots[2 * FD_TILE_LEAVES];
    for (uint32_t i = 0; i <= n; i++)
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

AVX512 static void add_few_floats(const float *values, const uint8_t *leaves, float *sums)
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

AVX512 static void add_floats(const float *values, uint32_t n, const uint8_t *leaves, float *sums)
{
    if (n <= FD_TILE_LEAVES) {
        add_few_floats(values, leaves, sums);
        return;
    }
    for (int r = 0; r < FD_TILE; r += FLOATS) {
        __m512i leaf = _mm512_cvtepu8_epi32(_mm_load_si128((const void *)(leaves + r)));
        __m512 value = _mm512_i32gather_ps(leaf, values, sizeof *values);
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
    static const fd_forest_kernels table = {see,     rank_floats, rank_doubles, spread,
                                            perfect, bytes,       add_floats,   add_doubles};
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has ? &table : NULL;
}

#endif
