/* See transform.h. Any thread. */
#include "score/transform.h"

#include <math.h>
#include <string.h>

/* 2^k for normal results. */
static double power_of_two(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* e^r by its series, |r| <= ln(2)/2: the first term left out is below 2^-60. */
static double series(double r)
{
    static const double of[] = {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0,
                                1.0 / 3628800.0,    1.0 / 362880.0,    1.0 / 40320.0,
                                1.0 / 5040.0,       1.0 / 720.0,       1.0 / 120.0,
                                1.0 / 24.0,         1.0 / 6.0,         0.5};
    double sum = of[0];
    for (int i = 1; i < (int)(sizeof of / sizeof *of); i++)
        sum = sum * r + of[i];
    return 1 + (r + r * r * sum);
}

double fd_exp(double x)
{
    /* ln(2) in two parts; the first one times k is exact. */
    static const double high = 0x1.62e42fee00000p-1, low = 0x1.a39ef35793c76p-33;
    if (isnan(x))
        return x;
    if (x > 709.782712893384)
        return INFINITY;
    if (x < -745.2)
        return 0;
    double k = rint(x * 1.4426950408889634);
    double e = series((x - k * high) - k * low);
    int half = (int)k / 2;
    return e * power_of_two(half) * power_of_two((int)k - half);
}

double fd_log_one_plus_exp(double x)
{
    /* log(1 + y) = 2 artanh(y / (2 + y)), of which s is at most a third: 9^-18 is below 2^-57. */
    enum { TERMS = 18 };
    double y = fd_exp(x < 0 ? x : -x), s = y / (2 + y), sum = 0;
    for (int k = TERMS - 1; k >= 0; k--)
        sum = sum * (s * s) + 1.0 / (2 * k + 1);
    return (x > 0 ? x : 0) + 2 * s * sum;
}

float fd_exp_float(float x)
{
    return (float)fd_exp(x);
}

float fd_sigmoid_float(float x)
{
    float minus = -x < 88.7F ? -x : 88.7F;
    float below = fd_exp_float(minus) + 1.0F;
    return 1.0F / below;
}

void fd_softmax_float(float *x, uint32_t n)
{
    float most = x[0];
    double sum = 0;
    for (uint32_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = fd_exp_float(x[i] - most);
        sum += x[i];
    }
    for (uint32_t i = 0; i < n; i++)
        x[i] /= (float)sum;
}
