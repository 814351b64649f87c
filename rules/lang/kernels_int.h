/* The kernels' files to each other. */
#ifndef FD_LANG_KERNELS_INT_H
#define FD_LANG_KERNELS_INT_H

#include "lang/kernels.h"

void fd_kernel_rank(const int64_t *keys, uint32_t n_keys, const int64_t *x, uint32_t n,
                    uint32_t *out);

void fd_kernel_order(const double *x, uint32_t n, int64_t *keys);

/* kernels_x86.c: NULL where the machine has no such instructions. */
const fd_kernels *fd_kernels_avx2(void);
const fd_kernels *fd_kernels_avx512(void);

#endif
