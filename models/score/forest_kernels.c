/*
 * The kernels of forest_fast.h in plain C, whose loops over 64 rows compilers turn into vectors;
 * the same source again for AVX2, chosen at run time. Any thread.
 */
#include "score/forest_fast.h"

#define INLINE static inline __attribute__((always_inline))

FD_DEFINE_RANK_OF(rank_of_float, float)
FD_DEFINE_RANK_OF(rank_of_double, double)

enum { COUNTED = 24 }; /* so few cuts are counted, all of them */

#define DEFINE_RANKS(name, number)                                                     \
    INLINE void name(const number *cuts, uint32_t n, const number *x, uint32_t *ranks) \
    {                                                                                  \
        for (int r = 0; r < FD_TILE; r++)                                              \
            ranks[r] = 0;                                                              \
        for (uint32_t i = 0; i < n && n <= COUNTED; i++) {                             \
            for (int r = 0; r < FD_TILE; r++)                                          \
                ranks[r] += cuts[i] <= x[r];                                           \
        }                                                                              \
        for (int r = 0; r < FD_TILE && n > COUNTED; r++)                               \
            ranks[r] = name##_one(cuts, n, x[r]);                                      \
    }
#define rank_floats_body_one  rank_of_float
#define rank_doubles_body_one rank_of_double
DEFINE_RANKS(rank_floats_body, float)
DEFINE_RANKS(rank_doubles_body, double)

INLINE bool see_body(const double *x, float *floats, uint8_t *missing)
{
    uint8_t any = 0;
    for (int r = 0; r < FD_TILE; r++) {
        floats[r] = (float)x[r];
        missing[r] = x[r] != x[r];
    }
    for (int r = 0; r < FD_TILE; r++)
        any |= missing[r];
    return any != 0;
}

INLINE void spread_body(const uint32_t *ranks, uint32_t first, const uint8_t *missing, uint8_t lost,
                        uint8_t *column)
{
    for (int r = 0; r < FD_TILE; r++) {
        uint32_t above = ranks[r] > first ? ranks[r] - first : 0;
        column[r] = (uint8_t)(above < UINT8_MAX ? above : UINT8_MAX);
    }
    for (int r = 0; r < FD_TILE && missing != NULL; r++)
        column[r] = missing[r] ? lost : column[r];
}

INLINE void choose(const uint8_t *ranks, uint8_t k, const uint8_t *first, const uint8_t *second,
                   uint8_t *to)
{
    for (int r = 0; r < FD_TILE; r++)
        to[r] = ranks[r] > k ? second[r] : first[r];
}

/* Slots 0 to 63: the number of the slot, for all rows. */
typedef struct slots {
    _Alignas(64) uint8_t of[2 * FD_TILE_LEAVES][FD_TILE];
} slots;

INLINE void fill_leaves(slots *s, uint32_t n)
{
    for (uint32_t leaf = 0; leaf < n; leaf++) {
        for (int r = 0; r < FD_TILE; r++)
            s->of[leaf][r] = (uint8_t)leaf;
    }
}

INLINE void bytes_body(const fd_byte_split *splits, uint32_t n, const uint8_t *ranks,
                       uint8_t *leaves)
{
    slots s;
    fill_leaves(&s, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const fd_byte_split *split = &splits[i];
        choose(ranks + (size_t)split->column * FD_TILE, split->k, s.of[split->first],
               s.of[split->second], s.of[split->to]);
    }
    for (int r = 0; r < FD_TILE; r++)
        leaves[r] = s.of[splits[n - 1].to][r];
}

