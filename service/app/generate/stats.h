/*
 * What a generated stream looks like in numbers, for a person to judge. One owner.
 */
#ifndef FD_APP_GENERATE_STATS_H
#define FD_APP_GENERATE_STATS_H

#include "app/generate/stream.h"

enum { FD_STATS_OCTAVES = 40 };

typedef struct fd_gen_stats {
    uint64_t n;
    uint64_t declined;
    uint64_t recurring;
    uint64_t cross_border; /* card's country is not the merchant's */
    uint64_t by_channel[FD_N_CHANNELS];
    uint64_t by_pattern[FD_N_PATTERNS + 1];
    uint64_t by_hour[24];
    uint64_t by_octave[FD_STATS_OCTAVES]; /* of euro amounts: 2^i .. 2^(i+1) minor units */
    uint64_t euros;                       /* payments in that currency */
    int64_t euro_minor;
    int64_t first_ms, last_ms;
} fd_gen_stats;

void fd_gen_stats_add(fd_gen_stats *s, const fd_payment *p, fd_pattern pattern);
/* Lines that begin with "% ". */
void fd_gen_stats_print(const fd_gen_stats *s, fd_strbuf *out);

#endif
