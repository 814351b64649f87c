/*
 * From a raw score to what people read: the functions at the end of a model.
 *
 * Each is built from additions, multiplications and divisions only, so that its bits depend on the
 * argument and not on the machine's mathematical library. fd_exp is within 1 ulp of the true value
 * (measured); the float ones round such a double to float once, so that they are the nearest float
 * or its neighbour. Pure functions, any thread.
 */
#ifndef FD_SCORE_TRANSFORM_H
#define FD_SCORE_TRANSFORM_H

#include <stdint.h>

double fd_exp(double x);
/* log(1 + e^x), for every x; within 4 ulp (measured). */
double fd_log_one_plus_exp(double x);
float fd_exp_float(float x);
/* 1 / (1 + e^-x) in float arithmetic, as XGBoost has it. */
float fd_sigmoid_float(float x);
/* x[0 .. n) to e^x over their sum, in float with the sum in double, as XGBoost has it. */
void fd_softmax_float(float *x, uint32_t n);

#endif
