/*
 * Random numbers and the little arithmetic that the generator needs, in integers only: equal seeds
 * give equal bytes on every machine and compiler, which libm does not promise.
 *
 * Generators: xoshiro256** and SplitMix64, from the public-domain descriptions by David Blackman
 * and Sebastiano Vigna (prng.di.unimi.it). Fixed point: "q16" is a number times 65536.
 * Pure functions and one state per owner. Not for secrets.
 */
#ifndef FD_APP_GENERATE_RNG_H
#define FD_APP_GENERATE_RNG_H

#include <stdint.h>

typedef struct fd_rng {
    uint64_t s[4];
} fd_rng;

enum { FD_Q16 = 65536 };

/* SplitMix64's output function: spreads every bit of the input over the output. */
static inline uint64_t fd_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t fd_mix2(uint64_t a, uint64_t b)
{
    return fd_mix(fd_mix(a) ^ b);
}

static inline fd_rng fd_rng_from(uint64_t seed)
{
    fd_rng r;
    for (int i = 0; i < 4; i++)
        r.s[i] = fd_mix(seed + (uint64_t)i * 0x9e3779b97f4a7c15u);
    return r;
}

static inline uint64_t fd_rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t fd_rng_next(fd_rng *r)
{
    uint64_t result = fd_rotl(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = fd_rotl(r->s[3], 45);
    return result;
}

/* 0 .. n-1, n > 0. The bias of at most n/2^32 does not matter here. */
static inline uint32_t fd_below(uint64_t random, uint32_t n)
{
    return (uint32_t)((random >> 32) * n >> 32);
}

static inline uint32_t fd_rng_below(fd_rng *r, uint32_t n)
{
    return fd_below(fd_rng_next(r), n);
}

/* lo .. hi, both included. */
static inline int64_t fd_rng_range(fd_rng *r, int64_t lo, int64_t hi)
{
    return lo + fd_rng_below(r, (uint32_t)(hi - lo + 1));
}

/* True in `ppm` of a million cases. */
static inline int fd_rng_chance(fd_rng *r, uint32_t ppm)
{
    return fd_rng_below(r, 1000000) < ppm;
}

/* About normal with mean 0 and deviation 1, within ±3.47: the sum of four uniform numbers. */
int64_t fd_gauss_q16(uint64_t random);
/* 2^x, x from -16 to 30. */
int64_t fd_exp2_q16(int64_t x_q16);
/* -ln(u) for a uniform u in (0, 1): the waiting times of a Poisson process with mean 1. */
int64_t fd_exponential_q16(uint64_t random);
/* exp(sigma × normal): the factor by which amounts vary. sigma in thousandths. */
int64_t fd_lognormal_q16(uint64_t random, int32_t sigma_milli);

#endif
