/*
 * An endless stream of card payments in the order of their times, with frauds planted in it.
 *
 * Equal configurations give equal streams on every machine. Customers pay by a Poisson process
 * that follows the hours of the week; frauds begin at some genuine payment and unfold over minutes
 * to hours among the others. Bounded: at most FD_PLANTS_MAX planned fraudulent payments at once
 * (no new fraud begins when they are used up). One owner at a time.
 */
#ifndef FD_APP_GENERATE_STREAM_H
#define FD_APP_GENERATE_STREAM_H

#include "app/generate/world.h"

/* X(name, text in labels, share of frauds in percent, fewest, most payments) */
#define FD_SCENARIOS(X)                                 \
    X(CARD_TESTING, "card_testing", 15, 8, 25)          \
    X(ACCOUNT_TAKEOVER, "account_takeover", 20, 2, 5)   \
    X(HIGH_RISK_MCC, "high_risk_mcc", 20, 1, 3)         \
    X(IMPOSSIBLE_TRAVEL, "impossible_travel", 20, 1, 4) \
    X(STOLEN_CARD, "stolen_card_cross_border", 25, 3, 8)

typedef enum fd_scenario {
#define X(name, text, share, fewest, most) FD_SCENARIO_##name,
    FD_SCENARIOS(X)
#undef X
        FD_N_SCENARIOS,
    FD_SCENARIO_NONE = FD_N_SCENARIOS
} fd_scenario;

enum { FD_PLANTS_MAX = 1 << 16, FD_CUSTOMERS_MAX = 9999999, FD_PAYMENTS_PER_DAY = 3 };

typedef struct fd_stream_config {
    uint64_t seed;
    uint32_t customers;  /* 1 .. FD_CUSTOMERS_MAX */
    int64_t start_ms;    /* no payment is before it */
    int64_t mean_gap_ns; /* event time between payments over a week; 0 = by customers */
    bool steady;         /* the same rate at all hours */
    uint32_t fraud_ppm;  /* share of fraudulent payments */
} fd_stream_config;

typedef struct fd_stream fd_stream;

fd_stream *fd_stream_new(const fd_stream_config *config);
void fd_stream_free(fd_stream *s); /* NULL is fine */

/* The next payment; FD_SCENARIO_NONE: a genuine one. */
fd_scenario fd_stream_next(fd_stream *s, fd_payment *out);

const char *fd_scenario_name(fd_scenario s); /* "" for NONE */

#endif
