/*
 * Rules against their own past: which fell silent, which exploded.
 *
 * Per rule, a baseline of its hit rate (hits per evaluation), exponentially weighted by the number
 * of evaluations, and the window since the latest evaluations were added to it. The window is
 * compared with what the baseline expects of it, by Anscombe's variance-stabilising transform of
 * Poisson counts (F. J. Anscombe, Biometrika 35, 1948), with the uncertainty of the baseline
 * itself:
 *
 *     z = 2 (sqrt(k + 3/8) - sqrt(e + 3/8)) / sqrt(1 + e / K)
 *
 * k hits seen, e expected, K hits in the baseline. Something is said when |z| >= 5 (by chance once
 * in millions of windows) and the rate is less than a quarter or more than four times what it was:
 * hits of frauds come in bursts, and days have a rhythm, so that significance alone would say too
 * much. For the same reason a rule is silent only at the end of a window, which is one with
 * FD_FIGURES_WINDOW expected hits, and exploded only with FD_FIGURES_LEAST hits. It is over when a
 * whole window is within a factor of two again. Windows that are out of the ordinary change the
 * baseline at a tenth of the pace; at last the new level is the past.
 *
 * Everything counts evaluations, nothing looks at a clock. Any thread (it locks).
 */
#ifndef FD_TELEMETRY_FIGURES_H
#define FD_TELEMETRY_FIGURES_H

#include "base/strbuf.h"
#include "domain/decision.h"
#include "ports/observer.h"

enum {
    FD_FIGURES_MEMORY = 1000000, /* evaluations: the weight of older ones has fallen to 1/e */
    FD_FIGURES_LEARN = 20000,    /* evaluations before anything is said */
    FD_FIGURES_WINDOW = 50,      /* expected hits that end a window; or */
    FD_FIGURES_WINDOW_MAX = FD_FIGURES_MEMORY / 4, /* that many evaluations, */
    FD_FIGURES_WINDOW_MIN = 1000,                  /* but not fewer than these */
    FD_FIGURES_LEAST = 50,                         /* hits: with fewer nothing has exploded */
};

/* X(id, as metrics and JSON have it) */
#define FD_ANOMALIES(X) \
    X(NONE, "none")     \
    X(SILENT, "silent") \
    X(EXPLODED, "exploded")

typedef enum fd_anomaly {
#define X(id, text) FD_ANOMALY_##id,
    FD_ANOMALIES(X)
#undef X
        FD_N_ANOMALIES
} fd_anomaly;

const char *fd_anomaly_name(fd_anomaly a);

typedef struct fd_figures fd_figures;

/* What changed with a rule, for whoever says it. */
typedef struct fd_figures_change {
    fd_anomaly before, now;
    double rate;     /* hits per evaluation, of the window */
    double expected; /* of the baseline */
} fd_figures_change;

fd_figures *fd_figures_new(void);
void fd_figures_free(fd_figures *f); /* NULL is fine */

/* What rule numbers mean from now on. Rules whose id stays keep their past; so do those that are
 * gone, until the next call. */
void fd_figures_set_rules(fd_figures *f, const fd_rule_label *rules, uint32_t n);

/* What a rule did since the last call. True: *change says what is to be said. */
bool fd_figures_count(fd_figures *f, uint32_t rule, uint64_t evaluations, uint64_t hits,
                      fd_figures_change *change);

fd_anomaly fd_figures_anomaly(fd_figures *f, uint32_t rule);
/* A JSON array of the rules that are out of the ordinary, at most `max`. */
void fd_figures_json(fd_figures *f, uint32_t max, fd_strbuf *out);

#endif
