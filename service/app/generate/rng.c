/* Fixed-point functions of the generator; see rng.h. Pure. */
#include "app/generate/rng.h"

#include "base/assert.h"

static const int64_t LN2_Q16 = 45426;
static const int64_t LOG2_E_Q16 = 94548;

int64_t fd_gauss_q16(uint64_t random)
{
    int64_t sum = (int64_t)(random & 0xffff) + (int64_t)(random >> 16 & 0xffff) +
                  (int64_t)(random >> 32 & 0xffff) + (int64_t)(random >> 48);
    /* Mean 2, variance 4/12: the deviation is 1/sqrt(3), so scale by sqrt(3). */
    return (sum - 2 * 65536 + 2) * 113512 / 65536;
}

/* A cubic that is right to 0.01 % over one octave, then shifts. */
int64_t fd_exp2_q16(int64_t x_q16)
{
    FD_ASSERT(x_q16 >= -16 * FD_Q16 && x_q16 <= 30 * FD_Q16);
    int64_t whole = x_q16 >= 0 ? x_q16 / FD_Q16 : -((-x_q16 + FD_Q16 - 1) / FD_Q16);
    int64_t f = x_q16 - whole * FD_Q16;
    int64_t y = 5121;
    y = 14822 + y * f / FD_Q16;
    y = 45584 + y * f / FD_Q16;
    y = FD_Q16 + y * f / FD_Q16;
    return whole >= 0 ? y << whole : y >> -whole;
}

/* log2 by repeated squaring: each square that reaches 2 gives the next binary digit 1. */
static int64_t log2_q16(uint64_t v)
{
    FD_ASSERT(v != 0);
    int whole = 63 - __builtin_clzll(v);
    uint64_t m = whole >= 31 ? v >> (whole - 31) : v << (31 - whole);
    int64_t result = whole;
    for (int i = 0; i < 16; i++) {
        m = m * m >> 31;
        result <<= 1;
        if (m >> 32) {
            m >>= 1;
            result |= 1;
        }
    }
    return result;
}

int64_t fd_exponential_q16(uint64_t random)
{
    uint64_t u = random >> 11 | 1;
    return (53 * FD_Q16 - log2_q16(u)) * LN2_Q16 / FD_Q16;
}

int64_t fd_lognormal_q16(uint64_t random, int32_t sigma_milli)
{
    int64_t power = fd_gauss_q16(random) * sigma_milli / 1000 * LOG2_E_Q16 / FD_Q16;
    return fd_exp2_q16(power);
}
