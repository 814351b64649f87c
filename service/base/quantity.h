/*
 * Numbers with units, as people write them in files: durations, sizes, percentages.
 * Pure functions, any thread.
 */
#ifndef FD_BASE_QUANTITY_H
#define FD_BASE_QUANTITY_H

#include <stdint.h>

/* NULL, or what is wrong with the text, as the end of a sentence ("is not a duration ..."). */
const char *fd_parse_duration(const char *text, int64_t *us);     /* 250ms, 1.5h, 28d, 0 */
const char *fd_parse_bytes(const char *text, int64_t *out);       /* 64MiB, 1kB, 12 */
const char *fd_parse_percent(const char *text, double *fraction); /* 5% */

#endif
