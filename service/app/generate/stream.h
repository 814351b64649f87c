/*
 * An endless stream of card payments in the order of their times, with frauds planted in it.
 *
 * Equal configurations give equal streams on every machine. Customers pay by a Poisson process
 * that follows the hours of the week; frauds begin at some genuine payment and unfold over minutes
 * to days among the others. So do errands, genuine payments that look like frauds: tours of shops,
 * businesses that order all day, players, sales that everybody runs to, removals, remittances.
 * Bounded: at most FD_PLANTS_MAX planned payments at once (nothing new begins when they are used
 * up). One owner at a time.
 */
#ifndef FD_APP_GENERATE_STREAM_H
#define FD_APP_GENERATE_STREAM_H

#include "app/generate/world.h"

/* The usual mix. X(name, text in labels, share of fraudulent payments in percent, fewest, most
 * payments) */
#define FD_PATTERNS(X)                                 \
    X(CARD_TESTING, "card_testing", 16, 8, 25)         \
    X(VELOCITY, "velocity", 13, 8, 20)                 \
    X(STOLEN_CARD, "stolen_card", 17, 3, 8)            \
    X(ACCOUNT_TAKEOVER, "account_takeover", 12, 2, 5)  \
    X(DEVICE_CYCLING, "device_cycling", 9, 5, 12)      \
    X(BIN_ATTACK, "bin_attack", 14, 20, 60)            \
    X(IMPOSSIBLE_TRAVEL, "impossible_travel", 7, 1, 4) \
    X(BUST_OUT, "bust_out", 7, 6, 14)                  \
    X(STRUCTURING, "structuring", 5, 5, 10)

typedef enum fd_pattern {
#define X(name, text, share, fewest, most) FD_PATTERN_##name,
    FD_PATTERNS(X)
#undef X
        FD_N_PATTERNS,
    FD_PATTERN_NONE = FD_N_PATTERNS
} fd_pattern;

enum { FD_PLANTS_MAX = 1 << 16, FD_CUSTOMERS_MAX = 9999999, FD_PAYMENTS_PER_DAY = 3 };
enum { FD_FRAUD_MAX_PPM = 500000 };

typedef struct fd_stream_config {
    uint64_t seed;
    uint32_t customers;  /* 1 .. FD_CUSTOMERS_MAX */
    int64_t start_ms;    /* no payment is before it */
    int64_t mean_gap_ns; /* event time between payments over a week; 0 = by customers */
    bool steady;         /* the same rate at all hours */
    uint32_t fraud_ppm[FD_N_PATTERNS]; /* shares of all payments; at most FD_FRAUD_MAX_PPM in all */
} fd_stream_config;

typedef struct fd_stream fd_stream;

fd_stream *fd_stream_new(const fd_stream_config *config);
void fd_stream_free(fd_stream *s); /* NULL is fine */

/* The next payment; FD_PATTERN_NONE: a genuine one. */
fd_pattern fd_stream_next(fd_stream *s, fd_payment *out);
/* The fraud that the latest payment belongs to, from 1 in the order of their beginnings; 0: none.
 */
uint64_t fd_stream_case(const fd_stream *s);

/* The usual mix: total_ppm of all payments are fraudulent. */
void fd_fraud_usual(uint32_t total_ppm, uint32_t out[FD_N_PATTERNS]);

const char *fd_pattern_name(fd_pattern p); /* "" for NONE */

#endif