/* A heap from the last split to the first: the lowest level chooses between two leaves. */
INLINE void perfect_body(const fd_heap_split *splits, uint32_t depth, const uint8_t *ranks,
                         uint8_t *leaves)
{
    _Alignas(64) uint8_t chosen[1 << FD_PERFECT_DEPTH][FD_TILE];
    uint32_t n = (1U << depth) - 1, last = n / 2;
    for (uint32_t i = n; i-- > last;) {
        const uint8_t *rank = ranks + splits[i].ranks;
        uint8_t k = (uint8_t)splits[i].k, first = (uint8_t)(2 * i + 1 - n);
        for (int r = 0; r < FD_TILE; r++)
            chosen[i][r] = (uint8_t)(first + (rank[r] > k));
    }
    for (uint32_t i = last; i-- > 0;)
        choose(ranks + splits[i].ranks, (uint8_t)splits[i].k, chosen[2 * i + 1], chosen[2 * i + 2],
               chosen[i]);
    for (int r = 0; r < FD_TILE; r++)
        leaves[r] = chosen[0][r];
}

INLINE void add_floats_body(const float *values, const uint8_t *leaves, float *sums)
{
    for (int r = 0; r < FD_TILE; r++)
        sums[r] += values[leaves[r]];
}

INLINE void add_doubles_body(const double *values, const uint8_t *leaves, double *sums)
{
    for (int r = 0; r < FD_TILE; r++)
        sums[r] += values[leaves[r]];
}

/* All kernels for one set of instructions, and their table. */
#define DEFINE_KERNELS(TARGET, set)                                                                \
    TARGET static void rank_floats_##set(const float *cuts, uint32_t n, const float *x,            \
                                         uint32_t *ranks)                                          \
    {                                                                                              \
        rank_floats_body(cuts, n, x, ranks);                                                       \
    }                                                                                              \
    TARGET static void rank_doubles_##set(const double *cuts, uint32_t n, const double *x,         \
                                          uint32_t *ranks)                                         \
    {                                                                                              \
        rank_doubles_body(cuts, n, x, ranks);                                                      \
    }                                                                                              \
    TARGET static bool see_##set(const double *x, float *floats, uint8_t *missing)                 \
    {                                                                                              \
        return see_body(x, floats, missing);                                                       \
    }                                                                                              \
    TARGET static void spread_##set(const uint32_t *ranks, uint32_t first, const uint8_t *missing, \
                                    uint8_t lost, uint8_t *column)                                 \
    {                                                                                              \
        spread_body(ranks, first, missing, lost, column);                                          \
    }                                                                                              \
    TARGET static void perfect_##set(const fd_heap_split *splits, uint32_t depth,                  \
                                     const uint8_t *ranks, uint8_t *leaves)                        \
    {                                                                                              \
        perfect_body(splits, depth, ranks, leaves);                                                \
    }                                                                                              \
    TARGET static void bytes_##set(const fd_byte_split *splits, uint32_t n, const uint8_t *ranks,  \
                                   uint8_t *leaves)                                                \
    {                                                                                              \
        bytes_body(splits, n, ranks, leaves);                                                      \
    }                                                                                              \
    TARGET static void add_floats_##set(const float *values, uint32_t n, const uint8_t *leaves,    \
                                        float *sums)                                               \
    {                                                                                              \
        (void)n;                                                                                   \
        add_floats_body(values, leaves, sums);                                                     \
    }                                                                                              \
    TARGET static void add_doubles_##set(const double *values, const uint8_t *leaves,              \
                                         double *sums)                                             \
    {                                                                                              \
        add_doubles_body(values, leaves, sums);                                                    \
    }                                                                                              \
    static const fd_forest_kernels kernels_##set = {                                               \
        see_##set,     rank_floats_##set, rank_doubles_##set, spread_##set,                        \
        perfect_##set, bytes_##set,       add_floats_##set,   add_doubles_##set};

DEFINE_KERNELS(, plain)

const fd_forest_kernels *fd_forest_kernels_plain(void)
{
    return &kernels_plain;
}

#if defined(__x86_64__)

DEFINE_KERNELS(__attribute__((target("avx2"))), avx2)

const fd_forest_kernels *fd_forest_kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &kernels_avx2 : NULL;
}

#else

const fd_forest_kernels *fd_forest_kernels_avx2(void)
{
    return NULL;
}

const fd_forest_kernels *fd_forest_kernels_avx512(void)
{
    return NULL;
}

#endif
